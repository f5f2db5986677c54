"""README's examples are run: every `$ command` of a console block prints what the block shows.

DLMATH_UPDATE_README=1 pytest tests/test_readme.py   writes what the commands print now into README.md.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
BLOCK = re.compile(r"```console\n(.*?)```", re.DOTALL)
COMMAND = re.compile(r"^\$ (.*)\n", re.MULTILINE)
UPDATE = os.environ.get("DLMATH_UPDATE_README") == "1"


def examples(text: str) -> list[tuple[str, str]]:
    """Return (command, output) of every example, in order."""
    found = []
    for block in BLOCK.findall(text):
        _, *pieces = COMMAND.split(block)
        found += list(zip(pieces[::2], pieces[1::2], strict=True))
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a folder in which the examples find what a checkout holds; what they write stays in it."""
    place = tmp_path_factory.mktemp("readme")
    shutil.copytree(ROOT / "experiments", place / "experiments")
    return place


def printed(command: str, folder: Path) -> str:
    """Return what a command prints on standard output, run as the README's reader runs it."""
    environment = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "COLUMNS": "100", "LC_ALL": "C.UTF-8"}
    done = subprocess.run(
        ["bash", "-c", command], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done.stdout if not done.stderr else done.stdout + done.stderr


EXAMPLES = examples(README.read_text(encoding="utf-8"))


@pytest.mark.skipif(UPDATE, reason="README is being written")
@pytest.mark.parametrize(("command", "shown"), EXAMPLES, ids=[command for command, _ in EXAMPLES])
def test_the_example_prints_what_readme_shows(command, shown, folder):
    assert printed(command, folder).strip("\n") == shown.strip("\n")


def test_every_command_is_documented():
    from dlmath.frame.registry import HOUSES

    text = README.read_text(encoding="utf-8")
    assert HOUSES
    assert all(f"$ dlmath {name} --help" in text for name in HOUSES)


@pytest.mark.skipif(not UPDATE, reason="set DLMATH_UPDATE_README=1 to write README")
def test_write_readme(folder):
    def rerun(block: re.Match[str]) -> str:
        _, *pieces = COMMAND.split(block[1])
        return "```console\n" + "\n".join(f"$ {c}\n{printed(c, folder).strip(chr(10))}\n" for c in pieces[::2]) + "```"

    README.write_text(BLOCK.sub(rerun, README.read_text(encoding="utf-8")), encoding="utf-8")
