"""The tree of an expression, as both of its dialects have it.

Operators of one level of binding that follow each other are one node with many operands, not a ladder of nodes: a chain
of thousands of `and` is no deeper than one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator


class Literal(NamedTuple):
    """A number, a word in quotation marks, true, false or null."""

    value: Any
    position: int


class Items(NamedTuple):
    """A list: [2, 4, 1]."""

    items: tuple[Node, ...]
    position: int


class Path(NamedTuple):
    """A name, or the place of a value in a cell's result or settings."""

    steps: tuple[str, ...]
    position: int

    @property
    def text(self) -> str:
        """The path as it is written."""
        return ".".join(self.steps)


class Index(NamedTuple):
    """An item of a list: repeats[0]."""

    value: Node
    place: Node
    position: int


class Signed(NamedTuple):
    """`-x`, or `not x`."""

    operator: str
    operand: Node
    position: int


class Chain(NamedTuple):
    """Operands joined from left to right by operators that bind alike: a - b + c, or a and b and c.

    `positions` are those of the operators; of `^`, which joins from the right, there is one.
    """

    operands: tuple[Node, ...]
    operators: tuple[str, ...]
    positions: tuple[int, ...]


class Compare(NamedTuple):
    """One comparison or a chain: 0 < x < 1 has three operands and two operators."""

    operands: tuple[Node, ...]
    operators: tuple[str, ...]
    positions: tuple[int, ...]


class Call(NamedTuple):
    """A function of values in one cell."""

    function: str
    arguments: tuple[Node, ...]
    position: int


class Over(NamedTuple):
    """A function of one value in every cell of the sweep, or in those where a test holds.

    `rest` are constants that the function takes besides: quantile[x, 0.9].
    """

    function: str
    value: Node
    rest: tuple[Node, ...]
    along: str | None
    where: Node | None
    position: int


class Expectation(NamedTuple):
    """A test, and the cells it is meant for (None: all of them)."""

    test: Node
    where: Node | None
    text: str


Node: TypeAlias = "Literal | Items | Path | Index | Signed | Chain | Compare | Call | Over"


def children(node: Node) -> tuple[Node, ...]:
    """Return the nodes right below a node, those of the same cell: what a function takes over the sweep is not."""
    match node:
        case Signed():
            return (node.operand,)
        case Chain() | Compare():
            return node.operands
        case Call():
            return node.arguments
        case Items():
            return node.items
        case Index():
            return (node.value, node.place)
        case _:
            return ()


def walk(node: Node) -> Iterator[Node]:
    """Yield a node and all below it in the same cell, in the order in which they are written."""
    waiting = [node]
    while waiting:
        node = waiting.pop()
        yield node
        waiting += reversed(children(node))


def all_paths(tree: Expectation) -> Iterator[tuple[Path, bool]]:
    """Yield every path of an expectation and whether it stands in a `where`, those inside f[...] too."""
    yield from paths_below(tree.test, in_where=False)
    if tree.where is not None:
        yield from paths_below(tree.where, in_where=True)


def paths_below(node: Node, *, in_where: bool) -> Iterator[tuple[Path, bool]]:
    """Yield every path below a node, and whether it stands in a `where`."""
    for part in walk(node):
        if isinstance(part, Path):
            yield part, in_where
        elif isinstance(part, Over):
            yield from paths_below(part.value, in_where=False)
            if part.where is not None:
                yield from paths_below(part.where, in_where=True)


def paths_of(tree: Expectation) -> list[str]:
    """Return the paths whose values a test looks at, in order, each once; not those of `where`."""
    return list(dict.fromkeys(path.text for path, in_where in all_paths(tree) if not in_where))
