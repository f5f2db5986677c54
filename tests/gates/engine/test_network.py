"""Forward and backward over lanes against the chain rule for one sample at a time, in plain Python loops.

Tolerances: networks of at most four layers of four units are sums of at most five products, off by 6 eps a layer and by
a few eps in each activation: some 50 eps for what is of size 1, that is 1e-14 in float64 and 6e-6 in float32.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from dlmath.gates.engine.layers import padded, run
from dlmath.gates.engine.network import LaneNetwork
from dlmath.gates.engine.predict import predict
from dlmath.neural.activations import ACTIVATIONS
from dlmath.neural.architecture import BIAS_KINDS, Architecture
from dlmath.neural.losses import LOSSES

SIZES = [(3, 1), (3, 2), (2, 3, 1), (2, 1, 1), (2, 3, 2), (3, 4, 2, 1), (3, 2, 4, 3)]


def naive(architecture, loss, inputs, targets, parameters):
    """Return outputs, loss and gradient, number by number."""
    weights, biases = architecture.weights(parameters), architecture.biases(parameters)
    gradient = np.zeros_like(parameters)
    weight_gradients, bias_gradients = architecture.weights(gradient), architecture.biases(gradient)
    outputs, total = np.zeros_like(targets), 0.0
    for r in range(len(inputs)):
        x, sums = [list(inputs[r])], []
        for layer, shape in enumerate(architecture.layers):
            z = []
            for k in range(shape.fan_out):
                bias = biases[layer][k % shape.bias_count] if shape.bias_count else 0.0
                z.append(sum(x[-1][h] * weights[layer][h, k] for h in range(shape.fan_in)) + bias)
            sums.append(z)
            x.append([float(ACTIVATIONS[shape.activation].value(np.array(v))) for v in z])
        outputs[r] = x[-1]
        delta = []
        for k, (a, y) in enumerate(zip(x[-1], targets[r], strict=True)):
            scale = {"mse": 2 / targets.size, "half-sse": 1, "cross-entropy": 1 / targets.size}[loss.name]
            slope = float(ACTIVATIONS[architecture.activations[-1]].slope(np.array(sums[-1][k])))
            delta.append(scale * (a - y) * (1 if loss.name == "cross-entropy" else slope))
            if loss.name == "cross-entropy":
                total -= (y * math.log(a) + (1 - y) * math.log(1 - a)) / targets.size
            else:
                total += (a - y) ** 2 * scale / 2
        for layer in reversed(range(len(architecture.layers))):
            shape = architecture.layers[layer]
            for k in range(shape.fan_out):
                for h in range(shape.fan_in):
                    weight_gradients[layer][h, k] += x[layer][h] * delta[k]
                if shape.bias_count:
                    bias_gradients[layer][k % shape.bias_count] += delta[k]
            if layer:
                before = ACTIVATIONS[architecture.activations[layer - 1]]
                delta = [
                    sum(delta[k] * weights[layer][h, k] for k in range(shape.fan_out))
                    * float(before.slope(np.array(sums[layer - 1][h])))
                    for h in range(shape.fan_in)
                ]
    return outputs, total, gradient


def random_case(architecture, lanes, dtype, seed=0):
    rng = np.random.default_rng(seed)
    inputs = rng.normal(size=(4, architecture.sizes[0]))
    targets = rng.random((4, architecture.sizes[-1]))
    parameters = np.zeros((architecture.parameter_count, padded(lanes, np.dtype(dtype))), dtype)
    parameters[:, :lanes] = rng.normal(size=(architecture.parameter_count, lanes))
    return inputs, targets, parameters


@pytest.mark.parametrize("sizes", SIZES, ids=str)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_lanes_agree_with_the_naive_loops(sizes, activation):
    for bias in BIAS_KINDS:
        for loss in LOSSES.values():
            output = "sigmoid" if loss.from_logits else activation
            compare_with_naive(Architecture.uniform(sizes, activation, output, bias), loss, np.float64, 1e-11)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_float32_agrees_to_its_precision(activation):
    for sizes in SIZES:
        compare_with_naive(Architecture.uniform(sizes, activation, "sigmoid"), LOSSES["mse"], np.float32, 2e-5)


def compare_with_naive(architecture, loss, dtype, tolerance):
    inputs, targets, parameters = random_case(architecture, 2, dtype)
    network = LaneNetwork(architecture, loss, inputs, targets, parameters, np.zeros_like(parameters))
    with np.errstate(over="ignore"):
        run(network.forward)
        outputs, losses = network.outputs(), network.losses()
        run(network.errors)
        errors = network.output.u * network.error_unit
        run(network.backward)
    for lane in range(2):
        expected = naive(architecture, loss, inputs, targets, parameters[:, lane].astype(float))
        np.testing.assert_allclose(outputs[:, :, lane], expected[0], rtol=tolerance, atol=tolerance)
        np.testing.assert_allclose(losses[lane], expected[1], rtol=tolerance, atol=tolerance)
        np.testing.assert_allclose(errors[:, :, lane], expected[0] - targets, rtol=tolerance, atol=tolerance)
        size = max(1, np.abs(expected[2]).max())
        np.testing.assert_allclose(network.gradient[:, lane] / size, expected[2] / size, atol=tolerance)


@pytest.mark.parametrize("sizes", [(2, 4, 1), (3, 4, 4, 2)], ids=str)
def test_both_forms_of_the_sigmoid_give_the_same_network(sizes, monkeypatch):
    """The tanh form runs only where it is the faster one, so it is put in place by hand."""
    from dlmath.neural import machines

    for fast_tanh in (False, True):
        monkeypatch.setattr(machines, "_has_fast_tanh", lambda fast=fast_tanh: fast)
        for bias in BIAS_KINDS:
            architecture = Architecture.uniform(sizes, "sigmoid", "sigmoid", bias)
            for loss in LOSSES.values():
                compare_with_naive(architecture, loss, np.float32, 2e-5)


def test_scale_and_fixed_biases():
    architecture = Architecture((2, 3, 2), ("tanh", "sigmoid"))
    inputs, targets, parameters = random_case(architecture, 1, np.float64)
    plain, scaled, fixed = (
        LaneNetwork(
            architecture,
            LOSSES["mse"],
            inputs,
            targets,
            parameters,
            np.zeros_like(parameters),
            scale=scale,
            fixed_biases=fix,
        )
        for scale, fix in ((1, False), (3, False), (1, True))
    )
    for network in (plain, scaled, fixed):
        with np.errstate(over="ignore"):
            for program in (network.forward, network.errors, network.backward):
                run(program)
    np.testing.assert_allclose(scaled.gradient, 3 * plain.gradient, rtol=1e-14)
    for layer in architecture.layers:
        np.testing.assert_array_equal(fixed.gradient[layer.weights], plain.gradient[layer.weights])
        assert not fixed.gradient[layer.biases].any()
        assert plain.gradient[layer.biases].any()


def test_predict_is_the_forward_pass():
    architecture = Architecture((2, 3, 1), ("gelu", "sigmoid"))
    inputs, targets, parameters = random_case(architecture, 1, np.float64)
    expected = naive(architecture, LOSSES["mse"], inputs, targets, parameters[:, 0])[0]
    np.testing.assert_allclose(predict(architecture, parameters[:, 0], inputs), expected, rtol=1e-13)
