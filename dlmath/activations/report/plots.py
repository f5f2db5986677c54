"""The figure of `dlmath activation --plot`: phi and phi' side by side, and what weight and bias do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlmath.activations.engine.curves import samples, values
from dlmath.report.figures import ink, new_figure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from dlmath.activations.report.result import Shown

COLORS = ("#0072b2", "#e69f00", "#009e73", "#d55e00", "#cc79a7", "#56b4e9", "#8c8c8c", "#b8a200")
"""Okabe and Ito's palette (2008), which every kind of colour vision tells apart, the last two for either ground."""
DASHES = ("-", (0, (5, 2)), (0, (1, 1)))


def figure(shown: Sequence[Shown], span: tuple[float, float]) -> Figure:
    """Draw phi on the left, phi' on the right; below one row an activation with phi(W x + b), where that was asked."""
    rows = 1 + sum(bool(entry.units) for entry in shown)
    drawn = new_figure(12, 4.6 * rows)
    panels = drawn.subplots(rows, 2, squeeze=False)
    for number, entry in enumerate(shown):
        draw(panels[0], entry, span, 1.0, 0.0, number, f"{entry.phi.name}")
    label(panels[0], "phi(x)", "phi'(x)")
    for row, entry in enumerate([entry for entry in shown if entry.units], start=1):
        for number, unit in enumerate(entry.units):
            draw(panels[row], entry, span, unit.weight, unit.bias, number, f"b = {unit.bias:g}")
        unit_text = f"{entry.phi.name}({entry.units[0].weight:g} x + b)"
        label(panels[row], unit_text, f"slope of {unit_text}")
    return drawn


def draw(
    panels: Sequence[Axes], shown: Shown, span: tuple[float, float], weight: float, bias: float, number: int, name: str
) -> None:
    """Draw one curve and its slope."""
    x = samples(shown.phi, *span, weight, bias)
    color, dashes = COLORS[number % len(COLORS)], DASHES[number // len(COLORS) % len(DASHES)]
    for axes, y in zip(panels, values(shown.phi, x, weight, bias), strict=True):
        axes.plot(x, y, color=color, linestyle=dashes, linewidth=2.5, label=name)


def label(panels: Sequence[Axes], left: str, right: str) -> None:
    """Name two panels and draw their axes through 0."""
    for axes, title in zip(panels, (left, right), strict=True):
        axes.set_title(title, fontsize=15, fontweight="bold", loc="left")
        axes.set_xlabel("x", fontsize=13)
        axes.axhline(0, color=ink(), linewidth=0.8, alpha=0.5)
        axes.axvline(0, color=ink(), linewidth=0.8, alpha=0.5)
        axes.tick_params(labelsize=12)
        axes.margins(x=0)
        axes.spines[["top", "right"]].set_visible(False)
    panels[0].legend(fontsize=12, frameon=False, loc="best")
