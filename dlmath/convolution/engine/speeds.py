"""What convolution costs on the machine it was tuned on, in nanoseconds an element: the planner's table.

They belong to one machine (2 cores of a Zen 3 server, AVX2, NumPy 2.4 with OpenBLAS 0.3.31) and mostly their ratios
matter: they decide which algorithm is predicted to be fastest, on how many threads. Measure them anew with

    python experiments/benchmarks/convolve_constants.py
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

FILL_AND_STORE: Mapping[str, float] = {"u": 0.7, "i": 0.7, "b": 0.7, "f": 0.3}
"""Casting an element into scratch and its sum back into a pixel, by the kind of the image's dtype."""

MULTIPLY = 0.022
"""One multiplication and addition inside a product."""

PACK = 0.2
"""BLAS copying one element of a window into its own order."""

PASS = 0.3
"""Writing an output of a product, and its share of the calls."""

COPY = 0.2
"""Copying an element within scratch."""

ADD = 0.15
"""Adding two elements within scratch."""

GATHER = 1.1
"""Taking interleaved channels apart and putting them together again."""

TRANSFORM_POINT = 6.5
"""One point of a tile through both transforms and the multiplication by the kernel's."""

ADDITION: Mapping[int, float] = {1: 0.03, 2: 0.055, 4: 0.13, 8: 0.3}
"""Adding two elements of a tile of taps, by their size in bytes."""

SLOW = 40.0
"""The same for Python's own integers (object) and for long doubles."""

ROOT: Mapping[int, float] = {4: 1.1, 8: 3.0}
"""Two casts, squares, their sum and its root, by the floating-point type's size in bytes."""

WORTH_THREADS = 1e6
"""Predicted nanoseconds of all the work under which one thread is used."""

TILE_ELEMENTS: Mapping[int, int] = {2: 524_288, 4: 393_216, 8: 131_072}
"""Elements of a tile of taps by their size in bytes: two or three such buffers are in use at a time.

Larger than the second-level cache would like: with two threads each call must outlast the hand-over of Python's lock,
and between calls that sweep the cache the interpreter itself runs from memory, some 5 microseconds a call.
"""

WIDE = 2.0
"""How much dearer all of it is in float64."""


def fill_and_store(dtype: np.dtype[Any]) -> float:
    """Return what an element costs before and after the algorithm proper."""
    return FILL_AND_STORE[dtype.kind]


def scale(working: np.dtype[Any]) -> float:
    """Return the factor on the constants above for the type the sums are made in."""
    return WIDE if working == np.float64 else 1.0
