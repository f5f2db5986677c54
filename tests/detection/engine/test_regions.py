"""RoIPool and RoIAlign: loops of the definition, published values, laws."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlmath.detection.engine.roi_align import Sampling, naive_roi_align, roi_align
from dlmath.detection.engine.roi_pooling import bin_edges, naive_roi_pool, roi_pool, round_half_away
from dlmath.errors import TooLargeError

EPS = np.finfo(np.float64).eps
FIVE = np.arange(25.0).reshape(5, 5)


def boxes(*rows):
    return np.array(rows, dtype=np.float64)


@st.composite
def regions(draw):
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    shape = tuple(rng.integers(1, 20, 2)) + ((int(rng.integers(1, 4)),) if draw(st.booleans()) else ())
    low = rng.uniform(-8, 30, (4, 2))
    found = np.concatenate([low, low + rng.uniform(0, 30, (4, 2))], axis=1)
    found[0, 2:] = found[0, :2] if draw(st.booleans()) else found[0, 2:]
    output = tuple(int(n) for n in rng.integers(1, 8, 2))
    return rng.normal(size=shape), found, output, draw(st.sampled_from([1.0, 0.5, 1 / 16]))


@given(regions())
def test_roi_pool_equals_the_loop(case):
    feature_map, found, output, scale = case
    assert np.array_equal(
        roi_pool(feature_map, found, output, scale).values, naive_roi_pool(feature_map, found, output, scale)
    )


@given(regions(), st.integers(0, 3), st.booleans())
def test_roi_align_equals_the_loop(case, samples, aligned):
    feature_map, found, output, scale = case
    sampling = Sampling(output, samples, aligned, scale)
    loops = naive_roi_align(feature_map, found, sampling)
    # a bin is a mean of weighted cells whose weights add up to 1 at most; both sums round each of their terms
    terms = 4 * max(samples, 40) ** 2
    assert np.abs(roi_align(feature_map, found, sampling) - loops).max() <= terms * EPS * np.abs(feature_map).max()


def test_published_values():
    """torchvision's conventions: the project's MATHEMATICS, jwyang #807, onnxruntime #6921."""
    assert roi_pool(np.arange(16.0).reshape(4, 4), boxes([0, 0, 3, 3]), (2, 2)).values.tolist() == [[[5, 7], [13, 15]]]
    aligned = roi_align(FIVE, boxes([1, 1, 3, 3]), Sampling((4, 4)))[0]
    assert aligned.tolist() == [[4.5 + 2.5 * row + column / 2 for column in range(4)] for row in range(4)]
    small = boxes([0, 0, 2, 2])
    assert roi_align(FIVE, small, Sampling((2, 2), aligned=False)).tolist() == [[[3, 4], [8, 9]]]
    assert roi_align(FIVE, small, Sampling((2, 2))).tolist() == [[[0.75, 1.625], [5.125, 6]]]
    assert np.array_equal(roi_align(FIVE, boxes([0, 0, 5, 5]), Sampling((5, 5), 1))[0], FIVE)


def test_roi_align_of_a_plane_is_the_plane_at_the_bins_centre():
    rows, columns = np.mgrid[0:30, 0:40].astype(float)
    plane = 3.0 + 2.0 * columns - 0.5 * rows
    (x1, y1, x2, y2) = box = (4.3, 5.1, 31.7, 22.9)
    values = roi_align(plane, boxes(box), Sampling((4, 6), 3))[0]
    for i, j in np.ndindex(4, 6):
        y, x = y1 + (i + 0.5) * (y2 - y1) / 4 - 0.5, x1 + (j + 0.5) * (x2 - x1) / 6 - 0.5
        assert values[i, j] == pytest.approx(3 + 2 * x - 0.5 * y, abs=64 * EPS * 100)


def test_bins_are_made_in_whole_numbers():
    """With h / n in floating point, 29 / 7 x 7 overshoots: ceil makes one cell too many."""
    edges = bin_edges(np.array([0]), np.array([28]), 7, 100)[0]
    assert edges.tolist() == [[0, 5], [4, 9], [8, 13], [12, 17], [16, 21], [20, 25], [24, 29]]


def test_bins_of_a_result_are_windows_of_the_map():
    pooled = roi_pool(FIVE, boxes([0, 1, 3, 4]), (2, 2))
    assert pooled.bins[0].tolist() == [[[0, 1, 2, 3], [2, 1, 4, 3]], [[0, 3, 2, 5], [2, 3, 4, 5]]]
    (x1, y1, x2, y2) = pooled.bins[0, 1, 0]
    assert pooled.values[0, 1, 0] == FIVE[y1:y2, x1:x2].max()


def test_a_bin_outside_is_0_and_whole_numbers_stay_whole():
    pooled = roi_pool(np.full((3, 3), -7, dtype=np.int32), boxes([-4, 0, 1, 1]), (1, 2))
    assert pooled.values.dtype == np.int32
    assert pooled.values.tolist() == [[[0, -7]]]


def test_rounding_is_away_from_zero():
    assert round_half_away(np.array([0.5, 1.5, 2.5, -0.5, -1.5, 0.49999999999999994])).tolist() == [1, 2, 3, -1, -2, 0]


def test_what_does_not_fit_is_refused():
    with pytest.raises(TooLargeError, match="regions of 7x7x1000"):
        roi_pool(np.zeros((2, 2, 1000)), np.zeros((10_000, 4)))
    with pytest.raises(TooLargeError, match="samples a bin"):
        roi_align(FIVE, boxes([0, 0, 1e9, 4]), Sampling((2, 2), 0))
