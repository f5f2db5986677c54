"""`dlmath run --report FILE.html`: one page that needs nothing else, for a browser, a mail or a printer.

A card a claim: its verdict and source, what was measured, the picture, every cell with the command line that runs it,
and what it all came from. The same cells make the same bytes. Style and behaviour are page.css and page.js, put inside.
"""

from __future__ import annotations

import json
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlmath.report.harmless import visible
from dlmath.report.numbers import figure
from dlmath.runs.cell import machine
from dlmath.runs.plan import line_of
from dlmath.runs.report.chart import chart
from dlmath.runs.report.series import is_drawable
from dlmath.runs.report.tables import half, spread_cells, worded

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from dlmath.runs.report.ran import CellRow, ExpectationVerdict, Ran, Shown
    from dlmath.runs.words import Words

MOST_ROWS = 1000
"""Rows of a table of cells: a page that a phone can hold; the results have all."""
MOST_LISTED = 30
"""Cells that are named below an expectation."""
POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'"
"""Nothing is fetched, from nowhere: the browser holds the page to it."""
WORDS = {True: ("yes", "holds"), False: ("no", "does not hold"), None: ("open", "not judged")}


def page(runs: Sequence[Ran], words: Words) -> str:
    """Return the whole page."""
    held = sum(ran.holds is True for ran in runs)
    title = f"{held} of {len(runs)} experiments hold"
    head = (
        '<meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">',
        '<meta name="color-scheme" content="light dark">',
        '<meta name="generator" content="dlmath">',
        f"<title>{safe(title)} - dlmath</title>",
        f"<style>{beside('page.css')}</style>",
    )
    body = (
        '<a class="skip" href="#claims">Skip to the claims</a>',
        f"<header><h1>{safe(title)}</h1>{contents(runs)}</header>",
        f'<main id="claims">{"".join(map(card, runs))}</main>',
        f"<footer><h2>Where it comes from</h2>{facts(provenance(words))}</footer>",
        '<p id="told" class="hidden" role="status"></p>',
        f"<script>{beside('page.js')}</script>",
    )
    return (
        f'<!doctype html>\n<html lang="en">\n<head>{"".join(head)}</head>\n<body>\n{"".join(body)}\n</body>\n</html>\n'
    )


def beside(name: str) -> str:
    """Return a file that lies beside this one."""
    return Path(__file__).with_name(name).read_text(encoding="utf-8")


def safe(value: object) -> str:
    """Return a value as it may stand in the page: its signs are text, and steer nothing."""
    return escape(visible(str(value)))


def contents(runs: Sequence[Ran]) -> str:
    """Return the list of claims with their verdicts; a single one needs none."""
    if len(runs) == 1:
        return ""
    items = "".join(f'<li><a href="#{safe(ran.name)}">{safe(ran.name)}</a> {mark(ran.holds)}</li>' for ran in runs)
    return f'<nav aria-label="Experiments"><ul class="contents">{items}</ul></nav>'


def mark(holds: bool | None) -> str:  # noqa: FBT001
    """Return a verdict: a word, never a colour alone."""
    kind, word = WORDS[holds]
    return f'<span class="verdict {kind}">{word}</span>'


def card(ran: Ran) -> str:
    """Return everything about one experiment."""
    name = safe(ran.name)
    parts = (
        f'<h2 id="{name}-title">{safe(ran.claim or ran.name)}</h2>',
        f'<p class="under">{mark(ran.holds)} <span>{name}</span></p>',
        f'<p class="source">Source: {safe(ran.source)}</p>' if ran.source else "",
        section("Measured", facts((label, words_of(value)) for label, value in ran.measured.items())),
        chart(ran) if is_drawable(ran) else "",
        section("Expectations", expectations(ran.verdicts)),
        section("Cells that could not be carried out", failures(ran)),
        section("Cells", cells(ran)),
        details(ran),
    )
    return f'<article class="card" id="{name}" aria-labelledby="{name}-title">{"".join(parts)}</article>'


def section(title: str, inner: str) -> str:
    """Return a part of a card under its title, nothing when there is nothing in it."""
    return f"<h3>{safe(title)}</h3>{inner}" if inner else ""


def facts(pairs: Iterable[tuple[str, object]]) -> str:
    """Return named values."""
    items = "".join(f"<div><dt>{safe(name)}</dt><dd>{safe(value)}</dd></div>" for name, value in pairs)
    return f"<dl>{items}</dl>" if items else ""


def words_of(value: Any) -> str:
    """Return a value in words."""
    return figure(worded(value))


def expectations(verdicts: Sequence[ExpectationVerdict]) -> str:
    """Return what was expected, what came of it, and the cells that break it."""
    items = "".join(
        f"<li>{mark(one.holds)} <code>{safe(one.text)}</code>"
        f'<span class="value">measured {safe(words_of(one.value))}</span>{broken(one)}</li>'
        for one in verdicts
    )
    return f'<ul class="expectations">{items}</ul>' if items else ""


def broken(one: ExpectationVerdict) -> str:
    """Return why an expectation has no value, and the cells that break it."""
    why = f'<p class="why">{safe(one.reason)}</p>' if one.reason else ""
    if not one.failing:
        return why
    more = len(one.failing) - MOST_LISTED + one.more if len(one.failing) > MOST_LISTED else one.more
    names = [*map(safe, one.failing[:MOST_LISTED]), *([f"and {more:,} more"] if more else [])]
    return f'{why}<p class="why">Broken by {"; ".join(names)}</p>'


def failures(ran: Ran) -> str:
    """Return the cells that could not be carried out, and why."""
    items = "".join(f"<li>{safe(one.name)}: {safe(one.error)}</li>" for one in ran.failures[:MOST_LISTED])
    more = len(ran.failures) - MOST_LISTED
    return f"<ul>{items}{f'<li>and {more:,} more</li>' if more > 0 else ''}</ul>" if items else ""


def details(ran: Ran) -> str:
    """Return what an experiment came from."""
    pairs = (
        ("file", ran.file),
        ("command", f"dlmath {ran.command}"),
        ("cells", f"{ran.cells:,}"),
        ("random numbers", ran.seeds),
    )
    return f"<details><summary>Provenance of {safe(ran.name)}</summary>{facts(pairs)}</details>"


def provenance(words: Words) -> Iterator[tuple[str, object]]:
    """Yield what all the numbers came from."""
    yield "command", " ".join(["dlmath run", *(words.files or ()), *(f"--set {text}" for text in words.set or ())])
    yield from machine().items()


# --- the table of cells -----------------------------------------------------------------------------------------------


def cells(ran: Ran) -> str:
    """Return the table of cells, sortable and filterable, with the command line of each."""
    if not ran.rows:
        return ""
    name, shown = safe(ran.name), ran.rows[:MOST_ROWS]
    names = list(ran.rows[0].labels)
    titles = [*names, "runs", *ran.columns]
    header = "".join(
        f'<th scope="col" aria-sort="none"><span class="title">{safe(title)}</span></th>' for title in titles
    )
    body = "".join(row_of(row, names) for row in shown)
    more = len(ran.rows) - len(shown)
    note = f"<p>{more:,} more rows are in the results: NAME.csv has all of them.</p>" if more else ""
    return (
        f'<div class="tools"><label>Filter rows <input type="search" data-filters="{name}-cells" autocomplete="off">'
        f'</label> <output for="{name}-cells" data-counts="{name}-cells">{len(shown):,} rows</output></div>'
        f'<div class="scroll" role="region" tabindex="0" aria-label="Cells of {name}">'
        f'<table id="{name}-cells"><thead><tr>{header}<th scope="col">command line</th></tr></thead>'
        f"<tbody>{body}</tbody></table></div>{note}"
    )


def row_of(row: CellRow, names: Sequence[str]) -> str:
    """Return one place in the sweep."""
    labels = "".join(cell_of(row.labels[name], words_of(row.labels[name])) for name in names)
    values = "".join(cell_of(spread_cells(value)[0], shown_value(value)) for value in row.values)
    line = safe(line_of(row.cell))
    label = f"Copy the command line of {safe(row.name)}"
    copy = f'<button type="button" class="copy" hidden aria-label="{label}">Copy</button>'
    return f'<tr>{labels}{cell_of(row.runs, str(row.runs))}{values}<td class="line">{copy}<code>{line}</code></td></tr>'


def cell_of(value: Any, text: str) -> str:
    """Return one cell; `data-v` is what it is sorted by."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    kind = ' class="number"' if is_number else ""
    key = json.dumps(value) if is_number else str(value)
    return f'<td{kind} data-v="{safe(key)}">{safe(text)}</td>'


def shown_value(value: Shown) -> str:
    """Return a value with half of its interval.

    >>> shown_value(None), shown_value("sigmoid")
    ('-', 'sigmoid')
    """
    mean, low, _ = spread_cells(value)
    width = half(mean, low)
    return figure(mean) if width is None else f"{figure(mean)} \N{PLUS-MINUS SIGN} {figure(width, 2)}"
