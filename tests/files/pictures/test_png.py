"""The PNG writer against Pillow's reader, over shapes, depths, filters, levels and threads."""

from __future__ import annotations

import io
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image

from dlmath.files.pictures import png
from dlmath.files.pictures.images import read_image, write_image


def encoded(pixels, **words) -> bytes:
    held = io.BytesIO()
    png.write_png(held, pixels, **words)
    return held.getvalue()


def decoded(content: bytes):
    with Image.open(io.BytesIO(content)) as image:
        image.load()  # checks every checksum
        return np.asarray(image)


def graphics(height: int = 300, width: int = 500):
    """Return what repeats: stripes of glyphs on a flat ground."""
    glyph = np.random.default_rng(0).integers(0, 2, (12, 9)) * 200
    return np.tile(glyph, (height // 12 + 1, width // 9 + 1))[:height, :width].astype(np.uint8)


def photograph(height: int = 300, width: int = 500, channels: int = 3):
    """Return what does not: a gradient with a camera's noise."""
    y, x, c = np.mgrid[0:height, 0:width, 0:channels]
    clean = 128 + 60 * np.sin(x / 97 + c) + 50 * np.cos(y / 71)
    return (clean + np.random.default_rng(0).normal(0, 3, clean.shape)).clip(0, 255).astype(np.uint8)


@settings(max_examples=80, deadline=None)
@given(st.data(), st.integers(1, 40), st.integers(1, 40), st.integers(1, 4), st.sampled_from([None, 0, 1, 6, 9]))
def test_pillow_reads_what_is_written(data, height, width, channels, level):
    shape = (height, width, channels) if channels > 1 else (height, width)
    pixels = data.draw(arrays.arrays(np.uint8, shape))
    assert np.array_equal(decoded(encoded(pixels, compress_level=level)), pixels)


@settings(max_examples=40, deadline=None)
@given(st.data(), st.integers(1, 20), st.integers(1, 20), st.integers(1, 4))
def test_16_bits_come_back_whole(tmp_path_factory, data, height, width, channels):
    shape = (height, width, channels) if channels > 1 else (height, width)
    pixels = data.draw(arrays.arrays(np.uint16, shape))
    name = str(tmp_path_factory.getbasetemp() / "deep.png")
    write_image(name, pixels)
    picture = read_image(name)
    assert picture.pixels.dtype == np.uint16
    assert picture.bits == 16
    assert np.array_equal(picture.pixels, pixels)


@pytest.mark.parametrize("number", range(len(png.FILTERS)))
@pytest.mark.parametrize("strategy", [zlib.Z_RLE, zlib.Z_HUFFMAN_ONLY, zlib.Z_DEFAULT_STRATEGY])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_every_filter_and_strategy_is_read_over_several_bands(monkeypatch, number, strategy, channels):
    pixels = photograph(97, 131, channels) if channels > 1 else photograph(97, 131, 1)[:, :, 0]
    monkeypatch.setattr(png, "BAND_BYTES", 4000)
    monkeypatch.setattr(png, "planned", lambda *_: png.Encoding(number, 6, strategy))
    for threads in (1, 3):
        content = encoded(pixels, threads=threads)
        assert content.count(b"IDAT") > 3
        assert np.array_equal(decoded(content), pixels)


@pytest.mark.parametrize("view", [np.s_[::2, ::3], np.s_[::-1], np.s_[:, ::-1]])
def test_views_that_are_not_contiguous_are_written(view):
    pixels = photograph(60, 80)[view]
    assert np.array_equal(decoded(encoded(pixels)), pixels)


def test_the_number_of_threads_does_not_change_the_file():
    pixels = photograph(1200, 1000)
    assert encoded(pixels, threads=1) == encoded(pixels, threads=4)


def test_drawings_are_searched_for_repeats_and_photographs_are_not():
    assert png.planned(graphics(), None).strategy == zlib.Z_DEFAULT_STRATEGY
    assert png.planned(photograph(), None).strategy in {zlib.Z_RLE, zlib.Z_HUFFMAN_ONLY}
    assert png.planned(photograph(), 9) == png.Encoding(png.least_entropy(photograph()), 9, zlib.Z_DEFAULT_STRATEGY)


@pytest.mark.parametrize("kind", ["drawing", "photograph", "flat"])
def test_files_are_at_most_5_percent_larger_than_pillows(kind):
    pixels = {"drawing": graphics, "photograph": photograph, "flat": lambda: np.zeros((300, 500), np.uint8)}[kind]()
    held = io.BytesIO()
    Image.fromarray(pixels).save(held, "PNG")
    assert len(encoded(pixels)) <= 1.05 * len(held.getvalue()) + 200


def test_a_stored_file_is_not_compressed():
    pixels = np.zeros((100, 100), np.uint8)
    assert len(encoded(pixels, compress_level=0)) > 10_000


def test_a_colour_profile_is_carried():
    with Image.open(io.BytesIO(encoded(photograph(), icc=b"profile"))) as image:
        assert image.info["icc_profile"] == b"profile"


@given(st.binary(max_size=200), st.binary(max_size=70_000))
def test_checksums_are_joined(first, second):
    joined = png.joined_adler(zlib.adler32(first), zlib.adler32(second), len(second))
    assert joined == zlib.adler32(first + second)


@settings(max_examples=30)
@given(arrays.arrays(np.uint8, st.tuples(st.integers(2, 6), st.integers(4, 12))), st.integers(1, 4))
def test_filters_are_their_definition(above, step):
    x, b = above[1:].astype(int), above[:-1].astype(int)
    a = np.zeros_like(x)
    a[:, step:] = x[:, :-step]
    for number, predicted in enumerate([0 * x, a, b, (a + b) // 2]):
        rows = png.filtered(above, step, number)
        assert (rows[:, 0] == number).all()
        assert np.array_equal(rows[:, 1:], (x - predicted) % 256)
