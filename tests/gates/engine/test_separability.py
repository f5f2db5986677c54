"""Laws of the separability test: either answer carries a proof, and the proof is checked here by hand."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from math import inf, isclose, sqrt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlmath.errors import InvalidValueError, ShapeError
from dlmath.gates.engine.gates import parse_gate, truth_table_inputs
from dlmath.gates.engine.separability import (
    check_certificate,
    exact,
    nearest_point,
    nearest_row,
    separate,
)

laws = settings(derandomize=True, deadline=None, max_examples=60)
vectors = st.integers(1, 4).flatmap(lambda n: st.lists(st.tuples(*[st.integers(-4, 4)] * n), min_size=1, max_size=9))
problems = vectors.flatmap(lambda rows: st.tuples(st.just(rows), st.tuples(*[st.integers(0, 1)] * len(rows))))


def fires(weights, offset, row):
    return int(sum(w * x for w, x in zip(weights, row, strict=True)) + (offset or 0) > 0)


def column(gate):
    return [row[0] for row in gate.targets]


def prove(rows, targets, *, bias):
    """Check whichever proof came; one of the two always holds, so nothing else need be believed."""
    answer = separate(rows, targets, bias=bias)
    if answer.separable:
        assert [fires(answer.weights, answer.bias, row) for row in rows] == list(targets)
        assert answer.certificate is None
    else:
        signed = [
            [y * (2 * t - 1) * x for x in (*row, *([1] if bias else []))]
            for y, t, row in zip(answer.certificate, targets, rows, strict=True)
        ]
        assert min(answer.certificate) >= 0
        assert any(y and t for y, t in zip(answer.certificate, targets, strict=True))
        assert not any(sum(values) for values in zip(*signed, strict=True))
        assert answer.weights is None
        assert check_certificate(rows, targets, answer.certificate, bias=bias)
    return answer


@laws
@given(problems, st.booleans())
def test_every_answer_is_proved(problem, bias):
    prove(*problem, bias=bias)


@laws
@given(problems, st.booleans())
def test_the_answer_does_not_depend_on_scale_or_order(problem, bias):
    rows, targets = problem
    answer = separate(rows, targets, bias=bias)
    backwards = separate(rows[::-1], targets[::-1], bias=bias)
    assert (backwards.separable, backwards.gamma_squared) == (answer.separable, answer.gamma_squared)
    if not bias:
        tenth = separate([[x / 10 for x in row] for row in rows], targets, bias=False)
        assert tenth.gamma_squared == answer.gamma_squared / 100
        assert tenth.bound == answer.bound


@laws
@given(problems, st.lists(st.integers(-9, 9), min_size=5, max_size=5).filter(any))
def test_gamma_is_attained_and_no_unit_vector_beats_it(problem, other):
    rows, targets = problem
    answer = separate(rows, targets)
    signed = [[(2 * t - 1) * x for x in (*row, 1)] for row, t in zip(rows, targets, strict=True)]

    def margin(w):
        return min(sum(a * b for a, b in zip(w, y, strict=False)) for y in signed) / sqrt(sum(a * a for a in w))

    if answer.separable:
        assert isclose(margin([*answer.weights, answer.bias]), answer.margin, rel_tol=1e-12)
        assert answer.margin > 0
        w = other[: len(signed[0])]
        assert not any(w) or margin(w) <= answer.margin + 1e-12


# The margins of findings TRAINING.md section 4: distance of the augmented, signed hull from 0 (Novikoff 1962).
@pytest.mark.parametrize(
    ("name", "gamma_squared", "bound"), [("and", 17, 51), ("nand", 17, 51), ("or", 9, 27), ("nor", 9, 27)]
)
def test_published_bounds_of_the_basic_gates(name, gamma_squared, bound):
    gate = parse_gate(name)
    answer = separate(gate.inputs, column(gate))
    assert (answer.gamma_squared, answer.radius_squared, answer.bound) == (Fraction(1, gamma_squared), 3, bound)
    coded = separate(gate.recode("pm1").inputs, column(gate))
    assert (coded.gamma_squared, coded.radius_squared, coded.bound) == (Fraction(1, 3), 3, 9)


# OEIS A000609, threshold functions of n variables: 4, 14, 104.
@pytest.mark.parametrize(("n", "separable"), [(1, 4), (2, 14), (3, 104)])
def test_all_functions_are_counted_and_proved(n, separable):
    rows = truth_table_inputs(n)
    assert sum(prove(rows, t, bias=True).separable for t in product((0, 1), repeat=2**n)) == separable


@pytest.mark.parametrize("coding", ["01", "pm1"])
@pytest.mark.parametrize("bias", [True, False])
def test_small_weights_find_the_same_functions(coding, bias):
    """Even weights with odd biases, and ties on lines through the origin: two inputs need no more."""
    rows = parse_gate("and").recode(coding).inputs
    offsets = range(-5, 6) if bias else [0]
    found = {
        tuple(fires((2 * a, 2 * b), c, row) for row in rows) for a, b, c in product(range(-1, 2), range(-1, 2), offsets)
    } | {tuple(fires((a, b), 0, row) for row in rows) for a, b in product(range(-2, 3), repeat=2)}
    answers = {t for t in product((0, 1), repeat=4) if separate(rows, t, bias=bias).separable}
    assert answers == found


def test_xor_is_refuted_by_its_four_rows():
    rows = truth_table_inputs(2)
    for name in ("xor", "xnor"):
        answer = separate(rows, column(parse_gate(name)))
        assert (answer.certificate, answer.gamma_squared, answer.bound) == ((1, 1, 1, 1), 0, None)


@pytest.mark.parametrize(
    ("rows", "targets", "separable", "certificate"),
    [
        ([(1,), (-1,)], [0, 0], True, None),  # learned by w = 0: a row of target 0 may lie on the line
        ([(1,), (-1,)], [1, 1], False, (1, 1)),
        ([(0, 0), (1, 1)], [0, 1], True, None),  # a row of zeros answers 0 whatever the weights
        ([(0, 0), (1, 1)], [1, 1], False, (1, 0)),
        ([(2, 0), (-2, 0), (1, 1)], [0, 0, 1], True, None),  # only (0, b) will do: Gordan's hull contains 0
        ([(2, 0), (-2, 0), (1, 0)], [0, 0, 1], False, None),
        ([(3, 5), (3, 5)], [0, 1], False, (1, 1)),
    ],
)
def test_without_a_bias_motzkin_decides(rows, targets, separable, certificate):
    answer = prove(rows, targets, bias=False)
    assert answer.separable is separable
    assert certificate is None or answer.certificate == certificate


def test_a_row_of_zeros_that_is_never_wrong_does_not_spoil_the_bound():
    answer = prove(truth_table_inputs(2), [0, 1, 1, 1], bias=False)
    assert (answer.gamma_squared, answer.radius_squared, answer.bound) == (Fraction(1, 2), 2, 4)


def test_and_has_no_line_through_the_origin():
    answer = prove(truth_table_inputs(2), [0, 0, 0, 1], bias=False)
    assert answer.certificate == (0, 1, 1, 1)


@pytest.mark.parametrize("counts", [(1, 1, 1), (-1, -1, -1, -1), (0, 0, 0, 0), (1, 0, 0, 1)])
def test_a_false_certificate_is_refused(counts):
    assert not check_certificate(truth_table_inputs(2), [0, 1, 1, 0], counts)


@pytest.mark.parametrize("gate", ["parity:10", "majority:9", "and:10"])
@pytest.mark.parametrize("coding", ["01", "pm1"])
def test_the_largest_gates_are_proved(gate, coding):
    made = parse_gate(gate).recode(coding)
    assert prove(made.inputs, column(made), bias=True).separable is (gate != "parity:10")


@laws
@given(vectors)
def test_the_nearest_point_of_a_hull_meets_wolfes_condition(rows):
    nearest = nearest_point(rows, [1] * len(rows))
    p = [Fraction(value, nearest.denominator) for value in nearest.vector]
    assert all(sum(a * b for a, b in zip(p, y, strict=True)) >= nearest.norm_squared for y in rows)
    total = sum(nearest.counts)
    combined = [
        Fraction(sum(c * v for c, v in zip(nearest.counts, values, strict=True)), total)
        for values in zip(*rows, strict=True)
    ]
    assert combined == p


@laws
@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_float_is_its_decimal_value(value):
    assert float(exact(value)) == value
    assert exact(value) == Fraction(repr(value))


def test_margins_beyond_the_squares_of_floats():
    far, near = separate([(1e200,), (-1e200,)], [1, 0]), nearest_row([(1e-200,)], (1,))
    assert far.separable
    assert isclose(far.margin, 1e200)
    assert near.distance == 1e-200


def test_the_nearest_row_of_a_line():
    nearest = nearest_row(truth_table_inputs(2), (2, 2), -3)
    assert (nearest.row, nearest.distance_squared) == (1, Fraction(1, 8))
    assert isclose(nearest.distance, 1 / sqrt(8))
    assert nearest_row([(1, 2)], (0, 0), 1) is None


@pytest.mark.parametrize(
    ("rows", "targets", "error", "match"),
    [
        ([], [], ShapeError, "no inputs"),
        ([()], [1], ShapeError, "no inputs"),
        ([(1, 2), (3,)], [0, 1], ShapeError, "row 2 has 1 inputs and row 1 has 2"),
        ([(1,), (2,)], [0], ShapeError, "1 targets for 2 rows"),
        ([(1,), (2,)], [0, 0.5], InvalidValueError, "row 2 is 0.5"),
        ([(inf,)], [0], InvalidValueError, "inf is not a finite number"),
    ],
)
def test_bad_rows_are_named(rows, targets, error, match):
    with pytest.raises(error, match=match):
        separate(rows, targets)
    with pytest.raises(ShapeError, match="1 weights do not fit rows of 2"):
        nearest_row([(1, 2)], (1,))
