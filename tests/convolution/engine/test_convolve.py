from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from dlmath.convolution.engine import planner
from dlmath.convolution.engine.convolve import convolve
from dlmath.convolution.engine.kernel import ExactKernel
from dlmath.errors import DlmathError, InvalidValueError, ShapeError

specification = spec_from_file_location("laws", Path(__file__).with_name("laws.py"))
laws = module_from_spec(specification)
specification.loader.exec_module(laws)

METHODS = ["auto", "taps", "separable", "dense", "fft"]
SOBEL_X = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]])


def outcome(image, kernel, method, **options):
    """Return the result, or None where the window does not fit or the method does not suit."""
    try:
        return convolve(image, kernel, method=method, statistics=True, threads=2, **options)
    except ShapeError:
        return None
    except InvalidValueError:
        if method in {"auto", "taps", "naive"}:
            raise
        return None


@pytest.mark.parametrize("method", METHODS)
@settings(max_examples=35, deadline=None)
@given(
    laws.requests(
        dtypes=["u1", "u2", "i1", "i2", "i4", "u4", "i8", "u8", "?"],
        kinds=["whole", "exact"],
        scales=["clip", "absolute"],
    )
)
def test_whole_numbers_are_exactly_the_definition(method, request):
    image, kernel, options = request
    wanted, found = outcome(image, kernel, "naive", **options), outcome(image, kernel, method, **options)
    assume(wanted is not None and found is not None)
    assert found.pixels.dtype == image.dtype
    assert (found.pixels.tolist(), found.below, found.above) == (wanted.pixels.tolist(), wanted.below, wanted.above)
    assert found.macs == wanted.macs


@pytest.mark.parametrize("method", METHODS)
@settings(max_examples=35, deadline=None)
@given(laws.requests(dtypes=["u1", "i2", "u2", "f4", "f8"], scales=["none"]))
def test_floats_are_the_definition_to_rounding(method, request):
    image, kernel, options = request
    wanted, found = outcome(image, kernel, "naive", **options), outcome(image, kernel, method, **options)
    assume(wanted is not None and found is not None)
    limit = laws.error_limit(image, kernel, options, found)
    assert np.abs(found.pixels.astype(float) - wanted.pixels.astype(float)).max() <= limit
    for fact in ("minimum", "maximum", "mean"):
        assert abs(getattr(found, fact) - getattr(wanted, fact)) <= limit


@settings(max_examples=35, deadline=None)
@given(laws.requests(dtypes=["u1", "u2", "f4"], scales=["minmax"]))
def test_stretched_results_span_the_type(request):
    image, kernel, options = request
    found = outcome(image, kernel, "auto", **options)
    assume(found is not None)
    top = 1.0 if image.dtype.kind == "f" else np.iinfo(image.dtype).max
    # the stretch multiplies what r is off by; where that is a thousandth of the range, rounding is all there is to see
    limit = laws.error_limit(image, kernel, options, found) / max(found.maximum - found.minimum, 1e-300)
    if limit < 1e-3:
        assert abs(float(found.pixels.max()) - top) <= (2 * limit + 1e-6) * top
        assert abs(float(found.pixels.min())) <= (2 * limit + 1e-6) * top


@settings(max_examples=25, deadline=None)
@given(laws.requests(), st.sampled_from([64, 300]))
def test_neither_threads_nor_tiles_change_a_byte_of_exact_results(request, elements):
    image, kernel, options = request
    wanted = outcome(image, kernel, "taps", **options)
    assume(wanted is not None)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(planner, "TILE_ELEMENTS", dict.fromkeys((2, 4, 8), elements))
        for threads in (1, 2, 3):
            found = convolve(image, kernel, method="taps", threads=threads, **options)
            assert found.pixels.tobytes() == wanted.pixels.tobytes()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("dtype", ["u1", "f4"])
def test_threads_do_not_change_a_byte(method, dtype):
    rng = np.random.default_rng(8)
    image = laws.random_image(rng, dtype, (700, 610))
    kernel = rng.normal(size=(5, 5)) if method != "separable" else np.outer(*rng.normal(size=(2, 5)))
    first, *others = (convolve(image, kernel, method=method, threads=threads).pixels for threads in (1, 2, 3))
    assert all(other.tobytes() == first.tobytes() for other in others)


@settings(max_examples=30, deadline=None)
@given(laws.requests(scales=["clip", "none"]))
def test_channels_are_convolved_on_their_own(request):
    image, kernel, options = request
    assume(image.ndim == 3)
    whole = outcome(image, kernel, "taps", **options)
    assume(whole is not None)
    for channel in range(image.shape[2]):
        alone = convolve(image[:, :, channel], kernel, method="taps", **options)
        assert alone.pixels.tobytes() == np.ascontiguousarray(whole.pixels[:, :, channel]).tobytes()


GRIDS = [
    ("11100/01110/00111/00110/01100", "101/010/101", "434/243/234", 1),
    ("33210/00131/31223/20022/20001", "012/220/012", "12 12 17/10 17 19/9 6 14", 1),
]


def digits(text):
    return np.array([[int(word) for word in (row.split() if " " in row else row)] for row in text.split("/")])


@pytest.mark.parametrize("method", ["naive", *METHODS])
@pytest.mark.parametrize(("image", "kernel", "wanted", "stride"), GRIDS)
def test_published_grids(method, image, kernel, wanted, stride):
    try:
        found = convolve(digits(image), digits(kernel), border="valid", stride=stride, method=method)
    except InvalidValueError:
        pytest.skip("the method does not suit")
    assert found.pixels.tolist() == digits(wanted).tolist()


def test_dumoulin_and_visin_padded_with_stride_two():
    image, kernel = digits(GRIDS[1][0]), digits(GRIDS[1][1])
    assert convolve(image, kernel, border="constant:0", stride=2).pixels.tolist() == [
        [6, 17, 3],
        [8, 17, 13],
        [6, 4, 4],
    ]


def test_a_step_gives_a_line():
    step = np.repeat([[0] * 4 + [255] * 4], 8, axis=0).astype(np.uint8)
    found = convolve(step, SOBEL_X, scale="none", statistics=True)
    assert found.pixels.tolist() == [[0, 0, 0, 1020, 1020, 0, 0, 0]] * 8
    assert (found.minimum, found.maximum, found.mean) == (0, 1020, 255)
    assert convolve(step, SOBEL_X).clipped == 16


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("border", ["replicate", "reflect", "mirror", "wrap", "valid"])
@pytest.mark.parametrize("size", [3, 7, 21])
def test_constants_stay_constant_under_kernels_of_sum_one(method, border, size):
    box = ExactKernel(np.ones((size, size), dtype=np.int64), size * size)
    for value in (0, 1, 128, 255):
        image = np.full((30, 40), value, dtype=np.uint8)
        assert (convolve(image, box, border=border, method=method).pixels == value).all()
    floats = convolve(np.full((30, 40), 0.7, dtype=np.float32), box, border=border, method=method).pixels
    # a sum of size^2 products that adds up to 0.7; by transforms, of tiles of at most 60 x 50 pixels
    limit = laws.sum_error(size * size, np.float32, 0.7)
    if method == "fft":
        tile, weights = np.full((60, 64), 0.7), np.full((size, size), size**-2.0)
        limit = laws.transform_error(64 * 64, np.float32, tile, weights)
    assert np.abs(floats - np.float32(0.7)).max() <= limit


@settings(max_examples=25, deadline=None)
@given(laws.requests(dtypes=["f8"], scales=["none"]), st.floats(-3, 3), st.floats(-3, 3))
def test_linear(request, a, b):
    image, kernel, options = request
    options.update(offset=0, border="wrap")
    other = image[::-1]
    together = convolve(a * image + b * other, kernel, **options).pixels
    apart = a * convolve(image, kernel, **options).pixels + b * convolve(other, kernel, **options).pixels
    # |a|, |b| <= 3: three convolutions of at most 3 + 3 times the image, each within its limit
    limit = 12 * laws.error_limit(image, kernel, options, convolve(image, kernel, **options))
    np.testing.assert_allclose(together, apart, rtol=0, atol=limit)


@given(st.integers(0, 8), st.integers(0, 8), st.sampled_from(METHODS))
@settings(max_examples=25, deadline=None)
def test_a_shifted_image_gives_the_shifted_result(down, across, method):
    rng = np.random.default_rng(2)
    image, kernel = rng.integers(0, 256, (9, 8), dtype=np.uint8), np.outer([1, 3, 1], [2, -1, 1, 4])
    moved = convolve(np.roll(image, (down, across), (0, 1)), kernel, border="wrap", method=method).pixels
    assert (
        moved == np.roll(convolve(image, kernel, border="wrap", method=method).pixels, (down, across), (0, 1))
    ).all()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_not_finite_reaches_only_its_windows(method, bad):
    image = np.ones((40, 40), dtype=np.float32)
    image[20, 11] = bad
    kernel = np.outer([1.5, 2, 0.25], [1, 0.5, 3])
    found = convolve(image, kernel, method=method).pixels
    touched = ~np.isfinite(found)
    assert touched[19:22, 10:13].all()
    assert touched.sum() == 9


def test_images_of_any_layout():
    rng = np.random.default_rng(3)
    image = rng.integers(0, 256, (20, 30, 6), dtype=np.uint8)
    for view in (image[::2, ::-1, 1:4], image.transpose(1, 0, 2), np.asfortranarray(image[:, :, 0])):
        wanted = convolve(np.ascontiguousarray(view), SOBEL_X).pixels
        assert (convolve(view, SOBEL_X).pixels == wanted).all()


def test_out_is_written_and_the_image_is_not():
    image = np.arange(60, dtype=np.uint8).reshape(6, 10)
    before, out = image.copy(), np.empty((6, 10), dtype=np.float64)
    assert convolve(image, SOBEL_X, out=out).pixels is out
    assert (image == before).all()
    assert out[3, 5] == 8


def test_ties_are_rounded_half_up():
    image = np.array([[0, 1, 2, 3]], dtype=np.uint8)
    half = ExactKernel(np.array([[1, 1]]), 2)
    assert convolve(image, half, anchor=(0, 0)).pixels.tolist() == [[1, 2, 3, 3]]
    assert convolve(image.astype(np.int8), ExactKernel(np.array([[-1]]), 2)).pixels.tolist() == [[0, 0, -1, -1]]


@pytest.mark.parametrize(
    ("image", "kernel", "options", "part"),
    [
        (np.zeros((0, 3)), SOBEL_X, {}, "an image of shape"),
        (np.zeros(3), SOBEL_X, {}, "an image of shape"),
        (np.zeros((3, 3), complex), SOBEL_X, {}, "complex"),
        (np.zeros((3, 3)), np.zeros((0, 3)), {}, "a kernel of shape"),
        (np.zeros((3, 3)), [[np.nan]], {}, "weight nan"),
        (np.zeros((3, 3)), [["a"]], {}, "a kernel of <U1"),
        (np.zeros((3, 3)), SOBEL_X, {"stride": 0}, "stride 0"),
        (np.zeros((3, 3)), SOBEL_X, {"dilation": 1.5}, "dilation 1.5"),
        (np.zeros((3, 3)), SOBEL_X, {"anchor": (3, 0)}, "anchor 3,0"),
        (np.zeros((3, 2)), SOBEL_X, {"border": "valid"}, "does not fit"),
        (np.zeros((3, 3)), SOBEL_X, {"border": "miror"}, "did you mean 'mirror'"),
        (np.zeros((3, 3)), SOBEL_X, {"method": "ftt"}, "did you mean 'fft'"),
        (np.zeros((3, 3)), SOBEL_X, {"scale": "clop"}, "did you mean 'clip'"),
        (np.zeros((3, 3)), SOBEL_X, {"offset": np.inf}, "offset inf"),
        (np.zeros((3, 3)), SOBEL_X, {"out": np.zeros((2, 2))}, "out has shape"),
        (np.zeros((3, 3)), np.random.default_rng(0).normal(size=(9, 9)), {"method": "separable"}, "cannot do this"),
    ],
)
def test_mistakes_are_told(image, kernel, options, part):
    with pytest.raises(DlmathError, match=part):
        convolve(image, kernel, **options)


def test_scratch_is_bounded_whatever_the_image():
    import tracemalloc

    image = np.zeros((6000, 4000), dtype=np.uint8)
    out = np.empty_like(image)
    tracemalloc.start()
    convolve(image, SOBEL_X, out=out, threads=2)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 12e6


@pytest.mark.parametrize("layout", ["rows", "columns", "reversed", "fortran"])
@pytest.mark.parametrize("kernel", [[[-1, 0, 1]], [[1]], np.full((3, 3), 0.3), [[2, 1], [1, 0]]])
def test_results_of_floating_point_go_into_arrays_of_any_layout(layout, kernel):
    image = np.random.default_rng(5).random((37, 41, 3), dtype=np.float32)
    wide = np.zeros((74, 82, 3), dtype=np.float32)
    out = {
        "rows": wide[::2, :41],
        "columns": wide[:37, ::2],
        "reversed": wide[36::-1, 40::-1],
        "fortran": np.zeros(image.shape, dtype=np.float32, order="F"),
    }[layout]
    plain = convolve(image, kernel).pixels
    convolve(image, kernel, out=out)
    np.testing.assert_array_equal(out, plain)
