"""Why networks failed: each class where it is the truth, and none that more epochs would refute."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlmath.gates.engine.diagnosis import FAILURES, NAMES, Diagnostician, Ends
from dlmath.gates.engine.levels import Levels
from dlmath.gates.engine.plateaus import standing
from dlmath.gates.engine.separability import check_certificate
from dlmath.gates.engine.training import (
    TrainingSettings,
    diagnose_shown,
    make_diagnostician,
    make_problem,
    train,
)
from dlmath.neural.architecture import Architecture

INPUTS = np.array([[0, 0], [0, 1], [1, 0], [1, 1.0]])
PM1_INPUTS = 2 * INPUTS - 1
XOR, OR, AND = (np.array(bits, float)[:, None] for bits in ([0, 1, 1, 0], [0, 1, 1, 1], [0, 0, 0, 1]))


def network(*hidden, activation="sigmoid", output="sigmoid", bias="neuron"):
    return Architecture.uniform((2, *hidden, 1), activation, output, bias)


def diagnosed(targets, architecture, inputs=INPUTS, **settings):
    """Return the class and words of one network's failure."""
    result = train(inputs, targets, TrainingSettings(architecture, **settings))
    diagnosis = diagnose_shown(inputs, targets, result)
    assert diagnosis is not None
    assert result.failure_counts == {diagnosis.name: 1}
    return diagnosis


CASES = [
    (XOR, network(4), {"epochs": 100, "learning_rate": 0.1}, "unfinished"),
    (XOR, network(4), {"epochs": 100, "learning_rate": 1e-6}, "unfinished"),
    (XOR, network(4), {"epochs": 0}, "untrained"),
    (XOR, network(), {}, "inseparable"),
    (XOR, network(), {"epochs": 3}, "inseparable"),
    (XOR, network(4, activation="linear"), {}, "inseparable"),
    (XOR, network(3, 3, activation="linear"), {"epochs": 50}, "inseparable"),
    (2 * XOR - 1, network(output="tanh"), {}, "inseparable"),
    (XOR, network(bias="none"), {}, "inseparable"),
    (XOR, network(4), {"init": "zeros"}, "symmetric"),
    (XOR, network(4), {"init": "constant:0.5"}, "symmetric"),
    (XOR, network(4, 3), {"init": "constant:0.5"}, "symmetric"),
    (2 * XOR - 1, network(4, activation="tanh", output="tanh"), {"init": "zeros"}, "symmetric"),
    (OR, network(bias="none"), {}, "unbiased"),
    (OR, network(), {"fixed_biases": True}, "unbiased"),
    (XOR, network(4, activation="tanh", bias="none"), {}, "unbiased"),
    (XOR, network(4), {"learning_rate": 1000}, "saturated"),
    (XOR, network(4), {"init": "uniform:1000"}, "saturated"),
    (XOR, network(4, activation="relu", output="linear"), {"learning_rate": 1e3}, "diverged"),
    (AND, network(output="linear"), {}, "other"),
    (2 * XOR - 1, network(4), {"epochs": 50}, "other"),
]


@pytest.mark.parametrize(("targets", "architecture", "settings", "name"), CASES)
def test_each_class_where_it_is_the_truth(targets, architecture, settings, name):
    found = diagnosed(targets, architecture, **settings)
    assert found.name == name
    assert found.cause
    assert found.advice


def test_opposite_rows_force_the_outputs_of_odd_units_without_a_bias():
    """On inputs of -1 and 1 XOR asks the same of (-1, 1) and (1, -1), and odd units answer them oppositely."""
    odd = network(4, activation="tanh", output="tanh", bias="none")
    found = diagnosed(2 * XOR - 1, odd, PM1_INPUTS, epochs=500)
    assert found.name == "unbiased"
    assert "opposite inputs" in found.cause


def test_the_loss_of_or_without_a_bias_ends_where_the_forced_row_leaves_it():
    """The row 0, 0 answers 1/2 whatever the weights: (1/2)^2 / 4 and what is left of the others."""
    result = train(INPUTS, OR, TrainingSettings(network(bias="none")))
    assert result.shown.loss == pytest.approx(0.0625257, abs=5e-8)


def test_a_dead_layer_and_the_plateaus_of_relu():
    result = train(INPUTS, XOR, TrainingSettings(network(2, activation="relu"), seeds=120))
    counts = result.failure_counts
    assert set(counts) <= {"dead", "half", "thirds", "unfinished"}
    assert min(counts["dead"], counts["half"], counts["thirds"]) > 10
    for name, level in (("dead", 1 / 4), ("half", 1 / 8), ("thirds", 1 / 6)):
        losses = result.losses[result.failures == NAMES.index(name)]
        assert losses.min() >= level * (1 - 1e-6) or name == "dead"


@pytest.mark.parametrize("coding", [(0, 1), (-1, 1), (3, 7), (10, 10.5)])
def test_the_class_does_not_depend_on_the_coding_of_the_targets(coding):
    """A linear output follows any coding; the half plateau has the loss gap^2 / 8, thirds gap^2 / 6."""
    low, high = coding
    gap = high - low
    architecture = network(2, activation="tanh", output="linear")
    settings = TrainingSettings(
        architecture, seeds=30, epochs=4000, learning_rate=0.1 if gap <= 1 else 0.02, until=f"tolerance:{0.1 * gap}"
    )
    result = train(INPUTS, low + gap * XOR, settings)
    assert set(result.failure_counts) <= {"half", "thirds", "unfinished"}
    for name, level in (("half", 1 / 8), ("thirds", 1 / 6)):
        losses = result.losses[result.failures == NAMES.index(name)]
        np.testing.assert_allclose(losses, level * gap**2, rtol=0.03)


@given(st.floats(-50, 50), st.floats(0.01, 50), st.permutations(range(4)))
def test_a_plateau_is_the_same_in_every_affine_coding(low, gap, order):
    targets = XOR[order]
    shares = {"half": [0.0, 0.5, 1.0, 0.5], "thirds": [0.0, 2 / 3, 2 / 3, 2 / 3]}
    for name, answers in shares.items():
        outputs = low + gap * np.array(answers)[order].reshape(4, 1, 1)
        problem = make_problem(INPUTS, low + gap * targets, TrainingSettings(network(2, output="linear")))
        loss = problem.loss.value(outputs, problem.targets[:, :, None])
        stands = standing(name, problem, Levels(np.array([low]), np.array([low + gap])), outputs, loss)
        assert stands.arrived.tolist() == [True]
        assert stands.level[0] == pytest.approx(gap**2 * {"half": 1 / 8, "thirds": 1 / 6}[name], rel=1e-9)


def test_a_plateau_is_none_where_rows_are_answered_wrongly():
    """The outputs of the half plateau with the answers of two rows exchanged."""
    problem = make_problem(INPUTS, XOR, TrainingSettings(network(2)))
    outputs = np.array([1.0, 0.5, 0.0, 0.5]).reshape(4, 1, 1)
    loss = problem.loss.value(outputs, problem.targets[:, :, None])
    assert not standing("half", problem, Levels(np.zeros(1), np.ones(1)), outputs, loss).there.any()


# ---------------------------------------------------------------- more epochs refute no class

STUCK = set(FAILURES) - {"unfinished", "untrained", "diverged"}
LONGER = [
    ("sigmoid", "sigmoid", XOR, {"epochs": 2500}),
    ("sigmoid", "sigmoid", XOR, {"epochs": 200}),
    ("sigmoid", "sigmoid", XOR, {"epochs": 1000, "loss": "cross-entropy", "learning_rate": 2}),
    ("tanh", "sigmoid", XOR, {"epochs": 1000}),
    ("tanh", "tanh", 2 * XOR - 1, {"epochs": 1500}),
    ("relu", "sigmoid", XOR, {"epochs": 500}),
    ("elu", "sigmoid", XOR, {"epochs": 500}),
    ("softplus", "sigmoid", XOR, {"epochs": 1000}),
    ("tanh", "linear", XOR, {"epochs": 1000}),
    ("sigmoid", "sigmoid", XOR, {"epochs": 1000, "optimizer": "adam"}),
    ("sigmoid", "sigmoid", XOR, {"epochs": 500, "optimizer": "nesterov", "init": "uniform:2"}),
    ("sigmoid", "sigmoid", XOR, {"epochs": 300, "batch": "online"}),
    ("sigmoid", "sigmoid", XOR, {"epochs": 500, "learning_rate": 50}),
]


@pytest.mark.parametrize(("hidden", "output", "targets", "settings"), LONGER)
def test_a_network_that_learns_when_given_more_epochs_is_never_called_stuck(hidden, output, targets, settings):
    short = TrainingSettings(network(2, activation=hidden, output=output), seeds=40, dtype="float32", **settings)
    first, second = train(INPUTS, targets, short), train(INPUTS, targets, replace(short, epochs=12 * short.epochs))
    called = np.array([code >= 0 and NAMES[code] in STUCK for code in first.failures])
    assert not (called & second.learned).any()
    assert first.failure_counts.get("other", 0) == 0


def test_what_is_called_unfinished_after_few_epochs_is_learned_after_more():
    few = TrainingSettings(network(4), seeds=40, epochs=60)
    assert train(INPUTS, XOR, few).failure_counts == {"unfinished": 40}
    assert train(INPUTS, XOR, replace(few, epochs=5000)).learned_count == 40


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_class_of_a_seed_does_not_depend_on_its_neighbours(dtype):
    settings = TrainingSettings(network(2), seeds=60, epochs=2500, dtype=dtype)
    together = train(INPUTS, XOR, settings)
    for seed in np.flatnonzero(~together.learned)[:6].tolist():
        alone = train(INPUTS, XOR, replace(settings, seed=seed, seeds=1))
        assert alone.failures[0] == together.failures[seed]
    first = together.first_failed
    assert {name: NAMES[together.failures[seed]] for name, seed in first.items()} == {name: name for name in first}


# ---------------------------------------------------------------- the proof, and contradictions


def test_the_certificate_proves_that_one_unit_cannot():
    found = diagnosed(XOR, network(), epochs=10)
    assert found.certificate is not None
    assert check_certificate(INPUTS.tolist(), [0, 1, 1, 0], found.certificate)


def test_a_loose_tolerance_needs_no_line():
    """Within 0.6 of its target an output of 1/2 is learned: that no line separates the rows is no obstacle."""
    result = train(INPUTS, XOR, TrainingSettings(network(), until="tolerance:0.6"))
    assert result.learned_count == 1


def test_contradicting_rows_are_the_cause_whatever_the_network():
    inputs = np.array([[0, 0], [1, 0], [0, -0.0], [1, 1.0]])
    found = diagnosed(XOR, network(8), inputs, epochs=200)
    assert found.name == "other"
    assert "rows 1 and 3" in found.cause


def test_a_target_out_of_range_is_the_cause():
    found = diagnosed(2 * XOR - 1, network(4), epochs=20)
    assert "between 0 and 1" in found.cause


def test_an_empty_batch_of_networks_is_no_error():
    settings = TrainingSettings(network(2), epochs=10)
    problem = make_problem(INPUTS, XOR, settings)
    doctor = make_diagnostician(problem, settings)
    assert isinstance(doctor, Diagnostician)
    none = np.zeros((9, 0))
    assert doctor.classify(Ends(none, none, np.zeros((0, 0)), np.zeros(0, bool), 10)).shape == (0,)
