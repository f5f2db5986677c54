"""Keras configs with open sizes, channels first, and layers once unknown; totals as Keras 3 counts them."""

from __future__ import annotations

import json

import pytest

from dlmath.counting.engine.count import count
from dlmath.counting.engine.open_sizes import is_open
from dlmath.counting.models.inputs import parse_given
from dlmath.counting.models.keras import read_keras

NORM = {"axis": -1, "center": True, "scale": True}


def layer(kind, name, **config):
    return {"class_name": kind, "config": {"name": name, **config}, "module": "keras.layers"}


def conv(name, filters, size=3, **more):
    config = {"strides": [1, 1], "padding": "valid", "dilation_rate": [1, 1], "groups": 1, "use_bias": True}
    return layer("Conv2D", name, filters=filters, kernel_size=[size, size], **{**config, **more})


def dense(name, units):
    return layer("Dense", name, units=units, use_bias=True)


def counted(folder, shape, *layers, given=()):
    source = layer("InputLayer", "x", batch_shape=[None, *shape])
    path = folder / "net.keras"
    path.write_text(json.dumps({"class_name": "Sequential", "config": {"layers": [source, *layers]}}), encoding="utf-8")
    return count(read_keras(str(path), parse_given(given)))


RECURRENT = {"strides": [1, 1], "dilation_rate": [1, 1], "use_bias": True, "return_sequences": False}


def test_a_convolutional_lstm(tmp_path):
    """Keras: ConvLSTM2D(8, 3, padding="same"), Flatten, Dense(2) on 5 x 32 x 32 x 3 has 19,586 parameters."""
    cell = layer("ConvLSTM2D", "c", filters=8, kernel_size=[3, 3], padding="same", **RECURRENT)
    net = counted(tmp_path, (5, 32, 32, 3), cell, layer("Flatten", "f"), dense("d", 2))
    assert (net.params, net.at_least) == (19_586, False)
    assert net.macs == 5 * 1024 * 9 * (3 + 8) * 32 + 2 * 8192


def test_spectral_normalisation(tmp_path):
    """Keras: SpectralNormalization(Conv2D(4, 3)), Flatten, Dense(1) on 8 x 8 x 3: 261, 4 of which do not train."""
    wrapped = layer("SpectralNormalization", "s", power_iterations=1, layer=conv("c", 4))
    net = counted(tmp_path, (8, 8, 3), wrapped, layer("Flatten", "f"), dense("d", 1))
    assert (net.params, net.total("trainable_params")) == (261, 257)


def test_open_sequences_hold_what_they_hold(tmp_path):
    embedding = layer("Embedding", "e", input_dim=100, output_dim=8)
    lstm = layer("LSTM", "l", units=4, use_bias=True, return_sequences=False)
    net = counted(tmp_path, (None,), embedding, lstm, dense("d", 2))
    assert net.params == 800 + 4 * 4 * (8 + 4 + 1) + 10
    assert is_open(net.figure("macs"))
    whole = counted(tmp_path, (None,), embedding, lstm, dense("d", 2), given=["20"])
    assert (whole.params, whole.macs) == (net.params, 20 * 16 * 12 + 8)


def test_what_an_unknown_layer_gives_is_unknown(tmp_path):
    net = counted(tmp_path, (6, 6, 3), layer("Mystery", "m"), layer("Flatten", "f"), dense("d", 2))
    assert is_open(net.rows[-1].params)
    assert (net.params, net.at_least) == (0, True)


def test_the_files_word_for_a_layers_input_is_believed(tmp_path):
    built = {**dense("d", 2), "build_config": {"input_shape": [None, 9]}}
    net = counted(tmp_path, (6, 6, 3), layer("Mystery", "m"), built)
    assert net.params == 20
    assert [(left.kind, left.times) for left in net.uncounted] == [("Mystery", 1)]


@pytest.mark.parametrize("size", [1, 3])
def test_channels_first_holds_as_much(tmp_path, size):
    first = {"data_format": "channels_first"}
    pool = {"pool_size": [2, 2], "strides": [2, 2], "padding": "valid"}
    ends = (layer("Flatten", "f"), dense("d", 2))
    turned = counted(
        tmp_path, (3, 8, 10), conv("c", 4, size, **first), layer("BatchNormalization", "n", **{**NORM, "axis": 1}),
        layer("MaxPooling2D", "p", **pool, **first), *ends,
    )  # fmt: skip
    usual = counted(
        tmp_path, (8, 10, 3), conv("c", 4, size), layer("BatchNormalization", "n", **NORM),
        layer("MaxPooling2D", "p", **pool), *ends,
    )  # fmt: skip
    for quantity in ("params", "macs", "buffers", "norm_ops", "activations"):
        assert turned.total(quantity) == usual.total(quantity), quantity


def test_cells_upon_cells(tmp_path):
    cells = [layer(f"{word}Cell", word, units=units, use_bias=True) for word, units in (("LSTM", 5), ("GRU", 3))]
    stacked = layer(
        "RNN", "r", cell={"class_name": "StackedRNNCells", "config": {"cells": cells}}, return_sequences=False
    )
    net = counted(tmp_path, (7, 4), stacked)
    assert (net.params, net.output_shape) == (4 * 5 * (4 + 5 + 1) + 3 * 3 * (5 + 3 + 2), (3,))


def test_grouped_queries(tmp_path):
    """Keras: GroupQueryAttention(head_dim=8, num_query_heads=4, num_key_value_heads=2) on 6 x 16: 1,584."""
    config = {"head_dim": 8, "num_query_heads": 4, "num_key_value_heads": 2, "use_bias": True}
    net = counted(tmp_path, (6, 16), layer("GroupQueryAttention", "a", **config))
    assert net.params == (16 * 32 + 32) + 2 * (16 * 16 + 16) + (32 * 16 + 16)
    assert net.macs == 6 * 16 * (32 + 16 + 16 + 32) + 2 * 4 * 36 * 8
