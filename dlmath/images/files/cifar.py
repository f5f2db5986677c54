"""CIFAR's binary files: for each image a label byte (CIFAR-100: a coarse one before it), then red, green, blue planes.

Krizhevsky 2009, Learning Multiple Layers of Features from Tiny Images; www.cs.toronto.edu/~kriz/cifar.html.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dlmath.errors import UnreadableError
from dlmath.images.files.checking import MOST_BYTES, Raw, Read, prepared

if TYPE_CHECKING:
    from pathlib import Path

    from dlmath.neural.arrays import Array

SIDE = 32
PIXELS = 3 * SIDE * SIDE
TEN, HUNDRED = "data_batch_*.bin", "train.bin"
PICKLED = ("data_batch_1", "batches.meta", "meta")


def is_cifar_folder(folder: Path) -> bool:
    """Whether a folder holds CIFAR's files, binary or pickled."""
    return any(folder.glob(TEN)) or (folder / HUNDRED).is_file() or (folder / PICKLED[0]).is_file()


def read_cifar_folder(folder: Path, dtype: str = "float32") -> Read:
    """Read the training batches and the test batch of a folder.

    Raises
    ------
    UnreadableError
        For a file whose length is no number of records, a missing test batch, and the version of Python pickles.
    """
    batches = sorted(folder.glob(TEN))
    files, test = (batches, folder / "test_batch.bin") if batches else ([folder / HUNDRED], folder / "test.bin")
    if not files[0].is_file():
        raise UnreadableError(
            f"{folder}: holds CIFAR as Python pickles, which can run programs and are not read",
            "download its binary version (cifar-10-binary.tar.gz)",
        )
    if not test.is_file():
        raise UnreadableError(f"{test}: No such file or directory", "put the test images there")
    labels_before = 0 if batches else 1
    parts = [_records(path, labels_before) for path in files]
    pixels, labels = (np.concatenate(column) for column in zip(*parts, strict=True))
    return prepared(
        folder.name, Raw(pixels, labels, str(folder)), Raw(*_records(test, labels_before), str(test)), dtype
    )


def _records(path: Path, labels_before: int) -> tuple[Array, Array]:
    """Return images (n, 32, 32, 3) and labels (n,) of one file."""
    try:
        size = path.stat().st_size
        if size > MOST_BYTES:
            raise UnreadableError(f"{path}: has {size / 1e9:.1f} GB", f"the limit is {MOST_BYTES / 1e9:.0f} GB")
        content = np.frombuffer(path.read_bytes(), np.uint8)
    except OSError as error:
        raise UnreadableError(f"{path}: {error.strerror or error}", "check its permissions") from error
    record = labels_before + 1 + PIXELS
    if not len(content) or len(content) % record:
        raise UnreadableError(
            f"{path}: has {len(content):,} bytes, which are no records of {record:,}", "give a whole CIFAR binary file"
        )
    rows = content.reshape(-1, record)
    planes = rows[:, labels_before + 1 :].reshape(-1, 3, SIDE, SIDE)
    return planes.transpose(0, 2, 3, 1), rows[:, labels_before].astype(np.int64)
