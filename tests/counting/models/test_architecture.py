from __future__ import annotations

import copy
import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlmath.counting import zoo
from dlmath.counting.engine.count import count
from dlmath.counting.engine.language import Reference, build, parse_reference
from dlmath.counting.engine.schema import check
from dlmath.counting.models.architecture import parse_document, read_architecture, variants
from dlmath.errors import DlmathError, UnreadableError

SMALL = """
name: small
source: a test
input: 8x8x3
takes: {width: 4, deep: no}
blocks:
  unit:
    takes: {out: , stride: 1}
    layers:
      - conv:3x3x{out}/{stride},bias=no
      - batchnorm
      - relu
layers:
  - unit:{width},2 as stem
  - {if: deep, then: [unit:8, unit:8]}
  - residual:
      - unit:{channels}
    name: res
  - branches:
      - []
      - - conv: 1x1x{2*width}
          name: wide
        - relu
  - repeat: 2
    index: i
    layers: conv:1x1x{channels + i} as grow{i}
  - auxiliary: [globalpool, "dense:2"]
    name: aux
  - frozen: dense:5 as last
  - times: 3
    layers: [dense:2 as head]
"""


def network(text, **choice):
    return build(parse_document(text, "x.yaml"), **choice)


def rows(text, **choice):
    return {row.name: row for row in count(network(text, **choice)).nodes}


def test_a_document_becomes_a_graph():
    found = rows(SMALL)
    assert list(found) == [
        *("input", "stem.conv1", "stem.batchnorm1", "stem.relu1"),
        *("res.unit1.conv1", "res.unit1.batchnorm1", "res.unit1.relu1", "res.add1"),
        *("wide", "relu1", "concat1", "grow0", "grow1", "aux.globalpool1", "aux.dense1", "last", "head"),
    ]
    assert found["stem.conv1"].output == (4, 4, 4)
    assert found["concat1"].output == (4, 4, 12)
    assert (found["grow0"].output[-1], found["grow1"].output[-1]) == (12, 13)
    assert found["aux.dense1"].node.group == "aux"
    assert found["last"].node.frozen
    assert found["head"].node.times == 3


def test_settings_change_the_network():
    assert rows(SMALL, settings={"width": "8"})["stem.conv1"].output == (4, 4, 8)
    assert "unit1.conv1" in rows(SMALL, settings={"deep": "yes"})
    assert rows(SMALL, input_shape=(16, 16, 1))["stem.conv1"].output == (8, 8, 4)


VARIED = """
input: 4x4x1
takes: {depths: , block: plain}
blocks:
  plain: [conv:3x3x2]
  double: ["conv:3x3x2", "conv:3x3x2"]
layers:
  - table: [stage, depth]
    rows:
      - [1, "{depths[0]}"]
      - [2, "{depths[1]}"]
    layers: {repeat: depth, layers: "{block}", name: "stage{stage}"}
variants:
  first: {depths: [1, 2]}
  second-net: {depths: [2, 2], block: double, input: 8x8x1}
"""


def test_variants():
    assert variants(parse_document(VARIED, "x.yaml")) == ("first", "second-net")
    assert len(rows(VARIED, variant="first")) == 4
    second = rows(VARIED, variant="Second_Net")
    assert len(second) == 9
    assert "stage2.double2.conv2" in second
    with pytest.raises(DlmathError, match="name one of first, second-net"):
        network(VARIED)
    with pytest.raises(DlmathError, match="did you mean 'first'"):
        network(VARIED, variant="frist")


def test_blocks_share_their_weights_by_name():
    text = """
    input: 8x8x4
    blocks:
      head:
        - conv:3x3x4
        - relu as hidden
        - dense:2
    layers:
      - maxpool:2 as half
      - head from input as one
      - head from input sharing one as two
    """
    counted = count(network(text))
    assert counted.params == 148 + 514
    assert [row.node.shares for row in counted.rows if row.node.kind == "dense"] == [None, "one.dense1"]


def test_default_padding():
    assert rows("{input: 8x8x1, padding: valid, layers: [conv:3x3x1]}")["conv1"].output == (6, 6, 1)


FAULTS = [
    ("input: 8x8x1\nlayres: []\n", "2:1", "did you mean 'layers'"),
    ("input: 8x8\nlayers:\n  - conv:3x3x4\n", "3:5", "cannot take an input of shape 8x8"),
    ("input: 8x8x1\nlayers:\n  - relu\n  - cnov:3x3x4\n", "4:5", "did you mean 'conv'"),
    ("input: 8x8x1\nlayers:\n  - {cnov: 3x3x4}\n", "3:6", "did you mean 'conv'"),
    ("input: 8x8x1\nlayers:\n  - conv: 3x3x4\n    pda: 1\n", "4:5", "did you mean 'pad'"),
    ("input: 8x8x1\nlayers:\n  - conv: 3x3x4\n    pad: 1:1:1:1\n", "4:5", "quote it"),
    ("input: 8x8x1\nlayers:\n  - conv:3x3x4,pda=1\n", "3:5", "did you mean 'pad'"),
    ("input: 8x8x1\nlayers:\n  - conv:3x3x4,groups=3\n", "3:5", "3 groups do not divide"),
    ("input: 8x8x1\nlayers:\n  - repeat: 2\n    layer: [relu]\n", "4:5", "did you mean 'layers'"),
    ("input: 8x8x1\nlayers:\n  - repeat: 2\n", "3:5", "stands without 'layers'"),
    ("input: 8x8x1\nlayers:\n  - repeat: -1\n    layers: [relu]\n", "3:5", "make it a whole number from 0 up"),
    ("input: 8x8x1\nlayers:\n  - repeat: 1000000000\n    layers: [relu]\n", "4:14", "does not end"),
    ("input: 8x8x1\nlayers:\n  - if: depht > 1\n    then: relu\n", "3:5", "unknown name 'depht'"),
    ("input: 8x8x3\nlayers:\n  - residual: [conv:3x3x4]\n", "3:5", "add cannot join branches"),
    ("input: 8x8x1\nlayers:\n  - branches: [relu]\n", "3:5", "two or more"),
    ("input: 8x8x1\nlayers:\n  - table: [a, b]\n    rows:\n      - [1]\n    layers: relu\n", "5:9", "1 values for 2"),
    ("input: 8x8x1\nlayers:\n  - relu from stme\n", "3:5", "no earlier layer is named 'stme'"),
    ("input: 8x8x1\nlayers:\n  - 17\n", "3:5", "17 is no row"),
    ("input: 8x8x1\nlayers:\n  - relu as a\n  - relu as a\n", "4:5", "two layers are named 'a'"),
    ("input: 8xx1\nlayers: []\n", "1:1", "no positive whole number"),
    ("input: 8\nauxiliary: maybe\nlayers: []\n", "2:1", "unknown way to count"),
    ("input: 8\nblocks:\n  conv: [relu]\nlayers: []\n", "3:3", "has the name of a layer"),
    ("input: 8\nblocks:\n  b:\n    takes: {n: }\n    layers: dense:{n}\nlayers:\n  - b\n", "7:5", "no value for 'n'"),
    (
        "input: 8\nblocks:\n  b:\n    takes: {n: }\n    layers:\n      - dense:{m}\nlayers:\n  - b:3\n",
        "6:9",
        "name 'm'",
    ),
    ("input: 8\nblocks:\n  b:\n    - b\nlayers:\n  - b\n", "4:7", "does not end"),
    ("input: 8\nblocks:\n  b:\n    - relu\nlayers:\n  - b:x=1\n", "6:5", "unknown option of 'b'"),
    ("input: 8\nvariants:\n  v: {n: 1}\nlayers: []\n", "3:7", "unknown value of variant v"),
    ("input: &a 8\nname: *a\nlayers: []\n", "2:7", "repeats another part"),
    ("input: 8\ninput: 9\nlayers: []\n", "2:1", "stands twice"),
    ("input: 8\nlayers: [\n", "3:1", ""),
    ("- conv\n", "1:1", "is no mapping"),
    ("input: 8\n", "1:1", "has no 'layers'"),
]


@pytest.mark.parametrize(("text", "place", "said"), FAULTS, ids=lambda value: value if len(value) < 9 else "")
def test_faults_are_told_with_their_place(tmp_path, text, place, said):
    path = tmp_path / "net.yaml"
    path.write_text(text)
    with pytest.raises(UnreadableError) as caught:
        read_architecture(Reference(str(path), None, {}))
    assert str(caught.value).startswith(f"{path}:{place}: ")
    assert said in str(caught.value)


def test_a_file_is_read_by_reference(tmp_path):
    path = tmp_path / "nets.yaml"
    path.write_text(VARIED)
    found = read_architecture(parse_reference(f"{path}:first"))
    assert (found.name, len(found.nodes)) == ("first", 4)
    assert found.source == str(path)
    with pytest.raises(DlmathError, match="unknown setting"):
        read_architecture(parse_reference(f"{path}:first,width=3"))
    with pytest.raises(UnreadableError, match="No such file"):
        read_architecture(Reference(str(tmp_path / "none.yaml"), None, {}))


def test_a_missing_input_is_asked_for(tmp_path):
    path = tmp_path / "net.yaml"
    path.write_text("layers: [relu]")
    with pytest.raises(DlmathError, match="--input 224x224x3"):
        read_architecture(Reference(str(path), None, {}))
    assert read_architecture(Reference(str(path), None, {}), (4,)).input_shapes == ((4,),)


def paths(document, path=()):
    """Return where everything in a document stands."""
    if path:
        yield path
    items = (
        document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    )
    for key, value in items:
        yield from paths(value, (*path, key))


SPOILERS = [
    *(None, True, 0, -1, 0.5, 10**9, "", "x", "{width}", "{", "conv:3x3x{channels}", "add from a,b", "relu as x"),
    *(
        [],
        [1],
        ["relu"],
        [[]],
        {},
        {"a": 1},
        {"conv": "3x3x4"},
        {"repeat": "x", "layers": []},
        {"relu": None, "from": 3},
    ),
]


@given(data=st.data(), family=st.sampled_from(["lenet", "mlp", "resnet_cifar", "squeezenet", "vit", "vgg_detectors"]))
def test_a_spoiled_architecture_is_a_network_or_an_error(data, family):
    document = copy.deepcopy(zoo.families()[family])
    variant = next(iter(document["variants"]))
    *folders, last = data.draw(st.sampled_from(list(paths(document))))
    place = document
    for step in folders:
        place = place[step]
    spoiler = copy.deepcopy(data.draw(st.sampled_from(SPOILERS)))
    keys = ["name", "from", "join", "index", "outputs", "notes", "takes", "padding", "input"]
    key = data.draw(st.sampled_from([last, *keys])) if isinstance(place, dict) else last
    place[key] = spoiler
    with suppress(DlmathError):
        check(document)
        count(build(document, variant, check_shapes=True))


documents = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 9) | st.text("ab:{}1x,=", max_size=8) | st.sampled_from(["relu", "b"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    *("layers", "repeat", "if", "then", "branches", "residual", "table", "rows", "times", "conv"),
                    *("name", "from", "takes", "blocks", "variants", "input", "index", "join", "shortcut", "outputs"),
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(rows=documents, blocks=documents, takes=documents)
def test_any_document_is_a_network_or_an_error(rows, blocks, takes):
    """Whatever a file says, there is an answer or an error that is ours."""
    text = json.dumps({"input": "4x4x1", "layers": rows, "blocks": blocks, "takes": takes})
    with suppress(DlmathError):
        network(text)
