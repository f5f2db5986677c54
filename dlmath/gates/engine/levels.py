"""The levels that targets take, and on which side of their midpoint an answer lies."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from dlmath.neural.arrays import Array

CODED = ((0.0, 1.0), (-1.0, 1.0))
"""Pairs that a target of one value alone is taken to come from: a gate that is always 1 is still coded 0 and 1."""


class Levels(NamedTuple):
    """The lower and the higher level of each output's targets.

    Attributes
    ----------
    low, high : ndarray of float64 (K,), low < high
    """

    low: Array
    high: Array

    @property
    def middle(self) -> Array:
        """The midpoints (K,)."""
        return np.asarray((self.low + self.high) / 2)

    @property
    def gap(self) -> Array:
        """How far apart they are (K,)."""
        return np.asarray(self.high - self.low)

    def shares(self, values: Array) -> Array:
        """Return values (R, K, ...) in units of the levels: 0 at the lower one, 1 at the higher one."""
        shape = (-1, *(1,) * (values.ndim - 2))
        return np.asarray((values - self.low.reshape(shape)) / self.gap.reshape(shape))

    def right(self, outputs: Array, targets: Array) -> Array:
        """Return which rows (R,) have every output on its target's side of the midpoint; NaN is on neither side."""
        return np.asarray(((outputs - self.middle) * (targets - self.middle) > 0).all(axis=1))


def target_levels(targets: Array) -> Levels | None:
    """Return the two levels of the targets (R, K), None where an output has more of them than two.

    The outputs share their levels where two values serve them all.

    Examples
    --------
    >>> target_levels(np.array([[-1.0], [1.0], [1.0]]))
    Levels(low=array([-1.]), high=array([1.]))
    >>> target_levels(np.array([[0.01, 0.99]])).middle
    array([0.5, 0.5])
    >>> target_levels(np.array([[0.0], [0.3], [1.0]])) is None
    True
    """
    shared = _pair(targets)
    pairs = [shared or _pair(column) for column in targets.T]
    if None in pairs:
        return None
    low, high = np.array(pairs, np.float64).T
    return Levels(low, high)


def _pair(values: Array) -> tuple[float, float] | None:
    """Return the two levels that all of the values are, if they are."""
    distinct = sorted(set(values.ravel().tolist()))  # np.unique would import numpy.ma at every start
    coded = next((pair for pair in CODED if set(distinct) <= set(pair)), None)
    return coded or (tuple(distinct) if len(distinct) == 2 else None)
