"""Networks with real matrices, held to central differences, to the plain textbook passes and to published factors.

Tolerances hold on any processor: central differences of a step h are off by h^2 and by eps / h, whatever the order of
sums; float64 passes by about width eps a layer, a thousandth of what is allowed; means of fixed draws by four standard
errors, which rounding does not move.
"""

import itertools
import math

import numpy as np
import pytest

from dlmath.depth.engine.explicit import ExplicitNetwork, Signal
from dlmath.depth.engine.matrices import MatrixRecipe, MatrixStream, room
from dlmath.depth.engine.settings import DepthSettings, weight_law
from dlmath.neural.activations import ACTIVATIONS, get_activation

SMALL = DepthSettings(depth=4, width=5, batch=3, dtype="float64", activation="tanh", init="lecun", method="explicit")
REMEDIES = [
    {"residual": residual, "normalize": normalize}
    for residual, normalize in itertools.product(("none", "pre", "post"), ("none", "layer", "batch"))
]
MORE = [{"init": "orthogonal"}, {"init": "lsuv"}, {"bias_std": 0.3}, {"init": "uniform:0:1"}, {"weight_std": 3.0}]


def network(settings, seed=0):
    store = np.empty((settings.depth, settings.width, settings.width), settings.dtype)
    return ExplicitNetwork(settings, seed, store)


def loss(net):
    last = net.forward()
    return float(np.sum(net.errors * last.array)) * math.exp(last.log)


def weight_gradient(net, layer):
    g = Signal(net.errors, 0.0)
    for place in range(net.settings.depth - 1, layer - 1, -1):
        g, delta = net.step_back(place, g)
    x = net.states[layer].inputs
    return delta.array.T @ x.array * math.exp(delta.log + x.log), g


def central(net, array, place, step):
    before = array[place]
    array[place] = before + step
    above = loss(net)
    array[place] = before - step
    below = loss(net)
    array[place] = before
    return (above - below) / (2 * step)


@pytest.mark.parametrize("changes", [*REMEDIES, *MORE], ids=str)
@pytest.mark.parametrize("activation", ["tanh", "gelu", "relu"])
def test_gradients_are_central_differences_with_every_remedy(changes, activation):
    net = network(SMALL._replace(activation=activation, **changes), seed=3)
    net.forward()
    for layer, place in ((0, (1, 2)), (2, (4, 0)), (3, (0, 0))):
        weights = net.weights[layer]
        net.forward()
        analytic = weight_gradient(net, layer)[0][place]
        step = 1e-6 / (weights.scale * math.exp(net.gains[layer]))
        numeric = central(net, weights.core, place, step) / (weights.scale * math.exp(net.gains[layer]))
        assert analytic == pytest.approx(numeric, rel=2e-6, abs=1e-9)
    net.forward()
    g = weight_gradient(net, 0)[1]
    numeric = central(net, net.inputs, (1, 3), 1e-6)
    assert g.array[1, 3] * math.exp(g.log) == pytest.approx(numeric, rel=2e-6, abs=1e-9)


def plain_passes(net):
    """Return ln |dE/dx^l| by the textbook, in float64, of a plain network."""
    phi = net.settings.phi
    x, sums = net.inputs.astype(float), []
    matrices = [weights.matrix() * math.exp(gain) for weights, gain in zip(net.weights, net.gains, strict=True)]
    for matrix in matrices:
        sums.append(x @ matrix.T)
        x = phi.value(sums[-1])
    g, norms = net.errors.astype(float), [0.0]
    for matrix, z in zip(reversed(matrices), reversed(sums), strict=True):
        g = (g * phi.slope(z)) @ matrix
        norms.append(float(np.log(np.linalg.norm(g))))
    return norms[::-1]


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_rescaled_and_plain_passes_agree(activation):
    net = network(SMALL._replace(depth=30, width=12, activation=activation, init="he"), seed=1)
    net.forward()
    log_gradient, _ = net.backward()
    assert log_gradient == pytest.approx(plain_passes(net), abs=1e-11)


@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "relu", "gelu"])
def test_float32_gives_the_exponents_of_float64(activation):
    settings = SMALL._replace(depth=100, width=64, batch=1, activation=activation)
    found = [network(settings._replace(dtype=dtype)).run().log_gradient[0, 0] for dtype in ("float32", "float64")]
    assert found[0] == pytest.approx(found[1], abs=2e-3)
    assert found[0] != found[1]


@pytest.mark.parametrize("init", ["lecun", "glorot", "uniform:0:1", "orthogonal", "lsuv"])
@pytest.mark.parametrize("width", [3, 16, 400])
def test_matrices_drawn_twice_or_kept_are_the_same_network(init, width):
    settings = SMALL._replace(init=init, width=width, bias_std=0.1, depth=5)
    kept = network(settings).run()
    rooms = [room(1, width, np.dtype(np.float64))]
    if init not in {"orthogonal", "lsuv"}:
        rooms.append(room(0, width, np.dtype(np.float64)))
    for store in rooms:
        for one, other in zip(kept, ExplicitNetwork(settings, 0, store).run(), strict=True):
            assert np.array_equal(one, other)


@pytest.mark.parametrize(
    ("init", "mean", "variance"),
    [("lecun", 0, 1 / 200), ("he", 0, 2 / 200), ("glorot", 0, 1 / 200), ("glorot-normal", 0, 1 / 200),
     ("uniform:0.1", 0, 0.01 / 3), ("uniform:0:1", 0.5, 1 / 12), ("normal:0.3", 0, 0.09), ("orthogonal", 0, 1 / 200),
     ("constant:0.7", 0.7, 0.0), ("zeros", 0, 0)],
)  # fmt: skip
def test_matrices_have_the_mean_and_variance_of_their_initialiser(init, mean, variance):
    stream, recipe = MatrixStream(0, np.dtype(np.float64)), MatrixRecipe(weight_law(init, 200), 200, 200)
    x = np.eye(200)
    weights, product = stream.draw(recipe, x, np.empty((200, 200)))
    matrix = weights.matrix()
    assert product == pytest.approx(matrix.T, abs=1e-12)
    assert weights.backward(x) == pytest.approx(matrix, abs=1e-12)
    assert matrix.mean() == pytest.approx(mean, abs=4 * math.sqrt(variance) / 200 + 1e-15)
    assert matrix.var() == pytest.approx(variance, rel=0.03, abs=1e-15)


def test_orthogonal_matrices_keep_every_norm_at_any_depth():
    figures = network(SMALL._replace(depth=60, batch=1, width=20, activation="linear", init="orthogonal")).run()
    assert figures.log_gradient[:, 0] == pytest.approx(0, abs=1e-12)


def test_lsuv_brings_every_weighted_sum_to_variance_1():
    net = network(SMALL._replace(init="lsuv", batch=8, width=30, activation="relu"))
    net.forward()
    for layer in range(4):
        x = net.states[layer].inputs
        z = net.weights[layer].forward(x.array) * math.exp(x.log + net.gains[layer])
        assert z.var() == pytest.approx(1, rel=1e-12)


def test_the_seeds_own_initialisation_loses_49_decades_a_layer():
    figures = [network(DepthSettings(depth=12, width=256, init="uniform:0:1"), seed).run() for seed in range(4)]
    # the first layers have not yet brought every unit to one side
    decades = [float(found.log_gradient[4, 0] - found.log_gradient[-1, 0]) / 8 / math.log(10) for found in figures]
    assert np.mean(decades) == pytest.approx(-50.2, abs=0.8)  # ln r = -N/2 + sqrt(N/12) E max of N normals - ln 2


def test_relu_and_uniform_0_1_grow_by_half_the_width_a_layer():
    totals = []
    for seed in range(8):
        found = network(DepthSettings(depth=30, width=64, init="uniform:0:1", activation="relu"), seed).run()
        if np.isfinite(found.log_gradient).all():  # the others have a first layer that is negative throughout
            totals.append((found.log_gradient[0, 0] - found.log_gradient[-1, 0]) / 30)
    assert 2 <= len(totals) < 8
    assert np.mean(totals) == pytest.approx(math.log(32), abs=0.15)


def test_a_dead_network_has_gradient_0_and_units_dead():
    settings = DepthSettings(depth=5, width=16, init="uniform:-1:0", activation="relu", dtype="float64")
    found = [network(settings, seed).run() for seed in range(4)]
    assert all(np.all(figures.log_gradient[:4] == -np.inf) for figures in found)
    assert all(figures.dead[-1, 0] == 1 for figures in found)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_log_slope_is_the_logarithm_of_the_slope(activation):
    phi = get_activation(activation)
    z = np.linspace(-25, 25, 1001) + 1e-3
    slope = phi.slope(z)
    sign, log = phi.log_slope(z)
    inside = np.abs(slope) > 1e-6
    assert np.exp(log[inside]) * sign[inside] == pytest.approx(slope[inside], rel=1e-9)


@pytest.mark.parametrize(
    ("activation", "z", "log"),
    [
        ("sigmoid", -1000.0, -1000.0),
        ("sigmoid", 1000.0, -1000.0),
        ("tanh", 500.0, math.log(4) - 1000),
        ("elu", -2000.0, -2000.0),
        ("softplus", -3000.0, -3000.0),
        ("gelu", -60.0, -1800 - 0.5 * math.log(2 * math.pi) + math.log(60)),
        ("swish", -900.0, -900 + math.log(899)),
    ],
)
def test_log_slope_where_the_slope_itself_has_underflown(activation, z, log):
    assert get_activation(activation).log_slope(np.array([z]))[1][0] == pytest.approx(log, rel=1e-6)
