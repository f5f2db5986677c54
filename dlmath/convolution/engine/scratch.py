"""Scratch memory that is kept from call to call, laid where its arrays do not get in each other's way.

Fresh memory costs a page fault every 4 KiB: a call on a 12-megapixel image took 1200 of them for its tiles alone. And
two arrays that begin at the same place of a page make the processor believe that a load depends on the store before
it (it compares the last 12 bits of addresses): adding two arrays into a third took half as long again. So blocks are
reused, arrays begin on a cache line, and each begins at another place of its page.
"""

from __future__ import annotations

import math
import mmap
import weakref
from itertools import count
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import DTypeLike

    from dlmath.neural.arrays import Array

KEPT = 48 << 20
"""Bytes of blocks that are kept for the next call at most."""

SMALL = 1 << 14
"""Bytes below which an array is left to NumPy."""

PAGE = 4096
COLOUR = 23 * 64
"""How much further in its page each array begins than the one before: neighbours are far apart, for many arrays."""


class Pool:
    """Blocks of memory nobody uses at the moment."""

    def __init__(self, kept: int = KEPT) -> None:
        self._kept = kept
        self._free: list[mmap.mmap] = []
        self._used: dict[int, tuple[weakref.ref[Array], mmap.mmap]] = {}
        self._numbers = count()

    def empty(self, shape: int | tuple[int, ...], dtype: DTypeLike) -> Array:
        """Return an array of any content; its block comes back when the array and all its views are gone."""
        kind = np.dtype(dtype)
        size = math.prod(shape) if isinstance(shape, tuple) else shape
        if kind.hasobject or size * kind.itemsize < SMALL:
            return np.empty(shape, dtype=kind)
        number = next(self._numbers)
        block = self._block(size * kind.itemsize + PAGE)
        # not a view of another array: the views made of it keep it alive, and so tell when the block is free
        array: Array = np.frombuffer(block, dtype=kind, count=size, offset=number * COLOUR % PAGE)
        self._used[number] = weakref.ref(array, lambda _: self._give_back(number)), block
        return array.reshape(shape)

    def _block(self, size: int) -> mmap.mmap:
        """Return a free block of at least `size` bytes and not many times as many, or a new one."""
        for block in list(self._free):
            if size <= len(block) <= 2 * size:
                try:
                    self._free.remove(block)
                except ValueError:  # another thread was quicker
                    continue
                return block
        return mmap.mmap(-1, size)

    def _give_back(self, number: int) -> None:
        """Keep a block for the next one who asks, and of the older ones only as many as may be kept."""
        self._free.append(self._used.pop(number)[1])
        while sum(map(len, self._free)) > self._kept:
            del self._free[0]


POOL = Pool()


def empty(shape: int | tuple[int, ...], dtype: DTypeLike) -> Array:
    """Return scratch of any content, like `np.empty`."""
    return POOL.empty(shape, dtype)


def zeros(shape: int | tuple[int, ...], dtype: Any) -> Array:
    """Return scratch filled with zeros, like `np.zeros`."""
    array = POOL.empty(shape, dtype)
    array.fill(0)
    return array


def in_line(rows: Array) -> Array:
    """Return the memory that rows are a view of, from the first element to the last, as one line: a view.

    >>> in_line(np.arange(12).reshape(3, 4)[:, :3])
    array([ 0,  1,  2,  3,  4,  5,  6,  7,  8,  9, 10])
    """
    length = (len(rows) - 1) * (rows.strides[0] // rows.itemsize) + rows.shape[1]
    return np.lib.stride_tricks.as_strided(rows, (length,), (rows.itemsize,))
