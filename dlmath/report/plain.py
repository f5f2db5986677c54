"""Blocks as plain text for pipes and files: full width, no colour, nothing cut."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlmath.report.blocks import Facts, Lines, Table, figure, is_number, text_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from dlmath.report.blocks import Block, Cell

GAP = "  "


def render(blocks: Iterable[Block]) -> str:
    """Return the blocks as text, an empty line between two, a newline at the end."""
    return "\n".join("\n".join((*heading(block), *body(block), "")) for block in blocks)


def heading(block: Block) -> Iterator[str]:
    """Yield the block's title, when it has one."""
    if block.title:
        yield block.title


def body(block: Block) -> Iterator[str]:
    """Yield the block's lines."""
    match block:
        case Table():
            yield from table_lines(block)
        case Facts():
            yield from fact_lines(block)
        case Lines():
            yield from (text_of(line).rstrip() for line in block.lines)


def fact_lines(facts: Facts) -> Iterator[str]:
    """Yield `name  value` lines, the values in one column."""
    width = max((len(name) for name, _ in facts.pairs), default=0)
    for name, value in facts.pairs:
        yield f"{name:<{width}}{GAP}{figure(value, facts.digits)}".rstrip()


def table_lines(table: Table) -> Iterator[str]:
    """Yield header, rule and rows; every column as wide as its widest cell."""
    cells = [[figure(cell, table.digits) for cell in row] for row in table.rows]
    widths = [max(map(len, column)) for column in zip(table.columns, *cells, strict=True)]
    right = [is_right(table, index) for index in range(len(widths))]
    yield aligned(table.columns, widths, right)
    yield GAP.join("-" * width for width in widths)
    yield from (aligned(row, widths, right) for row in cells)


def is_right(table: Table, index: int) -> bool:
    """Tell whether a column holds numbers alone (empty cells aside)."""
    column: list[Cell] = [row[index] for row in table.rows if row[index] is not None]
    return bool(column) and all(is_number(cell) for cell in column)


def aligned(cells: Iterable[str], widths: list[int], right: list[bool]) -> str:
    """Return one row, padded."""
    padded = (c.rjust(w) if r else c.ljust(w) for c, w, r in zip(cells, widths, right, strict=True))
    return GAP.join(padded).rstrip()
