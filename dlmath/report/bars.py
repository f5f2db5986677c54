"""Bars and histograms for a terminal."""

from __future__ import annotations

import math
import sys
from itertools import pairwise
from typing import TYPE_CHECKING, TypeAlias

from dlmath.report.canvas import (
    AXIS_STYLE,
    LINE_STYLE,
    finished,
    number,
    position,
    power_of_ten,
    scaled,
    tick_texts,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dlmath.report.blocks import Line, Span

    Spans: TypeAlias = tuple[Span, ...]
    Dots: TypeAlias = set[tuple[int, int]]
    Range: TypeAlias = tuple[float, float]

EIGHTHS = ("", "▏", "▎", "▍", "▌", "▋", "▊", "▉")


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
