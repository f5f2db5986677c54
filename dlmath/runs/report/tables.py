"""What `dlmath run` shows: of one experiment every cell, of many a line each and all that did not hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from dlmath.frame.outcome import scalar
from dlmath.report.blocks import Facts, Lines, Table, figure

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from dlmath.neural.intervals import Spread
    from dlmath.report.blocks import Block, Cell

Shown: TypeAlias = "Spread | str | None"
"""A value over the repeats of one cell: a mean with its interval, one text for all, or nothing."""


class Verdict(NamedTuple):
    """An expectation and what came of it; `failing` names the cells that break it."""

    text: str
    holds: bool | None
    value: Any
    cells: int
    failing: tuple[str, ...]


class Row(NamedTuple):
    """One place in the sweep: its name on each axis, and each value over its repeats."""

    labels: Mapping[str, Any]
    runs: int
    values: tuple[Shown, ...]

    @property
    def name(self) -> str:
        """The place in words."""
        return " ".join(f"{name}={value}" for name, value in self.labels.items())


class Ran(NamedTuple):
    """An experiment that was run: everything its report is made of."""

    name: str
    file: str
    command: str
    claim: str
    source: str
    cells: int
    cached: int
    failures: tuple[tuple[str, str], ...]
    verdicts: tuple[Verdict, ...]
    measured: Mapping[str, Any]
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    seeds: str
    axes: tuple[tuple[str, ...], ...]
    finished: bool = True

    @property
    def holds(self) -> bool | None:
        """Whether every expectation holds and every cell was carried out; None when it was not finished."""
        if not self.finished:
            return None
        return not self.failures and all(verdict.holds is not False for verdict in self.verdicts)


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
        "failed": len(ran.failures),
        "expectations": [
            {"text": one.text, "holds": one.holds, "value": one.value, "failing": one.failing} for one in ran.verdicts
        ],
        "holds": ran.holds,
        "measured": ran.measured,
        "summary": [summary(ran, row) for row in ran.rows],
    }


def summary(ran: Ran, row: Row) -> dict[str, Any]:
    """Return one place in the sweep as JSON has it."""
    values = {name: spread_entry(value) for name, value in zip(ran.columns, row.values, strict=True)}
    return {"cell": row.labels, "runs": row.runs, "values": values}


def spread_entry(value: Shown) -> Any:
    """Return a value over repeats as JSON has it."""
    if value is None or isinstance(value, str):
        return value
    return {"mean": value.mean, "interval": None if value.low is None else [value.low, value.high]}


def main_table(runs: Sequence[Ran]) -> Table:
    """Return every value of every cell, one a row: what `--format csv` prints."""
    rows = tuple(
        (ran.name, row.name, name, row.runs, *spread_cells(value))
        for ran in runs
        for row in ran.rows
        for name, value in zip(ran.columns, row.values, strict=True)
    )
    return Table(("experiment", "cell", "value", "runs", "mean", "low", "high"), rows)


def spread_cells(value: Shown) -> tuple[Cell, Cell, Cell]:
    """Return mean, lower and upper end as cells."""
    if value is None or isinstance(value, str):
        return (value, None, None)
    return (value.mean, value.low, value.high)


def blocks(runs: Sequence[Ran]) -> Iterator[Block]:
    """Yield what `--format table` shows."""
    if len(runs) == 1:
        yield from details(runs[0])
        return
    yield overview(runs)
    for ran in runs:
        if ran.holds is False:
            yield from shortfall(ran)
    held = sum(ran.holds is True for ran in runs)
    yield Lines((((f"{held} of {len(runs)} experiments hold", "green" if held == len(runs) else "red"),),))


def details(ran: Ran) -> Iterator[Block]:
    """Yield everything about one experiment."""
    cells = f"{ran.cells} ({ran.cached} from earlier runs)" if ran.cached else str(ran.cells)
    facts = [("claim", ran.claim), ("source", ran.source), ("command", ran.command), ("cells", cells)]
    yield Facts(tuple((name, value) for name, value in facts if value), title=ran.name)
    if ran.rows and ran.columns:
        yield sweep_table(ran)
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


def sweep_table(ran: Ran) -> Table:
    """Return the sweep: a row a place, each value with half of its interval where there are repeats."""
    repeated = [any(not isinstance(v, str | None) and v.low is not None for v in c) for c in columns_of(ran)]
    names = list(ran.rows[0].labels)
    header = [*names, "runs"]
    for name, wide in zip(ran.columns, repeated, strict=True):
        header += [name, "+-"] if wide else [name]
    rows = []
    for row in ran.rows:
        cells: list[Cell] = [worded(row.labels[name]) for name in names]
        cells.append(row.runs)
        for value, wide in zip(row.values, repeated, strict=True):
            mean, low, _ = spread_cells(value)
            cells += [mean, half(mean, low)] if wide else [mean]
        rows.append(tuple(cells))
    return Table(tuple(header), tuple(rows), title="Cells" + (", with 95 % intervals" if any(repeated) else ""))


def columns_of(ran: Ran) -> list[tuple[Shown, ...]]:
    """Return each value's column."""
    return list(zip(*(row.values for row in ran.rows), strict=True))


def half(mean: Cell, low: Cell) -> Cell:
    """Return half the width of an interval."""
    return mean - low if isinstance(mean, float) and isinstance(low, float) else None


def worded(value: Any, digits: int = 6) -> Cell:
    """Return a value as one cell: numbers as they are, lists of them in words.

    >>> worded([0.125, 2, "relu"]), worded(0.5), worded({"half": 3})
    ('0.125, 2, relu', 0.5, '{"half": 3}')
    """
    if isinstance(value, list | tuple):
        return ", ".join(figure(worded(item, digits), digits) for item in value)
    return value if value is None or isinstance(value, str | int | float) else scalar(value)


def shortfall(ran: Ran) -> Iterator[Block]:
    """Yield the expectations, and the cells that could not be carried out."""
    if ran.verdicts:
        rows = tuple((one.text, verdict_word(one.holds), worded(one.value)) for one in ran.verdicts)
        styles = tuple("red" if one.holds is False else "" for one in ran.verdicts)
        yield Table(("expectation", "holds", "value"), rows, title=f"Expectations of {ran.name}", styles=styles)
    broken = tuple((cell, one.text) for one in ran.verdicts for cell in one.failing)
    if broken and ran.cells > 1:
        yield Table(("cell", "breaks"), broken, title=f"Cells of {ran.name} that break an expectation")
    if ran.failures:
        title = f"Cells of {ran.name} that could not be carried out"
        yield Table(("cell", "error"), ran.failures, title=title)


def explanation(runs: Sequence[Ran]) -> Iterator[Block]:
    """Yield what each experiment says, in words: its claim, its cells, and how each expectation was judged."""
    for ran in runs:
        lines = [f"claim     {ran.claim}"] if ran.claim else []
        lines += [f"source    {ran.source}"] if ran.source else []
        lines += [f"cells     {ran.cells} of {ran.command}; {ran.seeds}"]
        lines += [f"expected  {line}" for one in ran.verdicts for line in judged(one)]
        yield Lines(tuple(lines), title=f"How {ran.name} is judged")


def judged(one: Verdict) -> Iterator[str]:
    """Yield an expectation with this run's value in it."""
    yield one.text
    over = "over the sweep" if "[" in one.text else f"in each of {one.cells} cells" if one.cells > 1 else "in one cell"
    verdict = {True: "holds", False: "does not hold", None: "was not judged"}[one.holds]
    yield f"          {over}: {figure(worded(one.value))}, so it {verdict}"


def cell_table(rows: Sequence[tuple[str, str, str, str]]) -> Table:
    """Return the plan of --dry-run: each cell with the line that a user would type for it."""
    return Table(("experiment", "id", "known", "command line"), tuple(rows))


def plan_blocks(runs: Sequence[Ran], table: Table) -> Iterator[Block]:
    """Yield the plan and its sums."""
    yield table
    cells, cached = sum(ran.cells for ran in runs), sum(ran.cached for ran in runs)
    yield Facts((("experiments", len(runs)), ("cells", cells), ("known from earlier runs", cached)))


def picture(runs: Sequence[Ran], ending: str) -> bytes:
    """Draw the sweeps."""
    from dlmath.report.figures import drawn
    from dlmath.runs.report.plots import figure as sweep_figure

    return drawn(sweep_figure([ran for ran in runs if is_drawable(ran)]), ending)


def is_drawable(ran: Ran) -> bool:
    """Tell whether an experiment has an axis and a number."""
    return first_number(ran) is not None and len(ran.rows) > 1


def first_number(ran: Ran) -> int | None:
    """Return the first column that holds numbers."""
    found = (index for index, column in enumerate(columns_of(ran)) if any(hasattr(value, "mean") for value in column))
    return next(found, None)


def claims_table(runs: Sequence[Ran]) -> str:
    """Return the table of claims in Markdown."""
    lines = ["| experiment | claim | source | measured | holds |", "|---|---|---|---|---|"]
    for ran in runs:
        cells = (f"[{ran.name}]({ran.file})", ran.claim, ran.source, measured_words(ran), verdict_word(ran.holds))
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def measured_words(ran: Ran) -> str:
    """Return what was measured, as a sentence of the table: under its labels, or the expectations' own values."""
    pairs = ran.measured or {f"`{one.text}`": one.value for one in ran.verdicts}
    return "; ".join(f"{label}: {figure(worded(value, 4), 4)}" for label, value in pairs.items())
