"""The floating-point type an algorithm works in, and arrays of it whose rows do not collide in a cache."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from dlmath.neural.arrays import Array

LINE = 16
"""Elements a row is made up to: one cache line of float32."""


def working_dtype(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Return the type the sums are made in: float32 where it holds every value of `dtype`, else float64.

    >>> [working_dtype(np.dtype(name)).name for name in ("uint8", "uint16", "float32", "int32", "float64")]
    ['float32', 'float32', 'float32', 'float64', 'float64']
    """
    return np.dtype(np.float32 if np.result_type(dtype, np.float32) == np.float32 else np.float64)


def is_workable(kernel: Array, dtype: np.dtype[Any]) -> bool:
    """Tell whether image and kernel are real numbers and the kernel is finite."""
    return dtype.kind in "buif" and kernel.dtype.kind in "buif" and bool(np.isfinite(kernel).all())


def up(number: int, step: int) -> int:
    """Return the smallest multiple of `step` that is at least `number`.

    >>> up(17, 8)
    24
    """
    return -(-number // step) * step


def row_stride(elements: int) -> int:
    """Return how far apart rows of `elements` are laid: an odd number of cache lines.

    Rows a power of two apart share one set of the first-level cache, and a column of them evicts itself.

    >>> row_stride(1024)
    1040
    """
    lines = -(-elements // LINE)
    return (lines + 1 - lines % 2) * LINE


def equal_parts(length: int, longest: int) -> int:
    """Return the length of the equal parts, none longer than `longest`, that cover a length with least overhang.

    >>> equal_parts(4000, 1024)
    1000
    """
    return -(-length // -(-length // longest))
