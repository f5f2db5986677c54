"""What a kernel does, read from its weights alone: sum, separable rank and factors, response to frequencies."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dlmath.convolution.engine.kernel import Kernel, Weight

    Vector = tuple[float, ...]

RANK_TOLERANCE = 1e-10
"""Singular values below this share of the largest are rounding."""


@dataclass(frozen=True)
class ExactFactors:
    """A kernel as scale * outer(column, row), the vectors whole and without common factors."""

    scale: Fraction
    column: tuple[int, ...]
    row: tuple[int, ...]


@dataclass(frozen=True)
class KernelAnalysis:
    """What the weights say.

    Attributes
    ----------
    sum : Fraction or float
        The response to a constant image of ones.
    absolute_sum : Fraction or float
        The largest response to pixels from -1 to 1.
    rank : int
        Of the matrix of weights: passes of a column and a row that make it; 1 is separable, 0 all zeros.
    singular_values : tuple of float
        Descending, min(rows, columns) of them.
    factors : tuple of (column, row), `rank` of them
        The kernel is the sum of their outer products (singular value decomposition, each value shared by both).
    exact_factors : ExactFactors or None
        For a separable kernel of rational weights.
    response_zero, response_x, response_y, response_both : float
        What a wave is multiplied with: at frequency 0, and at half a cycle a pixel (Nyquist) along x, y, both:
        sum_ij weight[i][j] (-1)^(j - column of the anchor), and so on; the anchor is (rows // 2, columns // 2).
    """

    sum: Weight
    absolute_sum: Weight
    rank: int
    singular_values: Vector
    factors: tuple[tuple[Vector, Vector], ...]
    exact_factors: ExactFactors | None
    response_zero: float
    response_x: float
    response_y: float
    response_both: float


def analyse_kernel(kernel: Kernel) -> KernelAnalysis:
    """Read a kernel's sum, rank, factors and responses from its weights.

    Examples
    --------
    >>> from dlmath.convolution.engine.kernels import parse_kernel
    >>> found = analyse_kernel(parse_kernel("sobel-x"))
    >>> found.rank, found.exact_factors
    (1, ExactFactors(scale=Fraction(1, 1), column=(1, 2, 1), row=(-1, 0, 1)))
    """
    weights = kernel.array()
    singular, factors = separated(weights)
    rows, columns = (alternating(length) for length in weights.shape)
    return KernelAnalysis(
        sum=kernel.sum,
        absolute_sum=kernel.absolute_sum,
        rank=len(factors),
        singular_values=tuple(map(float, singular)),
        factors=factors,
        exact_factors=exact_factors(kernel) if len(factors) == 1 else None,
        response_zero=float(kernel.sum),
        response_x=total(weights * columns),
        response_y=total(weights * rows[:, None]),
        response_both=total(weights * np.outer(rows, columns)),
    )


def total(values: NDArray[np.float64]) -> float:
    """Return the correctly rounded sum: what cancels is 0."""
    return math.fsum(values.ravel().tolist())


def alternating(length: int) -> NDArray[np.float64]:
    """Return the fastest wave, 1 at the anchor: ..., -1, 1, -1, ...

    >>> alternating(3).tolist()
    [-1.0, 1.0, -1.0]
    """
    return np.where((np.arange(length) - length // 2) % 2 == 0, 1.0, -1.0)


def separated(
    weights: NDArray[np.float64],
) -> tuple[NDArray[np.float64], tuple[tuple[tuple[float, ...], tuple[float, ...]], ...]]:
    """Return all singular values, and one (column, row) for each that is not rounding."""
    left, singular, right = np.linalg.svd(weights, full_matrices=False)
    rank = int((singular > RANK_TOLERANCE * singular[0]).sum())
    return singular, tuple(signed(left[:, k], right[k], singular[k]) for k in range(rank))


def signed(
    left: NDArray[np.float64], right: NDArray[np.float64], value: float
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return column and row of one singular value: the column's first weight that is no rounding is positive.

    Where both sums are far from 0, as a blur's are, each vector carries the root of the product's sum, so that the
    factors of a kernel of sum 1 have sum 1; else both carry the root of the singular value.

    >>> column, row = signed(np.array([-0.6, -0.8]), np.array([-0.6, -0.8]), 0.25)
    >>> [round(weight, 4) for weight in column]
    [0.3, 0.4]
    """
    first = left[np.abs(left) > RANK_TOLERANCE * np.abs(left).max()][0]
    left, right = (left, right) if first > 0 else (-left, -right)
    product = float(left.sum() * right.sum())
    if abs(product) > 1e-6:
        root = math.sqrt(value * abs(product))
        column, row = left * (root / abs(left.sum())), right * (root / abs(right.sum()))
    else:
        column, row = left * math.sqrt(value), right * math.sqrt(value)
    return tuple(column.tolist()), tuple(row.tolist())


def exact_factors(kernel: Kernel) -> ExactFactors | None:
    """Return a rational kernel of rank 1 as scale * outer(column, row) of whole numbers; None for other kernels.

    The first weight that is not zero is made positive in the column; the row carries the signs.
    """
    exact = kernel.exact()
    if exact is None:
        return None
    numerators, denominator = exact
    row = next((row for row in numerators if any(row)), None)
    if row is None:
        return None
    across = primitive(row)
    place = next(j for j, weight in enumerate(across) if weight)
    along = primitive([line[place] for line in numerators])
    sign = 1 if next(weight for weight in along if weight) > 0 else -1
    column = tuple(sign * weight for weight in along)
    pivot = next(i for i, weight in enumerate(column) if weight)
    scale = Fraction(numerators[pivot][place], denominator * column[pivot] * across[place])
    if scale < 0:
        scale, across = -scale, tuple(-weight for weight in across)
    product = all(
        weight * scale.denominator == scale.numerator * down * over * denominator
        for line, down in zip(numerators, column, strict=True)
        for weight, over in zip(line, across, strict=True)
    )
    return ExactFactors(scale, column, across) if product else None


def primitive(weights: tuple[int, ...] | list[int]) -> tuple[int, ...]:
    """Return whole numbers divided by their greatest common divisor.

    >>> primitive([2, 0, -4])
    (1, 0, -2)
    """
    divisor = math.gcd(*weights)
    return tuple(weight // divisor for weight in weights)
