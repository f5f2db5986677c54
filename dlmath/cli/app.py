"""The Typer application: every subcommand in one place."""

from __future__ import annotations

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


from dlmath.cli import train_gate  # noqa: E402, F401  a command registers itself on the application above
