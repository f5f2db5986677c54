"""Expressions of architecture files over exact fractions: `4*width`, `channels // 2`, `stride != 1 or channels != out`.

The grammar is that of all expressions (`dlmath.language.grammar`); here `/` is exact (3/4 is a fraction), decimals are
fractions too, names are looked up in a mapping, yes and no are constants, and lists have items: repeats[0].

Functions: min, max, floor, ceil, length, and round_to(x, 8), a multiple not more than a tenth below x.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from dlmath.errors import InvalidValueError, unknown
from dlmath.language.errors import DepthError, ExpressionError, GrammarError, NoValueError
from dlmath.language.functions import FUNCTIONS, round_to
from dlmath.language.grammar import Dialect, Parser
from dlmath.language.meaning import OPERATORS, Semantics, calculated, meaning

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dlmath.language.meaning import Meaning
    from dlmath.language.tree import Over, Path

    Scope = Mapping[str, Any]

__all__ = ["evaluate", "exact", "fill", "round_to"]

LARGEST = 10**15
EXAMPLE = "write arithmetic such as 4*width // 2"


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


def number(text: str) -> Any:
    """Return a number exactly.

    >>> number("64"), number("0.75")
    (64, Fraction(3, 4))
    """
    plain = text.replace("_", "")
    if plain.isdigit():
        return int(plain)
    from fractions import Fraction

    if abs(int(re.split("[eE]", plain)[1] if "e" in plain.lower() else 0)) > 30:
        raise GrammarError(f"{text} is beyond 10^30", "write it shorter")
    return exact(Fraction(plain))


def divided(left: Any, right: Any) -> Any:
    """Return an exact quotient."""
    from fractions import Fraction

    return exact(Fraction(left) / Fraction(right))


def named(node: Path) -> Meaning:
    """Return the meaning of a name: what the scope has under it."""
    name = node.text

    def value(scope: Scope) -> Any:
        try:
            return scope[name]
        except KeyError:
            raise unknown("name", name, scope) from None

    return value


def no_sweep(node: Over) -> Meaning:
    """Refuse f[...]: the grammar of this dialect has none."""
    raise AssertionError(node)


COMPARISONS = {
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}
EXACT_OPERATORS = {**OPERATORS, "/": divided}
KNOWN = {
    "length": FUNCTIONS["len"],
    **{name: FUNCTIONS[name] for name in ("min", "max", "floor", "ceil", "round_to")},
}
DIALECT = Dialect(
    functions=KNOWN,
    constants={"yes": True, "no": False},
    number=number,
    sweeps=False,
    example=EXAMPLE,
    longest=400,
)
SEMANTICS = Semantics(
    functions=KNOWN,
    path=named,
    over=no_sweep,
    arithmetic=lambda symbol, left, right: calculated(symbol, left, right, EXACT_OPERATORS),
    compare=lambda symbol, left, right: COMPARISONS[symbol](left, right),
    judged=lambda value: value,
)


@lru_cache(maxsize=4096)
def compiled(text: str) -> Meaning:
    """Return the meaning of a text, made once.

    Raises
    ------
    InvalidValueError
        With the part that cannot be read.
    """
    try:
        return meaning(Parser(text, DIALECT).value(), SEMANTICS)
    except (DepthError, RecursionError):
        raise InvalidValueError(f"expression {_short(text)!r} is nested too deep", "make it simpler") from None
    except GrammarError as error:
        rest = text[error.position :].strip()[:10]
        place = f"at {rest!r}" if rest else "at its end"
        raise InvalidValueError(f"expression {_short(text)!r} cannot be read {place}", EXAMPLE) from None
    except ExpressionError as error:
        raise InvalidValueError(error.what, error.mend) from None


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
    try:
        value = exact(compiled(text)(scope))
    except ExpressionError as error:
        reason = error.reason if isinstance(error, NoValueError) else error.what
        raise InvalidValueError(f"{_short(text)!r} has no value: {reason}", "mend the expression") from None
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


def _short(text: str, most: int = 60) -> str:
    return text if len(text) <= most else f"{text[: most - 3]}..."
