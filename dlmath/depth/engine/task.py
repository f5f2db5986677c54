"""Training a deep network on parity: vanishing shows itself as layers that do not learn.

The L square layers are those of `explicit`, with the same forward and backward passes and every remedy. Around them
stand a fixed random map of the bits (coded -1 and 1) onto N units, each row of mean square 1, and one sigmoid unit
whose weights are trained with the rest. Cross-entropy; plain gradient descent, all rows at once. `clip` cuts the
norm of dE/dx after every layer, as in the measurement.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dlmath.depth.engine.explicit import ExplicitNetwork, Signal, log_norm, log_weight_norm, unit
from dlmath.depth.engine.matrices import Weights
from dlmath.depth.engine.normals import ERRORS, INPUTS, normals, stream
from dlmath.depth.engine.planner import check_memory, physical_memory
from dlmath.depth.engine.settings import DepthSettings, check_settings
from dlmath.errors import InvalidValueError
from dlmath.gates.engine.gates import parse_gate
from dlmath.neural.activations import get_activation
from dlmath.neural.losses import get_loss

if TYPE_CHECKING:
    from collections.abc import Callable

    from dlmath.neural.arrays import Array

BITS = 4
MOST_BITS = 10
MATRICES_HELD = 4  # of each layer: W, W at the start, the move, the step
RATE = 0.1
LN10 = math.log(10)


class LayerTraining(NamedTuple):
    """One layer before and after training.

    Attributes
    ----------
    layer : int
    log10_gradient_before, log10_gradient : float
        log10 of the root mean square of dE/dx^l over units and rows, before the first step and after the last.
    log10_weight_gradient_before, log10_weight_gradient : float
        The same of dE/dW^l.
    activation_variance_before, activation_variance : float
    saturated_before, saturated : float
        As in `measure.LayerFigures`.
    moved : float
        |W after - W before| / |W before|, Frobenius norms.
    """

    layer: int
    log10_gradient_before: float
    log10_gradient: float
    log10_weight_gradient_before: float
    log10_weight_gradient: float
    activation_variance_before: float
    activation_variance: float
    saturated_before: float
    saturated: float
    moved: float


class TaskResult(NamedTuple):
    """A training run on n-bit parity.

    Attributes
    ----------
    settings : DepthSettings
        With the batch of the task, 2^n.
    gate : str
    steps, steps_done : int
    learning_rate : float
    losses : tuple of float
        Before each step, and after the last.
    accuracy : float
        Share of the rows on the right side of 1/2 in the end.
    stopped : str or None
        Why training ended early.
    layers : tuple of LayerTraining
    """

    settings: DepthSettings
    gate: str
    steps: int
    steps_done: int
    learning_rate: float
    losses: tuple[float, ...]
    accuracy: float
    stopped: str | None
    layers: tuple[LayerTraining, ...]


class _Snapshot(NamedTuple):
    """Layer figures of one moment, a list over the layers each."""

    log_gradient: list[float]
    log_weight_gradient: list[float]
    variance: list[float]
    saturated: list[float]


def train_parity(
    settings: DepthSettings,
    steps: int,
    bits: int = BITS,
    learning_rate: float = RATE,
    progress: Callable[[int, int], None] | None = None,
) -> TaskResult:
    """Train the first seed's network for `steps` steps on parity of `bits` bits.

    Raises
    ------
    InvalidValueError, TooLargeError

    Examples
    --------
    >>> result = train_parity(DepthSettings(depth=20, width=16, activation="sigmoid"), steps=5)
    >>> result.layers[0].moved < 1e-6 < result.layers[-1].moved
    True
    """
    _check(steps, bits, learning_rate)
    settings = settings._replace(batch=2**bits, seeds=1, method="explicit", dtype="float64")
    check_settings(settings)
    needed = MATRICES_HELD * 8.0 * settings.depth * settings.width**2
    check_memory("training these layers", needed, physical_memory(), "train fewer or narrower layers")
    run = _Run(settings, bits, learning_rate)
    stopped = None
    for done in range(steps):
        stopped = run.step()
        if stopped:
            break
        if progress is not None:
            progress(done + 1, steps)
    return run.result(steps, stopped)


def _check(steps: int, bits: int, rate: float) -> None:
    if steps < 1:
        raise InvalidValueError(f"{steps} training steps are not possible", "train for at least 1")
    if not 1 <= bits <= MOST_BITS:
        raise InvalidValueError(f"parity of {bits} bits is not possible", f"1 to {MOST_BITS} bits are")
    if not (math.isfinite(rate) and rate > 0):
        raise InvalidValueError(f"learning rate {rate:g} is not possible", "it must be a positive finite number")


class _Run:
    """A network in training.

    Attributes
    ----------
    moves : ndarray (L, N, N)
        W - W at the start: kept apart, so that a move of 1e-30 is not lost beside a weight of 1.
    """

    def __init__(self, settings: DepthSettings, bits: int, rate: float) -> None:
        self.settings, self.rate = settings, rate
        self.gate = parse_gate(f"parity:{bits}").recode("pm1")
        self.targets = np.array(self.gate.targets, np.float64)
        shape = (settings.depth, settings.width, settings.width)
        self.network = ExplicitNetwork(settings, settings.seed, np.empty(shape))
        self.network.inputs = self._embed(np.array(self.gate.inputs, np.float64))
        self._settle()
        self.start = np.stack([weights.matrix() for weights in self.network.weights])
        self.moves = np.zeros(shape)
        self.readout = normals(stream(settings.seed, ERRORS), settings.width, np.dtype(np.float64))
        self.readout /= math.sqrt(settings.width)
        self.offset = 0.0
        self.losses: list[float] = []
        self.steps_done = 0
        self.before = self._snapshot()

    def _embed(self, rows: Array) -> Array:
        """Map the bits onto the units by a fixed random matrix, each row of mean square 1."""
        drawn = normals(stream(self.settings.seed, INPUTS), rows.shape[1] * self.settings.width, np.dtype(np.float64))
        mapped = rows @ drawn.reshape(rows.shape[1], -1)
        return np.asarray(mapped / np.sqrt(np.mean(np.square(mapped), axis=1, keepdims=True)))

    def _settle(self) -> None:
        """Draw the matrices and write them out: scales and gains multiplied in."""
        network = self.network
        network.forward()
        for layer, (weights, gain) in enumerate(zip(network.weights, network.gains, strict=True)):
            weights.core[...] = weights.matrix() * math.exp(gain)
            network.weights[layer], network.gains[layer] = Weights(weights.core, 1.0, 0.0), 0.0

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
        g = self.network.clipped(unit(Signal(error @ self.readout[None, :], 0.0)))
        deltas, gradients = [], [g]
        for layer in range(self.settings.depth - 1, -1, -1):
            g, delta = self.network.step_back(layer, g)
            g = self.network.clipped(g)
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
        with np.errstate(over="ignore", invalid="ignore"):  # a gradient beyond 1e308 is found out below
            changes = [self._change(layer, delta) for layer, delta in enumerate(deltas)]
            self.readout -= self.rate * (error.T @ outputs)[0]
            self.offset -= self.rate * float(error.sum())
        if not all(np.isfinite(change).all() for change in changes):
            return "diverged: a gradient is beyond the largest number"
        for layer, change in enumerate(changes):
            self.moves[layer] -= change
            np.add(self.start[layer], self.moves[layer], out=self.network.weights[layer].core)
        self._move_biases(deltas)
        self.steps_done += 1
        return None

    def _change(self, layer: int, delta: Signal) -> Array:
        """Return rate * dE/dW of one layer."""
        x = self.network.states[layer].inputs
        return np.asarray((delta.array.T @ x.array) * (self.rate * np.exp(delta.log + x.log)))

    def _move_biases(self, deltas: list[Signal]) -> None:
        biases = self.network.biases
        for layer in range(len(biases)):
            delta = deltas[layer]
            biases[layer] -= delta.array.sum(axis=0) * (self.rate * math.exp(min(delta.log, 700.0)))

    def _snapshot(self) -> _Snapshot:
        """Run both passes and return the figures of every layer."""
        _, logits = self._forward()
        self.losses.pop()
        deltas, gradients = self._backward(self._error(logits))
        states = self.network.states
        return _Snapshot(
            [log_norm(g) for g in gradients[1:]],
            [log_weight_norm(delta, state.inputs) for delta, state in zip(deltas, states, strict=True)],
            [variance for _, variance in self.network.outputs],
            [float(self.network.channel.saturated(state.passed.slope).mean()) for state in states],
        )

    def result(self, steps: int, stopped: str | None) -> TaskResult:
        """Return what training did."""
        if stopped is None:
            _, logits = self._forward()
            accuracy = float(np.mean((logits > 0) == (self.targets > 0.5)))
            after = self._snapshot()
        else:
            accuracy, after = math.nan, self.before
        return TaskResult(
            self.settings, self.gate.name, steps, self.steps_done, self.rate, tuple(self.losses), accuracy, stopped,
            self._layers(after),
        )  # fmt: skip

    def _layers(self, after: _Snapshot) -> tuple[LayerTraining, ...]:
        before, entries = self.before, math.log(self.settings.width * self.settings.batch) / 2
        weights = math.log(self.settings.width)
        return tuple(
            LayerTraining(
                layer + 1,
                (before.log_gradient[layer] - entries) / LN10,
                (after.log_gradient[layer] - entries) / LN10,
                (before.log_weight_gradient[layer] - weights) / LN10,
                (after.log_weight_gradient[layer] - weights) / LN10,
                before.variance[layer],
                after.variance[layer],
                before.saturated[layer],
                after.saturated[layer],
                self._moved(layer),
            )
            for layer in range(self.settings.depth)
        )

    def _moved(self, layer: int) -> float:
        start = float(np.linalg.norm(self.start[layer]))
        largest = float(np.abs(self.moves[layer]).max())
        if largest == 0:
            return 0.0
        moved = largest * float(np.linalg.norm(self.moves[layer] / largest))  # squares of 1e-200 would be lost
        return moved / start if start else math.inf
