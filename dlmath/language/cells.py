"""A cell of a sweep as expressions see it: the values at the paths of its result and its settings."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from dlmath.errors import nearest
from dlmath.language.errors import ExpressionError, MissingPathError
from dlmath.language.tree import all_paths

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dlmath.language.tree import Expectation, Path

INFINITE = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}
"""How JSON-like results write the numbers that JSON lacks."""


class AnyCell(Protocol):
    """A cell of a sweep: its place along each axis, which repeats share, and the values at its paths."""

    @property
    def point(self) -> tuple[int, ...]:
        """The place along each axis."""

    def at(self, path: Path, *, settings_first: bool) -> Any:
        """Return the value at a path."""


class Cell(NamedTuple):
    """A cell with all that is known of it.

    Parameters
    ----------
    settings : mapping
        What the experiment set, fixed and swept, and the names of its cases.
    result : mapping or None
        What the command found out; None when it failed, and every value in it is then null.
    point : tuple of int
        The place along each axis; repeats share it.
    """

    settings: Mapping[str, Any]
    result: Mapping[str, Any] | None
    point: tuple[int, ...] = ()

    def at(self, path: Path, *, settings_first: bool) -> Any:
        """Return the value at a path: in a test the result comes first, in `where` the settings do.

        `settings.epochs` and `result.epochs` say which is meant.
        """
        first, rest = path.steps[0], path.steps[1:]
        settings, result = self.settings, self.result
        if first in {"settings", "result"} and first not in (result or {}):
            return descend(settings if first == "settings" else result, rest, path)
        if settings_first and first in settings:
            return descend(settings[first], rest, path)
        if result is None:
            return descend(settings[first], rest, path) if first in settings else None
        if first in result:
            return descend(result[first], rest, path)
        if first in settings:
            return descend(settings[first], rest, path)
        raise missing(first, path, [*result, *settings])


class Paths:
    """All paths that some expressions look at; of a cell nothing else needs to be kept."""

    def __init__(self, trees: Sequence[Expectation]) -> None:
        found = {(path.steps, in_where): path for tree in trees for path, in_where in all_paths(tree)}
        self.paths = list(found.values())
        self.index = {key: number for number, key in enumerate(found)}

    def known(self, cell: AnyCell) -> Known:
        """Return a cell with the values at these paths alone."""
        keys = zip(self.index, self.paths, strict=True)
        return Known(self.index, tuple(met(cell, path, in_where) for (_, in_where), path in keys), cell.point)


def met(cell: AnyCell, path: Path, in_where: bool) -> Any:  # noqa: FBT001
    """Return the value at a path, or the error that is met there."""
    try:
        return cell.at(path, settings_first=in_where)
    except ExpressionError as error:
        return error


class Known(NamedTuple):
    """A cell of which only the values that expressions look at were kept; errors stand where there was none.

    `places` tell which of the values belongs to which path, in a test or in a `where`; all cells share it.
    """

    places: Mapping[tuple[tuple[str, ...], bool], int]
    values: tuple[Any, ...]
    point: tuple[int, ...] = ()

    def at(self, path: Path, *, settings_first: bool) -> Any:
        """Return the value at a path, or raise the error that was met there."""
        value = self.values[self.places[path.steps, settings_first]]
        if isinstance(value, ExpressionError):
            raise type(value)(value.what, value.mend, path.position)
        return value


def descend(value: Any, steps: Sequence[str], node: Path) -> Any:
    """Follow the steps of a path; below null everything is null."""
    if not steps:
        return INFINITE.get(value, value) if isinstance(value, str) else value
    step, rest = steps[0], steps[1:]
    if value is None:
        return None
    if isinstance(value, list | tuple):
        return descend_list(value, step, rest, node)
    if not hasattr(value, "keys"):
        what = f"{node.text}: nothing lies below {value!r}, where {step!r} is looked for"
        raise MissingPathError(what, "shorten the path", node.position)
    if step == "*":
        return [descend(item, rest, node) for item in value.values()]
    if step not in value:
        raise missing(step, node, list(value))
    return descend(value[step], rest, node)


def descend_list(value: Sequence[Any], step: str, rest: Sequence[str], node: Path) -> Any:
    """Follow a path into a list: one item, or `*` for all."""
    if step == "*":
        return [descend(item, rest, node) for item in value]
    if not step.lstrip("-").isdigit() or len(step) > 18 or not -len(value) <= int(step) < len(value):
        allowed = f"0 to {len(value) - 1}, or * for all" if value else "nothing: the list is empty"
        what = f"{node.text}: the list has no item {step!r}"
        raise MissingPathError(what, f"allowed: {allowed}", node.position)
    return descend(value[int(step)], rest, node)


def missing(step: str, node: Path, names: Sequence[str]) -> ExpressionError:
    """Return the error for a name that is not there."""
    close = nearest(step, names)
    there = "there are: " + ", ".join(dict.fromkeys(names))
    what = f"the result has no {step!r}" + (f" (of {node.text})" if node.text != step else "")
    return MissingPathError(what, f"did you mean {close!r}? ({there})" if close else there, node.position)
