"""The figure of `dlmath vanishing --plot`: gradient and activations against depth, theory dashed."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from dlmath.report.plots import new_figure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLORS = ("#0072b2", "#e69f00", "#009e73", "#d55e00", "#cc79a7", "#56b4e9", "#1a1a1a", "#8c8c8c")
"""Okabe and Ito's palette (2008), which every kind of colour vision tells apart."""


class Curve(NamedTuple):
    """One combination: log10 of the gradient's root mean square and the activations' variance, layer by layer."""

    name: str
    layers: Sequence[int]
    log10_gradient: Sequence[float]
    predicted: Sequence[float | None]
    variance: Sequence[float]


def figure(curves: Sequence[Curve]) -> Figure:
    """Draw the gradients on the left, the activations' variances on the right."""
    drawn = new_figure(11, 4.8)
    left, right = drawn.subplots(1, 2)
    for number, curve in enumerate(curves):
        color = COLORS[number % len(COLORS)]
        draw_gradient(left, curve, color)
        right.semilogy(curve.layers, [max(value, 1e-300) for value in curve.variance], color=color, linewidth=2.5)
    label(left, "Gradient's root mean square", "power of ten")
    label(right, "Variance of the activations", "variance")
    left.legend(fontsize=11, frameon=False)
    left.set_title("Gradient's root mean square (theory dashed)", fontsize=12.5, loc="left")
    return drawn


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
