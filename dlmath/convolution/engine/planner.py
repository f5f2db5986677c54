"""Which algorithm, in which type, on which tiles: chosen from shapes, kernel and dtypes alone.

Whole-number images under whole-number kernels are computed exactly by every algorithm: `taps` in integers; `dense` in
floating point wide enough that no sum is rounded; `separable` and `fft` in float64, their sums taken to the nearest
whole number. So the choice never changes the answer. Otherwise sums are made in float32 for images (and results) of
at most 24 significant bits, else in float64.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from dlmath.convolution.engine.dense import DENSE
from dlmath.convolution.engine.fft import FFT
from dlmath.convolution.engine.precision import working_dtype
from dlmath.convolution.engine.program import compile_kernels, program_cost
from dlmath.convolution.engine.separable import SEPARABLE
from dlmath.convolution.engine.speeds import LEAST, TILE_ELEMENTS, fill_and_store
from dlmath.convolution.engine.taps import (
    Bounds,
    PreparedTaps,
    Taps,
    addition_cost,
    bounds_of_sums,
    exact_dtypes,
    uniform,
)
from dlmath.convolution.engine.tiles import Grid, strip_grid
from dlmath.errors import InvalidValueError, unknown

if TYPE_CHECKING:
    from collections.abc import Callable

    from dlmath.convolution.engine.algorithm import Prepared, TileShape
    from dlmath.neural.arrays import Array

Dtype = np.dtype[Any]

ALGORITHMS: dict[str, Any] = {algorithm.name: algorithm for algorithm in (Taps(), SEPARABLE, DENSE, FFT)}
METHODS = ("auto", *ALGORITHMS, "naive")

FLOAT64_WHOLE = 2.0**44
"""Below it sums of whole numbers by transforms in float64 are wrong by far less than 1/2."""


@dataclass(frozen=True, eq=False)
class Question:
    """What is to be computed.

    Attributes
    ----------
    dtype : dtype
        Of the image.
    target : dtype
        Of the result.
    height, width, channels : int
        Of the result at stride 1.
    weights : ndarray of shape (kh, kw)
        With dilation written out: int64 numerators when `exact`, or float64.
    denominator : int
    exact : bool
        The weights are whole numbers over the denominator.
    pixels : Bounds or None
        Of the whole numbers in image and border; None for floating-point ones.
    """

    dtype: Dtype
    target: Dtype
    height: int
    width: int
    channels: int
    weights: Array
    denominator: int
    exact: bool
    pixels: Bounds | None

    @property
    def whole(self) -> bool:
        """Whether the sums are whole numbers."""
        return self.exact and self.pixels is not None

    @property
    def sums(self) -> Bounds | None:
        """The bounds of the sums when they are whole numbers."""
        return bounds_of_sums(self.weights, self.pixels) if self.exact and self.pixels is not None else None


@dataclass(frozen=True, eq=False)
class Choice:
    """A way to answer the question.

    Attributes
    ----------
    method : str
    dtype : dtype
        Of the sums.
    grid : Grid
    prepare : callable
        Lays out scratch for a tile's shape.
    denominator : int
        What the sums are still to be divided by.
    snap : bool
        The sums are to be taken to the nearest whole number first.
    whole : bool
        The sums are whole numbers, in whatever type.
    cost : float
        Predicted nanoseconds an output element at stride 1.
    """

    method: str
    dtype: Dtype
    grid: Grid
    prepare: Callable[[TileShape], Prepared]
    denominator: int
    snap: bool
    whole: bool
    cost: float


def floating_dtype(question: Question) -> Dtype:
    """Return the type of sums that are not exact."""
    both = np.result_type(working_dtype(question.dtype), working_dtype(question.target))
    return np.dtype(np.longdouble) if question.dtype == np.longdouble != np.dtype(np.float64) else np.dtype(both)


def strips(question: Question, itemsize: int) -> Grid:
    """Return the grid for tap programs whose registers have elements of so many bytes."""
    elements = TILE_ELEMENTS.get(itemsize, TILE_ELEMENTS[8])
    kernel = question.weights.shape[0], question.weights.shape[1]
    return strip_grid(question.height, question.width, question.channels, kernel, elements)


def divides_in_float32(question: Question, sums: Bounds) -> bool:
    """Tell whether whole sums can be divided and rounded in float32 without a mistake.

    sum / d + 1/2 stays at least 1 / 2d away from whole numbers it does not reach; float32 must err by less.
    """
    largest = max(abs(bound) for bound in sums)
    return question.denominator > 1 and largest < 2**20


def taps_choice(question: Question) -> Choice:
    """Return how taps would do it: always possible. Programs of floats are only compiled when they are used."""
    if question.pixels is not None and question.sums is not None:
        return _exact_taps(question, question.pixels, question.sums)
    dtype = floating_dtype(question)
    additions = program_cost(question.weights)

    def prepare(shape: TileShape) -> Prepared:
        program = compile_kernels(question.weights)
        return PreparedTaps(program, uniform(program, dtype), shape)

    return _taps(question, dtype, prepare, additions * addition_cost(dtype))


def _exact_taps(question: Question, pixels: Bounds, sums: Bounds) -> Choice:
    program = compile_kernels(question.weights)
    dtypes = exact_dtypes(program, pixels, sums, divides_in_float32(question, sums))
    final = dtypes[program.results[0].register]
    return _taps(
        question, final, lambda shape: PreparedTaps(program, dtypes, shape), program.cost * addition_cost(final)
    )


def _taps(question: Question, dtype: Dtype, prepare: Callable[[TileShape], Prepared], cost: float) -> Choice:
    return Choice(
        method="taps",
        dtype=dtype,
        grid=strips(question, dtype.itemsize),
        prepare=prepare,
        denominator=question.denominator,
        snap=False,
        whole=question.whole,
        cost=fill_and_store(question.dtype) + cost,
    )


class Way(NamedTuple):
    """An algorithm's kernel, the type of its sums, and its predicted nanoseconds an element."""

    name: str
    kernel: Array
    dtype: Dtype
    cost: float


def way_of(question: Question, name: str) -> Way | str:
    """Return how one of the floating-point algorithms would do it, or why it cannot."""
    algorithm = ALGORITHMS[name]
    kernel = question.weights.astype(np.float64)
    dtype = floating_dtype(question)
    if question.sums is not None:
        size = float(np.abs(kernel).sum()) * max(abs(bound) for bound in question.pixels or (0,))
        if size > FLOAT64_WHOLE:
            return f"its sums reach {size:.0f}, beyond what it computes exactly"
        dtype = np.dtype(np.float32 if name == "dense" and size < 2**24 else np.float64)
    elif question.denominator != 1:
        kernel = kernel / question.denominator
    if not algorithm.suits(kernel, dtype):
        return f"it does not suit this {kernel.shape[0]}x{kernel.shape[1]} kernel on {question.dtype} images"
    seen = question.dtype if dtype == working_dtype(question.dtype) else dtype
    return Way(name, kernel, dtype, algorithm.cost(kernel, seen, question.channels))


def floating_choice(question: Question, way: Way) -> Choice:
    """Return the choice of a floating-point algorithm, on the tiles it prefers."""
    algorithm = ALGORITHMS[way.name]
    rows, columns = algorithm.preferred_tile(way.kernel.shape, (question.height, question.width), question.channels)
    return Choice(
        method=way.name,
        dtype=way.dtype,
        grid=Grid(question.height, question.width, rows, columns),
        prepare=lambda shape: algorithm.prepare(way.kernel, way.dtype, shape),
        denominator=question.denominator if question.whole else 1,
        snap=question.whole and way.name != "dense",
        whole=question.whole,
        cost=way.cost,
    )


def choose(question: Question, method: str = "auto") -> Choice:
    """Return the cheapest way, or the one asked for.

    Raises
    ------
    InvalidValueError
        The method is unknown, or cannot do this and says why.
    """
    if method not in METHODS:
        raise unknown("method", method, METHODS)
    if method == "taps":
        return taps_choice(question)
    if method != "auto":
        forced = way_of(question, method)
        if isinstance(forced, str):
            raise InvalidValueError(f"method {method!r} cannot do this: {forced}", "use --method auto or taps")
        return floating_choice(question, forced)
    taps = taps_choice(question)
    way = cheapest_way(question, taps.cost)
    return floating_choice(question, way) if way else taps


def cheapest_way(question: Question, limit: float) -> Way | None:
    """Return the cheapest floating-point algorithm that costs less than `limit`, or None.

    Working out a cost takes longer than convolving a small image does, so it is left out where it cannot be less.
    """
    wide = 2.0 if question.whole or floating_dtype(question) == np.float64 else 1.0
    best = None
    for name, least in LEAST.items():
        if fill_and_store(question.dtype) + wide * least < limit:
            way = way_of(question, name)
            if not isinstance(way, str) and way.cost < limit:
                best, limit = way, way.cost
    return best
