"""What each ONNX operator becomes in the layer registry's words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dlmath.counting.engine.shapes import elements
from dlmath.counting.models import onnx_moves

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dlmath.counting.models.onnx_walk import Held, Use, Value

    Rule = Callable[[Use], Sequence[Value]]

SUFFIX = {1: "1d", 2: "", 3: "3d"}
AUTO_PAD = {"SAME_UPPER": "same", "SAME_LOWER": "same-lower", "VALID": "valid"}


def _window(use: Use, rank: int) -> dict[str, Any]:
    """Return kernel, stride, padding and dilation of an operator that slides."""
    attributes = use.attributes
    options = {"stride": attributes.get("strides", (1,) * rank), "dilation": attributes.get("dilations", (1,) * rank)}
    auto = attributes.get("auto_pad", "NOTSET")
    pads = attributes.get("pads", (0,) * 2 * rank)
    return {**options, "pad": AUTO_PAD[auto] if auto in AUTO_PAD else tuple(zip(pads[:rank], pads[rank:], strict=True))}


def _weights(use: Use, place: int) -> Held:
    held = use.held(place)
    if held is None:
        raise ValueError(f"node {use.name!r}: its weights are computed, not held")
    return held


def _fused(use: Use, weights: Held, bias: Held | None) -> bool:
    """Return whether a layer has biases; one that shares weights has them if their owner does."""
    owner = use.walk.builder.owner_of(weights.name) if use.is_shared(weights) else None
    return bias is not None if owner is None else owner.options.get("bias") in ("yes", True)


def _biased(use: Use, made: Value, bias: Held | None) -> Sequence[Value]:
    """Return a layer and, where its weights are another's but its biases its own, these biases."""
    node = use.walk.builder.nodes[made.place]
    if bias is None or node.shares is None or use.is_shared(bias):
        use.spend(bias)
        return [made]
    own = use.parameter(bias)
    if node.options["bias"] in ("yes", True):
        return [made]  # the layer adds biases already; these are held beside it
    return [use.add("add", (made, own), is_map=made.is_map)]


def _conv(use: Use) -> Sequence[Value]:
    weights, bias = _weights(use, 1), use.held(2)
    rank, transposed = len(weights.shape) - 2, use.kind == "ConvTranspose"
    groups, source = use.attributes.get("group", 1), use.as_map(use.computed()[0])
    options = {**_window(use, rank), "kernel": weights.shape[2:], "groups": groups}
    options["out"] = weights.shape[1] * groups if transposed else weights.shape[0]
    if transposed:
        options["extra"] = use.attributes.get("output_padding", (0,))
    options["bias"] = "yes" if _fused(use, weights, bias) else "no"
    owner = use.spend(weights)
    kind = f"{'transposed' if transposed else 'conv'}{SUFFIX[rank]}"
    return _biased(use, use.add(kind, (source,), is_map=True, owner=owner, **options), bias)


def _gemm(use: Use) -> Sequence[Value]:
    weights = use.held(1)
    if weights is None or use.value(0) is None:
        return _product(use)
    out = weights.shape[0] if use.attributes.get("transB") else weights.shape[1]
    return _dense(use, weights, out, use.held(2))


def _dense(use: Use, weights: Held, out: int, bias: Held | None) -> Sequence[Value]:
    fused = _fused(use, weights, bias)
    owner = use.spend(weights)
    made = use.add("dense", (use.as_onnx(0),), is_map=False, owner=owner, out=out, bias=fused, over="last")
    return _biased(use, made, bias)


def _matmul(use: Use) -> Sequence[Value]:
    weights = use.held(1)
    if weights is not None and len(weights.shape) == 2 and use.value(0) is not None:
        return _dense(use, weights, weights.shape[1], None)
    return _product(use)


def _product(use: Use) -> Sequence[Value]:
    """Return a product of two tensors, either of which may be an initialiser."""
    sides = [use.as_onnx(place) if use.value(place) else use.parameter(_weights(use, place)) for place in (0, 1)]
    return [use.add("matmul", sides, is_map=False)]


def _batch_norm(use: Use) -> Sequence[Value]:
    scale, shift, mean, variance = (use.held(place) for place in (1, 2, 3, 4))
    options = {**_fresh(use, scale, shift), "statistics": bool(use.spend(mean, variance))}
    return [use.add("batchnorm", (use.as_map(use.computed()[0]),), is_map=True, owner=None, **options)]


def _fresh(use: Use, scale: Held | None, shift: Held | None) -> dict[str, bool]:
    """Return which of a norm's parameters are counted with it: those that no earlier node has."""
    fresh = {"scale": scale is not None and not use.is_shared(scale)}
    use.spend(scale)
    fresh["center"] = shift is not None and not use.is_shared(shift)
    use.spend(shift)
    return fresh


def _norm(kind: str) -> Rule:
    """Return the rule of a norm over channels whose scale and shift are initialisers."""

    def rule(use: Use) -> Sequence[Value]:
        options: dict[str, Any] = dict(_fresh(use, use.held(1), use.held(2)))
        if kind == "groupnorm":
            options["groups"] = use.attributes["num_groups"]
        return [use.add(kind, (use.as_map(use.computed()[0]),), is_map=True, **options)]

    return rule


def _local_response(use: Use) -> Sequence[Value]:
    return [use.add("lrn", (use.as_map(use.computed()[0]),), is_map=True, size=use.attributes["size"])]


def _layer_norm(use: Use) -> Sequence[Value]:
    scale, shift = use.held(1), use.held(2)
    source = use.as_onnx(0)
    if use.kind == "RMSNormalization":
        return [use.add("rmsnorm", (source,), is_map=False, scale=_fresh(use, scale, None)["scale"])]
    axes = len(scale.shape) if scale is not None else 1
    return [use.add("layernorm", (source,), is_map=False, owner=None, axes=axes, **_fresh(use, scale, shift))]


def _pool(use: Use) -> Sequence[Value]:
    kernel = use.attributes["kernel_shape"]
    rank, mean = len(kernel), use.kind == "AveragePool"
    options = {**_window(use, rank), "kernel": kernel, "ceil": bool(use.attributes.get("ceil_mode", 0))}
    if mean:
        del options["dilation"]
    kind = f"{'avgpool' if mean else 'maxpool'}{SUFFIX[rank]}"
    return [use.add(kind, (use.as_map(use.computed()[0]),), is_map=True, **options)]


def _global(kind: str) -> Rule:
    return lambda use: [use.add(kind, (use.as_map(use.computed()[0]),), is_map=True, keep=True)]


def _pointwise(kind: str) -> Rule:
    """Return the rule of an activation: the layout stays."""

    def rule(use: Use) -> Sequence[Value]:
        source = use.computed()[0]
        return [use.add(kind, (source,), is_map=source.is_map)]

    return rule


def _prelu(use: Use) -> Sequence[Value]:
    source, slopes = use.computed()[0], use.held(1)
    size = elements(slopes.shape) if slopes is not None else 0
    if slopes is not None and slopes.shape[-1:] == (1,):
        source = use.as_map(source)  # slopes (C, 1, 1) are one a channel
    shape = use.walk.builder.shapes[source.place]
    per = "layer" if size == 1 else "channel" if size == shape[-1] else "element"
    return [use.add("prelu", (source,), is_map=source.is_map, owner=use.spend(slopes), per=per)]


def _join(kind: str) -> Rule:
    """Return the rule of an operator on two tensors; with a constant it costs one operation an element."""

    def rule(use: Use) -> Sequence[Value]:
        values = use.computed()
        held = [one for place in (0, 1) if (one := use.held(place)) is not None and one.floats and one.shape]
        if len(values) == 1 and held:
            return _with_parameter(use, kind, values[0], held[0])
        if len(values) == 1:
            values = values * 2
        if len({value.is_map for value in values}) > 1:
            values = [use.as_onnx(place) for place in (0, 1)]
        return [use.add(kind, values, is_map=values[0].is_map)]

    return rule


def _with_parameter(use: Use, kind: str, value: Value, held: Held) -> Sequence[Value]:
    """Return a join with an initialiser: the bias of the dense layer before it, or a tensor by itself."""
    builder = use.walk.builder
    node = builder.nodes[value.place]
    if (
        (kind, node.kind, node.options.get("bias"), node.shares) == ("add", "dense", False, None)
        and held.shape == (node.options["out"],)
        and not use.is_shared(held)
        and _only_use(use)
    ):
        use.spend(held)
        builder.nodes[value.place] = node._replace(options={**node.options, "bias": True})
        return [value]
    source = _onnx_order(use, value)
    return [use.add(kind, (source, use.parameter(held)), is_map=False)]


def _only_use(use: Use) -> bool:
    return all(use.walk.uses[name] == 1 for name in use.node.input if name in use.walk.values)


def _onnx_order(use: Use, value: Value) -> Value:
    place = next(place for place in (0, 1) if use.value(place) is value or use.value(place) == value)
    return use.as_onnx(place)


def _recurrent(kind: str, gates: int) -> Rule:
    """Return the rule of recurrence: (steps, batch, features) in, (steps, directions, batch, units) out."""

    def rule(use: Use) -> Sequence[Value]:
        weights, bias = _weights(use, 1), use.held(3)
        ways, features = weights.shape[0], weights.shape[2]
        units = weights.shape[1] // gates
        source = use.as_onnx(0)
        steps = elements(use.walk.builder.shapes[source.place]) // features
        owner = use.spend(weights, use.held(2), bias)
        options = {"units": units, "bias": bias is not None, "biases": 2, "sequences": True, "bidirectional": ways == 2}
        run = use.add(kind, (use.reshaped(source, (steps, features)),), is_map=False, owner=owner, **options)
        last = use.add("take", (run,), is_map=False, place=-1)
        shapes = (use.output(0) or (steps, ways, 1, units), (ways, 1, units))
        return [use.reshaped(run, shapes[0]), *[use.reshaped(last, shapes[1])] * 2]

    return rule


def _identity(use: Use) -> Sequence[Value]:
    return [use.computed()[0]]


_ACTIVATIONS = {
    "Relu": "relu",
    "LeakyRelu": "leakyrelu",
    "Elu": "elu",
    "Selu": "selu",
    "Celu": "celu",
    "Gelu": "gelu",
    "Sigmoid": "sigmoid",
    "Tanh": "tanh",
    "HardSigmoid": "hardsigmoid",
    "HardSwish": "hardswish",
    "Mish": "mish",
    "Softplus": "softplus",
    "Softsign": "softsign",
    "Softmax": "softmax",
    "LogSoftmax": "logsoftmax",
    "Exp": "exponential",
}
_UNARY = ("Erf", "Sqrt", "Pow", "Neg", "Abs", "Reciprocal", "Log", "Floor", "Ceil", "Sin", "Cos", "Round", "Sign")
"""Mathematics of one operation an element, counted as a product would be."""

RULES: dict[str, Rule] = {
    **onnx_moves.RULES,
    **{word: _pointwise(kind) for word, kind in _ACTIVATIONS.items()},
    **dict.fromkeys(_UNARY, _join("multiply")),
    "Add": _join("add"),
    "Sub": _join("subtract"),
    "Mul": _join("multiply"),
    "Div": _join("multiply"),
    "Sum": _join("add"),
    "Max": _join("maximum"),
    "Min": _join("minimum"),
    **dict.fromkeys(("Conv", "ConvTranspose"), _conv),
    "Gemm": _gemm,
    "MatMul": _matmul,
    "BatchNormalization": _batch_norm,
    "PRelu": _prelu,
    "Clip": _pointwise("hardtanh"),
    "InstanceNormalization": _norm("instancenorm"),
    "GroupNormalization": _norm("groupnorm"),
    **dict.fromkeys(("LayerNormalization", "RMSNormalization"), _layer_norm),
    "LRN": _local_response,
    **dict.fromkeys(("MaxPool", "AveragePool"), _pool),
    "GlobalAveragePool": _global("globalpool"),
    "GlobalMaxPool": _global("globalmaxpool"),
    **dict.fromkeys(("Dropout", "Identity", "Cast", "QuantizeLinear", "DequantizeLinear"), _identity),
    "LSTM": _recurrent("lstm", 4),
    "GRU": _recurrent("gru", 3),
    "RNN": _recurrent("rnn", 1),
}
