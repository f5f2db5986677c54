"""A folder of results: a file a finished cell, a file of JSON lines and a table an experiment, and a journal of times.

    FOLDER/cells/AB/ABCDEF.json  the record of a finished cell, by the first digits of its hash: no folder grows large
    FOLDER/NAME.jsonl            all cells of an experiment, in the order of its plan, written when the last one is done
    FOLDER/NAME.csv              the same as a table: the settings that vary, and every single value of the results
    FOLDER/NAME@HASH.jsonl, .csv what stood there before, when something else was asked under that name
    FOLDER/journal.jsonl         when, where and how long each cell ran: the only file that no two runs write alike

A record takes its name only when it is whole, and carries a digest of what it says: one that was cut or changed is not
believed. A run that is killed leaves its finished cells, and the next run finds them. Runs at the same time share the
cells among them, by locks that the system takes back from whoever dies, and write the same bytes under the same names.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlmath.errors import InvalidValueError, UnreadableError, UnwritableError
from dlmath.files.atomic import atomic
from dlmath.runs.files.rows import to_csv, write_parquet

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from typing import IO

CELLS = "cells"
CLAIMS = ".claims"
JOURNAL = "journal.jsonl"
DRAFTS = ".dlmath-*"
STALE = 3600.0
"""Seconds after which a draft belongs to no run that still lives."""
DIGEST = "digest"
TRIES = 20
"""Times that something is written into a folder that is being removed."""
HASH_DIGITS = 8
DIGEST_DIGITS = 32


class Store:
    """A folder of results."""

    def __init__(self, folder: str) -> None:
        self.folder = Path(folder)
        self.cells = self.folder / CELLS
        self._claims: IO[bytes] | None = None

    def open(self) -> None:
        """Make the folder, and sweep out what killed runs left half written."""
        try:
            self.cells.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            what = f"--results {self.folder}: {error.strerror}"
            raise UnwritableError(what, "name another folder with --results") from error
        except ValueError:
            raise UnwritableError("--results has a zero byte in its name", "name another folder") from None
        if not os.access(self.cells, os.W_OK):
            raise UnwritableError(f"--results {self.folder}: no permission to write", "name another folder")
        for draft in (*self.folder.glob(DRAFTS), *self.cells.glob(f"*/{DRAFTS}")):
            with suppress(OSError):
                if time.time() - draft.stat().st_mtime > STALE:
                    draft.unlink()

    def close(self) -> None:
        """Give back all claims."""
        if self._claims is not None:
            self._claims.close()
            self._claims = None

    # --- cells --------------------------------------------------------------------------------------------------------

    def path(self, cell: str) -> Path:
        """Return where a cell's record stands."""
        return self.cells / cell[:2] / f"{cell}.json"

    def read(self, cell: str) -> dict[str, Any] | None:
        """Return the record of a cell, or None when there is no whole one that was not changed."""
        try:
            record = json.loads(self.path(cell).read_bytes())
        except (OSError, ValueError, RecursionError):
            return None
        if not isinstance(record, dict) or record.get("id") != cell or record.pop(DIGEST, None) != digest_of(record):
            return None
        return record

    def keep(self, record: Mapping[str, Any]) -> None:
        """Write the record of a finished cell."""
        content = line_with_digest(record)
        self._again(lambda: write_whole(self.path(record["id"]), content))

    def note(self, clock: Mapping[str, Any]) -> None:
        """Add a line to the journal, in one write, which other runs' lines cannot come between."""

        def add() -> None:
            with (self.folder / JOURNAL).open("ab", buffering=0) as file:
                file.write(line(clock))

        self._again(add)

    def _again(self, write: Callable[[], None]) -> None:
        """Write, and where the folder was removed meanwhile, even while it is written to, make it again."""
        for tries_left in reversed(range(TRIES)):
            try:
                if not self.cells.is_dir():
                    self.open()
                write()
            except (OSError, UnwritableError) as error:
                cause = error.__cause__ if isinstance(error, UnwritableError) else error
                if isinstance(cause, FileNotFoundError) and tries_left:
                    time.sleep(0.01)
                    continue
                if isinstance(error, UnwritableError):
                    raise
                what = f"--results {self.folder}: {error.strerror or error}"
                mend = "free some space or name another folder; what is finished is kept"
                raise UnwritableError(what, mend) from error
            return

    # --- claims -------------------------------------------------------------------------------------------------------

    def claim(self, cell: str) -> bool:
        """Take a cell for this run, unless another run that lives has it.

        A claim is a lock on one byte of one file, at the place that the cell's hash names: the system takes it back
        when its owner ends, however it ends. Where a file system or the system has no locks, every claim is granted:
        two runs may then do the same work, and write the same bytes.
        """
        return self._lock(cell, take=True)

    def release(self, cell: str) -> None:
        """Give a cell back."""
        self._lock(cell, take=False)

    def _lock(self, cell: str, *, take: bool) -> bool:
        try:
            import fcntl
        except ImportError:  # Windows
            return True
        try:
            if self._claims is None:
                self._claims = (self.cells / CLAIMS).open("ab")
            kind = fcntl.LOCK_EX | fcntl.LOCK_NB if take else fcntl.LOCK_UN
            fcntl.lockf(self._claims, kind, 1, int(cell[:15], 16))
        except BlockingIOError:
            return False
        except (OSError, ValueError):
            return True
        return True

    # --- whole experiments --------------------------------------------------------------------------------------------

    def write(self, name: str, rows: Callable[[], Iterable[Mapping[str, Any]]], *, parquet: bool) -> list[str]:
        """Write an experiment's results, and keep beside them what was asked under that name before.

        Parameters
        ----------
        name : str
        rows : callable
            Gives the rows, as often as it is called: they are many, and pass one by one.
        parquet : bool
            Whether to write a Parquet table too.

        Returns
        -------
        list of str
            The names under which older results are kept.
        """
        kept: list[str] = []

        def all_of_it() -> None:
            first = next(iter(rows()), None)
            kept.extend(self._put_aside(name, None if first is None else first.get("asked")))
            with atomic(str(self.folder / f"{name}.jsonl")) as file:
                file.writelines(line_with_digest(row) for row in rows())
            with atomic(str(self.folder / f"{name}.csv")) as file:
                file.writelines(text.encode() for text in to_csv(rows))
            if parquet:
                write_parquet(str(self.folder / f"{name}.parquet"), rows)

        self._again(all_of_it)
        return kept

    def _put_aside(self, name: str, asked: str | None) -> list[str]:
        """Give results that answer another question a name of their own."""
        before = asked_in(self.folder / f"{name}.jsonl")
        if before is None or before == asked:
            return []
        kept = []
        for ending in (".jsonl", ".csv", ".parquet"):
            old = self.folder / f"{name}{ending}"
            if old.is_file():
                new = self.folder / f"{name}@{before[:HASH_DIGITS]}{ending}"
                old.replace(new)
                kept.append(str(new))
        return kept


def write_whole(path: Path, content: bytes) -> None:
    """Write a small file whole or not at all, in a folder that is made when it is not there.

    `files.atomic` does the same with more care for what stands there; here it is one of a hundred thousand.
    """
    draft = path.with_name(f".dlmath-{os.getpid()}-{path.stem}")
    try:
        draft.write_bytes(content)
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft.write_bytes(content)
    except OSError:
        draft.unlink(missing_ok=True)
        raise
    draft.replace(path)


def asked_in(file: Path) -> str | None:
    """Return what the results in a file answer; of those that do not say, a digest of the file; None: there is none."""
    try:
        with file.open("rb") as lines:
            first = lines.readline()
            rest = hashlib.file_digest(lines, "sha256").hexdigest()
    except OSError:
        return None
    try:
        asked = json.loads(first).get("asked")
    except (ValueError, RecursionError, AttributeError):
        asked = None
    return asked if isinstance(asked, str) and asked.isalnum() else rest


# --- records ----------------------------------------------------------------------------------------------------------


def line(record: Mapping[str, Any]) -> bytes:
    """Return one line of JSON."""
    return (json.dumps(record, ensure_ascii=False, allow_nan=False) + "\n").encode()


def digest_of(record: Mapping[str, Any]) -> str:
    """Return the digest of what a record says.

    >>> digest_of({"a": 1}) == digest_of({"a": 1.0})
    False
    """
    return hashlib.sha256(line(record)).hexdigest()[:DIGEST_DIGITS]


def line_with_digest(record: Mapping[str, Any]) -> bytes:
    """Return one line of JSON that carries its own digest, last.

    >>> json.loads(line_with_digest({"a": 1})) == {"a": 1, "digest": digest_of({"a": 1})}
    True
    """
    body = line(record)
    digest = hashlib.sha256(body).hexdigest()[:DIGEST_DIGITS]
    return body[:-2] + f', "{DIGEST}": "{digest}"}}\n'.encode()


def find_record(place: str) -> tuple[dict[str, Any], str]:
    """Return the record that RESULTS:ID means, and the file it was found in.

    RESULTS is a file of JSON lines or a folder of them; ID may be cut short as long as one record has it.

    Raises
    ------
    InvalidValueError, UnreadableError
        When there is none, or several, or one that no run can have written.
    """
    name, _, prefix = place.rpartition(":")
    if not name or not prefix:
        raise InvalidValueError(f"--replay {place} is not RESULTS:ID", "write it as results/NAME.jsonl:ID")
    path = Path(name)
    files = sorted(path.glob("*.jsonl")) if path.is_dir() else [path]
    found: dict[str, tuple[dict[str, Any], str]] = {}
    for file in files:
        for record in records_in(file):
            if record["id"].startswith(prefix):
                found.setdefault(record["id"], (record, str(file)))
    if len(found) != 1:
        what = f"--replay {place}: {len(found)} records have an id that begins with {prefix!r}"
        raise InvalidValueError(what, "copy the id from the first column of NAME.csv")
    return next(iter(found.values()))


def records_in(file: Path) -> Iterator[dict[str, Any]]:
    """Yield the records of a file of JSON lines; the journal has none."""
    if file.name == JOURNAL:
        return
    try:
        with file.open(encoding="utf-8") as lines:
            for text in lines:
                record = json.loads(text)
                if is_record(record):
                    yield record
    except OSError as error:
        raise UnreadableError(f"{file}: {error.strerror}", "check the name and its permissions") from error
    except (ValueError, RecursionError) as error:
        raise UnreadableError(f"{file}: is no file of results ({error})", "name a NAME.jsonl of --results") from error


def is_record(record: Any) -> bool:
    """Tell whether a value has the parts that every record has, each of its kind."""
    kinds: dict[str, type] = {"id": str, "command": str, "words": dict, "status": str, "provenance": dict}
    if not isinstance(record, dict) or not all(isinstance(record.get(key), kind) for key, kind in kinds.items()):
        return False
    files = record.get("files", [])
    return isinstance(files, list) and all(
        isinstance(file, dict) and all(isinstance(file.get(key), str) for key in ("written", "path", "sha256"))
        for file in files
    )


def was_changed(record: Mapping[str, Any]) -> bool:
    """Tell whether a record says something else than when it was written; older ones have no digest to tell by."""
    said = {key: value for key, value in record.items() if key != DIGEST}
    return DIGEST in record and record[DIGEST] != digest_of(said)
