"""YAML whose every value knows its place, so that an error can say file, line and column."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from dlmath.errors import InvalidValueError, UnreadableError, unknown
from dlmath.files.text import check_text, read_text, shown

if TYPE_CHECKING:
    from collections.abc import Iterable


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


def read_documents(name: str) -> list[Any]:
    """Return the documents of a YAML file as `Entries`, `Listing` and `Scalar`.

    Raises
    ------
    UnreadableError
        With file, line and column of the fault.
    """
    return compose(read_text(name), shown(name))


def compose(text: str, name: str) -> list[Any]:
    """Return the documents in a text; `name` is what errors call it."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        check_text(text)
        return [located(node, name) for node in yaml.compose_all(text, Loader=loader) if node is not None]
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f":{mark.line + 1}:{mark.column + 1}" if mark else ""
        raise UnreadableError(f"{name}{place}: {error.problem}", "mend the YAML there") from error
    except (yaml.YAMLError, RecursionError) as error:
        raise UnreadableError(f"{name}: {error}", "mend the YAML") from error


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
            items = {}
            for key, value in node.value:
                written = located(key, name)
                if not isinstance(written, Scalar):
                    raise wrong(written.place, "a key is a list or a mapping", "write a word before the colon")
                items[written.text] = (written.place, located(value, name))
            return Entries(items, place)


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
