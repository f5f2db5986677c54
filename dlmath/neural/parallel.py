"""Work shared out to processes, so that an interrupted run leaves none behind."""

from __future__ import annotations

import multiprocessing
import signal
import warnings
from multiprocessing.connection import wait
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from multiprocessing.connection import Connection
    from multiprocessing.process import BaseProcess


def _serve(work: Callable[[Any], Any], connection: Connection) -> None:
    """Answer tasks until the other end is closed. The parent decides what an interrupt means."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    while True:
        try:
            number, task = connection.recv()
        except EOFError:
            return
        try:
            connection.send((number, work(task), None))
        except Exception as error:  # noqa: BLE001 - whatever it is, it is the parent's to raise
            connection.send((number, None, error))


def _start(work: Callable[[Any], Any], jobs: int) -> dict[Connection, BaseProcess]:
    """Start the processes; forked ones share the parent's imports and start in milliseconds."""
    methods = multiprocessing.get_all_start_methods()
    context: Any = multiprocessing.get_context("fork" if "fork" in methods else "spawn")
    workers: dict[Connection, BaseProcess] = {}
    for _ in range(jobs):
        ours, theirs = context.Pipe()
        process = context.Process(target=_serve, args=(work, theirs), daemon=True)
        with warnings.catch_warnings():  # Python >= 3.12 warns of a fork beside BLAS threads, which sleep here
            warnings.simplefilter("ignore", DeprecationWarning)
            process.start()
        theirs.close()
        workers[ours] = process
    return workers


def share_out(work: Callable[[Any], Any], tasks: Sequence[Any], jobs: int) -> Iterator[tuple[int, Any]]:
    """Yield (number, work(task)) for every task as it is done, each process taking the next when it is free.

    Raises
    ------
    RuntimeError
        When a process died.
    Exception
        Whatever `work` raised. In every case the processes are ended before this returns.
    """
    waiting = iter(enumerate(tasks))
    workers = _start(work, min(jobs, len(tasks)))
    try:
        busy = [connection for connection in workers if _hand_out(connection, waiting)]
        while busy:
            for connection in wait(busy):
                yield _receive(connection)  # type: ignore[arg-type]
                if not _hand_out(connection, waiting):  # type: ignore[arg-type]
                    busy.remove(connection)  # type: ignore[arg-type]
    finally:
        for connection, process in workers.items():
            connection.close()
            process.terminate()
            process.join()


def _hand_out(connection: Connection, waiting: Iterator[tuple[int, Any]]) -> bool:
    for numbered_task in waiting:
        connection.send(numbered_task)
        return True
    return False


def _receive(connection: Connection) -> tuple[int, Any]:
    try:
        number, result, error = connection.recv()
    except EOFError:
        raise RuntimeError("a worker process died") from None
    if error is not None:
        raise error
    return number, result
