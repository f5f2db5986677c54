"""Standard input, read once and remembered: what is checked before the work is there for the work as well."""

from __future__ import annotations

import sys
from typing import Any

from dlmath.errors import UnreadableError

_TAKEN: dict[str, Any] = {}
"""The stream that was read, under "stream", and what it held, under "text" or "bytes"."""


def standard_text() -> str:
    """Return all of standard input as text.

    Raises
    ------
    UnreadableError
        When it is closed.
    """
    return str(_remembered("text"))


def standard_bytes() -> bytes:
    """Return all of standard input as bytes.

    Raises
    ------
    UnreadableError
        When it is closed.
    """
    return bytes(_remembered("bytes"))


def _remembered(kind: str) -> Any:
    stream: Any = sys.stdin
    if stream is None:
        raise UnreadableError("standard input is closed", "send it a file or a pipe")
    if _TAKEN.get("stream") is not stream:
        _TAKEN.clear()
        _TAKEN["stream"] = stream
    if kind not in _TAKEN:
        _TAKEN[kind] = stream.read() if kind == "text" else stream.buffer.read()
    return _TAKEN[kind]
