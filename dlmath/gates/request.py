"""From the words of `train-gate` to what the engine is asked: every default resolved, every refusal before any work."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dlmath.errors import InvalidValueError, TooLargeError
from dlmath.frame.checks import given, refuse, widths
from dlmath.gates.engine.criteria import parse_until
from dlmath.gates.engine.training import TrainingSettings, make_problem
from dlmath.neural.activations import get_activation
from dlmath.neural.architecture import Architecture
from dlmath.neural.optimizers import parse_optimizer

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dlmath.gates.engine.gates import Gate
    from dlmath.gates.files.weights import Weights
    from dlmath.gates.words import Words

DEFAULT_EPOCHS = 5_000
MOST_PARAMETERS = 50_000_000
STEP = "step"


class GateRequest(NamedTuple):
    """What a network's run is made of."""

    settings: TrainingSettings
    notes: tuple[str, ...]


def arrays(gate: Gate) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return inputs (R, n) and targets (R, K)."""
    return np.array(gate.inputs, np.float64), np.array(gate.targets, np.float64)


def read_start(words: Words) -> Weights | None:
    """Return the weights to start from, if a file was named."""
    if words.weights is None:
        return None
    from dlmath.gates.files.weights import read_weights

    return read_weights(words.weights)


def has_steps(words: Words, start: Weights | None) -> bool:
    """Tell whether step units are asked for, by the words or by the weights file."""
    named = [*split(words.activation), *split(words.output_activation)]
    return STEP in named or (not named and start is not None and STEP in start.activations)


def split(word: str | None) -> tuple[str, ...]:
    """Return the names in a list of activations.

    >>> split("tanh, ReLU"), split(None)
    (('tanh', 'relu'), ())
    """
    return () if word is None else tuple(part.strip().lower() for part in word.split(","))


def resolve(gate: Gate, words: Words) -> GateRequest:
    """Turn the words into a request to the engine, every default resolved.

    Raises
    ------
    DlmathError
        For anything that the training itself would refuse.
    """
    start = read_start(words)
    architecture = resolve_architecture(gate, words, start)
    refuse({"--fires": words.fires, "--dead-band": words.dead_band}, "without step units (--rule perceptron)")
    optimizer = optimizer_word(words)
    memory, notes = resumed(start, optimizer, words, architecture)
    settings = TrainingSettings(
        architecture=architecture,
        loss=given(words.loss, "mse"),
        optimizer=optimizer,
        like=given(words.like, "torch"),
        learning_rate=words.learning_rate,
        epochs=given(words.epochs, DEFAULT_EPOCHS),
        until=until_word(words),
        init=given(words.init, "glorot").lower(),
        bias_init=given(words.bias_init, "zeros").lower(),
        dtype=given(words.dtype, "float64"),
        batch=given(words.batch, "full"),
        seed=words.seed,
        seeds=words.seeds,
        parameters=None if start is None else parameters_of(architecture, start),
        memory=memory,
        fixed_biases=words.fixed_biases,
    )
    make_problem(*arrays(gate), settings)
    return GateRequest(replace(settings, learning_rate=settings.rate_for(len(gate.inputs))), notes)


# ------------------------------------------------------------------------------------------------ architecture


def resolve_architecture(gate: Gate, words: Words, start: Weights | None) -> Architecture:
    """Return the network asked for; a weights file says its own hidden widths and activations."""
    sizes = layer_sizes(gate, words, start)
    if len(sizes) == 2:
        refuse({"--activation": words.activation}, "without hidden units (--output-activation is the output's)")
    names = activation_names(gate, words, start, len(sizes) - 2)
    for name in names:
        if name == STEP:
            raise InvalidValueError(
                "step units have slope 0 everywhere, so backpropagation cannot train them",
                "run them with given --weights and --epochs 0, or use --rule perceptron, or sigmoid for a smooth step",
            )
        get_activation(name)
    architecture = Architecture(sizes, names, words.bias)
    if architecture.parameter_count > MOST_PARAMETERS:
        what = f"a network of sizes {list(sizes)} has {architecture.parameter_count:,} parameters"
        raise TooLargeError(what, f"ask for {MOST_PARAMETERS:,} at most")
    return architecture


def layer_sizes(gate: Gate, words: Words, start: Weights | None) -> tuple[int, ...]:
    """Return the widths from the inputs to the outputs."""
    hidden = (4,) if start is None else start.sizes[1:-1]
    if words.hidden is not None:
        hidden = widths("--hidden", words.hidden)
    sizes = (gate.n_inputs, *hidden, gate.n_outputs)
    if start is not None and start.sizes != sizes:
        raise InvalidValueError(
            f"--weights {words.weights} holds a network of sizes {list(start.sizes)}",
            f"{gate.name} with these hidden widths needs {list(sizes)}",
        )
    return sizes


def activation_names(gate: Gate, words: Words, start: Weights | None, hidden: int) -> tuple[str, ...]:
    """Return one activation a layer: as asked for, else as the weights file says, else the usual ones."""
    stored = () if start is None else start.activations
    names = split(words.activation) or stored[:-1] or ("sigmoid",)
    if len(names) not in {1, hidden} and hidden:
        raise InvalidValueError(
            f"--activation {words.activation} names {len(names)} activations for {hidden} hidden layers",
            f"give one, or {hidden}" if hidden > 1 else "give one",
        )
    output = split(words.output_activation) or stored[-1:] or (usual_output(gate),)
    if len(output) != 1:
        raise InvalidValueError(f"--output-activation {words.output_activation} names several", "give one")
    return ((names * hidden)[:hidden] if len(names) == 1 else names[:hidden]) + output


def usual_output(gate: Gate) -> str:
    """Return the output activation that can give the targets: sigmoid for 0..1, tanh for -1..1, else linear."""
    values = [value for row in gate.targets for value in row]
    low, high = min(values), max(values)
    if low >= 0 and high <= 1:
        return "sigmoid"
    return "tanh" if low >= -1 and high <= 1 else "linear"


def parameters_of(architecture: Architecture, start: Weights) -> NDArray[np.float64]:
    """Return the file's weights as the engine's flat array; one bias alone serves every unit of its layer."""
    biases = [
        bias_vector(index, vector, layer.bias_count, architecture.bias)
        for index, (layer, vector) in enumerate(zip(architecture.layers, start.biases, strict=True), start=1)
    ]
    return architecture.flatten(tuple(np.array(matrix) for matrix in start.weights), tuple(biases))


def bias_vector(layer: int, vector: tuple[float, ...], count: int, kind: str) -> NDArray[np.float64]:
    """Return a layer's biases in the number its kind of bias needs."""
    if len(set(vector)) > 1 and count < len(vector):
        raise InvalidValueError(
            f"--bias {kind} has {count} bias in layer {layer}, the weights file {len(vector)} different ones",
            "use --bias neuron",
        )
    if not count and any(vector):
        raise InvalidValueError(f"--bias none, but the weights file has biases in layer {layer}", "use --bias neuron")
    return np.resize(np.array(vector or (0.0,)), count)


# --------------------------------------------------------------------------------------- optimizer and criterion


def optimizer_word(words: Words) -> str:
    """Return the optimizer asked for, --momentum joined to its constants."""
    word = given(words.optimizer, "sgd").strip().lower()
    chosen = parse_optimizer(word, given(words.like, "torch"))
    constants = {constant.name for constant in chosen.rule.constants}
    if words.momentum is None:
        return word
    if "mu" not in constants:
        refuse({"--momentum": words.momentum}, f"with --optimizer {chosen.rule.name}")
    if "mu=" not in word.replace(" ", ""):
        return f"{word}{',' if ':' in word else ':'}mu={words.momentum!r}"
    if chosen.convention.values["mu"] != words.momentum:
        raise InvalidValueError(f"--momentum {words.momentum:g} beside --optimizer {word}", "give mu once")
    return word


def until_word(words: Words) -> str:
    """Return the criterion asked for."""
    if words.until is None:
        return f"tolerance:{given(words.tolerance, 0.1)!r}"
    criterion = parse_until(words.until)
    if (criterion.name, criterion.value) != ("tolerance", words.tolerance):  # the settings of a run name both
        refuse({"--tolerance": words.tolerance}, f"beside --until {words.until}")
    return criterion.spec


def resumed(
    start: Weights | None, optimizer: str, words: Words, architecture: Architecture
) -> tuple[NDArray[np.float64] | None, tuple[str, ...]]:
    """Return the memory to go on with, and a note where the file's is of no use."""
    if start is None or not start.memory:
        return None, ()
    rule = parse_optimizer(optimizer, given(words.like, "torch")).rule
    theirs = start.optimizer.partition(":")[0]
    wanted = rule.memory(architecture.parameter_count).shape
    memory = np.array(start.memory, np.float64)
    if theirs != rule.name or memory.shape != wanted:
        what = f"{words.weights} holds the memory of {theirs or 'another optimizer'}; {rule.name} starts without one"
        return None, (what,)
    return memory, ()


def resolved_options(settings: TrainingSettings) -> dict[str, object]:
    """Return the options as the engine was given them."""
    architecture = settings.architecture
    hidden = architecture.sizes[1:-1]
    from_file = settings.parameters is not None
    chosen = parse_optimizer(settings.optimizer, settings.like)
    criterion = settings.criterion
    names = architecture.activations[:-1]
    return {
        "hidden": ",".join(map(str, hidden)) or "none",
        "activation": (names[0] if len(set(names)) == 1 else ",".join(names)) if hidden else None,
        "output_activation": architecture.activations[-1],
        "loss": settings.loss,
        "optimizer": settings.optimizer,
        "like": settings.like,
        "learning_rate": settings.learning_rate,
        "momentum": chosen.convention.values.get("mu"),
        "epochs": settings.epochs,
        "until": criterion.spec,
        "tolerance": criterion.value if criterion.name == "tolerance" else None,
        "init": None if from_file else settings.init,
        "bias_init": None if from_file else settings.bias_init,
        "dtype": settings.dtype,
        "batch": settings.batch,
    }
