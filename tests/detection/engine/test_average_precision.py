"""Average precision: the cases of BOXES' sources, loops of the definition, the laws."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlmath.detection.engine.assignment import (
    naive_take_truths,
    overlapping,
    rank_detections,
    take_truths,
)
from dlmath.detection.engine.average_precision import COCO_THRESHOLDS, RULES, Detections, Truths, curve_of
from dlmath.detection.engine.evaluation import coco_figures, evaluate, mean_known
from dlmath.detection.engine.geometry import areas
from tests.detection.engine.random_boxes import scattered

SQUARE = [0.0, 0, 10, 10]
FAR = [50.0, 50, 60, 60]


def found_of(rows):
    """Return detections of rows (box, score, class, image)."""
    boxes = np.array([row[0] for row in rows], dtype=float).reshape(-1, 4)
    columns = [np.array([row[k] for row in rows], dtype=kind) for k, kind in ((1, float), (2, np.int64), (3, np.int64))]
    return Detections(boxes, *columns, areas(boxes))


def truths_of(rows, crowd=(), ignored=()):
    """Return truths of rows (box, class, image)."""
    boxes = np.array([row[0] for row in rows], dtype=float).reshape(-1, 4)
    label, image = (np.array([row[k] for row in rows], dtype=np.int64) for k in (1, 2))
    crowds = np.isin(np.arange(len(rows)), crowd)
    return Truths(boxes, label, image, crowds, crowds | np.isin(np.arange(len(rows)), ignored), areas(boxes))


def precision(found, truths, thresholds=(0.5,), rule="coco"):
    return mean_known(evaluate(found_of(found), truths_of(truths), thresholds, rule).ap)


def row_of(n, score, image=0):
    """Return n squares beside each other."""
    return [([100.0 * k, 0, 100.0 * k + 100, 100], score, 0, image) for k in range(n)]


def test_equal_scores_count_in_their_order():
    """torchmetrics #1966, gluon-cv #1161."""
    right, wrong = (SQUARE, 1.0, 0, 0), (FAR, 1.0, 0, 0)
    assert precision([right, wrong], [(SQUARE, 0, 0)]) == 1
    assert precision([wrong, right], [(SQUARE, 0, 0)]) == 0.5


@pytest.mark.parametrize(("rule", "expected"), [("coco", 67 / 101), ("voc", 2 / 3), ("voc11", 7 / 11)])
def test_two_of_three_found(rule, expected):
    """cocoapi #683."""
    truths = [(box, 0, 0) for box, *_ in row_of(3, 0)]
    assert precision(row_of(2, 0.9), truths, rule=rule) == pytest.approx(expected, rel=1e-15)


def test_a_float_below_its_level_does_not_reach_it():
    """pycocotools: 7 of 10 found is 70/101, since linspace(0, 1, 101)[70] is a last digit above 0.7."""
    truths = [(box, 0, 0) for box, *_ in row_of(10, 0)]
    assert precision(row_of(7, 0.9), truths) == pytest.approx(70 / 101, rel=1e-15)


@pytest.mark.parametrize(("height", "expected"), [(6, 0.3), (7, 0.5), (7.5, 0.6), (8, 0.7), (9, 0.9)])
def test_equality_counts(height, expected):
    """pycocotools: an IoU of exactly the threshold is a match."""
    found = [([0.0, 0, 10, height], 0.9, 0, 0)]
    assert precision(found, [(SQUARE, 0, 0)], COCO_THRESHOLDS) == pytest.approx(expected, rel=1e-15)


@pytest.mark.parametrize(("rule", "expected"), [("coco", 0.834983), ("voc", 0.833333), ("voc11", 0.848485)])
def test_a_second_detection_of_a_truth_is_wrong(rule, expected):
    found = [(SQUARE, 0.9, 0, 0), (SQUARE, 0.8, 0, 0), (FAR, 0.7, 0, 0)]
    assert precision(found, [(SQUARE, 0, 0), (FAR, 0, 0)], rule=rule) == pytest.approx(expected, abs=5e-7)


def test_equal_scores_in_two_images_count_in_the_order_of_the_images():
    found = [(FAR, 0.5, 0, 0), (SQUARE, 0.5, 0, 1), (SQUARE, 0.4, 0, 0)]
    assert precision(found, [(SQUARE, 0, 0), (SQUARE, 0, 1)]) == pytest.approx(2 / 3, rel=1e-15)


def test_classes_without_truths_are_undefined_and_left_out():
    """torchmetrics #1184, cocoapi #594."""
    found = evaluate(
        found_of([(SQUARE, 0.9, label, 0) for label in range(4)]), truths_of([(SQUARE, 0, 0), (SQUARE, 1, 0)])
    )
    assert found.ap[0, :2].tolist() == [1, 1]
    assert np.isnan(found.ap[0, 2:]).all()
    assert mean_known(found.ap) == 1


def test_no_detection_no_truth_only_a_crowd():
    """cocoapi #294."""
    assert precision([], [(SQUARE, 0, 0)]) == 0
    assert precision([(SQUARE, 0.9, 0, 0)], []) is None
    crowd = evaluate(found_of([]), truths_of([(SQUARE, 0, 0)], crowd=[0]))
    assert mean_known(crowd.ap) is None


def test_a_crowd_may_be_taken_again_and_counts_for_nothing():
    crowd = ([0.0, 0, 100, 100], 0, 0)
    found = found_of([(SQUARE, 0.9, 0, 0), ([20.0, 20, 30, 30], 0.8, 0, 0), (FAR, 0.7, 0, 1)])
    done = evaluate(found, truths_of([crowd, (FAR, 0, 1)], crowd=[0]))
    assert done.decisions.counted.tolist() == [False, False, True]
    assert done.decisions.truth.tolist() == [0, 0, 1]
    assert done.decisions.iou.tolist()[:2] == [1, 1]  # the overlap over the detection's own area
    assert mean_known(done.ap) == 1


def test_a_truth_that_counts_is_preferred_and_of_equals_the_later():
    truths = truths_of([(SQUARE, 0, 0), (SQUARE, 0, 0), ([0.0, 0, 10, 9], 0, 0)], ignored=[0])
    found = found_of([([0.0, 0, 10, 9.5], 0.9, 0, 0), ([0.0, 0, 10, 9.5], 0.8, 0, 0), ([0.0, 0, 10, 9.5], 0.7, 0, 0)])
    assert evaluate(found, truths).decisions.truth.tolist() == [1, 2, 0]


def test_only_the_best_of_an_image_and_class_are_counted():
    found = found_of([(FAR, 0.5 + k / 1000, 0, 0) for k in range(120)] + [(SQUARE, 0.4, 0, 0)])
    truths = truths_of([(SQUARE, 0, 0)])
    assert evaluate(found, truths).left_out == 21
    assert mean_known(evaluate(found, truths).ap) == 0
    assert mean_known(evaluate(found, truths, rule="voc").ap) == pytest.approx(1 / 121, rel=1e-15)
    assert mean_known(evaluate(found, truths, most=121).ap) == pytest.approx(1 / 121, rel=1e-14)


def random_case(seed, truths=40, detections=120):
    rng = np.random.default_rng(seed)
    boxes = scattered(rng, truths, 60.0, 30.0)
    source = rng.integers(0, truths, detections)
    moved = boxes[source] + rng.normal(0, 3, (detections, 4))
    moved = np.concatenate([np.minimum(moved[:, :2], moved[:, 2:]), np.maximum(moved[:, :2], moved[:, 2:])], axis=1)
    label, image = rng.integers(0, 2, truths), rng.integers(0, 3, truths)
    crowd, ignored = rng.random(truths) < 0.1, rng.random(truths) < 0.1
    there = Truths(boxes, label, image, crowd, crowd | ignored, areas(boxes))
    score = np.round(rng.random(detections), 2)
    return Detections(moved, score, label[source], image[source], areas(moved)), there


@given(st.integers(0, 10_000), st.sampled_from([0.3, 0.5, 0.75]), st.sampled_from([None, 5]))
def test_assignment_equals_the_loop(seed, threshold, most):
    found, truths = random_case(seed)
    ranked = rank_detections(found, most)
    pairs, _, _ = overlapping(ranked, found, truths, threshold)
    fast = take_truths(ranked, pairs, truths.crowd, truths.ignored, threshold)
    slow = naive_take_truths(ranked, pairs, truths.crowd, truths.ignored, threshold)
    assert all(np.array_equal(one, other) for one, other in zip(fast, slow, strict=True))


@given(st.integers(0, 10_000), st.sampled_from(["coco", "voc", "voc11"]))
def test_laws(seed, rule):
    """In [0, 1]; 1 of perfect detections; never better at a stricter threshold with the same detections."""
    found, truths = random_case(seed)
    done = evaluate(found, truths, (0.3, 0.5, 0.8), rule)
    known = ~np.isnan(done.ap[0])
    assert ((done.ap[:, known] >= 0) & (done.ap[:, known] <= 1)).all()
    assert np.array_equal(np.isnan(done.ap[0]), done.truths == 0)
    plain = truths._replace(crowd=truths.crowd & False, ignored=truths.ignored & False)
    perfect = Detections(plain.boxes, np.ones(len(plain.boxes)), plain.label, plain.image, plain.area)
    solid = plain.area > 0
    same = evaluate(
        Detections(*(values[solid] for values in perfect)), Truths(*(values[solid] for values in plain)), rule=rule
    )
    assert same.ap[~np.isnan(same.ap)].tolist() == [1] * int((~np.isnan(same.ap)).sum())


def test_the_worst_order_by_hand():
    """Two wrong before the only right one: precision 1/3 at every level."""
    found = [(FAR, 0.9, 0, 0), (FAR, 0.8, 0, 0), (SQUARE, 0.7, 0, 0)]
    for rule in RULES:
        assert precision(found, [(SQUARE, 0, 0)], rule=rule) == pytest.approx(1 / 3, rel=1e-15)


def test_the_curve_leaves_out_what_counts_for_nothing():
    curve = curve_of(np.array([True, False, True]), np.array([True, False, True]), 2)
    assert curve.precision.tolist() == [1, 1, 1]
    assert curve.recall.tolist() == [0.5, 0.5, 1]


def test_cocos_twelve_figures_of_a_case_by_hand():
    """One small and one large truth, both found with IoU 0.72 (all thresholds up to .7): AP 5/10."""
    small, large = [0.0, 0, 10, 10], [200.0, 200, 400, 400]
    found = found_of([([0.0, 0, 10, 7.2], 0.9, 0, 0), ([200.0, 200, 400, 344], 0.8, 0, 0)])
    figures = coco_figures(found, truths_of([(small, 0, 0), (large, 0, 0)]))
    assert figures["APmedium"] is None
    assert figures["ARmedium"] is None
    assert figures["AP50"] == pytest.approx(1, rel=1e-14)
    assert figures["AP75"] == 0
    for name in ("AP", "APsmall", "APlarge", "AR10", "AR100", "ARsmall", "ARlarge"):
        assert figures[name] == pytest.approx(0.5, rel=1e-14)
    assert figures["AR1"] == pytest.approx(0.25, rel=1e-14)


def test_many_pairs_come_in_portions(monkeypatch):
    found, truths = random_case(3)
    whole = evaluate(found, truths)
    monkeypatch.setattr("dlmath.detection.engine.assignment.MOST_PAIRS", 7)
    portions = evaluate(found, truths)
    assert np.array_equal(whole.ap, portions.ap, equal_nan=True)
    assert all(np.array_equal(a, b) for a, b in zip(whole.decisions, portions.decisions, strict=True))
