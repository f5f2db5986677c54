"""From the results of an experiment's cells to its report: the expectations judged, the repeats summed up."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any

from dlmath.frame.outcome import plain
from dlmath.language.errors import ExpressionError, MissingPathError, NoCellError
from dlmath.language.expectations import SEMANTICS, Scope, each, is_over_sweep, judge, selected, values_of
from dlmath.language.expressions import parse, paths_of
from dlmath.language.functions import truth
from dlmath.language.meaning import meaning
from dlmath.neural.intervals import spread
from dlmath.runs.files.experiment import located_error
from dlmath.runs.report.ran import CellRow, ExpectationVerdict, Failure, Ran

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from dlmath.language.cells import AnyCell
    from dlmath.language.expectations import Judgement, Sweep
    from dlmath.language.tree import Expectation
    from dlmath.runs.files.experiment import Expected
    from dlmath.runs.plan import Planned
    from dlmath.runs.report.ran import Shown

MOST_NAMED = 100
"""Cells that break an expectation and are named; of more, their number is told."""


def report_of(planned: Planned, cells: Sequence[AnyCell], errors: Mapping[int, str], cached: int, view: View) -> Ran:
    """Return the report of an experiment whose cells are all done.

    Parameters
    ----------
    planned : Planned
    cells : sequence
        What expressions see of each cell.
    errors : mapping
        Why cells could not be carried out, by their numbers.
    cached : int
        Cells that earlier runs had finished.
    view : View
        Which rows the table of cells has, and in which order.
    """
    sweep = planned.sweep(cells)
    columns, rows = summed_up(planned, sweep, view)
    verdicts = tuple(verdict(expected, sweep, planned) for expected in planned.experiment.expect)
    return Ran(
        **described(planned),
        cached=cached,
        failures=tuple(failure(planned, number, error) for number, error in errors.items()),
        verdicts=verdicts,
        measured={label: plain(measured(expected, sweep)) for label, expected in planned.experiment.measure.items()},
        columns=columns,
        rows=rows,
        mistakes=tuple(dict.fromkeys(mistakes(planned, sweep))),
    )


def failure(planned: Planned, number: int, error: str) -> Failure:
    """Return a cell that could not be carried out, and why."""
    cell = planned.cells[number]
    return Failure(cell.id, cell.name, cell.words, error)


def unfinished(planned: Planned, cached: int) -> Ran:
    """Return the report of an experiment that was planned and not judged."""
    verdicts = tuple(ExpectationVerdict(one.text, None, None, 0, ()) for one in planned.experiment.expect)
    nothing: dict[str, Any] = {"failures": (), "measured": {}, "columns": (), "rows": (), "mistakes": ()}
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
    if planned.cells[0].frame.seeds[0] is None:
        return "no random numbers"
    if one.repeat is None:
        return f"seed {one.seed}"
    return f"{one.repeat} repeats, their seeds spawned from {one.seed} (NumPy's SeedSequence), the same for every cell"


# --- expectations -----------------------------------------------------------------------------------------------------


def verdict(expected: Expected, sweep: Sweep, planned: Planned) -> ExpectationVerdict:
    """Judge one expectation; one that has no value in a cell, or over the sweep, does not hold, and says why."""
    try:
        found = judge(expected.tree, sweep)
    except NoCellError as error:
        if planned.overridden:  # the cells that it is about were taken away with --set
            return ExpectationVerdict(expected.text, None, None, 0, ())
        return without_value(expected, error, sweep, planned)
    except ExpressionError as error:
        return without_value(expected, error, sweep, planned)
    names, more = named(found, sweep, planned)
    return ExpectationVerdict(
        expected.text, found.holds, plain(found.value), found.cells, names, reason(found, sweep, planned), more
    )


def without_value(expected: Expected, error: ExpressionError, sweep: Sweep, planned: Planned) -> ExpectationVerdict:
    """Return the verdict on an expectation that has no value over the sweep: the cell to blame, where there is one."""
    names = tuple(planned.cells[number].name for number, cell in enumerate(sweep.cells) if cell is error.cell)
    return ExpectationVerdict(
        expected.text, False, None, len(sweep.cells), names, error_words(error, next(iter(names), ""))
    )


def named(found: Judgement, sweep: Sweep, planned: Planned) -> tuple[tuple[str, ...], int]:
    """Return the names of the cells that break an expectation, and how many more there are."""
    broken = {id(found.chosen[index]) for index in found.failing[:MOST_NAMED]}
    names = tuple(planned.cells[number].name for number, cell in enumerate(sweep.cells) if id(cell) in broken)
    return names, len(found.failing) - len(names)


def reason(found: Judgement, sweep: Sweep, planned: Planned) -> str:
    """Return why an expectation has no value in the first cell where it has none."""
    if not found.errors:
        return ""
    index, error = next(iter(found.errors.items()))
    number = next(number for number, cell in enumerate(sweep.cells) if cell is found.chosen[index])
    return error_words(error, planned.cells[number].name)


def error_words(error: ExpressionError, name: str) -> str:
    """Return what an error says, and of which cell."""
    return f"{error.what} ({name})" if name else error.what


def mistakes(planned: Planned, sweep: Sweep) -> list[str]:
    """Return the expressions that look at what no cell at all has: mistyped paths, each with its place."""
    experiment = planned.experiment
    found = []
    for expected in (*experiment.expect, *experiment.columns, *experiment.measure.values()):
        error = mistyped(expected.tree, sweep)
        if error is not None:
            found.append(str(located_error(error, expected.place)))
    return found


def mistyped(tree: Expectation, sweep: Sweep) -> ExpressionError | None:
    """Return the error of a path that is missing in every cell; None when each is somewhere."""
    from dlmath.language.tree import all_paths

    for path, in_where in all_paths(tree):
        error = None
        for cell in sweep.cells:
            try:
                cell.at(path, settings_first=in_where)
            except MissingPathError as missing:
                error = missing
            else:
                error = None
                break
        if error is not None:
            return error
    return None


def measured(expected: Expected, sweep: Sweep) -> Any:
    """Return what an expression of `measure:` is worth: a value of the sweep, or of each cell; of one cell itself."""
    try:
        found = values_of(expected.tree, sweep)
    except ExpressionError:
        return None
    return found[0] if isinstance(found, list) and len(found) == 1 and not is_over_sweep(expected.tree.test) else found


# --- the table of cells -----------------------------------------------------------------------------------------------


class View:
    """Which rows of the table of cells are shown, and in which order.

    Parameters
    ----------
    where : Expectation or None
        Cells for which it does not hold are left out.
    sort : Expectation or None
        What rows are ordered by; those that have no value come last.
    descending : bool
        The greatest first.
    top : int or None
        How many rows are shown.
    """

    def __init__(
        self, where: Expectation | None = None, sort: Expectation | None = None, *, descending: bool = False,
        top: int | None = None,
    ) -> None:  # fmt: skip
        self.where = where
        self.sort = sort
        self.descending = descending
        self.top = top

    @property
    def trees(self) -> list[Expectation]:
        """The expressions it looks at."""
        return [tree for tree in (self.where, self.sort) if tree is not None]


def summed_up(planned: Planned, sweep: Sweep, view: View) -> tuple[tuple[str, ...], tuple[CellRow, ...]]:
    """Return the values that are shown, and each over the repeats of every place in the sweep that is shown."""
    trees = [expected.tree for expected in planned.experiment.columns] or default_trees(planned, sweep)
    kept = meant(sweep, view.where)
    numbers = [number for number in range(len(planned.cells)) if kept(number)]
    places = [list(same) for _, same in groupby(numbers, key=lambda number: planned.cells[number].point)]
    places = in_order(places, sweep, view)[: view.top]
    columns = [column(tree, sweep, places) for tree in trees]
    rows = tuple(
        CellRow(cell.labels, len(same), tuple(values[index] for values in columns), cell)
        for index, (same, cell) in enumerate((same, planned.cells[same[0]]) for same in places)
    )
    return tuple(tree.text for tree in trees), rows


def meant(sweep: Sweep, where: Expectation | None) -> Callable[[int], bool]:
    """Return which cells --where leaves; one in which it has no value is left out."""
    if where is None:
        return lambda _: True
    test = meaning(where.test, SEMANTICS)

    def is_kept(number: int) -> bool:
        try:
            return truth(test(Scope(sweep, sweep.cells[number], settings_first=False)))
        except ExpressionError:
            return False

    return is_kept


def in_order(places: list[list[int]], sweep: Sweep, view: View) -> list[list[int]]:
    """Return places ordered by the mean of what --sort names; words come behind numbers, nothing last."""
    if view.sort is None:
        return places
    values = {same[0]: over_repeats(cell_values(view.sort, sweep, same)) for same in places}

    def key(same: list[int]) -> tuple[int, float, str]:
        value = values[same[0]]
        if value is None:
            return (2, 0.0, "")
        return (1, 0.0, value) if isinstance(value, str) else (0, value.mean, "")

    known = sorted((same for same in places if values[same[0]] is not None), key=key, reverse=view.descending)
    return known + [same for same in places if values[same[0]] is None]


def default_trees(planned: Planned, sweep: Sweep) -> list[Expectation]:
    """Return the single values that the expectations look at."""
    paths = dict.fromkeys(path for expected in planned.experiment.expect for path in paths_of(expected.tree))
    axes = {name for axis in planned.axes for name in axis.names}
    trees = [parse(path) for path in paths if path not in axes]
    every = range(len(sweep.cells))
    return [tree for tree in trees if not any(isinstance(value, list) for value in cell_values(tree, sweep, every))]


def cell_values(tree: Expectation, sweep: Sweep, numbers: Sequence[int]) -> list[Any]:
    """Return a value in some cells, None where it has none."""
    test = meaning(tree.test, SEMANTICS)
    chosen = None if tree.where is None else {id(cell) for cell in chosen_by(tree, sweep)}
    found = []
    for number in numbers:
        cell = sweep.cells[number]
        try:
            found.append(each(test, cell, sweep) if chosen is None or id(cell) in chosen else None)
        except ExpressionError:
            found.append(None)
    return found


def chosen_by(tree: Expectation, sweep: Sweep) -> list[AnyCell]:
    """Return the cells that a column is about."""
    try:
        return selected(sweep, tree.where, 0)
    except ExpressionError:
        return []


def column(tree: Expectation, sweep: Sweep, places: Sequence[Sequence[int]]) -> list[Shown]:
    """Return a value over the repeats of every place."""
    values = iter(cell_values(tree, sweep, [number for same in places for number in same]))
    return [over_repeats([next(values) for _ in same]) for same in places]


def over_repeats(values: Sequence[Any]) -> Shown:
    """Return numbers as their mean and interval, other values as one text; null when one of them is."""
    if None in values:
        return None
    if all(isinstance(value, int | float) for value in values):
        if isinstance(values[0], bool) and len(values) == 1:
            return "yes" if values[0] else "no"
        return spread(values)
    return ", ".join(dict.fromkeys(str(plain(value)) for value in values))
