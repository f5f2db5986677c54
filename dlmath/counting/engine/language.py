"""The architecture language: a document (as `schema` has checked it) becomes a network.

A document has `layers`, a list of rows; each row reads what the one before it gives. A row is a layer in the words of
the command line (`conv:3x3x64/2,pad=1 as stem`), the call of a block (`bottleneck:64,stride=2`), or a structure
(`repeat`, `table`, `residual`, `branches`, `if`, `auxiliary`, `times`, `frozen`). `{...}` in a row is arithmetic over
what the document, block or table names, and over `channels` and `shape`, those of what the row reads.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from dlmath.counting.engine.builder import Builder, GraphPlace, convert
from dlmath.counting.engine.graph import Network
from dlmath.counting.engine.schema import VARIANT
from dlmath.counting.engine.shapes import parse_shape
from dlmath.counting.engine.structures import BUILDERS
from dlmath.counting.engine.words import split_row
from dlmath.errors import InvalidValueError, unknown
from dlmath.language.exact import exact, fill

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from dlmath.counting.engine.graph import Shape


class Reference(NamedTuple):
    """How a user names a model: `mobilenet:width=0.5`, `nets.yaml:small,depth=3`.

    Attributes
    ----------
    name : str
    variant : str or None
        What stands without a name after the colon: a variant of the document.
    settings : mapping of str to str
    """

    name: str
    variant: str | None
    settings: Mapping[str, str]


BUILT_IN = "example:"
"""Before the name of a built-in file: this colon begins no variant."""


def parse_reference(text: str) -> Reference:
    """Take a model's name apart.

    >>> parse_reference("mobilenet:width=0.5,resolution=160")
    Reference(name='mobilenet', variant=None, settings={'width': '0.5', 'resolution': '160'})
    >>> parse_reference("example:blocks:depth=4")
    Reference(name='example:blocks', variant=None, settings={'depth': '4'})
    """
    prefix = BUILT_IN if text.startswith(BUILT_IN) else ""
    name, colon, rest = text.removeprefix(prefix).rpartition(":")
    if not colon or "/" in rest or "\\" in rest:  # a folder's name may hold a colon
        return Reference(text, None, {})
    row = split_row(f"model:{rest}")
    if len(row.values) > 1:
        raise InvalidValueError(f"model {text[:60]!r} names {len(row.values)} variants", "name one")
    return Reference(prefix + name, row.values[0] if row.values else None, row.options)


def spelled(name: str) -> str:
    """Return a model's name as it is compared: capitals, `-` and `_` make no difference.

    >>> spelled("Wide-ResNet50-2") == spelled("wide_resnet50_2")
    True
    """
    return name.strip().lower().replace("-", "").replace("_", "")


def named_as(wanted: str, names: Iterable[str]) -> str | None:
    """Return the name that is meant: the very one, else one that differs in capitals, `-` and `_` alone.

    >>> named_as("RegNet-X-16GF", ["regnet_x_1_6gf", "regnet_x_16gf"]), named_as("resnet-50", ["resnet50"])
    ('regnet_x_16gf', 'resnet50')
    """
    known = list(names)
    plain = wanted.strip().lower().replace("-", "_")
    exact = next((name for name in known if name.lower().replace("-", "_") == plain), None)
    return exact or next((name for name in known if spelled(name) == spelled(wanted)), None)


def build(
    document: Mapping[str, Any],
    variant: str | None = None,
    settings: Mapping[str, Any] | None = None,
    input_shape: Shape | None = None,
    *,
    check_shapes: bool = False,
) -> Network:
    """Build one network of a document.

    Parameters
    ----------
    document : mapping
        As `schema.check` accepts it.
    variant : str, optional
        A key of its `variants`; needed when there are several.
    settings : mapping, optional
        Values for its `takes`, over the variant's.
    input_shape : tuple of int, optional
        Instead of the document's `input`.
    check_shapes : bool
        Count every layer at once, so that an impossible one is told with its place in the document.

    Raises
    ------
    InvalidValueError, ShapeError
        `schema.DocumentError` where the fault has a place in the document.

    Examples
    --------
    >>> document = {"input": "8x8x3", "takes": {"width": 4}, "layers": ["conv:3x3x{2*width}", "relu"]}
    >>> [node.name for node in build(document).nodes]
    ['input', 'conv1', 'relu1']
    """
    name, values = _chosen(document, variant)
    scope = _settled(document, {key: value for key, value in values.items() if key not in VARIANT}, settings or {})
    facts = {**document, **{key: values[key] for key in VARIANT if key in values}}
    builder = Builder(document.get("blocks", {}), BUILDERS, document.get("padding", "same"), check_shapes=check_shapes)
    builder.start(input_shape or _input_shape(facts, scope))
    builder.rows(document["layers"], scope, GraphPlace(), ("layers",))
    outputs = builder.outputs(_texts(document.get("outputs", ())))
    return Network(
        name,
        tuple(builder.nodes),
        outputs,
        facts.get("source", ""),
        _texts(facts.get("notes", ())),
        facts.get("auxiliary", "without"),
    )


def _texts(value: Any) -> tuple[str, ...]:
    """Return a list of texts; a single one may stand for it."""
    return (value,) if isinstance(value, str) else tuple(value)


def _chosen(document: Mapping[str, Any], variant: str | None) -> tuple[str, Mapping[str, Any]]:
    """Return the name and values of the variant that is wanted."""
    variants: Mapping[str, Any] = document.get("variants", {})
    name = document.get("name", "network")
    if variant is None and len(variants) > 1:
        raise InvalidValueError(f"{name} holds {len(variants)} networks", f"name one of {', '.join(variants)}")
    if variant is None:
        return next(((str(key), values or {}) for key, values in variants.items()), (name, {}))
    meant = named_as(variant, map(str, variants))
    if meant is not None:
        return meant, variants[meant] or {}
    raise unknown(f"variant of {name}", variant[:40], map(str, variants))


def _settled(document: Mapping[str, Any], values: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the value of everything the document takes: as given, or the variant's, or the default."""
    takes: Mapping[str, Any] = document.get("takes") or {}
    for key in given:
        if key not in takes:
            raise unknown("setting of this model:", key, takes) if takes else _nothing_to_set(key)
    scope: dict[str, Any] = {}
    for key, default in takes.items():
        if key in given:
            scope[key] = convert(given[key])
            continue
        value = values.get(key, default)
        if value is None:
            raise InvalidValueError(f"the architecture needs a value for {key!r}", f"give {key}=VALUE")
        scope[key] = exact(fill(value, scope) if isinstance(value, str) else value)
    return scope


def _nothing_to_set(key: str) -> InvalidValueError:
    return InvalidValueError(f"this model has no setting {key[:40]!r}", "it has none: name it alone")


def _input_shape(facts: Mapping[str, Any], scope: Mapping[str, Any]) -> Shape:
    if "input" not in facts:
        raise InvalidValueError("the architecture says no input shape", "give one, such as --input 224x224x3")
    return parse_shape(str(fill(str(facts["input"]), scope)))
