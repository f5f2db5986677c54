"""The report of activation functions: facts, curves, values, and what weight and bias do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dlmath.activations.engine.curves import samples, values
from dlmath.activations.report.drawing import STYLES, beside, family
from dlmath.report.blocks import Facts, Lines, Table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dlmath.activations.report.result import Shown
    from dlmath.report.blocks import Block, Cell

SIDE_BY_SIDE = 76
"""Columns from which on phi and phi' stand side by side."""
MOST_WIDE = 110
HEIGHT = 9


def main_table(shown: Sequence[Shown]) -> Table:
    """Return one line an activation."""
    columns = ("name", "equation", "low", "high", "max slope", "E phi", "E phi^2", "E phi'^2", "source")
    rows = tuple(
        (
            entry.phi.name, entry.phi.equation, *entry.phi.range, entry.phi.max_slope, entry.means.mean,
            entry.means.square, entry.means.slope_square, entry.phi.source,
        )
        for entry in shown
    )  # fmt: skip
    keep = ("name", "equation", "max slope", "low", "high", "E phi^2", "E phi'^2", "E phi")
    return Table(columns, rows, title="Activation functions (E: over a standard normal argument)", keep=keep)


def value_table(shown: Sequence[Shown]) -> Table:
    """Return value and slope of every activation at every place."""
    columns = ("x", *(text for entry in shown for text in (entry.phi.name, f"{entry.phi.name}'")))
    rows = tuple(
        (places[0].x, *(number for place in places for number in (place.value, place.slope)))
        for places in zip(*(entry.at for entry in shown), strict=True)
    )
    return Table(columns, rows, title="Values and slopes", keep=columns)


def unit_table(shown: Shown) -> Table:
    """Return what one activation's units give at every place."""
    columns = ("x", *(f"b = {unit.bias:g}" for unit in shown.units))
    rows: list[tuple[Cell, ...]] = [
        (places[0].x, *(place.value for place in places))
        for places in zip(*(unit.at for unit in shown.units), strict=True)
    ]
    return Table(columns, tuple(rows), title=f"{shown.phi.name}({shown.units[0].weight:g} x + b)", keep=columns)


def blocks(shown: Sequence[Shown], span: tuple[float, float], columns: int, *, listed: bool) -> Iterator[Block]:
    """Yield drawings and values, then the facts; a list of all is a table alone."""
    if listed:
        yield main_table(shown)
        return
    yield drawings(shown, span, columns)
    for entry in shown:
        if entry.units:
            yield unit_drawing(entry, span, columns)
            yield unit_table(entry)
    yield value_table(shown)
    for entry in shown:
        yield Facts(tuple(facts(entry)), title=entry.phi.name)


def drawings(shown: Sequence[Shown], span: tuple[float, float], columns: int) -> Lines:
    """Draw phi and phi' of all over one plane each, side by side where the window allows."""
    whole = min(columns, MOST_WIDE)
    room = whole // 2 - 1 if columns >= SIDE_BY_SIDE else whole
    pairs = [[_points(entry, span)[which] for entry in shown] for which in (0, 1)]
    left, right = (
        family(curves, width=room, height=HEIGHT, heading=heading)
        for curves, heading in zip(pairs, ("phi(x)", "phi'(x)"), strict=True)
    )
    legend = tuple(
        (f"{'' if number == 0 else '   '}━━ {entry.phi.name}", STYLES[number % len(STYLES)])
        for number, entry in enumerate(shown)
    )
    body = beside(left, right, room + 2) if columns >= SIDE_BY_SIDE else (*left, *right)
    return Lines((*body, legend), title=", ".join(entry.phi.name for entry in shown))


def _points(
    shown: Shown, span: tuple[float, float], weight: float = 1.0, bias: float = 0.0
) -> tuple[list[tuple[float, float]], list[tuple[float, float]]]:
    """Return the points (x, phi) and (x, slope) of one curve."""
    x = samples(shown.phi, *span, weight, bias)
    value, slope = values(shown.phi, x, weight, bias)
    return tuple(list(zip(x.tolist(), y.tolist(), strict=True)) for y in (value, slope))  # type: ignore[return-value]


def unit_drawing(shown: Shown, span: tuple[float, float], columns: int) -> Lines:
    """Draw phi(W x + b), one curve a bias."""
    curves = [_points(shown, span, unit.weight, unit.bias)[0] for unit in shown.units]
    drawing = family(curves, width=min(columns, MOST_WIDE), height=HEIGHT)
    legend = tuple(
        (f"{'' if number == 0 else '   '}━━ b = {unit.bias:g}", STYLES[number % len(STYLES)])
        for number, unit in enumerate(shown.units)
    )
    weight = shown.units[0].weight
    return Lines(
        (*drawing, legend), title=f"{shown.phi.name}({weight:g} x + b): a bias shifts by -b / W, a weight stretches"
    )


def facts(shown: Shown) -> Iterator[tuple[str, Cell]]:
    """Yield what an activation is."""
    phi = shown.phi
    yield "equation", phi.equation
    yield "derivative", phi.derivative
    yield "range", f"{phi.range[0]:.6g} to {phi.range[1]:.6g}"
    yield "largest slope", phi.max_slope
    yield "E phi, E phi^2", f"{shown.means.mean:.6g}, {shown.means.square:.6g} over a standard normal argument"
    yield "E phi'^2", shown.means.slope_square
    if phi.kinks:
        yield "kinks", ", ".join(f"{kink:g}" for kink in phi.kinks)
    if phi.aliases:
        yield "also called", ", ".join(phi.aliases)
    yield "source", phi.source


def explanation(shown: Sequence[Shown]) -> Iterator[Block]:
    """Yield the formulas with numbers in them: values, slopes held to differences, and what weight and bias do."""
    for entry in shown:
        yield Lines(
            tuple(_values_explained(entry)), title=f"{entry.phi.name}: {entry.phi.equation};  {entry.phi.derivative}"
        )
        if entry.units:
            yield Lines(tuple(_units_explained(entry)), title="Weight and bias: phi(W x + b)")


STEP = 1e-4


def _values_explained(shown: Shown) -> Iterator[str]:
    phi = shown.phi
    for place in shown.at:
        near = any(abs(place.x - kink) <= STEP for kink in phi.kinks)
        ends = phi.value(np.array([place.x - STEP, place.x + STEP]))
        difference = float(ends[1] - ends[0]) / (2 * STEP)
        check = "a kink: the left slope" if near else f"(phi(x + h) - phi(x - h)) / 2h = {difference:.6g}, h = {STEP:g}"
        yield f"phi({place.x:g}) = {place.value:.9g};  phi'({place.x:g}) = {place.slope:.9g}  {check}"
    yield f"largest slope {phi.max_slope:.9g}: {phi.max_slope:g}^10 = {phi.max_slope**10:.4g} over ten of them in a row"
    yield f"E phi'^2 = {shown.means.slope_square:.9g}: chi_1 of mean-field theory at q = 1, sigma_w = 1"


def _units_explained(shown: Shown) -> Iterator[str]:
    yield "phi(W x + b) = phi(W (x - s)) with s = -b / W: the curve of phi, stretched 1 / W times and moved to s"
    yield "its slope by x is W phi'(W x + b): a weight multiplies the slope, a bias only moves it"
    for unit in shown.units:
        where = (
            "W = 0: the same for every x"
            if unit.shift is None
            else f"s = {-unit.bias:g} / {unit.weight:g} = {unit.shift:.6g}"
        )
        steepest = abs(unit.weight) * shown.phi.max_slope
        yield f"W = {unit.weight:g}, b = {unit.bias:g}: {where}; slope at most {steepest:.6g}"
