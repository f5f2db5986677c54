"""Kernels of whole numbers compiled to short programs of additions.

A kernel is a polynomial in the two shifts y and x; sliding it is multiplying by it. [1 2 1] is (1 + x)^2: two
additions instead of three multiplications and two additions; a box of 2n is (1 + x^n) times a box of n; the cross
n + s + w + e is (1 + xy) (y + x). The compiler looks for such factors, for products of a column and a row, and for a
tap worth computing on its own; what is left is summed by equal weights.

The programs are exact in modular arithmetic: only the final value must fit the integer type.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

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
SHARED = 64  # taps up to which sums shared between taps are looked for


class Ref(NamedTuple):
    """A register seen from a shift: element i is register[i + row * stride + column * channels]."""

    register: int
    shift: Shift


class Op(NamedTuple):
    """One step: register `target` = left (+, -) right, or left * factor. Shifts are never negative."""

    kind: str
    target: int
    left: Ref
    right: Ref | None = None
    factor: Any = 1


@dataclass(frozen=True)
class Program:
    """Steps that turn register 0, the padded image, into the sums at `results`; `cost` in additions."""

    ops: tuple[Op, ...]
    results: tuple[Ref, ...]
    cost: float


@dataclass(frozen=True)
class Plan:
    """How a polynomial will be computed: a node of a tree, with its cost in additions."""

    kind: str  # tap, scale, factor, peel, product, groups
    cost: float
    parts: tuple[Plan, ...] = ()
    shift: Shift = (0, 0)
    weight: Any = 1
    terms: Terms = ()


@dataclass
class Writer:
    """Collects the steps of a program; the same step is written once."""

    ops: list[Op] = field(default_factory=list)
    seen: dict[tuple[Any, ...], int] = field(default_factory=dict)
    cost: float = 0.0

    def _emit(self, kind: str, left: Ref, right: Ref | None, factor: Any, cost: float) -> Ref:
        base = min(left.shift, right.shift) if right else left.shift
        left = Ref(left.register, _minus(left.shift, base))
        right = Ref(right.register, _minus(right.shift, base)) if right else None
        key = (kind, left, right, factor)
        if key not in self.seen:
            self.seen[key] = len(self.ops) + 1
            self.ops.append(Op(kind, len(self.ops) + 1, left, right, factor))
            self.cost += cost
        return Ref(self.seen[key], base)

    def add(self, left: Ref, right: Ref) -> Ref:
        """Return left + right, written in one order so that equal sums are found equal."""
        first, second = sorted((left, right), key=lambda ref: (ref.register, ref.shift))
        return self._emit("add", first, second, 1, 1.0)

    def subtract(self, left: Ref, right: Ref) -> Ref:
        """Return left - right."""
        return self._emit("subtract", left, right, 1, 1.0)

    def scale(self, ref: Ref, factor: Any) -> Ref:
        """Return ref * factor; doubling is an addition."""
        if factor == 1:
            return ref
        return self.add(ref, ref) if factor == 2 else self._emit("scale", ref, None, factor, SCALE)


def _minus(left: Shift, right: Shift) -> Shift:
    return left[0] - right[0], left[1] - right[1]


def _plus(left: Shift, right: Shift) -> Shift:
    return left[0] + right[0], left[1] + right[1]


def _weight_cost(weight: Any) -> float:
    size = abs(weight)
    return 0.0 if size == 1 else 1.0 if size == 2 else SCALE


def divide(polynomial: Polynomial, shift: Shift, sign: int) -> Polynomial | None:
    """Return polynomial / (1 + sign X^shift), or None when it does not divide; `shift` is positive in reading order.

    >>> divide({(0, 0): 1, (0, 1): 2, (0, 2): 1}, (0, 1), 1)
    {(0, 0): 1, (0, 1): 1}
    """
    rest = dict(sorted(polynomial.items()))
    last = _minus(max(rest), shift)
    columns = range(min(x for _, x in rest), max(x for _, x in rest) + 1)
    quotient: Polynomial = {}
    while rest:
        first = min(rest)
        after = _plus(first, shift)
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


def _grouped(terms: Polynomial) -> Plan:
    """Return the plan that sums the taps of equal weight and multiplies once a group."""
    sizes = {abs(weight) for weight in terms.values()}
    cost = len(terms) - 1 + sum(_weight_cost(size) for size in sizes)
    return Plan("groups", cost, terms=tuple(sorted(terms.items())))


def _factored(polynomial: Polynomial, peels: int) -> Iterable[Plan]:
    """Yield the plans that take out 1 + X^d or 1 - X^d, the two most promising ones that save something.

    On long lines only the shifts that can halve a box, or take a factor off a binomial, are tried.
    """
    places = sorted(polynomial)
    worth = _grouped(polynomial).cost
    found = []
    if len(places) > 9 and _is_line(polynomial):
        places = [places[0], places[1], places[len(places) // 2], places[-1]]
    for shift in sorted({_minus(place, places[0]) for place in places[1:]}):
        for sign in (1, -1):
            quotient = divide(polynomial, shift, sign)
            if quotient is not None and _grouped(quotient).cost + 1 <= worth:
                found.append((_grouped(quotient).cost, shift, sign, quotient))
    found.sort(key=lambda entry: entry[:3])
    for _, shift, sign, quotient in found[:2]:
        part = search(quotient, peels)
        yield Plan("factor", part.cost + 1, (part,), shift, sign)


def _peeled(polynomial: Polynomial, peels: int) -> Iterable[Plan]:
    """Yield the plans that compute one tap on its own: the first, or the middle one down to a fitting weight."""
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
        yield Plan("peel", part.cost + 1 + _weight_cost(weight), (part,), place, weight)


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
    product = {_plus(y, x): a * b for y, a in down.items() for x, b in across.items()}
    return (down, across) if product == polynomial else None


def search(polynomial: Polynomial, peels: int) -> Plan:
    """Return the cheapest plan found for a polynomial of whole weights, peeling at most `peels` taps off."""
    return _search(tuple(sorted(polynomial.items())), peels)


@lru_cache(maxsize=4096)
def _search(terms: Terms, peels: int) -> Plan:
    polynomial = dict(terms)
    if len(terms) == 1:
        return Plan("tap", _weight_cost(terms[0][1]), shift=terms[0][0], weight=terms[0][1])
    common = math.gcd(*polynomial.values()) * (1 if terms[0][1] > 0 else -1)
    if common != 1:
        part = search({key: weight // common for key, weight in terms}, peels)
        return Plan("scale", part.cost + _weight_cost(common), (part,), weight=common)
    outer = _outer(polynomial)
    if outer is not None:
        parts = (search(outer[0], LINE_PEELS), search(outer[1], LINE_PEELS))
        return Plan("product", parts[0].cost + parts[1].cost, parts)
    step = _box_step(terms)
    if step is not None:
        return _box(len(terms), terms[0][0], step)
    found = [_grouped(polynomial)]
    if len(terms) <= SEARCHED or _is_line(polynomial):
        found += _factored(polynomial, peels)
    if peels:
        found += _peeled(polynomial, peels)
    return min(reversed(found), key=lambda plan: plan.cost)


def _box_step(terms: Terms) -> Shift | None:
    """Return the distance of a row of evenly spaced taps of weight 1, or None when it is not one."""
    step = _minus(terms[1][0], terms[0][0])
    even = all(_minus(after[0], before[0]) == step for before, after in pairwise(terms))
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
def _box(taps: int, first: Shift, step: Shift) -> Plan:
    """Return the plan of a box: a box of boxes where its width is a product, else one tap and the rest."""
    if taps == 1:
        return Plan("tap", 0.0, shift=first, weight=1)
    if taps == 2:
        return Plan("factor", 1.0, (_box(1, first, step),), step, 1)
    cost, width = _narrowest(taps)
    if width == 0:
        return Plan("peel", cost, (_box(taps - 1, _plus(first, step), step),), first, 1)
    inner = _box(width, first, step)
    return Plan("product", cost, (inner, _box(taps // width, (0, 0), (step[0] * width, step[1] * width))))


def _is_line(polynomial: Polynomial) -> bool:
    return len({y for y, _ in polynomial}) == 1 or len({x for _, x in polynomial}) == 1


def write(plan: Plan, source: Ref, writer: Writer, wanted: int = 1) -> tuple[Ref, int]:
    """Write a plan's steps; return where its value stands and the sign it stands there with, `wanted` if it is free."""
    if plan.kind == "tap":
        place = Ref(source.register, _plus(source.shift, plan.shift))
        return writer.scale(place, abs(plan.weight)), 1 if plan.weight > 0 else -1
    if plan.kind == "groups":
        return _write_groups(plan, source, writer, wanted)
    if plan.kind == "product":
        ref, first = write(plan.parts[0], source, writer, wanted)
        ref, second = write(plan.parts[1], ref, writer, wanted * first)
        return ref, first * second
    turned = 1 if plan.weight > 0 else -1
    ref, sign = write(plan.parts[0], source, writer, wanted * turned if plan.kind == "scale" else wanted)
    if plan.kind == "scale":
        return writer.scale(ref, abs(plan.weight)), sign * turned
    if plan.kind == "factor":
        moved = Ref(ref.register, _plus(ref.shift, plan.shift))
        return combine([(ref, sign), (moved, sign * turned)], writer, wanted)
    tap = writer.scale(Ref(source.register, _plus(source.shift, plan.shift)), abs(plan.weight))
    return combine([(ref, sign), (tap, turned)], writer, wanted)


def combine(signed: list[tuple[Ref, int]], writer: Writer, wanted: int = 1) -> tuple[Ref, int]:
    """Write the sum of signed values; return its place and sign, the wanted one if any of them has it."""
    ordered = sorted(signed, key=lambda entry: entry[1] != wanted)
    total, sign = ordered[0]
    for ref, other in ordered[1:]:
        total = writer.add(total, ref) if other == sign else writer.subtract(total, ref)
    return total, sign


def _write_groups(plan: Plan, source: Ref, writer: Writer, wanted: int) -> tuple[Ref, int]:
    groups: dict[Any, list[tuple[Ref, int]]] = {}
    for shift, weight in plan.terms:
        place = Ref(source.register, _plus(source.shift, shift))
        groups.setdefault(abs(weight), []).append((place, 1 if weight > 0 else -1))
    if len(plan.terms) <= SHARED:
        share(groups, writer)
    signed = []
    for size, members in groups.items():
        ref, sign = combine(members, writer, wanted)
        signed.append((writer.scale(ref, size), sign))
    return combine(signed, writer, wanted)


Pair = tuple[int, int, Shift, int]


def _pairs(groups: dict[Any, list[tuple[Ref, int]]]) -> dict[Pair, list[tuple[Any, int, int]]]:
    """Return where each pattern of two terms (registers, distance, relative sign) occurs, no term twice a pattern."""
    found: dict[Pair, list[tuple[Any, int, int]]] = {}
    used: dict[Pair, set[tuple[Any, int]]] = {}
    for size, members in groups.items():
        for i, (first, sign) in enumerate(members):
            for j in range(i + 1, len(members)):
                second, other = members[j]
                key = (first.register, second.register, _minus(second.shift, first.shift), sign * other)
                taken = used.setdefault(key, set())
                if (size, i) not in taken and (size, j) not in taken:
                    taken |= {(size, i), (size, j)}
                    found.setdefault(key, []).append((size, i, j))
    return found


def share(groups: dict[Any, list[tuple[Ref, int]]], writer: Writer) -> None:
    """Replace the pattern of two terms that occurs most often by one new register, until none occurs twice."""
    while True:
        found = _pairs(groups)
        places = max(found.values(), key=len, default=[])
        if len(places) < 2:
            return
        gone = {(size, j) for size, _, j in places}
        for size, i, j in places:
            groups[size][i] = combine([groups[size][i], groups[size][j]], writer)
        for size, members in groups.items():
            members[:] = sorted(entry for j, entry in enumerate(members) if (size, j) not in gone)


def compile_kernels(*kernels: Array) -> Program:
    """Return the program that computes every kernel's sums; compiled programs are remembered.

    Parameters
    ----------
    kernels : ndarray of shape (kh, kw)
        Whole numbers (an integer dtype): factors are looked for. Floats: taps of equal weight are summed first.
    """
    whole = all(weights.dtype.kind in "iu" for weights in kernels)
    return _compiled(tuple((weights.shape, weights.dtype.str, weights.tobytes()) for weights in kernels), whole)


def program_cost(weights: Array) -> float:
    """Return what a kernel's program costs in additions; where that takes long to know, what it costs at most.

    Of floats, and of many whole weights that are no product of a column and a row, every tap and one product a weight.
    """
    if weights.dtype.kind not in "iu" or (is_large(weights) and line_factors(weights) is None):
        sizes = abs(weights[weights.nonzero()])
        return float(sizes.size + SCALE * np.unique(sizes).size)
    return compile_kernels(weights).cost


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


def _terms(weights: Array) -> Terms:
    rows, columns = weights.nonzero()
    places = zip(rows.tolist(), columns.tolist(), strict=True)
    return tuple(zip(places, weights[rows, columns].tolist(), strict=True))


Key = tuple[tuple[int, ...], str, bytes]
"""A kernel as a cache knows it: shape, dtype and weights."""


@lru_cache(maxsize=256)
def _compiled(kernels: tuple[Key, ...], whole: bool) -> Program:  # noqa: FBT001 - a key of the cache
    writer = Writer()
    arrays = (np.frombuffer(content, dtype).reshape(shape) for shape, dtype, content in kernels)
    results = tuple(_compile_one(weights, whole, writer) for weights in arrays)
    return Program(tuple(writer.ops), results, writer.cost)


def _compile_one(weights: Array, whole: bool, writer: Writer) -> Ref:  # noqa: FBT001 - passed on
    source = Ref(0, (0, 0))
    if not weights.any():
        return writer.scale(source, 0)
    ref, sign = write(_plan(weights) if whole else _grouped(dict(_terms(weights))), source, writer)
    return ref if sign > 0 else writer.scale(ref, -1)


def _plan(weights: Array) -> Plan:
    """Return the plan of a kernel of whole numbers; of a large one only a column and a row are looked for."""
    if not is_large(weights):
        return search(dict(_terms(weights)), KERNEL_PEELS)
    factors = line_factors(weights)
    if factors is None:
        return _grouped(dict(_terms(weights)))
    column, row = (search(dict(_terms(line)), LINE_PEELS) for line in (factors[0][:, None], factors[1][None]))
    return Plan("product", column.cost + row.cost, (column, row))
