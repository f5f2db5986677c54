"""The convolutions of a network, as a user types them: channels, padding, transposed, bias, activation, pooling."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from dlmath.convolution.engine.kernels import parse_kernel

SIX = "; ".join(" ".join(str(6 * y + x + 1) for x in range(6)) for y in range(6))
ONES = "1 1 1; 1 1 1; 1 1 1"


@pytest.fixture
def dlmath(command, monkeypatch, tmp_path):
    """Run one command line in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return command("convolve")


@pytest.fixture
def entry(dlmath):
    """Run words that succeed; give the first image's result."""

    def call(*words):
        status, out, err = dlmath(*words, "--format", "json")
        assert status == 0, err
        return json.loads(out)["result"]["images"][0]

    return call


@pytest.mark.parametrize(
    ("words", "values", "padding"),
    [
        (["--pad", "1"], [[18, 36, 48], [81, 135, 153], [153, 243, 261]], [1, 1, 1, 1]),
        (["--pad", "same-upper"], [[72, 90, 69], [180, 198, 141], [174, 186, 130]], [0, 1, 0, 1]),
        (["--pad", "1", "--border", "replicate"], [[30, 45, 63], [120, 135, 153], [228, 243, 261]], [1, 1, 1, 1]),
        (["--pad", "valid"], [[72, 90], [180, 198]], [0, 0, 0, 0]),
    ],
)
def test_padding_at_stride_2(entry, words, values, padding):
    """1..36 under 3x3 ones: PyTorch's padding=1, TensorFlow's and Keras' SAME; the edge repeated; nothing."""
    made = entry(SIX, "--kernel", ONES, "--stride", "2", *words)
    assert made["values"] == values
    assert made["padding"] == padding
    total = sum(padding[:2])
    size = len(values)
    assert made["size_formula"][0] == f"floor((W - F + P) / S) + 1 = floor((6 - 3 + {total}) / 2) + 1 = {size}"


def test_full_padding_takes_every_window_that_touches_the_image(entry):
    made = entry("1 2", "--kernel", "1 10 100", "--pad", "full")
    assert made["values"] == [[100, 210, 21, 2]]
    assert made["padding"] == [0, 0, 2, 2]
    assert entry("1 2 3", "--kernel", "1 1", "--pad", "0:0:2:1")["values"] == [[0, 1, 3, 5, 3]]


def test_onnx_conv_transpose(entry):
    """ONNX operator tests: convtranspose; convtranspose_pads gives its stride 3 and 2 with pads 1, 2, 1, 2."""
    made = entry("0 1 2; 3 4 5; 6 7 8", "--kernel", ONES, "--transposed")
    wanted = [[0, 1, 3, 3, 2], [3, 8, 15, 12, 7], [9, 21, 36, 27, 15], [9, 20, 33, 24, 13], [6, 13, 21, 15, 8]]
    assert made["values"] == wanted
    assert made["macs"] == 9 * 9
    larger = entry("0 1 2; 3 4 5; 6 7 8", "--kernel", ONES, "--transposed", "--stride", "2", "--output-padding", "1")
    assert larger["output_shape"] == [8, 8]
    assert larger["values"][7] == [0] * 8


def test_transposed_same_is_the_stride_times_the_size(entry):
    for kernel in ("1", "1 1; 1 1", ONES, "; ".join(["1 1 1 1 1"] * 5)):
        for stride in (1, 2, 3):
            made = entry(SIX, "--kernel", kernel, "--transposed", "--stride", str(stride), "--pad", "same")
            assert made["output_shape"] == [6 * stride, 6 * stride]


def test_one_by_one_over_the_channels_of_a_picture(entry, tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (5, 4, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "in.png")
    made = entry("in.png", "--kernel", "0.299 | 0.587 | 0.114", "-o", "gray.png")
    wanted = np.floor(pixels.astype(int) @ [299, 587, 114] / 1000 + 0.5)
    assert np.asarray(Image.open("gray.png")).tolist() == wanted.tolist()
    assert (made["macs"], made["output_shape"], made["kernel_shape"]) == (5 * 4 * 3, [5, 4], [1, 3, 1, 1])
    entry("gray.png", "--kernel", "1 || 1 || 0.5", "-o", "back.png")
    assert np.asarray(Image.open("back.png"))[..., 0].tolist() == wanted.tolist()
    assert np.asarray(Image.open("back.png")).shape == (5, 4, 3)


def test_sixty_four_channels_to_eight_and_depthwise_before(entry, tmp_path):
    rng = np.random.default_rng(1)
    image = rng.normal(size=(6, 5, 64))
    depth, point = rng.normal(size=(64, 1, 3, 3)), rng.normal(size=(8, 64, 1, 1))
    for name, array in (("x", image), ("depth", depth), ("point", point)):
        np.save(tmp_path / f"{name}.npy", array)
    first = entry("x.npy", "--kernel", "depth.npy", "--pad", "1", "-o", "mid.npy")
    second = entry("mid.npy", "--kernel", "point.npy", "--bias", ",".join("12345678"), "--activation", "relu",
                   "-o", "y.npy")  # fmt: skip
    assert (first["macs"], second["macs"]) == (6 * 5 * 64 * 9, 6 * 5 * 64 * 8)
    padded = np.pad(image, ((1, 1), (1, 1), (0, 0)))
    mid = sum(padded[i : i + 6, j : j + 5] * depth[:, 0, i, j] for i in range(3) for j in range(3))
    wanted = np.maximum(mid @ point[:, :, 0, 0].T + np.arange(1, 9), 0)
    found = np.load("y.npy")
    assert found.shape == (6, 5, 8)
    assert np.allclose(found, wanted, rtol=0, atol=80 * 2**-52 * np.abs(mid).max() * np.abs(point).sum(axis=1).max())


def test_macs_are_those_of_param_count(entry, command, tmp_path):
    np.save(tmp_path / "x.npy", np.zeros((9, 8, 3)))
    np.save(tmp_path / "k.npy", np.ones((4, 3, 3, 3)))
    made = entry("x.npy", "--kernel", "k.npy", "--pad", "same-upper", "--stride", "2", "-o", "y.npy")
    _, out, _ = command("param-count")("conv:3x3x4/2,pad=same", "--input", "9x8x3", "--get", "macs")
    assert made["macs"] == int(out)


def test_kernels_of_channels_in_yaml(entry, tmp_path):
    (tmp_path / "k.yaml").write_text("name: luma\nscale: 4\nrows: [[[1]], [[2]], [[1]]]\n")
    np.save(tmp_path / "x.npy", np.array([[[4, 8, 12]]]))
    made = entry("x.npy", "--kernel", "k.yaml")
    assert np.load(made["output"]).tolist() == [[8.0]]
    assert made["kernel"] == "luma"


@pytest.mark.parametrize(
    ("pool", "values"),
    [
        ("max:3/2", [[15, 17], [27, 29]]),
        ("max:3/2,pad=1", [[8, 10, 12], [20, 22, 24], [32, 34, 36]]),
        ("min:2", [[1, 3, 5], [13, 15, 17], [25, 27, 29]]),
        ("average:2", [[4.5, 6.5, 8.5], [16.5, 18.5, 20.5], [28.5, 30.5, 32.5]]),
        ("average:global", [[18.5]]),
        ("max:global", [[36]]),
    ],
)
def test_pooling(entry, pool, values):
    made = entry(SIX, "--pool", pool)
    assert made["values"] == values
    flat = [value for row in values for value in row]
    assert (made["min"], made["max"], made["mean"]) == (min(flat), max(flat), pytest.approx(sum(flat) / len(flat)))
    assert made["size_formula"][0].endswith(f"= {len(values)}")


def test_bias_and_activation(entry):
    assert entry("1 -2", "--kernel", "1", "--bias", "1", "--activation", "relu")["values"] == [[2, 0]]
    assert entry("0 1", "--kernel", "1", "--activation", "sigmoid")["values"][0][0] == 0.5


@pytest.mark.parametrize(
    ("words", "lines"),
    [
        (["--kernel", "sobel-x"], ["255 = clip(1020)"]),
        (["--kernel", "box:3", "--at", "0,3"], ["85 = 85"]),
        (["--kernel", "sobel-x", "--scale", "absolute", "--flip"], ["|-1020| = 1020", "255 = clip(1020)"]),
        (["--kernel", "sobel-x", "--scale", "minmax"],
         ["255 = round((r - min) / (max - min) * 255 = (1020 - 0) / (1020 - 0) * 255)"]),
        (["--kernel", "sobel"], ["magnitude = sqrt((1020)^2 + (0)^2) = 1020", "255 = clip(1020)"]),
        (["--kernel", "sobel-angle", "--scale", "clip"], ["atan2(0, 1020) = 0"]),
        (["--kernel", "1/9 2/9; 1/9 0"], ["57 = round(170/3)"]),
        (["--kernel", "sobel-x", "--offset", "128", "--flip"],
         ["plus the offset = -1020 + 128 = -892", "0 = clip(-892)"]),
        (["--pool", "average:2", "--at", "0,1"], ["mean = 0 / 4 = 0"]),
        (["--pool", "max:3/1", "--at", "0,2"], ["max of the 9 values = 255", "255 = 255"]),
    ],
)  # fmt: skip
def test_the_last_line_of_explain_is_the_pixel(dlmath, tmp_path, words, lines):
    Image.fromarray(np.repeat(np.uint8([[0] * 4 + [255] * 4]), 8, axis=0)).save(tmp_path / "step.png")
    status, out, _ = dlmath("step.png", *words, "--explain")
    assert status == 0
    for line in lines:
        assert line in out
    made = next(path for path in tmp_path.iterdir() if path.name != "step.png")
    at = words[words.index("--at") + 1] if "--at" in words else "4,4"
    if made.suffix == ".png":
        pixel = np.asarray(Image.open(made))[tuple(map(int, at.split(",")))] if "--pool" not in words else None
        assert pixel is None or f"pixel {pixel} = " in out


def test_explain_sums_over_channels(dlmath, tmp_path):
    np.save(tmp_path / "x.npy", np.array([[[10, 20, 30]]]))
    _, out, _ = dlmath("x.npy", "--kernel", "1 | 2 | 3", "--explain", "--bias", "5", "--activation", "relu")
    assert "sum over channels = 10 + 40 + 90 = 140" in out
    assert "plus the bias = 140 + 5 = 145" in out
    assert "relu(145) = 145" in out


@pytest.mark.parametrize("words", [["--pad", "1"], ["--transposed", "--stride", "2"], ["--stride", "2", "--flip"]])
def test_the_arithmetic_that_is_shown_is_the_value_that_is_given(entry, dlmath, words):
    """Every pixel of a small result, worked out by --explain, is the one that stands in it."""
    values = entry("1 -2 3; 4 5 6", "--kernel", "1 2; -3 4", *words)["values"]
    for y, row in enumerate(values):
        for x, value in enumerate(row):
            _, out, _ = dlmath("1 -2 3; 4 5 6", "--kernel", "1 2; -3 4", *words, "--explain", "--at", f"{y},{x}")
            assert f"pixel {value} = {value}   " in out


def test_normalised_weights(entry):
    assert entry("4 8", "--kernel", "1 -3", "--normalize", "--border", "valid")["values"] == [[-5.0]]
    made = entry("1 2 4", "--kernel", "sobel-x", "--normalize")
    assert made["values"] == [[0.5, 1.5, 1.0]]


def test_gaussians_say_their_sigma_and_what_they_cut(dlmath, entry):
    assert "sigma 1, the deviation of the fixed weights" in dlmath("--kernel", "gaussian:5")[1]
    assert parse_kernel("gaussian:sigma=1.5").shape == (13, 13)
    entry("1 2", "--kernel", "gaussian:sigma=1")
    assert "its window cuts 37.8 % of the bell off" in dlmath("1 2", "--kernel", "gaussian:5:2")[2]
    assert dlmath("1 2", "--kernel", "gaussian:sigma=2")[2] == ""


@pytest.mark.parametrize(
    "name", ["gaussian:9:1.5", "box:5", "sobel-x", "sobel-y", "prewitt-y", "gaussian:5", "motion-h:5"]
)
def test_separable_factors_have_signs_one_can_read(dlmath, name):
    _, out, _ = dlmath("--kernel", name, "--format", "json")
    (kernel,) = json.loads(out)["result"]["kernels"]
    column, row = kernel["analysis"]["factors"][0]
    assert next(weight for weight in column if abs(weight) > 1e-9) > 0
    weights = np.array(kernel["weights"])
    assert np.outer(column, row) == pytest.approx(weights, abs=1e-12 * np.abs(weights).max() * weights.size)
    if kernel["sum"] == pytest.approx(1):
        assert (sum(column), sum(row)) == (pytest.approx(1), pytest.approx(1))


def test_degrees_are_numbers_not_pixels(entry, tmp_path):
    y, x = np.mgrid[0:9, 0:9]
    Image.fromarray((60 + 3 * x + 4 * y).astype(np.uint8)).save(tmp_path / "ramp.png")
    made = entry("ramp.png", "--kernel", "sobel-angle")
    assert made["output"] == "ramp-sobel-angle.npy"
    assert np.load(made["output"])[4, 4] == pytest.approx(np.degrees(np.arctan2(4, 3)), rel=2**-23)


def test_sobel_of_5_is_opencvs(entry):
    """cv2.getDerivKernels(1, 0, 5): -1 -2 0 2 1 and 1 4 6 4 1."""
    exact, _ = parse_kernel("sobel-x:5").exact()
    assert exact == tuple(tuple(a * b for b in (-1, -2, 0, 2, 1)) for a in (1, 4, 6, 4, 1))
    exact, _ = parse_kernel("sobel-x:7").exact()
    assert exact[3] == tuple(20 * b for b in (-1, -4, -5, 0, 5, 4, 1))
    entry("1 2 3", "--kernel", "sobel:5")
