"""The stages of a network: its layers gathered by the blocks they stand in, as their names tell."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from dlmath.counting.engine.layers import FAMILY
from dlmath.counting.engine.open_sizes import OPEN, is_open

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dlmath.counting.engine.count import LayerRow, NetworkCount
    from dlmath.counting.engine.graph import Shape

FEW = 3
"""A network that falls into so few stages is looked into one level deeper."""


class NetworkStage(NamedTuple):
    """Layers that follow one another under one name.

    Attributes
    ----------
    name : str
    rows : tuple of LayerRow
    """

    name: str
    rows: tuple[LayerRow, ...]

    @property
    def input_shape(self) -> Shape:
        """What its first layer reads first."""
        shapes = self.rows[0].input_shapes
        return shapes[0] if shapes else ()

    @property
    def output(self) -> Shape:
        """What its last layer gives."""
        return self.rows[-1].output

    def total(self, quantity: str) -> int:
        """Return the sum over its layers; `OPEN` where a part is not known."""
        values = [row.value(quantity) for row in self.rows]
        return OPEN if any(map(is_open, values)) else sum(values)


def words_of(name: str) -> list[str]:
    """Return the names of the blocks around a layer, and its own.

    >>> words_of("layer1.bottleneck1.conv2"), words_of("/layer1/layer1.0/conv1/Conv"), words_of("fc")
    (['layer1', 'bottleneck1', 'conv2'], ['layer1', 'layer1', '0', 'conv1', 'Conv'], ['fc'])
    """
    return [word for word in name.replace("/", ".").split(".") if word]


def stages(counted: NetworkCount, depth: int | None = None) -> tuple[NetworkStage, ...]:
    """Return the stages of a network: layers within a block together, others each by itself.

    Parameters
    ----------
    depth : int, optional
        Levels of blocks that are told apart; as many as give more than a few stages, unless told.

    Examples
    --------
    >>> from dlmath.counting.engine.count import count
    >>> from dlmath.counting.engine.graph import Network, Node
    >>> names = ("x", "stem", "a.conv", "a.relu", "fc")
    >>> kinds = ("input", "identity", "identity", "identity", "identity")
    >>> nodes = [Node(n, k, {"shape": (3,)} if k == "input" else {}, tuple(range(i - 1, i))[-1:] if i else ())
    ...          for i, (n, k) in enumerate(zip(names, kinds))]
    >>> [stage.name for stage in stages(count(Network("n", tuple(nodes), (4,))))]
    ['stem', 'a', 'fc']
    """
    if depth is not None:
        return tuple(_grouped(counted.rows, depth))
    deepest = max((len(words_of(row.name)) for row in counted.rows), default=1)
    found = tuple(_grouped(counted.rows, 1))
    for level in range(2, deepest):
        if len(found) > FEW:
            break
        found = tuple(_grouped(counted.rows, level))
    return found


def _grouped(rows: tuple[LayerRow, ...], depth: int) -> Iterator[NetworkStage]:
    """Yield the stages; a norm or an activation that stands alone belongs to the layer before it."""
    current: list[LayerRow] = []
    name: tuple[str, ...] = ()
    for row in rows:
        key = _key(row, depth)
        follows = bool(current) and len(words_of(name[-1])) == 1 == len(words_of(row.name)) and _is_touch(row)
        lone = follows and len(words_of(current[0].name)) == 1
        if current and key != name and not lone:
            yield NetworkStage(".".join(name), tuple(current))
            current = []
        if not current:
            name = key
        current.append(row)
    if current:
        yield NetworkStage(".".join(name), tuple(current))


def _is_touch(row: LayerRow) -> bool:
    """Return whether a layer treats elements or channels by themselves, after the layer that gives them."""
    return FAMILY[row.node.kind] in {"pointwise", "normalisation"} and len(row.node.inputs) == 1


def _key(row: LayerRow, depth: int) -> tuple[str, ...]:
    words = words_of(row.name)
    return tuple(words[: min(depth, max(len(words) - 1, 1))])
