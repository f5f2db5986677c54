"""From a command's words to its printed outcome: what the command line calls once a command runs.

Apart from `app`, so that declaring commands imports none of this.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from dlmath.errors import InvalidValueError, UnwritableError, unknown
from dlmath.frame.outcome import emit
from dlmath.frame.output import Output, OutputWords
from dlmath.frame.paths import check_path
from dlmath.report.streams import detect, silence

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dlmath.frame.command import Command
    from dlmath.frame.outcome import Outcome

STANDARD = "-"
PLOT_FORMATS = ("png", "svg", "pdf")


def call(command: Command, given: Mapping[str, Any]) -> int:
    """Carry out one call of the command line: everything is checked, then done, then delivered."""
    output = output_of({field: value for field, value in given.items() if field in OutputWords.ALL})
    words = command.words(**{field: value for field, value in given.items() if field not in OutputWords.ALL})
    words = words.checked()
    command.begin(words)
    if output.get is not None:
        check_path(output.get, command.results(words), (*words.ALL, *output.settings()))
    command.check(words, output)
    return deliver(command.run(words, output), output)


def output_of(given: Mapping[str, Any]) -> Output:
    """Return the shared options, checked, with the streams they go to."""
    taken = OutputWords(**given).checked()
    streams = detect(sys.stdout, sys.stderr, quiet=taken.quiet)
    output = Output(**taken.as_dict(), streams=streams._replace(width=None) if taken.wide else streams)
    check_output(output)
    return output


def check_output(output: Output) -> None:
    """Refuse combinations that would leave an option without effect, and files that cannot be written."""
    if output.format == "csv" and (output.get or output.explain):
        option = "--get" if output.get else "--explain"
        raise InvalidValueError(f"{option} has no place in --format csv", "use --format table or json with it")
    if output.get and output.explain:
        raise InvalidValueError("--get prints one value and --explain a text", "use one of the two")
    if output.dark and output.plot is None:
        raise InvalidValueError("--dark has no meaning without --plot", "leave it away")
    if output.plot is not None:
        check_plot(output.plot)


def check_plot(name: str) -> None:
    """Find out before the work that the picture can be drawn after it."""
    from dlmath.files.atomic import check_writable
    from dlmath.report.figures import require_matplotlib

    if name != STANDARD and ending_of(name) not in PLOT_FORMATS:
        raise unknown("ending for --plot:", ending_of(name), PLOT_FORMATS)
    check_writable(name, "--plot")
    require_matplotlib()


def deliver(outcome: Outcome, output: Output) -> int:
    """Write the picture and print the outcome; a reader that closed the pipe early is no error."""
    if output.plot is not None:
        write_plot(outcome, output.plot, dark=output.dark)
    if output.plot == STANDARD:
        outcome = outcome._replace(printed=False)
    try:
        emit(outcome, output.streams, output.format, output.get)
        output.streams.out.flush()
    except BrokenPipeError:
        silence(output.streams.out)
    except OSError as error:
        raise UnwritableError(f"standard output: {error.strerror}", "free some space, or send it elsewhere") from error
    return outcome.status


def write_plot(outcome: Outcome, name: str, *, dark: bool = False) -> None:
    """Draw the figure and write it whole."""
    from dlmath.files.atomic import write_bytes
    from dlmath.report.figures import background

    if outcome.picture is None:
        raise InvalidValueError("--plot: this run has nothing to draw", "leave --plot away")
    with background(dark=dark):
        picture = outcome.picture("png" if name == STANDARD else ending_of(name))
    write_bytes(name, picture)


def ending_of(name: str) -> str:
    """Return a file name's ending, lower case, without the dot.

    >>> ending_of("a/figure.SVG")
    'svg'
    """
    return name.rpartition(".")[2].lower()
