"""The definition: two loops over the output's pixels, the window under each, its products, their sum.

Every other module is held to this one. Whole numbers are Python's own, so that nothing overflows or rounds.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from dlmath.convolution.engine.borders import indices

if TYPE_CHECKING:
    from dlmath.convolution.engine.borders import Border
    from dlmath.convolution.engine.geometry import Geometry, WindowAxis
    from dlmath.neural.arrays import Array

name = "naive"


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


def _places(output: int, axis: WindowAxis, border: Border) -> list[int]:
    """Return the image's index under each tap of an axis for one output pixel, -1 for the border's constant."""
    first = output * axis.stride - axis.before
    places = indices(first, first + axis.reach, axis.size, border)
    return [int(place) for place in places[:: axis.dilation]]


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
    rows = _places(row, geometry.rows, geometry.border)
    columns = _places(column, geometry.columns, geometry.border)
    value = geometry.border.value
    plane = image[:, :, channel]
    seen = [[value if -1 in {y, x} else plane[y, x].item() for x in columns] for y in rows]
    window = np.array(seen, dtype=kernel.dtype if kernel.dtype == object else np.result_type(image.dtype, kernel.dtype))
    products = kernel * window
    return WindowArithmetic(tuple(rows), tuple(columns), window, kernel, products, products.sum())


def sums(image: Array, kernel: Array, geometry: Geometry) -> Array:
    """Return the sums at every output pixel, shape (oh, ow, C): object where the kernel is, else float64."""
    channels = image.shape[2]
    rows, columns = geometry.shape
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
