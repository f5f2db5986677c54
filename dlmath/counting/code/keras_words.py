"""How each kind of layer is written in Keras 3: one function a family, from a counted row to steps of a program."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlmath.counting.code.keras_windows import (
    CALL,
    TARGET,
    adaptive,
    conv,
    cut,
    depthwise,
    global_pool,
    layer,
    local,
    pad,
    partial,
    separable,
    transposed,
    windowed,
)
from dlmath.counting.code.pieces import Arg, Make, Plain, Statement, alike, options_of, place, refuse
from dlmath.counting.engine.options import per_axis

if TYPE_CHECKING:
    from collections.abc import Callable

    from dlmath.counting.engine.count import LayerRow

    Rule = Callable[[LayerRow], tuple[Statement, ...]]

ACTIVATIONS = {
    **{word: word for word in ("relu", "relu6", "elu", "selu", "celu", "gelu", "mish", "sigmoid", "tanh", "softmax")},
    **{word: word for word in ("softplus", "softsign", "exponential", "silu")},
    "swish": "silu",
    "leakyrelu": "leaky_relu",
    "hardswish": "hard_silu",
    "hardsigmoid": "hard_sigmoid",
    "hardtanh": "hard_tanh",
    "logsoftmax": "log_softmax",
}

FUSED = ("conv", "conv1d", "conv3d", "dense", "depthwise", "separable", "transposed")
"""Layers that take `activation=`."""


def _dense(row: LayerRow) -> tuple[Statement, ...]:
    options = options_of(row)
    shape = row.input_shapes[0]
    flattens = len(shape) > 1 and len(row.output) == 1 and options["over"] != "last"
    before = (layer("Flatten"),) if flattens else ()
    return (*before, layer("Dense", place("units", options["out"]), Arg("use_bias", options["bias"], True)))


def _batch_norm(row: LayerRow) -> tuple[Statement, ...]:
    options = options_of(row)
    if not options["statistics"]:
        raise refuse(row, "it keeps no statistics", TARGET)
    flags = Arg("center", options["center"], True), Arg("scale", options["scale"], True)
    return (layer("BatchNormalization", *flags, Arg("trainable", not options["frozen"], True)),)


def _layer_norm(row: LayerRow) -> tuple[Statement, ...]:
    options = options_of(row)
    axes = -1 if options["axes"] == 1 else list(range(-options["axes"], 0))
    flags = Arg("center", options["center"], True), Arg("scale", options["scale"], True)
    return (layer("LayerNormalization", Arg("axis", axes, -1), *flags),)


def _group_norm(row: LayerRow) -> tuple[Statement, ...]:
    options = options_of(row)
    groups = options["groups"] if row.node.kind == "groupnorm" else -1
    flags = Arg("center", options["center"], True), Arg("scale", options["scale"], True)
    return (layer("GroupNormalization", Arg("groups", groups, 32), *flags),)


def _rms_norm(row: LayerRow) -> tuple[Statement, ...]:
    if not options_of(row)["scale"]:
        raise refuse(row, "it has no scale", TARGET)
    return (layer("RMSNormalization"),)


def _l2_norm(row: LayerRow) -> tuple[Statement, ...]:
    if not options_of(row)["scale"]:
        return (layer("UnitNormalization"),)
    return (layer("L2Norm", helper="L2Norm"),)


def _activation(row: LayerRow) -> tuple[Statement, ...]:
    word = ACTIVATIONS.get(row.node.kind)
    if word is None:
        raise refuse(row, "there is no such activation", TARGET)
    return (layer("Activation", place("activation", word)),)


def _prelu(row: LayerRow) -> tuple[Statement, ...]:
    rank = len(row.input_shapes[0])
    shared = {"channel": list(range(1, rank)), "layer": list(range(1, rank + 1)), "element": None}
    return (layer("PReLU", Arg("shared_axes", shared[options_of(row)["per"]] or None, None)),)


def _dropout(row: LayerRow) -> tuple[Statement, ...]:
    return (layer("Dropout", place("rate", _rate(row))),)


def _rate(row: LayerRow) -> float:
    try:
        return float(options_of(row)["rate"])
    except (TypeError, ValueError):
        return 0.5


def _depth_drop(row: LayerRow) -> tuple[Statement, ...]:
    """Return stochastic depth: dropout of whole examples."""
    shape = (None, *(1,) * len(row.output))
    return (layer("Dropout", place("rate", _rate(row)), Arg("noise_shape", shape)),)


def _join(word: str) -> Rule:
    return lambda _: (layer(word, template="{m}([{all}])"),)


def _concat(row: LayerRow) -> tuple[Statement, ...]:
    axis, rank = options_of(row)["axis"], len(row.output)
    axis = -1 if axis in {-1, rank - 1} else axis % rank + 1
    return (layer("Concatenate", Arg("axis", axis, -1), template="{m}([{all}])"),)


def _matmul(row: LayerRow) -> tuple[Statement, ...]:
    turned = options_of(row)["transpose"] == "yes"
    return (Statement("ops.matmul({0}, ops.swapaxes({1}, -1, -2))" if turned else "ops.matmul({0}, {1})"),)


def _flatten(row: LayerRow) -> tuple[Statement, ...]:
    if len(row.input_shapes[0]) == 1:
        return ()
    if options_of(row)["start"]:
        return (layer("Reshape", place("target_shape", row.output)),)
    return (layer("Flatten"),)


def _reshape(row: LayerRow) -> tuple[Statement, ...]:
    return (layer("Reshape", place("target_shape", row.output)),)


def _permute(row: LayerRow) -> tuple[Statement, ...]:
    return (layer("Permute", place("dims", tuple(options_of(row)["order"]))),)


def _pad_channels(row: LayerRow) -> tuple[Statement, ...]:
    more = row.output[-1] - row.input_shapes[0][-1]
    pads = [[0, 0]] * len(row.output) + [[0, more]]
    return (Statement("ops.pad({0}, {m})", Make("list", (place("pads", pads),))),)


def _upsample(row: LayerRow) -> tuple[Statement, ...]:
    options, rank = options_of(row), len(row.output) - 1
    factor = alike(per_axis("factor", options["factor"], rank))
    mode = () if rank != 2 else (Arg("interpolation", options["mode"], "nearest"),)
    return (layer(f"UpSampling{rank}D", place("size", factor), *mode),)


def _resize(row: LayerRow) -> tuple[Statement, ...]:
    if len(row.output) != 3:
        raise refuse(row, "only pictures are resized", TARGET)
    height, width = row.output[:2]
    mode = Arg("interpolation", options_of(row)["mode"], "bilinear")
    return (layer("Resizing", place("height", height), place("width", width), mode),)


def _take(row: LayerRow) -> tuple[Statement, ...]:
    options = options_of(row)
    return (Statement(f"{{0}}[{', '.join([':'] * (options['axis'] + 1))}, {options['place']}]"),)


def _slice(row: LayerRow) -> tuple[Statement, ...]:
    options, rank = options_of(row), len(row.output)
    axis = options["axis"] % rank
    chosen = f"{options['start']}:{options['start'] + row.output[axis]}"
    return (Statement(f"{{0}}[{', '.join([':'] * (axis + 1))}, {chosen}]"),)


def _mean(row: LayerRow) -> tuple[Statement, ...]:
    options, rank = options_of(row), len(row.input_shapes[0])
    axes = tuple(sorted(axis % rank + 1 for axis in options["axes"]))
    keep = ", keepdims=True" if options["keep"] == "yes" else ""
    return (Statement(f"ops.mean({{0}}, axis={alike(axes) if len(axes) == 1 else axes}{keep})"),)


def _own(name: str, *words: str) -> Rule:
    """Return the rule of a layer that the program defines itself, its arguments the options of those names."""

    def rule(row: LayerRow) -> tuple[Statement, ...]:
        options = options_of(row)
        values = ((word, options[word]) for word in words)
        args = (place(word, alike(value) if isinstance(value, tuple) else value) for word, value in values)
        return (layer(name, *args, helper=name),)

    return rule


def _positions(row: LayerRow) -> tuple[Statement, ...]:
    held = Arg("held", options_of(row)["held"], None)
    return (layer("Positions", held, helper="Positions"),)


def _window_attention(row: LayerRow) -> tuple[Statement, ...]:
    """Return attention within windows; the program defines it."""
    options = options_of(row)
    args = (
        place("heads", options["heads"]),
        Arg("window", options["window"], 7),
        Arg("shift", options["shift"], 0),
        Arg("grid", options["over"] == "grid", False),
        Arg("position", options["position"], "table"),
        Arg("bias", options["bias"], True),
    )
    return (layer("WindowAttention", *args, helper="WindowAttention"),)


def _shuffle(row: LayerRow) -> tuple[Statement, ...]:
    """Return channels dealt out anew: groups x each, turned round."""
    groups, shape = options_of(row)["groups"], row.output
    split = (*shape[:-1], groups, shape[-1] // groups)
    axes = (*range(1, len(shape)), len(shape) + 1, len(shape))
    return (
        layer("Reshape", place("target_shape", split)),
        layer("Permute", place("dims", axes)),
        layer("Reshape", place("target_shape", shape)),
    )


def _embedding(row: LayerRow) -> tuple[Statement, ...]:
    options = options_of(row)
    return (layer("Embedding", place("input_dim", options["words"]), place("output_dim", options["out"])),)


def _parameter(row: LayerRow) -> tuple[Statement, ...]:
    raise refuse(row, "a tensor by itself is no layer", TARGET)


def _attention(row: LayerRow) -> tuple[Statement, ...]:
    options = options_of(row)
    width = row.input_shapes[0][-1]
    key = options["key"] or width // options["heads"]
    template = "{m}({0}, {0})" if len(row.input_shapes) == 1 else "{m}({all})"
    bias = Arg("use_bias", options["bias"], True)
    if options["kv"] not in {None, options["heads"]}:
        heads = place("head_dim", key), place("num_query_heads", options["heads"]), place("num_kv_heads", options["kv"])
        if options["out"] not in {None, width} or options["value"] not in {None, key}:
            raise refuse(row, "grouped queries have one size", TARGET)
        return (layer("GroupQueryAttention", *heads, bias, template=template),)
    more = Arg("value_dim", options["value"], None), Arg("output_shape", options["out"], None)
    return (
        layer(
            "MultiHeadAttention",
            place("num_heads", options["heads"]),
            place("key_dim", key),
            bias,
            *more,
            template=template,
        ),
    )


def _recurrent(name: str, vectors: int) -> Rule:
    def rule(row: LayerRow) -> tuple[Statement, ...]:
        options = options_of(row)
        args = [place("units", options["units"]), Arg("use_bias", options["bias"], True)]
        args.append(Arg("return_sequences", options["sequences"], False))
        if name == "GRU" and options["bias"]:
            args.append(Arg("reset_after", options["biases"] == 2, True))
        elif options["bias"] and options["biases"] != vectors:
            raise refuse(row, f"Keras has {vectors} bias vector a gate (write biases={vectors})", TARGET)
        made = Make(f"layers.{name}", tuple(args))
        if options["bidirectional"]:
            return (layer("Bidirectional", place("layer", Plain(made.text()))),)
        return (Statement(CALL, made),)

    return rule


def _conv_lstm(rank: int) -> Rule:
    def rule(row: LayerRow) -> tuple[Statement, ...]:
        options = options_of(row)
        kernel, stride, dilation = (per_axis(name, options[name], rank) for name in ("kernel", "stride", "dilation"))
        if options["pad"] not in {"same", "valid"}:
            raise refuse(row, "its padding is neither same nor valid", TARGET)
        head = place("filters", options["out"]), place("kernel_size", alike(kernel))
        args = (
            Arg("strides", alike(stride), 1),
            Arg("padding", options["pad"], "valid"),
            Arg("dilation_rate", alike(dilation), 1),
            Arg("use_bias", options["bias"] == "yes", True),
            Arg("return_sequences", options["sequences"], False),
        )
        return (layer(f"ConvLSTM{rank}D", *head, *args),)

    return rule


def _nothing(_: LayerRow) -> tuple[Statement, ...]:
    return ()


def _impossible(why: str) -> Rule:
    def rule(row: LayerRow) -> tuple[Statement, ...]:
        raise refuse(row, why, TARGET)

    return rule


RULES: dict[str, Rule] = {
    "conv1d": conv(1),
    "conv": conv(2),
    "conv3d": conv(3),
    "depthwise": depthwise,
    "separable": separable,
    "transposed1d": transposed(1),
    "transposed": transposed(2),
    "transposed3d": transposed(3),
    "partial": partial,
    "local1d": local(1),
    "local": local(2),
    "dense": _dense,
    "rbf": _own("RadialBasis", "out"),
    "embedding": _embedding,
    "positions": _positions,
    "bias": _own("Bias"),
    "windowattention": _window_attention,
    "channelshuffle": _shuffle,
    "spacetodepth": _own("SpaceToDepth", "block"),
    "rotary": _own("Rotary"),
    "classtoken": _own("ClassToken", "tokens"),
    "parameter": _parameter,
    "scale": _own("Scale", "per"),
    **{f"maxpool{word}": windowed("MaxPooling", rank) for rank, word in ((1, "1d"), (2, ""), (3, "3d"))},
    **{f"avgpool{word}": windowed("AveragePooling", rank) for rank, word in ((1, "1d"), (2, ""), (3, "3d"))},
    "globalpool": global_pool("Average"),
    "globalmaxpool": global_pool("Max"),
    "adaptivepool": adaptive("Average"),
    "adaptivemaxpool": adaptive("Max"),
    "subsample": _own("Subsample", "kernel"),
    "roipool": _impossible("the regions it pools would have to be given"),
    "roialign": _impossible("the regions it pools would have to be given"),
    "batchnorm": _batch_norm,
    "layernorm": _layer_norm,
    "groupnorm": _group_norm,
    "instancenorm": _group_norm,
    "rmsnorm": _rms_norm,
    "l2norm": _l2_norm,
    "lrn": _own("LocalResponseNorm", "size"),
    "attention": _attention,
    "lstm": _recurrent("LSTM", 1),
    "gru": _recurrent("GRU", 2),
    "rnn": _recurrent("SimpleRNN", 1),
    **{f"convlstm{rank}d": _conv_lstm(rank) for rank in (1, 2, 3)},
    **dict.fromkeys(ACTIVATIONS, _activation),
    "step": _impossible("a step has no slope"),
    "prelu": _prelu,
    "dropout": _dropout,
    "stochasticdepth": _depth_drop,
    "identity": _nothing,
    **{word.lower(): _join(word) for word in ("Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum")},
    "concat": _concat,
    "matmul": _matmul,
    "flatten": _flatten,
    "reshape": _reshape,
    "permute": _permute,
    "zeropad": pad,
    "crop": cut,
    "padchannels": _pad_channels,
    "upsample": _upsample,
    "resize": _resize,
    "take": _take,
    "slice": _slice,
    "mean": _mean,
    "opaque": _impossible("it is not understood"),
}
"""One rule a kind of layer."""


def steps(row: LayerRow) -> tuple[Statement, ...]:
    """Return a row as Keras writes it.

    Raises
    ------
    InvalidValueError
        With the layer that Keras cannot express.
    """
    rule = RULES.get(row.node.kind)
    if rule is None:
        raise refuse(row, "there is no rule for it", TARGET)
    return rule(row)
