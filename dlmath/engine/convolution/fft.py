"""Large kernels of any weights: overlap-save, correlation as a product of Fourier transforms tile by tile.

    out = F^-1( F(P) conj(F(kernel)) )        on tiles of ny x nx points, of which ny - kh + 1 by nx - kw + 1 are valid

The cost a pixel hardly depends on the kernel. Both transforms are taken with norm="ortho", whose two factors
1 / sqrt(ny nx) make up the inverse's 1 / (ny nx). That is not a matter of taste: with the default norm NumPy
computes single-precision transforms in double precision, through casting buffers.

Source: Oppenheim & Schafer, Discrete-Time Signal Processing, 3rd ed. 2010, section 8.7.3 (overlap-save).
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from dlmath.engine.convolution.precision import is_workable, working_dtype
from dlmath.engine.convolution.speeds import TRANSFORM_POINT, fill_and_store, scale

if TYPE_CHECKING:
    from dlmath.engine.convolution.algorithm import Array, TileShape

MAXIMUM_POINTS = 160_000
"""Points of a tile: its spectrum should stay in the second-level cache."""

LONGEST = 4096
"""The longest transform considered for a side; longer ones only where the kernel itself is longer."""


class Fft:
    """Any kernel: `Algorithm` and its name on the command line."""

    name = "fft"

    def suits(self, kernel: Array, dtype: np.dtype[Any]) -> bool:
        """Tell whether kernel and image are numbers that can be transformed."""
        return is_workable(kernel, dtype)

    def cost(self, kernel: Array, dtype: np.dtype[Any], channels: int) -> float:
        """Return the predicted nanoseconds an output element, on an image large enough for tiles at their best."""
        rows, columns = kernel.shape
        tile = self.preferred_tile((rows, columns), (4096, 4096), channels)
        points = transform_size(tile[0] + rows - 1) * transform_size(tile[1] + columns - 1)
        return fill_and_store(dtype) + scale(working_dtype(dtype)) * TRANSFORM_POINT * points / (tile[0] * tile[1])

    def prepare(self, kernel: Array, dtype: np.dtype[Any], shape: TileShape) -> PreparedFft:
        """Lay out scratch and calls for tiles of one shape."""
        return PreparedFft(kernel, working_dtype(dtype), shape)

    def preferred_tile(
        self, kernel_shape: tuple[int, int], image_shape: tuple[int, int], channels: int
    ) -> tuple[int, int]:
        """Return the rows and columns of output a tile is best cut to: the least work over the whole image."""
        return best_tile(kernel_shape, image_shape, max(1, MAXIMUM_POINTS // channels))


class PreparedFft:
    """Scratch and the kernel's spectrum for tiles of one shape.

    Attributes
    ----------
    source : ndarray of the working dtype, shape `TileShape.source_shape`
    """

    source: Array

    def __init__(self, kernel: Array, dtype: np.dtype[Any], shape: TileShape) -> None:
        height, width = (
            transform_size(size) for size in (shape.source_shape[0], shape.columns + shape.kernel_columns - 1)
        )
        self._size = height, width
        spectral = np.result_type(dtype, np.complex64)
        padded = np.zeros((height, width * shape.channels), dtype=dtype)
        self.source = padded[: shape.source_shape[0], : shape.source_shape[1]]
        self._planes = planes(padded, shape.channels)
        self._kernel = spectrum(kernel, self._size).astype(spectral)
        self._across = np.empty((shape.channels, height, width // 2 + 1), dtype=spectral)
        self._both = np.empty_like(self._across)
        sums = np.empty((shape.rows, width * shape.channels), dtype=dtype)
        self._sums = planes(sums, shape.channels)
        self._result = sums[:, : shape.row_elements]

    def run(self) -> Array:
        """Return the tile's sums, shape (rows, columns * channels)."""
        np.fft.rfft(self._planes, axis=2, norm="ortho", out=self._across)
        np.fft.fft(self._across, axis=1, norm="ortho", out=self._both)
        np.multiply(self._both, self._kernel, out=self._both)
        np.fft.ifft(self._both, axis=1, norm="ortho", out=self._across)
        valid = self._across[:, : len(self._result)]
        np.fft.irfft(valid, n=self._size[1], axis=2, norm="ortho", out=self._sums)
        return self._result


def planes(interleaved: Array, channels: int) -> Array:
    """Return rows of interleaved channels as one plane a channel: shape (channels, rows, columns), a view."""
    return interleaved.reshape(len(interleaved), -1, channels).transpose(2, 0, 1)


def spectrum(kernel: Array, size: tuple[int, int]) -> Array:
    """Return the conjugate spectrum that correlates with a kernel, shape (ny, nx // 2 + 1), in double precision."""
    return np.conj(np.fft.rfft2(kernel.astype(np.float64), size))


@lru_cache(maxsize=1)
def transform_sizes() -> tuple[int, ...]:
    """Return the lengths 2^a 3^b 5^c, even and at most `LONGEST`, for which transforms are fast."""
    odd = (3**threes * 5**fives for threes in range(8) for fives in range(6))
    sizes = {number << twos for number in odd for twos in range(1, 13)}
    return tuple(sorted(size for size in sizes if size <= LONGEST))


def transform_size(points: int) -> int:
    """Return the shortest fast transform that holds so many points.

    >>> [transform_size(points) for points in (1, 37, 257, 5000)]
    [2, 40, 270, 8192]
    """
    found = next((size for size in transform_sizes() if size >= points), None)
    return found or 1 << (points - 1).bit_length()


def best_tile(kernel_shape: tuple[int, int], image_shape: tuple[int, int], limit: int) -> tuple[int, int]:
    """Return the output tile whose transforms take the least work over an image.

    Parameters
    ----------
    kernel_shape, image_shape : tuple of int
        Rows and columns.
    limit : int
        Points a tile may have.
    """
    down = candidates(kernel_shape[0], image_shape[0])
    across = candidates(kernel_shape[1], image_shape[1])
    most = max(16 * limit, 4 * kernel_shape[0] * kernel_shape[1])
    pairs = [(a, b) for a in down for b in across if a[0] * b[0] <= most] or [(down[0], across[0])]
    best = min(pairs, key=lambda pair: pair[0][1] * pair[1][1] * work(pair[0][0] * pair[1][0], limit))
    return best[0][2], best[1][2]


def work(points: int, limit: int) -> float:
    """Return what a tile costs, up to a factor: n (a + log2 n), dearer outside the cache, and the calls."""
    return points * (84.0 + points.bit_length()) * (1.0 if points <= limit else 1.4) + 500_000.0


def candidates(taps: int, length: int) -> list[tuple[int, int, int]]:
    """Return (transform size, tiles, outputs a tile) for one side of the image, one for every number of tiles."""
    found: dict[int, tuple[int, int, int]] = {}
    for size in (*transform_sizes(), transform_size(length + taps - 1)):
        if size >= taps:
            tiles = -(-length // (size - taps + 1))
            found.setdefault(tiles, (size, tiles, -(-length // tiles)))
    return sorted(found.values())


FFT = Fft()
