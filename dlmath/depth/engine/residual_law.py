"""Residual networks drawn from their exact law: `law` with the vectors kept, since the gradient remembers them all.

    pre     x' = x + W phi(norm x) + b      dE/dx = e + back(W'e),       e = dE/dx'
    post    x' = x + phi(norm z), z = W x + b    dE/dx = e + W' back(e)

where back multiplies by phi' and goes back through the normalisation. The law of W'e given what W did forward is
that of `law`; what it is conditioned on differs: W phi(norm x), or W x. Kept of each layer: n, w and x.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from dlmath.depth.engine.channel import HUGE, Channel
from dlmath.depth.engine.figures import Figures
from dlmath.depth.engine.law_backward import Products, mixture
from dlmath.depth.engine.normals import BIASES, LAYERS, box_muller, normals, random_errors, random_inputs, stream, words
from dlmath.depth.engine.remedies import project, standardise
from dlmath.neural.initialisers import ORTHOGONAL

if TYPE_CHECKING:
    from collections.abc import Callable

    from dlmath.depth.engine.settings import DepthSettings
    from dlmath.neural.arrays import Array

_F32 = np.dtype(np.float32)
LEAST = math.log(1e-12)
"""Weighted sums smaller than this are lifted to it: beside x, of mean square 1 and more, neither is seen in float32."""


class Branch(NamedTuple):
    """phi(norm v) of some rows v (S, N), and what the way back needs.

    Attributes
    ----------
    u, x, slope : ndarray (S, N)
        Argument, value and slope of phi.
    log_size : ndarray (S,)
        What x is to be multiplied by: not 0 where phi was replaced by its limit, or is homogeneous.
    log_spread : ndarray (S,)
        ln s of the normalisation, 0 without.
    """

    u: Array
    x: Array
    slope: Array
    log_size: Array
    log_spread: Array


class ResidualLaw:
    """S residual networks drawn together.

    Parameters
    ----------
    settings : DepthSettings
        batch 1, residual pre or post, Gaussian or orthogonal weights, normalisation none or layer.
    first, count : int
        The seeds `first` to `first + count - 1`.
    """

    def __init__(self, settings: DepthSettings, first: int, count: int) -> None:
        self.settings, self.count = settings, count
        self.seeds = range(first, first + count)
        self.weights = settings.weights
        self.channel = Channel(settings.phi, _F32)
        self.orthogonal = self.weights.family == ORTHOGONAL
        self.pre = settings.residual == "pre"
        kept = (settings.depth, count, settings.width)
        self.n, self.w, self.x = (np.empty(kept, _F32) for _ in range(3))
        self.biases = np.empty(kept, _F32) if settings.sigma_b else None
        self.log_size = np.zeros((settings.depth + 1, count))  # x^l = exp(log_size) * array
        self.log_sigma = math.log(self.weights.sigma)
        self.log_bias = math.log(settings.sigma_b) if settings.sigma_b else -math.inf
        self.products = Products.empty(settings.depth, count)
        shape = (settings.depth, count)
        self.means, self.variances, self.log_variances = np.empty(shape), np.empty(shape), np.empty(shape)
        self.saturated = np.empty(shape)

    def run(self) -> Figures:
        """Draw the networks, layer after layer, then send the error back."""
        sources = [stream(seed, LAYERS) for seed in self.seeds]
        bias_sources = [stream(seed, BIASES) for seed in self.seeds]
        x = self._rows(random_inputs)
        with np.errstate(over="ignore", divide="ignore"):  # 1/(1 + inf) = 0, ln 0 = -inf: the right answers
            for layer in range(self.settings.depth):
                self._draw(layer, sources, bias_sources)
                self.x[layer] = x
                x = self._forward(layer)
            gradients = self._backward()
        dead = self.saturated if self.channel.silent else np.zeros_like(self.saturated)
        return Figures(self.means, self.variances, self.log_variances, self.saturated, dead, *gradients)

    def _rows(self, draw: Callable[[int, int, int, np.dtype[Any]], Array]) -> Array:
        return np.concatenate([draw(seed, 1, self.settings.width, _F32) for seed in self.seeds])

    def _draw(self, layer: int, sources: list[np.random.SFC64], bias_sources: list[np.random.SFC64]) -> None:
        width = self.settings.width
        raw = np.stack([words(source, width).reshape(2, width) for source in sources])
        box_muller(raw[:, 0], raw[:, 1], _F32, (self.n[layer], self.w[layer]))
        if self.biases is not None:
            drawn = np.stack([normals(source, width, _F32) for source in bias_sources])
            self.biases[layer] = drawn

    # ------------------------------------------------------------ forward

    def _forward(self, layer: int) -> Array:
        """Return x^l of layer index `layer`, divided by exp(log_size[layer + 1])."""
        branch = self._branch(layer)
        z = _times(self.n[layer], self._log_scale(layer, branch.x)) if self.pre else branch.x
        if self.pre and self.biases is not None:
            z = z + _times(self.biases[layer], self.log_bias - branch.log_size)
        self.saturated[layer] = np.count_nonzero(self.channel.saturated(branch.slope), axis=1) / self.settings.width
        return self._rescaled(layer, self.x[layer] + _times(z, branch.log_size - self.log_size[layer]))

    def _log_scale(self, layer: int, x: Array) -> Array:
        """Return ln of sigma |x| / sqrt(N), or / |n|, (S,): W x is that times n.

        Takes the products that the law of W is conditioned on, too.
        """
        products, n, w = self.products, self.n[layer], self.w[layer]
        products.xx[layer], products.xw[layer] = np.vecdot(x, x), np.vecdot(x, w)
        products.ww[layer], products.nn[layer] = np.vecdot(w, w), np.vecdot(n, n)
        norm = products.nn[layer] if self.orthogonal else np.float64(self.settings.width)
        return np.asarray(self.log_sigma + (np.log(products.xx[layer]) - np.log(norm)) / 2)

    def _sum(self, layer: int) -> tuple[Array, Array]:
        """Return W x + b of a layer (S, N), lifted to a size that float32 has, and ln of the lift (S,)."""
        log_scale = self._log_scale(layer, self.x[layer])
        log_bias = self.log_bias - self.log_size[layer]
        size = np.maximum(log_scale, log_bias)
        lift = np.where(size > -np.inf, np.maximum(LEAST - size, 0), 0)
        v = _times(self.n[layer], log_scale + lift)
        return (v if self.biases is None else v + _times(self.biases[layer], log_bias + lift)), lift

    def _branch(self, layer: int) -> Branch:
        """Return phi(norm v) of a layer: v is x (pre), or W x + b (post)."""
        size = self.log_size[layer]
        v, lift = (self.x[layer], np.zeros(self.count)) if self.pre else self._sum(layer)
        log_spread = np.zeros(self.count)
        if self.settings.normalize == "layer":
            v, spread = standardise(v, 1)
            log_spread, size = np.log(spread[:, 0]) + size - lift, log_spread
        x, slope = v.copy(), np.empty_like(v)
        self.channel.apply(x, slope)
        for row in np.flatnonzero(size) if not self.channel.homogeneous else ():
            x[row] = v[row]
            self.channel.apply_limit(x[row], slope[row], far=bool(size[row] > 0))
        return Branch(v, x, slope, size, log_spread)

    def _rescaled(self, layer: int, x: Array) -> Array:
        """Take mean and variance of x^l, and divide rows of extreme size by it."""
        size = np.exp(self.log_size[layer])
        self.means[layer] = x.mean(axis=1, dtype=np.float64) * size
        self.log_variances[layer] = np.log(x.var(axis=1, dtype=np.float64)) + 2 * self.log_size[layer]
        self.variances[layer] = np.exp(self.log_variances[layer])
        largest = np.abs(x).max(axis=1).astype(np.float64)
        factor = np.where((largest > HUGE) & ~np.bool(self.channel.bounded), largest, 1.0)
        self.log_size[layer + 1] = self.log_size[layer] + np.log(factor)
        return np.asarray(x / factor.astype(_F32)[:, None])

    # ------------------------------------------------------------ backward

    def _backward(self) -> tuple[Array, Array]:
        """Return ln |dE/dx^l| (L + 1, S), l = 0..L, and ln |dE/dW^l| (L, S)."""
        depth = self.settings.depth
        log_gradient, log_weight_gradient = np.empty((depth + 1, self.count)), np.empty((depth, self.count))
        e = self._rows(random_errors)
        log_gradient[depth] = 0
        for layer in range(depth - 1, -1, -1):
            step = self._back_before if self.pre else self._back_after
            g, log_delta, log_inputs = step(layer, e)
            log_weight_gradient[layer] = log_gradient[layer + 1] + log_delta + log_inputs
            norm = np.sqrt(np.vecdot(g, g).astype(np.float64))  # (S,): each network is divided by its own
            e = g / np.where(norm > 0, norm, 1).astype(_F32)[:, None]
            log_gradient[layer] = log_gradient[layer + 1] + np.log(norm)
        return log_gradient, log_weight_gradient

    def _back_before(self, layer: int, e: Array) -> tuple[Array, Array | float, Array]:
        """Return dE/dx, ln |dE/dz| and ln |phi(norm x)| of x + W phi(norm x), dE/dx' = e being of norm 1."""
        branch = self._branch(layer)
        back = self._through_branch(branch, self._through_weights(layer, e, branch.x))
        back = _times(back, self.log_sigma - branch.log_spread)
        return e + back, 0.0, np.log(self.products.xx[layer]) / 2 + branch.log_size

    def _back_after(self, layer: int, e: Array) -> tuple[Array, Array | float, Array]:
        """Return dE/dx, ln |dE/dz| and ln |x| of x + phi(norm W x), dE/dx' = e being of norm 1."""
        branch = self._branch(layer)
        delta = self._through_branch(branch, e)
        norm = np.sqrt(np.vecdot(delta, delta).astype(np.float64))
        divided = delta / np.where(norm > 0, norm, 1).astype(_F32)[:, None]
        log_delta = np.log(norm) - branch.log_spread
        back = _times(self._through_weights(layer, divided, self.x[layer]), self.log_sigma + log_delta)
        return e + back, log_delta, np.log(self.products.xx[layer]) / 2 + self.log_size[layer]

    def _through_weights(self, layer: int, e: Array, x: Array) -> Array:
        """Return W'e / sigma for e of norm 1, drawn from its law given W x."""
        n_dot_e = np.vecdot(self.n[layer], e).astype(np.float64)
        law = mixture(self.products, orthogonal=self.orthogonal, width=self.settings.width, rows=layer)
        a, b = law.at(n_dot_e)
        return np.asarray(self.w[layer] * a.astype(_F32)[:, None] + x * b.astype(_F32)[:, None])

    def _through_branch(self, branch: Branch, g: Array) -> Array:
        """Return g dphi(norm v)/dv, but for the normalisation's division by its spread."""
        e = branch.slope * g
        return project(branch.u, e, 1) if self.settings.normalize == "layer" else e


def _times(rows: Array, log: Array) -> Array:
    """Return rows (S, N) times exp(log) (S,)."""
    return np.asarray(rows * np.exp(log).astype(_F32)[:, None]) if log.any() else rows
