"""The layers of many networks at once: buffers, and their part in the forward and backward programs.

What is stored of a layer is not a but u, with a = alpha u + beta (see `activations.Machine`), and not delta but D,
with delta = factor * D (times the next layer's weight where `late_weight` is set): constants are multiplied into
the small arrays of parameters and gradients only. Everything is planned once as a list of calls on prepared
arrays, then run every epoch.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from dlmath.neural.activations import get_activation

if TYPE_CHECKING:
    from dlmath.neural.architecture import LayerShape
    from dlmath.neural.arrays import Array
    from dlmath.neural.optimizers import Program

try:  # np.einsum without its parsing in Python, which costs more than a small product; private, so it may go
    from numpy._core.multiarray import c_einsum as _einsum
except ImportError:  # pragma: no cover
    _einsum = np.einsum


VECTOR_BYTES = 64
"""The lanes are made up to whole vectors of the widest processors: no vector instruction meets a remainder, so no
lane is ever computed by other instructions than its neighbours, and its bits do not depend on how many there are."""


def padded(lanes: int, dtype: np.dtype[Any]) -> int:
    """Return the number of lanes to allocate for `lanes` networks."""
    whole = VECTOR_BYTES // dtype.itemsize
    return max(1, -(-lanes // whole)) * whole


def run(program: Program) -> None:
    """Make the calls of a program in order."""
    for call, arguments in program:
        call(*arguments)


class Layer:
    """One layer of all lanes: its parameters as views, its buffers, its part of each program.

    Attributes
    ----------
    u, slope : ndarray (R, K, S)
        The activation's core value (before `activate`: gamma * z) and later D.
    factor : float
        delta = factor * D.
    late_weight : ndarray (K, S) or None
        The single next unit's weights, where D leaves them out.
    """

    def __init__(self, shape: LayerShape, rows: int, parameters: Array, gradient: Array) -> None:
        lanes = parameters.shape[1]
        dtype = parameters.dtype
        self.shape = shape
        self.activation = get_activation(shape.activation)
        self.machine = self.activation.machine(dtype)
        self.block = parameters[shape.start : shape.biases.stop]
        self.weights = parameters[shape.weights].reshape(shape.fan_in, shape.fan_out, lanes)
        self.biases = parameters[shape.biases]
        self.block_gradient = gradient[shape.start : shape.biases.stop]
        self.weight_gradient = gradient[shape.weights].reshape(self.weights.shape)
        self.bias_gradient = gradient[shape.biases]
        self.u = np.empty((rows, shape.fan_out, lanes), dtype)
        self.slope = self.u if self.machine.slope_in_place else np.empty_like(self.u)
        self.factor = 1.0
        self.late_weight: Array | None = None

    @property
    def bias_is_shared(self) -> bool:
        """Whether one bias serves several units (a layer of one unit has no need to share)."""
        return 0 < self.shape.bias_count < self.shape.fan_out

    def activate(self) -> Program:
        """Plan u = core(gamma z)."""
        return [(self.machine.activate, (self.u, self.slope))]

    def compute_slope(self) -> Program:
        """Plan the core slope, where `activate` has not left it."""
        return [(self.machine.slope, (self.u, self.slope))]

    def slope_of(self, lanes: Array) -> Array:
        """Return da/dz (R, K, lanes) as a new array; valid after `activate`."""
        u, slope = self.u[:, :, lanes], self.slope[:, :, lanes]
        self.machine.slope(u, slope)
        return np.asarray(slope * self.machine.slope_scale)

    def activations(self, lanes: Array | slice = slice(None)) -> Array:
        """Return a (R, K, lanes) as a new array; valid between `activate` and the backward program."""
        return np.asarray(self.u[:, :, lanes] * self.machine.alpha + self.machine.beta)

    def delta(self) -> Array:
        """Return dL/dz (R, K, S), times the network's gradient scale; valid after the backward program."""
        delta = self.slope * self.factor
        return np.asarray(delta if self.late_weight is None else delta * self.late_weight)


class FirstLayer(Layer):
    """The layer that reads the data, which all lanes share: its sums are plain matrix products."""

    def __init__(self, shape: LayerShape, inputs: Array, parameters: Array, gradient: Array) -> None:
        super().__init__(shape, len(inputs), parameters, gradient)
        own_biases = 0 < shape.bias_count == shape.fan_out
        ones = np.ones((len(inputs), 1), inputs.dtype)
        self.inputs = np.hstack([inputs, ones]) if own_biases else inputs
        self.matrix_rows = self.inputs.shape[1]
        matrix_end = self.matrix_rows * shape.fan_out
        self.matrix = self.block[:matrix_end].reshape(self.matrix_rows, -1)
        self.matrix_gradient = self.block_gradient[:matrix_end].reshape(self.matrix_rows, -1)

    def weighted_sum(self) -> Program:
        """Plan gamma z = gamma [X 1] [W b]."""
        flat = self.u.reshape(len(self.u), -1)
        gamma = self.machine.gamma
        program: Program = [(np.matmul, (self.inputs * self._constant(gamma), self.matrix, flat))]
        if self.bias_is_shared:
            shared = np.empty_like(self.biases)
            program += [(np.multiply, (self.biases, gamma, shared)), (np.add, (self.u, shared, self.u))]
        return program

    def parameter_gradient(self) -> Program:
        """Plan dL/d[W b] = [X 1]^T delta."""
        transposed = np.ascontiguousarray(self.inputs.T) * self._constant(self.factor)
        flat = self.slope.reshape(len(self.slope), -1)
        program: Program = [(np.matmul, (transposed, flat, self.matrix_gradient))]
        if self.late_weight is not None:
            by_unit = self.matrix_gradient.reshape(self.matrix_rows, *self.late_weight.shape)
            program.append((np.multiply, (by_unit, self.late_weight, by_unit)))
        if self.bias_is_shared:
            program += self._shared_bias_gradient()
        return program

    def _shared_bias_gradient(self) -> Program:
        sums = np.empty(self.slope.shape[1:], self.slope.dtype)
        program: Program = [(np.add.reduce, (self.slope, 0, None, sums))]
        if self.late_weight is not None:
            program.append((np.multiply, (sums, self.late_weight, sums)))
        return [
            *program,
            (np.add.reduce, (sums, 0, None, self.bias_gradient[0])),
            (np.multiply, (self.bias_gradient, self.factor, self.bias_gradient)),
        ]

    def _constant(self, value: float) -> Any:
        return self.u.dtype.type(value)


class DeepLayer(Layer):
    """A layer that reads another layer's units, of which each lane has its own."""

    def __init__(self, shape: LayerShape, before: Layer, parameters: Array, gradient: Array) -> None:
        super().__init__(shape, len(before.u), parameters, gradient)
        self.before = before

    def weighted_sum(self) -> Program:
        """Plan gamma z = sum_h u_h (alpha gamma W_h) + gamma (b + beta sum_h W_h)."""
        program, weights, offset = self._fold()
        before = self.before.u
        if self.shape.fan_out == 1:
            product = partial(_einsum, "rhs,hs->rs", before, weights[:, 0], out=self.u[:, 0])
        else:
            product = partial(_einsum, "rhs,hks->rks", before, weights, out=self.u)
        program.append((product, ()))
        if offset is not None:
            program.append((np.add, (self.u, offset, self.u)))
        return program

    def _fold(self) -> tuple[Program, Array, Array | None]:
        """Plan the folded weights (H, K, S) and the folded offset (K, S), (1, S) or None."""
        alpha, beta, gamma = self.before.machine.alpha, self.before.machine.beta, self.machine.gamma
        if alpha == gamma == 1 and beta == 0:
            return [], self.weights, self.biases if self.shape.bias_count else None
        folded = np.empty_like(self.block)
        factors = self._column(alpha * gamma, gamma)
        weights = folded[: self.weights.shape[0] * self.weights.shape[1]].reshape(self.weights.shape)
        biases = folded[len(folded) - self.shape.bias_count :]
        program: Program = [(np.multiply, (self.block, factors, folded))]
        if beta == 0:
            return program, weights, biases if self.shape.bias_count else None
        offset = np.empty(weights.shape[1:], weights.dtype)  # beta = alpha, so beta sum W is the sum of the folded W
        if self.shape.bias_count == self.shape.fan_out:
            program.append((np.add.reduce, (folded.reshape(-1, *offset.shape), 0, None, offset)))
            return program, weights, offset
        program.append((np.add.reduce, (weights, 0, None, offset)))
        if self.shape.bias_count:
            program.append((np.add, (offset, biases, offset)))
        return program, weights, offset

    def parameter_gradient(self) -> Program:
        """Plan dL/dW = factor (alpha sum_r u D + beta sum_r D) and dL/db = factor sum_r D."""
        alpha, beta = self.before.machine.alpha, self.before.machine.beta
        program: Program = [(self._product_over_rows(), ())]
        own_biases = self.shape.bias_count == self.shape.fan_out
        sums = self.bias_gradient if own_biases else np.empty(self.slope.shape[1:], self.slope.dtype)
        if self.shape.bias_count or beta != 0:
            program.append((np.add.reduce, (self.slope, 0, None, sums)))
        if beta != 0:  # beta = alpha
            program.append((np.add, (self.weight_gradient, sums, self.weight_gradient)))
        if self.bias_is_shared:
            program.append((np.add.reduce, (sums, 0, None, self.bias_gradient[0])))
        factors = self._column(alpha * self.factor, self.factor)
        program.append((np.multiply, (self.block_gradient, factors, self.block_gradient)))
        return program

    def _product_over_rows(self) -> partial[Any]:
        if self.shape.fan_out == 1:
            return partial(_einsum, "rhs,rs->hs", self.before.u, self.slope[:, 0], out=self.weight_gradient[:, 0])
        return partial(_einsum, "rhs,rks->hks", self.before.u, self.slope, out=self.weight_gradient)

    def propagate(self) -> Program:
        """Plan D of the layer before: its slope times sum_k D_k W_k."""
        target = self.before.slope
        self.before.factor = self.factor * self.before.machine.slope_scale
        program = self.before.compute_slope()
        if self.shape.fan_out > 1:
            back = np.empty_like(target)
            product = partial(_einsum, "rks,hks->rhs", self.slope, self.weights, out=back)
            return [*program, (product, ()), (np.multiply, (target, back, target))]
        program.append((np.multiply, (target, self.slope, target)))
        if isinstance(self.before, FirstLayer):
            self.before.late_weight = self.weights[:, 0]  # cheaper after the sum over rows than before it
            return program
        return [*program, (np.multiply, (target, self.weights[:, 0], target))]

    def _column(self, of_weights: float, of_biases: float) -> Array:
        column = np.full((len(self.block), 1), of_weights, self.u.dtype)
        column[len(column) - self.shape.bias_count :] = of_biases
        return column
