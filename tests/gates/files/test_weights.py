"""Weights of a network: what is saved is read back bit by bit; files that are something else are refused."""

import io
import json
import sys
import zipfile
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from dlmath.errors import InvalidValueError, UnreadableError, UnwritableError
from dlmath.gates.files.weights import Weights, read_weights, save_weights

SAVED = ("a.npz", "a.safetensors", "a.yaml", "a.yml", "a.json")
FINITE = st.floats(allow_nan=False, allow_infinity=False)


@st.composite
def networks(draw):
    sizes = draw(st.lists(st.integers(1, 4), min_size=2, max_size=4))
    weights, biases = [], []
    for fan_in, fan_out in pairwise(sizes):
        weights.append(
            draw(st.lists(st.lists(FINITE, min_size=fan_out, max_size=fan_out), min_size=fan_in, max_size=fan_in))
        )
        length = draw(st.sampled_from([0, 1, fan_out]))
        biases.append(draw(st.lists(FINITE, min_size=length, max_size=length)))
    return sizes, weights, biases


def nested(rows):
    return tuple(tuple(map(tuple, np.asarray(matrix).tolist())) for matrix in rows)


def save(path, weights, biases, **more):
    save_weights(path, Weights(nested(weights), tuple(tuple(np.asarray(b).tolist()) for b in biases), **more))


@given(networks())
def test_every_form_gives_back_every_bit(tmp_path_factory, network):
    sizes, weights, biases = network
    folder = tmp_path_factory.mktemp("forms")
    for name in SAVED:
        save(str(folder / name), weights, biases)
    document = {"weights": weights, "biases": biases}
    (folder / "written.yaml").write_text(yaml.safe_dump(document))
    (folder / "written.json").write_text(json.dumps(document))
    (folder / "b.json").write_text(
        json.dumps({"command": "train-gate", "settings": {}, "result": document | {"gate": "xor"}})
    )
    for name in (*SAVED, "written.yaml", "written.json", "b.json"):
        read = read_weights(str(folder / name))
        assert read == Weights(nested(weights), tuple(map(tuple, biases))), name
        assert read.sizes == tuple(sizes)


@given(networks(), st.lists(FINITE, min_size=1, max_size=5))
def test_activations_and_the_optimizers_memory_come_back(tmp_path_factory, network, memory):
    _, weights, biases = network
    more = {"activations": ("tanh",) * len(weights), "optimizer": "adam:beta2=0.9", "memory": tuple(memory)}
    folder = tmp_path_factory.mktemp("memory")
    for name in SAVED:
        save(str(folder / name), weights, biases, **more)
        read = read_weights(str(folder / name))
        assert read == Weights(nested(weights), tuple(map(tuple, biases)), **more), name


def test_the_same_weights_are_the_same_bytes(tmp_path):
    for name in SAVED:
        files = [tmp_path / (letter + name) for letter in "xy"]
        for file in files:
            save(str(file), [np.eye(2)], [np.zeros(2)], activations=("tanh",))
        assert files[0].read_bytes() == files[1].read_bytes()


def test_safetensors_are_what_the_format_says(tmp_path):
    """8 bytes of length, a JSON header, little-endian numbers (the format's own description)."""
    path = tmp_path / "a.safetensors"
    save(str(path), [[[1.5, -2.0]]], [[0.25]], activations=("tanh",))
    content = path.read_bytes()
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    assert header["W1"] == {"dtype": "F64", "shape": [1, 2], "data_offsets": [0, 16]}
    assert header["__metadata__"] == {"activations": "tanh"}
    assert np.frombuffer(content[8 + length :], "<f8").tolist() == [1.5, -2.0, 0.25]


@pytest.mark.parametrize(
    "content",
    [b"", b"\xff" * 20, (10**9).to_bytes(8, "little") + b"{}", (2).to_bytes(8, "little") + b"[]",
     (60).to_bytes(8, "little") + b'{"W1":{"dtype":"F64","shape":[9],"data_offsets":[0,99]}}    '],
)  # fmt: skip
def test_damaged_safetensors_are_refused(tmp_path, content):
    path = tmp_path / "a.safetensors"
    path.write_bytes(content)
    with pytest.raises(UnreadableError, match="damaged"):
        read_weights(str(path))


def test_float32_is_read_exactly(tmp_path):
    path = str(tmp_path / "a.npz")
    values = np.array([[0.1, 1 / 3]], dtype=np.float32)
    save(path, [values], [np.zeros(2, dtype=np.float32)])
    assert np.array_equal(np.array(read_weights(path).weights[0], dtype=np.float32), values)


def test_more_than_nine_layers_keep_their_order(tmp_path):
    path = str(tmp_path / "a.npz")
    save(path, [np.full((1, 1), i) for i in range(12)], [np.zeros(1)] * 12)
    assert [matrix[0][0] for matrix in read_weights(path).weights] == list(map(float, range(12)))


def test_saving_is_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "a.npz"
    save(str(path), [np.eye(2)], [np.zeros(2)])
    before = path.read_bytes()

    def fail(file, *_arguments, **_options):
        file.write(b"half")
        raise MemoryError

    monkeypatch.setattr(np.lib.format, "write_array", fail)
    with pytest.raises(MemoryError):
        save(str(path), [np.ones((2, 2))], [np.zeros(2)])
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_name_without_an_ending_is_not_changed(tmp_path):
    save(str(tmp_path / "plain"), [np.eye(1)], [np.zeros(1)])
    assert [path.name for path in tmp_path.iterdir()] == ["plain"]


@pytest.mark.posix
def test_saving_to_a_device():
    save("/dev/null", [np.eye(2)], [np.zeros(2)])  # where zipfile cannot tell its position


def test_saving_to_standard_output(capsysbinary, tmp_path):
    save("-", [np.eye(2)], [np.zeros(2)])
    (tmp_path / "a.npz").write_bytes(capsysbinary.readouterr().out)
    assert read_weights(str(tmp_path / "a.npz")).sizes == (2, 2)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a disk that is always full")
def test_saving_to_a_full_disk():
    with pytest.raises(UnwritableError, match="/dev/full: No space left on device"):
        save("/dev/full", [np.eye(2)], [np.zeros(2)])


def write(tmp_path, text, name="a.yaml"):
    path = tmp_path / name
    path.write_text(text)
    return str(path)


@pytest.mark.parametrize(
    ("text", "biases"),
    [
        ("weights: [[[1], [2]]]\nbiases: [0.5]", ((0.5,),)),  # a number alone is shared by the layer
        ("weights: [[[1, 2], [3, 4]]]\nbiases: [0.35]", ((0.35,),)),
        ("weights: [[[1, 2], [3, 4]]]\nbiases: [[1, 2]]", ((1.0, 2.0),)),
        ("weights: [[[1, 2], [3, 4]]]\nbiases: [[]]", ((),)),
        ("weights: [[[1, 2], [3, 4]]]\nbiases: null", ((),)),
        ("weights: [[[1, 2], [3, 4]]]", ((),)),
        ("weights: [[1, 2]]\nbiases: [0]", ((0.0,),)),  # one unit: its column needs no brackets
    ],
)
def test_ways_to_write_biases(tmp_path, text, biases):
    assert read_weights(write(tmp_path, text)).biases == biases


def test_npz_without_biases_and_with_a_number_alone(tmp_path):
    path = str(tmp_path / "a.npz")
    np.savez(path, W1=np.ones((2, 3)), W2=np.ones((3, 1)), b2=np.float64(0.25))
    assert read_weights(path).biases == ((), (0.25,))


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", ["has no list 'weights'"]),
        ("[1, 2]", ["has no list 'weights'"]),
        ("weights: []", ["has no list 'weights'"]),
        ("weights: 3", ["has no list 'weights'"]),
        ("command: x\nresult: {gate: xor}", ["has no list 'weights'"]),
        ("weights: [[[1]]]\nbiases: 3", ["'biases' is not a list"]),
        ("weights: [[[1]]]\nbiases: [1, 2]", ["1 weight matrices and 2 biases"]),
        ("weights: [[[1, 2]], [[1]]]", ["layer 1 has 2 units, but layer 2 takes 1", "one row an input"]),
        ("weights: [[[1], [2]], [[1]], [[1], [1]]]", ["layer 2 has 1 units, but layer 3 takes 2"]),
        ("weights: [[[1, 2, 3]]]\nbiases: [[1, 2]]", ["layer 1 has 2 biases", "it has 3 units"]),
        ("weights: [[[1, 2], [3]]]", ["weights of layer 1: has rows of unequal length"]),
        ("weights: [[[]]]", ["weights of layer 1"]),
        ("weights: [[]]", ["weights of layer 1: is not a matrix"]),
        ("weights: [3]", ["weights of layer 1: is not a matrix"]),
        ("weights: [[[1]], [[a]]]", ["weights of layer 2: 'a' is not a finite number"]),
        ("weights: [[[.nan]]]", ["weights of layer 1: nan is not a finite number"]),
        ("weights: [[[nan]]]", ["'nan' is not a finite number"]),  # as a printed result of a diverged run has it
        ("weights: [[[1]]]\nbiases: [[.inf]]", ["biases of layer 1: inf is not"]),
        ("weights: [[[1]]]\nbiases: [null]", ["biases of layer 1: None is not"]),
        ("weights: [[[[1]]]]", ["weights of layer 1"]),
        ("weights: [[[1]]\nbiases: []", ["a.yaml:2:1"]),
        ("weights: [[[1]]]\nweights: [[[2]]]", ["a.yaml:2:1", "'weights' stands twice"]),
    ],
)
def test_what_is_wrong_in_a_document(tmp_path, text, parts):
    name = write(tmp_path, text)
    with pytest.raises(UnreadableError) as caught:
        read_weights(name)
    assert [part for part in (name, "; ", *parts) if part not in str(caught.value)] == []


def refused(path):
    with pytest.raises(UnreadableError) as caught:
        read_weights(str(path))
    message = str(caught.value)
    assert message.startswith(str(path))
    assert "; " in message
    return message


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "a.npz"
    rng = np.random.default_rng(0)
    np.savez_compressed(path, W1=rng.normal(size=(20, 30)), b1=rng.normal(size=30))
    return path


def test_a_file_cut_short_anywhere(saved):
    whole = saved.read_bytes()
    for length in [*range(40), *range(40, len(whole), 97), len(whole) - 1]:
        saved.write_bytes(whole[:length])
        assert "npz" in refused(saved)


def test_a_changed_byte_is_refused_or_harmless(saved):
    whole = bytearray(saved.read_bytes())
    original = read_weights(str(saved))
    for position in range(0, len(whole), 61):
        changed = bytearray(whole)
        changed[position] ^= 0xFF
        saved.write_bytes(changed)
        found, told = original, str(saved)
        try:
            found = read_weights(str(saved))
        except UnreadableError as error:
            told = error.what
        assert found == original
        assert told.startswith(str(saved))


class Harm:
    def __reduce__(self):
        return (pytest.fail, ("unpickled",))


def test_pickled_objects_are_never_loaded(tmp_path):
    path = tmp_path / "a.npz"
    np.savez(path, W1=np.array([Harm()], dtype=object))
    assert "is damaged" in refused(path)


@pytest.mark.parametrize("content", [b"", b"W1", b"words\n" * 100, b"\x80\x04."], ids=repr)
def test_something_else_named_npz(tmp_path, content):
    path = tmp_path / "a.npz"
    path.write_bytes(content)
    assert "is not an .npz file; give a file written by --save" in refused(path)


def test_a_single_array_named_npz(tmp_path):
    path = tmp_path / "a.npz"
    with path.open("wb") as file:
        np.save(file, np.eye(2))
    assert "is not an .npz file" in refused(path)


def test_an_archive_of_something_else(tmp_path):
    path = tmp_path / "a.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("W1", "text")
    refused(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "text")
    assert "readme.txt" in refused(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("W1.npy", "text")
    refused(path)


@pytest.mark.parametrize(
    ("arrays", "part"),
    [
        ({}, "holds no arrays"),
        ({"b1": np.ones(1)}, "holds an array 'b1'"),
        ({"W1": np.ones((1, 1)), "W3": np.ones((1, 1))}, "holds an array 'W3'"),
        ({"W1": np.ones((1, 1)), "weights": np.ones(1)}, "holds an array 'weights'"),
        ({"W1": np.ones((1, 1)), "b2": np.ones(1)}, "holds an array 'b2'"),
        ({"W0": np.ones((1, 1))}, "holds an array 'W0'"),
        ({"W1": np.ones((2, 2, 2))}, "weights of layer 1"),
        ({"W1": np.float64(1)}, "is not a matrix"),
        ({"W1": np.ones((0, 3))}, "is not a matrix"),
        ({"W1": np.ones((3, 0))}, "weights of layer 1"),
        ({"W1": np.array([[1j]])}, "is not a finite number"),
        ({"W1": np.array([["a"]])}, "'a' is not a finite number"),
        ({"W1": np.array([[True]])}, "True is not a finite number"),
        ({"W1": np.array([[np.nan]])}, "nan is not a finite number"),
        ({"W1": np.ones((2, 3)), "W2": np.ones((2, 1))}, "layer 1 has 3 units, but layer 2 takes 2"),
        ({"W1": np.ones((2, 3)), "b1": np.ones(2)}, "layer 1 has 2 biases"),
    ],
)
def test_arrays_that_are_no_network(tmp_path, arrays, part):
    path = tmp_path / "a.npz"
    np.savez(path, **arrays)
    assert part in refused(path)


@pytest.mark.parametrize("name", ["none.npz", "none.yaml"])
def test_a_missing_file(tmp_path, name):
    assert "No such file" in refused(tmp_path / name)


@pytest.mark.posix
@pytest.mark.parametrize("name", ["folder.npz", "folder.yaml"])
def test_a_folder(tmp_path, name):
    (tmp_path / name).mkdir()
    assert "Is a directory" in refused(tmp_path / name)


@pytest.mark.parametrize("name", ["a.h5", "plain", "a.npy", ".npz.bak"])
def test_endings(name):
    with pytest.raises(InvalidValueError, match=r"unknown ending of a weights file: .*\.npz, \.yaml"):
        read_weights(name)


def test_a_printed_result_may_come_from_a_pipe(monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO(json.dumps({"result": {"weights": [[[1.5]]], "biases": [[2]]}})))
    assert read_weights("-") == Weights((((1.5,),),), ((2.0,),))
    monkeypatch.setattr(sys, "stdin", io.StringIO("weights: 3"))
    with pytest.raises(UnreadableError, match="standard input: has no list 'weights'"):
        read_weights("-")


def test_a_capital_ending(tmp_path):
    save(str(tmp_path / "A.NPZ"), [np.eye(2)], [np.zeros(2)])
    assert read_weights(str(tmp_path / "A.NPZ")).sizes == (2, 2)
    assert Path(tmp_path / "A.NPZ").exists()
