"""Processes of this machine that run cells: one may die, or be ended, and takes nothing with it but its own cell."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import threading
import time
import warnings
from collections import deque
from contextlib import suppress
from multiprocessing.connection import wait
from typing import TYPE_CHECKING, Any

from dlmath.errors import DlmathError
from dlmath.runs.cell import CLOCK, execute, given_up
from dlmath.runs.limits import too_long
from dlmath.runs.queue import PAUSE

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence
    from multiprocessing.connection import Connection

    from dlmath.runs.cell import Done, Task
    from dlmath.runs.queue import Queue


AHEAD = 8
QUICK = 0.02
MOST_WAITING = 30_000
"""Cells that take less than QUICK seconds are sent AHEAD, so that a worker waits for nobody; their bytes fit
into a pipe, so that neither ever waits for the other to read."""


def can_fork() -> bool:
    """Tell whether processes start as copies of this one, within milliseconds."""
    return "fork" in multiprocessing.get_all_start_methods()


class Worker:
    """One process, the cell that it runs, and those that wait in its pipe."""

    def __init__(self, context: Any, leash: Connection, others: Sequence[Connection]) -> None:
        self.ours, theirs = context.Pipe()
        inherited = [*others, self.ours] if context.get_start_method() == "fork" else []
        self.process = context.Process(target=serve, args=(theirs, leash, inherited))
        with warnings.catch_warnings():  # Python >= 3.12 warns of a fork beside threads; ours wait
            warnings.simplefilter("ignore", DeprecationWarning)
            self.process.start()
        theirs.close()
        self.cells: deque[tuple[int, Task]] = deque()
        self.waiting = 0
        self.started = 0.0

    def has_room(self, longest: float) -> bool:
        """Tell whether it takes another cell: an idle one does, a busy one when cells are over in no time."""
        if not self.cells:
            return True
        return 0 < longest < QUICK and len(self.cells) < AHEAD and self.waiting < MOST_WAITING

    def give(self, number: int, task: Task) -> None:
        """Send a cell."""
        if not self.cells:
            self.started, self.waiting = time.time(), 0
        self.cells.append((number, task))
        content = pickle.dumps(task)
        self.waiting += len(content)
        with suppress(OSError):  # it is dead: that is seen when its answer does not come
            self.ours.send_bytes(content)

    @property
    def deadline(self) -> float:
        """When its cell is given up."""
        limit = self.cells[0][1].limit if self.cells else None
        return float("inf") if limit is None else self.started + limit

    def answer(self) -> Done | None:
        """Return what came of the cell, the next one being at it now; None: the process is gone."""
        try:
            done: Done = self.ours.recv()
        except (EOFError, OSError, pickle.UnpicklingError):
            return None
        self.started = time.time()
        return done

    def end(self) -> int | None:
        """End the process, and return how it ended."""
        if self.process.is_alive():
            self.process.kill()
        self.process.join()
        self.ours.close()
        code: int | None = self.process.exitcode
        return code


class ProcessPool:
    """Workers that take cells from a queue.

    A cell whose worker dies is tried once more, alone, when all others are done: the system ends processes when memory
    runs out, and not always the one that took it. When it dies again, that is what came of the cell.
    """

    def __init__(self, jobs: int) -> None:
        self.context: Any = multiprocessing.get_context("fork" if can_fork() else "spawn")
        self.leash, self.held = self.context.Pipe(duplex=False)
        self.workers: list[Worker] = []
        self.workers = [self.new() for _ in range(jobs)]

    def new(self) -> Worker:
        """Start a worker."""
        others = [worker.ours for worker in self.workers]
        return Worker(self.context, self.leash, [*others, self.held])

    def close(self) -> None:
        """End all workers."""
        for worker in self.workers:
            worker.end()
        self.held.close()
        self.leash.close()

    def run(self, queue: Queue) -> Iterator[tuple[int, Done | None]]:
        """Yield (number, what came of it) for every task of a queue; None: it is known by now."""
        again: list[tuple[int, Task]] = []
        done: list[tuple[int, Done]] = []
        while True:
            idle, nothing_left = yield from self.hand_out(queue)
            yield from done  # and is written down while the workers are at the next cells
            busy = [worker for worker in self.workers if worker.cells]
            done = []
            if busy:
                done = list(self.gather(busy, queue, again, wait_for=PAUSE if idle and not nothing_left else None))
            elif nothing_left:
                break
            else:
                time.sleep(PAUSE)
        for number, task in again:
            self.workers[0].give(number, task)
            while self.workers[0].cells:
                yield from self.gather(self.workers[:1], queue, None)

    def hand_out(self, queue: Queue) -> Generator[tuple[int, Done | None], None, tuple[bool, bool]]:
        """Give cells to workers with room, one each in turn, and yield what is known by now.

        Returns
        -------
        (bool, bool)
            Whether workers with room are left, and whether the queue ended.
        """
        while hungry := [worker for worker in self.workers if worker.has_room(queue.longest)]:
            worker = min(hungry, key=lambda worker: len(worker.cells))
            offer = queue.take()
            if offer is None or offer.task is None:
                return True, offer is None
            if offer.is_known:
                yield offer.number, None
            else:
                worker.give(offer.number, offer.task)
        return False, False

    def gather(
        self, busy: Sequence[Worker], queue: Queue, again: list[tuple[int, Task]] | None, wait_for: float | None = None
    ) -> Iterator[tuple[int, Done]]:
        """Wait for something to happen, and yield what is done; `again` takes the cells whose worker died."""
        until = min(worker.deadline for worker in busy) - time.time()
        timeout = min(until, float("inf") if wait_for is None else wait_for)
        ready = set(wait([worker.ours for worker in busy], None if timeout == float("inf") else max(timeout, 0.0)))
        for worker in busy:
            number, task = worker.cells[0]
            if worker.ours in ready:
                done = worker.answer()
                if done is None:
                    code = self.replace(worker, queue)
                    if again is not None:
                        again.append((number, task))
                        continue
                    done = given_up(task, died(code), worker.started)
                else:
                    worker.cells.popleft()
                queue.longest = max(queue.longest, done.clock[CLOCK])
                yield number, done
            elif time.time() >= worker.deadline:
                self.replace(worker, queue)
                yield number, given_up(task, too_long(task), worker.started)

    def replace(self, worker: Worker, queue: Queue) -> int | None:
        """End a worker, put a new one in its place, give back the cells that only waited; return how it ended."""
        code = worker.end()
        queue.give_back(list(worker.cells)[1:])
        place = self.workers.index(worker)
        del self.workers[place]
        self.workers.insert(place, self.new())
        return code


def died(code: int | None) -> DlmathError:
    """Return the error of a cell whose process died twice, the second time alone."""
    how = f"signal {signal.Signals(-code).name}" if code is not None and code < 0 else f"exit status {code}"
    hint = ": memory may have run out" if code == -getattr(signal, "SIGKILL", 9) else ""
    return DlmathError(f"its process was ended twice, the second time alone ({how}{hint})", "ask for less at once")


# --- in the worker ----------------------------------------------------------------------------------------------------


def serve(requests: Connection, leash: Connection, inherited: Sequence[Connection]) -> None:
    """Run cells as they come. An interrupt is the parent's to answer, and when the parent ends, this process does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    for connection in inherited:
        connection.close()
    threading.Thread(target=leave_with, args=(leash,), daemon=True).start()
    with suppress(EOFError, OSError):
        while True:
            requests.send(execute(requests.recv()))


def leave_with(leash: Connection) -> None:
    """Wait for the other end to close, as it does however the parent ends; then leave at once."""
    try:
        leash.recv_bytes()
    except (EOFError, OSError):
        os._exit(1)
