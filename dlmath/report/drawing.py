"""Drawings for a terminal: numbers in, lines of text out.

Every function is pure, and every line it returns has at most `width` columns. Colours come as styles beside the text,
so a drawing says the same without them: what colour shows on a terminal, shades and outlines show in a pipe.
"""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from itertools import groupby, pairwise
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

SPARKS = "▁▂▃▄▅▆▇█"
EIGHTHS = ("", "▏", "▎", "▍", "▌", "▋", "▊", "▉")
SHADES = " ░▒▓"
"""Quarters of [0, 1]: the middle of the range falls between two shades, so that 0.5 is seen as an edge."""

PALETTE = (
    "#4a86c5", "#6f9fd0", "#95b8db", "#bbd1e6", "#dfe9f1",
    "#f7f7f7",
    "#f8e8d3", "#f7d3a6", "#f3bb78", "#eda44d", "#e58b22",
)  # fmt: skip
"""Blue to orange through white: told apart by every kind of colour vision, light enough for black text."""

LINE_STYLE = "cyan"
AXIS_STYLE = "dim"
INK = "#000000"


# --- numbers on an axis ---------------------------------------------------------------------------------------------


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


# --- braille --------------------------------------------------------------------------------------------------------


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


# --- the frame around a drawing -------------------------------------------------------------------------------------


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


# --- a line chart ---------------------------------------------------------------------------------------------------


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


def scaled(value: float, *, log: bool) -> float:
    """Return a value as its axis has it: itself or its decimal logarithm, NaN where there is none."""
    if not log:
        return value
    return math.log10(value) if value > 0 else math.nan


def drawable(point: tuple[float, float]) -> bool:
    """Tell whether a point has a place on the plane."""
    return math.isfinite(point[0]) and math.isfinite(point[1])


def runs(points: Iterable[tuple[float, float]]) -> Iterator[list[tuple[float, float]]]:
    """Yield the stretches of drawable points: the line breaks where points are missing."""
    return (list(run) for there, run in groupby(points, drawable) if there)


def extent(values: Sequence[float]) -> Range:
    """Return the least and the greatest value."""
    return min(values), max(values)


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


def power_of_ten(exponent: float) -> float:
    """Return 10 to a power, infinity where rounding carried the exponent of the largest float over its end."""
    try:
        return float(10**exponent)
    except OverflowError:
        return math.inf


def range_ticks(x_range: Range, columns: int, label: str) -> list[tuple[int, str]]:
    """Return what is written below the axis: its ends, and in the middle the label, or else the middle value."""
    low, high = x_range
    if low == high:
        texts = [(columns // 2, number(low)), (columns - 1, label)]
        return texts if label else texts[:1]
    first, middle, last = tick_texts([low, between(low, high, 0.5), high])
    return [(0, first), (columns - 1, last), (columns // 2, label or middle)]


# --- a network's output over the plane of its two inputs -------------------------------------------------------------


def decision_map(
    values: Sequence[Sequence[float]],
    points: Sequence[tuple[float, float, float]],
    *,
    width: int = 44,
    height: int = 16,
    x_range: Range = (-0.5, 1.5),
    y_range: Range = (-0.5, 1.5),
) -> tuple[Line, ...]:
    """Draw outputs over the plane: shades, the line where they cross 0.5, and the data points as `0` and `1`.

    Parameters
    ----------
    values : rows of float in [0, 1]
        Outputs on an even grid over the ranges, ends included, of any size (it is interpolated); row 0 is the top,
        where x2 is highest.
    points : sequence of (x1, x2, target)
        Targets below 0.5 are drawn as `0`, the others as `1`.
    width, height : int
        Columns of the whole drawing; lines between its axes.
    x_range, y_range : (float, float)
        The lowest and the highest x1 and x2 of the grid.

    Examples
    --------
    >>> from dlmath.report.blocks import text_of
    >>> for line in decision_map([[0, 1], [0, 1]], [(0, 0, 0), (1, 1, 1)], width=25, height=4):
    ...     print(text_of(line).rstrip())
    x2
      │     ░░░░░░⡇▒▒▒▒▓▓▓▓▓▓
    1 ┤     ░░░░░░⡇▒▒▒ 1 ▓▓▓▓
    0 ┤     0 ░░░░⡇▒▒▒▒▓▓▓▓▓▓
      │     ░░░░░░⡇▒▒▒▒▓▓▓▓▓▓
      └─────┬──────────┬─────
            0    x1    1
    """
    y_ticks = axis_ticks([y for _, y, _ in points], y_range)
    gutter = gutter_of(y_ticks.values(), width)
    canvas = Canvas(x_range, y_range, max(width - gutter - 1, 1), max(height, 1))
    cells = painted(values, canvas)
    for x, y, target in points:
        put_point(cells, canvas, (x, y), "0" if target < 0.5 else "1")
    marks = {canvas.cell((x_range[0], value))[1]: text for value, text in y_ticks.items()}
    x_ticks = axis_ticks([x for x, _, _ in points], x_range)
    below = [(canvas.cell((value, y_range[0]))[0], text) for value, text in x_ticks.items()]
    body = framed([joined(row) for row in cells], canvas.columns, gutter, marks, [*below, (canvas.columns // 2, "x1")])
    return finished([[(" " * max(gutter - 2, 0) + "x2", AXIS_STYLE), *legend(width - gutter)], *body], width)


def axis_ticks(coordinates: Sequence[float], ends: Range) -> dict[float, str]:
    """Return the values an axis names: those of the data points when they are few, else its ends."""
    inside = sorted({float(value) for value in coordinates if ends[0] <= value <= ends[1]})
    values = inside if 1 <= len(inside) <= 3 else sorted(set(map(float, ends)))
    return dict(zip(values, tick_texts(values), strict=True))


def painted(values: Sequence[Sequence[float]], canvas: Canvas) -> list[list[Span]]:
    """Return the characters of the map with their styles: shades, and dots where the outputs cross 0.5."""
    fine = resampled(values, 2 * canvas.columns, 4 * canvas.rows)
    outlines = braille(crossings(fine), canvas.columns, canvas.rows)
    return [
        [shade(value, dots) for value, dots in zip(row[1::2], outline, strict=True)]
        for row, outline in zip(fine[2::4], outlines, strict=True)
    ]


def shade(value: float, dots: str) -> Span:
    """Return one character: the outline's dots if it has any here, else a shade which its own colour hides."""
    if math.isnan(value):
        return "?", ""
    value = min(max(value, 0.0), 1.0)
    color = PALETTE[round(value * (len(PALETTE) - 1))]
    return (dots, f"{INK} on {color}") if dots != " " else (SHADES[min(int(value * 4), 3)], f"{color} on {color}")


def put_point(cells: list[list[Span]], canvas: Canvas, point: tuple[float, float], mark: str) -> None:
    """Write a data point with a space on either side, on the colour that is there; a point outside is left out."""
    (low, high), (bottom, top) = canvas.x, canvas.y
    if not (low <= point[0] <= high and bottom <= point[1] <= top):
        return
    column, row = canvas.cell(point)
    for place, text in ((column - 1, " "), (column + 1, " "), (column, mark)):
        if 0 <= place < canvas.columns:
            background = cells[row][place][1].rpartition("on ")[2]
            cells[row][place] = (text, f"bold {INK} on {background}" if background else "bold")


def joined(cells: Iterable[Span]) -> Spans:
    """Return characters as spans, neighbours of one style together."""
    return tuple(("".join(text for text, _ in group), style) for style, group in groupby(cells, lambda cell: cell[1]))


def legend(room: int) -> Spans:
    """Return what the shades and the dots mean, when there is room to say it."""
    swatch = tuple(shade((index + 0.5) / 4, " ") for index in range(4))
    spans: Spans = (
        ("   output 0 ", AXIS_STYLE),
        *swatch,
        (" 1, ", AXIS_STYLE),
        ("⠒⠒", f"{INK} on {PALETTE[5]}"),
        (" where it is 0.5", AXIS_STYLE),
    )
    return spans if sum(len(text) for text, _ in spans) <= room else ()


def resampled(values: Sequence[Sequence[float]], columns: int, rows: int) -> list[list[float]]:
    """Return a grid interpolated (bilinearly) to another size, ends on ends.

    >>> resampled([[0, 1], [2, 3]], 3, 3)
    [[0.0, 0.5, 1.0], [1.0, 1.5, 2.0], [2.0, 2.5, 3.0]]
    """
    across = weights(len(values[0]), columns)
    mixed = (mix(values[i], values[j], share) for i, j, share in weights(len(values), rows))
    return [[row[i] + (row[j] - row[i]) * share for i, j, share in across] for row in mixed]


def mix(first: Sequence[float], second: Sequence[float], share: float) -> list[float]:
    """Return a row at a share of the way between two rows."""
    return [a + (b - a) * share for a, b in zip(first, second, strict=True)]


def weights(old: int, new: int) -> list[tuple[int, int, float]]:
    """Return, for each of `new` even places on `old` ones, its two neighbours and the share of the second."""
    places = [index * (old - 1) / max(new - 1, 1) for index in range(new)]
    return [(int(place), min(int(place) + 1, old - 1), place - int(place)) for place in places]


def crossings(values: Sequence[Sequence[float]]) -> Dots:
    """Return the grid points at or above 0.5 that have a neighbour below: a line one dot thick."""
    high = [[value >= 0.5 for value in row] for row in values]
    found: Dots = set()
    for y, row in enumerate(high):
        above, below = high[max(y - 1, 0)], high[min(y + 1, len(high) - 1)]
        inner = [
            left and right and up and down
            for left, right, up, down in zip((row[0], *row[:-1]), (*row[1:], row[-1]), above, below, strict=True)
        ]
        found.update((x, y) for x, here in enumerate(row) if here and not inner[x])
    return found


# --- bars -----------------------------------------------------------------------------------------------------------


def bars(
    labels: Sequence[str], values: Sequence[float], *, width: int = 40, log: bool = False, style: str = LINE_STYLE
) -> tuple[Line, ...]:
    """Draw horizontal bars, each with its label before and its value behind.

    Bars start at 0, negative ones to the left. On a log scale they start at the power of ten below the least value;
    what has no place there (0 and less), and what is not finite, has a value and no bar.

    Examples
    --------
    >>> from dlmath.report.blocks import text_of
    >>> for line in bars(["learned", "stuck"], [6, 2.5], width=24):
    ...     print(text_of(line).rstrip())
    learned │███████████ 6
      stuck │████▋ 2.5
    """
    sizes = [scaled(float(value), log=log) for value in values]
    known = [size for size in sizes if math.isfinite(size)]
    base = math.floor(min(known) - 1e-9) if log and known else 0.0
    ends = (min([base, *known]), max([base, *known]))
    names = [label if len(label) <= max(width // 2, 1) else label[: max(width // 2 - 1, 0)] + "…" for label in labels]
    texts = [number(float(value), 4) for value in values]
    before, behind = (max(map(len, column), default=0) for column in (names, texts))
    room = max(width - before - behind - 3, 1)
    lines = [
        ((f"{name:>{before}} ", ""), *bar(size, base, ends, room, style), (f" {text}", ""))
        for name, size, text in zip(names, sizes, texts, strict=True)
    ]
    footer = [[(f"{'':>{before}} log scale from {number(power_of_ten(base))}", AXIS_STYLE)]] if log and known else []
    return finished([*lines, *footer], width)


def bar(size: float, base: float, ends: Range, room: int, style: str) -> Spans:
    """Return one bar of `room` columns for the whole range `ends`, with the axis where it starts."""
    low, high = ends
    if not math.isfinite(size) or low == high:
        size = low = base
    zero = position(base, low, high) if low < high else 0.0
    reach = position(size, low, high) - zero if low < high else 0.0
    left = math.ceil(zero * room)
    text_left = leftward(-reach * room) if reach < 0 else ""
    text_right = rightward(reach * room)[: room - left] if reach > 0 else ""
    return (f"{text_left[-left:] if left else '':>{left}}", style), ("│", AXIS_STYLE), (text_right, style)


def rightward(length: float) -> str:
    """Return a bar of so many columns, to the nearest eighth; one that is there is seen.

    >>> rightward(2.5), rightward(0.001)
    ('██▌', '▏')
    """
    eighths = max(round(length * 8), 1)
    return "█" * (eighths // 8) + EIGHTHS[eighths % 8]


def leftward(length: float) -> str:
    """Return a bar that grows to the left, to the nearest half (there are no eighths of that side)."""
    halves = max(round(length * 2), 1)
    return "▐" * (halves % 2) + "█" * (halves // 2)


def histogram(values: Sequence[float], bins: int = 10) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """Count values in at most `bins` (and never fewer than two) intervals of one round width.

    An interval holds its lower end and not its upper one; whole numbers are counted from a first to a last one.
    What is not finite is left out.

    Examples
    --------
    >>> histogram([3, 4, 14, 27], bins=3)
    (('0 to 9', '10 to 19', '20 to 29'), (2, 1, 1))
    >>> histogram([0.11, 0.12, 0.3], bins=2)
    (('0 to 0.2', '0.2 to 0.4'), (2, 1))
    """
    kept = sorted(float(value) for value in values if math.isfinite(value))
    if not kept:
        return (), ()
    if kept[0] == kept[-1]:
        return (number(kept[0], 6),), (len(kept),)
    whole = all(value.is_integer() for value in kept)
    step = round_step(kept[0], kept[-1], max(bins, 2), whole=whole)
    first, last = interval_of(kept[0], step), interval_of(kept[-1], step)
    counts = [0] * (last - first + 1)
    for value in kept:
        counts[interval_of(value, step) - first] += 1
    return interval_texts([index * step for index in range(first, last + 2)], step, whole=whole), tuple(counts)


def wide_histogram(values: Sequence[float]) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """Count whole values, 0 or more, in intervals that grow as 1, 2, 5, 10, 20, 50, ...: for a long tail.

    Examples
    --------
    >>> wide_histogram([3, 4, 14, 270])
    (('2 to 4', '5 to 9', '10 to 19', '20 to 49', '50 to 99', '100 to 199', '200 to 499'), (2, 0, 1, 0, 0, 0, 1))
    """
    edges = [0] + [digit * 10**exponent for exponent in range(len(str(int(max(values)))) + 1) for digit in (1, 2, 5)]
    first = max(index for index, edge in enumerate(edges) if edge <= min(values))
    last = min(index for index, edge in enumerate(edges) if edge > max(values))
    kept = edges[first : last + 1]
    labels = tuple(f"{low:,} to {high - 1:,}" if high > low + 1 else f"{low:,}" for low, high in pairwise(kept))
    return labels, tuple(sum(low <= value < high for value in values) for low, high in pairwise(kept))


def interval_of(value: float, step: float) -> int:
    """Return the number of the interval a value is in; 0.3 / 0.1 is a little less than 3 and is meant to be 3."""
    return math.floor(value / step + 1e-9)


def round_step(low: float, high: float, bins: int, *, whole: bool) -> float:
    """Return the least step of the form 1, 2, 2.5 or 5 times a power of ten that covers the values in `bins` steps."""
    # a step below the spacing of floats (or a subnormal one) could not be told from none
    least = max(high / bins - low / bins, math.ulp(max(abs(low), abs(high))), sys.float_info.min)
    for exponent in range(0 if whole else math.floor(math.log10(least)), 309):
        for digit in (1, 2, 2.5, 5):
            step = float(f"{digit}e{exponent}")
            if (
                (step.is_integer() or not whole)
                and step >= least / 2
                and interval_of(high, step) - interval_of(low, step) < bins
            ):
                return min(step, sys.float_info.max)
    return sys.float_info.max


def interval_texts(edges: Sequence[float], step: float, *, whole: bool) -> tuple[str, ...]:
    """Write the intervals between edges: for whole numbers their first and last one, else their ends."""
    lows, highs = list(edges[:-1]), [edge - 1 if whole else edge for edge in edges[1:]]
    texts = tick_texts([*lows, *highs])
    pairs = zip(texts[: len(lows)], texts[len(lows) :], strict=True)
    return tuple(low if whole and step == 1 else f"{low} to {high}" for low, high in pairs)


# --- a line of text -------------------------------------------------------------------------------------------------


def sparkline(values: Sequence[float]) -> str:
    """Draw values as a row of blocks from the least to the greatest; what is not finite leaves a gap.

    >>> sparkline([0, 1, 2, 3, 4, 5, 6, 7]), sparkline([5, math.nan, 5])
    ('▁▂▃▄▅▆▇█', '▅ ▅')
    """
    kept = [float(value) for value in values if math.isfinite(value)]
    if not kept:
        return " " * len(values)
    low, high = extent(kept)
    return "".join(
        SPARKS[min(int(position(value, low, high) * 8), 7)] if math.isfinite(value) else " " for value in values
    )
