"""The definition: two loops over the output's pixels, the window under each, its products, their sum.

Every other module is held to this one. Whole numbers are Python's own, so that nothing overflows or rounds.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from dlmath.convolution.engine.borders import Border, indices

if TYPE_CHECKING:
    from dlmath.neural.arrays import Array

name = "naive"


@dataclass(frozen=True)
class Geometry:
    """Where the windows lie: the anchor in taps; dilation and stride in pixels between taps and between windows."""

    border: Border
    anchor: tuple[int, int]
    stride: int = 1
    dilation: int = 1


@dataclass(frozen=True, eq=False)
class WindowArithmetic:
    """The arithmetic at one output pixel of one channel.

    Attributes
    ----------
    rows, columns : tuple of int
        Which row and column of the image each row and column of the window shows; -1 is the border's constant.
    window, kernel, products : ndarray of shape (kh, kw)
        products = kernel * window.
    total : number
        Their sum.
    """

    rows: tuple[int, ...]
    columns: tuple[int, ...]
    window: Array
    kernel: Array
    products: Array
    total: Any


def _places(output: int, taps: int, size: int, anchor: int, geometry: Geometry) -> list[int]:
    """Return the image's index under each tap of an axis for one output pixel."""
    first = output * geometry.stride - (0 if geometry.border.kind == "valid" else anchor * geometry.dilation)
    reach = geometry.dilation * (taps - 1) + 1
    places = indices(first, first + reach, size, geometry.border)
    return [int(place) for place in places[:: geometry.dilation]]


def window_at(
    image: Array, kernel: Array, geometry: Geometry, row: int, column: int, channel: int = 0
) -> WindowArithmetic:
    """Return the arithmetic at one output pixel.

    Parameters
    ----------
    image : ndarray of shape (H, W, C)
    kernel : ndarray of shape (kh, kw)
        As it is slid, that is turned already where a true convolution is wanted; floats or Python ints (object).
    geometry : Geometry
    row, column, channel : int
        The output pixel.
    """
    rows = _places(row, kernel.shape[0], image.shape[0], geometry.anchor[0], geometry)
    columns = _places(column, kernel.shape[1], image.shape[1], geometry.anchor[1], geometry)
    value = geometry.border.value
    plane = image[:, :, channel]
    seen = [[value if -1 in {y, x} else plane[y, x].item() for x in columns] for y in rows]
    window = np.array(seen, dtype=kernel.dtype if kernel.dtype == object else np.result_type(image.dtype, kernel.dtype))
    products = kernel * window
    return WindowArithmetic(tuple(rows), tuple(columns), window, kernel, products, products.sum())


def output_size(size: int, taps: int, geometry: Geometry) -> int:
    """Return floor((W - D (F - 1) - 1 + 2P) / S) + 1, where the padding of every border but `valid` keeps W.

    >>> output_size(8, 3, Geometry(Border("valid"), (0, 0), stride=2))
    3
    >>> output_size(7, 3, Geometry(Border("replicate"), (1, 1), stride=2))
    4
    """
    inside = size - geometry.dilation * (taps - 1) if geometry.border.kind == "valid" else size
    return max(0, (inside - 1) // geometry.stride + 1)


def sums(image: Array, kernel: Array, geometry: Geometry) -> Array:
    """Return the sums at every output pixel, shape (oh, ow, C): object where the kernel is, else float64."""
    height, width, channels = image.shape
    rows = output_size(height, kernel.shape[0], geometry)
    columns = output_size(width, kernel.shape[1], geometry)
    result = np.empty((rows, columns, channels), dtype=object if kernel.dtype == object else np.float64)
    for row in range(rows):
        for column in range(columns):
            for channel in range(channels):
                result[row, column, channel] = window_at(image, kernel, geometry, row, column, channel).total
    return result


def fraction_kernel(numerators: Array, denominator: int) -> Array:
    """Return the kernel as Python's exact fractions (ints where they are whole), dtype object."""
    exact = [[Fraction(int(weight), denominator) for weight in row] for row in numerators]
    plain = [[int(weight) if weight.denominator == 1 else weight for weight in row] for row in exact]
    return np.array(plain, dtype=object).reshape(numerators.shape)
