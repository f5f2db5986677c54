"""The two maps of mean-field theory: how the length q of a signal and the correlation c of two go through a layer.

    q_l = sigma_w^2 E phi(sqrt(q_(l-1)) z)^2 + sigma_b^2       (Poole et al. 2016, arXiv:1606.05340)
    chi_1 = sigma_w^2 E phi'(sqrt(q*) z)^2                      (Schoenholz et al. 2017, arXiv:1611.01232)

The mean square of the backpropagated gradient is multiplied by chi_1 a layer; its norm by sqrt(chi_1).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dlmath.neural.quadrature import (
    hermite_squares,
    mean_square,
    moments,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from dlmath.neural.activations import Activation
    from dlmath.neural.quadrature import Moments

VANISHED, BOUNDLESS = 1e-12, 1e12
"""A fixed point beyond these is 0 or infinite."""
STEP = 1.3  # of the search for a fixed point, in q
CRITICAL = 1e-12  # |chi_1 - 1| below this has no finite depth scale
HERMITE_TERMS = 300


class LengthMapLayer(NamedTuple):
    """What one plain layer does to signals.

    Attributes
    ----------
    activation : Activation
    sigma_w, sigma_b : float
        Weights of variance sigma_w^2 / N, biases of variance sigma_b^2.
    """

    activation: Activation
    sigma_w: float
    sigma_b: float = 0.0

    def length(self, q: float) -> float:
        """Return the variance of the next weighted sums, theirs being q."""
        return self.sigma_w**2 * mean_square(self.activation, q) + self.sigma_b**2

    def chi(self, q: float) -> float:
        """Return the factor of the gradient's mean square where the weighted sums have variance q."""
        return self.sigma_w**2 * self.moments(q).slope_square

    def moments(self, q: float) -> Moments:
        """Return the means of the activation at q; at 0 and infinity those of the limits of phi there."""
        if VANISHED < q < BOUNDLESS:
            return moments(self.activation, q)
        return moments(self.activation, min(max(q, VANISHED**2), BOUNDLESS**2))


class FixedPoint(NamedTuple):
    """Where lengths and correlations settle, and how fast.

    Attributes
    ----------
    q_star : float
        0 when signals die out, inf when they grow for ever.
    chi_1 : float
        The factor of the gradient's mean square there.
    ratio : float
        The factor of its norm, sqrt(chi_1): a number where chi_1 is below the smallest one.
    beta : float
        3 kappa - 1 there: N times the variance of the log of the squared norm, a layer.
    depth_scale : float
        1 / |ln chi_1|: layers over which the gradient's mean square changes by e.
    q_depth_scale : float or None
        -1 / ln(dq'/dq), the layers over which q forgets where it began; None without a finite fixed point.
    """

    q_star: float
    chi_1: float
    ratio: float
    beta: float
    depth_scale: float
    q_depth_scale: float | None


def fixed_point(layer: LengthMapLayer) -> FixedPoint:
    """Return where an input of mean square 1 settles.

    Examples
    --------
    >>> from dlmath.neural.activations import get_activation
    >>> found = fixed_point(LengthMapLayer(get_activation("sigmoid"), 1.0))
    >>> round(found.q_star, 10), round(found.chi_1, 10)
    (0.2646868752, 0.0557207068)
    """
    q_star = settled_length(layer)
    means = layer.moments(q_star)
    chi = layer.sigma_w**2 * means.slope_square
    inside = VANISHED < q_star < BOUNDLESS
    pull = layer.sigma_w**2 * means.cross
    q_scale = -1 / math.log(pull) if inside and 0 < pull < 1 else None
    ratio = layer.sigma_w * math.sqrt(means.slope_square)
    return FixedPoint(q_star, chi, ratio, 3 * means.kurtosis - 1, depth_scale(chi), q_scale)


def depth_scale(chi: float) -> float:
    """Return 1 / |ln chi|; infinite on the critical line, 0 where nothing comes through."""
    if chi <= 0:
        return 0.0
    return math.inf if abs(chi - 1) < CRITICAL else 1 / abs(math.log(chi))


def settled_length(layer: LengthMapLayer) -> float:
    """Return the fixed point of the length map that q = 1 runs into."""
    if layer.activation.homogeneous:
        left, right = layer.activation.limit_slopes(1.0)
        return _homogeneous_fixed_point(layer, (left**2 + right**2) / 2)
    excess = layer.length(1.0) - 1
    return 1.0 if abs(excess) <= 1e-14 else _walk(layer, 1.0, up=excess > 0)


def _homogeneous_fixed_point(layer: LengthMapLayer, share: float) -> float:
    """Solve q = sigma_w^2 share q + sigma_b^2."""
    gain, noise = layer.sigma_w**2 * share, layer.sigma_b**2
    if abs(gain - 1) < CRITICAL:
        return layer.sigma_w**2 if noise == 0 else math.inf  # every q is a fixed point: the first layer's stays
    return noise / (1 - gain) if gain < 1 else math.inf


def _walk(layer: LengthMapLayer, start: float, *, up: bool) -> float:
    """Go from `start` the way the map goes until it turns back; the fixed point lies in the last step."""
    step = STEP if up else 1 / STEP
    here = start
    while VANISHED < here < BOUNDLESS:
        there = here * step
        if (layer.length(there) > there) != up:
            low, high = sorted((here, there))
            return bisect(lambda q: layer.length(q) - q, low, high, falling=True)
        here = there
    return math.inf if up else 0.0


def bisect(function: Callable[[float], float], low: float, high: float, *, falling: bool) -> float:
    """Return the root of a function that falls (or rises) through 0 between `low` and `high`, to the last bit or so.

    The halves are geometric where both ends are positive.
    """
    for _ in range(200):
        middle = math.sqrt(low * high) if low > 0 and high > 2 * low else (low + high) / 2
        if not low < middle < high:
            break
        if (function(middle) > 0) == falling:
            low = middle
        else:
            high = middle
    return (low + high) / 2


class DepthCorrelation(NamedTuple):
    """Where the correlation of two inputs settles.

    Attributes
    ----------
    c_star : float
        1 in the ordered phase.
    depth_scale : float
        xi_c: layers over which the distance from c_star falls by e; infinite on the critical line.
    """

    c_star: float
    depth_scale: float


def correlation_map(layer: LengthMapLayer, q: float) -> Callable[[float], float]:
    """Return c -> the next layer's correlation of two inputs, both of length q = q*, of correlation c now."""
    squares = hermite_squares(layer.activation, q, HERMITE_TERMS)
    tail = max(0.0, mean_square(layer.activation, q) - float(squares.sum()))  # lies beyond the last power taken

    def after(c: float) -> float:
        together = float(squares @ c ** np.arange(HERMITE_TERMS)) + tail * c**HERMITE_TERMS
        return (layer.sigma_w**2 * together + layer.sigma_b**2) / q

    return after


def settled_correlation(layer: LengthMapLayer, q: float) -> DepthCorrelation:
    """Return c* and its depth scale xi_c = -1 / ln(slope of the correlation map at c*) (Schoenholz et al. 2017).

    Parameters
    ----------
    q : float
        The fixed point q*, positive and finite.
    """
    chi = layer.chi(q)
    if chi <= 1 + CRITICAL:
        return DepthCorrelation(1.0, depth_scale(chi))
    after = correlation_map(layer, q)
    c_star = 0.0 if after(0.0) <= CRITICAL else bisect(lambda c: after(c) - c, 0.0, 1 - 1e-9, falling=True)
    slopes = hermite_squares(layer.activation, q, HERMITE_TERMS, of_slope=True)
    return DepthCorrelation(c_star, depth_scale(layer.sigma_w**2 * float(slopes @ c_star ** np.arange(HERMITE_TERMS))))
