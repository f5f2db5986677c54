"""Normalisation: batch, layer, group, instance, root mean square, local response, length.

Operations: additions, multiplications, divisions and powers, one each. Batch normalisation at inference is one
multiplication and one addition an element, its running statistics being folded into its scale and shift; norms that
compute their statistics add 3 an element for the mean and variance, and 2 to apply them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlmath.counting.engine.options import LayerKind, Option, at_least, flag
from dlmath.counting.engine.shapes import shape_text
from dlmath.counting.engine.tally import TallyTerm, every, tally
from dlmath.errors import ShapeError

if TYPE_CHECKING:
    from collections.abc import Callable

    from dlmath.counting.engine.graph import Shape
    from dlmath.counting.engine.tally import Count, Options


def batch_norm(options: Options, shapes: tuple[Shape, ...]) -> Count:
    """Count a batch normalisation: scale and shift a channel; running mean and variance are buffers.

    `frozen` keeps scale and shift as buffers too (torchvision's FrozenBatchNorm2d).
    """
    (shape,) = shapes
    channels = shape[-1:]
    terms = list(_affine(options, channels, frozen=options["frozen"]))
    if options["statistics"]:
        terms.append(TallyTerm("buffers", ("mean and variance", "channels"), (2, *channels)))
    terms.append(every("norm_ops", shape, operations=2))
    return tally(shape, terms)


def _affine(options: Options, held: Shape, *, frozen: bool = False) -> tuple[TallyTerm, ...]:
    labels = ("channels",) * len(held)
    scale = TallyTerm("buffers" if frozen else "weights", labels, held)
    shift = TallyTerm("buffers" if frozen else "biases", labels, held)
    return (scale,) * int(options["scale"]) + (shift,) * int(options["center"])


def layer_norm(options: Options, shapes: tuple[Shape, ...]) -> Count:
    """Count a layer normalisation over the last `axes` axes: a scale and a shift for each of their elements."""
    (shape,) = shapes
    held = shape[-options["axes"] :]
    return _computed(options, shape, held)


def _computed(options: Options, shape: Shape, held: Shape) -> Count:
    work = 5 + options["scale"] + options["center"]
    terms = (*_affine(options, held), every("norm_ops", shape, operations=work))
    return tally(shape, terms)


def group_norm(options: Options, shapes: tuple[Shape, ...]) -> Count:
    """Count a group normalisation: a scale and a shift a channel."""
    (shape,) = shapes
    if shape[-1] % options["groups"]:
        raise ShapeError(
            f"groupnorm: {options['groups']} groups do not divide the {shape[-1]} channels of {shape_text(shape)}",
            "choose groups that divide the channels",
        )
    return _computed(options, shape, shape[-1:])


def instance_norm(options: Options, shapes: tuple[Shape, ...]) -> Count:
    """Count an instance normalisation: each channel of each example by itself."""
    return _computed(options, shapes[0], shapes[0][-1:])


def rms_norm(options: Options, shapes: tuple[Shape, ...]) -> Count:
    """Count a division by the root mean square: squares and sum (2), product with its inverse, and with a scale."""
    (shape,) = shapes
    terms = (
        *_affine({**options, "center": False}, shape[-1:]),
        every("norm_ops", shape, operations=3 + options["scale"]),
    )
    return tally(shape, terms)


def local_response(options: Options, shapes: tuple[Shape, ...]) -> Count:
    """Count x / (k + alpha * sum of n squares)^beta: n squares, n - 1 additions, and 4 operations an element."""
    (shape,) = shapes
    work = 2 * options["size"] + 3
    return tally(shape, (every("norm_ops", shape, operations=work),))


def _option(name: str, *, default: bool = True) -> Option:
    return Option(name, flag, default)


_AFFINE = (_option("scale"), _option("center"))


def _kind(
    count: Callable[[Options, tuple[Shape, ...]], Count],
    example: str,
    options: tuple[Option, ...],
    *head: str,
    over: str = "channels",
) -> LayerKind:
    return LayerKind(count, options, head, example=example, equation=_EQUATION.format(over=over))


_EQUATION = "y = scale (x - mean) / sqrt(variance + e) + shift, mean and variance over {over}"


KINDS = {
    "batchnorm": _kind(
        batch_norm,
        "batchnorm",
        (*_AFFINE, _option("statistics"), _option("frozen", default=False)),
        over="the batch in training; at inference kept ones, folded into scale and shift",
    ),
    "layernorm": _kind(layer_norm, "layernorm", (Option("axes", at_least(1), 1), *_AFFINE), over="the features"),
    "groupnorm": _kind(
        group_norm,
        "groupnorm:32",
        (Option("groups", at_least(1), 32), *_AFFINE),
        "groups",
        over="a group's channels and positions",
    ),
    "instancenorm": _kind(
        instance_norm, "instancenorm", (_option("scale", default=False), _option("center", default=False))
    ),
    "rmsnorm": LayerKind(
        rms_norm, (_option("scale"),), example="rmsnorm", equation="y = scale x / sqrt(mean of x^2 + e)"
    ),
    "l2norm": LayerKind(rms_norm, (_option("scale"),), example="l2norm", equation="y = scale x / |x|"),
    "lrn": LayerKind(
        local_response,
        (Option("size", at_least(1), 5),),
        ("size",),
        example="lrn:5",
        equation="y = x / (k + a sum of squares of {size} channels)^b",
    ),
}
