"""Convolution forward and backward, as batched matrix products over row-stacked columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dlmath.counting.engine.layers import count_layer
from dlmath.counting.engine.shapes import Window
from dlmath.images.engine.op import Op, Site, array_shape
from dlmath.images.engine.unroll import Folded, Unrolled

if TYPE_CHECKING:
    from dlmath.neural.arrays import Array


class Convolution(Op):
    """z[h, o, w, n] = sum over i, c, j of W[i, j, c, o] x[h s + i d - top, c, w s + j d - left, n]; no bias.

    Groups and depthwise convolution are the same, each group by itself. The weights lie as (O, kh, C / G, kw).

    dL/dW = sum over rows of columns g^T. dL/dx[h, c, w] = the sum over i, j, o of W[i, j, c, o] g[(h + top - i d) / s,
    o, (w + left - j d) / s], where those are whole: `Correlation` or `Folding` (LeCun et al. 1989; Dumoulin & Visin
    2016, section 4).
    """

    def __init__(self, site: Site, groups: int) -> None:
        windows = windows_of(site.kind, site)
        self.source = site.inputs[0]
        self.weights, self.slopes = (grouped(array, groups) for array in (site.weights[0], site.slopes[0]))
        self.unrolled = Unrolled(self.source.shape, windows, groups, site.dtype)
        self.output = site.fresh()
        out, size = self.weights.shape[1:]
        self.by_row = np.empty((groups, windows[0].out, size, out), site.dtype)
        self.way_back = _way_back(site, windows, self.weights) if site.wants else None

    def forward(self, *, training: bool) -> None:
        """One product a group and output row."""
        del training
        self.columns = self.unrolled.fill(self.source)
        np.matmul(self.weights[:, None], self.columns, out=rows_by_group(self.output, len(self.weights)))

    def backward(self, gradient: Array, *, training: bool) -> tuple[Array, ...]:
        """Write dL/dW; return dL/dx where it is wanted."""
        del training
        rows = rows_by_group(gradient, len(self.weights))
        np.matmul(self.columns, rows.swapaxes(-1, -2), out=self.by_row)
        np.copyto(self.slopes, self.by_row.sum(axis=1).swapaxes(-1, -2))  # (G, K, O / G) -> (G, O / G, K)
        return () if self.way_back is None else (self.way_back.backward(gradient),)


def windows_of(kind: str, site: Site) -> tuple[Window, Window]:
    """Return how a layer's window slides along the height and the width."""
    windows = count_layer(kind, site.options, tuple(site.shapes)).windows
    assert windows is not None
    return windows[0], windows[1]


def grouped(weights: Array, groups: int) -> Array:
    """Return weights (O, kh, C / G, kw) as one matrix (O / G, K) a group: a view."""
    return weights.reshape(groups, weights.shape[0] // groups, -1)


def rows_by_group(maps: Array, groups: int) -> Array:
    """Return maps (H, C, W, N) as matrices (G, H, C / G, W * N): a view."""
    height, channels, width, batch = maps.shape
    return maps.reshape(height, groups, channels // groups, width * batch).swapaxes(0, 1)


def _way_back(site: Site, windows: tuple[Window, Window], weights: Array) -> Correlation | Folding:
    """Choose how dL/dx is computed, from shapes alone."""
    return (Folding if windows[0].stride > 1 else Correlation)(site, windows, weights)


class Correlation:
    """dL/dx where the kernel moves down row by row: a correlation down the rows, a folding along them.

    D[h, c, j, w] = sum over i, o of W[i, j, c, o] g[h + top - i d, o, w] is a product with rows of the padded gradient,
    which lie stacked already; dL/dx[h, c] is then D added up where its columns came from.
    """

    def __init__(self, site: Site, windows: tuple[Window, Window], weights: Array) -> None:
        down, along = windows
        groups, out, _ = weights.shape
        channels = site.shapes[0][-1] // groups
        self.apart = weights.reshape(groups, out, down.kernel, channels, along.kernel)
        self.turned = np.empty((groups, channels, along.kernel, down.kernel, out), site.dtype)
        self.matrices = self.turned.reshape(groups, 1, channels * along.kernel, down.kernel * out)
        gradient = array_shape(site.output, site.batch)
        self.unrolled = Unrolled(gradient, (turned_window(down), still(along.out)), groups, site.dtype)
        self.columns = np.empty((groups, down.size, channels * along.kernel, along.out * site.batch), site.dtype)
        self.folded = Folded(site.inputs[0].shape, (still(down.size), along), groups, site.dtype)

    def backward(self, gradient: Array) -> Array:
        """Return dL/dx from dL/dz."""
        np.copyto(self.turned, self.apart.transpose(0, 3, 4, 2, 1)[:, :, :, ::-1])
        np.matmul(self.matrices, self.unrolled.fill(gradient), out=self.columns)
        return self.folded.add_up(self.columns)


def turned_window(window: Window) -> Window:
    """Return the window by which the gradient is seen: from outputs to inputs, the kernel flipped."""
    before = window.extent - 1 - window.before
    return Window(window.out, window.size, window.kernel, 1, window.dilation, before, 0)


def still(size: int) -> Window:
    """Return the window of an axis that is left as it is."""
    return Window(size, size)


class Folding:
    """dL/dx = the columns W^T g, added up where they came from: for every stride."""

    def __init__(self, site: Site, windows: tuple[Window, Window], weights: Array) -> None:
        groups, _, size = weights.shape
        self.columns = np.empty((groups, windows[0].out, size, windows[1].out * site.batch), site.dtype)
        self.folded = Folded(site.inputs[0].shape, windows, groups, site.dtype)
        self.weights = weights[:, None].swapaxes(-1, -2)

    def backward(self, gradient: Array) -> Array:
        """Return dL/dx from dL/dz."""
        np.matmul(self.weights, rows_by_group(gradient, len(self.weights)), out=self.columns)
        return self.folded.add_up(self.columns)
