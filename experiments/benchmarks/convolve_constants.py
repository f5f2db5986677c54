"""Measure anew what dlmath's convolution costs on this machine: the constants of its planner's table.

The table is dlmath/engine/convolution/speeds.py. Every number is CPU time of one thread, the least of several turns:
other processes make a turn longer, never shorter. Printed are the table's value and the one measured here; what
matters are the ratios, so a machine that is slower throughout chooses the same.

    python experiments/benchmarks/convolve_constants.py [--turns 9]
"""

from __future__ import annotations

import argparse
import time
from typing import TYPE_CHECKING

import numpy as np
import timing

from dlmath.convolution.engine import speeds
from dlmath.convolution.engine.convolve import convolve
from dlmath.convolution.engine.dense import DENSE
from dlmath.convolution.engine.fft import FFT, transform_size
from dlmath.convolution.engine.magnitude import Roots

if TYPE_CHECKING:
    from collections.abc import Callable

SHAPE = 1024, 2048


def cost(call: Callable[[], object], elements: int, turns: int) -> float:
    """Return the least CPU nanoseconds an element."""
    times = []
    for _ in range(turns):
        start = time.process_time()
        call()
        times.append(time.process_time() - start)
    return min(times) / elements * 1e9


def of_calls(turns: int) -> list[tuple[str, float, float]]:
    """Return the constants that are one call or few: name, the table's value, the value here."""
    found = []
    for size, dtype in ((2, np.int16), (4, np.float32), (8, np.float64)):
        elements = speeds.TILE_ELEMENTS[size]
        left, right, out = (np.zeros(elements, dtype) for _ in range(3))
        measured = cost(lambda a=left, b=right, c=out: [np.add(a, b, c) for _ in range(5)], 5 * elements, turns)
        found.append((f"ADDITION[{size}]", speeds.ADDITION[size], measured))
    for size, dtype in ((4, np.float32), (8, np.float64)):
        elements = speeds.TILE_ELEMENTS[4]
        roots, parts = Roots((elements,), np.dtype(dtype)), [np.zeros(elements, np.int16) for _ in range(2)]
        found.append((f"ROOT[{size}]", speeds.ROOT[size], cost(lambda r=roots, p=parts: r.run(p), elements, turns)))
    colours = np.zeros((SHAPE[0], SHAPE[1], 3), dtype=np.float32)
    planes = np.zeros((3, *SHAPE), dtype=np.float32)

    def apart_and_together() -> None:
        for channel in range(3):
            planes[channel] = colours[:, :, channel]
            colours[:, :, channel] = planes[channel]

    return [*found, ("GATHER", speeds.GATHER, cost(apart_and_together, colours.size, turns))]


def of_algorithms(turns: int) -> list[tuple[str, float, float]]:
    """Return the constants that are differences of whole convolutions."""
    image = np.random.default_rng(1).random(SHAPE, dtype=np.float32)
    pixels = (image * 255).astype(np.uint8)
    out = {np.dtype(kind): np.zeros(SHAPE, dtype=kind) for kind in (np.uint8, np.float32, np.float64)}

    def whole(picture: np.ndarray, kernel: np.ndarray, method: str) -> float:
        def call() -> None:
            convolve(picture, kernel, method=method, threads=1, out=out[picture.dtype])

        return cost(call, picture.size, turns)

    def weights(taps: int) -> np.ndarray:
        return np.random.default_rng(taps).random((taps, taps))

    one = np.array([[1]])
    found = [
        ("FILL_AND_STORE['u']", speeds.FILL_AND_STORE["u"], whole(pixels, one, "taps")),
        ("FILL_AND_STORE['f']", speeds.FILL_AND_STORE["f"], whole(image, one, "taps")),
    ]
    stored = found[-1][2]
    tile = FFT.preferred_tile((15, 15), SHAPE, 1)
    points = transform_size(tile[0] + 14) * transform_size(tile[1] + 14) / (tile[0] * tile[1])
    transform = (whole(image, weights(15), "fft") - stored) / points
    found.append(("TRANSFORM_POINT", speeds.TRANSFORM_POINT, transform))
    small, large = (whole(image, weights(taps), "dense") for taps in (5, 11))
    predicted = [DENSE.cost(weights(taps), image.dtype, 1) for taps in (5, 11)]
    share = (large - small) / (predicted[1] - predicted[0])
    found.append(("MULTIPLY, PACK, COPY: scale", 1.0, share))
    found.append(("WIDE", speeds.WIDE, whole(image.astype(np.float64), weights(5), "dense") / small))
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, default=9, help="of which the quickest counts (default: %(default)s)")
    turns = parser.parse_args().turns
    where = timing.machine(("numpy",))
    print(f"{where['processor']}, one thread; {where['packages']}; CPU nanoseconds an element\n")
    rows = [(name, f"{table:.3g}", f"{here:.3g}") for name, table, here in of_calls(turns) + of_algorithms(turns)]
    print(timing.table(("constant", "table", "here"), rows))


if __name__ == "__main__":
    main()
