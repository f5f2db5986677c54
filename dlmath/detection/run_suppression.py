"""`dlmath boxes nms`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from dlmath.detection.engine.soft_suppression import DECAYS, MOST_BOXES, soft_nms
from dlmath.detection.engine.suppression import by_score, nms
from dlmath.detection.files.numbers import read_matrix
from dlmath.detection.files.reading import Role
from dlmath.detection.files.table import numbered, scores_of
from dlmath.detection.report import suppression as report
from dlmath.detection.request import Reader, check_picture, floats, picture_pixels, prepared
from dlmath.errors import InvalidValueError, TooLargeError, unknown
from dlmath.frame.outcome import Outcome, Parts
from dlmath.report.blocks import Table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dlmath.detection.engine.soft_suppression import SoftStep
    from dlmath.detection.words import Words
    from dlmath.frame.output import Output
    from dlmath.neural.arrays import Array
    from dlmath.report.blocks import Block

TRACED = 20
"""Steps of soft suppression that --explain shows."""

MEND_SCORES = 'a fifth number a box, a column score, or --scores "0.9 0.8"'


class SuppressionRequest(NamedTuple):
    """Boxes with scores, and the rule.

    Attributes
    ----------
    rows : ndarray (K,) of int64
        Boxes whose score is high enough.
    labels, images : sequence of str or None
        Classes and pictures, in words.
    soft : tuple or None
        (decay, parameter).
    """

    boxes: Array
    scores: Array
    labels: Sequence[str] | None
    images: Sequence[str] | None
    rows: Array
    soft: tuple[str, float] | None
    plus: float
    notes: list[str]


class Decided(NamedTuple):
    """What came of it; rows of the boxes as they were read.

    Attributes
    ----------
    keep : ndarray of int64
    scores : ndarray of float64
        Of the kept ones.
    suppressed, by : ndarray of int64
    iou : ndarray of float64
    dropped : ndarray of int64
        Below --score-threshold, or beyond --top.
    steps : sequence of SoftStep
        Of soft suppression.
    """

    keep: Array
    scores: Array
    suppressed: Array
    by: Array
    iou: Array
    dropped: Array
    steps: Sequence[SoftStep] = ()


def parse_soft(word: str | None, threshold: float, *, threshold_given: bool) -> tuple[str, float] | None:
    """Return the decay of --soft and its parameter.

    >>> parse_soft("gaussian:0.5", 0.3, threshold_given=False), parse_soft("linear", 0.3, threshold_given=True)
    (('gaussian', 0.5), ('linear', 0.3))
    """
    if word is None:
        return None
    name, colon, rest = word.lower().partition(":")
    if name not in DECAYS:
        raise unknown("value for --soft:", word, ("linear", "gaussian:SIGMA"))
    if name == "linear":
        if colon:
            raise InvalidValueError(f"--soft {word}: linear takes no number", "give --threshold")
        return name, threshold
    if threshold_given:
        raise InvalidValueError("--threshold has no meaning with --soft gaussian", "leave it away")
    (sigma,) = floats("--soft gaussian:", rest or "0.5", positive=True, count=1)
    return name, sigma


def prepare(words: Words, _output: Output) -> SuppressionRequest:
    """Read boxes and scores and check what goes with them."""
    reader = Reader(words)
    soft = parse_soft(words.soft, words.threshold, threshold_given="--threshold" in words.given())
    given = reader.read((words.inputs or [])[0], Role("B", ("score", "class", "image"), may_be_empty=True))
    reader.check_form(words)
    boxes = given.boxes
    if words.scores is not None:
        given.table.score = given_scores(words.scores, len(boxes), given.table.score is not None)
    scores = scores_of(given.table, MEND_SCORES) if len(boxes) else np.zeros(0)
    if words.per_class and given.table.label is None and len(boxes):
        raise InvalidValueError(
            f"--per-class: {given.table.place} has no classes", "give a column class, or a sixth number a box"
        )
    rows = np.arange(len(boxes)) if words.score_threshold is None else np.flatnonzero(scores >= words.score_threshold)
    if soft is not None and len(rows) > MOST_BOXES:
        raise TooLargeError(
            f"--soft looks at all pairs of {len(rows):,} boxes",
            f"give at most {MOST_BOXES:,}: --score-threshold leaves some out",
        )
    check_picture(words)
    notes = reader.notes
    if soft is not None and words.score_threshold is None:
        notes = [*notes, "--soft lowers scores and drops no box; --score-threshold drops those that fall below it"]
    images = given.table.image
    if images is not None and len(set(images)) > 1:
        notes = [*notes, f"boxes of {len(set(images)):,} images: only those of one image suppress each other"]
    return SuppressionRequest(boxes, scores, given.table.label, images, rows, soft, reader.plus, notes)


def given_scores(word: str, count: int, has_own: bool) -> Array:  # noqa: FBT001
    """Return the scores of --scores."""
    if has_own:
        raise InvalidValueError("--scores, and the boxes have scores of their own", "give them once")
    values = read_matrix(word, "--scores").ravel()
    if len(values) != count:
        raise InvalidValueError(f"--scores: {len(values)} scores for {count} boxes", "give one a box")
    return values


def check(words: Words, output: Output) -> None:
    """Refuse what `run` would refuse."""
    prepared(words, output, prepare)


def decide(request: SuppressionRequest, words: Words) -> Decided:
    """Suppress, then cut at --top."""
    rows = request.rows
    boxes, scores = request.boxes[rows], request.scores[rows]
    label = groups(request, per_class=words.per_class)
    if label is not None:
        label = label[rows]
    below = np.delete(np.arange(len(request.boxes)), rows)
    nothing = np.zeros(0, dtype=np.int64)
    if request.soft is not None:
        softened = soft_nms(
            boxes, scores, *request.soft, least=words.score_threshold, label=label, plus=request.plus, traced=TRACED
        )
        decided = Decided(
            rows[softened.keep], softened.scores, rows[softened.dropped], nothing, np.zeros(0), below,
            [step._replace(row=int(rows[step.row]), others=rows[step.others]) for step in softened.steps],
        )  # fmt: skip
    else:
        kept = nms(boxes, scores, words.threshold, label=label, plus=request.plus)
        decided = Decided(rows[kept.keep], scores[kept.keep], rows[kept.suppressed], rows[kept.by], kept.iou, below)
    if words.top is None:
        return decided
    return decided._replace(
        keep=decided.keep[: words.top],
        scores=decided.scores[: words.top],
        dropped=np.concatenate([decided.dropped, decided.keep[words.top :]]),
    )


def groups(request: SuppressionRequest, *, per_class: bool) -> Array | None:
    """Return numbers (N,) of what is compared: boxes of one image, and of one class where that is asked for."""
    label = None
    if request.images is not None:
        _, (label,) = numbered(request.images)
    if per_class and request.labels is not None:
        names, (classes,) = numbered(request.labels)
        label = classes if label is None else label * len(names) + classes
    return label


def suppressed_entries(decided: Decided) -> list[dict[str, Any]]:
    """Return an object for each suppressed box; by whom is unknown under --soft, where many lower a score."""
    if len(decided.by) != len(decided.suppressed):
        return [{"box": row, "by": None, "iou": None} for row in decided.suppressed.tolist()]
    columns = decided.suppressed.tolist(), decided.by.tolist(), decided.iou.tolist()
    return [{"box": row, "by": by, "iou": iou} for row, by, iou in zip(*columns, strict=True)]


def run(words: Words, output: Output) -> Outcome:
    """Suppress boxes that overlap one of higher score."""
    request: SuppressionRequest = prepared(words, output, prepare)
    decided = decide(request, words)
    told = {name: words for name, words in (("class", request.labels), ("image", request.images)) if words is not None}
    columns = report.kept_columns(told)

    def kept() -> list[tuple[Any, ...]]:
        return report.kept_rows(request.boxes, decided.keep, decided.scores, told)

    facts = (
        ("boxes", len(request.boxes)),
        ("kept", len(decided.keep)),
        ("suppressed", len(decided.suppressed)),
        ("left out by score or --top", len(decided.dropped)),
    )
    resolved = {"inclusive": bool(request.plus)} | ({"soft_parameter": request.soft[1]} if request.soft else {})
    return Outcome(
        command="boxes",
        settings={**words.as_dict(), **resolved, **output.settings()},
        result=Parts(
            {
                "keep": lambda: decided.keep,
                "scores": lambda: decided.scores,
                "suppressed": lambda: suppressed_entries(decided),
                "dropped": lambda: decided.dropped,
                "count": lambda: len(decided.keep),
            }
        ),
        table=Table(columns, tuple(kept()) if output.format == "csv" else ()),
        blocks=lambda: report.blocks(kept(), columns, suppressed_entries(decided), facts),
        explanation=(lambda: explanation(request, decided, words)) if output.explain else None,
        picture=lambda ending: draw(request, decided, words, ending),
        notes=request.notes,
    )


def explanation(request: SuppressionRequest, decided: Decided, words: Words) -> Iterator[Block]:
    """Yield the rule and the decisions."""
    if request.soft is not None:
        decay = DECAYS[request.soft[0]]
        name = "threshold" if decay.name == "linear" else "sigma"
        return report.explain_soft(
            decided.steps, decay.equation, decay.source, f"{name} = {request.soft[1]:g}", len(decided.keep)
        )
    order = request.rows[by_score(request.scores[request.rows])].tolist()
    fate = {entry["box"]: (entry["by"], entry["iou"]) for entry in suppressed_entries(decided)}
    lines = report.decision_lines(request.boxes, order, request.scores, fate, set(decided.dropped.tolist()))
    left_out = len(request.boxes) - len(request.rows)
    return report.explain_hard(tuple(lines), words.threshold, per_class=words.per_class, left_out=left_out)


def draw(request: SuppressionRequest, decided: Decided, words: Words, ending: str) -> bytes:
    """Draw all boxes beside those that were kept."""
    from dlmath.detection.report import pictures

    over = picture_pixels(words.picture) if words.picture else None
    return pictures.suppression(request.boxes, request.scores, (decided.keep, decided.scores), over, ending)
