"""Headers of .npz files against NumPy's own arrays, and every way in which they can be wrong."""

import contextlib
import io
import tracemalloc
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlmath.counting.models.npz import read_npz
from dlmath.errors import UnreadableError


def saved(tmp_path, *, compressed=False, **arrays):
    path = tmp_path / "net.npz"
    (np.savez_compressed if compressed else np.savez)(path, **arrays)
    return str(path)


def zipped(tmp_path, **parts):
    path = tmp_path / "made.npz"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(f"{name}.npy", content)
    return str(path)


def npy(header, data=b"", version=1, length=None):
    text = header.encode()
    width = 2 if version == 1 else 4
    return b"\x93NUMPY" + bytes([version, 0]) + (length or len(text)).to_bytes(width, "little") + text + data


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("dtype", ["f2", "f4", ">f8", "i1", "u2", "i8", "c16", "?"])
def test_arrays_are_described_as_numpy_made_them(tmp_path, dtype, compressed):
    arrays = {"w": np.zeros((3, 5, 7), dtype), "b": np.zeros((), dtype), "none": np.zeros((0, 3), dtype)}
    model = read_npz(saved(tmp_path, compressed=compressed, **arrays))
    assert {one.name: (one.shape, one.dtype, one.bytes) for one in model.tensors} == {
        name: (array.shape, array.dtype.name, array.nbytes) for name, array in arrays.items()
    }


def test_what_holds_no_numbers_is_named(tmp_path):
    arrays = {"w": np.zeros(3), "words": np.array(["a"]), "things": np.array([{}], dtype=object)}
    model = read_npz(saved(tmp_path, **arrays))
    assert model.params == 3
    assert {note.split()[0] for note in model.notes[1:]} == {"words", "things"}


def test_array_data_is_not_unpacked(tmp_path):
    name = saved(tmp_path, compressed=True, w=np.zeros((2000, 5000)))
    read_npz(name)
    tracemalloc.start()
    assert read_npz(name).params == 10**7
    assert tracemalloc.get_traced_memory()[1] < 2**20
    tracemalloc.stop()


GOOD = "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }"


@pytest.mark.parametrize(
    ("member", "words"),
    [
        (b"hello", "is no .npy array"),
        (b"\x93NUMPY\x09\x00", "is no .npy array"),
        (npy(GOOD, bytes(7)), "8 bytes are described and 7 are there"),
        (npy(GOOD, bytes(9)), "8 bytes are described and 9 are there"),
        (npy(GOOD, length=60_000), "claims 60,000 bytes"),
        (npy(GOOD, version=2, length=2**31), "claims 2,147,483,648 bytes"),
        (npy(GOOD, length=200), "cut short"),
        (npy("["), "no Python literal"),
        (npy("(" * 5000), "no Python literal"),
        (npy("__import__('os')"), "no Python literal"),
        (npy("[1]"), "no dictionary"),
        (npy("{[]: 1}"), "no Python literal"),
        (npy("{'descr': '<f4'}"), "its shape is None"),
        (npy("{'descr': '<f4', 'shape': (-1,)}"), "its shape is (-1,)"),
        (npy("{'descr': '<f4', 'shape': (2**9,)}"), "no Python literal"),
        (npy("{'descr': '<f4', 'shape': 'x'}"), "its shape is x"),
        (npy(f"{{'descr': '<f4', 'shape': ({2**62}, {2**62})}}"), "bytes are described"),
        (npy("\0"), "no Python literal"),
    ],
)
def test_what_is_wrong_is_said(tmp_path, member, words):
    with pytest.raises(UnreadableError) as caught:
        read_npz(zipped(tmp_path, w=member))
    assert words in str(caught.value)
    assert "w.npy" in str(caught.value)


def test_nothing_to_count_is_an_error(tmp_path):
    with pytest.raises(UnreadableError, match="no arrays of numbers"):
        read_npz(saved(tmp_path, words=np.array(["a"])))


def test_a_name_that_stands_twice_and_rare_packing(tmp_path):
    path = tmp_path / "x.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("w.npy", npy(GOOD, bytes(8)))
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("w.npy", npy(GOOD, bytes(8)))
    with pytest.raises(UnreadableError, match="stands twice"):
        read_npz(str(path))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("w.npy", npy(GOOD, bytes(8)))
    with pytest.raises(UnreadableError, match="only deflate"):
        read_npz(str(path))


def small():
    file = io.BytesIO()
    np.savez_compressed(file, w=np.arange(6.0).reshape(2, 3))
    return file.getvalue()


def test_a_file_cut_anywhere_is_one_error(tmp_path):
    path, content = tmp_path / "x.npz", small()
    for length in range(len(content)):
        path.write_bytes(content[:length])
        with pytest.raises(UnreadableError):
            read_npz(str(path))


def readable_or_refused(path):
    with contextlib.suppress(UnreadableError):
        read_npz(str(path))


def test_a_byte_changed_anywhere_is_a_model_or_one_error(tmp_path):
    path, content = tmp_path / "x.npz", small()
    for place in range(len(content)):
        for flip in (0x01, 0x80, 0xFF):
            path.write_bytes(content[:place] + bytes([content[place] ^ flip]) + content[place + 1 :])
            readable_or_refused(path)


@given(st.binary(max_size=100), st.text(max_size=100))
def test_any_bytes_and_any_header_are_a_model_or_one_error(tmp_path_factory, content, header):
    folder = tmp_path_factory.getbasetemp()
    (folder / "x.npz").write_bytes(content)
    readable_or_refused(folder / "x.npz")
    readable_or_refused(zipped(folder, w=npy(header)))
