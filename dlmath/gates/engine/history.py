"""One network's training as it goes: its state after chosen epochs, through the code that trains."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dlmath.gates.engine.lanes import Lanes
from dlmath.gates.engine.layers import run
from dlmath.gates.engine.network import one_network

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dlmath.gates.engine.lanes import Problem
    from dlmath.neural.architecture import Architecture
    from dlmath.neural.arrays import Array


class Moment(NamedTuple):
    """A network after `epoch` epochs.

    Attributes
    ----------
    epoch : int
    parameters : ndarray of float64 (P,)
    memory : ndarray of float64 (M,)
        The optimizer's.
    loss : float
    """

    epoch: int
    parameters: Array
    memory: Array
    loss: float


def moments(problem: Problem, parameters: Array, memory: Array | None, epochs: Sequence[int]) -> Iterator[Moment]:
    """Train one network and yield it after each of `epochs`, which rise.

    Parameters
    ----------
    problem : Problem
    parameters : ndarray (P,)
        Where it starts.
    memory : ndarray (M,) or None
        What its optimizer remembers at the start.
    epochs : sequence of int
    """
    lanes = Lanes(problem, 1)
    lanes.begin(np.array([0]), parameters[:, None], memory)
    done = 0
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        for epoch in epochs:
            for _ in range(epoch - done):
                for program in (lanes.network.forward, lanes.network.errors, lanes.step):
                    run(program)
            done = epoch
            run(lanes.network.forward)
            yield Moment(
                epoch, lanes.parameters[:, 0].astype(np.float64), lanes.memory[:, 0].astype(np.float64),
                float(lanes.network.losses(slice(0, 1))[0]),
            )  # fmt: skip


def hidden_answers(architecture: Architecture, problem: Problem, parameters: Array) -> tuple[Array, ...]:
    """Return what the hidden units say: a (R, H) a hidden layer, in float64."""
    network = one_network(architecture, problem.loss, problem.inputs, problem.targets, parameters)
    with np.errstate(over="ignore", invalid="ignore"):
        answers = [layer.activations()[:, :, 0] for layer, _sums in network.forward_by_layer()]
    return tuple(answers[:-1])
