"""What drawings for a terminal are made of: places on an axis, braille dots, the frame around them.

Every function is pure, and every line it returns has at most `width` columns. Colours come as styles beside the text,
so a drawing says the same without them: what colour shows on a terminal, shades and outlines show in a pipe.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from dlmath.report.blocks import Line, Span

    Spans: TypeAlias = tuple[Span, ...]
    Dots: TypeAlias = set[tuple[int, int]]
    Range: TypeAlias = tuple[float, float]

BRAILLE = 0x2800
BRAILLE_BITS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
"""The dot of row j, column i of a braille character, as the bit that sets it (Unicode chart U+2800)."""

LINE_STYLE = "cyan"
AXIS_STYLE = "dim"


def position(value: float, low: float, high: float) -> float:
    """Return where a value stands between `low` (0) and `high` (1); one half when the two are equal.

    >>> position(3, 2, 4), position(7, 7, 7), position(1e308, -1e308, 1e308)
    (0.5, 0.5, 1.0)
    """
    if low == high:
        return 0.5
    if math.isinf(high - low):  # the difference of two large numbers overflows, that of their halves does not
        value, low, high = value / 2, low / 2, high / 2
    return (value - low) / (high - low)


def between(low: float, high: float, share: float) -> float:
    """Return the value at a share (0 to 1) of the way from `low` to `high`, without overflow."""
    return low * (1 - share) + high * share


def number(value: float, digits: int = 3) -> str:
    """Write a number short: whole ones in full, others to so many significant digits.

    >>> number(20000), number(0.12345), number(-0.0), number(2.5e-9)
    ('20,000', '0.123', '0', '2.5e-09')
    """
    if math.isfinite(value) and value == int(value) and abs(value) < 1e7:
        return f"{int(value):,}"
    return f"{value:.{digits}g}"


def tick_texts(values: Sequence[float]) -> list[str]:
    """Write numbers with as many digits as tell them apart.

    >>> tick_texts([0.12501, 0.12502]), tick_texts([0.0, 0.5])
    (['0.12501', '0.12502'], ['0', '0.5'])
    """
    for digits in range(3, 17):
        texts = [number(value, digits) for value in values]
        if len(set(texts)) >= len(set(values)):
            return texts
    return [number(value, 17) for value in values]


def braille(dots: Iterable[tuple[int, int]], columns: int, rows: int) -> list[str]:
    """Return `rows` strings of `columns` characters in which dots (x, y) are set; y grows downward.

    A character holds 2 x 4 dots; one without dots is a space.

    >>> braille({(0, 0), (1, 1), (2, 2), (3, 3)}, 2, 1)
    ['⠑⢄']
    """
    cells = [[0] * columns for _ in range(rows)]
    for x, y in dots:
        cells[y // 4][x // 2] |= BRAILLE_BITS[y % 4][x % 2]
    return ["".join(chr(BRAILLE + bits) if bits else " " for bits in row) for row in cells]


def segment(start: tuple[int, int], end: tuple[int, int]) -> Iterator[tuple[int, int]]:
    """Yield the dots of a straight line, both ends included, without gaps."""
    (x0, y0), (x1, y1) = start, end
    steps = max(abs(x1 - x0), abs(y1 - y0))
    yield start
    for step in range(1, steps + 1):
        yield x0 + round((x1 - x0) * step / steps), y0 + round((y1 - y0) * step / steps)


def stroke(run: Sequence[tuple[int, int]]) -> Dots:
    """Return the dots of a line through the points of a run; a lone point is drawn fat enough to be seen."""
    if len(set(run)) == 1:
        (x, y) = run[0]
        return {(x ^ i, y ^ j) for i in (0, 1) for j in (0, 1)}  # flips of the last bit stay in the character
    return {dot for start, end in pairwise(run) for dot in segment(start, end)}


def gutter_of(texts: Iterable[str], width: int) -> int:
    """Return the columns that tick labels may take on the left: none when they would leave no room to draw."""
    longest = max(map(len, texts), default=0)
    return longest + 1 if width - longest - 2 >= 8 else 0


def framed(
    rows: Sequence[Spans],
    columns: int,
    gutter: int,
    y_ticks: Mapping[int, str],
    x_ticks: Sequence[tuple[int, str]],
) -> Iterator[Spans]:
    """Yield the rows with an axis and its labels on the left, and an axis and its labels below."""
    for index, row in enumerate(rows):
        text = y_ticks.get(index, "") if gutter else ""
        yield ((f"{text:>{max(gutter - 1, 0)}}{' ' if gutter else ''}{'┤' if text else '│'}", AXIS_STYLE), *row)
    marks = {column for column, text in x_ticks if text[:1] in "-0123456789"}
    axis = "".join("┬" if column in marks else "─" for column in range(columns))
    yield ((" " * gutter + "└" + axis, AXIS_STYLE),)
    yield ((written([(gutter + 1 + column, text) for column, text in x_ticks], gutter + 1 + columns), AXIS_STYLE),)


def written(texts: Sequence[tuple[int, str]], width: int) -> str:
    """Write texts centred at their columns, shifted inside the line; one that would touch an earlier one is left out.

    >>> written([(0, "0"), (19, "10,000"), (10, "epoch"), (12, "lost")], 20)
    '0       epoch 10,000'
    """
    line = [" "] * width
    for column, text in texts:
        start = min(max(column - len(text) // 2, 0), width - len(text))
        if start >= 0 and not "".join(line[max(start - 1, 0) : start + len(text) + 1]).strip():
            line[start : start + len(text)] = text
    return "".join(line).rstrip()


def clipped(line: Iterable[Span], width: int) -> Spans:
    """Return a line cut to `width` columns (the last resort of a terminal too narrow for its labels)."""
    kept = []
    for text, style in line:
        if width > 0 and text:
            kept.append((text[:width], style))
        width -= len(text)
    return tuple(kept)


def finished(lines: Iterable[Iterable[Span]], width: int) -> tuple[Line, ...]:
    """Return the lines, none wider than `width`."""
    return tuple(clipped(line, width) for line in lines)


def scaled(value: float, *, log: bool) -> float:
    """Return a value as its axis has it: itself or its decimal logarithm, NaN where there is none."""
    if not log:
        return value
    return math.log10(value) if value > 0 else math.nan


def power_of_ten(exponent: float) -> float:
    """Return 10 to a power, infinity where rounding carried the exponent of the largest float over its end."""
    try:
        return float(10**exponent)
    except OverflowError:
        return math.inf


def extent(values: Sequence[float]) -> Range:
    """Return the least and the greatest value."""
    return min(values), max(values)


@dataclass(frozen=True)
class Canvas:
    """A rectangle of the plane on a rectangle of braille characters."""

    x: Range
    y: Range
    columns: int
    rows: int

    def dot(self, point: tuple[float, float]) -> tuple[int, int]:
        """Return the dot under a point of the plane."""
        across, up = position(point[0], *self.x), position(point[1], *self.y)
        return round(across * (2 * self.columns - 1)), round((1 - up) * (4 * self.rows - 1))

    def cell(self, point: tuple[float, float]) -> tuple[int, int]:
        """Return the column and the row of the character under a point."""
        x, y = self.dot(point)
        return x // 2, y // 4
