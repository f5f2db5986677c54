"""Which anchors are taught as objects: each is labelled by its overlap with the truths.

Ren, He, Girshick, Sun 2015, Faster R-CNN, section 3.1.2: positive from IoU `high` on, and the best anchors of each
truth whatever their IoU; negative below `low`; the rest takes no part.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dlmath.detection.engine.overlap import overlap_blocks

if TYPE_CHECKING:
    from dlmath.neural.arrays import Array

POSITIVE, NEGATIVE, IGNORED = 1, 0, -1


class Matched(NamedTuple):
    """What each anchor is taught.

    Attributes
    ----------
    labels : ndarray (N,) of int64
        1 object, 0 background, -1 left out.
    match : ndarray (N,) of int64
        The truth it overlaps most (the first of equals); -1 where there is no truth at all.
    iou : ndarray (N,) of float64
        With it.
    rescued : ndarray (N,) of bool
        Positive only as the best anchor of a truth.
    best : ndarray (M,) of float64
        Of each truth, the highest IoU any anchor has.
    """

    labels: Array
    match: Array
    iou: Array
    rescued: Array
    best: Array


def match(
    anchors: Array, truths: Array, low: float = 0.3, high: float = 0.7, *, keep_best: bool = True, plus: float = 0.0
) -> Matched:
    """Label anchors, in memory that does not grow with anchors times truths.

    Parameters
    ----------
    anchors, truths : ndarray (N, 4), (M, 4) of float64
    low, high : float
        Below `low` background, from `high` on object.
    keep_best : bool
        Whether all anchors that overlap a truth most become positive. Their match stays the truth *they* overlap
        most, which may be another one (as detectron2 and torchvision have it). A truth that no anchor meets makes none
        positive.
    plus : float

    Returns
    -------
    Matched

    Examples
    --------
    >>> anchors = np.array([[0.0, 0, 10, 10], [0, 0, 10, 5], [40, 40, 50, 50]])
    >>> match(anchors, np.array([[0.0, 0, 10, 10]])).labels
    array([ 1, -1,  0])
    """
    count = len(anchors)
    best = np.zeros(len(truths))
    if not len(truths):
        nothing = np.zeros(count, dtype=np.int64)
        return Matched(nothing, nothing - 1, np.zeros(count), np.zeros(count, dtype=bool), best)
    matches, iou = np.empty(count, dtype=np.int64), np.empty(count)
    for rows, block in overlap_blocks(anchors, truths, plus=plus):
        matches[rows] = block.argmax(axis=1)
        iou[rows] = block.max(axis=1)
        np.maximum(best, block.max(axis=0), out=best)
    labels = np.where(iou >= high, POSITIVE, np.where(iou < low, NEGATIVE, IGNORED))
    rescued = _best_of_a_truth(anchors, truths, best, plus) & (labels != POSITIVE) if keep_best else iou < 0
    labels[rescued] = POSITIVE
    return Matched(labels, matches, iou, rescued, best)


def _best_of_a_truth(anchors: Array, truths: Array, best: Array, plus: float) -> Array:
    """Return which anchors (N,) have the highest IoU of all with some truth, ties included."""
    found = np.zeros(len(anchors), dtype=bool)
    wanted = np.where(best > 0, best, np.inf)
    for rows, block in overlap_blocks(anchors, truths, plus=plus):
        found[rows] = (block == wanted).any(axis=1)
    return found
