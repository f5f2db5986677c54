"""A TIFF writer for what Pillow's cannot write: colours of 16 bits (Adobe, TIFF revision 6.0, 1992).

One little-endian directory; strips of rows, each differenced along its rows (predictor 2) and deflated.
"""

from __future__ import annotations

import struct
import zlib
from typing import IO, TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

STRIP_BYTES = 1 << 20
"""Of samples before they are compressed: long enough for deflate, and no second picture in memory."""

SHORT, LONG, UNDEFINED = 3, 4, 7
PACK = {SHORT: "H", LONG: "I", UNDEFINED: "B"}


def write_tiff(file: IO[bytes], pixels: NDArray[Any], *, icc: bytes | None = None) -> None:
    """Write gray, gray with alpha, RGB or RGBA of whole-number samples.

    Parameters
    ----------
    pixels : ndarray of unsigned integers, shape (height, width, channels)
        Two and four channels end with opacity that the colours are not multiplied with.
    icc : bytes, optional
        A colour profile.
    """
    strips = list(deflated(pixels))
    offset = 8
    offsets = []
    for strip in strips:
        offsets.append(offset)
        offset += len(strip) + len(strip) % 2  # directories and values begin at even places
    file.write(struct.pack("<2sHI", b"II", 42, offset))
    for strip in strips:
        file.write(strip + b"\0" * (len(strip) % 2))
    file.write(directory(tags(pixels, offsets, [len(strip) for strip in strips], icc), offset))


def rows_a_strip(pixels: NDArray[Any]) -> int:
    """Return how many rows are compressed together."""
    return max(1, STRIP_BYTES // int(pixels[0].nbytes))


def deflated(pixels: NDArray[Any]) -> list[bytes]:
    """Return the strips: each sample less the one of its channel to the left, little-endian, deflated."""
    step = rows_a_strip(pixels)
    strips = []
    for top in range(0, len(pixels), step):
        rows = pixels[top : top + step]
        left = np.concatenate([np.zeros_like(rows[:, :1]), rows[:, :-1]], axis=1)
        differences = (rows - left).astype(pixels.dtype.newbyteorder("<"))  # modulo 2^16
        strips.append(zlib.compress(differences.tobytes(), 6))
    return strips


def tags(
    pixels: NDArray[Any], offsets: list[int], lengths: list[int], icc: bytes | None
) -> list[tuple[int, int, list[int]]]:
    """Return the directory's entries (tag, type, values), in the order the format wants: by tag."""
    height, width, channels = pixels.shape
    entries = [
        (256, LONG, [width]),
        (257, LONG, [height]),
        (258, SHORT, [8 * pixels.itemsize] * channels),
        (259, SHORT, [8]),  # Adobe's deflate
        (262, SHORT, [2 if channels > 2 else 1]),  # RGB, or black is zero
        (273, LONG, offsets),
        (277, SHORT, [channels]),
        (278, LONG, [rows_a_strip(pixels)]),
        (279, LONG, lengths),
        (284, SHORT, [1]),  # samples of a pixel side by side
        (317, SHORT, [2]),  # horizontal differences
    ]
    if channels in {2, 4}:
        entries.append((338, SHORT, [2]))  # opacity, not multiplied in
    return [*entries, (34675, UNDEFINED, list(icc))] if icc else entries


def directory(entries: list[tuple[int, int, list[int]]], offset: int) -> bytes:
    """Return the directory that begins at `offset`, with the values that do not fit into its entries after it."""
    head, tail = struct.pack("<H", len(entries)), b""
    after = offset + 2 + 12 * len(entries) + 4
    for tag, kind, values in entries:
        content = struct.pack(f"<{len(values)}{PACK[kind]}", *values)
        place = content.ljust(4, b"\0") if len(content) <= 4 else struct.pack("<I", after + len(tail))
        head += struct.pack("<HHI", tag, kind, len(values)) + place
        tail += b"" if len(content) <= 4 else content + b"\0" * (len(content) % 2)
    return head + struct.pack("<I", 0) + tail
