"""A cell that may take so many seconds, in a thread that nobody can end from outside."""

from __future__ import annotations

import ctypes
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from dlmath.errors import DlmathError
from dlmath.runs.cell import execute, given_up

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dlmath.runs.cell import Done, Task


class TookTooLong(BaseException):
    """What is raised in the thread of a cell whose time is over."""


def too_long(task: Task) -> DlmathError:
    """Return the error of a cell that took too long."""
    return DlmathError(f"took longer than time_limit: {task.limit:g} seconds", "raise time_limit:, or ask for less")


def execute_within(task: Task) -> Done:
    """Run one cell, and give it up when its time is over.

    The exception comes between two steps of Python: a single call of NumPy is not interrupted.
    """
    if task.limit is None:
        return execute(task)
    started = time.time()
    try:
        with raised_after(task.limit):
            return execute(task)
    except TookTooLong:
        return given_up(task, too_long(task), started)


@contextmanager
def raised_after(seconds: float) -> Iterator[None]:
    """Raise `TookTooLong` in this thread after some seconds, unless the block has ended."""
    thread = threading.get_ident()
    lock = threading.Lock()
    over = False

    def interrupt() -> None:
        with lock:
            if not over:
                ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(TookTooLong))

    timer = threading.Timer(seconds, interrupt)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        with lock:
            over = True
        timer.cancel()
