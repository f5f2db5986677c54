"""Kernels: published tables, laws of their sums, the language and its errors."""

from __future__ import annotations

import contextlib
import math
import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlmath.convolution.engine.kernel_analysis import analyse_kernel
from dlmath.convolution.engine.kernel_families import FAMILIES, MOST, MOST_BINOMIAL
from dlmath.convolution.engine.kernels import (
    GROUPS,
    SEED_KERNELS,
    Kernel,
    Magnitude,
    kernel_names,
    listed_kernels,
    names_in,
    parse_kernel,
)
from dlmath.errors import InvalidValueError
from dlmath.language.number_text import fraction_of, is_rows

# Typed from the sources, to hold what is derived
PUBLISHED = {
    "sobel-x": [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]],
    "sobel-y": [[-1, -2, -1], [0, 0, 0], [1, 2, 1]],
    "scharr-x": [[-3, 0, 3], [-10, 0, 10], [-3, 0, 3]],
    "scharr-y": [[-3, -10, -3], [0, 0, 0], [3, 10, 3]],
    "prewitt-x": [[-1, 0, 1], [-1, 0, 1], [-1, 0, 1]],
    "prewitt-y": [[-1, -1, -1], [0, 0, 0], [1, 1, 1]],
    "roberts-x": [[1, 0], [0, -1]],
    "roberts-y": [[0, 1], [-1, 0]],
    "laplacian": [[0, 1, 0], [1, -4, 1], [0, 1, 0]],
    "laplacian-8": [[1, 1, 1], [1, -8, 1], [1, 1, 1]],
    "sharpen": [[0, -1, 0], [-1, 5, -1], [0, -1, 0]],
    "outline": [[-1, -1, -1], [-1, 8, -1], [-1, -1, -1]],
    "emboss": [[-2, -1, 0], [-1, 1, 1], [0, 1, 2]],
    "identity": [[0, 0, 0], [0, 1, 0], [0, 0, 0]],
    "bottom-sobel": [[-1, -2, -1], [0, 0, 0], [1, 2, 1]],
    "top-sobel": [[1, 2, 1], [0, 0, 0], [-1, -2, -1]],
    "left-sobel": [[1, 0, -1], [2, 0, -2], [1, 0, -1]],
    "right-sobel": [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]],
    "kirsch-n": [[5, 5, 5], [-3, 0, -3], [-3, -3, -3]],
    "kirsch-ne": [[-3, 5, 5], [-3, 0, 5], [-3, -3, -3]],
    "kirsch-e": [[-3, -3, 5], [-3, 0, 5], [-3, -3, 5]],
    "kirsch-se": [[-3, -3, -3], [-3, 0, 5], [-3, 5, 5]],
    "kirsch-s": [[-3, -3, -3], [-3, 0, -3], [5, 5, 5]],
    "kirsch-sw": [[-3, -3, -3], [5, 0, -3], [5, 5, -3]],
    "kirsch-w": [[5, -3, -3], [5, 0, -3], [5, -3, -3]],
    "kirsch-nw": [[5, 5, -3], [5, 0, -3], [-3, -3, -3]],
}
OVER = {
    "blur": (16, [[1, 2, 1], [2, 4, 2], [1, 2, 1]]),
    "gaussian:3": (16, [[1, 2, 1], [2, 4, 2], [1, 2, 1]]),
    "binomial:2": (4, [[1, 1], [1, 1]]),
    "motion:3": (3, [[1, 0, 0], [0, 1, 0], [0, 0, 1]]),
    "motion-h:3": (3, [[1, 1, 1]]),
    "motion-v:2": (2, [[1], [1]]),
    "gaussian:5": (
        256,
        [[1, 4, 6, 4, 1], [4, 16, 24, 16, 4], [6, 24, 36, 24, 6], [4, 16, 24, 16, 4], [1, 4, 6, 4, 1]],
    ),
    "unsharp": (
        -256,
        [[1, 4, 6, 4, 1], [4, 16, 24, 16, 4], [6, 24, -476, 24, 6], [4, 16, 24, 16, 4], [1, 4, 6, 4, 1]],
    ),
}
BLURS = (
    *("identity", "small-blur", "large-blur", "blur", "box:4", "gaussian:1", "gaussian:5", "gaussian:9", "gaussian:31"),
    *("gaussian:7:1.3", "binomial:6", "motion:8", "motion-h:3", "motion-v:4", "sharpen", "unsharp", "emboss"),
)
DERIVATIVES = (
    *(name for name in PUBLISHED if name not in {"sharpen", "emboss", "identity"}),
    *("log:3", "log:9", "log:15:2.2", "dog:9:1:1.6", *(f"frei-chen-{k}" for k in range(1, 9))),
)


def single(text: str) -> Kernel:
    kernel = parse_kernel(text)
    assert isinstance(kernel, Kernel)
    return kernel


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_derived_kernel_is_the_published_one(name):
    assert single(name).array().tolist() == PUBLISHED[name]
    assert single(name).exact() == (tuple(map(tuple, PUBLISHED[name])), 1)


@pytest.mark.parametrize("name", OVER)
def test_a_rational_kernel_is_the_published_one_exactly(name):
    divisor, rows = OVER[name]
    assert single(name).weights == tuple(tuple(Fraction(weight, divisor) for weight in row) for row in rows)


@pytest.mark.parametrize("name", BLURS)
def test_a_blur_leaves_a_constant_image_as_it_is(name):
    kernel = single(name)  # its weights are rounded, and what they were divided by is a sum of them
    assert float(kernel.sum) == pytest.approx(1, abs=kernel.array().size * np.finfo(float).eps)
    assert kernel.exact() is None or kernel.sum == 1


@pytest.mark.parametrize("name", DERIVATIVES)
def test_a_derivative_answers_a_constant_image_with_nothing(name):
    kernel = single(name)
    assert (
        kernel.sum == 0
        if kernel.exact()
        else abs(float(kernel.sum)) < 1e-15 * abs(kernel.array()).sum() * kernel.shape[0]
    )


def test_the_seeds_six_are_as_the_seed_wrote_them():
    made = {name: single(name) for name in SEED_KERNELS}
    assert names_in("seed") == tuple(made) == tuple(made)[:6]
    assert made["small-blur"].weights == ((Fraction(1, 49),) * 7,) * 7
    assert made["large-blur"].weights == ((Fraction(1, 441),) * 21,) * 21


@pytest.mark.parametrize("group", GROUPS)
def test_every_name_of_a_group_is_a_kernel(group):
    assert all(parse_kernel(name).name == name for name in names_in(group))


def test_every_name_is_listed_has_a_source_and_can_be_parsed():
    listed = listed_kernels()
    assert {usage.partition(":")[0] for usage, _ in listed} == set(kernel_names()) - set(GROUPS)
    for _, kernel in listed:
        assert kernel.source
        assert parse_kernel(kernel.name.upper()) == kernel
        assert kernel.shape[0] >= 1


# Published by OpenCV for windows without a sigma; 5 and 3 stand above
@pytest.mark.parametrize(("n", "row"), [(7, [8, 28, 56, 72, 56, 28, 8]), (9, [4, 13, 30, 51, 60, 51, 30, 13, 4])])
def test_small_gaussians_are_opencvs_tables(n, row):
    assert single(f"gaussian:{n}").array().tolist() == np.outer(row, row).__truediv__(256**2).tolist()


def test_a_large_gaussian_takes_opencvs_sigma():
    # cv2.getGaussianKernel(11, 0)[:6] of OpenCV 5.0
    published = [2.2559307, 6.94875575, 16.66919849, 31.14216269, 45.31157935, 51.34474605]
    row = single("gaussian:11").array().sum(axis=0)
    assert row[:6] * 256 == pytest.approx(published, abs=1e-7)  # the digits that are printed
    assert np.array_equal(row, row[::-1])


def test_a_gabor_is_its_formula_at_one_place():
    weights = single("gabor:7:4:30:2:0.5:90").array()
    x, y, theta = 2, -1, math.pi / 6
    u, v = x * math.cos(theta) + y * math.sin(theta), -x * math.sin(theta) + y * math.cos(theta)
    expected = math.exp(-(u * u + 0.25 * v * v) / 8) * math.cos(2 * math.pi * u / 4 + math.pi / 2)
    # angles of up to 5 from three rounded steps, then exp and cos: 16 eps, whichever library makes them
    assert weights[y + 3, x + 3] == pytest.approx(expected, abs=16 * np.finfo(float).eps)


def test_a_laplacian_of_a_gaussian_answers_a_paraboloid_with_its_laplacian():
    y, x = np.mgrid[-15:16, -15:16].astype(float)
    assert (single("log:31:2.5").array() * (x**2 + y**2)).sum() == pytest.approx(4, rel=1e-4)  # the grid's error


def test_the_frei_chen_masks_are_an_orthonormal_basis():
    basis = np.array([single(f"frei-chen-{k}").array().ravel() for k in range(1, 10)])
    # sums of nine products, of sizes that add up to at most 1, of weights that are rounded themselves
    assert basis @ basis.T == pytest.approx(np.eye(9), abs=11 * np.finfo(float).eps)


@pytest.mark.parametrize("name", GROUPS["magnitudes"])
def test_a_magnitude_has_parts_of_one_shape(name):
    magnitude = parse_kernel(name)
    assert isinstance(magnitude, Magnitude)
    assert len(magnitude.parts) == (8 if name == "kirsch" else 2)
    assert magnitude.combine == ("max" if name == "kirsch" else "l2")
    assert {part.shape for part in magnitude.parts} == {magnitude.shape}


@pytest.mark.parametrize(
    ("text", "pointed_at"),
    [
        ("", "without a name"),
        ("sobelx", "did you mean 'sobel-x'"),
        ("gausian:5", "did you mean 'gaussian:N[:SIGMA]'"),
        ("sharpen:3", "sharpen takes no parameters"),
        ("gaussian", "write gaussian:N[:SIGMA]"),
        ("box:3:4", "has 2 parameters"),
        ("box:", "N is ''"),
        ("box:0", "N is 0"),
        ("box:-3", "N is '-3'"),
        ("box:3.5", "N is '3.5'"),
        ("box:²", "N is '²'"),
        (f"box:{MOST + 1}", f"from 1 to {MOST}"),
        (f"binomial:{MOST_BINOMIAL + 1}", f"from 1 to {MOST_BINOMIAL}"),
        ("gaussian:4", "an odd number"),
        ("log:1", "from 3"),
        ("gaussian:5:0", "SIGMA is 0, not above 0"),
        ("gaussian:5:-1", "SIGMA is -1, not above 0"),
        ("gaussian:5:wide", "SIGMA 'wide' is not a number"),
        ("gaussian:5:nan", "SIGMA 'nan' is not finite"),
        ("gaussian:5:1e9", "SIGMA is 1e9, not from 0.01 to 1e+06"),
        ("gabor:5:4:inf", "THETA 'inf' is not finite"),
        ("dog:5:1", "write dog:N:S1:S2"),
        ("dog:5:2:2", "only zeros"),
        ("1 2; 3", "row 2 has 1 number; row 1 has 2"),
        ("1 2; 3 4 5", "row 2 has 3 numbers"),
        ("1 two; 3 4", "row 1, number 2: 'two' is not a number"),
        ("1 2;; 3 4", "row 2 is empty"),
        ("1,,2", "number 2: is missing"),
        ("nan 1; 2 3", "'nan' is not finite"),
        ("1 -inf; 2 3", "'-inf' is not finite"),
        ("1/0 1", "divides by zero"),
        ("1e999 1", "beyond the range"),
        ("1e-999 1", "beyond the range"),
        ("1e99999999999 1", "is not a number"),
        ("1_0 1", "is not a number"),
        (";", "row 1 is empty"),
    ],
)
def test_an_error_points_at_the_part_that_is_wrong(text, pointed_at):
    with pytest.raises(InvalidValueError) as caught:
        parse_kernel(text)
    assert pointed_at in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["1 2; 3 4", "1,2;3,4", " 1 , 2 ;\n3 4 ; ", "1.0 2/1; 6/2 4e0", "+1 2.\n3 4"])
def test_rows_can_be_written_in_many_ways(text):
    assert single(text).exact() == (((1, 2), (3, 4)), 1)


rationals = st.fractions(min_value=-1000, max_value=1000, max_denominator=999)


@given(st.data(), st.integers(1, 5), st.integers(1, 5))
def test_rows_come_back_exactly(data, height, width):
    rows = tuple(tuple(data.draw(rationals) for _ in range(width)) for _ in range(height))
    text = "; ".join(" ".join(map(str, row)) for row in rows)
    kernel = single(text)
    numerators, denominator = kernel.exact()
    assert kernel.weights == rows
    assert tuple(tuple(Fraction(weight, denominator) for weight in row) for row in numerators) == rows
    assert kernel.sum == sum(map(sum, rows))
    assert kernel.array().shape == (height, width)


@given(st.text(max_size=30))
def test_any_text_is_a_kernel_or_a_clear_error(text):
    with contextlib.suppress(InvalidValueError):
        assert parse_kernel(text).shape >= (1, 1)


@given(st.text(alphabet="0123456789./e+-naif ,;", max_size=30))
def test_any_numbers_are_rows_or_a_clear_error(text):
    with contextlib.suppress(InvalidValueError):
        assert np.isfinite(single(text).array()).all()


@given(
    st.sampled_from(sorted(FAMILIES)),
    st.lists(st.sampled_from(["3", "5", "0.01", "1e6", "-1e6", "1/3", "31"]), max_size=7),
)
def test_every_parameter_that_is_taken_gives_finite_weights(name, values):
    with contextlib.suppress(InvalidValueError):
        assert np.isfinite(single(":".join([name, *values])).array()).all()


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_float_is_read_to_the_last_bit(value):
    assert float(fraction_of(repr(value))) == value


@pytest.mark.parametrize("word", ["sobel", "nan", "inference", "gaussian:5", "k1.npy", "box:3"])
def test_a_name_is_not_taken_for_rows(word):
    assert not is_rows(word)


def test_requests_that_fail_and_lists_need_no_numpy():
    script = (
        "import sys\nfrom dlmath.convolution.engine.kernels import listed_kernels, parse_kernel\n"
        "[kernel.name for _, kernel in listed_kernels()]\nparse_kernel('1/9 1; 2 3').sum\n"
        "assert 'numpy' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


RESPONSES = {
    # sum, at Nyquist along x, y, both; rank
    "identity": (1, 1, 1, 1, 1),
    "blur": (1, 0, 0, 0, 1),
    "laplacian": (0, -4, -4, -8, 2),
    "sobel-x": (0, 0, 0, 0, 1),
    "sharpen": (1, 5, 5, 9, 2),
    "box:3": (1, -1 / 3, -1 / 3, 1 / 9, 1),
    "1 -1": (0, -2, 0, -2, 1),
    "0 0; 0 0": (0, 0, 0, 0, 0),
}


@pytest.mark.parametrize("text", RESPONSES)
def test_the_analysis_gives_known_responses(text):
    found = analyse_kernel(single(text))
    responses = (found.response_zero, found.response_x, found.response_y, found.response_both, found.rank)
    assert responses == pytest.approx(RESPONSES[text], abs=11 * np.finfo(float).eps)  # sums of nine weights


@given(st.data(), st.integers(1, 4), st.integers(1, 4))
def test_factors_make_the_kernel_again(data, height, width):
    weights = st.integers(-5, 5)
    rows = [[data.draw(weights) for _ in range(width)] for _ in range(height)]
    kernel = single("; ".join(" ".join(map(str, row)) for row in rows))
    found = analyse_kernel(kernel)
    again = sum((np.outer(column, row) for column, row in found.factors), np.zeros((height, width)))
    assert again == pytest.approx(kernel.array(), abs=1e-9)
    assert found.rank == np.linalg.matrix_rank(kernel.array())
    assert (found.exact_factors is not None) == (found.rank == 1)


@given(st.data(), rationals.filter(bool))
def test_the_exact_factors_of_a_product_make_it_again(data, scale):
    column, row = (data.draw(st.lists(st.integers(-9, 9), min_size=1, max_size=6).filter(any)) for _ in range(2))
    kernel = single("; ".join(" ".join(str(scale * down * over) for over in row) for down in column))
    found = analyse_kernel(kernel).exact_factors
    assert found is not None
    assert found.scale > 0
    assert math.gcd(*found.column) == math.gcd(*found.row) == 1
    product = tuple(tuple(found.scale * down * over for over in found.row) for down in found.column)
    assert product == kernel.weights
