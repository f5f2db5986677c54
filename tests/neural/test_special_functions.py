"""Laws of the error function and of the normal quantile: the standard library is the oracle.

Tolerances: what is computed here and by the C library has an exp within one unit in the last place on every platform,
and polynomials of some ten roundings.
"""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import pytest

from dlmath.neural.special_functions import erf, erfc, inverse_normal

POINTS = np.concatenate([np.linspace(-7, 7, 4001), [0.46875, -0.46875, 4.0, -4.0, 1e-300, 1e-9]])


def test_erf_is_the_standard_librarys():
    expected = np.array([math.erf(x) for x in POINTS])
    np.testing.assert_allclose(erf(POINTS), expected, rtol=1e-15, atol=0)


def test_erfc_keeps_its_relative_accuracy_in_the_tail():
    points = np.linspace(-6, 26, 5001)
    np.testing.assert_allclose(erfc(points), [math.erfc(x) for x in points], rtol=2e-14)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_extremes_have_their_limits(dtype):
    extreme = np.array([-np.inf, -1e30, 1e30, np.inf, np.nan], dtype)
    np.testing.assert_array_equal(erf(extreme), [-1, -1, 1, 1, np.nan])
    np.testing.assert_array_equal(erfc(extreme), [2, 2, 0, 0, np.nan])
    assert erf(extreme).dtype == dtype


def test_inverse_normal_is_the_standard_librarys():
    inner = np.linspace(1e-4, 1 - 1e-4, 3001)
    outer = 10.0 ** -np.arange(2, 300, 7)
    p = np.concatenate([inner, outer, 1 - outer[:2], [2.0**-54]])
    expected = [NormalDist().inv_cdf(value) for value in p]
    np.testing.assert_allclose(inverse_normal(p), expected, rtol=1e-14, atol=1e-15)
