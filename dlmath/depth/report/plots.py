"""The figure of `dlmath vanishing --plot`: gradients, what learns, activations, and how both are distributed."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

from dlmath.report.figures import ink, new_figure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from dlmath.depth.engine.histograms import Histogram, Histograms

COLORS = ("#0072b2", "#e69f00", "#009e73", "#d55e00", "#cc79a7", "#56b4e9", "#8c8c8c", "#b8a200")
"""Okabe and Ito's palette (2008), which every kind of colour vision tells apart, the last two for either ground."""

MOST_HISTOGRAMS = 8
"""Combinations whose distributions are drawn; of more the figure says that they are left out."""


LEAST_SPAN = 2.0
TITLES = (
    "Gradient dE/dx (theory dashed)",
    "Weight gradient dE/dW: what learns",
    "Variance of the activations",
    "Weights moved by training",
)


class DrawnCurve(NamedTuple):
    """One combination, layer by layer: log10 of root mean squares of gradients, and of the activations' variance.

    `log10_moved` is of |W after - W before| / |W before| in training, empty without.
    """

    name: str
    layers: Sequence[int]
    log10_gradient: Sequence[float]
    predicted: Sequence[float | None]
    log10_weight_gradient: Sequence[float]
    log10_variance: Sequence[float]
    histograms: Histograms
    log10_moved: Sequence[float] = ()


def figure(curves: Sequence[DrawnCurve]) -> Figure:
    """Draw gradients, weight gradients and variances above; below the distributions of activations and gradients."""
    shown = [curve for curve in curves if curve.histograms.activations]
    rows = math.ceil(len(shown[:MOST_HISTOGRAMS]) / 2)
    drawn = new_figure(14, 4.9 + 3.2 * rows)
    parts: Any = drawn.subfigures(2, 1, height_ratios=[4.9, 3.2 * rows]) if rows else [drawn]
    trained = any(curve.log10_moved for curve in curves)
    panels = parts[0].subplots(1, 4 if trained else 3)
    for number, curve in enumerate(curves):
        color = COLORS[number % len(COLORS)]
        draw_gradient(panels[0], curve, color)
        draw_line(panels[1], curve, curve.log10_weight_gradient, color)
        draw_line(panels[2], curve, curve.log10_variance, color)
        if trained:
            draw_line(panels[3], curve, curve.log10_moved or [-math.inf] * len(curve.layers), color)
    for axes, title in zip(panels, TITLES, strict=False):
        label(axes, title)
    panels[0].legend(fontsize=11, frameon=False)
    if shown:
        draw_distributions(parts[1], shown[:MOST_HISTOGRAMS], left_out=len(shown) - MOST_HISTOGRAMS)
    return drawn


def draw_line(axes: Axes, curve: DrawnCurve, values: Sequence[float], color: str) -> None:
    """Draw what is finite."""
    known = [(x, y) for x, y in zip(curve.layers, values, strict=True) if math.isfinite(y)]
    axes.plot([x for x, _ in known], [y for _, y in known], color=color, linewidth=2.5, label=curve.name)


def draw_gradient(axes: Axes, curve: DrawnCurve, color: str) -> None:
    """Draw the measured line, and the predicted one dashed over it."""
    draw_line(axes, curve, curve.log10_gradient, color)
    known = [(x, y) for x, y in zip(curve.layers, curve.predicted, strict=True) if y is not None and math.isfinite(y)]
    if known:
        axes.plot([x for x, _ in known], [y for _, y in known], color=ink(), linewidth=1.2, linestyle=(0, (4, 3)))


def draw_distributions(part: Any, shown: Sequence[DrawnCurve], left_out: int) -> None:
    """Draw two panels a combination, activations and gradients, two combinations a row."""
    if left_out > 0:
        part.suptitle(f"and {left_out} more combinations, whose distributions are not drawn", fontsize=11)
    columns = 2 * min(2, len(shown))
    panels = part.subplots(math.ceil(len(shown) / 2), columns, squeeze=False).ravel()
    for number, curve in enumerate(shown):
        left, right = panels[2 * number], panels[2 * number + 1]
        draw_histograms(left, curve.histograms.activations)
        draw_histograms(right, curve.histograms.gradients)
        left.set_title(f"Activations, {curve.name}", fontsize=11.5, loc="left")
        right.set_title("|dE/dx|, units and inputs", fontsize=11.5, loc="left")
        left.set_xlabel("activation", fontsize=11)
        right.set_xlabel("power of ten", fontsize=11)
    panels[1].legend(fontsize=9, frameon=False, loc="upper left")  # the shades mean the same in every panel
    for axes in panels[2 * len(shown) :]:
        axes.set_visible(False)


def draw_histograms(axes: Axes, histograms: Sequence[Histogram]) -> None:
    """Draw the distributions of some layers, from yellow (near the input) to blue (Glorot & Bengio 2010, figure 6)."""
    from matplotlib import colormaps

    shades = colormaps["viridis"]
    for number, histogram in enumerate(histograms):
        peak = max(histogram.density) or 1.0
        axes.plot(
            histogram.centres,
            [value / peak for value in histogram.density],
            color=shades(0.92 - 0.6 * number / max(len(histograms) - 1, 1)),
            linewidth=2,
            label=f"layer {histogram.layer}",
        )
    axes.set_ylabel("density over its peak", fontsize=10)
    axes.tick_params(labelsize=10)
    axes.spines[["top", "right"]].set_visible(False)


def label(axes: Axes, title: str) -> None:
    """Name a panel, and let it span two powers of ten at least: less is the scatter of one network."""
    from matplotlib.ticker import MaxNLocator

    low, high = axes.get_ylim()
    if high - low < LEAST_SPAN:
        axes.set_ylim((low + high - LEAST_SPAN) / 2, (low + high + LEAST_SPAN) / 2)
    axes.set_title(title, fontsize=12.5, loc="left")
    axes.set_xlabel("layer (1 is nearest the input)", fontsize=12)
    axes.set_ylabel("power of ten", fontsize=12)
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    axes.tick_params(labelsize=11)
    axes.spines[["top", "right"]].set_visible(False)
