"""Rich tables: nothing cut, whatever the window; colours only where they are wanted."""

import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlmath.report import terminal
from dlmath.report.blocks import Facts, Lines, Table, column, figure
from dlmath.report.cells import rows_of
from dlmath.report.streams import Streams

CODES = re.compile(r"\x1b\[[0-9;]*m")
WIDE = Table(
    ("name", "input shape", "output shape", "params", "macs", "receptive field"),
    (
        ("a-convolution-with-a-long-name", "112x112x64", "56x56x128", 924844032, 10**12, 7),
        ("dense", "4096", "1000", 4097000, 1 / 3, None),
    ),
    title="Layers of the network, under a title that is longer than the window",
    styles=("", "green"),
)


def drawn(blocks, width=None, *, color=False, true_color=False):
    out = io.StringIO()
    streams = Streams(out, io.StringIO(), True, color, true_color, width, False, False)
    terminal.show(blocks, streams)
    return out.getvalue()


def bare(text):
    return CODES.sub("", text)


WIDTHS = [8, 20, 40, 60, 80, 100, 160]


@pytest.mark.parametrize("width", WIDTHS)
def test_no_line_is_wider_than_the_window(width):
    assert max(map(len, bare(drawn([WIDE], width)).splitlines())) <= max(width, 20)


@pytest.mark.parametrize("width", [60, 80, 100, 160, None])
def test_every_figure_that_is_shown_is_whole(width):
    """What is left out is named; what stands there is the figure, or its short form with a unit."""
    text = bare(drawn([WIDE], width))
    for title, cells in zip(WIDE.columns, zip(*WIDE.rows, strict=True), strict=True):
        texts = column(cells, WIDE.digits)
        shown = all(cell in text for cell in texts if any(map(str.isdigit, cell)))
        assert shown or title in text.partition("left out: ")[2]


def test_wide_is_all_of_it():
    text = bare(drawn([WIDE], None))
    assert "left out" not in text
    assert all(cell in text for row in rows_of(WIDE) for cell in row)


@given(
    st.lists(st.tuples(st.text("abc", min_size=1, max_size=40), st.integers(), st.floats()), min_size=2, max_size=4),
    st.sampled_from([60, 80]),
)
def test_any_table_fits(rows, width):
    text = bare(drawn([Table(("words", "whole", "real"), tuple(rows))], width))
    assert max(map(len, text.splitlines())) <= width
    for whole in (figure(whole) for _, whole, _ in rows):
        assert whole in text or "left out" in text


def test_a_table_of_one_row_becomes_named_values():
    text = bare(drawn([WIDE._replace(rows=WIDE.rows[:1], styles=())], 60))
    assert re.search(r"^output shape +56x56x128$", text, re.MULTILINE)
    assert re.search(r"^params +924,844,032$", text, re.MULTILINE)


def test_columns_leave_by_their_importance():
    table = WIDE._replace(title="", keep=("name", "macs"), rows=WIDE.rows * 2, styles=())
    header, *_ = bare(drawn([table], 60)).splitlines()
    assert "macs" in header
    assert "receptive field" not in header


def test_large_figures_take_a_unit_before_a_column_leaves():
    table = Table(("layer", "macs", "params", "kind"), (("a" * 20, 924844032, 73728, "conv"),) * 2,
                  scalable=("macs", "params"))  # fmt: skip
    text = bare(drawn([table], 40))
    assert "924.8 M" in text
    assert "left out" not in text


def test_a_long_table_shows_its_first_and_last_rows_and_says_so():
    table = Table(("n",), tuple((n,) for n in range(1000, 1200)))
    text = bare(drawn([table], 60))
    assert "1,000" in text
    assert "1,199" in text
    assert "140 rows between are left out; --wide shows all" in text.replace("\n", " ")
    assert len(drawn([table], None).splitlines()) == 202


def test_a_forced_table_in_a_pipe_is_as_wide_as_it_wants():
    table = Table(tuple(f"column {i}" for i in range(40)), (tuple(10**12 + i for i in range(40)),))
    header, rule, row = bare(drawn([table], None, color=True)).splitlines()
    assert len(rule) > 80
    assert row.split() == [figure(10**12 + i) for i in range(40)]
    assert header.split() == " ".join(table.columns).split()


def test_the_environment_is_not_asked_again(monkeypatch):
    expected = drawn([WIDE], None, color=True)
    for name, value in {"TERM": "dumb", "COLUMNS": "20", "NO_COLOR": "1", "COLORTERM": "truecolor"}.items():
        monkeypatch.setenv(name, value)
    assert drawn([WIDE], None, color=True) == expected
    assert "\x1b[32m" in expected


def test_without_colour_there_is_no_colour_code():
    for code in CODES.findall(drawn([WIDE, Facts((("name", 1),))], 80)):
        assert code in {"\x1b[0m", "\x1b[1m", "\x1b[2m"}  # bold and dim are no colours


def test_true_colours_only_where_the_terminal_has_them():
    # Two colours: Rich remembers the code of a style once it was written
    assert "38;2;18;52;86" in drawn([Lines(((("x", "#123456"),),))], 80, color=True, true_color=True)
    assert "38;5;" in drawn([Lines(((("x", "#654321"),),))], 80, color=True)


@pytest.mark.parametrize("width", [10, 80, None])
def test_brackets_and_colons_are_no_markup(width):
    text = bare(drawn([Table(("[bold]", ":smile:"), (("[red]", ":x:"),), title="[i]t"), Lines(("[b]l",))], width))
    for word in ("[bold]", ":smile:", "[red]", ":x:", "[i]t", "[b]l"):
        assert word in text


@pytest.mark.parametrize("width", [40, 60, 100])
def test_lines_and_titles_are_broken_at_words(width):
    formula = "z = " + " + ".join(f"w{i} x{i}" for i in range(40))
    lines = bare(drawn([Lines((formula,), title=" ".join(["title"] * 30))], width)).splitlines()
    assert max(map(len, lines)) <= width
    assert " ".join(" ".join(lines).split()) == " ".join(["title"] * 30) + " " + formula


def test_later_lines_hang_under_the_text():
    first, second, *_ = bare(drawn([Lines(("forward    " + "word " * 30,))], 60)).splitlines()
    assert first.startswith("forward    word")
    assert second.startswith(" " * 11 + "word")


@pytest.mark.parametrize("width", [60, None])
def test_names_of_facts_are_whole(width):
    text = bare(drawn([Facts((("largest relative gradient error", 1.25e-9), ("n", 924844032)))], width))
    for part in ("largest relative gradient error", "1.25e-09", "924,844,032"):
        assert part in text


def test_long_values_of_facts_fold_and_lose_nothing():
    text = bare(drawn([Facts((("path", "abcdefghij" * 20),))], 40))
    assert text.replace("path", "").replace(" ", "").replace("\n", "") == "abcdefghij" * 20


def test_nothing_draws_nothing():
    assert drawn([]) == ""
    assert drawn([Facts(())]).strip() == ""
    assert "a" in drawn([Table(("a",), ())])


def test_letters_two_columns_wide_stay_aligned():
    _, _, first, second = bare(drawn([Table(("名前", "n"), (("畳み込み", 1), ("a", 2)))], 40)).splitlines()
    assert first.replace("畳み込み", "x" * 8).index("1") == second.index("2")


def test_a_closed_pipe_is_the_frames_business():
    class Closed(io.StringIO):
        def write(self, _text):
            raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        terminal.show([WIDE], Streams(Closed(), io.StringIO(), True, True, False, None, False, False))


def test_a_style_for_each_row_or_none():
    with pytest.raises(ValueError, match="argument"):
        drawn([Table(("a",), ((1,), (2,)), styles=("red",))])
