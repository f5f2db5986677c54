"""An experiment that was run: everything its tables, its page and its picture are made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dlmath.neural.intervals import Spread
    from dlmath.runs.plan import PlannedCell

Shown: TypeAlias = "Spread | str | None"
"""A value over the repeats of one cell: a mean with its interval, one text for all, or nothing."""


class ExpectationVerdict(NamedTuple):
    """An expectation and what came of it.

    Parameters
    ----------
    text : str
    holds : bool or None
        None: it was not judged.
    value : object
        What was measured.
    cells : int
        How many cells it is about.
    failing : tuple of str
        The first cells that break it.
    reason : str
        Why it has no value, where it has none.
    more : int
        How many further cells break it.
    """

    text: str
    holds: bool | None
    value: Any
    cells: int
    failing: tuple[str, ...]
    reason: str = ""
    more: int = 0


class Failure(NamedTuple):
    """A cell that could not be carried out: its hash, its name, its words, and why."""

    id: str
    name: str
    words: Mapping[str, Any]
    error: str


class CellRow(NamedTuple):
    """One place in the sweep: its name on each axis, each value over its repeats, and its first cell."""

    labels: Mapping[str, Any]
    runs: int
    values: tuple[Shown, ...]
    cell: PlannedCell

    @property
    def name(self) -> str:
        """The place in words."""
        return " ".join(f"{name}={value}" for name, value in self.labels.items())


class Ran(NamedTuple):
    """An experiment that was run.

    `mistakes` are errors about paths that no cell has; `written` is the table of results, where one was written.
    """

    name: str
    file: str
    command: str
    claim: str
    source: str
    cells: int
    cached: int
    failures: tuple[Failure, ...]
    verdicts: tuple[ExpectationVerdict, ...]
    measured: Mapping[str, Any]
    columns: tuple[str, ...]
    rows: tuple[CellRow, ...]
    seeds: str
    axes: tuple[tuple[str, ...], ...]
    mistakes: tuple[str, ...] = ()
    written: str = ""
    finished: bool = True

    @property
    def holds(self) -> bool | None:
        """Whether every expectation holds and every cell was carried out; None when it was not finished."""
        if not self.finished:
            return None
        return not self.failures and all(verdict.holds is not False for verdict in self.verdicts)
