"""Kernels with parameters: NAME:N:..., each family a formula with its source (no array library).

Coordinates run from the centre: x to the right, y downward, both whole numbers, so sampled families take an odd N.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from dlmath.convolution.engine.kernel import Kernel, Rows, outer
from dlmath.convolution.engine.kernel_tables import mean

if TYPE_CHECKING:
    from collections.abc import Callable

MOST = 1023
"""The largest N: larger kernels than images of today's cameras can use, and still made in a moment."""

MOST_BINOMIAL = 127
"""The largest N of `binomial`, whose exact denominators grow as 4^N."""

RANGE = (0.01, 1e6)
"""Sizes a sigma or wavelength, and what an angle may come to: beyond them samples are only 0, 1 or overflows."""

OPENCV_TABLES = {
    1: (1,),
    3: (1, 2, 1),
    5: (1, 4, 6, 4, 1),
    7: (8, 28, 56, 72, 56, 28, 8),
    9: (4, 13, 30, 51, 60, 51, 30, 13, 4),
}
"""OpenCV's getGaussianKernel for small N without a sigma: fixed, and with a power of two as their sum."""


class KernelParameter(NamedTuple):
    """One place after the name.

    Attributes
    ----------
    name : str
        In capitals, as in the usage line.
    kind : {"size", "odd", "positive", "real"}
        "size" and "odd" are whole numbers from `least` to `most`.
    optional : bool
        May be left out, with everything after it.
    """

    name: str
    kind: Literal["size", "odd", "positive", "real"] = "size"
    optional: bool = False
    least: int = 1
    most: int = MOST


class Family(NamedTuple):
    """Kernels that share a formula.

    Values are given in the order of the parameters, or by name (`sigma=2`).

    Attributes
    ----------
    build : callable
        From the given parameters to rows of weights; those left out are left out.
    parameters : tuple of KernelParameter
    example : str
        One member, for lists and messages.
    told : callable or None
        From the same parameters to what is to be known of that member.
    """

    build: Callable[..., Rows]
    parameters: tuple[KernelParameter, ...]
    example: str
    source: str
    note: str
    told: Callable[..., str] | None = None

    def usage(self) -> str:
        """Return how a member is written, such as gaussian:N[:SIGMA]."""
        return usage(self.example.partition(":")[0], self.parameters)


def usage(name: str, parameters: tuple[KernelParameter, ...]) -> str:
    """Return NAME:N[:SIGMA].

    >>> usage("log", (KernelParameter("N"), KernelParameter("SIGMA", optional=True)))
    'log:N[:SIGMA]'
    """
    return name + "".join(f"[:{p.name}]" if p.optional else f":{p.name}" for p in parameters)


def box(n: int) -> Rows:
    """Return the mean of N x N."""
    return mean(n, n)


def binomial(n: int) -> Rows:
    """Return row N-1 of Pascal's triangle, outer itself, of sum 1: N-1 times the mean of two neighbours."""
    row = [Fraction(math.comb(n - 1, k), 2 ** (n - 1)) for k in range(n)]
    return outer(row, row)


def opencv_sigma(n: int) -> float:
    """Return the sigma OpenCV takes for a window of N: 0.3 ((N - 1) / 2 - 1) + 0.8."""
    return 0.3 * ((n - 1) * 0.5 - 1) + 0.8


def gaussian_row(n: int, sigma: float) -> list[float]:
    """Return N samples of exp(-x^2 / (2 sigma^2)), of sum 1."""
    samples = [math.exp(-((x / sigma) ** 2) / 2) for x in centred(n)]
    total = math.fsum(samples)
    return [sample / total for sample in samples]


def centred(n: int) -> list[float]:
    """Return N coordinates one apart, symmetric about 0.

    >>> centred(3)
    [-1.0, 0.0, 1.0]
    """
    return [k - (n - 1) / 2 for k in range(n)]


def gaussian(n: int, sigma: float | None = None) -> Rows:
    """Return the Gaussian: OpenCV's exact tables for N <= 9 without a sigma, else sampled and of sum 1."""
    if sigma is None and n in OPENCV_TABLES:
        whole = OPENCV_TABLES[n]
        row = [Fraction(weight, sum(whole)) for weight in whole]
        return outer(row, row)
    samples = gaussian_row(n, opencv_sigma(n) if sigma is None else sigma)
    return outer(samples, samples)


def gaussian_note(n: int, sigma: float | None = None) -> str:
    """Return a Gaussian's sigma, and how much of the bell its window cuts off.

    >>> gaussian_note(5)
    'sigma 1, the deviation of the fixed weights (the formula for N = 5 would take 1.1)'
    >>> gaussian_note(5, 2.0)
    'sigma 2; the window cuts 37.8 % of the bell off'
    """
    if sigma is None and n in OPENCV_TABLES:
        row = OPENCV_TABLES[n]
        variance = sum(weight * x * x for weight, x in zip(row, centred(n), strict=True)) / sum(row)
        formula = f" (the formula for N = {n} would take {opencv_sigma(n):.3g})"
        return f"sigma {math.sqrt(variance):.4g}, the deviation of the fixed weights{formula}"
    s = opencv_sigma(n) if sigma is None else sigma
    cut = 1 - math.erf(n / 2 / s / math.sqrt(2)) ** 2
    return f"sigma {s:.4g}; the window cuts {100 * cut:.3g} % of the bell off"


def gaussian_reach(sigma: float) -> int:
    """Return the N of a window that leaves nothing visible off: 2 ceil(4 sigma) + 1.

    >>> gaussian_reach(1.5)
    13
    """
    return 2 * math.ceil(4 * sigma) + 1


def log_sigma(n: int) -> float:
    """Return the sigma for which the window ends at three of it: (N - 1) / 6."""
    return (n - 1) / 6


def laplacian_of_gaussian(n: int, sigma: float | None = None) -> Rows:
    """Return (x^2 + y^2 - 2 s^2) / s^4 times the Gaussian of sum 1, minus its mean, so that the sum is 0."""
    s = log_sigma(n) if sigma is None else sigma
    bell = gaussian_row(n, s)
    scaled = [x / s for x in centred(n)]
    rows = [
        [(x * x + y * y - 2) * p * q for x, p in zip(scaled, bell, strict=True)]
        for y, q in zip(scaled, bell, strict=True)
    ]
    return zero_sum(rows, 1 / s / s)


def zero_sum(rows: list[list[float]], factor: float) -> Rows:
    """Return the rows times a factor, less their mean."""
    mean_weight = math.fsum(weight for row in rows for weight in row) / (len(rows) * len(rows[0]))
    return tuple(tuple((weight - mean_weight) * factor for weight in row) for row in rows)


def difference_of_gaussians(n: int, first: float, second: float) -> Rows:
    """Return the Gaussian of one sigma minus that of another, each of sum 1."""
    narrow, wide = (outer(row, row) for row in (gaussian_row(n, first), gaussian_row(n, second)))
    return tuple(tuple(a - b for a, b in zip(p, q, strict=True)) for p, q in zip(narrow, wide, strict=True))


def motion_diagonal(n: int) -> Rows:
    """Return 1/N on the falling diagonal: movement from up left to down right."""
    zero, weight = Fraction(0), Fraction(1, n)
    return tuple((zero,) * i + (weight,) + (zero,) * (n - 1 - i) for i in range(n))


def motion_horizontal(n: int) -> Rows:
    """Return the mean of N in a row, shape (1, N)."""
    return mean(1, n)


def motion_vertical(n: int) -> Rows:
    """Return the mean of N in a column, shape (N, 1)."""
    return tuple((Fraction(1, n),) for _ in range(n))


def gabor(
    n: int,
    wavelength: float | None = None,
    theta: float = 0.0,
    sigma: float | None = None,
    gamma: float = 0.5,
    psi: float = 0.0,
) -> Rows:
    """Return exp(-(u^2 + gamma^2 v^2) / (2 sigma^2)) cos(2 pi u / lambda + psi) on axes turned by theta degrees.

    u = x cos(theta) + y sin(theta), v = -x sin(theta) + y cos(theta). Left out, sigma = 0.56 lambda (a band of one
    octave) and lambda = (N - 1) / 5.6, so that the window ends at five sigma along u and two and a half along v.
    """
    length = wavelength if wavelength is not None else max((n - 1) / 5.6, 2.0)
    width = sigma if sigma is not None else 0.56 * length
    cosine, sine = math.cos(math.radians(theta)), math.sin(math.radians(theta))

    def weight(x: float, y: float) -> float:
        u, v = x * cosine + y * sine, y * cosine - x * sine
        return math.exp(-((u / width) ** 2 + (gamma * v / width) ** 2) / 2) * math.cos(
            math.tau * u / length + math.radians(psi)
        )

    return tuple(tuple(weight(x, y) for x in centred(n)) for y in centred(n))


def _odd(least: int = 1) -> KernelParameter:
    return KernelParameter("N", "odd", least=least)


def _positive(name: str, *, optional: bool = True) -> KernelParameter:
    return KernelParameter(name, "positive", optional)


def _angle(name: str) -> KernelParameter:
    return KernelParameter(name, "real", optional=True)


FAMILIES = {
    "box": Family(box, (KernelParameter("N"),), "box:3", "by definition", "mean of N x N"),
    "binomial": Family(
        binomial,
        (KernelParameter("N", most=MOST_BINOMIAL),),
        "binomial:5",
        "Pascal's triangle; Burt & Adelson 1983 for the use",
        "N - 1 means of two neighbours, each way; nears a Gaussian of variance (N - 1) / 4",
    ),
    "gaussian": Family(
        gaussian,
        (_odd(), _positive("SIGMA")),
        "gaussian:5",
        "OpenCV, getGaussianKernel",
        "without SIGMA: OpenCV's fixed tables to N = 9 (3, 5 binomial), then sigma = 0.3 ((N - 1) / 2 - 1) + 0.8; "
        "gaussian:sigma=S takes N = 2 ceil(4 S) + 1",
        gaussian_note,
    ),
    "log": Family(
        laplacian_of_gaussian,
        (_odd(3), _positive("SIGMA")),
        "log:9",
        "Marr & Hildreth 1980, Theory of edge detection",
        "Laplacian of a Gaussian, made of sum 0; without SIGMA: (N - 1) / 6",
    ),
    "dog": Family(
        difference_of_gaussians,
        (_odd(3), _positive("S1", optional=False), _positive("S2", optional=False)),
        "dog:9:1:1.6",
        "Marr & Hildreth 1980; Lowe 2004 for the use",
        "Gaussian of sigma S1 minus Gaussian of S2; S2 = 1.6 S1 nears the Laplacian of a Gaussian",
    ),
    "motion": Family(
        motion_diagonal,
        (KernelParameter("N"),),
        "motion:9",
        "by definition",
        "1/N on the diagonal from up left to down right",
    ),
    "motion-h": Family(motion_horizontal, (KernelParameter("N"),), "motion-h:9", "by definition", "1/N in one row"),
    "motion-v": Family(motion_vertical, (KernelParameter("N"),), "motion-v:9", "by definition", "1/N in one column"),
    "gabor": Family(
        gabor,
        (_odd(3), _positive("LAMBDA"), _angle("THETA"), _positive("SIGMA"), _positive("GAMMA"), _angle("PSI")),
        "gabor:15",
        "Petkov & Kruizinga 1997, Computational models of visual neurons; Daugman 1985",
        "stripes LAMBDA pixels apart, turned by THETA degrees; SIGMA = 0.56 LAMBDA, GAMMA = 0.5, PSI = 0 degrees",
    ),
}
"""Every family by name."""


def member(name: str, values: list[Any], title: str) -> Kernel:
    """Return the kernel of a family for checked parameters."""
    family = FAMILIES[name]
    note = family.told(*values) if family.told else family.note
    return Kernel(title, family.build(*values), family.source, note)
