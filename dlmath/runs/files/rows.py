"""Records as rows of a table: the cell's place in the sweep, then every single value of its result."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any

from dlmath.files.atomic import write_bytes
from dlmath.report.harmless import harmless

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    Rows = Callable[[], Iterable[Mapping[str, Any]]]


def to_csv(rows: Rows) -> Iterator[str]:
    """Yield records as lines of CSV, a header first; they are gone through twice, one by one."""
    columns = columns_of(rows())
    yield csv_line(columns)
    for row in rows():
        flat = dict(singles(row))
        yield csv_line([written(flat.get(column)) for column in columns])


def csv_line(cells: Sequence[str]) -> str:
    """Return one line of CSV."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow([harmless(cell) for cell in cells])
    return text.getvalue()


def columns_of(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the columns that records have, in the order in which they come up."""
    return list(dict.fromkeys(column for row in rows for column, _ in singles(row)))


def written(value: Any) -> str:
    """Return a value as a cell of CSV.

    >>> written(0.1), written(True), written(None), written("xor")
    ('0.1', 'true', '', 'xor')
    """
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def table_of(rows: Sequence[Mapping[str, Any]]) -> tuple[list[str], list[list[Any]]]:
    """Return records as columns and rows."""
    columns = columns_of(rows)
    flat = [dict(singles(row)) for row in rows]
    return columns, [[row.get(column) for column in columns] for row in flat]


def singles(row: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the columns of one record."""
    yield "id", row["id"]
    yield from row["cell"].items()
    yield from ((key, row[key]) for key in ("repeat", "seed", "status", "error"))
    yield from (("result." + path, value) for path, value in leaves(row["result"]))


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every single value of a result with its path; lists, which differ in length, are in the JSON lines.

    >>> list(leaves({"epochs": {"median": 3}, "loss": [1, 2], "learned": True}))
    [('epochs.median', 3), ('learned', True)]
    """
    if isinstance(value, dict):
        for key, item in value.items():
            yield from leaves(item, f"{path}.{key}" if path else key)
    elif value is not None and not isinstance(value, list):
        yield path, value


def write_parquet(name: str, rows: Rows) -> None:
    """Write records as a Parquet table."""
    import pyarrow as pa
    from pyarrow import parquet

    columns, table = table_of(list(rows()))
    buffer = io.BytesIO()
    made = {column: uniform([row[index] for row in table]) for index, column in enumerate(columns)}
    parquet.write_table(pa.table(made), buffer)
    write_bytes(name, buffer.getvalue())


def uniform(values: list[Any]) -> list[Any]:
    """Return a column of one type, as text where its values differ in type."""
    kinds = {type(value) for value in values if value is not None}
    if len(kinds) <= 1:
        return values
    if kinds <= {int, float}:
        return [None if value is None else float(value) for value in values]
    return [None if value is None else written(value) for value in values]
