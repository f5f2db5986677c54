"""The data set that the program draws, and what is done to images."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlmath.images.engine.data import Augmentation, ImageSet, ink_lost, permuted, pixel_order, shifted
from dlmath.images.engine.marks import CLASSES, Marks, draw_marks


def test_marks_are_those_of_the_definition():
    """Check values of the definition's first implementation: labels, and sums over a thousand images of seed 0."""
    marks = draw_marks(1000, 0)
    assert marks.labels[:12].tolist() == [9, 6, 2, 2, 1, 4, 0, 0, 8, 4, 3, 4]
    assert round(float(marks.images.sum(dtype=float)), 2) == 12505.91
    assert round(float(marks.images.mean(dtype=float)), 5) == 0.04885
    assert round(float(marks.images.std(dtype=float)), 5) == 0.22329
    assert np.bincount(marks.labels).tolist() == [100] * len(CLASSES)


@pytest.mark.parametrize("size", [8, 13, 16, 28, 33])
@pytest.mark.parametrize("wide", [False, True])
def test_ink_stays_inside(size, wide):
    """The noise alone reaches the outermost pixels: there the mean square is that of the noise, 0.15^2."""
    images = draw_marks(400, 1, Marks(size, wide)).images
    assert images.shape == (400, size, size, 1)
    edge = np.concatenate([images[:, 0], images[:, -1], images[:, :, 0], images[:, :, -1]], axis=1)
    square = float(np.square(edge).mean())
    # the mean square of n normals has a standard deviation of 0.15^2 sqrt(2 / n)
    assert abs(square - 0.0225) < 5 * 0.0225 * (2 / edge.size) ** 0.5


def test_wide_marks_lie_further_out():
    def spread(kind):
        images = np.clip(draw_marks(500, 2, kind).images[..., 0] - 0.45, 0, None)  # beyond three sigma of the noise
        rows = np.arange(16)[:, None]
        return float(((images * rows).sum(axis=(1, 2)) / np.maximum(images.sum(axis=(1, 2)), 1e-9)).std())

    assert spread(Marks(wide=True)) > 1.3 * spread(Marks())


@given(st.integers(-6, 6), st.integers(-6, 6))
def test_shifting_moves_pixels_and_lets_zeros_in(rows, columns):
    images = np.random.default_rng(0).standard_normal((2, 5, 4, 3)) + 10
    moved = shifted(images, rows, columns)
    for n, r, s in np.ndindex(2, 5, 4):
        inside = 0 <= r - rows < 5 and 0 <= s - columns < 4
        wanted = images[n, r - rows, s - columns] if inside else np.zeros(3)
        assert np.array_equal(moved[n, r, s], wanted)


def test_permuting_moves_whole_pixels():
    images = np.random.default_rng(0).standard_normal((3, 4, 5, 3))
    order = pixel_order((4, 5, 3), (7, 4))
    assert sorted(order) == list(range(20))
    mixed = permuted(images, order)
    back = np.empty_like(order)
    back[order] = np.arange(20)
    assert np.array_equal(permuted(mixed, back), images)
    assert not np.array_equal(mixed, images)


def test_augmentation_shows_every_move_and_its_mirror():
    """Every image of the batch is one of the moved originals, and all (2 K + 1)^2 moves and mirrors come up."""
    picture = np.random.default_rng(0).standard_normal((1, 6, 5, 2))
    batch = np.repeat(picture.transpose(1, 3, 2, 0), 2000, axis=3).copy()
    Augmentation(1, flip=True).apply(batch, np.random.default_rng(1))
    seen = {np.ascontiguousarray(batch[..., n]).tobytes() for n in range(2000)}
    moves = [shifted(picture, y, x) for y in (-1, 0, 1) for x in (-1, 0, 1)]
    both = [one for move in moves for one in (move, move[:, :, ::-1])]
    assert seen == {np.ascontiguousarray(one[0].transpose(0, 2, 1)).tobytes() for one in both}


def test_rows_lie_as_layers_want_them():
    images = np.arange(2 * 3 * 4 * 5, dtype=float).reshape(2, 3, 4, 5)
    rows = ImageSet(images, np.zeros(2, int)).rows()
    assert np.array_equal(rows.reshape(2, 3, 5, 4).transpose(0, 1, 3, 2), images)


def test_ink_that_a_shift_cuts_off():
    images = np.zeros((1, 10, 10, 1))
    images[0, 0, 5] = 1.0
    images[0, 5, 5] = 1.0
    assert ink_lost(images, 1) == 0.5
    assert ink_lost(images, 0) == 0
    assert ink_lost(images[:, 2:8], 1) == 0
