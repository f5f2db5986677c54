"""Small arithmetic for architectures: `4*width`, `channels // 2`, `stride != 1 or channels != out`; never `eval`.

    test     or, and, not, == != < <= > >=
    number   + - * / // %  and brackets; `/` is exact: 3/4 is a fraction
    value    17, 0.75, yes, no, 'word', a name, name[0], f(...)

Functions: min, max, floor, ceil, length, and round_to(x, 8), the nearest multiple that is not more than a tenth below
x (Sandler et al. 2018's rule for widths that hardware likes).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from dlmath.errors import InvalidValueError, unknown

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Scope = Mapping[str, Any]
    Thunk = Callable[[Scope], Any]

LARGEST = 10**15
DEEPEST = 40

_TOKEN = re.compile(r"\s*(?:(\d+(?:\.\d+)?)|'([^']*)'|([A-Za-z_]\w*)|(//|[=!<>]=|[-+*/%()<>,\[\]]))")


def exact(value: Any) -> Any:
    """Return a number as an integer where it is one.

    >>> from fractions import Fraction
    >>> exact(Fraction(6, 2)), exact(0.25)
    (3, Fraction(1, 4))
    """
    if isinstance(value, float):
        from fractions import Fraction

        value = Fraction(str(value))
    if hasattr(value, "denominator") and not isinstance(value, int) and value.denominator == 1:
        return int(value)
    return value


def round_to(value: Any, multiple: int) -> int:
    """Return the nearest multiple, but at least one of them, and none more than a tenth below the value.

    >>> round_to(24 * 3, 8), round_to(11, 8)
    (72, 16)
    """
    nearest_one = max(multiple, int(value + exact(multiple / 2)) // multiple * multiple)
    return nearest_one + multiple if 10 * nearest_one < 9 * value else nearest_one


def _divide(left: Any, right: Any) -> Any:
    from fractions import Fraction

    return exact(Fraction(left) / Fraction(right))


def _ceil(value: Any) -> int:
    return -int(-value // 1)


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "min": min,
    "max": max,
    "floor": lambda value: int(value // 1),
    "ceil": _ceil,
    "length": len,
    "round_to": round_to,
}
_BINARY: tuple[dict[str, Callable[[Any, Any], Any]], ...] = (
    {
        "==": lambda a, b: a == b,
        "!=": lambda a, b: a != b,
        "<": lambda a, b: a < b,
        "<=": lambda a, b: a <= b,
        ">": lambda a, b: a > b,
        ">=": lambda a, b: a >= b,
    },
    {"+": lambda a, b: a + b, "-": lambda a, b: a - b},
    {"*": lambda a, b: a * b, "/": _divide, "//": lambda a, b: a // b, "%": lambda a, b: a % b},
)
"""Operators that stand between two values, loosest first."""

_compiled: dict[str, Thunk] = {}


def evaluate(text: str, scope: Scope) -> Any:
    """Return the value of an expression.

    Parameters
    ----------
    text : str
    scope : mapping
        The values of names.

    Raises
    ------
    InvalidValueError
        With the part that cannot be read, or the reason why there is no value.

    Examples
    --------
    >>> evaluate("4*width // groups", {"width": 64, "groups": 32}), evaluate("n == 1 or n > 5", {"n": 3})
    (8, False)
    """
    if text not in _compiled:
        _compiled[text] = _Parser(text).parse()
    try:
        value = exact(_compiled[text](scope))
    except (TypeError, ValueError, IndexError, ZeroDivisionError, KeyError) as error:
        raise InvalidValueError(f"{_short(text)!r} has no value: {error}", "mend the expression") from None
    if isinstance(value, int) and abs(value) > LARGEST:
        raise InvalidValueError(f"{_short(text)!r} is larger than 10^15", "choose smaller numbers")
    return value


def fill(text: str, scope: Scope) -> Any:
    """Return a text with every `{expression}` replaced by its value; a text that is one expression, its value.

    >>> fill("conv:3x3x{4*width}", {"width": 64}), fill("{repeats[1]}", {"repeats": [3, 4]})
    ('conv:3x3x256', 4)
    """
    if "{" not in text:
        return text
    pieces = re.split(r"\{([^{}]*)\}", text)
    if any("{" in piece or "}" in piece for piece in pieces):
        raise InvalidValueError(f"{_short(text)!r}: a bracket is open or empty", "write {EXPRESSION}")
    if len(pieces) == 3 and not pieces[0] and not pieces[2]:
        return evaluate(pieces[1], scope)
    pieces[1::2] = [_as_text(text, evaluate(piece, scope)) for piece in pieces[1::2]]
    return "".join(pieces)


def _as_text(text: str, value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (int, str)):
        return str(value)
    raise InvalidValueError(f"{_short(text)!r}: {value} is no whole number or word", "round it with floor() or ceil()")


class _Parser:
    """Recursive descent; each method returns a function from scope to value."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = _tokens(text)
        self.place = 0
        self.depth = 0

    def parse(self) -> Thunk:
        value = self.either()
        if self.place < len(self.tokens):
            raise self.fault()
        return value

    def fault(self) -> InvalidValueError:
        rest = f"at {self.tokens[self.place][1]!r}" if self.place < len(self.tokens) else "at its end"
        return InvalidValueError(
            f"expression {_short(self.text)!r} cannot be read {rest}", "write arithmetic such as 4*width // 2"
        )

    def takes(self, *symbols: str) -> str | None:
        if self.place < len(self.tokens) and self.tokens[self.place][0] in {"symbol", "name"}:
            found = self.tokens[self.place][1]
            if found in symbols:
                self.place += 1
                return found
        return None

    def either(self) -> Thunk:
        self.depth += 1
        if self.depth > DEEPEST:
            raise InvalidValueError(f"expression {_short(self.text)!r} is nested too deep", "make it simpler")
        left = self.both()
        while self.takes("or"):
            left = _join(left, self.both(), lambda a, b, scope: a(scope) or b(scope))
        self.depth -= 1
        return left

    def both(self) -> Thunk:
        left = self.negated()
        while self.takes("and"):
            left = _join(left, self.negated(), lambda a, b, scope: a(scope) and b(scope))
        return left

    def negated(self) -> Thunk:
        if not self.takes("not"):
            return self.binary(0)
        value = self.binary(0)
        return lambda scope: not value(scope)

    def binary(self, level: int) -> Thunk:
        if level == len(_BINARY):
            return self.signed()
        left = self.binary(level + 1)
        while symbol := self.takes(*_BINARY[level]):
            apply = _BINARY[level][symbol]
            left = _join(left, self.binary(level + 1), lambda a, b, scope, apply=apply: apply(a(scope), b(scope)))
        return left

    def signed(self) -> Thunk:
        minus = False
        while self.takes("-"):
            minus = not minus
        value = self.indexed()
        return (lambda scope: -value(scope)) if minus else value

    def indexed(self) -> Thunk:
        value = self.atom()
        while self.takes("["):
            value = _join(value, self.either(), lambda a, b, scope: a(scope)[b(scope)])
            self.closes("]")
        return value

    def closes(self, bracket: str) -> None:
        if not self.takes(bracket):
            raise self.fault()

    def atom(self) -> Thunk:
        if self.takes("("):
            value = self.either()
            self.closes(")")
            return value
        if self.place == len(self.tokens) or self.tokens[self.place][0] == "symbol":
            raise self.fault()
        kind, word = self.tokens[self.place]
        self.place += 1
        if kind == "name":
            return self.call(word) if self.takes("(") else _named(word)
        constant = word if kind == "word" else exact(float(word)) if "." in word else int(word)
        return lambda _: constant

    def call(self, name: str) -> Thunk:
        if name not in FUNCTIONS:
            raise unknown("function", name, FUNCTIONS)
        function, arguments = FUNCTIONS[name], [self.either()]
        while self.takes(","):
            arguments.append(self.either())
        self.closes(")")
        return lambda scope: function(*(argument(scope) for argument in arguments))


def _join(left: Thunk, right: Thunk, apply: Callable[..., Any]) -> Thunk:
    return lambda scope: apply(left, right, scope)


def _named(name: str) -> Thunk:
    if name in {"yes", "no"}:
        return lambda _: name == "yes"

    def value(scope: Scope) -> Any:
        try:
            return scope[name]
        except KeyError:
            raise unknown("name", name, scope) from None

    return value


def _tokens(text: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    place = 0
    stripped = text.rstrip()
    while place < len(stripped):
        match = _TOKEN.match(stripped, place)
        if match is None or len(stripped) > 400:
            raise InvalidValueError(
                f"expression {_short(text)!r} cannot be read at {stripped[place : place + 10]!r}",
                "write arithmetic such as 4*width // 2",
            )
        kind = ("number", "word", "name", "symbol")[(match.lastindex or 1) - 1]
        found.append((kind, match[match.lastindex or 1]))
        place = match.end()
    return found


def _short(text: str, most: int = 60) -> str:
    return text if len(text) <= most else f"{text[: most - 3]}..."
