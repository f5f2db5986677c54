"""Regression targets: published values, the round trip, the clamp."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlmath.detection.engine.encoding import CLAMP, decode, encode
from dlmath.detection.engine.geometry import areas
from dlmath.errors import InvalidValueError
from tests.detection.engine.random_boxes import box_sets

EPS = np.finfo(np.float64).eps


def boxes(*rows):
    return np.array(rows, dtype=np.float64)


def test_the_seeds_pair():
    """MATHEMATICS of the project: P [0, 0, 10, 10], G [2, 2, 12, 14]."""
    t = encode(boxes([0, 0, 10, 10]), boxes([2, 2, 12, 14]))[0]
    assert t.tolist() == pytest.approx([0.2, 0.3, 0.0, math.log(1.2)], abs=4 * EPS)


def test_torchvisions_box_coder():
    t = encode(boxes([10, 20, 50, 100]), boxes([15, 10, 60, 90]))[0]
    assert t.tolist() == pytest.approx([0.1875, -0.125, 0.1177830357, 0.0], abs=1e-10)
    g = decode(boxes([10, 20, 50, 100]), boxes([0.1, -0.2, 0.3, -0.4]))[0]
    assert g.tolist() == pytest.approx([7.0028238485, 17.1871981586, 60.9971761515, 70.8128018414], abs=1e-10)
    clamped = decode(boxes([0, 0, 10, 10]), boxes([0, 0, 20, 0]))[0]  # e^clamp = 62.5, to the rounding of ln and exp
    assert clamped.tolist() == pytest.approx([-307.5, 0, 317.5, 10], rel=8 * EPS, abs=8 * EPS)
    assert math.log(62.5) == CLAMP


@given(box_sets(), box_sets(), st.sampled_from([0.0, 1.0]), st.sampled_from([(1, 1, 1, 1), (10, 10, 5, 5)]))
def test_decoding_undoes_encoding(proposals, truths, plus, weights):
    count = min(len(proposals), len(truths))
    some = (areas(proposals[:count]) > 1e-3) & (areas(truths[:count]) > 1e-3)
    p, g = proposals[:count][some], truths[:count][some]
    back = decode(p, encode(p, g, weights, plus=plus), weights, clamp=math.inf, plus=plus)
    # four roundings of the shift (in proposal sides), of the centre, and of the side through ln and exp
    width = np.maximum(*(np.abs(values) for values in (g, p))).max(initial=0) + plus
    log = 1 + np.abs(np.log((g[:, 2:] - g[:, :2] + plus) / (p[:, 2:] - p[:, :2] + plus))).max(initial=0)
    assert np.abs(back - g).max(initial=0) <= 32 * EPS * width * log


def test_the_weights_are_factors():
    pair = boxes([0, 0, 10, 10]), boxes([2, 2, 12, 14])
    assert np.array_equal(encode(*pair, (10, 10, 5, 5)), encode(*pair) * [10, 10, 5, 5])


def test_a_flat_box_cannot_be_encoded():
    with pytest.raises(InvalidValueError, match="proposal 1 has no width"):
        encode(boxes([0, 0, 1, 1], [0, 0, 0, 1]), boxes([0, 0, 1, 1], [0, 0, 1, 1]))
    with pytest.raises(InvalidValueError, match="truth 0 has no width or no height"):
        encode(boxes([0, 0, 1, 1]), boxes([0, 0, 1, 0]))
    assert np.isfinite(encode(boxes([0, 0, 0, 0]), boxes([0, 0, 0, 0]), plus=1.0)).all()
