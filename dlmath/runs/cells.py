"""Cells sent to where they are run: here, to processes of this machine, to a Dask cluster, to any executor."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import warnings
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, ProcessPoolExecutor, wait
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from dlmath.errors import DlmathError, MissingExtraError
from dlmath.runs.cell import execute

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from concurrent.futures import Executor, Future
    from multiprocessing.connection import Connection

    from dlmath.runs.cell import Done, Task

AHEAD = 2
"""Cells that wait for each worker, so that none is idle; more would only be lost when the run is stopped."""


def run_tasks(
    tasks: Sequence[Task], executor: Executor | None, workers: int, wanted: Callable[[Task], bool]
) -> Iterator[tuple[int, Done | None]]:
    """Yield (number, what came of it) for every task as it is done.

    Parameters
    ----------
    tasks : sequence of Task
    executor : concurrent.futures.Executor or None
        Where they are run; None: here, one after the other.
    workers : int
        How many the executor runs at once.
    wanted : callable
        Asked right before a task is sent: False when another run has finished it meanwhile, and None is yielded for it.
    """
    if executor is None:
        for number, task in enumerate(tasks):
            yield number, execute(task) if wanted(task) else None
        return
    waiting: dict[Future[Done], int] = {}
    for number, task in enumerate(tasks):
        if not wanted(task):
            yield number, None
            continue
        waiting[executor.submit(execute, task)] = number
        if len(waiting) >= AHEAD * workers:
            yield from finished(waiting)
    while waiting:
        yield from finished(waiting)


def finished(waiting: dict[Future[Done], int]) -> Iterator[tuple[int, Done]]:
    """Wait for at least one cell, and yield all that are done."""
    done, _ = wait(waiting, return_when=FIRST_COMPLETED)
    for future in sorted(done, key=waiting.__getitem__):
        number = waiting.pop(future)
        try:
            yield number, future.result()
        except BrokenExecutor as error:
            raise DlmathError("a worker process died", "use fewer --jobs: its cells may need more memory") from error


@contextmanager
def executor_for(jobs: int, scheduler: str | None) -> Iterator[tuple[Executor | None, int]]:
    """Give the executor that the options mean, and how many cells it runs at once; leave no process behind."""
    if scheduler is not None:
        with dask_executor(scheduler) as made:
            yield made
    elif jobs > 1:
        with process_executor(jobs) as executor:
            yield executor, jobs
    else:
        yield None, 1


@contextmanager
def process_executor(jobs: int) -> Iterator[Executor]:
    """Give processes of this machine that end when this one does, however it ends.

    Every worker holds the reading end of a pipe whose other end only this process has: when that is closed, by an
    interrupt or by the system after a kill, they leave.
    """
    methods = multiprocessing.get_all_start_methods()
    context: Any = multiprocessing.get_context("fork" if "fork" in methods else "spawn")
    theirs, ours = context.Pipe(duplex=False)
    inherited = ours if context.get_start_method() == "fork" else None
    executor = ProcessPoolExecutor(jobs, mp_context=context, initializer=prepare, initargs=(theirs, inherited))
    try:
        with warnings.catch_warnings():  # Python >= 3.12 warns of a fork beside threads; ours is the first
            warnings.simplefilter("ignore", DeprecationWarning)
            list(executor.map(int, range(jobs)))
        yield executor
    except BaseException:
        ours.close()
        executor.shutdown(wait=False, cancel_futures=True)
        raise
    else:
        executor.shutdown()
    finally:
        ours.close()
        theirs.close()


def prepare(theirs: Connection, inherited: Connection | None) -> None:
    """Make a worker: an interrupt is its parent's to answer, and it leaves when its parent does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if inherited is not None:
        inherited.close()
    threading.Thread(target=leave_with, args=(theirs,), daemon=True).start()


def leave_with(theirs: Connection) -> None:
    """Wait for the other end to close, then leave at once."""
    try:
        theirs.recv_bytes()
    except (EOFError, OSError):
        os._exit(1)


@contextmanager
def dask_executor(address: str) -> Iterator[tuple[Executor, int]]:
    """Give the workers of a Dask cluster.

    Raises
    ------
    MissingExtraError, DlmathError
        Without dask.distributed, or when nobody answers at the address.
    """
    try:
        from distributed import Client
    except ImportError as error:
        what = "--scheduler needs dask.distributed, which is not installed"
        raise MissingExtraError(what, "pip install 'dlmath[cluster]'") from error
    try:
        client = Client(address, timeout="10s", set_as_default=False)
    except (OSError, ValueError, TimeoutError) as error:
        what = f"--scheduler {address}: {' '.join(str(error).split())}"
        raise DlmathError(what, "start one with dask scheduler, and give the address it prints") from error
    with client:
        cores = sum(client.ncores().values())
        if not cores:
            raise DlmathError(f"--scheduler {address}: the cluster has no workers", "start some with dask worker")
        yield client.get_executor(pure=False), cores
