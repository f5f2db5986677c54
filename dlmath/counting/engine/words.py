"""The mini-language of layers: `conv:3x3x64/2,pad=1 from stem as conv1`, one word a layer.

    LAYER[:HEAD][,OPTION=VALUE...] [from NAME[,NAME...]] [sharing NAME] [as NAME]

HEAD holds the sizes a layer is known by (`3x3x64/2`: kernel, output channels, stride). `from` names the layers whose
outputs it reads (the one before it, unless told), `sharing` the layer whose weights it uses, `as` its own name.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from dlmath.counting.engine.graph import Network, Node
from dlmath.counting.engine.layers import canonical, get_kind
from dlmath.counting.engine.options import resolve
from dlmath.errors import InvalidValueError, nearest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dlmath.counting.engine.graph import Shape
    from dlmath.counting.engine.options import LayerKind

SPELLINGS = {
    **dict.fromkeys(("padding", "pads"), ("pad",)),
    **dict.fromkeys(
        ("filters", "units", "out_channels", "out_features", "output_dim", "embedding_dim"), ("out", "units")
    ),
    **dict.fromkeys(("hidden_size", "num_units"), ("units",)),
    **dict.fromkeys(("kernel_size", "pool_size", "kernel_shape"), ("kernel",)),
    "strides": ("stride",),
    **dict.fromkeys(("dilation_rate", "dilations"), ("dilation",)),
    "use_bias": ("bias",),
    "ceil_mode": ("ceil",),
    **dict.fromkeys(("num_heads", "n_heads"), ("heads",)),
    **dict.fromkeys(("num_kv_heads", "num_key_value_heads"), ("kv",)),
    "key_dim": ("key",),
    "value_dim": ("value",),
    **dict.fromkeys(("num_embeddings", "input_dim"), ("words",)),
    "depth_multiplier": ("multiplier",),
    "output_padding": ("extra",),
    **dict.fromkeys(("output_size", "size"), ("size", "factor")),
    "return_sequences": ("sequences",),
    **dict.fromkeys(("num_groups", "group"), ("groups",)),
    **dict.fromkeys(("p", "drop_prob"), ("rate",)),
    "scale_factor": ("factor",),
    "interpolation": ("mode",),
}
"""What Keras, PyTorch and ONNX call the options of layers, and what they are called here."""

CLAUSES = {"from": "sources", "sharing": "shares", "as": "name"}
"""The words that may follow a layer, and what each tells."""


class ChainWord(NamedTuple):
    """A row of text taken apart, before anyone asks whether such a layer exists.

    Attributes
    ----------
    word : str
        The layer or block.
    values : tuple of str
        What stands without a name after the colon.
    options : mapping of str to str
    sources : tuple of str
    shares, name : str or None
    """

    word: str
    values: tuple[str, ...] = ()
    options: Mapping[str, str] = {}
    sources: tuple[str, ...] = ()
    shares: str | None = None
    name: str | None = None


def split_row(text: str) -> ChainWord:
    """Take a row apart.

    Raises
    ------
    InvalidValueError
        With the part that is out of place.

    Examples
    --------
    >>> split_row("conv:3x3x64,pad=1 from a, b as c")
    ChainWord(word='conv', values=('3x3x64',), options={'pad': '1'}, sources=('a', 'b'), shares=None, name='c')
    """
    layer, clauses = _split_clauses(text)
    word, colon, rest = layer.partition(":")
    values, options = _split_options(text, rest) if colon else ((), {})
    if not word.strip():
        raise InvalidValueError(f"{_short(text)!r} names no layer", "write one such as conv:3x3x64")
    sources = tuple(part.strip() for part in clauses["from"].split(",")) if "from" in clauses else ()
    return ChainWord(word.strip(), values, options, sources, clauses.get("sharing"), clauses.get("as"))


def _split_clauses(text: str) -> tuple[str, dict[str, str]]:
    """Return the layer and what follows each clause's word; brackets of `{...}` have been filled in before."""
    found: dict[str, list[str]] = {}
    current = layer = []  # type: list[str]
    for part in text.split():
        if part in CLAUSES:
            if part in found:
                raise InvalidValueError(f"{_short(text)!r} says {part!r} twice", "say it once")
            current = found[part] = []
        else:
            current.append(part)
    for word, parts in found.items():
        if not parts or (word != "from" and len(parts) > 1):
            raise InvalidValueError(f"{_short(text)!r}: {word!r} wants one name after it", f"write {word} NAME")
    return " ".join(layer), {word: " ".join(parts) for word, parts in found.items()}


def chain_rows(texts: Sequence[str]) -> list[str]:
    """Return the rows of a chain, which may be quoted whole or in parts, or not at all.

    >>> chain_rows(["conv:3x3x8 as a relu", "add from a, relu1", "as", "b"])
    ['conv:3x3x8 as a', 'relu', 'add from a, relu1 as b']
    """
    rows: list[list[str]] = []
    for word in " ".join(texts).split():
        before = rows[-1][-1] if rows else ""
        if rows and (word in CLAUSES or before in CLAUSES or before.endswith(",") or word.startswith(",")):
            rows[-1].append(word)
        else:
            rows.append([word])
    return [" ".join(row) for row in rows]


def _without_brackets(text: str) -> str:
    """Return options with Python's tuples and quotes written as this language has them: `(3, 3)` as 3x3."""
    plain = _BRACKETED.sub(lambda match: match[1].replace(" ", "").rstrip(",").replace(",", "x"), text)
    return plain.replace("'", "").replace('"', "")


_BRACKETED = re.compile(r"(?<==)\(([^()]*)\)")


def _split_options(text: str, rest: str) -> tuple[tuple[str, ...], dict[str, str]]:
    values: list[str] = []
    options: dict[str, str] = {}
    for number, part in enumerate(_without_brackets(rest).split(",")):
        name, equals, value = (piece.strip() for piece in part.partition("="))
        if not equals:
            if not name and number == 0:
                continue  # `slice:,start=1` and `slice:start=1` are the same
            if not name or options:
                raise InvalidValueError(
                    f"{_short(text)!r}: {_short(name)!r} is no option", "write OPTION=VALUE, such as pad=1"
                )
            values.append(name)
        elif not name or not value or name in options:
            wrong = f"says {name!r} twice" if name in options else f"has {part.strip()!r}"
            raise InvalidValueError(f"{_short(text)!r} {wrong}", "write each OPTION=VALUE once, such as pad=1")
        else:
            options[name] = value
    return tuple(values), options


def layer_options(row: ChainWord) -> tuple[str, dict[str, str]]:
    """Return the kind of layer and its options, the head's numbers given their names.

    >>> layer_options(split_row("conv:3x3x64/2,pad=1"))
    ('conv', {'kernel': '3x3', 'out': '64', 'stride': '2', 'pad': '1'})
    """
    kind_name = canonical(row.word)
    kind = get_kind(kind_name)
    if len(row.values) > 1:
        raise InvalidValueError(
            f"layer {kind_name!r}: {_short(row.values[1])!r} is no option", f"write OPTION=VALUE, as in {kind.example}"
        )
    options = _head_options(kind_name, kind, row.values[0]) if row.values else {}
    for name, value in row.options.items():
        own = own_word(kind, name)
        if own in options:
            raise InvalidValueError(
                f"layer {kind_name!r} says its {own!r} twice, as {options[own]} and as {value}", "say it once"
            )
        options[own] = value
    return kind_name, options


def own_word(kind: LayerKind, name: str) -> str:
    """Return the option of a layer that a library's spelling means; another name is left as it is.

    >>> own_word(get_kind("conv"), "filters"), own_word(get_kind("lstm"), "units"), own_word(get_kind("conv"), "out")
    ('out', 'units', 'out')
    """
    known = {option.name for option in kind.options}
    if name in known:
        return name
    return next((own for own in SPELLINGS.get(name.lower(), ()) if own in known), name)


def _head_options(name: str, kind: LayerKind, head: str) -> dict[str, str]:
    """Return the options that a head such as `3x3x64/2` stands for."""
    if not kind.head:
        raise InvalidValueError(f"layer {name!r} takes no {_short(head)!r}", f"write {kind.example or name}")
    after = next((word[1:] for word in kind.head if word[0] == "/"), None)
    sizes, slash, last = head.partition("/") if after else (head, "", "")
    found = _sizes(tuple(word for word in kind.head if word[0] != "/"), sizes)
    if not found or (slash and not last):
        raise InvalidValueError(f"layer {_short(f'{name}:{head}')!r} has the wrong sizes", f"write {kind.example}")
    return {**found, after: last} if slash and after else found


def _sizes(names: tuple[str, ...], text: str) -> dict[str, str]:
    if len(names) == 1 and not names[0][-1].isdigit():
        return {names[0].rstrip("*"): text}
    parts = text.split("x")
    first, star, rank = names[0].partition("*")
    taken = len(parts) - len(names) + 1
    if taken < 1 or "" in parts or (taken > 1 and not star) or (rank and taken != int(rank)):
        return {}
    return {first: "x".join(parts[:taken]), **dict(zip(names[1:], parts[taken:], strict=True))}


def _checked(row: ChainWord, default_padding: str) -> tuple[str, dict[str, object]]:
    kind, options = layer_options(row)
    return kind, resolve(kind, get_kind(kind), padded(kind, options, default_padding))


def padded(kind: str, options: Mapping[str, object], default_padding: str) -> Mapping[str, object]:
    """Return the options with the default padding, where the kind has an optional padding that is not given."""
    if default_padding == "same" or "pad" in options:
        return options
    if any(option.name == "pad" and option.default == "same" for option in get_kind(kind).options):
        return {**options, "pad": default_padding}
    return options


def parse_chain(
    rows: Sequence[str], input_shape: Shape, default_padding: str = "same", name: str = "layers"
) -> Network:
    """Read the layers of a command line into a network: each reads the one before it, unless it says `from`.

    Examples
    --------
    >>> parse_chain(["conv:3x3x8 as a", "relu", "add from a, relu1"], (8, 8, 3)).nodes[-1].inputs
    (1, 2)
    """
    nodes = [Node("input", "input", {"shape": input_shape})]
    seen: dict[str, int] = {}
    for text in rows:
        row = split_row(text)
        kind, options = _checked(row, default_padding)
        seen[kind] = seen.get(kind, 0) + 1
        own = row.name or f"{kind}{seen[kind]}"
        if any(node.name == own for node in nodes):
            raise InvalidValueError(f"{_short(text)!r}: a layer is named {own!r} already", "name it with `as NAME`")
        inputs = tuple(_place(nodes, source, text) for source in row.sources) or (len(nodes) - 1,)
        shares = nodes[_place(nodes, row.shares, text)].name if row.shares else None
        nodes.append(Node(own, kind, options, inputs, shares))
    return Network(name, tuple(nodes), (len(nodes) - 1,))


def _place(nodes: Sequence[Node], name: str, text: str) -> int:
    for place, node in enumerate(nodes):
        if node.name == name:
            return place
    raise no_such_layer(name, [node.name for node in nodes], text)


def no_such_layer(name: str, names: Sequence[str], text: str) -> InvalidValueError:
    """Return the error for a reference to a layer that does not stand earlier."""
    close = nearest(name, names)
    hint = f"did you mean {close!r}?" if close else f"name one of those before it: {', '.join(names[-5:])}"
    return InvalidValueError(f"{_short(text)!r}: no earlier layer is named {_short(name)!r}", hint)


def _short(text: str, most: int = 40) -> str:
    return text if len(text) <= most else f"{text[: most - 3]}..."
