"""The one registry of what can be trained: the parameters of each kind of step, and how it is built."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from dlmath.images.engine import joins, pooling
from dlmath.images.engine.convolution import Convolution
from dlmath.images.engine.dense import Dense, Flatten
from dlmath.images.engine.normalisation import Normalise
from dlmath.images.engine.pointwise import ActivationLayer, Bias, Dropout, Relu, ReluSix, Scale

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from dlmath.counting.engine.graph import Shape
    from dlmath.images.engine.op import Op, Site

    Declared = Callable[[Mapping[str, Any], tuple[Shape, ...]], tuple["Parameter", ...]]


class Parameter(NamedTuple):
    """One tensor of parameters of a kind of step.

    Attributes
    ----------
    role : str
        `weight` and `bias`; of a normalisation `scale` and `shift`; `mean` and `variance` that no gradient changes.
    shape : tuple of int
        Canonical: kernels (kh, kw, in, out), dense (in, out), one number a channel (channels,).
    axes : tuple of int
        How the canonical axes are ordered in the step's own layout.
    inner : tuple of int
        The shape of that layout.
    fans : (int, int)
        Inputs that one output sums, and outputs that one input feeds: what initialisers go by.
    start : float
        Where no initialiser is asked: 0, or 1 for a scale.
    """

    role: str
    shape: tuple[int, ...]
    axes: tuple[int, ...]
    inner: tuple[int, ...]
    fans: tuple[int, int] = (1, 1)
    start: float = 0.0


class Trainable(NamedTuple):
    """A kind of step.

    Attributes
    ----------
    build : callable (Site) -> Op
    parameters : callable (options, input shapes) -> tuple of Parameter
    in_place : bool
        It may write its output over its input.
    keeps_output : bool
        The way back needs its output, which must then not be written over.
    """

    build: Callable[[Site], Op]
    parameters: Declared = lambda _options, _shapes: ()
    in_place: bool = False
    keeps_output: bool = False


def _pair(values: tuple[int, ...]) -> tuple[int, int]:
    return (values[0], values[-1])


def _conv(options: Mapping[str, Any], shapes: tuple[Shape, ...]) -> tuple[Parameter, ...]:
    (height, width), groups, out = _pair(options["kernel"]), options["groups"], options["out"]
    inputs = shapes[0][-1] // groups
    fans = height * width * inputs, height * width * (out // groups)
    return (Parameter("weight", (height, width, inputs, out), (3, 0, 2, 1), (out, height, inputs, width), fans),)


def _depthwise(options: Mapping[str, Any], shapes: tuple[Shape, ...]) -> tuple[Parameter, ...]:
    (height, width), channels, multiplier = _pair(options["kernel"]), shapes[0][-1], options["multiplier"]
    inner = channels * multiplier, height, 1, width
    fans = height * width, height * width * multiplier
    return (Parameter("weight", (height, width, channels, multiplier), (2, 3, 0, 1), inner, fans),)


def _dense(options: Mapping[str, Any], shapes: tuple[Shape, ...]) -> tuple[Parameter, ...]:
    fans = shapes[0][-1], options["out"]
    return (Parameter("weight", fans, (1, 0), fans[::-1], fans),)


def _vector(role: str, size: int, start: float = 0.0) -> Parameter:
    return Parameter(role, (size,), (0,), (size,), start=start)


def _bias(_options: Mapping[str, Any], shapes: tuple[Shape, ...]) -> tuple[Parameter, ...]:
    return (_vector("bias", shapes[0][-1]),)


def _scale(_options: Mapping[str, Any], shapes: tuple[Shape, ...]) -> tuple[Parameter, ...]:
    return (_vector("scale", shapes[0][-1], 1.0),)


def _norm(options: Mapping[str, Any], shapes: tuple[Shape, ...]) -> tuple[Parameter, ...]:
    held = shapes[0][-options.get("axes", 1) :]
    axes = tuple(range(len(held)))
    asked = (("scale", 1.0, options["scale"]), ("shift", 0.0, options["center"]))
    return tuple(Parameter(role, held, axes, held, start=start) for role, start, wanted in asked if wanted)


def _batch_norm(options: Mapping[str, Any], shapes: tuple[Shape, ...]) -> tuple[Parameter, ...]:
    size = shapes[0][-1]
    return (*_norm(options, shapes), _vector("mean", size), _vector("variance", size, 1.0))


def _convolution(site: Site) -> Op:
    return Convolution(site, site.options["groups"])


def _depthwise_convolution(site: Site) -> Op:
    return Convolution(site, site.shapes[0][-1])


def _activation(site: Site) -> Op:
    return Relu(site) if site.options["name"] == "relu" else ActivationLayer(site)


def _whole_dropout(site: Site) -> Op:
    return Dropout(site, whole=True)


TRAINABLE: dict[str, Trainable] = {
    "conv": Trainable(_convolution, _conv),
    "depthwise": Trainable(_depthwise_convolution, _depthwise),
    "dense": Trainable(Dense, _dense),
    "bias": Trainable(Bias, _bias, in_place=True),
    "scale": Trainable(Scale, _scale),
    "activation": Trainable(_activation, in_place=True, keeps_output=True),
    "relu6": Trainable(ReluSix, in_place=True, keeps_output=True),
    "dropout": Trainable(Dropout, in_place=True),
    "stochasticdepth": Trainable(_whole_dropout, in_place=True),
    "flatten": Trainable(Flatten),
    "maxpool": Trainable(pooling.max_pool, keeps_output=True),
    "avgpool": Trainable(pooling.AveragePool),
    "adaptivepool": Trainable(pooling.AdaptivePool),
    "adaptivemaxpool": Trainable(pooling.AdaptivePool, keeps_output=True),
    "globalmaxpool": Trainable(pooling.GlobalMaximum, keeps_output=True),
    "globalpool": Trainable(pooling.GlobalAverage),
    "batchnorm": Trainable(Normalise, _batch_norm),
    "layernorm": Trainable(Normalise, _norm),
    "groupnorm": Trainable(Normalise, _norm),
    "instancenorm": Trainable(Normalise, _norm),
    "add": Trainable(joins.Add),
    "multiply": Trainable(joins.Multiply),
    "average": Trainable(joins.Average),
    "concat": Trainable(joins.Concatenate),
    "zeropad": Trainable(joins.grow),
    "crop": Trainable(joins.grow),
    "padchannels": Trainable(joins.pad_channels),
}
"""Every kind of step, by name."""
