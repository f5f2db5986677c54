"""The census, held to the literature, to the exact one-function engine, and to its own sums."""

from __future__ import annotations

from itertools import product

import pytest

from dlmath.errors import InvalidValueError
from dlmath.gates.engine.census import census, fates
from dlmath.gates.engine.gates import truth_table_inputs
from dlmath.gates.engine.perceptron import perceptron, train

PERIODS_OF_4 = (38778, 12008, 6164, 2854, 1812, 918, 524, 272, 132, 122, 32, 24, 8, 2, 2, 2)


# OEIS A000609: threshold functions of n variables.
@pytest.mark.parametrize(("n", "separable"), [(1, 4), (2, 14), (3, 104), (4, 1882)])
def test_separable_functions_are_as_many_as_published(n, separable):
    found = census(n)
    assert (found.functions, found.separable) == (2**2**n, separable)
    assert found.separable + sum(found.periods.values()) == found.functions


# Findings TRAINING.md section 4.
def test_periods_and_extremes_are_as_measured_before():
    three, four = census(3), census(4)
    assert (three.max_epochs, three.max_updates, three.periods) == (12, 30, {1: 120, 2: 24, 3: 4, 5: 4})
    assert (four.max_epochs, four.max_updates) == (38, 108)
    assert four.periods == dict(enumerate(PERIODS_OF_4, start=1))


def one_by_one(rows, targets):
    run = train(perceptron(rows, targets))
    return (run.epochs, run.updates, 0) if run.learned else (0, 0, run.cycle.length)


@pytest.mark.parametrize("n", [1, 2, 3])
def test_each_function_ends_as_it_does_alone(n):
    end = fates(n)
    rows = truth_table_inputs(n)
    alone = [one_by_one(rows, targets) for targets in product((0, 1), repeat=2**n)]
    assert [end.epochs.tolist(), end.updates.tolist(), end.periods.tolist()] == [
        list(v) for v in zip(*alone, strict=True)
    ]


def test_a_sample_of_four_inputs_ends_as_it_does_alone():
    end = fates(4)
    rows = truth_table_inputs(4)
    for k in range(0, 2**16, 997):
        targets = [int(bit) for bit in f"{k:016b}"]
        assert (end.epochs[k], end.updates[k], end.periods[k]) == one_by_one(rows, targets)


@pytest.mark.parametrize("n", [0, 5, -1])
def test_other_numbers_of_inputs_are_refused(n):
    with pytest.raises(InvalidValueError, match=rf"census of {n} inputs.*1 to 4.*2\^32"):
        census(n)
