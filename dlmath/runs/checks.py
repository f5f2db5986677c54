"""What is refused in the plan, before anything runs: words, paths that no result has, files that are written twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlmath.errors import DlmathError, InvalidValueError
from dlmath.files.document import Place, wrong
from dlmath.frame.paths import check_steps
from dlmath.frame.registry import command_of
from dlmath.language.errors import ExpressionError
from dlmath.language.expectations import selected
from dlmath.language.tree import Path, all_paths, walk
from dlmath.runs.cell import check_task, words_of
from dlmath.runs.files.experiment import located_error
from dlmath.runs.plan import place_of, task_of
from dlmath.runs.vocabulary import spelled, vocabulary

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from dlmath.language.tree import Expectation, Node
    from dlmath.runs.files.experiment import Experiment
    from dlmath.runs.plan import Planned, PlannedCell

MOST_CHECKED = 2000
"""Cells of an experiment that are checked before the run; of more, those that have a value for the first time."""


def check_plan(plan: Sequence[Planned]) -> None:
    """Refuse what can be known to be wrong before any cell is run."""
    for planned in plan:
        check_expressions(planned)
        check_where(planned)
        check_cells(planned)
    check_outputs(plan)


# --- expressions ------------------------------------------------------------------------------------------------------


def setting_names(planned: Planned) -> set[str]:
    """Return the names that are settings of an experiment."""
    names = {name for axis in planned.axes for name in axis.names}
    return {*vocabulary(planned.experiment.command), *names, "repeat", "settings"}


def check_expressions(planned: Planned) -> None:
    """Refuse a path that no result of these cells can have, and no setting is called."""
    known = sorted(result_paths(planned))
    experiment = planned.experiment
    for expected in (*experiment.expect, *experiment.columns, *experiment.measure.values()):
        for path, _ in all_paths(expected.tree):
            try:
                check_path(path, known, setting_names(planned))
            except ExpressionError as error:
                raise located_error(error, expected.place) from None


def result_paths(planned: Planned) -> dict[str, str]:
    """Return the paths that the results of an experiment's cells have, and what they mean."""
    command = command_of(planned.experiment.command)
    found: dict[str, str] = {}
    for cell in checked_cells(planned):
        try:
            found |= command.results(words_of(task_of(cell)))
        except DlmathError:
            continue  # the cell's own check tells what is wrong with it
    return found


def check_path(path: Path, results: Sequence[str], settings: set[str]) -> None:
    """Refuse a path that is neither in the results nor a setting."""
    steps = [step for step in path.steps if step != "result" or "result" in results]
    if path.steps[0] in settings or not steps:
        return
    try:
        check_steps([step.lstrip("-") for step in steps], [known.split(".") for known in results], path.text)
    except InvalidValueError as error:
        what = error.what.partition(": ")[2]
        of_path = f" (of {path.text})" if len(steps) > 1 else ""
        raise ExpressionError(what + of_path, error.mend, path.position) from None


def check_where(planned: Planned) -> None:
    """Refuse a `where` that is about settings alone and leaves no cell."""
    if planned.overridden:
        return
    for expected in planned.experiment.expect:
        where = expected.tree.where
        if where is None or looks_at_results(planned, where):
            continue
        try:
            selected(planned.sweep(), where, 0)
        except ExpressionError as error:
            raise located_error(error, expected.place) from None


def looks_at_results(planned: Planned, where: Node) -> bool:
    """Tell whether a `where` names something that is no setting."""
    known = setting_names(planned)
    return any(isinstance(node, Path) and node.steps[0] not in known for node in walk(where))


def check_shown(plan: Sequence[Planned], trees: Iterable[Expectation], option: str) -> None:
    """Refuse --where and --sort that look at what no experiment here has."""
    for tree in trees:
        errors = list(filter(None, (shown_error(planned, tree) for planned in plan)))
        if len(errors) == len(plan):
            raise InvalidValueError(f"{option} {tree.text}: {errors[0].what}", errors[0].mend)


def shown_error(planned: Planned, tree: Expectation) -> ExpressionError | None:
    """Return why an experiment has not what an expression looks at, or None."""
    known = sorted(result_paths(planned))
    for path, _ in all_paths(tree):
        try:
            check_path(path, known, setting_names(planned))
        except ExpressionError as error:
            return error
    return None


# --- words ------------------------------------------------------------------------------------------------------------


def checked_cells(planned: Planned) -> Iterator[PlannedCell]:
    """Yield the cells whose words are checked: every one of few, of many those that show a place for the first time."""
    few = len(planned.cells) <= MOST_CHECKED
    seen: set[object] = set()
    count = 0
    for cell in planned.cells:
        shows = {cell.id} if few else {(axis, place) for axis, place in enumerate(cell.point)}
        if not shows <= seen:
            seen |= shows
            count += 1
            yield cell
        if count == MOST_CHECKED:
            return


def check_cells(planned: Planned) -> None:
    """Let the command's own checks refuse what it would refuse, at the place where it was written."""
    for cell in checked_cells(planned):
        try:
            check_task(task_of(cell))
        except DlmathError as error:
            raise wrong(guilty_place(cell, error), error.what, error.mend) from error


def guilty_place(cell: PlannedCell, error: DlmathError) -> Place:
    """Return the place of the option that an error is about: the one it names, or whose value it quotes."""
    experiment, words = cell.frame.experiment, cell.words
    text = error.what.replace(":", " ") + " "
    options = {field: spelled(experiment.command, field) + " " for field in words}
    named = [(text.find(option), field) for field, option in options.items() if option != " " and option in text]
    if named:
        return place_of(experiment, min(named)[1], words)
    for field, value in words.items():
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, str) and item and item in error.what:
                return place_of(experiment, field, words, item)
    return experiment.place


def check_outputs(plan: Sequence[Planned]) -> None:
    """Refuse two cells that would write one file: the last would win without a word."""
    owners: dict[str, PlannedCell] = {}
    for planned in plan:
        command = command_of(planned.experiment.command)
        for cell in planned.cells:
            if not command.writes or not any(field in cell.words for field in command.writes):
                continue
            for path in command.outputs(words_of(task_of(cell))):
                owner = owners.setdefault(path, cell)
                if owner.id != cell.id:
                    raise written_twice(planned.experiment, cell, owner, path)


def written_twice(experiment: Experiment, cell: PlannedCell, owner: PlannedCell, path: str) -> InvalidValueError:
    """Return the error for two cells with one output."""
    field = next(field for field in command_of(experiment.command).writes if field in cell.words)
    place = place_of(experiment, field, cell.words)
    what = f"{path} would be written by two cells, {owner.name} and {cell.name}"
    names = ", ".join(f"{{{name}}}" for name in cell.labels)
    mend = f"put what varies into its name: {names}" if names else "name another file"
    return wrong(place, what, mend)
