"""Safetensors headers: what they say, what is refused, and that a tensor's bytes are never read."""

import contextlib
import json
import time
import tracemalloc

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dlmath.counting.engine.tensors import by_dtype, by_module
from dlmath.counting.models.safetensors import BITS, read_safetensors
from dlmath.errors import UnreadableError


def packed(header, data=b""):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


def entry(dtype, shape, begin, end):
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


SMALL = packed(
    {
        "__metadata__": {"format": "pt"},
        "fc.bias": entry("F32", [3], 0, 12),
        "fc.weight": entry("F16", [3, 5], 12, 42),
        "steps": entry("I64", [], 42, 50),
    },
    bytes(50),
)


def write(tmp_path, content):
    path = tmp_path / "net.safetensors"
    path.write_bytes(content)
    return str(path)


def refusal(tmp_path, content):
    with pytest.raises(UnreadableError) as caught:
        read_safetensors(write(tmp_path, content))
    return str(caught.value)


def test_names_shapes_and_dtypes(tmp_path):
    model = read_safetensors(write(tmp_path, SMALL))
    assert model.name == "net"
    assert [(one.name, one.shape, one.dtype, one.bytes) for one in model.tensors] == [
        ("fc.bias", (3,), "float32", 12),
        ("fc.weight", (3, 5), "float16", 30),
        ("steps", (), "int64", 8),
    ]
    assert (model.params, model.bytes) == (19, 50)


def test_totals_by_dtype_and_by_module_add_up(tmp_path):
    model = read_safetensors(write(tmp_path, SMALL))
    for shares in (by_dtype(model), by_module(model, 1), by_module(model, 9)):
        assert sum(share.params for share in shares) == model.params
        assert sum(share.bytes for share in shares) == model.bytes
    assert [share.name for share in by_module(model, 1)] == ["fc", "steps"]


@pytest.mark.parametrize(("dtype", "bits"), [(dtype, bits) for dtype, (_, bits) in BITS.items()])
def test_every_dtype_of_the_format(tmp_path, dtype, bits):
    content = packed({"x": entry(dtype, [8, 3], 0, 3 * bits)}, bytes(3 * bits))
    assert read_safetensors(write(tmp_path, content)).tensors[0].bytes == 3 * bits


def test_a_hundred_gigabytes_in_milliseconds(tmp_path):
    path = tmp_path / "huge.safetensors"
    rows = 10**6
    header = {f"layer{i}": entry("F32", [rows, 2500], i * rows * 10**4, (i + 1) * rows * 10**4) for i in range(10)}
    with path.open("wb") as file:
        file.write(packed(header))
        file.truncate(file.tell() + 10**11)
    tracemalloc.start()
    start = time.perf_counter()
    model = read_safetensors(str(path))
    seconds, memory = time.perf_counter() - start, tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert model.params == 25 * 10**9
    assert seconds < 1
    assert memory < 2**20


def test_an_absurd_length_allocates_nothing(tmp_path):
    path = tmp_path / "liar.safetensors"
    with path.open("wb") as file:
        file.write((10**11).to_bytes(8, "little") + b"{")
        file.truncate(2 * 10**11)
    tracemalloc.start()
    with pytest.raises(UnreadableError, match=r"100,000,000,000 bytes; the format allows 100,000,000"):
        read_safetensors(str(path))
    assert tracemalloc.get_traced_memory()[1] < 2**20
    tracemalloc.stop()


def test_a_file_cut_anywhere_is_one_error(tmp_path):
    for length in range(len(SMALL)):
        refusal(tmp_path, SMALL[:length])


@pytest.mark.parametrize(
    ("header", "data", "words"),
    [
        (b"[1, 2]", b"", "does not begin with {"),
        (b'{"x": ', b"", "no JSON"),
        (b'{"x": 1, "x": 2}', b"", "a key stands twice"),
        (b"{" * 50_000, b"", "no JSON"),
        (b'{"x": ' + b"[" * 200_000, b"", "no JSON"),
        (b'{"\xff": 1}', b"", "no JSON"),
        ({"x": 3}, b"", "says no data_offsets"),
        ({"x": {"dtype": "F32", "data_offsets": [0, 4]}}, bytes(4), "says no shape"),
        ({"x": entry("F31", [1], 0, 4)}, bytes(4), "unknown dtype 'F31'"),
        ({"x": entry(["F32"], [1], 0, 4)}, bytes(4), "unknown dtype"),
        ({"x": entry("F32", [1.0], 0, 4)}, bytes(4), "shape of tensor 'x' is no list of whole numbers"),
        ({"x": entry("F32", [-1], 0, 4)}, bytes(4), "no list of whole numbers"),
        ({"x": entry("F32", [True], 0, 4)}, bytes(4), "no list of whole numbers"),
        ({"x": entry("F32", [1] * 100, 0, 4)}, bytes(4), "no list of whole numbers"),
        ({"x": entry("F32", [2**62, 2**62], 0, 4)}, bytes(4), "cannot have"),
        ({"x": entry("F4", [3], 0, 1)}, bytes(1), "3 elements of 4 bits"),
        ({"x": {"dtype": "F32", "shape": [1], "data_offsets": [0]}}, bytes(4), "1 data_offsets, not 2"),
        ({"x": entry("F32", [1], 0, 8)}, bytes(8), "'x' of 4 bytes"),
        ({"x": entry("F32", [2], 0, 8), "y": entry("F32", [2], 4, 12)}, bytes(12), "'y' of 8 bytes"),
        ({"x": entry("F32", [1], 0, 4), "y": entry("F32", [1], 8, 12)}, bytes(12), "'y' of 4 bytes"),
        ({"x": entry("F32", [1], 0, 4)}, bytes(5), "describes 4 bytes of tensors and the file holds 5"),
        ({"x": entry("F32", [1], 0, 4)}, bytes(3), "describes 4 bytes of tensors and the file holds 3"),
    ],
)
def test_what_is_wrong_is_said(tmp_path, header, data, words):
    assert words in refusal(tmp_path, packed(header, data))


def test_missing_empty_and_folder(tmp_path):
    assert "is empty" in refusal(tmp_path, b"")
    for name in (tmp_path / "none.safetensors", tmp_path):
        with pytest.raises(UnreadableError):
            read_safetensors(str(name))


@given(st.binary(max_size=200))
@example(b"\x02" + bytes(7) + b"{}")
def test_any_bytes_are_a_model_or_one_error(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "fuzz.safetensors"
    path.write_bytes(content)
    with contextlib.suppress(UnreadableError):
        assert read_safetensors(str(path)).params == 0


@given(
    st.recursive(
        st.none() | st.integers() | st.text(max_size=3),
        lambda x: st.lists(x) | st.dictionaries(st.sampled_from(["dtype", "shape", "data_offsets", "a"]), x),
    )
)
def test_any_json_is_a_model_or_one_error(tmp_path_factory, value):
    path = tmp_path_factory.getbasetemp() / "fuzz.safetensors"
    path.write_bytes(packed({"x": value}))
    with contextlib.suppress(UnreadableError):
        read_safetensors(str(path))
