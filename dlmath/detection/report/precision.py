"""The report of `boxes average-precision`: figures by class and threshold, and a class's curve built row by row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from dlmath.detection.engine.average_precision import PrecisionCurve, precision_at, recall_levels
from dlmath.detection.engine.evaluation import Evaluation, mean_known
from dlmath.detection.report.texts import number, shortened
from dlmath.report.blocks import Facts, Lines, Table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dlmath.neural.arrays import Array
    from dlmath.report.blocks import Block, Cell

MOST_DECISIONS = 40
"""Detections an explanation lists."""

COLUMNS = ("image", "class", "score", "detection", "truth", "IoU", "correct")


class Named(NamedTuple):
    """Words for the numbers of an evaluation.

    Attributes
    ----------
    classes, images : sequence of str
    image : ndarray (D,) of int64
        Picture of each detection.
    score : ndarray (D,)
    """

    classes: Sequence[str]
    images: Sequence[str]
    image: Array
    score: Array


def decision_rows(found: Evaluation, named: Named) -> list[tuple[Any, ...]]:
    """Return a row for each detection, in order of class and score."""
    decisions = found.decisions
    columns = (
        decisions.rows.tolist(),
        decisions.label.tolist(),
        decisions.truth.tolist(),
        decisions.iou.tolist(),
        decisions.correct.tolist(),
        decisions.counted.tolist(),
    )
    images, scores = named.image.tolist(), named.score.tolist()
    return [
        (
            named.images[images[row]] or None,
            named.classes[label],
            scores[row],
            row,
            truth if truth >= 0 else None,
            iou,
            correct if counted else None,
        )
        for row, label, truth, iou, correct, counted in zip(*columns, strict=True)
    ]


def known(value: float) -> float | None:
    """Return a figure, None for NaN."""
    return None if np.isnan(value) else float(value)


def class_rows(found: Evaluation, named: Named) -> list[tuple[Cell, ...]]:
    """Return a row for each class: truths, detections, right ones, recall, average precision."""
    right = np.bincount(found.decisions.label[found.decisions.correct], minlength=len(named.classes))
    return [
        (
            name,
            int(found.truths[label]),
            int(found.detections[label]),
            int(right[label]),
            known(found.recall[0, label]),
            mean_known(found.ap[:, label]),
        )
        for label, name in enumerate(named.classes)
    ]


def blocks(
    found: Evaluation, named: Named, coco: dict[str, float | None] | None, reason: str | None
) -> Iterator[Block]:
    """Yield figures by class, by threshold, COCO's twelve, and the mean last."""
    header = ("class", "truths", "detections", "right", "recall", "AP")
    title = f"By class (right and recall at IoU {number(found.thresholds[0])})"
    yield from shortened(header, class_rows(found, named), title=title)
    if len(found.thresholds) > 1:
        rows = tuple(
            (number(threshold), mean_known(found.ap[index])) for index, threshold in enumerate(found.thresholds)
        )
        yield Table(("IoU from", "AP"), rows, title="By threshold")
    if coco is not None:
        yield Facts(tuple(coco.items()), title="COCO's twelve figures")
    mean = mean_known(found.ap)
    told: list[tuple[str, Cell]] = [("rule", f"{found.rule.name}: {found.rule.equation}")]
    told.append(("average precision", mean if mean is not None else f"undefined: {reason}"))
    yield Facts(tuple(told))


def explanation(found: Evaluation, named: Named, label: int) -> Iterator[Block]:
    """Yield the rules, and one class from its decisions to the sum."""
    yield Lines(tuple(rule_lines(found)), title="Average precision")
    curve = found.curve(label)
    name = named.classes[label] if named.classes else "-"
    if curve is None:
        yield Lines((f"class {name} has no truths: its average precision is undefined and left out of the mean",))
        return
    which = np.flatnonzero(found.decisions.label == label)
    yield decision_table(found, named, curve, which, name)
    if len(which) > MOST_DECISIONS:
        yield Lines((f"... and {len(which) - MOST_DECISIONS:,} more detections",))
    yield Lines(tuple(sum_lines(found, curve, label)), title="The sum")


def rule_lines(found: Evaluation) -> Iterator[str]:
    """Yield the conventions."""
    yield f"{found.rule.equation}  ({found.rule.source})"
    yield (
        "in order of falling score (ties: by image, then row), each detection takes the free truth of its image and "
        f"class that it overlaps most, with IoU >= {number(found.thresholds[0])}; of equal overlaps the later truth"
    )
    yield "a second detection of a truth is wrong; a truth that is ignored (crowd, difficult) counts for nothing"
    yield "precision = right / so far, recall = right / truths; envelope = the best precision from there on"
    if found.rule.points:
        yield (
            f"levels of recall are the float64 numbers of linspace(0, 1, {found.rule.points}), as published: a recall "
            "that is a last digit below its level does not reach it"
        )
    if found.left_out:
        yield f"{found.left_out:,} detections beyond the most counted of an image and class are left out"


def decision_table(found: Evaluation, named: Named, curve: PrecisionCurve, which: Array, name: str) -> Table:
    """Return the decisions of a class with recall, precision and envelope after each."""
    rows = decision_rows(found, named)
    shown = [
        (
            rows[place][2],
            rows[place][0],
            rows[place][3],
            verdict(rows[place]),
            rows[place][5],
            float(curve.recall[at]),
            float(curve.precision[at]),
            float(curve.envelope[at]),
        )
        for at, place in enumerate(which[:MOST_DECISIONS].tolist())
    ]
    header = ("score", "image", "detection", "verdict", "IoU", "recall", "precision", "envelope")
    return Table(header, tuple(shown), title=f"Class {name}, IoU from {number(found.thresholds[0])}")


def verdict(row: tuple[Any, ...]) -> str:
    """Say what became of a detection."""
    truth, correct = row[4], row[6]
    if correct is None:
        return f"ignored (truth {truth})"
    return f"right (truth {truth})" if correct else "wrong"


def sum_lines(found: Evaluation, curve: PrecisionCurve, label: int) -> Iterator[str]:
    """Yield the sum as stretches of equal precision."""
    result = number(found.ap[0, label])
    truths = int(found.truths[label])
    if found.rule.points is None:
        steps = np.diff(curve.recall, prepend=0.0)
        terms = [f"{number(s)} x {number(e)}" for s, e in zip(steps, curve.envelope, strict=True) if s > 0]
        yield f"{truths} truths; each step of recall times the envelope there:"
        yield f"AP = {summed(terms) or '0'} = {result}"
        return
    at = precision_at(curve.recall, curve.envelope, found.rule.points)
    levels = recall_levels(found.rule.points)
    starts = np.flatnonzero(np.diff(at, prepend=-1.0))
    stops = np.append(starts[1:], len(at))
    for start, stop in zip(starts[:MOST_DECISIONS], stops[:MOST_DECISIONS], strict=True):
        levels_text = f"{stop - start} levels of recall from {levels[start]:.2f} to {levels[stop - 1]:.2f}"
        yield f"{levels_text}: precision {number(at[start])}"
    terms = [f"{stop - start} x {number(at[start])}" for start, stop in zip(starts, stops, strict=True)]
    yield f"AP = ({summed(terms)}) / {len(at)} = {result}"


def summed(terms: Sequence[str]) -> str:
    """Write a sum, the first terms of it where there are many.

    >>> summed(["1", "2"])
    '1 + 2'
    """
    return " + ".join(terms[:MOST_DECISIONS]) + (" + ..." if len(terms) > MOST_DECISIONS else "")
