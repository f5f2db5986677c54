"""The figure of `dlmath run --plot`: a panel an experiment, its value over one axis, a line a place on the others.

Numbers along the axis make lines, names make bars.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

from dlmath.language.functions import natural
from dlmath.report.figures import new_figure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from dlmath.runs.report.ran import Ran, Row

COLORS = ("#0072b2", "#e69f00", "#009e73", "#d55e00", "#cc79a7", "#56b4e9", "#f0e442", "#000000")
"""Okabe & Ito 2008: told apart by every eye."""
MARKERS = "osD^vP*X"
WIDE = 3
SPREAD_OUT = 50.0
"""From this ratio of the largest to the smallest number on, an axis is logarithmic."""
TOLD_APART = 10
"""Up to so many lines have their names in a legend, and so many ticks each their label."""


class Series(NamedTuple):
    """One line or one color of bars: its name, and for each place the value over its repeats."""

    label: str
    places: list[Any]
    values: list[Any]


def figure(runs: Sequence[Ran]) -> Figure:
    """Draw a panel for each experiment."""
    columns = min(len(runs), WIDE)
    rows = -(-len(runs) // columns)
    drawn = new_figure(6.4 * columns, 4.8 * rows)
    panels = list(drawn.subplots(rows, columns, squeeze=False).flat)
    for axes, ran in zip(panels, runs, strict=False):
        panel(axes, ran)
    for axes in panels[len(runs) :]:
        axes.set_axis_off()
    return drawn


def panel(axes: Axes, ran: Ran) -> None:
    """Draw one sweep."""
    from dlmath.runs.report.tables import first_number

    column = first_number(ran)
    assert column is not None
    across = axis_across(ran)
    ticks = list(dict.fromkeys(place(row, across) for row in ran.rows))
    numeric = all(is_plain(tick) for tick in ticks)
    series = series_of(ran, across, column)
    draw = lines if numeric else bars
    draw(axes, series, ticks)
    scales(axes, series, ticks if numeric else [])
    axes.set_title(ran.name, fontsize=14)
    axes.set_xlabel(words_of(across), fontsize=12)
    axes.set_ylabel(ran.columns[column], fontsize=12)
    axes.spines[["top", "right"]].set_visible(False)
    legend(axes, series, [axis for axis in ran.axes if axis != across])


def axis_across(ran: Ran) -> tuple[str, ...]:
    """Return the axis that is drawn from left to right: the first with numbers alone, else the longest."""
    numeric = (axis for axis in ran.axes if all(is_plain(place(row, axis)) for row in ran.rows))
    return next(numeric, max(ran.axes, key=lambda axis: len({str(place(row, axis)) for row in ran.rows})))


def place(row: Row, axis: tuple[str, ...]) -> Any:
    """Return where a row lies on an axis: a number, or a name; options that go together have a common one."""
    if len(axis) == 1:
        return natural(row.labels[axis[0]])
    return " ".join(str(row.labels[name]) for name in axis)


def is_plain(value: Any) -> bool:
    """Tell whether a place is a finite number."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def series_of(ran: Ran, across: tuple[str, ...], column: int) -> list[Series]:
    """Return a series for every combination of places on the other axes."""
    found: dict[str, Series] = {}
    for row in ran.rows:
        label = ", ".join(str(place(row, axis)) for axis in ran.axes if axis != across)
        series = found.setdefault(label, Series(label, [], []))
        if hasattr(row.values[column], "mean"):
            series.places.append(place(row, across))
            series.values.append(row.values[column])
    return list(found.values())


def lines(axes: Axes, series: Sequence[Series], ticks: Sequence[Any]) -> None:
    """Draw a line for each series, with its intervals."""
    for index, one in enumerate(series):
        color, marker = COLORS[index % len(COLORS)], MARKERS[index % len(MARKERS)]
        axes.plot(one.places, [value.mean for value in one.values], color=color, marker=marker, label=one.label)
        whiskers(axes, one.places, one.values)
    if len(ticks) <= TOLD_APART:
        axes.set_xticks(ticks, [str(tick) for tick in ticks])


def bars(axes: Axes, series: Sequence[Series], ticks: Sequence[Any]) -> None:
    """Draw bars side by side at each name."""
    width = 0.8 / len(series)
    for index, one in enumerate(series):
        middles = [ticks.index(name) - 0.4 + width * (index + 0.5) for name in one.places]
        color = COLORS[index % len(COLORS)]
        axes.bar(middles, [value.mean for value in one.values], width=width, color=color, label=one.label)
        whiskers(axes, middles, one.values)
    axes.set_xticks(range(len(ticks)), [str(tick) for tick in ticks], rotation=30, ha="right", rotation_mode="anchor")


def whiskers(axes: Axes, places: Sequence[Any], values: Sequence[Any]) -> None:
    """Draw the intervals over repeats."""
    for where, value in zip(places, values, strict=True):
        if value.low is not None:
            axes.vlines(where, value.low, value.high, color="black", linewidth=1.5)


def scales(axes: Axes, series: Sequence[Series], ticks: Sequence[Any]) -> None:
    """Make an axis logarithmic whose positive numbers lie far apart."""
    from matplotlib.ticker import NullLocator

    values = [value.mean for one in series for value in one.values]
    if far_apart(ticks):
        axes.set_xscale("log")
        if len(ticks) <= TOLD_APART:
            axes.set_xticks(ticks, [str(tick) for tick in ticks])
            axes.xaxis.set_minor_locator(NullLocator())
    if far_apart(values):
        axes.set_yscale("log")


def far_apart(values: Sequence[Any]) -> bool:
    """Tell whether numbers are all positive and far apart.

    >>> far_apart([1, 10, 100]), far_apart([0, 100]), far_apart([])
    (True, False, False)
    """
    return bool(values) and min(values) > 0 and max(values) / min(values) >= SPREAD_OUT


def legend(axes: Axes, series: Sequence[Series], others: Sequence[tuple[str, ...]]) -> None:
    """Name the series, or say how many there are when they are too many to be told apart."""
    if not others:
        return
    title = ", ".join(words_of(axis) for axis in others)
    if len(series) <= TOLD_APART:
        axes.legend(title=title, fontsize=10, framealpha=0.85, edgecolor="none")
    else:
        text = f"{len(series)} lines, one for each of {title}"
        axes.annotate(text, (0, 1), xycoords="axes fraction", va="top", fontsize=10)


def words_of(axis: tuple[str, ...]) -> str:
    """Return an axis in words."""
    return " and ".join(axis).replace("_", " ")
