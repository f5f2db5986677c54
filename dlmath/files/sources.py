"""Where bytes come from: files and standard input, opened and looked at before anything is decoded."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

from dlmath.errors import UnreadableError
from dlmath.files.atomic import STANDARD
from dlmath.files.examples import path_of
from dlmath.files.missing import mend_for
from dlmath.files.standard import standard_bytes
from dlmath.files.text import shown

if TYPE_CHECKING:
    from pathlib import Path

HEAD = 16


@dataclass(frozen=True)
class Source:
    """An input that can be read from anywhere.

    Attributes
    ----------
    name, place : str
        As the user gave it, and as messages call it.
    file : binary file
        At its beginning.
    size : int
        Bytes.
    head : bytes
        The first 16.
    """

    name: str
    place: str
    file: IO[bytes]
    size: int
    head: bytes

    @property
    def ending(self) -> str:
        """The name's ending in small letters, with its dot."""
        return path_of(self.name).suffix.lower()


def open_source(name: str) -> Source:
    """Open a file, `-` being standard input; what cannot seek (a pipe) is read whole.

    Raises
    ------
    UnreadableError
        When it is missing, a folder, not permitted, or empty.
    """
    place = shown(name)
    try:
        file = io.BytesIO(standard_bytes()) if name == STANDARD else _opened(path_of(name))
        size = file.seek(0, io.SEEK_END)
        file.seek(0)
        head = file.read(HEAD)
        file.seek(0)
    except OSError as error:
        raise UnreadableError(f"{place}: {error.strerror or error}", mend_for(name, error)) from error
    if not head:
        file.close()
        raise UnreadableError(f"{place}: is empty", "give an image file")
    return Source(name, place, file, size, head)


def _opened(path: Path) -> IO[bytes]:
    file = path.open("rb")
    if file.seekable():
        return file
    with file:
        return io.BytesIO(file.read())
