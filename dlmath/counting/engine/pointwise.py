"""Activations and other layers that treat each element by itself; the joins of branches."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from dlmath.counting.engine.open_sizes import OPEN, UNRANKED, agree, alike, is_open
from dlmath.counting.engine.options import LayerKind, Option, anything, one_of, whole_number
from dlmath.counting.engine.shapes import elements, shape_text
from dlmath.counting.engine.tally import TallyTerm, every, tally
from dlmath.errors import ShapeError

if TYPE_CHECKING:
    from dlmath.counting.engine.graph import Shape
    from dlmath.counting.engine.tally import Count, Options

FUNCTIONS = (
    *("relu", "relu6", "leakyrelu", "elu", "selu", "celu", "gelu", "silu", "swish", "mish", "sigmoid", "tanh"),
    *("hardsigmoid", "hardswish", "hardtanh", "softplus", "softsign", "softmax", "logsoftmax", "exponential", "step"),
)
"""Activation functions without parameters."""

JOINS = ("add", "subtract", "multiply", "average", "maximum", "minimum")
"""Joins of shapes that are equal, or broadcast."""


def activation(options: Options, shapes: tuple[Shape, ...]) -> Count:
    """Count an activation function: one application an element."""
    del options
    (shape,) = shapes
    return tally(shape, (every("activation_ops", shape),))


def prelu(options: Options, shapes: tuple[Shape, ...]) -> Count:
    """Count a rectifier whose negative slope is learned: one a channel, one in all or one an element (He 2015)."""
    (shape,) = shapes
    held = {"channel": shape[-1:], "layer": (), "element": shape}[options["per"]]
    slopes = TallyTerm("weights", ("slopes",) * len(held), held)
    return tally(shape, (slopes, every("activation_ops", shape)))


def identity(options: Options, shapes: tuple[Shape, ...]) -> Count:
    """Count nothing: at inference the layer returns its input (dropout, stochastic depth, linear)."""
    del options
    return tally(shapes[0], view=True)


def join(name: str, options: Options, shapes: tuple[Shape, ...]) -> Count:
    """Count an element by element join of branches: inputs - 1 operations an element."""
    del options
    output = shapes[0]
    for shape in shapes[1:]:
        output = _broadcast(name, output, shape)
    if any(shape is UNRANKED for shape in shapes):
        output = UNRANKED
    return tally(output, (every("join_ops", output, operations=len(shapes) - 1),))


def _broadcast(name: str, left: Shape, right: Shape) -> Shape:
    """Return the shape of an element by element join, axes of length 1 being stretched."""
    if left == right:
        return left
    rank = max(len(left), len(right))
    full = [(1,) * (rank - len(shape)) + shape for shape in (left, right)]
    if any(not agree(a, b) and 1 not in {a, b} for a, b in zip(*full, strict=True)):
        raise ShapeError(
            f"{name} cannot join branches of shapes {shape_text(left)} and {shape_text(right)}",
            "make the branches end in the same shape",
        )
    return tuple(_stretched(a, b) for a, b in zip(*full, strict=True))


def _stretched(left: int, right: int) -> int:
    """Return the length of a joined axis: beside a known length above 1 an unknown one is the same, or is 1."""
    if is_open(left) or is_open(right):
        return min(left, right) if min(left, right) > 1 else OPEN
    return max(left, right)


def concatenate(options: Options, shapes: tuple[Shape, ...]) -> Count:
    """Count a concatenation along one axis (the channels): it computes nothing."""
    axis, first = options["axis"], shapes[0]
    rank = len(first)
    if not -rank <= axis < rank:
        raise ShapeError(f"concat: there is no axis {axis} in {shape_text(first)}", f"choose one up to {rank - 1}")
    axis %= rank
    for shape in shapes[1:]:
        if len(shape) != rank or not alike(shape[:axis] + shape[axis + 1 :], first[:axis] + first[axis + 1 :]):
            raise ShapeError(
                f"concat cannot join branches of shapes {shape_text(first)} and {shape_text(shape)}",
                f"make them agree in every axis but {axis - rank}",
            )
    sizes = [sum(each) if place == axis else min(each) for place, each in enumerate(zip(*shapes, strict=True))]
    return tally(tuple(sizes))


def matmul(options: Options, shapes: tuple[Shape, ...]) -> Count:
    """Count a product of two activations (..., n, k) and (..., k, m): n k m MACs each."""
    left, right = shapes
    if options["transpose"] == "yes":
        right = (*right[:-2], right[-1], right[-2])
    if min(len(left), len(right)) < 2 or not agree(left[-1], right[-2]):
        raise ShapeError(
            f"matmul cannot multiply {shape_text(left)} by {shape_text(right)}",
            "make the first's last axis the second's last but one",
        )
    batch = _broadcast("matmul", left[:-2], right[:-2])
    output = (*batch, left[-2], right[-1])
    return tally(
        output, (TallyTerm("macs", ("rows and columns", "inner"), (elements(output), min(left[-1], right[-2]))),), None
    )


EQUATIONS = {
    "relu": "y = max(0, x)",
    "relu6": "y = min(max(0, x), 6)",
    "leakyrelu": "y = x where x > 0, else a x",
    "elu": "y = x where x > 0, else a (exp(x) - 1)",
    "selu": "y = l x where x > 0, else l a (exp(x) - 1)",
    "gelu": "y = x Phi(x)",
    "silu": "y = x / (1 + exp(-x))",
    "swish": "y = x / (1 + exp(-x))",
    "sigmoid": "y = 1 / (1 + exp(-x))",
    "tanh": "y = tanh(x)",
    "softplus": "y = ln(1 + exp(x))",
    "softmax": "y[i] = exp(x[i]) / sum over j of exp(x[j])",
    "hardswish": "y = x min(max(0, x + 3), 6) / 6",
    "hardsigmoid": "y = min(max(0, x + 3), 6) / 6",
    "step": "y = 1 where x > 0, else 0",
}
"""What the common activation functions compute."""
_RATE = (Option("rate", anything, 0.5),)

KINDS = {
    **{name: LayerKind(activation, equation=EQUATIONS.get(name, "")) for name in FUNCTIONS},
    "prelu": LayerKind(
        prelu, (Option("per", one_of("channel", "layer", "element"), "channel"),), ("per",), example="prelu"
    ),
    "dropout": LayerKind(
        identity,
        _RATE,
        ("rate",),
        example="dropout:0.5",
        equation="at inference y = x; in training y = 0 with probability {rate}, else x / (1 - {rate})",
    ),
    "stochasticdepth": LayerKind(
        identity, _RATE, ("rate",), example="stochasticdepth:0.2", equation="at inference y = x; in training 0 or x"
    ),
    "identity": LayerKind(identity),
    **{name: LayerKind(partial(join, name), inputs=(2, None)) for name in JOINS},
    "concat": LayerKind(
        concatenate, (Option("axis", whole_number, -1),), ("axis",), inputs=(1, None), example="concat"
    ),
    "matmul": LayerKind(matmul, (Option("transpose", one_of("yes", "no"), "no"),), inputs=(2, 2), example="matmul"),
}
