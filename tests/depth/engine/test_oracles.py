"""Published and independently computed constants of mean-field theory: the quadrature and the maps against them.

Tolerances are half a unit of the last published digit where there is one; elsewhere 1e-7 to 1e-12, against quadratures
that are sums of a few hundred terms and off by some 1e-14 on any processor.
"""

import math

import pytest

from dlmath.depth.engine.length_map import LengthMapLayer, fixed_point, settled_correlation
from dlmath.depth.engine.settings import DepthSettings
from dlmath.depth.engine.theory import predict
from dlmath.neural.activations import ACTIVATIONS, get_activation
from dlmath.neural.quadrature import homogeneous_slopes, moments, moments_by_quadrature

ZERO, ENDLESS = 0.0, math.inf
# activation, sigma_w^2, q*, chi_1, beta: two independent computations that agree in every digit
FIXED_POINTS = [
    ("sigmoid", 1 / 3, 0.085033764875, 0.020007829338, 2.0089),
    ("sigmoid", 1, 0.264686875182, 0.055720706770, 2.0631),
    ("sigmoid", 0.0256, 0.006410223633, 0.001594900380, 2.0001),
    ("sigmoid", 0.1024, 0.025762795858, 0.006319365669, 2.0009),
    ("tanh", 1 / 3, ZERO, 1 / 3, 2),
    ("tanh", 1, ZERO, 1, 2),
    ("tanh", 2, 0.617964769769, 1.105528820439, 3.1131),
    ("relu", 1, ZERO, 0.5, 5),
    ("relu", 25 / 9, ENDLESS, 25 / 18, 5),
    ("leaky-relu", 1, ZERO, 0.50005, 4.9988),
    ("leaky-relu", 2, ENDLESS, 1.0001, 4.9988),
    ("elu", 1 / 3, ZERO, 1 / 3, 2),
    ("elu", 1, ZERO, 1, 2),
    ("elu", 25 / 9, ENDLESS, 25 / 18, 5),
    ("selu", 1, 1, 1.071574992456, 2.9486),
    ("gelu", 1, ZERO, 0.25, 2),
    ("gelu", 25 / 9, ENDLESS, 25 / 18, 5),
    ("swish", 2, ZERO, 0.5, 2),
    ("swish", 25 / 9, ZERO, 25 / 36, 2),
]


@pytest.mark.parametrize(("name", "variance", "q_star", "chi", "beta"), FIXED_POINTS)
def test_fixed_points(name, variance, q_star, chi, beta):
    found = fixed_point(LengthMapLayer(get_activation(name), math.sqrt(variance)))
    assert found.q_star == pytest.approx(q_star, rel=1e-10)
    assert found.chi_1 == pytest.approx(chi, rel=1e-10)
    assert found.beta == pytest.approx(beta, abs=6e-5)


@pytest.mark.parametrize(("variance", "scale"), [(1 / 3, 0.25301), (1, 0.33270), (2, 0.39705), (25 / 9, 0.42815)])
def test_depth_scale_of_the_length_of_sigmoid_signals(variance, scale):
    found = fixed_point(LengthMapLayer(get_activation("sigmoid"), math.sqrt(variance)))
    assert found.q_depth_scale == pytest.approx(scale, abs=6e-6)


ORDER_AND_CHAOS = [  # tanh, sigma_b^2 = 0.05 (Schoenholz et al. 2017): sigma_w^2, q*, chi_1, c*, xi_q, xi_c
    (0.5, 0.087579865187, 0.431987381821, 1, 1.00885292, 1.19138547),
    (1.0, 0.193592520245, 0.759031647185, 1, 1.74762624, 3.62697562),
    (1.7, 0.533075627947, 0.986740809026, 1, 1.55825401, 74.91827050),
    (2.0, 0.721761872652, 1.047665999576, 0.7440824195, 1.38797575, 25.21341479),
]


@pytest.mark.parametrize(("variance", "q_star", "chi", "c_star", "xi_q", "xi_c"), ORDER_AND_CHAOS)
def test_order_and_chaos(variance, q_star, chi, c_star, xi_q, xi_c):
    layer = LengthMapLayer(get_activation("tanh"), math.sqrt(variance), math.sqrt(0.05))
    found = fixed_point(layer)
    correlation = settled_correlation(layer, found.q_star)
    assert (found.q_star, found.chi_1) == pytest.approx((q_star, chi), rel=1e-10)
    assert found.q_depth_scale == pytest.approx(xi_q, rel=1e-8)
    assert correlation == pytest.approx((c_star, xi_c), rel=1e-8)


@pytest.mark.parametrize(
    ("name", "mean"),
    [("tanh", 0.4644029024), ("gelu", 0.4558508656), ("swish", 0.3794823516), ("elu", 0.6681020012),
     ("selu", 1.0715749925)],
)  # fmt: skip
def test_slopes_at_unit_variance(name, mean):
    assert moments(get_activation(name), 1.0).slope_square == pytest.approx(mean, abs=6e-11)


@pytest.mark.parametrize("name", ["linear", "relu", "leaky-relu"])
@pytest.mark.parametrize("q", [1e-6, 0.3, 1.0, 25.0, 1e5])
def test_quadrature_equals_the_closed_forms(name, q):
    assert homogeneous_slopes(get_activation(name))
    assert moments_by_quadrature(get_activation(name), q) == pytest.approx(moments(get_activation(name), q), rel=1e-12)


@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize("q", [1e-8, 1e-3, 1.0, 25.0, 1e6])
def test_doubling_the_nodes_changes_nothing(name, q):
    activation = get_activation(name)
    once, twice = moments_by_quadrature(activation, q)[1:5], moments_by_quadrature(activation, q, 80)[1:5]
    assert once == pytest.approx(twice, rel=1e-12)


def test_quadrature_without_arguments_between_the_layers_is_the_slope_of_the_length_map():
    layer = LengthMapLayer(get_activation("gelu"), 1.3, 0.2)
    step = 1e-5
    difference = (layer.length(0.7 + step) - layer.length(0.7 - step)) / (2 * step)
    assert layer.sigma_w**2 * layer.moments(0.7).cross == pytest.approx(difference, rel=1e-8)


LAYER_NORM = [("linear", 1), ("sigmoid", 0.3909309552), ("tanh", 1.0852682767), ("relu", 1), ("selu", 1.0351690647)]
BATCH_NORM = [
    ("linear", 1), ("sigmoid", 1.0335923900), ("tanh", 1.1778072323), ("relu", math.pi / (math.pi - 1)),
    ("leaky-relu", 1.4533707611), ("selu", 1.0715749925),
]  # fmt: skip


@pytest.mark.parametrize(("name", "ratio"), LAYER_NORM)
@pytest.mark.parametrize("sigma", [0.1, 1.0, 3.0])
def test_layer_norm_takes_the_scale_of_the_weights_out(name, ratio, sigma):
    found = predict(DepthSettings(activation=name, weight_std=sigma, normalize="layer"))
    assert found.ratio == pytest.approx(ratio, rel=1e-9)


@pytest.mark.parametrize(("name", "chi"), BATCH_NORM)
def test_batch_norm_of_many_inputs(name, chi):
    found = predict(DepthSettings(activation=name, init="he", normalize="batch", batch=10**9))
    assert found.chi_1 == pytest.approx(chi, rel=1e-7)


DEPTH_100 = [  # log10 of the gradient over 100 layers, infinite width: plain; x + W phi(x)
    ("linear", 1, 0, 15.0515), ("sigmoid", 1, -62.7488, 0.3736), ("sigmoid", 2, -49.8619, 0.5553),
    ("tanh", 1, -1.0733, 2.2899), ("tanh", 2, 1.9953, 3.1835), ("relu", 1, -15.0515, 8.8046), ("relu", 2, 0, 15.0515),
    ("elu", 1, -1.5394, 8.9336), ("elu", 2, 1.7211, 15.1712), ("gelu", 1, -29.7833, 8.8078),
]  # fmt: skip


@pytest.mark.parametrize(("name", "variance", "plain", "residual"), DEPTH_100)
def test_layer_by_layer_over_100_layers(name, variance, plain, residual):
    settings = DepthSettings(depth=100, width=1024, activation=name, weight_std=math.sqrt(variance))
    for form, expected in (("none", plain), ("pre", residual)):
        found = predict(settings._replace(residual=form))
        assert found.log_ratio_mean_field * 100 / math.log(10) == pytest.approx(expected, abs=6e-5)


def test_he_relu_behind_layer_norm_grows_as_the_root_of_depth():
    found = predict(
        DepthSettings(depth=100, width=10**9, activation="relu", init="he", residual="pre", normalize="layer")
    )
    assert math.exp(200 * found.log_ratio_mean_field) == pytest.approx(101, rel=1e-9)


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        (DepthSettings(init="uniform:0:1"), "mean 0.5"),
        (DepthSettings(activation="relu", init="he", residual="post"), "not odd"),
        (DepthSettings(activation="gelu", init="he"), "unstable length map"),
        (DepthSettings(init="zeros"), "copies"),
        (DepthSettings(normalize="batch", batch=3), "infinite"),
    ],
)
def test_silence_has_a_reason(settings, word):
    found = predict(settings)
    assert found.ratio is None
    assert found.log_ratio is None
    assert word in found.reason
