"""Settings of every test, and what many share: a command line run in this process, processes that are waited for."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from contextlib import contextmanager

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as the program has it: threads waiting for a core cost most

import pytest
from hypothesis import settings

from dlmath.__main__ import run

# The same examples each time, however busy the machine
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
        if os.name != "posix" and item.get_closest_marker("posix"):
            item.add_marker(pytest.mark.skip(reason="only POSIX can do that"))


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


@pytest.fixture
def command(capsys):
    """Give a function that runs words of one subcommand: status, standard output, standard error."""

    def of(name):
        def call(*words):
            status = run([name, *map(str, words)])
            captured = capsys.readouterr()
            return status, captured.out, captured.err

        return call

    return of


@pytest.fixture
def result_of():
    """Give a function that runs words and reads the result that is printed as JSON."""

    def read(dlmath, *words):
        _, out, _ = dlmath(*words, "--format", "json", "--quiet")
        return json.loads(out)["result"]

    return read
