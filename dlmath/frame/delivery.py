"""From a command's words to its printed outcome: what `frame.subcommand` calls once a command runs.

Apart from `frame`, so that declaring commands imports none of this.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from dlmath.errors import InvalidValueError, UnwritableError, unknown
from dlmath.frame.checks import one_of
from dlmath.frame.options import FORMATS
from dlmath.frame.outcome import emit
from dlmath.frame.output import Output
from dlmath.report.streams import detect, silence

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dlmath.frame.outcome import Outcome

PLOT_FORMATS = ("png", "svg", "pdf")


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
    from dlmath.report.figures import require_matplotlib

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
