"""Correlation as products with banded matrices: n neighbouring outputs of a k-tap filter are T @ window.

T (n, n + k - 1) holds the taps once a row, each row one further to the right (a Toeplitz matrix). The windows
are strided views of the scratch, which BLAS takes as they are, so nothing is gathered; one `np.matmul` runs over
all blocks of a tile. The zeros of the band cost (n - 1) / k more multiplications, and buy the speed of BLAS.

Source: Golub & Van Loan, Matrix Computations, 4th ed. 2013, section 4.7 (Toeplitz systems).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import as_strided

from dlmath.convolution.engine.algorithm import up

if TYPE_CHECKING:
    from dlmath.neural.arrays import Array

PRODUCT_LIMIT = 250_000
"""Multiplications of one block. OpenBLAS starts threads of its own above 2^18, which would fight with ours for the
cores, and leaves its kernels for small matrices (AVX-512) above 10^6."""


def band(taps: Array, outputs: int) -> Array:
    """Return the Toeplitz matrix of `outputs` neighbouring outputs.

    Parameters
    ----------
    taps : ndarray of shape (k,) or (k, m)
        The filter; with m columns, a filter over k rows of m inputs each, the inputs of a row side by side.
    outputs : int
        n, the outputs a block.

    Returns
    -------
    ndarray of shape (n, (n + k - 1) * m)

    Examples
    --------
    >>> band(np.array([1, 2, 3]), 2)
    array([[1, 2, 3, 0],
           [0, 1, 2, 3]])
    """
    flat = np.ascontiguousarray(taps).reshape(-1)
    width = flat.size // taps.shape[0]
    matrix = np.zeros((outputs, (outputs - 1) * width + flat.size), dtype=taps.dtype)
    for output in range(outputs):
        matrix[output, output * width : output * width + flat.size] = flat
    return matrix


def block_width(elements: int, multiplications: int, step: int = 16) -> int:
    """Return the width of equal blocks that cover a row, each within the limit of one product.

    Parameters
    ----------
    elements : int
        Elements a row.
    multiplications : int
        Multiplications an element of the block's width costs.
    step : int
        What the width is a multiple of.

    Examples
    --------
    >>> block_width(1000, 46 * 16)
    336
    """
    widest = max(step, PRODUCT_LIMIT // multiplications // step * step)
    return up(-(-elements // -(-elements // widest)), step)


class LongRow(NamedTuple):
    """How a long row is cut into products: `chunks` of `windows` windows, each chunk at `phases` starting points.

    Attributes
    ----------
    chunks, phases, windows : int
        Products, and windows a product.
    outputs, window : int
        Outputs and inputs of a window.
    """

    chunks: int
    phases: int
    windows: int
    outputs: int
    window: int

    @property
    def elements(self) -> int:
        """Elements that the row must have, for outputs and halo."""
        return self.chunks * self.windows * self.phases * self.outputs + self.window

    def view(self, row: Array, width: int) -> Array:
        """Return the first `width` elements of all windows, shape (chunks, phases, windows, width), a view."""
        apart = self.phases * self.outputs
        strides = (self.windows * apart, self.outputs, apart, 1)
        return as_strided(
            row, (self.chunks, self.phases, self.windows, width), [row.itemsize * step for step in strides]
        )


def long_row(length: int, taps: int, outputs: int) -> LongRow:
    """Return how to correlate one long row of `length` outputs by products that BLAS takes without a copy.

    Neighbouring windows overlap, and BLAS refuses a matrix whose rows overlap. Every p-th window does not, with
    p = ceil(window / outputs); so a product takes every p-th window, and p products take them all. Rows of an image
    laid end to end are one long row: the products are as long as they may be, whatever the shape of the tile.

    Parameters
    ----------
    length : int
    taps : int
        Of the filter.
    outputs : int
        A window; what the start of an image row in the long row is a multiple of.

    Examples
    --------
    >>> long_row(1000, 31, 16)
    LongRow(chunks=1, phases=3, windows=21, outputs=16, window=46)
    """
    window = outputs + taps - 1
    phases = -(-window // outputs)
    windows = -(-length // (phases * outputs))
    chunks = -(-windows // max(1, PRODUCT_LIMIT // (outputs * window)))
    return LongRow(chunks, phases, -(-windows // chunks), outputs, window)


def overlapping_blocks(array: Array, counts: tuple[int, int], steps: tuple[int, int], shape: tuple[int, int]) -> Array:
    """Return overlapping blocks of the last two axes of a C-ordered array as a view.

    Parameters
    ----------
    array : ndarray of shape (..., rows, elements)
    counts, steps : tuple of int
        How many blocks there are, and how far apart they lie, in rows and in elements.
    shape : tuple of int
        Rows and elements of a block.

    Returns
    -------
    ndarray of shape (..., *counts, *shape)
    """
    *outer, down, across = array.strides
    strides = (*outer, steps[0] * down, steps[1] * across, down, across)
    return as_strided(array, (*array.shape[:-2], *counts, *shape), strides)
