"""The figures of some networks, layer by layer: what both ways of measuring hand over."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from dlmath.neural.arrays import Array


class Figures(NamedTuple):
    """Layer figures of S networks of depth L.

    Attributes
    ----------
    mean, variance : ndarray of float64 (L, S)
        Of the outputs x^l of the layers, over units and inputs.
    log_variance : ndarray of float64 (L, S)
        ln of the variance, finite where the variance itself is beyond 1e308 or below 1e-308; -inf where it is 0.
    saturated, dead : ndarray of float64 (L, S)
        Shares: of (unit, input) pairs with next to no slope; of units with slope 0 on every input.
    log_gradient : ndarray of float64 (L + 1, S)
        ln of the norm of dE/dx^l, l = 0 (the input) to L (where an error of norm 1 is sent in); -inf where it is 0.
    log_weight_gradient : ndarray of float64 (L, S)
        ln of the Frobenius norm of dE/dW^l.
    """

    mean: Array
    variance: Array
    log_variance: Array
    saturated: Array
    dead: Array
    log_gradient: Array
    log_weight_gradient: Array
