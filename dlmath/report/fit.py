"""Blocks made to fit a window: no line wider, every figure whole, and a note of what had to leave.

What is too wide gives way in this order: a table of one row becomes named values; names are shortened in the middle;
figures that may be are written with a unit; columns leave by their importance; what is left folds at words. Prose and
formulas are wrapped at words under their own beginning. What comes out are blocks again, which any renderer prints.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlmath.report.blocks import Facts, Lines, Table, is_number, text_of
from dlmath.report.cells import cells_of, is_right, width_of
from dlmath.report.numbers import figure, with_unit

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from dlmath.report.blocks import Block, Cell, Line, Span

GAP = 3
"""Columns between two cells; a plain table needs one less."""

NARROWEST_NAME = 12
"""Columns that a shortened name keeps."""

MOST_ROWS, FIRST_ROWS, LAST_ROWS = 80, 40, 20
"""A longer table shows its first and its last rows on a terminal."""

SHORT = "…"


def fitted(blocks: Iterable[Block], width: int | None) -> Iterator[Block]:
    """Yield the blocks as they fit into `width` columns; None lets everything be as wide and long as it wants."""
    for block in blocks:
        if width is None:
            yield block
            continue
        match block:
            case Table():
                yield from fitted_table(block._replace(title=""), width, block.title)
            case Facts():
                yield block._replace(title=wrapped_title(block.title, width))
            case Lines():
                lines = tuple(piece for line in block.lines for piece in wrapped(line, width))
                yield Lines(lines, wrapped_title(block.title, width))


def wrapped_title(title: str, width: int) -> str:
    """Return a title broken at words."""
    return "\n".join(text_of(line) for line in wrapped(title, width)) if title else ""


# --- tables -----------------------------------------------------------------------------------------------------------


def fitted_table(table: Table, width: int, title: str) -> Iterator[Block]:
    """Yield a table that fits, and a note of the columns and rows that do not stand in it."""
    titled = wrapped_title(title, width)
    shorter, missing = cut_rows(table)
    if wide_of(shorter) > width and len(table.rows) == 1:
        pairs = tuple(zip(table.columns, table.rows[0], strict=True))
        yield Facts(pairs, titled, table.digits)
        return
    fitting, left_out = narrowed(shorter, width)
    yield fitting._replace(title=titled)
    notes = []
    if missing:
        notes.append(f"{missing:,} rows between are left out")
    if left_out:
        notes.append(f"left out: {', '.join(left_out)}")
    if notes:
        yield Lines(tuple(wrapped(((f"({'; '.join(notes)}; --wide shows all)", "dim"),), width)))


def cut_rows(table: Table) -> tuple[Table, int]:
    """Return a table with its first and last rows alone when there are too many, and how many are missing."""
    missing = len(table.rows) - FIRST_ROWS - LAST_ROWS
    if len(table.rows) <= MOST_ROWS:
        return table, 0
    blank: tuple[Cell, ...] = ("...",) + (None,) * (len(table.columns) - 1)
    rows = (*table.rows[:FIRST_ROWS], blank, *table.rows[-LAST_ROWS:])
    styles = (*table.styles[:FIRST_ROWS], "dim", *table.styles[-LAST_ROWS:]) if table.styles else ()
    return table._replace(rows=rows, styles=styles), missing


def narrowed(table: Table, width: int) -> tuple[Table, list[str]]:
    """Return a table that is no wider, and the columns that left."""
    left_out: list[str] = []
    for narrower in (shortened, scaled):
        if wide_of(table) > width:
            table = narrower(table, width)
    while wide_of(table) > width and len(table.columns) > 1:
        leaving = order_of_importance(table)[-1]
        left_out.append(table.columns[leaving])
        table = without(table, leaving)
    if wide_of(table) > width:
        table = folded(table, width)
    return table, left_out


def wide_of(table: Table) -> int:
    """Return the width of a table, the gaps included."""
    return sum(widths(table)) + GAP * (len(table.columns) - 1)


def widths(table: Table) -> list[int]:
    """Return the width of each column."""
    columns = cells_of(table)
    return [max(map(width_of, (title, *cells))) for title, cells in zip(table.columns, columns, strict=True)]


def shortened(table: Table, width: int) -> Table:
    """Return a table whose long names are shortened in the middle, no more than must be."""
    over = wide_of(table) - width
    natural = widths(table)
    spare = {
        index: natural[index] - max(NARROWEST_NAME, width_of(table.columns[index]))
        for index in range(len(natural))
        if not is_right(table, index)
    }
    for index, room in sorted(spare.items(), key=lambda item: -item[1]):
        cut = min(over, room)
        if cut > 0:
            table = with_column(table, index, [middle(cell, natural[index] - cut) for cell in column_of(table, index)])
            over -= cut
    return table


def middle(cell: Cell, room: int) -> Cell:
    """Return a name with its middle left out; numbers stay whole.

    >>> middle("photograph-of-a-house.png", 13), middle("short", 13)
    ('photog…se.png', 'short')
    """
    if not isinstance(cell, str) or width_of(cell) <= room or any(letter.isdigit() for letter in cell[:1]):
        return cell
    behind = (room - 1) // 2
    return cell[: room - 1 - behind] + SHORT + (cell[-behind:] if behind else "")


def scaled(table: Table, _width: int) -> Table:
    """Return a table whose large figures have a unit, where they may."""
    for index, title in enumerate(table.columns):
        if title in table.scalable:
            table = with_column(table, index, [with_unit(c) if is_number(c) else c for c in column_of(table, index)])
    return table


def order_of_importance(table: Table) -> list[int]:
    """Return the columns' numbers, the most important first."""
    named = [table.columns.index(title) for title in table.keep if title in table.columns]
    return [*named, *(index for index in range(len(table.columns)) if index not in named)]


def folded(table: Table, width: int) -> Table:
    """Return a table of one column whose texts are broken at the window; the last resort."""
    cells: list[Cell] = []
    for cell in column_of(table, 0):
        text = figure(cell, table.digits)
        cells += [text[start : start + width] for start in range(0, max(len(text), 1), width)]
    title = middle(table.columns[0], width)
    return Table((str(title),), tuple((cell,) for cell in cells), digits=table.digits)


def column_of(table: Table, index: int) -> list[Cell]:
    """Return one column's cells."""
    return [row[index] for row in table.rows]


def with_column(table: Table, index: int, cells: list[Cell]) -> Table:
    """Return a table with one column replaced."""
    rows = tuple((*row[:index], cell, *row[index + 1 :]) for row, cell in zip(table.rows, cells, strict=True))
    return table._replace(rows=rows)


def without(table: Table, index: int) -> Table:
    """Return a table without one column."""
    rows = tuple((*row[:index], *row[index + 1 :]) for row in table.rows)
    return table._replace(columns=(*table.columns[:index], *table.columns[index + 1 :]), rows=rows)


# --- lines ------------------------------------------------------------------------------------------------------------


def wrapped(line: Line, width: int) -> Iterator[Line]:
    """Yield a line in pieces no wider than the window, broken at words, the later ones under the text's beginning."""
    spans: tuple[Span, ...] = ((line, ""),) if isinstance(line, str) else line
    text = "".join(piece for piece, _ in spans)
    if width_of(text) <= width:
        yield line
        return
    hanging = hanging_of(text, width)
    indent = ""
    while spans:
        text = "".join(piece for piece, _ in spans)
        end = break_of(text, width - len(indent))
        yield ((indent, ""), *taken(spans, 0, end))
        spans = taken(spans, end + len(text[end:]) - len(text[end:].lstrip()), len(text))
        indent = " " * hanging


def hanging_of(text: str, width: int) -> int:
    """Return where the later pieces of a line begin: under what follows its first wide gap, else two further in.

    >>> hanging_of("forward    z = x W + b", 60), hanging_of("  a formula = 1", 60), hanging_of("prose", 60)
    (11, 4, 2)
    """
    indent = len(text) - len(text.lstrip())
    gap = text.find("  ", indent)
    column = gap + len(text[gap:]) - len(text[gap:].lstrip()) if gap > 0 else 0
    return column if 0 < column <= width // 3 else min(indent + 2, width // 2)


def break_of(text: str, room: int) -> int:
    """Return where to break a text: after the last word that fits, inside a word only where none does."""
    if width_of(text) <= room:
        return len(text)
    end = fitting_part(text, room)
    space = text.rfind(" ", 0, end + 1)
    return space if space > 0 and text[:space].strip() else max(end, 1)


def fitting_part(text: str, room: int) -> int:
    """Return how many characters of a text fit."""
    used = 0
    for index, letter in enumerate(text):
        used += width_of(letter)
        if used > room:
            return index
    return len(text)


def taken(spans: tuple[Span, ...], start: int, end: int) -> tuple[Span, ...]:
    """Return the spans of a part of a line, by characters."""
    kept = []
    for text, style in spans:
        part = text[max(start, 0) : max(end, 0)]
        if part:
            kept.append((part, style))
        start -= len(text)
        end -= len(text)
    return tuple(kept)
