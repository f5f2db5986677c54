"""What the two output streams can do, decided once at the edge and handed in.

Terminal or pipe, colour or not, how wide: nothing deeper in the program looks at the environment again.
Conventions: NO_COLOR (no-color.org), FORCE_COLOR (force-color.org), TERM=dumb.
"""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING, NamedTuple, TextIO, cast

from dlmath.report.glyphs import AsciiWriter, can_draw

if TYPE_CHECKING:
    from collections.abc import Mapping


class Streams(NamedTuple):
    """Standard output and standard error, and how to write on them.

    Parameters
    ----------
    out, err : TextIO
        Results go to `out`; progress, notes, warnings and errors to `err`.
    rich : bool
        Whether tables on `out` are drawn with Rich (a terminal, or colour was forced).
    color : bool
        Whether colour codes may be written to `out`.
    true_color : bool
        Whether the terminal says it shows 24-bit colours.
    width : int or None
        Columns of the terminal behind `out`; None for a pipe, where nothing is ever cut.
    progress : bool
        Whether progress bars may be drawn on `err`.
    quiet : bool
        Whether notes are left out.
    ascii : bool
        Whether drawings are made of ASCII alone: the encoding lacks their characters, or the terminal is dumb.
    """

    out: TextIO
    err: TextIO
    rich: bool
    color: bool
    true_color: bool
    width: int | None
    progress: bool
    quiet: bool
    ascii: bool = False

    @property
    def drawing(self) -> TextIO:
        """Standard output as reports are written on it."""
        return cast("TextIO", AsciiWriter(self.out)) if self.ascii else self.out

    def note(self, text: str) -> None:
        """Write one note line on standard error, unless quiet."""
        if not self.quiet:
            self.line("note", text)

    def error(self, text: str) -> None:
        """Write one line on standard error about what could not be carried out."""
        self.line("error", text)

    def line(self, kind: str, text: str) -> None:
        """Write a line on standard error that cannot steer a terminal."""
        from dlmath.report.harmless import visible

        self.err.write(f"{kind}: {visible(' '.join(text.split()))}\n")

    @property
    def columns(self) -> int:
        """Columns a drawing may take."""
        return self.width or 80


def silence(stream: TextIO) -> None:
    """Point a stream at nothing, so that a later flush of what it could not write does not fail again."""
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, stream.fileno())
    os.close(nothing)


def detect(out: TextIO, err: TextIO, environ: Mapping[str, str] = os.environ, *, quiet: bool = False) -> Streams:
    """Return what the streams can do in this environment."""
    dumb = environ.get("TERM") == "dumb"
    no_color = bool(environ.get("NO_COLOR"))
    forced = environ.get("FORCE_COLOR", "") not in {"", "0"} and not no_color
    terminal = out.isatty()
    return Streams(
        out=out,
        err=err,
        rich=forced or (terminal and not dumb),
        color=forced or (terminal and not dumb and not no_color),
        true_color=environ.get("COLORTERM") in {"truecolor", "24bit"},
        width=shutil.get_terminal_size().columns if terminal else None,
        progress=err.isatty() and not quiet and not dumb,
        quiet=quiet,
        ascii=dumb or not can_draw(out.encoding),
    )
