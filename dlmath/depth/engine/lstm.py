"""A long short-term memory run over many steps, and back-propagation through time (Hochreiter & Schmidhuber 1997).

    i, f, o = sigmoid(W_i h + b_i), sigmoid(W_f h + b_f + forget bias), sigmoid(W_o h + b_o);   g = phi(W_g h + b_g)
    c' = f c + i g;   h' = o phi(c')

Back through one step, with H = dE/dh' and C = dE/dc' (all products element by element but W')::

    C += H o phi'(c');   dE/dc = C f                       the cell's own path: no matrix, only the forget gate
    dE/dh = W_i' (C g i(1-i)) + W_f' (C c f(1-f)) + W_o' (H phi(c') o(1-o)) + W_g' (C i phi'(z_g))

The start, h_0 and c_0, is random of mean square 1; nothing is fed in later, so that the figures are the weights' own.
The error of norm 1 is sent in at h_T. Gradients are divided by their norm at every step, whose logarithms add up.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from dlmath.depth.engine.explicit import Signal, log_weight_norm
from dlmath.depth.engine.figures import Figures
from dlmath.depth.engine.matrices import MatrixRecipe, MatrixStream, random_biases
from dlmath.depth.engine.normals import BIASES, random_errors, random_inputs, stream
from dlmath.neural.activations import get_activation

if TYPE_CHECKING:
    from dlmath.depth.engine.settings import DepthSettings
    from dlmath.neural.arrays import Array

GATES = ("input", "forget", "output", "candidate")
SATURATED = 0.01


class LstmStep(NamedTuple):
    """One step after the forward pass, arrays (B, N): what came in, the gates, the new cell and what phi makes of it.

    Attributes
    ----------
    h, c : ndarray
        State before the step.
    gates : tuple of ndarray
        i, f, o, g.
    slopes : tuple of ndarray
        Their derivatives by their weighted sums.
    squashed, squashed_slope : ndarray
        phi(c') and phi'(c').
    """

    h: Array
    c: Array
    gates: tuple[Array, ...]
    slopes: tuple[Array, ...]
    squashed: Array
    squashed_slope: Array


class LstmNetwork:
    """One network of N units.

    Parameters
    ----------
    settings : DepthSettings
        `depth` steps; `activation` is phi, that of the candidate and of the output.
    seed : int
    """

    def __init__(self, settings: DepthSettings, seed: int) -> None:
        self.settings = settings
        dtype = np.dtype(settings.dtype)
        self.phi, self.sigmoid = settings.phi, get_activation("sigmoid")
        shape = (settings.batch, settings.width)
        start = random_inputs(seed, 2 * settings.batch, settings.width, dtype)
        self.start = start[: settings.batch], start[settings.batch :]
        self.errors = random_errors(seed, *shape, dtype)
        self.weights, self.biases = self._draw(seed, dtype)
        self.steps: list[LstmStep] = []

    def _draw(self, seed: int, dtype: np.dtype[Any]) -> tuple[list[Array], list[Array]]:
        """Draw the four matrices (N, N) and their biases (N,), the forget gate's raised."""
        settings, width = self.settings, self.settings.width
        matrices, bias_source = MatrixStream(seed, dtype), stream(seed, BIASES)
        recipe, weights, biases = MatrixRecipe(settings.weights, width, width), [], []
        for gate in GATES:
            drawn, _ = matrices.draw(recipe, np.zeros((1, width), dtype), np.empty((width, width), dtype))
            weights.append(drawn.matrix().astype(dtype))
            bias = random_biases(bias_source, settings.biases, width, dtype)
            biases.append(bias + dtype.type(settings.forget_bias) if gate == "forget" else bias)
        return weights, biases

    def forward(self) -> tuple[Array, Array]:
        """Run all steps and return the last state h, c."""
        self.steps = []
        h, c = self.start
        for _ in range(self.settings.depth):
            sums = [h @ weights.T + bias for weights, bias in zip(self.weights, self.biases, strict=True)]
            functions = (self.sigmoid, self.sigmoid, self.sigmoid, self.phi)
            gates = tuple(function.value(z) for function, z in zip(functions, sums, strict=True))
            slopes = tuple(function.slope(z) for function, z in zip(functions, sums, strict=True))
            after = gates[1] * c + gates[0] * gates[3]
            squashed = self.phi.value(after)
            self.steps.append(LstmStep(h, c, gates, slopes, squashed, self.phi.slope(after)))
            h, c = gates[2] * squashed, after
        return h, c

    def step_back(self, step: LstmStep, grad_h: Array, grad_c: Array) -> tuple[Array, Array, Array]:
        """Return dE/dh and dE/dc before a step, and dE/dz of its four gates side by side (B, 4 N)."""
        input_, forget, output, candidate = step.gates
        grad_c = grad_c + grad_h * output * step.squashed_slope
        at_gates = (grad_c * candidate, grad_c * step.c, grad_h * step.squashed, grad_c * input_)
        deltas = [grad * slope for grad, slope in zip(at_gates, step.slopes, strict=True)]
        back = sum(delta @ weights for delta, weights in zip(deltas, self.weights, strict=True))
        return np.asarray(back), grad_c * forget, np.concatenate(deltas, axis=1)

    def backward(self) -> tuple[Array, Array]:
        """Return ln |dE/d(h_t, c_t)| (T + 1,), t = 0..T, and ln of each step's share of dE/dW (T,)."""
        depth = self.settings.depth
        log_gradient, log_weight_gradient = np.zeros(depth + 1), np.empty(depth)
        grad_h, grad_c, log = self.errors, np.zeros_like(self.errors), 0.0
        for t in range(depth - 1, -1, -1):
            step = self.steps[t]
            grad_h, grad_c, deltas = self.step_back(step, grad_h, grad_c)
            log_weight_gradient[t] = log_weight_norm(Signal(deltas, log), Signal(step.h, 0.0))
            norm = math.sqrt(float(np.vdot(grad_h, grad_h)) + float(np.vdot(grad_c, grad_c)))
            if norm == 0:
                log_gradient[: t + 1], log_weight_gradient[:t] = -np.inf, -np.inf
                break
            grad_h, grad_c, log = (
                grad_h / grad_h.dtype.type(norm),
                grad_c / grad_c.dtype.type(norm),
                log + math.log(norm),
            )
            log_gradient[t] = log
        return log_gradient, log_weight_gradient

    def run(self) -> Figures:
        """Run both passes and return the figures of this one network, S = 1; saturated are forget gates."""
        last, _ = self.forward()
        log_gradient, log_weight_gradient = self.backward()
        outputs = [step.h for step in self.steps[1:]] + [last]
        mean = [float(h.mean(dtype=np.float64)) for h in outputs]
        variance = np.array([float(h.var(dtype=np.float64)) for h in outputs])
        with np.errstate(divide="ignore"):  # a state that has faded to 0
            log_variance = np.log(variance)
        threshold = SATURATED * self.sigmoid.max_slope
        saturated = [float(np.mean(step.slopes[1] < threshold)) for step in self.steps]
        columns = (mean, variance, log_variance, saturated, np.zeros(len(mean)), log_gradient, log_weight_gradient)
        return Figures(*(np.array(column, np.float64)[:, None] for column in columns))
