from __future__ import annotations

from importlib import import_module

import pytest

from dlmath.counting.engine import layers
from dlmath.counting.engine.layers import FAMILY, canonical, count_layer, get_kind
from dlmath.counting.engine.open_sizes import UNRANKED, is_open
from dlmath.counting.engine.options import REQUIRED
from dlmath.errors import DlmathError, InvalidValueError, ShapeError

MAP = (8, 8, 4)


def test_the_registry_lists_exactly_what_the_families_hold():
    for family, kinds in layers._FAMILIES.items():
        assert set(import_module(f"dlmath.counting.engine.{family}").KINDS) == set(kinds.split())
    assert set(layers.ALIASES.values()) <= set(FAMILY)


@pytest.mark.parametrize("kind", FAMILY)
def test_a_kind_with_required_options_shows_how_it_is_written(kind):
    known = get_kind(kind)
    if any(option.default is REQUIRED for option in known.options):
        assert known.example


@pytest.mark.parametrize(
    ("kind", "options", "shape", "output", "params"),
    [
        ("conv", {"kernel": 3, "out": 128}, (112, 112, 64), (112, 112, 128), 73_856),
        ("conv", {"kernel": 1, "out": 128}, (112, 112, 64), (112, 112, 128), 8_320),
        ("conv", {"kernel": "1x7", "out": 8, "pad": "0x3"}, MAP, (8, 8, 8), 232),
        ("conv", {"kernel": 3, "out": 8, "pad": "0:1:0:1", "stride": 2}, MAP, (4, 4, 8), 296),
        ("conv", {"kernel": 3, "out": 8, "groups": 4}, MAP, (8, 8, 8), 80),
        ("batchnorm", {}, MAP, MAP, 8),
        ("batchnorm", {"scale": False}, MAP, MAP, 4),
        ("batchnorm", {"frozen": True}, MAP, MAP, 0),
        ("layernorm", {}, (5, 768), (5, 768), 1536),
        ("layernorm", {"axes": 3}, MAP, MAP, 512),
        ("groupnorm", {"groups": 2}, MAP, MAP, 8),
        ("instancenorm", {}, MAP, MAP, 0),
        ("rmsnorm", {}, (5, 7), (5, 7), 7),
        ("l2norm", {}, MAP, MAP, 4),
        ("lrn", {}, MAP, MAP, 0),
        ("embedding", {"words": 100, "out": 16}, (5,), (5, 16), 1600),
        ("positions", {}, (5, 16), (5, 16), 80),
        ("classtoken", {}, (5, 16), (6, 16), 16),
        ("scale", {}, MAP, MAP, 4),
        ("prelu", {}, MAP, MAP, 4),
        ("prelu", {"per": "layer"}, MAP, MAP, 1),
        ("prelu", {"per": "element"}, MAP, MAP, 256),
        ("lstm", {"units": 32}, (10, 16), (32,), 6_272),  # Keras: 4 (16 + 32 + 1) 32
        ("lstm", {"units": 32, "biases": 2}, (10, 16), (32,), 6_400),  # PyTorch
        ("gru", {"units": 32}, (10, 16), (32,), 4_800),  # Keras and PyTorch: 3 (16 + 32 + 2) 32
        ("gru", {"units": 32, "biases": 1}, (10, 16), (32,), 4_704),
        ("flatten", {}, MAP, (256,), 0),
        ("flatten", {"start": 1}, MAP, (8, 32), 0),
        ("reshape", {"shape": "-1x4"}, MAP, (64, 4), 0),
        ("permute", {"order": "3x1x2"}, (2, 3, 5), (5, 2, 3), 0),
        ("zeropad", {"pad": "0:1:2:3"}, MAP, (9, 13, 4), 0),
        ("crop", {"pad": 1}, MAP, (6, 6, 4), 0),
        ("padchannels", {"out": 6}, MAP, (8, 8, 6), 0),
        ("upsample", {}, MAP, (16, 16, 4), 0),
        ("resize", {"size": "5x7", "mode": "bilinear"}, MAP, (5, 7, 4), 0),
        ("take", {}, (5, 16), (16,), 0),
        ("slice", {"start": 1, "stop": 3}, MAP, (8, 8, 2), 0),
        ("mean", {"axes": "0x1"}, MAP, (4,), 0),
        ("globalpool", {}, MAP, (4,), 0),
        ("globalpool", {"keep": "yes"}, MAP, (1, 1, 4), 0),
        ("roialign", {"size": 7}, MAP, (7, 7, 4), 0),
        ("dropout", {"rate": "0.5"}, MAP, MAP, 0),
    ],
)
def test_shapes_and_parameters(kind, options, shape, output, params):
    count = count_layer(kind, options, (shape,))
    assert (count.output, count.params) == (output, params)


def test_batch_norm_keeps_its_statistics_apart():
    count = count_layer("batchnorm", {}, (MAP,))
    assert (count.params, count.buffers, count.norm_ops) == (8, 8, 512)
    assert count_layer("batchnorm", {"frozen": True}, (MAP,)).buffers == 16


@pytest.mark.parametrize("kind", ["conv", "dense", "lstm", "attention", "batchnorm", "maxpool"])
def test_totals_are_the_products_that_explain_them(kind):
    options = {
        "conv": {"kernel": 3, "out": 2},
        "dense": {"out": 3},
        "lstm": {"units": 3},
        "attention": {"heads": 2},
        "maxpool": {"kernel": 2},
    }
    count = count_layer(kind, options.get(kind, {}), ((5, 4) if kind in {"lstm", "attention"} else MAP,))
    for quantity in ("weights", "biases", "macs", "bias_adds", "norm_ops", "pool_ops", "activation_ops"):
        assert getattr(count, quantity) == sum(term.value for term in count.terms if term.quantity == quantity)
    assert all(len(term.labels) == len(term.factors) for term in count.terms)


def test_joins():
    assert count_layer("add", {}, (MAP, MAP, MAP)).join_ops == 512
    assert count_layer("multiply", {}, (MAP, (4,))).output == MAP
    assert count_layer("concat", {}, (MAP, (8, 8, 3))).output == (8, 8, 7)
    assert count_layer("concat", {"axis": 0}, ((3, 4), (5, 4))).output == (8, 4)
    assert count_layer("matmul", {}, ((5, 3), (3, 7))).macs == 105


def test_what_is_not_understood_says_what_is_missing():
    count = count_layer("opaque", {"label": "Lambda 'f'"}, (MAP,))
    assert count.missing == ("weights", "macs")
    assert count.output is UNRANKED
    assert is_open(count.macs)
    known = count_layer("opaque", {"label": "f", "params": 3, "macs": 0, "shape": (2,)}, (MAP,))
    assert (known.missing, known.output, known.params, known.macs) == ((), (2,), 3, 0)


@pytest.mark.parametrize(
    ("kind", "options", "shapes", "said"),
    [
        ("conv", {"kernel": 9, "out": 1, "pad": "valid"}, (MAP,), "no output is left"),
        ("conv", {"kernel": 3, "out": 6, "groups": 4}, (MAP,), "4 groups do not divide its 6 output channels"),
        ("conv", {"kernel": 3, "out": 8, "groups": 3}, (MAP,), "3 groups do not divide its 4 input channels"),
        ("conv", {"kernel": 3, "out": 8}, ((784,),), "cannot take an input of shape 784"),
        ("conv", {"kernel": 3}, (MAP,), "does not say its 'out'"),
        ("conv", {"kernel": 3, "out": 8, "strid": 2}, (MAP,), "did you mean 'stride'"),
        ("conv", {"kernel": 3, "out": 0}, (MAP,), "out=0 is not allowed; write a whole number from 1 up"),
        ("conv", {"kernel": 3, "out": 8, "pad": "some"}, (MAP,), "write same, valid, a number"),
        ("conv", {"kernel": "3x3x3", "out": 8}, (MAP,), "kernel has 3 numbers for 2 axes"),
        ("relu", {"slope": 1}, (MAP,), "has no option 'slope'"),
        ("add", {}, (MAP, (8, 8, 3)), "cannot join branches of shapes 8x8x4 and 8x8x3"),
        ("add", {}, (MAP,), "has 1 inputs; give it 2 or more"),
        ("concat", {}, (MAP, (7, 8, 4)), "make them agree in every axis but -1"),
        ("attention", {"heads": 3}, ((5, 16),), "3 heads do not divide 16 features"),
        ("groupnorm", {"groups": 3}, (MAP,), "3 groups do not divide the 4 channels"),
        ("reshape", {"shape": "5x5"}, (MAP,), "has 256 elements"),
        ("reshape", {"shape": "-1x0"}, (MAP,), "has 256 elements"),
        ("permute", {"order": "1x1x2"}, (MAP,), "is no order of the axes"),
        ("partial", {"kernel": 3, "out": 2, "sees": [[0], [9]]}, (MAP,), "row 1 of the table is"),
        ("partial", {"kernel": 3, "out": 2, "sees": [[0]]}, (MAP,), "1 rows for 2 output maps"),
        ("partial", {"kernel": 3, "out": 2}, (MAP,), "nothing says which"),
        ("crop", {"pad": 9}, (MAP,), "no output is left"),
        ("lstm", {"units": 3}, (MAP,), "cannot step through"),
        ("globalpool", {}, ((7,),), "nothing to pool"),
        ("slice", {"start": 3, "stop": 2}, (MAP,), "has no elements 3 to 2"),
    ],
)
def test_what_cannot_be_is_said(kind, options, shapes, said):
    with pytest.raises((InvalidValueError, ShapeError)) as caught:
        count_layer(kind, options, shapes)
    assert said in str(caught.value)


def test_names_of_layers_are_lenient_and_suggested():
    assert canonical("Conv2D") == "conv"
    assert canonical("max-pool") == "maxpool"
    with pytest.raises(DlmathError, match="did you mean 'conv'"):
        canonical("cnov")
