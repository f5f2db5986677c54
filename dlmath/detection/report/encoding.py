"""The report of `boxes encode` and `boxes decode`: targets or boxes, and the four formulas with one pair's numbers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from dlmath.detection.engine.encoding import UNIT_WEIGHTS, centres
from dlmath.detection.report.texts import CORNERS, box_text, cells, minus, number, shortened, signed
from dlmath.report.blocks import Lines

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dlmath.neural.arrays import Array
    from dlmath.report.blocks import Block

TARGETS = ("tx", "ty", "tw", "th")
SOURCE = "Girshick et al. 2014, Rich feature hierarchies, appendix C"


def rows(values: Array) -> list[tuple[Any, ...]]:
    """Return a row for each pair: its number, then four numbers."""
    return [(row, *cells(four)) for row, four in enumerate(values)]


def blocks(values: Array, columns: tuple[str, ...], title: str) -> Iterator[Block]:
    """Yield the table."""
    yield from shortened(("box", *columns), rows(values), title=title, digits=9)


def centre_lines(name: str, box: Array, plus: float) -> Iterator[str]:
    """Yield a box's centre and size, worked out."""
    x, y, w, h = (float(value[0]) for value in centres(box[None], plus))
    extra = " + 1" if plus else ""
    low = name.lower()
    yield f"{name} = {box_text(box)}"
    width, height = f"{minus(box[2], box[0])}{extra}", f"{minus(box[3], box[1])}{extra}"
    yield f"    {low}w = {width} = {number(w)}, {low}h = {height} = {number(h)}"
    across, down = f"{number(box[0])} + {number(w)}/2", f"{number(box[1])} + {number(h)}/2"
    yield f"    {low}x = {across} = {number(x)}, {low}y = {down} = {number(y)}"


def weight_text(weights: Sequence[float], index: int) -> str:
    """Return a factor, where it is not 1."""
    return "" if weights[index] == UNIT_WEIGHTS[index] else f" x {number(weights[index])}"


def explain_encode(
    pair: tuple[Array, Array], targets: Array, weights: Sequence[float], plus: float, row: int
) -> Iterator[Block]:
    """Yield the four formulas and this pair's numbers."""
    yield Lines(
        (
            "tx = (gx - px) / pw    ty = (gy - py) / ph    tw = ln(gw / pw)    th = ln(gh / ph)",
            "p: the proposal's centre and size, g: the truth's; shifts in units of the proposal, sizes as logarithms",
            *((f"each times its weight: {', '.join(map(number, weights))}",) if tuple(weights) != UNIT_WEIGHTS else ()),
        ),
        title=f"Regression targets ({SOURCE})",
    )
    (px, py, pw, ph), (gx, gy, gw, gh) = ([float(v[0]) for v in centres(box[None], plus)] for box in pair)
    results = [number(value) for value in targets]
    yield Lines(
        (
            *centre_lines("P", pair[0], plus),
            *centre_lines("G", pair[1], plus),
            f"tx = ({minus(gx, px)}) / {number(pw)}{weight_text(weights, 0)} = {results[0]}",
            f"ty = ({minus(gy, py)}) / {number(ph)}{weight_text(weights, 1)} = {results[1]}",
            f"tw = ln({number(gw)} / {number(pw)}){weight_text(weights, 2)} = {results[2]}",
            f"th = ln({number(gh)} / {number(ph)}){weight_text(weights, 3)} = {results[3]}",
        ),
        title=f"Pair {row}",
    )


def explain_decode(
    pair: tuple[Array, Array], box: Array, rule: tuple[Sequence[float], float, float, float], row: int
) -> Iterator[Block]:
    """Yield the four formulas and this pair's numbers; `rule` is (weights, clamp, plus, what the far corner loses)."""
    weights, clamp, plus, far = rule
    bound = "no bound" if math.isinf(clamp) else f"at most {number(clamp)} (e^ of it = {number(math.exp(clamp))})"
    yield Lines(
        (
            "gx = pw tx + px    gy = ph ty + py    gw = pw e^tw    gh = ph e^th",
            "x1 = gx - gw/2, x2 = gx + gw/2" + (f" - {number(far)}" if far else "") + ", and so in y",
            f"tw and th: {bound}, so that no target makes a box too large for numbers",
            *(
                (f"targets are divided by {', '.join(map(number, weights))} first",)
                if tuple(weights) != UNIT_WEIGHTS
                else ()
            ),
            *(
                ("this library's far corner is not taken back by 1: decoding does not undo encoding",)
                if plus != far
                else ()
            ),
        ),
        title=f"Boxes of regression targets ({SOURCE})",
    )
    px, py, pw, ph = (float(v[0]) for v in centres(pair[0][None], plus))
    raw = [float(target) / weight for target, weight in zip(pair[1], weights, strict=True)]
    tx, ty, tw, th = raw[0], raw[1], min(raw[2], clamp), min(raw[3], clamp)
    cut = [f" (cut from {number(was)})" if was > clamp else "" for was in raw[2:]]
    gx, gy, gw, gh = pw * tx + px, ph * ty + py, pw * math.exp(tw), ph * math.exp(th)
    yield Lines(
        (
            *centre_lines("P", pair[0], plus),
            f"t = {box_text(raw)}",
            f"gx = {number(pw)} x {signed(tx)} + {signed(px)} = {number(gx)}",
            f"gy = {number(ph)} x {signed(ty)} + {signed(py)} = {number(gy)}",
            f"gw = {number(pw)} x e^{signed(tw)}{cut[0]} = {number(gw)}",
            f"gh = {number(ph)} x e^{signed(th)}{cut[1]} = {number(gh)}",
            f"box = {box_text(box)}",
        ),
        title=f"Pair {row}",
    )


COLUMNS = {"encode": TARGETS, "decode": CORNERS}
TITLES = {"encode": "Regression targets", "decode": "Boxes"}
