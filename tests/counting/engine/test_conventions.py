"""Conventions against published ResNet-50 figures and against what the tools said when they were run.

Tool versions: torchinfo 1.8.0, fvcore 0.1.5, ptflops 0.7.5 (aten), thop 0.1.1, torch 2.13.0;
experiments/benchmarks/param_count_conventions.py runs them again on whole networks.
"""

import pytest

from dlmath.counting.engine.conventions import (
    CONVENTIONS,
    convention_for,
    read_as,
    reconcile,
)
from dlmath.counting.engine.count import count
from dlmath.counting.engine.graph import Network, Node, chain
from dlmath.errors import InvalidValueError

TOOLS = ("torchvision", "torchinfo", "fvcore", "ptflops", "thop")


def resnet50():
    """Return torchvision's ResNet-50: bottlenecks with the stride in their 3x3 convolution."""
    nodes = [Node("image", "input", {"shape": (224, 224, 3)})]

    def add(kind, *sources, **options):
        nodes.append(Node(f"{kind}{len(nodes)}", kind, options, sources or (len(nodes) - 1,)))
        return len(nodes) - 1

    def normed(source, out, kernel, stride=1):
        add("conv", source, kernel=kernel, out=out, stride=stride, pad=kernel // 2, bias="no")
        return add("batchnorm")

    normed(0, 64, 7, 2)
    add("relu")
    last = add("maxpool", kernel=3, stride=2, pad=1)
    for width, blocks, step in ((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2)):
        for number in range(blocks):
            stride, start = step if number == 0 else 1, last
            normed(start, width, 1)
            normed(add("relu"), width, 3, stride)
            main = normed(add("relu"), 4 * width, 1)
            shortcut = normed(start, 4 * width, 1, stride) if number == 0 else start
            add("add", main, shortcut)
            last = add("relu")
    add("globalpool")
    add("dense", out=1000)
    return Network("resnet50", tuple(nodes), (len(nodes) - 1,))


@pytest.fixture(scope="module")
def counted():
    return count(resnet50())


@pytest.mark.parametrize(
    ("name", "operations"),
    [
        ("torchvision", 4_089_184_256),
        ("torchinfo", 4_089_238_376),
        ("ptflops", 4_089_185_256),
        ("fvcore", 4_111_512_576),
        ("thop", 4_133_742_592),
        ("paper", 4_089_184_256),
    ],
)
def test_resnet50_as_each_tool_counts_it(counted, name, operations):
    reading = read_as(counted, name)
    assert (reading.params, reading.operations) == (25_557_032, operations)


def test_resnet50_differences_line_by_line(counted):
    lines = {reading.name: [line.value for line in reading.operations_lines[1:]] for reading in reconcile(counted)}
    elements = 11_113_984  # that batch norms see
    assert lines["torchvision"] == []
    assert lines["torchinfo"] == [1000, 53_120]
    assert lines["ptflops"] == [1000]
    assert lines["fvcore"] == [2 * elements, 7 * 7 * 2048]
    assert lines["thop"] == [4 * elements, 7 * 7 * 2048 + 2048]


def test_keras_resnet50(counted):
    reading = read_as(counted, "keras")
    assert [line.value for line in reading.params_lines] == [25_557_032, 53_120]
    assert "26,560 more, 25,636,712 in all" in reading.notes[0]


LAYERS = [
    # layer on its input: operations as torchvision (PyTorch's counter), torchinfo, fvcore, ptflops, thop gave them
    ("dense", {"out": 4}, (7, 5), (140, 24, 140, 168, 140)),
    ("dense", {"out": 4, "bias": False}, (7, 5), (140, 20, 140, 140, 140)),
    ("transposed", {"kernel": 2, "out": 5, "stride": 2, "pad": 0}, (7, 7, 3), (2940, 12740, 2940, 3920, 11760)),
    ("conv1d", {"kernel": 3, "out": 4, "pad": 0}, (9, 3), (252, 280, 252, 280, 252)),
    ("conv", {"kernel": 3, "out": 6, "pad": 0, "groups": 2}, (9, 9, 4), (5292, 5586, 5292, 5586, 5292)),
    ("conv3d", {"kernel": 2, "out": 3, "pad": 0}, (5, 5, 5, 2), (3072, 3264, 3072, 3264, 3072)),
    ("layernorm", {}, (7, 5), (0, 10, 175, 0, 140)),
    ("groupnorm", {"groups": 2}, (5, 5, 4), (0, 8, 500, 0, 0)),
    ("instancenorm", {}, (5, 5, 4), (0, 0, 400, 0, 200)),
    ("instancenorm", {"scale": True, "center": True}, (5, 5, 4), (0, 8, 500, 0, 400)),
    ("rmsnorm", {}, (7, 5), (0, 5, 0, 0, 0)),
    ("batchnorm", {}, (5, 5, 4), (0, 8, 200, 0, 400)),
    ("batchnorm", {"scale": False, "center": False}, (5, 5, 4), (0, 0, 100, 0, 200)),
    ("batchnorm", {"frozen": True}, (5, 5, 4), (0, 0, 0, 0, 0)),
    ("prelu", {}, (5, 5, 4), (0, 4, 0, 0, 100)),
    ("relu", {}, (5, 5, 4), (0, 0, 0, 0, 0)),
    ("softmax", {}, (7, 5), (0, 0, 0, 0, 98)),
    ("embedding", {"words": 50, "out": 8}, (7,), (0, 400, 0, 0, 0)),
    ("avgpool", {"kernel": 2, "stride": 2}, (6, 6, 4), (0, 0, 0, 0, 36)),
    ("maxpool", {"kernel": 2, "stride": 2}, (6, 6, 4), (0, 0, 0, 0, 0)),
    ("adaptivepool", {"size": 3}, (7, 6, 4), (0, 0, 168, 0, 204)),
    ("globalpool", {}, (7, 6, 4), (0, 0, 168, 0, 172)),
    ("globalmaxpool", {}, (7, 6, 4), (0, 0, 0, 0, 0)),
    ("upsample", {"factor": 2}, (7, 6, 4), (0, 0, 672, 0, 672)),
    ("upsample", {"factor": 2, "mode": "bilinear"}, (7, 6, 4), (0, 0, 2688, 0, 7392)),
    ("attention", {"heads": 3}, (7, 12), (5208, 0, 4032, 4368, 0)),
    ("lstm", {"units": 4, "biases": 2}, (7, 5), (1008, 1232, 0, 0, 1456)),
    ("lstm", {"units": 4, "biases": 2, "bidirectional": True}, (7, 5), (2016, 2464, 0, 0, 2912)),
    ("gru", {"units": 4, "biases": 2}, (7, 5), (756, 924, 0, 924, 1120)),
    ("rnn", {"units": 4, "biases": 2}, (7, 5), (252, 308, 0, 308, 336)),
]


@pytest.mark.parametrize(("kind", "options", "shape", "operations"), LAYERS, ids=lambda value: str(value)[:30])
def test_single_layers_as_the_tools_counted_them(kind, options, shape, operations):
    one = count(chain("one", shape, [(kind, options)]))
    assert tuple(read_as(one, name).operations for name in TOOLS) == operations


@pytest.mark.parametrize("name", CONVENTIONS)
def test_lines_and_rows_both_add_up(counted, name):
    reading, convention = read_as(counted, name), convention_for(counted, name)
    assert reading.params == sum(item.value(row) * row.held for item in convention.params for row in counted.rows)
    assert reading.operations == sum(
        item.value(row) * row.runs for item in convention.operations for row in counted.rows
    )
    assert reading.params_lines[0].value == counted.params or name == "ptflops"
    assert reading.operations_lines[0].value == counted.macs


@pytest.mark.parametrize("name", CONVENTIONS)
def test_every_item_takes_every_layer(name):
    for kind, options, shape, _ in LAYERS:
        row = count(chain("one", shape, [(kind, options)])).rows[0]
        for item in (*CONVENTIONS[name].params, *CONVENTIONS[name].operations):
            assert isinstance(item.value(row), int)


def test_layers_that_share_parameters_and_run_often():
    nodes = (
        Node("x", "input", {"shape": (6,)}),
        Node("a", "dense", {"out": 6}, (0,)),
        Node("b", "dense", {"out": 6}, (1,), shares="a", times=10),
    )
    counted = count(Network("shared", nodes, (2,)))
    assert {name: read_as(counted, name).params for name in TOOLS} == dict.fromkeys(TOOLS, 42)
    assert read_as(counted, "ptflops").operations == 11 * 42


def test_frozen_parameters_are_none_to_ptflops():
    nodes = (Node("x", "input", {"shape": (6,)}), Node("a", "dense", {"out": 6}, (0,), frozen=True))
    counted = count(Network("frozen", nodes, (1,)))
    assert [read_as(counted, name).params for name in ("ptflops", "thop")] == [0, 42]


def test_lecuns_papers_count_connections():
    # LeNet-5's C1 and S2: 122,304 and 5,880 connections (LeCun et al. 1998, section II.B)
    layers = [("conv", {"kernel": 5, "out": 6, "pad": 0}), ("subsample", {"kernel": 2, "stride": 2})]
    reading = read_as(count(chain("lenet", (32, 32, 1), layers)), "paper")
    assert (reading.says, reading.params, reading.operations) == ("connections", 156 + 12, 122_304 + 5_880)


def test_an_unknown_convention_names_the_nearest(counted):
    with pytest.raises(InvalidValueError, match="did you mean 'torchinfo'"):
        read_as(counted, "torchinf")
