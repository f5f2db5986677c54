"""`dlmath train-gate` as a user types it and a script reads it."""

from __future__ import annotations

import csv
import io
import json
import re
from functools import partial

import numpy as np
import pytest

from dlmath.gates import words as declared
from dlmath.neural.activations import ACTIVATIONS
from dlmath.neural.initialisers import INITIALISERS
from dlmath.neural.losses import LOSSES
from dlmath.neural.optimizers import OPTIMIZERS

MAZUR_ROWS = "inputs: [[0.05, 0.10]]\ntargets: [[0.01, 0.99]]\n"
MAZUR_WEIGHTS = """
weights:
  - [[0.15, 0.25], [0.20, 0.30]]
  - [[0.40, 0.50], [0.45, 0.55]]
biases: [0.35, 0.60]
"""


@pytest.fixture
def dlmath(command):
    """Run one command line; give status, standard output and standard error."""
    return command("train-gate")


@pytest.fixture
def result(dlmath, result_of):
    """Run one command line and give its result as JSON has it."""
    return partial(result_of, dlmath)


def test_xor_is_learned_with_the_defaults(dlmath, result):
    status, out, err = dlmath("xor")
    assert (status, err) == (0, "")
    assert "learned after" in out
    found = result("xor")
    assert found["learned"]
    assert found["architecture"] == [2, 4, 1]
    assert found["parameters"] == 17
    assert np.abs(np.array(found["outputs"]) - found["targets"]).max() <= 0.1


@pytest.mark.parametrize(
    "gate", ["and", "or", "nand", "nor", "xor", "xnor", "implies", "not", "identity", "0100", "and:3"]
)
def test_the_usual_gates_are_learned_with_the_defaults(dlmath, gate):
    assert dlmath(gate, "--get", "learned") == (0, "true\n", "")


def test_json_is_one_object_that_repeats_the_run(dlmath):
    _, out, _ = dlmath("or", "--hidden", "2", "--format", "json", "--seed", "3")
    printed = json.loads(out)
    assert list(printed) == ["command", "version", "schema_version", "settings", "result"]
    settings = printed["settings"]
    chosen = ["gate", "hidden", "activation", "loss", "optimizer", "learning_rate", "init", "epochs", "seed"]
    words = [word for name in chosen[1:] for word in ("--" + name.replace("_", "-"), settings[name])]
    _, again, _ = dlmath(settings["gate"], *words, "--format", "json")
    assert json.loads(again)["result"] == printed["result"]


def test_the_outputs_follow_from_the_weights_that_are_reported(result):
    found = result("xor", "--activation", "tanh", "--hidden", "3,2", "--seed", "5")
    a = np.array(found["inputs"], float)
    for weights, biases in zip(found["weights"], found["biases"], strict=True):
        z = a @ np.array(weights) + np.array(biases)
        a = np.tanh(z) if len(biases) > 1 else 1 / (1 + np.exp(-z))
    assert a == pytest.approx(np.array(found["outputs"]), abs=1e-12)


def test_the_same_seed_prints_the_same_bytes(dlmath):
    words = ("xor", "--seeds", "20", "--hidden", "2", "--format", "json", "--seed", "7")
    assert dlmath(*words) == dlmath(*words)


def test_a_seed_alone_is_the_seed_among_others(result):
    alone = result("xor", "--seed", "11", "--hidden", "2")
    first = result("xor", "--seed", "11", "--seeds", "9", "--hidden", "2")
    for key in ("outputs", "weights", "biases", "loss", "stopped"):
        assert first[key] == alone[key]


def test_many_seeds_report_rate_interval_epochs_and_failures(result):
    found = result("xor", "--hidden", "2", "--seeds", "200", "--epochs", "3000")
    assert found["seeds"] == 200
    assert found["learned_count"] + sum(found["failures"].values()) == 200
    low, high = found["success_interval"]
    assert low < found["success_rate"] < high
    assert set(found["epochs"]) == {"min", "median", "p90", "max"}
    assert not found["learned"]


def test_the_gate_that_is_not_learned_exits_with_1(dlmath):
    assert dlmath("xor", "--hidden", "none", "--epochs", "50")[0] == 1
    assert dlmath("xor", "--init", "zeros", "--epochs", "50", "--get", "outputs.0.0") == (1, "0.5\n", "")


def test_csv_is_the_truth_table(dlmath):
    _, out, _ = dlmath("and", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert [(row["x1"], row["x2"], row["target"]) for row in rows] == [
        ("0", "0", "0"), ("0", "1", "0"), ("1", "0", "0"), ("1", "1", "1"),
    ]  # fmt: skip
    assert all(abs(float(row["output"]) - float(row["target"])) <= 0.1 for row in rows)


def test_mazurs_worked_step_digit_by_digit(dlmath, tmp_path):
    """Mazur 2015, "A step by step backpropagation example": every digit he printed."""
    (tmp_path / "mazur.yaml").write_text(MAZUR_ROWS)
    (tmp_path / "weights.yaml").write_text(MAZUR_WEIGHTS)
    words = ("--weights", tmp_path / "weights.yaml", "--fixed-biases", "--loss", "half-sse", "--learning-rate", "0.5")
    status, out, err = dlmath(tmp_path / "mazur.yaml", *words, "--epochs", "1", "--tolerance", "0.01", "--explain")
    assert (status, err) == (1, "")
    published = ["0.75136507", "0.772928465", "0.298371109", "0.35891648", "0.408666186", "0.51130127", "0.561370121"]
    published += ["0.149780716", "0.19956143", "0.24975114", "0.29950229"]
    shown = [float(word) for word in re.findall(r"0\.\d+", out)]
    missing = [digits for digits in published if digits not in {f"{value:.{len(digits) - 2}f}" for value in shown}]
    assert missing == []


def test_gradients_are_checked_on_request(result):
    assert result("xor", "--check-gradients")["gradient_error"] < 1e-6
    assert "gradient_error" not in result("xor")


def test_saved_weights_start_where_training_stopped(dlmath, result, tmp_path):
    trained = result("xor", "--save", tmp_path / "w.npz")
    again = result("xor", "--weights", tmp_path / "w.npz")
    assert again["epochs"]["max"] == 0
    assert again["outputs"] == trained["outputs"]
    _, out, _ = dlmath("xor", "--format", "json")
    (tmp_path / "run.json").write_text(out)
    assert result("xor", "--weights", tmp_path / "run.json")["outputs"] == trained["outputs"]


@pytest.mark.parametrize("kind", ["neuron", "layer", "none"])
def test_the_three_kinds_of_bias_have_their_own_parameters(result, kind):
    found = result("or", "--bias", kind, "--epochs", "1")
    counts = {"neuron": [4, 1], "layer": [1, 1], "none": [0, 0]}[kind]
    assert [len(biases) for biases in found["biases"]] == counts
    assert found["parameters"] == 12 + sum(counts)


def test_fixed_biases_stay_where_they_were(result):
    found = result("xor", "--fixed-biases", "--bias-init", "constant:0.25", "--epochs", "30")
    assert {value for biases in found["biases"] for value in biases} == {0.25}


def test_divergence_is_reported_with_its_epoch_and_no_warning(dlmath):
    words = ("xor", "--activation", "relu", "--output-activation", "linear", "--learning-rate", "1e300")
    status, out, err = dlmath(*words, "--format", "json")
    found = json.loads(out)["result"]
    assert (status, err) == (1, "")
    assert found["stopped"] == "diverged"
    assert found["failures"] == {"diverged": 1}
    assert found["stopped_at"] < 10
    assert dlmath(*words)[0] == 1


def test_explain_goes_into_json_too(dlmath):
    _, out, _ = dlmath("and", "--explain", "--format", "json")
    assert any("dL/da" in line for line in json.loads(out)["explanation"])


def test_pm1_recodes_the_inputs_only(result):
    found = result("xor", "--inputs", "pm1")
    assert found["inputs"] == [[-1, -1], [-1, 1], [1, -1], [1, 1]]
    assert found["targets"] == [[0], [1], [1], [0]]


class TestPerceptron:
    @pytest.mark.parametrize(("gate", "epochs", "updates", "bound"), [("and", 6, 10, 51), ("or", 4, 4, 27)])
    def test_separable_gates_end_as_published(self, result, gate, epochs, updates, bound):
        found = result(gate, "--rule", "perceptron")
        assert found["learned"]
        assert found["separable"]
        assert (found["epochs"]["max"], found["updates"], found["updates_bound"]) == (epochs, updates, bound)
        assert found["updates"] <= 3 / found["margin"] ** 2
        assert found["cycle"] is None
        assert found["certificate"] is None
        assert found["outputs"] == found["targets"]

    def test_xor_cycles_and_the_certificate_proves_it(self, dlmath, result):
        status, out, _ = dlmath("xor", "--rule", "perceptron")
        assert status == 1
        assert "sums to zero" in out
        found = result("xor", "--rule", "perceptron")
        assert found["stopped"] == "cycle"
        assert found["cycle"] == {"start": 2, "length": 1}
        assert not found["separable"]
        assert found["margin"] is None
        signed = [
            y * (1 if target else -1) * np.array([*x, 1])
            for x, (target,), y in zip(found["inputs"], found["targets"], found["certificate"], strict=True)
        ]
        assert sum(found["certificate"]) > 0
        assert not np.any(sum(signed))

    def test_without_bias_nor_is_not_learned(self, dlmath):
        """0, 0 must fire, but its weighted sum is 0 whatever the weights."""
        assert dlmath("nor", "--rule", "perceptron", "--bias", "none")[0] == 1

    def test_random_starts_differ_and_all_learn(self, result):
        found = result("and", "--rule", "perceptron", "--init", "uniform:1", "--seeds", "20")
        assert found["learned_count"] == 20
        assert found["epochs"]["min"] < found["epochs"]["max"]

    def test_explain_shows_the_rule_and_every_row(self, dlmath):
        _, out, _ = dlmath("or", "--rule", "perceptron", "--explain")
        assert "w <- w + eta (t - o) x" in out
        assert "Row by row" in out


def test_the_census_counts_the_separable_functions(dlmath, result):
    """OEIS A000609: 4, 14, 104, 1882."""
    assert [dlmath("--separable", n, "--get", "separable")[1] for n in (1, 2, 3)] == ["4\n", "14\n", "104\n"]
    found = result("--separable", "3")
    assert found["functions"] == 256
    assert found["separable"] + sum(found["periods"].values()) == 256


@pytest.mark.parametrize("rule", ["backprop", "perceptron"])
def test_a_file_of_rows_is_a_gate(dlmath, tmp_path, rule):
    (tmp_path / "points.csv").write_text("x1,x2,y1\n0.5,1.5,1\n-1.25,0.5,0\n2,3.5,1\n")
    assert dlmath(tmp_path / "points.csv", "--rule", rule, "--get", "learned") == (0, "true\n", "")


REFUSED = [
    ("xro", "did you mean 'xor'"),
    ("011", "2^n"),
    ("0120", "not a bit"),
    ("parity:11", "1 to 10"),
    ("xor --hidden 0", "--hidden"),
    ("xor --hidden 4,,3", "--hidden"),
    ("xor --learning-rate 0", "positive finite"),
    ("xor --learning-rate nan", "positive finite"),
    ("xor --learning-rate inf", "positive finite"),
    ("xor --tolerance 1", "below 1"),
    ("xor --tolerance 0", "above 0"),
    ("xor --loss cross-entropy --output-activation linear", "sigmoid"),
    ("xor --activation step", "--rule perceptron"),
    ("xor --activation sigmod", "did you mean 'sigmoid'"),
    ("xor --optimizer adm", "did you mean 'adam'"),
    ("xor --init uniform:0", "uniform"),
    ("xor --seeds 0", "at least 1"),
    ("xor --seed -1", "at least 0"),
    ("xor --jobs 0", "at least 1"),
    ("xor --epochs -5", "at least 0"),
    ("xor --momentum 0.5", "--momentum has no meaning"),
    ("xor --momentum 1 --optimizer momentum", "below 1"),
    ("xor --save /no/such/folder/w.npz", "no folder"),
    ("xor --plot /no/such/folder/p.png", "no folder"),
    ("xor --plot picture.gif", "png"),
    ("xor --rule perceptron --hidden 3", "--hidden has no meaning"),
    ("xor --rule perceptron --activation relu", "step"),
    ("and --rule perceptron --loss mse", "--loss has no meaning"),
    ("no-such-file.csv", "No such file"),
    ("--separable 5", "2^32"),
    ("--separable 2 --seeds 3", "--seeds has no meaning"),
    ("xor --separable 2", "--separable"),
    ("", "GATE"),
    ("xor --get nothing", "there are"),
    ("xor --get loss --format csv", "csv"),
]


@pytest.mark.parametrize(("words", "hint"), REFUSED, ids=[words or "nothing" for words, _ in REFUSED])
def test_a_wrong_request_is_one_line_and_status_2(dlmath, words, hint):
    status, out, err = dlmath(*words.split())
    assert (status, out) == (2, "")
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert "; " in err
    assert hint in err


def test_nothing_is_written_when_the_request_is_wrong(dlmath, tmp_path):
    target = tmp_path / "w.npz"
    target.write_bytes(b"kept")
    assert dlmath("xor", "--save", target, "--tolerance", "2")[0] == 2
    assert target.read_bytes() == b"kept"
    assert list(tmp_path.iterdir()) == [target]


def test_a_plot_is_a_picture(dlmath, tmp_path):
    assert dlmath("xor", "--plot", tmp_path / "p.png")[0] == 0
    assert (tmp_path / "p.png").read_bytes().startswith(b"\x89PNG")
    assert dlmath("xor", "--rule", "perceptron", "--plot", tmp_path / "p.svg")[0] == 1
    assert b"<svg" in (tmp_path / "p.svg").read_bytes()


def test_the_words_offered_are_the_words_of_the_engine():
    assert set(declared.ACTIVATIONS) == {*(word for entry in ACTIVATIONS.values() for word in entry.words), "step"}
    assert set(declared.INITS) == {word for kind in INITIALISERS.values() for word in kind.words}
    assert {"mse", "half-sse", "cross-entropy"} == set(LOSSES)
    assert {"sgd", "momentum", "nesterov", "rmsprop", "adam"} == set(OPTIMIZERS)
