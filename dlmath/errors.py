"""The errors a user can cause, one class a meaning; the command line turns each into one line.

Every error says WHAT was wrong, naming the value, and HOW TO MEND it. Low layers raise these; only
`dlmath.__main__` catches them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class DlmathError(Exception):
    """A request that was wrong or could not be carried out.

    Parameters
    ----------
    what : str
        What was wrong, with the value that was wrong in it.
    mend : str
        What to do instead: the allowed values, the nearest match, the next step.
    """

    def __init__(self, what: str, mend: str) -> None:
        super().__init__(what, mend)
        self.what = what
        self.mend = mend

    def __str__(self) -> str:
        return f"{self.what}; {self.mend}"


class InvalidValueError(DlmathError):
    """A word or number on the command line or in a file that is not allowed there."""


class ShapeError(DlmathError):
    """Shapes that do not fit together, or that no operation can have."""


class UnreadableError(DlmathError):
    """An input file that is missing, cut short or not what it claims to be."""


class UnwritableError(DlmathError):
    """An output file that cannot be written."""


class TooLargeError(DlmathError):
    """A request whose memory or time would exceed what the machine has."""


class MissingExtraError(DlmathError):
    """An optional package that the request needs is not installed."""


def nearest(word: str, allowed: Iterable[str]) -> str | None:
    """Return the allowed word most like `word`, or None when none is alike."""
    from difflib import get_close_matches

    found = get_close_matches(word.lower(), list(allowed), n=1, cutoff=0.5)
    return found[0] if found else None


def unknown(kind: str, word: str, allowed: Iterable[str]) -> InvalidValueError:
    """Return the error for a mistyped name: the nearest match, and what is allowed.

    >>> print(unknown("gate", "xro", ["and", "xor"]))
    unknown gate 'xro'; did you mean 'xor'? (allowed: and, xor)
    """
    names = list(allowed)
    close = nearest(word, names)
    listing = ", ".join(names)
    mend = f"did you mean '{close}'? (allowed: {listing})" if close else f"allowed: {listing}"
    return InvalidValueError(f"unknown {kind} {word!r}", mend)
