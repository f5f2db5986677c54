"""The language of expectations: what can be said, what it is worth, and where errors point."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlmath.language.errors import ExpressionError
from dlmath.language.expectations import Cell, NoCellError, Scope, Sweep, evaluate, judge, values_of
from dlmath.language.expressions import parse, paths_of
from dlmath.language.functions import FUNCTIONS
from dlmath.neural.intervals import spread, t_quantile

RESULT = {
    "rate": 0.75,
    "count": 3,
    "learned": True,
    "nothing": None,
    "epochs": {"median": 12.5},
    "layers": [{"macs": 10}, {"macs": 20}],
    "loss": [0.5, 0.25, 0.125],
    "shape": [28, 28, 3],
    "gone": "nan",
    "endless": "inf",
    "seeds": 5,
}
SETTINGS = {"hidden": "4", "gate": "0110", "seeds": 7, "name": "xor"}
CELL = Cell(SETTINGS, RESULT, ())


def value(text):
    return evaluate(parse(text).test, Scope(Sweep([CELL]), CELL))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1 + 2 * 3 ^ 2", 19),
        ("-2 ^ 2", -4),
        ("2 ^ 3 ^ 2", 512),
        ("2 ** -1", 0.5),
        ("(1 + 2) * 3", 9),
        ("7 // 2 + 7 % 2", 4),
        ("1_000_000", 1_000_000),
        ("1e-3", 0.001),
        ("10 - 4 - 3", 3),
        ("rate", 0.75),
        ("layers.1.macs", 20),
        ("layers.-1.macs", 20),
        ("layers.*.macs", [10, 20]),
        ("sum(layers.*.macs)", 30),
        ("len(layers)", 2),
        ("shape == [28, 28, 3]", True),
        ("epochs.median > 12", True),
        ("0 < rate < 1", True),
        ("0 < rate < 0.5", False),
        ("learned and not count == 4", True),
        ("count == 4 or learned", True),
        ("nothing > 0", False),
        ("nothing <= 0", False),
        ("nothing == null", True),
        ("nothing.below.that", None),
        ("nothing + 1", None),
        ("max(nothing, 3)", None),
        ("decreasing(loss)", True),
        ("increasing(loss)", False),
        ("nonincreasing(loss)", True),
        ("near(rate, 3/4, 1e-9)", True),
        ("near(loss, [0.5, 0.25, 0.12], 0.01)", True),
        ("near(loss, [0.5, 0.25], 0.01)", False),
        ("min(loss) + max(loss)", 0.625),
        ("mean(loss)", 0.875 / 3),
        ("median(loss)", 0.25),
        ("log10(0)", -math.inf),
        ("abs(-3)", 3),
        ("endless > 10 ^ 300", True),
        ("gone == gone", False),
        ("seeds", 5),
        ("settings.seeds", 7),
        ("hidden == 4", True),
        ("hidden * 2", 8),
        ("gate == '0110'", True),
        ("gate == '110'", False),
        ("name in ['and', \"xor\"]", True),
        ("hidden in [2, 4]", True),
        ("not name in ['and']", True),
    ],
)
def test_what_expressions_are_worth(text, expected):
    assert value(text) == expected


@pytest.mark.parametrize(
    ("text", "position", "what"),
    [
        ("rate > ", 6, "something is missing"),
        ("rate >> 1", 6, "'>'"),
        ("rate $ 1", 5, "'$'"),
        ("max(rate", 8, "')'"),
        ("(rate", 5, "')'"),
        ("rate rate", 5, "'rate'"),
        ("foo(1)", 0, "unknown function 'foo'"),
        ("  mx(rate)", 2, "'mx'"),
        ("near(1, 2)", 0, "2 values"),
        ("abs[rate]", 0, "no meaning over a sweep"),
        ("max[rate along hidden]", 15, "no direction"),
        ("rate where", 10, "something is missing"),
        ("[1, 2", 5, "']'"),
        ("", 0, "something is missing"),
        ("__import__('os')", 0, "unknown function"),
        ("rate.__class__", None, ""),
    ],
)
def test_errors_say_where(text, position, what):
    if position is None:
        with pytest.raises(ExpressionError):
            value(text)
        return
    with pytest.raises(ExpressionError) as caught:
        parse(text)
    assert caught.value.position == position
    assert what in str(caught.value)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("rat > 1", "did you mean 'rate'?"),
        ("epochs.medain", "did you mean 'median'?"),
        ("layers.7.macs", "0 to 1"),
        ("rate.deeper", "nothing lies below"),
        ("rate and learned", "neither true nor false"),
        ("name < 3", "no value"),
        ("1 / 0", "no value"),
        ("9 ^ 9 ^ 9", "no value"),
        ("10.0 ^ 999", "no value"),
        ("sqrt(-1)", "no value"),
        ("max(name)", "no number"),
        ("only(loss)", "3 values"),
    ],
)
def test_what_has_no_value_is_an_error_that_helps(text, what):
    with pytest.raises(ExpressionError, match="(?s).*" + what.replace("?", r"\?")):
        value(text)


def test_brackets_without_end_are_refused_in_words():
    with pytest.raises(ExpressionError, match="too deep"):
        parse("(" * 5000 + "1")


@given(st.text(max_size=30))
def test_any_text_is_parsed_or_refused(text):
    try:
        parse(text)
    except ExpressionError as error:
        assert 0 <= error.position <= len(text)  # noqa: PT017


@given(st.integers(-50, 50), st.integers(-50, 50), st.integers(1, 9))
def test_arithmetic_is_pythons(a, b, c):
    assert value(f"({a}) + ({b}) * {c} - ({a}) // {c}") == a + b * c - a // c


# --- over a sweep -----------------------------------------------------------------------------------------------------


def grid(rate):
    cells = [
        Cell({"hidden": hidden, "kind": kind}, {"rate": rate(hidden, kind), "nested": {"n": 1}}, (i, j))
        for i, hidden in enumerate((1, 2, 4))
        for j, kind in enumerate(("a", "b"))
    ]
    return Sweep(cells, [["hidden"], ["kind"]])


RISING = grid(lambda hidden, kind: round(hidden / 10 + (kind == "b") / 100, 2))


@pytest.mark.parametrize(
    ("text", "holds", "measured"),
    [
        ("rate > 0", True, 0.1),
        ("rate >= 0.2 where hidden >= 2", True, 0.2),
        ("rate < 0.4", False, 0.41),
        ("increasing[rate along hidden]", True, [[0.1, 0.2, 0.4], [0.11, 0.21, 0.41]]),
        ("decreasing[rate along hidden]", False, [[0.1, 0.2, 0.4], [0.11, 0.21, 0.41]]),
        ("increasing[rate along hidden where kind == 'a']", True, [0.1, 0.2, 0.4]),
        ("max[rate where hidden == 1] < 0.2", True, 0.11),
        ("mean[rate where kind == 'b'] - mean[rate where kind == 'a'] > 0.005", True, pytest.approx(0.01)),
        ("all[rate > 0.05]", True, True),
        ("any[rate > 5]", False, False),
        ("len[rate where kind == 'a'] == 3", True, 3),
        ("sum[hidden] == 14", True, 14),
        ("only[rate where hidden == 4 and kind == 'a'] == 0.4", True, 0.4),
        ("0.1 < mean[rate] < 0.3", True, pytest.approx(1.43 / 6)),
        ("max[rate] < 0.5 where hidden == 4", True, 0.41),
        ("rate <= max[rate]", True, 0.41),
    ],
)
def test_expectations_over_a_sweep(text, holds, measured):
    found = judge(parse(text), RISING)
    assert (found.holds, found.value) == (holds, measured)


def test_the_cells_that_break_an_expectation_are_told():
    found = judge(parse("rate < 0.2"), RISING)
    assert [found.chosen[index].settings["hidden"] for index in found.failing] == [2, 2, 4, 4]
    assert found.value == 0.41


def test_repeats_are_averaged_along_an_axis():
    noisy = [(0, 0.0), (0, 1.0), (1, 0.6), (1, 0.6)]
    sweep = Sweep([Cell({"h": h}, {"rate": rate}, (h,)) for h, rate in noisy], [["h"]])
    assert judge(parse("increasing[rate]"), sweep).value == [0.5, 0.6]
    assert judge(parse("increasing[rate along h]"), sweep).holds


def test_a_failed_cell_breaks_what_is_expected_of_it():
    cells = [Cell({"h": 1}, None, (0,)), Cell({"h": 2}, {"rate": 1}, (1,))]
    found = judge(parse("rate == 1"), Sweep(cells, [["h"]]))
    assert (found.holds, found.failing) == (False, (0,))
    assert not judge(parse("increasing[rate]"), Sweep(cells, [["h"]])).holds


@pytest.mark.parametrize("text", ["rate > 0 where hidden == 3", "max[rate where hidden == 3] > 0"])
def test_no_cell_at_all_is_a_mistake_not_a_success(text):
    with pytest.raises(NoCellError):
        judge(parse(text), RISING)


def test_the_axis_must_be_said_when_there_are_two():
    with pytest.raises(ExpressionError, match="hidden, kind"):
        judge(parse("increasing[rate]"), RISING)
    with pytest.raises(ExpressionError, match="no axis is called"):
        judge(parse("increasing[rate along depth]"), RISING)


def test_where_sees_settings_first_and_tests_see_results_first():
    sweep = Sweep([Cell({"epochs": 100}, {"epochs": {"median": 7}}, ())], [])
    assert judge(parse("epochs.median == 7 where epochs == 100"), sweep).holds


def test_a_missing_path_is_told_with_the_cell_in_which_it_is_missing():
    with pytest.raises(ExpressionError, match="rate") as caught:
        judge(parse("max[rte] > 1"), RISING)
    assert caught.value.cell is RISING.cells[0]
    with pytest.raises(ExpressionError, match="no cell"):
        judge(parse("rte > 1 where hidden == 5"), RISING)  # no cell is meant
    assert judge(parse("rte > 1 where hidden == 4"), RISING).failing == (0, 1)


def test_values_are_one_a_cell_or_one_over_the_sweep():
    assert values_of(parse("rate where kind == 'a'"), RISING) == [0.1, 0.2, 0.4]
    assert values_of(parse("max[rate]"), RISING) == 0.41


def test_paths_are_listed_once_each():
    assert paths_of(parse("a.b > 1 and max[a.b where c == 1] < d")) == ["a.b", "d"]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_shows_a_use_that_can_be_parsed(name):
    for usage in FUNCTIONS[name].usage.split(", "):
        if usage.startswith(name) and usage.count("(") == usage.count(")"):
            parse(usage)


# --- intervals --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("freedom", "quantile"), [(1, 12.706205), (2, 4.302653), (5, 2.570582), (30, 2.042272), (120, 1.979930)]
)
def test_student_quantiles_are_the_published_ones(freedom, quantile):
    assert t_quantile(freedom) == pytest.approx(quantile, abs=2e-6)


def test_one_value_has_no_interval_and_stays_exact():
    assert spread([61100840]) == (61100840, 1, None, None)


def test_equal_values_have_an_interval_of_no_width():
    assert spread([2.0, 2.0, 2.0]) == (2.0, 3, 2.0, 2.0)
