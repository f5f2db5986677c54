"""MNIST's IDX files, plain or gzipped: two zero bytes, a type, the number of axes, their sizes, the numbers.

Sizes are 4-byte big-endian integers (LeCun, Cortes & Burges, the MNIST database). Fashion-MNIST, KMNIST and EMNIST are
written the same way.
"""

from __future__ import annotations

import gzip
import math
import zlib
from typing import IO, TYPE_CHECKING

import numpy as np

from dlmath.errors import UnreadableError
from dlmath.images.files.checking import MOST_BYTES, Raw, Read, prepared

if TYPE_CHECKING:
    from pathlib import Path

    from dlmath.neural.arrays import Array

TYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
GZIP = b"\x1f\x8b"
ROLES = {"train": ("train",), "test": ("t10k", "test")}
MEND = "give a whole file as MNIST has them"


def is_idx_folder(folder: Path) -> bool:
    """Whether a folder holds IDX files."""
    return any("idx3" in path.name or "idx1" in path.name for path in folder.iterdir() if path.is_file())


def read_idx_folder(folder: Path, dtype: str = "float32") -> Read:
    """Read training and test images of a folder; without test files a fifth of the images is kept for testing.

    Raises
    ------
    UnreadableError
        For a file that is missing, cut short or no IDX file.
    """
    train, test = _pair(folder, "train"), _pair(folder, "test")
    if train is None:
        raise UnreadableError(
            f"{folder}: has no training images", "name them train-images-idx3-ubyte and train-labels-idx1-ubyte"
        )
    return prepared(folder.name, _raw(*train), None if test is None else _raw(*test), dtype)


def _pair(folder: Path, role: str) -> tuple[Path, Path] | None:
    """Return the files of images and labels of a role."""
    pair = [_find(folder, role, "images", "idx3"), _find(folder, role, "labels", "idx1")]
    if pair == [None, None]:
        return None
    for path, word in zip(pair, ("images", "labels"), strict=True):
        if path is None:
            raise UnreadableError(f"{folder}: the {role} {word} are missing", f"put the file of {role} {word} there")
    images, labels = pair
    assert images is not None
    assert labels is not None
    return images, labels


def _find(folder: Path, role: str, what: str, kind: str) -> Path | None:
    names = [path for path in sorted(folder.iterdir()) if what in path.name and kind in path.name and path.is_file()]
    matching = [path for path in names if any(word in path.name for word in ROLES[role])]
    return min(matching, key=lambda path: path.name.endswith(".gz"), default=None)


def _raw(images: Path, labels: Path) -> Raw:
    pixels, numbers = read_idx(images), read_idx(labels)
    for path, array, axes in ((images, pixels, 3), (labels, numbers, 1)):
        if array.ndim != axes:
            raise UnreadableError(f"{path}: has {array.ndim} axes, not {axes}", MEND)
    return Raw(pixels, numbers, str(images))


def read_idx(path: Path) -> Array:
    """Read one IDX file.

    Raises
    ------
    UnreadableError
        When its header or length is not what it claims.
    """
    try:
        with path.open("rb") as plain:
            zipped = plain.read(2) == GZIP
            plain.seek(0)
            if not zipped:
                return _array(plain, path)
            with gzip.open(plain) as file:
                return _array(file, path)  # type: ignore[arg-type]  # a GzipFile reads as any binary file
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise UnreadableError(f"{path}: is damaged or cut short ({error})", MEND) from error
    except OSError as error:
        raise UnreadableError(f"{path}: {error.strerror or error}", "check the name and its permissions") from error


def _array(file: IO[bytes], path: Path) -> Array:
    start = file.read(4)
    if len(start) < 4 or start[:2] != b"\0\0" or start[2] not in TYPES or not 1 <= start[3] <= 4:
        raise UnreadableError(f"{path}: begins with the bytes {start.hex(' ')}: is no IDX file", MEND)
    sizes = file.read(4 * start[3])
    if len(sizes) < 4 * start[3]:
        raise UnreadableError(f"{path}: ends within its header", MEND)
    shape = tuple(int.from_bytes(sizes[i : i + 4], "big") for i in range(0, len(sizes), 4))
    dtype = np.dtype(TYPES[start[2]])
    length = math.prod(shape) * dtype.itemsize
    if length > MOST_BYTES:
        raise UnreadableError(f"{path}: announces {length / 1e9:.1f} GB", f"the limit is {MOST_BYTES / 1e9:.0f} GB")
    content = file.read(length + 1)
    if len(content) != length:
        told = "more" if len(content) > length else f"{len(content):,}"
        raise UnreadableError(f"{path}: announces {length:,} bytes of numbers and has {told}", MEND)
    return np.frombuffer(content, dtype).reshape(shape)
