"""Large kernels of any weights: overlap-save, correlation as a product of Fourier transforms tile by tile.

    out = F^-1( F(P) conj(F(kernel)) )        on tiles of ny x nx points, of which ny - kh + 1 by nx - kw + 1 are valid

The cost a pixel hardly depends on the kernel. Both transforms are taken with norm="ortho", whose two factors
1 / sqrt(ny nx) make up the inverse's 1 / (ny nx). That is not a matter of taste: with the default norm NumPy
computes single-precision transforms in double precision, through casting buffers.

Source: Oppenheim & Schafer, Discrete-Time Signal Processing, 3rd ed. 2010, section 8.7.3 (overlap-save).
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from dlmath.convolution.engine.algorithm import Algorithm, Prepared, in_line, is_workable, up, working_dtype
from dlmath.convolution.engine.speeds import TRANSFORM_POINT, fill_and_store, scale

if TYPE_CHECKING:
    from dlmath.convolution.engine.algorithm import TileShape
    from dlmath.neural.arrays import Array

MAXIMUM_POINTS = 270_000
"""Points of a tile beyond which its spectrum falls out of the caches."""

LONGEST = 4096
"""The longest transform considered for a side; longer ones only where the kernel itself is longer."""


class Fft(Algorithm):
    """Any kernel."""

    name = "fft"
    least = TRANSFORM_POINT

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
        del channels  # one after the other, in the same scratch
        return best_tile(kernel_shape, image_shape, MAXIMUM_POINTS)


class PreparedFft(Prepared):
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
        padded = np.zeros((height, width * shape.channels), dtype)
        self.source = padded[: shape.source_shape[0], : shape.source_shape[1]]
        self._planes = planes(padded, shape.channels)
        self._kernel = spectrum(kernel, self._size).astype(spectral)
        self._across = np.empty((height, width // 2 + 1), spectral)
        self._both = np.empty((height, width // 2 + 1), spectral)
        sums = np.empty((shape.rows, width * shape.channels), dtype)
        self._sums = planes(sums, shape.channels)
        self._result = sums[:, : shape.row_elements]
        self.line = in_line(self._result)

    def run(self) -> Array:
        """Return the tile's sums, shape (rows, columns * channels)."""
        for plane, sums in zip(self._planes, self._sums, strict=True):
            self._correlate(plane, sums)
        return self._result

    def _correlate(self, plane: Array, sums: Array) -> None:
        """Fill `sums` from one channel; the channels one after the other share the spectrum's place in the cache."""
        np.fft.rfft(plane, axis=1, norm="ortho", out=self._across)
        np.fft.fft(self._across, axis=0, norm="ortho", out=self._both)
        np.multiply(self._both, self._kernel, out=self._both)
        np.fft.ifft(self._both, axis=0, norm="ortho", out=self._across)
        np.fft.irfft(self._across[: len(sums)], n=self._size[1], axis=1, norm="ortho", out=sums)


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


class Side(NamedTuple):
    """One way to cut a side of the image: the transform's size, and the outputs of a tile.

    Attributes
    ----------
    outputs : int
        Of a tile, along this side.
    points : int
        Of the transform.
    work : float
        Points times tiles, dearer for transforms with factors 3 and 5.
    tiles : int
    """

    outputs: int
    points: int
    work: float
    tiles: int


@lru_cache(maxsize=64)
def best_tile(kernel_shape: tuple[int, int], image_shape: tuple[int, int], limit: int) -> tuple[int, int]:
    """Return the output tile whose transforms take the least work over an image.

    Parameters
    ----------
    kernel_shape, image_shape : tuple of int
        Rows and columns.
    limit : int
        Points of a tile above which it is dearer.
    """
    down = sides(kernel_shape[0], image_shape[0], together=2)
    across = sides(kernel_shape[1], image_shape[1], together=1)
    most = max(limit, 16 * kernel_shape[0] * kernel_shape[1])
    pairs = [(a, b) for a in down for b in across if a.points * b.points <= most] or [(down[0], across[0])]
    best = min(pairs, key=lambda pair: work(pair[0], pair[1], limit))
    return best[0].outputs, best[1].outputs


def work(down: Side, across: Side, limit: int) -> float:
    """Return what an image costs in such tiles, up to a factor: n (a + log2 n) each, and the calls."""
    points = down.points * across.points
    outside = 1.0 if points <= limit else 1.2
    return down.work * across.work * outside * (84.0 + points.bit_length()) + down.tiles * across.tiles * 500_000.0


def sides(taps: int, length: int, together: int) -> list[Side]:
    """Return the ways to cut a side of the image, one for every number of tiles.

    Parameters
    ----------
    taps, length : int
        Of the kernel and the image along this side.
    together : int
        Tiles run at a time: a number of tiles that is no multiple leaves a core idle at the end.
    """
    by_tiles: dict[int, Side] = {}
    for size in (*transform_sizes(), transform_size(length + taps - 1)):
        if size >= taps:
            tiles = -(-length // (size - taps + 1))
            rounds = up(tiles, together) if tiles > 1 else 1
            side = Side(-(-length // tiles), size, rounds * size * difficulty(size), tiles)
            by_tiles[tiles] = min(side, by_tiles.get(tiles, side), key=lambda way: way.work)
    return sorted(by_tiles.values(), key=lambda way: way.points)


def difficulty(size: int) -> float:
    """Return what a point costs relative to a power of two: each factor 3 or 5 makes it dearer.

    >>> difficulty(256), difficulty(384), difficulty(400)
    (1.0, 1.03, 1.1)
    """
    dearer = 1.0
    for prime, more in ((3, 0.03), (5, 0.05)):
        while size % prime == 0:
            size //= prime
            dearer += more
    return dearer


FFT = Fft()
