"""How far the output moves when one layer's weights are moved: vanishing gradients seen without a gradient.

Layer l's W becomes W + D, D a random matrix (normal entries) with |D| = share * |W|, Frobenius norms; the same inputs
are sent through again, and |y' - y| / |y| is taken over all inputs and units of the last layer. Large moves are not the
gradient's business, which is of small ones: this is what a "large change of the first layer's weights" does.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dlmath.depth.engine.explicit import ExplicitNetwork, Signal, add, log_norm
from dlmath.depth.engine.matrices import LayerWeights, rooms
from dlmath.depth.engine.normals import MOVES, normals, stream
from dlmath.depth.engine.planner import check_memory, count_weights, physical_memory
from dlmath.depth.engine.settings import DepthSettings, check_settings
from dlmath.errors import InvalidValueError

if TYPE_CHECKING:
    from dlmath.neural.arrays import Array

INPUTS = 8
"""Inputs that are sent through, at least."""
LN10 = math.log(10)


class LayerMove(NamedTuple):
    """One layer moved.

    Attributes
    ----------
    layer : int
        1 is nearest the input.
    output_change : float
        |y' - y| / |y|; 0 where it is below the smallest number (see the logarithm).
    log10_output_change : float
        Its log10, -inf where nothing moved at all.
    """

    layer: int
    output_change: float
    log10_output_change: float


def spread_layers(depth: int, count: int = 5) -> tuple[int, ...]:
    """Return so many layers from the first to the last, evenly apart.

    >>> spread_layers(30), spread_layers(2)
    ((1, 8, 16, 23, 30), (1, 2))
    """
    return tuple(sorted({math.floor(1.5 + place * (depth - 1) / (count - 1)) for place in range(count)}))


def check_move(settings: DepthSettings, share: float) -> DepthSettings:
    """Refuse what cannot be moved, before any work; return the settings of the network that is."""
    if not (math.isfinite(share) and share > 0):
        raise InvalidValueError(f"moving weights by {share:g} of their norm is not possible", "give a positive number")
    if settings.cell != "none":
        raise InvalidValueError(
            f"every step of --cell {settings.cell} has the same weights: there is no layer to move", "leave one out"
        )
    settings = settings._replace(batch=max(INPUTS, settings.batch), seeds=1, method="explicit", dtype="float64")
    check_settings(settings)
    needed = 2 * 8.0 * count_weights(settings)
    check_memory("moving these layers", needed, physical_memory(), "take fewer or narrower layers")
    return settings


def move_layers(settings: DepthSettings, share: float) -> tuple[LayerMove, ...]:
    """Move five layers of the first seed's network, from the first to the last, one at a time.

    Examples
    --------
    >>> first, *_, last = move_layers(DepthSettings(depth=10, width=32, activation="sigmoid"), 0.5)
    >>> first.output_change < 1e-4 < last.output_change
    True
    """
    settings = check_move(settings, share)
    network = ExplicitNetwork(settings, settings.seed, rooms(settings.sizes, np.dtype(np.float64)))
    before = network.forward()
    source = stream(settings.seed, MOVES)
    return tuple(_moved(network, layer, before, share, source) for layer in spread_layers(settings.depth))


def _moved(network: ExplicitNetwork, layer: int, before: Signal, share: float, source: np.random.SFC64) -> LayerMove:
    kept = network.weights[layer - 1]
    matrix = kept.matrix()
    direction = normals(source, matrix.size, matrix.dtype).reshape(matrix.shape)
    direction *= share * _norm(matrix) / float(np.linalg.norm(direction))
    network.weights[layer - 1] = LayerWeights(matrix + direction, 1.0, 0.0)
    after = network.forward()
    network.weights[layer - 1] = kept
    log10 = (log_norm(add(after, Signal(-before.array, before.log))) - log_norm(before)) / LN10
    return LayerMove(layer, 10.0**log10 if log10 < 308 else math.inf, log10)


def _norm(matrix: Array) -> float:
    """Return the Frobenius norm, whatever the size of the entries."""
    size = float(np.abs(matrix).max()) or 1.0
    return size * float(np.linalg.norm(matrix / size))
