"""One step, number by number: a published example, and the chain rule on every number shown.

Tolerances: half a unit of the last digit that Mazur printed; else sums of at most four products in float64, off by 6
eps of what is summed, which cancels less than a thousandfold in these numbers: 1e-12 and 1e-11 hold in whatever order
they are summed. Central differences are off by some 1e-11.
"""

from __future__ import annotations

import numpy as np
import pytest

from dlmath.gates.engine.trace import trace_step
from dlmath.gates.engine.training import TrainingSettings, train
from dlmath.neural.activations import ACTIVATIONS
from dlmath.neural.architecture import Architecture
from dlmath.neural.optimizers import OPTIMIZERS

INPUTS = np.array([[0, 0], [0, 1], [1, 0], [1, 1.0]])
XOR = np.array([[0], [1], [1], [0.0]])


def test_mazurs_published_step():
    """M. Mazur, "A step by step backpropagation example" (2015), to every digit printed there."""
    architecture = Architecture((2, 2, 2), ("sigmoid", "sigmoid"))
    weights = (np.array([[0.15, 0.25], [0.20, 0.30]]), np.array([[0.40, 0.50], [0.45, 0.55]]))
    biases = (np.array([0.35, 0.35]), np.array([0.60, 0.60]))
    settings = TrainingSettings(
        architecture, loss="half-sse", learning_rate=0.5, fixed_biases=True,
        parameters=architecture.flatten(weights, biases),
    )  # fmt: skip
    trace = trace_step(np.array([[0.05, 0.10]]), np.array([[0.01, 0.99]]), settings)
    hidden, output = trace.layers
    np.testing.assert_allclose(trace.outputs, [[0.75136507, 0.772928465]], atol=5e-9)
    assert trace.loss == pytest.approx(0.298371109, abs=5e-10)
    np.testing.assert_allclose(
        output.weights_after.T.ravel(), [0.35891648, 0.408666186, 0.511301270, 0.561370121], atol=5e-9
    )
    np.testing.assert_allclose(
        hidden.weights_after.T.ravel(), [0.149780716, 0.19956143, 0.24975114, 0.29950229], atol=5e-9
    )
    np.testing.assert_array_equal(output.biases_after, output.biases)
    assert output.bias_gradient.all()
    assert trace.gradient_error < 1e-8


@pytest.mark.parametrize("loss", ["mse", "half-sse", "cross-entropy"])
@pytest.mark.parametrize("hidden", ["sigmoid", "tanh", "gelu", "elu"])
def test_every_number_follows_from_the_ones_before(hidden, loss):
    settings = TrainingSettings(
        Architecture((2, 3, 2, 1), (hidden, hidden, "sigmoid")), loss=loss, init="normal:1", bias_init="normal:1"
    )
    trace = trace_step(INPUTS, XOR, settings)
    x = INPUTS
    for number, layer in enumerate(trace.layers):
        activation = ACTIVATIONS[layer.activation]
        np.testing.assert_array_equal(layer.inputs, x)
        np.testing.assert_allclose(layer.weighted_sums, x @ layer.weights + layer.biases, rtol=1e-12)
        np.testing.assert_allclose(layer.activations, activation.value(layer.weighted_sums), rtol=1e-13)
        np.testing.assert_allclose(layer.slopes, activation.slope(layer.weighted_sums), rtol=1e-11)
        np.testing.assert_allclose(layer.deltas, layer.loss_slopes * layer.slopes, rtol=1e-11)
        np.testing.assert_allclose(layer.weight_gradient, layer.inputs.T @ layer.deltas, rtol=1e-11, atol=1e-16)
        np.testing.assert_allclose(layer.bias_gradient, layer.deltas.sum(axis=0), rtol=1e-11, atol=1e-16)
        np.testing.assert_allclose(layer.numerical_weight_gradient, layer.weight_gradient, atol=1e-10)
        np.testing.assert_allclose(layer.numerical_bias_gradient, layer.bias_gradient, atol=1e-10)
        np.testing.assert_allclose(layer.weights_after, layer.weights - trace.rate * layer.weight_gradient, rtol=1e-12)
        if number + 1 < len(trace.layers):
            after = trace.layers[number + 1]
            np.testing.assert_allclose(layer.loss_slopes, after.deltas @ after.weights.T, rtol=1e-12)
        x = layer.activations
    np.testing.assert_array_equal(trace.outputs, x)
    assert trace.loss_after < trace.loss
    assert trace.gradient_error < 1e-7


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_the_step_is_trainings_first(optimizer):
    settings = TrainingSettings(Architecture((2, 3, 1), ("tanh", "sigmoid")), optimizer=optimizer, epochs=1, seed=5)
    trace, run = trace_step(INPUTS, XOR, settings), train(INPUTS, XOR, settings).shown
    for layer, weights, biases in zip(trace.layers, run.weights, run.biases, strict=True):
        np.testing.assert_array_equal(layer.weights_after, weights)
        np.testing.assert_array_equal(layer.biases_after, biases)
    np.testing.assert_array_equal(trace.outputs_after, run.outputs)
    assert trace.loss_after == run.loss
    assert trace.loss == run.curve.values[0]


def test_an_online_step_sees_the_first_row():
    settings = TrainingSettings(Architecture((2, 3, 1), ("tanh", "sigmoid")), batch="online")
    trace = trace_step(INPUTS, XOR, settings)
    np.testing.assert_array_equal(trace.rows, INPUTS[:1])


def test_kinks_are_named():
    settings = TrainingSettings(Architecture((2, 2, 1), ("relu", "sigmoid")), init="zeros")
    assert "W1[0,0]" in trace_step(INPUTS, XOR, settings).at_kink
