"""`dlmath train-gate`: which of its three runs is wanted, and what they share."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from dlmath.errors import InvalidValueError
from dlmath.files.atomic import check_writable
from dlmath.frame.checks import at_least, one_of, refuse
from dlmath.gates.engine.gates import Gate, parse_gate
from dlmath.gates.files.rows import is_data_file, read_rows

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dlmath.frame.outcome import Outcome
    from dlmath.frame.output import Output

NAME = "train-gate"


class Words(NamedTuple):
    """The options as the user gave them; None and False stand for "not given"."""

    gate: str | None = None
    rule: str = "backprop"
    hidden: str | None = None
    activation: str | None = None
    output_activation: str | None = None
    loss: str | None = None
    optimizer: str | None = None
    learning_rate: float | None = None
    momentum: float | None = None
    epochs: int | None = None
    tolerance: float | None = None
    bias: str = "neuron"
    init: str | None = None
    bias_init: str | None = None
    dtype: str | None = None
    batch: str | None = None
    inputs: str = "01"
    weights: str | None = None
    fixed_biases: bool = False
    seed: int = 0
    seeds: int = 1
    jobs: int = 1
    check_gradients: bool = False
    save: str | None = None
    separable: int | None = None


def run(words: Words, output: Output) -> Outcome:
    """Count separable functions, run a perceptron, or train networks."""
    if words.separable is not None:
        from dlmath.gates.run_census import run_census

        return run_census(words, output)
    if words.gate is None:
        raise InvalidValueError("no GATE is named", "name one, as in dlmath train-gate xor")
    rule = one_of("--rule", words.rule, ("backprop", "perceptron"))
    check_common(words)
    gate = read_gate(words)
    if rule == "perceptron":
        from dlmath.gates.run_perceptron import run_perceptron

        return run_perceptron(gate, words, output)
    from dlmath.gates.run_network import run_network

    return run_network(gate, words, output)


def read_gate(words: Words) -> Gate:
    """Return the rows that GATE means, coded as --inputs says."""
    assert words.gate is not None
    gate = read_rows(words.gate) if is_data_file(words.gate) else parse_gate(words.gate)
    return gate.recode(one_of("--inputs", words.inputs, ("01", "pm1")))


def check_common(words: Words) -> None:
    """Check what both rules take, before any work."""
    at_least("--seed", words.seed, 0)
    at_least("--seeds", words.seeds, 1)
    at_least("--jobs", words.jobs, 1)
    one_of("--bias", words.bias, ("neuron", "layer", "none"))
    if words.save is not None:
        check_writable(words.save, "--save")
    if words.weights is not None:
        refuse({"--init": words.init, "--bias-init": words.bias_init}, "beside --weights, which says where to start")
    if words.weights is not None and words.seeds > 1:
        what = f"--weights {words.weights} holds one network, --seeds {words.seeds} asks for more"
        raise InvalidValueError(what, "use --seeds 1")


def settings(words: Words, output: Output, resolved: Mapping[str, object]) -> dict[str, object]:
    """Return every option as resolved: what was given, what the run made of it, how it was printed."""
    return {**words._asdict(), **resolved, **output.settings()}
