"""Cells sent to where they are run: here, to processes of this machine, to a Dask cluster, to any executor."""

from __future__ import annotations

import time
from concurrent.futures import FIRST_COMPLETED, wait
from contextlib import contextmanager
from typing import TYPE_CHECKING

from dlmath.runs.cell import CLOCK, given_up
from dlmath.runs.cluster import Cluster, dask_executor, is_of_one_cell, lost_workers
from dlmath.runs.limits import execute_within
from dlmath.runs.pool import ProcessPool, can_fork
from dlmath.runs.queue import PAUSE, Queue

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from concurrent.futures import Executor, Future

    from dlmath.runs.cell import Done, Task

AHEAD = 2
"""Cells that wait for each worker of an executor, so that none is idle; more would be lost when a run is stopped."""

QUIET = 1.0
"""Seconds without anything done, after which an executor is looked after."""


def run_tasks(
    tasks: Sequence[Task],
    executor: Executor | ProcessPool | Cluster | None,
    workers: int,
    wanted: Callable[[Task], bool | None],
) -> Iterator[tuple[int, Done | None]]:
    """Yield (number, what came of it) for every task as it is done.

    Parameters
    ----------
    tasks : sequence of Task
    executor : ProcessPool, Cluster, concurrent.futures.Executor or None
        Where they are run; None: here, one after the other.
    workers : int
        How many the executor runs at once.
    wanted : callable
        Asked right before a task is handed out: False when another run has finished it meanwhile, and None is yielded
        for it; None when another run is at it, and it is asked again later.
    """
    queue = Queue(tasks, wanted)
    if executor is None:
        yield from run_here(queue)
    elif isinstance(executor, ProcessPool):
        yield from executor.run(queue)
    elif isinstance(executor, Cluster):
        yield from run_there(queue, executor.executor, AHEAD * workers, executor.watch)
    else:
        yield from run_there(queue, executor, AHEAD * workers, lambda: None)


def run_here(queue: Queue) -> Iterator[tuple[int, Done | None]]:
    """Run the tasks of a queue one after the other, in this process."""
    while (offer := queue.take()) is not None:
        if offer.task is None:
            time.sleep(PAUSE)
        elif offer.is_known:
            yield offer.number, None
        else:
            done = execute_within(offer.task)
            queue.longest = max(queue.longest, done.clock[CLOCK])
            yield offer.number, done


def run_there(
    queue: Queue, executor: Executor, most: int, watch: Callable[[], None]
) -> Iterator[tuple[int, Done | None]]:
    """Send the tasks of a queue to an executor, not too many ahead; `watch` is called while nothing happens."""
    waiting: dict[Future[Done], tuple[int, Task, float]] = {}
    while True:
        offer = queue.take() if len(waiting) < most else None
        if offer is not None and offer.is_known:
            yield offer.number, None
        elif offer is not None and offer.task is not None:
            waiting[executor.submit(execute_within, offer.task)] = (offer.number, offer.task, time.time())
        elif waiting:
            before = len(waiting)
            yield from finished(waiting, queue, PAUSE if offer is not None else QUIET)
            if len(waiting) == before:
                watch()
        elif offer is not None:
            time.sleep(PAUSE)
        else:
            return


def finished(
    waiting: dict[Future[Done], tuple[int, Task, float]], queue: Queue, patience: float
) -> Iterator[tuple[int, Done]]:
    """Wait for at least one cell, and yield all that are done; one whose worker is gone is done too."""
    done, _ = wait(waiting, patience, FIRST_COMPLETED)
    for future in sorted(done, key=lambda future: (is_lost(future), waiting[future][0])):
        number, task, started = waiting.pop(future)
        result = answer(future, task, started)
        queue.longest = max(queue.longest, result.clock[CLOCK])
        yield number, result


def is_lost(future: Future[Done]) -> bool:
    """Tell whether nothing came of a cell: those of which something came are taken first."""
    return future.cancelled() or future.exception() is not None


def answer(future: Future[Done], task: Task, started: float) -> Done:
    """Return what came of a cell; that a whole executor is gone is for its owner to tell."""
    try:
        return future.result()
    except Exception as error:
        if not is_of_one_cell(error):
            raise
        return given_up(task, lost_workers(error), started)


@contextmanager
def executor_for(jobs: int, scheduler: str | None, tasks: int) -> Iterator[tuple[ProcessPool | Cluster | None, int]]:
    """Give the executor that the options mean, and how many cells it runs at once; leave no process behind.

    One process apart runs the cells of `--jobs 1` too where that costs milliseconds: a cell that takes it down, or that
    takes too long, is then one failed cell.
    """
    workers = min(jobs, tasks)
    if scheduler is not None and tasks:
        with dask_executor(scheduler) as executor:
            yield executor
    elif workers > 1 or (workers == 1 and can_fork()):
        pool = ProcessPool(workers)
        try:
            yield pool, workers
        finally:
            pool.close()
    else:
        yield None, 1
