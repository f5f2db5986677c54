"""Single figures as reports have them: whole, shortened, unknown, "at least"; receptive fields."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dlmath.counting.engine.open_sizes import is_open

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dlmath.counting.engine.count import NetworkCount
    from dlmath.counting.engine.receptive import Field
    from dlmath.report.blocks import Cell

UNITS = {"exact": 1, "auto": 0, "K": 10**3, "M": 10**6, "G": 10**9}


def square(values: Sequence[Any]) -> Any:
    """Return one number for axes that agree, else all of them; None for no axes.

    >>> square((7, 7)), square((3, 5)), square(())
    (7, [3, 5], None)
    """
    if not values:
        return None
    return values[0] if all(value == values[0] for value in values) else list(values)


def plain_number(value: Any) -> Any:
    """Return an int where a fraction is whole, else a float."""
    return int(value) if value == int(value) else float(value)


def field(fields: Sequence[Field]) -> dict[str, Any]:
    """Return receptive field, jump, padding and centre; the field is None where an output sees everything."""
    if not fields or any(one.whole or is_open(one[:3]) for one in fields):
        return {"receptive_field": None, "jump": None, "effective_padding": None, "centre": None}
    return {
        "receptive_field": square([one.size for one in fields]),
        "jump": square([plain_number(one.jump) for one in fields]),
        "effective_padding": square([plain_number(one.padding) for one in fields]),
        "centre": square([one.centre for one in fields]),
    }


def figure_of(count: NetworkCount, name: str, units: str) -> Cell:
    """Return a total as it is shown: unknown where it rests on open sizes, "at least" where something is left out."""
    value = count.figure(name)
    if is_open(value):
        return "unknown"
    shown = figure_in(value, units)
    if count.is_whole(name):
        return shown
    return f"at least {shown:,}" if isinstance(shown, int) else f"at least {shown}"


def figure_in(value: int, units: str) -> Cell:
    """Return a figure in the units that were asked for.

    >>> figure_in(61100840, "M"), figure_in(61100840, "auto"), figure_in(5, "exact")
    ('61.1 M', '61.1 M', 5)
    """
    if is_open(value):
        return "?"
    if units == "exact":
        return value
    scale = UNITS[units] or max([1, *(size for size in UNITS.values() if 1 < size <= abs(value))])
    name = next((name for name, size in UNITS.items() if size == scale and size > 1), "")
    return f"{value / scale:.4g} {name}".rstrip()


def title(count: NetworkCount) -> str:
    """Return the network's name and source."""
    source = f"  ({count.network.source})" if count.network.source else ""
    return f"{count.network.name}{source}"


def axes_text(value: Any) -> str:
    """Return one number for axes that agree, or all with x between them."""
    return "x".join(map(str, value)) if isinstance(value, list) else str(value)
