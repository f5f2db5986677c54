"""Sets of labelled images, and what is done to them: shifted, permuted, flipped, cut short."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from dlmath.neural.arrays import Array


class ImageSet(NamedTuple):
    """Images with labels.

    Attributes
    ----------
    images : ndarray of float, (n, H, W, C)
    labels : ndarray of int64, (n,)
        From 0.
    """

    images: Array
    labels: Array

    def first(self, count: int | None) -> ImageSet:
        """Return the first so many."""
        return self if count is None else ImageSet(self.images[:count], self.labels[:count])

    def rows(self) -> Array:
        """Return the images as (n, H * C * W), rows ready to be gathered into a batch (H, C, W, N)."""
        count = len(self.images)
        return np.ascontiguousarray(self.images.transpose(0, 1, 3, 2)).reshape(count, -1)


class Data(NamedTuple):
    """What a network is trained and tested on.

    Attributes
    ----------
    name : str
    train, test : ImageSet
    classes : tuple of str
        Their names.
    """

    name: str
    train: ImageSet
    test: ImageSet
    classes: tuple[str, ...]

    @property
    def shape(self) -> tuple[int, int, int]:
        """(H, W, C) of one image."""
        height, width, channels = self.train.images.shape[1:]
        return height, width, channels

    def widened(self, answers: int) -> Data | None:
        """Return the data with as many classes as a network has answers, labels being the numbers they were.

        None where labels are words, or numbers that are no answers: then classes are those that occur, in order.
        """
        numbers = [int(name) for name in self.classes if name.isascii() and name.isdigit()]
        if len(numbers) < len(self.classes) or max(numbers) >= answers:
            return None
        own = np.array(numbers)
        train, test = (part._replace(labels=own[part.labels]) for part in (self.train, self.test))
        return self._replace(train=train, test=test, classes=tuple(map(str, range(answers))))


DIRECTIONS = ((-1, 0), (1, 0), (0, -1), (0, 1))
"""Up, down, left, right."""


def shifted(images: Array, rows: int, columns: int) -> Array:
    """Return images (n, H, W, C) moved down by `rows` and right by `columns` pixels, zeros coming in.

    >>> shifted(np.arange(4.0).reshape(1, 2, 2, 1), 0, 1).ravel()
    array([0., 0., 0., 2.])
    """
    moved = np.zeros_like(images)
    height, width = images.shape[1:3]
    into, out = _slices(rows, height), _slices(-rows, height)
    into_column, out_column = _slices(columns, width), _slices(-columns, width)
    moved[:, into, into_column] = images[:, out, out_column]
    return moved


def _slices(by: int, size: int) -> slice:
    """Return what of an axis is reached after moving by so many."""
    return slice(min(max(by, 0), size), max(min(size, size + by), 0))


def permuted(images: Array, order: Array) -> Array:
    """Return images (n, H, W, C) with their pixels in another order, all channels of a pixel together."""
    count, height, width, channels = images.shape
    return np.asarray(images.reshape(count, height * width, channels)[:, order].reshape(images.shape))


def in_order(images: ImageSet, order: Array | None) -> ImageSet:
    """Return a set with its pixels in another order; as it is where there is none."""
    return images if order is None else images._replace(images=permuted(images.images, order))


def permute_batch(batch: Array, order: Array) -> None:
    """Put the pixels of a batch (H, C, W, N) into another order, in place."""
    height, channels, width, count = batch.shape
    pixels = batch.transpose(0, 2, 1, 3).reshape(height * width, channels, count)[order]
    np.copyto(batch, pixels.reshape(height, width, channels, count).transpose(0, 2, 1, 3))


def pixel_order(shape: tuple[int, int, int], seed: tuple[int, int]) -> Array:
    """Return a random order of the pixels of an image."""
    return np.random.default_rng(list(seed)).permutation(shape[0] * shape[1])


class Augmentation(NamedTuple):
    """How training images are moved at random, anew each time they are shown.

    Attributes
    ----------
    shift : int
        Up to so many pixels up or down and left or right, every distance alike, zeros coming in.
    flip : bool
        Left and right exchanged, half of the time.
    """

    shift: int = 0
    flip: bool = False

    @property
    def moves(self) -> bool:
        """Whether it does anything."""
        return bool(self.shift or self.flip)

    def apply(self, batch: Array, generator: np.random.Generator) -> None:
        """Move the images of a batch (H, C, W, N), each by itself, in place."""
        count = batch.shape[-1]
        if self.shift:
            moves = generator.integers(-self.shift, self.shift + 1, (count, 2))
            for move in np.unique(moves, axis=0):
                if move.any():
                    chosen = (moves == move).all(axis=1)
                    batch[..., chosen] = _moved(batch[..., chosen], int(move[0]), int(move[1]))
        if self.flip:
            chosen = generator.random(count) < 0.5
            batch[..., chosen] = batch[:, :, ::-1, :][..., chosen]


def _moved(batch: Array, rows: int, columns: int) -> Array:
    """Return a batch (H, C, W, N) moved, zeros coming in."""
    return shifted(batch.transpose(3, 0, 2, 1), rows, columns).transpose(1, 3, 2, 0)


def ink_lost(images: Array, pixels: int) -> float:
    """Return the largest share of the images' ink that lies within `pixels` of one border, over the four borders.

    Ink is the squared distance from each image's median; what is moved over a border by a shift is lost.
    """
    if not pixels or not len(images):
        return 0.0
    middle = np.median(images, axis=(1, 2), keepdims=True)
    ink = np.square(images - middle).sum(axis=(0, 3))
    ends = (ink[:pixels], ink[-pixels:], ink[:, :pixels], ink[:, -pixels:])
    total = float(ink.sum())
    return max(float(end.sum()) for end in ends) / total if total else 0.0
