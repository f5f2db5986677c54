"""Zip files opened, and one error for the many ways in which they can be damaged."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from dlmath.counting.models.opening import damaged, opened
from dlmath.errors import UnreadableError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from zipfile import ZipFile


@contextmanager
def members(name: str) -> Iterator[ZipFile]:
    """Open a zip file; whatever is wrong with it, or with a member read in the block, is one UnreadableError."""
    import zlib
    from struct import error as StructError  # noqa: N812
    from zipfile import BadZipFile, ZipFile

    broken = (BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, StructError)
    with opened(name) as (file, _):
        try:
            with ZipFile(file) as archive:
                _check_members(archive)
                yield archive
        except UnreadableError:
            raise
        except (*broken, ValueError, OverflowError, LookupError, MemoryError) as error:
            raise damaged(name, f"is no whole zip file ({str(error)[:100] or 'damaged'})") from error


def _check_members(archive: ZipFile) -> None:
    """Refuse what no writer of model files makes: a name that stands twice, and rare packing (LZMA claims memory)."""
    from zipfile import ZIP_DEFLATED, ZIP_STORED

    seen = set()
    for info in archive.infolist():
        if info.filename in seen:
            raise ValueError(f"{info.filename[:60]} stands twice in it")
        if info.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
            raise ValueError(f"{info.filename[:60]} is packed by method {info.compress_type}; only deflate is read")
        seen.add(info.filename)


def read_member(archive: ZipFile, name: str, member: str, most: int) -> bytes:
    """Return a member's bytes, if there are no more of them than `most`.

    Raises
    ------
    UnreadableError
        When there is no such member, or it claims or proves to be larger.
    """
    try:
        info = archive.getinfo(member)
    except KeyError:
        raise damaged(name, f"holds no {member}") from None
    if info.file_size > most:
        raise damaged(name, f"{member} claims {info.file_size:,} bytes; up to {most:,} are read")
    with archive.open(info) as file:
        return file.read(most)
