"""What tests of `dlmath run` share."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dlmath.runs.files.claims import BETWEEN


@pytest.fixture
def claims_of():
    """Give the cells of a page's table of claims, without its header."""

    def call(name):
        found = BETWEEN.search(Path(name).read_text(encoding="utf-8"))
        rows = [line for line in found[0].splitlines() if line.startswith("|")]
        return [[cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", row)[1:-1]] for row in rows[2:]]

    return call
