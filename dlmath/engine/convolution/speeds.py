"""What the floating-point algorithms cost on the machine they were tuned on, in nanoseconds: the planner's table.

They belong to one machine (2 cores of a Zen 3 server, AVX2, NumPy 2.4 with OpenBLAS 0.3.31) and only their ratios
matter: they decide which algorithm is predicted to be fastest. Re-measure them with `experiments/benchmarks/`.
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

WIDE = 2.0
"""How much dearer all of it is in float64."""


def fill_and_store(dtype: np.dtype[Any]) -> float:
    """Return what an element costs before and after the algorithm proper."""
    return FILL_AND_STORE[dtype.kind]


def scale(working: np.dtype[Any]) -> float:
    """Return the factor on the constants above for the type the sums are made in."""
    return WIDE if working == np.float64 else 1.0
