"""`dlmath train-gate`: its options, each once."""

from dlmath.frame.words import AT_LEAST_0, AT_LEAST_1, BETWEEN_0_AND_1, POSITIVE, Seeded, Within, argument, option
from dlmath.neural import names

ACTIVATIONS = (*names.ACTIVATIONS, "step")
INITS = tuple(names.INITIALISERS)
OPTIMIZERS = tuple(names.OPTIMIZERS)
UNTIL = ("tolerance:0.1", "sse:0.05", "side")
MOST_EPOCHS, MOST_SEEDS = 10**12, 10**7
"""Beyond, no run would end, and the table of seeds would not fit in memory."""
GATES = ("and", "or", "nand", "nor", "xor", "xnor", "not", "identity", "implies", "parity:3", "majority:3", "0110")

DATA, NETWORK, TRAINING, STEP_UNITS = "data", "network", "training", "step units"
SEEDS, FILES = "many seeds", "files"


class Words(Seeded):
    """The words of one call; None and False stand for "not given"."""

    gate: str | None = argument(
        "GATE",
        "and, or, nand, nor, xor, xnor (and:3 for more inputs), not, identity, implies, parity:N, majority:N; "
        "a truth table such as 0110; a file of rows (.csv, .tsv, .yaml; - is standard input).",
        suggestions=GATES,
        reads=True,
    )
    rule: str = option("How the weights learn.", default="backprop", choices=("backprop", "perceptron"), panel=TRAINING)
    hidden: str | None = option(
        "Hidden layers: 4, or 4,3, or none.", metavar="WIDTHS", usual="4; perceptron: none", panel=NETWORK
    )
    activation: str | None = option(
        "Of the hidden units, or one a hidden layer: tanh,relu. step: run with given --weights only.",
        suggestions=ACTIVATIONS,
        metavar="NAME[,NAME]",
        usual="sigmoid",
        panel=NETWORK,
    )
    output_activation: str | None = option(
        "Of the output units.",
        suggestions=ACTIVATIONS,
        metavar="NAME",
        usual="sigmoid; tanh with --targets pm1",
        panel=NETWORK,
    )
    loss: str | None = option(
        "mse: mean over rows and outputs of the squared error; half-sse: half its sum; cross-entropy: mean, binary.",
        choices=tuple(names.LOSSES),
        metavar="LOSS",
        usual="mse",
        panel=TRAINING,
    )
    optimizer: str | None = option(
        "The step, with its constants: momentum:mu=0.8, adam:beta2=0.99,epsilon=1e-7.",
        suggestions=OPTIMIZERS,
        metavar="NAME[:KEY=V,...]",
        usual="sgd",
        panel=TRAINING,
    )
    like: str | None = option(
        "Whose constants the optimizer has where none are given.",
        choices=("torch", "keras"),
        metavar="LIBRARY",
        usual="torch",
        panel=TRAINING,
    )
    learning_rate: float | None = option(
        "Step size.", metavar="ETA", within=POSITIVE, usual="by optimizer; perceptron: 1", panel=TRAINING
    )
    momentum: float | None = option(
        "For momentum and nesterov; the same as :mu=MU.",
        metavar="MU",
        within=Within(0, 1, open_high=True),
        usual="0.9",
        panel=TRAINING,
    )
    epochs: int | None = option(
        "Most passes over the table.", within=Within(0, MOST_EPOCHS), usual="5000; perceptron: 10000", panel=TRAINING
    )
    until: str | None = option(
        "Learned when every output is within T of its target (tolerance:T), the total squared error is below E "
        "(sse:E), every output is on its target's side of the midpoint (side).",
        suggestions=UNTIL,
        metavar="WHEN",
        usual="tolerance:0.1",
        panel=TRAINING,
    )
    tolerance: float | None = option(
        "The same as --until tolerance:T.", metavar="T", within=BETWEEN_0_AND_1, usual="0.1", panel=TRAINING
    )
    bias: str = option(
        "One a unit, one a layer, none.",
        default="neuron",
        choices=("neuron", "layer", "none"),
        metavar="KIND",
        panel=NETWORK,
    )
    init: str | None = option(
        "How weights start.", metavar="INIT", suggestions=INITS, usual="glorot; perceptron: zeros", panel=NETWORK
    )
    bias_init: str | None = option("How biases start: as --init.", metavar="INIT", usual="zeros", panel=NETWORK)
    dtype: str | None = option(
        "Precision of the arithmetic.", choices=("float64", "float32"), metavar="TYPE", usual="float64", panel=TRAINING
    )
    batch: str | None = option(
        "One update an epoch, or one a row.",
        choices=("full", "online"),
        metavar="KIND",
        usual="full; perceptron: online",
        panel=TRAINING,
    )
    inputs: str = option(
        "Inputs coded 0 and 1, or -1 and 1.", default="01", choices=("01", "pm1"), metavar="CODE", panel=DATA
    )
    targets: str = option(
        "Targets coded 0 and 1, or -1 and 1.", default="01", choices=("01", "pm1"), metavar="CODE", panel=DATA
    )
    target_columns: str | None = option(
        "Which columns of a file are targets.",
        metavar="A,B",
        usual="those that begin with y, else the last",
        panel=DATA,
    )
    fires: str | None = option(
        "A step unit answers 1 when its weighted sum is above 0, or not below.",
        choices=(">", ">="),
        metavar="SIGN",
        usual=">",
        panel=STEP_UNITS,
    )
    dead_band: float | None = option(
        "Perceptron: sums from -THETA to THETA are undecided and corrected.",
        metavar="THETA",
        within=AT_LEAST_0,
        panel=STEP_UNITS,
    )
    weights: str | None = option(
        "Start from these weights (.npz, .safetensors, .yaml, .json).", metavar="FILE", reads=True, panel=FILES
    )
    fixed_biases: bool = option("Biases are not updated (perceptron: a fixed threshold).", panel=TRAINING)
    seeds: int = option(
        "Train N networks, seeds SEED to SEED+N-1, at once.", default=1, within=Within(1, MOST_SEEDS), panel=SEEDS
    )
    per_seed: bool = option("Tell how every seed ended; with --format csv a row a seed.", panel=SEEDS)
    jobs: int = option(
        "Processes to share the work.", default=1, within=AT_LEAST_1, panel=SEEDS, variable="DLMATH_JOBS"
    )
    check_gradients: bool = option("Compare every gradient with central differences.", panel=TRAINING)
    at_epoch: int | None = option(
        "The epoch whose step --explain shows.", within=Within(0, MOST_EPOCHS), usual="0, the first", panel=TRAINING
    )
    save: str | None = option(
        "Write the trained weights (.npz, .safetensors, .yaml, .json).", metavar="FILE", writes=True, panel=FILES
    )
    animate: str | None = option(
        "Draw the training as it goes on (.gif): outputs over the plane, loss, epoch.",
        metavar="FILE",
        writes=True,
        panel=FILES,
    )
    separable: int | None = option(
        "Without GATE: count the functions of N inputs a perceptron learns.", panel="other questions"
    )


RESULTS = {
    "gate": "the gate's name",
    "inputs.*.*": "rows of inputs",
    "targets.*.*": "rows of targets",
    "rule": "backprop or perceptron",
    "architecture.*": "units a layer, inputs first",
    "parameters": "weights and biases",
    "targets_levels.*": "the two levels of the targets (a pair an output where they differ); null with more than two",
    "accuracy": "share of the rows whose outputs are on their target's side of the midpoint between the levels",
    "right": "the number of these rows",
    "hidden.*.*.*": "what the hidden units say: (rows, units) a hidden layer, up to 64 rows",
    "runs.*.seed": "with --per-seed: a seed",
    "runs.*.learned": "whether it learned",
    "runs.*.epochs": "after how many epochs it stopped",
    "runs.*.stopped": "why",
    "runs.*.loss": "its loss at the end (perceptron: wrong rows)",
    "runs.*.class": "how it failed, null when it learned",
    "diagnosis.class": "how the shown run failed (null when it learned)",
    "diagnosis.cause": "what its state says",
    "diagnosis.advice": "what to change",
    "learned": "whether the shown run learned; with several seeds, whether all did",
    "seeds": "networks trained",
    "learned_count": "networks that learned",
    "success_rate": "their share",
    "success_interval.*": "its 95 % Wilson interval",
    "epochs.min": "epochs until learned, over the seeds that learned",
    "epochs.median": "their median",
    "epochs.p90": "their 90th percentile",
    "epochs.max": "the longest",
    "outputs.*.*": "outputs of the shown run",
    "loss.epoch.*": "epochs of the shown run's curve, at most 500",
    "loss.value.*": "the loss there (perceptron: wrong rows)",
    "weights.*.*.*": "the shown run's weights, (inputs, units) a layer",
    "biases.*.*": "the shown run's biases",
    "failures.*": "how the seeds that failed ended: class to count",
    "stopped": "why the shown run ended",
}
OF_NETWORKS = {
    "stopped_at": "the epoch at which the shown run ended",
    "gradient_error": "largest relative error of a gradient (--check-gradients)",
    "first_failed.*": "class to the first seed that failed so",
    "certificate.*": "where the network is one unit: a multiple of each row that sums to nothing",
    "separable": "where the network is one unit: whether a line separates the rows",
}
OF_PERCEPTRONS = {
    "updates": "corrections of the weights",
    "separable": "whether a line separates the rows",
    "certificate.*": "a multiple of each row that sums to nothing: the proof that none does",
    "margin": "distance of the nearest row from the widest line",
    "updates_bound": "the convergence theorem's bound on the updates",
    "line.weights.*": "the widest separating line",
    "line.bias": "its bias",
    "line.distance": "the nearest row's distance from it",
    "cycle.start": "the epoch after which the weights repeat",
    "cycle.length": "after how many epochs",
}
OF_CENSUS = {
    "inputs": "N",
    "functions": "all functions of N inputs",
    "separable": "those a perceptron learns",
    "not_separable": "those it cannot",
    "max_epochs": "most epochs to learn one",
    "max_updates": "most updates to learn one",
    "periods.*": "length of a cycle to the functions that end in it",
    "rule": "perceptron",
}


ON_REQUEST = {"gradient_error": "check_gradients", "runs": "per_seed"}
"""Keys that are there only when an option asks for them."""


def results(words: Words) -> dict[str, str]:
    """Return what the result of such a call holds."""
    if words.separable is not None:
        return OF_CENSUS
    paths = {**RESULTS, **(OF_PERCEPTRONS if words.rule == "perceptron" else OF_NETWORKS)}
    missing = {key for key, field in ON_REQUEST.items() if words.gate is not None and not getattr(words, field)}
    return {path: meaning for path, meaning in paths.items() if path.partition(".")[0] not in missing}
