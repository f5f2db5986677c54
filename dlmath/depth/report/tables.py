"""The report of deep networks: the factor per layer beside its theory, layer by layer, and why it is so."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from dlmath.report.bars import bars
from dlmath.report.blocks import Facts, Lines, Table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from dlmath.depth.engine.histograms import Histogram
    from dlmath.depth.engine.measure import DepthResult
    from dlmath.depth.engine.path import PathResult
    from dlmath.depth.engine.task import TaskResult
    from dlmath.report.blocks import Block, Cell

    HistogramsOf = Callable[[DepthResult], Sequence[Histogram]]

SHOWN_LAYERS = 40
"""More layers than this are thinned out in drawings and tables (never in JSON or CSV)."""


def run(found: DepthResult, trained: TaskResult | None = None, advice: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return one object of the result's `runs`, as INTERFACE.md names it."""
    settings, theory = found.settings, found.prediction
    made = {
        "activation": settings.activation,
        "init": init_name(found),
        "depth": settings.depth,
        "width": settings.width,
        "ratio": found.ratio,
        "ratio_error": found.ratio_error,
        "ratio_error_source": found.error_source,
        "z": found.z,
        "method": found.plan.method,
        "method_reason": found.plan.reason,
        "predicted_ratio": theory.ratio,
        "predicted_log_ratio": theory.log_ratio,
        "predicted_reason": theory.reason,
        "q_star": theory.q_star,
        "chi_1": theory.chi_1,
        "depth_scale": theory.depth_scale,
        "beta": theory.beta,
        "log10_gradient": found.log10_gradient,
        "log10_gradient_spread": found.log10_gradient_spread,
        "input_log10_gradient": found.input_log10_gradient,
        "extinct": found.extinct,
        "verdict": found.verdict,
        "rule": found.rule,
        "layers": [layer._asdict() for layer in found.layers],
        "suggestion": advice,
        "notes": found.notes,
    }
    return made if trained is None else {**made, "training": training(trained)}


def training(trained: TaskResult) -> dict[str, Any]:
    """Return what --train found."""
    made = trained._asdict()
    made["layers"] = [layer._asdict() for layer in trained.layers]
    del made["settings"]
    return made


def init_name(found: DepthResult) -> str:
    """Return how the weights start: the initialiser, or the sigma_w that overrides it."""
    if found.settings.weight_std is None:
        return found.settings.init
    return f"sigma_w={found.settings.weight_std:g}"


def name(found: DepthResult) -> str:
    """Name one combination."""
    return f"{found.settings.activation}, {init_name(found)}"


def main_table(runs: Sequence[DepthResult]) -> Table:
    """Return one line a combination."""
    columns = ("activation", "init", "ratio", "error", "predicted", "z", "log10 gradient", "verdict", "method")
    rows = tuple(
        (
            one.settings.activation,
            init_name(one),
            one.ratio,
            one.ratio_error,
            one.prediction.ratio,
            one.z,
            one.log10_gradient,
            one.verdict,
            one.plan.method,
        )
        for one in runs
    )
    styles = tuple({"vanishing": "blue", "exploding": "red"}.get(one.verdict, "green") for one in runs)
    first = runs[0].settings
    title = f"The gradient's factor per layer going backward ({first.depth} layers of {first.width} units)"
    return Table(columns, rows, title=title, styles=styles)


def blocks(runs: Sequence[DepthResult], extras: Sequence[tuple[Any, Any]], columns: int) -> Iterator[Block]:
    """Yield the comparison, then each combination's layers as a table and as bars."""
    yield main_table(runs)
    for one, (trained, advice) in zip(runs, extras, strict=True):
        if len(runs) == 1:
            yield Facts(tuple(facts(one, advice)), title=name(one))
            yield layer_table(one)
        yield gradient_bars(one, columns)
        if trained is not None:
            yield from training_blocks(one, trained)


def facts(found: DepthResult, advice: dict[str, Any] | None) -> Iterator[tuple[str, Cell]]:
    """Yield the verdict with its rule, and the theory beside it."""
    theory = found.prediction
    total = found.log10_gradient
    spread = "" if found.log10_gradient_spread is None else f" (s.d. {found.log10_gradient_spread:.3g} over networks)"
    yield "verdict", f"{found.verdict}: 10^{total:.4g} from output to input{spread}"
    yield "rule", found.rule
    yield "ratio per layer", f"{found.ratio:.6g} +- {found.ratio_error:.2g} ({found.error_source})"
    if theory.ratio is None:
        yield "theory", f"none: {theory.reason}"
    else:
        yield "theory", f"sqrt(chi_1) = {theory.ratio:.6g}, q* = {shown(theory.q_star)}"
        yield "depth scale", shown(theory.depth_scale)
    if theory.log_ratio is not None:
        expected = math.exp(theory.log_ratio)
        yield "expected here", f"{expected:.6g}, layer by layer with the 1/N term; z = {shown(found.z)}"
    yield "measured by", f"{found.plan.method}: {found.plan.reason}"
    if advice is not None:
        proof = f"measured over {advice['measured_depth']} layers: {advice['measured_ratio']:.4g} per layer"
        yield "suggestion", f"{advice['text']}; {proof}"


def shown(value: float | None) -> str:
    """Write a number or say that there is none.

    >>> shown(None), shown(0.25), shown(float("inf"))
    ('none', '0.25', 'infinite')
    """
    if value is None:
        return "none"
    return "infinite" if math.isinf(value) else f"{value:.6g}"


def thinned(count: int) -> list[int]:
    """Return which of so many layers are shown: all, or evenly spaced ones with both ends.

    >>> thinned(3)
    [0, 1, 2]
    """
    if count <= SHOWN_LAYERS:
        return list(range(count))
    return sorted({round(i * (count - 1) / (SHOWN_LAYERS - 1)) for i in range(SHOWN_LAYERS)})


def layer_table(found: DepthResult) -> Table:
    """Return one line a layer; layer 1 is nearest the input."""
    columns = ("layer", "mean", "variance", "saturated", "dead", "log10 grad", "theory", "log10 weight grad", "ratio")
    rows = tuple(
        (
            one.layer,
            one.activation_mean,
            one.activation_variance,
            one.saturated,
            one.dead,
            one.log10_gradient,
            one.predicted_log10_gradient,
            one.log10_weight_gradient,
            one.ratio,
        )
        for one in (found.layers[index] for index in thinned(len(found.layers)))
    )
    more = "" if len(rows) == len(found.layers) else f" ({len(rows)} of {len(found.layers)})"
    return Table(columns, rows, title=f"Layers of {name(found)}{more}")


def gradient_bars(found: DepthResult, columns: int) -> Lines:
    """Draw the gradient of every layer, each step a power of ten."""
    layers = [found.layers[index] for index in thinned(len(found.layers))]
    alive = [one for one in layers if math.isfinite(one.log10_gradient)]
    title = f"log10 of the gradient's root mean square, {name(found)}"
    if not alive:
        return Lines(("every gradient is 0: a layer is dead",), title=title)
    labels = [f"layer {one.layer}" for one in alive]
    return Lines(bars(labels, [one.log10_gradient for one in alive], width=min(columns, 60)), title=title)


def notes(found: DepthResult) -> list[str]:
    """Return what the reader must know of one run."""
    return [f"{name(found)}: {note}" for note in found.notes]


def training_blocks(found: DepthResult, trained: TaskResult) -> Iterator[Block]:
    """Yield how training went, and how far each layer's weights moved."""
    pairs: list[tuple[str, Cell]] = [
        ("steps", trained.steps_done),
        ("learning rate", trained.learning_rate),
        ("loss", f"{trained.losses[0]:.6g} -> {trained.losses[-1]:.6g}"),
        ("rows on the right side", trained.accuracy),
    ]
    if trained.stopped:
        pairs.append(("stopped", trained.stopped))
    yield Facts(tuple(pairs), title=f"Training on {trained.gate}, {name(found)}")
    columns = (
        "layer",
        "weights moved",
        "log10 grad before",
        "after",
        "log10 weight grad before",
        "after",
        "variance after",
    )
    rows = tuple(
        (
            one.layer,
            one.moved,
            one.log10_gradient_before,
            one.log10_gradient,
            one.log10_weight_gradient_before,
            one.log10_weight_gradient,
            one.activation_variance,
        )
        for one in (trained.layers[index] for index in thinned(len(trained.layers)))
    )
    yield Table(columns, rows, title="Layers that learn, and layers that do not")


def explanation(runs: Sequence[tuple[DepthResult, PathResult | str]]) -> Iterator[Block]:
    """Yield the formulas, and why this network's gradient goes the way it does."""
    yield Lines(
        (
            "forward    z_l = W_l x_(l-1) + b_l;  x_l = phi(z_l)",
            "backward   dE/dx_(l-1) = W_l^T (phi'(z_l) * dE/dx_l): each layer multiplies by weights and slopes",
            "theory     q_l = sigma_w^2 E phi(sqrt(q_(l-1)) z)^2 + sigma_b^2;  chi_1 = sigma_w^2 E phi'(sqrt(q*) z)^2",
            "           the norm's factor per layer is sqrt(chi_1)  (Poole et al. 2016; Schoenholz et al. 2017)",
            "           at width N its logarithm falls by beta / (4 N), beta = 3 kappa - 1  (Hanin & Nica 2019)",
        ),
        title="How signals go through depth",
    )
    for one, path in runs:
        yield Lines(tuple(reasons(one)), title=f"Why, for {name(one)}")
        if isinstance(path, str):
            yield Lines((f"no path to follow: {path}",))
        else:
            yield from path_blocks(one, path)


def path_blocks(found: DepthResult, path: PathResult) -> Iterator[Block]:
    """Yield the chain of factors of one path, the bounds over it, and how ranges and differences are squashed."""
    last = path.factors[-1].log10_product
    yield Lines(
        (
            "dx_L/dx_0 = sum over all paths of the product of phi'(z) w along it  (Hochreiter 1991)",
            f"the strongest of 10^{path.log10_paths:.4g} paths between two units: 10^{last:.4g}",
            f"bound by slopes:             {path.max_slope:.6g}^{len(path.factors)} = 10^{path.log10_slope_bound:.4g}",
            f"bound with its weights:      10^{path.log10_path_bound:.4g}",
            f"measured, all paths together: 10^{found.log10_gradient:.4g}",
        ),
        title=f"One path, {name(found)}",
    )
    rows = tuple(
        (
            f.layer,
            f"{f.source} -> {f.unit}",
            f.weight,
            f.z,
            f.slope,
            f.weight * f.slope,
            f.log10_product,
            low,
            high,
            apart,
        )
        for f, (low, high), apart in zip(path.factors, path.ranges, path.spreads, strict=True)
    )
    shown = tuple(rows[index] for index in thinned(len(rows)))
    columns = ("layer", "units", "w", "z", "phi'(z)", "w phi'", "log10 product", "range low", "high", "apart")
    yield Table(
        columns, shown, title="Factor by factor; what phi makes of its range; how far apart two inputs still are"
    )


def reasons(found: DepthResult) -> Iterator[str]:
    """Yield this run's numbers in the formulas."""
    settings, theory = found.settings, found.prediction
    slope = settings.phi.max_slope
    depth = settings.depth
    bound = f"{slope:.6g}^{depth} = 10^{depth * math.log10(slope):.4g}"
    yield f"largest slope of {settings.activation}: {slope:.6g}; {depth} of them give at best {bound}"
    if theory.chi_1 is not None:
        yield (
            f"chi_1 = {theory.chi_1:.6g} at q* = {shown(theory.q_star)}: sqrt(chi_1)^{depth} = "
            f"10^{depth * math.log10(max(theory.chi_1, 1e-300)) / 2:.4g}"
        )
    elif theory.reason is not None:
        yield f"no theory: {theory.reason}"
    first, last = found.layers[0], found.layers[-1]
    variances = f"{first.activation_variance:.4g} in layer 1, {last.activation_variance:.4g} in layer {depth}"
    yield f"activations: variance {variances}; saturated {first.saturated:.1%} and {last.saturated:.1%}"
    yield f"measured: {found.ratio:.6g}^{depth} = 10^{found.log10_gradient:.4g}"


def picture(runs: Sequence[DepthResult], histograms_of: HistogramsOf, ending: str) -> bytes:
    """Draw the figure of --plot; `histograms_of` gives the distributions of some layers of a run."""
    from dlmath.depth.report.plots import Curve, figure
    from dlmath.report.figures import drawn

    curves = [
        Curve(
            name(one),
            [layer.layer for layer in one.layers],
            [layer.log10_gradient for layer in one.layers],
            [layer.predicted_log10_gradient for layer in one.layers],
            [layer.activation_variance for layer in one.layers],
            [(h.layer, h.centres, h.density) for h in histograms_of(one)],
        )
        for one in runs
    ]
    return drawn(figure(curves), ending)
