"""Counting a network: layer by layer, then the sums."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from dlmath.counting.engine import receptive
from dlmath.counting.engine.graph import AUXILIARY, Network, Node
from dlmath.counting.engine.layers import count_layer
from dlmath.counting.engine.open_sizes import OPEN, UNRANKED, is_open
from dlmath.counting.engine.shapes import elements, shape_text
from dlmath.counting.engine.tally import kept
from dlmath.errors import DlmathError, ShapeError, unknown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dlmath.counting.engine.graph import Shape
    from dlmath.counting.engine.receptive import Field
    from dlmath.counting.engine.tally import Count

AUXILIARIES = ("without", "parameters", "with")
"""What of auxiliary heads counts: nothing, what they hold, or what they do too."""

OPERATIONS = ("macs", "bias_adds", "norm_ops", "pool_ops", "activation_ops", "join_ops", "connections")
HELD = ("weights", "biases", "buffers", "params", "trainable_params")
TOTALS = (*HELD, *OPERATIONS, "flops", "activations")
"""What a row has a number for, and a network the sum of its rows."""


class LayerRow(NamedTuple):
    """One layer of a network, counted.

    Attributes
    ----------
    node : Node
    input_shapes : tuple of shapes
    counted : Count
        Of the layer by itself, run once.
    fields : tuple of Field
        What part of the input an output sees, one an axis.
    held : bool
        Whether its parameters count here: not those it shares with an earlier layer.
    runs : int
        How often it runs for one input: `node.times`, 0 for an auxiliary head of which parameters alone count.
    misaligned : tuple of str
        What does not fit where branches join.
    """

    node: Node
    input_shapes: tuple[Shape, ...]
    counted: Count
    fields: tuple[Field, ...]
    held: bool
    runs: int
    misaligned: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The node's name."""
        return self.node.name

    @property
    def output(self) -> Shape:
        """The shape of its output."""
        return self.counted.output

    @property
    def notes(self) -> tuple[str, ...]:
        """What the reader should know of it."""
        return self.counted.notes + self.misaligned

    @property
    def params(self) -> int:
        """Weights and biases, 0 where they are shared with an earlier layer."""
        return self.counted.params if self.held else 0

    @property
    def trainable_params(self) -> int:
        """Parameters, 0 where they are frozen."""
        return 0 if self.node.frozen else self.params

    @property
    def macs(self) -> int:
        """Multiply-accumulates of all its runs."""
        return self.counted.macs * self.runs

    @property
    def activations(self) -> int:
        """Elements of its outputs in all its runs, 0 where the output is the input's memory."""
        return 0 if self.counted.view or self.node.kind == "input" else elements(self.counted.output) * self.runs

    def value(self, quantity: str) -> int:
        """Return one of `TOTALS`; `OPEN` where it is not known.

        Raises
        ------
        InvalidValueError
            When there is no such quantity.
        """
        if quantity in {"params", "trainable_params", "activations"}:
            return getattr(self, quantity)  # type: ignore[no-any-return]
        if quantity in HELD:
            return getattr(self.counted, quantity) if self.held else 0
        if quantity in OPERATIONS:
            return getattr(self.counted, quantity) * self.runs  # type: ignore[no-any-return]
        if quantity == "flops":
            return 2 * self.macs
        raise unknown("quantity", quantity, TOTALS)


class Uncounted(NamedTuple):
    """A kind of layer that is left out of some figures, how often it stands in the network, and why it is."""

    kind: str
    times: int
    why: str


class NetworkCount(NamedTuple):
    """A network, counted: every row, and sums of them.

    Attributes
    ----------
    network : Network
    nodes : tuple of LayerRow
        One for each node of the network, inputs too, in its order.
    auxiliary : str
        Which of `AUXILIARIES` was counted.

    Examples
    --------
    >>> from dlmath.counting.engine.graph import chain
    >>> counted = count(chain("tiny", (8, 8, 3), [("conv", {"kernel": 3, "out": 4}), ("globalpool", {})]))
    >>> counted.params, counted.total("macs"), [row.name for row in counted.rows]
    (112, 6912, ['conv1', 'globalpool1'])
    """

    network: Network
    nodes: tuple[LayerRow, ...]
    auxiliary: str

    @property
    def rows(self) -> tuple[LayerRow, ...]:
        """The layers that count: not the inputs, nor auxiliary heads that are left out."""
        return tuple(row for row in self.nodes if row.node.kind != "input" and self._counts(row))

    def _counts(self, row: LayerRow) -> bool:
        return row.node.group != AUXILIARY or self.auxiliary != "without"

    def total(self, quantity: str) -> int:
        """Return the sum of one of `TOTALS` over the rows where it is known: all of it where `is_whole` says so."""
        return sum(value for row in self.rows if not is_open(value := row.value(quantity)))

    def is_whole(self, quantity: str) -> bool:
        """Return whether every row's share of a quantity is known."""
        return not any(is_open(row.value(quantity)) for row in self.rows)

    def figure(self, quantity: str) -> int:
        """Return the total, `OPEN` where it rests on a size of the input that is not given.

        What a network holds does not rest on the input's size; where a row of it is unknown, the total is "at least".
        """
        if quantity in HELD or self.is_whole(quantity):
            return self.total(quantity)
        # "At least 0" would say nothing
        return OPEN if self.open_inputs else self.total(quantity) or OPEN

    @property
    def open_inputs(self) -> tuple[tuple[str, Shape], ...]:
        """The inputs whose sizes are not all known."""
        rows = (row for row in self.nodes if row.node.kind == "input")
        return tuple((row.name, row.output) for row in rows if is_open(row.output))

    @property
    def macs_unknown(self) -> str | None:
        """Why the multiply-accumulates are not known; None where they are, or where a part of them is."""
        if not is_open(self.figure("macs")):
            return None
        if not self.open_inputs:
            return "; ".join(dict.fromkeys(left.why for left in self.uncounted)) or "no layer's shape is known"
        listed = ", ".join(f"{name} is {shape_text(shape)}" for name, shape in self.open_inputs)
        return f"the size of the input is open: {listed}"

    @property
    def at_least(self) -> bool:
        """Whether some figure leaves something out that is not known."""
        return bool(self.uncounted) or not (self.is_whole("params") and self.is_whole("buffers"))

    @property
    def uncounted(self) -> tuple[Uncounted, ...]:
        """What is left out of the figures: kinds of layers, how often each, and why; the most frequent first."""
        times: dict[tuple[str, str], int] = {}
        for row in self.rows:
            for why in _left_out(row, self):
                key = str(row.node.options.get("label", row.node.kind)), why
                times[key] = times.get(key, 0) + 1
        ordered = sorted(times.items(), key=lambda item: (-item[1], item[0]))
        return tuple(Uncounted(kind, number, why) for (kind, why), number in ordered)

    @property
    def params(self) -> int:
        """Weights and biases, shared ones once."""
        return self.total("params")

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one input."""
        return self.total("macs")

    @property
    def outputs(self) -> tuple[LayerRow, ...]:
        """The rows of the network's outputs, the main one first."""
        return tuple(self.nodes[place] for place in self.network.outputs)

    @property
    def output_shape(self) -> Shape:
        """The shape of the main output."""
        return self.outputs[0].output

    @property
    def last_map(self) -> LayerRow | None:
        """The last row whose output still is a map: what is called the receptive field of a classifier is its field."""
        for row in reversed(self.rows):
            if row.fields and len(row.output) > 1 and max(row.output[:-1]) > 1 and row.fields[0].jump:
                return row
        return None

    @property
    def notes(self) -> tuple[str, ...]:
        """Notes of the network, then those of its rows, each with its layer's name."""
        return (*self.network.notes, *(f"{row.name}: {note}" for row in self.rows for note in row.notes))


WORDS = {"weights": "parameters", "macs": "MACs", "pool_ops": "pooling operations"}
"""How quantities that may be unknown are called."""


def _left_out(row: LayerRow, counted: NetworkCount) -> Iterator[str]:
    """Yield what a row leaves out, with its reason; what only waits for the input's size is not left out."""
    missing = row.counted.missing
    listed = " and ".join(WORDS[name] for name in missing)
    if row.node.kind == "opaque" and missing:
        yield f"{row.node.options.get('why') or 'there is no rule for it'}: its {listed} are not known"
    elif missing:
        yield f"its {listed} depend on the data"
    else:
        rests = [name for name in ("weights", "macs") if is_open(row.value(name))]
        if rests and ("weights" in rests or not counted.open_inputs):
            listed = " and ".join(WORDS[name] for name in rests)
            yield f"the shape of its input is not known, nor are its {listed}"


def count(network: Network, auxiliary: str | None = None) -> NetworkCount:
    """Count every layer of a network.

    Parameters
    ----------
    network : Network
    auxiliary : {"without", "parameters", "with"}, optional
        What of auxiliary heads counts; the network's own default unless told.

    Raises
    ------
    InvalidValueError, ShapeError
        With the name of the layer that cannot be.
    """
    mode = network.auxiliary if auxiliary is None else auxiliary
    if mode not in AUXILIARIES:
        raise unknown("way to count auxiliary heads", mode, AUXILIARIES)
    counter = _Counter(network, mode)
    for node in network.nodes:
        counter.add(node)
    return NetworkCount(network, tuple(counter.rows), mode)


class _Counter:
    """The rows so far; equal layers on equal shapes are counted once and remembered."""

    def __init__(self, network: Network, auxiliary: str) -> None:
        self.rows: list[LayerRow] = []
        self.auxiliary = auxiliary
        self.known: dict[tuple[object, ...], Count] = {}
        self.named: dict[str, LayerRow] = {}
        inputs = network.input_shapes
        self.input_shape: Shape = inputs[0] if inputs else ()

    def add(self, node: Node) -> None:
        sources = [self.rows[place] for place in node.inputs]
        shapes = tuple(row.counted.output for row in sources)
        counted = self._count(node, shapes)
        fields, misaligned = self._see(node, counted, sources, shapes)
        runs = 0 if node.group == AUXILIARY and self.auxiliary != "with" else node.times
        row = LayerRow(node, shapes, counted, fields, node.shares is None or node.held is not None, runs, misaligned)
        self._check_share(row)
        self.rows.append(row)
        self.named[node.name] = row

    def _count(self, node: Node, shapes: tuple[Shape, ...]) -> Count:
        # UNRANKED equals every open vector and is told from them by its identity
        key = (node.kind, id(node.options), shapes, node.held, *(shape is UNRANKED for shape in shapes))
        if key not in self.known:
            try:
                self.known[key] = kept(count_layer(node.kind, node.options, shapes), node.held)
            except DlmathError as error:
                raise type(error)(f"{node.name}: {error.what}", error.mend) from None
        return self.known[key]

    def _see(
        self, node: Node, counted: Count, sources: list[LayerRow], shapes: tuple[Shape, ...]
    ) -> tuple[tuple[Field, ...], tuple[str, ...]]:
        if not sources:
            return receptive.start(node.options["shape"] if node.kind == "input" else ()), ()  # type: ignore[arg-type]
        if len(sources) == 1:
            return receptive.through(sources[0].fields, counted.windows, self.input_shape), ()
        fields, notes = receptive.join([row.fields for row in sources], shapes)
        return receptive.through(fields, counted.windows, self.input_shape), notes

    def _check_share(self, row: LayerRow) -> None:
        """Refuse a layer that shares weights but does not need exactly those that are there."""
        if row.node.shares is None or row.node.held is not None:
            return
        if row.node.shares not in self.named:
            raise unknown(f"layer whose weights {row.name} shares:", row.node.shares, self.named)
        owner = self.named[row.node.shares].counted
        if (owner.weights, owner.biases) != (row.counted.weights, row.counted.biases):
            shape = shape_text(row.input_shapes[0]) if row.input_shapes else "none"
            raise ShapeError(
                f"{row.name} on {shape} needs {row.counted.params} parameters and cannot share the {owner.params} "
                f"of {row.node.shares}",
                "share between layers of one kind, on inputs of as many channels",
            )
