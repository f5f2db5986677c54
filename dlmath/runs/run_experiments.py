"""`dlmath run FILE...`: experiments planned, run cell by cell, written down and judged."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from dlmath.errors import InvalidValueError, MissingExtraError
from dlmath.files.atomic import STANDARD
from dlmath.frame.checks import refuse
from dlmath.frame.outcome import Outcome
from dlmath.language.errors import ExpressionError
from dlmath.language.expressions import parse
from dlmath.report.blocks import Lines, Table
from dlmath.report.progress import progress
from dlmath.runs.cells import executor_for, run_tasks
from dlmath.runs.checks import check_plan, check_shown, result_paths
from dlmath.runs.files.experiment import read_experiments
from dlmath.runs.judge import View
from dlmath.runs.plan import line_of, make_plan
from dlmath.runs.report import tables as report
from dlmath.runs.report.series import is_drawable
from dlmath.runs.state import NOWHERE, RESULTS, RunState
from dlmath.runs.vocabulary import vocabularies

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dlmath.frame.output import Output
    from dlmath.language.tree import Expectation
    from dlmath.runs.plan import Planned
    from dlmath.runs.report.ran import Ran
    from dlmath.runs.words import Words

MOST_TOLD = 5
"""Cells that failed and are told on standard error."""


class RunOutcome(Outcome):
    """An outcome in which cells could not be carried out: the request failed, whatever the rest says."""

    @property
    def status(self) -> int:
        """Exit status."""
        return 2


# --- before the work --------------------------------------------------------------------------------------------------


def check_run(words: Words) -> None:
    """Find out before the work what would be refused after it."""
    if not words.files:
        raise InvalidValueError("no experiment FILE is named", "name one, or a folder: dlmath run experiments/")
    if words.scheduler is not None and words.jobs != 1:
        raise InvalidValueError("--jobs counts processes here, --scheduler sends cells elsewhere", "use one of the two")
    if words.results == "":
        raise InvalidValueError("--results names no folder", f"name one, or --results {NOWHERE}")
    refuse_idle(words)
    check_files(words)
    view_of(words)


def refuse_idle(words: Words) -> None:
    """Refuse options that would have no effect."""
    if words.results == NOWHERE:
        refuse({"--parquet": words.parquet}, f"with --results {NOWHERE}")
    nothing_is_run = "--paths" if words.paths else "--dry-run" if words.dry_run else None
    if nothing_is_run is not None:
        idle = {"--claims": words.claims, "--report": words.report, "--where": words.where, "--sort": words.sort}
        running = {"--force": words.force and words.paths, "--fail-fast": words.fail_fast, "--parquet": words.parquet}
        refuse({**idle, **running}, f"with {nothing_is_run}")
    if words.paths:
        refuse({"--dry-run": words.dry_run, "--top": words.top}, "with --paths")


def check_files(words: Words) -> None:
    """Refuse files that could not be written after the work."""
    if words.claims is not None:
        from dlmath.runs.files.claims import check_claims_file

        check_claims_file(words.claims)
    if words.report is not None:
        from dlmath.files.atomic import check_writable

        if not words.report.lower().endswith((".html", ".htm")) and words.report != STANDARD:
            raise InvalidValueError(f"--report {words.report}: a page is written as HTML", "name a file.html")
        check_writable(words.report, "--report")
    if words.parquet:
        from importlib.util import find_spec

        if find_spec("pyarrow") is None:
            raise MissingExtraError("--parquet needs pyarrow, which is not installed", "pip install 'dlmath[parquet]'")


def view_of(words: Words) -> View:
    """Return which rows of the table of cells are wanted."""
    where = option_tree("--where", words.where)
    descending = bool(words.sort) and str(words.sort).startswith("-")
    sort = option_tree("--sort", None if words.sort is None else words.sort.removeprefix("-"))
    return View(where, sort, descending=descending, top=words.top)


def option_tree(option: str, text: str | None) -> Expectation | None:
    """Return the tree of an expression of the command line."""
    if text is None:
        return None
    try:
        tree = parse(text)
    except ExpressionError as error:
        what = f"{option} {text}: {error.what} (character {error.position + 1})"
        raise InvalidValueError(what, error.mend) from None
    if tree.where is not None:
        raise InvalidValueError(f"{option} {text}: `where` has no place here", "write the test itself")
    return tree


def planned_for(words: Words) -> tuple[list[Planned], View]:
    """Return the plan, checked, and what is shown of it."""
    view = view_of(words)
    plan = make_plan(read_experiments(words.files or (), vocabularies()), words.set or (), view.trees)
    check_plan(plan)
    check_shown(plan, [] if view.where is None else [view.where], "--where")
    check_shown(plan, [] if view.sort is None else [view.sort], "--sort")
    return plan, view


# --- the work ---------------------------------------------------------------------------------------------------------


def run_experiments(words: Words, output: Output) -> Outcome:
    """Print the plan or the paths, or run the plan."""
    plan, view = planned_for(words)
    if words.paths:
        return paths_outcome(plan, words, output)
    run = RunState(plan, words, view)
    if words.dry_run:
        return plan_outcome(run, output)
    try:
        carry_out(run, output)
    except KeyboardInterrupt:
        kept = "run again to go on from there" if run.store is not None else "none is kept, with --results none"
        output.streams.note(f"{len(run.done)} cells are done; {kept}")
        raise
    finally:
        if run.store is not None:
            run.store.close()
    return outcome(run, output)


def carry_out(run: RunState, output: Output) -> None:
    """Run every cell that is left; records that are lost meanwhile are made again."""
    run.recall()
    while todo := run.todo():
        words = run.words
        with (
            executor_for(words.jobs, words.scheduler, len(todo)) as (executor, workers),
            progress(output.streams, "running cells", len(todo)) as advance,
        ):
            for number, (_, done) in enumerate(run_tasks(todo, executor, workers, run.is_wanted), start=1):
                run.take(done)
                if advance is not None:
                    advance(number)
                if run.is_over:
                    return


# --- what came of it --------------------------------------------------------------------------------------------------


def outcome(run: RunState, output: Output) -> Outcome:
    """Gather the result, the tables, the explanation and the picture."""
    reports = run.reported()
    write_pages(run, reports)
    failed = any(ran.failures or ran.mistakes for ran in reports)
    drawable = any(is_drawable(ran) for ran in reports)
    return (RunOutcome if failed else Outcome)(
        command="run",
        settings=settings(run.words, output),
        result={"experiments": [report.entry(ran) for ran in reports]},
        table=report.main_table(reports),
        blocks=partial(report.blocks, reports, run.words.top),
        explanation=partial(report.explanation, reports) if output.explain else None,
        picture=partial(report.picture, reports) if drawable else None,
        answer=all(ran.holds is not False for ran in reports) and not run.is_over,
        notes=notes(run, reports),
        printed=run.words.report != STANDARD,
        errors=[line for ran in reports for line in (*ran.mistakes, *failed_words(ran))],
    )


def write_pages(run: RunState, reports: Sequence[Ran]) -> None:
    """Write the table of claims, and the page."""
    if run.words.claims is not None:
        from dlmath.runs.files.claims import write_claims

        write_claims(run.words.claims, report.claims_table(reports, run.words.claims))
    if run.words.report is not None:
        from dlmath.files.atomic import write_bytes
        from dlmath.runs.report.page import page

        write_bytes(run.words.report, page(reports, run.words).encode())


def settings(words: Words, output: Output) -> dict[str, object]:
    """Return every option as resolved."""
    return {**words.as_dict(), "results": words.results or RESULTS, **output.settings()}


def notes(run: RunState, reports: Sequence[Ran]) -> list[str]:
    """Return what is worth knowing besides."""
    left = sum(ran.holds is None for ran in reports)
    unfinished = [f"--fail-fast: {left} experiments were not finished"] if run.is_over and left else []
    return [*unfinished, *run.notes]


def failed_words(ran: Ran) -> Iterator[str]:
    """Yield the first cells that could not be carried out, and how many more there are."""
    for one in ran.failures[:MOST_TOLD]:
        yield f"{ran.name}, cell {one.name}: {one.error}"
    if len(ran.failures) > MOST_TOLD:
        yield f"{ran.name}: {len(ran.failures) - MOST_TOLD} more cells failed; --format csv has them"


def plan_outcome(run: RunState, output: Output) -> Outcome:
    """Return what would be run; nothing is, and no folder is made."""
    rows = []
    for planned in run.plan:
        for cell in planned.cells:
            if cell.id not in run.cached and run.known(cell.id) is not None:
                run.cached.add(cell.id)
            word = "yes" if cell.id in run.cached else "no"
            rows.append((planned.experiment.name, cell.id, word, line_of(cell)))
    reports = run.reported()
    table = report.cell_table(rows)
    keys = [name.replace(" ", "_") for name in table.columns]
    return Outcome(
        command="run",
        settings=settings(run.words, output),
        result={
            "experiments": [report.entry(ran) for ran in reports],
            "plan": [dict(zip(keys, cells, strict=True)) for cells in rows],
        },
        table=table,
        blocks=partial(report.plan_blocks, reports, table, run.words.top),
        explanation=partial(report.explanation, reports) if output.explain else None,
    )


def paths_outcome(plan: Sequence[Planned], words: Words, output: Output) -> Outcome:
    """Return what the expectations of each experiment may look at; nothing is run."""
    rows: list[tuple[Any, ...]] = []
    for planned in plan:
        name = planned.experiment.name
        rows += [(name, path, meaning) for path, meaning in result_paths(planned).items()]
        rows += [(name, axis, "an axis of the sweep") for names in planned.axes for axis in names.names]
    table = Table(("experiment", "path", "meaning"), tuple(rows))
    return Outcome(
        command="run",
        settings=settings(words, output),
        result={"paths": [dict(zip(table.columns, row, strict=True)) for row in rows]},
        table=table,
        blocks=lambda: [table, Lines((report.PATHS_NOTE,))],
    )
