"""Anchors and their labels, as the libraries that made them popular make them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlmath.detection.engine import anchors, overlap
from dlmath.detection.engine.anchors import RATIOS, STYLES, grid_anchors
from dlmath.detection.engine.geometry import inside
from dlmath.detection.engine.matching import match
from dlmath.detection.engine.overlap import iou_matrix
from dlmath.errors import TooLargeError
from tests.detection.engine.random_boxes import box_sets

EPS = np.finfo(np.float64).eps


def base(name, sizes=None, scales=None):
    style = STYLES[name]
    return style.base(sizes or style.sizes, RATIOS, scales or style.scales)


def test_py_faster_rcnns_nine():
    """rbgirshick/py-faster-rcnn, lib/rpn/generate_anchors.py."""
    assert base("py-faster-rcnn").astype(int).tolist() == [
        [-84, -40, 99, 55], [-176, -88, 191, 103], [-360, -184, 375, 199],
        [-56, -56, 71, 71], [-120, -120, 135, 135], [-248, -248, 263, 263],
        [-36, -80, 51, 95], [-80, -168, 95, 183], [-168, -344, 183, 359],
    ]  # fmt: skip


def test_torchvisions_rounded_and_detectron2s_exact():
    """pytorch/vision #2171."""
    assert base("torchvision", (32.0,)).tolist() == [[-23, -11, 23, 11], [-16, -16, 16, 16], [-11, -23, 11, 23]]
    exact = base("detectron2", (32.0, 64.0))
    areas = (exact[:, 2] - exact[:, 0]) * (exact[:, 3] - exact[:, 1])
    assert areas.tolist() == pytest.approx([32**2] * 3 + [64**2] * 3, rel=16 * EPS)
    shapes = (exact[:, 3] - exact[:, 1]) / (exact[:, 2] - exact[:, 0])
    assert shapes.tolist() == pytest.approx([0.5, 1, 2] * 2, rel=16 * EPS)


def test_the_grid_of_vision_1765():
    grid = grid_anchors(base("torchvision", (32.0,))[1:2], 64, 64, (8, 8))
    assert len(grid) == 4096
    assert grid[[0, -1]].tolist() == [[-16, -16, 16, 16], [488, 488, 520, 520]]
    half = grid_anchors(base("torchvision", (32.0,))[1:2], 2, 3, (8, 4), 0.5)
    assert half[0].tolist() == [2 - 16, 4 - 16, 2 + 16, 4 + 16]
    assert half[-1].tolist() == [10 - 16, 12 - 16, 10 + 16, 12 + 16]


def test_the_papers_counts():
    """Ren et al. 2015: about 20,000 anchors for 1000 x 600; VGG16's map of it is 62 x 37."""
    grid = grid_anchors(base("py-faster-rcnn"), 37, 62, (16, 16))
    assert len(grid) == 20_646
    assert inside(grid, 1000, 600, 1.0).sum() == 8_151


def test_too_many_anchors_are_refused():
    with pytest.raises(TooLargeError, match="anchors are too many"):
        grid_anchors(base("torchvision"), 10_000, 10_000, (1, 1))
    assert anchors.MOST_ANCHORS * 32 == 2**29


DETECTRON2 = np.array([[0.15, 0.45, 0.2, 0.6], [0.3, 0.65, 0.05, 0.1], [0.05, 0.4, 0.25, 0.4]])
"""Overlaps of 3 truths with 4 anchors: detectron2, tests/modeling/test_matcher.py."""


def match_overlaps(matrix, monkeypatch, **options):
    def blocks(a, _truths, **_):
        yield slice(0, len(a)), matrix.T

    monkeypatch.setattr("dlmath.detection.engine.matching.overlap_blocks", blocks)
    return match(np.zeros((matrix.shape[1], 4)), np.zeros((matrix.shape[0], 4)), **options)


def test_detectron2s_matcher(monkeypatch):
    found = match_overlaps(DETECTRON2, monkeypatch)
    assert found.labels.tolist() == [-1, 1, 0, 1]
    assert found.match.tolist() == [1, 1, 2, 0]
    assert match_overlaps(DETECTRON2, monkeypatch, keep_best=False).labels.tolist() == [-1, -1, 0, -1]


def naive_match(matrix, low, high, keep_best):
    labels = []
    for row in matrix:
        labels.append(1 if row.max() >= high else 0 if row.max() < low else -1)
        if keep_best and any(row[t] == matrix[:, t].max() > 0 for t in range(matrix.shape[1])):
            labels[-1] = 1
    return labels


@given(box_sets(), box_sets(most=8), st.booleans(), st.integers(1, 64))
def test_blocks_of_anchors_equal_the_whole_matrix(boxes, truths, keep_best, block):
    matrix = iou_matrix(boxes, truths)
    before, overlap.BLOCK = overlap.BLOCK, block
    try:
        found = match(boxes, truths, keep_best=keep_best)
    finally:
        overlap.BLOCK = before
    assert found.labels.tolist() == naive_match(matrix, 0.3, 0.7, keep_best)
    assert found.match.tolist() == matrix.argmax(axis=1).tolist()
    assert found.best.tolist() == matrix.max(axis=0).tolist()


def test_a_truth_that_nobody_meets_makes_no_objects():
    found = match(np.array([[0.0, 0, 10, 10]]), np.array([[50.0, 50, 60, 60]]))
    assert found.labels.tolist() == [0]


def test_without_truths_all_is_background():
    found = match(np.array([[0.0, 0, 10, 10]]), np.zeros((0, 4)))
    assert (found.labels.tolist(), found.match.tolist()) == ([0], [-1])
