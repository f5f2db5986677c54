"""One step of training, number by number: what `--explain` shows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from dlmath.gates.engine.gradients import check_gradients
from dlmath.gates.engine.history import moments
from dlmath.gates.engine.layers import run
from dlmath.gates.engine.network import LaneNetwork, one_network
from dlmath.gates.engine.training import initial_parameters, make_problem

if TYPE_CHECKING:
    from dlmath.gates.engine.lanes import Problem
    from dlmath.gates.engine.training import TrainingSettings
    from dlmath.neural.architecture import Architecture
    from dlmath.neural.arrays import Array


@dataclass(frozen=True)
class LayerTrace:
    """One layer's numbers; R rows, H units before it, K units in it, B biases.

    Attributes
    ----------
    activation : str
    inputs : ndarray (R, H)
        What the layer reads: the data, or the activations of the layer before.
    weighted_sums, activations, slopes : ndarray (R, K)
        z = x W + b, a = phi(z), da/dz.
    loss_slopes : ndarray (R, K)
        dL/da: of the loss itself at the outputs, else the sum of the next layer's deltas times its weights.
    deltas : ndarray (R, K)
        dL/dz = dL/da * da/dz.
    weights, weights_after : ndarray (H, K)
    biases, biases_after : ndarray (B,)
    weight_gradient, numerical_weight_gradient : ndarray (H, K)
        dL/dW[h,k], the sum over rows of inputs[r,h] * deltas[r,k]; and by central differences.
    bias_gradient, numerical_bias_gradient : ndarray (B,)
        As computed, fixed biases or not.
    """

    activation: str
    inputs: Array
    weighted_sums: Array
    activations: Array
    slopes: Array
    loss_slopes: Array
    deltas: Array
    weights: Array
    biases: Array
    weight_gradient: Array
    bias_gradient: Array
    numerical_weight_gradient: Array
    numerical_bias_gradient: Array
    weights_after: Array
    biases_after: Array


@dataclass(frozen=True)
class StepTrace:
    """One step of training.

    Attributes
    ----------
    rows : ndarray (R, n)
        The rows of the step: all of them, or the first one when the batch is `online`.
    targets : ndarray (R, K)
    layers : tuple of LayerTrace
        From the input side to the output side.
    outputs, outputs_after : ndarray (R, K)
    loss, loss_after : float
        Over the rows of the step, before and after the update.
    rate : float
    gradient_error : float
        The largest relative error between analytic and numerical gradients.
    at_kink : tuple of str
        Names of the parameters that were not compared (see `gradients.GradientCheck`).
    """

    rows: Array
    targets: Array
    layers: tuple[LayerTrace, ...]
    outputs: Array
    outputs_after: Array
    loss: float
    loss_after: float
    rate: float
    gradient_error: float
    at_kink: tuple[str, ...]


def trace_step(inputs: Array, targets: Array, settings: TrainingSettings, epoch: int = 0) -> StepTrace:
    """Return one step of the first seed's training, in float64, through the code that trains.

    Parameters
    ----------
    inputs, targets : ndarray (R, n), (R, K)
    settings : TrainingSettings
        Its dtype is not used: explanations are in float64.
    epoch : int
        The step after so many epochs: 0, the first.
    """
    whole = make_problem(inputs, targets, replace(settings, dtype="float64"))
    start = next(moments(whole, initial_parameters(settings), settings.memory, [epoch]))
    problem = _step_problem(whole)
    before = start.parameters
    after = _updated(problem, before, start.memory)
    architecture = problem.architecture
    check = check_gradients(architecture, problem.loss, problem.inputs, problem.targets, before)
    network = one_network(architecture, problem.loss, problem.inputs, problem.targets, before)
    layers = _trace_layers(network, problem, before, after, check.numerical)
    outputs_after, loss_after = _outputs_and_loss(problem, after)
    outputs, loss = _outputs_and_loss(problem, before)
    return StepTrace(
        problem.inputs, problem.targets, layers, outputs, outputs_after, loss, loss_after, problem.rate,
        check.largest, tuple(name for name, kink in zip(check.names, check.at_kink, strict=True) if kink),
    )  # fmt: skip


def _step_problem(problem: Problem) -> Problem:
    """Return the problem of one update: an online update sees one row."""
    if not problem.online:
        return problem
    return replace(problem, inputs=problem.inputs[:1], targets=problem.targets[:1], online=False)


def _updated(problem: Problem, parameters: Array, memory: Array) -> Array:
    """Return the parameters (P,) one epoch later."""
    return next(moments(problem, parameters, memory, [1])).parameters


def _outputs_and_loss(problem: Problem, parameters: Array) -> tuple[Array, float]:
    network = one_network(problem.architecture, problem.loss, problem.inputs, problem.targets, parameters)
    with np.errstate(over="ignore", invalid="ignore"):
        run(network.forward)
    return network.outputs()[:, :, 0], float(network.losses()[0])


def _trace_layers(
    network: LaneNetwork, problem: Problem, before: Array, after: Array, numerical: Array
) -> tuple[LayerTrace, ...]:
    first_lane = np.array([0])
    sums, values, slopes = [], [problem.inputs], []
    with np.errstate(over="ignore", invalid="ignore"):
        for layer, weighted in network.forward_by_layer():
            sums.append(weighted[:, :, 0])
            values.append(layer.activations()[:, :, 0])
            slopes.append(layer.slope_of(first_lane)[:, :, 0])
        run(network.errors)
        run(network.backward)
    deltas = [layer.delta()[:, :, 0] for layer in network.layers]
    weights = problem.architecture.weights(before)
    loss_slopes = [delta @ matrix.T for delta, matrix in zip(deltas[1:], weights[1:], strict=True)]
    scale = problem.loss.scale(*problem.targets.shape)
    with np.errstate(divide="ignore", invalid="ignore"):  # cross-entropy at a saturated output: dL/da is infinite
        loss_slopes.append(scale * problem.loss.slope(values[-1], problem.targets))
    flat = _split(problem.architecture, before, network.gradient[:, 0], numerical, after)
    return tuple(
        LayerTrace(
            shape.activation, values[i], sums[i], values[i + 1], slopes[i], loss_slopes[i], deltas[i],
            flat[0][i][0], flat[0][i][1], flat[1][i][0], flat[1][i][1], flat[2][i][0], flat[2][i][1],
            flat[3][i][0], flat[3][i][1],
        )
        for i, shape in enumerate(problem.architecture.layers)
    )  # fmt: skip


def _split(architecture: Architecture, *vectors: Array) -> list[list[tuple[Array, Array]]]:
    """Return (weights, biases) by layer of each flat vector (P,)."""
    return [list(zip(architecture.weights(vector), architecture.biases(vector), strict=True)) for vector in vectors]
