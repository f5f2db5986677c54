"""What an experiment file can say: each command's options under the words of the command line."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from dlmath.frame.registry import HOUSES, command_of
from dlmath.runs.files.values import ExperimentOption

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dlmath.runs.files.values import Vocabulary

COMMANDS = tuple(name for name in HOUSES if name != "run")
"""What a cell may run: every command but this one."""


@cache
def vocabulary(command: str) -> Vocabulary:
    """Return the words of one command, `_` standing for `-`.

    >>> vocabulary("train-gate")["learning_rate"]
    ExperimentOption(field='learning_rate', kind=<class 'float'>, many=False, default=None)
    """
    words = command_of(command).words.by_name()
    return {name: ExperimentOption(word.field, word.kind, word.many, word.default) for name, word in words.items()}


def vocabularies() -> dict[str, Vocabulary]:
    """Return the words of every command."""
    return {command: vocabulary(command) for command in COMMANDS}


def default_words(command: str) -> dict[str, Any]:
    """Return the options of a command as they are when nothing is said."""
    return command_of(command).words().as_dict()


def spelled(command: str, field: str) -> str:
    """Return an option as it is typed, "" for an argument.

    >>> spelled("param-count", "input_shape"), spelled("train-gate", "learning_rate"), spelled("convolve", "images")
    ('--input', '--learning-rate', '')
    """
    return command_of(command).words.ALL[field].flag


def command_line(command: str, words: Mapping[str, Any]) -> str:
    """Return the line that a user would type for a cell: arguments, then options.

    >>> command_line("train-gate", {"gate": "xor", "hidden": "2", "check_gradients": True, "seed": 3})
    'dlmath train-gate xor --hidden 2 --check-gradients --seed 3'
    """
    import shlex

    parts: list[str] = []
    for field, value in sorted(words.items(), key=lambda entry: bool(spelled(command, entry[0]))):
        option = spelled(command, field)
        if value is None or value is False:
            continue
        if value is True:
            parts.append(option)
            continue
        for item in value if isinstance(value, list) else [value]:
            parts += [part for part in (option, shlex.quote(str(item))) if part]
    return " ".join(["dlmath", command, *parts])
