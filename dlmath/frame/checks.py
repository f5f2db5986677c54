"""Checks of single option values; each returns the value or raises the error that names the option."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from dlmath.errors import InvalidValueError

if TYPE_CHECKING:
    from collections.abc import Mapping

T = TypeVar("T")


def at_least(option: str, value: int, low: int) -> int:
    """Return an integer of at least `low`."""
    if value < low:
        raise InvalidValueError(f"{option} {value} is not allowed", f"give a whole number of at least {low}")
    return value


def widths(option: str, word: str) -> tuple[int, ...]:
    """Return the widths of hidden layers: `4`, `4,3`, or `none`.

    >>> widths("--hidden", "4,3"), widths("--hidden", "none")
    ((4, 3), ())
    """
    if word.lower() == "none":
        return ()
    parts = [part.strip() for part in word.split(",")]
    wrong = next((part for part in parts if not part.isdecimal() or int(part) < 1), None)
    if wrong is not None:
        raise InvalidValueError(
            f"{option} {word}: {wrong!r} is not a width", "give whole numbers from 1, as 4 or 4,3; or none"
        )
    return tuple(map(int, parts))


def given(value: T | None, default: T) -> T:
    """Return the value when the user gave one, else the default."""
    return default if value is None else value


def refuse(given_options: Mapping[str, object], reason: str) -> None:
    """Refuse options that would be parsed and ignored.

    Parameters
    ----------
    given_options : mapping
        Option to value; None and False mean it was not given.
    reason : str
        Why they have no meaning here.
    """
    for option, value in given_options.items():
        if value is not None and value is not False:
            raise InvalidValueError(f"{option} has no meaning {reason}", "leave it away")
