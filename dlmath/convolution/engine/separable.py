"""Separable and low-rank kernels: columns, then rows, each pass a banded product on views of the tile.

With K = sum_r u_r v_r^T, the sum over the window falls apart into kh multiplications down and kw across:

    V_r[y, x] = sum_i u_r[i] P[y + i, x]        out[y, x] = sum_r sum_j v_r[j] V_r[y, x + j]

The pass down takes interleaved channels as they are, for a step down keeps the channel. The pass across takes the
channels one by one. The ranks are added inside the tile, so the image is read and written once.

The products are found by taking crosses off: the row and the column through the largest weight that is left, over that
weight, until what is left is rounding (Gaussian elimination with complete pivoting; a kernel of rank r needs r).

Source: Treitel & Shanks, The design of multistage separable planar filters, IEEE Trans. Geosci. Electron. 1971.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from dlmath.convolution.engine.algorithm import (
    Algorithm,
    Prepared,
    equal_parts,
    in_line,
    is_workable,
    row_stride,
    up,
    working_dtype,
)
from dlmath.convolution.engine.bands import band, block_width, long_row, overlapping_blocks
from dlmath.convolution.engine.speeds import ADD, GATHER, MULTIPLY, PACK, PASS, fill_and_store, scale

if TYPE_CHECKING:
    from collections.abc import Callable

    from dlmath.convolution.engine.algorithm import TileShape
    from dlmath.neural.arrays import Array

MAXIMUM_RANK = 4
"""Above it the transform is cheaper at every size."""

DOWN = 12
"""Outputs a block of the pass down: fewer waste packing, more waste multiplications by zero."""

ACROSS = 16
"""Outputs a block of the pass across: whole vectors, whatever the processor."""


TOLERANCE = {np.dtype(np.float32): 1e-7, np.dtype(np.float64): 1e-13}
"""What is left out of the kernel, relative to its sum of absolute weights: at the rounding error of the sums."""


class Factors(NamedTuple):
    """The columns and rows whose outer products add up to a kernel.

    Attributes
    ----------
    columns : ndarray of shape (rank, kh), float64
    rows : ndarray of shape (rank, kw), float64
        kernel = columns.T @ rows
    """

    columns: Array
    rows: Array

    @property
    def rank(self) -> int:
        """How many products there are; at least one, also for the kernel of zeros."""
        return len(self.rows)


def factorise(kernel: Array, dtype: np.dtype[Any], most: int | None = None) -> Factors:
    """Return outer products that make up a kernel, shape (kh, kw), to the accuracy of `dtype`; `most` of them at most.

    Examples
    --------
    >>> factorise(np.outer([1, 2, 1], [-1, 0, 1]), np.dtype(np.float32)).rank
    1
    >>> factorise(np.eye(3), np.dtype(np.float32)).rank
    3
    """
    plain = np.ascontiguousarray(kernel, dtype=np.float64)
    return _factorised(plain.shape, plain.tobytes(), dtype, min(plain.shape) if most is None else most)


@lru_cache(maxsize=16)
def _factorised(shape: tuple[int, ...], content: bytes, dtype: np.dtype[Any], most: int) -> Factors:
    left = np.frombuffer(content).reshape(shape).copy()
    allowed = np.abs(left).sum() * TOLERANCE[dtype]
    columns: list[Array] = []
    rows: list[Array] = []
    while not rows or (len(rows) < most and np.abs(left).sum() > allowed):
        row, column = np.unravel_index(np.abs(left).argmax(), shape)
        root = np.sqrt(abs(left[row, column])) or 1.0  # both factors carry it, so that neither is much larger
        columns.append(left[:, column] / root * np.sign(left[row, column]))
        rows.append(left[row] / root)
        left -= np.outer(columns[-1], rows[-1])
    return Factors(np.array(columns), np.array(rows))


Call = tuple["Callable[..., Any]", tuple[Any, ...]]
"""A call with prepared arguments."""


class Separable(Algorithm):
    """Kernels of low rank."""

    name = "separable"
    least = 0.8

    def suits(self, kernel: Array, dtype: np.dtype[Any]) -> bool:
        """Tell whether the kernel is a sum of at most `MAXIMUM_RANK` outer products."""
        most = MAXIMUM_RANK + 1
        return is_workable(kernel, dtype) and factorise(kernel, working_dtype(dtype), most).rank <= MAXIMUM_RANK

    def cost(self, kernel: Array, dtype: np.dtype[Any], channels: int) -> float:
        """Return the predicted nanoseconds an output element."""
        working = working_dtype(dtype)
        rank = factorise(kernel, working, MAXIMUM_RANK + 1).rank
        passes = pass_cost(kernel.shape[0], DOWN) + pass_cost(kernel.shape[1], ACROSS)
        apart = GATHER if channels > 1 and kernel.shape[1] > 1 else 0.0
        return fill_and_store(dtype) + scale(working) * (rank * (passes + apart) + (rank - 1) * ADD)

    def prepare(self, kernel: Array, dtype: np.dtype[Any], shape: TileShape) -> PreparedSeparable:
        """Lay out scratch and calls for tiles of one shape."""
        working = working_dtype(dtype)
        return PreparedSeparable(factorise(kernel, working, MAXIMUM_RANK + 1), working, shape)

    def preferred_tile(
        self, kernel_shape: tuple[int, int], image_shape: tuple[int, int], channels: int
    ) -> tuple[int, int]:
        """Return the rows and columns of output a tile is best cut to."""
        rows = equal_parts(image_shape[0], max(96, 2 * kernel_shape[0]))
        columns = equal_parts(image_shape[1], max(2048 // channels, 4 * kernel_shape[1]))
        return up(rows, DOWN), columns


def pass_cost(taps: int, outputs: int) -> float:
    """Return what a pass costs an output: multiplying along the band, and packing the window once a block."""
    window = outputs + taps - 1
    return 0.0 if taps == 1 else PASS + window * (MULTIPLY + PACK / outputs)


class PreparedSeparable(Prepared):
    """Scratch and calls for tiles of one shape.

    Attributes
    ----------
    source : ndarray of the working dtype, shape `TileShape.source_shape`
    """

    source: Array

    def __init__(self, factors: Factors, dtype: np.dtype[Any], shape: TileShape) -> None:
        self._shape, self._dtype = shape, dtype
        height, elements = shape.source_shape
        self._rows = up(shape.rows, DOWN)
        self._width = block_width(elements, DOWN * (DOWN + shape.kernel_rows - 1))
        self._stride = row_stride(up(elements, self._width))
        padded = self._scratch(1, self._rows + shape.kernel_rows - 1, self._stride)[0]
        self.source = padded[:height, :elements]
        self._calls: list[Call] = []
        self._result = self._lay_out(padded, factors)
        self.line = in_line(self._result)

    def run(self) -> Array:
        """Return the tile's sums, shape (rows, columns * channels)."""
        for call, arguments in self._calls:
            call(*arguments)
        return self._result

    def _lay_out(self, padded: Array, factors: Factors) -> Array:
        """List the calls of all ranks; return where the last one leaves the sums, channels interleaved."""
        terms = [self._across(self._down(padded, column), row) for column, row in fold(factors, self._dtype)]
        total = terms[0]
        for term in terms[1:]:
            self._calls.append((np.add, (total, term, total)))
        return self._together(total)

    def _scratch(self, planes: int, rows: int, stride: int) -> Array:
        """Return zeros, shape (planes, rows, stride), as the head of one long row that the pass across can take."""
        length = long_row(planes * rows * stride, self._shape.kernel_columns, ACROSS).elements
        row = np.zeros(length, self._dtype)
        return row[: planes * rows * stride].reshape(planes, rows, stride)

    def _down(self, padded: Array, column: Array | None) -> Array:
        """Add the pass down: blocks of `DOWN` rows, channels interleaved, for a step down keeps the channel."""
        if column is None:
            return padded
        window = DOWN + column.size - 1
        counts = self._rows // DOWN, -(-self._shape.source_shape[1] // self._width)
        result: Array = self._scratch(1, self._rows, self._stride)[0]
        windows = overlapping_blocks(padded, counts, (DOWN, self._width), (window, self._width))
        out = overlapping_blocks(result, counts, (DOWN, self._width), (DOWN, self._width))
        self._calls.append((np.matmul, (band(column, DOWN), windows, out)))
        return result

    def _across(self, source: Array, row: Array | None) -> Array:
        """Add the pass across: all rows of all channels as one long row; shape (channels, rows, stride).

        Where one image row ends and the next begins the sums are of both; they are right of what the tile returns.
        """
        planes = self._apart(source)
        if row is None:
            return planes
        result = self._scratch(*planes.shape)
        cut = long_row(planes.size, row.size, ACROSS)
        matrix = np.ascontiguousarray(band(row, ACROSS).T)
        self._calls.append((np.matmul, (cut.view(planes, cut.window), matrix, cut.view(result, ACROSS))))
        return result

    def _apart(self, source: Array) -> Array:
        """Add what takes the channels apart, where there are several; shape (channels, rows, stride)."""
        channels = self._shape.channels
        if channels == 1 or self._shape.kernel_columns == 1:
            return source[None]
        columns = self._shape.source_shape[1] // channels
        planes = self._scratch(channels, self._rows, row_stride(columns))
        for channel in range(channels):
            interleaved = source[: self._rows, channel : columns * channels : channels]
            self._calls.append((np.copyto, (planes[channel, :, :columns], interleaved)))
        return planes

    def _together(self, planes: Array) -> Array:
        """Add what interleaves the channels again; return the sums, shape (rows, columns * channels)."""
        rows, columns, channels = self._shape.rows, self._shape.columns, self._shape.channels
        if channels == 1 or self._shape.kernel_columns == 1:
            return planes[0, :rows, : columns * channels]
        result = np.zeros((rows, row_stride(columns * channels)), self._dtype)[:, : columns * channels]
        for channel in range(channels):  # a call a channel: the loop of one call over all would be 3 elements long
            self._calls.append((np.copyto, (result[:, channel::channels], planes[channel, :rows, :columns])))
        return result


def fold(factors: Factors, dtype: np.dtype[Any]) -> list[tuple[Array | None, Array | None]]:
    """Return the passes (down, across) of every rank; a pass of one tap is None, its weight in the other pass."""
    terms: list[tuple[Array | None, Array | None]] = []
    for column, row in zip(*factors, strict=True):
        if row.size == 1:
            terms.append(((column * row).astype(dtype), None))
        elif column.size == 1:
            terms.append((None, (column * row).astype(dtype)))
        else:
            terms.append((column.astype(dtype), row.astype(dtype)))
    return terms


SEPARABLE = Separable()
