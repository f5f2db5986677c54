"""The chain of factors of one path, and training on parity.

Tolerances: products of twelve factors are off by 24 eps = 5e-15 and their logarithms by less; the others are orders of
magnitude.
"""

import itertools
import math

import numpy as np
import pytest

from dlmath.depth.engine.explicit import ExplicitNetwork
from dlmath.depth.engine.path import squashed_ranges, strongest_path
from dlmath.depth.engine.settings import DepthSettings
from dlmath.depth.engine.task import ParityTask, parity
from dlmath.depth.engine.training import train_parity
from dlmath.errors import InvalidValueError, TooLargeError

SMALL = DepthSettings(depth=3, width=4, activation="sigmoid", init="lecun")


def test_the_path_is_the_best_of_all_paths():
    found = strongest_path(SMALL)
    network = ExplicitNetwork(SMALL._replace(batch=2, dtype="float64", method="explicit"), 0, np.empty((3, 4, 4)))
    network.forward()
    matrices = [weights.matrix() for weights in network.weights]
    slopes = [state.passed.slope[0] for state in network.states]
    products = {
        path: math.prod(slopes[k][path[k + 1]] * matrices[k][path[k + 1], path[k]] for k in range(3))
        for path in itertools.product(range(4), repeat=4)
    }
    best = max(products, key=lambda path: abs(products[path]))
    assert [found.factors[0].source - 1, *(factor.unit - 1 for factor in found.factors)] == list(best)
    assert found.factors[-1].log10_product == pytest.approx(math.log10(abs(products[best])), abs=1e-12)
    assert math.prod(factor.weight * factor.slope for factor in found.factors) == pytest.approx(products[best])


@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "relu", "gelu"])
def test_the_bounds_hold(activation):
    found = strongest_path(DepthSettings(depth=12, width=16, activation=activation, init="he"))
    assert found.factors[-1].log10_product <= found.log10_path_bound + 1e-12
    assert all(abs(factor.slope) <= found.max_slope * (1 + 1e-12) for factor in found.factors)
    assert found.log10_slope_bound == pytest.approx(12 * math.log10(found.max_slope))
    assert found.log10_paths == pytest.approx(11 * math.log10(16))


def test_ranges_shrink_and_so_do_differences():
    found = strongest_path(DepthSettings(depth=8, width=32))
    assert found.ranges[:2] == ((0.0, 1.0), (0.5, pytest.approx(0.7310585786)))
    widths = [high - low for low, high in squashed_ranges(DepthSettings().phi, 8)]
    assert all(after <= before / 4 for before, after in itertools.pairwise(widths))
    assert found.spreads[7] < found.spreads[0] / 1000


def test_paths_are_for_plain_networks_of_a_size():
    with pytest.raises(InvalidValueError, match="no single chain"):
        strongest_path(SMALL._replace(residual="pre"))
    with pytest.raises(TooLargeError, match="too many weights"):
        strongest_path(SMALL._replace(depth=1000, width=1000))


def test_the_early_layers_of_sigmoids_do_not_learn():
    found = train_parity(DepthSettings(depth=12, width=16), ParityTask(50, bits=3))
    moved = [layer.moved for layer in found.layers]
    assert moved[0] < 1e-6
    assert moved[-1] > 1e-3
    assert all(before < after for before, after in itertools.pairwise(moved))
    assert (found.steps_done, len(found.losses)) == (50, 51)
    assert found.losses[-1] < found.losses[0]


def test_moves_are_kept_where_adding_them_would_lose_them():
    found = train_parity(DepthSettings(depth=40, width=8), ParityTask(2, bits=2))
    assert 0 < found.layers[0].moved < 1e-20


@pytest.mark.parametrize("changes", [{"activation": "relu", "init": "he"}, {"activation": "tanh", "init": "lsuv"}])
def test_networks_that_keep_gradients_learn_parity(changes):
    found = train_parity(DepthSettings(depth=6, width=32, **changes), ParityTask(300, bits=3))
    assert found.accuracy == 1
    assert found.losses[-1] < 0.05
    assert min(layer.moved for layer in found.layers) > 0.01


def test_first_step_goes_down_the_gradient():
    """The loss falls by rate * |gradient|^2, to first order, all trained numbers taken together."""
    settings = DepthSettings(depth=3, width=8, activation="tanh", init="lecun", residual="pre", bias_std=0.1)
    drops = []
    for rate in (1e-4, 5e-5):
        found = train_parity(settings, ParityTask(1, bits=3, learning_rate=rate))
        drops.append((found.losses[0] - found.losses[1]) / rate)
    assert drops[0] > 0
    assert drops[0] == pytest.approx(drops[1], rel=1e-3)
    squares = sum(10 ** (2 * layer.log10_weight_gradient_before) * 64 for layer in found.layers)
    assert squares < drops[0] < 20 * squares


def test_a_network_that_diverges_stops_and_says_why():
    found = train_parity(DepthSettings(depth=200, width=32, activation="linear", weight_std=200.0), ParityTask(20))
    assert found.steps_done < 20
    assert "diverged" in found.stopped


@pytest.mark.parametrize(
    ("arguments", "word"), [((0,), "0 training steps"), ((5, 11), "11 bits"), ((5, 3, "sgd", -1.0), "rate -1")]
)
def test_tasks_that_are_none(arguments, word):
    with pytest.raises(InvalidValueError, match=word):
        train_parity(SMALL, ParityTask(*arguments))


def test_parity_is_the_sum_of_the_bits_modulo_2():
    inputs, targets = parity(4)
    assert inputs.shape == (16, 4)
    assert [sum(bit > 0 for bit in row) % 2 for row in inputs.tolist()] == targets.ravel().tolist()
    assert len({tuple(row) for row in inputs.tolist()}) == 16


CLIPPED = SMALL._replace(depth=6, width=16, activation="tanh", weight_std=3.0)


def test_clipping_rescales_all_gradients_by_one_factor():
    """One step of plain descent: every layer moves by the same share of what it would have."""
    free, cut = (train_parity(CLIPPED, ParityTask(1, bits=3, clip=clip)) for clip in (None, 1e-3))
    shares = [after.moved / before.moved for after, before in zip(cut.layers, free.layers, strict=True)]
    assert shares == pytest.approx([10 ** (-3 - free.log10_gradient_norm)] * 6, rel=1e-9)
    assert (free.clipped, cut.clipped) == (0, 1)
    assert cut.log10_gradient_norm_before == free.log10_gradient_norm_before
    before = [layer.log10_weight_gradient_before for layer in free.layers]
    assert before == [layer.log10_weight_gradient_before for layer in cut.layers]


def test_clipping_holds_what_would_diverge():
    settings = SMALL._replace(depth=200, width=32, activation="linear", weight_std=200.0)
    assert "diverged" in train_parity(settings, ParityTask(5)).stopped
    held = train_parity(
        SMALL._replace(depth=30, width=16, activation="relu", weight_std=20.0), ParityTask(20, clip=1e-3)
    )
    assert held.clipped == held.steps_done == 20


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "nesterov", "rmsprop", "adam"])
def test_every_optimizer_of_the_registry_trains(optimizer):
    found = train_parity(
        SMALL._replace(depth=4, width=24, activation="tanh"), ParityTask(250, bits=2, optimizer=optimizer)
    )
    assert found.losses[-1] < found.losses[0] / 2
    assert found.accuracy == 1
