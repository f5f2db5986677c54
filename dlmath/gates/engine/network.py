"""Forward and backward propagation of many networks at once, written out by the chain rule.

S networks of one architecture ("lanes") are trained on the same rows. The lane is the LAST axis of every array,
so that each operation runs over long contiguous stretches, and the first layer, whose inputs all lanes share, is
one matrix product. For each layer, with x its input, k its units and h the units before it::

    z[r,k] = sum_h x[r,h] W[h,k] + b[k]          a = phi(z)
    delta[r,k] = dL/dz[r,k] = phi'(z[r,k]) * (dL/da at the output, sum_m delta_next[r,m] W_next[k,m] below)
    dL/dW[h,k] = sum_r x[r,h] delta[r,k]         dL/db[k] = sum_r delta[r,k]

`layers` holds how each line is computed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dlmath.gates.engine.layers import DeepLayer, FirstLayer, Layer, padded, run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dlmath.neural.architecture import Architecture
    from dlmath.neural.arrays import Array
    from dlmath.neural.losses import Loss
    from dlmath.neural.optimizers import Program


class LaneNetwork:
    """S networks of one architecture on one set of rows, planned as programs over prepared arrays.

    Parameters
    ----------
    architecture : Architecture
    loss : Loss
    inputs : ndarray (R, n)
    targets : ndarray (R, K)
    parameters, gradient : ndarray (P, S), C-contiguous, float32 or float64
        Read and written in place by the programs; S as `padded` gives it.
    scale : float
        The gradient is multiplied by this (an optimizer's rate, at no cost).
    fixed_biases : bool
        The gradient of every bias is 0.

    Attributes
    ----------
    forward, errors, backward : Program
        To be run in this order. After `forward` the outputs stand in `layers[-1].u`; `errors` turns them into
        errors; `backward` fills the gradient.
    error_unit : float
        The errors that `errors` leaves in `layers[-1].u` are (output - target) / error_unit.
    """

    def __init__(
        self,
        architecture: Architecture,
        loss: Loss,
        inputs: Array,
        targets: Array,
        parameters: Array,
        gradient: Array,
        *,
        scale: float = 1.0,
        fixed_biases: bool = False,
    ) -> None:
        dtype = parameters.dtype
        self.loss = loss
        self.parameters, self.gradient = parameters, gradient
        self.targets = np.asarray(targets, dtype)[:, :, None]
        self.layers = _build_layers(architecture, np.asarray(inputs, dtype), parameters, gradient)
        self.output = self.layers[-1]
        if self.output.slope is self.output.u:
            self.output.slope = np.empty_like(self.output.u)
        self.error_unit = self.output.machine.alpha
        self.logits = np.empty_like(self.output.u) if loss.from_logits else None
        self.forward = self._plan_forward()
        self.errors = self._plan_errors(scale)
        self.backward = self._plan_backward(architecture, gradient, fixed_biases=fixed_biases)

    def _plan_forward(self) -> Program:
        program: Program = []
        for layer in self.layers:
            program += layer.weighted_sum()
            if layer is self.output and self.logits is not None:
                program.append((np.copyto, (self.logits, layer.u)))
            program += layer.activate()
        return program

    def _plan_errors(self, scale: float) -> Program:
        """Plan the output's D: the error, times the slope unless that cancels against the loss."""
        output, machine = self.output, self.output.machine
        shifted = (self.targets - machine.beta) / self.targets.dtype.type(machine.alpha)
        rows, units, _ = output.u.shape
        constant = scale * self.loss.scale(rows, units) * machine.alpha
        if self.loss.from_logits:
            output.factor = constant
            return [(np.subtract, (output.u, shifted, output.u)), (np.copyto, (output.slope, output.u))]
        output.factor = constant * machine.slope_scale
        return [
            *output.compute_slope(),
            (np.subtract, (output.u, shifted, output.u)),
            (np.multiply, (output.slope, output.u, output.slope)),
        ]

    def _plan_backward(self, architecture: Architecture, gradient: Array, *, fixed_biases: bool) -> Program:
        program: Program = []
        for layer in reversed(self.layers):
            program += layer.parameter_gradient()
            if isinstance(layer, DeepLayer):
                program += layer.propagate()
        if fixed_biases:
            program += [(np.copyto, (part, 0)) for part in architecture.biases(gradient) if len(part)]
        return program

    def forward_by_layer(self) -> Iterator[tuple[Layer, Array]]:
        """Run `forward` layer by layer, yielding each layer, activated, and a copy of its weighted sums z (R, K, S)."""
        for layer in self.layers:
            run(layer.weighted_sum())
            weighted = layer.u / layer.machine.gamma
            if layer is self.output and self.logits is not None:
                np.copyto(self.logits, layer.u)
            run(layer.activate())
            yield layer, np.asarray(weighted)

    def outputs(self, lanes: Array | slice = slice(None)) -> Array:
        """Return the outputs a (R, K, lanes) as a new array; valid after `forward`."""
        return self.output.activations(lanes)

    def as_loss_signals(self, raw: Array) -> Array:
        """Return what the loss is computed from, given what the arrays hold: gamma z or u of the output layer."""
        machine = self.output.machine
        if self.loss.from_logits:
            return np.asarray(raw / machine.gamma)
        return np.asarray(raw * machine.alpha + machine.beta)

    def losses(self, lanes: Array | slice = slice(None)) -> Array:
        """Return the loss of each lane, in float64; valid after `forward`."""
        raw = self.output.u if self.logits is None else self.logits
        signals = self.as_loss_signals(raw[:, :, lanes].astype(np.float64))
        return self.loss.value(signals, self.targets.astype(np.float64))


def _build_layers(
    architecture: Architecture, inputs: Array, parameters: Array, gradient: Array
) -> list[FirstLayer | DeepLayer]:
    first, *others = architecture.layers
    layers: list[FirstLayer | DeepLayer] = [FirstLayer(first, inputs, parameters, gradient)]
    for shape in others:
        layers.append(DeepLayer(shape, layers[-1], parameters, gradient))
    return layers


def one_network(
    architecture: Architecture,
    loss: Loss,
    inputs: Array,
    targets: Array,
    parameters: Array,
    *,
    fixed_biases: bool = False,
) -> LaneNetwork:
    """Return lanes that all hold the network `parameters` (P,), or as many networks as (P, S) has columns."""
    columns = parameters[:, None] if parameters.ndim == 1 else parameters
    lanes = np.zeros((len(columns), padded(columns.shape[1], np.dtype(np.float64))))
    lanes[:, : columns.shape[1]] = columns
    return LaneNetwork(architecture, loss, inputs, targets, lanes, np.zeros_like(lanes), fixed_biases=fixed_biases)
