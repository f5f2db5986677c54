"""Each update rule against the same rule written for one number at a time.

Tolerances: 30 steps of some ten roundings are off by 300 eps = 7e-14.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from dlmath.errors import InvalidValueError
from dlmath.neural.optimizers import LIBRARIES, OPTIMIZERS, Update, default_learning_rate, parse_optimizer

RATE, MU = 0.3, 0.8
SPECS = {
    "sgd": "sgd",
    "momentum": f"momentum:mu={MU}",
    "nesterov": f"nesterov:mu={MU}",
    "rmsprop": "rmsprop",
    "adam": "adam",
}


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


def run_optimizer(name, start, gradients, dtype=np.float64, like="torch"):
    chosen = parse_optimizer(SPECS.get(name, name), like)
    optimizer = chosen.rule
    parameters = start.astype(dtype)
    memory = np.repeat(optimizer.memory(len(start))[:, None], start.shape[1], axis=1).astype(dtype)
    gradient, scratch = np.empty_like(parameters), np.empty_like(parameters)
    program = optimizer.program(Update(parameters, gradient, scratch, memory, RATE, chosen.convention))
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


def keras_rmsprop(p, gradients):
    """Keras 3: velocity <- rho v + (1 - rho) g^2; p <- p - rate g / sqrt(v + 1e-7), rho = 0.9."""
    v = 0.0
    for g in gradients:
        v = 0.9 * v + 0.1 * g * g
        p -= RATE * g / math.sqrt(v + 1e-7)
    return p


def keras_adam(p, gradients):
    """Keras 3: alpha = rate sqrt(1 - b2^t) / (1 - b1^t); p <- p - alpha m / (sqrt(v) + 1e-7)."""
    m = v = 0.0
    for t, g in enumerate(gradients, 1):
        m += (g - m) * (1 - 0.9)
        v += (g * g - v) * (1 - 0.999)
        p -= RATE * math.sqrt(1 - 0.999**t) / (1 - 0.9**t) * m / (math.sqrt(v) + 1e-7)
    return p


@pytest.mark.parametrize(("name", "scalar"), [("rmsprop", keras_rmsprop), ("adam", keras_adam)])
def test_keras_conventions_are_its_scalar_loop(name, scalar):
    rng = np.random.default_rng(3)
    start, gradients = rng.normal(size=(2, 8)), 1e-4 * rng.normal(size=(30, 2, 8))  # small: epsilon's place is seen
    found = run_optimizer(name, start, gradients, like="keras")
    torch = run_optimizer(name, start, gradients)
    for place in np.ndindex(2, 8):
        steps = gradients[(slice(None), *place)].tolist()
        assert found[place] == pytest.approx(scalar(float(start[place]), steps), rel=1e-11)
    assert np.abs(found - torch).max() > 1e-4


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("like", LIBRARIES)
def test_the_reach_is_where_a_lasting_gradient_leads(name, like):
    """After many updates by the same gradient one more goes rate * reach * g (adam's mean of squares has no memory)."""
    chosen = parse_optimizer(name, like)
    gradient = np.full((1, 8), 0.5)
    memory = np.repeat(chosen.rule.memory(1)[:, None], 8, axis=1)
    parameters, scratch = np.zeros((1, 8)), np.empty((1, 8))
    before = parameters.copy()
    for _ in range(20_000):
        given = gradient * RATE if chosen.rule.takes_scaled_gradient else gradient.copy()
        before[...] = parameters
        for call, arguments in chosen.program(Update(parameters, given, scratch, memory, RATE, chosen.convention)):
            call(*arguments)
        if _ == 300 and name in {"sgd", "momentum", "nesterov"}:
            break
    reach = np.broadcast_to(chosen.reach(memory, 1, RATE), (1, 8))
    np.testing.assert_allclose(before - parameters, reach * gradient, rtol=1e-6)


@pytest.mark.parametrize(
    ("spec", "hint"),
    [
        ("adam:beta3=0.9", "did you mean 'beta"),
        ("adam:beta2=1", "below 1"),
        ("adam:beta2=x", "'x'"),
        ("adam:beta2", "beta2"),
        ("adam:beta2=0.9,beta2=0.8", "twice"),
        ("rmsprop:epsilon=0", "above 0"),
        ("sgd:mu=0.9", "no constants"),
        ("momentum:mu=nan", "below 1"),
    ],
)
def test_wrong_constants_are_named(spec, hint):
    with pytest.raises(InvalidValueError, match=hint):
        parse_optimizer(spec)


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("like", LIBRARIES)
def test_the_spec_of_a_choice_means_the_choice(name, like):
    chosen = parse_optimizer(name, like)
    assert parse_optimizer(chosen.spec, like) == chosen


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
