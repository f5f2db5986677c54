"""A PNG writer: filters in NumPy, deflate in threads, band by band (W3C Portable Network Graphics, third edition).

A band of rows is filtered and compressed on its own and ends at a byte (`Z_SYNC_FLUSH`), so that the bands' streams
joined are one stream; its checksum is joined by arithmetic. The filter is the one whose bytes have the least entropy in
a sample of the picture. Deflate only looks for runs (`Z_RLE`) or not even for them (`Z_HUFFMAN_ONLY`), whichever serves
the sample: on photographs, whose filtered bytes are noise, looking further finds nothing and takes ten times as long.
Where the sample shows repeats, as drawings have, it looks further.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections import deque
from dataclasses import dataclass
from functools import partial
from itertools import count
from typing import IO, TYPE_CHECKING, Any, TypeVar

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    Bytes = NDArray[np.uint8]
    Filter = Callable[[Bytes, int, Bytes], None]

Result = TypeVar("Result")

COLOUR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}
"""PNG's colour type for so many channels: gray, gray with alpha, RGB, RGBA."""

BAND_BYTES = 1 << 20  # of filtered rows: long enough for deflate's tables to pay and for threads not to wait on the GIL
SAMPLED_ROWS = 24  # whose entropy chooses the filter
WINDOWS, WINDOW_ROWS, WINDOW_BYTES = 8, 24, 512  # what is compressed on trial to see whether the picture repeats itself
REPEATS = 0.9  # of the size with runs alone: deflate that looks further must win this much to be worth its time
FULL_SEARCH = 6  # the level that looks further, zlib's own default
ADLER = 65521  # the modulus of zlib's checksum


def filter_none(above: Bytes, step: int, out: Bytes) -> None:  # noqa: ARG001 - every filter takes the same three
    """0: x, the byte itself."""
    out[:] = above[1:]


def filter_sub(above: Bytes, step: int, out: Bytes) -> None:
    """1: x - a, a being the byte one pixel to the left (0 where there is none)."""
    x = above[1:]
    out[:, :step] = x[:, :step]
    np.subtract(x[:, step:], x[:, :-step], out=out[:, step:])


def filter_up(above: Bytes, step: int, out: Bytes) -> None:  # noqa: ARG001
    """2: x - b, b being the byte above."""
    np.subtract(above[1:], above[:-1], out=out)


def filter_average(above: Bytes, step: int, out: Bytes) -> None:
    """3: x - floor((a + b) / 2), without leaving the byte: (a + b) / 2 = (a and b) + (a xor b) / 2."""
    x, b = above[1:], above[:-1]
    np.subtract(x[:, :step], b[:, :step] >> 1, out=out[:, :step])
    a, b = x[:, :-step], b[:, step:]
    half = a ^ b
    half >>= 1
    half += a & b
    np.subtract(x[:, step:], half, out=out[:, step:])


FILTERS: tuple[Filter, ...] = (filter_none, filter_sub, filter_up, filter_average)
"""By PNG's number. Its fifth (Paeth) takes five times the work of the fourth and is no smaller on photographs."""


@dataclass(frozen=True)
class Encoding:
    """How a picture is encoded.

    Attributes
    ----------
    number : int
        Of the filter, in PNG and in `FILTERS`.
    level, strategy : int
        zlib's.
    """

    number: int
    level: int
    strategy: int


def write_png(
    file: IO[bytes],
    pixels: NDArray[Any],
    *,
    compress_level: int | None = None,
    icc: bytes | None = None,
    threads: int | None = None,
) -> None:
    """Write a PNG.

    Parameters
    ----------
    pixels : ndarray of uint8 or uint16, shape (height, width) or (height, width, 1 to 4)
        Gray, gray with alpha, RGB or RGBA.
    compress_level : int, optional
        zlib's 0 (stored) to 9; left out, no more is looked for than the picture has.
    icc : bytes, optional
        A colour profile.
    threads : int, optional
        Left out, one a processor this process may use.
    """
    height, width = pixels.shape[:2]
    channels = pixels.shape[2] if pixels.ndim == 3 else 1
    encoding = planned(pixels, compress_level)
    header = struct.pack(">IIBBBBB", width, height, 8 * pixels.itemsize, COLOUR_TYPES[channels], 0, 0, 0)
    file.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header))
    if icc:
        file.write(chunk(b"iCCP", b"ICC profile\0\0" + zlib.compress(icc)))
    for part in data_chunks(pixels, encoding, threads or processors()):
        file.write(part)
    file.write(chunk(b"IEND", b""))


def chunk(kind: bytes, content: bytes) -> bytes:
    """Return a chunk: length, kind, content, checksum."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(content, zlib.crc32(kind)))


def processors() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def data_chunks(pixels: NDArray[Any], encoding: Encoding, threads: int) -> Iterator[bytes]:
    """Yield the IDAT chunks: zlib's header with the first band, one a band, zlib's checksum."""
    rows = max(1, BAND_BYTES // (1 + row_bytes(pixels)))
    tops = range(0, len(pixels), rows)
    tasks = [partial(encoded_band, pixels, encoding, top, min(top + rows, len(pixels))) for top in tops]
    checksum = 1
    for index, (content, adler, length) in enumerate(in_order(tasks, threads)):
        checksum = joined_adler(checksum, adler, length)
        yield chunk(b"IDAT", b"\x78\x01" + content if index == 0 else content)
    yield chunk(b"IDAT", struct.pack(">I", checksum))


def in_order(tasks: Sequence[Callable[[], Result]], threads: int) -> Iterator[Result]:
    """Run tasks in threads and yield their results in order, with no more done ahead than a few a thread."""
    if threads == 1 or len(tasks) == 1:
        yield from (task() for task in tasks)
        return
    from concurrent.futures import ThreadPoolExecutor  # small pictures need no threads, and the import is dear

    with ThreadPoolExecutor(threads) as pool:
        running = deque(pool.submit(task) for task in tasks[: 4 * threads])
        for following in count(len(running)):
            if not running:
                return
            yield running.popleft().result()
            if following < len(tasks):
                running.append(pool.submit(tasks[following]))


def encoded_band(pixels: NDArray[Any], encoding: Encoding, top: int, bottom: int) -> tuple[bytes, int, int]:
    """Return one band's part of the deflate stream, its checksum and its length before compression."""
    band = filtered(rows_with_above(pixels, top, bottom), step_of(pixels), encoding.number)
    last = bottom == len(pixels)
    deflate = zlib.compressobj(encoding.level, zlib.DEFLATED, -15, 9, encoding.strategy)
    content = deflate.compress(band.data) + deflate.flush(zlib.Z_FINISH if last else zlib.Z_SYNC_FLUSH)
    return content, zlib.adler32(band.data), band.size


def row_bytes(pixels: NDArray[Any]) -> int:
    """Return the bytes of a row of samples."""
    return int(pixels[0].size) * pixels.itemsize


def step_of(pixels: NDArray[Any]) -> int:
    """Return the bytes of a pixel: how far back a filter looks."""
    return (pixels.shape[2] if pixels.ndim == 3 else 1) * pixels.itemsize


def rows_with_above(pixels: NDArray[Any], top: int, bottom: int) -> Bytes:
    """Return rows as bytes, high byte first, with the row above them (zeros above the first)."""
    first = max(top - 1, 0)
    big = np.ascontiguousarray(pixels[first:bottom], pixels.dtype.newbyteorder(">"))
    rows = big.reshape(bottom - first, -1).view(np.uint8)
    return rows if top else np.concatenate([np.zeros((1, rows.shape[1]), np.uint8), rows])


def filtered(above: Bytes, step: int, number: int) -> Bytes:
    """Return filtered rows, each after the number of its filter."""
    out = np.empty((len(above) - 1, above.shape[1] + 1), np.uint8)
    out[:, 0] = number
    FILTERS[number](above, step, out[:, 1:])
    return out


def joined_adler(first: int, second: int, length: int) -> int:
    """Return the Adler-32 of two pieces from theirs and the second's length (as zlib's adler32_combine).

    >>> joined_adler(zlib.adler32(b"deep "), zlib.adler32(b"learning"), 8) == zlib.adler32(b"deep learning")
    True
    """
    low = ((first & 0xFFFF) + (second & 0xFFFF) - 1) % ADLER
    high = ((first >> 16) + (second >> 16) + length * ((first & 0xFFFF) - 1)) % ADLER
    return high << 16 | low


def planned(pixels: NDArray[Any], compress_level: int | None) -> Encoding:
    """Choose the filter by entropy, and whether to look for more than runs by trial."""
    number = least_entropy(pixels)
    if compress_level is not None:
        return Encoding(number, compress_level, zlib.Z_DEFAULT_STRATEGY)
    simple = {way: trial_size(pixels, Encoding(number, 1, way)) for way in (zlib.Z_HUFFMAN_ONLY, zlib.Z_RLE)}
    searched = {k: trial_size(pixels, Encoding(k, 1, zlib.Z_DEFAULT_STRATEGY)) for k in {0, number}}
    best = min(searched, key=lambda k: searched[k])
    if searched[best] < REPEATS * min(simple.values()):
        return Encoding(best, FULL_SEARCH, zlib.Z_DEFAULT_STRATEGY)
    return Encoding(number, FULL_SEARCH, min(simple, key=lambda way: simple[way]))


def least_entropy(pixels: NDArray[Any]) -> int:
    """Return the filter whose bytes take the fewest bits, by their entropy in rows from all over the picture."""
    last = len(pixels) - 1
    tops = sorted({int(top) for top in np.linspace(min(1, last), last, SAMPLED_ROWS)})  # the first has nothing above it
    pieces = [rows_with_above(pixels, top, top + 1) for top in tops]
    step = step_of(pixels)
    return min(
        range(len(FILTERS)),
        key=lambda k: entropy(np.concatenate([filtered(piece, step, k)[:, 1:] for piece in pieces])),
    )


def entropy(values: Bytes) -> float:
    """Return the bits a byte takes, by how often each value stands there: -sum p log2 p."""
    counts = np.bincount(values.ravel(), minlength=256)
    shares = counts[counts > 0] / values.size
    return float(-(shares * np.log2(shares)).sum())


def trial_size(pixels: NDArray[Any], encoding: Encoding) -> int:
    """Return the compressed size of some windows of the picture."""
    total = 0
    step = step_of(pixels)
    columns = max(1, WINDOW_BYTES // step)
    for index in range(WINDOWS):
        top = (len(pixels) - WINDOW_ROWS) * index // (WINDOWS - 1)
        left = (pixels.shape[1] - columns) * (3 * index % WINDOWS) // (WINDOWS - 1)
        top, left = max(top, 0), max(left, 0)
        window = pixels[top : top + WINDOW_ROWS + 1, left : left + columns]
        total += len(encoded_band(window, encoding, 0, len(window))[0])
    return total
