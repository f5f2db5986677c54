"""Work shared out to processes: every answer once, errors and deaths reported, nothing left behind."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys

import pytest

from dlmath.errors import InvalidValueError
from dlmath.neural.parallel import share_out


def square(number):
    return number * number


def refuse(number):
    raise InvalidValueError(f"{number} is wrong", "take another")


def die(_number):
    os._exit(3)


@pytest.mark.parametrize("jobs", [1, 2, 5])
def test_every_task_is_answered_once(jobs):
    assert sorted(share_out(square, range(7), jobs)) == [(n, n * n) for n in range(7)]
    assert not multiprocessing.active_children()


def test_an_error_comes_back_as_itself():
    with pytest.raises(InvalidValueError, match="take another"):
        list(share_out(refuse, [4], 2))
    assert not multiprocessing.active_children()


def test_a_dead_process_is_no_hang():
    with pytest.raises(RuntimeError, match="died"):
        list(share_out(die, [1, 2, 3], 2))
    assert not multiprocessing.active_children()


def test_leaving_early_ends_the_processes():
    answers = share_out(square, range(100), 2)
    next(answers)
    answers.close()
    assert not multiprocessing.active_children()


INTERRUPTED = """
import os, sys, time
from dlmath.neural.parallel import share_out

def report_and_sleep(number):
    os.write(1, b"%d\\n" % os.getpid())  # whole, also where prints are unbuffered and two processes print at once
    time.sleep(60)

try:
    list(share_out(report_and_sleep, [1, 2], 2))
except KeyboardInterrupt:
    sys.exit(130)
"""


@pytest.mark.posix
def test_an_interrupt_ends_every_process(start):
    program = start([sys.executable, "-c", INTERRUPTED], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    workers = [int(program.stdout.readline()) for _ in range(2)]
    program.send_signal(signal.SIGINT)
    _, errors = program.communicate(timeout=start.patience)
    assert (program.returncode, errors) == (130, "")
    for worker in workers:
        with pytest.raises(ProcessLookupError):
            os.kill(worker, 0)
