"""Sums as Pillow's `ImageFilter.Kernel` makes them: float32, row by row, from 1/2 on, then cut off.

    pixel = trunc(1/2 + sum over kernel rows of (sum over columns of weight * sample)), saturated to 8 bits,

all in float32, with weights divided by the scale in float32. Exact arithmetic rounds halves up; this rounds them as
float32 happens to.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from dlmath.neural.arrays import Array


def filtered(image: Array, numerators: Array, scale: int) -> Array:
    """Return the windows inside an 8-bit image, shape (H - kh + 1, W - kw + 1[, C]).

    Parameters
    ----------
    image : ndarray of uint8, shape (H, W) or (H, W, C)
    numerators : ndarray of integers, shape (kh, kw)
        As it lies on the image: row 0 on the uppermost row of the window. Pillow begins with the lowest.
    scale : int
        Divides every weight.

    Examples
    --------
    >>> filtered(np.full((3, 3), 7, np.uint8), np.ones((3, 3), int), 9)
    array([[7]], dtype=uint8)
    """
    rows, columns = numerators.shape
    height, width = image.shape[0] - rows + 1, image.shape[1] - columns + 1
    weights = numerators.astype(np.float32) / np.float32(scale)
    samples = image.astype(np.float32)
    total = np.full((height, width, *image.shape[2:]), 0.5, np.float32)
    for i in reversed(range(rows)):
        line = samples[i : i + height, :width] * weights[i, 0]
        for j in range(1, columns):
            line += samples[i : i + height, j : j + width] * weights[i, j]
        total += line
    return np.clip(np.trunc(total), 0, 255).astype(np.uint8)
