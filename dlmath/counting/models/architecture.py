"""Architectures in YAML: checked against the language's words, built, and every fault told with its place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dlmath.counting.engine.language import Reference, build
from dlmath.counting.engine.schema import check
from dlmath.errors import DlmathError, UnreadableError
from dlmath.files.document import place_at
from dlmath.files.structure import loader
from dlmath.files.text import load_yaml, read_text, shown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dlmath.counting.engine.graph import Network, Shape

    Path = tuple[str | int, ...]


def read_architecture(reference: Reference, input_shape: Shape | None = None) -> Network:
    """Read a network from a YAML file.

    Parameters
    ----------
    reference : Reference
        The file (`-` is standard input), which of its variants, and values for what it takes.
    input_shape : tuple of int, optional
        Instead of the file's `input`.

    Raises
    ------
    UnreadableError
        With file, line and column of what cannot be read or built, and the nearest match.
    """
    text, name = read_text(reference.name), shown(reference.name)
    document = parse_document(text, name)
    network: Network = located(text, name, build, document, reference.variant, reference.settings, input_shape)
    return network._replace(source=network.source or name)


def parse_document(text: str, name: str) -> dict[str, Any]:
    """Return the document of a YAML text, checked against the language.

    Raises
    ------
    UnreadableError
        With the place of the fault.
    """
    _refuse_aliases(text, name)
    document = load_yaml(text, name)
    located(text, name, check, document)
    checked: dict[str, Any] = document
    return checked


def located(text: str, name: str, action: Any, *arguments: Any) -> Any:
    """Return what an action gives; a fault of it that has a path in the document gets file, line and column."""
    try:
        if action is build:
            return build(*arguments, check_shapes=True)
        return action(*arguments)
    except DlmathError as error:
        path: Path | None = getattr(error, "path", None)
        if path is None:
            raise type(error)(f"{name}: {error.what}", error.mend) from None
        raise UnreadableError(f"{place_at(text, name, path)}: {error.what}", error.mend) from error


def _refuse_aliases(text: str, name: str) -> None:
    """Refuse YAML's own repetitions: a few lines of them stand for billions, and the language has `repeat`."""
    if "*" not in text:
        return
    import yaml

    try:
        for event in yaml.parse(text, Loader=loader()):
            if isinstance(event, yaml.AliasEvent) and event.start_mark is not None:
                mark = event.start_mark
                raise UnreadableError(
                    f"{name}:{mark.line + 1}:{mark.column + 1}: *{event.anchor} repeats another part of the file",
                    "name a block and call it",
                )
    except yaml.YAMLError:
        return  # told with its place when the text is loaded


def variants(document: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the names of a document's variants."""
    return tuple(str(name) for name in document.get("variants", {}))
