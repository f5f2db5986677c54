"""The convolution of a network's layer: kernels with input channels, several at a time, and its transposed form.

    sums[y, x, o] = sum_{c,i,j} weights[o, c, i, j] * image[S y + D i - top, S x + D j - left, g(o) + c]

With as many input channels as the image has there is one group; with fewer, the channels fall into groups of so many
that are convolved apart (one a group: depthwise). The transposed form is the transpose of that matrix: every pixel adds
its multiple of the kernel to the result, S pixels further on for each pixel,

    sums[S y + D i - top, S x + D j - left, o] += weights[o, c, i, j] * image[y, x, c]

which is the turned kernel slid over the image with S - 1 zeros between its pixels.

Source: Dumoulin & Visin 2016, A guide to convolution arithmetic for deep learning, chapters 2 and 4.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from dlmath.convolution.engine.borders import Border, indices
from dlmath.convolution.engine.geometry import Geometry, Transposed, WindowAxis
from dlmath.errors import ShapeError

if TYPE_CHECKING:
    from dlmath.neural.arrays import Array

CHUNK = 1 << 22
"""Elements of gathered windows in memory at a time."""

EXACT = 2.0**53
"""Whole sums up to here are exact in double precision, in whatever order they are added."""


def groups_of(channels: int, weights_shape: tuple[int, ...]) -> int:
    """Return into how many groups an image's channels fall under weights (out, in, kh, kw).

    >>> groups_of(3, (8, 3, 1, 1)), groups_of(3, (6, 1, 3, 3))
    (1, 3)

    Raises
    ------
    ShapeError
        When they cannot.
    """
    outputs, inputs = weights_shape[:2]
    groups, rest = divmod(channels, inputs)
    if rest or not groups or outputs % groups:
        grouped = f", or any whole number of groups of {inputs} with as many outputs each" if inputs > 1 else ""
        what = f"a kernel of {inputs} input and {outputs} output channels on an image of {channels}"
        raise ShapeError(what, f"give an image of {inputs} channels{grouped}, or a kernel of {channels} input channels")
    return groups


def working_type(image: Array, weights: Array) -> np.dtype[Any]:
    """Return the type of the sums: double precision where whole ones are exact in it, else Python's own integers."""
    if image.dtype.kind == "f" or weights.dtype.kind == "f":
        return np.dtype(np.float64)
    largest = max(abs(int(image.min())), abs(int(image.max())))
    # per output: the sum of |weights| times the largest pixel bounds every partial sum
    bound = largest * max((sum(abs(int(w)) for w in kernel.ravel()) for kernel in weights), default=0)
    return np.dtype(np.float64 if bound <= EXACT else object)


def channel_sums(image: Array, weights: Array, geometry: Geometry) -> Array:
    """Return the sums over taps and channels.

    Parameters
    ----------
    image : ndarray of shape (H, W, C), any real dtype
    weights : ndarray of shape (out, in, kh, kw), integers or float64
        C a multiple of `in`: groups of `in` channels, each with its share of the outputs.
    geometry : Geometry

    Returns
    -------
    ndarray of shape (oh, ow, out)
        float64; Python's integers (object) where whole numbers outgrow it.

    Examples
    --------
    >>> from dlmath.convolution.engine.geometry import geometry_of
    >>> rgb = np.array([[[200, 100, 50]]])
    >>> luma = np.array([0.299, 0.587, 0.114]).reshape(1, 3, 1, 1)
    >>> channel_sums(rgb, luma, geometry_of(Border("valid"), (1, 1), (1, 1))).round(3)
    array([[[124.2]]])
    """
    groups = groups_of(image.shape[2], weights.shape)
    dtype = working_type(image, weights)
    share = weights.shape[0] // groups
    # one matrix a group: its outputs by (in * kh * kw), the order in which windows are gathered
    matrices = weights.astype(dtype).reshape(groups, share, -1).transpose(0, 2, 1)
    rows, columns = geometry.rows, geometry.columns
    result = np.empty((rows.outputs, columns.outputs, groups, share), dtype=dtype)
    step = max(1, CHUNK // max(1, columns.outputs * rows.taps * columns.taps * image.shape[2]))
    for first in range(0, rows.outputs, step):
        last = min(first + step, rows.outputs)
        windows = gathered(image, geometry, first, last, dtype)  # (n, ow, C, kh, kw)
        for group, matrix in enumerate(matrices):
            inputs = slice(group * weights.shape[1], (group + 1) * weights.shape[1])
            seen = windows[:, :, inputs].reshape(last - first, columns.outputs, -1)
            result[first:last, :, group] = seen @ matrix
    return result.reshape(rows.outputs, columns.outputs, -1)


def gathered(image: Array, geometry: Geometry, first: int, last: int, dtype: np.dtype[Any]) -> Array:
    """Return the windows of output rows first .. last - 1, shape (rows, ow, C, kh, kw), a view of padded rows."""
    rows, columns = geometry.rows, geometry.columns
    start = first * rows.stride - rows.before
    down = indices(start, start + (last - first - 1) * rows.stride + rows.reach, rows.size, geometry.border)
    across = indices(
        -columns.before, (columns.outputs - 1) * columns.stride + columns.reach - columns.before, columns.size,
        geometry.border,
    )  # fmt: skip
    padded = image[down][:, across].astype(dtype)
    if geometry.border.kind == "constant":
        padded[down == -1] = geometry.border.value
        padded[:, across == -1] = geometry.border.value
    view = np.lib.stride_tricks.sliding_window_view(padded, (rows.reach, columns.reach), axis=(0, 1))
    return view[:: rows.stride, :: columns.stride, :, :: rows.dilation, :: columns.dilation]


def transposed_sums(image: Array, weights: Array, rows: Transposed, columns: Transposed) -> Array:
    """Return the sums of the transposed convolution, shape (oh, ow, out); arguments as of `channel_sums`.

    Examples
    --------
    >>> nine = np.arange(9).reshape(3, 3, 1)
    >>> axis = Transposed(WindowAxis(3, 3))
    >>> transposed_sums(nine, np.ones((1, 1, 3, 3), int), axis, axis)[:2, :, 0]
    array([[ 0.,  1.,  3.,  3.,  2.],
           [ 3.,  8., 15., 12.,  7.]])
    """
    spread_image = spread(image, rows.axis.stride, columns.axis.stride)
    geometry = Geometry(Border("constant"), slid(rows), slid(columns))
    return channel_sums(spread_image, weights[:, :, ::-1, ::-1], geometry)


def slid(transposed: Transposed) -> WindowAxis:
    """Return the axis along which the turned kernel is slid over the image with its zeros."""
    axis = transposed.axis
    full = axis.reach - 1
    return WindowAxis(
        size=(axis.size - 1) * axis.stride + 1,
        taps=axis.taps,
        before=full - axis.before,
        after=full - axis.after + transposed.more,
        dilation=axis.dilation,
    )


def spread(image: Array, down: int, across: int) -> Array:
    """Return the image with zeros between its pixels.

    >>> spread(np.array([[[1], [2]]]), 1, 2)[:, :, 0].tolist()
    [[1, 0, 2]]
    """
    height, width, channels = image.shape
    wide = np.zeros(((height - 1) * down + 1, (width - 1) * across + 1, channels), dtype=image.dtype)
    wide[::down, ::across] = image
    return wide


def layer_macs(weights_shape: tuple[int, ...], positions: int) -> int:
    """Return the multiply-accumulates: taps times input channels of a group times outputs, at every position.

    Positions are the output's, of a transposed convolution the input's.
    """
    return positions * math.prod(weights_shape)
