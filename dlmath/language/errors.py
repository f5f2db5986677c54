"""What can be wrong with an expression; every error knows the character at which it is."""

from __future__ import annotations

from typing import Any

from dlmath.errors import InvalidValueError


class ExpressionError(InvalidValueError):
    """An expression that cannot be read or has no value; `position` counts characters from 0.

    `cell` is the cell of a sweep in which it has none, where one is to blame.
    """

    def __init__(self, what: str, mend: str, position: int = 0) -> None:
        super().__init__(what, mend)
        self.position = position
        self.cell: Any = None


class GrammarError(ExpressionError):
    """A piece that cannot stand where it stands."""


class DepthError(ExpressionError):
    """Brackets and signs within each other beyond the bound."""


class MissingPathError(ExpressionError):
    """A path that a result or the settings do not have."""


class NoCellError(ExpressionError):
    """A `where` that leaves no cell: anything would hold for them, so it is a mistake."""


class NoValueError(ExpressionError):
    """Values that do not fit an operator or a function; `reason` says why."""

    def __init__(self, reason: object, position: int) -> None:
        super().__init__(f"it has no value: {reason}", "mend the expression", position)
        self.reason = str(reason)
