"""Normalisations, forward and backward, over rows of any leading shape.

    n = (z - mean z) / s,  s = standard deviation of z over the axis
    dL/dz = (e - mean e - n mean(e n)) / s,  e = dL/dn

Layer normalisation (Ba, Kiros & Hinton 2016) takes the units of one input, batch normalisation (Ioffe & Szegedy
2015) the inputs of one unit. No gain, no offset, nothing added to the variance.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from dlmath.neural.arrays import Array


def standardise(z: Array, axis: int) -> tuple[Array, Array]:
    """Return n and s, s with `axis` kept at length 1; where z does not vary, n is 0 and s is 0."""
    centred = z - z.mean(axis=axis, keepdims=True)
    spread = np.sqrt(np.mean(np.square(centred), axis=axis, keepdims=True))
    return np.asarray(centred / np.where(spread > 0, spread, 1)), spread


def project(n: Array, e: Array, axis: int) -> Array:
    """Return e - mean e - n mean(e n): s times dL/dz."""
    along = np.mean(e * n, axis=axis, keepdims=True)
    return np.asarray(e - e.mean(axis=axis, keepdims=True) - n * along)
