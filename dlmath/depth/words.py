"""`dlmath vanishing`: its options, each once."""

from dlmath.frame.words import AT_LEAST_1, FINITE, POSITIVE, Seeded, Within, option
from dlmath.neural.names import ACTIVATIONS, INITIALISERS, OPTIMIZERS

NORMALIZE = ("none", "layer", "batch")
METHODS = ("auto", "law", "explicit")
RESIDUALS = ("none", "pre", "post")
CELLS = ("none", "rnn", "lstm")
SIGMA = Within(0, 1e6)

NETWORK, START, MEASUREMENT, SEEDS, TRAINING, OTHER = (
    "network", "weights and biases", "measurement", "many seeds", "training", "other questions",
)  # fmt: skip


class Words(Seeded):
    """The words of one call; None and False stand for "not given"."""

    depth: int | None = option(
        "Layers; with --cell, steps.", metavar="L", within=AT_LEAST_1, usual="30; --cell: 100", panel=NETWORK
    )
    width: int | None = option("Units a layer.", within=AT_LEAST_1, usual="256", panel=NETWORK)
    widths: str | None = option(
        "Layers that differ in width: 64,128,64 (the depth is their number).", metavar="N,N,...", panel=NETWORK
    )
    activation: list[str] | None = option(
        "Repeatable: every combination is measured. `dlmath activation` shows them.",
        metavar="NAME", suggestions=tuple(ACTIVATIONS), usual="sigmoid; --cell: tanh", panel=NETWORK,
    )  # fmt: skip
    residual: bool = option("Residual connections, pre-activation: x + W phi(x) + b.", panel=NETWORK)
    residual_kind: str | None = option(
        "pre: x + W phi(x) + b; post: x + phi(W x + b).", choices=RESIDUALS, metavar="KIND", panel=NETWORK
    )
    normalize: str = option("Before each activation.", default="none", choices=NORMALIZE, metavar="KIND", panel=NETWORK)
    cell: str = option(
        "One layer's weights used again at every step: a recurrent network, or a long short-term memory.",
        default="none", choices=CELLS, metavar="KIND", panel=NETWORK,
    )  # fmt: skip
    forget_bias: float | None = option(
        "Added to an LSTM's forget gate.", metavar="B", within=FINITE, usual="1", panel=NETWORK
    )
    init: list[str] | None = option(
        "Repeatable. uniform:0:1 is NumPy's random.rand; torch draws biases, too; orthogonal takes --weight-std as its "
        "gain.",
        metavar="INIT", suggestions=(*INITIALISERS, "lsuv"), usual="glorot", panel=START,
    )  # fmt: skip
    weight_std: float | None = option(
        "Variance SIGMA_W^2 / fan_in; in place of --init.", metavar="SIGMA_W", within=SIGMA, panel=START
    )
    bias_std: float | None = option(
        "Of the biases.", metavar="SIGMA_B", within=SIGMA, usual="0, or as --init says", panel=START
    )
    batch: int = option(
        "Inputs at once (more than 1: explicit).", default=1, metavar="B", within=AT_LEAST_1, panel=MEASUREMENT
    )
    method: str = option(
        "Exact law without matrices, or explicit matrices.", default="auto", choices=METHODS, metavar="HOW",
        panel=MEASUREMENT,
    )  # fmt: skip
    dtype: str = option(
        "Of explicit matrices.", default="float32", choices=("float32", "float64"), metavar="TYPE", panel=MEASUREMENT
    )
    move: float | None = option(
        "Also move the weights of one layer after the other by a random SHARE of their norm: what does the output do?",
        metavar="SHARE", within=POSITIVE, panel=MEASUREMENT,
    )  # fmt: skip
    seeds: int = option("Networks, seeds SEED to SEED+S-1.", default=1, metavar="S", within=AT_LEAST_1, panel=SEEDS)
    train: int | None = option("Also train N steps of parity, and say what moved.", within=AT_LEAST_1, panel=TRAINING)
    learning_rate: float | None = option(
        "Of --train.", metavar="ETA", within=POSITIVE, usual="by optimizer; sgd: 0.1", panel=TRAINING
    )
    optimizer: str | None = option(
        "Of --train.", metavar="NAME", suggestions=tuple(OPTIMIZERS), usual="sgd", panel=TRAINING
    )
    clip: float | None = option(
        "Clip the joint norm of all parameter gradients of --train (Pascanu, Mikolov & Bengio 2013).",
        metavar="NORM", within=POSITIVE, panel=TRAINING,
    )  # fmt: skip
    critical: bool = option("Solve for SIGMA_W (or SIGMA_B) so that chi_1 = 1.", panel=OTHER)
    phase_diagram: bool = option("Order and chaos over SIGMA_W and SIGMA_B.", panel=OTHER)
    weight_range: str | None = option(
        "Of --phase-diagram.", metavar="LOW:HIGH", usual="0.5:4, wider where the critical line lies beyond", panel=OTHER
    )
    bias_range: str | None = option("Of --phase-diagram.", metavar="LOW:HIGH", usual="0:2", panel=OTHER)


OF_RUNS = {
    "runs.*.activation": "the activation",
    "runs.*.init": "how weights started",
    "runs.*.depth": "layers, or steps of a cell",
    "runs.*.width": "units a layer (the widest)",
    "runs.*.widths.*": "units of every layer, where they differ; else null",
    "runs.*.cell": "none, rnn or lstm",
    "runs.*.ratio": "factor of the gradient's norm a layer, going backward: geometric mean over layers and seeds",
    "runs.*.ratio_error": "its standard error",
    "runs.*.ratio_error_source": "where that comes from",
    "runs.*.expected_ratio": "theory followed layer by layer: what z compares with; null where none applies",
    "runs.*.z": "measurement less expectation, in standard errors; null where no error is known",
    "runs.*.z_source": "theory's error, or Student's t turned into the z that is as improbable",
    "runs.*.method": "law or explicit",
    "runs.*.method_reason": "why",
    "runs.*.predicted_ratio": "sqrt(chi_1), the limit far from the input; null where no theory applies",
    "runs.*.predicted_log_ratio": "ln of expected_ratio, where its error is known",
    "runs.*.predicted_reason": "why there is no prediction, or no z",
    "runs.*.q_star": "the length map's fixed point",
    "runs.*.chi_1": "the gradient's factor a layer there, in squares",
    "runs.*.depth_scale": "layers over which the gradient's mean square changes by e",
    "runs.*.beta": "N times the variance of ln of the squared norm, a layer",
    "runs.*.c_star": "where the correlation of two inputs settles: 1 in order, less in chaos",
    "runs.*.correlation_depth_scale": "layers over which its distance from there falls by e",
    "runs.*.log10_gradient": "gradient at the input side over that at the output side, log10 of norms",
    "runs.*.log10_gradient_spread": "its standard deviation over the networks",
    "runs.*.input_log10_gradient": "log10 of the root mean square of dE/dx at the input",
    "runs.*.bound_log10": "product of the largest slope and the largest singular value, layer by layer; explicit only",
    "runs.*.bound_reason": "why there is no bound",
    "runs.*.slopes_log10": "depth times log10 of the largest slope: slopes alone, which bound nothing by themselves",
    "runs.*.spectral_radius": "spectral radius of a recurrent matrix (the first seed's); null without one",
    "runs.*.extinct": "networks whose gradient is 0 at the input",
    "runs.*.dead": "their share",
    "runs.*.verdict": "vanishing, exploding, stable or dead",
    "runs.*.rule": "how the verdict is found",
    "runs.*.certain": "whether the verdict's border is two standard errors away",
    "runs.*.weight_gradient_ratio": "the first layer's weight-gradient norm over the last layer's",
    "runs.*.log10_weight_gradient_ratio": "its log10, where it leaves the range of numbers",
    "runs.*.learning_verdict": "early-slow, even, late-slow; null where every gradient is 0",
    "runs.*.learning_rule": "how it is found",
    "runs.*.log10_gradient_norm": "log10 of the joint norm of all weight gradients",
    "runs.*.layers.*.layer": "1 is nearest the input",
    "runs.*.layers.*.activation_mean": "mean of the layer's outputs",
    "runs.*.layers.*.activation_variance": "their variance",
    "runs.*.layers.*.log10_variance": "its log10, where the variance overflows",
    "runs.*.layers.*.saturated": "share of units with a slope below 1 % of the largest",
    "runs.*.layers.*.dead": "share of units whose slope is 0 on every input",
    "runs.*.layers.*.log10_gradient": "log10 of the root mean square of dE/dx",
    "runs.*.layers.*.log10_weight_gradient": "log10 of the root mean square of dE/dW",
    "runs.*.layers.*.ratio": "factor from the layer after it; null for the last",
    "runs.*.layers.*.predicted_log10_gradient": "what theory says of log10_gradient",
    "runs.*.suggestion.**": "the first of suggestions; null where gradients are stable, or nothing helps",
    "runs.*.suggestions.*.**": "text, words, sigma_w, sigma_b, chi_1, measured_ratio, measured_log10_gradient, "
    "measured_depth, measured_width, verdict",
    "runs.*.notes.*": "what is worth knowing",
    "runs.*.clip.norm": "--clip",
    "runs.*.clip.log10_factor": "log10 of what it multiplies all weight gradients by: ratios between layers stay",
    "runs.*.training.**": "what --train found: losses, accuracy, learning_rate, clipped, layers.*.moved, ...",
    "runs.*.moves.*.layer": "--move: the layer whose weights were moved",
    "runs.*.moves.*.output_change": "norm of the output's change over the output's norm",
    "runs.*.moves.*.log10_output_change": "its log10",
}
OF_CRITICAL = {
    "critical.*.activation": "the activation",
    "critical.*.weight_std": "sigma_w with chi_1 = 1",
    "critical.*.bias_std": "sigma_b",
    "critical.*.weight_variance": "sigma_w^2",
    "critical.*.bias_variance": "sigma_b^2",
    "critical.*.q_star": "the length map's fixed point there",
    "critical.*.stable": "whether it attracts",
    "critical.*.note": "what is peculiar to it",
    "critical.*.measured_ratio": "the factor a layer, measured there",
}
OF_DIAGRAM = {
    "activation": "the activation",
    "weight_std.*": "columns of the plane",
    "bias_std.*": "rows of the plane",
    "chi_1.*.*": "over the plane",
    "critical_line.*.weight_std": "where chi_1 = 1",
    "critical_line.*.bias_std": "where chi_1 = 1",
    "critical_line.*.q_star": "the fixed point there",
    "runaway_line.*.weight_std": "where signals begin to grow for ever and chi_1 jumps past 1",
    "runaway_line.*.bias_std": "a row of the plane each",
}


def results(words: Words) -> dict[str, str]:
    """Return what the result of such a call holds."""
    if words.critical:
        return OF_CRITICAL
    return OF_DIAGRAM if words.phase_diagram else OF_RUNS
