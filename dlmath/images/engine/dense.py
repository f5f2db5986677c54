"""The dense layer and the flattening before it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dlmath.images.engine.op import Op, Site

if TYPE_CHECKING:
    from dlmath.neural.arrays import Array


class Dense(Op):
    """z = W^T x, the weights lying as (out, in); no bias. dL/dW = dL/dz x^T, dL/dx = W dL/dz."""

    def __init__(self, site: Site) -> None:
        self.source, self.output = site.inputs[0], site.fresh()
        self.weights, self.slopes = site.weights[0], site.slopes[0]
        self.back = np.empty_like(self.source) if site.wants else None

    def forward(self, *, training: bool) -> None:
        """Multiply."""
        del training
        np.matmul(self.weights, self.source, out=self.output)

    def backward(self, gradient: Array, *, training: bool) -> tuple[Array, ...]:
        """Write dL/dW; return dL/dx where it is wanted."""
        del training
        np.matmul(gradient, self.source.T, out=self.slopes)
        return () if self.back is None else (np.matmul(self.weights.T, gradient, out=self.back),)


class Flatten(Op):
    """(H, C, W, N) -> (H * W * C, N), in the canonical order (h, w, c), which costs a copy where C > 1."""

    def __init__(self, site: Site) -> None:
        height, channels, width, batch = site.inputs[0].shape
        self.source = site.inputs[0].swapaxes(1, 2)
        self.output = np.empty((height * width * channels, batch), site.dtype)
        self.apart = self.output.reshape(height, width, channels, batch)
        self.back = np.empty(site.inputs[0].shape, site.dtype)

    def forward(self, *, training: bool) -> None:
        """Reorder."""
        del training
        np.copyto(self.apart, self.source)

    def backward(self, gradient: Array, *, training: bool) -> tuple[Array, ...]:
        """Order back."""
        del training
        np.copyto(self.back.swapaxes(1, 2), gradient.reshape(self.apart.shape))
        return (self.back,)
