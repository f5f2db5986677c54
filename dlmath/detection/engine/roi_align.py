"""RoIAlign: a region becomes the means of points sampled in its bins, nothing being rounded.

He, Gkioxari, Dollar, Girshick 2017, Mask R-CNN, section 3. Each point is a bilinear mean of its four neighbours; the
weights of a point are a product of a weight down and a weight across, and so are those of a bin: its value is
Wy F Wx^T, Wy and Wx being the mean weights of its samples along each axis.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dlmath.detection.engine.roi_pooling import check_result
from dlmath.errors import TooLargeError

if TYPE_CHECKING:
    from dlmath.neural.arrays import Array

MOST_SAMPLES = 4_096
"""Samples of one bin along an axis."""

CHUNK = 4_000_000
"""Weights made at once."""


class Sampling(NamedTuple):
    """Where samples lie.

    Attributes
    ----------
    output : (int, int)
        Bins down and across.
    samples : int
        Of a bin along each axis; 0: one for every cell the bin spans, ceil(size / bins).
    aligned : bool
        Whether half a cell is taken off, so that a cell's value belongs to its centre. Otherwise it belongs to its
        corner, and regions smaller than a cell are made one cell large (the first publication's way).
    scale : float
        Cells of the map for a pixel of the picture.
    """

    output: tuple[int, int] = (7, 7)
    samples: int = 2
    aligned: bool = True
    scale: float = 1.0


class SampledAxis(NamedTuple):
    """Regions along one axis of the map.

    Attributes
    ----------
    start, size : ndarray (N,)
        In cells.
    counts : ndarray (N,) of int64
        Samples of a bin.
    bins, length : int
        Bins of a region; cells of the map.
    """

    start: Array
    size: Array
    counts: Array
    bins: int
    length: int


def axes_of(boxes: Array, shape: tuple[int, int], sampling: Sampling) -> tuple[SampledAxis, SampledAxis]:
    """Return the regions (N, 4) down and across a map of this shape.

    Raises
    ------
    TooLargeError
        When a region would need more than 4,096 samples a bin and axis.
    """
    corners = boxes * sampling.scale - (0.5 if sampling.aligned else 0.0)
    found = []
    for axis in (1, 0):
        start, size = corners[:, axis], corners[:, axis + 2] - corners[:, axis]
        if not sampling.aligned:
            size = np.maximum(size, 1.0)
        bins = sampling.output[1 - axis]
        counts = np.full(len(boxes), sampling.samples) if sampling.samples else np.ceil(size / bins)
        if (counts > MOST_SAMPLES).any():
            row = int(np.argmax(counts))
            raise TooLargeError(
                f"box {row} needs {counts[row]:.3g} samples a bin", f"at most {MOST_SAMPLES}: give --sampling N"
            )
        found.append(SampledAxis(start, size, counts.astype(np.int64), bins, shape[1 - axis]))
    return found[0], found[1]


def positions(axis: SampledAxis, count: int) -> Array:
    """Return where the samples of regions of `count` samples a bin lie: (N, bins, count), in cells.

    >>> axis = SampledAxis(np.array([0.5]), np.array([2.0]), np.array([2]), 2, 5)
    >>> positions(axis, 2).tolist()
    [[[0.75, 1.25], [1.75, 2.25]]]
    """
    step = (axis.size / axis.bins)[:, None, None]
    bins, samples = np.arange(axis.bins)[:, None], np.arange(count)
    return np.asarray(axis.start[:, None, None] + bins * step + (samples + 0.5) * step / count)


def neighbours(at: Array, length: int) -> tuple[Array, Array, Array, Array]:
    """Return the two cells beside each position and their weights.

    A position more than a cell outside (below -1 or above the length) weighs nothing; one less far outside is moved
    onto the border.

    Returns
    -------
    low, high : ndarray of int64
    weight_low, weight_high : ndarray of float64

    Examples
    --------
    >>> [values.tolist() for values in neighbours(np.array([1.25, -0.5, -1.5, 4.9]), 5)]
    [[1, 0, 0, 4], [2, 1, 1, 4], [0.75, 1.0, 0.0, 1.0], [0.25, 0.0, 0.0, 0.0]]
    """
    counted = (at >= -1) & (at <= length)
    moved = np.clip(at, 0, length - 1)
    low = moved.astype(np.int64)
    high = np.minimum(low + 1, length - 1)
    share_high = moved - low
    return low, high, (1 - share_high) * counted, share_high * counted


def axis_weights(axis: SampledAxis) -> Array:
    """Return the mean weights (N, bins, length) of every cell in every bin."""
    weights = np.zeros((len(axis.start), axis.bins, axis.length))
    for count in np.unique(axis.counts).tolist():
        if not count:
            continue  # a region without extent is sampled nowhere: its bins are 0
        which = np.flatnonzero(axis.counts == count)
        some = axis._replace(start=axis.start[which], size=axis.size[which])
        low, high, weight_low, weight_high = neighbours(positions(some, count), axis.length)
        bins = np.arange(len(which) * axis.bins).reshape(len(which), axis.bins, 1) * axis.length
        cells = np.concatenate([(bins + low).ravel(), (bins + high).ravel()])
        shares = np.concatenate([weight_low.ravel(), weight_high.ravel()]) / count
        made = np.bincount(cells, shares, minlength=len(which) * axis.bins * axis.length)
        weights[which] = made.reshape(len(which), axis.bins, axis.length)
    return weights


def naive_roi_align(feature_map: Array, boxes: Array, sampling: Sampling) -> Array:
    """Return what `roi_align` returns, sample after sample: its oracle."""
    down, across = axes_of(boxes, feature_map.shape[:2], sampling)
    values = np.zeros((len(boxes), *sampling.output, *feature_map.shape[2:]))
    for box in range(len(boxes)):
        rows, columns = (axis._replace(start=axis.start[[box]], size=axis.size[[box]]) for axis in (down, across))
        ys = positions(rows, int(down.counts[box]))[0] if down.counts[box] else np.zeros((rows.bins, 0))
        xs = positions(columns, int(across.counts[box]))[0] if across.counts[box] else np.zeros((columns.bins, 0))
        for i, j in np.ndindex(*sampling.output):
            points = [bilinear(feature_map, y, x) for y in ys[i] for x in xs[j]]
            values[box, i, j] = sum(points) / max(len(points), 1)
    return values


def bilinear(feature_map: Array, y: float, x: float) -> Array:
    """Return the map's value at one point, by its four neighbours."""
    y_low, y_high, v_low, v_high = (v[()] for v in neighbours(np.array(y), feature_map.shape[0]))
    x_low, x_high, u_low, u_high = (v[()] for v in neighbours(np.array(x), feature_map.shape[1]))
    return np.asarray(
        v_low * u_low * feature_map[y_low, x_low]
        + v_low * u_high * feature_map[y_low, x_high]
        + v_high * u_low * feature_map[y_high, x_low]
        + v_high * u_high * feature_map[y_high, x_high]
    )


def roi_align(feature_map: Array, boxes: Array, sampling: Sampling | None = None) -> Array:
    """Return the means of the samples of every region's bins.

    Parameters
    ----------
    feature_map : ndarray (H, W) or (H, W, C)
        Any real dtype.
    boxes : ndarray (N, 4) of float64
        Corners in the picture.
    sampling : Sampling or None
        None: 7 x 7 bins of 2 x 2 samples, aligned.

    Returns
    -------
    ndarray (N, h, w) or (N, h, w, C) of float64

    Raises
    ------
    TooLargeError
        When the values would take more than 1 GiB.

    Examples
    --------
    >>> roi_align(np.arange(25.0).reshape(5, 5), np.array([[1.0, 1, 3, 3]]), Sampling((2, 2))).tolist()
    [[[6.0, 7.0], [11.0, 12.0]]]
    """
    sampling = sampling or Sampling()
    cells = np.ascontiguousarray(feature_map.reshape(*feature_map.shape[:2], -1), dtype=np.float64)
    height, width, channels = cells.shape
    check_result(len(boxes), sampling.output, channels)
    values = np.empty((len(boxes), *sampling.output, channels))
    step = max(1, CHUNK // (sampling.output[0] * height + sampling.output[1] * width))
    for start in range(0, len(boxes), step):
        down, across = axes_of(boxes[start : start + step], (height, width), sampling)
        wy, wx = axis_weights(down), axis_weights(across)
        for box, (rows, columns) in enumerate(zip(_touched(wy), _touched(wx), strict=True)):
            part = cells[rows, columns].reshape(rows.stop - rows.start, -1)
            lines = (wy[box, :, rows] @ part).reshape(sampling.output[0], -1, channels)
            np.matmul(wx[box, :, columns], lines, out=values[start + box])
    return values.reshape(len(boxes), *sampling.output, *feature_map.shape[2:])


def _touched(weights: Array) -> list[slice]:
    """Return, for each region, the stretch of cells that weigh anything (at least one cell)."""
    some = (weights != 0).any(axis=1)
    first = some.argmax(axis=1)
    last = np.where(some.any(axis=1), some.shape[1] - some[:, ::-1].argmax(axis=1), 1)
    return [slice(int(low), int(high)) for low, high in zip(first, last, strict=True)]
