"""A whole evaluation: average precision by class and threshold, and COCO's twelve figures."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dlmath.detection.engine.assignment import overlapping, rank_detections, take_truths
from dlmath.detection.engine.average_precision import (
    COCO_THRESHOLDS,
    RULES,
    Detections,
    PrecisionCurve,
    Rule,
    Truths,
    curve_of,
    precision_at,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dlmath.detection.engine.assignment import Pairs, Ranked, Taken
    from dlmath.neural.arrays import Array

AREAS = {"all": (0.0, 1e10), "small": (0.0, 32.0**2), "medium": (32.0**2, 96.0**2), "large": (96.0**2, 1e10)}
"""COCO's ranges of area in square pixels; a truth on a bound belongs to both sides."""

CAPS = (1, 10, 100)
"""Detections an image and class of COCO's average recalls."""


class Decisions(NamedTuple):
    """What became of every detection at one threshold, in order of class and falling score.

    Attributes
    ----------
    rows : ndarray (K,) of int64
        Rows of the detections.
    label : ndarray (K,) of int64
    truth : ndarray (K,) of int64
        Row of the truth it took, -1 for none.
    iou : ndarray (K,) of float64
        With that truth, or the best with any truth of its image and class.
    nearest : ndarray (K,) of int64
        The truth of that best overlap, -1 where it meets none.
    correct, counted : ndarray (K,) of bool
        `counted` is False where it took a truth that is ignored.
    """

    rows: Array
    label: Array
    truth: Array
    iou: Array
    nearest: Array
    correct: Array
    counted: Array


class Evaluation(NamedTuple):
    """Average precision.

    Attributes
    ----------
    rule : Rule
    thresholds : tuple of float
    truths : ndarray (classes,) of int64
        To be found, of each class.
    detections : ndarray (classes,) of int64
        Counted or not, of each class.
    ap : ndarray (thresholds, classes)
        NaN for a class without truths.
    recall : ndarray (thresholds, classes)
        Reached in the end; NaN for a class without truths.
    decisions : Decisions
        At the first threshold.
    left_out : int
        Detections beyond the most counted of one image and class.
    """

    rule: Rule
    thresholds: tuple[float, ...]
    truths: Array
    detections: Array
    ap: Array
    recall: Array
    decisions: Decisions
    left_out: int

    def curve(self, label: int) -> PrecisionCurve | None:
        """Return a class's curve at the first threshold, None where it has no truths."""
        if not self.truths[label]:
            return None
        which = self.decisions.label == label
        return curve_of(self.decisions.correct[which], self.decisions.counted[which], int(self.truths[label]))


def mean_known(values: Array) -> float | None:
    """Return the mean over what is not NaN, None where nothing is known.

    >>> mean_known(np.array([0.5, np.nan, 1.0])), mean_known(np.array([np.nan]))
    (0.75, None)
    """
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else None


class _Work:
    """Detections ranked, paired with truths, and sorted by class and score; done once for all thresholds."""

    def __init__(self, found: Detections, truths: Truths, most: int | None, least: float, plus: float) -> None:
        self.found, self.truths = found, truths
        self.ranked: Ranked = rank_detections(found, most)
        self.pairs: Pairs
        self.pairs, self.best, self.nearest = overlapping(self.ranked, found, truths, least, plus)
        rows = self.ranked.rows
        # equal scores: by image, then by rank within it (the ranked order), as a stable sort over images leaves them
        self.order = np.lexsort((-found.score[rows], found.label[rows]))
        self.label = found.label[rows][self.order]
        self.rank = self.ranked.rank[self.order]
        self.classes = 1 + max((int(part.max()) for part in (found.label, truths.label) if len(part)), default=-1)
        self.bounds = np.searchsorted(self.label, np.arange(self.classes + 1))

    def take(self, threshold: float, ignored: Array) -> Taken:
        """Return what each detection takes, in order of class and score."""
        taken = take_truths(self.ranked, self.pairs, self.truths.crowd, ignored, threshold)
        return type(taken)(*(values[self.order] for values in taken))

    def to_find(self, ignored: Array) -> Array:
        """Return how many truths (classes,) count."""
        return np.bincount(self.truths.label[~ignored], minlength=self.classes)


def evaluate(
    found: Detections,
    truths: Truths,
    thresholds: Sequence[float] = (0.5,),
    rule: str = "coco",
    *,
    most: int | None = None,
    plus: float = 0.0,
) -> Evaluation:
    """Return average precision by threshold and class.

    Parameters
    ----------
    found : Detections
    truths : Truths
    thresholds : sequence of float
        In (0, 1].
    rule : str
        One of `RULES`.
    most : int or None
        Detections counted of one image and class; None: as many as the rule counts.
    plus : float
        1 for inclusive pixel coordinates.

    Returns
    -------
    Evaluation
    """
    chosen = RULES[rule]
    work = _Work(found, truths, most or chosen.most, min(thresholds) - 1e-10, plus)
    to_find = work.to_find(truths.ignored)
    ap = np.full((len(thresholds), work.classes), np.nan)
    recall = ap.copy()
    decisions = None
    for number, threshold in enumerate(thresholds):
        taken = work.take(threshold, truths.ignored)
        correct, counted = (taken.truth >= 0) & ~taken.ignored, ~taken.ignored
        for label in np.flatnonzero(to_find).tolist():
            part = slice(work.bounds[label], work.bounds[label + 1])
            curve = curve_of(correct[part], counted[part], int(to_find[label]))
            ap[number, label] = chosen.area(curve.recall, curve.envelope)
            recall[number, label] = curve.recall[-1] if len(curve.recall) else 0.0
        decisions = decisions or _decisions(work, taken)
    assert decisions is not None
    sizes = np.diff(work.bounds)
    left_out = len(found.score) - len(work.ranked.rows)
    return Evaluation(chosen, tuple(thresholds), to_find, sizes, ap, recall, decisions, left_out)


def _decisions(work: _Work, taken: Taken) -> Decisions:
    """Return what became of each detection."""
    order = work.order
    took = taken.truth >= 0
    return Decisions(
        rows=work.ranked.rows[order],
        label=work.label,
        truth=taken.truth,
        iou=np.where(took, taken.iou, work.best[order]),
        nearest=work.nearest[order],
        correct=took & ~taken.ignored,
        counted=~taken.ignored,
    )


def coco_figures(found: Detections, truths: Truths) -> dict[str, float | None]:
    """Return COCO's twelve figures: AP, AP50, AP75, by size; AR by detections an image, by size.

    Parameters
    ----------
    found : Detections
    truths : Truths

    Returns
    -------
    dict of str to float or None
        None where no truth is of that size (pycocotools prints -1).
    """
    work = _Work(found, truths, max(CAPS), min(COCO_THRESHOLDS) - 1e-10, 0.0)
    figures: dict[str, float | None] = {}
    recalls: dict[str, float | None] = {}
    for name, bounds in AREAS.items():
        precision, recall = _by_area(work, bounds, CAPS if name == "all" else CAPS[-1:])
        short = "" if name == "all" else name
        figures[f"AP{short}"] = mean_known(precision)
        if name == "all":
            figures |= {"AP50": mean_known(precision[0]), "AP75": mean_known(precision[5])}
            recalls |= {f"AR{cap}": mean_known(values) for cap, values in zip(CAPS, recall, strict=True)}
        else:
            recalls[f"AR{name}"] = mean_known(recall[-1])
    return figures | recalls


def _by_area(work: _Work, bounds: tuple[float, float], caps: Sequence[int]) -> tuple[Array, Array]:
    """Return precision (thresholds, recall levels, classes) and recall (caps, thresholds, classes) for some areas.

    The precision at every level is kept, not its mean: the mean over all of it is the figure that pycocotools prints,
    to the last digit.
    """
    low, high = bounds
    ignored = work.truths.ignored | (work.truths.area < low) | (work.truths.area > high)
    area = work.found.area[work.ranked.rows[work.order]]
    outside = (area < low) | (area > high)
    to_find = work.to_find(ignored)
    levels = RULES["coco"].points or 0
    precision = np.full((len(COCO_THRESHOLDS), levels, work.classes), np.nan)
    recall = np.full((len(caps), len(COCO_THRESHOLDS), work.classes), np.nan)
    for number, threshold in enumerate(COCO_THRESHOLDS):
        taken = work.take(threshold, ignored)
        correct = (taken.truth >= 0) & ~taken.ignored
        counted = np.where(taken.truth >= 0, ~taken.ignored, ~outside)
        for label in np.flatnonzero(to_find).tolist():
            part = slice(work.bounds[label], work.bounds[label + 1])
            curve = curve_of(correct[part], counted[part], int(to_find[label]))
            precision[number, :, label] = precision_at(curve.recall, curve.envelope, levels)
            for at, cap in enumerate(caps):
                recall[at, number, label] = (correct[part] & (work.rank[part] < cap)).sum() / to_find[label]
    return precision, recall
