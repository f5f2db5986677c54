"""Nothing stops the rest: dead workers, cells without end, folders and schedulers that go away, runs side by side."""

from __future__ import annotations

import json
import os
import platform
import shutil
import signal
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from dlmath.errors import DlmathError
from dlmath.runs import limits, pool, queue, run_experiments, state
from dlmath.runs.cell import Task, execute, given_up, machine, program_version
from dlmath.runs.cells import run_tasks
from dlmath.runs.files.results import Store
from dlmath.runs.queue import Queue

ROOT = Path(__file__).parent.parent.parent

SMALL = """\
command: train-gate
gate: xor
epochs: 5
sweep: {hidden: [1, 2, 3, 4, 5, 6]}
expect: [parameters > 0]
"""

needs_fork = pytest.mark.skipif(not pool.can_fork(), reason="workers that start anew do not see what a test patches")


def lines_of(name="results/x.jsonl"):
    return [json.loads(line) for line in Path(name).read_text(encoding="utf-8").splitlines()]


def journal(folder="results"):
    return [json.loads(line) for line in (Path(folder) / "journal.jsonl").read_text(encoding="utf-8").splitlines()]


def deadly(*hidden, once=None):
    """Return what a worker runs: cells of these widths end its process; with `once` only the first time."""

    def call(task):
        if task.words["hidden"] in hidden and not (once and Path(once).exists()):
            if once:
                Path(once).touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return execute(task)

    return call


@needs_fork
@pytest.mark.parametrize("jobs", [1, 2, 4])
def test_a_worker_that_dies_takes_its_own_cell_alone_and_the_others_are_run(result, dlmath, write, monkeypatch, jobs):
    monkeypatch.setattr(pool, "execute", deadly("2", "5"))
    status, out, err = dlmath(write(SMALL), "--jobs", jobs)
    assert status == 2
    assert err.count("error: x, cell hidden=") == 2
    assert "cell hidden=5: its process was ended twice, the second time alone (signal SIGKILL: memory may have" in err
    assert out.count("signal SIGKILL") == 2
    assert [line["status"] for line in lines_of()] == ["done", "failed", "done", "done", "failed", "done"]
    found = result("x.yaml")["experiments"][0]  # and it does not stop the next run either
    assert (found["cached"], [one["words"]["hidden"] for one in found["failed"]]) == (4, ["2", "5"])


@needs_fork
def test_a_cell_whose_worker_died_by_chance_is_run_again(result, write, monkeypatch, tmp_path):
    monkeypatch.setattr(pool, "execute", deadly("3", once=str(tmp_path / "seen")))
    found = result(write(SMALL), "--jobs", 2)["experiments"][0]
    assert (found["failed"], found["holds"]) == ([], True)


@needs_fork
def test_a_cell_that_takes_too_long_is_given_up(dlmath, write, monkeypatch):
    def slow(task):
        time.sleep(60 if task.words["hidden"] == "2" else 0)
        return execute(task)

    monkeypatch.setattr(pool, "execute", slow)
    status, _, err = dlmath(write(SMALL + "time_limit: 3\n"))
    assert status == 2
    assert err == (
        "error: x, cell hidden=2: took longer than time_limit: 3 seconds; raise time_limit:, or ask for less\n"
    )
    assert [line["status"] for line in lines_of()].count("done") == 5


def test_a_time_limit_decides_nothing_of_what_comes_out_in_time(result, write):
    result(write(SMALL))
    assert result(write(SMALL + "time_limit: 1000\n"))["experiments"][0]["cached"] == 6
    assert result("x.yaml", "--set", "time_limit=5")["experiments"][0]["cached"] == 6


def test_there_are_never_more_workers_than_cells(dlmath, write, monkeypatch):
    started = []
    monkeypatch.setattr(pool.ProcessPool, "__init__", lambda _self, jobs: started.append(jobs) or sys.exit())
    with pytest.raises(SystemExit):
        dlmath(write(SMALL), "--jobs", 500)
    assert started == [6]


@pytest.mark.parametrize(
    ("expectation", "failing", "reason"),
    [
        ("1 / (parameters - 9) < 1", ["hidden=2"], "division by zero (hidden=2)"),
        ("log(parameters - 5) >= 0", ["hidden=1"], "(hidden=1)"),
        ("max[1 / (parameters - 9)] < 1", ["hidden=2"], "division by zero (hidden=2)"),
        ("weights.1.3.0 != 0", ["hidden=1", "hidden=2", "hidden=3"], "no item '3' (hidden=1)"),
        ("only[parameters] > 0", [], "6 values where one is meant"),
    ],
)
def test_an_expectation_without_a_value_fails_with_the_name_of_the_cell(result, write, expectation, failing, reason):
    write(SMALL + "columns: [1 / (parameters - 9)]\nmeasure: {it: 1 / (parameters - 9)}\n", "b.yaml")
    found = result(write(SMALL.replace("[parameters > 0]", f"['{expectation}', parameters > 0]")), "b.yaml")
    first, second = found["experiments"][0]["expectations"]
    assert (first["holds"], first["failing"], second["holds"]) == (False, failing, True)
    assert reason in first["reason"]
    assert found["experiments"][1]["holds"]
    assert found["experiments"][1]["summary"][1]["values"] == {"1 / (parameters - 9)": None}


def test_a_path_that_no_result_can_have_is_refused_before_any_work(dlmath, write):
    for key in ("expect", "columns"):
        status, _, err = dlmath(
            write(SMALL.replace("expect", "measured").replace("measured", key).replace("ters", "tres"))
        )
        assert (status, Path("results").exists()) == (2, False)
        assert err.startswith(
            f"error: x.yaml:5:{len(key) + 4}: the result has no 'parametres'; did you mean 'parameters'?"
        )


@needs_fork
def test_failed_cells_leave_their_reason_everywhere(dlmath, result, write, monkeypatch):
    def broken(task):
        return given_up(task, DlmathError("it broke", "mend it"), 0.0) if task.words["hidden"] == "2" else execute(task)

    monkeypatch.setattr(pool, "execute", broken)
    _, out, err = dlmath(write(SMALL), "--format", "csv", "--quiet")
    assert out.splitlines()[-1] == "x,hidden=2,,,,,,it broke; mend it"
    assert err == "error: x, cell hidden=2: it broke; mend it\n"
    (failed,) = result("x.yaml")["experiments"][0]["failed"]
    assert failed["words"] == {"gate": "xor", "epochs": 5, "seed": 0, "hidden": "2"}
    assert (failed["error"], failed["id"]) == ("it broke; mend it", lines_of()[1]["id"])
    assert "it broke; mend it" in Path("results/x.csv").read_text(encoding="utf-8")


# --- the folder of results --------------------------------------------------------------------------------------------


def test_a_folder_that_is_removed_meanwhile_is_made_again(result, write, monkeypatch):
    keep = Store.keep

    def sabotaged(self, record):
        keep(self, record)
        if record["words"]["hidden"] == "4":
            shutil.rmtree("results")

    monkeypatch.setattr(Store, "keep", sabotaged)
    assert result(write(SMALL))["experiments"][0]["holds"]
    assert len(lines_of()) == 6


def test_records_that_are_lost_before_they_are_written_out_are_made_again(result, write, monkeypatch):
    monkeypatch.setattr(state, "MOST_KEPT", 0)  # as of a run too large to keep its records in memory
    keep, lost = Store.keep, []

    def sabotaged(self, record):
        keep(self, record)
        if record["words"]["hidden"] in {"2", "4"} and record["id"] not in lost:
            lost.append(record["id"])
            self.path(record["id"]).unlink()

    monkeypatch.setattr(Store, "keep", sabotaged)
    assert result(write(SMALL))["experiments"][0]["holds"]
    assert [line["words"]["hidden"] for line in lines_of()] == list("123456")
    assert [entry["id"] for entry in journal()][-2:] == lost


def test_a_changed_record_is_not_believed(result, write):
    result(write(SMALL))
    before = Path("results/x.jsonl").read_bytes()
    changes = [
        ('"parameters": ', '"parameters": 1'),
        ('"words": {', '"words": {}, "was": {'),
        ('"status": "done"', '"status": "dane"'),
    ]
    for path, (old, new) in zip(sorted(Path("results/cells").rglob("*.json")), changes, strict=False):
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new, 1), encoding="utf-8")
    assert result("x.yaml")["experiments"][0]["cached"] == 3
    assert Path("results/x.jsonl").read_bytes() == before


@pytest.mark.parametrize("text", ["[" * 200_000, '{"id": "a", "words": {}, "provenance": null}', "{}", "3", ""])
def test_records_by_hand_are_refused_in_one_line(dlmath, tmp_path, text):
    (tmp_path / "a.jsonl").write_text(text + "\n", encoding="utf-8")
    status, out, err = dlmath("--replay", "a.jsonl:a")
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert "defect" not in err


def test_a_record_with_foreign_words_is_refused_and_a_changed_one_told(dlmath, write):
    dlmath(write(SMALL))
    records = lines_of()
    Path("b.jsonl").write_text(json.dumps({**records[0], "words": {"hiden": "3"}}) + "\n", encoding="utf-8")
    status, _, err = dlmath("--replay", f"b.jsonl:{records[0]['id']}")
    assert (status, "no option 'hiden'" in err) == (2, True)
    Path("b.jsonl").write_text(json.dumps({**records[0], "answer": None}) + "\n", encoding="utf-8")
    status, _, err = dlmath("--replay", f"b.jsonl:{records[0]['id']}")
    assert (status, "its digest does not fit" in err) == (1, True)


def test_no_folder_of_results_grows_large(result, write):
    result(write(SMALL.replace("[1, 2, 3, 4, 5, 6]", "[1]").replace("epochs: 5", "epochs: 0\nrepeat: 200")))
    folders = {}
    for path in Path("results").rglob("*.json"):
        folders.setdefault(path.parent, []).append(path)
    assert sum(map(len, folders.values())) == 200
    assert max(map(len, folders.values())) < 16  # 200 hashes over 256 folders: C(200, 16) / 256^15 is below 1e-12


# --- runs side by side ------------------------------------------------------------------------------------------------


def test_three_runs_at_once_share_the_work(start, tmp_path):
    shutil.copytree(ROOT / "dlmath", tmp_path / "dlmath", ignore=shutil.ignore_patterns("__pycache__"))
    text = SMALL.replace("epochs: 5", "epochs: 300\nseeds: 30\nrepeat: 3").replace("[1, 2, 3, 4, 5, 6]", "[3, 4, 5, 6]")
    (tmp_path / "x.yaml").write_text(text, encoding="utf-8")
    words = [sys.executable, "-m", "dlmath", "run", "x.yaml", "--quiet", "--format", "json"]
    runs = [start([*words, "--jobs", jobs], cwd=tmp_path, stdout=-1, stderr=-1) for jobs in ("1", "2", "1")]
    for process in runs:
        out, err = process.communicate(timeout=start.patience)
        assert (process.returncode, err) == (0, b"")
        assert json.loads(out)["result"]["experiments"][0]["cells"] == 12
    ran = [entry["id"] for entry in journal(tmp_path / "results")]
    assert sorted(ran) == sorted(set(ran))
    assert len(ran) == 12


def claimed(store, *names):
    return [store.claim(name * 8) for name in names]


def test_a_claim_ends_with_its_owner(tmp_path, start):
    store = Store(str(tmp_path / "results"))
    store.open()
    code = (
        "import sys; from dlmath.runs.files.results import Store; store = Store('results'); store.open();"
        "print(store.claim('aa' * 8), flush=True); sys.stdin.read()"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    other = start([sys.executable, "-c", code], cwd=tmp_path, stdin=-1, stdout=-1, env=environment)
    assert other.stdout.readline() == b"True\n"
    assert claimed(store, "aa", "bb") == [False, True]
    other.kill()
    other.wait(start.patience)
    assert claimed(store, "aa") == [True]
    store.close()


def tasks_of(count):
    return [Task(str(number), "train-gate", {"gate": "and", "rule": "perceptron"}, {}, "") for number in range(count)]


def test_what_others_run_comes_later_and_is_taken_from_them(monkeypatch):
    monkeypatch.setattr(queue, "PAUSE", 0.0)
    looks = {"0": [None, None, False], "1": [True], "2": [None, True]}
    order = Queue(tasks_of(3), lambda task: looks[task.id].pop(0))
    taken = []
    while (offer := order.take()) is not None:
        taken += [(offer.number, offer.is_known)] if offer.task is not None else []
    assert taken == [(1, False), (2, False), (0, True)]


def test_a_cell_that_another_run_never_finishes_is_run_here_at_last(monkeypatch):
    monkeypatch.setattr(queue, "PAUSE", 0.001)
    monkeypatch.setattr(queue, "PATIENCE", 0.05)
    found = dict(run_tasks(tasks_of(2), None, 1, lambda task: None if task.id == "0" else True))
    assert all(found[number] is not None for number in (0, 1))


# --- a cluster --------------------------------------------------------------------------------------------------------


CODE = "import dlmath.runs.cluster as c; c.PATIENCE = 1.0; from dlmath.__main__ import main; main()"
"""The program, with less patience."""
BUSY = SMALL.replace("epochs: 5", "epochs: 400\nseeds: 100\nrepeat: 4")


def against(start, folder, address):
    (folder / "x.yaml").write_text(BUSY, encoding="utf-8")
    words = [sys.executable, "-c", CODE, "run", "x.yaml", "--scheduler", address]
    return start(words, cwd=folder, stdout=-1, stderr=-1, env={**os.environ, "PYTHONPATH": str(ROOT)})


def told(process, start):
    out, err = process.communicate(timeout=start.patience)
    assert (process.returncode, out, err.count(b"\n")) == (2, b"", 1), err
    return err.decode()


def test_a_scheduler_that_nobody_answers_for_is_one_line(tmp_path, start):
    pytest.importorskip("distributed")
    assert told(against(start, tmp_path, "tcp://127.0.0.1:1"), start).startswith("error: --scheduler tcp://127.0.0.1:1")


@pytest.fixture
def cluster(start, tmp_path):
    """Start a scheduler and two workers, each a process of its own; give the address and the processes."""
    pytest.importorskip("distributed")
    place = tmp_path / "scheduler.json"
    quiet = {"stdout": -3, "stderr": -3, "cwd": tmp_path}
    words = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0"]
    scheduler = start([*words, "--no-dashboard", "--scheduler-file", str(place)], **quiet)
    until(place.exists)
    address = json.loads(place.read_text(encoding="utf-8"))["address"]
    words = [sys.executable, "-m", "distributed.cli.dask_worker", address, "--nthreads", "1", "--no-nanny"]
    workers = [start([*words, "--no-dashboard"], **quiet) for _ in range(2)]
    registered = f"from distributed import Client; Client({address!r}).wait_for_workers(2)"
    start([sys.executable, "-c", registered], **quiet).wait(start.patience)
    return address, scheduler, workers


def until(happened):
    end = time.monotonic() + 60
    while not happened():
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.parametrize(("victim", "what"), [("scheduler", "went away"), ("workers", "no worker is left")])
def test_a_cluster_that_goes_away_is_one_line_and_what_was_finished_is_kept(start, cluster, tmp_path, victim, what):
    address, scheduler, workers = cluster
    cells = tmp_path / "results" / "cells"
    process = against(start, tmp_path, address)
    until(lambda: process.poll() is not None or len(list(cells.rglob("*.json"))) > 1)
    for each in [scheduler] if victim == "scheduler" else workers:
        each.kill()
    assert what in told(process, start)
    assert len(list(cells.rglob("*.json"))) > 1


def test_a_cell_is_given_up_in_a_thread_too(monkeypatch):
    def endless(_task):
        while True:
            pass

    monkeypatch.setattr(limits, "execute", endless)
    task = Task("a", "train-gate", {"gate": "and"}, {}, program_version(), 0.05)
    with ThreadPoolExecutor(1) as threads:
        ((_, done),) = run_tasks([task], threads, 1, lambda _: True)
    assert done.record["error"].startswith("took longer than time_limit: 0.05 seconds")


@needs_fork
def test_cells_that_only_waited_for_a_worker_that_died_are_run_by_another(result, write, monkeypatch):
    monkeypatch.setattr(pool, "QUICK", 1e9)  # every cell is sent ahead
    monkeypatch.setattr(pool, "execute", deadly("40", "41", "90"))
    found = result(write(SMALL.replace("[1, 2, 3, 4, 5, 6]", "{range: [1, 101]}")), "--jobs", 2)["experiments"][0]
    assert [one["words"]["hidden"] for one in found["failed"]] == ["40", "41", "90"]
    assert [line["words"]["hidden"] for line in lines_of()] == [str(hidden) for hidden in range(1, 101)]
    assert len(journal()) == 100


def test_a_record_depends_on_what_computes_and_not_on_the_release_of_a_kernel():
    assert set(machine()) == {"dlmath", "numpy", "pillow", "python", "platform"}
    assert platform.release() not in machine()["platform"]


@pytest.mark.parametrize(
    ("words", "told"),
    [((), "run again to go on from there"), (("--results", "none"), "none is kept, with --results none")],
)
def test_an_interrupt_promises_only_what_is_kept(dlmath, write, monkeypatch, words, told):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(run_experiments, "run_tasks", interrupted)
    status, _, err = dlmath(write(SMALL), *words)
    assert (status, err) == (130, f"note: 0 cells are done; {told}\n")


def test_a_folder_that_is_removed_again_and_again_ends_with_everything_in_it(start, tmp_path):
    (tmp_path / "x.yaml").write_text(SMALL.replace("[1, 2, 3, 4, 5, 6]", "{range: [1, 61]}"), encoding="utf-8")
    words = [sys.executable, "-m", "dlmath", "run", "x.yaml", "--quiet", "--jobs", "2"]
    process = start(words, cwd=tmp_path, stdout=-3, stderr=-1, env={**os.environ, "PYTHONPATH": str(ROOT)})
    removed = 0
    while process.poll() is None and removed < 3:
        if (tmp_path / "results" / "journal.jsonl").exists():
            shutil.rmtree(tmp_path / "results", ignore_errors=True)
            removed += 1
        time.sleep(0.05)
    _, err = process.communicate(timeout=start.patience)
    assert (process.returncode, err) == (0, b"")
    assert len(lines_of(tmp_path / "results" / "x.jsonl")) == 60
