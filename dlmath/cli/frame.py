"""What every subcommand shares, written once: the output options, the emission of results, choices and completion."""

from __future__ import annotations

import functools
import inspect
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dlmath.commands.checks import one_of
from dlmath.errors import InvalidValueError, UnwritableError, unknown
from dlmath.report.outcome import FORMATS, Outcome, emit
from dlmath.report.output import Output
from dlmath.report.streams import detect, silence

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

PLOT_FORMATS = ("png", "svg", "pdf")


def completer(words: Callable[[], Iterable[str]] | Sequence[str]) -> Callable[[str], list[str]]:
    """Return a shell completion over words; a callable is asked only when Tab is pressed."""

    def complete(incomplete: str) -> list[str]:
        return [word for word in (words() if callable(words) else words) if word.startswith(incomplete)]

    return complete


def choice(flag: str, words: Sequence[str], text: str, **extra: Any) -> Any:
    """Declare an option that takes one of a few words; `dlmath.commands.checks.one_of` checks it."""
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
    what is printed, where, and the exit status are decided here.
    """

    def register(function: Callable[..., Outcome]) -> Callable[..., Outcome]:
        shared = shared_parameters(plots=plots)
        own = inspect.signature(function, eval_str=True)
        kept = [parameter for parameter in own.parameters.values() if parameter.name != "output"]

        @functools.wraps(function)
        def call(**words: Any) -> int:
            output = take_output(words, [parameter.name for parameter in shared])
            outcome = function(**words, output=output)
            return deliver(outcome, output)

        parameters = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in kept] + shared
        call.__signature__ = own.replace(parameters=parameters, return_annotation=int)  # type: ignore[attr-defined]
        call.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
        # Typer follows __wrapped__ to the undecorated function, whose signature lacks the shared options
        del call.__wrapped__
        app.command(name)(call)
        return function

    return register


def take_output(words: dict[str, Any], names: Sequence[str]) -> Output:
    """Split the shared options from a command's own, and check them."""
    taken = {name: words.pop(name) for name in names}
    taken.setdefault("plot", None)
    taken["format"] = one_of("--format", taken["format"], FORMATS)
    output = Output(**taken, streams=detect(sys.stdout, sys.stderr, quiet=taken["quiet"]))
    check_output(output)
    return output


def check_output(output: Output) -> None:
    """Refuse combinations that would leave an option without effect, and files that cannot be written."""
    if output.format == "csv" and (output.get or output.explain):
        option = "--get" if output.get else "--explain"
        raise InvalidValueError(f"{option} has no place in --format csv", "use --format table or json with it")
    if output.get and output.explain:
        raise InvalidValueError("--get prints one value and --explain a text", "use one of the two")
    if output.plot is not None:
        check_plot(output.plot)


def check_plot(name: str) -> None:
    """Find out before the work that the picture can be drawn after it."""
    from dlmath.files.atomic import check_writable
    from dlmath.report.plots import require_matplotlib

    if ending_of(name) not in PLOT_FORMATS:
        raise unknown("ending for --plot:", ending_of(name), PLOT_FORMATS)
    check_writable(name, "--plot")
    require_matplotlib()


def deliver(outcome: Outcome, output: Output) -> int:
    """Write the picture and print the outcome; a reader that closed the pipe early is no error."""
    if output.plot is not None:
        write_plot(outcome, output.plot)
    try:
        emit(outcome, output.streams, output.format, output.get)
        output.streams.out.flush()
    except BrokenPipeError:
        silence(output.streams.out)
    except OSError as error:
        raise UnwritableError(f"standard output: {error.strerror}", "free some space, or send it elsewhere") from error
    return outcome.status


def write_plot(outcome: Outcome, name: str) -> None:
    """Draw the figure and write it whole."""
    from dlmath.files.atomic import write_bytes

    if outcome.picture is None:
        raise InvalidValueError("--plot: this run has nothing to draw", "leave --plot away")
    write_bytes(name, outcome.picture(ending_of(name)))


def ending_of(name: str) -> str:
    """Return a file name's ending, lower case, without the dot.

    >>> ending_of("a/figure.SVG")
    'svg'
    """
    return name.rpartition(".")[2].lower()
