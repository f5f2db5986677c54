"""`dlmath convolve --like LIBRARY` held to the library itself: integer kernels on random 8-bit images, bit for bit.

Gray and RGB images of many sizes, one of them smaller than the kernels; random asymmetric kernels of 3x3, 5x5, even
and oblong sizes where the library takes them, kernels of sum 0, blurs, and kernels that overflow 8 bits. The command's
own code does dlmath's part (`convolve_request.convolved`). Pillow takes 3x3 and 5x5 only, torch no image smaller than
the kernel; vips is meant with its default, floating precision (its integer one approximates kernels: a row without a
claim). Ends with status 1 when anything differs that dlmath says is the same.

    python experiments/benchmarks/convolve_like.py [--seeds 20] [--only opencv scipy pillow torch vips]
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import timing

from dlmath.convolution.command import Words
from dlmath.convolution.engine.kernels import parse_kernel
from dlmath.convolution.request import convolved, resolve
from dlmath.files.pictures.picture import Picture
from dlmath.frame.output import Output

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Convolve = Callable[[np.ndarray, np.ndarray], np.ndarray]

IMAGES = ((61, 47), (32, 64), (3, 4), (5, 9))
SQUARE = ((3, 3), (5, 5))
OTHER = ((2, 2), (4, 4), (2, 3), (4, 3), (1, 5), (5, 1), (3, 5), (7, 7))


class Missing(Exception):  # noqa: N818 - it is not an error, the row is skipped
    """A peer is not there: the package or program is not installed."""


@dataclass(frozen=True)
class Library:
    """A library and the kernels it takes."""

    name: str
    prepare: Callable[[], Convolve]
    shapes: tuple[tuple[int, int], ...] = SQUARE + OTHER
    few: bool = False  # a process each is dear: one draw, half of the images
    larger: bool = False  # images must be at least as large as the kernel
    claimed: bool = True  # dlmath says that it does the same; else the row is only told


def opencv() -> Convolve:
    """cv2.filter2D with its defaults."""
    import cv2

    return lambda image, kernel: cv2.filter2D(image, -1, kernel.astype(np.float32))


def scipy() -> Convolve:
    """scipy.ndimage.correlate with its defaults, channel by channel."""
    from scipy import ndimage

    return lambda image, kernel: ndimage.correlate(image, kernel.reshape(*kernel.shape, *(1,) * (image.ndim - 2)))


def pillow() -> Convolve:
    """ImageFilter.Kernel; the scale is the sum, as by default, but 1 where that is 0 and the default divides by it."""
    from PIL import Image, ImageFilter

    def run(image: np.ndarray, kernel: np.ndarray) -> np.ndarray:
        weights = kernel.ravel().tolist()
        kernel_filter = ImageFilter.Kernel(kernel.shape[::-1], weights, scale=sum(weights) or 1)
        return np.asarray(Image.fromarray(image).filter(kernel_filter))

    return run


def torch() -> Convolve:
    """conv2d on a float32 tensor, channel by channel, without padding."""
    import torch as library

    def run(image: np.ndarray, kernel: np.ndarray) -> np.ndarray:
        planes = library.from_numpy(np.atleast_3d(image).transpose(2, 0, 1)[:, None].astype(np.float32))
        weights = library.from_numpy(kernel.astype(np.float32))[None, None]
        found = library.nn.functional.conv2d(planes, weights).numpy()[:, 0].transpose(1, 2, 0)
        return found[:, :, 0] if image.ndim == 2 else found

    return run


def vips(*options: str) -> Convolve:
    """`vips conv` from and to files, with its defaults unless told otherwise."""
    from PIL import Image

    program = shutil.which("vips")
    if program is None:
        raise Missing("vips")

    def run(image: np.ndarray, kernel: np.ndarray) -> np.ndarray:
        with tempfile.TemporaryDirectory() as folder:
            source, mask, target = (Path(folder) / name for name in ("in.png", "kernel.mat", "out.png"))
            Image.fromarray(image).save(source)
            rows = [" ".join(map(str, row)) for row in kernel.tolist()]
            mask.write_text("\n".join([f"{kernel.shape[1]} {kernel.shape[0]} 1 0", *rows]) + "\n")
            command = [program, "conv", *map(str, (source, target, mask)), *options]
            subprocess.run(command, check=True, capture_output=True)
            return np.asarray(Image.open(target))

    return run


LIBRARIES = (
    Library("opencv", opencv),
    Library("scipy", scipy),
    Library("pillow", pillow, SQUARE),
    Library("torch", torch, larger=True),
    Library("vips", vips, few=True),
    Library("vips --precision integer", lambda: vips("--precision", "integer"), SQUARE, few=True, claimed=False),
)


def cases(library: Library, seeds: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield images with kernels."""
    for seed in range(1 if library.few else seeds):
        random = np.random.default_rng(seed)
        for shape in library.shapes:
            for kernel in kernels(random, shape):
                for size in IMAGES[:: 2 if library.few else 1]:
                    if library.larger and min(np.subtract(size, shape)) < 0:
                        continue
                    yield random.integers(0, 256, size, dtype=np.uint8), kernel
                    yield random.integers(0, 256, (*size, 3), dtype=np.uint8), kernel


def kernels(random: np.random.Generator, shape: tuple[int, int]) -> Iterator[np.ndarray]:
    """Yield integer kernels of every kind: small and large weights, of sum 0, without negative ones, of sum 1."""
    yield random.integers(-3, 4, shape)
    yield random.integers(-40, 41, shape)
    yield random.integers(0, 9, shape)
    balanced = random.integers(-5, 6, shape)
    balanced.flat[0] -= balanced.sum()
    yield balanced
    yield np.ones(shape, dtype=int)
    lone = random.integers(-2, 3, shape)
    lone.flat[-1] += 1 - lone.sum()
    yield lone


def dlmath(library: str) -> Convolve:
    """dlmath's own command, from a picture to the pixels it would write."""
    streams: Any = None  # nothing is printed
    request = resolve(Words(like=library), Output("table", None, False, None, True, streams))

    def run(image: np.ndarray, kernel: np.ndarray) -> np.ndarray:
        text = "; ".join(" ".join(map(str, row)) for row in kernel.tolist())
        picture = Picture(image, "random", "PNG", "L" if image.ndim == 2 else "RGB", 8)
        return convolved(picture, parse_kernel(text + (";" if len(kernel) == 1 else "")), request).pixels

    return run


@dataclass
class Account:
    """What became of a library's cases."""

    library: Library
    cases: int = 0
    samples: int = 0
    wrong_cases: int = 0
    wrong_balanced: int = 0
    wrong_samples: int = 0
    refused: int = 0
    first: str = "-"

    def add(self, image: np.ndarray, kernel: np.ndarray, theirs: np.ndarray, ours: np.ndarray) -> None:
        """Compare one case."""
        self.cases += 1
        self.samples += theirs.size
        fits = theirs.shape == ours.shape
        wrong = theirs.astype(np.float64) != ours if fits else np.ones(theirs.shape, dtype=bool)
        if not wrong.any():
            return
        self.wrong_cases += 1
        self.wrong_balanced += int(kernel.sum() == 0)
        self.wrong_samples += int(wrong.sum())
        if self.wrong_cases == 1:
            place = tuple(int(index) for index in np.argwhere(wrong)[0])
            values = f"theirs {theirs[place]}, ours {ours[place]}" if fits else f"shapes {theirs.shape}, {ours.shape}"
            self.first = f"image {image.shape}, kernel {kernel.tolist()}, at {place}: {values}"


def account(library: Library, seeds: int) -> Account | None:
    """Run a library's cases; None when it is not there."""
    try:
        run = library.prepare()
    except (ImportError, Missing) as reason:
        print(f"skipped: {library.name}: {reason}")
        return None
    ours, found = dlmath(library.name.split()[0]), Account(library)
    for image, kernel in cases(library, seeds):
        try:
            theirs = run(image, kernel)
        except (ValueError, RuntimeError, ZeroDivisionError, subprocess.CalledProcessError) as reason:
            found.refused += 1
            if found.refused == 1:
                detail = getattr(reason, "stderr", b"") or str(reason).encode()
                print(f"{library.name} refuses {kernel.shape} on {image.shape}: {detail.decode().strip()[:200]}")
            continue
        found.add(image, kernel, theirs, ours(image, kernel))
    return found


def main() -> int:
    """Compare, report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=20, help="draws of every kind of case (default: %(default)s)")
    parser.add_argument("--only", nargs="+", choices=sorted({library.name.split()[0] for library in LIBRARIES}))
    options = parser.parse_args()
    print(timing.machine(("opencv-python-headless", "scipy", "pillow", "torch"))["packages"])
    wanted = [library for library in LIBRARIES if not options.only or library.name.split()[0] in options.only]
    accounts = [found for library in wanted if (found := account(library, options.seeds))]
    rows = [
        (
            found.library.name,
            " ".join(f"{rows}x{columns}" for rows, columns in found.library.shapes),
            f"{found.cases:,}", f"{found.wrong_cases:,}", f"{found.wrong_balanced:,}",
            f"{found.samples:,}", f"{found.wrong_samples:,}", found.refused,
        )
        for found in accounts
    ]  # fmt: skip
    header = (
        "library",
        "kernels",
        "cases",
        "that differ",
        "kernel of sum 0",
        "samples",
        "that differ",
        "refused by it",
    )
    print(f"\n{timing.table(header, rows)}")
    for found in accounts:
        if found.wrong_cases:
            remark = "" if found.library.claimed else " (no claim is made of it)"
            print(f"\nfirst difference, {found.library.name}{remark}: {found.first}")
    return 1 if any(found.wrong_cases for found in accounts if found.library.claimed) else 0


if __name__ == "__main__":
    sys.exit(main())
