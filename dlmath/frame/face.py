"""The Python face: every command as a function of its words, which returns its outcome and prints nothing."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from dlmath.errors import InvalidValueError
from dlmath.frame.output import Output, OutputWords
from dlmath.frame.registry import HOUSES, command_of
from dlmath.frame.words import from_python
from dlmath.report.streams import Streams

if TYPE_CHECKING:
    from collections.abc import Callable

    from dlmath.frame.command import Command
    from dlmath.frame.outcome import Outcome


def names() -> list[str]:
    """Return the commands as Python spells them.

    >>> names()[:2]
    ['train_gate', 'convolve']
    """
    return [name.replace("-", "_") for name in HOUSES]


def function_of(name: str) -> Callable[..., Outcome]:
    """Return a command as a function.

    Raises
    ------
    AttributeError
        When there is no such command.
    """
    if name not in names():
        raise AttributeError(f"module 'dlmath' has no attribute {name!r}")
    command = command_of(name.replace("_", "-"))

    def call(*arguments: Any, explain: bool = False, plot: str | None = None, **words: Any) -> Outcome:
        return called(command, arguments, words, explain=explain, plot=plot)

    call.__name__ = call.__qualname__ = name
    call.__doc__ = command.about
    return call


def called(
    command: Command, arguments: tuple[Any, ...], words: dict[str, Any], *, explain: bool, plot: str | None
) -> Outcome:
    """Carry out one call: the arguments fill the command's, in order; a repeatable one takes all that are left."""
    taken = {**positional(command, arguments), **words}
    output = silent_output()._replace(explain=explain, plot=plot)
    if plot is not None:
        from dlmath.frame.delivery import check_output

        check_output(output)
    outcome = command.carry_out(from_python(command.words, taken), output)
    if plot is not None:
        from dlmath.frame.delivery import write_plot

        write_plot(outcome, plot)
    return outcome


def positional(command: Command, arguments: tuple[Any, ...]) -> dict[str, Any]:
    """Return the arguments under their names.

    Raises
    ------
    InvalidValueError
        When there are more than the command takes.
    """
    taken: dict[str, Any] = {}
    left = list(arguments)
    for field, word in command.words.ALL.items():
        if word.is_argument and left:
            taken[field] = flat(left) if word.many else left.pop(0)
            left = [] if word.many else left
    if left:
        raise InvalidValueError(f"{command.name} takes no argument {left[0]!r}", "name the word it is for")
    return taken


def flat(items: list[Any]) -> list[Any]:
    """Return items with lists among them opened."""
    return [inner for item in items for inner in (item if isinstance(item, list | tuple) else [item])]


def silent_output() -> Output:
    """Return output options under which nothing is printed."""
    streams = Streams(io.StringIO(), io.StringIO(), rich=False, color=False, true_color=False, width=None,
                      progress=False, quiet=True)  # fmt: skip
    return Output(**{**OutputWords().as_dict(), "format": "json", "quiet": True}, streams=streams)
