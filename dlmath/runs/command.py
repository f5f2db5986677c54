"""`dlmath run`: experiments, or one cell of them again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlmath.frame.command import Command
from dlmath.runs.words import Words, results

if TYPE_CHECKING:
    from dlmath.frame.outcome import Outcome
    from dlmath.frame.output import Output


def check(words: Words, _output: Output) -> None:
    """Refuse, before any work, options that do not go together."""
    if words.replay is not None:
        from dlmath.runs.replay import check_replay

        check_replay(words)
    else:
        from dlmath.runs.run_experiments import check_run

        check_run(words)


def run(words: Words, output: Output) -> Outcome:
    """Replay one cell, print the plan, or run it."""
    if words.replay is not None:
        from dlmath.runs.replay import replay

        return replay(words, output)
    from dlmath.runs.run_experiments import run_experiments

    return run_experiments(words, output)


COMMAND = Command(
    name="run",
    words=Words,
    about="""Run experiment files: what to run, over what to sweep, and what must come out.

    Exit status 0 when every expectation holds, 1 when one does not, 2 when a cell could not be carried out. Finished
    cells are kept: a run that was interrupted goes on where it was.""",
    examples=(
        ("run experiments/", "every claim, measured"),
        ("run experiments/06-optimizers.yaml --jobs 2", "one, on two cores"),
        ("run experiments/06-optimizers.yaml --set epochs=100 --dry-run", "the plan of a change"),
    ),
    check=check,
    run=run,
    results=results,
)
