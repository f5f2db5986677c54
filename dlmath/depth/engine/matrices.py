"""Real weight matrices, drawn fast: a network's own stream, layer by layer, in blocks that stay in the cache.

What is kept of a matrix is W = scale * core + shift with two numbers and the plain random numbers as they come
(normals, or integers as floats), so that no pass over N^2 numbers is spent on scaling.
"""

from __future__ import annotations

import math
import mmap
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from dlmath.depth.engine.normals import LAYERS, box_muller, normals, stream, words
from dlmath.depth.engine.settings import CONSTANT, ORTHOGONAL, UNIFORM

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dlmath.depth.engine.settings import WeightLaw
    from dlmath.neural.arrays import Array

BLOCK = 1 << 17
"""Numbers drawn at once: they are multiplied with the signal before they leave the cache."""
UNIFORM_STD = 2.0**31 / math.sqrt(3)  # of int32 words, uniform on -2^31..2^31


def room(layers: int, width: int, dtype: np.dtype[Any]) -> Array:
    """Return room for so many matrices (L, N, N), or with 0 layers for one block of rows, (1, rows, N).

    It is mapped memory: `np.empty` asks for huge pages, for which a busy machine first moves others about, which
    takes longer than drawing the numbers.
    """
    shape = (max(layers, 1), width if layers else rows_of_block(width), width)
    size = shape[0] * shape[1] * shape[2]
    private = {"flags": mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS} if hasattr(mmap, "MAP_PRIVATE") else {}
    return np.frombuffer(mmap.mmap(-1, size * dtype.itemsize, **private), dtype, size).reshape(shape)


def rows_of_block(width: int) -> int:
    """Return how many rows of a matrix are drawn at once."""
    return max(1, min(width, BLOCK // width))


class Weights(NamedTuple):
    """One layer's matrix W = scale * core + shift, (fan_out, fan_in): z = W x.

    Attributes
    ----------
    core : ndarray (N, N)
    scale, shift : float
    """

    core: Array
    scale: float
    shift: float

    def matrix(self) -> Array:
        """Return W itself in float64."""
        return np.asarray(self.core.astype(np.float64) * self.scale + self.shift)

    def forward(self, x: Array) -> Array:
        """Return x W' for rows x (B, N)."""
        product = np.empty(x.shape, x.dtype)
        for rows in _row_blocks(x.shape[1]):
            np.matmul(x, self.core[rows].T, out=product[:, rows])
        return finish(product, x, self.scale, self.shift)

    def backward(self, e: Array) -> Array:
        """Return e W for rows e (B, N)."""
        product = np.zeros(e.shape, e.dtype)
        for rows in _row_blocks(e.shape[1]):
            product += e[:, rows] @ self.core[rows]
        return finish(product, e, self.scale, self.shift)


def _row_blocks(width: int) -> Iterator[slice]:
    """Yield the blocks of rows of a matrix; products are taken block by block, whether it is kept or not."""
    step = rows_of_block(width)
    for start in range(0, width, step):
        yield slice(start, min(start + step, width))


def finish(product: Array, x: Array, scale: float, shift: float) -> Array:
    """Turn x core' into x W', or x core into x W."""
    product *= product.dtype.type(scale)
    if shift:
        product += product.dtype.type(shift) * x.sum(axis=1, keepdims=True)
    return product


class MatrixStream:
    """The matrices of one network, one after the other.

    Parameters
    ----------
    law : WeightLaw
    width : int
    seed : int
    dtype : dtype
        float32 and float64 give the same network up to rounding.
    """

    def __init__(self, law: WeightLaw, width: int, seed: int, dtype: np.dtype[Any]) -> None:
        self.law, self.width, self.dtype = law, width, dtype
        self.source = stream(seed, LAYERS)

    @property
    def state(self) -> Any:
        """Where the stream is: set it to draw a layer again."""
        return self.source.state

    @state.setter
    def state(self, value: Any) -> None:
        self.source.state = value

    def numbers(self) -> tuple[float, float]:
        """Return scale and shift of every layer of this law."""
        law, root = self.law, math.sqrt(self.width)
        if law.family == UNIFORM:
            return law.sigma / root / UNIFORM_STD, law.mean
        if law.family == CONSTANT:
            return 0.0, law.mean
        return (law.sigma if law.family == ORTHOGONAL else law.sigma / root), law.mean

    def draw(self, x: Array, core: Array) -> tuple[Weights, Array]:
        """Draw the next layer into `core`, (N, N) or one block of rows, and return it with x W' for rows x (B, N)."""
        weights = Weights(core, *self.numbers())
        if self.draws_whole:
            self._fill_whole(core)
            return weights, weights.forward(x)
        product = np.empty((len(x), self.width), self.dtype)
        for rows, block in self._blocks(core):
            np.matmul(x, block.T, out=product[:, rows])
        return weights, finish(product, x, *self.numbers())

    def draw_back(self, e: Array, core: Array) -> Array:
        """Draw the next layer into `core` and return e W for rows e (B, N)."""
        if self.draws_whole:
            self._fill_whole(core)
            return Weights(core, *self.numbers()).backward(e)
        product = np.zeros(e.shape, e.dtype)
        for rows, block in self._blocks(core):
            product += e[:, rows] @ block
        return finish(product, e, *self.numbers())

    @property
    def draws_whole(self) -> bool:
        """Whether a matrix cannot be drawn row by row."""
        return self.law.family in {ORTHOGONAL, CONSTANT}

    def _blocks(self, core: Array) -> Iterator[tuple[slice, Array]]:
        """Draw block of rows after block of rows, yielding each while it is in the cache."""
        for rows in _row_blocks(self.width):
            block = core[rows] if len(core) == self.width else core[: rows.stop - rows.start]
            self._fill(block.reshape(-1))
            yield rows, block

    def _fill(self, flat: Array) -> None:
        half = (len(flat) + 1) // 2
        raw = words(self.source, half)
        if self.law.family == UNIFORM:
            np.copyto(flat, raw[: len(flat)])
        elif len(flat) % 2 == 0:
            box_muller(raw[:half], raw[half:], self.dtype, (flat[:half], flat[half:]))
        else:
            flat[...] = np.concatenate(box_muller(raw[:half], raw[half:], self.dtype))[: len(flat)]

    def _fill_whole(self, core: Array) -> None:
        """Draw a Haar-orthogonal matrix: QR of normals, signs fixed (Mezzadri 2007); constants need no numbers."""
        if self.law.family == CONSTANT:
            core.fill(0)
            return
        drawn = normals(self.source, self.width * self.width, self.dtype).reshape(self.width, self.width)
        q, r = np.linalg.qr(drawn)
        core[...] = q * np.where(np.diagonal(r) < 0, -1, 1)
