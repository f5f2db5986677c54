"""How much two boxes overlap: intersection over union and its three refinements, as matrices and pair by pair.

Nothing is added to a denominator: an epsilon would make a box's overlap with itself less than 1. Where a union (or a
hull) has no area, the term is 0.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dlmath.detection.engine.geometry import areas, sides
from dlmath.errors import TooLargeError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from dlmath.neural.arrays import Array

BLOCK = 32_768
"""Entries worked on at once: three scratch buffers of so many float64 stay in a core's second-level cache."""

COLUMNS = 2_048
"""Boxes of B that are met at once: a row of so many stays in the first-level cache, and NumPy's loops are long."""

LARGEST_MATRIX = 2**27
"""Entries of the largest matrix that is made: 1 GiB of float64."""


class OverlapKind(NamedTuple):
    """One measure of overlap.

    Attributes
    ----------
    name, equation, source : str
    penalty : callable or None
        (boxes A (N, 4), boxes B (N, 4), IoU (N,), union (N,), plus) to what is taken off IoU; shapes broadcast.
    """

    name: str
    equation: str
    source: str
    penalty: Callable[[Array, Array, Array, Array, float], Array] | None = None


def share(part: Array, whole: Array) -> Array:
    """Return part / whole, 0 where the whole is 0.

    >>> share(np.array([1.0, 0.0]), np.array([4.0, 0.0]))
    array([0.25, 0.  ])
    """
    part, whole = np.broadcast_arrays(part, whole)
    return np.divide(part, whole, out=np.zeros(part.shape), where=whole != 0)


def hull_sides(a: Array, b: Array, plus: float) -> tuple[Array, Array]:
    """Return width and height of the smallest box around both; boxes (..., 4) broadcast."""
    width = np.maximum(a[..., 2], b[..., 2]) - np.minimum(a[..., 0], b[..., 0]) + plus
    height = np.maximum(a[..., 3], b[..., 3]) - np.minimum(a[..., 1], b[..., 1]) + plus
    return width, height


def hull_penalty(a: Array, b: Array, iou: Array, union: Array, plus: float) -> Array:
    """Return the share of the hull that neither box covers."""
    del iou
    width, height = hull_sides(a, b, plus)
    return share(width * height - union, width * height)


def distance_penalty(a: Array, b: Array, iou: Array, union: Array, plus: float) -> Array:
    """Return the squared distance of the centres over the hull's squared diagonal."""
    del iou, union
    width, height = hull_sides(a, b, plus)
    dx = (a[..., 0] + a[..., 2] - b[..., 0] - b[..., 2]) / 2
    dy = (a[..., 1] + a[..., 3] - b[..., 1] - b[..., 3]) / 2
    return share(dx * dx + dy * dy, width * width + height * height)


def aspect_penalty(a: Array, b: Array, iou: Array, union: Array, plus: float) -> Array:
    """Return the distance's penalty and alpha v, v comparing the angles of the two diagonals."""
    angle_a, angle_b = (
        np.arctan2(box[..., 2] - box[..., 0] + plus, box[..., 3] - box[..., 1] + plus) for box in (a, b)
    )
    v = 4 / math.pi**2 * (angle_a - angle_b) ** 2
    alpha = share(v, 1 - iou + v)
    return distance_penalty(a, b, iou, union, plus) + alpha * v


KINDS = {
    kind.name: kind
    for kind in (
        OverlapKind("iou", "IoU = |A n B| / |A u B|", "Jaccard 1912; Everingham et al. 2010, section 4.2"),
        OverlapKind("giou", "GIoU = IoU - (|hull| - |A u B|) / |hull|", "Rezatofighi et al. 2019", hull_penalty),
        OverlapKind("diou", "DIoU = IoU - d^2 / c^2", "Zheng et al. 2020", distance_penalty),
        OverlapKind("ciou", "CIoU = IoU - d^2 / c^2 - alpha v", "Zheng et al. 2020, eq. 8-11", aspect_penalty),
    )
}
"""Every measure of overlap, by name."""


def naive_iou(a: Array, b: Array, plus: float = 0.0) -> Array:
    """Return the matrix by the definition, pair after pair: the oracle of the fast path.

    >>> naive_iou(np.array([[0.0, 0, 100, 100]]), np.array([[0.0, 0, 50, 50]]))
    array([[0.25]])
    """
    matrix = np.zeros((len(a), len(b)))
    for i, (ax1, ay1, ax2, ay2) in enumerate(a.tolist()):
        for j, (bx1, by1, bx2, by2) in enumerate(b.tolist()):
            width = max(0.0, min(ax2, bx2) - max(ax1, bx1) + plus)
            height = max(0.0, min(ay2, by2) - max(ay1, by1) + plus)
            area_a = (ax2 - ax1 + plus) * (ay2 - ay1 + plus)
            area_b = (bx2 - bx1 + plus) * (by2 - by1 + plus)
            union = area_a + area_b - width * height
            matrix[i, j] = width * height / union if union else 0.0
    return matrix


def iou_matrix(a: Array, b: Array, kind: str = "iou", *, plus: float = 0.0, crowd: bool = False) -> Array:
    """Return how much every box of A overlaps every box of B.

    Parameters
    ----------
    a, b : ndarray (M, 4), (N, 4) of float64
        Corners.
    kind : str
        One of `KINDS`.
    plus : float
        1 for inclusive pixel coordinates.
    crowd : bool
        Whether the boxes of B are crowds: then the intersection over the area of A's box alone (COCO's rule for
        regions of many objects).

    Returns
    -------
    ndarray (M, N) of float64

    Raises
    ------
    TooLargeError
        When the matrix would be larger than 1 GiB.

    Examples
    --------
    >>> iou_matrix(np.array([[0.0, 0, 100, 100]]), np.array([[0.0, 0, 50, 50], [200, 200, 300, 300]]), "giou").round(4)
    array([[ 0.25  , -0.7778]])
    """
    check_matrix(len(a), len(b))
    matrix = np.empty((len(a), len(b)))
    for _ in overlap_blocks(a, b, kind, plus=plus, crowd=crowd, out=matrix):
        pass  # each block is written where it belongs
    return matrix


def check_matrix(rows: int, columns: int) -> None:
    """Refuse a matrix that does not fit."""
    if rows * columns > LARGEST_MATRIX:
        size = rows * columns * 8 / 2**30
        raise TooLargeError(
            f"a matrix of {rows:,} x {columns:,} overlaps needs {size:,.1f} GiB",
            f"give fewer boxes: at most {LARGEST_MATRIX:,} pairs are printed",
        )


class _Side(NamedTuple):
    """Boxes taken apart: contiguous coordinates, so that no (M, N, 2) temporaries are needed."""

    boxes: Array
    x1: Array
    y1: Array
    x2: Array
    y2: Array
    area: Array

    def rows(self, part: slice) -> _Side:
        """Return some boxes as a column, to meet all of the other side."""
        x1, y1, x2, y2, area = (values[part, None] for values in self[1:])
        return _Side(self.boxes[part, None], x1, y1, x2, y2, area)

    def columns(self, part: slice) -> _Side:
        """Return some boxes as they are."""
        return _Side(*(values[part] for values in self))


def _side(boxes: Array, plus: float) -> _Side:
    x1, y1, x2, y2 = np.ascontiguousarray(boxes.T, dtype=np.float64)
    return _Side(boxes, x1, y1, x2, y2, areas(boxes, plus))


def overlap_blocks(
    a: Array, b: Array, kind: str = "iou", *, plus: float = 0.0, crowd: bool = False, out: Array | None = None
) -> Iterator[tuple[slice, Array]]:
    """Yield (rows, overlaps of these rows of A with all of B): the matrix in bounded memory.

    Parameters
    ----------
    a, b, kind, plus, crowd
        As `iou_matrix` takes them.
    out : ndarray (M, N) or None
        Where the blocks are written; None: into one buffer, which the next block overwrites.
    """
    side_a, side_b = _side(a, plus), _side(b, plus)
    width = min(len(b), COLUMNS)
    step = max(1, BLOCK // max(width, 1))
    scratch = np.empty((3, min(step, len(a)), width))
    own = np.empty((min(step, len(a)), len(b))) if out is None else None
    empty = bool((side_a.area == 0).any()) and (crowd or bool((side_b.area == 0).any()))
    tiles = [
        (slice(left, left + width), side_b.columns(slice(left, left + width))) for left in range(0, len(b), COLUMNS)
    ]
    for start in range(0, len(a), step):
        rows = slice(start, min(start + step, len(a)))
        block = own[: rows.stop - start] if own is not None else np.asarray(out)[rows]
        meeting = side_a.rows(rows)
        for columns, tile in tiles:
            target = block[:, columns]
            buffers = scratch[:, : target.shape[0], : target.shape[1]]
            _tile(meeting, tile, KINDS[kind], (plus, crowd, empty), buffers, target)
        yield rows, block


def _tile(a: _Side, b: _Side, kind: OverlapKind, rule: tuple[float, bool, bool], buffers: Array, target: Array) -> None:
    """Fill `target` (m, n) with overlaps of a few boxes; `rule` is (plus, crowd, whether a union may be 0)."""
    plus, crowd, empty = rule
    inter = _intersections(a, b, plus, buffers)
    union = buffers[1]
    if crowd:
        union[:] = a.area
    else:
        np.add(a.area, b.area, out=union)
        union -= inter
    if empty:
        np.divide(inter, union, out=inter, where=union != 0)  # where the union is 0 the intersection is 0 already
        target[:] = inter
    else:
        np.divide(inter, union, out=target)
    if kind.penalty is not None:
        target -= kind.penalty(a.boxes, b.boxes[None], target, union, plus)


def _intersections(a: _Side, b: _Side, plus: float, buffers: Array) -> Array:
    """Return the areas of intersections in the first buffer; the other two are overwritten."""
    width, height, spare = buffers
    _extents(a.x1, a.x2, b.x1, b.x2, plus, width, spare)
    _extents(a.y1, a.y2, b.y1, b.y2, plus, height, spare)
    width *= height
    return np.asarray(width)


def _extents(
    low_a: Array, high_a: Array, low_b: Array, high_b: Array, plus: float, extent: Array, spare: Array
) -> None:
    """Write into `extent` how long stretches of A (m, 1) and of B (N,) lie over each other."""
    np.minimum(high_a, high_b, out=extent)
    np.maximum(low_a, low_b, out=spare)
    extent -= spare
    if plus:
        extent += plus
    np.maximum(extent, 0, out=extent)


def intersections(a: Array, b: Array, plus: float = 0.0) -> Array:
    """Return the areas (N,) in which box i of A and box i of B meet; a, b (N, 4)."""
    width = np.minimum(a[:, 2], b[:, 2])
    width -= np.maximum(a[:, 0], b[:, 0])
    height = np.minimum(a[:, 3], b[:, 3])
    height -= np.maximum(a[:, 1], b[:, 1])
    if plus:
        width += plus
        height += plus
    np.maximum(width, 0, out=width)
    np.maximum(height, 0, out=height)
    width *= height
    return width


def iou_pairs(a: Array, b: Array, *, plus: float = 0.0) -> Array:
    """Return the IoU (N,) of box i of A with box i of B, by the same operations as the matrix.

    >>> iou_pairs(np.array([[0.0, 0, 10, 10]]), np.array([[0.0, 0, 10, 5]]))
    array([0.5])
    """
    inter = intersections(a, b, plus)
    return share(inter, areas(a, plus) + areas(b, plus) - inter)


class Overlap(NamedTuple):
    """One pair worked out, for an explanation; NumPy-free numbers.

    Attributes
    ----------
    corners : tuple of float
        Of the overlap; turned where the boxes do not meet.
    sides_a, sides_b, sides : tuple of float
        Width and height of A, of B, of the overlap (0 where they do not meet).
    inter, union, iou : float
    hull : tuple of float
        Width and height of the hull.
    distance2 : float
        Squared distance of the centres.
    v, alpha : float
        CIoU's terms.
    value : float
        Of the kind asked for.
    """

    corners: tuple[float, ...]
    sides_a: tuple[float, float]
    sides_b: tuple[float, float]
    sides: tuple[float, float]
    inter: float
    union: float
    iou: float
    hull: tuple[float, float]
    distance2: float
    v: float
    alpha: float
    value: float


def overlap_of(a: Array, b: Array, kind: str = "iou", *, plus: float = 0.0, crowd: bool = False) -> Overlap:
    """Return one pair's arithmetic; a, b (4,). `value` is the matrix's own entry."""
    pair = a[None], b[None]
    low, high = np.maximum(a[:2], b[:2]), np.minimum(a[2:], b[2:])
    width, height = (float(v) for v in np.maximum(high - low + plus, 0))
    value = float(iou_matrix(*pair, kind, plus=plus, crowd=crowd)[0, 0])
    iou = float(iou_matrix(*pair, plus=plus, crowd=crowd)[0, 0])
    (area_a,), (area_b,) = (areas(box, plus) for box in pair)
    union = float(area_a if crowd else area_a + area_b - width * height)
    hull_w, hull_h = (float(v[0]) for v in hull_sides(*pair, plus))
    shifts = (a[:2] + a[2:] - b[:2] - b[2:]) / 2
    sides_a, sides_b = ((float(w[0]), float(h[0])) for w, h in (sides(box, plus) for box in pair))
    v = 4 / math.pi**2 * (math.atan2(*sides_a) - math.atan2(*sides_b)) ** 2
    alpha = v / (1 - iou + v) if 1 - iou + v else 0.0
    corners = (*low.tolist(), *high.tolist())
    return Overlap(
        corners, sides_a, sides_b, (width, height), width * height, union, iou, (hull_w, hull_h),
        float(shifts @ shifts), v, alpha, value,
    )  # fmt: skip
