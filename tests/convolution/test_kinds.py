"""What was once refused or wrong, and every other case of its kind."""

from __future__ import annotations

import io
import json
import struct
import subprocess
import sys
import zlib

import numpy as np
import PIL
import pytest
from PIL import Image

from dlmath.__main__ import run
from dlmath.convolution.engine.borders import MEANINGS, SYNONYMS, Border, indices, parse_border
from dlmath.files.pictures.images import read_header, read_image


@pytest.fixture
def dlmath(command, monkeypatch, tmp_path):
    """Run one command line in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return command("convolve")


@pytest.fixture
def entry(dlmath):
    """Run words that succeed; give the first image's result and the notes."""

    def call(*words):
        status, out, err = dlmath(*words, "--format", "json")
        assert status == 0, err
        return json.loads(out)["result"]["images"][0], err

    return call


def chunk(kind, content):
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def deep_png(channels, clear):
    """Return a 16-bit PNG and its pixels; the first pixel's colour is transparent where that is asked for."""
    pixels = np.random.default_rng(0).integers(0, 65536, (5, 4, channels)).astype(">u2")
    rows = b"".join(b"\0" + row.tobytes() for row in pixels)
    header = struct.pack(">IIBBBBB", 4, 5, 16, {1: 0, 3: 2}[channels], 0, 0, 0)
    transparent = chunk(b"tRNS", pixels[0, 0].tobytes()) if clear else b""
    data = chunk(b"IDAT", zlib.compress(rows))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + transparent + data + chunk(b"IEND", b""), pixels


def pillow_file(image, file_format, **settings):
    held = io.BytesIO()
    image.save(held, format=file_format, **settings)
    return held.getvalue()


def without_palette(gif):
    """Return a GIF whose global palette is cut out."""
    size = 3 * 2 ** ((gif[10] & 7) + 1)
    return gif[:10] + bytes([gif[10] & 0x7F]) + gif[11:13] + gif[13 + size :]


def every_kind_of_file():
    """Return files of every format, mode and depth that is read, by name."""
    noise = np.random.default_rng(1).integers(0, 256, (9, 7, 4), dtype=np.uint8)
    rgba = Image.fromarray(noise)
    deep = Image.fromarray(noise[:, :, 0].astype(np.uint16) * 257)
    palette = rgba.convert("RGB").convert("P", palette=Image.Palette.ADAPTIVE, colors=16)
    found = {f"{mode}.png": pillow_file(rgba.convert(mode), "PNG") for mode in ("1", "L", "LA", "P", "RGB", "RGBA")}
    ours = int(PIL.__version__.partition(".")[0]) >= 13  # Pillow before 13 does not read the YCbCr it has written
    for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", *["YCbCr"] * ours, "F", "I"):
        image = rgba.convert("L").convert(mode) if mode in {"F", "I"} else rgba.convert(mode)
        found[f"{mode}.tif"] = pillow_file(image, "TIFF")
    found |= {f"{mode}.bmp": pillow_file(rgba.convert(mode), "BMP") for mode in ("1", "L", "P", "RGB", "RGBA")}
    found |= {
        "deep.png": pillow_file(deep, "PNG"),
        "deep.tif": pillow_file(deep, "TIFF"),
        "deep.pgm": pillow_file(deep, "PPM"),
        "float.pfm": pillow_file(rgba.convert("L").convert("F"), "PPM"),
        "gray.pgm": pillow_file(rgba.convert("L"), "PPM"),
        "deep.ppm": b"P6 7 9 65535\n" + (noise[:, :, :3].astype(">u2") * 257).tobytes(),
        "rgb.ppm": pillow_file(rgba.convert("RGB"), "PPM"),
        "bits.pbm": pillow_file(rgba.convert("1"), "PPM"),
        "palette.gif": pillow_file(palette, "GIF"),
        "clear.gif": pillow_file(palette, "GIF", transparency=3),
        "gray.gif": pillow_file(rgba.convert("L"), "GIF"),
        "bare.gif": without_palette(pillow_file(palette, "GIF")),
        "frames.gif": without_palette(
            pillow_file(palette, "GIF", save_all=True, append_images=[palette.rotate(180), palette])
        ),
        "lossless.webp": pillow_file(rgba, "WEBP", lossless=True),
        "clear16.png": deep_png(3, clear=True)[0],
        "clear16gray.png": deep_png(1, clear=True)[0],
        "rgb16.png": deep_png(3, clear=False)[0],
        "gray4.png": pillow_file(rgba.convert("L"), "PNG", bits=4),
    }
    return found


FILES = every_kind_of_file()


@pytest.mark.parametrize("name", FILES)
def test_identity_keeps_every_readable_file_what_it_is(entry, tmp_path, name):
    """The pixels, their type and their opacity, under a name of our own choice."""
    (tmp_path / name).write_bytes(FILES[name])
    before = read_image(name)
    made, notes = entry(name, "--kernel", "identity")
    after = read_image(made["output"])
    assert after.has_alpha == before.has_alpha
    assert after.pixels.dtype == before.pixels.dtype
    assert made["dtype"] == str(before.pixels.dtype)
    assert made["output_shape"] == list(before.pixels.shape)
    assert np.array_equal(after.pixels, before.pixels) or name.endswith(".webp")  # which is written with losses
    ending = made["output"].rpartition(".")[2]
    assert ("so the result is" in notes) == (ending != name.rpartition(".")[2])


@pytest.mark.parametrize("name", FILES)
def test_a_header_tells_what_is_read(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).write_bytes(FILES[name])
    assert read_header(name) == read_image(name).header


def test_transparent_colours_of_16_bits_are_those_of_the_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    content, pixels = deep_png(3, clear=True)
    (tmp_path / "in.png").write_bytes(content)
    read = read_image("in.png").pixels
    assert np.array_equal(read[:, :, :3], pixels)
    assert (read[:, :, 3] == 0).tolist() == (pixels == pixels[0, 0]).all(axis=2).tolist()


@pytest.mark.parametrize("kernel", ["sobel", "identity", "box:3", "1 0 | 0 1"])
def test_gray_with_alpha(entry, tmp_path, kernel):
    pixels = np.random.default_rng(2).integers(0, 256, (6, 5, 2), dtype=np.uint8)
    Image.fromarray(pixels, "LA").save(tmp_path / "la.png")
    if "|" in kernel:
        Image.fromarray(np.repeat(pixels[:, :, :1], 2, axis=2), "LA").save(tmp_path / "la.png")
        kernel = "0 0 0; 0 1 0; 0 0 0"
    made, _ = entry("la.png", "--kernel", kernel)
    assert made["output_shape"] == [6, 5, 2]
    assert read_image(made["output"]).has_alpha


def test_colours_of_16_bits_are_written_as_tiff(entry, tmp_path):
    pixels = np.random.default_rng(3).integers(0, 65536, (5, 4, 3), dtype=np.uint16)
    np.save(tmp_path / "in.npy", pixels)
    entry("in.npy", "--kernel", "identity", "--dtype", "uint16", "-o", "out.tif")
    assert np.array_equal(read_image("out.tif").pixels, pixels)
    made, notes = entry("out.tif", "--kernel", "box:1")
    assert made["output"] == "out-box-1.tif"
    assert "so the result" not in notes


def test_means_of_whole_numbers_are_not_whole(entry):
    assert entry("1 2; 3 4", "--pool", "average:2")[0]["values"] == [[2.5]]
    made, _ = entry("1 2; 3 4", "--kernel", "identity", "--pool", "average:2")
    assert (made["values"], made["min"], made["max"], made["mean"]) == ([[2.5]], 2.5, 2.5, 2.5)
    assert entry("1 2; 3 4", "--kernel", "2", "--bias", "0.25")[0]["values"] == [[2.25, 4.25], [6.25, 8.25]]


def test_pictures_are_rounded_once_after_pooling(entry, tmp_path):
    """box:2 of 0 1 0 1 has means 1/4 and 1/2; rounded before the pool they would give 1, not 0."""
    Image.fromarray(np.uint8([[0, 0, 1], [0, 0, 1]])).save(tmp_path / "in.png")
    entry("in.png", "--kernel", "box:2", "--border", "valid", "--pool", "average:1/1,pad=0:0:0:0", "-o", "a.png")
    assert np.asarray(Image.open("a.png")).tolist() == [[0, 1]]
    entry("in.png", "--kernel", "box:2", "--border", "valid", "--pool", "average:global", "-o", "b.png")
    assert np.asarray(Image.open("b.png")).tolist() == [[0]]


def test_long_rows_on_the_command_line_are_no_file_name(entry):
    row = " ".join(["1"] * 300)
    assert entry(f"{row}; {row}", "--kernel", "box:1")[0]["values"] == [[1] * 300] * 2
    kernel = "; ".join([" ".join(["1"] * 40)] * 9)
    assert entry("1", "--kernel", kernel)[0]["values"] == [[360]]


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        ("--compress-level 10", "--compress-level 10"),
        ("--stride 9999999999999999999999", "--stride"),
        ("--stride 65536", "--stride"),
        ("--dilation 9999999999999999999999", "--dilation"),
        ("--dilation 60000", "window"),
        ("--offset -1e308", "--offset"),
        ("--pad 99999999999999999999", "padding"),
        ("--pad 65535:0:65535:0", "result"),
        ("--pool max:99999999999999", "pooling"),
        ("--transposed --stride 60000", "result"),
        ("--at 1,1", "--explain"),
        ("--explain --at 99,0", "rows are 0 to"),
        ("--get images.0.output_shapes", "output_shape"),
        ("--output-padding 1", "--transposed"),
        ("--transposed --border wrap", "--transposed"),
        ("--pad 1 --border valid", "valid"),
        ("--bias 1,2,3", "--bias"),
        ("--bias x", "--bias"),
        ("--activation rely", "relu"),
        ("--pool max:9", "do not fit"),
    ],
)
def test_nothing_is_a_defect_and_nothing_is_written(dlmath, tmp_path, words, hint):
    Image.fromarray(np.zeros((5, 4), np.uint8)).save(tmp_path / "in.png")
    status, out, err = dlmath("in.png", "--kernel", "box:3", *words.split())
    assert (status, out) == (2, "")
    assert err.startswith("error: ")
    assert "defect" not in err
    assert hint in err
    assert [path.name for path in tmp_path.iterdir()] == ["in.png"]


@pytest.mark.parametrize("kernel", ["1e308 1e308", "1e291", "1e289 | 1e291"])
def test_weights_that_would_overflow_are_refused(dlmath, kernel):
    status, _, err = dlmath("1 2; 3 4", "--kernel", kernel)
    assert (status, err.count("\n")) == (2, 1)
    assert "weights add up beyond" in err
    assert dlmath("--kernel", kernel)[0] == 2


def test_sums_that_overflow_are_infinite_without_a_warning(entry):
    made, notes = entry("1e300 1e300", "--kernel", "1e20 1e20")
    assert made["values"] == [["inf", "inf"]]
    assert notes == ""


def test_a_cut_array_is_told(dlmath, tmp_path):
    np.save(tmp_path / "whole.npy", np.zeros((5, 4)))
    content = (tmp_path / "whole.npy").read_bytes()
    for length in (1, 5, 6, 8, 9, 11, 40, 100, 127, 128, 140, len(content) - 1):
        (tmp_path / "cut.npy").write_bytes(content[:length])
        status, _, err = dlmath("cut.npy", "--kernel", "sobel")
        assert (status, err.count("\n"), "defect" in err) == (2, 1, False)
    header = content.replace(b"'shape': (5, 4)", b"'shape': (5, 4, ")  # cut within
    (tmp_path / "cut.npy").write_bytes(header)
    assert "no whole .npy file" in dlmath("cut.npy", "--kernel", "sobel")[2]


@pytest.mark.parametrize("name", SYNONYMS)
def test_other_libraries_names_of_borders(entry, name):
    known = entry("1 2 3 4", "--kernel", "1 0 0 0 0", "--border", str(parse_border(name)))[0]["values"]
    assert entry("1 2 3 4", "--kernel", "1 0 0 0 0", "--border", name.upper())[0]["values"] == known


@pytest.mark.parametrize("name", MEANINGS)
def test_the_row_that_a_border_is_explained_by(name):
    beyond, inside, after = MEANINGS[name].row.split("|")
    border = Border(name.partition(":")[0])
    places = indices(-len(beyond), len(inside) + len(after), 4, border)
    assert "".join("V" if place < 0 else "abcd"[place] for place in places) == beyond + inside + after


def test_a_border_that_means_two_things_is_explained(entry, dlmath):
    assert "NumPy's and PyTorch's reflect is mirror here" in entry("1 2", "--kernel", "1 1 1", "--border", "reflect")[1]
    assert entry("1 2", "--kernel", "1 1 1", "--border", "reflect101")[1] == ""
    status, out, _ = dlmath("--list-borders")
    assert status == 0
    assert "dcba|abcd|dcba" in out
    assert dlmath("--list-borders", "--get", "borders.2.opencv")[1] == "BORDER_REFLECT_101\n"


def profile(space):
    """Return the beginning of a colour profile of one colour space (ICC.1, section 7.2)."""
    return bytes(16) + space + bytes(16) + b"acsp" + bytes(88)


def test_a_profile_stays_with_its_colours(entry, tmp_path):
    noise = np.random.default_rng(4).integers(0, 256, (5, 4, 4), dtype=np.uint8)
    for mode, space, kept in (("CMYK", b"CMYK", False), ("RGB", b"RGB ", True), ("L", b"GRAY", True)):
        Image.fromarray(noise).convert(mode).save(tmp_path / "in.tif", icc_profile=profile(space))
        made, _ = entry("in.tif", "--kernel", "identity", "-o", "out.png")
        assert (read_image(made["output"]).icc is not None) == kept
    Image.fromarray(noise).convert("RGB").save(tmp_path / "in.png", icc_profile=profile(b"RGB "))
    entry("in.png", "--kernel", "identity", "--channels", "gray", "-o", "gray.png")
    assert read_image("gray.png").icc is None


def test_nothing_is_written_when_a_later_kernel_or_image_is_wrong(dlmath, tmp_path):
    Image.fromarray(np.zeros((5, 4), np.uint8)).save(tmp_path / "a.png")
    Image.fromarray(np.zeros((2, 2), np.uint8)).save(tmp_path / "b.png")
    for words in (
        ("a.png", "--kernel", "box:3", "--kernel", "box:7", "--border", "valid"),
        ("a.png", "b.png", "--kernel", "box:3", "--border", "valid"),
        ("a.png", "b.png", "--kernel", "identity", "--explain", "--at", "4,3"),
        ("a.png", "missing.png", "--kernel", "identity"),
        ("a.png", "--kernel", "identity", "--kernel", "1 | 1"),
    ):
        status, _, err = dlmath(*words)
        assert (status, err.count("\n")) == (2, 1)
        assert sorted(path.name for path in tmp_path.iterdir()) == ["a.png", "b.png"]


def test_what_cannot_be_decoded_is_told_in_one_line(tmp_path):
    Image.fromarray(np.zeros((64, 64), np.uint8)).save(tmp_path / "in.tif", compression="tiff_deflate")
    content = bytearray((tmp_path / "in.tif").read_bytes())
    content[12:24] = bytes(12)  # within the deflated strip
    (tmp_path / "in.tif").write_bytes(content)
    words = [sys.executable, "-m", "dlmath", "convolve", "in.tif", "--kernel", "sobel"]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "cannot be decoded" in done.stderr
    assert done.stderr.count("\n") == 1  # and none of libtiff's own


@pytest.mark.parametrize("file_format", ["PNG", "WEBP", "TIFF", "JPEG"])
def test_orientation_in_xmp_is_applied(tmp_path, monkeypatch, file_format):
    monkeypatch.chdir(tmp_path)
    packet = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description tiff:Orientation="6"/></x:xmpmeta>'
    image = Image.fromarray(np.arange(48, dtype=np.uint8).reshape(6, 8))
    settings = {"quality": 100} if file_format == "JPEG" else {"lossless": True} if file_format == "WEBP" else {}
    if file_format == "PNG":
        from PIL.PngImagePlugin import PngInfo

        info = PngInfo()
        info.add_itxt("XML:com.adobe.xmp", packet.decode())
        image.save("in.png", pnginfo=info)
    elif file_format == "TIFF":
        image.save("in.png", format="TIFF", tiffinfo={700: packet})
    else:
        image.save("in.png", format=file_format, xmp=packet, **settings)
    picture = read_image("in.png")
    assert picture.pixels.shape[:2] == (8, 6) == read_header("in.png").shape[:2]


def test_two_inline_kernels_have_names_of_their_own(dlmath, tmp_path):
    Image.fromarray(np.zeros((5, 4), np.uint8)).save(tmp_path / "in.png")
    assert dlmath("in.png", "--kernel", "1 0", "--kernel", "0 1; 1 0", "--kernel", "sobel")[0] == 0
    made = sorted(path.name for path in tmp_path.iterdir())
    assert made == ["in-kernel-1.png", "in-kernel-2.png", "in-sobel.png", "in.png"]


@pytest.mark.parametrize("ending", ["png", "bmp", "pgm"])
def test_a_matrix_becomes_a_picture_by_its_name(entry, ending):
    made, notes = entry("2 -1; 300 4", "--kernel", "identity", "-o", f"out.{ending}")
    assert np.asarray(Image.open(f"out.{ending}")).tolist() == [[2, 0], [255, 4]]
    assert (made["clipped_below"], made["clipped_above"]) == (1, 1)
    assert "25 % to 0 and 25 % to 255" in notes


def test_standard_output_takes_the_kind_of_the_input(monkeypatch, tmp_path):
    from dlmath.__main__ import run

    monkeypatch.chdir(tmp_path)
    np.save(tmp_path / "a.npy", np.ones((2, 2)))
    held = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    monkeypatch.setattr("sys.stdout", held)
    assert run(["convolve", "1 2; 3 4", "--kernel", "identity", "-o", "-"]) == 0
    assert held.buffer.getvalue() == b"1 2\n3 4\n"
    assert run(["convolve", "a.npy", "--kernel", "identity", "-o", "-"]) == 0
    assert held.buffer.getvalue()[8:].startswith(b"\x93NUMPY")


def test_clipping_is_told_with_what_would_show_it(entry, tmp_path):
    Image.fromarray(np.repeat(np.uint8([[0] * 4 + [255] * 4]), 8, axis=0)).save(tmp_path / "step.png")
    made, notes = entry("step.png", "--kernel", "sobel-x")
    assert (made["clipped_below"], made["clipped_above"]) == (0, 16)
    assert "25 % to 255; --scale minmax" in notes
    made, notes = entry("step.png", "--kernel", "sobel-x", "--flip", "-o", "b.png")
    assert (made["clipped_below"], made["clipped_above"]) == (16, 0)
    assert "25 % to 0; --scale absolute, --scale minmax, --offset 128" in notes
    assert "cut" not in entry("step.png", "--kernel", "box:3", "-o", "c.png")[1]
    assert "cut" not in entry("step.png", "--kernel", "sobel-x", "--scale", "minmax", "-o", "d.png")[1]


def test_even_kernels_turn_with_their_anchor_in_scipy_and_opencv(entry):
    """scipy.ndimage.convolve([1, 2, 3, 4], [1, 10]) and correlate, as SciPy 1.17 gives them."""
    assert entry("1 2 3 4", "--kernel", "1 10", "--like", "scipy", "--flip")[0]["values"] == [[12, 23, 34, 44]]
    assert entry("1 2 3 4", "--kernel", "1 10", "--like", "scipy")[0]["values"] == [[11, 21, 32, 43]]


@pytest.mark.parametrize("target", ["made/", "made", "made/below/"])
def test_a_folder_that_is_named_is_made_when_something_is_written_into_it(target, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = ["convolve", "example:scene.png", "--kernel", "sobel", "--output", target, "--quiet"]
    assert run([*words, "--explain", "--at", "9999,1"]) == 2
    assert not list(tmp_path.iterdir())
    assert run(words) == 0
    assert (tmp_path / target / "scene-sobel.png").is_file()
