"""Blocks as Markdown (GitHub's tables), as LaTeX (booktabs) and as HTML: for a page, a paper, a notebook."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

from dlmath.report.blocks import Facts, Lines, Table, figure, is_number, text_of
from dlmath.report.cells import is_right, rows_of
from dlmath.report.glyphs import in_ascii

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from dlmath.report.blocks import Block

MARKDOWN = {letter: "\\" + letter for letter in "\\`*_{}[]<>#|~"}
"""What Markdown would take for its own, as it must be written."""

LATEX = {
    **{letter: "\\" + letter for letter in "&%$#_{}"},
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
}


def escaped(text: str, signs: dict[str, str]) -> str:
    r"""Return text with some characters written as a markup language wants them.

    >>> escaped("a_b | 50 %", MARKDOWN), escaped("a_b & 50 %", LATEX)
    ('a\\_b \\| 50 %', 'a\\_b \\& 50 \\%')
    """
    return "".join(signs.get(letter, letter) for letter in text)


def gridded(block: Table | Facts) -> tuple[tuple[str, ...], list[list[str]], list[bool]]:
    """Return what stands in a table or in named values: header, rows, and which columns are right-aligned."""
    if isinstance(block, Table):
        return block.columns, rows_of(block), [is_right(block, index) for index in range(len(block.columns))]
    right = all(is_number(value) for _, value in block.pairs)
    return ("", ""), [[name, figure(value, block.digits)] for name, value in block.pairs], [False, right]


def joined(blocks: Iterable[Block], write: Callable[[Block], Iterator[str]]) -> str:
    """Return the blocks written one after the other, an empty line between two."""
    return "\n".join("\n".join((*write(block), "")) for block in blocks)


# --- Markdown ---------------------------------------------------------------------------------------------------------


def markdown(blocks: Iterable[Block]) -> str:
    """Return the blocks as GitHub-flavoured Markdown: tables as tables, drawings and formulas as code."""
    return joined(blocks, markdown_block)


def markdown_block(block: Block) -> Iterator[str]:
    """Yield the lines of one block."""
    if block.title:
        yield f"**{escaped(block.title, MARKDOWN)}**"
        yield ""
    if isinstance(block, Lines):
        lines = [text_of(line).rstrip() for line in block.lines]
        fence = fence_for(lines)
        yield from (fence + "text", *lines, fence)
        return
    header, rows, right = gridded(block)
    yield markdown_row(header)
    yield "| " + " | ".join("---:" if is_number else "---" for is_number in right) + " |"
    yield from map(markdown_row, rows)


def fence_for(lines: Sequence[str]) -> str:
    """Return a fence that no line of the code closes.

    >>> fence_for(["a"]), fence_for(["```"])
    ('```', '````')
    """
    fence = "```"
    while any(line.lstrip().startswith(fence) for line in lines):
        fence += "`"
    return fence


def markdown_row(cells: Iterable[str]) -> str:
    """Return one row of a table."""
    return "| " + " | ".join(escaped(cell, MARKDOWN) for cell in cells) + " |"


# --- LaTeX ------------------------------------------------------------------------------------------------------------


def latex(blocks: Iterable[Block]) -> str:
    """Return the blocks as LaTeX with booktabs: tables as tabular, drawings and formulas verbatim."""
    return joined(blocks, latex_block)


def latex_block(block: Block) -> Iterator[str]:
    """Yield the lines of one block."""
    if block.title:
        yield rf"\paragraph{{{escaped(in_ascii(block.title), LATEX)}}}"
    if isinstance(block, Lines):
        yield r"\begin{verbatim}"
        yield from (in_ascii(text_of(line)).rstrip() for line in block.lines)  # its fonts have no braille
        yield r"\end{verbatim}"
        return
    header, rows, right = gridded(block)
    yield rf"\begin{{tabular}}{{{''.join('r' if is_number else 'l' for is_number in right)}}}"
    yield r"\toprule"
    if any(header):
        yield latex_row(header)
        yield r"\midrule"
    yield from map(latex_row, rows)
    yield r"\bottomrule"
    yield r"\end{tabular}"


def latex_row(cells: Iterable[str]) -> str:
    """Return one row of a tabular."""
    return " & ".join(escaped(in_ascii(cell), LATEX) for cell in cells) + r" \\"


# --- HTML -------------------------------------------------------------------------------------------------------------


def html_of(blocks: Iterable[Block]) -> str:
    """Return the blocks as HTML, for a notebook."""
    return joined(blocks, html_block)


def html_block(block: Block) -> Iterator[str]:
    """Yield the lines of one block."""
    if block.title:
        yield f"<p><strong>{html.escape(block.title)}</strong></p>"
    if isinstance(block, Lines):
        yield "<pre>" + "\n".join(html.escape(text_of(line).rstrip()) for line in block.lines) + "</pre>"
        return
    header, rows, right = gridded(block)
    yield "<table>"
    if any(header):
        yield "<thead>" + html_row(header, right, "th") + "</thead>"
    yield "<tbody>"
    yield from (html_row(row, right, "td") for row in rows)
    yield "</tbody></table>"


def html_row(cells: Iterable[str], right: Iterable[bool], tag: str) -> str:
    """Return one row, numbers to the right."""
    sides = ("right" if is_number else "left" for is_number in right)
    each = zip(cells, sides, strict=True)
    return "<tr>" + "".join(f'<{tag} style="text-align:{side}">{html.escape(c)}</{tag}>' for c, side in each) + "</tr>"
