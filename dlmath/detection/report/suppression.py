"""The report of `boxes nms`: what is kept, what is not and because of whom, and the decisions in order of score."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dlmath.detection.report.texts import CORNERS, box_text, number, shortened
from dlmath.report.blocks import Facts, Lines

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from dlmath.detection.engine.soft_suppression import SoftStep
    from dlmath.neural.arrays import Array
    from dlmath.report.blocks import Block

MOST_DECISIONS = 60
"""Decisions an explanation lists."""


def kept_rows(boxes: Array, keep: Array, scores: Array, told: Mapping[str, Sequence[str]]) -> list[tuple[Any, ...]]:
    """Return a row for each kept box: number, corners, score, class and image where they are told."""
    return [
        (row, *corners, score, *(words[row] for words in told.values()))
        for row, corners, score in zip(keep.tolist(), boxes[keep].tolist(), scores.tolist(), strict=True)
    ]


def kept_columns(told: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """Return the header of `kept_rows`."""
    return ("box", *CORNERS, "score", *told)


def blocks(
    kept: list[tuple[Any, ...]],
    columns: tuple[str, ...],
    suppressed: Sequence[dict[str, Any]],
    facts: Sequence[tuple[str, Any]],
) -> Iterator[Block]:
    """Yield kept boxes, suppressed ones, and their numbers."""
    yield from shortened(columns, kept, title="Kept, in order of score")
    if suppressed:
        rows = [(entry["box"], entry["by"], entry["iou"]) for entry in suppressed]
        yield from shortened(("box", "suppressed by", "IoU"), rows, title="Suppressed")
    yield Facts(tuple(facts))


def decision_lines(
    boxes: Array, order: Sequence[int], scores: Array, fate: dict[int, tuple[int, float]], dropped: set[int]
) -> Iterator[str]:
    """Yield what became of each box, in order of score."""
    for row in order[:MOST_DECISIONS]:
        head = f"score {number(scores[row]):<9} box {row} {box_text(boxes[row])}: "
        if row in fate:
            by, iou = fate[row]
            yield f"{head}suppressed by box {by}, IoU {number(iou)}"
        elif row in dropped:
            yield f"{head}kept by suppression, beyond --top"
        else:
            yield f"{head}kept"
    if len(order) > MOST_DECISIONS:
        yield f"... and {len(order) - MOST_DECISIONS:,} more"


def explain_hard(lines: Sequence[str], threshold: float, *, per_class: bool, left_out: int) -> Iterator[Block]:
    """Yield the rule and the decisions."""
    within = " of its class" if per_class else ""
    rule = (
        "In order of score (equal scores: the earlier row first): a box is kept, unless a box already "
        f"kept{within} overlaps it by IoU > {number(threshold)}. Equality does not suppress."
    )
    yield Lines(
        (
            rule,
            "IoU = overlap / (area + area - overlap), in float64.",
            *((f"{left_out:,} boxes below --score-threshold take no part.",) if left_out else ()),
        ),
        title="Non-maximum suppression",
    )
    yield Lines(tuple(lines), title="Decisions")


def explain_soft(steps: Sequence[SoftStep], equation: str, source: str, parameter: str, total: int) -> Iterator[Block]:
    """Yield the rule and what each box taken did to the scores of others."""
    yield Lines(
        (
            "Take the box of highest score; lower the score of every box left that overlaps it; repeat.",
            f"{equation}, {parameter}  ({source})",
        ),
        title="Soft suppression",
    )
    lines: list[str] = []
    for number_, step in enumerate(steps, start=1):
        lines.append(f"{number_}. box {step.row}, score {number(step.score)}")
        changes = zip(step.others.tolist(), step.iou, step.before, step.after, strict=True)
        lines += [
            f"      box {row}: IoU {number(iou)}, score {number(before)} -> {number(after)}"
            for row, iou, before, after in changes
        ]
    if total > len(steps):
        lines.append(f"... and {total - len(steps):,} more steps")
    yield Lines(tuple(lines), title="Steps")
