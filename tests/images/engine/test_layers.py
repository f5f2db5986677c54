"""Every layer against central differences, on sizes that are prime, so that a transposed axis cannot hide."""

from __future__ import annotations

import numpy as np
import pytest

from dlmath.convolution.engine.convolve import convolve
from dlmath.counting.engine.language import build
from dlmath.counting.engine.layers import count_layer
from dlmath.errors import DlmathError
from dlmath.images.engine.loss import cross_entropies, mean_slope
from dlmath.images.engine.model import Model
from dlmath.images.engine.op import canonical
from dlmath.images.engine.training import put_rows

STEP = 1e-5
EPS = np.finfo(float).eps

HEAD = ["globalpool", "dense:3"]
WIDE = ["flatten", "dense:3"]
CHAINS = {
    "dense": ["dense:5", "tanh", "dense:3"],
    "conv same": ["conv:3x3x4", *WIDE],
    "conv second": ["conv:1x1x3", "tanh", "conv:3x5x4", *WIDE],
    "conv valid": ["conv:2x2x3,pad=valid", "conv:3x2x4,pad=valid", *WIDE],
    "conv pad 2": ["conv:1x1x2", "conv:3x3x4,pad=2", *WIDE],
    "conv pad beyond kernel": ["conv:1x1x2", "conv:2x1x3,pad=3", *WIDE],
    "conv pad sides": ["conv:1x1x2", "conv:3x3x4,pad=0:2:1:0", *WIDE],
    "conv same-lower": ["conv:1x1x2", "conv:4x2x3,pad=same-lower", *WIDE],
    "conv stride": ["conv:1x1x2", "conv:3x3x4/2", "conv:3x3x3/2x3,pad=1", *WIDE],
    "conv dilation": ["conv:1x1x2", "conv:3x2x4,dilation=2", *WIDE],
    "conv dilation stride": ["conv:1x1x2", "conv:2x3x4/2,dilation=3x2,pad=2", *WIDE],
    "conv groups": ["conv:1x1x6", "conv:3x3x4,groups=2", *WIDE],
    "conv groups stride": ["conv:1x1x6", "conv:3x2x9/2,groups=3,dilation=2", *WIDE],
    "conv 1x1": ["conv:3x3x4", "conv:1x1x5", "conv:1x1x3,bias=no", *HEAD],
    "conv 1x1 stride": ["conv:3x3x4", "conv:1x1x5/2", *HEAD],
    "conv large": ["conv:1x1x2", "conv:7x5x2,pad=valid", *HEAD],
    "depthwise": ["conv:1x1x3", "depthwise:3x3", *WIDE],
    "depthwise multiplier": ["conv:1x1x3", "depthwise:3x2/2,multiplier=2,pad=1", *WIDE],
    "separable": ["separable:3x3x4", "separable:2x3x3/2", *WIDE],
    "maxpool 2": ["conv:3x3x4,pad=0:1:1:2", "maxpool:2", *WIDE],
    "maxpool 2 even": ["zeropad:0:1:0:1", "conv:3x3x4", "maxpool:2", *WIDE],
    "maxpool overlapping": ["conv:3x3x4", "maxpool:3/2", *WIDE],
    "maxpool padded": ["conv:3x3x4", "maxpool:3/2,pad=1", *WIDE],
    "maxpool ceil": ["conv:3x3x4", "maxpool:3/2,pad=valid,ceil=yes", *WIDE],
    "maxpool dilated": ["conv:3x3x4", "maxpool:2x3/1,dilation=2", *WIDE],
    "maxpool every other": ["conv:3x3x4", "maxpool:1/2,pad=valid", *WIDE],
    "avgpool": ["conv:3x3x4", "avgpool:2", *WIDE],
    "avgpool overlapping": ["conv:3x3x4", "avgpool:3/2,pad=1", *WIDE],
    "globalmaxpool": ["conv:3x3x4", "globalmaxpool", "dense:3"],
    "globalmaxpool kept": ["conv:3x3x4", "globalmaxpool:,keep=yes", "conv:1x1x5", "flatten", "dense:3"],
    "globalpool kept": ["conv:3x3x4", "globalpool:,keep=yes", "flatten", "dense:3"],
    "adaptivepool": ["zeropad:0:1:0:1", "conv:3x3x4", "adaptivepool:2x4", *WIDE],
    "adaptivepool uneven": ["conv:3x3x4", "adaptivepool:3x4", *WIDE],
    "adaptivepool grown": ["conv:3x3x4", "adaptivepool:9x13", *WIDE],
    "adaptivemaxpool": ["conv:3x3x4", "adaptivemaxpool:3x4", *WIDE],
    "relu6": ["conv:3x3x4", "scale", "relu6", *WIDE],
    "batchnorm": ["conv:3x3x4,bias=no", "batchnorm", "tanh", *WIDE],
    "batchnorm vector": ["dense:5", "batchnorm", "tanh", "dense:3"],
    "batchnorm bare": ["conv:3x3x4", "batchnorm:,scale=no,center=no", "tanh", *WIDE],
    "layernorm": ["conv:3x3x4", "layernorm", "tanh", *WIDE],
    "layernorm all": ["conv:3x3x4", "layernorm:,axes=3", "tanh", *WIDE],
    "layernorm vector": ["dense:5", "layernorm", "tanh", "dense:3"],
    "groupnorm": ["conv:3x3x6", "groupnorm:3", "tanh", *WIDE],
    "instancenorm": ["conv:3x3x4", "instancenorm", "tanh", *WIDE],
    "instancenorm affine": ["conv:3x3x4", "instancenorm:,scale=yes,center=yes", "tanh", *WIDE],
    "scale": ["conv:3x3x4", "scale", *WIDE],
    "residual": ["conv:3x3x4", {"residual": ["conv:3x3x4", "relu", "conv:3x3x4"]}, "relu", *WIDE],
    "residual stride": [
        "conv:3x3x4",
        {"residual": ["conv:3x3x6/2", "tanh"], "shortcut": ["maxpool:1/2,pad=valid", "padchannels:6"]},
        *WIDE,
    ],
    "branches": [{"branches": [["conv:1x1x2"], ["conv:3x3x3", "tanh"], ["maxpool:3/1"]]}, "conv:3x3x2", *WIDE],
    "branches add": [
        "conv:1x1x2",
        {"branches": [["conv:3x3x3"], ["conv:1x1x3"], ["conv:5x5x3"]], "join": "add"},
        *WIDE,
    ],
    "branches vectors": [{"branches": [["globalpool"], ["flatten", "dense:4"]]}, "dense:3"],
    "gate": [
        "conv:3x3x4",
        {"residual": ["globalpool:,keep=yes", "conv:1x1x4", "sigmoid"], "join": "multiply"},
        *WIDE,
    ],
    "average": [{"residual": ["conv:3x3x2"], "join": "average"}, *WIDE],
    "crop": ["conv:3x3x4", "crop:1:0:2:1", *WIDE],
    "dropout": ["conv:3x3x4", "tanh", "dropout:0.3", *WIDE],
    "stochasticdepth": ["conv:3x3x4", {"residual": ["conv:3x3x4", "stochasticdepth:0.5"]}, *WIDE],
    "sharing": ["conv:3x3x2 as a", "tanh", "conv:3x3x2 sharing a", *WIDE],
    "relu6 activations": ["conv:3x3x4", "leakyrelu", "elu", "selu", "gelu", "silu", "softplus", "sigmoid", *WIDE],
}


def running_network(chain, batch=5, shape="7x11x2", seed=0, *, fused=True):
    model = Model(build({"input": shape, "layers": chain}), "float64")
    model.initialise("glorot", seed)
    generator = np.random.default_rng(seed)
    for slot in model.slots:
        if slot.parameter.role != "weight":
            model.put(slot.name, slot.parameter.start + 0.3 * generator.standard_normal(slot.parameter.shape))
    running = model.on(batch, fused=fused)
    put_rows(running.images, generator.standard_normal((batch, running.images.size // batch)))
    return model, running, generator.integers(0, model.classes, batch)


def loss_at(model, running, labels):
    model.dice.seed((3, 3))  # the same numbers are dropped each time
    return cross_entropies(running.forward(training=True), labels).mean()


@pytest.mark.parametrize("name", CHAINS)
def test_gradient_is_the_slope_of_the_loss(name):
    """Along random directions: dL = <gradient, d>, within the truncation and rounding of a central difference."""
    model, running, labels = running_network(CHAINS[name])
    model.dice.seed((3, 3))
    running.learn(labels)
    gradient, start = model.gradient.copy(), model.parameters.copy()
    loss = loss_at(model, running, labels)
    generator = np.random.default_rng(1)
    for slot in model.slots:
        direction = np.zeros_like(start)
        direction[slot.stretch] = generator.standard_normal(slot.stretch.stop - slot.start)
        direction /= np.linalg.norm(direction)
        values = []
        for factor in (-2, -1, 1, 2):
            np.copyto(model.parameters, start + factor * STEP * direction)
            values.append(loss_at(model, running, labels))
        np.copyto(model.parameters, start)
        outer, inner = (values[3] - values[0]) / (4 * STEP), (values[2] - values[1]) / (2 * STEP)
        measured = (4 * inner - outer) / 3  # Richardson: the error is of order STEP^4
        # each loss carries the rounding of its sums: some hundred products of a size near 1, halved by averaging
        allowed = 1000 * EPS * (1 + abs(loss)) / STEP + abs(outer - inner)
        assert abs(measured - gradient @ direction) <= allowed, slot.name


@pytest.mark.parametrize("name", CHAINS)
def test_gradient_of_the_images(name):
    model, running, labels = running_network(CHAINS[name], fused=False)
    model.dice.seed((3, 3))
    logits = running.forward(training=True)
    kept = {}
    running.backward(mean_slope(logits, labels), training=True, keep=kept)
    images, slope = running.images.copy(), kept[0]
    generator = np.random.default_rng(2)
    for _ in range(3):
        direction = generator.standard_normal(images.shape)
        direction /= np.linalg.norm(direction)
        values = []
        for sign in (-1, 1):
            np.copyto(running.images, images + sign * STEP * direction)
            values.append(loss_at(model, running, labels))
        np.copyto(running.images, images)
        measured = (values[1] - values[0]) / (2 * STEP)
        assert abs(measured - (slope * direction).sum()) <= 1000 * EPS * 3 / STEP + 1e-8


@pytest.mark.parametrize("name", CHAINS)
def test_fused_gives_the_same_numbers(name):
    """Bit for bit, but for a bias's gradient, a sum that is taken in another order."""
    (a, left, labels), (b, right, _) = (running_network(CHAINS[name], fused=fused) for fused in (True, False))
    for model, running in ((a, left), (b, right)):
        model.dice.seed((1, 1))
        running.learn(labels)
    assert np.array_equal(left.logits, right.logits)
    for slot in a.slots:
        first, second = a.gradient[slot.stretch], b.gradient[slot.stretch]
        # a sum of n terms: n eps times the sum of their sizes, here at most 5 * 77 slopes below 1 each
        assert np.array_equal(first, second) or (slot.name[0] == "b" and np.abs(first - second).max() < 385**2 * EPS)


def naive_convolution(images, weights, stride, before, dilation, groups, out):
    """The definition: for each output pixel the sum over its window; images (H, W, C), weights (kh, kw, C / G, O)."""
    result = np.zeros((*out, weights.shape[3]))
    each_in, each_out = weights.shape[2], weights.shape[3] // groups
    for row, column, o in np.ndindex(*result.shape):
        group = o // each_out
        for i, j, c in np.ndindex(*weights.shape[:3]):
            r, s = row * stride[0] + i * dilation[0] - before[0], column * stride[1] + j * dilation[1] - before[1]
            if 0 <= r < images.shape[0] and 0 <= s < images.shape[1]:
                result[row, column, o] += weights[i, j, c, o] * images[r, s, group * each_in + c]
    return result


@pytest.mark.parametrize(
    "layer",
    [
        *("conv:3x3x4", "conv:3x2x4/2", "conv:2x3x4/2x3,pad=2", "conv:3x3x6,groups=2", "conv:5x4x4,pad=valid"),
        *("conv:3x2x4,dilation=2", "conv:3x2x4/2,dilation=2x3,pad=1:2:3:0", "conv:1x1x3", "conv:1x1x3/2"),
        *("conv:2x2x3,pad=5", "depthwise:3x3", "depthwise:3x2,multiplier=3"),
    ],
)
def test_convolution_is_its_definition(layer):
    model, running, _ = running_network([f"{layer},bias=no", "flatten", "dense:2"], batch=3, shape="7x11x4")
    running.forward(training=True)
    place = running.lowered.places[1]
    step = running.lowered.steps[place]
    windows = count_layer(step.kind, step.options, ((7, 11, 4),)).windows
    groups = 4 if step.kind == "depthwise" else step.options["groups"]
    weights = model.get("W1")
    if step.kind == "depthwise":
        weights = weights.reshape(*weights.shape[:2], 1, -1)
    for image in range(3):
        pixels = canonical(running.images)[image]
        settings = [tuple(getattr(window, key) for window in windows) for key in ("stride", "before", "dilation")]
        wanted = naive_convolution(pixels, weights, *settings, groups, step.output[:2])
        found = canonical(running.output(place))[image]
        assert np.abs(found - wanted).max() <= 2 * weights.size * EPS * np.abs(weights).sum() * np.abs(pixels).max()


@pytest.mark.parametrize("kind", ["maxpool", "avgpool"])
@pytest.mark.parametrize(
    "windows", ["2", "3/2", "3/2,pad=1", "2x3/1x2", "3/2,pad=valid,ceil=yes", "3,pad=same-lower", "4/3,pad=0:2:1:1"]
)
def test_pooling_is_its_definition(kind, windows):
    """The largest, or the mean, of what of a window lies in the picture: padding never wins and is not counted."""
    _, running, _ = running_network([f"{kind}:{windows}", "flatten", "dense:2"], batch=2, shape="7x11x3")
    running.forward(training=True)
    place = running.lowered.places[1]
    step = running.lowered.steps[place]
    down, along = count_layer(kind, step.options, ((7, 11, 3),)).windows
    best = np.max if kind == "maxpool" else np.mean
    for image in range(2):
        pixels, found = canonical(running.images)[image], canonical(running.output(place))[image]
        for row, column in np.ndindex(*step.output[:2]):
            top, left = row * down.stride - down.before, column * along.stride - along.before
            seen = pixels[max(top, 0) : top + down.kernel, max(left, 0) : left + along.kernel]
            np.testing.assert_allclose(found[row, column], best(seen, axis=(0, 1)), rtol=16 * EPS, atol=16 * EPS)


@pytest.mark.parametrize("kind", ["adaptivepool", "adaptivemaxpool"])
@pytest.mark.parametrize("size", ["3x4", "7x11", "1x2", "9x5"])
def test_adaptive_pooling_is_its_definition(kind, size):
    """Output i of n sees floor(i H / n) to ceil((i + 1) H / n), as PyTorch divides a map."""
    _, running, _ = running_network([f"{kind}:{size}", "flatten", "dense:2"], batch=2, shape="7x11x3")
    running.forward(training=True)
    pixels, found = canonical(running.images)[1], canonical(running.output(running.lowered.places[1]))[1]
    best = np.max if kind == "adaptivemaxpool" else np.mean
    rows, columns = found.shape[:2]
    for i, j in np.ndindex(rows, columns):
        window = pixels[i * 7 // rows : -(-(i + 1) * 7 // rows), j * 11 // columns : -(-(j + 1) * 11 // columns)]
        np.testing.assert_allclose(found[i, j], best(window, axis=(0, 1)), rtol=16 * EPS, atol=16 * EPS)


@pytest.mark.parametrize(("kernel", "stride"), [((3, 3), 1), ((5, 3), 1), ((1, 1), 1), ((3, 5), 2)])
def test_convolution_is_that_of_dlmath_convolve(kernel, stride):
    """The other engine slides the same unflipped kernel; symmetric padding of zeros, channels added up."""
    rows, columns = kernel
    layer = f"conv:{rows}x{columns}x4/{stride},pad={rows // 2}x{columns // 2},bias=no"
    model, running, _ = running_network([layer, "flatten", "dense:2"], batch=2, shape="7x11x3")
    running.forward(training=True)
    weights, place = model.get("W1"), running.lowered.places[1]
    for image in range(2):
        pixels = canonical(running.images)[image]
        for out in range(4):
            parts = [
                convolve(pixels[..., c], weights[:, :, c, out], border="constant:0", stride=stride, scale="none").pixels
                for c in range(3)
            ]
            allowed = 2 * weights.size * EPS * np.abs(weights).sum() * np.abs(pixels).max()
            assert np.abs(sum(parts) - canonical(running.output(place))[image][..., out]).max() <= allowed


def test_maximum_goes_to_the_first_of_equals():
    """On ties the first in row-major order gets the whole gradient, and nobody gets it twice."""
    for layer in ("maxpool:2", "maxpool:2x2/2,pad=0", "adaptivemaxpool:2", "globalmaxpool"):
        _, running, _ = running_network([layer, "dense:2"], batch=1, shape="4x4x1", fused=False)
        running.images[...] = 1.0
        running.forward(training=True)
        kept = {}
        running.backward(np.array([[1.0], [2.0]]), training=True, keep=kept)
        slope = kept[0][:, 0, :, 0]
        winners = [(0, 0)] if layer == "globalmaxpool" else [(0, 0), (0, 2), (2, 0), (2, 2)]
        assert sorted(map(tuple, np.argwhere(slope))) == winners
        assert slope.sum() == pytest.approx(sum(kept[1].ravel()), abs=1e-15)


REFUSED = {
    "lstm": "lstm:4",
    "attention": "attention:2",
    "transposed": "transposed:2x2x4/2",
    "lrn": "lrn:5",
    "softsign?": "step",
    "local": "local:3x3x4",
    "upsample": "upsample:2",
    "permute": "permute:2x1x3",
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_trained_is_refused_by_name(name):
    layer = REFUSED[name]
    with pytest.raises(DlmathError, match=layer.partition(":")[0]):
        Model(build({"input": "8x8x2", "layers": ["conv:3x3x2", layer]}))


@pytest.mark.parametrize("rate", ["1", "-0.1", "half", "nan", "1.5"])
def test_dropout_rates_that_are_none_are_refused(rate):
    with pytest.raises(DlmathError, match="dropout"):
        Model(build({"input": "8x8x2", "layers": [f"dropout:{rate}", "dense:2"]}))


def test_dropout_keeps_the_mean_and_does_nothing_at_test():
    _model, running, _ = running_network(["dropout:0.25", "dense:2"], batch=1000, shape="40")
    running.images[...] = 1.0
    running.forward(training=True)
    dropped = running.output(1)
    assert set(np.unique(dropped)) == {0.0, 1 / 0.75}
    # 40 000 draws: five standard deviations of the mean of 0 or 4/3 at probability 3/4
    assert abs(dropped.mean() - 1) < 5 * (1 / 3) ** 0.5 / 200
    running.forward(training=False)
    assert np.array_equal(running.output(1), running.images)


def test_batch_normalisation_at_test_uses_what_it_remembers():
    model, running, labels = running_network(["conv:3x3x4", "batchnorm", *HEAD])
    for _ in range(3):
        running.learn(labels)
    mean, variance = model.state["mean2"].copy(), model.state["variance2"].copy()
    running.forward(training=False)
    place = running.lowered.places[2]
    source = running.output(running.lowered.steps[place].inputs[0])
    scale, shift = model.get("W2"), model.get("b2")
    wanted = [((source[:, c] - mean[c]) / np.sqrt(variance[c] + 1e-5)) * scale[c] + shift[c] for c in range(4)]
    np.testing.assert_allclose(running.output(place), np.stack(wanted, axis=1), rtol=1e-12, atol=1e-12)
    assert np.array_equal(mean, model.state["mean2"])


def test_frozen_layers_do_not_move():
    model, running, labels = running_network([{"frozen": ["conv:3x3x4"]}, "tanh", *HEAD])
    running.learn(labels)
    assert not model.gradient[model.slot("W1").stretch].any()
    assert model.gradient[model.slot("W2").stretch].any()
