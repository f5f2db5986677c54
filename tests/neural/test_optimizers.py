"""Each update rule against the same rule written for one number at a time.

Tolerances: 30 steps of some ten roundings are off by 300 eps = 7e-14.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from dlmath.errors import InvalidValueError
from dlmath.neural.optimizers import OPTIMIZERS, Update, default_learning_rate, get_optimizer

RATE, MU = 0.3, 0.8


def scalar_run(name, p, gradients):
    """Follow one parameter through the textbook rule."""
    v = m = 0.0
    for t, g in enumerate(gradients, 1):
        if name == "sgd":
            p -= RATE * g
        elif name == "momentum":
            v = MU * v + g
            p -= RATE * v
        elif name == "nesterov":
            v = MU * v + g
            p -= RATE * (g + MU * v)
        elif name == "rmsprop":
            v = 0.99 * v + 0.01 * g * g
            p -= RATE * g / (math.sqrt(v) + 1e-8)
        elif name == "adam":
            m = 0.9 * m + 0.1 * g
            v = 0.999 * v + 0.001 * g * g
            p -= RATE * (m / (1 - 0.9**t)) / (math.sqrt(v / (1 - 0.999**t)) + 1e-8)
    return p


def run_optimizer(name, start, gradients, dtype=np.float64):
    optimizer = get_optimizer(name)
    parameters = start.astype(dtype)
    memory = np.repeat(optimizer.memory(len(start))[:, None], start.shape[1], axis=1).astype(dtype)
    gradient, scratch = np.empty_like(parameters), np.empty_like(parameters)
    program = optimizer.program(Update(parameters, gradient, scratch, memory, RATE, MU))
    for g in gradients:
        gradient[...] = g * RATE if optimizer.takes_scaled_gradient else g
        for call, arguments in program:
            call(*arguments)
    return parameters


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_rule_is_its_scalar_loop(name):
    rng = np.random.default_rng(1)
    start, gradients = rng.normal(size=(5, 8)), rng.normal(size=(30, 5, 8))
    found = run_optimizer(name, start, gradients)
    for place in np.ndindex(5, 8):
        steps = gradients[(slice(None), *place)].tolist()
        assert found[place] == pytest.approx(scalar_run(name, float(start[place]), steps), rel=1e-12)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_zero_gradient_moves_nothing(name):
    start = np.random.default_rng(2).normal(size=(3, 8))
    np.testing.assert_array_equal(run_optimizer(name, start, np.zeros((4, 3, 8))), start)


def test_adams_powers_stay_normal_numbers():
    found = run_optimizer("adam", np.zeros((1, 16)), np.full((3000, 1, 1), 1.0), np.float32)
    assert found[0, 0] == pytest.approx(-RATE * 3000, rel=1e-3)


def test_default_rates_follow_the_size_of_the_gradient():
    assert default_learning_rate("sgd") == 4
    assert default_learning_rate("sgd", loss="half-sse", table=(4, 1)) == 2
    assert default_learning_rate("sgd", loss="half-sse", table=(8, 2)) == 0.5
    assert default_learning_rate("sgd", batch="online", table=(4, 1)) == 1
    assert default_learning_rate("adam", batch="online") == default_learning_rate("adam")
    with pytest.raises(InvalidValueError, match="did you mean 'adam'"):
        default_learning_rate("adma")
