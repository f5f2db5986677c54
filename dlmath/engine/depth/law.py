"""Deep plain networks drawn from their exact law, without a single matrix: O(N) a layer instead of O(N^2).

W, with independent N(0, sigma^2/N) entries, is used once forward, on x, and once backward, on e. Given what it did
forward it is W = z x'/|x|^2 + W~ (I - x x'/|x|^2) with W~ an independent copy (Bayati & Montanari 2011,
arXiv:1001.3448), and e depends on W only through z. So exactly, at every finite N::

    forward    z = sigma |x| / sqrt(N) n                                n, w ~ N(0, I), independent
    backward   g = W'e = A w + B x,   A = sigma |e| / sqrt(N),          B = ((z.e) - A (x.w)) / |x|^2

and for sigma times a Haar-orthogonal W, with e_ the part of e orthogonal to z::

    forward    z = sigma |x| n / |n|
    backward   g = A w + B x,   A = sigma |e_| / |w_|,   B = (sigma^2 (z.e) - A (x.w)) / |x|^2,  w_ = w - x (x.w)/|x|^2

(there z stands for W x / sigma). Then dE/dz of the layer before is A (phi' w) + B (phi' x): all that the next step
back needs of it, its norm and its product with n, are known from the scalar products of w, x, phi' w, phi' x and n,
which the FORWARD pass can take. So nothing is kept but a dozen numbers a layer, and the backward pass is a recursion
in them (`law_backward`). Biases and layer normalisation, whose backward pass is linear too, go through unchanged;
residual networks, whose gradient remembers every layer, are in `residual_law`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from dlmath.engine.depth.channel import Channel, log_slope
from dlmath.engine.depth.figures import Figures
from dlmath.engine.depth.law_backward import Products, Scales, walk_back
from dlmath.engine.depth.normals import LAYERS, box_muller, random_errors, random_inputs, stream, words
from dlmath.engine.depth.remedies import project, standardise
from dlmath.engine.depth.settings import ORTHOGONAL

if TYPE_CHECKING:
    from dlmath.engine.arrays import Array
    from dlmath.engine.depth.settings import DepthSettings

SLAB = 1 << 15
"""Numbers an array of a slab holds: several layers of a narrow network, several networks of a wide one."""
UNDERFLOWN = 1e-6
"""Where slopes leave less than this of |w|^2, they are computed again as exp(ln |phi'|)."""
_F32 = np.dtype(np.float32)


class _Slab:
    """Arrays (G + 1, S, N) of G layers of S networks; place 0 holds the layer before.

    Attributes
    ----------
    n, w : the normals of the forward and of the backward pass
    u : what phi is applied to
    x, slope : phi(u), phi'(u)
    """

    def __init__(self, layers: int, inputs: Array) -> None:
        shape = (layers + 1, *inputs.shape)
        self.n, self.w, self.u, self.x, self.slope = (np.empty(shape, _F32) for _ in range(5))
        self.n[0], self.u[0], self.slope[0], self.x[0] = 0, 0, 1, inputs
        self.biases: Array | None = None

    def roll(self, layers: int) -> None:
        """Put the last layer in place 0."""
        for array in (self.n, self.u, self.x, self.slope):
            array[0] = array[layers]


class ChainLaw:
    """S networks x' = phi(norm(W x + b)) drawn together.

    Parameters
    ----------
    settings : DepthSettings
        batch 1, no residual, Gaussian or orthogonal weights, normalisation none or layer.
    first, count : int
        The seeds `first` to `first + count - 1`: each drawn from streams of its own.
    """

    def __init__(self, settings: DepthSettings, first: int, count: int) -> None:
        self.settings, self.count = settings, count
        self.seeds = range(first, first + count)
        self.weights, self.sigma_b = settings.weights, settings.sigma_b
        self.channel = Channel(settings.phi, _F32)
        self.normalized = settings.normalize == "layer"
        # phi(c n) = c phi(n), and nothing else looks at sizes: whole slabs at once
        self.slabwise = self.channel.homogeneous and not self.normalized and not self.sigma_b
        self.products = Products.empty(settings.depth, count)
        self.scales = Scales.zeros(settings.depth, count)
        shape = (settings.depth, count)
        self.means, self.variances, self.saturated = np.empty(shape), np.empty(shape), np.empty(shape)

    def run(self) -> Figures:
        """Draw the networks, layer after layer, then send the error back."""
        settings = self.settings
        sources = [stream(seed, LAYERS) for seed in self.seeds]
        group = max(1, min(settings.depth, SLAB // (self.count * settings.width)))
        slab = _Slab(group, np.concatenate([random_inputs(seed, 1, settings.width, _F32) for seed in self.seeds]))
        for start in range(0, settings.depth, group):
            layers = min(group, settings.depth - start)
            self._draw(slab, sources, layers)
            self._forward(slab, start, layers)
            self._take_products(slab, start, layers)
            self._take_figures(slab, start, layers)
            slab.roll(layers)
        log_gradient, log_weight_gradient = walk_back(settings, self.products, self.scales, *self._send_error(slab))
        dead = self.saturated if self.channel.silent else np.zeros_like(self.saturated)
        return Figures(self.means, self.variances, self.saturated, dead, log_gradient, log_weight_gradient)

    # ------------------------------------------------------------ forward

    def _draw(self, slab: _Slab, sources: list[np.random.SFC64], layers: int) -> None:
        """Fill n and w, and the biases where there are any: a network's next words, whoever runs beside it."""
        width = self.settings.width
        drawn = width + (width + 1) // 2 if self.sigma_b else width
        raw = np.empty((layers, self.count, 2, drawn), np.int32)
        for row, source in enumerate(sources):
            raw[:, row] = words(source, layers * drawn).reshape(layers, 2, drawn)
        n, w = slab.n[1 : layers + 1], slab.w[1 : layers + 1]
        if not self.sigma_b:
            box_muller(raw[:, :, 0], raw[:, :, 1], _F32, (n, w))
            return
        first, second = box_muller(raw[:, :, 0], raw[:, :, 1], _F32)
        n[...], w[...] = first[:, :, :width], second[:, :, :width]
        slab.biases = np.concatenate([first[:, :, width:], second[:, :, width:]], axis=2)[:, :, :width]

    def _forward(self, slab: _Slab, start: int, layers: int) -> None:
        """Compute x and phi' of the slab's layers from their n."""
        place, part = slice(1, layers + 1), slice(start, start + layers)
        self.products.nn[part] = np.vecdot(slab.n[place], slab.n[place])
        with np.errstate(over="ignore", divide="ignore"):  # 1/(1 + inf) = 0 and ln 0 = -inf are the right answers
            if self.slabwise:
                np.copyto(slab.x[place], slab.n[place])
                self.channel.apply(slab.x[place], slab.slope[place])
                self.products.xx[part] = np.vecdot(slab.x[:layers], slab.x[:layers])
            for step in range(layers):
                self._layer(slab, start + step, step + 1)

    def _layer(self, slab: _Slab, layer: int, place: int) -> None:
        """Find the size of one layer's z, and unless slabs go as a whole its x and phi'."""
        products, scales = self.products, self.scales
        if not self.slabwise:
            products.xx[layer] = np.vecdot(slab.x[place - 1], slab.x[place - 1])
        log_length = scales.size[layer] + np.log(products.xx[layer]) / 2
        scales.gain[layer] = self._gain(slab.n[place], layer, log_length)
        root = (
            np.log(products.nn[layer]) / 2 if self.weights.family == ORTHOGONAL else math.log(self.settings.width) / 2
        )
        log_scale = scales.gain[layer] + log_length - root
        if self.slabwise:
            scales.size[layer + 1] = log_scale
        elif self.normalized:
            self._normalise(slab, layer, place, log_scale)
        else:
            self._activate(slab, layer, place, log_scale)

    def _gain(self, n: Array, layer: int, log_length: Array) -> Array | float:
        """Return ln sigma of the layer's weights: as set, or such that z gets variance 1 (LSUV)."""
        if not self.weights.unit_variance:
            return math.log(self.weights.sigma)
        return np.asarray(np.log(self.products.nn[layer]) / 2 - log_length - np.log(n.std(axis=1, dtype=np.float64)))

    def _activate(self, slab: _Slab, layer: int, place: int, log_scale: Array) -> None:
        """Compute u = z, x and phi' of one layer, z being replaced by z / size where phi is homogeneous."""
        scale = np.exp(log_scale)
        size = np.sqrt(scale**2 + self.sigma_b**2)
        outside = self.channel.outside(size)
        if self.channel.homogeneous or outside.any():
            divide = (outside | self.channel.homogeneous) & (size > 0)
            self.scales.size[layer + 1] = np.where(divide, np.log(size), np.where(size > 0, 0, -math.inf))
            size = np.where(divide, size, 1)
            scale, bias_scale = scale / size, self.sigma_b / size
        else:
            bias_scale = np.full(self.count, self.sigma_b)
        self._weighted_sum(slab, place, scale, bias_scale)
        np.copyto(slab.x[place], slab.u[place])
        self.channel.apply(slab.x[place], slab.slope[place])
        for row in np.flatnonzero(outside):
            slab.x[place, row] = slab.u[place, row]
            self.channel.apply_limit(slab.x[place, row], slab.slope[place, row], far=bool(log_scale[row] > 0))

    def _weighted_sum(self, slab: _Slab, place: int, scale: Array, bias_scale: Array) -> None:
        np.multiply(slab.n[place], scale.astype(_F32)[:, None], out=slab.u[place])
        if slab.biases is not None:
            slab.u[place] += slab.biases[place - 1] * bias_scale.astype(_F32)[:, None]

    def _normalise(self, slab: _Slab, layer: int, place: int, log_scale: Array) -> None:
        """Compute u = norm z, x and phi' of one layer; the size of z goes into `spread`."""
        size = np.logaddexp(2 * log_scale, 2 * np.log(self.sigma_b)) / 2 if self.sigma_b else log_scale
        self._weighted_sum(slab, place, np.exp(log_scale - size), self.sigma_b * np.exp(-size))
        slab.u[place], spread = standardise(slab.u[place], 1)
        self.scales.spread[layer] = size + np.log(spread[:, 0])
        np.copyto(slab.x[place], slab.u[place])
        self.channel.apply(slab.x[place], slab.slope[place])

    # ------------------------------------------------------------ what is kept of it

    def _take_products(self, slab: _Slab, start: int, layers: int) -> None:
        """Take the scalar products of the slab's w with the x, phi' and n of the layers before them."""
        w, part = slab.w[1 : layers + 1], slice(start, start + layers)
        x, slope, n = slab.x[:layers], slab.slope[:layers], slab.n[:layers]
        products = self.products
        products.ww[part], products.xw[part] = np.vecdot(w, w), np.vecdot(x, w)
        p, q = slope * w, slope * x
        lost = np.vecdot(p, p) < UNDERFLOWN * products.ww[part]
        if self.normalized:
            p, q = project(slab.u[:layers], p, 2), project(slab.u[:layers], q, 2)
        products.pp[part], products.pq[part], products.qq[part] = np.vecdot(p, p), np.vecdot(p, q), np.vecdot(q, q)
        products.np[part], products.nq[part] = np.vecdot(n, p), np.vecdot(n, q)
        if not self.channel.homogeneous:
            for step, row in np.argwhere(lost):
                self._take_again(slab, start + int(step), int(step), int(row))

    def _take_again(self, slab: _Slab, layer: int, place: int, row: int) -> None:
        """Take the products of one network and layer from ln |phi'|, for its slopes have underflown or cancelled."""
        if layer == 0 or self.scales.size[layer, row]:
            return
        slope, self.scales.slope[layer - 1, row] = self._exact_slopes(slab.u[place, row])
        p, q = slope * slab.w[place + 1, row], slope * slab.x[place, row]
        if self.normalized:
            p, q = project(slab.u[place, row], p, 0), project(slab.u[place, row], q, 0)
        n = slab.n[place, row]
        for name, one, other in (("pp", p, p), ("pq", p, q), ("qq", q, q), ("np", n, p), ("nq", n, q)):
            getattr(self.products, name)[layer, row] = one @ other

    def _exact_slopes(self, u: Array) -> tuple[Array, float]:
        """Return phi'(u) divided by its largest, and the logarithm of that."""
        sign, log = log_slope(self.settings.phi, u.astype(np.float64))
        largest = float(log.max())
        if largest == -math.inf:
            return np.zeros_like(log), 0.0
        return sign * np.exp(log - largest), largest

    def _take_figures(self, slab: _Slab, start: int, layers: int) -> None:
        """Take mean, variance and the share of saturated units of the slab's layers."""
        part, x = slice(start, start + layers), slab.x[1 : layers + 1]
        mean = x.sum(axis=2, dtype=np.float64) / self.settings.width
        square = np.vecdot(x, x) / self.settings.width
        with np.errstate(over="ignore"):  # a signal beyond 1e308 is reported as infinite
            size = np.exp(self.scales.size[start + 1 : start + layers + 1])
            self.means[part] = mean * size
            self.variances[part] = np.maximum(square - mean * mean, 0) * size**2
        flat = self.channel.saturated(slab.slope[1 : layers + 1])
        self.saturated[part] = np.count_nonzero(flat, axis=2) / self.settings.width

    def _send_error(self, slab: _Slab) -> tuple[Array, Array]:
        """Return |e|^2 and n.e (S,) of e = dE/dz of the last layer, up to the scales; place 0 holds that layer."""
        width = self.settings.width
        errors = np.concatenate([random_errors(seed, 1, width, _F32) for seed in self.seeds])
        slope = slab.slope[0].astype(np.float64)
        lost = np.vecdot(slope, slope) < UNDERFLOWN * width
        for row in np.flatnonzero(lost & (self.scales.size[-1] == 0) & (not self.channel.homogeneous)):
            slope[row], self.scales.slope[-1, row] = self._exact_slopes(slab.u[0, row])
        e = slope * errors
        e = project(slab.u[0], e, 1) if self.normalized else e
        return np.vecdot(e, e), np.vecdot(slab.n[0], e)
