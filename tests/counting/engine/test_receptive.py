"""Receptive fields against perturbation: change one input at a time and see which outputs change."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlmath.counting.engine.count import count
from dlmath.counting.engine.graph import Network, Node, chain
from dlmath.counting.engine.receptive import Field

LENGTH = 40


def run(window, values):
    """Slide a kernel of ones over an axis (positive weights: no change can cancel another)."""
    padded = [0.0] * window.before + values + [0.0] * window.after
    if window.rule == "transposed":
        spread = [0.0] * ((len(values) - 1) * window.up + window.extent)
        for place, value in enumerate(values):
            for tap in range(window.kernel):
                spread[place * window.up + tap * window.dilation] += value
        return spread[window.before : len(spread) - window.after]
    return [
        sum(padded[o * window.stride + tap * window.dilation] for tap in range(window.kernel))
        for o in range(window.out)
    ]


def forward(counted, values):
    outputs = []
    for row in counted.nodes:
        if row.node.kind == "input":
            outputs.append(values)
        elif len(row.node.inputs) > 1:
            columns = zip(*(outputs[place] for place in row.node.inputs), strict=True)
            outputs.append([sum(column) for column in columns])
        elif row.counted.windows:
            outputs.append(run(row.counted.windows[0], outputs[row.node.inputs[0]]))
        else:
            outputs.append(outputs[row.node.inputs[0]])
    return outputs[-1]


def seen_by(counted, length):
    """Return for each output the inputs whose change changes it."""
    base = forward(counted, [0.0] * length)
    seen = [set() for _ in base]
    for place in range(length):
        values = [0.0] * length
        values[place] = 1.0
        for output, (before, after) in enumerate(zip(base, forward(counted, values), strict=True)):
            if before != after:
                seen[output].add(place)
    return seen


layers = st.lists(
    st.tuples(
        st.sampled_from(["conv1d", "maxpool1d", "avgpool1d"]),
        st.fixed_dictionaries(
            {"kernel": st.integers(1, 3), "stride": st.integers(1, 2), "pad": st.sampled_from(["same", "valid", 1])}
        ),
    ),
    min_size=1,
    max_size=4,
)


@given(layers=layers, dilation=st.integers(1, 2))
def test_chains(layers, dilation):
    built = [
        (kind, {**options, "out": 1, "dilation": dilation} if kind == "conv1d" else options)
        for kind, options in layers
        if options["kernel"] >= options["stride"]  # a stride past the kernel leaves holes in the field
    ]
    counted = count(chain("random", (LENGTH, 1), built))
    (field,) = counted.outputs[0].fields
    for output, seen in enumerate(seen_by(counted, LENGTH)):
        first = output * field.jump - field.padding
        assert seen <= set(range(first, first + field.size))
        if first >= 0 and first + field.size <= LENGTH:
            assert (min(seen), max(seen)) == (first, first + field.size - 1)
        assert field.centre + output * field.jump == first + (field.size - 1) / 2


@given(kernel=st.integers(1, 5), stride=st.integers(1, 3), before=st.integers(1, 3))
def test_transposed_convolutions(kernel, stride, before):
    layers = [
        ("conv1d", {"kernel": before, "out": 1, "stride": 2}),
        ("transposed1d", {"kernel": kernel, "out": 1, "stride": stride, "pad": "valid"}),
    ]
    counted = count(chain("up", (LENGTH, 1), layers))
    (field,) = counted.outputs[0].fields
    spans = [max(seen) - min(seen) + 1 for seen in seen_by(counted, LENGTH) if seen]
    assert field.size == max(spans)
    assert field.jump == Fraction(2, stride)


def branching(left, right):
    nodes = [Node("input", "input", {"shape": (LENGTH, 1)})]
    nodes.append(Node("left", "conv1d", {"out": 1, **left}, (0,)))
    nodes.append(Node("right", "conv1d", {"out": 1, **right}, (0,)))
    nodes.append(Node("add", "add", {}, (1, 2)))
    return count(Network("branching", tuple(nodes), (3,)))


def test_aligned_branches_take_the_largest_field():
    counted = branching({"kernel": 5, "stride": 2, "pad": 2}, {"kernel": 1, "stride": 2, "pad": "valid"})
    assert counted.outputs[0].fields == (Field(5, 2, 2),)
    assert counted.outputs[0].misaligned == ()
    assert max(len(seen) for seen in seen_by(counted, LENGTH)) == 5


def test_misaligned_centres_are_said():
    counted = branching({"kernel": 2, "stride": 2, "pad": "valid"}, {"kernel": 1, "stride": 2, "pad": "valid"})
    (note,) = counted.outputs[0].misaligned
    assert note == "branches are misaligned: the centres of their receptive fields lie at 0 and 0.5"
    assert f"add: {note}" in counted.notes


def test_misaligned_strides_are_said():
    nodes = [
        Node("input", "input", {"shape": (8, 1)}),
        Node("left", "conv1d", {"kernel": 1, "out": 1, "stride": 2}, (0,)),
        Node("right", "conv1d", {"kernel": 5, "out": 1, "pad": "valid"}, (0,)),
        Node("add", "add", {}, (1, 2)),
    ]
    counted = count(Network("strides", tuple(nodes), (3,)))
    assert counted.outputs[0].misaligned == ("branches are misaligned: their strides are 1 and 2",)


@pytest.mark.parametrize("kind", ["add", "multiply"])
def test_a_broadcast_branch_sees_the_whole(kind):
    nodes = [
        Node("input", "input", {"shape": (8, 8, 4)}),
        Node("conv", "conv", {"kernel": 3, "out": 4}, (0,)),
        Node("mean", "globalpool", {"keep": True}, (1,)),
        Node("join", kind, {}, (1, 2)),
    ]
    counted = count(Network("squeeze", tuple(nodes), (3,)))
    assert counted.outputs[0].fields == (Field(3, 1, 1, whole=True),) * 2


def test_attention_sees_the_whole_and_positions_are_lost():
    counted = count(
        chain("tiny", (8, 8, 4), [("reshape", {"shape": (64, 4)}), ("attention", {"heads": 2}), ("relu", {})])
    )
    assert counted.outputs[0].fields == (Field(8, 0, 0, whole=True),) * 2
    assert counted.last_map is None


def test_the_field_of_a_dense_layer_on_a_map_is_the_map():
    counted = count(chain("tiny", (12, 12, 1), [("conv", {"kernel": 3, "out": 1, "stride": 2}), ("dense", {"out": 2})]))
    assert counted.outputs[0].fields[0].size == 3 + 5 * 2
    assert counted.last_map is counted.rows[0]
