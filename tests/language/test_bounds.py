"""What is typed in an expression never makes work, memory or depth grow beyond a stated bound."""

from __future__ import annotations

import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlmath.errors import DlmathError
from dlmath.language.errors import ExpressionError
from dlmath.language.exact import evaluate as exact_value
from dlmath.language.exact import fill
from dlmath.language.expectations import Cell, Paths, Scope, Sweep, evaluate, judge, values_of
from dlmath.language.expressions import parse

CELL = Cell({"hidden": "4"}, {"rate": 0.75, "learned": True, "loss": [3, 1, 2, 4]}, ())


def value(text):
    return evaluate(parse(text).test, Scope(Sweep([CELL]), CELL))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (" and ".join(["learned"] * 3000), True),
        (" or ".join(["rate < 0"] * 3000), False),
        ("+".join(["1"] * 3000), 3000),
        ("1" + "-1" * 3000, -2999),
        ("*".join(["1"] * 3000), 1),
        ("not " * 3000 + "learned", True),
        ("not " * 3001 + "learned", False),
        ("-" * 3000 + "1", 1),
        ("-" * 3001 + "1", -1),
        ("0" + " <= 1" * 3000, True),
    ],
    ids=lambda text: str(text)[:12],
)
def test_a_chain_is_no_deeper_than_one(text, expected):
    assert value(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "^".join(["1"] * 3000),
        "(" * 3000 + "1" + ")" * 3000,
        "[" * 3000,
        "max(" * 3000,
        "max[" * 3000,
        "(1 or 1 and not 1 == 1 + 1 * - 1 ^ " * 3000,
        "9" * 5000 + " > 1",
        "1e" + "9" * 5000,
        "rate == " + "1" * 200_000,
        "'x' * 1000000000",
        "1000000000 * 'x'",
        "[1] * 10000000000",
        "'%01000000000d' % 1",
        "'%s' % 'x'",
        "9 ^ 9 ^ 9",
        "*".join(["9" * 900] * 2),
        "(-8) ^ 0.5",
        "loss.99999999999999999999",
    ],
    ids=lambda text: text[:20],
)
def test_what_would_grow_is_refused(text):
    with pytest.raises(ExpressionError) as caught:
        value(text)
    assert caught.value.mend


@pytest.mark.parametrize(
    "text",
    [
        "'x' * 1000000000",
        "9" * 5000,
        "2^" * 300 + "1",
        "[" * 300,
        "1e999999999",
        "9^9^9^9",
        "-" * 390 + "'a'",
        "(1^" * 60,
    ],
    ids=lambda text: text[:12],
)
def test_what_would_grow_is_refused_in_architectures(text):
    with pytest.raises(DlmathError):
        exact_value(text, {})


def test_the_deepest_expression_that_is_read_has_a_value():
    assert value("(false or true and not 0 == 1 + 1 * - 1 ^ (0 + " * 16 + "1" + "))" * 16) is False
    assert value("(" * 49 + "1" + ")" * 49) == 1
    assert exact_value("(not 0 + -1 * (" * 20 + "1" + ")" * 40, {}) is True


@given(st.text("not-+(1^[ ]),max learned'*/%and.", max_size=60))
def test_any_text_ends_in_a_value_or_an_error(text):
    for call in (value, lambda given: exact_value(given, {}), lambda given: fill(given, {})):
        try:
            call(text)
        except DlmathError as error:
            assert error.mend  # noqa: PT017


@pytest.mark.parametrize(("text", "expected"), [(".5", 0.5), ("1.", 1.0), (".5e1", 5.0), ("1.e2", 100.0), ("0.5", 0.5)])
def test_numbers_as_people_write_them(text, expected):
    assert value(text) == expected
    assert exact_value(text, {}) == expected


# --- over lists and sweeps --------------------------------------------------------------------------------------------


@given(st.lists(st.integers(-100, 100), min_size=2, max_size=30), st.sampled_from([0, 0.25, 0.5, 0.75, 1]))
def test_spread_and_quantiles_are_those_of_statistics(numbers, share):
    cells = [Cell({"n": n}, {"x": number}, (n,)) for n, number in enumerate(numbers)]
    sweep = Sweep(cells, [["n"]])
    # fsum is exact to one rounding, so both differ from the exact root by few roundings
    assert values_of(parse("std[x]"), sweep) == pytest.approx(statistics.stdev(numbers), rel=1e-14, abs=1e-14)
    cuts = statistics.quantiles(numbers, n=4, method="inclusive")
    wanted = [min(numbers), *cuts, max(numbers)][int(share * 4)]
    assert values_of(parse(f"quantile[x, {share}]"), sweep) == pytest.approx(wanted, rel=1e-14, abs=1e-13)


GRID = [
    Cell({"hidden": h, "kind": k}, {"rate": h * (1 if k == "a" else -1), "learned": h > 1}, (i, j))
    for i, h in enumerate(("1", "2", "8"))
    for j, k in enumerate(("a", "b"))
    for h in (int(h),)
]
SWEEP = Sweep(GRID, [["hidden"], ["kind"]], [["1", "2", "8"], ["a", "b"]])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("count[learned]", 4),
        ("count[rate > 0 where hidden == 8]", 1),
        ("argmax[rate along hidden]", [8, 1]),
        ("argmin[rate along hidden where kind == 'a']", 1),
        ("argmax[rate along kind where hidden == 2]", "a"),
        ("quantile[rate, 1]", 8),
        ("std[rate where hidden == 1]", 2**0.5),
    ],
)
def test_what_is_new_over_a_sweep(text, expected):
    assert values_of(parse(text), SWEEP) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("argmax(loss)", 3), ("argmin(loss)", 1), ("count([true, false, true])", 2), ("quantile(loss, 0.5)", 2.5)],
)
def test_what_is_new_within_a_cell(text, expected):
    assert value(text) == expected


@pytest.mark.parametrize("text", ["quantile[rate, 2]", "quantile[rate]", "std[rate where hidden == 1 and kind == 'a']"])
def test_what_has_no_value_over_a_sweep(text):
    with pytest.raises(ExpressionError):
        values_of(parse(text), SWEEP)


def test_a_cell_without_a_value_breaks_the_expectation_and_is_named():
    cells = [Cell({"n": n}, {"x": 1}, (index,)) for index, n in enumerate((1, 2, 3))]
    found = judge(parse("1 / (n - 3) < 1"), Sweep(cells, [["n"]]))
    assert (found.holds, found.failing) == (False, (2,))
    assert "division by zero" in str(found.errors[2])
    with pytest.raises(ExpressionError) as caught:
        judge(parse("max[1 / (n - 3)] < 1"), Sweep(cells, [["n"]]))
    assert caught.value.cell is cells[2]


def test_what_was_kept_of_a_cell_is_worth_the_same():
    tree = parse("rate <= max[rate where kind == 'a'] and learned == (hidden > 1) where hidden in [1, 8]")
    kept = [Paths([tree]).known(cell) for cell in GRID]
    assert judge(tree, SWEEP._replace(cells=kept))[:2] == judge(tree, SWEEP)[:2]
    lost = Paths([parse("ratte > 1")]).known(GRID[0])
    with pytest.raises(ExpressionError, match="did you mean 'rate'"):
        evaluate(parse("  ratte").test, Scope(SWEEP, lost))


def test_a_whole_sweep_is_looked_at_once_and_not_once_a_cell():
    class Counting(dict):
        looks = 0

        def __getitem__(self, key):
            Counting.looks += 1
            return super().__getitem__(key)

    cells = [Cell({}, Counting(x=n), (n,)) for n in range(300)]
    assert judge(parse("x <= max[x]"), Sweep(cells, [["n"]])).holds
    assert Counting.looks <= 4 * len(cells)
