"""Which algorithm, in which type, on which tiles: chosen from shapes, kernel and dtypes alone.

Whole-number images under whole-number kernels are computed exactly by every algorithm: `taps` in integers; `dense` in
floating point wide enough that no sum is rounded; `separable` and `fft` in float64, their sums taken to the nearest
whole number. So the choice never changes the answer. Otherwise sums are made in float32 for images (and results) of
at most 24 significant bits, else in float64.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from dlmath.convolution.engine.algorithm import working_dtype
from dlmath.convolution.engine.dense import DENSE
from dlmath.convolution.engine.fft import FFT
from dlmath.convolution.engine.program import compile_kernels, program_cost
from dlmath.convolution.engine.search import is_large, line_factors
from dlmath.convolution.engine.separable import SEPARABLE
from dlmath.convolution.engine.speeds import TILE_ELEMENTS, fill_and_store
from dlmath.convolution.engine.taps import (
    Bounds,
    PreparedTaps,
    addition_cost,
    bounds_of_sums,
    exact_dtype,
    exact_dtypes,
    uniform,
)
from dlmath.convolution.engine.tiles import Grid, strip_grid
from dlmath.errors import InvalidValueError, unknown

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dlmath.convolution.engine.algorithm import Algorithm, Prepared, TileShape
    from dlmath.convolution.engine.program import Program
    from dlmath.neural.arrays import Array

Dtype = np.dtype[Any]

FLOATING: dict[str, Algorithm] = {algorithm.name: algorithm for algorithm in (SEPARABLE, DENSE, FFT)}
"""The algorithms that work in floating point; taps is the other way, and can do everything."""

METHODS = ("auto", "taps", *FLOATING, "naive")

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
    """Return how taps would do it: always possible. Programs that take long to compile are compiled when used."""
    final = floating_dtype(question)
    types: Callable[[Program], Sequence[Dtype]] = partial(uniform, dtype=final)
    if question.pixels is not None and question.sums is not None:
        final, types = exact_types(question, question.pixels, question.sums)

    def prepare(shape: TileShape) -> Prepared:
        program = compile_kernels(question.weights)
        return PreparedTaps(program, types(program), shape)

    return Choice(
        method="taps",
        dtype=final,
        grid=strips(question, final.itemsize),
        prepare=prepare,
        denominator=question.denominator,
        snap=False,
        whole=question.whole,
        cost=fill_and_store(question.dtype) + program_cost(question.weights) * addition_cost(final),
    )


def exact_types(question: Question, pixels: Bounds, sums: Bounds) -> tuple[Dtype, Callable[[Program], Sequence[Dtype]]]:
    """Return the type of exact sums, and what gives every register of their program its own."""
    if is_large(question.weights) and line_factors(question.weights) is None:
        final = exact_dtype(pixels, sums)
        return final, partial(uniform, dtype=final)
    program = compile_kernels(question.weights)
    dtypes = exact_dtypes(program, pixels, sums, divides_in_float32(question, sums))
    return dtypes[program.results[0].register], lambda _: dtypes


def floating_choice(question: Question, algorithm: Algorithm) -> Choice | str:
    """Return how one of the floating-point algorithms would do it, on the tiles it prefers, or why it cannot."""
    kernel = question.weights.astype(np.float64)
    dtype = floating_dtype(question)
    if question.sums is not None:
        size = float(np.abs(kernel).sum()) * max(abs(bound) for bound in question.pixels or (0,))
        if size > FLOAT64_WHOLE:
            return f"its sums reach {size:.0f}, beyond what it computes exactly"
        # dense adds whole numbers in an order of its own: exact where none can outgrow the type
        dtype = np.dtype(np.float32 if algorithm is DENSE and size < 2**24 else np.float64)
    elif question.denominator != 1:
        kernel = kernel / question.denominator
    if not algorithm.suits(kernel, dtype):
        return f"it does not suit this {kernel.shape[0]}x{kernel.shape[1]} kernel on {question.dtype} images"
    seen = question.dtype if dtype == working_dtype(question.dtype) else dtype
    rows, columns = algorithm.preferred_tile(kernel.shape, (question.height, question.width), question.channels)
    return Choice(
        method=algorithm.name,
        dtype=dtype,
        grid=Grid(question.height, question.width, rows, columns),
        prepare=partial(algorithm.prepare, kernel, dtype),
        denominator=question.denominator if question.whole else 1,
        snap=question.whole and algorithm is not DENSE,
        whole=question.whole,
        cost=algorithm.cost(kernel, seen, question.channels),
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
        forced = floating_choice(question, FLOATING[method])
        if isinstance(forced, str):
            raise InvalidValueError(f"method {method!r} cannot do this: {forced}", "use --method auto or taps")
        return forced
    return cheapest(question, taps_choice(question))


def cheapest(question: Question, best: Choice) -> Choice:
    """Return the floating-point algorithm that costs less than `best`, or that.

    Working out a cost takes longer than convolving a small image does, so it is left out where it cannot be less.
    """
    wide = 2.0 if question.whole or floating_dtype(question) == np.float64 else 1.0
    for algorithm in FLOATING.values():
        if fill_and_store(question.dtype) + wide * algorithm.least < best.cost:
            way = floating_choice(question, algorithm)
            if not isinstance(way, str) and way.cost < best.cost:
                best = way
    return best
