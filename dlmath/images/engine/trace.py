"""One image through a trained network, number by number: a convolution, a pooling, the softmax, forward and back.

Everything is read from the arrays of the code that trains, run in float64 on this one image, as at test.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dlmath.images.engine.loss import cross_entropies, mean_slope, softmax
from dlmath.images.engine.model import Model
from dlmath.images.engine.op import canonical
from dlmath.images.engine.training import put_rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dlmath.counting.engine.shapes import Window
    from dlmath.images.engine.data import ImageSet
    from dlmath.images.engine.lowering import Step
    from dlmath.images.engine.model import Running, Slot
    from dlmath.neural.arrays import Array


class Tap(NamedTuple):
    """One number of a convolution's window.

    Attributes
    ----------
    row, column, channel : int
        In the kernel, from 0.
    pixel, weight : float
        x and W; their product is a term of the sum. Padding is 0.
    weight_share, weight_gradient : float
        What this output gives to dL/dW (delta * x), and dL/dW itself, the sum over all outputs.
    pixel_share, pixel_gradient : float or None
        What this output gives to dL/dx (delta * W), and dL/dx; None where the window lies on padding.
    """

    row: int
    column: int
    channel: int
    pixel: float
    weight: float
    weight_share: float
    weight_gradient: float
    pixel_share: float | None
    pixel_gradient: float | None


class ConvolutionTrace(NamedTuple):
    """One output number of a convolution.

    Attributes
    ----------
    layer, weights : str
        Names of the layer and of its kernels.
    place : (int, int, int)
        Row, column and channel of the output.
    taps : tuple of Tap
    total : float
        The sum of the products.
    bias : float or None
    z, delta : float
        The output with its bias, and dL/dz.
    activation : (str, float, float) or None
        Name, a = phi(z), dL/da, where an activation follows.
    """

    layer: str
    weights: str
    place: tuple[int, int, int]
    taps: tuple[Tap, ...]
    total: float
    bias: float | None
    z: float
    delta: float
    activation: tuple[str, float, float] | None


class PoolingTrace(NamedTuple):
    """One output number of a pooling.

    Attributes
    ----------
    layer, kind : str
    place : tuple of int
        Row, column and channel; of a global pooling the channel alone.
    inputs : tuple of (row, column, value, gradient)
        The window, and what each input gets of the gradient from this output.
    output, gradient : float
    """

    layer: str
    kind: str
    place: tuple[int, ...]
    inputs: tuple[tuple[int, int, float, float], ...]
    output: float
    gradient: float


class DenseTrace(NamedTuple):
    """One output number of the last dense layer: the logit of the true class.

    Attributes
    ----------
    layer, weights : str
    unit : int
    terms : tuple of (input, value, weight, product, share of dL/dW)
    bias : float or None
    z, delta : float
    """

    layer: str
    weights: str
    unit: int
    terms: tuple[tuple[int, float, float, float, float], ...]
    bias: float | None
    z: float
    delta: float


class Trace(NamedTuple):
    """What is explained of one image.

    Attributes
    ----------
    image, truth : int
    logits, probabilities, slopes : ndarray (K,)
        slopes: dL/dz = p - y.
    loss : float
    convolution, pooling, dense : the first of each in the network (the last dense), or None
    """

    image: int
    truth: int
    logits: Array
    probabilities: Array
    slopes: Array
    loss: float
    convolution: ConvolutionTrace | None
    pooling: PoolingTrace | None
    dense: DenseTrace | None


class Passed:
    """A network that one image has passed, forward and back.

    Attributes
    ----------
    outputs, gradients : for each step, canonical (H, W, C) or (F,); None where no gradient arrived
    """

    def __init__(self, model: Model, data: ImageSet, image: int) -> None:
        self.model = Model(model.network, "float64")
        self.model.load({name: values.astype(np.float64) for name, values in model.tensors().items()})
        self.running: Running = self.model.on(1, fused=False)
        self.labels = data.labels[image : image + 1]
        put_rows(self.running.images, data._replace(images=data.images[image : image + 1]).rows())
        self.logits = self.running.forward(training=False)[:, 0].copy()
        self.steps = self.running.lowered.steps
        self.outputs = [canonical(self.running.output(place))[0].copy() for place in range(len(self.steps))]
        self.slopes = mean_slope(self.logits[:, None], self.labels)
        kept: dict[int, Array] = {}
        self.running.backward(self.slopes.copy(), training=False, keep=kept)
        self.gradients = [canonical(kept[place])[0] if place in kept else None for place in range(len(self.steps))]

    def first(self, *kinds: str) -> int | None:
        """Return the first step of these kinds that a gradient reaches."""
        places = (place for place, step in enumerate(self.steps) if step.kind in kinds)
        return next((place for place in places if self.gradients[place] is not None), None)

    def name(self, step: Step) -> str:
        """Return the name of the layer a step belongs to."""
        return self.model.network.nodes[step.node].name

    def after(self, place: int, kind: str) -> int | None:
        """Return the step of a kind that reads a step, if it is the only reader."""
        readers = self.running.readers[place]
        return readers[0] if len(readers) == 1 and self.steps[readers[0]].kind == kind else None

    def slot(self, step: Step) -> Slot:
        """Return where a step's first tensor lies."""
        owner = step.id if step.shares is None else step.shares
        return next(slot for slot in self.model.slots if slot.step == owner)

    def bias(self, place: int | None, channel: int) -> float | None:
        """Return a channel's bias, where a step adds one."""
        return None if place is None else float(self.model.get(self.slot(self.steps[place]).name)[channel])

    def gradient(self, place: int) -> Array:
        """Return dL/d(output) of a step."""
        slope = self.gradients[place]
        assert slope is not None
        return np.asarray(slope)


def trace(model: Model, data: ImageSet, image: int) -> Trace:
    """Follow one image of a set through the network."""
    passed = Passed(model, data, image)
    return Trace(
        image,
        int(passed.labels[0]),
        passed.logits,
        softmax(passed.logits[:, None])[:, 0],
        passed.slopes[:, 0],
        float(cross_entropies(passed.logits[:, None], passed.labels)[0]),
        _convolution(passed),
        _pooling(passed),
        _dense(passed),
    )


def _largest(values: Array) -> tuple[int, ...]:
    """Return the place of the largest absolute value."""
    return tuple(int(i) for i in np.unravel_index(int(np.abs(values).argmax()), values.shape))


def _convolution(passed: Passed) -> ConvolutionTrace | None:
    """Explain the first convolution where the loss pulls most."""
    step_place = passed.first("conv", "depthwise")
    if step_place is None:
        return None
    step = passed.steps[step_place]
    slope = passed.gradient(step_place)
    row, column, out = _largest(slope)
    bias_place = passed.after(step_place, "bias")
    z_place = step_place if bias_place is None else bias_place
    slot = passed.slot(step)
    z, total = (float(passed.outputs[place][row, column, out]) for place in (z_place, step_place))
    return ConvolutionTrace(
        passed.name(step),
        slot.name,
        (row, column, out),
        tuple(_taps(passed, step, slot.name, (row, column, out), float(slope[row, column, out]))),
        total,
        passed.bias(bias_place, out),
        z,
        float(slope[row, column, out]),
        _activation(passed, z_place, (row, column, out)),
    )


def _activation(passed: Passed, place: int, where: tuple[int, ...]) -> tuple[str, float, float] | None:
    after = passed.after(place, "activation")
    if after is None:
        return None
    value, slope = passed.outputs[after][where], passed.gradient(after)[where]
    return str(passed.steps[after].options["name"]), float(value), float(slope)


def _taps(passed: Passed, step: Step, name: str, place: tuple[int, int, int], delta: float) -> Iterator[Tap]:
    """Yield the numbers of a convolution's window, kernel row by kernel row."""
    windows = windows_at(passed, step)
    kernel, slope = passed.model.get(name), passed.model.view(passed.model.gradient, passed.model.slot(name))
    source, back = passed.outputs[step.inputs[0]], passed.gradient(step.inputs[0])
    first, out, depthwise = _first_channel(step, place[2], source.shape[-1])
    for i, j, c in np.ndindex(kernel.shape[0], kernel.shape[1], 1 if depthwise else kernel.shape[2]):
        at = (i, j, first, out) if depthwise else (i, j, c, out)
        pixel = _seen(windows[0], place[0], i), _seen(windows[1], place[1], j)
        inside = None not in pixel
        where = (*pixel, first + c)
        x, w = float(source[where]) if inside else 0.0, float(kernel[at])
        shares = (delta * w, float(back[where])) if inside else (None, None)
        yield Tap(i, j, first + c, x, w, delta * x, float(slope[at]), *shares)


def _first_channel(step: Step, out: int, channels: int) -> tuple[int, int, bool]:
    """Return the first input channel an output channel sees, its place in the kernel, and whether it sees one alone."""
    if step.kind == "depthwise":
        multiplier = int(step.options["multiplier"])
        return out // multiplier, out % multiplier, True
    groups = int(step.options["groups"])
    return out // (int(step.options["out"]) // groups) * (channels // groups), out, False


def windows_at(passed: Passed, step: Step) -> tuple[Window, Window]:
    """Return how a step's window slides."""
    from dlmath.counting.engine.layers import count_layer

    shapes = tuple(passed.steps[source].output for source in step.inputs)
    windows = count_layer(step.kind, step.options, shapes).windows
    assert windows is not None
    return windows[0], windows[1]


def _seen(window: Window, output: int, tap: int) -> int | None:
    """Return which input an output sees through a tap; None for padding."""
    place = output * window.stride + tap * window.dilation - window.before
    return place if 0 <= place < window.size else None


def _pooling(passed: Passed) -> PoolingTrace | None:
    """Explain the first pooling, where gradient times output is largest: where something is seen that matters."""
    place = passed.first("maxpool", "avgpool", "globalmaxpool", "globalpool")
    if place is None:
        return None
    step, slope = passed.steps[place], passed.gradient(place)
    where = _largest(slope * passed.outputs[place])
    source = passed.outputs[step.inputs[0]]
    window = source[..., where[-1]]
    if step.kind.startswith("global"):
        seen = [(r, c) for r in range(window.shape[0]) for c in range(window.shape[1])]
    else:
        seen = _window_places(windows_at(passed, step), where)
    shares = _shares(passed, place, where)
    inputs = tuple((r, c, float(window[r, c]), float(shares[r, c])) for r, c in seen)
    return PoolingTrace(
        passed.name(step), step.kind, where, inputs, float(passed.outputs[place][where]), float(slope[where])
    )


def _window_places(windows: tuple[Window, Window], where: tuple[int, ...]) -> list[tuple[int, int]]:
    places = [
        (_seen(windows[0], where[0], i), _seen(windows[1], where[1], j))
        for i in range(windows[0].kernel)
        for j in range(windows[1].kernel)
    ]
    return [(row, column) for row, column in places if row is not None and column is not None]


def _shares(passed: Passed, place: int, where: tuple[int, ...]) -> Array:
    """Return what the inputs (H, W) of one channel get from one output alone: the layer's own way back, fed with it."""
    op = passed.running.ops[place]
    assert op is not None
    alone = np.zeros_like(op.output)
    canonical(alone)[(0, *where)] = passed.gradient(place)[where]
    (back,) = op.backward(alone, training=False)
    return np.asarray(canonical(back)[0, ..., where[-1]].copy())


def _dense(passed: Passed) -> DenseTrace | None:
    """Explain the logit of the true class, where the last layer is dense."""
    place = max((place for place, step in enumerate(passed.steps) if step.kind == "dense"), default=None)
    if place is None:
        return None
    step = passed.steps[place]
    bias_place = passed.after(place, "bias")
    z_place = place if bias_place is None else bias_place
    if z_place != passed.running.last:
        return None
    slot = passed.slot(step)
    unit, source = int(passed.labels[0]), passed.outputs[step.inputs[0]]
    weights, delta = passed.model.get(slot.name)[:, unit], float(passed.slopes[unit, 0])
    terms = tuple(
        (i, float(x), float(w), float(x * w), float(delta * x))
        for i, (x, w) in enumerate(zip(source, weights, strict=True))
    )
    return DenseTrace(
        passed.name(step), slot.name, unit, terms, passed.bias(bias_place, unit), float(passed.logits[unit]), delta
    )
