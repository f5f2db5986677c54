"""Progress of trainings on standard error: run, epoch, loss, accuracy, time left; nothing in a pipe."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from dlmath.images.engine.training import Watch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dlmath.images.engine.evaluation import Scores
    from dlmath.images.engine.experiment import Run
    from dlmath.report.streams import Streams


class Bar(Protocol):
    """Who is told how far the runs are."""

    def watch(self, number: int, seed: int) -> Watch:
        """Return the watch of run `number`, which begins."""

    def finished(self, count: int, run: Run) -> None:
        """Tell that `count` runs are done, `run` being the last."""


class Silent:
    """A bar that is not drawn."""

    def watch(self, number: int, seed: int) -> Watch:
        """Return a watch that tells nobody."""
        del number, seed
        return Watch()

    def finished(self, count: int, run: Run) -> None:
        """Do nothing."""


class Drawn:
    """A bar of Rich: one unit a run, moving within the run step by step."""

    def __init__(self, progress: object, handle: object, runs: int, epochs: int) -> None:
        self.progress, self.handle = progress, handle
        self.runs, self.epochs = runs, epochs

    def watch(self, number: int, seed: int) -> Watch:
        """Return a watch that moves the bar."""
        place = f"run {number + 1}/{self.runs}, seed {seed}, " if self.runs > 1 else ""

        def step(done: int, total: int) -> None:
            self._update(completed=number + done / total)

        def epoch(done: int, train: Scores, test: Scores) -> None:
            figures = f"loss {train.loss:.3f}, test {100 * test.accuracy:.1f} %"
            self._update(description=f"{place}epoch {done}/{self.epochs}, {figures}")

        return Watch(step, epoch)

    def finished(self, count: int, run: Run) -> None:
        """Move the bar by a run."""
        figures = f"seed {run.seed}: test {100 * run.test[-1].accuracy:.1f} %"
        self._update(completed=count, description=f"run {count}/{self.runs}, {figures}")

    def _update(self, **changed: object) -> None:
        self.progress.update(self.handle, **changed)  # type: ignore[attr-defined]


@contextmanager
def bar(streams: Streams, runs: int, epochs: int) -> Iterator[Bar]:
    """Give the bar of so many runs."""
    if not streams.progress:
        yield Silent()
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(file=streams.err, no_color=not streams.color)
    columns = (TextColumn("{task.description}"), BarColumn(bar_width=10), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        yield Drawn(progress, progress.add_task("training", total=runs), runs, epochs)
