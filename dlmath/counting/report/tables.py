"""The report of counted networks: rows and totals, alternatives, formulas, memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from dlmath.counting.engine.layers import get_kind
from dlmath.counting.engine.memory import memory
from dlmath.counting.engine.open_sizes import is_open, known
from dlmath.counting.engine.shapes import shape_text
from dlmath.counting.engine.stages import stages
from dlmath.report.blocks import Facts, Lines, Table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dlmath.counting.engine.checks import Verdict
    from dlmath.counting.engine.conventions import Reading
    from dlmath.counting.engine.count import NetworkCount, Row
    from dlmath.counting.engine.memory import Memory
    from dlmath.counting.engine.receptive import Field
    from dlmath.counting.engine.shapes import Window
    from dlmath.counting.engine.stages import Stage
    from dlmath.report.blocks import Block, Cell

UNITS = {"exact": 1, "auto": 0, "K": 10**3, "M": 10**6, "G": 10**9}
OTHER_OPERATIONS = ("bias_adds", "norm_ops", "pool_ops", "activation_ops", "join_ops")


class Reckoning(NamedTuple):
    """What the memory is reckoned for."""

    dtype: str
    batch: int
    optimizer: str

    def of(self, count: NetworkCount) -> Memory:
        """Return what the network needs (see `dlmath.counting.engine.memory`)."""
        return memory(count, self.dtype, self.batch, self.optimizer)


def square(values: Sequence[Any]) -> Any:
    """Return one number for axes that agree, else all of them; None for no axes.

    >>> square((7, 7)), square((3, 5)), square(())
    (7, [3, 5], None)
    """
    if not values:
        return None
    return values[0] if all(value == values[0] for value in values) else list(values)


def plain_number(value: Any) -> Any:
    """Return an int where a fraction is whole, else a float."""
    return int(value) if value == int(value) else float(value)


def field(fields: Sequence[Field]) -> dict[str, Any]:
    """Return receptive field, jump, padding and centre; the field is None where an output sees everything."""
    if not fields or any(one.whole or is_open(one[:3]) for one in fields):
        return {"receptive_field": None, "jump": None, "effective_padding": None, "centre": None}
    return {
        "receptive_field": square([one.size for one in fields]),
        "jump": square([plain_number(one.jump) for one in fields]),
        "effective_padding": square([plain_number(one.padding) for one in fields]),
        "centre": square([one.centre for one in fields]),
    }


def layer(row: Row) -> dict[str, Any]:
    """Return one object of the result's `layers`; what is not known is None."""
    shapes = row.input_shapes
    figures = {
        "name": row.name,
        "kind": row.node.kind,
        "input_shape": shapes[0] if len(shapes) == 1 else shapes,
        "output_shape": row.output,
        "params": row.params,
        "trainable_params": row.trainable_params,
        **{name: row.value(name) for name in ("weights", "biases", "buffers", "macs", "flops", *OTHER_OPERATIONS)},
        "activations": row.activations,
        **field(row.fields),
        "shares": row.node.shares,
        "times": row.runs,
        "notes": row.notes,
        "missing": row.counted.missing,
    }
    return {name: known(value) for name, value in figures.items()}


def result(count: NetworkCount, reckoning: Reckoning) -> dict[str, Any]:
    """Return a counted network; what rests on sizes that are not known is None, `at_least` says what is left out."""
    last = count.last_map
    totals = ("params", "trainable_params", "weights", "biases", "buffers", "macs", "flops", *OTHER_OPERATIONS)
    inputs = count.network.input_shapes
    figures = {
        "name": count.network.name,
        "source": count.network.source,
        "input_shape": inputs[0] if len(inputs) == 1 else inputs,
        "output_shape": count.output_shape,
        **{name: count.figure(name) for name in (*totals, "connections", "activations")},
        "macs_unknown": count.macs_unknown,
        "at_least": count.at_least,
        "uncounted": [left._asdict() for left in count.uncounted],
        **field(last.fields if last else ()),
        "memory": reckoning.of(count)._asdict(),
        "auxiliary": count.auxiliary,
    }
    plain = {name: known(value) for name, value in figures.items()}
    return {**plain, "layers": [layer(row) for row in count.rows], "stages": [stage(each) for each in stages(count)]}


def stage(each: Stage) -> dict[str, Any]:
    """Return one object of the result's `stages`."""
    figures = {
        "name": each.name,
        "layers": len(each.rows),
        "input_shape": each.input_shape,
        "output_shape": each.output,
        **{name: each.total(name) for name in ("params", "weights", "biases", "macs")},
        "receptive_field": field(each.rows[-1].fields)["receptive_field"],
    }
    return {name: known(value) for name, value in figures.items()}


def alternative(count: NetworkCount, main: NetworkCount, reckoning: Reckoning) -> dict[str, Any]:
    """Return a network that was set beside another, with ratios and differences to it."""
    made = result(count, reckoning)
    for name in ("params", "macs"):
        here, there = count.figure(name), main.figure(name)
        whole = count.is_whole(name) and main.is_whole(name)
        made[f"{name}_ratio"] = here / there if there and whole else None
        made[f"{name}_difference"] = here - there if whole else None
    return made


MOST_NOTES = 12
"""Kinds of layers that are named one by one."""


def missing_notes(count: NetworkCount) -> list[str]:
    """Name what is left out of the figures, a line a kind of layer; and why operations are not known."""
    notes = [f"{kind} x {times:,}: {why}" for kind, times, why in count.uncounted[:MOST_NOTES]]
    rest = count.uncounted[MOST_NOTES:]
    if rest:
        notes.append(f"{len(rest)} more kinds of layers, {sum(left.times for left in rest):,} layers: as above")
    if count.macs_unknown:
        notes.append(f"operations are not known: {count.macs_unknown}; give it whole (--input)")
    return notes


def figure_of(count: NetworkCount, name: str, units: str) -> Cell:
    """Return a total as it is shown: unknown where it rests on open sizes, "at least" where something is left out."""
    value = count.figure(name)
    if is_open(value):
        return "unknown"
    shown = figure_in(value, units)
    if count.is_whole(name):
        return shown
    return f"at least {shown:,}" if isinstance(shown, int) else f"at least {shown}"


def one_channel_note(count: NetworkCount) -> str:
    """Say what a convolution costs on C input channels when no input was given."""
    first = count.rows[0]
    weights, biases = first.counted.weights, first.counted.biases
    return (
        f"counted for one input channel at one position; with C input channels {first.name} holds "
        f"{weights:,} x C + {biases:,} parameters (--input HxWxC counts it whole)"
    )


def figure_in(value: int, units: str) -> Cell:
    """Return a figure in the units that were asked for.

    >>> figure_in(61100840, "M"), figure_in(61100840, "auto"), figure_in(5, "exact")
    ('61.1 M', '61.1 M', 5)
    """
    if is_open(value):
        return "?"
    if units == "exact":
        return value
    scale = UNITS[units] or max([1, *(size for size in UNITS.values() if 1 < size <= abs(value))])
    name = next((name for name, size in UNITS.items() if size == scale and size > 1), "")
    return f"{value / scale:.4g} {name}".rstrip()


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
    return Table(columns, (*rows, last), title=title(count))


def stage_row(each: Stage, units: str) -> tuple[Cell, ...]:
    """Return one line of the table of stages."""
    sees = field(each.rows[-1].fields)["receptive_field"]
    figures = (figure_in(each.total(name), units) for name in ("weights", "biases", "params", "macs"))
    shapes = shape_text(each.input_shape), shape_text(each.output)
    return (each.name, len(each.rows), *shapes, *figures, None if sees is None else _axes(sees))


def layer_table(count: NetworkCount, units: str) -> Table:
    """Return one line a layer, and the sums."""
    columns = ("layer", "kind", "input", "output", "weights", "biases", "params", "MACs", "receptive field")
    rows = [layer_row(row, units) for row in count.rows]
    total = [figure_of(count, name, units) for name in ("weights", "biases", "params", "macs")]
    return Table(columns, (*rows, ("total", "", "", shape_text(count.output_shape), *total, None)), title=title(count))


def title(count: NetworkCount) -> str:
    """Return the network's name and source."""
    source = f"  ({count.network.source})" if count.network.source else ""
    return f"{count.network.name}{source}"


def layer_row(row: Row, units: str) -> tuple[Cell, ...]:
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


def reading(one: Reading) -> dict[str, Any]:
    """Return one convention's figures and line items."""
    return {
        "name": one.name,
        "source": one.source,
        "says": one.says,
        "params": one.params,
        "operations": one.operations,
        "params_lines": [line._asdict() for line in one.params_lines],
        "operations_lines": [line._asdict() for line in one.operations_lines],
        "notes": one.notes,
    }


def verdict(one: Verdict) -> dict[str, Any]:
    """Return whether one check holds, and why not."""
    return {
        "check": one.expectation.text,
        "holds": one.holds,
        "found": one.found,
        "expected": one.expectation.value,
        "difference": one.difference,
        "mistakes": one.mistakes,
        "text": one.text,
    }


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
        yield "receptive field", f"{_axes(sees['receptive_field'])} at {last.name}, stride {_axes(sees['jump'])}"
    yield from memory_facts(reckoning.of(count), reckoning)


def _axes(value: Any) -> str:
    return "x".join(map(str, value)) if isinstance(value, list) else str(value)


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
    return Table(columns, tuple(rows), title="Beside each other")


def explanation(counts: Sequence[NetworkCount]) -> Iterator[Block]:
    """Yield every layer's formulas with its numbers in them."""
    yield Lines(
        (
            "output size       o = floor((W - d (F - 1) - 1 + P_before + P_after) / S) + 1",
            "receptive field   r' = r + (F - 1) d j;  jump j' = j S;  padding p' = p + j P  (Araujo et al. 2019)",
            "MAC               one multiply and one add; FLOPs = 2 x MACs; biases are counted apart",
        ),
        title="Formulas",
    )
    for count in counts:
        yield Lines(tuple(line for row in count.rows for line in layer_lines(row)), title=count.network.name)


def layer_lines(row: Row) -> Iterator[str]:
    """Yield a layer's output sizes, its products and its field, numbers in them."""
    shapes = ", ".join(shape_text(shape) for shape in row.input_shapes)
    yield f"{row.name} ({row.node.kind}): {shapes} -> {shape_text(row.output)}"
    equation = get_kind(row.node.kind).equation
    if equation:
        yield f"    {equation.format(**resolved_options(row))}"
    yield from size_lines(row)
    yield from quantity_lines(row)
    sees = field(row.fields)
    if sees["receptive_field"] is not None:
        texts = (_axes(sees[name]) for name in ("receptive_field", "jump", "effective_padding"))
        yield "    sees {}, jump {}, padding {}".format(*texts)


def resolved_options(row: Row) -> dict[str, Any]:
    """Return the options of a layer with their defaults."""
    return {
        option.name: row.node.options.get(option.name, option.default) for option in get_kind(row.node.kind).options
    }


def size_lines(row: Row) -> Iterator[str]:
    """Yield the output sizes, once where all axes are alike; a layer that sees all has none worth a line."""
    texts = [window_text(window) for window in row.counted.windows or ()]
    if row.node.kind in {"flatten", "dense"} or not any(texts):
        return
    if len(set(texts)) == 1:
        yield f"    {'each axis' if len(texts) > 1 else 'size'}: {texts[0]}"
        return
    yield from (f"    axis {axis}: {text}" for axis, text in enumerate(texts, start=1) if text)


def window_text(window: Window) -> str:
    """Return the output-size formula of one axis with its numbers; "" where an axis keeps its size by itself.

    >>> from dlmath.counting.engine.shapes import Window
    >>> window_text(Window(size=224, out=112, kernel=7, stride=2, before=3, after=3))
    'floor((224 - 1 x (7 - 1) - 1 + 3 + 3) / 2) + 1 = 112'
    """
    w = window
    if w.kernel == w.stride == 1 and w.size == w.out:
        return ""
    if w.rule in {"floor", "ceil", "same"}:
        rounding = "ceil" if w.rule == "ceil" else "floor"
        return (
            f"{rounding}(({w.size} - {w.dilation} x ({w.kernel} - 1) - 1 + {w.before} + {w.after}) / {w.stride}) + 1"
            f" = {w.out}"
        )
    if w.rule == "transposed":
        return f"({w.size} - 1) x {w.up} + {w.dilation} x ({w.kernel} - 1) + 1 - padding = {w.out}"
    return f"{w.size} -> {w.out} ({w.rule})"


def quantity_lines(row: Row) -> Iterator[str]:
    """Yield each quantity as the sum of products it is."""
    held = [term for term in row.counted.terms if term.quantity in {"weights", "biases"}]
    if held:
        text = " + ".join(term.text() for term in held)
        shared = "" if row.held else f" (shared with {row.node.shares}: counted there)"
        yield f"    parameters: {text} = {row.counted.params:,}{shared}"
    for name in ("buffers", "macs", *OTHER_OPERATIONS):
        terms = [term for term in row.counted.terms if term.quantity == name]
        if terms:
            words = " + ".join(" x ".join(term.labels) for term in terms)
            total = sum(term.value for term in terms)
            product = " + ".join(term.text() for term in terms)
            sums = f"{product} = {total:,}" if len(terms) > 1 or len(terms[0].factors) > 1 else f"{total:,}"
            yield f"    {name.replace('_', ' ')}: {sums}   ({words})"


def picture(counts: Sequence[NetworkCount], ending: str) -> bytes:
    """Draw the figure of --plot: the architectures, and where their parameters and MACs sit."""
    from dlmath.counting.report.plots import figure
    from dlmath.report.figures import drawn

    return drawn(figure(counts), ending)
