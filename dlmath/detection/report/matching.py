"""The report of `boxes match`: the label of each anchor, why, and what the truths got."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dlmath.detection.report.texts import CORNERS, cells, number, shortened
from dlmath.report.blocks import Facts, Lines, Table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dlmath.detection.engine.matching import Matched
    from dlmath.neural.arrays import Array
    from dlmath.report.blocks import Block

COLUMNS = ("anchor", *CORNERS, "label", "truth", "IoU", "rescued")
NAMES = {1: "object", 0: "background", -1: "left out"}
MOST_EXPLAINED = 40


def rows(anchors: Array, matched: Matched) -> list[tuple[Any, ...]]:
    """Return a row for each anchor."""
    columns = matched.labels.tolist(), matched.match.tolist(), matched.iou.tolist(), matched.rescued.tolist()
    return [
        (row, *cells(anchors[row]), label, truth if truth >= 0 else None, iou, rescued)
        for row, (label, truth, iou, rescued) in enumerate(zip(*columns, strict=True))
    ]


def blocks(anchors: Array, matched: Matched, facts: Sequence[tuple[str, Any]]) -> Iterator[Block]:
    """Yield anchors, truths and counts."""
    yield from shortened(COLUMNS, rows(anchors, matched), title="Anchors")
    if len(matched.best):
        best = [(row, float(iou), iou > 0.5) for row, iou in enumerate(matched.best)]
        yield from shortened(("truth", "best IoU", "above 0.5"), best, title="Truths")
    yield Facts(tuple(facts))


def explanation(matched: Matched, low: float, high: float, *, keep_best: bool) -> Iterator[Block]:
    """Yield the rule and each anchor's reason."""
    best = (
        "the anchors that overlap a truth most are objects whatever their IoU; they keep the match they have"
        if keep_best
        else "the best anchor of a truth gets no second chance (--no-keep-best)"
    )
    yield Lines(
        (
            f"IoU >= {number(high)}: object (1)    IoU < {number(low)}: background (0)    between: left out (-1)",
            best,
        ),
        title="Labels of anchors (Ren et al. 2015, section 3.1.2)",
    )
    lines = [reason(row, matched, low, high) for row in range(min(len(matched.labels), MOST_EXPLAINED))]
    if len(matched.labels) > MOST_EXPLAINED:
        lines.append(f"... and {len(matched.labels) - MOST_EXPLAINED:,} more anchors")
    yield Lines(tuple(lines), title="Decisions")


def reason(row: int, matched: Matched, low: float, high: float) -> str:
    """Return why an anchor has its label."""
    label, iou, truth = int(matched.labels[row]), float(matched.iou[row]), int(matched.match[row])
    if truth < 0:
        return f"anchor {row}: no truth is there: background"
    head = f"anchor {row}: best IoU {number(iou)} with truth {truth}: "
    if matched.rescued[row]:
        return f"{head}below {number(high)}, but the best a truth has: object"
    reasons = {1: f">= {number(high)}", 0: f"< {number(low)}", -1: f"from {number(low)} to {number(high)}"}
    return f"{head}{reasons[label]}: {NAMES[label]}"


def csv_table(anchors: Array, matched: Matched) -> Table:
    """Return all anchors."""
    return Table(COLUMNS, tuple(rows(anchors, matched)))
