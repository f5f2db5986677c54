"""A network of the architecture language as the steps that are trained: what each layer means in elementary layers.

A convolution is a product and a bias, a separable one two convolutions, a dense layer on a map a flattening before.
What cannot be trained is refused here, with its name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from dlmath.counting.engine.graph import AUXILIARY
from dlmath.counting.engine.layers import FAMILY, count_layer, get_kind
from dlmath.counting.engine.options import resolve
from dlmath.counting.engine.shapes import shape_text
from dlmath.errors import InvalidValueError, ShapeError
from dlmath.neural.activations import ACTIVATIONS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from dlmath.counting.engine.graph import Network, Node, Shape

    Parts = list[tuple[str, Mapping[str, Any]]]


class Step(NamedTuple):
    """One elementary layer.

    Attributes
    ----------
    kind : str
        A key of `layers.TRAINABLE`.
    options : mapping
    inputs : tuple of int
        Places of earlier steps.
    output : Shape
        Canonical: (H, W, C) or (F,).
    node : int
        Place in the network of the layer it belongs to.
    id : int
        Its number before any reordering: what its parameters are known by.
    shares : int or None
        The id of the step whose parameters it uses.
    frozen : bool
    """

    kind: str
    options: Mapping[str, Any]
    inputs: tuple[int, ...]
    output: Shape
    node: int
    id: int
    shares: int | None = None
    frozen: bool = False


class Lowered(NamedTuple):
    """A network's steps.

    Attributes
    ----------
    steps : tuple of Step
    places : tuple of int
        For each node of the network the step that gives its output.
    """

    steps: tuple[Step, ...]
    places: tuple[int, ...]


WORDS = {name.replace("-", ""): name for name in ACTIVATIONS} | {"silu": "swish"}
"""The registry's activations by the words that layers are called."""
RENAMED = ("maxpool", "globalpool", "globalmaxpool", "batchnorm", "layernorm", "groupnorm", "instancenorm", "flatten")
MOVED = ("add", "multiply", "average", "concat", "dropout", "stochasticdepth", "avgpool", "zeropad", "crop")
AS_IT_IS = (*RENAMED, *MOVED, "padchannels", "scale", "relu6")


def lower(network: Network) -> Lowered:
    """Return the steps of a network.

    Raises
    ------
    InvalidValueError
        For a layer that cannot be trained, by its name.
    ShapeError
        For an input that is no image or vector.
    """
    steps: list[Step] = []
    places: list[int] = []
    named: dict[str, list[int]] = {}
    for number, node in enumerate(network.nodes):
        before = len(steps)
        _check(node)
        owners = named.get(node.shares, []) if node.shares else []
        current = tuple(places[source] for source in node.inputs)
        for turn, (kind, options) in enumerate(_parts(node, tuple(steps[place].output for place in current))):
            shape = _output(kind, options, tuple(steps[place].output for place in current))
            owner = owners[turn] if owners else None
            steps.append(Step(kind, options, current, shape, number, len(steps), owner, node.frozen))
            current = (len(steps) - 1,)
        places.append(current[0])
        named[node.name] = list(range(before, len(steps)))
    return Lowered(tuple(steps), tuple(places))


def _check(node: Node) -> None:
    if node.group == AUXILIARY:
        raise InvalidValueError(
            f"layer {node.name!r} belongs to an auxiliary head, which is not trained here", "leave the head out"
        )
    if node.times != 1:
        raise InvalidValueError(
            f"layer {node.name!r} runs {node.times} times an image, which is not trained here", "run it once"
        )


def _output(kind: str, options: Mapping[str, Any], shapes: tuple[Shape, ...]) -> Shape:
    if kind == "input":
        return _image_shape(tuple(options["shape"]))
    if kind in {"bias", "activation"}:
        return shapes[0]
    return count_layer(kind, options, shapes).output


def _image_shape(shape: Shape) -> Shape:
    if len(shape) not in {1, 3}:
        raise ShapeError(
            f"an input of shape {shape_text(shape)} is no image", "give HEIGHTxWIDTHxCHANNELS, or a length"
        )
    return shape


def _parts(node: Node, shapes: tuple[Shape, ...]) -> Parts:
    """Return what a layer consists of: kinds with their options; nothing where it does nothing."""
    options = {option.name: node.options[option.name] for option in get_kind(node.kind).options}
    if node.kind in WORDS:
        return [] if WORDS[node.kind] == "linear" else [("activation", {"name": WORDS[node.kind]})]
    if node.kind in PARTS:
        return PARTS[node.kind](node, options, shapes)
    if node.kind in AS_IT_IS:
        return _as_it_is(node, options, shapes)
    raise untrainable(node)


def untrainable(node: Node, why: str = "") -> InvalidValueError:
    """Return the error for a layer that cannot be trained here."""
    known = sorted({*WORDS, *PARTS, *AS_IT_IS} & set(FAMILY))
    reason = f" ({why})" if why else ""
    return InvalidValueError(
        f"layer {node.name!r} ({node.kind}) cannot be trained here{reason}", f"trainable are {', '.join(known)}"
    )


def _as_it_is(node: Node, options: dict[str, Any], shapes: tuple[Shape, ...]) -> Parts:
    check = CHECKS.get(node.kind)
    if check is not None:
        check(node, options, shapes)
    return [(node.kind, options)]


def _with_bias(node: Node, options: dict[str, Any], _shapes: tuple[Shape, ...]) -> Parts:
    if options["bias"] == "position":
        raise untrainable(node, "a bias for each position")
    bare = {**options, "bias": "no"}
    bias: Parts = [("bias", {})] if options["bias"] == "yes" else []
    return [(node.kind, bare), *bias]


def _separable(_node: Node, options: dict[str, Any], _shapes: tuple[Shape, ...]) -> Parts:
    first = {key: value for key, value in options.items() if key != "out"}
    second = resolve("conv", get_kind("conv"), {"kernel": (1, 1), "out": options["out"], "bias": "no"})
    bias: Parts = [("bias", {})] if options["bias"] == "yes" else []
    return [("depthwise", {**first, "bias": "no"}), ("conv", second), *bias]


def _dense(node: Node, options: dict[str, Any], shapes: tuple[Shape, ...]) -> Parts:
    (shape,) = shapes
    if len(shape) > 1 and options["over"] == "last":
        raise untrainable(node, "over the last axis of a map")
    flatten: Parts = [("flatten", {"start": 0})] if len(shape) > 1 else []
    bias: Parts = [("bias", {})] if options["bias"] else []
    return [*flatten, ("dense", {**options, "bias": False, "over": "auto"}), *bias]


def _adaptive(node: Node, options: dict[str, Any], shapes: tuple[Shape, ...]) -> Parts:
    """Return windows of one size where the map divides evenly, which are faster."""
    _check_map(node, options, shapes)
    rows, columns = shapes[0][:2]
    sizes = options["size"] * 2 if len(options["size"]) == 1 else options["size"]
    if rows % sizes[0] or columns % sizes[1]:
        return [(node.kind, options)]
    kernel = rows // sizes[0], columns // sizes[1]
    kind = "maxpool" if node.kind == "adaptivemaxpool" else "avgpool"
    return [(kind, resolve(kind, get_kind(kind), {"kernel": kernel, "pad": "valid"}))] if max(kernel) > 1 else []


def _identity(_node: Node, _options: dict[str, Any], _shapes: tuple[Shape, ...]) -> Parts:
    return []


def _input(_node: Node, options: dict[str, Any], _shapes: tuple[Shape, ...]) -> Parts:
    return [("input", options)]


PARTS: dict[str, Callable[[Node, dict[str, Any], tuple[Shape, ...]], Parts]] = {
    "input": _input,
    "conv": _with_bias,
    "depthwise": _with_bias,
    "separable": _separable,
    "dense": _dense,
    "identity": _identity,
    "adaptivepool": _adaptive,
    "adaptivemaxpool": _adaptive,
}


def _check_rate(node: Node, options: dict[str, Any], _shapes: tuple[Shape, ...]) -> None:
    try:
        rate = float(str(options["rate"]))
    except ValueError:
        rate = -1.0
    if not 0 <= rate < 1:
        raise InvalidValueError(
            f"layer {node.name!r}: rate={str(options['rate'])[:20]} is no share of numbers to drop",
            "give one from 0 to below 1",
        )
    options["rate"] = rate


def _check_map(node: Node, _options: dict[str, Any], shapes: tuple[Shape, ...]) -> None:
    if len(shapes[0]) != 3:
        raise ShapeError(
            f"layer {node.name!r} ({node.kind}) cannot take a vector of {shape_text(shapes[0])}",
            "put it before flatten",
        )


def _check_flatten(node: Node, options: dict[str, Any], _shapes: tuple[Shape, ...]) -> None:
    if options["start"]:
        raise untrainable(node, "of some axes only")


def _check_axes(node: Node, options: dict[str, Any], shapes: tuple[Shape, ...]) -> None:
    if options["axes"] not in {1, len(shapes[0])}:
        raise untrainable(node, f"over {options['axes']} axes of {shape_text(shapes[0])}")


def _check_statistics(node: Node, options: dict[str, Any], _shapes: tuple[Shape, ...]) -> None:
    if options["frozen"] or not options["statistics"]:
        raise untrainable(node, "frozen, or without running statistics")


def _check_join(node: Node, _options: dict[str, Any], shapes: tuple[Shape, ...]) -> None:
    if len({len(shape) for shape in shapes}) > 1:
        raise untrainable(node, "of a map and a vector")


def _check_concat(node: Node, options: dict[str, Any], shapes: tuple[Shape, ...]) -> None:
    if options["axis"] % len(shapes[0]) != len(shapes[0]) - 1:
        raise untrainable(node, "along the height or the width")


def _check_per(node: Node, options: dict[str, Any], _shapes: tuple[Shape, ...]) -> None:
    if options["per"] != "channel":
        raise untrainable(node, f"per={options['per']}")


CHECKS: dict[str, Callable[[Node, dict[str, Any], tuple[Shape, ...]], None]] = {
    "dropout": _check_rate,
    "stochasticdepth": _check_rate,
    "flatten": _check_flatten,
    "maxpool": _check_map,
    "avgpool": _check_map,
    "instancenorm": _check_map,
    "layernorm": _check_axes,
    "batchnorm": _check_statistics,
    "add": _check_join,
    "multiply": _check_join,
    "average": _check_join,
    "concat": _check_concat,
    "scale": _check_per,
}


# ---------------------------------------------------------------- reordering


MONOTONE = ("bias", "activation")


def consumers(steps: Sequence[Step]) -> list[list[int]]:
    """Return, for each step, the steps that read it."""
    readers: list[list[int]] = [[] for _ in steps]
    for place, step in enumerate(steps):
        for source in step.inputs:
            readers[source].append(place)
    return readers


def commuted(lowered: Lowered) -> Lowered:
    """Return the same network with maxima taken before bias and ReLU, which then have a quarter of the numbers.

    max(x + b) = max(x) + b and max(relu(x)) = relu(max(x)), bit for bit, as both never decrease; no other activation
    is moved. The gradient goes to the same input, ties between equal maxima included.
    """
    steps, places = list(lowered.steps), list(lowered.places)
    for start in range(len(steps)):
        place = start
        while _may_swap(steps, place):
            _swap(steps, places, place)
            place -= 1
    return Lowered(tuple(steps), tuple(places))


def _may_swap(steps: Sequence[Step], place: int) -> bool:
    """Whether the pooling at `place` may change places with the step it reads."""
    step = steps[place]
    if step.kind not in {"maxpool", "globalmaxpool"}:
        return False
    source = step.inputs[0]
    before = steps[source]
    moves = before.kind == "bias" or before.options.get("name") == "relu"
    only = len(consumers(steps)[source]) == 1 and source == place - 1 and before.inputs == (source - 1,)
    return moves and only


def _swap(steps: list[Step], places: list[int], place: int) -> None:
    """Let the pooling run first; the steps keep their places, which are what others read."""
    pool, before = steps[place], steps[place - 1]
    steps[place - 1] = pool._replace(inputs=before.inputs)
    steps[place] = before._replace(inputs=(place - 1,), output=pool.output)
    for node, step in enumerate(places):
        if step == place - 1:
            places[node] = place  # what the layer before pooling gave is no longer there: its pooled numbers are
