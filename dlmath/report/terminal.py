"""Blocks drawn with Rich, for a terminal (or a pipe that asks for colour)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from dlmath.report.blocks import Facts, Lines, Table, figure, is_number
from dlmath.report.plain import is_right

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dlmath.report.blocks import Block, Line
    from dlmath.report.streams import Streams

ANY_WIDTH = 100_000
"""More columns than anything takes: what a console is given that must not cut."""

GAP = 3
"""Columns between two cells in Rich's simple box."""

FOLDED = 8
"""Columns that text which folds keeps at least."""


class PlainlyBrokenConsole(Console):
    """A console that reports a closed pipe like any other file, instead of leaving with status 1."""

    def on_broken_pipe(self) -> None:
        """Let the frame decide, which knows the command's own status."""
        raise BrokenPipeError


def show(blocks: Iterable[Block], streams: Streams) -> None:
    """Draw the blocks on standard output."""
    listed = list(blocks)
    # Left to itself Rich asks the environment again: a dumb terminal has 80 columns for it, and no colour even when
    # FORCE_COLOR is set. Naming the colours and both sides of the window keeps it to what the edge decided.
    console = PlainlyBrokenConsole(
        file=streams.out,
        force_terminal=True,
        no_color=not streams.color,
        color_system="truecolor" if streams.true_color else "256",
        width=ANY_WIDTH,
        height=25,
        highlight=False,
        markup=False,
        emoji=False,
    )
    for index, block in enumerate(listed):
        if index:
            console.print()
        draw(console, block, streams.width)


def draw(console: Console, block: Block, width: int | None) -> None:
    """Draw one block under its title, in a window of `width` columns (None: as wide as it wants)."""
    if block.title:
        console.print(Text(block.title, style="bold"), soft_wrap=True)
    match block:
        case Table():
            console.print(rich_table(block, width), width=max(width or ANY_WIDTH, narrowest(table_widths(block))))
        case Facts():
            console.print(rich_facts(block), width=max(width or ANY_WIDTH, narrowest(fact_widths(block))))
        case Lines():
            for line in block.lines:
                console.print(rich_line(line), soft_wrap=True)


def rich_table(table: Table, width: int | None = None) -> RichTable:
    """Return the table; where it does not fit, text and headers fold and numbers stay whole."""
    drawn = RichTable(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    widths = table_widths(table)
    fits = width is None or sum(natural + GAP for natural, _ in widths) - GAP <= width
    for index, title in enumerate(table.columns):
        right = is_right(table, index)
        fixed = widths[index][1] if right and not fits else None
        drawn.add_column(title, justify="right" if right else "left", overflow="fold", width=fixed)
    styles = table.styles or ("",) * len(table.rows)
    for row, style in zip(table.rows, styles, strict=True):
        drawn.add_row(*(Text(figure(cell, table.digits)) for cell in row), style=style or None)
    return drawn


def rich_facts(facts: Facts) -> RichTable:
    """Return named values as a two-column grid."""
    grid = RichTable.grid(padding=(0, 2))
    grid.add_column(style="cyan", no_wrap=True)
    grid.add_column(overflow="fold")
    for name, value in facts.pairs:
        grid.add_row(Text(name), Text(figure(value, facts.digits)))
    return grid


def rich_line(line: Line) -> Text:
    """Return a line with its styles."""
    return Text(line) if isinstance(line, str) else Text.assemble(*line)


def table_widths(table: Table) -> list[tuple[int, int]]:
    """Return each column's width where nothing folds, and the least it can do with."""
    found = []
    for index, title in enumerate(table.columns):
        cells = max((cell_len(figure(row[index], table.digits)) for row in table.rows), default=0)
        natural = max(cells, cell_len(title))
        least = max(cells, *map(cell_len, title.split() or [""])) if is_right(table, index) else min(natural, FOLDED)
        found.append((natural, least))
    return found


def fact_widths(facts: Facts) -> list[tuple[int, int]]:
    """Return the widths of names and of values: natural, and the least they can do with."""
    names = max((cell_len(name) for name, _ in facts.pairs), default=0)
    values = [(cell_len(figure(value, facts.digits)), is_number(value)) for _, value in facts.pairs]
    least = max((width if number else min(width, FOLDED) for width, number in values), default=0)
    return [(names, names), (max((width for width, _ in values), default=0), least)]


def narrowest(widths: list[tuple[int, int]]) -> int:
    """Return the width below which figures would be lost; a narrower window wraps the lines itself."""
    return sum(least + GAP for _, least in widths)
