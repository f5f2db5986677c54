"""Text input: files and standard input read whole, YAML with the place of its errors."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from dlmath.errors import UnreadableError
from dlmath.files.atomic import STANDARD
from dlmath.files.examples import path_of
from dlmath.files.missing import mend_for
from dlmath.files.standard import standard_text

if TYPE_CHECKING:
    from collections.abc import Iterable


MAX_DEPTH = 100
"""Levels a YAML document may be nested; the parser's C stack ends somewhere beyond."""

TOO_DEEP = "is nested too deep"


def shown(name: str) -> str:
    """Return how messages call a file.

    >>> shown("rows.csv"), shown("-")
    ('rows.csv', 'standard input')
    """
    return "standard input" if name == STANDARD else name


def read_text(name: str) -> str:
    """Return the text of a file, `-` being standard input.

    Raises
    ------
    UnreadableError
        When it is missing, a folder, not permitted, or not UTF-8 text.
    """
    try:
        if name == STANDARD:
            return standard_text().removeprefix("\ufeff")
        return path_of(name).read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise UnreadableError(f"{shown(name)}: is not UTF-8 text (byte {error.start})", "give a text file") from error
    except OSError as error:
        raise UnreadableError(f"{shown(name)}: {error.strerror}", mend_for(name, error)) from error


def load_yaml(text: str, name: str) -> Any:
    """Parse YAML (JSON is a part of it).

    Raises
    ------
    UnreadableError
        With file, line and column of the fault; a key that stands twice is one.
    """
    if text.lstrip()[:1] in {"{", "["}:
        # A printed JSON result is read a hundred times faster by its own parser; what is no JSON may still be YAML
        with suppress(ValueError, RecursionError):
            document = json.loads(text, object_pairs_hook=unique)
            if not is_too_deep(document):
                return document  # else YAML's reading tells the place
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        check_text(text)
        return yaml.load(text, Loader=loader)  # noqa: S506  both loaders are the safe ones
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f":{mark.line + 1}:{mark.column + 1}" if mark else ""
        raise UnreadableError(f"{name}{place}: {error.problem}", "mend the YAML there") from error
    except (yaml.YAMLError, ValueError, OverflowError, RecursionError) as error:
        raise UnreadableError(f"{name}: {error}", "mend the YAML") from error


def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return a JSON object, unless a key stands twice in it."""
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("a key stands twice")
    return made


def is_too_deep(document: Any) -> bool:
    """Tell whether lists and objects are nested deeper than is allowed; every level is walked once.

    >>> is_too_deep({"a": [1, []]})
    False
    """
    level = [document]
    for _ in range(MAX_DEPTH + 1):
        containers = [item for item in level if isinstance(item, dict | list)]
        level = [inner for item in containers for inner in (item.values() if isinstance(item, dict) else item)]
        if not containers:
            return False
    return True


def fault(problem: str, mark: Any) -> Exception:
    """Return the error the parser itself would raise at a place."""
    import yaml

    return yaml.MarkedYAMLError(problem=problem, problem_mark=mark)


def check_text(text: str) -> None:
    """Refuse YAML whose keys stand twice, or that is nested too deep, before any of it is composed.

    The parser reads ahead of its events and may meet a limit of its own first: what lies before the place it complains
    of is then read once more, so that too deep a nesting is told as such, at the place where it becomes too deep.
    """
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        check_structure(yaml.parse(text, Loader=loader))
    except yaml.MarkedYAMLError as error:
        before = text[: error.problem_mark.index] if error.problem_mark else ""
        if (mark := place_too_deep(yaml.parse(before, Loader=loader))) is not None:
            raise fault(TOO_DEEP, mark) from error
        raise


def place_too_deep(events: Iterable[Any]) -> Any:
    """Return the mark where a document is nested too deep; None where it ends, or breaks off, before that."""
    import yaml

    depth = 0
    with suppress(yaml.YAMLError):
        for event in events:
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > MAX_DEPTH:
                return event.start_mark
    return None


def check_structure(events: Iterable[Any]) -> None:
    """Refuse keys that stand twice (YAML would keep the last without a word) and bottomless nesting."""
    import yaml

    open_levels: list[set[str] | None] = []  # a mapping's keys so far; None for a sequence
    at_key: list[bool] = []
    for event in events:
        if isinstance(event, yaml.NodeEvent) and open_levels and (keys := open_levels[-1]) is not None:
            if at_key[-1] and isinstance(event, yaml.ScalarEvent):
                if event.value in keys:
                    raise fault(f"{event.value!r} stands twice", event.start_mark)
                keys.add(event.value)
            at_key[-1] = not at_key[-1]
        if isinstance(event, yaml.CollectionStartEvent):
            open_levels.append(set() if isinstance(event, yaml.MappingStartEvent) else None)
            at_key.append(True)
            if len(open_levels) > MAX_DEPTH:
                raise fault(TOO_DEEP, event.start_mark)
        elif isinstance(event, yaml.CollectionEndEvent):
            open_levels.pop()
            at_key.pop()
