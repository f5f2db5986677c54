"""A folder of class sub-folders of pictures, with `train` and `test` (or `val`) above them or not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dlmath.errors import ShapeError, UnreadableError
from dlmath.files.pictures.images import read_image
from dlmath.images.files.checking import Raw, Read, check_memory, prepared

if TYPE_CHECKING:
    from pathlib import Path

    from dlmath.neural.arrays import Array

ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".pgm", ".ppm")
TRAIN, TESTS = ("train", "training"), ("test", "testing", "val", "valid", "validation")


def read_folder(folder: Path, size: tuple[int, int] | None, dtype: str = "float32") -> Read:
    """Read every picture under a folder.

    Parameters
    ----------
    size : (int, int) or None
        Rows and columns all pictures are resized to; without it they must be of one size.

    Raises
    ------
    UnreadableError, ShapeError
        For a folder without pictures, a picture that cannot be read, sizes that differ.
    """
    parts = {path.name.lower(): path for path in sorted(folder.iterdir()) if path.is_dir()}
    train = next((parts[name] for name in TRAIN if name in parts), None)
    test = next((parts[name] for name in TESTS if name in parts), None)
    if (train is None) != (test is None):
        there = train or test
        raise UnreadableError(f"{folder}: has {there.name if there else ''!r} alone", "put train and test beside it")
    if train is None or test is None:
        return prepared(folder.name, _raw(folder, size), None, dtype, scale=1.0)
    return prepared(folder.name, _raw(train, size), _raw(test, size), dtype, scale=1.0)


def _raw(folder: Path, size: tuple[int, int] | None) -> Raw:
    files = [(path, group.name) for group in sorted(folder.iterdir()) if group.is_dir() for path in _pictures(group)]
    if not files:
        raise UnreadableError(
            f"{folder}: holds no sub-folders with pictures", f"put them in CLASS/NAME{ENDINGS[0]}: one folder a class"
        )
    first = _pixels(files[0][0], size)
    check_memory((len(files), *first.shape[:2], 3), str(folder))
    pictures = [first, *(_pixels(path, size) for path, _ in files[1:])]
    for picture, (path, _) in zip(pictures, files, strict=True):
        if picture.shape[:2] != first.shape[:2]:
            raise ShapeError(
                f"{path}: is {picture.shape[0]}x{picture.shape[1]} and {files[0][0].name} "
                f"{first.shape[0]}x{first.shape[1]}",
                "make them of one size with --size HxW",
            )
    return Raw(np.stack(_one_depth(pictures)), np.array([name for _, name in files]), str(folder))


def _pictures(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.iterdir()) if path.suffix.lower() in ENDINGS and path.is_file()]


def _one_depth(pictures: list[Array]) -> list[Array]:
    """Return pictures as gray where all are, else as colour."""
    if all(picture.shape[2] == 1 for picture in pictures):
        return pictures
    return [np.repeat(picture, 3, axis=2) if picture.shape[2] == 1 else picture for picture in pictures]


def _pixels(path: Path, size: tuple[int, int] | None) -> Array:
    """Return one picture (H, W, 1 or 3), float32 from 0 to 1; transparency is laid over black."""
    samples = np.asarray(read_image(str(path)).pixels)
    values = samples[..., None] if samples.ndim == 2 else samples
    limit = np.iinfo(values.dtype).max if values.dtype.kind in "ui" else 1
    scaled = values.astype(np.float32) / np.float32(limit)
    if scaled.shape[2] in {2, 4}:
        scaled = scaled[..., :-1] * scaled[..., -1:]
    return scaled if size is None else resized(scaled, size)


def resized(picture: Array, size: tuple[int, int]) -> Array:
    """Return a picture (H, W, C) of another size, by Pillow's bilinear filter, which averages when it shrinks."""
    from PIL import Image

    layers = [
        np.asarray(Image.fromarray(picture[..., c]).resize((size[1], size[0]), Image.Resampling.BILINEAR))
        for c in range(picture.shape[2])
    ]
    return np.stack(layers, axis=-1)
