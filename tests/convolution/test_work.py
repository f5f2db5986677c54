"""Two ways to one result: the engine's one pass and the steps, a kernel and its bank, sliding and transposed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlmath.convolution.choices import choices_of
from dlmath.convolution.engine.kernels import parse_kernel
from dlmath.convolution.files.kernels import array_bank
from dlmath.convolution.job import planned
from dlmath.convolution.likeness import LIKE
from dlmath.convolution.words import Words
from dlmath.convolution.work import carried_out
from dlmath.errors import ShapeError
from dlmath.files.pictures.picture import Picture
from dlmath.frame.face import silent_output


def convolved(image, kernel, file_format="PNG", *, alpha=False, **words):
    """Return what the command makes of pixels."""
    picture = Picture(image, "random", file_format, "", 8 * image.itemsize, has_alpha=alpha)
    choices = choices_of(Words(kernel=["-"] if kernel else None, **words).checked(), silent_output())
    job = planned(parse_kernel(kernel) if isinstance(kernel, str) else kernel, choices, picture.header)
    found = carried_out(job, picture)
    assert found.pixels.shape[:2] == job.size
    assert found.pixels.dtype == job.dtype
    assert (found.pixels.shape[2] if found.pixels.ndim == 3 else 1) == job.all_channels
    return found


KERNELS = ["sobel", "sobel-x", "box:3", "gaussian:5:1.2", "identity", "1 2; 3 -4", "1/3 1/3 1/3", "kirsch", "log:5"]
LIKES = [None, *LIKE]


def random_image(rng, dtype, channels):
    shape = tuple(int(side) for side in rng.integers(5, 12, 2)) + ((channels,) if channels > 1 else ())
    if np.dtype(dtype).kind == "f":
        return rng.normal(scale=99, size=shape).astype(dtype)
    info = np.iinfo(dtype)
    return rng.integers(max(info.min, -(10**6)), min(info.max, 10**6), shape, dtype=dtype, endpoint=True)


@settings(max_examples=150, deadline=None)
@given(
    st.integers(0, 2**32),
    st.sampled_from(["u1", "u2", "i4", "i8", "f4", "f8"]),
    st.sampled_from(["PNG", "NPY", "TEXT"]),
    st.sampled_from(KERNELS),
    st.sampled_from([None, "clip", "absolute", "minmax", "none"]),
    st.sampled_from(LIKES),
    st.fixed_dictionaries({
        "stride": st.integers(1, 3), "dilation": st.integers(1, 2), "flip": st.booleans(),
        "offset": st.sampled_from([0.0, 3.0, -0.25]), "pad": st.sampled_from([None, "1", "same-upper", "0:1:2:0"]),
    }),
)  # fmt: skip
def test_pooling_single_pixels_changes_nothing(seed, dtype, file_format, kernel, scale, like, words):
    """The engine's own pass and the way step by step give the same pixels and tell the same of them."""
    rng = np.random.default_rng(seed)
    image = random_image(rng, dtype, int(rng.choice([1, 3])))
    if like == "pillow":
        kernel, words = "1 2 1; 0 1 0; -1 1 2", {}
    try:
        wanted = convolved(image, kernel, file_format, scale=scale, like=like, **words)
    except ShapeError:
        return
    found = convolved(image, kernel, file_format, scale=scale, like=like, pool="max:1", **words)
    assert found.macs == wanted.macs
    # single precision where one way sums in it; halves may then be rounded either way
    size = max(1.0, float(np.abs(wanted.pixels.astype(float)).max()))
    slack = 1 if wanted.pixels.dtype.kind in "iu" and kernel not in {"sobel-x", "identity"} else 0
    slack = max(slack, 3e-5 * size) if wanted.pixels.dtype.kind == "f" or scale == "minmax" else slack
    assert np.abs(found.pixels.astype(float) - wanted.pixels.astype(float)).max() <= slack
    if like not in {"scipy", "pillow"}:  # whose pixels are no longer the sums
        for fact in ("minimum", "maximum", "mean"):
            assert getattr(found, fact) == pytest.approx(getattr(wanted, fact), rel=3e-5, abs=3e-5 * size)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 2**32),
    st.integers(1, 3),
    st.integers(1, 2),
    st.sampled_from(["same-upper", "1", "valid"]),
    st.booleans(),
)
def test_a_kernel_is_its_bank_channel_by_channel(seed, stride, dilation, pad, flip):
    rng = np.random.default_rng(seed)
    image, weights = rng.integers(-99, 99, (9, 8, 3)), rng.integers(-5, 6, (3, 3))
    words = {"stride": stride, "dilation": dilation, "pad": pad, "flip": flip}
    text = "; ".join(" ".join(map(str, row)) for row in weights.tolist())
    one = convolved(image, text, "NPY", **words)
    bank = array_bank(np.broadcast_to(weights, (3, 1, 3, 3)), "bank", "here")
    assert convolved(image, bank, "NPY", **words).pixels.tolist() == one.pixels.tolist()
    full = np.zeros((3, 3, 3, 3), int)
    full[range(3), range(3)] = weights
    assert convolved(image, array_bank(full, "full", "here"), "NPY", **words).pixels.tolist() == one.pixels.tolist()


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 3), st.integers(1, 3))
def test_at_stride_1_the_transposed_convolution_is_the_turned_one_padded_full(seed, rows, columns):
    rng = np.random.default_rng(seed)
    image = rng.integers(-9, 9, (4, 5))
    text = "; ".join(" ".join(map(str, row)) for row in rng.integers(-5, 6, (rows, columns)).tolist()) + ";"
    wanted = convolved(image, text, "TEXT", pad="full", flip=True)
    assert convolved(image, text, "TEXT", transposed=True).pixels.tolist() == wanted.pixels.tolist()


@pytest.mark.parametrize(
    "words",
    [
        {},
        {"stride": 2},
        {"pad": "valid"},
        {"pad": "1:0:2:1"},
        {"pad": "full"},
        {"transposed": True, "stride": 2},
        {"pool": "max:2"},
        {"stride": 2, "pool": "average:2"},
        {"like": "scipy"},
    ],
)
def test_opacity_follows_the_pixels(words):
    """Where the picture is opaque everywhere so is the result; a clear pixel makes the pixels at its place clear."""
    rng = np.random.default_rng(0)
    image = np.concatenate([rng.integers(0, 256, (8, 6, 3)), np.full((8, 6, 1), 255)], axis=2).astype(np.uint8)
    assert (convolved(image, "box:3", alpha=True, **words).pixels[:, :, 3] == 255).all()
    image[4:, :, 3] = 0
    found = convolved(image, "box:3", alpha=True, **words).pixels[:, :, 3]
    half = len(found) // 2
    assert (found[: half - 1] == 255).all()
    assert (found[half + 1 :] == 0).all()


def test_luma_of_gray_with_alpha_and_of_many_channels():
    assert convolved(np.uint8([[[100, 7]]]), "identity", alpha=True, channels="gray").pixels.tolist() == [[100]]
    assert convolved(np.uint8([[[10, 20, 30, 40, 50]]]), "identity", channels="gray").pixels.tolist() == [[30]]
