"""The panel of the inputs: outputs over the plane, boundary, lines of units, data."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from dlmath.gates.report.panels import BLUE, GREEN, INK, TEXT, even, name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

OUTPUT_COLORS = ("#2c7bb6", "#abd0e6", "#ffffff", "#fdc98a", "#e08214")
UNIT_COLOR = "#d81b9a"
"""Seen on every one of the outputs' colours, and on the black line that a steep unit's line may coincide with."""

Line2D: TypeAlias = tuple[float, float, float]
"""A line w1 x1 + w2 x2 + b = 0, as (w1, w2, b)."""


@dataclass(frozen=True)
class Plane:
    """What is seen over the plane of two inputs, or over one.

    Parameters
    ----------
    x_range, y_range : (float, float)
        The part of the plane that is shown.
    points : sequence of (x1, x2, target)
        The data; targets, in units of `levels`, below 0.5 are open circles, the others filled. With a `curve`:
        (x1, target, target).
    values : rows of float in [0, 1], or empty
        Outputs, in units of `levels`, on an even grid over the ranges, ends included; row 0 is the top, where x2 is
        highest.
    units : sequence of (w1, w2, b)
        Lines of the first layer's hidden units, drawn dashed.
    separator : (w1, w2, b) or None
        The line a perceptron found.
    margin : float or None
        Distance of the nearest point to `separator`, drawn as a band on both sides.
    cycle : sequence of (w1, w2, b)
        The lines a perceptron goes through for ever, in order.
    curve : sequence of (x1, output)
        Of a network of one input.
    levels : (float, float)
        The lower and the higher level of the targets.
    names : (str, str)
        What the axes are called.
    """

    x_range: tuple[float, float]
    y_range: tuple[float, float]
    points: Sequence[tuple[float, float, float]]
    values: Sequence[Sequence[float]] = ()
    units: Sequence[Line2D] = ()
    separator: Line2D | None = None
    margin: float | None = None
    cycle: Sequence[Line2D] = ()
    curve: Sequence[tuple[float, float]] = ()
    levels: tuple[float, float] = (0.0, 1.0)
    names: tuple[str, str] = ("$x_1$", "$x_2$")


def draw_plane(axes: Axes, plane: Plane) -> None:
    """Draw outputs, lines and data over the plane of the two inputs, or a curve over one."""
    if plane.curve:
        draw_curve(axes, plane)
        return
    if plane.values:
        draw_outputs(axes, plane)
    draw_lines(axes, plane)
    draw_points(axes, plane)
    axes.set_xlim(*plane.x_range)
    axes.set_ylim(*plane.y_range)
    axes.set_aspect("equal", adjustable="box", anchor="W")
    few_ticks(axes, plane)
    name(axes, plane_title(plane), *plane.names)


def draw_curve(axes: Axes, plane: Plane) -> None:
    """Draw the output over the only input, the data, and the midpoint between the levels."""
    axes.axhline(sum(plane.levels) / 2, color=INK, linewidth=1, linestyle=(0, (1, 2)))
    axes.plot([x for x, _ in plane.curve], [y for _, y in plane.curve], color=BLUE, linewidth=2.4, label="output")
    style: dict[str, Any] = {"s": marker_size(len(plane.points)), "facecolor": "white", "edgecolor": INK, "zorder": 5}
    axes.scatter(
        [x for x, _, _ in plane.points], [y for _, y, _ in plane.points], linewidth=1.5, label="target", **style
    )
    axes.set_xlim(*plane.x_range)
    legend_below(axes)
    name(axes, "Output over the input", plane.names[0], "output")


def plane_title(plane: Plane) -> str:
    """Say what is seen over the plane."""
    if plane.separator is not None:
        return "A line separates the classes" + (f", margin {plane.margin:.3g}" if plane.margin is not None else "")
    if plane.cycle:
        return f"The weights cycle through {len(plane.cycle)} values"
    return "Decision boundary" + (", hidden units dashed" if plane.units else "")


def draw_outputs(axes: Axes, plane: Plane) -> None:
    """Fill the plane by the network's output and draw the line where it is midway between the levels."""
    from matplotlib.colors import LinearSegmentedColormap

    colors = LinearSegmentedColormap.from_list("outputs", OUTPUT_COLORS)
    rows = [[min(max(value, 0.0), 1.0) for value in row] for row in reversed(plane.values)]
    xs, ys = even(plane.x_range, len(rows[0])), even(plane.y_range, len(rows))
    filled = axes.contourf(xs, ys, rows, levels=even((0, 1), 51), cmap=colors, vmin=0, vmax=1)
    filled.set_edgecolor("face")  # no hairlines between the bands of a vector picture
    if crosses_half(rows):
        axes.contour(xs, ys, rows, levels=[0.5], colors=[INK], linewidths=3.2)
    # an inset stays beside a square panel, wherever the layout puts it
    beside = axes.inset_axes((1.04, 0.08, 0.045, 0.84))
    ticks = [0, 0.25, 0.5, 0.75, 1]
    bar = axes.figure.colorbar(filled, cax=beside, ticks=ticks)
    low, high = plane.levels
    bar.ax.set_yticklabels([f"{low + share * (high - low):.4g}" for share in ticks])
    bar.set_label("output", fontsize=TEXT + 0.5)
    bar.ax.tick_params(labelsize=TEXT, length=0)
    bar.outline.set_visible(False)


def crosses_half(rows: Sequence[Sequence[float]]) -> bool:
    """Tell whether there is a line at one half to draw (matplotlib warns when there is none)."""
    known = [value for row in rows for value in row if math.isfinite(value)]
    return bool(known) and min(known) < 0.5 < max(known)


def draw_lines(axes: Axes, plane: Plane) -> None:
    """Draw the lines of hidden units, of the perceptron, or of its cycle."""
    for line in plane.units:
        draw_line(axes, plane, line, color=UNIT_COLOR, linewidth=2, linestyle=(0, (4, 2.5)))
    draw_cycle(axes, plane)
    if plane.separator is not None:
        draw_margin(axes, plane, plane.separator)
        draw_line(axes, plane, plane.separator, color=INK, linewidth=2.6)


def draw_line(axes: Axes, plane: Plane, line: Line2D, **style: Any) -> list[tuple[float, float]]:
    """Draw the part of a line that is in sight, and return its ends."""
    ends = visible(line, plane.x_range, plane.y_range)
    if ends:
        axes.plot([x for x, _ in ends], [y for _, y in ends], zorder=3, **style)
    return ends


def draw_cycle(axes: Axes, plane: Plane) -> None:
    """Draw the lines of a cycle with their numbers in its order; lines that coincide share a place."""
    orders: dict[tuple[tuple[float, float], ...], list[int]] = {}
    for order, line in enumerate(plane.cycle, start=1):
        ends = draw_line(axes, plane, line, color=BLUE, linewidth=2.2)
        if ends:
            orders.setdefault(tuple(sorted((round(x, 6), round(y, 6)) for x, y in ends)), []).append(order)
    for (start, end), numbers in orders.items() if len(plane.cycle) <= 12 else ():
        number_line(axes, start, end, ", ".join(map(str, numbers)))


def number_line(axes: Axes, start: tuple[float, float], end: tuple[float, float], text: str) -> None:
    """Write a line's number near one of its ends, where it is not among the data."""
    place = (start[0] + 0.1 * (end[0] - start[0]), start[1] + 0.1 * (end[1] - start[1]))
    box = {"boxstyle": "round,pad=0.3,rounding_size=0.7", "facecolor": "white", "edgecolor": BLUE}
    axes.annotate(text, place, ha="center", va="center", fontsize=TEXT, color=BLUE, bbox=box, zorder=4)


def draw_margin(axes: Axes, plane: Plane, line: Line2D) -> None:
    """Fill the band on both sides of a line that holds no data point."""
    reach = (plane.margin or 0.0) * math.hypot(line[0], line[1])
    if reach > 0 and math.isfinite(reach):
        # a linear function is interpolated exactly, so its four corner values are grid enough
        sums = [[weighted_sum(line, x, y) for x in plane.x_range] for y in plane.y_range]
        axes.contourf(plane.x_range, plane.y_range, sums, levels=[-reach, reach], colors=[GREEN], alpha=0.22)


def weighted_sum(line: Line2D, x: float, y: float) -> float:
    """Return w1 x + w2 y + b."""
    return line[0] * x + line[1] * y + line[2]


def visible(line: Line2D, x_range: tuple[float, float], y_range: tuple[float, float]) -> list[tuple[float, float]]:
    """Return the two points where a line crosses the rectangle, or nothing when it passes by.

    >>> visible((1, 0, -0.5), (0, 1), (0, 2))
    [(0.5, 0.0), (0.5, 2.0)]
    >>> visible((1, 0, 5), (0, 1), (0, 2)), visible((0, 0, 1), (0, 1), (0, 2))
    ([], [])
    """
    (left, right), (bottom, top) = x_range, y_range
    corners = [(left, bottom), (right, bottom), (right, top), (left, top)]
    found = []
    for start, end in zip(corners, [*corners[1:], corners[0]], strict=True):
        before, after = weighted_sum(line, *start), weighted_sum(line, *end)
        if (before < 0) != (after < 0) and math.isfinite(after - before):
            share = before / (before - after)
            found.append((start[0] + (end[0] - start[0]) * share, start[1] + (end[1] - start[1]) * share))
    return found if len(set(found)) == 2 else []  # a line may only touch a corner


MARKER, SMALLEST_MARKER, FULL_SIZE_POINTS = 130.0, 14.0, 16
"""Areas of a point's mark: of a gate's corners, and at least; from how many points on they shrink."""


def marker_size(count: int) -> float:
    """Return the area of a mark: many points are drawn small, so that the boundary is seen between them.

    >>> marker_size(4), marker_size(208), marker_size(10_000)
    (130.0, 14.0, 14.0)
    """
    return max(MARKER * min(1.0, FULL_SIZE_POINTS / max(count, 1)), SMALLEST_MARKER)


def draw_points(axes: Axes, plane: Plane) -> None:
    """Draw the data: targets of the higher level filled, of the lower open."""
    low, high = plane.levels
    size = marker_size(len(plane.points))
    for label, fill, chosen in (
        (f"target {low:g}", "white", [point for point in plane.points if point[2] < 0.5]),
        (f"target {high:g}", INK, [point for point in plane.points if not point[2] < 0.5]),
    ):
        style: dict[str, Any] = {"s": size, "facecolor": fill, "edgecolor": INK, "zorder": 5, "label": label}
        axes.scatter([x for x, _, _ in chosen], [y for _, y, _ in chosen], linewidth=2 if size > 60 else 1, **style)
    legend_below(axes)


def legend_below(axes: Axes) -> None:
    """Say below a panel what its marks are."""
    place: dict[str, Any] = {"loc": "upper center", "bbox_to_anchor": (0.5, -0.14), "ncols": 2}
    axes.legend(**place, fontsize=TEXT, frameon=False, handletextpad=0.2, columnspacing=1.2)


def few_ticks(axes: Axes, plane: Plane) -> None:
    """Name the coordinates of the data when they are few."""
    xs, ys = sorted({x for x, _, _ in plane.points}), sorted({y for _, y, _ in plane.points})
    if 0 < len(xs) <= 4 and 0 < len(ys) <= 4:
        axes.set_xticks(xs)
        axes.set_yticks(ys)
