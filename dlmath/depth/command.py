"""`dlmath vanishing`: which of its three questions is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlmath.depth.words import Words, results
from dlmath.errors import InvalidValueError
from dlmath.frame.command import Command

if TYPE_CHECKING:
    from dlmath.frame.outcome import Outcome
    from dlmath.frame.output import Output


def check(words: Words, output: Output) -> None:
    """Refuse, before any work, what the wanted run would refuse."""
    if words.critical and words.phase_diagram:
        raise InvalidValueError("--critical and --phase-diagram are two questions", "ask one of them")
    if words.critical:
        from dlmath.depth.run_phases import check_critical

        check_critical(words, output)
    elif words.phase_diagram:
        from dlmath.depth.run_phases import check_diagram

        check_diagram(words, output)
    else:
        from dlmath.depth.run_networks import check_measurement

        check_measurement(words, output)


def run(words: Words, output: Output) -> Outcome:
    """Solve for the critical line, draw the phase diagram, or measure networks."""
    if words.critical:
        from dlmath.depth.run_phases import critical_line

        return critical_line(words, output)
    if words.phase_diagram:
        from dlmath.depth.run_phases import phase_diagram

        return phase_diagram(words, output)
    from dlmath.depth.run_networks import measured

    return measured(words, output)


COMMAND = Command(
    name="vanishing",
    words=Words,
    about="""Measure how activations and gradients travel through depth, beside the theory that predicts it.

    The factor of the gradient's norm per layer going backward: below 1 it vanishes, above 1 it explodes.""",
    examples=(
        ("vanishing --activation sigmoid --depth 50", "how fast it fades"),
        ("vanishing --activation relu --init glorot --init he", "two starts compared"),
        ("vanishing --activation tanh --phase-diagram --plot phases.png", "order and chaos"),
    ),
    check=check,
    run=run,
    results=results,
)
