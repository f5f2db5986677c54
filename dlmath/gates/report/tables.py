"""What the reports of perceptrons and of networks on a gate share: the truth table, formulas of lines, numbers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from dlmath.report.blocks import Table

if TYPE_CHECKING:
    from collections.abc import Sequence
    from fractions import Fraction

    from dlmath.gates.engine.gates import Gate
    from dlmath.report.blocks import Cell


def truth_table(gate: Gate, outputs: Sequence[Sequence[float]], correct: Sequence[bool]) -> Table:
    """Return the rows with their targets, outputs and whether they are right."""
    columns = (
        *numbered("x", gate.n_inputs),
        *numbered("y", gate.n_outputs, alone="target"),
        *numbered("o", gate.n_outputs, alone="output"),
        "right",
    )
    rows = tuple(
        (*map(number, x), *map(number, y), *map(number, o), right)
        for x, y, o, right in zip(gate.inputs, gate.targets, outputs, correct, strict=True)
    )
    styles = tuple("" if ok else "red" for ok in correct)
    return Table(columns, rows, title=f"Truth table of {gate.name}", styles=styles)


def numbered(letter: str, count: int, alone: str | None = None) -> tuple[str, ...]:
    """Return column titles: x1, x2, ..., or `alone` for a single one.

    >>> numbered("x", 2), numbered("y", 1, alone="target")
    (('x1', 'x2'), ('target',))
    """
    if alone is not None and count == 1:
        return (alone,)
    return tuple(f"{letter}{i + 1}" for i in range(count))


def number(value: float | Fraction) -> int | float:
    """Return a whole number as int, any other as float.

    >>> number(2.0), number(0.5)
    (2, 0.5)
    """
    return float(value) if not math.isfinite(value) or value % 1 else int(value)


def term(value: float | Fraction, name: str) -> str:
    """Return a coefficient times a name, without a needless 1.

    >>> term(1, "x1"), term(-1, "x2"), term(2.5, "x3")
    ('x1', '-x2', '2.5 x3')
    """
    if abs(value) == 1:
        return name if value > 0 else f"-{name}"
    return f"{figure_of(value)} {name}"


def figure_of(value: float | Fraction) -> Cell:
    """Return a number as it stands in a formula: at most nine significant digits."""
    return f"{number(value):.9g}"


def linear_form(weights: Sequence[float | Fraction], bias: float | Fraction | None) -> str:
    """Return a weighted sum as a formula, terms with weight 0 left out.

    >>> linear_form([2, 1], -2), linear_form([0, -1], None), linear_form([0, 0], 0)
    ('2 x1 + x2 - 2', '-x2', '0')
    """
    terms = [term(w, f"x{i + 1}") for i, w in enumerate(weights) if w]
    if bias:
        terms.append(str(figure_of(bias)))
    return " + ".join(terms).replace("+ -", "- ") or "0"


def span(values: Sequence[float]) -> tuple[float, float]:
    """Return a range around values, half their extent wider on either side.

    >>> span([0, 1])
    (-0.5, 1.5)
    """
    low, high = min(values), max(values)
    room = (high - low) / 2 or 1.0
    return low - room, high + room
