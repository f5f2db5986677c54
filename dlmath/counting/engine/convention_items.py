"""What tools count of one layer, or leave out, as pure functions of its row; `conventions` makes lists of them.

A function gives the number for one run of the layer; who sums them multiplies by the runs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlmath.counting.engine.layers import FAMILY
from dlmath.counting.engine.shapes import elements

if TYPE_CHECKING:
    from collections.abc import Callable

    from dlmath.counting.engine.count import LayerRow

    Value = Callable[[LayerRow], int]

TRANSPOSED = ("transposed", "transposed1d", "transposed3d")
RECURRENT = ("lstm", "gru", "rnn")
GATES = {"lstm": 4, "gru": 3, "rnn": 1}
APPLICATIONS = {"lstm": 5, "gru": 3, "rnn": 1}
"""Activation functions a unit applies at a step."""


def of_kinds(kinds: tuple[str, ...], value: Value) -> Value:
    """Return the value of rows of some kinds, zero of the others."""
    return lambda row: value(row) if row.node.kind in kinds else 0


def of_family(family: str, value: Value) -> Value:
    """Return the value of rows of a family of layers (a module of the registry), zero of the others."""
    return lambda row: value(row) if FAMILY[row.node.kind] == family else 0


def minus(value: Value) -> Value:
    """Return what is left out."""
    return lambda row: -value(row)


def macs(row: LayerRow) -> int:
    """Return the multiply-accumulates."""
    return row.counted.macs


def held(row: LayerRow) -> int:
    """Return weights and biases, whoever else uses them."""
    return row.counted.params


def trained(row: LayerRow) -> int:
    """Return weights and biases that are not frozen."""
    return 0 if row.node.frozen else row.counted.params


def biases(row: LayerRow) -> int:
    """Return the number of biases."""
    return row.counted.biases


def buffers(row: LayerRow) -> int:
    """Return what is kept and does not train."""
    return row.counted.buffers


def bias_adds(row: LayerRow) -> int:
    """Return additions of biases: one an output element."""
    return row.counted.bias_adds


def extra_links(row: LayerRow) -> int:
    """Return LeCun's connections that are neither multiply-accumulates nor biases."""
    return row.counted.extra_links


def inputs(row: LayerRow) -> int:
    """Return the elements of the first input."""
    return elements(row.input_shapes[0])


def outputs(row: LayerRow) -> int:
    """Return the elements of the output."""
    return elements(row.output)


def inputs_and_outputs(row: LayerRow) -> int:
    """Return the elements that go in and those that come out."""
    return inputs(row) + outputs(row)


def inputs_of_maps(row: LayerRow) -> int:
    """Return the elements of an input (height, width, channels), zero of others."""
    return inputs(row) if len(row.input_shapes[0]) == 3 else 0


def softmax_work(row: LayerRow) -> int:
    """Return n exponentials, n - 1 additions and n divisions a row of n."""
    return 3 * inputs(row) - elements(row.output[:-1])


def fused_attention(row: LayerRow) -> int:
    """Return the MACs of Q K^T and A V, which run inside one kernel (scaled_dot_product_attention)."""
    products = (term for term in row.counted.terms if term.quantity == "macs")
    return sum(term.value for term in products if term.labels[0].startswith(("scores", "sums")))


def norm_elements(affine: int, plain: int) -> Value:
    """Return a number of operations an element of a norm, with and without scale and shift.

    torchvision's frozen batch norm is plain arithmetic, which no tool counts.
    """

    def value(row: LayerRow) -> int:
        if row.node.options.get("frozen") in (True, "yes", "true", "on"):
            return 0
        return inputs(row) * (affine if row.counted.params else plain)

    return value


def resized(nearest: int, bilinear: int, bicubic: int) -> Value:
    """Return a number of operations an output element of upsampling, by the way it mixes."""
    each = {"nearest": nearest, "bilinear": bilinear, "bicubic": bicubic}
    return of_kinds(
        ("upsample", "resize"), lambda row: outputs(row) * each[str(row.node.options.get("mode", "nearest"))]
    )


def spread_over_outputs(row: LayerRow) -> int:
    """Return what a transposed convolution costs more where its weights are counted at every output position."""
    return row.counted.weights * elements(row.output[:-1]) - row.counted.macs


def once(row: LayerRow) -> int:
    """Return what is missing where a layer over steps is counted as if it had one step."""
    return row.counted.weights - row.counted.macs


def gate_work(row: LayerRow) -> int:
    """Return thop's additions and products around the gates of a recurrent layer (thop/rnn_hooks.py).

    A gate of h units adds its two products (h) and two vectors of biases (2 h), however many the layer has; an
    LSTM and a GRU then combine their gates (4 h).
    """
    kind = row.node.kind
    applied = sum(term.value for term in row.counted.terms if term.quantity == "activation_ops")
    units = applied // APPLICATIONS[kind]  # steps x directions x units
    combined = 0 if kind == "rnn" else 4
    return units * (GATES[kind] * (3 if row.counted.biases else 1) + combined)
