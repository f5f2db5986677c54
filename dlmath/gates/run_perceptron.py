"""`dlmath train-gate GATE --rule perceptron`: Rosenblatt's rule on a step unit, exact, with the proof of its end."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from dlmath.errors import InvalidValueError
from dlmath.files.atomic import STANDARD
from dlmath.frame.checks import at_least, given, refuse
from dlmath.frame.outcome import Outcome
from dlmath.frame.words import one_of
from dlmath.gates.engine import perceptron, separability
from dlmath.gates.perceptron_result import TrainedPerceptron, learned_weights, result

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dlmath.frame.output import Output
    from dlmath.gates.engine.gates import Gate
    from dlmath.gates.words import Words

DEFAULT_EPOCHS = 10_000


def run_perceptron(gate: Gate, words: Words, output: Output) -> Outcome:
    """Train one unit from one start or from many."""
    resolved = resolve(words)
    trained = train(gate, words, resolved)
    if words.save is not None:
        save(words.save, trained)
    return outcome(trained, words, {**words.as_dict(), **resolved, **output.settings()}, output)


def check_perceptron(gate: Gate, words: Words, output: Output) -> None:
    """Refuse what a step unit has no use for."""
    if gate.n_outputs != 1:
        raise InvalidValueError(f"{gate.name} has {gate.n_outputs} outputs, a perceptron one", "use --rule backprop")
    coding_of(gate)
    for option, word in (("--activation", words.activation), ("--output-activation", words.output_activation)):
        if word is not None:
            one_of(f"{option} with --rule perceptron", word, ("step",))
    unused = {
        "--hidden": None if words.hidden == "none" else words.hidden,
        "--loss": words.loss,
        "--optimizer": words.optimizer,
        "--like": words.like,
        "--momentum": words.momentum,
        "--tolerance": words.tolerance,
        "--until": words.until,
        "--dtype": words.dtype,
        "--check-gradients": words.check_gradients,
        "--jobs": None if words.jobs == 1 else words.jobs,
        "--animate": words.animate,
    }
    refuse(unused, "with --rule perceptron")
    if words.dead_band is not None:
        refuse({"--fires": words.fires}, "beside --dead-band, in which a sum of 0 is undecided")
    if words.fixed_biases and words.bias == "none":
        raise InvalidValueError("--fixed-biases has no meaning with --bias none", "leave one of them away")
    if not output.explain:
        refuse({"--at-epoch": words.at_epoch}, "without --explain, whose epoch it chooses")
    resolved = resolve(words)
    next(starts(gate, words, resolved))


def coding_of(gate: Gate) -> tuple[float, float]:
    """Return how a step unit codes its answers to this table's targets: 0 and 1, or -1 and 1."""
    values = {target for row in gate.targets for target in row}
    if values <= {0, 1}:
        return 0, 1
    if values <= {-1, 1}:
        return -1, 1
    strange = min(values - {0, 1})
    raise InvalidValueError(
        f"{gate.name} has a target {strange:g}, and a step unit answers 0 or 1 (or -1 or 1)", "use --rule backprop"
    )


def resolve(words: Words) -> dict[str, object]:
    """Return the options of this rule with their defaults."""
    return {
        "hidden": "none",
        "activation": "step",
        "output_activation": "step",
        "learning_rate": given(words.learning_rate, 1.0),
        "epochs": at_least("--epochs", given(words.epochs, DEFAULT_EPOCHS), 1),
        "batch": given(words.batch, "online"),
        "fires": None if words.dead_band is not None else given(words.fires, ">"),
        "init": None if words.weights else given(words.init, "zeros"),
        "bias_init": None if words.weights else given(words.bias_init, "zeros"),
    }


def train(gate: Gate, words: Words, resolved: dict[str, object]) -> TrainedPerceptron:
    """Run the rule from every start."""
    has_bias = words.bias != "none"
    low, high = coding_of(gate)
    bits = [int(row[0] == high) for row in gate.targets]
    fires = given(words.fires, ">")
    units = [
        perceptron.perceptron(
            gate.inputs,
            bits,
            bias=has_bias,
            batch=str(resolved["batch"]),
            learning_rate=given(words.learning_rate, 1.0),
            weights=weights,
            starting_bias=bias,
            fires=fires,
            dead_band=words.dead_band,
            fixed_bias=words.fixed_biases,
        )
        for weights, bias in starts(gate, words, resolved)
    ]
    runs = tuple(perceptron.train(unit, epochs=given(words.epochs, DEFAULT_EPOCHS)) for unit in units)
    zero_rows = () if has_bias else tuple(i for i, row in enumerate(gate.inputs) if not any(row))
    proof = separability.separate_by(gate.inputs, bits, bias=has_bias, fires=fires, strict=words.dead_band is not None)
    return TrainedPerceptron(
        gate, units[0], runs[0], runs, proof, has_bias, (low, high), fires, words.dead_band, words.fixed_biases,
        zero_rows, words.seed,
    )  # fmt: skip


def starts(gate: Gate, words: Words, resolved: dict[str, object]) -> Iterator[tuple[list[float], float]]:
    """Yield the starting weights and bias of every seed."""
    if words.weights is not None:
        yield from_file(words.weights, gate)
    elif resolved["init"] == resolved["bias_init"] == "zeros":
        yield from [([0.0] * gate.n_inputs, 0.0)] * words.seeds
    else:
        yield from drawn(gate, words, resolved)


def from_file(name: str, gate: Gate) -> tuple[list[float], float]:
    """Return the start that a weights file holds."""
    from dlmath.gates.files.weights import read_weights

    stored = read_weights(name)
    if stored.sizes != (gate.n_inputs, 1):
        raise InvalidValueError(
            f"--weights {name} holds a network of sizes {list(stored.sizes)}", f"this unit needs {[gate.n_inputs, 1]}"
        )
    return [row[0] for row in stored.weights[0]], next(iter(stored.biases[0]), 0.0)


def drawn(gate: Gate, words: Words, resolved: dict[str, object]) -> Iterator[tuple[list[float], float]]:
    """Yield starts drawn as a network's are: seed k is the same alone and among others."""
    from dlmath.neural.architecture import Architecture
    from dlmath.neural.initialisers import draw_parameters, parse_initialiser

    init, bias_init = (parse_initialiser(str(resolved[name])) for name in ("init", "bias_init"))
    unit = Architecture((gate.n_inputs, 1), ("linear",))  # a draw does not depend on the activation
    parameters = draw_parameters(unit, init, bias_init, words.seed, words.seeds)
    for column in parameters.T.tolist():
        yield column[:-1], column[-1]


def save(name: str, trained: TrainedPerceptron) -> None:
    """Write the shown run's weights."""
    from dlmath.gates.files.weights import Weights, save_weights

    weights, biases = learned_weights(trained)
    save_weights(name, Weights(tuple(tuple(map(tuple, matrix)) for matrix in weights), tuple(map(tuple, biases))))


def outcome(trained: TrainedPerceptron, words: Words, chosen: dict[str, object], output: Output) -> Outcome:
    """Gather the result, the table and the explanation."""
    from dlmath.gates.report import perceptron as report

    return Outcome(
        command="train-gate",
        settings=chosen,
        result=result(trained, per_seed=words.per_seed),
        table=report.seeds_table(trained) if words.per_seed else report.main_table(trained),
        blocks=partial(report.blocks, trained, per_seed=words.per_seed),
        explanation=partial(report.explanation, trained, words.at_epoch) if output.explain else None,
        picture=partial(report.picture, trained),
        answer=all(run.learned for run in trained.runs),
        printed=words.save != STANDARD,  # else the weights themselves went there
    )
