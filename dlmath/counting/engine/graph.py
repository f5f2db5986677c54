"""A network as data: the directed acyclic graph that the command line, YAML, the zoo and model files are read into.

Shapes leave the batch out and put channels last: (height, width, channels), (steps, features), (features,).
A reader of a channels-first format turns them round.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Shape = tuple[int, ...]
"""Axes of one example: no batch, channels last."""

AUXILIARY = "aux"
"""The group of layers that only help training, such as GoogLeNet's side classifiers."""


class Node(NamedTuple):
    """One layer, and where its inputs come from.

    Attributes
    ----------
    name : str
        Unique in its network.
    kind : str
        A key of `dlmath.counting.engine.layers.LAYERS`; `input` starts a network (option `shape`).
    options : mapping
        As `layers.resolve` checks them; what is left out has its default.
    inputs : tuple of int
        Places of earlier nodes in `Network.nodes`.
    shares : str or None
        The name of an earlier node whose parameters this one uses: counted there, operations counted here too.
    times : int
        How often it runs for one input of the network, as a head does for each region of interest. Operations
        and activations are multiplied, parameters are not.
    group : str
        "" for the network itself, `AUXILIARY` for what may be left out or counted apart.
    frozen : bool
        Its parameters do not train.
    held : (int, int, int) or None
        Weights, biases and buffers that a model file keeps for it, each tensor with its first user; None: as the
        formula of its kind has them.

    Examples
    --------
    >>> Node("conv1", "conv", {"kernel": (3, 3), "out": 64}, (0,)).times
    1
    """

    name: str
    kind: str
    options: Mapping[str, object] = {}
    inputs: tuple[int, ...] = ()
    shares: str | None = None
    times: int = 1
    group: str = ""
    frozen: bool = False
    held: tuple[int, int, int] | None = None


class Network(NamedTuple):
    """Layers in an order in which they can run: the inputs of a node stand before it.

    Attributes
    ----------
    name : str
    nodes : tuple of Node
    outputs : tuple of int
        Places of the nodes whose outputs are the network's, the main one first.
    source : str
        The paper, code or file it was read from.
    notes : tuple of str
        What a reader of the counts should know.
    auxiliary : {"without", "parameters", "with"}
        What of the auxiliary heads counts unless a caller says otherwise: nothing, their parameters (they are
        held but do not run, as in inference), or their operations too.
    """

    name: str
    nodes: tuple[Node, ...]
    outputs: tuple[int, ...]
    source: str = ""
    notes: tuple[str, ...] = ()
    auxiliary: str = "without"

    @property
    def input_shapes(self) -> tuple[Shape, ...]:
        """The shapes of the nodes of kind `input`, in order."""
        shapes = (node.options["shape"] for node in self.nodes if node.kind == "input")
        return tuple(shape for shape in shapes if isinstance(shape, tuple))


def chain(name: str, input_shape: Shape, layers: Sequence[tuple[str, Mapping[str, object]]]) -> Network:
    """Return the network of layers that follow one another, named by kind and number.

    >>> [node.name for node in chain("tiny", (8,), [("dense", {"out": 4}), ("relu", {}), ("dense", {"out": 1})]).nodes]
    ['input', 'dense1', 'relu1', 'dense2']
    """
    nodes = [Node("input", "input", {"shape": input_shape})]
    seen: dict[str, int] = {}
    for kind, options in layers:
        seen[kind] = seen.get(kind, 0) + 1
        nodes.append(Node(f"{kind}{seen[kind]}", kind, options, (len(nodes) - 1,)))
    return Network(name, tuple(nodes), (len(nodes) - 1,))
