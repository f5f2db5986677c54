"""Random numbers for networks: one stream a network, whatever is drawn beside it, and normals by the million.

Raw 64-bit words come from SFC64 (Chris Doty-Humphrey's generator, NumPy's fastest). Each word makes two normals
by the method of Box & Muller (1958)::

    r = sqrt(-2 ln u),  u = (k + 1/2) / 2^31,  k 31 bits;   angle = pi j / 2^31,  j the other 32, signed
    normals: r cos(angle), r sin(angle)

which NumPy computes with vector instructions where its own ziggurat goes one by one.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from dlmath.engine.arrays import Array

MASTER = 19910615  # the year of Hochreiter's thesis, which found the vanishing gradient
LAYERS, INPUTS, ERRORS, BIASES = range(4)
"""What a stream is for: each network has one stream for each purpose."""
_POSITIVE = np.int32(0x7FFFFFFF)


def stream(seed: int, purpose: int) -> np.random.SFC64:
    """Return the stream of one network for one purpose."""
    return np.random.SFC64(np.random.SeedSequence(MASTER, spawn_key=(seed, purpose)))


def words(source: np.random.SFC64, count: int) -> Array:
    """Return the next `count` raw words as int32, shape (2 * count,)."""
    return np.asarray(source.random_raw(count)).view(np.int32)


def box_muller(
    radius: Array, angle: Array, dtype: np.dtype[Any], out: tuple[Array, Array] | None = None
) -> tuple[Array, Array]:
    """Return two arrays of independent normals, of the shape of the two arrays of random int32."""
    first, second = out or (np.empty(radius.shape, dtype), np.empty(radius.shape, dtype))
    scale = dtype.type
    np.copyto(first, radius & _POSITIVE)
    first += scale(0.5)
    first *= scale(2.0**-31)
    np.log(first, first)
    first *= scale(-2)
    np.sqrt(first, first)
    np.multiply(angle, scale(math.pi * 2.0**-31), out=second, dtype=dtype, casting="unsafe")
    cosine = np.cos(second)
    np.sin(second, second)
    second *= first
    first *= cosine
    return first, second


def normals(source: np.random.SFC64, count: int, dtype: np.dtype[Any]) -> Array:
    """Return `count` independent normals."""
    half = (count + 1) // 2
    raw = words(source, half)
    return np.concatenate(box_muller(raw[:half], raw[half:], dtype))[:count]


def random_inputs(seed: int, batch: int, width: int, dtype: np.dtype[Any]) -> Array:
    """Return `batch` random inputs (batch, width), each of mean square 1."""
    rows = normals(stream(seed, INPUTS), batch * width, dtype).reshape(batch, width)
    return np.asarray(rows * np.sqrt(width / np.vecdot(rows, rows))[:, None].astype(dtype))


def random_errors(seed: int, batch: int, width: int, dtype: np.dtype[Any]) -> Array:
    """Return the error sent backward, dE/dx of the last layer: a random direction (batch, width) of norm 1."""
    rows = normals(stream(seed, ERRORS), batch * width, dtype).reshape(batch, width)
    return np.asarray(rows / np.sqrt(np.sum(np.vecdot(rows, rows))).astype(dtype))
