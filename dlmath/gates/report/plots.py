"""The figure of `dlmath train-gate --plot`: one panel for each thing there is to look at."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from dlmath.gates.report.panels import BLUE, HEADLINE, INK, ORANGE, RED, TEXT, even, name, tidy
from dlmath.gates.report.plane_plot import draw_plane
from dlmath.report.figures import new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from dlmath.gates.report.plane_plot import Plane

ONE_ROW, TWO_ROWS = (5.2, 4.6), (5.6, 4.1)
"""Inches of a panel: three in a row, or more in two, both fill a wide slide."""

LOG_FROM = 100.0
"""A loss that falls by more than this factor is drawn on a log axis."""
LONG_TAIL = 20
"""Epochs that differ by more than this factor are counted on a log axis."""


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
    reached : str
        What that means, in a few words.
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
    reached: str = ""
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
        (draw_inputs, data.plane is not None),
        (draw_epochs, len(data.epochs) > 1),
        (draw_endings, sum(data.failures.values()) > 0 and seeds(data) > 1),
    ]
    return [panel for panel, there in chosen if there]


def seeds(data: TrainGateFigure) -> int:
    """Return how many seeds were trained, as far as the figure knows."""
    return len(data.epochs) + sum(data.failures.values())


def draw_inputs(axes: Axes, data: TrainGateFigure) -> None:
    """Draw what is seen over the inputs."""
    assert data.plane is not None
    draw_plane(axes, data.plane)


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
    within = f": {data.reached}" if data.reached else ""
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
