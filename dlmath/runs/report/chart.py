"""A sweep as SVG text: lines over numbers, bars at names, with 95 % intervals; no library, and colours of the page.

Colours are classes (c0, c1, ...), so that the page decides them for a light and a dark ground; shapes are in a box of
640 x 360 units.
"""

from __future__ import annotations

import math
from html import escape
from typing import TYPE_CHECKING, Any, NamedTuple

from dlmath.report.harmless import visible
from dlmath.report.numbers import figure
from dlmath.runs.report.series import (
    TOLD_APART,
    axis_across,
    far_apart,
    first_number,
    is_plain,
    place,
    series_of,
    words_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dlmath.runs.report.ran import Ran
    from dlmath.runs.report.series import Series

WIDTH, HEIGHT = 640, 360
LEFT, RIGHT, TOP, BOTTOM = 70, 14, 12, 62
COLORS = 8
TICKS = 5
ROOM = 36
"""Units between the numbers below a picture, so that they do not touch on a phone."""
MOST_SERIES = 40
"""Series that are drawn: beyond, lines hide each other."""


class ChartScale(NamedTuple):
    """From values to units of the picture, linear or logarithmic."""

    low: float
    high: float
    start: float
    end: float
    logarithmic: bool = False

    def at(self, value: float) -> float:
        """Return where a value lies."""
        low, high, value = (math.log10(v) for v in (self.low, self.high, value)) if self.logarithmic else (
            self.low, self.high, value,
        )  # fmt: skip
        share = (value - low) / (high - low) if high > low else 0.5
        return round(self.start + (self.end - self.start) * share, 2)

    def ticks(self) -> list[float]:
        """Return round values along it."""
        if self.logarithmic:
            first, last = math.ceil(math.log10(self.low) - 1e-9), math.floor(math.log10(self.high) + 1e-9)
            step = max(1, -(-(last - first) // TICKS))
            return [10.0**power for power in range(first, last + 1, step)]
        return round_ticks(self.low, self.high)


def round_ticks(low: float, high: float) -> list[float]:
    """Return about five values at steps of 1, 2 or 5 times a power of ten.

    >>> round_ticks(0, 1), round_ticks(3, 3)
    ([0.0, 0.2, 0.4, 0.6, 0.8, 1.0], [3])
    """
    if high <= low:
        return [low]
    rough = (high - low) / TICKS
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * 0.999)
    first = math.ceil(low / step - 1e-9)
    return [round(number * step, 12) for number in range(first, math.floor(high / step + 1e-9) + 1)]


def chart(ran: Ran) -> str:
    """Return the picture of an experiment that has an axis and a number, and its legend."""
    column = first_number(ran)
    assert column is not None
    across = axis_across(ran)
    names = list(dict.fromkeys(place(row, across) for row in ran.rows))
    series = series_of(ran, across, column)[:MOST_SERIES]
    numeric = all(is_plain(name) for name in names)
    drawn = "".join(parts(ran, series, names, numeric=numeric, value=ran.columns[column], axis=words_of(across)))
    title = f"{ran.columns[column]} over {words_of(across)}"
    label = f"{text_of(title)}: {described(series)}"
    picture = f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{label}">{drawn}</svg>'
    others = ", ".join(words_of(axis) for axis in ran.axes if axis != across)
    return f"<figure>{picture}<figcaption>{text_of(title)}{legend(series, others)}</figcaption></figure>"


def text_of(text: str) -> str:
    """Return a text as it may stand in the page."""
    return escape(visible(text))


def described(series: Sequence[Series]) -> str:
    """Return the picture in words, for who cannot see it; the table beside it has every number."""
    values = [value.mean for one in series for value in one.values if math.isfinite(value.mean)]
    if not values:
        return "no number"
    return f"{len(series)} series, from {figure(min(values))} to {figure(max(values))}"


def legend(series: Sequence[Series], others: str) -> str:
    """Return the names of the series beside their colours."""
    if not others:
        return ""
    if len(series) > TOLD_APART:
        return f"<p>{len(series)} lines, one for each of {text_of(others)}</p>"
    items = "".join(
        f'<li><svg viewBox="0 0 24 10" aria-hidden="true"><path class="line c{index % COLORS} d{index // COLORS}" '
        f'd="M0 5H24"/></svg>{text_of(one.label)}</li>'
        for index, one in enumerate(series)
    )
    return f'<ul class="legend" aria-label="{text_of(others)}">{items}</ul>'


def parts(
    ran: Ran, series: Sequence[Series], names: Sequence[Any], *, numeric: bool, value: str, axis: str
) -> Iterator[str]:
    """Yield axes and marks."""
    ends = [end for one in series for v in one.values for end in (v.mean, v.low, v.high) if is_plain(end)]
    if not ends:
        return
    up = upward(ends, bars=not numeric)
    across = sideways(names) if numeric else None
    yield from grid(up)
    yield from labels_below(names, across)
    for index, one in enumerate(series):
        kind = f"c{index % COLORS} d{index // COLORS}"
        if across is not None:
            yield from line_marks(one, across, up, kind)
        else:
            yield from bar_marks(one, names, index, len(series), up, kind)
    yield f'<text class="axis" x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 6}">{text_of(axis)}</text>'
    middle = (TOP + HEIGHT - BOTTOM) / 2
    yield f'<text class="axis up" transform="translate(14 {middle}) rotate(-90)">{text_of(value)}</text>'
    assert ran.rows


def upward(ends: Sequence[float], *, bars: bool) -> ChartScale:
    """Return the scale of values; bars begin at nothing."""
    low, high = min(ends), max(ends)
    logarithmic = far_apart(ends) and not bars
    if not logarithmic:
        low = min(low, 0.0) if bars or low > 0 > low - (high - low) / 4 else low
        high = max(high, 0.0) if bars else high
        room = (high - low) / 20 or abs(high) / 20 or 1.0
        low, high = (low - room if low < 0 or not bars else low), high + room
    return ChartScale(low, high, HEIGHT - BOTTOM, TOP, logarithmic)


def sideways(names: Sequence[Any]) -> ChartScale:
    """Return the scale of numbers from left to right."""
    return ChartScale(min(names), max(names), LEFT + 16, WIDTH - RIGHT - 16, far_apart(names))


def grid(up: ChartScale) -> Iterator[str]:
    """Yield the lines at round values, and their numbers."""
    for tick in up.ticks():
        y = up.at(tick)
        yield f'<path class="grid" d="M{LEFT} {y}H{WIDTH - RIGHT}"/>'
        yield f'<text class="tick end" x="{LEFT - 6}" y="{y + 4}">{text_of(figure(tick, 4))}</text>'


def labels_below(names: Sequence[Any], across: ChartScale | None) -> Iterator[str]:
    """Yield the numbers or names below the picture."""
    y = HEIGHT - BOTTOM + 18
    if across is not None:
        ticks = names if len(names) <= TOLD_APART else across.ticks()
        for place_of_tick, tick in apart(sorted(ticks), across):
            yield f'<text class="tick" x="{place_of_tick}" y="{y}">{text_of(figure(tick, 4))}</text>'
        return
    for index, name in enumerate(names):
        x = middle_of(index, len(names))
        short = str(name) if len(str(name)) <= 14 else str(name)[:13] + "\N{HORIZONTAL ELLIPSIS}"
        turned = f' transform="rotate(-20 {x} {y})"' if len(names) > 4 else ""
        kind = "tick end" if turned else "tick"
        yield f'<text class="{kind}" x="{x}" y="{y}"{turned}>{text_of(short)}</text>'


def apart(ticks: Sequence[float], across: ChartScale) -> Iterator[tuple[float, float]]:
    """Yield the places of ticks and the ticks, those left out whose number would touch the one before."""
    last = -math.inf
    for tick in ticks:
        if across.at(tick) - last >= ROOM:
            last = across.at(tick)
            yield last, tick


def middle_of(index: int, count: int) -> float:
    """Return the middle of one of several equal stretches."""
    return round(LEFT + (WIDTH - LEFT - RIGHT) * (index + 0.5) / count, 2)


def line_marks(one: Series, across: ChartScale, up: ChartScale, kind: str) -> Iterator[str]:
    """Yield a line with a dot at each place, and the intervals."""
    points = [
        (across.at(at), up.at(value.mean))
        for at, value in zip(one.places, one.values, strict=True)
        if is_plain(value.mean)
    ]
    yield f'<path class="line {kind}" d="M{" L".join(f"{x} {y}" for x, y in points)}"/>' if points else ""
    yield from (f'<circle class="dot {kind}" cx="{x}" cy="{y}" r="3.5"/>' for x, y in points)
    for at, value in zip(one.places, one.values, strict=True):
        yield whisker(across.at(at), value, up, f"line thin {kind}")


def bar_marks(one: Series, names: Sequence[Any], index: int, count: int, up: ChartScale, kind: str) -> Iterator[str]:
    """Yield a bar at each name, beside those of other series, and the intervals."""
    stretch = (WIDTH - LEFT - RIGHT) / len(names)
    width = round(stretch * 0.8 / count, 2)
    for at, value in zip(one.places, one.values, strict=True):
        if not is_plain(value.mean):
            continue
        x = round(middle_of(names.index(at), len(names)) + stretch * 0.8 * ((index + 0.5) / count - 0.5), 2)
        top, base = sorted((up.at(value.mean), up.at(0.0)))
        height = round(max(base - top, 0.5), 2)
        yield f'<rect class="bar {kind}" x="{round(x - width / 2, 2)}" y="{top}" width="{width}" height="{height}"/>'
        yield whisker(x, value, up, "whisker")


def whisker(x: float, value: Any, up: ChartScale, kind: str) -> str:
    """Return the interval of a value as a stroke."""
    if not is_plain(value.low) or not is_plain(value.high) or (up.logarithmic and value.low <= 0):
        return ""
    return f'<path class="{kind}" d="M{x} {up.at(value.low)}V{up.at(value.high)}"/>'
