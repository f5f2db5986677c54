"""Plain numbers: regression targets, features, feature maps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dlmath.detection.files.content import read_content
from dlmath.detection.files.rows import is_number, split_rows
from dlmath.errors import InvalidValueError

if TYPE_CHECKING:
    from dlmath.detection.files.content import Content
    from dlmath.neural.arrays import Array


def read_matrix(word: str, what: str, *, columns: int | None = None) -> Array:
    """Return rows of numbers (N, d) of a .npy or text file, of the command line, or of standard input.

    Raises
    ------
    InvalidValueError
        Naming the row that is wrong.
    """
    content = read_content(word, what)
    values = content.array() if content.is_array else text_matrix(content)
    if values.ndim == 1:
        values = values[:, None] if columns in {None, 1} else values[None]
    if values.ndim != 2 or not values.size:
        raise InvalidValueError(f"{content.place}: has shape {values.shape}", f"give {what} as (rows, columns)")
    if columns is not None and values.shape[1] != columns:
        raise InvalidValueError(f"{content.place}: {values.shape[1]} numbers a row", f"give {columns} numbers a row")
    return finite(values.astype(np.float64), content.place)


def read_map(word: str) -> Array:
    """Return a feature map (H, W) or (H, W, C) of a .npy or text file, of the command line, or of standard input.

    Whole numbers stay whole.
    """
    content = read_content(word, "map")
    values = content.array() if content.is_array else text_matrix(content)
    if values.ndim not in {2, 3} or not values.size:
        raise InvalidValueError(
            f"{content.place}: has shape {values.shape}", "give a map of (height, width) or (height, width, channels)"
        )
    return finite(values, content.place)


def text_matrix(content: Content) -> Array:
    """Return rows of numbers written as text, int64 where all are whole; a header line of words is passed over."""
    rows = split_rows(content.text().strip().strip("[]")) if content.name else split_rows(content.text())
    if rows and len(rows) > 1 and not any(is_number(cell) for cell in rows[0]):
        rows = rows[1:]
    odd = next((number for number, row in enumerate(rows) if len(row) != len(rows[0])), None)
    if odd is not None:
        raise InvalidValueError(
            f"{content.place}: row {odd} has {len(rows[odd])} numbers, row 0 has {len(rows[0])}", "give equal rows"
        )
    wrong = next(((y, x) for y, row in enumerate(rows) for x, cell in enumerate(row) if not is_number(cell)), None)
    if wrong is not None:
        y, x = wrong
        raise InvalidValueError(f"{content.place}: row {y}, column {x} is {rows[y][x][:40]!r}", "give a number")
    values = np.array(rows, dtype=np.float64)
    whole = bool((np.isfinite(values) & (values == np.trunc(values)) & (np.abs(values) < 2**53)).all())
    return values.astype(np.int64) if whole else values


def finite(values: Array, place: str) -> Array:
    """Return the values when all are finite."""
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        where = tuple(int(index) for index in np.argwhere(~np.isfinite(values))[0])
        raise InvalidValueError(f"{place}: {values[where]} stands at {where}", "give finite numbers")
    return values
