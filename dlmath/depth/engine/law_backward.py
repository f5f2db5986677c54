"""The backward pass of `law`: a recursion in scalar products, a few numbers a network and layer."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dlmath.neural.initialisers import ORTHOGONAL

if TYPE_CHECKING:
    from dlmath.depth.engine.settings import DepthSettings
    from dlmath.neural.arrays import Array

FEW = 8
"""Up to so many networks the recursion runs in Python's own floats, which are faster than arrays of few numbers."""


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
    """W'e / (sigma |e|) = a w + b x as a function of t = n.e / |e|: a = a0 r, b = b1 t - b2 a, r = sqrt(1 - r1 t^2)."""

    a0: Array
    b1: Array
    b2: Array
    r1: Array

    def at(self, t: Array) -> tuple[Array, Array]:
        """Return a and b."""
        a = self.a0 * np.sqrt(np.maximum(1 - self.r1 * t * t, 0))
        return a, self.b1 * t - self.b2 * a


def mixture(products: Products, *, orthogonal: bool, width: int, rows: slice | int = slice(None)) -> Mixture:
    """Return the laws of W'e of some layers, from what the forward pass knows of each (see `law`)."""
    xx, xw, ww, nn = (array[rows] for array in (products.xx, products.xw, products.ww, products.nn))
    inverse = np.divide(1, xx, out=np.zeros_like(xx), where=xx > 0)  # nothing is known of W where its input is 0
    root = np.sqrt(inverse)
    if not orthogonal:
        a0 = np.full_like(xx, 1 / math.sqrt(width))
        return Mixture(a0, a0 * root, xw * inverse, np.zeros_like(xx))
    rest = np.maximum(ww - xw * xw * inverse, 0)  # |w|^2 across x
    a0 = np.divide(1, np.sqrt(rest), out=np.zeros_like(rest), where=rest > 0)
    return Mixture(a0, root / np.sqrt(nn), xw * inverse, 1 / nn)


def walk_back(
    settings: DepthSettings, products: Products, scales: Scales, squared_error: Array, n_dot_error: Array
) -> tuple[Array, Array]:
    """Return ln |dE/dx^l| (L + 1, S), l = 0..L, and ln |dE/dW^l| (L, S), a unit error having been sent in.

    Parameters
    ----------
    squared_error, n_dot_error : ndarray (S,)
        |e|^2 and n.e of e = dE/dz^L, but for the last layer's scales.
    """
    orthogonal = settings.weights.family == ORTHOGONAL
    mixed = mixture(products, orthogonal=orthogonal, width=settings.width)  # (L, S) each, as all that follows
    t = _alignments(products, mixed, squared_error, n_dot_error)
    a, b = mixed.at(t)
    passed = np.maximum(a * a * products.pp + 2 * a * b * products.pq + b * b * products.qq, 0)
    length = np.maximum(a * a * products.ww + 2 * a * b * products.xw + b * b * products.xx, 0)
    squares = np.concatenate([passed[1:], squared_error[None]])  # |dE/dz|^2 of each layer, in units of |dE/dz| before
    with np.errstate(divide="ignore"):  # a gradient of 0 has logarithm -inf
        through_slopes = np.log(squares) / 2 + scales.slope - scales.spread + _extinct(settings, scales)
        through_weights = np.log(length) / 2 + scales.gain
        inputs = scales.size[:-1] + np.log(products.xx) / 2
    # ln |dE/dz| of a layer: through its slopes from the vector dE/dx, which was W'e, not yet of norm 1
    steps = np.concatenate([scales.gain[1:] + through_slopes[:-1], through_slopes[-1:]])
    log_delta = np.cumsum(steps[::-1], axis=0)[::-1]
    log_gradient = np.concatenate([log_delta + through_weights, np.zeros((1, steps.shape[1]))])
    return log_gradient, log_delta + inputs


def _alignments(products: Products, mixed: Mixture, squared_error: Array, n_dot_error: Array) -> Array:
    """Return t = n.e / |e| of every layer (L, S), from the last to the first.

    Squares, products, sums and square roots round alike in Python and in NumPy, so both ways give the same bits.
    """
    first = np.divide(n_dot_error, np.sqrt(squared_error), out=np.zeros_like(n_dot_error), where=squared_error > 0)
    if len(first) > FEW:
        return _alignments_of_rows(products, mixed, first)
    columns = [_alignments_of_one(products, mixed, row, float(first[row])) for row in range(len(first))]
    return np.array(columns).T


def _alignments_of_rows(products: Products, mixed: Mixture, t: Array) -> Array:
    alignments = np.empty_like(products.xx)
    for layer in range(len(alignments) - 1, -1, -1):
        alignments[layer] = t
        a, b = Mixture(mixed.a0[layer], mixed.b1[layer], mixed.b2[layer], mixed.r1[layer]).at(t)
        square = a * a * products.pp[layer] + 2 * a * b * products.pq[layer] + b * b * products.qq[layer]
        along = a * products.np[layer] + b * products.nq[layer]
        t = np.divide(along, np.sqrt(np.maximum(square, 0)), out=np.zeros_like(t), where=square > 0)
    return alignments


def _alignments_of_one(products: Products, mixed: Mixture, row: int, t: float) -> list[float]:
    names = (*mixed, products.pp, products.pq, products.qq, products.np, products.nq)
    alignments = []
    for a0, b1, b2, r1, pp, pq, qq, n_p, n_q in zip(*(array[::-1, row].tolist() for array in names), strict=True):
        alignments.append(t)
        a = a0 * math.sqrt(max(1 - r1 * t * t, 0.0))
        b = b1 * t - b2 * a
        square = a * a * pp + 2 * a * b * pq + b * b * qq
        t = (a * n_p + b * n_q) / math.sqrt(square) if square > 0 else 0.0
    return alignments[::-1]


def _extinct(settings: DepthSettings, scales: Scales) -> Array:
    """Return -inf for the layers whose z is 0 throughout where phi'(0) = 0: ReLU units after a dead layer."""
    dead = scales.size[1:] == -math.inf
    return np.where(dead & (settings.phi.slope(np.zeros(1))[0] == 0), -math.inf, 0.0)
