"""Plain tables: whole, aligned, and readable by awk."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlmath.report.blocks import Facts, Lines, Table, figure, is_number, text_of
from dlmath.report.cells import rows_of
from dlmath.report.plain import render

WORDS = st.text("abcXYZ019.-σé", min_size=1, max_size=30)
NUMBERS = st.one_of(st.integers(), st.floats())


@st.composite
def tables(draw):
    kinds = draw(st.lists(st.sampled_from([WORDS, NUMBERS]), min_size=1, max_size=6))
    columns = tuple(draw(WORDS) for _ in kinds)
    rows = draw(st.lists(st.tuples(*kinds), max_size=6))
    return Table(columns, tuple(rows))


def spans(rule):
    """Return the (start, end) of each column, from the line of dashes."""
    found, start = [], 0
    for dashes in rule.split("  "):
        found.append((start, start + len(dashes)))
        start += len(dashes) + 2
    return found


@given(tables())
def test_every_cell_stands_whole_in_its_column(table):
    header, rule, *rows = render([table]).splitlines()
    assert len(rows) == len(table.rows)
    for line, cells in [(header, table.columns), *zip(rows, rows_of(table), strict=True)]:
        assert [line[a:b].strip() for a, b in spans(rule)] == [cell.strip() for cell in cells]


@given(tables())
def test_columns_are_told_apart_by_two_blanks(table):
    for line, cells in zip(render([table]).splitlines()[2:], rows_of(table), strict=True):
        assert line.split() == cells


@given(tables(), st.sampled_from(["1", "10", "80", "500"]))
def test_the_width_of_the_terminal_changes_nothing(table, columns):
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("COLUMNS", raising=False)
        plain = render([table])
        patch.setenv("COLUMNS", columns)
        assert render([table]) == plain


@given(tables())
def test_no_escape_codes_no_trailing_blanks_and_one_newline_at_the_end(table):
    text = render([table])
    assert "\x1b" not in text
    assert all(line == line.rstrip() for line in text.splitlines())
    assert text.endswith("\n")
    assert not text.endswith("\n\n")


def test_numbers_are_aligned_to_the_right_and_words_to_the_left():
    table = Table(("kind", "n", "mixed", "gap"), (("a", 1, 1, None), ("bbb", 12345, "x", 2.5)))
    assert render([table]).splitlines() == [
        "kind       n  mixed  gap",
        "----  ------  -----  ---",
        "a          1  1        -",
        "bbb   12,345  x      2.5",
    ]


def test_a_table_without_rows_is_its_header():
    assert render([Table(("a", "bcd"), ())]) == "a  bcd\n-  ---\n"


def test_a_cell_of_several_lines_stays_in_its_row():
    assert render([Table(("a", "b"), (("one\ntwo\tthree", "x"),))]).splitlines()[2] == "one two three  x"


def test_facts_and_lines_and_the_empty_line_between_blocks():
    blocks = [
        Facts((("parameters", 17), ("mean", 1 / 3), ("learned", True), ("epochs", None)), title="Network"),
        Lines(("as it  stands ", (("styled", "bold"), (" rest", ""))), title="Drawing"),
    ]
    assert render(blocks).splitlines() == [
        "Network",
        "parameters  17",
        "mean        0.333333",
        "learned     yes",
        "epochs      -",
        "",
        "Drawing",
        "as it  stands",
        "styled rest",
    ]


def test_nothing_is_an_empty_text():
    assert render([]) == ""
    assert render([Facts(())]).strip() == ""


def test_a_row_of_the_wrong_length_is_a_defect_and_not_cut():
    with pytest.raises(ValueError, match="argument"):
        render([Table(("a", "b"), ((1,),))])


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (-1234567, "-1,234,567"),
        (10**15, "1,000,000,000,000,000"),
        (0.0, "0"),
        (1e-300, "1e-300"),
        (123456789.0, "1.23457e+08"),
        (float("nan"), "nan"),
        (float("-inf"), "-inf"),
        (False, "no"),
        ("[bold]", "[bold]"),
    ],
)
def test_figures(value, text):
    assert figure(value) == text


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_figure_is_near_its_number(value):
    assert float(figure(value)) == pytest.approx(value, rel=1e-5)


@given(st.integers())
def test_an_integer_loses_no_digit(value):
    assert int(figure(value).replace(",", "")) == value


def test_what_counts_as_a_number():
    assert [is_number(value) for value in (1, 1.5, True, "1", None)] == [True, True, False, False, False]


def test_text_of_a_line():
    assert text_of("x") == text_of((("x", "red"),)) == "x"
