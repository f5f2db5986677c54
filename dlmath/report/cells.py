"""A table's cells as text, and how wide they are: what every renderer asks."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

from dlmath.report.numbers import column, is_number

if TYPE_CHECKING:
    from dlmath.report.blocks import Table


def cells_of(table: Table) -> list[list[str]]:
    """Return the columns of a table as text."""
    return [column(cells, table.digits) for _title, *cells in zip(table.columns, *table.rows, strict=True)]


def rows_of(table: Table) -> list[list[str]]:
    """Return the rows of a table as text."""
    return [list(row) for row in zip(*cells_of(table), strict=True)]


def is_right(table: Table, index: int) -> bool:
    """Tell whether a column holds numbers alone (empty cells aside)."""
    cells = [row[index] for row in table.rows if row[index] is not None]
    return bool(cells) and all(is_number(cell) for cell in cells)


def width_of(text: str) -> int:
    """Return the columns a text takes on a terminal: two for wide letters, none for marks that combine.

    >>> width_of("abc"), width_of("畳み込み"), width_of("e\u0301")
    (3, 8, 1)
    """
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(letter) else 2 if unicodedata.east_asian_width(letter) in "WF" else 1
        for letter in text
    )
