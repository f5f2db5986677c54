"""What mean-field theory says of a network before it is built, with its first correction in 1/N, or why it is silent.

Layer l multiplies the mean square of the gradient by chi_l. What is drawn at width N scatters about that: the log
of the squared norm's factor has variance about beta/N and mean ln chi_l - beta/(2N), with beta = 3 kappa - 1,
kappa = E phi'^4 / (E phi'^2)^2 (2 for linear networks, 5 for ReLU: Hanin & Nica 2020, arXiv:1812.05994; any phi:
the same reduction, checked against the sampler). Orthogonal weights keep norms, which takes 2 from beta.
"""

from __future__ import annotations

import math
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from dlmath.engine.depth.length_map import BOUNDLESS, VANISHED, Layer, depth_scale, fixed_point
from dlmath.engine.depth.quadrature import homogeneous_slopes, moments
from dlmath.engine.depth.settings import CONSTANT, ORTHOGONAL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dlmath.engine.depth.quadrature import Moments
    from dlmath.engine.depth.settings import DepthSettings

POINTS = 16
"""Nodes a panel, layer by layer: an error of 1e-12 is far below 1/N."""
UNRELIABLE = 0.1
"""The theory is silent once the scatter of q alone moves ln chi by more than this (one standard deviation)."""
NOTICEABLE = 0.01  # a variance of ln q below it cannot do that
ODD = frozenset({"tanh", "linear"})
SMALLEST_BATCH = 4  # (B - 2) / (B - 3) of batch normalization


class LayerTheory(NamedTuple):
    """One layer as the theory has it.

    Attributes
    ----------
    q : float
        Variance of what phi is applied to.
    log_chi : float
        ln of the factor of the gradient's mean square, in networks of infinite width.
    log_shift : float
        The 1/N term of its mean: -beta/(2N), and what a normalization takes away.
    log_variance : float
        Its variance over networks, beta / N.
    """

    q: float
    log_chi: float
    log_shift: float
    log_variance: float


class Prediction(NamedTuple):
    """What is expected, or None with the reason.

    Attributes
    ----------
    ratio : float or None
        Factor of the gradient's norm a layer: sqrt(chi_1) at the fixed point; where layers differ for ever
        (residual networks) their geometric mean.
    q_star, chi_1, depth_scale, q_depth_scale, beta : float or None
        Of the fixed point (see `length_map.FixedPoint`); None where there is none.
    log_ratio : float or None
        Expected mean over the layers of the log of the norm's factor, layer by layer from an input of mean
        square 1, with the 1/N term: what z compares with.
    log_ratio_mean_field : float or None
        The same without the 1/N term.
    log_ratio_error : float or None
        Its standard deviation over networks.
    layers : tuple of LayerTheory
        Layer 1 first; empty where nothing is predicted.
    reason : str or None
        Why there is no ratio, or nothing for z to compare with.
    notes : tuple of str
    """

    ratio: float | None
    q_star: float | None = None
    chi_1: float | None = None
    depth_scale: float | None = None
    q_depth_scale: float | None = None
    beta: float | None = None
    log_ratio: float | None = None
    log_ratio_mean_field: float | None = None
    log_ratio_error: float | None = None
    layers: tuple[LayerTheory, ...] = ()
    reason: str | None = None
    notes: tuple[str, ...] = ()


def predict(settings: DepthSettings) -> Prediction:
    """Return what theory says of a network, None and a reason where it has nothing to say.

    Examples
    --------
    >>> from dlmath.engine.depth.settings import DepthSettings
    >>> round(predict(DepthSettings(activation="sigmoid", init="lecun")).ratio, 10)
    0.236052339
    >>> predict(DepthSettings(init="uniform:0:1")).reason[:28]
    'the weights have mean 0.5, n'
    """
    reason = no_theory(settings)
    if reason:
        return Prediction(None, reason=reason)
    layers = tuple(islice(layer_theories(settings), settings.depth))
    return _at_fixed_point(settings, _over_layers(settings, layers))


def no_theory(settings: DepthSettings) -> str | None:
    """Return why mean-field theory does not apply to these settings, or None."""
    weights = settings.weights
    if weights.mean:
        return f"the weights have mean {weights.mean:g}, not 0: every unit is pushed the same way, N mean(w) at a time"
    if weights.family == CONSTANT or weights.sigma == 0:
        return "all weights of a layer are equal: the units are copies of each other"
    if settings.residual == "post" and settings.activation not in ODD:
        return (
            f"x + phi(W x) with {settings.activation}, which is not odd: the mean of phi adds up in x and carries the "
            "gradient with it; x + W phi(x) has a theory"
        )
    if settings.normalize == "batch" and settings.batch < SMALLEST_BATCH:
        return f"batch normalization over {settings.batch} inputs: the mean factor is infinite below {SMALLEST_BATCH}"
    return None


# ---------------------------------------------------------------- layer by layer


def layer_theories(settings: DepthSettings) -> Iterator[LayerTheory]:
    """Yield the layers from the input (mean square 1) on, without end."""
    if settings.residual == "none":
        return _plain_layers(settings)
    return _pre_layers(settings) if settings.residual == "pre" else _post_layers(settings)


def _gain(settings: DepthSettings, square: float) -> float:
    """Return N times the variance of the weights of a layer whose input has mean square `square`."""
    weights = settings.weights
    return 1 / square if weights.unit_variance and square > 0 else weights.sigma**2


def _finite_width(settings: DepthSettings, means: Moments) -> float:
    """Return beta / N."""
    lost = 3 if settings.weights.family == ORTHOGONAL else 1
    return (3 * means.kurtosis - lost) / settings.width


def _batch_factor(settings: DepthSettings) -> float:
    """Return (B - 2)/(B - 3), by which batch normalization of B inputs exceeds its limit; exact in linear networks.

    It is (1 - 2/B), for two directions of B are lost, times E 1/s^2; within 2 % for every phi from B = 8.
    """
    return (settings.batch - 2) / (settings.batch - 3) if settings.normalize == "batch" else 1.0


def _lost_directions(settings: DepthSettings) -> float:
    """Return ln(1 - 2/N), for layer normalization lets no gradient through along 1 and along its output."""
    if settings.normalize != "layer":
        return 0.0
    return math.log1p(-2 / settings.width) if settings.width > 2 else -math.inf


def _spread(settings: DepthSettings, means: Moments) -> float:
    """Return the part of E phi^2 that the next layer's variance sees: all of it, or without the mean over a batch."""
    return means.square - means.mean**2 if settings.normalize == "batch" else means.square


def _means(settings: DepthSettings, q: float) -> Moments:
    return moments(settings.phi, min(max(q, VANISHED**2), BOUNDLESS**2), POINTS)


def _plain_layers(settings: DepthSettings) -> Iterator[LayerTheory]:
    """Yield layers x' = phi(W x + b): chi = sigma_w^2 E phi'^2, over the variance where there is a normalization."""
    square, before, means = 1.0, -1.0, _means(settings, 1.0)
    while True:
        gain = _gain(settings, square)
        variance = gain * square + settings.sigma_b**2
        q = 1.0 if settings.normalize != "none" else variance
        if q != before:
            means, before = _means(settings, q), q
        chi = gain * means.slope_square * _batch_factor(settings) * (q / variance if variance else 1.0)
        square, scatter = _spread(settings, means), _finite_width(settings, means)
        yield LayerTheory(q, _log(chi), _lost_directions(settings) - scatter / 2, scatter)


def _pre_layers(settings: DepthSettings) -> Iterator[LayerTheory]:
    """Yield layers x' = x + W phi(x) + b: factor 1 + sigma_w^2 E phi'^2 (Yang & Schoenholz 2017), over v if normed."""
    square = 1.0
    while True:
        q = square if settings.normalize == "none" else 1.0
        means = _means(settings, q)
        seen = _spread(settings, means)
        gain = _gain(settings, seen)
        branch = gain * means.slope_square * (q / square) * _batch_factor(settings)
        square += gain * seen + settings.sigma_b**2
        yield _residual_layer(settings, q, branch, means)


def _post_layers(settings: DepthSettings) -> Iterator[LayerTheory]:
    """Yield layers x' = x + phi(W x + b), phi odd: factor 1 + sigma_w^2 E phi'^2 at q = sigma_w^2 E x^2 + sigma_b^2."""
    square = 1.0
    while True:
        gain = _gain(settings, square)
        variance = gain * square + settings.sigma_b**2
        q = variance if settings.normalize == "none" else 1.0
        means = _means(settings, q)
        branch = gain * means.slope_square * (q / variance) * _batch_factor(settings)
        square += means.square
        yield _residual_layer(settings, q, branch, means)


def _residual_layer(settings: DepthSettings, q: float, branch: float, means: Moments) -> LayerTheory:
    """Join the identity's 1 and the branch's factor a.

    |e + D W'e|^2 / |e|^2 scatters by the cross term, 4 a / N, and by the branch itself, a^2 beta / N.
    """
    whole = 1 + branch
    scatter = (4 * branch / settings.width + branch**2 * _finite_width(settings, means)) / whole**2
    lost = branch * math.expm1(_lost_directions(settings)) / whole
    return LayerTheory(q, math.log(whole), lost - scatter / 2, scatter)


def _log(value: float) -> float:
    return math.log(value) if value > 0 else -math.inf


# ---------------------------------------------------------------- the whole network


def _over_layers(settings: DepthSettings, layers: tuple[LayerTheory, ...]) -> Prediction:
    """Average over the layers: half of ln chi and of its 1/N term, since norms are square roots."""
    count = len(layers)
    plain = sum(layer.log_chi for layer in layers) / (2 * count)
    shift = sum(layer.log_shift for layer in layers) / (2 * count)
    scatter = sum(layer.log_variance for layer in layers)
    found = Prediction(
        math.exp(plain), log_ratio=plain + shift, log_ratio_mean_field=plain,
        log_ratio_error=math.sqrt(max(scatter, 0.0)) / (2 * count), layers=layers,
    )  # fmt: skip
    silent = _silent(settings, layers)
    if silent is None:
        return found
    reason, keeps_ratio = silent
    return found._replace(
        ratio=found.ratio if keeps_ratio else None, log_ratio=None, log_ratio_error=None, reason=reason
    )


def _silent(settings: DepthSettings, layers: tuple[LayerTheory, ...]) -> tuple[str, bool] | None:
    """Return why nothing can be compared with the layerwise theory, and whether its ratio still is a fair guess."""
    if settings.clip is not None:
        return "clipping replaces the gradient's own factor", True
    if settings.normalize == "batch":
        return "batch normalization: its scatter and 1/N term at finite batch are not known", True
    follows_length = settings.residual == settings.normalize == "none" and not settings.weights.unit_variance
    if follows_length and scatter_of_lengths(settings, layers) > UNRELIABLE:
        return "unstable length map: a network's own scatter of q, of order 1/sqrt(N), grows from layer to layer", False
    return None


def scatter_of_lengths(settings: DepthSettings, layers: tuple[LayerTheory, ...]) -> float:
    """Return by how much (one standard deviation) the scatter of ln q moves ln chi, in the worst layer.

    Var ln q grows by (E phi^4 / (E phi^2)^2 - 1) / N a layer and is multiplied by the square of the map's
    elasticity d ln q' / d ln q.
    """
    if homogeneous_slopes(settings.phi):
        return 0.0  # chi does not depend on q
    worst = variance = 0.0
    before = -1.0
    means = _means(settings, 1.0)
    for layer in layers:
        q = layer.q
        if not VANISHED < q < BOUNDLESS:
            break
        if variance > NOTICEABLE:
            nearby = _means(settings, q * 1.05).slope_square
            means_here = _means(settings, q).slope_square
            worst = max(worst, abs(math.log(nearby / means_here)) / math.log(1.05) * math.sqrt(variance))
        if q != before:
            means, before = _means(settings, q), q
        pull = (
            settings.weights.sigma**2
            * means.cross
            * q
            / (settings.weights.sigma**2 * means.square + settings.sigma_b**2)
        )
        variance = pull**2 * variance + (means.fourth / means.square**2 - 1) / settings.width
    return worst


def _at_fixed_point(settings: DepthSettings, found: Prediction) -> Prediction:
    """Add what holds far from the input, where layers no longer differ."""
    if settings.residual != "none":
        return found
    if settings.normalize != "none" or settings.weights.unit_variance:
        return _normalized_point(settings, found)
    layer = Layer(settings.phi, settings.weights.sigma, settings.sigma_b)
    point = fixed_point(layer)
    beta = point.beta - (2 if settings.weights.family == ORTHOGONAL else 0)
    ratio = None if found.ratio is None else math.sqrt(point.chi_1)
    return found._replace(
        ratio=ratio, q_star=point.q_star, chi_1=point.chi_1, depth_scale=point.depth_scale,
        q_depth_scale=point.q_depth_scale, beta=beta,
    )  # fmt: skip


def _normalized_point(settings: DepthSettings, found: Prediction) -> Prediction:
    """Return chi = E phi'^2 / E phi^2 at q = 1 (layer), E phi'^2 / Var phi (batch): no sigma_w in it."""
    second = next(islice(layer_theories(settings), 1, 2))  # from there on all layers are alike
    chi = math.exp(second.log_chi)
    beta = second.log_variance * settings.width
    return found._replace(ratio=math.sqrt(chi), q_star=second.q, chi_1=chi, depth_scale=depth_scale(chi), beta=beta)
