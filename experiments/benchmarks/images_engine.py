"""Training steps of small image networks beside PyTorch on one thread, and a tutorial's loops.

    PEERS/bin/python experiments/benchmarks/images_engine.py [--rounds 7] [--batch 64] [--only NAME] [--whole]

CPU time on one pinned core; ratios are medians of interleaved rounds. A step gathers a batch, runs forward, softmax
cross-entropy and backward, and updates by gradient descent with momentum. Eight batches of random data a turn. The
peer takes maxima before ReLU too (its faster order), and runs with its plain memory layout (NCHW) and with
`channels_last`. The loops are convolution and pooling as NumPy tutorials write them, a window after another.
"""

from __future__ import annotations

import argparse
import os
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import timing
from timing import Contender, Goal

if TYPE_CHECKING:
    from collections.abc import Callable

BATCHES = 8
NETWORKS: dict[str, tuple[str, tuple[int, int, int], float]] = {
    "lenet16": ("conv:3x3x8 relu maxpool:2 conv:3x3x16 relu maxpool:2 flatten dense:10", (16, 16, 1), 0.5),
    "lenet5": (
        "conv:5x5x6 relu maxpool:2 conv:5x5x16,pad=valid relu maxpool:2 flatten dense:120 relu dense:84 relu dense:10",
        (28, 28, 1),
        0.75,
    ),
    "vgg32": (
        (
            "conv:3x3x16 relu conv:3x3x16 relu maxpool:2 conv:3x3x32 relu conv:3x3x32 relu maxpool:2 conv:3x3x64 relu "
            "globalpool dense:10"
        ),
        (32, 32, 3),
        1.3,
    ),
    "res32": (
        "conv:3x3x16 relu | 16 | maxpool:2 conv:3x3x32 relu | 32 | maxpool:2 | 32 | globalpool dense:10",
        (32, 32, 3),
        1.3,
    ),
}
"""Each network, its images, and the bound of its ratio to PyTorch; `| C |` is a residual block of two 3x3xC."""


def rows_of(chain: str) -> list[Any]:
    """Return the rows of an architecture document."""
    rows: list[Any] = []
    for number, part in enumerate(chain.split("|")):
        if number % 2:
            conv = f"conv:3x3x{part.strip()}"
            rows += [{"residual": [conv, "relu", conv]}, "relu"]
        else:
            rows += part.split()
    return rows


def random_data(shape: tuple[int, int, int], count: int) -> tuple[Any, Any]:
    """Return images (n, H, W, C) and labels."""
    import numpy as np

    generator = np.random.default_rng(0)
    return generator.standard_normal((count, *shape), np.float32), generator.integers(0, 10, count)


def ours(name: str, batch: int) -> Callable[[], None]:
    """Return eight steps of the engine."""
    import numpy as np

    from dlmath.counting.engine.language import build
    from dlmath.images.engine.data import ImageSet
    from dlmath.images.engine.model import Model
    from dlmath.images.engine.training import Recipe, Stepper, put_rows

    chain, shape, _ = NETWORKS[name]
    model = Model(build({"input": "x".join(map(str, shape)), "layers": rows_of(chain)}))
    model.initialise("he", 0)
    running, stepper = model.on(batch), Stepper(model, Recipe(optimizer="momentum"))
    images, labels = random_data(shape, BATCHES * batch)
    rows = ImageSet(images, labels).rows()

    def steps() -> None:
        order = np.random.default_rng(1).permutation(len(rows))
        for start in range(0, len(rows), batch):
            chosen = order[start : start + batch]
            put_rows(running.images, rows[chosen])
            running.learn(labels[chosen])
            stepper.step(0.001)

    return steps


def torch_network(chain: str, shape: tuple[int, int, int]) -> Any:
    """Return the peer's network: the same layers, maxima before ReLU."""
    from torch import nn

    size, channels, layers = shape[0], shape[2], []

    class Residual(nn.Module):  # type: ignore[misc]
        def __init__(self, width: int) -> None:
            super().__init__()
            self.first, self.second = (nn.Conv2d(width, width, 3, padding=1) for _ in range(2))

        def forward(self, x: Any) -> Any:
            inner = self.second(nn.functional.relu_(self.first(x)))
            return nn.functional.relu_(x + inner)

    flat = 0
    for row in rows_of(chain):
        if isinstance(row, dict):
            layers += [Residual(channels)]
        elif row.startswith("conv"):
            kernel, _, out = row.partition(",")[0].partition(":")[2].split("x")
            valid = row.endswith("valid")
            layers.append(nn.Conv2d(channels, int(out), int(kernel), padding=0 if valid else int(kernel) // 2))
            channels, size = int(out), size - (int(kernel) - 1 if valid else 0)
        elif row == "maxpool:2":
            last = layers.pop() if isinstance(layers[-1], nn.ReLU) else None
            layers += [nn.MaxPool2d(2)] + ([last] if last is not None else [])
            size //= 2
        elif row == "relu" and not isinstance(layers[-1], Residual):
            layers.append(nn.ReLU(inplace=True))
        elif row == "globalpool":
            layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten()]
            flat = channels
        elif row == "flatten":
            layers.append(nn.Flatten())
            flat = channels * size * size
        elif row.startswith("dense"):
            layers.append(nn.Linear(flat, int(row[6:])))
            flat = int(row[6:])
    return nn.Sequential(*layers)


def torch_steps(name: str, batch: int, layout: str) -> Callable[[], None]:
    """Return eight steps of PyTorch in one of its memory layouts."""
    import torch

    torch.set_num_threads(1)
    torch.manual_seed(0)
    form = getattr(torch, layout)
    chain, shape, _ = NETWORKS[name]
    network = torch_network(chain, shape).to(memory_format=form)
    images, labels = random_data(shape, BATCHES * batch)
    data = torch.from_numpy(images.transpose(0, 3, 1, 2).copy()).contiguous(memory_format=form)
    truths = torch.from_numpy(labels)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.001, momentum=0.9)

    def steps() -> None:
        order = torch.randperm(len(data))
        for start in range(0, len(data), batch):
            chosen = order[start : start + batch]
            optimizer.zero_grad(set_to_none=True)
            torch.nn.functional.cross_entropy(network(data[chosen]), truths[chosen]).backward()
            optimizer.step()

    return steps


def tutorial_steps(name: str, batch: int) -> Callable[[], None]:
    """Return one step of the first convolution and pooling as NumPy tutorials write them: window by window."""
    import numpy as np

    del name
    images, _ = random_data((16, 16, 1), batch)
    kernel = np.random.default_rng(0).standard_normal((3, 3, 1, 8)).astype(np.float32)

    def steps() -> None:
        padded = np.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)))
        maps = np.zeros((batch, 16, 16, 8), np.float32)
        slope, back = np.zeros_like(kernel), np.zeros_like(padded)
        for row in range(16):
            for column in range(16):
                window = padded[:, row : row + 3, column : column + 3]
                for out in range(8):
                    maps[:, row, column, out] = (window * kernel[..., out]).sum(axis=(1, 2, 3))
        for row in range(16):
            for column in range(16):
                window = padded[:, row : row + 3, column : column + 3]
                for out in range(8):
                    delta = maps[:, row, column, out]
                    slope[..., out] += (window * delta[:, None, None, None]).sum(axis=0)
                    back[:, row : row + 3, column : column + 3] += kernel[..., out] * delta[:, None, None, None]

    return steps


def contender(name: str, steps: Callable[[], None], repeats: int, units: int) -> Contender:
    """Return something to time: eight steps, several times a turn."""

    def turn() -> None:
        for _ in range(repeats):
            steps()

    return Contender(name, partial(timing.timed, turn), units * repeats)


def compare(name: str, batch: int, rounds: int) -> tuple[timing.Measurement, list[Goal]]:
    """Measure one network."""
    made = {
        "dlmath": ours(name, batch),
        "torch": torch_steps(name, batch, "contiguous_format"),
        "torch channels_last": torch_steps(name, batch, "channels_last"),
    }
    repeats = timing.repeats_for(0.3, lambda count: [made["dlmath"]() for _ in range(count)])
    contenders = [contender(key, steps, repeats, BATCHES) for key, steps in made.items()]
    if name == "lenet16":
        contenders.append(contender("tutorial's loops, first layer alone", tutorial_steps(name, batch), 1, 1))
    measured = timing.measure(contenders, rounds)
    bound = NETWORKS[name][2]
    goals = [Goal(f"{name}: step / torch's", measured.ratio("dlmath", "torch"), bound, "at most")]
    goals.append(Goal(f"{name}: / channels_last", measured.ratio("dlmath", "torch channels_last"), 2, "at most"))
    if name == "lenet16":
        loops = measured.ratio("tutorial's loops, first layer alone", "dlmath")
        goals.append(Goal("loops of the first layer / a whole step", loops, 10, "at least"))
    return measured, goals


def whole_commands(rounds: int) -> list[Goal]:
    """Measure the command with its defaults, and many seeds in one and in two processes, by the clock on the wall."""
    command = [sys.executable, "-m", "dlmath", "train-image", "--quiet", "--format", "json"]
    once = timing.measure([Contender("defaults", partial(timing.timed_process, command))], rounds, warm_up=0)
    seconds = timing.Ratio.of(once.costs("defaults"))
    seeds = [*command, "--seeds", "6", "--jobs"]
    several = [Contender(f"--jobs {n}", partial(timing.timed_process, [*seeds, str(n)])) for n in (1, 2)]
    shared = timing.measure(several, rounds, "wall", warm_up=0)
    return [
        Goal("train-image with its defaults, seconds of CPU", seconds, 6, "at most"),
        Goal("six seeds: one process / two", shared.ratio("--jobs 1", "--jobs 2"), 1.7, "at least"),
    ]


def main() -> None:
    """Measure, print, keep."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy is imported, as the program does
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--only", choices=NETWORKS)
    parser.add_argument("--whole", action="store_true", help="whole commands too, on all cores")
    parser.add_argument("--json", type=Path)
    words = parser.parse_args()
    goals: list[Goal] = whole_commands(words.rounds) if words.whole else []
    timing.pin_to_core()
    for name in [words.only] if words.only else NETWORKS:
        measured, kept = compare(name, words.batch, words.rounds)
        rows = [(one.name, f"{1000 * measured.cost(one.name):.3g}") for one in measured.contenders]
        print(timing.table((f"{name}, batch {words.batch}", "ms a step"), rows), "\n")
        goals += kept
        if words.json:
            timing.keep(words.json, f"images {name}", measured, kept, timing.machine(("numpy", "torch")))
    print(timing.goals_table(goals))


if __name__ == "__main__":
    main()
