"""Convolution in one process, side by side with peers: the same image, the same border, two threads each.

dlmath against the best function OpenCV has for the job, on gray uint8, RGB uint8 and gray float32 pixels. Results go
into arrays that are there before (`out=`, `dst=`), unless --fresh. What OpenCV could use instead takes turns too, and
the quickest counts. Before anything is timed, all of them are held to dlmath's result. The picture comes from a seed
that nothing was tuned on (convolve_picture.py).

    python experiments/benchmarks/convolve_engine.py [--rounds 5] [--size 4000x3000] [--only sobel-x "box 7"]
    python experiments/benchmarks/convolve_engine.py --peers scipy,signal,pillow,skimage,torch    (1920x1080)
    python experiments/benchmarks/convolve_engine.py --naive                                      (512x512)
    python experiments/benchmarks/convolve_engine.py --memory                                     (200 megapixels)
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import time
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import timing
from timing import Contender, Goal, Measurement

THREADS = 2
if hasattr(os, "sched_setaffinity"):  # before NumPy and the peers count cores
    os.sched_setaffinity(0, set(sorted(os.sched_getaffinity(0))[:THREADS]))

import numpy as np  # noqa: E402
from convolve_picture import SEED, photograph, size_of  # noqa: E402

from dlmath.convolution.engine.convolve import Result, convolve  # noqa: E402
from dlmath.convolution.engine.kernel_families import gaussian_row, opencv_sigma  # noqa: E402
from dlmath.convolution.engine.kernels import parse_kernel  # noqa: E402
from dlmath.convolution.engine.magnitude import combine_responses  # noqa: E402
from dlmath.convolution.work import engine_kernel  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

KINDS = ("gray uint8", "RGB uint8", "gray float32")
TURN = 0.06  # seconds of a turn: shorter calls are repeated
KEPT = 1.3  # alternatives this much slower than the quickest in the trial take no further turns
FLOAT_ACCURACY = 3e-6  # of 255 times the sum of the weights' sizes, in float32


@dataclass(frozen=True)
class Case:
    """One row of the table: a kernel, and the bounds of the issue for each kind of pixels."""

    name: str
    bounds: tuple[float, float, float]
    word: str = ""  # dlmath's name of the kernel; without one the weights are random

    @property
    def family(self) -> str:
        """What the alternatives depend on."""
        return self.name.split()[0]

    @property
    def size(self) -> int:
        """Rows and columns of the kernel."""
        return int(self.name.split()[1]) if " " in self.name else 3

    @cached_property
    def engine_kernel(self) -> Any:
        """The weights as dlmath's command hands them to its engine."""
        if not self.word:
            weights = np.random.default_rng(SEED + self.size).random((self.size, self.size)) - 0.25
            return weights / weights.sum()
        kernel = parse_kernel(self.word)
        parts = getattr(kernel, "parts", None)
        return [engine_kernel(part) for part in parts] if parts else engine_kernel(kernel)

    @cached_property
    def weights(self) -> np.ndarray:
        """The weights as float32."""
        return np.asarray(self.engine_kernel, dtype=np.float64).astype(np.float32)

    @cached_property
    def factors(self) -> tuple[np.ndarray, np.ndarray] | None:
        """The row and the column whose outer product the kernel is, float64; None where it is none."""
        if self.family == "sobel-x":
            return np.array([-1.0, 0, 1]), np.array([1.0, 2, 1])
        if self.family == "box":
            return (np.full(self.size, 1 / self.size),) * 2
        if self.name == "gaussian 5":
            return (np.array([1, 4, 6, 4, 1]) / 16,) * 2
        if self.family == "gaussian":
            return (np.array(gaussian_row(self.size, opencv_sigma(self.size))),) * 2
        return None

    def dlmath(self, image: np.ndarray, out: np.ndarray | None = None, method: str = "auto") -> Result:
        """Convolve by dlmath."""
        if self.family == "magnitude":
            return combine_responses(image, self.engine_kernel, "l2", out=out, method=method)
        return convolve(image, self.engine_kernel, out=out, method=method)


CASES = (
    Case("sobel-x", (0.70, 1.10, 1.3), "sobel-x"),
    Case("sharpen", (0.70, 1.10, 1.3), "sharpen"),
    Case("laplacian", (0.70, 1.10, 1.3), "laplacian"),
    Case("outline", (0.70, 1.10, 1.3), "outline"),
    Case("emboss", (0.70, 1.10, 1.3), "emboss"),
    Case("magnitude", (0.40, 0.50, 0.55), "sobel"),
    Case("box 7", (0.75, 0.90, 0.60), "box:7"),
    Case("box 21", (1.35, 1.5, 0.75), "box:21"),
    Case("gaussian 5", (0.95, 0.80, 1.3), "gaussian:5"),
    Case("gaussian 31", (0.80, 1.3, 0.75), "gaussian:31"),
    Case("dense 5", (1.5, 1.9, 1.8)),
    Case("dense 9", (1.15, 1.4, 2.2)),
    Case("dense 15", (0.45, 0.40, 0.65)),
    Case("dense 31", (0.45, 0.40, 0.65)),
    Case("dense 63", (0.45, 0.40, 0.65)),
)


@dataclass(frozen=True)
class Rival:
    """A way another library does the job.

    Attributes
    ----------
    call : callable
        Returns the result, or the sums before they become pixels.
    levels : float
        By how much of 255 it may differ from dlmath away from the edge, on uint8 pixels.
    factor : float
        What its result is to be multiplied by to be compared.
    interior : bool
        It has another border: only pixels whose whole window lies inside are compared.
    """

    name: str
    call: Callable[[], Any]
    levels: float = 1
    factor: float = 1.0
    interior: bool = False


def image_of(kind: str, size: tuple[int, int]) -> np.ndarray:
    """Return the picture; float32 ones are on 0..255 and not whole."""
    pixels = photograph(*size, 3 if kind.startswith("RGB") else 1)
    if not kind.endswith("float32"):
        return pixels
    grain = np.random.default_rng(SEED).random(pixels.shape, dtype=np.float32)
    return np.ascontiguousarray(pixels + grain)


def opencv(case: Case, image: np.ndarray, out: np.ndarray | None) -> list[Rival]:
    """Return everything OpenCV has for the job."""
    import cv2

    cv2.setNumThreads(THREADS)
    border, n = cv2.BORDER_REPLICATE, case.size
    if case.family == "magnitude":
        return opencv_magnitude(image, out)
    kernel = case.weights
    exact = image.dtype == np.uint8 and n == 3
    rivals = [Rival("filter2D", lambda: cv2.filter2D(image, -1, kernel, dst=out, borderType=border))]
    if case.factors:
        across, down = (factor.astype(np.float32) for factor in case.factors)
        rivals.append(
            Rival("sepFilter2D", lambda: cv2.sepFilter2D(image, -1, across, down, dst=out, borderType=border))
        )
    if case.name == "sobel-x":
        rivals.append(Rival("Sobel", lambda: cv2.Sobel(image, -1, 1, 0, dst=out, ksize=3, borderType=border)))
    if case.name == "laplacian":
        rivals.append(Rival("Laplacian", lambda: cv2.Laplacian(image, -1, dst=out, ksize=1, borderType=border)))
    if case.family == "box":
        rivals.append(Rival("blur", lambda: cv2.blur(image, (n, n), dst=out, borderType=border)))
    if case.family == "gaussian":
        rivals.append(Rival("GaussianBlur", lambda: cv2.GaussianBlur(image, (n, n), 0, dst=out, borderType=border)))
        hint = getattr(cv2, "ALGO_HINT_APPROX", None)
        if hint is not None:
            approximate = partial(cv2.GaussianBlur, image, (n, n), 0, dst=out, borderType=border, hint=hint)
            rivals.append(Rival("GaussianBlur approx.", approximate))
    return [Rival(rival.name, rival.call, 0 if exact else 1) for rival in rivals]


def opencv_magnitude(image: np.ndarray, out: np.ndarray | None) -> list[Rival]:
    """Return the ways to sqrt(gx^2 + gy^2), every array there before."""
    import cv2

    border = cv2.BORDER_REPLICATE
    gx, gy, length = (np.empty(image.shape, dtype=np.float32) for _ in range(3))
    if image.dtype == np.float32 and out is not None:
        length = out

    def rounded() -> np.ndarray:
        cv2.magnitude(gx, gy, length)
        return length if image.dtype == np.float32 else cv2.convertScaleAbs(length, dst=out)

    def by_sobel() -> np.ndarray:
        cv2.Sobel(image, cv2.CV_32F, 1, 0, dst=gx, borderType=border)
        cv2.Sobel(image, cv2.CV_32F, 0, 1, dst=gy, borderType=border)
        return rounded()

    rivals = [Rival("Sobel, magnitude", by_sobel, 0)]
    if image.dtype == np.uint8 and image.ndim == 2:
        dx, dy = (np.empty(image.shape, dtype=np.int16) for _ in range(2))

        def by_spatial_gradient() -> np.ndarray:
            cv2.spatialGradient(image, dx, dy, 3, border)
            np.copyto(gx, dx)
            np.copyto(gy, dy)
            return rounded()

        rivals.append(Rival("spatialGradient", by_spatial_gradient, 0))
    return rivals


def scipy_ndimage(case: Case, image: np.ndarray) -> list[Rival]:
    """scipy.ndimage; sums are left in a type that holds them, the step to pixels is a gift."""
    from scipy import ndimage

    real = np.float32
    whole = np.int16 if image.dtype == np.uint8 else real
    n = case.size
    if case.family == "magnitude":

        def gradient(axis: int) -> np.ndarray:
            if image.ndim == 2:
                return ndimage.sobel(image, axis, output=real, mode="nearest")
            # ndimage.sobel would smooth across the channels, too
            smoothed = ndimage.correlate1d(image, [1, 2, 1], 1 - axis, output=real, mode="nearest")
            return ndimage.correlate1d(smoothed, [-1, 0, 1], axis, output=real, mode="nearest")

        def length() -> np.ndarray:
            return np.hypot(gradient(1), gradient(0))

        return [Rival("two gradients, hypot", length)]
    weights = case.weights.reshape(n, n, *(1,) * (image.ndim - 2))
    rivals = []
    if n <= 15:
        output = real if case.family in {"box", "gaussian", "dense"} else whole
        rivals.append(
            Rival("ndimage.correlate", lambda: ndimage.correlate(image, weights, output=output, mode="nearest"))
        )
    if case.name == "sobel-x" and image.ndim == 2:
        rivals.append(Rival("ndimage.sobel", lambda: ndimage.sobel(image, 1, output=whole, mode="nearest")))
    if case.family == "box":
        box = partial(ndimage.uniform_filter, image, n, mode="nearest", axes=(0, 1))
        rivals.append(Rival("uniform_filter", box, 2))  # it cuts off after each pass
    if case.factors and case.family != "box":
        across, down = case.factors

        def passes() -> np.ndarray:
            vertical = ndimage.correlate1d(image, down, 0, output=real, mode="nearest")
            return ndimage.correlate1d(vertical, across, 1, output=real, mode="nearest")

        rivals.append(Rival("correlate1d twice", passes))
    return rivals


def scipy_signal(case: Case, image: np.ndarray) -> list[Rival]:
    """scipy.signal; float32 is what it is given, ready made."""
    from scipy import signal

    if case.family == "magnitude":
        return []
    pixels = image.astype(np.float32)
    kernel = np.ascontiguousarray(case.weights[::-1, ::-1]).reshape(case.size, case.size, *(1,) * (image.ndim - 2))
    names = ("fftconvolve", "oaconvolve")
    rivals = [
        Rival(f"signal.{name}", partial(getattr(signal, name), pixels, kernel, mode="same", axes=(0, 1)), interior=True)
        for name in names
    ]
    if image.ndim == 2 and case.size <= 5:
        rivals.append(
            Rival("signal.convolve2d", partial(signal.convolve2d, pixels, kernel, mode="same"), interior=True)
        )
    return rivals


def pillow(case: Case, image: np.ndarray) -> list[Rival]:
    """Pillow's filters from image to image; 8 bits only, kernels of 3x3 and 5x5 only, no magnitude."""
    from PIL import Image, ImageFilter

    if image.dtype != np.uint8 or case.family == "magnitude":
        return []
    picture, n = Image.fromarray(image), case.size
    if case.family == "box":
        return [Rival("BoxBlur", lambda: picture.filter(ImageFilter.BoxBlur(n // 2)), 2)]
    rivals = []
    if n <= 5:
        kernel = ImageFilter.Kernel((n, n), [float(w) for w in case.weights[::-1].ravel()], scale=1)
        rivals.append(Rival("Kernel", lambda: picture.filter(kernel), interior=True))
    if case.family == "gaussian":
        blur = ImageFilter.GaussianBlur(opencv_sigma(n))
        rivals.append(Rival("GaussianBlur", lambda: picture.filter(blur), 255))  # three boxes: not compared
    return rivals


def skimage(case: Case, image: np.ndarray) -> list[Rival]:
    """scikit-image's filters, which exist for some kernels and mostly for gray."""
    from skimage import filters

    unit = 255 if image.dtype == np.uint8 else 1  # it makes 0..1 of bytes
    gray = image.ndim == 2
    if case.name == "sobel-x" and gray:
        return [Rival("sobel_v", lambda: filters.sobel_v(image), factor=4 * unit, interior=True)]
    if case.family == "magnitude" and gray:
        return [Rival("sobel", lambda: filters.sobel(image), factor=4 * unit * 2**0.5, interior=True)]
    if case.name == "laplacian" and gray:
        return [Rival("laplace", lambda: filters.laplace(image), factor=-unit, interior=True)]
    if case.family == "gaussian":
        sigma = opencv_sigma(case.size)
        blur = partial(
            filters.gaussian, image, sigma, mode="nearest", truncate=(case.size // 2) / sigma,
            channel_axis=None if gray else 2,
        )  # fmt: skip
        close = 255 if case.size == 5 else 1  # the binomial is no Gaussian
        return [Rival("gaussian", blur, close, factor=unit)]
    return []


def torch(case: Case, image: np.ndarray) -> list[Rival]:
    """torch's conv2d on one image; the float32 tensor is ready made, the border is zeros."""
    import torch as library

    library.set_num_threads(THREADS)
    if case.size > 31:
        return []
    planes = library.from_numpy(np.ascontiguousarray(np.atleast_3d(image).transpose(2, 0, 1)[:, None], np.float32))
    conv2d, n = library.nn.functional.conv2d, case.size

    def as_image(planes_out: Any) -> np.ndarray:
        return planes_out[:, 0].permute(1, 2, 0).reshape(image.shape).numpy()

    def kernel(weights: np.ndarray) -> Any:
        return library.from_numpy(np.ascontiguousarray(weights, dtype=np.float32))[None, None]

    rivals = []
    with library.inference_mode():
        if case.family == "magnitude":
            gx, gy = (kernel(np.asarray(part)) for part in case.engine_kernel)
            both = library.cat([gx, gy])

            def length() -> np.ndarray:
                found = conv2d(planes, both, padding=1)
                return as_image(library.hypot(found[:, :1], found[:, 1:]))

            return [Rival("conv2d, hypot", length, interior=True)]
        if n <= 15 or case.family == "dense":
            whole = kernel(case.weights)
            rivals.append(Rival("conv2d", lambda: as_image(conv2d(planes, whole, padding=n // 2)), interior=True))
        if case.factors:
            across, down = kernel(case.factors[0][None, :]), kernel(case.factors[1][:, None])

            def passes() -> np.ndarray:
                return as_image(conv2d(conv2d(planes, down, padding=(n // 2, 0)), across, padding=(0, n // 2)))

            rivals.append(Rival("conv2d twice", passes, interior=True))
    return rivals


PEERS: dict[str, tuple[Callable[[Case, np.ndarray], list[Rival]], float]] = {
    "scipy": (scipy_ndimage, 4),
    "signal": (scipy_signal, 2),
    "pillow": (pillow, 4),
    "skimage": (skimage, 5),
    "torch": (torch, 6),
}
"""How each does the job, and how many times its time dlmath's is to fit into."""


def check(case: Case, image: np.ndarray, rivals: Iterable[Rival]) -> None:
    """Hold the rivals to dlmath's result; one that computes something else ends the run."""
    ours = case.dlmath(image).pixels
    # scikit-image's own float type, SciPy's 32-bit sums: as pixels they agree to a level, as numbers to a few digits
    size = 1.0 if isinstance(case.engine_kernel, list) else max(1.0, float(np.abs(case.weights).sum()))
    for rival in rivals:
        theirs = np.asarray(rival.call())
        if rival.factor != 1:
            theirs = theirs * rival.factor
        if image.dtype == np.uint8 and theirs.dtype != np.uint8:
            theirs = np.clip(np.floor(theirs + 0.5), 0, 255)
        pair = [values.astype(np.float64) for values in (ours, theirs)]
        if rival.interior:
            m = case.size // 2
            pair = [values[m:-m, m:-m] for values in pair]
        error = float(abs(pair[0] - pair[1]).max())
        allowed = rival.levels if image.dtype == np.uint8 else max(FLOAT_ACCURACY * 255 * size, 1e-3)
        if rival.levels == 255:
            continue
        if error > allowed:
            raise SystemExit(f"{rival.name} computes something else for {case.name}: it differs by {error:g}")


def contender(name: str, call: Callable[[], object]) -> Contender:
    """Make turns of at least `TURN` seconds."""
    once = timing.timed(call).wall
    repeats = max(1, round(TURN / once))

    def turn() -> None:
        for _ in range(repeats):
            call()

    return Contender(name, partial(timing.timed, turn), units=repeats)


class Neighbours:
    """How many cores other processes kept busy in the meantime, from /proc/stat; nothing where there is none."""

    def __init__(self) -> None:
        self._before = self._now()

    @staticmethod
    def _now() -> tuple[float, float, float]:
        source = Path("/proc/stat")
        busy = 0.0
        if source.exists():
            user, nice, system, _, _, interrupt, soft, steal = map(int, source.read_text().split()[1:9])
            busy = (user + nice + system + interrupt + soft + steal) / os.sysconf("SC_CLK_TCK")
        return busy, time.process_time(), time.perf_counter()

    def cores(self) -> str:
        """Return it as text."""
        busy, own, wall = (now - before for now, before in zip(self._now(), self._before, strict=True))
        return f"{max(0.0, busy - own) / wall:.1f}"


OURS = "dlmath"


def race(call: Callable[[], object], rivals: list[Rival], rounds: int) -> tuple[Measurement, str]:
    """Let dlmath and the rivals worth it take turns; return what was measured and the quickest rival's name."""
    entrants = [contender(rival.name, rival.call) for rival in rivals]
    alone = len(entrants) == 1
    trial = {entry.name: 0.0 if alone else min(entry.turn().wall / entry.units for _ in range(2)) for entry in entrants}
    kept = [entry for entry in entrants if trial[entry.name] <= KEPT * min(trial.values())]
    measurement = timing.measure([contender(OURS, call), *kept], rounds, clock="wall", warm_up=0)
    return measurement, min((entry.name for entry in kept), key=measurement.cost)


def milliseconds(measurement: Measurement, name: str) -> str:
    """Return the median of one call."""
    return f"{1000 * measurement.cost(name):.3g}"


HEADER = ("case", "pixels", "method", "rival", "ms", "rival's ms", "ratio (min to max)", "goal", "verdict", "others")


def line(goal: Goal, case: Case, kind: str, cells: Iterable[str]) -> tuple[str, ...]:
    """Lay out one result."""
    method, rival, ours, theirs, others = cells
    return case.name, kind, method, rival, ours, theirs, str(goal.ratio), f"{goal.bound:g}", goal.verdict, others


def engine(options: argparse.Namespace, where: dict[str, object]) -> list[tuple[str, ...]]:
    """Measure the whole table against OpenCV."""
    rows = []
    for number, kind in enumerate(KINDS):
        image = image_of(kind, options.size)
        for case in chosen(options.only):
            out, mine = (None, None) if options.fresh else (np.empty_like(image), np.empty_like(image))
            rivals = opencv(case, image, out)
            check(case, image, rivals)
            neighbours = Neighbours()
            measurement, best = race(partial(case.dlmath, image, mine), rivals, options.rounds)
            ratio = measurement.ratio(dear=OURS, cheap=best)
            goal = Goal(f"{case.name}, {kind}: dlmath / cv2 {best}", ratio, case.bounds[number], "at most")
            times = milliseconds(measurement, OURS), milliseconds(measurement, best)
            cells = (case.dlmath(image).method, best, *times, neighbours.cores())
            rows.append(line(goal, case, kind, cells))
            print(*rows[-1], sep=" | ", flush=True)
            if options.json:
                timing.keep(options.json, "convolve-engine", measurement, [goal], where)
    return rows


def peers(options: argparse.Namespace, where: dict[str, object]) -> list[tuple[str, ...]]:
    """Measure dlmath against the other libraries: how many times its time each takes."""
    rows = []
    for peer in options.peers.split(","):
        prepare, bound = PEERS[peer]
        for kind in KINDS:
            image = image_of(kind, options.size)
            mine = np.empty_like(image)
            for case in chosen(options.only):
                rivals = prepare(case, image)
                if not rivals:
                    continue
                check(case, image, rivals)
                neighbours = Neighbours()
                measurement, best = race(partial(case.dlmath, image, mine), rivals, options.rounds)
                ratio = measurement.ratio(dear=best, cheap=OURS)
                goal = Goal(f"{case.name}, {kind}: {peer} {best} / dlmath", ratio, bound, "at least")
                times = milliseconds(measurement, OURS), milliseconds(measurement, best)
                cells = (case.dlmath(image).method, f"{peer}: {best}", *times, neighbours.cores())
                rows.append(line(goal, case, kind, cells))
                print(*rows[-1], sep=" | ", flush=True)
                if options.json:
                    timing.keep(options.json, f"convolve-peer-{peer}", measurement, [goal], where)
    return rows


def double_loop(image: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """Convolve as every introduction does: two loops over the pixels, one product of arrays each."""
    rows, columns = (size // 2 for size in kernel.shape)
    padded = np.pad(image, ((rows, rows), (columns, columns)), mode="edge").astype(np.float64)
    out = np.zeros(image.shape)
    for y in range(image.shape[0]):
        for x in range(image.shape[1]):
            out[y, x] = np.sum(padded[y : y + kernel.shape[0], x : x + kernel.shape[1]] * kernel)
    return np.clip(np.floor(out + 0.5), 0, 255).astype(np.uint8)


def naive(options: argparse.Namespace, where: dict[str, object]) -> list[tuple[str, ...]]:
    """Measure the naive loops: the one of tutorials, and dlmath's own oracle."""
    rows = []
    image = image_of(KINDS[0], options.size)
    for case in chosen(options.only or ["sobel-x", "sharpen", "box 7"]):
        weights = np.asarray(case.engine_kernel, dtype=np.float64)
        rivals = [Rival("tutorial's double loop", partial(double_loop, image, weights))]
        if case.name == "sobel-x":  # whole numbers of any size one by one: slower still, so one kernel is enough
            rivals.append(Rival("--method naive", lambda case=case: case.dlmath(image, method="naive").pixels))
        check(case, image, rivals)
        out = np.empty_like(image)
        for rival in rivals:
            neighbours = Neighbours()
            measurement, _ = race(partial(case.dlmath, image, out), [rival], options.rounds)
            goal = Goal(f"{case.name}: {rival.name} / dlmath", measurement.ratio(rival.name, OURS), 1000, "at least")
            times = milliseconds(measurement, OURS), milliseconds(measurement, rival.name)
            rows.append(line(goal, case, KINDS[0], (case.dlmath(image).method, rival.name, *times, neighbours.cores())))
            print(*rows[-1], sep=" | ", flush=True)
            if options.json:
                timing.keep(options.json, "convolve-naive", measurement, [goal], where)
    return rows


LARGE, SMALL = "16384x12288", "4000x3000"
MEMORY_CASES = ("sharpen", "magnitude", "box 21", "gaussian 31", "dense 9", "dense 31")
SCRATCH = 64  # MiB: our bound for "bounded scratch", about a third of one such image


def memory(only: list[str] | None) -> None:
    """Measure what 201 megapixels take beyond image and result, and 12 megapixels for comparison."""
    rows = []
    for name in only or MEMORY_CASES:
        scratch = []
        for size in (SMALL, LARGE):
            command = [sys.executable, __file__, "--scratch", name, "--size", size]
            scratch.append(float(subprocess.run(command, check=True, capture_output=True, text=True).stdout))
        verdict = "reached" if scratch[1] <= SCRATCH else "MISSED"
        rows.append((name, f"{scratch[0]:.1f}", f"{scratch[1]:.1f}", SCRATCH, verdict))
    print(timing.table(("peak beyond image and result, MiB", SMALL, LARGE, "at most", "verdict"), rows))


def scratch_of(case: Case, size: tuple[int, int]) -> float:
    """Return by how many MiB the peak of this process grows while one image is convolved."""
    block = np.random.default_rng(SEED).integers(
        0, 256, (64, size[1]), dtype=np.uint8
    )  # small: it leaves no heap behind
    image, out = np.empty(size, dtype=np.uint8), np.zeros(size, dtype=np.uint8)
    for row in range(0, size[0], len(block)):
        image[row : row + len(block)] = block[: size[0] - row]
    out.fill(1)  # touched, so that its pages are there
    case.dlmath(image[:64, :64])  # the code is loaded and its tables are made
    scale = timing.KIBI * timing.KIBI if sys.platform == "darwin" else timing.KIBI
    blocks = np.ones(resident_slack(), dtype=np.uint8)  # up to the peak so far
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    case.dlmath(image, out)
    del blocks
    return (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / scale


def resident_slack() -> int:
    """Return how many bytes this process is below its peak (0 where that cannot be told)."""
    source = Path("/proc/self/status")
    if not source.exists():
        return 0
    facts = dict(entry.split(":", 1) for entry in source.read_text().splitlines())
    return max(0, int(facts["VmHWM"].split()[0]) - int(facts["VmRSS"].split()[0])) * timing.KIBI


def chosen(names: Iterable[str] | None) -> list[Case]:
    """Return the cases of these names, or all."""
    wanted = list(names or [])
    return [case for case in CASES if not wanted or case.name in wanted]


def main() -> None:
    """Check, measure, report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="turns of each contender (default: %(default)s)")
    parser.add_argument("--size", type=size_of, metavar="WIDTHxHEIGHT", help="of the picture (default: by the goal)")
    parser.add_argument("--only", nargs="+", choices=[case.name for case in CASES], metavar="CASE")
    parser.add_argument("--fresh", action="store_true", help="every call makes its result anew")
    parser.add_argument("--peers", help=f"some of {','.join(PEERS)}, instead of OpenCV")
    parser.add_argument("--naive", action="store_true", help="the naive loops, instead of OpenCV")
    parser.add_argument("--memory", action="store_true", help="peak memory of 201 megapixels, instead of speed")
    parser.add_argument("--scratch", metavar="CASE", help=argparse.SUPPRESS)
    parser.add_argument("--json", type=Path, metavar="FILE", help="append the results to FILE as JSON lines")
    options = parser.parse_args()
    if options.scratch:
        print(scratch_of(chosen([options.scratch])[0], options.size))
        return
    where = timing.machine(("dlmath", "numpy", "opencv-python-headless", "scipy", "pillow", "scikit-image", "torch"))
    print(f"{where['processor']}, {THREADS} threads; {where['packages']}")
    if options.memory:
        memory(options.only)
        return
    run, size = (peers, (1080, 1920)) if options.peers else (naive, (512, 512)) if options.naive else (engine, None)
    options.size = options.size or size or (3000, 4000)
    rows = run(options, where)
    height, width = options.size
    print(f"\n{width}x{height}, picture of seed {SEED}, {options.rounds} interleaved rounds, wall time, medians;")
    print("others: cores that other processes kept busy meanwhile\n")
    print(timing.table(HEADER, rows))
    missed = [row for row in rows if row[8] != "reached"]
    print(f"\n{len(rows) - len(missed)} of {len(rows)} reached")


if __name__ == "__main__":
    main()
