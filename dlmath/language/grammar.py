"""Text to tree: the one grammar of all expressions, by precedence climbing, never by `eval`.

    test       or, and, not, == != < <= > >= in (chained as in mathematics: 0 < x < 1)
    number     + - * / // % ^ (or **) and brackets; a sign binds looser than a power: -2^2 = -4
    value      17, 0.75, .5, 1e-3, 1_000, 'word', "word", a constant, [1, 2], a name, f(...)

Its dialects differ by what a name may be, by their constants, functions and numbers, and by whether there is a sweep:

    expectations   paths (layers.0.macs), f[x where t], f[x along a], and `where` at the end
    architectures  names, and items of lists: repeats[1]
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from dlmath.errors import unknown
from dlmath.language.errors import DepthError, ExpressionError, GrammarError
from dlmath.language.tree import Call, Chain, Compare, Expectation, Index, Items, Literal, Over, Path, Signed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from dlmath.language.functions import Function
    from dlmath.language.tree import Node

DEEPEST = 50
"""Brackets and powers within each other; Python's own stack ends somewhere beyond."""
MOST_DIGITS = 1000
"""Of one number: beyond what anything is counted in, short of what stalls exact arithmetic."""

OR, AND, NOT, COMPARISON, SUM, PRODUCT, SIGN, POWER = range(1, 9)
BINDING: dict[str, int] = {
    "or": OR,
    "and": AND,
    **dict.fromkeys(("==", "!=", "<", "<=", ">", ">=", "in"), COMPARISON),
    **dict.fromkeys(("+", "-"), SUM),
    **dict.fromkeys(("*", "/", "//", "%"), PRODUCT),
    **dict.fromkeys(("^", "**"), POWER),
}
"""Operators between two values and how tightly they bind."""
NAME = r"[A-Za-z_]\w*"
DOTTED = rf"{NAME}(?:\.(?:-?\d+|[A-Za-z_]\w*|\*))*"


class Dialect(NamedTuple):
    """What one use of the language has of its own.

    Parameters
    ----------
    functions : mapping
    constants : mapping
        Names that are values.
    number : callable
        The value of a number as it is written.
    sweeps : bool
        Whether there is a sweep (paths, f[...], `where`), or lists with items instead.
    example : str
        What messages tell to write.
    longest : int
        Characters of an expression.
    """

    functions: Mapping[str, Function]
    constants: Mapping[str, Any]
    number: Callable[[str], Any]
    sweeps: bool
    example: str
    longest: int

    @property
    def words(self) -> set[str]:
        """Words that are no names."""
        return {"and", "or", "not", *(("in", "where", "along") if self.sweeps else ())}


class Token(NamedTuple):
    """A piece of the text: its kind, itself, and where it begins."""

    kind: str
    text: str
    position: int


@cache
def pattern(*, dotted: bool) -> re.Pattern[str]:
    """Return the pattern of a piece."""
    return re.compile(
        r"\s*(?:(?P<number>(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)"
        r"|(?P<text>'[^']*'|\"[^\"]*\")"
        rf"|(?P<name>{DOTTED if dotted else NAME})"
        r"|(?P<symbol>\*\*|//|[=!<>]=|[-+*/%^()<>,\[\]]))",
        re.ASCII,
    )


def tokens_of(text: str, dialect: Dialect) -> Iterator[Token]:
    """Yield the pieces of an expression, an empty one at the end."""
    words, piece = dialect.words, pattern(dotted=dialect.sweeps)
    place, end = 0, len(text.rstrip())
    if end > dialect.longest:
        raise GrammarError(f"it is longer than {dialect.longest:,} characters", "make it simpler", dialect.longest)
    while place < end:
        found = piece.match(text, place)
        if found is None:
            start = place + len(text[place:]) - len(text[place:].lstrip())
            raise GrammarError(f"{text[start]!r} has no meaning here", dialect.example, start)
        kind = str(found.lastgroup)
        yield Token("word" if found[kind] in words else kind, found[kind], found.start(kind))
        place = found.end()
    yield Token("end", "", end)


def number(text: str) -> int | float:
    """Return a number; whole ones stay exact.

    >>> number("61_100_840"), number("1e-3"), number(".5"), number("1.")
    (61100840, 0.001, 0.5, 1.0)
    """
    plain = text.replace("_", "")
    return int(plain) if plain.isdigit() else float(plain)


class Parser:
    """Precedence climbing: `expression` reads all that binds at least so tightly, and calls itself for what is tighter.

    Parameters
    ----------
    text : str
    dialect : Dialect
    """

    def __init__(self, text: str, dialect: Dialect) -> None:
        self.text = text
        self.dialect = dialect
        self.tokens = list(tokens_of(text, dialect))
        self.place = 0
        self.depth = 0

    @property
    def token(self) -> Token:
        """The next piece."""
        return self.tokens[self.place]

    def take(self, *texts: str) -> Token | None:
        """Return the next piece and pass it, if it is one of these symbols or words."""
        token = self.token
        if token.kind in {"symbol", "word"} and token.text in texts:
            self.place += 1
            return token
        return None

    def need(self, text: str) -> None:
        """Pass a symbol that must stand here."""
        if not self.take(text):
            raise self.fault(f"{text!r} is missing")

    def fault(self, what: str = "") -> ExpressionError:
        """Return the error for the next piece."""
        rest = f"before {self.token.text!r}" if self.token.text else "at the end"
        if not what:
            what = f"{self.token.text!r} cannot stand here" if self.token.text else "something is missing at the end"
        else:
            what = f"{what} {rest}"
        return GrammarError(what, self.dialect.example, self.token.position)

    def end(self) -> None:
        """Refuse what follows."""
        if self.token.kind != "end":
            raise self.fault()

    def value(self) -> Node:
        """Read an expression; nothing may follow."""
        node = self.nested()
        self.end()
        return node

    def expectation(self) -> Expectation:
        """Read a test and its `where`; nothing may follow."""
        test = self.nested()
        where = self.nested() if self.take("where") else None
        self.end()
        return Expectation(test, where, self.text.strip())

    def nested(self, least: int = OR) -> Node:
        """Read what stands in brackets or in an exponent; depth is counted here."""
        self.depth += 1
        if self.depth > DEEPEST:
            raise DepthError("brackets are nested too deep", "make it simpler", self.token.position)
        node = self.expression(least)
        self.depth -= 1
        return node

    def expression(self, least: int) -> Node:
        """Read operands joined by operators that bind at least so tightly.

        Operators of one level that follow each other make one node: level by level, the node so far becomes the first
        operand of the next looser one.
        """
        node = self.prefixed(least)
        while (level := self.level()) >= least:
            if level == POWER:
                token = self.tokens[self.place]
                self.place += 1
                node = Chain((node, self.nested(SIGN)), ("^",), (token.position,))
            else:
                node = self.joined(node, level)
        return node

    def level(self) -> int:
        """Return how tightly the next operator binds, 0 when there is none."""
        token = self.token
        return BINDING.get(token.text, 0) if token.kind in {"symbol", "word"} else 0

    def joined(self, first: Node, level: int) -> Node:
        """Read the rest of a chain of one level."""
        operands, operators, positions = [first], [], []
        while self.level() == level:
            operators.append(self.token.text)
            positions.append(self.token.position)
            self.place += 1
            operands.append(self.expression(level + 1))
        kind = Compare if level == COMPARISON else Chain
        return kind(tuple(operands), tuple(operators), tuple(positions))

    def prefixed(self, least: int) -> Node:
        """Read signs or `not`, and what they stand before; pairs of them are one, so that none is deep."""
        marks: list[Token] = []
        signs = ("not",) if self.token.text == "not" and least <= NOT else ("-", "+")
        while token := self.take(*signs):
            marks += [token] if token.text != "+" else []
        if not marks:
            return self.atom()
        node = self.expression(COMPARISON if signs == ("not",) else POWER)
        for token in marks[: 2 - len(marks) % 2]:
            node = Signed(token.text, node, token.position)
        return node

    def atom(self) -> Node:
        """Read a value, and the item that is taken of it."""
        token = self.token
        if self.take("("):
            node = self.nested()
            self.need(")")
        elif self.take("["):
            node = Items(self.listed("]"), token.position)
        elif token.kind in {"number", "text", "name"}:
            self.place += 1
            node = self.simple(token)
        else:
            raise self.fault()
        while not self.dialect.sweeps and (token := self.token) and self.take("["):
            node = Index(node, self.nested(), token.position)
            self.need("]")
        return node

    def simple(self, token: Token) -> Node:
        """Return what a number, a word or a name begins."""
        if token.kind == "number":
            if len(token.text) > MOST_DIGITS:
                raise GrammarError(f"a number has more than {MOST_DIGITS} digits", "write it shorter", token.position)
            return Literal(self.dialect.number(token.text), token.position)
        if token.kind == "text":
            return Literal(token.text[1:-1], token.position)
        if self.take("("):
            return self.call(token)
        if self.dialect.sweeps and self.take("["):
            return self.over(token)
        if token.text in self.dialect.constants:
            return Literal(self.dialect.constants[token.text], token.position)
        return Path(tuple(token.text.split(".")), token.position)

    def listed(self, end: str) -> tuple[Node, ...]:
        """Read values between commas up to a closing bracket."""
        if self.take(end):
            return ()
        items = [self.nested()]
        while self.take(","):
            items.append(self.nested())
        self.need(end)
        return tuple(items)

    def call(self, token: Token) -> Call:
        """Read the arguments of a function."""
        function = self.function(token)
        arguments = self.listed(")")
        self.check_arity(token, len(arguments))
        return Call(function, arguments, token.position)

    def over(self, token: Token) -> Over:
        """Read what a function takes over the sweep."""
        function = self.dialect.functions[self.function(token)]
        if function.over is None:
            allowed = ", ".join(name for name, each in self.dialect.functions.items() if each.over is not None)
            what = f"{token.text}[...] has no meaning over a sweep"
            raise ExpressionError(what, f"allowed: {allowed}", token.position)
        value, *rest = [self.nested()]
        while self.take(","):
            rest.append(self.nested())
        self.check_arity(token, 1 + len(rest), function.over)
        along = self.axis(token.text, directed=function.directed) if self.take("along") else None
        where = self.nested() if self.take("where") else None
        self.need("]")
        return Over(token.text, value, tuple(rest), along, where, token.position)

    def check_arity(self, token: Token, count: int, arity: tuple[int, int] | None = None) -> None:
        """Refuse too few or too many arguments."""
        function = self.dialect.functions[token.text]
        least, most = arity or function.arity
        if not least <= count <= most:
            wanted = f"{least}" if least == most else f"{least} or more"
            what = f"{token.text} has {count} values in its brackets"
            raise ExpressionError(what, f"give it {wanted}: {function.usage}", token.position)

    def axis(self, function: str, *, directed: bool) -> str:
        """Read the name of an axis."""
        token = self.token
        if not directed:
            raise ExpressionError(f"{function}[...] has no direction", "leave `along` away", token.position)
        if token.kind != "name":
            raise self.fault("the name of an axis is missing")
        self.place += 1
        return token.text

    def function(self, token: Token) -> str:
        """Return the name of a function, or raise the error with the nearest one."""
        if token.text not in self.dialect.functions:
            error = unknown("function", token.text, self.dialect.functions)
            raise ExpressionError(error.what, error.mend, token.position)
        return token.text
