"""The examples of README and of the manuals are run: every `$ command` of a console block prints what the block shows.

DLMATH_UPDATE_README=1 pytest tests/test_readme.py   writes what the commands print now into them, and the tables of
result keys (between <!-- results --> and <!-- /results --> of a manual) as the commands declare them.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from dlmath.frame.registry import HOUSES, command_of

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "dlmath"
MANUALS = {name: PACKAGE / house / "README.md" for name, house in HOUSES.items()}
PAGES = [ROOT / "README.md", *sorted(PACKAGE.glob("*/README.md"))]
BLOCK = re.compile(r"```console\n(.*?)```", re.DOTALL)
COMMAND = re.compile(r"^\$ (.*)\n", re.MULTILINE)
RESULTS = re.compile(r"<!-- results -->\n.*?<!-- /results -->", re.DOTALL)
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
    """Return what a command prints on standard output, run as the reader runs it."""
    environment = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "COLUMNS": "100", "LC_ALL": "C.UTF-8"}
    done = subprocess.run(
        ["bash", "-c", command], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done.stdout if not done.stderr else done.stdout + done.stderr


EXAMPLES = [(page, *example) for page in PAGES for example in examples(page.read_text(encoding="utf-8"))]


@pytest.mark.posix
@pytest.mark.skipif(UPDATE, reason="the pages are being written")
@pytest.mark.parametrize(
    ("page", "command", "shown"), EXAMPLES, ids=[f"{page.parent.name}: {command}" for page, command, _ in EXAMPLES]
)
def test_the_example_prints_what_the_page_shows(page, command, shown, folder):
    assert printed(command, folder).strip("\n") == shown.strip("\n"), page


def declared(name: str) -> dict[str, str]:
    """Return every path that results of a command's examples are said to have, with its meaning."""
    command = command_of(name)
    return {path: about for line, _ in command.examples for path, about in command.results(words_of(line)).items()}


def words_of(line: str):
    """Return the words of an example of `--help`, as the command line reads them."""
    import typer

    from dlmath.frame.app import register

    taken = {}
    name, *rest = shlex.split(line)
    command = command_of(name)
    app = typer.Typer()
    register(app, command._replace(name="it"))

    def take(_command, given):
        taken.update({field: value for field, value in given.items() if field in command.words.ALL})
        return 0

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("dlmath.frame.delivery.call", take)
        typer.main.get_command(app)(rest, standalone_mode=False)
    return command.words(**taken).checked()


def result_table(name: str) -> str:
    """Return the table of a command's result keys, between its marks."""
    rows = [f"| `{path}` | {about} |" for path, about in declared(name).items()]
    return "\n".join(("<!-- results -->", "| key | meaning |", "| --- | --- |", *rows, "<!-- /results -->"))


@pytest.mark.skipif(UPDATE, reason="the pages are being written")
@pytest.mark.parametrize("name", [name for name, manual in MANUALS.items() if manual.exists()])
def test_a_manual_tells_every_result_key(name):
    text = MANUALS[name].read_text(encoding="utf-8")
    assert RESULTS.findall(text) == [result_table(name)]


@pytest.mark.skipif(not UPDATE, reason="set DLMATH_UPDATE_README=1 to write the pages")
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.parent.name)
def test_write_pages(page, folder):
    def rerun(block: re.Match[str]) -> str:
        _, *pieces = COMMAND.split(block[1])
        return "```console\n" + "\n".join(f"$ {c}\n{printed(c, folder).strip(chr(10))}\n" for c in pieces[::2]) + "```"

    text = BLOCK.sub(rerun, page.read_text(encoding="utf-8"))
    names = [name for name, manual in MANUALS.items() if manual == page]
    page.write_text(RESULTS.sub(lambda _: result_table(names[0]), text) if names else text, encoding="utf-8")
