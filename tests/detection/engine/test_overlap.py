"""Overlaps: the definition, the laws, the values others published."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlmath.detection.engine import overlap
from dlmath.detection.engine.geometry import FARTHEST, areas, clip, inside, to_corners
from dlmath.detection.engine.overlap import KINDS, iou_matrix, iou_pairs, naive_iou, overlap_of
from dlmath.errors import InvalidValueError, TooLargeError
from tests.detection.engine.random_boxes import box_sets

EPS = np.finfo(np.float64).eps
BIG, HALF, FAR = ([[0.0, 0, 100, 100]], [[0.0, 0, 50, 50]], [[200.0, 200, 300, 300]])


def boxes(rows):
    return np.array(rows, dtype=np.float64)


@pytest.mark.parametrize(
    ("kind", "other", "expected"),
    [
        ("iou", HALF, 0.25),
        ("giou", HALF, 0.25),
        ("diou", HALF, 0.1875),
        ("ciou", HALF, 0.1875),
        ("giou", FAR, -7 / 9),
        ("iou", FAR, 0.0),
    ],
)
def test_torchvisions_test_values(kind, other, expected):
    """torchvision, test_ops.py; the angle of two squares is the same, so that CIoU is DIoU."""
    assert iou_matrix(boxes(BIG), boxes(other), kind)[0, 0] == pytest.approx(expected, rel=4 * EPS)


def test_the_pair_of_cocoapi_547():
    pair = boxes([[150, 500, 260, 700]]), boxes([[141, 576, 243, 600]])
    assert iou_matrix(*pair)[0, 0] == pytest.approx(0.100468131, abs=1e-9)
    sized = [to_corners(rows, "xywh") for rows in pair]
    assert iou_matrix(*sized)[0, 0] == pytest.approx(0.749199573, abs=1e-9)
    assert iou_matrix(*sized, crowd=True)[0, 0] == pytest.approx(0.771428571, abs=1e-9)


@pytest.mark.parametrize("kind", KINDS)
def test_a_box_without_area_gives_numbers(kind):
    point = boxes([[5, 5, 5, 5]])
    with np.errstate(all="raise"):
        assert iou_matrix(point, point, kind)[0, 0] == 0
        assert np.isfinite(iou_matrix(boxes([[0, 0, 10, 0]]), boxes([[0, 0, 10, 10], [2, 2, 2, 2]]), kind)).all()


def test_plus_one_belongs_to_pixels_not_to_shares():
    """Normalised coordinates under the pixel convention of old tutorials: what is measured is the 1."""
    pair = boxes([[0, 0, 0.5, 0.5]]), boxes([[0.25, 0.25, 0.75, 0.75]])
    assert iou_matrix(*pair)[0, 0] == pytest.approx(1 / 7, rel=4 * EPS)
    assert iou_matrix(*pair, plus=1.0)[0, 0] == pytest.approx(0.531914894, abs=1e-9)


@given(box_sets(), box_sets(), st.sampled_from([0.0, 1.0]), st.integers(1, 200))
def test_blocks_equal_the_definition_bit_for_bit(a, b, plus, block):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(overlap, "BLOCK", block)
        patch.setattr(overlap, "COLUMNS", 1 + block // 7)
        assert np.array_equal(iou_matrix(a, b, plus=plus), naive_iou(a, b, plus))


@given(box_sets(), box_sets())
def test_laws_of_the_matrix(a, b):
    """Symmetric, in [0, 1], 1 with itself where there is area, never above IoU what is taken off it."""
    iou = iou_matrix(a, b)
    assert np.array_equal(iou, iou_matrix(b, a).T)
    assert (iou >= 0).all()
    assert (iou <= 1 + 4 * EPS).all()
    solid = areas(a) > 0
    assert np.array_equal(np.diag(iou_matrix(a, a))[solid], np.ones(solid.sum()))
    for kind, least in (("giou", -1), ("diou", -1), ("ciou", -2)):
        value = iou_matrix(a, b, kind)
        # the penalty is a difference of products of magnitude 1: a few roundings below 0 at most
        assert (value <= iou + 16 * EPS).all()
        assert (value >= least - 16 * EPS).all()


@given(box_sets(most=20), st.integers(-1000, 1000), st.integers(-3, 3))
def test_shift_and_scale_change_nothing(a, shift, power):
    """Coordinates on a grid of 2^-10, so that shifting and doubling are exact."""
    grid = np.round(a[np.abs(a).max(axis=1) < 1e5] * 1024) / 1024
    if len(grid):
        assert np.array_equal(iou_matrix(grid, grid), iou_matrix(grid + shift, grid + shift))
        assert np.array_equal(iou_matrix(grid, grid), iou_matrix(grid * 2.0**power, grid * 2.0**power))


@given(box_sets(most=30), st.sampled_from(list(KINDS)), st.sampled_from([0.0, 1.0]), st.booleans())
def test_one_pair_worked_out_is_the_matrix_entry(a, kind, plus, crowd):
    worked = overlap_of(a[0], a[-1], kind, plus=plus, crowd=crowd)
    matrix = iou_matrix(a, a, kind, plus=plus, crowd=crowd)
    assert worked.value == matrix[0, -1]
    if worked.union:
        assert worked.iou == worked.inter / worked.union
    assert iou_pairs(a[:1], a[-1:], plus=plus)[0] == naive_iou(a[:1], a[-1:], plus)[0, 0]


def test_a_matrix_that_does_not_fit_is_refused_before_it_is_made(monkeypatch):
    monkeypatch.setattr(overlap, "LARGEST_MATRIX", 100)
    with pytest.raises(TooLargeError, match="11 x 10 overlaps"):
        iou_matrix(np.zeros((11, 4)), np.zeros((10, 4)))


def test_blocks_take_bounded_memory():
    """A few rows at a time, however many boxes there are."""
    a, b = np.zeros((5000, 4)), np.ones((3000, 4))
    for _, block in overlap.overlap_blocks(a, b):
        assert block.base.size <= overlap.BLOCK // overlap.COLUMNS * 3000


def test_what_is_no_box_is_refused_with_its_row():
    good = [0, 0, 10, 10]
    with pytest.raises(InvalidValueError, match=r"box 1 .* turned corners .* --boxes xywh"):
        to_corners(boxes([good, [10, 40, 20, 20]]))
    with pytest.raises(InvalidValueError, match=r"box 2 \(0 0 nan 1\)"):
        to_corners(boxes([good, good, [0, 0, np.nan, 1]]))
    with pytest.raises(InvalidValueError, match=r"box 0 .* not finite"):
        to_corners(boxes([[0, 0, np.inf, 1]]))
    with pytest.raises(InvalidValueError, match="too large"):
        to_corners(boxes([[0, 0, 2 * FARTHEST, 1]]))
    with pytest.raises(InvalidValueError, match="negative size"):
        to_corners(boxes([[0, 0, 5, -1]]), "xywh")
    with pytest.raises(InvalidValueError) as told:
        to_corners(boxes([[0, 0, -5, 5]]))
    assert "xywh" not in told.value.mend  # a size is never negative


def test_the_three_ways_to_write_a_box_agree():
    corners = boxes([[10, 40, 30, 60]])
    for plus in (0.0, 1.0):
        w, h = 20 + plus, 20 + plus
        assert np.array_equal(to_corners(boxes([[10, 40, w, h]]), "xywh", plus=plus), corners)
        assert np.array_equal(to_corners(boxes([[10 + w / 2, 40 + h / 2, w, h]]), "cxcywh", plus=plus), corners)


def test_the_largest_coordinates_make_no_overflow():
    wide = boxes([[-FARTHEST, -FARTHEST, FARTHEST, FARTHEST]])
    with np.errstate(over="raise"):
        for kind in KINDS:
            assert np.isfinite(iou_matrix(wide, wide, kind)).all()


def test_clip_and_inside():
    rows = boxes([[-5, 2, 30, 8], [1, 1, 20, 10]])
    assert clip(rows, 20, 10).tolist() == [[0, 2, 20, 8], [1, 1, 20, 10]]
    assert clip(rows, 20, 10, 1.0).tolist() == [[0, 2, 19, 8], [1, 1, 19, 9]]
    assert inside(rows, 20, 10).tolist() == [False, True]
    assert inside(rows, 20, 10, 1.0).tolist() == [False, False]
