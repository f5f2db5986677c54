"""The whole measurement: factors against theory and published values, errors, plans, and the same bytes twice.

Tolerances are of statistics and of 1/N: the draws are the same numbers on every processor, and what rounding does to
them is a ten-thousandth of what is allowed.
"""

import math

import numpy as np
import pytest

from dlmath.depth.engine.measure import measure
from dlmath.depth.engine.planner import no_law, plan
from dlmath.depth.engine.settings import DepthSettings, check_settings
from dlmath.depth.engine.theory import predict
from dlmath.depth.engine.verdicts import VERDICT_RULE, verdict_of
from dlmath.errors import InvalidValueError, TooLargeError

WIDE = DepthSettings(depth=40, width=512, seeds=16, method="law")
PLAIN = [
    ("linear", "lecun"), ("relu", "he"), ("relu", "glorot-normal"), ("leaky-relu", "he"), ("sigmoid", "glorot-normal"),
    ("tanh", "he"), ("tanh", "lecun"), ("elu", "lecun"), ("selu", "lecun"), ("gelu", "lecun"), ("swish", "lecun"),
    ("tanh", "orthogonal"), ("relu", "orthogonal"), ("sigmoid", "lsuv"),
]  # fmt: skip


@pytest.mark.parametrize(("activation", "init"), PLAIN)
def test_the_measured_factor_is_the_predicted_one(activation, init):
    found = measure(WIDE._replace(activation=activation, init=init))
    assert found.plan.method == "law"
    assert abs(found.z) < 4
    assert found.ratio == pytest.approx(math.exp(found.prediction.log_ratio), abs=5e-3)


REMEDIED = [
    {"activation": "tanh", "weight_std": 1.7609546**0.5, "bias_std": 0.05**0.5},
    {"activation": "relu", "init": "he", "bias_std": 0.5},
    {"activation": "sigmoid", "normalize": "layer"},
    {"activation": "gelu", "normalize": "layer", "init": "he"},
    {"activation": "relu", "residual": "pre", "init": "he"},
    {"activation": "tanh", "residual": "post", "init": "he"},
    {"activation": "tanh", "residual": "pre", "normalize": "layer", "init": "he"},
]


@pytest.mark.parametrize("changes", REMEDIED, ids=str)
def test_so_it_is_with_biases_and_remedies(changes):
    found = measure(WIDE._replace(init="lecun")._replace(**changes))
    assert abs(found.z) < 4
    assert found.ratio == pytest.approx(math.exp(found.prediction.log_ratio), abs=8e-3)


@pytest.mark.parametrize(
    ("changes", "ratio"),
    [
        ({"activation": "sigmoid", "init": "glorot"}, 0.2356),
        ({"activation": "relu", "init": "he"}, 1.0),
        ({"activation": "relu", "init": "glorot"}, 2**-0.5),
        ({"activation": "linear", "init": "lecun"}, 1.0),
    ],
)
def test_real_matrices_show_the_closed_forms(changes, ratio):
    found = measure(DepthSettings(depth=30, width=256, seeds=4, method="explicit")._replace(**changes))
    assert found.plan.method == "explicit"
    assert abs(found.z) < 4
    assert found.ratio == pytest.approx(ratio, abs=4 * found.ratio_error + 0.01 * ratio)


@pytest.mark.parametrize(
    ("activation", "chi"), [("linear", 62 / 61), ("relu", 1.487), ("tanh", 1.198), ("sigmoid", 1.054)]
)
def test_batch_normalisation_explodes(activation, chi):
    found = measure(DepthSettings(depth=20, width=128, batch=64, activation=activation, init="he", normalize="batch"))
    assert found.z is None
    assert "batch" in found.prediction.reason
    assert found.prediction.chi_1 == pytest.approx(chi, rel=0.02)
    assert found.ratio == pytest.approx(math.exp(found.prediction.log_ratio_mean_field), rel=0.05)


def test_the_one_over_n_terms_hold_to_a_few_parts_in_a_thousand_of_1_over_n():
    """The measured factor less the mean-field one, in units of 1/2N: tanh with biases, 2400 networks of width 64."""
    settings = DepthSettings(
        depth=20, width=64, activation="tanh", weight_std=1.3, bias_std=0.3, seeds=2400, method="law"
    )
    found = measure(settings)
    assert abs(found.z) < 3.5
    shift = 2 * 64 * (found.prediction.log_ratio - found.prediction.log_ratio_mean_field)
    measured = 2 * 64 * (math.log(found.ratio) - found.prediction.log_ratio_mean_field)
    assert measured == pytest.approx(shift, abs=0.3)
    assert shift < -1.2
    spread = found.log10_gradient_spread * math.log(10) / 20
    assert spread == pytest.approx(found.prediction.log_ratio_error, rel=0.06)


def test_a_thousand_sigmoid_layers_have_their_true_exponent():
    found = measure(DepthSettings(depth=1000, width=128, init="glorot"))
    assert found.log10_gradient == pytest.approx(-628, abs=3)
    assert found.verdict == "vanishing"
    assert found.rule == VERDICT_RULE
    assert all(math.isfinite(layer.log10_gradient + layer.log10_weight_gradient) for layer in found.layers)
    assert found.layers[0].log10_gradient == pytest.approx(found.layers[0].predicted_log10_gradient, abs=3)


def test_figures_of_the_layers_fit_together():
    found = measure(DepthSettings(depth=12, width=64, activation="tanh", init="he", seeds=3))
    gradients = [found.input_log10_gradient, *(layer.log10_gradient for layer in found.layers)]
    assert [layer.layer for layer in found.layers] == list(range(1, 13))
    assert gradients[-1] == pytest.approx(-math.log10(64) / 2)
    assert gradients[0] - gradients[-1] == pytest.approx(found.log10_gradient)
    assert found.log10_gradient == pytest.approx(12 * math.log10(found.ratio))
    for layer, after in zip(found.layers, found.layers[1:], strict=False):
        assert math.log10(layer.ratio) == pytest.approx(layer.log10_gradient - after.log10_gradient, abs=1e-9)
    assert found.layers[-1].ratio is None


def test_both_methods_show_the_same_figures():
    settings = DepthSettings(depth=10, width=256, activation="relu", init="he", seeds=4)
    law, explicit = (measure(settings._replace(method=method)) for method in ("law", "explicit"))
    for one, other in zip(law.layers, explicit.layers, strict=True):
        assert one.activation_mean == pytest.approx(other.activation_mean, abs=0.4)
        assert one.saturated == pytest.approx(0.5, abs=0.05)
        assert other.dead == pytest.approx(0.5, abs=0.05)
        assert one.log10_weight_gradient == pytest.approx(other.log10_weight_gradient, abs=0.3)


@pytest.mark.parametrize("method", ["law", "explicit"])
def test_the_same_seed_gives_the_same_bytes_and_blocks_leave_no_trace(method):
    settings = DepthSettings(depth=15, width=40, activation="gelu", init="he", seeds=7, seed=5, method=method)
    assert repr(measure(settings)) == repr(measure(settings))
    alone = [measure(settings._replace(seed=5 + k, seeds=1)).log10_gradient for k in range(7)]
    assert measure(settings).log10_gradient == pytest.approx(np.mean(alone), rel=1e-13)


def test_extinct_networks_are_counted_and_left_out():
    found = measure(DepthSettings(depth=30, width=64, init="uniform:0:1", activation="relu", seeds=8))
    assert 0 < found.extinct < 8
    assert found.ratio == pytest.approx(32, rel=0.2)
    assert "the slope of relu is 0" in found.notes[0]
    assert found.dead == found.extinct / 8
    gone = measure(DepthSettings(depth=5, width=8, init="zeros", activation="relu"))
    assert (gone.ratio, gone.log10_gradient, gone.verdict) == (0, -math.inf, "dead")
    assert "all weights are 0" in gone.notes[0]


def test_theory_that_fails_is_not_shown():
    found = measure(DepthSettings(depth=30, width=128, activation="relu", init="lecun", residual="post"))
    assert found.z is None
    assert found.prediction.ratio is None
    assert "not odd" in found.prediction.reason


def test_layer_norm_does_not_stop_sigmoids_from_vanishing_but_biases_do_not_matter_much():
    assert verdict_of(measure(DepthSettings(normalize="layer")).log10_gradient) == "vanishing"
    assert measure(DepthSettings(normalize="batch", batch=64, width=64)).verdict == "stable"


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"depth": 0}, "depth 0"),
        ({"width": 0}, "width 0"),
        ({"seeds": 0}, "seeds 0"),
        ({"seed": -1}, "seed -1"),
        ({"weight_std": -1.0}, "weight-std -1"),
        ({"weight_std": math.nan}, "weight-std nan"),
        ({"bias_std": -0.5}, "bias-std -0.5"),
        ({"normalize": "batch"}, "1 input"),
        ({"normalize": "batch", "batch": 2}, "2 inputs"),
        ({"normalize": "layer", "width": 1}, "1 unit"),
        ({"normalize": "layer", "width": 2}, "2 units"),
        ({"method": "laws"}, "did you mean 'law'"),
        ({"activation": "rleu"}, "did you mean 'relu'"),
        ({"activation": "step"}, "slope 0"),
        ({"init": "lsvu"}, "did you mean 'lsuv'"),
        ({"init": "glorott"}, "did you mean 'glorot'"),
        ({"residual": "yes"}, "unknown residual"),
    ],
)
def test_what_cannot_be_measured_is_refused_by_name(changes, word):
    with pytest.raises(InvalidValueError, match=r".") as caught:
        check_settings(DepthSettings(**changes))
    assert word in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "method"),
    [
        ({"init": "he"}, "law"),
        ({"init": "orthogonal", "normalize": "layer"}, "law"),
        ({"weight_std": 1.0, "bias_std": 0.1, "residual": "pre"}, "law"),
        ({"init": "glorot"}, "explicit"),
        ({"init": "he", "batch": 2}, "explicit"),
        ({"init": "he", "batch": 8, "normalize": "batch"}, "explicit"),
        ({"init": "lsuv", "residual": "pre"}, "explicit"),
        ({"init": "he", "method": "explicit"}, "explicit"),
    ],
)
def test_the_planner(changes, method):
    settings = DepthSettings(**changes)
    assert plan(settings).method == method
    if method == "explicit" and settings.method == "auto":
        with pytest.raises(InvalidValueError, match="does not apply"):
            plan(settings._replace(method="law"))
        assert no_law(settings)


def test_memory_is_asked_for_before_it_is_taken():
    with pytest.raises(TooLargeError, match=r"1000 x width 65536: .*would fill 17.2 TB") as caught:
        plan(DepthSettings(depth=1000, width=65536, init="glorot"), memory=16e9)
    assert "method law" in caught.value.mend
    with pytest.raises(TooLargeError, match=r"needs about [\d.]+ GB of memory; this machine has 1 GB"):
        plan(DepthSettings(depth=10, width=16384, init="orthogonal", method="explicit"), memory=1e9)
    assert plan(DepthSettings(depth=1000, width=65536, init="he"), memory=16e9).memory < 1e9
    assert plan(DepthSettings(depth=1000, width=1024, init="he", method="explicit"), memory=64e9).kept_layers == 1000
    assert plan(DepthSettings(depth=1000, width=1024, init="he", method="explicit"), memory=8e9).kept_layers == 0


def test_depth_without_end_is_only_a_longer_row_of_the_same():
    short, long = (predict(DepthSettings(depth=depth, init="he", activation="relu")) for depth in (2, 200))
    assert short.log_ratio == pytest.approx(long.log_ratio)
    assert short.log_ratio_error == pytest.approx(10 * long.log_ratio_error)
