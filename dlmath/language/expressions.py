"""The language of expectations: `success_rate >= 0.9 where hidden == 4`, parsed by hand, never by `eval`.

    expectation   test [where test]
    test          or, and, not, == != < <= > >= (chained as in mathematics: 0 < x < 1), in
    number        + - * / // % ^ and brackets
    value         17, 0.75, 1e-3, 'word', true, false, null, [1, 2], a path, f(...), f[...]
    path          layers.0.macs, epochs.median, layers.*.macs (all of them, as a list)
    f(x)          a function within one cell: max(loss.value)
    f[x where t]  the same function of x over all cells of the sweep: max[success_rate where hidden == 1] < 0.5
    f[x along a]  increasing, decreasing, nondecreasing, nonincreasing along one axis, for every value of the others

This module turns text into a tree; `dlmath.language.expectations` gives trees their values.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from dlmath.errors import unknown
from dlmath.language.functions import FUNCTIONS, MONOTONE, ExpressionError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

DEEPEST = 60
"""Levels of brackets and signs; Python's own stack ends somewhere beyond."""

TOKEN = re.compile(
    r"\s*(?:(?P<number>\d[\d_]*(?:\.\d+)?(?:[eE][+-]?\d+)?)"
    r"|(?P<text>'[^']*'|\"[^\"]*\")"
    r"|(?P<name>[A-Za-z_]\w*(?:\.(?:-?\d+|[A-Za-z_]\w*|\*))*)"
    r"|(?P<symbol>\*\*|//|[=!<>]=|[-+*/%^()<>,\[\]]))"
)
WORDS = {"and", "or", "not", "in", "where", "along"}
CONSTANTS: dict[str, Any] = {"true": True, "false": False, "null": None, "inf": float("inf")}
COMPARISONS = ("==", "!=", "<=", ">=", "<", ">", "in")


class Token(NamedTuple):
    """A piece of the text: its kind, itself, and where it begins."""

    kind: str
    text: str
    position: int


class Literal(NamedTuple):
    """A number, a word in quotation marks, true, false or null."""

    value: Any
    position: int


class Items(NamedTuple):
    """A list: [2, 4, 1]."""

    items: tuple[Node, ...]
    position: int


class Path(NamedTuple):
    """The place of a value in a cell's result or settings."""

    steps: tuple[str, ...]
    position: int


class Signed(NamedTuple):
    """`-x`, or `not x`."""

    operator: str
    operand: Node
    position: int


class Binary(NamedTuple):
    """Arithmetic, or `and` and `or`."""

    operator: str
    left: Node
    right: Node
    position: int


class Compare(NamedTuple):
    """One comparison or a chain: 0 < x < 1 has three operands and two operators."""

    operands: tuple[Node, ...]
    operators: tuple[str, ...]
    position: int


class Call(NamedTuple):
    """A function of values in one cell."""

    function: str
    arguments: tuple[Node, ...]
    position: int


class Over(NamedTuple):
    """A function of one value in every cell of the sweep, or in those where a test holds."""

    function: str
    value: Node
    along: str | None
    where: Node | None
    position: int


class Expectation(NamedTuple):
    """A test, and the cells it is meant for (None: all of them)."""

    test: Node
    where: Node | None
    text: str


Node: TypeAlias = "Literal | Items | Path | Signed | Binary | Compare | Call | Over"


def tokens_of(text: str) -> Iterator[Token]:
    """Yield the pieces of an expression, an empty one at the end.

    >>> [token.text for token in tokens_of("layers.0.macs >= 1e3")]
    ['layers.0.macs', '>=', '1e3', '']
    """
    place = 0
    end = len(text.rstrip())
    while place < end:
        found = TOKEN.match(text, place)
        if found is None:
            start = place + len(text[place:]) - len(text[place:].lstrip())
            raise ExpressionError(f"{text[start]!r} has no meaning here", "write a test such as ratio < 0.25", start)
        kind = str(found.lastgroup)
        word = found[kind]
        yield Token("word" if word in WORDS else kind, word, found.start(kind))
        place = found.end()
    yield Token("end", "", end)


def parse(text: str) -> Expectation:
    """Return the tree of an expectation.

    Raises
    ------
    ExpressionError
        With the position in the text that cannot be read.

    Examples
    --------
    >>> parse("ratio < 1/4 where depth > 2").test.operators
    ('<',)
    """
    return Parser(text).expectation()


class Parser:
    """Recursive descent: one method a level of binding, loosest first."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = list(tokens_of(text))
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
        return ExpressionError(what, "write a test such as success_rate >= 0.9 where hidden == 4", self.token.position)

    def expectation(self) -> Expectation:
        """Read a test and its `where`; nothing may follow."""
        test = self.either()
        where = self.either() if self.take("where") else None
        if self.token.kind != "end":
            raise self.fault()
        return Expectation(test, where, self.text.strip())

    def either(self) -> Node:
        """Read tests joined by `or`; every bracket comes back here, so depth is counted here."""
        self.depth += 1
        if self.depth > DEEPEST:
            raise ExpressionError("brackets are nested too deep", "make it simpler", self.token.position)
        node = self.chain(self.both, "or")
        self.depth -= 1
        return node

    def both(self) -> Node:
        """Read tests joined by `and`."""
        return self.chain(self.negated, "and")

    def chain(self, operand: Callable[[], Node], *operators: str) -> Node:
        """Read operands joined from left to right."""
        node = operand()
        while token := self.take(*operators):
            node = Binary(token.text, node, operand(), token.position)
        return node

    def negated(self) -> Node:
        """Read `not` tests."""
        marks = []
        while token := self.take("not"):
            marks.append(token)
        node = self.comparison()
        for token in marks:
            node = Signed("not", node, token.position)
        return node

    def comparison(self) -> Node:
        """Read sums that are compared."""
        operands, operators = [self.sum()], []
        position = self.token.position
        while token := self.take(*COMPARISONS):
            operators.append(token.text)
            operands.append(self.sum())
        return Compare(tuple(operands), tuple(operators), position) if operators else operands[0]

    def sum(self) -> Node:
        """Read products that are added."""
        return self.chain(self.product, "+", "-")

    def product(self) -> Node:
        """Read powers that are multiplied."""
        return self.chain(self.signed, "*", "/", "//", "%")

    def signed(self) -> Node:
        """Read a sign, which binds looser than a power: -2^2 = -4."""
        marks = []
        while token := self.take("-", "+"):
            marks.append(token)
        node = self.power()
        for token in marks:
            node = Signed("-", node, token.position) if token.text == "-" else node
        return node

    def power(self) -> Node:
        """Read a power; its exponent may have a sign."""
        base = self.atom()
        token = self.take("^", "**")
        if token is None:
            return base
        self.depth += 1
        exponent = self.signed()
        self.depth -= 1
        return Binary("^", base, exponent, token.position)

    def atom(self) -> Node:
        """Read a value."""
        token = self.token
        if self.take("("):
            node = self.either()
            self.need(")")
            return node
        if self.take("["):
            return Items(self.listed("]"), token.position)
        if token.kind not in {"number", "text", "name"}:
            raise self.fault()
        self.place += 1
        if token.kind == "number":
            return Literal(number(token.text), token.position)
        if token.kind == "text":
            return Literal(token.text[1:-1], token.position)
        return self.named(token)

    def named(self, token: Token) -> Node:
        """Read what a name begins: a function, a constant or a path."""
        if self.take("("):
            return self.call(token)
        if self.take("["):
            return self.over(token)
        if token.text in CONSTANTS:
            return Literal(CONSTANTS[token.text], token.position)
        return Path(tuple(token.text.split(".")), token.position)

    def listed(self, end: str) -> tuple[Node, ...]:
        """Read values between commas up to a closing bracket."""
        if self.take(end):
            return ()
        items = [self.either()]
        while self.take(","):
            items.append(self.either())
        self.need(end)
        return tuple(items)

    def call(self, token: Token) -> Call:
        """Read the arguments of a function."""
        function = known_function(token)
        arguments = self.listed(")")
        least, most = FUNCTIONS[function].arity
        if not least <= len(arguments) <= most:
            wanted = f"{least}" if least == most else f"{least} or more"
            what = f"{function} has {len(arguments)} values in its brackets"
            raise ExpressionError(what, f"give it {wanted}: {FUNCTIONS[function].usage}", token.position)
        return Call(function, arguments, token.position)

    def over(self, token: Token) -> Over:
        """Read what a function takes over the sweep."""
        function = known_function(token)
        if FUNCTIONS[function].arity[0] != 1 or FUNCTIONS[function].scalar:
            listing = ", ".join(name for name, made in FUNCTIONS.items() if not made.scalar)
            raise ExpressionError(f"{function}[...] has no meaning over a sweep", f"allowed: {listing}", token.position)
        value = self.either()
        along = self.axis(function) if self.take("along") else None
        where = self.either() if self.take("where") else None
        self.need("]")
        return Over(function, value, along, where, token.position)

    def axis(self, function: str) -> str:
        """Read the name of an axis."""
        token = self.token
        if function not in MONOTONE:
            raise ExpressionError(f"{function}[...] has no direction", "leave `along` away", token.position)
        if token.kind != "name":
            raise self.fault("the name of an axis is missing")
        self.place += 1
        return token.text


def known_function(token: Token) -> str:
    """Return the name of a function, or raise the error with the nearest one."""
    if token.text not in FUNCTIONS:
        error = unknown("function", token.text, FUNCTIONS)
        raise ExpressionError(error.what, error.mend, token.position)
    return token.text


def number(text: str) -> int | float:
    """Return a number; whole ones stay exact.

    >>> number("61_100_840"), number("1e-3")
    (61100840, 0.001)
    """
    plain = text.replace("_", "")
    return int(plain) if plain.isdigit() else float(plain)


def children(node: Node) -> tuple[Node, ...]:
    """Return the nodes right below a node, those of the same cell: what a function takes over the sweep is not."""
    match node:
        case Signed():
            return (node.operand,)
        case Binary():
            return (node.left, node.right)
        case Compare():
            return node.operands
        case Call():
            return node.arguments
        case Items():
            return node.items
        case _:
            return ()


def walk(node: Node) -> Iterator[Node]:
    """Yield a node and all below it in the same cell."""
    yield node
    for child in children(node):
        yield from walk(child)


def paths_of(tree: Expectation) -> list[str]:
    """Return the paths whose values a test looks at, in order, each once; not those of `where`.

    >>> paths_of(parse("mean[success_rate where hidden == 2] < params + max(loss.value)"))
    ['success_rate', 'params', 'loss.value']
    """
    found = []
    for node in walk(tree.test):
        if isinstance(node, Path):
            found.append(".".join(node.steps))
        elif isinstance(node, Over):
            found += paths_of(Expectation(node.value, None, ""))
    return list(dict.fromkeys(found))
