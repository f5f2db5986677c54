from __future__ import annotations

from contextlib import suppress
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlmath.errors import DlmathError, InvalidValueError
from dlmath.language.exact import evaluate, fill, round_to

numbers = st.integers(0, 99)


@st.composite
def arithmetic(draw, depth=3):
    """Return an expression that Python reads the same way."""
    if depth == 0 or draw(st.booleans()):
        return draw(st.sampled_from(["a", "b"]) | numbers.map(str))
    left, right = draw(arithmetic(depth=depth - 1)), draw(arithmetic(depth=depth - 1))
    symbol = draw(st.sampled_from(["+", "-", "*", "//", "%", "==", "<", ">=", "and", "or"]))
    return f"({left} {symbol} {right})" if draw(st.booleans()) else f"-{left} + ({right})"


@given(text=arithmetic(), a=numbers, b=numbers)
def test_expressions_mean_what_python_says(text, a, b):
    try:
        wanted = eval(text, {"__builtins__": {}}, {"a": a, "b": b})  # noqa: S307  the oracle; texts are made above
    except ZeroDivisionError:
        with pytest.raises(InvalidValueError, match="has no value"):
            evaluate(text, {"a": a, "b": b})
        return
    assert evaluate(text, {"a": a, "b": b}) == wanted


@given(text=st.text(max_size=30) | st.text("ab12+-*/()[]<=! ,.'", max_size=30))
def test_any_text_has_a_value_or_an_error(text):
    with suppress(DlmathError):
        evaluate(text, {"a": 1, "b": [2]})


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2 + 3*4", 14),
        ("10 - 3 - 2", 5),
        ("7 / 2", Fraction(7, 2)),
        ("6 / 2", 3),
        ("0.75*64", 48),
        ("0.1 + 0.2 == 0.3", True),
        ("not n == 1", True),
        ("n == 1 or n > 5 and yes", False),
        ("rows[1] + length(rows)", 8),
        ("max(1, n, 2)", 3),
        ("ceil(2.1)", 3),
        ("floor(0 - 2.1)", -3),
        ("kind == 'basic'", True),
        ("-n*-n", 9),
    ],
)
def test_values(text, value):
    assert evaluate(text, {"n": 3, "rows": [5, 6], "kind": "basic"}) == value


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("4*widht", "unknown name 'widht'; did you mean 'width'"),
        ("4*", "cannot be read at its end"),
        ("4 5", "cannot be read at '5'"),
        ("(4", "cannot be read at its end"),
        ("open('x')", "unknown function 'open'"),
        ("width.real", "cannot be read at '.real'"),
        ("1/0", "has no value"),
        ("rows[7]", "has no value"),
        ("width + 'a'", "has no value"),
        ("9999999999*9999999999", "larger than 10^15"),
        ("(" * 60 + "1" + ")" * 60, "nested too deep"),
    ],
)
def test_errors_show_the_place(text, said):
    with pytest.raises(InvalidValueError) as caught:
        evaluate(text, {"width": 64, "rows": [1]})
    assert said in str(caught.value)


def test_rows_are_filled():
    scope = {"w": 64, "bias": False, "rows": [1, 2]}
    assert fill("conv:{3}x{3}x{4*w},bias={bias}", scope) == "conv:3x3x256,bias=no"
    assert fill("{rows}", scope) == [1, 2]
    with pytest.raises(InvalidValueError, match="no whole number or word"):
        fill("conv:{w/3}x", scope)
    with pytest.raises(InvalidValueError, match="a bracket is open"):
        fill("conv:{{w}}", scope)


@pytest.mark.parametrize(("value", "rounded"), [(32 * 0.35, 16), (24, 24), (3, 8), (100, 104), (99, 96)])
def test_widths_are_rounded_as_mobilenet_rounds_them(value, rounded):
    assert round_to(value, 8) == rounded
