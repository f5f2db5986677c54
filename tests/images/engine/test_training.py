"""Training as a whole: what a seed decides, optimizers, schedules, evaluation, and what symmetry demands."""

from __future__ import annotations

import math

import numpy as np
import pytest

from dlmath.counting.engine.words import parse_chain
from dlmath.images.engine.data import Augmentation, Data, ImageSet, in_order, permuted, pixel_order, shifted
from dlmath.images.engine.evaluation import confusion, logits_of, score, shift_table, wrong_answers
from dlmath.images.engine.experiment import Plan, build_model, run_once
from dlmath.images.engine.gradients import check_gradients
from dlmath.images.engine.loss import cross_entropies, softmax
from dlmath.images.engine.marks import CLASSES, draw_marks
from dlmath.images.engine.model import Model
from dlmath.images.engine.trace import trace
from dlmath.images.engine.training import SCHEDULES, Recipe, Stepper, Watch, train

CHAIN = "conv:3x3x4 relu maxpool:2 conv:3x3x6 relu globalmaxpool dense:10"


def network(chain=CHAIN, shape=(16, 16, 1)):
    return parse_chain(chain.split(), shape)


@pytest.fixture(scope="module")
def data():
    return Data("marks", draw_marks(150, 0), draw_marks(97, 1000), CLASSES)


@pytest.fixture(scope="module")
def learned(data):
    model = build_model(network(), Plan(Recipe(epochs=3)), 0)
    train(model, data.train, data.test, Recipe(epochs=3, batch=16), 0)
    return model


def test_the_same_seed_gives_the_same_bytes_and_another_does_not(data):
    plan = Plan(Recipe(epochs=2, batch=32), shift=1, permute=True)
    first, again, other = (run_once(network(), data, plan, seed) for seed in (3, 3, 4))
    assert all(np.array_equal(first.tensors[name], again.tensors[name]) for name in first.tensors)
    assert (first.train, first.test, first.shifted) == (again.train, again.test, again.shifted)
    assert not np.array_equal(first.tensors["W1"], other.tensors["W1"])


def test_each_kind_of_draw_has_a_stream_of_its_own():
    """A layer that drops numbers changes neither the first weights nor the order of the images."""
    plain, dropping = (
        build_model(network(chain), Plan(Recipe()), 5)
        for chain in (CHAIN, CHAIN.replace("globalmaxpool", "dropout:0.5 globalmaxpool"))
    )
    assert all(np.array_equal(plain.get(name), dropping.get(name)) for name in plain.shapes())


def test_the_loss_falls_and_is_measured_over_the_whole_sets(data):
    model = build_model(network(), Plan(Recipe()), 0)
    found = train(model, data.train, data.test, Recipe(epochs=4, batch=25), 0)
    losses = [scores.loss for scores in found.curve.train]
    assert len(losses) == 5
    assert losses[-1] < losses[0]
    logits = np.concatenate([one_by_one(model, image) for image in data.test.images], axis=1)
    assert found.curve.test[-1].right == int((logits.argmax(axis=0) == data.test.labels).sum())
    # float32: a loss is off by the rounding of its logits, some hundred products of a size near 1
    assert abs(found.curve.test[-1].loss - cross_entropies(logits, data.test.labels).mean()) < 1000 * 1.2e-7


def one_by_one(model, image):
    return logits_of(model, ImageSet(image[None], np.zeros(1, int)).rows())


def test_a_diverging_training_is_told(data):
    plan = Plan(Recipe(epochs=9, optimizer="sgd", learning_rate=1e6), shift=1)
    found = run_once(network("conv:3x3x4 conv:3x3x4 flatten dense:10"), data, plan, 0)
    assert found.stopped == "diverged"
    assert not math.isfinite(found.train[-1].loss)
    assert len(found.train) < 10


def test_an_interrupt_keeps_what_was_reached(data):
    def stop(epoch, *_scores):
        if epoch == 2:
            raise KeyboardInterrupt

    model = build_model(network(), Plan(Recipe()), 0)
    found = train(model, data.train, data.test, Recipe(epochs=9), 0, Watch(epoch=stop))
    assert found.stopped == "interrupted"
    assert len(found.curve.test) == 3

    def at_once(*_scores):
        raise KeyboardInterrupt

    found = train(model, data.train, data.test, Recipe(epochs=9), 0, Watch(step=at_once))
    assert len(found.curve.test) == 1


def test_weight_decay_pulls_at_kernels_alone():
    model = build_model(network("conv:3x3x2 batchnorm relu globalpool dense:3", (5, 5, 1)), Plan(Recipe()), 0)
    for slot in model.slots:
        model.put(slot.name, np.ones(slot.parameter.shape))
    Stepper(model, Recipe(optimizer="sgd", weight_decay=0.25)).step(0.5)
    after = {name: float(model.get(name).ravel()[0]) for name in ("W1", "b1", "W2", "b2", "W3", "b3")}
    assert after == {"W1": 1 - 0.5 * 0.25, "b1": 1, "W2": 1, "b2": 1, "W3": 1 - 0.5 * 0.25, "b3": 1}


def test_the_cosine_schedule_falls_from_one_to_nothing():
    factor = SCHEDULES["cosine"]
    assert [round(factor(share), 12) for share in (0, 0.5, 1)] == [1, 0.5, 0]


def test_an_optimizer_remembers_across_changing_rates():
    """Adam's averages go on when the rate changes; against the textbook's formulas written out."""
    model = Model(network("dense:2", (3,)), "float64")
    generator = np.random.default_rng(0)
    parameters = generator.standard_normal(len(model.parameters))
    model.parameters[:] = parameters
    stepper = Stepper(model, Recipe(optimizer="adam"))
    mean, square = np.zeros_like(parameters), np.zeros_like(parameters)
    for turn, rate in enumerate((0.1, 0.05, 0.02), start=1):
        gradient = generator.standard_normal(len(parameters))
        mean = 0.9 * mean + 0.1 * gradient
        square = 0.999 * square + 0.001 * gradient**2
        step = mean / (1 - 0.9**turn) / (np.sqrt(square / (1 - 0.999**turn)) + 1e-8)
        parameters = parameters - rate * step
        model.gradient[:] = gradient
        stepper.step(rate)
    np.testing.assert_allclose(model.parameters, parameters, rtol=1e-12, atol=1e-12)


def test_global_pooling_answers_the_same_for_moved_images():
    """A mark whose surroundings stay inside: every map is moved with it, and its largest number stays.

    The padding of 1 in each of two convolutions and the window of 2 need a margin of 2 + 1 around the support.
    """
    model = build_model(
        network("conv:3x3x4 relu conv:3x3x6 relu globalmaxpool dense:10", (20, 20, 1)), Plan(Recipe()), 0
    )
    images = np.zeros((6, 20, 20, 1), np.float32)
    images[:, 7:13, 7:13] = np.random.default_rng(0).standard_normal((6, 6, 6, 1))
    still = logits_of(model, ImageSet(images, np.zeros(6, int)).rows())
    for rows, columns in ((1, 0), (0, -2), (3, 3), (-3, 1)):
        moved = logits_of(model, ImageSet(shifted(images, rows, columns), np.zeros(6, int)).rows())
        # the same products are added, though another matrix product may add them in another order: 54 terms below 4
        np.testing.assert_allclose(moved, still, atol=60 * 1.2e-7 * 60 * 4)


def test_a_flattening_does_not():
    model = build_model(network("conv:3x3x4 relu flatten dense:10"), Plan(Recipe()), 0)
    images = draw_marks(20, 0).images
    still, moved = (
        logits_of(model, ImageSet(part, np.zeros(20, int)).rows()) for part in (images, shifted(images, 1, 0))
    )
    assert np.abs(still - moved).max() > 0.1


def test_to_a_plain_network_the_order_of_pixels_is_nothing():
    """Permuted weights on permuted pixels are the same network: the same logits and, after steps, the same again.

    So the distribution of its accuracy over random starts cannot depend on the order.
    """
    marks = draw_marks(64, 0)
    order = pixel_order((16, 16, 1), (0, 4))
    mixed = ImageSet(permuted(marks.images, order), marks.labels)
    recipe = Recipe(epochs=3, batch=32, optimizer="sgd", learning_rate=0.1)
    ends = []
    for part, rows in ((marks, slice(None)), (mixed, order)):
        model = Model(network("flatten dense:12 relu dense:10"), "float64")
        model.initialise("he", 0)
        model.put("W1", model.get("W1")[rows])
        train(model, part, part, recipe, 0)
        ends.append(logits_of(model, part.rows()))
    # sums of 256 products in another order, six steps
    np.testing.assert_allclose(ends[0], ends[1], rtol=0, atol=256 * 6 * 2.2e-16 * 100)


def test_shift_table_is_the_mean_of_four_directions(learned, data):
    table = shift_table(learned, data.test, 2)
    assert table[0] == score(learned, data.test.rows(), data.test.labels).accuracy
    moved = [shifted(data.test.images, y, x) for y, x in ((2, 0), (-2, 0), (0, 2), (0, -2))]
    accuracies = [
        np.mean(logits_of(learned, ImageSet(images, data.test.labels).rows()).argmax(axis=0) == data.test.labels)
        for images in moved
    ]
    assert table[2] == pytest.approx(np.mean(accuracies), abs=1e-12)


def test_confusion_and_wrong_answers_tell_the_same(learned, data):
    logits = logits_of(learned, data.test.rows())
    table = confusion(logits, data.test.labels, 10)
    wrong = wrong_answers(logits, data.test.labels)
    assert table.sum() == 97
    assert np.trace(table) == 97 - len(wrong)
    assert [one.probability for one in wrong] == sorted((one.probability for one in wrong), reverse=True)
    for one in wrong:
        assert one.answer == logits[:, one.image].argmax() != one.truth == data.test.labels[one.image]
        assert one.probability == pytest.approx(float(softmax(logits)[one.answer, one.image]))


def test_gradients_agree_and_a_fault_is_seen(data, monkeypatch):
    model = build_model(network(), Plan(Recipe()), 0)
    check = check_gradients(model, data.train)
    assert check.largest < 1e-6
    assert check.compared + check.at_kink == check.parameters == len(model.parameters)
    assert set(check.by_tensor) == set(model.shapes())
    from dlmath.images.engine import pointwise

    monkeypatch.setattr(
        pointwise, "sum_by_channel", lambda values: 1.01 * values.sum(axis=tuple(range(values.ndim))[1:])
    )
    assert check_gradients(build_model(network("dense:10"), Plan(Recipe()), 0), data.train).largest > 0.005


def test_a_large_network_is_checked_in_part(data, monkeypatch):
    monkeypatch.setattr("dlmath.images.engine.gradients.MOST_MACS", 10**7)
    check = check_gradients(build_model(network(), Plan(Recipe()), 0), data.train)
    assert 0 < check.compared < check.parameters
    assert check.largest < 1e-6


def test_trace_adds_up(learned, data):
    """Every line of the explanation: sums of products, the bias, shares of gradients, the softmax."""
    found = trace(learned, data.test, 3)
    conv = found.convolution
    eps = 64 * np.finfo(float).eps
    assert sum(tap.pixel * tap.weight for tap in conv.taps) == pytest.approx(conv.total, rel=eps, abs=eps)
    assert conv.total + conv.bias == pytest.approx(conv.z, rel=eps)
    assert conv.activation[1] == max(0.0, conv.z)
    for tap in conv.taps:
        assert tap.weight_share == pytest.approx(conv.delta * tap.pixel)
        assert tap.pixel_share is None or tap.pixel_share == pytest.approx(conv.delta * tap.weight)
    row, column, _ = conv.place
    image = data.test.images[3]
    for tap in conv.taps:
        r, s = row + tap.row - 1, column + tap.column - 1
        inside = 0 <= r < 16 and 0 <= s < 16
        assert tap.pixel == (pytest.approx(float(image[r, s, 0])) if inside else 0)
        assert (tap.pixel_gradient is None) == (not inside)
    pool = found.pooling
    assert pool.output == max(value for _, _, value, _ in pool.inputs)
    assert sum(slope for *_, slope in pool.inputs) == pytest.approx(pool.gradient)
    dense = found.dense
    assert sum(product for *_, product, _ in dense.terms) + dense.bias == pytest.approx(dense.z)
    assert found.probabilities.sum() == pytest.approx(1)
    assert found.loss == pytest.approx(-math.log(found.probabilities[found.truth]))
    assert found.slopes == pytest.approx(found.probabilities - (np.arange(10) == found.truth))


def test_trace_gradients_are_those_of_the_loss(learned, data):
    """The explained dL/dW and dL/dx against differences of the loss of that one image."""
    found = trace(learned, data.test, 3)
    tap = found.convolution.taps[4]
    model = Model(learned.network, "float64")
    step, losses = 1e-5, []
    for sign in (1, -1):
        model.load({name: values.astype(float) for name, values in learned.tensors().items()})
        kernel = model.get("W1")
        kernel[tap.row, tap.column, tap.channel, found.convolution.place[2]] += sign * step
        model.put("W1", kernel)
        logits = logits_of(model, data.test.rows()[3:4].astype(float))
        losses.append(cross_entropies(logits, data.test.labels[3:4])[0])
    assert (losses[0] - losses[1]) / (2 * step) == pytest.approx(tap.weight_gradient, rel=1e-6, abs=1e-9)


def test_images_are_moved_before_they_are_permuted(data):
    """Training and testing with permuted pixels is that of a network whose first weights are permuted instead."""
    order = pixel_order((16, 16, 1), (0, 4))
    recipe = Recipe(epochs=2, batch=25, optimizer="sgd", learning_rate=0.1, augmentation=Augmentation(2, flip=True))
    ends = []
    for seen, rows in ((None, slice(None)), (order, order)):
        model = Model(network("flatten dense:12 relu dense:10"), "float64")
        model.initialise("he", 0)
        model.put("W1", model.get("W1")[rows])
        train(model, data.train, data.test, recipe, 0, order=seen)
        ends.append((logits_of(model, in_order(data.test, seen).rows()), shift_table(model, data.test, 2, seen)))
    np.testing.assert_allclose(ends[0][0], ends[1][0], rtol=0, atol=256 * 12 * 2.2e-16 * 100)
    assert ends[0][1] == ends[1][1]


@pytest.mark.parametrize(
    "chain",
    [
        "depthwise:3x3,multiplier=4 batchnorm relu globalpool dense:10",
        "conv:1x1x6 conv:3x3x4 globalmaxpool dense:10",
        "conv:5x3x4/2,dilation=2,pad=3:1:2:2 tanh avgpool:3/2 flatten dense:10",
        "conv:3x3x4,bias=no relu maxpool:3/2,pad=1 flatten dense:10,bias=no",
        "zeropad:1 separable:3x3x6 relu adaptivepool:3x3 flatten dense:10",
    ],
)
def test_trace_adds_up_for_every_kind_of_layer(data, chain):
    """The window that is written out is the one whose sum the layer gives, and shares are parts of the gradients."""
    model = build_model(network(chain), Plan(Recipe()), 1)
    found = trace(model, data.test, 5)
    conv = found.convolution
    assert sum(tap.pixel * tap.weight for tap in conv.taps) == pytest.approx(conv.total, rel=1e-12, abs=1e-13)
    assert conv.total + (conv.bias or 0) == pytest.approx(conv.z, rel=1e-12, abs=1e-13)
    if found.pooling is not None:
        best = max if "max" in found.pooling.kind else (lambda values: sum(values) / len(values))
        assert best([value for _, _, value, _ in found.pooling.inputs]) == pytest.approx(found.pooling.output)
        assert sum(slope for *_, slope in found.pooling.inputs) == pytest.approx(found.pooling.gradient)
    assert sum(product for *_, product, _ in found.dense.terms) + (found.dense.bias or 0) == pytest.approx(
        found.dense.z
    )


def test_trace_of_groups_names_the_channels_that_are_seen(data):
    model = build_model(network("conv:3x3x8,groups=1 relu flatten dense:10"), Plan(Recipe()), 1)
    assert {tap.channel for tap in trace(model, data.test, 0).convolution.taps} == {0}
    colour = data._replace(test=data.test._replace(images=np.repeat(data.test.images, 6, axis=3) * np.arange(1, 7)))
    model = build_model(network("conv:3x3x8,groups=2 relu flatten dense:10", (16, 16, 6)), Plan(Recipe()), 1)
    conv = trace(model, colour.test, 0).convolution
    first = 0 if conv.place[2] < 4 else 3
    assert {tap.channel for tap in conv.taps} == {first, first + 1, first + 2}
    assert sum(tap.pixel * tap.weight for tap in conv.taps) == pytest.approx(conv.total, rel=1e-12)
