"""`dlmath run` as a user types it: experiments judged, cells kept, runs killed and resumed, bytes compared."""

from __future__ import annotations

import csv
import io
import json
import random
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from dlmath.__main__ import run
from dlmath.runs.cell import Task, execute, program_version
from dlmath.runs.cells import run_tasks

ROOT = Path(__file__).parent.parent.parent

WIDTH = """\
claim: More hidden units make XOR likelier.
source: this test
command: train-gate
gate: xor
seeds: 4
epochs: 60
learning-rate: 4
repeat: 3
sweep:
  hidden: [1, 2]
  activation: [sigmoid, tanh]
columns: [success_rate, stopped_at]
expect:
  - 0 <= success_rate <= 1
  - success_rate == 0 where hidden == 1
measure:
  best: max[success_rate]
"""

COUNT = """\
command: param-count
layers: conv:{size}x{size}x4
input: 9x9x2
sweep:
  size: [1, 3, 5]
expect:
  - weights == 8 * size ^ 2
  - increasing[params]
"""


def files_of(folder):
    return {path.name: path.read_bytes() for path in Path(folder).iterdir() if path.suffix in {".jsonl", ".csv"}
            and path.name != "journal.jsonl"}  # fmt: skip


def journal(folder):
    return [json.loads(line) for line in (Path(folder) / "journal.jsonl").read_text(encoding="utf-8").splitlines()]


# --- what a run says --------------------------------------------------------------------------------------------------


def test_an_experiment_that_holds(dlmath, write):
    status, out, err = dlmath(write(COUNT))
    assert (status, err) == (0, "")
    assert "increasing[params]" in out
    assert "weights == 8 * size ^ 2" in out


def test_the_result_is_what_scripts_read(result, write):
    (one,) = result(write(COUNT))["experiments"]
    assert (one["name"], one["cells"], one["cached"], one["holds"]) == ("x", 3, 0, True)
    assert one["expectations"] == [
        {"text": "weights == 8 * size ^ 2", "holds": True, "value": 8, "failing": []},
        {"text": "increasing[params]", "holds": True, "value": [12, 76, 204], "failing": []},
    ]


def test_an_expectation_that_does_not_hold_exits_with_1_and_names_the_cells(dlmath, write):
    status, out, _ = dlmath(write(COUNT.replace("increasing[params]", "params < 80")))
    assert status == 1
    assert "size=5" in out
    assert dlmath("x.yaml", "--get", "experiments.0.expectations.1.value") == (1, "204\n", "")


def test_a_cell_that_cannot_be_carried_out_exits_with_2_and_the_others_go_on(dlmath, result, write):
    text = "command: train-gate\ngate: rows.csv\nepochs: 5\nexpect: [parameters > 0]\nsweep: {hidden: [1, 2]}\n"
    write("x1,y1\n0,0\n1,1\n", "rows.csv")
    name = write(text)
    assert dlmath(name)[0] == 0
    write("command: param-count\nsweep: {model: [lenet5, none.onnx]}\nexpect: [params > 0 where model == 'lenet5']\n")
    status, out, _ = dlmath("x.yaml")
    assert status == 2
    assert "none.onnx" in out
    found = result("x.yaml")["experiments"][0]
    assert (len(found["failed"]), found["cached"], found["holds"]) == (1, 1, False)
    lines = [json.loads(line) for line in Path("results/x.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [(line["status"], bool(line["error"])) for line in lines] == [("done", False), ("failed", True)]


def test_csv_is_the_summary(dlmath, write):
    _, out, _ = dlmath(write(WIDTH), "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert len(rows) == 4 * 2
    assert rows[0]["cell"] == "hidden=1 activation=sigmoid"
    assert (rows[0]["value"], rows[0]["runs"], rows[0]["mean"]) == ("success_rate", "3", "0.0")


def test_explanation_has_the_values_in_it(dlmath, write):
    out = dlmath(write(COUNT), "--explain")[1]
    assert "in each of 3 cells: 8, so it holds" in out
    assert "over the sweep: 12, 76, 204, so it holds" in out


@pytest.mark.parametrize("text", [COUNT, WIDTH])
def test_the_sweep_can_be_drawn(dlmath, write, text):
    assert dlmath(write(text), "--plot", "x.svg")[0] == 0
    assert "<svg" in Path("x.svg").read_text(encoding="utf-8")


def test_a_folder_is_all_its_experiments(dlmath, write):
    write(COUNT, "a.yaml")
    write(WIDTH, "b.yaml")
    _, out, _ = dlmath(".")
    assert "2 of 2 experiments hold" in out


# --- errors before anything runs --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "place", "what"),
    [
        ("command: train-gate\ngate: xro\n", "2:7", "did you mean 'xor'?"),
        ("command: train-gate\ngate: xor\nsweep: {hidden: [2, 4x]}\n", "3:21", "'4x' is not a width"),
        ("command: train-gate\ngate: xor\nlearning-rate: -1\n", "3:16", "positive finite number"),
        ("command: train-gate\ngate: xor\ninit: gloro\n", "3:7", "glorot"),
        ("command: train-gate\ngate: xor\nrule: perceptron\nloss: mse\n", "4:7", "no meaning"),
        ("command: train-gate\nhidden: 2\n", "1:1", "no GATE"),
        ("command: convolve\nimage: no.png\nkernel: sobel\n", "2:8", "no.png"),
        ("command: convolve\nimage: 1 2; 3 4\nkernel: sobell\n", "3:9", "did you mean 'sobel'?"),
        ("command: convolve\nimage: '-'\nkernel: sobel\n", "2:8", "standard input"),
        ("command: param-count\nlayers: [conv:3x3x4, reluu]\ninput: 8x8x3\n", "2:22", "did you mean 'relu'?"),
        ("command: param-count\nlayers: conv:3x3x4\ninput: 8x8xx\n", "3:8", "8x8xx"),
        ("command: vanishing\nactivation: tahn\n", "2:13", "tanh"),
        ("command: train-gate\ngate: xor\nexpect: [learned where hidden == 9]\nhidden: 2\n", "3:10", "no cell"),
        ("command: train-gate\ngate: xor\nrepeat: 2\nsweep: {seed: [1, 2]}\n", "4:16", "repeated"),
    ],
)
def test_what_the_command_would_refuse_is_told_with_its_place(dlmath, write, text, place, what):
    status, out, err = dlmath(write(text))
    assert (status, out) == (2, "")
    assert err.startswith(f"error: x.yaml:{place}: ")
    assert what in err
    assert not Path("results").exists()


def test_a_missing_result_is_an_error_with_the_nearest_key(dlmath, write):
    status, _, err = dlmath(write(COUNT.replace("increasing[params]", "increasing[parms]")))
    assert status == 2
    assert err.startswith("error: x.yaml:8:16: the result has no 'parms'; did you mean 'params'?")


@pytest.mark.parametrize(
    ("words", "what"),
    [
        ((), "no experiment FILE"),
        (("x.yaml", "--jobs", "0"), "--jobs 0"),
        (("x.yaml", "--set", "size"), "KEY=VALUE"),
        (("x.yaml", "--set", "inpt=3"), "did you mean 'input'?"),
        (("x.yaml", "--claims", "x.yaml"), "<!-- claims -->"),
        (("x.yaml", "--replay", "a:b"), "--replay, which takes everything"),
        (("--replay", "nothing"), "RESULTS:ID"),
        (("x.yaml", "--results", "x.yaml"), "x.yaml"),
        (("x.yaml", "--jobs", "2", "--scheduler", "tcp://a:1"), "one of the two"),
        (("none.yaml",), "No such file"),
    ],
)
def test_options_that_make_no_sense(dlmath, write, words, what):
    write(COUNT)
    status, out, err = dlmath(*words)
    assert (status, out) == (2, "")
    assert what in err
    assert err.count("\n") == 1


# --- plan and overrides -----------------------------------------------------------------------------------------------


def test_a_dry_run_prints_the_plan_and_leaves_nothing(dlmath, result, write):
    _, out, _ = dlmath(write(WIDTH), "--dry-run")
    assert "dlmath train-gate xor --seeds 4" in out
    assert not Path("results").exists()
    found = result("x.yaml", "--dry-run")
    assert (len(found["plan"]), found["experiments"][0]["cells"]) == (12, 12)
    assert len({cell["id"] for cell in found["plan"]}) == 12


def test_the_command_line_of_the_plan_gives_the_cell(dlmath, result, write, capsys):
    line = result(write(WIDTH), "--dry-run")["plan"][5]["command_line"]
    dlmath("x.yaml")
    record = json.loads(Path("results/x.jsonl").read_text(encoding="utf-8").splitlines()[5])
    run([*line.split()[1:], "--format", "json"])
    assert json.loads(capsys.readouterr().out)["result"] == record["result"]


def test_set_replaces_what_is_fixed_or_swept(result, write):
    cells = result(write(WIDTH), "--dry-run", "--set", "hidden=3", "--set", "epochs=7", "--set", "repeat=1")["plan"]
    assert len(cells) == 2
    assert all("--hidden 3" in cell["command_line"] and "--epochs 7" in cell["command_line"] for cell in cells)
    assert len(result("x.yaml", "--dry-run", "--set", "hidden=[1,2,3]", "--set", "activation=relu")["plan"]) == 9
    assert result("x.yaml", "--set", "hidden=2")["experiments"][0]["expectations"][1]["holds"] is None


def test_repeats_have_spawned_seeds_that_do_not_depend_on_their_number(result, write):
    def seeds(count):
        plan = result(write(WIDTH), "--dry-run", "--set", f"repeat={count}", "--set", "hidden=2")["plan"]
        return [cell["command_line"].split("--seed ")[1].split()[0] for cell in plan if "tanh" in cell["command_line"]]

    assert seeds(5)[:3] == seeds(3)
    assert len(set(seeds(5))) == 5


# --- results ----------------------------------------------------------------------------------------------------------


def test_finished_cells_are_known_and_force_runs_them_again(result, write):
    assert result(write(COUNT))["experiments"][0]["cached"] == 0
    assert result("x.yaml")["experiments"][0]["cached"] == 3
    before = files_of("results")
    assert len(journal("results")) == 3
    assert result("x.yaml", "--force")["experiments"][0]["cached"] == 0
    assert len(journal("results")) == 6
    assert files_of("results") == before


def test_a_changed_setting_runs_only_the_cells_it_is_in(result, write):
    result(write(COUNT))
    found = result(write(COUNT.replace("[1, 3, 5]", "[1, 3, 5, 7]")))["experiments"][0]
    assert (found["cells"], found["cached"]) == (4, 3)


def test_a_changed_input_file_runs_its_cells_again(result, write):
    write("x1,y1\n0,0\n1,1\n", "rows.csv")
    text = "command: train-gate\ngate: rows.csv\nepochs: 5\nexpect: [parameters > 0]\n"
    assert result(write(text))["experiments"][0]["cached"] == 0
    assert result("x.yaml")["experiments"][0]["cached"] == 1
    write("x1,y1\n0,1\n1,1\n", "rows.csv")
    assert result("x.yaml")["experiments"][0]["cached"] == 0


def test_files_are_found_beside_the_experiment_and_pictures_are_left_nowhere(dlmath, tmp_path):
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "scene.png").write_bytes((ROOT / "experiments/data/scene.png").read_bytes())
    text = "command: convolve\nimage: scene.png\nkernel: sobel\nexpect: [len(images) == 1]\n"
    (tmp_path / "there" / "x.yaml").write_text(text, encoding="utf-8")
    assert dlmath("there/x.yaml")[0] == 0
    record = json.loads(Path("results/x.jsonl").read_text(encoding="utf-8"))
    image = record["result"]["images"][0]
    assert (image["input"], image["output"]) == ("scene.png", "scene-sobel.png")
    assert "seconds" not in image
    assert record["files"][0]["path"] == "there/scene.png"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["results", "there"]


def test_results_can_be_kept_nowhere(dlmath, write):
    assert dlmath(write(COUNT), "--results", "none")[0] == 0
    assert [path.name for path in Path().iterdir()] == ["x.yaml"]


def test_a_record_says_what_it_came_from(dlmath, write):
    dlmath(write(WIDTH))
    record = json.loads(Path("results/x.jsonl").read_text(encoding="utf-8").splitlines()[0])
    assert record["provenance"]["dlmath"] == program_version()
    assert {"numpy", "python", "platform", "seed"} <= set(record["provenance"])
    assert record["settings"]["hidden"] == "1"
    assert (record["cell"], record["repeat"]) == ({"hidden": "1", "activation": "sigmoid"}, 0)
    assert {"id", "seconds", "started", "host"} <= set(journal("results")[0])


def test_a_replay_is_the_same_and_a_changed_record_is_not(dlmath, result, write):
    dlmath(write(WIDTH))
    path = Path("results/x.jsonl")
    cell = json.loads(path.read_text(encoding="utf-8").splitlines()[3])["id"]
    assert result("--replay", f"results/x.jsonl:{cell}")["same"]
    assert dlmath("--replay", f"results:{cell[:10]}")[0] == 0
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    lines[3]["result"]["outputs"][0][0] += 1e-15
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    found = result("--replay", f"results/x.jsonl:{cell}")
    assert [one["path"] for one in found["differences"]] == ["result.outputs.0.0"]
    assert dlmath("--replay", f"results/x.jsonl:{cell}")[0] == 1


def test_claims_are_written_into_a_page(dlmath, write):
    write("# Page\n<!-- claims -->\n<!-- /claims -->\n", "page.md")
    assert dlmath(write(WIDTH), "--claims", "page.md")[0] == 0
    page = Path("page.md").read_text(encoding="utf-8")
    assert "| [x](x.yaml) | More hidden units make XOR likelier. | this test | best: " in page


def test_fail_fast_stops_and_says_what_is_left(dlmath, write):
    write(COUNT.replace("increasing", "decreasing"), "a.yaml")
    write(WIDTH, "b.yaml")
    status, out, err = dlmath("a.yaml", "b.yaml", "--fail-fast")
    assert status == 1
    assert "not run" in out
    assert err == "note: --fail-fast: 1 experiments were not finished\n"


# --- many workers, many runs, sudden ends -----------------------------------------------------------------------------

SLOW = WIDTH.replace("seeds: 4", "seeds: 40").replace("epochs: 60", "epochs: 300").replace("repeat: 3", "repeat: 4")


def command_line(results, *words):
    return [sys.executable, "-m", "dlmath", "run", "x.yaml", "--results", results, "--quiet", *words]


@pytest.fixture
def started(start):
    """Give a function that starts a run of the reference's experiment."""

    def begin(folder, results, *words):
        command = command_line(results, *words)
        return start(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    return begin


def finished(process):
    _, errors = process.communicate()
    assert process.returncode == 0, errors


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    """Return a folder with an experiment that was run whole, by one process."""
    folder = tmp_path_factory.mktemp("reference")
    # a copy of the program: ids hash its code, which someone may be editing while the tests run
    shutil.copytree(ROOT / "dlmath", folder / "dlmath")
    (folder / "x.yaml").write_text(SLOW, encoding="utf-8")
    subprocess.run(command_line("whole"), cwd=folder, check=True, stdout=subprocess.DEVNULL)
    return folder


def test_many_processes_write_the_same_bytes(reference, started):
    finished(started(reference, "shared", "--jobs", "2"))
    assert files_of(reference / "shared") == files_of(reference / "whole")


def children_of(pid):
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="utf-8").split()]
    except OSError:
        return []


def is_alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.posix
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_run_killed_at_random_moments_goes_on_and_ends_with_the_same_bytes(reference, started, jobs):
    chance = random.Random(int(jobs))  # noqa: S311  moments, not secrets
    results = f"killed-{jobs}"
    orphans = []
    for _ in range(3):
        process = started(reference, results, "--jobs", jobs)
        time.sleep(chance.uniform(0.2, 0.9))
        orphans += children_of(process.pid)
        process.send_signal(signal.SIGKILL)
        process.wait()
    finished(started(reference, results, "--jobs", jobs))
    assert files_of(reference / results) == files_of(reference / "whole")
    ran = [entry["id"] for entry in journal(reference / results)]
    assert len(ran) == len(set(ran))
    end = time.monotonic() + 60  # far more than it takes: a busy machine is no fault
    while any(map(is_alive, orphans)) and time.monotonic() < end:
        time.sleep(0.05)
    assert not any(map(is_alive, orphans))


@pytest.mark.posix
def test_an_interrupt_ends_with_130_and_keeps_what_is_done(reference, started):
    process = started(reference, "stopped", "--jobs", "2")
    cells = reference / "stopped" / "cells"
    while process.poll() is None and not (cells.is_dir() and any(cells.rglob("*.json"))):
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    assert process.communicate() == (None, b"")
    assert process.returncode == 130
    known = {path.stem for path in cells.rglob("*.json")}
    finished(started(reference, "stopped"))
    assert files_of(reference / "stopped") == files_of(reference / "whole")
    assert known <= {path.stem for path in cells.rglob("*.json")}
    ran = [entry["id"] for entry in journal(reference / "stopped")]
    assert len(ran) == len(set(ran))


def test_two_runs_at_once_do_not_spoil_each_other(reference, started):
    for process in [started(reference, "both"), started(reference, "both", "--jobs", "2")]:
        finished(process)
    assert files_of(reference / "both") == files_of(reference / "whole")
    assert not list((reference / "both").rglob(".dlmath-*"))


def test_cells_can_be_sent_to_any_executor():
    words = [{"gate": gate, "rule": "perceptron"} for gate in ("and", "or", "nor")]
    tasks = [Task(str(n), "train-gate", word, {}, program_version()) for n, word in enumerate(words)]
    with ThreadPoolExecutor(2) as pool:
        found = dict(run_tasks(tasks, pool, 2, lambda _: True))
    assert [found[n].record for n in range(3)] == [execute(task).record for task in tasks]


def test_a_worker_of_another_version_does_not_answer():
    done = execute(Task("a", "train-gate", {"gate": "and"}, {}, "0.0.1"))
    assert done.record["status"] == "failed"
    assert "same version" in done.record["error"]


def test_parquet_holds_the_table(dlmath, write):
    parquet = pytest.importorskip("pyarrow.parquet")
    assert dlmath(write(COUNT), "--parquet")[0] == 0
    table = parquet.read_table("results/x.parquet").to_pydict()
    assert table["result.params"] == [12, 76, 204]


@pytest.mark.filterwarnings("ignore")
def test_a_dask_cluster_writes_the_same_bytes(dlmath, write):
    distributed = pytest.importorskip("distributed")
    assert dlmath(write(WIDTH), "--results", "here")[0] == 0
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        status, _, err = dlmath("x.yaml", "--results", "there", "--scheduler", cluster.scheduler_address)
    assert (status, err) == (0, "")
    assert files_of("there") == files_of("here")


def test_without_dask_the_error_says_what_to_install(dlmath, write, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    status, _, err = dlmath(write(COUNT), "--scheduler", "tcp://127.0.0.1:1")
    assert status == 2
    assert "pip install 'dlmath[cluster]'" in err


# --- the table of claims ----------------------------------------------------------------------------------------------


def test_the_claims_of_readme_are_those_of_the_experiments(monkeypatch, claims_of):
    from dlmath.runs.files.experiment import read_experiments
    from dlmath.runs.vocabulary import vocabularies

    rows = claims_of(ROOT / "README.md")
    monkeypatch.chdir(ROOT)
    own = read_experiments(["experiments"], vocabularies())
    assert [(f"[{one.name}]({one.file})", one.claim, one.source) for one in own] == [tuple(row[:3]) for row in rows]
    assert {row[4] for row in rows} == {"yes"}
    for one, row in zip(own, rows, strict=True):
        assert all(f"{label}: " in row[3] for label in one.measure), one.name
