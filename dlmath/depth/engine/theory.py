"""What mean-field theory says of a network before it is built, with its first correction in 1/N, or why it is silent.

Layer l multiplies the mean square of the gradient by chi_l. What is drawn at width N scatters about that: the log
of the squared norm's factor has variance about beta/N and mean about ln chi_l - beta/(2N), with beta = 3 kappa - 1,
kappa = E phi'^4 / (E phi'^2)^2 (2 for linear networks, 5 for ReLU: Hanin & Nica 2020, arXiv:1812.05994); the other
terms of order 1/N are in `finite_width`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from dlmath.depth.engine.layer_theory import SHARED_SIGNAL, LayerTheory, layer_theories
from dlmath.depth.engine.length_map import (
    BOUNDLESS,
    VANISHED,
    LengthMapLayer,
    depth_scale,
    fixed_point,
    settled_correlation,
)
from dlmath.neural.initialisers import CONSTANT, ORTHOGONAL

if TYPE_CHECKING:
    from dlmath.depth.engine.length_map import DepthCorrelation
    from dlmath.depth.engine.settings import DepthSettings

UNRELIABLE = 0.1
"""The theory is silent once scatter that grows with depth moves ln chi by more than this (one standard deviation)."""
LARGEST_STEP = 0.5
"""So is it beyond this variance of one layer's log factor, about beta / N."""
WIDER = 2.0
"""Scatter that comes through an unstable q is wider than its first term: by this times the strain, measured."""
LARGEST_EXPONENT = 700.0
SMALLEST_BATCH = 4  # (B - 2) / (B - 3) of batch normalization


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
    log_ratio_bias : float
        By how much log_ratio itself may be off: terms beyond 1/N.
    upper_error : bool
        log_ratio_error is an upper estimate (residual networks).
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
    log_ratio_bias: float = 0.0
    upper_error: bool = False
    layers: tuple[LayerTheory, ...] = ()
    reason: str | None = None
    notes: tuple[str, ...] = ()

    @property
    def expected(self) -> float | None:
        """Ln of the factor that is expected of this network: with the 1/N term, or as far as theory goes."""
        if self.log_ratio is not None or self.ratio is None:
            return self.log_ratio
        return self.log_ratio_mean_field


def predict(settings: DepthSettings) -> Prediction:
    """Return what theory says of a network, None and a reason where it has nothing to say.

    Examples
    --------
    >>> from dlmath.depth.engine.settings import DepthSettings
    >>> round(predict(DepthSettings(activation="sigmoid", init="lecun")).ratio, 10)
    0.236052339
    >>> predict(DepthSettings(init="uniform:0:1")).reason[:28]
    'the weights have mean 0.5, n'
    """
    reason = no_theory(settings)
    if reason:
        return Prediction(None, reason=reason)
    layers, strain = layer_theories(settings)
    return _at_fixed_point(settings, _over_layers(settings, layers, strain))


def correlation(settings: DepthSettings, prediction: Prediction) -> DepthCorrelation | None:
    """Return where the correlation of two inputs settles and how fast; None where lengths have no fixed point.

    Examples
    --------
    >>> from dlmath.depth.engine.settings import DepthSettings
    >>> chaos = DepthSettings(activation="tanh", weight_std=2.0**0.5, bias_std=0.05**0.5)
    >>> round(correlation(chaos, predict(chaos)).c_star, 6)
    0.744082
    """
    q_star = prediction.q_star
    plain = settings.residual == "none" and settings.normalize == "none" and not settings.weights.unit_variance
    if not plain or settings.widths is not None or q_star is None or not VANISHED < q_star < BOUNDLESS:
        return None
    return settled_correlation(LengthMapLayer(settings.phi, settings.weights.sigma, settings.sigma_b), q_star)


def no_theory(settings: DepthSettings) -> str | None:
    """Return why mean-field theory does not apply to these settings, or None."""
    weights = settings.weights
    if settings.cell != "none":
        return (
            "the same weights are used again at every step, and mean-field theory draws new ones for every layer; "
            "in the end the spectral radius of W decides"
        )
    if weights.mean:
        return f"the weights have mean {weights.mean:g}, not 0: every unit is pushed the same way, N mean(w) at a time"
    if weights.family == CONSTANT or weights.sigma == 0:
        return "all weights of a layer are equal: the units are copies of each other"
    if settings.residual == "post" and not settings.phi.odd:
        return (
            f"x + phi(W x) with {settings.activation}, which is not odd: the mean of phi adds up in x and carries the "
            "gradient with it; x + W phi(x) has a theory"
        )
    if settings.normalize == "batch" and settings.batch < SMALLEST_BATCH:
        return f"batch normalization over {settings.batch} inputs: the mean factor is infinite below {SMALLEST_BATCH}"
    return None


# ---------------------------------------------------------------- the whole network


def _over_layers(settings: DepthSettings, layers: tuple[LayerTheory, ...], strain: float) -> Prediction:
    """Average over the layers: half of ln chi and of its 1/N term, since norms are square roots."""
    count = len(layers)
    plain = sum(layer.log_chi for layer in layers) / (2 * count)
    shift = sum(layer.log_shift for layer in layers) / (2 * count)
    scatter = sum(layer.log_variance for layer in layers)
    prediction = Prediction(
        _exp(plain), log_ratio=plain + shift, log_ratio_mean_field=plain,
        log_ratio_error=(1 + WIDER * strain) * math.sqrt(max(scatter, 0.0)) / (2 * count),
        log_ratio_bias=_beyond(layers, strain) / count, layers=layers,
    )  # fmt: skip
    if settings.residual != "none" and prediction.log_ratio_error is not None:
        prediction = prediction._replace(log_ratio_error=SHARED_SIGNAL * prediction.log_ratio_error, upper_error=True)
    silent = _silent(settings, layers, strain)
    if silent is None:
        return prediction
    reason, keeps_ratio = silent
    return prediction._replace(
        ratio=prediction.ratio if keeps_ratio else None, log_ratio=None, log_ratio_error=None, reason=reason
    )


def _beyond(layers: tuple[LayerTheory, ...], strain: float) -> float:
    """Return by how much the terms that are left out may move the sum of ln of the norm's factors.

    They are of the order of the squares of those that are kept: of each layer's variance, halved for the norm, and of
    the strain (measured: 2 covers swish and mish with He, whose length maps repel).
    """
    return sum(layer.log_variance**2 for layer in layers) / 4 + WIDER * strain**2


def _exp(value: float) -> float:
    return math.exp(value) if value < LARGEST_EXPONENT else math.inf


def _silent(settings: DepthSettings, layers: tuple[LayerTheory, ...], strain: float) -> tuple[str, bool] | None:
    """Return why nothing can be compared with the layerwise theory, and whether its ratio still is a fair guess."""
    if settings.normalize == "batch":
        return "batch normalization: its scatter and 1/N term at finite batch are not known", True
    if strain > UNRELIABLE:
        return "unstable length map: a network's own scatter of q, of order 1/sqrt(N), grows from layer to layer", False
    if max(layer.log_variance for layer in layers) > LARGEST_STEP:
        return "width too small for an expansion in 1/N: too few units pass the gradient of a layer", True
    return None


def _at_fixed_point(settings: DepthSettings, prediction: Prediction) -> Prediction:
    """Add what holds far from the input, where layers no longer differ."""
    if settings.residual != "none" or settings.widths is not None:
        return prediction
    if settings.normalize != "none" or settings.weights.unit_variance:
        return _normalized_point(settings, prediction)
    layer = LengthMapLayer(settings.phi, settings.weights.sigma, settings.sigma_b)
    point = fixed_point(layer)
    beta = point.beta - (2 if settings.weights.family == ORTHOGONAL else 0)
    return prediction._replace(
        ratio=None if prediction.ratio is None else point.ratio, q_star=point.q_star, chi_1=point.chi_1,
        depth_scale=point.depth_scale, q_depth_scale=point.q_depth_scale, beta=beta,
    )  # fmt: skip


def _normalized_point(settings: DepthSettings, prediction: Prediction) -> Prediction:
    """Return chi = E phi'^2 / E phi^2 at q = 1 (layer), E phi'^2 / Var phi (batch): no sigma_w in it."""
    layers, _ = layer_theories(settings._replace(depth=3))
    chi = math.exp(layers[1].log_chi)  # from the second layer on all are alike
    beta = layers[1].log_variance * settings.width
    return prediction._replace(
        ratio=math.sqrt(chi), q_star=layers[1].q, chi_1=chi, depth_scale=depth_scale(chi), beta=beta
    )
