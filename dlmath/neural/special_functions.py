"""Two functions that NumPy lacks: the error function and the inverse of the normal distribution.

Both are evaluated in the precision of their argument, for whole arrays, and accept every argument: infinities
have their limits as values and NaN stays NaN, without a warning.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from dlmath.neural.later import np

if TYPE_CHECKING:
    from dlmath.neural.arrays import Array

# W. J. Cody, "Rational Chebyshev approximations for the error function", Mathematics of Computation 23 (1969)
# 631-637, with the digits of his program CALERF (Netlib, specfun). Highest power first.
_ERF_NEAR = (
    (1.85777706184603153e-1, 3.16112374387056560, 1.13864154151050156e2, 3.77485237685302021e2,
     3.20937758913846947e3),
    (1.0, 2.36012909523441209e1, 2.44024637934444173e2, 1.28261652607737228e3, 2.84423683343917062e3),
)  # fmt: skip
_ERFC_MIDDLE = (
    (2.15311535474403846e-8, 5.64188496988670089e-1, 8.88314979438837594, 6.61191906371416295e1,
     2.98635138197400131e2, 8.81952221241769090e2, 1.71204761263407058e3, 2.05107837782607147e3,
     1.23033935479799725e3),
    (1.0, 1.57449261107098347e1, 1.17693950891312499e2, 5.37181101862009858e2, 1.62138957456669019e3,
     3.29079923573345963e3, 4.36261909014324716e3, 3.43936767414372164e3, 1.23033935480374942e3),
)  # fmt: skip
_ERFC_FAR = (
    (1.63153871373020978e-2, 3.05326634961232344e-1, 3.60344899949804439e-1, 1.25781726111229246e-1,
     1.60837851487422766e-2, 6.58749161529837803e-4),
    (1.0, 2.56852019228982242, 1.87295284992346725, 5.27905102951428412e-1, 6.05183413124413191e-2,
     2.33520497626869185e-3),
)  # fmt: skip

# M. J. Wichura, "Algorithm AS 241: the percentage points of the normal distribution", Applied Statistics 37
# (1988) 477-484, the sixteen-digit version. Highest power first.
_NORMAL_CENTRE = (
    (2.5090809287301226727e3, 3.3430575583588128105e4, 6.7265770927008700853e4, 4.5921953931549871457e4,
     1.3731693765509461125e4, 1.9715909503065514427e3, 1.3314166789178437745e2, 3.3871328727963666080),
    (5.2264952788528545610e3, 2.8729085735721942674e4, 3.9307895800092710610e4, 2.1213794301586595867e4,
     5.3941960214247511077e3, 6.8718700749205790830e2, 4.2313330701600911252e1, 1.0),
)  # fmt: skip
_NORMAL_TAIL = (
    (7.74545014278341407640e-4, 2.27238449892691845833e-2, 2.41780725177450611770e-1,
     1.27045825245236838258, 3.64784832476320460504, 5.76949722146069140550, 4.63033784615654529590,
     1.42343711074968357734),
    (1.05075007164441684324e-9, 5.47593808499534494600e-4, 1.51986665636164571966e-2,
     1.48103976427480074590e-1, 6.89767334985100004550e-1, 1.67638483018380384940, 2.05319162663775882187,
     1.0),
)  # fmt: skip
_NORMAL_FAR_TAIL = (
    (2.01033439929228813265e-7, 2.71155556874348757815e-5, 1.24266094738807843860e-3,
     2.65321895265761230930e-2, 2.96560571828504891230e-1, 1.78482653991729133580, 5.46378491116411436990,
     6.65790464350110377720),
    (2.04426310338993978564e-15, 1.42151175831644588870e-7, 1.84631831751005468180e-5,
     7.86869131145613259100e-4, 1.48753612908506148525e-2, 1.36929880922735805310e-1,
     5.99832206555887937690e-1, 1.0),
)  # fmt: skip

_Ratio = tuple[tuple[float, ...], tuple[float, ...]]


def _polynomial(coefficients: tuple[float, ...], x: Array) -> Array:
    total = coefficients[0] * x
    for coefficient in coefficients[1:-1]:
        total += coefficient
        total *= x
    total += coefficients[-1]
    return total


def _ratio(coefficients: _Ratio, x: Array) -> Array:
    return np.asarray(_polynomial(coefficients[0], x) / _polynomial(coefficients[1], x))


def _exp_minus_square(y: Array) -> Array:
    """Return exp(-y^2) for y >= 0 without the rounding error of y^2: split y at a sixteenth, as Cody does."""
    coarse = np.floor(y * 16) / 16
    return np.asarray(np.exp(-coarse * coarse) * np.exp(-(y - coarse) * (y + coarse)))


def _erfc_of_positive(y: Array) -> Array:
    """Return erfc(y) for y > 0.46875."""
    middle = _ratio(_ERFC_MIDDLE, np.minimum(y, 4.0))
    far_y = np.clip(y, 4.0, 1e4)
    inverse_square = 1 / (far_y * far_y)
    far = (1 / math.sqrt(math.pi) - inverse_square * _ratio(_ERFC_FAR, inverse_square)) / far_y
    tail = _exp_minus_square(np.minimum(y, 1e4))
    return np.asarray(np.where(y <= 4, middle, far) * tail)


def erf(x: Array) -> Array:
    """Return the error function, 2/sqrt(pi) times the integral of exp(-t^2) from 0 to `x`.

    Parameters
    ----------
    x : ndarray of float32 or float64, any shape

    Returns
    -------
    ndarray of the same shape and dtype
        In float64 within a few units in the last place of the exact value (Cody 1969).

    Examples
    --------
    >>> f"{float(erf(np.array(0.5))):.12f}"
    '0.520499877813'
    """
    y = np.abs(x)
    near_x = np.clip(x, -0.5, 0.5)
    near = near_x * _ratio(_ERF_NEAR, near_x * near_x)
    far = np.copysign(1 - _erfc_of_positive(np.maximum(y, 0.46875)), x)
    return np.asarray(np.where(y <= 0.46875, near, far))


def erfc(x: Array) -> Array:
    """Return 1 - erf(`x`), accurate in relative terms in the right tail too (Cody 1969).

    Examples
    --------
    >>> f"{float(erfc(np.array(5.0))):.12e}"
    '1.537459794428e-12'
    """
    y = np.abs(x)
    near_x = np.clip(x, -0.5, 0.5)
    near = 1 - near_x * _ratio(_ERF_NEAR, near_x * near_x)
    far = _erfc_of_positive(np.maximum(y, 0.46875))
    return np.asarray(np.where(y <= 0.46875, near, np.where(x > 0, far, 2 - far)))


def inverse_normal(p: Array) -> Array:
    """Return the standard normal quantile: the z with P(Z <= z) = `p` (Wichura 1988, AS 241).

    Parameters
    ----------
    p : ndarray of float64, values in (0, 1)

    Returns
    -------
    ndarray of float64, the same shape
        Relative error about 1e-16.

    Examples
    --------
    >>> f"{float(inverse_normal(np.array(0.975))):.12f}"
    '1.959963984540'
    """
    q = p - 0.5
    centre = q * _ratio(_NORMAL_CENTRE, 0.180625 - np.minimum(q * q, 0.180625))
    r = np.sqrt(-np.log(np.minimum(p, 1 - p)))
    tail = _ratio(_NORMAL_TAIL, np.clip(r, 0, 5) - 1.6)
    far_tail = _ratio(_NORMAL_FAR_TAIL, np.maximum(r, 5) - 5)
    outer = np.copysign(np.where(r <= 5, tail, far_tail), q)
    return np.asarray(np.where(np.abs(q) <= 0.425, centre, outer))
