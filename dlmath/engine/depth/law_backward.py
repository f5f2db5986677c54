"""The backward pass of `law`: a recursion in scalar products, a few numbers a network and layer."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dlmath.engine.depth.settings import ORTHOGONAL

if TYPE_CHECKING:
    from dlmath.engine.arrays import Array
    from dlmath.engine.depth.settings import DepthSettings


class Products(NamedTuple):
    """Scalar products of every layer l = 1..L (row l - 1) and network, (L, S) in float64.

    w and x stand for layer l's w and its input x^(l-1); p, q for phi' w, phi' x (through a normalisation, but for
    its division) and n for the n of layer l - 1; `nn` is |n|^2 of layer l itself. Row 0 of those with p, q is
    not used: no activation lies before the first layer.
    """

    ww: Array
    xw: Array
    xx: Array
    pp: Array
    pq: Array
    qq: Array
    np: Array
    nq: Array
    nn: Array

    @classmethod
    def empty(cls, depth: int, count: int) -> Products:
        """Return room for them."""
        return cls(*(np.empty((depth, count)) for _ in cls._fields))


class Scales(NamedTuple):
    """Logarithms of what was divided out.

    Attributes
    ----------
    gain : ndarray (L, S)
        ln sigma of each layer's weights.
    size : ndarray (L + 1, S)
        x^l = exp(size[l]) times the array.
    spread : ndarray (L, S)
        ln s of each layer's normalisation.
    slope : ndarray (L, S)
        phi' = exp(slope) times the array.
    """

    gain: Array
    size: Array
    spread: Array
    slope: Array

    @classmethod
    def zeros(cls, depth: int, count: int) -> Scales:
        """Return room for them; 0 is no scale."""
        shape = (depth, count)
        return cls(np.zeros(shape), np.zeros((depth + 1, count)), np.zeros(shape), np.zeros(shape))


class Mixture(NamedTuple):
    """W'e / (sigma |e|) = a w + b x, each (S,)."""

    a: Array
    b: Array


def mix(products: Products, layer: int, n_dot_e: Array, *, orthogonal: bool, width: int) -> Mixture:
    """Return W'e of a layer, e of norm 1, from what the forward pass knows of it (see `law`)."""
    xx, xw, ww = products.xx[layer], products.xw[layer], products.ww[layer]
    inverse = np.divide(1, xx, out=np.zeros_like(xx), where=xx > 0)  # nothing is known of W where its input is 0
    if orthogonal:
        along = n_dot_e / np.sqrt(products.nn[layer])  # e in the direction of z
        across = np.sqrt(np.maximum(1 - along**2, 0))
        rest = np.maximum(ww - xw**2 * inverse, 0)
        a = np.divide(across, np.sqrt(rest), out=np.zeros_like(rest), where=rest > 0)
        return Mixture(a, along * np.sqrt(inverse) - a * xw * inverse)
    a = np.full_like(xx, 1 / math.sqrt(width))
    return Mixture(a, a * (np.sqrt(xx) * n_dot_e - xw) * inverse)


def walk_back(
    settings: DepthSettings, products: Products, scales: Scales, squared_error: Array, n_dot_error: Array
) -> tuple[Array, Array]:
    """Return ln |dE/dx^l| (L + 1, S), l = 0..L, and ln |dE/dW^l| (L, S), a unit error having been sent in.

    Parameters
    ----------
    squared_error, n_dot_error : ndarray (S,)
        |e|^2 and n.e of e = dE/dz^L, but for the last layer's scales.
    """
    depth, count = products.xx.shape
    log_gradient, log_weight_gradient = np.zeros((depth + 1, count)), np.empty((depth, count))
    limit = math.inf if settings.clip is None else math.log(settings.clip)
    log_gradient[depth] = np.minimum(0.0, limit)
    orthogonal = settings.weights.family == ORTHOGONAL
    extinct = _extinct(settings, scales)
    square, along = squared_error, n_dot_error
    with np.errstate(divide="ignore"):  # a gradient of 0 has logarithm -inf
        log_e = log_gradient[depth]
        for layer in range(depth - 1, -1, -1):
            log_e = log_e + np.log(square) / 2 + scales.slope[layer] - scales.spread[layer] + extinct[layer]
            log_weight_gradient[layer] = log_e + scales.size[layer] + np.log(products.xx[layer]) / 2
            unit = np.divide(along, np.sqrt(square), out=np.zeros_like(along), where=square > 0)
            a, b = mix(products, layer, unit, orthogonal=orthogonal, width=settings.width)
            length = a * a * products.ww[layer] + 2 * a * b * products.xw[layer] + b * b * products.xx[layer]
            passed = log_e + scales.gain[layer]
            whole = passed + np.log(np.maximum(length, 0)) / 2
            log_gradient[layer] = np.minimum(whole, limit)
            log_e = passed + np.where(whole > limit, limit - whole, 0.0)
            square = np.maximum(
                a * a * products.pp[layer] + 2 * a * b * products.pq[layer] + b * b * products.qq[layer], 0
            )
            along = a * products.np[layer] + b * products.nq[layer]
    return log_gradient, log_weight_gradient


def _extinct(settings: DepthSettings, scales: Scales) -> Array:
    """Return -inf for the layers whose z is 0 throughout where phi'(0) = 0: ReLU units after a dead layer."""
    dead = scales.size[1:] == -math.inf
    return np.where(dead & (settings.phi.slope(np.zeros(1))[0] == 0), -math.inf, 0.0)
