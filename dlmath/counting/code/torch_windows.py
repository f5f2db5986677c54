"""How PyTorch writes layers whose windows slide: convolutions, pooling, padding, cropping.

Maps have their channels first there, sequences (steps, features) do not: `last_axis` turns a map round where a layer
works along the features.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dlmath.counting.code.pieces import Arg, Make, Statement, alike, options_of, place, refuse
from dlmath.counting.engine.options import per_axis

if TYPE_CHECKING:
    from collections.abc import Callable

    from dlmath.counting.engine.count import LayerRow
    from dlmath.counting.engine.graph import Shape

    Rule = Callable[[LayerRow], tuple[Statement, ...]]


TARGET = "PyTorch"

CALL = "{m}({0})"
LONGEST_TABLE = 4096
"""Connections of maps that are written out."""

TURNED = "{m}({0}.transpose(1, 2)).transpose(1, 2)"
"""A layer that wants (features, steps), applied to (steps, features)."""

MOVED = "{m}({0}.movedim(1, -1)).movedim(-1, 1)"
"""A layer that wants the channels last, applied to a map."""

MAP = 3
"""Axes from which a tensor is a map, its channels first."""


def layer(name: str, *args: Arg, template: str = CALL, helper: str = "") -> Statement:
    """Return the step of one layer."""
    return Statement(template, Make(name if helper else f"nn.{name}", args), helper)


def last_axis(shape: Shape) -> str:
    """Return how a layer along the last axis is applied: a map's channels are moved there."""
    return MOVED if len(shape) >= MAP else CALL


def _pads(row: LayerRow) -> tuple[tuple[int, int], ...]:
    return tuple((window.before, window.after) for window in row.counted.windows or ())


def _symmetric(row: LayerRow) -> Any:
    """Return a padding that is the same on both sides, None where it is not."""
    pads = _pads(row)
    return alike(tuple(before for before, _ in pads)) if all(before == after for before, after in pads) else None


def zeros(pads: tuple[tuple[int, int], ...]) -> Statement:
    """Return the layer that pads; PyTorch names the last axis first."""
    flat = tuple(end for pair in reversed(pads) for end in pair)
    value = place("padding", flat[0] if len(set(flat)) == 1 else flat)
    if len(pads) == 2:
        return layer("ZeroPad2d", value)
    return layer(f"ConstantPad{len(pads)}d", value, place("value", 0))


def around(rank: int) -> str:
    """Return how a layer over so many axes is applied to steps or maps."""
    return TURNED if rank == 1 else CALL


def conv(rank: int) -> Rule:
    """Return the rule of a convolution over so many axes."""

    def rule(row: LayerRow) -> tuple[Statement, ...]:
        options, channels = options_of(row), row.input_shapes[0][-1]
        kernel, stride, dilation = (per_axis(name, options[name], rank) for name in ("kernel", "stride", "dilation"))
        return _convolution(row, rank, channels, options["out"], (kernel, stride, dilation), options["groups"])

    return rule


def _convolution(
    row: LayerRow,
    rank: int,
    channels: int,
    out: int,
    window: tuple[Any, Any, Any],
    groups: int,
    *,
    biased: bool | None = None,
) -> tuple[Statement, ...]:
    bias = options_of(row)["bias"]
    pad = _symmetric(row)
    before = () if pad is not None else (zeros(_pads(row)),)
    if before and rank == 1:
        before = (before[0]._replace(template=TURNED),)
    kernel, stride, dilation = map(alike, window)
    made = layer(
        f"Conv{rank}d",
        place("in_channels", channels),
        place("out_channels", out),
        place("kernel_size", kernel),
        Arg("stride", stride, 1),
        Arg("padding", 0 if pad is None else pad, 0),
        Arg("dilation", dilation, 1),
        Arg("groups", groups, 1),
        Arg("bias", bias in {"yes", True} if biased is None else biased, True),
        template=around(rank),
    )
    return (*before, made, *_position_bias(row))


def _position_bias(row: LayerRow) -> tuple[Statement, ...]:
    if options_of(row)["bias"] != "position":
        return ()
    shape = (row.output[-1], *row.output[:-1])
    return (layer("PositionBias", place("shape", shape), helper="PositionBias"),)


def depthwise(row: LayerRow) -> tuple[Statement, ...]:
    """Return a depthwise convolution."""
    options, channels = options_of(row), row.input_shapes[0][-1]
    window = tuple(per_axis(name, options[name], 2) for name in ("kernel", "stride", "dilation"))
    return _convolution(row, 2, channels, channels * options["multiplier"], window, channels)  # type: ignore[arg-type]


def separable(row: LayerRow) -> tuple[Statement, ...]:
    """Return a depthwise convolution and the 1 x 1 one after it."""
    options, channels = options_of(row), row.input_shapes[0][-1]
    middle = channels * options["multiplier"]
    window: Any = tuple(per_axis(name, options[name], 2) for name in ("kernel", "stride", "dilation"))
    first = _convolution(row, 2, channels, middle, window, channels, biased=False)
    bias = Arg("bias", options["bias"] in {"yes", True}, True)
    second = layer(
        "Conv2d", place("in_channels", middle), place("out_channels", options["out"]), place("kernel_size", 1), bias
    )
    return (*first, second, *_position_bias(row)) if options["bias"] != "position" else (*first[:-1], second, first[-1])


def transposed(rank: int) -> Rule:
    """Return the rule of a transposed convolution."""

    def rule(row: LayerRow) -> tuple[Statement, ...]:
        options, channels = options_of(row), row.input_shapes[0][-1]
        kernel, stride, dilation = (per_axis(name, options[name], rank) for name in ("kernel", "stride", "dilation"))
        pads, extra = [], []
        for w in row.counted.windows or ():
            pad = min(w.before, w.after)
            pads.append(pad)
            extra.append(w.out - ((w.size - 1) * w.up + w.extent - 2 * pad))
        made = layer(
            f"ConvTranspose{rank}d",
            place("in_channels", channels),
            place("out_channels", options["out"]),
            place("kernel_size", alike(kernel)),
            Arg("stride", alike(stride), 1),
            Arg("padding", alike(tuple(pads)), 0),
            Arg("output_padding", alike(tuple(max(more, 0) for more in extra)), 0),
            Arg("groups", options["groups"], 1),
            Arg("bias", options["bias"] in {"yes", True}, True),
            Arg("dilation", alike(dilation), 1),
            template=around(rank),
        )
        if any(more >= max(by, spread) for more, by, spread in zip(extra, stride, dilation, strict=True)):
            raise refuse(row, "its output is longer than PyTorch allows", TARGET)
        return (made, *_cut(row, extra), *_position_bias(row))

    return rule


def _cut(row: LayerRow, extra: list[int]) -> tuple[Statement, ...]:
    """Return the cutting off of what a transposed convolution gives too much at the end of an axis."""
    if min(extra) >= 0:
        return ()
    if len(row.output) < MAP:
        return (Statement(f"{{0}}[:, :{row.output[0]}]"),)
    return (Statement("{0}[:, :, " + ", ".join(f":{size}" for size in row.output[:-1]) + "]"),)


def partial(row: LayerRow) -> tuple[Statement, ...]:
    """Return LeCun's convolution of some maps each."""
    options, channels = options_of(row), row.input_shapes[0][-1]
    if options["sees"] is None and options["out"] * options["maps"] > LONGEST_TABLE:
        raise refuse(row, "its table of connections would be too long", TARGET)
    sees = options["sees"] or tuple(
        tuple(sorted((first + step) % channels for step in range(options["maps"]))) for first in range(options["out"])
    )
    pad = _symmetric(row)
    before = () if pad is not None else (zeros(_pads(row)),)
    args = (
        Arg("sees", [list(maps) for maps in sees]),
        Arg("kernel_size", alike(per_axis("kernel", options["kernel"], 2))),
        Arg("stride", alike(per_axis("stride", options["stride"], 2)), 1),
        Arg("padding", 0 if pad is None else pad, 0),
        Arg("bias", options["bias"] in {"yes", True}, True),
    )
    return (*before, layer("PartialConv", *args, helper="PartialConv"), *_position_bias(row))


FLATTEN = Statement("{0}.flatten(1)", as_layer="nn.Flatten()")


def windowed(kind: str, rank: int) -> Rule:
    """Return the rule of a pooling over so many axes."""

    def rule(row: LayerRow) -> tuple[Statement, ...]:
        options = options_of(row)
        kernel = per_axis("kernel", options["kernel"], rank)
        stride = per_axis("stride", options["stride"] or kernel, rank)
        pad = _symmetric(row)
        fits = pad is not None and all(2 * before <= size for (before, _), size in zip(_pads(row), kernel, strict=True))
        before = () if fits else (zeros(_pads(row)),)
        if before and rank == 1:
            before = (before[0]._replace(template=TURNED),)
        args = [
            place("kernel_size", alike(kernel)),
            Arg("stride", alike(stride), alike(kernel)),
            Arg("padding", pad if fits else 0, 0),
            Arg("ceil_mode", options["ceil"], False),
        ]
        if kind == "Max":
            args.append(Arg("dilation", alike(per_axis("dilation", options["dilation"], rank)), 1))
        return (*before, layer(f"{kind}Pool{rank}d", *args, template=around(rank)))

    return rule


def global_pool(kind: str) -> Rule:
    """Return the rule of a pooling over the whole map."""

    def rule(row: LayerRow) -> tuple[Statement, ...]:
        shape, keep = row.input_shapes[0], options_of(row)["keep"]
        axes = 1 if len(shape) < MAP else tuple(range(2, len(shape) + 1))
        word = "mean" if kind == "Avg" else "amax"
        kept = ", keepdim=True" if keep else ""
        pool = "" if len(shape) < MAP else f"nn.Adaptive{kind}Pool{len(shape) - 1}d(1)"
        as_layer = pool if keep or not pool else f"{pool}, nn.Flatten()"
        return (Statement(f"{{0}}.{word}({axes}{kept})", as_layer=as_layer),)

    return rule


def adaptive(kind: str) -> Rule:
    """Return the rule of a pooling to a given size; nothing where the map has it."""

    def rule(row: LayerRow) -> tuple[Statement, ...]:
        sizes = row.output[:-1]
        if row.input_shapes[0][:-1] == sizes:
            return ()
        return (
            layer(f"Adaptive{kind}Pool{len(sizes)}d", place("output_size", alike(sizes)), template=around(len(sizes))),
        )

    return rule


def pad(row: LayerRow) -> tuple[Statement, ...]:
    """Return a padding with zeros."""
    step = zeros(_pads(row))
    return (step._replace(template=TURNED) if len(row.output) == 2 else step,)


def crop(row: LayerRow) -> tuple[Statement, ...]:
    """Return a cropping as slices."""
    cuts = ", ".join(f"{-w.before}:{-w.before + w.out}" for w in row.counted.windows or ())
    return (Statement(f"{{0}}[:, {cuts}]" if len(row.output) == 2 else f"{{0}}[:, :, {cuts}]"),)


def in_order(shape: Shape) -> Shape:
    """Return a shape as PyTorch has it: a map's channels first."""
    return (shape[-1], *shape[:-1]) if len(shape) >= MAP else shape
