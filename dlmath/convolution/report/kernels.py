"""Kernels on paper: their weights as fractions, their sums and ranks, what they do to frequencies."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

from dlmath.report.blocks import Facts, Lines, Table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dlmath.convolution.engine.kernel import Kernel, Magnitude, Weight
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


def parts_of(kernel: Kernel | Magnitude) -> Sequence[Kernel]:
    """Return the kernels behind a name."""
    return getattr(kernel, "parts", None) or (kernel,)  # type: ignore[return-value]


def described(kernel: Kernel | Magnitude) -> dict[str, Any]:
    """Return what a script wants to know of a kernel."""
    from dlmath.convolution.engine.kernel_analysis import analyse_kernel

    parts = parts_of(kernel)
    made: dict[str, Any] = {
        "name": kernel.name,
        "shape": kernel.shape,
        "source": kernel.source,
        "note": kernel.note,
    }
    if len(parts) > 1:
        return {**made, "combine": getattr(kernel, "combine", ""), "parts": [described(part) for part in parts]}
    analysis = analyse_kernel(parts[0])
    return {
        **made,
        "weights": [[float(weight) for weight in row] for row in parts[0].weights],
        "exact": texts(parts[0]) if parts[0].exact() else None,
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
                "x".join(map(str, made["shape"])),
                made.get("sum"),
                made.get("rank"),
                row_text(made),
                made["source"],
            )
            for usage, made in listed
        ),
        title="Kernels",
    )


def row_text(made: dict[str, Any]) -> str:
    """Return a small kernel's weights on one line, as --kernel would take them."""
    if "parts" in made:
        how = "root of the sum of squares" if made["combine"] == "l2" else "largest"
        return f"{how} of {', '.join(part['name'] for part in made['parts'])}"
    if max(made["shape"]) > WRITTEN:
        return "..."
    rows = made["exact"] or [[f"{weight:.4g}" for weight in row] for row in made["weights"]]
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
                float(found.sum),
                float(found.absolute_sum),
                found.rank,
                found.response_zero,
                found.response_x,
                found.response_y,
                found.response_both,
            )
            for kernel, found in analysed
        ),
        title="What the weights say",
    )


def analysis_blocks(analysed: Sequence[tuple[Kernel, KernelAnalysis]]) -> Iterator[Block]:
    """Yield each kernel's weights and factors, then the table."""
    for kernel, found in analysed:
        yield Lines(kernel_lines(kernel), title=f"{kernel.name}  ({kernel.source})" if kernel.source else kernel.name)
        yield Facts(tuple(factor_facts(kernel, found)))
    yield analysis_table(analysed)


def factor_facts(kernel: Kernel, found: KernelAnalysis) -> Iterator[tuple[str, Cell]]:
    """Yield the separable factors of a kernel and what they save."""
    rows, columns = kernel.shape
    shown = [*found.singular_values[: found.rank], *[0.0] * (len(found.singular_values) - found.rank)]
    yield "singular values", ", ".join(f"{value:.6g}" for value in shown[:8]) + (", ..." if len(shown) > 8 else "")
    if found.exact_factors is not None:
        exact = found.exact_factors
        scale = "" if exact.scale == 1 else f"{exact.scale} * "
        yield "separable", f"{scale}column ({numbers(exact.column)}) times row ({numbers(exact.row)})"
    elif found.rank == 1:
        column, row = found.factors[0]
        yield "separable", f"column ({numbers(column)}) times row ({numbers(row)})"
    else:
        yield "separable", f"no: {found.rank} products of a column and a row"
    separate = found.rank * (rows + columns)
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
