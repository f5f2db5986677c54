"""What learns, what dies, how sure a verdict is, and what z compares with."""

import math

import numpy as np
import pytest

from dlmath.depth.engine.cures import SAME, cures
from dlmath.depth.engine.measure import measure
from dlmath.depth.engine.settings import DepthSettings
from dlmath.depth.engine.student import student_tail, z_of_student
from dlmath.depth.engine.theory import predict
from dlmath.depth.engine.verdicts import learning_verdict


def test_relu_with_glorot_vanishes_and_learns_evenly():
    """All weight gradients are alike, about 10^-3.1, while dE/dx fades by sqrt(2) a layer."""
    found = measure(DepthSettings(depth=12, activation="relu", init="glorot"))
    weights = [layer.log10_weight_gradient for layer in found.layers]
    assert found.verdict == "vanishing"
    assert found.learning_verdict == "even"
    assert (weights[0], weights[-1]) == (pytest.approx(-3.05, abs=0.1), pytest.approx(-3.16, abs=0.1))
    assert found.weight_gradient_ratio == pytest.approx(10 ** (weights[0] - weights[-1]), rel=1e-9)


def test_five_layers_of_1000_tanh_units_under_pytorchs_start():
    """Glorot & Bengio 2010, section 4.2: the back-propagated gradient fades, those of the weights stay alike."""
    found = measure(DepthSettings(depth=5, width=1000, activation="tanh", init="torch", bias_std=0.0))
    weights = [layer.log10_weight_gradient for layer in found.layers]
    assert found.ratio == pytest.approx(found.expected_ratio, rel=0.05)
    assert found.prediction.ratio == pytest.approx(3**-0.5)
    assert max(weights) - min(weights) < 0.12
    assert found.learning_verdict == "even"


def test_early_sigmoid_layers_learn_more_slowly():
    found = measure(DepthSettings(depth=20, activation="sigmoid", init="lecun"))
    assert found.learning_verdict == "early-slow"
    assert found.layers[0].log10_weight_gradient == pytest.approx(-13.8, abs=0.3)
    assert found.layers[-1].log10_weight_gradient == pytest.approx(-2.1, abs=0.2)


@pytest.mark.parametrize("activation", ["tanh", "relu", "leaky-relu", "linear", "softsign", "hard-tanh"])
@pytest.mark.parametrize("gain", [0.5, 1.0])
def test_where_the_signal_fades_with_the_gradient_all_layers_learn_alike(activation, gain):
    """|dE/dW_l| = |dE/dz_l| |x_(l-1)|: odd and homogeneous functions fade both ways at one rate."""
    found = measure(DepthSettings(depth=25, width=512, activation=activation, weight_std=gain, init="lecun"))
    assert found.learning_verdict == "even"


@pytest.mark.parametrize("activation", ["sigmoid", "softplus"])
def test_functions_of_constant_size_learn_late(activation):
    found = measure(DepthSettings(depth=25, width=512, activation=activation, init="lecun"))
    assert (found.verdict, found.learning_verdict) == ("vanishing", "early-slow")


def test_learning_verdicts_have_the_border_of_the_verdicts():
    assert [learning_verdict(x) for x in (-1.01, -0.99, 0.99, 1.01)] == ["early-slow", "even", "even", "late-slow"]


def test_without_any_gradient_nothing_is_called_vanishing():
    found = measure(DepthSettings(depth=5, width=8, init="zeros"))
    assert (found.verdict, found.learning_verdict, found.dead) == ("dead", None, 1.0)
    assert found.ratio_error == 0
    assert found.certain
    assert not math.isnan(found.log10_gradient)


def test_the_share_of_dead_networks():
    found = measure(DepthSettings(depth=60, width=4, activation="relu", init="he", seeds=50))
    assert 0.2 < found.dead < 1
    assert found.dead == found.extinct / 50
    assert found.verdict != "dead"


def test_a_verdict_near_its_border_is_not_certain():
    near = measure(DepthSettings(depth=30, activation="gelu", init="he"))
    far = measure(DepthSettings(depth=30, activation="sigmoid", init="he"))
    assert (near.certain, far.certain) == (False, True)
    assert measure(DepthSettings(depth=20, width=32, cell="rnn", activation="tanh")).certain is None


# ---------------------------------------------------------------- z


@pytest.mark.parametrize(
    ("t", "freedom", "tail"),
    [(3.0, 7, 0.00997106306599627), (2.0, 1, 0.147583617650433), (0.5, 9, 0.314535649913013),
     (50.0, 9, 1.2844764554374e-12), (0.0, 4, 0.5)],
)  # fmt: skip
def test_students_tail(t, freedom, tail):
    """Computed with 30 digits from the incomplete beta function."""
    assert student_tail(t, freedom) == pytest.approx(tail, rel=1e-10)


def test_a_t_of_3_among_8_networks_is_a_z_of_2_and_a_third():
    assert z_of_student(3.0, 7) == pytest.approx(2.3274, abs=1e-4)
    assert z_of_student(-3.0, 7) == -z_of_student(3.0, 7)
    assert z_of_student(2.5, 10**7) == pytest.approx(2.5, abs=1e-6)


@pytest.mark.parametrize(
    "changes",
    [{"activation": "tanh", "init": "he"}, {"activation": "swish", "init": "he"},
     {"activation": "relu", "init": "he", "residual": "pre"}, {"activation": "hard-tanh", "init": "he"}],
    ids=str,
)  # fmt: skip
def test_z_is_a_normal_variable(changes):
    """Over 60 blocks of 9 networks: mean within 4 standard errors of 0, |z| > 3 no more often than 2 of 60."""
    settings = DepthSettings(depth=15, width=256, seeds=9, method="law")._replace(**changes)
    zs = np.array([measure(settings._replace(seed=9 * block)).z for block in range(60)])
    assert abs(zs.mean()) < 4 / math.sqrt(60)
    assert 0.6 < zs.std() < 1.35
    assert (np.abs(zs) > 3).sum() <= 2


def test_z_rests_on_theory_where_it_has_an_error_and_says_where_it_has_an_upper_one():
    plain = DepthSettings(depth=10, width=64, activation="tanh", init="he", seeds=16)
    assert measure(plain).z_source == "theory's error"
    residual = plain._replace(residual="pre")
    assert "Student" in measure(residual).z_source
    assert "upper estimate" in measure(residual._replace(seeds=2)).z_source


def test_what_is_expected_is_followed_layer_by_layer_and_the_limit_is_kept():
    found = measure(DepthSettings(depth=30, activation="tanh", init="glorot"))
    assert found.prediction.ratio == pytest.approx(1)
    assert found.expected_ratio == pytest.approx(0.937, abs=0.003)
    assert found.z == pytest.approx(
        (math.log(found.ratio) - math.log(found.expected_ratio)) * found.ratio / found.ratio_error, rel=0.05
    )
    batch = measure(DepthSettings(depth=20, width=64, batch=64, normalize="batch"))
    assert batch.z is None
    assert batch.expected_ratio == pytest.approx(batch.ratio, rel=0.03)
    assert batch.expected_ratio < 1 < batch.prediction.ratio


# ---------------------------------------------------------------- what helps


@pytest.mark.parametrize(
    "settings",
    [
        DepthSettings(depth=1000, width=64, activation="relu", init="he"),
        DepthSettings(),
        DepthSettings(activation="relu", init="he", residual="pre"),
        DepthSettings(activation="tanh", init="orthogonal", weight_std=3.0),
        DepthSettings(normalize="layer"),
        DepthSettings(depth=100, width=64, cell="rnn", activation="tanh", init="normal:0.05"),
    ],
    ids=str,
)
def test_cures_are_not_in_use_and_help(settings):
    found = measure(settings)
    helping = cures(found)
    assert helping
    now = abs(found.log10_gradient) / settings.depth
    for cure in helping:
        assert abs(cure.measured_log10_gradient) / cure.measured_depth < now
        assert cure.measured_log10_gradient == pytest.approx(cure.measured_depth * math.log10(cure.measured_ratio))
        in_use = cure.sigma_w is not None and abs(cure.sigma_w - settings.weights.sigma) < SAME * cure.sigma_w
        assert not in_use or settings.weights.family not in {"gaussian", "orthogonal"} or "orthogonal" in cure.words


def test_where_chi_is_1_already_width_is_the_cure():
    words = [cure.words for cure in cures(measure(DepthSettings(depth=1000, width=64, activation="relu", init="he")))]
    assert "--width 1250" in words  # beta L / 4 with beta = 5
    assert not any(word.startswith("--weight-std") for word in words)


def test_where_all_is_well_nothing_is_said():
    assert cures(measure(DepthSettings(depth=10, activation="relu", init="he"))) == ()


def test_the_law_of_swish_owns_up_to_what_it_leaves_out():
    found = predict(DepthSettings(activation="swish", init="he"))
    assert found.log_ratio_bias > 1e-4
    assert predict(DepthSettings(activation="sigmoid", init="he")).log_ratio_bias < 1e-4
