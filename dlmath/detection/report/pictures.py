"""Figures of boxes: overlap, regression, suppression, anchors, labels, bins of a region."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from dlmath.detection.engine.overlap import overlap_of
from dlmath.detection.engine.roi_align import Sampling, axes_of, positions
from dlmath.report.figures import drawn, ink, new_figure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from dlmath.neural.arrays import Array

BLUE, ORANGE, GREEN, RED, PURPLE, SKY, GRAY = (
    "#0072b2", "#e69f00", "#009e73", "#d55e00", "#cc79a7", "#56b4e9", "#9a9a9a",
)  # fmt: skip
"""Okabe and Ito's palette (2008), which every kind of colour vision tells apart."""

TEXT = 12
MOST_BOXES = 2_000
"""Boxes that are drawn of each kind: more are a blot."""
MOST_LABELLED = 24


def panel(figure: Figure, place: tuple[int, int, int], title: str, over: Array | None = None) -> Axes:
    """Return axes of a picture: y runs down, both axes to one scale."""
    axes = figure.add_subplot(*place)
    axes.set_title(title, fontsize=TEXT + 1.5, loc="left")
    axes.set_aspect("equal")
    axes.tick_params(labelsize=TEXT - 1.5)
    axes.spines[["top", "right"]].set_visible(False)
    if over is not None:
        axes.imshow(over, cmap="gray", extent=(0, over.shape[1], over.shape[0], 0), alpha=0.75)
    return axes


def frame(axes: Axes, boxes: Array, over: Array | None, margin: float = 0.06) -> None:
    """Show all boxes with a margin, or the picture whole; y runs down."""
    low, high = boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)
    if over is not None:
        low, high = np.minimum(low, 0), np.maximum(high, [over.shape[1], over.shape[0]])
    pad = margin * float((high - low).max() or 1.0)
    axes.set_xlim(low[0] - pad, high[0] + pad)
    axes.set_ylim(high[1] + pad, low[1] - pad)


def rectangle(axes: Axes, box: Array, color: str, **style: Any) -> None:
    """Draw one box."""
    from matplotlib.patches import Rectangle

    x1, y1, x2, y2 = (float(value) for value in box)
    options: dict[str, Any] = {"fill": False, "edgecolor": color, "linewidth": 2.2, **style}
    axes.add_patch(Rectangle((x1, y1), x2 - x1, y2 - y1, **options))


def rectangles(axes: Axes, boxes: Array, color: str, **style: Any) -> None:
    """Draw many boxes at once."""
    from matplotlib.collections import PolyCollection

    shown = boxes[:MOST_BOXES]
    corners = shown[:, [0, 1, 2, 1, 2, 3, 0, 3]].reshape(-1, 4, 2)
    options: dict[str, Any] = {"facecolors": "none", "edgecolors": color, "linewidths": 1.8, **style}
    axes.add_collection(PolyCollection(list(corners), **options))


def tag(axes: Axes, x: float, y: float, text: str, color: str, *, below: bool = False, **style: Any) -> None:
    """Write a word beside a box's corner, on a white ground: above the left one, or below the right one."""
    ground = {"boxstyle": "round,pad=0.15", "facecolor": axes.get_facecolor(), "edgecolor": "none", "alpha": 0.85}
    place = (
        {"ha": "right", "va": "top", "xytext": (0, -5)} if below else {"ha": "left", "va": "bottom", "xytext": (0, 5)}
    )
    options: dict[str, Any] = {"fontsize": TEXT, "color": color, "bbox": ground, **place, **style}
    axes.annotate(text, (float(x), float(y)), textcoords="offset points", **options)


def overlap(
    a: Array, b: Array, place: tuple[int, int], rule: tuple[str, float, bool], over: Array | None, ending: str
) -> bytes:
    """Draw two boxes, what they share shaded, their hull dashed; the numbers beside them."""
    kind, plus, crowd = rule
    one, other = a[place[0]], b[place[1]]
    worked = overlap_of(one, other, kind, plus=plus, crowd=crowd)
    figure = new_figure(9.6, 5.2)
    axes = panel(figure, (1, 2, 1), f"A's box {place[0]} and B's box {place[1]}", over)
    rectangle(axes, one, BLUE, fill=True, facecolor=BLUE + "22")
    rectangle(axes, other, ORANGE, fill=True, facecolor=ORANGE + "22")
    both = np.stack([one, other])
    if worked.inter > 0:
        rectangle(axes, np.array(worked.corners), GREEN, fill=True, facecolor=GREEN + "99", linewidth=1.2)
    if kind != "iou":
        hull = np.array([*both[:, :2].min(axis=0), *both[:, 2:].max(axis=0)])
        rectangle(axes, hull, GRAY, linestyle=(0, (4, 3)), linewidth=1.6)
    if kind in {"diou", "ciou"}:
        centres = (both[:, :2] + both[:, 2:]) / 2
        axes.plot(centres[:, 0], centres[:, 1], color=ink(), marker="o", linewidth=1.8, markersize=5)
    tag(axes, one[0], one[1], "A", BLUE, fontweight="bold")
    tag(axes, other[2], other[3], "B", ORANGE, fontweight="bold", below=True)
    frame(axes, both, over, 0.1)
    words = figure.add_subplot(1, 2, 2)
    words.set_axis_off()
    lines = overlap_words(worked, kind, crowd=crowd)
    for index, (text, color) in enumerate(lines):
        words.text(0.02, 0.86 - 0.12 * index, text, color=color, fontsize=TEXT + 3, transform=words.transAxes)
    return drawn(figure, ending)


def overlap_words(worked: Any, kind: str, *, crowd: bool) -> list[tuple[str, str]]:
    """Return what stands beside the boxes, with its colour."""
    area_a, area_b = (sides[0] * sides[1] for sides in (worked.sides_a, worked.sides_b))
    lines = [
        (f"area A = {area_a:.6g}", BLUE),
        (f"area B = {area_b:.6g}", ORANGE),
        (f"overlap = {worked.inter:.6g}", GREEN),
    ]
    if crowd:
        return [*lines, (f"overlap / area A = {worked.value:.4g}", ink())]
    lines += [
        (f"union = {worked.union:.6g}", ink()),
        (f"IoU = {worked.inter:.6g} / {worked.union:.6g} = {worked.iou:.4g}", ink()),
    ]
    if kind == "giou":
        lines.append((f"hull = {worked.hull[0] * worked.hull[1]:.6g}", GRAY))
    if kind in {"diou", "ciou"}:
        diagonal = worked.hull[0] ** 2 + worked.hull[1] ** 2
        lines.append((f"d\u00b2 / c\u00b2 = {worked.distance2:.6g} / {diagonal:.6g}", GRAY))
    if kind != "iou":
        name = {"giou": "GIoU", "diou": "DIoU", "ciou": "CIoU"}[kind]
        lines.append((f"{name} = {worked.value:.4g}", ink()))
    return lines


def regression(
    pair: tuple[Array, Array], targets: Array, operation: str, plus: float, over: Array | None, ending: str
) -> bytes:
    """Draw a proposal, the other box, and the arrow between their centres."""
    proposal, other = pair
    is_encode = operation == "encode"
    figure = new_figure(9.6, 5.2)
    axes = panel(figure, (1, 2, 1), "Regression targets" if is_encode else "A box of regression targets", over)
    rectangle(axes, proposal, BLUE, fill=True, facecolor=BLUE + "1a")
    rectangle(axes, other, GREEN, fill=True, facecolor=GREEN + "1a", linestyle="-" if is_encode else (0, (5, 2)))
    both = np.stack(pair)
    start, stop = (both[:, :2] + both[:, 2:] + plus) / 2
    axes.annotate(
        "", stop, start, arrowprops={"arrowstyle": "-|>", "color": ink(), "linewidth": 2, "shrinkA": 0, "shrinkB": 0}
    )
    axes.plot(*start, "o", color=BLUE, markersize=6)
    tag(axes, proposal[0], proposal[1], "proposal", BLUE)
    tag(axes, other[2], other[3], "truth" if is_encode else "decoded", GREEN, below=True)
    frame(axes, both, over, 0.1)
    words = figure.add_subplot(1, 2, 2)
    words.set_axis_off()
    names = (
        "$t_x$: right, in widths",
        "$t_y$: down, in heights",
        "$t_w$: ln of the width's factor",
        "$t_h$: ln of the height's factor",
    )
    for index, (name, value) in enumerate(zip(names, targets, strict=True)):
        words.text(
            0.02, 0.8 - 0.14 * index, f"{name} = {float(value):.4g}", fontsize=TEXT + 2, transform=words.transAxes
        )
    return drawn(figure, ending)


def suppression(boxes: Array, scores: Array, kept: tuple[Array, Array], over: Array | None, ending: str) -> bytes:
    """Draw all boxes on the left, those that were kept on the right; darker is surer."""
    keep, final = kept
    figure = new_figure(11.5, 5.6)
    shown = boxes if len(boxes) else np.array([[0.0, 0, 1, 1]])
    before = panel(figure, (1, 2, 1), f"Before: {len(boxes):,} boxes", over)
    after = panel(figure, (1, 2, 2), f"After: {len(keep):,} kept", over)
    order = np.argsort(scores, kind="stable")[-MOST_BOXES:]
    rectangles(before, boxes[order], BLUE, alpha=0.35 if len(boxes) > MOST_LABELLED else 0.9)
    lost = np.setdiff1d(np.arange(len(boxes)), keep)[:MOST_BOXES]
    rectangles(after, boxes[lost], GRAY, alpha=0.35, linewidths=1.0, linestyles="dashed")
    rectangles(after, boxes[keep], RED, linewidths=2.4)
    label_scores(before, boxes[order], scores[order], BLUE)
    label_scores(after, boxes[keep], final, RED)
    for axes in (before, after):
        frame(axes, shown, over)
    return drawn(figure, ending)


def label_scores(axes: Axes, boxes: Array, scores: Array, color: str) -> None:
    """Write the scores at the boxes' corners, where they are few."""
    if len(boxes) <= MOST_LABELLED:
        for box, score in zip(boxes, scores, strict=True):
            tag(axes, box[0], box[1], f"{score:.2g}", color, fontsize=TEXT - 1.5)


def anchors(
    boxes: Array, ratios: Sequence[float], image: tuple[float, float] | None, point: tuple[float, float],
    over: Array | None, ending: str,
) -> bytes:  # fmt: skip
    """Draw the anchors at one cell, one colour a ratio, within the picture's frame."""
    figure = new_figure(9.2, 6.4)
    axes = panel(figure, (1, 1, 1), f"{len(boxes)} anchors at the cell of x = {point[0]:g}, y = {point[1]:g}", over)
    colors = dict(
        zip(sorted({round(ratio, 1) for ratio in ratios}), (BLUE, GREEN, RED, ORANGE, PURPLE, SKY) * 99, strict=False)
    )
    for box, ratio in zip(boxes, ratios, strict=True):
        rectangle(axes, box, colors[round(ratio, 1)])
    if image is not None:
        rectangle(axes, np.array([0, 0, *image]), ink(), linewidth=1.4)
        tag(axes, 0, 0, f"picture {image[0]:g} x {image[1]:g}", ink(), fontsize=TEXT - 1)
    axes.plot(*point, "+", color=ink(), markersize=12, markeredgewidth=2)
    for ratio, color in colors.items():
        axes.plot([], [], color=color, linewidth=2.4, label=f"h / w about {ratio:g}")
    figure.legend(fontsize=TEXT - 0.5, frameon=False, loc="outside right upper")
    everything = boxes if image is None else np.concatenate([boxes, [[0, 0, *image]]])
    frame(axes, everything, over, 0.03)
    return drawn(figure, ending)


def matching(boxes: Array, truths: Array, labels: Array, over: Array | None, ending: str) -> bytes:
    """Draw truths, objects and what is left out; background faint."""
    figure = new_figure(9.2, 6.2)
    axes = panel(figure, (1, 1, 1), f"{len(boxes):,} anchors, {len(truths):,} truths", over)
    kinds = ((0, "background", GRAY, 0.25, 0.8), (-1, "left out", ORANGE, 0.8, 1.4), (1, "object", BLUE, 1.0, 2.2))
    for label, name, color, alpha, width in kinds:
        which = boxes[labels == label]
        rectangles(axes, which, color, alpha=alpha, linewidths=width)
        axes.plot([], [], color=color, linewidth=2.4, label=f"{name}: {len(which):,}")
    rectangles(axes, truths, ink(), linewidths=2.6, linestyles="dashed")
    axes.plot([], [], color=ink(), linewidth=2.4, linestyle="dashed", label="truth")
    figure.legend(fontsize=TEXT - 0.5, frameon=False, loc="outside right upper")
    frame(axes, np.concatenate([boxes, truths]), over, 0.03)
    return drawn(figure, ending)


def regions(
    plane: Array, box: Array, sampling: Sampling, edges: tuple[Array, Array],
    first: tuple[float, float],
    over: Array | None, ending: str,
) -> bytes:  # fmt: skip
    """Draw RoIPool's whole-numbered bins beside RoIAlign's points, over the map's first channel.

    `first` are the two values of the first bin.
    """
    figure = new_figure(12, 5.8)
    scaled = box * sampling.scale
    rows, columns = edges
    left = panel(figure, (1, 2, 1), "RoIPool: rounded, bins of whole cells")
    right = panel(figure, (1, 2, 2), "RoIAlign: not rounded, points in even bins")
    for axes in (left, right):
        cells(axes, plane, scaled, over)
        rectangle(axes, scaled, RED, linewidth=2.4)
    for i, (top, bottom) in enumerate(rows):
        for j, (start, stop) in enumerate(columns):
            shade = (BLUE, ORANGE)[(i + j) % 2]
            rectangle(
                left, np.array([start, top, stop, bottom]), shade, fill=True, facecolor=shade + "33", linewidth=1.8
            )
    sample_points(right, box, plane, sampling)
    for axes, value in zip((left, right), first, strict=True):
        axes.set_xlabel(f"first bin: {value:.5g}", fontsize=TEXT)
    return drawn(figure, ending)


def cells(axes: Axes, plane: Array, region: Array, over: Array | None) -> None:
    """Draw the map's cells around a region, with their values where they are large enough to be read."""
    height, width = plane.shape
    axes.imshow(plane, cmap="gray", alpha=0.35, extent=(0, width, height, 0))
    if over is not None:
        axes.imshow(over, cmap="gray", alpha=0.4, extent=(0, width, height, 0))
    low = np.maximum(np.floor(region[:2]) - 1, 0)
    high = np.minimum(np.ceil(region[2:]) + 2, [width, height])
    axes.set_xlim(low[0], high[0])
    axes.set_ylim(high[1], low[1])
    axes.set_xticks(np.arange(low[0], high[0] + 1, max(1, math.ceil((high[0] - low[0]) / 10))))
    axes.set_yticks(np.arange(low[1], high[1] + 1, max(1, math.ceil((high[1] - low[1]) / 10))))
    for x in np.arange(low[0], high[0] + 1):
        axes.axvline(x, color=GRAY, linewidth=0.6, alpha=0.7, zorder=0.5)
    for y in np.arange(low[1], high[1] + 1):
        axes.axhline(y, color=GRAY, linewidth=0.6, alpha=0.7, zorder=0.5)
    if max(high - low) <= 12:
        for y in range(int(low[1]), int(high[1])):
            for x in range(int(low[0]), int(high[0])):
                axes.text(
                    x + 0.5,
                    y + 0.5,
                    f"{plane[y, x]:.3g}",
                    ha="center",
                    va="center",
                    fontsize=TEXT - 3,
                    color=ink(),
                    alpha=0.65,
                )


def sample_points(axes: Axes, box: Array, plane: Array, sampling: Sampling) -> None:
    """Draw the bins' even edges and the points that are sampled."""
    down, across = axes_of(box[None], (plane.shape[0], plane.shape[1]), sampling)
    half = 0.5 if sampling.aligned else 0.0  # positions count from a cell's centre when aligned, drawn from its corner
    for axis, line in ((down, axes.hlines), (across, axes.vlines)):
        other = across if axis is down else down
        start, size = float(axis.start[0]) + half, float(axis.size[0])
        at = start + size * np.arange(axis.bins + 1) / axis.bins
        low = float(other.start[0]) + half
        line(at, low, low + float(other.size[0]), color=BLUE, linewidth=1.2)
    if down.counts[0] and across.counts[0]:
        ys, xs = (positions(axis, int(axis.counts[0])).ravel() + half for axis in (down, across))
        grid_x, grid_y = np.meshgrid(xs, ys)
        axes.scatter(grid_x, grid_y, s=16, color=RED, zorder=4)
