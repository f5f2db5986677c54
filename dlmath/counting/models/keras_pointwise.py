"""Keras layers without windows: normalisation, activations, joins, reshapes, and what does nothing at inference."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dlmath.counting.engine.shapes import elements
from dlmath.counting.models.keras_plan import KerasPlan, KerasStep, activation_step, one, opaque, passed, turned
from dlmath.errors import UnreadableError

if TYPE_CHECKING:
    from collections.abc import Callable

    from dlmath.counting.models.keras_plan import KerasCall

    Rule = Callable[[KerasCall], KerasPlan]


def _trailing(call: KerasCall, axes: Any) -> int:
    """Return how many axes are named when they are the last ones.

    Raises
    ------
    UnreadableError
        For other axes.
    """
    named = _named_axes(call, axes)
    if named != list(range(call.rank + 1 - len(named), call.rank + 1)):
        raise UnreadableError(f"{call.kind} works along axis {axes}, which is not the last", "save it with axis=-1")
    return len(named)


def _named_axes(call: KerasCall, axes: Any) -> list[int]:
    """Return axes as Keras counts them, the batch being axis 0."""
    return sorted(axis % (call.rank + 1) for axis in (axes if isinstance(axes, (list, tuple)) else [axes]))


def _along(rule: Rule) -> Rule:
    """Return the rule of a norm that may work along one axis other than the last."""

    def run(call: KerasCall) -> KerasPlan:
        named = _named_axes(call, call.config["axis"])
        if len(named) == 1 and named[0] != call.rank:
            return turned(call, named[0] - 1, rule)
        return rule(call)

    return run


def _batch_norm(call: KerasCall) -> KerasPlan:
    _trailing(call, call.config["axis"])
    return one("batchnorm", scale=call.config["scale"], center=call.config["center"])


def _layer_norm(call: KerasCall) -> KerasPlan:
    axes = _trailing(call, call.config["axis"])
    if call.config.get("rms_scaling") and axes == 1:
        return one("rmsnorm", scale=True)
    return one("layernorm", axes=axes, scale=call.config["scale"], center=call.config["center"])


def _group_norm(call: KerasCall) -> KerasPlan:
    _trailing(call, call.config["axis"])
    groups = call.config["groups"]
    groups = call.shape[-1] if groups == -1 else groups
    return one("groupnorm", groups=groups, scale=call.config["scale"], center=call.config["center"])


def _rms_norm(call: KerasCall) -> KerasPlan:
    _trailing(call, call.config["axis"])
    return one("rmsnorm", scale=True)


def _normalization(call: KerasCall) -> KerasPlan:
    """Return the standardisation of inputs: adapted means and variances are kept beside a counter, given ones not."""
    config = call.config
    if config.get("mean") is not None:
        return one("batchnorm", scale=False, center=False, statistics=False)
    _trailing(call, config["axis"])
    counter = KerasStep("parameter", {"shape": (1,), "trains": False}, ())
    standard = KerasStep("batchnorm", {"scale": False, "center": False}, (-1,))
    return KerasPlan((counter, standard))


def _rescaling(call: KerasCall) -> KerasPlan:
    """Return x * scale + offset: an operation an element each, as a join of x with a constant."""
    product = KerasStep("multiply", {}, (-1, -1))
    return KerasPlan((product,) if call.config.get("offset", 0) == 0 else (product, KerasStep("add", {}, (0, 0))))


def _scaled_sum(call: KerasCall) -> KerasPlan:
    """Return Inception-ResNet's x + scale * branch."""
    del call
    return KerasPlan((KerasStep("multiply", {}, (-2, -2)), KerasStep("add", {}, (-1, 0))))


def _layer_scale(call: KerasCall) -> KerasPlan:
    """Return ConvNeXt's learned factor a channel (Liu et al. 2022)."""
    if call.shape[-1] != call.config["projection_dim"]:
        return opaque(call, call.config["projection_dim"])
    return one("scale", per="channel")


def _relu(call: KerasCall) -> KerasPlan:
    if call.config.get("negative_slope"):
        return one("leakyrelu")
    return one("relu6" if call.config.get("max_value") == 6 else "relu")


def _prelu(call: KerasCall) -> KerasPlan:
    """Return the learned slopes: one an element but for the axes that share them."""
    shared = call.config.get("shared_axes") or []
    held = [1 if axis in shared else size for axis, size in enumerate(call.shape, start=1)]
    for per, like in (("element", call.shape), ("channel", (1,) * (call.rank - 1) + call.shape[-1:])):
        if tuple(held) == like:
            return one("prelu", per=per)
    return one("opaque", label=call.kind, shape=call.shape, params=elements(tuple(held)), macs=0)


def _activation(call: KerasCall) -> KerasPlan:
    step = activation_step(call.config["activation"])
    return passed(call) if step is None else KerasPlan((step,))


def _join(kind: str) -> Rule:
    """Return the rule of a join; with a constant it costs one operation an element, as with a second branch."""
    return lambda call: one(kind, (-1, -1) if len(call.shapes) == 1 else None)


def _concatenate(call: KerasCall) -> KerasPlan:
    axis = call.config.get("axis", -1)
    if axis == 0:
        return opaque(call, 0)
    return one("concat", axis=axis - 1 if axis > 0 else axis)


def _dot(call: KerasCall) -> KerasPlan:
    """Return the product of two sequences along their last axes, or of two vectors."""
    axes = call.config["axes"]
    left, right = axes if isinstance(axes, (list, tuple)) else (axes, axes)
    ranks = [len(shape) for shape in call.shapes]
    if ranks == [1, 1]:
        rows = (KerasStep("reshape", {"shape": (1, -1)}, (-1,)), KerasStep("reshape", {"shape": (1, -1)}, (-2,)))
        product = KerasStep("matmul", {"transpose": "yes"}, (0, 1))
        return KerasPlan((*rows, product, KerasStep("reshape", {"shape": (1,)})))
    if ranks == [2, 2] and left % 3 == 2:
        return one("matmul", transpose="yes" if right % 3 == 2 else "no")
    return opaque(call, 0)


def _flatten(call: KerasCall) -> KerasPlan:
    del call
    return one("flatten")


def _reshape(call: KerasCall) -> KerasPlan:
    return one("reshape", shape=tuple(call.config["target_shape"]))


def _repeat(call: KerasCall) -> KerasPlan:
    """Return a vector as the only step of a sequence, and that step repeated."""
    steps = (KerasStep("reshape", {"shape": (1, *call.shape)}), KerasStep("upsample", {"factor": call.config["n"]}))
    return KerasPlan(steps)


def _embedding(call: KerasCall) -> KerasPlan:
    return one("embedding", words=call.config["input_dim"], out=call.config["output_dim"])


def _function(call: KerasCall) -> KerasStep:
    """Return a function of the user's: it holds nothing; what it computes and gives is not known."""
    return KerasStep("opaque", {"label": call.kind, "shape": call.output, "params": 0})


def _encoded(call: KerasCall) -> tuple[int, ...]:
    return (
        (*call.shape[:-1], call.config["num_tokens"])
        if call.config.get("output_mode") == "one_hot"
        else (call.config["num_tokens"],)
    )


def _random_crop(call: KerasCall) -> KerasPlan:
    return one("resize", size=(call.config["height"], call.config["width"]), mode="nearest")


def operation(call: KerasCall) -> KerasPlan:
    """Return the plan of a `keras.ops` function used as a layer: no parameters; its work where it is known."""
    joins = {"Add": "add", "Subtract": "subtract", "Multiply": "multiply", "Divide": "multiply"}
    joins |= {"TrueDivide": "multiply", "Maximum": "maximum", "Minimum": "minimum"}
    if call.kind in joins:
        return _join(joins[call.kind])(call)
    if call.kind in {"NotEqual", "Equal", "Cast", "StopGradient", "Identity"}:
        return passed(call)
    if call.kind == "Matmul" and len(call.shapes) == 2:
        return one("matmul")
    if call.kind in {"Reshape", "Squeeze", "ExpandDims"} and call.output:
        return one("reshape", shape=call.output)
    word = call.kind.lower()
    kinds = {name.replace("_", ""): kind for name, kind in ACTIVATION_WORDS.items()}
    return one(kinds[word]) if word in kinds else opaque(call, 0)


ACTIVATION_WORDS = {
    **{word: word for word in ("relu", "relu6", "elu", "selu", "gelu", "silu", "sigmoid", "tanh", "softmax")},
    **{word: word for word in ("softplus", "softsign")},
    "hard_silu": "hardswish",
    "hard_sigmoid": "hardsigmoid",
}

PASSING = (
    *("Dropout", "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D", "AlphaDropout", "GaussianDropout"),
    *("GaussianNoise", "ActivityRegularization", "StochasticDepth", "Masking", "Identity"),
    *("RandomFlip", "RandomRotation", "RandomZoom", "RandomTranslation", "RandomContrast", "RandomBrightness"),
)
"""At inference these return what they are given."""

RULES: dict[str, Rule] = {
    **dict.fromkeys(PASSING, passed),
    "BatchNormalization": _along(_batch_norm),
    "SyncBatchNormalization": _along(_batch_norm),
    "LayerNormalization": _along(_layer_norm),
    "GroupNormalization": _along(_group_norm),
    "RMSNormalization": _along(_rms_norm),
    "UnitNormalization": lambda _: one("l2norm", scale=False),
    "Normalization": _normalization,
    "Rescaling": _rescaling,
    "CustomScaleLayer": _scaled_sum,
    "LayerScale": _layer_scale,
    "Activation": _activation,
    "ReLU": _relu,
    "LeakyReLU": lambda _: one("leakyrelu"),
    "PReLU": _prelu,
    "ELU": lambda _: one("elu"),
    "Softmax": lambda _: one("softmax"),
    **{word: _join(word.lower()) for word in ("Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum")},
    "Concatenate": _concatenate,
    "Dot": _dot,
    "Flatten": _flatten,
    "Reshape": _reshape,
    "Permute": lambda call: one("permute", order=tuple(call.config["dims"])),
    "RepeatVector": _repeat,
    "Embedding": _embedding,
    "Lambda": lambda call: opaque(call)._replace(steps=(_function(call),)),
    "CategoryEncoding": lambda call: one("opaque", label=call.kind, shape=_encoded(call), params=0, macs=0),
    "RandomCrop": _random_crop,
}
