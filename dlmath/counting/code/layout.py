"""A network laid out as a program: repeated blocks become functions, runs of equal calls loops, the rest stays in line.

Blocks are told by the names of layers (`conv3_2.conv1` stands in block conv3_2), blocks within blocks likewise. Those
of one make, whose layers agree in kind and wiring, are one function; what differs among them (widths, strides) are its
parameters.
"""

from __future__ import annotations

import re
from collections import Counter
from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple

from dlmath.counting.code.pieces import Arg, Piece, Plain, written
from dlmath.counting.engine.stages import words_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from dlmath.counting.engine.graph import Network

LEAST_LAYERS = 2
"""A block of fewer layers is no function."""

FACTORS = (2, 3, 4, 6, 8)
"""A parameter that is so many times another one in every call is written as that product."""

DULL = {"conv", "layer", "block", "stage", "unit", "x"}
"""Names that say nothing of what a function is."""


class NamedBlock(NamedTuple):
    """Pieces that stand together under one name.

    Attributes
    ----------
    name : str
    depth : int
        Blocks around it, itself included.
    places : tuple of int
        Of its pieces, in the network's order.
    sources, outputs : tuple of int
        What it reads from outside, and what of it is read outside.
    """

    name: str
    depth: int
    places: tuple[int, ...]
    sources: tuple[int, ...]
    outputs: tuple[int, ...]


class Single(NamedTuple):
    """One layer as a unit of a scope, and the texts of its steps' arguments."""

    place: int
    texts: tuple[tuple[str, ...], ...]


class CallOf(NamedTuple):
    """One use of a function as a unit of a scope: the block it stands for, and its arguments as texts."""

    function: ProgramFunction
    block: NamedBlock
    arguments: tuple[str, ...]


Unit = Single | CallOf

Scope = tuple[tuple[int, ...], int]
"""Places, and how many blocks there are around them."""


class ProgramFunction(NamedTuple):
    """A block that occurs several times.

    Attributes
    ----------
    name : str
    model : NamedBlock
        The first of its occurrences.
    parameters : tuple of str
    units : tuple of Unit
        Its body.
    """

    name: str
    model: NamedBlock
    parameters: tuple[str, ...]
    units: tuple[Unit, ...]


class ProgramLayout(NamedTuple):
    """The whole program: its functions, each after those it calls, and what it does in order."""

    functions: tuple[ProgramFunction, ...]
    units: tuple[Unit, ...]


def plan(network: Network, pieces: Mapping[int, Piece], reserved: Sequence[str]) -> ProgramLayout:
    """Return how a network is laid out.

    Parameters
    ----------
    network : Network
    pieces : mapping of int to Piece
        By place in the network; inputs and what is left out are not in it.
    reserved : sequence of str
        Names that functions must not have.
    """
    layout = _Planner(network, pieces, reserved)
    units = tuple(unit for unit, _ in layout.scope([(tuple(pieces), 0)]))
    return ProgramLayout(tuple(layout.functions.values()), units)


class _Planner:
    """The functions found so far, by the signature of their blocks."""

    def __init__(self, network: Network, pieces: Mapping[int, Piece], reserved: Sequence[str]) -> None:
        self.network = network
        self.pieces = pieces
        self.taken = set(reserved)
        self.words = {place: words_of(network.nodes[place].name) for place in pieces}
        self.readers: dict[int, list[int]] = {}
        for place in pieces:
            for source in network.nodes[place].inputs:
                self.readers.setdefault(source, []).append(place)
        self.shared = {node.shares for node in network.nodes if node.shares}
        self.functions: dict[Any, ProgramFunction] = {}
        self.families: dict[Any, list[NamedBlock]] = {}
        for block in self._all_blocks(tuple(pieces), 0):
            if self._is_function(block):
                self.families.setdefault(self._signature(block), []).append(block)
        self.arguments: dict[NamedBlock, tuple[Any, ...]] = {}

    def _all_blocks(self, places: tuple[int, ...], depth: int) -> Iterator[NamedBlock]:
        for block in self._blocks(places, depth):
            if block.name:
                yield block
                yield from self._all_blocks(block.places, depth + 1)

    def _blocks(self, places: tuple[int, ...], depth: int) -> Iterator[NamedBlock]:
        """Yield the groups of places that share one more name; a layer without one is a group without a name."""
        for name, group in groupby(places, lambda place: self._name_at(place, depth)):
            if not name:
                for place in group:
                    yield NamedBlock("", depth, (place,), (), ())
                continue
            yield self._block(name, depth + 1, tuple(group))

    def _name_at(self, place: int, depth: int) -> str:
        words = self.words[place]
        return ".".join(words[: depth + 1]) if len(words) > depth + 1 else ""

    def _block(self, name: str, depth: int, places: tuple[int, ...]) -> NamedBlock:
        inside = set(places)
        read = [source for place in places for source in self.network.nodes[place].inputs if source not in inside]
        given = [
            place
            for place in places
            if place in self.network.outputs or any(reader not in inside for reader in self.readers.get(place, ()))
        ]
        return NamedBlock(name, depth, places, tuple(dict.fromkeys(read)), tuple(given))

    def _is_function(self, block: NamedBlock) -> bool:
        """Return whether a block can be a function: one output, weights of its own, and some work."""
        nodes = [self.network.nodes[place] for place in block.places]
        shares = any(node.shares or node.name in self.shared for node in nodes)
        lines = sum(len(self.pieces[place].steps) for place in block.places)
        return lines >= LEAST_LAYERS and len(block.outputs) == 1 and bool(block.sources) and not shares

    def _signature(self, block: NamedBlock) -> Any:
        """Return what blocks of one make have in common: layers, their arguments' names, wiring, blocks within."""
        index = {place: number for number, place in enumerate(block.places)}
        outside = {source: -1 - number for number, source in enumerate(block.sources)}
        inner: dict[tuple[str, ...], int] = {}
        parts = []
        for place in block.places:
            path = tuple(self.words[place][block.depth : -1])
            wiring = tuple(index.get(source, outside.get(source)) for source in self.network.nodes[place].inputs)
            steps = tuple(
                (step.template, *_made(step), tuple((arg.word, arg.by_place) for arg in _args(step)))
                for step in self.pieces[place].steps
            )
            parts.append((wiring, steps, len(path), inner.setdefault(path, len(inner))))
        return index[block.outputs[0]], tuple(parts)

    def scope(self, members: Sequence[Scope]) -> Iterator[tuple[Unit, tuple[tuple[Arg, ...], ...]]]:
        """Yield the units of a scope with their arguments, member by member.

        Parameters
        ----------
        members : sequence of (places, depth)
            The scope in each of its occurrences.
        """
        for blocks in zip(*(tuple(self._blocks(places, depth)) for places, depth in members), strict=True):
            yield from self._unit(blocks)

    def _unit(self, blocks: tuple[NamedBlock, ...]) -> Iterator[tuple[Unit, tuple[tuple[Arg, ...], ...]]]:
        first = blocks[0]
        if not first.name:
            given = tuple(
                tuple(arg for step in self.pieces[block.places[0]].steps for arg in _args(step)) for block in blocks
            )
            texts = tuple(tuple(_text(arg) for arg in _args(step)) for step in self.pieces[first.places[0]].steps)
            yield Single(first.places[0], texts), given
            return
        key = self._signature(first) if self._is_function(first) else None
        family = self.families.get(key, ())
        if len(family) > 1:
            function = self._function(key, family)
            values = tuple(self.arguments[block] for block in blocks)
            yield CallOf(function, first, tuple(_text(arg) for arg in values[0])), values
            return
        yield from self.scope([(block.places, block.depth) for block in blocks])

    def _function(self, key: Any, family: Sequence[NamedBlock]) -> ProgramFunction:
        """Return the function of a family of blocks, made when it is first called."""
        if key not in self.functions:
            columns: dict[tuple[str, ...], str] = {}
            body = [_bound(*pair, columns) for pair in self.scope([(block.places, block.depth) for block in family])]
            joins = {self.network.nodes[place].kind for place in family[0].places}
            name = _name(family, self.taken, joins)
            self.functions[key] = ProgramFunction(name, family[0], tuple(columns.values()), tuple(body))
            for which, block in enumerate(family):
                self.arguments[block] = tuple(
                    Arg(word, Plain(column[which]), by_place=True) for column, word in columns.items()
                )
        return self.functions[key]


def _made(step: Any) -> tuple[str, str]:
    return (step.make.name, step.make.suffix) if step.make is not None else ("", "")


def _args(step: Any) -> tuple[Arg, ...]:
    return step.make.args if step.make is not None else ()


def _text(arg: Arg) -> str:
    return written(arg.value)


def _bound(unit: Unit, given: tuple[tuple[Arg, ...], ...], columns: dict[tuple[str, ...], str]) -> Unit:
    """Return a unit of a function's body: what differs among its occurrences is a parameter."""
    texts = [
        _parameter(given[0][place].word, tuple(member[place] for member in given), columns)
        for place in range(len(given[0]))
    ]
    if isinstance(unit, CallOf):
        return unit._replace(arguments=tuple(texts))
    cut, bound = 0, []
    for step in unit.texts:
        bound.append(tuple(texts[cut : cut + len(step)]))
        cut += len(step)
    return unit._replace(texts=tuple(bound))


def _parameter(word: str, args: tuple[Arg, ...], columns: dict[tuple[str, ...], str]) -> str:
    """Return how an argument is written: its value where all agree, else a parameter, or a multiple of one."""
    column = tuple(map(_text, args))
    meant = {text for text, arg in zip(column, args, strict=True) if not arg.either}
    if len(meant) <= 1:
        return meant.pop() if meant else column[0]
    if column in columns:
        return columns[column]
    multiple = _multiple(column, columns)
    if multiple:
        return multiple
    name, number = word, 1
    while name in columns.values():
        number += 1
        name = f"{word.rstrip('0123456789')}{number}"
    columns[column] = name
    return name


def _multiple(column: tuple[str, ...], columns: Mapping[tuple[str, ...], str]) -> str:
    if not all(text.isdigit() for text in column):
        return ""
    for other, name in columns.items():
        if all(text.isdigit() for text in other):
            for factor in FACTORS:
                if all(int(text) == factor * int(base) for text, base in zip(column, other, strict=True)):
                    return f"{factor} * {name}"
                if all(factor * int(text) == int(base) for text, base in zip(column, other, strict=True)):
                    return f"{name} // {factor}"
    return ""


_NUMBER = re.compile(r"[_.]?\d+[a-z]?(_\d+)*$")


def _name(family: Sequence[NamedBlock], taken: set[str], kinds: set[str]) -> str:
    """Return what blocks are called together: what most of their names begin with, numbers left off."""
    stems = Counter(_NUMBER.sub("", words_of(block.name)[-1]) for block in family)
    stem = stems.most_common(1)[0][0]
    if stem in DULL and "add" in kinds:
        stem = "residual"
    elif stem in DULL and stem != "unit" and "concat" in kinds:
        stem = "joined"
    base = identifier(stem if stem not in {*DULL, *taken} or stem == "unit" else f"{stem}_block")
    name, number = base, 1
    while name in taken:
        number += 1
        name = f"{base}_{number}"
    taken.add(name)
    return name


def identifier(text: str) -> str:
    """Return a name as Python can have it.

    >>> identifier("conv2d@2"), identifier("3a"), identifier("class")
    ('conv2d_2', 'x3a', 'class_')
    """
    import keyword

    plain = "".join(letter if letter.isalnum() and letter.isascii() else "_" for letter in text).strip("_") or "x"
    plain = plain if not plain[0].isdigit() else f"x{plain}"
    return f"{plain}_" if keyword.iskeyword(plain) else plain
