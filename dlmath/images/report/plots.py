"""The figure of `dlmath train-image --plot`: curves, moved images, confusion, kernels, feature maps, wrong answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from dlmath.images.report.show import Maps, feature_maps, first_kernels
from dlmath.report.figures import new_figure

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

    from dlmath.images.engine.data import Data
    from dlmath.images.report.figures import Measured
    from dlmath.images.report.tables import Facing
    from dlmath.neural.arrays import Array

COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
"""Okabe and Ito's palette (2008), which every kind of colour vision tells apart."""
MARKERS = ("o", "s", "^", "D", "v", "P")
TEXT, TITLE, HEADLINE = 11, 12.5, 15
PANEL_WIDTH, CURVES_HEIGHT, PICTURES_HEIGHT = 5.4, 4.3, 3.6
MOST_LAYERS, MOST_MAPS, MOST_KERNELS, MOST_WRONG = 6, 8, 16, 8
MOST_WRITTEN = 12
"""Classes up to which the confusion's numbers are written."""


def figure(facing: Facing) -> Figure:
    """Draw curves above, pictures below."""
    data, model = facing.data(), facing.model(facing.measured[0])
    panels: list[Callable[[Axes], None]] = [lambda axes: accuracy_curves(axes, facing)]
    if facing.measured[0].shifted is not None and len(facing.measured[0].shifted) > 1:
        panels.append(lambda axes: shift_curves(axes, facing.measured))
    panels.append(lambda axes: confusion_panel(axes, facing.measured[0], data.classes))
    layers = shown_layers(feature_maps(model, data, facing.request.image))
    heights = [CURVES_HEIGHT, PICTURES_HEIGHT * (1 + 0.28 * max(len(layers) - 2, 0))]
    drawn = new_figure(max(len(panels), 2) * PANEL_WIDTH, sum(heights))
    drawn.suptitle(headline(facing), fontsize=HEADLINE, fontweight="bold")
    above, below = drawn.subfigures(2, 1, squeeze=False, height_ratios=heights).ravel()
    for axes, panel in zip(np.atleast_1d(above.subplots(1, len(panels))), panels, strict=True):
        panel(axes)
    pictures(below, facing, data, first_kernels(model), layers)
    return drawn


def headline(facing: Facing) -> str:
    """Return what the figure shows in a line."""
    names = "  ".join(f"{entry.letter}: {shortened(entry.name)} ({entry.params:,})" for entry in facing.measured[:3])
    return f"{facing.request.data.name}   {names}"


def shortened(name: str, longest: int = 60) -> str:
    """Return a name that fits a line."""
    return name if len(name) <= longest else f"{name[: longest - 3]}..."


def accuracy_curves(axes: Axes, facing: Facing) -> None:
    """Draw test accuracy after each epoch (dashed: training) of the shown runs."""
    for number, entry in enumerate(facing.measured):
        color = COLORS[number % len(COLORS)]
        for scores, style, label in (
            (entry.shown.test, "-", f"{entry.letter} test"),
            (entry.shown.train, "--", "training"),
        ):
            values = [100 * score.accuracy for score in scores]
            axes.plot(range(len(values)), values, style, color=color, label=label if style == "-" else None)
        axes.annotate(
            f"{entry.letter} {100 * entry.shown.test[-1].accuracy:.1f}",
            (len(entry.shown.test) - 1, 100 * entry.shown.test[-1].accuracy),
            xytext=(4, 0), textcoords="offset points", color=color, fontsize=TEXT, va="center",
        )  # fmt: skip
    axes.locator_params(axis="x", integer=True)
    axes.set_xlim(0, max(1, max(len(entry.shown.test) for entry in facing.measured) - 1) * 1.14)
    labelled(axes, "accuracy (dashed: training)", "epoch", "%")
    axes.set_ylim(0, 103)


def shift_curves(axes: Axes, measured: Sequence[Measured]) -> None:
    """Draw test accuracy with moved images, medians, with the range over the seeds."""
    for number, entry in enumerate(measured):
        tables = np.array([run.shifted for run in entry.runs if run.shifted is not None]) * 100
        pixels, color = np.arange(tables.shape[1]), COLORS[number % len(COLORS)]
        axes.plot(pixels, np.median(tables, axis=0), MARKERS[number % 6] + "-", color=color, label=entry.letter)
        if len(tables) > 1:
            axes.fill_between(pixels, tables.min(axis=0), tables.max(axis=0), color=color, alpha=0.2)
    axes.set_xticks(range(len(measured[0].shifted or ())))
    labelled(axes, "test accuracy with moved images", "pixels", "%")
    axes.set_ylim(0, 103)
    axes.legend(fontsize=TEXT, frameon=False)


def labelled(axes: Axes, title: str, x: str, y: str) -> None:
    """Write a panel's words."""
    axes.set_title(title, fontsize=TITLE)
    axes.set_xlabel(x, fontsize=TEXT)
    axes.set_ylabel(y, fontsize=TEXT)
    axes.grid(alpha=0.25)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def confusion_panel(axes: Axes, entry: Measured, classes: Sequence[str]) -> None:
    """Draw the shares of each class's answers, truths down, with the counts written."""
    table = np.asarray(entry.shown.confusion)
    shares = table / np.maximum(table.sum(axis=1, keepdims=True), 1)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    axes.set_title(f"{entry.letter}: truth down, answer across", fontsize=TITLE)
    places = range(len(classes)) if len(classes) <= MOST_WRITTEN else range(0, len(classes), 5)
    names = [classes[place] for place in places]
    axes.set_yticks(list(places), names, fontsize=TEXT - 2)
    axes.set_xticks(list(places), names, fontsize=TEXT - 2, rotation=60, ha="right", rotation_mode="anchor")
    if len(classes) <= MOST_WRITTEN:
        for row, column in np.ndindex(*table.shape):
            if table[row, column]:
                ink = "white" if shares[row, column] > 0.5 else "black"
                axes.text(column, row, str(table[row, column]), ha="center", va="center", fontsize=8, color=ink)


def shown_layers(maps: list[Maps]) -> list[Maps]:
    """Return the input and the layers that change what is seen: not bias-only or normalising ones, the first few."""
    kept = [layer for layer in maps if layer.kind not in {"batchnorm", "dropout", "identity"}]
    return kept[: MOST_LAYERS + 1]


def pictures(
    below: SubFigure, facing: Facing, data: Data, kernels: tuple[str, Array] | None, layers: list[Maps]
) -> None:
    """Draw kernels and wrong answers at the left, the feature maps of one image at the right."""
    left, right = below.subfigures(1, 2, squeeze=False, width_ratios=[1, 1.5]).ravel()
    wrong = facing.measured[0].shown.wrong[:MOST_WRONG]
    rows = (kernels is not None) + bool(wrong)
    parts = np.atleast_1d(left.subfigures(max(rows, 1), 1, height_ratios=[0.45, 0.55] if rows == 2 else None))
    if kernels is not None:
        kernel_pictures(parts[0], *kernels)
    if wrong:
        wrong_pictures(parts[-1], wrong, data)
    map_pictures(right, layers, data, facing.request.image)


def kernel_pictures(part: SubFigure, name: str, kernels: Array) -> None:
    """Draw the first layer's weights: blue below zero, white at zero, orange above."""
    from matplotlib.colors import LinearSegmentedColormap

    colors = LinearSegmentedColormap.from_list("weights", ["#0072b2", "white", "#e69f00"])
    shown = kernels[..., :MOST_KERNELS].mean(axis=2)
    reach = float(np.abs(shown).max()) or 1.0
    axes = part.subplots()
    axes.set_title(f"learned weights {name} of the first layer", fontsize=TITLE)
    axes.set_axis_off()
    axes.imshow(tiled([shown[..., k] for k in range(shown.shape[2])], 4), cmap=colors, vmin=-reach, vmax=reach)


def tiled(parts: Sequence[Array], across: int) -> Array:
    """Return pictures (H, W) of one size in rows, NaN (nothing drawn) between them."""
    height, width = parts[0].shape
    gap = max(1, width // 12)
    rows = -(-len(parts) // across)
    canvas = np.full((rows * (height + gap) - gap, across * (width + gap) - gap), np.nan)
    for place, picture in enumerate(parts):
        top, left = place // across * (height + gap), place % across * (width + gap)
        canvas[top : top + height, left : left + width] = picture
    return canvas


def stretched(picture: Array) -> Array:
    """Return a picture from 0 at its least to 1 at its greatest number."""
    low, high = float(picture.min()), float(picture.max())
    return np.asarray((picture - low) / ((high - low) or 1.0))


def small_axes(part: SubFigure, count: int, across: int) -> list[Any]:
    """Return so many axes without ticks, in rows."""
    across = min(across, count)
    grid = np.atleast_1d(part.subplots(-(-count // across), across)).ravel()
    for axes in grid:
        axes.set_axis_off()
    return list(grid[:count])


def wrong_pictures(part: SubFigure, wrong: Sequence[Any], data: Data) -> None:
    """Draw the surest wrong answers with what they are and what was answered."""
    part.suptitle("surest wrong answers: truth / answer", fontsize=TITLE)
    for axes, answer in zip(small_axes(part, len(wrong), 4), wrong, strict=True):
        pixels(axes, data.test.images[answer.image])
        axes.set_title(
            f"{data.classes[answer.truth]}\n{data.classes[answer.answer]} {answer.probability:.2f}", fontsize=TEXT - 3
        )


def pixels(axes: Axes, picture: Array) -> None:
    """Draw one image, gray or colour."""
    if picture.shape[2] == 3:
        axes.imshow(np.clip(picture, 0, 1))
    else:
        axes.imshow(picture[..., 0], cmap="gray")


def map_pictures(part: SubFigure, layers: list[Maps], data: Data, image: int) -> None:
    """Draw the first feature maps of each layer, a row a layer."""
    label = data.classes[int(data.test.labels[image])]
    part.suptitle(f"test image {image} ({label}){' layer by layer' if len(layers) > 1 else ''}", fontsize=TITLE)
    across = max(min(MOST_MAPS, max(layer.maps.shape[2] for layer in layers)), 1)
    for axes, layer in zip(part.subplots(len(layers), 1, squeeze=False).ravel(), layers, strict=True):
        axes.set_axis_off()
        axes.set_title(f"{layer.name}  {'x'.join(map(str, layer.maps.shape))}", fontsize=TEXT - 1, loc="left", pad=2)
        if layer.kind == "input":
            pixels(axes, layer.maps if layer.maps.shape[2] == 3 else layer.maps[..., :1])
            axes.set_anchor("W")
            continue
        maps = [stretched(layer.maps[..., k]) for k in range(min(across, layer.maps.shape[2]))]
        axes.imshow(tiled(maps, across), cmap="gray", vmin=0, vmax=1)
        axes.set_anchor("W")
