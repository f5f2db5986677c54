"""The plateaus on which training rests: answers that are the best constant for several rows at once.

On XOR a 2-2-1 network with squared error has no local minimum (Hamey 1998). A run that fails rests on a plateau at
infinity, where the best constant answer is given to two rows (1/2) or to three (1/3 or 2/3) and the others are
right: mean squared error 1/8 or 1/6 of the squared gap of the targets. So it does with other tables and losses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from dlmath.gates.engine.lanes import Problem
    from dlmath.gates.engine.levels import Levels
    from dlmath.neural.arrays import Array

HALF, THIRDS = "half", "thirds"
PLATEAUS: dict[str, dict[str, float]] = {
    HALF: {"1/2": 1 / 2},
    THIRDS: {"1/3": 1 / 3, "2/3": 2 / 3},
}
"""The answers given to rows that are not told apart, in units of the levels of the targets."""

NEAR = 0.08
"""How near an output is to its level there: below half the least distance between the levels, 1/6."""
ARRIVED = 0.03
"""How far the loss may still be above the plateau's own, relative to it."""
ROUNDING = 1e-6  # by which a loss at the plateau may seem to lie below it
CERTAIN_LOGIT = 60.0  # whose sigmoid is 0 or 1 up to rounding


class Standing(NamedTuple):
    """Where S networks stand towards one plateau.

    Attributes
    ----------
    there : ndarray of bool (S,)
        Every output is near a level, the rows at 0 and 1 are right, each level between is its rows' mean target.
    everywhere : ndarray of bool (S,)
        No row at all is answered rightly.
    excess : ndarray of float64 (S,)
        The loss above that of the plateau itself.
    level : ndarray of float64 (S,)
        The plateau's loss.
    """

    there: Array
    everywhere: Array
    excess: Array
    level: Array

    @property
    def arrived(self) -> Array:
        """Which networks (S,) are on the plateau rather than on their way across it."""
        close = (self.excess < ARRIVED * self.level) & (self.excess >= -ROUNDING * self.level)
        return np.asarray(self.there & close & (self.level > 0))


def standing(name: str, problem: Problem, levels: Levels, outputs: Array, losses: Array) -> Standing:
    """Tell where networks with these `outputs` (R, K, S) and `losses` (S,) stand towards a plateau.

    Parameters
    ----------
    name : str
        A key of `PLATEAUS`.
    levels : Levels
        Of the targets, which take no other values.
    """
    steps = np.array([0.0, *PLATEAUS[name].values(), 1.0])
    shares = levels.shares(outputs)
    targets = levels.shares(problem.targets)[:, :, None]
    nearest = np.abs(shares[..., None] - steps).argmin(axis=-1)  # (R, K, S): which level each output is nearest to
    answers = steps[nearest]
    inner = (nearest > 0) & (nearest < len(steps) - 1)
    near = np.abs(shares - answers) <= NEAR
    fits = np.where(inner, True, answers == targets)
    there = (near & fits).all(axis=(0, 1)) & inner.any(axis=(0, 1))
    for number in range(1, len(steps) - 1):
        at = nearest == number
        there &= (np.abs(np.where(at, targets - answers, 0).sum(axis=0)) < 1e-9).all(axis=0)
    level = _loss_of(problem, levels, answers)
    return Standing(there, inner.all(axis=(0, 1)), losses - level, level)


def _loss_of(problem: Problem, levels: Levels, shares: Array) -> Array:
    """Return the loss (S,) of giving the answers `shares` (R, K, S), in units of the levels."""
    loss, targets = problem.loss, problem.targets[:, :, None]
    values = levels.low[:, None] + shares * levels.gap[:, None]
    if loss.from_logits:
        with np.errstate(divide="ignore"):
            values = np.clip(np.log(values) - np.log1p(-values), -CERTAIN_LOGIT, CERTAIN_LOGIT)
    return loss.value(values, targets)
