"""Laws of Rosenblatt's rule, held to a textbook loop, published runs and the convergence theorem."""

from __future__ import annotations

from fractions import Fraction
from itertools import islice, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlmath.errors import InvalidValueError, ShapeError
from dlmath.gates.engine.gates import parse_gate, truth_table_inputs
from dlmath.gates.engine.perceptron import Cycle, perceptron, steps, train
from dlmath.gates.engine.separability import check_certificate, separate

laws = settings(derandomize=True, deadline=None, max_examples=60)
vectors = st.integers(1, 3).flatmap(lambda n: st.lists(st.tuples(*[st.integers(-3, 3)] * n), min_size=1, max_size=6))
problems = vectors.flatmap(lambda rows: st.tuples(st.just(rows), st.tuples(*[st.integers(0, 1)] * len(rows))))
rules = st.sampled_from(["online", "full"])


def column(gate):
    return [row[0] for row in gate.targets]


def unit_of(name, coding="01", **options):
    gate = parse_gate(name).recode(coding)
    return perceptron(gate.inputs, column(gate), **options)


def textbook(rows, targets, start, rate, batch, epochs):
    """The rule as it is printed, in fractions and with every state kept: the weights after each epoch."""
    w, states = list(start), [tuple(start)]
    for _ in range(epochs):
        seen = list(w)
        for row, target in zip(rows, targets, strict=True):
            x = [*row, 1]
            output = int(sum(a * b for a, b in zip(seen if batch == "full" else w, x, strict=True)) > 0)
            w = [a + rate * (target - output) * b for a, b in zip(w, x, strict=True)]
        states.append(tuple(w))
    return states


# Findings TRAINING.md section 4: rows 00, 01, 10, 11, zero weights, rate 1, z > 0 fires.
@pytest.mark.parametrize(
    ("gate", "coding", "epochs", "updates", "weights"),
    [
        ("and", "01", 6, 10, (2, 1, -2)),
        ("or", "01", 4, 4, (1, 1, 0)),
        ("nand", "01", 6, 11, (-2, -1, 3)),
        ("nor", "01", 4, 5, (-1, -1, 1)),
        ("and", "pm1", 3, 3, (1, 1, -1)),
        ("or", "pm1", 3, 3, (1, 1, 1)),
        ("nand", "pm1", 2, 1, (-1, -1, 1)),
        ("nor", "pm1", 2, 3, (-1, -1, -1)),
    ],
)
def test_published_runs(gate, coding, epochs, updates, weights):
    run = train(unit_of(gate, coding))
    assert (run.stopped, run.epochs, run.updates, (*run.weights, run.bias)) == ("learned", epochs, updates, weights)
    assert run.history.errors[-1] == 0
    assert sum(run.history.errors) == updates


def test_xor_comes_back_every_epoch_from_epoch_2():
    run = train(unit_of("xor"))
    assert (run.learned, run.stopped, run.cycle) == (False, "cycle", Cycle(2, 1))
    assert (*run.weights, run.bias) == (-1, 0, 1)
    assert run.certificate == (1, 1, 1, 1)


@pytest.mark.parametrize(("coding", "other"), [("01", (1, 1, 2)), ("pm1", (0, 0, 2))])
def test_batch_xor_alternates_between_two_wrong_answers(coding, other):
    run = train(unit_of("xor", coding, batch="full"))
    assert run.cycle == Cycle(0, 2)
    assert run.history.states == ((0, 0, 0), other, (0, 0, 0))


@pytest.mark.parametrize("n", range(2, 7))
def test_parity_has_period_one_from_epoch_two(n):
    run = train(unit_of(f"parity:{n}"))
    assert run.cycle == Cycle(2, 1)


@pytest.mark.parametrize(("coding", "longest"), [("01", 20), ("pm1", 8)])
def test_xor_has_period_one_from_any_start(coding, longest):
    gate = parse_gate("xor").recode(coding)
    starts = list(product(range(-6, 7, 3), repeat=3))
    cycles = [
        train(perceptron(gate.inputs, column(gate), weights=start[:2], starting_bias=start[2])).cycle
        for start in starts
    ]
    assert {cycle.length for cycle in cycles} == {1}
    assert max(cycle.start for cycle in cycles) <= longest


@laws
@given(problems, rules, st.fractions(Fraction(1, 9), 9, max_denominator=9), st.data())
def test_the_run_is_the_textbook_loop(problem, batch, rate, data):
    rows, targets = problem
    number = st.fractions(-2, 2, max_denominator=6)
    start = data.draw(st.tuples(*[number] * (len(rows[0]) + 1)))
    unit = perceptron(rows, targets, batch=batch, learning_rate=rate, weights=start[:-1], starting_bias=start[-1])
    run = train(unit, epochs=40)
    states = textbook(rows, targets, start, rate, batch, run.epochs)
    assert (*run.weights, run.bias) == states[-1]
    assert run.history.states == tuple(states)


@laws
@given(problems, rules, st.booleans())
def test_the_cycle_is_the_first_state_met_twice(problem, batch, bias):
    run = train(perceptron(*problem, batch=batch, bias=bias), epochs=200)
    states = run.history.states
    if run.cycle and run.epochs <= 100:
        assert states.index(states[-1]) == run.cycle.start
        assert len(set(states)) == len(states) - 1
        assert run.epochs == sum(run.cycle)
    elif run.stopped == "learned" and len(states) <= 100:
        assert len(set(states)) == len(states) - 1  # the last epoch changes nothing, and no other repeats


@laws
@given(problems, rules)
def test_what_the_run_shows_agrees_with_the_exact_answer(problem, batch):
    rows, targets = problem
    run, answer = train(perceptron(rows, targets, batch=batch), epochs=200), separate(rows, targets)
    if run.learned:
        assert answer.separable
        assert run.outputs == targets
    if run.stopped == "cycle":
        assert not answer.separable
        assert check_certificate(rows, targets, run.certificate)


@laws
@given(problems, st.booleans(), st.fractions(Fraction(1, 9), 9, max_denominator=9))
def test_novikoff_bounds_the_updates(problem, bias, rate):
    bound = separate(*problem, bias=bias).bound
    if bound is not None:
        run = train(perceptron(*problem, bias=bias, learning_rate=rate), epochs=bound + 1)
        assert run.stopped == "learned"
        assert run.updates <= bound


@laws
@given(problems, rules)
def test_the_steps_tell_the_same_run(problem, batch):
    rows, targets = problem
    unit = perceptron([[x / 4 for x in row] for row in rows], targets, batch=batch, learning_rate=0.3)
    run = train(unit, epochs=20)
    told = list(steps(unit, run.epochs))
    wrong = [step for step in told if step.error]
    assert run.updates == (len(wrong) if batch == "online" else len({step.epoch for step in wrong}))
    assert told[-1].after == (*run.weights, run.bias)
    for step in told:
        x = (*(Fraction(value, 4) for value in rows[step.row]), 1)
        assert (*step.x, 1) == x
        assert step.z == sum(w * value for w, value in zip(step.before, x, strict=True))
        assert step.output == (step.z > 0)
        if batch == "online":
            assert step.after == tuple(
                w + Fraction(3, 10) * step.error * v for w, v in zip(step.before, x, strict=True)
            )


def test_steps_of_xor_never_end_and_those_of_and_do():
    assert sum(1 for _ in islice(steps(unit_of("xor")), 1000)) == 1000
    assert sum(1 for _ in steps(unit_of("and"))) == 4 * 6


def test_without_a_bias_and_is_not_learned():
    run = train(unit_of("and", bias=False))
    assert run.bias is None
    assert run.stopped == "cycle"
    assert check_certificate(truth_table_inputs(2), [0, 0, 0, 1], run.certificate, bias=False)


def test_a_cycle_over_rows_of_target_0_alone_proves_nothing():
    """Without a bias the rule may circle for ever though weights exist: here (0, 1) would do."""
    rows, targets = [(1, 1), (2, 0), (-2, 0)], [1, 0, 0]
    run = train(perceptron(rows, targets, bias=False))
    assert (run.stopped, run.certificate) == ("cycle", None)
    assert separate(rows, targets, bias=False).separable


def test_decimals_are_exact():
    """0.1 + 0.2 is 0.3 here, so that a point on the line lies on the line."""
    run = train(perceptron([(0.1,), (0.2,), (-0.3,)], [1, 1, 0], learning_rate=0.1, bias=False), epochs=5)
    assert run.weights == (Fraction(1, 100),)
    unit = perceptron([(0.1, 0.2, -0.3)], [0], weights=(1, 1, 1))
    assert train(unit).outputs == (0,)


@laws
@given(problems, st.integers(1, 50))
def test_from_zeros_the_rate_only_scales(problem, rate):
    one, other = (train(perceptron(*problem, learning_rate=r), epochs=30) for r in (1, Fraction(rate, 7)))
    assert (one.epochs, one.updates, one.cycle) == (other.epochs, other.updates, other.cycle)
    assert tuple(w * Fraction(rate, 7) for w in one.weights) == other.weights


def test_the_limit_stops_a_run_and_what_was_right_is_still_said():
    short, enough = train(unit_of("and"), epochs=3), train(unit_of("and"), epochs=5)
    assert (short.learned, short.stopped, short.epochs) == (False, "epochs", 3)
    assert (enough.learned, enough.stopped, enough.epochs) == (True, "epochs", 5)


def test_history_is_bounded():
    run = train(perceptron([(1000,), (1001,)], [0, 1]), epochs=1500)
    assert run.epochs > 1000
    assert len(run.history.errors) == 1000
    assert len(run.history.states) == 101


@pytest.mark.parametrize(
    ("options", "error", "match"),
    [
        ({"learning_rate": 0}, InvalidValueError, "learning rate 0 is not above 0"),
        ({"learning_rate": float("nan")}, InvalidValueError, "nan is not a finite number"),
        ({"batch": "ful"}, InvalidValueError, "did you mean 'full'"),
        ({"weights": (1,)}, ShapeError, "1 weights do not fit rows of 2 inputs"),
    ],
)
def test_bad_options_are_named(options, error, match):
    with pytest.raises(error, match=match):
        unit_of("and", **options)
    with pytest.raises(InvalidValueError, match="0 epochs"):
        train(unit_of("and"), epochs=0)
