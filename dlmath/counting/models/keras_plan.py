"""What one layer of a Keras file becomes: a few steps in the words of the layer registry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from dlmath.counting.engine.graph import Shape

ACTIVATIONS = {
    **dict.fromkeys(("linear", "identity"), "identity"),
    **{word: word for word in ("relu", "relu6", "elu", "selu", "celu", "gelu", "mish", "sigmoid", "tanh")},
    **{word: word for word in ("softplus", "softsign", "softmax", "exponential")},
    **dict.fromkeys(("silu", "swish"), "silu"),
    **dict.fromkeys(("hard_silu", "hard_swish"), "hardswish"),
    **dict.fromkeys(("leaky_relu", "LeakyReLU"), "leakyrelu"),
    "hard_sigmoid": "hardsigmoid",
    "hard_tanh": "hardtanh",
    "log_softmax": "logsoftmax",
    "ReLU": "relu",
    "PReLU": "prelu",
    "Softmax": "softmax",
    "ELU": "elu",
}
"""Keras' activation functions, by the names its configs have for them."""


class KerasCall(NamedTuple):
    """One use of a layer.

    Attributes
    ----------
    kind : str
        The class.
    config : mapping
    shapes : tuple of shapes
        Of its inputs.
    output : tuple of int, or None
        What the file says of its output, where it does.
    constants : tuple
        Positional arguments that are no tensors.
    """

    kind: str
    config: Mapping[str, Any]
    shapes: tuple[Shape, ...]
    output: Shape | None = None
    constants: tuple[Any, ...] = ()

    @property
    def shape(self) -> Shape:
        """The shape of the first input."""
        return self.shapes[0]

    @property
    def rank(self) -> int:
        """Axes of the first input, without the batch."""
        return len(self.shape)


class KerasStep(NamedTuple):
    """One node to be made.

    Attributes
    ----------
    kind, options
        As in `graph.Node`.
    sources : tuple of int, or None
        Earlier steps of the same plan, or inputs of the layer as -1, -2, ...; None: the step before, for the first
        step every input.
    """

    kind: str
    options: Mapping[str, object] = {}
    sources: tuple[int, ...] | None = None


class KerasPlan(NamedTuple):
    """The steps of one layer, and which of them are its outputs."""

    steps: tuple[KerasStep, ...]
    outputs: tuple[int, ...] = (-1,)
    notes: tuple[str, ...] = ()


def one(kind: str, sources: tuple[int, ...] | None = None, **options: object) -> KerasPlan:
    """Return the plan of a single step."""
    return KerasPlan((KerasStep(kind, options, sources),))


def opaque(call: KerasCall, params: int | None = None) -> KerasPlan:
    """Return the plan of what is not understood: its shape as the file says it, its counts missing by name.

    What has no parameters moves or compares elements: what it does is not multiplied and added up.
    """
    macs = None if params is None else 0
    return one("opaque", label=call.kind, shape=call.output, params=params, macs=macs)


def passed(_: KerasCall) -> KerasPlan:
    """Return the plan of what hands its first input on."""
    return one("identity", (-1,))


def turned(call: KerasCall, axis: int, rule: Callable[[KerasCall], KerasPlan]) -> KerasPlan:
    """Return the plan of a layer whose channels are not the last axis: turned round, planned, and turned back.

    Parameters
    ----------
    axis : int
        The channels' axis, counted without the batch.
    """
    rank = call.rank
    order = (*(place + 1 for place in range(rank) if place != axis), axis + 1)
    back = tuple(order.index(place + 1) + 1 for place in range(rank))
    shapes = tuple(tuple(shape[place - 1] for place in order) for shape in call.shapes if len(shape) == rank)
    inner = rule(call._replace(shapes=shapes, config={**call.config, "data_format": "channels_last", "axis": -1}))
    first = KerasStep("permute", {"order": order, "view": True}, (-1,))
    shifted = tuple(_shifted(step, number) for number, step in enumerate(inner.steps))
    if call.kind.startswith("Global") and not call.config.get("keepdims"):
        return inner._replace(steps=(first, *shifted))
    return inner._replace(steps=(first, *shifted, KerasStep("permute", {"order": back, "view": True})))


def _shifted(step: KerasStep, number: int) -> KerasStep:
    """Return a step of a plan that has come to stand one place later, what it read of the layer's input read there."""
    if step.sources is None:
        return step._replace(sources=(number,))
    return step._replace(sources=tuple(source + 1 if source >= 0 else 0 for source in step.sources))


def activated(call: KerasCall, plan: KerasPlan) -> KerasPlan:
    """Return a plan with the layer's `activation` after it."""
    step = activation_step(call.config.get("activation"))
    return plan if step is None else plan._replace(steps=(*plan.steps, step))


def activation_step(function: object) -> KerasStep | None:
    """Return the step of an activation function: its name, or what Keras wrote for an object.

    >>> activation_step("hard_silu").kind, activation_step("linear")
    ('hardswish', None)
    """
    if isinstance(function, dict):
        inner = function.get("config")
        function = inner if isinstance(inner, str) else function.get("class_name")
    kind = ACTIVATIONS.get(str(function)) if function is not None else "identity"
    if kind == "identity":
        return None
    if kind is None:
        # A function that is not known has no parameters and multiplies no elements by one another
        return KerasStep("opaque", {"label": f"activation {function}"[:60], "params": 0, "macs": 0})
    return KerasStep(kind)
