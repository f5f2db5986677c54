"""`dlmath train-gate GATE --rule perceptron`: Rosenblatt's rule on a step unit, exact, with the proof of its end."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from dlmath.errors import InvalidValueError
from dlmath.frame.checks import at_least, given, one_of, refuse
from dlmath.frame.outcome import Outcome
from dlmath.gates.engine import perceptron, separability
from dlmath.neural.uncertainty import summarise_epochs, wilson_interval

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dlmath.frame.output import Output
    from dlmath.gates.engine.gates import Gate
    from dlmath.gates.engine.perceptron import Perceptron, Run
    from dlmath.gates.engine.separability import Separability
    from dlmath.gates.words import Words

DEFAULT_EPOCHS = 10_000
CURVE_POINTS = 500


class Trained(NamedTuple):
    """Everything a perceptron's report is made of; `unit` and `run` are the shown (first) seed's."""

    gate: Gate
    unit: Perceptron
    run: Run
    runs: tuple[Run, ...]
    proof: Separability
    bias: bool


def run_perceptron(gate: Gate, words: Words, output: Output) -> Outcome:
    """Train one unit from one start or from many."""
    resolved = resolve(words)
    trained = train(gate, words, resolved)
    if words.save is not None:
        save(words.save, trained)
    return outcome(trained, {**words.as_dict(), **resolved, **output.settings()}, output)


def check_perceptron(gate: Gate, words: Words) -> None:
    """Refuse what a step unit has no use for."""
    if gate.n_outputs != 1:
        raise InvalidValueError(f"{gate.name} has {gate.n_outputs} outputs, a perceptron one", "use --rule backprop")
    for option, word in (("--activation", words.activation), ("--output-activation", words.output_activation)):
        if word is not None:
            one_of(f"{option} with --rule perceptron", word, ("step",))
    unused = {
        "--hidden": None if words.hidden == "none" else words.hidden,
        "--loss": words.loss,
        "--optimizer": words.optimizer,
        "--momentum": words.momentum,
        "--tolerance": words.tolerance,
        "--dtype": words.dtype,
        "--fixed-biases": words.fixed_biases,
        "--check-gradients": words.check_gradients,
        "--jobs": None if words.jobs == 1 else words.jobs,
    }
    refuse(unused, "with --rule perceptron")
    resolve(words)


def resolve(words: Words) -> dict[str, object]:
    """Return the options of this rule with their defaults."""
    return {
        "hidden": "none",
        "activation": "step",
        "output_activation": "step",
        "learning_rate": given(words.learning_rate, 1.0),
        "epochs": at_least("--epochs", given(words.epochs, DEFAULT_EPOCHS), 1),
        "batch": given(words.batch, "online"),
        "init": None if words.weights else given(words.init, "zeros"),
        "bias_init": None if words.weights else given(words.bias_init, "zeros"),
    }


def train(gate: Gate, words: Words, resolved: dict[str, object]) -> Trained:
    """Run the rule from every start."""
    has_bias = words.bias != "none"
    targets = [row[0] for row in gate.targets]
    units = [
        perceptron.perceptron(
            gate.inputs,
            targets,
            bias=has_bias,
            batch=str(resolved["batch"]),
            learning_rate=given(words.learning_rate, 1.0),
            weights=weights,
            starting_bias=bias,
        )
        for weights, bias in starts(gate, words, resolved)
    ]
    runs = tuple(perceptron.train(unit, epochs=given(words.epochs, DEFAULT_EPOCHS)) for unit in units)
    return Trained(gate, units[0], runs[0], runs, separability.separate(gate.inputs, targets, bias=has_bias), has_bias)


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


def save(name: str, trained: Trained) -> None:
    """Write the shown run's weights."""
    from dlmath.gates.files.weights import save_weights

    weights, biases = learned_weights(trained)
    save_weights(name, weights, biases)


def learned_weights(trained: Trained) -> tuple[list[list[list[float]]], list[list[float]]]:
    """Return the shown run's weights and biases in the shape of every result: one matrix a layer."""
    bias = trained.run.bias
    return [[[float(w)] for w in trained.run.weights]], [[] if bias is None else [float(bias)]]


def outcome(trained: Trained, chosen: dict[str, object], output: Output) -> Outcome:
    """Gather the result, the table and the explanation."""
    from dlmath.gates.report import perceptron as report

    return Outcome(
        command="train-gate",
        settings=chosen,
        result=result(trained),
        table=report.main_table(trained.gate, trained.run),
        blocks=partial(report.blocks, trained.gate, trained.run, trained.runs, trained.proof),
        explanation=partial(report.explanation, trained.gate, trained.unit, trained.run) if output.explain else None,
        picture=partial(report.picture, trained.gate, trained.unit, trained.run),
        answer=all(run.learned for run in trained.runs),
    )


def result(trained: Trained) -> dict[str, object]:
    """Return the result as INTERFACE.md names it."""
    run, proof = trained.run, trained.proof
    weights, biases = learned_weights(trained)
    learned = [one.epochs for one in trained.runs if one.learned]
    epochs = summarise_epochs(learned)
    return {
        "gate": trained.gate.name,
        "inputs": trained.gate.inputs,
        "targets": trained.gate.targets,
        "rule": "perceptron",
        "architecture": [trained.gate.n_inputs, 1],
        "parameters": trained.gate.n_inputs + trained.bias,
        "learned": all(one.learned for one in trained.runs),
        "seeds": len(trained.runs),
        "learned_count": len(learned),
        "success_rate": len(learned) / len(trained.runs),
        "success_interval": wilson_interval(len(learned), len(trained.runs)),
        "epochs": None if epochs is None else epochs._asdict(),
        "outputs": [[value] for value in run.outputs],
        "loss": curve(run),
        "weights": weights,
        "biases": biases,
        "failures": failures(trained.runs),
        "stopped": "learned" if run.learned else run.stopped,
        "updates": run.updates,
        "separable": proof.separable,
        "certificate": certificate(trained),
        "margin": proof.margin if proof.gamma_squared else None,
        "updates_bound": proof.bound,
        "line": line(trained),
        "cycle": None if run.cycle is None else run.cycle._asdict(),
    }


def curve(run: Run) -> dict[str, list[int]]:
    """Return the wrong rows of each epoch, thinned to at most 500 points."""
    errors = run.history.errors
    step = -(-len(errors) // CURVE_POINTS)
    return {"epoch": list(range(1, len(errors) + 1, step)), "value": list(errors[::step])}


def failures(runs: tuple[Run, ...]) -> dict[str, int]:
    """Count how the runs that did not learn ended."""
    ends = [run.stopped for run in runs if not run.learned]
    return {end: ends.count(end) for end in sorted(set(ends))}


def certificate(trained: Trained) -> tuple[int, ...] | None:
    """Return the proof that no unit can do it: from the cycle itself, or from the nearest-point search."""
    if trained.proof.separable:
        return None
    return trained.run.certificate or trained.proof.certificate


def line(trained: Trained) -> dict[str, object] | None:
    """Return the widest separating line and the distance of the nearest row from it."""
    proof = trained.proof
    if proof.weights is None or not any(proof.weights):
        return None
    nearest = separability.nearest_row(trained.gate.inputs, proof.weights, proof.bias or 0)
    return {
        "weights": proof.weights,
        "bias": proof.bias,
        "distance": None if nearest is None else nearest.distance,
    }
