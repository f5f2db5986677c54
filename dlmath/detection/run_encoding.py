"""`dlmath boxes encode` and `dlmath boxes decode`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from dlmath.detection.engine.encoding import decode, encode
from dlmath.detection.engine.geometry import FARTHEST, clip
from dlmath.detection.files.numbers import read_matrix
from dlmath.detection.files.reading import Role
from dlmath.detection.report import encoding as report
from dlmath.detection.request import (
    Reader,
    check_picture,
    conventions,
    parse_at,
    parse_clamp,
    parse_weights,
    picture_pixels,
    prepared,
)
from dlmath.errors import InvalidValueError
from dlmath.frame.outcome import Outcome
from dlmath.report.blocks import Table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dlmath.detection.words import Words
    from dlmath.frame.output import Output
    from dlmath.neural.arrays import Array


class EncodingRequest(NamedTuple):
    """Proposals, what they are paired with, and how.

    Attributes
    ----------
    proposals, others : ndarray (N, 4)
        `others` are truths (encode) or targets (decode).
    values : ndarray (N, 4)
        Targets, or boxes.
    rule : tuple
        (weights, clamp, plus, what the far corner loses).
    clamped : int
        Boxes whose size was cut.
    row : int
        The pair that is shown.
    """

    proposals: Array
    others: Array
    values: Array
    rule: tuple[Sequence[float], float, float, float]
    clamped: int
    row: int
    notes: list[str]


def prepare(words: Words, _output: Output) -> EncodingRequest:
    """Read the pairs and turn them: that is where impossible ones are found out."""
    reader = Reader(words)
    first, second = words.inputs or []
    proposals = reader.read(first, Role("P")).boxes
    is_encode = words.operation == "encode"
    others = reader.read(second, Role("G")).boxes if is_encode else read_matrix(second, "T", columns=4)
    reader.check_form(words)
    if len(others) != len(proposals):
        kind = "truths" if is_encode else "targets"
        raise InvalidValueError(f"{len(proposals)} proposals and {len(others)} {kind}", "give one a proposal")
    like = conventions(words)
    weights, clamp = parse_weights(words.weights), parse_clamp(words.clamp or like.clamp)
    far = reader.plus if like.far_corner is None else like.far_corner
    check_picture(words)
    (row,) = parse_at(words.at, (len(proposals),), "I, a pair") or (0,)
    if is_encode:
        values, clamped = encode(proposals, others, weights, plus=reader.plus), 0
    else:
        values = decoded(proposals, others, weights, clamp, reader.plus, far)
        clamped = int((others[:, 2:] / np.asarray(weights[2:]) > clamp).any(axis=1).sum())
        if reader.writing.picture is not None:
            values = clip(values, *reader.writing.picture, reader.plus)
    return EncodingRequest(proposals, others, values, (weights, clamp, reader.plus, far), clamped, row, reader.notes)


def decoded(proposals: Array, targets: Array, weights: Sequence[float], clamp: float, plus: float, far: float) -> Array:
    """Return the boxes, once they are known to be finite."""
    with np.errstate(over="ignore", invalid="ignore"):
        boxes = decode(proposals, targets, weights, clamp=clamp, plus=plus)
    boxes[:, 2:] += plus - far
    wrong = ~(np.abs(boxes) <= FARTHEST).all(axis=1)
    if wrong.any():
        row = int(np.argmax(wrong))
        raise InvalidValueError(f"target {row} makes a box beyond 1e70", "give a --clamp, or smaller targets")
    return boxes


def check(words: Words, output: Output) -> None:
    """Refuse what `run` would refuse."""
    prepared(words, output, prepare)


def run(words: Words, output: Output) -> Outcome:
    """Turn proposals and truths into targets, or proposals and targets into boxes."""
    request: EncodingRequest = prepared(words, output, prepare)
    name = words.operation or ""
    columns = report.COLUMNS[name]
    result: dict[str, Any] = {"targets": request.values}
    if name == "decode":
        result = {"boxes": request.values, "clamped": request.clamped}
    weights, clamp, plus, _ = request.rule
    row = request.row
    pair = request.proposals[row], request.others[row]

    def explanation() -> Any:
        if name == "encode":
            return report.explain_encode(pair, request.values[row], weights, plus, row)
        return report.explain_decode(pair, request.values[row], request.rule, row)

    resolved = {"weights": list(weights), "inclusive": bool(plus)} | ({"clamp": clamp} if name == "decode" else {})
    return Outcome(
        command="boxes",
        settings={**words.as_dict(), **resolved, **output.settings()},
        result=result,
        table=Table(("box", *columns), tuple(report.rows(request.values)) if output.format == "csv" else ()),
        blocks=lambda: report.blocks(request.values, columns, report.TITLES[name]),
        explanation=explanation if output.explain else None,
        picture=lambda ending: draw(request, words, ending),
        notes=[*request.notes, *clamp_note(request)],
    )


def clamp_note(request: EncodingRequest) -> list[str]:
    """Return what is to be said when sizes were cut."""
    if not request.clamped:
        return []
    return [
        f"{request.clamped:,} of {len(request.values):,} boxes: dw or dh was cut at {request.rule[1]:.4g} (--clamp)"
    ]


def draw(request: EncodingRequest, words: Words, ending: str) -> bytes:
    """Draw proposal and truth (or the box that was decoded) with the shift of the centre."""
    from dlmath.detection.report import pictures

    over = picture_pixels(words.picture) if words.picture else None
    other = request.others if words.operation == "encode" else request.values
    targets = request.values if words.operation == "encode" else request.others
    row = request.row
    return pictures.regression(
        (request.proposals[row], other[row]), targets[row], words.operation or "", request.rule[2], over, ending
    )
