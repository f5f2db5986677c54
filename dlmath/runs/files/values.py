"""Values of an experiment file: the words of a command line, typed as the command has them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from dlmath.files.document import Entries, Listing, Scalar, text_of, wrong

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dlmath.files.document import Place

Value: TypeAlias = "str | int | float | bool | list[Any] | None"

TRUTH = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
KINDS = {str: "a word", int: "a whole number", float: "a number", bool: "true or false"}
GENERATORS = {
    "range": "range: [START, STOP, STEP], as Python has it: STOP itself is left out",
    "linspace": "linspace: [START, STOP, COUNT], both ends in it",
    "logspace": "logspace: [START, STOP, COUNT], powers of ten from 10^START to 10^STOP",
}
DRAWS = {
    "uniform": "uniform: [LOW, HIGH], drawn evenly between them",
    "loguniform": "loguniform: [LOW, HIGH], the logarithm drawn evenly; both above 0",
}
MOST_POINTS = 100_000
"""Values on one axis: more of them than anyone looks at, and made within a second."""
MOST_DIGITS = 60
"""Of a whole number: far beyond what any option takes."""


class ExperimentOption(NamedTuple):
    """An option of a command: the field that holds it, its type, whether it takes several values, and its default.

    A name of one's own, which is swept and written into words, has no field.
    """

    field: str
    kind: type
    many: bool = False
    default: Any = None


Vocabulary: TypeAlias = "Mapping[str, ExperimentOption]"
"""The words that a command knows, with `_` for `-`."""


class Setting(NamedTuple):
    """The value of an option, where it was written, and of several values where each was."""

    value: Value
    place: Place
    items: tuple[Place, ...] = ()

    def place_of(self, item: str | None) -> Place:
        """Return where one of several values was written, or the whole."""
        if isinstance(self.value, list) and item in self.value:
            return self.items[self.value.index(item)]
        return self.place


def read_setting(value: Any, word: str, option: ExperimentOption) -> Setting:
    """Return what is written for an option.

    Raises
    ------
    InvalidValueError
        With its place, when it is not of the option's type.
    """
    if isinstance(value, Entries):
        raise wrong(value.place, f"{word} is a mapping", "write one value; several belong under sweep:")
    if is_empty(value):
        return Setting(None, value.place)
    if option.many:
        parts = value.items if isinstance(value, Listing) else [value]
        places = tuple(part.place for part in parts)
        return Setting([typed(part, word, option.kind) for part in parts], value.place, places)
    if isinstance(value, Listing):
        raise wrong(value.place, f"{word} takes one value, here is a list", "several to be tried belong under sweep:")
    return Setting(typed(value, word, option.kind), value.place)


def is_empty(value: Any) -> bool:
    """Tell whether nothing is written, or null: the default is meant."""
    return value.is_null if isinstance(value, Scalar) else isinstance(value, Listing) and not value.items


def typed(value: Any, word: str, kind: type) -> Value:
    """Return one written value as its type."""
    if is_empty(value):
        raise wrong(value.place, f"{word}: a value is missing", "write one, or leave the place away")
    text = text_of(value, word)
    made = convert(text, kind)
    if made is None:
        raise wrong(value.place, f"{word}: {text!r} is not {KINDS.get(kind, kind.__name__)}", f"give {KINDS[kind]}")
    return made


def convert(text: str, kind: type) -> Value:
    """Return a text as a type, or None when it is not of that type.

    >>> convert("0110", str), convert("3", int), convert("yes", bool), convert("1e-3", float), convert("4,3", int)
    ('0110', 3, True, 0.001, None)
    """
    if kind is bool:
        return TRUTH.get(text.lower())
    if kind is int:
        return int(text) if len(text) <= MOST_DIGITS and re.fullmatch(r"[-+]?[0-9]+", text) else None
    if kind is float:
        try:
            return float(text)
        except ValueError:
            return None
    return text


def label(value: Value) -> Value:
    """Return a value as one word or number, as expectations and tables have it.

    >>> label(["conv:3x3x64", "relu"]), label(["sigmoid"]), label(3)
    ('conv:3x3x64 relu', 'sigmoid', 3)
    """
    return " ".join(str(item) for item in value) if isinstance(value, list) else value


def generated(value: Entries, word: str) -> list[Scalar]:
    """Return the values of {range: ...}, {linspace: ...} or {logspace: ...}, written out."""
    name, place, bounds = generator_of(value, word, GENERATORS)
    numbers = [typed(bound, name, int if name == "range" else float) for bound in bounds]
    count = count_of(name, numbers)
    if not 1 <= count <= MOST_POINTS:
        many = f": {count:,} values, more than {MOST_POINTS:,}" if count > MOST_POINTS else " is no list of values"
        shown = ", ".join(number.text for number in bounds)
        raise wrong(place, f"{word}: {name} of [{shown}]{many}", GENERATORS[name])
    return [Scalar(text, place) for text in series(name, numbers)]


def generator_of(value: Entries, word: str, known: Mapping[str, str]) -> tuple[str, Place, list[Any]]:
    """Return the name, the place and the numbers of what makes values."""
    usage = "; ".join({**GENERATORS, **DRAWS}.values())
    name, (place, bounds) = next(iter(value.items.items()), ("", (value.place, None)))
    if name not in known or len(value.items) != 1 or not isinstance(bounds, Listing):
        raise wrong(value.place, f"{word}: this is no list of values", f"write a list, or {usage}")
    return name, place, bounds.items


def count_of(name: str, numbers: list[Any]) -> int:
    """Return how many values a generator makes, 0 when its numbers do not fit it; none is made for that.

    >>> count_of("range", [0, 10**30]), count_of("range", [5, 1]), count_of("logspace", [0.0, 400.0, 3.0])
    (1000000000000000000000000000000, 0, 0)
    """
    if name == "range":
        start, stop, step = bounds_of(numbers)
        return max(0, -((start - stop) // step)) if step else 0
    most = 308.0 if name == "logspace" else float("inf")
    if len(numbers) != 3 or not all(abs(number) <= most and number - number == 0 for number in numbers[:2]):
        return 0
    return int(numbers[2]) if 1 <= numbers[2] < float("inf") and numbers[2] == int(numbers[2]) else 0


def bounds_of(numbers: list[int]) -> tuple[int, int, int]:
    """Return start, stop and step of a range as Python has it; a step of 0 when they are none."""
    match numbers:
        case [stop]:
            return 0, stop, 1
        case [start, stop]:
            return start, stop, 1
        case [start, stop, step]:
            return start, stop, step
        case _:
            return 0, 0, 0


def series(name: str, numbers: list[Any]) -> list[str]:
    """Return the written values of a generator.

    >>> series("range", [1, 9, 3]), series("linspace", [0.0, 1.0, 3.0]), series("logspace", [-3.0, 0.0, 4.0])
    (['1', '4', '7'], ['0.0', '0.5', '1.0'], ['0.001', '0.01', '0.1', '1.0'])
    """
    if name == "range":
        return [str(number) for number in range(*numbers)]
    start, stop, count = numbers[0], numbers[1], int(numbers[2])
    points = [start + (stop - start) * index / (count - 1) if index else start for index in range(count)]
    return [repr(10.0**point if name == "logspace" else point) for point in points]


class Draw(NamedTuple):
    """Values that are drawn: evenly between two ends, or their logarithm; whole numbers where both ends are whole.

    Parameters
    ----------
    name : str
        "uniform" or "loguniform".
    low, high : float
    whole : bool
    place : Place
    """

    name: str
    low: float
    high: float
    whole: bool
    place: Place

    def value(self, share: float) -> str:
        """Return the value at a share of the way, from 0 to below 1, as one would write it: with 6 digits.

        >>> from dlmath.files.document import Place
        >>> [Draw("uniform", 1, 6, True, Place("")).value(u) for u in (0.0, 0.5, 0.999)]
        ['1', '4', '6']
        >>> [Draw("loguniform", 0.001, 1, False, Place("")).value(u) for u in (0.0, 0.5)]
        ['0.001', '0.0316228']
        """
        beyond = self.high + self.whole  # a whole number stands for all up to the next one
        if self.name == "uniform":
            number = self.low + (beyond - self.low) * share
        else:
            number = self.low * (beyond / self.low) ** share
        if self.whole:
            return str(min(int(number), int(self.high)))
        return repr(min(max(float(f"{number:.6g}"), self.low), self.high))


def read_draw(value: Entries, word: str, option: ExperimentOption) -> Draw:
    """Return what {uniform: [a, b]} or {loguniform: [a, b]} says."""
    name, place, bounds = generator_of(value, word, DRAWS)
    numbers = [float(str(typed(bound, name, float))) for bound in bounds]
    if len(numbers) != 2 or not -float("inf") < numbers[0] < numbers[1] < float("inf"):
        raise wrong(place, f"{word}: {name} takes two numbers, the lower first", DRAWS[name])
    if name == "loguniform" and numbers[0] <= 0:
        raise wrong(place, f"{word}: the logarithm of {numbers[0]:g} is no number", DRAWS[name])
    whole = option.kind is not float and all(convert(bound.text, int) is not None for bound in bounds)
    if option.kind is int and not whole:
        raise wrong(place, f"{word}: {name} of a whole number takes whole numbers", f"{name}: [1, 10]")
    low, high = (int(number) if whole else number for number in numbers)
    return Draw(name, low, high, whole, place)


def is_draw(value: Any) -> bool:
    """Tell whether values are drawn."""
    return isinstance(value, Entries) and next(iter(value.items), "") in DRAWS
