"""Model files opened: a binary file that can seek, its size, and one error for whatever is wrong with it."""

from __future__ import annotations

import io
import sys
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

from dlmath.errors import UnreadableError
from dlmath.files.atomic import STANDARD
from dlmath.files.examples import path_of
from dlmath.files.text import shown

if TYPE_CHECKING:
    from collections.abc import Iterator

MEND = "is the file cut short or of another format?"


def damaged(name: str, fault: object) -> UnreadableError:
    """Return the error of a file that is not what it claims to be."""
    return UnreadableError(f"{shown(name)}: {fault}", MEND)


@contextmanager
def opened(name: str) -> Iterator[tuple[IO[bytes], int]]:
    """Open a file, `-` being standard input, and find its size; a pipe is read whole, a file is not read at all.

    Raises
    ------
    UnreadableError
        When it is missing, a folder, not permitted, or empty.
    """
    try:
        with _file(name) as file:
            size = file.seek(0, io.SEEK_END)
            file.seek(0)
            if size == 0:
                raise UnreadableError(f"{shown(name)}: is empty", "give a model file")
            yield file, size
    except OSError as error:
        reason = error.strerror or error
        raise UnreadableError(f"{shown(name)}: {reason}", "check the name and its permissions") from error


def _file(name: str) -> IO[bytes]:
    if name == STANDARD:
        if sys.stdin is None:
            raise UnreadableError("standard input is closed", "send it a file or a pipe")
        return io.BytesIO(sys.stdin.buffer.read())
    file = path_of(name).open("rb")
    if file.seekable():
        return file
    with file:
        return io.BytesIO(file.read())


def stem(name: str) -> str:
    """Return what a model is called when only its file has a name.

    >>> stem("nets/vgg16.safetensors"), stem("-")
    ('vgg16', 'model')
    """
    return "model" if name == STANDARD else path_of(name).stem
