"""`dlmath train-image` as a user types it and a script reads it."""

from __future__ import annotations

import csv
import io
import json
import re
import signal
import sys
import time
from functools import partial

import numpy as np
import pytest

from dlmath.images import words as declared
from dlmath.images.engine.training import SCHEDULES

SMALL = ("--data", "marks:train=120,test=60", "--epochs", "2", "--batch", "30")
CHAIN = "conv:3x3x4 relu maxpool:2 flatten dense:10"


@pytest.fixture
def dlmath(command):
    """Run one command line; give status, standard output and standard error."""
    return command("train-image")


@pytest.fixture
def result(dlmath, result_of):
    """Run one command line and give its result as JSON has it."""
    return partial(result_of, dlmath)


def test_words_are_those_of_the_registries():
    assert set(declared.SCHEDULES) == set(SCHEDULES)


def test_the_defaults_learn_marks(result):
    found = result()
    (network,) = found["networks"]
    assert network["name"] == declared.DEFAULT_NETWORK
    assert (network["params"], network["macs"]) == (3818, 94720)
    assert network["test_accuracy"] > 0.9  # 94.0 to 95.6 over five seeds when it was first measured
    assert network["stopped"] == "epochs"
    assert found["data"]["classes"] == 10
    assert (found["data"]["train"], found["data"]["test"], found["data"]["shape"]) == (2000, 1000, [16, 16, 1])
    assert network["loss"]["epoch"] == list(range(21))
    assert np.sum(network["confusion"]) == 1000


def test_every_key_of_the_result_is_declared(result):
    found = result(CHAIN, *SMALL, "--shift", "1", "--check-gradients", "--seeds", "2")

    def paths(value, path):
        if isinstance(value, dict):
            return {inner for key, item in value.items() for inner in paths(item, (*path, key))}
        if isinstance(value, list):
            return {inner for item in value for inner in paths(item, (*path, "*"))}
        return {".".join(path)}

    assert paths(found, ()) == set(declared.RESULTS)


def test_against_a_plain_network_of_as_many_parameters(dlmath, result):
    words = (CHAIN, *SMALL, "--against", "mlp", "--against", "mlp:8,4", "--shift", "2")
    found = result(*words)
    first, plain, deep = found["networks"]
    assert plain["name"].startswith("mlp:")
    assert abs(plain["params"] - first["params"]) <= (256 + 10 + 1) / 2
    assert deep["params"] == 256 * 8 + 8 + 8 * 4 + 4 + 4 * 10 + 10
    assert all(len(network["shifted"]) == 3 for network in found["networks"])
    assert all(network["shifted"][0] == network["test_accuracy"] for network in found["networks"])
    status, out, err = dlmath(*words)
    assert (status, err) == (0, "")
    sentence = next(line for line in out.splitlines() if line.startswith("Of 60 test images"))
    for letter, network in zip("ABC", found["networks"], strict=True):
        assert (
            f"{letter} ({network['params']:,} parameters) is right on {100 * network['test_accuracy']:.1f} %"
            in sentence
        )
        assert f"{letter} on {100 * network['shifted'][2]:.1f} %" in sentence


def test_seeds_give_medians_and_ranges_and_seed_k_alone_is_seed_k_of_many(result):
    many = result(CHAIN, *SMALL, "--seeds", "3", "--seed", "4", "--shift", "1")["networks"][0]
    alone = [result(CHAIN, *SMALL, "--seed", str(seed), "--shift", "1")["networks"][0] for seed in (4, 5, 6)]
    accuracies = [network["test_accuracy"] for network in alone]
    assert [run["test_accuracy"] for run in many["runs"]] == accuracies
    assert [run["test_loss"] for run in many["runs"]] == [network["loss"]["test"][-1] for network in alone]
    assert many["test_accuracy"] == np.median(accuracies)
    assert many["test_range"] == [min(accuracies), max(accuracies)]
    assert many["shifted"] == np.median([network["shifted"] for network in alone], axis=0).tolist()
    assert many["confusion"] == alone[0]["confusion"]


def test_processes_change_nothing(dlmath):
    words = (CHAIN, *SMALL, "--seeds", "2", "--against", "mlp:8", "--format", "json")
    one, two = (json.loads(dlmath(*words, "--jobs", jobs)[1]) for jobs in ("1", "2"))
    assert one["result"] == two["result"]


def test_the_same_words_print_the_same_bytes(dlmath):
    assert dlmath(CHAIN, *SMALL) == dlmath(CHAIN, *SMALL)


def test_permuted_images_are_other_images(result):
    plain, mixed = (result(CHAIN, *SMALL, *words)["networks"][0]["loss"] for words in ((), ("--permute",)))
    assert plain["train"][0] != mixed["train"][0]


@pytest.mark.parametrize(
    "words",
    [
        ("--train", "40"),
        ("--augment", "shift:2,flip"),
        ("--optimizer", "momentum"),
        ("--optimizer", "adam:beta1=0.5"),
        ("--learning-rate", "0.001"),
        ("--schedule", "cosine"),
        ("--weight-decay", "0.1"),
        ("--init", "glorot"),
        ("--dtype", "float64"),
        ("--batch", "17"),
        ("--seed", "9"),
    ],
    ids=" ".join,
)
def test_no_option_is_ignored(result, words):
    plain, changed = (result(CHAIN, *SMALL, *more)["networks"][0]["loss"]["train"] for more in ((), words))
    assert plain != changed


def test_csv_and_one_value(dlmath):
    _, out, _ = dlmath(CHAIN, *SMALL, "--against", "mlp:8", "--shift", "1", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert [row["network"] for row in rows] == [CHAIN, "mlp:8"]
    assert 0 <= float(rows[0]["shift_1"]) <= 1
    assert dlmath(CHAIN, *SMALL, "--get", "networks.*.params")[1].split() == [str(40 + 256 * 10 + 10)]
    assert dlmath(CHAIN, *SMALL, "--get", "networks.0.parms")[0] == 2


def test_at_least_decides_the_status(dlmath):
    assert dlmath(CHAIN, *SMALL, "--at-least", "0")[0] == 0
    assert dlmath(CHAIN, *SMALL, "--at-least", "1")[0] == 1


@pytest.mark.parametrize("ending", ["npz", "safetensors"])
def test_saved_weights_are_tested_again(dlmath, result, tmp_path, ending):
    name = str(tmp_path / f"w.{ending}")
    chain = "conv:3x3x4,bias=no batchnorm relu maxpool:2 flatten dense:10"
    first = result(chain, *SMALL, "--save", name)["networks"][0]
    again = result(chain, *SMALL[:2], "--epochs", "0", "--weights", name)["networks"][0]
    assert again["test_accuracy"] == first["test_accuracy"]
    assert again["loss"]["test"] == first["loss"]["test"][-1:]
    status, _, err = dlmath("mlp:8", *SMALL, "--weights", name)
    assert (status, err.count("\n")) == (2, 1)
    assert name in err


def test_arrays_are_named_as_layers_with_weights(dlmath, tmp_path):
    name = tmp_path / "w.npz"
    dlmath("conv:3x3x4,bias=no batchnorm relu flatten dense:10", *SMALL, "--save", name)
    with np.load(name) as arrays:
        shapes = {key: arrays[key].shape for key in arrays}
    vector = (4,)
    assert shapes == {
        "W1": (3, 3, 1, 4), "W2": vector, "b2": vector, "W3": (1024, 10), "b3": (10,),
        "mean2": vector, "variance2": vector,
    }  # fmt: skip


def test_explain_follows_one_image(dlmath):
    status, out, _ = dlmath(CHAIN, *SMALL, "--explain", "--image", "7")
    assert status == 0
    for part in ("test image 7", "Convolution conv1 (W1)", "Pooling maxpool1", "Dense dense1 (W2)", "Softmax"):
        assert part in out
    total, bias, z = map(float, re.search(r"z = sum \+ b = (\S+) \+ \(?([^\s)]+)\)? = (\S+)", out).groups())
    assert z == pytest.approx(total + bias, rel=1e-6)
    payload = json.loads(dlmath(CHAIN, *SMALL, "--explain", "--format", "json")[1])
    assert any("Softmax" in line for line in payload["explanation"])
    assert "Convolution" not in dlmath("mlp:8", *SMALL, "--explain")[1]


def test_show_draws_kernels_maps_and_wrong_answers(dlmath):
    _, out, _ = dlmath(CHAIN, *SMALL, "--show")
    for part in (
        "Learned weights W1",
        "Test image 0",
        "conv1: 4 maps of 16x16",
        "surest wrong answers",
        "Confused most",
    ):
        assert part in out
    assert max(map(len, out.partition("Learned weights")[2].splitlines())) <= 80
    assert "Learned weights W1 of the first layer, 16x16" in dlmath("mlp:8", *SMALL, "--show")[1]


@pytest.mark.parametrize(
    ("words", "ending"),
    [((CHAIN, "--against", "mlp", "--shift", "1"), "png"), (("mlp:4",), "svg")],
    ids=["conv", "mlp"],
)
def test_plot_is_written(dlmath, tmp_path, words, ending):
    name = tmp_path / f"a.{ending}"
    assert dlmath(*words, *SMALL, "--plot", name)[0] == 0
    assert name.stat().st_size > 10_000


def test_what_learned_nothing_is_told(dlmath, result):
    words = ("--data", "marks:train=120,test=60", "--epochs", "2", "--init", "zeros")
    assert result(CHAIN, *words)["networks"][0]["stuck"] == 1
    assert "learned nothing" in dlmath(CHAIN, *words)[1]


def test_a_diverging_network_is_told_and_says_no(dlmath):
    words = ("conv:3x3x4 conv:3x3x4 dense:10", *SMALL, "--optimizer", "sgd", "--learning-rate", "1e6")
    status, out, err = dlmath(*words, "--at-least", "0.5")
    assert (status, err) == (1, "")
    assert "diverged" in out


@pytest.mark.parametrize(
    ("network", "params"),
    [
        ("resnet20", 269_722 - 2 * 9 * 16),  # as counted for three channels; two of them are missing
        ("lenet5_keras", 61_706 - 120 * (400 - 64)),  # on 16 x 16 the last maps are 2 x 2
        ("mlp:16,8", 256 * 16 + 16 + 16 * 8 + 8 + 8 * 10 + 10),
        ("mlp_300_100", 256 * 300 + 300 + 300 * 100 + 100 + 100 * 10 + 10),
        ("flatten dense:10 softmax", 2570),
        ("conv:3x3x10 globalpool:,keep=yes", 100),
        ("conv:3x3x10 as a conv:3x3x99 globalpool from a", 100),  # what nothing rests on is left out
        ("conv:3x3x8 as a relu conv:3x3x8 add from a,conv2 globalpool dense:10", 80 + 584 + 90),
    ],
)
def test_every_kind_of_network_is_trained(dlmath, network, params):
    data = ("--data", "marks:train=20,test=20", "--epochs", "1", "--batch", "10")
    assert dlmath(network, *data, "--get", "networks.0.params") == (0, f"{params}\n", "")


def test_a_file_of_the_architecture_language(dlmath, tmp_path):
    path = tmp_path / "net.yaml"
    path.write_text(
        "takes: {width: 4, classes: 1000}\nlayers:\n  - conv:3x3x{width}\n  - residual: [relu, 'conv:3x3x{width}']\n"
        "  - globalpool\n  - dense:{classes}\n"
    )
    assert dlmath(f"{path}:width=6", *SMALL, "--get", "networks.0.params")[1] == f"{60 + 330 + 70}\n"
    path.write_text("layers: [globalpool, 'dense:7']\n")
    status, _, err = dlmath(path, *SMALL)
    assert status == 2
    assert "gives 7 for an image and the data has 10 classes; end it with dense:10" in err


WRONG = {
    "unknown network": (("resnet19",), "resnet"),
    "empty": (("",), "empty"),
    "mlp alone": (("mlp",), "mlp:64"),
    "mlp width": (("mlp:0",), "no width"),
    "mlp words": (("mlp:a",), "no width"),
    "layer": (("conv:3x3x4 wavelet dense:10",), "wavelet"),
    "untrainable": (("lstm:4 dense:10",), "lstm"),
    "published lenet": (("lenet5", "--data", "marks:size=32"), "cannot be trained"),
    "answers": (("conv:3x3x4 globalpool",), "end it with dense:10"),
    "against": ((CHAIN, "--against", "conv:3x3x4"), "--against"),
    "pool too large": (("maxpool:40,pad=valid dense:10",), "no output"),
    "data": (("--data", "mnist"), "marks"),
    "size": (("--size", "20"), "HxW"),
    "size of marks": (("--size", "20x20"), "--size"),
    "test of marks": (("--test", "a.csv"), "--test"),
    "train": (("--train", "5000"), "there are 2,000"),
    "shift": (("--shift", "16"), "up to 15"),
    "shift sign": (("--shift", "-1"), "--shift"),
    "augment": (("--augment", "turn:3"), "shift:K"),
    "augment twice": (("--augment", "flip,flip"), "twice"),
    "augment far": (("--augment", "shift:16"), "smaller"),
    "optimizer": (("--optimizer", "adma"), "adam"),
    "constant": (("--optimizer", "adam:beta3=0.5"), "beta2"),
    "constant's range": (("--optimizer", "adam:beta2=1.5"), "below 1"),
    "rate": (("--learning-rate", "0"), "positive"),
    "decay": (("--weight-decay", "-1"), "--weight-decay"),
    "schedule": (("--schedule", "cos"), "cosine"),
    "init": (("--init", "hee"), "he"),
    "batch": (("--batch", "0"), "--batch"),
    "epochs": (("--epochs", "-1"), "--epochs"),
    "memory": (("conv:3x3x4000 dense:10", "--batch", "2000"), "GB"),
    "weights": (("--weights", "none.npz"), "none.npz"),
    "weights ending": (("--weights", "w.h5"), ".npz"),
    "save ending": (("--save", "w.h5"), ".npz"),
    "save folder": (("--save", "no/w.npz"), "no folder"),
    "image": (("--image", "1000", "--explain"), "0 to 999"),
    "image for nothing": (("--image", "1"), "--explain"),
    "jobs for nothing": (("--jobs", "2"), "--seeds"),
    "show as json": (("--show", "--format", "json"), "--show"),
    "at least": (("--at-least", "1.5"), "--at-least"),
    "dropout": (("dropout:1 dense:10",), "rate"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_words_are_one_line_and_status_2_before_any_work(dlmath, name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("dlmath.images.run_training.run_training", None)
    words, told = WRONG[name]
    status, out, err = dlmath(*words)
    assert (status, out) == (2, "")
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert told in err
    assert not list(tmp_path.iterdir())


def test_weights_beside_what_contradicts_them(dlmath, tmp_path):
    name = str(tmp_path / "w.npz")
    dlmath(CHAIN, *SMALL, "--save", name)
    for more in (("--seeds", "2"), ("--init", "he")):
        status, _, err = dlmath(CHAIN, *SMALL, "--weights", name, *more)
        assert status == 2
        assert more[0] in err


def test_a_shift_that_cuts_images_off_is_noted(dlmath, tmp_path):
    generator = np.random.default_rng(0)
    np.savez(tmp_path / "a.npz", x=generator.random((60, 6, 6)), y=np.arange(60) % 2)
    words = ("flatten dense:2", "--data", tmp_path / "a.npz", "--epochs", "1", "--shift", "2")
    assert "of their ink" in dlmath(*words)[2]


def test_an_interrupt_prints_what_was_reached_and_leaves_130(start, tmp_path):
    words = ("train-image", "mlp:64", "--epochs", "100000", "--save", str(tmp_path / "w.npz"))
    script = (
        "import sys, dlmath.images.engine.training as t\n"
        "measure = t.Loop._measure\n"
        "def told(self, epoch):\n"
        "    measure(self, epoch)\n"
        "    sys.stderr.write('epoch\\n')\n"
        "    sys.stderr.flush()\n"
        "t.Loop._measure = told\n"
        f"sys.argv = ['dlmath', *{words!r}]\n"
        "from dlmath.__main__ import main\nmain()\n"
    )
    import subprocess

    process = start([sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    for _ in range(3):
        assert process.stderr.readline() == "epoch\n"
    time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=start.patience)
    assert process.returncode == 130
    assert "interrupted" in out
    assert "what was reached" in err
    assert "Traceback" not in err
    assert (tmp_path / "w.npz").exists()


def test_python_face_and_experiments_take_the_same_words(tmp_path):
    import dlmath

    found = dlmath.train_image(CHAIN, data="marks:train=60,test=30", epochs=1, against=["mlp:4"])
    assert len(found["networks"]) == 2
    path = tmp_path / "e.yaml"
    path.write_text(
        f"command: train-image\nnetwork: '{CHAIN}'\ndata: 'marks:train=60,test=30'\nepochs: 1\n"
        "sweep:\n  seed: [0, 1]\nexpect:\n  - networks.0.params == 2610\n"
    )
    outcome = dlmath.run(str(path), results=str(tmp_path / "results"))
    assert outcome["experiments.0.holds"]


def test_a_network_may_have_more_answers_than_classes_occur(dlmath, result, tmp_path):
    """The oracle's network of five answers, trained on three images of classes 1, 3 and 0 as a script would do it."""
    images = np.cos(0.7 * np.arange(192)).reshape(3, 8, 8, 1)
    labels = np.array([1, 3, 0])
    np.savez(tmp_path / "d.npz", x_train=images, y_train=labels, x_test=images, y_test=labels)
    counter, tensors = 1, {}
    shapes = {"W1": (3, 3, 1, 2), "b1": (2,), "W2": (3, 3, 2, 3), "b2": (3,), "W3": (12, 5), "b3": (5,)}
    for name, shape in shapes.items():
        size = int(np.prod(shape))
        tensors[name] = (0.5 * np.sin(np.arange(counter, counter + size))).reshape(shape)
        counter += size
    np.savez(tmp_path / "w.npz", **tensors)
    words = (
        *("conv:3x3x2 relu maxpool:2 conv:3x3x3 relu avgpool:2 flatten dense:5", "--data", tmp_path / "d.npz"),
        *("--weights", tmp_path / "w.npz", "--dtype", "float64", "--optimizer", "sgd", "--learning-rate", "0.1"),
    )
    found = result(*words, "--epochs", "10")
    assert found["data"]["classes"] == 5
    losses = found["networks"][0]["loss"]["train"]
    wanted = [1.648793422, 1.609528756, 1.443538585]  # PyTorch: tests/oracles/image_networks.txt
    np.testing.assert_allclose([losses[0], losses[1], losses[10]], wanted, rtol=1e-9)
    assert "3 of these classes occur" in dlmath(*words, "--epochs", "0")[2]
