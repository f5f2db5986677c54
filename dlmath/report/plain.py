"""Blocks as plain text: for pipes and files as wide as they want, without colour, nothing cut."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from dlmath.report.blocks import Facts, Lines, Table, figure, text_of
from dlmath.report.cells import is_right, rows_of, width_of
from dlmath.report.fit import fitted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from dlmath.report.blocks import Block

GAP = "  "


def render(blocks: Iterable[Block], width: int | None = None) -> str:
    """Return the blocks as text, an empty line between two, a newline at the end.

    A `width` is that of a window without styles (a dumb terminal), to which everything is fitted.
    """
    return "\n".join("\n".join((*heading(block), *body(block, width), "")) for block in fitted(blocks, width))


def heading(block: Block) -> Iterator[str]:
    """Yield the block's title, when it has one."""
    if block.title:
        yield block.title


def body(block: Block, width: int | None = None) -> Iterator[str]:
    """Yield the block's lines."""
    match block:
        case Table():
            yield from table_lines(block)
        case Facts():
            yield from fact_lines(block, width)
        case Lines():
            yield from (text_of(line).rstrip() for line in block.lines)


def fact_lines(facts: Facts, width: int | None = None) -> Iterator[str]:
    """Yield `name  value` lines, the values in one column."""
    yield from ((name + value).rstrip() for name, value in fact_parts(facts, width))


def fact_parts(facts: Facts, width: int | None) -> Iterator[tuple[str, str]]:
    """Yield each line in two parts, the name's and the value's; a value is wrapped in its column, or below its name."""
    column = max((width_of(name) for name, _ in facts.pairs), default=0) + len(GAP)
    for name, value in facts.pairs:
        text = figure(value, facts.digits)
        if width is None or column + width_of(text) <= width:
            yield padded(name, column), text
        elif column <= width * 2 // 3:
            first, *others = textwrap.wrap(text, width - column) or [""]
            yield padded(name, column), first
            yield from ((" " * column, other) for other in others)
        else:
            yield name, ""
            yield from (("", GAP + line) for line in textwrap.wrap(text, max(width - len(GAP), len(GAP))))


def table_lines(table: Table) -> Iterator[str]:
    """Yield header, rule and rows; every column as wide as its widest cell."""
    rows = rows_of(table)
    widths = [max(map(width_of, column)) for column in zip(table.columns, *rows, strict=True)]
    right = [is_right(table, index) for index in range(len(widths))]
    yield aligned(table.columns, widths, right)
    yield GAP.join("-" * width for width in widths)
    yield from (aligned(row, widths, right) for row in rows)


def aligned(cells: Iterable[str], widths: list[int], right: list[bool]) -> str:
    """Return one row, padded."""
    each = zip(cells, widths, right, strict=True)
    return GAP.join(padded(cell, width, right=is_number) for cell, width, is_number in each).rstrip()


def padded(cell: str, width: int, *, right: bool = False) -> str:
    """Return a text filled up with blanks to a width."""
    blanks = " " * (width - width_of(cell))
    return blanks + cell if right else cell + blanks
