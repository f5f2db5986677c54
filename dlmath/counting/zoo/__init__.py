"""The zoo: architectures by name, each family one YAML file with its source.

The YAML files are what is written and read by people; `compiled.json`, made of them by
`python -m dlmath.counting.zoo.compile`, is what is loaded, because JSON is read a hundred times faster.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from dlmath.counting.engine.language import Reference, build, named_as, parse_reference
from dlmath.counting.engine.surgery import without_top
from dlmath.errors import InvalidValueError, nearest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dlmath.counting.engine.graph import Network, Shape

FOLDER = Path(__file__).parent


class Entry(NamedTuple):
    """One architecture of the zoo.

    Attributes
    ----------
    name : str
    family : str
        The YAML file it comes from.
    about : str
    source : str
    settings : dict
        What may be set (`mobilenet:width=0.5`), with its default.
    """

    name: str
    family: str
    about: str
    source: str
    settings: dict[str, Any]


@cache
def families() -> dict[str, Any]:
    """Return every document, by family."""
    found: dict[str, Any] = json.loads((FOLDER / "compiled.json").read_text(encoding="utf-8"))
    return found


def names() -> tuple[str, ...]:
    """Return every architecture's name.

    >>> "resnet152" in names()
    True
    """
    return tuple(name for document in families().values() for name in document["variants"])


def find(name: str) -> str | None:
    """Return an architecture's name as the zoo spells it, or None; capitals, `-` and `_` make no difference.

    >>> find("Wide-ResNet50-2")
    'wide_resnet50_2'
    """
    return named_as(name, names())


def load(model: str | Reference, input_shape: Shape | None = None) -> Network:
    """Return the network of a name such as `resnet50` or `mobilenet:width=0.5`.

    Raises
    ------
    InvalidValueError
        For a name or setting that is not there, with the nearest.

    Examples
    --------
    >>> load("lenet5").input_shapes
    ((32, 32, 1),)
    """
    reference = parse_reference(model) if isinstance(model, str) else model
    name = find(reference.name)
    if name is None:
        raise unknown_model(reference.name)
    if reference.variant is not None:
        raise InvalidValueError(
            f"model {name} has no variant {reference.variant[:40]!r}", f"set it by name, as in {name}:KEY=VALUE"
        )
    document = next(document for document in families().values() if name in document["variants"])
    settings, whole = _with_top(reference.settings)
    network = build(document, name, settings, input_shape)
    return network if whole else without_top(network)


def _with_top(settings: Mapping[str, str]) -> tuple[dict[str, str], bool]:
    """Return the settings without Keras' `include_top`, and whether the classifier is wanted."""
    from dlmath.counting.engine.builder import convert

    own = {key: value for key, value in settings.items() if key.lower() not in TOP}
    said = [convert(value.lower()) for key, value in settings.items() if key.lower() in TOP]
    if any(not isinstance(value, bool) for value in said):
        raise InvalidValueError(f"include_top is {said[0]}", "write include_top=no")
    return own, all(said)


TOP = ("include_top", "top")
"""What asks for a network with or without its classifier, as Keras' applications call it."""


def unknown_model(name: str) -> InvalidValueError:
    """Return the error for a name that is not in the zoo: the nearest one, and where all are listed."""
    close = nearest(name, names())
    hint = "`--list-models` lists them all"
    return InvalidValueError(
        f"unknown model {name[:60]!r}",
        f"did you mean {close!r}? ({hint})" if close else f"name a file, or a model: {hint}",
    )


def entries() -> tuple[Entry, ...]:
    """Return what the zoo holds, family by family."""
    return tuple(
        _entry(family, document, name, values or {})
        for family, document in families().items()
        for name, values in document["variants"].items()
    )


def _entry(family: str, document: dict[str, Any], name: str, values: dict[str, Any]) -> Entry:
    takes = document.get("takes") or {}
    settings = {
        key: default
        for key, default in takes.items()
        if key not in values and default is not None and not isinstance(default, list)
    }
    about = values.get("about", document.get("about", ""))
    return Entry(name, family, about, values.get("source", document.get("source", "")), settings)
