"""A model file without a graph: its tensors by name, and what they add up to.

Weights files (.safetensors, .npz) say how much a model holds, not how it computes: parameters can be counted,
operations cannot.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from dlmath.counting.engine.graph import Network, Node
from dlmath.counting.engine.shapes import elements

if TYPE_CHECKING:
    from collections.abc import Iterable

Shape = tuple[int, ...]


class Tensor(NamedTuple):
    """One array of a file, as its header describes it.

    Attributes
    ----------
    name : str
    shape : tuple of int
        As it is stored: no axis is turned round, () is one number.
    dtype : str
        `float32`, `bfloat16`, `int8`, ...
    bytes : int
        What its numbers take up in the file (before compression).

    Examples
    --------
    >>> Tensor("fc.weight", (10, 84), "float32", 3360).size
    840
    """

    name: str
    shape: Shape
    dtype: str
    bytes: int

    @property
    def size(self) -> int:
        """The number of elements."""
        return elements(self.shape)


class TensorFile(NamedTuple):
    """Every tensor of a file.

    Attributes
    ----------
    name : str
        Of the model: the file's name without its ending.
    tensors : tuple of Tensor
        In the file's order.
    source : str
        The file.
    notes : tuple of str
        What a reader of the counts should know.
    """

    name: str
    tensors: tuple[Tensor, ...]
    source: str = ""
    notes: tuple[str, ...] = ()

    @property
    def params(self) -> int:
        """Elements of all tensors."""
        return sum(tensor.size for tensor in self.tensors)

    @property
    def bytes(self) -> int:
        """Bytes of all tensors."""
        return sum(tensor.bytes for tensor in self.tensors)


def as_network(model: TensorFile) -> Network:
    """Return the tensors as layers without a graph, to be set beside networks: what they hold, operations unknown."""
    why = "a file of tensors has no graph"
    nodes = tuple(
        Node(
            tensor.name,
            "opaque",
            {"label": "tensor", "why": why, "shape": tensor.shape or (1,), "params": tensor.size},
            held=(tensor.size, 0, 0),
        )
        for tensor in model.tensors
    )
    return Network(model.name, nodes, (len(nodes) - 1,), model.source, model.notes)


class Share(NamedTuple):
    """What the tensors of one dtype, or of one module, add up to."""

    name: str
    tensors: int
    params: int
    bytes: int


def by_dtype(model: TensorFile) -> tuple[Share, ...]:
    """Return the totals of each dtype, in the order of their first tensors.

    >>> weights, steps = Tensor("w", (2, 3), "float32", 24), Tensor("steps", (), "int64", 8)
    >>> by_dtype(TensorFile("tiny", (weights, steps)))[1]
    Share(name='int64', tensors=1, params=1, bytes=8)
    """
    return _shares((tensor.dtype, tensor) for tensor in model.tensors)


def by_module(model: TensorFile, depth: int) -> tuple[Share, ...]:
    """Return the totals of tensors whose dotted (or slashed) names begin with the same `depth` words.

    >>> names = ("layer1.0.weight", "layer1.0.bias", "layer2.0.weight")
    >>> [share.name for share in by_module(TensorFile("x", tuple(Tensor(n, (2,), "int8", 2) for n in names)), 1)]
    ['layer1', 'layer2']
    """
    return _shares((_module(tensor.name, depth), tensor) for tensor in model.tensors)


def _module(name: str, depth: int) -> str:
    words = name.replace("/", ".").split(".")
    return ".".join(words[: max(1, min(depth, len(words) - 1))])


def _shares(pairs: Iterable[tuple[str, Tensor]]) -> tuple[Share, ...]:
    found: dict[str, Share] = {}
    for key, tensor in pairs:
        one = found.get(key, Share(key, 0, 0, 0))
        found[key] = Share(key, one.tensors + 1, one.params + tensor.size, one.bytes + tensor.bytes)
    return tuple(found.values())
