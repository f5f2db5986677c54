"""A Dask cluster that runs cells: its workers may die, its scheduler may go away, and both are one line."""

from __future__ import annotations

import logging
import time
from contextlib import contextmanager, suppress
from importlib import import_module
from typing import TYPE_CHECKING, Any

from dlmath.errors import DlmathError, MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from concurrent.futures import Executor

PATIENCE = 10.0
"""Seconds to wait for a scheduler to answer, and for workers to come back."""


class Cluster:
    """The workers of a Dask cluster."""

    def __init__(self, client: Any, address: str) -> None:
        self.client = client
        self.address = address
        self.executor: Executor = client.get_executor(pure=False)
        self.alive = time.monotonic()

    def cores(self) -> int:
        """Return how many cells can be run at once."""
        return sum(self.client.ncores().values())

    def watch(self) -> None:
        """Refuse to wait for workers that do not come back."""
        now = time.monotonic()
        if self.cores():
            self.alive = now
        elif now - self.alive > PATIENCE:
            what = f"--scheduler {self.address}: no worker is left; what was finished is kept"
            raise DlmathError(what, "start some with dask worker, and run again to go on from there")


@contextmanager
def dask_executor(address: str) -> Iterator[tuple[Cluster, int]]:
    """Give the workers of a Dask cluster, and how many cells they run at once.

    Raises
    ------
    MissingExtraError, DlmathError
        Without dask.distributed, when nobody answers at the address, or when the scheduler goes away.
    """
    distributed = installed()
    client = connected(distributed, address)
    try:
        cluster = Cluster(client, address)
        cores = cluster.cores()
        if not cores:
            raise DlmathError(f"--scheduler {address}: the cluster has no workers", "start some with dask worker")
        yield cluster, cores
    except gone(distributed) as error:
        what = f"--scheduler {address} went away ({type(error).__name__}); what was finished is kept"
        raise DlmathError(what, "start it again, and run again to go on from there") from error
    finally:
        with suppress(Exception):
            client.close(timeout=1)


def installed() -> Any:
    """Return dask.distributed, which says nothing on standard error: what is wrong is told here, in one line."""
    try:
        distributed: Any = import_module("distributed")
    except ImportError as error:
        what = "--scheduler needs dask.distributed, which is not installed"
        raise MissingExtraError(what, "pip install 'dlmath[cluster]'") from error
    for name in ("distributed", "tornado", "asyncio", *logging.root.manager.loggerDict):
        if name.split(".")[0] in {"distributed", "tornado", "asyncio"}:
            logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    return distributed


def connected(distributed: Any, address: str) -> Any:
    """Return a client of a scheduler."""
    try:
        return distributed.Client(address, timeout=PATIENCE, set_as_default=False)
    except (OSError, ValueError, TypeError, TimeoutError) as error:
        what = f"--scheduler {address}: {' '.join(str(error).split())}"
        raise DlmathError(what, "start one with dask scheduler, and give the address it prints") from error


def gone(distributed: Any) -> tuple[type[BaseException], ...]:
    """Return what is raised when a scheduler is gone."""
    from concurrent.futures import CancelledError

    errors = [CancelledError, OSError, TimeoutError, distributed.comm.core.CommClosedError]
    return tuple(error for error in errors if isinstance(error, type))


def is_of_one_cell(error: Exception) -> bool:
    """Tell whether an error is about one cell, whose workers died, and not about the whole executor.

    Dask gives a cell up when three of its workers died under it.
    """
    return type(error).__name__ in {"KilledWorker", "BrokenProcessPool"} or isinstance(error, MemoryError)


def lost_workers(error: Exception) -> DlmathError:
    """Return the error of a cell whose workers died."""
    what = f"its workers were ended, one after the other ({type(error).__name__})"
    return DlmathError(what, "ask for less at once, or give the workers more memory")
