"""Labelled images in the files users have, and every way in which they can be wrong."""

from __future__ import annotations

import gzip
import struct
from importlib.util import find_spec

import numpy as np
import pytest
from PIL import Image

from dlmath.errors import DlmathError
from dlmath.images.files.checking import Raw, prepared
from dlmath.images.files.idx import TYPES, read_idx
from dlmath.images.files.sources import open_source

GENERATOR = np.random.default_rng(0)
PIXELS = GENERATOR.integers(0, 256, (30, 5, 7), dtype=np.uint8)
LABELS = np.arange(30) % 3


def idx_bytes(array, code=0x08):
    header = b"\0\0" + bytes([code, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    return header + array.astype(TYPES[code]).tobytes()


def data_of(word, *rest):
    return open_source(str(word), *rest).data(0)


def refused(match, word, *rest):
    with pytest.raises(DlmathError, match=match):
        data_of(word, *rest)


# ---------------------------------------------------------------- marks


def test_marks_take_their_settings():
    data = data_of("marks:size=20,train=30,test=20,wide=yes")
    assert data.train.images.shape == (30, 20, 20, 1)
    assert data.test.images.shape == (20, 20, 20, 1)
    assert not np.array_equal(open_source("marks").data(1).train.images, open_source("marks").data(0).train.images)


@pytest.mark.parametrize(
    ("word", "match"),
    [
        ("marks:size=4", "8 to 256"),
        ("marks:size=big", "whole number"),
        ("marks:sise=16", "did you mean 'size'"),
        ("marks:wide=maybe", "wide=yes or wide=no"),
        ("marks:train=3", "one of every class"),
        ("marks:train=99999999", "whole number"),
        ("marks:train=1000000,size=256", "GB"),
        ("mark", "did you mean 'marks'"),
        ("nothing.npz", "No such file"),
    ],
)
def test_wrong_settings_are_refused(word, match):
    refused(match, word)


# ---------------------------------------------------------------- IDX


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("names", ["train-images-idx3-ubyte", "train-images.idx3-ubyte"])
def test_idx_folder(tmp_path, packed, names):
    for role, count in (("train", 30), ("t10k", 9)):
        for what, array, kind in (("images", PIXELS, "idx3"), ("labels", LABELS, "idx1")):
            name = names.replace("train", role).replace("images", what).replace("idx3", kind)
            content = idx_bytes(array[:count])
            (tmp_path / (name + ".gz" * packed)).write_bytes(gzip.compress(content) if packed else content)
    data = data_of(tmp_path)
    assert data.shape == (5, 7, 1)
    assert np.array_equal(data.train.images[..., 0], PIXELS.astype(np.float32) / 255)
    assert np.array_equal(data.test.labels, LABELS[:9])


def test_idx_without_test_files_keeps_a_fifth_of_every_class(tmp_path):
    (tmp_path / "train-images-idx3-ubyte").write_bytes(idx_bytes(PIXELS))
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(idx_bytes(LABELS + 4))
    data = data_of(tmp_path)
    assert np.bincount(data.test.labels).tolist() == [2, 2, 2]
    assert np.bincount(data.train.labels).tolist() == [8, 8, 8]
    assert data.classes == ("4", "5", "6")


@pytest.mark.parametrize("code", TYPES)
def test_every_type_of_idx(tmp_path, code):
    values = np.arange(24).reshape(2, 3, 4)
    (tmp_path / "x").write_bytes(idx_bytes(values, code))
    assert np.array_equal(read_idx(tmp_path / "x"), values)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda b: b[:-1], "announces 1,050 bytes of numbers and has 1,049"),
        (lambda b: b + b"x", "and has more"),
        (lambda b: b"\1" + b[1:], "is no IDX file"),
        (lambda b: b[:2] + b"\x07" + b[3:], "is no IDX file"),
        (lambda b: b[:9], "ends within its header"),
        (lambda b: b[:4] + b"\xff" * 12 + b[16:], "GB"),
        (lambda b: gzip.compress(b)[:-9], "damaged or cut short"),
        (lambda _: b"", "is no IDX file"),
    ],
)
def test_damaged_idx_is_refused(tmp_path, change, match):
    (tmp_path / "train-images-idx3-ubyte").write_bytes(change(idx_bytes(PIXELS)))
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(idx_bytes(LABELS))
    refused(match, tmp_path)


def test_idx_with_a_file_missing_or_of_other_axes(tmp_path):
    (tmp_path / "train-images-idx3-ubyte").write_bytes(idx_bytes(PIXELS))
    refused("train labels are missing", tmp_path)
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(idx_bytes(LABELS[:29]))
    refused("30 images and 29 labels", tmp_path)
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(idx_bytes(PIXELS))
    refused("has 3 axes, not 1", tmp_path)


# ---------------------------------------------------------------- npz


@pytest.mark.parametrize(
    "names",
    [("x_train", "y_train", "x_test", "y_test"), ("train_images", "train_labels", "test_images", "test_labels")],
)
def test_npz_of_keras_and_medmnist(tmp_path, names):
    np.savez(tmp_path / "a.npz", **dict(zip(names, (PIXELS, LABELS[:, None], PIXELS[:9], LABELS[:9]), strict=True)))
    data = data_of(tmp_path / "a.npz")
    assert data.shape == (5, 7, 1)
    assert np.array_equal(data.train.labels, LABELS)
    assert float(data.train.images.max()) <= 1


def test_npz_variants(tmp_path):
    path = tmp_path / "b.npz"
    colour = GENERATOR.random((30, 3, 6, 6))
    np.savez(path, images=colour, labels=np.eye(3)[LABELS])
    source = open_source(str(path))
    assert source.data(0).shape == (6, 6, 3)
    assert any("channels first" in note for note in source.notes)
    np.savez(path, x=PIXELS.reshape(30, 35)[:, :25], y=LABELS)
    assert data_of(path).shape == (5, 5, 1)
    np.savez(path, x=PIXELS, y=LABELS * 2.0 + 1)
    assert data_of(path).classes == ("1", "3", "5")


@pytest.mark.parametrize(
    ("arrays", "match"),
    [
        ({"a": PIXELS}, "holds the arrays a"),
        ({"x": PIXELS, "y": LABELS + 0.5}, "label 0.5 of image 0 is not whole"),
        ({"x": PIXELS, "y": LABELS * 0}, "all images are of class 0"),
        ({"x": PIXELS[:, :0], "y": LABELS}, "are none"),
        ({"x": PIXELS.reshape(30, 35), "y": LABELS}, "35 pixels are no squares"),
        ({"x": PIXELS, "y": LABELS[:7]}, "30 images and 7 labels"),
        ({"x": np.full((30, 4, 4), np.nan), "y": LABELS}, "no finite number"),
        ({"x": np.ones((30, 4, 4)), "y": LABELS}, "one value throughout"),
        ({"x": PIXELS.astype(complex), "y": LABELS}, "complex"),
        ({"x": PIXELS, "y": np.arange(2)}, "30 images and 2 labels"),
        ({"x": PIXELS, "y": np.array([object()] * 30)}, "Python objects"),
        ({"x_train": PIXELS, "y_train": LABELS, "x_test": PIXELS[:, 1:], "y_test": LABELS}, "4x7 and those of"),
        ({"x_train": PIXELS, "y_train": LABELS, "x_test": PIXELS, "y_test": LABELS + 1}, "has no image of class"),
    ],
)
def test_wrong_npz_is_refused(tmp_path, arrays, match):
    np.savez(tmp_path / "c.npz", **arrays)
    refused(match, tmp_path / "c.npz")


def test_damaged_npz_is_refused(tmp_path):
    path = tmp_path / "d.npz"
    np.savez(path, x=PIXELS, y=LABELS)
    path.write_bytes(path.read_bytes()[:200])
    refused("no .npz archive, or damaged", path)
    path.write_bytes(b"hello")
    refused("no .npz archive, or damaged", path)
    (tmp_path / "data_batch_1").write_bytes(b"\x80\x04")
    refused("pickles", tmp_path / "data_batch_1")
    (tmp_path / "what.txt").write_bytes(b"")
    refused("no data set by its ending", tmp_path / "what.txt")


# ---------------------------------------------------------------- CIFAR


def test_cifar_folders(tmp_path):
    """Records of label and planes; CIFAR-100 has a coarse label before the fine one."""
    planes = GENERATOR.integers(0, 256, (6, 3072), dtype=np.uint8)
    fine = np.arange(6, dtype=np.uint8)[:, None] % 3
    for name, before in (("ten", False), ("hundred", True)):
        folder = tmp_path / name
        folder.mkdir()
        records = np.concatenate([*([fine * 0 + 9] if before else []), fine, planes], axis=1).tobytes()
        files = ("train.bin", "test.bin") if before else ("data_batch_1.bin", "data_batch_2.bin", "test_batch.bin")
        for file in files:
            (folder / file).write_bytes(records)
        data = data_of(folder)
        assert data.train.labels.tolist() == [0, 1, 2, 0, 1, 2] * (len(files) - 1)
        wanted = planes.reshape(6, 3, 32, 32).transpose(0, 2, 3, 1).astype(np.float32) / 255
        assert np.array_equal(data.test.images, wanted)
        (folder / files[0]).write_bytes(records[:-1])
        refused("no records of 3,07", folder)
    (tmp_path / "ten" / "data_batch_1.bin").write_bytes(records[:3073])
    (tmp_path / "ten" / "test_batch.bin").unlink()
    refused("No such file", tmp_path / "ten")
    (tmp_path / "py").mkdir()
    (tmp_path / "py" / "data_batch_1").write_bytes(b"")
    refused("binary version", tmp_path / "py")


# ---------------------------------------------------------------- csv


def csv_text(rows, *, first=True, header=None, separator=","):
    lines = [] if header is None else [separator.join(header)]
    for label, pixels in rows:
        cells = [str(label), *map(str, pixels)] if first else [*map(str, pixels), str(label)]
        lines.append(separator.join(cells))
    return "\n".join(lines) + "\n"


ROWS = [(label, picture[:, :5].ravel().tolist()) for label, picture in zip(LABELS, PIXELS, strict=True)]


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_csv_label_first_or_last(tmp_path, first, separator):
    path = tmp_path / "a.csv"
    rows = [(label, [0, *pixels[1:-1], 0]) for label, pixels in ROWS]  # corners are 0, as in MNIST
    path.write_text(csv_text(rows, first=first, separator=separator))
    data = data_of(path)
    assert data.shape == (5, 5, 1)
    assert len(data.train.labels) + len(data.test.labels) == 30
    assert float(data.train.images.max()) == pytest.approx(max(max(p[1:-1]) for _, p in ROWS) / 255, abs=0.1)


def test_csv_with_header_words_size_and_test(tmp_path):
    names = ["cat", "dog", "cow"]
    rows = [(names[label], pixels) for label, pixels in ROWS]
    header = ["pixel0", *(f"pixel{i}" for i in range(1, 25)), "label"]
    (tmp_path / "a.csv").write_text(csv_text(rows, first=False, header=header))
    (tmp_path / "b.csv.gz").write_bytes(gzip.compress(csv_text(rows[:9], first=False, header=header).encode()))
    data = data_of(tmp_path / "a.csv", str(tmp_path / "b.csv.gz"))
    assert data.classes == ("cat", "cow", "dog")
    assert len(data.test.labels) == 9
    wide = [(label, picture.ravel().tolist()) for label, picture in zip(LABELS, PIXELS, strict=True)]
    (tmp_path / "c.csv").write_text(csv_text(wide))
    assert data_of(tmp_path / "c.csv", None, (5, 7)).shape == (5, 7, 1)
    refused("no image of --size 6x6", tmp_path / "c.csv", None, (6, 6))
    refused("35 pixels are no square", tmp_path / "c.csv")


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("", "holds no rows"),
        ("1,2,3,4,5\n", "holds no rows"),
        ("1,2,3,4,5\n0,2,3,4\n", ":2: has 4 columns and the first line 5"),
        ("1,2,3,4,5\n0,2,x,4,5\n", ":2: 'x' is no number"),
        ("0.5,2,3,4,0.5\n1.5,2,3,4,1.5\n", "neither the first nor the last column is a label"),
        ("label,p0,p1,p2,p3\n1.5,2,3,4,1\n0,2,3,4,1\n1,1,1,1,1\n", "is not whole"),
    ],
)
def test_wrong_csv_is_refused(tmp_path, text, match):
    (tmp_path / "w.csv").write_text(text)
    refused(match, tmp_path / "w.csv")


# ---------------------------------------------------------------- folders


def write_picture(path, mode="L", size=(7, 5), ending="png", shade=None):
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = Image.fromarray(GENERATOR.integers(0, 256, (size[1], size[0], 3), dtype=np.uint8))
    if shade is not None:
        picture = Image.new("RGB", size, shade)
    picture.convert(mode).save(path.with_suffix(f".{ending}"))


def test_folder_of_classes(tmp_path):
    for group in ("cats", "dogs"):
        for number in range(5):
            write_picture(tmp_path / group / f"{number}")
    data = data_of(tmp_path)
    assert data.classes == ("cats", "dogs")
    assert data.shape == (5, 7, 1)
    assert len(data.test.labels) == 2


def test_folder_with_train_and_test_and_every_mode(tmp_path):
    modes = ("L", "RGB", "RGBA", "P", "1", "LA", "CMYK", "I;16")
    for part in ("train", "val"):
        for group in ("a", "b"):
            for number, mode in enumerate(modes):
                ending = "jpg" if mode == "CMYK" else "png"
                if mode == "I;16":
                    path = tmp_path / part / group / f"{number}.png"
                    Image.fromarray(GENERATOR.integers(0, 65536, (5, 7), dtype=np.uint16)).save(path)
                else:
                    write_picture(tmp_path / part / group / f"{number}", mode, ending=ending)
    data = data_of(tmp_path)
    assert data.shape == (5, 7, 3)
    assert len(data.train.labels) == len(data.test.labels) == 16
    assert float(data.train.images.min()) >= 0
    assert float(data.train.images.max()) <= 1


def test_folder_sizes(tmp_path):
    write_picture(tmp_path / "a" / "1", size=(7, 5))
    write_picture(tmp_path / "a" / "2", size=(8, 5))
    write_picture(tmp_path / "b" / "1", size=(7, 5))
    write_picture(tmp_path / "b" / "2", size=(70, 50))
    refused("is 5x8 and 1.png 5x7; make them of one size with --size HxW", tmp_path)
    assert data_of(tmp_path, None, (6, 4)).shape == (6, 4, 1)


def test_wrong_folders_are_refused(tmp_path):
    refused("no sub-folders with pictures", tmp_path)
    write_picture(tmp_path / "only" / "1")
    write_picture(tmp_path / "only" / "2")
    refused("all images are of class only", tmp_path)
    write_picture(tmp_path / "other" / "1")
    refused("has a single image", tmp_path)
    (tmp_path / "other" / "2.png").write_bytes(b"no picture")
    refused("is not an image", tmp_path)
    (tmp_path / "other" / "2.png").unlink()
    (tmp_path / "train").mkdir()
    refused("'train' alone", tmp_path)


def test_one_flat_image_is_told(tmp_path):
    for group in ("a", "b"):
        for number in range(10):
            write_picture(tmp_path / group / str(number), shade="white" if number == 0 else None)
    notes = open_source(str(tmp_path)).notes
    assert any("one value throughout" in note for note in notes)


# ---------------------------------------------------------------- digits, scaling


@pytest.mark.skipif(find_spec("sklearn") is None, reason="the extra `data` is not installed")
def test_digits():
    data = data_of("digits")
    assert (len(data.train.labels), len(data.test.labels), data.shape) == (1347, 450, (8, 8, 1))
    assert (float(data.train.images.min()), float(data.train.images.max())) == (0, 1)


def test_digits_without_the_package_say_what_to_install(monkeypatch):
    monkeypatch.setattr("dlmath.images.files.sources.find_spec", lambda _name: None)
    refused(r"pip install 'dlmath\[data\]'", "digits")


@pytest.mark.parametrize(
    ("pixels", "divisor"),
    [
        (PIXELS, 255),
        (PIXELS.astype(int), 255),
        (PIXELS.astype(float), 255),
        (PIXELS // 16, 255),  # bytes are bytes, however dark
        ((PIXELS // 16).astype(int), 15),
        (PIXELS > 99, 1),
        (PIXELS.astype(int) * 257, 65535),
        (PIXELS / 255, 1),
        (PIXELS / 100, 1),
    ],
)
def test_pixels_are_scaled_by_what_they_are(pixels, divisor):
    read = prepared("x", Raw(pixels, LABELS, "x"), Raw(pixels, LABELS, "x"))
    wanted = pixels.astype(np.float32) / (pixels.max() if divisor not in {1, 255} else divisor)
    np.testing.assert_allclose(read.data.train.images[..., 0], wanted, rtol=1e-6)
