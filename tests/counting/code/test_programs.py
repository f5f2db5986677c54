"""Networks as programs: what they hold by formulas of their own, how they read, and what cannot be written."""

from __future__ import annotations

import ast
import contextlib
import io
import re

import pytest

from dlmath.counting import zoo
from dlmath.counting.code import keras_words, torch_words
from dlmath.counting.code.keras_program import keras_program
from dlmath.counting.code.torch_program import torch_program
from dlmath.counting.engine.count import count
from dlmath.counting.engine.layers import FAMILY
from dlmath.counting.engine.shapes import parse_shape
from dlmath.counting.engine.words import chain_rows, parse_chain
from dlmath.errors import InvalidValueError

from . import fake_torch

REGIONS = {"fast_rcnn", "faster_rcnn", "fasterrcnn_resnet50_fpn", "mask_rcnn_resnet50_fpn"}
"""Networks that pool regions which they would have to be given."""
WRITTEN = sorted({*zoo.names()} - REGIONS)


def counted(words, shape):
    return count(parse_chain(chain_rows([words]), shape))


@pytest.mark.parametrize("name", WRITTEN)
def test_programs_in_pytorch_hold_what_we_count(name):
    counts = count(zoo.load(name))
    model, scope = fake_torch.built(torch_program(counts, "dlmath"))
    assert model.count() == counts.params == scope["PARAMETERS"]
    assert scope["TRAINABLE"] == counts.total("trainable_params")


@pytest.mark.parametrize("name", WRITTEN)
def test_programs_in_keras_are_python_and_expect_what_we_count(name):
    counts = count(zoo.load(name))
    tree = ast.parse(keras_program(counts, "dlmath"))
    said = {node.targets[0].id: ast.literal_eval(node.value) for node in tree.body if isinstance(node, ast.Assign)}
    assert said["PARAMETERS"] == counts.params + counts.total("buffers")
    assert said["OUTPUT"] == counts.output_shape


@pytest.mark.parametrize("name", sorted(REGIONS & {*zoo.names()}))
@pytest.mark.parametrize("write", [keras_program, torch_program])
def test_what_cannot_be_written_is_refused_by_the_layers_name(name, write):
    with pytest.raises(InvalidValueError, match=r"layer '[\w.]*roi[\w.]*'"):
        write(count(zoo.load(name)), "dlmath")


def test_every_kind_of_layer_has_a_rule():
    kinds = {*FAMILY} - {"input"}
    assert kinds - {*keras_words.RULES} == set()
    assert kinds - {*torch_words.RULES} == set()


def test_repeated_blocks_are_functions_and_equal_calls_a_loop():
    text = keras_program(count(zoo.load("resnet50")), "dlmath")
    assert re.search(r"for _ in range\(5\):  # conv4_2 to conv4_6\n +x = \w+\(x, 256\)", text)
    assert text.count("def ") <= 5
    assert "4 * filters" in text


def test_blocks_within_blocks_are_functions_too():
    text = keras_program(count(zoo.load("googlenet")), "dlmath")
    assert "def unit(x, filters, kernel_size):" in text
    assert "x = inception(x, 64, 96, 128, 16, 32, 32)  # inception_3a" in text


def test_chains_are_lists_of_layers():
    text = keras_program(counted("conv:3x3x8 relu maxpool:2 flatten dense:10 softmax", (8, 8, 1)), "dlmath")
    assert 'layers.Conv2D(8, 3, padding="same", activation="relu")' in text
    assert "keras.Sequential(" in text
    assert "nn.Sequential(" in torch_program(counted("dense:4 relu dense:2", (3,)), "dlmath")


def test_no_line_is_longer_than_its_names_force():
    for name in ("lenet5", "googlenet", "densenet121"):
        counts = count(zoo.load(name))
        lines = [*keras_program(counts, "dlmath").splitlines(), *torch_program(counts, "dlmath").splitlines()]
        assert max(map(len, lines)) <= 120


def test_open_sizes_cannot_be_written():
    with pytest.raises(InvalidValueError, match="some are open"):
        keras_program(counted("conv:3x3x8", parse_shape("?x?x3")), "dlmath")


CHAINS = [
    ("conv:5x5x6,pad=valid tanh avgpool:2 flatten dense:10", (28, 28, 1)),
    ("conv:3x3x8/2,pad=0:1:0:1 batchnorm relu maxpool:3/2,pad=1 globalpool dense:5", (17, 15, 3)),
    ("conv:3x3x8 as a batchnorm add from a, batchnorm1 relu depthwise:3x3 flatten dense:2", (8, 8, 3)),
    ("embedding:50x8 positions attention:2 layernorm gru:4 dense:2", (9,)),
    ("separable:3x3x8 groupnorm:2 transposed:2x2x4/2 upsample:2 prelu", (6, 6, 4)),
]


@pytest.mark.parametrize(("words", "shape"), CHAINS)
def test_chains_in_pytorch_hold_what_we_count(words, shape):
    counts = counted(words, shape)
    model, _ = fake_torch.built(torch_program(counts, "dlmath"))
    assert model.count() == counts.params


def run(text):
    with contextlib.redirect_stdout(io.StringIO()) as said:
        exec(compile(text, "program", "exec"), {"__name__": "__main__"})  # noqa: S102  a program of ours
    return said.getvalue()


@pytest.mark.parametrize(("words", "shape"), CHAINS)
def test_programs_run_in_pytorch(words, shape):
    pytest.importorskip("torch")
    assert "as counted" in run(torch_program(counted(words, shape), "dlmath"))


@pytest.mark.parametrize(("words", "shape"), CHAINS)
def test_programs_run_in_keras(words, shape):
    pytest.importorskip("keras")
    assert "as counted" in run(keras_program(counted(words, shape), "dlmath"))


@pytest.mark.parametrize("name", ["lenet5", "resnet18", "googlenet", "vit_b_16"])
def test_networks_of_the_zoo_run(name):
    pytest.importorskip("torch")
    assert "as counted" in run(torch_program(count(zoo.load(name)), "dlmath"))
