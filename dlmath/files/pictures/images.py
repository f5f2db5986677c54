"""Images in and out: one way to read any of them, and one way to write.

Image files are decoded by Pillow and written by the project's own PNG writer or Pillow; arrays (.npy) and text
matrices are plain numbers both ways.
"""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, TypeVar

from dlmath.files.pictures.decoding import header_of, is_noisy, load, picture_of
from dlmath.files.pictures.encoding import WRITABLE, check_image_name, check_not_input, write_image
from dlmath.files.pictures.matrices import NPY_START, array_header, array_picture, inline_picture, is_text, text_picture
from dlmath.files.pictures.picture import Header, Picture, checked
from dlmath.files.sources import open_source
from dlmath.files.text import shown
from dlmath.language.number_text import is_rows

if TYPE_CHECKING:
    from collections.abc import Callable

    from dlmath.files.sources import Source

Result = TypeVar("Result")

ALSO_READ = (".pbm", ".pnm", ".pfm", ".jpe", ".jfif", ".dib", ".apng")
"""Endings of image files that are read, beside those that can be written."""

__all__ = [
    "WRITABLE",
    "Decoding",
    "Header",
    "Picture",
    "begin_decoding",
    "check_image_name",
    "check_not_input",
    "read_header",
    "read_image",
    "write_image",
]


def read_image(name: str, *, allow_large: bool = False, allow_nan: bool = False) -> Picture:
    """Read an image file, array, text matrix or the rows of a matrix themselves; `-` is standard input.

    What a file is, is seen from its first bytes; the ending only tells text.

    Parameters
    ----------
    name : str
        A file, `-`, or rows such as "1 2 3; 4 5 6".
    allow_large : bool
        Read even what would be taken for a decompression bomb.
    allow_nan : bool
        Let NaN and infinity in arrays, text and float TIFF pass.

    Raises
    ------
    UnreadableError
        When it is missing, damaged, cut short, empty, or not an image; the file and the reason are named.
    TooLargeError
        When it has more pixels than any camera takes and that is not allowed.
    """
    begun = None if allow_nan else BEGUN.pop(name, None)
    return (begun or Decoding(name, allow_large=allow_large, allow_nan=allow_nan, threaded=False)).result()


def read_header(name: str, *, allow_large: bool = False) -> Header:
    """Return what `read_image` would find, from the file's header where that says it: nothing large is decoded.

    Raises
    ------
    UnreadableError, TooLargeError
        As `read_image`, as far as a header tells.
    """
    if name in BEGUN:
        return BEGUN[name].result().header
    if is_inline(name):
        return inline_picture(name).header
    source = open_source(name)
    if source.head.startswith(NPY_START):
        return read_and_closed(source, array_header)
    if is_text(source):
        return read_and_closed(source, text_picture).header
    return read_and_closed(source, partial(header_of, allow_large=allow_large))


BEGUN: dict[str, Decoding] = {}
"""Images that are being decoded already, until they are asked for."""


def begin_decoding(name: str, *, allow_large: bool = False) -> None:
    """Begin to read an image in a thread, so that NumPy can be imported meanwhile; `read_image` waits for it."""
    BEGUN[name] = Decoding(name, allow_large=allow_large, allow_nan=False, threaded=True)


class Decoding:
    """An image on its way; `result` waits for it. The arguments are those of `read_image`."""

    def __init__(self, name: str, *, allow_large: bool, allow_nan: bool, threaded: bool) -> None:
        self._name = name
        self._allow_large = allow_large
        self._allow_nan = allow_nan
        self._finish: Callable[[], Picture] | None = None
        self._error: BaseException | None = None
        self._picture: Picture | None = None
        self._thread = Thread(target=self._begin, daemon=True) if threaded else None
        if self._thread:
            self._thread.start()

    def result(self) -> Picture:
        """Return the picture, each time the same, or raise what reading it raised."""
        if self._picture is None:
            if self._thread:
                self._thread.join()
            else:
                self._begin()
            if self._error is not None:
                raise self._error
            assert self._finish is not None
            self._picture = checked(self._finish(), shown(self._name), allow_nan=self._allow_nan)
        return self._picture

    def _begin(self) -> None:
        try:
            self._finish = begun(self._name, allow_large=self._allow_large)
        except BaseException as error:  # noqa: BLE001 - whatever it is, it is raised where the result is asked for
            self._error = error


def begun(name: str, *, allow_large: bool) -> Callable[[], Picture]:
    """Open an input and do what can be done without NumPy; the function returned does the rest."""
    if is_inline(name):
        return lambda: inline_picture(name)
    source = open_source(name)
    if source.head.startswith(NPY_START):
        return lambda: read_and_closed(source, array_picture)
    if is_text(source):
        return lambda: read_and_closed(source, text_picture)
    decode = partial(read_and_closed, source, partial(load, allow_large=allow_large))
    if is_noisy(source.head):  # its decoder is silenced, and with it the process: not beside what may have to be told
        return lambda: picture_of(decode())
    loaded = decode()
    return lambda: picture_of(loaded)


def read_and_closed(source: Source, read: Callable[[Source], Result]) -> Result:
    """Return what is read of a source, and close it however that ends."""
    with source.file:
        return read(source)


def is_inline(name: str) -> bool:
    """Tell whether a name is the rows of a matrix, not a file (2024-05.png) that begins as one does.

    >>> is_inline("1 2; 3 4"), is_inline("0.5 1"), is_inline("2024-05.png"), is_inline("-")
    (True, True, False, False)
    """
    rows = is_rows(name) and Path(name).suffix.lower() not in {*WRITABLE, *ALSO_READ}
    return rows and not os.path.exists(name)  # noqa: PTH110 - which answers for a name that no disk could hold
