"""Pictures in a terminal: half blocks in colour, or shades of text where there is no colour."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from dlmath.report.blocks import Line, Span

Array = NDArray[Any]

UPPER_HALF = "\u2580"
SHADES = " .:-=+*#%@"
"""Dark to bright, in letters that every terminal has."""
GAP = "  "


def side_by_side(pictures: list[Array], columns: int, *, color: bool) -> tuple[Line, ...]:
    """Draw pictures of one height beside each other.

    Parameters
    ----------
    pictures : list of ndarray of uint8, (H, W) or (H, W, 3)
    columns : int
        Columns of the terminal; the pictures share them.
    color : bool
        Whether the terminal shows colour. Two rows of pixels then share a line.
    """
    room = (columns - len(GAP) * (len(pictures) - 1)) // len(pictures)
    drawn = [picture_lines(picture, max(room, 1), color=color) for picture in pictures]
    height = max(len(lines) for lines in drawn)
    padded = [lines + [((" " * width_of(lines), ""),)] * (height - len(lines)) for lines in drawn]
    return tuple(joined(row) for row in zip(*padded, strict=True))


def width_of(lines: list[tuple[Span, ...]]) -> int:
    """Return the columns a drawn picture takes."""
    return sum(len(text) for text, _ in lines[0])


def joined(parts: tuple[tuple[Span, ...], ...]) -> tuple[Span, ...]:
    """Return one line of several pictures."""
    spans: list[Span] = []
    for index, part in enumerate(parts):
        if index:
            spans.append((GAP, ""))
        spans += part
    return tuple(spans)


def picture_lines(picture: Array, columns: int, *, color: bool) -> list[tuple[Span, ...]]:
    """Draw one picture at most `columns` wide; a character cell is twice as high as it is wide."""
    height, width = picture.shape[:2]
    columns = min(columns, width)
    rows = max(round(height * columns / width / 2), 1)
    if color:
        return colored(as_rgb(shrunk(picture, 2 * rows, columns)))
    return shaded(as_gray(shrunk(picture, rows, columns)))


def shrunk(picture: Array, rows: int, columns: int) -> Array:
    """Return the means of a picture over a coarser grid, uint8; a finer grid repeats pixels."""
    averaged = averaged_along(averaged_along(picture.astype(np.float64), rows, 0), columns, 1)
    return np.asarray(np.rint(averaged).astype(np.uint8))


def averaged_along(values: Array, count: int, axis: int) -> Array:
    """Return the means over `count` even stretches of one axis."""
    size = values.shape[axis]
    starts = np.arange(count) * size // count
    ends = np.maximum((np.arange(count) + 1) * size // count, starts + 1)
    sums = np.concatenate([np.zeros_like(values.take([0], axis)), np.cumsum(values, axis)], axis)
    shape = [1] * values.ndim
    shape[axis] = count
    return np.asarray((sums.take(ends, axis) - sums.take(starts, axis)) / (ends - starts).reshape(shape))


def as_rgb(picture: Array) -> Array:
    """Return (H, W, 3): gray repeated, alpha left away."""
    if picture.ndim == 2:
        picture = picture[:, :, None]
    return np.repeat(picture[:, :, :1], 3, axis=2) if picture.shape[2] < 3 else picture[:, :, :3]


def as_gray(picture: Array) -> Array:
    """Return (H, W): the luma of ITU-R BT.601."""
    return np.asarray(as_rgb(picture) @ np.array([0.299, 0.587, 0.114]))


def colored(rgb: Array) -> list[tuple[Span, ...]]:
    """Return lines of upper half blocks: the upper pixel in front, the lower one behind."""
    return [
        tuple((UPPER_HALF, f"{hexadecimal(top)} on {hexadecimal(low)}") for top, low in zip(upper, lower, strict=True))
        for upper, lower in zip(rgb[::2].tolist(), rgb[1::2].tolist(), strict=True)
    ]


def hexadecimal(rgb: list[int]) -> str:
    """Return a colour as Rich names it.

    >>> hexadecimal([255, 0, 16])
    '#ff0010'
    """
    return "#{:02x}{:02x}{:02x}".format(*rgb)


def shaded(gray: Array) -> list[tuple[Span, ...]]:
    """Return lines of letters as dark or bright as the pixels."""
    indices = (gray * (len(SHADES) - 1) / 255).round().astype(int)
    return [(("".join(SHADES[index] for index in row), ""),) for row in indices.tolist()]


def presentable(pixels: Array) -> Array:
    """Return any pixels as uint8 for the eye: uint8 as they are, others stretched from least to greatest."""
    if pixels.dtype == np.uint8:
        return pixels
    values = np.nan_to_num(pixels.astype(np.float64), nan=0.0, posinf=0.0, neginf=0.0)
    low, high = float(values.min()), float(values.max())
    return np.asarray(((values - low) * (255 / (high - low) if high > low else 0)).round().astype(np.uint8))
