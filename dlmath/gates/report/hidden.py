"""What each hidden unit says for each row, and the gates that units compute."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from dlmath.gates.engine.gates import SYMMETRIC, canonical_name
from dlmath.gates.report.tables import input_titles, number
from dlmath.neural.activations import get_activation
from dlmath.report.blocks import Lines, Table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from dlmath.gates.engine.gates import Gate
    from dlmath.neural.architecture import Architecture
    from dlmath.report.blocks import Block

MOST_ROWS, MOST_UNITS = 16, 12
"""Tables up to this size are in the report without asking."""
CLEAR = 0.3
"""A unit says 0 or 1 when its answer is within this share of its range from an end of it."""


def hidden_blocks(gate: Gate, architecture: Architecture, hidden: Sequence[NDArray[Any]]) -> Iterator[Block]:
    """Yield a table a hidden layer, and the gates that its units compute."""
    for number_, (layer, name) in enumerate(zip(hidden, architecture.activations[:-1], strict=True), 1):
        if len(gate.inputs) > MOST_ROWS or layer.shape[1] > MOST_UNITS:
            return
        label = "h" if len(hidden) == 1 else f"h{number_}_"
        titles = tuple(f"{label}{unit}" for unit in range(1, layer.shape[1] + 1))
        rounded = np.round(layer, 3).tolist()
        rows = tuple((*map(number, x), *answers) for x, answers in zip(gate.inputs, rounded, strict=True))
        which = "" if len(hidden) == 1 else f" of layer {number_}"
        yield Table((*input_titles(gate), *titles), rows, title=f"What the hidden units{which} say", digits=3)
        named = named_units(gate, layer, name, titles)
        if named:
            yield Lines((", ".join(named),), title=f"Gates that hidden units{which} compute")


def named_units(gate: Gate, layer: NDArray[Any], activation: str, titles: Sequence[str]) -> list[str]:
    """Return `h1 = or` for each unit that says a gate clearly."""
    if not gate.is_truth_table:
        return []
    shares = answer_shares(layer, activation)
    names = []
    for title, column in zip(titles, shares.T, strict=True):
        if np.isfinite(column).all() and (np.abs(column - np.round(column)) <= CLEAR).all():
            bits = "".join(str(round(float(min(max(share, 0), 1)))) for share in column)
            name = gate_name(bits, gate.n_inputs)
            if name is not None:
                names.append(f"{title} = {name}")
    return names


def answer_shares(layer: NDArray[Any], activation: str) -> NDArray[Any]:
    """Return answers in units of the activation's range; without upper end, in units of the largest answer."""
    if activation == "step":
        low, high = float(layer.min()), 1.0
        return np.asarray((layer - min(low, 0.0)) / (high - min(low, 0.0)))
    low, high = get_activation(activation).range
    if math.isfinite(low) and math.isfinite(high):
        return np.asarray((layer - low) / (high - low))
    largest = np.maximum(np.abs(layer).max(axis=0), np.finfo(np.float64).tiny)
    return np.asarray(layer / largest)


def gate_name(bits: str, inputs: int) -> str | None:
    """Return the gate that a truth table is; units that always say the same compute none.

    >>> gate_name("0111", 2), gate_name("11111110", 3), gate_name("0000", 2)
    ('or', 'nand', None)
    """
    if len(set(bits)) == 1:
        return None
    if inputs <= 2:
        return canonical_name(bits)
    ones = [(row).bit_count() for row in range(len(bits))]
    for name, fires in SYMMETRIC.items():
        if all(fires(count, inputs) == (bit == "1") for count, bit in zip(ones, bits, strict=True)):
            return name
    return None
