"""`dlmath boxes iou`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from dlmath.detection.engine.overlap import check_matrix, iou_matrix
from dlmath.detection.files.reading import Role
from dlmath.detection.report import overlap as report
from dlmath.detection.request import Reader, check_picture, parse_at, picture_pixels, prepared
from dlmath.frame.outcome import Outcome
from dlmath.report.blocks import Table

if TYPE_CHECKING:
    from dlmath.detection.words import Words
    from dlmath.frame.output import Output
    from dlmath.neural.arrays import Array


class OverlapRequest(NamedTuple):
    """The boxes, and the pair that is shown (None: chosen by the result)."""

    a: Array
    b: Array
    plus: float
    at: tuple[int, ...] | None
    notes: list[str]


def prepare(words: Words, _output: Output) -> OverlapRequest:
    """Read the boxes and check what goes with them."""
    reader = Reader(words)
    inputs = words.inputs or []
    a = reader.read(inputs[0], Role("A")).boxes
    b = reader.read(inputs[1], Role("B")).boxes if len(inputs) > 1 else a
    reader.check_form(words)
    check_matrix(len(a), len(b))
    check_picture(words)
    return OverlapRequest(
        a, b, reader.plus, parse_at(words.at, (len(a), len(b)), "I,J: boxes of A and B"), reader.notes
    )


def check(words: Words, output: Output) -> None:
    """Refuse what `run` would refuse."""
    prepared(words, output, prepare)


def run(words: Words, output: Output) -> Outcome:
    """Measure how much boxes overlap."""
    request: OverlapRequest = prepared(words, output, prepare)
    a, b = request.a, request.b
    matrix = iou_matrix(a, b, words.kind, plus=request.plus, crowd=words.crowd)
    best = matrix.argmax(axis=1)
    values = matrix.max(axis=1)
    place = request.at or (0, int(best[0]))

    def result() -> dict[str, Any]:
        best_of = [{"index": int(i), "value": float(v)} for i, v in zip(best, values, strict=True)]
        return {"kind": words.kind, "matrix": matrix, "best": best_of, "mean": float(matrix.mean())}

    rule = words.kind, request.plus, words.crowd
    return Outcome(
        command="boxes",
        settings={**words.as_dict(), "inclusive": bool(request.plus), **output.settings()},
        result=result(),
        table=Table(
            report.best_columns(words.kind),
            tuple(report.best_rows(a, best, values)) if output.format == "csv" else (),
        ),
        blocks=lambda: report.blocks(a, matrix, best, values, words.kind),
        explanation=(lambda: report.explanation(a, b, (place[0], place[1]), rule)) if output.explain else None,
        picture=lambda ending: draw(request, words, (place[0], place[1]), ending),
        notes=request.notes,
    )


def draw(request: OverlapRequest, words: Words, place: tuple[int, int], ending: str) -> bytes:
    """Draw the pair, its overlap shaded."""
    from dlmath.detection.report import pictures

    over = picture_pixels(words.picture) if words.picture else None
    return pictures.overlap(request.a, request.b, place, (words.kind, request.plus, words.crowd), over, ending)
