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


LISTED = 8
"""Allowed words that an error names; of more, the nearest."""

ALIKE = 0.66
"""Share of letters in common, in order, from which a word may be what was meant (`xro` and `xor`: two of three)."""


def nearest(word: str, allowed: Iterable[str]) -> str | None:
    """Return the allowed word most like `word`, or None when none is alike.

    >>> nearest("xro", ["and", "xor"]), nearest("nosuch", ["scharr"]), nearest("sig", ["tanh", "sigmoid"])
    ('xor', None, 'sigmoid')
    """
    names = list(allowed)
    alike = _alike(word, names, 1, ALIKE)
    begun = [name for name in names if len(word) > 2 and name.lower().startswith(word.lower())]
    return next(iter([*alike, *begun]), None)


def _alike(word: str, names: list[str], count: int, share: float) -> list[str]:
    """Return the names most like a word, dashes before both aside."""
    from difflib import get_close_matches

    bare = {name.lower().lstrip("-"): name for name in reversed(names)}
    return [bare[close] for close in get_close_matches(word.lower().lstrip("-"), list(bare), n=count, cutoff=share)]


def listing(word: str, names: list[str]) -> str:
    """Return the allowed words; of many those most like `word`, in their order, and how many more there are.

    >>> listing("x", ["and", "xor"]), listing("9", list("abcdefghij9"))
    ('and, xor', 'd, e, f, g, h, i, j, 9, and 3 more')
    """
    if len(names) <= LISTED:
        return ", ".join(names)
    near = set(_alike(word, names, LISTED, 0.0)) if nearest(word, names) else set(names[:LISTED])
    kept = [name for name in names if name in near][:LISTED]
    return f"{', '.join(kept)}, and {len(names) - len(kept)} more"


def unknown(kind: str, word: str, allowed: Iterable[str], where: str = "") -> InvalidValueError:
    """Return the error for a mistyped name: the nearest match, and what is allowed.

    Parameters
    ----------
    kind, word : str
        What it should have been, and what was written.
    allowed : iterable of str
        The names there are.
    where : str
        The command line that lists them all, when they are many.

    >>> print(unknown("gate", "xro", ["and", "xor"]))
    unknown gate 'xro'; did you mean 'xor'? (allowed: and, xor)
    """
    names = list(dict.fromkeys(allowed))
    close = nearest(word, names)
    listed = listing(word, names) + (f": {where}" if where and len(names) > LISTED else "")
    mend = f"did you mean '{close}'? (allowed: {listed})" if close else f"allowed: {listed}"
    return InvalidValueError(f"unknown {kind} {word!r}", mend)
