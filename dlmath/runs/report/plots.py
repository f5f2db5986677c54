"""The figure of `dlmath run --plot`: a panel an experiment, its value over one axis, a line a place on the others.

Numbers along the axis make lines, names make bars.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dlmath.report.figures import new_figure
from dlmath.runs.report.series import (
    TOLD_APART,
    Series,
    axis_across,
    far_apart,
    first_number,
    is_plain,
    place,
    series_of,
    words_of,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from dlmath.runs.report.ran import Ran

COLORS = ("#0072b2", "#e69f00", "#009e73", "#d55e00", "#cc79a7", "#56b4e9", "#f0e442", "#000000")
"""Okabe & Ito 2008: told apart by every eye."""
MARKERS = "osD^vP*X"
WIDE = 3


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
