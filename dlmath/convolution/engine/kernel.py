"""What a kernel is: exact or floating rows of weights with their source (no array library until one is asked for)."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy as np
    from numpy.typing import NDArray

Weight = Fraction | float
Rows = tuple[tuple[Weight, ...], ...]
Combine = Literal["l2", "max"]


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
        exact = self.exact()
        if exact is None:
            return math.fsum(map(float, self.flat))
        return Fraction(sum(sum(row) for row in exact[0]), exact[1])

    @property
    def flat(self) -> list[Weight]:
        """The weights row by row."""
        return [weight for row in self.weights for weight in row]

    def exact(self) -> tuple[tuple[tuple[int, ...], ...], int] | None:
        """Return integer numerators, shape (rows, columns), and their common denominator; None for floats."""
        if not all(isinstance(weight, Fraction) for weight in self.flat):
            return None
        denominator = math.lcm(*{weight.denominator for weight in self.flat if isinstance(weight, Fraction)})
        return tuple(tuple(int(weight * denominator) for weight in row) for row in self.weights), denominator

    def array(self) -> NDArray[np.float64]:
        """Return the weights as float64, shape (rows, columns)."""
        import numpy as np

        made: dict[int, list[float]] = {}  # rows that are one object, as a box's are, are turned once
        for row in self.weights:
            if id(row) not in made:
                made[id(row)] = [float(weight) for weight in row]
        return np.array([made[id(row)] for row in self.weights], dtype=np.float64)


@dataclass(frozen=True)
class Magnitude:
    """Several kernels whose responses at a pixel become one number.

    Attributes
    ----------
    name : str
    parts : tuple of Kernel
        All of one shape.
    combine : {"l2", "max"}
        The root of the sum of squares (a gradient's length), or the largest response.
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
