"""What a gradient can be at most, and what decides over it in the end: the singular values and the spectral radius.

A layer x' = phi(W x + b) multiplies the gradient by W' diag(phi'), and |W' diag(phi') e| <= s(W) max|phi'| |e|, s the
largest singular value. So over L layers

    |dE/dx_0| <= |dE/dx_L| * product of max|phi'| s(W_l)

The slopes alone bound nothing: 0.25^L stands above every sigmoid network only where no s(W_l) exceeds 1. A
normalisation divides by the standard deviation it finds, the smallest of which takes its place in the bound; a residual
connection adds 1 to the factor.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dlmath.depth.engine.finite_width import log_sum
from dlmath.depth.engine.measure import network
from dlmath.depth.engine.planner import plan

if TYPE_CHECKING:
    from dlmath.depth.engine.explicit import ExplicitNetwork
    from dlmath.depth.engine.settings import DepthSettings
    from dlmath.neural.arrays import Array

MOST_WORK = 2e9
"""Units^3 over all layers and networks: about half a second of singular values."""
MOST_UNITS = 600
"""Widest recurrent matrix whose eigenvalues are computed, in about a second."""
LN10 = math.log(10)


class Bound(NamedTuple):
    """The bound over what was measured, or why there is none.

    Attributes
    ----------
    log10 : float or None
        log10 of the largest factor |dE/dx_0| / |dE/dx_L| these very networks can have, mean over those whose
        gradient is not 0, as `measure.DepthResult.log10_gradient` is.
    log10_slopes : float
        depth times log10 of max|phi'|: the slopes' part in it, which bounds nothing by itself.
    reason : str or None
        Why `log10` is None.
    """

    log10: float | None
    log10_slopes: float
    reason: str | None = None


def bound(settings: DepthSettings) -> Bound:
    """Return the bound over the networks that `measure` measures with real matrices.

    Examples
    --------
    >>> from dlmath.depth.engine.settings import DepthSettings
    >>> found = bound(DepthSettings(depth=4, width=64, init="normal:1", method="explicit"))
    >>> round(found.log10_slopes, 3), found.log10 > 2
    (-2.408, True)
    """
    reason = no_bound(settings)
    if reason:
        return bound_by_slopes(settings, reason)
    logs = []
    kept = plan(settings).kept_layers
    for seed in range(settings.seed, settings.seed + settings.seeds):
        run = network(settings, seed, kept)
        figures = run.run()
        if figures.log_gradient[0, 0] > -math.inf:
            logs.append(log_bound(run))  # type: ignore[arg-type]  # an LSTM has no bound and does not come here
    if not logs:
        return bound_by_slopes(settings, "every gradient is 0")
    return bound_by_slopes(settings, None)._replace(log10=sum(logs) / len(logs) / LN10)


def bound_by_slopes(settings: DepthSettings, reason: str | None) -> Bound:
    """Return the slopes' part alone, and why there is no more."""
    return Bound(None, settings.depth * math.log10(settings.phi.max_slope), reason)


def no_bound(settings: DepthSettings) -> str | None:
    """Return why the bound is not computed, or None."""
    if plan(settings).method == "law":
        return "the law of the networks is drawn without their matrices (--method explicit has them)"
    if settings.cell == "lstm":
        return "an LSTM's factor is no single product of matrices and slopes"
    sizes = settings.sizes[:2] if settings.cell != "none" else settings.sizes
    work = sum(low * high * min(low, high) for low, high in pairwise(sizes))
    if work * settings.seeds > MOST_WORK:
        return "the singular values of so many and so large matrices would take too long"
    return None


def log_bound(run: ExplicitNetwork) -> float:
    """Return ln of the bound of one network after its passes.

    gamma_n = n u bounds the relative rounding of a product of n terms, u half the spacing at 1 (Higham 2002, 3.1):
    what the measured passes, in float32, may exceed the exact ones by.
    """
    unit = float(np.finfo(run.dtype).eps) / 2
    logs = [_log_factor(run, layer) for layer in range(run.settings.depth)]
    return sum(logs) + sum(2 * fan_in * unit for fan_in in run.sizes[:-1])


def _log_factor(run: ExplicitNetwork, layer: int) -> float:
    """Return ln of the largest factor of one layer."""
    log = log_singular_value(run, layer) + math.log(run.settings.phi.max_slope)
    passed = run.states[layer].passed
    if passed.spread is not None:
        spread = float(passed.spread[passed.spread > 0].min(initial=math.inf))  # constant signals pass nothing
        log -= math.log(spread) + passed.log_s
    return log if run.settings.residual == "none" else log_sum(0.0, log)


def log_singular_value(run: ExplicitNetwork, layer: int) -> float:
    """Return ln of the largest singular value of a layer's matrix; a recurrent network has one matrix."""
    place = run.place(layer)
    if run.tied and layer:
        return log_singular_value(run, 0)
    matrix, gain = run.matrix(place)
    size = float(np.abs(matrix).max())
    if size == 0:
        return -math.inf
    scaled = matrix / size
    gram = scaled @ scaled.T if len(scaled) <= scaled.shape[1] else scaled.T @ scaled
    return math.log(size) + math.log(float(np.linalg.eigvalsh(gram)[-1])) / 2 + gain


def spectral_radius(settings: DepthSettings) -> float | None:
    """Return the largest |eigenvalue| of the first seed's recurrent matrix; None without one, or where it is too wide.

    |W'^T e|^(1/T) tends to it as T grows (Gelfand 1941): the factor a step of a linear recurrent network.

    Examples
    --------
    >>> from dlmath.depth.engine.settings import DepthSettings
    >>> round(spectral_radius(DepthSettings(width=32, init="orthogonal", cell="rnn", activation="linear")), 9)
    1.0
    """
    if settings.cell != "rnn" or settings.width > MOST_UNITS:
        return None
    run = network(settings._replace(depth=1, dtype="float64"), settings.seed, 1)
    run.forward()
    values: Array = np.linalg.eigvals(run.matrix(0)[0])  # type: ignore[union-attr]
    return float(np.abs(values).max())
