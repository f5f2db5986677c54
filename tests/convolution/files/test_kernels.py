"""Kernel files: every form read back exactly, and errors that name file and line."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlmath.convolution.engine.kernels import Kernel, parse_kernel
from dlmath.convolution.files.kernels import is_kernel_file, read_kernel
from dlmath.errors import InvalidValueError, UnreadableError

SHARPEN = (((0, -1, 0), (-1, 5, -1), (0, -1, 0)), 1)

FORMS = {
    "rows.txt": "0 -1 0\n-1 5 -1\n0 -1 0\n",
    "rows.csv": "# sharpen\n0,-1,0\n\n-1,5,-1\n0, -1, 0\n",
    "vips.mat": "3 3\n0 -1 0\n-1 5 -1\n0 -1 0\n",
    "list.yaml": "- [0, -1, 0]\n- [-1, 5, -1]\n- [0, -1, 0]\n",
    "rows.yaml": "name: mine\nrows:\n  - 0 -1 0\n  - -1 5 -1\n  - 0 -1 0\n",
    "json.json": '{"rows": [[0, -1, 0], [-1, 5, -1], [0, -1, 0]]}',
    "divided.yml": "divisor: 2\nrows: [[0, -2, 0], [-2, 10, -2], [0, -2, 0]]\n",
    "no-ending": "0 -1 0\n-1 5 -1\n0 -1 0\n",
}


def read(tmp_path, name: str, text: str) -> Kernel:
    (tmp_path / name).write_text(text, encoding="utf-8")
    kernel = read_kernel(str(tmp_path / name))
    assert isinstance(kernel, Kernel)
    return kernel


@pytest.mark.parametrize("name", FORMS)
def test_every_text_form_is_read(tmp_path, name):
    kernel = read(tmp_path, name, FORMS[name])
    assert kernel.exact() == SHARPEN
    assert kernel.offset == 0
    assert kernel.name == ("mine" if name == "rows.yaml" else name.partition(".")[0])


@pytest.mark.parametrize("dtype", [np.int8, np.int64, np.uint16, np.float32, np.float64, ">f8", np.float16])
def test_arrays_of_whole_numbers_are_exact(tmp_path, dtype):
    np.save(tmp_path / "k.npy", np.array([[1, 2], [3, 4]], dtype))
    assert read_kernel(str(tmp_path / "k.npy")).exact() == (((1, 2), (3, 4)), 1)


def test_arrays_of_real_numbers_stay_floats_to_the_last_bit(tmp_path):
    weights = np.random.default_rng(0).standard_normal((3, 5))
    np.save(tmp_path / "k.npy", weights)
    kernel = read_kernel(str(tmp_path / "k.npy"))
    assert kernel.exact() is None
    assert np.array_equal(kernel.array(), weights)


@pytest.mark.parametrize(
    ("head", "scale", "offset"),
    [("3 1", 1, 0), ("3 1 4", 4, 0), ("3 1 4 128", 4, 128), ("3 1 0.5 -1/2", Fraction(1, 2), Fraction(-1, 2))],
)
def test_the_form_of_libvips_divides_by_scale_and_brings_an_offset(tmp_path, head, scale, offset):
    kernel = read(tmp_path, "k.mat", f"{head}\n1 2 1\n")
    assert kernel.weights == (tuple(Fraction(weight) / scale for weight in (1, 2, 1)),)
    assert kernel.offset == offset
    assert "libvips" in kernel.note


def test_yaml_says_all_there_is(tmp_path):
    text = "name: relief\nsource: a book\nnote: dark\nscale: 2\noffset: 128\nrows: [[0.1, 1/9], [1e-2, -3]]\n"
    kernel = read(tmp_path, "k.yaml", text)
    assert (kernel.name, kernel.source, kernel.note, kernel.offset) == ("relief", "a book", "dark", 128)
    halves = ((Fraction(1, 20), Fraction(1, 18)), (Fraction(1, 200), Fraction(-3, 2)))
    assert kernel.weights == halves


@pytest.mark.parametrize(
    ("name", "text", "pointed_at"),
    [
        ("k.txt", "", "has no numbers"),
        ("k.txt", "# nothing\n", "has no numbers"),
        ("k.txt", "1 2\n# c\n3 x\n", "k.txt:3: number 2 'x' is not a number"),
        ("k.txt", "1 2 3\n1 2\n1 2 3\n", "k.txt:2: has 2 numbers; the first row has 3"),
        ("k.txt", "1 nan\n3 4\n", "k.txt:1: number 2 'nan' is not finite"),
        ("k.txt", "4 2\n1 2 3\n4 5 6\n", "k.txt:1: announces 4 columns and 2 rows, but 3 and 2 follow"),
        ("k.txt", "3 1 0\n1 2 3\n", "k.txt:1: the scale is 0"),
        ("k.csv", "1,,2\n", "k.csv:1: number 2 is missing"),
        ("k.yaml", "rows: [[1, 2], [3]]", "row 2 has 1 numbers"),
        ("k.yaml", "rows: [[1, yes]]", "row 1, number 2: True is not a number"),
        ("k.yaml", "rows: [[1, .nan]]", "'nan' is not finite"),
        ("k.yaml", "rows: [[1, -.inf]]", "'-inf' is not finite"),
        ("k.yaml", "rows: 3", "not a list of rows"),
        ("k.yaml", "rows: [3]", "3 is not a row"),
        ("k.yaml", "weights: [[1]]", "has no rows"),
        ("k.yaml", "rows: [[1]]\nsize: 3", "'size' is not known"),
        ("k.yaml", "rows: [[1]]\nscale: 2\ndivisor: 2", "scale and divisor"),
        ("k.yaml", "rows: [[1]]\nscale: 0", "scale is 0"),
        ("k.yaml", "rows: [[1\n", "k.yaml:2"),
        ("k.npy", "no array", "is not a .npy file"),
    ],
)
def test_an_error_names_file_and_line(tmp_path, name, text, pointed_at):
    with pytest.raises(UnreadableError) as caught:
        read(tmp_path, name, text)
    assert pointed_at in str(caught.value)
    assert name in str(caught.value)


@pytest.mark.parametrize(
    ("array", "pointed_at"),
    [
        (np.zeros((1, 1, 1, 2, 2)), "has shape (1, 1, 1, 2, 2)"),
        (np.zeros((0, 3)), "has shape (0, 3)"),
        (np.array([[1, np.nan]]), "row 1, number 2: nan"),
        (np.zeros((2, 2), complex), "dtype complex128"),
        (np.zeros((1025, 1024)), "give a kernel, not an image"),
    ],
)
def test_an_array_that_is_no_kernel_is_refused(tmp_path, array, pointed_at):
    np.save(tmp_path / "k.npy", array)
    with pytest.raises(UnreadableError, match=r"k\.npy") as caught:
        read_kernel(str(tmp_path / "k.npy"))
    assert pointed_at in str(caught.value)


def test_a_missing_file_is_named():
    with pytest.raises(UnreadableError, match=r"missing\.txt: No such file"):
        read_kernel("missing.txt")


def test_names_and_rows_are_not_files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sobel").write_text("1 2\n3 4\n")
    (tmp_path / "mine").write_text("1 2\n3 4\n")
    assert read_kernel("sobel") == parse_kernel("sobel")
    assert read_kernel("1/9 1; 0 1") == parse_kernel("1/9 1; 0 1")
    assert is_kernel_file("mine")
    assert read_kernel("mine").shape == (2, 2)
    with pytest.raises(InvalidValueError):
        read_kernel("yours")


@settings(max_examples=50)
@given(st.data(), st.integers(1, 4), st.integers(5, 7))
def test_rows_of_text_come_back_exactly(tmp_path_factory, data, height, width):
    rows = [[data.draw(st.fractions(-99, 99, max_denominator=99)) for _ in range(width)] for _ in range(height)]
    path = tmp_path_factory.mktemp("kernels") / "k.txt"
    path.write_text("\n".join(", ".join(map(str, row)) for row in rows))
    assert read_kernel(str(path)).weights == tuple(map(tuple, rows))
