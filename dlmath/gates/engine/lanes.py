"""The lanes of an ensemble: parameters and optimizer memory of many networks, and the epochs they run together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from dlmath.gates.engine.layers import padded, run
from dlmath.gates.engine.network import LaneNetwork
from dlmath.neural.optimizers import Program, Update

if TYPE_CHECKING:
    from dlmath.gates.engine.criteria import Criterion
    from dlmath.neural.architecture import Architecture
    from dlmath.neural.arrays import Array
    from dlmath.neural.losses import Loss
    from dlmath.neural.optimizers import ChosenOptimizer


STRIDE = 16
"""Epochs between two looks at which lanes are finished: often enough to waste little, seldom enough to cost little."""


@dataclass(frozen=True)
class Problem:
    """What every lane does: the data and the rules of training, resolved.

    Attributes
    ----------
    inputs, targets : ndarray of float64 (R, n) and (R, K)
    online : bool
        One update a row, in order, instead of one update an epoch.
    criterion : Criterion
        When a network has learned.
    """

    architecture: Architecture
    loss: Loss
    optimizer: ChosenOptimizer
    inputs: Array
    targets: Array
    rate: float
    dtype: np.dtype[Any]
    online: bool
    fixed_biases: bool
    criterion: Criterion


class Lanes:
    """`count` networks side by side (rounded up to whole vectors) with everything an epoch needs.

    Attributes
    ----------
    parameters, memory : ndarray (P, S), (M, S)
        The state; columns may be written between epochs.
    worst : ndarray (STRIDE, S)
        After `run_stride`: row t holds each lane's figure of the criterion as it was BEFORE the t-th update of the
        stride.
    limit : scalar of the dtype
        A lane has learned when its figure is at most this.
    first_lane : ndarray (STRIDE, R, K)
        What the network's arrays hold of lane 0's outputs at the same moments (see `first_lane_losses`).
    """

    def __init__(self, problem: Problem, count: int) -> None:
        self.problem = problem
        self.size = padded(count, problem.dtype)
        shape = (problem.architecture.parameter_count, self.size)
        self.parameters = np.zeros(shape, problem.dtype)
        self.gradient = np.zeros(shape, problem.dtype)
        self.fresh_memory = problem.optimizer.rule.memory(shape[0]).astype(problem.dtype)
        self.memory = np.empty((len(self.fresh_memory), self.size), problem.dtype)
        self.memory[:] = self.fresh_memory[:, None]
        self.network = self._network(problem.inputs, problem.targets)
        self.step = self._plan_step()
        self.limit = problem.criterion.limit(self.network.error_unit, problem.dtype)
        self.worst = np.empty((STRIDE, self.size), problem.dtype)
        self.first_lane = np.empty((STRIDE, *problem.targets.shape), problem.dtype)
        self._epochs = [self._plan_epoch(moment) for moment in range(STRIDE)]

    def _network(self, inputs: Array, targets: Array) -> LaneNetwork:
        problem = self.problem
        scale = problem.rate if problem.optimizer.rule.takes_scaled_gradient else 1.0
        return LaneNetwork(
            problem.architecture, problem.loss, inputs, targets, self.parameters, self.gradient,
            scale=scale, fixed_biases=problem.fixed_biases,
        )  # fmt: skip

    def _update(self) -> Program:
        scratch = np.empty_like(self.gradient)
        optimizer = self.problem.optimizer
        return optimizer.program(
            Update(self.parameters, self.gradient, scratch, self.memory, self.problem.rate, optimizer.convention)
        )

    def _plan_step(self) -> Program:
        """Plan all that follows on `forward` and `errors` in an epoch."""
        update = self._update()
        if not self.problem.online:
            return self.network.backward + update
        program: Program = []
        for row in range(len(self.problem.inputs)):
            part = slice(row, row + 1)
            network = self._network(self.problem.inputs[part], self.problem.targets[part])
            program += network.forward + network.errors + network.backward + update
        return program

    def _plan_epoch(self, moment: int) -> Program:
        network = self.network
        signals = network.output.u if network.logits is None else network.logits
        return [
            *network.forward,
            (np.copyto, (self.first_lane[moment], signals[:, :, 0])),
            *network.errors,
            *self.problem.criterion.plan(
                network.output.u, self.worst[moment], self.problem.targets, network.error_unit
            ),
            *self.step,
        ]

    def run_stride(self) -> None:
        """Train every lane for STRIDE epochs."""
        for epoch in self._epochs:
            run(epoch)

    def first_lane_losses(self) -> Array:
        """Return the losses of lane 0 (STRIDE,) at the moments of `worst`."""
        network = self.network
        signals = network.as_loss_signals(self.first_lane.astype(np.float64))
        return network.loss.value(np.moveaxis(signals, 0, 2), self.problem.targets[:, :, None])

    def begin(self, lanes: Array, parameters: Array, memory: Array | None = None) -> None:
        """Put networks with these `parameters` (P, len(lanes)) into `lanes`, with fresh memories or this one (M,)."""
        self.parameters[:, lanes] = parameters
        self.memory[:, lanes] = (self.fresh_memory if memory is None else memory)[:, None]
