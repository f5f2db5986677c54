"""`dlmath boxes regress`: on files of one's own, or on pictures drawn by the program."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from dlmath.detection.engine.encoding import encode
from dlmath.detection.engine.overlap import iou_pairs
from dlmath.detection.engine.regression import Ridge, Rounds, apply_rounds, close_pairs, fit_pairs
from dlmath.detection.files.numbers import read_matrix
from dlmath.detection.files.reading import Role
from dlmath.detection.report import regression as report
from dlmath.detection.request import Reader, prepared
from dlmath.errors import InvalidValueError
from dlmath.frame.checks import refuse
from dlmath.frame.outcome import Lazy, Outcome
from dlmath.report.blocks import Table

if TYPE_CHECKING:
    from dlmath.detection.engine.scenes import Demonstration
    from dlmath.detection.words import Words
    from dlmath.frame.output import Output
    from dlmath.neural.arrays import Array


class RegressionRequest(NamedTuple):
    """Features, proposals and truths, row by row; `rows` are those that learn."""

    features: Array
    proposals: Array
    truths: Array
    rows: Array
    plus: float
    notes: list[str]


class Learned(NamedTuple):
    """What was learned, and what it did.

    Attributes
    ----------
    test : Rounds or None
        On pictures that were not learned from.
    above : tuple of float
        Of the tried boxes, the share with IoU above 0.8, before and after each round.
    example : tuple
        (features, (proposal, truth, regressed), targets) of one pair.
    """

    ridge: Ridge
    train: Rounds
    test: Rounds | None
    above: tuple[float, ...]
    example: tuple[Array, tuple[Array, Array, Array], Array]
    demonstration: Demonstration | None = None


def prepare(words: Words, _output: Output) -> RegressionRequest | None:
    """Read the files; None where the program draws its own pictures."""
    if words.picture_demo is not None:
        refuse({"FEATURES P G": words.inputs or None}, "with --picture-demo")
        files_only = {"boxes", "inclusive", "image"}
        refuse(words.given(but=words.ALL.keys() - files_only), "with --picture-demo")
        return None
    inputs = words.inputs or []
    if len(inputs) != 3:
        raise InvalidValueError(
            f"regress with {len(inputs)} inputs", "the call is: dlmath boxes regress FEATURES P G, or --picture-demo N"
        )
    if words.rounds > 1:
        raise InvalidValueError(
            f"--rounds {words.rounds}: features of the moved boxes are not known",
            "leave it away, or use --picture-demo, which looks anew",
        )
    if "--seed" in words.given():
        refuse({"--seed": words.seed}, "with files: nothing is drawn")
    reader = Reader(words)
    features = read_matrix(inputs[0], "FEATURES")
    proposals, truths = (reader.read(word, Role(name)).boxes for word, name in zip(inputs[1:], ("P", "G"), strict=True))
    reader.check_form(words)
    counts = len(features), len(proposals), len(truths)
    if len(set(counts)) > 1:
        raise InvalidValueError(
            f"{counts[0]} rows of features, {counts[1]} proposals, {counts[2]} truths", "give one row each a pair"
        )
    encode(proposals, truths, plus=reader.plus)  # boxes without area are refused here
    rows = close_pairs(proposals, truths, words.pairs_above, reader.plus)
    return RegressionRequest(features, proposals, truths, rows, reader.plus, reader.notes)


def check(words: Words, output: Output) -> None:
    """Refuse what `run` would refuse."""
    prepared(words, output, prepare)


def run(words: Words, output: Output) -> Outcome:
    """Learn to move boxes, and measure how much better they are."""
    request: RegressionRequest | None = prepared(words, output, prepare)
    learned = on_pictures(words) if request is None else on_files(request, words)
    rounds = report.round_rows(learned.train, learned.test, learned.above)
    facts = [
        ("pairs learned from", learned.train.pairs),
        *((("pairs tried on", learned.test.pairs),) if learned.test else ()),
        ("mean IoU before", (learned.test or learned.train).before),
        ("mean IoU after", (learned.test or learned.train).after[-1]),
    ]
    features, boxes, targets = learned.example
    plus = request.plus if request else 0.0
    overlaps = [float(iou_pairs(box[None], boxes[1][None], plus=plus)[0]) for box in (boxes[0], boxes[2])]
    return Outcome(
        command="boxes",
        settings={**words.as_dict(), "inclusive": bool(plus), **output.settings()},
        result=Lazy(lambda: result_of(learned)),
        table=Table(report.COLUMNS, tuple(rounds)),
        blocks=lambda: report.blocks(learned.ridge, rounds, facts),
        explanation=(lambda: report.explanation(learned.ridge, features, boxes, targets, words.penalty, overlaps))
        if output.explain
        else None,
        picture=lambda ending: draw(learned, ending),
        notes=request.notes if request else [],
    )


def on_files(request: RegressionRequest, words: Words) -> Learned:
    """Learn from the pairs of files, and move the same boxes."""
    rows = request.rows
    features, proposals, truths = request.features[rows], request.proposals[rows], request.truths[rows]
    ridge = fit_pairs(features, proposals, truths, words.penalty, request.plus)
    train = apply_rounds(ridge, lambda _: features, proposals, truths, 1, plus=request.plus)
    targets = encode(proposals[:1], truths[:1], plus=request.plus)[0]
    example = features[0], (proposals[0], truths[0], train.boxes[0][0]), targets
    return Learned(ridge, train, None, (), example)


def on_pictures(words: Words) -> Learned:
    """Learn on drawn pictures, and move boxes on others."""
    from dlmath.detection.engine.scenes import demonstrate, features

    assert words.picture_demo is not None
    random = np.random.default_rng(words.seed)
    done = demonstrate(words.picture_demo, words.penalty, words.rounds, words.pairs_above, random)
    row = done.rows[:1]
    proposal = done.scenes.proposals[row]
    truth = done.scenes.truths[done.scenes.picture_of[row]]
    seen = features(done.scenes.pictures, done.scenes.picture_of[row], proposal)[0]
    example = seen, (proposal[0], truth[0], done.test.boxes[0][0]), encode(proposal, truth)[0]
    return Learned(done.ridge, done.train, done.test, done.share_above, example, done)


def result_of(learned: Learned) -> dict[str, Any]:
    """Return the result as JSON has it."""
    judged = learned.test or learned.train
    return {
        "pairs": learned.train.pairs,
        "iou_before": judged.before,
        "iou_after": list(judged.after),
        "train_before": learned.train.before,
        "train_after": list(learned.train.after),
        "tried": judged.pairs,
        "share_above": list(learned.above) or None,
        "explained": learned.ridge.explained,
        "weights": learned.ridge.weights,
        "bias": learned.ridge.bias,
    }


def draw(learned: Learned, ending: str) -> bytes:
    """Draw mean IoU round by round, and some pictures with proposal, truth and moved box."""
    from dlmath.detection.report import curves

    scenes = None
    if learned.demonstration is not None:
        done = learned.demonstration
        scenes = [
            (
                done.scenes.pictures[done.scenes.picture_of[row]],
                done.scenes.truths[done.scenes.picture_of[row]],
                done.scenes.proposals[row],
                [boxes[place] for boxes in done.test.boxes],
            )
            for place, row in spread(done.scenes.picture_of, done.rows)
        ]
    return curves.rounds(learned.train, learned.test, scenes, ending)


def spread(picture_of: Array, rows: Array, count: int = 3) -> list[tuple[int, int]]:
    """Return (place, row) of proposals of the first few different pictures."""
    _, first = np.unique(picture_of[rows], return_index=True)
    return [(int(place), int(rows[place])) for place in first[:count]]
