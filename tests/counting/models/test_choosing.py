"""What a model's name means: zoo, files by ending, shards, folders; and what is said of files of other kinds."""

from __future__ import annotations

import json
import struct

import pytest

from dlmath.counting.engine.count import count
from dlmath.counting.models.choosing import ending_of, holds_tensors, load_model, names_a_model, read_tensors
from dlmath.counting.models.inputs import parse_given
from dlmath.errors import InvalidValueError, UnreadableError


def safetensors(path, **shapes):
    header, end = {}, 0
    for name, shape in shapes.items():
        size = 4
        for axis in shape:
            size *= axis
        header[name] = {"dtype": "F32", "shape": list(shape), "data_offsets": [end, end + size]}
        end += size
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + bytes(end))


@pytest.fixture
def sharded(tmp_path):
    safetensors(tmp_path / "model-1.safetensors", a=(2, 3))
    safetensors(tmp_path / "model-2.safetensors", b=(5,), c=(7,))
    places = {"a": "model-1.safetensors", "b": "model-2.safetensors", "c": "model-2.safetensors"}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps({"weight_map": places}), encoding="utf-8")
    return tmp_path


def test_shards_are_added_up(sharded):
    assert read_tensors(str(sharded / "model.safetensors.index.json")).params == 6 + 5 + 7


def test_a_hugging_face_folder_is_its_tensors(sharded):
    (sharded / "config.json").write_text('{"model_type": "llama"}', encoding="utf-8")
    assert holds_tensors(str(sharded))
    assert read_tensors(str(sharded)).params == 18
    (sharded / "model.safetensors.index.json").unlink()
    assert read_tensors(str(sharded)).params == 18
    with pytest.raises(UnreadableError, match="give the folder"):
        load_model(str(sharded / "config.json"))


def test_a_shard_that_is_missing_or_elsewhere_is_refused(sharded):
    (sharded / "model-2.safetensors").unlink()
    with pytest.raises(UnreadableError, match=r"model-2\.safetensors"):
        read_tensors(str(sharded))
    index = sharded / "model.safetensors.index.json"
    index.write_text('{"weight_map": {"a": "../model-1.safetensors"}}', encoding="utf-8")
    with pytest.raises(UnreadableError, match="elsewhere"):
        read_tensors(str(index))


def test_tensors_set_beside_a_network_have_no_operations(sharded):
    counted = count(load_model(str(sharded)))
    assert counted.params == 18
    assert counted.macs_unknown is not None
    assert counted.at_least


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("net.pt", "pickle"),
        ("net.pth", "safetensors"),
        ("net.h5", r"model\.save\('net\.keras'\)"),
        ("net.tflite", "tf2onnx"),
        ("net.gguf", "llama"),
    ],
)
def test_other_formats_say_how_they_can_be_read(tmp_path, name, words):
    (tmp_path / name).write_bytes(b"x")
    with pytest.raises(UnreadableError, match=words):
        load_model(str(tmp_path / name))
    with pytest.raises(UnreadableError, match="No such file"):
        load_model(f"missing-{name}")


def test_keras_json_is_a_keras_model(tmp_path):
    layers = [
        {"class_name": "InputLayer", "config": {"name": "x", "batch_shape": [None, 3]}},
        {"class_name": "Dense", "config": {"name": "d", "units": 2, "use_bias": True}},
    ]
    path = tmp_path / "net.json"
    path.write_text(json.dumps({"class_name": "Sequential", "config": {"layers": layers}}), encoding="utf-8")
    assert count(load_model(str(path))).params == 8


def test_names():
    assert (ending_of("a/b.ONNX"), ending_of("resnet50")) == (".onnx", "")
    assert names_a_model("mobilenet:width=0.5")
    assert names_a_model("net.onnx")
    assert not names_a_model("conv:3x3x8")
    assert not names_a_model("relu")


@pytest.mark.parametrize(
    ("model", "params", "shape"),
    [("vgg16:include_top=false", 14_714_688, (7, 7, 512)), ("resnet50:top=no", 23_508_032, (7, 7, 2048))],
)
def test_networks_without_their_classifier(model, params, shape):
    """Keras' applications: VGG16(include_top=False) has 14,714,688 parameters."""
    counted = count(load_model(model))
    assert (counted.params, counted.output_shape) == (params, shape)


def test_shapes_by_name():
    given = parse_given(["a=3x4", "7"])
    assert given.shapes([("x", "?"), ("a", "?x4")]) == [(7,), (3, 4)]
    with pytest.raises(InvalidValueError, match="did you mean 'ids'"):
        parse_given(["idz=3"]).shapes([("ids", "?")])
    with pytest.raises(InvalidValueError, match="name them"):
        parse_given(["3"]).shapes([("a", "?"), ("b", "?")])
    with pytest.raises(InvalidValueError, match="twice"):
        parse_given(["a=3", "a=4"])
