"""The search for few additions: how a kernel of whole weights is best taken apart.

A kernel is a polynomial in the two shifts y and x; sliding it is multiplying by it. [1 2 1] is (1 + x)^2: two
additions instead of three multiplications and two additions; a box of 2n is (1 + x^n) times a box of n; the cross
n + s + w + e is (1 + xy) (y + x). Looked for are such factors, products of a column and a row, and a tap worth
computing on its own; what is left is summed by equal weights.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dlmath.neural.arrays import Array

Shift = tuple[int, int]
Polynomial = dict[Shift, Any]
Terms = tuple[tuple[Shift, Any], ...]

SCALE = 1.7  # a multiplication by a constant, in additions
SEARCHED = 50  # taps up to which factors of a kernel are looked for in both dimensions at once
LINE_PEELS = 6  # taps peeled off a line: the binary digits of a box's width
KERNEL_PEELS = 1  # taps peeled off a kernel of two dimensions: its centre
SEARCHED_AT_ALL = 1024  # taps up to which a kernel is looked through tap by tap


@dataclass(frozen=True)
class Scheme:
    """How a polynomial will be computed: a node of a tree, with its cost in additions."""

    kind: str  # tap, scale, factor, peel, product, groups
    cost: float
    parts: tuple[Scheme, ...] = ()
    shift: Shift = (0, 0)
    weight: Any = 1
    terms: Terms = ()


def minus(left: Shift, right: Shift) -> Shift:
    """Return how far left lies from right."""
    return left[0] - right[0], left[1] - right[1]


def plus(left: Shift, right: Shift) -> Shift:
    """Return two shifts one after the other."""
    return left[0] + right[0], left[1] + right[1]


def weight_cost(weight: Any) -> float:
    """Return what multiplying by a weight costs in additions: by 1 nothing, by 2 one."""
    size = abs(weight)
    return 0.0 if size == 1 else 1.0 if size == 2 else SCALE


def divide(polynomial: Polynomial, shift: Shift, sign: int) -> Polynomial | None:
    """Return polynomial / (1 + sign X^shift), or None when it does not divide; `shift` is positive in reading order.

    >>> divide({(0, 0): 1, (0, 1): 2, (0, 2): 1}, (0, 1), 1)
    {(0, 0): 1, (0, 1): 1}
    """
    rest = dict(sorted(polynomial.items()))
    last = minus(max(rest), shift)
    columns = range(min(x for _, x in rest), max(x for _, x in rest) + 1)
    quotient: Polynomial = {}
    while rest:
        first = min(rest)
        after = plus(first, shift)
        if first > last or after[1] not in columns:
            return None
        weight = rest.pop(first)
        quotient[first] = weight
        remaining = rest.get(after, 0) - sign * weight
        if remaining:
            rest[after] = remaining
        else:
            rest.pop(after, None)
    return quotient


def grouped(terms: Polynomial) -> Scheme:
    """Return the scheme that sums the taps of equal weight and multiplies once a group."""
    sizes = {abs(weight) for weight in terms.values()}
    cost = len(terms) - 1 + sum(weight_cost(size) for size in sizes)
    return Scheme("groups", cost, terms=tuple(sorted(terms.items())))


def _factored(polynomial: Polynomial, peels: int) -> Iterable[Scheme]:
    """Yield the schemes that take out 1 + X^d or 1 - X^d, the two most promising ones that save something.

    On long lines only the shifts that can halve a box, or take a factor off a binomial, are tried.
    """
    places = sorted(polynomial)
    worth = grouped(polynomial).cost
    quotients = []
    if len(places) > 9 and _is_line(polynomial):
        places = [places[0], places[1], places[len(places) // 2], places[-1]]
    for shift in sorted({minus(place, places[0]) for place in places[1:]}):
        for sign in (1, -1):
            quotient = divide(polynomial, shift, sign)
            if quotient is not None and grouped(quotient).cost + 1 <= worth:
                quotients.append((grouped(quotient).cost, shift, sign, quotient))
    quotients.sort(key=lambda entry: entry[:3])
    for _, shift, sign, quotient in quotients[:2]:
        part = search(quotient, peels)
        yield Scheme("factor", part.cost + 1, (part,), shift, sign)


def _peeled(polynomial: Polynomial, peels: int) -> Iterable[Scheme]:
    """Yield the schemes that compute one tap on its own: the first, or the middle one down to a fitting weight."""
    places = sorted(polynomial)
    middle = places[len(places) // 2]
    candidates = [(places[0], polynomial[places[0]])]
    if not _is_line(polynomial):
        fitting = {0, polynomial.get((middle[0], middle[1] - 1), 0), _outer_weight(polynomial, middle)}
        candidates += [(middle, polynomial[middle] - other) for other in sorted(fitting - {polynomial[middle]})]
    for place, weight in candidates:
        rest = {key: value for key, value in polynomial.items() if key != place}
        if polynomial[place] != weight:
            rest[place] = polynomial[place] - weight
        part = search(rest, peels - 1)
        yield Scheme("peel", part.cost + 1 + weight_cost(weight), (part,), place, weight)


def _outer_weight(polynomial: Polynomial, place: Shift) -> Any:
    """Return the weight at `place` that an outer product through a neighbouring row and column would have there."""
    y, x = place
    corner, side, top = polynomial.get((y - 1, x - 1), 0), polynomial.get((y, x - 1), 0), polynomial.get((y - 1, x), 0)
    return side * top // corner if corner else 0


def _outer(polynomial: Polynomial) -> tuple[Polynomial, Polynomial] | None:
    """Return the column and the row whose product the polynomial is, or None."""
    rows, columns = sorted({y for y, _ in polynomial}), sorted({x for _, x in polynomial})
    if len(rows) == 1 or len(columns) == 1 or len(rows) * len(columns) != len(polynomial):
        return None
    row = [polynomial.get((rows[0], x), 0) for x in columns]
    if not all(row):
        return None
    common = math.gcd(*row)
    row = [weight // common for weight in row]
    column = [polynomial.get((y, columns[0]), 0) for y in rows]
    if any(weight % row[0] for weight in column):
        return None
    column = [weight // row[0] for weight in column]
    down = {(y, 0): weight for y, weight in zip(rows, column, strict=True)}
    across = {(0, x): weight for x, weight in zip(columns, row, strict=True)}
    product = {plus(y, x): a * b for y, a in down.items() for x, b in across.items()}
    return (down, across) if product == polynomial else None


def search(polynomial: Polynomial, peels: int) -> Scheme:
    """Return the cheapest scheme found for a polynomial of whole weights, peeling at most `peels` taps off."""
    return _search(tuple(sorted(polynomial.items())), peels)


@lru_cache(maxsize=4096)
def _search(terms: Terms, peels: int) -> Scheme:
    polynomial = dict(terms)
    if len(terms) == 1:
        return Scheme("tap", weight_cost(terms[0][1]), shift=terms[0][0], weight=terms[0][1])
    common = math.gcd(*polynomial.values()) * (1 if terms[0][1] > 0 else -1)
    if common != 1:
        part = search({key: weight // common for key, weight in terms}, peels)
        return Scheme("scale", part.cost + weight_cost(common), (part,), weight=common)
    outer = _outer(polynomial)
    if outer is not None:
        parts = (search(outer[0], LINE_PEELS), search(outer[1], LINE_PEELS))
        return Scheme("product", parts[0].cost + parts[1].cost, parts)
    step = _box_step(terms)
    if step is not None:
        return _box(len(terms), terms[0][0], step)
    schemes = [grouped(polynomial)]
    if len(terms) <= SEARCHED or _is_line(polynomial):
        schemes += _factored(polynomial, peels)
    if peels:
        schemes += _peeled(polynomial, peels)
    return min(reversed(schemes), key=lambda scheme: scheme.cost)


def _box_step(terms: Terms) -> Shift | None:
    """Return the distance of a row of evenly spaced taps of weight 1, or None when it is not one."""
    step = minus(terms[1][0], terms[0][0])
    even = all(minus(after[0], before[0]) == step for before, after in pairwise(terms))
    return step if even and all(weight == 1 for _, weight in terms) else None


@lru_cache(maxsize=1024)
def additions(taps: int) -> int:
    """Return how many additions a box of so many taps takes: it depends on its width alone.

    A box of w n taps is a box of w boxes of n; a box of an odd number is one tap and a box of one less.

    >>> [additions(taps) for taps in (1, 2, 3, 7, 9, 21, 511)]
    [0, 1, 2, 4, 4, 6, 12]
    """
    return taps - 1 if taps <= 2 else _narrowest(taps)[0]


def _narrowest(taps: int) -> tuple[int, int]:
    """Return the fewest additions of a box, and the width of the boxes it is made of: 0 for a tap and the rest."""
    widths = (width for width in range(2, math.isqrt(taps) + 1) if taps % width == 0)
    ways = [(additions(width) + additions(taps // width), width) for width in widths]
    if taps % 2:
        ways.append((additions(taps - 1) + 1, 0))
    return min(ways)


@lru_cache(maxsize=1024)
def _box(taps: int, first: Shift, step: Shift) -> Scheme:
    """Return the scheme of a box: a box of boxes where its width is a product, else one tap and the rest."""
    if taps == 1:
        return Scheme("tap", 0.0, shift=first, weight=1)
    if taps == 2:
        return Scheme("factor", 1.0, (_box(1, first, step),), step, 1)
    cost, width = _narrowest(taps)
    if width == 0:
        return Scheme("peel", cost, (_box(taps - 1, plus(first, step), step),), first, 1)
    inner = _box(width, first, step)
    return Scheme("product", cost, (inner, _box(taps // width, (0, 0), (step[0] * width, step[1] * width))))


def _is_line(polynomial: Polynomial) -> bool:
    return len({y for y, _ in polynomial}) == 1 or len({x for _, x in polynomial}) == 1


def scheme_of(weights: Array) -> Scheme:
    """Return the scheme of a kernel of whole numbers; of a large one only a column and a row are looked for."""
    if not is_large(weights):
        return search(dict(terms_of(weights)), KERNEL_PEELS)
    factors = line_factors(weights)
    if factors is None:
        return grouped(dict(terms_of(weights)))
    column, row = (search(dict(terms_of(line)), LINE_PEELS) for line in (factors[0][:, None], factors[1][None]))
    return Scheme("product", column.cost + row.cost, (column, row))


def is_large(weights: Array) -> bool:
    """Tell whether a kernel has more taps than are looked through for factors."""
    return int(np.count_nonzero(weights)) > SEARCHED_AT_ALL


def line_factors(weights: Array) -> tuple[Array, Array] | None:
    """Return the column and the row of whole numbers whose product a kernel is, or None.

    >>> line_factors(np.array([[2, 4], [3, 6]]))
    (array([2, 3]), array([1, 2]))
    """
    rows, columns = weights.nonzero()
    if not rows.size:
        return None
    row = weights[rows[0]] // np.gcd.reduce(weights[rows[0]])
    column, rest = np.divmod(weights[:, columns[0]], row[columns[0]])
    if rest.any() or not np.array_equal(np.outer(column, row), weights):
        return None
    return column, row


def terms_of(weights: Array) -> Terms:
    """Return the weights that are not 0 with their shifts, in reading order."""
    rows, columns = weights.nonzero()
    places = zip(rows.tolist(), columns.tolist(), strict=True)
    return tuple(zip(places, weights[rows, columns].tolist(), strict=True))
