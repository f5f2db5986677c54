"""`dlmath convolve --like LIBRARY` held to the library itself: integer kernels on random 8-bit images, bit for bit.

Gray and RGB images of many sizes, one of them smaller than the kernels; random asymmetric kernels of 3x3, 5x5, even
and oblong sizes where the library takes them, kernels of sum 0, blurs, and kernels that overflow 8 bits. The command's
own code does dlmath's part (`job.carried_out`). Pillow takes 3x3 and 5x5 only, torch, Keras and ONNX no image smaller
than the kernel, scikit-image its own kernels, by name; OpenCV and SciPy are held to `--flip` too; vips is meant with
its default, floating precision (its integer one approximates kernels: a row without a claim). Ends with status 1 when
anything differs that dlmath says is the same.

    python experiments/benchmarks/convolve_like.py [--seeds 20] [--only opencv scipy keras ...]
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

from dlmath.convolution.choices import choices_of
from dlmath.convolution.engine.kernels import parse_kernel
from dlmath.convolution.job import planned
from dlmath.convolution.words import Words
from dlmath.convolution.work import carried_out
from dlmath.files.pictures.picture import Picture
from dlmath.frame.face import silent_output

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
    flip: bool = False  # true convolution
    named: tuple[str, ...] = ()  # kernels it has by name, instead of random ones
    bits: int = 53  # to which both must agree, relative to the largest result: integers are exact


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


def opencv_flipped() -> Convolve:
    """cv2.filter2D as its manual says for a true convolution: kernel and anchor turned."""
    import cv2

    def run(image: np.ndarray, kernel: np.ndarray) -> np.ndarray:
        rows, columns = kernel.shape
        anchor = columns - columns // 2 - 1, rows - rows // 2 - 1
        return cv2.filter2D(image, -1, cv2.flip(kernel.astype(np.float32), -1), anchor=anchor)

    return run


def scipy_flipped() -> Convolve:
    """scipy.ndimage.convolve with its defaults, channel by channel."""
    from scipy import ndimage

    return lambda image, kernel: ndimage.convolve(image, kernel.reshape(*kernel.shape, *(1,) * (image.ndim - 2)))


def keras() -> Convolve:
    """keras.layers.Conv2D with its defaults but for the bias, channel by channel."""
    import os

    os.environ.setdefault("KERAS_BACKEND", "jax")
    import keras as library

    def run(image: np.ndarray, kernel: np.ndarray) -> np.ndarray:
        planes = np.atleast_3d(image).transpose(2, 0, 1)[..., None].astype(np.float32)
        layer = library.layers.Conv2D(1, kernel.shape, use_bias=False)
        layer.build(planes.shape)
        layer.set_weights([kernel.astype(np.float32)[:, :, None, None]])
        found = np.asarray(layer(planes))[..., 0].transpose(1, 2, 0)
        return found[:, :, 0] if image.ndim == 2 else found

    return run


def onnx() -> Convolve:
    """The operator Conv with its defaults, by onnxruntime, channel by channel."""
    import onnx as library
    import onnxruntime

    floating, node = library.TensorProto.FLOAT, library.helper.make_node("Conv", ["X", "W"], ["Y"])
    names = [library.helper.make_tensor_value_info(name, floating, None) for name in "XWY"]
    graph = library.helper.make_graph([node], "conv", names[:2], names[2:])
    version = library.helper.make_opsetid("", 17)
    model = library.helper.make_model(graph, opset_imports=[version], ir_version=8)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])

    def run(image: np.ndarray, kernel: np.ndarray) -> np.ndarray:
        planes = np.atleast_3d(image).transpose(2, 0, 1)[:, None].astype(np.float32)
        found = session.run(None, {"X": planes, "W": kernel.astype(np.float32)[None, None]})[0]
        found = found[:, 0].transpose(1, 2, 0)
        return found[:, :, 0] if image.ndim == 2 else found

    return run


SKIMAGE = {
    **{name: name for name in ("sobel", "scharr", "prewitt", "roberts")},
    **{f"{name}-x": f"{name}_v" for name in ("sobel", "scharr", "prewitt")},
    **{f"{name}-y": f"{name}_h" for name in ("sobel", "scharr", "prewitt")},
    "roberts-x": "roberts_pos_diag",
    "roberts-y": "roberts_neg_diag",
}


def skimage() -> Convolve:
    """The edge filters of skimage.filters, channel by channel; the kernel is its name."""
    from skimage import filters

    def run(image: np.ndarray, kernel: Any) -> np.ndarray:
        call = getattr(filters, SKIMAGE[kernel])
        planes = [call(plane) for plane in np.atleast_3d(image).transpose(2, 0, 1)]
        return planes[0] if image.ndim == 2 else np.stack(planes, axis=2)

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
    Library("opencv --flip", opencv_flipped, flip=True),
    Library("scipy --flip", scipy_flipped, flip=True),
    Library("pillow", pillow, SQUARE),
    Library("torch", torch, larger=True),
    Library("keras", keras, SQUARE + OTHER[:4], few=True, larger=True),
    Library("onnx", onnx, larger=True),
    Library("skimage", skimage, named=tuple(SKIMAGE), bits=44),
    Library("vips", vips, few=True),
    Library("vips --precision integer", lambda: vips("--precision", "integer"), SQUARE, few=True, claimed=False),
)


def cases(library: Library, seeds: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield images with kernels."""
    for seed in range(1 if library.few else seeds):
        random = np.random.default_rng(seed)
        for name in library.named:
            for size in IMAGES:
                yield random.integers(0, 256, size, dtype=np.uint8), name
                yield random.integers(0, 256, (*size, 3), dtype=np.uint8), name
        if library.named:
            continue
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


def dlmath(library: Library) -> Convolve:
    """dlmath's own command, from a picture to the pixels it would write."""
    words = Words(like=library.name.split()[0], flip=library.flip, kernel=["-"])
    choices = choices_of(words, silent_output())

    def run(image: np.ndarray, kernel: Any) -> np.ndarray:
        picture = Picture(image, "random", "PNG", "L" if image.ndim == 2 else "RGB", 8)
        weights = parse_kernel(kernel if isinstance(kernel, str) else rows_of(kernel))
        return carried_out(planned(weights, choices, picture.header), picture).pixels

    return run


def rows_of(kernel: np.ndarray) -> str:
    """Return a kernel as --kernel takes it."""
    text = "; ".join(" ".join(map(str, row)) for row in kernel.tolist())
    return text + (";" if len(kernel) == 1 else "")


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

    def add(self, image: np.ndarray, kernel: Any, theirs: np.ndarray, ours: np.ndarray) -> None:
        """Compare one case."""
        self.cases += 1
        self.samples += theirs.size
        fits = theirs.shape == ours.shape
        slack = 2.0**-self.library.bits * np.abs(theirs).max(initial=0)
        wrong = np.abs(theirs.astype(np.float64) - ours) > slack if fits else np.ones(theirs.shape, dtype=bool)
        if not wrong.any():
            return
        self.wrong_cases += 1
        self.wrong_balanced += int(not isinstance(kernel, str) and kernel.sum() == 0)
        self.wrong_samples += int(wrong.sum())
        if self.wrong_cases == 1:
            place = tuple(int(index) for index in np.argwhere(wrong)[0])
            values = f"theirs {theirs[place]}, ours {ours[place]}" if fits else f"shapes {theirs.shape}, {ours.shape}"
            self.first = f"image {image.shape}, kernel {kernel}, at {place}: {values}"


def account(library: Library, seeds: int) -> Account | None:
    """Run a library's cases; None when it is not there."""
    try:
        run = library.prepare()
    except (ImportError, Missing) as reason:
        print(f"skipped: {library.name}: {reason}")
        return None
    ours, found = dlmath(library), Account(library)
    for image, kernel in cases(library, seeds):
        try:
            theirs = run(image, kernel)
        except (ValueError, RuntimeError, ZeroDivisionError, subprocess.CalledProcessError) as reason:
            found.refused += 1
            if found.refused == 1:
                detail = getattr(reason, "stderr", b"") or str(reason).encode()
                print(f"{library.name} refuses {np.shape(kernel)} on {image.shape}: {detail.decode().strip()[:200]}")
            continue
        found.add(image, kernel, theirs, ours(image, kernel))
    return found


def main() -> int:
    """Compare, report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=20, help="draws of every kind of case (default: %(default)s)")
    parser.add_argument("--only", nargs="+", choices=sorted({library.name.split()[0] for library in LIBRARIES}))
    options = parser.parse_args()
    print(
        timing.machine(("opencv-python-headless", "scipy", "pillow", "torch", "keras", "onnxruntime", "scikit-image"))[
            "packages"
        ]
    )
    wanted = [library for library in LIBRARIES if not options.only or library.name.split()[0] in options.only]
    accounts = [found for library in wanted if (found := account(library, options.seeds))]
    rows = [
        (
            found.library.name,
            " ".join(found.library.named) or " ".join(f"{rows}x{columns}" for rows, columns in found.library.shapes),
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
