"""Layers that treat each number by itself: bias, activation functions, dropout, a learned factor a channel."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dlmath.images.engine.op import Op, Site
from dlmath.neural.activations import get_activation

if TYPE_CHECKING:
    from dlmath.neural.arrays import Array


def along_channels(vector: Array, values: Array) -> Array:
    """Return one number a channel so that it broadcasts against (H, C, W, N) or (F, N)."""
    return vector[:, None, None] if values.ndim == 4 else vector[:, None]


def sum_by_channel(values: Array) -> Array:
    """Return the sums of (H, C, W, N) or (F, N) over all but the channels, as products with ones: BLAS adds fastest."""
    if values.ndim == 2:
        return values @ np.ones(values.shape[1], values.dtype)
    height, channels, width, batch = values.shape
    rows = values.reshape(height, channels, width * batch)
    return np.asarray((rows @ np.ones(width * batch, values.dtype)).sum(axis=0))


class Bias(Op):
    """z = x + b, one b a channel; dL/db = the sum of dL/dz over rows, columns and images."""

    def __init__(self, site: Site) -> None:
        self.source, self.output = site.inputs[0], site.place()
        self.values, self.slopes = along_channels(site.weights[0], self.output), site.slopes[0]

    def forward(self, *, training: bool) -> None:
        """Add."""
        del training
        np.add(self.source, self.values, out=self.output)

    def backward(self, gradient: Array, *, training: bool) -> tuple[Array, ...]:
        """Write dL/db; dL/dx is dL/dz."""
        del training
        np.copyto(self.slopes, sum_by_channel(gradient))
        return (gradient,)


class Scale(Op):
    """z = s x, one s a channel; dL/ds = the sum of x dL/dz."""

    def __init__(self, site: Site) -> None:
        self.source, self.output = site.inputs[0], site.fresh()
        self.factors, self.slopes = along_channels(site.weights[0], self.output), site.slopes[0]

    def forward(self, *, training: bool) -> None:
        """Multiply."""
        del training
        np.multiply(self.source, self.factors, out=self.output)

    def backward(self, gradient: Array, *, training: bool) -> tuple[Array, ...]:
        """Write dL/ds; dL/dx = s dL/dz."""
        del training
        np.copyto(self.slopes, sum_by_channel(gradient * self.source))
        return (np.multiply(gradient, self.factors, out=gradient),)


class Relu(Op):
    """a = max(0, z) against a row of zeros, which NumPy compares four times as fast as against one number."""

    def __init__(self, site: Site) -> None:
        self.source, self.output = site.inputs[0], site.place()
        self.flat = _in_rows(self.source), _in_rows(self.output)
        self.zeros = np.zeros(self.flat[0].shape[-1], site.dtype)
        self.positive = np.empty(self.flat[0].shape, bool)

    def forward(self, *, training: bool) -> None:
        """Write max(0, z)."""
        del training
        source, output = self.flat
        np.maximum(source, self.zeros, out=output)

    def backward(self, gradient: Array, *, training: bool) -> tuple[Array, ...]:
        """Return dL/dz: dL/da where a > 0, else 0."""
        del training
        np.greater(self.flat[1], self.zeros, out=self.positive)
        rows = _in_rows(gradient)
        np.multiply(rows, self.positive, out=rows)
        return (gradient,)


def _in_rows(values: Array) -> Array:
    """Return (H, C, W, N) as (H * C, W * N), (F, N) as it is: a view."""
    return values.reshape(values.shape[0] * values.shape[1], -1) if values.ndim == 4 else values


class ReluSix(Op):
    """a = min(max(0, z), 6), which the first mobile networks use (Howard et al. 2017)."""

    def __init__(self, site: Site) -> None:
        self.source, self.output = site.inputs[0], site.place()

    def forward(self, *, training: bool) -> None:
        """Write the clipped numbers."""
        del training
        np.clip(self.source, 0, 6, out=self.output)

    def backward(self, gradient: Array, *, training: bool) -> tuple[Array, ...]:
        """Return dL/dz: dL/da where 0 < a < 6, else 0."""
        del training
        return (np.multiply(gradient, (self.output > 0) & (self.output < 6), out=gradient),)


class ActivationLayer(Op):
    """a = phi(z) for any function of the registry, as its `Machine` runs it: alpha u + beta, u = core(gamma z)."""

    def __init__(self, site: Site) -> None:
        self.machine = get_activation(site.options["name"]).machine(site.dtype)
        self.source, self.output = site.inputs[0], site.place()
        self.core = np.empty_like(self.output)
        self.slope = np.empty_like(self.output)

    def forward(self, *, training: bool) -> None:
        """Write phi(z), and phi'(z) beside it."""
        del training
        machine = self.machine
        np.multiply(self.source, self.source.dtype.type(machine.gamma), out=self.core)
        machine.activate(self.core, self.slope)
        machine.slope(self.core, self.slope)
        np.multiply(self.core, self.core.dtype.type(machine.alpha), out=self.output)
        if machine.beta:
            np.add(self.output, self.core.dtype.type(machine.beta), out=self.output)

    def backward(self, gradient: Array, *, training: bool) -> tuple[Array, ...]:
        """Return dL/dz = dL/da phi'(z)."""
        del training
        np.multiply(gradient, self.slope, out=gradient)
        if self.machine.slope_scale != 1:
            np.multiply(gradient, gradient.dtype.type(self.machine.slope_scale), out=gradient)
        return (gradient,)


class Dropout(Op):
    """In training a number stays, divided by 1 - p, with probability 1 - p, else it is 0; at test nothing happens.

    Srivastava et al. 2014, in the inverted form. `stochasticdepth` drops a whole image's branch (Huang et al. 2016).
    """

    def __init__(self, site: Site, *, whole: bool = False) -> None:
        self.source, self.output = site.inputs[0], site.place()
        assert site.dice is not None
        self.dice, self.keep = site.dice, 1 - float(site.options["rate"])
        self.shape = self.output.shape[-1:] if whole else self.output.shape

    def forward(self, *, training: bool) -> None:
        """Draw who stays."""
        if training:
            kept = self.dice.generator.random(self.shape, np.float32) < self.keep
            self.factors = kept * self.output.dtype.type(1 / self.keep)
            np.multiply(self.source, self.factors, out=self.output)
        elif self.output is not self.source:
            np.copyto(self.output, self.source)

    def backward(self, gradient: Array, *, training: bool) -> tuple[Array, ...]:
        """Return the gradient of those that stayed."""
        if training:
            np.multiply(gradient, self.factors, out=gradient)
        return (gradient,)
