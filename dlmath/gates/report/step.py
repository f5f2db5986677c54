"""`--explain` for networks: one training step number by number, as the chain rule has it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlmath.neural.activations import get_activation
from dlmath.neural.losses import get_loss
from dlmath.neural.optimizers import parse_optimizer
from dlmath.report.blocks import Facts, Lines, Table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dlmath.gates.engine.trace import LayerTrace, StepTrace
    from dlmath.gates.engine.training import TrainingSettings
    from dlmath.report.blocks import Block, Cell

DIGITS = 9
MOST_ROWS = 16
"""Rows of data that are written out; of more, the first ones and a line that says so. Sums are over all."""


def explain_step(trace: StepTrace, settings: TrainingSettings, epoch: int = 0) -> Iterator[Block]:
    """Yield the formulas, then forward, loss, backward, update, each with this network's numbers."""
    yield formulas(settings, trace.rate, epoch)
    for number, layer in enumerate(trace.layers, start=1):
        yield forward_sums(number, layer)
    yield loss_lines(trace, settings)
    for number, layer in reversed(list(enumerate(trace.layers, start=1))):
        yield deltas_table(number, layer, last=number == len(trace.layers))
    for number, layer in enumerate(trace.layers, start=1):
        yield factors_table(number, layer)
    yield updates_table(trace, settings)
    yield summary(trace)


def formulas(settings: TrainingSettings, rate: float, epoch: int = 0) -> Lines:
    """Return every formula that the step uses, with its source."""
    loss, chosen = get_loss(settings.loss), parse_optimizer(settings.optimizer, settings.like)
    optimizer, constants = chosen.rule, chosen.constants_text
    names = dict.fromkeys(settings.architecture.activations)
    phis = [get_activation(name) for name in names]
    return Lines(
        (
            "forward    z = x W + b;  a = phi(z)",
            *(f"{phi.name:<10} {phi.equation};  {phi.derivative}  ({phi.source})" for phi in phis),
            f"{loss.name:<10} {loss.equation};  {loss.derivative}  ({loss.source})",
            "backward   dL/dz = dL/da * da/dz;  dL/da of a hidden unit = sum over the next layer of dL/dz * w",
            "           dL/dw = sum over rows of dL/dz * dz/dw, dz/dw being what w multiplies (for a bias: 1)",
            f"{optimizer.name:<10} {optimizer.equation}  (rate = {rate:.9g}; {optimizer.source})",
            *((f"           {constants}  (as {settings.like} has them where not given)",) if constants else ()),
        ),
        title="One training step by the chain rule" + (f", after {epoch:,} epochs" if epoch else ""),
    )


def forward_sums(number: int, layer: LayerTrace) -> Lines:
    """Return the weighted sums of a layer written out, row by row and unit by unit."""
    lines = []
    phi = layer.activation
    for row, inputs in enumerate(layer.inputs[:MOST_ROWS]):
        for unit in range(layer.weighted_sums.shape[1]):
            terms = [f"{signed(x)} * {signed(w)}" for x, w in zip(inputs, layer.weights[:, unit], strict=True)]
            bias = f" + {signed(bias_of(layer, unit))}" if len(layer.biases) else ""
            z, a = layer.weighted_sums[row, unit], layer.activations[row, unit]
            place = f"row {row + 1}, unit {unit + 1}"
            lines.append(f"{place}: z = {' + '.join(terms)}{bias} = {short(z)};  a = {phi}(z) = {short(a)}")
    return Lines((*lines, *left_out(len(layer.inputs))), title=f"Forward, layer {number}")


def left_out(rows: int) -> tuple[str, ...]:
    """Say that rows are left out, when they are.

    >>> left_out(4), left_out(200)
    ((), ('(rows 17 to 200 likewise; the sums below are over all rows)',))
    """
    return (
        (f"(rows {MOST_ROWS + 1} to {rows:,} likewise; the sums below are over all rows)",) if rows > MOST_ROWS else ()
    )


def bias_of(layer: LayerTrace, unit: int) -> float:
    """Return the bias of a unit, its own or the one its layer shares."""
    return float(layer.biases[unit if len(layer.biases) > 1 else 0])


def short(value: float) -> str:
    """Write a number with nine significant digits."""
    return f"{float(value):.{DIGITS}g}"


def signed(value: float) -> str:
    """Write a number for use in a sum: a negative one in parentheses."""
    return f"({short(value)})" if value < 0 else short(value)


def loss_lines(trace: StepTrace, settings: TrainingSettings) -> Facts:
    """Return the loss of the step."""
    loss = get_loss(settings.loss)
    pairs: list[tuple[str, Cell]] = [
        (f"row {row + 1}, output {unit + 1}", f"a = {short(a)}, y = {short(y)}, a - y = {short(a - y)}")
        for row, (outputs, targets) in list(enumerate(zip(trace.outputs, trace.targets, strict=True)))[:MOST_ROWS]
        for unit, (a, y) in enumerate(zip(outputs, targets, strict=True))
    ]
    return Facts((*pairs, ("L", f"{loss.equation.partition('=')[2].strip()} = {short(trace.loss)}")), title="Loss")


def deltas_table(number: int, layer: LayerTrace, *, last: bool) -> Table:
    """Return dL/da * da/dz = dL/dz for every row and unit of a layer."""
    rows, units = layer.deltas.shape
    cells = tuple(
        (r + 1, u + 1, float(layer.loss_slopes[r, u]), float(layer.slopes[r, u]), float(layer.deltas[r, u]))
        for r in range(min(rows, MOST_ROWS))
        for u in range(units)
    )
    origin = "dL/da from the loss" if last else f"dL/da from layer {number + 1}"
    return Table(
        ("row", "unit", "dL/da", "da/dz", "dL/dz"), cells, title=f"Backward, layer {number}: {origin}", digits=DIGITS
    )


def factors_table(number: int, layer: LayerTrace) -> Table:
    """Return every parameter's gradient, factor by factor and row by row."""
    return Table(
        ("parameter", "row", "dL/da", "da/dz", "dz/dw", "product"),
        tuple(factor_rows(number, layer)),
        title=f"Gradient, layer {number}: dL/dw = sum over rows of dL/da * da/dz * dz/dw",
        digits=DIGITS,
    )


def factor_rows(number: int, layer: LayerTrace) -> Iterator[tuple[Cell, ...]]:
    """Yield a line for each row of data under each parameter, then the sum."""
    fan_in, fan_out = layer.weights.shape
    for source in range(fan_in):
        for unit in range(fan_out):
            name = weight_name(number, source, unit)
            yield from chain(name, layer, [unit], layer.inputs[:, source].tolist())
            yield (name, "sum", None, None, None, float(layer.weight_gradient[source, unit]))
    for index in range(len(layer.biases)):
        served = [index] if len(layer.biases) == fan_out else range(fan_out)
        yield from chain(bias_name(number, index), layer, served, [1.0] * len(layer.inputs))
        yield (bias_name(number, index), "sum", None, None, None, float(layer.bias_gradient[index]))


def chain(name: str, layer: LayerTrace, units: Sequence[int], factors: Sequence[float]) -> Iterator[tuple[Cell, ...]]:
    """Yield the three factors and their product for each row and each unit that a parameter serves."""
    for row, factor in enumerate(factors[:MOST_ROWS]):
        for unit in units:
            product = float(layer.deltas[row, unit] * factor)
            slopes = float(layer.loss_slopes[row, unit]), float(layer.slopes[row, unit])
            yield (name, str(row + 1), *slopes, float(factor), product)


def weight_name(layer: int, source: int, unit: int) -> str:
    """Name a weight as the weights of a result are indexed, from 1.

    >>> weight_name(1, 0, 2)
    'W1[1,3]'
    """
    return f"W{layer}[{source + 1},{unit + 1}]"


def bias_name(layer: int, index: int) -> str:
    """Name a bias, from 1.

    >>> bias_name(2, 0)
    'b2[1]'
    """
    return f"b{layer}[{index + 1}]"


def updates_table(trace: StepTrace, settings: TrainingSettings) -> Table:
    """Return every parameter before and after the step, its gradient, and the numerical gradient beside it."""
    return Table(
        ("parameter", "before", "dL/dw", "numerical", "step", "after"),
        tuple(row for number, layer in enumerate(trace.layers, 1) for row in update_rows(number, layer)),
        title="Update" + (" (biases fixed)" if settings.fixed_biases else ""),
        digits=DIGITS,
    )


def update_rows(number: int, layer: LayerTrace) -> Iterator[tuple[Cell, ...]]:
    """Yield one line a parameter of a layer."""
    fan_in, fan_out = layer.weights.shape
    for i in range(fan_in):
        for j in range(fan_out):
            at = (i, j)
            values = layer.weights, layer.weight_gradient, layer.numerical_weight_gradient, layer.weights_after
            yield update_row(weight_name(number, i, j), *(float(array[at]) for array in values))
    for k in range(len(layer.biases)):
        vectors = layer.biases, layer.bias_gradient, layer.numerical_bias_gradient, layer.biases_after
        yield update_row(bias_name(number, k), *(float(array[k]) for array in vectors))


def update_row(name: str, before: float, gradient: float, numerical: float, after: float) -> tuple[Cell, ...]:
    """Return one line of the update table."""
    return (name, before, gradient, numerical, after - before, after)


def summary(trace: StepTrace) -> Facts:
    """Return what the step achieved, and how well the two gradients agree."""
    pairs: list[tuple[str, Cell]] = [
        ("loss before", trace.loss),
        ("loss after", trace.loss_after),
        ("change", trace.loss_after - trace.loss),
        ("largest relative error of the gradient", float(f"{trace.gradient_error:.3g}")),
    ]
    if trace.at_kink:
        pairs.append(("at a kink, not compared", ", ".join(trace.at_kink)))
    return Facts(tuple(pairs), title="After the step", digits=DIGITS)
