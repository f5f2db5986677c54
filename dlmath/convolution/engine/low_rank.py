"""A kernel as a sum of outer products of a column and a row: the fewest that are it, by singular values.

K = sum_r s_r u_r v_r^T. A kernel of rank 1 is separable: kh + kw multiplications a pixel instead of kh * kw.

Source: Eckart & Young, The approximation of one matrix by another of lower rank, Psychometrika 1936; for filters
Treitel & Shanks, The design of multistage separable planar filters, IEEE Trans. Geosci. Electron. 1971.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from dlmath.neural.arrays import Array

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


def factorise(kernel: Array, dtype: np.dtype[Any]) -> Factors:
    """Return the fewest outer products that make up a kernel to the accuracy of `dtype`.

    Examples
    --------
    >>> factorise(np.outer([1, 2, 1], [-1, 0, 1]), np.dtype(np.float32)).rank
    1
    >>> factorise(np.eye(3), np.dtype(np.float32)).rank
    3
    """
    left, values, right = np.linalg.svd(kernel.astype(np.float64), full_matrices=False)
    rank = _rank(values, left, right, np.abs(kernel).sum() * TOLERANCE[dtype])
    root = np.sqrt(values[:rank])
    return Factors((left[:, :rank] * root).T, right[:rank] * root[:, None])


def _rank(values: Array, left: Array, right: Array, allowed: float) -> int:
    """Return the least rank whose remainder, in the sum of absolute weights, is at most `allowed`."""
    weights = values * np.abs(left).sum(axis=0) * np.abs(right).sum(axis=1)
    remainders = np.cumsum(weights[::-1])[::-1]
    return max(1, int(np.count_nonzero(remainders > allowed)))
