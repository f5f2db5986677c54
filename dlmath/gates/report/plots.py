"""The figure of `dlmath train-gate --plot`: one panel for each thing there is to look at."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from dlmath.report.figures import new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BLUE, ORANGE, GREEN, RED, INK = "#0072b2", "#e69f00", "#009e73", "#d55e00", "#1a1a1a"
"""Okabe and Ito's palette (2008), which every kind of colour vision tells apart."""

OUTPUT_COLORS = ("#2c7bb6", "#abd0e6", "#ffffff", "#fdc98a", "#e08214")
UNIT_COLOR = "#d81b9a"
"""Seen on every one of the outputs' colours, and on the black line that a steep unit's line may coincide with."""

TEXT, TITLE, HEADLINE = 11, 12.5, 15
"""Sizes of letters in points: legible from the back of a lecture hall when the figure fills a slide."""

ONE_ROW, TWO_ROWS = (5.2, 4.6), (5.6, 4.1)
"""Inches of a panel: three in a row, or more in two, both fill a wide slide."""

LOG_FROM = 100.0
"""A loss that falls by more than this factor is drawn on a log axis."""
LONG_TAIL = 20
"""Epochs that differ by more than this factor are counted on a log axis."""

Line2D: TypeAlias = tuple[float, float, float]
"""A line w1 x1 + w2 x2 + b = 0, as (w1, w2, b)."""


@dataclass(frozen=True)
class Plane:
    """What is seen over the plane of two inputs.

    Parameters
    ----------
    x_range, y_range : (float, float)
        The part of the plane that is shown.
    points : sequence of (x1, x2, target)
        The data; targets below 0.5 are open circles, the others filled.
    values : rows of float in [0, 1], or empty
        Outputs on an even grid over the ranges, ends included; row 0 is the top, where x2 is highest.
    units : sequence of (w1, w2, b)
        Lines of the first layer's hidden units, drawn dashed.
    separator : (w1, w2, b) or None
        The line a perceptron found.
    margin : float or None
        Distance of the nearest point to `separator`, drawn as a band on both sides.
    cycle : sequence of (w1, w2, b)
        The lines a perceptron goes through for ever, in order.
    """

    x_range: tuple[float, float]
    y_range: tuple[float, float]
    points: Sequence[tuple[float, float, float]]
    values: Sequence[Sequence[float]] = ()
    units: Sequence[Line2D] = ()
    separator: Line2D | None = None
    margin: float | None = None
    cycle: Sequence[Line2D] = ()


@dataclass(frozen=True)
class TrainGateFigure:
    """What the figure shows; a panel appears only when there is something in it.

    Parameters
    ----------
    title : str
        Headline of the whole figure.
    loss_epochs, loss_values : sequences of equal length
        The loss curve of the run shown.
    loss_name : str
        What the loss is called on its axis.
    run : str
        Which of many runs the loss curve is of ("seed 3"); empty for the only one.
    learned_at : int or None
        Epoch at which the run shown had learned.
    tolerance : float or None
        How near every output had to be to its target.
    errors : sequence of int
        Perceptron: updates (or wrong rows) in each epoch, from epoch 1.
    error_cycle : (int, int) or None
        Perceptron: the first epoch of the weights' cycle (counted from 1), and its length in epochs.
    plane : Plane or None
        The decision boundary of a gate of two inputs.
    epochs : sequence of float
        Of every seed that learned, after how many epochs.
    failures : mapping of str to int
        Of the seeds that did not, how many ended in each way.
    """

    title: str
    loss_epochs: Sequence[float] = ()
    loss_values: Sequence[float] = ()
    loss_name: str = "loss"
    run: str = ""
    learned_at: int | None = None
    tolerance: float | None = None
    errors: Sequence[int] = ()
    error_cycle: tuple[int, int] | None = None
    plane: Plane | None = None
    epochs: Sequence[float] = ()
    failures: Mapping[str, int] = field(default_factory=dict)


Panel: TypeAlias = Callable[["Axes", TrainGateFigure], None]


def figure(data: TrainGateFigure) -> Figure:
    """Draw what there is, side by side."""
    panels = panels_of(data)
    lines = 1 if len(panels) <= 3 else 2
    columns = max(math.ceil(len(panels) / lines), 1)
    width, height = ONE_ROW if lines == 1 else TWO_ROWS
    drawn = new_figure(width * columns, height * lines)
    drawn.set_layout_engine("constrained", w_pad=0.12, h_pad=0.1)
    drawn.suptitle(data.title, fontsize=HEADLINE, fontweight="bold", color=INK)
    for index, panel in enumerate(panels, start=1):
        axes = drawn.add_subplot(lines, columns, index)
        panel(axes, data)
        tidy(axes)
    return drawn


def panels_of(data: TrainGateFigure) -> list[Panel]:
    """Return the panels there is something to see in."""
    chosen: list[tuple[Panel, bool]] = [
        (draw_loss, any(map(math.isfinite, data.loss_values))),
        (draw_errors, bool(data.errors)),
        (draw_plane, data.plane is not None),
        (draw_epochs, len(data.epochs) > 1),
        (draw_endings, sum(data.failures.values()) > 0 and seeds(data) > 1),
    ]
    return [panel for panel, there in chosen if there]


def seeds(data: TrainGateFigure) -> int:
    """Return how many seeds were trained, as far as the figure knows."""
    return len(data.epochs) + sum(data.failures.values())


def tidy(axes: Axes) -> None:
    """Leave only the ink that says something."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=TEXT, colors=INK)
    for text in (axes.xaxis.label, axes.yaxis.label):
        text.set_fontsize(TEXT + 0.5)


def name(axes: Axes, title: str, x: str, y: str) -> None:
    """Write what a panel shows, and on which axes."""
    axes.set_title(title, fontsize=TITLE, loc="left", color=INK)
    axes.set_xlabel(x)
    axes.set_ylabel(y)


# --- panels over epochs ---------------------------------------------------------------------------------------------


def draw_loss(axes: Axes, data: TrainGateFigure) -> None:
    """Draw the loss over the epochs, on a log axis when it falls by more than two decades."""
    positive = [value for value in data.loss_values if 0 < value < math.inf]
    log = bool(positive) and max(positive) > LOG_FROM * min(positive)
    axes.plot(data.loss_epochs, data.loss_values, color=BLUE, linewidth=2.4)
    if log:
        axes.set_yscale("log", nonpositive="mask")
    else:
        axes.set_ylim(bottom=0)
    axes.set_xlim(left=0)
    group_thousands(axes)
    name(
        axes,
        loss_title(data),
        f"epoch ({data.run})" if data.run else "epoch",
        data.loss_name + (" (log scale)" if log else ""),
    )


def loss_title(data: TrainGateFigure) -> str:
    """Say how training ended."""
    if data.learned_at is None:
        return f"Not learned: loss {data.loss_values[-1]:.3g} after {counted(data.loss_epochs[-1])}"
    within = f": outputs within {data.tolerance:g}" if data.tolerance is not None else ""
    return f"Learned after {counted(data.learned_at)}{within}"


def counted(epochs: float) -> str:
    """Write a number of epochs.

    >>> counted(1), counted(20000)
    ('1 epoch', '20,000 epochs')
    """
    return "1 epoch" if epochs == 1 else f"{epochs:,.0f} epochs"


def draw_errors(axes: Axes, data: TrainGateFigure) -> None:
    """Draw how many updates the perceptron made in each epoch, and where its weights go in circles."""
    epochs = range(1, len(data.errors) + 1)
    axes.step(epochs, data.errors, where="mid", color=BLUE, linewidth=2.4)
    if len(epochs) <= 40:
        axes.plot(epochs, data.errors, "o", color=BLUE, markersize=6, clip_on=False)
    axes.set_ylim(0, 1.12 * max(*data.errors, 1))
    whole_ticks(axes, ticks=10)
    if data.error_cycle:
        start, _ = data.error_cycle
        axes.axvspan(start - 0.5, max(start, len(data.errors)) + 0.5, color=ORANGE, alpha=0.22, linewidth=0)
    name(axes, errors_title(data), "epoch", "updates in the epoch")


def errors_title(data: TrainGateFigure) -> str:
    """Say how the perceptron ended."""
    if data.error_cycle:
        start, length = data.error_cycle
        return f"From epoch {start:,} on {'every epoch is the same' if length == 1 else f'{length:,} epochs repeat'}"
    last = len(data.errors)
    return f"No row is wrong in epoch {last:,}" if data.errors[-1] == 0 else f"Rows still wrong in epoch {last:,}"


def group_thousands(axes: Axes, ticks: int = 5) -> None:
    """Write epochs as 20,000, and few of them."""
    from matplotlib.ticker import MaxNLocator, StrMethodFormatter

    axes.xaxis.set_major_locator(MaxNLocator(ticks, integer=True, steps=[1, 2, 2.5, 5, 10]))
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))


def whole_ticks(axes: Axes, ticks: int = 5) -> None:
    """Count on both axes in whole numbers."""
    from matplotlib.ticker import MaxNLocator

    group_thousands(axes, ticks)
    axes.yaxis.set_major_locator(MaxNLocator(6, integer=True))


# --- the plane of the two inputs ------------------------------------------------------------------------------------


def draw_plane(axes: Axes, data: TrainGateFigure) -> None:
    """Draw outputs, lines and data over the plane of the two inputs."""
    plane = data.plane
    assert plane is not None
    if plane.values:
        draw_outputs(axes, plane)
    draw_lines(axes, plane)
    draw_points(axes, plane.points)
    axes.set_xlim(*plane.x_range)
    axes.set_ylim(*plane.y_range)
    axes.set_aspect("equal", adjustable="box", anchor="W")
    few_ticks(axes, plane)
    name(axes, plane_title(plane), "$x_1$", "$x_2$")


def plane_title(plane: Plane) -> str:
    """Say what is seen over the plane."""
    if plane.separator is not None:
        return "A line separates the classes" + (f", margin {plane.margin:.3g}" if plane.margin is not None else "")
    if plane.cycle:
        return f"The weights cycle through {len(plane.cycle)} values"
    return "Decision boundary" + (", hidden units dashed" if plane.units else "")


def draw_outputs(axes: Axes, plane: Plane) -> None:
    """Fill the plane by the network's output and draw the line where it is one half."""
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
    bar = axes.figure.colorbar(filled, cax=beside, ticks=[0, 0.25, 0.5, 0.75, 1], format="%g")
    bar.set_label("output", fontsize=TEXT + 0.5)
    bar.ax.tick_params(labelsize=TEXT, length=0)
    bar.outline.set_visible(False)


def crosses_half(rows: Sequence[Sequence[float]]) -> bool:
    """Tell whether there is a line at one half to draw (matplotlib warns when there is none)."""
    known = [value for row in rows for value in row if math.isfinite(value)]
    return bool(known) and min(known) < 0.5 < max(known)


def even(ends: tuple[float, float], count: int) -> list[float]:
    """Return `count` numbers from one end to the other, both of them exactly."""
    shares = [index / max(count - 1, 1) for index in range(count)]
    return [ends[0] * (1 - share) + ends[1] * share for share in shares]


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


def draw_points(axes: Axes, points: Sequence[tuple[float, float, float]]) -> None:
    """Draw the data: targets of 1 filled, targets of 0 open."""
    for label, fill, chosen in (
        ("target 0", "white", [point for point in points if point[2] < 0.5]),
        ("target 1", INK, [point for point in points if not point[2] < 0.5]),
    ):
        style: dict[str, Any] = {
            "s": 130,
            "facecolor": fill,
            "edgecolor": INK,
            "linewidth": 2,
            "zorder": 5,
            "label": label,
        }
        axes.scatter([x for x, _, _ in chosen], [y for _, y, _ in chosen], **style)
    place: dict[str, Any] = {"loc": "upper center", "bbox_to_anchor": (0.5, -0.14), "ncols": 2}
    axes.legend(**place, fontsize=TEXT, frameon=False, handletextpad=0.2, columnspacing=1.2)


def few_ticks(axes: Axes, plane: Plane) -> None:
    """Name the coordinates of the data when they are few."""
    xs, ys = sorted({x for x, _, _ in plane.points}), sorted({y for _, y, _ in plane.points})
    if 0 < len(xs) <= 4 and 0 < len(ys) <= 4:
        axes.set_xticks(xs)
        axes.set_yticks(ys)


# --- panels over seeds ----------------------------------------------------------------------------------------------


def draw_epochs(axes: Axes, data: TrainGateFigure) -> None:
    """Draw how many epochs the seeds that learned took, with the middle one marked."""
    from statistics import median

    half, log = median(data.epochs), max(data.epochs) > LONG_TAIL * max(min(data.epochs), 1)
    shown = [max(epoch, 1) for epoch in data.epochs] if log else data.epochs  # a log axis has no place for epoch 0
    axes.hist(shown, bins=edges(shown, log=log), color=BLUE, edgecolor="white", linewidth=0.8)
    axes.axvline(half, color=INK, linewidth=2, linestyle=(0, (4, 2)))
    axes.annotate(f" median {half:,.0f}", (half, 1), xycoords=("data", "axes fraction"), va="top", fontsize=TEXT)
    axes.margins(y=0.14)  # the word above stands over the bars, not on them
    whole_ticks(axes)
    if log:
        axes.set_xscale("log")
    name(axes, f"{len(data.epochs):,} seeds learned, half within {counted(half)}", "epochs to learn", "seeds")


def edges(values: Sequence[float], *, log: bool, bins: int = 30) -> list[float]:
    """Return the edges of a histogram's bins: even, or on a log axis of even ratio."""
    low, high = min(values), max(values)
    if low == high:
        return [low - 0.5, high + 0.5]
    if not log:
        return even((low, high), min(bins, max(len(values) // 4, 5)) + 1)
    inner = [10**exponent for exponent in even((math.log10(low), math.log10(high)), bins + 1)[1:-1]]
    return [low, *inner, high]  # the ends are exact: a histogram drops what rounding puts outside


def draw_endings(axes: Axes, data: TrainGateFigure) -> None:
    """Draw how the seeds ended: learned, and the ways of failing, the most frequent first."""
    failed = sorted(data.failures.items(), key=lambda item: -item[1])
    rows = [("learned", len(data.epochs), BLUE), *((ending, count, RED) for ending, count in failed if count)]
    axes.barh([label for label, _, _ in rows], [n for _, n, _ in rows], color=[c for _, _, c in rows], height=0.62)
    for place, (_, count, _) in enumerate(rows):
        axes.annotate(f" {count:,} ({count / seeds(data):.1%})", (count, place), va="center", fontsize=TEXT, color=INK)
    axes.invert_yaxis()
    axes.set_xlim(0, 1.35 * max(count for _, count, _ in rows))
    axes.tick_params(axis="y", length=0)
    axes.set_xticks([])
    axes.spines["bottom"].set_visible(False)
    name(axes, f"{len(data.epochs):,} of {seeds(data):,} seeds learned", "", "")
