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
MOST_POINTS = 1_000_000


class Option(NamedTuple):
    """An option of a command: the field that holds it, its type, and whether it takes several values."""

    field: str
    kind: type
    many: bool = False


Vocabulary: TypeAlias = "Mapping[str, Option]"
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


def read_setting(value: Any, word: str, option: Option) -> Setting:
    """Return what is written for an option.

    Raises
    ------
    InvalidValueError
        With its place, when it is not of the option's type.
    """
    if isinstance(value, Entries):
        raise wrong(value.place, f"{word} is a mapping", "write one value; several belong under sweep:")
    if option.many:
        parts = value.items if isinstance(value, Listing) else [value]
        places = tuple(part.place for part in parts)
        return Setting([typed(part, word, option.kind) for part in parts], value.place, places)
    if isinstance(value, Listing):
        raise wrong(value.place, f"{word} takes one value, here is a list", "several to be tried belong under sweep:")
    return Setting(None if value.is_null else typed(value, word, option.kind), value.place)


def typed(value: Any, word: str, kind: type) -> Value:
    """Return one written value as its type."""
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
        return int(text) if re.fullmatch(r"[-+]?[0-9]+", text) else None
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
    usage = "; ".join(GENERATORS.values())
    name, (place, bounds) = next(iter(value.items.items()), ("", (value.place, None)))
    if name not in GENERATORS or len(value.items) != 1 or not isinstance(bounds, Listing):
        raise wrong(value.place, f"{word}: this is no list of values", f"write a list, or {usage}")
    numbers = [typed(bound, name, int if name == "range" else float) for bound in bounds.items]
    if not is_count(count_of(name, numbers)):
        raise wrong(place, f"{word}: {name} of {numbers} is no list of values", GENERATORS[name])
    return [Scalar(text, place) for text in series(name, numbers)]


def count_of(name: str, numbers: list[Any]) -> float:
    """Return how many values a generator makes, 0 when its numbers do not fit it."""
    if name != "range":
        return numbers[2] if len(numbers) == 3 else 0
    has_step = len(numbers) < 3 or (len(numbers) == 3 and numbers[2] != 0)
    return len(range(*numbers)) if numbers and has_step else 0


def is_count(count: float) -> bool:
    """Tell whether so many values can be listed."""
    return 1 <= count <= MOST_POINTS and count == int(count)


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
