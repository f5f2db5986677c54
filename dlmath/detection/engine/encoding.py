"""Boxes as regression targets: how far a proposal is from a truth, in units of the proposal, and back.

Girshick, Donahue, Darrell, Malik 2014, Rich feature hierarchies, appendix C, equations 1-8.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from dlmath.detection.engine.geometry import sides
from dlmath.errors import InvalidValueError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dlmath.neural.arrays import Array

CLAMP = math.log(1000 / 16)
"""The largest dw, dh that is believed: from 16 to 1000 pixels, as Detectron, torchvision and detectron2 have it."""

UNIT_WEIGHTS = (1.0, 1.0, 1.0, 1.0)


def centres(boxes: Array, plus: float = 0.0) -> tuple[Array, Array, Array, Array]:
    """Return centre x, centre y, width, height, each (N,), of boxes (N, 4)."""
    width, height = sides(boxes, plus)
    return boxes[:, 0] + width / 2, boxes[:, 1] + height / 2, width, height


def encode(proposals: Array, truths: Array, weights: Sequence[float] = UNIT_WEIGHTS, *, plus: float = 0.0) -> Array:
    """Return the targets t of each proposal and its truth.

    t = ((gx - px) / pw, (gy - py) / ph, ln(gw / pw), ln(gh / ph)), each times its weight.

    Parameters
    ----------
    proposals, truths : ndarray (N, 4) of float64
        Corners, row by row.
    weights : sequence of 4 floats
    plus : float
        1 for inclusive pixel coordinates.

    Returns
    -------
    ndarray (N, 4) of float64

    Raises
    ------
    InvalidValueError
        When a box has no width or height: nothing can be measured in units of it, and its logarithm does not exist.

    Examples
    --------
    >>> encode(np.array([[0.0, 0, 10, 10]]), np.array([[2.0, 2, 12, 14]])).round(8)
    array([[0.2       , 0.3       , 0.        , 0.18232156]])
    """
    for name, boxes in (("proposal", proposals), ("truth", truths)):
        flat = (np.stack(sides(boxes, plus)) <= 0).any(axis=0)
        if flat.any():
            raise InvalidValueError(
                f"{name} {int(np.argmax(flat))} has no width or no height", "encode boxes that have an area"
            )
    px, py, pw, ph = centres(proposals, plus)
    gx, gy, gw, gh = centres(truths, plus)
    targets = np.stack([(gx - px) / pw, (gy - py) / ph, np.log(gw / pw), np.log(gh / ph)], axis=1)
    return np.asarray(targets * np.asarray(weights))


def decode(
    proposals: Array,
    targets: Array,
    weights: Sequence[float] = UNIT_WEIGHTS,
    *,
    clamp: float = CLAMP,
    plus: float = 0.0,
) -> Array:
    """Return the boxes that targets make of proposals.

    g = (pw tx + px, ph ty + py, pw e^tw, ph e^th) as centre and size, t being divided by the weights first and tw, th
    cut at `clamp` from above.

    Parameters
    ----------
    proposals, targets : ndarray (N, 4) of float64
    weights : sequence of 4 floats
    clamp : float
        Infinity for none.
    plus : float

    Returns
    -------
    ndarray (N, 4) of float64
        Corners.

    Examples
    --------
    >>> decode(np.array([[0.0, 0, 10, 10]]), np.array([[0.0, 0, 20, 0]])).round(9)
    array([[-307.5,    0. ,  317.5,   10. ]])
    """
    x, y, w, h = centres(proposals, plus)
    tx, ty, tw, th = (targets / np.asarray(weights)).T
    cx, cy = w * tx + x, h * ty + y
    half_w, half_h = w * np.exp(np.minimum(tw, clamp)) / 2, h * np.exp(np.minimum(th, clamp)) / 2
    return np.stack([cx - half_w, cy - half_h, cx + half_w - plus, cy + half_h - plus], axis=1)
