"""Whole processes of `dlmath train-gate`, from start to exit, as a user or a shell script feels them.

The command is the one installed beside the Python that runs this script.

    python experiments/benchmarks/train_gate_process.py [--rounds 7] [--only GROUP ...] [--json FILE]
"""

from __future__ import annotations

import argparse
import shutil
import sys
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median

import timing
from timing import Clock, Contender, Goal, Measurement, Ratio

LEARNED_OR_NOT = (0, 1)  # some of many XOR networks stay in a plateau: the command answers 1, and that is no failure
IMPORTS, BARE = "import typer, numpy", "python -c pass"
ONE = "train-gate xor"
THOUSAND = "train-gate xor --seeds 1000"
TEN_THOUSAND = "train-gate xor --seeds 10000"
HUNDRED_THOUSAND = "train-gate xor --seeds 100000"
TWO_JOBS = "train-gate xor --seeds 100000 --jobs 2"
CENSUS = "train-gate --separable 4"
SEEDS = {TEN_THOUSAND: 10_000, HUNDRED_THOUSAND: 100_000, TWO_JOBS: 100_000}


@dataclass(frozen=True)
class Group:
    """Commands that take turns with each other."""

    name: str
    commands: tuple[str, ...]
    clock: Clock = "wall"
    pinned: bool = True
    share: int = 1  # of the rounds asked for, one in so many: the long commands take fewer turns


GROUPS = (
    Group("start", (BARE, IMPORTS, ONE, THOUSAND, CENSUS)),
    Group("many", (ONE, TEN_THOUSAND, HUNDRED_THOUSAND), share=2),
    Group("jobs", (HUNDRED_THOUSAND, TWO_JOBS), pinned=False, share=2),
)


def command_line(command: str) -> list[str]:
    """Spell a command out: a piece of Python, or dlmath's command of this Python."""
    pieces = {BARE: "pass", IMPORTS: "import typer, numpy"}
    if command in pieces:
        return [sys.executable, "-c", pieces[command]]
    dlmath = shutil.which("dlmath", path=str(Path(sys.executable).parent)) or shutil.which("dlmath")
    if dlmath is None:
        raise SystemExit("dlmath is not installed in this Python: see README.md beside this script")
    return [dlmath, *command.split()]


def runs(command: str) -> bool:
    """Try a command once, which also warms it up; a command that fails is reported and left out."""
    try:
        timing.timed_process(command_line(command), LEARNED_OR_NOT)
    except RuntimeError as reason:
        print(f"skipped: {command}: {reason}")
        return False
    return True


def measure(group: Group, rounds: int) -> Measurement:
    """Give the commands of a group their turns."""
    contenders = [
        Contender(command, partial(timing.timed_process, command_line(command), LEARNED_OR_NOT), SEEDS.get(command, 1))
        for command in group.commands
        if runs(command)
    ]
    return timing.measure(contenders, max(3, rounds // group.share), clock=group.clock, warm_up=0)


def memory(measurement: Measurement) -> Ratio | None:
    """Peak memory of 100,000 seeds over that of 10,000: what is kept of a seed may add up, its weights may not."""
    if any(name not in measurement.samples for name in (TEN_THOUSAND, HUNDRED_THOUSAND)):
        return None
    few, many = measurement.peaks(TEN_THOUSAND), measurement.peaks(HUNDRED_THOUSAND)
    return Ratio.of(b / a for a, b in zip(few, many, strict=True))


def goals(group: Group, found: Measurement) -> list[Goal]:
    """State the bounds of the issue that a group decides."""
    if group.name == "start":
        return [
            Goal(f"{ONE} / {IMPORTS}", found.ratio(ONE, IMPORTS), 1.35, "at most"),
            Goal(f"{THOUSAND} / one seed", found.ratio(THOUSAND, ONE), 3, "at most"),
            Goal(f"{CENSUS} / one gate", found.ratio(CENSUS, ONE), 5, "at most"),
        ]
    if group.name == "many":
        return [
            Goal("seconds a seed, 100,000 / 10,000", found.ratio(HUNDRED_THOUSAND, TEN_THOUSAND), 1.1, "at most"),
            Goal("peak memory, 100,000 / 10,000", memory(found), 1.25, "at most"),
        ]
    return [Goal("100,000 seeds, 1 job / 2 jobs", found.ratio(HUNDRED_THOUSAND, TWO_JOBS), 1.6, "at least")]


def report(measurement: Measurement) -> str:
    """Tabulate what each command takes."""
    rows = [
        (name, f"{1000 * measurement.seconds(name):,.0f}", f"{median(measurement.peaks(name)):,.0f}")
        for name in measurement.samples
    ]
    return timing.table(("command", "ms", "peak MiB"), rows)


def main() -> None:
    """Measure the groups one after the other, report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7, help="turns of each short command (default: %(default)s)")
    parser.add_argument("--only", nargs="+", choices=[group.name for group in GROUPS], help="measure these groups")
    parser.add_argument("--core", type=int, help="the core to run on, --jobs apart (default: the last one)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="append the results to FILE as JSON lines")
    options = parser.parse_args()
    where = timing.machine(("dlmath", "numpy", "typer"))
    print(f"{where['processor']}; Python {where['python']}; {where['packages']}")
    for group in GROUPS:
        if options.only and group.name not in options.only:
            continue
        with timing.one_core(options.core) if group.pinned else nullcontext():
            measurement = measure(group, options.rounds)
        found = goals(group, measurement)
        print(f"\n{report(measurement)}\n\n{timing.goals_table(found)}")
        if options.json:
            timing.keep(options.json, f"train-gate-process-{group.name}", measurement, found, where)


if __name__ == "__main__":
    main()
