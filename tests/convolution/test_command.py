"""`dlmath convolve` as a user types it and a script reads it."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter

from dlmath.__main__ import run
from dlmath.convolution import words as declared
from dlmath.convolution.engine import borders, planner, request

SCENE = Path(__file__).parent.parent.parent / "experiments" / "data" / "scene.png"
GRID = "3 3 2 1 0; 0 0 1 3 1; 3 1 2 2 3; 2 0 0 2 2; 2 0 0 0 1"
DUMOULIN = "0 1 2; 2 2 0; 0 1 2"


@pytest.fixture
def dlmath(command, monkeypatch, tmp_path):
    """Run one command line in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return command("convolve")


@pytest.fixture
def values(dlmath):
    """Convolve an inline matrix and give the printed values."""

    def call(*words):
        status, out, err = dlmath(*words, "--format", "json")
        assert (status, err) == (0, "")
        return json.loads(out)["result"]["images"][0]["values"]

    return call


def test_dumoulin_and_visin_figure_1_1(values):
    """Dumoulin & Visin 2016, "A guide to convolution arithmetic", figures 1.1 and 1.2."""
    assert values(GRID, "--kernel", DUMOULIN, "--border", "valid") == [[12, 12, 17], [10, 17, 19], [9, 6, 14]]
    padded = values(GRID, "--kernel", DUMOULIN, "--border", "constant:0", "--stride", "2")
    assert padded == [[6, 17, 3], [8, 17, 13], [6, 4, 4]]


def test_the_stanford_example(values):
    image = "1 1 1 0 0; 0 1 1 1 0; 0 0 1 1 1; 0 0 1 1 0; 0 1 1 0 0"
    assert values(image, "--kernel", "1 0 1; 0 1 0; 1 0 1", "--border", "valid") == [[4, 3, 4], [2, 4, 3], [2, 3, 4]]


@pytest.mark.parametrize(
    ("border", "row"),
    [
        ("replicate", [138, 171, 216, 261, 288]),
        ("mirror", [180, 201, 246, 291, 300]),
        ("constant:0", [100, 163, 202, 241, 160]),
    ],
)
def test_borders_of_the_ramp(values, border, row):
    ramp = "; ".join(" ".join(str(5 * y + x) for x in range(5)) for y in range(5))
    assert values(ramp, "--kernel", "1 2 3; 4 5 6; 7 8 9", "--border", border)[0] == row


def test_a_step_gives_a_line(dlmath, tmp_path):
    Image.fromarray(np.repeat(np.uint8([[0] * 4 + [255] * 4]), 8, axis=0)).save(tmp_path / "step.png")
    assert dlmath("step.png", "--kernel", "sobel-x", "--scale", "none", "-o", "line.npy")[0] == 0
    assert np.load(tmp_path / "line.npy").tolist() == [[0, 0, 0, 1020, 1020, 0, 0, 0]] * 8


def test_arrays_become_float64_and_pictures_stay_pictures(dlmath, tmp_path):
    array = np.random.default_rng(0).integers(0, 256, (9, 7), dtype=np.uint8)
    np.save(tmp_path / "a.npy", array)
    assert dlmath("a.npy", "--kernel", "laplacian")[0] == 0
    made = np.load(tmp_path / "a-laplacian.npy")
    assert made.dtype == np.float64
    assert made.min() < 0
    assert dlmath("a.npy", "--kernel", "laplacian", "--dtype", "float32", "--force")[0] == 0
    assert np.load(tmp_path / "a-laplacian.npy").dtype == np.float32


def test_the_result_names_what_was_done(dlmath):
    _, out, _ = dlmath(SCENE, "--kernel", "sobel", "--format", "json")
    printed = json.loads(out)
    (image,) = printed["result"]["images"]
    wanted = ["input", "output", "kernel", "kernel_shape", "input_shape", "output_shape", "dtype", "method", "macs"]
    assert [key for key in wanted if key not in image] == []
    assert image["output"] == "scene-sobel.png"
    assert image["macs"] == 320 * 480 * 3 * 9 * 2
    assert printed["settings"]["border"] == "replicate"
    with Image.open("scene-sobel.png") as made:
        assert made.size == (480, 320)


def test_several_images_and_kernels_in_one_call(dlmath, tmp_path):
    (tmp_path / "out").mkdir()
    status, out, _ = dlmath(SCENE, "--kernel", "seed", "-o", "out", "--get", "images.5.output")
    assert (status, out) == (0, "out/scene-sobel-y.png\n")
    assert len(list((tmp_path / "out").iterdir())) == 6


def test_alpha_is_untouched(dlmath, tmp_path):
    pixels = np.random.default_rng(1).integers(0, 256, (12, 10, 4), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    assert dlmath("a.png", "--kernel", "box:3", "-o", "b.png")[0] == 0
    made = np.asarray(Image.open(tmp_path / "b.png"))
    assert np.array_equal(made[:, :, 3], pixels[:, :, 3])
    assert not np.array_equal(made[:, :, :3], pixels[:, :, :3])
    assert dlmath("a.png", "--kernel", "box:3", "--stride", "2", "--pool", "max:2", "-o", "c.png")[0] == 0
    assert np.asarray(Image.open(tmp_path / "c.png")).shape == (3, 2, 4)


def test_gray_is_the_luma(dlmath, tmp_path):
    assert dlmath(SCENE, "--kernel", "identity", "--channels", "gray", "-o", "g.png")[0] == 0
    wanted = np.asarray(Image.open(SCENE).convert("L")).astype(int)
    assert abs(np.asarray(Image.open(tmp_path / "g.png")).astype(int) - wanted).max() <= 1


@pytest.mark.parametrize("method", ["taps", "separable", "dense", "fft"])
def test_every_method_gives_the_same_picture(dlmath, tmp_path, method):
    dlmath(SCENE, "--kernel", "sobel-x", "-o", "auto.png")
    status, out, _ = dlmath(
        SCENE, "--kernel", "sobel-x", "--method", method, "-o", "forced.png", "--get", "images.0.method"
    )
    assert (status, out) == (0, f"{method}\n")
    assert (tmp_path / "forced.png").read_bytes() == (tmp_path / "auto.png").read_bytes()


def test_flip_turns_the_kernel(values):
    image = "0 0 0; 0 1 0; 0 0 0"
    assert values(image, "--kernel", "1 2 3; 4 5 6; 7 8 9", "--flip") == [[1, 2, 3], [4, 5, 6], [7, 8, 9]]
    assert values(image, "--kernel", "1 2 3; 4 5 6; 7 8 9") == [[9, 8, 7], [6, 5, 4], [3, 2, 1]]


@pytest.mark.parametrize("weights", [[1, 2, 3, 0, 0, 0, -1, 0, 1], [0, -1, 0, -1, 5, -1, 0, -1, 0]])
def test_like_pillow(dlmath, tmp_path, weights):
    source = Image.open(SCENE)
    source.filter(ImageFilter.Kernel((3, 3), weights)).save(tmp_path / "pillow.png")
    rows = "; ".join(" ".join(map(str, weights[i : i + 3])) for i in (0, 3, 6))
    assert dlmath(SCENE, "--kernel", rows, "--like", "pillow", "-o", "ours.png")[0] == 0
    ours, theirs = (np.asarray(Image.open(tmp_path / name)).astype(int) for name in ("ours.png", "pillow.png"))
    assert np.array_equal(ours, theirs)


def test_explain_shows_the_arithmetic_at_a_pixel(dlmath):
    status, out, _ = dlmath("1 2 3; 4 5 6; 7 8 9", "--kernel", "box:3", "--explain", "--at", "1,1")
    assert status == 0
    assert "1/9 + 2/9 + 1/3 + 4/9 + 5/9 + 2/3 + 7/9 + 8/9 + 1 = 5" in out


@pytest.mark.usefixtures("capsys")
def test_standard_input_and_output(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(SCENE.read_bytes())))
    assert run(["convolve", "-", "--kernel", "sobel-x", "-o", "piped.png"]) == 0
    assert run(["convolve", str(SCENE), "--kernel", "sobel-x", "-o", "direct.png"]) == 0
    assert Path("piped.png").read_bytes() == Path("direct.png").read_bytes()


def test_kernels_are_listed_and_analysed(dlmath):
    assert "gaussian:N[:SIGMA]" in dlmath("--list-kernels")[1]
    assert dlmath("--kernel", "gaussian:5", "--get", "kernels.0.rank") == (0, "1\n", "")
    assert dlmath("--kernel", "laplacian", "--get", "kernels.0.analysis.response_both") == (0, "-8.0\n", "")


def test_a_picture_in_the_terminal(dlmath):
    assert "scene.png  |  sobel" in dlmath(SCENE, "--kernel", "sobel", "--show")[1]


def test_a_figure(dlmath, tmp_path):
    assert dlmath(SCENE, "--kernel", "sobel", "--plot", "figure.png")[0] == 0
    assert (tmp_path / "figure.png").read_bytes().startswith(b"\x89PNG")


REFUSED = [
    (f"{SCENE} --kernel soble", "did you mean 'sobel'"),
    (f"{SCENE} --kernel gaussian:4", "odd"),
    (f"{SCENE}", "--kernel"),
    (f"{SCENE} --kernel sobel --border mirrored", "did you mean 'mirror'"),
    (f"{SCENE} --kernel sobel --border constant:x", "constant"),
    (f"{SCENE} --kernel sobel --stride 0", "--stride"),
    (f"{SCENE} --kernel sobel --dilation 0", "--dilation"),
    (f"{SCENE} --kernel sobel --method magic", "--method"),
    (f"{SCENE} --kernel sobel --scale clp", "did you mean 'clip'"),
    (f"{SCENE} --kernel sobel -o /no/such/folder/x.png", "no folder"),
    (f"{SCENE} --kernel sobel -o x.xyz", "ending"),
    (f"{SCENE} --kernel sobel -o {SCENE}", "--force"),
    (f"{SCENE} --kernel seed -o one.png", "folder"),
    (f"{SCENE} --kernel sobel --at 3,3", "--explain"),
    (f"{SCENE} --kernel sobel --explain --at 3", "ROW,COL"),
    (f"{SCENE} --kernel sobel --pool median:2", "pooling"),
    (f"{SCENE} --kernel box:3 --dilation 200 --border valid", "does not fit"),
    ("no-such.png --kernel sobel", "No such file"),
    (f"{__file__} --kernel sobel", "image"),
    ("--kernel sobel --stride 2", "IMAGE"),
]


@pytest.mark.parametrize(
    ("words", "hint"), REFUSED, ids=[words.replace(str(SCENE), "scene.png") for words, _ in REFUSED]
)
def test_a_wrong_request_is_one_line_and_status_2(dlmath, tmp_path, words, hint):
    status, out, err = dlmath(*words.split())
    assert (status, out) == (2, "")
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert "; " in err
    assert hint in err
    assert list(tmp_path.iterdir()) == []


def test_the_words_offered_are_the_words_of_the_engine():
    from dlmath.convolution.likeness import LIKE

    assert set(declared.METHODS) == set(planner.METHODS)
    assert declared.SCALES == request.SCALES
    assert declared.BORDERS == borders.ALLOWED
    assert set(declared.LIKE) == set(LIKE)
