"""Inverse questions: the largest number in place of `?` for which a count stays within a limit.

    dlmath param-count conv:3x3x? relu conv:3x3x? --input 112x112x64 --solve params=1M

All `?` are one number. The search needs only that the count does not fall as the number grows; where some numbers
cannot be (groups must divide the channels, a window must fit the image), it goes in steps of those that can.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from dlmath.counting.engine.checks import QUANTITIES, SHAPES, read_number
from dlmath.counting.engine.open_sizes import is_open
from dlmath.errors import DlmathError, InvalidValueError, unknown

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

UNKNOWN = "?"
LARGEST = 10**9
"""No layer has more channels: a limit that allows them is no limit."""
MOST_STEPS = 4096
"""How far apart numbers that can be may lie: groups, strides and kernels are smaller."""
SAME_WORDS, SAME_FAULTS = 3, 256
"""So many numbers with a fault of words, or with the very same fault of a shape: it is not the number's."""
RELATIONS = ("<=", ">=", "=")
"""At most; at least; `=` is at most too: the limit one has."""


class Limit(NamedTuple):
    """A limit on a count.

    Attributes
    ----------
    text : str
    quantity : str
    value : int
    at_least : bool
        The smallest number is wanted for which the count is the value or more.
    """

    text: str
    quantity: str
    value: int
    at_least: bool = False


class Solution(NamedTuple):
    """The number that was looked for, and what the next one would cost.

    Attributes
    ----------
    number : int
    value : int
        The count with that number.
    next_number : int
        The next number that can be (the one before, for "at least"); the number itself where there is none.
    next_value : int
        With it the limit is passed (for "at least": not yet reached).
    """

    number: int
    value: int
    next_number: int
    next_value: int


def parse_limit(text: str) -> Limit:
    """Read `QUANTITY=LIMIT`, `QUANTITY<=LIMIT` or `QUANTITY>=LIMIT`.

    Raises
    ------
    InvalidValueError
        With what is allowed.

    Examples
    --------
    >>> parse_limit("params<=1M")
    Limit(text='params<=1M', quantity='params', value=1000000, at_least=False)
    """
    for relation in RELATIONS:
        name, found, value = text.partition(relation)
        if found:
            quantity = name.strip().replace("-", "_").lower()
            allowed = [each for each in QUANTITIES if each not in SHAPES]
            if quantity not in allowed:
                raise unknown("quantity to solve for", quantity[:40], allowed)
            return Limit(text, quantity, read_number(text, value.strip().lower())[0], relation == ">=")
    raise InvalidValueError(f"--solve {text[:40]!r} has no limit", "write QUANTITY=LIMIT, such as params=1M")


def filled(words: Sequence[str], number: int) -> list[str]:
    """Return words with the number in place of every `?`.

    >>> filled(["conv:3x3x?", "relu"], 64)
    ['conv:3x3x64', 'relu']
    """
    return [word.replace(UNKNOWN, str(number)) for word in words]


def solve(limit: Limit, count: Callable[[int], int]) -> Solution:
    """Return the largest number whose count is within the limit (the smallest that reaches it, for "at least").

    Parameters
    ----------
    limit : Limit
    count : callable
        number -> count, which must not fall as the number grows; raises DlmathError for numbers that cannot be.

    Raises
    ------
    InvalidValueError
        When even the smallest number passes the limit, when no number reaches it, or when none can be.

    Examples
    --------
    >>> solve(parse_limit("params=1M"), lambda width: 9 * width * width + width)
    Solution(number=333, value=998334, next_number=334, next_value=1004338)
    """
    first, step = _grid(count)
    if is_open(count(first)):
        raise InvalidValueError(f"{limit.text}: {limit.quantity} is not known, as sizes are open", "give --input whole")
    value = limit.value - 1 if limit.at_least else limit.value
    if count(first) > value:
        return _at_the_start(limit, first, count(first))
    place = _last_within(lambda number: count(first + step * number) <= value, (LARGEST - first) // step)
    if place is None:
        raise InvalidValueError(
            f"{limit.text}: {limit.quantity} stays at {count(first + step * 1000):,} or so however large ? becomes",
            f"put ? where {limit.quantity} depends on it",
        )
    below, above = first + step * place, first + step * (place + 1)
    if limit.at_least:
        below, above = above, below
    return Solution(below, count(below), above, count(above))


def _at_the_start(limit: Limit, first: int, least: int) -> Solution:
    """Return the smallest number where it is the answer; for "at most" there is none."""
    if limit.at_least:
        return Solution(first, least, first, least)
    raise InvalidValueError(
        f"{limit.text}: already ? = {first} gives {limit.quantity} = {least:,}",
        "raise the limit or make the rest smaller",
    )


def _grid(count: Callable[[int], int]) -> tuple[int, int]:
    """Return the smallest number that can be, and how far it is to the next one."""
    first = _next_possible(count, 1)
    return first, _next_possible(count, first + 1) - first


def _next_possible(count: Callable[[int], int], start: int) -> int:
    faults: list[str] = []
    for number in range(start, start + MOST_STEPS):
        try:
            count(number)
        except DlmathError as error:
            faults.append(error.what)
            if len(faults) == SAME_WORDS and isinstance(error, InvalidValueError):
                raise  # a word is wrong, not a number
            if len(faults) == SAME_FAULTS and len(set(faults)) == 1:
                break
        else:
            return number
    raise InvalidValueError(
        f"no number from {start} to {start + len(faults) - 1} can stand for ?: {faults[0]}",
        "change the layers around it",
    )


def _last_within(within: Callable[[int], bool], most: int) -> int | None:
    """Return the last place that is within, which place 0 is; None when all are. Galloping, then bisection."""
    low, high = 0, 1
    while high <= most and within(high):
        low, high = high, 2 * high
    if high > most:
        return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if within(middle) else (low, middle)
    return low
