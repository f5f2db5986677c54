"""What can be said of a whole ensemble: a success rate with its uncertainty, and how long learning took.

No array library: the perceptron, which needs none, reports through it too.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Z_95 = 1.959963984540054  # the normal quantile at 0.975


def wilson_interval(successes: int, trials: int, z: float = Z_95) -> tuple[float, float]:
    """Return the score interval of a proportion (Wilson 1927), 95 % unless `z` says otherwise.

    (p + z^2/2n -+ z sqrt(p (1 - p)/n + z^2/4n^2)) / (1 + z^2/n); without trials it is (0, 1).

    Examples
    --------
    >>> [round(end, 4) for end in wilson_interval(83, 100)]
    [0.7445, 0.8911]
    """
    if trials == 0:
        return 0.0, 1.0
    rate = successes / trials
    centre = rate + z * z / (2 * trials)
    spread = z * math.sqrt(rate * (1 - rate) / trials + z * z / (4 * trials * trials))
    scale = 1 + z * z / trials
    low = 0.0 if successes == 0 else (centre - spread) / scale
    high = 1.0 if successes == trials else (centre + spread) / scale
    return low, high


class EpochSummary(NamedTuple):
    """How many epochs the networks needed that learned."""

    min: int
    median: float
    p90: float
    max: int


def summarise_epochs(epochs: Iterable[int]) -> EpochSummary | None:
    """Return the summary of one entry a network that learned; None when there is none.

    Quantiles are interpolated linearly.

    Examples
    --------
    >>> summarise_epochs([3, 1, 2, 4])
    EpochSummary(min=1, median=2.5, p90=3.7, max=4)
    """
    ordered = sorted(int(epoch) for epoch in epochs)
    if not ordered:
        return None
    return EpochSummary(ordered[0], quantile(ordered, 0.5), quantile(ordered, 0.9), ordered[-1])


def quantile(ordered: Sequence[int], share: float) -> float:
    """Return the quantile of sorted numbers, interpolated linearly between the two nearest."""
    place = share * (len(ordered) - 1)
    low = math.floor(place)
    high = min(low + 1, len(ordered) - 1)
    return round(ordered[low] + (place - low) * (ordered[high] - ordered[low]), 9)
