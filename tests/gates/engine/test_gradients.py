"""Central differences hold every gradient; and the check itself notices a wrong one.

Tolerances: a central difference in float64 is off by eps^(2/3), some 4e-11, of values of size 1; 1e-7 relative leaves
room for gradients a thousand times smaller, and holds on any processor.
"""

from __future__ import annotations

import numpy as np
import pytest

from dlmath.gates.engine.gradients import check_gradients
from dlmath.gates.engine.layers import Layer
from dlmath.neural.activations import ACTIVATIONS
from dlmath.neural.architecture import BIAS_KINDS, Architecture
from dlmath.neural.losses import LOSSES

SIZES = [(3, 1), (3, 2), (2, 3, 1), (2, 3, 2), (3, 4, 2, 1), (3, 4, 2, 3)]


def random_check(sizes, activation, loss, bias, seed):
    rng = np.random.default_rng(seed)
    architecture = Architecture.uniform(sizes, activation, "sigmoid" if loss.from_logits else activation, bias)
    inputs, targets = rng.normal(size=(5, sizes[0])), rng.random((5, sizes[-1]))
    return check_gradients(architecture, loss, inputs, targets, rng.normal(size=architecture.parameter_count))


@pytest.mark.parametrize("bias", BIAS_KINDS)
@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_gradient_is_the_numerical_one(activation, loss, bias):
    for seed, sizes in enumerate(SIZES):
        check = random_check(sizes, activation, loss, bias, seed)
        assert check.largest < 1e-7
        assert check.at_kink.mean() < 0.5


def test_a_unit_on_its_kink_is_not_compared():
    architecture = Architecture((2, 2, 1), ("relu", "sigmoid"))
    inputs = np.array([[0, 0], [0, 1], [1, 0], [1, 1.0]])
    check = check_gradients(architecture, LOSSES["mse"], inputs, np.ones((4, 1)), np.ones(9) * 0)
    assert check.at_kink[architecture.layers[0].weights].all()
    assert np.isnan(check.relative_errors[check.at_kink]).all()
    assert check.largest < 1e-8


def test_a_wrong_gradient_is_noticed(monkeypatch):
    """A factor of 1.001 in one layer's slope is a relative error of a thousandth."""
    architecture, rng = Architecture((2, 3, 1), ("tanh", "sigmoid")), np.random.default_rng(0)
    plan = Layer.compute_slope
    monkeypatch.setattr(
        Layer, "compute_slope", lambda layer: [*plan(layer), (np.multiply, (layer.slope, 1.001, layer.slope))]
    )
    check = check_gradients(
        architecture, LOSSES["mse"], rng.normal(size=(4, 2)), rng.random((4, 1)), rng.normal(size=13)
    )
    assert check.largest == pytest.approx(2e-3, rel=0.1)


def test_a_large_network_is_compared_in_blocks_with_the_same_result(monkeypatch):
    architecture = Architecture((3, 5, 2), ("tanh", "sigmoid"))
    data = np.random.default_rng(1).normal(size=(7, 3)), np.random.default_rng(2).uniform(size=(7, 2))
    parameters = np.random.default_rng(3).normal(size=architecture.parameter_count)
    whole = check_gradients(architecture, LOSSES["mse"], *data, parameters)
    monkeypatch.setattr("dlmath.gates.engine.gradients.BLOCK_ELEMENTS", 1000)
    in_blocks = check_gradients(architecture, LOSSES["mse"], *data, parameters)
    assert whole.numerical == pytest.approx(in_blocks.numerical, abs=1e-12)
    assert np.array_equal(whole.at_kink, in_blocks.at_kink)
