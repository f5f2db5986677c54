"""What every subcommand shares, written once: the output options, the emission of results, choices and completion."""

from __future__ import annotations

import functools
import inspect
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from dlmath.frame.outcome import Outcome

FORMATS = ("table", "json", "csv")


def completer(words: Callable[[], Iterable[str]] | Sequence[str]) -> Callable[[str], list[str]]:
    """Return a shell completion over words; a callable is asked only when Tab is pressed."""

    def complete(incomplete: str) -> list[str]:
        return [word for word in (words() if callable(words) else words) if word.startswith(incomplete)]

    return complete


def choice(flag: str, words: Sequence[str], text: str, **extra: Any) -> Any:
    """Declare an option that takes one of a few words; `dlmath.frame.checks.one_of` checks it."""
    return typer.Option(
        flag, metavar="|".join(words), help=text, autocompletion=completer(words), show_default=False, **extra
    )


FORMAT = Annotated[str, choice("--format", FORMATS, "How the result is printed.  [default: table]")]
GET = Annotated[
    str | None,
    typer.Option("--get", metavar="PATH", help="Print one value of the result, bare: layers.0.macs"),
]
EXPLAIN = Annotated[
    bool, typer.Option("--explain", help="Print the mathematics, with this run's numbers in every formula.")
]
PLOT = Annotated[str | None, typer.Option("--plot", metavar="FILE", help="Also draw the result (.png, .svg, .pdf).")]
QUIET = Annotated[bool, typer.Option("--quiet", "-q", help="No progress, no notes.")]
SEED = Annotated[
    int,
    typer.Option("--seed", metavar="N", help="The same seed prints the same bytes.  [default: 0]", show_default=False),
]
JOBS = Annotated[
    int,
    typer.Option("--jobs", metavar="N", help="Processes to share the work.  [default: 1]", show_default=False),
]


def shared_parameters(*, plots: bool) -> list[inspect.Parameter]:
    """Return the output options as keyword parameters, for the end of a command's signature."""
    declared: list[tuple[str, Any, Any]] = [
        ("format", FORMAT, "table"),
        ("get", GET, None),
        ("explain", EXPLAIN, False),
    ]
    if plots:
        declared.append(("plot", PLOT, None))
    declared.append(("quiet", QUIET, False))
    return [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
        for name, annotation, default in declared
    ]


def subcommand(
    app: typer.Typer, name: str, *, plots: bool = True
) -> Callable[[Callable[..., Outcome]], Callable[..., Outcome]]:
    """Register a function as a subcommand that has the shared output options.

    The function takes its own options and a keyword `output: Output`, prints nothing, and returns an `Outcome`;
    what is printed, where, and the exit status are decided here. Its module does not postpone the evaluation of
    annotations, which Typer would have to evaluate again from text, one compilation each.
    """

    def register(function: Callable[..., Outcome]) -> Callable[..., Outcome]:
        shared = shared_parameters(plots=plots)
        own = inspect.signature(function)
        kept = [parameter for parameter in own.parameters.values() if parameter.name != "output"]

        @functools.wraps(function)
        def call(**words: Any) -> int:
            from dlmath.frame.delivery import deliver, take_output

            output = take_output(words, [parameter.name for parameter in shared])
            return deliver(function(**words, output=output), output)

        parameters = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in kept] + shared
        call.__signature__ = own.replace(parameters=parameters, return_annotation=int)  # type: ignore[attr-defined]
        call.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
        # Typer follows __wrapped__ to the undecorated function, whose signature lacks the shared options
        del call.__wrapped__
        app.command(name)(call)
        return function

    return register
