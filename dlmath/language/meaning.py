"""Tree to value: every node becomes a function of the scope, made once and called for every cell.

What a dialect's names mean, how it compares and what it takes for true are its own: a `Semantics`.
"""

from __future__ import annotations

import operator
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from dlmath.language.errors import ExpressionError, NoValueError
from dlmath.language.functions import is_number
from dlmath.language.tree import Call, Chain, Compare, Index, Items, Literal, Over, Path, Signed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from dlmath.language.functions import Function
    from dlmath.language.tree import Node

    Meaning: TypeAlias = "Callable[[Any], Any]"

LARGEST = 4096
"""Bits that a whole number may have."""


class Semantics(NamedTuple):
    """What a dialect takes values for.

    Parameters
    ----------
    functions : mapping
    path : callable
        The meaning of a name or path.
    over : callable
        The meaning of f[...].
    arithmetic : callable
        The value of (operator, left, right).
    compare : callable
        Whether (comparison, left, right) holds.
    judged : callable
        A value as `and`, `or` and `not` see it.
    """

    functions: Mapping[str, Function]
    path: Callable[[Path], Meaning]
    over: Callable[[Over], Meaning]
    arithmetic: Callable[[str, Any, Any], Any]
    compare: Callable[[str, Any, Any], bool]
    judged: Callable[[Any], Any]


def meaning(node: Node, semantics: Semantics) -> Meaning:
    """Return the function from a scope to the value of a node.

    Raises
    ------
    ExpressionError
        By the function, with the position of what has no value.
    """
    match node:
        case Literal():
            constant = node.value
            return lambda _: constant
        case Path():
            return semantics.path(node)
        case Over():
            return semantics.over(node)
        case Items():
            parts = [meaning(item, semantics) for item in node.items]
            return lambda scope: [part(scope) for part in parts]
        case Index():
            return of_index(node, semantics)
        case Call():
            return of_call(node, semantics)
        case Compare():
            return of_compare(node, semantics)
        case Signed():
            return of_sign(node, semantics)
        case Chain():
            return (of_logic if node.operators[0] in {"and", "or"} else of_arithmetic)(node, semantics)


def placed(error: Exception, position: int) -> ExpressionError:
    """Return what goes wrong in a computation as an error that knows its position."""
    if isinstance(error, ExpressionError):
        error.position = error.position or position
        return error
    return NoValueError(error, position)


NO_VALUE = (ExpressionError, TypeError, ValueError, ArithmeticError, LookupError)
"""What a computation on values that do not fit may raise."""


def of_index(node: Index, semantics: Semantics) -> Meaning:
    """Return the meaning of an item of a list."""
    value, index = meaning(node.value, semantics), meaning(node.place, semantics)

    def item(scope: Any) -> Any:
        found, place = value(scope), index(scope)
        try:
            return found[place]
        except NO_VALUE as error:
            raise placed(error, node.position) from None

    return item


def of_call(node: Call, semantics: Semantics) -> Meaning:
    """Return the meaning of a function within one cell."""
    function = semantics.functions[node.function].call
    arguments = [meaning(argument, semantics) for argument in node.arguments]

    def call(scope: Any) -> Any:
        values = [argument(scope) for argument in arguments]
        try:
            return function(*values)
        except NO_VALUE as error:
            raise placed(error, node.position) from None

    return call


def of_compare(node: Compare, semantics: Semantics) -> Meaning:
    """Return whether every neighbouring pair compares as its sign says."""
    operands, holds = [meaning(operand, semantics) for operand in node.operands], semantics.compare

    def compare(scope: Any) -> bool:
        values = [operand(scope) for operand in operands]
        pairs = zip(node.operators, pairwise(values), strict=True)
        try:
            return all(holds(symbol, left, right) for symbol, (left, right) in pairs)
        except NO_VALUE as error:
            raise placed(error, node.positions[0]) from None

    return compare


def of_sign(node: Signed, semantics: Semantics) -> Meaning:
    """Return the meaning of `-x` or `not x`; what has no value has no negative either."""
    operand, judged = meaning(node.operand, semantics), semantics.judged
    negate = (lambda value: not judged(value)) if node.operator == "not" else negative

    def sign(scope: Any) -> Any:
        value = operand(scope)
        try:
            return negate(value)
        except NO_VALUE as error:
            raise placed(error, node.position) from None

    return sign


def negative(value: Any) -> Any:
    """Return -x; of null, null."""
    return None if value is None else -value


def of_logic(node: Chain, semantics: Semantics) -> Meaning:
    """Return the meaning of `and` or `or`: the first operand that decides, and what follows is not looked at."""
    parts, judged = [meaning(operand, semantics) for operand in node.operands], semantics.judged
    stops = node.operators[0] == "or"

    def logic(scope: Any) -> Any:
        value: Any = None
        for part, position in zip(parts, (node.positions[0], *node.positions), strict=True):
            value = part(scope)
            try:
                value = judged(value)
            except ExpressionError as error:
                raise placed(error, position) from None
            if bool(value) is stops:
                break
        return value

    return logic


def of_arithmetic(node: Chain, semantics: Semantics) -> Meaning:
    """Return the meaning of operands joined from left to right."""
    first, *others = [meaning(operand, semantics) for operand in node.operands]
    steps = list(zip(node.operators, others, node.positions, strict=True))
    calculate = semantics.arithmetic

    def arithmetic(scope: Any) -> Any:
        value = first(scope)
        for symbol, other, position in steps:
            right = other(scope)
            try:
                value = calculate(symbol, value, right)
            except NO_VALUE as error:
                raise placed(error, position) from None
        return value

    return arithmetic


# --- arithmetic that both dialects share ------------------------------------------------------------------------------


def power(base: Any, exponent: Any) -> Any:
    """Return a power; whole ones stay exact as long as they are of a size to look at."""
    if isinstance(exponent, int) and exponent >= 0 and not isinstance(base, float):
        if base.numerator.bit_length() * exponent > LARGEST:
            raise OverflowError("the power is too large")
        return base**exponent
    value = float(base) ** float(exponent)
    if isinstance(value, complex):
        raise ValueError("a root of a negative number")  # noqa: TRY004  a value, not a type
    return value


OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "//": operator.floordiv,
    "%": operator.mod,
    "^": power,
    "**": power,
}


def calculated(
    symbol: str, left: Any, right: Any, operators: Mapping[str, Callable[[Any, Any], Any]] = OPERATORS
) -> Any:
    """Return the value of an operator between two numbers; `+` joins two words or two lists as well.

    Python's other meanings (a word times a number, a word as a format) would make work without a bound.

    Raises
    ------
    TypeError
        When they are no numbers.
    OverflowError
        When the result has more than 4,096 bits.
    """
    if not (is_number(left) and is_number(right)) and not joinable(symbol, left, right):
        raise TypeError(f"{symbol} takes numbers, not {kind_of(left)} and {kind_of(right)}")
    value = operators[symbol](left, right)
    if isinstance(value, int) and value.bit_length() > LARGEST:
        raise OverflowError("the number is too large")
    return value


def joinable(symbol: str, left: Any, right: Any) -> bool:
    """Tell whether `+` joins two values: both words, or both lists."""
    return symbol == "+" and any(isinstance(left, kind) and isinstance(right, kind) for kind in (str, list))


def kind_of(value: Any) -> str:
    """Return what a value is, for messages."""
    kinds: Sequence[tuple[Any, str]] = ((str, "a word"), (list | tuple, "a list"), (type(None), "null"))
    return next((name for kind, name in kinds if isinstance(value, kind)), "a number")
