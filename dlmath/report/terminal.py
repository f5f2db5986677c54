"""Blocks drawn with Rich, for a terminal (or a pipe that asks for colour)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich import box
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from dlmath.report.blocks import Facts, Lines, Table, figure
from dlmath.report.plain import is_right, table_lines

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dlmath.report.blocks import Block, Line
    from dlmath.report.streams import Streams


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
        width=streams.width or max((80, *(natural_width(block) for block in listed))),
        height=25,
        highlight=False,
        markup=False,
        emoji=False,
    )
    for index, block in enumerate(listed):
        if index:
            console.print()
        draw(console, block)


def draw(console: Console, block: Block) -> None:
    """Draw one block under its title."""
    if block.title:
        console.print(Text(block.title, style="bold"), soft_wrap=True)
    match block:
        case Table():
            console.print(rich_table(block))
        case Facts():
            console.print(rich_facts(block))
        case Lines():
            for line in block.lines:
                console.print(rich_line(line), soft_wrap=True)


def rich_table(table: Table) -> RichTable:
    """Return the table; a cell wider than its column folds onto the next line and loses nothing."""
    drawn = RichTable(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for index, title in enumerate(table.columns):
        drawn.add_column(title, justify="right" if is_right(table, index) else "left", overflow="fold")
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


def natural_width(block: Block) -> int:
    """Return the width at which nothing of a block folds (titles and lines never fold)."""
    if isinstance(block, Table):
        # Rich's simple box takes one column more than the plain gap between two cells
        return max(map(len, table_lines(block))) + len(block.columns) + 1
    if isinstance(block, Facts):
        return max((len(name) + len(figure(value, block.digits)) + 4 for name, value in block.pairs), default=0)
    return 0
