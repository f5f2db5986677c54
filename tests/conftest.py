"""Settings of every test: the same examples each time, however busy the machine; processes that are waited for."""

from __future__ import annotations

import signal
import subprocess
from contextlib import contextmanager

import pytest
from hypothesis import settings

settings.register_profile("dlmath", derandomize=True, deadline=None, max_examples=50)
settings.load_profile("dlmath")

PATIENCE = 300
"""Seconds after which a process that was started is taken to hang: a busy machine is no fault."""

NUMERICAL = {"engine", "neural"}
"""Folders of tests whose results hang on the processor: its vector units, and the BLAS that is chosen for it."""


def pytest_collection_modifyitems(config, items):
    for item in items:
        if not NUMERICAL.isdisjoint(item.path.relative_to(config.rootpath).parent.parts):
            item.add_marker(pytest.mark.numerical)


@contextmanager
def interruptible():
    """Let what is started take interrupts: a suite that ignores them (`nohup`, `&` in a script) would hand that on."""
    before = signal.getsignal(signal.SIGINT)
    if before is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        if before is signal.SIG_IGN:
            signal.signal(signal.SIGINT, before)


@pytest.fixture
def start():
    """Give `subprocess.Popen` for whole programs: whatever a test does, none outlives it and every pipe is closed."""
    processes = []

    def popen(words, **options):
        with interruptible():
            processes.append(subprocess.Popen(words, **options))
        return processes[-1]

    popen.patience = PATIENCE
    yield popen
    for process in processes:
        process.kill()
        process.wait(PATIENCE)
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()
