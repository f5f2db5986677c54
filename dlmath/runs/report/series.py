"""What a picture of a sweep shows: one axis from left to right, a series for every place on the others."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

from dlmath.language.functions import natural

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dlmath.runs.report.ran import CellRow, Ran

SPREAD_OUT = 50.0
"""From this ratio of the largest to the smallest number on, an axis is logarithmic."""
TOLD_APART = 10
"""Up to so many lines have their names in a legend, and so many ticks each their label."""


class Series(NamedTuple):
    """One line or one color of bars: its name, and for each place the value over its repeats."""

    label: str
    places: list[Any]
    values: list[Any]


def axis_across(ran: Ran) -> tuple[str, ...]:
    """Return the axis that is drawn from left to right: the first with numbers alone, else the longest."""
    numeric = (axis for axis in ran.axes if all(is_plain(place(row, axis)) for row in ran.rows))
    return next(numeric, max(ran.axes, key=lambda axis: len({str(place(row, axis)) for row in ran.rows})))


def place(row: CellRow, axis: tuple[str, ...]) -> Any:
    """Return where a row lies on an axis: a number, or a name; options that go together have a common one."""
    if len(axis) == 1:
        return natural(row.labels[axis[0]])
    return " ".join(str(row.labels[name]) for name in axis)


def is_plain(value: Any) -> bool:
    """Tell whether a place is a finite number."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def series_of(ran: Ran, across: tuple[str, ...], column: int) -> list[Series]:
    """Return a series for every combination of places on the other axes."""
    found: dict[str, Series] = {}
    for row in ran.rows:
        label = ", ".join(str(place(row, axis)) for axis in ran.axes if axis != across)
        series = found.setdefault(label, Series(label, [], []))
        if hasattr(row.values[column], "mean"):
            series.places.append(place(row, across))
            series.values.append(row.values[column])
    return list(found.values())


def far_apart(values: Sequence[Any]) -> bool:
    """Tell whether numbers are all positive and far apart.

    >>> far_apart([1, 10, 100]), far_apart([0, 100]), far_apart([])
    (True, False, False)
    """
    return bool(values) and min(values) > 0 and max(values) / min(values) >= SPREAD_OUT


def words_of(axis: tuple[str, ...]) -> str:
    """Return an axis in words."""
    return " and ".join(axis).replace("_", " ")


def is_drawable(ran: Ran) -> bool:
    """Tell whether an experiment has an axis and a number."""
    return first_number(ran) is not None and len(ran.rows) > 1


def first_number(ran: Ran) -> int | None:
    """Return the first column that holds numbers."""
    found = (
        index
        for index, column in enumerate(zip(*(row.values for row in ran.rows), strict=True))
        if any(hasattr(value, "mean") for value in column)
    )
    return next(found, None)
