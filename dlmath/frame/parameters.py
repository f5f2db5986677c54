"""What was typed, as texts and numbers: done here, because Typer would import pydantic to do it.

From 0.29 on Typer checks every value, also one that was not given, through an adapter of pydantic, whose import takes
longer than most commands. A command asks its parameters to `process_value`; those of `Direct` answer for themselves.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

import typer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from dlmath.frame.words import Word

NUMBERS = {int: "integer", float: "float"}


class Direct:
    """Mixed into a class of Typer's commands: its parameters make their values themselves."""

    words: ClassVar[Mapping[str, Word]] = {}
    """Field to declaration, of those that have one; the others are switches."""

    def get_params(self, context: Any) -> list[Any]:
        """Return the parameters, each told how to process a value."""
        parameters: list[Any] = super().get_params(context)  # type: ignore[misc]
        for parameter in parameters:
            if "process_value" not in vars(parameter):
                word = self.words.get(parameter.name)
                parameter.process_value = partial(processed, parameter, word, parameter.process_value)
        return parameters


def processed(parameter: Any, word: Word | None, typers: Callable[..., Any], context: Any, value: Any) -> Any:
    """Return a parameter's value, after its callback; what is no text, number or switch goes Typer's way."""
    if value is not None and not isinstance(value, bool):
        if word is None or word.kind is bool:
            return typers(context, value)
        value = (
            [number(word, item, parameter, context) for item in value]
            if word.many
            else number(word, value, parameter, context)
        )
    return parameter.callback(context, parameter, value) if parameter.callback else value


def number(word: Word, text: Any, parameter: Any, context: Any) -> Any:
    """Return a text as a word's kind; a default is of that kind already."""
    try:
        return word.kind(text)
    except ValueError:
        what = f"{text!r} is not a valid {NUMBERS[word.kind]}."
        raise typer.BadParameter(what, ctx=context, param=parameter) from None
