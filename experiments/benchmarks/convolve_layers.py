"""The convolutions of a network held to the libraries that run networks: whole numbers, value for value.

Random kernels (out, in, kh, kw) in groups, paddings, strides, dilations, transposed convolutions and pooling by
`dlmath convolve`'s own code, beside PyTorch, ONNX (onnxruntime) and Keras. Whole numbers are exact in single precision,
so that every value must be the same; means are compared to 2^-20 of the largest. Ends with status 1 when any differs.

    python experiments/benchmarks/convolve_layers.py [--cases 200] [--seed 0]
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import timing

from dlmath.convolution.choices import choices_of
from dlmath.convolution.files.kernels import read_kernel
from dlmath.convolution.job import planned
from dlmath.convolution.words import Words
from dlmath.convolution.work import carried_out
from dlmath.files.pictures.picture import Picture
from dlmath.frame.face import silent_output

if TYPE_CHECKING:
    from collections.abc import Callable

    Case = tuple[np.ndarray, np.ndarray, dict[str, Any]]


def dlmath(image: np.ndarray, weights: np.ndarray | None, **words: Any) -> np.ndarray:
    """dlmath's own way from an array to the result."""
    with tempfile.TemporaryDirectory() as folder:
        name = str(Path(folder) / "kernel.npy")
        if weights is not None:
            np.save(name, weights)
            words["kernel"] = [name]
        choices = choices_of(Words(**words).checked(), silent_output())
        kernel = None if weights is None else read_kernel(name)
    picture = Picture(image, "random", "NPY", str(image.dtype), 64)
    found = carried_out(planned(kernel, choices, picture.header), picture).pixels
    return found if found.ndim == 3 else found[:, :, None]


def planes(image: np.ndarray) -> np.ndarray:
    """(H, W, C) as (1, C, H, W) in single precision."""
    return np.ascontiguousarray(image.transpose(2, 0, 1)[None], dtype=np.float32)


def drawn(rng: np.random.Generator, groups: int = 0) -> tuple[np.ndarray, np.ndarray, int, int]:
    """Return an image, weights (out, in, kh, kw), a stride and a dilation."""
    groups = groups or int(rng.integers(1, 3))
    inputs, share = (int(rng.integers(1, 4)) for _ in range(2))
    taps = tuple(int(side) for side in rng.integers(1, 5, 2))
    dilation, stride = (int(step) for step in rng.integers(1, 3, 2))
    size = tuple(int(rng.integers(dilation * (side - 1) + 1, 14)) for side in taps)
    image = rng.integers(-9, 10, (*size, inputs * groups))
    return image, rng.integers(-5, 6, (groups * share, inputs, *taps)), stride, dilation


def torch_cases(rng: np.random.Generator) -> dict[str, Callable[[], tuple[np.ndarray, np.ndarray]]]:
    """PyTorch: padding in numbers, groups, the transposed convolution, pooling whose mean counts the padding."""
    import torch
    from torch.nn import functional

    image, weights, stride, dilation = drawn(rng)
    pad, one = int(rng.integers(0, 3)), {"stride": stride, "dilation": dilation}
    tensor, kernel = torch.from_numpy(planes(image)), torch.from_numpy(weights.astype(np.float32))
    groups = image.shape[2] // weights.shape[1]
    single, turned, _, _ = drawn(rng, groups=1)
    more = int(rng.integers(0, max(stride, dilation)))
    size = int(rng.integers(2, 5))
    edge = int(rng.integers(0, size // 2 + 1))

    def back(found: Any) -> np.ndarray:
        return found.numpy()[0].transpose(1, 2, 0)

    return {
        "conv2d": lambda: (
            back(functional.conv2d(tensor, kernel, padding=pad, groups=groups, **one)),
            dlmath(image, weights, pad=str(pad), **one),
        ),
        "conv_transpose2d": lambda: (
            back(functional.conv_transpose2d(
                torch.from_numpy(planes(single)), torch.from_numpy(turned.transpose(1, 0, 2, 3).astype(np.float32)),
                padding=pad, output_padding=more, **one)),
            dlmath(single, turned, transposed=True, pad=str(pad), output_padding=more, **one),
        ),
        "max_pool2d": lambda: (
            back(functional.max_pool2d(tensor, size, stride, edge)),
            dlmath(image, None, pool=f"max:{size}/{stride},pad={edge}"),
        ),
        "avg_pool2d": lambda: (
            back(functional.avg_pool2d(tensor, size, stride, edge)),
            dlmath(image, np.eye(image.shape[2])[:, :, None, None], like="torch", pad="valid",
                   pool=f"average:{size}/{stride},pad={edge}"),
        ),
    }  # fmt: skip


def onnx_cases(rng: np.random.Generator) -> dict[str, Callable[[], tuple[np.ndarray, np.ndarray]]]:
    """ONNX: SAME_UPPER and SAME_LOWER, four sides, ConvTranspose with them, pooling whose mean does not count."""
    import onnx
    import onnxruntime

    def run(operator: str, *arrays: np.ndarray, **attributes: Any) -> np.ndarray:
        names = ["X", "W"][: len(arrays)]
        node = onnx.helper.make_node(operator, names, ["Y"], **attributes)
        info = [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None) for name in (*names, "Y")]
        graph = onnx.helper.make_graph([node], operator, info[:-1], info[-1:])
        model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8)
        session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
        fed = {name: array.astype(np.float32) for name, array in zip(names, arrays, strict=True)}
        return session.run(None, fed)[0][0].transpose(1, 2, 0)

    image, weights, stride, dilation = drawn(rng, groups=1)
    both = {"strides": [stride] * 2, "dilations": [dilation] * 2}
    ours = {"stride": stride, "dilation": dilation, "like": "onnx"}
    sides = [int(side) for side in rng.integers(0, 3, 4)]  # top, left, bottom, right
    text = f"{sides[0]}:{sides[2]}:{sides[1]}:{sides[3]}"
    size = int(rng.integers(2, 5))
    pooled = {"kernel_shape": [size] * 2, "strides": [stride] * 2}
    turned = weights.transpose(1, 0, 2, 3)
    return {
        **{
            f"Conv SAME_{which.upper()}": lambda which=which: (
                run("Conv", planes(image), weights, auto_pad=f"SAME_{which.upper()}", **{**both, "dilations": [1, 1]}),
                dlmath(image, weights, pad=f"same-{which}", **{**ours, "dilation": 1}),
            )
            for which in ("upper", "lower")
        },
        "Conv pads": lambda: (
            run("Conv", planes(image), weights, pads=sides, **both), dlmath(image, weights, pad=text, **ours)
        ),
        "ConvTranspose": lambda: (
            run("ConvTranspose", planes(image), turned, **both), dlmath(image, weights, transposed=True, **ours)
        ),
        "ConvTranspose pads": lambda: (
            run("ConvTranspose", planes(image), turned, pads=sides, **both),
            dlmath(image, weights, transposed=True, pad=text, **ours),
        ),
        "MaxPool SAME_UPPER": lambda: (
            run("MaxPool", planes(image), auto_pad="SAME_UPPER", **pooled),
            dlmath(image, None, pool=f"max:{size}/{stride},pad=same"),
        ),
        "AveragePool SAME_LOWER": lambda: (
            run("AveragePool", planes(image), auto_pad="SAME_LOWER", **pooled),
            dlmath(image, None, pool=f"average:{size}/{stride},pad=same-lower"),
        ),
        "GlobalAveragePool": lambda: (
            run("GlobalAveragePool", planes(image)), dlmath(image, None, pool="average:global")
        ),
    }  # fmt: skip


def keras_cases(rng: np.random.Generator) -> dict[str, Callable[[], tuple[np.ndarray, np.ndarray]]]:
    """Keras: padding="same", its transposed layer, and pooling."""
    os.environ.setdefault("KERAS_BACKEND", "jax")
    import keras

    image, weights, stride, _ = drawn(rng, groups=1)
    batch = image[None].astype(np.float32)
    size = int(rng.integers(2, 5))

    def run(kind: Any, kernel: np.ndarray, padding: str) -> np.ndarray:
        layer = kind(weights.shape[0], weights.shape[2:], strides=stride, padding=padding, use_bias=False)
        layer.build(batch.shape)
        layer.set_weights([kernel.astype(np.float32)])
        return np.asarray(layer(batch))[0]

    plain, turned = weights.transpose(2, 3, 1, 0), weights.transpose(2, 3, 0, 1)
    return {
        "Conv2D same": lambda: (
            run(keras.layers.Conv2D, plain, "same"), dlmath(image, weights, pad="same-upper", stride=stride)
        ),
        **{
            f"Conv2DTranspose {padding}": lambda padding=padding: (
                run(keras.layers.Conv2DTranspose, turned, padding),
                dlmath(image, weights, transposed=True, pad=padding, stride=stride, like="keras"),
            )
            for padding in ("valid", "same")
        },
        "AveragePooling2D same": lambda: (
            np.asarray(keras.layers.AveragePooling2D(size, stride, "same")(batch))[0],
            dlmath(image, None, pool=f"average:{size}/{stride},pad=same"),
        ),
    }  # fmt: skip


PEERS = {"torch": torch_cases, "onnx": onnx_cases, "keras": keras_cases}


def main() -> int:
    """Compare, report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=200, help="draws of every operator (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    seen: Counter[str] = Counter()
    wrong: Counter[str] = Counter()
    refused: Counter[str] = Counter()
    for peer, cases in PEERS.items():
        rng = np.random.default_rng(options.seed)
        for _ in range(options.cases if peer != "keras" else max(1, options.cases // 10)):
            try:
                made = cases(rng)
            except ImportError as reason:
                print(f"skipped: {peer}: {reason}")
                break
            for name, both in made.items():
                judge(f"{peer} {name}", both, (seen, wrong, refused))
    rows = [(name, count, wrong[name], refused[name]) for name, count in seen.items()]
    print(timing.table(("operator", "cases", "that differ", "refused by either"), rows))
    return 1 if wrong else 0


def judge(name: str, both: Callable[[], tuple[np.ndarray, np.ndarray]], counts: tuple[Counter[str], ...]) -> None:
    """Run one case on both sides."""
    seen, wrong, refused = counts
    seen[name] += 1
    try:
        theirs, ours = both()
    except Exception as reason:  # noqa: BLE001 - shapes that no window fits, which each tells in its own way
        refused[name] += 1
        if refused[name] == 1:
            print(f"{name}: {' '.join(str(reason).split())[:160]}")
        return
    slack = 2.0**-20 * np.abs(theirs).max(initial=0) if "verage" in name or "avg" in name else 0
    if theirs.shape != ours.shape or not np.abs(theirs - ours).max(initial=0) <= slack:
        wrong[name] += 1
        if wrong[name] == 1:
            print(f"{name} differs: {theirs.shape} {ours.shape}\n{theirs[:, :, 0]}\n{ours[:, :, 0]}")


if __name__ == "__main__":
    sys.exit(main())
