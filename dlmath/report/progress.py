"""Progress on standard error: a bar on a terminal, nothing in a pipe."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from dlmath.report.streams import Streams


@contextmanager
def progress(streams: Streams, task: str, total: float) -> Iterator[Callable[[float], None] | None]:
    """Give a function that is told how many of `total` are done, or None where no bar is drawn.

    A long job tells parts of itself: 2.25 of 8 networks. It may tell as often as it likes.
    """
    if not streams.progress:
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    console = Console(file=streams.err, no_color=not streams.color)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:.0f}/{task.total:.0f}"),
        TaskProgressColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        handle = bar.add_task(task, total=total)
        yield lambda done: bar.update(handle, completed=done)
