"""Text input: files and standard input read whole, YAML with the place of its errors."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlmath.errors import UnreadableError
from dlmath.files.atomic import STANDARD
from dlmath.files.standard import standard_text

if TYPE_CHECKING:
    from collections.abc import Iterable


MAX_DEPTH = 100
"""Levels a YAML document may be nested; the parser's C stack ends somewhere beyond."""


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
        return Path(name).read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise UnreadableError(f"{shown(name)}: is not UTF-8 text (byte {error.start})", "give a text file") from error
    except OSError as error:
        raise UnreadableError(f"{shown(name)}: {error.strerror}", "check the name and its permissions") from error


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
            return json.loads(text, object_pairs_hook=unique)
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        check_structure(yaml.parse(text, Loader=loader))
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


def fault(problem: str, mark: Any) -> Exception:
    """Return the error the parser itself would raise at a place."""
    import yaml

    return yaml.MarkedYAMLError(problem=problem, problem_mark=mark)


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
                raise fault("is nested too deep", event.start_mark)
        elif isinstance(event, yaml.CollectionEndEvent):
            open_levels.pop()
            at_key.pop()
