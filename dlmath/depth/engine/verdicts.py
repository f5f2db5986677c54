"""What a measured network is called: whether its gradient vanishes, and whether its early layers learn."""

from __future__ import annotations

import math

STABLE_DECADES = 1.0
VERDICT_RULE = (
    "stable while the gradient's norm at the input is within a factor 10 of that at the output; below it vanishing, "
    "above it exploding; dead where every gradient is 0"
)
LEARNING_RULE = (
    "even while the weight gradients of the first layer and of the last are within a factor 10 of each other; "
    "early-slow where the first layer's is smaller, late-slow where it is larger"
)
SURE = 2.0
"""A verdict is certain where so many standard errors lie between the figure and the border."""


def verdict_of(log10_gradient: float) -> str:
    """Return what a total factor of 10^log10_gradient, input side over output side, is called.

    Examples
    --------
    >>> verdict_of(-628), verdict_of(0.4), verdict_of(3), verdict_of(-math.inf)
    ('vanishing', 'stable', 'exploding', 'dead')
    """
    if log10_gradient == -math.inf:
        return "dead"
    if abs(log10_gradient) <= STABLE_DECADES:
        return "stable"
    return "exploding" if log10_gradient > 0 else "vanishing"


def learning_verdict(log10_ratio: float) -> str:
    """Return how the first layer learns beside the last, from log10 of the ratio of their weight gradients.

    Examples
    --------
    >>> learning_verdict(-11.7), learning_verdict(0.1), learning_verdict(3)
    ('early-slow', 'even', 'late-slow')
    """
    if abs(log10_ratio) <= STABLE_DECADES:
        return "even"
    return "late-slow" if log10_ratio > 0 else "early-slow"


def is_certain(log10: float, error: float) -> bool | None:
    """Return whether log10_gradient is `SURE` standard errors from the nearest border; None where no error is known."""
    if not math.isfinite(log10):
        return True
    if math.isnan(error):
        return None
    return min(abs(log10 - border) for border in (-STABLE_DECADES, STABLE_DECADES)) > SURE * error
