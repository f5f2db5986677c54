"""How sums become pixels: division by the kernel's denominator, offset, rounding, saturation, and what is counted.

The result before it becomes a pixel is r = sum / denominator + offset, or |r|. Whole-number types round half up,
floor(r + 1/2), and saturate; floating-point types take r as it is.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from dlmath.convolution.engine.taps import scalar

if TYPE_CHECKING:
    from dlmath.neural.arrays import Array

Dtype = np.dtype[Any]


@dataclass(frozen=True)
class Finish:
    """What is done to every sum.

    Attributes
    ----------
    denominator : int
        Divides the sum.
    offset : float
        Added after the division.
    absolute : bool
        The magnitude is taken after that.
    gain, lift : float
        r becomes gain * r + lift: the stretch of `minmax`.
    bounds : tuple of float
        The least and the greatest r can be; -inf, inf when nothing is known.
    """

    denominator: int = 1
    offset: float = 0.0
    absolute: bool = False
    gain: float = 1.0
    lift: float = 0.0
    bounds: tuple[float, float] = (-math.inf, math.inf)


@dataclass
class Tally:
    """What was seen of the results before they became pixels.

    Attributes
    ----------
    below, above : int
        Samples beyond the pixel type after rounding; those that are not a number are counted below.
    minimum, maximum : float
        Of r, over the finite ones.
    total : list of float
        Sums of r over parts of rows.
    count : int
        Samples that are finite.
    """

    below: int = 0
    above: int = 0
    minimum: float = math.inf
    maximum: float = -math.inf
    total: list[float] = field(default_factory=list)
    count: int = 0

    def see(self, values: Array, denominator: int, offset: float) -> None:
        """Take in a tile of values v; r = v / denominator + offset."""
        if values.dtype.kind == "f" and not math.isfinite(float(np.add.reduce(values, axis=None))):
            values = values[np.isfinite(values)].reshape(1, -1)
            if not values.size:
                return
        self.minimum = min(self.minimum, float(values.min()) / denominator + offset)
        self.maximum = max(self.maximum, float(values.max()) / denominator + offset)
        rows = row_totals(values)
        self.total.append(math.fsum(rows) / denominator + offset * values.size)
        self.count += values.size

    def join(self, other: Tally) -> None:
        """Add another thread's."""
        self.below += other.below
        self.above += other.above
        self.minimum = min(self.minimum, other.minimum)
        self.maximum = max(self.maximum, other.maximum)
        self.total += other.total
        self.count += other.count

    @property
    def mean(self) -> float:
        """The mean of r, independent of the order in which tiles were seen."""
        return math.fsum(self.total) / self.count if self.count else math.nan


def row_totals(values: Array) -> list[float]:
    """Return the total of every row."""
    if values.dtype.kind == "O":
        return [float(total) for total in np.add.reduce(values, axis=1)]
    wide = np.float64 if values.dtype.kind == "f" else np.int64
    totals: list[float] = np.add.reduce(values, axis=1, dtype=wide).tolist()
    return totals


def limits_of(target: Dtype) -> tuple[int, int] | None:
    """Return the least and the greatest pixel of a type; None for floating point, which does not saturate."""
    if target.kind == "b":
        return 0, 1
    return (int(np.iinfo(target).min), int(np.iinfo(target).max)) if target.kind in "ui" else None


class Finisher:
    """Turns tiles of sums into pixels; one a thread.

    Parameters
    ----------
    finish : Finish
    dtype : dtype
        Of the sums: an integer type or object when they are exact, else floating point.
    target : dtype
        Of the pixels.
    whole : bool
        Sums in floating point that are exact whole numbers: rounded as exactly as integers are.
    """

    def __init__(self, finish: Finish, dtype: Dtype, target: Dtype, *, whole: bool = False) -> None:
        self.finish = finish
        self._target = target
        self._limits = limits_of(target)
        self._whole = whole
        self._integer = dtype.kind in "uiO"
        self._dtype = dtype
        low, high = finish.bounds
        self._may_fall_below = self._limits is not None and low < self._limits[0] - 0.49
        self._may_rise_above = self._limits is not None and high > self._limits[1] + 0.49
        self._unclipped = self._limits is not None and not (self._may_fall_below or self._may_rise_above)
        self._flags = np.empty(0, dtype=np.bool_)
        self._seen: Dtype | None = None
        simple = finish.gain == 1.0 and finish.lift == 0.0 and (finish.offset == 0 or not finish.absolute)
        self._exact = self._integer and simple and self._limits is not None
        self._wide = self._exact and not self._has_room(low, high)
        if self._exact:
            self._dtype = np.dtype(object) if self._wide else dtype
            self._divisions = self._exact_steps()
            self._note_limits(self._dtype)
        self.tally = Tally()

    def _has_room(self, low: float, high: float) -> bool:
        """Tell whether the sums' type also holds what the offset and the rounding add to them before the division.

        r = (sum + d offset) / d lies in low..high, so the sum with both lies in d low .. d high + floor(d / 2).
        """
        if self._dtype.kind == "O":
            return True
        info, divisor = np.iinfo(self._dtype), self.finish.denominator
        slack = 0 if info.bits < 64 else 2.0**14  # double precision knows 64 bits to so much
        most = high * divisor + divisor // 2
        return info.min + slack <= low * divisor + 0.5 and most - 0.5 <= info.max - slack

    def store(self, sums: Array, target: Array, line: Array | None = None, *, measure: bool = False) -> None:
        """Turn sums into pixels.

        Parameters
        ----------
        sums, target : ndarray of one shape (rows, columns, C)
            The sums' scratch is overwritten.
        line : ndarray of shape (n,), optional
            The memory the sums are a view of, from the first one on: NumPy passes over it without stopping at the
            ends of rows, three times as quickly. What lies between the rows is computed along.
        measure : bool
            Measure the results first.
        """
        finish = self.finish
        work = sums if line is None else line
        if measure:
            self.measure(sums)
        elif finish.absolute and finish.offset == 0:
            np.absolute(work, out=work)
        if self._wide:
            sums = work = sums.astype(object)
        if self._exact:
            self._store_exactly(sums, work, target)
        else:
            self._store_rounded(sums, work, target)

    def measure(self, sums: Array) -> None:
        """Take in the results of a tile; sums become their magnitudes where these are wanted."""
        finish = self.finish
        if finish.absolute and finish.offset == 0:
            np.absolute(sums, out=sums)
        rows = sums.reshape(len(sums), -1)
        if finish.absolute and finish.offset:
            self.tally.see(np.absolute(rows / finish.denominator + finish.offset), 1, 0.0)
        else:
            self.tally.see(rows, finish.denominator, finish.offset)

    def _store_exactly(self, sums: Array, work: Array, target: Array) -> None:
        """floor(sum / d + offset + 1/2) in whole numbers: (sum + d offset + floor(d / 2)) // d."""
        for step, operand in self._divisions:
            step(work, operand, work)
        if not self._unclipped:
            self._clip(sums, work)
        target[...] = sums

    def _exact_steps(self) -> list[tuple[Any, Any]]:
        """Return the calls that divide by the denominator, rounding half up, with the offset added."""
        divisor = self.finish.denominator
        bias = divisor // 2 + int(self.finish.offset * divisor)
        steps: list[tuple[Any, Any]] = [(np.add, self._scalar(bias))] if bias else []
        if divisor > 1 and divisor & (divisor - 1) == 0:
            steps.append((np.right_shift, self._scalar(divisor.bit_length() - 1)))
        elif divisor > 1:
            steps.append((np.floor_divide, self._scalar(divisor)))
        return steps

    def _note_limits(self, dtype: Dtype) -> None:
        """Note the limits of the pixel type as an integer type has them, and how samples beyond them are found."""
        low, high = self._limits or (0, 0)
        if dtype.kind != "O":
            low, high = max(low, int(np.iinfo(dtype).min)), min(high, int(np.iinfo(dtype).max))
        self._below, self._above = scalar(low, dtype), scalar(high, dtype)
        if low == 0 and dtype.kind == "i":  # seen as unsigned, what is below 0 is above as well: one comparison
            self._seen = np.dtype(f"u{dtype.itemsize}")

    def _scalar(self, value: int) -> Any:
        return scalar(value, self._dtype)

    def _clip(self, sums: Array, work: Array) -> None:
        """Saturate in place and count the samples beyond the limits."""
        if self._seen is None:
            self.tally.above += self._count(sums, np.greater, work, self._above)
            self.tally.below += self._count(sums, np.less, work, self._below) if self._may_fall_below else 0
        elif beyond := self._count(sums, np.greater, work.view(self._seen), self._seen.type(self._above)):
            below = beyond if self._may_fall_below else 0
            if self._may_fall_below and self._may_rise_above:
                below = self._count(sums, np.less, work, self._below)
            self.tally.below += below
            self.tally.above += beyond - below
        np.clip(work, self._below, self._above, out=work)

    def _count(self, sums: Array, compare: Any, work: Array, *limit: Any) -> int:
        """Return for how many samples a comparison holds, in scratch that is kept."""
        if self._flags.size < work.size:
            self._flags = np.empty(work.size, np.bool_)
        flags = self._flags[: work.size].reshape(work.shape)
        compare(work, *limit, out=flags)
        return int(np.count_nonzero(flags if flags.shape == sums.shape else laid_as(sums, flags)))

    def _store_rounded(self, sums: Array, work: Array, target: Array) -> None:
        finish = self.finish
        if self._integer:
            sums = work = sums.astype(np.float32 if self._target in (np.float32, np.float16) else np.float64)
        stretched = finish.gain != 1.0 or finish.lift or finish.offset
        if finish.denominator != 1 and self._limits is None and not stretched and work.dtype == target.dtype:
            np.divide(sums, work.dtype.type(finish.denominator), out=target)  # saves the pass that copies
            return
        if finish.denominator != 1:
            np.divide(work, work.dtype.type(finish.denominator), out=work)
        if finish.offset:
            np.add(work, work.dtype.type(finish.offset), out=work)
        if finish.absolute and finish.offset:
            np.absolute(work, out=work)
        if finish.gain != 1.0 or finish.lift:
            np.multiply(work, work.dtype.type(finish.gain), out=work)
            np.add(work, work.dtype.type(finish.lift), out=work)
        if self._limits is None:
            target[...] = sums
        else:
            self._round(sums, work, target)

    def _round(self, sums: Array, work: Array, target: Array) -> None:
        """floor(r + 1/2), saturated; not-a-number becomes the least value and counts as clipped."""
        # sums over an even denominator can be a half exactly: a quarter of a step more decides it upward; stretched
        # ones have no such steps
        even = self._whole and self.finish.denominator % 2 == 0 and self.finish.gain == 1.0
        half = 0.5 + (0.5 / self.finish.denominator if even else 0.0)
        np.add(work, work.dtype.type(half), out=work)
        if self.finish.bounds[0] < 0 or target.dtype.kind == "b":  # a cast cuts toward zero
            np.floor(work, out=work)
        if not self._unclipped:
            self._clip_wide(sums, work)
        target[...] = sums

    def _clip_wide(self, sums: Array, work: Array) -> None:
        low, high = self._limits or (0, 0)
        self.tally.below += self._count(sums, np.less, work, work.dtype.type(low))
        self.tally.above += self._count(sums, np.greater_equal, work, work.dtype.type(high + 1))
        if self.finish.bounds[1] == math.inf:
            self.tally.below += self._count(sums, np.isnan, work)
            np.copyto(work, work.dtype.type(low), where=np.isnan(work))
        np.clip(work, work.dtype.type(low), _below(high + 1, work.dtype), out=work)


def laid_as(sums: Array, line: Array) -> Array:
    """Return the view of another line of memory that lies in it as `sums` lies in its own."""
    strides = tuple(stride // sums.itemsize * line.itemsize for stride in sums.strides)
    return np.ndarray(sums.shape, line.dtype, line, 0, strides)  # as_strided does the same ten times as slowly


def _below(limit: int, dtype: Dtype) -> Any:
    """Return the greatest value of a floating-point type under a limit."""
    return np.nextafter(dtype.type(limit), dtype.type(0))
