"""Mean-field theory layer by layer, from an input of mean square 1: each layer's q, its chi, and their 1/N terms."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from dlmath.depth.engine.finite_width import BOTH, DepthChain, LayerMap, log_sum, shape
from dlmath.depth.engine.length_map import BOUNDLESS, VANISHED
from dlmath.neural.initialisers import ORTHOGONAL
from dlmath.neural.quadrature import moments, squares

if TYPE_CHECKING:
    from dlmath.depth.engine.finite_width import Shape
    from dlmath.depth.engine.settings import DepthSettings, WeightLaw
    from dlmath.neural.quadrature import Moments, Squares

SHARED_SIGNAL = 1.5
"""By so much the standard deviation of a residual network's total may exceed that of independent layers (measured)."""
POINTS = 16
"""Nodes a panel, layer by layer: an error of 1e-12 is far below 1/N."""


class LayerTheory(NamedTuple):
    """One layer as the theory has it.

    Attributes
    ----------
    q : float
        Variance of what phi is applied to.
    log_chi : float
        ln of the factor of the gradient's mean square, in networks of infinite width.
    log_shift : float
        The 1/N term of its mean.
    log_variance : float
        Its variance over networks, about beta / N.
    """

    q: float
    log_chi: float
    log_shift: float
    log_variance: float


def layer_theories(settings: DepthSettings) -> tuple[tuple[LayerTheory, ...], float]:
    """Return the layers, layer 1 first, and the strain on the theory (see `finite_width.Corrections`)."""
    if settings.residual == "none":
        return _plain_layers(settings)
    return (_pre_layers if settings.residual == "pre" else _post_layers)(settings), 0.0


def _inside(q: float) -> float:
    """Return q or, in its place, an extreme at which phi is its limit."""
    return min(max(q, VANISHED**2), BOUNDLESS**2)


def _means(settings: DepthSettings, q: float) -> Moments:
    return moments(settings.phi, _inside(q), POINTS)


def _log_gain(weights: WeightLaw, square: float) -> float:
    """Return ln of fan_in times the variance of the weights of a layer whose input has mean square `square`."""
    return -_log(square) if weights.unit_variance and square > 0 else 2 * _log(weights.sigma)


def _batch_factor(settings: DepthSettings) -> float:
    """Return (B - 2)/(B - 3), by which batch normalization of B inputs exceeds its limit; exact in linear networks.

    It is (1 - 2/B), for two directions of B are lost, times E 1/s^2; within 2 % for every phi from B = 8.
    """
    return (settings.batch - 2) / (settings.batch - 3) if settings.normalize == "batch" else 1.0


def _spread(settings: DepthSettings, means: Moments | Squares) -> float:
    """Return the part of E phi^2 that the next layer's variance sees: all of it, or without the mean over a batch."""
    return means.square - means.mean**2 if settings.normalize == "batch" else means.square


def _log(value: float) -> float:
    return math.log(value) if value > 0 else -math.inf


# ---------------------------------------------------------------- plain networks


def _plain_layers(settings: DepthSettings) -> tuple[tuple[LayerTheory, ...], float]:
    """Return the layers x' = phi(norm(W x + b)): chi = sigma_w^2 E phi'^2, over the variance if normalised."""
    maps, logs, first_share = _plain_maps(settings)
    weights = settings.weights
    chain = DepthChain(
        settings.phi, settings.sizes[1:], settings.sigma_b, orthogonal=weights.family == ORTHOGONAL,
        normalized=settings.normalize == "layer", unit_variance=weights.unit_variance and settings.normalize == "none",
        first_share=first_share,
    )  # fmt: skip
    corrections = chain.corrections(maps)
    layers = zip(maps, logs, corrections.layers, strict=True)
    return tuple(LayerTheory(map_.q, log, *correction) for map_, log, correction in layers), corrections.strain


def _laws(settings: DepthSettings) -> list[tuple[WeightLaw, float]]:
    """Return each layer's weights and ln of the variance of its biases; one more, of a layer after the last."""
    layers = range(1 if settings.widths is None else settings.depth)
    laws = [(settings.weights_of(layer), 2 * _log(settings.biases_of(layer).sigma)) for layer in layers]
    return laws + laws[-1:] * (settings.depth + 1 - len(laws))


def _plain_maps(settings: DepthSettings) -> tuple[list[LayerMap], list[float], float]:
    """Return the maps of the layers, ln chi of each, and the part of layer 1's q that comes through its weights.

    All in logarithms, because the square of a sigma_w of 1e-200 is no number.
    """
    phi, depth = settings.phi, settings.depth
    laws = _laws(settings)
    log_gain = _log_gain(laws[0][0], 1.0)
    log_variance = log_sum(log_gain, laws[0][1])
    first_share = math.exp(log_gain - log_variance) if log_variance > -math.inf else 1.0
    before, means = -1.0, squares(phi, 1.0, POINTS)
    maps: list[LayerMap] = []
    logs: list[float] = []
    for layer in range(depth):
        normed = settings.normalize != "none"
        q = 1.0 if normed else _inside(math.exp(min(log_variance, 700.0)))
        if q != before:
            means, before = squares(phi, q, POINTS), q
        log_chi = log_gain + _log(means.slope_square) + math.log(_batch_factor(settings))
        logs.append(log_chi - log_variance if normed and log_variance > -math.inf else log_chi)
        square = _spread(settings, means)
        weights, log_noise = laws[layer + 1]
        log_gain = _log_gain(weights, square)
        through = log_gain + _log(square)
        log_variance = log_sum(through, log_noise)
        share = math.exp(through - log_variance) if log_variance > -math.inf else 1.0
        maps.append(LayerMap(q, log_gain, share))
    return maps, logs, first_share


# ---------------------------------------------------------------- residual networks


class _Stem(NamedTuple):
    """The signal that residual branches add to: its mean square v, and N times the variance of ln v."""

    square: float
    scatter: float

    def after(self, added: float, scatter: float) -> _Stem:
        """Return the stem once a branch of mean square `added` is on it, which scatters by `scatter` itself.

        |x + z|^2 = |x|^2 + 2 x.z + |z|^2, and x.z is drawn anew: 4 v added / N.
        """
        whole = self.square + added
        drawn = 4 * self.square * added + added**2 * scatter
        return _Stem(whole, (self.square**2 * self.scatter + drawn) / whole**2)


def _pre_layers(settings: DepthSettings) -> tuple[LayerTheory, ...]:
    """Return layers x' = x + W phi(x) + b: factor 1 + sigma_w^2 E phi'^2 (Yang & Schoenholz 2017), over v if normed."""
    stem = _Stem(1.0, 0.0)
    layers = []
    for _ in range(settings.depth):
        q = stem.square if settings.normalize == "none" else 1.0
        means = _means(settings, q)
        seen = _spread(settings, means)
        gain = math.exp(_log_gain(settings.weights, seen))
        branch = gain * means.slope_square * (q / stem.square) * _batch_factor(settings)
        normed = shape(settings.phi, 1.0) if settings.normalize == "layer" else None
        lost = 0.0 if normed is None else 1 + normed.rho
        layers.append(_residual_layer(settings, q, branch, means, lost, stem.scatter if normed else 0.0))
        drawn = 0.0 if settings.weights.family == ORTHOGONAL else 2.0
        stem = stem.after(gain * seen + settings.sigma_b**2, drawn + _sample(normed))
    return tuple(layers)


def _post_layers(settings: DepthSettings) -> tuple[LayerTheory, ...]:
    """Return layers x' = x + phi(W x + b), phi odd: factor 1 + sigma_w^2 E phi'^2, q = sigma_w^2 E x^2 + sigma_b^2."""
    stem = _Stem(1.0, 0.0)
    layers = []
    for _ in range(settings.depth):
        log_gain = _log_gain(settings.weights, stem.square)
        log_variance = log_sum(log_gain + _log(stem.square), 2 * _log(settings.sigma_b))
        q = math.exp(log_variance) if settings.normalize == "none" else 1.0
        means = _means(settings, q)
        divided = 0.0 if settings.normalize == "none" else log_variance
        branch = math.exp(log_gain - divided) * means.slope_square * _batch_factor(settings)
        normed = shape(settings.phi, 1.0) if settings.normalize == "layer" else None
        # of the two directions lost and the one W' cannot reach, dividing by a sample's s gives two back
        lost = 0.0 if normed is None else normed.rho
        layers.append(_residual_layer(settings, q, branch, means, lost, stem.scatter if normed else 0.0))
        stem = stem.after(means.square, _sample(normed))
    return tuple(layers)


def _sample(normed: Shape | None) -> float:
    """Return N times the relative variance of the sample mean of phi^2 behind a normalisation."""
    return 0.0 if normed is None else normed.scatter(0.0, 1.0, BOTH)


def _residual_layer(
    settings: DepthSettings, q: float, branch: float, means: Moments, lost: float, stem_scatter: float
) -> LayerTheory:
    """Join the identity's 1 and the branch's factor a, of which lost / N is missing.

    |e + D W'e|^2 / |e|^2 scatters by the cross term, 4 a / N, and by the branch itself, a^2 beta / N: in layers on
    their own. Those of a residual network share their signal, so that whole networks scatter up to half as much
    again (`SHARED_SIGNAL`). Where a is
    divided by the stem's v, the mean of ln(1 + a) follows the scatter of ln v: a part p (2 - p) / 2 of its variance,
    p = a / (1 + a).
    """
    whole = 1 + branch
    part = branch / whole
    beta = 3 * means.kurtosis - (3 if settings.weights.family == ORTHOGONAL else 1)
    scatter = 4 * part / whole + part**2 * beta
    shift = part * (2 - part) * stem_scatter / 2 - part * lost - scatter / 2
    return LayerTheory(q, math.log(whole), shift / settings.width, scatter / settings.width)
