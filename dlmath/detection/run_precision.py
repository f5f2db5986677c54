"""`dlmath boxes average-precision`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from dlmath.detection.engine.average_precision import COCO_THRESHOLDS, RULES, Detections, Truths
from dlmath.detection.engine.evaluation import Evaluation, coco_figures, evaluate, mean_known
from dlmath.detection.engine.geometry import areas
from dlmath.detection.files.reading import Role
from dlmath.detection.files.table import BoxTable as Boxes
from dlmath.detection.files.table import numbered, scores_of
from dlmath.detection.report import precision as report
from dlmath.detection.report.texts import number
from dlmath.detection.request import Reader, conventions, floats, prepared
from dlmath.errors import InvalidValueError
from dlmath.frame.checks import given
from dlmath.frame.outcome import Outcome, Parts
from dlmath.report.blocks import Table

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dlmath.detection.request import Given
    from dlmath.detection.words import Words
    from dlmath.frame.output import Output
    from dlmath.neural.arrays import Array

COCO = "coco"
UNTOLD = {"class": "all", "image": ""}
"""The class and the picture of boxes of which nobody says it."""

MEND_SCORES = "detections need one: a column score, or a fifth number a box"


class PrecisionRequest(NamedTuple):
    """Detections and truths, numbered, and how they are compared."""

    found: Detections
    truths: Truths
    classes: Sequence[str]
    images: Sequence[str]
    thresholds: tuple[float, ...]
    rule: str
    most: int | None
    plus: float
    twelve: bool
    notes: list[str]


def parse_thresholds(words: Sequence[str]) -> tuple[float, ...]:
    """Return the thresholds of --iou.

    >>> parse_thresholds(["0.5", "0.75"]), len(parse_thresholds(["coco"]))
    ((0.5, 0.75), 10)
    """
    found: list[float] = []
    for word in words:
        found += COCO_THRESHOLDS if word.lower() == COCO else floats("--iou", word)
    wrong = next((value for value in found if not 0 < value <= 1), None)
    if wrong is not None:
        raise InvalidValueError(f"--iou {wrong:g} is not allowed", "give a number above 0 and at most 1, or coco")
    return tuple(dict.fromkeys(found))


def prepare(words: Words, _output: Output) -> PrecisionRequest:
    """Read both sides, and bring classes and pictures together."""
    like = conventions(words)
    asked = words.iou or list(like.iou or ("0.5",))
    thresholds = parse_thresholds(asked)
    rule = given(words.rule, given(like.rule, COCO))
    reader = Reader(words)
    first, second = words.inputs or []
    detections = reader.read(first, Role("DETECTIONS", ("score", "class", "image"), may_be_empty=True))
    truths = reader.read(second, Role("TRUTHS", ("class", "image"), may_be_empty=True))
    reader.check_form(words)
    scores = scores_of(detections.table, MEND_SCORES) if len(detections.boxes) else np.zeros(0)
    names = truths.table.names
    classes, labels = together(detections.table, truths.table, "label", "class", names)
    images, pictures = together(detections.table, truths.table, "image", "image", {})
    notes = [*reader.notes, *stray_note(pictures, images)]
    return PrecisionRequest(
        Detections(detections.boxes, scores, labels[0], pictures[0], areas(detections.boxes, reader.plus)),
        truths_of(truths, labels[1], pictures[1], reader.plus),
        classes,
        images,
        thresholds,
        rule,
        words.max_detections,
        reader.plus,
        rule == COCO and thresholds == COCO_THRESHOLDS and not reader.plus and words.max_detections is None,
        notes,
    )


def truths_of(given_: Given, label: Array, image: Array, plus: float) -> Truths:
    """Return the truths; crowds are ignored too."""
    table, count = given_.table, len(given_.boxes)
    crowd = np.zeros(count, dtype=bool) if table.crowd is None else table.crowd
    ignored = crowd if table.ignored is None else crowd | table.ignored
    area = areas(given_.boxes, plus) if table.area is None else table.area
    return Truths(given_.boxes, label, image, crowd, ignored, area)


def together(
    detections: Boxes, truths: Boxes, attribute: str, what: str, names: dict[str, str]
) -> tuple[list[str], list[Array]]:
    """Return the different classes (or pictures) of both sides, and each box's number among them.

    Where one side does not say it, all of both are of one; which is refused when the other side has several.
    """
    sides: list[Sequence[str] | None] = [getattr(table, attribute) for table in (detections, truths)]
    said = [None if side is None else [names.get(word, word) for word in side] for side in sides]
    if any(side is None for side, table in zip(said, (detections, truths), strict=True) if len(table)):
        for side, silent, told in ((said[0], truths, detections), (said[1], detections, truths)):
            if side is not None and len(set(side)) > 1:
                raise InvalidValueError(
                    f"{told.place} has {len(set(side))} different {what} entries, {silent.place} has none",
                    f"give both a column {what}",
                )
        word = next((side[0] for side in said if side), UNTOLD[what])
        said = [[word] * len(table) for table in (detections, truths)]
    return numbered(*(side or [] for side in said))


def stray_note(pictures: Sequence[Array], images: Sequence[str]) -> list[str]:
    """Return a note when detections lie in pictures of which no truth is known."""
    strays = np.setdiff1d(pictures[0], pictures[1])
    if not len(strays) or not len(pictures[1]):
        return []
    first = images[int(strays[0])]
    return [f"{len(strays):,} images have detections and no truth (first: {first}): those detections are wrong"]


def check(words: Words, output: Output) -> None:
    """Refuse what `run` would refuse."""
    prepared(words, output, prepare)


def run(words: Words, output: Output) -> Outcome:
    """Compare detections with truths."""
    request: PrecisionRequest = prepared(words, output, prepare)
    found = evaluate(
        request.found, request.truths, request.thresholds, request.rule, most=request.most, plus=request.plus
    )
    coco = coco_figures(request.found, request.truths) if request.twelve else None
    named = report.Named(request.classes, request.images, request.found.image, request.found.score)
    reason = why_undefined(request, found)
    resolved = {
        "iou": list(request.thresholds),
        "rule": request.rule,
        "max_detections": request.most or RULES[request.rule].most,
        "inclusive": bool(request.plus),
    }
    rows = tuple(report.decision_rows(found, named)) if output.format == "csv" else ()
    return Outcome(
        command="boxes",
        settings={**words.as_dict(), **resolved, **output.settings()},
        result=Parts(result_of(request, found, named, coco, reason)),
        table=Table(report.COLUMNS, rows),
        blocks=lambda: report.blocks(found, named, coco, reason),
        explanation=(lambda: report.explanation(found, named, shown_class(found))) if output.explain else None,
        picture=lambda ending: draw(request, found, ending),
        notes=[*request.notes, *left_out_note(found)],
    )


def left_out_note(found: Evaluation) -> list[str]:
    """Return a note when detections were left out."""
    if not found.left_out:
        return []
    return [f"{found.left_out:,} detections beyond the best of an image and class are left out (--max-detections)"]


def why_undefined(request: PrecisionRequest, found: Evaluation) -> str | None:
    """Return why there is no average precision."""
    if mean_known(found.ap) is not None:
        return None
    if len(request.truths.boxes):
        return "every truth is ignored (crowd or difficult)"
    return "there are no truths"


def shown_class(found: Evaluation) -> int:
    """Return the class that is explained: of those with truths the one with most detections."""
    weight = np.where(found.truths > 0, 1 + found.detections, 0)
    return int(weight.argmax()) if len(weight) else 0


def result_of(
    request: PrecisionRequest,
    found: Evaluation,
    named: report.Named,
    coco: dict[str, float | None] | None,
    reason: str | None,
) -> dict[str, Callable[[], Any]]:
    """Return how each key of the result is made."""
    keys = ("image", "class", "score", "detection", "truth", "iou", "correct")
    return {
        "ap": lambda: mean_known(found.ap),
        "ap_by_class": lambda: {name: mean_known(found.ap[:, k]) for k, name in enumerate(request.classes)},
        "ap_by_iou": lambda: {number(t): mean_known(found.ap[row]) for row, t in enumerate(request.thresholds)},
        "reason": lambda: reason,
        "classes": lambda: list(request.classes),
        "truths": lambda: int(found.truths.sum()),
        "detections": lambda: len(request.found.score),
        "counted": lambda: int(found.decisions.counted.sum()),
        "coco": lambda: coco,
        "curve": lambda: curves_of(request, found),
        "decisions": lambda: [dict(zip(keys, row, strict=True)) for row in report.decision_rows(found, named)],
    }


def curves_of(request: PrecisionRequest, found: Evaluation) -> list[dict[str, Any]]:
    """Return the curve of every class that has truths."""
    curves = ((name, found.curve(label)) for label, name in enumerate(request.classes))
    return [{"class": name, **curve._asdict()} for name, curve in curves if curve is not None]


def draw(request: PrecisionRequest, found: Evaluation, ending: str) -> bytes:
    """Draw the precision-recall curve of the class with most detections, with its envelope and levels."""
    from dlmath.detection.report import curves

    label = shown_class(found)
    curve = found.curve(label)
    if curve is None:
        raise InvalidValueError("--plot: no class has truths, so there is no curve", "leave --plot away")
    others = [
        (request.classes[other], drawn)
        for other in range(len(request.classes))
        if other != label and (drawn := found.curve(other)) is not None
    ]
    name = request.classes[label]
    return curves.precision_recall(
        (name, curve), others, (found.rule, float(found.ap[0, label]), found.thresholds[0]), ending
    )
