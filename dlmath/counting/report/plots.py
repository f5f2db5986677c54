"""The figure of `dlmath param-count --plot`: where parameters and operations sit, layer by layer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlmath.report.figures import new_figure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BLUE, ORANGE = "#0072b2", "#e69f00"
NAMED = 40
"""Up to so many layers have their names written below the bars."""


def figure(name: str, layers: Sequence[str], params: Sequence[int], macs: Sequence[int]) -> Figure:
    """Draw two rows of bars over the same layers: parameters above, MACs below."""
    drawn = new_figure(max(7.0, min(0.28 * len(layers) + 3, 16)), 6.4)
    drawn.suptitle(f"{name}: where parameters and operations sit", fontsize=15, fontweight="bold")
    upper, lower = drawn.subplots(2, 1, sharex=True)
    bars(upper, params, BLUE, "parameters")
    bars(lower, macs, ORANGE, "MACs")
    if len(layers) <= NAMED:
        lower.set_xticks(range(len(layers)), layers, rotation=60, ha="right", fontsize=10)
    else:
        lower.set_xlabel(f"{len(layers)} layers, from input to output", fontsize=12)
    return drawn


def bars(axes: Axes, values: Sequence[int], color: str, what: str) -> None:
    """Draw one row of bars, its sum in the corner."""
    from matplotlib.ticker import EngFormatter

    axes.bar(range(len(values)), values, color=color, width=0.8)
    axes.set_ylabel(what, fontsize=12)
    axes.yaxis.set_major_formatter(EngFormatter())
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_title(f"{sum(values):,} in all", loc="left", fontsize=12)
    axes.margins(x=0.01)
