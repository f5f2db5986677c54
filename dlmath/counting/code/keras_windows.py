"""How Keras writes layers whose windows slide: convolutions, pooling, padding, cropping."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dlmath.counting.code.pieces import Arg, Make, Statement, alike, options_of, place, refuse
from dlmath.counting.engine.options import pads_per_axis, per_axis
from dlmath.counting.engine.shapes import slide

if TYPE_CHECKING:
    from collections.abc import Callable

    from dlmath.counting.engine.count import LayerRow

    Rule = Callable[[LayerRow], tuple[Statement, ...]]


TARGET = "Keras"

CALL = "{m}({0})"
LONGEST_TABLE = 4096
"""Connections of maps that are written out."""


def layer(name: str, *args: Arg, template: str = CALL, helper: str = "") -> Statement:
    """Return the step of one Keras layer."""
    return Statement(template, Make(name if helper else f"layers.{name}", args), helper)


def _padded(row: LayerRow, rank: int, kernel: tuple[int, ...]) -> tuple[str, tuple[Statement, ...]]:
    """Return Keras' word for a padding, and the step of an explicit one before the layer."""
    options = options_of(row)
    pad = options["pad"]
    if pad in {"same", "valid"} and not options.get("ceil"):
        return pad, ()
    if pad == "causal":
        return ("causal", ()) if rank == 1 else ("valid", (_zeros(rank, _before_after(row)),))
    if not any(map(any, _before_after(row))) and not _extra(row):
        return "valid", ()
    if _is_same(row, kernel):
        return "same", ()
    return "valid", (_zeros(rank, _grown(row)),)


def _before_after(row: LayerRow) -> tuple[tuple[int, int], ...]:
    return tuple((window.before, window.after) for window in row.counted.windows or ())


def _extra(row: LayerRow) -> bool:
    """Return whether the last window reaches beyond the padded input (ceil mode)."""
    return any((w.out - 1) * w.stride + w.extent > w.size + w.before + w.after for w in row.counted.windows or ())


def _grown(row: LayerRow) -> tuple[tuple[int, int], ...]:
    """Return what is added before and after each axis, so that every window lies within."""
    pads = []
    for w in row.counted.windows or ():
        beyond = (w.out - 1) * w.stride + w.extent - w.size - w.before - w.after
        pads.append((w.before, w.after + max(beyond, 0)))
    return tuple(pads)


def _is_same(row: LayerRow, kernel: tuple[int, ...]) -> bool:
    """Return whether Keras' `same` pads as this layer is padded."""
    windows = row.counted.windows or ()
    own = [(w.before, w.out) for w in windows]
    theirs = [slide(w.size, w.kernel, w.stride, w.dilation, "same") for w in windows]
    return len(windows) == len(kernel) and own == [(w.before, w.out) for w in theirs]


def _zeros(rank: int, pads: tuple[tuple[int, int], ...]) -> Statement:
    ends = {end for pair in pads for end in pair}
    value: Any = ends.pop() if len(ends) == 1 else pads[0] if rank == 1 else pads
    return layer(f"ZeroPadding{rank}D", place("padding", value))


def _sliding(row: LayerRow, rank: int) -> tuple[tuple[Arg, ...], tuple[Statement, ...]]:
    """Return the arguments of a convolution after filters and kernel, and the steps before it."""
    options = options_of(row)
    kernel = per_axis("kernel", options["kernel"], rank)
    stride, dilation = (per_axis(name, options[name], rank) for name in ("stride", "dilation"))
    if max(stride) > 1 and max(dilation) > 1:
        raise refuse(row, "it has strides and dilations both", TARGET)
    word, before = _padded(row, rank, kernel)
    args = (
        Arg("strides", alike(stride), 1),
        Arg("padding", word, "valid", either=max(kernel) == max(stride) == 1 and not before),
        Arg("dilation_rate", alike(dilation), 1),
    )
    return args, before


def _bias(row: LayerRow) -> tuple[Arg, tuple[Statement, ...]]:
    """Return whether a layer has biases, and the step of those that differ from place to place."""
    bias = options_of(row)["bias"]
    after = (layer("PositionBias", helper="PositionBias"),) if bias == "position" else ()
    return Arg("use_bias", bias in {"yes", True}, True), after


def conv(rank: int) -> Rule:
    """Return the rule of a convolution over so many axes."""

    def rule(row: LayerRow) -> tuple[Statement, ...]:
        options = options_of(row)
        kernel = alike(per_axis("kernel", options["kernel"], rank))
        args, before = _sliding(row, rank)
        bias, after = _bias(row)
        more = (Arg("groups", options["groups"], 1), bias)
        made = layer(f"Conv{rank}D", place("filters", options["out"]), place("kernel_size", kernel), *args, *more)
        return (*before, made, *after)

    return rule


def depthwise(row: LayerRow) -> tuple[Statement, ...]:
    """Return a depthwise convolution."""
    options = options_of(row)
    kernel = per_axis("kernel", options["kernel"], 2)
    args, before = _sliding(row, 2)
    bias, after = _bias(row)
    if len(set(per_axis("stride", options["stride"], 2))) > 1:
        channels = row.input_shapes[0][-1]
        groups = Arg("groups", channels, 1)
        filters = place("filters", channels * options["multiplier"])
        return (*before, layer("Conv2D", filters, place("kernel_size", alike(kernel)), *args, groups, bias), *after)
    multiplier = Arg("depth_multiplier", options["multiplier"], 1)
    return (*before, layer("DepthwiseConv2D", place("kernel_size", alike(kernel)), *args, multiplier, bias), *after)


def separable(row: LayerRow) -> tuple[Statement, ...]:
    """Return a depthwise convolution and the 1 x 1 one after it."""
    options = options_of(row)
    kernel = alike(per_axis("kernel", options["kernel"], 2))
    args, before = _sliding(row, 2)
    multiplier = Arg("depth_multiplier", options["multiplier"], 1)
    bias, after = _bias(row)
    head = place("filters", options["out"]), place("kernel_size", kernel)
    return (*before, layer("SeparableConv2D", *head, *args, multiplier, bias), *after)


def transposed(rank: int) -> Rule:
    """Return the rule of a transposed convolution: what Keras gives too much is cropped."""

    def rule(row: LayerRow) -> tuple[Statement, ...]:
        options = options_of(row)
        if options["groups"] > 1:
            raise refuse(row, "it has groups", TARGET)
        kernel, stride = (per_axis(name, options[name], rank) for name in ("kernel", "stride"))
        bias, after = _bias(row)
        word = "same" if options["pad"] == "same" and not any(options["extra"]) else "valid"
        args = Arg("strides", alike(stride), 1), Arg("padding", word, "valid"), bias
        head = place("filters", options["out"]), place("kernel_size", alike(kernel))
        made = layer(f"Conv{rank}DTranspose", *head, *args)
        return (made, *(_cropped(row, rank) if word == "valid" else ()), *after)

    return rule


def _cropped(row: LayerRow, rank: int) -> tuple[Statement, ...]:
    pairs = []
    for w in row.counted.windows or ():
        full = (w.size - 1) * w.up + max(w.extent, w.up)
        pairs.append((w.before, full - w.before - w.out))
    if any(after < 0 for _, after in pairs):
        grow = tuple((0, max(-after, 0)) for _, after in pairs)
        cut = tuple((before, max(after, 0)) for before, after in pairs)
        steps = (_zeros(rank, grow),)
        return (*steps, *(_crop(rank, cut) if any(map(any, cut)) else ()))
    return _crop(rank, tuple(pairs)) if any(map(any, pairs)) else ()


def _crop(rank: int, pairs: tuple[tuple[int, int], ...]) -> tuple[Statement, ...]:
    ends = {end for pair in pairs for end in pair}
    value: Any = ends.pop() if len(ends) == 1 else pairs[0] if rank == 1 else pairs
    return (layer(f"Cropping{rank}D", place("cropping", value)),)


def partial(row: LayerRow) -> tuple[Statement, ...]:
    """Return LeCun's convolution of some maps each: the table is written out."""
    options = options_of(row)
    channels = row.input_shapes[0][-1]
    if options["sees"] is None and options["out"] * options["maps"] > LONGEST_TABLE:
        raise refuse(row, "its table of connections would be too long", TARGET)
    sees = options["sees"] or tuple(
        tuple(sorted((first + step) % channels for step in range(options["maps"]))) for first in range(options["out"])
    )
    args, before = _sliding(row, 2)
    bias, after = _bias(row)
    kernel = alike(per_axis("kernel", options["kernel"], 2))
    table = place("sees", [list(maps) for maps in sees])
    made = Statement(
        "partial_conv({0}, {m})",
        Make("dict", (table._replace(by_place=False), Arg("kernel_size", kernel), *args, bias)),
        "partial_conv",
    )
    return (*before, made, *after)


def local(rank: int) -> Rule:
    """Return the rule of what the library does not have."""

    def rule(row: LayerRow) -> tuple[Statement, ...]:
        raise refuse(row, "Keras 3 has no locally connected layers", TARGET)

    del rank
    return rule


def windowed(kind: str, rank: int) -> Rule:
    """Return the rule of a pooling over so many axes."""

    def rule(row: LayerRow) -> tuple[Statement, ...]:
        options = options_of(row)
        kernel = per_axis("kernel", options["kernel"], rank)
        stride = per_axis("stride", options["stride"] or kernel, rank)
        if max(options.get("dilation", (1,))) > 1:
            raise refuse(row, "its windows are dilated", TARGET)
        word, before = _padded(row, rank, kernel)
        size = place("pool_size", alike(kernel))
        return (
            *before,
            layer(f"{kind}{rank}D", size, Arg("strides", alike(stride), alike(kernel)), Arg("padding", word, "valid")),
        )

    return rule


def global_pool(word: str) -> Rule:
    """Return the rule of a pooling over the whole map."""

    def rule(row: LayerRow) -> tuple[Statement, ...]:
        rank = len(row.input_shapes[0]) - 1
        return (layer(f"Global{word}Pooling{rank}D", Arg("keepdims", options_of(row)["keep"], False)),)

    return rule


def adaptive(word: str) -> Rule:
    """Return the rule of a pooling to a given size: nothing where the map has it, else the windows of an even one."""

    def rule(row: LayerRow) -> tuple[Statement, ...]:
        sizes, wanted = row.input_shapes[0][:-1], row.output[:-1]
        rank = len(sizes)
        if sizes == wanted:
            return ()
        if all(size % out == 0 for size, out in zip(sizes, wanted, strict=True)):
            window = alike(tuple(size // out for size, out in zip(sizes, wanted, strict=True)))
            return (layer(f"{word}Pooling{rank}D", place("pool_size", window)),)
        return (layer(f"Adaptive{word}Pooling{rank}D", place("output_size", alike(wanted))),)

    return rule


def pad(row: LayerRow) -> tuple[Statement, ...]:
    """Return a padding with zeros."""
    rank = len(row.output) - 1
    return (_zeros(rank, pads_per_axis(options_of(row)["pad"], rank)),)


def cut(row: LayerRow) -> tuple[Statement, ...]:
    """Return a cropping."""
    rank = len(row.output) - 1
    return _crop(rank, pads_per_axis(options_of(row)["pad"], rank))
