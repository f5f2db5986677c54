"""Depth measured by the exact law and by matrices, beside PyTorch's autograd doing the same work.

    PEERS/bin/python experiments/benchmarks/vanishing_engine.py [--rounds 5] [--json FILE]

CPU time on one pinned core; ratios are medians of interleaved rounds. The peer draws the weights, runs forward and
backward with autograd and reads the gradient's norm at every layer: what `dlmath vanishing` reports.
"""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path

import timing
from timing import Contender, Goal

from dlmath.engine.depth.measure import measure
from dlmath.engine.depth.settings import DepthSettings


def dlmath(depth: int, width: int, method: str, init: str, seeds: int = 1) -> None:
    """Measure with the engine."""
    measure(DepthSettings(depth=depth, width=width, activation="tanh", init=init, method=method, seeds=seeds))


def torch_autograd(depth: int, width: int, init: str) -> None:
    """Draw the weights, run forward and backward, take every layer's gradient norm (float32)."""
    import torch

    torch.set_num_threads(1)
    weights = [torch.empty(width, width) for _ in range(depth)]
    for matrix in weights:
        if init == "uniform":
            matrix.uniform_(-((3 / width) ** 0.5), (3 / width) ** 0.5)
        else:
            matrix.normal_(0, width**-0.5)
    x = torch.randn(width, requires_grad=True)
    states = [x]
    for matrix in weights:
        states.append(torch.tanh(matrix @ states[-1]))
        states[-1].retain_grad()
    states[-1].backward(torch.randn(width))
    _ = [float(state.grad.norm()) for state in states if state.grad is not None]


UNIFORM = f"uniform:{(3 / 1024) ** 0.5:.9f}"
LAW1, LAW32 = "law 1000 x 1024, one seed", "law 1000 x 1024, 32 seeds"
PEER1000, PEER100, PEER_UNIFORM = "torch 1000 x 1024", "torch 100 x 1024", "torch 100 x 1024, uniform"
EXPLICIT, EXPLICIT_UNIFORM = "explicit 100 x 1024", "explicit 100 x 1024, uniform"
WIDE = "law 1000 x 65,536"


def contenders() -> list[Contender]:
    """Return what takes turns; the unit of work is one network."""
    works = (
        (LAW1, partial(dlmath, 1000, 1024, "law", "lecun"), 1),
        (LAW32, partial(dlmath, 1000, 1024, "law", "lecun", 32), 32),
        (PEER1000, partial(torch_autograd, 1000, 1024, "normal"), 1),
        (EXPLICIT, partial(dlmath, 100, 1024, "explicit", "lecun"), 1),
        (EXPLICIT_UNIFORM, partial(dlmath, 100, 1024, "explicit", UNIFORM), 1),
        (PEER100, partial(torch_autograd, 100, 1024, "normal"), 1),
        (PEER_UNIFORM, partial(torch_autograd, 100, 1024, "uniform"), 1),
        (WIDE, partial(dlmath, 1000, 65_536, "law", "lecun"), 1),
    )
    return [Contender(name, partial(timing.timed, work), units) for name, work, units in works]


def main() -> None:
    """Measure, and say which goals are kept."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args()
    with timing.one_core():
        measured = timing.measure(contenders(), chosen.rounds)
    goals = [
        Goal("torch / law, one seed", measured.ratio(PEER1000, LAW1), 80, "at least"),
        Goal("torch / law, 32 seeds", measured.ratio(PEER1000, LAW32), 250, "at least"),
        Goal("explicit / torch, Gaussian", measured.ratio(EXPLICIT, PEER100), 1.0, "at most"),
        Goal("explicit / torch, uniform", measured.ratio(EXPLICIT_UNIFORM, PEER_UNIFORM), 0.7, "at most"),
    ]
    rows = [(one.name, f"{1e3 * measured.cost(one.name):,.1f}") for one in measured.contenders]
    print(timing.table(("contender", "ms a network"), rows))
    print()
    print(timing.goals_table(goals))
    if chosen.json:
        timing.keep(chosen.json, "vanishing_engine", measured, goals, timing.machine(("numpy", "torch")))


if __name__ == "__main__":
    main()
