"""The report of `boxes regress`: what the regression learned, and how much it moved boxes to their truths."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dlmath.detection.report.encoding import SOURCE, TARGETS
from dlmath.detection.report.texts import box_text, cells, number, signed
from dlmath.report.blocks import Facts, Lines, Table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dlmath.detection.engine.regression import Ridge, Rounds
    from dlmath.neural.arrays import Array
    from dlmath.report.blocks import Block

COLUMNS = ("round", "mean IoU, learned from", "mean IoU, tried on", "IoU above 0.8")
MOST_TERMS = 6
"""Products of features and weights that are written out."""


def round_rows(train: Rounds, test: Rounds | None, above: Sequence[float]) -> list[tuple[Any, ...]]:
    """Return a row for each round, the proposals first."""
    stages = [(train.before, test.before if test else None), *_after(train, test)]
    return [
        (round_, learned, tried, above[round_] if above else None) for round_, (learned, tried) in enumerate(stages)
    ]


def _after(train: Rounds, test: Rounds | None) -> list[tuple[float, float | None]]:
    tried: Sequence[float | None] = test.after if test else [None] * len(train.after)
    return list(zip(train.after, tried, strict=True))


def blocks(ridge: Ridge, rounds: list[tuple[Any, ...]], facts: Sequence[tuple[str, Any]]) -> Iterator[Block]:
    """Yield how much is explained, and the mean IoU round by round."""
    rows = tuple((name, float(share)) for name, share in zip(TARGETS, ridge.explained, strict=True))
    yield Table(("target", "R^2"), rows, title="What the features explain")
    used = [index for index in range(len(COLUMNS)) if any(row[index] is not None for row in rounds)]
    yield Table(
        tuple(COLUMNS[index] for index in used),
        tuple(tuple(row[index] for index in used) for row in rounds),
        title="Mean IoU of boxes and truths (round 0: the proposals)",
    )
    yield Facts(tuple(facts))


def explanation(
    ridge: Ridge,
    features: Array,
    boxes: tuple[Array, Array, Array],
    targets: Array,
    penalty: float,
    overlaps: Sequence[float],
) -> Iterator[Block]:
    """Yield the problem, its solution, and one proposal moved; `boxes` are (proposal, truth, regressed)."""
    rows, columns = ridge.weights.shape[0], len(TARGETS)
    yield Lines(
        (
            "W, b minimise  sum over pairs of |t - x W - b|^2 + lambda |W|^2",
            "features and targets are centred: then  W = (X'X + lambda I)^-1 X'T,  b = mean(t) - mean(x) W",
            f"x: {rows} features of a proposal; t: its {columns} targets; lambda = {number(penalty)}",
            "only proposals near their truth learn: far away the targets are no linear function of what is seen",
        ),
        title=f"Box regression learned ({SOURCE})",
    )
    answers = ridge.predict(features[None])[0]
    lines = []
    for index, name in enumerate(TARGETS):
        terms = [f"{signed(x)} x {signed(w)}" for x, w in zip(features, ridge.weights[:, index], strict=True)]
        more = f" + ... ({len(terms)} products)" if len(terms) > MOST_TERMS else ""
        lines.append(
            f"{name} = {' + '.join(terms[:MOST_TERMS])}{more} + {signed(ridge.bias[index])} = {number(answers[index])}"
            f"  (wanted {number(targets[index])})"
        )
    proposal, truth, regressed = boxes
    yield Lines(
        (
            *lines,
            f"proposal {box_text(cells(proposal))}: IoU {number(overlaps[0])} with {box_text(cells(truth))}",
            f"moved to {box_text(cells(regressed))}: IoU {number(overlaps[1])}",
        ),
        title="One proposal",
    )
