"""What an experiment file can say: each command's options under the words of the command line."""

from __future__ import annotations

import typing
from functools import cache
from importlib import import_module
from types import UnionType
from typing import TYPE_CHECKING, Any, NamedTuple

from dlmath.runs.files.values import Option

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import ModuleType

    from dlmath.runs.files.values import Vocabulary


class Command(NamedTuple):
    """A command that cells may run.

    Parameters
    ----------
    module : str
        Has `Words` (the options, typed) and `run(words, output) -> Outcome`.
    words : mapping
        Fields that the command line calls otherwise, to the words for them.
    outputs : tuple of str
        Fields that name a file that is written.
    """

    module: str
    words: Mapping[str, tuple[str, ...]] = {}
    outputs: tuple[str, ...] = ()


COMMANDS: dict[str, Command] = {
    "train-gate": Command("dlmath.gates.command", outputs=("save",)),
    "convolve": Command(
        "dlmath.convolution.command", {"images": ("images", "image"), "target": ("output",)}, outputs=("target",)
    ),
    "vanishing": Command("dlmath.depth.command"),
    "param-count": Command("dlmath.counting.command", {"layers": ("layers", "layer"), "input_shape": ("input",)}),
}


def module_of(command: str) -> ModuleType:
    """Import the module of a command."""
    return import_module(COMMANDS[command].module)


@cache
def vocabulary(command: str) -> Vocabulary:
    """Return the words of one command, `_` standing for `-`.

    >>> vocabulary("param-count")["input"]
    Option(field='input_shape', kind=<class 'str'>, many=False)
    """
    known = COMMANDS[command]
    found: dict[str, Option] = {}
    for field, annotation in typing.get_type_hints(module_of(command).Words).items():
        kind, many = kind_of(annotation)
        for word in known.words.get(field, (field,)):
            found[word] = Option(field, kind, many)
    return found


def kind_of(annotation: Any) -> tuple[type, bool]:
    """Return the type of an option, and whether it takes several values.

    >>> kind_of(int | None), kind_of(list[str] | None)
    ((<class 'int'>, False), (<class 'str'>, True))
    """
    if isinstance(annotation, UnionType) or typing.get_origin(annotation) is typing.Union:
        annotation = next(part for part in typing.get_args(annotation) if part is not type(None))
    if typing.get_origin(annotation) in {list, tuple}:
        return typing.get_args(annotation)[0], True
    return annotation, False


def vocabularies() -> dict[str, Vocabulary]:
    """Return the words of every command."""
    return {command: vocabulary(command) for command in COMMANDS}


def default_words(command: str) -> dict[str, Any]:
    """Return the options of a command as they are when nothing is said."""
    return dict(module_of(command).Words()._asdict())


def spelled(command: str, field: str) -> str:
    """Return an option as it is typed.

    >>> spelled("param-count", "input_shape"), spelled("train-gate", "learning_rate"), spelled("convolve", "images")
    ('--input', '--learning-rate', '')
    """
    if field in {"gate", "images", "layers"}:
        return ""
    return "--" + COMMANDS[command].words.get(field, (field,))[0].replace("_", "-")


def command_line(command: str, words: Mapping[str, Any]) -> str:
    """Return the line that a user would type for a cell.

    >>> command_line("train-gate", {"gate": "xor", "hidden": "2", "check_gradients": True, "seed": 3})
    'dlmath train-gate xor --hidden 2 --check-gradients --seed 3'
    """
    import shlex

    parts: list[str] = []
    for field, value in words.items():
        option = spelled(command, field)
        if value is None or value is False:
            continue
        if value is True:
            parts.append(option)
            continue
        for item in value if isinstance(value, list) else [value]:
            parts += [part for part in (option, shlex.quote(str(item))) if part]
    return " ".join(["dlmath", command, *parts])
