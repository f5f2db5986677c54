"""Several kernels' responses made one: gradient magnitudes sqrt(gx^2 + gy^2), or the largest response.

No response of the whole image ever stands in memory: for whole-number kernels all of them are one program of additions
on one tile of whole numbers, and only their squares are floating point. For 8-bit images the magnitude is
floor(sqrt(gx^2 + gy^2) + 1/2) exactly: sums of squares below 2^24 are exact in float32, and the root of a whole number
stays further from m + 1/2 than float32 rounds.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from dlmath.convolution.engine import naive, planner
from dlmath.convolution.engine.algorithm import SHELF, Prepared
from dlmath.convolution.engine.convolve import Result, carry_out, carry_out_sums
from dlmath.convolution.engine.kernel import ExactKernel
from dlmath.convolution.engine.planner import Choice, Question, choose, floating_dtype, strips
from dlmath.convolution.engine.program import compile_kernels
from dlmath.convolution.engine.request import Request, bounds_of_results, kernel_weights, magnitude_bounds, request_of
from dlmath.convolution.engine.speeds import ROOT, SLOW, fill_and_store
from dlmath.convolution.engine.taps import (
    Bounds,
    PreparedTaps,
    addition_cost,
    bounds_of_sums,
    exact_dtype,
    in_rows,
    uniform,
)
from dlmath.errors import ShapeError, unknown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike

    from dlmath.convolution.engine.algorithm import TileShape
    from dlmath.neural.arrays import Array

COMBINATIONS = ("l2", "max", "angle")


def combine_responses(
    image: ArrayLike,
    kernels: Sequence[ArrayLike | ExactKernel],
    combine: str = "l2",
    *,
    method: str = "auto",
    threads: int | None = None,
    statistics: bool = False,
    **options: Any,
) -> Result:
    """Slide several kernels over an image and make one number of their responses at every pixel.

    Parameters
    ----------
    image : array of shape (H, W) or (H, W, C), any real dtype
    kernels : sequence of arrays of one shape, or ExactKernel
    combine : str
        `l2`: the root of the sum of squares; `max`: the largest; `angle`: atan2(second, first) in degrees, of two.
    method, threads, statistics, **options
        As of `convolve`. The offset is added to the combined number.

    Examples
    --------
    >>> step = np.uint8([[0, 0, 9], [0, 0, 9], [0, 0, 9]])
    >>> combine_responses(step, [[[-1, 1]], [[1, 1]]], border="valid").pixels
    array([[ 0, 13],
           [ 0, 13],
           [ 0, 13]], dtype=uint8)
    """
    if combine not in COMBINATIONS:
        raise unknown("combination", combine, COMBINATIONS)
    weights, denominator, exact = common_weights(kernels)
    first = ExactKernel(weights[0], denominator) if exact else weights[0]
    request = request_of(image, first, **options)
    placed = [request.placed(kernel) for kernel in weights]
    request = replace(request, finish=replace(request.finish, bounds=response_bounds(request, placed, combine)))
    if method == "naive":
        parts = [naive.sums(request.image, kernel, request.geometry) for kernel in map(request.naive_kernel, placed)]
        return carry_out_sums(request, _combined(parts, combine), len(weights), statistics=statistics)
    dilated = [request.dilated(kernel) for kernel in placed]
    choice = combined_choice(request.question(), dilated, combine, method)
    return carry_out(
        request,
        choice,
        lambda: combined_choice(request.question(), dilated, combine, "taps"),
        threads,
        len(weights),
        statistics=statistics,
    )


def _combined(parts: Sequence[Array], combine: str) -> Array:
    """Return the definition's answer: of whole numbers the squares are exact."""
    if combine == "max":
        return np.asarray(np.maximum.reduce(list(parts)))
    if combine == "angle":
        return degrees(parts[0].astype(np.float64), parts[1].astype(np.float64))
    squares = [part * part for part in parts]
    return np.asarray(np.sqrt(np.add.reduce(squares).astype(np.float64)))


def degrees(x: Array, y: Array) -> Array:
    """Return the direction of (x, y), -180 to 180 degrees; 0 for no length.

    >>> degrees(np.array([1.0, 0.0, -1.0]), np.array([0.0, 2.0, 0.0]))
    array([  0.,  90., 180.])
    """
    return np.asarray(np.degrees(np.arctan2(y + 0.0, x + 0.0)))  # + 0.0: no negative zeros, which have directions


def common_weights(kernels: Sequence[ArrayLike | ExactKernel]) -> tuple[list[Array], int, bool]:
    """Return the kernels as whole numbers over one denominator, or as floats when one of them is."""
    parts = [kernel_weights(kernel) for kernel in kernels]
    shapes = sorted({weights.shape for weights, _, _ in parts})
    if len(shapes) != 1:
        raise ShapeError(f"kernels of shapes {shapes} for one magnitude", "give kernels of one shape")
    common = math.lcm(*(denominator for _, denominator, _ in parts))
    if all(exact for _, _, exact in parts):
        return [weights * (common // denominator) for weights, denominator, _ in parts], common, True
    return [weights / denominator for weights, denominator, _ in parts], 1, False


def response_bounds(request: Request, kernels: Sequence[Array], combine: str) -> tuple[float, float]:
    """Return the bounds of the combined results, offset included."""
    if request.bounds is None:
        return -math.inf, math.inf
    offset, absolute = request.finish.offset, request.scale == "absolute"
    pairs = [bounds_of_results(kernel, request.denominator, request.bounds, 0.0) for kernel in kernels]
    low, high = max(low for low, _ in pairs), max(high for _, high in pairs)
    if combine == "l2":
        low, high = 0.0, math.hypot(*(max(map(abs, pair)) for pair in pairs))
    if combine == "angle":
        low, high = -180.0, 180.0
    return magnitude_bounds(low + offset, high + offset) if absolute else (low + offset, high + offset)


class PreparedTogether(Prepared):
    """Responses by one program, then combined.

    Attributes
    ----------
    source : ndarray of shape `TileShape.source_shape`
    """

    def __init__(self, program: PreparedTaps, combine: str, shape: TileShape, dtype: np.dtype[Any]) -> None:
        self.source = program.source
        self._program = program
        self._combiner = combiner(combine, program.lines[0].shape, dtype)
        self.line = self._combiner.total
        self._result = in_rows(self.line, shape)

    def run(self) -> Array:
        """Return the tile's combined responses, shape (rows, columns * channels)."""
        self._program.run()
        self._combiner.run(self._program.lines)
        return self._result

    def release(self) -> None:
        """Give scratch back that the next call can use."""
        self._program.release()
        self._combiner.release()


class PreparedApart(Prepared):
    """Responses each by a calculation of its own, from copies of one source, then combined."""

    def __init__(self, parts: Sequence[Prepared], snaps: Sequence[bool], combiner: Combiner) -> None:
        self.source = parts[0].source
        self._parts = parts
        self._snaps = snaps
        self._combiner = combiner

    def run(self) -> Array:
        """Return the tile's combined responses, shape (rows, columns * channels)."""
        for part in self._parts[1:]:
            part.source[...] = self.source  # before the first part may use its own as scratch
        sums = [part.run() for part in self._parts]
        for values, snap in zip(sums, self._snaps, strict=True):
            if snap:
                np.rint(values, out=values)
        return self._combiner.run(sums)


class Combiner(ABC):
    """Scratch in which several responses become one, `total`."""

    def __init__(self, size: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        self.total = SHELF.take(math.prod(size), dtype).reshape(size)

    @abstractmethod
    def run(self, parts: Sequence[Array]) -> Array:
        """Return what the responses give at every place."""

    def release(self) -> None:
        """Give scratch back that the next call can use."""
        SHELF.give(self.total)


class Largest(Combiner):
    """The largest of several responses."""

    def run(self, parts: Sequence[Array]) -> Array:
        """Return the largest at every place."""
        np.copyto(self.total, parts[0])
        for part in parts[1:]:
            np.maximum(self.total, part, out=self.total)
        return self.total


class Angles(Combiner):
    """The direction of two responses."""

    def run(self, parts: Sequence[Array]) -> Array:
        """Return the direction in degrees at every place."""
        across, down = (np.asarray(part, dtype=self.total.dtype) for part in parts)
        self.total[...] = degrees(across, down)
        return self.total


class Roots(Combiner):
    """The root of a sum of squares."""

    def __init__(self, size: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        super().__init__(size, dtype)
        self._square = SHELF.take(math.prod(size), dtype).reshape(size)

    def release(self) -> None:
        """Give scratch back that the next call can use."""
        super().release()
        SHELF.give(self._square)

    def run(self, parts: Sequence[Array]) -> Array:
        """Return sqrt(sum of squares); never `hypot`, which guards against overflow at six times the cost."""
        total, square = self.total, self._square
        put_square(parts[0], total)
        for part in parts[1:]:
            put_square(part, square)
            np.add(total, square, out=total)
        root: Array = np.sqrt(total, out=total)
        return root


COMBINERS: dict[str, type[Combiner]] = {"l2": Roots, "max": Largest, "angle": Angles}


def put_square(part: Array, square: Array) -> None:
    """Put the squares of a response into an array of a floating-point type; another type is cast first."""
    if part.dtype != square.dtype:
        np.copyto(square, part, casting="unsafe")
        part = square
    np.multiply(part, part, out=square)


def combined_choice(question: Question, kernels: Sequence[Array], combine: str, method: str) -> Choice:
    """Return how several kernels' responses are combined: whole weights by one program of taps."""
    if method not in planner.METHODS or (question.exact and method in {"auto", "taps"}):
        return _together(replace(question, weights=kernels[0]), kernels, combine, method)
    return _apart(question, kernels, combine, method)


def combiner(combine: str, size: tuple[int, ...], dtype: np.dtype[Any]) -> Combiner:
    """Return the scratch that combines responses in a type."""
    return COMBINERS[combine](size, dtype)


def root_dtype(question: Question, bounds: Sequence[Bounds]) -> np.dtype[Any]:
    """Return the type of squares and roots: float32 where every result that fits 8 bits is exact in it."""
    largest = max(abs(end) for bound in bounds for end in bound)
    narrow = question.dtype.itemsize == 1 and largest <= 2**13 and floating_dtype(question) == np.float32
    return np.dtype(np.float32 if narrow else np.float64)


def _together(question: Question, kernels: Sequence[Array], combine: str, method: str) -> Choice:
    if method not in planner.METHODS:
        raise unknown("method", method, planner.METHODS)
    program = compile_kernels(*kernels)
    dtype = result = floating_dtype(question)
    if question.pixels is not None:
        bounds = [bounds_of_sums(weights, question.pixels) for weights in kernels]
        both = Bounds(min(bound.low for bound in bounds), max(bound.high for bound in bounds))
        dtype = exact_dtype(question.pixels, both)
        result = {"max": dtype, "l2": root_dtype(question, bounds), "angle": np.dtype(np.float64)}[combine]
    cost = fill_and_store(question.dtype) + program.cost * addition_cost(dtype) + ROOT.get(result.itemsize, SLOW)

    def prepare(shape: TileShape) -> Prepared:
        return PreparedTogether(PreparedTaps(program, uniform(program, dtype), shape), combine, shape, result)

    whole = question.whole and combine == "max"
    grid = strips(question, 4)
    return Choice("taps", result, grid, prepare, question.denominator, snap=False, whole=whole, cost=cost)


def _apart(question: Question, kernels: Sequence[Array], combine: str, method: str) -> Choice:
    """Float weights, or another method than taps; whole sums are snapped to whole numbers before they are combined."""
    first = choose(replace(question, weights=kernels[0]), method)
    choices = [first, *(choose(replace(question, weights=kernel), first.method) for kernel in kernels[1:])]
    dtype = max((choice.dtype for choice in choices), key=lambda dtype: dtype.itemsize)
    if question.whole and combine != "max":
        dtype = np.dtype(np.float64)

    def prepare(shape: TileShape) -> Prepared:
        parts = [choice.prepare(shape) for choice in choices]
        size = shape.rows, shape.row_elements
        return PreparedApart(parts, [choice.snap for choice in choices], combiner(combine, size, dtype))

    whole = question.whole and combine == "max"
    cost = sum(choice.cost for choice in choices) + ROOT.get(dtype.itemsize, SLOW)
    return Choice(first.method, dtype, first.grid, prepare, first.denominator, snap=False, whole=whole, cost=cost)
