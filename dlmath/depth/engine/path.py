"""Why it vanishes, on one path: dx^L_j / dx^0_i is a sum over all paths of products of weights and slopes.

    dx^L_j/dx^0_i = sum over paths i = k_0, k_1, ..., k_L = j of the product of phi'(z^l_(k_l)) w^l_(k_l, k_(l-1))

(Hochreiter 1991). Shown is the path whose product is largest. Every path obeys |product| <= max|phi'|^L * product of
|w|; for sigmoids 0.25^L.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dlmath.depth.engine.bounds import log_bound, no_bound
from dlmath.depth.engine.explicit import ExplicitNetwork
from dlmath.depth.engine.matrices import rooms
from dlmath.depth.engine.planner import count_weights, plan
from dlmath.depth.engine.settings import DepthSettings, check_settings
from dlmath.errors import InvalidValueError, TooLargeError

if TYPE_CHECKING:
    from dlmath.neural.activations import Activation
    from dlmath.neural.arrays import Array

MOST_WEIGHTS = 50_000_000
LN10 = math.log(10)


class Factor(NamedTuple):
    """One step of the path, from unit `source` of the layer before to `unit`; units count from 1.

    Attributes
    ----------
    layer, source, unit : int
    weight, z, slope : float
        w, the weighted sum z of the unit, phi'(z).
    log10_product : float
        log10 of the absolute product of weights and slopes up to here.
    """

    layer: int
    source: int
    unit: int
    weight: float
    z: float
    slope: float
    log10_product: float


class PathResult(NamedTuple):
    """The chain of factors of the strongest path, and the bounds over it.

    Attributes
    ----------
    factors : tuple of Factor
        Layer 1 first.
    max_slope : float
        The largest |phi'|.
    log10_slope_bound : float
        log10 of max_slope^L.
    log10_path_bound : float
        log10 of max_slope^L times the product of this path's |weights|.
    log10_paths : float
        log10 of the number of paths between one input and one output unit.
    ranges : tuple of (float, float)
        The range of phi, and what repeated application of phi makes of it: the squashing of a chain of units with
        weight 1.
    spreads : tuple of float
        Mean over units of the difference between the outputs for two different inputs, layer by layer.
    log10_bound : float or None
        log10 of the bound over this very network: slopes and largest singular values (see `bounds`).
    log10_measured : float
        log10 of what its gradient's norm was multiplied by, all paths together, for both inputs.
    """

    factors: tuple[Factor, ...]
    max_slope: float
    log10_slope_bound: float
    log10_path_bound: float
    log10_paths: float
    ranges: tuple[tuple[float, float], ...]
    spreads: tuple[float, ...]
    log10_bound: float | None
    log10_measured: float


def strongest_path(settings: DepthSettings) -> PathResult:
    """Return the chain of factors of the first seed's network.

    Raises
    ------
    InvalidValueError
        For residual or normalised networks: their gradient is no product of weights and slopes.
    TooLargeError

    Examples
    --------
    >>> result = strongest_path(DepthSettings(depth=3, width=4, activation="sigmoid"))
    >>> len(result.factors), round(result.log10_slope_bound, 6)
    (3, -1.80618)
    """
    check_settings(settings)
    _check_plain(settings)
    settings = settings._replace(batch=2, method="explicit", dtype="float64", seeds=1)
    plan(settings)
    store = rooms(settings.sizes[: 2 if settings.cell != "none" else None], np.dtype(np.float64))
    network = ExplicitNetwork(settings, settings.seed, store)
    network.forward()
    return _result(settings, network)


def _check_plain(settings: DepthSettings) -> None:
    if settings.residual != "none" or settings.normalize != "none" or settings.cell == "lstm":
        raise InvalidValueError(
            "the gradient of a residual or normalised network, or of an LSTM, is no single chain of factors",
            "explain it without --residual, --normalize and --cell lstm",
        )
    if count_weights(settings) > MOST_WEIGHTS:
        raise TooLargeError(
            f"depth {settings.depth} x width {settings.width} has too many weights to follow a path through",
            f"explain a network of at most {MOST_WEIGHTS:,} weights: fewer layers or units",
        )


def _result(settings: DepthSettings, network: ExplicitNetwork) -> PathResult:
    factors = _factors(network)
    bound = settings.depth * math.log10(settings.phi.max_slope)
    with np.errstate(divide="ignore"):
        weights = float(np.sum(np.log10(np.abs([factor.weight for factor in factors]))))
    return PathResult(
        factors, settings.phi.max_slope, bound, bound + weights,
        float(np.sum(np.log10(settings.sizes[1:-1]))), squashed_ranges(settings.phi, settings.depth), _spreads(network),
        log_bound(network) / LN10 if no_bound(settings) is None else None, _measured(network),
    )  # fmt: skip


def _measured(network: ExplicitNetwork) -> float:
    log_gradient, _ = network.backward()
    return float(log_gradient[0] - log_gradient[-1]) / LN10


def _slopes(network: ExplicitNetwork, layer: int) -> tuple[Array, Array, Array]:
    """Return z, the sign of phi'(z) and ln |phi'(z)| of a layer's units, for the first input."""
    passed = network.states[layer].passed
    with np.errstate(over="ignore", divide="ignore"):
        z = passed.u[0].astype(np.float64) * np.exp(passed.log_u)
        if passed.log_u:  # phi was replaced by its limit: the slopes are the limit's
            return z, np.sign(passed.slope[0]), np.log(np.abs(passed.slope[0].astype(np.float64)))
    return z, *network.settings.phi.log_slope(z)


def _factors(network: ExplicitNetwork) -> tuple[Factor, ...]:
    """Follow the best path to every unit, layer by layer, then walk back from the best unit of the last layer."""
    best = np.zeros(network.sizes[0])
    steps: list[tuple[Array, Array, Array, Array, Array, Array]] = []
    for layer in range(network.settings.depth):
        matrix, gain = network.matrix(layer)
        matrix = matrix * math.exp(gain)
        z, sign, log = _slopes(network, layer)
        with np.errstate(divide="ignore"):  # a weight of 0: no path
            reached = best + np.log(np.abs(matrix))
        source = reached.argmax(axis=1)
        best = reached[np.arange(len(source)), source] + log
        steps.append((matrix, source, z, sign, log, best))
    return tuple(reversed(list(_walk(steps, int(best.argmax())))))


def _walk(steps: list[tuple[Array, Array, Array, Array, Array, Array]], unit: int) -> list[Factor]:
    factors = []
    for layer in range(len(steps), 0, -1):
        matrix, source, z, sign, log, best = steps[layer - 1]
        before = int(source[unit])
        slope = float(sign[unit] * np.exp(log[unit]))
        weight, product = float(matrix[unit, before]), float(best[unit]) / LN10
        factors.append(Factor(layer, before + 1, unit + 1, weight, float(z[unit]), slope, product))
        unit = before
    return factors


def squashed_ranges(phi: Activation, depth: int) -> tuple[tuple[float, float], ...]:
    """Return the range of phi and its images under phi, phi(phi), ...: what is left of differences after each layer.

    Examples
    --------
    >>> from dlmath.neural.activations import get_activation
    >>> [(round(low, 3), round(high, 3)) for low, high in squashed_ranges(get_activation("sigmoid"), 3)]
    [(0.0, 1.0), (0.5, 0.731), (0.622, 0.675)]
    """
    ranges = [phi.range]
    while len(ranges) < depth:
        low, high = phi.value(np.array(ranges[-1]))
        ranges.append((float(low), float(high)))
    return tuple(ranges)


def _spreads(network: ExplicitNetwork) -> tuple[float, ...]:
    """Return how far apart the two inputs' outputs are, layer by layer."""
    outputs = [state.passed.output for state in network.states]
    return tuple(
        float(np.abs(x.array[0] - x.array[1]).mean(dtype=np.float64)) * math.exp(min(x.log, 700.0)) for x in outputs
    )
