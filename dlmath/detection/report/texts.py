"""Boxes and numbers as text, and tables of boxes that stay readable when there are many."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlmath.report.blocks import Lines, Table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dlmath.neural.arrays import Array
    from dlmath.report.blocks import Block, Cell

    Row = tuple[Cell, ...]

MOST_ROWS = 40
"""Rows of a printed table; CSV and JSON have all."""

CORNERS = ("x1", "y1", "x2", "y2")


def number(value: float) -> str:
    """Write a number with nine digits.

    >>> number(0.1), number(2.0), number(1 / 3)
    ('0.1', '2', '0.333333333')
    """
    return f"{float(value):.9g}"


def signed(value: float) -> str:
    """Write a number for use in a sum: a negative one in parentheses.

    >>> signed(-2.5), signed(2.5)
    ('(-2.5)', '2.5')
    """
    return f"({number(value)})" if value < 0 else number(value)


def minus(a: float, b: float) -> str:
    """Write a difference out.

    >>> minus(10, -2)
    '10 - (-2)'
    """
    return f"{signed(a)} - {signed(b)}"


def box_text(box: Sequence[float] | Array) -> str:
    """Write a box.

    >>> box_text((0, 0, 10, 2.5))
    '(0, 0, 10, 2.5)'
    """
    return f"({', '.join(number(value) for value in box)})"


def cells(values: Array) -> tuple[float, ...]:
    """Return numbers of an array as Python has them."""
    return tuple(float(value) for value in values)


def shortened(columns: tuple[str, ...], rows: Sequence[Row], title: str = "", digits: int = 6) -> Iterator[Block]:
    """Yield a table of at most `MOST_ROWS` rows, and a line that says what is left out."""
    yield Table(columns, tuple(rows[:MOST_ROWS]), title=title, digits=digits)
    if len(rows) > MOST_ROWS:
        yield Lines((f"... and {len(rows) - MOST_ROWS:,} more rows: --format csv or json has all",))


def matrix_lines(values: Array, title: str, digits: int = 6) -> Lines:
    """Return a matrix (rows, columns) as aligned numbers."""
    texts = [[f"{float(value):.{digits}g}" for value in row] for row in values]
    width = max((len(text) for row in texts for text in row), default=0)
    return Lines(tuple("  ".join(text.rjust(width) for text in row) for row in texts), title=title)
