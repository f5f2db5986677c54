"""The point of a hull and a cone nearest to the origin, exactly, in integers (no array library).

P. Wolfe, Finding the nearest point in a polytope, Math. Programming 11 (1976).
"""

from __future__ import annotations

from fractions import Fraction
from math import gcd, lcm
from operator import mul
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    Vector = Sequence[int]


class NearestPoint(NamedTuple):
    """The point vector / denominator nearest to 0, and the coprime multiples of the rows that lead there."""

    vector: tuple[int, ...]
    denominator: int
    counts: tuple[int, ...]

    @property
    def is_origin(self) -> bool:
        """Whether the nearest point is 0 itself."""
        return not any(self.vector)

    @property
    def norm_squared(self) -> Fraction:
        """Squared distance from 0."""
        return Fraction(dot(self.vector, self.vector), self.denominator**2)


def nearest_point(rows: Sequence[Vector], kinds: Sequence[int]) -> NearestPoint:
    """Return the point nearest to 0 of the hull of some rows plus the cone of the others (Wolfe 1976), exactly.

    min |sum_i l_i y_i|^2 over l >= 0 with sum_i k_i l_i = 1. The rows in use (the corral) are independent once
    their kind is appended, and the point is the nearest of their whole affine span. At the nearest point p,
    y_i . p >= k_i |p|^2 on every row; a row that violates this enters, and rows whose weight would turn
    negative leave.

    Parameters
    ----------
    rows : integer vectors y_i
    kinds : 1 for a row of the hull (a point), 0 for a row of the cone (a direction)
        With no point at all, the answer is 0 with no row taking part.

    Examples
    --------
    >>> nearest_point([(1, 1), (3, -1)], [1, 1])
    NearestPoint(vector=(1, 1), denominator=1, counts=(1, 0))
    """
    if 1 not in kinds:
        return NearestPoint((0,) * len(rows[0]), 1, (0,) * len(rows))
    start = min((k for k, kind in enumerate(kinds) if kind), key=lambda k: dot(rows[k], rows[k]))
    corral = {start: Fraction(1)}
    while True:
        point, denominator = _combination(corral, rows)
        entering = _most_violating(point, denominator, rows, kinds)
        if entering is None:
            return NearestPoint(point, denominator, _counts(corral, len(rows)))
        corral = _settle(corral | {entering: Fraction(0)}, rows, kinds)


def _most_violating(point: Vector, denominator: int, rows: Sequence[Vector], kinds: Sequence[int]) -> int | None:
    """Return the row with the least y . p - k |p|^2 if that is below 0 (times the denominators, to stay whole)."""
    square = dot(point, point)
    if not square:
        return None
    scores = [denominator * dot(point, row) - kind * square for row, kind in zip(rows, kinds, strict=True)]
    least = min(scores)
    return scores.index(least) if least < 0 else None


def _settle(corral: dict[int, Fraction], rows: Sequence[Vector], kinds: Sequence[int]) -> dict[int, Fraction]:
    """Walk to the nearest point of the corral's affine span, dropping the rows whose weight reaches 0 first."""
    while True:
        goal = _affine_nearest(list(corral), rows, kinds)
        blocking = [k for k, weight in goal.items() if weight <= 0]
        if not blocking:
            return goal
        step = min(corral[k] / (corral[k] - goal[k]) for k in blocking)
        moved = {k: weight + step * (goal[k] - weight) for k, weight in corral.items()}
        corral = {k: weight for k, weight in moved.items() if weight}


def _affine_nearest(members: Sequence[int], rows: Sequence[Vector], kinds: Sequence[int]) -> dict[int, Fraction]:
    """Return the weights of the point nearest to 0 in an affine span: l = u / (k . u), (Y Y^T + k k^T) u = k."""
    gram = [[dot(rows[i], rows[j]) + kinds[i] * kinds[j] for j in members] for i in members]
    kind = [kinds[i] for i in members]
    solution = _solve_definite(gram, kind)
    total = dot(kind, solution)
    return {k: Fraction(value, total) for k, value in zip(members, solution, strict=True)}


def _solve_definite(matrix: Sequence[Vector], right: Vector) -> list[int]:
    """Return det(A) A^-1 b of a positive definite integer matrix by Bareiss's fraction-free elimination (1968)."""
    table = [[*row, value] for row, value in zip(matrix, right, strict=True)]
    previous = 1
    for k, pivot_row in enumerate(table):
        pivot = pivot_row[k]
        for i in range(k + 1, len(table)):
            factor = table[i][k]
            table[i] = [(pivot * a - factor * b) // previous for a, b in zip(table[i], pivot_row, strict=True)]
        previous = pivot
    return _back_substitute(table, previous)


def _back_substitute(table: Sequence[Vector], determinant: int) -> list[int]:
    size = len(table)
    solution = [0] * size
    for i in reversed(range(size)):
        known = dot(table[i][i + 1 : size], solution[i + 1 :])
        solution[i] = (determinant * table[i][size] - known) // table[i][i]
    return solution


def _combination(corral: dict[int, Fraction], rows: Sequence[Vector]) -> tuple[tuple[int, ...], int]:
    """Return sum_i l_i y_i as integers over one denominator."""
    denominator = lcm(*(weight.denominator for weight in corral.values()))
    multiples = [int(weight * denominator) for weight in corral.values()]
    columns = zip(*(rows[k] for k in corral), strict=True)
    *vector, denominator = coprime([*(dot(multiples, column) for column in columns), denominator])
    return tuple(vector), denominator


def _counts(corral: dict[int, Fraction], size: int) -> tuple[int, ...]:
    denominator = lcm(*(weight.denominator for weight in corral.values()))
    return coprime([int(corral.get(k, 0) * denominator) for k in range(size)])


def coprime(values: Sequence[int]) -> tuple[int, ...]:
    """Divide integers by their greatest common divisor.

    >>> coprime([4, 0, -6])
    (2, 0, -3)
    """
    divisor = gcd(*values) or 1
    return tuple(value // divisor for value in values)


def dot(left: Iterable[int], right: Iterable[int]) -> int:
    """Return the sum of the products."""
    return sum(map(mul, left, right))
