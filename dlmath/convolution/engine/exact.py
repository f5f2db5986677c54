"""Kernels of whole numbers over a common denominator: 1/49 of a box, 1/256 of a binomial, computed without rounding."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from fractions import Fraction

    from numpy.typing import ArrayLike, NDArray

LARGEST = 1 << 24
"""The largest numerator or denominator for which a kernel of fractions is exact; beyond it fractions become floats."""


@dataclass(frozen=True, eq=False)
class ExactKernel:
    """The kernel numerators / denominator.

    Attributes
    ----------
    numerators : ndarray of int64, shape (kh, kw)
    denominator : int
        At least 1.
    """

    numerators: NDArray[np.int64]
    denominator: int = 1

    def __array__(self, dtype: Any = None, copy: Any = None) -> NDArray[Any]:
        """Return the weights as float64 (or another dtype), each correctly rounded."""
        del copy  # the quotient is always a new array
        return (self.numerators / self.denominator).astype(dtype or np.float64)

    @property
    def shape(self) -> tuple[int, ...]:
        """The kernel's rows and columns."""
        return self.numerators.shape


def reduced(numerators: ArrayLike, denominator: int = 1) -> ExactKernel:
    """Return the kernel in lowest terms.

    >>> reduced([[2, 4, 2]], 8)
    ExactKernel(numerators=array([[1, 2, 1]]), denominator=4)
    """
    whole = np.asarray(numerators, dtype=np.int64)
    common = math.gcd(int(np.gcd.reduce(whole, axis=None)), denominator) or 1
    return ExactKernel(whole // common, denominator // common)


def from_fractions(rows: list[list[Fraction]]) -> ExactKernel | None:
    """Return the kernel of fractions over their common denominator, or None when it outgrows the exact way."""
    denominator = math.lcm(*(weight.denominator for row in rows for weight in row))
    numerators = [[int(weight * denominator) for weight in row] for row in rows]
    largest = max(abs(numerator) for row in numerators for numerator in row)
    if denominator > LARGEST or largest > LARGEST:
        return None
    return reduced(numerators, denominator)
