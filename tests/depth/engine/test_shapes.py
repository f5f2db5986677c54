"""Layers that differ in width, cells whose steps share their weights, PyTorch's biases."""

import math

import numpy as np
import pytest

from dlmath.depth.engine.explicit import ExplicitNetwork, Signal
from dlmath.depth.engine.histograms import histograms
from dlmath.depth.engine.lstm import LstmNetwork
from dlmath.depth.engine.matrices import random_biases, rooms
from dlmath.depth.engine.measure import measure
from dlmath.depth.engine.normals import BIASES, stream
from dlmath.depth.engine.planner import count_weights, no_law, plan
from dlmath.depth.engine.settings import BiasLaw, DepthSettings, bias_law, check_settings, weight_law
from dlmath.depth.engine.task import ParityTask
from dlmath.depth.engine.training import train_parity
from dlmath.errors import InvalidValueError

UNEVEN = DepthSettings(depth=4, width=9, widths=(5, 9, 4, 7), batch=3, dtype="float64", activation="tanh", init="he")


def loss(net):
    last = net.forward()
    return float(np.sum(net.errors * last.array)) * math.exp(last.log)


def central(function, array, place, step=1e-6):
    before = array[place]
    array[place] = before + step
    above = function()
    array[place] = before - step
    below = function()
    array[place] = before
    return (above - below) / (2 * step)


@pytest.mark.parametrize("changes", [{}, {"init": "orthogonal"}, {"normalize": "layer"}, {"init": "torch"}], ids=str)
def test_gradients_of_uneven_layers_are_central_differences(changes):
    settings = UNEVEN._replace(**changes)
    net = ExplicitNetwork(settings, 2, rooms(settings.sizes, np.dtype(np.float64)))
    net.forward()
    for layer in range(4):
        assert net.weights[layer].core.shape == (settings.sizes[layer + 1], settings.sizes[layer])
        net.forward()
        g = Signal(net.errors, 0.0)
        for place in range(3, layer - 1, -1):
            g, delta = net.step_back(place, g)
        x = net.states[layer].inputs
        analytic = (delta.array.T @ x.array * math.exp(delta.log + x.log))[1, 2] * net.weights[layer].scale
        assert analytic == pytest.approx(
            central(lambda: loss(net), net.weights[layer].core, (1, 2)), rel=2e-6, abs=1e-9
        )
        if len(net.biases):
            delta_bias = float(delta.array[:, 1].sum()) * math.exp(delta.log)
            net.forward()
            assert delta_bias == pytest.approx(central(lambda: loss(net), net.biases[layer], 1), rel=2e-6, abs=1e-9)
    assert len(net.biases) == (4 if changes.get("init") == "torch" else 0)


@pytest.mark.parametrize(
    ("activation", "init"), [("tanh", "lecun"), ("relu", "he"), ("sigmoid", "glorot-normal"), ("tanh", "orthogonal")]
)
def test_theory_follows_layers_that_differ_in_width(activation, init):
    widths = (48, 96, 32, 64, 96, 48, 80, 32)
    found = measure(DepthSettings(depth=8, width=96, widths=widths, activation=activation, init=init, seeds=60))
    assert found.plan.method == "explicit"
    assert abs(found.z) < 4
    assert found.ratio == pytest.approx(found.expected_ratio, rel=0.03)
    gradients = [layer.log10_gradient for layer in found.layers]
    assert gradients[0] == pytest.approx(found.layers[0].predicted_log10_gradient, abs=0.1)


def test_equal_widths_are_a_plain_network():
    one, other = (
        measure(DepthSettings(depth=5, width=16, widths=widths, activation="tanh", seeds=3))
        for widths in (None, (16,) * 5)
    )
    assert one.log10_gradient == pytest.approx(other.log10_gradient, rel=1e-12)
    assert one.expected_ratio == pytest.approx(other.expected_ratio, rel=1e-12)


def test_uneven_layers_are_counted_trained_and_have_no_residual():
    assert count_weights(UNEVEN) == 5 * 5 + 5 * 9 + 9 * 4 + 4 * 7
    assert "one width" in no_law(UNEVEN)
    found = train_parity(UNEVEN._replace(batch=1), ParityTask(30, bits=2))
    assert all(layer.moved > 0 for layer in found.layers)
    with pytest.raises(InvalidValueError, match="differ in width"):
        check_settings(UNEVEN._replace(residual="pre"))
    with pytest.raises(InvalidValueError, match="3 widths"):
        check_settings(UNEVEN._replace(widths=(3, 4, 5)))


def test_orthogonal_rectangles_keep_what_they_can():
    """A tall one keeps every norm; of a wide one the mean square over directions is fan_out / fan_in."""
    assert weight_law("orthogonal", 4, 9).sigma == pytest.approx((4 / 9) ** 0.5)
    assert weight_law("orthogonal", 9, 4).sigma == 1
    net = ExplicitNetwork(UNEVEN._replace(init="orthogonal"), 0, rooms(UNEVEN.sizes, np.dtype(np.float64)))
    net.forward()
    for layer in range(4):
        matrix = net.weights[layer].matrix()
        tall = matrix.shape[0] >= matrix.shape[1]
        gram = matrix.T @ matrix if tall else matrix @ matrix.T
        np.testing.assert_allclose(gram, np.eye(len(gram)), atol=1e-12)


def test_orthogonal_with_a_gain():
    law = weight_law("orthogonal", 16, weight_std=1.5)
    assert (law.family, law.sigma) == ("orthogonal", 1.5)
    found = measure(DepthSettings(depth=30, width=32, activation="linear", init="orthogonal", weight_std=1.5))
    assert found.ratio == pytest.approx(1.5, rel=1e-5)


def test_pytorchs_biases_are_uniform():
    law = bias_law("torch", 48)
    assert law.family == "uniform"
    drawn = random_biases(stream(0, BIASES), law, 40_000, np.dtype(np.float64))
    limit = 48**-0.5
    assert np.abs(drawn).max() <= limit
    assert drawn.std() == pytest.approx(limit / 3**0.5, rel=0.02)
    assert bias_law("torch", 48, 0.3) == BiasLaw("gaussian", 0.3)
    assert bias_law("he", 48).sigma == 0
    found = measure(DepthSettings(depth=30, width=200, activation="tanh", init="torch", seeds=6))
    assert abs(found.z) < 4


# ---------------------------------------------------------------- cells


@pytest.mark.parametrize("activation", ["tanh", "sigmoid"])
def test_a_recurrent_network_uses_one_matrix(activation):
    settings = DepthSettings(
        depth=7, width=5, batch=2, dtype="float64", activation=activation, init="he", bias_std=0.2, cell="rnn"
    )
    net = ExplicitNetwork(settings, 1, np.empty((1, 5, 5)))
    net.forward()
    assert (len(net.weights), len(net.biases)) == (1, 1)
    x = net.inputs
    for _ in range(7):
        x = settings.phi.value(x @ net.weights[0].matrix().T + net.biases[0])
    np.testing.assert_allclose(net.forward().array, x, rtol=1e-12)
    g, gradient = Signal(net.errors, 0.0), np.zeros((5, 5))
    for step in range(6, -1, -1):
        g, delta = net.step_back(step, g)
        inputs = net.states[step].inputs
        gradient += delta.array.T @ inputs.array * math.exp(delta.log + inputs.log)
    numeric = central(lambda: loss(net), net.weights[0].core, (2, 3)) / net.weights[0].scale
    assert gradient[2, 3] == pytest.approx(numeric, rel=1e-6, abs=1e-10)


LSTM = DepthSettings(
    depth=6, width=4, batch=2, dtype="float64", activation="tanh", init="he", bias_std=0.3, cell="lstm", forget_bias=0.7
)


def test_gradients_of_an_lstm_are_central_differences():
    net = LstmNetwork(LSTM, 3)

    def error():
        return float(np.sum(net.errors * net.forward()[0]))

    net.forward()
    h, c = net.errors, np.zeros_like(net.errors)
    weights, states = [np.zeros((4, 4)) for _ in range(4)], []
    for step in reversed(net.steps):
        h, c, deltas = net.step_back(step, h, c)
        states.append((h, c))
        for gate, delta in enumerate(np.split(deltas, 4, axis=1)):
            weights[gate] += delta.T @ step.h
    for gate in range(4):
        numeric = central(error, net.weights[gate], (1, 2))
        assert weights[gate][1, 2] == pytest.approx(numeric, rel=1e-6, abs=1e-10)
    assert h[1, 2] == pytest.approx(central(error, net.start[0], (1, 2)), rel=1e-6, abs=1e-10)
    assert c[0, 3] == pytest.approx(central(error, net.start[1], (0, 3)), rel=1e-6, abs=1e-10)
    net.forward()
    found = net.run()
    for t, (h, c) in enumerate(reversed(states)):
        norm = math.sqrt(float(np.sum(h * h) + np.sum(c * c)))
        assert found.log_gradient[t, 0] == pytest.approx(math.log(norm), abs=1e-10)


def test_the_forget_bias_is_added_to_the_forget_gate_alone():
    one, other = (LstmNetwork(LSTM._replace(forget_bias=bias), 0) for bias in (0.0, 2.5))
    shifts = [float((b - a).max()) for a, b in zip(one.biases, other.biases, strict=True)]
    assert shifts == pytest.approx([0, 2.5, 0, 0])


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"residual": "pre"}, "residual"),
        ({"normalize": "layer"}, "normalization"),
        ({"widths": (4, 5), "depth": 2}, "several widths"),
        ({"init": "lsuv"}, "lsuv"),
        ({"method": "law"}, "method law"),
        ({"activation": "relu"}, "no bounds"),
        ({"cell": "gru"}, "unknown cell"),
    ],
)
def test_what_does_not_go_with_a_cell(changes, word):
    with pytest.raises(InvalidValueError, match=r".") as caught:
        check_settings(LSTM._replace(**changes))
    assert word in str(caught.value)
    with pytest.raises(InvalidValueError, match="not for --cell"):
        train_parity(LSTM, ParityTask(3))


def test_cells_fit_into_little_memory():
    assert plan(DepthSettings(depth=10_000, width=256, cell="rnn")).kept_layers == 1
    assert plan(LSTM).memory < 1e6


# ---------------------------------------------------------------- distributions


def test_distributions_are_those_of_the_passes():
    settings = DepthSettings(depth=12, width=64, activation="sigmoid", init="lecun")
    found = histograms(settings, (1, 12))
    assert [histogram.layer for histogram in found.gradients] == [1, 12]
    means = [
        float(np.average(histogram.centres, weights=histogram.density))
        for histogram in (*found.gradients, *found.activations)
    ]
    measured = measure(settings._replace(batch=32, method="explicit"))
    for mean, layer in zip(means[:2], (0, 11), strict=True):
        # E log10 |g| is a quarter of a decade below log10 of the root mean square, were g normal
        assert mean == pytest.approx(measured.layers[layer].log10_gradient - 0.27, abs=0.25)
    assert means[3] == pytest.approx(measured.layers[11].activation_mean, abs=0.02)
    assert histograms(settings._replace(cell="lstm", activation="tanh"), (1,)).reason
