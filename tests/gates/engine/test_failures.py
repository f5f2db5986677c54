"""The classes of failed runs."""

from __future__ import annotations

import numpy as np
import pytest

from dlmath.gates.engine.failures import NAMES, classify

HALF, THIRD = 1 / 2, 1 / 3


@pytest.mark.parametrize(
    ("outputs", "name"),
    [
        ((0, HALF, 1, HALF), "half"),
        ((0.5, 0.98, 0.51, 0.02), "half"),
        ((HALF,) * 4, "half"),
        ((0, 2 * THIRD, 2 * THIRD, 2 * THIRD), "thirds"),
        ((0.31, 0.99, 0.35, 0.36), "thirds"),
        ((0, 1, 1, 1), "other"),
        ((0.25, 0.5, 1, 0), "other"),
        ((np.nan, 0, 1, 0), "other"),
    ],
)
def test_patterns_of_outputs(outputs, name):
    array = np.array(outputs, float).reshape(-1, 1, 1)
    no = np.array([False])
    assert NAMES[classify(array, no, no)[0]] == name
    assert NAMES[classify(array, ~no, no)[0]] == "dead"
    assert NAMES[classify(array, ~no, ~no)[0]] == "diverged"


def test_several_outputs_and_no_network_at_all():
    outputs = np.full((4, 2, 3), 0.5)
    outputs[0, 1, 2] = 0.2
    no = np.zeros(3, bool)
    assert [NAMES[i] for i in classify(outputs, no, no)] == ["half", "half", "other"]
    assert classify(np.zeros((4, 1, 0)), no[:0], no[:0]).shape == (0,)
