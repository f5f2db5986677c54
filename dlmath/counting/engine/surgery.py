"""Networks cut: without their classifier, as features for another task."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlmath.counting.engine.count import count
from dlmath.errors import InvalidValueError

if TYPE_CHECKING:
    from dlmath.counting.engine.graph import Network

TO_VECTORS = {"globalpool", "globalmaxpool", "adaptivepool", "adaptivemaxpool", "flatten", "dropout", "dense"}
"""Kinds of layers with which a classifier begins."""
HEAD = {*TO_VECTORS, "take", "mean", "softmax", "sigmoid", "logsoftmax", "tanh", "input"}
MAP_AXES = 3


def without_top(network: Network) -> Network:
    """Return a network up to the last map that is no part of its classifier (Keras' `include_top=False`).

    Raises
    ------
    InvalidValueError
        When it has no map, or gives one itself.

    Examples
    --------
    >>> from dlmath.counting.engine.graph import chain
    >>> whole = chain("x", (8, 8, 3), [("conv", {"kernel": 3, "out": 4}), ("flatten", {}), ("dense", {"out": 2})])
    >>> [node.name for node in without_top(whole).nodes]
    ['input', 'conv1']
    """
    rows = count(network, "with").nodes
    main = network.outputs[0]
    if len(rows[main].output) == MAP_AXES and network.nodes[main].kind not in TO_VECTORS:
        raise InvalidValueError(f"{network.name} has no classifier to leave out", "leave out include_top")
    maps = [
        place
        for place in _path_to(network, main)
        if len(rows[place].output) == MAP_AXES and network.nodes[place].kind not in {*TO_VECTORS, "input"}
    ]
    path = _path_to(network, main)
    last = maps[-1] if maps and 2 * path.index(maps[-1]) > len(path) else _before_head(network, path)
    kept = _path_to(network, last)
    places = {old: new for new, old in enumerate(kept)}
    nodes = tuple(
        network.nodes[old]._replace(inputs=tuple(places[source] for source in network.nodes[old].inputs))
        for old in kept
    )
    return network._replace(nodes=nodes, outputs=(places[last],))


def _before_head(network: Network, path: list[int]) -> int:
    """Return the last node before the dense layer at the end, as of a transformer, whose maps end at its beginning."""
    for place in reversed(path):
        if network.nodes[place].kind not in HEAD:
            return place
    raise InvalidValueError(f"{network.name} has nothing before its output", "leave out include_top")


def _path_to(network: Network, end: int) -> list[int]:
    """Return the places of all that a node's output depends on, in order."""
    needed = {end}
    for place in range(end, -1, -1):
        if place in needed:
            needed.update(network.nodes[place].inputs)
    return sorted(needed)
