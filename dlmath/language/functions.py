"""The functions of the language of expectations: a table of pure functions over JSON-like values.

What has no value (null: the epochs of networks that never learned) has no mean either: null goes in, null comes out,
and no comparison with it holds.
"""

from __future__ import annotations

import math
import re
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

from dlmath.language.errors import ExpressionError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

MANY = 1000


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
    over : (int, int) or None
        Least and most arguments over a sweep, f[x]; None: it is of one number, and has no meaning there.
    directed : bool
        Whether over a sweep it goes along one axis: f[x along a].
    places : bool
        Whether what it gives is a place on that axis.
    """

    call: Callable[..., Any]
    arity: tuple[int, int]
    usage: str
    over: tuple[int, int] | None = (1, 1)
    directed: bool = False
    places: bool = False


def is_number(value: Any) -> bool:
    """Tell whether a value is a number: whole, floating or a fraction."""
    return isinstance(value, int | float) or hasattr(value, "numerator")


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
        elif value is None or is_number(value):
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
        if value is not None and not is_number(value):
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


def standard_deviation(values: Sequence[Any]) -> float:
    """Return the standard deviation of a sample: the root of the sum of squares over n - 1.

    >>> standard_deviation([2, 4, 6])
    2.0
    """
    if len(values) < 2:
        raise ExpressionError("one number has no standard deviation", "give it two numbers at least")
    center = mean(values)
    return math.sqrt(math.fsum((value - center) ** 2 for value in values) / (len(values) - 1))


def quantile(values: Sequence[Any], share: float) -> float:
    """Return the value below which a share of the values lies, between two neighbours on the straight line.

    Definition 7 of Hyndman & Fan 1996, which NumPy has as its own.

    >>> quantile([4, 1, 3, 2], 0.5), quantile([1, 2, 3], 0.25), quantile([5], 1)
    (2.5, 1.5, 5.0)
    """
    if not isinstance(share, int | float) or not 0 <= share <= 1:
        raise ExpressionError(f"{share!r} is no share of the values", "give a number from 0 to 1, as 0.9")
    ordered = sorted(values)
    place = (len(ordered) - 1) * share
    below = min(int(place), len(ordered) - 1)
    above = min(below + 1, len(ordered) - 1)
    return float(ordered[below] + (ordered[above] - ordered[below]) * (place - below))


def of_shares(values: Any, share: Any) -> Any:
    """Return a quantile of a list, null when the list has a null."""
    return of_numbers(lambda flat: quantile(flat, share))(values)


def extreme(best: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return where in a list its greatest or least number stands, counted from 0, the first of equal ones."""

    def call(values: Any) -> Any:
        return of_numbers(lambda flat: flat.index(best(flat)))(values)

    return call


def count(values: Any) -> int:
    """Return how often a test holds in a list.

    >>> count([True, False, None, True])
    2
    """
    if not isinstance(values, list | tuple):
        raise ExpressionError(f"{values!r} is no list of tests", "write it as count[learned], over the sweep")
    return sum(truth(value) for value in values)


def round_to(value: Any, multiple: Any) -> int:
    """Return the nearest multiple, but at least one of them, and none more than a tenth below the value.

    Sandler et al. 2018's rule for widths that hardware likes.

    >>> round_to(24 * 3, 8), round_to(11, 8)
    (72, 16)
    """
    rounded = max(multiple, (2 * value + multiple) // (2 * multiple) * multiple)
    return int(rounded + multiple if 10 * rounded < 9 * value else rounded)


FUNCTIONS: dict[str, Function] = {
    "abs": Function(of_one(abs), (1, 1), "abs(z) < 4", over=None),
    "sqrt": Function(of_one(math.sqrt), (1, 1), "sqrt(chi_1)", over=None),
    "log": Function(of_one(math.log), (1, 1), "log(ratio)", over=None),
    "log10": Function(of_one(log10), (1, 1), "log10(ratio) < -40", over=None),
    "exp": Function(of_one(math.exp), (1, 1), "exp(1)", over=None),
    "floor": Function(of_one(math.floor), (1, 1), "floor(7 / 2)", over=None),
    "ceil": Function(of_one(math.ceil), (1, 1), "ceil(7 / 2)", over=None),
    "round_to": Function(round_to, (2, 2), "round_to(0.75 * 64, 8)", over=None),
    "near": Function(near, (3, 3), "near(ratio, 0.236, 0.001)", over=None),
    "len": Function(length, (1, 1), "len(layers) == 8"),
    "sum": Function(of_numbers(sum), (1, MANY), "sum(layers.*.params)"),
    "min": Function(of_numbers(min), (1, MANY), "min(a, b), min(loss.value)"),
    "max": Function(of_numbers(max), (1, MANY), "max(a, b), max(loss.value)"),
    "mean": Function(of_numbers(mean), (1, MANY), "mean(outputs)"),
    "median": Function(of_numbers(median), (1, MANY), "median(outputs)"),
    "std": Function(of_numbers(standard_deviation), (1, MANY), "std[success_rate] < 0.1"),
    "quantile": Function(of_shares, (2, 2), "quantile[epochs.median,0.9] < 500", over=(2, 2)),
    "count": Function(count, (1, 1), "count[learned] >= 3"),
    "argmax": Function(extreme(max), (1, 1), "argmax[success_rate along hidden] == 8", directed=True, places=True),
    "argmin": Function(extreme(min), (1, 1), "argmin(loss.value)", directed=True, places=True),
    "all": Function(every, (1, 1), "all[learned where hidden == 8]"),
    "any": Function(some, (1, 1), "any[learned]"),
    "only": Function(only, (1, 1), "only[params where case == 'dense']"),
    "increasing": Function(
        ordered_by(lambda a, b: a < b), (1, 1), "increasing[success_rate along hidden]", directed=True
    ),
    "decreasing": Function(ordered_by(lambda a, b: a > b), (1, 1), "decreasing[ratio along depth]", directed=True),
    "nondecreasing": Function(
        ordered_by(lambda a, b: a <= b), (1, 1), "nondecreasing(layers.*.receptive_field)", directed=True
    ),
    "nonincreasing": Function(ordered_by(lambda a, b: a >= b), (1, 1), "nonincreasing(loss.value)", directed=True),
}
