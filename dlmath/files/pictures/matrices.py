"""Pixels that are plain numbers: .npy arrays and text matrices, read and written."""

from __future__ import annotations

import warnings
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any

from dlmath.errors import UnreadableError
from dlmath.files.pictures.picture import Header, Picture
from dlmath.language.number_text import MEND_NUMBER, fraction_of, parse_rows, short, tokens_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

    from dlmath.files.sources import Source

NPY_START = b"\x93NUMPY"
TEXT_ENDINGS = (".txt", ".csv", ".tsv")
TEXT_STARTS = b"0123456789+-.# \t\r\n"
MEND_ARRAY = "save an array of shape (height, width) or (height, width, channels)"


def is_text(source: Source) -> bool:
    """Tell whether a source is a text matrix: by its ending, or because it begins as numbers do."""
    return source.ending in TEXT_ENDINGS or all(byte in TEXT_STARTS + b",;eE/" for byte in source.head)


def array_picture(source: Source) -> Picture:
    """Read a .npy file of two or three dimensions and any real dtype.

    Raises
    ------
    UnreadableError
        When it is damaged, cut short, or of another shape or dtype.
    """
    pixels, notes = real(load_array(source), source.place)
    checked_shape(pixels.shape, source.place)
    return Picture(pixels, source.name, "NPY", str(pixels.dtype), 8 * pixels.itemsize, notes=notes)


def array_header(source: Source) -> Header:
    """Return shape and dtype of a .npy file, as `array_picture` would read it.

    Raises
    ------
    UnreadableError
        As `array_picture`, but for what stands in the samples.
    """
    with whole_array(source.place):
        shape, dtype = array_facts(source)
    return Header(checked_shape(shape, source.place), kept_dtype(dtype, source.place)[0].str[1:], "NPY")


def load_array(source: Source) -> NDArray[Any]:
    """Return the array of a .npy file once its size has been held against its header."""
    import numpy as np

    with whole_array(source.place):
        array_facts(source)
        source.file.seek(0)
        return np.asarray(np.load(source.file, allow_pickle=False))


@contextmanager
def whole_array(place: str) -> Iterator[None]:
    """Turn whatever NumPy raises on a .npy file that is not whole into an error with the reason."""
    import tokenize

    damage = (
        *(ValueError, OSError, EOFError, SyntaxError, TypeError, LookupError, ArithmeticError, RuntimeError),
        tokenize.TokenError,
    )
    warnings.filterwarnings("ignore", message="Reading `.npy`")  # of headers that Python 2 wrote: they are read
    try:
        yield
    except damage as error:
        reason = " ".join(str(error).split())
        raise UnreadableError(f"{place}: is no whole .npy file ({reason})", MEND_ARRAY) from error


def array_facts(source: Source) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """Return shape and dtype, refusing a file shorter than they say before room for all of it is made."""
    import math

    from numpy.lib import format as npy

    version = npy.read_magic(source.file)
    if version not in {(1, 0), (2, 0)}:
        raise ValueError(f"version {version[0]}.{version[1]}")
    read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    shape, _, dtype = read(source.file)
    if dtype.hasobject:
        raise ValueError("it holds Python objects")
    wanted, there = math.prod(shape) * dtype.itemsize, source.size - source.file.tell()
    if there < wanted:
        raise ValueError(f"{there} bytes of {wanted}")
    return shape, dtype


def checked_shape(shape: tuple[int, ...], place: str) -> tuple[int, ...]:
    """Return the shape if it is a picture's."""
    if len(shape) not in {2, 3}:
        raise UnreadableError(f"{place}: has shape {shape}", MEND_ARRAY)
    if 0 in shape:
        raise UnreadableError(f"{place}: has no pixels (shape {' x '.join(map(str, shape))})", "give at least one")
    return shape


def kept_dtype(dtype: np.dtype[Any], place: str) -> tuple[np.dtype[Any], tuple[str, ...]]:
    """Return the type samples are kept in, in the machine's byte order, with a note when that is another one."""
    import numpy as np

    if dtype.kind == "b":
        return np.dtype(np.uint8), ("booleans read as 0 and 1",)
    if dtype.kind not in "iuf":
        raise UnreadableError(f"{place}: has dtype {dtype}", "give real numbers")
    if dtype.kind == "f" and dtype.itemsize > 8:
        return np.dtype(np.float64), (f"{dtype} read as float64",)
    return dtype.newbyteorder("="), ()


def real(pixels: NDArray[Any], place: str) -> tuple[NDArray[Any], tuple[str, ...]]:
    """Return an array of real numbers in the machine's byte order, with a note when its dtype was changed."""
    import numpy as np

    dtype, notes = kept_dtype(pixels.dtype, place)
    return np.ascontiguousarray(pixels, dtype), notes


def text_picture(source: Source) -> Picture:
    """Read a matrix of numbers separated by commas or spaces; int64 when all are integers, else float64.

    Lines that are empty or start with # are passed over.

    Raises
    ------
    UnreadableError
        Naming the line and the number that is wrong.
    """
    try:
        text = source.file.read().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UnreadableError(
            f"{source.place}: is not text (byte {error.start})", "give an image or a text matrix"
        ) from error
    rows = [values(line, f"{source.place}:{number}") for number, line in numbered_lines(text)]
    if not rows:
        raise UnreadableError(f"{source.place}: has no numbers", "give rows of numbers, one a line")
    check_even(rows, text, source.place)
    return matrix_picture(rows, source.name, source.place)


def numbered_lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield the lines that hold something, with their numbers from 1."""
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip() and not line.lstrip().startswith("#"):
            yield number, line


def check_even(rows: list[list[Any]], text: str, place: str) -> None:
    """Refuse rows of unequal length, naming the line."""
    for (number, _), row in zip(numbered_lines(text), rows, strict=True):
        if len(row) != len(rows[0]):
            raise UnreadableError(f"{place}:{number}: has {len(row)} numbers", f"the first row has {len(rows[0])}")


def values(line: str, place: str) -> list[int | float]:
    """Return the numbers of a line, integers as such; the strict reader is asked only when Python's fails."""
    tokens = tokens_of(line)
    try:
        return [int(token) for token in tokens]
    except ValueError:
        return [plain_number(token, f"{place}: number {index + 1}") for index, token in enumerate(tokens)]


def plain_number(token: str, place: str) -> int | float:
    """Return an integer or the nearest float of a decimal or fraction; nan and inf are judged later."""
    if token.lower().lstrip("+-") in {"nan", "inf"}:
        return float(token)
    try:
        exact = fraction_of(token)
    except ValueError as error:
        raise UnreadableError(f"{place} {error}", MEND_NUMBER) from None
    return exact.numerator if exact.denominator == 1 and token.lstrip("+-").isdigit() else float(exact)


def matrix_picture(rows: list[list[Any]], name: str, place: str) -> Picture:
    """Return rows as a gray picture of int64 or float64."""
    import numpy as np

    whole = all(isinstance(value, int) for row in rows for value in row)
    try:
        pixels = np.array(rows, np.int64 if whole else np.float64)
    except OverflowError:
        raise UnreadableError(f"{place}: holds an integer beyond 64 bits", "write it as a decimal (1e20)") from None
    return Picture(pixels, name, "TEXT", str(pixels.dtype), 64)


def inline_picture(text: str) -> Picture:
    """Read a matrix written on the command line: "1 2 3; 4 5 6".

    >>> inline_picture("1 2; 3 4").pixels.tolist()
    [[1, 2], [3, 4]]
    """
    exact = parse_rows(text, "matrix")
    whole = all(value.denominator == 1 and "e" not in text.lower() for row in exact for value in row)
    rows: list[list[Any]] = [[int(value) if whole else float(value) for value in row] for row in exact]
    return matrix_picture(rows, " ".join(text.split()), f"matrix {short(text)!r}")


def write_array(file: IO[bytes], pixels: NDArray[Any]) -> None:
    """Write .npy: header and samples by ourselves, for numpy.save wants to seek or copies, and a pipe cannot seek."""
    import numpy as np
    from numpy.lib import format as npy

    whole = np.ascontiguousarray(pixels)
    npy.write_array_header_1_0(file, npy.header_data_from_array_1_0(whole))
    file.write(whole.data)


def write_text(file: IO[bytes], pixels: NDArray[np.generic], name: str) -> None:
    """Write a gray picture as rows of numbers: integers whole, floats with every digit they need."""
    separator = "," if name.lower().endswith(".csv") else "\t" if name.lower().endswith(".tsv") else " "
    for row in pixels.tolist():
        file.write((separator.join(map(str, row)) + "\n").encode("ascii"))
