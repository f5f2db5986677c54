"""The report of deep networks: the factor per layer beside its theory, layer by layer, what learns, and what helps."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from dlmath.depth.engine.bounds import spectral_radius
from dlmath.depth.engine.measure import STABLE_DECADES
from dlmath.depth.report.result import init_name, known, log10_clip, name
from dlmath.report.bars import bars
from dlmath.report.blocks import Facts, Lines, Table
from dlmath.report.numbers import measured as with_error

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from dlmath.depth.engine.cures import Cure
    from dlmath.depth.engine.histograms import Histograms
    from dlmath.depth.engine.measure import DepthResult
    from dlmath.depth.engine.sensitivity import Move
    from dlmath.depth.engine.task import TaskResult
    from dlmath.depth.report.result import Measured
    from dlmath.report.blocks import Block, Cell

    HistogramsOf = Callable[[DepthResult], Histograms]

SHOWN_LAYERS = 40
"""More layers than this are thinned out in drawings and tables (never in JSON or CSV)."""
SHOWN_BARS, SHOWN_CURES = 10, 3
STYLES = {"vanishing": "blue", "exploding": "red", "dead": "magenta"}


def main_table(runs: Sequence[Measured]) -> Table:
    """Return one line a combination."""
    columns = (
        "activation", "init", "ratio", "error", "expected", "z", "limit", "log10 gradient", "verdict",
        "weight gradient", "learning", "dead", "method",
    )  # fmt: skip
    keep = (
        "activation", "init", "ratio", "verdict", "learning", "expected", "z", "log10 gradient", "error", "dead",
        "weight gradient", "limit",
    )  # fmt: skip
    rows = tuple(_row(run.found) for run in runs)
    styles = tuple(STYLES.get(run.found.verdict, "green") for run in runs)
    return Table(columns, rows, title=_title(runs[0].found), styles=styles, keep=keep)


def _row(found: DepthResult) -> tuple[Cell, ...]:
    sure = "?" if found.certain is False else ""
    learning = None if found.learning_verdict is None else found.log10_weight_gradient_ratio
    return (
        found.settings.activation, init_name(found), found.ratio, known(found.ratio_error), found.expected_ratio,
        found.z, found.prediction.ratio, found.log10_gradient, found.verdict + sure, learning, found.learning_verdict,
        found.dead, found.plan.method,
    )  # fmt: skip


def _title(found: DepthResult) -> str:
    settings = found.settings
    what = "layer" if settings.cell == "none" else "step"
    if settings.widths is not None:
        listed = ", ".join(map(str, settings.widths[:6])) + (" ..." if settings.depth > 6 else "")
        return f"The gradient's factor per layer going backward ({settings.depth} layers of {listed} units)"
    return f"The gradient's factor per {what} going backward ({settings.depth} {what}s of {settings.width} units)"


def blocks(runs: Sequence[Measured], columns: int) -> Iterator[Block]:
    """Yield one run's layers and drawings, or the bars of several; the verdicts come last, where a terminal ends."""
    for run in runs:
        if len(runs) == 1:
            yield layer_table(run.found)
        yield gradient_bars(run.found, columns)
        if run.moves is not None:
            yield moves_table(run.found, run.moves)
        if run.trained is not None:
            yield from training_blocks(run.found, run.trained)
    if len(runs) == 1:
        yield Facts(tuple(facts(runs[0])), title=name(runs[0].found))
    yield main_table(runs)


# ---------------------------------------------------------------- one run in words


def facts(run: Measured) -> Iterator[tuple[str, Cell]]:
    """Yield the theory, what it was measured with, the verdicts with their rules, and what helps."""
    found = run.found
    unknown = known(found.ratio_error) is None
    ratio = f"{found.ratio:.5g}, error not known" if unknown else with_error(found.ratio, found.ratio_error)
    yield "ratio per layer", f"{ratio} ({found.error_source})"
    yield from theory_facts(found)
    yield "measured by", f"{found.plan.method}: {found.plan.reason}"
    if run.clip is not None:
        yield "clipping", clip_text(found, run.clip)
    yield "verdict", verdict_text(found)
    yield "learning", learning_text(found)
    yield from cure_facts(run.cures)


def cure_facts(cures: Sequence[Cure]) -> Iterator[tuple[str, Cell]]:
    """Yield what helps, the options that say so first."""
    for number, cure in enumerate(cures[:SHOWN_CURES]):
        proof = f"10^{cure.measured_log10_gradient:.3g} measured over {cure.measured_depth} x {cure.measured_width}"
        yield "" if number else "what helps", f"{cure.words}:  {cure.text}; {proof}, {cure.verdict}"
    if len(cures) > SHOWN_CURES:
        yield "", f"and {len(cures) - SHOWN_CURES} more (--get runs.0.suggestions.*.words)"


def theory_facts(found: DepthResult) -> Iterator[tuple[str, Cell]]:
    """Yield the limit, what is expected of this depth and width, and how far off the measurement is."""
    theory = found.prediction
    radius = spectral_radius(found.settings)
    if radius is not None:
        yield "spectral radius", f"{radius:.6g} of W (seed {found.settings.seed}): a linear network's factor in the end"
    if theory.ratio is None:
        yield "theory", f"none: {theory.reason}"
        return
    if theory.chi_1 is None:
        yield "theory", f"layers differ for ever: a geometric mean of {theory.ratio:.6g} over these"
    else:
        yield "theory", f"sqrt(chi_1) = {theory.ratio:.6g} far from the input, q* = {shown(theory.q_star)}"
        yield "depth scale", shown(theory.depth_scale)
    if found.expected_ratio is not None:
        z = f"z = {found.z:.2f} ({found.z_source})" if found.z is not None else f"no z: {theory.reason}"
        how = "with the 1/N term" if theory.log_ratio is not None else "without a 1/N term"
        yield "expected here", f"{found.expected_ratio:.6g}, layer by layer from the input, {how}; {z}"


def verdict_text(found: DepthResult) -> str:
    """Return the verdict, its figure and its rule."""
    if found.verdict == "dead":
        return "dead: the gradient is 0 at the input of every network"
    spread = "" if found.log10_gradient_spread is None else f" (s.d. {found.log10_gradient_spread:.3g} over networks)"
    sure = ", within two standard errors of the border" if found.certain is False else ""
    total = f"10^{found.log10_gradient:.4g} from output to input{spread}"
    return f"{found.verdict}{sure}: {total} (stable: from 10^-{STABLE_DECADES:g} to 10^{STABLE_DECADES:g})"


def learning_text(found: DepthResult) -> str:
    """Return how the first layer learns beside the last."""
    if found.learning_verdict is None:
        return "nothing: every gradient is 0"
    first, last = found.layers[0], found.layers[-1]
    what = "layer" if found.settings.cell == "none" else "step"
    figures = f"dE/dW 10^{first.log10_weight_gradient:.3g} in {what} 1, 10^{last.log10_weight_gradient:.3g} in {what} "
    ratio = f"{last.layer}; 10^{found.log10_weight_gradient_ratio:.3g} between their norms"
    return f"{found.learning_verdict}: {figures}{ratio} (even: from 10^-{STABLE_DECADES:g} to 10^{STABLE_DECADES:g})"


def clip_text(found: DepthResult, clip: float) -> str:
    """Return what clipping does to these weight gradients."""
    norm, factor = found.log10_gradient_norm, log10_clip(found, clip)
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


def layer_table(found: DepthResult) -> Table:
    """Return one line a layer; layer 1 is nearest the input."""
    columns = (
        "layer", "mean", "log10 variance", inactive(found), "dead", "dE/dx", "theory", "dE/dW", "ratio",
    )  # fmt: skip
    rows = tuple(
        (
            layer.layer, layer.activation_mean, layer.log10_variance, layer.saturated, layer.dead,
            layer.log10_gradient, layer.predicted_log10_gradient, layer.log10_weight_gradient, layer.ratio,
        )
        for layer in (found.layers[index] for index in thinned(len(found.layers)))
    )  # fmt: skip
    more = "" if len(rows) == len(found.layers) else f", {len(rows)} of {len(found.layers)}"
    title = f"Layers of {name(found)}{more} (dE/dx, dE/dW: log10 of the root mean square; theory: of dE/dx)"
    keep = ("layer", "dE/dx", "theory", "dE/dW", "log10 variance", "mean", "ratio", inactive(found))
    return Table(columns, rows, title=title, keep=keep)


def inactive(found: DepthResult) -> str:
    """Return what units without a slope are called: those of relu are not saturated but inactive.

    A unit without slope is inactive where phi is 0 over a half-line, saturated where phi is at its limit.
    """
    phi = found.settings.phi
    return "inactive" if phi.flat and not phi.bounded else "saturated"


def gradient_bars(found: DepthResult, columns: int) -> Lines:
    """Draw the gradients of the layers from the largest down: a longer bar is a larger gradient."""
    layers = [found.layers[index] for index in thinned(len(found.layers), SHOWN_BARS)]
    alive = [layer for layer in layers if math.isfinite(layer.log10_gradient)]
    title = f"Powers of ten of the gradient above the smallest shown, {name(found)}"
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


def notes(run: Measured) -> list[str]:
    """Return what the reader must know of one run."""
    return [f"{name(run.found)}: {note}" for note in run.found.notes]


def shared_notes(runs: Sequence[Measured]) -> list[str]:
    """Return what must be known of several runs together."""
    if len(runs) < 2:
        return []
    return ["the combinations share their random numbers: their differences are surer than their errors say"]


# ---------------------------------------------------------------- moving and training


def moves_table(found: DepthResult, moves: Sequence[Move]) -> Table:
    """Return what the output does when one layer's weights are moved."""
    rows = tuple((move.layer, move.output_change, move.log10_output_change) for move in moves)
    title = f"How far the output moves when one layer's weights are moved, {name(found)}"
    return Table(("layer moved", "output's relative change", "log10"), rows, title=title)


def training_blocks(found: DepthResult, trained: TaskResult) -> Iterator[Block]:
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
    yield Facts(tuple(pairs), title=f"Training on {trained.gate}, {name(found)}")
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


def picture(runs: Sequence[Measured], histograms_of: HistogramsOf, ending: str) -> bytes:
    """Draw the figure of --plot; `histograms_of` gives the distributions of some layers of a run."""
    from dlmath.depth.report.plots import Curve, figure
    from dlmath.report.figures import drawn

    found = [run.found for run in runs]
    curves = [
        Curve(
            name(result),
            [layer.layer for layer in result.layers],
            [layer.log10_gradient for layer in result.layers],
            [layer.predicted_log10_gradient for layer in result.layers],
            [layer.log10_weight_gradient for layer in result.layers],
            [layer.log10_variance for layer in result.layers],
            histograms_of(result),
            [] if run.trained is None else [_log10(layer.moved) for layer in run.trained.layers],
        )
        for run, result in zip(runs, found, strict=True)
    ]
    return drawn(figure(curves), ending)
