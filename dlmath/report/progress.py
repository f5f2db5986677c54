"""Progress on standard error: a bar on a terminal, nothing in a pipe."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from dlmath.report.streams import Streams


@contextmanager
def progress(streams: Streams, task: str, total: int) -> Iterator[Callable[[int], None] | None]:
    """Give a function that is told how many of `total` are done, or None where no bar is drawn."""
    if not streams.progress:
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(file=streams.err, no_color=not streams.color)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        handle = bar.add_task(task, total=total)
        yield lambda done: bar.update(handle, completed=done)
