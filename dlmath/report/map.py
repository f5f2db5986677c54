"""A network's output over the plane of its two inputs, for a terminal."""

from __future__ import annotations

import math
from itertools import groupby
from typing import TYPE_CHECKING, TypeAlias

from dlmath.report.canvas import AXIS_STYLE, Canvas, braille, finished, framed, gutter_of, tick_texts

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from dlmath.report.blocks import Line, Span

    Spans: TypeAlias = tuple[Span, ...]
    Dots: TypeAlias = set[tuple[int, int]]
    Range: TypeAlias = tuple[float, float]

SHADES = " ░▒▓"
"""Quarters of [0, 1]: the middle of the range falls between two shades, so that 0.5 is seen as an edge."""

PALETTE = (
    "#4a86c5", "#6f9fd0", "#95b8db", "#bbd1e6", "#dfe9f1",
    "#f7f7f7",
    "#f8e8d3", "#f7d3a6", "#f3bb78", "#eda44d", "#e58b22",
)  # fmt: skip
"""Blue to orange through white: told apart by every kind of colour vision, light enough for black text."""

INK = "#000000"
MANY_POINTS = 30
"""From so many points on each stands alone: blanks around them would hide the outline."""


def decision_map(
    values: Sequence[Sequence[float]],
    points: Sequence[tuple[float, float, float]],
    *,
    width: int = 44,
    height: int = 16,
    x_range: Range = (-0.5, 1.5),
    y_range: Range = (-0.5, 1.5),
    levels: Range = (0, 1),
) -> tuple[Line, ...]:
    """Draw outputs over the plane: shades, the line where they cross their middle, and the data points.

    Parameters
    ----------
    values : rows of float in [0, 1]
        Outputs, in units of `levels`, on an even grid over the ranges, ends included, of any size (it is
        interpolated); row 0 is the top, where x2 is highest.
    points : sequence of (x1, x2, target)
        In units of `levels` too. Targets below 0.5 are drawn as `0`, the others as `1`; with other levels than 0 and 1
        as `-` and `+`.
    width, height : int
        Columns of the whole drawing; lines between its axes.
    x_range, y_range : (float, float)
        The lowest and the highest x1 and x2 of the grid.
    levels : (float, float)
        What 0 and 1 stand for.

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
    low, high = "01" if levels == (0, 1) else "-+"
    blanks = len(points) < MANY_POINTS
    for x, y, target in points:
        put_point(cells, canvas, (x, y), low if target < 0.5 else high, blanks=blanks)
    marks = {canvas.cell((x_range[0], value))[1]: text for value, text in y_ticks.items()}
    x_ticks = axis_ticks([x for x, _, _ in points], x_range)
    below = [(canvas.cell((value, y_range[0]))[0], text) for value, text in x_ticks.items()]
    body = framed([joined(row) for row in cells], canvas.columns, gutter, marks, [*below, (canvas.columns // 2, "x1")])
    return finished([[(" " * max(gutter - 2, 0) + "x2", AXIS_STYLE), *legend(width - gutter, levels)], *body], width)


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


def put_point(
    cells: list[list[Span]], canvas: Canvas, point: tuple[float, float], mark: str, *, blanks: bool = True
) -> None:
    """Write a data point, a blank on either side, on the colour that is there; a point outside is left out."""
    (low, high), (bottom, top) = canvas.x, canvas.y
    if not (low <= point[0] <= high and bottom <= point[1] <= top):
        return
    column, row = canvas.cell(point)
    around = ((column - 1, " "), (column + 1, " ")) if blanks else ()
    for place, text in (*around, (column, mark)):
        if 0 <= place < canvas.columns:
            background = cells[row][place][1].rpartition("on ")[2]
            cells[row][place] = (text, f"bold {INK} on {background}" if background else "bold")


def joined(cells: Iterable[Span]) -> Spans:
    """Return characters as spans, neighbours of one style together."""
    return tuple(("".join(text for text, _ in group), style) for style, group in groupby(cells, lambda cell: cell[1]))


def legend(room: int, levels: Range = (0, 1)) -> Spans:
    """Return what the shades and the dots mean, when there is room to say it."""
    low, high = levels
    swatch = tuple(shade((index + 0.5) / 4, " ") for index in range(4))
    spans: Spans = (
        (f"   output {low:g} ", AXIS_STYLE),
        *swatch,
        (f" {high:g}, ", AXIS_STYLE),
        ("⠒⠒", f"{INK} on {PALETTE[5]}"),
        (f" where it is {(low + high) / 2:g}", AXIS_STYLE),
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
