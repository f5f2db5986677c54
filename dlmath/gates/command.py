"""`dlmath train-gate`: which of its three runs is wanted, and what they share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlmath.errors import InvalidValueError
from dlmath.frame.checks import refuse
from dlmath.frame.command import Command
from dlmath.gates.words import Words, results

if TYPE_CHECKING:
    from dlmath.frame.outcome import Outcome
    from dlmath.frame.output import Output
    from dlmath.gates.engine.gates import Gate


def check(words: Words, output: Output) -> None:
    """Refuse, before any work, what the wanted run would refuse."""
    if words.separable is not None:
        from dlmath.gates.run_census import check_census

        check_census(words, output)
        return
    check_common(words)
    gate = read_gate(words)
    if words.rule == "perceptron":
        from dlmath.gates.run_perceptron import check_perceptron

        check_perceptron(gate, words, output)
    else:
        from dlmath.gates.run_network import check_network

        check_network(gate, words, output)


def run(words: Words, output: Output) -> Outcome:
    """Count separable functions, run a perceptron, or train networks."""
    if words.separable is not None:
        from dlmath.gates.run_census import run_census

        return run_census(words, output)
    gate = read_gate(words)
    if words.rule == "perceptron":
        from dlmath.gates.run_perceptron import run_perceptron

        return run_perceptron(gate, words, output)
    from dlmath.gates.run_network import run_network

    return run_network(gate, words, output)


def check_common(words: Words) -> None:
    """Check what both rules take."""
    from dlmath.files.atomic import check_writable

    if words.gate is None:
        raise InvalidValueError("no GATE is named", "name one, as in dlmath train-gate xor")
    if words.save is not None:
        from dlmath.gates.files.weights import check_ending

        check_ending(words.save)
        check_writable(words.save, "--save")
    if words.weights is not None:
        refuse({"--init": words.init, "--bias-init": words.bias_init}, "beside --weights, which says where to start")
    if words.weights is not None and words.seeds > 1:
        what = f"--weights {words.weights} holds one network, --seeds {words.seeds} asks for more"
        raise InvalidValueError(what, "use --seeds 1")


def read_gate(words: Words) -> Gate:
    """Return the rows that GATE means, coded as --inputs and --targets say."""
    from dlmath.gates.engine.gates import parse_gate
    from dlmath.gates.files.rows import is_data_file, read_rows

    assert words.gate is not None
    if not is_data_file(words.gate):
        refuse({"--target-columns": words.target_columns}, "without a file of rows")
        gate = parse_gate(words.gate)
    else:
        gate = read_rows(words.gate, words.target_columns)
    if words.rule == "perceptron":
        gate = gate.of_two_classes()
    return gate.recode(words.inputs).recode_targets(words.targets)


COMMAND = Command(
    name="train-gate",
    words=Words,
    about="""Train a perceptron or a small network on a logic gate, and show every number on request.

    Exit status 0 when the gate was learned, 1 when it was not: dlmath train-gate xor && echo learned""",
    examples=(
        ("train-gate xor", "a network learns XOR"),
        ("train-gate xor --rule perceptron --explain", "one unit cannot: the proof"),
        ("train-gate xor --seeds 1000 --hidden 2", "how often 2-2-1 learns, and why the others do not"),
        ("train-gate xor --seeds 20 --per-seed --format csv", "every seed in a row"),
        ("train-gate xor --check-gradients --explain --at-epoch 100", "one step number by number, checked"),
    ),
    check=check,
    run=run,
    results=results,
)
