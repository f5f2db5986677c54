"""What an architecture document may say, as data, and the check of it before anything is built.

A document is plain mappings, lists, texts and numbers, as YAML or JSON give them. Every fault is told with its path
in the document, from which a reader of YAML knows file, line and column.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from dlmath.counting.engine.count import AUXILIARIES
from dlmath.counting.engine.layers import ALIASES, FAMILY, canonical, get_kind
from dlmath.counting.engine.shapes import parse_shape
from dlmath.counting.engine.words import own_word, split_row
from dlmath.errors import DlmathError, InvalidValueError, nearest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Path = tuple[str | int, ...]


class DocumentError(InvalidValueError):
    """A fault in an architecture document, with its path there."""

    def __init__(self, path: Path, what: str, mend: str) -> None:
        super().__init__(what, mend)
        self.path = path


class SchemaStructure(NamedTuple):
    """A row that is not one layer: what else it must and may say beside its own key."""

    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    lists: tuple[str, ...] = ()


STRUCTURES = {
    "repeat": SchemaStructure(("layers",), ("index",), ("layers",)),
    "table": SchemaStructure(("rows", "layers"), (), ("layers",)),
    "residual": SchemaStructure((), ("shortcut", "join"), ("residual", "shortcut")),
    "branches": SchemaStructure((), ("join", "axis")),
    "if": SchemaStructure(("then",), ("else",), ("then", "else")),
    "auxiliary": SchemaStructure((), (), ("auxiliary",)),
    "times": SchemaStructure(("layers",), (), ("layers",)),
    "frozen": SchemaStructure((), (), ("frozen",)),
    "layers": SchemaStructure((), (), ("layers",)),
}
"""Rows with rows inside them, by the key that tells which."""

COMMON = ("name", "from", "sharing")
"""What any row may say: its name, where its input comes from, whose weights it uses."""

DOCUMENT = (
    *("name", "about", "source", "input", "padding", "takes", "blocks", "layers", "variants", "outputs"),
    *("auxiliary", "notes"),
)
VARIANT = ("about", "source", "input", "auxiliary", "notes")
"""What a variant may say beside the values of the document's `takes`."""

DOCUMENT_TEXTS, DOCUMENT_LISTS = ("name", "about", "source", "auxiliary"), ("outputs", "notes")
ROW_TEXTS, ROW_LISTS = ("name", "sharing", "join", "index"), ("from",)
"""What must be a text, and what may be a list of texts too."""

WIDEST_PAD = 3600
"""Beyond it a padding is one that YAML has taken for hours, minutes and seconds."""

BLOCK = ("takes", "layers")


def check(document: Any) -> None:
    """Refuse a document that says what the language has no word for.

    Raises
    ------
    DocumentError
        With the path of the fault.
    """
    _mapping((), document, "an architecture")
    _known((), document, DOCUMENT, "key of an architecture")
    if "layers" not in document:
        raise DocumentError((), "the architecture has no 'layers'", "add layers:")
    _check_texts((), document, (*DOCUMENT_TEXTS, "padding"), DOCUMENT_LISTS)
    blocks = document.get("blocks", {})
    _mapping(("blocks",), blocks, "blocks")
    for name, block in blocks.items():
        _check_block(("blocks", name), block, blocks)
    _mapping(("takes",), document.get("takes", {}), "takes")
    _check_rows(("layers",), document["layers"], blocks)
    _check_variants(document)
    _check_values(document, ())


def _check_texts(path: Path, found: Mapping[str, Any], texts: Iterable[str], lists: Iterable[str] = ()) -> None:
    """Refuse what should be a text (or, for some keys, a list of texts) and is not."""
    for key in (*texts, *lists):
        value = found.get(key)
        parts = value if key in lists and isinstance(value, list) else [value]
        if key in found and not all(isinstance(part, str) for part in parts):
            several = ", or a list of them" if key in lists else ""
            raise DocumentError((*path, key), f"{key} is {str(value)[:40]!r}", f"write a text{several}")


def _check_values(values: Mapping[str, Any], path: Path) -> None:
    if "input" in values and "{" not in str(values["input"]):
        try:
            parse_shape(str(values["input"]))
        except DlmathError as error:
            raise DocumentError((*path, "input"), error.what, error.mend) from None
    if values.get("auxiliary", "with") not in AUXILIARIES:
        raise _unknown((*path, "auxiliary"), "way to count auxiliary heads", values["auxiliary"], AUXILIARIES)
    if values.get("padding", "same") not in {"same", "valid"}:
        raise _unknown((*path, "padding"), "default padding", values["padding"], ("same", "valid"))


def _check_variants(document: Mapping[str, Any]) -> None:
    variants = document.get("variants", {})
    _mapping(("variants",), variants, "variants")
    allowed = (*document.get("takes", {}), *VARIANT)
    for name, values in variants.items():
        path = "variants", name
        _mapping(path, values or {}, f"variant {name}")
        _check_texts(path, values or {}, DOCUMENT_TEXTS, ("notes",))
        _known(path, values or {}, allowed, f"value of variant {name}:")
        _check_values(values or {}, path)


def _check_block(path: Path, block: Any, blocks: Mapping[str, Any]) -> None:
    name = str(path[-1])
    plain = name.lower().replace("-", "").replace("_", "")
    if plain in FAMILY or name in STRUCTURES or name in COMMON:
        raise DocumentError(path, f"block {name!r} has the name of a layer or key", "call it something else")
    if isinstance(block, list):
        _check_rows(path, block, blocks)
        return
    _mapping(path, block, f"block {name}")
    _known(path, block, BLOCK, "key of a block")
    if "layers" not in block:
        raise DocumentError(path, f"block {name!r} has no 'layers'", "add layers:")
    _mapping((*path, "takes"), block.get("takes") or {}, "takes")
    _check_rows((*path, "layers"), block["layers"], blocks)


def _check_rows(path: Path, rows: Any, blocks: Mapping[str, Any]) -> None:
    """Check a list of rows; a single row may stand for a list of one."""
    if not isinstance(rows, list):
        _check_row(path, rows, blocks)
        return
    for number, row in enumerate(rows):
        _check_row((*path, number), row, blocks)


def _check_row(path: Path, row: Any, blocks: Mapping[str, Any]) -> None:
    if isinstance(row, str):
        _check_text(path, row, blocks)
    elif isinstance(row, dict) and row and all(isinstance(key, str) for key in row):
        key = next((key for key in STRUCTURES if key in row), None)
        if key is None:
            _check_layer_mapping(path, row, blocks)
        else:
            _check_structure(path, row, key, blocks)
    else:
        raise DocumentError(path, f"{row!r} is no row", "write a layer such as conv:3x3x64, or a key such as repeat:")


def _check_text(path: Path, text: str, blocks: Mapping[str, Any]) -> None:
    if "{" in text.partition(":")[0]:
        return
    try:
        row = split_row(_without_braces(text))
        _check_word(path, row.word, blocks)
        options = [key for key in row.options if "{" not in key]
        _check_options(path, row.word, options, blocks)
    except DocumentError:
        raise
    except DlmathError as error:
        raise DocumentError(path, error.what, error.mend) from None


def _without_braces(text: str) -> str:
    """Return a row with every expression replaced by 1, commas and blanks in it being no part of the row."""
    outside = True
    kept: list[str] = []
    for letter in text:
        if letter == "{":
            outside = False
            kept.append("1")
        elif letter == "}":
            outside = True
        elif outside:
            kept.append(letter)
    return "".join(kept)


def _check_word(path: Path, word: str, blocks: Mapping[str, Any]) -> None:
    if word in blocks:
        return
    try:
        canonical(word)
    except DlmathError:
        raise _unknown(path, "layer or block", word, [*blocks, *FAMILY, *ALIASES]) from None


def _check_options(path: Path, word: str, options: Iterable[str], blocks: Mapping[str, Any]) -> None:
    if word in blocks:
        allowed = tuple(_takes(blocks[word]))
    else:
        kind = get_kind(canonical(word))
        allowed = tuple(option.name for option in kind.options)
        options = [own_word(kind, option) for option in options]
    for option in options:
        if option not in allowed:
            raise _unknown(path, f"option of {word!r}:", option, allowed)


def _takes(block: Any) -> Mapping[str, Any]:
    found = block.get("takes") if isinstance(block, dict) else None
    return found if isinstance(found, dict) else {}


def _check_layer_mapping(path: Path, row: Mapping[str, Any], blocks: Mapping[str, Any]) -> None:
    """Check a row such as `{conv: 3x3x64, pad: 1, name: stem}`: its first key is the layer."""
    word = next(iter(row))
    _check_word((*path, word), str(word), blocks)
    _check_texts(path, row, ("name", "sharing"), ROW_LISTS)
    for key in row:
        if key == "pad" and isinstance(row[key], int) and row[key] > WIDEST_PAD:
            raise DocumentError(
                (*path, key), f"pad is {row[key]}", 'quote it: YAML reads 1:1:1:1 in base 60, "1:1:1:1" not'
            )
        if key != word and key not in COMMON:
            _check_options((*path, key), str(word), [str(key)], blocks)


def _check_structure(path: Path, row: Mapping[str, Any], key: str, blocks: Mapping[str, Any]) -> None:
    structure = STRUCTURES[key]
    allowed = (key, *structure.required, *structure.optional, *COMMON)
    _known(path, row, allowed, f"key beside {key!r}:")
    _check_texts(path, row, ROW_TEXTS, ROW_LISTS)
    for needed in structure.required:
        if needed not in row:
            raise DocumentError((*path, key), f"{key!r} stands without {needed!r}", f"add {needed}:")
    for name in structure.lists:
        if row.get(name) is not None:
            _check_rows((*path, name), row[name], blocks)
    if key == "branches":
        _check_branches((*path, key), row[key], blocks)
    if key == "table":
        _check_table(path, row)


def _check_branches(path: Path, branches: Any, blocks: Mapping[str, Any]) -> None:
    if not isinstance(branches, list) or len(branches) < 2:
        raise DocumentError(path, "branches are a list of two or more lists of layers", "write - [layers] for each")
    for number, branch in enumerate(branches):
        _check_rows((*path, number), branch, blocks)


def _check_table(path: Path, row: Mapping[str, Any]) -> None:
    columns, rows = row["table"], row["rows"]
    if not isinstance(columns, list) or not all(isinstance(column, str) for column in columns):
        raise DocumentError((*path, "table"), "a table's head is the list of its columns' names", "write [a, b, c]")
    if not isinstance(rows, (list, str)):
        raise DocumentError((*path, "rows"), "a table's rows are lists", "write - [1, 2, 3] for each")
    for number, line in enumerate(rows if isinstance(rows, list) else ()):
        if not isinstance(line, list) or len(line) != len(columns):
            raise DocumentError(
                (*path, "rows", number),
                f"the row has {len(line) if isinstance(line, list) else 1} values for {len(columns)} columns",
                f"write one for each of {', '.join(columns)}",
            )


def _mapping(path: Path, value: Any, what: str) -> None:
    if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
        raise DocumentError(path, f"{what} is no mapping of names to values", "write key: value")


def _known(path: Path, found: Iterable[Any], allowed: Iterable[str], kind: str) -> None:
    names = tuple(allowed)
    for key in found:
        if key not in names:
            raise _unknown((*path, key), kind, key, names)


def _unknown(path: Path, kind: str, word: object, allowed: Iterable[str]) -> DocumentError:
    names = list(allowed)
    close = nearest(str(word), names)
    listed = f"allowed: {', '.join(names)}"
    return DocumentError(
        path, f"unknown {kind} {str(word)[:40]!r}", f"did you mean {close!r}? ({listed})" if close else listed
    )
