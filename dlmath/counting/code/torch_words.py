"""How each kind of layer is written in PyTorch: one function a family, from a counted row to steps of a program.

Maps have their channels first there, sequences (steps, features) do not: `last_axis` turns a map round where a layer
works along the features.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlmath.counting.code.pieces import Arg, Statement, alike, options_of, place, refuse
from dlmath.counting.code.torch_moves import (
    concat,
    cut_out,
    flatten,
    join,
    matmul,
    mean,
    pad_channels,
    permute,
    reshape,
    resize,
    take,
    upsample,
)
from dlmath.counting.code.torch_sequences import (
    attention,
    class_token,
    embedding,
    own_bias,
    positions,
    recurrent,
    rotary,
    shuffle,
    space_to_depth,
    window_attention,
)
from dlmath.counting.code.torch_windows import (
    CALL,
    FLATTEN,
    MAP,
    TARGET,
    TURNED,
    adaptive,
    conv,
    crop,
    depthwise,
    global_pool,
    in_order,
    last_axis,
    layer,
    pad,
    partial,
    separable,
    transposed,
    windowed,
)
from dlmath.counting.engine.options import per_axis
from dlmath.counting.engine.shapes import elements

if TYPE_CHECKING:
    from collections.abc import Callable

    from dlmath.counting.engine.count import LayerRow

    Rule = Callable[[LayerRow], tuple[Statement, ...]]

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


def _dense(row: LayerRow) -> tuple[Statement, ...]:
    options, shape = options_of(row), row.input_shapes[0]
    bias = Arg("bias", options["bias"], True)
    flattens = len(shape) > 1 and len(row.output) == 1 and options["over"] != "last"
    if flattens:
        head = place("in_features", elements(shape)), place("out_features", options["out"])
        return (FLATTEN, layer("Linear", *head, bias))
    head = place("in_features", shape[-1]), place("out_features", options["out"])
    return (layer("Linear", *head, bias, template=last_axis(shape)),)


def _batch_norm(row: LayerRow) -> tuple[Statement, ...]:
    options, shape = options_of(row), row.input_shapes[0]
    if options["scale"] != options["center"]:
        raise refuse(row, "PyTorch has its scale and shift together", TARGET)
    channels = place("num_features", shape[-1])
    if options["frozen"]:
        return (layer("FrozenBatchNorm", channels, helper="FrozenBatchNorm"),)
    affine, kept = Arg("affine", options["scale"], True), Arg("track_running_stats", options["statistics"], True)
    rank = max(len(shape) - 1, 1)
    return (layer(f"BatchNorm{rank}d", channels, affine, kept, template=TURNED if len(shape) == 2 else CALL),)


def _layer_norm(row: LayerRow) -> tuple[Statement, ...]:
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


def _group_norm(row: LayerRow) -> tuple[Statement, ...]:
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


def _rms_norm(row: LayerRow) -> tuple[Statement, ...]:
    shape = row.input_shapes[0]
    affine = Arg("elementwise_affine", options_of(row)["scale"], True)
    return (layer("RMSNorm", place("normalized_shape", shape[-1]), affine, template=last_axis(shape)),)


def _l2_norm(row: LayerRow) -> tuple[Statement, ...]:
    shape = row.input_shapes[0]
    axis = 1 if len(shape) >= MAP else -1
    if not options_of(row)["scale"]:
        return (Statement(f"F.normalize({{0}}, dim={axis})"),)
    return (layer("L2Norm", place("features", shape[-1]), helper="L2Norm", template=last_axis(shape)),)


def _lrn(row: LayerRow) -> tuple[Statement, ...]:
    if len(row.output) < MAP:
        raise refuse(row, "it normalises maps", TARGET)
    return (layer("LocalResponseNorm", place("size", options_of(row)["size"])),)


def _activation(row: LayerRow) -> tuple[Statement, ...]:
    template, as_layer = ACTIVATIONS[row.node.kind]
    return (Statement(template, as_layer=as_layer),)


def _softmax(word: str, name: str) -> Rule:
    def rule(row: LayerRow) -> tuple[Statement, ...]:
        axis = 1 if len(row.output) != 2 else -1
        return (Statement(f"F.{word}({{0}}, dim={axis})", as_layer=f"nn.{name}(dim={axis})"),)

    return rule


def _prelu(row: LayerRow) -> tuple[Statement, ...]:
    per, shape = options_of(row)["per"], row.output
    if per == "element":
        raise refuse(row, "PyTorch has no slope for each element", TARGET)
    template = TURNED if len(shape) == 2 and per == "channel" else CALL
    return (layer("PReLU", place("num_parameters", 1 if per == "layer" else shape[-1]), template=template),)


def _dropout(row: LayerRow) -> tuple[Statement, ...]:
    return (layer("Dropout", place("p", _rate(row))),)


def _depth_drop(row: LayerRow) -> tuple[Statement, ...]:
    return (layer("StochasticDepth", place("p", _rate(row)), helper="StochasticDepth"),)


def _rate(row: LayerRow) -> float:
    try:
        return float(options_of(row)["rate"])
    except (TypeError, ValueError):
        return 0.5


def _scale(row: LayerRow) -> tuple[Statement, ...]:
    shape, per = row.output, options_of(row)["per"]
    ones = (1,) * (len(shape) - 1)
    held = {
        "channel": in_order((*ones, shape[-1])) if len(shape) >= MAP else shape[-1:],
        "layer": (),
        "element": in_order(shape),
    }[per]
    return (layer("Scale", place("shape", held), helper="Scale"),)


def _subsample(row: LayerRow) -> tuple[Statement, ...]:
    kernel = alike(per_axis("kernel", options_of(row)["kernel"], 2))
    return (layer("Subsample", place("maps", row.output[-1]), place("size", kernel), helper="Subsample"),)


def _rbf(row: LayerRow) -> tuple[Statement, ...]:
    fan_in = elements(row.input_shapes[0])
    return (layer("RadialBasis", place("in_features", fan_in), place("out", row.output[-1]), helper="RadialBasis"),)


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
    **dict.fromkeys(("local", "local1d"), _impossible("it has no locally connected layers")),
    "dense": _dense,
    "rbf": _rbf,
    "embedding": embedding,
    "positions": positions,
    "bias": own_bias,
    "windowattention": window_attention,
    "channelshuffle": shuffle,
    "spacetodepth": space_to_depth,
    "rotary": rotary,
    "classtoken": class_token,
    "parameter": _impossible("a tensor by itself is no layer"),
    "scale": _scale,
    **{f"maxpool{word}": windowed("Max", rank) for rank, word in ((1, "1d"), (2, ""), (3, "3d"))},
    **{f"avgpool{word}": windowed("Avg", rank) for rank, word in ((1, "1d"), (2, ""), (3, "3d"))},
    "globalpool": global_pool("Avg"),
    "globalmaxpool": global_pool("Max"),
    "adaptivepool": adaptive("Avg"),
    "adaptivemaxpool": adaptive("Max"),
    "subsample": _subsample,
    **dict.fromkeys(("roipool", "roialign"), _impossible("the regions it pools would have to be given")),
    "batchnorm": _batch_norm,
    "layernorm": _layer_norm,
    "groupnorm": _group_norm,
    "instancenorm": _group_norm,
    "rmsnorm": _rms_norm,
    "l2norm": _l2_norm,
    "lrn": _lrn,
    "attention": attention,
    "lstm": recurrent("LSTM"),
    "gru": recurrent("GRU"),
    "rnn": recurrent("RNN"),
    **dict.fromkeys(("convlstm1d", "convlstm2d", "convlstm3d"), _impossible("it has no convolutional LSTM")),
    **dict.fromkeys(ACTIVATIONS, _activation),
    "softmax": _softmax("softmax", "Softmax"),
    "logsoftmax": _softmax("log_softmax", "LogSoftmax"),
    "prelu": _prelu,
    "dropout": _dropout,
    "stochasticdepth": _depth_drop,
    "identity": _nothing,
    "add": join("+"),
    "subtract": join("-"),
    "multiply": join("*"),
    **{word: join(word) for word in ("average", "maximum", "minimum")},
    "concat": concat,
    "matmul": matmul,
    "flatten": flatten,
    "reshape": reshape,
    "permute": permute,
    "zeropad": pad,
    "crop": crop,
    "padchannels": pad_channels,
    "upsample": upsample,
    "resize": resize,
    "take": take,
    "slice": cut_out,
    "mean": mean,
    "opaque": _impossible("it is not understood"),
}
"""One rule a kind of layer."""


def steps(row: LayerRow) -> tuple[Statement, ...]:
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


def _frozen(step: Statement) -> Statement:
    """Return a step whose layer does not train."""
    if step.make is None:
        return step
    return step._replace(make=step.make._replace(suffix=".requires_grad_(False)"))
