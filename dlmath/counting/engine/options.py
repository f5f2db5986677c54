"""The options of layers: what each is called, what it may be, what it is when left out.

A value comes as text (`2x2`, `same`, `yes`) from the command line or YAML, or as Python's own from a model file's
reader; `read` makes both the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from dlmath.counting.engine.open_sizes import Open
from dlmath.errors import InvalidValueError, unknown

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from dlmath.counting.engine.graph import Shape
    from dlmath.counting.engine.tally import Count, Options

LARGEST = 10**12
REQUIRED = object()
"""The default of an option that has none."""
PADDINGS = ("same", "valid", "same-lower", "causal")
_FLAGS = {"yes": True, "true": True, "on": True, "no": False, "false": False, "off": False}


class Option(NamedTuple):
    """One option of a kind of layer.

    Attributes
    ----------
    name : str
    read : callable
        Returns the checked value; raises ValueError with what is allowed.
    default : object
        `REQUIRED` when it must be given.
    """

    name: str
    read: Callable[[Any], object]
    default: object = REQUIRED


class LayerKind(NamedTuple):
    """A kind of layer: a pure function from options and input shapes to a count, and how it is written.

    Attributes
    ----------
    formula : callable
        (options, input shapes) -> Count.
    options : tuple of Option
    head : tuple of str
        The options that stand in the word right after the colon, separated by x; one that begins with `/` follows
        a slash; one with `*` takes all the numbers that are left over, one with `*2` must find two.
    inputs : (int, int or None)
        Fewest and most inputs.
    example : str
    equation : str
        What it computes, x being its input; `{option}` stands for an option's value.
    """

    formula: Callable[[Options, tuple[Shape, ...]], Count]
    options: tuple[Option, ...] = ()
    head: tuple[str, ...] = ()
    inputs: tuple[int, int | None] = (1, 1)
    example: str = ""
    equation: str = ""


def resolve(name: str, kind: LayerKind, given: Mapping[str, object]) -> dict[str, Any]:
    """Return every option of a layer, checked, defaults filled in.

    Raises
    ------
    InvalidValueError
        For an option the kind does not have, a value it does not take, one that is missing.
    """
    found: dict[str, Any] = {}
    known = 0
    for option in kind.options:
        if option.name in given:
            known += 1
            found[option.name] = _checked(name, option, given[option.name])
        elif option.default is REQUIRED:
            raise InvalidValueError(f"layer {name!r} does not say its {option.name!r}", f"write {kind.example}")
        else:
            found[option.name] = option.default
    if known != len(given):
        stranger = next(key for key in given if key not in found)
        if not kind.options:
            raise InvalidValueError(f"layer {name!r} has no option {stranger!r}", "it takes none: leave it out")
        raise unknown(f"option of layer {name!r}:", str(stranger)[:40], found)
    return found


def _checked(name: str, option: Option, value: object) -> object:
    try:
        return option.read(value)
    except ValueError as error:
        raise InvalidValueError(f"layer {name!r}: {option.name}={_shown(value)} is not allowed", str(error)) from None


def _shown(value: object) -> str:
    text = str(value)
    return text if len(text) <= 40 else f"{text[:37]}..."


def whole_number(value: object) -> int:
    """Read an integer of any sign, from text too.

    >>> whole_number("12"), whole_number(-1)
    (12, -1)
    """
    if isinstance(value, Open):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        number = value
    elif isinstance(value, str) and value.removeprefix("-").isascii() and value.removeprefix("-").isdigit():
        number = int(value) if len(value) <= 14 else LARGEST + 1
    else:
        raise ValueError("write a whole number")
    if abs(number) > LARGEST:
        raise ValueError("write a number up to 10^12")
    return number


def at_least(fewest: int) -> Callable[[object], int]:
    """Return the reader of integers from `fewest` up."""

    def read(value: object) -> int:
        number = whole_number(value)
        if number < fewest:
            raise ValueError(f"write a whole number from {fewest} up")
        return number

    return read


def flag(value: object) -> bool:
    """Read yes or no.

    >>> flag("no"), flag(True)
    (False, True)
    """
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in _FLAGS:
        return _FLAGS[value.lower()]
    raise ValueError("write yes or no")


def one_of(*allowed: str) -> Callable[[object], str]:
    """Return the reader of a choice of words; yes and no may be among them."""

    def read(value: object) -> str:
        word = {True: "yes", False: "no"}.get(value, str(value)) if isinstance(value, bool) else str(value).lower()
        if word not in allowed:
            raise ValueError("write " + ", ".join(allowed[:-1]) + f" or {allowed[-1]}")
        return word

    return read


def anything(value: object) -> object:
    """Take a value that no count depends on."""
    return value


def numbers(fewest: int) -> Callable[[object], tuple[int, ...]]:
    """Return the reader of `3x3`, 3 or (3, 3): integers from `fewest` up, one an axis."""
    read_one = at_least(fewest)

    def read(value: object) -> tuple[int, ...]:
        parts = value.split("x") if isinstance(value, str) else value
        if isinstance(parts, (tuple, list)) and parts:
            return tuple(read_one(part) for part in parts)
        try:
            return (read_one(value),)
        except ValueError:
            raise ValueError(f"write whole numbers from {fewest} up, such as 3 or 3x3") from None

    return read


def padding(value: object) -> str | tuple[Any, ...]:
    """Read the padding of a window: a word, one number, one an axis, or before and after of each axis.

    >>> padding("same"), padding("1"), padding("0x3"), padding("0:1:0:1"), padding([(1, 2), (3, 4)])
    ('same', (1,), (0, 3), ((0, 1), (0, 1)), ((1, 2), (3, 4)))
    """
    if isinstance(value, str) and value.lower() in PADDINGS:
        return value.lower()
    if isinstance(value, str) and ":" in value:
        ends = [at_least(0)(part) for part in value.split(":")]
        if len(ends) % 2 == 0:
            return tuple(zip(ends[::2], ends[1::2], strict=True))
    elif isinstance(value, (tuple, list)) and value and all(isinstance(pair, (tuple, list)) for pair in value):
        if all(len(pair) == 2 for pair in value):
            return tuple((whole_number(pair[0]), whole_number(pair[1])) for pair in value)
    else:
        try:
            return numbers(0)(value)
        except ValueError:
            pass
    raise ValueError("write same, valid, a number, one an axis such as 0x3, or top:bottom:left:right")


def amounts(value: object) -> tuple[Any, ...]:
    """Read how much is added or cut on each side: as `padding`, without its words, which mean something to windows.

    >>> amounts("1"), amounts("0:1:0:1")
    ((1,), ((0, 1), (0, 1)))
    """
    found = padding(value) if not isinstance(value, str) or value.lower() not in PADDINGS else None
    if isinstance(found, tuple):
        return found
    raise ValueError("write a number, one an axis such as 0x3, or top:bottom:left:right")


def per_axis(name: str, values: tuple[Any, ...], rank: int) -> tuple[Any, ...]:
    """Return one value an axis, a single one standing for all.

    >>> per_axis("stride", (2,), 3)
    (2, 2, 2)
    """
    if len(values) == 1:
        return values * rank
    if len(values) != rank:
        raise InvalidValueError(f"{name} has {len(values)} numbers for {rank} axes", f"give 1 or {rank}")
    return values


def pads_per_axis(pad: str | tuple[Any, ...], rank: int) -> tuple[Any, ...]:
    """Return what `shapes.slide` takes as padding, for each axis.

    >>> pads_per_axis("same", 2), pads_per_axis((1,), 2)
    (('same', 'same'), ((1, 1), (1, 1)))
    """
    if isinstance(pad, str):
        return (pad,) * rank
    each = per_axis("padding", pad, rank)
    return tuple(one if isinstance(one, tuple) else (one, one) for one in each)
