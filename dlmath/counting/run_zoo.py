"""Whole networks for `dlmath param-count`: from the zoo, or from a model file by its ending."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlmath.counting import zoo
from dlmath.frame.checks import refuse
from dlmath.frame.outcome import Outcome
from dlmath.report.blocks import Table

if TYPE_CHECKING:
    from dlmath.counting.words import Words
    from dlmath.frame.output import Output


def check_listing(words: Words, output: Output) -> None:
    """Refuse options that a list has no use for."""
    given = {**words.given(but=("list_models",)), "--explain": output.explain, "--plot": output.plot}
    refuse(given, "with --list-models")


def list_models(_words: Words, output: Output) -> Outcome:
    """Name every network of the zoo, with what it may be given and its source."""
    entries = zoo.entries()
    rows = tuple((e.name, e.about, " ".join(f"{k}={v}" for k, v in e.settings.items()), e.source) for e in entries)
    table = Table(("model", "about", "settings", "source"), rows, title="The zoo")
    return Outcome(
        command="param-count",
        settings={"list_models": True, **output.settings()},
        result={"models": [entry._asdict() for entry in entries]},
        table=table,
        blocks=lambda: (table,),
    )
