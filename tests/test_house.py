"""The house rules that a machine can hold: which room imports which, and what start-up imports."""

from __future__ import annotations

import ast
import subprocess
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from dlmath.frame import registry

PACKAGE = Path(__file__).parent.parent / "dlmath"
GROUND = ("version", "errors", "neural", "language", "files", "report", "frame")
"""The ground floor, lowest first: a room imports itself and what stands before it."""
HOUSES = tuple(dict.fromkeys(registry.HOUSES.values()))
GUESTS = {"dlmath.detection.run_costs": {"counting"}}
"""The one file of a house that asks another: what a network costs is counted in one place only."""
LENT = {"images": ("dlmath.counting.engine", "dlmath.counting.zoo", "dlmath.counting.models.architecture")}
"""What a house may use of another: a network that is trained is one that `counting` describes and finds by name."""
ENGINE_ROOMS = ("errors", "neural", "language")
ENGINE_PACKAGES = {"numpy"}
HEAVY = {"numpy", "yaml", "PIL", "pydantic", "matplotlib", "rich"}

FILES = {
    ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted(PACKAGE.rglob("*.py"))
}
"""Module to its file."""


def imported_modules(path: Path) -> set[str]:
    """Return every module a file imports, in functions and under TYPE_CHECKING too, names of modules resolved."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            inner = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= (inner & FILES.keys()) or {node.module}
            if (inner & FILES.keys()) and not inner <= FILES.keys():
                found.add(node.module)
    return found


IMPORTS = {module: imported_modules(path) for module, path in FILES.items()}


def room(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


def modules_in(name: str) -> list[str]:
    return [module for module in FILES if room(module) == name]


def is_lent(house: str, module: str) -> bool:
    return any((module + ".").startswith(part + ".") for part in LENT.get(house, ()))


def rooms_imported(module: str) -> set[str]:
    return {room(other) for other in IMPORTS[module] if other.startswith("dlmath.")}


@pytest.mark.parametrize("name", GROUND)
def test_the_ground_floor_imports_downward_and_no_house(name):
    allowed = GROUND[: GROUND.index(name) + 1]
    assert modules_in(name)
    for module in modules_in(name):
        assert rooms_imported(module) <= set(allowed), module


@pytest.mark.parametrize("house", HOUSES)
def test_a_house_imports_no_other_house(house):
    assert modules_in(house)
    for module in modules_in(house):
        own = {other for other in IMPORTS[module] if other.startswith("dlmath.") and not is_lent(house, other)}
        assert {room(other) for other in own} <= {house, *GROUND, *GUESTS.get(module, ())}, module


@pytest.mark.parametrize("house", [house for house in HOUSES if house != "runs"])
def test_an_engine_imports_numpy_the_standard_library_and_its_own_floor(house):
    engine = f"dlmath.{house}.engine"
    modules = [module for module in FILES if (module + ".").startswith(engine + ".")]
    assert modules
    for module in modules:
        ours = {other for other in IMPORTS[module] if other.startswith("dlmath.")}
        lent = {other for other in ours if is_lent(house, other) and ".engine" in other}
        assert {other for other in ours - lent if room(other) not in ENGINE_ROOMS} <= set(modules), module
        tops = {other.split(".")[0] for other in IMPORTS[module]} - {"dlmath"}
        assert tops - set(sys.stdlib_module_names) <= ENGINE_PACKAGES, module


def test_no_module_imports_itself_in_a_circle():
    graph = {module: (IMPORTS[module] & FILES.keys()) - {module} for module in FILES}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


@pytest.mark.parametrize("module", FILES)
def test_nothing_prints_but_the_edge(module):
    calls = [node for node in ast.walk(ast.parse(FILES[module].read_text("utf-8"))) if isinstance(node, ast.Call)]
    assert "print" not in {call.func.id for call in calls if isinstance(call.func, ast.Name)}


def test_tests_start_processes_by_the_fixture_that_waits_for_them():
    tests = Path(__file__).parent
    starting = [path for path in tests.rglob("*.py") if "Popen(" in path.read_text("utf-8")]
    assert set(starting) - {Path(__file__)} == {tests / "conftest.py"}


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
        ("train-gate", "and", "--rule", "perceptron", "--epochs", "50", "--learning-rate", "0.5"),
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


def test_a_class_name_means_one_thing():
    """Every house has its `Words`; any other name is one class."""
    places = [
        (node.name, module)
        for module, path in FILES.items()
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.ClassDef) and node.name != "Words"
    ]
    names = [name for name, _ in places]
    assert {(name, module) for name, module in places if names.count(name) > 1} == set()
