"""One cell of an experiment: run through the same function as the command itself, and written down.

What a worker, here or on another machine, needs is a `Task`, and what it gives back is a `Done`: both are plain data.
"""

from __future__ import annotations

import socket
import tempfile
import time
from contextlib import ExitStack
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from dlmath.errors import DlmathError
from dlmath.frame.face import silent_output
from dlmath.frame.outcome import plain
from dlmath.frame.registry import command_of
from dlmath.version import __version__

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dlmath.frame.outcome import Outcome
    from dlmath.frame.words import Words

CLOCK = "seconds"
"""The key under which commands report times: they are of the machine, not of the mathematics, and no two are alike."""
DONE, FAILED = "done", "failed"


class Task(NamedTuple):
    """What is to be run.

    Parameters
    ----------
    id : str
        Hash of all the rest.
    command : str
        The subcommand.
    words : mapping
        The options that were given, by field.
    files : mapping
        The words that name input files, to their whole paths.
    version : str
        Of the program that planned it.
    """

    id: str
    command: str
    words: Mapping[str, Any]
    files: Mapping[str, str]
    version: str


class Done(NamedTuple):
    """A cell's record, which is the same bytes wherever and whenever it is run, and the clock, which is not."""

    record: dict[str, Any]
    clock: dict[str, Any]


@cache
def program_version() -> str:
    """Return the version with a digest of the program's own files.

    A checkout keeps its number while its code changes; results of other code must not be taken for its own. The copy of
    the examples that the wheel has is no code: a cell's files have digests of their own.
    """
    import hashlib
    from pathlib import Path

    folder = Path(__file__).parent.parent
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.suffix in {".py", ".yaml"} and folder / "examples" not in path.parents:
            digest.update(str(path.relative_to(folder)).encode() + b"\0" + path.read_bytes())
    return f"{__version__}+{digest.hexdigest()[:12]}"


@cache
def machine() -> dict[str, str]:
    """Return what the numbers may depend on besides the settings."""
    import platform
    from importlib.metadata import PackageNotFoundError, version

    try:
        numpy = version("numpy")
    except PackageNotFoundError:
        numpy = "none"
    return {
        "dlmath": program_version(),
        "numpy": numpy,
        "python": platform.python_version(),
        "platform": platform.platform(),
    }


def execute(task: Task) -> Done:
    """Run one cell. What goes wrong in it is its result; an interrupt is not."""
    started = time.time()
    begin = time.perf_counter()
    with ExitStack() as stack:
        names = dict(task.files)
        try:
            check_version(task)
            words = whole_words(task, stack, names)
            outcome = command_of(task.command).carry_out(words, silent_output())
            found = finished(task, outcome, names)
        except Exception as error:  # noqa: BLE001  whatever it is, the other cells go on
            found = failed(task, error, names)
    clock = {
        "id": task.id,
        "status": found["status"],
        "started": round(started, 3),
        CLOCK: round(time.perf_counter() - begin, 6),
        "host": socket.gethostname(),
    }
    return Done(found, clock)


def check_version(task: Task) -> None:
    """Refuse to answer for another version: a worker on another machine may have one."""
    if task.version != program_version():
        what = f"this worker has dlmath {program_version()}, the plan was made by {task.version}"
        raise DlmathError(what, "install the same version on every machine")


def whole_words(task: Task, stack: ExitStack, names: dict[str, str]) -> Words:
    """Return the command's words, with input files by their whole paths and pictures written where they vanish."""
    command = command_of(task.command)
    words = command.words(**{field: with_paths(value, task.files) for field, value in task.words.items()})
    field = command.own_output(words)
    if field is None:
        return words
    folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="dlmath-cell-")) + "/"
    names[""] = folder
    return words.replace(**{field: folder})


def check_task(task: Task) -> None:
    """Raise what the command would raise for a cell's words, before any work."""
    with ExitStack() as stack:
        command_of(task.command).check(whole_words(task, stack, {}).checked(), silent_output())


def with_paths(value: Any, files: Mapping[str, str]) -> Any:
    """Return a word with its input files named by their whole paths."""
    if isinstance(value, list):
        return [with_paths(item, files) for item in value]
    if not isinstance(value, str) or value in files:
        return files.get(value, value)
    name, colon, settings = value.rpartition(":")
    return files.get(name, name) + colon + settings


def as_written(value: Any, names: Mapping[str, str]) -> Any:
    """Return a result with files named as the experiment names them, and without times."""
    if isinstance(value, dict):
        return {as_written(key, names): as_written(item, names) for key, item in value.items() if key != CLOCK}
    if isinstance(value, list):
        return [as_written(item, names) for item in value]
    if isinstance(value, str):
        for written, path in names.items():
            value = value.replace(path, written)
    return value


def record_of(task: Task, **found: Any) -> dict[str, Any]:
    """Return a record: what was run, what came of it, and what may have made a difference."""
    record: dict[str, Any] = {"id": task.id, "command": task.command, "words": dict(task.words)}
    return {**record, **found, "provenance": {**machine(), "seed": task.words.get("seed")}}


def finished(task: Task, outcome: Outcome, names: Mapping[str, str]) -> dict[str, Any]:
    """Return the record of a cell that has a result."""
    of_output = silent_output().settings()
    settings = {key: value for key, value in outcome.settings.items() if key not in of_output}
    if "" in names:
        settings |= dict.fromkeys(command_of(task.command).writes)  # the folder that vanished was ours
    return record_of(
        task,
        status=DONE,
        answer=outcome.answer,
        settings=as_written(plain(settings), names),
        result=as_written(plain(outcome.result), names),
        error=None,
    )


def failed(task: Task, error: Exception, names: Mapping[str, str]) -> dict[str, Any]:
    """Return the record of a cell that could not be carried out."""
    if isinstance(error, DlmathError):
        text = str(error)
    elif isinstance(error, MemoryError):
        text = f"not enough memory ({error}); use fewer --jobs, or ask for less at once"
    elif isinstance(error, OSError):
        text = f"{error.filename or 'a file'}: {error.strerror or error}; check the path and the space left"
    else:
        text = f"{type(error).__name__}: {error}; this is a defect of dlmath: run the cell's command line to see where"
    settings = {**command_of(task.command).words().as_dict(), **task.words}
    shown = as_written(" ".join(text.split()), names)
    return record_of(task, status=FAILED, answer=None, settings=plain(settings), result=None, error=shown)
