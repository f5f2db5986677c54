from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlmath.counting.engine.count import count
from dlmath.counting.engine.shapes import parse_shape, shape_text
from dlmath.counting.engine.words import chain_rows, parse_chain, split_row
from dlmath.errors import DlmathError, InvalidValueError

positive = st.integers(1, 999)


def parse_layer(text, padding="same"):
    """Return the kind and the checked options of one layer."""
    node = parse_chain([text], (8, 8, 4), padding).nodes[-1]
    return node.kind, node.options


@given(shape=st.lists(st.integers(1, 10**12), min_size=1, max_size=5))
def test_shapes_are_read_as_they_are_written(shape):
    assert parse_shape(shape_text(tuple(shape))) == tuple(shape)


@given(text=st.text(max_size=30))
def test_any_text_is_a_shape_or_an_error(text):
    with suppress(InvalidValueError):
        assert all(size > 0 for size in parse_shape(text))


@given(text=st.one_of(st.text(max_size=40), st.text("conv:3x/,=pad yes from as1", max_size=40)))
def test_any_text_is_a_layer_or_an_error(text):
    with suppress(DlmathError):
        parse_layer(text)


@given(kernel=st.tuples(positive, positive), out=positive, stride=positive, pad=st.integers(0, 9), groups=positive)
def test_convolutions_are_read_as_they_are_written(kernel, out, stride, pad, groups):
    kind, options = parse_layer(f"conv:{kernel[0]}x{kernel[1]}x{out}/{stride},pad={pad},groups={groups},bias=no")
    assert kind == "conv"
    wanted = {"kernel": kernel, "out": out, "stride": (stride,), "pad": (pad,), "groups": groups, "bias": "no"}
    assert options == {**wanted, "dilation": (1,)}


@given(
    word=st.sampled_from(["conv", "block"]),
    values=st.lists(st.text("0123456789x", min_size=1, max_size=5), max_size=3),
    options=st.dictionaries(st.text("abc", min_size=1, max_size=3), st.text("0123456789", min_size=1, max_size=3)),
    name=st.none() | st.text("xyz", min_size=1, max_size=4),
)
def test_rows_are_split_as_they_are_joined(word, values, options, name):
    rest = ",".join([*values, *(f"{key}={value}" for key, value in options.items())])
    row = split_row(f"{word}:{rest}" + (f" as {name}" if name else "") if rest else word)
    assert (row.word, row.values, row.options) == (word, tuple(values), options)
    assert row.name == (name if rest else None)


@pytest.mark.parametrize(
    ("text", "kind", "options"),
    [
        ("dense:4096", "dense", {"out": 4096}),
        ("pool:2", "maxpool", {"kernel": (2,), "stride": None, "pad": "same"}),
        ("maxpool:3/2", "maxpool", {"kernel": (3,), "stride": (2,)}),
        ("avgpool:2x3", "avgpool", {"kernel": (2, 3)}),
        ("conv:3x3x64,pad=1:2:3:4", "conv", {"pad": ((1, 2), (3, 4))}),
        ("conv1d:3x64", "conv1d", {"kernel": (3,), "out": 64}),
        ("conv3d:3x4x5x64", "conv3d", {"kernel": (3, 4, 5), "out": 64}),
        ("depthwise:3x3/2", "depthwise", {"kernel": (3, 3), "stride": (2,)}),
        ("zeropad:1:2:3:4", "zeropad", {"pad": ((1, 2), (3, 4))}),
        ("reshape:-1x64", "reshape", {"shape": (-1, 64)}),
        ("slice:,start=1,stop=2", "slice", {"start": 1, "stop": 2}),
        ("dropout:0.5", "dropout", {"rate": "0.5"}),
        ("embedding:10000x128", "embedding", {"words": 10000, "out": 128}),
        ("partial:5x5x2,sees=0 1;1 2", "partial", {"sees": ((0, 1), (1, 2))}),
        (" GlobalPool ", "globalpool", {"keep": False}),
        ("flatten", "flatten", {"start": 0}),
    ],
)
def test_words(text, kind, options):
    found, read = parse_layer(text)
    assert found == kind
    assert {key: read[key] for key in options} == options


def test_a_default_padding_is_for_windows_that_do_not_say_theirs():
    assert parse_layer("conv:3x3x8", "valid")[1]["pad"] == "valid"
    assert parse_layer("conv:3x3x8,pad=1", "valid")[1]["pad"] == (1,)
    assert parse_layer("zeropad:1", "valid")[1]["pad"] == (1,)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("cnov:3x3x64", "did you mean 'conv'"),
        ("conv:3x3", "has the wrong sizes; write conv:3x3x64"),
        ("conv:3x3x3x64", "has the wrong sizes"),
        ("conv:3x3x64/", "has the wrong sizes"),
        ("conv:3x-3x64", "kernel="),
        ("conv:3x3xa", "out='a'".replace("'", "")),
        ("conv:3x3x64,pda=1", "did you mean 'pad'"),
        ("conv:3x3x64,pad", "'pad' is no option"),
        ("conv:3x3x64,pad=1,pad=2", "says 'pad' twice"),
        ("conv:3x3x64,out=3", "says its 'out' twice"),
        ("conv:3x3x64,,pad=1", "is no option"),
        ("conv:3x3x64,=1", "has '=1'"),
        ("relu:3", "takes no '3'"),
        ("dense", "does not say its 'out'"),
        ("dense:4096 as", "'as' wants one name after it"),
        ("dense:4096 as a as b", "says 'as' twice"),
        ("", "names no layer"),
        ("dense:99999999999999999999", "write a number up to 10^12"),
    ],
)
def test_errors_name_the_part_that_is_wrong(text, said):
    with pytest.raises(InvalidValueError) as caught:
        parse_layer(text)
    assert said in str(caught.value)


def test_chains_branch_and_share_by_name():
    words = ["conv:3x3x8 as a", "conv:3x3x8 as b", "conv:3x3x8 from a sharing b as c", "add from b, c as d"]
    counted = count(parse_chain(words, (8, 8, 3)))
    assert [row.params for row in counted.rows] == [224, 584, 0, 0]
    assert counted.rows[1].macs == counted.rows[2].macs > 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["relu as a", "relu as a"], "a layer is named 'a' already"),
        (["relu as stem", "add from stem, stme"], "did you mean 'stem'"),
        (["dense:3 as a", "dense:4 sharing a"], "cannot share the"),
        (["dense:3", "conv:3x3x4"], "conv1: conv cannot take an input of shape 3"),
    ],
)
def test_chains_that_cannot_be(words, said):
    with pytest.raises(DlmathError) as caught:
        count(parse_chain(words, (8,)))
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("Conv2D:kernel_size=(3, 3),filters=8,strides=2,padding='valid',use_bias=no", "conv:3x3x8/2,pad=valid,bias=no"),
        ("conv2d:3x3x8,padding=1", "conv:3x3x8,pad=1"),
        ("Dense:units=10", "dense:10"),
        ("Linear:out_features=10", "dense:10"),
        ("LSTM:units=4,return_sequences=True", "lstm:4,sequences=yes"),
        ("MaxPooling2D:pool_size=3,strides=2", "maxpool:3/2"),
        ("MultiHeadAttention:num_heads=4,key_dim=16", "attention:4,key=16"),
        ("AdaptiveAvgPool2d:output_size=(7, 7)", "adaptivepool:7x7"),
        ("Embedding:input_dim=100,output_dim=8", "embedding:100x8"),
    ],
)
def test_libraries_spellings_are_understood(theirs, ours):
    assert parse_layer(theirs) == parse_layer(ours)


@pytest.mark.parametrize(
    "text", ["conv:3x3x8 as a relu add from a, relu1", "  conv:3x3x8  as a   relu add from a,relu1 "]
)
def test_a_chain_may_be_quoted_whole_in_parts_or_not_at_all(text):
    whole = chain_rows([text])
    assert chain_rows(text.split()) == whole
    assert [" ".join(row.split()).replace(", ", ",") for row in whole] == [
        "conv:3x3x8 as a",
        "relu",
        "add from a,relu1",
    ]
