"""Kernels of whole numbers compiled to short programs of additions, as `search` takes them apart.

The programs are exact in modular arithmetic: only the final value must fit the integer type.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from dlmath.convolution.engine.search import (
    SCALE,
    Shift,
    grouped,
    is_large,
    line_factors,
    minus,
    plus,
    scheme_of,
    terms_of,
)

if TYPE_CHECKING:
    from dlmath.convolution.engine.search import Scheme
    from dlmath.neural.arrays import Array

SHARED = 64  # taps up to which sums shared between taps are looked for


class Ref(NamedTuple):
    """A register seen from a shift: element i is register[i + row * stride + column * channels]."""

    register: int
    shift: Shift


class ProgramOp(NamedTuple):
    """One step: register `target` = left (+, -) right, or left * factor. Shifts are never negative."""

    kind: str
    target: int
    left: Ref
    right: Ref | None = None
    factor: Any = 1


@dataclass(frozen=True)
class Program:
    """Steps that turn register 0, the padded image, into the sums at `results`; `cost` in additions."""

    ops: tuple[ProgramOp, ...]
    results: tuple[Ref, ...]
    cost: float


@dataclass
class Writer:
    """Collects the steps of a program; the same step is written once."""

    ops: list[ProgramOp] = field(default_factory=list)
    seen: dict[tuple[Any, ...], int] = field(default_factory=dict)
    cost: float = 0.0

    def _emit(self, kind: str, left: Ref, right: Ref | None, factor: Any, cost: float) -> Ref:
        base = min(left.shift, right.shift) if right else left.shift
        left = Ref(left.register, minus(left.shift, base))
        right = Ref(right.register, minus(right.shift, base)) if right else None
        key = (kind, left, right, factor)
        if key not in self.seen:
            self.seen[key] = len(self.ops) + 1
            self.ops.append(ProgramOp(kind, len(self.ops) + 1, left, right, factor))
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


def write(scheme: Scheme, source: Ref, writer: Writer, wanted: int = 1) -> tuple[Ref, int]:
    """Write a scheme's steps; return where its value stands, and with which sign: `wanted` if it is free."""
    if scheme.kind == "tap":
        place = Ref(source.register, plus(source.shift, scheme.shift))
        return writer.scale(place, abs(scheme.weight)), 1 if scheme.weight > 0 else -1
    if scheme.kind == "groups":
        return _write_groups(scheme, source, writer, wanted)
    if scheme.kind == "product":
        ref, first = write(scheme.parts[0], source, writer, wanted)
        ref, second = write(scheme.parts[1], ref, writer, wanted * first)
        return ref, first * second
    turned = 1 if scheme.weight > 0 else -1
    ref, sign = write(scheme.parts[0], source, writer, wanted * turned if scheme.kind == "scale" else wanted)
    if scheme.kind == "scale":
        return writer.scale(ref, abs(scheme.weight)), sign * turned
    if scheme.kind == "factor":
        moved = Ref(ref.register, plus(ref.shift, scheme.shift))
        return combine([(ref, sign), (moved, sign * turned)], writer, wanted)
    tap = writer.scale(Ref(source.register, plus(source.shift, scheme.shift)), abs(scheme.weight))
    return combine([(ref, sign), (tap, turned)], writer, wanted)


def combine(signed: list[tuple[Ref, int]], writer: Writer, wanted: int = 1) -> tuple[Ref, int]:
    """Write the sum of signed values; return its place and sign, the wanted one if any of them has it."""
    ordered = sorted(signed, key=lambda entry: entry[1] != wanted)
    total, sign = ordered[0]
    for ref, other in ordered[1:]:
        total = writer.add(total, ref) if other == sign else writer.subtract(total, ref)
    return total, sign


def _write_groups(scheme: Scheme, source: Ref, writer: Writer, wanted: int) -> tuple[Ref, int]:
    groups: dict[Any, list[tuple[Ref, int]]] = {}
    for shift, weight in scheme.terms:
        place = Ref(source.register, plus(source.shift, shift))
        groups.setdefault(abs(weight), []).append((place, 1 if weight > 0 else -1))
    if len(scheme.terms) <= SHARED:
        share(groups, writer)
    signed = []
    for size, members in groups.items():
        ref, sign = combine(members, writer, wanted)
        signed.append((writer.scale(ref, size), sign))
    return combine(signed, writer, wanted)


Pair = tuple[int, int, Shift, int]


def _pairs(groups: dict[Any, list[tuple[Ref, int]]]) -> dict[Pair, list[tuple[Any, int, int]]]:
    """Return where each pattern of two terms (registers, distance, relative sign) occurs, no term twice a pattern."""
    places: dict[Pair, list[tuple[Any, int, int]]] = {}
    used: dict[Pair, set[tuple[Any, int]]] = {}
    for size, members in groups.items():
        for i, (first, sign) in enumerate(members):
            for j in range(i + 1, len(members)):
                second, other = members[j]
                key = (first.register, second.register, minus(second.shift, first.shift), sign * other)
                taken = used.setdefault(key, set())
                if (size, i) not in taken and (size, j) not in taken:
                    taken |= {(size, i), (size, j)}
                    places.setdefault(key, []).append((size, i, j))
    return places


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
    ref, sign = write(scheme_of(weights) if whole else grouped(dict(terms_of(weights))), source, writer)
    return ref if sign > 0 else writer.scale(ref, -1)
