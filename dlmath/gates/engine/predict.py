"""A trained network's answers on any rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dlmath.engine.layers import run
from dlmath.engine.losses import get_loss
from dlmath.engine.network import one_network

if TYPE_CHECKING:
    from dlmath.engine.architecture import Architecture
    from dlmath.engine.arrays import Array


def predict(architecture: Architecture, parameters: Array, inputs: Array) -> Array:
    """Return the outputs (R, K) of the network with flat `parameters` (P,) on `inputs` (R, n), in float64.

    The forward pass is the one that trains; parameters that diverged give infinite or NaN outputs.
    """
    targets = np.zeros((len(inputs), architecture.sizes[-1]))  # a network is planned with its loss; it is not used
    network = one_network(architecture, get_loss("mse"), inputs, targets, parameters)
    with np.errstate(over="ignore", invalid="ignore"):
        run(network.forward)
    return np.asarray(network.outputs()[:, :, 0])
