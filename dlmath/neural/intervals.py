"""The uncertainty of a mean over few repeats: Student's t, from its density, without a table."""

from __future__ import annotations

import math
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

CONFIDENCE = 0.95
STEPS = 2000
"""Even number of stretches of Simpson's rule: relative error below 1e-9 up to the quantiles asked for."""


class Spread(NamedTuple):
    """A mean, how many values it is of, and its 95 % interval; a single value stays as it is and has none."""

    mean: float
    runs: int
    low: float | None
    high: float | None


def spread(values: Sequence[float]) -> Spread:
    """Return the mean of values with its Student interval: mean +- t s / sqrt(n).

    Examples
    --------
    >>> found = spread([1.0, 2.0, 3.0])
    >>> round(found.mean, 4), round(found.low, 4), round(found.high, 4)
    (2.0, -0.4841, 4.4841)
    """
    count = len(values)
    if count == 1:
        return Spread(values[0], count, None, None)
    mean = math.fsum(values) / count
    if not math.isfinite(mean):
        return Spread(mean, count, None, None)
    variance = math.fsum((value - mean) ** 2 for value in values) / (count - 1)
    half = t_quantile(count - 1) * math.sqrt(variance / count)
    return Spread(mean, count, mean - half, mean + half)


@cache
def t_quantile(freedom: int, confidence: float = CONFIDENCE) -> float:
    """Return t with P(|T| <= t) = confidence for Student's distribution, by bisection.

    >>> [round(t_quantile(n), 4) for n in (1, 2, 9, 1000)]
    [12.7062, 4.3027, 2.2622, 1.9623]
    """
    low, high = 0.0, math.pi / 2
    for _ in range(60):
        middle = (low + high) / 2
        if central_share(middle, freedom) < confidence:
            low = middle
        else:
            high = middle
    return math.sqrt(freedom) * math.tan(low)


def central_share(angle: float, freedom: int) -> float:
    """Return P(|T| <= sqrt(n) tan(angle)): with t = sqrt(n) tan(u) the density is cos(u)^(n-1), which is smooth."""
    constant = math.exp(math.lgamma((freedom + 1) / 2) - math.lgamma(freedom / 2)) / math.sqrt(math.pi)
    width = angle / STEPS
    heights = [math.cos(index * width) ** (freedom - 1) for index in range(STEPS + 1)]
    simpson = heights[0] + heights[-1] + 4 * sum(heights[1:-1:2]) + 2 * sum(heights[2:-1:2])
    return 2 * constant * simpson * width / 3
