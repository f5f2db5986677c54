"""Images in and out: every mode, every file type, and every way a file can be wrong."""

from __future__ import annotations

import contextlib
import io
import os
import struct
import sys
import zlib
from pathlib import Path

import numpy as np
import PIL
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from dlmath.errors import DlmathError, InvalidValueError, TooLargeError, UnreadableError, UnwritableError
from dlmath.files.pictures import decoding
from dlmath.files.pictures.images import begin_decoding, check_not_input, read_image, write_image
from dlmath.files.pictures.png import chunk

HEIGHT, WIDTH = 11, 7  # primes apart, so that a transposed axis cannot hide


def noise(channels: int = 1, dtype=np.uint8, height: int = HEIGHT, width: int = WIDTH):
    shape = (height, width, channels) if channels > 1 else (height, width)
    return np.random.default_rng(channels).integers(0, np.iinfo(dtype).max, shape, endpoint=True).astype(dtype)


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


LOSSLESS = [
    *((ending, 1, np.uint8) for ending in ("png", "bmp", "tif", "tiff", "pgm", "txt", "csv", "tsv", "npy")),
    *(("png", channels, dtype) for channels in (1, 2, 3, 4) for dtype in (np.uint8, np.uint16)),
    *(("tif", channels, np.uint8) for channels in (2, 3, 4)),
    *((ending, 3, np.uint8) for ending in ("bmp", "ppm", "npy")),
    *(("npy", 5, dtype) for dtype in (np.int16, np.uint32)),
    *(("tif", channels, np.uint16) for channels in (1, 3, 4)),
    ("ppm", 3, np.uint16),
    ("tif", 1, np.int32),
    ("pgm", 1, np.uint16),
]


@pytest.mark.parametrize(("ending", "channels", "dtype"), LOSSLESS)
def test_what_is_written_is_read_again(ending, channels, dtype):
    pixels = noise(channels, dtype)
    assert write_image(f"out.{ending}", pixels) == ()
    picture = read_image(f"out.{ending}")
    assert np.array_equal(picture.pixels, pixels)
    assert picture.pixels.dtype == (np.int64 if ending in {"txt", "csv", "tsv"} else dtype)
    assert picture.has_alpha == (channels in {2, 4})
    assert picture.notes == ()


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_floats_keep_every_digit_in_arrays_and_text(dtype):
    pixels = np.random.default_rng(1).standard_normal((HEIGHT, WIDTH)).astype(dtype)
    for name in ("out.npy", "out.txt", "out.csv"):
        assert write_image(name, pixels) == ()
        assert np.array_equal(read_image(name).pixels, pixels)


def test_float_tiff_holds_32_bits_and_says_so():
    pixels = np.random.default_rng(1).standard_normal((HEIGHT, WIDTH))
    assert write_image("out.tif", pixels) == ("float64 written as float32",)
    assert write_image("single.tif", pixels.astype(np.float32)) == ()
    for name in ("out.tif", "single.tif"):
        assert np.array_equal(read_image(name).pixels, pixels.astype(np.float32))


@pytest.mark.parametrize(("name", "channels", "most"), [("o.jpg", 1, 2), ("o.jpeg", 3, 4), ("o.webp", 3, 10)])
def test_lossy_formats_come_near(name, channels, most):
    y, x, c = np.mgrid[0:64, 0:48, 0:channels]
    pixels = (2 * y + x + 20 * c).astype(np.uint8)
    pixels = pixels if channels > 1 else pixels[:, :, 0]
    write_image(name, pixels)
    assert np.abs(read_image(name).pixels.astype(int) - pixels).max() <= most


MODES = {
    "1": ("L", "1 bit expanded"),
    "L": ("L", None),
    "LA": ("LA", None),
    "P": ("RGB", "palette expanded to RGB"),
    "RGB": ("RGB", None),
    "RGBA": ("RGBA", None),
}


@pytest.mark.parametrize("mode", MODES)
def test_every_mode_of_png_becomes_plain_samples(mode):
    target, note = MODES[mode]
    image = Image.fromarray(noise(3 if mode == "P" else 4)).convert(mode)
    image.save("in.png")
    picture = read_image("in.png")
    assert np.array_equal(picture.pixels, np.asarray(image.convert(target)))
    assert picture.mode == mode
    assert picture.bits == 8
    assert [note in said for said in picture.notes] == [True] * (note is not None)


needs_ycbcr = pytest.mark.skipif(
    int(PIL.__version__.partition(".")[0]) < 13, reason="Pillow before 13 does not read the YCbCr it has written"
)


@pytest.mark.parametrize("mode", ["CMYK", pytest.param("YCbCr", marks=needs_ycbcr)])
def test_other_colours_are_converted_with_a_note(mode):
    image = Image.fromarray(noise(3)).convert(mode)
    image.save("in.tif")
    picture = read_image("in.tif")
    assert np.array_equal(picture.pixels, np.asarray(image.convert("RGB")))
    assert mode in picture.notes[0]


def test_a_mode_without_a_way_to_rgb_is_refused():
    Image.new("LAB", (3, 3)).save("in.tif")
    with pytest.raises(UnreadableError, match=r"in\.tif: has mode LAB"):
        read_image("in.tif")


@pytest.mark.parametrize("ending", ["png", "gif"])
def test_a_palette_with_transparency_becomes_rgba(ending):
    image = Image.fromarray(noise(1) // 64).convert("P")
    image.putpalette([10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 110, 120])
    image.save(f"in.{ending}", transparency=2)
    picture = read_image(f"in.{ending}")
    assert picture.has_alpha
    assert np.array_equal(picture.pixels[:, :, 3], np.where(noise(1) // 64 == 2, 0, 255))
    opaque = picture.pixels[noise(1) // 64 == 1]
    assert (opaque == [40, 50, 60, 255]).all()


def test_a_transparent_colour_becomes_alpha():
    pixels = noise(3)
    Image.fromarray(pixels).save("in.png", transparency=tuple(map(int, pixels[2, 3])))
    picture = read_image("in.png")
    assert picture.pixels.shape == (HEIGHT, WIDTH, 4)
    assert picture.pixels[2, 3, 3] == 0
    assert np.array_equal(picture.pixels[:, :, :3], pixels)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("ending", ["jpg", "png", "tif", "webp"])
def test_pictures_are_turned_upright(ending, orientation):
    image = Image.fromarray(noise(3, height=32, width=24))
    exif = Image.Exif()
    exif[0x0112] = orientation
    image.save(f"in.{ending}", exif=exif)
    with Image.open(f"in.{ending}") as stored:
        upright = np.asarray(ImageOps.exif_transpose(stored))
    picture = read_image(f"in.{ending}")
    assert np.array_equal(picture.pixels, upright)
    assert picture.pixels.flags.c_contiguous
    assert bool(picture.notes) == (orientation > 1 and ending != "tif")  # Pillow turns TIFF itself


def test_an_unreadable_orientation_is_no_reason_to_refuse():
    Image.fromarray(noise(3)).save("in.png", exif=b"Exif\0\0II*\0\xff\xff\xff\xff garbage")
    assert np.array_equal(read_image("in.png").pixels, noise(3))


def test_deep_tiff_colours_keep_16_bits():
    pixels = noise(3, np.uint16)
    for order in "<>":
        Path("in.tif").write_bytes(deep_tiff(pixels, order))
        picture = read_image("in.tif")
        assert picture.pixels.dtype == np.uint16
        assert np.array_equal(picture.pixels, pixels)


def deep_tiff(pixels, order: str) -> bytes:
    """Return an uncompressed TIFF of 16-bit RGB: header, samples, one directory."""
    data = pixels.astype(f"{order}u2").tobytes()
    height, width = pixels.shape[:2]
    bits_at = 8 + len(data)
    directory_at = bits_at + 6
    short, long = 3, 4
    fields = [(256, long, 1, width), (257, long, 1, height), (258, short, 3, bits_at), (259, short, 1, 1)]
    fields += [
        (262, short, 1, 2),
        (273, long, 1, 8),
        (277, short, 1, 3),
        (278, long, 1, height),
        (279, long, 1, len(data)),
    ]
    packed = b"".join(
        struct.pack(f"{order}HHI", tag, kind, number)
        + (struct.pack(f"{order}HH", value, 0) if (kind, number) == (short, 1) else struct.pack(f"{order}I", value))
        for tag, kind, number, value in fields
    )
    head = (b"II" if order == "<" else b"MM") + struct.pack(f"{order}HI", 42, directory_at)
    return (
        head + data + struct.pack(f"{order}3H", 16, 16, 16) + struct.pack(f"{order}H", len(fields)) + packed + bytes(4)
    )


@pytest.mark.parametrize("most", [65535, 1023, 256])
def test_deep_ppm_keeps_every_bit(most):
    pixels = noise(3, np.uint16).astype(int) % (most + 1)
    Path("in.ppm").write_bytes(f"P6 7 11 {most}\n".encode() + pixels.astype(">u2").tobytes())
    picture = read_image("in.ppm")
    assert picture.pixels.dtype == np.uint16
    assert np.array_equal(picture.pixels, np.floor(pixels * 65535.0 / most + 0.5))  # spread, as deep gray is
    assert picture.notes == ()


def test_the_first_frame_of_an_animation_is_taken_with_a_note():
    frames = [Image.fromarray(noise(1) // 2 + 100 * k) for k in range(2)]
    frames[0].save("in.gif", save_all=True, append_images=frames[1:])
    picture = read_image("in.gif")
    assert np.array_equal(picture.pixels.reshape(HEIGHT, WIDTH, -1)[:, :, 0], noise(1) // 2)
    assert any("first of several frames" in note for note in picture.notes)


def test_the_colour_profile_is_handed_on():
    Image.fromarray(noise(3)).save("in.png", icc_profile=b"a profile")
    picture = read_image("in.png")
    assert picture.icc == b"a profile"
    for name in ("out.png", "out.tif", "out.jpg"):
        write_image(name, picture.pixels, icc=picture.icc)
        assert read_image(name).icc == b"a profile"


def test_the_ending_does_not_deceive():
    Image.fromarray(noise(3)).save("in.png")
    Path("in.png").rename("in.jpg")
    picture = read_image("in.jpg")
    assert picture.file_format == "PNG"
    assert np.array_equal(picture.pixels, noise(3))


class Standard:
    def __init__(self, content: bytes = b"") -> None:
        self.buffer = io.BytesIO(content)

    def flush(self) -> None:
        pass


@pytest.mark.parametrize("ending", ["png", "tif", "npy", "pgm", "txt"])
def test_standard_streams_carry_every_kind(monkeypatch, ending):
    out = Standard()
    monkeypatch.setattr(sys, "stdout", out)
    write_image("-", noise(1), file_format=ending)
    monkeypatch.setattr(sys, "stdin", Standard(out.buffer.getvalue()))
    assert np.array_equal(read_image("-").pixels, noise(1))


def test_standard_output_is_png_unless_told_otherwise(monkeypatch):
    out = Standard()
    monkeypatch.setattr(sys, "stdout", out)
    write_image("-", noise(3))
    assert out.buffer.getvalue().startswith(b"\x89PNG")


@pytest.mark.posix
def test_a_named_pipe_is_read_whole():
    reading, writing = os.pipe()
    held = io.BytesIO()
    Image.fromarray(noise(3)).save(held, "PNG")
    os.write(writing, held.getvalue())
    os.close(writing)
    assert np.array_equal(read_image(f"/dev/fd/{reading}").pixels, noise(3))
    os.close(reading)


def test_rows_of_text_and_inline_rows_are_matrices():
    Path("in.txt").write_text("# a ramp\n1 2 3\n\n4, 5,6\n")
    assert read_image("in.txt").pixels.tolist() == [[1, 2, 3], [4, 5, 6]]
    assert read_image("1 2 3; 4 5 6").pixels.dtype == np.int64
    assert read_image("1/2 2; 4 5").pixels.tolist() == [[0.5, 2], [4, 5]]
    Path("real.csv").write_text("1,2.5\n1/4,-1e3\n")
    assert read_image("real.csv").pixels.tolist() == [[1, 2.5], [0.25, -1000]]


def test_arrays_of_odd_dtypes_become_plain_ones():
    np.save("in.npy", np.array([[True, False]]))
    assert read_image("in.npy").pixels.dtype == np.uint8
    assert read_image("in.npy").notes == ("booleans read as 0 and 1",)
    np.save("in.npy", np.array([[1, 2]], ">i4"))
    assert read_image("in.npy").pixels.dtype.isnative
    np.save("in.npy", np.asfortranarray(noise(3)))
    assert read_image("in.npy").pixels.flags.c_contiguous


def png_header(width: int, height: int) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))


WRONG = {
    "missing.png": (None, "No such file"),
    "empty.png": (b"", "is empty"),
    "words.png": (b"not an image at all, only words", "is not an image"),
    "sound.png": (b"RIFF\0\0\0\0WAVEfmt ", "is not an image"),
    "header.png": (png_header(5, 5), "damaged or cut short"),
    "zero.png": (png_header(0, 5) + chunk(b"IDAT", b"") + chunk(b"IEND", b""), "damaged or cut short"),
    "noise.jpg": (b"\xff\xd8\xff" + bytes(range(200)), "damaged or cut short"),
    "short.npy": (b"\x93NUMPY\x01\x00", "is no whole .npy file"),
    "empty.txt": (b"# nothing\n", "has no numbers"),
    "words.txt": (b"1 2\n3 four\n", "words.txt:2: number 2 'four' is not a number"),
    "ragged.csv": (b"1,2\n\n3\n", "ragged.csv:3: has 1 numbers; the first row has 2"),
    "binary.txt": (b"1 2\n\xff\xfe", "is not text (byte 4)"),
    "huge.txt": (b"1 99999999999999999999\n", "beyond 64 bits"),
    "nan.txt": (b"1 2\n3 nan\n", "holds nan at row 1, column 1"),
    "folder": ("folder", "Is a directory"),
}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.posix if name == "folder.png" else ()) for name in WRONG]
)
def test_what_is_wrong_is_one_clear_line(name):
    content, pointed_at = WRONG[name]
    if content == "folder":
        Path(name).mkdir()
    elif content is not None:
        Path(name).write_bytes(content)
    with pytest.raises(UnreadableError) as caught:
        read_image(name)
    assert pointed_at in str(caught.value)
    assert str(caught.value).startswith(name)
    assert "\n" not in str(caught.value)


ARRAYS = {
    "1-D": (np.zeros(5), "has shape (5,)"),
    "4-D": (np.zeros((2, 2, 2, 2)), "has shape"),
    "no rows": (np.zeros((0, 5)), "has no pixels (shape 0 x 5)"),
    "no channels": (np.zeros((3, 5, 0)), "has no pixels"),
    "complex": (np.zeros((2, 2), complex), "dtype complex128"),
    "words": (np.array([["a"]]), "dtype"),
    "infinite": (np.array([[[1.0], [2.0]], [[-np.inf], [0.0]]]), "holds -inf at row 1, column 0"),
}


@pytest.mark.parametrize("kind", ARRAYS)
def test_an_array_that_is_no_picture_is_refused(kind):
    array, pointed_at = ARRAYS[kind]
    np.save("in.npy", array)
    with pytest.raises(UnreadableError) as caught:
        read_image("in.npy")
    assert pointed_at in str(caught.value)


def test_nan_can_be_let_through():
    np.save("in.npy", np.array([[np.nan, 1.0]]))
    assert np.isnan(read_image("in.npy", allow_nan=True).pixels[0, 0])


def test_an_array_of_objects_runs_no_code():
    np.save("in.npy", np.array([[{}]], dtype=object), allow_pickle=True)
    with pytest.raises(UnreadableError, match="Python objects"):
        read_image("in.npy")


def test_an_array_shorter_than_its_header_says_takes_no_room():
    held = io.BytesIO()
    np.lib.format.write_array_header_1_0(held, {"descr": "<f8", "fortran_order": False, "shape": (10**8, 10**8)})
    Path("in.npy").write_bytes(held.getvalue() + bytes(64))
    with pytest.raises(UnreadableError, match="64 bytes of 80000000000000000"):
        read_image("in.npy")


@pytest.mark.parametrize("ending", ["png", "jpg", "tif", "webp", "gif", "bmp", "ppm", "npy"])
def test_a_file_cut_short_is_told(ending):
    write_image(f"in.{ending}", noise(3, height=40, width=50))
    content = Path(f"in.{ending}").read_bytes()
    Path(f"in.{ending}").write_bytes(content[: len(content) // 2])
    with pytest.raises(UnreadableError, match=rf"in\.{ending}: is"):
        read_image(f"in.{ending}")


@settings(max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.sampled_from(["png", "jpg", "tif", "webp", "gif", "bmp", "ppm", "npy", "txt"]), st.data())
def test_damage_gives_a_picture_or_a_clear_error(ending, data):
    write_image(f"in.{ending}", noise(1 if ending == "txt" else 3))
    content = bytearray(Path(f"in.{ending}").read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    Path(f"in.{ending}").write_bytes(content)
    with contextlib.suppress(DlmathError):
        assert read_image(f"in.{ending}").pixels.size


def test_a_bomb_is_refused_by_its_header_and_read_when_asked():
    Path("bomb.png").write_bytes(png_header(60000, 40000) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b""))
    with pytest.raises(TooLargeError, match=r"2,400,000,000 pixels \(60000 x 40000\).*--allow-large"):
        read_image("bomb.png")


def test_a_large_picture_is_read_when_asked(monkeypatch):
    write_image("in.png", noise(3))
    monkeypatch.setattr(decoding, "MOST_PIXELS", 10)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    with pytest.raises(TooLargeError):
        read_image("in.png")
    assert np.array_equal(read_image("in.png", allow_large=True).pixels, noise(3))
    assert Image.MAX_IMAGE_PIXELS == 10


def test_decoding_runs_ahead_and_keeps_its_error():
    write_image("in.png", noise(4))
    begin_decoding("in.png")
    assert np.array_equal(read_image("in.png").pixels, noise(4))
    begin_decoding("missing.png")
    with pytest.raises(UnreadableError):
        read_image("missing.png")


UNWRITABLE = {
    "float colours as .tif": ("o.tif", np.zeros((2, 2, 3), np.float32), ".npy"),
    "float as .png": ("o.png", np.zeros((2, 2)), "floats are written as .npy or gray .tif"),
    "int64 as .png": ("o.png", np.zeros((2, 2), np.int64), "does not hold int64"),
    "16 bits as .jpg": ("o.jpg", np.zeros((2, 2), np.uint16), "does not hold uint16"),
    "16-bit gray with alpha as .tif": ("o.tif", np.zeros((2, 2, 2), np.uint16), "does not hold uint16 with 2 channels"),
    "alpha as .jpg": ("o.jpg", np.zeros((2, 2, 4), np.uint8), "does not hold colour with alpha"),
    "five channels as .png": ("o.png", np.zeros((2, 2, 5), np.uint8), "does not hold 5 channels"),
    "colours as .pgm": ("o.pgm", np.zeros((2, 2, 3), np.uint8), "does not hold colour"),
    "colours as .txt": ("o.txt", np.zeros((2, 2, 3), np.uint8), "one channel"),
    "an unknown ending": ("o.pgn", np.zeros((2, 2), np.uint8), "did you mean '.png'"),
    "no ending": ("o", np.zeros((2, 2), np.uint8), "allowed: .png"),
    "a missing folder": ("there/o.png", np.zeros((2, 2), np.uint8), "there/o.png"),
}


@pytest.mark.parametrize("case", UNWRITABLE)
def test_what_a_format_cannot_hold_is_told_and_nothing_is_written(case):
    name, pixels, pointed_at = UNWRITABLE[case]
    with pytest.raises((UnwritableError, InvalidValueError)) as caught:
        write_image(name, pixels)
    assert pointed_at in str(caught.value)
    assert list(Path().iterdir()) == []


def test_four_channels_that_are_no_alpha_are_not_written_as_alpha():
    with pytest.raises(UnwritableError, match="4 channels"):
        write_image("o.png", noise(4), alpha=False)


def test_a_channel_axis_of_one_is_gray():
    write_image("o.png", noise(1)[:, :, None])
    assert np.array_equal(read_image("o.png").pixels, noise(1))


def test_a_gray_gif_stays_gray():
    write_image("o.gif", noise(1))
    picture = read_image("o.gif")
    assert np.array_equal(picture.pixels, noise(1))
    assert picture.notes == ("palette expanded to gray",)


def test_colours_in_gif_are_said_to_be_reduced():
    assert write_image("o.gif", noise(3)) == ("reduced to 256 colours",)


@pytest.mark.posix
def test_the_input_is_not_written_over():
    write_image("in.png", noise(1))
    Path("link.png").symlink_to("in.png")
    for output in ("in.png", "./in.png", "link.png"):
        with pytest.raises(UnwritableError, match="is the input itself"):
            check_not_input(output, ["other.png", "in.png"])
        check_not_input(output, ["in.png"], force=True)
    check_not_input("out.png", ["in.png", "-"])
    check_not_input("-", ["-"])
    with pytest.raises(UnwritableError):
        check_not_input("link.png", ["in.png"])
