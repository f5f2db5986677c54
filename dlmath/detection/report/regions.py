"""The report of `boxes roi-pool` and `boxes roi-align`: values of the bins, and one bin worked out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from dlmath.detection.engine.roi_align import Sampling, axes_of, bilinear, neighbours, positions
from dlmath.detection.engine.roi_pooling import round_half_away
from dlmath.detection.report.texts import box_text, cells, matrix_lines, number
from dlmath.report.blocks import Facts, Lines, Table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dlmath.detection.engine.roi_pooling import Pooled
    from dlmath.neural.arrays import Array
    from dlmath.report.blocks import Block

MOST_BOXES = 6
"""Regions whose values are printed."""
MOST_CHANNELS = 3
MOST_SAMPLES = 16
"""Sampling points of a bin that are worked out."""
MOST_CELLS = 64
"""Cells of a bin that are listed."""


def rows(values: Array) -> Iterator[tuple[Any, ...]]:
    """Yield a row for each value: box, bin's row and column, channel where there are several."""
    for place in np.ndindex(*values.shape):
        yield (*place, values[place].item())


def columns(values: Array) -> tuple[str, ...]:
    """Return the header of `rows`."""
    return ("box", "row", "column", *(("channel",) if values.ndim == 4 else ()), "value")


def csv_table(values: Array) -> Table:
    """Return all values."""
    return Table(columns(values), tuple(rows(values)))


def blocks(values: Array, boxes: Array, map_shape: Sequence[int], scale: float) -> Iterator[Block]:
    """Yield the bins' values, region by region."""
    for row in range(min(len(values), MOST_BOXES)):
        planes = values[row][..., None] if values.ndim == 3 else values[row]
        for channel in range(min(planes.shape[2], MOST_CHANNELS)):
            which = f", channel {channel}" if values.ndim == 4 else ""
            yield matrix_lines(planes[:, :, channel], f"Box {row} {box_text(boxes[row])}{which}")
    hidden = [f"{len(values) - MOST_BOXES:,} more boxes"] if len(values) > MOST_BOXES else []
    if values.ndim == 4 and values.shape[3] > MOST_CHANNELS:
        hidden.append(f"{values.shape[3] - MOST_CHANNELS:,} more channels of each box")
    if hidden:
        yield Lines((f"... and {' and '.join(hidden)}: --format csv or json has all",))
    told = (
        ("map", " x ".join(map(str, map_shape))),
        ("scale", scale),
        ("bins", f"{values.shape[1]} x {values.shape[2]}"),
        ("values", int(values.size)),
    )
    yield Facts(told)


def explain_pool(
    feature_map: Array, box: Array, pooled: Pooled, place: tuple[int, int, int], scale: float
) -> Iterator[Block]:
    """Yield how a region's corners become a window, its window bins, and one bin its maximum."""
    row, i, j = place
    scaled = box * scale
    low_x, low_y, high_x, high_y = (int(value) for value in round_half_away(scaled))
    height, width = max(high_y - low_y + 1, 1), max(high_x - low_x + 1, 1)
    bins_y, bins_x = pooled.rows.shape[1], pooled.columns.shape[1]
    yield Lines(
        (
            "corners are scaled and rounded (half away from zero); both ends belong to the region: size = x2 - x1 + 1",
            "bin k of n: from floor(k size / n) to ceil((k + 1) size / n), the end not included; bins may overlap",
            "cut at the map's edge; the value is the largest in the bin, 0 where the bin is empty",
        ),
        title="RoIPool (Girshick 2015, Fast R-CNN, section 2.1)",
    )
    yield Lines(
        (
            f"{box_text(box)} x {number(scale)} = {box_text(cells(scaled))}",
            f"rounded: ({low_x}, {low_y}, {high_x}, {high_y})",
            f"width {high_x} - {low_x} + 1 = {width}, height {high_y} - {low_y} + 1 = {height}",
            f"columns of the bins: {windows(pooled.columns[row])}",
            f"rows of the bins:    {windows(pooled.rows[row])}",
            f"bin row {i}: {edge_text(low_y, i, height, bins_y)}: rows {window(pooled.rows[row, i])}",
            f"bin column {j}: {edge_text(low_x, j, width, bins_x)}: columns {window(pooled.columns[row, j])}",
        ),
        title=f"Box {row}",
    )
    (top, bottom), (left, right) = pooled.rows[row, i], pooled.columns[row, j]
    part = plane(feature_map)[top:bottom, left:right]
    if not part.size:
        yield Lines((f"bin ({i}, {j}) lies outside the map: 0",))
    elif part.size <= MOST_CELLS:
        yield matrix_lines(part, f"Cells of bin ({i}, {j}): the largest is {number(part.max())}", digits=9)
    else:
        yield Lines((f"bin ({i}, {j}) has {part.size:,} cells; the largest is {number(part.max())}",))


def edge_text(low: int, k: int, size: int, bins: int) -> str:
    """Write where bin k of some begins and ends.

    >>> edge_text(2, 0, 7, 3)
    '2 + floor(0 x 7 / 3) to 2 + ceil(1 x 7 / 3)'
    """
    return f"{low} + floor({k} x {size} / {bins}) to {low} + ceil({k + 1} x {size} / {bins})"


def window(edges: Sequence[int]) -> str:
    """Write a stretch of cells, both ends included.

    >>> window((2, 5)), window((3, 3))
    ('2-4', 'none')
    """
    start, stop = int(edges[0]), int(edges[1])
    return f"{start}-{stop - 1}" if stop > start else "none"


def windows(edges: Array) -> str:
    """Write the stretches of all bins."""
    return ", ".join(window(pair) for pair in edges)


def plane(feature_map: Array) -> Array:
    """Return the map's first channel (H, W)."""
    return feature_map if feature_map.ndim == 2 else feature_map[:, :, 0]


def explain_align(
    feature_map: Array, box: Array, sampling: Sampling, place: tuple[int, int, int], value: float
) -> Iterator[Block]:
    """Yield where the samples of one bin lie, and each one's four neighbours and weights."""
    row, i, j = place
    down, across = axes_of(box[None], feature_map.shape[:2], sampling)
    half = "less half a cell, so that a cell's value belongs to its centre (aligned)"
    old = "as they are, at least one cell large (unaligned): a cell's value belongs to its corner"
    count = f"{sampling.samples} x {sampling.samples}" if sampling.samples else "ceil(size / bins) a side"
    yield Lines(
        (
            f"corners are scaled, nothing is rounded; then taken {half if sampling.aligned else old}",
            f"each bin is sampled at {count} points; a point is a bilinear mean of its four neighbours",
            "a point more than one cell outside counts 0, one less far outside is moved onto the border",
        ),
        title="RoIAlign (He et al. 2017, Mask R-CNN, section 3)",
    )
    size_y, size_x = float(down.size[0]), float(across.size[0])
    start_y, start_x = float(down.start[0]), float(across.start[0])
    step_y, step_x = size_y / down.bins, size_x / across.bins
    yield Lines(
        (
            f"{box_text(box)} x {number(sampling.scale)}{' - 0.5' if sampling.aligned else ''}:",
            f"    starts at x = {number(start_x)}, y = {number(start_y)}, {number(size_x)} wide, {number(size_y)} high",
            f"a bin: {number(size_x)} / {across.bins} = {number(step_x)} wide,",
            f"    {number(size_y)} / {down.bins} = {number(step_y)} high",
            f"bin ({i}, {j}): x from {number(start_x)} + {j} x {number(step_x)} = {number(start_x + j * step_x)},",
            f"    y from {number(start_y)} + {i} x {number(step_y)} = {number(start_y + i * step_y)}",
        ),
        title=f"Box {row}",
    )
    counts = int(down.counts[0]), int(across.counts[0])
    if not all(counts):
        yield Lines(("a region without extent is sampled nowhere: 0",))
        return
    ys, xs = positions(down, counts[0])[0, i], positions(across, counts[1])[0, j]
    lines = [line for y in ys for x in xs for line in sample_lines(plane(feature_map), float(y), float(x))]
    shown = lines[: 2 * MOST_SAMPLES]
    if len(lines) > len(shown):
        shown.append(f"... and {(len(lines) - len(shown)) // 2} more points")
    shown.append(f"mean of {counts[0] * counts[1]} points = {number(value)}")
    yield Lines(tuple(shown), title=f"Bin ({i}, {j})")


def sample_lines(feature_map: Array, y: float, x: float) -> Iterator[str]:
    """Yield a point and its four weighted neighbours."""
    (y_low, y_high, v_low, v_high), (x_low, x_high, u_low, u_high) = (
        [value.item() for value in neighbours(np.array(at), length)]
        for at, length in zip((y, x), feature_map.shape, strict=True)
    )
    terms = [
        f"{number(v)} x {number(u)} x {number(feature_map[row, column])}"
        for row, v in ((y_low, v_low), (y_high, v_high))
        for column, u in ((x_low, u_low), (x_high, u_high))
    ]
    where = f"rows {y_low}, {y_high}, columns {x_low}, {x_high}"
    yield f"point y = {number(y)}, x = {number(x)}: {where}"
    yield f"    {' + '.join(terms)} = {number(float(bilinear(feature_map, y, x)))}"
