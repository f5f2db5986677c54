"""YAML whose every value knows its place, so that an error can say file, line and column."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from dlmath.errors import InvalidValueError, unknown
from dlmath.files.structure import MEND, check_text, faults_told, loader
from dlmath.files.text import read_text, shown

if TYPE_CHECKING:
    from collections.abc import Iterable


MERGE = "<<"


class Place(NamedTuple):
    """A place in a file; lines and columns count from 1. An option of the command line has neither.

    What stands there may run over several lines: places within it are not told apart.
    """

    file: str
    line: int = 0
    column: int = 0
    folded: bool = False

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}" if self.line else self.file

    def shifted(self, columns: int) -> Place:
        """Return a place further right on the line."""
        return self._replace(column=self.column + columns) if self.line and not self.folded else self


class Scalar(NamedTuple):
    """A value as it was written, without YAML's guess of its type: `0110` is a truth table, not the number 72."""

    text: str
    place: Place
    quoted: bool = False

    @property
    def is_null(self) -> bool:
        """Whether nothing is written, or what YAML calls null."""
        return not self.quoted and self.text in {"", "~", "null"}


class Entries(NamedTuple):
    """A mapping: its keys with their places, and their values."""

    items: dict[str, tuple[Place, Any]]
    place: Place


class Listing(NamedTuple):
    """A list."""

    items: list[Any]
    place: Place


def wrong(place: Place, what: str, mend: str) -> InvalidValueError:
    """Return an error that names a place."""
    return InvalidValueError(f"{place}: {what}", mend)


def unknown_at(place: Place, kind: str, word: str, allowed: Iterable[str]) -> InvalidValueError:
    """Return the error for a mistyped word at a place, with the nearest match."""
    error = unknown(kind, word, allowed)
    return wrong(place, error.what, error.mend)


def read_documents(name: str, mend: str = MEND) -> list[Any]:
    """Return the documents of a YAML file as `Entries`, `Listing` and `Scalar`; `mend` is what faults tell to do.

    Raises
    ------
    UnreadableError
        With file, line and column of the fault.
    """
    return compose(read_text(name), shown(name), mend)


def compose(text: str, name: str, mend: str = MEND) -> list[Any]:
    """Return the documents in a text; `name` is what errors call it."""
    import yaml

    with faults_told(name, mend):
        check_text(text)
        return [located(node, name) for node in yaml.compose_all(text, Loader=loader()) if node is not None]


def located(node: Any, name: str) -> Any:
    """Return a node of the parser as one of ours."""
    import yaml

    folded = node.end_mark.line > node.start_mark.line
    place = Place(name, node.start_mark.line + 1, node.start_mark.column + 1, folded)
    match node:
        case yaml.ScalarNode():
            return Scalar(node.value, place, quoted=bool(node.style))
        case yaml.SequenceNode():
            return Listing([located(item, name) for item in node.value], place)
        case _:
            return Entries(pairs_of(node, name), place)


def pairs_of(node: Any, name: str) -> dict[str, tuple[Place, Any]]:
    """Return a mapping's keys and values; those that `<<` takes over from another stand behind its own.

    Of several that are taken over the first one that has a key counts, as YAML has it.
    """
    own: dict[str, tuple[Place, Any]] = {}
    merged: dict[str, tuple[Place, Any]] = {}
    for key, value in node.value:
        written, below = located(key, name), located(value, name)
        if not isinstance(written, Scalar):
            raise wrong(written.place, "a key is a list or a mapping", "write a word before the colon")
        if written.text == MERGE and not written.quoted:
            for part in items_of(below):
                taken = entries(part, "what << takes over", "name a mapping that has an &anchor: <<: *anchor")
                merged = {**taken.items, **merged}
        else:
            own[written.text] = (written.place, below)
    return {**{key: entry for key, entry in merged.items() if key not in own}, **own}


def entries(value: Any, what: str, mend: str) -> Entries:
    """Return a value that must be a mapping."""
    if not isinstance(value, Entries):
        raise wrong(value.place, f"{what} is no mapping", mend)
    return value


def items_of(value: Any) -> list[Any]:
    """Return the items of a list; a single value is a list of one."""
    return value.items if isinstance(value, Listing) else [value]


def text_of(value: Any, what: str) -> str:
    """Return a value that must be one line of text."""
    if not isinstance(value, Scalar):
        raise wrong(value.place, f"{what} is no text", "write one value, in quotation marks if it has special signs")
    return " ".join(value.text.split())


def place_at(text: str, name: str, path: Iterable[str | int]) -> Place:
    """Return the place of a path (keys and numbers of items) in a YAML text: of the last part of it that is there."""
    value = next(iter(compose(text, name)), None)
    place = Place(name, 1, 1) if value is None else value.place
    for step in path:
        if isinstance(value, Entries) and str(step) in value.items:
            place, value = value.items[str(step)]
        elif isinstance(value, Listing) and isinstance(step, int) and step < len(value.items):
            value = value.items[step]
            place = value.place
        else:
            break
    return place
