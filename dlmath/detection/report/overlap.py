"""The report of `boxes iou`: the matrix, the best of each box, and one overlap worked out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dlmath.detection.engine.overlap import KINDS, Overlap, overlap_of
from dlmath.detection.report.texts import CORNERS, box_text, cells, minus, number, shortened, signed
from dlmath.report.blocks import Facts, Lines, Table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dlmath.neural.arrays import Array
    from dlmath.report.blocks import Block, Cell

WIDEST = 8
"""Columns of the matrix that are printed."""
TALLEST = 24


def best_rows(a: Array, best: Array, values: Array) -> list[tuple[Any, ...]]:
    """Return a row for each box of A: its corners, the box of B it overlaps most, and how much."""
    return [
        (row, *cells(box), int(other) if other >= 0 else None, float(value))
        for row, (box, other, value) in enumerate(zip(a, best, values, strict=True))
    ]


def best_columns(kind: str) -> tuple[str, ...]:
    """Return the header of `best_rows`."""
    return ("box", *CORNERS, "best", kind)


def blocks(a: Array, matrix: Array, best: Array, values: Array, kind: str) -> Iterator[Block]:
    """Yield the matrix where it is small, and the best of each box."""
    label = {"iou": "IoU", "giou": "GIoU", "diou": "DIoU", "ciou": "CIoU"}[kind]
    if matrix.size and matrix.shape[0] <= TALLEST and matrix.shape[1] <= WIDEST:
        header = ("A \\ B", *(str(column) for column in range(matrix.shape[1])))
        rows: tuple[tuple[Cell, ...], ...] = tuple((str(row), *cells(line)) for row, line in enumerate(matrix))
        yield Table(header, rows, title=f"{label} of each box of A with each of B")
    yield from shortened(best_columns(kind), best_rows(a, best, values), title="The best of each box of A")
    if matrix.size:
        yield Facts((("pairs", matrix.size), ("mean", float(matrix.mean())), ("largest", float(matrix.max()))))


def explanation(a: Array, b: Array, place: tuple[int, int], rule: tuple[str, float, bool]) -> Iterator[Block]:
    """Yield one overlap, from the corners to the quotient; `rule` is (kind, plus, crowd)."""
    kind, plus, crowd = rule
    worked = overlap_of(a[place[0]], b[place[1]], kind, plus=plus, crowd=crowd)
    boxes = a[place[0]], b[place[1]]
    yield Lines(tuple(formulas(kind, plus, crowd=crowd)), title="Overlap of two boxes")
    yield Lines(tuple(area_lines(boxes, worked, plus)), title=f"A's box {place[0]} and B's box {place[1]}")
    yield Lines(tuple(quotient_lines(worked, crowd=crowd)))
    if kind != "iou":
        yield Lines(tuple(refined_lines(boxes, worked, kind, plus)))


def formulas(kind: str, plus: float, *, crowd: bool) -> Iterator[str]:
    """Yield the formulas and the conventions."""
    extra = " + 1" if plus else ""
    yield f"width = x2 - x1{extra}, height = y2 - y1{extra}, area = width x height"
    yield f"overlap: from max(x1) to min(x2){extra}, from max(y1) to min(y2){extra}; 0 where a side is negative"
    yield "crowd: overlap / area of A" if crowd else "union = area of A + area of B - overlap; IoU = overlap / union"
    if kind != "iou":
        yield f"{KINDS[kind].equation}  ({KINDS[kind].source})"
        yield "hull: the smallest box around both; d: between the centres; c: the hull's diagonal"
    if kind == "ciou":
        yield "v = 4 / pi^2 (angle A - angle B)^2, angle = atan(w / h); alpha = v / (1 - IoU + v)"
    how = "inclusive: pixels from x1 to x2, both counted" if plus else "continuous: a box from 2 to 5 is 3 wide"
    yield f"coordinates are {how}; nothing is added to a denominator, 0 / 0 is 0"


def area_lines(boxes: tuple[Array, Array], worked: Overlap, plus: float) -> Iterator[str]:
    """Yield sides and areas of both boxes and of the overlap."""
    extra = " + 1" if plus else ""
    for name, box, sides in zip("AB", boxes, (worked.sides_a, worked.sides_b), strict=True):
        x1, y1, x2, y2 = box
        yield f"{name} = {box_text(box)}"
        across, down = f"{minus(x2, x1)}{extra}", f"{minus(y2, y1)}{extra}"
        yield f"    width = {across} = {number(sides[0])}, height = {down} = {number(sides[1])}"
        yield f"    area = {number(sides[0])} x {number(sides[1])} = {number(sides[0] * sides[1])}"
    (ax1, ay1, ax2, ay2), (bx1, by1, bx2, by2) = boxes
    for axis, low, high, one, other, side in (
        ("x", (ax1, bx1), (ax2, bx2), worked.corners[0], worked.corners[2], worked.sides[0]),
        ("y", (ay1, by1), (ay2, by2), worked.corners[1], worked.corners[3], worked.sides[1]),
    ):
        start = f"max({number(low[0])}, {number(low[1])}) = {number(one)}"
        stop = f"min({number(high[0])}, {number(high[1])}) = {number(other)}"
        length = f"{minus(other, one)}{extra} = {number(other - one + plus)}"
        yield f"overlap in {axis}: from {start} to {stop}: {length}{'' if side > 0 else ', so 0'}"
    yield f"overlap = {number(worked.sides[0])} x {number(worked.sides[1])} = {number(worked.inter)}"


def quotient_lines(worked: Overlap, *, crowd: bool) -> Iterator[str]:
    """Yield the union and the quotient."""
    area_a, area_b = (sides[0] * sides[1] for sides in (worked.sides_a, worked.sides_b))
    if crowd:
        yield f"overlap / area of A = {number(worked.inter)} / {number(area_a)} = {number(worked.iou)}"
        return
    yield f"union = {number(area_a)} + {number(area_b)} - {number(worked.inter)} = {number(worked.union)}"
    yield f"IoU = {number(worked.inter)} / {number(worked.union)} = {number(worked.iou)}"


def refined_lines(boxes: tuple[Array, Array], worked: Overlap, kind: str, plus: float) -> Iterator[str]:
    """Yield what is taken off IoU."""
    extra = " + 1" if plus else ""
    width, height = worked.hull
    yield f"hull: {number(width)} wide, {number(height)} high (max x2 - min x1{extra}, max y2 - min y1{extra})"
    if kind == "giou":
        hull = width * height
        yield (
            f"GIoU = {number(worked.iou)} - ({number(hull)} - {number(worked.union)}) / {number(hull)} "
            f"= {number(worked.value)}"
        )
        return
    centres = [tuple((low + high) / 2 for low, high in ((box[0], box[2]), (box[1], box[3]))) for box in boxes]
    square = width * width + height * height
    yield f"centres {box_text(centres[0])} and {box_text(centres[1])}: d^2 = {number(worked.distance2)}"
    yield f"c^2 = {number(width)}^2 + {number(height)}^2 = {number(square)}"
    distance = f"{number(worked.iou)} - {number(worked.distance2)} / {number(square)}"
    if kind == "diou":
        yield f"DIoU = {distance} = {number(worked.value)}"
        return
    yield f"v = {number(worked.v)}"
    yield f"alpha = {number(worked.v)} / (1 - {signed(worked.iou)} + {number(worked.v)}) = {number(worked.alpha)}"
    yield f"CIoU = {distance} - {number(worked.alpha)} x {number(worked.v)} = {number(worked.value)}"
