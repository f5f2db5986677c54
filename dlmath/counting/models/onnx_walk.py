"""An ONNX graph walked through, node by node: each becomes layers, a held tensor, or a note of why it cannot."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dlmath.counting.engine.open_sizes import OPEN, UNRANKED
from dlmath.counting.engine.shapes import elements
from dlmath.counting.models.onnx_facts import FLOATS, INT64, ONNX_DOMAINS, OnnxFacts, array_of, sizes_of
from dlmath.counting.models.onnx_moves import unknown
from dlmath.counting.models.onnx_rules import RULES
from dlmath.counting.models.onnx_use import Computed, Held, NodeUse, OnnxReading
from dlmath.errors import DlmathError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from dlmath.counting.engine.graph import Network, Shape

ALIASES = {"Identity", "Cast", "Transpose", "Reshape", "Unsqueeze", "Squeeze", "DequantizeLinear", "Flatten"}
ALIASES |= {"Expand", "Tile", "QuantizeLinear", "CastLike", "Pad"}
"""What these make of an initialiser still is that initialiser."""
PARTS = {"Slice", "Split", "Gather"}
"""What these make of an initialiser is a part of it, such as one gate's share of stacked weights."""
STATIC = {"Shape", "Size"}
"""What these give is known before anything runs."""
DOMAINS = {*ONNX_DOMAINS, "com.microsoft"}
WEIGHT_PLACES = {
    **dict.fromkeys(("Conv", "ConvTranspose", "FusedConv", "Gemm", "LayerNormalization"), (1, 2)),
    **dict.fromkeys(("InstanceNormalization", "GroupNormalization"), (1, 2)),
    "BatchNormalization": (1, 2, 3, 4),
    **dict.fromkeys(("LSTM", "GRU", "RNN"), (1, 2, 3)),
    "PRelu": (1,),
    "Gather": (0,),
}
"""Where an input of the graph that stands there alone is a weight, fed from outside."""
DEEPEST = 20
FAULTS = (DlmathError, ValueError, KeyError, IndexError, TypeError, AttributeError, ArithmeticError)
"""What a rule raises on a node that contradicts itself."""


class OnnxWalk:
    """One reading of a graph.

    Attributes
    ----------
    reading : OnnxReading
    faults : dict of str to list of str
        What contradicts itself, by kind of operator.
    """

    def __init__(
        self, graph: Any, opsets: Mapping[str, int], declared: Mapping[str, Shape], constants: set[str]
    ) -> None:
        self.graph = graph
        self.declared = declared
        self.reading = OnnxReading(OnnxFacts(opsets))
        self.faults: dict[str, list[str]] = {}
        self.depth = 0
        self.reading.constants = constants

    def network(self, name: str, source: str) -> Network:
        """Return the network of the whole graph."""
        self._hold(self.graph)
        fed = {given.name for given in weights_fed(self.graph)}
        for given in self.graph.input:
            if given.name not in self.reading.held:
                self._feed(given, is_weight=given.name in fed)
        self._nodes(self.graph)
        self._note_faults()
        self._note_unused()
        outputs = tuple(
            self.reading.values[one.name].place for one in self.graph.output if one.name in self.reading.values
        )
        if not outputs and self.reading.builder.nodes:
            outputs = (len(self.reading.builder.nodes) - 1,)
        return self.reading.builder.network(name, outputs, source)

    def _hold(self, graph: Any) -> None:
        for tensor in graph.initializer:
            self.reading.hold(tensor.name, tuple(tensor.dims), floats=tensor.data_type in FLOATS)
            self.reading.facts.hold(tensor)
        for sparse in graph.sparse_initializer:
            name, sizes = sparse.values.name, tuple(sparse.dims)
            self.reading.hold(name, sizes, floats=True)
            self.reading.facts.tell(name, sizes)
        for node in _nodes_of(graph):
            for name in node.input:
                self.reading.uses[name] = self.reading.uses.get(name, 0) + 1

    def _feed(self, given: Any, *, is_weight: bool) -> None:
        """Add an input of the graph; one that is fed as weights is held."""
        shape = sizes_of(given.type)
        kind = given.type.tensor_type.elem_type
        self.reading.facts.tell(given.name, shape, kind)
        if is_weight and shape is not None:
            self.reading.hold(given.name, shape, floats=kind in FLOATS)
            self.reading.builder.notes.append("weights are inputs of the graph: each is counted as a parameter")
            return
        inner = self.reading.shape(given.name) or (UNRANKED if shape is None else (1,))
        place = self.reading.builder.add(given.name, "input", {"shape": inner}, ())
        self.reading.values[given.name] = Computed(place, is_map=False)

    def _nodes(self, graph: Any) -> None:
        for node in graph.node:
            attributes = {one.name: attribute(one) for one in node.attribute}
            if node.op_type in BODIES and node.domain in ONNX_DOMAINS:
                BODIES[node.op_type](self, node, attributes)
                continue
            self.reading.facts.learn(node, attributes)
            self._use_declared(node)
            if node.op_type not in STATIC and any(name in self.reading.values for name in node.input):
                self._take(node, self._made(NodeUse(self.reading, node, attributes)))
            else:
                self._static(node)

    def _use_declared(self, node: Any) -> None:
        """Believe the file's own word for a shape where nothing else is known."""
        for name in node.output:
            if self.reading.whole(name) is None and name in self.declared:
                self.reading.facts.shapes[name] = self.declared[name]

    def _made(self, use: NodeUse) -> Sequence[Computed]:
        """Return what a node gives; one that contradicts itself is told and passed over."""
        rule = RULES.get(use.kind) if use.node.domain in DOMAINS else None
        mark = self.reading.mark()
        try:
            return (rule or unknown)(use)
        except FAULTS as error:
            fault = error.what if isinstance(error, DlmathError) else str(error) or type(error).__name__
            self.faults.setdefault(use.kind, []).append(fault)
            self.reading.undo(mark)
        try:
            return unknown(use, "it contradicts itself")
        except FAULTS:  # its output has a shape that nothing can have
            self.reading.undo(mark)
            for name in use.node.output:
                self.reading.facts.shapes[name] = None
            return unknown(use, "it contradicts itself")

    def _take(self, node: Any, made: Sequence[Computed]) -> None:
        for name, value in zip(node.output, made, strict=False):
            if name:
                self.reading.values[name] = value
                self._teach(name, value)

    def _teach(self, name: str, value: Computed) -> None:
        """Say what shape a map has where ONNX' inference could not."""
        shape = self.reading.builder.shapes[value.place]
        if value.is_map and self.reading.whole(name) is None and shape is not UNRANKED:
            self.reading.facts.shapes[name] = (1, shape[-1], *shape[:-1])

    def _static(self, node: Any) -> None:
        """Follow held tensors through a node that runs before any input comes."""
        held = [self.reading.held[name] for name in node.input if name in self.reading.held]
        if node.op_type == "DequantizeLinear":
            held = [one._replace(floats=True) for one in held[:1]]
        floats = [one for one in held if one.floats and one.sources and not self._is_number(one)]
        for name in node.output:
            shape = self.reading.shape(name)
            whole = self.reading.whole(name)
            known = UNRANKED if shape is None or whole is None else whole
            self.reading.held[name] = self._view(node, name, known, floats)

    def _is_number(self, held: Held) -> bool:
        """Return whether a tensor is one number that stands in the graph: what is made of it was not learned."""
        return len(held.sources) == 1 and held.sources[0] in self.reading.constants and elements(held.shape) == 1

    def _view(self, node: Any, name: str, shape: Shape, floats: Sequence[Held]) -> Held:
        is_float = self.reading.facts.types.get(name, 1) in FLOATS
        if not floats:
            return Held(name, shape, floats=is_float)
        if node.op_type in ALIASES and len(floats) == 1:
            return floats[0]._replace(shape=floats[0].shape if shape is UNRANKED else shape)
        sources = tuple(dict.fromkeys(source for one in floats for source in one.sources))
        return Held(name, shape, floats=True, sources=sources, is_part=node.op_type in PARTS and shape is not UNRANKED)

    def subgraph(self, graph: Any) -> list[str]:
        """OnnxWalk through a body, and return the names of its outputs."""
        self.depth += 1
        if self.depth > DEEPEST:
            raise ValueError("its bodies are nested too deep")
        self._hold(graph)
        self._nodes(graph)
        self.depth -= 1
        return [output.name for output in graph.output]

    def bind(self, name: str, outer: str) -> None:
        """Let a name within a body mean a tensor around it."""
        facts = self.reading.facts
        facts.tell(name, facts.shapes.get(outer), facts.types.get(outer, 1), facts.numbers.get(outer))
        if outer in self.reading.values:
            self.reading.values[name] = self.reading.values[outer]
        elif outer in self.reading.held:
            self.reading.held[name] = self.reading.held[outer]

    def _note_faults(self) -> None:
        for kind, faults in self.faults.items():
            self.reading.builder.notes.append(f"{kind} x {len(faults)} contradicts itself: {faults[0][:160]}")

    def _note_unused(self) -> None:
        settings = {name for node in _nodes_of(self.graph) for name in _settings(node)}
        left = [
            name
            for name, size in self.reading.left.items()
            if name not in settings and self.reading.held[name].floats and 1 < size == self.reading.sizes[name]
        ]
        if left:
            listed = ", ".join(sorted(left)[:3]) + (", ..." if len(left) > 3 else "")
            self.reading.builder.notes.append(
                f"{len(left)} initialisers are not parameters of any layer, not counted: {listed}"
            )


def _settings(node: Any) -> Iterable[str]:
    """Return the inputs of a node that are scales, zero points or other settings."""
    if node.op_type in {"QuantizeLinear", "DequantizeLinear", "Resize", "Upsample", "Clip"}:
        return tuple(node.input[1:])
    return tuple(node.input) if node.op_type.startswith("QLinear") else ()


def _nodes_of(graph: Any) -> Iterable[Any]:
    """Yield the nodes of a graph and of the bodies in it."""
    for node in graph.node:
        yield node
        for one in node.attribute:
            if one.HasField("g"):
                yield from _nodes_of(one.g)


def weights_fed(graph: Any) -> list[Any]:
    """Return the inputs that are read as weights alone, where another input is data."""
    held = {tensor.name for tensor in graph.initializer}
    places: dict[str, set[bool]] = {}
    for node in _nodes_of(graph):
        for place, name in enumerate(node.input):
            places.setdefault(name, set()).add(place in WEIGHT_PLACES.get(node.op_type, ()))
    fed = [given for given in graph.input if given.name not in held]
    weights = [given for given in fed if places.get(given.name) == {True}]
    return weights if len(weights) < len(fed) else []


def _if(walk: OnnxWalk, node: Any, attributes: dict[str, Any]) -> None:
    """OnnxWalk through the branch that is taken; where that is not known, hold both and run the one of more MACs."""
    condition = walk.reading.facts.numbers.get(node.input[0])
    branches = [attributes["then_branch"], attributes["else_branch"]]
    if condition is not None and isinstance(flag := condition.reshape(-1)[0], (bool, int)) and flag != OPEN:
        names = walk.subgraph(branches[0 if flag else 1])
    else:
        names = _both(walk, branches)
    for name, inner in zip(node.output, names, strict=False):
        walk.bind(name, inner)


def _both(walk: OnnxWalk, branches: Sequence[Any]) -> list[str]:
    builder, spans, names = walk.reading.builder, [], []
    for branch in branches:
        start = len(builder.nodes)
        names.append(walk.subgraph(branch))
        spans.append((start, len(builder.nodes)))
    work = [sum(builder.macs[start:stop]) for start, stop in spans]
    most = 0 if work[0] >= work[1] else 1
    builder.idle(*spans[1 - most])
    builder.notes.append("If: what both branches hold is counted, and the operations of the one that has more")
    return names[most]


def _loop(walk: OnnxWalk, node: Any, attributes: dict[str, Any]) -> None:
    """OnnxWalk through the body once, its layers run as often as the loop turns."""
    body, turns = attributes["body"], walk.reading.facts.numbers.get(node.input[0])
    count = 1 if turns is None else turns.reshape(-1)[0]
    if turns is None or count == OPEN or not isinstance(count, int) or not 0 < count <= MOST_TURNS:
        count = 1
        walk.reading.builder.notes.append("Loop: how often it turns is not known; its body is counted for one turn")
    facts = walk.reading.facts
    for given in list(body.input)[:2]:
        facts.tell(given.name, (), INT64)
    for given, outer in zip(list(body.input)[2:], list(node.input)[2:], strict=False):
        walk.bind(given.name, outer)
    _turned(walk, node, body, count, carried=len(node.input) - 2, first=1)


def _scan(walk: OnnxWalk, node: Any, attributes: dict[str, Any]) -> None:
    """OnnxWalk through the body once, its layers run for every step of the sequences it scans."""
    body, scanned = attributes["body"], attributes["num_scan_inputs"]
    carried, facts, steps = len(node.input) - scanned, walk.reading.facts, 1
    for place, (given, outer) in enumerate(zip(body.input, node.input, strict=False)):
        walk.bind(given.name, outer)
        shape = facts.shapes.get(outer)
        if place >= carried and shape:
            steps = shape[0]
            facts.shapes[given.name] = shape[1:]
            facts.numbers.pop(given.name, None)
    _turned(walk, node, body, steps, carried=carried, first=0)


MOST_TURNS = 10**6


def _turned(walk: OnnxWalk, node: Any, body: Any, count: int, *, carried: int, first: int) -> None:
    before = walk.reading.times
    walk.reading.times = before * count
    names = walk.subgraph(body)[first:]
    walk.reading.times = before
    for place, (name, inner) in enumerate(zip(node.output, names, strict=False)):
        walk.bind(name, inner)
        shape = walk.reading.whole(inner)
        if place >= carried and name:
            walk.reading.facts.shapes[name] = None if shape is None else (count, *shape)


BODIES = {"If": _if, "Loop": _loop, "Scan": _scan}
"""Operators with graphs inside them."""


def attribute(one: Any) -> Any:
    """Return an attribute's value (AttributeProto: float, int, string, tensor, graph, floats, ints)."""
    fields = {1: "f", 2: "i", 3: "s", 5: "g", 6: "floats", 7: "ints", 8: "strings"}
    if one.type == 4:
        return array_of(one.t)
    value = getattr(one, fields[one.type]) if one.type in fields else None
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return tuple(value or ()) if one.type in {6, 7, 8} else value
