"""The house rules that a machine can hold: which room imports which, and what start-up imports."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "dlmath"
ALLOWED = {
    # room: the rooms of dlmath it may import
    "engine": {"engine", "errors"},
    "files": {"files", "engine", "errors"},
    "zoo": {"zoo", "engine", "files", "errors"},
    "report": {"report", "engine", "errors"},
    "commands": {"commands", "files", "engine", "report", "zoo", "errors"},
    "cli": {"cli", "commands", "files", "report", "errors"},
}
ENGINE_PACKAGES = {"numpy"}
HEAVY = {"numpy", "yaml", "PIL", "pydantic", "matplotlib", "rich"}


def imported_modules(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            if node.module == "dlmath":
                found |= {f"dlmath.{alias.name}" for alias in node.names if alias.name != "__version__"}
    return found


def rooms_of(modules: set[str]) -> set[str]:
    return {module.split(".")[1] for module in modules if module.startswith("dlmath.")}


@pytest.mark.parametrize("room", ALLOWED)
def test_imports_run_downward_only(room):
    files = sorted((PACKAGE / room).rglob("*.py"))
    assert files
    for path in files:
        strangers = rooms_of(imported_modules(path)) - ALLOWED[room]
        assert not strangers, f"{path.name} in {room}/ imports {strangers}"


def test_engine_imports_only_numpy_and_the_standard_library():
    for path in (PACKAGE / "engine").rglob("*.py"):
        tops = {module.split(".")[0] for module in imported_modules(path)} - {"dlmath"}
        strangers = {top for top in tops if top not in sys.stdlib_module_names} - ENGINE_PACKAGES
        assert not strangers, f"{path.name} imports {strangers}"


@pytest.mark.parametrize("room", ["engine", "files", "commands", "report", "cli"])
def test_nothing_prints_but_the_edge(room):
    for path in (PACKAGE / room).rglob("*.py"):
        calls = [node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)]
        names = [call.func.id for call in calls if isinstance(call.func, ast.Name)]
        assert "print" not in names, path


def modules_after(*arguments: str) -> set[str]:
    """Return the top-level modules a fresh interpreter holds after one command line."""
    script = (
        "import sys\nfrom dlmath.__main__ import run\n"
        f"sys.argv = ['dlmath', *{arguments!r}]\n"
        "try:\n    run()\nexcept SystemExit:\n    pass\n"
        "sys.stderr.write('MODULES ' + ' '.join(sorted({name.split('.')[0] for name in sys.modules})))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(done.stderr.partition("MODULES ")[2].split())


@pytest.mark.parametrize(
    "words",
    [
        ("--help",),
        ("train-gate", "--help"),
        ("train-gate", "and", "--rule", "perceptron"),
        ("train-gate", "and", "--rule", "perceptron", "--format", "json"),
        ("train-gate", "xro"),
    ],
    ids=" ".join,
)
def test_start_up_imports_nothing_it_does_not_use(words):
    assert not modules_after(*words) & HEAVY


def test_training_imports_numpy_but_neither_yaml_nor_pillow_nor_pydantic():
    loaded = modules_after("train-gate", "and")
    assert "numpy" in loaded
    assert not loaded & (HEAVY - {"numpy"})


def test_version_imports_nothing_heavy():
    script = (
        "import sys; sys.argv = ['dlmath', '--version']\nfrom dlmath.__main__ import run\nrun()\nprint(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert not {name.split(".")[0] for name in done.stdout.split()} & (HEAVY | {"typer"})
