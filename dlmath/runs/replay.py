"""`dlmath run --replay RESULTS:ID`: one cell repeated from its own record, and compared with it."""

from __future__ import annotations

import hashlib
from functools import partial
from typing import TYPE_CHECKING, Any

from dlmath.errors import InvalidValueError
from dlmath.files.examples import path_of
from dlmath.frame.checks import refuse
from dlmath.frame.outcome import Outcome
from dlmath.frame.registry import command_of
from dlmath.report.blocks import Facts, Lines, Table
from dlmath.runs.cell import Task, execute, machine, program_version
from dlmath.runs.files.results import find_record, was_changed
from dlmath.runs.report.tables import worded
from dlmath.runs.vocabulary import COMMANDS, command_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dlmath.frame.output import Output
    from dlmath.report.blocks import Block
    from dlmath.runs.words import Words

COMPARED = ("status", "answer", "settings", "result", "error")


def replay(words: Words, output: Output) -> Outcome:
    """Run the cell again and tell every value that differs."""
    assert words.replay is not None
    record, file = found_record(words.replay)
    paths = {one["written"]: str(path_of(one["path"]).resolve()) for one in record.get("files", ())}
    task = Task(record["id"], record["command"], record["words"], paths, program_version())
    again = execute(task).record
    differences = [one for key in COMPARED for one in differing(record.get(key), again[key], key)]
    table = Table(("path", "recorded", "now"), tuple((p, worded(a), worded(b)) for p, a, b in differences))
    return Outcome(
        command="run",
        settings={"replay": words.replay, **output.settings()},
        result={
            "id": record["id"],
            "file": file,
            "command_line": command_line(record["command"], record["words"]),
            "same": not differences,
            "differences": [dict(zip(table.columns, one, strict=True)) for one in differences],
        },
        table=table,
        blocks=partial(blocks, record, table),
        explanation=partial(explanation, record) if output.explain else None,
        answer=not differences,
        notes=[*changed_record(record), *changed_files(record), *changed_machine(record)],
    )


def found_record(place: str) -> tuple[dict[str, Any], str]:
    """Return the record that is meant, and its file.

    Raises
    ------
    InvalidValueError
        When this program has not the command or the options that it names.
    """
    record, file = find_record(place)
    if record["command"] not in COMMANDS:
        raise InvalidValueError(f"{file}: this dlmath has no command {record['command']!r}", "use the version it names")
    strangers = record["words"].keys() - command_of(record["command"]).words.ALL.keys()
    if strangers:
        what = f"{file}: {record['command']} has no option {min(strangers)!r}"
        raise InvalidValueError(what, "use the version the record names")
    return record, file


def changed_record(record: dict[str, Any]) -> Iterator[str]:
    """Yield that a record does not say what it said when it was written."""
    if was_changed(record):
        yield "the record was changed after it was written: its digest does not fit"


def check_replay(words: Words) -> None:
    """Refuse options that one cell has no use for, and a record that is not to be had."""
    refuse(words.given(but=("replay",)), "with --replay, which takes everything from the record")
    assert words.replay is not None
    found_record(words.replay)


def differing(recorded: Any, now: Any, path: str) -> Iterator[tuple[str, Any, Any]]:
    """Yield every path at which two values differ, as deep as they are alike in shape.

    >>> list(differing({"a": [1, 2], "b": 3}, {"a": [1, 5], "b": 3}, "result"))
    [('result.a.1', 2, 5)]
    """
    if isinstance(recorded, dict) and isinstance(now, dict):
        for key in dict.fromkeys([*recorded, *now]):
            yield from differing(recorded.get(key), now.get(key), f"{path}.{key}")
    elif isinstance(recorded, list) and isinstance(now, list) and len(recorded) == len(now):
        for index, pair in enumerate(zip(recorded, now, strict=True)):
            yield from differing(*pair, f"{path}.{index}")
    elif recorded != now:
        yield path, recorded, now


def changed_files(record: dict[str, Any]) -> Iterator[str]:
    """Yield the input files that no longer hold what they held."""
    for one in record.get("files", ()):
        path = path_of(one["path"])
        if not path.is_file():
            raise InvalidValueError(
                f"{path}: the cell's input file is not there", "replay it from the folder of the run"
            )
        if hashlib.sha256(path.read_bytes()).hexdigest() != one["sha256"]:
            yield f"{path} has changed since"


def changed_machine(record: dict[str, Any]) -> Iterator[str]:
    """Yield what is different of the program and the machine."""
    before = record["provenance"]
    for key, now in machine().items():
        if before.get(key) != now:
            yield f"{key} was {before.get(key)}, is {now}"


def blocks(record: dict[str, Any], table: Table) -> Iterator[Block]:
    """Yield the cell and the verdict."""
    line = command_line(record["command"], record["words"])
    yield Facts((("cell", record["id"]), ("experiment", record.get("experiment")), ("command line", line)))
    if table.rows:
        yield table
    text = f"{len(table.rows)} values differ" if table.rows else "the same, to the last digit"
    yield Lines((((text, "red" if table.rows else "green"),),))


def explanation(record: dict[str, Any]) -> Iterator[Block]:
    """Yield what is compared."""
    yield Lines(
        (
            f"The record's words are given to {record['command']} again; compared are {', '.join(COMPARED)},",
            "every number to its last digit; times are no part of a record.",
        ),
        title="How a replay is judged",
    )
