"""`dlmath help`: the manuals that the houses keep beside their code, in the terminal."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from dlmath.errors import UnreadableError, unknown
from dlmath.frame.registry import HOUSES
from dlmath.report.streams import detect, silence

if TYPE_CHECKING:
    from dlmath.report.streams import Streams

PACKAGE = Path(__file__).parent.parent
GENERAL = "frame"
EXAMPLES = "examples"
PAGER = "less"
PAGER_OPTIONS = "FRX"
"""As git has it: leave when all fits, keep colours, keep the text on the screen."""


def topics() -> list[str]:
    """Return what there is help on."""
    return [*HOUSES, EXAMPLES]


def show_help(topic: str | None) -> int:
    """Print the manual of a command, of what all share, or the list of examples; paged on a terminal."""
    streams = detect(sys.stdout, sys.stderr)
    text = examples() if topic == EXAMPLES else manual(topic)
    try:
        if streams.width is None:
            streams.out.write(text)
        else:
            paged(drawn(text, streams), streams)
        streams.out.flush()
    except BrokenPipeError:
        silence(streams.out)
    return 0


def manual(topic: str | None) -> str:
    """Return a manual as its house wrote it.

    Raises
    ------
    InvalidValueError, UnreadableError
        When there is no such command, or its manual was not installed.
    """
    if topic is not None and topic not in HOUSES:
        raise unknown("topic", topic, topics())
    file = PACKAGE / (GENERAL if topic is None else HOUSES[topic]) / "README.md"
    try:
        return file.read_text(encoding="utf-8")
    except OSError as error:
        raise UnreadableError(f"{file}: {error.strerror}", "install dlmath again") from error


def examples() -> str:
    """Return the built-in files, as Markdown: what stands for `example:NAME`."""
    from dlmath.files.examples import described

    lines = [f"- `example:{name}`: {about}" for name, about in described()]
    return "\n".join(("# Built-in examples", "", "They stand wherever a file is read.", "", *lines, ""))


def drawn(text: str, streams: Streams) -> str:
    """Return Markdown as Rich draws it, no wider than the window."""
    import io

    from rich.console import Console
    from rich.markdown import Markdown

    file = io.StringIO()
    width = min(streams.width or 80, 100)
    console = Console(file=file, width=width, force_terminal=True, no_color=not streams.color)
    console.print(Markdown(text))
    return file.getvalue()


def paged(text: str, streams: Streams) -> None:
    """Show text through the pager the user names, or `less`; without one it is printed."""
    named = os.environ.get("PAGER", PAGER)
    if not named or not sys.stdin.isatty() or shutil.which(named.split()[0]) is None:
        streams.drawing.write(text)
        return
    variables = {**os.environ, "LESS": os.environ.get("LESS", PAGER_OPTIONS)}
    subprocess.run(named, shell=True, input=text, text=True, env=variables, check=False)  # noqa: S602  it is the user's
