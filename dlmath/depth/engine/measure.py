"""The measurement: networks sent through one of the two ways, averaged, and set beside the theory.

    ratio = exp(mean over networks and layers of ln(|dE/dx^(l-1)| / |dE/dx^l|))

the geometric mean of the gradient norm's factor per layer going backward. Means of logarithms, never of gradients:
the mean of |g|^2 over networks exceeds its median by exp(beta L / 2N).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dlmath.depth.engine.explicit import ExplicitNetwork
from dlmath.depth.engine.law import ChainLaw
from dlmath.depth.engine.matrices import room
from dlmath.depth.engine.planner import plan
from dlmath.depth.engine.residual_law import ResidualLaw
from dlmath.depth.engine.settings import DepthSettings, check_settings
from dlmath.depth.engine.theory import Prediction, predict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from dlmath.depth.engine.figures import Figures
    from dlmath.depth.engine.planner import Plan
    from dlmath.neural.arrays import Array

LN10 = math.log(10)
STABLE_DECADES = 1.0
VERDICT_RULE = (
    "stable while the gradient's norm at the input is within a factor 10 of that at the output; below it vanishing, "
    "above it exploding"
)
ENOUGH_SEEDS = 8
"""From so many networks on, the scatter between them gives the standard error; below, theory or the layers do."""


class LayerFigures(NamedTuple):
    """One layer, averaged over the networks (logarithms over those whose gradient is not 0).

    Attributes
    ----------
    layer : int
        1 is nearest the input.
    activation_mean, activation_variance : float
        Of the layer's outputs.
    saturated : float
        Share of units and inputs with |phi'| below 1 % of the largest slope.
    dead : float
        Share of units whose slope is exactly 0 on every input.
    log10_gradient, log10_weight_gradient : float
        log10 of the root mean square of dE/dx and of dE/dW, an error of norm 1 having been sent in.
    ratio : float or None
        |dE/dx^l| / |dE/dx^(l+1)|, geometric mean; None for the last layer.
    predicted_log10_gradient : float or None
        What theory, layer by layer with its 1/N term, says of log10_gradient.
    """

    layer: int
    activation_mean: float
    activation_variance: float
    saturated: float
    dead: float
    log10_gradient: float
    log10_weight_gradient: float
    ratio: float | None
    predicted_log10_gradient: float | None


class DepthResult(NamedTuple):
    """What was measured and what was predicted.

    Attributes
    ----------
    settings : DepthSettings
    plan : Plan
        `plan.method` is what was used, `plan.reason` why.
    prediction : Prediction
    ratio, ratio_error : float
        The factor and its standard error; 0 and nan when the gradient is 0 in every network.
    error_source : str
        Where the standard error comes from.
    z : float or None
        (ln ratio - prediction.log_ratio) / standard error of ln ratio.
    log10_gradient : float
        log10 of |dE/dx^0| / |dE/dx^L|, mean over networks: depth times log10 of ratio.
    log10_gradient_spread : float or None
        Its standard deviation over the networks; None for one network.
    extinct : int
        Networks whose gradient is exactly 0 at the input (dead ReLU layers); they are left out of the means of
        logarithms.
    verdict, rule : str
        "vanishing", "exploding" or "stable", and what decided.
    layers : tuple of LayerFigures
    input_log10_gradient : float
        log10 of the root mean square of dE/dx^0.
    notes : tuple of str
    """

    settings: DepthSettings
    plan: Plan
    prediction: Prediction
    ratio: float
    ratio_error: float
    error_source: str
    z: float | None
    log10_gradient: float
    log10_gradient_spread: float | None
    extinct: int
    verdict: str
    rule: str
    layers: tuple[LayerFigures, ...]
    input_log10_gradient: float
    notes: tuple[str, ...] = ()


def measure(settings: DepthSettings, progress: Callable[[int, int], None] | None = None) -> DepthResult:
    """Measure the networks of `settings` and compare them with the theory.

    Parameters
    ----------
    settings : DepthSettings
    progress : callable (networks done, networks in all), optional

    Raises
    ------
    InvalidValueError, TooLargeError

    Examples
    --------
    >>> result = measure(DepthSettings(depth=1000, width=256, activation="sigmoid", init="glorot-normal"))
    >>> result.plan.method, round(result.log10_gradient), result.verdict
    ('law', -627, 'vanishing')
    """
    check_settings(settings)
    chosen = plan(settings)
    averages = Averages(settings)
    for figures in _networks(settings, chosen):
        averages.add(figures)
        if progress is not None:
            progress(len(averages.log_ratios), settings.seeds)
    return _result(settings, chosen, predict(settings), averages)


def _networks(settings: DepthSettings, chosen: Plan) -> Iterator[Figures]:
    """Yield the figures of all networks, some at a time."""
    last = settings.seed + settings.seeds
    if chosen.method == "law":
        for first in range(settings.seed, last, chosen.rows):
            sampler = ChainLaw if settings.residual == "none" else ResidualLaw
            yield sampler(settings, first, min(chosen.rows, last - first)).run()
        return
    store = room(chosen.kept_layers, settings.width, np.dtype(settings.dtype))
    for seed in range(settings.seed, last):
        yield ExplicitNetwork(settings, seed, store).run()


class Averages:
    """Running sums over networks, each added in its turn, so that blocks leave no trace in the last bit."""

    def __init__(self, settings: DepthSettings) -> None:
        self.depth = settings.depth
        self.count = self.alive = 0
        self.sums = np.zeros((4, settings.depth))
        self.log_gradient = np.zeros(settings.depth + 1)
        self.log_weight_gradient = np.zeros(settings.depth)
        self.squares = np.zeros(settings.depth)  # of the layers' ln ratios
        self.log_ratios: list[float] = []

    def add(self, figures: Figures) -> None:
        """Add every network of `figures`."""
        for row in range(figures.mean.shape[1]):
            self._add_one(figures, row)

    def _add_one(self, figures: Figures, row: int) -> None:
        shares = (figures.mean, figures.variance, figures.saturated, figures.dead)
        with np.errstate(invalid="ignore"):  # signals beyond 1e308 of both signs have no mean: nan
            self.sums += [share[:, row] for share in shares]
        self.count += 1
        log_gradient = figures.log_gradient[:, row]
        whole = float(log_gradient[0] - log_gradient[-1])
        self.log_ratios.append(whole / self.depth)
        if whole == -math.inf:
            return
        self.alive += 1
        self.log_gradient += log_gradient
        self.log_weight_gradient += figures.log_weight_gradient[:, row]
        self.squares += np.square(np.diff(log_gradient))


def _result(settings: DepthSettings, chosen: Plan, prediction: Prediction, averages: Averages) -> DepthResult:
    found = np.array([value for value in averages.log_ratios if value > -math.inf])
    log_ratio = float(found.mean()) if len(found) else -math.inf
    error, source = _standard_error(prediction, averages, found)
    ratio = math.exp(log_ratio)
    known = prediction.log_ratio is not None and len(found) and error > 0
    log10 = settings.depth * log_ratio / LN10 if len(found) else -math.inf
    return DepthResult(
        settings, chosen, prediction, ratio, ratio * error, source,
        z=(log_ratio - prediction.log_ratio) / error if known and prediction.log_ratio is not None else None,
        log10_gradient=log10,
        log10_gradient_spread=float(found.std(ddof=1)) * settings.depth / LN10 if len(found) > 1 else None,
        extinct=averages.count - averages.alive, verdict=verdict_of(log10), rule=VERDICT_RULE,
        layers=_layers(settings, prediction, averages),
        input_log10_gradient=_mean_log10(averages.log_gradient[0], averages.alive, settings.width * settings.batch),
        notes=_notes(settings, prediction, averages),
    )  # fmt: skip


def verdict_of(log10_gradient: float) -> str:
    """Return what a total factor of 10^log10_gradient, input side over output side, is called.

    Examples
    --------
    >>> verdict_of(-628), verdict_of(0.4), verdict_of(3)
    ('vanishing', 'stable', 'exploding')
    """
    if abs(log10_gradient) <= STABLE_DECADES:
        return "stable"
    return "exploding" if log10_gradient > 0 else "vanishing"


def _standard_error(prediction: Prediction, averages: Averages, found: Array) -> tuple[float, str]:
    """Return the standard error of the mean ln ratio and where it comes from."""
    if not len(found):
        return math.nan, "every gradient is 0"
    if len(found) >= ENOUGH_SEEDS:
        return float(found.std(ddof=1)) / math.sqrt(len(found)), f"scatter of {len(found)} networks"
    if prediction.log_ratio_error is not None:
        return prediction.log_ratio_error / math.sqrt(len(found)), "theory, sqrt(beta / (4 N L seeds))"
    steps = averages.depth * averages.alive
    mean = averages.squares.sum() / steps - (float(found.mean())) ** 2
    return math.sqrt(max(mean, 0.0) / max(steps - 1, 1)), "scatter of the layers"


def _mean_log10(total: float, count: int, entries: int) -> float:
    """Return log10 of a root mean square over `entries`, from the sum of ln of norms over `count` networks."""
    return (float(total) / count - math.log(entries) / 2) / LN10 if count else -math.inf


def _layers(settings: DepthSettings, prediction: Prediction, averages: Averages) -> tuple[LayerFigures, ...]:
    entries, weights = settings.width * settings.batch, settings.width**2
    alive = averages.alive
    mean = averages.sums / averages.count
    expected = _expected_log10(settings, prediction)
    steps = -np.diff(averages.log_gradient[1:]) / max(alive, 1)
    return tuple(
        LayerFigures(
            layer + 1,
            *_four(mean[:, layer]),
            _mean_log10(averages.log_gradient[layer + 1], alive, entries),
            _mean_log10(averages.log_weight_gradient[layer], alive, weights),
            (float(np.exp(steps[layer])) if alive else 0.0) if layer + 1 < settings.depth else None,
            expected[layer] if expected else None,
        )
        for layer in range(settings.depth)
    )


def _four(column: Array) -> tuple[float, float, float, float]:
    mean, variance, saturated, dead = column.tolist()
    return mean, variance, saturated, dead


def _expected_log10(settings: DepthSettings, prediction: Prediction) -> list[float] | None:
    """Return the predicted log10_gradient of layers 1..L: the sum of what the layers after each contribute."""
    if prediction.log_ratio is None:
        return None
    steps = np.array([layer.log_chi + layer.log_shift for layer in prediction.layers]) / 2
    after = np.concatenate([np.cumsum(steps[:0:-1])[::-1], [0.0]])
    return [float(value) for value in (after - math.log(settings.width * settings.batch) / 2) / LN10]


def _notes(settings: DepthSettings, prediction: Prediction, averages: Averages) -> tuple[str, ...]:
    notes = list(prediction.notes)
    extinct = averages.count - averages.alive
    if extinct:
        notes.append(f"{extinct} of {averages.count} networks have a dead layer: their gradient is exactly 0")
    if settings.normalize == "batch" and prediction.reason is None:
        notes.append("batch normalization: predicted for many inputs, times (B - 2)/(B - 3)")
    return tuple(notes)
