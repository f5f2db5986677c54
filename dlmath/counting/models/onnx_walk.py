"""An ONNX graph walked through: channels-first maps turned round, initialisers owned by whom they serve first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from dlmath.counting.engine.shapes import elements
from dlmath.counting.models.builder import Builder
from dlmath.errors import UnreadableError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dlmath.counting.engine.graph import Network, Shape

FLOATS = {1, 10, 11, 16}
"""TensorProto.DataType of float, float16, double and bfloat16; quantised weights are told by DequantizeLinear."""
ALIASES = {"Identity", "Cast", "Transpose", "Reshape", "Unsqueeze", "Squeeze", "DequantizeLinear", "Flatten"}
"""What these make of an initialiser still is that initialiser."""


STATIC = {"Shape", "Size"}
"""What these give is known before anything runs."""
PARTS = {"Slice", "Split", "Gather", "Concat"}
"""What these make of initialisers is a parameter by itself, such as one gate's share of stacked weights."""


class Held(NamedTuple):
    """An initialiser, or another view of one.

    Attributes
    ----------
    name : str
        What it is known by, however often it is used: the initialiser's name, for parts that of the view.
    shape : tuple of int
    floats : bool
    sources : tuple of str
        The initialisers it comes from.
    """

    name: str
    shape: Shape
    floats: bool
    sources: tuple[str, ...] = ()


class Value(NamedTuple):
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


class Walk:
    """One reading of a graph.

    Attributes
    ----------
    builder : Builder
    values : dict
        The tensors that depend on the inputs.
    held : dict
        The initialisers and their views.
    """

    def __init__(self, graph: Any) -> None:
        self.graph = graph
        self.builder = Builder()
        self.values: dict[str, Value] = {}
        self.held = {
            one.name: Held(one.name, tuple(one.dims), one.data_type in FLOATS, (one.name,)) for one in graph.initializer
        }
        typed = (*graph.value_info, *graph.output, *graph.input)
        self.shapes = {one.name: _sizes(one) for one in typed}
        self.uses: dict[str, int] = {}
        for node in graph.node:
            for name in node.input:
                self.uses[name] = self.uses.get(name, 0) + 1
        self.spent: set[str] = set()

    def network(self, name: str, source: str) -> Network:
        """Return the network of the whole graph."""
        from dlmath.counting.models.onnx_moves import unknown
        from dlmath.counting.models.onnx_rules import RULES

        for given in self.graph.input:
            if given.name not in self.held:
                shape = self.shape(given.name) or (1,)
                self.values[given.name] = Value(
                    self.builder.add(given.name, "input", {"shape": shape}, ()), is_map=False
                )
        for node in self.graph.node:
            if node.op_type not in STATIC and any(one in self.values for one in node.input):
                rule = RULES.get(node.op_type) if node.domain in {"", "ai.onnx"} else None
                self._take(node, (rule or unknown)(Use(self, node)))
            else:
                self._constant(node)
        self._note_unused()
        outputs = tuple(self.values[one.name].place for one in self.graph.output if one.name in self.values)
        return self.builder.network(name, outputs, source)

    def _take(self, node: Any, made: Sequence[Value]) -> None:
        for name, value in zip(node.output, made, strict=False):
            if name:
                self.values[name] = value

    def _constant(self, node: Any) -> None:
        """Follow an initialiser through a node that only shows it otherwise."""
        sources = [self.held[one] for one in node.input if one in self.held and self.held[one].floats]
        if node.op_type == "DequantizeLinear":
            sources = [self.held[one]._replace(floats=True) for one in node.input[:1] if one in self.held]
        if not sources:
            return
        for output in node.output:
            shape = self.shapes.get(output) or sources[0].shape
            if node.op_type in ALIASES:
                self.held[output] = sources[0]._replace(shape=shape)
            elif node.op_type in PARTS:
                self.held[output] = Held(
                    output, shape, floats=True, sources=tuple(n for s in sources for n in s.sources)
                )

    def _note_unused(self) -> None:
        names = {name for one in self.held.values() if one.floats and one.shape for name in one.sources} - self.spent
        if names:
            listed = ", ".join(sorted(names)[:3]) + (", ..." if len(names) > 3 else "")
            self.builder.notes.append(
                f"{len(names)} initialisers are not parameters of any layer, not counted: {listed}"
            )

    def whole(self, name: str) -> Shape | None:
        """Return a tensor's shape with its batch, None where it is unknown."""
        return self.shapes.get(name)

    def shape(self, name: str) -> Shape | None:
        """Return a tensor's shape without a batch of 1, axes in ONNX' order."""
        shape = self.shapes.get(name)
        if shape is None:
            return None
        return (shape[1:] if len(shape) > 1 and shape[0] == 1 else shape) or (1,)


class Use:
    """One node of the graph, with what a rule asks about it.

    Attributes
    ----------
    node : NodeProto
    name, kind : str
    attributes : dict
        Numbers, lists and words.
    """

    def __init__(self, walk: Walk, node: Any) -> None:
        self.walk = walk
        self.node = node
        self.kind: str = node.op_type
        self.name: str = (node.name or (node.output[0] if node.output else "") or node.op_type)[:80]
        self.attributes: dict[str, Any] = {one.name: _attribute(one) for one in node.attribute}

    def held(self, place: int) -> Held | None:
        """Return the initialiser that is an input, None where the input is none."""
        name = self.node.input[place] if place < len(self.node.input) else ""
        return self.walk.held.get(name)

    def has(self, place: int) -> bool:
        """Return whether there is such an input."""
        return place < len(self.node.input) and bool(self.node.input[place])

    def value(self, place: int) -> Value | None:
        """Return the computed tensor that is an input, None where the input is none."""
        name = self.node.input[place] if place < len(self.node.input) else ""
        return self.walk.values.get(name)

    def computed(self) -> list[Value]:
        """Return the inputs that are computed."""
        return [self.walk.values[name] for name in self.node.input if name in self.walk.values]

    def output(self, place: int = 0) -> Shape | None:
        """Return an output's shape in ONNX' order, without a batch of 1."""
        return self.walk.shape(self.node.output[place])

    def add(
        self, kind: str, sources: Sequence[Value], *, is_map: bool, owner: str | None = None, **options: object
    ) -> Value:
        """Add a node."""
        places = tuple(source.place for source in sources)
        return Value(self.walk.builder.add(self.name, kind, options, places, owner=owner), is_map)

    def spend(self, *held: Held | None) -> str | None:
        """Say that initialisers are parameters of this node; return the first's name, by which they are shared."""
        given = [one for one in held if one is not None]
        for one in given:
            self.walk.spent.update((one.name, *one.sources))
        return given[0].name if given else None

    def is_shared(self, held: Held | None) -> bool:
        """Return whether an initialiser is a parameter of an earlier node."""
        return held is not None and held.name in self.walk.spent

    def parameter(self, held: Held) -> Value:
        """Add an initialiser as a tensor by itself."""
        self.spend(held)
        shape = tuple(held.shape[1:] if len(held.shape) > 1 and held.shape[0] == 1 else held.shape)
        return self.add("parameter", (), is_map=False, owner=held.name, shape=shape)

    def as_map(self, value: Value) -> Value:
        """Return a tensor with its channels last; unchanged where it is so already."""
        shape = self.walk.builder.shapes[value.place]
        if value.is_map or len(shape) < 2:
            return Value(value.place, is_map=True)
        order = (*range(2, len(shape) + 1), 1)
        if self.walk.builder.nodes[value.place].kind == "input":
            return self._turned_input(value, shape)
        return self.add("permute", (value,), is_map=True, order=order)

    def _turned_input(self, value: Value, shape: Shape) -> Value:
        """Turn an input round itself, so that the network begins with HEIGHTxWIDTHxCHANNELS."""
        builder, turned = self.walk.builder, (*shape[1:], shape[0])
        builder.nodes[value.place] = builder.nodes[value.place]._replace(options={"shape": turned})
        builder.shapes[value.place] = turned
        self.walk.values.update(
            {name: Value(value.place, is_map=True) for name, one in self.walk.values.items() if one == value}
        )
        return Value(value.place, is_map=True)

    def reshaped(self, value: Value, shape: Shape) -> Value:
        """Return a tensor under another shape of as many elements."""
        if self.walk.builder.shapes[value.place] == shape:
            return Value(value.place, is_map=False)
        return self.add("reshape", (value,), is_map=False, shape=shape)

    def as_onnx(self, place: int) -> Value:
        """Return an input with its axes in ONNX' order."""
        value = self.walk.values[self.node.input[place]]
        shape = self.walk.shape(self.node.input[place])
        if not value.is_map:
            return value
        if shape is None or elements(shape) != elements(self.walk.builder.shapes[value.place]):
            raise UnreadableError(f"node {self.name!r}: the shape of its input is unknown", "give --input")
        return self.reshaped(value, shape)


def _sizes(value: Any) -> Shape | None:
    if not value.type.HasField("tensor_type") or not value.type.tensor_type.HasField("shape"):
        return None
    axes = value.type.tensor_type.shape.dim
    sizes = tuple(int(axis.dim_value) for axis in axes)
    return sizes if all(size > 0 for size in sizes) else None


def _attribute(one: Any) -> Any:
    """Return an attribute's value (AttributeProto: float, int, string, floats, ints)."""
    fields = {1: "f", 2: "i", 3: "s", 6: "floats", 7: "ints"}
    value = getattr(one, fields[one.type]) if one.type in fields else None
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value if value is None or isinstance(value, (int, float)) else tuple(value)
