"""The cells that are left, in order: which one is to be run next, and which is another run's."""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dlmath.runs.cell import Task

PAUSE = 0.05
"""Seconds between two looks at what other runs do."""
PATIENCE = 20.0
"""Seconds, and as often as the longest cell took, after which a cell that another run has claimed is run here too:
that run may be stopped, or on a machine that is gone."""


class Offer(NamedTuple):
    """What comes next: a cell that is to be run, one that is known by now (`is_known`), or a wait (no task)."""

    number: int = -1
    task: Task | None = None
    is_known: bool = False


class Queue:
    """Tasks in the order of the plan; those that another run has claimed come later.

    Parameters
    ----------
    tasks : sequence of Task
    wanted : callable
        Asked right before a task is handed out: True, it is to be run here; False, it is known by now; None, another
        run has it.
    """

    def __init__(self, tasks: Sequence[Task], wanted: Callable[[Task], bool | None]) -> None:
        self.fresh = iter(enumerate(tasks))
        self.again: deque[tuple[int, Task]] = deque()
        self.later: deque[tuple[int, Task]] = deque()
        self.wanted = wanted
        self.is_through = False
        self.longest = 0.0
        self.looked = 0.0
        self.moved = time.monotonic()

    def take(self) -> Offer | None:
        """Return the next offer, None when nothing is left."""
        if self.is_through and not self.again and self.later:
            now = time.monotonic()
            if now - self.moved > PATIENCE + 3 * self.longest:
                self.moved = now
                return Offer(*self.later.popleft())
            if now - self.looked < PAUSE:
                return Offer()
            self.looked = now
            self.again, self.later = self.later, self.again
        while (following := self.following()) is not None:
            number, task = following
            wanted = self.wanted(task)
            if wanted is not None:
                self.moved = time.monotonic()
                return Offer(number, task, is_known=not wanted)
            self.later.append((number, task))
        return Offer() if self.later else None

    def give_back(self, tasks: Sequence[tuple[int, Task]]) -> None:
        """Take back tasks that were handed out and not begun."""
        self.again.extend(tasks)

    def following(self) -> tuple[int, Task] | None:
        """Return the next task that is to be asked about, the new ones first."""
        if not self.is_through:
            following = next(self.fresh, None)
            if following is not None:
                return following
            self.is_through = True
        return self.again.popleft() if self.again else None
