"""Rows with rows inside them: repeats, tables, branches that part and join, heads, choices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dlmath.counting.engine.builder import Builder, BuilderScope, GraphPlace, number
from dlmath.counting.engine.graph import AUXILIARY
from dlmath.counting.engine.layers import canonical, get_kind
from dlmath.counting.engine.options import resolve
from dlmath.counting.engine.words import ChainWord
from dlmath.errors import InvalidValueError
from dlmath.language.exact import fill

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dlmath.counting.engine.builder import Path, Structure


def _named(structure: Structure) -> Structure:
    """Return the structure run inside its own name, from where it says it reads."""

    def run(builder: Builder, row: Mapping[str, Any], scope: BuilderScope, place: GraphPlace, path: Path) -> None:
        name = row.get("name")
        sources = row.get("from")
        words = ChainWord(
            next(iter(row)),
            sources=(str(fill(str(sources), scope)),) if sources is not None else (),
            shares=row.get("sharing"),
            name=None if name is None else str(fill(str(name), scope)),
        )
        inside, full = builder.enter(words, place)
        structure(builder, row, scope, inside, path)
        if full is not None:
            builder.ends[full] = builder.current

    return run


def _whole(value: Any, what: str, fewest: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < fewest:
        raise InvalidValueError(f"{what} is {value}", f"make it a whole number from {fewest} up")
    return value


def _repeat(builder: Builder, row: Mapping[str, Any], scope: BuilderScope, place: GraphPlace, path: Path) -> None:
    """Add the layers so many times; `index` names the count, from 0."""
    index = row.get("index")
    for turn in range(_whole(number(row["repeat"], scope), "repeat", 0)):
        names = scope.with_names({index: turn}) if index is not None else scope
        builder.rows(row["layers"], names, place, (*path, "layers"))


def _table(builder: Builder, row: Mapping[str, Any], scope: BuilderScope, place: GraphPlace, path: Path) -> None:
    """Add the layers once for each row of the table, its values named by the columns."""
    columns = row["table"]
    lines = fill(row["rows"], scope) if isinstance(row["rows"], str) else row["rows"]
    if not isinstance(lines, list):
        raise InvalidValueError(f"the table's rows are {str(lines)[:40]}", "make them a list of lists")
    for line in lines:
        if not isinstance(line, list) or len(line) != len(columns):
            raise InvalidValueError(f"the row {line} does not fit the columns {', '.join(columns)}", "give one each")
        values = [fill(value, scope) if isinstance(value, str) else value for value in line]
        names = scope.with_names(dict(zip(columns, values, strict=True)))
        builder.rows(row["layers"], names, place, (*path, "layers"))


def _join(builder: Builder, word: str, ends: list[int], place: GraphPlace, axis: Any = None) -> None:
    kind = canonical(word)
    options = {} if axis is None else {"axis": axis}
    builder.add(kind, resolve(kind, get_kind(kind), options), tuple(ends), None, None, place)


def _residual(builder: Builder, row: Mapping[str, Any], scope: BuilderScope, place: GraphPlace, path: Path) -> None:
    """Add a branch and its shortcut (the identity, unless told), and their sum."""
    start = builder.current
    builder.rows(row["residual"], scope, place, (*path, "residual"))
    end, builder.current = builder.current, start
    builder.rows(row.get("shortcut"), scope, place, (*path, "shortcut"))
    _join(builder, row.get("join", "add"), [end, builder.current], place)


def _branches(builder: Builder, row: Mapping[str, Any], scope: BuilderScope, place: GraphPlace, path: Path) -> None:
    """Add branches that all read the same, and their join: a concatenation unless told."""
    start, ends = builder.current, []
    for turn, branch in enumerate(row["branches"]):
        builder.current = start
        builder.rows(branch, scope, place, (*path, "branches", turn))
        ends.append(builder.current)
    builder.current = start
    _join(builder, row.get("join", "concat"), ends, place, row.get("axis"))


def _choice(builder: Builder, row: Mapping[str, Any], scope: BuilderScope, place: GraphPlace, path: Path) -> None:
    key = "then" if number(row["if"], scope) else "else"
    builder.rows(row.get(key), scope, place, (*path, key))


def _auxiliary(builder: Builder, row: Mapping[str, Any], scope: BuilderScope, place: GraphPlace, path: Path) -> None:
    """Add a head that helps training only; the rows after it read what it read."""
    start = builder.current
    builder.rows(row["auxiliary"], scope, place._replace(group=AUXILIARY), (*path, "auxiliary"))
    builder.heads.append(builder.current)
    builder.current = start


def _times(builder: Builder, row: Mapping[str, Any], scope: BuilderScope, place: GraphPlace, path: Path) -> None:
    """Add layers that run so many times for one input, as for each region of interest."""
    times = _whole(number(row["times"], scope), "times", 1)
    builder.rows(row["layers"], scope, place._replace(times=place.times * times), (*path, "layers"))


def _frozen(builder: Builder, row: Mapping[str, Any], scope: BuilderScope, place: GraphPlace, path: Path) -> None:
    builder.rows(row["frozen"], scope, place._replace(frozen=True), (*path, "frozen"))


def _layers(builder: Builder, row: Mapping[str, Any], scope: BuilderScope, place: GraphPlace, path: Path) -> None:
    builder.rows(row["layers"], scope, place, (*path, "layers"))


BUILDERS: dict[str, Structure] = {
    "repeat": _named(_repeat),
    "table": _named(_table),
    "residual": _named(_residual),
    "branches": _named(_branches),
    "if": _named(_choice),
    "auxiliary": _named(_auxiliary),
    "times": _named(_times),
    "frozen": _named(_frozen),
    "layers": _named(_layers),
}
"""As `schema.STRUCTURES` lists them, in its order."""
