"""RoIPool: a region of any size becomes a few numbers, the maxima of its bins (Girshick 2015, Fast R-CNN, section 2.1).

The region's corners are scaled to the map and rounded (half away from zero); it then spans x2 - x1 + 1 cells, both ends
included. Bin k of n covers the cells from floor(k h / n) to ceil((k + 1) h / n), in whole numbers: neighbours may share
a cell, and bins are unequal where n does not divide h. What lies outside the map is cut off; an empty bin is 0.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dlmath.errors import TooLargeError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dlmath.neural.arrays import Array

LARGEST_RESULT = 2**27
"""Values of the largest result that is made: 1 GiB of float64."""

FARTHEST_CELL = 2**40
"""Corners are cut there, far outside any map, before they become whole numbers."""


class Pooled(NamedTuple):
    """Pooled regions.

    Attributes
    ----------
    values : ndarray (N, h, w) or (N, h, w, C)
        In the map's dtype.
    rows, columns : ndarray (N, h, 2), (N, w, 2) of int64
        Start and stop (not included) of the bins down and across.
    """

    values: Array
    rows: Array
    columns: Array

    @property
    def bins(self) -> Array:
        """Windows (N, h, w, 4) of int64: x1 y1 x2 y2 in cells of the map, the ends not included."""
        count, height, width = len(self.rows), self.rows.shape[1], self.columns.shape[1]
        made = np.empty((count, height, width, 4), dtype=np.int64)
        made[..., 0::2] = self.columns[:, None]
        made[..., 1::2] = self.rows[:, :, None]
        return made


def round_half_away(values: Array) -> Array:
    """Return the nearest whole numbers, a half away from zero, as C's round.

    >>> round_half_away(np.array([0.5, 1.5, -0.5, 0.49999999999999994])).tolist()
    [1.0, 2.0, -1.0, 0.0]
    """
    whole = np.trunc(values)
    return np.asarray(whole + np.where(np.abs(values - whole) >= 0.5, np.sign(values), 0.0))


def bin_edges(low: Array, high: Array, bins: int, length: int) -> Array:
    """Return start and stop of every bin along one axis.

    Parameters
    ----------
    low, high : ndarray (N,) of int64
        First and last cell of each region.
    bins : int
    length : int
        Cells of the map.

    Returns
    -------
    ndarray (N, bins, 2) of int64
        Within 0..length; start = stop where a bin is empty.

    Examples
    --------
    >>> bin_edges(np.array([0]), np.array([6]), 3, 10).tolist()
    [[[0, 3], [2, 5], [4, 7]]]
    """
    size = np.maximum(high - low + 1, 1)[:, None]
    k = np.arange(bins)
    start = k * size // bins
    stop = -(-(k + 1) * size // bins)
    edges = np.stack([start, stop], axis=-1) + low[:, None, None]
    return np.asarray(np.clip(edges, 0, length))


def pooled_edges(boxes: Array, shape: tuple[int, int], output: tuple[int, int], scale: float) -> tuple[Array, Array]:
    """Return the bins' edges down (N, h, 2) and across (N, w, 2) of regions (N, 4) of the picture."""
    corners = round_half_away(np.clip(boxes * scale, -FARTHEST_CELL, FARTHEST_CELL)).astype(np.int64)
    rows = bin_edges(corners[:, 1], corners[:, 3], output[0], shape[0])
    columns = bin_edges(corners[:, 0], corners[:, 2], output[1], shape[1])
    return rows, columns


def check_result(count: int, output: tuple[int, int], channels: int) -> None:
    """Refuse results that do not fit."""
    size = count * output[0] * output[1] * channels
    if size > LARGEST_RESULT:
        raise TooLargeError(
            f"{count:,} regions of {output[0]}x{output[1]}x{channels} values need {size * 8 / 2**30:,.1f} GiB",
            "give fewer boxes at once, or a smaller --output",
        )


def naive_roi_pool(feature_map: Array, boxes: Array, output: tuple[int, int], scale: float = 1.0) -> Array:
    """Return what `roi_pool` returns, bin after bin: its oracle."""
    rows, columns = pooled_edges(boxes, feature_map.shape[:2], output, scale)
    values = np.zeros((len(boxes), *output, *feature_map.shape[2:]), dtype=feature_map.dtype)
    for box in range(len(boxes)):
        for i, (top, bottom) in enumerate(rows[box]):
            for j, (left, right) in enumerate(columns[box]):
                if bottom > top and right > left:
                    values[box, i, j] = feature_map[top:bottom, left:right].max(axis=(0, 1))
    return values


def roi_pool(feature_map: Array, boxes: Array, output: tuple[int, int] = (7, 7), scale: float = 1.0) -> Pooled:
    """Return the maxima of the bins of every region.

    The maximum over a bin is that of four overlapping blocks whose sides are powers of two; tables of the maxima of
    such blocks are made once for all regions, for the sizes that occur.

    Parameters
    ----------
    feature_map : ndarray (H, W) or (H, W, C)
        Any real dtype.
    boxes : ndarray (N, 4) of float64
        Corners in the picture.
    output : (int, int)
        Bins down and across.
    scale : float
        Cells of the map for a pixel of the picture (1/16 for VGG16's conv5).

    Returns
    -------
    Pooled

    Raises
    ------
    TooLargeError
        When the values would take more than 1 GiB.

    Examples
    --------
    >>> roi_pool(np.arange(16.0).reshape(4, 4), np.array([[0.0, 0, 3, 3]]), (2, 2)).values.tolist()
    [[[5.0, 7.0], [13.0, 15.0]]]
    """
    cells = np.ascontiguousarray(feature_map.reshape(*feature_map.shape[:2], -1))
    check_result(len(boxes), output, cells.shape[2])
    rows, columns = pooled_edges(boxes, feature_map.shape[:2], output, scale)
    values = np.zeros((len(boxes) * output[0] * output[1], cells.shape[2]), dtype=cells.dtype)
    down, across = _levels(rows), _levels(columns)
    level = down[:, :, None] * 64 + across[:, None, :]
    level[(down < 0)[:, :, None] | (across < 0)[:, None, :]] = -1
    flat = level.ravel()
    for a, b, table in _tables(cells, np.unique(flat[flat >= 0])):
        which = np.flatnonzero(flat == a * 64 + b)
        box, i, j = np.unravel_index(which, level.shape)
        values[which] = _four_blocks(table, rows[box, i], columns[box, j], (a, b))
    return Pooled(values.reshape(len(boxes), *output, *feature_map.shape[2:]), rows, columns)


def _levels(edges: Array) -> Array:
    """Return the exponents (N, bins) of the largest powers of two that fit in each bin, -1 for an empty one."""
    _, exponent = np.frexp((edges[..., 1] - edges[..., 0]).astype(np.float64))
    return exponent.astype(np.int64) - 1


def _tables(cells: Array, levels: Array) -> Iterator[tuple[int, int, Array]]:
    """Yield (a, b, maxima of all 2^a x 2^b blocks by their top left cell) for every level a * 64 + b, rising."""
    tall, at_a = cells, 0
    for a in sorted({int(level) // 64 for level in levels}):
        while at_a < a:
            tall, at_a = np.maximum(tall[: -(1 << at_a)], tall[1 << at_a :]), at_a + 1
        wide, at_b = tall, 0
        for b in sorted(int(level) % 64 for level in levels if level // 64 == a):
            while at_b < b:
                wide, at_b = np.maximum(wide[:, : -(1 << at_b)], wide[:, 1 << at_b :]), at_b + 1
            yield a, b, wide


def _four_blocks(table: Array, rows: Array, columns: Array, level: tuple[int, int]) -> Array:
    """Return the maxima (M, C) of bins, each as large as four blocks that overlap cover."""
    width = table.shape[1]
    flat = table.reshape(-1, table.shape[2])
    tops = (rows[:, 0], rows[:, 1] - (1 << level[0]))
    lefts = (columns[:, 0], columns[:, 1] - (1 << level[1]))
    best = flat[tops[0] * width + lefts[0]]
    for top, left in ((tops[0], lefts[1]), (tops[1], lefts[0]), (tops[1], lefts[1])):
        if not (np.array_equal(top, tops[0]) and np.array_equal(left, lefts[0])):
            np.maximum(best, flat[top * width + left], out=best)
    return np.asarray(best)
