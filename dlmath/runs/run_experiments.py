"""`dlmath run FILE...`: experiments planned, run cell by cell, written down and judged."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Any

from dlmath.errors import InvalidValueError, MissingExtraError
from dlmath.frame.checks import refuse
from dlmath.frame.outcome import Outcome
from dlmath.report.progress import progress
from dlmath.runs.cell import DONE, machine, with_paths
from dlmath.runs.cells import executor_for, run_tasks
from dlmath.runs.files.experiment import read_experiments
from dlmath.runs.files.results import Store
from dlmath.runs.judge import check_paths, report_of, unfinished
from dlmath.runs.plan import check_cells, make_plan, task_of
from dlmath.runs.report import tables as report
from dlmath.runs.vocabulary import command_line, vocabularies

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dlmath.frame.output import Output
    from dlmath.runs.cell import Done, Task
    from dlmath.runs.plan import Planned, PlannedCell
    from dlmath.runs.report.tables import Ran
    from dlmath.runs.words import Words

RESULTS = "results"
NOWHERE = "none"


class RunOutcome(Outcome):
    """An outcome in which cells could not be carried out: the request failed, whatever the rest says."""

    @property
    def status(self) -> int:
        """Exit status."""
        return 2


def check_run(words: Words) -> None:
    """Find out before the work what would be refused after it."""
    if not words.files:
        raise InvalidValueError("no experiment FILE is named", "name one, or a folder: dlmath run experiments/")
    if words.scheduler is not None and words.jobs != 1:
        raise InvalidValueError("--jobs counts processes here, --scheduler sends cells elsewhere", "use one of the two")
    if words.results == NOWHERE:
        refuse({"--parquet": words.parquet}, f"with --results {NOWHERE}")
    if words.dry_run:
        refuse({"--claims": words.claims}, "with --dry-run")
    if words.claims is not None:
        from dlmath.runs.files.claims import check_claims_file

        check_claims_file(words.claims)
    if words.parquet:
        from importlib.util import find_spec

        if find_spec("pyarrow") is None:
            raise MissingExtraError("--parquet needs pyarrow, which is not installed", "pip install 'dlmath[parquet]'")


def run_experiments(words: Words, output: Output) -> Outcome:
    """Print the plan, or run it."""
    assert words.files
    plan = make_plan(read_experiments(words.files, vocabularies()), words.set or ())
    for planned in plan:
        check_cells(planned)
    run = Run(plan, words)
    if words.dry_run:
        return plan_outcome(run, output)
    run.recall()
    with executor_for(words.jobs, words.scheduler) as (executor, workers):
        todo = run.todo()
        with progress(output.streams, "running cells", len(todo)) as advance:
            try:
                for number, (_, done) in enumerate(run_tasks(todo, executor, workers, run.is_wanted), start=1):
                    run.take(done)
                    if advance is not None:
                        advance(number)
                    if run.is_over:
                        break
            except KeyboardInterrupt:
                output.streams.note(f"{len(run.records)} cells are done; run again to go on from there")
                raise
    return outcome(run, output)


class Run:
    """The state of a run: what is planned, what is done, what is judged."""

    def __init__(self, plan: Sequence[Planned], words: Words) -> None:
        self.plan = plan
        self.words = words
        self.store = None if words.results == NOWHERE else Store(words.results or RESULTS)
        self.records: dict[str, dict[str, Any]] = {}
        self.cached: set[str] = set()
        self.reports: dict[str, Ran] = {}
        self.is_over = False
        self.where: dict[str, list[tuple[Planned, int]]] = {}
        self.missing = {planned.experiment.name: {cell.id for cell in planned.cells} for planned in plan}
        for planned in plan:
            for number, cell in enumerate(planned.cells):
                self.where.setdefault(cell.id, []).append((planned, number))

    def recall(self) -> None:
        """Take over the cells that earlier runs have finished, and judge what is complete with them."""
        if self.store is None:
            return
        self.store.open()
        if self.words.force:
            return
        for cell in self.where:
            self.remember(cell)
        for planned in self.plan:
            self.judge(planned)

    def remember(self, cell: str) -> bool:
        """Take over one cell, if it was finished by this program on a machine like this."""
        record = self.store.read(cell) if self.store is not None and not self.words.force else None
        if record is None or not self.is_ours(record):
            return False
        self.cached.add(cell)
        self.record(record)
        return True

    def record(self, record: dict[str, Any]) -> None:
        """Note what came of a cell, wherever it stands."""
        self.records[record["id"]] = record
        for planned, number in self.where[record["id"]]:
            self.missing[planned.experiment.name].discard(record["id"])
            check_paths(planned, number, record)

    def is_ours(self, record: dict[str, Any]) -> bool:
        """Tell whether a record is what would come out here again; on a cluster its machines decide."""
        provenance = {key: value for key, value in record.get("provenance", {}).items() if key != "seed"}
        same = provenance == machine() or self.words.scheduler is not None
        return record.get("status") == DONE and same

    def todo(self) -> list[Task]:
        """Return the cells that are left, each once, in the order of the plan."""
        if self.is_over:
            return []
        left = {cell: places[0] for cell, places in self.where.items() if cell not in self.records}
        return [task_of(planned.experiment, planned.cells[number]) for planned, number in left.values()]

    def is_wanted(self, task: Task) -> bool:
        """Tell whether a cell is still to be run: another run may have finished it meanwhile."""
        return not self.remember(task.id)

    def take(self, done: Done | None) -> None:
        """Write down what came of a cell, and judge the experiments that are complete with it."""
        if done is not None:
            self.keep(done)
        for planned in self.plan:
            self.judge(planned)

    def keep(self, done: Done) -> None:
        """Store a record, and note its time."""
        record = done.record
        if self.store is not None:
            if record["status"] == DONE:
                self.store.keep(record)
            names = sorted({planned.experiment.name for planned, _ in self.where[record["id"]]})
            self.store.note({**done.clock, "experiments": names, "ended": round(time.time(), 3)})
        self.record(record)
        if self.words.fail_fast and record["status"] != DONE:
            self.is_over = True

    def judge(self, planned: Planned) -> None:
        """Judge an experiment when all its cells are there, and write its results."""
        name = planned.experiment.name
        if name in self.reports or self.missing[name]:
            return
        records = [self.records[cell.id] for cell in planned.cells]
        if self.store is not None:
            rows = [row(planned, cell, record) for cell, record in zip(planned.cells, records, strict=True)]
            self.store.write(name, rows)
            if self.words.parquet:
                self.store.write_parquet(name, rows)
        self.reports[name] = report_of(planned, records, self.cached_in(planned))
        if self.words.fail_fast and not self.reports[name].holds:
            self.is_over = True

    def cached_in(self, planned: Planned) -> int:
        """Return how many cells of an experiment earlier runs have finished."""
        return sum(cell.id in self.cached for cell in planned.cells)

    def reported(self) -> list[Ran]:
        """Return the reports of all experiments, in order; what was not finished says so."""
        return [
            self.reports.get(planned.experiment.name) or unfinished(planned, self.cached_in(planned))
            for planned in self.plan
        ]


def row(planned: Planned, cell: PlannedCell, record: dict[str, Any]) -> dict[str, Any]:
    """Return a cell's line of the results: its place in the experiment, then its record."""
    return {
        "id": cell.id,
        "experiment": planned.experiment.name,
        "cell": cell.labels,
        "repeat": cell.repeat,
        "seed": cell.words.get("seed"),
        "files": [file._asdict() for file in cell.files],
        **{key: value for key, value in record.items() if key != "id"},
    }


def outcome(run: Run, output: Output) -> Outcome:
    """Gather the result, the tables, the explanation and the picture."""
    reports = run.reported()
    if run.words.claims is not None:
        from dlmath.runs.files.claims import write_claims

        write_claims(run.words.claims, report.claims_table(reports))
    kind = RunOutcome if any(ran.failures for ran in reports) else Outcome
    drawable = any(report.is_drawable(ran) for ran in reports)
    return kind(
        command="run",
        settings=settings(run.words, output),
        result={"experiments": [report.entry(ran) for ran in reports]},
        table=report.main_table(reports),
        blocks=partial(report.blocks, reports),
        explanation=partial(report.explanation, reports) if output.explain else None,
        picture=partial(report.picture, reports) if drawable else None,
        answer=all(ran.holds is not False for ran in reports) and not run.is_over,
        notes=notes(run, reports),
    )


def settings(words: Words, output: Output) -> dict[str, object]:
    """Return every option as resolved."""
    return {**words.as_dict(), "results": words.results or RESULTS, **output.settings()}


def notes(run: Run, reports: Sequence[Ran]) -> list[str]:
    """Return what is worth knowing besides."""
    left = sum(ran.holds is None for ran in reports)
    return [f"--fail-fast: {left} experiments were not finished"] if run.is_over and left else []


def line_from_here(planned: Planned, cell: PlannedCell) -> str:
    """Return the line that a user would type for a cell in this folder, whatever folder the experiment lies in."""
    paths = {file.written: file.path for file in cell.files}
    words = {field: with_paths(value, paths) for field, value in cell.words.items()}
    return command_line(planned.experiment.command, words)


def plan_outcome(run: Run, output: Output) -> Outcome:
    """Return what would be run; nothing is, and no folder is made."""
    rows = []
    for planned in run.plan:
        for cell in planned.cells:
            known = run.store is not None and not run.words.force and run.store.read(cell.id)
            if known and run.is_ours(known):
                run.cached.add(cell.id)
            word = "yes" if cell.id in run.cached else "no"
            rows.append((planned.experiment.name, cell.id, word, line_from_here(planned, cell)))
    reports = run.reported()
    table = report.cell_table(rows)
    plan = [dict(zip(("experiment", "id", "known", "command_line"), cells, strict=True)) for cells in rows]
    return Outcome(
        command="run",
        settings=settings(run.words, output),
        result={"experiments": [report.entry(ran) for ran in reports], "plan": plan},
        table=table,
        blocks=partial(report.plan_blocks, reports, table),
        explanation=partial(report.explanation, reports) if output.explain else None,
    )
