"""From Student's t to the z of a normal distribution that is as improbable."""

from __future__ import annotations

import math

import numpy as np

from dlmath.neural.special_functions import inverse_normal

TERMS = 300
"""Of the continued fraction: of order sqrt(freedom) of them count."""
TINIEST = 1e-300


def student_tail(t: float, freedom: int) -> float:
    """Return P(T > |t|) of Student's t with `freedom` degrees of freedom: half of I_x(freedom/2, 1/2).

    x = freedom / (freedom + t^2), I the regularised incomplete beta function.

    Examples
    --------
    >>> round(student_tail(3.0, 7), 6), round(student_tail(2.0, 1), 6)
    (0.009971, 0.147584)
    """
    return incomplete_beta(freedom / (freedom + t * t), freedom / 2, 0.5) / 2


def incomplete_beta(x: float, a: float, b: float) -> float:
    """Return I_x(a, b), by its continued fraction on the side where that converges fast (DLMF 8.17.22)."""
    if x <= 0 or x >= 1:
        return min(max(x, 0.0), 1.0)
    if x > (a + 1) / (a + b + 2):
        return 1 - incomplete_beta(1 - x, b, a)
    log_front = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    return math.exp(log_front) * _fraction(x, a, b) / a


def _fraction(x: float, a: float, b: float) -> float:
    """Return 1 / (1 + d1 / (1 + d2 / (1 + ...))), from the inside out."""
    value = 1.0
    for k in range(TERMS, 0, -1):
        m = k // 2
        if k % 2:
            term = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        else:
            term = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        value = 1 + term / value
    return 1 / value


def z_of_student(t: float, freedom: int) -> float:
    """Return the z that a normal variable exceeds as rarely as Student's t exceeds `t`.

    Examples
    --------
    >>> round(z_of_student(3.0, 7), 4), round(z_of_student(-3.0, 10**6), 4)
    (2.3274, -3.0)
    """
    tail = max(student_tail(t, freedom), TINIEST)
    return math.copysign(-float(inverse_normal(np.array(tail))), t)
