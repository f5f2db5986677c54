"""The state of a run: what is planned, what is done, what is judged and written down."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from dlmath.runs.cell import DONE, digest_of_file, machine
from dlmath.runs.files.results import Store, line
from dlmath.runs.judge import report_of, unfinished
from dlmath.runs.plan import asked, task_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dlmath.language.expectations import Known
    from dlmath.runs.cell import Done, Task
    from dlmath.runs.judge import View
    from dlmath.runs.plan import Planned, PlannedCell
    from dlmath.runs.report.ran import Ran
    from dlmath.runs.words import Words

RESULTS = "results"
NOWHERE = "none"
MOST_KEPT = 32_000_000
"""Bytes of records that stay in memory; of more, the rest is read again from the folder when it is written out."""


class RunState:
    """A run under way.

    Of each cell only what expressions look at stays in memory.
    """

    def __init__(self, plan: Sequence[Planned], words: Words, view: View) -> None:
        self.plan = plan
        self.words = words
        self.view = view
        self.store = None if words.results == NOWHERE else Store(words.results or RESULTS)
        self.seen: list[list[Known | None]] = [[None] * len(planned.cells) for planned in plan]
        self.left = [len(planned.cells) for planned in plan]
        self.where: dict[str, list[tuple[int, int]]] = {}
        self.done: set[str] = set()
        self.cached: set[str] = set()
        self.errors: dict[str, str] = {}
        self.kept: dict[str, bytes] = {}
        self.room = MOST_KEPT
        self.reports: dict[int, Ran] = {}
        self.notes: list[str] = []
        self.is_over = False
        for index, planned in enumerate(plan):
            for number, cell in enumerate(planned.cells):
                self.where.setdefault(cell.id, []).append((index, number))

    # --- cells --------------------------------------------------------------------------------------------------------

    def recall(self) -> None:
        """Take over the cells that earlier runs have finished, and judge what is complete with them."""
        if self.store is None:
            return
        self.store.open()
        if not self.words.force:
            for cell in self.where:
                self.remember(cell)
            self.judge_all()

    def remember(self, cell: str) -> bool:
        """Take over one cell, if it was finished by this program on a machine like this."""
        record = self.known(cell)
        if record is None:
            return False
        self.cached.add(cell)
        self.record(record)
        return True

    def known(self, cell: str) -> dict[str, Any] | None:
        """Return the record of a cell that need not be run again."""
        record = self.store.read(cell) if self.store is not None and not self.words.force else None
        return record if record is not None and self.is_ours(record) else None

    def is_ours(self, record: dict[str, Any]) -> bool:
        """Tell whether a record is what would come out here again, and the files it has written are still there."""
        provenance = {key: value for key, value in record.get("provenance", {}).items() if key != "seed"}
        same = provenance == machine() or self.words.scheduler is not None
        return record.get("status") == DONE and same and has_outputs(record)

    def record(self, record: dict[str, Any]) -> None:
        """Note what came of a cell, wherever it stands."""
        cell = record["id"]
        if record["status"] != DONE:
            self.errors[cell] = str(record["error"])
        self.retain(record)
        for index, number in self.where[cell]:
            planned = self.plan[index]
            self.seen[index][number] = planned.paths.known(planned.seen(planned.cells[number], record["result"]))
            self.left[index] -= cell not in self.done
        self.done.add(cell)

    def retain(self, record: dict[str, Any]) -> None:
        """Keep a record in memory as long as there is room, and always one that is nowhere else."""
        if self.store is None:
            return
        content = line(record)
        if len(content) <= self.room or record["status"] != DONE:
            self.room -= len(content)
            self.kept[record["id"]] = content

    def todo(self) -> Tasks:
        """Return the cells that are left, each once, in the order of the plan."""
        left = [] if self.is_over else [places[0] for cell, places in self.where.items() if cell not in self.done]
        return Tasks([self.plan[index].cells[number] for index, number in left])

    def is_wanted(self, task: Task) -> bool | None:
        """Tell whether a cell is to be run here; None: another run is at it; False: one has finished it meanwhile."""
        if self.store is None or self.words.force:
            return True
        if not self.store.claim(task.id):
            return None
        if self.remember(task.id):
            self.store.release(task.id)
            return False
        return True

    def take(self, done: Done | None) -> None:
        """Write down what came of a cell, and judge the experiments that are complete with it."""
        if done is not None:
            self.keep(done)
            for index, _ in self.where[done.record["id"]]:
                self.judge(index)
        else:
            self.judge_all()

    def keep(self, done: Done) -> None:
        """Store a record, and note its time."""
        record = done.record
        if self.store is not None:
            if record["status"] == DONE:
                self.store.keep(record)
            names = sorted({self.plan[index].experiment.name for index, _ in self.where[record["id"]]})
            self.store.note({**done.clock, "experiments": names, "ended": round(time.time(), 3)})
            self.store.release(record["id"])
        self.record(record)
        if self.words.fail_fast and record["status"] != DONE:
            self.is_over = True

    # --- experiments --------------------------------------------------------------------------------------------------

    def judge_all(self) -> None:
        """Judge every experiment that is complete."""
        for index in range(len(self.plan)):
            self.judge(index)

    def judge(self, index: int) -> None:
        """Judge an experiment when all its cells are there, and write its results."""
        if index in self.reports or self.left[index]:
            return
        if self.store is not None and not self.write(index):
            return  # records that were to be written are gone: their cells are run again
        planned = self.plan[index]
        errors = {number: self.errors[cell.id] for number, cell in enumerate(planned.cells) if cell.id in self.errors}
        cells = [cell for cell in self.seen[index] if cell is not None]
        written = "" if self.store is None else f"{self.store.folder / planned.experiment.name}.csv"
        report = report_of(planned, cells, errors, self.cached_in(planned), self.view)
        self.reports[index] = report._replace(written=written)
        if self.words.fail_fast and not self.reports[index].holds:
            self.is_over = True

    def write(self, index: int) -> bool:
        """Write the results of an experiment; False when records are not to be had any more."""
        assert self.store is not None
        planned = self.plan[index]
        question = asked(planned)
        try:
            kept = self.store.write(
                planned.experiment.name, lambda: self.rows(planned, question), parquet=self.words.parquet
            )
        except LostRecordError as error:
            self.forget(error.cell)
            return False
        name = self.store.folder / planned.experiment.name
        if kept:
            self.notes.append(f"{name}.csv was written; what was asked before is kept in {', '.join(kept)}")
        return True

    def rows(self, planned: Planned, question: str) -> Iterator[dict[str, Any]]:
        """Yield the lines of an experiment's results, in the order of its plan."""
        assert self.store is not None
        for cell in planned.cells:
            content = self.kept.get(cell.id)
            record = self.store.read(cell.id) if content is None else json.loads(content)
            if record is None:
                raise LostRecordError(cell.id)
            yield row(planned, cell, record, question)

    def forget(self, cell: str) -> None:
        """Take back that a cell is done."""
        self.done.discard(cell)
        self.cached.discard(cell)
        for index, _ in self.where[cell]:
            self.left[index] += 1

    def cached_in(self, planned: Planned) -> int:
        """Return how many cells of an experiment earlier runs have finished."""
        return sum(cell.id in self.cached for cell in planned.cells)

    def reported(self) -> list[Ran]:
        """Return the reports of all experiments, in order; what was not finished says so."""
        return [
            self.reports.get(index) or unfinished(planned, self.cached_in(planned))
            for index, planned in enumerate(self.plan)
        ]


class Tasks(Sequence["Task"]):
    """Cells as tasks, each made when its turn comes."""

    def __init__(self, cells: list[PlannedCell]) -> None:
        self.cells = cells

    def __len__(self) -> int:
        return len(self.cells)

    def __getitem__(self, index: Any) -> Any:
        return [task_of(cell) for cell in self.cells[index]] if isinstance(index, slice) else task_of(self.cells[index])


class LostRecordError(Exception):
    """A record that was there and is gone."""

    def __init__(self, cell: str) -> None:
        super().__init__(cell)
        self.cell = cell


def has_outputs(record: dict[str, Any]) -> bool:
    """Tell whether the files that a cell has written are there, and hold what it wrote."""
    from pathlib import Path

    try:
        return all(digest_of_file(Path(path)) == digest for path, digest in record.get("outputs", {}).items())
    except (OSError, ValueError, AttributeError):
        return False


def row(planned: Planned, cell: PlannedCell, record: dict[str, Any], question: str) -> dict[str, Any]:
    """Return a cell's line of the results: its place in the experiment, then its record."""
    return {
        "id": cell.id,
        "experiment": planned.experiment.name,
        "asked": question,
        "cell": cell.labels,
        "repeat": cell.repeat,
        "seed": cell.words.get("seed"),
        "files": [file._asdict() for file in cell.files],
        **{key: value for key, value in record.items() if key != "id"},
    }
