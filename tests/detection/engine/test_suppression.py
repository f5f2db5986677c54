"""Suppression: the loop of the definition, the cases libraries got wrong, the laws."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlmath.detection.engine import neighbours, suppression
from dlmath.detection.engine.overlap import iou_matrix
from dlmath.detection.engine.soft_suppression import soft_nms
from dlmath.detection.engine.suppression import naive_nms, nms
from dlmath.errors import TooLargeError
from tests.detection.engine.random_boxes import box_sets, scattered

SIX = [[12, 84, 140, 212], [24, 84, 152, 212], [36, 84, 164, 212], [12, 96, 140, 224], [24, 96, 152, 224],
       [24, 108, 152, 236]]  # fmt: skip
SIX_SCORES = [0.1, 0.8, 0.7, 0.6, 0.5, 0.9]


def kept(boxes, scores, threshold, **options):
    return nms(np.array(boxes, dtype=float), np.array(scores, dtype=float), threshold, **options).keep.tolist()


@pytest.mark.parametrize(("threshold", "expected"), [(0.1, [5]), (0.5, [5]), (0.7, [5, 1, 3])])
def test_jwyang_faster_rcnn_220(threshold, expected):
    assert kept(SIX, SIX_SCORES, threshold) == expected


def test_ties_keep_the_earlier_box():
    """pytorch/vision #2157: the CPU kept 0, the GPU 2."""
    boxes = [[0.3764, 0.0905, 0.6533, 0.4487], [0.3744, 0.0899, 0.6535, 0.4513], [0.3753, 0.0916, 0.6532, 0.4512]]
    assert kept(boxes, [1, 1, 1], 0.2) == [0]


def test_threshold_0_keeps_what_does_not_meet():
    """tensorflow #34268."""
    boxes = [[90, 480, 106, 496], [269.33333333, 536.33333333, 282.66666667, 549.66666667],
             [382.33333333, 556.33333333, 395.66666667, 569.66666667]]  # fmt: skip
    assert kept(boxes, [1, 1, 1], 0.0) == [0, 1, 2]
    assert kept([[0, 0, 10, 10], [9, 9, 20, 20], [10, 0, 20, 9]], [3, 2, 1], 0.0) == [0, 2]  # touching is no overlap


def test_equality_does_not_suppress():
    """pytorch/vision #1556, onnx #7615: IoU of exactly one half."""
    assert kept([[0, 0, 10, 10], [0, 0, 10, 5], [0, 0, 10, 20]], [0.9, 0.8, 0.7], 0.5) == [0, 1, 2]


def same(one, other):
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


@given(
    box_sets(),
    st.integers(0, 2**32 - 1),
    st.sampled_from([0.0, 0.01, 0.1, 0.3, 0.5, 0.7, 0.95, 1.0]),
    st.sampled_from([0.0, 1.0]),
    st.booleans(),
)
def test_every_way_equals_the_loop(boxes, seed, threshold, plus, classes):
    """Peeling and blocks of every size, ties, classes, negative coordinates: the same boxes for the same reason."""
    rng = np.random.default_rng(seed)
    scores = np.round(rng.random(len(boxes)), int(rng.integers(0, 4)))
    label = rng.integers(0, 3, len(boxes)) if classes else None
    expected = naive_nms(boxes, scores, threshold, label=label, plus=plus)
    with pytest.MonkeyPatch.context() as patch:
        for name, low, high in (("FIRST_BLOCK", 1, 60), ("POOR_STEPS", 0, 5), ("MOST_BLOCK_PAIRS", 3, 300)):
            patch.setattr(suppression, name, int(rng.integers(low, high)))
        patch.setattr(neighbours, "MOST_PAIRS", int(rng.integers(5, 500)))
        assert same(expected, nms(boxes, scores, threshold, label=label, plus=plus))


def tutorial_nms(boxes, scores, threshold):
    """The loop of the tutorials: the best of those left removes what overlaps it."""
    left, keep = np.argsort(-scores, kind="stable"), []
    while len(left):
        keep.append(int(left[0]))
        left = left[1:][iou_matrix(boxes[left[:1]], boxes[left[1:]])[0] <= threshold]
    return keep


@pytest.mark.parametrize("spread", [300.0, 4000.0], ids=["crowded", "scattered"])
def test_many_boxes_equal_the_tutorials_loop(spread):
    rng = np.random.default_rng(0)
    boxes, scores = scattered(rng, 6000, spread, 60.0), rng.random(6000)
    assert kept(boxes, scores, 0.5) == tutorial_nms(boxes, scores, 0.5)


def test_large_coordinates_lose_no_neighbour():
    """The windows are wide enough where rounding of the coordinates is of the size of the boxes' distance."""
    rng = np.random.default_rng(1)
    boxes = scattered(rng, 120, 8.0, 4.0) + 2.0**40
    scores = rng.random(120)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(suppression, "POOR_STEPS", 0)
        assert same(naive_nms(boxes, scores, 0.4), nms(boxes, scores, 0.4))


@given(box_sets(most=120), st.integers(0, 1000), st.sampled_from([0.1, 0.5, 0.8]))
def test_laws(boxes, seed, threshold):
    """No kept pair is above the threshold; every other box is above it with who suppressed it, of a higher score."""
    scores = np.random.default_rng(seed).random(len(boxes))
    found = nms(boxes, scores, threshold)
    among = iou_matrix(boxes[found.keep], boxes[found.keep])
    np.fill_diagonal(among, 0)
    assert (among <= threshold).all()
    assert sorted([*found.keep, *found.suppressed]) == list(range(len(boxes)))
    for row, by, iou in zip(found.suppressed, found.by, found.iou, strict=True):
        assert by in found.keep
        assert iou == iou_matrix(boxes[[by]], boxes[[row]])[0, 0] > threshold
        assert scores[by] >= scores[row]
    assert (np.diff(scores[found.keep]) <= 0).all()


def test_classes_do_not_meet():
    boxes = np.array([[0.0, 0, 10, 10]] * 4)
    scores = np.array([0.9, 0.8, 0.7, 0.6])
    assert kept(boxes, scores, 0.5, label=np.array([0, 1, 0, 1])) == [0, 1]


def test_identical_boxes_take_linear_time_and_memory():
    """A hundred thousand at one place: the first removes all."""
    boxes = np.tile([[0.0, 0, 10, 10]], (100_000, 1))
    found = nms(boxes, np.ones(100_000), 0.5)
    assert found.keep.tolist() == [0]
    assert (found.by == 0).all()


def test_soft_suppression_of_opencv():
    """OpenCV's softNMSBoxes, gaussian, sigma 0.5."""
    boxes = np.array([[0.0, 0, 10, 10], [1, 1, 11, 11], [0, 2, 10, 12], [30, 30, 40, 40]])
    scores = np.array([0.9, 0.8, 0.7, 0.6])
    found = soft_nms(boxes, scores, "gaussian", 0.5, traced=10)
    assert found.keep.tolist() == [0, 3, 1, 2]
    assert found.scores.tolist() == pytest.approx([0.9, 0.6, 0.316709, 0.113927], abs=1e-6)
    assert [step.row for step in found.steps] == [0, 3, 1, 2]
    dropped = soft_nms(boxes, scores, "gaussian", 0.5, least=0.2)
    assert dropped.keep.tolist() == [0, 3, 1]
    assert dropped.dropped.tolist() == [2]


def naive_soft(boxes, scores, factor, label):
    left = dict(enumerate(scores.tolist()))
    order = []
    while left:
        best = max(left, key=lambda row: (left[row], scores[row], -row))
        order.append((best, left.pop(best)))
        for row in left:
            if label[row] == label[best]:
                left[row] *= factor(iou_matrix(boxes[[best]], boxes[[row]])[0, 0])
    return order


@given(box_sets(most=25), st.integers(0, 10_000), st.sampled_from(["linear", "gaussian"]))
def test_soft_suppression_equals_the_loop(boxes, seed, decay):
    rng = np.random.default_rng(seed)
    scores, label = rng.random(len(boxes)), rng.integers(0, 2, len(boxes))
    factor = {
        "linear": lambda iou: 1 - iou if iou > 0.3 else 1.0,
        "gaussian": lambda iou: float(np.exp(-iou * iou / 0.3)),
    }[decay]
    found = soft_nms(boxes, scores, decay, 0.3, label=label)
    expected = naive_soft(boxes, scores, factor, label)
    lively = [(row, score) for row, score in expected if score > 1e-12]  # at 0 the order is any
    assert found.keep[: len(lively)].tolist() == [row for row, _ in lively]
    # one rounding of exp and one of the product for each of at most 25 factors
    assert found.scores[: len(lively)].tolist() == pytest.approx([score for _, score in lively], rel=1e-13)


def test_soft_suppression_is_bounded():
    with pytest.raises(TooLargeError, match="soft suppression of 30,001"):
        soft_nms(np.zeros((30_001, 4)), np.zeros(30_001), "linear", 0.5)
