"""How the layers of a functional Keras model are joined: which tensors each use of a layer is given.

Keras 3 writes {"args": [...], "kwargs": {...}} with tensors as {"class_name": "__keras_tensor__", "config":
{"shape", "keras_history": [layer, use, output]}}; Keras 2 wrote [[layer, use, output, kwargs], ...].
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Key = tuple[str, int, int]
"""A tensor: the layer it comes from, which of its uses, which of its outputs."""

NAMED_INPUTS = {
    **dict.fromkeys(("MultiHeadAttention", "GroupQueryAttention"), ("query", "value", "key")),
}
"""Layers whose tensors may be given by name, in the order of their positions."""
ANY_NAMES = ("inputs", "x", "x1", "x2", "sequence", "sequences", "tensors")


class Inbound(NamedTuple):
    """One use of a layer: tensors by position and by name, and the positional arguments that are no tensors."""

    args: tuple[Key, ...]
    named: Mapping[str, tuple[Key, ...]]
    constants: tuple[Any, ...] = ()

    def inputs(self, kind: str) -> tuple[Key, ...]:
        """Return the tensors a layer of that class computes with; masks and states given by name are not."""
        words = NAMED_INPUTS.get(kind, ANY_NAMES)
        found = (*self.args, *(key for word in words for key in self.named.get(word, ())))
        return found or tuple(key for keys in self.named.values() for key in keys)

    def needs(self) -> set[tuple[str, int]]:
        """Return the uses of layers that must have run before."""
        every = (*self.args, *(key for keys in self.named.values() for key in keys))
        return {key[:2] for key in every}


def parse_inbound(node: Any) -> Inbound:
    """Read one entry of a layer's `inbound_nodes`.

    >>> parse_inbound([["conv1", 0, 0, {}]]).args
    (('conv1', 0, 0),)
    """
    if isinstance(node, dict):
        named = {word: tuple(tensors(value)) for word, value in node["kwargs"].items()}
        constants = tuple(value for value in node["args"] if not isinstance(value, (dict, list)))
        return Inbound(tuple(tensors(node["args"])), named, constants)
    first = node[0]
    kwargs = first[3] if isinstance(first, list) and len(first) > 3 else {}
    return Inbound(tuple(keys(node)), {word: tuple(keys(value)) for word, value in kwargs.items()})


def tensors(value: Any) -> Iterator[Key]:
    """Yield the tensors in a Keras 3 argument, in order."""
    if isinstance(value, dict) and value.get("class_name") == "__keras_tensor__":
        yield key_of(value["config"]["keras_history"])
    elif isinstance(value, (list, dict)):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from tensors(inner)


def keys(value: Any) -> Iterator[Key]:
    """Yield the tensors in Keras 2's lists, and in `input_layers` and `output_layers`.

    >>> list(keys([["a", 0, 0], ["b", 1, 0]])), list(keys(["a", 0, 0]))
    ([('a', 0, 0), ('b', 1, 0)], [('a', 0, 0)])
    """
    if isinstance(value, list) and len(value) >= 3 and isinstance(value[0], str) and isinstance(value[1], int):
        yield key_of(value[:3])
    elif isinstance(value, (list, dict)):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from keys(inner)


def key_of(value: Any) -> Key:
    """Return a tensor's key.

    Raises
    ------
    ValueError
        When it is no name and two numbers.
    """
    match value:
        case [str(layer), int(use), int(output)]:
            return layer, use, output
    raise ValueError(f"{str(value)[:60]} names no tensor")


def shapes_said(node: Any) -> Iterator[tuple[Key, Any]]:
    """Yield the tensors of an inbound node with the shapes the file gives them."""
    if isinstance(node, dict) and node.get("class_name") == "__keras_tensor__":
        yield key_of(node["config"]["keras_history"]), node["config"].get("shape")
    elif isinstance(node, (list, dict)):
        for inner in node.values() if isinstance(node, dict) else node:
            yield from shapes_said(inner)
