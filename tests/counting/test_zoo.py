from __future__ import annotations

import json

import pytest

from dlmath.counting import zoo
from dlmath.counting.engine.count import TOTALS, Uncounted, count
from dlmath.counting.engine.graph import AUXILIARY
from dlmath.counting.zoo import compile as compiling
from dlmath.errors import InvalidValueError
from tests.oracles import zoo as oracle


@pytest.mark.parametrize("row", oracle.EXACTLY, ids=lambda row: row.name)
def test_every_published_count_to_the_last_digit(row):
    counted = count(zoo.load(row.name))
    assert counted.params == row.params
    assert row.macs in {None, counted.macs}
    assert row.connections in {None, counted.total("connections")}


@pytest.mark.parametrize("name", oracle.ROUNDED)
def test_torchvisions_rounded_operations(name):
    params, giga = oracle.ROUNDED[name]
    counted = count(zoo.load(name))
    assert counted.params == params
    assert counted.macs / 1e9 == pytest.approx(giga, abs=0.00055)


def test_vit_h_14():
    assert count(zoo.load("vit_h_14")).params == oracle.VIT_H_14


@pytest.mark.parametrize("name", oracle.MOBILENET)
def test_mobilenets_multipliers(name):
    macs, params = oracle.MOBILENET[name]
    counted = count(zoo.load(name))
    assert round(counted.macs / 1e6) in {macs, macs + 1}  # the paper's 41.0 is 41.03, its 325.4 is rounded down
    assert counted.params / 1e6 == pytest.approx(params, abs=0.06)


def test_every_entry_has_an_oracle():
    known = {row.name for row in oracle.EXACTLY} | set(oracle.ROUNDED) | {"vit_h_14"}
    assert set(zoo.names()) <= known


@pytest.mark.parametrize(("name", "layer", "size", "jump", "padding"), oracle.FIELDS)
def test_published_receptive_fields(name, layer, size, jump, padding):
    counted = count(zoo.load(name))
    row = counted.last_map if layer is None else next(row for row in counted.rows if row.name.endswith(layer))
    assert row is not None
    assert {(field.size, field.jump) for field in row.fields} == {(size, jump)}
    assert padding in {None, row.fields[0].padding}


@pytest.mark.parametrize(("model", "table"), [("lenet5", oracle.LENET5), ("lecun1989", oracle.LECUN1989)])
def test_lecuns_layers(model, table):
    rows = {row.name: row for row in count(zoo.load(model)).rows}
    renamed = {"dense1": "H3", "dense2": "output"} if model == "lecun1989" else {}
    for name, (params, connections) in table.items():
        row = rows[renamed.get(name, name)]
        assert (row.params, row.value("connections")) == (params, connections)


@pytest.mark.parametrize("name", oracle.WITH_AUXILIARY)
def test_auxiliary_heads(name):
    without, held = oracle.WITH_AUXILIARY[name]
    network = zoo.load(name)
    plain, parameters, full = (count(network, mode) for mode in ("without", "parameters", "with"))
    assert (plain.params, parameters.params, full.params) == (without, held, held)
    assert plain.macs == parameters.macs < full.macs
    heads = (row for row in plain.nodes if row.node.group == AUXILIARY)
    assert sum(row.counted.params for row in heads) == held - without


def test_a_pretrained_detector_trains_less():
    counted = count(zoo.load("fasterrcnn_resnet50_fpn"))
    assert counted.params - counted.total("trainable_params") == 222_400  # conv1 and layer1
    assert counted.params + 53_120 == count(zoo.load("fasterrcnn_resnet50_fpn:pretrained=no")).params
    assert counted.uncounted == ()
    assert not counted.at_least


def test_fast_rcnn_says_what_it_cannot_count():
    counted = count(zoo.load("fast_rcnn"))
    assert counted.uncounted == (Uncounted("roipool", 1, "its pooling operations depend on the data"),)
    assert counted.is_whole("macs")


def test_heads_that_share_hold_nothing_of_their_own():
    rows = {row.name: row for row in count(zoo.load("fasterrcnn_resnet50_fpn")).rows}
    assert rows["rpn2.conv1"].params == 590_080
    assert rows["rpn5.conv1"].params == 0
    assert rows["rpn5.conv1"].macs > 0


@pytest.mark.parametrize("name", ["resnet50", "googlenet", "fasterrcnn_resnet50_fpn", "vit_b_16"])
@pytest.mark.parametrize("quantity", TOTALS)
def test_totals_are_the_sums_of_the_rows(name, quantity):
    counted = count(zoo.load(name), "with")
    assert counted.total(quantity) == sum(row.value(quantity) for row in counted.rows)
    assert counted.total("params") == counted.total("weights") + counted.total("biases")


def test_compiled_json_is_what_the_yaml_files_say():
    assert (zoo.FOLDER / "compiled.json").read_text(encoding="utf-8") == compiling.compiled(), (
        "run python -m dlmath.counting.zoo.compile"
    )


def test_every_family_names_its_source():
    for entry in zoo.entries():
        assert len(entry.source) > 10, entry.name
    plain = {name.lower().replace("-", "_") for name in zoo.names()}
    assert len(plain) == len(zoo.names())


@pytest.mark.parametrize("word", ["ResNet-50", "vgg16-bn", "wide-resnet50-2", "RESNEXT50_32X4D"])
def test_names_are_compared_leniently(word):
    assert count(zoo.load(word)).params > 0


def test_an_unknown_model_suggests_the_nearest():
    with pytest.raises(InvalidValueError, match="did you mean 'resnet152'"):
        zoo.load("resnet1522")
    with pytest.raises(InvalidValueError, match="did you mean 'width'"):
        zoo.load("mobilenet:widht=2")
    with pytest.raises(InvalidValueError, match="no setting 'width'"):
        zoo.load("lecun1989:width=2")


def test_another_input_is_followed_through():
    assert count(zoo.load("resnet50", (448, 448, 3))).macs > 3.9 * count(zoo.load("resnet50")).macs
    assert zoo.load("mobilenet", (64, 64, 3)).input_shapes == ((64, 64, 3),)


def test_compiled_json_is_small():
    assert len(json.dumps(zoo.families())) < 90_000
