"""What a result looks like on paper: facts, tables and drawings, free of any renderer.

Commands describe what they show with these blocks; `dlmath.report.plain` and `dlmath.report.terminal` print them.
"""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

Span: TypeAlias = tuple[str, str]
"""A piece of text and its style (a Rich style such as "green", or "" for none)."""

Line: TypeAlias = "str | tuple[Span, ...]"
"""One line of a drawing or an explanation: plain text, or styled spans."""

Cell: TypeAlias = "str | int | float | bool | None"


class Table(NamedTuple):
    """Rows under a header; cells are raw values, so CSV keeps full precision.

    `styles` gives a row its style where the command wants one (as many entries as rows, or none); `digits` are the
    significant digits shown.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    title: str = ""
    styles: tuple[str, ...] = ()
    digits: int = 6


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


BLANKS = dict.fromkeys(map(ord, "\t\n\r\v\f"), " ")
"""What would break a cell's line or its alignment."""


def text_of(line: Line) -> str:
    """Return a line without its styles.

    >>> text_of((("x", "bold"), (" = 1", "")))
    'x = 1'
    """
    return line if isinstance(line, str) else "".join(text for text, _ in line)


def figure(value: Cell, digits: int = 6) -> str:
    """Write one value for people: thousands grouped, `digits` significant digits.

    >>> figure(924844032), figure(0.1), figure(1 / 3), figure(None), figure(True)
    ('924,844,032', '0.1', '0.333333', '-', 'yes')
    """
    if value is None:
        return "-"
    if isinstance(value, str):
        return value.translate(BLANKS)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.{digits}g}"


def is_number(value: Cell) -> bool:
    """Tell whether a cell is aligned to the right."""
    return isinstance(value, int | float) and not isinstance(value, bool)
