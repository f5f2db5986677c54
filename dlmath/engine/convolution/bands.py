"""Correlation as products with banded matrices: n neighbouring outputs of a k-tap filter are T @ window.

T (n, n + k - 1) holds the taps once a row, each row one further to the right (a Toeplitz matrix). The windows
are strided views of the scratch, which BLAS takes as they are, so nothing is gathered; one `np.matmul` runs over
all blocks of a tile. The zeros of the band cost (n - 1) / k more multiplications, and buy the speed of BLAS.

Source: Golub & Van Loan, Matrix Computations, 4th ed. 2013, section 4.7 (Toeplitz systems).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.lib.stride_tricks import as_strided

from dlmath.engine.convolution.precision import up

if TYPE_CHECKING:
    from dlmath.engine.convolution.algorithm import Array

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


def blocks(array: Array, counts: tuple[int, int], steps: tuple[int, int], shape: tuple[int, int]) -> Array:
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
