"""Laws of training: published runs, independence of a seed from its neighbours, and how runs end."""

from __future__ import annotations

import math
import pickle
from dataclasses import replace

import numpy as np
import pytest

from dlmath.errors import InvalidValueError, ShapeError
from dlmath.gates.engine import ensemble, training
from dlmath.gates.engine.diagnosis import NAMES
from dlmath.gates.engine.ensemble import CURVE_POINTS, CurveRecorder, SeedRange
from dlmath.gates.engine.training import DTYPES, TrainingSettings, initial_parameters, train
from dlmath.neural.activations import ACTIVATIONS
from dlmath.neural.architecture import BIAS_KINDS, Architecture
from dlmath.neural.losses import LOSSES
from dlmath.neural.optimizers import OPTIMIZERS
from dlmath.neural.uncertainty import wilson_interval

INPUTS = np.array([[0, 0], [0, 1], [1, 0], [1, 1.0]])
XOR = np.array([[0], [1], [1], [0.0]])
SIGMOIDS = Architecture((2, 2, 1), ("sigmoid", "sigmoid"))
WIDE = Architecture((2, 4, 1), ("sigmoid", "sigmoid"))

STUCK = np.array([0.5, -0.6, 0.7, 0.8, 0.1, -0.2, 0.9, -1, 0.3])
SOLVING = np.array([1, -1, 0.9, -1.1, -0.4, 1.3, 1, 0.8, -1])

# Outputs and loss after E epochs, computed with NumPy and with PyTorch (momentum, Nesterov and RMSprop: PyTorch
# alone), and the first epoch at which every error is below 0.1. Mean losses, float64.
PUBLISHED = [
    (STUCK, "sigmoid", "mse", "sgd", 1, 100, (0.4773812136, 0.4689688121, 0.5438401082, 0.5151069562), 0.245825992203),
    (STUCK, "sigmoid", "mse", "sgd", 1, 2000, (0.0429380302, 0.4976439049, 0.9519100188, 0.5040321417), 0.127641591723),
    (STUCK, "sigmoid", "cross-entropy", "adam", 0.05, 100, (0.0524595036, 0.4864527520, 0.9484477155, 0.5098195119),
     0.385102832512),
    (STUCK, "relu", "mse", "sgd", 1, 100, (0.3302487511, 0.8217032059, 0.8179528933, 0.1574177418), 0.049693869722),
    (STUCK, "relu", "mse", "adam", 0.05, 2000, (0.5, 0.5, 0.5, 0.5), 0.25),
    (SOLVING, "sigmoid", "mse", "sgd", 1, 1000, (0.1138829039, 0.8956600925, 0.8956589647, 0.1261806161),
     0.012666182906),
    (SOLVING, "sigmoid", "mse", "adam", 0.05, 100, (0.1738222104, 0.8630236138, 0.8645845693, 0.1803162018),
     0.024956990676),
    (SOLVING, "sigmoid", "cross-entropy", "sgd", 1, 100, (0.3965158684, 0.5729494910, 0.5756323120, 0.5308253195),
     0.592764885868),
    (SOLVING, "sigmoid", "cross-entropy", "nesterov", 0.1, 100,
     (0.4238518108, 0.5574221370, 0.5600336403, 0.5265208916), 0.615807185664),
    (SOLVING, "sigmoid", "cross-entropy", "rmsprop", 0.01, 100,
     (0.3873634104, 0.6730206170, 0.6795404845, 0.4492136870), 0.467177375551),
    (SOLVING, "tanh", "mse", "sgd", 1, 100, (0.1562792571, 0.8704522985, 0.8704866877, 0.1729527532), 0.021973041520),
]  # fmt: skip
FIRST_HITS = [
    (STUCK, "relu", "mse", "sgd", 1, 319),
    (SOLVING, "sigmoid", "mse", "adam", 0.05, 180),
    (SOLVING, "sigmoid", "cross-entropy", "sgd", 1, 446),
    (SOLVING, "sigmoid", "cross-entropy", "nesterov", 0.1, 458),
    (SOLVING, "sigmoid", "cross-entropy", "rmsprop", 0.01, 636),
    (SOLVING, "tanh", "mse", "sgd", 1, 210),
]


def settings_of(parameters, hidden, loss, optimizer, rate, **others):
    architecture = Architecture((2, 2, 1), (hidden, "sigmoid"))
    return TrainingSettings(architecture, loss, optimizer, rate, parameters=parameters, **others)


@pytest.mark.parametrize(("parameters", "hidden", "loss", "optimizer", "rate", "epochs", "outputs", "value"), PUBLISHED)
def test_published_runs(parameters, hidden, loss, optimizer, rate, epochs, outputs, value):
    settings = settings_of(parameters, hidden, loss, optimizer, rate, epochs=epochs, until="tolerance:1e-6")
    shown = train(INPUTS, XOR, settings).shown
    assert (shown.stopped, shown.stopped_at) == ("epochs", epochs)
    np.testing.assert_allclose(shown.outputs.ravel(), outputs, atol=6e-11)
    assert shown.loss == pytest.approx(value, abs=6e-13)


@pytest.mark.parametrize(("parameters", "hidden", "loss", "optimizer", "rate", "epoch"), FIRST_HITS)
def test_the_epoch_of_learning_is_exact(parameters, hidden, loss, optimizer, rate, epoch):
    result = train(INPUTS, XOR, settings_of(parameters, hidden, loss, optimizer, rate))
    assert result.shown.stopped_at == epoch
    assert np.abs(result.shown.outputs - XOR).max() <= 0.1
    one_less = train(INPUTS, XOR, settings_of(parameters, hidden, loss, optimizer, rate, epochs=epoch - 1))
    assert one_less.shown.stopped == "epochs"
    assert np.abs(one_less.shown.outputs - XOR).max() > 0.1
    exactly = train(INPUTS, XOR, settings_of(parameters, hidden, loss, optimizer, rate, epochs=epoch))
    assert exactly.shown.stopped == "learned"


# ---------------------------------------------------------------- a seed is on its own


def fingerprint(result):
    return [a.tobytes() for a in (result.stops, result.stopped_at, result.losses, result.failures)]


def shown_bytes(result):
    shown = result.shown
    return (shown.outputs.tobytes(), shown.parameters.tobytes(), shown.loss, shown.stopped_at, shown.curve)


CASES = {
    "plain": TrainingSettings(SIGMOIDS, epochs=700),
    "adam": TrainingSettings(Architecture((2, 3, 1), ("tanh", "sigmoid")), "cross-entropy", "adam", epochs=203),
    "deep": TrainingSettings(Architecture((2, 4, 3, 1), ("gelu", "relu", "sigmoid"), "layer"), epochs=70),
    "online": TrainingSettings(SIGMOIDS, optimizer="nesterov", learning_rate=0.5, batch="online", epochs=40),
    "no-bias": TrainingSettings(Architecture((2, 1, 1), ("tanh", "tanh"), "none"), "half-sse", "rmsprop", epochs=50),
    "single": TrainingSettings(Architecture((2, 1), ("sigmoid",)), optimizer="momentum", epochs=60),
}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", CASES)
def test_a_seed_is_the_same_bits_whatever_runs_beside_it(case, dtype, monkeypatch):
    """Blocks of 16 to 112 lanes: refilled, closed up, and each seed alone."""
    settings = replace(CASES[case], dtype=dtype, init="normal:1.5", seeds=100)
    together = train(INPUTS, XOR, settings)
    assert len(set(together.stopped_at.tolist())) > 1 or not together.learned_count
    for lanes in (8, 16, 40):
        monkeypatch.setattr(ensemble, "block_size", lambda _problem, lanes=lanes: lanes)
        again = train(INPUTS, XOR, settings)
        assert fingerprint(again) == fingerprint(together)
        assert shown_bytes(again) == shown_bytes(together)
    monkeypatch.undo()
    for seed in (0, 17, 61, 99):
        alone = train(INPUTS, XOR, replace(settings, seed=seed, seeds=1))
        assert alone.losses[0] == together.losses[seed]
        assert alone.stopped_at[0] == together.stopped_at[seed]
        assert alone.stops[0] == together.stops[seed]
    later = train(INPUTS, XOR, replace(settings, seed=30, seeds=50))
    assert later.losses.tobytes() == together.losses[30:80].tobytes()
    assert shown_bytes(later) == shown_bytes(train(INPUTS, XOR, replace(settings, seed=30, seeds=1)))


@pytest.mark.parametrize("dtype", DTYPES)
def test_big_blocks_are_the_same_bits_too(dtype):
    settings = TrainingSettings(WIDE, dtype=dtype, seeds=4100, epochs=60)
    together = train(INPUTS, XOR, settings)
    for first, count in ((0, 1), (4099, 1), (1000, 300)):
        part = train(INPUTS, XOR, replace(settings, seed=first, seeds=count))
        assert part.losses.tobytes() == together.losses[first : first + count].tobytes()


def test_processes_change_no_bit(monkeypatch):
    monkeypatch.setattr(training, "WORTH_PROCESSES", 0.0)
    settings = TrainingSettings(SIGMOIDS, dtype="float32", seeds=300, epochs=600)
    reports = []
    shared = train(INPUTS, XOR, settings, lambda done, of: reports.append((done, of)), jobs=2)
    assert reports[-1] == (300, 300)
    assert [done for done, _ in reports] == sorted(done for done, _ in reports)
    alone = train(INPUTS, XOR, settings)
    assert fingerprint(shared) == fingerprint(alone)
    assert shown_bytes(shared) == shown_bytes(alone)


def test_the_work_can_be_sent_to_a_process_that_shares_nothing():
    """Where there is no fork."""
    settings = TrainingSettings(SIGMOIDS, seeds=3, epochs=20)
    sent = pickle.loads(pickle.dumps(training._RangeWork(INPUTS, XOR, settings).train))  # noqa: S301 - our own
    outcome = pickle.loads(pickle.dumps(sent(SeedRange(0, 3))))  # noqa: S301 - our own
    assert outcome.losses.tobytes() == train(INPUTS, XOR, settings).losses.tobytes()


# ---------------------------------------------------------------- against a naive loop


def naive_online(parameters, epochs, rate):
    """Train 2-2-1 sigmoids, one row an update, one number at a time."""
    sigmoid = lambda z: 1 / (1 + math.exp(-z))  # noqa: E731
    w1, b1, w2, b2 = parameters[:4].reshape(2, 2).copy(), parameters[4:6].copy(), parameters[6:8].copy(), parameters[8]
    for _ in range(epochs):
        for x, (y,) in zip(INPUTS, XOR, strict=True):
            h = [sigmoid(x[0] * w1[0, k] + x[1] * w1[1, k] + b1[k]) for k in range(2)]
            a = sigmoid(h[0] * w2[0] + h[1] * w2[1] + b2)
            delta = 2 * (a - y) * a * (1 - a)
            hidden = [delta * w2[k] * h[k] * (1 - h[k]) for k in range(2)]
            for k in range(2):
                w2[k] -= rate * delta * h[k]
                b1[k] -= rate * hidden[k]
                for i in range(2):
                    w1[i, k] -= rate * hidden[k] * x[i]
            b2 -= rate * delta
    return np.concatenate([w1.ravel(), b1, w2, [b2]])


def test_online_training_takes_the_rows_in_order():
    settings = TrainingSettings(SIGMOIDS, learning_rate=0.7, batch="online", epochs=37, parameters=STUCK)
    np.testing.assert_allclose(train(INPUTS, XOR, settings).shown.parameters, naive_online(STUCK, 37, 0.7), rtol=1e-12)


def test_fixed_biases_stay():
    settings = TrainingSettings(SIGMOIDS, optimizer="adam", epochs=50, parameters=STUCK, fixed_biases=True)
    shown = train(INPUTS, XOR, settings).shown
    np.testing.assert_array_equal(shown.parameters[[4, 5, 8]], STUCK[[4, 5, 8]])
    assert (shown.parameters[[0, 1, 2, 3, 6, 7]] != STUCK[[0, 1, 2, 3, 6, 7]]).all()


# ---------------------------------------------------------------- what can and cannot be learned


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_zero_initialisation_stays_at_one_half_for_ever(optimizer, dtype):
    for bias in BIAS_KINDS:
        architecture = Architecture((2, 2, 1), ("sigmoid", "sigmoid"), bias)
        settings = TrainingSettings(architecture, optimizer=optimizer, init="zeros", epochs=300, dtype=dtype)
        shown = train(INPUTS, XOR, settings).shown
        assert (shown.outputs == 0.5).all()
        assert not shown.parameters.any()
        assert shown.loss == 0.25


@pytest.mark.parametrize("output", ["linear", "sigmoid"])
@pytest.mark.parametrize("sizes", [(2, 1), (2, 4, 1), (2, 3, 3, 1)], ids=str)
def test_linear_networks_never_learn_xor(sizes, output):
    architecture = Architecture.uniform(sizes, "linear", output)
    settings = TrainingSettings(architecture, seeds=64, epochs=2000, learning_rate=0.1, until="tolerance:0.49")
    assert not train(INPUTS, XOR, settings).learned_count


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("loss", LOSSES)
def test_the_default_learning_rates_learn(loss, optimizer):
    """xor, and, or, nand with every smooth activation, sigmoid outputs, 2-4-1: at least 4 of 5 seeds, mostly all."""
    gates = [np.array(table, float)[:, None] for table in ([0, 1, 1, 0], [0, 0, 0, 1], [0, 1, 1, 1], [1, 1, 1, 0])]
    for activation in ("sigmoid", "tanh", "elu", "softplus"):
        architecture = Architecture((2, 4, 1), (activation, "sigmoid"))
        for targets in gates:
            settings = TrainingSettings(architecture, loss, optimizer, seeds=5)
            assert train(INPUTS, targets, settings).learned_count >= 4, (activation, targets.ravel())


def test_the_default_network_learns_xor_from_each_of_the_first_hundred_seeds():
    result = train(INPUTS, XOR, TrainingSettings(WIDE, seeds=100))
    assert result.learned.all()
    assert np.median(result.epochs) < 400


@pytest.mark.parametrize(
    ("architecture", "rate", "init", "expected"),
    [
        (SIGMOIDS, 4, "uniform:1", 0.829),
        (SIGMOIDS, 10, "uniform:0:1", 0.981),
        (Architecture((2, 2, 1), ("tanh", "sigmoid")), 2, "uniform:1", 0.643),
        (Architecture((2, 2, 1), ("relu", "sigmoid")), 0.5, "uniform:1", 0.254),
    ],
)
def test_success_rates_lie_in_their_bands(architecture, rate, init, expected):
    """The rates of 20,000 seeds within the 99.9 % interval of 1500."""
    settings = TrainingSettings(
        architecture, learning_rate=rate, init=init, bias_init=init, seeds=1500, epochs=4000, dtype="float32"
    )
    low, high = wilson_interval(train(INPUTS, XOR, settings).learned_count, 1500, z=3.29)
    assert low - 0.005 < expected < high + 0.005


def test_failures_of_sigmoids_sit_at_halves_and_thirds():
    """Some of those at thirds find a way on within 20 times the epochs: those whose way shows are `unfinished`."""
    settings = TrainingSettings(
        SIGMOIDS, learning_rate=4, init="uniform:1", bias_init="uniform:1", seeds=1500, epochs=4000, dtype="float32"
    )
    result = train(INPUTS, XOR, settings)
    counts, failed = result.failure_counts, 1500 - result.learned_count
    assert sum(counts.values()) == failed
    assert 0.85 * failed < counts["half"] < failed
    assert counts["half"] + counts["thirds"] + counts["unfinished"] >= 0.98 * failed
    assert counts["unfinished"] < 0.1 * failed
    for name, level in (("half", 1 / 8), ("thirds", 1 / 6)):
        losses = result.losses[result.failures == NAMES.index(name)]
        np.testing.assert_allclose(losses, level, rtol=0.03)  # the definition of having arrived


@pytest.mark.parametrize("hidden", ["sigmoid", "tanh"])
def test_float32_and_float64_agree_on_which_seeds_learn(hidden):
    settings = TrainingSettings(Architecture((2, 2, 1), (hidden, "sigmoid")), seeds=400, epochs=2500)
    double, single = train(INPUTS, XOR, settings), train(INPUTS, XOR, replace(settings, dtype="float32"))
    np.testing.assert_array_equal(double.learned, single.learned)
    assert np.mean(double.epochs == single.epochs) > 0.98


# ---------------------------------------------------------------- how runs end


@pytest.mark.parametrize("dtype", DTYPES)
def test_divergence_is_noticed_at_once_and_without_a_warning(dtype):
    architecture = Architecture((2, 3, 1), ("relu", "linear"))
    settings = TrainingSettings(architecture, learning_rate=50, init="he", seeds=30, dtype=dtype)
    result = train(INPUTS, XOR, settings)
    diverged = result.stops == ensemble.DIVERGED
    assert diverged.sum() > 15
    assert result.stopped_at[diverged].max() < 600
    assert result.failure_counts["diverged"] == diverged.sum()
    assert (result.epochs[diverged] == -1).all()


def test_dead_units_are_named_and_living_ones_in_a_straight_line_are_not():
    """STUCK ends with both units active on every row: a linear network, whose best answer is 1/2."""
    dead = np.array([1, 1, 1, 1, -9, -9, 1, 1, 0.0])
    for parameters, name in ((dead, "dead"), (STUCK, "half")):
        settings = settings_of(parameters, "relu", "mse", "adam", 0.05, epochs=2000)
        assert train(INPUTS, XOR, settings).failure_counts == {name: 1}


def test_no_epochs_at_all_and_a_network_that_is_right_from_the_start():
    untouched = train(INPUTS, XOR, TrainingSettings(SIGMOIDS, epochs=0)).shown
    np.testing.assert_array_equal(untouched.parameters, initial_parameters(TrainingSettings(SIGMOIDS)))
    assert (untouched.stopped, untouched.stopped_at) == ("epochs", 0)
    assert untouched.curve.epochs == (0,)
    half = np.full((4, 1), 0.5)
    at_once = train(INPUTS, half, TrainingSettings(SIGMOIDS, init="zeros")).shown
    assert (at_once.stopped, at_once.stopped_at, at_once.loss) == ("learned", 0, 0)


@pytest.mark.parametrize("epochs", [1, 15, 16, 17, 32, 33, 499, 500, 501, 1777])
def test_the_loss_curve_holds_both_ends(epochs):
    settings = settings_of(STUCK, "sigmoid", "mse", "sgd", 1, epochs=epochs)
    shown = train(INPUTS, XOR, settings).shown
    curve = shown.curve
    assert (curve.epochs[0], curve.epochs[-1]) == (0, epochs)
    assert len(curve.epochs) == len(curve.values) <= CURVE_POINTS
    assert np.all(np.diff(curve.epochs) > 0)
    assert curve.values[-1] == shown.loss
    shorter = train(INPUTS, XOR, replace(settings, epochs=curve.epochs[len(curve.epochs) // 2])).shown
    assert curve.values[len(curve.epochs) // 2] == shorter.loss


def test_a_curve_of_any_length_takes_bounded_memory():
    recorder = CurveRecorder()
    for start in range(0, 100_000, 16):
        recorder.add(start, np.arange(start, start + 16.0))
        assert len(recorder.points) < CURVE_POINTS
    curve = recorder.finish(100_000, 100_000.0)
    assert curve.epochs == tuple(int(value) for value in curve.values)
    assert len(curve.epochs) > CURVE_POINTS / 3


def test_weights_are_those_of_the_parameters_and_progress_ends_at_all():
    reports = []
    result = train(INPUTS, XOR, TrainingSettings(WIDE, seeds=3), lambda done, of: reports.append((done, of)))
    assert reports[-1] == (3, 3)
    flat = WIDE.flatten(result.shown.weights, result.shown.biases)
    np.testing.assert_array_equal(flat, result.shown.parameters)
    assert result.learning_rate == 4


def test_several_outputs_and_real_targets():
    rng = np.random.default_rng(0)
    inputs, targets = rng.normal(size=(6, 3)), rng.uniform(0.2, 0.8, size=(6, 2))
    architecture = Architecture((3, 8, 2), ("tanh", "linear"))
    result = train(inputs, targets, TrainingSettings(architecture, seeds=3, until="tolerance:0.05", optimizer="adam"))
    assert result.learned.all()


# ---------------------------------------------------------------- wrong requests


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"learning_rate": 0.0}, "learning rate 0"),
        ({"learning_rate": math.inf}, "learning rate inf"),
        ({"learning_rate": math.nan}, "learning rate nan"),
        ({"until": "tolerance:0"}, "'0' is not allowed"),
        ({"until": "side:1"}, "takes no number"),
        ({"until": "sse"}, "sse:E"),
        ({"until": "sides"}, "did you mean 'side'"),
        ({"optimizer": "momentum:mu=1"}, "below 1"),
        ({"optimizer": "adam", "like": "kears"}, "did you mean 'keras'"),
        ({"epochs": -1}, "epochs -1"),
        ({"seeds": 0}, "seeds 0"),
        ({"seed": -1}, "seed -1"),
        ({"dtype": "float23"}, "float32"),
        ({"batch": "ful"}, "full"),
        ({"loss": "mes"}, "mse"),
        ({"optimizer": "sdg"}, "sgd"),
        ({"init": "xaviar"}, "xavier"),
        ({"bias_init": "uniform:0"}, "A > 0"),
        ({"parameters": STUCK, "seeds": 2}, "one seed"),
    ],
)
def test_wrong_settings_are_named(change, message):
    with pytest.raises(InvalidValueError, match=message):
        TrainingSettings(SIGMOIDS, **change)


def test_wrong_data_are_named():
    settings = TrainingSettings(SIGMOIDS)
    with pytest.raises(ShapeError, match="no table"):
        train(INPUTS, XOR[:3], settings)
    with pytest.raises(ShapeError, match="layer sizes"):
        train(INPUTS[:, :1], XOR, settings)
    with pytest.raises(InvalidValueError, match="finite"):
        train(INPUTS * np.nan, XOR, settings)
    with pytest.raises(ShapeError, match=r"\(9,\)"):
        TrainingSettings(SIGMOIDS, parameters=np.zeros(3))
    linear = Architecture((2, 2, 1), ("tanh", "linear"))
    with pytest.raises(InvalidValueError, match="probabilities"):
        train(INPUTS, XOR, TrainingSettings(linear, loss="cross-entropy"))


def test_every_activation_trains_as_hidden_and_output_layer():
    for name in ACTIVATIONS:
        for seeds in (1, 20):
            settings = TrainingSettings(Architecture((2, 3, 1), (name, name)), seeds=seeds, epochs=20)
            assert np.isfinite(train(INPUTS, XOR, settings).losses).all()
