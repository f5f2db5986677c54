"""Rich tables: nothing cut, whatever the window; colours only where they are wanted."""

import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlmath.report import terminal
from dlmath.report.blocks import Facts, Lines, Table, figure
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


def columns_of(text):
    """Return the drawn table's columns below the rule, each column's lines joined: what folded is whole again."""
    lines = bare(text).splitlines()
    rule = next(index for index, line in enumerate(lines) if set(line.strip()) == {"─"})
    return lines[rule + 1 :]


@pytest.mark.parametrize("width", [1, 8, 20, 40, 80, 120, None])
def test_no_figure_is_lost_at_any_width(width):
    text = bare(drawn([WIDE], width))
    assert "…" not in text
    for row in WIDE.rows:
        for cell in row:
            if isinstance(cell, int | float):
                assert figure(cell) in text  # numbers are never folded
    letters = "".join(columns_of(drawn([WIDE], width))).replace(" ", "")
    for word in ("dense", "4096", "1000"):
        assert word in letters
    # The long name folds; its pieces stand in order
    pieces = [line[:30].split()[0] for line in columns_of(drawn([WIDE], width)) if line[:1].strip()]
    assert "".join(pieces).replace("dense", "") == "a-convolution-with-a-long-name"


@given(
    st.lists(st.tuples(st.text("abc", min_size=1, max_size=40), st.integers(), st.floats()), min_size=1, max_size=4),
    st.sampled_from([10, 40, 80]),
)
def test_every_character_of_every_cell_appears(rows, width):
    text = bare(drawn([Table(("words", "whole", "real"), tuple(rows))], width))
    body = "".join(columns_of(text))
    assert sum(map(body.count, "abc")) >= sum(len(word) for word, _, _ in rows)
    for _, whole, real in rows:
        assert figure(whole) in body
        assert figure(real) in body


@pytest.mark.parametrize("width", [40, 80, 120])
def test_what_fits_does_not_stand_out_of_the_window(width):
    table = Table(("words", "n"), (("word " * 30, 1), ("b", 22)))
    assert max(map(len, bare(drawn([table], width)).splitlines())) <= width


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
        assert code in {"\x1b[0m", "\x1b[1m"}  # bold is no colour


def test_true_colours_only_where_the_terminal_has_them():
    # Two colours: Rich remembers the code of a style once it was written
    assert "38;2;18;52;86" in drawn([Lines(((("x", "#123456"),),))], 80, color=True, true_color=True)
    assert "38;5;" in drawn([Lines(((("x", "#654321"),),))], 80, color=True)


@pytest.mark.parametrize("width", [10, 80, None])
def test_brackets_and_colons_are_no_markup(width):
    text = bare(drawn([Table(("[bold]", ":smile:"), (("[red]", ":x:"),), title="[i]t"), Lines(("[b]l",))], width))
    for word in ("[bold]", ":smile:", "[red]", ":x:", "[i]t", "[b]l"):
        assert word in text


@pytest.mark.parametrize("width", [10, 40, None])
def test_lines_and_titles_are_never_folded(width):
    formula = "z = " + " + ".join(f"w{i} x{i}" for i in range(40))
    assert formula in drawn([Lines((formula,), title="t" * 100)], width)
    assert "t" * 100 in drawn([Lines((formula,), title="t" * 100)], width)


@pytest.mark.parametrize("width", [10, 40, None])
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
