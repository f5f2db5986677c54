"""`--check params=61100840`: whether it is so, and if not, which usual mistake gives exactly that number."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from dlmath.counting.engine.count import TOTALS, count
from dlmath.counting.engine.open_sizes import OPEN, Open, is_open
from dlmath.errors import DlmathError, InvalidValueError, unknown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dlmath.counting.engine.count import LayerRow, NetworkCount
    from dlmath.counting.engine.graph import Network
    from dlmath.counting.engine.mistakes import Rebuild, Sum

    Value = int | tuple[int, ...] | None

SHAPES = ("output_shape", "receptive_field")
QUANTITIES = (*TOTALS, *SHAPES)
"""What can be checked; `conv1.params` is that of one layer."""
UNITS = {"": 0, "k": 3, "m": 6, "g": 9, "b": 9, "t": 12}
NUMBER = re.compile(r"(\d[\d,_]*)(?:\.(\d+))?(?:e(\d{1,2}))?\s*([kmgbt]?)")
LONGEST = 40


class CheckExpectation(NamedTuple):
    """What somebody expects of a network.

    Attributes
    ----------
    text : str
        As it was written.
    layer : str
        The layer it is about, "" for the network.
    quantity : str
        One of `QUANTITIES`.
    value : int or tuple of int
    precision : int
        Units of the last digit that was written: 1, or 100,000 for 61.1M.
    """

    text: str
    layer: str
    quantity: str
    value: int | tuple[int, ...]
    precision: int = 1

    def matches(self, found: Value) -> bool:
        """Return whether a value is the expected one, to the digits that were written."""
        if is_open(found):
            return False
        if isinstance(found, int) and isinstance(self.value, int):
            return abs(2 * (found - self.value)) <= self.precision - 1 or found == self.value
        return _unfolded(found) == _unfolded(self.value)


class Verdict(NamedTuple):
    """Whether an expectation holds.

    Attributes
    ----------
    expectation : CheckExpectation
    found : int, tuple of int or None
        None where everything is seen, so that there is no receptive field.
    holds : bool
    mistakes : tuple of str
        Usual mistakes, each of which gives exactly what was expected; empty if it holds or none does.
    """

    expectation: CheckExpectation
    found: Value
    holds: bool
    mistakes: tuple[str, ...] = ()

    @property
    def difference(self) -> int | None:
        """How much more there is than was expected; None for shapes."""
        if isinstance(self.found, int) and isinstance(self.expectation.value, int) and not is_open(self.found):
            return self.found - self.expectation.value
        return None

    @property
    def text(self) -> str:
        """Return the verdict as a sentence.

        >>> expected = parse_check("params=1152")
        >>> Verdict(expected, 73856, False, ("the input channels are forgotten",)).text
        'params is 73,856, not 1,152 (72,704 more): 1,152 comes out when the input channels are forgotten'
        """
        name = f"{self.expectation.layer}.{self.expectation.quantity}".lstrip(".")
        if self.holds:
            return f"{name} is {_shown(self.found)}"
        wanted = _shown(self.expectation.value)
        gap = self.difference
        more = "" if gap is None else f" ({abs(gap):,} {'more' if gap > 0 else 'fewer'})"
        why = f": {wanted} comes out when {', or when '.join(self.mistakes)}" if self.mistakes else ""
        return f"{name} is {_shown(self.found)}, not {wanted}{more}{why}"


def _shown(value: Value) -> str:
    if isinstance(value, Open):
        return "not known"
    if isinstance(value, int):
        return f"{value:,}"
    return "everything" if value is None else "x".join(map(str, value)) or "one number"


def _unfolded(value: Value) -> Value:
    """Return axes that agree as one number."""
    return value[0] if isinstance(value, tuple) and value and len(set(value)) == 1 else value


def parse_check(text: str) -> CheckExpectation:
    """Read `QUANTITY=VALUE` or `LAYER.QUANTITY=VALUE`.

    Numbers may be written 61100840, 61,100,840, 61.1M (then the digits written must agree) or 7x7x512.

    Raises
    ------
    InvalidValueError
        With what is allowed.

    Examples
    --------
    >>> parse_check("macs=4.09G")
    CheckExpectation(text='macs=4.09G', layer='', quantity='macs', value=4090000000, precision=10000000)
    >>> parse_check("conv1.output_shape=55x55x64")[1:4]
    ('conv1', 'output_shape', (55, 55, 64))
    """
    name, equals, value = text.partition("=")
    if not equals or not value.strip():
        raise InvalidValueError(
            f"check {text[:LONGEST]!r} has no value", "write QUANTITY=VALUE, such as params=61100840"
        )
    layer, _, quantity = name.strip().rpartition(".")
    quantity = quantity.replace("-", "_").lower()
    if quantity not in QUANTITIES:
        raise unknown("quantity to check", quantity[:LONGEST], QUANTITIES)
    if quantity in SHAPES and "x" in value:
        return CheckExpectation(text, layer, quantity, _shape(text, value))
    number, precision = read_number(text, value.strip().lower())
    # A shape of one axis is written as a number
    return CheckExpectation(text, layer, quantity, (number,) if quantity == "output_shape" else number, precision)


def _shape(text: str, value: str) -> tuple[int, ...]:
    words = value.strip().split("x")
    if all(word.isascii() and word.isdigit() and len(word) <= 13 for word in words):
        return tuple(int(word) for word in words)
    raise InvalidValueError(f"check {text[:LONGEST]!r}: {value[:20]!r} is no shape", "write sizes such as 7x7x512")


def read_number(text: str, value: str) -> tuple[int, int]:
    """Return a number and the size of the last digit that was written."""
    found = NUMBER.fullmatch(value) if len(value) <= LONGEST else None
    if found is None:
        raise InvalidValueError(
            f"check {text[:LONGEST]!r}: {value[:20]!r} is no whole number", "write 61100840, 61,100,840 or 61.1M"
        )
    whole, fraction = re.sub("[,_]", "", found[1]), found[2] or ""
    power = int(found[3] or 0) + UNITS[found[4]] - len(fraction)
    if power < 0:
        raise InvalidValueError(f"check {text[:LONGEST]!r}: {value[:20]!r} is a fraction", "counts are whole numbers")
    return int(whole + fraction) * 10**power, 10**power


def value_of(counted: NetworkCount, quantity: str, layer: str = "") -> Value:
    """Return a quantity of a network, or of one of its layers.

    Raises
    ------
    InvalidValueError
        For a layer that is not there, with the nearest.
    """
    if layer:
        counted = only(counted, layer)
    row = counted.rows[-1] if layer else counted.outputs[0]
    if quantity == "output_shape":
        return row.output
    if quantity == "receptive_field":
        return _field(row if layer else counted.last_map)
    return counted.total(quantity) if counted.is_whole(quantity) else OPEN


def only(counted: NetworkCount, layer: str) -> NetworkCount:
    """Return the count of one layer of a network."""
    found = tuple(row for row in counted.rows if row.name == layer)
    if not found:
        raise unknown("layer", layer[:LONGEST], [row.name for row in counted.rows])
    return counted._replace(nodes=found)


def _field(row: LayerRow | None) -> Value:
    if row is None or not row.fields or any(field.whole for field in row.fields):
        return None
    return _unfolded(tuple(field.size for field in row.fields))


def check(counted: NetworkCount, expectation: CheckExpectation) -> Verdict:
    """Compare a network with what is expected of it, and explain a difference.

    Parameters
    ----------
    counted : NetworkCount
    expectation : CheckExpectation

    Examples
    --------
    >>> from dlmath.counting.engine.graph import chain
    >>> counted = count(chain("seed", (112, 112, 64), [("conv", {"kernel": 3, "out": 128})]))
    >>> check(counted, parse_check("params=1152")).mistakes
    ('the input channels are forgotten and the biases are left out',)
    """
    found = value_of(counted, expectation.quantity, expectation.layer)
    if expectation.matches(found):
        return Verdict(expectation, found, holds=True)
    return Verdict(expectation, found, holds=False, mistakes=explain(counted, expectation))


def explain(counted: NetworkCount, expectation: CheckExpectation) -> tuple[str, ...]:
    """Return the mistakes that give what was expected: single ones; failing these, other tools' ways; then pairs."""
    from dlmath.counting.engine.mistakes import REBUILDS, SUMS, tool_sums

    sums = [one for one in SUMS if expectation.quantity in one.quantities]
    rebuilt = list(_rebuilt(counted, expectation.layer, REBUILDS))
    single = [*_summed(counted, expectation, sums), *_reshaped(counted, expectation)]
    single += [rebuild.text for rebuild, wrong in rebuilt if _agrees(wrong, expectation)]
    if not single:
        single = list(_summed(counted, expectation, tool_sums(expectation.quantity)))
    if not single:
        pairs = ((rebuild.text, text) for rebuild, wrong in rebuilt for text in _summed(wrong, expectation, sums))
        single = [f"{first} and {second}" for first, second in pairs]
    return tuple(dict.fromkeys(single))


def _rebuilt(
    counted: NetworkCount, layer: str, rebuilds: tuple[Rebuild, ...]
) -> Iterator[tuple[Rebuild, NetworkCount]]:
    """Yield the wrong networks that can be counted and differ from the right one."""
    right = counted.network._replace(auxiliary=counted.auxiliary)
    for rebuild in rebuilds:
        wrong = _counted(rebuild.build(right))
        if wrong is not None and wrong.network != right and (not layer or any(row.name == layer for row in wrong.rows)):
            yield rebuild, wrong


def _counted(network: Network) -> NetworkCount | None:
    """Return the count of a network, None where it cannot be: then nobody can have counted it so."""
    try:
        return count(network)
    except DlmathError:
        return None


def _agrees(counted: NetworkCount, expectation: CheckExpectation) -> bool:
    return expectation.matches(value_of(counted, expectation.quantity, expectation.layer))


def _summed(counted: NetworkCount, expectation: CheckExpectation, sums: tuple[Sum, ...] | list[Sum]) -> Iterator[str]:
    part = only(counted, expectation.layer) if expectation.layer else counted
    return (one.text for one in sums if expectation.matches(one.value(part)))


def _reshaped(counted: NetworkCount, expectation: CheckExpectation) -> Iterator[str]:
    from dlmath.counting.engine.mistakes import shape_mistakes

    found = value_of(counted, expectation.quantity, expectation.layer)
    if expectation.quantity == "output_shape" and isinstance(found, tuple):
        yield from (text for text, wrong in shape_mistakes(found).items() if expectation.value == wrong)
