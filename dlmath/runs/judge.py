"""From the results of an experiment's cells to its report: the expectations judged, the repeats summed up."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any

from dlmath.frame.outcome import plain
from dlmath.language.errors import ExpressionError
from dlmath.language.expectations import NoCellError, judge, probe, values_of
from dlmath.language.expressions import parse, paths_of
from dlmath.neural.intervals import spread
from dlmath.runs.cell import FAILED
from dlmath.runs.files.experiment import located_error
from dlmath.runs.report.tables import Ran, Row, Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dlmath.language.expectations import Sweep
    from dlmath.language.expressions import Expectation
    from dlmath.runs.files.experiment import Expected
    from dlmath.runs.plan import Planned
    from dlmath.runs.report.tables import Shown


def check_paths(planned: Planned, number: int, record: dict[str, Any]) -> None:
    """Look at every path of the experiment in one cell's result; a missing one is an error right away."""
    if record["status"] == FAILED:
        return
    experiment = planned.experiment
    sweep = planned.part({number: record["result"]})
    for expected in (*experiment.expect, *experiment.columns, *experiment.measure.values()):
        try:
            probe(expected.tree, sweep.cells[0], sweep)
        except ExpressionError as error:
            raise located_error(error, expected.place) from None


def report_of(planned: Planned, records: Sequence[dict[str, Any]], cached: int) -> Ran:
    """Return the report of an experiment whose cells are all done."""
    experiment = planned.experiment
    sweep = planned.sweep([record["result"] for record in records])
    columns, rows = summed_up(planned, sweep)
    return Ran(
        **described(planned),
        cached=cached,
        failures=tuple(failures(planned, records)),
        verdicts=tuple(verdict(expected, sweep, planned) for expected in experiment.expect),
        measured={label: plain(measured(expected, sweep)) for label, expected in experiment.measure.items()},
        columns=columns,
        rows=rows,
    )


def unfinished(planned: Planned, cached: int) -> Ran:
    """Return the report of an experiment that was planned and not judged."""
    verdicts = tuple(Verdict(one.text, None, None, 0, ()) for one in planned.experiment.expect)
    nothing: dict[str, Any] = {"failures": (), "measured": {}, "columns": (), "rows": ()}
    return Ran(**described(planned), cached=cached, verdicts=verdicts, **nothing, finished=False)


def described(planned: Planned) -> dict[str, Any]:
    """Return what a report says of an experiment before it is run."""
    one = planned.experiment
    return {
        "name": one.name,
        "file": one.file,
        "command": one.command,
        "claim": one.claim,
        "source": one.source,
        "cells": len(planned.cells),
        "seeds": seeds_words(planned),
        "axes": tuple(axis.names for axis in planned.axes),
    }


def seeds_words(planned: Planned) -> str:
    """Return where the seeds of the cells come from, in words."""
    one = planned.experiment
    if "seed" not in (planned.cells[0].words if planned.cells else {}):
        return "no random numbers"
    if one.repeat is None:
        return f"seed {one.seed}"
    return f"{one.repeat} repeats, their seeds spawned from {one.seed} (NumPy's SeedSequence), the same for every cell"


def cell_name(planned: Planned, number: int) -> str:
    """Return a cell in words."""
    cell = planned.cells[number]
    labels = {**cell.labels, **({} if cell.repeat is None else {"repeat": cell.repeat})}
    return " ".join(f"{name}={value}" for name, value in labels.items()) or "the only cell"


def failures(planned: Planned, records: Sequence[dict[str, Any]]) -> list[tuple[str, str]]:
    """Return the cells that could not be carried out, and why."""
    found = enumerate(records)
    return [(cell_name(planned, n), str(record["error"])) for n, record in found if record["status"] == FAILED]


def verdict(expected: Expected, sweep: Sweep, planned: Planned) -> Verdict:
    """Judge one expectation."""
    try:
        found = judge(expected.tree, sweep)
    except NoCellError as error:
        if planned.overridden:  # the cells that it is about were taken away with --set
            return Verdict(expected.text, None, None, 0, ())
        raise located_error(error, expected.place) from None
    except ExpressionError as error:
        raise located_error(error, expected.place) from None
    broken = {id(found.chosen[index]) for index in found.failing}
    names = tuple(cell_name(planned, number) for number, cell in enumerate(sweep.cells) if id(cell) in broken)
    return Verdict(expected.text, found.holds, plain(found.value), found.cells, names)


def measured(expected: Expected, sweep: Sweep) -> Any:
    """Return what an expression of `measure:` is worth: a value of the sweep, or of each cell; of one cell itself."""
    try:
        found = values_of(expected.tree, sweep)
    except NoCellError:
        return None
    except ExpressionError as error:
        raise located_error(error, expected.place) from None
    return found[0] if isinstance(found, list) and len(found) == 1 else found


def summed_up(planned: Planned, sweep: Sweep) -> tuple[tuple[str, ...], tuple[Row, ...]]:
    """Return the values that are shown, and each over the repeats of every place in the sweep."""
    trees = [expected.tree for expected in planned.experiment.columns] or default_trees(planned, sweep)
    numbers = range(len(planned.cells))
    places = [list(same) for _, same in groupby(numbers, key=lambda number: planned.cells[number].point)]
    columns = [column(tree, sweep, places) for tree in trees]
    rows = tuple(
        Row(planned.cells[same[0]].labels, len(same), tuple(values[index] for values in columns))
        for index, same in enumerate(places)
    )
    return tuple(tree.text for tree in trees), rows


def default_trees(planned: Planned, sweep: Sweep) -> list[Expectation]:
    """Return the single values that the expectations look at."""
    paths = dict.fromkeys(path for expected in planned.experiment.expect for path in paths_of(expected.tree))
    axes = {name for axis in planned.axes for name in axis.names}
    trees = [parse(path) for path in paths if path not in axes]
    return [tree for tree in trees if not any(isinstance(value, list) for value in cell_values(tree, sweep))]


def cell_values(tree: Expectation, sweep: Sweep) -> list[Any]:
    """Return a value in every cell, None where it has none."""
    found = []
    for cell in sweep.cells:
        try:
            found += values_of(tree, sweep._replace(cells=[cell]))
        except ExpressionError:
            found.append(None)
    return found


def column(tree: Expectation, sweep: Sweep, places: Sequence[Sequence[int]]) -> list[Shown]:
    """Return a value over the repeats of every place."""
    values = cell_values(tree, sweep)
    return [over_repeats([values[number] for number in same]) for same in places]


def over_repeats(values: Sequence[Any]) -> Shown:
    """Return numbers as their mean and interval, other values as one text; null when one of them is."""
    if None in values:
        return None
    if all(isinstance(value, int | float) for value in values):
        if isinstance(values[0], bool) and len(values) == 1:
            return "yes" if values[0] else "no"
        return spread(values)
    return ", ".join(dict.fromkeys(str(plain(value)) for value in values))
