"""`dlmath train-gate GATE --activation step --weights FILE --epochs 0`: step units, run and not trained."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from dlmath.errors import InvalidValueError
from dlmath.frame.checks import given, refuse
from dlmath.frame.outcome import Outcome
from dlmath.gates.answers import MOST_ROWS, shared_result
from dlmath.gates.engine.criteria import parse_until
from dlmath.gates.engine.step_network import respond
from dlmath.gates.request import STEP, arrays, layer_sizes, read_start, split, until_word
from dlmath.gates.step_response import Response
from dlmath.neural.uncertainty import wilson_interval

if TYPE_CHECKING:
    from dlmath.frame.output import Output
    from dlmath.gates.engine.gates import Gate
    from dlmath.gates.files.weights import Weights
    from dlmath.gates.words import Words

UNUSED = (
    *("loss", "optimizer", "like", "learning_rate", "momentum", "dtype", "batch", "init", "bias_init", "dead_band"),
    *("fixed_biases", "check_gradients", "save", "animate", "per_seed", "at_epoch"),
)
"""Options of training, which does not take place."""


def check_step(gate: Gate, words: Words, output: Output) -> None:
    """Refuse to train step units, and what only training has use for."""
    if words.weights is None or words.epochs != 0:
        missing = "give --weights and --epochs 0 to run it with given weights"
        raise InvalidValueError(
            "a network of step units has slope 0 everywhere, so backpropagation cannot train it",
            f"{missing}, use --rule perceptron, or sigmoid for a smooth step",
        )
    unused = {words.typed(field): getattr(words, field) for field in UNUSED}
    refuse(unused, "with step units, which are run and not trained")
    refuse({"--jobs": None if words.jobs == 1 else words.jobs, "--plot": output.plot}, "with step units")
    respond_to(gate, words)


def run_step(gate: Gate, words: Words, output: Output) -> Outcome:
    """Run every row through the network."""
    from dlmath.gates.report import step_network as report

    response = respond_to(gate, words)
    return Outcome(
        command="train-gate",
        settings={**words.as_dict(), **resolved(response, words), **output.settings()},
        result=result(response),
        table=report.main_table(response.gate, response.outputs, response.criterion),
        blocks=partial(report.blocks, response),
        explanation=partial(report.explanation, response) if output.explain else None,
        answer=response.learned,
    )


def respond_to(gate: Gate, words: Words) -> Response:
    """Return what the network of the weights file says."""
    start = read_start(words)
    assert start is not None  # checked before
    sizes = layer_sizes(gate, words, start)
    names = step_activations(words, start, len(sizes) - 2)
    fires = given(words.fires, ">")
    layers = respond(gate.inputs, start.weights, start.biases, names, fires=fires, coding=words.targets)
    criterion = parse_until(until_word(words))
    _, targets = arrays(gate)
    criterion.check_suits(targets)
    import numpy as np

    outputs = np.array([[float(answer) for answer in row] for row in layers[-1].answers])
    return Response(gate, start, names, layers, criterion, bool(criterion.met(outputs, targets)), fires)


def step_activations(words: Words, start: Weights, hidden: int) -> tuple[str, ...]:
    """Return one activation a layer; the output's is step too unless it is named."""
    named = split(words.activation) or start.activations[:-1] or (STEP,)
    if len(named) not in {1, hidden} and hidden:
        what = f"--activation {words.activation} names {len(named)} activations for {hidden} hidden layers"
        raise InvalidValueError(what, f"give one, or {hidden}")
    output = split(words.output_activation) or start.activations[-1:] or (STEP,)
    return ((named * hidden)[:hidden] if len(named) == 1 else named[:hidden]) + output[:1]


def resolved(response: Response, words: Words) -> dict[str, object]:
    """Return the options as they were taken."""
    hidden = response.weights.sizes[1:-1]
    names = response.activations[:-1]
    return {
        "hidden": ",".join(map(str, hidden)) or "none",
        "activation": (names[0] if len(set(names)) == 1 else ",".join(names)) if hidden else None,
        "output_activation": response.activations[-1],
        "fires": response.fires,
        "until": response.criterion.spec,
        "tolerance": response.criterion.value if response.criterion.name == "tolerance" else None,
        "epochs": words.epochs,
    }


def result(response: Response) -> dict[str, object]:
    """Return the result as its keys are documented in `words.RESULTS`."""
    from dlmath.gates.engine.step_network import mean_squared_error

    gate, learned = response.gate, response.learned
    loss = mean_squared_error(response.outputs, gate.targets)
    return {
        "gate": gate.name,
        "inputs": gate.inputs,
        "targets": gate.targets,
        "rule": "backprop",
        "architecture": response.weights.sizes,
        "parameters": sum(len(m) * len(m[0]) for m in response.weights.weights)
        + sum(map(len, response.weights.biases)),
        "learned": learned,
        "seeds": 1,
        "learned_count": int(learned),
        "success_rate": float(learned),
        "success_interval": wilson_interval(int(learned), 1),
        "epochs": {"min": 0, "median": 0.0, "p90": 0.0, "max": 0} if learned else None,
        "outputs": response.outputs,
        **shared_result(gate, response.outputs),
        "hidden": [[[float(a) for a in row] for row in layer.answers[:MOST_ROWS]] for layer in response.layers[:-1]],
        "loss": {"epoch": [0], "value": [loss]},
        "weights": response.weights.weights,
        "biases": response.weights.biases,
        "failures": {} if learned else {"untrained": 1},
        "first_failed": {},
        "diagnosis": None if learned else {"class": "untrained", "cause": CAUSE, "advice": ADVICE},
        "stopped": "learned" if learned else "epochs",
        "stopped_at": 0,
        "separable": None,
        "certificate": None,
    }


CAUSE = "these weights do not give the targets, and step units are not trained"
ADVICE = "give other --weights, or train sigmoid units"
