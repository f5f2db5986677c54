"""An activation as deep signals pass it: at any size, with slopes so small that only their logarithm exists.

The forward and backward values are those of the registry's `Machine`, which the training loop runs too. Two
things are added, because depth brings signals that training never sees:

- below 1e-12 and above 1e12 phi is replaced by its limit there, which is homogeneous, phi(c z) = c phi(z), so that
  the array keeps numbers near 1 and a logarithm beside it the size;
- where all slopes of a network underflow, or cancel as 1 - tanh^2 does, ln |phi'| is computed directly.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from dlmath.depth.engine.quadrature import homogeneous_slopes, limit_slopes

if TYPE_CHECKING:
    from dlmath.neural.activations import Activation
    from dlmath.neural.arrays import Array

TINY, HUGE = 1e-12, 1e12
"""Sizes of z between which phi itself is computed."""
SATURATED = 0.01
"""A unit is saturated on an input if |phi'| is below this share of the largest |phi'|: it passes no gradient."""


class Channel:
    """One activation in one dtype, applied to whole arrays in place.

    Attributes
    ----------
    homogeneous : bool
        phi(c z) = c phi(z) for every c > 0: sizes never matter.
    bounded : bool
        phi has no slope far out: there is no upper limit to replace it by, and none is needed.
    silent : bool
        phi' is exactly 0 on one side (ReLU), so that units can be dead.
    """

    def __init__(self, activation: Activation, dtype: np.dtype[Any]) -> None:
        self.activation = activation
        self.machine = activation.machine(dtype)
        self.homogeneous = homogeneous_slopes(activation) is not None
        self.near, self.far = limit_slopes(activation, 1e-30), limit_slopes(activation, 1e30)
        self.bounded = self.far == (0.0, 0.0)
        self.passes_zero = float(activation.value(np.zeros(1))[0]) == 0
        self.silent = 0.0 in limit_slopes(activation, 1.0)
        self.signed = bool((activation.slope(np.linspace(-10, 0, 64)) < 0).any())
        self.threshold = SATURATED * activation.max_slope

    def apply(self, z: Array, slope: Array) -> None:
        """Turn z into phi(z) in place and write phi'(z) into `slope`."""
        machine = self.machine
        if machine.gamma != 1:
            z *= z.dtype.type(machine.gamma)
        machine.activate(z, slope)
        machine.slope(z, slope)
        if machine.slope_scale != 1:
            slope *= z.dtype.type(machine.slope_scale)
        if machine.alpha != 1 or machine.beta != 0:
            z *= z.dtype.type(machine.alpha)
            z += z.dtype.type(machine.beta)

    def apply_limit(self, z: Array, slope: Array, *, far: bool) -> None:
        """Do the same with the homogeneous limit of phi at 0 or at infinity."""
        left, right = self.far if far else self.near
        slope[...] = np.where(z > 0, right, left)
        z *= slope

    def outside(self, size: Array | np.float64) -> Array:
        """Return where signals of this size are to be replaced by the limit."""
        if self.homogeneous:
            return np.zeros(np.shape(size), bool)
        small = size < TINY if self.passes_zero else np.zeros(np.shape(size), bool)
        return np.asarray(small if self.bounded else small | (size > HUGE))

    def saturated(self, slope: Array) -> Array:
        """Return where a unit passes next to no gradient."""
        return np.asarray((np.abs(slope) if self.signed else slope) < self.threshold)


# ---------------------------------------------------------------- ln |phi'|


def _log_sigmoid(z: Array) -> Array:
    return np.minimum(z, 0) - np.log1p(np.exp(-np.abs(z)))


def _log_sigmoid_slope(z: Array) -> Array:
    return _log_sigmoid(z) + _log_sigmoid(-z)


def _log_tanh_slope(z: Array) -> Array:
    return np.asarray(math.log(4) + _log_sigmoid_slope(2 * z))


def _log_gelu_tail(z: Array) -> Array:
    """Return ln |phi'| for z < -30: phi' = bell(z) (z + 1/|z| - 1/|z|^3 + ...), the last factor negative."""
    far = np.maximum(-z, 1)
    return np.asarray(-far * far / 2 - math.log(2 * math.pi) / 2 + np.log(far - 1 / far + far**-3))


def _log_swish_tail(z: Array) -> Array:
    """Return ln |phi'| for z < -30: phi' = e^z (1 + z), the rest being smaller by e^z."""
    return np.asarray(z + np.log(np.maximum(-1 - z, 1)))


def _log_elu_slope(z: Array) -> Array:
    return np.minimum(z, 0)


_EXACT = {
    "sigmoid": _log_sigmoid_slope,
    "tanh": _log_tanh_slope,
    "softplus": _log_sigmoid,
    "elu": _log_elu_slope,
}
_TAILS = {"gelu": _log_gelu_tail, "swish": _log_swish_tail}
TAIL = -30.0


def log_slope(activation: Activation, z: Array) -> tuple[Array, Array]:
    """Return the sign of phi'(z) and ln |phi'(z)|, finite wherever phi' is not 0 by its formula.

    Parameters
    ----------
    z : ndarray of float64
    """
    if activation.name in _EXACT:
        return np.ones_like(z), np.asarray(_EXACT[activation.name](z))
    slope = activation.slope(z)
    with np.errstate(divide="ignore"):  # ln 0 = -inf is the right answer
        log = np.log(np.abs(slope))
    if activation.name in _TAILS:
        log = np.where(z < TAIL, _TAILS[activation.name](z), log)
        slope = np.where(z < TAIL, -1.0, slope)
    if activation.name == "selu":
        left = limit_slopes(activation, 1e-30)[0]
        log = np.where(z < 0, math.log(left) + np.minimum(z, 0), log)
        slope = np.abs(slope) + 1
    return np.sign(slope), log
