"""Text from files and users made harmless for whoever shows it: a terminal, a page, a spreadsheet."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dlmath.report.blocks import Facts, Lines, Table

if TYPE_CHECKING:
    from dlmath.report.blocks import Block, Cell, Line

CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
"""What moves a terminal's cursor or turns the direction of reading; an escape sequence begins with one. Blanks are not
among them."""
FORMULA = re.compile(r"[=@\t\r]|[-+](?![-+0-9.,;:eE/| ]*$)")
"""How a cell begins that a spreadsheet would work out; a number, or a row of them, is none."""


def visible(text: str) -> str:
    r"""Return a text whose control characters are written out.

    >>> visible("a\x1b[31mb"), visible("plain text")
    ('a\\x1b[31mb', 'plain text')
    """
    return CONTROL.sub(lambda found: repr(found[0])[1:-1], text)


def harmless(cell: str) -> str:
    """Return a cell of CSV that no spreadsheet takes for a formula (an apostrophe says it is text), no terminal obeys.

    >>> harmless("=1+2"), harmless("-1 0 1"), harmless("-0.5"), harmless("-cmd|x"), harmless("xor")
    ("'=1+2", '-1 0 1', '-0.5', "'-cmd|x", 'xor')
    """
    cell = visible(cell)
    return "'" + cell if FORMULA.match(cell) else cell


def safe(block: Block) -> Block:
    """Return a block none of whose texts can steer a terminal."""
    title = visible(block.title)
    match block:
        case Table():
            rows = tuple(tuple(safe_cell(cell) for cell in row) for row in block.rows)
            return block._replace(title=title, columns=tuple(map(visible, block.columns)), rows=rows)
        case Facts():
            pairs = tuple((visible(name), safe_cell(value)) for name, value in block.pairs)
            return block._replace(title=title, pairs=pairs)
        case Lines():
            return block._replace(title=title, lines=tuple(map(safe_line, block.lines)))


def safe_cell(cell: Cell) -> Cell:
    """Return a cell that cannot steer a terminal."""
    return visible(cell) if isinstance(cell, str) else cell


def safe_line(line: Line) -> Line:
    """Return a line that cannot steer a terminal."""
    return visible(line) if isinstance(line, str) else tuple((visible(text), style) for text, style in line)
