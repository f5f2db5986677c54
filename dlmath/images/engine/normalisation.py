"""Normalisation: batch, layer, group, instance; one formula over different axes."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dlmath.images.engine.op import Op, Site

if TYPE_CHECKING:
    from collections.abc import Callable

    from dlmath.neural.arrays import Array

EPSILON = 1e-5
MOMENTUM = 0.1
"""Running statistics: r <- 0.9 r + 0.1 of the batch (PyTorch's convention; Keras' 0.99 means 0.01 here)."""


class Grouping(NamedTuple):
    """Which numbers share a mean and a variance.

    Attributes
    ----------
    shape : tuple of int
        How the activations are seen: (H, G, C / G, W, N).
    axes : tuple of int
        Of that shape, those that a mean runs over.
    """

    shape: tuple[int, ...]
    axes: tuple[int, ...]


def apart(values: Array, groups: int = 1) -> tuple[int, ...]:
    """Return the shape (H, G, C / G, W, N) of (H, C, W, N) or (F, N)."""
    height, channels, width, batch = values.shape if values.ndim == 4 else (1, values.shape[0], 1, values.shape[1])
    return height, groups, channels // groups, width, batch


def by_batch(site: Site) -> Grouping:
    """One mean a channel, over rows, columns and images (Ioffe & Szegedy 2015)."""
    return Grouping(apart(site.inputs[0]), (0, 3, 4))


def by_layer(site: Site) -> Grouping:
    """One mean a position and image over the channels, or an image over all (Ba, Kiros & Hinton 2016)."""
    over_all = site.inputs[0].ndim == 2 or site.options["axes"] >= 3
    return Grouping(apart(site.inputs[0]), (0, 2, 3) if over_all else (2,))


def by_group(site: Site) -> Grouping:
    """One mean an image and group of channels (Wu & He 2018)."""
    return Grouping(apart(site.inputs[0], site.options["groups"]), (0, 2, 3))


def by_instance(site: Site) -> Grouping:
    """One mean an image and channel (Ulyanov et al. 2016)."""
    return Grouping(apart(site.inputs[0]), (0, 3))


GROUPINGS: dict[str, Callable[[Site], Grouping]] = {
    "batchnorm": by_batch,
    "layernorm": by_layer,
    "groupnorm": by_group,
    "instancenorm": by_instance,
}


class Normalise(Op):
    """y = scale (x - mean) / sqrt(variance + 1e-5) + shift, mean and (biased) variance over a grouping's axes.

    dL/dx = (s / sigma) (g - mean(g) - x^ mean(g x^)), g = dL/dy, x^ the normalised numbers, means over the same axes;
    where the statistics are fixed (batch normalisation at test) dL/dx = (s / sigma) g.
    """

    def __init__(self, site: Site) -> None:
        self.shape, self.axes = GROUPINGS[site.kind](site)
        self.source, self.output = site.inputs[0].reshape(self.shape), site.fresh()
        self.result = self.output.reshape(self.shape)
        self.normal = np.empty_like(self.result)
        scales, centers = int(site.options["scale"]), int(site.options["center"])
        pairs = list(zip(site.weights, site.slopes, strict=True))
        nothing: tuple[Array | None, Array | None] = (None, None)
        self.scale, self.scale_slope = pairs[0] if scales else nothing
        self.shift, self.shift_slope = pairs[scales] if centers else nothing
        self.running = tuple(site.state)
        self.count = int(np.prod([self.shape[axis] for axis in self.axes]))

    def _parameter(self, values: Array) -> Array:
        """Return one number a channel, or a row, column and channel (H, W, C), so that it broadcasts."""
        height, groups, channels, width, _ = self.shape
        if values.ndim == 1:
            return values.reshape(1, groups, channels, 1, 1)
        return values.transpose(0, 2, 1).reshape(height, groups, channels, width, 1)

    def forward(self, *, training: bool) -> None:
        """Centre, divide, scale and shift."""
        mean, variance = self._statistics(training=training)
        np.subtract(self.source, mean, out=self.normal)
        self.inverse = 1 / np.sqrt(variance + self.normal.dtype.type(EPSILON))
        np.multiply(self.normal, self.inverse, out=self.normal)
        if self.scale is None:
            np.copyto(self.result, self.normal)
        else:
            np.multiply(self.normal, self._parameter(self.scale), out=self.result)
        if self.shift is not None:
            np.add(self.result, self._parameter(self.shift), out=self.result)

    def _statistics(self, *, training: bool) -> tuple[Array, Array]:
        if self.running and not training:
            mean, variance = self.running
            return self._parameter(mean), self._parameter(variance)
        mean = self.source.mean(axis=self.axes, keepdims=True)
        np.subtract(self.source, mean, out=self.normal)
        variance = np.square(self.normal).mean(axis=self.axes, keepdims=True)
        if self.running:
            self._remember(mean, variance)
        return mean, variance

    def _remember(self, mean: Array, variance: Array) -> None:
        """Move the running statistics a tenth of the way; the variance that is kept is the unbiased one."""
        unbiased = variance * (self.count / max(self.count - 1, 1))
        for kept, new in zip(self.running, (mean, unbiased), strict=True):
            np.multiply(kept, 1 - MOMENTUM, out=kept)
            np.add(kept, MOMENTUM * new.ravel(), out=kept)

    def backward(self, gradient: Array, *, training: bool) -> tuple[Array, ...]:
        """Write dL/dscale and dL/dshift; return dL/dx."""
        slope = gradient.reshape(self.shape)
        if self.shift_slope is not None:
            np.copyto(self.shift_slope, self._sum(slope, self.shift_slope))
        if self.scale is not None and self.scale_slope is not None:
            np.copyto(self.scale_slope, self._sum(slope * self.normal, self.scale_slope))
            np.multiply(slope, self._parameter(self.scale), out=slope)
        if training or not self.running:
            pull = np.mean(slope * self.normal, axis=self.axes, keepdims=True)
            slope -= slope.mean(axis=self.axes, keepdims=True)
            slope -= self.normal * pull
        np.multiply(slope, self.inverse, out=slope)
        return (gradient,)

    def _sum(self, values: Array, like: Array) -> Array:
        """Return the sums over all that one parameter serves, in the parameter's own shape."""
        height, groups, channels, width, _ = self.shape
        if like.ndim == 1:
            return np.asarray(values.sum(axis=(0, 3, 4)).reshape(-1))
        return np.asarray(values.sum(axis=4).reshape(height, groups * channels, width).transpose(0, 2, 1))
