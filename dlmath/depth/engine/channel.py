"""An activation as deep signals pass it: at any size, with slopes so small that only their logarithm exists.

The forward and backward values are those of the registry's `Machine`, which the training loop runs too. Depth brings
signals that training never sees: below 1e-12 and above 1e12 phi is replaced by its limit there, which is homogeneous,
phi(c z) = c phi(z), so that the array keeps numbers near 1 and a logarithm beside it the size. Where all slopes of a
network underflow, or cancel as 1 - tanh^2 does, the registry's ln |phi'| stands in for them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

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
        phi' is exactly 0 far out (ReLU), so that units can be dead.
    """

    def __init__(self, activation: Activation, dtype: np.dtype[Any]) -> None:
        self.activation = activation
        self.machine = activation.machine(dtype)
        self.homogeneous, self.bounded, self.silent = activation.homogeneous, activation.bounded, activation.flat
        self.near, self.far = activation.limit_slopes(1e-30), activation.limit_slopes(1e30)
        self.passes_zero = activation.passes_zero
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
        return np.asarray((slope if self.activation.rises else np.abs(slope)) < self.threshold)
