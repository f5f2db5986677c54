"""Pooling: maxima and means over windows and over whole maps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dlmath.images.engine.convolution import windows_of
from dlmath.images.engine.op import Op, Site
from dlmath.images.engine.unroll import reach

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dlmath.counting.engine.shapes import Window
    from dlmath.neural.arrays import Array

    Seen = tuple[tuple[slice, slice], tuple[slice, slice]]


def taps_of(windows: tuple[Window, Window]) -> Iterator[Seen]:
    """Yield, tap by tap in row-major order, which outputs (rows, columns) see which inputs (rows, columns)."""
    for i in range(windows[0].kernel):
        rows, seen_rows = reach(windows[0], i)
        for j in range(windows[1].kernel):
            columns, seen_columns = reach(windows[1], j)
            yield (rows, columns), (seen_rows, seen_columns)


def at(values: Array, place: tuple[slice, slice]) -> Array:
    """Return rows and columns of (H, C, W, N): a view."""
    return values[place[0], :, place[1]]


def max_pool(site: Site) -> Op:
    """Return the maximum pooling that is fastest for its windows."""
    windows = windows_of(site.kind, site)
    if all(is_pair(window) for window in windows):
        return PairMaximum(site)
    return MaxPool(site, windows)


def is_pair(window: Window) -> bool:
    """Whether a window takes its axis two by two, without padding or rest."""
    return window.kernel == window.stride == 2 and window.size == 2 * window.out and not window.before


class PairMaximum(Op):
    """2 x 2 maxima, stride 2: the larger of each pair of columns, then of rows.

    On a tie the first in row-major order wins and gets the whole gradient: left before right, upper before lower.
    """

    def __init__(self, site: Site) -> None:
        self.source, self.output = site.inputs[0], site.fresh()
        height, channels, width, batch = self.source.shape
        self.middle = np.empty((height, channels, width // 2, batch), site.dtype)
        self.back_middle, self.back = np.empty_like(self.middle), np.empty_like(self.source)
        self.is_left, self.is_upper = np.empty(self.middle.shape, bool), np.empty(self.output.shape, bool)

    def forward(self, *, training: bool) -> None:
        """Compare columns, then rows."""
        del training
        np.maximum(self.source[:, :, 0::2], self.source[:, :, 1::2], out=self.middle)
        np.maximum(self.middle[0::2], self.middle[1::2], out=self.output)

    def backward(self, gradient: Array, *, training: bool) -> tuple[Array, ...]:
        """Hand the gradient to the winners."""
        del training
        np.greater_equal(self.middle[0::2], self.middle[1::2], out=self.is_upper)
        hand_out(gradient, self.is_upper, self.back_middle[0::2], self.back_middle[1::2])
        np.greater_equal(self.source[:, :, 0::2], self.source[:, :, 1::2], out=self.is_left)
        hand_out(self.back_middle, self.is_left, self.back[:, :, 0::2], self.back[:, :, 1::2])
        return (self.back,)


def hand_out(gradient: Array, first_wins: Array, first: Array, second: Array) -> None:
    """Write the gradient to the first where it wins, else to the second, and 0 to the other."""
    np.multiply(gradient, first_wins, out=first)
    np.subtract(gradient, first, out=second)


class MaxPool(Op):
    """Maxima over windows of any size, stride, padding and dilation, overlapping too; padding never wins."""

    def __init__(self, site: Site, windows: tuple[Window, Window]) -> None:
        self.source, self.output = site.inputs[0], site.fresh()
        self.taps = tuple(taps_of(windows))
        self.back = np.empty_like(self.source)
        self.taken = np.empty(self.output.shape, bool)

    def forward(self, *, training: bool) -> None:
        """Take the larger, tap by tap."""
        del training
        self.output.fill(-np.inf)
        for outputs, inputs in self.taps:
            place = at(self.output, outputs)
            np.maximum(place, at(self.source, inputs), out=place)

    def backward(self, gradient: Array, *, training: bool) -> tuple[Array, ...]:
        """Hand each output's gradient to the first input, in row-major order, that equals it."""
        del training
        self.back.fill(0)
        self.taken.fill(False)
        for outputs, inputs in self.taps:
            taken = at(self.taken, outputs)
            wins = (at(self.source, inputs) == at(self.output, outputs)) & ~taken
            taken |= wins
            place = at(self.back, inputs)
            place += at(gradient, outputs) * wins
        return (self.back,)


class AveragePool(Op):
    """Means over windows; padding is not counted (as Keras and ONNX have it)."""

    def __init__(self, site: Site) -> None:
        windows = windows_of(site.kind, site)
        self.source, self.output = site.inputs[0], site.fresh()
        self.taps = tuple(taps_of(windows))
        self.back = np.empty_like(self.source)
        self.shares = self._shares(site)

    def _shares(self, site: Site) -> Array:
        """Return 1 / (inputs seen) of each output, (Ho, 1, Wo, 1)."""
        counts = np.zeros((site.output[0], 1, site.output[1], 1), site.dtype)
        for outputs, _ in self.taps:
            counts[outputs[0], :, outputs[1]] += 1
        return np.asarray(1 / np.maximum(counts, 1), site.dtype)

    def forward(self, *, training: bool) -> None:
        """Add tap by tap, then divide."""
        del training
        self.output.fill(0)
        for outputs, inputs in self.taps:
            place = at(self.output, outputs)
            np.add(place, at(self.source, inputs), out=place)
        np.multiply(self.output, self.shares, out=self.output)

    def backward(self, gradient: Array, *, training: bool) -> tuple[Array, ...]:
        """Hand an equal share to every input that was seen."""
        del training
        np.multiply(gradient, self.shares, out=gradient)
        self.back.fill(0)
        for outputs, inputs in self.taps:
            place = at(self.back, inputs)
            np.add(place, at(gradient, outputs), out=place)
        return (self.back,)


class AdaptivePool(Op):
    """Means or maxima over windows that divide a map: output i of n sees floor(i H / n) to ceil((i + 1) H / n).

    Where the map does not divide evenly, windows differ in size and overlap by one.
    """

    def __init__(self, site: Site) -> None:
        self.source, self.output = site.inputs[0], site.fresh()
        self.back = np.empty_like(self.source)
        self.largest = site.kind == "adaptivemaxpool"
        rows, columns = (shares(site.shapes[0][axis], site.output[axis]) for axis in (0, 1))
        self.windows = [((i, j), (row, column)) for i, row in enumerate(rows) for j, column in enumerate(columns)]

    def forward(self, *, training: bool) -> None:
        """Take each window's mean or maximum."""
        del training
        for (i, j), place in self.windows:
            window = at(self.source, place)
            self.output[i, :, j] = window.max(axis=(0, 2)) if self.largest else window.mean(axis=(0, 2))

    def backward(self, gradient: Array, *, training: bool) -> tuple[Array, ...]:
        """Hand each output's gradient to the first largest of its window, or an equal share to all of it."""
        del training
        self.back.fill(0)
        for (i, j), place in self.windows:
            back = at(self.back, place)
            if self.largest:
                back += (
                    first_largest(at(self.source, place), self.output[i, :, j]) * gradient[i, None, :, j][:, :, None]
                )
            else:
                back += gradient[i, None, :, j][:, :, None] / gradient.dtype.type(back.shape[0] * back.shape[2])
        return (self.back,)


def shares(size: int, parts: int) -> list[slice]:
    """Return which positions each of so many windows sees.

    >>> shares(5, 2)
    [slice(0, 3, None), slice(2, 5, None)]
    """
    return [slice(i * size // parts, -(-(i + 1) * size // parts)) for i in range(parts)]


def first_largest(window: Array, largest: Array) -> Array:
    """Return where a window (h, C, w, N) first equals its largest numbers (C, N), in row-major order."""
    height, channels, width, batch = window.shape
    equal = (window == largest[None, :, None]).transpose(0, 2, 1, 3).reshape(height * width, channels, batch)
    first = np.zeros(equal.shape, window.dtype)
    channel, image = np.ogrid[:channels, :batch]
    first[equal.argmax(axis=0), channel, image] = 1
    return first.reshape(height, width, channels, batch).transpose(0, 2, 1, 3)


class GlobalMaximum(Op):
    """The largest of each map; on a tie the first in row-major order gets the gradient."""

    def __init__(self, site: Site) -> None:
        self.source, self.output = site.inputs[0], site.fresh()
        height, channels, width, batch = self.source.shape
        self.back = np.empty_like(self.source)
        self.rows = np.empty((channels, width, batch), site.dtype)
        self.flat = self.output.reshape(channels, batch)
        self.index = np.ogrid[:channels, :batch]
        self.size = height, width

    def forward(self, *, training: bool) -> None:
        """Compare rows, then columns."""
        del training
        np.maximum.reduce(self.source, axis=0, out=self.rows)
        np.maximum.reduce(self.rows, axis=1, out=self.flat)

    def backward(self, gradient: Array, *, training: bool) -> tuple[Array, ...]:
        """Hand the gradient to the winners."""
        del training
        # The winner's row is the first that holds the maximum: of its row maxima no earlier one equals it
        by_row = np.maximum.reduce(self.source, axis=2)  # (H, C, N)
        row = np.argmax(by_row == self.flat, axis=0)  # (C, N)
        channel, image = self.index
        line = self.source[row, channel, :, image]  # (C, N, W)
        column = np.argmax(line == self.flat[:, :, None], axis=2)
        self.back.fill(0)
        self.back[row, channel, column, image] = gradient.reshape(self.flat.shape)
        return (self.back,)


class GlobalAverage(Op):
    """The mean of each map."""

    def __init__(self, site: Site) -> None:
        self.source, self.output = site.inputs[0], site.fresh()
        height, channels, width, batch = self.source.shape
        self.flat = self.output.reshape(channels, batch)
        self.share = self.output.dtype.type(1 / (height * width))
        self.back = np.empty_like(self.source)

    def forward(self, *, training: bool) -> None:
        """Add and divide."""
        del training
        np.add.reduce(self.source.sum(axis=0), axis=1, out=self.flat)
        np.multiply(self.flat, self.share, out=self.flat)

    def backward(self, gradient: Array, *, training: bool) -> tuple[Array, ...]:
        """Hand an equal share to every input."""
        del training
        np.multiply(gradient, self.share, out=gradient)
        self.back[...] = gradient.reshape(self.flat.shape)[:, None]
        return (self.back,)
