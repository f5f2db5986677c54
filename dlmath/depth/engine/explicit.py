"""Deep networks with real weight matrices, any initialisation, batch and remedy: forward, then backward.

    plain      x' = phi(norm z),          z = W x + b
    pre        x' = x + z,                z = W phi(norm x) + b
    post       x' = x + phi(norm z),      z = W x + b

Signals are kept as an array with numbers near 1 and a logarithm beside it, forward where phi has a limit to be
replaced by (`channel`), backward at every layer. So nothing underflows or overflows at any depth.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from dlmath.depth.engine.channel import Channel
from dlmath.depth.engine.figures import Figures
from dlmath.depth.engine.matrices import MatrixRecipe, MatrixStream, random_biases
from dlmath.depth.engine.normals import BIASES, random_errors, random_inputs, stream
from dlmath.depth.engine.remedies import project, standardise

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dlmath.depth.engine.matrices import LayerWeights
    from dlmath.depth.engine.settings import DepthSettings
    from dlmath.neural.arrays import Array

UNDERFLOWN = 1e-6
TAME = (1e-20, 1e20)
"""Sums of squares between which nothing of a float32 array was lost in squaring."""
LARGEST_EXPONENT = 709.0  # of a finite e^x
AXES = {"layer": 1, "batch": 0}
"""Over which axis of (inputs, units) a normalisation takes mean and variance."""


class Signal(NamedTuple):
    """exp(log) times an array (B, N): B inputs, N units of the layer it stands behind."""

    array: Array
    log: float


class LayerPass(NamedTuple):
    """What an activation, with the normalisation before it, leaves for the way back.

    Attributes
    ----------
    output : Signal
    u : ndarray (B, N)
        What phi was applied to, divided by exp(log_u).
    log_u : float
        0 unless phi was replaced by its limit, or is homogeneous.
    slope : ndarray (B, N)
        phi'(u).
    spread : ndarray or None
        s of the normalisation, divided by exp(log_s).
    log_s : float
    """

    output: Signal
    u: Array
    log_u: float
    slope: Array
    spread: Array | None
    log_s: float


class LayerState(NamedTuple):
    """One layer after the forward pass."""

    inputs: Signal  # x of W x: what the weight gradient is taken with
    passed: LayerPass
    gain: float  # ln of what the drawn matrix is multiplied by (LSUV), else 0


def _nobody(_share: float) -> None:
    """Listen to no progress."""


class ExplicitNetwork:
    """One network: its matrices, and both passes.

    Parameters
    ----------
    settings : DepthSettings
    seed : int
    store : ndarray (L, N, N) or (1, rows, N), or a list of L matrices (fan_out, fan_in)
        Room for all matrices, or for less (see `matrices.room`): then each is drawn again on the way back. A
        recurrent network has one matrix, which is kept.

    Attributes
    ----------
    tell : callable (share)
        Is told, layer after layer, how much of both passes is done.
    """

    def __init__(self, settings: DepthSettings, seed: int, store: Array | Sequence[Array]) -> None:
        self.settings, self.store, self.sizes = settings, store, settings.sizes
        self.dtype: np.dtype[Any] = store[0].dtype
        self.tied = settings.cell != "none"
        self.kept = len(store) == (1 if self.tied else settings.depth) and len(store[0]) == self.sizes[1]
        self.channel = Channel(settings.phi, self.dtype)
        self.axis = AXES.get(settings.normalize)
        self.matrices = MatrixStream(seed, self.dtype)
        self.inputs = random_inputs(seed, settings.batch, self.sizes[0], self.dtype)
        self.errors = random_errors(seed, settings.batch, self.sizes[-1], self.dtype)
        self.bias_source = stream(seed, BIASES)
        self.tell: Callable[[float], None] = _nobody
        self.states: list[LayerState] = []
        self.weights: list[LayerWeights] = []
        self.gains: list[float] = []
        self.biases: list[Array] = []
        self.places: list[Any] = []
        self.outputs: list[tuple[float, float, float]] = []

    # ------------------------------------------------------------ forward

    def forward(self) -> Signal:
        """Send the inputs through and return the last layer's output.

        The matrices are drawn on the way the first time; where all are kept, later calls use them as they stand.
        """
        self.states, self.outputs = [], []
        signal = Signal(self.inputs, 0.0)
        with np.errstate(over="ignore"):
            for layer in range(self.settings.depth):
                signal = self._layer(layer, signal)
                self.tell(layer / (2 * self.settings.depth))
                self.outputs.append(_mean_and_variance(signal))
        return signal

    def _layer(self, layer: int, x: Signal) -> Signal:
        if self.settings.residual == "pre":
            passed = self._activate(x)
            z, gain = self._weigh(layer, passed.output)
            self.states.append(LayerState(passed.output, passed, gain))
            return rescaled(add(x, z), self.channel)
        z, gain = self._weigh(layer, x)
        passed = self._activate(z)
        self.states.append(LayerState(x, passed, gain))
        return passed.output if self.settings.residual == "none" else rescaled(add(x, passed.output), self.channel)

    def place(self, layer: int) -> int:
        """Return where a layer's weights stand: every step of a recurrent network has the first one's."""
        return 0 if self.tied else layer

    def recipe(self, layer: int) -> MatrixRecipe:
        """Return what a layer's matrix is drawn from."""
        return MatrixRecipe(self.settings.weights_of(layer), self.sizes[layer], self.sizes[layer + 1])

    def matrix(self, layer: int) -> tuple[Array, float]:
        """Return a layer's weights in float64, (fan_out, fan_in), and ln of what LSUV multiplies them by.

        Where matrices are not kept the layer is drawn again.
        """
        if self.kept:
            place = self.place(layer)
            return self.weights[place].matrix(), self.gains[place]
        recipe = self.recipe(layer)
        self.matrices.state = self.places[layer]
        core = np.empty((recipe.fan_out, recipe.fan_in), self.dtype)
        weights, _ = self.matrices.draw(recipe, np.zeros((1, recipe.fan_in), self.dtype), core)
        return weights.matrix(), self.states[layer].gain

    def _weigh(self, layer: int, x: Signal) -> tuple[Signal, float]:
        """Return W x + b, and ln of what LSUV multiplies the drawn W by."""
        place = self.place(layer)
        if place < len(self.weights):
            signal, gain = Signal(self.weights[place].forward(x.array), x.log + self.gains[place]), self.gains[place]
        else:
            signal, gain = self._draw(layer, x)
        if place < len(self.biases):
            signal = add(signal, Signal(self.biases[place][None, :], 0.0))
        return signal, gain

    def _draw(self, layer: int, x: Signal) -> tuple[Signal, float]:
        """Draw a layer's matrix, and its biases if it has any; return W x and the gain."""
        if not self.kept:
            self.places.append(self.matrices.state)
        weights, z = self.matrices.draw(self.recipe(layer), x.array, self.store[layer if self.kept else 0])
        gain = 0.0
        spread = float(z.std(dtype=np.float64)) if self.settings.weights.unit_variance else 0.0
        if spread > 0:
            gain = -math.log(spread) - x.log
            z, x = z / self.dtype.type(spread), Signal(x.array, 0.0)
        law = self.settings.biases_of(layer)
        if law.sigma and layer >= len(self.biases):
            self.biases.append(random_biases(self.bias_source, law, self.sizes[layer + 1], self.dtype))
        if self.kept:
            self.weights.append(weights)
            self.gains.append(gain)
        return Signal(z, x.log), gain

    def _activate(self, z: Signal) -> LayerPass:
        """Return phi(norm z) and what the way back needs."""
        spread: Array | None = None
        log_s = 0.0
        if self.axis is not None:
            array, spread = standardise(z.array, self.axis)
            z, log_s = Signal(array, 0.0), z.log
        else:
            z = rescaled(z, self.channel)
        x, slope = z.array.copy(), np.empty_like(z.array)
        if z.log and not self.channel.homogeneous:
            self.channel.apply_limit(x, slope, far=z.log > 0)
        else:
            self.channel.apply(x, slope)
        return LayerPass(Signal(x, z.log), z.array, z.log, slope, spread, log_s)

    # ------------------------------------------------------------ backward

    def backward(self) -> tuple[Array, Array]:
        """Return ln |dE/dx^l| (L + 1,), l = 0..L, and ln |dE/dW^l| (L,), the error having been sent in."""
        depth = self.settings.depth
        log_gradient, log_weight_gradient = np.empty(depth + 1), np.empty(depth)
        g = self.sent_error()
        log_gradient[depth] = log_norm(g)
        for layer in range(depth - 1, -1, -1):
            g, delta = self.step_back(layer, g)
            self.tell(1 - layer / (2 * depth))
            log_weight_gradient[layer] = log_weight_norm(delta, self.states[layer].inputs)
            log_gradient[layer] = log_norm(g)
        return log_gradient, log_weight_gradient

    def sent_error(self) -> Signal:
        """Return the error that is sent in, dE/dx^L, of norm 1."""
        return Signal(self.errors, 0.0)

    def step_back(self, layer: int, g: Signal) -> tuple[Signal, Signal]:
        """Return dE/dx^(l-1) and dE/dz^l, given g = dE/dx^l."""
        state = self.states[layer]
        if self.settings.residual == "pre":
            back = self._through_weights(layer, g, state.gain)
            return unit(add(g, self._through_activation(state.passed, back))), g
        delta = self._through_activation(state.passed, g)
        back = self._through_weights(layer, delta, state.gain)
        return unit(back if self.settings.residual == "none" else add(g, back)), delta

    def _through_weights(self, layer: int, e: Signal, gain: float) -> Signal:
        if self.kept:
            return Signal(self.weights[self.place(layer)].backward(e.array), e.log + gain)
        self.matrices.state = self.places[layer]
        return Signal(self.matrices.draw_back(self.recipe(layer), e.array, self.store[0]), e.log + gain)

    def _through_activation(self, passed: LayerPass, g: Signal) -> Signal:
        """Return dE/dz, given dE/d phi(norm z)."""
        e = self._times_slope(passed, g)
        if self.axis is not None and passed.spread is not None:
            inverse = np.divide(1, passed.spread, out=np.zeros_like(passed.spread), where=passed.spread > 0)
            e = Signal(project(passed.u, e.array, self.axis) * inverse, e.log - passed.log_s)
        return unit(e)

    def _times_slope(self, passed: LayerPass, g: Signal) -> Signal:
        """Return phi'(u) g, from ln |phi'| where phi' has underflown or cancelled."""
        e = passed.slope * g.array  # (B, N)
        before = float(np.vdot(g.array, g.array))
        if self.channel.homogeneous or passed.log_u or float(np.vdot(e, e)) >= UNDERFLOWN * before:
            return Signal(e, g.log)
        sign, log = self.settings.phi.log_slope(passed.u.astype(np.float64))
        with np.errstate(divide="ignore"):  # where g is 0 the product is 0
            size = log + np.log(np.abs(g.array.astype(np.float64)))
        largest = float(size.max())
        if largest == -math.inf:
            return Signal(np.zeros_like(e), g.log)
        exact = sign * np.sign(g.array) * np.exp(size - largest)
        return Signal(exact.astype(self.dtype), g.log + largest)

    # ------------------------------------------------------------ figures

    def run(self) -> Figures:
        """Run both passes and return the figures of this one network, S = 1."""
        self.forward()
        log_gradient, log_weight_gradient = self.backward()
        mean, variance, log_variance = zip(*self.outputs, strict=True)
        flat = [self.channel.saturated(state.passed.slope) for state in self.states]
        dead = [float(share.all(axis=0).mean()) if self.channel.silent else 0.0 for share in flat]
        columns = (
            mean,
            variance,
            log_variance,
            [float(share.mean()) for share in flat],
            dead,
            log_gradient,
            log_weight_gradient,
        )
        return Figures(*(np.array(column, np.float64)[:, None] for column in columns))


def add(first: Signal, second: Signal) -> Signal:
    """Return the sum, on the larger of the two scales."""
    log = max(first.log, second.log)
    return Signal(_times(first.array, first.log - log) + _times(second.array, second.log - log), log)


def _times(array: Array, log: float) -> Array:
    return array if log == 0 else np.asarray(array * array.dtype.type(math.exp(log)))


def unit(e: Signal) -> Signal:
    """Return the same signal with an array of norm 1; 0 stays 0."""
    square = float(np.vdot(e.array, e.array))
    if not TAME[0] < square < TAME[1]:  # squares of small numbers were lost, or those of large ones too large
        return _unit_of_any_size(e)
    norm = math.sqrt(square)
    return Signal(np.asarray(e.array * e.array.dtype.type(1 / norm)), e.log + math.log(norm))


def _unit_of_any_size(e: Signal) -> Signal:
    size = float(np.abs(e.array).max())
    if size in {0.0, math.inf} or math.isnan(size):
        return e
    array = e.array / e.array.dtype.type(size)
    norm = math.sqrt(float(np.vdot(array, array)))
    return Signal(np.asarray(array / array.dtype.type(norm)), e.log + math.log(size) + math.log(norm))


def rescaled(z: Signal, channel: Channel) -> Signal:
    """Bring z to its own size where phi takes it, else to numbers near 1 with a logarithm beside them."""
    largest = float(np.abs(z.array).max())
    if largest == 0:
        return Signal(z.array, 0.0)
    log = math.log(largest) + z.log
    if channel.homogeneous or channel.outside(np.float64(math.exp(min(log, 700.0)))):
        return Signal(np.asarray(z.array / z.array.dtype.type(largest)), log)
    return z if z.log == 0 else Signal(_times(z.array, z.log), 0.0)


def log_norm(e: Signal) -> float:
    """Return ln of the Frobenius norm."""
    norm = math.sqrt(float(np.vdot(e.array, e.array)))
    return math.log(norm) + e.log if norm else -math.inf


def log_weight_norm(delta: Signal, x: Signal) -> float:
    """Return ln |delta' x|, without the N x N array: sum over inputs a, b of (delta delta')_ab (x x')_ab."""
    if len(x.array) == 1:
        square = float(np.vdot(delta.array, delta.array)) * float(np.vdot(x.array, x.array))
    else:
        square = float(np.sum((delta.array @ delta.array.T) * (x.array @ x.array.T), dtype=np.float64))
    return math.log(square) / 2 + delta.log + x.log if square > 0 else -math.inf


def _mean_and_variance(x: Signal) -> tuple[float, float, float]:
    """Return mean, variance and ln of the variance over inputs and units."""
    mean = np.add.reduce(x.array, axis=None) / x.array.dtype.type(x.array.size)
    centred = x.array - mean
    variance = float(np.vdot(centred, centred)) / centred.size
    log_variance = math.log(variance) + 2 * x.log if variance > 0 else -math.inf
    return _scaled(float(mean), x.log), _scaled(variance, 2 * x.log), log_variance


def _scaled(value: float, log: float) -> float:
    """Return exp(log) * value, infinite beyond 1e308; 0 stays 0."""
    if value == 0 or log == 0:
        return value
    exponent = math.log(abs(value)) + log
    return math.copysign(math.exp(exponent) if exponent < LARGEST_EXPONENT else math.inf, value)
