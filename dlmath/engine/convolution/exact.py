"""Kernels of whole numbers over a common denominator: 1/49 of a box, 1/256 of a binomial, computed without rounding."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

LARGEST = 4096
"""The largest denominator looked for in a kernel of floats, and the largest weight it may have."""


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

    def __array__(self, dtype: Any = None, copy: Any = None) -> NDArray[Any]:  # noqa: PLW3201 - the protocol's name
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


def as_exact(weights: NDArray[np.float64]) -> ExactKernel | None:
    """Return the exact kernel that a kernel of floats is, or None when it is none of small whole numbers.

    Only kernels whose floats are whole numbers over a power of two are recognised: 1/49 as a float is not 1/49, and
    which of the two was meant is the caller's to say with an ExactKernel.
    """
    if not np.isfinite(weights).all():
        return None
    for denominator in (1, 16, LARGEST):
        scaled = weights * denominator
        if (scaled == np.rint(scaled)).all() and np.abs(scaled).max(initial=0) <= LARGEST * LARGEST:
            return reduced(scaled.astype(np.int64), denominator)
    return None


def from_fractions(rows: list[list[Fraction]]) -> ExactKernel | None:
    """Return the kernel of fractions over their common denominator, or None when it outgrows the exact way."""
    denominator = math.lcm(*(weight.denominator for row in rows for weight in row))
    numerators = [[int(weight * denominator) for weight in row] for row in rows]
    largest = max(abs(numerator) for row in numerators for numerator in row)
    if denominator > LARGEST * LARGEST or largest > LARGEST * LARGEST:
        return None
    return reduced(numerators, denominator)
