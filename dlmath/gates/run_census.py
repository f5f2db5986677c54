"""`dlmath train-gate --separable N`: which of all functions of N inputs a single unit can compute."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from dlmath.errors import InvalidValueError
from dlmath.frame.checks import refuse
from dlmath.frame.outcome import Outcome
from dlmath.report.blocks import Facts, Lines, Table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dlmath.frame.output import Output
    from dlmath.gates.engine.census import Census
    from dlmath.gates.words import Words
    from dlmath.report.blocks import Block, Cell


def run_census(words: Words, output: Output) -> Outcome:
    """Run the perceptron rule on every function of N inputs; each ends learned or in a proven cycle."""
    from dlmath.gates.engine.census import census

    assert words.separable is not None
    counted = census(words.separable)
    table = main_table(counted)
    return Outcome(
        command="train-gate",
        settings={"separable": words.separable, **output.settings()},
        result={**asdict(counted), "rule": "perceptron", "not_separable": counted.functions - counted.separable},
        table=table,
        blocks=lambda: blocks(counted, table),
        explanation=explanation if output.explain else None,
    )


def check_census(words: Words, output: Output) -> None:
    """Refuse what a count over all gates has no use for."""
    if words.gate is not None:
        what = f"--separable counts over all gates, {words.gate!r} is one"
        raise InvalidValueError(what, "name a GATE or use --separable")
    unused = words.given(but=("separable", "rule"))
    refuse({**unused, "--plot": output.plot}, "with --separable")


def main_table(counted: Census) -> Table:
    """Return how many functions met each fate."""
    cycles = (("cycle", period, count) for period, count in counted.periods.items())
    rows: tuple[tuple[Cell, ...], ...] = (("learned", None, counted.separable), *cycles)
    title = f"All {counted.functions:,} functions of {counted.inputs} inputs"
    return Table(("fate", "period", "functions"), rows, title=title)


def blocks(counted: Census, table: Table) -> Iterator[Block]:
    """Yield the table and its sums."""
    yield table
    yield Facts(
        (
            ("functions", counted.functions),
            ("linearly separable", counted.separable),
            ("not separable", counted.functions - counted.separable),
            ("most epochs to learn one", counted.max_epochs),
            ("most updates to learn one", counted.max_updates),
        )
    )


def explanation() -> Iterator[Block]:
    """Yield why each fate is a proof."""
    yield Lines(
        (
            "Each function is a truth table; a unit starts from zero weights and takes the rows in order.",
            "learned: an epoch without an error; its weights separate the rows (Rosenblatt 1958).",
            "cycle:   the weights at the end of an epoch have been there before, so the rule runs in a circle for",
            "         ever; on separable rows it would have stopped (Novikoff 1962), so no weights can do it.",
            "The counts of separable functions are OEIS A000609: 4, 14, 104, 1882.",
        ),
        title="How the functions are told apart",
    )
