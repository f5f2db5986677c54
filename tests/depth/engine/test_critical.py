"""The critical line against published points, and the phase diagram against the fixed points it is drawn from.

Tolerances are the digits that were published, or those to which a root is sought; the integrals behind them are sums of
a few hundred positive terms, off by some 1e-14.
"""

import math

import pytest

from dlmath.depth.engine.critical import critical_line, critical_sigma_b, critical_sigma_w, suggest
from dlmath.depth.engine.length_map import LengthMapLayer, fixed_point
from dlmath.depth.engine.measure import measure
from dlmath.depth.engine.phase_diagram import phase_diagram
from dlmath.depth.engine.settings import DepthSettings
from dlmath.errors import InvalidValueError
from dlmath.neural.activations import ACTIVATIONS, get_activation

TANH = [  # sigma_b^2, sigma_w^2: Schoenholz et al. 2017 give (0.05, 1.76)
    (1e-4, 1.0860262925), (1e-3, 1.1891895852), (0.01, 1.4242052905), (0.05, 1.7609546396), (0.1, 1.9860726411),
    (0.3, 2.5051271897), (1, 3.4432109123),
]  # fmt: skip


@pytest.mark.parametrize(("bias", "weight"), TANH)
def test_critical_line_of_tanh(bias, weight):
    assert critical_sigma_w("tanh", math.sqrt(bias)).sigma_w ** 2 == pytest.approx(weight, abs=1e-9)
    assert critical_sigma_b("tanh", math.sqrt(weight)).sigma_b ** 2 == pytest.approx(bias, rel=1e-6)


@pytest.mark.parametrize(("bias", "weight", "q"), [(0.25, 2.4014892, 1.3179390), (1, 3.4432109, 3.0363964)])
def test_critical_fixed_points_of_tanh(bias, weight, q):
    found = critical_sigma_w("tanh", math.sqrt(bias))
    assert (found.sigma_w**2, found.q_star) == pytest.approx((weight, q), abs=6e-8)


def test_two_published_points_nearly_at_the_corner():
    layer = LengthMapLayer(get_activation("tanh"), math.sqrt(1.05), math.sqrt(2.01e-5))
    assert fixed_point(layer).chi_1 == pytest.approx(1.000000192, abs=1e-8)
    assert critical_sigma_w("tanh", 0.0).sigma_w == 1


@pytest.mark.parametrize(("activation", "variance"), [("relu", 2), ("leaky-relu", 2 / 1.0001), ("linear", 1)])
def test_homogeneous_activations_have_a_critical_gain_of_their_own(activation, variance):
    assert critical_sigma_w(activation).sigma_w ** 2 == pytest.approx(variance, rel=1e-14)
    assert critical_sigma_w(activation, 0.7).sigma_w ** 2 == pytest.approx(variance, rel=1e-14)
    with pytest.raises(InvalidValueError, match="does not depend"):
        critical_sigma_b(activation, 3.0)


@pytest.mark.parametrize("activation", [name for name in ACTIVATIONS if name != "softplus"])
def test_the_suggested_gain_makes_chi_1_and_is_attracted(activation):
    found = suggest(activation)
    layer = LengthMapLayer(get_activation(activation), found.sigma_w, found.sigma_b)
    assert fixed_point(layer).chi_1 == pytest.approx(1, abs=1e-6)


def test_the_suggestion_keeps_gradients_measured():
    found = suggest("sigmoid")
    measured = measure(DepthSettings(depth=30, width=1024, weight_std=found.sigma_w, seeds=4))
    assert measured.verdict == "stable"
    assert measure(DepthSettings(depth=30, width=1024, init="lecun")).verdict == "vanishing"


def test_softplus_has_no_critical_line_and_says_so():
    assert suggest("softplus") is None
    with pytest.raises(InvalidValueError, match="no sigma_w"):
        critical_sigma_w("softplus")


@pytest.mark.parametrize("sigma", [-1.0, math.nan, math.inf])
def test_sigmas_that_are_none(sigma):
    with pytest.raises(InvalidValueError, match="not possible"):
        critical_sigma_w("tanh", sigma)
    with pytest.raises(InvalidValueError, match="not possible"):
        critical_sigma_b("tanh", sigma)


def test_out_of_reach_sigma_w_names_the_range():
    with pytest.raises(InvalidValueError, match="runs from weight-std 1"):
        critical_sigma_b("tanh", 0.5)


@pytest.mark.parametrize("activation", ["tanh", "gelu", "sigmoid", "selu"])
def test_every_point_of_the_line_is_critical(activation):
    for point in critical_line(activation)[::8]:
        layer = LengthMapLayer(get_activation(activation), point.sigma_w, point.sigma_b)
        assert layer.chi(point.q_star) == pytest.approx(1, rel=1e-10)
        assert layer.length(point.q_star) == pytest.approx(point.q_star, rel=1e-9)


@pytest.mark.parametrize("activation", ["tanh", "relu", "gelu", "elu", "sigmoid"])
def test_phase_diagram_is_the_fixed_points(activation):
    found = phase_diagram(activation, (0.6, 3.1), (0.05, 1.0), (4, 5))
    for sigma_b, chis in zip(found.sigma_b, found.chi_1, strict=True):
        for sigma_w, chi in zip(found.sigma_w, chis, strict=True):
            assert chi == pytest.approx(
                fixed_point(LengthMapLayer(get_activation(activation), sigma_w, sigma_b)).chi_1, abs=3e-6
            )


def test_order_lies_left_of_the_line_and_chaos_right_of_it():
    found = phase_diagram("tanh", (0.5, 4.0), (0.1, 1.5), (6, 40))
    for row, sigma_b in enumerate(found.sigma_b):
        border = critical_sigma_w("tanh", sigma_b).sigma_w
        for sigma_w, chi in zip(found.sigma_w, found.chi_1[row], strict=True):
            assert (chi > 1) == (sigma_w > border)


def test_a_range_that_is_none():
    with pytest.raises(InvalidValueError, match="is no range"):
        phase_diagram("tanh", (2.0, 1.0))
