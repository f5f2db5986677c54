"""What tests of `dlmath run` share."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from dlmath.__main__ import run
from dlmath.runs.files.claims import BETWEEN


@pytest.fixture
def dlmath(capsys, monkeypatch, tmp_path):
    """Run one command line in an empty folder; give status, standard output and standard error."""
    monkeypatch.chdir(tmp_path)

    def call(*words):
        status = run(["run", *map(str, words)])
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return call


@pytest.fixture
def write(tmp_path):
    """Write an experiment file; give its name."""

    def call(text, name="x.yaml"):
        (tmp_path / name).write_text(text, encoding="utf-8")
        return name

    return call


@pytest.fixture
def result(dlmath):
    """Run one command line and give its result as JSON has it."""

    def call(*words):
        _, out, err = dlmath(*words, "--format", "json")
        assert out, err
        return json.loads(out)["result"]

    return call


@pytest.fixture
def claims_of():
    """Give the cells of a page's table of claims, without its header."""

    def call(name):
        found = BETWEEN.search(Path(name).read_text(encoding="utf-8"))
        rows = [line for line in found[0].splitlines() if line.startswith("|")]
        return [[cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", row)[1:-1]] for row in rows[2:]]

    return call
