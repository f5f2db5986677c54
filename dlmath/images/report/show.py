"""`--show`: what a network has learned and sees, as pictures in the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dlmath.images.engine.evaluation import confusion, logits_of
from dlmath.images.engine.op import canonical
from dlmath.images.engine.training import put_rows
from dlmath.report.blocks import Lines, Table
from dlmath.report.terminal_picture import presentable, side_by_side

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dlmath.images.engine.data import Data
    from dlmath.images.engine.model import Model
    from dlmath.images.report.tables import Facing
    from dlmath.neural.arrays import Array
    from dlmath.report.blocks import Block, Line

MOST_PICTURES = 16
CELL = 10
"""Columns that a small picture takes at least."""
MOST_WRONG = 8
MOST_CONFUSED = 5
GROWN, SMALL = 4, 28
"""How much larger a kernel's few numbers are drawn, while it stays as small."""


class Maps(NamedTuple):
    """The feature maps of one layer for one image.

    Attributes
    ----------
    name : str
    kind : str
    maps : ndarray (H, W, C)
    """

    name: str
    kind: str
    maps: Array


def feature_maps(model: Model, data: Data, image: int) -> list[Maps]:
    """Return the outputs of all layers that are maps, for one test image, as at test."""
    running = model.on(1, fused=False)
    put_rows(running.images, data.test._replace(images=data.test.images[image : image + 1]).rows())
    running.forward(training=False)
    layers = []
    for number, node in enumerate(model.network.nodes):
        values = canonical(running.output(running.lowered.places[number]))[0]
        if values.ndim == 3:
            layers.append(Maps(node.name, node.kind, values.copy()))
    return layers


def first_kernels(model: Model) -> tuple[str, Array] | None:
    """Return the name and weights (rows, columns, in, out) of the first layer that looks at the image.

    Kernels of a convolution; of a dense layer the weights of each unit, laid out as the image is.
    """
    slot = next((slot for slot in model.slots if slot.parameter.role == "weight"), None)
    if slot is None:
        return None
    weights, shape = model.get(slot.name), model.network.input_shapes[0]
    if weights.ndim == 4:
        return slot.name, weights
    seen = len(shape) == 3 and len(weights) == shape[0] * shape[1] * shape[2]
    return (slot.name, weights.reshape(*shape, -1)) if seen else None


def pictures(facing: Facing, *, color: bool) -> Iterator[Block]:
    """Yield kernels, feature maps, wrong answers and confusions of the first network."""
    entry, data = facing.measured[0], facing.data()
    model = facing.model(entry)
    kernels = first_kernels(model)
    if kernels is not None:
        yield kernel_pictures(*kernels, facing.columns, color=color)
    for layer in feature_maps(model, data, facing.request.image):
        yield map_pictures(layer, facing, data, color=color)
    yield from wrong_pictures(facing, data, color=color)
    yield from confusions(model, data)


def kernel_pictures(name: str, kernels: Array, columns: int, *, color: bool) -> Lines:
    """Return the weights of the first layer, each picture stretched from its least to its greatest number."""
    height, width, _, out = kernels.shape
    drawn = [grown(kernels[..., k].mean(axis=2)) for k in range(min(out, MOST_PICTURES))]
    more = f" (the first {MOST_PICTURES} of {out})" if out > MOST_PICTURES else ""
    title = f"Learned weights {name} of the first layer, {height}x{width}{more}"
    return Lines(tuple(rows_of_pictures(drawn, columns, color=color)), title=title)


def grown(picture: Array) -> Array:
    """Return a picture, a small one with every number repeated."""
    times = GROWN if max(picture.shape) * GROWN <= SMALL else 1
    return np.repeat(np.repeat(picture, times, axis=0), times, axis=1)


def map_pictures(layer: Maps, facing: Facing, data: Data, *, color: bool) -> Lines:
    """Return the feature maps of a layer."""
    height, width, channels = layer.maps.shape
    if layer.kind == "input":
        label = data.classes[int(data.test.labels[facing.request.image])]
        title = f"Test image {facing.request.image}: {label}, {height}x{width}"
        drawn = [layer.maps[..., :3] if channels == 3 else layer.maps[..., 0]]
    else:
        more = f", the first {MOST_PICTURES}" if channels > MOST_PICTURES else ""
        title = f"{layer.name}: {channels} maps of {height}x{width}{more}"
        drawn = [layer.maps[..., k] for k in range(min(channels, MOST_PICTURES))]
    return Lines(tuple(rows_of_pictures(drawn, facing.columns, color=color)), title=title)


def rows_of_pictures(drawn: Sequence[Array], columns: int, *, color: bool) -> Iterator[Line]:
    """Yield lines of pictures, as many beside each other as the terminal has room for."""
    wide = max(CELL, min(max(picture.shape[1] for picture in drawn), columns))
    each = max(1, (columns + 2) // (wide + 2))
    for start in range(0, len(drawn), each):
        row = [presentable(picture) for picture in drawn[start : start + each]]
        if start:
            yield ""
        yield from side_by_side(row, len(row) * (wide + 2) - 2, color=color)


def wrong_pictures(facing: Facing, data: Data, *, color: bool) -> Iterator[Block]:
    """Yield the surest wrong answers: the images, and what was answered."""
    wrong = facing.measured[0].shown.wrong[:MOST_WRONG]
    if not wrong:
        return
    drawn = [data.test.images[answer.image] for answer in wrong]
    drawn = [picture if picture.shape[2] == 3 else picture[..., 0] for picture in drawn]
    yield Lines(tuple(rows_of_pictures(drawn, facing.columns, color=color)), title="The surest wrong answers")
    rows = tuple(
        (answer.image, data.classes[answer.truth], data.classes[answer.answer], float(f"{answer.probability:.3f}"))
        for answer in wrong
    )
    yield Table(("image", "is", "answered", "probability"), rows)


def confusions(model: Model, data: Data) -> Iterator[Block]:
    """Yield which classes are taken for which most often."""
    table = confusion(logits_of(model, data.test.rows()), data.test.labels, len(data.classes))
    np.fill_diagonal(table, 0)
    order = np.argsort(-table, axis=None, kind="stable")[:MOST_CONFUSED]
    pairs = [np.unravel_index(int(place), table.shape) for place in order]
    rows = tuple(
        (data.classes[int(truth)], data.classes[int(answer)], int(table[truth, answer]))
        for truth, answer in pairs
        if table[truth, answer]
    )
    if rows:
        yield Table(("is", "answered", "times"), rows, title="Confused most")
