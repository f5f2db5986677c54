"""Sizes that are not known stay so through every formula, and no known figure changes."""

from __future__ import annotations

from math import ceil, floor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlmath.counting import zoo
from dlmath.counting.engine.count import count
from dlmath.counting.engine.layers import count_layer
from dlmath.counting.engine.open_sizes import OPEN, UNRANKED, agree, alike, is_open, known
from dlmath.counting.engine.shapes import parse_shape
from dlmath.counting.engine.words import chain_rows, parse_chain
from dlmath.counting.report.explanation import explanation
from dlmath.counting.report.results import Reckoning, missing_notes, result


@given(st.integers(-50, 50))
def test_arithmetic_keeps_it_open(number):
    for value in (
        OPEN + number,
        number + OPEN,
        OPEN - number,
        number - OPEN,
        OPEN // (number or 1),
        -OPEN,
        abs(2) ** OPEN,
    ):
        assert is_open(value)
    assert OPEN * number == (OPEN if number else 0)
    assert number * OPEN == (OPEN if number else 0)
    assert OPEN % (number or 1) == 0
    assert number < OPEN
    assert not number > OPEN
    assert max(number, OPEN) is OPEN
    assert min(number, OPEN) == number


def test_its_text_is_a_question_mark():
    assert (str(OPEN), f"{OPEN:,}", repr((OPEN, 3))) == ("?", "?", "(?, 3)")
    assert known({"a": (OPEN, 3), "b": UNRANKED}) == {"a": [None, 3], "b": None}


def test_what_may_be_the_same_agrees():
    assert agree(3, OPEN)
    assert alike((3, OPEN), (3, 4))
    assert not alike((3, OPEN), (4, 4))
    assert not alike((3,), (3, 4))


@pytest.mark.parametrize("name", ["vgg16", "resnet18", "googlenet", "mobilenet_v2", "densenet121", "convnext_tiny"])
def test_parameters_rest_on_no_size(name):
    whole, opened = count(zoo.load(name)), count(zoo.load(name, parse_shape("?x?x3")))
    assert (opened.params, opened.total("buffers")) == (whole.params, whole.total("buffers"))
    assert is_open(opened.figure("macs"))
    assert opened.macs_unknown is not None
    assert not opened.at_least
    for mine, theirs in zip(opened.rows, whole.rows, strict=True):
        assert is_open(mine.macs) or mine.macs == theirs.macs


@pytest.mark.parametrize(
    "words", ["conv:3x3x8,pad=1 relu add from conv1, relu1", "maxpool:2 upsample:2 concat from input, upsample1"]
)
def test_results_of_open_networks_are_plain(words):
    counted = count(parse_chain(chain_rows([words]), parse_shape("?x?x4")))
    found = result(counted, Reckoning("float32", 1, "adam"))
    assert found["macs"] is None or not counted.total("macs")
    assert found["input_shape"] == [None, None, 4]
    assert "-1" not in str(found["layers"])
    assert all("-1" not in line for block in explanation([counted]) for line in block.lines)


def test_unknown_layers_are_named_once_with_their_number():
    nodes = parse_chain(["opaque:,label=Mystery", "opaque:,label=Mystery", "dense:3"], (4,))
    counted = count(nodes)
    assert [(left.kind, left.times) for left in counted.uncounted] == [("Mystery", 2), ("dense", 1)]
    assert len(missing_notes(counted)) <= 3


@given(st.integers(1, 60), st.integers(1, 60))
def test_adaptive_pooling_in_closed_form(size, out):
    """Output i of n takes positions floor(i W / n) to ceil((i + 1) W / n)."""
    shares = [(floor(i * size / out), ceil((i + 1) * size / out)) for i in range(out)]
    counted = count_layer("adaptivepool", {"size": (out, 1)}, ((size, 1, 3),))
    assert counted.pool_ops == 3 * sum(end - start for start, end in shares)
    assert counted.windows is not None
    assert counted.windows[0].kernel == max(end - start for start, end in shares)


def test_an_axis_of_a_billion_takes_no_time():
    assert count_layer("adaptivepool", {"size": 999_999_999_999}, ((8, 8, 3),)).output[0] == 999_999_999_999


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "out"), [(2, 3, 2, 1), (1, 3, 2, None), (3, 5, 3, 1), (2, 4, 3, 1)]
)
def test_ceil_mode_on_a_map_smaller_than_the_window(size, kernel, stride, out):
    """PyTorch: floor((W - F + S - 1) / S) + 1, at least one window that begins within the map."""
    from dlmath.counting.engine.shapes import slide

    assert slide(size, kernel, stride, 1, (0, 0), ceil=True).out == (out or 0)
