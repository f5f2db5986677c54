"""`dlmath param-count --code keras|torch`: the network as a program, in place of a table."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from dlmath.frame.checks import refuse

if TYPE_CHECKING:
    from dlmath.counting.engine.count import NetworkCount
    from dlmath.counting.words import Words
    from dlmath.frame.output import Output


def check_code(words: Words, output: Output) -> None:
    """Refuse what a program has no place for."""
    given = {
        "--compare": words.compare or None,
        "--convention": words.convention,
        "--reconcile": words.reconcile,
        "--check": words.check or None,
        "--by": words.by,
        "--explain": output.explain,
    }
    refuse(given, "with --code, which prints a program")


def program(counted: NetworkCount, words: Words) -> str:
    """Return the program that builds a network.

    Raises
    ------
    InvalidValueError
        With the layer that the target cannot express.
    """
    if words.code == "keras":
        from dlmath.counting.code.keras_program import keras_program

        return keras_program(counted, command_line(words))
    from dlmath.counting.code.torch_program import torch_program

    return torch_program(counted, command_line(words))


def command_line(words: Words) -> str:
    """Return the command that writes the program again."""
    parts = ["dlmath", "param-count"]
    for field, word in words.ALL.items():
        value: Any = getattr(words, field)
        if value in (None, word.default, []):
            continue
        for item in value if isinstance(value, list) else [value]:
            parts += [str(item)] if word.is_argument else [word.flag, str(item)]
    return shlex.join(parts)
