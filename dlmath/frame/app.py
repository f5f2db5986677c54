"""The Typer application: every subcommand in one place."""

import os
from collections.abc import Sequence
from importlib import import_module
from typing import Annotated

import typer

from dlmath import __version__

app = typer.Typer(
    name="dlmath",
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
            help="Print the version and exit.",
            is_eager=True,
            callback=lambda v: print_version(asked=v),
        ),
    ] = False,
) -> None:
    """Do nothing: its docstring is not shown, `help=` of the application is."""


HOUSES = {
    "train-gate": "gates",
    "convolve": "convolution",
    "param-count": "counting",
    "vanishing": "depth",
    "run": "runs",
}
"""Subcommand to the house it lives in."""
COMMANDS = {name: f"dlmath.{house}.cli" for name, house in HOUSES.items()}
"""Subcommand to the module whose import registers it."""


def load(words: Sequence[str]) -> None:
    """Import the command that the words name, so that a call pays for no other; all of them when none is named.

    Shell completion asks without naming, help and typos name none: there every command must be known.
    """
    first = next(iter(words), "")
    asked = "_DLMATH_COMPLETE" not in os.environ and first in COMMANDS
    for module in [COMMANDS[first]] if asked else COMMANDS.values():
        import_module(module)
