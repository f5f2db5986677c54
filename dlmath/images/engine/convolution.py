"""Convolution forward and backward, as batched matrix products over row-stacked columns."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from dlmath.counting.engine.layers import count_layer
from dlmath.counting.engine.shapes import Window
from dlmath.images.engine.op import Op, Site, array_shape
from dlmath.images.engine.unroll import Folded, Unrolled

if TYPE_CHECKING:
    from dlmath.neural.arrays import Array

SMALL_PRODUCT = 900_000
"""Multiplications of one matrix product: up to there OpenBLAS multiplies without packing, twice as fast (measured)."""
WORTH_FOLDING = 1.8
"""Inputs over outputs from which dL/dx = fold(W^T g) beats the correlation of the padded gradient (measured)."""


class Convolution(Op):
    """z[h, o, w, n] = sum over i, c, j of W[i, j, c, o] x[h s + i d - top, c, w s + j d - left, n]; no bias.

    Groups and depthwise convolution are the same, each group by itself. The weights lie as (O, kh, C / G, kw).

    dL/dW = sum over rows of columns g^T. dL/dx is the correlation of the padded gradient with the flipped kernel
    where the stride is 1, and otherwise W^T g added up where the columns came from (LeCun et al. 1989; Dumoulin &
    Visin 2016, section 4).
    """

    def __init__(self, site: Site, groups: int) -> None:
        windows = windows_of(site.kind, site)
        self.source = site.inputs[0]
        self.weights, self.slopes = (grouped(array, groups) for array in (site.weights[0], site.slopes[0]))
        self.unrolled = Unrolled(self.source.shape, windows, groups, site.dtype)
        self.output = site.fresh()
        self.way_back = _way_back(site, windows, self.weights) if site.wants else None

    def forward(self, *, training: bool) -> None:
        """One product a group, output row and stretch of columns."""
        del training
        self.columns = self.unrolled.fill(self.source)
        multiply(self.weights, self.columns, rows_by_group(self.output, len(self.weights)))

    def backward(self, gradient: Array, *, training: bool) -> tuple[Array, ...]:
        """Write dL/dW; return dL/dx where it is wanted."""
        del training
        rows = rows_by_group(gradient, len(self.weights))
        products = np.matmul(self.columns, rows.swapaxes(-1, -2))
        inner = products.sum(axis=1)  # (G, K, O / G)
        np.copyto(self.slopes, inner.swapaxes(-1, -2))
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


def multiply(weights: Array, columns: Array, output: Array) -> None:
    """Write the products W (G, O, K) columns (G, H, K, L) of every group and row to the output (G, H, O, L).

    Rows are cut into stretches short enough for the fast kernel.
    """
    pieces = stretches(output.shape[-1], SMALL_PRODUCT // max(weights.shape[-1] * weights.shape[-2], 1))
    np.matmul(weights[:, None, None], cut(columns, pieces), out=cut(output, pieces))


@cache
def stretches(size: int, longest: int) -> int:
    """Return into how many equal parts a row of `size` numbers is cut, so that none exceeds `longest`, if it can be.

    Parts are multiples of 16 numbers where possible: shorter ones waste the processor's registers.

    >>> stretches(2048, 900), stretches(64, 1000), stretches(7, 2)
    (4, 1, 1)
    """
    even = [parts for parts in range(1, size // 16 + 1) if size % parts == 0 and size // parts % 16 == 0]
    return next((parts for parts in even if size // parts <= longest), even[-1] if even else 1)


def cut(array: Array, pieces: int) -> Array:
    """Return (G, H, R, L) as (G, H, pieces, R, L / pieces): a view of the same memory."""
    *outer, rows, size = array.shape
    return array.reshape(*outer, rows, pieces, size // pieces).swapaxes(-2, -3)


def _way_back(site: Site, windows: tuple[Window, Window], weights: Array) -> Correlation | Folding:
    """Choose how dL/dx is computed, from shapes alone."""
    strided = any(window.stride > 1 for window in windows)
    inputs, outputs = (np.prod([getattr(window, side) for window in windows]) for side in ("size", "out"))
    if strided or inputs > WORTH_FOLDING * outputs:
        return Folding(site, windows, weights)
    return Correlation(site, windows, weights)


class Correlation:
    """dL/dx[h, c, w] = sum over i, o, j of W[i, j, c, o] g[h + top - i d, o, w + left - j d], for stride 1."""

    def __init__(self, site: Site, windows: tuple[Window, Window], weights: Array) -> None:
        groups, out, _ = weights.shape
        kernel_h, kernel_w = (window.kernel for window in windows)
        channels = site.shapes[0][-1] // groups
        self.groups = groups
        self.apart = weights.reshape(groups, out, kernel_h, channels, kernel_w)
        self.flipped = np.empty((groups, channels, kernel_h, out, kernel_w), site.dtype)
        turned = turned_window(windows[0]), turned_window(windows[1])
        self.unrolled = Unrolled(array_shape(site.output, site.batch), turned, groups, site.dtype)
        self.output = np.empty(site.inputs[0].shape, site.dtype)

    def backward(self, gradient: Array) -> Array:
        """Return dL/dx from dL/dz."""
        np.copyto(self.flipped, self.apart.transpose(0, 3, 2, 1, 4)[:, :, ::-1, :, ::-1])
        matrices = self.flipped.reshape(*self.flipped.shape[:2], -1)
        multiply(matrices, self.unrolled.fill(gradient), rows_by_group(self.output, self.groups))
        return self.output


def turned_window(window: Window) -> Window:
    """Return the window by which the gradient is seen: from outputs to inputs, the kernel flipped."""
    before = window.extent - 1 - window.before
    return Window(window.out, window.size, window.kernel, 1, window.dilation, before, 0)


class Folding:
    """dL/dx = the columns W^T g, added up where they came from: for every stride."""

    def __init__(self, site: Site, windows: tuple[Window, Window], weights: Array) -> None:
        groups, _, size = weights.shape
        self.columns = np.empty((groups, windows[0].out, size, windows[1].out * site.batch), site.dtype)
        self.folded = Folded(site.inputs[0].shape, windows, groups, site.dtype)
        self.weights = weights.swapaxes(-1, -2)

    def backward(self, gradient: Array) -> Array:
        """Return dL/dx from dL/dz."""
        multiply(self.weights, rows_by_group(gradient, len(self.weights)), self.columns)
        return self.folded.add_up(self.columns)
