"""`--explain`: one test image through the trained network and back, number by number."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from dlmath.images.engine.trace import trace
from dlmath.neural.activations import get_activation
from dlmath.report.blocks import Facts, Lines, Table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dlmath.images.engine.trace import ConvolutionTrace, DenseTrace, PoolingTrace, Trace
    from dlmath.images.report.tables import Facing
    from dlmath.report.blocks import Block, Cell

DIGITS = 7
MOST_TERMS = 12
"""Products of a dense layer's sum that are written out, the largest; the others are summed."""

POOLINGS = {
    "maxpool": "the largest of the window; dL/dx = dL/dy for the first input that is the largest, 0 for the others",
    "avgpool": "the mean of the window (padding is not counted); dL/dx = dL/dy / n for each of the n inputs",
    "globalmaxpool": "the largest of the map; dL/dx = dL/dy for the first input that is the largest, 0 for the others",
    "globalpool": "the mean of the map; dL/dx = dL/dy / n for each of its n inputs",
}


def explain(facing: Facing) -> Iterator[Block]:
    """Yield the formulas, then a convolution, a pooling, the last sum and the softmax with this network's numbers."""
    one = facing.measured[0]
    data = facing.data()
    found = trace(facing.model(one), data.test, facing.request.image)
    yield introduction(facing, found, data.classes)
    if found.convolution is not None:
        yield from convolution(found.convolution)
    if found.pooling is not None:
        yield from pooling(found.pooling)
    if found.dense is not None:
        yield from dense(found.dense, data.classes)
    yield from softmax(found, data.classes)


def short(value: float) -> str:
    """Write a number with seven significant digits; 0 has no sign.

    >>> short(-0.0), short(1 / 3)
    ('0', '0.3333333')
    """
    return f"{float(value) + 0.0:.{DIGITS}g}"


def signed(value: float) -> str:
    """Write a number for use in a sum or product: a negative one in parentheses."""
    return f"({short(value)})" if value < 0 else short(value)


def introduction(facing: Facing, found: Trace, classes: tuple[str, ...]) -> Lines:
    """Say which image is followed, and by which rules."""
    answer = int(found.logits.argmax())
    seed = facing.request.seeds[0]
    return Lines(
        (
            (
                f"network {facing.measured[0].letter}, seed {seed}, after training; test image {found.image}, which is "
                f"{classes[found.truth]!r} and is answered {classes[answer]!r}"
            ),
            "in float64, by the code that trains, as at test: one image, so that L = -ln p of its class",
            "convolution  z = sum over window and channels of x W, plus b (the kernel is not flipped: a correlation)",
            "             dL/dW = sum over all outputs of dL/dz x;  dL/dx = sum over the outputs that see x of dL/dz W",
            "softmax      p_k = e^z_k / sum_j e^z_j;  L = -ln p_truth;  dL/dz_k = p_k - y_k",
        ),
        title="One image, forward and back",
    )


def convolution(found: ConvolutionTrace) -> Iterator[Block]:
    """Yield one output number of a convolution: its window, kernel, sum; and what it gives to the gradients."""
    row, column, out = found.place
    where = f"row {row}, column {column}, map {out}"
    rows = tuple(
        (
            f"{tap.row},{tap.column},{tap.channel}",
            tap.pixel,
            tap.weight,
            tap.pixel * tap.weight + 0.0,
            tap.weight_share + 0.0,
            tap.weight_gradient + 0.0,
            None if tap.pixel_share is None else tap.pixel_share + 0.0,
            None if tap.pixel_gradient is None else tap.pixel_gradient + 0.0,
        )
        for tap in found.taps
    )
    columns = ("i,j,c", "x", "W", "x W", "dz x", "dL/dW", "dz W", "dL/dx")
    yield Table(columns, rows, title=f"Convolution {found.layer} ({found.weights}), output at {where}", digits=4)
    yield Lines(tuple(convolution_lines(found)))


def convolution_lines(found: ConvolutionTrace) -> Iterator[str]:
    """Yield the sum, the activation, and what the columns of the table mean."""
    yield f"sum of x W = {short(found.total)}"
    if found.bias is not None:
        yield f"z = sum + b = {short(found.total)} + {signed(found.bias)} = {short(found.z)}"
    if found.activation is not None:
        name, value, slope = found.activation
        phi = get_activation(name)
        yield f"{name}: {phi.equation}: a = {short(value)};  {phi.derivative}"
        yield f"dL/da = {short(slope)};  dz = dL/dz = dL/da * da/dz = {short(found.delta)}"
    else:
        yield f"dz = dL/dz = {short(found.delta)}"
    yield (
        "dz x is this output's share of dL/dW, the sum over all outputs; dz W its share of dL/dx, the sum over the "
        "outputs that see that pixel; - is padding. This output is the one of its layer on which the loss pulls most."
    )


def pooling(found: PoolingTrace) -> Iterator[Block]:
    """Yield one output number of a pooling: its inputs, who won, who gets the gradient."""
    where = "map {}".format(*found.place) if len(found.place) == 1 else "row {}, column {}, map {}".format(*found.place)
    yield Lines(
        (
            f"y = {POOLINGS[found.kind]}",
            f"y = {short(found.output)};  dL/dy = {short(found.gradient)};  inputs: {len(found.inputs)}",
        ),
        title=f"Pooling {found.layer}, output at {where}",
    )
    rows: list[tuple[Cell, ...]] = [
        (f"{row},{column}", value + 0.0, slope + 0.0) for row, column, value, slope in shown_inputs(found)
    ]
    yield Table(("row,column", "x", "dL/dx from y"), tuple(rows), digits=DIGITS)


def shown_inputs(found: PoolingTrace) -> list[tuple[int, int, float, float]]:
    """Return the inputs that are written out: all of a window; of a whole map the largest."""
    if len(found.inputs) <= 4 * MOST_TERMS and not found.kind.startswith("global"):
        return list(found.inputs)
    return sorted(found.inputs, key=lambda entry: (-abs(entry[3]), -entry[2]))[:MOST_TERMS]


def dense(found: DenseTrace, classes: tuple[str, ...]) -> Iterator[Block]:
    """Yield the sum of the true class's logit."""
    largest = sorted(found.terms, key=lambda term: -abs(term[3]))
    kept = sorted(largest[:MOST_TERMS])
    rest = largest[MOST_TERMS:]
    rows: list[tuple[Cell, ...]] = [(str(i), x, w, product + 0.0, share + 0.0) for i, x, w, product, share in kept]
    if rest:
        rows.append((f"{len(rest)} others", None, None, sum(term[3] for term in rest), None))
    columns = ("input", "x", "W", "x W", "dL/dW = dz x")
    title = f"Dense {found.layer} ({found.weights}), the output of the true class, {classes[found.unit]}"
    yield Table(columns, tuple(rows), title=title, digits=DIGITS)
    total = sum(term[3] for term in found.terms)
    end = "" if found.bias is None else f" + {signed(found.bias)}"
    yield Lines(((f"z = sum of x W{' + b' if end else ''} = {short(total)}{end} = {short(found.z)};  "
                 f"dz = dL/dz = p - y = {short(found.delta)}"),))  # fmt: skip


def softmax(found: Trace, classes: tuple[str, ...]) -> Iterator[Block]:
    """Yield the probabilities and the gradient the whole way back begins with."""
    top = float(found.logits.max())
    rows = tuple(
        (
            classes[k],
            float(z),
            math.exp(z - top),
            float(found.probabilities[k]),
            int(k == found.truth),
            float(found.slopes[k]),
        )
        for k, z in enumerate(found.logits.tolist())
    )
    columns = ("class", "z", "e^(z - max)", "p", "y", "dL/dz = p - y")
    yield Table(columns, rows, title="Softmax and cross-entropy", digits=DIGITS)
    chance = float(found.probabilities[found.truth])
    yield Facts((("L", f"-ln {short(chance)} = {short(found.loss)}"),), digits=DIGITS)
