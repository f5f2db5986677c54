"""phi, phi' and ln |phi'| of the activations, as pure functions of whole arrays.

phi and phi' accept every argument, in float32 and float64, infinities included, and NaN stays NaN; at a kink phi' is
the left derivative. ln |phi'| is for float64: it is finite wherever phi' is not 0 by its formula, where phi' itself
has long underflown (the slope of a sigmoid at -800) or cancelled (1 - tanh^2).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from dlmath.neural.later import np
from dlmath.neural.special_functions import erfc

if TYPE_CHECKING:
    from collections.abc import Callable

    from dlmath.neural.arrays import Array

    Function = Callable[[Array], Array]
    LogSlope = Callable[[Array], tuple[Array, Array]]

SELU_ALPHA = 1.6732632423543772
SELU_LAMBDA = 1.0507009873554805
TAIL = -30.0
"""Left of it gelu's, swish's and mish's slopes are their leading terms, to the last bit or so."""
FAR = 1e4
"""Stands for infinity where a factor has underflown to 0, so that 0 * inf is avoided."""


# ---------------------------------------------------------------- sigmoid and tanh


def sigmoid(z: Array) -> Array:
    """Return 1 / (1 + e^-z)."""
    small = np.exp(-np.abs(z))  # never overflows, whichever the sign
    return np.asarray(np.where(z >= 0, 1, small) / (1 + small))


def sigmoid_slope(z: Array) -> Array:
    """Return s (1 - s), s = sigmoid(z)."""
    small = np.exp(-np.abs(z))
    return np.asarray(small / np.square(1 + small))


def tanh(z: Array) -> Array:
    """Return the hyperbolic tangent."""
    return np.tanh(z)


def tanh_slope(z: Array) -> Array:
    """Return sech^2, in a form that does not cancel for large |z|."""
    small = np.exp(-2 * np.abs(z))
    return np.asarray(4 * small / np.square(1 + small))


def log_sigmoid(z: Array) -> Array:
    """Return ln sigmoid(z)."""
    return np.asarray(np.minimum(z, 0) - np.log1p(np.exp(-np.abs(z))))


def log_sigmoid_slope(z: Array) -> Array:
    """Return ln of s (1 - s)."""
    return log_sigmoid(z) + log_sigmoid(-z)


def log_tanh_slope(z: Array) -> Array:
    """Return ln sech^2."""
    return np.asarray(math.log(4) + log_sigmoid_slope(2 * z))


def softsign(z: Array) -> Array:
    """Return z / (1 + |z|)."""
    size = np.minimum(np.abs(z), 1e30)  # from 1e17 on the quotient is 1, and inf / inf is avoided
    return np.asarray(np.copysign(size / (1 + size), z))


def softsign_slope(z: Array) -> Array:
    """Return 1 / (1 + |z|)^2."""
    inverse = 1 / (1 + np.abs(z))
    return np.asarray(inverse * inverse)


def log_softsign_slope(z: Array) -> Array:
    """Return -2 ln(1 + |z|)."""
    return np.asarray(-2 * np.log1p(np.abs(z)))


def hard_tanh(z: Array) -> Array:
    """Return z cut to -1..1."""
    return np.asarray(np.clip(z, -1, 1))


def hard_tanh_slope(z: Array) -> Array:
    """Return 1 within -1..1, else 0."""
    return _or_nan(z, (z > -1) & (z <= 1))


# ---------------------------------------------------------------- piecewise linear


def _or_nan(z: Array, values: Array | float) -> Array:
    """Return the values, and NaN where z is NaN, in the dtype of z."""
    return np.where(np.isnan(z), z, values).astype(z.dtype)


def relu(z: Array) -> Array:
    """Return max(0, z)."""
    return np.maximum(z, 0)


def relu_slope(z: Array) -> Array:
    """Return 1 where z > 0, else 0."""
    return _or_nan(z, z > 0)


def leaky(below: float) -> tuple[Function, Function]:
    """Return phi and phi' of z above 0 and below * z below."""

    def slope(z: Array) -> Array:
        return _or_nan(z, np.where(z > 0, 1, below))

    def value(z: Array) -> Array:
        return np.where(z > 0, z, z * z.dtype.type(below) if below else np.where(np.isnan(z), z, 0)).astype(z.dtype)

    return value, slope


def linear(z: Array) -> Array:
    """Return z."""
    return np.array(z)


def linear_slope(z: Array) -> Array:
    """Return 1."""
    return _or_nan(z, 1)


# ---------------------------------------------------------------- exponential units


def exponential(alpha: float, scale: float = 1.0) -> tuple[Function, Function, Function]:
    """Return phi, phi' and ln |phi'| of scale z above 0 and scale alpha (e^z - 1) below."""

    def value(z: Array) -> Array:
        return np.asarray(scale * (np.maximum(z, 0) + alpha * np.expm1(np.minimum(z, 0))))

    def slope(z: Array) -> Array:
        below = scale * alpha * np.exp(np.minimum(z, 0))
        return np.where(z > 0, scale, below).astype(z.dtype)

    def log_slope(z: Array) -> Array:
        return np.where(z > 0, math.log(scale), math.log(scale * alpha) + np.minimum(z, 0))

    return value, slope, log_slope


# ---------------------------------------------------------------- smooth ramps


def gelu_parts(z: Array) -> tuple[Array, Array]:
    """Return z Phi(z) and Phi(z) + z bell(z); beyond |z| = 40 the bell has underflown to 0."""
    cumulative = 0.5 * erfc(z * -math.sqrt(0.5))
    near = np.clip(z, -40, 40)
    bell = np.exp(-0.5 * near * near) / math.sqrt(2 * math.pi)
    return np.maximum(z, -40) * cumulative, cumulative + near * bell


def gelu(z: Array) -> Array:
    """Return z Phi(z)."""
    return gelu_parts(z)[0]


def gelu_slope(z: Array) -> Array:
    """Return Phi(z) + z bell(z)."""
    return gelu_parts(z)[1]


def gelu_tail(z: Array) -> Array:
    """Return ln |phi'| for z < TAIL: phi' = bell(z) (z + 1/|z| - 1/|z|^3 + ...), the last factor negative."""
    far = np.maximum(-z, 1)
    return np.asarray(-far * far / 2 - math.log(2 * math.pi) / 2 + np.log(far - 1 / far + far**-3))


def swish(z: Array) -> Array:
    """Return z sigmoid(z)."""
    return np.asarray(np.maximum(z, -FAR) * sigmoid(z))


def swish_slope(z: Array) -> Array:
    """Return s + z s (1 - s), s = sigmoid(z)."""
    return np.asarray(sigmoid(z) * (1 + np.clip(z, -FAR, FAR) * sigmoid(-z)))


def swish_tail(z: Array) -> Array:
    """Return ln |phi'| for z < TAIL, of swish and of mish: phi' = e^z (1 + z), the rest being smaller by e^z."""
    return np.asarray(z + np.log(np.maximum(-1 - z, 1)))


def mish(z: Array) -> Array:
    """Return z tanh(ln(1 + e^z)) = z n / (n + 2), n = e^z (e^z + 2)."""
    small = np.exp(-np.abs(z))  # e^z on the left; on the right numerator and denominator are divided by e^2z
    left = small * (small + 2)
    right = 1 + 2 * small
    return np.asarray(np.maximum(z, -FAR) * np.where(z < 0, left / (left + 2), right / (right + 2 * small * small)))


def mish_slope(z: Array) -> Array:
    """Return n / (n + 2) + 4 z e^z (1 + e^z) / (n + 2)^2."""
    small = np.exp(-np.abs(z))
    left, right = small * (small + 2), 1 + 2 * small
    below = left / (left + 2), 4 * small * (1 + small) / np.square(left + 2)
    above = right / (right + 2 * small * small), 4 * small * small * (1 + small) / np.square(right + 2 * small * small)
    gate, bump = (np.where(z < 0, low, high) for low, high in zip(below, above, strict=True))
    return np.asarray(gate + np.clip(z, -FAR, FAR) * bump)


def softplus(z: Array) -> Array:
    """Return ln(1 + e^z)."""
    return np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z)))


# ---------------------------------------------------------------- ln |phi'| with its sign


def rising(log: Function) -> LogSlope:
    """Return the sign and ln |phi'| of a phi that rises everywhere, from its ln phi'."""
    return lambda z: (np.ones_like(z), log(z))


def from_slope(slope: Function) -> LogSlope:
    """Return the sign and ln |phi'| as phi' itself has them."""

    def log_slope(z: Array) -> tuple[Array, Array]:
        slopes = slope(z)
        with np.errstate(divide="ignore"):  # ln 0 = -inf is the right answer
            return np.sign(slopes), np.log(np.abs(slopes))

    return log_slope


def falling_tail(slope: Function, tail: Function) -> LogSlope:
    """Return the sign and ln |phi'| of a phi that falls towards 0 left of TAIL, where `tail` is ln |phi'|."""
    near = from_slope(slope)

    def log_slope(z: Array) -> tuple[Array, Array]:
        sign, log = near(z)
        return np.where(z < TAIL, -1.0, sign), np.where(z < TAIL, tail(z), log)

    return log_slope
