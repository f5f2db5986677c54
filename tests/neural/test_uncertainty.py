"""Published and exact values of the summaries."""

from __future__ import annotations

import numpy as np
import pytest

from dlmath.neural.uncertainty import summarise_epochs, wilson_interval


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [
        (81, 263, 0.2553, 0.3662),  # Newcombe 1998, table I, method 3
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_interval_is_the_published_one(successes, trials, low, high):
    assert wilson_interval(successes, trials) == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))


def test_wilson_interval_at_its_ends():
    assert wilson_interval(0, 0) == (0, 1)
    assert wilson_interval(10, 10)[1] == 1
    low, high = wilson_interval(3, 10)
    assert wilson_interval(7, 10) == (pytest.approx(1 - high), pytest.approx(1 - low))


def test_epochs_are_summarised():
    assert summarise_epochs(np.array([], np.int64)) is None
    summary = summarise_epochs(np.arange(1, 102))
    assert summary is not None
    assert (summary.min, summary.median, summary.p90, summary.max) == (1, 51, 91, 101)
