"""Kernels as programs of additions on flat slices: exact for whole numbers, one multiplication a weight for floats.

In a padded tile laid out flat, the pixel under tap (dy, dx) of every output at once is the contiguous slice that
starts dy rows and dx pixels later. A step of a program is one NumPy call on two such slices; the few elements that
wrap around at the ends of rows are computed too and never stored.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from dlmath.convolution.engine.algorithm import SHELF, Prepared
from dlmath.convolution.engine.speeds import ADDITION, SLOW

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dlmath.convolution.engine.algorithm import TileShape
    from dlmath.convolution.engine.program import Program, ProgramOp, Ref
    from dlmath.neural.arrays import Array

Dtype = np.dtype[Any]
Step = tuple["Callable[..., Any]", "Array", Any, "Array"]

NARROW = (np.dtype(np.int16), np.dtype(np.uint16))
WIDE = (np.dtype(np.int32), np.dtype(np.int64))


class Bounds(NamedTuple):
    """The least and the greatest value something can have."""

    low: int
    high: int

    def fit(self, dtype: Dtype) -> bool:
        """Tell whether an integer type holds every value."""
        info = np.iinfo(dtype)
        return info.min <= self.low and self.high <= info.max


def bounds_of_sums(weights: Array, pixels: Bounds) -> Bounds:
    """Return the bounds of sum_ij weights * pixels, in Python's integers."""
    positive, negative = whole_sum(weights[weights > 0]), whole_sum(weights[weights < 0])
    return Bounds(positive * pixels.low + negative * pixels.high, positive * pixels.high + negative * pixels.low)


def whole_sum(weights: Array) -> int:
    """Return the exact sum of whole weights, by Python's integers where 64 bits may not hold it.

    >>> whole_sum(np.array([2**62, 2**62]))
    9223372036854775808
    """
    largest = max(abs(int(weights.max(initial=0))), abs(int(weights.min(initial=0))))
    fits = largest * weights.size < 2**63
    return int(weights.sum()) if fits else sum(int(weight) for weight in weights.ravel())


def exact_dtype(pixels: Bounds, sums: Bounds) -> Dtype:
    """Return the narrowest type that holds the pixels and the sums; object, Python's integers, where none does.

    Arithmetic modulo 2^n makes whatever happens in between harmless.
    """
    for dtype in (*NARROW, *WIDE):
        if pixels.fit(dtype) and sums.fit(dtype):
            return dtype
    return np.dtype(object)


def step_bounds(ops: Sequence[ProgramOp], pixels: Bounds) -> list[Bounds]:
    """Return the bounds of every register, by interval arithmetic along the program."""
    bounds = [pixels]
    for op in ops:
        left = bounds[op.left.register]
        if op.kind == "scale":
            ends = sorted((left.low * op.factor, left.high * op.factor))
            bounds.append(Bounds(ends[0], ends[1]))
            continue
        right = bounds[op.right.register] if op.right else left
        if op.kind == "add":
            bounds.append(Bounds(left.low + right.low, left.high + right.high))
        else:
            bounds.append(Bounds(left.low - right.high, left.high - right.low))
    return bounds


def uniform(program: Program, dtype: Dtype) -> list[Dtype]:
    """Return one type for every register."""
    return [dtype] * (1 + len(program.ops))


def exact_dtypes(program: Program, pixels: Bounds, sums: Bounds, floats: bool = False) -> list[Dtype]:  # noqa: FBT001, FBT002
    """Return the type of every register of an exact program.

    Where the sums fit 16 bits, everything does, for what overflows on the way comes back. Where they do not, the
    registers that fit stay narrow and only the later ones are wide: with `floats`, whole numbers in float32.
    """
    final = exact_dtype(pixels, sums)
    narrow = next((dtype for dtype in NARROW[::-1] if pixels.fit(dtype)), None)
    if final in NARROW or final.kind == "O" or narrow is None:
        return uniform(program, final)
    if floats:
        final = np.dtype(np.float32)
    if min(sums) < 0:
        narrow = NARROW[0] if pixels.fit(NARROW[0]) else None
    if narrow is None:
        return uniform(program, final)
    dtypes = [narrow if bounds.fit(narrow) else final for bounds in step_bounds(program.ops, pixels)]
    for op in program.ops:  # what follows a wide register is wide
        operands = [dtypes[ref.register] for ref in (op.left, op.right) if ref]
        if final in operands:
            dtypes[op.target] = final
    for ref in program.results:
        dtypes[ref.register] = final
    return dtypes


class PreparedTaps(Prepared):
    """Scratch and calls of a program for tiles of one shape.

    Attributes
    ----------
    source : ndarray of shape `TileShape.source_shape`
    lines : list of ndarray of shape (n,)
        Each kernel's sums after `run`, in rows as long as the source's.
    """

    source: Array

    def __init__(self, program: Program, dtypes: Sequence[Dtype], shape: TileShape) -> None:
        height, stride = shape.source_shape
        self.source = SHELF.take(height * stride, dtypes[0]).reshape(height, stride)
        length = (shape.rows - 1) * stride + shape.row_elements
        layout = Layout(program, dtypes, stride, shape.channels, length, self.source.reshape(-1))
        self._steps = layout.steps
        self._taken = [self.source, *layout.taken]
        self.lines = [layout.view(result, length) for result in program.results]
        self.line = self.lines[0]
        self._result = in_rows(self.line, shape)

    def run(self) -> Array:
        """Return the tile's sums, shape (rows, columns * channels); of several kernels the first one's."""
        for call, left, right, target in self._steps:
            call(left, right, target)
        return self._result

    def release(self) -> None:
        """Give scratch back that the next call can use."""
        while self._taken:
            SHELF.give(self._taken.pop())


def in_rows(line: Array, shape: TileShape) -> Array:
    """Return the tile's rows in a line of memory whose rows are as long as the source's: a view."""
    stride = shape.source_shape[1] * line.itemsize
    return np.lib.stride_tricks.as_strided(line, (shape.rows, shape.row_elements), (stride, line.itemsize))


class Layout:
    """Registers laid out in as few buffers as their lives allow, and the calls between their slices."""

    def __init__(
        self, program: Program, dtypes: Sequence[Dtype], stride: int, channels: int, length: int, source: Array
    ) -> None:
        self._step = stride, channels
        self._program = program
        self._dtypes = dtypes
        self._needs = self._lengths(length)
        self._last = self._last_uses()
        self._registers: dict[int, Array] = {0: source}
        self._casts: dict[int, Array] = {}
        self._buffers: dict[int, Array] = {0: source}
        self._cast_buffers: dict[int, Array] = {}
        self._free: list[Array] = []
        self.taken: list[Array] = []
        self.steps: list[Step] = []
        for number, op in enumerate(program.ops):
            self._lay(number, op)

    def offset(self, ref: Ref) -> int:
        """Return where in its register a reference starts."""
        return ref.shift[0] * self._step[0] + ref.shift[1] * self._step[1]

    def view(self, ref: Ref, length: int) -> Array:
        """Return the slice a reference stands for."""
        start = self.offset(ref)
        return self._registers[ref.register][start : start + length]

    def _lengths(self, length: int) -> dict[int, int]:
        """Return how many elements of every register are read in the end, from the result backward."""
        needs: dict[int, int] = {}
        for result in self._program.results:
            needs[result.register] = max(needs.get(result.register, 0), self.offset(result) + length)
        for op in reversed(self._program.ops):
            for ref in filter(None, (op.left, op.right)):
                needs[ref.register] = max(needs.get(ref.register, 0), self.offset(ref) + needs[op.target])
        return needs

    def _last_uses(self) -> dict[int, int]:
        """Return the last step that reads each register; the results are read after all."""
        last = {}
        for number, op in enumerate(self._program.ops):
            for ref in filter(None, (op.left, op.right)):
                last[ref.register] = number
        for result in self._program.results:
            last[result.register] = len(self._program.ops)
        return last

    def _lay(self, number: int, op: ProgramOp) -> None:
        """Give a step's target a buffer, and note the call.

        It is that of an operand which nothing reads later, where the operand lies exactly in place: fewer buffers stay
        in the cache. Else it is one that no operand lives in, for NumPy copies an operand that overlaps the target at
        another place.
        """
        length, dtype = self._needs[op.target], self._dtypes[op.target]
        left = self._widened(op.left, length, dtype)
        right = self._widened(op.right, length, dtype) if op.right else scalar(op.factor, dtype)
        place = self._in_place(number, op, dtype)
        self._buffers[op.target] = self._buffer(length, dtype) if place is None else self._buffers[place]
        self._registers[op.target] = self._buffers[op.target][:length]
        call = {"add": np.add, "subtract": np.subtract, "scale": np.multiply}[op.kind]
        self.steps.append((call, left, right, self._registers[op.target]))
        for register in {ref.register for ref in (op.left, op.right) if ref}:
            if self._last[register] == number:
                if register != place:
                    self._free.append(self._buffers[register])
                if register in self._casts:
                    self._free.append(self._cast_buffers[register])

    def _in_place(self, number: int, op: ProgramOp, dtype: Dtype) -> int | None:
        """Return the operand's register whose buffer the target may take over, None where there is none."""
        refs = [ref for ref in (op.left, op.right) if ref]
        for ref in refs:
            same = [self.offset(other) for other in refs if other.register == ref.register]
            dies = self._last[ref.register] == number and self._registers[ref.register].dtype == dtype
            if dies and not any(same):
                return ref.register
        return None

    def _widened(self, ref: Ref, length: int, dtype: Dtype) -> Array:
        """Return an operand in the step's type; a register of a narrower one is cast once, whole."""
        register = self._registers[ref.register]
        if register.dtype == dtype:
            return self.view(ref, length)
        if ref.register not in self._casts:
            size = self._needs[ref.register]
            self._cast_buffers[ref.register] = self._buffer(size, dtype)
            cast = self._cast_buffers[ref.register][:size]
            self.steps.append((_cast, register[:size], None, cast))
            self._casts[ref.register] = cast
        start = self.offset(ref)
        return self._casts[ref.register][start : start + length]

    def _buffer(self, length: int, dtype: Dtype) -> Array:
        """Return a free buffer of a type, at least so long."""
        for index, buffer in enumerate(self._free):
            if buffer.dtype == dtype and len(buffer) >= length:
                return self._free.pop(index)
        self.taken.append(SHELF.take(length, dtype))
        return self.taken[-1]


def scalar(value: Any, dtype: Dtype) -> Any:
    """Return a number in a type; modulo 2^n in an integer type, Python's own for object."""
    if dtype.kind == "O":
        return value
    if dtype.kind in "ui":
        return np.array(value % (1 << 8 * dtype.itemsize), dtype=np.uint64).astype(dtype)[()]
    return dtype.type(value)


def _cast(left: Array, right: object, target: Array) -> None:
    del right
    np.copyto(target, left, casting="unsafe")


def addition_cost(dtype: Dtype) -> float:
    """Return the predicted nanoseconds an addition of two elements takes in a type."""
    return SLOW if dtype.kind == "O" else ADDITION.get(dtype.itemsize, SLOW)
