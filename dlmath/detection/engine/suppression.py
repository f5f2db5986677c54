"""Non-maximum suppression: of boxes that overlap by more than a threshold, only the one of highest score is kept.

The rule is greedy: take the boxes in order of score (equal scores: the earlier row first); keep a box unless one that
was kept overlaps it by strictly more than the threshold. `naive_nms` is this sentence. `nms` gives the same answer,
pair for pair, in two ways that fit two kinds of crowd: while the best box of those left removes many, the textbook step
(`_peel`); then, where most boxes survive, blocks of ranks, whose overlapping pairs are listed and settled
(`_by_blocks`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dlmath.detection.engine.neighbours import Boxes, boxes_of, overlapping_pairs
from dlmath.detection.engine.overlap import iou_pairs

if TYPE_CHECKING:
    from dlmath.neural.arrays import Array

GOOD_STEP = 500
"""A textbook step pays while it removes at least one in so many of the boxes left."""

POOR_STEPS = 4
"""So many steps in a row that do not pay end the textbook way."""

FIRST_BLOCK = 2_048
LARGEST_BLOCK = 65_536
"""Ranks settled at once."""

MOST_BLOCK_PAIRS = 4_000_000
"""Overlapping pairs of one block: more, and the block is halved, so that memory stays bounded."""


class Kept(NamedTuple):
    """What suppression decided.

    Attributes
    ----------
    keep : ndarray (K,) of int64
        Rows that were kept, in order of score.
    suppressed : ndarray (S,) of int64
        Rows that were not, in order of score.
    by : ndarray (S,) of int64
        The row that suppressed each: of the kept ones above the threshold, that of highest score.
    iou : ndarray (S,) of float64
        With it.
    """

    keep: Array
    suppressed: Array
    by: Array
    iou: Array


def by_score(scores: Array) -> Array:
    """Return rows in order of falling score, equal scores in their own order.

    >>> by_score(np.array([0.5, 0.9, 0.5]))
    array([1, 0, 2])
    """
    return np.argsort(-scores, kind="stable")


def naive_nms(
    boxes: Array, scores: Array, threshold: float = 0.5, *, label: Array | None = None, plus: float = 0.0
) -> Kept:
    """Return what `nms` returns, box after box by the definition: its oracle."""
    keep: list[int] = []
    out: list[tuple[int, int, float]] = []
    for row in by_score(scores).tolist():
        for other in keep:
            same = label is None or label[row] == label[other]
            iou = float(iou_pairs(boxes[other, None], boxes[row, None], plus=plus)[0])
            if same and iou > threshold:
                out.append((row, other, iou))
                break
        else:
            keep.append(row)
    lost, by, ious = zip(*out, strict=True) if out else ((), (), ())
    whole = np.int64
    return Kept(np.array(keep, whole), np.array(lost, whole), np.array(by, whole), np.array(ious, float))


class _State:
    """Boxes in order of score, what was decided of each so far, and which are left."""

    def __init__(self, boxes: Boxes, threshold: float, plus: float) -> None:
        self.boxes = boxes
        self.rule = threshold, plus
        self.kept = np.zeros(len(boxes), dtype=bool)
        self.by = np.full(len(boxes), -1, dtype=np.int64)
        self.iou = np.zeros(len(boxes))
        self.left = np.arange(len(boxes))

    def suppress(self, ranks: Array, by: Array | int, iou: Array) -> None:
        """Note who suppressed these ranks."""
        self.by[ranks], self.iou[ranks] = by, iou


def nms(boxes: Array, scores: Array, threshold: float = 0.5, *, label: Array | None = None, plus: float = 0.0) -> Kept:
    """Suppress all boxes but the best of each crowd.

    Parameters
    ----------
    boxes : ndarray (N, 4) of float64
        Corners.
    scores : ndarray (N,) of float64
    threshold : float
        In [0, 1]. A box is suppressed by IoU strictly above it: 1 suppresses none.
    label : ndarray (N,) of int64 or None
        Boxes of different labels do not suppress each other (None: all are of one class). Coordinates are not shifted
        by class, which would cost digits.
    plus : float
        1 for inclusive pixel coordinates.

    Returns
    -------
    Kept

    Examples
    --------
    >>> boxes = np.array([[0.0, 0, 10, 10], [1, 1, 11, 11], [30, 30, 40, 40]])
    >>> nms(boxes, np.array([0.8, 0.9, 0.7])).keep
    array([1, 2])
    """
    order = by_score(scores)
    ranked = boxes_of(np.asarray(boxes, dtype=np.float64)[order], None if label is None else label[order], plus)
    state = _State(ranked, threshold, plus)
    if threshold >= 1:
        state.kept[:] = True  # no IoU is above 1
    else:
        _keep_flat(state)
        _peel(state)
        _by_blocks(state)
    lost = np.flatnonzero(~state.kept)
    return Kept(order[state.kept], order[lost], order[state.by[lost]], state.iou[lost])


def _keep_flat(state: _State) -> None:
    """Keep boxes without area: they overlap nothing, and nothing them."""
    flat = state.boxes.area == 0
    state.kept[flat] = True
    state.left = np.flatnonzero(~flat)


def _peel(state: _State) -> None:
    """Keep the best box and remove what it suppresses, while that removes enough to pay for looking at all."""
    boxes = state.boxes.take(state.left)
    # rows x1, y1, x2, y2, area: contiguous, so that each step runs along them
    rest, labels = np.concatenate([boxes.corners.T, boxes.area[None]]), boxes.label
    poor = 0
    while len(state.left) and poor < POOR_STEPS:
        best = state.left[0]
        state.kept[best] = True
        iou = _iou_with_first(rest, state.rule[1])
        above = (iou > state.rule[0]) & (labels[1:] == labels[0])
        hit, spared = np.flatnonzero(above), np.flatnonzero(~above) + 1
        state.suppress(state.left[hit + 1], best, iou[hit])
        poor = poor + 1 if len(hit) * GOOD_STEP < len(state.left) else 0
        state.left, rest, labels = state.left[spared], rest.take(spared, axis=1), labels[spared]


def _iou_with_first(columns: Array, plus: float) -> Array:
    """Return the IoU (N - 1,) of the first of some boxes that have area with the others; columns (5, N)."""
    x1, y1, x2, y2, area = columns[:, 1:]
    first = columns[:, 0]
    width = np.minimum(x2, first[2])
    width -= np.maximum(x1, first[0])
    height = np.minimum(y2, first[3])
    height -= np.maximum(y1, first[1])
    if plus:
        width += plus
        height += plus
    np.maximum(width, 0, out=width)
    np.maximum(height, 0, out=height)
    width *= height
    union = area + first[4]
    union -= width
    width /= union
    return np.asarray(width)


def _by_blocks(state: _State) -> None:
    """Settle block after block of the ranks left; what a block keeps suppresses among the ranks after it."""
    size = FIRST_BLOCK
    while len(state.left):
        block = state.left[:size]
        pairs = _pairs_within(state, block)
        if pairs is None:
            size = max(1, len(block) // 2)
            continue
        state.kept[block] = settle(len(block), *pairs[:2])
        _note(state, block, pairs)
        state.left = state.left[len(block) :]
        _strike(state, block[state.kept[block]])
        size = min(2 * size, LARGEST_BLOCK)


def _pairs_within(state: _State, block: Array) -> tuple[Array, Array, Array] | None:
    """Return (i, j, IoU) of all overlapping pairs i < j of a block; None when there are too many."""
    boxes = state.boxes.take(block)
    threshold, plus = state.rule
    found: list[tuple[Array, Array, Array]] = []
    total = 0
    for portion in overlapping_pairs(boxes, boxes, threshold, plus=plus, earlier=True):
        found.append(portion)
        total += len(portion[0])
        if total > MOST_BLOCK_PAIRS and len(block) > 1:
            return None
    if not found:
        nothing = np.zeros(0, dtype=np.int64)
        return nothing, nothing, np.zeros(0)
    i, j, iou = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return i, j, iou


def settle(count: int, i: Array, j: Array) -> Array:
    """Return which of `count` boxes greedy suppression keeps, given all pairs i < j that exclude each other.

    A box is kept when no earlier neighbour is undecided or kept; its neighbours are then out; and again, until all is
    decided: the lexicographically first maximal independent set.

    >>> settle(3, np.array([0, 1]), np.array([1, 2]))
    array([ True, False,  True])
    """
    kept = np.zeros(count, dtype=bool)
    undecided = np.ones(count, dtype=bool)
    while len(i):
        blocked = np.zeros(count, dtype=bool)
        blocked[j] = True
        fresh = undecided & ~blocked
        kept |= fresh
        undecided &= ~fresh
        undecided[j[fresh[i]]] = False
        alive = undecided[i] & undecided[j]
        i, j = i[alive], j[alive]
    return kept | undecided


def _note(state: _State, block: Array, pairs: tuple[Array, Array, Array]) -> None:
    """Note who suppressed whom within a block: of the kept neighbours the first."""
    i, j, iou = pairs
    by_kept = np.flatnonzero(state.kept[block[i]])
    latest_first = by_kept[np.argsort(-i[by_kept], kind="stable")]  # of several assignments the last one stays
    state.suppress(block[j[latest_first]], block[i[latest_first]], iou[latest_first])


def _strike(state: _State, keepers: Array) -> None:
    """Remove from the ranks left what these kept boxes suppress."""
    threshold, plus = state.rule
    rest = state.boxes.take(state.left)
    first = np.full(len(rest), len(keepers), dtype=np.int64)
    at = np.zeros(len(rest))
    for i, j, iou in overlapping_pairs(state.boxes.take(keepers), rest, threshold, plus=plus):
        latest_first = np.argsort(-i, kind="stable")  # of several assignments the last one stays
        better = latest_first[i[latest_first] < first[j[latest_first]]]
        first[j[better]], at[j[better]] = i[better], iou[better]
    hit = np.flatnonzero(first < len(keepers))
    state.suppress(state.left[hit], keepers[first[hit]], at[hit])
    state.left = state.left[first == len(keepers)]
