"""`dlmath activation` as a user types it and a script reads it."""

from __future__ import annotations

import math

import numpy as np
import pytest

from dlmath.activations.engine.curves import samples, values
from dlmath.activations.words import RESULTS
from dlmath.neural.activations import ACTIVATIONS, get_activation


@pytest.fixture
def dlmath(command):
    """Run one command line; give status, standard output and standard error."""
    return command("activation")


@pytest.fixture
def shown(dlmath, result_of):
    """Run one command line and give its activations as JSON has them."""
    return lambda *words: result_of(dlmath, *words)["activations"]


def test_the_seeds_sentences(shown):
    """Sigmoid lies between 0 and 1, its derivative is at most 0.25; tanh lies between -1 and 1, with slope 1 at 0."""
    sigmoid, tanh = shown("sigmoid", "tanh", "--at", "0")
    assert (sigmoid["range"], sigmoid["max_slope"]) == ([0.0, 1.0], 0.25)
    assert sigmoid["at"] == [{"x": 0.0, "value": 0.5, "slope": 0.25}]
    assert (tanh["range"], tanh["max_slope"], tanh["at"][0]["slope"]) == ([-1.0, 1.0], 1.0, 1.0)


def test_without_a_name_all_are_listed(dlmath, shown):
    assert [one["name"] for one in shown()] == list(ACTIVATIONS)
    assert dlmath()[1].count("\n") < len(ACTIVATIONS) + 6


@pytest.mark.parametrize(
    ("name", "mean", "square", "slope_square"),
    [  # slopes: MATHEMATICS.md section 3; relu, linear and selu's fixed point in closed form
        ("tanh", 0, None, 0.4644029024),
        ("gelu", 1 / (2 * math.sqrt(math.pi)), None, 0.4558508656),
        ("selu", 0, 1, 1.0715749925),
        ("relu", 1 / math.sqrt(2 * math.pi), 0.5, 0.5),
        ("linear", 0, 1, 1),
        ("hard-tanh", 0, None, math.erf(1 / math.sqrt(2))),
    ],
)
def test_moments_under_a_normal_argument(shown, name, mean, square, slope_square):
    (found,) = shown(name)
    assert found["mean"] == pytest.approx(mean, abs=1e-12)
    assert found["slope_moment"] == pytest.approx(slope_square, abs=6e-11)
    if square is not None:
        assert found["second_moment"] == pytest.approx(square, rel=1e-12)


@pytest.mark.parametrize("name", [*ACTIVATIONS, "leaky-relu:0.3", "elu:2"])
@pytest.mark.parametrize(("weight", "bias"), [(2.0, -3.0), (-0.5, 1.0)])
def test_a_bias_shifts_and_a_weight_stretches(shown, name, weight, bias):
    places = [-1.5, 0.25, 2.0]
    listed = ",".join(map(str, places))
    (found,) = shown(name, "--at", listed, "--weight", str(weight), "--bias", str(bias))
    (unit,) = found["units"]
    assert unit["shift"] == -bias / weight
    phi = get_activation(name)
    for place, x in zip(unit["at"], places, strict=True):
        moved = np.array([weight * (x - unit["shift"])])
        assert place["value"] == pytest.approx(float(phi.value(moved)[0]), rel=1e-12, abs=1e-15)
        assert place["slope"] == pytest.approx(weight * float(phi.slope(moved)[0]), rel=1e-12, abs=1e-15)


def test_several_biases_are_one_unit_each(shown):
    (found,) = shown("sigmoid", "--bias", "-4,0,4")
    assert [(unit["bias"], unit["shift"]) for unit in found["units"]] == [(-4, 4), (0, 0), (4, -4)]
    at_0 = [unit["at"][2]["value"] for unit in found["units"]]
    assert at_0 == sorted(at_0)
    assert shown("sigmoid", "--weight", "0", "--bias", "1")[0]["units"][0]["shift"] is None


def test_the_names_are_those_of_the_other_commands(shown):
    silu, leaky = shown("silu", "leaky-relu:0.2")
    assert silu["name"] == "swish"
    assert "silu" in silu["aliases"]
    assert (leaky["name"], leaky["max_slope"]) == ("leaky-relu:0.2", 1.0)


def test_every_result_key_is_declared(shown):
    (found,) = shown("hard-tanh", "--bias", "1")
    declared = {path.split(".")[2] for path in RESULTS}
    assert set(found) == declared
    of_units = {path.split(".")[4] for path in RESULTS if path.startswith("activations.*.units.*.")}
    assert of_units == set(found["units"][0])


def test_table_drawing_explanation_and_picture(dlmath, tmp_path):
    status, out, _ = dlmath("sigmoid", "relu", "--bias", "0,2", "--explain", "--plot", tmp_path / "a.png")
    assert status == 0
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    assert "largest slope 0.25" in out
    assert "⣀" in out
    assert "W = 1, b = 2: s = -2 / 1 = -2" in out


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_jumps_are_drawn_as_such(name):
    """No two neighbouring points have a kink between them, but those that stand right at it."""
    phi = get_activation(name)
    x = samples(phi, -5.0, 5.0, 2.0, 1.0)
    for kink in phi.kinks:
        after = int(np.searchsorted(x, (kink - 1.0) / 2))
        assert x[after] - x[after - 1] <= 2.1e-8
    value, slope = values(phi, x, 2.0, 1.0)
    assert np.isfinite(value).all()
    assert np.isfinite(slope).all()


REFUSED = [
    ("sigmod", "did you mean 'sigmoid'"),
    ("step", "slope 0 everywhere"),
    ("relu:2", "takes no number"),
    ("leaky-relu:x", "is not a number"),
    ("elu:-1", "elu:A needs A > 0"),
    ("relu --at 1,b", "'b' is not allowed"),
    ("relu --at inf", "'inf' is not allowed"),
    ("relu --range 3:1", "is no range"),
    ("relu --weight nan", "--weight"),
    ("relu --get activations.0.slop", "did you mean"),
]


@pytest.mark.parametrize(("words", "hint"), REFUSED, ids=[words for words, _ in REFUSED])
def test_a_wrong_request_is_one_line_and_status_2(dlmath, words, hint):
    status, out, err = dlmath(*words.split())
    assert (status, out) == (2, "")
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert hint in err
