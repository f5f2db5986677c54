"""Every pair of boxes that overlaps by more than a threshold, found without looking at every pair.

IoU > t bounds how far two boxes may be apart. Along each axis the overlap is at most the smaller side and the union at
least the larger one, so that min(w) / max(w) > t and the overlap is longer than t max(w); the centres are then less
than (1 - t) max(w) apart, and in any case less than half the sum of the widths. Boxes are therefore put into buckets by
the binary exponent of their width, each bucket into strips of x as wide as the reach, each strip into order of y; two
binary searches in each of three strips give a box its candidates, which the exact formula then judges. The search may
find too many candidates, never too few: the reach is padded against rounding.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dlmath.detection.engine.geometry import areas
from dlmath.detection.engine.overlap import intersections

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dlmath.neural.arrays import Array

MOST_PAIRS = 2_000_000
"""Candidates judged at once: what bounds the memory."""

PADDING = 1 + 1e-4
"""The reach is that much too long, which only costs candidates."""

STRIPS = 2**16
"""Strips at most: more would cost the number that boxes are sorted by too many digits."""


class Boxes(NamedTuple):
    """Boxes and what the search asks of them again and again.

    Attributes
    ----------
    corners : ndarray (N, 4)
    area : ndarray (N,)
    label : ndarray (N,) of int64
        Only boxes of one class are compared.
    """

    corners: Array
    area: Array
    label: Array

    def take(self, rows: Array | slice) -> Boxes:
        """Return some of the boxes."""
        return Boxes(self.corners[rows], self.area[rows], self.label[rows])

    def __len__(self) -> int:
        return len(self.area)


def boxes_of(corners: Array, label: Array | None = None, plus: float = 0.0) -> Boxes:
    """Return boxes with their areas; without labels all are of one class."""
    labels = np.zeros(len(corners), dtype=np.int64) if label is None else label
    return Boxes(corners, areas(corners, plus), labels)


def judged(a: Boxes, b: Boxes, threshold: float, plus: float) -> tuple[Array, Array]:
    """Return (which pairs, their IoU) of the pairs (box i of A, box i of B) that overlap by more than the threshold.

    IoU = inter / (area A + area B - inter) in this order of operations, as torchvision has it: decisions at the
    threshold depend on it.
    """
    inter = intersections(a.corners, b.corners, plus)
    met = np.flatnonzero(inter > 0)  # a pair that does not meet is not above any threshold
    inter = inter[met]
    iou = inter / (a.area[met] + b.area[met] - inter)
    above = iou > threshold
    return met[above], iou[above]


class _Bucket(NamedTuple):
    """Boxes of one binary exponent of the width, with the largest width and height among them."""

    rows: Array
    width: float
    height: float


def _buckets(corners: Array, plus: float) -> list[_Bucket]:
    width, height = corners[:, 2] - corners[:, 0] + plus, corners[:, 3] - corners[:, 1] + plus
    solid = np.flatnonzero((width > 0) & (height > 0))  # a box without area overlaps nothing
    _, exponent = np.frexp(width[solid])
    order = np.argsort(exponent, kind="stable")
    starts = np.flatnonzero(np.diff(exponent[order], prepend=np.iinfo(np.int32).min))
    parts = [solid[part] for part in np.split(order, starts[1:])] if len(order) else []
    return [_Bucket(rows, float(width[rows].max()), float(height[rows].max())) for rows in parts]


def reach(size_a: float, size_b: float, threshold: float) -> float | None:
    """Return how far centres of boxes up to these sizes may be apart; None when none of them can overlap so much.

    The buckets' boxes are more than half as wide as the widest of them, which makes a ratio of 2 t the bound.

    >>> reach(4.0, 4.0, 0.5), reach(4.0, 16.0, 0.5)
    (2.0, None)
    """
    small, large = sorted((size_a, size_b))
    if small <= threshold * large / 2:
        return None
    return min((1 - threshold) * large, (size_a + size_b) / 2)


class _Index:
    """Boxes of one bucket in order of one number: which class and strip of x, then y.

    key = (class * strips + strip) * pitch + y. The pitch is so long that no window reaches into the next strip; what
    the key's rounding takes from y is given back to every window.
    """

    def __init__(self, boxes: Boxes, rows: Array, step: float, reach_y: float) -> None:
        corners = boxes.corners[rows]
        cx, cy = _centres(corners)
        self.left, self.top = float(cx.min()), float(cy.min())
        span = float(cx.max()) - self.left
        self.step = max(step + float(_rounding(corners[:, 0::2]).max()), span / STRIPS)
        self.strips = int(span / self.step) + 4
        self.height = float(cy.max()) - self.top
        self.pitch = 3 * (self.height + 2 * reach_y) or 1.0
        keys = self._key(boxes.label[rows], self._strip(cx), cy)
        order = np.argsort(keys)
        self.keys = keys[order]
        self.rows = rows[order]
        self.rounding = 8 * np.finfo(np.float64).eps * (float(np.abs(self.keys[-1])) + 4 * self.pitch)

    def _strip(self, cx: Array) -> Array:
        """Return the strips of centres, the bucket's first being 1; far away ones are cut to the two outer strips."""
        inside = np.clip((cx - self.left) / self.step, -1.0, self.strips - 2.0)
        return np.floor(inside) + 1.0

    def _key(self, label: Array, strip: Array, cy: Array) -> Array:
        """Return what boxes are sorted by; a centre far above or below stays within its strip's stretch."""
        height = np.clip(cy - self.top, -self.pitch / 3, 2 * self.pitch / 3)
        return np.asarray((label * float(self.strips) + strip) * self.pitch + height)

    def windows(self, boxes: Boxes, reach_y: Array) -> tuple[Array, Array, Array]:
        """Return (query, start, stop): where in `self.rows` the candidates of each query stand, strip by strip."""
        cx, cy = _centres(boxes.corners)
        keys = self._key(boxes.label, self._strip(cx), cy)
        order = np.argsort(keys)  # searching for sorted numbers finds most of its way in the cache
        keys, reach_y = keys[order], reach_y[order] + self.rounding
        found = []
        for shift in (-self.pitch, 0.0, self.pitch):
            start = np.searchsorted(self.keys, keys + (shift - reach_y))
            stop = np.searchsorted(self.keys, keys + (shift + reach_y), side="right")
            some = np.flatnonzero(stop > start)
            found.append((order[some], start[some], stop[some]))
        query, start, stop = (np.concatenate(parts) for parts in zip(*found, strict=True))
        return query, start, stop


def _centres(corners: Array) -> tuple[Array, Array]:
    """Return centre x and centre y, each (N,)."""
    return (corners[:, 0] + corners[:, 2]) / 2, (corners[:, 1] + corners[:, 3]) / 2


def overlapping_pairs(
    queries: Boxes, points: Boxes, threshold: float, *, plus: float = 0.0, earlier: bool = False
) -> Iterator[tuple[Array, Array, Array]]:
    """Yield (i, j, IoU) of all pairs of query i and point j of one class with IoU above the threshold, in portions.

    Parameters
    ----------
    queries, points : Boxes
    threshold : float
        In [0, 1).
    plus : float
        1 for inclusive pixel coordinates.
    earlier : bool
        Whether only pairs i < j are wanted (queries and points being the same boxes).
    """
    if not len(queries) or not len(points):
        return
    query_buckets = _buckets(queries.corners, plus)
    for bucket in _buckets(points.corners, plus):
        for asking in query_buckets:
            step = reach(asking.width, bucket.width, threshold)
            if step is None:
                continue
            near = queries.take(asking.rows)
            reach_y = _reach_y(near, bucket.height, threshold, plus)
            index = _Index(points, bucket.rows, step * PADDING, float(reach_y.max()))
            windows = index.windows(near, reach_y)
            for i, j in _expanded(*windows):
                yield from _exact(asking.rows[i], index.rows[j], (queries, points), (threshold, plus), earlier=earlier)


def _reach_y(boxes: Boxes, tallest: float, threshold: float, plus: float) -> Array:
    """Return how far above or below each query a centre may lie, the candidates being at most so tall."""
    height = boxes.corners[:, 3] - boxes.corners[:, 1] + plus
    partner = np.minimum(tallest, height / threshold) if threshold > 0 else tallest
    far = np.minimum((1 - threshold) * np.maximum(height, partner), (height + partner) / 2)
    return np.asarray(far * PADDING + _rounding(boxes.corners[:, 1::2]))


def _rounding(ends: Array) -> Array:
    """Return how far rounding may move centres: relative to the coordinates (N, 2), not to the sides."""
    return np.asarray(4 * np.finfo(np.float64).eps * np.abs(ends).max(axis=1))


def _expanded(query: Array, start: Array, stop: Array) -> Iterator[tuple[Array, Array]]:
    """Yield (query, position) for every position of every window, about `MOST_PAIRS` at a time."""
    counts = stop - start
    ends = np.cumsum(counts)
    at = 0
    while at < len(counts):
        done = int(ends[at - 1]) if at else 0
        upto = max(at + 1, int(np.searchsorted(ends, done + MOST_PAIRS, side="right")))
        lengths = counts[at:upto]
        before = np.cumsum(lengths) - lengths
        positions = np.arange(int(lengths.sum())) + np.repeat(start[at:upto] - before, lengths)
        yield np.repeat(query[at:upto], lengths), positions
        at = upto


def _exact(
    i: Array, j: Array, sides: tuple[Boxes, Boxes], rule: tuple[float, float], *, earlier: bool
) -> Iterator[tuple[Array, Array, Array]]:
    """Yield the candidates that the exact formula confirms."""
    if earlier:
        ordered = np.flatnonzero(i < j)
        i, j = i[ordered], j[ordered]
    which, iou = judged(sides[0].take(i), sides[1].take(j), *rule)
    if len(which):
        yield i[which], j[which], iou
