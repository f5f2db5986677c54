"""The first correction to mean-field theory: what a width of N, not infinity, does to the mean and the scatter.

Write S = phi'^2 / E phi'^2, A = phi^2 / E phi^2, n = u / sqrt(q) for the argument u of phi in a layer. All terms are
of order 1/N and add up in the log of the squared norm's factor:

- sum S w^2 scatters: variance 3 kappa - 1 with kappa = E S^2, which lowers the mean of the log by half of it
  (Hanin & Nica 2020 for ReLU). Orthogonal W'e keeps its norm: 2 less, and the sample of u^2 is fixed.
- W'e has along x the component that the forward pass fixed, n.e, and not that of an independent copy. n.e / |e| has
  variance V, of which tau (V - 1) is felt, tau = E S A (for what comes through W: biases dilute it); layers remember
  it by V = rho + omega (V_next - 1), rho = E n^2 S, omega = (E n phi phi')^2 / (E phi'^2 E phi^2).
- q is a sample mean itself. Its log is lower than that of its mean by half its variance, and ln chi follows.
- a normalisation takes two directions away and divides by a standard deviation, whose log is lower too.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dlmath.neural.quadrature import SMALLEST_Q, normal_nodes

if TYPE_CHECKING:
    from dlmath.neural.activations import Activation
    from dlmath.neural.arrays import Array

POINTS = 16
"""Nodes a panel: an error of 1e-12 is far below 1/N."""


class Shape(NamedTuple):
    """Means of one activation at one q, in the notation above; S and A have mean 1.

    Attributes
    ----------
    kappa, fourth : float
        E S^2 and E A^2.
    tau, rho, omega, skew : float
        E S A; E n^2 S; (E n phi phi')^2 / (E phi'^2 E phi^2); (E phi phi')^2 / (E phi'^2 E phi^2).
    s_modes, a_modes : tuple of float
        Hermite coefficients 1 and 2 (normalised) of S and of A: the parts that a fixed sample mean and a fixed
        sample mean square of n leave without scatter.
    s_quartic, a_quartic : float
        E S He_4(n) / 4 and E A He_4(n) / 4: a sample brought to mean square 1 has E n^4 = 3 - 6/N.
    """

    kappa: float
    fourth: float
    tau: float
    rho: float
    omega: float
    skew: float
    s_modes: tuple[float, float]
    a_modes: tuple[float, float]
    s_quartic: float
    a_quartic: float

    def scatter(self, s: float, a: float, modes: tuple[int, ...]) -> float:
        """Return the variance of s S + a A, the Hermite modes numbered 1 or 2 in `modes` left out."""
        whole = s * s * self.kappa + 2 * s * a * self.tau + a * a * self.fourth - (s + a) ** 2
        return whole - sum((s * self.s_modes[k - 1] + a * self.a_modes[k - 1]) ** 2 for k in modes)


def shape(activation: Activation, q: float) -> Shape:
    """Return the means of an activation at the variance q of its argument.

    Examples
    --------
    >>> from dlmath.neural.activations import get_activation
    >>> found = shape(get_activation("relu"), 1.0)
    >>> [round(value, 9) for value in (found.kappa, found.tau, found.rho, found.omega)]
    [2.0, 2.0, 1.0, 1.0]
    """
    q = max(q, SMALLEST_Q)
    n, weights = normal_nodes(activation, q, POINTS)
    value, slope = activation.value(n * math.sqrt(q)), activation.slope(n * math.sqrt(q))
    value, slope = value / _root_mean(value, weights), slope / _root_mean(slope, weights)
    a, s = value * value, slope * slope
    second, quartic = (n * n - 1) / math.sqrt(2), n**4 - 6 * n * n + 3
    stacked = np.stack(  # (12, nodes): one matrix product with the weights gives all means at once
        [s * s, a * a, s * a, n * n * s, n * value * slope, value * slope,
         n * s, second * s, n * a, second * a, quartic * s, quartic * a]
    )  # fmt: skip
    found = (stacked @ weights).tolist()
    kappa, fourth, tau, rho, radial, skew = found[:6]
    modes, quartics = found[6:10], found[10:]
    return Shape(
        kappa, fourth, tau, rho, radial**2, skew**2, (modes[0], modes[1]), (modes[2], modes[3]),
        quartics[0] / 4, quartics[1] / 4,
    )  # fmt: skip


def _root_mean(values: Array, weights: Array) -> float:
    return math.sqrt(float(values * values @ weights)) or 1.0


class FiniteWidthCurve(NamedTuple):
    """How ln chi and the length map bend at q: derivatives with respect to ln q.

    Attributes
    ----------
    chi, chi_bend : float
        First and second derivative of ln E phi'^2.
    pull, pull_bend : float
        First and second derivative of ln q', q' the next layer's q.
    """

    chi: float
    chi_bend: float
    pull: float
    pull_bend: float


STEP = 0.02
SAME_Q = 0.04
"""Layers whose q differ by less, relatively, share the means of their corrections, which are small themselves."""


def curve(activation: Activation, q: float, log_gain: float, noise: float) -> FiniteWidthCurve:
    """Return the derivatives by central differences of `STEP` in ln q, at q' = exp(log_gain) E phi^2 + noise^2."""
    below, here, above = (_logs(activation, q * math.exp(step), log_gain, noise) for step in (-STEP, 0.0, STEP))
    first = [(high - low) / (2 * STEP) for low, high in zip(below, above, strict=True)]
    bend = [(high - 2 * middle + low) / STEP**2 for low, middle, high in zip(below, here, above, strict=True)]
    return FiniteWidthCurve(first[0], bend[0], first[1], bend[1])


def _logs(activation: Activation, q: float, log_gain: float, noise: float) -> tuple[float, float]:
    """Return ln E phi'^2 and ln q'."""
    n, weights = normal_nodes(activation, q, POINTS)
    u = n * math.sqrt(q)
    slope, value = activation.slope(u), activation.value(u)
    through = log_gain + math.log(float(value * value @ weights))
    return math.log(float(slope * slope @ weights)), log_sum(through, 2 * math.log(noise) if noise else -math.inf)


def log_sum(first: float, second: float) -> float:
    """Return ln(e^first + e^second)."""
    high, low = max(first, second), min(first, second)
    return high if low == -math.inf else high + math.log1p(math.exp(low - high))


# ---------------------------------------------------------------- chains of layers


class LayerMap(NamedTuple):
    """One layer of a plain network at infinite width.

    Attributes
    ----------
    q : float
        Variance of the argument of phi.
    log_gain : float
        ln of what the next layer's weights make of E phi^2: of fan_in times their variance.
    share : float
        The part of the next layer's q that comes through its weights and not from its biases.
    """

    q: float
    log_gain: float
    share: float


class Correction(NamedTuple):
    """What one layer adds, of order 1/N: to the mean of the log of the squared norm's factor, and to its variance."""

    shift: float
    variance: float


class Corrections(NamedTuple):
    """One `Correction` a layer, and how far the networks are from where the theory holds.

    Attributes
    ----------
    strain : float
        The largest effect of scatter that grows from layer to layer: of ln q on ln chi (one standard deviation), or
        of the gradient turning into the direction of the signal.
    """

    layers: tuple[Correction, ...]
    strain: float


class _Layer(NamedTuple):
    """A layer with its means; `mean` and `variance` are those of ln q about ln of its limit."""

    shape: Shape
    curve: FiniteWidthCurve
    share: float
    mean: float
    variance: float


NO_CURVE = FiniteWidthCurve(0.0, 0.0, 0.0, 0.0)
BOTH = (1, 2)


class DepthChain(NamedTuple):
    """Plain networks x' = phi(norm(W x + b)), as far as their scatter is concerned.

    Attributes
    ----------
    activation : Activation
    widths : tuple of int
        Units of every layer (L): every mean over a layer's units scatters by 1 / its width.
    sigma_b : float
    orthogonal : bool
        The weights are.
    normalized : bool
        Layer normalisation.
    unit_variance : bool
        LSUV: every z is brought to variance 1, by a constant as far as gradients are concerned.
    first_share : float
        The part of the first layer's q that comes through its weights.
    """

    activation: Activation
    widths: tuple[int, ...]
    sigma_b: float
    orthogonal: bool
    normalized: bool
    unit_variance: bool
    first_share: float

    @property
    def fixed_modes(self) -> tuple[int, ...]:
        """The Hermite modes of the argument of phi that do not scatter."""
        if self.normalized:
            return BOTH
        return (2,) if self.unit_variance or (self.orthogonal and not self.sigma_b) else ()

    def corrections(self, maps: list[LayerMap]) -> Corrections:
        """Return what each layer adds to the limit of infinite width."""
        layers = self._forward(maps)
        alignments = self._alignments(layers)
        influence = self._influences(layers)
        corrections = tuple(self._correction(layers, alignments, influence, place) for place in range(len(layers)))
        strain = max(abs(layer.curve.chi) * math.sqrt(max(layer.variance, 0.0)) for layer in layers)
        turned = max(
            abs(alignment - 1) * layer.shape.tau / width
            for alignment, layer, width in zip(alignments, layers, self.widths, strict=True)
        )
        return Corrections(corrections, max(strain, turned))

    def _forward(self, maps: list[LayerMap]) -> list[_Layer]:
        """Follow mean and variance of ln q from layer to layer; means are computed once for equal q."""
        layers: list[_Layer] = []
        mean = variance = 0.0
        before, here, bend = -1.0, None, NO_CURVE
        follows = not (self.normalized or self.unit_variance)
        for layer, width in zip(maps, self.widths, strict=True):
            if here is None or abs(layer.q - before) > SAME_Q * before:
                here, before = shape(self.activation, layer.q), layer.q
                bend = curve(self.activation, layer.q, layer.log_gain, self.sigma_b) if follows else NO_CURVE
            layers.append(_Layer(here, bend, layer.share, mean, variance))
            noise, bias = self._sample(here, width)
            mean = bend.pull * mean + bend.pull_bend * variance / 2 + layer.share * bias - layer.share**2 * noise / 2
            variance = bend.pull**2 * variance + layer.share**2 * noise
            if not follows:
                mean = variance = 0.0
        return layers

    def _sample(self, shape_: Shape, width: int) -> tuple[float, float]:
        """Return variance and mean of the sample mean of A over a layer's units, less 1."""
        bias = -shape_.a_quartic if self.fixed_modes else 0.0
        if self.unit_variance:
            bias += shape_.a_modes[1] / math.sqrt(2)  # a sample of variance 1 about its mean has a mean, too
        return shape_.scatter(0.0, 1.0, self.fixed_modes) / width, bias / width

    def _alignments(self, layers: list[_Layer]) -> list[float]:
        """Return V of every layer: the variance of n.e / |e|; 0 behind a normalisation, which takes it away."""
        if self.normalized:
            return [0.0] * len(layers)
        alignments = [layers[-1].shape.rho]
        for layer in reversed(layers[:-1]):
            alignments.append(layer.shape.rho + layer.shape.omega * layer.share * (alignments[-1] - 1))
        return alignments[::-1]

    def _influences(self, layers: list[_Layer]) -> list[float]:
        """Return what the scatter of the sample mean of A in each layer does to the factors after it."""
        if self.normalized or self.unit_variance:
            return [-layer.share for layer in layers[:-1]] + [0.0]
        influences, after = [0.0], 0.0
        for here, following in zip(reversed(layers[:-1]), reversed(layers[1:]), strict=True):
            after = following.curve.chi + following.curve.pull * after
            influences.append(here.share * after)
        return influences[::-1]

    def _correction(
        self, layers: list[_Layer], alignments: list[float], influence: list[float], place: int
    ) -> Correction:
        layer, kept, width = layers[place], 2 * int(self.orthogonal), self.widths[place]
        before = self.widths[max(place - 1, 0)]
        means, modes = layer.shape, self.fixed_modes
        own = -(2 * means.kappa - kept + means.scatter(1.0, 0.0, modes)) / 2 - (means.s_quartic if modes else 0.0)
        if self.unit_variance:
            own += means.s_modes[1] / math.sqrt(2)
        tau = layers[place - 1].shape.tau if place else 1.0
        along = (tau - int(self.orthogonal)) * self._share_before(layers, place) * (alignments[place] - 1)
        scatter = 2 * means.kappa - kept + means.scatter(1.0, influence[place], modes)
        shift = own / width + along / before + layer.curve.chi * layer.mean + layer.curve.chi_bend * layer.variance / 2
        if not (self.normalized or self.unit_variance):
            return Correction(shift, scatter / width)
        divided, spread = self._division(layers, place)
        return Correction(shift + divided / width, (scatter + spread) / width)

    def _share_before(self, layers: list[_Layer], place: int) -> float:
        """Return the part of a layer's own q that comes through its weights; the input has mean square 1."""
        if place:
            return layers[place - 1].share
        return self.first_share

    def _division(self, layers: list[_Layer], place: int) -> tuple[float, float]:
        """Return what dividing by the standard deviation of z, and the normalisation's way back, add: mean, variance.

        ln s^2 is lower than ln of its mean by 1/N for the mean taken out, and by half of its variance 2/N where
        |n|^2 scatters.
        """
        fixed = self.orthogonal and not self.sigma_b
        mean, spread = (1.0, 0.0) if fixed else (2.0, 2.0)
        if place:
            before = layers[place - 1]
            noise, bias = self._sample(before.shape, 1)
            mean += self.widths[place] / self.widths[place - 1] * before.share * (before.share * noise / 2 - bias)
        if self.normalized:
            means, last = layers[place].shape, place + 1 == len(layers)
            mean -= 1 + means.rho - (0.0 if last else layers[place].share * (means.skew + means.omega))
        return mean, spread
