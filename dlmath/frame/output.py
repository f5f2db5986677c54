"""How a result is wanted: the output options of one call."""

from typing import TYPE_CHECKING, NamedTuple

from dlmath.frame.words import Words, option

if TYPE_CHECKING:
    from dlmath.report.streams import Streams

FORMATS = ("table", "json", "csv")


class OutputWords(Words):
    """The options that every command has."""

    format: str = option(
        "How the result is printed.", default="table", choices=FORMATS, panel="output", variable="DLMATH_FORMAT"
    )
    get: str | None = option(
        "Print one value of the result, bare: layers.0.macs; * is every item.", metavar="PATH", panel="output"
    )
    explain: bool = option("Print the mathematics, with this run's numbers in every formula.", panel="output")
    plot: str | None = option("Also draw the result (.png, .svg, .pdf).", metavar="FILE", panel="output", writes=True)
    quiet: bool = option("No progress, no notes.", short="-q", panel="output")


class Output(NamedTuple):
    """The output options of one call, and the streams they go to."""

    format: str
    get: str | None
    explain: bool
    plot: str | None
    quiet: bool
    streams: "Streams"

    def settings(self) -> dict[str, object]:
        """Return the options as `settings` lists them."""
        return {name: value for name, value in self._asdict().items() if name != "streams"}
