"""The figure of `dlmath run --plot`: a panel an experiment, its value over one axis, a line a place on the second."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from dlmath.engine.expression_functions import natural
from dlmath.report.plots import new_figure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from dlmath.report.run import Ran, Row

COLORS = ("#0072b2", "#e69f00", "#009e73", "#d55e00", "#cc79a7", "#56b4e9", "#f0e442", "#000000")
"""Okabe & Ito 2008: told apart by every eye."""
MARKERS = "osD^vP*X"
WIDE = 3
SPREAD_OUT = 50.0
"""From this ratio of the largest to the smallest number on, an axis is logarithmic."""


def figure(runs: Sequence[Ran]) -> Figure:
    """Draw a panel for each experiment."""
    columns = min(len(runs), WIDE)
    rows = -(-len(runs) // columns)
    drawn = new_figure(6.4 * columns, 4.8 * rows)
    panels = drawn.subplots(rows, columns, squeeze=False).flat
    for axes, ran in zip(panels, runs, strict=False):
        panel(axes, ran)
    for axes in list(panels)[len(runs) :]:
        axes.set_axis_off()
    return drawn


def panel(axes: Axes, ran: Ran) -> None:
    """Draw one sweep."""
    from dlmath.report.run import first_number

    column = first_number(ran)
    assert column is not None
    names = list(ran.rows[0].labels)
    across = axis_across(ran, names)
    others = [name for name in names if name != across]
    ticks = list(dict.fromkeys(natural(row.labels[across]) for row in ran.rows))
    numeric = all(is_plain(tick) for tick in ticks)
    for index, (label, rows) in enumerate(lines_of(ran, others).items()):
        found = [natural(row.labels[across]) for row in rows]
        places = found if numeric else [ticks.index(tick) for tick in found]
        line(axes, places, [row.values[column] for row in rows], label, index)
    if numeric and min(ticks) > 0 and max(ticks) / min(ticks) >= SPREAD_OUT:
        axes.set_xscale("log")
    elif not numeric or len(ticks) <= 10:
        axes.set_xticks(
            ticks if numeric else range(len(ticks)), [str(tick) for tick in ticks], rotation=0 if numeric else 25
        )
    axes.set(title=ran.name, xlabel=across.replace("_", " "), ylabel=ran.columns[column])
    axes.spines[["top", "right"]].set_visible(False)
    if others:
        axes.legend(title=", ".join(others).replace("_", " "), frameon=False)


def axis_across(ran: Ran, names: Sequence[str]) -> str:
    """Return the axis that is drawn from left to right: the first with numbers alone, else the longest."""
    numeric = (name for name in names if all(is_plain(row.labels[name]) for row in ran.rows))
    return next(numeric, max(names, key=lambda name: len({str(row.labels[name]) for row in ran.rows})))


def is_plain(value: Any) -> bool:
    """Tell whether a label is a finite number."""
    value = natural(value)
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def lines_of(ran: Ran, others: Sequence[str]) -> dict[str, list[Row]]:
    """Return the rows of each line, under what the other axes say."""
    found: dict[str, list[Row]] = {}
    for row in ran.rows:
        found.setdefault(", ".join(str(row.labels[name]) for name in others), []).append(row)
    return found


def line(axes: Axes, places: Sequence[Any], values: Sequence[Any], label: str, index: int) -> None:
    """Draw one line with its intervals; what has no value is left out."""
    kept = [(place, value) for place, value in zip(places, values, strict=True) if hasattr(value, "mean")]
    color, marker = COLORS[index % len(COLORS)], MARKERS[index % len(MARKERS)]
    means = [value.mean for _, value in kept]
    axes.plot([place for place, _ in kept], means, color=color, marker=marker, label=label)
    for place, value in kept:
        if value.low is not None:
            axes.vlines(place, value.low, value.high, color=color, linewidth=1.5)
