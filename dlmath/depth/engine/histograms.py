"""How activations and gradients are distributed in each layer, as in figures 6 and 7 of Glorot & Bengio 2010."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dlmath.depth.engine.lstm import LstmNetwork
from dlmath.depth.engine.measure import network
from dlmath.depth.engine.planner import plan
from dlmath.depth.engine.settings import DepthSettings, check_settings

if TYPE_CHECKING:
    from dlmath.depth.engine.explicit import ExplicitNetwork
    from dlmath.neural.arrays import Array

WIDEST, DEEPEST, INPUTS = 256, 1000, 32
"""The network that is looked at is no larger than this: a distribution needs no more samples."""
LN10 = math.log(10)


class Histogram(NamedTuple):
    """The distribution of one layer's numbers.

    Attributes
    ----------
    layer : int
        1 is nearest the input.
    centres, density : tuple of float
        Middles of the bins, and the share of the numbers in each divided by its width.
    """

    layer: int
    centres: tuple[float, ...]
    density: tuple[float, ...]


class Histograms(NamedTuple):
    """Those of a network.

    Attributes
    ----------
    activations : tuple of Histogram
        Of x^l.
    gradients : tuple of Histogram
        Of log10 |dE/dx^l| over units and inputs, those that are 0 left out: at depth only exponents can be compared.
    reason : str or None
        Why there are none.
    """

    activations: tuple[Histogram, ...] = ()
    gradients: tuple[Histogram, ...] = ()
    reason: str | None = None


def histograms(settings: DepthSettings, layers: tuple[int, ...]) -> Histograms:
    """Return the distributions in some layers, for several inputs through the first seed's network.

    Wider networks are looked at with WIDEST units, as their distributions hardly differ.

    Examples
    --------
    >>> found = histograms(DepthSettings(depth=3, width=64, activation="sigmoid"), (1, 3))
    >>> 0 < min(found.activations[1].centres) < max(found.activations[1].centres) < 1
    True
    >>> max(found.gradients[0].centres) < max(found.gradients[1].centres)
    True
    """
    if settings.widths is None:
        settings = settings._replace(width=min(settings.width, WIDEST), depth=min(settings.depth, DEEPEST))
    settings = settings._replace(batch=max(INPUTS, settings.batch), seeds=1, method="explicit")
    check_settings(settings)
    run = network(settings, settings.seed, plan(settings).kept_layers)
    if isinstance(run, LstmNetwork):
        return Histograms(reason="an LSTM's state is two vectors")
    run.forward()
    layers = tuple(layer for layer in layers if layer <= settings.depth)
    return Histograms(_activations(run, layers), _gradients(run, layers))


def _activations(run: ExplicitNetwork, layers: tuple[int, ...]) -> tuple[Histogram, ...]:
    distributions = []
    for layer in layers:
        output = run.states[layer - 1].passed.output
        with np.errstate(over="ignore"):  # a signal beyond 1e308
            values = output.array.astype(np.float64) * np.exp(output.log)
        if np.isfinite(values).all():
            distributions.append(_histogram(layer, values, run.sizes[layer]))
    return tuple(distributions)


def _gradients(run: ExplicitNetwork, layers: tuple[int, ...]) -> tuple[Histogram, ...]:
    """Send the error back and take log10 |dE/dx^l| on the way."""
    distributions = []
    g = run.sent_error()
    for layer in range(run.settings.depth, 0, -1):
        if layer in layers and g.array.any():
            sizes = np.abs(g.array[g.array != 0]).astype(np.float64)
            distributions.append(_histogram(layer, (np.log(sizes) + g.log) / LN10, run.sizes[layer]))
        g, _ = run.step_back(layer - 1, g)
    return tuple(reversed(distributions))


def _histogram(layer: int, values: Array, units: int) -> Histogram:
    # deep in a network the inputs are nearly alike: there are no more different numbers than units
    bins = 5 + round(math.sqrt(units))
    density, edges = np.histogram(values, bins=bins, density=True)
    centres = (edges[:-1] + edges[1:]) / 2
    return Histogram(layer, tuple(centres.tolist()), tuple(density.tolist()))
