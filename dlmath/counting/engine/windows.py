"""Layers of networks that attend or shuffle within maps: windowed attention, patch merging, channel shuffle, rotation.

Swin (Liu et al. 2021, 2022) attends within windows of a map; MaxViT (Tu et al. 2022) within windows and along a grid
of as many positions; ShuffleNet (Zhang et al. 2017) deals channels out anew among groups.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlmath.counting.engine.options import LayerKind, Option, at_least, flag, one_of, whole_number
from dlmath.counting.engine.shapes import elements, shape_text
from dlmath.counting.engine.tally import TallyTerm, every, tally
from dlmath.errors import ShapeError

if TYPE_CHECKING:
    from dlmath.counting.engine.graph import Shape
    from dlmath.counting.engine.tally import Count, Options

MAP_AXES = 3
HIDDEN = 512
"""Units of the small network that makes Swin v2's position biases of coordinates (Liu et al. 2022, section 3.3)."""


def window_attention(options: Options, shapes: tuple[Shape, ...]) -> Count:
    """Count multi-head attention within windows of a map, which is padded to whole windows.

    With n = window^2 positions a window and W windows: 4 projections of W n rows, and W heads n^2 size MACs each for
    scores and sums. `position` is where relative biases come from: a table (one a head for each of the (2 window -
    1)^2 offsets), a small network (`mlp`, beside a learned temperature a head), or `none`.
    """
    (shape,) = shapes
    _check_map("windowattention", shape)
    heads, window, channels = options["heads"], options["window"], shape[-1]
    if channels % heads:
        raise ShapeError(f"windowattention: {heads} heads do not divide {channels} channels", "choose heads that do")
    windows = elements(tuple(-(-size // window) for size in shape[:-1]))
    inside, size = window * window, channels // heads
    rows = ("windows", "positions")
    terms = [
        TallyTerm("weights", ("query, key, value: in", "out"), (channels, 3 * channels)),
        TallyTerm("weights", ("output: in", "out"), (channels, channels)),
        TallyTerm("macs", (*rows, "in", "out"), (windows, inside, channels, 3 * channels)),
        TallyTerm(
            "macs", ("scores: windows", "heads", "queries", "keys", "head size"), (windows, heads, inside, inside, size)
        ),
        TallyTerm(
            "macs", ("sums: windows", "heads", "queries", "keys", "head size"), (windows, heads, inside, inside, size)
        ),
        TallyTerm("macs", (*rows, "in", "out"), (windows, inside, channels, channels)),
        TallyTerm("activation_ops", ("softmax: windows", "heads", "queries", "keys"), (windows, heads, inside, inside)),
        *_position_terms(options["position"], heads, (2 * window - 1) ** 2),
    ]
    if options["bias"]:
        terms.append(TallyTerm("biases", ("query, key, value and output",), (4 * channels,)))
        terms.append(TallyTerm("bias_adds", (*rows, "query, key, value and output"), (windows, inside, 4 * channels)))
    return tally(shape, terms, None)


def _position_terms(position: str, heads: int, offsets: int) -> list[TallyTerm]:
    if position == "table":
        return [TallyTerm("weights", ("offsets", "heads"), (offsets, heads))]
    if position == "none":
        return []
    return [
        TallyTerm("weights", ("coordinates", "hidden"), (2, HIDDEN)),
        TallyTerm("biases", ("hidden",), (HIDDEN,)),
        TallyTerm("weights", ("hidden", "heads"), (HIDDEN, heads)),
        TallyTerm("weights", ("temperatures",), (heads,)),
        TallyTerm("macs", ("offsets", "coordinates", "hidden"), (offsets, 2, HIDDEN)),
        TallyTerm("macs", ("offsets", "hidden", "heads"), (offsets, HIDDEN, heads)),
        TallyTerm("bias_adds", ("offsets", "hidden"), (offsets, HIDDEN)),
    ]


def channel_shuffle(options: Options, shapes: tuple[Shape, ...]) -> Count:
    """Count a deal of the channels: those of each group go to all of them. Nothing is computed."""
    (shape,) = shapes
    if shape[-1] % options["groups"]:
        raise ShapeError(
            f"channelshuffle: {options['groups']} groups do not divide {shape[-1]} channels", "choose groups that do"
        )
    return tally(shape)


def space_to_depth(options: Options, shapes: tuple[Shape, ...]) -> Count:
    """Count squares of positions laid into the channels, the map padded to whole squares (Swin's patch merging)."""
    (shape,) = shapes
    _check_map("spacetodepth", shape)
    block = options["block"]
    return tally((*(-(-size // block) for size in shape[:-1]), block * block * shape[-1]), windows=None)


def rotary(options: Options, shapes: tuple[Shape, ...]) -> Count:
    """Count the turning of pairs of features by their position (Su et al. 2021): 2 products and a sum each."""
    del options
    (shape,) = shapes
    return tally(shape, (every("norm_ops", shape, operations=3),))


def _check_map(name: str, shape: Shape) -> None:
    if len(shape) != MAP_AXES:
        raise ShapeError(f"{name} cannot take {shape_text(shape)}", "give it HEIGHTxWIDTHxCHANNELS")


KINDS = {
    "windowattention": LayerKind(
        window_attention,
        (
            Option("heads", at_least(1)),
            Option("window", at_least(1), 7),
            Option("shift", whole_number, 0),
            Option("over", one_of("windows", "grid"), "windows"),
            Option("position", one_of("table", "mlp", "none"), "table"),
            Option("bias", flag, True),
        ),
        ("heads",),
        example="windowattention:3,window=7",
        equation="as attention, within windows of {window} x {window} positions, plus a bias for each offset",
    ),
    "channelshuffle": LayerKind(
        channel_shuffle, (Option("groups", at_least(1), 2),), ("groups",), example="channelshuffle:2"
    ),
    "spacetodepth": LayerKind(space_to_depth, (Option("block", at_least(1), 2),), ("block",), example="spacetodepth:2"),
    "rotary": LayerKind(rotary, example="rotary"),
}
