"""Convolutions of network layers: against loops, published numbers and each other."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlmath.convolution.engine import layer
from dlmath.convolution.engine.borders import Border, indices
from dlmath.convolution.engine.geometry import Pad, Transposed, WindowAxis, geometry_of, parse_pad
from dlmath.convolution.engine.layer import channel_sums, groups_of, transposed_sums
from dlmath.errors import DlmathError, ShapeError


def loops(image, weights, geometry):
    """The definition, in Python's own numbers."""
    groups = groups_of(image.shape[2], weights.shape)
    share, inputs = weights.shape[0] // groups, weights.shape[1]
    rows, columns = geometry.rows, geometry.columns
    result = np.zeros((*geometry.shape, weights.shape[0]), dtype=object)
    for y, x, o in np.ndindex(result.shape):
        down = indices(y * rows.stride - rows.before, y * rows.stride - rows.before + rows.reach, rows.size,
                       geometry.border)[:: rows.dilation]  # fmt: skip
        across = indices(x * columns.stride - columns.before, x * columns.stride - columns.before + columns.reach,
                         columns.size, geometry.border)[:: columns.dilation]  # fmt: skip
        for c, (i, r), (j, k) in ((c, a, b) for c in range(inputs) for a in enumerate(down) for b in enumerate(across)):
            pixel = geometry.border.value if -1 in {r, k} else image[r, k, o // share * inputs + c].item()
            result[y, x, o] += weights[o, c, i, j].item() * pixel
    return result


@st.composite
def layers(draw):
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    inputs, groups, share = draw(st.integers(1, 3)), draw(st.integers(1, 2)), draw(st.integers(1, 3))
    size = draw(st.integers(1, 7)), draw(st.integers(1, 7))
    taps = draw(st.integers(1, 3)), draw(st.integers(1, 4))
    image = rng.integers(-9, 10, (*size, inputs * groups))
    weights = rng.integers(-5, 6, (groups * share, inputs, *taps))
    pad = draw(st.sampled_from(["same", "same-upper", "same-lower", "full", "2", "1:0:2:3"]))
    border = draw(st.sampled_from(["constant", "replicate", "mirror", "reflect", "wrap"]))
    steps = draw(st.integers(1, 3)), draw(st.integers(1, 2))
    return image, weights, geometry_of(
        Border(border, 2 if border == "constant" else 0), size, taps, parse_pad(pad), stride=steps[0], dilation=steps[1]
    )  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(layers(), st.sampled_from([40, layer.CHUNK]))
def test_sums_are_the_definition(case, chunk):
    image, weights, geometry = case
    if 0 in geometry.shape:
        return
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(layer, "CHUNK", chunk)
        assert channel_sums(image, weights, geometry).tolist() == loops(image, weights, geometry).tolist()


def test_whole_numbers_beyond_double_precision_stay_exact():
    image = np.full((1, 1, 2), 2**61)
    assert (
        channel_sums(image, np.array([3, 1]).reshape(1, 2, 1, 1), geometry_of(Border("valid"), (1, 1), (1, 1))).item()
        == 2**63
    )


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 2**32), st.integers(1, 3), st.integers(1, 3), st.integers(1, 2), st.integers(0, 2), st.integers(0, 2)
)
def test_the_transposed_convolution_is_the_transpose(seed, taps, stride, dilation, pad, more):
    """<A x, y> = <x, A^T y> for all whole-number x and y, A being the strided convolution (Dumoulin & Visin, ch. 4)."""
    rng = np.random.default_rng(seed)
    axis = Transposed(WindowAxis(int(rng.integers(1, 5)), taps, pad, pad, stride, dilation), more % stride)
    size = axis.outputs
    if size < 1:
        return
    forward = geometry_of(
        Border("constant"), (size, size), (taps, taps), Pad("sides", (pad,) * 4), stride=stride, dilation=dilation
    )
    assert forward.shape == (axis.axis.size,) * 2
    weights = rng.integers(-4, 5, (1, 1, taps, taps))
    y, x = rng.integers(-9, 9, (axis.axis.size,) * 2 + (1,)), rng.integers(-9, 9, (size, size, 1))
    up = transposed_sums(y, weights, axis, axis)
    assert up.shape == (size, size, 1)
    assert (up * x).sum() == (channel_sums(x, weights, forward) * y).sum()


def test_onnx_conv_transpose():
    """ONNX operator tests, test_convtranspose: 0..8 under two kernels of ones."""
    nine = np.arange(9).reshape(3, 3, 1)
    axis = Transposed(WindowAxis(3, 3))
    found = transposed_sums(nine, np.ones((2, 1, 3, 3), int), axis, axis)
    wanted = [[0, 1, 3, 3, 2], [3, 8, 15, 12, 7], [9, 21, 36, 27, 15], [9, 20, 33, 24, 13], [6, 13, 21, 15, 8]]
    assert found[:, :, 0].tolist() == wanted
    assert found[:, :, 1].tolist() == wanted


@pytest.mark.parametrize(
    ("pad", "wanted"),
    [
        ("1", [[18, 36, 48], [81, 135, 153], [153, 243, 261]]),
        ("same-upper", [[72, 90, 69], [180, 198, 141], [174, 186, 130]]),
    ],
)
def test_padding_at_stride_2(pad, wanted):
    """1..36 under 3x3 ones: PyTorch's padding=1, and TensorFlow's and Keras' SAME."""
    image = np.arange(1, 37).reshape(6, 6, 1)
    geometry = geometry_of(Border("constant"), (6, 6), (3, 3), parse_pad(pad), stride=2)
    assert channel_sums(image, np.ones((1, 1, 3, 3), int), geometry)[:, :, 0].tolist() == wanted


def test_channels_that_do_not_fit_are_told():
    with pytest.raises(ShapeError, match="3 input and 1 output channels on an image of 4"):
        groups_of(4, (1, 3, 1, 1))


@pytest.mark.parametrize("text", ["", "sme", "-1", "1:2", "1:2:3", "1.5", "99999999999999999999", "1:2:3:x"])
def test_mistaken_paddings_are_told(text):
    with pytest.raises(DlmathError):
        parse_pad(text)
