"""The report of deep networks: the factor per layer beside its theory, layer by layer, what learns, and what helps."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from dlmath.depth.engine.bounds import spectral_radius
from dlmath.depth.engine.verdicts import STABLE_DECADES
from dlmath.depth.report.result import init_name, known, log10_clip, name
from dlmath.report.bars import bars
from dlmath.report.blocks import Facts, Lines, Table
from dlmath.report.numbers import measured as with_error

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from dlmath.depth.engine.cures import Cure
    from dlmath.depth.engine.histograms import Histograms
    from dlmath.depth.engine.measure import DepthResult
    from dlmath.depth.engine.sensitivity import LayerMove
    from dlmath.depth.engine.task import TaskResult
    from dlmath.depth.report.result import DepthMeasured
    from dlmath.report.blocks import Block, Cell

    HistogramsOf = Callable[[DepthResult], Histograms]

SHOWN_LAYERS = 40
"""More layers than this are thinned out in drawings and tables (never in JSON or CSV)."""
SHOWN_BARS, SHOWN_CURES = 10, 3
STYLES = {"vanishing": "blue", "exploding": "red", "dead": "magenta"}


def main_table(runs: Sequence[DepthMeasured]) -> Table:
    """Return one line a combination."""
    columns = (
        "activation", "init", "ratio", "error", "expected", "z", "limit", "log10 gradient", "verdict",
        "weight gradient", "learning", "dead", "method",
    )  # fmt: skip
    keep = (
        "activation", "init", "ratio", "verdict", "learning", "expected", "z", "log10 gradient", "error", "dead",
        "weight gradient", "limit",
    )  # fmt: skip
    rows = tuple(_row(run.result) for run in runs)
    styles = tuple(STYLES.get(run.result.verdict, "green") for run in runs)
    return Table(columns, rows, title=_title(runs[0].result), styles=styles, keep=keep)


def _row(result: DepthResult) -> tuple[Cell, ...]:
    sure = "?" if result.certain is False else ""
    learning = None if result.learning_verdict is None else result.log10_weight_gradient_ratio
    return (
        result.settings.activation, init_name(result), result.ratio, known(result.ratio_error), result.expected_ratio,
        result.z, result.prediction.ratio, result.log10_gradient, result.verdict + sure, learning,
        result.learning_verdict, result.dead, result.plan.method,
    )  # fmt: skip


def _title(result: DepthResult) -> str:
    settings = result.settings
    what = "layer" if settings.cell == "none" else "step"
    if settings.widths is not None:
        listed = ", ".join(map(str, settings.widths[:6])) + (" ..." if settings.depth > 6 else "")
        return f"The gradient's factor per layer going backward ({settings.depth} layers of {listed} units)"
    return f"The gradient's factor per {what} going backward ({settings.depth} {what}s of {settings.width} units)"


def blocks(runs: Sequence[DepthMeasured], columns: int) -> Iterator[Block]:
    """Yield one run's layers and drawings, or the bars of several; the verdicts come last, where a terminal ends."""
    for run in runs:
        if len(runs) == 1:
            yield layer_table(run.result)
        yield gradient_bars(run.result, columns)
        if run.moves is not None:
            yield moves_table(run.result, run.moves)
        if run.trained is not None:
            yield from training_blocks(run.result, run.trained)
    if len(runs) == 1:
        yield Facts(tuple(facts(runs[0])), title=name(runs[0].result))
    yield main_table(runs)


# ---------------------------------------------------------------- one run in words


def facts(run: DepthMeasured) -> Iterator[tuple[str, Cell]]:
    """Yield the theory, what it was measured with, the verdicts with their rules, and what helps."""
    result = run.result
    unknown = known(result.ratio_error) is None
    ratio = f"{result.ratio:.5g}, error not known" if unknown else with_error(result.ratio, result.ratio_error)
    yield "ratio per layer", f"{ratio} ({result.error_source})"
    yield from theory_facts(result)
    yield "measured by", f"{result.plan.method}: {result.plan.reason}"
    if run.clip is not None:
        yield "clipping", clip_text(result, run.clip)
    yield "verdict", verdict_text(result)
    yield "learning", learning_text(result)
    yield from cure_facts(run.cures)


def cure_facts(cures: Sequence[Cure]) -> Iterator[tuple[str, Cell]]:
    """Yield what helps, the options that say so first."""
    for number, cure in enumerate(cures[:SHOWN_CURES]):
        proof = f"10^{cure.measured_log10_gradient:.3g} measured over {cure.measured_depth} x {cure.measured_width}"
        yield "" if number else "what helps", f"{cure.words}:  {cure.text}; {proof}, {cure.verdict}"
    if len(cures) > SHOWN_CURES:
        yield "", f"and {len(cures) - SHOWN_CURES} more (--get runs.0.suggestions.*.words)"


def theory_facts(result: DepthResult) -> Iterator[tuple[str, Cell]]:
    """Yield the limit, what is expected of this depth and width, and how far off the measurement is."""
    theory = result.prediction
    radius = spectral_radius(result.settings)
    if radius is not None:
        yield (
            "spectral radius",
            f"{radius:.6g} of W (seed {result.settings.seed}): a linear network's factor in the end",
        )
    if theory.ratio is None:
        yield "theory", f"none: {theory.reason}"
        return
    if theory.chi_1 is None:
        yield "theory", f"layers differ for ever: a geometric mean of {theory.ratio:.6g} over these"
    else:
        yield "theory", f"sqrt(chi_1) = {theory.ratio:.6g} far from the input, q* = {shown(theory.q_star)}"
        yield "depth scale", shown(theory.depth_scale)
    if result.expected_ratio is not None:
        z = f"z = {result.z:.2f} ({result.z_source})" if result.z is not None else f"no z: {theory.reason}"
        how = "with the 1/N term" if theory.log_ratio is not None else "without a 1/N term"
        yield "expected here", f"{result.expected_ratio:.6g}, layer by layer from the input, {how}; {z}"


def verdict_text(result: DepthResult) -> str:
    """Return the verdict, its figure and its rule."""
    if result.verdict == "dead":
        return "dead: the gradient is 0 at the input of every network"
    spread = "" if result.log10_gradient_spread is None else f" (s.d. {result.log10_gradient_spread:.3g} over networks)"
    sure = ", within two standard errors of the border" if result.certain is False else ""
    total = f"10^{result.log10_gradient:.4g} from output to input{spread}"
    return f"{result.verdict}{sure}: {total} (stable: from 10^-{STABLE_DECADES:g} to 10^{STABLE_DECADES:g})"


def learning_text(result: DepthResult) -> str:
    """Return how the first layer learns beside the last."""
    if result.learning_verdict is None:
        return "nothing: every gradient is 0"
    first, last = result.layers[0], result.layers[-1]
    what = "layer" if result.settings.cell == "none" else "step"
    figures = f"dE/dW 10^{first.log10_weight_gradient:.3g} in {what} 1, 10^{last.log10_weight_gradient:.3g} in {what} "
    ratio = f"{last.layer}; 10^{result.log10_weight_gradient_ratio:.3g} between their norms"
    return f"{result.learning_verdict}: {figures}{ratio} (even: from 10^-{STABLE_DECADES:g} to 10^{STABLE_DECADES:g})"


def clip_text(result: DepthResult, clip: float) -> str:
    """Return what clipping does to these weight gradients."""
    norm, factor = result.log10_gradient_norm, log10_clip(result, clip)
    what = "nothing is clipped" if factor == 0 else f"all are multiplied by 10^{factor:.4g}"
    return f"the joint norm of all weight gradients is 10^{norm:.4g}; {what}, and ratios between layers stay"


def shown(value: float | None) -> str:
    """Write a number or say that there is none.

    >>> shown(None), shown(0.25), shown(float("inf"))
    ('none', '0.25', 'infinite')
    """
    if value is None:
        return "none"
    return "infinite" if math.isinf(value) else f"{value:.6g}"


# ---------------------------------------------------------------- layers


def thinned(count: int, most: int = SHOWN_LAYERS) -> list[int]:
    """Return which of so many layers are shown: all, or evenly spaced ones with both ends.

    >>> thinned(3)
    [0, 1, 2]
    """
    if count <= most:
        return list(range(count))
    return sorted({round(i * (count - 1) / (most - 1)) for i in range(most)})


def layer_table(result: DepthResult) -> Table:
    """Return one line a layer; layer 1 is nearest the input."""
    columns = (
        "layer", "mean", "log10 variance", inactive(result), "dead", "dE/dx", "theory", "dE/dW", "ratio",
    )  # fmt: skip
    rows = tuple(
        (
            layer.layer, layer.activation_mean, layer.log10_variance, layer.saturated, layer.dead,
            layer.log10_gradient, layer.predicted_log10_gradient, layer.log10_weight_gradient, layer.ratio,
        )
        for layer in (result.layers[index] for index in thinned(len(result.layers)))
    )  # fmt: skip
    more = "" if len(rows) == len(result.layers) else f", {len(rows)} of {len(result.layers)}"
    title = f"Layers of {name(result)}{more} (dE/dx, dE/dW: log10 of the root mean square; theory: of dE/dx)"
    keep = ("layer", "dE/dx", "theory", "dE/dW", "log10 variance", "mean", "ratio", inactive(result))
    return Table(columns, rows, title=title, keep=keep)


def inactive(result: DepthResult) -> str:
    """Return what units without a slope are called: those of relu are not saturated but inactive.

    A unit without slope is inactive where phi is 0 over a half-line, saturated where phi is at its limit.
    """
    phi = result.settings.phi
    return "inactive" if phi.flat and not phi.bounded else "saturated"


def gradient_bars(result: DepthResult, columns: int) -> Lines:
    """Draw the gradients of the layers from the largest down: a longer bar is a larger gradient."""
    layers = [result.layers[index] for index in thinned(len(result.layers), SHOWN_BARS)]
    alive = [layer for layer in layers if math.isfinite(layer.log10_gradient)]
    title = f"Powers of ten of the gradient above the smallest shown, {name(result)}"
    if not alive:
        return Lines(("every gradient is 0",), title=title)
    labels, values = [], []
    for kind, sizes in (
        ("dE/dx", [layer.log10_gradient for layer in alive]),
        ("dE/dW", [layer.log10_weight_gradient for layer in alive]),
    ):
        finite = [size for size in sizes if math.isfinite(size)]
        base = math.floor(min(finite, default=0.0) - 1e-9)
        labels += [f"{kind}, layer {layer.layer}, 10^{size:.3g}" for layer, size in zip(alive, sizes, strict=True)]
        values += [size - base for size in sizes]
    return Lines(bars(labels, values, width=min(columns, 76)), title=title)


def notes(run: DepthMeasured) -> list[str]:
    """Return what the reader must know of one run."""
    return [f"{name(run.result)}: {note}" for note in run.result.notes]


def shared_notes(runs: Sequence[DepthMeasured]) -> list[str]:
    """Return what must be known of several runs together."""
    if len(runs) < 2:
        return []
    return ["the combinations share their random numbers: their differences are surer than their errors say"]


# ---------------------------------------------------------------- moving and training


def moves_table(result: DepthResult, moves: Sequence[LayerMove]) -> Table:
    """Return what the output does when one layer's weights are moved."""
    rows = tuple((move.layer, move.output_change, move.log10_output_change) for move in moves)
    title = f"How far the output moves when one layer's weights are moved, {name(result)}"
    return Table(("layer moved", "output's relative change", "log10"), rows, title=title)


def training_blocks(result: DepthResult, trained: TaskResult) -> Iterator[Block]:
    """Yield how training went, and how far each layer's weights moved."""
    pairs: list[tuple[str, Cell]] = [
        ("steps", trained.steps_done),
        ("optimizer", f"{trained.optimizer}, learning rate {trained.learning_rate:g}"),
        ("loss", f"{trained.losses[0]:.6g} -> {trained.losses[-1]:.6g} (ln 2 = 0.693147 is a coin's)"),
        ("rows on the right side", trained.accuracy),
        ("joint gradient norm", f"10^{trained.log10_gradient_norm_before:.4g} -> 10^{trained.log10_gradient_norm:.4g}"),
    ]
    if trained.clip is not None:
        pairs.append(("clipped", f"{trained.clipped} of {trained.steps_done} steps, to norm {trained.clip:g}"))
    if trained.stopped:
        pairs.append(("stopped", trained.stopped))
    yield Facts(tuple(pairs), title=f"Training on {trained.gate}, {name(result)}")
    columns = ("layer", "weights moved", "dE/dW before", "after", "dE/dx before", "after ", "variance after")
    rows = tuple(
        (
            layer.layer, layer.moved, layer.log10_weight_gradient_before, layer.log10_weight_gradient,
            layer.log10_gradient_before, layer.log10_gradient, layer.activation_variance,
        )
        for layer in (trained.layers[index] for index in thinned(len(trained.layers)))
    )  # fmt: skip
    title = "Layers that learn, and layers that do not (gradients: log10 of the root mean square)"
    yield Table(columns, rows, title=title, keep=columns)


def _log10(value: float) -> float:
    return math.log10(value) if value > 0 else -math.inf


def picture(runs: Sequence[DepthMeasured], histograms_of: HistogramsOf, ending: str) -> bytes:
    """Draw the figure of --plot; `histograms_of` gives the distributions of some layers of a run."""
    from dlmath.depth.report.plots import DrawnCurve, figure
    from dlmath.report.figures import drawn

    curves = [
        DrawnCurve(
            name(run.result),
            [layer.layer for layer in run.result.layers],
            [layer.log10_gradient for layer in run.result.layers],
            [layer.predicted_log10_gradient for layer in run.result.layers],
            [layer.log10_weight_gradient for layer in run.result.layers],
            [layer.log10_variance for layer in run.result.layers],
            histograms_of(run.result),
            [] if run.trained is None else [_log10(layer.moved) for layer in run.trained.layers],
        )
        for run in runs
    ]
    return drawn(figure(curves), ending)
