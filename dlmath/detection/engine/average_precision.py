"""Average precision: one number for a ranking of detections against truths.

In order of falling score each detection is right (it takes a truth) or wrong; recall and precision follow row by row,
and the area under their curve, read off by one of three published rules, is the average precision.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from dlmath.neural.arrays import Array


class Rule(NamedTuple):
    """One way to read the area off the curve.

    Attributes
    ----------
    name, equation, source : str
    area : callable
        (recall (N,), envelope (N,)), both after each detection, to the average precision.
    points : int or None
        Recall levels that are looked at; None: all of them.
    most : int or None
        Detections of one class counted in an image, the best ones; None: all.
    """

    name: str
    equation: str
    source: str
    area: Callable[[Array, Array], float]
    points: int | None
    most: int | None


def recall_levels(points: int) -> Array:
    """Return the levels k / (points - 1) as the published evaluations make them, in float64.

    Some are a last digit above the fraction they stand for (0.7000000000000001), so that a recall of exactly 0.7 does
    not reach them. The published figures have it so.

    >>> float(recall_levels(11)[7])
    0.7000000000000001
    """
    return np.linspace(0.0, 1.0, points)


def precision_at(recall: Array, envelope: Array, points: int) -> Array:
    """Return the precision (points,) at each recall level: the best from there on, 0 where it is not reached."""
    index = np.searchsorted(recall, recall_levels(points), side="left")
    return np.append(envelope, 0.0)[index]


def interpolated(points: int) -> Callable[[Array, Array], float]:
    """Return the rule that averages over recall levels."""
    return lambda recall, envelope: float(precision_at(recall, envelope, points).mean())


def all_points(recall: Array, envelope: Array) -> float:
    """Return the area under the envelope, step by step of recall."""
    return float(np.diff(recall, prepend=0.0) @ envelope)


RULES = {
    rule.name: rule
    for rule in (
        Rule(
            "coco",
            "AP = 1/101 sum over r = 0, 0.01, ..., 1 of max precision at recall >= r",
            "Lin et al. 2014, COCO; pycocotools",
            interpolated(101),
            101,
            100,
        ),
        Rule(
            "voc",
            "AP = sum over steps of recall of (r_k - r_(k-1)) max precision at recall >= r_k",
            "PASCAL VOC development kit from 2010 on",
            all_points,
            None,
            None,
        ),
        Rule(
            "voc11",
            "AP = 1/11 sum over r = 0, 0.1, ..., 1 of max precision at recall >= r",
            "Everingham et al. 2010, The PASCAL VOC Challenge, equation 1; Salton, McGill 1983",
            interpolated(11),
            11,
            None,
        ),
    )
}
"""Every way to read the area, by name."""

COCO_THRESHOLDS = tuple(np.linspace(0.5, 0.95, 10).tolist())
"""IoU thresholds of COCO's mean, made as pycocotools makes them."""


class PrecisionCurve(NamedTuple):
    """Recall and precision after each detection of one class, in order of score.

    Attributes
    ----------
    recall, precision : ndarray (N,)
        Of the detections that count (those matched to ignored truths are left out of both).
    envelope : ndarray (N,)
        The best precision from there on.
    """

    recall: Array
    precision: Array
    envelope: Array


def curve_of(correct: Array, counted: Array, truths: int) -> PrecisionCurve:
    """Return the curve of detections in order of score.

    Parameters
    ----------
    correct : ndarray (N,) of bool
    counted : ndarray (N,) of bool
        False for those that took an ignored truth: neither right nor wrong.
    truths : int
        That are to be found, at least 1.

    Examples
    --------
    >>> curve_of(np.array([True, False, True]), np.ones(3, dtype=bool), 2).envelope.round(3).tolist()
    [1.0, 0.667, 0.667]
    """
    right = np.cumsum(correct & counted)
    shown = np.cumsum(counted)
    recall = right / truths
    precision = np.divide(right, shown, out=np.zeros(len(right)), where=shown > 0)
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    return PrecisionCurve(recall, precision, envelope)


class Truths(NamedTuple):
    """What is there.

    Attributes
    ----------
    boxes : ndarray (T, 4) of float64
    label, image : ndarray (T,) of int64
        Classes and images, numbered from 0, images in their order.
    crowd : ndarray (T,) of bool
        Regions of many objects: may be taken again and again, count for nothing.
    ignored : ndarray (T,) of bool
        Count for nothing: neither to be found, nor wrong to have found (crowds are; VOC's "difficult").
    area : ndarray (T,) of float64
    """

    boxes: Array
    label: Array
    image: Array
    crowd: Array
    ignored: Array
    area: Array


class Detections(NamedTuple):
    """What was found.

    Attributes
    ----------
    boxes : ndarray (D, 4) of float64
    score : ndarray (D,) of float64
    label, image : ndarray (D,) of int64
        As those of `Truths`.
    area : ndarray (D,) of float64
    """

    boxes: Array
    score: Array
    label: Array
    image: Array
    area: Array
