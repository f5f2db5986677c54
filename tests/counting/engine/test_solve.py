"""The inverse question: the answer is within the limit, the next number is not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlmath.counting.engine.count import count
from dlmath.counting.engine.solve import LARGEST, Limit, filled, parse_limit, solve
from dlmath.counting.engine.words import parse_chain
from dlmath.errors import InvalidValueError, ShapeError


def counter(words, shape, quantity="params"):
    return lambda number: count(parse_chain(filled(words, number), shape)).total(quantity)


def test_how_many_filters_fit_in_a_million_parameters():
    # 3 x 3 x 64 weights and a bias each: floor(10^6 / 577)
    assert solve(parse_limit("params=1M"), counter(["conv:3x3x?"], (112, 112, 64))).number == 10**6 // 577


def test_two_layers_of_one_width():
    width = counter(["conv:3x3x?", "relu", "conv:3x3x?"], (8, 8, 64))
    found = solve(parse_limit("params<=1M"), width)
    assert width(found.number) == found.value <= 10**6 < found.next_value == width(found.number + 1)


def test_groups_must_divide():
    found = solve(parse_limit("params=100k"), counter(["conv:3x3x?,groups=32"], (8, 8, 64)))
    assert (found.number % 32, found.next_number - found.number) == (0, 32)


def test_the_largest_image_for_a_budget():
    def macs(size):
        return count(parse_chain(["conv:7x7x64/2,pad=valid", "conv:3x3x64"], (size, size, 3))).macs

    found = solve(parse_limit("macs=1G"), macs)
    assert macs(found.number) <= 10**9 < macs(found.next_number)


def test_the_smallest_number_that_reaches_a_count():
    found = solve(parse_limit("params>=1M"), counter(["dense:?"], (784,)))
    assert (found.number, found.next_number) == (1274, 1273)
    assert found.next_value < 10**6 <= found.value


def test_at_least_may_hold_from_the_start():
    assert solve(parse_limit("params>=1"), counter(["dense:?"], (784,)))[:3] == (1, 785, 1)


@given(st.integers(1, 50), st.integers(0, 50), st.integers(0, 10**12), st.integers(1, 40), st.booleans())
def test_the_answer_is_the_last_within(slope, start, limit, step, at_least):
    def line(number):
        if number % step:
            raise ShapeError("cannot be", "choose another")
        return slope * number + start

    try:
        found = solve(Limit("x", "params", limit, at_least), line)
    except InvalidValueError:
        assert line(step) > limit or line(LARGEST // step * step - step) <= limit
        return
    if at_least:
        assert found.value >= limit
        assert found.next_value < limit or found.number == step
    else:
        assert found.value <= limit < found.next_value
        assert found.next_number == found.number + step


def test_what_has_no_answer():
    with pytest.raises(InvalidValueError, match=r"already \? = 1 gives params = 577"):
        solve(parse_limit("params=500"), counter(["conv:3x3x?"], (8, 8, 64)))
    with pytest.raises(InvalidValueError, match="however large"):
        solve(parse_limit("params=1M"), counter(["relu", "dropout:?"], (8,)))
    with pytest.raises(InvalidValueError, match="can stand for"):
        solve(parse_limit("params=1M"), counter(["conv:9x9x?,pad=valid"], (3, 3, 1)))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("params", "has no limit"),
        ("parms=1M", "did you mean 'params'"),
        ("params=x", "no whole number"),
        ("output_shape=3", "unknown quantity"),
    ],
)
def test_what_cannot_be_read(text, words):
    with pytest.raises(InvalidValueError) as caught:
        parse_limit(text)
    assert words in str(caught.value)
