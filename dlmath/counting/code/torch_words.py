"""How each kind of layer is written in PyTorch: one function a family, from a counted row to steps of a program.

Maps have their channels first there, sequences (steps, features) do not: `last_axis` turns a map round where a layer
works along the features.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dlmath.counting.code.pieces import Arg, Make, Step, alike, options_of, place, refuse
from dlmath.counting.engine.options import per_axis
from dlmath.counting.engine.shapes import elements

if TYPE_CHECKING:
    from collections.abc import Callable

    from dlmath.counting.engine.count import Row
    from dlmath.counting.engine.graph import Shape

    Rule = Callable[[Row], tuple[Step, ...]]

TARGET = "PyTorch"
CALL = "{m}({0})"
TURNED = "{m}({0}.transpose(1, 2)).transpose(1, 2)"
"""A layer that wants (features, steps), applied to (steps, features)."""
MOVED = "{m}({0}.movedim(1, -1)).movedim(-1, 1)"
"""A layer that wants the channels last, applied to a map."""
MAP = 3
"""Axes from which a tensor is a map, its channels first."""
ACTIVATIONS = {
    "relu": ("F.relu({0})", "nn.ReLU()"),
    "relu6": ("F.relu6({0})", "nn.ReLU6()"),
    "leakyrelu": ("F.leaky_relu({0})", "nn.LeakyReLU()"),
    "elu": ("F.elu({0})", "nn.ELU()"),
    "selu": ("F.selu({0})", "nn.SELU()"),
    "celu": ("F.celu({0})", "nn.CELU()"),
    "gelu": ("F.gelu({0})", "nn.GELU()"),
    "silu": ("F.silu({0})", "nn.SiLU()"),
    "swish": ("F.silu({0})", "nn.SiLU()"),
    "mish": ("F.mish({0})", "nn.Mish()"),
    "sigmoid": ("torch.sigmoid({0})", "nn.Sigmoid()"),
    "tanh": ("torch.tanh({0})", "nn.Tanh()"),
    "hardsigmoid": ("F.hardsigmoid({0})", "nn.Hardsigmoid()"),
    "hardswish": ("F.hardswish({0})", "nn.Hardswish()"),
    "hardtanh": ("F.hardtanh({0})", "nn.Hardtanh()"),
    "softplus": ("F.softplus({0})", "nn.Softplus()"),
    "softsign": ("F.softsign({0})", "nn.Softsign()"),
    "exponential": ("torch.exp({0})", ""),
    "step": ("({0} > 0).to({0}.dtype)", ""),
}


def layer(name: str, *args: Arg, template: str = CALL, helper: str = "") -> Step:
    """Return the step of one layer."""
    return Step(template, Make(name if helper else f"nn.{name}", args), helper)


def last_axis(shape: Shape) -> str:
    """Return how a layer along the last axis is applied: a map's channels are moved there."""
    return MOVED if len(shape) >= MAP else CALL


def _pads(row: Row) -> tuple[tuple[int, int], ...]:
    return tuple((window.before, window.after) for window in row.counted.windows or ())


def _symmetric(row: Row) -> Any:
    """Return a padding that is the same on both sides, None where it is not."""
    pads = _pads(row)
    return alike(tuple(before for before, _ in pads)) if all(before == after for before, after in pads) else None


def zeros(pads: tuple[tuple[int, int], ...]) -> Step:
    """Return the layer that pads; PyTorch names the last axis first."""
    flat = tuple(end for pair in reversed(pads) for end in pair)
    value = place("padding", flat[0] if len(set(flat)) == 1 else flat)
    if len(pads) == 2:
        return layer("ZeroPad2d", value)
    return layer(f"ConstantPad{len(pads)}d", value, place("value", 0))


def _around(rank: int) -> str:
    return TURNED if rank == 1 else CALL


def _conv(rank: int) -> Rule:
    def rule(row: Row) -> tuple[Step, ...]:
        options, channels = options_of(row), row.input_shapes[0][-1]
        kernel, stride, dilation = (per_axis(name, options[name], rank) for name in ("kernel", "stride", "dilation"))
        return _convolution(row, rank, channels, options["out"], (kernel, stride, dilation), options["groups"])

    return rule


def _convolution(
    row: Row,
    rank: int,
    channels: int,
    out: int,
    window: tuple[Any, Any, Any],
    groups: int,
    *,
    biased: bool | None = None,
) -> tuple[Step, ...]:
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
        template=_around(rank),
    )
    return (*before, made, *_position_bias(row))


def _position_bias(row: Row) -> tuple[Step, ...]:
    if options_of(row)["bias"] != "position":
        return ()
    shape = (row.output[-1], *row.output[:-1])
    return (layer("PositionBias", place("shape", shape), helper="PositionBias"),)


def _depthwise(row: Row) -> tuple[Step, ...]:
    options, channels = options_of(row), row.input_shapes[0][-1]
    window = tuple(per_axis(name, options[name], 2) for name in ("kernel", "stride", "dilation"))
    return _convolution(row, 2, channels, channels * options["multiplier"], window, channels)  # type: ignore[arg-type]


def _separable(row: Row) -> tuple[Step, ...]:
    options, channels = options_of(row), row.input_shapes[0][-1]
    middle = channels * options["multiplier"]
    window: Any = tuple(per_axis(name, options[name], 2) for name in ("kernel", "stride", "dilation"))
    first = _convolution(row, 2, channels, middle, window, channels, biased=False)
    bias = Arg("bias", options["bias"] in {"yes", True}, True)
    second = layer(
        "Conv2d", place("in_channels", middle), place("out_channels", options["out"]), place("kernel_size", 1), bias
    )
    return (*first, second, *_position_bias(row)) if options["bias"] != "position" else (*first[:-1], second, first[-1])


def _transposed(rank: int) -> Rule:
    def rule(row: Row) -> tuple[Step, ...]:
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
            template=_around(rank),
        )
        if any(more >= max(by, spread) for more, by, spread in zip(extra, stride, dilation, strict=True)):
            raise refuse(row, "its output is longer than PyTorch allows", TARGET)
        return (made, *_cut(row, extra), *_position_bias(row))

    return rule


def _cut(row: Row, extra: list[int]) -> tuple[Step, ...]:
    """Return the cutting off of what a transposed convolution gives too much at the end of an axis."""
    if min(extra) >= 0:
        return ()
    if len(row.output) < MAP:
        return (Step(f"{{0}}[:, :{row.output[0]}]"),)
    return (Step("{0}[:, :, " + ", ".join(f":{size}" for size in row.output[:-1]) + "]"),)


def _partial(row: Row) -> tuple[Step, ...]:
    options, channels = options_of(row), row.input_shapes[0][-1]
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


def _dense(row: Row) -> tuple[Step, ...]:
    options, shape = options_of(row), row.input_shapes[0]
    bias = Arg("bias", options["bias"], True)
    flattens = len(shape) > 1 and len(row.output) == 1 and options["over"] != "last"
    if flattens:
        head = place("in_features", elements(shape)), place("out_features", options["out"])
        return (FLATTEN, layer("Linear", *head, bias))
    head = place("in_features", shape[-1]), place("out_features", options["out"])
    return (layer("Linear", *head, bias, template=last_axis(shape)),)


FLATTEN = Step("{0}.flatten(1)", as_layer="nn.Flatten()")


def _windowed(kind: str, rank: int) -> Rule:
    def rule(row: Row) -> tuple[Step, ...]:
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
        return (*before, layer(f"{kind}Pool{rank}d", *args, template=_around(rank)))

    return rule


def _global(kind: str) -> Rule:
    def rule(row: Row) -> tuple[Step, ...]:
        shape, keep = row.input_shapes[0], options_of(row)["keep"]
        axes = 1 if len(shape) < MAP else tuple(range(2, len(shape) + 1))
        word = "mean" if kind == "Avg" else "amax"
        kept = ", keepdim=True" if keep else ""
        pool = "" if len(shape) < MAP else f"nn.Adaptive{kind}Pool{len(shape) - 1}d(1)"
        as_layer = pool if keep or not pool else f"{pool}, nn.Flatten()"
        return (Step(f"{{0}}.{word}({axes}{kept})", as_layer=as_layer),)

    return rule


def _adaptive(kind: str) -> Rule:
    def rule(row: Row) -> tuple[Step, ...]:
        sizes = row.output[:-1]
        if row.input_shapes[0][:-1] == sizes:
            return ()
        return (
            layer(f"Adaptive{kind}Pool{len(sizes)}d", place("output_size", alike(sizes)), template=_around(len(sizes))),
        )

    return rule


def _batch_norm(row: Row) -> tuple[Step, ...]:
    options, shape = options_of(row), row.input_shapes[0]
    if options["scale"] != options["center"]:
        raise refuse(row, "PyTorch has its scale and shift together", TARGET)
    channels = place("num_features", shape[-1])
    if options["frozen"]:
        return (layer("FrozenBatchNorm", channels, helper="FrozenBatchNorm"),)
    affine, kept = Arg("affine", options["scale"], True), Arg("track_running_stats", options["statistics"], True)
    rank = max(len(shape) - 1, 1)
    return (layer(f"BatchNorm{rank}d", channels, affine, kept, template=TURNED if len(shape) == 2 else CALL),)


def _layer_norm(row: Row) -> tuple[Step, ...]:
    options, shape = options_of(row), row.input_shapes[0]
    if options["center"] and not options["scale"]:
        raise refuse(row, "PyTorch has no shift without a scale", TARGET)
    held = shape[-options["axes"] :]
    flags: tuple[Arg, ...] = (Arg("elementwise_affine", options["scale"], True),)
    flags = (*flags, Arg("bias", options["center"], True)) if options["scale"] else flags
    return (
        layer(
            "LayerNorm",
            place("normalized_shape", held[0] if len(held) == 1 else held),
            *flags,
            template=last_axis(shape),
        ),
    )


def _group_norm(row: Row) -> tuple[Step, ...]:
    options, shape = options_of(row), row.input_shapes[0]
    if options["scale"] != options["center"]:
        raise refuse(row, "PyTorch has its scale and shift together", TARGET)
    affine, template = options["scale"], TURNED if len(shape) == 2 else CALL
    if row.node.kind == "groupnorm":
        head = place("num_groups", options["groups"]), place("num_channels", shape[-1])
        return (layer("GroupNorm", *head, Arg("affine", affine, True), template=template),)
    if len(shape) < 2:
        raise refuse(row, "a vector has nothing to normalise over", TARGET)
    rank = len(shape) - 1
    return (
        layer(
            f"InstanceNorm{rank}d", place("num_features", shape[-1]), Arg("affine", affine, False), template=template
        ),
    )


def _rms_norm(row: Row) -> tuple[Step, ...]:
    shape = row.input_shapes[0]
    affine = Arg("elementwise_affine", options_of(row)["scale"], True)
    return (layer("RMSNorm", place("normalized_shape", shape[-1]), affine, template=last_axis(shape)),)


def _l2_norm(row: Row) -> tuple[Step, ...]:
    shape = row.input_shapes[0]
    axis = 1 if len(shape) >= MAP else -1
    if not options_of(row)["scale"]:
        return (Step(f"F.normalize({{0}}, dim={axis})"),)
    return (layer("L2Norm", place("features", shape[-1]), helper="L2Norm", template=last_axis(shape)),)


def _lrn(row: Row) -> tuple[Step, ...]:
    if len(row.output) < MAP:
        raise refuse(row, "it normalises maps", TARGET)
    return (layer("LocalResponseNorm", place("size", options_of(row)["size"])),)


def _activation(row: Row) -> tuple[Step, ...]:
    template, as_layer = ACTIVATIONS[row.node.kind]
    return (Step(template, as_layer=as_layer),)


def _softmax(word: str, name: str) -> Rule:
    def rule(row: Row) -> tuple[Step, ...]:
        axis = 1 if len(row.output) != 2 else -1
        return (Step(f"F.{word}({{0}}, dim={axis})", as_layer=f"nn.{name}(dim={axis})"),)

    return rule


def _prelu(row: Row) -> tuple[Step, ...]:
    per, shape = options_of(row)["per"], row.output
    if per == "element":
        raise refuse(row, "PyTorch has no slope for each element", TARGET)
    template = TURNED if len(shape) == 2 and per == "channel" else CALL
    return (layer("PReLU", place("num_parameters", 1 if per == "layer" else shape[-1]), template=template),)


def _dropout(row: Row) -> tuple[Step, ...]:
    return (layer("Dropout", place("p", _rate(row))),)


def _depth_drop(row: Row) -> tuple[Step, ...]:
    return (layer("StochasticDepth", place("p", _rate(row)), helper="StochasticDepth"),)


def _rate(row: Row) -> float:
    try:
        return float(options_of(row)["rate"])
    except (TypeError, ValueError):
        return 0.5


def _operand(number: int, shape: Shape, rank: int) -> str:
    """Return one side of a join, stretched to as many axes as the output has."""
    missing = rank - len(shape)
    if missing <= 0:
        return f"{{{number}}}"
    if rank >= MAP and len(shape) == 1:
        return f"{{{number}}}[..., {', '.join(['None'] * missing)}]"
    return f"{{{number}}}[:, {', '.join(['None'] * missing)}]"


def _join(symbol: str) -> Rule:
    def rule(row: Row) -> tuple[Step, ...]:
        if any(1 < len(shape) < len(row.output) and len(row.output) >= MAP for shape in row.input_shapes):
            raise refuse(row, "it joins a sequence with a map", TARGET)
        sides = [_operand(number, shape, len(row.output)) for number, shape in enumerate(row.input_shapes)]
        if symbol in {"maximum", "minimum"}:
            text = sides[0]
            for side in sides[1:]:
                text = f"torch.{symbol}({text}, {side})"
            return (Step(text),)
        if symbol == "average":
            return (Step(f"({' + '.join(sides)}) / {len(sides)}"),)
        return (Step(f" {symbol} ".join(sides)),)

    return rule


def _concat(row: Row) -> tuple[Step, ...]:
    rank = len(row.output)
    axis = options_of(row)["axis"] % rank
    dim = (1 if axis == rank - 1 else axis + 2) if rank >= MAP else axis + 1
    return (Step(f"torch.cat([{{all}}], dim={dim})"),)


def _matmul(row: Row) -> tuple[Step, ...]:
    if len(row.output) >= MAP:
        raise refuse(row, "products of more than two axes are not written", TARGET)
    turned = ".transpose(-1, -2)" if options_of(row)["transpose"] == "yes" else ""
    return (Step(f"{{0}} @ {{1}}{turned}"),)


def channels_last(expression: str, before: Shape, after: Shape) -> Step:
    """Return an expression on a tensor with its channels last, whatever order the axes have before and after."""
    source = "{0}.movedim(1, -1)" if len(before) >= MAP else "{0}"
    return Step(expression.replace("{0}", source) + (".movedim(-1, 1)" if len(after) >= MAP else ""))


def _flatten(row: Row) -> tuple[Step, ...]:
    shape = row.input_shapes[0]
    if len(shape) == 1:
        return ()
    return _reshape(row) if options_of(row)["start"] else (FLATTEN,)


def _reshape(row: Row) -> tuple[Step, ...]:
    before, after = row.input_shapes[0], row.output
    if len(before) >= MAP and after == (elements(before[:-1]), before[-1]):
        return (Step("{0}.flatten(2).transpose(1, 2)"),)
    return (channels_last(f"{{0}}.reshape(-1, {', '.join(map(str, after))})", before, after),)


def _permute(row: Row) -> tuple[Step, ...]:
    order = ", ".join(str(axis) for axis in (0, *options_of(row)["order"]))
    return (channels_last(f"{{0}}.permute({order})", row.input_shapes[0], row.output),)


def _pad(row: Row) -> tuple[Step, ...]:
    step = zeros(_pads(row))
    return (step._replace(template=TURNED) if len(row.output) == 2 else step,)


def _crop(row: Row) -> tuple[Step, ...]:
    cuts = ", ".join(f"{-w.before}:{-w.before + w.out}" for w in row.counted.windows or ())
    return (Step(f"{{0}}[:, {cuts}]" if len(row.output) == 2 else f"{{0}}[:, :, {cuts}]"),)


def _pad_channels(row: Row) -> tuple[Step, ...]:
    more, rank = row.output[-1] - row.input_shapes[0][-1], len(row.output)
    zeros_before = (0, 0) * (rank - 1 if rank >= MAP else 0)
    return (Step(f"F.pad({{0}}, {(*zeros_before, 0, more)})"),)


def _upsample(row: Row) -> tuple[Step, ...]:
    options, rank = options_of(row), len(row.output) - 1
    factor = alike(per_axis("factor", options["factor"], rank))
    mode = Arg("mode", _mode(options["mode"], rank), "nearest")
    return (layer("Upsample", Arg("scale_factor", factor), mode, template=_around(rank)),)


def _resize(row: Row) -> tuple[Step, ...]:
    rank = len(row.output) - 1
    mode = Arg("mode", _mode(options_of(row)["mode"], rank), "nearest")
    size = row.output[:-1] if rank > 1 else row.output[0]
    return (layer("Upsample", Arg("size", size), mode, template=_around(rank)),)


def _mode(mode: str, rank: int) -> str:
    linear = {1: "linear", 2: "bilinear", 3: "trilinear"}
    return linear.get(rank, mode) if mode == "bilinear" else mode


def _take(row: Row) -> tuple[Step, ...]:
    options = options_of(row)
    where = f"[{', '.join([':'] * (options['axis'] + 1))}, {options['place']}]"
    return (channels_last(f"{{0}}{where}", row.input_shapes[0], row.output),)


def _slice(row: Row) -> tuple[Step, ...]:
    options, rank = options_of(row), len(row.output)
    axis = options["axis"] % rank
    dim = (1 if axis == rank - 1 else axis + 2) if rank >= MAP else axis + 1
    return (Step(f"{{0}}[{', '.join([':'] * dim)}, {options['start']}:{options['start'] + row.output[axis]}]"),)


def _mean(row: Row) -> tuple[Step, ...]:
    options, before = options_of(row), row.input_shapes[0]
    axes = tuple(sorted(axis % len(before) + 1 for axis in options["axes"]))
    keep = ", keepdim=True" if options["keep"] == "yes" else ""
    return (channels_last(f"{{0}}.mean({axes[0] if len(axes) == 1 else axes}{keep})", before, row.output),)


def _embedding(row: Row) -> tuple[Step, ...]:
    options = options_of(row)
    if len(row.output) >= MAP:
        raise refuse(row, "it looks up a map", TARGET)
    return (layer("Embedding", place("num_embeddings", options["words"]), place("embedding_dim", options["out"])),)


def in_order(shape: Shape) -> Shape:
    """Return a shape as PyTorch has it: a map's channels first."""
    return (shape[-1], *shape[:-1]) if len(shape) >= MAP else shape


def _positions(row: Row) -> tuple[Step, ...]:
    return (layer("Positions", place("shape", in_order(row.output)), helper="Positions"),)


def _class_token(row: Row) -> tuple[Step, ...]:
    options = options_of(row)
    return (
        layer(
            "ClassToken", place("features", row.output[-1]), Arg("tokens", options["tokens"], 1), helper="ClassToken"
        ),
    )


def _scale(row: Row) -> tuple[Step, ...]:
    shape, per = row.output, options_of(row)["per"]
    ones = (1,) * (len(shape) - 1)
    held = {
        "channel": in_order((*ones, shape[-1])) if len(shape) >= MAP else shape[-1:],
        "layer": (),
        "element": in_order(shape),
    }[per]
    return (layer("Scale", place("shape", held), helper="Scale"),)


def _subsample(row: Row) -> tuple[Step, ...]:
    kernel = alike(per_axis("kernel", options_of(row)["kernel"], 2))
    return (layer("Subsample", place("maps", row.output[-1]), place("size", kernel), helper="Subsample"),)


def _rbf(row: Row) -> tuple[Step, ...]:
    fan_in = elements(row.input_shapes[0])
    return (layer("RadialBasis", place("in_features", fan_in), place("out", row.output[-1]), helper="RadialBasis"),)


def _attention(row: Row) -> tuple[Step, ...]:
    options, shapes = options_of(row), row.input_shapes
    width = shapes[0][-1]
    heads = options["heads"]
    key = options["key"] or width // heads
    plain = key * heads == width and options["value"] in {None, key} and options["out"] in {None, width}
    if any(len(shape) != 2 for shape in shapes):
        raise refuse(row, "it attends to maps", TARGET)
    if plain and options["kv"] in {None, heads}:
        value = shapes[1][-1] if len(shapes) > 1 else width
        source = shapes[2][-1] if len(shapes) > 2 else value
        more = (Arg("kdim", source, width), Arg("vdim", value, width))
        bias = Arg("bias", options["bias"], True)
        batch = Arg("batch_first", value=True)
        sides = {1: "{0}, {0}, {0}", 2: "{0}, {1}, {1}", 3: "{0}, {2}, {1}"}[len(shapes)]
        head = place("embed_dim", width), place("num_heads", heads)
        return (
            layer("MultiheadAttention", *head, bias, *more, batch, template=f"{{m}}({sides}, need_weights=False)[0]"),
        )
    if len(shapes) > 1:
        raise refuse(row, "heads of another size look at one sequence only", TARGET)
    args = (
        place("features", width),
        place("heads", heads),
        Arg("key", key),
        Arg("value", options["value"] or key, key),
        Arg("kv", options["kv"] or heads, heads),
        Arg("out", options["out"] or width, width),
        Arg("bias", options["bias"], True),
    )
    return (layer("Attention", *args, helper="Attention"),)


def _recurrent(name: str) -> Rule:
    def rule(row: Row) -> tuple[Step, ...]:
        options = options_of(row)
        if options["bias"] and options["biases"] != 2:
            raise refuse(row, "PyTorch has 2 bias vectors a gate (write biases=2)", TARGET)
        args = (
            place("input_size", row.input_shapes[0][-1]),
            place("hidden_size", options["units"]),
            Arg("bias", options["bias"], True),
            Arg("batch_first", value=True),
            Arg("bidirectional", options["bidirectional"], False),
        )
        ends = "[0]" if options["sequences"] else "[0][:, -1]"
        if options["bidirectional"] and not options["sequences"]:
            return (layer(name, *args, template="both_ends({m}({0})[0])")._replace(helper="both_ends"),)
        return (layer(name, *args, template="{m}({0})" + ends),)

    return rule


def _nothing(_: Row) -> tuple[Step, ...]:
    return ()


def _impossible(why: str) -> Rule:
    def rule(row: Row) -> tuple[Step, ...]:
        raise refuse(row, why, TARGET)

    return rule


RULES: dict[str, Rule] = {
    "conv1d": _conv(1),
    "conv": _conv(2),
    "conv3d": _conv(3),
    "depthwise": _depthwise,
    "separable": _separable,
    "transposed1d": _transposed(1),
    "transposed": _transposed(2),
    "transposed3d": _transposed(3),
    "partial": _partial,
    **dict.fromkeys(("local", "local1d"), _impossible("it has no locally connected layers")),
    "dense": _dense,
    "rbf": _rbf,
    "embedding": _embedding,
    "positions": _positions,
    "classtoken": _class_token,
    "parameter": _impossible("a tensor by itself is no layer"),
    "scale": _scale,
    **{f"maxpool{word}": _windowed("Max", rank) for rank, word in ((1, "1d"), (2, ""), (3, "3d"))},
    **{f"avgpool{word}": _windowed("Avg", rank) for rank, word in ((1, "1d"), (2, ""), (3, "3d"))},
    "globalpool": _global("Avg"),
    "globalmaxpool": _global("Max"),
    "adaptivepool": _adaptive("Avg"),
    "adaptivemaxpool": _adaptive("Max"),
    "subsample": _subsample,
    **dict.fromkeys(("roipool", "roialign"), _impossible("the regions it pools would have to be given")),
    "batchnorm": _batch_norm,
    "layernorm": _layer_norm,
    "groupnorm": _group_norm,
    "instancenorm": _group_norm,
    "rmsnorm": _rms_norm,
    "l2norm": _l2_norm,
    "lrn": _lrn,
    "attention": _attention,
    "lstm": _recurrent("LSTM"),
    "gru": _recurrent("GRU"),
    "rnn": _recurrent("RNN"),
    **dict.fromkeys(("convlstm1d", "convlstm2d", "convlstm3d"), _impossible("it has no convolutional LSTM")),
    **dict.fromkeys(ACTIVATIONS, _activation),
    "softmax": _softmax("softmax", "Softmax"),
    "logsoftmax": _softmax("log_softmax", "LogSoftmax"),
    "prelu": _prelu,
    "dropout": _dropout,
    "stochasticdepth": _depth_drop,
    "identity": _nothing,
    "add": _join("+"),
    "subtract": _join("-"),
    "multiply": _join("*"),
    **{word: _join(word) for word in ("average", "maximum", "minimum")},
    "concat": _concat,
    "matmul": _matmul,
    "flatten": _flatten,
    "reshape": _reshape,
    "permute": _permute,
    "zeropad": _pad,
    "crop": _crop,
    "padchannels": _pad_channels,
    "upsample": _upsample,
    "resize": _resize,
    "take": _take,
    "slice": _slice,
    "mean": _mean,
    "opaque": _impossible("it is not understood"),
}
"""One rule a kind of layer."""


def steps(row: Row) -> tuple[Step, ...]:
    """Return a row as PyTorch writes it.

    Raises
    ------
    InvalidValueError
        With the layer that PyTorch cannot express.
    """
    rule = RULES.get(row.node.kind)
    if rule is None:
        raise refuse(row, "there is no rule for it", TARGET)
    made = rule(row)
    if row.node.frozen:
        made = tuple(_frozen(step) for step in made)
    return made


def _frozen(step: Step) -> Step:
    """Return a step whose layer does not train."""
    if step.make is None:
        return step
    return step._replace(make=step.make._replace(suffix=".requires_grad_(False)"))


HELPERS = {
    "PositionBias": '''
class PositionBias(nn.Module):
    """A bias of its own for every place of the map."""

    def __init__(self, shape):
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(shape))

    def forward(self, x):
        return x + self.bias
''',
    "PartialConv": '''
class PartialConv(nn.Module):
    """A convolution each map of which sees some maps of x only (LeCun et al. 1998, Table I)."""

    def __init__(self, sees, **options):
        super().__init__()
        self.sees = sees
        self.convs = nn.ModuleList(nn.Conv2d(len(maps), 1, **options) for maps in sees)

    def forward(self, x):
        return torch.cat([conv(x[:, maps]) for conv, maps in zip(self.convs, self.sees)], dim=1)
''',
    "Subsample": '''
class Subsample(nn.Module):
    """The mean of each window, times a coefficient of the map, plus a bias (LeCun et al. 1998)."""

    def __init__(self, maps, size):
        super().__init__()
        self.size = size
        self.coefficient = nn.Parameter(torch.ones(maps, 1, 1))
        self.bias = nn.Parameter(torch.zeros(maps, 1, 1))

    def forward(self, x):
        return F.avg_pool2d(x, self.size) * self.coefficient + self.bias
''',
    "RadialBasis": '''
class RadialBasis(nn.Module):
    """Squared distances to centres that are set by hand and do not train."""

    def __init__(self, in_features, out):
        super().__init__()
        self.register_buffer("centres", torch.ones(out, in_features))

    def forward(self, x):
        return (x.flatten(1)[:, None] - self.centres).square().sum(-1)
''',
    "Positions": '''
class Positions(nn.Module):
    """A learned vector added at every position."""

    def __init__(self, shape):
        super().__init__()
        self.vectors = nn.Parameter(torch.zeros(shape))

    def forward(self, x):
        return x + self.vectors
''',
    "ClassToken": '''
class ClassToken(nn.Module):
    """Learned vectors set before a sequence."""

    def __init__(self, features, tokens=1):
        super().__init__()
        self.token = nn.Parameter(torch.zeros(1, tokens, features))

    def forward(self, x):
        return torch.cat([self.token.expand(len(x), -1, -1), x], dim=1)
''',
    "Scale": '''
class Scale(nn.Module):
    """A learned factor."""

    def __init__(self, shape):
        super().__init__()
        self.factor = nn.Parameter(torch.ones(shape))

    def forward(self, x):
        return x * self.factor
''',
    "L2Norm": '''
class L2Norm(nn.Module):
    """Vectors over the features brought to length 1, times a learned factor a feature (Liu et al. 2015)."""

    def __init__(self, features):
        super().__init__()
        self.factor = nn.Parameter(torch.ones(features))

    def forward(self, x):
        return F.normalize(x, dim=-1) * self.factor
''',
    "StochasticDepth": '''
class StochasticDepth(nn.Module):
    """In training, whole examples of a branch are left out with probability p (Huang et al. 2016)."""

    def __init__(self, p):
        super().__init__()
        self.p = p

    def forward(self, x):
        if not self.training or self.p == 0:
            return x
        kept = torch.empty([len(x)] + [1] * (x.dim() - 1), device=x.device).bernoulli_(1 - self.p)
        return x * kept / (1 - self.p)
''',
    "FrozenBatchNorm": '''
class FrozenBatchNorm(nn.Module):
    """Batch normalisation whose scale and shift are kept as they are."""

    def __init__(self, features):
        super().__init__()
        for name, value in (("weight", 1.0), ("bias", 0.0), ("mean", 0.0), ("variance", 1.0)):
            self.register_buffer(name, torch.full((features, 1, 1), value))

    def forward(self, x):
        return (x - self.mean) * self.weight * (self.variance + 1e-5).rsqrt() + self.bias
''',
    "Attention": '''
class Attention(nn.Module):
    """Attention whose heads have a size of their own; `kv` of them make keys and values for all."""

    def __init__(self, features, heads, key, value=None, kv=None, out=None, bias=True):
        super().__init__()
        self.heads, self.kv = heads, kv or heads
        value = value or key
        self.query = nn.Linear(features, heads * key, bias=bias)
        self.key = nn.Linear(features, self.kv * key, bias=bias)
        self.value = nn.Linear(features, self.kv * value, bias=bias)
        self.output = nn.Linear(heads * value, out or features, bias=bias)

    def forward(self, x):
        query = self.query(x).unflatten(-1, (self.heads, -1)).transpose(1, 2)
        key, value = (
            make(x).unflatten(-1, (self.kv, -1)).transpose(1, 2).repeat_interleave(self.heads // self.kv, 1)
            for make in (self.key, self.value)
        )
        weights = (query @ key.transpose(-1, -2) / query.shape[-1] ** 0.5).softmax(-1)
        return self.output((weights @ value).transpose(1, 2).flatten(2))
''',
    "both_ends": '''
def both_ends(x):
    """The last state of each direction of a recurrent layer."""
    half = x.shape[-1] // 2
    return torch.cat([x[:, -1, :half], x[:, 0, half:]], dim=-1)
''',
}
"""What a program defines where PyTorch has no such layer."""
