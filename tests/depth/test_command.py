"""`dlmath vanishing` as a user types it and a script reads it."""

from __future__ import annotations

import csv
import io
import json
import math

import pytest

from dlmath.depth import words as declaration
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


def leaves(value, path=""):
    """Yield the path of everything in a JSON-like value, `*` for a place in a list."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from leaves(item, f"{path}.{key}")
    elif isinstance(value, list):
        for item in value:
            yield from leaves(item, f"{path}.*")
    else:
        yield path.removeprefix(".")


ASKED = [
    "--activation relu --init glorot --depth 6 --width 8 --train 3 --clip 1 --move 0.5",
    "--widths 5,6,7 --activation tanh",
    "--cell rnn --depth 5 --width 6",
    "--critical --activation tanh --depth 5 --width 8",
    "--phase-diagram --activation softplus",
]


@pytest.mark.parametrize("line", ASKED)
def test_every_key_of_the_result_is_declared(dlmath, result_of, line):
    words = line.split()
    found = result_of(dlmath, *words)
    asked = {"critical": "--critical" in words, "phase_diagram": "--phase-diagram" in words}
    declared = declaration.results(declaration.Words(**asked))
    for path in set(leaves(found)):
        steps = path.split(".")
        prefixes = {".".join([*steps[:length], "**"]) for length in range(len(steps))}
        itself = {path, f"{path}.*", f"{path}.**"}  # the latter two where it is null, or a list without anything
        assert (itself | prefixes) & declared.keys(), path


def test_what_learns_is_said_beside_what_vanishes(dlmath, runs):
    words = ("--activation", "relu", "--init", "glorot", "--depth", "12")
    (one,) = runs(*words)
    assert (one["verdict"], one["learning_verdict"]) == ("vanishing", "even")
    weights = [layer["log10_weight_gradient"] for layer in one["layers"]]
    assert math.log10(one["weight_gradient_ratio"]) == pytest.approx(weights[0] - weights[-1], abs=1e-9)
    assert "even" in dlmath(*words)[1]


def test_clipping_leaves_ratio_and_verdict_alone(runs):
    words = ("--activation", "relu", "--init", "uniform:0:1", "--seeds", "4", "--depth", "10", "--width", "32")
    free, cut = runs(*words)[0], runs(*words, "--clip", "1")[0]
    assert {key: cut[key] for key in ("ratio", "verdict", "layers")} == {
        key: free[key] for key in ("ratio", "verdict", "layers")
    }
    assert cut["clip"]["log10_factor"] == pytest.approx(-cut["log10_gradient_norm"])


def test_slopes_alone_are_not_called_a_bound(dlmath, runs):
    """The issue's case: 0.25^4 = 10^-2.408 beside a measured 10^+0.4, and a bound above it."""
    words = ("--init", "normal:1", "--depth", "4")
    out = dlmath(*words, "--explain")[1]
    assert "0.25^4 = 10^-2.408, bound nothing" in out
    (one,) = runs(*words, "--method", "explicit")
    assert one["slopes_log10"] < one["log10_gradient"] < one["bound_log10"]
    assert runs(*words)[0]["bound_log10"] is None


@pytest.mark.parametrize(
    ("words", "texts"),
    [
        (("--residual",), ("x_l = x_(l-1) + z_l", "1 + sigma_w^2 E phi'(sqrt(v) z)^2")),
        (("--residual-kind", "post", "--activation", "tanh"), ("x_l = x_(l-1) + phi(z_l)",)),
        (("--normalize", "layer"), ("phi(norm(z_l))", "over the units of one input", "E phi'(z)^2 / E phi(z)^2")),
        (("--normalize", "batch", "--batch", "8"), ("over the inputs of one unit", "(B - 2) / (B - 3)")),
        (("--cell", "rnn"), ("same W and b at every step", "spectral radius of W (seed 0)")),
        (("--cell", "lstm", "--forget-bias", "3"), ("c' = f c + i g", "sigmoid(3) = 0.952574")),
        ((), ("x_l = phi(z_l)", "sqrt(chi_1)")),
    ],
    ids=str,
)
def test_the_formulas_are_those_of_the_network_at_hand(dlmath, words, texts):
    out = dlmath("--depth", "5", "--width", "16", *words, "--explain")[1]
    for text in texts:
        assert text in out
    if words:
        assert "x_l = phi(z_l)" not in out


def test_silu_is_swish_and_parameters_are_taken(runs):
    found = runs("--activation", "silu", "--activation", "swish", "--activation", "leaky-relu:1", "--init", "lecun")
    assert found[0]["ratio"] == found[1]["ratio"]
    assert found[2]["chi_1"] == pytest.approx(1)


def test_the_correlation_of_two_inputs_settles(runs):
    """Schoenholz et al. 2017, tanh with sigma_w^2 = 2, sigma_b^2 = 0.05."""
    (one,) = runs("--activation", "tanh", "--weight-std", str(2**0.5), "--bias-std", str(0.05**0.5))
    assert one["c_star"] == pytest.approx(0.7440824195, rel=1e-8)
    assert one["correlation_depth_scale"] == pytest.approx(25.21341479, rel=1e-7)
    assert runs("--residual", "--depth", "3")[0]["c_star"] is None


def test_widths_say_the_depth(runs):
    (one,) = runs("--widths", "8,16,8", "--activation", "tanh")
    assert (one["depth"], one["widths"], one["method"]) == (3, [8, 16, 8], "explicit")
    assert len(one["layers"]) == 3


def test_cells_have_100_steps_of_tanh(runs):
    (one,) = runs("--cell", "rnn", "--width", "16")
    assert (one["depth"], one["activation"], one["cell"]) == (100, "tanh", "rnn")
    assert one["spectral_radius"] > 0
    assert "spectral radius" in one["predicted_reason"]


def test_training_takes_rate_and_optimizer(runs):
    found = runs("--depth", "3", "--width", "8", "--train", "2", "--optimizer", "adam", "--learning-rate", "0.01")
    training = found[0]["training"]
    assert (training["optimizer"], training["learning_rate"], training["steps_done"]) == ("adam", 0.01, 2)
    assert runs("--depth", "3", "--width", "8", "--train", "2")[0]["training"]["learning_rate"] == 0.1


def test_moved_layers(runs, dlmath):
    words = ("--depth", "12", "--width", "32", "--move", "1")
    moves = runs(*words)[0]["moves"]
    assert [move["layer"] for move in moves][::4] == [1, 12]
    assert moves[0]["output_change"] < 1e-3 * moves[-1]["output_change"]
    assert "How far the output moves" in dlmath(*words)[1]


def test_the_dead_are_counted_in_the_table(dlmath):
    words = ("--depth", "30", "--width", "6", "--activation", "relu", "--init", "he", "--seeds", "20")
    row = next(csv.DictReader(io.StringIO(dlmath(*words, "--format", "csv")[1])))
    assert 0 < float(row["dead"]) < 1
    row = next(csv.DictReader(io.StringIO(dlmath("--init", "zeros", "--depth", "3", "--format", "csv")[1])))
    assert (row["verdict"], row["dead"]) == ("dead", "1.0")


def test_rows_of_a_comparison_share_their_random_numbers(dlmath):
    status, _, err = dlmath("--init", "he", "--init", "lecun", "--depth", "3")
    assert status == 0
    assert "share their random numbers" in err


def test_critical_point_and_plane_agree_about_softplus(dlmath):
    status, _, err = dlmath("--critical", "--activation", "softplus")
    assert status == 2
    assert "from weight-std 1.41421 on" in err
    status, _, note = dlmath("--phase-diagram", "--activation", "softplus")
    assert status == 0
    assert "from weight-std 1.41421 on" in note


@pytest.mark.parametrize("activation", ["tanh", "relu", "sigmoid", "gelu", "linear"])
def test_the_critical_line_goes_from_frame_to_frame(dlmath, result_of, activation):
    found = result_of(dlmath, "--phase-diagram", "--activation", activation)
    line = found["critical_line"]
    assert line[0]["bias_std"] == pytest.approx(0, abs=1e-6)
    assert line[-1]["bias_std"] == pytest.approx(2) or line[-1]["weight_std"] == pytest.approx(found["weight_std"][-1])
    for point in line:
        assert found["weight_std"][0] <= point["weight_std"] <= found["weight_std"][-1]


def test_ranges_of_the_plane(dlmath, result_of):
    words = ("--phase-diagram", "--weight-range", "1:1.2", "--bias-range", "0:0.1", "--activation", "tanh")
    found = result_of(dlmath, *words)
    assert (found["weight_std"][0], found["weight_std"][-1], found["bias_std"][-1]) == (1.0, 1.2, 0.1)
    assert "not within" in dlmath("--phase-diagram", "--activation", "sigmoid", "--weight-range", "0.5:4")[2]


def test_critical_points_are_drawn(dlmath, tmp_path):
    words = ("--critical", "--activation", "tanh", "--activation", "relu", "--depth", "5", "--width", "16")
    assert dlmath(*words, "--plot", tmp_path / "c.png")[0] == 0
    assert (tmp_path / "c.png").read_bytes().startswith(b"\x89PNG")


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
    ("--weight-std 1e7", "--weight-std"),
    ("--activation silluu", "did you mean"),
    ("--activation leaky-relu:x", "'x'"),
    ("--method law --init glorot --train 1500", "law"),
    ("--widths 8,0", "'0' is not a width"),
    ("--widths 8,9 --depth 2", "--depth"),
    ("--widths 8,9 --residual", "differ in width"),
    ("--cell rnn --residual", "residual"),
    ("--cell lstm --activation relu", "bounded"),
    ("--cell rnn --train 5", "--cell rnn"),
    ("--cell gru", "--cell"),
    ("--forget-bias 1", "--forget-bias"),
    ("--optimizer adam", "--train"),
    ("--learning-rate 0.1", "--train"),
    ("--train 5 --optimizer adm", "did you mean 'adam'"),
    ("--move 0", "--move"),
    ("--clip 0", "--clip"),
    ("--normalize layer --width 2", "2 units"),
    ("--normalize batch --batch 2", "2 inputs"),
    ("--weight-range 1:2", "--phase-diagram"),
    ("--phase-diagram --weight-range 2:1", "no range"),
    ("--phase-diagram --train 5", "--train"),
    ("--critical --activation tanh --weight-std 0.5", "no sigma_b"),
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
    offered = declaration.Words.ALL
    assert {word.partition(":")[0] for word in offered["activation"].offered()} == {*ACTIVATIONS, "silu"}
    inits = {word.partition(":")[0] for word in offered["init"].offered()}
    assert {*INITIALISERS, "lsuv", "xavier-uniform", "kaiming-normal"} <= inits
    for word in offered["activation"].offered():
        get_activation(word.replace(":A", ":0.3"))
    assert set(declaration.METHODS) == set(METHODS)
    assert set(declaration.NORMALIZE) == set(NORMALISATIONS)
    assert set(declaration.RESIDUALS) == set(RESIDUALS)
    assert set(declaration.CELLS) == set(CELLS)
