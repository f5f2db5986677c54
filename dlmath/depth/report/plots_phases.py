"""The figure of `dlmath vanishing --phase-diagram --plot`: chi_1 over sigma_w and sigma_b."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlmath.report.figures import new_figure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.figure import Figure

LARGEST = 2.0
"""Factors beyond this and its inverse have the colour of the ends."""


def figure(
    activation: str,
    sigma_w: Sequence[float],
    sigma_b: Sequence[float],
    chi_1: Sequence[Sequence[float]],
    line: Sequence[tuple[float, float]],
) -> Figure:
    """Draw order in blue, chaos in orange, the critical line in black."""
    from matplotlib.colors import LinearSegmentedColormap, LogNorm

    drawn = new_figure(7.2, 5.4)
    axes = drawn.add_subplot()
    colors = LinearSegmentedColormap.from_list("phases", ["#0072b2", "white", "#d55e00"])
    mesh = axes.pcolormesh(
        sigma_w, sigma_b, chi_1, cmap=colors, norm=LogNorm(1 / LARGEST, LARGEST), shading="gouraud", rasterized=True
    )
    if len(line) > 1:
        axes.plot([x for x, _ in line], [y for _, y in line], color="black", linewidth=2.5, label="chi_1 = 1")
        axes.legend(loc="upper left", fontsize=11)
    axes.set_xlim(sigma_w[0], sigma_w[-1])
    axes.set_ylim(sigma_b[0], sigma_b[-1])
    axes.set_xlabel("sigma_w", fontsize=12)
    axes.set_ylabel("sigma_b", fontsize=12)
    axes.tick_params(labelsize=11)
    axes.set_title(f"{activation}: order (blue) and chaos (orange)", fontsize=14, fontweight="bold", loc="left")
    bar = drawn.colorbar(
        mesh, ax=axes, label="chi_1, factor of the gradient's mean square per layer", ticks=[0.5, 1, 2]
    )
    bar.ax.set_yticklabels(["0.5", "1", "2"])
    bar.ax.minorticks_off()
    return drawn
