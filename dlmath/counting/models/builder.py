"""A network put together node by node, its shapes known as it grows: what the readers of model files share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlmath.counting.engine.graph import Network, Node
from dlmath.counting.engine.layers import count_layer, holds
from dlmath.errors import InvalidValueError, ShapeError, UnreadableError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dlmath.counting.engine.graph import Shape

MOST_NODES = 20_000
"""A file of a few bytes can call a model that calls a model ten times, and so on: nothing real is that large."""


class ModelBuilder:
    """Nodes and shapes so far.

    Attributes
    ----------
    nodes : list of Node
    shapes : list of shapes
        The output of each node.
    macs : list of int
        Of each node, in all its runs.
    read : set of int
        The nodes whose outputs some node has read.
    notes : list of str
    """

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self.shapes: list[Shape] = []
        self.macs: list[int] = []
        self.read: set[int] = set()
        self.notes: list[str] = []
        self._names: set[str] = set()
        self._owners: dict[str, tuple[str, tuple[int, int]]] = {}

    def add(
        self,
        name: str,
        kind: str,
        options: Mapping[str, object],
        inputs: tuple[int, ...],
        *,
        owner: str | None = None,
        times: int = 1,
        frozen: bool = False,
        held: tuple[int, int, int] | None = None,
        shares: str | None = None,
    ) -> int:
        """Add a node, and return its place.

        Parameters
        ----------
        owner : str, optional
            What its parameters are known by: whoever comes later with the same shares them.
        held, shares
            As in `graph.Node`, where a reader has reckoned the parameters from a file's tensors itself.

        Raises
        ------
        UnreadableError
            When its options or input shapes are none the layer can have, or nodes become too many.
        """
        if len(self.nodes) >= MOST_NODES:
            raise UnreadableError(f"the model has more than {MOST_NODES:,} layers", "is the file damaged?")
        unique = self._unique(name)
        try:
            counted = count_layer(kind, options, tuple(self.shapes[place] for place in inputs))
        except (InvalidValueError, ShapeError) as error:
            raise UnreadableError(f"layer {name[:80]!r}: {error.what}", error.mend) from error
        shares = self._shared(kind, owner, unique, (counted.weights, counted.biases)) if held is None else shares
        self.nodes.append(Node(unique, kind, options, inputs, shares, times, frozen=frozen, held=held))
        self.shapes.append(counted.output)
        self.macs.append(counted.macs * times)
        self.read.update(inputs)
        return len(self.nodes) - 1

    def forget(self, count: int) -> None:
        """Take back the nodes after the first so many."""
        del self.nodes[count:], self.shapes[count:], self.macs[count:]

    def reshape_input(self, place: int, shape: Shape) -> None:
        """Give an input of the network another shape; nothing may have read it under the one it had."""
        self.nodes[place] = self.nodes[place]._replace(options={"shape": shape})
        self.shapes[place] = shape

    def idle(self, first: int, last: int) -> None:
        """Let nodes run no longer: what they hold still counts."""
        for place in range(first, last):
            self.nodes[place] = self.nodes[place]._replace(times=0)

    def _shared(self, kind: str, owner: str | None, name: str, sizes: tuple[int, int]) -> str | None:
        """Return whose parameters these are; the first to come with an owner's name has them."""
        if owner is None or not holds(kind):
            return None
        held_by, held = self._owners.setdefault(owner, (name, sizes))
        if held != sizes:
            self.notes.append(f"{name} uses the parameters of {held_by} in part; they are counted twice")
            return None
        return None if held_by == name else held_by

    def _unique(self, name: str) -> str:
        made, number = name, 1
        while made in self._names:
            number += 1
            made = f"{name}#{number}"
        self._names.add(made)
        return made

    def network(self, name: str, outputs: tuple[int, ...], source: str) -> Network:
        """Return what has been built."""
        if not outputs:
            raise UnreadableError("the model has no outputs", "is the file damaged?")
        return Network(name, tuple(self.nodes), outputs, source, tuple(dict.fromkeys(self.notes)))
