"""`dlmath COMMAND --help`: the declaration of a command, as text."""

from __future__ import annotations

import shutil
import textwrap
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dlmath.frame.command import Command
    from dlmath.frame.words import Word

WIDEST = 100
INDENT = 2
COLUMN = 26
"""Where the explanations begin."""


def help_of(command: Command, width: int | None = None) -> str:
    """Return the help of a command: usage, what it does, examples, then its words panel by panel."""
    columns = width or min(shutil.get_terminal_size().columns, WIDEST)
    own = list(command.words.ALL.values())
    shared = command.output_words
    parts = ["\n".join(wrapped(usage(command), columns, "", 7)), *paragraphs(command.about, columns)]
    if command.examples:
        parts.append("\n".join(("Examples:", *example_lines(command, columns))))
    for panel, words in panels([*own, *shared]).items():
        lines = [line for word in words for line in entry(word, columns)]
        parts.append("\n".join((f"{panel.capitalize()}:", *lines)))
    return "\n\n".join(parts)


def usage(command: Command) -> str:
    """Return the first line.

    >>> from dlmath.frame.registry import command_of
    >>> usage(command_of("vanishing"))
    'Usage: dlmath vanishing [OPTIONS]'
    """
    arguments = [
        f"[{word.metavar}]{'...' if word.many else ''}" for word in command.words.ALL.values() if not word.flag
    ]
    return " ".join(("Usage: dlmath", command.name, *arguments, "[OPTIONS]"))


def paragraphs(text: str, width: int) -> list[str]:
    """Return paragraphs, each wrapped at words."""
    return ["\n".join(wrapped(" ".join(part.split()), width, " " * INDENT, INDENT)) for part in text.split("\n\n")]


def wrapped(text: str, width: int, first: str, hanging: int) -> list[str]:
    """Return text in lines of at most `width`, broken between words only."""
    return textwrap.wrap(
        text, width, initial_indent=first, subsequent_indent=" " * hanging, break_long_words=False,
        break_on_hyphens=False,
    )  # fmt: skip


def example_lines(command: Command, width: int) -> Iterator[str]:
    """Yield the examples, what each shows beside it, or below where both are too long."""
    column = 2 * INDENT + max(len(f"dlmath {line}") for line, _ in command.examples)
    for line, shows in command.examples:
        typed = f"{' ' * INDENT}dlmath {line}"
        if all(column + len(other) <= width for _, other in command.examples):
            yield f"{typed:<{column}}{shows}"
        else:
            yield from wrapped(typed, width, "", INDENT + 4)
            yield from wrapped(shows, width, " " * (INDENT + 4), INDENT + 4)


def panels(words: list[Word]) -> dict[str, list[Word]]:
    """Return the words under their headings, in the order in which headings first appear; those of output last."""
    grouped: dict[str, list[Word]] = {"arguments": []}
    for word in words:
        grouped.setdefault(word.panel or "options", []).append(word)
    last = grouped.pop("output", [])
    return {panel: members for panel, members in {**grouped, "output": last}.items() if members}


def entry(word: Word, width: int) -> Iterator[str]:
    """Yield one word's lines: how it is typed, then what it means, its choices, default and variable."""
    head = " " * INDENT + typed(word)
    text = " ".join(part for part in (word.help, choices(word), default(word), variable(word)) if part)
    if len(head) + 2 <= COLUMN:
        yield from wrapped(text, width, f"{head:<{COLUMN}}", COLUMN)
    else:
        yield head
        yield from wrapped(text, width, " " * COLUMN, COLUMN)


def typed(word: Word) -> str:
    """Return a word as it is typed, with the name of its value."""
    if word.is_argument:
        return word.metavar
    flag = f"{word.flag}/--no-{word.flag[2:]}" if word.default is True else word.flag
    return " ".join(part for part in (f"{word.short}," if word.short else "", flag, word.metavar) if part)


def choices(word: Word) -> str:
    """Return the allowed words, or those that can be named."""
    named = word.choices or (() if callable(word.suggestions) or word.is_argument else tuple(word.suggestions))
    return f"One of {', '.join(named)}." if named else ""


def default(word: Word) -> str:
    """Return what is taken when nothing is said."""
    if word.kind is bool and word.default is True:
        return "[default: yes]"
    said = word.usual or ("" if word.default is None or word.default is False else str(word.default))
    return f"[default: {said}]" if said else ""


def variable(word: Word) -> str:
    """Return the environment variable that sets the default."""
    return f"[{word.variable}]" if word.variable else ""
