"""Pooling: windows of maxima and means, over all of a map, to a fixed size, over regions, and LeNet's trainable one.

Operations: the maximum of n numbers takes n - 1 comparisons, their mean n - 1 additions and one division.
"""

from __future__ import annotations

from math import gcd
from typing import TYPE_CHECKING

from dlmath.counting.engine.convolutions import sliding
from dlmath.counting.engine.open_sizes import OPEN, is_open
from dlmath.counting.engine.options import LayerKind, Option, at_least, flag, numbers, padding, per_axis
from dlmath.counting.engine.shapes import Window, elements, shape_text, whole
from dlmath.counting.engine.tally import TallyTerm, every, tally
from dlmath.errors import ShapeError

if TYPE_CHECKING:
    from collections.abc import Callable

    from dlmath.counting.engine.graph import Shape
    from dlmath.counting.engine.tally import Count, Options


def _windowed(name: str, rank: int, *, mean: bool) -> Callable[[Options, tuple[Shape, ...]], Count]:
    def count(options: Options, shapes: tuple[Shape, ...]) -> Count:
        (shape,) = shapes
        kernel = per_axis("kernel", options["kernel"], rank)
        windows = sliding(name, options, shape, rank, kernel)
        output = (*(window.out for window in windows), shape[-1])
        return tally(output, (_work(output, elements(kernel), mean=mean),), windows)

    return count


def _work(output: Shape, window: int, *, mean: bool) -> TallyTerm:
    return every("pool_ops", output, operations=window if mean else window - 1)


def _global(*, mean: bool) -> Callable[[Options, tuple[Shape, ...]], Count]:
    def count(options: Options, shapes: tuple[Shape, ...]) -> Count:
        (shape,) = shapes
        if len(shape) < 2:
            raise ShapeError(f"a vector of {shape_text(shape)} has nothing to pool", "pool before it is flattened")
        output = (*(1,) * (len(shape) - 1), shape[-1]) if options["keep"] else shape[-1:]
        return tally(output, (_work(shape[-1:], elements(shape[:-1]), mean=mean),), whole(shape))

    return count


def _adaptive(*, mean: bool) -> Callable[[Options, tuple[Shape, ...]], Count]:
    def count(options: Options, shapes: tuple[Shape, ...]) -> Count:
        """Output i of n takes positions floor(i W / n) to ceil((i + 1) W / n), as PyTorch divides a map."""
        (shape,) = shapes
        if len(shape) < 2:
            raise ShapeError(f"a vector of {shape_text(shape)} has nothing to pool", "pool before it is flattened")
        sizes = per_axis("size", options["size"], len(shape) - 1)
        windows = tuple(_share(size, out) for size, out in zip(shape[:-1], sizes, strict=True))
        output = (*sizes, shape[-1])
        seen = elements(tuple(_seen(size, out) for size, out in zip(shape[:-1], sizes, strict=True)))
        terms = [TallyTerm("pool_ops", ("channels", "inputs of all windows"), (shape[-1], seen))]
        if not mean:
            terms = [TallyTerm("pool_ops", ("channels", "comparisons"), (shape[-1], seen - elements(sizes)))]
        return tally(output, terms, windows)

    return count


def _seen(size: int, out: int) -> int:
    """Return how many positions all shares of an axis have together: size + out - gcd(size, out).

    Shares that meet inside a position both have it; they meet between positions gcd - 1 times of out - 1.
    """
    return OPEN if is_open((size, out)) else size + out - gcd(size, out)


def _share(size: int, out: int) -> Window:
    """Return the window of one axis: the longest share, and the even stride (rounded down) between shares.

    With size = q out + r, share i has q + ceil((i r mod out + r) / out) positions, and i r mod out is at most
    out - gcd(r, out): q where r is 0, q + 1 where r divides out, else q + 2.
    """
    if is_open((size, out)):
        return Window(size, out, OPEN, OPEN, rule="adaptive")
    rest = size % out
    longest = size // out + (0 if rest == 0 else 1 if out % rest == 0 else 2)
    return Window(size, out, longest, max(size // out, 1), rule="adaptive")


def subsample(options: Options, shapes: tuple[Shape, ...]) -> Count:
    """Count LeNet-5's S layers: inputs of a window are added, multiplied by a coefficient of the map, plus a bias.

    LeCun counts (kernel + 1) connections an output. The coefficient is counted with pooling, not as a MAC.
    """
    (shape,) = shapes
    kernel = per_axis("kernel", options["kernel"], 2)
    windows = sliding("subsample", options, shape, 2, kernel)
    output = (*(window.out for window in windows), shape[-1])
    outputs, window = elements(output), elements(kernel)
    terms = (
        TallyTerm("weights", ("maps",), shape[-1:]),
        TallyTerm("biases", ("maps",), shape[-1:]),
        every("bias_adds", output),
        every("pool_ops", output, operations=window),
    )
    return tally(output, terms, windows, extra_links=outputs * window)


def roi_pool(options: Options, shapes: tuple[Shape, ...]) -> Count:
    """Count the pooling of one region of a map to a fixed size (Girshick 2015): its work depends on the region."""
    shape = shapes[0]
    sizes = per_axis("size", options["size"], len(shape) - 1)
    notes = ("the comparisons depend on the size of the region and are not counted",)
    return tally((*sizes, shape[-1]), (), None, missing=("pool_ops",), notes=notes)


def roi_align(options: Options, shapes: tuple[Shape, ...]) -> Count:
    """Count RoIAlign (He et al. 2017): `samples` squared points an output, each mixed of 4 pixels (7 operations).

    The mean over the points adds samples squared operations.
    """
    shape = shapes[0]
    sizes = per_axis("size", options["size"], len(shape) - 1)
    output = (*sizes, shape[-1])
    points = options["samples"] ** (len(shape) - 1)
    return tally(output, (every("pool_ops", output, points=points, operations=8),), None)


KERNEL = Option("kernel", numbers(1))
STRIDE = Option("stride", lambda value: value if value is None else numbers(1)(value), None)
PAD = Option("pad", padding, "same")
CEIL = Option("ceil", flag, False)
_MAX = (KERNEL, STRIDE, PAD, Option("dilation", numbers(1), (1,)), CEIL)
_MEAN = (KERNEL, STRIDE, PAD, CEIL)
_HEAD = ("kernel*", "/stride")
_KEEP = (Option("keep", flag, False),)
_SIZE = Option("size", numbers(1))

KINDS = {
    "maxpool1d": LayerKind(
        _windowed("maxpool1d", 1, mean=False), _MAX, _HEAD, example="maxpool1d:2", equation="y = maximum of the window"
    ),
    "maxpool": LayerKind(
        _windowed("maxpool", 2, mean=False), _MAX, _HEAD, example="maxpool:3/2", equation="y = maximum of the window"
    ),
    "maxpool3d": LayerKind(
        _windowed("maxpool3d", 3, mean=False), _MAX, _HEAD, example="maxpool3d:2", equation="y = maximum of the window"
    ),
    "avgpool1d": LayerKind(
        _windowed("avgpool1d", 1, mean=True), _MEAN, _HEAD, example="avgpool1d:2", equation="y = mean of the window"
    ),
    "avgpool": LayerKind(
        _windowed("avgpool", 2, mean=True), _MEAN, _HEAD, example="avgpool:2", equation="y = mean of the window"
    ),
    "avgpool3d": LayerKind(
        _windowed("avgpool3d", 3, mean=True), _MEAN, _HEAD, example="avgpool3d:2", equation="y = mean of the window"
    ),
    "globalpool": LayerKind(_global(mean=True), _KEEP, example="globalpool", equation="y = mean of the window"),
    "globalmaxpool": LayerKind(
        _global(mean=False), _KEEP, example="globalmaxpool", equation="y = maximum of the window"
    ),
    "adaptivepool": LayerKind(
        _adaptive(mean=True), (_SIZE,), ("size*",), example="adaptivepool:7x7", equation="y = mean of the window"
    ),
    "adaptivemaxpool": LayerKind(
        _adaptive(mean=False), (_SIZE,), ("size*",), example="adaptivemaxpool:7x7", equation="y = maximum of the window"
    ),
    "subsample": LayerKind(subsample, (KERNEL, STRIDE, PAD), _HEAD, example="subsample:2"),
    "roipool": LayerKind(roi_pool, (_SIZE,), ("size*",), inputs=(1, None), example="roipool:7x7"),
    "roialign": LayerKind(
        roi_align, (_SIZE, Option("samples", at_least(1), 2)), ("size*",), inputs=(1, None), example="roialign:7x7"
    ),
}
