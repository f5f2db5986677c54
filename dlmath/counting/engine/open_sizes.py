"""Sizes that are not known: a number that stays unknown through arithmetic, so that no formula has to ask.

A model file may leave an axis open (`N x 3 x ? x ?`), and an operator may give a shape nobody can tell. Such a size is
`OPEN`: what is computed from it is `OPEN` again, products with 0 excepted, and it compares as larger than every
number, so that no check of a smallest size refuses it and any divisor may divide it. `UNRANKED` is the shape of
which not even the number of axes is known.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    Shape = tuple[int, ...]


class Open(int):
    """An unknown size (there are two of them: `OPEN`, and the only axis of `UNRANKED`).

    >>> 3 * (OPEN + 1), 0 * OPEN, max(5, OPEN), OPEN % 4, f"{OPEN:,}"
    (?, 0, ?, 0, '?')
    """

    def _same(self, _other: Any) -> Open:
        return OPEN

    __add__ = __radd__ = __sub__ = __rsub__ = _same
    __floordiv__ = __rfloordiv__ = __truediv__ = __rtruediv__ = __pow__ = __rpow__ = _same  # type: ignore[assignment]

    def __mul__(self, other: int) -> int:
        """Return 0 for none of them, else what is not known."""
        return 0 if not isinstance(other, Open) and other == 0 else OPEN

    __rmul__ = __mul__

    def __mod__(self, _other: int) -> int:
        """Return 0: it may be divisible."""
        return 0

    __rmod__ = __mod__

    def __neg__(self) -> Open:
        """Return what is not known."""
        return OPEN

    def __lt__(self, _other: object) -> bool:
        """Return that it is not less."""
        return False

    def __le__(self, other: object) -> bool:
        """Return that it is not less, but may be the same."""
        return isinstance(other, Open)

    def __gt__(self, other: object) -> bool:
        """Return that it is more than every number."""
        return not isinstance(other, Open)

    def __ge__(self, _other: object) -> bool:
        """Return that it is not less."""
        return True

    def __eq__(self, other: object) -> bool:
        """Return whether both are not known."""
        return isinstance(other, Open)

    def __ne__(self, other: object) -> bool:
        """Return whether the other is a number."""
        return not isinstance(other, Open)

    def __hash__(self) -> int:
        """Return one hash for all of them, as they are equal."""
        return hash("?")

    def __bool__(self) -> bool:
        """Return that it is not nothing."""
        return True

    def __repr__(self) -> str:
        """Return a question mark."""
        return "?"

    __str__ = __repr__

    def __format__(self, _spec: str) -> str:
        """Return a question mark, whatever the width."""
        return "?"


OPEN = Open(-1)
"""A size that is not known."""

UNRANKED: Shape = (Open(-1),)
"""The shape of which nothing is known; told from an open vector by being this very tuple."""


def is_open(value: object) -> bool:
    """Return whether a number, or any part of a shape, is not known.

    >>> is_open(OPEN), is_open((OPEN, 3)), is_open(3), is_open(None)
    (True, True, False, False)
    """
    return isinstance(value, Open) or (isinstance(value, tuple) and any(isinstance(size, Open) for size in value))


def agree(left: int, right: int) -> bool:
    """Return whether two sizes are the same, or may be.

    >>> agree(3, 3), agree(3, OPEN), agree(3, 4)
    (True, True, False)
    """
    return left == right or isinstance(left, Open) or isinstance(right, Open)


def alike(left: Iterable[int], right: Iterable[int]) -> bool:
    """Return whether two shapes are the same, or may be."""
    first, second = tuple(left), tuple(right)
    return len(first) == len(second) and all(map(agree, first, second))


def known(value: Any) -> Any:
    """Return a value with None in place of everything that is not known, as results have it.

    >>> known({"macs": OPEN, "shape": (OPEN, 3)}), known(UNRANKED)
    ({'macs': None, 'shape': [None, 3]}, None)
    """
    if value is UNRANKED or isinstance(value, Open):
        return None
    if isinstance(value, dict):
        return {key: known(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [known(item) for item in value]
    return value
