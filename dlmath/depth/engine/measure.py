"""The measurement: networks sent through one of the two ways, averaged, and set beside the theory.

    ratio = exp(mean over networks and layers of ln(|dE/dx^(l-1)| / |dE/dx^l|))

the geometric mean of the gradient norm's factor per layer going backward. Means of logarithms, never of gradients:
the mean of |g|^2 over networks exceeds its median by exp(beta L / 2N).
"""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dlmath.depth.engine.averages import Averages
from dlmath.depth.engine.explicit import ExplicitNetwork
from dlmath.depth.engine.law import ChainLaw
from dlmath.depth.engine.lstm import LstmNetwork
from dlmath.depth.engine.matrices import room, rooms
from dlmath.depth.engine.planner import plan
from dlmath.depth.engine.residual_law import ResidualLaw
from dlmath.depth.engine.settings import DepthSettings, check_settings
from dlmath.depth.engine.student import z_of_student
from dlmath.depth.engine.theory import Prediction, predict
from dlmath.depth.engine.verdicts import VERDICT_RULE, is_certain, learning_verdict, verdict_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from dlmath.depth.engine.figures import Figures
    from dlmath.depth.engine.planner import MeasurementPlan
    from dlmath.neural.arrays import Array

LN10 = math.log(10)
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
    log10_variance : float
        log10 of the variance, finite where the variance itself is beyond the largest number or below the smallest.
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
    log10_variance: float
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
    plan : MeasurementPlan
        `plan.method` is what was used, `plan.reason` why.
    prediction : Prediction
    ratio, ratio_error : float
        The factor and its standard error: 0 and 0 when the gradient is 0 in every network, nan where it is not known.
    error_source : str
        Where the standard error comes from.
    expected_ratio : float or None
        Theory followed layer by layer from the input, with its 1/N term where that is known.
    z : float or None
        (ln ratio - ln expected_ratio) / standard error: the theory's where it has one; else Student's t of the
        scatter between networks, as the z that is as improbable. None where no error is known.
    z_source : str
        Which of the two.
    log10_gradient : float
        log10 of |dE/dx^0| / |dE/dx^L|, mean over networks: depth times log10 of ratio.
    log10_gradient_spread : float or None
        Its standard deviation over the networks; None for one network.
    extinct : int
        Networks whose gradient is exactly 0 at the input (dead ReLU layers); they are left out of the means of
        logarithms.
    verdict, rule : str
        "vanishing", "exploding", "stable" or "dead", and what decided.
    certain : bool or None
        Whether log10_gradient lies at least two standard errors from the verdict's border; None where no error is
        known.
    log10_weight_gradient_ratio : float
        log10 of the first layer's weight-gradient norm over the last layer's, mean over networks.
    learning_verdict : str or None
        "early-slow", "even" or "late-slow" (see LEARNING_RULE); None where every gradient is 0.
    log10_gradient_norm : float
        log10 of the joint norm of all weight gradients, mean over networks: what clipping looks at.
    layers : tuple of LayerFigures
    input_log10_gradient : float
        log10 of the root mean square of dE/dx^0.
    notes : tuple of str
    """

    settings: DepthSettings
    plan: MeasurementPlan
    prediction: Prediction
    ratio: float
    ratio_error: float
    error_source: str
    expected_ratio: float | None
    z: float | None
    z_source: str
    log10_gradient: float
    log10_gradient_spread: float | None
    extinct: int
    verdict: str
    rule: str
    certain: bool | None
    log10_weight_gradient_ratio: float
    learning_verdict: str | None
    log10_gradient_norm: float
    layers: tuple[LayerFigures, ...]
    input_log10_gradient: float
    notes: tuple[str, ...] = ()

    @property
    def dead(self) -> float:
        """The share of networks without any gradient at the input."""
        return self.extinct / self.settings.seeds

    @property
    def weight_gradient_ratio(self) -> float:
        """The first layer's weight-gradient norm over the last layer's; 0 and inf beyond the range of numbers."""
        return power_of_ten(self.log10_weight_gradient_ratio)


def power_of_ten(exponent: float) -> float:
    """Return 10^exponent, 0 and infinity where it leaves the range of numbers.

    >>> power_of_ten(-628), power_of_ten(2), power_of_ten(400)
    (0.0, 100.0, inf)
    """
    return 10.0**exponent if exponent < 308 else math.inf


def measure(settings: DepthSettings, progress: Callable[[float, int], None] | None = None) -> DepthResult:
    """Measure the networks of `settings` and compare them with the theory.

    Parameters
    ----------
    settings : DepthSettings
    progress : callable (networks done, networks in all), optional
        Within a network with real matrices it is told of parts of it, too.

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
    for figures in _networks(settings, chosen, progress):
        averages.add(figures)
        if progress is not None:
            progress(len(averages.log_ratios), settings.seeds)
    return _result(settings, chosen, predict(settings), averages)


def _networks(
    settings: DepthSettings, chosen: MeasurementPlan, progress: Callable[[float, int], None] | None
) -> Iterator[Figures]:
    """Yield the figures of all networks, some at a time."""
    last = settings.seed + settings.seeds
    if chosen.method == "law":
        for first in range(settings.seed, last, chosen.rows):
            sampler = ChainLaw if settings.residual == "none" else ResidualLaw
            yield sampler(settings, first, min(chosen.rows, last - first)).run()
        return
    for seed in range(settings.seed, last):
        run = network(settings, seed, chosen.kept_layers)
        if progress is not None and isinstance(run, ExplicitNetwork):
            run.tell = partial(_tell, progress, seed - settings.seed, settings.seeds)
        yield run.run()


def _tell(progress: Callable[[float, int], None], before: int, seeds: int, share: float) -> None:
    progress(before + share, seeds)


def network(settings: DepthSettings, seed: int, kept_layers: int) -> ExplicitNetwork | LstmNetwork:
    """Return a network with real matrices and room for them; it draws them as it runs."""
    dtype = np.dtype(settings.dtype)
    if settings.cell == "lstm":
        return LstmNetwork(settings, seed)
    if settings.widths is not None:
        return ExplicitNetwork(settings, seed, rooms(settings.sizes, dtype))
    return ExplicitNetwork(settings, seed, room(kept_layers, settings.width, dtype))


class Error(NamedTuple):
    """The standard error of the mean ln ratio and where it comes from."""

    value: float
    source: str


def _result(
    settings: DepthSettings, chosen: MeasurementPlan, prediction: Prediction, averages: Averages
) -> DepthResult:
    alive = np.array([value for value in averages.log_ratios if value > -math.inf])
    log_ratio = float(alive.mean()) if len(alive) else -math.inf
    error = _standard_error(settings, prediction, averages, alive)
    z, z_source = _z(prediction, log_ratio, alive)
    ratio = math.exp(log_ratio)
    log10 = settings.depth * log_ratio / LN10 if len(alive) else -math.inf
    verdict = verdict_of(log10)
    learning = _log10_learning(averages)
    return DepthResult(
        settings, chosen, prediction, ratio, ratio * error.value, error.source,
        expected_ratio=None if prediction.expected is None else math.exp(prediction.expected), z=z, z_source=z_source,
        log10_gradient=log10,
        log10_gradient_spread=float(alive.std(ddof=1)) * settings.depth / LN10 if len(alive) > 1 else None,
        extinct=averages.count - averages.alive, verdict=verdict, rule=VERDICT_RULE,
        certain=is_certain(log10, settings.depth * error.value / LN10),
        log10_weight_gradient_ratio=learning, learning_verdict=learning_verdict(learning) if len(alive) else None,
        log10_gradient_norm=averages.log_norm / averages.alive / LN10 if averages.alive else -math.inf,
        layers=_layers(settings, prediction, averages),
        input_log10_gradient=_mean_log10(averages.log_gradient[0], averages.alive, settings.sizes[0] * settings.batch),
        notes=_notes(settings, prediction, averages),
    )  # fmt: skip


def _log10_learning(averages: Averages) -> float:
    """Return log10 of the first layer's weight-gradient norm over the last's; nan where every gradient is 0."""
    if not averages.alive:
        return math.nan
    first, last = averages.log_weight_gradient[[0, -1]] / averages.alive / LN10
    return float(first - last) if first > -math.inf else -math.inf


def _standard_error(settings: DepthSettings, prediction: Prediction, averages: Averages, alive: Array) -> Error:
    if not len(alive):
        return Error(0.0, "every gradient is 0")
    if len(alive) >= ENOUGH_SEEDS:
        return Error(float(alive.std(ddof=1)) / math.sqrt(len(alive)), f"scatter of {len(alive)} networks")
    if prediction.log_ratio_error is not None:
        return Error(prediction.log_ratio_error / math.sqrt(len(alive)), "theory, sqrt(beta / (4 N L seeds))")
    if settings.cell != "none":
        return Error(math.nan, f"the steps share their weights: --seeds {ENOUGH_SEEDS} tells")
    steps = averages.depth * averages.alive
    mean = averages.squares.sum() / steps - (float(alive.mean())) ** 2
    return Error(math.sqrt(max(mean, 0.0) / max(steps - 1, 1)), "scatter of the layers")


def _z(prediction: Prediction, log_ratio: float, alive: Array) -> tuple[float | None, str]:
    """Return z and what it rests on: theory's error is of a normal law, that of a few networks is Student's."""
    if prediction.log_ratio is None or prediction.log_ratio_error is None or not len(alive):
        return None, "no error is known"
    off, count = log_ratio - prediction.log_ratio, len(alive)
    spread = float(alive.std(ddof=1)) if count >= ENOUGH_SEEDS else 0.0
    if prediction.upper_error and spread > 0:
        z = z_of_student(off / (spread / math.sqrt(count)), count - 1)
        return z, f"Student's t of {count} networks, as a normal z"
    error = math.hypot(prediction.log_ratio_error / math.sqrt(count), prediction.log_ratio_bias)
    source = "theory's error" + (", an upper estimate: |z| is rather larger" if prediction.upper_error else "")
    return (off / error, source) if error > 0 else (None, "no error is known")


def _mean_log10(total: float, count: int, entries: int) -> float:
    """Return log10 of a root mean square over `entries`, from the sum of ln of norms over `count` networks."""
    return (float(total) / count - math.log(entries) / 2) / LN10 if count else -math.inf


def _layers(settings: DepthSettings, prediction: Prediction, averages: Averages) -> tuple[LayerFigures, ...]:
    sizes, alive = settings.sizes, averages.alive
    mean = averages.sums / averages.count
    log10_variance = (averages.log_variance - math.log(averages.count)) / LN10
    expected = _expected_log10(settings, prediction)
    steps = -np.diff(averages.log_gradient[1:]) / max(alive, 1)
    with np.errstate(over="ignore"):  # a factor beyond 1e308
        ratios = np.exp(steps)
    return tuple(
        LayerFigures(
            layer + 1,
            *_figures(mean[:, layer], float(log10_variance[layer])),
            _mean_log10(averages.log_gradient[layer + 1], alive, sizes[layer + 1] * settings.batch),
            _mean_log10(averages.log_weight_gradient[layer], alive, sizes[layer] * sizes[layer + 1]),
            (float(ratios[layer]) if alive else 0.0) if layer + 1 < settings.depth else None,
            expected[layer] if expected else None,
        )
        for layer in range(settings.depth)
    )


def _figures(column: Array, log10_variance: float) -> tuple[float, float, float, float, float]:
    mean, variance, saturated, dead = column.tolist()
    return mean, variance, log10_variance, saturated, dead


def _expected_log10(settings: DepthSettings, prediction: Prediction) -> list[float] | None:
    """Return the predicted log10_gradient of layers 1..L: the sum of what the layers after each contribute."""
    if prediction.log_ratio is None:
        return None
    steps = np.array([layer.log_chi + layer.log_shift for layer in prediction.layers]) / 2
    after = np.concatenate([np.cumsum(steps[:0:-1])[::-1], [0.0]])
    entries = np.log(np.array(settings.sizes[1:], float) * settings.batch) / 2
    return [float(value) for value in (after - entries) / LN10]


def _notes(settings: DepthSettings, prediction: Prediction, averages: Averages) -> tuple[str, ...]:
    notes = list(prediction.notes)
    extinct = averages.count - averages.alive
    if extinct:
        notes.append(f"{extinct} of {averages.count} networks have gradient 0 at the input: {_why_dead(settings)}")
    return tuple(notes)


def _why_dead(settings: DepthSettings) -> str:
    """Return what makes a gradient exactly 0."""
    if not any(law.sigma or law.mean for law in (settings.weights_of(layer) for layer in range(settings.depth))):
        return "all weights are 0"
    if settings.phi.flat:
        return f"every unit of some layer is where the slope of {settings.activation} is 0"
    return "some layer's signal is constant"
