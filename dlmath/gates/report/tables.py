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


SHOWN_ROWS = 32
"""Rows of a table that are shown without asking; `--format csv` prints all."""
WIDE_ROOM, NARROW_ROOM, FEW_POINTS = 0.5, 0.08, 8
"""The room left around the data, in shares of their extent: wide around the corners of a gate, narrow around many."""


def truth_table(gate: Gate, outputs: Sequence[Sequence[float]], correct: Sequence[bool]) -> Table:
    """Return the rows with their targets, outputs and whether they are right."""
    rows = tuple(
        (*map(number, x), *map(number, y), *map(number, o), right)
        for x, y, o, right in zip(gate.inputs, gate.targets, outputs, correct, strict=True)
    )
    styles = tuple("" if ok else "red" for ok in correct)
    title = f"{'Rows' if gate.input_names else 'Truth table'} of {gate.name}"
    titles = (*input_titles(gate), *target_titles(gate), *output_titles(gate), "right")
    keep = ("right", *output_titles(gate), *target_titles(gate))
    return Table(titles, rows, title=title, styles=styles, keep=keep)


def input_titles(gate: Gate) -> tuple[str, ...]:
    """Return what the columns of inputs are called."""
    return gate.input_names or numbered("x", gate.n_inputs)


def target_titles(gate: Gate) -> tuple[str, ...]:
    """Return what the columns of targets are called."""
    return gate.output_names or numbered("y", gate.n_outputs, alone="target")


def output_titles(gate: Gate) -> tuple[str, ...]:
    """Return what the columns of outputs are called."""
    if len(gate.output_names) > 1:
        return tuple(f"{name} (output)" for name in gate.output_names)
    return numbered("o", gate.n_outputs, alone="output")


def shown_rows(table: Table, correct: Sequence[bool]) -> Table:
    """Return a table short enough to be shown without asking: of many rows, the first wrong ones, else the first.

    >>> shown_rows(Table(("x",), ((1,),) * 40, title="Rows"), [True] * 40).title
    'Rows (the first 32 of 40, all right; --format csv prints all)'
    """
    if len(table.rows) <= SHOWN_ROWS:
        return table
    wrong = [row for row, right in enumerate(correct) if not right]
    chosen = (wrong or list(range(len(table.rows))))[:SHOWN_ROWS]
    of = f"of {len(wrong):,} wrong ones" if wrong else f"of {len(table.rows):,}, all right"
    more = f"the first {len(chosen)} {of}" if len(chosen) < len(wrong) or not wrong else f"the {len(wrong)} wrong ones"
    return table._replace(
        rows=tuple(table.rows[row] for row in chosen),
        styles=tuple(table.styles[row] for row in chosen) if table.styles else (),
        title=f"{table.title} ({more}; --format csv prints all)",
    )


def right_text(count: int | None, rows: int) -> str:
    """Say how many rows are on their target's side.

    >>> right_text(3, 4)
    "3 of 4 rows on their target's side (accuracy 75 %)"
    """
    if count is None:
        return "unknown: the targets have more than two levels"
    return f"{count:,} of {rows:,} rows on their target's side (accuracy {100 * count / rows:.4g} %)"


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
    """Return a range around values: half their extent wider on either side when they are few, narrow around many.

    >>> span([0, 1])
    (-0.5, 1.5)
    """
    low, high = min(values), max(values)
    share = WIDE_ROOM if len(values) <= FEW_POINTS else NARROW_ROOM
    room = (high - low) * share or 1.0
    return low - room, high + room
