"""`dlmath vanishing`: its options, each once."""

from dlmath.frame.words import AT_LEAST_1, Seeded, option

ACTIVATIONS = ("sigmoid", "tanh", "relu", "leaky-relu", "elu", "selu", "gelu", "swish", "softplus", "linear")
INITS = ("glorot", "glorot-normal", "he", "lecun", "uniform:A", "uniform:A:B", "normal:SIGMA", "orthogonal", "lsuv")
NORMALIZE = ("none", "layer", "batch")
METHODS = ("auto", "law", "explicit")
RESIDUALS = ("none", "pre", "post")

NETWORK, MEASUREMENT, SEEDS, OTHER = "network", "measurement", "many seeds", "other questions"


class Words(Seeded):
    """The words of one call; None and False stand for "not given"."""

    depth: int = option("Layers.", default=30, metavar="L", within=AT_LEAST_1, panel=NETWORK)
    width: int = option("Units a layer.", default=256, within=AT_LEAST_1, panel=NETWORK)
    batch: int = option(
        "Inputs at once (more than 1: explicit).", default=1, metavar="B", within=AT_LEAST_1, panel=MEASUREMENT
    )
    seeds: int = option("Networks, seeds SEED to SEED+S-1.", default=1, metavar="S", within=AT_LEAST_1, panel=SEEDS)
    activation: list[str] | None = option(
        "Repeatable: every combination is measured.", metavar="NAME", suggestions=ACTIVATIONS, usual="sigmoid",
        panel=NETWORK,
    )  # fmt: skip
    init: list[str] | None = option(
        "Repeatable; uniform:0:1 is the seed's own.", metavar="INIT", suggestions=INITS, usual="glorot", panel=NETWORK
    )
    weight_std: float | None = option(
        "Variance SIGMA_W^2 / fan_in; overrides --init.", metavar="SIGMA_W", panel=NETWORK
    )
    bias_std: float | None = option("Of the biases.", metavar="SIGMA_B", usual="0", panel=NETWORK)
    residual: bool = option("Residual connections, pre-activation: x + W phi(x) + b.", panel=NETWORK)
    residual_kind: str | None = option(
        "pre: x + W phi(x) + b; post: x + phi(W x + b).", choices=RESIDUALS, metavar="KIND", panel=NETWORK
    )
    normalize: str = option("Before each activation.", default="none", choices=NORMALIZE, metavar="KIND", panel=NETWORK)
    clip: float | None = option("Clip the gradient's norm at every layer.", metavar="NORM", panel=MEASUREMENT)
    method: str = option(
        "Exact law without matrices, or explicit matrices.", default="auto", choices=METHODS, metavar="HOW",
        panel=MEASUREMENT,
    )  # fmt: skip
    dtype: str = option(
        "Of explicit matrices.", default="float32", choices=("float32", "float64"), metavar="TYPE", panel=MEASUREMENT
    )
    critical: bool = option("Solve for SIGMA_W (or SIGMA_B) so that chi_1 = 1.", panel=OTHER)
    phase_diagram: bool = option("Order and chaos over SIGMA_W and SIGMA_B.", panel=OTHER)
    train: int | None = option(
        "Also train N steps of parity, and say what moved.", within=AT_LEAST_1, panel=MEASUREMENT
    )


OF_RUNS = {
    "runs.*.activation": "the activation",
    "runs.*.init": "how weights started",
    "runs.*.depth": "layers",
    "runs.*.width": "units a layer",
    "runs.*.ratio": "factor of the gradient's norm a layer, going backward",
    "runs.*.ratio_error": "its standard error",
    "runs.*.ratio_error_source": "where that comes from",
    "runs.*.z": "measurement less theory, in standard errors",
    "runs.*.method": "law or explicit",
    "runs.*.method_reason": "why",
    "runs.*.predicted_ratio": "sqrt(chi_1) of the theory; null where none applies",
    "runs.*.predicted_log_ratio": "its natural logarithm",
    "runs.*.predicted_reason": "why there is no prediction",
    "runs.*.q_star": "the length map's fixed point",
    "runs.*.chi_1": "the gradient's factor a layer, in squares",
    "runs.*.depth_scale": "layers over which signals fade",
    "runs.*.beta": "variance of ln of the squared norm over layers / width",
    "runs.*.log10_gradient": "gradient at the input side over that at the output side, log10",
    "runs.*.log10_gradient_spread": "its spread over the seeds",
    "runs.*.input_log10_gradient": "log10 of the gradient's norm at the input",
    "runs.*.extinct": "networks without any gradient",
    "runs.*.verdict": "vanishing, exploding or stable",
    "runs.*.rule": "how the verdict was found",
    "runs.*.layers.*.**": "layer, activation_mean, activation_variance, saturated, log10_gradient, ...",
    "runs.*.suggestion.**": "a gain that keeps the gradients, and its measurement",
    "runs.*.notes.*": "what is worth knowing",
    "runs.*.training.**": "what --train found",
}
OF_CRITICAL = {"critical.*.**": "activation, weight_std, bias_std, variances, q_star, stable, note, measured_ratio"}
OF_DIAGRAM = {
    "activation": "the activation",
    "weight_std.*": "columns of the plane",
    "bias_std.*": "rows of the plane",
    "chi_1.*.*": "over the plane",
    "critical_line.*.**": "weight_std, bias_std, q_star where chi_1 = 1",
}


def results(words: Words) -> dict[str, str]:
    """Return what the result of such a call holds."""
    if words.critical:
        return OF_CRITICAL
    return OF_DIAGRAM if words.phase_diagram else OF_RUNS
