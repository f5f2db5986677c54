"""The language of expectations: `success_rate >= 0.9 where hidden == 4`.

    expectation   test [where test]
    value         what every expression has (`dlmath.language.grammar`), true, false, null, inf
    path          layers.0.macs, epochs.median, layers.*.macs (all of them, as a list)
    f(x)          a function within one cell: max(loss.value)
    f[x where t]  the same function of x over all cells of the sweep: max[success_rate where hidden == 1] < 0.5
    f[x along a]  increasing, decreasing, ... along one axis, for every value of the others; argmax: the place on it

This module turns text into a tree; `dlmath.language.expectations` gives trees their values.
"""

from __future__ import annotations

from typing import Any

from dlmath.language.errors import DepthError
from dlmath.language.functions import FUNCTIONS
from dlmath.language.grammar import Dialect, Parser, number
from dlmath.language.tree import Expectation, Over, Path, paths_of, walk

__all__ = ["CONSTANTS", "DIALECT", "Expectation", "Over", "Path", "parse", "paths_of", "walk"]

CONSTANTS: dict[str, Any] = {"true": True, "false": False, "null": None, "inf": float("inf")}
DIALECT = Dialect(
    functions=FUNCTIONS,
    constants=CONSTANTS,
    number=number,
    sweeps=True,
    example="write a test such as success_rate >= 0.9 where hidden == 4",
    longest=100_000,
)


def parse(text: str) -> Expectation:
    """Return the tree of an expectation.

    Raises
    ------
    ExpressionError
        With the position in the text that cannot be read.

    Examples
    --------
    >>> parse("ratio < 1/4 where depth > 2").test.operators
    ('<',)
    >>> paths_of(parse("mean[success_rate where hidden == 2] < params + max(loss.value)"))
    ['success_rate', 'params', 'loss.value']
    """
    try:
        return Parser(text, DIALECT).expectation()
    except RecursionError:
        raise DepthError("brackets are nested too deep", "make it simpler") from None
