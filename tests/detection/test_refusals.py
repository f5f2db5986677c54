"""What `dlmath boxes` refuses, in one line and before anything is written; and what it notes."""

from __future__ import annotations

import pytest

MAP = "0 1 2 3; 4 5 6 7; 8 9 10 11; 12 13 14 15"
FOUND = "0 0 10 10 .9 cat a; 0 0 5 5 .6 dog b"
TRUE = "0 0 10 10 cat a; 0 0 10 10 cat b"


@pytest.fixture
def dlmath(command):
    """Run one command line; give status, standard output and standard error."""
    return command("boxes")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "no operation is named"),
        (("iuo", "0 0 1 1"), "did you mean 'iou'"),
        (("iou",), "iou with 0 inputs"),
        (("iou", "0 0 1 1", "0 0 1 1", "0 0 1 1"), "iou with 3 inputs"),
        (("iou", "-", "-"), "standard input is named twice"),
        (("iou", "10 40 20 20", "60 50 40 40"), "these look like x y w h: --boxes xywh"),
        (("iou", "0 0 nan 1"), "A: box 0 (0 0 nan 1)"),
        (("iou", ""), "A: is empty"),
        (("match", "0 0 1 1", " "), "TRUTHS: is empty"),
        (("iou", "0 0 1 1", "0 0 inf 1"), "B: box 0"),
        (("iou", "0 0 1"), "3 numbers a row"),
        (("iou", "0 0 5 -1", "--boxes", "xywh"), "negative size"),
        (("iou", "0 0 1 1 0.5"), "rotated boxes are not supported"),
        (("iou", "0 0 1 1", "--threshold", "0.3"), "--threshold has no meaning with iou"),
        (("iou", "0 0 1 1", "--no-keep-best"), "--keep-best has no meaning with iou"),
        (("iou", "0 0 1 1", "--kind", "gIo"), "--kind"),
        (("iou", "0 0 1 1", "--at", "0,0"), "--at has no meaning without"),
        (("iou", "0 0 1 1", "--at", "3,0", "--explain"), "there is no 3"),
        (("iou", "0 0 1 1", "--picture", "a.png"), "--picture has no meaning without --plot"),
        (("iou", "0 0 1 1", "--image", "10"), "--image 10 is no size"),
        (("encode", "0 0 1 1", "0 0 1 1; 2 2 3 3"), "1 proposals and 2 truths"),
        (("encode", "0 0 1 0", "0 0 1 1"), "proposal 0 has no width or no height"),
        (("encode", "0 0 1 1", "0 0 1 1", "--weights", "1,2"), "--weights 1,2: 2 numbers"),
        (("decode", "0 0 1 1", "0 0 0"), "3 numbers a row"),
        (("decode", "0 0 1 1", "0 0 900 0", "--clamp", "none"), "makes a box beyond"),
        (("decode", "0 0 1 1", "0 0 0 0", "--clamp", "-1"), "--clamp -1"),
        (("nms", "0 0 1 1"), "has no scores"),
        (("nms", "0 0 1 1 nan"), "the score of box 0 is nan"),
        (("nms", "0 0 1 1 .5", "--scores", ".5"), "scores of their own"),
        (("nms", "0 0 1 1", "--scores", ".5 .6"), "2 scores for 1 boxes"),
        (("nms", "0 0 1 1 .5", "--threshold", "1.5"), "--threshold 1.5 is not allowed"),
        (("nms", "0 0 1 1 .5", "--per-class"), "has no classes"),
        (("nms", "0 0 1 1 .5", "--soft", "gausian:1"), "did you mean 'gaussian"),
        (("nms", "0 0 1 1 .5", "--soft", "gaussian:0"), "is not positive"),
        (("nms", "0 0 1 1 .5", "--soft", "gaussian:1", "--threshold", "0.3"), "--threshold has no meaning"),
        (("nms", "0 0 1 1 .5", "--top", "0"), "--top 0 is not allowed"),
        (("anchors", "--size", "a"), "--size a"),
        (("anchors", "--size", "0"), "is not positive"),
        (("anchors", "--stride", "8"), "--stride has no meaning without a map"),
        (("anchors", "--image", "8x8"), "is smaller than --stride"),
        (("anchors", "--map", "100000x100000"), "anchors are too many"),
        (("anchors", "--like", "pycocotools"), "pycocotools has no anchors"),
        (("match", "0 0 1 1", "0 0 1 1", "--low", ".8", "--high", ".5"), "--low 0.8 is above --high 0.5"),
        (("roi-pool", MAP, "20 20 30 30"), "lies outside the map of 4 rows and 4 columns"),
        (("roi-align", MAP, "20 20 30 30"), "lies outside the map"),
        (("roi-pool", "0 1; 2", "0 0 1 1"), "row 1 has 1 numbers"),
        (("roi-pool", MAP, "0 0 1 1", "--output", "2"), "--output 2 is no size"),
        (("roi-pool", MAP, "0 0 1 1", "--scale", "0"), "is not positive"),
        (("roi-pool", MAP, "0 0 1 1", "--sampling", "2"), "--sampling has no meaning with roi-pool"),
        (("average-precision", "0 0 1 1", "0 0 1 1"), "has no scores"),
        (("average-precision", FOUND, TRUE, "--iou", "0"), "--iou 0 is not allowed"),
        (("average-precision", FOUND, TRUE, "--iou", "1.5"), "--iou 1.5 is not allowed"),
        (("average-precision", "0 0 1 1 .5", TRUE), "different image entries"),
        (("regress",), "regress with 0 inputs"),
        (("regress", "1; 2", "0 0 1 1", "0 0 1 1"), "2 rows of features, 1 proposals, 1 truths"),
        (("regress", "1; 2", "0 0 1 1; 5 5 6 6", "0 0 1 1; 7 7 8 8"), "1 of 2 pairs"),
        (("regress", "1", "0 0 1 1", "0 0 1 1", "--rounds", "2"), "--rounds 2"),
        (("regress", "--picture-demo", "10", "--inclusive"), "--inclusive has no meaning"),
        (("regress", "a", "b", "c", "--picture-demo", "10"), "has no meaning with --picture-demo"),
        (("regress", "--picture-demo", "10", "--lambda", "-1"), "--lambda -1 is not allowed"),
        (("cost", "--image", "10x10"), "--image 10x10 is not allowed"),
        (("cost", "0 0 1 1"), "cost with 1 inputs"),
    ],
    ids=lambda value: " ".join(value)[:60] if isinstance(value, tuple) else None,
)  # fmt: skip
def test_a_wrong_request_is_one_line_and_writes_nothing(words, told, dlmath, tmp_path):
    target = tmp_path / "a.png"
    plot = () if {"--at", "--picture"} & set(words) else ("--plot", target)
    status, out, err = dlmath(*words, *plot)
    assert (status, out) == (2, "")
    assert err.count("\n") == 1
    assert err.startswith("error: ")
    assert "; " in err
    assert told in err
    assert not target.exists()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("nms", "0 0 1 1 .5", "--soft", "linear"), "drops no box"),
        (("decode", "0 0 10 10", "0 0 20 0"), "was cut at 4.135"),
        (("iou", "0 0 .5 .5", "--inclusive"), "adds a whole pixel"),
        (("average-precision", "0 0 1 1 .5 a x; 0 0 1 1 .4 a y", "0 0 1 1 a x"), "1 images have detections and no"),
        (("iou", "-5 0 10 10", "--image", "20x20"), "1 of 1 boxes were clipped"),
    ],
)
def test_what_is_worth_knowing_is_noted(words, told, dlmath):
    status, _, err = dlmath(*words)
    assert status == 0
    assert told in err
    assert dlmath(*words, "--quiet")[2] == ""
