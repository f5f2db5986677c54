"""A trained network's answers on any rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dlmath.gates.engine.layers import run
from dlmath.gates.engine.network import one_network
from dlmath.neural.losses import get_loss

if TYPE_CHECKING:
    from dlmath.neural.architecture import Architecture
    from dlmath.neural.arrays import Array


def predict(architecture: Architecture, parameters: Array, inputs: Array) -> Array:
    """Return the outputs (R, K) of the network with flat `parameters` (P,) on `inputs` (R, n), in float64.

    The forward pass is the one that trains; parameters that diverged give infinite or NaN outputs.
    """
    targets = np.zeros((len(inputs), architecture.sizes[-1]))  # a network is planned with its loss; it is not used
    network = one_network(architecture, get_loss("mse"), inputs, targets, parameters)
    with np.errstate(over="ignore", invalid="ignore"):
        run(network.forward)
    return np.asarray(network.outputs()[:, :, 0])
