"""A line chart for a terminal, in braille."""

from __future__ import annotations

import math
from itertools import groupby
from typing import TYPE_CHECKING, TypeAlias

from dlmath.report.canvas import (
    LINE_STYLE,
    Canvas,
    between,
    braille,
    extent,
    finished,
    framed,
    gutter_of,
    number,
    power_of_ten,
    scaled,
    stroke,
    tick_texts,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from dlmath.report.blocks import Line, Span

    Spans: TypeAlias = tuple[Span, ...]
    Dots: TypeAlias = set[tuple[int, int]]
    Range: TypeAlias = tuple[float, float]


def curve(
    xs: Sequence[float],
    ys: Sequence[float],
    *,
    width: int = 60,
    height: int = 10,
    log: bool = False,
    x_label: str = "",
    y_label: str = "",
) -> tuple[Line, ...]:
    """Draw a line through points, in braille.

    Points that are not finite (or, on a log axis, not above 0) are left out, and the heading says how many.
    The line breaks where they are missing.

    Parameters
    ----------
    xs, ys : sequence of float, of equal length
        The points, in the order in which they are joined.
    width, height : int
        Columns of the whole drawing; lines between its axes (heading and axis come on top).
    log : bool
        Whether equal distances are equal ratios of `ys`.
    x_label, y_label : str
        What is drawn; `y_label` heads the drawing.

    Examples
    --------
    >>> from dlmath.report.blocks import text_of
    >>> for line in curve([0, 1, 2, 3], [1, 0.1, 0.01, 0.001], width=24, height=3, log=True, y_label="loss"):
    ...     print(text_of(line).rstrip())
    loss, log scale
         1 ┤⠉⠒⠤⢄⡀
    0.0316 ┤    ⠈⠉⠒⠒⠤⠤⣀⡀
     0.001 ┤           ⠈⠑⠒⠤⣀
           └┬───────┬──────┬
            0      1.5     3
    """
    points = [(float(x), scaled(float(y), log=log)) for x, y in zip(xs, ys, strict=True)]
    kept = [point for point in points if drawable(point)]
    heading = curve_heading(y_label, ys, len(points) - len(kept), log=log)
    if not kept:
        return finished([[((heading + "; nothing to draw").removeprefix("; "), "")]], width)
    x_range, y_range = extent([x for x, _ in kept]), extent([y for _, y in kept])
    y_ticks = value_ticks(y_range, log=log)
    gutter = gutter_of(y_ticks.values(), width)
    canvas = Canvas(x_range, y_range, max(width - gutter - 1, 1), max(height, 1))
    dots = {dot for run in runs(points) for dot in stroke([canvas.dot(point) for point in run])}
    rows: list[Spans] = [((row, LINE_STYLE),) for row in braille(dots, canvas.columns, canvas.rows)]
    marks = {canvas.cell((x_range[0], value))[1]: text for value, text in y_ticks.items()}
    body = framed(rows, canvas.columns, gutter, marks, range_ticks(x_range, canvas.columns, x_label))
    return finished([[(heading, "")], *body] if heading else body, width)


def drawable(point: tuple[float, float]) -> bool:
    """Tell whether a point has a place on the plane."""
    return math.isfinite(point[0]) and math.isfinite(point[1])


def runs(points: Iterable[tuple[float, float]]) -> Iterator[list[tuple[float, float]]]:
    """Yield the stretches of drawable points: the line breaks where points are missing."""
    return (list(run) for there, run in groupby(points, drawable) if there)


def curve_heading(label: str, ys: Sequence[float], missing: int, *, log: bool) -> str:
    """Return what the curve shows, on which scale, and how many points are missing from it and why."""
    low = sum(y <= 0 and math.isfinite(y) for y in ys) if log else 0
    reasons = [f"{low} not above 0"] * bool(low) + [f"{missing - low} not finite"] * (missing > low)
    shown = ", ".join(part for part in (label, "log scale" if log else "") if part)
    return "; ".join(part for part in (shown, "left out: " + ", ".join(reasons) if reasons else "") if part)


def value_ticks(y_range: Range, *, log: bool) -> dict[float, str]:
    """Return the ends and the middle of the axis (where it has an extent), and how they are written."""
    low, high = y_range
    values = [low] if low == high else [low, between(low, high, 0.5), high]
    return dict(zip(values, tick_texts([power_of_ten(value) if log else value for value in values]), strict=True))


def range_ticks(x_range: Range, columns: int, label: str) -> list[tuple[int, str]]:
    """Return what is written below the axis: its ends, and in the middle the label, or else the middle value."""
    low, high = x_range
    if low == high:
        texts = [(columns // 2, number(low)), (columns - 1, label)]
        return texts if label else texts[:1]
    first, middle, last = tick_texts([low, between(low, high, 0.5), high])
    return [(0, first), (columns - 1, last), (columns // 2, label or middle)]
