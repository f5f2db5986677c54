"""Small kernels of any weights: shifted copies of the rows, and one banded product over them.

The copies lay kw shifted rows side by side for every row of the tile, C[y, j, x] = P[y, x + j], so that n + kh - 1
rows of it are one matrix with kw (n + kh - 1) rows, of which n neighbouring rows of output are a banded product:

    out[y + i, x] = sum_{d,j} T[i, d kw + j] C[y + d, j, x]        T[i, (i + a) kw + b] = kernel[a, b]

This is im2col (Chellapilla, Puri & Simard, High performance convolutional neural networks for document processing,
2006) of the columns alone: the rows need no copies, for n of them share a product.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

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
from dlmath.convolution.engine.bands import band, block_width, overlapping_blocks
from dlmath.convolution.engine.speeds import COPY, MULTIPLY, PACK, PASS, fill_and_store, scale

if TYPE_CHECKING:
    from dlmath.convolution.engine.algorithm import TileShape
    from dlmath.neural.arrays import Array

DOWN = 8
"""Rows of output a product makes: fewer waste packing, more waste multiplications by zero."""


COPIED = 1 << 20
"""Elements that the shifted copies of a tile hold: more outlive the caches, fewer pay for the calls."""


class DenseAlgorithm(Algorithm):
    """Any kernel."""

    name = "dense"
    least = 0.8

    def suits(self, kernel: Array, dtype: np.dtype[Any]) -> bool:
        """Tell whether kernel and image are numbers the products can be made in."""
        return is_workable(kernel, dtype)

    def cost(self, kernel: Array, dtype: np.dtype[Any], channels: int) -> float:  # noqa: ARG002
        """Return the predicted nanoseconds an output element."""
        rows, columns = kernel.shape
        product = columns * (DOWN + rows - 1) * (MULTIPLY + PACK / DOWN)
        return fill_and_store(dtype) + scale(working_dtype(dtype)) * float(PASS + columns * COPY + product)

    def prepare(self, kernel: Array, dtype: np.dtype[Any], shape: TileShape) -> PreparedDense:
        """Lay out scratch and calls for tiles of one shape."""
        return PreparedDense(kernel.astype(working_dtype(dtype)), shape)

    def preferred_tile(
        self, kernel_shape: tuple[int, int], image_shape: tuple[int, int], channels: int
    ) -> tuple[int, int]:
        """Return the rows and columns of output a tile is best cut to."""
        columns = equal_parts(image_shape[1], max(512 // channels, 32))
        rows = COPIED // (kernel_shape[1] * columns * channels)
        return up(equal_parts(image_shape[0], max(96, 2 * kernel_shape[0], rows)), DOWN), columns


class PreparedDense(Prepared):
    """Scratch and calls for tiles of one shape.

    Attributes
    ----------
    source : ndarray of the working dtype, shape `TileShape.source_shape`
    """

    source: Array

    def __init__(self, kernel: Array, shape: TileShape) -> None:
        taps, copies = kernel.shape
        rows, window = up(shape.rows, DOWN), DOWN + taps - 1
        width = block_width(shape.row_elements, DOWN * window * copies)
        stride = row_stride(up(shape.row_elements, width))
        self.source = np.zeros(shape.source_shape, kernel.dtype)
        shifted = np.zeros(((rows + taps - 1) * copies, stride), kernel.dtype)
        out = np.zeros((rows, stride), kernel.dtype)  # numbers also between the rows, for `line`
        self._shifts = shifts(self.source, copies, shape.channels)
        self._shifted = shifted.reshape(-1, copies, stride)[: len(self.source), :, : shape.row_elements]
        counts = rows // DOWN, -(-shape.row_elements // width)
        self._band = band(kernel, DOWN)
        self._windows = overlapping_blocks(shifted, counts, (DOWN * copies, width), (window * copies, width))
        self._out = overlapping_blocks(out, counts, (DOWN, width), (DOWN, width))
        self._result = out[: shape.rows, : shape.row_elements]
        self.line = in_line(self._result)

    def run(self) -> Array:
        """Return the tile's sums, shape (rows, columns * channels)."""
        np.copyto(self._shifted, self._shifts)
        np.matmul(self._band, self._windows, out=self._out)
        return self._result


def shifts(source: Array, copies: int, channels: int) -> Array:
    """Return every row `copies` times, each a pixel further on: shape (rows, copies, elements), a view.

    >>> shifts(np.array([[1, 2, 3, 4]]), 2, 1)
    array([[[1, 2, 3],
            [2, 3, 4]]])
    """
    width = source.shape[1] - (copies - 1) * channels
    moved: Array = overlapping_blocks(source, (1, copies), (0, channels), (len(source), width))[0]
    return moved.transpose(1, 0, 2)


DENSE = DenseAlgorithm()
