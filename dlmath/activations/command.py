"""`dlmath activation`: activation functions seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlmath.activations.words import Words, results
from dlmath.frame.command import Command

if TYPE_CHECKING:
    from dlmath.frame.outcome import Outcome
    from dlmath.frame.output import Output


def check(words: Words, _output: Output) -> None:
    """Refuse, before any work, names, places and ranges that are none."""
    from dlmath.activations.run_curves import read

    read(words)


def run(words: Words, output: Output) -> Outcome:
    """Show the activations asked for, or list all."""
    from dlmath.activations.run_curves import show

    return show(words, output)


COMMAND = Command(
    name="activation",
    words=Words,
    about="""Show activation functions: equation, derivative, range, largest slope, values, curves.

    --weight and --bias draw phi(W x + b): what a bias shifts and a weight stretches. Without a name all are listed.""",
    examples=(
        ("activation sigmoid tanh", "two functions and their slopes side by side"),
        ("activation sigmoid --bias -4,0,4 --weight 2", "what a bias shifts and a weight stretches"),
        ("activation --get activations.*.name", "every name"),
    ),
    check=check,
    run=run,
    results=results,
)
