"""The stream of NumPy's PCG64, a few doubles of it at a time, without importing numpy.random.

That import costs a single short run a twentieth of its time. The generator is O'Neill's PCG XSL-RR 128/64: a linear
congruential state of 128 bits, of which the two halves are combined and turned.

M. E. O'Neill, PCG: a family of simple fast space-efficient statistically good algorithms for random number
generation, HMC-CS-2014-0905 (2014).
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

MULTIPLIER = 0x2360ED051FC65DA44385DF649FCCF645
WORD, STATE = (1 << 64) - 1, (1 << 128) - 1
DOUBLE = 2.0**-53


def doubles(state: int, increment: int, skip: int, count: int) -> list[float]:
    """Return `count` uniform doubles on [0, 1) of a stream, those that follow on its first `skip`.

    Parameters
    ----------
    state, increment : int
        As `numpy.random.PCG64(seed).state` gives them.

    Examples
    --------
    >>> first = doubles(0, 1, 0, 3)
    >>> doubles(0, 1, 1, 2) == first[1:]
    True
    """
    return list(islice(_stream(_advanced(state, increment, skip), increment), count))


def _stream(state: int, increment: int) -> Iterator[float]:
    while True:
        state = (state * MULTIPLIER + increment) & STATE
        yield (_output(state) >> 11) * DOUBLE


def _output(state: int) -> int:
    """Combine the halves of a state and turn them right by its highest six bits."""
    word, turn = (state >> 64) ^ (state & WORD), state >> 122
    return ((word >> turn) | (word << (64 - turn))) & WORD


def _advanced(state: int, increment: int, steps: int) -> int:
    """Return the state `steps` later: the affine map s -> a s + c to that power, by squaring (Brown 1994)."""
    factor, offset = 1, 0
    a, c = MULTIPLIER, increment
    while steps:
        if steps & 1:
            factor, offset = (factor * a) & STATE, (offset * a + c) & STATE
        a, c, steps = (a * a) & STATE, (c * (a + 1)) & STATE, steps >> 1
    return (factor * state + offset) & STATE
