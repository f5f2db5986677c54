"""Images as rows of a .csv file: a label first or last, then (or before it) the pixels, row by row."""

from __future__ import annotations

import csv
import gzip
import io
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dlmath.errors import ShapeError, UnreadableError
from dlmath.files.examples import path_of
from dlmath.files.text import read_text, shown
from dlmath.images.files.checking import MOST_BYTES, Raw, Read, prepared

if TYPE_CHECKING:
    from dlmath.neural.arrays import Array

LABEL_NAMES = ("label", "class", "target", "y", "digit")
MOST_LABELS = 200


def read_table(name: str, test: str | None, size: tuple[int, int] | None, dtype: str = "float32") -> Read:
    """Read images of a .csv (or .csv.gz) file.

    Parameters
    ----------
    test : str or None
        Another such file with the test images; else a fifth of every class is kept for testing.
    size : (int, int) or None
        Rows and columns of an image; a square unless told.

    Raises
    ------
    UnreadableError, ShapeError
        With the line that is wrong.
    """
    train = raw_table(name, size)
    return prepared(Path(name).stem, train, None if test is None else raw_table(test, size), dtype)


def raw_table(name: str, size: tuple[int, int] | None) -> Raw:
    """Return pixels and labels of one file."""
    header, rows = _rows(name)
    column = _label_column(header, rows, shown(name))
    labels = _labels([row[column] for row in rows])
    pixels = _numbers(rows, column, shown(name), 1 if header is None else 2)
    return Raw(pixels.reshape(len(pixels), *_shape(pixels.shape[1], size, shown(name))), labels, shown(name))


def _rows(name: str) -> tuple[list[str] | None, list[list[str]]]:
    """Return the header, if there is one, and the rows, all of one length."""
    text = _text(name)
    separator = max(",;\t", key=text.partition("\n")[0].count)
    rows = [row for row in csv.reader(io.StringIO(text), delimiter=separator) if row]
    if len(rows) < 2 or len(rows[0]) < 3:
        raise UnreadableError(f"{shown(name)}: holds no rows of pixels", "give one image a line: label, pixel, pixel")
    for number, row in enumerate(rows, start=1):
        if len(row) != len(rows[0]):
            raise UnreadableError(
                f"{shown(name)}:{number}: has {len(row)} columns and the first line {len(rows[0])}",
                "give every image as many pixels",
            )
    has_header = not any(_is_number(cell) for cell in rows[0])
    return (rows[0], rows[1:]) if has_header else (None, rows)


def _text(name: str) -> str:
    if not path_of(name).name.lower().endswith(".gz"):
        return read_text(name)
    try:
        with gzip.open(path_of(name)) as file:
            content = file.read(MOST_BYTES + 1)
    except (OSError, EOFError) as error:
        raise UnreadableError(f"{name}: {getattr(error, 'strerror', None) or error}", "give a whole file") from error
    if len(content) > MOST_BYTES:
        raise UnreadableError(f"{name}: is longer than {MOST_BYTES / 1e9:.0f} GB", "give fewer images")
    return content.decode("utf-8-sig", errors="replace")


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _label_column(header: list[str] | None, rows: list[list[str]], place: str) -> int:
    """Return which column is the label: named so, or the first or last that can be one.

    A column of one value throughout is a pixel in a corner, not a label.
    """
    if header is not None:
        named = [i for i, name in enumerate(header) if name.strip().lower() in LABEL_NAMES]
        if named:
            return named[0]
    for column in (0, len(rows[0]) - 1):
        values = {row[column] for row in rows}
        if 2 <= len(values) <= MOST_LABELS and not any(_has_fraction(value) for value in values):
            return column
    raise UnreadableError(
        f"{place}: neither the first nor the last column is a label (whole numbers or words, two or more)",
        "put the label there, or give the file a header that names it label",
    )


def _has_fraction(cell: str) -> bool:
    return _is_number(cell) and not float(cell).is_integer()


def _labels(cells: list[str]) -> Array:
    if all(_is_number(cell) for cell in cells):
        return np.array([float(cell) for cell in cells])
    return np.array([cell.strip() for cell in cells])


def _numbers(rows: list[list[str]], column: int, place: str, first_line: int) -> Array:
    """Return the pixels, (n, P)."""
    kept = [row[:column] + row[column + 1 :] for row in rows]
    try:
        return np.array(kept, dtype=np.float64)
    except ValueError:
        wrong = next((i, cell) for i, row in enumerate(kept) for cell in row if not _is_number(cell))
        raise UnreadableError(
            f"{place}:{wrong[0] + first_line}: {wrong[1][:20]!r} is no number", "give a number for every pixel"
        ) from None


def _shape(count: int, size: tuple[int, int] | None, place: str) -> tuple[int, ...]:
    """Return the shape of an image of so many numbers."""
    if size is not None:
        channels, rest = divmod(count, size[0] * size[1])
        if rest or not channels:
            raise ShapeError(
                f"{place}: {count} numbers are no image of --size {size[0]}x{size[1]}", "give the size they have"
            )
        return (*size, channels) if channels > 1 else size
    side = round(count**0.5)
    if side * side != count:
        raise ShapeError(f"{place}: {count} pixels are no square", "tell its size, as --size 28x20")
    return side, side
