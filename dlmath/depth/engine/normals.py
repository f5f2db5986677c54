"""Random numbers for networks: one stream a network, whatever is drawn beside it, and normals by the million.

Raw 64-bit words come from SFC64 (Chris Doty-Humphrey's generator, NumPy's fastest). Each word makes two normals
by the method of Box & Muller (1958)::

    R = sqrt(-2 ln u),  u = (k + 1/2) / 2^31,  k 31 bits;   angle = pi v,  v = j / 2^31, j the other 32, signed
    normals: R cos(pi v) = 2R (1/2 - s^2),  R sin(pi v) = 2R s sqrt(1 - s^2),   s = sin(pi v / 2)

Half the angle has one sign of the cosine, so that one polynomial and one square root serve both normals: all of it
runs through NumPy's vector loops, where its own ziggurat draws one normal at a time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from dlmath.neural.arrays import Array

MASTER = 19910615  # the year of Hochreiter's thesis, which found the vanishing gradient
LAYERS, INPUTS, ERRORS, BIASES, MOVES = range(5)
"""What a stream is for: each network has one stream for each purpose."""
_SINE = (1.5707962899027912, -0.6459633582709909, 0.0796884747974522, -0.0046722202648835885, 0.00015081716043234553)
"""sin(pi v / 2) / v as a polynomial in v^2."""
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
    scratch = np.empty(radius.shape, dtype)
    _double_radius(radius, scratch, first)
    _half_sine(angle, second, scratch)
    _turn(first, second, scratch)
    return first, second


def _double_radius(words_: Array, scratch: Array, out: Array) -> None:
    """Write 2R = sqrt(-8 ln u)."""
    scale = out.dtype.type
    whole = scratch.reshape(-1).view(np.int32)[: out.size].reshape(out.shape)
    np.bitwise_and(words_, _POSITIVE, out=whole)
    np.copyto(out, whole)
    out += scale(0.5)
    out *= scale(2.0**-31)
    np.log(out, out)
    out *= scale(-8)
    np.sqrt(out, out)


def _half_sine(words_: Array, out: Array, scratch: Array) -> None:
    """Write s = sin(pi v / 2), v in [-1, 1), by the polynomial through the Chebyshev points: within 4e-9."""
    scale = out.dtype.type
    np.copyto(out, words_)
    out *= scale(2.0**-31)
    square = np.square(out)
    np.multiply(square, scale(_SINE[-1]), out=scratch)
    for coefficient in _SINE[-2:0:-1]:
        scratch += scale(coefficient)
        scratch *= square
    scratch += scale(_SINE[0])
    out *= scratch


def _turn(first: Array, second: Array, scratch: Array) -> None:
    """Turn 2R and s into R cos(pi v) and R sin(pi v), in place."""
    scale = first.dtype.type
    np.square(second, out=scratch)
    second *= first
    cosine = np.subtract(scale(1), scratch)
    np.subtract(scale(0.5), scratch, out=scratch)
    first *= scratch
    np.abs(cosine, out=cosine)  # 1 - s^2 may be rounded to less than 0
    np.sqrt(cosine, out=cosine)
    second *= cosine


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
