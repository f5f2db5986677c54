"""What ONNX files leave open, hold in odd places, or contradict: parameters are the file's own tensors all the same."""

from __future__ import annotations

import pytest

from dlmath.counting.engine.count import count
from dlmath.counting.engine.open_sizes import UNRANKED, is_open
from dlmath.counting.models.inputs import parse_given
from dlmath.counting.models.onnx import read_onnx

onnx = pytest.importorskip("onnx")
make_node, TensorProto = onnx.helper.make_node, onnx.TensorProto


def value(name, *shape, kind=TensorProto.FLOAT):
    return onnx.helper.make_tensor_value_info(name, kind, list(shape))


def weights(name, *shape):
    size = 1
    for axis in shape:
        size *= axis
    return onnx.helper.make_tensor(name, TensorProto.FLOAT, shape, bytes(4 * size), raw=True)


def integers(name, *numbers, shape=None):
    return onnx.helper.make_tensor(name, TensorProto.INT64, [len(numbers)] if shape is None else shape, numbers)


def counted(folder, nodes, inputs, held, outputs=None, *, opset=17, given=(), domains=()):
    outputs = [onnx.helper.make_empty_tensor_value_info(outputs or nodes[-1].output[0])]
    graph = onnx.helper.make_graph(nodes, "net", inputs, outputs, held)
    opsets = [onnx.helper.make_opsetid("", opset), *(onnx.helper.make_opsetid(domain, 1) for domain in domains)]
    path = folder / "net.onnx"
    path.write_bytes(onnx.helper.make_model(graph, opset_imports=opsets).SerializeToString())
    return count(read_onnx(str(path), parse_given(given)))


def view(opset):
    """Return x.view(-1), as exporters write it: Shape, Gather, Mul, Unsqueeze, Concat, Reshape; then Gemm 24 -> 5."""
    axes = {"axes": [0]} if opset < 13 else {}
    unsqueezed = ["m"] if opset < 13 else ["m", "zero"]
    return [
        make_node("Shape", ["x"], ["s"]),
        make_node("Gather", ["s", "i1"], ["a"]),
        make_node("Gather", ["s", "i2"], ["b"]),
        make_node("Mul", ["a", "b"], ["m"]),
        make_node("Unsqueeze", unsqueezed, ["u"], **axes),
        make_node("Concat", ["one", "u"], ["c"], axis=0),
        make_node("Reshape", ["x", "c"], ["r"]),
        make_node("Gemm", ["r", "w", "v"], ["y"], transB=1),
    ]


@pytest.mark.parametrize("opset", [9, 11, 12, 13, 17, 20])
def test_constants_are_folded_with_the_files_own_operators(tmp_path, opset):
    held = [integers("i1", 1, shape=[]), integers("i2", 2, shape=[]), integers("zero", 0), integers("one", 1)]
    net = counted(
        tmp_path, view(opset), [value("x", 1, 4, 6)], [*held, weights("w", 5, 24), weights("v", 5)], opset=opset
    )
    assert (net.params, net.macs, net.output_shape, net.at_least) == (125, 120, (5,), False)


@pytest.mark.parametrize("shape", [("N", 3, "H", "W"), ("N", 3, None, None), (None, 3, 8, "W")])
def test_parameters_need_no_shape(tmp_path, shape):
    nodes = [
        make_node("Conv", ["x", "w", "b"], ["c"], pads=[1, 1, 1, 1]),
        make_node("GlobalAveragePool", ["c"], ["p"]),
        make_node("Flatten", ["p"], ["f"]),
        make_node("Gemm", ["f", "g", "h"], ["y"], transB=1),
    ]
    held = [weights("w", 4, 3, 3, 3), weights("b", 4), weights("g", 5, 4), weights("h", 5)]
    net = counted(tmp_path, nodes, [value("x", *shape)], held)
    assert (net.params, net.output_shape) == (108 + 4 + 20 + 5, (5,))
    assert is_open(net.figure("macs"))
    assert net.rows[-1].macs == 20  # what does not rest on the open sizes is known
    whole = counted(tmp_path, nodes, [value("x", *shape)], held, given=["8x8x3"])
    assert (whole.params, whole.macs, whole.macs_unknown) == (net.params, 64 * 108 + 20, None)


def test_an_unknown_shape_flows_on_as_unknown(tmp_path):
    nodes = [make_node("Mystery", ["x"], ["m"], domain="my"), make_node("Gemm", ["m", "w"], ["y"], transB=1)]
    net = counted(tmp_path, nodes, [value("x", 1, 6)], [weights("w", 5, 24)], domains=["my"])
    assert net.params == 120
    assert is_open(net.rows[-1].macs)
    assert net.at_least


def test_files_with_several_inputs_take_shapes_by_name(tmp_path):
    nodes = [make_node("MatMul", ["x", "w"], ["a"]), make_node("Add", ["a", "z"], ["y"])]
    inputs = [value("x", "N", "L", 6), value("z", "N", "L", 4)]
    net = counted(tmp_path, nodes, inputs, [weights("w", 6, 4)])
    assert net.params == 24
    assert is_open(net.figure("macs"))
    net = counted(tmp_path, nodes, inputs, [weights("w", 6, 4)], given=["x=7x6", "z=7x4"])
    assert (net.macs, net.output_shape) == (7 * 24, (7, 4))


def test_weights_in_constant_nodes(tmp_path):
    nodes = [
        make_node("Constant", [], ["w"], value=weights("w", 4, 3, 3, 3)),
        make_node("Constant", [], ["b"], value=weights("b", 4)),
        make_node("Conv", ["x", "w", "b"], ["y"]),
    ]
    net = counted(tmp_path, nodes, [value("x", 1, 3, 5, 5)], [])
    assert (net.params, net.macs) == (112, 9 * 108)


def test_weights_fed_as_inputs(tmp_path):
    inputs = [value("x", 1, 3, 5, 5), value("w", 4, 3, 3, 3), value("b", 4)]
    net = counted(tmp_path, [make_node("Conv", ["x", "w", "b"], ["y"])], inputs, [])
    assert (net.params, net.macs) == (112, 9 * 108)
    assert net.network.input_shapes == ((5, 5, 3),)


@pytest.mark.parametrize("way", ["Expand", "Tile", "ConstantOfShape"])
def test_a_class_token_is_a_side_of_its_own(tmp_path, way):
    first = {
        "Expand": make_node("Expand", ["token", "to"], ["t"]),
        "Tile": make_node("Tile", ["token", "times"], ["t"]),
        "ConstantOfShape": make_node("ConstantOfShape", ["to"], ["t"]),
    }[way]
    nodes = [first, make_node("Concat", ["t", "x"], ["c"], axis=1), make_node("MatMul", ["c", "w"], ["y"])]
    held = [weights("token", 1, 1, 4), integers("to", 1, 1, 4), integers("times", 1, 1, 1), weights("w", 4, 16)]
    net = counted(tmp_path, nodes, [value("x", 1, 9, 4)], held)
    assert (net.macs, net.output_shape) == (640, (10, 16))
    assert net.params == 64 + (4 if way != "ConstantOfShape" else 0)


def test_tensors_count_once_however_they_are_used(tmp_path):
    nodes = [
        make_node("Identity", ["b"], ["b2"]),
        make_node("Conv", ["x", "w", "b"], ["c"]),
        make_node("Conv", ["c", "v", "b2"], ["d"]),
        make_node("Conv", ["d", "v", "b"], ["y"]),
    ]
    held = [weights("w", 4, 3, 1, 1), weights("v", 4, 4, 1, 1), weights("b", 4)]
    net = counted(tmp_path, nodes, [value("x", 1, 3, 2, 2)], held)
    assert (net.params, net.total("biases"), net.macs) == (12 + 16 + 4, 4, 4 * (12 + 16 + 16))


def test_slopes_are_those_of_the_file(tmp_path):
    net = counted(tmp_path, [make_node("PRelu", ["x", "s"], ["y"])], [value("x", 1, 3, 4, 5)], [weights("s", 3, 1, 1)])
    assert net.params == 3


def test_weights_made_of_weights_hold_what_they_are_made_of(tmp_path):
    """Weight normalisation: g v / |v|, all before any input comes."""
    nodes = [make_node("Mul", ["v", "g"], ["w"]), make_node("Conv", ["x", "w"], ["y"])]
    net = counted(tmp_path, nodes, [value("x", 1, 3, 4, 4)], [weights("v", 4, 3, 1, 1), weights("g", 4, 1, 1, 1)])
    assert (net.params, net.macs) == (16, 16 * 12)


def test_parts_of_a_tensor_are_counted_by_part(tmp_path):
    nodes = [
        make_node("Split", ["w"], ["q", "k"], axis=1),
        make_node("MatMul", ["x", "q"], ["a"]),
        make_node("MatMul", ["x", "k"], ["b"]),
        make_node("Add", ["a", "b"], ["y"]),
    ]
    net = counted(tmp_path, nodes, [value("x", 1, 7, 4)], [weights("w", 4, 10)])
    assert (net.params, net.macs) == (40, 7 * 40)


def test_einsum_and_products_with_other_operands(tmp_path):
    nodes = [
        make_node("Einsum", ["x", "z"], ["e"], equation="bhid,bhjd->bhij"),
        make_node("Einsum", ["e", "w"], ["y"], equation="bhij,hjk->bhik"),
    ]
    inputs = [value("x", 1, 2, 5, 3), value("z", 1, 2, 7, 3)]
    net = counted(tmp_path, nodes, inputs, [weights("w", 2, 7, 4)])
    assert (net.params, net.macs) == (56, 2 * 5 * 7 * 3 + 2 * 5 * 7 * 4)


def test_quantised_operators_count_as_what_they_quantise(tmp_path):
    int8 = onnx.helper.make_tensor("w", TensorProto.INT8, [4, 3, 3, 3], bytes(108), raw=True)
    zero = onnx.helper.make_tensor("z", TensorProto.UINT8, [], b"\0", raw=True)
    signed = onnx.helper.make_tensor("wz", TensorProto.INT8, [], b"\0", raw=True)
    bias = onnx.helper.make_tensor("b", TensorProto.INT32, [4], bytes(16), raw=True)
    x = value("x", 1, 3, 5, 5, kind=TensorProto.UINT8)
    net = counted(tmp_path, [make_node("ConvInteger", ["x", "w", "z"], ["y"])], [x], [int8, zero])
    assert (net.params, net.macs) == (108, 9 * 108)
    scale = weights("s")
    names = ["x", "s", "z", "w", "s", "wz", "s", "z", "b"]
    net = counted(tmp_path, [make_node("QLinearConv", names, ["y"])], [x], [int8, zero, signed, scale, bias])
    assert (net.params, net.macs) == (112, 9 * 108)


def body(name, nodes, outputs, inputs=(), held=()):
    empty = onnx.helper.make_empty_tensor_value_info
    return onnx.helper.make_graph(list(nodes), name, list(inputs), [empty(output) for output in outputs], list(held))


def test_both_branches_are_held_and_one_runs(tmp_path):
    small = body("then", [make_node("MatMul", ["x", "a"], ["t"])], ["t"], held=[weights("a", 4, 4)])
    large = body(
        "else", [make_node("MatMul", ["x", "b"], ["h"]), make_node("MatMul", ["h", "c"], ["e"])], ["e"],
        held=[weights("b", 4, 8), weights("c", 8, 4)],
    )  # fmt: skip
    inputs = [value("x", 1, 5, 4), value("flag", kind=TensorProto.BOOL)]
    net = counted(tmp_path, [make_node("If", ["flag"], ["y"], then_branch=small, else_branch=large)], inputs, [])
    assert (net.params, net.macs) == (16 + 32 + 32, 5 * 64)


def test_a_body_runs_as_often_as_its_loop_turns(tmp_path):
    inside = body(
        "body",
        [make_node("MatMul", ["h", "w"], ["g"]), make_node("Identity", ["go"], ["on"])],
        ["on", "g"],
        [value("n", kind=TensorProto.INT64), value("go", kind=TensorProto.BOOL), value("h", 1, 4)],
    )
    nodes = [make_node("Loop", ["turns", "", "x"], ["y"], body=inside)]
    held = [integers("turns", 6, shape=[]), weights("w", 4, 4)]
    net = counted(tmp_path, nodes, [value("x", 1, 4)], held)
    assert (net.params, net.macs, net.output_shape) == (16, 6 * 16, (4,))


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        ("Where", ["flag", "x", "x"]),
        ("Equal", ["x", "x"]),
        ("ArgMax", ["x"]),
        ("CumSum", ["x", "axis"]),
        ("Trilu", ["x"]),
    ],
)
def test_operators_without_multiply_accumulates_leave_nothing_out(tmp_path, kind, names):
    inputs = [value("x", 1, 4, 4), value("flag", 1, 4, 4, kind=TensorProto.BOOL)]
    net = counted(tmp_path, [make_node(kind, names, ["y"])], inputs, [integers("axis", 1, shape=[])])
    assert (net.uncounted, net.at_least, net.macs) == ((), False, 0)


def test_one_line_an_operator_however_often_it_stands(tmp_path):
    nodes = [
        make_node("Mystery", [before], [after], domain="my") for before, after in zip("xabcd", "abcdy", strict=True)
    ]
    net = counted(tmp_path, nodes, [value("x", 1, 6)], [], domains=["my"])
    assert [(left.kind, left.times) for left in net.uncounted] == [("Mystery", 5)]
    assert net.output_shape is UNRANKED


def test_attention_in_its_spellings(tmp_path):
    plain = [make_node("Attention", ["q", "k", "v"], ["y"])]
    inputs = [value("q", 1, 4, 6, 8), value("k", 1, 4, 9, 8), value("v", 1, 4, 9, 5)]
    assert counted(tmp_path, plain, inputs, [], opset=23).macs == 4 * 6 * 9 * (8 + 5)
    joint = [make_node("Attention", ["x", "w", "b"], ["y"], domain="com.microsoft", num_heads=4)]
    held = [weights("w", 16, 48), weights("b", 48)]
    net = counted(tmp_path, joint, [value("x", 1, 7, 16)], held, domains=["com.microsoft"])
    assert (net.params, net.macs) == (16 * 48 + 48, 7 * 16 * 48 + 2 * 49 * 16)
    many = [make_node("MultiHeadAttention", ["q", "k", "v"], ["y"], domain="com.microsoft", num_heads=4)]
    inputs = [value("q", 1, 6, 16), value("k", 1, 9, 16), value("v", 1, 9, 16)]
    assert counted(tmp_path, many, inputs, [], domains=["com.microsoft"]).macs == 2 * 6 * 9 * 16
    heads = {"num_heads": 4, "kv_num_heads": 2}
    grouped = [make_node("GroupQueryAttention", ["q", "k", "v"], ["y"], domain="com.microsoft", **heads)]
    inputs = [value("q", 1, 6, 16), value("k", 1, 6, 8), value("v", 1, 6, 8)]
    assert counted(tmp_path, grouped, inputs, [], domains=["com.microsoft"]).macs == 2 * 6 * 6 * 16


def test_integer_products_and_deformed_windows(tmp_path):
    int8 = onnx.helper.make_tensor("w", TensorProto.INT8, [6, 4], bytes(24), raw=True)
    x = value("x", 1, 5, 6, kind=TensorProto.UINT8)
    net = counted(tmp_path, [make_node("MatMulInteger", ["x", "w"], ["y"])], [x], [int8])
    assert (net.params, net.macs) == (24, 5 * 24)
    inputs = [value("x", 1, 3, 5, 5), value("o", 1, 18, 3, 3)]
    nodes = [make_node("DeformConv", ["x", "w", "o", "b"], ["y"])]
    net = counted(tmp_path, nodes, inputs, [weights("w", 4, 3, 3, 3), weights("b", 4)], opset=19)
    assert (net.params, net.macs) == (112, 9 * 108)


def test_a_quantised_lstm_has_its_gates_last(tmp_path):
    names = ["x", "w", "r", "b", "", "", "", "", "", "", "", ""]
    node = make_node("DynamicQuantizeLSTM", names, ["y"], domain="com.microsoft", hidden_size=4)
    held = [weights("w", 1, 5, 16), weights("r", 1, 4, 16), weights("b", 1, 32)]
    net = counted(tmp_path, [node], [value("x", 7, 1, 5)], held, domains=["com.microsoft"])
    assert (net.params, net.macs) == (80 + 64 + 32, 7 * 16 * (5 + 4))


def test_a_graph_written_for_a_batch_is_counted_for_it_where_it_must_be(tmp_path):
    nodes = [make_node("Reshape", ["x", "to"], ["r"]), make_node("MatMul", ["r", "w"], ["y"])]
    held = [integers("to", 4, 6), weights("w", 6, 3)]
    net = counted(tmp_path, nodes, [value("x", 4, 2, 3)], held)
    assert net.macs == 4 * 18
    assert any("batch of 4" in note for note in net.notes)
