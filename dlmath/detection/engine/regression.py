"""Bounding-box regression learned: ridge regression from features of a proposal to its targets.

Girshick, Donahue, Darrell, Malik 2014, Rich feature hierarchies, appendix C; lambda 1000 and proposals with IoU above
0.6 as published there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dlmath.detection.engine.encoding import CLAMP, decode, encode
from dlmath.detection.engine.overlap import iou_pairs
from dlmath.errors import InvalidValueError

if TYPE_CHECKING:
    from collections.abc import Callable

    from dlmath.neural.arrays import Array


class Ridge(NamedTuple):
    """A fitted linear map from features to targets.

    Attributes
    ----------
    weights : ndarray (d, 4)
    bias : ndarray (4,)
    explained : ndarray (4,)
        R^2 of each target on what it was fitted to; NaN where a target does not vary.
    """

    weights: Array
    bias: Array
    explained: Array

    def predict(self, features: Array) -> Array:
        """Return the targets (N, 4) of features (N, d)."""
        return np.asarray(features @ self.weights + self.bias)


def fit(features: Array, targets: Array, penalty: float) -> Ridge:
    """Return the ridge regression of targets on features.

    W minimises sum |t - x W - b|^2 + lambda |W|^2. The bias is not punished: features and targets are centred first.

    Parameters
    ----------
    features : ndarray (N, d) of float64
    targets : ndarray (N, 4) of float64
    penalty : float
        lambda, at least 0.

    Returns
    -------
    Ridge

    Examples
    --------
    >>> x = np.array([[-1.0], [1.0]])
    >>> fit(x, 3 * x * np.ones(4) + 1, 1.0).weights.tolist()
    [[2.0, 2.0, 2.0, 2.0]]
    """
    centre_x, centre_t = features.mean(axis=0), targets.mean(axis=0)
    x, t = features - centre_x, targets - centre_t
    weights = _solved(x, t, penalty)
    residual = ((t - x @ weights) ** 2).sum(axis=0)
    spread = (t**2).sum(axis=0)
    explained = 1 - np.divide(residual, spread, out=np.full(4, np.nan), where=spread > 0)
    return Ridge(weights, centre_t - centre_x @ weights, explained)


def _solved(x: Array, t: Array, penalty: float) -> Array:
    """Solve the normal equations, in the smaller of the two spaces: features, or rows (the dual form).

    Without a penalty many weights may fit equally well: then those of smallest length.
    """
    rows, columns = x.shape
    if penalty == 0:
        return np.asarray(np.linalg.lstsq(x, t)[0])
    if columns <= rows:
        return np.asarray(np.linalg.solve(x.T @ x + penalty * np.eye(columns), x.T @ t))
    return np.asarray(x.T @ np.linalg.solve(x @ x.T + penalty * np.eye(rows), t))


class Rounds(NamedTuple):
    """Mean IoU of boxes with their truths, before and after each round of regression.

    Attributes
    ----------
    pairs : int
    before : float
    after : tuple of float
    boxes : tuple of ndarray (N, 4)
        The boxes after each round.
    """

    pairs: int
    before: float
    after: tuple[float, ...]
    boxes: tuple[Array, ...]


def apply_rounds(
    ridge: Ridge,
    look: Callable[[Array], Array],
    proposals: Array,
    truths: Array,
    rounds: int,
    *,
    plus: float = 0.0,
    clamp: float = CLAMP,
) -> Rounds:
    """Regress boxes again and again, looking anew at what each round's boxes show.

    Parameters
    ----------
    ridge : Ridge
    look : callable
        Boxes (N, 4) to features (N, d).
    proposals, truths : ndarray (N, 4)
    rounds : int
    plus, clamp : float
        As `decode` takes them.
    """
    boxes, current = [], proposals
    for _ in range(rounds):
        current = decode(current, ridge.predict(look(current)), clamp=clamp, plus=plus)
        boxes.append(current)
    after = tuple(mean_iou(made, truths, plus) for made in boxes)
    return Rounds(len(proposals), mean_iou(proposals, truths, plus), after, tuple(boxes))


def mean_iou(boxes: Array, truths: Array, plus: float = 0.0) -> float:
    """Return the mean IoU of row i with row i, NaN of no rows."""
    return float(iou_pairs(boxes, truths, plus=plus).mean()) if len(boxes) else float("nan")


def close_pairs(proposals: Array, truths: Array, least: float, plus: float = 0.0) -> Array:
    """Return the rows whose proposal overlaps its truth by more than `least`.

    Raises
    ------
    InvalidValueError
        When there are fewer than two.
    """
    close = np.flatnonzero(iou_pairs(proposals, truths, plus=plus) > least)
    if len(close) < 2:
        raise InvalidValueError(
            f"--pairs-above {least:g}: {len(close)} of {len(proposals)} pairs overlap so much",
            "give a lower --pairs-above, or more pairs",
        )
    return close


def fit_pairs(features: Array, proposals: Array, truths: Array, penalty: float, plus: float = 0.0) -> Ridge:
    """Return the regression of the targets of proposals and truths (N, 4) on features (N, d)."""
    return fit(features, encode(proposals, truths, plus=plus), penalty)
