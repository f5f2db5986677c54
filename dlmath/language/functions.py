"""The functions of the language of expectations: a table of pure functions over JSON-like values.

What has no value (null: the epochs of networks that never learned) has no mean either: null goes in, null comes out,
and no comparison with it holds.
"""

from __future__ import annotations

import math
import re
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

from dlmath.errors import InvalidValueError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

MANY = 1000
MONOTONE = ("increasing", "decreasing", "nondecreasing", "nonincreasing")


class ExpressionError(InvalidValueError):
    """An expression that cannot be read or has no value; `position` counts characters from 0."""

    def __init__(self, what: str, mend: str, position: int = 0) -> None:
        super().__init__(what, mend)
        self.position = position


class Function(NamedTuple):
    """A function and how it is written.

    Parameters
    ----------
    call : callable
        Takes the values of the arguments.
    arity : (int, int)
        Least and most arguments.
    usage : str
        An example.
    scalar : bool
        Whether it is of one number, and so has no meaning over a list.
    """

    call: Callable[..., Any]
    arity: tuple[int, int]
    usage: str
    scalar: bool = False


def natural(value: Any) -> Any:
    """Return a word that is a number as that number: options such as `hidden` are words and hold numbers.

    >>> natural("2"), natural("0110"), natural("4,3"), natural("1e-3"), natural(True)
    (2, '0110', '4,3', 0.001, True)
    """
    if not isinstance(value, str):
        return value
    if re.fullmatch(r"-?(0|[1-9][0-9]{0,17})", value):
        return int(value)
    return float(value) if re.fullmatch(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?(e[-+]?[0-9]+)?", value) else value


def numbers(values: Iterable[Any]) -> list[Any]:
    """Return the numbers in nested lists as one list; true and false count as 1 and 0.

    >>> numbers([[1, 2], 3])
    [1, 2, 3]
    """
    found: list[Any] = []
    for value in values:
        if isinstance(value, list | tuple):
            found += numbers(value)
        elif value is None or isinstance(value, int | float):
            found.append(value)
        else:
            raise ExpressionError(f"{value!r} is no number", "name a path that holds numbers")
    return found


def of_numbers(function: Callable[[Sequence[Any]], Any]) -> Callable[..., Any]:
    """Return a function of numbers and lists of numbers that is null when one of them is."""

    def call(*values: Any) -> Any:
        flat = numbers(values)
        if not flat:
            raise ExpressionError("there are no numbers in it", "name a path that holds some")
        return None if None in flat else function(flat)

    return call


def of_one(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return a function of one number that is null for null."""

    def call(value: Any) -> Any:
        if value is not None and not isinstance(value, int | float):
            raise ExpressionError(f"{value!r} is no number", "name a path that holds one")
        return None if value is None else function(value)

    return call


def log10(value: float) -> float:
    """Return the decimal logarithm; that of 0 is minus infinity, as a vanished gradient has it."""
    return -math.inf if value == 0 else math.log10(value)


def mean(values: Sequence[Any]) -> float:
    """Return the arithmetic mean."""
    return math.fsum(values) / len(values)


def median(values: Sequence[Any]) -> float:
    """Return the middle value, or the mean of the two in the middle.

    >>> median([3, 1, 2]), median([4, 1, 2, 3])
    (2.0, 2.5)
    """
    ordered = sorted(values)
    half = len(ordered) // 2
    return float(ordered[half]) if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2


def ordered_by(holds: Callable[[Any, Any], bool]) -> Callable[[Any], Any]:
    """Return the test of a list whose neighbours all stand in an order."""

    def call(values: Any) -> bool | None:
        flat = numbers([values])
        return None if None in flat else all(holds(a, b) for a, b in pairwise(flat))

    return call


def length(value: Any) -> int:
    """Return how many items a list has, or characters a word."""
    if not isinstance(value, list | tuple | str | dict):
        raise ExpressionError(f"{value!r} has no length", "name a path that holds a list")
    return len(value)


def every(values: Any) -> bool:
    """Tell whether a test holds for all of a list."""
    return all(truth(value) for value in values)


def some(values: Any) -> bool:
    """Tell whether a test holds for one of a list at least."""
    return any(truth(value) for value in values)


def truth(value: Any) -> bool:
    """Return true or false; null is false, and nothing else is either."""
    if value is None or isinstance(value, bool):
        return bool(value)
    raise ExpressionError(f"{value!r} is neither true nor false", "compare it with something")


def only(values: Any) -> Any:
    """Return the one value of a list."""
    if not isinstance(values, list | tuple) or len(values) != 1:
        count = len(values) if isinstance(values, list | tuple) else "no list of"
        raise ExpressionError(f"there are {count} values where one is meant", "choose one cell with `where`")
    return values[0]


def near(value: Any, other: Any, tolerance: Any) -> bool:
    """Tell whether two numbers, or two lists item by item, differ by no more than a tolerance.

    >>> near([0.5, 1.0], [0.5, 1.001], 0.01), near(1, 2, 0.5)
    (True, False)
    """
    if isinstance(value, list | tuple) and isinstance(other, list | tuple):
        return len(value) == len(other) and all(near(a, b, tolerance) for a, b in zip(value, other, strict=True))
    if isinstance(value, list | tuple):
        return all(near(item, other, tolerance) for item in value)
    if value is None or other is None:
        return False
    first, second, most = numbers([value, other, tolerance])
    return bool(abs(first - second) <= most)


FUNCTIONS: dict[str, Function] = {
    "abs": Function(of_one(abs), (1, 1), "abs(z) < 4", scalar=True),
    "sqrt": Function(of_one(math.sqrt), (1, 1), "sqrt(chi_1)", scalar=True),
    "log": Function(of_one(math.log), (1, 1), "log(ratio)", scalar=True),
    "log10": Function(of_one(log10), (1, 1), "log10(ratio) < -40", scalar=True),
    "exp": Function(of_one(math.exp), (1, 1), "exp(1)", scalar=True),
    "floor": Function(of_one(math.floor), (1, 1), "floor(7 / 2)", scalar=True),
    "ceil": Function(of_one(math.ceil), (1, 1), "ceil(7 / 2)", scalar=True),
    "near": Function(near, (3, 3), "near(ratio, 0.236, 0.001)", scalar=True),
    "len": Function(length, (1, 1), "len(layers) == 8"),
    "sum": Function(of_numbers(sum), (1, MANY), "sum(layers.*.params)"),
    "min": Function(of_numbers(min), (1, MANY), "min(a, b), min(loss.value)"),
    "max": Function(of_numbers(max), (1, MANY), "max(a, b), max(loss.value)"),
    "mean": Function(of_numbers(mean), (1, MANY), "mean(outputs)"),
    "median": Function(of_numbers(median), (1, MANY), "median(outputs)"),
    "all": Function(every, (1, 1), "all[learned where hidden == 8]"),
    "any": Function(some, (1, 1), "any[learned]"),
    "only": Function(only, (1, 1), "only[params where case == 'dense']"),
    "increasing": Function(ordered_by(lambda a, b: a < b), (1, 1), "increasing[success_rate along hidden]"),
    "decreasing": Function(ordered_by(lambda a, b: a > b), (1, 1), "decreasing[ratio along depth]"),
    "nondecreasing": Function(ordered_by(lambda a, b: a <= b), (1, 1), "nondecreasing(layers.*.receptive_field)"),
    "nonincreasing": Function(ordered_by(lambda a, b: a >= b), (1, 1), "nonincreasing(loss.value)"),
}
