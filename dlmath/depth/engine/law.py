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

from dlmath.depth.engine.channel import Channel
from dlmath.depth.engine.figures import Figures
from dlmath.depth.engine.law_backward import Products, Scales, walk_back
from dlmath.depth.engine.normals import LAYERS, box_muller, random_errors, random_inputs, stream, words
from dlmath.depth.engine.remedies import project, standardise
from dlmath.neural.initialisers import ORTHOGONAL

if TYPE_CHECKING:
    from dlmath.depth.engine.settings import DepthSettings
    from dlmath.neural.arrays import Array

SLAB = 1 << 15
"""Numbers an array of a slab holds: several layers of a narrow network, several networks of a wide one."""
UNDERFLOWN = 1e-6
"""Where slopes leave less than this of |w|^2, they are computed again as exp(ln |phi'|)."""
WIDE = 512
_F32 = np.dtype(np.float32)


class _Slab:
    """Arrays (G + 1, S, N) of G layers of S networks; place 0 holds the layer before.

    Attributes
    ----------
    n, w : the normals of the forward and of the backward pass
    x, slope : phi(u), phi'(u)
    u : what phi is applied to, kept behind normalisations only
    biases : drawn with variance 1, where there are any
    """

    def __init__(self, layers: int, inputs: Array, *, normalized: bool, biased: bool) -> None:
        shape = (layers + 1, *inputs.shape)
        self.n, self.w, self.x, self.slope = (np.empty(shape, _F32) for _ in range(4))
        self.u = np.zeros(shape, _F32) if normalized else self.x
        self.biases = np.zeros(shape, _F32) if biased else None
        self.n[0], self.slope[0], self.x[0] = 0, 1, inputs

    def roll(self, layers: int) -> None:
        """Put the last layer in place 0."""
        for array in (self.n, self.x, self.slope, self.u, self.biases):
            if array is not None:
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
        self.orthogonal = self.weights.family == ORTHOGONAL
        self.normalized = settings.normalize == "layer"
        # phi(c n) = c phi(n), and nothing else looks at sizes: whole slabs at once
        self.slabwise = self.channel.homogeneous and not self.normalized and not self.sigma_b
        self.products = Products.empty(settings.depth, count)
        self.scales = Scales.zeros(settings.depth, count)
        # whether sizes are looked at, layer by layer: phi is homogeneous, or some size called for its limit
        self.sized = self.channel.homogeneous or self.normalized or self.weights.unit_variance
        shape = (settings.depth, count)
        self.scale, self.bias_scale = np.empty(shape), np.empty(shape)  # u = scale n + bias_scale biases
        self.means, self.variances, self.log_variances = np.empty(shape), np.empty(shape), np.empty(shape)
        self.saturated = np.empty(shape)

    def run(self) -> Figures:
        """Draw the networks, layer after layer, then send the error back."""
        settings = self.settings
        sources = [stream(seed, LAYERS) for seed in self.seeds]
        group = max(1, min(settings.depth, SLAB // (self.count * settings.width)))
        inputs = np.concatenate([random_inputs(seed, 1, settings.width, _F32) for seed in self.seeds])
        slab = _Slab(group, inputs, normalized=self.normalized, biased=self.sigma_b > 0)
        if not self.weights.unit_variance:
            self.scales.gain.fill(math.log(self.weights.sigma))
        for start in range(0, settings.depth, group):
            layers = min(group, settings.depth - start)
            self._draw(slab, sources, layers)
            self._forward(slab, start, layers)
            self._take_products(slab, start, layers)
            self._take_figures(slab, start, layers)
            slab.roll(layers)
        gradients = walk_back(settings, self.products, self.scales, *self._send_error(slab))
        dead = self.saturated if self.channel.silent else np.zeros_like(self.saturated)
        return Figures(self.means, self.variances, self.log_variances, self.saturated, dead, *gradients)

    # ------------------------------------------------------------ forward

    def _draw(self, slab: _Slab, sources: list[np.random.SFC64], layers: int) -> None:
        """Fill n and w, and the biases where there are any: a network's next words, whoever runs beside it."""
        width = self.settings.width
        drawn = width + (width + 1) // 2 if self.sigma_b else width
        raw = np.empty((layers, self.count, 2, drawn), np.int32)
        for row, source in enumerate(sources):
            raw[:, row] = words(source, layers * drawn).reshape(layers, 2, drawn)
        n, w = slab.n[1 : layers + 1], slab.w[1 : layers + 1]
        if slab.biases is None:
            box_muller(raw[:, :, 0], raw[:, :, 1], _F32, (n, w))
            return
        first, second = box_muller(raw[:, :, 0], raw[:, :, 1], _F32)
        n[...], w[...] = first[:, :, :width], second[:, :, :width]
        rest = np.concatenate([first[:, :, width:], second[:, :, width:]], axis=2)
        slab.biases[1 : layers + 1] = rest[:, :, :width]

    def _forward(self, slab: _Slab, start: int, layers: int) -> None:
        """Compute x and phi' of the slab's layers from their n."""
        place, part = slice(1, layers + 1), slice(start, start + layers)
        self.products.nn[part] = np.vecdot(slab.n[place], slab.n[place])
        with np.errstate(over="ignore", divide="ignore"):  # 1/(1 + inf) = 0 and ln 0 = -inf are the right answers
            if self.slabwise:
                self._slab_at_once(slab, start, layers)
            elif self.sized or not self._quickly(slab, start, layers):
                for step in range(layers):
                    self._layer(slab, start + step, step + 1)

    def _quickly(self, slab: _Slab, start: int, layers: int) -> bool:
        """Compute the slab without looking at sizes; return whether that was right: no size called for a limit."""
        part = slice(start, start + layers)
        factor, scale = self._factor(part), self.scale[part]  # (G, S): one number a layer and network
        self.bias_scale[part] = self.sigma_b
        with np.errstate(invalid="ignore"):  # what overflows is thrown away
            for step in range(layers):
                x = slab.x[step]
                self.products.xx[start + step] = xx = np.vecdot(x, x)
                np.multiply(np.sqrt(xx, dtype=np.float64), factor[step], scale[step])
                self._weighted_sum(slab, start + step, step + 1)
                self.channel.apply(slab.x[step + 1], slab.slope[step + 1])
        self.sized = bool(self.channel.outside(np.sqrt(scale * scale + self.sigma_b**2)).any())
        return not self.sized

    def _factor(self, layers: slice | int) -> Array:
        """Return sigma / |n| or sigma / sqrt(N): what |x| n is multiplied by in W x, sizes apart."""
        root = np.sqrt(self.products.nn[layers]) if self.orthogonal else math.sqrt(self.settings.width)
        return np.asarray(np.broadcast_to(self.weights.sigma / root, self.products.nn[layers].shape))

    def _slab_at_once(self, slab: _Slab, start: int, layers: int) -> None:
        """Compute the layers of a homogeneous phi from z = n, their sizes multiplied up in logarithms."""
        place, part = slice(1, layers + 1), slice(start, start + layers)
        np.copyto(slab.x[place], slab.n[place])
        self.channel.apply(slab.x[place], slab.slope[place])
        self.products.xx[part] = np.vecdot(slab.x[:layers], slab.x[:layers])
        if self.weights.unit_variance:
            for step in range(layers):
                self.scales.gain[start + step] = self._unit_gain(slab.n[step + 1], start + step)
                self._note_size(start + step)
            return
        steps = self.scales.gain[part] + np.log(self.products.xx[part]) / 2 - self._log_root(part)
        sizes = np.cumsum(np.concatenate([self.scales.size[start : start + 1], steps]), axis=0)
        self.scales.size[start + 1 : start + layers + 1] = sizes[1:]

    def _log_root(self, layers: slice | int) -> Array | float:
        """Return ln of what n is divided by to have norm 1, or about 1: |n| or sqrt(N)."""
        return (
            np.asarray(np.log(self.products.nn[layers]) / 2) if self.orthogonal else math.log(self.settings.width) / 2
        )

    def _log_scale(self, layer: int) -> Array:
        """Return ln of what n is multiplied by in W x."""
        log_length = self.scales.size[layer] + np.log(self.products.xx[layer]) / 2
        return np.asarray(self.scales.gain[layer] + log_length - self._log_root(layer))

    def _note_size(self, layer: int) -> None:
        self.scales.size[layer + 1] = self._log_scale(layer)

    def _unit_gain(self, n: Array, layer: int) -> Array:
        """Return ln sigma of the layer's weights such that z gets variance 1 (LSUV)."""
        log_length = self.scales.size[layer] + np.log(self.products.xx[layer]) / 2
        log_length = np.where(log_length > -np.inf, log_length, 0)  # behind a dead layer there is nothing to scale
        return np.asarray(self._log_root(layer) - log_length - np.log(n.std(axis=1, dtype=np.float64)))

    def _layer(self, slab: _Slab, layer: int, place: int) -> None:
        """Compute u, x and phi' of one layer."""
        self.products.xx[layer] = np.vecdot(slab.x[place - 1], slab.x[place - 1])
        if self.normalized:
            self._normalise(slab, layer, place)
            return
        outside = self._choose_scale(slab, layer, place)
        self._weighted_sum(slab, layer, place)
        self.channel.apply(slab.x[place], slab.slope[place])
        for row in outside:
            slab.x[place, row] = self._argument(slab, layer, place, row)
            far = bool(self.scales.size[layer + 1, row] > 0)
            self.channel.apply_limit(slab.x[place, row], slab.slope[place, row], far=far)

    def _choose_scale(self, slab: _Slab, layer: int, place: int) -> list[int]:
        """Set u = scale n + bias_scale b, which is z / size; return the networks that need the limit of phi here."""
        if self.weights.unit_variance:
            self.scales.gain[layer] = self._unit_gain(slab.n[place], layer)
        log_scale = self._log_scale(layer)
        log_size = self._log_size(log_scale)
        scale, size = np.exp(log_scale), np.exp(log_size)
        if not self.weights.unit_variance:  # to the last bit what `_quickly` computes, where no size stands apart
            direct = np.sqrt(self.products.xx[layer]) * self._factor(layer)
            scale = np.where(self.scales.size[layer] == 0, direct, scale)
        outside = self.channel.outside(size)
        divide = (outside | self.channel.homogeneous) & (log_size > -math.inf)
        self.scales.size[layer + 1] = np.where(divide, log_size, np.where(size > 0, 0, -math.inf))
        log_size = np.where(divide, log_size, 0)
        self.scale[layer] = np.where(divide, np.exp(log_scale - log_size), scale)
        if self.sigma_b:
            self.bias_scale[layer] = self.sigma_b * np.exp(-log_size)
        return [int(row) for row in np.flatnonzero(outside)]

    def _log_size(self, log_scale: Array) -> Array:
        """Return ln of the standard deviation of z."""
        return np.asarray(np.logaddexp(2 * log_scale, 2 * np.log(self.sigma_b)) / 2) if self.sigma_b else log_scale

    def _weighted_sum(self, slab: _Slab, layer: int, place: int) -> None:
        np.multiply(slab.n[place], self.scale[layer].astype(_F32)[:, None], out=slab.u[place])
        if slab.biases is not None:
            slab.u[place] += slab.biases[place] * self.bias_scale[layer].astype(_F32)[:, None]

    def _argument(self, slab: _Slab, layer: int, place: int, row: int) -> Array:
        """Return u of one network and layer of the slab."""
        u = slab.n[place, row] * _F32.type(self.scale[layer, row])
        if slab.biases is not None:
            u += slab.biases[place, row] * _F32.type(self.bias_scale[layer, row])
        return np.asarray(u)

    def _normalise(self, slab: _Slab, layer: int, place: int) -> None:
        """Compute u = norm z, x and phi' of one layer; the size of z goes into `spread`."""
        log_scale = self._log_scale(layer)
        size = self._log_size(log_scale)
        self.scale[layer], self.bias_scale[layer] = np.exp(log_scale - size), self.sigma_b * np.exp(-size)
        self._weighted_sum(slab, layer, place)
        slab.u[place], spread = standardise(slab.u[place], 1)
        self.scales.spread[layer] = size + np.log(spread[:, 0])
        np.copyto(slab.x[place], slab.u[place])
        self.channel.apply(slab.x[place], slab.slope[place])

    # ------------------------------------------------------------ what is kept of it

    def _take_products(self, slab: _Slab, start: int, layers: int) -> None:
        """Take the scalar products of the slab's w with the x, phi' and n of the layers before them."""
        # all of them (G, S, N): G layers of the slab, S networks, N units; places :layers are the layers before
        w, part = slab.w[1 : layers + 1], slice(start, start + layers)
        x, slope, n = slab.x[:layers], slab.slope[:layers], slab.n[:layers]
        products = self.products
        products.ww[part], products.xw[part] = np.vecdot(w, w), np.vecdot(x, w)
        p, q = slope * w, slope * x  # what the step back needs of A (phi' w) + B (phi' x): its products, never itself
        products.pp[part] = np.vecdot(p, p)
        lost = products.pp[part] < UNDERFLOWN * products.ww[part]
        if self.normalized:
            p, q = project(slab.u[:layers], p, 2), project(slab.u[:layers], q, 2)
            products.pp[part] = np.vecdot(p, p)
        products.pq[part], products.qq[part] = np.vecdot(p, q), np.vecdot(q, q)
        products.np[part], products.nq[part] = np.vecdot(n, p), np.vecdot(n, q)
        if not self.channel.homogeneous and lost.any():
            for step, row in np.argwhere(lost):
                self._take_again(slab, start + int(step), int(step), int(row))

    def _take_again(self, slab: _Slab, layer: int, place: int, row: int) -> None:
        """Take the products of one network and layer from ln |phi'|, for its slopes have underflown or cancelled."""
        if layer == 0 or self.scales.size[layer, row]:
            return
        slope, self.scales.slope[layer - 1, row] = self._exact_slopes(slab, layer - 1, place, row)
        p, q = slope * slab.w[place + 1, row], slope * slab.x[place, row]
        if self.normalized:
            p, q = project(slab.u[place, row], p, 0), project(slab.u[place, row], q, 0)
        n = slab.n[place, row]
        for name, one, other in (("pp", p, p), ("pq", p, q), ("qq", q, q), ("np", n, p), ("nq", n, q)):
            getattr(self.products, name)[layer, row] = one @ other

    def _exact_slopes(self, slab: _Slab, layer: int, place: int, row: int) -> tuple[Array, float]:
        """Return phi'(u) of a layer in `place`, divided by its largest, and the logarithm of that."""
        u = slab.u[place, row] if self.normalized else self._argument(slab, layer, place, row)
        sign, log = self.settings.phi.log_slope(u.astype(np.float64))
        largest = float(log.max())
        if largest == -math.inf:
            return np.zeros_like(log), 0.0
        return sign * np.exp(log - largest), largest

    def _take_figures(self, slab: _Slab, start: int, layers: int) -> None:
        """Take mean, variance and the share of saturated units of the slab's layers."""
        part, x = slice(start, start + layers), slab.x[1 : layers + 1]
        mean = x.sum(axis=2) / self.settings.width
        square = np.vecdot(x, x) / self.settings.width
        log_size = self.scales.size[start + 1 : start + layers + 1]
        with np.errstate(over="ignore", divide="ignore"):  # a signal beyond 1e308 is infinite, ln 0 = -inf
            size, variance = np.exp(log_size), np.maximum(square - mean * mean, 0)
            self.means[part] = mean * size
            self.log_variances[part] = np.log(variance) + 2 * log_size
            self.variances[part] = np.where(log_size == 0, variance, np.exp(self.log_variances[part]))
        self.saturated[part] = _counts(self.channel.saturated(slab.slope[1 : layers + 1])) / self.settings.width

    def _send_error(self, slab: _Slab) -> tuple[Array, Array]:
        """Return |e|^2 and n.e (S,) of e = dE/dz of the last layer, up to the scales; place 0 holds that layer."""
        width = self.settings.width
        errors = np.concatenate([random_errors(seed, 1, width, _F32) for seed in self.seeds])
        slope = slab.slope[0].astype(np.float64)
        lost = np.vecdot(slope, slope) < UNDERFLOWN * width
        for row in np.flatnonzero(lost & (self.scales.size[-1] == 0) & (not self.channel.homogeneous)):
            slope[row], self.scales.slope[-1, row] = self._exact_slopes(slab, -1, 0, int(row))
        e = slope * errors
        e = project(slab.u[0], e, 1) if self.normalized else e
        return np.vecdot(e, e), np.vecdot(slab.n[0], e)


def _counts(flags: Array) -> Array:
    """Return how many are set along the last axis; NumPy counts whole arrays much faster than along an axis."""
    if flags.shape[-1] < WIDE:
        return np.asarray(np.count_nonzero(flags, axis=-1))
    rows = flags.reshape(-1, flags.shape[-1])
    return np.array([np.count_nonzero(row) for row in rows]).reshape(flags.shape[:-1])
