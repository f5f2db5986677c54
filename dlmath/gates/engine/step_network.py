"""A network of step units with given weights: exact answers, no training (no array library).

A step unit (McCulloch & Pitts 1943) answers 1 or 0 by the sign of its weighted sum, so that a sum of exactly 0
decides between two answers: sums are formed in exact fractions, decimals at their decimal value. Its slope is 0
everywhere, and nothing can be learned by following it.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

from dlmath.errors import InvalidValueError
from dlmath.gates.engine.separability import exact

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dlmath.gates.engine.separability import Real

    Values = tuple[Fraction, ...]

LEVELS = {"01": (0, 1), "pm1": (-1, 1)}
"""What a step unit answers, by the coding of the targets."""


class LayerAnswers(NamedTuple):
    """What one layer's units say to every row.

    Attributes
    ----------
    activation : str
    sums, answers : tuple of tuples of Fraction, shape (rows, units)
        z = x W + b, and a = phi(z).
    """

    activation: str
    sums: tuple[Values, ...]
    answers: tuple[Values, ...]


def exact_activations(fires: str = ">", coding: str = "01") -> dict[str, Callable[[Fraction], Fraction]]:
    """Return the activations whose value is exact, by name.

    >>> exact_activations(">=")["step"](Fraction(0))
    Fraction(1, 1)
    """
    low, high = map(Fraction, LEVELS[coding])

    def step(z: Fraction) -> Fraction:
        return high if z > 0 or (z == 0 and fires == ">=") else low

    return {
        "step": step,
        "linear": lambda z: z,
        "relu": lambda z: max(z, Fraction(0)),
        "hard-tanh": lambda z: min(max(z, Fraction(-1)), Fraction(1)),
    }


def respond(
    inputs: Sequence[Sequence[Real]],
    weights: Sequence[Sequence[Sequence[Real]]],
    biases: Sequence[Sequence[Real]],
    activations: Sequence[str],
    *,
    fires: str = ">",
    coding: str = "01",
) -> tuple[LayerAnswers, ...]:
    """Run rows through the layers.

    Parameters
    ----------
    inputs : rows of numbers, shape (rows, n)
    weights : a matrix (fan_in, fan_out) a layer
    biases : a vector a layer: one number a unit, one for all of them, or none
    activations : names of `exact_activations`, one a layer
    fires : {">", ">="}
        What a step unit answers at z = 0.
    coding : {"01", "pm1"}
        Whether it answers 0 and 1 or -1 and 1.

    Raises
    ------
    InvalidValueError
        For an activation that has no exact value.

    Examples
    --------
    Haykin's XOR: or, nand and their and.

    >>> rows = [(0, 0), (0, 1), (1, 0), (1, 1)]
    >>> layers = respond(rows, [[[1, 1], [1, 1]], [[-2], [1]]], [[-1.5, -0.5], [-0.5]], ["step", "step"])
    >>> [int(answer) for (answer,) in layers[-1].answers]
    [0, 1, 1, 0]
    """
    known = exact_activations(fires, coding)
    layers: list[LayerAnswers] = []
    values = tuple(tuple(Fraction(exact(x)) for x in row) for row in inputs)
    for matrix, vector, name in zip(weights, biases, activations, strict=True):
        if name not in known:
            raise InvalidValueError(
                f"a network of step units cannot have {name!r} units beside them", f"use {', '.join(known)}"
            )
        sums = _sums(values, matrix, vector)
        values = tuple(tuple(map(known[name], row)) for row in sums)
        layers.append(LayerAnswers(name, sums, values))
    return tuple(layers)


def _sums(rows: Sequence[Values], matrix: Sequence[Sequence[Real]], vector: Sequence[Real]) -> tuple[Values, ...]:
    """Return z = x W + b for every row."""
    columns = [[Fraction(exact(w)) for w in column] for column in zip(*matrix, strict=True)]
    offsets = [Fraction(exact(b)) for b in vector] or [Fraction(0)]
    biases = offsets * len(columns) if len(offsets) == 1 else offsets
    return tuple(
        tuple(
            sum((w * x for w, x in zip(column, row, strict=True)), bias)
            for column, bias in zip(columns, biases, strict=True)
        )
        for row in rows
    )


def mean_squared_error(outputs: Sequence[Sequence[float]], targets: Sequence[Sequence[float]]) -> float:
    """Return the mean over rows and outputs of the squared error.

    >>> mean_squared_error([[1], [0]], [[1], [1]])
    0.5
    """
    errors = [
        (a - y) ** 2 for row, wanted in zip(outputs, targets, strict=True) for a, y in zip(row, wanted, strict=True)
    ]
    return sum(errors) / len(errors)
