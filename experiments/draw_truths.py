"""Draw the boxes that experiment 20 holds anchors against: data/truths.csv.

A hundred in each of five classes of size (s24 to s384: the square root of the area from 24 to 48 pixels ..., even on a
logarithmic scale), height over width from 1/2 to 2, anywhere wholly within a picture of 1000 x 600.

    python experiments/draw_truths.py
"""

from __future__ import annotations

import csv
import math
import random
from pathlib import Path

WIDTH, HEIGHT = 1000, 600
OCTAVES = (24, 48, 96, 192, 384)
EACH = 100


def draw(smallest: int, chance: random.Random) -> tuple[int, int, int, int]:
    """Return a box of a size from `smallest` to twice that."""
    while True:
        size, ratio = smallest * 2 ** chance.random(), 2 ** chance.uniform(-1, 1)
        width, height = round(size / math.sqrt(ratio)), round(size * math.sqrt(ratio))
        if width < WIDTH and height < HEIGHT:
            x, y = chance.randrange(WIDTH - width), chance.randrange(HEIGHT - height)
            return x, y, x + width, y + height


def main() -> None:
    chance = random.Random(20)
    with (Path(__file__).parent / "data" / "truths.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("class", "x1", "y1", "x2", "y2"))
        for smallest in OCTAVES:
            for _ in range(EACH):
                writer.writerow((f"s{smallest}", *draw(smallest, chance)))


if __name__ == "__main__":
    main()
