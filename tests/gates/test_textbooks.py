"""Worked examples of textbooks, as a user types them."""

from __future__ import annotations

import csv
import io
import json
from functools import partial

import pytest

FAUSETT_ROWS = "x1,x2,y\n1,1,1\n1,0,-1\n0,1,-1\n0,0,-1\n"
HAYKIN = "weights: [[[1, 1], [1, 1]], [[-2], [1]]]\nbiases: [[-1.5, -0.5], [-0.5]]\n"
NEGNEVITSKY = "weights: [[[0.3], [-0.1]]]\nbiases: [[-0.2]]\n"


@pytest.fixture
def dlmath(command):
    return command("train-gate")


@pytest.fixture
def result(dlmath, result_of):
    return partial(result_of, dlmath)


def test_fausetts_perceptron_for_and(dlmath, result, tmp_path):
    """Fausett 1994, example 2.11: binary inputs, bipolar targets, theta 0.2, alpha 1: w = 2, 3, b = -4, 10 epochs."""
    rows = tmp_path / "and.csv"
    rows.write_text(FAUSETT_ROWS)
    words = (rows, "--rule", "perceptron", "--targets", "pm1", "--dead-band", "0.2")
    found = result(*words)
    assert found["learned"]
    assert found["weights"] == [[[2.0], [3.0]]]
    assert found["biases"] == [[-4.0]]
    assert found["epochs"]["max"] == 10
    assert (found["outputs"], found["targets_levels"]) == ([[1], [-1], [-1], [-1]], [-1, 1])
    assert found["updates"] <= found["updates_bound"]
    _, out, _ = dlmath(*words, "--explain")
    assert "undecided" in out
    assert "s = +1 for the target 1, -1 for the target -1" in out


def test_negnevitskys_perceptron_with_a_fixed_threshold(result, tmp_path):
    """Negnevitsky 2005, table 6.1: AND, threshold 0.2, rate 0.1, weights 0.3 and -0.1, fires at >= 0.

    From epoch 5 on w = 0.1, 0.1. The sum 0.1 + 0.1 - 0.2 is exactly 0 there: with binary floats it would not be.
    """
    start = tmp_path / "start.yaml"
    start.write_text(NEGNEVITSKY)
    words = ("--rule", "perceptron", "--weights", start, "--fixed-biases", "--learning-rate", "0.1", "--fires", ">=")
    found = result("and", *words)
    assert found["learned"]
    assert found["weights"] == [[[0.1], [0.1]]]
    assert found["biases"] == [[-0.2]]
    assert found["epochs"]["max"] == 5
    assert result("and", *words[:-1], ">")["weights"] != found["weights"]


def test_haykins_xor_of_step_units(dlmath, result, tmp_path):
    """Haykin 1999, section 4.5: hidden units (1, 1, -1.5) and (1, 1, -0.5), output (-2, 1, -0.5): 0 1 1 0."""
    weights = tmp_path / "haykin.yaml"
    weights.write_text(HAYKIN)
    words = ("xor", "--activation", "step", "--output-activation", "step", "--weights", weights)
    found = result(*words, "--epochs", "0")
    assert [output for (output,) in found["outputs"]] == [0, 1, 1, 0]
    assert found["hidden"] == [[[0, 0], [0, 1], [0, 1], [1, 1]]]
    assert found["learned"]
    status, out, _ = dlmath(*words, "--epochs", "0")
    assert status == 0
    assert "h1_1 = and, h1_2 = or" in out
    status, _, err = dlmath(*words)
    assert status == 2
    assert "slope 0" in err
    assert result("xor", *words[1:], "--epochs", "0", "--targets", "pm1")["outputs"] != found["outputs"]


@pytest.mark.parametrize("fires", [">", ">="])
def test_the_tie_rule_is_said_and_decides(dlmath, result, tmp_path, fires):
    """x1 + x2 - 0.3 at (0.1, 0.2) is exactly 0."""
    (tmp_path / "row.csv").write_text("x1,x2,y1\n0.1,0.2,1\n0.5,0.5,1\n0,0,0\n")
    (tmp_path / "w.yaml").write_text("weights: [[[1], [1]]]\nbiases: [[-0.3]]\n")
    words = (tmp_path / "row.csv", "--rule", "perceptron", "--weights", tmp_path / "w.yaml", "--fires", fires)
    found = result(*words, "--epochs", "1")
    assert (found["updates"] == 0) == (fires == ">=")
    _, out, _ = dlmath(*words)
    assert f"a sum of exactly 0 answers {int(fires == '>=')}" in out


def test_without_a_bias_a_row_of_zeros_is_said_to_lie_on_the_line(dlmath, result):
    found = result("or", "--rule", "perceptron", "--bias", "none")
    assert found["separable"]
    assert found["margin"] == 0
    _, out, _ = dlmath("or", "--rule", "perceptron", "--bias", "none")
    assert "row 1, all zeros: without a bias z = 0 whatever the weights" in out
    unbiased = result("nor", "--rule", "perceptron", "--bias", "none")
    assert unbiased["diagnosis"]["class"] == "unbiased"
    assert unbiased["failures"] == {"unbiased": 1}


def test_full_batches_are_explained_by_their_sum(dlmath):
    """Batch AND from zeros: no row fires, so that only (1, 1) is wrong and its correction is the sum."""
    _, out, _ = dlmath("and", "--rule", "perceptron", "--batch", "full", "--explain")
    lines = [line.split() for line in out.splitlines()]
    assert ["1", "4", "1", "1", "0", "0", "1", "1", "0", "0", "0"] in lines  # z and error by the weights 0, 0, 0
    assert ["1", "sum", "-", "-", "-", "-", "-", "-", "1", "1", "1"] in lines
    assert ["1", "new", "w", "-", "-", "-", "-", "-", "-", "1", "1", "1"] in lines


def test_the_perceptron_tells_why_it_failed(result):
    assert result("xor", "--rule", "perceptron")["diagnosis"]["class"] == "inseparable"
    short = result("and", "--rule", "perceptron", "--epochs", "2")
    assert short["diagnosis"]["class"] == "unfinished"
    assert "51 updates" in short["diagnosis"]["cause"]


@pytest.mark.parametrize("rule", ["backprop", "perceptron"])
def test_every_seed_on_request(dlmath, result, rule):
    words = ("xor", "--rule", rule, "--seeds", "6", "--seed", "3", "--per-seed", "--epochs", "300")
    extra = ("--hidden", "2") if rule == "backprop" else ("--init", "uniform:1")
    found = result(*words, *extra)
    assert [run["seed"] for run in found["runs"]] == list(range(3, 9))
    classes = [run["class"] for run in found["runs"] if not run["learned"]]
    assert {name: classes.count(name) for name in classes} == found["failures"]
    _, out, _ = dlmath(*words, *extra, "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert [int(row["seed"]) for row in rows] == list(range(3, 9))


def test_the_first_failed_seed_of_a_class_can_be_looked_at(dlmath, result):
    found = result("xor", "--hidden", "2", "--seeds", "60", "--epochs", "2000")
    for name, seed in found["first_failed"].items():
        alone = result("xor", "--hidden", "2", "--seed", str(seed), "--epochs", "2000")
        assert alone["diagnosis"]["class"] == name
    _, out, _ = dlmath("xor", "--hidden", "2", "--seeds", "60", "--epochs", "2000")
    assert f"--seed {found['first_failed']['half']}" in out


@pytest.mark.parametrize("ending", ["npz", "json", "yaml", "safetensors"])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_100_epochs_of_adam_and_100_more_are_200(result, tmp_path, ending, dtype):
    words = ("xor", "--optimizer", "adam", "--until", "sse:1e-9", "--dtype", dtype, "--epochs")
    first = result(*words, "100", "--hidden", "2", "--activation", "tanh", "--save", tmp_path / f"w.{ending}")
    second = result(*words, "100", "--weights", tmp_path / f"w.{ending}")  # widths and activations are in the file
    whole = result(*words, "200", "--hidden", "2", "--activation", "tanh")
    assert first["weights"] != whole["weights"]
    assert second["weights"] == whole["weights"]
    assert second["outputs"] == whole["outputs"]


def test_like_a_library_changes_its_constants_and_nothing_else(result):
    for optimizer, same in (("sgd", True), ("momentum", True), ("rmsprop", False), ("adam", False)):
        words = ("xor", "--optimizer", optimizer, "--epochs", "30")
        torch, keras = (result(*words, "--like", library)["outputs"] for library in ("torch", "keras"))
        assert (torch == keras) is same
        assert result(*words)["outputs"] == torch


def test_a_network_that_is_one_unit_tells_whether_a_line_separates_the_rows(dlmath, result):
    found = result("and", "--hidden", "none")
    assert (found["separable"], found["certificate"], found["diagnosis"]) == (True, None, None)
    assert "widest line         2 x1 + 2 x2 - 3 = 0" in dlmath("and", "--hidden", "none")[1]
    found = result("xor", "--activation", "linear", "--epochs", "3")
    assert (found["separable"], found["certificate"]) == (False, [1, 1, 1, 1])
    assert "sums to zero" in dlmath("xor", "--hidden", "none", "--epochs", "3")[1]
    assert result("xor", "--epochs", "3")["separable"] is None


def test_a_memory_of_another_optimizer_is_left_and_that_is_said(dlmath, tmp_path):
    dlmath("xor", "--optimizer", "adam", "--epochs", "5", "--save", tmp_path / "w.npz")
    _, _, err = dlmath("xor", "--weights", tmp_path / "w.npz", "--epochs", "1")
    assert "memory of adam; sgd starts without" in err


def test_until_says_what_learned_means(result):
    """Each criterion met at its first epoch, by the outputs' own figures."""
    within = result("xor", "--seed", "1")
    side = result("xor", "--seed", "1", "--until", "side")
    squares = result("xor", "--seed", "1", "--until", "sse:0.05")
    assert within["outputs"] == result("xor", "--seed", "1", "--until", "tolerance:0.1")["outputs"]
    for found in (within, side, squares):
        assert found["right"] == 4
        assert found["accuracy"] == 1
    assert side["epochs"]["max"] < squares["epochs"]["max"]
    assert sum((o - t) ** 2 for (o,), (t,) in zip(squares["outputs"], squares["targets"], strict=True)) < 0.05
    before = result("xor", "--seed", "1", "--until", "side", "--epochs", str(side["epochs"]["max"] - 1))
    assert before["right"] < 4


def test_targets_of_minus_one_and_one(result):
    found = result("xor", "--targets", "pm1")
    assert found["targets"] == [[-1], [1], [1], [-1]]
    assert found["targets_levels"] == [-1, 1]
    assert found["learned"]
    assert found["accuracy"] == 1


def test_one_activation_a_hidden_layer(result):
    found = result("xor", "--hidden", "3,2", "--activation", "tanh,relu", "--epochs", "5", "--seed", "2")
    tanh, relu = found["hidden"]
    assert max(abs(value) for row in tanh for value in row) < 1
    assert min(value for row in relu for value in row) == 0


def test_hidden_units_that_compute_gates_are_named(dlmath, result):
    found = result("xor", "--hidden", "2", "--seed", "0")
    assert len(found["hidden"][0]) == 4
    _, out, _ = dlmath("xor", "--hidden", "2", "--seed", "0")
    assert "What the hidden units say" in out
    assert "Gates that hidden units compute" in out


def test_the_step_of_any_epoch_is_explained(dlmath):
    """The step after epoch 3 begins where three epochs end."""
    words = ("xor", "--hidden", "2", "--optimizer", "adam")
    _, out, _ = dlmath(*words, "--explain", "--at-epoch", "3", "--epochs", "9")
    _, ended, _ = dlmath(*words, "--epochs", "3", "--format", "json")
    weight = json.loads(ended)["result"]["weights"][0][0][0]
    assert "after 3 epochs" in out
    updates = out.partition("\nUpdate")[2].splitlines()
    line = next(line for line in updates if line.startswith("W1[1,1]"))
    assert float(line.split()[1]) == pytest.approx(weight, rel=1e-6)


def test_own_data_with_semicolons_names_and_classes(dlmath, result, tmp_path):
    rows = "\n".join(f"{x};{'yes' if x > 1.5 else 'no'};{x * x}" for x in range(4))
    data = tmp_path / "own.csv"
    data.write_text(f"length;wet;area\n{rows}\n")
    found = result(data, "--target-columns", "wet", "--hidden", "3")
    assert found["targets"] == [[1, 0], [1, 0], [0, 1], [0, 1]]
    assert found["architecture"] == [2, 3, 2]
    assert found["accuracy"] == 1
    status, out, _ = dlmath(data, "--rule", "perceptron", "--target-columns", "wet", "--get", "outputs")
    assert (status, out) == (0, "[0]\n[0]\n[1]\n[1]\n")


def test_contradictory_rows_are_told(dlmath, tmp_path):
    (tmp_path / "d.csv").write_text("x1,y1\n0,0\n1,1\n0,1\n")
    _, out, err = dlmath(tmp_path / "d.csv", "--epochs", "10", "--get", "diagnosis.class")
    assert err.startswith("note: contradictory rows (equal inputs, different targets): 1 and 3")
    assert out == "other\n"


def test_many_rows_do_not_hide_the_result(dlmath, tmp_path):
    (tmp_path / "d.csv").write_text("a,b\n" + "\n".join(f"{i / 100},{int(i > 99)}" for i in range(200)))
    _, out, _ = dlmath(tmp_path / "d.csv", "--epochs", "300")
    assert "rows on their target's side" in out.splitlines()[2]
    assert len(out.splitlines()) < 90
    _, out, _ = dlmath(tmp_path / "d.csv", "--epochs", "300", "--format", "csv")
    assert len(out.splitlines()) == 201


@pytest.mark.parametrize("gate", ["xor", "not", "parity:3"])
def test_an_animation_is_written(dlmath, tmp_path, gate):
    from PIL import Image

    status, _, _ = dlmath(gate, "--epochs", "12", "--animate", tmp_path / "a.gif")
    assert status == 1
    with Image.open(tmp_path / "a.gif") as film:
        assert film.n_frames == 13


REFUSED = [
    ("xor --save w.txt", "ending for --save"),
    ("xor --save w", "ending for --save"),
    ("xor --animate a.png", "gif"),
    ("xor --get nope --save w.npz", "no 'nope'"),
    ("xor --get runs", "no 'runs'"),
    ("xor --get gradient_error", "no 'gradient_error'"),
    ("xor --seeds 99999999999999999999", "--seeds"),
    ("xor --epochs 99999999999999999999", "--epochs"),
    ("xor --until sse", "sse:E"),
    ("xor --until near:1", "--until"),
    ("xor --until side --tolerance 0.1", "--tolerance has no meaning"),
    ("xor --optimizer adam:beta3=1", "did you mean 'beta"),
    ("xor --like kears --optimizer adam", "did you mean 'keras'"),
    ("xor --momentum 0.5 --optimizer momentum:mu=0.6", "give mu once"),
    ("xor --activation tanh,relu", "names 2 activations for 1 hidden layer"),
    ("xor --hidden 2,2,2 --activation tanh,relu", "3"),
    ("xor --at-epoch 3", "without --explain"),
    ("xor --at-epoch 9 --epochs 3 --explain", "beyond --epochs"),
    ("xor --fires >=", "--fires has no meaning"),
    ("xor --dead-band 0.1", "--dead-band has no meaning"),
    ("and --rule perceptron --dead-band 0.1 --fires >=", "--fires has no meaning"),
    ("and --rule perceptron --dead-band -1", "--dead-band"),
    ("and --rule perceptron --fires >>", "--fires"),
    ("and --rule perceptron --fixed-biases --bias none", "--fixed-biases"),
    ("and --rule perceptron --animate a.gif", "--animate has no meaning"),
    ("xor --target-columns y1", "without a file"),
    ("xor --hidden 100000,100000", "parameters"),
    ("xor --activation step", "--epochs 0"),
]


@pytest.mark.parametrize(("words", "hint"), REFUSED, ids=[words for words, _ in REFUSED])
def test_a_wrong_request_is_refused_before_any_work_and_file(dlmath, tmp_path, monkeypatch, words, hint):
    monkeypatch.chdir(tmp_path)
    status, out, err = dlmath(*words.split())
    assert (status, out) == (2, "")
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert hint in err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("rule", ["backprop", "perceptron"])
def test_weights_on_standard_output_stand_there_alone(tmp_path, capsysbinary, rule):
    from dlmath.__main__ import run
    from dlmath.gates.files.weights import read_weights

    run(["train-gate", "and", "--rule", rule, "--save", "-"])
    (tmp_path / "w.npz").write_bytes(capsysbinary.readouterr().out)
    assert read_weights(str(tmp_path / "w.npz")).sizes[0] == 2
