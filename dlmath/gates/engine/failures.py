"""How a network that did not learn ended.

On XOR a 2-2-1 network with squared error has no local minimum (Hamey 1998): a run that fails sits on a plateau
where the best constant answer is given to two rows (1/2), to three rows (1/3 or 2/3) or to all four (1/2), with
mean squared error 1/8, 1/6 or 1/4.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from dlmath.neural.arrays import Array

FAILURES: dict[str, str] = {
    "half": "every output near 0, 1/2 or 1, and some near 1/2",
    "thirds": "every output near 0, 1/3, 2/3 or 1, and some near 1/3 or 2/3",
    "dead": "a hidden layer whose units all have slope 0 on every row, so nothing before it can learn",
    "diverged": "an output or a parameter became infinite or not a number",
    "other": "none of these",
}
NAMES = tuple(FAILURES)
NEAR = 0.08
"""How near counts as near: below half the least distance between the levels, 1/6."""


def classify(outputs: Array, dead: Array, diverged: Array) -> Array:
    """Return the failure class of each network as an index into `NAMES`.

    Parameters
    ----------
    outputs : ndarray (R, K, S)
        Final outputs of networks that did not learn.
    dead, diverged : ndarray of bool (S,)

    Returns
    -------
    ndarray of int8 (S,)

    Examples
    --------
    >>> outputs = np.array([[0.01, 0.3], [0.5, 0.98], [0.99, 0.35], [0.52, 0.33]])[:, None, :]
    >>> [NAMES[i] for i in classify(outputs, np.zeros(2, bool), np.zeros(2, bool))]
    ['half', 'thirds']
    """
    conditions = [diverged, dead, _at_levels(outputs, (1 / 2,)), _at_levels(outputs, (1 / 3, 2 / 3))]
    codes = [NAMES.index(name) for name in ("diverged", "dead", "half", "thirds")]
    return np.select(conditions, codes, NAMES.index("other")).astype(np.int8)


def _at_levels(outputs: Array, levels: tuple[float, ...]) -> Array:
    flat = outputs.reshape(outputs.shape[0] * outputs.shape[1], -1)
    at_level = _near_any(flat, levels)
    return np.asarray(at_level.any(axis=0) & (at_level | _near_any(flat, (0.0, 1.0))).all(axis=0))


def _near_any(values: Array, levels: tuple[float, ...]) -> Array:
    distances = np.abs(values - np.array(levels).reshape(-1, 1, 1))
    return np.asarray((distances <= NEAR).any(axis=0))
