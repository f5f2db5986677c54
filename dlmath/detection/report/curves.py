"""Figures of numbers: precision against recall, mean IoU round by round, what three designs cost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from dlmath.detection.engine.average_precision import precision_at, recall_levels
from dlmath.detection.report.pictures import BLUE, GRAY, GREEN, ORANGE, PURPLE, RED, SKY, TEXT, rectangle
from dlmath.report.figures import drawn, ink, new_figure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from dlmath.detection.engine.average_precision import PrecisionCurve, Rule
    from dlmath.detection.engine.costs import Design
    from dlmath.detection.engine.regression import Rounds
    from dlmath.neural.arrays import Array

MOST_OTHERS = 12
"""Curves of other classes that are drawn behind."""


def name_axes(axes: Axes, title: str, x: str, y: str) -> None:
    """Name a panel and its axes."""
    axes.set_title(title, fontsize=TEXT + 1.5, loc="left")
    axes.set_xlabel(x, fontsize=TEXT)
    axes.set_ylabel(y, fontsize=TEXT)
    axes.tick_params(labelsize=TEXT - 1)
    axes.spines[["top", "right"]].set_visible(False)


def precision_recall(
    shown: tuple[str, PrecisionCurve],
    others: Sequence[tuple[str, PrecisionCurve]],
    facts: tuple[Rule, float, float],
    ending: str,
) -> bytes:
    """Draw a class's curve after each detection, its envelope, and the levels that are averaged.

    `facts` are (rule, average precision, threshold).
    """
    name, curve = shown
    rule, area, threshold = facts
    figure = new_figure(8.6, 5.6)
    axes = figure.add_subplot(1, 1, 1)
    for _, other in others[:MOST_OTHERS]:
        axes.step(
            [0, *other.recall], [*other.envelope[:1], *other.envelope], where="pre", color=GRAY, linewidth=1, alpha=0.6
        )
    recall, envelope = np.append(0.0, curve.recall), np.append(curve.envelope[:1], curve.envelope)
    if len(curve.recall):
        dots = 4 if len(recall) < 200 else 0
        line: dict[str, Any] = {"color": BLUE, "linewidth": 1.6, "marker": "o", "markersize": dots}
        axes.plot(curve.recall, curve.precision, label="after each detection", **line)
        axes.step(recall, envelope, where="pre", color=RED, linewidth=2.4, label="envelope: the best from there on")
        axes.fill_between(recall, envelope, step="pre", color=RED, alpha=0.1, linewidth=0)
    if rule.points is not None:
        levels = recall_levels(rule.points)
        at = precision_at(curve.recall, curve.envelope, rule.points)
        axes.scatter(levels, at, s=14, color=ink(), zorder=4, label=f"{rule.points} levels, their mean is AP")
    axes.set_xlim(0, 1.02)
    axes.set_ylim(0, 1.05)
    axes.legend(fontsize=TEXT - 0.5, frameon=False, loc="lower left")
    name_axes(axes, f"{name}: AP = {area:.4f} (IoU from {threshold:g}, rule {rule.name})", "recall", "precision")
    return drawn(figure, ending)


def rounds(
    train: Rounds, test: Rounds | None, scenes: Sequence[tuple[Array, Array, Array, list[Array]]] | None, ending: str
) -> bytes:
    """Draw mean IoU round by round; beside it, where pictures were drawn, some of them with their boxes."""
    columns = 2 if scenes is None else 1 + len(scenes)
    figure = new_figure(4.2 + 3.3 * (columns - 1), 4.4)
    axes = figure.add_subplot(1, columns, 1)
    for name, color, judged in (("learned from", BLUE, train), ("tried on others", RED, test)):
        if judged is not None:
            values = (judged.before, *judged.after)
            axes.plot(range(len(values)), values, color=color, marker="o", linewidth=2.4, label=name)
    axes.set_ylim(0.5, 1.0) if min(train.before, 1.0) > 0.5 else axes.set_ylim(0, 1)
    axes.set_xticks(range(len(train.after) + 1))
    axes.legend(fontsize=TEXT - 0.5, frameon=False, loc="lower right")
    name_axes(axes, "Boxes move to their truths", "round", "mean IoU")
    for index, scene in enumerate(scenes or ()):
        draw_scene(figure.add_subplot(1, columns, 2 + index), *scene, first=index == 0)
    if scenes is None:
        weights = figure.add_subplot(1, columns, 2)
        draw_shares(weights, train)
    return drawn(figure, ending)


def draw_shares(axes: Axes, train: Rounds) -> None:
    """Draw the mean IoU before and after as bars."""
    axes.bar(["before", "after"], [train.before, train.after[-1]], color=[GRAY, BLUE], width=0.55)
    for place, value in enumerate((train.before, train.after[-1])):
        axes.annotate(f"{value:.3f}", (place, value), ha="center", va="bottom", fontsize=TEXT)
    name_axes(axes, f"{train.pairs:,} pairs", "", "mean IoU")


def draw_scene(axes: Axes, picture: Array, truth: Array, proposal: Array, moved: list[Array], *, first: bool) -> None:
    """Draw one picture with truth, proposal and the boxes of the rounds."""
    axes.imshow(picture, cmap="gray", extent=(0, picture.shape[1], picture.shape[0], 0), vmin=-0.1, vmax=1.1)
    axes.set_axis_off()
    boxes = [("truth", truth, GREEN, "-"), ("proposal", proposal, ORANGE, (0, (4, 2)))]
    boxes += [
        (f"after round {number}", box, (SKY, RED, PURPLE)[(number - 1) % 3], "-")
        for number, box in enumerate(moved[:2], start=1)
    ]
    for name, box, color, line in boxes:
        rectangle(axes, box, color, linestyle=line, linewidth=2.2)
        axes.plot([], [], color=color, linestyle=line, linewidth=2.2, label=name)
    if first:
        axes.legend(fontsize=TEXT - 2.5, loc="upper left", framealpha=0.85)


def costs(designs: Sequence[Design], ending: str) -> bytes:
    """Draw the designs' multiply-accumulates, part by part, on a logarithmic and on a linear axis."""
    figure = new_figure(11.5, 4.6)
    log, linear = figure.subplots(1, 2)
    names = [design.name.replace(", ", ",\n") for design in designs]
    totals = [design.macs for design in designs]
    log.barh(names, totals, color=[GRAY, BLUE, SKY, GREEN], height=0.6)
    log.set_xscale("log")
    log.set_xlim(min(totals) / 4, max(totals) * 6)
    for place, design in enumerate(designs):
        log.annotate(f" {design.macs:.3g}", (design.macs, place), va="center", fontsize=TEXT - 1)
    stack(linear, designs[1:])
    for axes in (log, linear):
        axes.invert_yaxis()
    name_axes(log, "Multiply-accumulates a picture", "MACs (logarithmic)", "")
    name_axes(linear, "Where they go, without R-CNN", "MACs", "")
    return drawn(figure, ending)


def stack(axes: Axes, designs: Sequence[Design]) -> None:
    """Draw each design's parts behind one another."""
    colors: dict[str, Any] = {}
    palette = iter((BLUE, ORANGE, GREEN, RED, PURPLE))
    for place, design in enumerate(designs):
        start = 0.0
        for term in design.terms:
            part = (
                "convolutions"
                if term.name.startswith("conv")
                else "proposal network"
                if "proposal" in term.name
                else "head"
            )
            label = part if part not in colors else None
            color = colors.setdefault(part, next(palette) if part not in colors else None)
            axes.barh(place, term.total, left=start, color=color, height=0.6, label=label)
            start += term.total
    axes.set_yticks(range(len(designs)), [design.name.replace(", ", ",\n") for design in designs])
    axes.legend(fontsize=TEXT - 1, frameon=False, loc="lower right")
