"""The Typer application: every subcommand in one place, its parameters made of its words."""

import inspect
import os
import re
from collections.abc import Callable, Sequence
from typing import Annotated, Any, ClassVar

import typer
from typer.core import TyperCommand, TyperGroup

from dlmath.frame.command import Command
from dlmath.frame.parameters import Direct
from dlmath.frame.registry import HOUSES, command_of
from dlmath.frame.words import Word, completer, one_of
from dlmath.version import __version__

ROW = re.compile(r"-[\d.][^\s,;]*[\s,;]")
"""How a row of numbers begins whose first one is negative."""


class Group(Direct, TyperGroup):
    """The application itself."""


app = typer.Typer(
    name="dlmath",
    cls=Group,
    help="The mathematics of deep learning, as commands: run it, measure it, see it derived number by number.",
    # Rich markup in help costs 2x the start-up and swallows [bracketed] words
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit status: 0 done; 1 done, the answer is no; 2 the request was wrong; 130 interrupted.",
)


def print_version(*, asked: bool) -> None:
    """Print the version and stop."""
    if asked:
        typer.echo(f"dlmath {__version__}")
        raise typer.Exit


@app.callback()
def root(
    *,
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            "-V",
            help="Print the version and exit.",
            is_eager=True,
            callback=lambda v: print_version(asked=v),
        ),
    ] = False,
) -> None:
    """Do nothing: its docstring is not shown, `help=` of the application is."""


def load(words: Sequence[str]) -> None:
    """Register the command that the words name, so that a call pays for no other; all of them when none is named.

    Shell completion asks without naming, help and typos name none: there every command must be known.
    """
    app.registered_commands.clear()  # what earlier calls of this process registered would be built with every call
    first = next(iter(words), "")
    asked = "_DLMATH_COMPLETE" not in os.environ and first in HOUSES
    for name in [first] if asked else HOUSES:
        register(app, command_of(name))
    if not asked:
        app.command("help", short_help="Show the manual of a command, or the list of built-in examples.")(show_help)


SHELLS = ("bash", "zsh", "fish", "powershell", "pwsh")


def completion(flag: str, shell: str) -> int:
    """Print or install the completion of a shell that is named, whichever shell this is."""
    from typer import _completion_shared as typer_completion

    shell = one_of(flag, shell, SHELLS)
    if flag == "--install-completion":
        _, path = typer_completion.install(shell=shell, prog_name="dlmath")
        typer.echo(f"{shell} completion installed in {path}; it works in the next shell")
        return 0
    variables = {"prog_name": "dlmath", "complete_var": "_DLMATH_COMPLETE", "shell": shell}
    typer.echo(typer_completion.get_completion_script(**variables))
    return 0


def help_topics(incomplete: str) -> list[str]:
    """Return the topics of `help` that begin so, for completion."""
    from dlmath.frame.manual import topics

    return [topic for topic in topics() if topic.startswith(incomplete)]


def show_help(
    topic: Annotated[
        str | None,
        typer.Argument(
            metavar="COMMAND",
            help="A command, or `examples`. Without one: what all commands share.",
            autocompletion=help_topics,
            show_default=False,
        ),
    ] = None,
) -> int:
    """Show the manual of a command, or the list of built-in examples."""
    from dlmath.frame.manual import show_help as show

    return show(topic)


def register(to: typer.Typer, command: Command) -> None:
    """Make a command a subcommand: its own words, then those that say how the result is wanted."""
    own = list(command.words.ALL.values())
    parameters = [parameter(word) for word in (*own, *command.output_words)]
    to.command(command.name, cls=help_class(command), short_help=command.about.partition("\n")[0])(
        caller(command, parameters)
    )


def caller(command: Command, parameters: Sequence[inspect.Parameter]) -> Callable[..., int]:
    """Return the function that Typer calls, with the signature it reads."""

    def call(**given: Any) -> int:
        from dlmath.frame.delivery import call as carry_out

        return carry_out(command, given)

    call.__signature__ = inspect.Signature(parameters, return_annotation=int)  # type: ignore[attr-defined]
    call.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    call.__doc__ = command.about
    return call


def parameter(word: Word) -> inspect.Parameter:
    """Return a declared word as the parameter that Typer reads."""
    shared: dict[str, Any] = {"metavar": word.metavar or None, "help": word.help, "show_default": False}
    if word.suggestions or word.choices or word.reads:
        shared["autocompletion"] = completer(word)
    if word.variable:
        shared["envvar"] = word.variable
    item = list[word.kind] if word.many else word.kind  # type: ignore[name-defined]
    annotation = item if word.kind is bool or word.default is not None else item | None
    declared = typer.Argument(**shared) if word.is_argument else typer.Option(*flags(word), **shared)
    return inspect.Parameter(
        word.field, inspect.Parameter.KEYWORD_ONLY, default=word.default, annotation=Annotated[annotation, declared]
    )


def flags(word: Word) -> list[str]:
    """Return how an option is typed; what is on by default can be switched off."""
    flag = f"{word.flag}/--no-{word.flag[2:]}" if word.default is True else word.flag
    return [flag, word.short] if word.short else [flag]


def help_class(command: Command) -> type[TyperCommand]:
    """Return the class of a subcommand whose `--help` is made of its declaration."""

    class Helped(Direct, TyperCommand):
        words: ClassVar = {word.field: word for word in (*command.words.ALL.values(), *command.output_words)}

        def get_help(self, _context: Any) -> str:
            from dlmath.frame.help import help_of

            return help_of(command)

        def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
            return super().parse_args(ctx, numbers_as_words(args, command))

    return Helped


def numbers_as_words(arguments: Sequence[str], command: Command) -> list[str]:
    """Return the arguments with rows of numbers that begin with a minus made no options: "-1 0 2 4" is a box.

    >>> numbers_as_words(["iou", "-1 0 2 4", "-1 0 3 4", "--at", "-1 2"], command_of("boxes"))
    ['iou', ' -1 0 2 4', ' -1 0 3 4', '--at', '-1 2']
    """
    switches = {word.flag for word in (*command.words.ALL.values(), *command.output_words) if word.kind is bool}
    switches |= {f"--no-{flag[2:]}" for flag in switches}
    told = [""]
    for argument in arguments:
        before = told[-1]
        is_value = before.startswith("-") and "=" not in before and before not in {"--", *switches}
        told.append(" " + argument if ROW.match(argument) and not is_value else argument)
    return told[1:]
