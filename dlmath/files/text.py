"""Text input: files and standard input read whole, YAML with the place of its errors."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from dlmath.errors import UnreadableError
from dlmath.files.atomic import STANDARD


def read_text(name: str) -> str:
    """Return the text of a file, `-` being standard input.

    Raises
    ------
    UnreadableError
        When it is missing, a folder, not permitted, or not UTF-8 text.
    """
    try:
        if name == STANDARD:
            return sys.stdin.read()
        return Path(name).read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise UnreadableError(f"{name}: is not UTF-8 text (byte {error.start})", "give a text file") from error
    except OSError as error:
        raise UnreadableError(f"{name}: {error.strerror}", "check the name and its permissions") from error


def load_yaml(text: str, name: str) -> Any:
    """Parse YAML (JSON is a part of it).

    Raises
    ------
    UnreadableError
        With file, line and column of the fault.
    """
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        return yaml.load(text, Loader=loader)  # noqa: S506  both loaders are the safe ones
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f":{mark.line + 1}:{mark.column + 1}" if mark else ""
        raise UnreadableError(f"{name}{place}: {error.problem}", "mend the YAML there") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise UnreadableError(f"{name}: {error}", "mend the YAML") from error
