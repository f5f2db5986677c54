"""A network put together node by node, its shapes known as it grows: what the readers of model files share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlmath.counting.engine.graph import Network, Node
from dlmath.counting.engine.layers import FAMILY, count_layer
from dlmath.errors import InvalidValueError, ShapeError, UnreadableError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dlmath.counting.engine.graph import Shape

MOST_NODES = 20_000
"""A file of a few bytes can call a model that calls a model ten times, and so on: nothing real is that large."""
PARAMETERLESS = {"shaping", "pointwise", "pooling"}
EXCEPTIONS = {"prelu", "subsample", "opaque"}


class Builder:
    """Nodes and shapes so far.

    Attributes
    ----------
    nodes : list of Node
    shapes : list of shapes
        The output of each node.
    notes : list of str
    """

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self.shapes: list[Shape] = []
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
    ) -> int:
        """Add a node, and return its place.

        Parameters
        ----------
        owner : str, optional
            What its parameters are known by: whoever comes later with the same shares them.

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
        shares = self._shared(kind, owner, unique, (counted.weights, counted.biases))
        self.nodes.append(Node(unique, kind, options, inputs, shares, times, frozen=frozen))
        self.shapes.append(counted.output)
        return len(self.nodes) - 1

    def _shared(self, kind: str, owner: str | None, name: str, sizes: tuple[int, int]) -> str | None:
        """Return whose parameters these are; the first to come with an owner's name has them."""
        if owner is None or (FAMILY[kind] in PARAMETERLESS and kind not in EXCEPTIONS):
            return None
        held_by, held = self._owners.setdefault(owner, (name, sizes))
        if held != sizes:
            self.notes.append(f"{name} uses the parameters of {held_by} in part; they are counted twice")
            return None
        return None if held_by == name else held_by

    def owner_of(self, owner: str) -> Node | None:
        """Return the node that has the parameters known by a name, None where there is none yet."""
        named = self._owners.get(owner, ("", None))[0]
        return next((node for node in self.nodes if node.name == named), None)

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
