"""ONNX graphs made node by node: counts, initialisers counted once, chains that compute shapes, damage."""

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlmath.counting.engine.count import Uncounted, count
from dlmath.counting.engine.open_sizes import is_open
from dlmath.counting.models.onnx import read_onnx
from dlmath.errors import InvalidValueError, MissingExtraError, UnreadableError


def test_without_the_package_the_error_says_how_to_install_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    (tmp_path / "net.onnx").write_bytes(b"x")
    with pytest.raises(MissingExtraError, match=r"pip install 'dlmath\[onnx\]'"):
        read_onnx(str(tmp_path / "net.onnx"))


onnx = pytest.importorskip("onnx")


def node(kind, inputs, output, name=None, **attributes):
    return onnx.helper.make_node(kind, inputs.split(), output.split(), name=name or output.split()[0], **attributes)


def value(name, *shape, kind=onnx.TensorProto.FLOAT):
    return onnx.helper.make_tensor_value_info(name, kind, list(shape))


def weights(name, *shape):
    size = 1
    for axis in shape:
        size *= axis
    return onnx.helper.make_tensor(name, onnx.TensorProto.FLOAT, shape, bytes(4 * size), raw=True)


def integers(name, *numbers):
    return onnx.helper.make_tensor(name, onnx.TensorProto.INT64, [len(numbers)], numbers)


def model(nodes, inputs, held, outputs=None):
    outputs = outputs or [onnx.helper.make_empty_tensor_value_info(nodes[-1].output[0])]
    graph = onnx.helper.make_graph(nodes, "net", inputs, outputs, held)
    return onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 20)])


def saved(folder, made):
    path = folder / "net.onnx"
    path.write_bytes(made.SerializeToString())
    return str(path)


def counted(folder, *parts, inputs=()):
    return count(read_onnx(saved(folder, model(*parts)), inputs))


def block():
    nodes = [
        node("Conv", "x w b", "c", pads=[1, 1, 1, 1], strides=[2, 2], kernel_shape=[3, 3]),
        node("BatchNormalization", "c scale shift mean var", "n"),
        node("Relu", "n", "r"),
        node("Conv", "r d", "e", group=8, pads=[1, 1, 1, 1]),
        node("Add", "e r", "s"),
        node("GlobalAveragePool", "s", "p"),
        node("Flatten", "p", "f"),
        node("Gemm", "f g h", "y", transB=1),
    ]
    held = [weights("w", 8, 3, 3, 3), weights("b", 8), weights("d", 8, 1, 3, 3), weights("g", 5, 8), weights("h", 5)]
    return nodes, [value("x", 1, 3, 8, 6)], held + [weights(name, 8) for name in ("scale", "shift", "mean", "var")]


def test_a_convolutional_network(tmp_path):
    net = counted(tmp_path, *block())
    assert (net.params, net.total("buffers")) == (216 + 8 + 16 + 72 + 45, 16)
    assert net.macs == 12 * (216 + 72) + 40
    assert net.network.input_shapes == ((8, 6, 3),)
    assert net.output_shape == (5,)
    assert net.rows[0].output == (4, 3, 8)


def test_sizes_may_be_given_and_must_be_when_they_are_open(tmp_path):
    nodes, _, held = block()
    parts = nodes, [value("x", "N", 3, "H", "W")], held
    assert counted(tmp_path, *parts, inputs=[(8, 6, 3)]).macs == counted(tmp_path, *block()).macs
    open_net = counted(tmp_path, *parts)
    assert open_net.params == counted(tmp_path, *block()).params
    assert is_open(open_net.figure("macs"))
    assert open_net.macs_unknown == "the size of the input is open: x is ?x?x3"
    with pytest.raises(InvalidValueError, match="1 inputs and 2 shapes"):
        counted(tmp_path, *parts, inputs=[(8, 6, 3), (1, 1, 1)])


def test_an_initialiser_used_twice_is_counted_once(tmp_path):
    nodes = [node("MatMul", "x w", "a"), node("Relu", "a", "r"), node("MatMul", "r w", "y")]
    net = counted(tmp_path, nodes, [value("x", 1, 7, 6)], [weights("w", 6, 6)])
    assert (net.params, net.macs) == (36, 2 * 7 * 36)
    assert net.rows[-1].node.shares == "a"


def test_a_tied_embedding(tmp_path):
    nodes = [
        node("Gather", "w x", "e"),
        node("Transpose", "w", "t", perm=[1, 0]),
        node("MatMul", "e t", "m"),
        node("Add", "m b", "y"),
    ]
    ids = value("x", 1, 7, kind=onnx.TensorProto.INT64)
    net = counted(tmp_path, nodes, [ids], [weights("w", 50, 6), weights("b", 50)])
    assert (net.params, net.macs, net.output_shape) == (300 + 50, 7 * 300, (7, 50))


@pytest.mark.parametrize(("first", "second", "params"), [("b", "b", 41), ("b", "c", 46), ("b", "", 41), ("", "c", 41)])
def test_shared_weights_with_their_own_biases(tmp_path, first, second, params):
    nodes = [node("Gemm", f"x w {first}", "a"), node("Gemm", f"z w {second}", "y")]
    held = [weights("w", 6, 6), weights("b", 6), weights("c", 6)]
    params = 36 + 6 * len({first, second} - {""})
    assert counted(tmp_path, nodes, [value("x", 1, 6), value("z", 1, 6)], held).params == params


def test_a_product_and_an_addition_are_a_dense_layer(tmp_path):
    nodes = [node("MatMul", "x w", "a"), node("Add", "b a", "y")]
    net = counted(tmp_path, nodes, [value("x", 1, 7, 6)], [weights("w", 6, 4), weights("b", 4)])
    assert [row.node.kind for row in net.rows] == ["dense"]
    assert (net.params, net.total("bias_adds")) == (28, 28)


def test_attention_made_of_products(tmp_path):
    def heads(name, perm):
        return [node("Reshape", f"{name} parts", f"{name}r"), node("Transpose", f"{name}r", f"{name}t", perm=perm)]

    nodes = [node("MatMul", f"x w{name}", name) for name in "qkv"]
    nodes += [*heads("q", [0, 2, 1, 3]), *heads("k", [0, 2, 3, 1]), *heads("v", [0, 2, 1, 3])]
    nodes += [node("MatMul", "qt kt", "scores"), node("Softmax", "scores", "soft"), node("MatMul", "soft vt", "sums")]
    nodes += [node("Transpose", "sums", "st", perm=[0, 2, 1, 3]), node("Reshape", "st back", "y")]
    held = [weights(f"w{name}", 12, 12) for name in "qkv"]
    held += [integers("parts", 1, 7, 3, 4), integers("back", 1, 7, 12)]
    net = counted(tmp_path, nodes, [value("x", 1, 7, 12)], held)
    assert net.macs == 3 * 7 * 144 + 2 * 3 * 49 * 4
    assert (net.output_shape, net.uncounted) == ((7, 12), ())


def test_a_shape_that_the_graph_computes(tmp_path):
    nodes = [
        node("Shape", "x", "s"),
        node("Gather", "s zero", "n"),
        node("Concat", "n rest", "to", axis=0),
        node("Reshape", "x to", "f"),
        node("MatMul", "f w", "y"),
    ]
    held = [integers("zero", 0), integers("rest", -1), weights("w", 60, 2)]
    net = counted(tmp_path, nodes, [value("x", 1, 3, 4, 5)], held)
    assert (net.params, net.macs, net.uncounted) == (120, 120, ())


@pytest.mark.parametrize(
    ("kind", "attributes", "shape", "output"),
    [
        ("MaxPool", {"kernel_shape": [3, 3], "strides": [2, 2]}, (1, 4, 9, 7), (4, 3, 4)),
        ("MaxPool", {"kernel_shape": [2, 2], "strides": [2, 2], "ceil_mode": 1}, (1, 4, 9, 7), (5, 4, 4)),
        ("AveragePool", {"kernel_shape": [3, 3], "auto_pad": "SAME_UPPER", "strides": [2, 2]}, (1, 4, 9, 7), (5, 4, 4)),
        ("GlobalMaxPool", {}, (1, 4, 9, 7), (1, 1, 4)),
        ("LRN", {"size": 5}, (1, 4, 9, 7), (9, 7, 4)),
        ("Softmax", {}, (1, 7, 5), (7, 5)),
        ("Transpose", {"perm": [0, 2, 1]}, (1, 7, 5), (5, 7)),
        ("DepthToSpace", {"blocksize": 2}, (1, 4, 3, 5), (1, 6, 10)),
        ("Flatten", {}, (1, 4, 3), (12,)),
        ("HardSwish", {}, (1, 4, 3), (4, 3)),
    ],
)
def test_operators_give_the_shapes_onnx_infers(tmp_path, kind, attributes, shape, output):
    net = counted(tmp_path, [node(kind, "x", "y", **attributes)], [value("x", *shape)], [])
    assert (net.output_shape, net.uncounted) == (output, ())


def test_branches_join(tmp_path):
    nodes = [
        node("Conv", "x w", "a"),
        node("Conv", "x w", "b"),
        node("Concat", "a b", "c", axis=1),
        node("Split", "c", "d e", num_outputs=2, axis=1),
        node("Mul", "d e", "m"),
        node("ReduceMean", "m axes", "y", keepdims=0),
    ]
    net = counted(tmp_path, nodes, [value("x", 1, 3, 5, 5)], [weights("w", 4, 3, 1, 1), integers("axes", 2, 3)])
    assert (net.params, net.macs, net.output_shape, net.uncounted) == (12, 600, (4,), ())


@pytest.mark.parametrize(("kind", "gates", "direction"), [("LSTM", 4, "forward"), ("GRU", 3, "bidirectional")])
def test_recurrence(tmp_path, kind, gates, direction):
    ways = 2 if direction == "bidirectional" else 1
    held = [weights("w", ways, gates * 4, 5), weights("r", ways, gates * 4, 4), weights("b", ways, 2 * gates * 4)]
    nodes = [node(kind, "x w r b", "y h", hidden_size=4, direction=direction)]
    net = counted(tmp_path, nodes, [value("x", 7, 1, 5)], held, [value("y", 7, ways, 1, 4)])
    assert net.params == ways * gates * 4 * (5 + 4 + 2)


def test_an_unknown_operator_is_named_and_its_work_is_missing(tmp_path):
    nodes = [node("Mystery", "x w", "m", domain="my"), node("Relu", "m", "y")]
    made = model(nodes, [value("x", 1, 6)], [weights("w", 6, 6)])
    made.opset_import.append(onnx.helper.make_opsetid("my", 1))
    net = count(read_onnx(saved(tmp_path, made)))
    assert net.params == 36
    assert net.uncounted == (Uncounted("Mystery", 1, "there is no rule for it: its MACs are not known"),)
    assert net.at_least


def test_what_no_layer_uses_is_named(tmp_path):
    net = counted(tmp_path, [node("Relu", "x", "y")], [value("x", 1, 6)], [weights("spare", 6, 6)])
    assert net.params == 0
    assert "spare" in net.network.notes[0]


def test_tensors_in_other_files_are_not_wanted(tmp_path):
    held = weights("w", 6, 6)
    held.ClearField("raw_data")
    held.data_location = onnx.TensorProto.EXTERNAL
    held.external_data.append(onnx.StringStringEntryProto(key="location", value="weights.bin"))
    assert counted(tmp_path, [node("MatMul", "x w", "y")], [value("x", 1, 6)], [held]).params == 36


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        (([node("Conv", "x w", "y")], [value("x", 1, 3, 2, 2)], [weights("w", 4, 3, 3, 3)]), "no output is left"),
        (([node("MaxPool", "x", "y")], [value("x", 1, 3, 2, 2)], []), "kernel_shape"),
        (([node("Add", "x z", "y")], [value("x", 1, 3), value("z", 1, 4)], []), "cannot join"),
    ],
)
def test_a_node_that_contradicts_itself_is_one_note(tmp_path, parts, words):
    nodes, inputs, held = parts
    net = counted(tmp_path, [*nodes, node("Relu", "y", "z2")], inputs, held)
    assert net.params == sum(108 for _ in held)
    (note,) = (note for note in net.notes if "contradicts" in note)
    assert words in note


def attempt(path):
    try:
        count(read_onnx(str(path)))
    except UnreadableError:
        return False
    return True


def test_a_file_cut_anywhere_is_one_error(tmp_path):
    content = model([node("MatMul", "x w", "y")], [value("x", 1, 3)], [weights("w", 3, 2)]).SerializeToString()
    path = tmp_path / "net.onnx"
    for length in range(len(content)):
        path.write_bytes(content[:length])
        assert not attempt(path), length


def test_a_byte_changed_anywhere_is_a_network_or_one_error(tmp_path):
    content = model(*block()).SerializeToString()
    path = tmp_path / "net.onnx"
    for place in range(0, len(content), 5):
        path.write_bytes(content[:place] + bytes([content[place] ^ 0x05]) + content[place + 1 :])
        attempt(path)


@given(st.binary(max_size=60))
def test_any_bytes_are_a_network_or_one_error(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "fuzz.onnx"
    path.write_bytes(content)
    attempt(path)
