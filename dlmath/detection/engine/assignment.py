"""Which detection finds which truth: the part of average precision that looks at boxes.

Within an image and a class, in order of falling score, each detection takes the free truth it overlaps most, from the
threshold on; of equal overlaps the later truth; an ignored truth only where no other can be had; a crowd may be taken
again and again, overlap with it being measured by the detection's own area. This is pycocotools' rule.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dlmath.detection.engine.geometry import areas
from dlmath.detection.engine.overlap import intersections, share

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dlmath.detection.engine.average_precision import Detections, Truths
    from dlmath.neural.arrays import Array

CLOSEST = 1 - 1e-10
"""A threshold of 1 is lowered to it, as pycocotools does: equal boxes may overlap by a last digit less."""

MOST_PAIRS = 2_000_000
"""Pairs looked at at once."""


class Ranked(NamedTuple):
    """Detections sorted by class, image and falling score.

    Attributes
    ----------
    rows : ndarray (K,) of int64
        Rows of the detections, at most `most` of each image and class.
    rank : ndarray (K,) of int64
        0 for the best of its image and class.
    """

    rows: Array
    rank: Array


def rank_detections(found: Detections, most: int | None) -> Ranked:
    """Return the detections by class, image, falling score (equal scores in their own order)."""
    order = np.lexsort((-found.score, found.image, found.label))
    group = np.stack([found.label[order], found.image[order]])
    fresh = np.ones(len(order), dtype=bool)
    fresh[1:] = (group[:, 1:] != group[:, :-1]).any(axis=0)
    starts = np.flatnonzero(fresh)
    rank = np.arange(len(order)) - np.repeat(starts, np.diff(np.append(starts, len(order))))
    kept = rank < (len(order) if most is None else most)
    return Ranked(order[kept], rank[kept])


class Pairs(NamedTuple):
    """Detections and truths of one image and class that overlap.

    Attributes
    ----------
    place : ndarray (P,) of int64
        The detection's place among the ranked ones.
    truth : ndarray (P,) of int64
        Row of the truth.
    iou : ndarray (P,) of float64
    """

    place: Array
    truth: Array
    iou: Array


def overlapping(
    ranked: Ranked, found: Detections, truths: Truths, least: float, plus: float = 0.0
) -> tuple[Pairs, Array, Array]:
    """Return all pairs with an overlap of at least `least`, and the best overlap of each ranked detection.

    Returns
    -------
    pairs : Pairs
    best : ndarray (K,) of float64
        With any truth of its image and class, 0 where there is none.
    nearest : ndarray (K,) of int64
        That truth, -1 where there is none.
    """
    by_group = np.lexsort((truths.image, truths.label))
    images = 1 + max((int(part.max()) for part in (found.image, truths.image) if len(part)), default=0)
    keys = (truths.label * images + truths.image)[by_group]
    wanted = found.label[ranked.rows] * images + found.image[ranked.rows]
    start, stop = np.searchsorted(keys, wanted), np.searchsorted(keys, wanted, side="right")
    best, nearest = np.zeros(len(ranked.rows)), np.full(len(ranked.rows), -1, dtype=np.int64)
    parts = []
    for place, at in _expanded(start, stop):
        truth = by_group[at]
        iou = _overlaps(found.boxes[ranked.rows[place]], truths, truth, plus)
        _note_best(best, nearest, place, truth, iou)
        close = iou >= least
        parts.append(Pairs(place[close], truth[close], iou[close]))
    if not parts:
        nothing = np.zeros(0, dtype=np.int64)
        return Pairs(nothing, nothing, np.zeros(0)), best, nearest
    return Pairs(*(np.concatenate(columns) for columns in zip(*parts, strict=True))), best, nearest


def _expanded(start: Array, stop: Array) -> Iterator[tuple[Array, Array]]:
    """Yield (place, position) for all positions start..stop of all places, about `MOST_PAIRS` at a time."""
    counts = stop - start
    portions = np.cumsum(counts) // MOST_PAIRS
    for portion in np.unique(portions[counts > 0]).tolist():
        places = np.flatnonzero((portions == portion) & (counts > 0))
        lengths = counts[places]
        before = np.cumsum(lengths) - lengths
        yield np.repeat(places, lengths), np.arange(int(lengths.sum())) + np.repeat(start[places] - before, lengths)


def _overlaps(boxes: Array, truths: Truths, rows: Array, plus: float) -> Array:
    """Return the IoU of detection i with truth i; with a crowd, the intersection over the detection's area."""
    others = truths.boxes[rows]
    inter = intersections(boxes, others, plus)
    area = areas(boxes, plus)
    union = area + areas(others, plus) - inter
    return share(inter, np.where(truths.crowd[rows], area, union))


def _note_best(best: Array, nearest: Array, place: Array, truth: Array, iou: Array) -> None:
    """Note each detection's best overlap of this portion (a detection's pairs stand together in one portion)."""
    if not len(place):
        return
    starts = np.flatnonzero(np.diff(place, prepend=-1))
    highest = np.maximum.reduceat(iou, starts)
    reached = np.flatnonzero(iou == np.repeat(highest, np.diff(np.append(starts, len(place)))))
    met = reached[iou[reached] > 0]
    nearest[place[met]] = truth[met]
    best[place[starts]] = highest


class Taken(NamedTuple):
    """What each ranked detection took.

    Attributes
    ----------
    truth : ndarray (K,) of int64
        Row of the truth, -1 for none.
    iou : ndarray (K,) of float64
        With it, 0 for none.
    ignored : ndarray (K,) of bool
        Whether that truth counts for nothing.
    """

    truth: Array
    iou: Array
    ignored: Array


def take_truths(ranked: Ranked, pairs: Pairs, crowd: Array, ignored: Array, threshold: float) -> Taken:
    """Return what each detection takes.

    Detections of one rank stand in different groups and cannot take each other's truths, so that all of a rank are
    settled at once. Pairs of which neither side has another are settled without waiting for their turn.

    Parameters
    ----------
    ranked : Ranked
    pairs : Pairs
        All with an overlap of at least the threshold, possibly more.
    crowd, ignored : ndarray (T,) of bool
        Of each truth.
    threshold : float
    """
    close = pairs.iou >= min(threshold, CLOSEST)
    place, truth, iou = pairs.place[close], pairs.truth[close], pairs.iou[close]
    taken = Taken(
        np.full(len(ranked.rows), -1, dtype=np.int64),
        np.zeros(len(ranked.rows)),
        np.zeros(len(ranked.rows), dtype=bool),
    )
    alone = (np.bincount(place, minlength=len(ranked.rows))[place] == 1) & (
        (np.bincount(truth, minlength=len(crowd))[truth] == 1) | crowd[truth]
    )
    _give(taken, place[alone], truth[alone], iou[alone], ignored)
    rest = np.flatnonzero(~alone)
    # what a detection prefers stands first: a truth that counts, then the overlap, then the later truth
    order = rest[np.lexsort((-truth[rest], -iou[rest], ignored[truth[rest]], place[rest], ranked.rank[place[rest]]))]
    free = np.ones(len(crowd), dtype=bool)
    ranks = ranked.rank[place[order]]
    for turn in np.split(order, np.flatnonzero(np.diff(ranks)) + 1) if len(order) else []:
        open_ = turn[free[truth[turn]]]
        first = open_[np.diff(place[open_], prepend=-1) != 0]
        _give(taken, place[first], truth[first], iou[first], ignored)
        free[truth[first]] = crowd[truth[first]]
    return taken


def _give(taken: Taken, place: Array, truth: Array, iou: Array, ignored: Array) -> None:
    """Note that these detections take these truths."""
    taken.truth[place], taken.iou[place], taken.ignored[place] = truth, iou, ignored[truth]


def naive_take_truths(ranked: Ranked, pairs: Pairs, crowd: Array, ignored: Array, threshold: float) -> Taken:
    """Return what `take_truths` returns, detection after detection: its oracle."""
    count = len(ranked.rows)
    taken = Taken(np.full(count, -1, dtype=np.int64), np.zeros(count), np.zeros(count, dtype=bool))
    used: set[int] = set()
    for place in sorted(range(count), key=lambda k: int(ranked.rank[k])):
        best: tuple[bool, float, int] | None = None
        for truth, iou in zip(pairs.truth[pairs.place == place], pairs.iou[pairs.place == place], strict=True):
            if iou >= min(threshold, CLOSEST) and (crowd[truth] or int(truth) not in used):
                offer = (not ignored[truth], float(iou), int(truth))
                best = offer if best is None else max(best, offer)
        if best is not None:
            taken.truth[place], taken.iou[place], taken.ignored[place] = best[2], best[1], not best[0]
            used.add(best[2])
    return taken
