"""Markdown as a Markdown parser reads it, LaTeX as booktabs has it, HTML as a browser would."""

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from dlmath.report.blocks import Facts, Lines, Table
from dlmath.report.cells import rows_of
from dlmath.report.markup import html_of, latex, markdown

NASTY = st.text("ab|_&%$#{}\\~^<>*[]` -", min_size=1, max_size=12).map(str.strip).filter(bool)


@st.composite
def tables(draw):
    columns = tuple(draw(st.lists(NASTY, min_size=1, max_size=4)))
    rows = st.tuples(*[st.one_of(NASTY, st.integers(), st.floats(allow_nan=False)) for _ in columns])
    return Table(columns, tuple(draw(st.lists(rows, min_size=1, max_size=3))))


def words(text):
    return " ".join(text.split())


def parsed(text):
    """Return the rows of every table in Markdown, cells as a reader sees them."""
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    rows = []
    for index, token in enumerate(tokens):
        if token.type == "tr_open":
            rows.append([])
        if token.type in {"td_open", "th_open"}:
            children = tokens[index + 1].children or []
            rows[-1].append(words("".join(child.content for child in children)))
    return rows


@given(tables())
def test_a_markdown_parser_reads_every_cell_back(table):
    assert parsed(markdown([table])) == [[words(cell) for cell in row] for row in [table.columns, *rows_of(table)]]


def test_named_values_are_a_table_of_two_columns():
    assert parsed(markdown([Facts((("a_b", 1), ("c|d", "x")), title="T")]))[1:] == [["a_b", "1"], ["c|d", "x"]]


def test_code_is_fenced_whatever_it_holds():
    tokens = MarkdownIt("commonmark").parse(markdown([Lines(("```", "z = w_1 * x"))]))
    assert [token.content for token in tokens if token.type == "fence"] == ["```\nz = w_1 * x\n"]


def unescaped_latex(text):
    for sign, letter in ((r"\textbackslash{}", "\0"), (r"\textasciitilde{}", "~"), (r"\textasciicircum{}", "^"),
                         (r"\textless{}", "<"), (r"\textgreater{}", ">"), (r"\textbar{}", "|")):  # fmt: skip
        text = text.replace(sign, letter)
    return re.sub(r"\\([&%$#_{}])", r"\1", text).replace("\0", "\\")


@given(tables())
def test_latex_has_as_many_cells_as_columns_and_nothing_unescaped(table):
    begin, top, header, mid, *rows, bottom, end = latex([table]).splitlines()
    assert re.fullmatch(r"\\begin\{tabular\}\{[lr]+\}", begin)
    assert (top, mid, bottom, end) == (r"\toprule", r"\midrule", r"\bottomrule", r"\end{tabular}")
    for line, cells in zip([header, *rows], [table.columns, *rows_of(table)], strict=True):
        assert line.endswith(r" \\")
        read = re.split(r" (?<!\\)& ", line.removesuffix(r" \\"))
        assert [words(unescaped_latex(cell)) for cell in read] == [words(cell) for cell in cells]


def test_latex_drawings_are_ascii():
    assert latex([Lines(("σ ⠒⠒ █",))]).isascii()


class Cells(HTMLParser):
    def __init__(self):
        super().__init__()
        self.rows = []

    def handle_starttag(self, tag, _attributes):
        if tag == "tr":
            self.rows.append([])
        if tag in {"td", "th"}:
            self.rows[-1].append("")

    def handle_data(self, data):
        if self.rows and self.rows[-1]:
            self.rows[-1][-1] += data


@given(tables())
def test_html_reads_back(table):
    reader = Cells()
    reader.feed(html_of([table]).replace("\n", ""))
    assert [[words(cell) for cell in row] for row in reader.rows] == [
        [words(cell) for cell in row] for row in [table.columns, *rows_of(table)]
    ]


@pytest.mark.parametrize("style", [markdown, latex, html_of])
def test_nothing_is_nothing(style):
    assert style([]) == ""
