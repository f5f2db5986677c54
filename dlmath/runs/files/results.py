"""A folder of results: one file a finished cell, one file of JSON lines an experiment, and a journal of times.

    FOLDER/cells/ID.json    the record of a finished cell; it takes its name only when it is whole
    FOLDER/NAME.jsonl       all cells of an experiment, in the order of its plan, written when the last one is done
    FOLDER/NAME.csv         the same as a table: the settings that vary, and every single value of the results
    FOLDER/journal.jsonl    when, where and how long each cell ran: the only file that no two runs write alike

A run that is killed leaves its finished cells, and the next run finds them. Runs at the same time write the same bytes
under the same names, whole, so neither can spoil the other's.
"""

from __future__ import annotations

import csv
import io
import json
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlmath.errors import InvalidValueError, UnreadableError, UnwritableError
from dlmath.files.atomic import write_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

CELLS = "cells"
JOURNAL = "journal.jsonl"
DRAFTS = ".dlmath-*"
STALE = 3600.0
"""Seconds after which a draft belongs to no run that still lives."""


class Store:
    """A folder of results."""

    def __init__(self, folder: str) -> None:
        self.folder = Path(folder)
        self.cells = self.folder / CELLS

    def open(self) -> None:
        """Make the folder, and sweep out what killed runs left half written."""
        try:
            self.cells.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            what = f"--results {self.folder}: {error.strerror}"
            raise UnwritableError(what, "name another folder with --results") from error
        if not os.access(self.cells, os.W_OK):
            raise UnwritableError(f"--results {self.folder}: no permission to write", "name another folder")
        for draft in (*self.folder.glob(DRAFTS), *self.cells.glob(DRAFTS)):
            with suppress(OSError):
                if time.time() - draft.stat().st_mtime > STALE:
                    draft.unlink()

    def read(self, cell: str) -> dict[str, Any] | None:
        """Return the record of a cell, or None when there is no whole one."""
        try:
            found = json.loads((self.cells / f"{cell}.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return found if isinstance(found, dict) and found.get("id") == cell else None

    def keep(self, record: Mapping[str, Any]) -> None:
        """Write the record of a finished cell."""
        write_bytes(str(self.cells / f"{record['id']}.json"), line(record))

    def note(self, clock: Mapping[str, Any]) -> None:
        """Add a line to the journal, in one write, which other runs' lines cannot come between."""
        with (self.folder / JOURNAL).open("ab", buffering=0) as file:
            file.write(line(clock))

    def write(self, name: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Write an experiment's results."""
        write_bytes(str(self.folder / f"{name}.jsonl"), b"".join(map(line, rows)))
        write_bytes(str(self.folder / f"{name}.csv"), to_csv(rows).encode())

    def write_parquet(self, name: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Write an experiment's results as a Parquet table."""
        import pyarrow as pa
        from pyarrow import parquet

        columns, table = table_of(rows)
        buffer = io.BytesIO()
        made = {column: uniform([row[index] for row in table]) for index, column in enumerate(columns)}
        parquet.write_table(pa.table(made), buffer)
        write_bytes(str(self.folder / f"{name}.parquet"), buffer.getvalue())


def line(record: Mapping[str, Any]) -> bytes:
    """Return one line of JSON."""
    return (json.dumps(record, ensure_ascii=False, allow_nan=False) + "\n").encode()


def to_csv(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return records as CSV with a header."""
    columns, table = table_of(rows)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([written(value) for value in row] for row in table)
    return text.getvalue()


def written(value: Any) -> str:
    """Return a value as a cell of CSV.

    >>> written(0.1), written(True), written(None), written("xor")
    ('0.1', 'true', '', 'xor')
    """
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def table_of(rows: Sequence[Mapping[str, Any]]) -> tuple[list[str], list[list[Any]]]:
    """Return records as columns and rows: the cell's place in the sweep, then every single value of its result."""
    flat = [dict(singles(row)) for row in rows]
    columns = list(dict.fromkeys(column for row in flat for column in row))
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


def uniform(values: list[Any]) -> list[Any]:
    """Return a column of one type, as text where its values differ in type."""
    kinds = {type(value) for value in values if value is not None}
    if len(kinds) <= 1:
        return values
    if kinds <= {int, float}:
        return [None if value is None else float(value) for value in values]
    return [None if value is None else written(value) for value in values]


def find_record(place: str) -> tuple[dict[str, Any], str]:
    """Return the record that RESULTS:ID means, and the file it was found in.

    RESULTS is a file of JSON lines or a folder of them; ID may be cut short as long as one record has it.
    """
    name, _, prefix = place.rpartition(":")
    if not name or not prefix:
        raise InvalidValueError(f"--replay {place} is not RESULTS:ID", "write it as results/NAME.jsonl:ID")
    path = Path(name)
    files = sorted(path.glob("*.jsonl")) if path.is_dir() else [path]
    found: dict[str, tuple[dict[str, Any], str]] = {}
    for file in files:
        for record in records_in(file):
            if str(record["id"]).startswith(prefix):
                found.setdefault(record["id"], (record, str(file)))
    if len(found) != 1:
        what = f"--replay {place}: {len(found)} records have an id that begins with {prefix!r}"
        raise InvalidValueError(what, "copy the id from the first column of NAME.csv")
    return next(iter(found.values()))


def records_in(file: Path) -> Iterable[dict[str, Any]]:
    """Return the records of a file of JSON lines; the journal has none."""
    if file.name == JOURNAL:
        return []
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
        found = [json.loads(text) for text in lines]
    except OSError as error:
        raise UnreadableError(f"{file}: {error.strerror}", "check the name and its permissions") from error
    except ValueError as error:
        raise UnreadableError(f"{file}: is no file of results ({error})", "name a NAME.jsonl of --results") from error
    return [record for record in found if isinstance(record, dict) and "id" in record and "words" in record]
