"""The formulas against a literal count: every output element, every connection, one by one."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlmath.counting.engine.layers import count_layer
from dlmath.errors import ShapeError

sizes = st.integers(1, 3)


def starts(length, extent, stride, before, after):
    """Return where windows begin, by sliding until the end of the padded axis."""
    found, place = [], -before
    while place + extent <= length + after:
        found.append(place)
        place += stride
    return found


class Literal:
    """Connections as they are met: which weight, which output."""

    def __init__(self):
        self.weights, self.outputs, self.biases, self.macs = set(), set(), set(), 0

    def connect(self, output, weight, bias=None):
        self.outputs.add(output)
        self.weights.add(weight)
        self.macs += 1
        if bias is not None:
            self.biases.add(bias)

    def agrees(self, count, *, bias):
        assert (count.macs, count.weights) == (self.macs, len(self.weights))
        elements = 1
        for size in count.output:
            elements *= size
        assert elements == len(self.outputs)
        if bias:
            assert (count.biases, count.bias_adds) == (len(self.biases), len(self.outputs))
        else:
            assert (count.biases, count.bias_adds) == (0, 0)


@st.composite
def windows(draw, rank):
    kernel = tuple(draw(sizes) for _ in range(rank))
    dilation = tuple(draw(st.integers(1, 2)) for _ in range(rank))
    pads = tuple((draw(st.integers(0, 2)), draw(st.integers(0, 2))) for _ in range(rank))
    strides = tuple(draw(sizes) for _ in range(rank))
    lengths = tuple(
        max(1, d * (k - 1) + 1 - sum(p)) + draw(st.integers(0, 3))
        for k, d, p in zip(kernel, dilation, pads, strict=True)
    )
    return {"kernel": kernel, "dilation": dilation, "pad": pads, "stride": strides}, lengths


def slides(options, lengths):
    """Return the starts of the windows on each axis."""
    dilations = options.get("dilation", (1,) * len(lengths))
    return [
        starts(length, d * (k - 1) + 1, s, *p)
        for length, k, d, s, p in zip(
            lengths, options["kernel"], dilations, options["stride"], options["pad"], strict=True
        )
    ]


@pytest.mark.parametrize(("kind", "rank"), [("conv1d", 1), ("conv", 2), ("conv3d", 3)])
@given(data=st.data(), groups=sizes, each=sizes, out_each=sizes, bias=st.sampled_from(["yes", "no", "position"]))
def test_convolutions(kind, rank, data, groups, each, out_each, bias):
    options, lengths = data.draw(windows(rank))
    literal = Literal()
    for place in product(*slides(options, lengths)):
        for out in range(groups * out_each):
            for tap in product(*map(range, options["kernel"])):
                for within in range(each):
                    literal.connect((place, out), (tap, within, out), (place, out) if bias == "position" else out)
    options |= {"out": groups * out_each, "groups": groups, "bias": bias}
    literal.agrees(count_layer(kind, options, ((*lengths, groups * each),)), bias=bias != "no")


@given(data=st.data(), channels=sizes, multiplier=sizes)
def test_depthwise(data, channels, multiplier):
    options, lengths = data.draw(windows(2))
    literal = Literal()
    for place in product(*slides(options, lengths)):
        for channel, copy in product(range(channels), range(multiplier)):
            for tap in product(*map(range, options["kernel"])):
                literal.connect((place, channel, copy), (tap, channel, copy), (channel, copy))
    literal.agrees(count_layer("depthwise", {**options, "multiplier": multiplier}, ((*lengths, channels),)), bias=True)


@given(data=st.data(), channels=sizes, multiplier=sizes, out=sizes)
def test_separable_is_a_depthwise_and_a_1x1_convolution(data, channels, multiplier, out):
    options, lengths = data.draw(windows(2))
    whole = count_layer("separable", {**options, "multiplier": multiplier, "out": out}, ((*lengths, channels),))
    first = count_layer("depthwise", {**options, "multiplier": multiplier, "bias": "no"}, ((*lengths, channels),))
    second = count_layer("conv", {"kernel": 1, "out": out}, (first.output,))
    assert whole.output == second.output
    for quantity in ("weights", "biases", "macs", "bias_adds"):
        assert getattr(whole, quantity) == getattr(first, quantity) + getattr(second, quantity)


@pytest.mark.parametrize(("kind", "rank"), [("transposed1d", 1), ("transposed", 2), ("transposed3d", 3)])
@given(data=st.data(), groups=sizes, each=sizes, out_each=sizes)
def test_transposed_convolutions(kind, rank, data, groups, each, out_each):
    """Every input position spreads over the taps; the outputs are those left by cutting the padding off."""
    options, lengths = data.draw(windows(rank))
    reaches = [
        set(range((length - 1) * s + d * (k - 1) + 1))
        for length, k, d, s in zip(lengths, options["kernel"], options["dilation"], options["stride"], strict=True)
    ]
    kept = [len(reach) - sum(pad) for reach, pad in zip(reaches, options["pad"], strict=True)]
    options |= {"out": groups * out_each, "groups": groups}
    if min(kept) < 1:
        with pytest.raises(ShapeError):
            count_layer(kind, options, ((*lengths, groups * each),))
        return
    count = count_layer(kind, options, ((*lengths, groups * each),))
    literal = Literal()
    for place, group, within, out in product(
        product(*map(range, lengths)), range(groups), range(each), range(out_each)
    ):
        for tap in product(*map(range, options["kernel"])):
            literal.connect((place, tap, out), (tap, group, within, out), (group, out))
    assert (count.macs, count.weights, count.biases) == (literal.macs, len(literal.weights), len(literal.biases))
    assert count.output == (*kept, groups * out_each)


@pytest.mark.parametrize(("kind", "rank"), [("local1d", 1), ("local", 2)])
@given(data=st.data(), channels=sizes, out=sizes)
def test_unshared_convolutions(kind, rank, data, channels, out):
    options, lengths = data.draw(windows(rank))
    literal = Literal()
    for place in product(*slides(options, lengths)):
        for tap in product(*map(range, options["kernel"])):
            for channel, to in product(range(channels), range(out)):
                literal.connect((place, to), (place, tap, channel, to), to)
    literal.agrees(count_layer(kind, {**options, "out": out}, ((*lengths, channels),)), bias=True)


@given(data=st.data(), channels=st.integers(1, 4), out=sizes)
def test_partial_connections(data, channels, out):
    options, lengths = data.draw(windows(2))
    table = [sorted(data.draw(st.sets(st.integers(0, channels - 1), min_size=1))) for _ in range(out)]
    literal = Literal()
    for place in product(*slides(options, lengths)):
        for to, row in enumerate(table):
            for tap in product(*map(range, options["kernel"])):
                for channel in row:
                    literal.connect((place, to), (tap, channel, to), to)
    literal.agrees(count_layer("partial", {**options, "out": out, "sees": table}, ((*lengths, channels),)), bias=True)


@pytest.mark.parametrize(("kind", "rank"), [("maxpool1d", 1), ("maxpool", 2), ("avgpool", 2), ("avgpool3d", 3)])
@given(data=st.data(), channels=sizes)
def test_pooling(kind, rank, data, channels):
    options, lengths = data.draw(windows(rank))
    if "avg" in kind:
        options["dilation"] = (1,) * rank
    operations = outputs = 0
    for _place in product(*slides(options, lengths)):
        for _channel in range(channels):
            outputs += 1
            window = len(list(product(*map(range, options["kernel"]))))
            operations += window - 1 if "max" in kind else window
    given_options = {key: value for key, value in options.items() if key != "dilation" or "max" in kind}
    count = count_layer(kind, given_options, ((*lengths, channels),))
    assert count.pool_ops == operations
    assert count.params == count.macs == 0
    assert outputs == len(list(product(*map(range, count.output))))


@given(height=st.integers(1, 9), width=st.integers(1, 9), out=st.integers(1, 4), channels=sizes)
def test_adaptive_pooling_sees_every_position(height, width, out, channels):
    def share(i, size):
        return range(i * size // out, -(-(i + 1) * size // out))

    seen = sum(len(share(i, height)) * len(share(j, width)) for i in range(out) for j in range(out))
    assert count_layer("adaptivepool", {"size": out}, ((height, width, channels),)).pool_ops == seen * channels
    counted = count_layer("adaptivemaxpool", {"size": out}, ((height, width, channels),))
    assert counted.pool_ops == (seen - out * out) * channels


@given(height=st.integers(1, 8), kernel=sizes, channels=sizes)
def test_trainable_pooling_has_kernel_plus_one_connections_an_output(height, kernel, channels):
    count = count_layer("subsample", {"kernel": kernel}, ((height, height, channels),))
    outputs = count.output[0] * count.output[1] * channels
    assert (count.weights, count.biases) == (channels, channels)
    assert count.connections == outputs * (kernel * kernel + 1)


@given(rows=st.lists(sizes, max_size=2), fan_in=st.integers(1, 6), out=st.integers(1, 6), bias=st.booleans())
def test_dense(rows, fan_in, out, bias):
    literal = Literal()
    for row in product(*map(range, rows)):
        for i, j in product(range(fan_in), range(out)):
            literal.connect((row, j), (i, j), j)
    options = {"out": out, "bias": bias, "over": "last"}
    literal.agrees(count_layer("dense", options, ((*rows, fan_in),)), bias=bias)


@given(height=sizes, width=sizes, channels=sizes, out=sizes)
def test_dense_flattens_a_map(height, width, channels, out):
    flat = count_layer("dense", {"out": out}, ((height * width * channels,),))
    counted = count_layer("dense", {"out": out}, ((height, width, channels),))
    assert (counted.params, counted.macs, counted.output) == (flat.params, flat.macs, (out,))
    assert "flattened" in counted.notes[0]


@given(queries=sizes, keys=sizes, heads=sizes, each=sizes, bias=st.booleans())
def test_attention(queries, keys, heads, each, bias):
    width = heads * each
    macs = 0
    for tokens in (queries, keys, keys, queries):  # the four projections
        macs += len(list(product(range(tokens), range(width), range(width))))
    macs += 2 * len(list(product(range(heads), range(queries), range(keys), range(each))))
    count = count_layer("attention", {"heads": heads, "bias": bias}, ((queries, width), (keys, width)))
    assert (count.macs, count.weights, count.biases) == (macs, 4 * width * width, 4 * width * bias)
    assert count.output == (queries, width)


@pytest.mark.parametrize(("kind", "gates", "vectors"), [("lstm", 4, 1), ("gru", 3, 2), ("rnn", 1, 1)])
@given(steps=sizes, features=sizes, units=sizes, both=st.booleans())
def test_recurrence(kind, gates, vectors, steps, features, units, both):
    literal = Literal()
    for way, step, gate, unit in product(range(1 + both), range(steps), range(gates), range(units)):
        for source in range(features + units):
            literal.connect((way, step, unit), (way, gate, source, unit))
    options = {"units": units, "bidirectional": both, "sequences": True}
    count = count_layer(kind, options, ((steps, features),))
    assert (count.macs, count.weights) == (literal.macs, len(literal.weights))
    assert count.biases == (1 + both) * gates * vectors * units
    assert count.output == (steps, (1 + both) * units)


@given(length=st.integers(1, 12), kernel=st.integers(1, 5), stride=sizes, before=st.integers(0, 2))
def test_ceil_mode_keeps_windows_that_begin_inside(length, kernel, stride, before):
    if length + 2 * before < kernel or before > kernel // 2:
        return
    begun = [
        place
        for place in range(-before, length, stride)
        if place - stride + kernel < length + before or place == -before
    ]
    options = {"kernel": kernel, "stride": stride, "pad": before, "ceil": True}
    assert count_layer("maxpool1d", options, ((length, 1),)).output == (len(begun), 1)


@given(length=st.integers(1, 20), kernel=st.integers(1, 5), stride=st.integers(1, 4), dilation=st.integers(1, 2))
def test_same_padding_is_tensorflows(length, kernel, stride, dilation):
    options = {"kernel": kernel, "out": 1, "stride": stride, "dilation": dilation}
    (window,) = count_layer("conv1d", options, ((length, 1),)).windows
    assert window.out == -(-length // stride)
    assert window.after - window.before in {0, 1}
    assert len(starts(length, window.extent, stride, window.before, window.after)) == window.out
