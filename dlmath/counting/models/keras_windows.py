"""Keras layers with windows and weights: convolutions, dense, pooling, padding."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dlmath.counting.engine.shapes import elements
from dlmath.counting.models.keras_plan import KerasPlan, KerasStep, activated, one, opaque

if TYPE_CHECKING:
    from collections.abc import Callable

    from dlmath.counting.models.keras_plan import KerasCall

    Rule = Callable[[KerasCall], KerasPlan]

SUFFIX = {1: "1d", 2: "", 3: "3d"}
"""How the registry names a layer of so many axes."""


def _sliding(call: KerasCall) -> dict[str, Any]:
    """Return the options that every convolution has."""
    config = call.config
    return {
        "kernel": config["kernel_size"],
        "stride": config["strides"],
        "pad": config["padding"],
        "dilation": config.get("dilation_rate", 1),
        "bias": "yes" if config["use_bias"] else "no",
    }


def _conv(rank: int) -> Rule:
    def rule(call: KerasCall) -> KerasPlan:
        options = _sliding(call)
        groups = call.config.get("groups", 1)
        return activated(call, one(f"conv{SUFFIX[rank]}", out=call.config["filters"], groups=groups, **options))

    return rule


def _depthwise(call: KerasCall) -> KerasPlan:
    return activated(call, one("depthwise", multiplier=call.config["depth_multiplier"], **_sliding(call)))


def _depthwise1d(call: KerasCall) -> KerasPlan:
    """Return a convolution with one group a channel."""
    return activated(call, one("conv1d", None, **_by_channel(call), **_sliding(call)))


def _by_channel(call: KerasCall) -> dict[str, int]:
    channels = call.shape[-1]
    return {"groups": channels, "out": channels * call.config["depth_multiplier"]}


def _separable(call: KerasCall) -> KerasPlan:
    multiplier = call.config["depth_multiplier"]
    return activated(call, one("separable", out=call.config["filters"], multiplier=multiplier, **_sliding(call)))


def _separable1d(call: KerasCall) -> KerasPlan:
    """Return the two convolutions it consists of; only the second has biases."""
    options = _sliding(call)
    steps = (
        KerasStep("conv1d", {**options, **_by_channel(call), "bias": "no"}),
        KerasStep("conv1d", {"kernel": 1, "out": call.config["filters"], "bias": options["bias"]}),
    )
    return activated(call, KerasPlan(steps))


def _transposed(rank: int) -> Rule:
    def rule(call: KerasCall) -> KerasPlan:
        options, extra = _sliding(call), call.config.get("output_padding")
        if extra is not None:
            options.update(_explicit(options, [extra] * rank if isinstance(extra, int) else extra))
        return activated(call, one(f"transposed{SUFFIX[rank]}", out=call.config["filters"], **options))

    return rule


def _explicit(options: dict[str, Any], extra: list[int]) -> dict[str, Any]:
    """Return the padding Keras means when `output_padding` is given: half the dilated kernel for `same`."""
    dilations = options["dilation"] if isinstance(options["dilation"], (list, tuple)) else [options["dilation"]] * 9
    extents = [by * (size - 1) + 1 for size, by in zip(options["kernel"], dilations, strict=False)]
    pads = tuple((extent // 2,) * 2 if options["pad"] == "same" else (0, 0) for extent in extents)
    return {"pad": pads, "extra": extra}


def _local(rank: int) -> Rule:
    def rule(call: KerasCall) -> KerasPlan:
        options = {**_sliding(call), "bias": "position" if call.config["use_bias"] else "no"}
        return activated(call, one(f"local{SUFFIX[rank]}", out=call.config["filters"], **options))

    return rule


def _dense(call: KerasCall) -> KerasPlan:
    return activated(call, one("dense", out=call.config["units"], bias=call.config["use_bias"], over="last"))


def einsum_dense(call: KerasCall) -> KerasPlan:
    """Return the dense layer an einsum is, where it multiplies the trailing axes of its input: `abc,cde->abde`."""
    terms = call.config["equation"].replace(" ", "").replace("...", "").split("->")
    (source, weights), made = terms[0].split(","), terms[1]
    batch = source[: len(source) - sum(letter in weights for letter in source)]
    inner, outer = source[len(batch) :], made[len(batch) :]
    if not made.startswith(batch) or weights not in (inner + outer, outer + inner) or not inner or not outer:
        return _general_einsum(call, source, weights, made)
    kept = call.shape[: call.rank - len(inner)]
    sizes = tuple(call.config["output_shape"])[-len(outer) :]
    biased = call.config.get("bias_axes")
    if biased and set(biased) != set(outer):
        return _general_einsum(call, source, weights, made)
    steps = (
        KerasStep("reshape", {"shape": (*kept, elements(call.shape[len(kept) :]))}),
        KerasStep("dense", {"out": elements(sizes), "bias": bool(biased), "over": "last"}),
        KerasStep("reshape", {"shape": (*kept, *sizes)}),
    )
    return activated(call, KerasPlan(steps))


def _general_einsum(call: KerasCall, source: str, weights: str, made: str) -> KerasPlan:
    """Return any other product with weights: each combination of its letters is one multiply-accumulate."""
    sizes = dict(zip(source, (1, *call.shape), strict=True))
    output = call.config["output_shape"]
    output = tuple(output) if isinstance(output, (list, tuple)) else (output,)
    told = dict(zip(made[::-1], output[::-1], strict=False))
    sizes |= {letter: size for letter, size in told.items() if size is not None and letter not in sizes}
    if any(letter not in sizes for letter in {*source, *weights, *made}):
        return opaque(call)
    bias = elements(tuple(sizes[letter] for letter in call.config.get("bias_axes") or ""))
    held = elements(tuple(sizes[letter] for letter in weights)) + (bias if call.config.get("bias_axes") else 0)
    macs = elements(tuple(sizes[letter] for letter in {*source, *weights}))
    shape = tuple(sizes[letter] for letter in made[1:])
    return activated(call, one("opaque", label=call.kind, shape=shape, params=held, macs=macs))


def _pool(kind: str, rank: int) -> Rule:
    def rule(call: KerasCall) -> KerasPlan:
        config = call.config
        options = {"kernel": config["pool_size"], "stride": config["strides"], "pad": config["padding"]}
        return one(f"{kind}{SUFFIX[rank]}", **options)

    return rule


def _global(kind: str) -> Rule:
    return lambda call: one(kind, keep=call.config.get("keepdims", False))


def _adaptive(kind: str) -> Rule:
    return lambda call: one(kind, size=call.config["output_size"])


def _padded(kind: str, key: str) -> Rule:
    """Return the rule of padding and cropping: one pair in 1 dimension, a pair an axis in more."""

    def rule(call: KerasCall) -> KerasPlan:
        pads = call.config[key]
        pairs = pads if isinstance(pads[0], (list, tuple)) else [pads]
        return one(kind, pad=tuple(tuple(pair) for pair in pairs))

    return rule


def _upsampled(call: KerasCall) -> KerasPlan:
    factor = call.config["size"]
    return one("upsample", factor=factor, mode=call.config.get("interpolation", "nearest"))


def _resizing(call: KerasCall) -> KerasPlan:
    mode = call.config.get("interpolation", "bilinear")
    return one("resize", size=(call.config["height"], call.config["width"]), mode=mode)


def _center_crop(call: KerasCall) -> KerasPlan:
    sizes = (call.config["height"], call.config["width"])
    spare = [old - new for old, new in zip(call.shape, sizes, strict=False)]
    return one("crop", pad=tuple((gap // 2, gap - gap // 2) for gap in spare))


RULES: dict[str, Rule] = {
    "Dense": _dense,
    "EinsumDense": einsum_dense,
    "DepthwiseConv1D": _depthwise1d,
    "DepthwiseConv2D": _depthwise,
    "SeparableConv1D": _separable1d,
    "SeparableConv2D": _separable,
    "Resizing": _resizing,
    "CenterCrop": _center_crop,
    **{f"LocallyConnected{rank}D": _local(rank) for rank in (1, 2)},
    **{f"Conv{rank}D": _conv(rank) for rank in (1, 2, 3)},
    **{f"Conv{rank}DTranspose": _transposed(rank) for rank in (1, 2, 3)},
    **{f"MaxPooling{rank}D": _pool("maxpool", rank) for rank in (1, 2, 3)},
    **{f"AveragePooling{rank}D": _pool("avgpool", rank) for rank in (1, 2, 3)},
    **{f"GlobalMaxPooling{rank}D": _global("globalmaxpool") for rank in (1, 2, 3)},
    **{f"GlobalAveragePooling{rank}D": _global("globalpool") for rank in (1, 2, 3)},
    **{f"AdaptiveAveragePooling{rank}D": _adaptive("adaptivepool") for rank in (1, 2, 3)},
    **{f"AdaptiveMaxPooling{rank}D": _adaptive("adaptivemaxpool") for rank in (1, 2, 3)},
    **{f"ZeroPadding{rank}D": _padded("zeropad", "padding") for rank in (1, 2, 3)},
    **{f"Cropping{rank}D": _padded("crop", "cropping") for rank in (1, 2, 3)},
    **{f"UpSampling{rank}D": _upsampled for rank in (1, 2, 3)},
}
