"""`dlmath vanishing` as a user types it and a script reads it."""

from __future__ import annotations

import csv
import io
import json
import math

import pytest

from dlmath.depth import words as declared
from dlmath.depth.engine.settings import CELLS, METHODS, NORMALISATIONS, RESIDUALS
from dlmath.neural.activations import ACTIVATIONS, get_activation
from dlmath.neural.initialisers import INITIALISERS


@pytest.fixture
def dlmath(command):
    """Run one command line; give status, standard output and standard error."""
    return command("vanishing")


@pytest.fixture
def runs(dlmath, result_of):
    """Run one command line and give its runs as JSON has them."""
    return lambda *words: result_of(dlmath, *words)["runs"]


def test_the_defaults(dlmath, runs):
    status, out, _ = dlmath()
    assert status == 0
    assert "vanishing" in out
    (one,) = runs()
    wanted = [
        "activation",
        "init",
        "depth",
        "width",
        "ratio",
        "ratio_error",
        "z",
        "method",
        "predicted_ratio",
        "q_star",
    ]
    wanted += ["chi_1", "depth_scale", "log10_gradient", "verdict", "layers"]
    assert [key for key in wanted if key not in one] == []
    assert (one["depth"], one["width"], len(one["layers"])) == (30, 256, 30)
    assert one["layers"][0]["layer"] == 1


def test_published_ratios(runs):
    """MATHEMATICS.md section 3: sigmoid 0.2360523 (1, 0), ReLU with He 1, with LeCun's variance sqrt(1/2)."""
    found = runs("--activation", "sigmoid", "--activation", "relu", "--init", "lecun", "--init", "he", "--seeds", "4")
    named = {(one["activation"], one["init"]): one for one in found}
    assert len(named) == 4
    assert named["sigmoid", "lecun"]["predicted_ratio"] == pytest.approx(0.2360523, abs=1e-7)
    assert named["relu", "he"]["predicted_ratio"] == pytest.approx(1, abs=1e-9)
    assert named["relu", "lecun"]["predicted_ratio"] == pytest.approx(math.sqrt(0.5), abs=1e-9)
    for one in found:
        assert abs(one["z"]) < 5
        assert one["ratio"] == pytest.approx(one["predicted_ratio"], rel=0.05)
    assert named["sigmoid", "lecun"]["verdict"] == "vanishing"
    assert named["relu", "he"]["verdict"] == "stable"


def test_true_exponents_at_depth_1000(runs):
    (one,) = runs("--depth", "1000", "--activation", "sigmoid", "--init", "glorot-normal")
    assert one["log10_gradient"] == pytest.approx(-628, abs=6)
    assert math.isfinite(one["layers"][0]["log10_gradient"])


def test_the_seeds_own_initialisation(runs):
    """Findings: about 10^-49 a layer at width 256."""
    (one,) = runs("--activation", "sigmoid", "--init", "uniform:0:1", "--depth", "30")
    assert one["log10_gradient"] / 30 == pytest.approx(-49, abs=4)
    assert one["predicted_ratio"] is None
    assert "mean" in one["predicted_reason"]


def test_exploding(runs):
    (one,) = runs("--activation", "tanh", "--weight-std", "3", "--depth", "50")
    assert one["verdict"] == "exploding"


def test_both_methods_can_be_asked_for(runs):
    found = [runs("--init", "lecun", "--method", method)[0] for method in ("law", "explicit")]
    assert [one["method"] for one in found] == ["law", "explicit"]


def test_the_same_seed_prints_the_same_bytes(dlmath):
    words = ("--init", "he", "--seeds", "3", "--seed", "5", "--depth", "10", "--format", "json")
    assert dlmath(*words) == dlmath(*words)


def test_csv_and_figure_and_explanation(dlmath, tmp_path):
    words = ("--depth", "8", "--width", "32")
    rows = list(csv.DictReader(io.StringIO(dlmath(*words, "--format", "csv")[1])))
    assert rows[0]["verdict"] == "vanishing"
    assert "largest slope of sigmoid: 0.25" in dlmath(*words, "--explain")[1]
    assert dlmath(*words, "--plot", tmp_path / "p.png")[0] == 0
    assert (tmp_path / "p.png").read_bytes().startswith(b"\x89PNG")


def test_the_critical_line(dlmath):
    """MATHEMATICS.md section 3: tanh, sigma_b^2 = 0.05 gives sigma_w^2 = 1.7609546."""
    status, out, _ = dlmath("--critical", "--activation", "tanh", "--bias-std", 0.05**0.5, "--format", "json")
    (found,) = json.loads(out)["result"]["critical"]
    assert status == 0
    assert found["weight_variance"] == pytest.approx(1.7609546, abs=1e-7)
    assert found["measured_ratio"] == pytest.approx(1, abs=0.05)
    _, out, _ = dlmath("--critical", "--activation", "tanh", "--weight-std", found["weight_std"], "--format", "json")
    assert json.loads(out)["result"]["critical"][0]["bias_variance"] == pytest.approx(0.05, abs=1e-7)


def test_the_phase_diagram(dlmath, tmp_path):
    status, out, _ = dlmath("--phase-diagram", "--plot", tmp_path / "p.png")
    assert status == 0
    assert "order" in out
    assert (tmp_path / "p.png").exists()


def test_layers_that_do_not_learn(runs):
    (one,) = runs("--depth", "12", "--width", "32", "--train", "5")
    moved = [layer["moved"] for layer in one["training"]["layers"]]
    assert moved[0] < 1e-3 * moved[-1]


def test_a_suggestion_is_measured(runs):
    (one,) = runs("--activation", "tanh", "--init", "normal:0.01")
    assert one["verdict"] == "vanishing"
    assert one["suggestion"]["measured_ratio"] == pytest.approx(1, abs=0.1)


REFUSED = [
    ("--depth 0", "--depth"),
    ("--width 0", "--width"),
    ("--seeds 0", "--seeds"),
    ("--seed -1", "--seed"),
    ("--activation sigmod", "did you mean 'sigmoid'"),
    ("--init hee", "did you mean 'he'"),
    ("--weight-std -1", "weight"),
    ("--bias-std -1", "bias"),
    ("--normalize batch", "--batch"),
    ("--normalize layr", "did you mean 'layer'"),
    ("--method lw", "law"),
    ("--method law --init glorot", "law"),
    ("--method law --batch 4 --init he", "law"),
    ("--weight-std 1 --init he", "--weight-std"),
    ("--critical --phase-diagram", "one of them"),
    ("--depth 100 --width 10000000 --init glorot", "TB"),
]


@pytest.mark.parametrize(("words", "hint"), REFUSED, ids=[words for words, _ in REFUSED])
def test_a_wrong_request_is_one_line_and_status_2(dlmath, words, hint):
    status, out, err = dlmath(*words.split())
    assert (status, out) == (2, "")
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert "; " in err
    assert hint in err


def test_the_words_offered_are_the_words_of_the_engine():
    offered = declared.Words.ALL
    assert {word.partition(":")[0] for word in offered["activation"].offered()} == {*ACTIVATIONS, "silu"}
    inits = {word.partition(":")[0] for word in offered["init"].offered()}
    assert {*INITIALISERS, "lsuv", "xavier-uniform", "kaiming-normal"} <= inits
    for word in offered["activation"].offered():
        get_activation(word.replace(":A", ":0.3"))
    assert set(declared.METHODS) == set(METHODS)
    assert set(declared.NORMALIZE) == set(NORMALISATIONS)
    assert set(declared.RESIDUALS) == set(RESIDUALS)
    assert set(declared.CELLS) == set(CELLS)
