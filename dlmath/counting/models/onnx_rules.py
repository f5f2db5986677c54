"""What each ONNX operator becomes in the layer registry's words: layers with weights, norms, pooling, joins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dlmath.counting.engine.open_sizes import OPEN, UNRANKED
from dlmath.counting.engine.shapes import elements
from dlmath.counting.models import onnx_attention, onnx_moves
from dlmath.counting.models.onnx_use import Held

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dlmath.counting.models.onnx_use import Computed, NodeUse

    Rule = Callable[[NodeUse], Sequence[Computed]]

SUFFIX = {1: "1d", 2: "", 3: "3d"}
NOWHERE = 99
"""The place of an input that an operator does not have."""
AUTO_PAD = {"SAME_UPPER": "same", "SAME_LOWER": "same-lower", "VALID": "valid"}


def _window(use: NodeUse, rank: int) -> dict[str, Any]:
    """Return kernel, stride, padding and dilation of an operator that slides."""
    attributes = use.attributes
    options = {"stride": attributes.get("strides", (1,) * rank), "dilation": attributes.get("dilations", (1,) * rank)}
    auto = attributes.get("auto_pad", "NOTSET")
    pads = attributes.get("pads", (0,) * 2 * rank)
    return {**options, "pad": AUTO_PAD[auto] if auto in AUTO_PAD else tuple(zip(pads[:rank], pads[rank:], strict=True))}


def _weights(use: NodeUse, place: int) -> Held:
    """Return weights, held or computed: what is computed is nobody's parameter, its shape counts all the same."""
    held = use.held(place)
    shape = use.whole(place) if held is None else held.shape
    if shape is None or shape is UNRANKED:
        raise ValueError("the shape of its weights is not known")
    return held or Held(f"{use.name} {place}", shape, floats=True)


def _conv(weights_at: int, bias_at: int, *, transposed: bool = False) -> Rule:
    """Return the rule of a convolution whose weights and biases stand at these inputs."""

    def rule(use: NodeUse) -> Sequence[Computed]:
        weights, bias = _weights(use, weights_at), use.held(bias_at)
        rank, groups = len(weights.shape) - 2, use.attributes.get("group", 1)
        options = {**_window(use, rank), "kernel": weights.shape[2:], "groups": groups}
        options["out"] = weights.shape[1] * groups if transposed else weights.shape[0]
        channels = weights.shape[0] if transposed else weights.shape[1] * groups
        if transposed:
            options["extra"] = use.attributes.get("output_padding", (0,))
        options["bias"] = "no" if not use.input_name(bias_at) else "yes"
        shares, held = use.owner(weights), (use.claim(weights), use.claim(bias), 0)
        source = use.as_map(use.first(), rank, channels)
        kind = f"{'transposed' if transposed else 'conv'}{SUFFIX[rank]}"
        return [use.add(kind, (source,), is_map=True, held=held, shares=shares, **options)]

    return rule


def _dense(use: NodeUse, weights: Held, out: int, bias: Held | None, *, biased: bool) -> Sequence[Computed]:
    fan_in = elements(weights.shape) // out
    shares, held = use.owner(weights), (use.claim(weights), use.claim(bias), 0)
    source = use.assumed(use.as_onnx(use.first_place()), (OPEN, fan_in))
    return [use.add("dense", (source,), is_map=False, held=held, shares=shares, out=out, bias=biased, over="last")]


def _gemm(use: NodeUse) -> Sequence[Computed]:
    weights = use.held(1)
    if weights is None or use.value(0) is None:
        return _computed_gemm(use)
    out = weights.shape[0] if use.attributes.get("transB") else weights.shape[1]
    return _dense(use, weights, out, use.held(2), biased=bool(use.input_name(2)))


def _computed_gemm(use: NodeUse) -> Sequence[Computed]:
    """Return a product of two matrices that are computed, or of which the first is held."""
    (left, right), transposed = (use.whole(0), use.whole(1)), use.attributes.get("transA")
    fresh = use.claim(*(use.held(place) for place in range(3)))
    inner = None if left is None else left[0 if transposed else -1]
    outer = None if left is None else left[-1 if transposed else 0]
    macs = None if inner is None or outer is None or right is None else outer * elements(right)
    return [use.by_hand(use.computed(), use.output(), macs, fresh)]


def _matmul(left_at: int = 0, right_at: int = 1) -> Rule:
    """Return the rule of a product of two tensors at these inputs; with held weights it is a dense layer."""

    def rule(use: NodeUse) -> Sequence[Computed]:
        weights = use.held(right_at)
        if weights is not None and len(weights.shape) == 2 and use.value(left_at) is not None:
            return _dense(use, weights, weights.shape[1], None, biased=False)
        sides = [
            use.as_onnx(place) if use.value(place) else use.parameter(_weights(use, place))
            for place in (left_at, right_at)
        ]
        vector = any(len(shape) == 1 for place in (left_at, right_at) if (shape := use.whole(place)) is not None)
        if vector or use.attributes.get("transA") or use.attributes.get("transB"):
            return _by_output(use, sides)
        return [use.add("matmul", sides, is_map=False)]

    return rule


def _by_output(use: NodeUse, sides: Sequence[Computed]) -> Sequence[Computed]:
    """Return a product whose factors stand otherwise than in rows and columns: output elements x inner size."""
    left, output = use.whole(0), use.reading.whole(use.node.output[0])
    if left is None or output is None:
        return [use.by_hand(sides, use.output(), None)]
    inner = left[-2 if use.attributes.get("transA") and len(left) > 1 else -1]
    return [use.by_hand(sides, use.output(), elements(output) * inner)]


def _batch_norm(use: NodeUse) -> Sequence[Computed]:
    scale, shift, mean, variance = (use.held(place) for place in (1, 2, 3, 4))
    held = use.claim(scale), use.claim(shift), use.claim(mean, variance)
    source = use.as_map(use.first()) if use.shape_of(use.first()) is not UNRANKED else use.first()
    options: dict[str, Any] = {"scale": scale is not None, "center": shift is not None, "statistics": mean is not None}
    return [use.add("batchnorm", (source,), is_map=source.is_map, held=held, **options)]


def _norm(kind: str) -> Rule:
    """Return the rule of a norm over channels whose scale and shift are held."""

    def rule(use: NodeUse) -> Sequence[Computed]:
        options: dict[str, Any] = {"scale": use.held(1) is not None, "center": use.held(2) is not None}
        if kind == "groupnorm":
            options["groups"] = use.attributes.get("num_groups") or use.attributes["groups"]
        held = use.claim(use.held(1)), use.claim(use.held(2)), 0
        return [use.add(kind, (use.as_map(use.first()),), is_map=True, held=held, **options)]

    return rule


def _layer_norm(use: NodeUse) -> Sequence[Computed]:
    scale, shift = use.held(1), use.held(2)
    source, held = use.as_onnx(0), (use.claim(scale), use.claim(shift), 0)
    if use.kind in {"RMSNormalization", "SimplifiedLayerNormalization"}:
        return [use.add("rmsnorm", (source,), is_map=False, held=held, scale=scale is not None)]
    axes = len(scale.shape) if scale is not None else 1
    options: dict[str, Any] = {"axes": axes, "scale": scale is not None, "center": shift is not None}
    return [use.add("layernorm", (source,), is_map=False, held=held, **options)]


def _skip_norm(use: NodeUse) -> Sequence[Computed]:
    """Return the norm of a sum of two (and of a bias), and the sum itself as the last output."""
    simple = use.kind.startswith("SkipSimplified")
    scale, shift = use.held(2), None if simple else use.held(3)
    added = use.held(3 if simple else 4)
    total = use.add("add", (use.as_onnx(0), use.as_onnx(1)), is_map=False, held=(0, use.claim(added), 0))
    held = use.claim(scale), use.claim(shift), 0
    options: dict[str, Any] = {"scale": scale is not None}
    if not simple:
        options["center"] = shift is not None
    made = use.add("rmsnorm" if simple else "layernorm", (total,), is_map=False, held=held, **options)
    return [made, made, made, total]


def _local_response(use: NodeUse) -> Sequence[Computed]:
    return [use.add("lrn", (use.as_map(use.first()),), is_map=True, size=use.attributes["size"])]


def _pool(use: NodeUse) -> Sequence[Computed]:
    kernel = use.attributes["kernel_shape"]
    rank, mean = len(kernel), use.kind == "AveragePool"
    options = {**_window(use, rank), "kernel": kernel, "ceil": bool(use.attributes.get("ceil_mode", 0))}
    if mean:
        del options["dilation"]
    kind = f"{'avgpool' if mean else 'maxpool'}{SUFFIX[rank]}"
    return [use.add(kind, (use.as_map(use.first(), rank),), is_map=True, **options)]


def _global(kind: str) -> Rule:
    return lambda use: [use.add(kind, (use.as_map(use.first()),), is_map=True, keep=True)]


def _pointwise(kind: str) -> Rule:
    """Return the rule of an activation: the layout stays. A bias that is fused with it is held with it."""

    def rule(use: NodeUse) -> Sequence[Computed]:
        source = use.first()
        held = (0, use.claim(*(use.held(place) for place in (1,) if "Gelu" in use.kind)), 0)
        return [use.add(kind, (source,), is_map=source.is_map, held=held)]

    return rule


def _prelu(use: NodeUse) -> Sequence[Computed]:
    source, slopes = use.first(), use.held(1)
    size = elements(slopes.shape) if slopes is not None else 0
    if slopes is not None and slopes.shape[-1:] == (1,) and size > 1:
        source = use.as_map(source)  # slopes (C, 1, 1) are one a channel
    shape = use.shape_of(source)
    per = "layer" if size == 1 else "channel" if size == shape[-1] else "element"
    shares, held = use.owner(slopes), (use.claim(slopes), 0, 0)
    return [use.add("prelu", (source,), is_map=source.is_map, held=held, shares=shares, per=per)]


def _join(kind: str) -> Rule:
    """Return the rule of an operator on two tensors; with a number it costs one operation an element."""

    def rule(use: NodeUse) -> Sequence[Computed]:
        values = use.computed()
        tensors = [use.held(place) for place in range(len(use.node.input))]
        held = [one for one in tensors if one is not None and use.reading.is_parameter(one)]
        if len(values) == 1 and _is_bias(use, kind, values[0], tensors):
            return _with_bias(use, values[0])
        if len(values) == 1 and held:
            source = use.as_onnx(use.first_place())
            return [use.add(kind, (source, *(use.parameter(one) for one in held)), is_map=False)]
        if len(values) == 1:
            values = values * 2
        if len({value.is_map for value in values}) > 1:
            values = [use.as_onnx(place) for place in range(len(use.node.input)) if use.value(place)]
        fresh = use.claim(*held)
        return [use.add(kind, values, is_map=values[0].is_map, held=(fresh, 0, 0))]

    return rule


def _is_bias(use: NodeUse, kind: str, value: Computed, tensors: Sequence[Held | None]) -> bool:
    """Return whether an addition is that of the biases of the dense layer before it, which nothing else reads."""
    node = use.node_of(value)
    held = [one for one in tensors if one is not None]
    return (
        (kind, node.kind, node.options.get("bias"), node.shares) == ("add", "dense", False, None)
        and len(held) == 1
        and held[0].floats
        and bool(held[0].sources)
        and held[0].shape == (node.options["out"],)
        and use.owner(held[0]) is None
        and all(use.reading.uses[name] == 1 for name in use.node.input if name in use.reading.values)
    )


def _with_bias(use: NodeUse, value: Computed) -> Sequence[Computed]:
    """Give the dense layer before an addition its biases."""
    node, nodes = use.node_of(value), use.reading.builder.nodes
    bias = next(one for place in range(2) if (one := use.held(place)) is not None)
    weights = node.held[0] if node.held is not None else 0
    options = {**node.options, "bias": True}
    nodes[value.place] = node._replace(options=options, held=(weights, use.claim(bias), 0))
    return [value]


def _recurrent(kind: str, gates: int, *, turned: bool = False) -> Rule:
    """Return the rule of recurrence: (steps, batch, features) in, (steps, directions, batch, units) out.

    `turned` weights have the gates last, as the quantised LSTM has them.
    """

    def rule(use: NodeUse) -> Sequence[Computed]:
        weights, bias = _weights(use, 1), use.held(3)
        ways = weights.shape[0]
        features, width = (weights.shape[1:] if turned else weights.shape[:0:-1])[:2]
        units = width // gates
        source = use.assumed(use.as_onnx(0), (OPEN, features))
        steps = elements(use.shape_of(source)) // features
        shares = use.owner(weights)
        held = (use.claim(weights, use.held(2), use.held(7)), use.claim(bias), 0)
        options = {"units": units, "bias": bias is not None, "biases": 2, "sequences": True, "bidirectional": ways == 2}
        sequence = use.reshaped(source, (steps, features))
        run = use.add(kind, (sequence,), is_map=False, held=held, shares=shares, **options)
        last = use.add("take", (run,), is_map=False, place=-1)
        shapes = (use.output(0) if use.node.output[0] else None) or (steps, ways, 1, units), (ways, 1, units)
        return [use.reshaped(run, shapes[0]), *[use.reshaped(last, shapes[1])] * 2]

    return rule


def _identity(use: NodeUse) -> Sequence[Computed]:
    return [use.first()]


def _packed(use: NodeUse) -> Sequence[Computed]:
    """Return a dense layer whose weights are packed, several in a byte: as many as its attributes say."""
    out, fan_in = use.attributes["N"], use.attributes["K"]
    tensors = [use.held(place) for place in range(1, len(use.node.input))]
    fresh = use.claim(*tensors) > 0
    source = use.assumed(use.as_onnx(0), (OPEN, fan_in))
    held = (out * fan_in if fresh else 0, 0, 0)
    return [use.add("dense", (source,), is_map=False, held=held, out=out, bias=False, over="last")]


_ACTIVATIONS = {
    "Relu": "relu",
    "LeakyRelu": "leakyrelu",
    "ThresholdedRelu": "relu",
    "Elu": "elu",
    "Selu": "selu",
    "Celu": "celu",
    "Gelu": "gelu",
    "FastGelu": "gelu",
    "BiasGelu": "gelu",
    "QuickGelu": "gelu",
    "Swish": "silu",
    "Sigmoid": "sigmoid",
    "Tanh": "tanh",
    "HardSigmoid": "hardsigmoid",
    "HardSwish": "hardswish",
    "Mish": "mish",
    "Softplus": "softplus",
    "Softsign": "softsign",
    "Softmax": "softmax",
    "Hardmax": "softmax",
    "LogSoftmax": "logsoftmax",
    "Exp": "exponential",
    "Clip": "hardtanh",
    "Shrink": "hardtanh",
}
_UNARY = (
    *("Erf", "Sqrt", "Pow", "Neg", "Abs", "Reciprocal", "Log", "Floor", "Ceil", "Sin", "Cos", "Tan", "Round", "Sign"),
    *("Asin", "Acos", "Atan", "Sinh", "Cosh", "Asinh", "Acosh", "Atanh"),
)
"""Mathematics of one operation an element, counted as a product would be."""

RULES: dict[str, Rule] = {
    **onnx_moves.RULES,
    **onnx_attention.RULES,
    **{word: _pointwise(kind) for word, kind in _ACTIVATIONS.items()},
    **dict.fromkeys(_UNARY, _join("multiply")),
    "Add": _join("add"),
    "Sub": _join("subtract"),
    "Mul": _join("multiply"),
    "Div": _join("multiply"),
    "Mod": _join("multiply"),
    "Sum": _join("add"),
    "Mean": _join("average"),
    "Max": _join("maximum"),
    "Min": _join("minimum"),
    **dict.fromkeys(("Conv", "FusedConv"), _conv(1, 2)),
    "ConvInteger": _conv(1, NOWHERE),
    "ConvTranspose": _conv(1, 2, transposed=True),
    "QLinearConv": _conv(3, 8),
    "DeformConv": _conv(1, 3),
    **dict.fromkeys(("Gemm", "FusedGemm"), _gemm),
    **dict.fromkeys(
        ("MatMul", "FusedMatMul", "MatMulInteger", "MatMulIntegerToFloat", "DynamicQuantizeMatMul"), _matmul()
    ),
    "QLinearMatMul": _matmul(0, 3),
    "MatMulNBits": _packed,
    "BatchNormalization": _batch_norm,
    "PRelu": _prelu,
    "InstanceNormalization": _norm("instancenorm"),
    **dict.fromkeys(("GroupNormalization", "GroupNorm"), _norm("groupnorm")),
    **dict.fromkeys(("LayerNormalization", "RMSNormalization", "SimplifiedLayerNormalization"), _layer_norm),
    **dict.fromkeys(("SkipLayerNormalization", "SkipSimplifiedLayerNormalization"), _skip_norm),
    "LRN": _local_response,
    **dict.fromkeys(("MaxPool", "AveragePool", "LpPool"), _pool),
    **dict.fromkeys(("GlobalAveragePool", "GlobalLpPool"), _global("globalpool")),
    "GlobalMaxPool": _global("globalmaxpool"),
    **dict.fromkeys(("Dropout", "Identity", "Cast", "CastLike", "QuantizeLinear", "DequantizeLinear"), _identity),
    "DynamicQuantizeLinear": _identity,
    "LSTM": _recurrent("lstm", 4),
    "DynamicQuantizeLSTM": _recurrent("lstm", 4, turned=True),
    "GRU": _recurrent("gru", 3),
    "RNN": _recurrent("rnn", 1),
}
"""One rule an operator, of ONNX' own domain and of ONNX Runtime's (com.microsoft)."""
