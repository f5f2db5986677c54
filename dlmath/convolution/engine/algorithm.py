"""What every algorithm of convolution has in common: the shape of a tile, the questions it answers, its types.

A tile's rows are laid an odd number of cache lines apart, so that those of one column do not evict each other.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from dlmath.neural.arrays import Array


@dataclass(frozen=True)
class TileShape:
    """A tile of output and the input it needs, row-major, channels interleaved.

    Attributes
    ----------
    rows, columns : int
        Output pixels of the tile at stride 1.
    channels : int
        Interleaved samples a pixel; every channel is convolved on its own.
    kernel_rows, kernel_columns : int
        Of the kernel with its dilation written out as zeros.
    """

    rows: int
    columns: int
    channels: int
    kernel_rows: int
    kernel_columns: int

    @property
    def source_shape(self) -> tuple[int, int]:
        """Rows and elements a row of the padded input: the output's and the kernel's halo."""
        return self.rows + self.kernel_rows - 1, (self.columns + self.kernel_columns - 1) * self.channels

    @property
    def row_elements(self) -> int:
        """Output elements a row."""
        return self.columns * self.channels


class Prepared(ABC):
    """An algorithm with its scratch and its calls laid out for one tile shape; one a thread, used for many tiles.

    Attributes
    ----------
    source : ndarray of the algorithm's dtype, shape `TileShape.source_shape` (rows may be strided, never columns)
        The caller fills it with the padded input: `source[i, j * channels + c]` is the input under output pixel (0, 0)
        shifted by (i, j). Halo and border are in it already.
    line : ndarray of shape (n,), or None
        The memory the sums are a view of, numbers also between the rows: what follows passes over it without stopping
        at the ends of rows. None where there is no such memory.
    """

    source: Array
    line: Array | None = None

    @abstractmethod
    def run(self) -> Array:
        """Return the tile's sums, shape (rows, columns * channels): a view of scratch, valid until the next call.

        result[r, x * C + c] = sum_ij kernel[i, j] * source[r + i, (x + j) * C + c]   (cross-correlation)
        """

    def release(self) -> None:  # noqa: B027 - most keep none
        """Give scratch back that the next call can use; nothing of it is touched after that."""


class Shelf:
    """Blocks of memory that are kept from call to call: a fresh one costs a page fault every 4 KiB.

    Threads take and give at the same time; a deque hands each block to one of them.
    """

    def __init__(self, kept: int = 48 << 20) -> None:
        self._blocks: deque[Array] = deque()
        self._kept = kept

    def take(self, length: int, dtype: np.dtype[Any]) -> Array:
        """Return an array of any content, shape (length,)."""
        if dtype.hasobject:
            return np.empty(length, dtype)
        size = length * dtype.itemsize
        for _ in range(len(self._blocks)):
            try:
                block = self._blocks.popleft()
            except IndexError:  # another thread was quicker
                break
            if size <= block.size <= 2 * size:
                return block[:size].view(dtype)
            self._blocks.append(block)
        return np.empty(size, np.uint8).view(dtype)

    def give(self, array: Array) -> None:
        """Keep the block of an array that was taken, and of the older ones only as many as may be kept."""
        if isinstance(array.base, np.ndarray) and array.base.dtype == np.uint8:
            self._blocks.append(array.base)
        while self._blocks and sum(block.size for block in list(self._blocks)) > self._kept:
            self._blocks.popleft()


SHELF = Shelf()


class Algorithm(ABC):
    """One way to compute the sums in floating point.

    Attributes
    ----------
    name : str
        On the command line.
    least : float
        Nanoseconds an output element costs at the very least in float32: where another way costs less, this one need
        not be asked.
    """

    name: str
    least: float

    @abstractmethod
    def suits(self, kernel: Array, dtype: np.dtype[Any]) -> bool:
        """Tell whether the algorithm can do a kernel, shape (kh, kw), on images of a dtype to full accuracy."""

    @abstractmethod
    def cost(self, kernel: Array, dtype: np.dtype[Any], channels: int) -> float:
        """Return the predicted cost in nanoseconds an output element, on the machine the constants come from."""

    @abstractmethod
    def prepare(self, kernel: Array, dtype: np.dtype[Any], shape: TileShape) -> Prepared:
        """Lay out scratch and calls for tiles of one shape."""

    @abstractmethod
    def preferred_tile(
        self, kernel_shape: tuple[int, int], image_shape: tuple[int, int], channels: int
    ) -> tuple[int, int]:
        """Return the rows and columns of output a tile is best cut to."""


LINE = 16
"""Elements a row is made up to: one cache line of float32."""


def working_dtype(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Return the type the sums are made in: float32 where it holds every value of `dtype`, else float64.

    >>> [working_dtype(np.dtype(name)).name for name in ("uint8", "uint16", "float32", "int32", "float64")]
    ['float32', 'float32', 'float32', 'float64', 'float64']
    """
    return np.dtype(np.float32 if np.result_type(dtype, np.float32) == np.float32 else np.float64)


def is_workable(kernel: Array, dtype: np.dtype[Any]) -> bool:
    """Tell whether image and kernel are real numbers and the kernel is finite."""
    return dtype.kind in "buif" and kernel.dtype.kind in "buif" and bool(np.isfinite(kernel).all())


def up(number: int, step: int) -> int:
    """Return the smallest multiple of `step` that is at least `number`.

    >>> up(17, 8)
    24
    """
    return -(-number // step) * step


def row_stride(elements: int) -> int:
    """Return how far apart rows of `elements` are laid: an odd number of cache lines.

    Rows a power of two apart share one set of the first-level cache, and a column of them evicts itself.

    >>> row_stride(1024)
    1040
    """
    lines = -(-elements // LINE)
    return (lines + 1 - lines % 2) * LINE


def equal_parts(length: int, longest: int) -> int:
    """Return the length of the equal parts, none longer than `longest`, that cover a length with least overhang.

    >>> equal_parts(4000, 1024)
    1000
    """
    return -(-length // -(-length // longest))


def in_line(rows: Array) -> Array:
    """Return the memory that rows are a view of, from the first element to the last, as one line: a view.

    >>> in_line(np.arange(12).reshape(3, 4)[:, :3])
    array([ 0,  1,  2,  3,  4,  5,  6,  7,  8,  9, 10])
    """
    length = (len(rows) - 1) * (rows.strides[0] // rows.itemsize) + rows.shape[1]
    return np.lib.stride_tricks.as_strided(rows, (length,), (rows.itemsize,))
