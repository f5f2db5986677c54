"""`dlmath train-gate` stub."""

from __future__ import annotations
from typing import Annotated
import typer
from dlmath.cli.app import app
from dlmath.cli.frame import *
from dlmath.report.blocks import Table


@subcommand(app, "train-gate")
def train_gate(
    gate: Annotated[str, typer.Argument(metavar="GATE", help="The gate")],
    *,
    hidden: Annotated[str, typer.Option(help="widths")] = "4",
    output: Output,
) -> Outcome:
    """Train."""
    t = Table(("a", "b"), ((1, 2.5), ("x", 924844032)), title="T")
    return Outcome("train-gate", {}, {"a": 1, "b": [1, 2]}, t, lambda: [t])


@subcommand(app, "other")
def other(gate: Annotated[str, typer.Argument(metavar="GATE", help="The gate")], *, output: Output) -> Outcome:
    """Train2."""
