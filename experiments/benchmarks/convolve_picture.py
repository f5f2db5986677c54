"""A photograph-like picture for the benchmarks of convolution: gradients, texture, edges and sensor noise, by a seed.

No constant of the engine was tuned on it: SEED is used by the benchmarks alone.

    python experiments/benchmarks/convolve_picture.py FILE [--size 4000x3000] [--channels 3] [--seed 71993]
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

SEED = 71993
OCTAVES = ((512, 34.0), (128, 18.0), (32, 9.0), (8, 4.0))
"""Distance of the knots in pixels, and the height of what is laid through them: large forms to texture."""
DISCS = 160
NOISE = 2.5


def photograph(height: int, width: int, channels: int = 1, seed: int = SEED) -> np.ndarray:
    """Return uint8 pixels, (height, width) or (height, width, channels)."""
    random = np.random.default_rng(seed)
    light = np.linspace(150, 90, height, dtype=np.float32)[:, None] + np.zeros(width, dtype=np.float32)
    for distance, amplitude in OCTAVES:
        light += amplitude * smooth(random, height, width, distance)
    for _ in range(DISCS):
        edge(random, light)
    planes = []
    for _ in range(channels):
        tint = 1 + 0.2 * smooth(random, height, width, 512)
        grain = NOISE * random.standard_normal((height, width), dtype=np.float32)
        planes.append(np.clip(light * tint + grain + 0.5, 0, 255).astype(np.uint8))
    return planes[0] if channels == 1 else np.ascontiguousarray(np.stack(planes, axis=2))


def smooth(random: np.random.Generator, height: int, width: int, distance: int) -> np.ndarray:
    """Return a surface that is linear between random knots, both ways."""
    down, across = between(height, distance), between(width, distance)
    knots = random.standard_normal((down.shape[1], across.shape[1]), dtype=np.float32)
    return down @ knots @ across.T


def between(size: int, distance: int) -> np.ndarray:
    """Return the matrix from knots to pixels: two weights of sum 1 in every row."""
    place = np.arange(size) / distance
    left = place.astype(int)
    weights = np.zeros((size, left[-1] + 2), dtype=np.float32)
    weights[np.arange(size), left] = 1 - (place - left)
    weights[np.arange(size), left + 1] = place - left
    return weights


def edge(random: np.random.Generator, light: np.ndarray) -> None:
    """Brighten or darken a disc somewhere."""
    height, width = light.shape
    radius = int(random.integers(2, 3 + min(height, width) // 8))
    row, column = int(random.integers(height)), int(random.integers(width))
    rows = np.arange(max(0, row - radius), min(height, row + radius))
    columns = np.arange(max(0, column - radius), min(width, column + radius))
    inside = (rows[:, None] - row) ** 2 + (columns - column) ** 2 < radius**2
    light[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] += np.float32(random.uniform(-60, 60)) * inside


def size_of(text: str) -> tuple[int, int]:
    """Return (height, width) of WIDTHxHEIGHT."""
    width, height = text.lower().split("x")
    return int(height), int(width)


def main() -> None:
    """Write the picture by Pillow."""
    from PIL import Image

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--size", type=size_of, default=(3000, 4000), metavar="WIDTHxHEIGHT")
    parser.add_argument("--channels", type=int, default=3)
    parser.add_argument("--seed", type=int, default=SEED)
    options = parser.parse_args()
    pixels = photograph(*options.size, options.channels, options.seed)
    Image.fromarray(pixels).save(options.file, compress_level=1)


if __name__ == "__main__":
    main()
