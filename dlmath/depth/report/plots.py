"""The figure of `dlmath vanishing --plot`: gradient and activations against depth, theory dashed."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

from dlmath.report.figures import new_figure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLORS = ("#0072b2", "#e69f00", "#009e73", "#d55e00", "#cc79a7", "#56b4e9", "#1a1a1a", "#8c8c8c")
"""Okabe and Ito's palette (2008), which every kind of colour vision tells apart."""


MOST_HISTOGRAMS = 4
"""Combinations whose distributions are drawn: more would be too small to read."""


class Curve(NamedTuple):
    """One combination: log10 of the gradient's root mean square and the activations' variance, layer by layer.

    `histograms` holds (layer, centres, density) of the activations of some layers.
    """

    name: str
    layers: Sequence[int]
    log10_gradient: Sequence[float]
    predicted: Sequence[float | None]
    variance: Sequence[float]
    histograms: Sequence[tuple[int, Sequence[float], Sequence[float]]] = ()


def figure(curves: Sequence[Curve]) -> Figure:
    """Draw the gradients on the left, the activations' variances on the right, the activations' distributions below."""
    shown = [curve for curve in curves if curve.histograms][:MOST_HISTOGRAMS]
    columns = max(2, len(shown))
    drawn = new_figure(max(11, 3.7 * columns), 8.6 if shown else 4.8)
    halves: Any = drawn.subfigures(2, 1, height_ratios=[1.25, 1]) if shown else [drawn]
    left, right = halves[0].subplots(1, 2)
    if shown:
        for axes, curve in zip(halves[1].subplots(1, len(shown), squeeze=False)[0], shown, strict=True):
            draw_histograms(axes, curve)
        axes.legend(fontsize=10, frameon=False, loc="upper right")  # the shades mean the same in every panel
    for number, curve in enumerate(curves):
        color = COLORS[number % len(COLORS)]
        draw_gradient(left, curve, color)
        right.semilogy(curve.layers, [max(value, 1e-300) for value in curve.variance], color=color, linewidth=2.5)
    label(left, "Gradient's root mean square", "power of ten")
    label(right, "Variance of the activations", "variance")
    left.legend(fontsize=11, frameon=False)
    left.set_title("Gradient's root mean square (theory dashed)", fontsize=12.5, loc="left")
    return drawn


def draw_histograms(axes: Axes, curve: Curve) -> None:
    """Draw the distributions of some layers, from light (near the input) to dark (Glorot & Bengio 2010, figure 6)."""
    for number, (layer, centres, density) in enumerate(curve.histograms):
        shade = 0.75 - 0.7 * number / max(len(curve.histograms) - 1, 1)
        peak = max(density) or 1.0
        axes.plot(
            centres,
            [value / peak for value in density],
            color=(shade, shade, 0.55 + 0.4 * shade),
            linewidth=2,
            label=f"layer {layer}",
        )
    label(axes, f"Activations, {curve.name}", "density over its peak")
    axes.set_xlabel("activation", fontsize=12)


def draw_gradient(axes: Axes, curve: Curve, color: str) -> None:
    """Draw the measured line, and the predicted one dashed over it."""
    axes.plot(curve.layers, curve.log10_gradient, color=color, linewidth=2.5, label=curve.name)
    known = [(x, y) for x, y in zip(curve.layers, curve.predicted, strict=True) if y is not None and math.isfinite(y)]
    if known:
        axes.plot([x for x, _ in known], [y for _, y in known], color="black", linewidth=1.2, linestyle=(0, (4, 3)))


def label(axes: Axes, title: str, y: str) -> None:
    """Name a panel."""
    axes.set_title(title, fontsize=12.5, loc="left")
    axes.set_xlabel("layer (1 is nearest the input)", fontsize=12)
    axes.set_ylabel(y, fontsize=12)
    axes.tick_params(labelsize=11)
    axes.spines[["top", "right"]].set_visible(False)
