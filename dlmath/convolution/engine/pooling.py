"""Pooling: the largest or the mean value of every N x N block, blocks side by side.

    out[y, x] = max or mean of image[N y .. N y + N - 1, N x .. N x + N - 1]

Rows and columns that do not fill a block are left out: the output has floor(H / N) x floor(W / N) pixels. Means of
whole numbers are rounded half up, exactly.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from dlmath.errors import InvalidValueError, ShapeError, unknown

if TYPE_CHECKING:
    from collections.abc import Callable

    from dlmath.neural.arrays import Array

KINDS = ("max", "average")
STRIP = 1 << 20
"""Elements of the image that are pooled at a time."""


@dataclass(frozen=True)
class Pool:
    """A kind of pooling and the side of its blocks."""

    kind: str
    size: int

    def __str__(self) -> str:
        return f"{self.kind}:{self.size}"


def parse_pool(text: str) -> Pool:
    """Return the pooling a user names.

    >>> parse_pool("max:2")
    Pool(kind='max', size=2)
    """
    kind, _, size = text.partition(":")
    if kind not in KINDS:
        raise unknown("pooling", kind, [f"{name}:N" for name in KINDS])
    if not (size.isascii() and size.isdigit() and int(size) >= 1):
        raise InvalidValueError(f"pooling {text!r} lacks the size of its blocks", f"write {kind}:N, as in {kind}:2")
    return Pool(kind, int(size))


def pool(image: Array, pooling: Pool) -> Array:
    """Return an image pooled.

    Parameters
    ----------
    image : ndarray of shape (H, W) or (H, W, C), any real dtype
    pooling : Pool

    Returns
    -------
    ndarray of shape (floor(H / N), floor(W / N)) or with C, of the image's dtype

    Examples
    --------
    >>> pool(np.uint8([[1, 2, 3, 4], [5, 6, 7, 9]]), Pool("average", 2))
    array([[4, 6]], dtype=uint8)
    """
    size = pooling.size
    if image.ndim not in {2, 3} or 0 in image.shape:
        raise ShapeError(f"an image of shape {image.shape}", "give (height, width) or (height, width, channels)")
    rows, columns = image.shape[0] // size, image.shape[1] // size
    if not rows or not columns:
        raise ShapeError(
            f"blocks of {size}x{size} do not fit into the image of {image.shape[0]}x{image.shape[1]} pixels",
            "choose smaller blocks",
        )
    result = np.empty((rows, columns, *image.shape[2:]), dtype=image.dtype)
    step = max(1, STRIP // (size * image[0].size))
    block = _maxima if pooling.kind == "max" else _means
    for row in range(0, rows, step):
        strip = image[row * size : min(row + step, rows) * size, : columns * size]
        result[row : row + step] = block(strip, size)
    return result


def _reduced(strip: Array, size: int, join: Callable[..., Any]) -> Array:
    """Return `join` over the rows of every block, then over its columns."""
    down = strip[::size].copy()
    for row in range(1, size):
        join(down, strip[row::size], out=down)
    across = down[:, ::size].copy()
    for column in range(1, size):
        join(across, down[:, column::size], out=across)
    return across


def _maxima(strip: Array, size: int) -> Array:
    return _reduced(strip, size, np.maximum)


def _means(strip: Array, size: int) -> Array:
    """Return the means; whole numbers as floor((2 sum + N^2) / (2 N^2)), which is the sum over N^2 rounded half up."""
    count = size * size
    if strip.dtype.kind == "f":
        return _reduced(strip.astype(np.result_type(strip.dtype, np.float64)), size, np.add) / count
    wide = np.dtype(object) if strip.dtype.itemsize == 8 else np.dtype(np.int64)
    means: Array = (_reduced(strip.astype(wide), size, np.add) + count // 2) // count
    return means >= 1 if strip.dtype.kind == "b" else means
