"""How numbers are written for people: one at a time, a column at a time, a value with its error."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Sequence

Cell: TypeAlias = "str | int | float | bool | None"

BLANKS = dict.fromkeys(map(ord, "\t\n\r\v\f"), " ")
"""What would break a cell's line or its alignment."""

FEWEST = 2
"""Significant digits that the least number of a column keeps; with fewer, the column does not share its decimals."""

MANY = 8
"""Digits from which a column's are counted from its largest number's first one."""

LARGEST_FIXED = 1e7
"""Numbers from here on are written with an exponent."""


def figure(value: Cell, digits: int = 6) -> str:
    """Write one value for people: thousands grouped, `digits` significant digits, no minus before zero.

    >>> figure(924844032), figure(0.1), figure(1 / 3), figure(None), figure(True), figure(-0.0)
    ('924,844,032', '0.1', '0.333333', '-', 'yes', '0')
    """
    if value is None:
        return "-"
    if isinstance(value, str):
        return value.translate(BLANKS)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value + 0.0:.{digits}g}"


def is_number(value: Cell) -> bool:
    """Tell whether a cell is aligned to the right."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def column(values: Sequence[Cell], digits: int = 6) -> list[str]:
    """Write the cells of a column: its real numbers share their decimals, as many as the largest of them needs.

    >>> column([0.0744, 0.90043, 0.096, -0.0]), column([1.5, 1e-9]), column([1.0, 2.0, None]), column([3, 0.25])
    (['0.07440', '0.90043', '0.09600', '0.00000'], ['1.5', '1e-09'], ['1', '2', '-'], ['3.00', '0.25'])
    """
    decimals = shared_decimals(values, digits)
    if decimals is None:
        return [figure(value, digits) for value in values]
    return [fixed(value, decimals) if is_number(value) else figure(value) for value in values]


def shared_decimals(values: Sequence[Cell], digits: int) -> int | None:
    """Return the decimals under which every number of a column shows enough of itself; None where none do."""
    numbers = [value for value in values if is_number(value)]
    finite = [abs(float(value)) for value in numbers if math.isfinite(value)]  # type: ignore[arg-type]
    if not any(isinstance(value, float) for value in numbers) or not finite or max(finite) >= LARGEST_FIXED:
        return None
    # An explanation asks for many digits and means significant ones; other tables say how far below 1 they look
    exponent = exponent_of(max(finite)) if digits >= MANY else max(0, exponent_of(max(finite)))
    most = max(0, digits - 1 - exponent)
    least = min((size for size in finite if size), default=1.0)
    if least < 10.0 ** (FEWEST - 1 - most):
        return None
    return max((needed(size, most) for size in finite), default=0)


def exponent_of(size: float) -> int:
    """Return the decimal exponent of a number that is not negative; 0 for 0.

    >>> exponent_of(123.0), exponent_of(0.05), exponent_of(0.0)
    (2, -2, 0)
    """
    return math.floor(math.log10(size)) if size else 0


def needed(size: float, most: int) -> int:
    """Return how many decimals a number has, at most `most`.

    >>> needed(0.25, 6), needed(1 / 3, 6), needed(2.0, 6)
    (2, 6, 0)
    """
    return len(f"{size:.{most}f}".partition(".")[2].rstrip("0"))


def fixed(value: Cell, decimals: int) -> str:
    """Write a number with so many decimals, thousands grouped, no minus before zero."""
    number = float(value)  # type: ignore[arg-type]
    text = f"{number:,.{decimals}f}" if math.isfinite(number) else f"{number:g}"
    return text.removeprefix("-") if text.startswith("-") and not text.strip("-0.,") else text


def measured(value: float, error: float) -> str:
    """Write a measurement with its error: two digits of the error, and the value to the same place.

    >>> measured(0.233601, 0.00192244), measured(12.5, 0), measured(1234.5, 87.3)
    ('0.2336 +- 0.0019', '12.5 +- 0', '1234 +- 87')
    """
    if not (math.isfinite(value) and math.isfinite(error) and error > 0):
        return f"{figure(value)} +- {figure(error)}"
    decimals = 1 - math.floor(math.log10(error))
    if decimals > 12 or abs(value) >= LARGEST_FIXED:
        return f"{value + 0.0:.{max(2, max(exponent_of(abs(value)), 0) + decimals)}g} +- {error:.2g}"
    rounded = round(value, decimals) + 0.0
    return f"{rounded:.{max(decimals, 0)}f} +- {round(error, decimals):.{max(decimals, 0)}f}"


UNITS = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


def with_unit(value: Cell) -> str:
    """Write a large number short.

    >>> with_unit(924844032), with_unit(1152), with_unit(12), with_unit(None)
    ('924.8 M', '1.152 k', '12', '-')
    """
    if not is_number(value) or not math.isfinite(value):  # type: ignore[arg-type]
        return figure(value)
    for size, unit in UNITS:
        if abs(value) >= size:  # type: ignore[arg-type]
            return f"{value / size:.4g} {unit}"  # type: ignore[operator]
    return figure(value, 4)
