"""The report of `boxes anchors`: the anchors of one cell, how they come about, and how many there are."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from dlmath.detection.report.texts import CORNERS, box_text, cells, number, shortened
from dlmath.report.blocks import Facts, Lines, Table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dlmath.detection.engine.anchors import Style
    from dlmath.neural.arrays import Array
    from dlmath.report.blocks import Block

COLUMNS = ("anchor", *CORNERS, "width", "height", "h/w")


def base_rows(base: Array, plus: float) -> list[tuple[Any, ...]]:
    """Return a row for each anchor of a cell."""
    rows = []
    for row, box in enumerate(base):
        x1, y1, x2, y2 = cells(box)
        width, height = x2 - x1 + plus, y2 - y1 + plus
        rows.append((row, x1, y1, x2, y2, width, height, height / width if width else math.nan))
    return rows


def grid_rows(anchors: Array) -> list[tuple[Any, ...]]:
    """Return a row for each anchor of all cells."""
    return [(row, *box) for row, box in enumerate(anchors.tolist())]


def blocks(
    base: Array, plus: float, facts: Sequence[tuple[str, Any]], cover: tuple[Array, float, dict[str, float]] | None
) -> Iterator[Block]:
    """Yield the anchors of one cell, the counts, and how many truths they cover: (best IoU, share, by class)."""
    yield from shortened(COLUMNS, base_rows(base, plus), title="Anchors of one cell")
    yield Facts(tuple(facts))
    if cover is not None:
        best, share, by_class = cover
        rows = (*by_class.items(), ("all", share))
        yield Table(("truths of class", "covered"), rows, title="Truths with an anchor of IoU above 0.5")
        yield Facts((("truths", len(best)), ("mean of their best IoU", float(best.mean())), ("covered", share)))


def explanation(
    style: Style,
    first: tuple[float, float],
    base: Array,
    grid: tuple[tuple[int, int] | None, tuple[float, float], float],
    cell: tuple[int, int],
) -> Iterator[Block]:
    """Yield how an anchor comes from size, ratio, stride; `first` is (side, ratio), `grid` (map, stride, offset)."""
    side, ratio = first
    root = math.sqrt(ratio)
    shape, stride, offset = grid
    yield Lines(
        (
            "ratio r = h / w, area s^2:    w = s / sqrt(r)    h = s sqrt(r)",
            f"side s = {number(side)}, ratio r = {number(ratio)}:",
            f"    w = {number(side)} / {number(root)} = {number(side / root)}",
            f"    h = {number(side)} x {number(root)} = {number(side * root)}",
            f"as {style.name} makes it ({style.about}): {box_text(base[0])}",
        ),
        title="An anchor of one cell",
    )
    y, x = ((place + offset) * step for place, step in zip(cell, stride, strict=True))
    point = (x, y, x, y)
    yield Lines(
        (
            f"cell (row {cell[0]}, column {cell[1]}) stands at",
            f"    x = ({cell[1]} + {number(offset)}) x {number(stride[1])} = {number(x)}",
            f"    y = ({cell[0]} + {number(offset)}) x {number(stride[0])} = {number(y)}",
            f"its first anchor: {box_text(base[0])} + {box_text(point)} = {box_text(base[0] + np.array(point))}",
            "offset 0 puts a cell's point on its corner (torchvision, detectron2), 0.5 on its centre",
        ),
        title="From the cell to the picture",
    )
    if shape is not None:
        count = shape[0] * shape[1] * len(base)
        yield Lines(
            (
                f"{shape[0]:,} rows x {shape[1]:,} columns x {len(base)} anchors = {count:,}",
                f"anchor a of cell (y, x) is number (y x {shape[1]} + x) x {len(base)} + a",
            ),
            title="All anchors",
        )
