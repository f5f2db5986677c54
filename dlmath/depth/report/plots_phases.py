"""The figure of `dlmath vanishing --phase-diagram --plot`: chi_1 over sigma_w and sigma_b."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlmath.depth.report.plots import COLORS
from dlmath.report.figures import new_figure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from dlmath.depth.engine.critical import CriticalPoint
    from dlmath.depth.engine.phase_diagram import PhaseDiagram

LARGEST = 2.0
"""Factors beyond this and its inverse have the colour of the ends."""


def figure(phases: PhaseDiagram) -> Figure:
    """Draw order in blue, chaos in orange, the critical line in black from frame to frame."""
    from matplotlib.colors import LinearSegmentedColormap, LogNorm

    drawn = new_figure(7.2, 5.4)
    axes = drawn.add_subplot()
    colors = LinearSegmentedColormap.from_list("phases", ["#0072b2", "white", "#d55e00"])
    mesh = axes.pcolormesh(
        phases.sigma_w, phases.sigma_b, phases.chi_1, cmap=colors, norm=LogNorm(1 / LARGEST, LARGEST),
        shading="gouraud", rasterized=True,
    )  # fmt: skip
    draw_lines(axes, phases)
    axes.set_xlim(phases.sigma_w[0], phases.sigma_w[-1])
    axes.set_ylim(phases.sigma_b[0], phases.sigma_b[-1])
    axes.set_xlabel("sigma_w", fontsize=12)
    axes.set_ylabel("sigma_b", fontsize=12)
    axes.tick_params(labelsize=11)
    axes.set_title(f"{phases.activation}: order (blue) and chaos (orange)", fontsize=14, fontweight="bold", loc="left")
    bar = drawn.colorbar(
        mesh, ax=axes, label="chi_1, factor of the gradient's mean square per layer", ticks=[0.5, 1, 2]
    )
    bar.ax.set_yticklabels(["0.5 or less", "1", "2 or more"])
    bar.ax.minorticks_off()
    return drawn


def lines_figure(points: Sequence[tuple[str, CriticalPoint]]) -> Figure:
    """Draw the critical line of every activation, and the point that was solved for."""
    from dlmath.depth.engine.critical import critical_line
    from dlmath.depth.engine.phase_diagram import within_frame

    drawn = new_figure(7.2, 5.4)
    axes = drawn.add_subplot()
    right = 1.5 * max(1.0, *(point.sigma_w for _, point in points))
    left = 0.5 * min(point.sigma_w for _, point in points)
    top = 1.5 * max(1.0, *(point.sigma_b for _, point in points))
    for number, (name, point) in enumerate(points):
        color = COLORS[number % len(COLORS)]
        line = within_frame(critical_line(name, largest_sigma_b=2 * top), (0.0, right), (0.0, top))
        axes.plot([place.sigma_w for place in line], [place.sigma_b for place in line], color=color, linewidth=2.5)
        label = f"{name}: sigma_w = {point.sigma_w:.6g}, sigma_b = {point.sigma_b:.4g}"
        axes.plot([point.sigma_w], [point.sigma_b], "o", color=color, markersize=9, clip_on=False, label=label)
    axes.set_xlim(left, right)
    axes.set_ylim(0, top)
    axes.set_xlabel("sigma_w (left of a line gradients vanish, right of it they explode)", fontsize=12)
    axes.set_ylabel("sigma_b", fontsize=12)
    axes.tick_params(labelsize=11)
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_title("chi_1 = 1", fontsize=14, fontweight="bold", loc="left")
    axes.legend(fontsize=11, frameon=False, loc="upper left")
    return drawn


def draw_lines(axes: Axes, phases: PhaseDiagram) -> None:
    """Draw the critical line, and where signals begin to grow for ever. They lie on the map: black on any page."""
    line = [(point.sigma_w, point.sigma_b) for point in phases.line]
    for points, style, text in ((line, "-", "chi_1 = 1"), (phases.runaway, "--", "signals grow for ever beyond")):
        if len(points) > 1:
            axes.plot(*zip(*points, strict=True), color="black", linewidth=2.5, linestyle=style, label=text)
    if line or phases.runaway:
        legend = axes.legend(loc="upper left", fontsize=11, facecolor="white", framealpha=0.9)
        for entry in legend.get_texts():
            entry.set_color("black")
