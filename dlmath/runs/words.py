"""`dlmath run`: its options, each once."""

from dlmath.frame.words import AT_LEAST_1, argument, option
from dlmath.frame.words import Words as Record

RUNNING, RESULTS_PANEL = "running", "results"


class Words(Record):
    """The words of one call; None and False stand for "not given"."""

    files: list[str] | None = argument("FILE|FOLDER", "Experiment files, or folders of them (.yaml).", reads=True)
    jobs: int = option(
        "Processes to share the work.", default=1, within=AT_LEAST_1, panel=RUNNING, variable="DLMATH_JOBS"
    )
    results: str | None = option(
        "Where results are kept, and found again; none: nowhere.", metavar="FOLDER", usual="results",
        panel=RESULTS_PANEL,
    )  # fmt: skip
    set: list[str] | None = option(
        "Instead of what the files say: epochs=100; a list is swept: hidden=[2,4].", metavar="KEY=VALUE",
        panel=RUNNING,
    )  # fmt: skip
    force: bool = option("Run every cell again, known or not.", panel=RUNNING)
    fail_fast: bool = option("Stop at the first cell that fails or expectation that does not hold.", panel=RUNNING)
    dry_run: bool = option("Print the plan, and run nothing.", panel=RUNNING)
    replay: str | None = option(
        "Repeat one cell from its record (results/NAME.jsonl:ID) and compare.", metavar="RESULTS:ID", reads=True,
        panel="other questions",
    )  # fmt: skip
    scheduler: str | None = option("Send cells to a Dask cluster: tcp://host:8786.", metavar="ADDRESS", panel=RUNNING)
    parquet: bool = option("Write results as Parquet too.", panel=RESULTS_PANEL)
    claims: str | None = option(
        "Write the table of claims into a Markdown file, between <!-- claims --> and <!-- /claims -->.",
        metavar="FILE",
        writes=True,
        panel=RESULTS_PANEL,
    )


OF_EXPERIMENTS = {
    "experiments.*.name": "the experiment's name",
    "experiments.*.cells": "its cells",
    "experiments.*.cached": "of them, known from earlier runs",
    "experiments.*.holds": "whether every expectation holds; null when it was not finished",
    "experiments.*.expectations.*.**": "text, holds, value of each",
    "experiments.*.**": "title, source, axes and what failed",
    "plan.*.**": "with --dry-run: experiment, id, known, command_line of every cell",
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
    return OF_REPLAY if words.replay is not None else OF_EXPERIMENTS
