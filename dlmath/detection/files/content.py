"""What an argument holds, before anyone knows its format: numbers on the command line, a file, standard input."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from dlmath.errors import UnreadableError
from dlmath.files.atomic import STANDARD
from dlmath.files.examples import path_of
from dlmath.files.standard import standard_bytes
from dlmath.files.text import shown

if TYPE_CHECKING:
    from dlmath.neural.arrays import Array

NPY_START = b"\x93NUMPY"
ENDINGS = (".csv", ".tsv", ".json", ".npy", ".txt", ".xml")
INLINE = re.compile(r"[\s;,]|^[+-]?[\d.]|^[\[{<]|^[+-]?(nan|inf)", re.IGNORECASE)
"""What numbers on the command line have and the name of a file rarely has."""


class Content(NamedTuple):
    """One argument, read.

    Attributes
    ----------
    name : str
        The file's name; "" for numbers on the command line.
    place : str
        What errors call it.
    data : bytes
    """

    name: str
    place: str
    data: bytes

    @property
    def ending(self) -> str:
        """The name's ending in small letters, with its dot."""
        return path_of(self.name).suffix.lower() if self.name else ""

    @property
    def stem(self) -> str:
        """The name without folder and ending."""
        return Path(self.name).stem

    @property
    def is_array(self) -> bool:
        """Whether these are the bytes of a .npy file."""
        return self.data.startswith(NPY_START)

    def text(self) -> str:
        """Return the content as text.

        Raises
        ------
        UnreadableError
            When it is not UTF-8.
        """
        try:
            return self.data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise UnreadableError(
                f"{self.place}: is not UTF-8 text (byte {error.start})", "give a text file"
            ) from error

    def array(self) -> Array:
        """Return the array of a .npy file.

        Raises
        ------
        UnreadableError
            When it is damaged, or holds anything but real numbers.
        """
        import numpy as np

        try:
            values = np.load(io.BytesIO(self.data), allow_pickle=False)
        except (ValueError, OSError, EOFError, SyntaxError, TypeError) as error:
            reason = " ".join(str(error).split())
            raise UnreadableError(f"{self.place}: is no whole .npy file ({reason})", "save it again") from error
        if values.dtype.kind not in "buif":
            raise UnreadableError(f"{self.place}: holds {values.dtype}", "save an array of real numbers")
        return np.asarray(values.astype(np.uint8) if values.dtype.kind == "b" else values)


def is_inline(word: str) -> bool:
    """Tell whether an argument is numbers rather than the name of a file.

    >>> is_inline("0 0 10 10; 2 2 12 14"), is_inline("boxes.csv"), is_inline("my boxes.csv"), is_inline("-")
    (True, False, False, False)
    """
    if word == STANDARD or word.lower().endswith(ENDINGS):
        return False
    if not word.strip():
        return True
    try:
        if path_of(word).exists():
            return False
    except (OSError, ValueError):
        return True  # too long, or with signs that no name has
    return INLINE.search(word.strip() or " ") is not None


def read_content(word: str, what: str) -> Content:
    """Return an argument's content.

    Parameters
    ----------
    word : str
        Numbers, the name of a file, or `-`.
    what : str
        What errors call numbers on the command line: "boxes".

    Raises
    ------
    UnreadableError
        When it is missing, a folder, not permitted, or empty.
    """
    if is_inline(word):
        content = Content("", what, word.encode())
    else:
        place = shown(word)
        try:
            data = standard_bytes() if word == STANDARD else path_of(word).read_bytes()
        except OSError as error:
            raise UnreadableError(
                f"{place}: {error.strerror or error}", "check the name and its permissions"
            ) from error
        content = Content(word, place, data)
    if not content.data.strip():
        raise UnreadableError(f"{content.place}: is empty", "give at least one row")
    return content
