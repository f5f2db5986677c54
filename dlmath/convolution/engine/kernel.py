"""What a kernel is: exact or floating rows of weights with their source (no array library until one is asked for)."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    import numpy as np
    from numpy.typing import NDArray

LARGEST = 1 << 24
"""The largest numerator or denominator for which weights are kept exact; beyond it fractions become floats."""

Weight = Fraction | float
Rows = tuple[tuple[Weight, ...], ...]
Combine = Literal["l2", "max", "angle"]


@dataclass(frozen=True)
class Kernel:
    """A rectangle of weights that is slid over an image, unturned: result = sum of weight * pixel under it, + offset.

    Attributes
    ----------
    name : str
        As the user can write it.
    weights : tuple of equally long tuples, shape (rows, columns)
        All `Fraction` when they are rational; all float when any is not (gaussian with a sigma, log, gabor).
    source : str
        Where the weights are published, or how they are derived.
    note : str
        What one should know to use it.
    offset : Fraction or float
        Added to every sum; only kernel files can set it.

    Examples
    --------
    >>> Kernel("mean", fractions([[1, 1], [1, 1]], 4)).exact()
    (((1, 1), (1, 1)), 4)
    """

    name: str
    weights: Rows
    source: str = ""
    note: str = ""
    offset: Weight = field(default=Fraction(0))

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return len(self.weights), len(self.weights[0])

    @property
    def sum(self) -> Weight:
        """The sum of the weights: what becomes of a constant image of ones; exact when the weights are."""
        return self._total(lambda weight: weight)

    @property
    def absolute_sum(self) -> Weight:
        """The sum of the weights without their signs; exact when the weights are."""
        return self._total(abs)

    def _total(self, term: Callable[[Any], Any]) -> Weight:
        exact = self.exact()
        if exact is None:
            return math.fsum(term(float(weight)) for weight in self.flat)
        return Fraction(sum(term(weight) for row in exact[0] for weight in row), exact[1])

    def divided(self, divisor: Weight) -> Kernel:
        """Return the kernel with every weight over a number."""
        if divisor == 1:
            return self
        turned = {id(row): tuple(weight / divisor for weight in row) for row in self.weights}
        return replace(self, weights=tuple(turned[id(row)] for row in self.weights))

    @property
    def flat(self) -> list[Weight]:
        """The weights row by row."""
        return [weight for row in self.weights for weight in row]

    def exact(self) -> tuple[tuple[tuple[int, ...], ...], int] | None:
        """Return integer numerators, shape (rows, columns), and their common denominator; None for floats."""
        return self._exact

    @cached_property
    def _exact(self) -> tuple[tuple[tuple[int, ...], ...], int] | None:
        rows = {id(row): row for row in self.weights}  # rows that are one object, as a box's are, are turned once
        weights = {id(weight): weight for row in rows.values() for weight in row}
        if not all(isinstance(weight, Fraction) for weight in weights.values()):
            return None
        denominator = math.lcm(*{weight.denominator for weight in weights.values() if isinstance(weight, Fraction)})
        whole = {key: int(weight * denominator) for key, weight in weights.items()}
        turned = {key: tuple(whole[id(weight)] for weight in row) for key, row in rows.items()}
        return tuple(turned[id(row)] for row in self.weights), denominator

    def array(self) -> NDArray[np.float64]:
        """Return the weights as float64, shape (rows, columns)."""
        import numpy as np

        turned: dict[int, list[float]] = {}  # rows that are one object, as a box's are, are turned once
        for row in self.weights:
            if id(row) not in turned:
                turned[id(row)] = [float(weight) for weight in row]
        return np.array([turned[id(row)] for row in self.weights], dtype=np.float64)


@dataclass(frozen=True)
class Magnitude:
    """Several kernels whose responses at a pixel become one number.

    Attributes
    ----------
    name : str
    parts : tuple of Kernel
        All of one shape.
    combine : {"l2", "max", "angle"}
        The root of the sum of squares (a gradient's length), the largest response, or the direction of the gradient
        whose x and y the two parts are, in degrees from -180 to 180, rows counted downward.
    source, note : str
        As of a kernel.
    """

    name: str
    parts: tuple[Kernel, ...]
    combine: Combine
    source: str = ""
    note: str = ""

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of every part."""
        return self.parts[0].shape


@dataclass(frozen=True, eq=False)
class ExactKernel:
    """The kernel numerators / denominator.

    Attributes
    ----------
    numerators : ndarray of int64, shape (kh, kw)
    denominator : int
        At least 1.
    """

    numerators: NDArray[np.int64]
    denominator: int = 1

    def __array__(self, dtype: Any = None, copy: Any = None) -> NDArray[Any]:
        """Return the weights as float64 (or another dtype), each correctly rounded."""
        del copy  # the quotient is always a new array
        return (self.numerators / self.denominator).astype(dtype or "f8")

    @property
    def shape(self) -> tuple[int, ...]:
        """The kernel's rows and columns."""
        return self.numerators.shape


@dataclass(frozen=True, eq=False)
class Bank:
    """The kernels of a network's layer: several outputs, each with a rectangle of weights for every input channel.

    Attributes
    ----------
    name : str
    numerators : ndarray of int64 or float64, shape (out, in, kh, kw)
        Weights times the denominator; int64 when they are rational.
    denominator : int
    source, note : str
        As of a kernel.

    Examples
    --------
    >>> bank_of("luma", [[fractions([[1]], 2), fractions([[1]], 4)]]).numerators.ravel().tolist()
    [2, 1]
    """

    name: str
    numerators: NDArray[Any]
    denominator: int = 1
    source: str = ""
    note: str = ""

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of every rectangle."""
        return self.numerators.shape[2], self.numerators.shape[3]

    @property
    def outputs(self) -> int:
        """Output channels."""
        return int(self.numerators.shape[0])

    @property
    def inputs(self) -> int:
        """Input channels of each."""
        return int(self.numerators.shape[1])

    @property
    def absolute_sum(self) -> float:
        """The sum of all weights without their signs."""
        return float(abs(self.numerators).sum()) / self.denominator

    @property
    def weights(self) -> NDArray[np.float64]:
        """The weights as float64, shape (out, in, kh, kw)."""
        import numpy as np

        return np.asarray(self.numerators / self.denominator, dtype=np.float64)

    def part(self, output: int, channel: int) -> Kernel:
        """Return the rectangle of one input channel of one output, exact where the weights are."""
        plane = self.numerators[output, channel].tolist()
        exact = self.numerators.dtype.kind == "i"
        rows = fractions(plane, self.denominator) if exact else tuple(map(tuple, plane))
        return Kernel(f"{self.name}, input {channel}", rows, self.source)


AnyKernel = Kernel | Magnitude | Bank


def bank_of(name: str, outputs: Sequence[Sequence[Rows]], source: str = "", note: str = "") -> Bank:
    """Return the bank of rectangles given output by output and channel by channel, exact where their weights are."""
    import numpy as np

    weights = [weight for channels in outputs for rows in channels for row in rows for weight in row]
    shape = len(outputs), len(outputs[0]), len(outputs[0][0]), len(outputs[0][0][0])
    if all(isinstance(weight, Fraction) for weight in weights):
        common = math.lcm(*{weight.denominator for weight in weights if isinstance(weight, Fraction)})
        whole = [int(weight * common) for weight in weights]
        if common <= LARGEST and max(map(abs, whole)) <= LARGEST:
            return Bank(name, np.array(whole, np.int64).reshape(shape), common, source, note)
    return Bank(name, np.array([float(weight) for weight in weights]).reshape(shape), 1, source, note)


def fractions(rows: Sequence[Sequence[int]], divisor: int = 1) -> Rows:
    """Return integer rows over a common divisor as exact weights.

    >>> fractions([[1, 2]], 4)
    ((Fraction(1, 4), Fraction(1, 2)),)
    """
    return tuple(tuple(Fraction(weight, divisor) for weight in row) for row in rows)


def outer(column: Iterable[Weight], row: Iterable[Weight]) -> Rows:
    """Return the outer product: weight[i][j] = column[i] * row[j].

    >>> outer([1.0, 2.0], [-1.0, 1.0])
    ((-1.0, 1.0), (-2.0, 2.0))
    """
    across = tuple(row)
    return tuple(tuple(down * weight for weight in across) for down in column)


def transposed(rows: Rows) -> Rows:
    """Return rows for columns."""
    return tuple(zip(*rows, strict=True))


def combined(*terms: tuple[int, Rows]) -> Rows:
    """Return the sum of multiples of equally large rows.

    >>> combined((2, fractions([[1, 0]])), (-1, fractions([[1, 1]])))
    ((Fraction(1, 1), Fraction(-1, 1)),)
    """
    height, width = len(terms[0][1]), len(terms[0][1][0])
    return tuple(
        tuple(
            sum((factor * rows[i][j] for factor, rows in terms[1:]), terms[0][0] * terms[0][1][i][j])
            for j in range(width)
        )
        for i in range(height)
    )
