"""Every format people keep boxes in, written by hand and by hypothesis; and what is no box."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlmath.detection.files.content import is_inline
from dlmath.detection.files.numbers import read_map, read_matrix
from dlmath.detection.files.reading import Role, read_boxes
from dlmath.detection.files.rows import split_rows
from dlmath.detection.files.table import Writing, corners_of, image_name, numbered
from dlmath.errors import DlmathError, InvalidValueError, UnreadableError

PLAIN = Role("boxes")
SCORED = Role("boxes", ("score", "class", "image"), may_be_empty=True)
ROWS = [[0, 0, 10, 10], [2, 2, 12, 14]]


def write(tmp_path, name, text):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return str(path)


def corners(word, role=PLAIN, **writing):
    return corners_of(read_boxes(word, role), Writing(**writing))[0].tolist()


@pytest.mark.parametrize(
    "word",
    ["0 0 10 10; 2 2 12 14", "0,0,10,10; 2,2,12,14", "0 0 10 10\n2 2 12 14\n", "[[0,0,10,10],[2,2,12,14]]",
     " 0 0 10 10 ;2 2 12 14;", '{"boxes": [[0,0,10,10],[2,2,12,14]]}'],
)  # fmt: skip
def test_rows_on_the_command_line(word):
    assert corners(word) == ROWS


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.csv", "x1,y1,x2,y2\n0,0,10,10\n2,2,12,14\n"),
        ("semicolons.csv", "x1;y1;x2;y2\n0;0;10;10\n2;2;12;14\n"),
        ("tabs.tsv", "xmin\tymin\txmax\tymax\n0\t0\t10\t10\n2\t2\t12\t14\n"),
        ("sized.csv", "# comment, with a comma\nx,y,w,h\n0,0,10,10\n\n2,2,10,12\n"),
        ("centred.csv", "name,cx,cy,width,height\nA,5,5,10,10\nB,7,8,10,12\n"),
        ("bare.csv", "0,0,10,10\n2,2,12,14\n"),
        ("bare.txt", "0 0 10 10\n2 2 12 14\n"),
        ("a.json", "[[0, 0, 10, 10], [2, 2, 12, 14]]"),
        ("objects.json", '[{"box": [0, 0, 10, 10]}, {"box": [2, 2, 12, 14]}]'),
        ("named.json", '[{"x1": 0, "y1": 0, "x2": 10, "y2": 10}, {"x1": 2, "y1": 2, "x2": 12, "y2": 14}]'),
        ("printed.json", '{"command": "boxes", "result": {"boxes": [[0, 0, 10, 10], [2, 2, 12, 14]]}}'),
        ("coco.json", '{"annotations": [{"bbox": [0, 0, 10, 10]}, {"bbox": [2, 2, 10, 12]}]}'),
        ("results.json", '[{"image_id": 1, "bbox": [0, 0, 10, 10]}, {"image_id": 1, "bbox": [2, 2, 10, 12]}]'),
        (
            "voc.xml",
            "<annotation><filename>a.jpg</filename>"
            + "".join(
                f"<object><name>{name}</name><bndbox><xmin>{x1}</xmin><ymin>{y1}</ymin><xmax>{x2}</xmax>"
                f"<ymax>{y2}</ymax></bndbox></object>"
                for name, (x1, y1, x2, y2) in zip("ab", ROWS, strict=True)
            )
            + "</annotation>",
        ),
    ],
)
def test_files(tmp_path, name, text):
    assert corners(write(tmp_path, name, text)) == ROWS


@pytest.mark.parametrize("dtype", ["float32", "int16", "uint8"])
def test_arrays(tmp_path, dtype):
    np.save(tmp_path / "a.npy", np.array(ROWS, dtype=dtype))
    assert corners(str(tmp_path / "a.npy")) == ROWS


def test_scores_classes_and_pictures_in_any_of_them(tmp_path):
    wanted = ([0.9, 0.8], ["cat", "dog"], ["a", "b"])
    files = {
        "a.csv": "image,class,score,x1,y1,x2,y2\nshots/a.jpg,cat,0.9,0,0,10,10\nb.png,dog,0.8,2,2,12,14\n",
        "b.json": json.dumps(
            {"boxes": ROWS, "scores": [0.9, 0.8], "labels": ["cat", "dog"], "images": ["a.jpg", "b.jpg"]}
        ),
        "c.json": json.dumps(
            [
                {"box": box, "confidence": score, "label": label, "image": image}
                for box, score, label, image in zip(ROWS, *wanted, strict=True)
            ]
        ),
    }
    words = [write(tmp_path, name, text) for name, text in files.items()]
    for word in [*words, "0 0 10 10 .9 cat a; 2 2 12 14 .8 dog b"]:
        table = read_boxes(word, SCORED)
        assert (table.score.tolist(), list(table.label), list(table.image)) == wanted


def test_whole_classes_are_the_same_however_they_are_written(tmp_path):
    np.save(tmp_path / "a.npy", np.array([[0, 0, 1, 1, 0.5, 3.0, 17.0]]))
    by_csv = write(tmp_path, "a.csv", "x1,y1,x2,y2,score,class,image\n0,0,1,1,.5,3,17\n")
    for word in (str(tmp_path / "a.npy"), by_csv, "0 0 1 1 .5 3.0 17"):
        table = read_boxes(word, SCORED)
        assert (list(table.label), list(table.image)) == (["3"], ["17"])


def test_yolo(tmp_path):
    word = write(tmp_path, "shot.txt", "0 0.5 0.5 0.5 0.25\n7 0.25 0.25 0.5 0.5\n")
    table = read_boxes(word, PLAIN)
    assert (table.form, table.normalised, list(table.label), list(table.image)) == (
        "cxcywh", True, ["0", "7"], ["shot", "shot"],
    )  # fmt: skip
    assert corners(word, picture=(200, 100)) == [[50, 37.5, 150, 62.5], [0, 0, 100, 50]]
    assert corners(word)[1] == [0, 0, 0.5, 0.5]
    scored = read_boxes(write(tmp_path, "found.txt", "0 0.5 0.5 0.5 0.25 0.9\n"), SCORED)
    assert scored.score.tolist() == [0.9]
    with pytest.raises(InvalidValueError, match="no share of a picture"):
        read_boxes(write(tmp_path, "pixels.txt", "0 0 10 10 0.9\n"), SCORED)


def test_folders_of_label_files(tmp_path):
    folder = tmp_path / "labels"
    folder.mkdir()
    write(folder, "b.txt", "1 0.5 0.5 0.5 0.5\n")
    write(folder, "a.txt", "0 0.5 0.5 0.5 0.5\n0 0.2 0.2 0.1 0.1\n")
    write(folder, "empty.txt", "")
    table = read_boxes(str(folder), PLAIN)
    assert (list(table.label), list(table.image)) == (["0", "0", "1"], ["a", "a", "b"])
    write(folder, "c.xml", "<annotation/>")
    with pytest.raises(UnreadableError, match="both"):
        read_boxes(str(folder), PLAIN)


def test_coco_keeps_crowds_areas_and_names(tmp_path):
    data = {
        "images": [{"id": 0}],
        "categories": [{"id": 18, "name": "dog"}],
        "annotations": [
            {"id": 0, "image_id": 0, "category_id": 18, "bbox": [1, 2, 3, 4], "area": 7.5, "iscrowd": 1},
            {"id": 1, "image_id": 0, "category_id": 18, "bbox": [1, 2, 3, 4], "area": 12, "iscrowd": 0, "ignore": 1},
        ],
    }
    table = read_boxes(write(tmp_path, "instances.json", json.dumps(data)), PLAIN)
    assert (table.form, table.area.tolist(), table.names) == ("xywh", [7.5, 12], {"18": "dog"})
    assert (table.crowd.tolist(), table.ignored.tolist(), list(table.image)) == (
        [True, False],
        [True, True],
        ["0", "0"],
    )


def test_a_picture_scales_shares_and_clips_the_rest():
    assert corners("0 0 .5 .5", picture=(200, 100)) == [[0, 0, 100, 50]]
    assert corners("0 0 .5 .5", picture=(200, 100), plus=1.0) == [[0, 0, 99, 49]]
    assert corners("-5 0 300 50", picture=(200, 100)) == [[0, 0, 200, 50]]
    assert corners("0 0 1 1", picture=(200, 100)) == [[0, 0, 1, 1]]  # a pixel, not a whole picture
    _, notes = corners_of(read_boxes("0 0 .5 .5; 0 0 1 1", PLAIN), Writing(picture=(200.0, 100.0)))
    assert "scaled to 200x100" in notes[0]


@pytest.mark.parametrize(
    ("word", "told"),
    [
        ("1 2 3; 4 5 6", "3 numbers a row"),
        ("1 2 3 4 5", "rotated boxes are not supported"),
        ("1 2 3 4 5 6", "6 numbers a row"),
        ("0 0 10 10; 1 2 3", "box 1 has 3 numbers, box 0 has 4"),
        ("0 0 ten 10", "x2 of box 0 is 'ten'"),
        ("nowhere.csv", "No such file"),
        ("[[0, 0, 10, null]]", "box 0 holds None"),
        ("[[0, 0, 10", "is no JSON"),
        ('{"annotations": [{"bbox": [1, 2]}]}', "annotation 0 has no bbox"),
        ('{"foo": 1}', "has no boxes among foo"),
        ('[{"box": [1, 2, 3]}]', "box 0 is [1, 2, 3]"),
        ('{"boxes": [[0, 0, 1, 1]], "scores": [1, 2]}', "2 of score for 1 boxes"),
        ('[{"image_id": 1, "bbox": [1, 2, 3, 1' + "0" * 400 + "]}]", "box 0 (1 2 3 inf)"),
        ("[]", "holds no boxes"),
        ("<annotation><object></object></annotation>", "object 0 has no bndbox/xmin"),
        ("<annotation>", "is no XML"),
        ('<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "declares a document type"),
        (" ", "is empty"),
    ],
)
def test_what_is_no_box_is_told(word, told):
    with pytest.raises(DlmathError) as error:
        corners(word)
    assert told in str(error.value)
    assert "\n" not in error.value.mend


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("empty.csv", "", "is empty"),
        ("header.csv", "x1,y1,x2,y2\n", "holds no boxes"),
        ("short.csv", "x1,y1,x2,y2\n0,0,1,1\n0,0,1\n", ":3: has 3 values"),
        ("noted.csv", "# note\n\nx1,y1,x2,y2\n0,0,1,1\n0,0,1\n", ":5: has 3 values"),
        ("other.csv", "x1,y1,x2,yy\n0,0,1,1\n", "did you mean"),
        ("twice.csv", "x1,y1,x2,y2,x1\n0,0,1,1,1\n", "stands twice"),
        ("words.csv", "x1,y1,x2,y2\n0,0,1,one\n", "y2 of box 0 is 'one'"),
        ("fake.npy", "0 0 1 1", "is no .npy file"),
        ("fake.json", "0 0 1 1", "is no JSON"),
        ("fake.xml", "0 0 1 1", "is no XML"),
    ],
)
def test_files_that_are_not_what_they_say(tmp_path, name, text, told):
    with pytest.raises(DlmathError, match=told.replace(".", r"\.")):
        read_boxes(write(tmp_path, name, text), PLAIN)


def test_damaged_and_strange_arrays(tmp_path):
    path = tmp_path / "a.npy"
    np.save(path, np.zeros((3, 3)))
    with pytest.raises(InvalidValueError, match="3 numbers a row"):
        read_boxes(str(path), PLAIN)
    np.save(path, np.zeros((2, 2, 4)))
    with pytest.raises(InvalidValueError, match="shape"):
        read_boxes(str(path), PLAIN)
    np.save(path, np.array(["a"]))
    with pytest.raises(UnreadableError, match="real numbers"):
        read_boxes(str(path), PLAIN)
    np.save(path, np.zeros((10, 4)))
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(UnreadableError, match="no whole"):
        read_boxes(str(path), PLAIN)


def test_many_rows_come_in_portions(tmp_path, monkeypatch):
    monkeypatch.setattr("dlmath.detection.files.rows.PORTION", 7)
    rows = np.arange(100).reshape(25, 4)
    word = write(tmp_path, "a.csv", "x1,y1,x2,y2\n" + "\n".join(",".join(map(str, row)) for row in rows))
    assert corners(word) == rows.tolist()


@given(st.lists(st.lists(st.floats(-1e9, 1e9), min_size=4, max_size=4), min_size=1, max_size=5), st.sampled_from(" ,"))
def test_what_is_printed_is_read_again(rows, separator):
    boxes = [[min(a, c), min(b, d), max(a, c), max(b, d)] for a, b, c, d in rows]
    assert corners(";".join(separator.join(map(repr, box)) for box in boxes)) == boxes
    assert corners(json.dumps(boxes)) == boxes


@given(st.text('0123456789 .,;-+e[]{}":<>/nabxy\n', max_size=40))
def test_any_text_is_read_or_told(text):
    try:
        read_boxes(f"0 {text}", SCORED)
    except DlmathError as error:
        assert error.mend  # noqa: PT017
    split_rows(text)


def test_numbers_and_names_of_files_are_told_apart(tmp_path):
    assert [is_inline(word) for word in ("5", "-1 0", "[[1]]", "nan 0 0 0")] == [True] * 4
    assert [is_inline(word) for word in ("-", "boxes.json", str(tmp_path), "example:scene.png")] == [False] * 4


def test_maps_and_matrices(tmp_path):
    assert read_map("0 1 2; 3 4 5").dtype == np.int64
    assert read_map("0 1.5").tolist() == [[0, 1.5]]
    np.save(tmp_path / "m.npy", np.ones((2, 3, 4), dtype=np.float32))
    assert read_map(str(tmp_path / "m.npy")).shape == (2, 3, 4)
    assert read_matrix(write(tmp_path, "t.csv", "tx,ty,tw,th\n0,0,1,2\n"), "T", columns=4).tolist() == [[0, 0, 1, 2]]
    assert read_matrix("0.9 0.8", "scores").tolist() == [[0.9, 0.8]]
    for word, told in (("1 2; 3", "row 1 has 1"), ("1 x", "column 1 is 'x'"), ("1 nan", "stands at")):
        with pytest.raises(InvalidValueError, match=told):
            read_map(word)
    with pytest.raises(InvalidValueError, match="3 numbers a row"):
        read_matrix("1 2 3", "T", columns=4)


def test_names_are_numbered_in_their_order():
    names, (first, second) = numbered(["b", "10", "9"], ["9", "b"])
    assert names == ["9", "10", "b"]
    assert (first.tolist(), second.tolist()) == ([2, 1, 0], [0, 2])
    assert image_name("a/b/c.JPG") == "c"
