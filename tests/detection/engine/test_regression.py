"""Box regression learned: the normal equations, the demonstration's figures, what designs cost."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlmath.detection.engine import scenes
from dlmath.detection.engine.costs import CostedLayer, CostParts, decomposed, designs
from dlmath.detection.engine.overlap import iou_pairs
from dlmath.detection.engine.regression import close_pairs, fit
from dlmath.errors import InvalidValueError

EPS = np.finfo(np.float64).eps


def loss(x, t, weights, bias, penalty):
    return ((t - x @ weights - bias) ** 2).sum() + penalty * (weights**2).sum()


@given(st.integers(0, 10_000), st.integers(2, 30), st.integers(1, 12), st.sampled_from([0.1, 1.0, 1000.0]))
def test_no_step_in_any_direction_is_better(seed, rows, columns, penalty):
    """The loss is a strictly convex quadratic: central differences at its minimum vanish."""
    rng = np.random.default_rng(seed)
    x, t = rng.normal(size=(rows, columns)), rng.normal(size=(rows, 4))
    ridge = fit(x, t, penalty)
    down, step = rng.normal(size=ridge.weights.shape), 1e-3
    slopes = [loss(x, t, ridge.weights + sign * step * down, ridge.bias, penalty) for sign in (1, -1)]
    # the two losses are equal up to rounding of their sums: k eps times what is summed
    assert abs(slopes[0] - slopes[1]) <= 64 * rows * columns * EPS * (slopes[0] + slopes[1]) * (1 + penalty)
    shifted = [loss(x, t, ridge.weights, ridge.bias + sign * step, penalty) for sign in (1, -1)]
    assert abs(shifted[0] - shifted[1]) <= 64 * rows * columns * EPS * sum(shifted) * (1 + penalty)


def test_more_features_than_rows_take_the_dual_form():
    rng = np.random.default_rng(0)
    x, t = rng.normal(size=(6, 40)), rng.normal(size=(6, 4))
    centred = x - x.mean(axis=0)
    primal = np.linalg.solve(centred.T @ centred + np.eye(40), centred.T @ (t - t.mean(axis=0)))
    assert np.abs(fit(x, t, 1.0).weights - primal).max() < 1e-12


def test_without_penalty_the_shortest_weights():
    x = np.array([[1.0, 1.0], [2.0, 2.0], [4.0, 4.0]])
    ridge = fit(x, np.tile(x[:, :1], 4), 0.0)
    assert ridge.weights[:, 0].tolist() == pytest.approx([0.5, 0.5], rel=1e-12)
    assert ridge.explained.tolist() == pytest.approx([1] * 4, abs=1e-12)


def test_a_constant_target_has_no_share_explained():
    assert np.isnan(fit(np.array([[0.0], [1.0]]), np.ones((2, 4)), 1.0).explained).all()


def test_only_close_pairs_learn():
    p = np.array([[0.0, 0, 10, 10], [0, 0, 10, 6], [0, 0, 10, 5]])
    g = np.array([[0.0, 0, 10, 10]] * 3)
    assert close_pairs(p, g, 0.5).tolist() == [0, 1]  # IoU of exactly 0.5 is not above it
    with pytest.raises(InvalidValueError, match="1 of 3 pairs"):
        close_pairs(p, g, 0.9)


@pytest.mark.parametrize("seed", [0, 7])
def test_the_demonstration_moves_boxes_to_their_truths(seed):
    """Bounds for any stream of random numbers: mean IoU before, after one round, after two."""
    done = scenes.demonstrate(200, 1000.0, 2, 0.6, np.random.default_rng(seed))
    assert 0.65 < done.test.before < 0.68
    assert 0.89 < done.test.after[0] < 0.92
    assert 0.935 < done.test.after[1] < 0.955
    assert done.share_above[0] < 0.08
    assert 0.93 < done.share_above[1] < done.share_above[2]
    assert (done.ridge.explained > 0.85).all()


def test_little_data_and_a_small_penalty_overfit():
    done = [scenes.demonstrate(10, 1.0, 1, 0.6, np.random.default_rng(seed)) for seed in range(4)]
    assert min(one.train.after[0] for one in done) > 0.96
    assert max(one.test.after[0] for one in done) < 0.92


def test_pictures_are_what_they_say():
    drawn = scenes.draw(50, np.random.default_rng(1))
    side = drawn.truths[:, 2:] - drawn.truths[:, :2]
    assert ((side >= 12) & (side <= 36)).all()
    assert ((drawn.truths >= 1) & (drawn.truths <= 63)).all()
    assert len(drawn.proposals) == 50 * scenes.PROPOSALS
    assert iou_pairs(drawn.proposals, drawn.truths[drawn.picture_of]).min() > 0.1
    seen = scenes.features(drawn.pictures, drawn.picture_of, drawn.proposals)
    assert np.abs(seen.mean(axis=1)).max() < 1e-13
    assert np.linalg.norm(seen, axis=1).tolist() == pytest.approx([20] * len(seen), rel=1e-12)


def test_features_of_a_plane_are_a_plane():
    """Bilinear samples of a linear picture are exact inside it."""
    rows, columns = np.mgrid[0:64, 0:64].astype(float)
    box = np.array([[20.0, 24, 36, 40]])
    seen = scenes.features((2 * columns + rows)[None], np.zeros(1, dtype=int), box).reshape(8, 8)
    down, across = np.diff(seen, axis=0), np.diff(seen, axis=1)
    assert np.ptp(down) < 1e-12
    assert np.ptp(across) < 1e-12
    assert across[0, 0] == pytest.approx(2 * down[0, 0], rel=1e-12)


def test_costs_add_up():
    conv, fc6, fc7, out = (
        CostedLayer("conv1", 100, 10, 9, (3, 3)),
        CostedLayer("fc6", 25088 * 4096, 25088 * 4096 + 4096, 25088 * 4096, (25088, 4096)),
        CostedLayer("fc7", 4096 * 4096, 4096 * 4097, 4096 * 4096, (4096, 4096)),
        CostedLayer("classes", 50, 60, 50, (5, 10)),
    )
    rpn = [CostedLayer("rpn_conv", 7, 5, 4, (1, 1))]
    made = designs(CostParts([conv], [conv._replace(macs=1000)], [fc6, fc7, out], [fc6, fc7], rpn), 2000, 300)
    hidden = 25088 * 4096 + 4096 * 4096
    assert made[0].macs == 2000 * (100 + hidden)
    assert made[1].macs == 1000 + 2000 * (hidden + 50)
    assert made[2].macs == 1000 + 2000 * (29_884_416 + 2_097_152 + 50)
    assert made[3].macs == 1000 + 7 + 300 * (hidden + 50)
    assert made[3].params == made[1].params + 5
    assert decomposed(out) == out
