"""Settings of every test, and what the tests of every subcommand share: a command line run in this process."""

from __future__ import annotations

import json

import pytest
from hypothesis import settings

from dlmath.__main__ import run

# The same examples each time, however busy the machine
settings.register_profile("dlmath", derandomize=True, deadline=None, max_examples=50)
settings.load_profile("dlmath")


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
