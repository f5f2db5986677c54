"""The report of counted networks: rows and totals, alternatives, formulas, memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlmath.counting.engine.open_sizes import is_open
from dlmath.counting.engine.shapes import shape_text
from dlmath.counting.engine.stages import stages
from dlmath.counting.report.cells import axes_text, field, figure_in, figure_of, title
from dlmath.counting.report.results import OTHER_OPERATIONS, Reckoning
from dlmath.report.blocks import Facts, Table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dlmath.counting.engine.checks import Verdict
    from dlmath.counting.engine.conventions import Reading
    from dlmath.counting.engine.count import LayerRow, NetworkCount
    from dlmath.counting.engine.memory import Memory
    from dlmath.counting.engine.stages import NetworkStage
    from dlmath.report.blocks import Block, Cell


FIGURES = ("weights", "biases", "params", "MACs")
KEPT = ("params", "MACs", "output", "kind", "weights", "biases", "input", "receptive field", "layers")
"""Columns in the order of their importance, after the name."""
MOST_LAYERS = 60
"""Rows of the table up to which every layer has one, unless told otherwise."""


def main_table(count: NetworkCount, units: str, by: str | None) -> Table:
    """Return one line a layer or one a stage: as asked for, else layers where they are not too many."""
    if by == "stage" or (by is None and len(count.rows) > MOST_LAYERS):
        return stage_table(count, units)
    return layer_table(count, units)


def stage_table(count: NetworkCount, units: str) -> Table:
    """Return one line a stage, and the sums."""
    columns = ("stage", "layers", "input", "output", "weights", "biases", "params", "MACs", "receptive field")
    rows = [stage_row(each, units) for each in stages(count)]
    total = [figure_of(count, name, units) for name in ("weights", "biases", "params", "macs")]
    last = ("total", len(count.rows), "", shape_text(count.output_shape), *total, None)
    return Table(columns, (*rows, last), title=title(count), keep=("stage", *KEPT), scalable=FIGURES)


def stage_row(each: NetworkStage, units: str) -> tuple[Cell, ...]:
    """Return one line of the table of stages."""
    sees = field(each.rows[-1].fields)["receptive_field"]
    figures = (figure_in(each.total(name), units) for name in ("weights", "biases", "params", "macs"))
    shapes = shape_text(each.input_shape), shape_text(each.output)
    return (each.name, len(each.rows), *shapes, *figures, None if sees is None else axes_text(sees))


def layer_table(count: NetworkCount, units: str) -> Table:
    """Return one line a layer, and the sums."""
    columns = ("layer", "kind", "input", "output", "weights", "biases", "params", "MACs", "receptive field")
    rows = [layer_row(row, units) for row in count.rows]
    total = [figure_of(count, name, units) for name in ("weights", "biases", "params", "macs")]
    return Table(
        columns,
        (*rows, ("total", "", "", shape_text(count.output_shape), *total, None)),
        title=title(count),
        keep=("layer", *KEPT),
        scalable=FIGURES,
    )


def layer_row(row: LayerRow, units: str) -> tuple[Cell, ...]:
    """Return one line of the table."""
    sees = field(row.fields)["receptive_field"]
    figures = (figure_in(value, units) for value in (row.value("weights"), row.value("biases"), row.params, row.macs))
    shapes = ", ".join(shape_text(shape) for shape in row.input_shapes)
    return (
        row.name,
        str(row.node.options.get("label", row.node.kind)),
        shapes,
        shape_text(row.output),
        *figures,
        sees if not isinstance(sees, list) else "x".join(map(str, sees)),
    )


def blocks(
    count: NetworkCount,
    table: Table,
    others: Sequence[NetworkCount],
    reckoning: Reckoning,
    units: str,
    readings: Sequence[Reading],
    verdicts: Sequence[Verdict],
    by: str | None = None,
) -> Iterator[Block]:
    """Yield the layers, the totals, and what was set beside them."""
    yield table
    yield Facts(tuple(facts(count, reckoning, units)), title="Totals")
    if others:
        for other in others:
            yield main_table(other, units, by)
        yield comparison(count, others, units)
    for one in readings:
        yield reading_table(one)
    if len(readings) > 1:
        yield readings_table(readings)
    if verdicts:
        rows = tuple((one.holds, one.text) for one in verdicts)
        styles = tuple("green" if one.holds else "red" for one in verdicts)
        yield Table(("holds", "check"), rows, title="Checks", styles=styles)


def reading_table(reading: Reading) -> Table:
    """Return the line items of one convention, summing to its figures."""
    lines = [("parameters", line.label, line.value) for line in reading.params_lines]
    lines += [(reading.says, line.label, line.value) for line in reading.operations_lines]
    return Table(("of", "item", "value"), tuple(lines), title=f"{reading.name}  ({reading.source})")


def readings_table(readings: Sequence[Reading]) -> Table:
    """Return every convention's figures beside the first one's."""
    first = readings[0]
    rows = tuple(
        (one.name, one.params, one.params - first.params, one.says, one.operations, one.operations - first.operations)
        for one in readings
    )
    return Table(("convention", "params", "difference", "says", "operations", "difference"), rows, title="Reconciled")


def facts(count: NetworkCount, reckoning: Reckoning, units: str) -> Iterator[tuple[str, Cell]]:
    """Yield the sums, the operations that are not MACs, and the memory."""
    yield "parameters", figure_of(count, "params", units)
    if count.total("trainable_params") != count.params:
        yield "trainable", figure_of(count, "trainable_params", units)
    if count.total("buffers"):
        yield "buffers", figure_of(count, "buffers", units)
    yield "MACs", figure_of(count, "macs", units)
    yield "FLOPs (2 x MACs)", figure_of(count, "flops", units)
    for name in OTHER_OPERATIONS:
        if count.figure(name):
            yield name.replace("_", " "), figure_of(count, name, units)
    yield "activations", figure_of(count, "activations", units)
    last = count.last_map
    sees = field(last.fields) if last is not None else {}
    if last is not None and sees["receptive_field"] is not None:
        yield (
            "receptive field",
            f"{axes_text(sees['receptive_field'])} at {last.name}, stride {axes_text(sees['jump'])}",
        )
    yield from memory_facts(reckoning.of(count), reckoning)


def memory_facts(used: Memory, reckoning: Reckoning) -> Iterator[tuple[str, Cell]]:
    """Yield the memory in bytes, and in MiB (2^20) beside it."""
    named = {"parameters": used.params_bytes, "inference": used.activations_bytes, "training": used.training_bytes}
    for name, value in named.items():
        yield f"{name}, bytes", "unknown" if is_open(value) else f"{value:,} ({value / 2**20:.4g} MiB)"
    yield "reckoned for", f"{reckoning.dtype}, batch {reckoning.batch}, {reckoning.optimizer}"


def comparison(count: NetworkCount, others: Sequence[NetworkCount], units: str) -> Table:
    """Return the alternatives beside the network: figures, differences, ratios."""
    columns = ("network", "weights", "params", "difference", "ratio", "MACs", "difference", "ratio")
    rows: list[tuple[Cell, ...]] = []
    for one in (count, *others):
        cells: list[Cell] = [one.network.name, figure_in(one.total("weights"), units)]
        for name in ("params", "macs"):
            here, there = one.figure(name), count.figure(name)
            whole = one.is_whole(name) and count.is_whole(name)
            gap = (figure_in(here - there, units), here / there if there else None) if whole else (None, None)
            cells += [figure_of(one, name, units), *gap]
        rows.append(tuple(cells))
    keep = ("network", "params", "MACs", "ratio", "weights", "difference")
    return Table(
        columns, tuple(rows), title="Beside each other", keep=keep, scalable=("weights", "params", "MACs", "difference")
    )
