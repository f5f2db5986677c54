"""How activations are distributed in each layer, as in figure 6 of Glorot & Bengio 2010."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dlmath.depth.engine.explicit import ExplicitNetwork
from dlmath.depth.engine.settings import DepthSettings, check_settings

if TYPE_CHECKING:
    from dlmath.neural.arrays import Array

WIDEST, DEEPEST, INPUTS = 256, 1000, 32
"""The network that is looked at is no larger than this: a distribution needs no more samples."""
BINS = 31


class Histogram(NamedTuple):
    """The distribution of one layer's activations.

    Attributes
    ----------
    layer : int
        1 is nearest the input.
    centres, density : tuple of float
        Middles of the bins, and the share of activations in each divided by its width.
    """

    layer: int
    centres: tuple[float, ...]
    density: tuple[float, ...]


def activation_histograms(settings: DepthSettings, layers: tuple[int, ...]) -> tuple[Histogram, ...]:
    """Return the distributions of some layers' activations, for several inputs through the first seed's network.

    Wider networks are looked at with WIDEST units, as their distributions hardly differ.

    Examples
    --------
    >>> one, = activation_histograms(DepthSettings(depth=3, width=64, activation="sigmoid"), (3,))
    >>> 0 < min(c for c, d in zip(one.centres, one.density) if d) < 1
    True
    """
    settings = settings._replace(
        width=min(settings.width, WIDEST), depth=min(settings.depth, DEEPEST), batch=max(INPUTS, settings.batch),
        seeds=1, method="explicit",
    )  # fmt: skip
    check_settings(settings)
    network = ExplicitNetwork(settings, settings.seed, np.empty((1, settings.width, settings.width), settings.dtype))
    network.forward()
    outputs = {layer: network.states[layer - 1].passed.output for layer in layers if layer <= settings.depth}
    return tuple(_histogram(layer, out.array.astype(np.float64) * math.exp(out.log)) for layer, out in outputs.items())


def _histogram(layer: int, values: Array) -> Histogram:
    density, edges = np.histogram(values, bins=BINS, density=True)
    centres = (edges[:-1] + edges[1:]) / 2
    return Histogram(layer, tuple(centres.tolist()), tuple(density.tolist()))
