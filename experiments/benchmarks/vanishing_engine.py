"""Depth measured by the exact law and by matrices, beside PyTorch's autograd doing the same work.

    PEERS/bin/python experiments/benchmarks/vanishing_engine.py [--rounds 5] [--long] [--json FILE]

CPU time on one pinned core; ratios are medians of interleaved rounds. The peer draws the weights, runs forward and
backward with autograd and reads the gradient's norm at every layer: what `dlmath vanishing` reports. `--long` adds
the matrices of 1000 layers of 1024 units (4.2 GB). Memory that a machine touches for the first time costs more than
the numbers put into it: the warm-up round takes that out for everyone.
"""

from __future__ import annotations

import argparse
import math
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import timing
from timing import Contender, Goal, Measurement, Ratio, Sample

if TYPE_CHECKING:
    from collections.abc import Callable

WIDTH, WIDE_WIDTH = 1024, 65_536
UNIFORM = f"uniform:{(3 / WIDTH) ** 0.5:.9f}"
SECONDS_BESIDES_IMPORT = 1.5
LAW1, LAW32, WIDE = "law 1000 x 1024, one seed", "law 1000 x 1024, 32 seeds", "law 1000 x 65,536"
TORCH1000, TORCH100, TORCH_UNIFORM = "torch 1000 x 1024", "torch 100 x 1024", "torch 100 x 1024, uniform"
BUILT100, BUILT_UNIFORM, BUILT1000 = "matrices 100 x 1024", "matrices 100 x 1024, uniform", "matrices 1000 x 1024"
PASSES, TORCH_PASSES = "passes alone 100 x 1024", "torch's passes alone 100 x 1024"
IMPORT = "python -c 'import numpy'"


def dlmath(depth: int, width: int, method: str, init: str, seeds: int = 1) -> None:
    """Measure with the engine, theory included."""
    from dlmath.depth.engine.measure import measure
    from dlmath.depth.engine.settings import DepthSettings

    measure(DepthSettings(depth=depth, width=width, activation="tanh", init=init, method=method, seeds=seeds))


def torch_weights(depth: int, init: str) -> list[Any]:
    """Draw the peer's matrices, float32."""
    import torch

    torch.set_num_threads(1)
    weights = [torch.empty(WIDTH, WIDTH) for _ in range(depth)]
    for matrix in weights:
        if init == "uniform":
            matrix.uniform_(-math.sqrt(3 / WIDTH), math.sqrt(3 / WIDTH))
        else:
            matrix.normal_(0, 1 / math.sqrt(WIDTH))
    return weights


def torch_passes(weights: list[Any]) -> None:
    """Run forward and backward by autograd, and take every layer's gradient norm."""
    import torch

    states = [torch.randn(WIDTH, requires_grad=True)]
    for matrix in weights:
        states.append(torch.tanh(matrix @ states[-1]))
        states[-1].retain_grad()
    states[-1].backward(torch.randn(WIDTH))
    _ = [float(state.grad.norm()) for state in states if state.grad is not None]


def torch_autograd(depth: int, init: str) -> None:
    """Do all of it."""
    torch_passes(torch_weights(depth, init))


def engine_passes() -> Callable[[], None]:
    """Draw 100 matrices once; return both passes over them."""
    import numpy as np

    from dlmath.depth.engine.explicit import ExplicitNetwork
    from dlmath.depth.engine.matrices import room
    from dlmath.depth.engine.settings import DepthSettings

    settings = DepthSettings(depth=100, width=WIDTH, activation="tanh", init="lecun", method="explicit")
    network = ExplicitNetwork(settings, 0, room(100, WIDTH, np.dtype(np.float32)))
    network.forward()

    def passes() -> None:
        network.forward()
        network.backward()

    return passes


def contenders(*, long: bool) -> list[Contender]:
    """Return what takes turns; the unit of work is one network."""
    drawn = torch_weights(100, "normal")
    works: list[tuple[str, Callable[[], None], int]] = [
        (LAW1, partial(dlmath, 1000, WIDTH, "law", "lecun"), 1),
        (LAW32, partial(dlmath, 1000, WIDTH, "law", "lecun", 32), 32),
        (TORCH1000, partial(torch_autograd, 1000, "normal"), 1),
        (BUILT100, partial(dlmath, 100, WIDTH, "explicit", "lecun"), 1),
        (TORCH100, partial(torch_autograd, 100, "normal"), 1),
        (BUILT_UNIFORM, partial(dlmath, 100, WIDTH, "explicit", UNIFORM), 1),
        (TORCH_UNIFORM, partial(torch_autograd, 100, "uniform"), 1),
        (PASSES, engine_passes(), 1),
        (TORCH_PASSES, partial(torch_passes, drawn), 1),
        (WIDE, partial(dlmath, 1000, WIDE_WIDTH, "law", "lecun"), 1),
    ]
    if long:
        works.append((BUILT1000, partial(dlmath, 1000, WIDTH, "explicit", "lecun"), 1))
    found = [Contender(name, partial(timing.timed, work), units) for name, work, units in works]
    return [*found, Contender(IMPORT, partial(timing.timed_process, [sys.executable, "-c", "import numpy"]))]


def wide_goal(measurement: Measurement) -> Ratio:
    """Return the time of the widest network over that of two imports of NumPy and a second and a half."""

    def allowed(sample: Sample) -> float:
        return 2 * float(getattr(sample, measurement.clock)) + SECONDS_BESIDES_IMPORT

    pairs = zip(measurement.costs(WIDE), measurement.samples[IMPORT], strict=True)
    return Ratio.of(cost / allowed(sample) for cost, sample in pairs)


def goals(measurement: Measurement) -> list[Goal]:
    """Return what was to be reached."""
    return [
        Goal("torch / law, one seed", measurement.ratio(TORCH1000, LAW1), 80, "at least"),
        Goal("torch / law, 32 seeds", measurement.ratio(TORCH1000, LAW32), 250, "at least"),
        Goal("law 1000 x 65,536 / (2 x numpy's import + 1.5 s)", wide_goal(measurement), 1, "at most"),
        Goal("matrices / torch, Gaussian, 100", measurement.ratio(BUILT100, TORCH100), 1.0, "at most"),
        Goal("matrices / torch, Gaussian, 1000", measurement.ratio(BUILT1000, TORCH1000), 1.0, "at most"),
        Goal("matrices / torch, uniform", measurement.ratio(BUILT_UNIFORM, TORCH_UNIFORM), 0.7, "at most"),
        Goal("passes / torch's passes", measurement.ratio(PASSES, TORCH_PASSES), 0.85, "at most"),
    ]


def main() -> None:
    """Measure, and say which goals are kept."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--long", action="store_true", help="matrices of 1000 layers too")
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args()
    timing.pin_to_core()  # before NumPy counts the cores
    measured = timing.measure(contenders(long=chosen.long), chosen.rounds)
    found = goals(measured)
    rows = [(one.name, f"{1e3 * measured.cost(one.name):,.1f}") for one in measured.contenders]
    print(timing.table(("contender", "ms a network"), rows))
    print()
    print(timing.goals_table(found))
    if chosen.json:
        timing.keep(chosen.json, "vanishing_engine", measured, found, timing.machine(("numpy", "torch")))


if __name__ == "__main__":
    main()
