"""Why a gradient goes the way it does: the formulas of the network at hand, and its numbers in them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from dlmath.depth.engine.bounds import bound, spectral_radius
from dlmath.depth.engine.theory import correlation
from dlmath.depth.report.result import name
from dlmath.depth.report.tables import clip_text, inactive, learning_text, shown, thinned
from dlmath.report.blocks import Lines, Table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dlmath.depth.engine.measure import DepthResult
    from dlmath.depth.engine.path import PathResult
    from dlmath.depth.engine.settings import DepthSettings
    from dlmath.depth.report.result import DepthMeasured
    from dlmath.report.blocks import Block

FORWARD = {
    "none": "forward    z_l = W_l x_(l-1) + b_l;  x_l = phi({norm}z_l{end})",
    "pre": "forward    x_l = x_(l-1) + z_l;  z_l = W_l phi({norm}x_(l-1){end}) + b_l",
    "post": "forward    x_l = x_(l-1) + phi({norm}z_l{end});  z_l = W_l x_(l-1) + b_l",
}
BACKWARD = {
    "none": "backward   dE/dx_(l-1) = W_l^T {back}(phi'{at} * dE/dx_l): each layer multiplies by weights and slopes",
    "pre": "backward   dE/dx_(l-1) = dE/dx_l + {back}(phi'{at} * W_l^T dE/dx_l): the identity's 1, and the branch",
    "post": "backward   dE/dx_(l-1) = dE/dx_l + W_l^T {back}(phi'{at} * dE/dx_l): the identity's 1, and the branch",
}
THEORY = {
    "none": "theory     q_l = sigma_w^2 E phi(sqrt(q_(l-1)) z)^2 + sigma_b^2;  chi_1 = sigma_w^2 E phi'(sqrt(q*) z)^2",
    "pre": "theory     factor of squares 1 + sigma_w^2 E phi'(sqrt(v) z)^2;  v <- v + sigma_w^2 E phi(sqrt(v) z)^2 "
    "+ sigma_b^2  (Yang & Schoenholz 2017)",
    "post": "theory     factor of squares 1 + sigma_w^2 E phi'(sqrt(q) z)^2, q = sigma_w^2 v + sigma_b^2;  "
    "v <- v + E phi(sqrt(q) z)^2  (phi odd)",
}
NORMED_THEORY = {
    "layer": {
        "none": "theory     chi = E phi'(z)^2 / E phi(z)^2, z ~ N(0, 1): whatever the size of the weights",
        "pre": "theory     factor of squares 1 + sigma_w^2 E phi'(z)^2 / v;  v <- v + sigma_w^2 E phi(z)^2: a power of "
        "depth",
        "post": "theory     factor of squares 1 + E phi'(z)^2 / v, z ~ N(0, 1);  v <- v + E phi(z)^2  (phi odd)",
    },
    "batch": {
        "none": "theory     chi = E phi'(z)^2 / Var phi(z), times (B - 2) / (B - 3): at least 1, by Poincare",
        "pre": "theory     factor of squares 1 + sigma_w^2 E phi'(z)^2 / v, times (B - 2) / (B - 3) in the branch",
        "post": "theory     factor of squares 1 + E phi'(z)^2 / v, times (B - 2) / (B - 3) in the branch  (phi odd)",
    },
}
NORMS = {
    "layer": "norm       n = (v - mean v) / s over the units of one input;  back(e) = (e - mean e - n mean(e n)) / s",
    "batch": "norm       n = (v - mean v) / s over the inputs of one unit;  back(e) = (e - mean e - n mean(e n)) / s",
}
PLAIN_LAW = (
    "           two inputs of correlation c: c' = (sigma_w^2 E phi(u1) phi(u2) + sigma_b^2) / q*, slope chi_1 at c = 1",
    "           the norm's factor per layer is sqrt(chi_1)  (Poole et al. 2016; Schoenholz et al. 2017)",
    "           at width N its logarithm falls by beta / (4 N), beta = 3 kappa - 1  (Hanin & Nica 2020)",
)
CELLS = {
    "rnn": (
        "forward    h_t = phi(W h_(t-1) + b), the same W and b at every step",
        "backward   dE/dh_(t-1) = W^T (phi'(z_t) * dE/dh_t)",
        "in the end |(W^T)^T e|^(1/T) -> the spectral radius of W: a linear network's factor per step  (Gelfand 1941)",
        "bound      per step max|phi'| times the largest singular value of W  (Pascanu, Mikolov & Bengio 2013)",
    ),
    "lstm": (
        "forward    i, f, o = sigmoid(W h + b), g = phi(W_g h + b_g);  c' = f c + i g;  h' = o phi(c')",
        "backward   dE/dc = f * dE/dc' along the cell: no matrix, only the forget gate",
        "           the other way goes through h: W^T of all four gates  (Hochreiter & Schmidhuber 1997)",
    ),
}


def explanation(runs: Sequence[tuple[DepthMeasured, PathResult | str]]) -> Iterator[Block]:
    """Yield the formulas of the network, and why its gradient goes the way it does."""
    settings = runs[0][0].result.settings
    yield Lines(tuple(formulas(settings)), title="How signals go through depth")
    for run, path in runs:
        yield Lines(tuple(reasons(run)), title=f"Why, for {name(run.result)}")
        if isinstance(path, str):
            yield Lines((f"no path to follow: {path}",))
        else:
            yield from path_blocks(run.result, path)


def formulas(settings: DepthSettings) -> Iterator[str]:
    """Yield what this network computes, and what theory says of it.

    >>> from dlmath.depth.engine.settings import DepthSettings
    >>> next(formulas(DepthSettings(residual="pre", normalize="layer")))
    'forward    x_l = x_(l-1) + z_l;  z_l = W_l phi(norm(x_(l-1))) + b_l'
    """
    if settings.cell != "none":
        yield from CELLS[settings.cell]
        return
    normed, form = settings.normalize != "none", settings.residual
    argument = "x_(l-1)" if form == "pre" else "z_l"
    yield FORWARD[form].format(norm="norm(" if normed else "", end=")" if normed else "")
    yield BACKWARD[form].format(back="back" if normed else "", at=f"({'n' if normed else argument})")
    if normed:
        yield NORMS[settings.normalize]
    yield NORMED_THEORY[settings.normalize][form] if normed else THEORY[form]
    if form == "none" and not normed:
        yield from PLAIN_LAW


def reasons(run: DepthMeasured) -> Iterator[str]:
    """Yield this run's numbers in the formulas."""
    result = run.result
    settings, theory, depth = result.settings, result.prediction, result.settings.depth
    yield from bound_reasons(result)
    if theory.chi_1 is not None and theory.ratio is not None and theory.ratio > 0:
        total = depth * math.log10(theory.ratio)
        yield f"chi_1 = {theory.chi_1:.6g} at q* = {shown(theory.q_star)}: sqrt(chi_1)^{depth} = 10^{total:.4g}"
        settled = correlation(settings, theory)
        if settled is not None:
            scale = shown(settled.depth_scale)
            yield f"two inputs: their correlation runs to c* = {settled.c_star:.6g}, by e in {scale} layers"
    elif theory.ratio is not None:
        yield f"layers differ for ever; their geometric mean is {theory.ratio:.6g}"
    if theory.reason is not None:
        yield f"theory: {theory.reason}"
    if result.expected_ratio is not None:
        yield f"followed layer by layer from the input: {result.expected_ratio:.6g}^{depth}"
    radius = spectral_radius(settings)
    if radius is not None:
        whole = f"{radius:.6g}^{depth} = 10^{power(radius, depth)}"
        yield f"spectral radius of W (seed {settings.seed}): {radius:.6g}; {whole}"
    if settings.cell == "lstm":
        gate = 1 / (1 + math.exp(-settings.forget_bias))
        whole = f"{gate:.6g}^{depth} = 10^{power(gate, depth)}"
        yield f"forget gate at its bias: sigmoid({settings.forget_bias:g}) = {gate:.6g}; {whole}"
    yield activations_text(result)
    yield f"measured: {result.ratio:.6g}^{depth} = 10^{result.log10_gradient:.4g}"
    if settings.residual == "none" and not settings.phi.range[0] >= 0:
        yield "|dE/dW_l| = |dE/dz_l| |x_(l-1)|: where the signal fades as the gradient grows, weights learn alike"
    yield f"learning: {learning_text(result)}"
    if run.clip is not None:
        yield f"clipping: {clip_text(result, run.clip)}"


def power(factor: float, depth: int) -> str:
    """Return the exponent of factor^depth.

    >>> power(0.1, 3), power(0.0, 3)
    ('-3', '-inf')
    """
    return f"{depth * math.log10(factor):.4g}" if factor > 0 else "-inf"


def bound_reasons(result: DepthResult) -> Iterator[str]:
    """Yield what the slopes are, that they bound nothing, and the bound that does."""
    settings = result.settings
    if settings.cell == "lstm":
        return
    limit, slope = bound(settings), settings.phi.max_slope
    slopes = f"{slope:.6g}^{settings.depth} = 10^{limit.log10_slopes:.4g}"
    yield f"largest slope of {settings.activation}: {slope:.6g}"
    yield f"the slopes alone, {slopes}, bound nothing: weights multiply too"
    if limit.log10 is not None:
        yield f"bound: slopes and largest singular values, layer by layer: 10^{limit.log10:.4g}"
    else:
        yield f"bound: not computed, {limit.reason}"


def activations_text(result: DepthResult) -> str:
    """Return how signals fare."""
    first, last = result.layers[0], result.layers[-1]
    word = inactive(result)
    variances = f"variance 10^{first.log10_variance:.4g} in layer 1, 10^{last.log10_variance:.4g} in layer {last.layer}"
    return f"activations: {variances}; {word} {first.saturated:.1%} and {last.saturated:.1%}"


def path_blocks(result: DepthResult, path: PathResult) -> Iterator[Block]:
    """Yield the chain of factors of one path, the bounds over it, and how ranges and differences are squashed."""
    last = path.factors[-1].log10_product
    whole = "not computed" if path.log10_bound is None else f"10^{path.log10_bound:.4g}"
    yield Lines(
        (
            "dx_L/dx_0 = sum over all paths of the product of phi'(z) w along it  (Hochreiter 1991)",
            f"the strongest of 10^{path.log10_paths:.4g} paths between two units: 10^{last:.4g}",
            f"its bound, its weights and the largest slopes: 10^{path.log10_path_bound:.4g}",
            f"all paths together, this network: 10^{path.log10_measured:.4g}; their bound: {whole}",
        ),
        title=f"One path, {name(result)}, seed {result.settings.seed}, real matrices",
    )
    yield path_table(path)


def path_table(path: PathResult) -> Table:
    """Return one line a layer of the path."""
    rows = tuple(
        (
            step.layer, f"{step.source} -> {step.unit}", step.weight, step.z, step.slope, step.weight * step.slope,
            step.log10_product, low, high, apart,
        )
        for step, (low, high), apart in zip(path.factors, path.ranges, path.spreads, strict=True)
    )  # fmt: skip
    columns = ("layer", "units", "w", "z", "phi'(z)", "w phi'", "log10 product", "range low", "high", "apart")
    title = "Factor by factor; what phi makes of its range; how far apart two inputs still are"
    keep = ("layer", "w", "phi'(z)", "w phi'", "log10 product", "units", "z", "apart")
    return Table(columns, tuple(rows[index] for index in thinned(len(rows))), title=title, keep=keep)
