"""Every boolean function of n inputs at once: which can one unit compute, and how do the others end.

All 2^(2^n) functions are trained together, online from zero weights, with the functions on the last axis of small
integer arrays. A function leaves the arrays when it is decided, either way with a proof: an epoch without an error
(separable), or weights that come back after an epoch (not separable; Minsky & Papert 1969), whose period Brent's
bookmark gives exactly. The separable ones number 4, 14, 104, 1882 for n = 1 to 4 (OEIS A000609).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dlmath.errors import InvalidValueError
from dlmath.gates.engine.gates import truth_table_inputs

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Booleans = NDArray[np.bool_]
    Weights = NDArray[np.int16]

MAX_INPUTS = 4


@dataclass(frozen=True)
class Census:
    """What became of every function of n inputs.

    Parameters
    ----------
    inputs : int
        n.
    functions : int
        2^(2^n).
    separable : int
        Functions one unit can compute.
    max_epochs, max_updates : int
        The most that a separable function took: its first epoch without an error, its corrections.
    periods : dict of int to int
        {period in epochs: number of functions}, over the functions that are not separable.
    """

    inputs: int
    functions: int
    separable: int
    max_epochs: int
    max_updates: int
    periods: dict[int, int]


@dataclass(frozen=True)
class Fates:
    """The same, function by function; function k's truth table is k in binary.

    Parameters
    ----------
    epochs, updates : int16 arrays, shape (functions,)
        Where separable: the first epoch without an error, and the corrections until then.
    periods : int16 array, shape (functions,)
        The period of the weights in epochs; 0 where separable.
    """

    epochs: NDArray[np.int16]
    updates: NDArray[np.int16]
    periods: NDArray[np.int16]


def census(n: int) -> Census:
    """Train every boolean function of n inputs and count how they end.

    Parameters
    ----------
    n : int
        From 1 to 4: 5 inputs would be 2^32 functions.

    Examples
    --------
    >>> three = census(3)
    >>> three.functions, three.separable, three.max_epochs, three.max_updates
    (256, 104, 12, 30)
    >>> three.periods
    {1: 120, 2: 24, 3: 4, 5: 4}
    """
    end = fates(n)
    separable = end.periods == 0
    periods, functions = np.unique(end.periods[~separable], return_counts=True)
    return Census(
        inputs=n,
        functions=len(end.periods),
        separable=int(separable.sum()),
        max_epochs=int(end.epochs[separable].max()),
        max_updates=int(end.updates[separable].max()),
        periods=dict(zip(periods.tolist(), functions.tolist(), strict=True)),
    )


def fates(n: int) -> Fates:
    """Train every boolean function of n inputs and tell of each how it ended."""
    if n not in range(1, MAX_INPUTS + 1):
        raise InvalidValueError(
            f"a census of {n} inputs is not possible", f"give 1 to {MAX_INPUTS}: 5 inputs have 2^32 functions"
        )
    end = Fates(*(np.zeros(2**2**n, np.int16) for _ in range(3)))
    undecided = _Undecided(n)
    epoch, bookmarked = 0, 0
    while undecided.functions.size:
        wrong = undecided.advance()
        epoch += 1
        undecided.leave(wrong, end, epoch, period=epoch - bookmarked)
        if epoch == 2 * bookmarked + 1:  # Brent: a bookmark after epochs 0, 1, 3, 7, 15, ...
            undecided.bookmark = undecided.weights.copy()
            bookmarked = epoch
    return end


class _Undecided:
    """The functions still in training, on the last axis of every array.

    int16 is exact: a row moves a weight by at most 1, so that after e epochs a sum of the 5 weights of 4 inputs is
    at most 80 e, which fits for 409 epochs; the last function is decided in epoch 38.

    Parameters
    ----------
    n : int
        The number of inputs.
    """

    def __init__(self, n: int) -> None:
        self.functions = np.arange(2**2**n)
        self.targets = _truth_tables(n)
        self.weights: Weights = np.zeros((n + 1, self.functions.size), np.int16)
        self.bookmark = self.weights.copy()
        self.updates = np.zeros(self.functions.size, np.int16)
        self.active = [[n, *np.flatnonzero(row).tolist()] for row in truth_table_inputs(n)]

    def advance(self) -> Weights:
        """Run one epoch of Rosenblatt's rule; return how many rows of each function were wrong."""
        weights = list(self.weights)
        z, wrong = np.empty_like(self.updates), np.zeros_like(self.updates)
        fired = np.empty(z.shape, np.bool_)
        for active, target in zip(self.active, self.targets, strict=True):
            _take_row([weights[k] for k in active], target, z, fired, wrong)
        self.updates += wrong
        return wrong

    def leave(self, wrong: Weights, end: Fates, epoch: int, period: int) -> None:
        """Write down the functions just decided and drop them."""
        clean = wrong == 0
        repeated = (self.weights == self.bookmark).all(axis=0) & ~clean
        end.epochs[self.functions[clean]] = epoch
        end.updates[self.functions[clean]] = self.updates[clean]
        end.periods[self.functions[repeated]] = period
        self._keep(np.flatnonzero(~(clean | repeated)))

    def _keep(self, places: NDArray[np.intp]) -> None:
        if places.size == self.functions.size:
            return
        self.functions, self.updates = self.functions[places], self.updates[places]
        self.targets, self.weights = self.targets.take(places, axis=1), self.weights.take(places, axis=1)
        self.bookmark = self.bookmark.take(places, axis=1)


def _take_row(weights: list[Weights], target: Weights, z: Weights, fired: Booleans, wrong: Weights) -> None:
    """Correct the weights of a row's active inputs (1, the bias among them) in place: w <- w + (t - o)."""
    np.copyto(z, weights[0])
    for weight in weights[1:]:
        np.add(z, weight, out=z)
    np.greater(z, 0, out=fired)
    error = np.subtract(target, fired, out=z)
    for weight in weights:
        np.add(weight, error, out=weight)
    np.not_equal(error, 0, out=fired)
    np.add(wrong, fired, out=wrong)


def _truth_tables(n: int) -> Weights:
    """Return the targets, shape (2^n rows, 2^(2^n) functions): row 0 is the function number's highest bit."""
    functions = np.arange(2**2**n)
    places = np.arange(2**n - 1, -1, -1)[:, np.newaxis]
    return (functions >> places & 1).astype(np.int16)
