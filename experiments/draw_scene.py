"""Draw the project's sample picture: edges of every direction, text, texture, a smooth gradient, one bright point.

    python experiments/draw_scene.py [FILE]

The same pixels every time (integer arithmetic and seeded noise), so that README's numbers hold on any machine.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

WIDTH, HEIGHT = 480, 320
HORIZON = 200
SUN, POINT = (392, 62), (236, 28)
OUTPUT = Path(__file__).parent / "data" / "scene.png"


def sky() -> np.ndarray:
    """Return a gradient from deep blue to a warm horizon: smooth, so that derivatives find next to nothing."""
    down = np.arange(HORIZON)[:, None, None]
    above, below = np.array([52, 92, 168]), np.array([242, 204, 158])
    return np.broadcast_to((above * (HORIZON - down) + below * down) // HORIZON, (HORIZON, WIDTH, 3))


def ground() -> np.ndarray:
    """Return grass: seeded noise, finer at the horizon than in front."""
    random = np.random.default_rng(2024)
    rows = HEIGHT - HORIZON
    fine = random.integers(-22, 23, (rows, WIDTH))
    coarse = random.integers(-26, 27, (rows // 4, WIDTH // 4)).repeat(4, 0).repeat(4, 1)
    nearness = np.arange(rows)[:, None]
    texture = (fine * (rows - nearness) + coarse * nearness) // rows
    return np.array([88, 124, 58]) + texture[:, :, None] - nearness[:, :, None] // 4


def canvas() -> Image.Image:
    """Return sky over ground."""
    return Image.fromarray(np.concatenate([sky(), ground()]).clip(0, 255).astype(np.uint8))


def house(draw: ImageDraw.ImageDraw) -> None:
    """Draw straight edges: upright, level, and two slopes."""
    draw.rectangle((48, 130, 196, 258), fill=(204, 178, 148))
    draw.polygon([(34, 130), (122, 62), (210, 130)], fill=(150, 56, 46))
    draw.rectangle((102, 196, 142, 258), fill=(84, 52, 34))
    for left in (62, 154):
        draw.rectangle((left, 150, left + 30, 184), fill=(250, 232, 150), outline=(60, 48, 40), width=2)
        draw.line((left + 15, 150, left + 15, 184), fill=(60, 48, 40), width=2)
        draw.line((left, 167, left + 30, 167), fill=(60, 48, 40), width=2)


def bricks(draw: ImageDraw.ImageDraw) -> None:
    """Draw a chimney of a repeating pattern."""
    draw.rectangle((158, 62, 182, 108), fill=(168, 82, 62))
    for row, top in enumerate(range(62, 108, 6)):
        draw.line((158, top, 182, top), fill=(214, 186, 170))
        for left in range(158 + 6 * (row % 2), 182, 12):
            draw.line((left, top, left, min(top + 6, 108)), fill=(214, 186, 170))


def sun(draw: ImageDraw.ImageDraw) -> None:
    """Draw an edge of every direction, and one bright point: its picture is the kernel itself."""
    draw.ellipse((SUN[0] - 34, SUN[1] - 34, SUN[0] + 34, SUN[1] + 34), fill=(255, 238, 170))
    draw.point(POINT, fill=(255, 255, 255))


def tree(draw: ImageDraw.ImageDraw) -> None:
    """Draw foliage: many small dark and light discs."""
    random = np.random.default_rng(7)
    draw.rectangle((424, 168, 438, 268), fill=(74, 48, 32))
    for _ in range(260):
        x, y = (int(v) for v in random.integers(-38, 39, 2))
        if x * x + y * y < 38 * 38:
            green = int(random.integers(60, 150))
            draw.ellipse((428 + x, 156 + y, 434 + x, 162 + y), fill=(green // 3, green, green // 3))


def star(draw: ImageDraw.ImageDraw) -> None:
    """Draw rays that close on a point: where they merge, a blur's width can be read."""
    centre = (320, 246)
    rays = [(40, 0), (39, 8), (37, 15), (33, 22), (28, 28), (22, 33), (15, 37), (8, 39)]
    draw.ellipse((278, 204, 362, 288), fill=(245, 245, 245))
    ends = (
        [(x, y) for x, y in rays]
        + [(-y, x) for x, y in rays]
        + [(-x, -y) for x, y in rays]
        + [(y, -x) for x, y in rays]
    )
    for (ax, ay), (bx, by) in zip(ends[0::2], ends[1::2], strict=True):
        points = [centre, (centre[0] + ax, centre[1] + ay), (centre[0] + bx, centre[1] + by)]
        draw.polygon(points, fill=(20, 20, 20))


def words(image: Image.Image) -> None:
    """Write with Pillow's own bitmap font: small, and four times enlarged."""
    font = ImageFont.load_default_imagefont()
    draw = ImageDraw.Draw(image)
    draw.text((14, 292), "the quick brown fox jumps over the lazy dog 0123456789", fill=(250, 250, 240), font=font)
    glyphs = Image.new("1", (40, 12))
    ImageDraw.Draw(glyphs).text((1, 0), "dlmath", fill=1, font=font)
    large = glyphs.resize((160, 48), Image.Resampling.NEAREST)
    image.paste((24, 34, 60), (14, 10), large)


def scene() -> Image.Image:
    """Return the whole picture."""
    image = canvas()
    draw = ImageDraw.Draw(image)
    for part in (house, bricks, sun, tree, star):
        part(draw)
    words(image)
    return image


if __name__ == "__main__":
    scene().save(sys.argv[1] if len(sys.argv) > 1 else OUTPUT, optimize=True)
