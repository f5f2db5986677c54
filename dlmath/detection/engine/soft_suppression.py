"""Soft suppression: instead of removing what overlaps, lower its score by how much it overlaps.

Bodla, Singh, Chellappa, Davis 2017, Soft-NMS: Improving Object Detection With One Line of Code.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dlmath.detection.engine.geometry import areas
from dlmath.detection.engine.overlap import intersections, share
from dlmath.detection.engine.suppression import by_score
from dlmath.errors import TooLargeError

if TYPE_CHECKING:
    from collections.abc import Callable

    from dlmath.neural.arrays import Array

MOST_BOXES = 30_000
"""Every kept box looks at all that are left: the work grows with the square of the number."""


class Decay(NamedTuple):
    """One way to lower scores.

    Attributes
    ----------
    name, equation, source : str
    factor : callable
        (IoU (N,), the rule's parameter) to the factors (N,) in [0, 1].
    """

    name: str
    equation: str
    source: str
    factor: Callable[[Array, float], Array]


DECAYS = {
    decay.name: decay
    for decay in (
        Decay(
            "linear",
            "s <- s (1 - IoU) where IoU > threshold",
            "Bodla et al. 2017, section 3 (there: from the threshold on)",
            lambda iou, threshold: np.where(iou > threshold, 1 - iou, 1.0),
        ),
        Decay(
            "gaussian",
            "s <- s exp(-IoU^2 / sigma)",
            "Bodla et al. 2017, equation 3",
            lambda iou, sigma: np.exp(-iou * iou / sigma),
        ),
    )
}
"""How scores are lowered, by name."""


class SoftStep(NamedTuple):
    """One box taken, and what it did to the scores of those left that it meets.

    Attributes
    ----------
    row : int
    score : float
    others : ndarray (M,) of int64
        Rows whose scores it lowered.
    iou, before, after : ndarray (M,) of float64
    """

    row: int
    score: float
    others: Array
    iou: Array
    before: Array
    after: Array


class Softened(NamedTuple):
    """What soft suppression decided.

    Attributes
    ----------
    keep : ndarray (K,) of int64
        Rows in the order they were taken.
    scores : ndarray (K,) of float64
        Lowered.
    dropped : ndarray (D,) of int64
        Rows whose score fell below the least one.
    steps : list of SoftStep
        The first `traced` of them.
    """

    keep: Array
    scores: Array
    dropped: Array
    steps: list[SoftStep]


def soft_nms(
    boxes: Array,
    scores: Array,
    decay: str,
    parameter: float,
    *,
    least: float | None = None,
    label: Array | None = None,
    plus: float = 0.0,
    traced: int = 0,
) -> Softened:
    """Take the box of highest score, lower the scores of those that overlap it, and again with what is left.

    Parameters
    ----------
    boxes : ndarray (N, 4) of float64
    scores : ndarray (N,) of float64
    decay : str
        One of `DECAYS`.
    parameter : float
        The threshold of `linear`, the sigma of `gaussian`.
    least : float or None
        Boxes whose score falls below it are dropped; None drops none.
    label : ndarray (N,) of int64 or None
        Only boxes of one label lower each other's scores.
    plus : float
    traced : int
        How many steps are kept for an explanation.

    Returns
    -------
    Softened

    Raises
    ------
    TooLargeError
        Beyond 30,000 boxes.

    Examples
    --------
    >>> boxes = np.array([[0.0, 0, 10, 10], [1, 1, 11, 11], [0, 2, 10, 12], [30, 30, 40, 40]])
    >>> found = soft_nms(boxes, np.array([0.9, 0.8, 0.7, 0.6]), "gaussian", 0.5)
    >>> found.keep.tolist(), found.scores.round(6).tolist()
    ([0, 3, 1, 2], [0.9, 0.6, 0.316709, 0.113927])
    """
    if len(boxes) > MOST_BOXES:
        raise TooLargeError(
            f"soft suppression of {len(boxes):,} boxes",
            f"give at most {MOST_BOXES:,} (--score-threshold leaves some out)",
        )
    factor = DECAYS[decay].factor
    area = areas(boxes, plus)
    left = by_score(scores)
    current = scores[left].astype(np.float64)
    keep: list[int] = []
    final: list[float] = []
    dropped: list[int] = []
    steps: list[SoftStep] = []
    while len(left):
        best = int(np.argmax(current))  # of equal scores the first: rows stand in order of their first score
        row, score = int(left[best]), float(current[best])
        keep.append(row)
        final.append(score)
        left, current = np.delete(left, best), np.delete(current, best)
        iou = _iou_with(row, left, boxes, area, plus)
        if label is not None:
            iou[label[left] != label[row]] = 0.0
        before, current = current, current * factor(iou, parameter)
        if len(steps) < traced:
            met = np.flatnonzero(current != before)
            steps.append(SoftStep(row, score, left[met], iou[met], before[met], current[met]))
        if least is not None:
            low = current < least
            dropped.extend(left[low].tolist())
            left, current = left[~low], current[~low]
    return Softened(np.array(keep, np.int64), np.array(final), np.array(dropped, np.int64), steps)


def _iou_with(row: int, others: Array, boxes: Array, area: Array, plus: float) -> Array:
    """Return the IoU (M,) of one box with others."""
    inter = intersections(np.broadcast_to(boxes[row], (len(others), 4)), boxes[others], plus)
    return share(inter, area[row] + area[others] - inter)
