"""`dlmath run`: its options, each once."""

from dlmath.frame.words import AT_LEAST_1, argument, option
from dlmath.frame.words import Words as Record

RUNNING, RESULTS_PANEL, TABLE, OTHER = "running", "results", "the table of cells", "other questions"


class Words(Record):
    """The words of one call; None and False stand for "not given"."""

    files: list[str] | None = argument("FILE|FOLDER", "Experiment files, or folders of them (.yaml).", reads=True)
    jobs: int = option(
        "Processes to share the work.", default=1, within=AT_LEAST_1, panel=RUNNING, variable="DLMATH_JOBS"
    )
    set: list[str] | None = option(
        "Instead of what the files say: epochs=100; a list is swept: hidden=[2,4].", metavar="KEY=VALUE",
        panel=RUNNING,
    )  # fmt: skip
    force: bool = option("Run every cell again, known or not.", panel=RUNNING)
    fail_fast: bool = option("Stop at the first cell that fails or expectation that does not hold.", panel=RUNNING)
    scheduler: str | None = option("Send cells to a Dask cluster: tcp://host:8786.", metavar="ADDRESS", panel=RUNNING)
    results: str | None = option(
        "Where results are kept, and found again; none: nowhere.", metavar="FOLDER", usual="results",
        panel=RESULTS_PANEL,
    )  # fmt: skip
    parquet: bool = option("Write results as Parquet too.", panel=RESULTS_PANEL)
    report: str | None = option(
        "Write one page of it all, for a browser or a mail: claims, what was measured, tables, pictures (.html).",
        metavar="FILE", writes=True, panel=RESULTS_PANEL,
    )  # fmt: skip
    claims: str | None = option(
        "Write the table of claims into a Markdown file, between <!-- claims --> and <!-- /claims -->.",
        metavar="FILE", writes=True, panel=RESULTS_PANEL,
    )  # fmt: skip
    where: str | None = option(
        'Only the cells for which it holds: "success_rate < 0.5".', metavar="EXPRESSION", panel=TABLE
    )
    sort: str | None = option(
        "In the order of a value, the least first; -PATH: the greatest first.", metavar="PATH", panel=TABLE
    )
    top: int | None = option("The first N rows.", metavar="N", within=AT_LEAST_1, usual="60", panel=TABLE)
    dry_run: bool = option("Print the plan, and run nothing.", panel=OTHER)
    paths: bool = option("Print the paths that expectations may look at, and run nothing.", panel=OTHER)
    replay: str | None = option(
        "Repeat one cell from its record (results/NAME.jsonl:ID) and compare.", metavar="RESULTS:ID", reads=True,
        panel=OTHER,
    )  # fmt: skip


OF_EXPERIMENTS = {
    "experiments.*.name": "the experiment's name",
    "experiments.*.file": "where it was read",
    "experiments.*.command": "what its cells run",
    "experiments.*.claim": "what is claimed",
    "experiments.*.source": "who said so",
    "experiments.*.cells": "its cells",
    "experiments.*.cached": "of them, known from earlier runs",
    "experiments.*.failed.*.id": "a cell that could not be carried out: its hash",
    "experiments.*.failed.*.cell": "its name",
    "experiments.*.failed.*.words.**": "its options",
    "experiments.*.failed.*.error": "why",
    "experiments.*.expectations.*.text": "what was expected",
    "experiments.*.expectations.*.holds": "whether it holds; null when it was not judged",
    "experiments.*.expectations.*.value.**": "what was measured: of many cells the one nearest to breaking it",
    "experiments.*.expectations.*.failing.*": "the cells that break it",
    "experiments.*.expectations.*.reason": "why it has no value, where it has none",
    "experiments.*.holds": "whether every expectation holds and every cell was carried out; null: not finished",
    "experiments.*.results": "the table of results that was written; null with --results none",
    "experiments.*.measured.**": "what `measure:` names, by its labels",
    "experiments.*.summary.*.cell.**": "a place in the sweep",
    "experiments.*.summary.*.runs": "its repeats",
    "experiments.*.summary.*.values.**": "each column: {mean, interval} of numbers, else the word",
}
OF_PLAN = {
    **OF_EXPERIMENTS,
    "plan.*.experiment": "the experiment of a cell",
    "plan.*.id": "the cell's hash",
    "plan.*.known": "whether an earlier run has finished it: yes or no",
    "plan.*.command_line": "what a user would type for it",
}
OF_PATHS = {
    "paths.*.experiment": "an experiment",
    "paths.*.path": "what its expectations may look at",
    "paths.*.meaning": "what it is",
}
OF_REPLAY = {
    "id": "the cell",
    "file": "its record",
    "command_line": "what it ran",
    "same": "whether everything came out again",
    "differences.*.**": "path, recorded, now",
}


def results(words: Words) -> dict[str, str]:
    """Return what the result of such a call holds."""
    if words.replay is not None:
        return OF_REPLAY
    if words.paths:
        return OF_PATHS
    return OF_PLAN if words.dry_run else OF_EXPERIMENTS
