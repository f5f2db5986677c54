"""`dlmath boxes match`."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from dlmath.detection.engine.matching import Matched, match
from dlmath.detection.files.reading import Role
from dlmath.detection.report import matching as report
from dlmath.detection.request import Reader, check_picture, picture_pixels, prepared
from dlmath.errors import InvalidValueError
from dlmath.frame.outcome import Lazy, Outcome
from dlmath.report.blocks import Table

if TYPE_CHECKING:
    from dlmath.detection.words import Words
    from dlmath.frame.output import Output
    from dlmath.neural.arrays import Array


class MatchingRequest(NamedTuple):
    """Anchors and truths."""

    anchors: Array
    truths: Array
    plus: float
    notes: list[str]


def prepare(words: Words, _output: Output) -> MatchingRequest:
    """Read the boxes and check the bounds."""
    if words.low > words.high:
        raise InvalidValueError(f"--low {words.low:g} is above --high {words.high:g}", "give low <= high")
    reader = Reader(words)
    first, second = words.inputs or []
    anchors = reader.read(first, Role("ANCHORS")).boxes
    truths = reader.read(second, Role("TRUTHS", ("class", "image"), may_be_empty=True)).boxes
    reader.check_form(words)
    check_picture(words)
    return MatchingRequest(anchors, truths, reader.plus, reader.notes)


def check(words: Words, output: Output) -> None:
    """Refuse what `run` would refuse."""
    prepared(words, output, prepare)


def run(words: Words, output: Output) -> Outcome:
    """Label anchors by their overlap with truths."""
    request: MatchingRequest = prepared(words, output, prepare)
    matched = match(
        request.anchors, request.truths, words.low, words.high, keep_best=words.keep_best, plus=request.plus
    )
    counts = {name: int((matched.labels == label).sum()) for label, name in report.NAMES.items()}
    covered = float((matched.best > 0.5).mean()) if len(matched.best) else None
    facts = (
        *((name, count) for name, count in counts.items()),
        ("of the objects, only as the best of a truth", int(matched.rescued.sum())),
        ("truths with an anchor of IoU above 0.5", covered),
    )
    return Outcome(
        command="boxes",
        settings={**words.as_dict(), "inclusive": bool(request.plus), **output.settings()},
        result=Lazy(lambda: result_of(matched, counts, covered)),
        table=report.csv_table(request.anchors, matched) if output.format == "csv" else Table(report.COLUMNS, ()),
        blocks=lambda: report.blocks(request.anchors, matched, facts),
        explanation=(lambda: report.explanation(matched, words.low, words.high, keep_best=words.keep_best))
        if output.explain
        else None,
        picture=lambda ending: draw(request, matched, words, ending),
        notes=request.notes,
    )


def result_of(matched: Matched, counts: dict[str, int], covered: float | None) -> dict[str, object]:
    """Return the result as JSON has it."""
    return {
        "labels": matched.labels,
        "match": [truth if truth >= 0 else None for truth in matched.match.tolist()],
        "iou": matched.iou,
        "rescued": [row for row, rescued in enumerate(matched.rescued.tolist()) if rescued],
        "best": matched.best,
        "counts": counts,
        "covered": covered,
    }


def draw(request: MatchingRequest, matched: Matched, words: Words, ending: str) -> bytes:
    """Draw anchors in the colour of their label over the truths."""
    from dlmath.detection.report import pictures

    over = picture_pixels(words.picture) if words.picture else None
    return pictures.matching(request.anchors, request.truths, matched.labels, over, ending)
