"""A hundred thousand cells: what planning, keeping and judging take beyond the cells' own time, and how much memory.

    python experiments/benchmarks/run_cells.py [CELLS]

Goals: at most 60 s beyond the cells' own time, at most 500 MB, no folder of results with more than 1000 files; again
with all cells known. The figures of a busy machine are no figures: compare `wall` and `processor`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

TEXT = """\
command: param-count
layers: ['dense:{{a}}', 'dense:{{b}}']
input: '4'
sweep:
  a: {{range: [1, {first}]}}
  b: {{range: [1, {second}]}}
columns: [params, macs]
expect:
  - weights == 4 * a + a * b
  - params <= max[params]
  - increasing[params along b]
  - params > 100 where a > 10 and b > 10
measure: {{mean: 'mean[params where a == 5]'}}
"""


def once(folder: Path) -> dict[str, float]:
    """Run it whole, and return what it took."""
    journal = folder / "results" / "journal.jsonl"
    before = seconds_in(journal)
    begin = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "dlmath", "run", "x.yaml", "--quiet", "--format", "json"],
        cwd=folder,
        stdout=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    wall = time.perf_counter() - begin
    own = seconds_in(journal) - before
    return {
        "status": process.returncode,
        "wall": wall,
        "cells' own time": own,
        "beyond": wall - own,
        "processor": usage.ru_utime + usage.ru_stime,
        "MB": usage.ru_maxrss / 1024,
    }


def seconds_in(journal: Path) -> float:
    """Return the cells' own time that a journal tells of."""
    if not journal.exists():
        return 0.0
    with journal.open(encoding="utf-8") as lines:
        return sum(json.loads(line)["seconds"] for line in lines)


def main() -> None:
    cells = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    first = max(2, round(cells**0.5 / 2))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "x.yaml").write_text(TEXT.format(first=first + 1, second=cells // first + 1), encoding="utf-8")
        for title in ("run", "all known"):
            found = once(folder)
            print(f"{title:10}", "  ".join(f"{key} {value:,.1f}" for key, value in found.items()), flush=True)
        files = Counter(path.parent for path in (folder / "results").rglob("*") if path.is_file())
        print(f"{sum(files.values()):,} files, at most {max(files.values()):,} in a folder")


if __name__ == "__main__":
    main()
