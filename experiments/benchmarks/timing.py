"""The measuring kit of the benchmarks: interleaved rounds, per-round ratios, plain tables, results kept as JSON lines.

The speed of a shared machine drifts by tens of percent within seconds, so seconds are never compared across
runs. Contenders take turns, a round gives each of them one turn, the order rotates from round to round, and what
is reported is the median over the rounds of the ratio *within* a round, with its smallest and largest value.

Only the standard library is imported here: NumPy would start its threads before `pin_to_core` has spoken, and
the peak memory Linux reports of a child is never less than what its parent held when the child was born.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

Clock = Literal["wall", "cpu"]
KIBI = 1024


@dataclass(frozen=True)
class Sample:
    """One timed turn: seconds by both clocks and, for a whole process, its peak resident memory in MiB."""

    wall: float
    cpu: float
    peak_mib: float | None = None


@dataclass(frozen=True)
class Contender:
    """Something to time; `units` is how much work one turn does (networks x epochs, seeds, pixels)."""

    name: str
    turn: Callable[[], Sample]
    units: float = 1.0


@dataclass(frozen=True)
class Ratio:
    """Median, smallest and largest of the ratios found in the rounds."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Iterable[float]) -> Ratio:
        """Summarise one ratio per round."""
        ordered = sorted(values)
        return cls(median(ordered), ordered[0], ordered[-1])

    def __str__(self) -> str:
        return f"{significant(self.median)} ({significant(self.low)} to {significant(self.high)})"


@dataclass(frozen=True)
class Goal:
    """A ratio and the bound it has to keep; no ratio means that it could not be measured."""

    name: str
    ratio: Ratio | None
    bound: float
    kind: Literal["at least", "at most"]

    @property
    def verdict(self) -> str:
        """Say whether the median keeps the bound."""
        if self.ratio is None:
            return "not measured"
        kept = self.ratio.median >= self.bound if self.kind == "at least" else self.ratio.median <= self.bound
        return "reached" if kept else "MISSED"


@dataclass(frozen=True)
class Measurement:
    """The samples of every contender, round by round."""

    contenders: tuple[Contender, ...]
    samples: dict[str, list[Sample]]
    clock: Clock

    def costs(self, name: str) -> list[float]:
        """Seconds per unit of work, one value a round."""
        units = next(contender.units for contender in self.contenders if contender.name == name)
        return [getattr(sample, self.clock) / units for sample in self.samples[name]]

    def cost(self, name: str) -> float:
        """Median seconds per unit of work."""
        return median(self.costs(name))

    def ratio(self, dear: str, cheap: str) -> Ratio | None:
        """How many times as much a unit of work costs with `dear` as with `cheap`; None if one did not run."""
        if dear not in self.samples or cheap not in self.samples:
            return None
        return Ratio.of(a / b for a, b in zip(self.costs(dear), self.costs(cheap), strict=True))

    def seconds(self, name: str) -> float:
        """Median seconds of a turn."""
        return median(getattr(sample, self.clock) for sample in self.samples[name])

    def peaks(self, name: str) -> list[float]:
        """Peak memory of a whole process in MiB, one value a round."""
        return [sample.peak_mib or 0.0 for sample in self.samples[name]]


def measure(contenders: Sequence[Contender], rounds: int, clock: Clock = "cpu", warm_up: int = 1) -> Measurement:
    """Give every contender one turn a round, in an order that rotates; the warm-up turns are thrown away."""
    for contender in contenders:
        for _ in range(warm_up):
            contender.turn()
    samples: dict[str, list[Sample]] = {contender.name: [] for contender in contenders}
    for turn in range(rounds):
        first = turn % len(contenders)
        for contender in (*contenders[first:], *contenders[:first]):
            samples[contender.name].append(contender.turn())
    return Measurement(tuple(contenders), samples, clock)


def timed(call: Callable[[], object]) -> Sample:
    """Time one call in this process."""
    wall, cpu = time.perf_counter(), time.process_time()
    call()
    return Sample(time.perf_counter() - wall, time.process_time() - cpu)


def timed_process(command: Sequence[str], accept: Sequence[int] = (0,)) -> Sample:
    """Time a whole process from start to exit, with all its children's CPU time and its own peak memory.

    Compiled byte code is allowed to be written and used, as on a user's machine. An exit status outside
    `accept` raises, so that a failing command is never timed as a fast one.
    """
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    with TemporaryFile("w+") as errors:
        start = time.perf_counter()
        with subprocess.Popen(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors
        ) as process:
            _, status, usage = os.wait4(process.pid, 0)
            wall = time.perf_counter() - start
            process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode not in accept:
            errors.seek(0)
            last_line = (errors.read().strip().splitlines() or ["no message"])[-1]
            raise RuntimeError(f"exit status {process.returncode}: {last_line}")
    scale = KIBI * KIBI if sys.platform == "darwin" else KIBI  # bytes there, KiB on Linux
    return Sample(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / scale)


def pin_to_core(core: int | None = None) -> int | None:
    """Keep this process, its threads and its children on one core (the last one unless told otherwise).

    Call it before importing anything that counts cores: thread pools size themselves by what they may use.
    Returns the core, or None where the system cannot pin.
    """
    if not hasattr(os, "sched_setaffinity"):
        return None
    chosen = max(os.sched_getaffinity(0)) if core is None else core
    os.sched_setaffinity(0, {chosen})
    return chosen


@contextmanager
def one_core(core: int | None = None) -> Iterator[None]:
    """Pin as `pin_to_core` does, and give the other cores back afterwards."""
    before = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else None
    pin_to_core(core)
    try:
        yield
    finally:
        if before is not None:
            os.sched_setaffinity(0, before)


def repeats_for(seconds: float, run: Callable[[int], object], start: int = 1) -> int:
    """Find how many repeats make `run(repeats)` last about `seconds`, so that all turns are equally long."""
    repeats = start
    while True:
        spent = timed(partial(run, repeats)).wall
        if spent >= seconds / 4:
            return max(1, round(repeats * seconds / spent))
        repeats *= 4


def significant(value: float) -> str:
    """Write a number with three figures: 0.457, 12.3, 1,080, 49.6 k, 52.4 M."""
    for least, unit, suffix in ((1e9, 1e9, " G"), (1e6, 1e6, " M"), (1e4, 1e3, " k")):
        if abs(value) >= least:
            return f"{value / unit:.3g}{suffix}"
    return f"{float(f'{value:.3g}'):,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Lay out rows as plain text: the first column to the left, the others to the right."""
    cells = [list(header), *[[str(cell) for cell in row] for row in rows]]
    widths = [max(len(row[column]) for row in cells) for column in range(len(header))]
    lines = [
        "  ".join(
            cell.rjust(width) if column else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in cells
    ]
    return "\n".join([lines[0], "-" * (sum(widths) + 2 * (len(widths) - 1)), *lines[1:]])


def goals_table(goals: Iterable[Goal]) -> str:
    """Lay out goals: the ratio measured, the bound, and whether it is kept."""
    return table(
        ("goal", "median (min to max)", "bound", "verdict"),
        [(goal.name, goal.ratio or "-", f"{goal.kind} {goal.bound:g}", goal.verdict) for goal in goals],
    )


def machine(packages: Sequence[str] = ()) -> dict[str, object]:
    """Describe what was measured on: processor, Python and the versions of `packages` (null if missing)."""
    versions: dict[str, str | None] = {}
    for package in packages:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            versions[package] = None
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "system": platform.system(),
        "python": platform.python_version(),
        "packages": versions,
    }


def _processor() -> str:
    source = Path("/proc/cpuinfo")
    if not source.exists():
        return platform.processor() or platform.machine()
    facts = dict(line.split(":", 1) for line in source.read_text().splitlines() if ":" in line)
    name = next((value.strip() for key, value in facts.items() if key.strip() == "model name"), "unknown")
    flags = next((value.split() for key, value in facts.items() if key.strip() == "flags"), [])
    return f"{name}, {next((flag for flag in ('avx512f', 'avx2', 'avx') if flag in flags), 'no AVX')}"


def keep(path: Path, benchmark: str, measurement: Measurement, goals: Sequence[Goal], where: dict[str, object]) -> None:
    """Append one run to a file of JSON lines: a line for the machine, one a contender, one a goal."""
    stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    lines: list[dict[str, object]] = [{"kind": "machine", **where}]
    lines += [
        {
            "kind": "contender",
            "name": contender.name,
            "units": contender.units,
            "clock": measurement.clock,
            "samples": [asdict(sample) for sample in measurement.samples[contender.name]],
        }
        for contender in measurement.contenders
    ]
    lines += [
        {
            "kind": "goal",
            "name": goal.name,
            "ratio": goal.ratio and asdict(goal.ratio),
            "bound": f"{goal.kind} {goal.bound:g}",
            "verdict": goal.verdict,
        }
        for goal in goals
    ]
    with path.open("a", encoding="utf-8") as stream:
        for line in lines:
            stream.write(json.dumps({"benchmark": benchmark, "time": stamp, **line}) + "\n")
