"""The edge of chaos: where chi_1 = 1 and gradients neither vanish nor explode.

The line is found without iterating the length map, which is slow exactly there. Choose q; then
chi_1 = sigma_w^2 E phi'^2 = 1 gives sigma_w, and q being a fixed point gives sigma_b^2 = q - sigma_w^2 E phi^2. What
is left is to find the q that has the sigma_b (or sigma_w) asked for, by bisection.
"""

from __future__ import annotations

import math
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dlmath.depth.engine.length_map import LengthMapLayer, bisect, fixed_point
from dlmath.errors import InvalidValueError
from dlmath.neural.activations import get_activation
from dlmath.neural.quadrature import moments

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from dlmath.neural.activations import Activation

SMALLEST_Q, LARGEST_Q = 1e-10, 1e6
APART, MOST_PIECES = 0.05, 50
"""Points of the line lie no further apart than this in sigma_b, or are so many between two places of the table."""
STEPS = 400
"""Places of q, evenly apart in ln q, between which a root is looked for."""
BIASES_TRIED = (0.1, 0.2, 0.3, 0.5, 0.7, 1.0)
ROUNDING = 1e-12  # of sigma_b^2 against q: below it sigma_b is 0


class CriticalPoint(NamedTuple):
    """A point of the critical line.

    Attributes
    ----------
    sigma_w, sigma_b : float
        Weights of variance sigma_w^2 / fan_in, biases of variance sigma_b^2.
    q_star : float
        Variance of the weighted sums there; nan where every q is a fixed point (ReLU without biases).
    stable : bool
        q_star attracts the lengths nearby: dq'/dq < 1. Only then do real networks stay there.
    note : str
    """

    sigma_w: float
    sigma_b: float
    q_star: float
    stable: bool = True
    note: str = ""


def critical_sigma_w(activation: str, sigma_b: float = 0.0) -> CriticalPoint:
    """Return the sigma_w for which chi_1 = 1, the biases having standard deviation `sigma_b`.

    Raises
    ------
    InvalidValueError
        For sigma_b < 0, or where the activation has no critical point.

    Examples
    --------
    >>> found = critical_sigma_w("tanh", 0.05 ** 0.5)
    >>> round(found.sigma_w ** 2, 10), round(found.q_star, 10)
    (1.7609546396, 0.5700478816)
    >>> round(critical_sigma_w("relu").sigma_w ** 2, 12)
    2.0
    """
    _check_sigma("bias-std", sigma_b)
    phi = get_activation(activation)
    if phi.homogeneous:
        return _homogeneous(phi, sigma_b)
    if sigma_b == 0 and _dies_out_critically(phi):
        return _at_zero(phi)
    places = [(q, square - sigma_b**2) for q, square, _ in _table(activation)]
    roots = _roots(lambda q: _bias_square(phi, q) - sigma_b**2, places)
    points = [_point(phi, q, sigma_b=sigma_b) for q in roots]
    if not points:
        border = runaway_sigma_w(phi, sigma_b)
        why = "" if border is None else f" at a finite q*: from weight-std {border:.6g} on q grows for ever, chi_1 > 1"
        raise InvalidValueError(
            f"{activation} with bias-std {sigma_b:g} has no sigma_w for which chi_1 = 1{why}",
            "give another --bias-std, or normalize",
        )
    return next((point for point in points if point.stable), points[0])


def critical_sigma_b(activation: str, sigma_w: float) -> CriticalPoint:
    """Return the sigma_b for which chi_1 = 1, the weights having sigma_w.

    Examples
    --------
    >>> round(critical_sigma_b("tanh", 1.7609546396 ** 0.5).sigma_b ** 2, 8)
    0.05
    """
    _check_sigma("weight-std", sigma_w)
    phi = get_activation(activation)
    if phi.homogeneous:
        return _homogeneous_bias(phi, sigma_w)
    places = [(q, sigma_w**2 * slope - 1) for q, _, slope in _table(activation)]
    roots = _roots(lambda q: sigma_w**2 * moments(phi, q).slope_square - 1, places)
    points = [_point(phi, q, sigma_w=sigma_w) for q in roots if _bias_square(phi, q) >= -ROUNDING * q]
    if not points and math.isclose(sigma_w, _gain_at_zero(phi), rel_tol=1e-9) and _dies_out_critically(phi):
        return _at_zero(phi)
    if not points:
        raise InvalidValueError(
            f"{activation} with weight-std {sigma_w:g} has no sigma_b for which chi_1 = 1", _range_hint(phi)
        )
    return next((point for point in points if point.stable), points[0])


def _check_sigma(what: str, sigma: float) -> None:
    if not (math.isfinite(sigma) and sigma >= 0):
        raise InvalidValueError(f"{what} {sigma:g} is not possible", "a standard deviation is at least 0")


def _bias_square(phi: Activation, q: float) -> float:
    """Return the sigma_b^2 with which q is a fixed point and chi_1 = 1 there; it may be negative."""
    means = moments(phi, q)
    return q - means.square / means.slope_square if means.slope_square else -math.inf


def _point(phi: Activation, q: float, *, sigma_w: float | None = None, sigma_b: float | None = None) -> CriticalPoint:
    means = moments(phi, q)
    gain = 1 / means.slope_square
    stable = gain * means.cross < 1 + 1e-9
    note = "" if stable else "q* repels: lengths drift away from it with depth"
    sigma_w = math.sqrt(gain) if sigma_w is None else sigma_w
    sigma_b = math.sqrt(max(_bias_square(phi, q), 0.0)) if sigma_b is None else sigma_b
    return CriticalPoint(sigma_w, sigma_b, q, stable, note)


@lru_cache(maxsize=16)
def _table(activation: str) -> tuple[tuple[float, float, float], ...]:
    """Return q, the critical sigma_b^2 there, and E phi'^2, at places evenly apart in ln q."""
    phi = get_activation(activation)
    places = np.geomspace(SMALLEST_Q, LARGEST_Q, STEPS).tolist()
    return tuple((q, _bias_square(phi, q), moments(phi, q).slope_square) for q in places)


def _roots(function: Callable[[float], float], values: list[tuple[float, float]]) -> list[float]:
    """Return where a function of q changes sign, given (q, its value) at places before."""
    return [
        bisect(function, low, high, falling=before > 0)
        for (low, before), (high, after) in pairwise(values)
        if (before > 0) != (after > 0)
    ]


def _gain_at_zero(phi: Activation) -> float:
    """Return the sigma_w for which chi_1 = 1 at q = 0: 1 / the root mean square of the slopes on both sides."""
    left, right = phi.limit_slopes(1e-30)
    return math.sqrt(2 / (left * left + right * right))


def _dies_out_critically(phi: Activation) -> bool:
    """Say whether without biases signals shrink to 0 on the critical line: phi(0) = 0 and E phi^2 bends down (tanh)."""
    small = 1e-4
    return phi.passes_zero and _gain_at_zero(phi) ** 2 * moments(phi, small).square < small


def _at_zero(phi: Activation) -> CriticalPoint:
    note = "q* = 0: signals and gradients change as powers of depth"
    return CriticalPoint(_gain_at_zero(phi), 0.0, 0.0, note=note)


def runaway_sigma_w(phi: Activation, sigma_b: float) -> float | None:
    """Return the sigma_w from which q grows without end where chi_1 jumps past 1 there, having been below; else None.

    Far out phi is its limit, of slopes l and r, and q grows for ever once sigma_w^2 (l^2 + r^2) / 2 > 1. For
    softplus that is where order ends: no finite q* has chi_1 = 1.

    Examples
    --------
    >>> round(runaway_sigma_w(get_activation("softplus"), 0.0) ** 2, 12), runaway_sigma_w(get_activation("tanh"), 0.0)
    (2.0, None)
    """
    left, right = phi.limit_slopes(1e30)
    if phi.bounded or phi.homogeneous or not (left or right):
        return None
    border = math.sqrt(2 / (left * left + right * right))
    below, above = (fixed_point(LengthMapLayer(phi, border * (1 + step), sigma_b)) for step in (-1e-3, 1e-3))
    return border if below.chi_1 < 1 and above.q_star == math.inf else None


def _homogeneous(phi: Activation, sigma_b: float) -> CriticalPoint:
    share = moments(phi, 1.0).slope_square
    if sigma_b == 0:
        return CriticalPoint(1 / math.sqrt(share), 0.0, math.nan, note="every q is a fixed point")
    note = "q grows by sigma_b^2 a layer, without end; gradients are not touched by it"
    return CriticalPoint(1 / math.sqrt(share), sigma_b, math.inf, stable=False, note=note)


def _homogeneous_bias(phi: Activation, sigma_w: float) -> CriticalPoint:
    critical = 1 / math.sqrt(moments(phi, 1.0).slope_square)
    if not math.isclose(sigma_w, critical, rel_tol=1e-9):
        raise InvalidValueError(
            f"chi_1 of {phi.name} does not depend on sigma_b, and weight-std {sigma_w:g} does not make it 1",
            f"give --weight-std {critical:.10g}",
        )
    return _homogeneous(phi, 0.0)


def _range_hint(phi: Activation) -> str:
    sigmas = [point.sigma_w for point in critical_line(phi.name)]
    if not sigmas:
        return "this activation has no critical line"
    return f"its critical line runs from weight-std {min(sigmas):.4g} to {max(sigmas):.4g}"


def critical_line(activation: str, largest_q: float = 1e6, largest_sigma_b: float = 10.0) -> tuple[CriticalPoint, ...]:
    """Return points of the critical line in the order of q, those with sigma_b^2 >= 0.

    Of a homogeneous activation the line goes straight up: two points, at sigma_b 0 and `largest_sigma_b`.
    """
    phi = get_activation(activation)
    if phi.homogeneous:
        return _homogeneous(phi, 0.0), _homogeneous(phi, largest_sigma_b)
    corner = (_at_zero(phi),) if _dies_out_critically(phi) else ()
    return corner + tuple(_point(phi, q) for q in _places(phi, largest_q, largest_sigma_b))


def _places(phi: Activation, largest_q: float, largest_sigma_b: float) -> Iterator[float]:
    """Yield the q of the line's points: those of the table, where it meets sigma_b = 0, and between far ones."""
    for (q, square, _), (after, square_after, _) in pairwise(_table(phi.name)):
        if q > largest_q:
            return
        if square >= 0:
            yield q
        if (square < 0) != (square_after < 0):
            yield bisect(lambda place: _bias_square(phi, place), q, after, falling=square > 0)
        elif 0 <= square <= largest_sigma_b**2:
            pieces = min(MOST_PIECES, math.ceil(abs(math.sqrt(square_after) - math.sqrt(square)) / APART))
            yield from np.geomspace(q, after, pieces + 1)[1:-1].tolist()


class Suggestion(NamedTuple):
    """The gain that makes chi_1 = 1, by which Gaussian or orthogonal weights keep gradients.

    Attributes
    ----------
    sigma_w, sigma_b : float
    chi_1 : float
        At the fixed point the lengths really run into.
    note : str
        What is peculiar to the point.
    """

    sigma_w: float
    sigma_b: float
    chi_1: float
    note: str


def suggest(activation: str, sigma_b: float = 0.0) -> Suggestion | None:
    """Return initial weights with chi_1 = 1 for this activation; None where there are none that hold at depth.

    Where without biases no such point attracts the lengths (gelu, swish), biases are tried.

    Examples
    --------
    >>> round(suggest("leaky-relu").sigma_w ** 2, 6)
    1.9998
    """
    for noise in (sigma_b, *(tried for tried in BIASES_TRIED if tried > sigma_b)):
        point = _holding(activation, noise)
        if point is not None:
            break
    else:
        return None
    chi = fixed_point(LengthMapLayer(get_activation(activation), point.sigma_w, point.sigma_b)).chi_1
    return Suggestion(point.sigma_w, point.sigma_b, chi, point.note)


def _holding(activation: str, sigma_b: float) -> CriticalPoint | None:
    """Return the critical point at sigma_b if networks stay there: it attracts, or gradients do not look at q."""
    try:
        point = critical_sigma_w(activation, sigma_b)
    except InvalidValueError:
        return None
    return point if point.stable or get_activation(activation).homogeneous else None
