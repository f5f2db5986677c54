"""Promises of `--help`: its examples run, what they return has the keys that are declared, and it fits the window."""

from __future__ import annotations

import json
import shlex
import shutil
from pathlib import Path

import pytest

from dlmath.__main__ import run
from dlmath.errors import InvalidValueError
from dlmath.frame.help import help_of
from dlmath.frame.paths import check_path, check_steps
from dlmath.frame.registry import HOUSES, command_of

ROOT = Path(__file__).parent.parent
ALL_OF_THEM = "run experiments/"
"""Takes minutes: here it is planned and checked, .ci/run carries it out."""
EXAMPLES = [
    f"{line} --dry-run" if line == ALL_OF_THEM else line for name in HOUSES for line, _ in command_of(name).examples
]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Return a folder that holds what the examples name."""
    shutil.copytree(ROOT / "experiments", tmp_path / "experiments")
    shutil.copy(ROOT / "experiments" / "data" / "scene.png", tmp_path / "photo.png")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def paths_in(value, path=()):
    """Yield the path of every leaf of a JSON-like value; empty lists and mappings are leaves."""
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from paths_in(item, (*path, key.replace(".", "_")))
    elif isinstance(value, list) and value:
        for index, item in enumerate(value):
            yield from paths_in(item, (*path, str(index)))
    else:
        yield path


def without_output_words(line: str) -> list[str]:
    """Return an example's words without those that say how the result is printed."""
    words = shlex.split(line)
    return [word for place, word in enumerate(words) if "--get" not in words[max(place - 1, 0) : place + 1]]


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("line", EXAMPLES)
def test_an_example_of_help_runs_and_returns_what_is_declared(line, capsys):
    assert run(shlex.split(line)) in {0, 1}
    capsys.readouterr()
    run([*without_output_words(line), "--format", "json", "--quiet"])
    document = json.loads(capsys.readouterr().out)
    command = command_of(document["command"])
    declared = [path.split(".") for path in command.results(command.words(**known(command, document["settings"])))]
    for steps in paths_in(document["result"]):
        check_steps(steps, declared, ".".join(steps))


def known(command, settings):
    """Return the settings that are words of the command."""
    return {field: value for field, value in settings.items() if field in command.words.ALL}


@pytest.mark.parametrize("name", HOUSES)
@pytest.mark.parametrize("width", [60, 80, 100])
def test_help_fits_the_window(name, width):
    text = help_of(command_of(name), width)
    assert max(map(len, text.splitlines())) <= width
    for word in command_of(name).words.ALL.values():
        assert word.typed in text


@pytest.mark.parametrize("name", HOUSES)
def test_every_word_says_what_it_is(name):
    for word in command_of(name).words.ALL.values():
        assert word.help.endswith((".", "?", ")")), word.field
        assert not word.choices or word.default is None or word.default in word.choices


@pytest.mark.parametrize("name", HOUSES)
def test_a_path_that_no_result_has_is_refused(name):
    command = command_of(name)
    with pytest.raises(InvalidValueError, match="no 'nosuchkey'"):
        check_path("nosuchkey", command.results(command.words()), command.words.ALL)
    check_path("settings", command.results(command.words()), command.words.ALL)
