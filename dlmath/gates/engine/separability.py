"""Can one unit compute this? An exact answer with its proof, in integers and fractions (no array library).

A unit fires when w . x~ > 0, where x~ is the row x with a 1 appended for the bias (or x itself without a bias).
Sign each row: y_i = s_i x~_i, s_i = +1 for target 1 and -1 for target 0. The point of the hull of the y_i nearest to
the origin decides:

- p is not 0: w = p separates the rows, gamma = |p| is the largest margin of any unit vector, and the
  perceptron makes at most R^2 / gamma^2 updates, R = max |x~_i| (Novikoff 1962; Block 1962);
- p is 0: the convex weights of p are y >= 0 with sum_i y_i s_i x~_i = 0, and no w can exist (Gordan 1873).

The nearest point is found by Wolfe's active-set method (1976) in exact arithmetic.

Without a bias the two alternatives are those of Motzkin (1936), because a row of target 0 may lie on the line:
w . x > 0 on the rows of target 1 and w . x <= 0 on the others is impossible if and only if a y >= 0 with
sum_i y_i s_i x_i = 0 is positive on some row of target 1. Then the rows of target 0 enter Wolfe's method as
directions (a cone) rather than points (a hull).

References
----------
P. Gordan, Ueber die Aufloesung linearer Gleichungen mit reellen Coefficienten, Math. Annalen 6 (1873).
T. S. Motzkin, Beitraege zur Theorie der linearen Ungleichungen (1936).
A. B. J. Novikoff, On convergence proofs on perceptrons (1962).
H. D. Block, The perceptron: a model for brain functioning I, Rev. Mod. Phys. 34 (1962).
P. Wolfe, Finding the nearest point in a polytope, Math. Programming 11 (1976).
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from math import isfinite, lcm
from operator import mul
from typing import TYPE_CHECKING, NamedTuple

from dlmath.errors import InvalidValueError, ShapeError
from dlmath.gates.engine.nearest_point import coprime, dot, nearest_point

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from dlmath.gates.engine.nearest_point import NearestPoint

    Exact = int | Fraction
    Real = int | float | Fraction


class Separability(NamedTuple):
    """Whether one unit can compute the rows, and the proof of either answer.

    Parameters
    ----------
    separable : bool
        Whether some weights make the unit right on every row.
    gamma_squared : Fraction
        Square of the margin of the best unit vector over the augmented signed rows; 0 when there is none
        (not separable, or without a bias only with rows of target 0 on the line itself).
    radius_squared : Fraction
        R^2 = max_i |x~_i|^2.
    weights : tuple of int or None
        The best weights, scaled to coprime integers (together with the bias); None when not separable.
    bias : int or None
        None when not separable, or when the unit has no bias.
    certificate : tuple of int or None
        When not separable: coprime y_i >= 0, one for each row, with sum_i y_i s_i x~_i = 0.
    """

    separable: bool
    gamma_squared: Fraction
    radius_squared: Fraction
    weights: tuple[int, ...] | None
    bias: int | None
    certificate: tuple[int, ...] | None

    @property
    def margin(self) -> float:
        """Novikoff's gamma."""
        return _root(self.gamma_squared)

    @property
    def bound(self) -> int | None:
        """The most updates the perceptron can make from zero weights, floor(R^2 / gamma^2); None without one."""
        return self.radius_squared // self.gamma_squared if self.gamma_squared else None


class NearestRow(NamedTuple):
    """The row nearest to a line w . x + b = 0 in the space of the inputs: |w . x + b| / |w|."""

    row: int
    distance_squared: Fraction

    @property
    def distance(self) -> float:
        """The distance itself."""
        return _root(self.distance_squared)


def separate(inputs: Iterable[Sequence[Real]], targets: Iterable[Real], *, bias: bool = True) -> Separability:
    """Decide whether one unit can compute the rows, exactly, with the proof of the answer.

    Parameters
    ----------
    inputs : rows of real numbers, shape (rows, n)
        Decimal numbers are taken at their decimal value: 0.1 is 1/10.
    targets : 0 or 1, shape (rows,)
    bias : bool
        Whether the unit has a bias.

    Returns
    -------
    Separability

    Examples
    --------
    >>> rows = [(0, 0), (0, 1), (1, 0), (1, 1)]
    >>> and_ = separate(rows, [0, 0, 0, 1])
    >>> and_.weights, and_.bias, and_.gamma_squared, and_.bound
    ((2, 2), -3, Fraction(1, 17), 51)
    >>> separate(rows, [0, 1, 1, 0]).certificate
    (1, 1, 1, 1)
    """
    rows, signs, scale = signed_rows(inputs, targets, bias=bias)
    strict = nearest_point(rows, [int(sign > 0 or any(row)) for row, sign in zip(rows, signs, strict=True)])
    proof = strict
    if strict.is_origin and not _accuses(strict.counts, signs):
        proof = nearest_point(rows, [int(sign > 0) for sign in signs])
    return _verdict(
        proof,
        gamma_squared=strict.norm_squared / (scale * scale),
        radius_squared=Fraction(max(dot(row, row) for row in rows), scale * scale),
        bias=bias,
    )


def separate_by(
    inputs: Iterable[Sequence[Real]],
    targets: Iterable[Real],
    *,
    bias: bool = True,
    fires: str = ">",
    strict: bool = False,
) -> Separability:
    """Decide as `separate` does, for units with another rule of ties.

    Parameters
    ----------
    inputs, targets, bias
        As of `separate`.
    fires : {">", ">="}
        What a unit answers at z = 0. It matters without a bias only: rows of target 1 may then lie on the line instead
        of rows of target 0.
    strict : bool
        No row may lie on the line at all (a dead band).

    Examples
    --------
    >>> rows = [(0, 0), (0, 1), (1, 0), (1, 1)]
    >>> nor = [1, 0, 0, 0]
    >>> [separate_by(rows, nor, bias=False, fires=fires).separable for fires in (">", ">=")]
    [False, True]
    >>> separate_by(rows, [0, 1, 1, 1], bias=False, strict=True).separable
    False
    """
    rows, values = [tuple(row) for row in inputs], list(targets)
    if bias or (fires == ">" and not strict):
        return separate(rows, values, bias=bias)
    if strict:
        return _strictly(rows, separate(rows, values, bias=False))
    proof = separate(rows, [1 - value for value in exact_targets(values, len(rows))], bias=False)
    return proof._replace(weights=None if proof.weights is None else tuple(-w for w in proof.weights))


def _strictly(rows: Sequence[Sequence[Real]], proof: Separability) -> Separability:
    """Return the verdict when no row may lie on the line; one of zeros lies on every line through the origin."""
    zero = next((k for k, row in enumerate(rows) if not any(row)), None)
    if proof.separable and zero is None and proof.gamma_squared:
        return proof
    alone = None if zero is None else tuple(int(k == zero) for k in range(len(rows)))
    return proof._replace(separable=False, weights=None, bias=None, certificate=proof.certificate or alone)


def check_certificate(
    inputs: Iterable[Sequence[Real]], targets: Iterable[Real], counts: Sequence[int], *, bias: bool = True
) -> bool:
    """Check a proof of impossibility: y >= 0, sum_i y_i s_i x~_i = 0, and y_i > 0 on some row of target 1.

    Were there such weights w, the sum of y_i (s_i w . x~_i) would be above 0 and equal to w . 0 = 0.

    Examples
    --------
    >>> rows = [(0, 0), (0, 1), (1, 0), (1, 1)]
    >>> check_certificate(rows, [0, 1, 1, 0], (1, 1, 1, 1))
    True
    >>> check_certificate(rows, [0, 0, 0, 1], (0, 1, 1, 1))  # and has a separating line
    False
    >>> check_certificate(rows, [0, 0, 0, 1], (0, 1, 1, 1), bias=False)  # but none through the origin
    True
    """
    rows, signs, _ = signed_rows(inputs, targets, bias=bias)
    if len(counts) != len(rows) or min(counts) < 0:
        return False
    return _accuses(counts, signs) and not any(dot(counts, column) for column in zip(*rows, strict=True))


def nearest_row(inputs: Iterable[Sequence[Real]], weights: Sequence[Real], bias: Real = 0) -> NearestRow | None:
    """Return the row nearest to the line w . x + b = 0, in input space; None when w is 0 (there is no line).

    Examples
    --------
    >>> nearest = nearest_row([(0, 0), (0, 1), (1, 0), (1, 1)], (2, 1), -2)
    >>> nearest.row, nearest.distance_squared
    (2, Fraction(0, 1))
    """
    w, b = [exact(value) for value in weights], exact(bias)
    if not any(w):
        return None
    rows = exact_rows(inputs)
    if len(rows[0]) != len(w):
        raise ShapeError(f"{len(w)} weights do not fit rows of {len(rows[0])} inputs", "give one weight an input")
    squares = [(sum(map(mul, w, row)) + b) ** 2 for row in rows]
    row = min(range(len(rows)), key=squares.__getitem__)
    return NearestRow(row, Fraction(squares[row]) / sum(value * value for value in w))


def exact(value: Real) -> Exact:
    """Return a finite number as an integer or fraction, a float at its shortest decimal value.

    >>> exact(0.1)
    Fraction(1, 10)
    """
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        if not isfinite(value):
            raise InvalidValueError(f"{value} is not a finite number", "give finite numbers only")
        return Fraction(repr(float(value)))
    return Fraction(value)


def exact_rows(inputs: Iterable[Sequence[Real]]) -> list[tuple[Exact, ...]]:
    """Return the rows as exact numbers, refusing none at all, rows of no input and rows of several lengths."""
    rows = [tuple(exact(value) for value in row) for row in inputs]
    if not rows or not rows[0]:
        raise ShapeError("there are no inputs", "give at least one row of at least one input")
    for number, row in enumerate(rows, start=1):
        if len(row) != len(rows[0]):
            raise ShapeError(
                f"row {number} has {len(row)} inputs and row 1 has {len(rows[0])}", "give every row as many"
            )
    return rows


def exact_targets(targets: Iterable[Real], rows: int) -> list[int]:
    """Return the targets as 0 and 1, refusing anything else and another number of them than rows."""
    values = list(targets)
    if len(values) != rows:
        raise ShapeError(f"there are {len(values)} targets for {rows} rows", "give one target a row")
    for number, value in enumerate(values, start=1):
        if value not in {0, 1}:
            raise InvalidValueError(
                f"the target of row {number} is {value}, and a step unit answers 0 or 1", "write 0 or 1"
            )
    return [int(value) for value in values]


def signed_rows(
    inputs: Iterable[Sequence[Real]], targets: Iterable[Real], *, bias: bool
) -> tuple[list[tuple[int, ...]], list[int], int]:
    """Return K s_i x~_i in integers, the signs s_i, and the scale K (the least common denominator).

    >>> signed_rows([(0.5, 2)], [0], bias=True)
    ([(-1, -4, -2)], [-1], 2)
    """
    rows = exact_rows(inputs)
    signs = [1 if target else -1 for target in exact_targets(targets, len(rows))]
    scale = lcm(*{value.denominator for row in rows for value in row})
    one = (1,) if bias else ()
    signed = [
        tuple(sign * whole(value, scale) for value in (*row, *one)) for row, sign in zip(rows, signs, strict=True)
    ]
    return signed, signs, scale


def whole(value: Exact, scale: int) -> int:
    """Return scale * value, for a scale that is a multiple of the value's denominator."""
    return value.numerator * (scale // value.denominator)


def _accuses(counts: Sequence[int], signs: Sequence[int]) -> bool:
    """Tell whether a row of target 1 takes part: a sum over rows of target 0 alone contradicts nothing."""
    return any(count and sign > 0 for count, sign in zip(counts, signs, strict=True))


def _verdict(proof: NearestPoint, *, gamma_squared: Fraction, radius_squared: Fraction, bias: bool) -> Separability:
    if any(proof.counts) and proof.is_origin:
        return Separability(False, gamma_squared, radius_squared, None, None, proof.counts)
    w = coprime(proof.vector)
    weights, offset = (w[:-1], w[-1]) if bias else (w, None)
    return Separability(True, gamma_squared, radius_squared, weights, offset, None)


def _root(square: Fraction) -> float:
    """Return the square root, also of squares beyond the range of floats."""
    return float((Decimal(square.numerator) / Decimal(square.denominator)).sqrt())
