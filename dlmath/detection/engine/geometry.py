"""What a box is: corners x1 y1 x2 y2, its sides and area, the three ways to write it, and what is no box.

Coordinates are continuous: a box from 2 to 5 is 3 wide. The older convention counts pixels, both ends included, and is
4 wide there; its extra 1 is called `plus` throughout, and it is added to every width and height or to none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from dlmath.errors import InvalidValueError

if TYPE_CHECKING:
    from collections.abc import Callable

    from dlmath.neural.arrays import Array

FARTHEST = 1e70
"""Coordinates beyond it are refused: products of four sides must not overflow float64."""

MEND_FINITE = "give finite coordinates of at most 1e70"


class Form(NamedTuple):
    """One way to write a box.

    Attributes
    ----------
    name, about : str
    corners : callable
        Four columns (N, 4) and `plus` to corners (N, 4).
    """

    name: str
    about: str
    corners: Callable[[Array, float], Array]


def from_xywh(rows: Array, plus: float) -> Array:
    """Return corners of boxes written as left, top, width, height."""
    x, y, w, h = rows.T
    return np.stack([x, y, x + w - plus, y + h - plus], axis=1)


def from_cxcywh(rows: Array, plus: float) -> Array:
    """Return corners of boxes written as centre, width, height."""
    cx, cy, w, h = rows.T
    return np.stack([cx - w / 2, cy - h / 2, cx + w / 2 - plus, cy + h / 2 - plus], axis=1)


FORMS = {
    form.name: form
    for form in (
        Form("corners", "x1 y1 x2 y2", lambda rows, _: rows),
        Form("xywh", "left, top, width, height", from_xywh),
        Form("cxcywh", "centre x, centre y, width, height", from_cxcywh),
    )
}
"""The ways to write a box, by name."""


def to_corners(rows: Array, form: str = "corners", *, plus: float = 0.0, place: str = "boxes") -> Array:
    """Return boxes as corners once every row has been looked at.

    Parameters
    ----------
    rows : ndarray (N, 4)
        Real numbers.
    form : str
        One of `FORMS`.
    plus : float
        1 for inclusive pixel coordinates, else 0.
    place : str
        What errors call these boxes.

    Returns
    -------
    ndarray (N, 4) of float64

    Raises
    ------
    InvalidValueError
        Naming the first row (counted from 0) that is no box.

    Examples
    --------
    >>> to_corners(np.array([[10.0, 40.0, 20.0, 20.0]]), "xywh")
    array([[10., 40., 30., 60.]])
    """
    rows = np.asarray(rows, dtype=np.float64)
    with np.errstate(invalid="ignore"):
        wrong = ~(np.abs(rows) <= FARTHEST).all(axis=1)
    _refuse_first(rows, wrong, place, "has a coordinate that is not finite or too large", MEND_FINITE)
    if form != "corners":
        negative = (rows[:, 2:] < 0).any(axis=1)
        _refuse_first(rows, negative, place, "has a negative size", "give width and height of at least 0")
        return FORMS[form].corners(rows, plus)
    turned = (rows[:, 2:] < rows[:, :2]).any(axis=1)
    mend = "give x1 <= x2 and y1 <= y2; these look like x y w h: --boxes xywh"
    if (rows[:, 2:] < 0).any():  # a size is never negative, so they are no x y w h
        mend = "give x1 <= x2 and y1 <= y2"
    _refuse_first(rows, turned, place, "has turned corners (x2 < x1 or y2 < y1)", mend)
    return rows


def _refuse_first(rows: Array, wrong: Any, place: str, what: str, mend: str) -> None:
    """Raise for the first row that is wrong, showing its numbers."""
    if wrong.any():
        row = int(np.argmax(wrong))
        numbers = " ".join(f"{value:.9g}" for value in rows[row])
        raise InvalidValueError(f"{place}: box {row} ({numbers}) {what}", mend)


def sides(boxes: Array, plus: float = 0.0) -> tuple[Array, Array]:
    """Return widths and heights, each (N,), of boxes (N, 4)."""
    return boxes[:, 2] - boxes[:, 0] + plus, boxes[:, 3] - boxes[:, 1] + plus


def areas(boxes: Array, plus: float = 0.0) -> Array:
    """Return the areas (N,) of boxes (N, 4).

    >>> areas(np.array([[0.0, 0, 10, 5], [3, 3, 3, 9]]))
    array([50.,  0.])
    """
    width, height = sides(boxes, plus)
    return width * height


def clip(boxes: Array, width: float, height: float, plus: float = 0.0) -> Array:
    """Return boxes with their corners moved onto a picture of this size (its last coordinate: size - `plus`).

    >>> clip(np.array([[-5.0, 2.0, 30.0, 8.0]]), 20, 10)
    array([[ 0.,  2., 20.,  8.]])
    """
    ends = np.array([width, height, width, height]) - plus
    return np.clip(boxes, 0, ends)


def inside(boxes: Array, width: float, height: float, plus: float = 0.0) -> Array:
    """Return which boxes (N,) lie within the picture wholly, as bool."""
    return (
        (boxes[:, 0] >= 0)
        & (boxes[:, 1] >= 0)
        & (boxes[:, 2] <= width - plus)
        & (boxes[:, 3] <= height - plus)
    )  # fmt: skip
