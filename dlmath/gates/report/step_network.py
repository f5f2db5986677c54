"""The report of a network of step units with given weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from dlmath.gates.answers import right_rows
from dlmath.gates.report.hidden import named_units
from dlmath.gates.report.tables import figure_of, input_titles, number, right_text, truth_table
from dlmath.report.blocks import Facts, Lines, Table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dlmath.gates.engine.criteria import Criterion
    from dlmath.gates.engine.gates import Gate
    from dlmath.gates.engine.step_network import LayerAnswers
    from dlmath.gates.files.weights import Weights
    from dlmath.gates.step_response import Response
    from dlmath.report.blocks import Block


def main_table(gate: Gate, outputs: list[list[float]], criterion: Criterion) -> Table:
    """Return the truth table with the network's answers."""
    met = criterion.met_rows(np.array(outputs), np.array(gate.targets, np.float64))
    return truth_table(gate, outputs, met.tolist())


def blocks(response: Response) -> Iterator[Block]:
    """Yield what is shown without asking."""
    gate, outputs = response.gate, response.outputs
    right = right_rows(gate, outputs)
    sizes = "-".join(map(str, response.weights.sizes))
    verdict = "it gives the targets" if response.learned else "it does not give the targets"
    yield Facts(
        (
            ("result", f"run with given weights: {verdict}"),
            ("right", right_text(None if right is None else int(right.sum()), len(gate.inputs))),
            ("architecture", f"{sizes} ({', '.join(response.activations)})"),
            (
                "ties",
                f"a step unit whose sum is exactly 0 answers {'1' if response.fires == '>=' else 'its lower level'}",
            ),
        ),
        title="Network of step units",
    )
    yield main_table(gate, outputs, response.criterion)
    yield from hidden_tables(response)
    yield Lines((verdict,))


def hidden_tables(response: Response) -> Iterator[Block]:
    """Yield what the hidden units say, and the gates they compute."""
    gate = response.gate
    for place, layer in enumerate(response.layers[:-1], 1):
        titles = tuple(f"h{place}_{unit}" for unit in range(1, len(layer.answers[0]) + 1))
        rows = tuple((*map(number, x), *map(number, a)) for x, a in zip(gate.inputs, layer.answers, strict=True))
        yield Table((*input_titles(gate), *titles), rows, title=f"What the units of hidden layer {place} say")
        answers = np.array([[float(a) for a in row] for row in layer.answers])
        named = named_units(gate, answers, layer.activation, titles) if layer.activation == "step" else []
        if named:
            yield Lines((", ".join(named),), title="Gates that they compute")


def explanation(response: Response) -> Iterator[Block]:
    """Yield every weighted sum written out."""
    yield Lines(
        (
            "z = x W + b;  a = 1 if z > 0 (with --fires '>=': if z >= 0), else the lower level",
            "sums are exact fractions",
        ),
        title="A network of step units (McCulloch & Pitts 1943)",
    )
    values: Any = response.gate.inputs
    for place, layer in enumerate(response.layers):
        lines = list(layer_lines(values, response.weights, place, layer))
        yield Lines(tuple(lines), title=f"Layer {place + 1} ({layer.activation})")
        values = layer.answers


def layer_lines(values: Any, weights: Weights, place: int, layer: LayerAnswers) -> Iterator[str]:
    """Yield the sums of one layer, row by row and unit by unit."""
    matrix, biases = weights.weights[place], weights.biases[place]
    for row, inputs in enumerate(values):
        for unit in range(len(matrix[0])):
            terms = [f"{figure_of(w[unit])} * {figure_of(x)}" for w, x in zip(matrix, inputs, strict=True)]
            bias = biases[unit if len(biases) > 1 else 0] if biases else None
            total = " + ".join(terms) + ("" if bias is None else f" + {figure_of(bias)}")
            z, a = layer.sums[row][unit], layer.answers[row][unit]
            yield f"row {row + 1}, unit {unit + 1}: z = {total} = {figure_of(z)};  a = {figure_of(a)}"
