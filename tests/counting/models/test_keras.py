"""Keras configs written by hand, as Keras 3.15 writes them: counts, sharing, nesting, and every kind of damage.

experiments/benchmarks/param_count_keras.py holds the same reader to Keras itself, over all of keras.applications.
"""

import json
import tracemalloc
import zipfile
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlmath.counting.engine.count import Uncounted, count
from dlmath.counting.engine.open_sizes import is_open
from dlmath.counting.models import builder, keras
from dlmath.counting.models.keras import read_keras
from dlmath.counting.models.keras_walk import RULES
from dlmath.errors import InvalidValueError, UnreadableError

CONV = {"strides": [1, 1], "padding": "valid", "dilation_rate": [1, 1], "groups": 1, "activation": "linear"}
POOL = {"pool_size": [2, 2], "strides": [2, 2], "padding": "valid"}
NORM = {"axis": -1, "center": True, "scale": True}


def layer(kind, name, *sources, module="keras.layers", uses=None, **config):
    """Return a layer as Keras writes it; `sources` are what it is used on, `uses` several such lists."""
    uses = ([sources] if sources else []) if uses is None else uses
    nodes = [{"args": [[tensor(key) for key in use] if len(use) > 1 else tensor(use[0])], "kwargs": {}} for use in uses]
    return {
        "module": module,
        "class_name": kind,
        "name": name,
        "config": {"name": name, "trainable": True, **config},
        "inbound_nodes": nodes,
    }


def inbound(*uses):
    return layer("", "", uses=uses)["inbound_nodes"]


def tensor(key, shape=None):
    history = [key, 0, 0] if isinstance(key, str) else list(key)
    return {"class_name": "__keras_tensor__", "config": {"shape": shape, "keras_history": history}}


def given_input(name, *shape):
    return layer("InputLayer", name, batch_shape=[None, *shape])


def conv(name, *sources, filters, kernel=3, bias=True, uses=None, **more):
    options = {**CONV, "filters": filters, "kernel_size": [kernel, kernel], "use_bias": bias, **more}
    return layer("Conv2D", name, *sources, uses=uses, **options)


def dense(name, *sources, units, **more):
    return layer("Dense", name, *sources, units=units, use_bias=True, activation="linear", **more)


def functional(layers, inputs, outputs, name="model"):
    config = {"name": name, "layers": layers}
    config["input_layers"] = [[key, 0, 0] for key in inputs]
    config["output_layers"] = [[key, 0, 0] if isinstance(key, str) else list(key) for key in outputs]
    return {"class_name": "Functional", "config": config}


def sequential(*layers, name="chain"):
    return {"class_name": "Sequential", "config": {"name": name, "layers": list(layers)}}


def saved(folder, model, name="net.keras"):
    path = folder / name
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("metadata.json", "{}")
        archive.writestr("config.json", model if isinstance(model, (str, bytes)) else json.dumps(model))
        archive.writestr("model.weights.h5", bytes(100))
    return str(path)


def counted(folder, model, inputs=()):
    return count(read_keras(saved(folder, model), inputs))


RESIDUAL = functional(
    [
        given_input("image", 8, 8, 3),
        conv("stem", "image", filters=4, padding="same", activation="relu"),
        layer("BatchNormalization", "bn", "stem", **NORM),
        layer("Add", "add", "stem", "bn"),
        layer("GlobalAveragePooling2D", "pool", "add", keepdims=False),
        dense("head", "pool", units=5),
    ],
    ["image"],
    ["head"],
)


def test_a_residual_network(tmp_path):
    net = counted(tmp_path, RESIDUAL)
    assert (net.params, net.total("buffers")) == (112 + 8 + 25, 8)
    assert net.macs == 8 * 8 * 27 * 4 + 20
    assert net.output_shape == (5,)
    assert [row.name for row in net.rows] == ["stem", "stem:relu", "bn", "add", "pool", "head"]


def test_a_config_alone_is_read_like_the_zip(tmp_path):
    path = tmp_path / "net.json"
    path.write_text(json.dumps(RESIDUAL))
    assert read_keras(str(path)).nodes == read_keras(saved(tmp_path, RESIDUAL)).nodes


def test_the_seeds_cat_and_dog_network(tmp_path):
    model = sequential(
        given_input("image", 64, 64, 3),
        conv("conv", filters=32),
        layer("MaxPooling2D", "pool", **POOL),
        layer("Flatten", "flat"),
        dense("hidden", units=128),
        dense("out", units=1),
    )
    net = counted(tmp_path, model)
    assert [row.params for row in net.rows] == [896, 0, 0, 31 * 31 * 32 * 128 + 128, 129]


def test_a_layer_used_twice_is_held_once_and_run_twice(tmp_path):
    twin = conv("twin", filters=3, kernel=1, uses=[["a"], ["b"]])
    model = functional(
        [
            *(given_input("a", 4, 4, 3), given_input("b", 4, 4, 3), twin),
            layer("Concatenate", "both", ("twin", 0, 0), ("twin", 1, 0), axis=-1),
        ],
        ["a", "b"],
        ["both"],
    )
    net = counted(tmp_path, model)
    assert (net.params, net.macs, net.output_shape) == (12, 2 * 16 * 9, (4, 4, 6))
    assert [row.node.shares for row in net.rows] == [None, "twin", None]


def test_a_model_within_a_model_used_twice(tmp_path):
    block = sequential(given_input("x", 4, 4, 3), conv("inner", filters=3, kernel=1), name="block")
    block |= {"name": "block", "inbound_nodes": inbound(["a"], [("block", 0, 0)])}
    net = counted(tmp_path, functional([given_input("a", 4, 4, 3), block], ["a"], [("block", 1, 0)]))
    assert [row.name for row in net.rows] == ["block/inner", "block@2/inner"]
    assert (net.params, net.macs) == (12, 2 * 144)


def test_one_object_in_two_models_is_held_once(tmp_path):
    def tower(name):
        shared = conv("inner", filters=3, kernel=1) | {"shared_object_id": 7}
        made = sequential(given_input("x", 4, 4, 3), shared, name=name)
        return made | {"name": name, "inbound_nodes": inbound(["a"])}

    layers = [given_input("a", 4, 4, 3), tower("left"), tower("right")]
    net = counted(tmp_path, functional(layers, ["a"], ["left", "right"]))
    assert (net.params, net.macs) == (12, 2 * 144)


def test_layers_are_put_in_an_order_that_runs(tmp_path):
    backwards = RESIDUAL | {"config": RESIDUAL["config"] | {"layers": RESIDUAL["config"]["layers"][::-1]}}
    forward, reordered = counted(tmp_path, RESIDUAL), counted(tmp_path, backwards)
    assert [row.name for row in forward.rows] == [row.name for row in reordered.rows]


def test_what_keras_2_wrote(tmp_path):
    start = {"class_name": "InputLayer", "config": {"name": "a", "batch_input_shape": [None, 6]}}
    layers = [
        {**start, "name": "a", "inbound_nodes": []},
        {**dense("b", units=3), "inbound_nodes": [[["a", 0, 0, {}]]]},
    ]
    assert counted(tmp_path, functional(layers, ["a"], ["b"])).params == 21


def test_frozen_layers_do_not_train(tmp_path):
    model = sequential(given_input("x", 3), dense("a", units=2, trainable=False), dense("b", units=2))
    net = counted(tmp_path, model)
    assert (net.params, net.total("trainable_params")) == (14, 6)


def test_a_frozen_model_freezes_what_is_in_it(tmp_path):
    inner = sequential(given_input("x", 3), dense("a", units=2), name="inner")
    inner["config"]["trainable"] = False
    assert counted(tmp_path, sequential(given_input("x", 3), inner)).total("trainable_params") == 0


@pytest.mark.parametrize(
    ("kind", "config", "shape", "params", "buffers", "output"),
    [
        ("Normalization", {"axis": [-1], "mean": None}, (4, 4, 3), 0, 7, (4, 4, 3)),
        ("Normalization", {"axis": [-1], "mean": [1, 2, 3]}, (4, 4, 3), 0, 0, (4, 4, 3)),
        ("Rescaling", {"scale": 0.1, "offset": -1}, (4, 4, 3), 0, 0, (4, 4, 3)),
        ("LayerScale", {"projection_dim": 3}, (4, 4, 3), 3, 0, (4, 4, 3)),
        ("StochasticDepth", {"drop_path_rate": 0.1}, (4, 4, 3), 0, 0, (4, 4, 3)),
        ("PReLU", {"shared_axes": [1, 2]}, (4, 4, 3), 3, 0, (4, 4, 3)),
        ("PReLU", {"shared_axes": None}, (4, 4, 3), 48, 0, (4, 4, 3)),
        ("PReLU", {"shared_axes": [1]}, (4, 4, 3), 12, 0, (4, 4, 3)),
        ("Embedding", {"input_dim": 9, "output_dim": 5}, (4,), 45, 0, (4, 5)),
        ("LSTM", {"units": 4, "use_bias": True, "return_sequences": True}, (7, 5), 160, 0, (7, 4)),
        ("GRU", {"units": 4, "use_bias": True, "reset_after": True}, (7, 5), 132, 0, (4,)),
        ("GRU", {"units": 4, "use_bias": True, "reset_after": False}, (7, 5), 120, 0, (4,)),
        ("MultiHeadAttention", {"num_heads": 2, "key_dim": 3}, (7, 5), 4 * 30 + 3 * 6 + 5, 0, (7, 5)),
        ("ZeroPadding2D", {"padding": [[1, 2], [3, 4]]}, (4, 4, 3), 0, 0, (7, 11, 3)),
        ("Cropping1D", {"cropping": [1, 2]}, (7, 5), 0, 0, (4, 5)),
        ("RepeatVector", {"n": 4}, (5,), 0, 0, (4, 5)),
        ("Reshape", {"target_shape": [-1, 6]}, (4, 4, 3), 0, 0, (8, 6)),
        ("Permute", {"dims": [3, 1, 2]}, (4, 5, 3), 0, 0, (3, 4, 5)),
    ],
)
def test_layer_classes(tmp_path, kind, config, shape, params, buffers, output):
    net = counted(tmp_path, sequential(given_input("x", *shape), layer(kind, "it", **config)))
    assert (net.params, net.total("buffers"), net.output_shape) == (params, buffers, output)


def test_a_scaled_residual(tmp_path):
    layers = [given_input("a", 4, 4, 3), given_input("b", 4, 4, 3), layer("CustomScaleLayer", "c", "a", "b", scale=0.1)]
    net = counted(tmp_path, functional(layers, ["a", "b"], ["c"]))
    assert (net.params, net.total("join_ops")) == (0, 96)


def test_a_layer_at_every_step_runs_that_often(tmp_path):
    wrapped = layer("TimeDistributed", "each", layer=conv("inner", filters=2))
    net = counted(tmp_path, sequential(given_input("film", 10, 5, 5, 3), wrapped))
    assert (net.params, net.macs, net.output_shape) == (56, 10 * 9 * 54, (10, 3, 3, 2))


def test_the_states_of_a_recurrent_layer_are_outputs(tmp_path):
    states = {"return_state": True, "return_sequences": True, "units": 4, "use_bias": True}
    lstm = layer("LSTM", "lstm", "x", **states)
    layers = [given_input("x", 7, 5), lstm, layer("Concatenate", "both", ("lstm", 0, 1), ("lstm", 0, 2), axis=-1)]
    net = counted(tmp_path, functional(layers, ["x"], ["both", "lstm"]))
    assert [row.output for row in net.outputs] == [(8,), (7, 4)]


def test_arithmetic_with_constants_is_a_layer(tmp_path):
    plus = layer("Add", "plus", "x", module="keras.src.ops.numpy")
    plus["inbound_nodes"][0]["args"].append(2.0)
    net = counted(tmp_path, functional([given_input("x", 4, 4, 3), plus], ["x"], ["plus"]))
    assert net.total("join_ops") == 48


def test_an_unknown_layer_is_named_and_its_counts_are_missing(tmp_path):
    layers = [given_input("x", 6), layer("Mystery", "what", "x"), dense("out", ("what", 0, 0), units=2)]
    layers[2]["inbound_nodes"][0]["args"] = [tensor("what", [None, 9])]
    net = counted(tmp_path, functional(layers, ["x"], ["out"]))
    assert net.uncounted == (Uncounted("Mystery", 1, "there is no rule for it: its parameters and MACs are not known"),)
    assert net.at_least
    assert net.rows[1].params == 20  # the file says what shape the unknown layer gives


def test_an_unknown_activation_has_no_parameters_and_no_multiply_accumulates(tmp_path):
    function = {"class_name": "function", "config": "my_swish"}
    unknown = layer("Dense", "a", units=2, use_bias=True, activation=function)
    net = counted(tmp_path, sequential(given_input("x", 3), unknown))
    assert net.params == 8
    assert (net.macs, net.uncounted) == (6, ())
    assert net.rows[-1].node.options["label"] == "activation my_swish"


def test_open_sizes_leave_the_operations_open(tmp_path):
    model = sequential(given_input("image", None, None, 3), conv("a", filters=2))
    net = counted(tmp_path, model)
    assert net.params == counted(tmp_path, model, [(5, 5, 3)]).params
    assert is_open(net.figure("macs"))
    assert net.macs_unknown == "the size of the input is open: image is ?x?x3"
    assert counted(tmp_path, model, [(5, 5, 3)]).output_shape == (3, 3, 2)


def test_a_given_input_replaces_the_files(tmp_path):
    assert counted(tmp_path, RESIDUAL, [(16, 16, 3)]).macs == 16 * 16 * 27 * 4 + 20
    with pytest.raises(InvalidValueError, match="1 inputs and 2 shapes"):
        counted(tmp_path, RESIDUAL, [(8, 8, 3), (8, 8, 3)])


def changed(model, **more):
    """Return a copy of RESIDUAL with keys of its second layer changed."""
    copy = json.loads(json.dumps(model))
    copy["config"]["layers"][1]["config"].update(more)
    return copy


@pytest.mark.parametrize(
    ("model", "words"),
    [
        ("[", "no JSON"),
        ("[" * 200_000, "no JSON"),
        (b"\xff", "no JSON"),
        ('{"class_name": 1, "class_name": 2}', "a key stands twice"),
        ("[]", "lists no layers"),
        ({"class_name": "MyModel", "config": {}}, "MyModel is no Sequential or Functional model"),
        (changed(RESIDUAL, kernel_size=[0, 3]), "layer 'stem'"),
        (changed(RESIDUAL, kernel_size="x"), "layer 'stem'"),
        (changed(RESIDUAL, kernel_size=[9, 9], padding="valid"), "no output is left"),
        (changed(RESIDUAL, filters=10**15), "10^12"),
        (functional([given_input("x", 3), dense("a", "b", units=2)], ["x"], ["a"]), "needs what no layer gives: 'b'"),
        (functional([given_input("x", 3), dense("a", "a", units=2)], ["x"], ["a"]), "needs what no layer gives"),
        (functional([given_input("x", 3)], ["x"], [("x", 3, 0)]), "use 3 of layer 'x'"),
        (functional([given_input("x", 3)], ["y"], ["x"]), "no 'y'"),
        (functional([given_input("x", 3)], ["x"], []), "no outputs"),
        (sequential(dense("a", units=2)), "does not say its input's shape"),
        (sequential(given_input("x", 3), layer("Dense", "a")), "layer 'a': its config says no 'units'"),
        (sequential(given_input("x", 3), layer("Conv1D", "a", kernel_size=None)), "layer 'a'"),
        (sequential(given_input("x", 3), layer("TimeDistributed", "a", layer=None)), "layer 'a'"),
        (sequential(given_input("x", "3"), dense("a", units=2)), "input"),
        (sequential(given_input("x"), dense("a", units=2)), "input"),
    ],
)
def test_what_is_wrong_is_said(tmp_path, model, words):
    with pytest.raises(UnreadableError) as caught:
        counted(tmp_path, model)
    assert words in str(caught.value)
    assert "net.keras" in str(caught.value)


def test_models_nested_without_end(tmp_path):
    model = sequential(given_input("x", 3))
    for depth in range(60):
        model = sequential(given_input("x", 3), model | {"name": f"m{depth}"}, name=f"m{depth}")
    with pytest.raises(UnreadableError, match="nested more than 30 deep"):
        counted(tmp_path, model)


def test_a_small_file_cannot_grow_into_a_huge_network(tmp_path, monkeypatch):
    monkeypatch.setattr(builder, "MOST_NODES", 1000)
    model = functional([given_input("x", 3), dense("d", "x", units=3)], ["x"], ["d"], "m0")
    for depth in range(1, 9):
        chain = [["x"], *([(f"m{depth - 1}", use, 0)] for use in range(9))]
        inner = model | {"name": f"m{depth - 1}", "inbound_nodes": inbound(*chain)}
        model = functional([given_input("x", 3), inner], ["x"], [(f"m{depth - 1}", 9, 0)], f"m{depth}")
    with pytest.raises(UnreadableError, match=r"more than 1,000 layers"):
        counted(tmp_path, model)


def test_a_zip_bomb_is_not_unpacked(tmp_path, monkeypatch):
    monkeypatch.setattr(keras, "LARGEST_CONFIG", 2**22)
    name = saved(tmp_path, b" " * (5 * 2**20))
    tracemalloc.start()
    with pytest.raises(UnreadableError, match=r"config.json claims 5,242,880 bytes"):
        read_keras(name)
    assert tracemalloc.get_traced_memory()[1] < 2**20
    tracemalloc.stop()


def test_a_zip_that_lies_about_a_size_is_not_believed(tmp_path):
    content = bytearray((tmp_path / "net.keras").read_bytes() if saved(tmp_path, b" " * (2**20)) else b"")
    claimed = (2**20).to_bytes(4, "little")
    while (place := content.find(claimed)) >= 0:
        content[place : place + 4] = (1000).to_bytes(4, "little")
    (tmp_path / "liar.keras").write_bytes(content)
    with pytest.raises(UnreadableError):
        read_keras(str(tmp_path / "liar.keras"))


def test_no_config_in_the_zip_and_no_zip(tmp_path):
    path = tmp_path / "net.keras"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("other.json", "{}")
    with pytest.raises(UnreadableError, match=r"holds no config\.json"):
        read_keras(str(path))
    path.write_bytes(b"\x89HDF\r\n")
    with pytest.raises(UnreadableError, match=r"neither a \.keras zip nor a JSON config"):
        read_keras(str(path))


def attempt(path):
    try:
        read_keras(str(path))
    except UnreadableError:
        return False
    return True


def test_a_file_cut_anywhere_is_one_error(tmp_path):
    small = sequential(given_input("x", 3), dense("a", units=2))
    path = tmp_path / "net.keras"
    saved(tmp_path, small)
    content = path.read_bytes()
    for length in range(len(content)):
        path.write_bytes(content[:length])
        assert not attempt(path)


def test_a_config_cut_anywhere_is_one_error(tmp_path):
    content = json.dumps(sequential(given_input("x", 3), dense("a", units=2))).encode()
    path = tmp_path / "net.json"
    for length in range(len(content)):
        path.write_bytes(content[:length])
        assert not attempt(path)


def paths_in(value, path=()):
    yield path
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in children:
        yield from paths_in(inner, (*path, key))


PLACES = [path for path in paths_in(RESIDUAL) if path]
ANYTHING = st.sampled_from(
    [None, 0, -1, 10**30, 1.5, True, "", "x", [], [None], [[]], {}, {"name": 3}, [1, 2, 3], float("nan")]
)


def put(model, path, value):
    """Set what stands at a path, if the changes before have left it there."""
    *before, last = path
    with suppress(KeyError, IndexError, TypeError):
        for key in before:
            model = model[key]
        model[last] = value


@given(st.lists(st.tuples(st.sampled_from(PLACES), ANYTHING), min_size=1, max_size=2))
@settings(max_examples=150)
def test_anything_anywhere_in_a_config_is_a_network_or_one_error(tmp_path_factory, changes):
    model = json.loads(json.dumps(RESIDUAL))
    for path, value in changes:
        put(model, path, value)
    path = tmp_path_factory.getbasetemp() / "fuzz.json"
    path.write_text(json.dumps(model))
    attempt(path)


@pytest.mark.parametrize("kind", sorted(RULES))
def test_every_rule_refuses_an_empty_config_in_one_way(tmp_path, kind):
    for shape in ((3,), (7, 5), (4, 4, 3)):
        attempt(saved(tmp_path, sequential(given_input("x", *shape), layer(kind, "it"))))
