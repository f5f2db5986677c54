"""What `dlmath run` shows: of one experiment every cell, of many a line each and all that did not hold."""

from __future__ import annotations

import os
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from dlmath.files.atomic import STANDARD
from dlmath.files.examples import path_of
from dlmath.frame.outcome import scalar
from dlmath.report.blocks import Facts, Lines, Table, figure
from dlmath.report.harmless import harmless, visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from dlmath.report.blocks import Block, Cell
    from dlmath.runs.report.ran import CellRow, ExpectationVerdict, Ran, Shown

MOST_WORDED = 60
"""Items of a list that are written out in a report; --format json has all."""
LONG = 60
"""Rows of a table of cells that are shown when nothing else is asked for; --format csv has all."""


def entry(ran: Ran) -> dict[str, Any]:
    """Return an experiment as `result` lists it."""
    return {
        "name": ran.name,
        "file": ran.file,
        "command": ran.command,
        "claim": ran.claim,
        "source": ran.source,
        "cells": ran.cells,
        "cached": ran.cached,
        "failed": [{"id": one.id, "cell": one.name, "words": one.words, "error": one.error} for one in ran.failures],
        "expectations": [expectation_entry(verdict) for verdict in ran.verdicts],
        "holds": ran.holds,
        "results": ran.written or None,
        "measured": ran.measured,
        "summary": [summary(ran, row) for row in ran.rows],
    }


def expectation_entry(verdict: ExpectationVerdict) -> dict[str, Any]:
    """Return an expectation as JSON has it; `reason` is there where it has no value."""
    found = {"text": verdict.text, "holds": verdict.holds, "value": verdict.value, "failing": verdict.failing}
    return {**found, **({"reason": verdict.reason} if verdict.reason else {})}


def summary(ran: Ran, row: CellRow) -> dict[str, Any]:
    """Return one place in the sweep as JSON has it."""
    values = {name: spread_entry(value) for name, value in zip(ran.columns, row.values, strict=True)}
    return {"cell": row.labels, "runs": row.runs, "values": values}


def spread_entry(value: Shown) -> Any:
    """Return a value over repeats as JSON has it."""
    if value is None or isinstance(value, str):
        return value
    return {"mean": value.mean, "interval": None if value.low is None else [value.low, value.high]}


def main_table(runs: Sequence[Ran]) -> Table:
    """Return every value of every cell, one a row, and the cells that failed: what `--format csv` prints."""
    rows = tuple(
        (ran.name, harmless(row.name), name, row.runs, *map(harmless_cell, spread_cells(value)), None)
        for ran in runs
        for row in ran.rows
        for name, value in zip(ran.columns, row.values, strict=True)
    )
    failed = tuple(
        (ran.name, harmless(one.name), None, None, None, None, None, harmless(one.error))
        for ran in runs
        for one in ran.failures
    )
    return Table(("experiment", "cell", "value", "runs", "mean", "low", "high", "error"), rows + failed)


def harmless_cell(cell: Cell) -> Cell:
    """Return a cell that no spreadsheet works out."""
    return harmless(cell) if isinstance(cell, str) else cell


def spread_cells(value: Shown) -> tuple[Cell, Cell, Cell]:
    """Return mean, lower and upper end as cells."""
    if value is None or isinstance(value, str):
        return (value, None, None)
    return (value.mean, value.low, value.high)


def blocks(runs: Sequence[Ran], most: int | None = None) -> Iterator[Block]:
    """Yield what `--format table` shows; `most` rows of a table of cells."""
    if len(runs) == 1:
        yield from details(runs[0], most)
        return
    yield overview(runs)
    for ran in runs:
        if ran.holds is False:
            yield from shortfall(ran)
    held = sum(ran.holds is True for ran in runs)
    yield Lines((((f"{held} of {len(runs)} experiments hold", "green" if held == len(runs) else "red"),),))


def details(ran: Ran, most: int | None = None) -> Iterator[Block]:
    """Yield everything about one experiment."""
    cells = f"{ran.cells} ({ran.cached} from earlier runs)" if ran.cached else str(ran.cells)
    facts = [("claim", ran.claim), ("source", ran.source), ("command", ran.command), ("cells", cells)]
    facts.append(("results", ran.written))
    yield Facts(tuple((name, value) for name, value in facts if value), title=ran.name)
    if ran.rows and ran.columns:
        yield from shortened(sweep_table(ran, most or LONG), len(ran.rows))
    if ran.measured:
        yield Facts(tuple((label, worded(value)) for label, value in ran.measured.items()), title="Measured")
    yield from shortfall(ran)


def overview(runs: Sequence[Ran]) -> Table:
    """Return one line an experiment."""
    rows = tuple((ran.name, ran.cells, ran.cached, verdict_word(ran.holds), ran.claim) for ran in runs)
    styles = tuple("" if ran.holds is not False else "red" for ran in runs)
    return Table(("experiment", "cells", "cached", "holds", "claim"), rows, styles=styles)


def verdict_word(holds: object) -> str:
    """Return a verdict in a word; None: there is none yet."""
    return "not run" if holds is None else "yes" if holds else "no"


def sweep_table(ran: Ran, most: int = LONG) -> Table:
    """Return the sweep: a row a place, each value with half of its interval where there are repeats."""
    repeated = [any(not isinstance(v, str | None) and v.low is not None for v in c) for c in columns_of(ran)]
    names = list(ran.rows[0].labels)
    header = [*names, "runs"]
    for name, wide in zip(ran.columns, repeated, strict=True):
        header += [name, "+-"] if wide else [name]
    rows = []
    for row in ran.rows[:most]:
        cells: list[Cell] = [worded(row.labels[name]) for name in names]
        cells.append(row.runs)
        for value, wide in zip(row.values, repeated, strict=True):
            mean, low, _ = spread_cells(value)
            cells += [mean, half(mean, low)] if wide else [mean]
        rows.append(tuple(cells))
    return Table(tuple(header), tuple(rows), title="Cells" + (", with 95 % intervals" if any(repeated) else ""))


def shortened(table: Table, total: int, how: str = "--top N shows N, --where and --sort choose") -> Iterator[Block]:
    """Yield a table, and how many rows it has not."""
    yield table
    if total > len(table.rows):
        yield Lines((f"{total - len(table.rows):,} more rows are not shown: {how}",))


def columns_of(ran: Ran) -> list[tuple[Shown, ...]]:
    """Return each value's column."""
    return list(zip(*(row.values for row in ran.rows), strict=True))


def half(mean: Cell, low: Cell) -> Cell:
    """Return half the width of an interval."""
    return mean - low if isinstance(mean, float) and isinstance(low, float) else None


def flattened(values: Iterable[Any]) -> Iterator[Cell]:
    """Yield the items of nested lists."""
    for value in values:
        if isinstance(value, list | tuple):
            yield from flattened(value)
        else:
            yield worded(value)


def worded(value: Any, digits: int = 6) -> Cell:
    """Return a value as one cell: numbers as they are, lists of them in words.

    >>> worded([0.125, 2, "relu"]), worded(0.5), worded({"half": 3})
    ('0.125, 2, relu', 0.5, '{"half": 3}')
    """
    if isinstance(value, list | tuple):
        flat = list(islice(flattened(value), MOST_WORDED + 1))
        more = ", ..." if len(flat) > MOST_WORDED else ""
        return ", ".join(figure(item, digits) for item in flat[:MOST_WORDED]) + more
    return value if value is None or isinstance(value, str | int | float) else scalar(value)


def shortfall(ran: Ran) -> Iterator[Block]:
    """Yield the expectations, the cells that break one, and those that could not be carried out."""
    if ran.verdicts:
        rows = tuple((one.text, verdict_word(one.holds), worded(one.value)) for one in ran.verdicts)
        styles = tuple("red" if one.holds is False else "" for one in ran.verdicts)
        yield Table(("expectation", "holds", "value"), rows, title=f"Expectations of {ran.name}", styles=styles)
    reasons = tuple((one.text, one.reason) for one in ran.verdicts if one.reason)
    if reasons:
        yield Table(("expectation", "why"), reasons, title=f"Expectations of {ran.name} without a value")
    broken = tuple((cell, one.text) for one in ran.verdicts for cell in one.failing)
    if broken and ran.cells > 1:
        table = Table(("cell", "breaks"), broken[:LONG], title=f"Cells of {ran.name} that break an expectation")
        yield from shortened(table, len(broken) + sum(one.more for one in ran.verdicts), "--format json has them")
    if ran.failures:
        failed = tuple((one.name, one.error) for one in ran.failures)
        table = Table(("cell", "error"), failed[:LONG], title=f"Cells of {ran.name} that could not be carried out")
        yield from shortened(table, len(failed), "--format csv has them")


def explanation(runs: Sequence[Ran]) -> Iterator[Block]:
    """Yield what each experiment says, in words: its claim, its cells, and how each expectation was judged."""
    for ran in runs:
        lines = [f"claim     {ran.claim}"] if ran.claim else []
        lines += [f"source    {ran.source}"] if ran.source else []
        lines += [f"cells     {ran.cells} of {ran.command}; {ran.seeds}"]
        lines += [f"expected  {line}" for one in ran.verdicts for line in judged(one)]
        yield Lines(tuple(lines), title=f"How {ran.name} is judged")


def judged(one: ExpectationVerdict) -> Iterator[str]:
    """Yield an expectation with this run's value in it."""
    yield one.text
    over = "over the sweep" if "[" in one.text else f"in each of {one.cells} cells" if one.cells > 1 else "in one cell"
    verdict = {True: "holds", False: "does not hold", None: "was not judged"}[one.holds]
    yield f"          {over}: {figure(worded(one.value))}, so it {verdict}"


PLAN = ("experiment", "id", "known", "command line")


def cell_table(rows: Sequence[tuple[str, str, str, str]]) -> Table:
    """Return the plan of --dry-run: each cell with the line that a user would type for it."""
    return Table(PLAN, tuple(rows))


def plan_blocks(runs: Sequence[Ran], table: Table, most: int | None = None) -> Iterator[Block]:
    """Yield the plan and its sums."""
    yield from shortened(table._replace(rows=table.rows[: most or LONG]), len(table.rows), "--top N shows N")
    cells, cached = sum(ran.cells for ran in runs), sum(ran.cached for ran in runs)
    yield Facts((("experiments", len(runs)), ("cells", cells), ("known from earlier runs", cached)))


def picture(runs: Sequence[Ran], ending: str) -> bytes:
    """Draw the sweeps."""
    from dlmath.report.figures import drawn
    from dlmath.runs.report.plots import figure as sweep_figure
    from dlmath.runs.report.series import is_drawable

    return drawn(sweep_figure([ran for ran in runs if is_drawable(ran)]), ending)


def claims_table(runs: Sequence[Ran], page: str) -> str:
    """Return the table of claims in Markdown; links lead from the page's own folder."""
    lines = ["| experiment | claim | source | measured | holds |", "|---|---|---|---|---|"]
    for ran in runs:
        cells = (
            linked(ran, page),
            *map(markdown, (ran.claim, ran.source, measured_words(ran), verdict_word(ran.holds))),
        )
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def linked(ran: Ran, page: str) -> str:
    """Return the experiment's name as a link to its file; what came from standard input has none."""
    if ran.file == STANDARD:
        return markdown(ran.name)
    path = Path(os.path.relpath(path_of(ran.file).resolve(), Path(page).resolve().parent)).as_posix()
    return f"[{markdown(ran.name)}]({quote(path)})"


def markdown(text: str) -> str:
    r"""Return a text that cannot end a cell of a Markdown table, nor move a terminal's cursor.

    >>> markdown("a|b")
    'a\\|b'
    """
    return visible(text).replace("|", "\\|")


def measured_words(ran: Ran) -> str:
    """Return what was measured, as a sentence of the table: under its labels, or the expectations' own values."""
    pairs = ran.measured or {f"`{one.text}`": one.value for one in ran.verdicts}
    return "; ".join(f"{label}: {figure(worded(value, 4), 4)}" for label, value in pairs.items())


PATHS_NOTE = (
    "* is any item, ** anything below; besides, every option is a setting (settings.epochs where both have one)"
)
