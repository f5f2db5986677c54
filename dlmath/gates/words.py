"""`dlmath train-gate`: its options, each once."""

from dlmath.frame.words import AT_LEAST_0, AT_LEAST_1, BETWEEN_0_AND_1, POSITIVE, Seeded, Within, argument, option

ACTIVATIONS = ("sigmoid", "tanh", "relu", "leaky-relu", "elu", "selu", "gelu", "swish", "softplus", "linear", "step")
INITS = (
    *("glorot", "glorot-normal", "he", "lecun", "uniform:A", "uniform:A:B"),
    *("normal:SIGMA", "orthogonal", "zeros", "constant:C"),
)
GATES = ("and", "or", "nand", "nor", "xor", "xnor", "not", "identity", "implies", "parity:3", "majority:3", "0110")

NETWORK, TRAINING, SEEDS, FILES = "network", "training", "many seeds", "files"


class Words(Seeded):
    """The words of one call; None and False stand for "not given"."""

    gate: str | None = argument(
        "GATE",
        "and, or, nand, nor, xor, xnor (and:3 for more inputs), not, identity, implies, parity:N, majority:N; "
        "a truth table such as 0110; a file of rows (.csv, .yaml; - is standard input).",
        suggestions=GATES,
        reads=True,
    )
    rule: str = option("How the weights learn.", default="backprop", choices=("backprop", "perceptron"), panel=TRAINING)
    hidden: str | None = option(
        "Hidden layers: 4, or 4,3, or none.", metavar="WIDTHS", usual="4; perceptron: none", panel=NETWORK
    )
    activation: str | None = option(
        "Of the hidden units.", choices=ACTIVATIONS, metavar="NAME", usual="sigmoid", panel=NETWORK
    )
    output_activation: str | None = option(
        "Of the output units.", choices=ACTIVATIONS, metavar="NAME", usual="sigmoid", panel=NETWORK
    )
    loss: str | None = option(
        "mse: mean over rows and outputs of the squared error; half-sse: half its sum; cross-entropy: mean, binary.",
        choices=("mse", "half-sse", "cross-entropy"),
        metavar="LOSS",
        usual="mse",
        panel=TRAINING,
    )
    optimizer: str | None = option(
        "The step.",
        choices=("sgd", "momentum", "nesterov", "rmsprop", "adam"),
        metavar="NAME",
        usual="sgd",
        panel=TRAINING,
    )
    learning_rate: float | None = option(
        "Step size.", metavar="ETA", within=POSITIVE, usual="by optimizer; perceptron: 1", panel=TRAINING
    )
    momentum: float | None = option(
        "For momentum and nesterov.", metavar="MU", within=Within(0, 1, open_high=True), usual="0.9", panel=TRAINING
    )
    epochs: int | None = option(
        "Most passes over the table.", within=AT_LEAST_0, usual="5000; perceptron: 10000", panel=TRAINING
    )
    tolerance: float | None = option(
        "Learned when every output is this near.", metavar="T", within=BETWEEN_0_AND_1, usual="0.1", panel=TRAINING
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
        "Inputs coded 0 and 1, or -1 and 1.", default="01", choices=("01", "pm1"), metavar="CODE", panel=NETWORK
    )
    weights: str | None = option(
        "Start from these weights (.npz, .yaml, .json).", metavar="FILE", reads=True, panel=FILES
    )
    fixed_biases: bool = option("Biases are not updated.", panel=TRAINING)
    seeds: int = option("Train N networks, seeds SEED to SEED+N-1, at once.", default=1, within=AT_LEAST_1, panel=SEEDS)
    jobs: int = option(
        "Processes to share the work.", default=1, within=AT_LEAST_1, panel=SEEDS, variable="DLMATH_JOBS"
    )
    check_gradients: bool = option("Compare every gradient with central differences.", panel=TRAINING)
    save: str | None = option("Write the trained weights (.npz).", metavar="FILE", writes=True, panel=FILES)
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


def results(words: Words) -> dict[str, str]:
    """Return what the result of such a call holds."""
    if words.separable is not None:
        return OF_CENSUS
    return {**RESULTS, **(OF_PERCEPTRONS if words.rule == "perceptron" else OF_NETWORKS)}
