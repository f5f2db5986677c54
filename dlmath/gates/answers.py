"""What the results of every rule share: levels of the targets, rows on their side, all as JSON has it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dlmath.gates.engine.levels import target_levels

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from dlmath.gates.engine.gates import Gate

MOST_ROWS = 64
"""Rows whose hidden activations are in the result."""


def right_rows(gate: Gate, outputs: Sequence[Sequence[float]]) -> NDArray[np.bool_] | None:
    """Return which rows have every output on its target's side, None where the targets have more than two levels."""
    targets = np.array(gate.targets, np.float64)
    levels = target_levels(targets)
    return None if levels is None else levels.right(np.array(outputs, np.float64), targets)


def shared_result(gate: Gate, outputs: Sequence[Sequence[float]]) -> dict[str, object]:
    """Return `targets_levels`, `accuracy` and `right`."""
    levels = target_levels(np.array(gate.targets, np.float64))
    right = right_rows(gate, outputs)
    count = None if right is None else int(right.sum())
    return {
        "targets_levels": None if levels is None else level_pairs(levels.low.tolist(), levels.high.tolist()),
        "accuracy": None if count is None else count / len(gate.inputs),
        "right": count,
    }


def level_pairs(low: Sequence[float], high: Sequence[float]) -> list[object]:
    """Return [low, high] where every output has the same levels, else a pair an output; whole numbers as such.

    >>> level_pairs([0.0, 0.0], [1.0, 1.0]), level_pairs([0.0, -1.0], [1.0, 1.0])
    ([0, 1], [[0, 1], [-1, 1]])
    """
    pairs = [[bare(a), bare(b)] for a, b in zip(low, high, strict=True)]
    return list(pairs[0]) if all(pair == pairs[0] for pair in pairs) else list(pairs)


def bare(value: float) -> float:
    """Return a whole number as int."""
    return int(value) if value == int(value) else value
