"""Softmax and cross-entropy, the loss of every classification here."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from dlmath.neural.arrays import Array


def softmax(logits: Array) -> Array:
    """Return p_k = e^z_k / sum e^z_j down the columns (K, N); the largest is subtracted first, so nothing overflows.

    >>> softmax(np.array([[1000.0], [1000.0]])).ravel()
    array([0.5, 0.5])
    """
    shifted = np.exp(logits - logits.max(axis=0))
    return np.asarray(shifted / shifted.sum(axis=0))


def cross_entropies(logits: Array, labels: Array) -> Array:
    """Return -ln p_truth = ln(sum e^z_j) - z_truth of each image, (N,), in float64.

    Parameters
    ----------
    logits : ndarray (K, N)
    labels : ndarray of int (N,)
    """
    values = logits.astype(np.float64)
    top = values.max(axis=0)
    logs = np.log(np.exp(values - top).sum(axis=0)) + top
    return np.asarray(logs - values[labels, np.arange(len(labels))])


def mean_slope(logits: Array, labels: Array) -> Array:
    """Return dL/dz = (p - y) / N of the mean cross-entropy L over the N images, (K, N)."""
    slope = softmax(logits)
    slope[labels, np.arange(len(labels))] -= 1
    slope *= slope.dtype.type(1 / len(labels))
    return slope
