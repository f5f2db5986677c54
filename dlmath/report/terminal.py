"""Blocks drawn with Rich, for a terminal (or a pipe that asks for colour); they have been made to fit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich import box
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from dlmath.report.blocks import Facts, Lines, Table
from dlmath.report.cells import is_right, rows_of
from dlmath.report.fit import fitted
from dlmath.report.plain import fact_parts

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dlmath.report.blocks import Block, Line
    from dlmath.report.streams import Streams

ANY_WIDTH = 100_000
"""More columns than anything takes: what a console is given that must not cut."""


class PlainlyBrokenConsole(Console):
    """A console that reports a closed pipe like any other file, instead of leaving with status 1."""

    def on_broken_pipe(self) -> None:
        """Let the frame decide, which knows the command's own status."""
        raise BrokenPipeError


def show(blocks: Iterable[Block], streams: Streams) -> None:
    """Draw the blocks on standard output, as they fit the window."""
    listed = list(fitted(blocks, streams.width))
    # Left to itself Rich asks the environment again: a dumb terminal has 80 columns for it, and no colour even when
    # FORCE_COLOR is set. Naming the colours and both sides of the window keeps it to what the edge decided.
    console = PlainlyBrokenConsole(
        file=streams.drawing,
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
            console.print(rich_table(block))
        case Facts():
            for name, value in fact_parts(block, width):
                console.print(Text.assemble((name, "cyan"), value.rstrip()), soft_wrap=True)
        case Lines():
            for line in block.lines:
                console.print(rich_line(line), soft_wrap=True)


def rich_table(table: Table) -> RichTable:
    """Return the table, numbers to the right."""
    drawn = RichTable(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for index, title in enumerate(table.columns):
        drawn.add_column(title, justify="right" if is_right(table, index) else "left", no_wrap=True)
    styles = table.styles or ("",) * len(table.rows)
    for row, style in zip(rows_of(table), styles, strict=True):
        drawn.add_row(*map(Text, row), style=style or None)
    return drawn


def rich_line(line: Line) -> Text:
    """Return a line with its styles."""
    return Text(line) if isinstance(line, str) else Text.assemble(*line)
