"""A deep network in training on parity, one step after the other (see `task` for what is trained)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dlmath.depth.engine.explicit import ExplicitNetwork, Signal, log_norm, log_weight_norm, unit
from dlmath.depth.engine.matrices import LayerWeights, rooms
from dlmath.depth.engine.normals import ERRORS, INPUTS, normals, stream
from dlmath.depth.engine.task import LayerTraining, ParityTask, TaskResult, check_task, parity
from dlmath.neural.activations import get_activation
from dlmath.neural.losses import get_loss
from dlmath.neural.optimizers import Update, parse_optimizer

if TYPE_CHECKING:
    from collections.abc import Callable

    from dlmath.depth.engine.settings import DepthSettings
    from dlmath.neural.arrays import Array

LN10 = math.log(10)


class _Snapshot(NamedTuple):
    """Layer figures of one moment, a list over the layers each."""

    log_gradient: list[float]
    log_weight_gradient: list[float]
    variance: list[float]
    saturated: list[float]


def train_parity(
    settings: DepthSettings, task: ParityTask, progress: Callable[[int, int], None] | None = None
) -> TaskResult:
    """Train the first seed's network on parity.

    Raises
    ------
    InvalidValueError, TooLargeError

    Examples
    --------
    >>> from dlmath.depth.engine.settings import DepthSettings
    >>> result = train_parity(DepthSettings(depth=20, width=16, activation="sigmoid"), ParityTask(steps=5))
    >>> result.layers[0].moved < 1e-6 < result.layers[-1].moved
    True
    """
    settings = check_task(settings, task)
    run = _Run(settings, task)
    stopped = None
    for done in range(task.steps):
        stopped = run.step()
        if stopped:
            break
        if progress is not None:
            progress(done + 1, task.steps)
    return run.result(stopped)


class _Parameters:
    """All that is trained in one flat column (P, 1): the layers' weights, then biases, the readout, its offset.

    Kept are the moves, W - W at the start, so that a move of 1e-30 is not lost beside a weight of 1.
    """

    def __init__(self, shapes: list[tuple[int, ...]], task: ParityTask) -> None:
        count = sum(math.prod(shape) for shape in shapes)
        self.moves, self.gradient = np.zeros((count, 1)), np.zeros((count, 1))
        chosen = parse_optimizer(task.optimizer)
        memory = np.asarray(chosen.rule.memory(count), np.float64)[:, None].copy()
        scratch = np.empty_like(self.moves)
        update = Update(self.moves, self.gradient, scratch, memory, task.rate, chosen.convention)
        self.program = chosen.program(update)
        self.factor = task.rate if chosen.rule.takes_scaled_gradient else 1.0
        self.shapes = shapes

    def parts(self, flat: Array) -> list[Array]:
        """Return views of a flat column, one a weight matrix or bias vector."""
        ends = np.cumsum([math.prod(shape) for shape in self.shapes])[:-1]
        return [part.reshape(shape) for part, shape in zip(np.split(flat[:, 0], ends), self.shapes, strict=True)]

    def update(self) -> None:
        """Let the optimizer make one step from the gradient."""
        self.gradient *= self.factor
        for call, arguments in self.program:
            call(*arguments)


class _Run:
    """A network in training.

    Attributes
    ----------
    start : list of ndarray (fan_out, fan_in)
        The weights of every layer before training.
    """

    def __init__(self, settings: DepthSettings, task: ParityTask) -> None:
        self.settings, self.task = settings, task
        bits, self.targets = parity(task.bits)
        self.network = ExplicitNetwork(settings, settings.seed, rooms(settings.sizes, np.dtype(np.float64)))
        self.network.inputs = self._embed(bits)
        self._settle()
        self.start = [weights.matrix() for weights in self.network.weights]
        self.biases = [bias.copy() for bias in self.network.biases]
        last = settings.sizes[-1]
        self.readout_start = normals(stream(settings.seed, ERRORS), last, np.dtype(np.float64)) / math.sqrt(last)
        self.readout, self.offset = self.readout_start.copy(), 0.0
        shapes = [array.shape for array in (*self.start, *self.biases, self.readout)]
        self.parameters = _Parameters([*shapes, (1,)], task)
        self.losses: list[float] = []
        self.norms: list[float] = []  # log10 of the joint norm of all gradients, a step each
        self.steps_done = 0
        self.before = self._snapshot()

    def _embed(self, rows: Array) -> Array:
        """Map the bits and a 1 onto the units by a fixed random matrix, each row of mean square 1."""
        width = self.settings.sizes[0]
        rows = np.concatenate([rows, np.ones((len(rows), 1))], axis=1)
        drawn = normals(stream(self.settings.seed, INPUTS), rows.shape[1] * width, np.dtype(np.float64))
        mapped = rows @ drawn.reshape(rows.shape[1], -1)
        return np.asarray(mapped / np.sqrt(np.mean(np.square(mapped), axis=1, keepdims=True)))

    def _settle(self) -> None:
        """Draw the matrices and write them out: scales and gains multiplied in."""
        network = self.network
        network.forward()
        for layer, (weights, gain) in enumerate(zip(network.weights, network.gains, strict=True)):
            weights.core[...] = weights.matrix() * math.exp(gain)
            network.weights[layer], network.gains[layer] = LayerWeights(weights.core, 1.0, 0.0), 0.0

    def _forward(self) -> tuple[Array, Array]:
        """Return the last layer's output (R, N) and the logits (R, 1); note the loss."""
        last = self.network.forward()
        with np.errstate(over="ignore", invalid="ignore"):  # a network that has exploded: inf - inf, the loss is nan
            outputs = last.array * np.exp(last.log)
            logits = outputs @ self.readout[:, None] + self.offset
            loss = get_loss("cross-entropy").value(logits[:, :, None], self.targets[:, :, None])
        self.losses.append(float(loss[0]))
        return outputs, logits

    def _error(self, logits: Array) -> Array:
        """Return dE/dlogit (R, 1)."""
        return np.asarray((get_activation("sigmoid").value(logits) - self.targets) / len(self.targets))

    def _backward(self, error: Array) -> tuple[list[Signal], list[Signal]]:
        """Return dE/dz^l of every layer, and dE/dx^l after it, given dE/dlogit."""
        g = unit(Signal(error @ self.readout[None, :], 0.0))
        deltas, gradients = [], [g]
        for layer in range(self.settings.depth - 1, -1, -1):
            g, delta = self.network.step_back(layer, g)
            deltas.append(delta)
            gradients.append(g)
        return deltas[::-1], gradients[::-1]

    def step(self) -> str | None:
        """Make one step; return why training cannot go on, or None."""
        outputs, logits = self._forward()
        if not np.isfinite(self.losses[-1]):
            return "diverged: the loss is no longer a finite number"
        error = self._error(logits)
        deltas, _ = self._backward(error)
        cut = self._cut(deltas, error, outputs)
        with np.errstate(over="ignore", invalid="ignore"):  # a gradient beyond 1e308 is found out below
            self._take_gradients(deltas, error, outputs, cut)
            if not np.isfinite(self.parameters.gradient).all():
                return "diverged: a gradient is beyond the largest number"
            self.parameters.update()
        self._move()
        self.steps_done += 1
        return None

    def _cut(self, deltas: list[Signal], error: Array, outputs: Array) -> float:
        """Note the joint norm of all gradients; return ln of what clipping multiplies them by (0: nothing).

        In logarithms, so that gradients of 1e400 are clipped as well.
        """
        states, biased = self.network.states, range(len(self.biases))
        logs = [log_weight_norm(delta, state.inputs) for delta, state in zip(deltas, states, strict=True)]
        logs += [log_norm(Signal(deltas[layer].array.sum(axis=0), deltas[layer].log)) for layer in biased]
        logs += [log_norm(Signal(error.T @ outputs, 0.0)), log_norm(Signal(error.sum(keepdims=True), 0.0))]
        joint = float(np.logaddexp.reduce(2 * np.array(logs))) / 2
        self.norms.append(joint / LN10)
        return 0.0 if self.task.clip is None else min(0.0, math.log(self.task.clip) - joint)

    def _take_gradients(self, deltas: list[Signal], error: Array, outputs: Array, cut: float) -> None:
        """Write the gradients of all parameters, clipped, into the flat column."""
        *parts, readout, offset = self.parameters.parts(self.parameters.gradient)
        for layer, delta in enumerate(deltas):
            x = self.network.states[layer].inputs
            parts[layer][...] = (delta.array.T @ x.array) * np.exp(delta.log + x.log + cut)
        for layer in range(len(self.biases)):
            parts[len(deltas) + layer][...] = deltas[layer].array.sum(axis=0) * np.exp(deltas[layer].log + cut)
        readout[...] = (error.T @ outputs)[0] * math.exp(cut)
        offset[...] = float(error.sum()) * math.exp(cut)

    def _move(self) -> None:
        """Bring the network to where the moves are."""
        *moves, readout, offset = self.parameters.parts(self.parameters.moves)
        for layer, start in enumerate(self.start):
            np.add(start, moves[layer], out=self.network.weights[layer].core)
        for layer, start in enumerate(self.biases):
            np.add(start, moves[len(self.start) + layer], out=self.network.biases[layer])
        np.add(self.readout_start, readout, out=self.readout)
        self.offset = float(offset[0])

    def _snapshot(self) -> _Snapshot:
        """Run both passes and return the figures of every layer."""
        _, logits = self._forward()
        self.losses.pop()
        deltas, gradients = self._backward(self._error(logits))
        states = self.network.states
        return _Snapshot(
            [log_norm(g) for g in gradients[1:]],
            [log_weight_norm(delta, state.inputs) for delta, state in zip(deltas, states, strict=True)],
            [variance for _, variance, _ in self.network.outputs],
            [float(self.network.channel.saturated(state.passed.slope).mean()) for state in states],
        )

    def result(self, stopped: str | None) -> TaskResult:
        """Return what training did."""
        if stopped is None:
            _, logits = self._forward()
            accuracy = float(np.mean((logits > 0) == (self.targets > 0.5)))
            after = self._snapshot()
        else:
            accuracy, after = math.nan, self.before
        task, norms = self.task, self.norms or [math.nan]
        clipped = 0 if task.clip is None else sum(norm > math.log10(task.clip) for norm in self.norms)
        return TaskResult(
            self.settings, f"parity:{task.bits}", task.optimizer, task.steps, self.steps_done, task.rate, task.clip,
            clipped, norms[0], norms[-1], tuple(self.losses), accuracy, stopped, self._layers(after),
        )  # fmt: skip

    def _layers(self, after: _Snapshot) -> tuple[LayerTraining, ...]:
        before, sizes = self.before, self.settings.sizes
        moves = self.parameters.parts(self.parameters.moves)
        found = []
        for layer in range(self.settings.depth):
            units = math.log(sizes[layer + 1] * self.settings.batch) / 2
            weights = math.log(sizes[layer] * sizes[layer + 1]) / 2
            found.append(
                LayerTraining(
                    layer + 1,
                    (before.log_gradient[layer] - units) / LN10,
                    (after.log_gradient[layer] - units) / LN10,
                    (before.log_weight_gradient[layer] - weights) / LN10,
                    (after.log_weight_gradient[layer] - weights) / LN10,
                    before.variance[layer],
                    after.variance[layer],
                    before.saturated[layer],
                    after.saturated[layer],
                    relative_move(moves[layer], self.start[layer]),
                )
            )
        return tuple(found)


def relative_move(move: Array, start: Array) -> float:
    """Return |move| / |start|, Frobenius norms, however small the move is."""
    largest, size = float(np.abs(move).max()), float(np.linalg.norm(start))
    if largest == 0:
        return 0.0
    moved = largest * float(np.linalg.norm(move / largest))  # squares of 1e-200 would be lost
    return moved / size if size else math.inf
