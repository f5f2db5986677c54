"""How a result is wanted: the output options of one call."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from dlmath.report.streams import Streams


class Output(NamedTuple):
    """The output options of one call, and the streams they go to."""

    format: str
    get: str | None
    explain: bool
    plot: str | None
    quiet: bool
    streams: Streams

    def settings(self) -> dict[str, object]:
        """Return the options as `settings` lists them."""
        return {name: value for name, value in self._asdict().items() if name != "streams"}
