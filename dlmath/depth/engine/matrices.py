"""Real weight matrices, drawn fast: a network's own stream, layer by layer, in blocks that stay in the cache.

What is kept of a matrix is W = scale * core + shift with two numbers and the plain random numbers as they come
(normals, or integers as floats), so that no pass over N^2 numbers is spent on scaling.
"""

from __future__ import annotations

import math
import mmap
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from dlmath.depth.engine.normals import LAYERS, box_muller, normals, stream, words
from dlmath.neural.initialisers import CONSTANT, ORTHOGONAL, UNIFORM

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dlmath.depth.engine.settings import BiasLaw, WeightLaw
    from dlmath.neural.arrays import Array

BLOCK = 1 << 17
"""Numbers drawn at once: they are multiplied with the signal before they leave the cache."""
UNIFORM_STD = 2.0**31 / math.sqrt(3)  # of int32 words, uniform on -2^31..2^31


def room(layers: int, width: int, dtype: np.dtype[Any]) -> Array:
    """Return room for so many square matrices (L, N, N), or with 0 layers for one block of rows, (1, rows, N).

    It is mapped memory: `np.empty` asks for huge pages, for which a busy machine first moves others about, which
    takes longer than drawing the numbers.
    """
    return _mapped((max(layers, 1), width if layers else rows_of_block(width), width), dtype)


def rooms(sizes: tuple[int, ...], dtype: np.dtype[Any]) -> list[Array]:
    """Return room for the matrices (fan_out, fan_in) between layers of these sizes (L + 1)."""
    return [_mapped((fan_out, fan_in), dtype) for fan_in, fan_out in pairwise(sizes)]


def _mapped(shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    size = math.prod(shape)
    private = {"flags": mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS} if hasattr(mmap, "MAP_PRIVATE") else {}
    return np.frombuffer(mmap.mmap(-1, size * dtype.itemsize, **private), dtype, size).reshape(shape)


def rows_of_block(fan_in: int, fan_out: int | None = None) -> int:
    """Return how many rows of a matrix (fan_out, fan_in) are drawn at once."""
    return max(1, min(fan_in if fan_out is None else fan_out, BLOCK // fan_in))


class MatrixRecipe(NamedTuple):
    """What one layer's matrix (fan_out, fan_in) is drawn from."""

    law: WeightLaw
    fan_in: int
    fan_out: int

    def numbers(self) -> tuple[float, float]:
        """Return scale and shift: W = scale * core + shift."""
        law, root = self.law, math.sqrt(self.fan_in)
        if law.family == UNIFORM:
            return law.sigma / root / UNIFORM_STD, law.mean
        if law.family == CONSTANT:
            return 0.0, law.mean
        if law.family == ORTHOGONAL:  # the core's entries have variance 1 / the larger fan
            return law.sigma * math.sqrt(max(self.fan_in, self.fan_out)) / root, law.mean
        return law.sigma / root, law.mean

    @property
    def drawn_whole(self) -> bool:
        """Whether the matrix cannot be drawn row by row."""
        return self.law.family in {ORTHOGONAL, CONSTANT}


class LayerWeights(NamedTuple):
    """One layer's matrix W = scale * core + shift, (fan_out, fan_in): z = W x.

    Attributes
    ----------
    core : ndarray (fan_out, fan_in)
    scale, shift : float
    """

    core: Array
    scale: float
    shift: float

    def matrix(self) -> Array:
        """Return W itself in float64."""
        return np.asarray(self.core.astype(np.float64) * self.scale + self.shift)

    def forward(self, x: Array) -> Array:
        """Return x W' (B, fan_out) for rows x (B, fan_in)."""
        fan_out, fan_in = self.core.shape
        product = np.empty((len(x), fan_out), x.dtype)
        for rows in _row_blocks(fan_in, fan_out):
            np.matmul(x, self.core[rows].T, out=product[:, rows])
        return finish(product, x, self.scale, self.shift)

    def backward(self, e: Array) -> Array:
        """Return e W (B, fan_in) for rows e (B, fan_out)."""
        fan_out, fan_in = self.core.shape
        product = np.zeros((len(e), fan_in), e.dtype)
        for rows in _row_blocks(fan_in, fan_out):
            product += e[:, rows] @ self.core[rows]
        return finish(product, e, self.scale, self.shift)


def _row_blocks(fan_in: int, fan_out: int) -> Iterator[slice]:
    """Yield the blocks of rows of a matrix; products are taken block by block, whether it is kept or not."""
    step = rows_of_block(fan_in, fan_out)
    for start in range(0, fan_out, step):
        yield slice(start, min(start + step, fan_out))


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
    seed : int
    dtype : dtype
        float32 and float64 give the same network up to rounding.
    """

    def __init__(self, seed: int, dtype: np.dtype[Any]) -> None:
        self.dtype = dtype
        self.source = stream(seed, LAYERS)

    @property
    def state(self) -> Any:
        """Where the stream is: set it to draw a layer again."""
        return self.source.state

    @state.setter
    def state(self, value: Any) -> None:
        self.source.state = value

    def draw(self, recipe: MatrixRecipe, x: Array, core: Array) -> tuple[LayerWeights, Array]:
        """Draw the next layer into `core`, whole or a block of rows at a time; return it with x W', x (B, fan_in)."""
        weights = LayerWeights(core, *recipe.numbers())
        if recipe.drawn_whole:
            self._fill_whole(recipe, core)
            return weights, weights.forward(x)
        product = np.empty((len(x), recipe.fan_out), self.dtype)
        for rows, block in self._blocks(recipe, core):
            np.matmul(x, block.T, out=product[:, rows])
        return weights, finish(product, x, *recipe.numbers())

    def draw_back(self, recipe: MatrixRecipe, e: Array, core: Array) -> Array:
        """Draw the next layer into `core` and return e W for rows e (B, fan_out)."""
        if recipe.drawn_whole:
            self._fill_whole(recipe, core)
            return LayerWeights(core, *recipe.numbers()).backward(e)
        product = np.zeros((len(e), recipe.fan_in), self.dtype)
        for rows, block in self._blocks(recipe, core):
            product += e[:, rows] @ block
        return finish(product, e, *recipe.numbers())

    def _blocks(self, recipe: MatrixRecipe, core: Array) -> Iterator[tuple[slice, Array]]:
        """Draw block of rows after block of rows, yielding each while it is in the cache."""
        for rows in _row_blocks(recipe.fan_in, recipe.fan_out):
            block = core[rows] if len(core) == recipe.fan_out else core[: rows.stop - rows.start]
            self._fill(recipe.law.family, block.reshape(-1))
            yield rows, block

    def _fill(self, family: str, flat: Array) -> None:
        half = (len(flat) + 1) // 2
        raw = words(self.source, half)
        if family == UNIFORM:
            np.copyto(flat, raw[: len(flat)])
        elif len(flat) % 2 == 0:
            box_muller(raw[:half], raw[half:], self.dtype, (flat[:half], flat[half:]))
        else:
            flat[...] = np.concatenate(box_muller(raw[:half], raw[half:], self.dtype))[: len(flat)]

    def _fill_whole(self, recipe: MatrixRecipe, core: Array) -> None:
        """Draw a Haar-orthogonal matrix: QR of normals, signs fixed (Mezzadri 2007); constants need no numbers."""
        if recipe.law.family == CONSTANT:
            core.fill(0)
            return
        shape = (recipe.fan_out, recipe.fan_in)
        drawn = normals(self.source, recipe.fan_out * recipe.fan_in, self.dtype).reshape(shape)
        q, r = np.linalg.qr(drawn if recipe.fan_out >= recipe.fan_in else drawn.T)
        q = q * np.where(np.diagonal(r) < 0, -1, 1)
        core[...] = q if recipe.fan_out >= recipe.fan_in else q.T


def random_biases(source: np.random.SFC64, law: BiasLaw, count: int, dtype: np.dtype[Any]) -> Array:
    """Return the next layer's biases (count,)."""
    if law.family == UNIFORM:
        drawn = words(source, (count + 1) // 2)[:count].astype(dtype)
        return np.asarray(drawn * dtype.type(law.sigma / UNIFORM_STD))
    return np.asarray(normals(source, count, dtype) * dtype.type(law.sigma))
