"""Arrays of pixels and labels as files hold them, made into sets that can be trained on, or refused with the reason."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dlmath.errors import InvalidValueError, ShapeError, TooLargeError, UnreadableError
from dlmath.images.engine.data import Data, ImageSet

if TYPE_CHECKING:
    from dlmath.neural.arrays import Array

MOST_BYTES = 4_000_000_000
"""Memory that the pixels of a data set may take, as float32."""
TEST_SHARE = 0.2
"""What is kept for testing, of every class alike, where a file holds no test set of its own."""
MOST_CLASSES = 1000


class Raw(NamedTuple):
    """Pixels and labels as they were read.

    Attributes
    ----------
    pixels : ndarray (n, H, W) or (n, H, W, C)
        Of any real dtype.
    labels : ndarray (n,)
        Whole numbers, or words.
    place : str
        How messages call them.
    """

    pixels: Array
    labels: Array
    place: str


class Read(NamedTuple):
    """A data set, and what its reader should be told of it."""

    data: Data
    notes: tuple[str, ...] = ()


def prepared(name: str, train: Raw, test: Raw | None, dtype: str = "float32", scale: float | None = None) -> Read:
    """Return a data set from what was read.

    Parameters
    ----------
    test : Raw or None
        None: a fifth of every class of `train`, drawn with a fixed seed.
    dtype : str
        Of the pixels that are returned.
    scale : float, optional
        What pixels are divided by; else it is seen from them.

    Raises
    ------
    UnreadableError, InvalidValueError, ShapeError, TooLargeError
        With the place and what is wrong.
    """
    parts = [train] if test is None else [train, test]
    for part in parts:
        check_pixels(part)
        check_memory(part.pixels.shape, part.place)
    if test is not None:
        check_same_shape(train, test)
    divisor = scale or scale_of(parts)
    classes, numbered = numbered_labels(parts)
    sets = [ImageSet(scaled(part.pixels, divisor, dtype), labels) for part, labels in zip(parts, numbered, strict=True)]
    notes = [*label_note(classes), *constant_note(sets[0], train.place), *scale_note(parts, divisor)]
    if test is None:
        sets = list(split(sets[0]))
        notes.append(f"a fifth of the images of every class is kept for testing ({len(sets[1].labels):,} images)")
    return Read(Data(name, sets[0], sets[1], tuple(map(str, classes.tolist()))), tuple(notes))


def check_pixels(part: Raw) -> None:
    """Refuse what is no set of images with one label each."""
    count = len(part.pixels)
    if part.pixels.dtype.kind not in "buif":
        raise UnreadableError(f"{part.place}: pixels are of type {part.pixels.dtype}", "give numbers")
    if part.pixels.ndim not in {3, 4} or 0 in part.pixels.shape:
        raise ShapeError(
            f"{part.place}: images of shape {part.pixels.shape} are none",
            "give an array (images, height, width) or (images, height, width, channels)",
        )
    if len(part.labels) != count:
        raise UnreadableError(
            f"{part.place}: {count:,} images and {len(part.labels):,} labels", "give one label for each image"
        )
    if part.pixels.dtype.kind == "f" and not np.isfinite(part.pixels).all():
        image = int(np.flatnonzero(~np.isfinite(part.pixels).reshape(count, -1).all(axis=1))[0])
        raise UnreadableError(f"{part.place}: image {image} has a pixel that is no finite number", "mend the pixel")


def check_memory(shape: tuple[int, ...], place: str) -> None:
    """Refuse more pixels than memory should hold."""
    total = 4 * math.prod(shape)
    if total > MOST_BYTES:
        raise TooLargeError(
            f"{place}: the images take {total / 1e9:.1f} GB", f"the limit is {MOST_BYTES / 1e9:.0f} GB: give fewer"
        )


def check_same_shape(train: Raw, test: Raw) -> None:
    """Refuse test images of another size."""
    first, second = train.pixels.shape[1:], test.pixels.shape[1:]
    if first != second:
        raise ShapeError(
            f"{test.place}: images are {by(second)} and those of {train.place} {by(first)}",
            "make all images of one size",
        )


def by(shape: tuple[int, ...]) -> str:
    """Return a shape as it is written.

    >>> by((28, 28, 3))
    '28x28x3'
    """
    return "x".join(map(str, shape))


def scale_of(parts: list[Raw]) -> float:
    """Return what pixels are divided by: bytes by 255; other whole numbers up to 255 too, or by their largest.

    Numbers with fractions stay as they are.
    """
    pixels = parts[0].pixels
    if pixels.dtype == np.uint8:
        return 255.0
    if pixels.dtype == bool or (pixels.dtype.kind == "f" and (pixels != np.rint(pixels)).any()):
        return 1.0
    largest = float(max(np.abs(part.pixels).max() for part in parts))
    if largest <= 1:
        return 1.0
    return 255.0 if 16 < largest <= 255 else largest


def scaled(pixels: Array, divisor: float, dtype: str) -> Array:
    """Return pixels (n, H, W, C) in a dtype, divided."""
    values = np.asarray(pixels.astype(dtype) / np.dtype(dtype).type(divisor))
    return values[..., None] if values.ndim == 3 else values


def scale_note(parts: list[Raw], divisor: float) -> list[str]:
    """Say how pixels were scaled where it is not the usual 255."""
    if divisor not in {1.0, 255.0}:
        return [f"pixels are divided by {divisor:g}, the largest"]
    largest = float(np.abs(parts[0].pixels).max())
    if divisor == 1 and largest > 10:
        return [f"pixels up to {largest:.4g} are taken as they are; training is easier when they lie in 0 to 1"]
    return []


def numbered_labels(parts: list[Raw]) -> tuple[Array, list[Array]]:
    """Return the classes in order, and the labels as their places.

    Raises
    ------
    UnreadableError, InvalidValueError
        For labels that are not whole, a single class, and a class in one set only.
    """
    labels = [whole_labels(part) for part in parts]
    classes = np.unique(np.concatenate(labels))
    if len(classes) < 2:
        raise InvalidValueError(f"{parts[0].place}: all images are of class {classes[0]}", "give two classes or more")
    if len(classes) > MOST_CLASSES:
        raise InvalidValueError(
            f"{parts[0].place}: the labels have {len(classes):,} values", f"give up to {MOST_CLASSES:,} classes"
        )
    for part, own in zip(parts, labels, strict=True):
        missing = np.setdiff1d(classes, own)
        if len(missing):
            raise InvalidValueError(
                f"{part.place}: has no image of class {missing[0]}", "every class must be in training and test"
            )
    return classes, [np.searchsorted(classes, own).astype(np.int64) for own in labels]


def whole_labels(part: Raw) -> Array:
    """Return labels as whole numbers or words."""
    labels = part.labels
    if labels.dtype.kind == "f":
        wrong = np.flatnonzero(~(np.isfinite(labels) & (labels == np.rint(np.nan_to_num(labels)))))
        if len(wrong):
            raise UnreadableError(
                f"{part.place}: label {labels[wrong[0]]} of image {wrong[0]} is not whole",
                "give whole numbers, one a class",
            )
        return labels.astype(np.int64)
    if labels.dtype.kind in "buiU":
        return labels.astype(np.int64) if labels.dtype.kind in "bui" else labels
    raise UnreadableError(f"{part.place}: labels are of type {labels.dtype}", "give whole numbers, one a class")


def label_note(classes: Array) -> list[str]:
    """Tell of labels that do not count from 0."""
    if classes.dtype.kind == "U" or np.array_equal(classes, np.arange(len(classes))):
        return []
    return [f"labels {classes[0]} to {classes[-1]} are {len(classes)} classes, numbered in order"]


def constant_note(images: ImageSet, place: str) -> list[str]:
    """Tell of images without any picture; refuse a set that has no others."""
    flat = images.images.reshape(len(images.images), -1)
    constant = int((flat.max(axis=1) == flat.min(axis=1)).sum())
    if constant == len(flat):
        raise InvalidValueError(f"{place}: every image is of one value throughout", "give images that show something")
    return [f"{constant:,} training images are of one value throughout"] if constant else []


def split(images: ImageSet) -> tuple[ImageSet, ImageSet]:
    """Return training and test images: a fifth of every class is kept for testing, both in random order."""
    generator = np.random.default_rng(0)
    test: list[int] = []
    for label in np.unique(images.labels):
        own = generator.permutation(np.flatnonzero(images.labels == label))
        if len(own) < 2:
            raise InvalidValueError(f"class number {label} has a single image", "give two or more of every class")
        test += own[: max(1, round(TEST_SHARE * len(own)))].tolist()
    kept = np.setdiff1d(np.arange(len(images.labels)), test)
    orders = generator.permutation(kept), generator.permutation(np.array(test))
    first, second = (ImageSet(images.images[order], images.labels[order]) for order in orders)
    return first, second
