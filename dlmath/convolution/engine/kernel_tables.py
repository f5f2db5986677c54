"""The named kernels: derived where they are derived (smoothing outer derivative), each with its source.

All are slid over the image unturned (cross-correlation), so a kernel ending in -x answers positively where brightness
rises to the right, and one ending in -y where it rises downward.
"""

from __future__ import annotations

import math
from fractions import Fraction

from dlmath.convolution.engine.kernel import Kernel, Magnitude, Rows, combined, fractions, outer, transposed

EDGE = tuple(map(Fraction, (-1, 0, 1)))
"""The central difference, of which every first derivative here is made."""

SMOOTHINGS = {
    "sobel": ((1, 2, 1), "Sobel & Feldman 1968, talk at the Stanford Artificial Intelligence Project"),
    "scharr": ((3, 10, 3), "Scharr 2000, Optimal operators in digital image processing, thesis, Heidelberg"),
    "prewitt": ((1, 1, 1), "Prewitt 1970, Object enhancement and extraction"),
}
"""What each first derivative is smoothed with across its direction."""

BINOMIAL_3, BINOMIAL_5 = (
    outer(row, row) for row in (tuple(Fraction(math.comb(n - 1, k), 2 ** (n - 1)) for k in range(n)) for n in (3, 5))
)
IDENTITY_3 = fractions([[0, 0, 0], [0, 1, 0], [0, 0, 0]])
IDENTITY_5 = fractions([[int(i == j == 2) for j in range(5)] for i in range(5)])
SECOND_X = fractions([[0, 0, 0], [1, -2, 1], [0, 0, 0]])
DIAGONALS = (fractions([[1, 0, 0], [0, -2, 0], [0, 0, 1]]), fractions([[0, 0, 1], [0, -2, 0], [1, 0, 0]]))
LAPLACIAN = combined((1, SECOND_X), (1, transposed(SECOND_X)))
LAPLACIAN_8 = combined((1, LAPLACIAN), *((1, diagonal) for diagonal in DIAGONALS))
EMBOSS = fractions([[-2, -1, 0], [-1, 1, 1], [0, 1, 2]])

SETOSA = "setosa.io, Image Kernels Explained Visually (Powell 2015)"
ROBERTS = "Roberts 1963, Machine perception of three-dimensional solids, thesis, MIT"
KIRSCH = "Kirsch 1971, Computer determination of the constituent structure of biological images"
FREI_CHEN = "Frei & Chen 1977, Fast boundary detection: a generalization and a new algorithm"
GONZALEZ = "Gonzalez & Woods, Digital Image Processing, section on the Laplacian"

COMPASS = ("n", "ne", "e", "se", "s", "sw", "w", "nw")
RING = ((0, 0), (0, 1), (0, 2), (1, 2), (2, 2), (2, 1), (2, 0), (1, 0))
"""The places around the centre of 3 x 3, clockwise from the corner up left."""


def negated(rows: Rows) -> Rows:
    """Return the rows with every sign turned."""
    return combined((-1, rows))


def derivative(name: str) -> Rows:
    """Return the x derivative of a family: its smoothing down, the central difference across."""
    return outer(map(Fraction, SMOOTHINGS[name][0]), EDGE)


def sobel_of(n: int) -> Rows:
    """Return Sobel's x derivative on N x N: binomial smoothing down, smoothed central difference across.

    OpenCV's Sobel of ksize N: row N of Pascal's triangle, and row N - 2 slid over -1 0 1.

    >>> [int(weight) for weight in sobel_of(5)[2]]
    [-6, -12, 0, 12, 6]
    """
    inner = [0, 0, *(math.comb(n - 3, k) for k in range(n - 2)), 0, 0]
    difference = [Fraction(inner[k] - inner[k + 2]) for k in range(n)]
    return outer([Fraction(math.comb(n - 1, k)) for k in range(n)], difference)


def sized_sobel(name: str, n: int) -> Kernel | Magnitude:
    """Return `sobel`, `sobel-x`, `sobel-y` or `sobel-angle` on N x N."""
    source = f"{SMOOTHINGS['sobel'][1]}; OpenCV, getDerivKernels"
    note = f"binomial {n} outer the difference -1 0 1 smoothed by binomial {n - 2}"
    across = Kernel(f"sobel-x:{n}", sobel_of(n), source, note)
    down = Kernel(f"sobel-y:{n}", transposed(across.weights), source, "the transpose of sobel-x")
    by_name: dict[str, Kernel | Magnitude] = {
        "sobel-x": across,
        "sobel-y": down,
        "sobel": Magnitude(f"sobel:{n}", (across, down), "l2", source, _root_of((across.name, down.name))),
        "sobel-angle": Magnitude(f"sobel-angle:{n}", (across, down), "angle", source, ANGLE),
    }
    return by_name[name]


SIZED = ("sobel", "sobel-x", "sobel-y", "sobel-angle")
"""Names of 3 x 3 kernels that take a larger N: sobel:5."""

DIAGONAL = "atan2(roberts-y, roberts-x) in degrees, -180 to 180: of the two diagonals, not of x and y"
ANGLE = "atan2(y response, x response) in degrees, -180 to 180: 0 where it grows brighter to the right, 90 downward"


def derivatives() -> list[Kernel]:
    """Return the x and y derivative of every smoothing, and Roberts' cross."""
    kernels = []
    for name, (smoothing, source) in SMOOTHINGS.items():
        across = derivative(name)
        note = f"{' '.join(map(str, smoothing))} outer -1 0 1"
        kernels.append(Kernel(f"{name}-x", across, source, f"{note}: brightness rising to the right"))
        kernels.append(Kernel(f"{name}-y", transposed(across), source, "the transpose: brightness rising downward"))
    kernels.append(Kernel("roberts-x", fractions([[1, 0], [0, -1]]), ROBERTS, "along the falling diagonal"))
    kernels.append(Kernel("roberts-y", fractions([[0, 1], [-1, 0]]), ROBERTS, "along the rising diagonal"))
    return kernels


def turned_ring(first: Rows, steps: int) -> Rows:
    """Return 3 x 3 rows whose ring is turned clockwise by steps of 45 degrees."""
    values = {RING[(k + steps) % 8]: first[i][j] for k, (i, j) in enumerate(RING)}
    values[1, 1] = first[1][1]
    return tuple(tuple(values[i, j] for j in range(3)) for i in range(3))


def kirsch_compass() -> tuple[Kernel, ...]:
    """Return Kirsch's eight: 5 on three neighbours in a direction, -3 on the other five."""
    north = fractions([[5, 5, 5], [-3, 0, -3], [-3, -3, -3]])
    return tuple(
        Kernel(f"kirsch-{point}", turned_ring(north, k), KIRSCH, f"brighter toward {point.upper()}")
        for k, point in enumerate(COMPASS)
    )


def frei_chen_basis() -> tuple[Kernel, ...]:
    """Return the nine 3 x 3 masks of Frei and Chen, orthonormal: four for edges, four for lines, the mean."""
    r = math.sqrt(2)
    unscaled: tuple[tuple[float, list[list[float]], str], ...] = (
        (2 * r, [[1, r, 1], [0, 0, 0], [-1, -r, -1]], "edge: isotropic gradient upward"),
        (2 * r, [[1, 0, -1], [r, 0, -r], [1, 0, -1]], "edge: isotropic gradient to the left"),
        (2 * r, [[0, -1, r], [1, 0, -1], [-r, 1, 0]], "edge: ripple"),
        (2 * r, [[r, -1, 0], [-1, 0, 1], [0, 1, -r]], "edge: ripple"),
        (2, [[0, 1, 0], [-1, 0, -1], [0, 1, 0]], "line"),
        (2, [[-1, 0, 1], [0, 0, 0], [1, 0, -1]], "line"),
        (6, [[1, -2, 1], [-2, 4, -2], [1, -2, 1]], "line: discrete Laplacian"),
        (6, [[-2, 1, -2], [1, 4, 1], [-2, 1, -2]], "line: discrete Laplacian"),
        (3, [[1, 1, 1], [1, 1, 1], [1, 1, 1]], "mean"),
    )
    return tuple(
        Kernel(f"frei-chen-{k}", tuple(tuple(v / scale for v in row) for row in rows), FREI_CHEN, note)
        for k, (scale, rows, note) in enumerate(unscaled, start=1)
    )


def setosa() -> list[Kernel]:
    """Return the kernels of setosa.io's page that have no other name here; the page has nine."""
    right = derivative("sobel")
    return [
        Kernel("blur", BINOMIAL_3, SETOSA, "binomial:3 by its name there"),
        Kernel("bottom-sobel", transposed(right), SETOSA, "sobel-y by its name there"),
        Kernel("left-sobel", negated(right), SETOSA, "sobel-x with its signs turned"),
        Kernel("right-sobel", right, SETOSA, "sobel-x by its name there"),
        Kernel("top-sobel", negated(transposed(right)), SETOSA, "sobel-y with its signs turned"),
    ]


def single_kernels() -> list[Kernel]:
    """Return the kernels that stand alone: identity, blurs of the seed project, sharpening, second derivatives."""
    return [
        Kernel("identity", IDENTITY_3, "by definition", "leaves the image as it is"),
        Kernel("small-blur", mean(7, 7), "the seed project's demonstration", "mean of 7 x 7, as box:7"),
        Kernel("large-blur", mean(21, 21), "the seed project's demonstration", "mean of 21 x 21, as box:21"),
        Kernel("sharpen", combined((1, IDENTITY_3), (-1, LAPLACIAN)), GONZALEZ, "identity - laplacian"),
        Kernel(
            "unsharp",
            combined((2, IDENTITY_5), (-1, BINOMIAL_5)),
            "derived; the well-known 5 x 5 with 476/256 in the middle",
            "unsharp masking of amount 1: 2 * identity - binomial:5",
        ),
        Kernel("laplacian", LAPLACIAN, GONZALEZ, "second differences along x and y"),
        Kernel("laplacian-8", LAPLACIAN_8, GONZALEZ, "second differences along x, y and both diagonals"),
        Kernel("emboss", EMBOSS, SETOSA, "a relief lit from the corner down right; sum 1"),
        Kernel("outline", negated(LAPLACIAN_8), SETOSA, "-1 * laplacian-8"),
    ]


def mean(height: int, width: int) -> Rows:
    """Return equal weights of sum 1; one row object for all rows."""
    return ((Fraction(1, height * width),) * width,) * height


def magnitudes(kernels: dict[str, Kernel]) -> list[Magnitude]:
    """Return the gradient magnitudes of the pairs, and Kirsch's largest of eight."""
    pairs = [(name, (f"{name}-x", f"{name}-y")) for name in (*SMOOTHINGS, "roberts")]
    pairs.append(("frei-chen", ("frei-chen-1", "frei-chen-2")))
    lengths = [
        Magnitude(name, tuple(kernels[part] for part in parts), "l2", kernels[parts[0]].source, _root_of(parts))
        for name, parts in pairs
    ]
    angles = [
        Magnitude(f"{name}-angle", tuple(kernels[part] for part in parts), "angle", kernels[parts[0]].source, ANGLE)
        for name, parts in pairs
        if name not in {"roberts", "frei-chen"}  # whose two parts are no x and y
    ]
    cross = tuple(kernels[f"roberts-{axis}"] for axis in "xy")
    angles.append(Magnitude("roberts-angle", cross, "angle", ROBERTS, DIAGONAL))
    compass = tuple(kernels[f"kirsch-{point}"] for point in COMPASS)
    return [
        *lengths,
        *angles,
        Magnitude("kirsch", compass, "max", KIRSCH, "the largest of the eight kirsch-n ... kirsch-nw"),
    ]


def _root_of(parts: tuple[str, ...]) -> str:
    return f"sqrt({' + '.join(f'({part})^2' for part in parts)})"


def table() -> dict[str, Kernel | Magnitude]:
    """Return every kernel that has a name without parameters, by name."""
    kernels = [*single_kernels(), *derivatives(), *kirsch_compass(), *frei_chen_basis(), *setosa()]
    by_name = {kernel.name: kernel for kernel in kernels}
    return {**by_name, **{magnitude.name: magnitude for magnitude in magnitudes(by_name)}}
