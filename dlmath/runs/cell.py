"""One cell of an experiment: run through the same function as the command itself, and written down.

What a worker, here or on another machine, needs is a `Task`, and what it gives back is a `Done`: both are plain data.
"""

from __future__ import annotations

import socket
import tempfile
import time
from contextlib import ExitStack
from functools import cache
from pathlib import Path
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
    limit : float or None
        Seconds after which it is given up; they decide nothing of what comes out in time.
    """

    id: str
    command: str
    words: Mapping[str, Any]
    files: Mapping[str, str]
    version: str
    limit: float | None = None


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

    folder = Path(__file__).parent.parent
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.suffix in {".py", ".yaml"} and folder / "examples" not in path.parents:
            digest.update(str(path.relative_to(folder)).encode() + b"\0" + path.read_bytes())
    return f"{__version__}+{digest.hexdigest()[:12]}"


@cache
def machine() -> dict[str, str]:
    """Return what the numbers may depend on besides the settings.

    Pillow decodes the pictures. Of the system its kind alone counts, not the release of its kernel, which changes every
    week and computes nothing.
    """
    import platform

    return {
        "dlmath": program_version(),
        "numpy": version_of("numpy"),
        "pillow": version_of("pillow"),
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
    }


def version_of(package: str) -> str:
    """Return the version of an installed package.

    >>> version_of("a package that nobody has")
    'none'
    """
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(package)
    except PackageNotFoundError:
        return "none"


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
            found = finished(task, outcome, names, outputs_of(task))
        except Exception as error:  # noqa: BLE001  whatever it is, the other cells go on
            found = failed(task, error, names)
    return Done(found, clock_of(task, found["status"], started, time.perf_counter() - begin))


def clock_of(task: Task, status: str, started: float, seconds: float) -> dict[str, Any]:
    """Return when, where and how long a cell ran."""
    return {
        "id": task.id,
        "status": status,
        "started": round(started, 3),
        CLOCK: round(seconds, 6),
        "host": socket.gethostname(),
    }


def given_up(task: Task, error: Exception, started: float) -> Done:
    """Return what is written down of a cell whose worker is gone."""
    return Done(failed(task, error, dict(task.files)), clock_of(task, FAILED, started, time.time() - started))


def check_version(task: Task) -> None:
    """Refuse to answer for another version: a worker on another machine may have one."""
    if task.version != program_version():
        what = f"this worker has dlmath {program_version()}, the plan was made by {task.version}"
        raise DlmathError(what, "install the same version on every machine")


def words_of(task: Task) -> Words:
    """Return the command's words, with input files by their whole paths."""
    command = command_of(task.command)
    return command.words(**{field: with_paths(value, task.files) for field, value in task.words.items()})


def whole_words(task: Task, stack: ExitStack, names: dict[str, str]) -> Words:
    """Return the command's words, with input files by their whole paths and pictures written where they vanish."""
    words = words_of(task)
    field = command_of(task.command).own_output(words)
    if field is None:
        return words
    folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="dlmath-cell-")) + "/"
    names[""] = folder
    return words.replace(**{field: folder})


def outputs_of(task: Task) -> dict[str, str]:
    """Return the files that a cell has written and leaves, each with the digest of what it holds."""
    command = command_of(task.command)
    if not any(field in task.words for field in command.writes):
        return {}
    paths = [Path(path) for path in command.outputs(words_of(task))]
    return {str(path): digest_of_file(path) for path in paths if path.is_file()}


def digest_of_file(path: Path) -> str:
    """Return the digest of what a file holds."""
    import hashlib

    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


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


def finished(task: Task, outcome: Outcome, names: Mapping[str, str], outputs: Mapping[str, str]) -> dict[str, Any]:
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
        **({"outputs": dict(outputs)} if outputs else {}),
    )


def failed(task: Task, error: Exception, names: Mapping[str, str]) -> dict[str, Any]:
    """Return the record of a cell that could not be carried out."""
    from dlmath.frame.boundary import describe

    settings = {**command_of(task.command).words().as_dict(), **task.words}
    shown = as_written(describe(error), names)
    return record_of(task, status=FAILED, answer=None, settings=plain(settings), result=None, error=shown)
