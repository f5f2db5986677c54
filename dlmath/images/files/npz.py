""".npz archives: as Keras ships them, as MedMNIST does, or one set of images and labels; never unpickled."""

from __future__ import annotations

import struct
import zipfile
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np

from dlmath.errors import ShapeError, UnreadableError
from dlmath.images.files.checking import MOST_BYTES, Raw, Read, by, prepared

if TYPE_CHECKING:
    from pathlib import Path

    from dlmath.neural.arrays import Array

NAMES = (
    ("x_train", "y_train", "x_test", "y_test"),
    ("train_images", "train_labels", "test_images", "test_labels"),
    ("X_train", "y_train", "X_test", "y_test"),
    ("images", "labels", "", ""),
    ("x", "y", "", ""),
    ("X", "y", "", ""),
    ("data", "labels", "", ""),
    ("data", "target", "", ""),
)
"""Names of training images and labels, test images and labels; "" where a fifth is kept for testing."""
DAMAGE = (ValueError, EOFError, KeyError, zipfile.BadZipFile, zlib.error, RuntimeError, SyntaxError, struct.error)


def read_npz(path: Path, dtype: str = "float32") -> Read:
    """Read an archive.

    Raises
    ------
    UnreadableError, ShapeError
        When it is none, damaged, holds Python objects, or no images under a known name.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            names = {entry.removesuffix(".npy") for entry in archive.namelist()}
            chosen = next((four for four in NAMES if {name for name in four if name} <= names), None)
            if chosen is None:
                raise UnreadableError(
                    f"{path}: holds the arrays {', '.join(sorted(names)[:8]) or 'none'}",
                    "name them x_train, y_train, x_test, y_test (or images, labels)",
                )
            arrays = {name: read_member(archive, name, str(path)) for name in chosen if name}
    except OSError as error:
        raise UnreadableError(f"{path}: {error.strerror or error}", "check the name and its permissions") from error
    except DAMAGE as error:
        raise UnreadableError(f"{path}: is no .npz archive, or damaged ({error})", "give a whole .npz file") from error
    notes: list[str] = []
    sets = [
        Raw(as_images(arrays[x], f"{path}: {x}", notes), as_labels(arrays[y], f"{path}: {y}"), f"{path}: {x}")
        for x, y in (chosen[:2], chosen[2:])
        if x
    ]
    read = prepared(path.stem, sets[0], sets[1] if len(sets) > 1 else None, dtype)
    return read._replace(notes=tuple(dict.fromkeys((*notes, *read.notes))))


def read_member(archive: zipfile.ZipFile, name: str, place: str) -> Array:
    """Return one array, whose header is looked at before memory is taken."""
    with archive.open(f"{name}.npy") as file:
        shape, dtype = _header(file)
        if dtype.hasobject:
            raise UnreadableError(f"{place}: {name} holds Python objects", "save numbers; objects are not unpickled")
        size = dtype.itemsize * int(np.prod(shape, dtype=object))
        if size > MOST_BYTES:
            raise UnreadableError(f"{place}: {name} takes {size / 1e9:.1f} GB", f"up to {MOST_BYTES / 1e9:.0f} GB")
    with archive.open(f"{name}.npy") as file:
        return np.asarray(np.lib.format.read_array(file, allow_pickle=False))


def _header(file: Any) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """Return the shape and dtype of an .npy file."""
    version = np.lib.format.read_magic(file)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, dtype = read(file)
    return shape, dtype


def as_images(array: Array, place: str, notes: list[str]) -> Array:
    """Return images with the channels last; flat rows become squares."""
    if array.ndim == 2:
        side = round(array.shape[1] ** 0.5)
        if side * side != array.shape[1]:
            raise ShapeError(f"{place}: rows of {array.shape[1]} pixels are no squares", "give (images, height, width)")
        return array.reshape(len(array), side, side)
    if array.ndim == 4 and array.shape[1] in {1, 3} and array.shape[3] not in {1, 3, 4}:
        notes.append(f"images of {by(array.shape[1:])} are taken for channels first and turned")
        return array.transpose(0, 2, 3, 1)
    return array


def as_labels(array: Array, place: str) -> Array:
    """Return labels (n,) from (n,), (n, 1) or one-hot rows (n, K)."""
    if array.ndim == 2 and array.shape[1] == 1:
        return array[:, 0]
    if array.ndim == 2 and array.dtype.kind in "buif" and is_one_hot(array):
        return np.asarray(array.argmax(axis=1))
    if array.ndim != 1:
        raise ShapeError(f"{place}: labels of shape {array.shape} are none", "give one label for each image")
    return array


def is_one_hot(array: Array) -> bool:
    """Whether each row has a single 1 and zeros."""
    return bool(((array == 0) | (array == 1)).all() and (array.sum(axis=1) == 1).all())
