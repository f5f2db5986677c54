"""The column matrices of a convolution, unrolled along the width alone.

P[g, r, c, j, w, n] = padded x[r, c, w * stride + j * dilation, n] holds every input kw times, not kh * kw times as
`im2col` does. The columns of output row h are the rows h * stride, h * stride + dilation, ... of P: with dilation 1 a
contiguous block, so that all column matrices together are one strided view of P, which costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from dlmath.counting.engine.shapes import Window
    from dlmath.neural.arrays import Array


def reach(window: Window, tap: int) -> tuple[slice, slice]:
    """Return which outputs see an input through one tap of a kernel (not padding), and which inputs those are.

    Input = output * stride + tap * dilation - before, for outputs 0 .. out - 1 and inputs 0 .. size - 1.

    >>> from dlmath.counting.engine.shapes import slide
    >>> reach(slide(5, 3, 1, 1, (1, 1)), 0)
    (slice(1, 5, None), slice(0, 4, 1))
    """
    shift = tap * window.dilation - window.before
    first = max(0, -(shift // window.stride))
    last = min(window.out - 1, (window.size - 1 - shift) // window.stride)
    count = max(last - first + 1, 0)
    start = first * window.stride + shift if count else 0
    stop = start + (count - 1) * window.stride + 1 if count else 0
    return slice(first, first + count), slice(start, stop, window.stride)


class Unrolled:
    """The column matrices of one array after another of the same shape.

    Parameters
    ----------
    shape : (H, C, W, N)
    window_h, window_w : Window
    groups : int
    dtype : dtype

    Attributes
    ----------
    copies : bool
        False where the columns are the input itself (1 x 1, stride 1): it must then not be written over.
    """

    def __init__(
        self, shape: tuple[int, ...], windows: tuple[Window, Window], groups: int, dtype: np.dtype[Any]
    ) -> None:
        self.windows = window_h, window_w = windows
        self.groups = groups
        self.copies = groups > 1 or not (_is_plain(window_h) and _is_plain(window_w))
        if not self.copies:
            return
        rows = (window_h.out - 1) * window_h.stride + window_h.extent
        inner = groups, rows, shape[1] // groups, window_w.kernel, window_w.out, shape[3]
        self.padded = np.zeros(inner, dtype)  # P, whose padding stays 0 for ever
        first, place = _overlap(window_h, rows)
        self.taps = tuple(
            (self.padded[:, place, :, tap, outputs], first, inputs)
            for tap in range(window_w.kernel)
            for outputs, inputs in [reach(window_w, tap)]
        )
        self.full: Array | None = None
        self.columns = self._view()

    def _view(self) -> Array:
        """Return the column matrices (G, Ho, K, Wo * N); K runs over (kh, C / G, kw)."""
        window = self.windows[0]
        groups, _, channels, taps, width, batch = self.padded.shape
        inner, length = channels * taps, width * batch
        if window.dilation == 1 or window.kernel == 1:
            step_group, step_row = self.padded.strides[:2]
            step = self.padded.strides[-1]
            return np.lib.stride_tricks.as_strided(
                self.padded,
                (groups, window.out, window.kernel * inner, length),
                (step_group, window.stride * step_row, step * length, step),
                writeable=False,
            )
        self.full = np.empty((groups, window.out, window.kernel, channels, taps, width, batch), self.padded.dtype)
        return self.full.reshape(groups, window.out, window.kernel * inner, length)

    def fill(self, source: Array) -> Array:
        """Return the column matrices of an array (H, C, W, N)."""
        height, channels, width, batch = source.shape
        if not self.copies:
            return source.reshape(1, height, channels, width * batch)
        grouped = source.reshape(height, self.groups, -1, width, batch).swapaxes(0, 1)
        for place, rows, inputs in self.taps:
            np.copyto(place, grouped[:, rows, :, inputs])
        if self.full is not None:
            window = self.windows[0]
            for tap in range(window.kernel):
                np.copyto(self.full[:, :, tap], self.padded[:, rows_of(window, tap)])
        return self.columns


def _overlap(window: Window, rows: int) -> tuple[slice, slice]:
    """Return which rows of an input are seen at all, and where they stand among the padded rows."""
    first = max(0, -window.before)
    count = max(min(window.size - first, rows - window.before - first), 0)
    return slice(first, first + count), slice(first + window.before, first + window.before + count)


def rows_of(window: Window, tap: int) -> slice:
    """Return the rows of P that the outputs read through one row tap."""
    start = tap * window.dilation
    return slice(start, start + (window.out - 1) * window.stride + 1, window.stride)


def _is_plain(window: Window) -> bool:
    """Whether each output sees its own input and nothing else."""
    return window.kernel == window.stride == 1 and window.before == 0 and window.out == window.size


class Folded:
    """The adjoint of `Unrolled`: columns (G, Ho, K, Wo * N) are added up where their numbers came from.

    <unroll(x), T> = <x, fold(T)> for every x and T, which is what the chain rule asks of a gradient.
    """

    def __init__(
        self, shape: tuple[int, ...], windows: tuple[Window, Window], groups: int, dtype: np.dtype[Any]
    ) -> None:
        height, channels, width, batch = shape
        self.windows = window_h, window_w = windows
        inner = channels // groups
        self.apart = (groups, window_h.out, window_h.kernel, inner, window_w.kernel, window_w.out, batch)
        self.rows = (window_h.out - 1) * window_h.stride + window_h.extent
        self.padded: Array | None = None
        if not _is_plain(window_h):
            self.padded = np.empty((groups, self.rows, inner, window_w.kernel, window_w.out, batch), dtype)
        self.output = np.empty(shape, dtype)
        self.grouped = self.output.reshape(height, groups, inner, width, batch).swapaxes(0, 1)
        taps = [(tap, *reach(window_w, tap)) for tap in range(window_w.kernel)]
        self.taps = sorted(taps, key=lambda tap: not _covers(tap[2], window_w.size))

    def add_up(self, columns: Array) -> Array:
        """Return (H, C, W, N)."""
        stacked = self._down(columns.reshape(self.apart))
        seen, inner = _overlap(self.windows[0], self.rows)
        whole = _covers(seen, self.windows[0].size) and _covers(self.taps[0][2], self.windows[1].size)
        if not whole:
            self.output.fill(0)
        for turn, (tap, outputs, inputs) in enumerate(self.taps):
            place, part = self.grouped[:, seen, :, inputs], stacked[:, inner, :, tap, outputs]
            if whole and turn == 0:  # the middle of a kernel sees every input once
                np.copyto(place, part)
            else:
                np.add(place, part, out=place)
        return self.output

    def _down(self, parts: Array) -> Array:
        """Return parts (G, Ho, kh, C / G, kw, Wo, N) added up down the rows, (G, rows, C / G, kw, Wo, N)."""
        if self.padded is None:
            return parts[:, :, 0]
        self.padded.fill(0)
        for tap in range(self.windows[0].kernel):
            rows = self.padded[:, rows_of(self.windows[0], tap)]
            np.add(rows, parts[:, :, tap], out=rows)
        return self.padded


def _covers(part: slice, size: int) -> bool:
    """Whether a slice is the whole of an axis."""
    return part.start == 0 and part.stop == size and part.step in {None, 1}
