"""The data set `marks`: ten simple marks drawn by the program, so that images can be learned without any file.

Ten classes of gray images: bars, diagonals, plus, cross, ring, square, triangle, arc; each at a place, of a size,
thickness, angle and contrast drawn at random, under noise. Pixels are neither clipped nor standardised.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dlmath.images.engine.data import ImageSet

if TYPE_CHECKING:
    from collections.abc import Callable

    from dlmath.neural.arrays import Array

    Distance = Callable[[Array, Array], Array]

CLASSES = (
    *("horizontal bar", "vertical bar", "slash", "backslash", "plus", "cross", "ring", "square", "triangle", "arc"),
)
STANDARD_SIZE = 16
NOISE = 0.15
ROUND = 0.85
"""Radius of ring and arc, in units of the mark's own."""
DIAGONAL = math.sqrt(0.5)
REACH = 3.5 + 1.8 / 2
"""Pixels from its centre to the outermost ink of the largest mark at the standard size, but for the smooth edge."""
EDGE = 0.5


class Marks(NamedTuple):
    """Which marks are drawn.

    Attributes
    ----------
    size : int
        Rows and columns; marks grow with it.
    wide : bool
        Centres lie as far out as the ink stays inside, instead of within 1.5 (of 16) pixels of the middle.
    """

    size: int = STANDARD_SIZE
    wide: bool = False

    @property
    def grown(self) -> float:
        """How much larger than standard the marks are."""
        return self.size / STANDARD_SIZE

    @property
    def jitter(self) -> float:
        """How far a centre lies from the middle at most, along each axis."""
        return (self.size - 1) / 2 - REACH * self.grown - EDGE if self.wide else 1.5 * self.grown


STANDARD = Marks()


def _segment(u: Array, v: Array, start: tuple[float, float], end: tuple[float, float]) -> Array:
    """Return the distance of points from a segment."""
    along = end[0] - start[0], end[1] - start[1]
    share = ((u - start[0]) * along[0] + (v - start[1]) * along[1]) / (along[0] ** 2 + along[1] ** 2)
    share = np.clip(share, 0, 1)
    return np.hypot(u - start[0] - share * along[0], v - start[1] - share * along[1])


def _strokes(*points: tuple[tuple[float, float], tuple[float, float]]) -> Distance:
    """Return the distance from the nearest of several segments."""
    return lambda u, v: np.minimum.reduce([_segment(u, v, *ends) for ends in points])


def _outline(*corners: tuple[float, float]) -> Distance:
    return _strokes(*zip(corners, (*corners[1:], corners[0]), strict=True))


def _ring(u: Array, v: Array) -> Array:
    return np.abs(np.hypot(u, v) - ROUND)


def _arc(u: Array, v: Array) -> Array:
    """Return the distance from the ring's upper half; below it, from its two ends."""
    return np.where(v <= 0, _ring(u, v), np.hypot(np.abs(u) - ROUND, v))


_D = DIAGONAL
_LYING, _STANDING = ((-1.0, 0.0), (1.0, 0.0)), ((0.0, -1.0), (0.0, 1.0))
_SLASH, _BACKSLASH = ((-_D, _D), (_D, -_D)), ((-_D, -_D), (_D, _D))
_TRIANGLE = tuple((math.cos(math.radians(angle)), math.sin(math.radians(angle))) for angle in (-90, 30, 150))
DISTANCES: tuple[Distance, ...] = (
    _strokes(_LYING),
    _strokes(_STANDING),
    _strokes(_SLASH),
    _strokes(_BACKSLASH),
    _strokes(_LYING, _STANDING),
    _strokes(_SLASH, _BACKSLASH),
    _ring,
    _outline((-_D, -_D), (_D, -_D), (_D, _D), (-_D, _D)),
    _outline(*_TRIANGLE),
    _arc,
)
"""For each class the distance of points (u, v) from the mark, u to the right, v down, in units of its radius."""


def draw_marks(count: int, seed: int, kind: Marks = STANDARD) -> ImageSet:
    """Return `count` marks, every class as often as the others (give or take one).

    All draws come from `default_rng(seed)`, in this order: labels, centres, radii, thicknesses, angles, contrasts,
    noise. Ink = contrast * clip(thickness / 2 + 1/2 - distance, 0, 1), so that edges are smooth.

    Examples
    --------
    >>> draw_marks(1000, 0).labels[:12]
    array([9, 6, 2, 2, 1, 4, 0, 0, 8, 4, 3, 4])
    """
    generator, grown = np.random.default_rng(seed), kind.grown
    labels = generator.permutation(np.arange(count) % len(CLASSES))
    centres = (kind.size - 1) / 2 + generator.uniform(-kind.jitter, kind.jitter, (count, 2))
    radii = generator.uniform(2.5, 3.5, count) * grown
    strokes = generator.uniform(1, 1.8, count) * grown
    angles = np.radians(generator.uniform(-12, 12, count))
    contrasts = generator.uniform(0.6, 1, count)
    noise = generator.standard_normal((count, kind.size, kind.size), np.float32)
    distances = _distances(labels, centres, radii, angles, kind.size)
    ink = np.clip(strokes[:, None, None] / 2 + 0.5 - distances * radii[:, None, None], 0, 1)
    images = (contrasts[:, None, None] * ink + NOISE * noise).astype(np.float32)
    return ImageSet(images[..., None], labels.astype(np.int64))


def _distances(labels: Array, centres: Array, radii: Array, angles: Array, size: int) -> Array:
    """Return each pixel's distance from its image's mark, in units of its radius, (n, size, size)."""
    pixels = np.arange(size)
    dx = (pixels[None, None, :] - centres[:, 0, None, None]) / radii[:, None, None]
    dy = (pixels[None, :, None] - centres[:, 1, None, None]) / radii[:, None, None]
    cos, sin = np.cos(angles)[:, None, None], np.sin(angles)[:, None, None]
    u, v = cos * dx + sin * dy, cos * dy - sin * dx
    distances = np.empty(u.shape)
    for label, distance in enumerate(DISTANCES):
        chosen = labels == label
        distances[chosen] = distance(u[chosen], v[chosen])
    return distances
