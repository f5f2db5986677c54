"""Anchors: the boxes of a few sizes and shapes that Faster R-CNN lays over every cell of a feature map.

An anchor of size s and ratio r = h / w has the area s^2: w = s / sqrt(r), h = s sqrt(r). Libraries agree on that, and
differ in rounding, in the order, and in where the first cell's centre is; `STYLES` holds what each does.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dlmath.errors import TooLargeError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dlmath.neural.arrays import Array

MOST_ANCHORS = 2**24
"""Anchors at most: half a gibibyte of float64."""


class Style(NamedTuple):
    """How a library makes the anchors of one cell.

    Attributes
    ----------
    name, about : str
    base : callable
        (sizes, ratios, scales) to ndarray (A, 4), around the cell's own point.
    sizes, scales : tuple of float
        Its defaults.
    plus : float
        1 where its coordinates are inclusive.
    """

    name: str
    about: str
    base: Callable[[Sequence[float], Sequence[float], Sequence[float]], Array]
    sizes: tuple[float, ...]
    scales: tuple[float, ...]
    plus: float = 0.0


RATIOS = (0.5, 1.0, 2.0)


def centred(width: Array, height: Array) -> Array:
    """Return boxes (N, 4) of these sides around the origin."""
    return np.stack([-width / 2, -height / 2, width / 2, height / 2], axis=1)


def torchvision_base(sizes: Sequence[float], ratios: Sequence[float], scales: Sequence[float]) -> Array:
    """Return the anchors ratio by ratio, corners rounded to whole pixels (half to even).

    >>> torchvision_base([32], [0.5, 1, 2], [1]).astype(int).tolist()
    [[-23, -11, 23, 11], [-16, -16, 16, 16], [-11, -23, 11, 23]]
    """
    size = np.array([s * scale for s in sizes for scale in scales], dtype=np.float64)
    root = np.sqrt(np.asarray(ratios, dtype=np.float64))[:, None]
    return np.asarray(np.round(centred((1 / root * size).ravel(), (root * size).ravel())) + 0.0)  # + 0.0: no -0


def detectron2_base(sizes: Sequence[float], ratios: Sequence[float], scales: Sequence[float]) -> Array:
    """Return the anchors size by size, exact.

    >>> detectron2_base([32], [1.0], [1, 2]).tolist()
    [[-16.0, -16.0, 16.0, 16.0], [-32.0, -32.0, 32.0, 32.0]]
    """
    size = np.array([s * scale for s in sizes for scale in scales], dtype=np.float64)[:, None]
    width = np.sqrt(size * size / np.asarray(ratios, dtype=np.float64))
    height = np.asarray(ratios, dtype=np.float64) * width
    return centred(width.ravel(), height.ravel())


def inclusive_base(sizes: Sequence[float], ratios: Sequence[float], scales: Sequence[float]) -> Array:
    """Return the anchors as py-faster-rcnn's generate_anchors: around a cell of inclusive pixels, sides rounded twice.

    >>> inclusive_base([16], [0.5, 1, 2], [8, 16, 32])[[0, 3, 8]].astype(int).tolist()
    [[-84, -40, 99, 55], [-56, -56, 71, 71], [-168, -344, 183, 359]]
    """
    boxes = []
    for size in sizes:
        centre = (size - 1) / 2
        for ratio in ratios:
            width = float(np.round(math.sqrt(size * size / ratio)))
            height = float(np.round(width * ratio))
            for scale in scales:
                half_w, half_h = (width * scale - 1) / 2, (height * scale - 1) / 2
                boxes.append([centre - half_w, centre - half_h, centre + half_w, centre + half_h])
    return np.array(boxes)


STYLES = {
    style.name: style
    for style in (
        Style(
            "torchvision",
            "ratio by ratio, corners rounded to whole pixels",
            torchvision_base,
            (128.0, 256.0, 512.0),
            (1.0,),
        ),
        Style("detectron2", "size by size, not rounded", detectron2_base, (128.0, 256.0, 512.0), (1.0,)),
        Style(
            "py-faster-rcnn",
            "ratio by ratio, around an inclusive cell, sides rounded before scaling",
            inclusive_base,
            (16.0,),
            (8.0, 16.0, 32.0),
            plus=1.0,
        ),
    )
}
"""How each library makes anchors, by name."""


def grid_anchors(base: Array, rows: int, columns: int, stride: tuple[float, float], offset: float = 0.0) -> Array:
    """Return the anchors of every cell of a map.

    Parameters
    ----------
    base : ndarray (A, 4)
        Of one cell.
    rows, columns : int
        Of the map.
    stride : (float, float)
        Pixels of the picture between two cells, down and across.
    offset : float
        Where a cell's point is, as a share of the stride: 0 its corner, 0.5 its centre.

    Returns
    -------
    ndarray (rows * columns * A, 4) of float64
        Cell by cell, row by row: anchor a of cell (y, x) is number (y * columns + x) * A + a.

    Raises
    ------
    TooLargeError
        Beyond 16,777,216 anchors.

    Examples
    --------
    >>> grid_anchors(np.array([[-16.0, -16, 16, 16]]), 64, 64, (8, 8))[[0, -1]].tolist()
    [[-16.0, -16.0, 16.0, 16.0], [488.0, 488.0, 520.0, 520.0]]
    """
    check_count(rows * columns * len(base))
    y = (np.arange(rows) + offset) * stride[0]
    x = (np.arange(columns) + offset) * stride[1]
    grid_y, grid_x = np.meshgrid(y, x, indexing="ij")
    shifts = np.stack([grid_x, grid_y, grid_x, grid_y], axis=-1).reshape(-1, 1, 4)
    return np.asarray((shifts + base).reshape(-1, 4))


def check_count(count: int) -> None:
    """Refuse more anchors than fit."""
    if count > MOST_ANCHORS:
        raise TooLargeError(f"{count:,} anchors are too many", f"at most {MOST_ANCHORS:,}: choose a smaller map")
