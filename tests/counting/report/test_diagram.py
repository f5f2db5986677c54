"""What is drawn of networks: every layer once, rows in order, branches apart, columns cut where one box passes on."""

from __future__ import annotations

import itertools

import pytest

from dlmath.counting import zoo
from dlmath.counting.engine.count import count
from dlmath.counting.engine.words import chain_rows, parse_chain
from dlmath.counting.report.diagram import MOST_BOXES, columns, diagrams

SEEN = ("lenet5", "vgg16", "resnet18", "googlenet", "resnet50", "faster_rcnn", "unet", "vit_b_16", "densenet121")


@pytest.fixture(scope="module", params=SEEN)
def drawn(request):
    counted = count(zoo.load(request.param))
    return counted, diagrams(counted)


def test_every_layer_is_in_one_box(drawn):
    counted, (whole, *_) = drawn
    places = [place for spot in whole.boxes for place in spot.box.places]
    assert len(places) == len(set(places))
    weighty = {place for place, row in enumerate(counted.nodes) if row in counted.rows and (row.params or row.macs)}
    assert weighty <= set(places)


def test_arrows_lead_down(drawn):
    for diagram in drawn[1]:
        for source, target in diagram.arrows:
            assert diagram.boxes[source].row < diagram.boxes[target].row


def test_no_box_stands_upon_another(drawn):
    for diagram in drawn[1]:
        spots = sorted((spot.row, spot.lane) for spot in diagram.boxes)
        for (row, lane), (other, next_lane) in itertools.pairwise(spots):
            assert row != other or next_lane - lane >= 1 - 1e-9


def test_columns_are_cut_where_one_box_passes_on(drawn):
    for diagram in drawn[1]:
        cuts = columns(diagram)
        assert [row for first, last in cuts for row in range(first, last + 1)] == list(range(diagram.rows))
        for _, last in cuts[:-1]:
            crossing = {a for a, b in diagram.arrows if diagram.boxes[a].row <= last < diagram.boxes[b].row}
            assert len(crossing) == 1


def test_networks_too_large_for_layers_are_drawn_by_blocks_with_details():
    googlenet = diagrams(count(zoo.load("googlenet")))
    assert [diagram.title for diagram in googlenet] == ["", "inception_3a in detail"]
    (joined,) = (number for number, spot in enumerate(googlenet[1].boxes) if spot.box.text == "concat")
    assert sum(target == joined for _, target in googlenet[1].arrows) == 4
    assert len(googlenet[0].boxes) <= MOST_BOXES


def test_skip_connections_are_arrows():
    (whole,) = diagrams(count(zoo.load("resnet18")))
    adds = [number for number, spot in enumerate(whole.boxes) if spot.box.text.startswith("+")]
    assert len(adds) == 8
    assert all(sum(target == number for _, target in whole.arrows) == 2 for number in adds)


def test_equal_blocks_that_follow_one_another_are_one_box():
    texts = [spot.box.text for spot in diagrams(count(zoo.load("resnet50")))[0].boxes]
    assert "conv4_2 to conv4_6" in texts


def test_captions():
    words = "conv:7x7x64/2,pad=3 batchnorm relu maxpool:3/2 depthwise:3x3 globalpool dense:10 softmax"
    (whole,) = diagrams(count(parse_chain(chain_rows([words]), (32, 32, 3))))
    assert [spot.box.text for spot in whole.boxes] == [
        "input",
        "7x7 conv, 64, /2, BN, ReLU",
        "max pool 3x3, /2",
        "3x3 depthwise",
        "global average pool",
        "dense 10, softmax",
    ]


@pytest.mark.parametrize("ending", ["png", "svg"])
def test_the_picture_is_a_file_of_its_kind(ending):
    pytest.importorskip("matplotlib")
    from dlmath.counting.report.plots import picture

    content = picture([count(zoo.load("lenet5")), count(zoo.load("alexnet"))], ending)
    assert content.startswith({"png": b"\x89PNG", "svg": b"<?xml"}[ending])
    assert ending != "svg" or b"C3: 5x5 partial conv, 16, tanh" in content
