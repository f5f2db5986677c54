"""Output files that are written whole or not at all."""

from __future__ import annotations

import os
import stat
import sys
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING

from dlmath.errors import UnwritableError

if TYPE_CHECKING:
    from collections.abc import Iterator

STANDARD = "-"
"""The name that stands for standard input or standard output."""


def check_writable(name: str, option: str, *, makes_folder: bool = False) -> None:
    """Find out before the work that a file can be written after it; `makes_folder`: its folder may have to be made.

    Raises
    ------
    UnwritableError
        Naming the option, the file and what is in the way.
    """
    if name == STANDARD:
        return
    path = target_of(name)
    folder = path.parent
    if path.is_dir():
        raise UnwritableError(f"{option} {name}: is a folder", "name a file")
    if makes_folder:
        folder = next(parent for parent in path.parents if parent.exists())
    if not folder.is_dir():
        raise UnwritableError(f"{option} {name}: there is no folder {folder}", f"make it first (mkdir -p {folder})")
    if path.exists() and not os.access(path, os.W_OK):
        raise UnwritableError(f"{option} {name}: is write-protected", "choose another name, or chmod u+w it")
    if (path.is_file() or not path.exists()) and not os.access(folder, os.W_OK):
        raise UnwritableError(f"{option} {name}: no permission to write in {folder}", "choose another place")


def target_of(name: str) -> Path:
    """Return the file that is written: behind a symbolic link its target, so that the link stays."""
    path = Path(name)
    return Path(os.path.realpath(path)) if path.is_symlink() else path


@contextmanager
def atomic(name: str) -> Iterator[IO[bytes]]:
    """Open a file for writing; it takes its name only when the block ends well.

    A failed or interrupted block leaves what stood there before. `-` is standard output; a device or pipe is
    written directly.
    """
    path = target_of(name)
    with named_errors("standard output" if name == STANDARD else name):
        if name == STANDARD:
            sys.stdout.flush()
            yield sys.stdout.buffer
            sys.stdout.buffer.flush()
        elif path.exists() and not path.is_file():
            with path.open("wb") as device:
                yield device
        else:
            with replacing(path) as file:
                yield file


@contextmanager
def named_errors(name: str) -> Iterator[None]:
    """Turn the system's errors while a file is written into one that names the file, not its draft."""
    try:
        yield
    except BrokenPipeError:
        raise  # a reader that has seen enough is no error
    except OSError as error:
        reason = error.strerror or error
        raise UnwritableError(f"{name}: {reason}", "free some space or choose another place") from error


@contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """Write beside `path`, then move over it."""
    import tempfile

    handle, draft = tempfile.mkstemp(prefix=".dlmath-", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
        Path(draft).chmod(mode_for(path))
        Path(draft).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(draft).unlink()
        raise


def mode_for(path: Path) -> int:
    """Return the permissions of the file that is replaced, or those a new file gets."""
    if path.exists():
        return stat.S_IMODE(path.stat().st_mode)
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask


def write_bytes(name: str, content: bytes) -> None:
    """Write a whole file at once."""
    with atomic(name) as file:
        file.write(content)
