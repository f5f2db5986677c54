"""Curves over one plane in a terminal, in braille, each in a colour of its own."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from dlmath.report.canvas import Canvas, braille, finished, framed, gutter_of, stroke
from dlmath.report.curve import range_ticks, value_ticks

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from dlmath.report.blocks import Line, Span

    Points = Sequence[tuple[float, float]]

STYLES = ("cyan", "yellow", "green", "red", "magenta", "blue")


def family(curves: Sequence[Points], *, width: int, height: int = 9, heading: str = "") -> tuple[Line, ...]:
    """Draw curves over one plane; where two share a character it has the colour of the later one.

    Examples
    --------
    >>> from dlmath.report.blocks import text_of
    >>> for line in family([[(0, 0), (4, 4)], [(0, 4), (4, 0)]], width=16, height=2, heading="a cross"):
    ...     print(text_of(line).rstrip())
    a cross
    4 ┤⠉⠒⠒⠤⢄⣀⣀⣀⡠⠤⠒⠒⠉
    2 ┤⣀⠤⠤⠒⠊⠉⠉⠉⠑⠒⠤⠤⣀
      └┬─────┬─────┬
       0     2     4
    """
    points = [point for curve in curves for point in curve if math.isfinite(point[1])]
    x_range, y_range = _extent(x for x, _ in points), rounded(*_extent(y for _, y in points))
    ticks = value_ticks(y_range, log=False)
    gutter = gutter_of(ticks.values(), width)
    canvas = Canvas(x_range, y_range, max(width - gutter - 1, 1), height)
    rows = _rows(curves, canvas)
    marks = {canvas.cell((x_range[0], value))[1]: text for value, text in ticks.items()}
    body = framed(rows, canvas.columns, gutter, marks, range_ticks(x_range, canvas.columns, ""))
    return finished([[(heading, "")], *body] if heading else body, width)


def _extent(values: Iterable[float]) -> tuple[float, float]:
    listed = list(values)
    low, high = min(listed), max(listed)
    return (low, high) if low < high else (low - 0.5, high + 0.5)


def rounded(low: float, high: float) -> tuple[float, float]:
    """Return ends that are whole hundredths of the range's power of ten, where they are nearly so.

    >>> rounded(2.26e-6, 0.99998), rounded(-0.275, 5)
    ((0.0, 1.0), (-0.275, 5.0))
    """
    step = 10 ** math.floor(math.log10(high - low)) / 100
    first, last = (near if abs((near := round(end / step) * step) - end) < step / 5 else end for end in (low, high))
    return first + 0.0, last + 0.0


def _rows(curves: Sequence[Points], canvas: Canvas) -> list[tuple[Span, ...]]:
    """Return the characters of the plane, each with the style of the last curve in it."""
    dots = [stroke([canvas.dot(point) for point in curve]) for curve in curves]
    texts = braille({dot for curve in dots for dot in curve}, canvas.columns, canvas.rows)
    style = {(x // 2, y // 4): STYLES[number % len(STYLES)] for number, curve in enumerate(dots) for x, y in curve}
    return [
        tuple((sign, style.get((column, row), "")) for column, sign in enumerate(text))
        for row, text in enumerate(texts)
    ]


def beside(left: Sequence[Line], right: Sequence[Line], width: int) -> tuple[Line, ...]:
    """Return two drawings of equal height side by side, the left one `width` columns wide."""
    joined = []
    for first, second in zip(left, right, strict=True):
        spans = _spans(first)
        gap = width - sum(len(text) for text, _ in spans)
        joined.append((*spans, (" " * max(gap, 1), ""), *_spans(second)))
    return tuple(joined)


def _spans(line: Line) -> tuple[Span, ...]:
    return ((line, ""),) if isinstance(line, str) else line
