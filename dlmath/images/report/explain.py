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
    entry = facing.measured[0]
    data = facing.data()
    followed = trace(facing.model(entry), data.test, facing.request.image)
    yield introduction(facing, followed, data.classes)
    if followed.convolution is not None:
        yield from convolution(followed.convolution)
    if followed.pooling is not None:
        yield from pooling(followed.pooling)
    if followed.dense is not None:
        yield from dense(followed.dense, data.classes)
    yield from softmax(followed, data.classes)


def short(value: float) -> str:
    """Write a number with seven significant digits; 0 has no sign.

    >>> short(-0.0), short(1 / 3)
    ('0', '0.3333333')
    """
    return f"{float(value) + 0.0:.{DIGITS}g}"


def signed(value: float) -> str:
    """Write a number for use in a sum or product: a negative one in parentheses."""
    return f"({short(value)})" if value < 0 else short(value)


def introduction(facing: Facing, followed: Trace, classes: tuple[str, ...]) -> Lines:
    """Say which image is followed, and by which rules."""
    truth, answer = classes[followed.truth], classes[int(followed.logits.argmax())]
    network = f"network {facing.measured[0].letter}, seed {facing.request.seeds[0]}, after training"
    return Lines(
        (
            f"{network}; test image {followed.image}, which is {truth!r} and is answered {answer!r}",
            "in float64, by the code that trains, as at test: one image, so that L = -ln p of its class",
            "convolution  z = sum over window and channels of x W, plus b (the kernel is not flipped: a correlation)",
            "             dL/dW = sum over all outputs of dL/dz x;  dL/dx = sum over the outputs that see x of dL/dz W",
            "softmax      p_k = e^z_k / sum_j e^z_j;  L = -ln p_truth;  dL/dz_k = p_k - y_k",
        ),
        title="One image, forward and back",
    )


def convolution(conv: ConvolutionTrace) -> Iterator[Block]:
    """Yield one output number of a convolution: its window, kernel, sum; and what it gives to the gradients."""
    row, column, out = conv.place
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
        for tap in conv.taps
    )
    columns = ("i,j,c", "x", "W", "x W", "dz x", "dL/dW", "dz W", "dL/dx")
    yield Table(columns, rows, title=f"Convolution {conv.layer} ({conv.weights}), output at {where}", digits=4)
    yield Lines(tuple(convolution_lines(conv)))


def convolution_lines(conv: ConvolutionTrace) -> Iterator[str]:
    """Yield the sum, the activation, and what the columns of the table mean."""
    yield f"sum of x W = {short(conv.total)}"
    if conv.bias is not None:
        yield f"z = sum + b = {short(conv.total)} + {signed(conv.bias)} = {short(conv.z)}"
    if conv.activation is not None:
        name, value, slope = conv.activation
        phi = get_activation(name)
        yield f"{name}: {phi.equation}: a = {short(value)};  {phi.derivative}"
        yield f"dL/da = {short(slope)};  dz = dL/dz = dL/da * da/dz = {short(conv.delta)}"
    else:
        yield f"dz = dL/dz = {short(conv.delta)}"
    yield (
        "dz x is this output's share of dL/dW, the sum over all outputs; dz W its share of dL/dx, the sum over the "
        "outputs that see that pixel; - is padding. This output is the one of its layer on which the loss pulls most."
    )


def pooling(pool: PoolingTrace) -> Iterator[Block]:
    """Yield one output number of a pooling: its inputs, who won, who gets the gradient."""
    where = "map {}".format(*pool.place) if len(pool.place) == 1 else "row {}, column {}, map {}".format(*pool.place)
    yield Lines(
        (
            f"y = {POOLINGS[pool.kind]}",
            f"y = {short(pool.output)};  dL/dy = {short(pool.gradient)};  inputs: {len(pool.inputs)}",
        ),
        title=f"Pooling {pool.layer}, output at {where}",
    )
    rows: list[tuple[Cell, ...]] = [
        (f"{row},{column}", value + 0.0, slope + 0.0) for row, column, value, slope in shown_inputs(pool)
    ]
    yield Table(("row,column", "x", "dL/dx from y"), tuple(rows), digits=DIGITS)


def shown_inputs(pool: PoolingTrace) -> list[tuple[int, int, float, float]]:
    """Return the inputs that are written out: all of a window; of a whole map the largest."""
    if len(pool.inputs) <= 4 * MOST_TERMS and not pool.kind.startswith("global"):
        return list(pool.inputs)
    return sorted(pool.inputs, key=lambda entry: (-abs(entry[3]), -entry[2]))[:MOST_TERMS]


def dense(unit: DenseTrace, classes: tuple[str, ...]) -> Iterator[Block]:
    """Yield the sum of the true class's logit."""
    largest = sorted(unit.terms, key=lambda term: -abs(term[3]))
    kept = sorted(largest[:MOST_TERMS])
    rest = largest[MOST_TERMS:]
    rows: list[tuple[Cell, ...]] = [(str(i), x, w, product + 0.0, share + 0.0) for i, x, w, product, share in kept]
    if rest:
        rows.append((f"{len(rest)} others", None, None, sum(term[3] for term in rest), None))
    columns = ("input", "x", "W", "x W", "dL/dW = dz x")
    title = f"Dense {unit.layer} ({unit.weights}), the output of the true class, {classes[unit.unit]}"
    yield Table(columns, tuple(rows), title=title, digits=DIGITS)
    total = sum(term[3] for term in unit.terms)
    end = "" if unit.bias is None else f" + {signed(unit.bias)}"
    yield Lines(((f"z = sum of x W{' + b' if end else ''} = {short(total)}{end} = {short(unit.z)};  "
                 f"dz = dL/dz = p - y = {short(unit.delta)}"),))  # fmt: skip


def softmax(followed: Trace, classes: tuple[str, ...]) -> Iterator[Block]:
    """Yield the probabilities and the gradient the whole way back begins with."""
    top = float(followed.logits.max())
    rows = tuple(
        (
            classes[k],
            float(z),
            math.exp(z - top),
            float(followed.probabilities[k]),
            int(k == followed.truth),
            float(followed.slopes[k]),
        )
        for k, z in enumerate(followed.logits.tolist())
    )
    columns = ("class", "z", "e^(z - max)", "p", "y", "dL/dz = p - y")
    yield Table(columns, rows, title="Softmax and cross-entropy", digits=DIGITS)
    chance = float(followed.probabilities[followed.truth])
    yield Facts((("L", f"-ln {short(chance)} = {short(followed.loss)}"),), digits=DIGITS)
