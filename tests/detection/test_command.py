"""`dlmath boxes` as a user types it and a script reads it."""

from __future__ import annotations

import csv
import io
import json
import re
from functools import partial

import numpy as np
import pytest

from dlmath.detection import words as declared
from dlmath.detection.engine.anchors import STYLES
from dlmath.detection.engine.average_precision import COCO_THRESHOLDS, RULES
from dlmath.detection.engine.geometry import FORMS
from dlmath.detection.engine.overlap import KINDS
from dlmath.detection.operations import LIKE, OPERATIONS

MAP = "0 1 2 3; 4 5 6 7; 8 9 10 11; 12 13 14 15"
FIVE = "; ".join(" ".join(str(5 * row + column) for column in range(5)) for row in range(5))
FOUND = "0 0 10 10 .9 cat a; 1 1 11 11 .8 cat a; 30 30 40 40 .7 cat a; 0 0 10 8 .65 cat b; 0 0 5 5 .6 dog b"
TRUE = "0 0 10 10 cat a; 30 30 40 40 cat a; 0 0 10 10 cat b; 50 50 60 60 cat b"
CALLS = {
    "iou": ("0 0 100 100", "0 0 50 50; 200 200 300 300"),
    "encode": ("0 0 10 10", "2 2 12 14"),
    "decode": ("10 20 50 100", "0.1 -0.2 0.3 -0.4"),
    "nms": ("0 0 10 10 .9; 1 1 11 11 .8; 30 30 40 40 .7", "--score-threshold", "0.75"),
    "anchors": ("--map", "2x3", "--size", "32"),
    "match": ("0 0 10 10; 0 0 10 5; 40 40 50 50", "0 0 10 10"),
    "roi-pool": (MAP, "0 0 3 3", "--output", "2x2"),
    "roi-align": (FIVE, "1 1 3 3", "--output", "4x4"),
    "average-precision": (FOUND, TRUE, "--iou", "coco"),
    "regress": ("--picture-demo", "10", "--rounds", "2"),
    "cost": (),
}


@pytest.fixture
def dlmath(command):
    """Run one command line; give status, standard output and standard error."""
    return command("boxes")


@pytest.fixture
def result(dlmath, result_of):
    """Run one command line and give its result as JSON has it."""
    return partial(result_of, dlmath)


def paths_of(value, path=()):
    if isinstance(value, dict) and value:
        return {found for key, inner in value.items() for found in paths_of(inner, (*path, key))}
    if isinstance(value, list) and value:
        return {found for inner in value for found in paths_of(inner, (*path, "*"))}
    return {path}


def holds(pattern, path):
    parts = pattern.split(".")
    if parts[-1] == "**":
        return len(path) >= len(parts) - 1 and all(p in {"*", q} for p, q in zip(parts[:-1], path, strict=False))
    return len(parts) == len(path) and all(p in {"*", q} for p, q in zip(parts, path, strict=True))


@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_operation_tells_what_it_holds(operation, dlmath, result):
    """A real result has every declared key, and no other; null and empty ones end earlier."""
    found = result(operation, *CALLS[operation])
    patterns = declared.ALL_RESULTS[operation]
    paths = paths_of(found)
    for path in paths:
        near = [p for p in patterns if holds(p, path) or p.startswith(".".join(path) + ".")]
        assert near, ".".join(path)
    told = {pattern.split(".")[0] for pattern in patterns}
    assert told == set(found)
    status, out, err = dlmath(operation, *CALLS[operation], "--explain")
    assert (status, err) == (0, "")
    assert out
    status, out, _ = dlmath(operation, *CALLS[operation], "--format", "csv", "--quiet")
    header, *rows = csv.reader(io.StringIO(out))
    assert status == 0
    assert rows
    assert {len(row) for row in rows} == {len(header)}


@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_operation_has_a_picture(operation, dlmath, tmp_path):
    pytest.importorskip("matplotlib")
    target = tmp_path / "a.svg"
    assert dlmath(operation, *CALLS[operation], "--plot", target, "--quiet")[0] == 0
    assert target.read_text(encoding="utf-8").startswith("<?xml")


def test_the_declared_words_are_those_of_the_engine():
    assert set(declared.FORMS) == set(FORMS)
    assert set(declared.KINDS) == set(KINDS)
    assert set(declared.RULES) == set(RULES)
    assert set(declared.ALL_RESULTS) == set(OPERATIONS)
    fields = {field for operation in OPERATIONS.values() for field in operation.fields}
    assert fields == declared.Words.ALL.keys() - {"operation", "inputs"}
    for known in LIKE.values():
        assert known.keys() <= OPERATIONS.keys()
        assert {c.style for c in known.values()} - {None} <= STYLES.keys()


def test_published_overlaps(result):
    assert result("iou", *CALLS["iou"])["matrix"] == [[0.25, 0.0]]
    assert result("iou", *CALLS["iou"])["best"] == [{"index": 0, "value": 0.25}]
    assert result("iou", *CALLS["iou"], "--kind", "giou")["matrix"][0][1] == pytest.approx(-7 / 9, rel=1e-15)
    pair = ("150 500 260 700", "141 576 243 600", "--boxes", "xywh", "--crowd")
    assert result("iou", *pair)["matrix"][0][0] == pytest.approx(0.771428571, abs=1e-9)
    assert result("iou", "-16 -16 16 16", "-16 -16 16 16")["matrix"] == [[1.0]]


def test_published_targets(result):
    targets = result("encode", *CALLS["encode"])["targets"][0]
    assert targets == pytest.approx([0.2, 0.3, 0, 0.18232156], abs=1e-8)
    boxes = result("decode", *CALLS["decode"])["boxes"][0]
    assert boxes == pytest.approx([7.0028238485, 17.1871981586, 60.9971761515, 70.8128018414], abs=1e-9)
    clamped = result("decode", "0 0 10 10", "0 0 20 0")
    assert clamped["boxes"][0] == pytest.approx([-307.5, 0, 317.5, 10], abs=1e-9)
    assert clamped["clamped"] == 1
    weighted = result("encode", *CALLS["encode"], "--weights", "10,10,5,5")["targets"][0]
    assert weighted == pytest.approx([2, 3, 0, 5 * 0.18232156], abs=1e-7)
    clipped = result("decode", "0 0 10 10", "0 0 20 0", "--image", "100x50")["boxes"][0]
    assert clipped == [0, 0, 100, pytest.approx(10)]


def test_py_faster_rcnns_decoder_forgets_a_pixel(result):
    """bbox_transform_inv of py-faster-rcnn does not take back the 1 that bbox_transform adds."""
    pair = ("0 0 9 9", "0 0 9 9")
    targets = " ".join(map(str, result("encode", *pair, "--inclusive")["targets"][0]))
    assert result("decode", pair[0], targets, "--inclusive")["boxes"] == [[0, 0, 9, 9]]
    assert result("decode", pair[0], targets, "--like", "py-faster-rcnn")["boxes"] == [[0, 0, 10, 10]]


def test_suppression(result):
    found = result("nms", "0 0 10 10 .9; 1 1 11 11 .8; 30 30 40 40 .7")
    assert found["keep"] == [0, 2]
    assert found["scores"] == [0.9, 0.7]
    assert found["suppressed"] == [{"box": 1, "by": 0, "iou": 81 / 119}]
    soft = result("nms", "0 0 10 10; 1 1 11 11; 0 2 10 12; 30 30 40 40", "--scores", ".9 .8 .7 .6",
                  "--soft", "gaussian:0.5")  # fmt: skip
    assert soft["keep"] == [0, 3, 1, 2]
    assert soft["scores"] == pytest.approx([0.9, 0.6, 0.316709, 0.113927], abs=1e-6)
    classes = "0 0 10 10 .9 cat; 0 0 10 10 .8 dog; 0 0 10 10 .7 cat"
    assert result("nms", classes, "--per-class")["keep"] == [0, 1]
    assert result("nms", classes)["keep"] == [0]
    pictures = "0 0 10 10 .9 cat a; 0 0 10 10 .8 cat b; 0 0 10 10 .7 cat a; 0 0 10 10 .6 dog b"
    assert result("nms", pictures)["keep"] == [0, 1]  # a box of another picture overlaps nothing here
    assert result("nms", pictures, "--per-class")["keep"] == [0, 1, 3]
    limited = result("nms", "0 0 1 1 .5; 5 5 6 6 .4; 9 9 10 10 .3", "--score-threshold", ".4", "--top", "1")
    assert (limited["keep"], sorted(limited["dropped"])) == ([0], [1, 2])  # a score of exactly the threshold takes part
    assert result("nms", "0 0 1 1 .5; 5 5 6 6 .4", "--score-threshold", ".4")["keep"] == [0, 1]


def test_arrays_are_boxes_in_python():
    import dlmath

    a, b = np.array([[0.0, 0, 10, 10], [0.1, 0, 5, 5]]), np.array([[0, 0, 10, 5]])
    found = dlmath.boxes("iou", a, b)
    assert found["matrix"][0] == [0.5]
    assert found["matrix"] == dlmath.boxes("iou", "0 0 10 10; 0.1 0 5 5", "0 0 10 5")["matrix"]
    assert dlmath.boxes("nms", a, scores=[0.9, 0.8])["keep"] == [0, 1]


def test_an_operation_may_be_spelled_in_capitals(result):
    for operation in ("encode", "decode", "roi-pool"):
        assert result(operation.upper().replace("-", "_"), *CALLS[operation]) == result(operation, *CALLS[operation])


def test_boxes_without_area_are_no_failure(result):
    assert result("iou", "5 5 5 5")["matrix"] == [[0.0]]
    assert result("nms", "5 5 5 5 .9; 5 5 5 5 .8")["keep"] == [0, 1]
    assert result("match", "5 5 5 5", "5 5 5 5")["labels"] == [0]


def test_anchors_of_every_library(result):
    like = partial(result, "anchors", "--like")
    assert like("py-faster-rcnn")["base"][0] == [-84, -40, 99, 55]
    assert like("py-faster-rcnn")["base"][-1] == [-168, -344, 183, 359]
    assert like("torchvision", "--size", "32")["base"] == [[-23, -11, 23, 11], [-16, -16, 16, 16], [-11, -23, 11, 23]]
    assert like("detectron2", "--size", "32")["base"][0][0] == pytest.approx(-16 * 2**0.5)
    paper = like("py-faster-rcnn", "--image", "1000x600")
    assert (paper["count"], paper["inside"], paper["map"]) == (20_646, 8_151, [37, 62])
    assert len(paper["anchors"]) == 20_646
    square = result("anchors", "--size", "32", "--ratios", "1", "--map", "64x64", "--stride", "8")
    assert (square["count"], square["anchors"][0], square["anchors"][-1]) == (
        4096, [-16, -16, 16, 16], [488, 488, 520, 520],
    )  # fmt: skip
    alone = result("anchors")
    assert (alone["anchors"], alone["count"], alone["inside"]) == (None, 9, None)


def test_matching(result):
    found = result("match", *CALLS["match"])
    assert found["labels"] == [1, -1, 0]
    assert found["match"] == [0, 0, 0]
    rescued = result("match", "0 0 10 4; 50 50 60 60", "0 0 10 10")
    assert (rescued["labels"], rescued["rescued"]) == ([1, 0], [0])
    assert result("match", "0 0 10 4; 50 50 60 60", "0 0 10 10", "--no-keep-best")["labels"] == [-1, 0]
    assert result("match", "0 0 10 4", "[]")["match"] == [None]


def test_regions(result):
    pooled = result("roi-pool", *CALLS["roi-pool"])
    assert pooled["values"] == [[[5, 7], [13, 15]]]
    assert pooled["bins"][0][1][0] == [0, 2, 2, 4]
    aligned = result("roi-align", *CALLS["roi-align"])
    assert aligned["values"][0][0] == [4.5, 5, 5.5, 6]
    assert aligned["values"][0][3] == [12, 12.5, 13, 13.5]
    old = result("roi-align", FIVE, "0 0 2 2", "--output", "2x2", "--unaligned")
    assert old["values"] == [[[3, 4], [8, 9]]]
    torchvision = result("roi-align", FIVE, "0 0 2 2", "--output", "2x2", "--like", "torchvision")
    assert torchvision["values"] == [[[2.5 + 0.5, 4], [8, 9]]]
    assert result("roi-pool", MAP, "0 0 48 48", "--output", "2x2", "--scale", "1/16") == pooled


def test_average_precision(result):
    found = result("average-precision", FOUND, TRUE)
    assert found["ap"] == pytest.approx((26 + 50 * 0.75) / 101, rel=1e-14)
    assert found["ap_by_class"] == {"cat": found["ap"], "dog": None}
    assert [entry["correct"] for entry in found["decisions"]] == [True, False, True, True, False]
    assert found["decisions"][0] == {
        "image": "a", "class": "cat", "score": 0.9, "detection": 0, "truth": 0, "iou": 1.0, "correct": True,
    }  # fmt: skip
    assert found["curve"][0]["recall"] == [0.25, 0.25, 0.5, 0.75]
    whole = result("average-precision", FOUND, TRUE, "--iou", "coco")
    assert len(whole["ap_by_iou"]) == len(COCO_THRESHOLDS)
    assert whole["coco"]["AP"] == pytest.approx(whole["ap"], rel=1e-14)
    assert found["coco"] is None


def test_average_precision_without_truths_is_undefined_and_says_why(dlmath, result):
    found = result("average-precision", FOUND, "[]")
    assert (found["ap"], found["reason"]) == (None, "there are no truths")
    status, out, _ = dlmath("average-precision", FOUND, "[]")
    assert status == 0
    assert "undefined: there are no truths" in out
    assert result("average-precision", "[]", TRUE)["ap"] == 0


def test_cocos_files(tmp_path, result):
    """Names of classes, ids from 0, a crowd; results have numbers of classes."""
    truths = {
        "categories": [{"id": 0, "name": "cat"}],
        "annotations": [
            {"image_id": 0, "category_id": 0, "bbox": [0, 0, 10, 10], "area": 100, "iscrowd": 0},
            {"image_id": 0, "category_id": 0, "bbox": [20, 20, 40, 40], "area": 1600, "iscrowd": 1},
        ],
    }
    detections = [
        {"image_id": 0, "category_id": 0, "bbox": [0, 0, 10, 10], "score": 0.9},
        {"image_id": 0, "category_id": 0, "bbox": [25, 25, 5, 5], "score": 0.8},
    ]
    for name, data in (("truths.json", truths), ("found.json", detections)):
        (tmp_path / name).write_text(json.dumps(data), encoding="utf-8")
    files = str(tmp_path / "found.json"), str(tmp_path / "truths.json")
    found = result("average-precision", *files, "--like", "pycocotools")
    assert found["ap_by_class"] == {"cat": pytest.approx(1, rel=1e-14)}
    assert [entry["correct"] for entry in found["decisions"]] == [True, None]
    by_name = "x1,y1,x2,y2,score,class,image\n0,0,10,10,.9,cat,0\n"
    (tmp_path / "found.csv").write_text(by_name, encoding="utf-8")
    assert result("average-precision", str(tmp_path / "found.csv"), files[1])["ap"] == 1


def test_regression_on_files(tmp_path, result):
    """Targets that are exactly linear in the features are learned exactly."""
    rng = np.random.default_rng(0)
    features = rng.normal(size=(40, 3))
    proposals = np.tile([[10.0, 10, 30, 40]], (40, 1))
    targets = features @ rng.normal(size=(3, 4)) * 0.02
    from dlmath.detection.engine.encoding import decode

    for name, values in (("f", features), ("p", proposals), ("g", decode(proposals, targets))):
        np.save(tmp_path / f"{name}.npy", values)
    files = [str(tmp_path / f"{name}.npy") for name in "fpg"]
    found = result("regress", *files, "--lambda", "0")
    assert found["iou_before"] < 0.98
    assert found["iou_after"] == [pytest.approx(1, abs=1e-10)]
    assert found["explained"] == pytest.approx([1] * 4, abs=1e-10)
    assert found["share_above"] is None


def test_the_demonstration_is_repeatable(result):
    first, again = (result("regress", "--picture-demo", "30", "--seed", "3") for _ in range(2))
    assert first == again
    assert result("regress", "--picture-demo", "30", "--seed", "4") != first


def test_costs_are_those_of_param_count(result, command, result_of):
    """Published: RPN's 2,387,510 parameters, 1/73.1 of R-CNN's MACs; counted by the same engine as `param-count`."""
    found = result("cost")
    by_name = {design["name"]: design for design in found["designs"]}
    fast = result_of(command("param-count"), "--model", "fast_rcnn")
    faster = result_of(command("param-count"), "--model", "faster_rcnn")
    vgg = result_of(command("param-count"), "--model", "vgg16")
    assert (by_name["Fast R-CNN"]["macs"], by_name["Fast R-CNN"]["params"]) == (fast["macs"], fast["params"])
    assert (by_name["Faster R-CNN"]["macs"], by_name["Faster R-CNN"]["params"]) == (faster["macs"], faster["params"])
    last = vgg["layers"][-1]["macs"] or vgg["layers"][-2]["macs"]
    assert by_name["R-CNN"]["macs"] == 2000 * (vgg["macs"] - last)
    assert by_name["Fast R-CNN"]["ratio"] == pytest.approx(73.1, abs=0.05)
    assert by_name["Fast R-CNN, truncated SVD"]["ratio"] == pytest.approx(124.7, abs=0.05)
    assert by_name["Faster R-CNN"]["ratio"] == pytest.approx(137.7, abs=0.05)
    assert sum(layer["params"] for layer in found["rpn"]) == 2_387_510
    assert found["anchors"] == {"paper": 21_600, "map": [37, 62], "count": 20_646, "inside": 8_151}
    assert result("cost", "--image", "500x400")["designs"][0]["published"] is None


def test_files_that_say_how_their_boxes_are_written(tmp_path, dlmath, result):
    path = tmp_path / "a.csv"
    path.write_text("x,y,w,h,score\n0,0,10,10,.9\n", encoding="utf-8")
    assert result("iou", str(path), "0 0 10 10")["matrix"] == [[1.0]]
    status, _, err = dlmath("nms", path, "--boxes", "cxcywh")
    assert status == 2
    assert "--boxes cxcywh has no effect" in err


def test_what_is_printed_as_csv_is_read_again(tmp_path, dlmath, result):
    kept = tmp_path / "kept.csv"
    kept.write_text(dlmath("nms", FOUND.replace(" a", "").replace(" b", ""), "--format", "csv")[1], encoding="utf-8")
    again = result("nms", str(kept))
    assert again["count"] == len(kept.read_text(encoding="utf-8").splitlines()) - 1


def test_standard_input(monkeypatch, dlmath):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b'{"boxes": [[0, 0, 10, 10]]}')))
    status, out, _ = dlmath("iou", "-", "0 0 10 5", "--get", "matrix.0.0")
    assert (status, out) == (0, "0.5\n")


def test_a_matrix_that_would_not_fit_is_told_before_it_is_made(tmp_path, dlmath):
    np.save(tmp_path / "many.npy", np.zeros((20_000, 4)))
    status, _, err = dlmath("iou", tmp_path / "many.npy")
    assert status == 2
    assert "20,000 x 20,000 overlaps needs 3.0 GiB" in err


def test_long_tables_say_what_they_leave_out(dlmath):
    rows = "; ".join(f"{20 * k} 0 {20 * k + 10} 10 {0.5 + k / 1000}" for k in range(60))
    _, out, _ = dlmath("nms", rows)
    assert "20 more rows" in out
    _, out, _ = dlmath("nms", rows, "--format", "csv")
    assert len(out.splitlines()) == 61


def test_the_explanation_shows_this_runs_numbers(dlmath):
    _, out, _ = dlmath("iou", "0 0 10 10", "2 2 12 14", "--explain")
    assert "IoU = 64 / 156 = 0.41025641" in out
    _, out, _ = dlmath("encode", *CALLS["encode"], "--explain")
    assert "th = ln(12 / 10) = 0.182321557" in out
    _, out, _ = dlmath("nms", *CALLS["nms"][:1], "--explain")
    assert "suppressed by box 0, IoU 0.680672269" in out
    _, out, _ = dlmath("anchors", "--like", "py-faster-rcnn", "--image", "1000x600", "--explain")
    assert "37 rows x 62 columns x 9 anchors = 20,646" in out
    _, out, _ = dlmath("roi-align", *CALLS["roi-align"], "--explain", "--at", "0,1,1")
    assert "0.875 x 0.875 x 6 + 0.875 x 0.125 x 7 + 0.125 x 0.875 x 11 + 0.125 x 0.125 x 12 = 6.75" in out
    assert "mean of 4 points = 7.5" in out
    _, out, _ = dlmath("average-precision", FOUND, TRUE, "--explain")
    assert "AP = (26 x 1 + 50 x 0.75 + 25 x 0) / 101 = 0.628712871" in out
    _, out, _ = dlmath("average-precision", FOUND, TRUE, "--explain", "--rule", "voc")
    assert re.search(r"AP = 0.25 x 1 \+ 0.25 x 0.75 \+ 0.25 x 0.75 = 0.625\b", out)


def test_settings_repeat_the_run(dlmath):
    _, out, _ = dlmath("anchors", "--like", "py-faster-rcnn", "--format", "json")
    settings = json.loads(out)["settings"]
    assert (settings["scales"], settings["inclusive"], settings["style"]) == ([8, 16, 32], True, "py-faster-rcnn")
    _, out, _ = dlmath("average-precision", FOUND, TRUE, "--iou", "coco", "--format", "json")
    assert json.loads(out)["settings"]["iou"] == list(COCO_THRESHOLDS)
