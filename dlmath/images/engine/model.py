"""A network that can be trained: its parameters in one flat array, and the running copies of it, one a batch size."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dlmath.counting.engine.count import count
from dlmath.counting.engine.shapes import elements
from dlmath.errors import InvalidValueError, TooLargeError
from dlmath.images.engine.layers import TRAINABLE, Parameter
from dlmath.images.engine.loss import mean_slope
from dlmath.images.engine.lowering import Lowered, commuted, consumers, lower
from dlmath.images.engine.op import Dice, Op, Site, array_shape
from dlmath.neural.initialisers import parse_initialiser

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dlmath.counting.engine.graph import Network
    from dlmath.images.engine.lowering import Step
    from dlmath.neural.arrays import Array

MOST_BYTES = 6_000_000_000
"""Memory of the arrays of one running network."""
STREAMS = {"weights": 0, "order": 1, "dropout": 2, "augment": 3, "permutation": 4}
"""Each purpose draws from a stream of its own: more dropout does not change the order of the images."""
LETTERS = {"weight": "W", "scale": "W", "bias": "b", "shift": "b", "mean": "mean", "variance": "variance"}


class Slot(NamedTuple):
    """Where one tensor of parameters lies.

    Attributes
    ----------
    name : str
        `W1`, `b1`, `W2`, ...: the number counts the layers that have weights.
    step : int
        The id of its step.
    parameter : Parameter
    start : int
        Of its stretch in the flat array.
    frozen : bool
    """

    name: str
    step: int
    parameter: Parameter
    start: int
    frozen: bool

    @property
    def stretch(self) -> slice:
        """Its numbers in the flat array."""
        return slice(self.start, self.start + elements(self.parameter.shape))

    @property
    def trains(self) -> bool:
        """Whether a gradient may change it."""
        return not self.frozen

    @property
    def decays(self) -> bool:
        """Whether weight decay pulls at it: kernels and matrices, not biases nor what normalises."""
        return self.parameter.role == "weight" and not self.frozen


STATES = ("mean", "variance")


class Model:
    """A network, its parameters and what normalisation remembers.

    Parameters
    ----------
    network : Network
        Of the architecture language; its main output gives one number a class.
    dtype : {"float32", "float64"}

    Attributes
    ----------
    parameters, gradient : ndarray (P,)
        In each step's own layout; `get` and `put` speak the canonical one.
    slots : tuple of Slot
        In the order of the layers.
    kept : tuple of Slot
        The same for what no gradient changes (their stretches mean nothing).
    state : dict of str to ndarray
        Running means and variances: `mean1`, `variance1`, ...
    dice : Dice
    """

    def __init__(self, network: Network, dtype: str = "float32") -> None:
        self.network, self.dtype = network, np.dtype(dtype)
        self.lowered = lower(network)
        self.fused = commuted(self.lowered)
        self.counts = count(network)
        self.slots, self.kept = _slots(self.lowered)
        size = self.slots[-1].stretch.stop if self.slots else 0
        self.parameters, self.gradient = np.zeros(size, self.dtype), np.zeros(size, self.dtype)
        self.state = {slot.name: np.full(slot.parameter.shape, slot.parameter.start, self.dtype) for slot in self.kept}
        self.dice = Dice()
        self.running: dict[tuple[int, bool], Running] = {}
        for slot in self.slots:
            self.parameters[slot.stretch] = slot.parameter.start

    @property
    def classes(self) -> int:
        """How many numbers the network gives for an image."""
        return self.counts.output_shape[0]

    def initialise(self, init: str, seed: int) -> None:
        """Draw the weights: kernels as matrices (kh kw in, out), with the fans of their layer.

        Biases and shifts start at 0, scales at 1. A network's weights depend on its seed alone.
        """
        draw = parse_initialiser(init).draw
        generator = np.random.default_rng([seed, STREAMS["weights"]])
        self.dice.seed((seed, STREAMS["dropout"]))
        for slot in self.slots:
            if slot.parameter.role == "weight":
                shape = slot.parameter.shape
                uniforms = generator.random((1, *_matrix(shape, slot.parameter.fans[0])))
                self.put(slot.name, draw(uniforms, *slot.parameter.fans).reshape(shape))

    def slot(self, name: str) -> Slot:
        """Return the slot of that name."""
        return next(slot for slot in self.slots if slot.name == name)

    def view(self, flat: Array, slot: Slot) -> Array:
        """Return a slot's numbers in a flat array, canonical: a view."""
        parameter = slot.parameter
        inner = flat[slot.stretch].reshape([parameter.shape[axis] for axis in parameter.axes])
        return inner.transpose(np.argsort(parameter.axes))

    def get(self, name: str) -> Array:
        """Return a tensor of parameters or running statistics, canonical: a copy."""
        return (self.state[name] if name in self.state else self.view(self.parameters, self.slot(name))).copy()

    def put(self, name: str, values: Array) -> None:
        """Set a tensor, canonical."""
        (self.state[name] if name in self.state else self.view(self.parameters, self.slot(name)))[...] = values

    def tensors(self) -> dict[str, Array]:
        """Return every tensor by name, in the order of the layers, canonical."""
        tensors: dict[str, Array] = {}
        for slot in self.slots:
            tensors[slot.name] = self.get(slot.name)
        return tensors | {name: values.copy() for name, values in self.state.items()}

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the shape of every tensor by name."""
        return {slot.name: slot.parameter.shape for slot in self.slots} | {
            name: values.shape for name, values in self.state.items()
        }

    def load(self, tensors: Mapping[str, Array]) -> None:
        """Set every tensor.

        Raises
        ------
        InvalidValueError
            When one is missing, is too many, or has another shape.
        """
        shapes = self.shapes()
        for name, shape in shapes.items():
            if name not in tensors:
                raise InvalidValueError(f"there is no array {name!r}", f"the network has {', '.join(shapes)}")
            if tensors[name].shape != shape:
                raise InvalidValueError(
                    f"array {name!r} has the shape {_shape(tensors[name].shape)}", f"the network needs {_shape(shape)}"
                )
        for name in tensors:
            if name not in shapes:
                raise InvalidValueError(f"array {name!r} belongs to no layer", f"the network has {', '.join(shapes)}")
        for name in shapes:
            self.put(name, tensors[name])

    def on(self, batch: int, *, fused: bool = True) -> Running:
        """Return the network bound to a batch size; made once."""
        if (batch, fused) not in self.running:
            check_memory(self.fused, batch, self.dtype.itemsize)
            self.running[batch, fused] = Running(self, batch, fused=fused)
        return self.running[batch, fused]


def _matrix(shape: tuple[int, ...], fan_in: int) -> tuple[int, int]:
    """Return the rows and columns that a tensor of weights is drawn as.

    >>> _matrix((3, 3, 8, 16), 72)
    (72, 16)
    """
    return fan_in, elements(shape) // fan_in


def _shape(shape: tuple[int, ...]) -> str:
    return "(" + ", ".join(map(str, shape)) + ")"


def _slots(lowered: Lowered) -> tuple[tuple[Slot, ...], tuple[Slot, ...]]:
    """Return the slots in the order of the steps, and what is kept beside them; shared tensors stand once."""
    slots: list[Slot] = []
    kept: list[Slot] = []
    number, start = 0, 0
    for step in lowered.steps:
        declared = _declared(step, lowered)
        if step.shares is not None or not declared:
            continue
        number += _begins(step, lowered)
        for parameter in declared:
            slot = Slot(f"{LETTERS[parameter.role]}{number}", step.id, parameter, start, step.frozen)
            if parameter.role in STATES:
                kept.append(slot)
            else:
                slots.append(slot)
                start = slot.stretch.stop
    return tuple(slots), tuple(kept)


def _begins(step: Step, lowered: Lowered) -> bool:
    """Whether a step opens a new number: a bias belongs to the weights before it."""
    before = lowered.steps[step.inputs[0]]
    return step.kind != "bias" or before.node != step.node


def _declared(step: Step, lowered: Lowered) -> tuple[Parameter, ...]:
    shapes = tuple(lowered.steps[source].output for source in step.inputs)
    return TRAINABLE[step.kind].parameters(step.options, shapes) if step.kind != "input" else ()


def check_memory(lowered: Lowered, batch: int, itemsize: int) -> None:
    """Refuse a network whose arrays would not fit, before any of them is made.

    Each step holds its output and its gradient, a convolution two column matrices (kw times its input and output).

    Raises
    ------
    TooLargeError
    """
    total = sum(_numbers(step, lowered) for step in lowered.steps) * batch * itemsize
    if total > MOST_BYTES:
        raise TooLargeError(
            f"training with --batch {batch} would take about {total / 1e9:,.1f} GB for activations",
            f"the limit is {MOST_BYTES / 1e9:.0f} GB: use a smaller --batch, network or image",
        )


def _numbers(step: Step, lowered: Lowered) -> int:
    out = elements(step.output)
    if step.kind not in {"conv", "depthwise"}:
        return 3 * out
    taps = int(step.options["kernel"][-1])
    return (1 + taps) * (out + elements(lowered.steps[step.inputs[0]].output)) * int(step.options["dilation"][0] ** 0)


class Running:
    """A network bound to a batch size: every array made, forward and backward ready to run.

    Fused, it takes maxima before bias and ReLU, writes over what nobody needs again, and asks for no gradient of the
    images; otherwise every layer's output stands by itself and dL/d(images) is worked out too. Both run the same code
    of the same layers and give the same numbers, bit for bit; a bias's gradient alone is a sum in another order.

    Attributes
    ----------
    images : ndarray (H, C, W, N) or (F, N)
        The input, to be written before `forward`.
    logits : ndarray (K, N)
    """

    def __init__(self, model: Model, batch: int, *, fused: bool) -> None:
        self.model = model
        self.lowered = model.fused if fused else model.lowered
        self.learned = _learned(self.lowered) if fused else [True] * len(self.lowered.steps)
        self.readers = consumers(self.lowered.steps)
        self.ops: list[Op | None] = []
        self.borrowed: list[tuple[Array, Array]] = []  # gradients of shared tensors, and where they are added
        for step in self.lowered.steps:
            self.ops.append(None if step.kind == "input" else self._build(step, fused=fused))
            if step.kind == "input":
                self.images = np.zeros(array_shape(step.output, batch), model.dtype)
        self.last = self.lowered.places[model.network.outputs[0]]
        self.logits = self.output(self.last)

    def output(self, place: int) -> Array:
        """Return what a step gives."""
        op = self.ops[place]
        return self.images if op is None else op.output

    def _build(self, step: Step, *, fused: bool) -> Op:
        kind = TRAINABLE[step.kind]
        weights, slopes = self._tensors(step)
        owner = step.id if step.shares is None else step.shares
        states = [self.model.state[slot.name] for slot in self.model.kept if slot.step == owner]
        return kind.build(
            Site(
                step.kind,
                [self.output(source) for source in step.inputs],
                [self.lowered.steps[source].output for source in step.inputs],
                step.output,
                step.options,
                weights,
                slopes,
                states,
                any(self.learned[source] for source in step.inputs),
                fused and kind.in_place and self._may_overwrite(step),
                self.model.dice,
            )
        )

    def _may_overwrite(self, step: Step) -> bool:
        """Whether nobody but this step needs what it reads."""
        (source,) = step.inputs
        before = self.lowered.steps[source]
        alone = len(self.readers[source]) == 1
        return alone and before.kind != "input" and not TRAINABLE[before.kind].keeps_output

    def _tensors(self, step: Step) -> tuple[list[Array], list[Array]]:
        """Return a step's parameters and the places of their gradients, in its own layout."""
        owner = step.id if step.shares is None else step.shares
        slots = [slot for slot in self.model.slots if slot.step == owner]
        flat = self.model.parameters, self.model.gradient
        weights, slopes = ([array[slot.stretch].reshape(slot.parameter.inner) for slot in slots] for array in flat)
        if step.shares is not None:
            own = [np.zeros_like(slope) for slope in slopes]
            self.borrowed += list(zip(own, slopes, strict=True))
            slopes = own
        return weights, slopes

    def forward(self, *, training: bool) -> Array:
        """Return the logits (K, N) of the images."""
        for op in self.ops:
            if op is not None:
                op.forward(training=training)
        return self.logits

    def backward(self, slope: Array, *, training: bool, keep: dict[int, Array] | None = None) -> None:
        """Write the gradient of every parameter, from dL/dlogits by the chain rule.

        Parameters
        ----------
        keep : dict, optional
            Gets a copy of dL/d(output) of every step.
        """
        arrived: dict[int, Array] = {self.last: slope}
        for place in range(len(self.ops) - 1, -1, -1):
            gradient = arrived.pop(place, None)
            if gradient is None:
                continue
            if keep is not None:
                keep[place] = gradient.copy()
            op = self.ops[place]
            if op is not None:
                self._pass_on(place, op.backward(gradient, training=training), arrived)
        for own, place_of_owner in self.borrowed:
            np.add(place_of_owner, own, out=place_of_owner)
        self._freeze()

    def _pass_on(self, place: int, gradients: tuple[Array, ...], arrived: dict[int, Array]) -> None:
        """Add what a step hands back to what its sources have got from others."""
        for source, gradient in zip(self.lowered.steps[place].inputs, gradients, strict=False):
            if not self.learned[source]:
                continue
            if source in arrived:
                np.add(arrived[source], gradient, out=arrived[source])
            else:
                arrived[source] = gradient

    def _freeze(self) -> None:
        for slot in self.model.slots:
            if slot.frozen:
                self.model.gradient[slot.stretch] = 0

    def learn(self, labels: Array) -> Array:
        """Run forward and backward in training and return the logits; the gradient of the mean loss is then there."""
        logits = self.forward(training=True)
        self.backward(mean_slope(logits, labels), training=True)
        return logits


def _learned(lowered: Lowered) -> list[bool]:
    """Return whether a parameter lies at or before each step: where none does, no gradient is wanted."""
    learned = [False] * len(lowered.steps)
    for place, step in enumerate(lowered.steps):
        learned[place] = bool(_declared(step, lowered)) or any(learned[source] for source in step.inputs)
    return learned
