"""When a network has learned: the figure of every lane against the definition, and what stands in the way of it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlmath.errors import InvalidValueError
from dlmath.gates.engine.criteria import KINDS, parse_until
from dlmath.gates.engine.layers import run
from dlmath.gates.engine.levels import target_levels
from dlmath.gates.engine.obstacles import ObstacleQuestion, contradictions, find_obstacle
from dlmath.neural.architecture import Architecture

SPECS = ["tolerance:0.3", "sse:0.7", "side"]
values = st.floats(-2, 2, width=32).map(lambda value: round(value, 3))
tables = st.integers(1, 4).flatmap(
    lambda rows: st.tuples(
        st.lists(st.lists(values, min_size=2, max_size=2), min_size=rows, max_size=rows),
        st.lists(st.lists(st.sampled_from([-1.0, 1.0]), min_size=2, max_size=2), min_size=rows, max_size=rows),
    )
)


def by_definition(spec, outputs, targets):
    """Tell whether a table is learned, number by number."""
    pairs = [(o, t) for row, wanted in zip(outputs, targets, strict=True) for o, t in zip(row, wanted, strict=True)]
    if spec == "side":
        return all(o * t > 0 for o, t in pairs)  # the midpoint of -1 and 1 is 0
    if spec.startswith("sse"):
        return sum((o - t) ** 2 for o, t in pairs) < 0.7
    return all(abs(o - t) <= 0.3 for o, t in pairs)


@pytest.mark.parametrize("unit", [1.0, 0.5])
@pytest.mark.parametrize("spec", SPECS)
@given(tables)
def test_the_figure_of_a_lane_says_what_the_definition_says(spec, unit, table):
    outputs, targets = (np.array(rows) for rows in table)
    criterion = parse_until(spec)
    errors = ((outputs - targets) / unit)[:, :, None].repeat(8, axis=2)
    figure = np.empty(8)
    run(criterion.plan(errors, figure, targets, unit))
    met = bool(figure[0] <= criterion.limit(unit, np.dtype(np.float64)))
    expected = by_definition(spec, outputs.tolist(), targets.tolist())
    # A sum of squares within a few roundings of the limit may fall on either side
    near = spec.startswith("sse") and abs(np.square(outputs - targets).sum() - 0.7) < 1e-12
    near = near or (spec.startswith("tol") and (np.abs(np.abs(outputs - targets) - 0.3) < 1e-12).any())
    assert near or met == criterion.met(outputs, targets) == expected


@pytest.mark.parametrize("spec", SPECS)
def test_nan_meets_no_criterion(spec):
    outputs, targets = np.array([[np.nan], [1.0]]), np.array([[-1.0], [1.0]])
    assert not parse_until(spec).met(outputs, targets)
    assert parse_until(spec).met_rows(outputs, targets).tolist() == [False, True]


def test_every_kind_has_a_usage_that_is_read():
    assert {parse_until(usage.replace(":T", ":0.2").replace(":E", ":0.3")).name for usage in
            (kind.usage for kind in KINDS.values())} == set(KINDS)  # fmt: skip


@pytest.mark.parametrize(
    "spec", ["tolerance:0", "tolerance:-1", "tolerance:inf", "sse:nan", "sse", "side:1", "within:1"]
)
def test_wrong_criteria_are_named(spec):
    with pytest.raises(InvalidValueError, match="--until"):
        parse_until(spec)


def test_sides_need_two_levels():
    with pytest.raises(InvalidValueError, match="two levels"):
        parse_until("side").check_suits(np.array([[0.0], [0.5], [1.0]]))


# ---------------------------------------------------------------- levels


@pytest.mark.parametrize(
    ("targets", "low", "high"),
    [
        ([[0], [1]], [0], [1]),
        ([[1], [1]], [0], [1]),  # a gate that is always 1 is coded 0 and 1 all the same
        ([[-1], [-1]], [-1], [1]),
        ([[3], [7]], [3], [7]),
        ([[0.01, 0.99]], [0.01, 0.01], [0.99, 0.99]),
        ([[0, -1], [1, 1]], [0, -1], [1, 1]),
    ],
)
def test_levels_of_targets(targets, low, high):
    levels = target_levels(np.array(targets, float))
    assert levels is not None
    assert (levels.low.tolist(), levels.high.tolist()) == (low, high)


def test_three_values_are_no_two_levels():
    assert target_levels(np.array([[0.0], [1], [2]])) is None
    assert target_levels(np.array([[5.0], [5]])) is None


# ---------------------------------------------------------------- obstacles, at the border of their proofs


def question(inputs, targets, spec, hidden=(), activation="sigmoid", output="sigmoid", *, biased=True):
    inputs, targets = np.array(inputs, float), np.array(targets, float)
    sizes = (inputs.shape[1], *hidden, targets.shape[1])
    architecture = Architecture.uniform(sizes, activation, output, "neuron" if biased else "none")
    return ObstacleQuestion(architecture, inputs, targets, parse_until(spec), biased)


SQUARE = [[0, 0], [0, 1], [1, 0], [1, 1]]
XOR, OR, NOR = [[0], [1], [1], [0]], [[0], [1], [1], [1]], [[1], [0], [0], [0]]
FOUND = [
    (question(SQUARE, XOR, "tolerance:0.49"), "inseparable"),
    (question(SQUARE, XOR, "tolerance:0.5"), None),
    (question(SQUARE, XOR, "sse:0.25"), "inseparable"),
    (question(SQUARE, XOR, "sse:1.1"), None),
    (question(SQUARE, XOR, "side", (3,), "linear"), "inseparable"),
    (question(SQUARE, XOR, "side", (3,), "tanh"), None),
    (question(SQUARE, OR, "tolerance:0.1", biased=False), "unbiased"),
    (question(SQUARE, OR, "tolerance:0.6", biased=False), None),
    (question(SQUARE, OR, "side", biased=False), "unbiased"),
    (question(SQUARE, OR, "sse:0.3", biased=False), None),
    (question(SQUARE, OR, "sse:0.2", biased=False), "unbiased"),
    (question(SQUARE, OR, "side", (3,), "tanh", biased=False), "unbiased"),
    (question(SQUARE, OR, "side", (3,), "sigmoid", biased=False), None),
    (question(SQUARE, NOR, "side"), None),
    (question([[-1, -1], [-1, 1], [1, -1], [1, 1]], NOR, "side", biased=False), "unbiased"),
    (question([[-2], [2]], [[0], [1]], "side", biased=False), None),
    (question([[-2], [2]], [[1], [1]], "side", biased=False), "unbiased"),
    (question([[1], [1]], [[0], [1]], "tolerance:0.1", (4,)), "other"),
    (question([[1], [1]], [[0], [1]], "tolerance:0.5", (4,)), None),
    (question([[1], [2]], [[-1], [1]], "tolerance:0.1", (4,)), "other"),
    (question([[1], [2]], [[-1], [1]], "tolerance:0.1", (4,), output="tanh"), None),
    (question([[1], [2]], [[-1], [1]], "tolerance:1", (4,)), None),
]


@pytest.mark.parametrize(("asked", "name"), FOUND)
def test_obstacles_are_found_where_they_are_and_only_there(asked, name):
    obstacle = find_obstacle(asked)
    assert (obstacle.name if obstacle else None) == name


def test_contradictions_see_minus_zero_as_zero():
    assert list(contradictions(np.array([[0.0], [-0.0], [1]]), np.array([[1.0], [0], [1]]))) == [(0, 1)]
