"""Text input: files and standard input read whole, YAML with the place of its errors."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

from dlmath.errors import UnreadableError
from dlmath.files.atomic import STANDARD
from dlmath.files.examples import path_of
from dlmath.files.missing import mend_for
from dlmath.files.standard import standard_text
from dlmath.files.structure import MAX_DEPTH, check_text, faults_told, loader


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

    with faults_told(name):
        check_text(text)
        return yaml.load(text, Loader=loader())  # noqa: S506  it is a safe one


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
