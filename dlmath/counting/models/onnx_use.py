"""One reading of an ONNX graph: what is computed, what is held, and what a rule may ask about the node it is for.

Parameters are the file's own tensors: the first node that uses one owns it, and whatever is made of a tensor before
anything runs (transposed, cut, dequantised, stretched) still is that tensor.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from dlmath.counting.engine.open_sizes import OPEN, UNRANKED, is_open
from dlmath.counting.engine.shapes import elements
from dlmath.counting.models.builder import ModelBuilder

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dlmath.counting.engine.graph import Node, Shape
    from dlmath.counting.models.onnx_facts import OnnxFacts


class Held(NamedTuple):
    """A tensor that does not depend on the inputs.

    Attributes
    ----------
    name : str
        What it is known by, however often it is used: the initialiser's name, for parts that of the part.
    shape : tuple of int
    floats : bool
    sources : tuple of str
        The initialisers it is made of; none where it is made of numbers alone, such as zeros.
    is_part : bool
        It holds a part of its sources (one gate's share of stacked weights), not all of them.
    """

    name: str
    shape: Shape
    floats: bool
    sources: tuple[str, ...] = ()
    is_part: bool = False


class Computed(NamedTuple):
    """A tensor that is computed.

    Attributes
    ----------
    place : int
        Of the node that gives it.
    is_map : bool
        Whether that node has turned it channels last.
    """

    place: int
    is_map: bool


class Claim(NamedTuple):
    """Elements of an initialiser that a node has come to own."""

    source: str
    elements: int


class OnnxReading:
    """What has been read of a graph so far.

    Attributes
    ----------
    builder : ModelBuilder
    facts : OnnxFacts
    values : dict of str to Computed
        The tensors that depend on the inputs.
    held : dict of str to Held
        Those that do not.
    left : dict of str to int
        Elements of each initialiser that no node owns yet.
    sizes : dict of str to int
        Elements of each initialiser.
    owners : dict of str to str
        The node that first used a held tensor, by the tensor's name.
    constants : set of str
        Initialisers that stood in the graph as Constant nodes.
    times : int
        How often nodes run that are read now (in the body of a loop).
    """

    def __init__(self, facts: OnnxFacts) -> None:
        self.builder = ModelBuilder()
        self.facts = facts
        self.values: dict[str, Computed] = {}
        self.held: dict[str, Held] = {}
        self.left: dict[str, int] = {}
        self.sizes: dict[str, int] = {}
        self.owners: dict[str, str] = {}
        self.uses: dict[str, int] = {}
        self.constants: set[str] = set()
        self.times = 1
        self._claims: list[Claim] = []
        self._owned: list[str] = []

    def hold(self, name: str, shape: Shape, *, floats: bool) -> None:
        """Say that the file has a tensor."""
        self.held[name] = Held(name, shape, floats, (name,))
        self.left[name] = self.sizes[name] = elements(shape)

    def is_parameter(self, held: Held | None) -> bool:
        """Return whether a tensor that is added or multiplied may be one that was learned, and is no mere number."""
        if held is None or not held.floats or not held.sources:
            return False
        return elements(held.shape) > 1 or bool(held.shape and not self.constants.intersection(held.sources))

    def claim(self, held: Held, node: str) -> int:
        """Return how many elements a node comes to own with a held tensor: those that no earlier node owns."""
        if held.name in self.owners:
            return 0
        self.owners[held.name] = node
        self._owned.append(held.name)
        room = elements(held.shape) if held.is_part else OPEN
        total = 0
        for source in held.sources:
            taken = min(self.left[source], room - total)
            self.left[source] -= taken
            self._claims.append(Claim(source, taken))
            total += taken
        return total

    def mark(self) -> tuple[int, int, int]:
        """Return where the reading stands, for `undo`."""
        return len(self._claims), len(self._owned), len(self.builder.nodes)

    def undo(self, mark: tuple[int, int, int]) -> None:
        """Take back what a rule has done that then failed."""
        claims, owned, nodes = mark
        for claim in self._claims[claims:]:
            self.left[claim.source] += claim.elements
        for name in self._owned[owned:]:
            self.owners.pop(name, None)
        del self._claims[claims:], self._owned[owned:]
        self.builder.forget(nodes)

    def whole(self, name: str) -> Shape | None:
        """Return a tensor's shape with its batch, None where not even the number of axes is known."""
        return self.facts.shapes.get(name)

    def shape(self, name: str) -> Shape | None:
        """Return a tensor's shape without a batch of 1, axes in ONNX' order."""
        shape = self.whole(name)
        return None if shape is None or any(size < 1 for size in shape) else without_batch(shape)


def without_batch(shape: Shape) -> Shape:
    """Return a shape without a batch of 1 before it.

    >>> without_batch((1, 3, 8, 8)), without_batch((5,)), without_batch((1,))
    ((3, 8, 8), (5,), (1,))
    """
    return (shape[1:] if len(shape) > 1 and shape[0] == 1 else shape) or (1,)


class NodeUse:
    """One node of the graph, with what a rule asks about it.

    Attributes
    ----------
    node : NodeProto
    name, kind : str
    attributes : dict
        Numbers, lists, words, small arrays.
    """

    def __init__(self, reading: OnnxReading, node: Any, attributes: dict[str, Any]) -> None:
        self.reading = reading
        self.node = node
        self.kind: str = node.op_type
        self.name: str = (node.name or (node.output[0] if node.output else "") or node.op_type)[:80]
        self.attributes = attributes

    def input_name(self, place: int) -> str:
        """Return the name of an input, "" where it is left out."""
        return self.node.input[place] if place < len(self.node.input) else ""

    def held(self, place: int) -> Held | None:
        """Return the held tensor that is an input, None where the input is none."""
        return self.reading.held.get(self.input_name(place))

    def value(self, place: int) -> Computed | None:
        """Return the computed tensor that is an input, None where the input is none."""
        return self.reading.values.get(self.input_name(place))

    def computed(self) -> list[Computed]:
        """Return the inputs that are computed."""
        return [self.reading.values[name] for name in self.node.input if name in self.reading.values]

    def first(self) -> Computed:
        """Return the first input that is computed."""
        return self.computed()[0]

    def first_place(self) -> int:
        """Return the place of the first input that is computed."""
        return next(place for place in range(len(self.node.input)) if self.value(place) is not None)

    def whole(self, place: int) -> Shape | None:
        """Return an input's shape with its batch."""
        return self.reading.whole(self.input_name(place))

    def output(self, place: int = 0) -> Shape | None:
        """Return an output's shape in ONNX' order, without a batch of 1; None where its axes are not known."""
        return self.reading.shape(self.node.output[place])

    def shape_of(self, value: Computed) -> Shape:
        """Return the shape of a computed tensor as its node gives it."""
        return self.reading.builder.shapes[value.place]

    def node_of(self, value: Computed) -> Node:
        """Return the node that gives a tensor."""
        return self.reading.builder.nodes[value.place]

    def claim(self, *tensors: Held | None) -> int:
        """Return how many elements of held tensors this node comes to own."""
        return sum(self.reading.claim(held, self.name) for held in tensors if held is not None)

    def owner(self, held: Held | None) -> str | None:
        """Return the earlier node that owns a held tensor, None where there is none."""
        return None if held is None else self.reading.owners.get(held.name)

    def add(
        self,
        kind: str,
        sources: Sequence[Computed],
        *,
        is_map: bool,
        held: tuple[int, int, int] = (0, 0, 0),
        shares: str | None = None,
        **options: object,
    ) -> Computed:
        """Add a node that owns so many elements as weights, biases and buffers."""
        places = tuple(source.place for source in sources)
        builder, times = self.reading.builder, self.reading.times
        return Computed(builder.add(self.name, kind, options, places, held=held, shares=shares, times=times), is_map)

    def by_hand(self, sources: Sequence[Computed], shape: Shape | None, macs: int | None, params: int = 0) -> Computed:
        """Add an operator whose work has been reckoned by its rule; None where it is not known."""
        options: dict[str, Any] = {"label": self.kind, "shape": UNRANKED if shape is None else shape, "params": params}
        return self.add("opaque", sources, is_map=False, held=(params, 0, 0), macs=macs, **options)

    def parameter(self, held: Held) -> Computed:
        """Add a held tensor as a layer by itself."""
        owner = self.owner(held)
        fresh = self.claim(held)
        shape = without_batch(held.shape) if held.shape is not UNRANKED else UNRANKED
        if shape is UNRANKED:
            return self.by_hand((), shape, 0, fresh)
        return self.add("parameter", (), is_map=False, held=(fresh, 0, 0), shares=owner, shape=shape)

    def assumed(self, value: Computed, shape: Shape) -> Computed:
        """Return a tensor under the shape its user needs, where nothing is known of its own."""
        if self.shape_of(value) is not UNRANKED:
            return value
        return self.add("reshape", (value,), is_map=value.is_map, shape=shape)

    def as_map(self, value: Computed, rank: int | None = None, channels: int = OPEN) -> Computed:
        """Return a tensor with its channels last; of one that is unknown, so many axes and channels are assumed."""
        if self.shape_of(value) is UNRANKED and rank is not None:
            return self.assumed(value._replace(is_map=True), (OPEN,) * rank + (channels,))
        shape = self.shape_of(value)
        if value.is_map or len(shape) < 2:
            return Computed(value.place, is_map=True)
        if self.node_of(value).kind == "input" and value.place not in self.reading.builder.read:
            return self._turned_input(value, shape)
        return self.add("permute", (value,), is_map=True, order=(*range(2, len(shape) + 1), 1))

    def _turned_input(self, value: Computed, shape: Shape) -> Computed:
        """Turn an input round itself, so that the network begins with HEIGHTxWIDTHxCHANNELS."""
        self.reading.builder.reshape_input(value.place, (*shape[1:], shape[0]))
        turned = Computed(value.place, is_map=True)
        self.reading.values.update({name: turned for name, known in self.reading.values.items() if known == value})
        return turned

    def reshaped(self, value: Computed, shape: Shape) -> Computed:
        """Return a tensor under another shape of as many elements."""
        if self.shape_of(value) == shape and self.shape_of(value) is not UNRANKED:
            return Computed(value.place, is_map=False)
        return self.add("reshape", (value,), is_map=False, shape=shape)

    def as_onnx(self, place: int) -> Computed:
        """Return an input with its axes in ONNX' order."""
        value = self.reading.values[self.input_name(place)]
        if not value.is_map:
            return value
        have = self.shape_of(value)
        if have is UNRANKED:
            return Computed(value.place, is_map=False)
        told = self.reading.shape(self.input_name(place))
        turned = (have[-1], *have[:-1])
        return self.reshaped(
            value, turned if told is None or elements(told) != elements(have) else _better(told, turned)
        )


def _better(told: Shape, turned: Shape) -> Shape:
    """Return the shape that leaves less open, of two for one tensor."""
    return turned if sum(map(is_open, told)) > sum(map(is_open, turned)) else told
