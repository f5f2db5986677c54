"""Kernels and borders on paper: weights as fractions, sums and ranks, what they do to frequencies; names elsewhere."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

from dlmath.convolution.engine.borders import ELSEWHERE, MEANINGS, SYNONYMS
from dlmath.convolution.engine.kernel import Magnitude
from dlmath.report.blocks import Facts, Lines, Table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dlmath.convolution.engine.kernel import Kernel, Weight
    from dlmath.convolution.engine.kernel_analysis import KernelAnalysis
    from dlmath.report.blocks import Block, Cell

WRITTEN = 7
"""Kernels up to this many rows are written out in lists."""


def weight_text(weight: Weight) -> str:
    """Write one weight: a whole number, a fraction, or six digits.

    >>> weight_text(Fraction(1, 9)), weight_text(Fraction(-4)), weight_text(0.25)
    ('1/9', '-4', '0.25')
    """
    return str(weight) if isinstance(weight, Fraction) else f"{weight:.6g}"


def kernel_lines(kernel: Kernel) -> tuple[str, ...]:
    """Write a kernel as rows: whole numbers over one denominator where it is rational."""
    exact = kernel.exact()
    rows = [[str(weight) for weight in row] for row in exact[0]] if exact else texts(kernel)
    width = max(len(text) for row in rows for text in row)
    lines = [" ".join(text.rjust(width) for text in row) for row in rows]
    if exact and exact[1] != 1:
        lines[len(lines) // 2] += f"   x 1/{exact[1]}"
    return tuple(lines)


def texts(kernel: Kernel) -> list[list[str]]:
    """Return every weight as text."""
    return [[weight_text(weight) for weight in row] for row in kernel.weights]


COMBINED = {"l2": "root of the sum of squares", "max": "largest", "angle": "direction, in degrees,"}


def described(kernel: Kernel | Magnitude) -> dict[str, Any]:
    """Return what a script wants to know of a kernel."""
    from dlmath.convolution.engine.kernel_analysis import analyse_kernel

    facts: dict[str, Any] = {
        "name": kernel.name,
        "shape": kernel.shape,
        "source": kernel.source,
        "note": kernel.note,
    }
    if isinstance(kernel, Magnitude):
        return {**facts, "combine": kernel.combine, "parts": [described(part) for part in kernel.parts]}
    analysis = analyse_kernel(kernel)
    return {
        **facts,
        "weights": [[float(weight) for weight in row] for row in kernel.weights],
        "exact": texts(kernel) if kernel.exact() else None,
        "sum": float(analysis.sum),
        "rank": analysis.rank,
    }


def listing(listed: Sequence[tuple[str, dict[str, Any]]]) -> Table:
    """Return one line a kernel."""
    return Table(
        ("kernel", "shape", "sum", "rank", "weights", "source"),
        tuple(
            (
                usage,
                "x".join(map(str, facts["shape"])),
                facts.get("sum"),
                facts.get("rank"),
                row_text(facts),
                facts["source"],
            )
            for usage, facts in listed
        ),
        title="Kernels",
    )


def row_text(facts: dict[str, Any]) -> str:
    """Return a small kernel's weights on one line, as --kernel would take them."""
    if "parts" in facts:
        return f"{COMBINED[facts['combine']]} of {', '.join(part['name'] for part in facts['parts'])}"
    if max(facts["shape"]) > WRITTEN:
        return "..."
    rows = facts["exact"] or [[f"{weight:.4g}" for weight in row] for row in facts["weights"]]
    return "; ".join(" ".join(row) for row in rows)


def listing_blocks(listed: Sequence[tuple[str, dict[str, Any]]]) -> Iterator[Block]:
    """Yield the table and how to use the names."""
    yield listing(listed)
    yield Lines(("A family such as gaussian:N[:SIGMA] is shown by one of its members; seed stands for six kernels.",))


def list_explanation() -> Iterator[Block]:
    """Yield what sum and rank say."""
    yield Lines(
        (
            "result[y, x] = sum over i, j of kernel[i, j] * image[y + i - anchor, x + j - anchor]   (not flipped)",
            "sum:  what becomes of a constant image of ones: 1 keeps brightness, 0 answers to changes alone",
            "rank: passes of a column and a row that make the kernel; 1 is separable: kh + kw products, not kh * kw",
            "anchor: row kh // 2 and column kw // 2, as OpenCV and SciPy have it for even kernels too",
        ),
        title="How to read it",
    )


def analysis_table(analysed: Sequence[tuple[Kernel, KernelAnalysis]]) -> Table:
    """Return one line a kernel: sums, rank and the four responses."""
    return Table(
        ("kernel", "shape", "sum", "absolute sum", "rank", "at 0", "Nyquist x", "Nyquist y", "Nyquist xy"),
        tuple(
            (
                kernel.name,
                "x".join(map(str, kernel.shape)),
                float(analysis.sum),
                float(analysis.absolute_sum),
                analysis.rank,
                analysis.response_zero,
                analysis.response_x,
                analysis.response_y,
                analysis.response_both,
            )
            for kernel, analysis in analysed
        ),
        title="What the weights say",
    )


def analysis_blocks(analysed: Sequence[tuple[Kernel, KernelAnalysis]]) -> Iterator[Block]:
    """Yield each kernel's weights and factors, then the table."""
    for kernel, analysis in analysed:
        note = (kernel.note,) if kernel.note else ()
        title = f"{kernel.name}  ({kernel.source})" if kernel.source else kernel.name
        yield Lines((*kernel_lines(kernel), *note), title=title)
        yield Facts(tuple(factor_facts(kernel, analysis)))
    yield analysis_table(analysed)


def factor_facts(kernel: Kernel, analysis: KernelAnalysis) -> Iterator[tuple[str, Cell]]:
    """Yield the separable factors of a kernel and what they save."""
    rows, columns = kernel.shape
    shown = [*analysis.singular_values[: analysis.rank], *[0.0] * (len(analysis.singular_values) - analysis.rank)]
    yield "singular values", ", ".join(f"{value:.6g}" for value in shown[:8]) + (", ..." if len(shown) > 8 else "")
    if analysis.exact_factors is not None:
        exact = analysis.exact_factors
        scale = "" if exact.scale == 1 else f"{exact.scale} * "
        yield "separable", f"{scale}column ({numbers(exact.column)}) times row ({numbers(exact.row)})"
    elif analysis.rank == 1:
        column, row = analysis.factors[0]
        yield "separable", f"column ({numbers(column)}) times row ({numbers(row)})"
    else:
        yield "separable", f"no: {analysis.rank} products of a column and a row"
    separate = analysis.rank * (rows + columns)
    yield "products a pixel", f"{rows * columns} directly, {separate} by columns and rows"


def numbers(values: Sequence[float]) -> str:
    """Write the entries of a vector."""
    return " ".join(f"{value:.6g}" for value in values[:15]) + (" ..." if len(values) > 15 else "")


def analysis_explanation(analysed: Sequence[tuple[Kernel, KernelAnalysis]]) -> Iterator[Block]:
    """Yield the definitions, with each kernel's numbers in the sums."""
    yield Lines(
        (
            "at 0       = sum of k[i,j]                                 a constant image",
            "Nyquist x  = sum of k[i,j] (-1)^(j - anchor)               columns +1 -1 +1 -1",
            "Nyquist y  = sum of k[i,j] (-1)^(i - anchor)               rows +1 -1 +1 -1",
            "Nyquist xy = sum of k[i,j] (-1)^(i + j - both anchors)     a chessboard",
            "k = sum_r s_r u_r v_r^T  (singular value decomposition; Eckart & Young 1936): rank 1 is separable",
        ),
        title="Definitions",
    )
    for kernel, found in analysed:
        terms = " + ".join(f"({weight_text(w)})" if w < 0 else weight_text(w) for w in kernel.flat[:25])
        more = " + ..." if len(kernel.flat) > 25 else ""
        yield Lines((f"sum = {terms}{more} = {weight_text(found.sum)}",), title=kernel.name)


def described_borders() -> list[dict[str, Any]]:
    """Return every border: what it finds beyond a row a b c d, and its names elsewhere."""
    return [
        {"name": name, **meaning._asdict(), "synonyms": [s for s, known in SYNONYMS.items() if known == plain(name)]}
        for name, meaning in MEANINGS.items()
    ]


def plain(name: str) -> str:
    """Return what synonyms stand for: those of constant:V for zeros.

    >>> plain("constant:V"), plain("wrap")
    ('constant:0', 'wrap')
    """
    return name.replace(":V", ":0")


def border_table(listed: Sequence[dict[str, Any]]) -> Table:
    """Return one line a border."""
    keys = ("name", "row", "opencv", "scipy", "numpy", "torch")
    titles = ("border", "beyond a b c d", "OpenCV", "SciPy", "NumPy", "PyTorch")
    return Table(titles, tuple(tuple(made[key] for key in keys) for made in listed))


def border_blocks(listed: Sequence[dict[str, Any]]) -> Iterator[Block]:
    """Yield the table, the names that are understood, and those that mean two things."""
    yield border_table(listed)
    pairs = tuple((made["name"], ", ".join(made["synonyms"])) for made in listed if made["synonyms"])
    yield Facts(pairs, title="Also understood (capitals and _ as one likes)")
    yield Lines(
        (*ELSEWHERE.values(), "libvips' mirror is reflect here"), title="Names that mean another border elsewhere"
    )


def border_explanation() -> Iterator[Block]:
    """Yield the formulas: which pixel of a row of W stands at place x."""
    yield Lines(
        (
            "replicate  image[min(max(x, 0), W - 1)]",
            "reflect    image[r] with r = x mod 2 W, and 2 W - 1 - r where r >= W",
            "mirror     image[r] with r = x mod (2 W - 2), and 2 W - 2 - r where r >= W",
            "wrap       image[x mod W]",
            "constant:V image[x] inside, V outside",
        ),
        title="The pixel at place x",
    )
