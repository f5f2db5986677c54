"""Pooling: the largest, least or mean value of every window.

    out[y, x] = max, min or mean of image[S y - top .. S y - top + N - 1, S x - left .. S x - left + N - 1]

Rows and columns that do not fill a window are left out: floor((W - N + P) / S) + 1 windows an axis. What lies in the
padding takes no part: it is no maximum, and the mean is of the pixels that are there (ONNX, Keras; PyTorch counts the
padding's zeros, as `counted` does).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from dlmath.convolution.engine.borders import Border
from dlmath.convolution.engine.geometry import MOST_STEP, VALID, Geometry, Pad, WindowAxis, geometry_of, parse_pad
from dlmath.errors import InvalidValueError, ShapeError, unknown

if TYPE_CHECKING:
    from dlmath.neural.arrays import Array

KINDS = ("max", "average", "min")
STRIP = 1 << 20
"""Elements of the image that are pooled at a time."""


class Pool(NamedTuple):
    """A kind of pooling, the side of its windows (0: the whole image), their distance and padding."""

    kind: str
    size: int
    stride: int = 0
    pad: Pad = VALID

    @property
    def step(self) -> int:
        """The distance of windows; by default they lie side by side."""
        return self.stride or self.size

    def __str__(self) -> str:
        if not self.size:
            return f"{self.kind}:global"
        stride = f"/{self.step}" if self.step != self.size else ""
        return f"{self.kind}:{self.size}{stride}" + (f",pad={self.pad}" if self.pad != VALID else "")


def parse_pool(text: str) -> Pool:
    """Return the pooling a user names.

    >>> str(parse_pool("max:2")), str(parse_pool("average:3/2,pad=1")), parse_pool("min:global").size
    ('max:2', 'average:3/2,pad=1', 0)
    """
    kind, _, rest = text.strip().lower().partition(":")
    if kind not in KINDS:
        raise unknown("pooling", kind, [f"{name}:N" for name in KINDS])
    window, *options = rest.split(",")
    if window == "global" and not options:
        return Pool(kind, 0)
    size, slash, stride = window.partition("/")
    mend = f"write {kind}:N, {kind}:N/STRIDE, {kind}:N/STRIDE,pad=P or {kind}:global, as in {kind}:2"
    if not is_step(size) or (slash and not is_step(stride)):
        raise InvalidValueError(f"pooling {text!r} lacks the size of its windows, 1 to {MOST_STEP}", mend)
    if len(options) > 1 or (options and not options[0].startswith("pad=")):
        raise InvalidValueError(f"pooling {text!r}: {options[0]!r} is not known", mend)
    pad = parse_pad(options[0].removeprefix("pad=")) if options else VALID
    if pad.kind == "full":
        raise InvalidValueError(f"pooling {text!r}: pad=full", "give pad=same, same-lower, valid or numbers")
    if pad.kind == "same":  # as layers have it
        pad = Pad("same-upper")
    return checked(Pool(kind, int(size), int(stride or size), pad), text)


def is_step(text: str) -> bool:
    """Tell whether a text is a size or a stride."""
    return text.isascii() and text.isdigit() and len(text) <= len(str(MOST_STEP)) and 1 <= int(text) <= MOST_STEP


def checked(pooling: Pool, text: str) -> Pool:
    """Return a pooling unless one of its windows could lie in the padding alone."""
    if max(pooling.pad.sides) >= pooling.size:
        raise InvalidValueError(
            f"pooling {text!r}: a window could lie in its padding alone", f"pad less than {pooling.size} a side"
        )
    return pooling


def windows_of(pooling: Pool, height: int, width: int) -> Geometry:
    """Return where the windows lie, or raise that none fits."""
    down, across = (pooling.size, pooling.size) if pooling.size else (height, width)
    geometry = geometry_of(
        Border("constant"), (height, width), (down, across), pooling.pad, stride=pooling.step or max(height, width)
    )
    if not all(geometry.shape):
        raise ShapeError(
            f"windows of {down}x{across} do not fit into the image of {height}x{width} pixels", "choose smaller windows"
        )
    return geometry


def pool(image: Array, pooling: Pool, *, counted: bool = False) -> Array:
    """Return an image pooled.

    Parameters
    ----------
    image : ndarray of shape (H, W) or (H, W, C), any real dtype
    pooling : Pool
    counted : bool
        Whether the padding's zeros are counted in a mean.

    Returns
    -------
    ndarray of shape (floor((H - N + P) / S) + 1, ...) or with C
        Of the image's dtype; means are float64 (long doubles stay), each rounded once from the exact sum of whole
        numbers.

    Examples
    --------
    >>> pool(np.uint8([[1, 2, 3, 4], [5, 6, 7, 9]]), Pool("average", 2))
    array([[3.5 , 5.75]])
    >>> pool(np.uint8([[1, 2, 3, 4], [5, 6, 7, 9]]), parse_pool("max:3/2,pad=1"))
    array([[6, 9]], dtype=uint8)
    """
    if image.ndim not in {2, 3} or 0 in image.shape:
        raise ShapeError(f"an image of shape {image.shape}", "give (height, width) or (height, width, channels)")
    geometry = windows_of(pooling, image.shape[0], image.shape[1])
    rows, columns = geometry.rows, geometry.columns
    joiner = joiner_of(pooling.kind, image.dtype, rows.taps * columns.taps)
    result = np.empty((*geometry.shape, *image.shape[2:]), dtype=joiner.dtype)
    step = max(1, STRIP // (max(rows.stride, 1) * image[0].size))
    for first in range(0, rows.outputs, step):
        last = min(first + step, rows.outputs)
        down = joined(image, rows, (first, last), joiner)
        result[first:last] = joined(down.swapaxes(0, 1), columns, (0, columns.outputs), joiner).swapaxes(0, 1)
    return result if pooling.kind != "average" else means(result, image.dtype, geometry, counted=counted)


class Joiner(NamedTuple):
    """How the values of a window become one: a ufunc, what it begins with, and the type it works in."""

    join: np.ufunc
    start: Any
    dtype: np.dtype[Any]


def joiner_of(kind: str, dtype: np.dtype[Any], count: int) -> Joiner:
    """Return how windows of `count` values are joined: sums in a type that holds them exactly where they are whole."""
    if kind == "average":
        if dtype.kind == "f":
            return Joiner(np.add, 0, np.result_type(dtype, np.float64))
        fits = 8 * dtype.itemsize + count.bit_length() < 63
        return Joiner(np.add, 0, np.dtype(np.int64 if fits else object))
    low, high = (-np.inf, np.inf) if dtype.kind == "f" else (False, True)
    if dtype.kind in "iu":
        low, high = np.iinfo(dtype).min, np.iinfo(dtype).max
    return Joiner(np.maximum, low, dtype) if kind == "max" else Joiner(np.minimum, high, dtype)


def joined(lines: Array, axis: WindowAxis, outputs: tuple[int, int], joiner: Joiner) -> Array:
    """Join along the first axis: output o takes the lines S o - before + i, i = 0 .. taps - 1, that there are."""
    first, last = outputs
    result = np.full((last - first, *lines.shape[1:]), joiner.start, dtype=joiner.dtype)
    for tap in range(axis.taps):
        offset = tap - axis.before
        low = max(first, -(offset // axis.stride))  # the first output whose line is not before the image
        high = min(last, (len(lines) - 1 - offset) // axis.stride + 1)
        if low < high:
            seen = lines[low * axis.stride + offset : (high - 1) * axis.stride + offset + 1 : axis.stride]
            part = result[low - first : high - first]
            joiner.join(part, seen, out=part, casting="unsafe")
    return result


def means(sums: Array, dtype: np.dtype[Any], geometry: Geometry, *, counted: bool) -> Array:
    """Return sums over the numbers of pixels that were there."""
    down, across = (seen_by(axis, counted=counted) for axis in (geometry.rows, geometry.columns))
    counts = np.multiply.outer(down, across).reshape(*geometry.shape, *[1] * (sums.ndim - 2))
    quotient = sums / counts
    return np.asarray(quotient if dtype.kind == "f" else quotient.astype(np.float64))


def seen_by(axis: WindowAxis, *, counted: bool) -> Array:
    """Return how many lines of the image each window takes (with `counted`, of the padding too)."""
    starts = np.arange(axis.outputs) * axis.stride - axis.before
    ends = starts + axis.taps
    return ends - starts if counted else np.minimum(ends, axis.size) - np.maximum(starts, 0)


def window_of(plane: Array, geometry: Geometry, row: int, column: int) -> Array:
    """Return the pixels of one channel (H, W) under one window, what lies in the padding left away."""
    spans = []
    for axis, output in ((geometry.rows, row), (geometry.columns, column)):
        start = output * axis.stride - axis.before
        spans.append(slice(max(start, 0), min(start + axis.taps, axis.size)))
    return plane[spans[0], spans[1]]
