"""`dlmath train-gate GATE`: networks of any depth by backpropagation, one or many seeds."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from dlmath.errors import InvalidValueError
from dlmath.frame.checks import given, refuse, widths
from dlmath.frame.outcome import Outcome
from dlmath.gates.engine.training import TrainingSettings, train
from dlmath.neural.architecture import Architecture
from dlmath.neural.losses import get_loss
from dlmath.neural.uncertainty import summarise_epochs, wilson_interval
from dlmath.report.progress import progress

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dlmath.frame.output import Output
    from dlmath.gates.engine.gates import Gate
    from dlmath.gates.engine.gradients import GradientCheck
    from dlmath.gates.engine.training import TrainingResult
    from dlmath.gates.files.weights import Weights
    from dlmath.gates.words import Words

DEFAULT_EPOCHS = 5_000
MOMENTUM_OPTIMIZERS = ("momentum", "nesterov")


class Trained(NamedTuple):
    """Everything a network's report is made of."""

    gate: Gate
    request: TrainingSettings
    result: TrainingResult
    check: GradientCheck | None


def check_network(gate: Gate, words: Words) -> None:
    """Refuse what cannot be trained, before any work."""
    from dlmath.neural.initialisers import parse_initialiser

    request = resolve(gate, words)
    for init in (request.init, request.bias_init):
        parse_initialiser(init)


def run_network(gate: Gate, words: Words, output: Output) -> Outcome:
    """Train one network or many, and gather what was found."""
    request = resolve(gate, words)
    check = gradient_check(gate, request) if words.check_gradients else None
    with progress(output.streams, f"training {words.seeds} networks", words.seeds) as advance:
        report = None if advance is None else lambda done, _all: advance(done)
        result = train(np.array(gate.inputs), np.array(gate.targets), request, progress=report, jobs=words.jobs)
    if words.save is not None:
        from dlmath.gates.files.weights import save_weights

        save_weights(words.save, result.shown.weights, result.shown.biases)
    settings = {**words.as_dict(), **resolved_options(request), **output.settings()}
    return outcome(Trained(gate, request, result, check), settings, output)


def resolve(gate: Gate, words: Words) -> TrainingSettings:
    """Turn the words into a request to the engine, every default resolved."""
    start = read_start(words)
    optimizer = given(words.optimizer, "sgd")
    if optimizer not in MOMENTUM_OPTIMIZERS:
        refuse({"--momentum": words.momentum}, f"with --optimizer {optimizer}")
    architecture = resolve_architecture(gate, words, start)
    request = TrainingSettings(
        architecture=architecture,
        loss=given(words.loss, "mse"),
        optimizer=optimizer,
        learning_rate=words.learning_rate,
        momentum=given(words.momentum, 0.9),
        epochs=given(words.epochs, DEFAULT_EPOCHS),
        tolerance=given(words.tolerance, 0.1),
        init=given(words.init, "glorot").lower(),
        bias_init=given(words.bias_init, "zeros").lower(),
        dtype=given(words.dtype, "float64"),
        batch=given(words.batch, "full"),
        seed=words.seed,
        seeds=words.seeds,
        parameters=None if start is None else parameters_of(architecture, start),
        fixed_biases=words.fixed_biases,
    )
    return replace(request, learning_rate=request.rate_for(len(gate.inputs)))


def read_start(words: Words) -> Weights | None:
    """Return the weights to start from, if a file was named."""
    if words.weights is None:
        return None
    from dlmath.gates.files.weights import read_weights

    return read_weights(words.weights)


def resolve_architecture(gate: Gate, words: Words, start: Weights | None) -> Architecture:
    """Return the network asked for; a weights file says its own hidden widths."""
    hidden = (4,) if start is None else start.sizes[1:-1]
    if words.hidden is not None:
        hidden = widths("--hidden", words.hidden)
    sizes = (gate.n_inputs, *hidden, gate.n_outputs)
    if start is not None and start.sizes != sizes:
        raise InvalidValueError(
            f"--weights {words.weights} holds a network of sizes {list(start.sizes)}",
            f"{gate.name} with these hidden widths needs {list(sizes)}",
        )
    if not hidden:
        refuse({"--activation": words.activation}, "without hidden units (--output-activation is the output's)")
    return Architecture.uniform(
        sizes,
        activation_name("--activation", words.activation),
        activation_name("--output-activation", words.output_activation),
        words.bias,
    )


def activation_name(option: str, word: str | None) -> str:
    """Return the name of an activation that has a slope to follow."""
    name = given(word, "sigmoid")
    if name == "step":
        raise InvalidValueError(
            f"{option} step has slope 0 everywhere, so backpropagation cannot train it",
            "use --rule perceptron, or sigmoid for a smooth step",
        )
    return name


def parameters_of(architecture: Architecture, start: Weights) -> NDArray[np.float64]:
    """Return the file's weights as the engine's flat array; one bias alone serves every unit of its layer."""
    biases = [
        bias_vector(index, vector, layer.bias_count, architecture.bias)
        for index, (layer, vector) in enumerate(zip(architecture.layers, start.biases, strict=True), start=1)
    ]
    return architecture.flatten(tuple(np.array(matrix) for matrix in start.weights), tuple(biases))


def bias_vector(layer: int, vector: tuple[float, ...], count: int, kind: str) -> NDArray[np.float64]:
    """Return a layer's biases in the number its kind of bias has."""
    if count and len(vector) > count and len(set(vector)) > 1:
        raise InvalidValueError(
            f"--bias {kind} has {count} bias in layer {layer}, the weights file {len(vector)} different ones",
            "use --bias neuron",
        )
    if not count and any(vector):
        raise InvalidValueError(f"--bias none, but the weights file has biases in layer {layer}", "use --bias neuron")
    return np.resize(np.array(vector or (0.0,)), count)


def gradient_check(gate: Gate, request: TrainingSettings) -> GradientCheck:
    """Compare every analytic gradient of the shown network with a central difference."""
    from dlmath.gates.engine.gradients import check_gradients
    from dlmath.gates.engine.training import initial_parameters

    data = np.array(gate.inputs), np.array(gate.targets)
    return check_gradients(request.architecture, get_loss(request.loss), *data, initial_parameters(request))


def resolved_options(request: TrainingSettings) -> dict[str, object]:
    """Return the options as the engine was given them."""
    hidden = request.architecture.sizes[1:-1]
    from_file = request.parameters is not None
    return {
        "hidden": ",".join(map(str, hidden)) or "none",
        "activation": request.architecture.activations[0] if hidden else None,
        "output_activation": request.architecture.activations[-1],
        "loss": request.loss,
        "optimizer": request.optimizer,
        "learning_rate": request.learning_rate,
        "momentum": request.momentum if request.optimizer in MOMENTUM_OPTIMIZERS else None,
        "epochs": request.epochs,
        "tolerance": request.tolerance,
        "init": None if from_file else request.init,
        "bias_init": None if from_file else request.bias_init,
        "dtype": request.dtype,
        "batch": request.batch,
    }


def outcome(trained: Trained, chosen: dict[str, object], output: Output) -> Outcome:
    """Gather the result, the table, the explanation and the picture."""
    from dlmath.gates.report import network as report

    found = trained.result
    return Outcome(
        command="train-gate",
        settings=chosen,
        result=result(trained),
        table=report.main_table(trained.gate, found),
        blocks=partial(report.blocks, trained.gate, found, trained.check, output.streams.columns),
        explanation=partial(report.explanation, trained.gate, trained.request) if output.explain else None,
        picture=partial(report.picture, trained.gate, found),
        answer=found.learned_count == trained.request.seeds,
    )


def result(trained: Trained) -> dict[str, object]:
    """Return the result as INTERFACE.md names it."""
    request, found = trained.request, trained.result
    shown = found.shown
    made: dict[str, object] = {
        "gate": trained.gate.name,
        "inputs": trained.gate.inputs,
        "targets": trained.gate.targets,
        "rule": "backprop",
        "architecture": request.architecture.sizes,
        "parameters": request.architecture.parameter_count,
        "learned": found.learned_count == request.seeds,
        "seeds": request.seeds,
        "learned_count": found.learned_count,
        "success_rate": found.learned_count / request.seeds,
        "success_interval": wilson_interval(found.learned_count, request.seeds),
        "epochs": summary(found),
        "outputs": shown.outputs,
        "loss": {"epoch": shown.curve.epochs, "value": shown.curve.values},
        "weights": shown.weights,
        "biases": shown.biases,
        "failures": found.failure_counts,
        "stopped": shown.stopped,
        "stopped_at": shown.stopped_at,
    }
    if trained.check is not None:
        made["gradient_error"] = trained.check.largest
    return made


def summary(found: TrainingResult) -> dict[str, Any] | None:
    """Return how long the networks that learned took."""
    summarised = summarise_epochs(found.epochs[found.learned])
    return None if summarised is None else summarised._asdict()
