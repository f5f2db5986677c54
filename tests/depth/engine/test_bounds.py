"""The bound over every gradient, the moved layers, and a sigma of any size."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlmath.depth.engine.bounds import bound, spectral_radius
from dlmath.depth.engine.explicit import ExplicitNetwork
from dlmath.depth.engine.measure import measure
from dlmath.depth.engine.normals import MOVES, normals, stream
from dlmath.depth.engine.path import strongest_path
from dlmath.depth.engine.sensitivity import move_layers, spread_layers
from dlmath.depth.engine.settings import DepthSettings
from dlmath.errors import DlmathError, InvalidValueError
from dlmath.neural.activations import ACTIVATIONS

INITS = ("glorot", "he", "lecun", "orthogonal", "lsuv", "normal:1", "uniform:0:1", "torch", "constant:0.3")
WORDS = (*ACTIVATIONS, "leaky-relu:3", "elu:2")


@given(
    activation=st.sampled_from(WORDS),
    init=st.sampled_from(INITS),
    depth=st.integers(1, 40),
    width=st.integers(1, 24),
    batch=st.sampled_from([1, 3]),
    residual=st.sampled_from(["none", "pre", "post"]),
    normalize=st.sampled_from(["none", "layer", "batch"]),
    cell=st.sampled_from(["none", "none", "rnn"]),
    seed=st.integers(0, 1000),
)
@settings(max_examples=150, deadline=None, derandomize=True)
def test_no_gradient_exceeds_its_bound(activation, init, depth, width, batch, residual, normalize, cell, seed):
    network = DepthSettings(
        depth=depth, width=width, batch=batch, activation=activation, init=init, residual=residual,
        normalize=normalize, cell=cell, seed=seed, seeds=2, method="explicit",
    )  # fmt: skip
    try:
        limit, found = bound(network), measure(network)
    except InvalidValueError:
        return  # lsuv of one unit, a normalisation over one or two numbers, a cell with remedies
    if limit.log10 is None:
        assert found.extinct == 2
    else:
        assert found.log10_gradient <= limit.log10


def test_slopes_alone_bound_nothing():
    """The issue's own case: 0.25^4 = 10^-2.408 stands above a measured 10^+0.2."""
    network = DepthSettings(depth=4, init="normal:1", method="explicit")
    limit, found = bound(network), measure(network)
    assert limit.log10_slopes == pytest.approx(4 * math.log10(0.25))
    assert limit.log10_slopes < found.log10_gradient < limit.log10


def test_the_bound_of_one_orthogonal_linear_layer_is_reached():
    network = DepthSettings(
        depth=20, width=16, activation="linear", init="orthogonal", method="explicit", dtype="float64"
    )
    assert bound(network).log10 == pytest.approx(measure(network).log10_gradient, abs=1e-11)


@pytest.mark.parametrize(
    ("network", "why"),
    [
        (DepthSettings(init="he"), "law"),
        (DepthSettings(cell="lstm", activation="tanh"), "LSTM"),
        (DepthSettings(depth=100, width=1024, init="glorot"), "too long"),
    ],
)
def test_where_there_is_no_bound_it_says_why(network, why):
    found = bound(network)
    assert found.log10 is None
    assert why in found.reason


def test_the_explained_network_has_its_own_bound():
    found = strongest_path(DepthSettings(depth=6, width=16, activation="tanh", init="he"))
    assert found.factors[-1].log10_product < found.log10_measured < found.log10_bound


# ---------------------------------------------------------------- recurrent networks


def test_a_linear_recurrent_network_grows_by_its_spectral_radius():
    """|(W')^T e|^(1/T) -> rho (Gelfand): far back the mean factor is rho, up to the turns of complex pairs."""
    for seed in (0, 1, 2):
        network = DepthSettings(
            depth=1500, width=24, activation="linear", init="lecun", cell="rnn", dtype="float64", seed=seed
        )
        gradients = [layer.log10_gradient for layer in measure(network).layers]
        measured = 10 ** ((gradients[99] - gradients[899]) / 800)
        assert measured == pytest.approx(spectral_radius(network), rel=3e-3)


def test_orthogonal_recurrence_keeps_the_norm_at_any_length():
    network = DepthSettings(depth=300, width=16, activation="linear", init="orthogonal", cell="rnn", dtype="float64")
    assert measure(network).log10_gradient == pytest.approx(0, abs=1e-10)
    assert spectral_radius(network) == pytest.approx(1, abs=1e-12)


def test_a_forget_gate_near_1_carries_the_gradient():
    """100 steps: the open gate's cell keeps it, one half shut loses 2^100, as a small recurrent matrix does."""
    network = DepthSettings(depth=100, width=64, activation="tanh", init="glorot", cell="lstm")
    kept, lost = (measure(network._replace(forget_bias=bias, weight_std=0.1)) for bias in (6.0, 0.0))
    rnn = measure(network._replace(cell="rnn", weight_std=0.5))
    assert kept.verdict == "stable"
    assert lost.log10_gradient == pytest.approx(-100 * math.log10(2), abs=2)
    assert rnn.verdict == "vanishing"


# ---------------------------------------------------------------- moved layers


def test_a_moved_layer_is_the_network_with_other_weights():
    network = DepthSettings(depth=6, width=12, activation="tanh", init="he")
    moves = move_layers(network, 0.3)
    run = ExplicitNetwork(network._replace(batch=8, dtype="float64", method="explicit"), 0, np.empty((6, 12, 12)))
    run.forward()
    matrices, x = [weights.matrix() for weights in run.weights], run.inputs

    def output(weights):
        signal = x
        for matrix in weights:
            signal = np.tanh(signal @ matrix.T)
        return signal

    before, source = output(matrices), stream(0, MOVES)
    for move in moves:
        direction = normals(source, 144, np.dtype(np.float64)).reshape(12, 12)
        place = move.layer - 1
        direction *= 0.3 * np.linalg.norm(matrices[place]) / np.linalg.norm(direction)
        after = output([*matrices[:place], matrices[place] + direction, *matrices[place + 1 :]])
        assert move.output_change == pytest.approx(np.linalg.norm(after - before) / np.linalg.norm(before), rel=1e-9)
        assert move.log10_output_change == pytest.approx(math.log10(move.output_change))


def test_a_large_change_of_the_first_sigmoid_layer_has_little_effect():
    first, *_, last = move_layers(DepthSettings(depth=20, width=64), 1.0)
    assert first.output_change < 1e-9
    assert last.output_change > 0.1


def test_layers_evenly_apart():
    assert spread_layers(1) == (1,)
    assert spread_layers(5) == (1, 2, 3, 4, 5)
    assert spread_layers(1000)[0::4] == (1, 1000)


# ---------------------------------------------------------------- sigmas of any size


@given(
    exponent=st.floats(-300, 6),
    bias_exponent=st.one_of(st.none(), st.floats(-300, 6)),
    activation=st.sampled_from(WORDS),
    init=st.sampled_from(["lecun", "orthogonal"]),
    depth=st.sampled_from([1, 2, 30]),
    width=st.sampled_from([1, 2, 16]),
    residual=st.sampled_from(["none", "none", "pre", "post"]),
    normalize=st.sampled_from(["none", "none", "layer"]),
    method=st.sampled_from(["auto", "explicit"]),
)
@settings(max_examples=150, deadline=None, derandomize=True)
def test_a_sigma_of_any_size_is_measured_or_refused(
    exponent, bias_exponent, activation, init, depth, width, residual, normalize, method
):
    """No warning (they are errors here), no arithmetic error, no nan."""
    network = DepthSettings(
        depth=depth, width=width, activation=activation, init=init, weight_std=10.0**exponent,
        bias_std=None if bias_exponent is None else 10.0**bias_exponent, residual=residual, normalize=normalize,
        method=method, seeds=2,
    )  # fmt: skip
    try:
        found = measure(network)
    except DlmathError:
        return
    assert not math.isnan(found.ratio)
    assert not math.isnan(found.log10_gradient)
    assert found.z is None or not math.isnan(found.z)
    assert all(not math.isnan(layer.log10_variance) for layer in found.layers)


@pytest.mark.parametrize("sigma", [1e-8, 1e-162, 1e-290])
@pytest.mark.parametrize("activation", ["softplus", "tanh", "relu", "sigmoid", "gelu"])
def test_tiny_weights_have_the_factor_of_the_slope_at_0(sigma, activation):
    """phi' at 0 is 1/2 (softplus, gelu), 1 (tanh), 1/4 (sigmoid); relu passes half of the mean square."""
    found = measure(DepthSettings(depth=20, width=128, activation=activation, weight_std=sigma, init="lecun", seeds=4))
    slope = {"softplus": 0.5, "gelu": 0.5, "tanh": 1, "sigmoid": 0.25, "relu": 0.5**0.5}[activation]
    assert found.log10_gradient / 20 == pytest.approx(math.log10(sigma * slope), abs=0.02)
    assert found.z is None or abs(found.z) < 4


def test_the_variance_of_a_signal_beyond_the_largest_number():
    found = measure(DepthSettings(depth=400, width=16, activation="linear", weight_std=20.0, init="lecun"))
    last = found.layers[-1]
    assert last.activation_variance == math.inf
    assert last.log10_variance == pytest.approx(400 * math.log10(400), rel=0.05)
