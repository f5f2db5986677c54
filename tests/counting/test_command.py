"""`dlmath param-count` as a user types it and a script reads it."""

from __future__ import annotations

import csv
import io
import json
from functools import partial

import pytest

from dlmath.counting import words as declared
from dlmath.counting.engine.conventions import CONVENTIONS
from dlmath.counting.engine.count import AUXILIARIES
from dlmath.counting.engine.memory import BYTES, OPTIMIZER_STATE
from dlmath.counting.report import cells


@pytest.fixture
def dlmath(command):
    """Run one command line; give status, standard output and standard error."""
    return command("param-count")


@pytest.fixture
def result(dlmath, result_of):
    """Run one command line and give its result as JSON has it."""
    return partial(result_of, dlmath)


def test_the_seeds_figures_both_readings(dlmath, result):
    """MATHEMATICS.md section 1: what a kernel holds per input channel (1152), and what the layer holds."""
    status, out, err = dlmath("--conv", "3x3x128")
    assert status == 0
    assert "1,152" in out
    assert "1,152 x C + 128" in err
    found = result("--conv", "3x3x128", "--input", "112x112x64", "--compare", "1x1x128")
    assert (found["weights"], found["params"], found["macs"]) == (73_728, 73_856, 924_844_032)
    (other,) = found["alternatives"]
    assert (other["weights"], other["params"], other["macs"]) == (8_192, 8_320, 102_760_448)
    assert other["macs_difference"] == -822_083_584
    assert other["macs_ratio"] == pytest.approx(1 / 9)


def test_a_dense_layer_instead_of_the_convolution(result):
    """Why a CNN: the same output from a dense layer takes twelve orders of magnitude of weights."""
    (dense,) = result("--conv", "3x3x128", "--input", "112x112x64", "--compare", "dense")["alternatives"]
    assert dense["weights"] == (112 * 112 * 64) * (112 * 112 * 128)


def test_a_chain_in_order(result):
    found = result("conv:3x3x32", "relu", "maxpool:2", "flatten", "dense:10", "--input", "28x28x1")
    assert [layer["kind"] for layer in found["layers"]] == ["conv", "relu", "maxpool", "flatten", "dense"]
    assert found["params"] == 3 * 3 * 32 + 32 + 14 * 14 * 32 * 10 + 10
    assert found["output_shape"] == [10]
    for key in ("params", "macs", "weights", "biases"):
        assert found[key] == sum(layer[key] for layer in found["layers"])
    assert found["flops"] == 2 * found["macs"]


@pytest.mark.parametrize(
    ("model", "params", "macs"),
    [
        ("alexnet", 61_100_840, 714_188_480),
        ("vgg16", 138_357_544, 15_470_264_320),
        ("resnet50", 25_557_032, 4_089_184_256),
        ("Wide-ResNet50-2", 68_883_240, 11_398_021_120),
        ("vit_b_16", 86_567_656, 17_563_828_224),
    ],
)
def test_networks_of_the_zoo(result, model, params, macs):
    """torchvision's weights' meta data (MATHEMATICS.md section 1); tests/test_zoo.py holds every row."""
    found = result("--model", model)
    assert (found["params"], found["macs"]) == (params, macs)


def test_the_receptive_field_of_vgg16(result):
    """Araujo et al. 2019: 212 after pool5, stride 32, padding 90."""
    found = result("--model", "vgg16")
    assert (found["receptive_field"], found["jump"], found["effective_padding"]) == (212, 32, 90)


def test_an_architecture_file_and_standard_input(dlmath, tmp_path, monkeypatch):
    text = "name: tiny\ninput: 8x8x3\nlayers:\n  - conv:3x3x4\n  - relu\n  - globalpool\n  - dense:2\n"
    (tmp_path / "tiny.yaml").write_text(text)
    assert dlmath("--model", tmp_path / "tiny.yaml", "--get", "params")[:2] == (0, "122\n")
    monkeypatch.setattr("sys.stdin", io.StringIO(text))
    assert dlmath("--model", "-", "--get", "params")[:2] == (0, "122\n")


def test_an_architecture_error_has_its_place(dlmath, tmp_path):
    (tmp_path / "bad.yaml").write_text("name: bad\ninput: 8x8x3\nlayers:\n  - convv:3x3x4\n")
    status, out, err = dlmath("--model", tmp_path / "bad.yaml")
    assert (status, out) == (2, "")
    assert "bad.yaml:4:" in err
    assert "conv" in err


def test_explain_prints_the_formula_with_its_numbers(dlmath):
    _, out, _ = dlmath("--conv", "3x3x128", "--input", "112x112x64", "--explain")
    assert "3 x 3 x 64 x 128 + 128 = 73,856" in out
    assert "floor((112 - 1 x (3 - 1) - 1 + 1 + 1) / 1) + 1 = 112" in out


def test_conventions_and_their_reconciliation(result):
    """MATHEMATICS.md section 1: one ResNet-50, five tools."""
    told = {one["name"]: one for one in result("--model", "resnet50", "--reconcile")["conventions"]}
    operations = {"torchvision": 4_089_184_256, "torchinfo": 4_089_238_376, "ptflops": 4_089_185_256}
    operations |= {"fvcore": 4_111_512_576, "thop": 4_133_742_592}
    assert {name: told[name]["operations"] for name in operations} == operations
    for one in told.values():
        assert sum(line["value"] for line in one["operations_lines"]) == one["operations"]
    assert result("--model", "resnet50", "--convention", "thop")["macs"] == 4_133_742_592


def test_a_check_says_which_mistake_it_is(dlmath):
    words = ("--conv", "3x3x128", "--input", "112x112x64", "--check")
    assert dlmath(*words, "params=73856", "--get", "params") == (0, "73856\n", "")
    status, out, _ = dlmath(*words, "params=1152")
    assert status == 1
    assert "the input channels are forgotten and the biases are left out" in out


def test_the_csv_re_adds(dlmath):
    _, out, _ = dlmath("--model", "alexnet", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert sum(int(row["params"]) for row in rows[:-1]) == int(rows[-1]["params"]) == 61_100_840


def test_memory_follows_dtype_batch_and_optimizer(result):
    plain = result("dense:10", "--input", "20")["memory"]
    assert (plain["params_bytes"], plain["activations_bytes"]) == (210 * 4, 30 * 4)
    assert plain["training_bytes"] == (2 * 210 + 30) * 4
    words = ("--dtype", "float64", "--batch", "3", "--optimizer", "adam")
    assert result("dense:10", "--input", "20", *words)["memory"]["training_bytes"] == (4 * 210 + 90) * 8


def test_how_many_filters_fit(result):
    found = result("conv:3x3x?", "--input", "32x32x64", "--solve", "params=1M")
    assert found["params"] <= 1_000_000 < found["solution"]["next_value"]
    assert found["solution"]["number"] == 1_000_000 // (3 * 3 * 64 + 1)


def test_units_are_for_tables_only(dlmath, result):
    assert "61.1 M" in dlmath("--model", "alexnet", "--units", "M")[1]
    assert result("--model", "alexnet", "--units", "M")["params"] == 61_100_840


def test_a_weights_file_is_counted_from_its_header(dlmath, tmp_path):
    header = json.dumps({"w": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}}).encode()
    (tmp_path / "w.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + bytes(24))
    assert dlmath("--model", tmp_path / "w.safetensors", "--get", "params")[:2] == (0, "6\n")


def test_a_figure(dlmath, tmp_path):
    assert dlmath("--model", "alexnet", "--plot", tmp_path / "p.png")[0] == 0
    assert (tmp_path / "p.png").read_bytes().startswith(b"\x89PNG")


def test_models_are_listed(dlmath):
    assert "resnet152" in dlmath("--list-models")[1]


REFUSED = [
    ("", "nothing to count"),
    ("convv:3x3x64 --input 8x8x3", "did you mean"),
    ("dense:10", "--input"),
    ("conv:3x3 --input 8x8x3", "wrong sizes"),
    ("conv:3x3x8,strid=2 --input 8x8x3", "stride"),
    ("conv:9x9x8 --input 8x8x3 --padding valid", "conv1"),
    ("conv:3x3x8,groups=2 --input 8x8x3", "groups"),
    ("--conv 3x3x8 --input 8x", "8x"),
    ("--conv 3x3x8 --input 0x8x3", "0"),
    ("--model resnet5", "did you mean"),
    ("--model resnet50 --conv 3x3x8", "--model"),
    ("--model no-such.keras", "No such file"),
    ("--conv 3x3x8 --check parms=3", "did you mean 'params'"),
    ("--conv 3x3x8 --check params=x", "x"),
    ("--conv 3x3x8 --convention torch", "torchvision"),
    ("--conv 3x3x8 --convention thop --reconcile", "one of them"),
    ("--conv 3x3x8 --batch 0", "--batch"),
    ("--conv 3x3x8 --solve params=1M", "?"),
    ("conv:3x3x? --input 8x8x3 --solve parms=1M", "did you mean"),
    ("--conv 3x3x8 --padding full", "--padding"),
    ("--list-models --conv 3x3x8", "--list-models"),
]


@pytest.mark.parametrize(("words", "hint"), REFUSED, ids=[words or "nothing" for words, _ in REFUSED])
def test_a_wrong_request_is_one_line_and_status_2(dlmath, words, hint):
    status, out, err = dlmath(*words.split())
    assert (status, out) == (2, "")
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert "; " in err
    assert hint in err


def test_the_words_offered_are_the_words_of_the_engine():
    assert set(declared.CONVENTIONS) == set(CONVENTIONS)
    assert set(declared.AUXILIARY) == set(AUXILIARIES)
    assert set(declared.DTYPES) == set(BYTES)
    assert set(declared.OPTIMIZERS) == set(OPTIMIZER_STATE)
    assert set(declared.UNITS) == set(cells.UNITS)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("conv:3x3x8", "--input", "3x224x224"), "with 3 channels it is written 224x224x3"),
        (("conv2d:32x3x3", "--input", "28x28x1"), "32 filters of 3x3 are written 3x3x32"),
        (("--model", "rcnn", "--input", "600x1000x3"), "runs 2,000 times, once for each region"),
    ],
)
def test_what_was_perhaps_meant_otherwise_is_noted(dlmath, words, said):
    status, _, err = dlmath(*words)
    assert status == 0
    assert said in err


@pytest.mark.parametrize("words", [("conv:7x7x64", "--input", "224x224x3"), ("conv:3x3x512", "--input", "7x7x512")])
def test_what_is_meant_so_is_not_noted(dlmath, words):
    assert "written" not in dlmath(*words)[2]


@pytest.mark.parametrize(
    "spec", ["vgg16", "mobilenet:width=0.5", "1x1x64", "conv:1x1x64", "dense", "conv:1x1x64 relu flatten dense:10"]
)
def test_every_form_of_compare_that_help_names(result, spec):
    found = result("--model", "alexnet", "--compare", spec)
    (other,) = found["alternatives"]
    assert other["name"] == spec
    assert other["params_ratio"] == pytest.approx(other["params"] / found["params"])


def test_a_file_is_compared(result, tmp_path):
    path = tmp_path / "net.yaml"
    path.write_text("input: 8x8x3\nlayers: [conv:3x3x4]\n", encoding="utf-8")
    assert result("--model", "lenet5", "--compare", str(path))["alternatives"][0]["params"] == 112


def test_a_model_named_as_a_layer_is_told(dlmath):
    assert dlmath("vgg16") == (2, "", "error: 'vgg16' is a model, and no layer; write --model vgg16\n")


def test_quoted_chains_and_pythons_shapes(result):
    found = result(
        "Conv2D:filters=6,kernel_size=(5, 5),padding=valid relu flatten dense:units=10", "--input", "(28, 28, 1)"
    )
    assert found["params"] == 156 + 24 * 24 * 6 * 10 + 10


def test_open_sizes_in_the_result(result, dlmath):
    found = result("conv:3x3x64", "globalpool", "dense:10", "--input", "?x?x3")
    assert (found["params"], found["macs"], found["at_least"], found["uncounted"]) == (2442, None, False, [])
    assert found["macs_unknown"] == "the size of the input is open: input is ?x?x3"
    assert dlmath("conv:3x3x64", "--input", "?x?x3", "--get", "macs", "-q") == (0, "null\n", "")
    assert "unknown" in dlmath("conv:3x3x64", "--input", "?x?x3")[1]


def test_figures_that_leave_something_out_say_at_least(dlmath):
    words = ("opaque:,label=Mystery,shape=4", "dense:3", "--input", "4")
    _, out, err = dlmath(*words)
    assert "at least 15" in out
    assert "Mystery x 1" in err
    assert "warning: Mystery x 1" in dlmath(*words, "-q", "--get", "params")[2]


def test_rows_by_stage(dlmath, result):
    stages = result("--model", "resnet18")["stages"]
    assert [stage["name"] for stage in stages][:4] == ["conv1", "maxpool1", "conv2_1", "conv2_2"]
    assert sum(stage["macs"] for stage in stages) == 1_814_073_344
    assert sum(stage["params"] for stage in stages) == 11_689_512
    assert dlmath("--model", "resnet50")[1].splitlines()[1].split()[0] == "stage"
    assert dlmath("--model", "lenet5")[1].splitlines()[1].split()[0] == "layer"
    assert dlmath("--model", "resnet50", "--by", "layer")[1].splitlines()[1].split()[0] == "layer"


def test_a_program_instead_of_a_table(dlmath, result):
    status, out, _ = dlmath("conv:3x3x8 flatten dense:2", "--input", "8x8x1", "--code", "keras")
    assert status == 0
    assert out.startswith('"""conv:3x3x8 flatten dense:2.')
    assert "dlmath param-count 'conv:3x3x8 flatten dense:2' --input 8x8x1 --code keras" in out
    assert result("dense:2", "--input", "3", "--code", "torch")["code"].count("nn.Linear(3, 2)") == 1
    assert dlmath("--model", "faster_rcnn", "--code", "keras")[0] == 2


@pytest.mark.parametrize(
    "words",
    [("zeropad:same",), ("crop:valid",), ("upsample:2",), ("vgg17",), ("conv:3x3x?", "reluu", "--solve", "params=1M")],
)
def test_refusals_are_one_line(dlmath, words):
    status, out, err = dlmath(*words, "--input", "784")
    assert (status, out) == (2, "")
    assert err.count("\n") == 1
