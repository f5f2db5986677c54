"""What a result looks like on paper: facts, tables and drawings, free of any renderer.

Commands describe what they show with these blocks; `dlmath.report.plain` and `dlmath.report.terminal` print them.
"""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

from dlmath.report.numbers import Cell, column, figure, is_number

__all__ = ["Block", "Cell", "Facts", "Line", "Lines", "Span", "Table", "column", "figure", "is_number", "text_of"]

Span: TypeAlias = tuple[str, str]
"""A piece of text and its style (a Rich style such as "green", or "" for none)."""

Line: TypeAlias = "str | tuple[Span, ...]"
"""One line of a drawing or an explanation: plain text, or styled spans."""


class Table(NamedTuple):
    """Rows under a header; cells are raw values, so CSV keeps full precision.

    Parameters
    ----------
    columns, rows : tuple
        Titles, and cells as they are.
    title : str
        What stands above.
    styles : tuple of str
        A style for each row, or none at all.
    digits : int
        Significant digits of a column's largest number; its others share the decimals.
    keep : tuple of str
        Columns in the order of their importance: where the window is too narrow, the last of them leave first. Those
        that are not named are less important, and leave from the right.
    scalable : tuple of str
        Columns of large figures that may be written as 924.8 M where the window is too narrow.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    title: str = ""
    styles: tuple[str, ...] = ()
    digits: int = 5
    keep: tuple[str, ...] = ()
    scalable: tuple[str, ...] = ()


class Facts(NamedTuple):
    """Named values, one a line."""

    pairs: tuple[tuple[str, Cell], ...]
    title: str = ""
    digits: int = 6


class Lines(NamedTuple):
    """Text that is printed as it stands: a drawing, a formula, a verdict."""

    lines: tuple[Line, ...]
    title: str = ""


Block: TypeAlias = "Table | Facts | Lines"


def text_of(line: Line) -> str:
    """Return a line without its styles.

    >>> text_of((("x", "bold"), (" = 1", "")))
    'x = 1'
    """
    return line if isinstance(line, str) else "".join(text for text, _ in line)
