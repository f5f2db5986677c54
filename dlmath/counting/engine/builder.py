"""Rows of an architecture document turned into nodes of a graph, one after another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from dlmath.counting.engine.graph import Node
from dlmath.counting.engine.layers import count_layer, get_kind
from dlmath.counting.engine.options import resolve
from dlmath.counting.engine.schema import COMMON
from dlmath.counting.engine.words import ChainWord, layer_options, no_such_layer, own_word, padded, split_row
from dlmath.errors import DlmathError, InvalidValueError, unknown
from dlmath.language.exact import evaluate, exact, fill

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from dlmath.counting.engine.graph import Shape

    Path = tuple[str | int, ...]
    Structure = Callable[["Builder", Mapping[str, Any], "BuilderScope", "GraphPlace", Path], None]

MOST_ROWS = 100_000
"""Rows that are followed at most, repeats included: `repeat: 1000000000` is a slip."""

DEEPEST = 30
"""Blocks within blocks; one that calls itself never ends."""


class GraphPlace(NamedTuple):
    """Where in the network rows are being added.

    Attributes
    ----------
    prefix : str
        Of the names of what is added: `layer1.` in a block of that name.
    times : int
    group : str
    frozen : bool
    shared : (str, str) or None
        The prefix whose layers' weights are used, and the prefix that stands for it here.
    depth : int
    """

    prefix: str = ""
    times: int = 1
    group: str = ""
    frozen: bool = False
    shared: tuple[str, str] | None = None
    depth: int = 0


class BuilderScope(dict[str, Any]):
    """The names that expressions know; `channels` and `shape` are of what the row reads, worked out when asked."""

    def __init__(self, values: Mapping[str, Any], shape: Callable[[], Shape]) -> None:
        super().__init__(values)
        self.current_shape = shape

    def __missing__(self, name: str) -> Any:
        if name == "channels":
            return self.current_shape()[-1]
        if name == "shape":
            return self.current_shape()
        raise KeyError(name)

    def with_names(self, values: Mapping[str, Any]) -> BuilderScope:
        """Return the same scope with more names."""
        return BuilderScope({**self, **values}, self.current_shape)


def convert(value: Any) -> Any:
    """Return what a text of the command line means: a number, yes or no, or the text itself.

    >>> convert("64"), convert("yes"), convert("3x3")
    (64, True, '3x3')
    """
    if not isinstance(value, str):
        return exact(value)
    plain = value.strip()
    if plain.isascii() and plain.isdigit() and len(plain) < 15:
        return int(plain)
    if plain in {"yes", "no", "true", "false"}:
        return plain in {"yes", "true"}
    if plain.replace(".", "", 1).isdigit() and plain.isascii() and plain[0] != "." and plain[-1] != ".":
        return evaluate(plain, {})
    return plain


class Builder:
    """A network while it is being built.

    Attributes
    ----------
    nodes : list of Node
    """

    def __init__(
        self, blocks: Mapping[str, Any], structures: Mapping[str, Structure], padding: str, *, check_shapes: bool
    ) -> None:
        self.nodes: list[Node] = []
        self.blocks = blocks
        self.structures = structures
        self.padding = padding
        self.check_shapes = check_shapes
        self.current = 0
        self.ends: dict[str, int] = {}  # full names of layers and named groups -> their last node
        self.seen: dict[str, int] = {}  # prefix + kind -> how many were named after it
        self.split: dict[str, ChainWord] = {}
        self.options: dict[tuple[object, ...], tuple[str, dict[str, Any]]] = {}  # equal rows share their options
        self.heads: list[int] = []
        self.shapes: list[Shape] = []
        self.counted: dict[tuple[object, ...], Shape] = {}
        self.followed = 0

    def start(self, shape: Shape) -> None:
        """Add the input."""
        self.add("input", {"shape": shape}, (), "input", None, GraphPlace())

    def outputs(self, names: Sequence[str]) -> tuple[int, ...]:
        """Return the places of the outputs: those named, or the last row's; then those of auxiliary heads."""
        main = [self.find(name, "", f"outputs: {name}") for name in names] or [self.current]
        return (*main, *self.heads)

    def shape(self) -> Shape:
        """Return the shape of what the next row reads."""
        return self.shape_of(self.current)

    def shape_of(self, place: int) -> Shape:
        """Return the shape of a node's output; shapes are worked out no further than asked."""
        for node in self.nodes[len(self.shapes) : place + 1]:
            inputs = tuple(self.shapes[source] for source in node.inputs)
            key = node.kind, id(node.options), inputs
            if key not in self.counted:
                self.counted[key] = count_layer(node.kind, node.options, inputs).output
            self.shapes.append(self.counted[key])
        return self.shapes[place]

    def rows(self, rows: Any, scope: Mapping[str, Any], place: GraphPlace, path: Path) -> None:
        """Add a list of rows (or a single one), each reading the one before it."""
        names = scope if isinstance(scope, BuilderScope) else BuilderScope(scope, self.shape)
        if rows is None:
            return
        if not isinstance(rows, list):
            self.row(rows, names, place, path)
            return
        for number, row in enumerate(rows):
            self.row(row, names, place, (*path, number))

    def row(self, row: Any, scope: BuilderScope, place: GraphPlace, path: Path) -> None:
        """Add one row; a fault in it is told with its path in the document."""
        self.followed += 1
        try:
            if self.followed > MOST_ROWS or place.depth > DEEPEST:
                raise InvalidValueError("the architecture does not end", "repeat less, and let no block call itself")
            if isinstance(row, str):
                self.text(row, scope, place)
                return
            for key, structure in self.structures.items():
                if key in row:
                    structure(self, row, scope, place, path)
                    return
            self.mapping(row, scope, place)
        except DlmathError as error:
            raise _placed(error, path) from None

    def text(self, text: str, scope: BuilderScope, place: GraphPlace) -> None:
        """Add a row written as words."""
        filled = text if "{" not in text else str(fill(text, scope))
        if filled not in self.split:
            self.split[filled] = split_row(filled)
        row = self.split[filled]
        if row.word in self.blocks:
            self.call(row, [convert(value) for value in row.values], _converted(row.options), scope, place)
            return
        key = row.word, row.values, tuple(row.options.items())
        if key not in self.options:
            self.options[key] = self.resolved(*layer_options(row))
        self.layer(row, *self.options[key], place)

    def mapping(self, mapping: Mapping[str, Any], scope: BuilderScope, place: GraphPlace) -> None:
        """Add a layer or block written as a mapping: its first key is the layer, the others are options."""
        word, head = next(iter(mapping.items()))
        filled = {key: fill(value, scope) if isinstance(value, str) else value for key, value in mapping.items()}
        options = {key: value for key, value in filled.items() if key not in {word, *COMMON}}
        row = ChainWord(
            str(word), sources=_names(filled.get("from")), shares=filled.get("sharing"), name=filled.get("name")
        )
        if word in self.blocks:
            values = filled[word] if isinstance(filled[word], list) else [] if head is None else [filled[word]]
            self.call(row, values, _converted(options), scope, place)
            return
        kind, given = layer_options(row._replace(values=() if head is None else (str(filled[word]),)))
        own = {own_word(get_kind(kind), name): value for name, value in options.items()}
        self.layer(row, *self.resolved(kind, {**given, **own}), place)

    def resolved(self, kind: str, options: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        """Return a kind with all its options, checked."""
        return kind, resolve(kind, get_kind(kind), padded(kind, options, self.padding))

    def layer(self, row: ChainWord, kind: str, options: Mapping[str, Any], place: GraphPlace) -> None:
        """Add a layer."""
        inputs = tuple(self.find(name, place.prefix, row.word) for name in row.sources)
        if not inputs and kind not in {"input", "parameter"}:
            inputs = (self.current,)
        shares = self.nodes[self.find(row.shares, place.prefix, row.word)].name if row.shares else None
        self.add(kind, options, inputs, row.name, shares, place)

    def add(
        self,
        kind: str,
        options: Mapping[str, Any],
        inputs: tuple[int, ...],
        name: str | None,
        shares: str | None,
        place: GraphPlace,
    ) -> None:
        """Add a node and make it what the next row reads."""
        full = self.own_name(name, kind, place.prefix)
        if place.shared is not None and shares is None:
            origin, own = place.shared
            shares = origin + full.removeprefix(own)
            if shares not in self.ends:
                raise no_such_layer(shares, list(self.ends), full)
        self.nodes.append(Node(full, kind, options, inputs, shares, place.times, place.group, place.frozen))
        self.current = self.ends[full] = len(self.nodes) - 1
        if self.check_shapes:
            self.shape_of(self.current)

    def own_name(self, name: str | None, kind: str, prefix: str) -> str:
        """Return the full name of something: its own, or its kind and number."""
        if name is None:
            number = self.seen[prefix + kind] = self.seen.get(prefix + kind, 0) + 1
            name = f"{kind}{number}"
        full = prefix + name
        if full in self.ends:
            raise InvalidValueError(f"two layers are named {full!r}", "give each its own name")
        return full

    def find(self, name: str, prefix: str, text: str) -> int:
        """Return the node of a name: of this block, or of the one around it, and so on outward."""
        while True:
            if prefix + name in self.ends:
                return self.ends[prefix + name]
            if not prefix:
                raise no_such_layer(name, list(self.ends), text)
            prefix = prefix[: prefix[:-1].rfind(".") + 1]

    def enter(self, row: ChainWord, place: GraphPlace, *, kind: str | None = None) -> tuple[GraphPlace, str | None]:
        """Return the place inside a block or a named group, and its full name; go to where it reads from."""
        if len(row.sources) > 1:
            raise InvalidValueError(f"{row.word!r} reads {len(row.sources)} layers", "join them first, or name one")
        for source in row.sources:
            self.current = self.find(source, place.prefix, row.word)
        if row.name is None and kind is None:
            return place, None
        full = self.own_name(row.name, kind or "", place.prefix)
        inside = place._replace(prefix=f"{full}.", depth=place.depth + 1)
        if row.shares is not None:
            origin = self.group_name(row.shares, place.prefix, row.word)
            inside = inside._replace(shared=(f"{origin}.", f"{full}."))
        return inside, full

    def group_name(self, name: str, prefix: str, text: str) -> str:
        """Return the full name of an earlier block or group."""
        place = self.find(name, prefix, text)
        return next(full for full, end in self.ends.items() if end == place and f".{full}".endswith(f".{name}"))

    def call(
        self, row: ChainWord, values: Sequence[Any], options: Mapping[str, Any], scope: BuilderScope, place: GraphPlace
    ) -> None:
        """Add the rows of a block, its own names bound to the values of the call."""
        block = self.blocks[row.word]
        takes: Mapping[str, Any] = (block.get("takes") if isinstance(block, dict) else None) or {}
        bound = bind(row.word, takes, values, options, scope)
        inside, full = self.enter(row, place, kind=row.word)
        where: Path = ("blocks", row.word)
        rows, where = (block, where) if isinstance(block, list) else (block["layers"], (*where, "layers"))
        self.rows(rows, scope.with_names(bound), inside, where)
        if full is not None:
            self.ends[full] = self.current


def bind(
    word: str, takes: Mapping[str, Any], values: Sequence[Any], options: Mapping[str, Any], scope: BuilderScope
) -> dict[str, Any]:
    """Return the values of what a block takes: in order, by name, or by default (which may use those before it)."""
    if len(values) > len(takes):
        raise InvalidValueError(
            f"block {word!r} has {len(values)} values and takes {len(takes)}", f"it takes {', '.join(takes) or 'none'}"
        )
    given = dict(zip(takes, values, strict=False))
    for name, value in options.items():
        if name not in takes:
            raise unknown(f"value of block {word!r}:", name, takes)
        if name in given:
            raise InvalidValueError(f"block {word!r} has two values for {name!r}", "give one")
        given[name] = value
    bound: dict[str, Any] = {}
    for name, default in takes.items():
        value = given.get(name, default)
        if value is None:
            raise InvalidValueError(f"block {word!r} has no value for {name!r}", f"give {name}=VALUE")
        filled = name not in given and isinstance(value, str)
        bound[name] = exact(fill(value, scope.with_names(bound)) if filled else value)
    return bound


def number(value: Any, scope: BuilderScope) -> Any:
    """Return the value of what is an expression without brackets around it: of `if`, `repeat`, `times`."""
    if not isinstance(value, str):
        return value
    return fill(value, scope) if "{" in value else evaluate(value, scope)


def _converted(options: Mapping[str, Any]) -> dict[str, Any]:
    return {name: convert(value) for name, value in options.items()}


def _names(value: Any) -> tuple[str, ...]:
    if value is None:
        return ()
    parts = value.split(",") if isinstance(value, str) else value
    return tuple(str(part).strip() for part in parts)


def _placed(error: DlmathError, path: Path) -> DlmathError:
    """Return the error with its innermost path; its class stays."""
    if not hasattr(error, "path"):
        error.path = path  # type: ignore[attr-defined]
    return error
