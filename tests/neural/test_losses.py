"""Laws of the losses.

Tolerances: a central difference with h = 1e-6 is off by eps / h = 2e-10; a mean of 15 terms of one sign by 17 eps.
"""

from __future__ import annotations

import numpy as np
import pytest

from dlmath.errors import InvalidValueError
from dlmath.neural.losses import LOSSES, check_loss_suits, get_loss


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def random_case(seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(5, 3, 2)), rng.random((5, 3, 1))


@pytest.mark.parametrize("name", LOSSES)
def test_slope_times_scale_is_the_derivative(name):
    loss = get_loss(name)
    z, targets = random_case()
    a = sigmoid(z)
    logit = lambda p: np.log(p / (1 - p))  # noqa: E731
    value = (lambda p: loss.value(logit(p), targets)) if loss.from_logits else (lambda p: loss.value(p, targets))
    for place in np.ndindex(5, 3):
        change = np.zeros_like(a)
        change[place] = 1e-6
        difference = (value(a + change) - value(a - change)) / 2e-6
        expected = loss.scale(5, 3) * loss.slope(a, targets)[place]
        np.testing.assert_allclose(difference, expected, rtol=1e-6, atol=1e-8)


def test_cross_entropy_is_its_equation_and_stable():
    z, targets = random_case()
    a = sigmoid(z)
    naive = -np.mean(targets * np.log(a) + (1 - targets) * np.log(1 - a), axis=(0, 1))
    np.testing.assert_allclose(get_loss("cross-entropy").value(z, targets), naive, rtol=1e-13)
    far = np.array([[[1e4]], [[-1e4]]])
    assert get_loss("cross-entropy").value(far, np.array([[[1.0]], [[0.0]]])) == 0
    assert get_loss("cross-entropy").value(far, np.array([[[0.0]], [[1.0]]])) == 1e4


def test_mean_and_half_sum_of_squares():
    outputs, targets = np.array([[1.0, 2.0], [3.0, 4.0]])[:, :, None], np.zeros((2, 2, 1))
    assert get_loss("mse").value(outputs, targets) == 30 / 4
    assert get_loss("half-sse").value(outputs, targets) == 15


def test_cross_entropy_needs_probabilities():
    loss = get_loss("cross-entropy")
    check_loss_suits(loss, "sigmoid", np.array([[0.0], [1.0]]))
    with pytest.raises(InvalidValueError, match="'linear'"):
        check_loss_suits(loss, "linear", np.array([[0.0]]))
    with pytest.raises(InvalidValueError, match="target -1"):
        check_loss_suits(loss, "sigmoid", np.array([[-1.0]]))
    with pytest.raises(InvalidValueError, match="did you mean 'mse'"):
        get_loss("mes")
