"""Every analytic gradient against a numerical one, both through the code that trains."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dlmath.gates.engine.layers import run
from dlmath.gates.engine.network import LaneNetwork, one_network
from dlmath.neural.activations import get_activation

if TYPE_CHECKING:
    from dlmath.neural.architecture import Architecture
    from dlmath.neural.arrays import Array
    from dlmath.neural.losses import Loss


STENCIL = ((-2, 1 / 12), (-1, -8 / 12), (1, 8 / 12), (2, -1 / 12))
"""dL/dp = sum of weight * L(p + offset h) / h, with error of order h^4 (Fornberg 1988)."""
STEP = 7e-4
"""About eps^(1/5): where truncation, h^4, and rounding, eps / h, are equal in float64."""
SMALL_SHARE = 1e-3
BLOCK_ELEMENTS = 1 << 23  # of the parameters of all lanes of a block, or of a layer's activations
ROUNDING = 1e-5
"""A loss L leaves an error of about 10 eps L / STEP = 3e-12 L in a difference: beside 1e-5 L it is below 1e-6."""


@dataclass(frozen=True)
class NetworkGradientCheck:
    """The gradients of a network's loss by the chain rule and by differences.

    Attributes
    ----------
    names : tuple of str
        One a parameter: ``W1[0,2]``, ``b1[2]``.
    analytic, numerical : ndarray (P,)
    relative_errors : ndarray (P,)
        |analytic - numerical| over the larger of the two, but at least over a thousandth of the largest gradient
        and over the rounding error of the loss; NaN where skipped.
    at_kink : ndarray of bool (P,)
        Parameters whose small changes push a unit over a kink of its activation, where no derivative exists:
        not compared.
    largest : float
        The largest relative error of those compared; 0 when there is none.
    """

    names: tuple[str, ...]
    analytic: Array
    numerical: Array
    relative_errors: Array
    at_kink: Array
    largest: float


def check_gradients(
    architecture: Architecture, loss: Loss, inputs: Array, targets: Array, parameters: Array
) -> NetworkGradientCheck:
    """Compare the gradient of the loss with central differences, in float64.

    Each changed parameter is one more lane of the same network, so many differences take one forward pass; a large
    network is compared in several, which bounds the memory.

    Parameters
    ----------
    architecture : Architecture
    loss : Loss
    inputs, targets : ndarray (R, n), (R, K)
    parameters : ndarray (P,)
    """
    analytic, value = _analytic(architecture, loss, inputs, targets, parameters)
    at_once = max(1, BLOCK_ELEMENTS // (len(STENCIL) * max(len(parameters), len(inputs) * max(architecture.sizes))))
    blocks = [
        _differences(architecture, loss, inputs, targets, parameters, slice(start, start + at_once))
        for start in range(0, len(parameters), at_once)
    ]
    numerical, at_kink = (np.concatenate(parts) for parts in zip(*blocks, strict=True))
    floor = max(SMALL_SHARE * float(np.abs(analytic).max()), ROUNDING * max(1.0, abs(value)))
    size = np.maximum(np.maximum(np.abs(analytic), np.abs(numerical)), floor)
    errors = np.where(at_kink, np.nan, np.abs(analytic - numerical) / size)
    compared = errors[~at_kink]
    largest = float(compared.max()) if len(compared) else 0.0
    return NetworkGradientCheck(architecture.parameter_names(), analytic, numerical, errors, at_kink, largest)


def _differences(
    architecture: Architecture, loss: Loss, inputs: Array, targets: Array, parameters: Array, block: slice
) -> tuple[Array, Array]:
    """Return the numerical gradient by some of the parameters, and which of these stand at a kink."""
    chosen = np.arange(len(parameters))[block]
    steps = STEP * np.maximum(1, np.abs(parameters[chosen]))
    lanes = np.repeat(parameters[:, None], len(STENCIL) * len(chosen) + 1, axis=1)  # the last one stays unchanged
    for number, (offset, _) in enumerate(STENCIL):
        lanes[chosen, number * len(chosen) + np.arange(len(chosen))] += offset * steps
    network = one_network(architecture, loss, inputs, targets, lanes)
    at_kink = _crosses_kink(network, len(chosen))
    losses = network.losses(slice(0, len(STENCIL) * len(chosen))).reshape(len(STENCIL), -1)
    return np.array([weight for _, weight in STENCIL]) @ losses / steps, at_kink


def _analytic(
    architecture: Architecture, loss: Loss, inputs: Array, targets: Array, parameters: Array
) -> tuple[Array, float]:
    network = one_network(architecture, loss, inputs, targets, parameters)
    with np.errstate(over="ignore"):
        run(network.forward)
        value = float(network.losses()[0])
        run(network.errors)
        run(network.backward)
    return network.gradient[:, 0].copy(), value


def _crosses_kink(network: LaneNetwork, count: int) -> Array:
    """Run the forward pass; return which parameters' lanes lie on both sides of a kink, or on it."""
    crosses = np.zeros(count, bool)
    with np.errstate(over="ignore"):
        for layer, weighted in network.forward_by_layer():
            for kink in get_activation(layer.shape.activation).kinks:
                side = np.sign(weighted - kink)
                changed = side[:, :, : len(STENCIL) * count].reshape(*side.shape[:2], len(STENCIL), count)
                unchanged = side[:, :, len(STENCIL) * count]
                crosses |= (changed != unchanged[:, :, None, None]).any(axis=(0, 1, 2))
    return crosses
