"""Results of `dlmath param-count` as the manual names their keys; what is not known is None."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from dlmath.counting.engine.memory import memory
from dlmath.counting.engine.open_sizes import known
from dlmath.counting.engine.stages import stages
from dlmath.counting.report.cells import field

if TYPE_CHECKING:
    from dlmath.counting.engine.checks import Verdict
    from dlmath.counting.engine.conventions import Reading
    from dlmath.counting.engine.count import LayerRow, NetworkCount
    from dlmath.counting.engine.memory import Memory
    from dlmath.counting.engine.stages import NetworkStage

OTHER_OPERATIONS = ("bias_adds", "norm_ops", "pool_ops", "activation_ops", "join_ops")


class Reckoning(NamedTuple):
    """What the memory is reckoned for."""

    dtype: str
    batch: int
    optimizer: str

    def of(self, count: NetworkCount) -> Memory:
        """Return what the network needs (see `dlmath.counting.engine.memory`)."""
        return memory(count, self.dtype, self.batch, self.optimizer)


def layer(row: LayerRow) -> dict[str, Any]:
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


def stage(each: NetworkStage) -> dict[str, Any]:
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
        how = "--input SHAPE" if len(count.network.input_shapes) < 2 else "--input NAME=SHAPE for each"
        more = f"; give it whole: {how}" if count.open_inputs else ""
        notes.append(f"operations are not known: {count.macs_unknown}{more}")
    return notes


def one_channel_note(count: NetworkCount) -> str:
    """Say what a convolution costs on C input channels when no input was given."""
    first = count.rows[0]
    weights, biases = first.counted.weights, first.counted.biases
    return (
        f"counted for one input channel at one position; with C input channels {first.name} holds "
        f"{weights:,} x C + {biases:,} parameters (--input HxWxC counts it whole)"
    )


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
