"""The proof that no single unit can compute a table, as a table."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from dlmath.gates.report.tables import input_titles, number
from dlmath.report.blocks import Table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dlmath.gates.engine.gates import Gate


def certificate_table(gate: Gate, certificate: Sequence[int], *, bias: bool = True, output: int = 0) -> Table:
    """Return the signed rows times y, and their sum, which is zero.

    Parameters
    ----------
    certificate : sequence of int
        y >= 0, one a row.
    bias : bool
        Whether a 1 stands at the end of each row.
    output : int
        Which output's targets give the signs: the higher level +, the lower -.
    """
    highest = max(targets[output] for targets in gate.targets)
    kept = []
    for x, targets, y in zip(gate.inputs, gate.targets, certificate, strict=True):
        sign = 1 if targets[output] == highest else -1
        row = (*x, 1) if bias else x
        if y:
            kept.append((y, sign, [sign * number(value) for value in row]))
    sums = [sum(_exact(y, row[i]) for y, _, row in kept) for i in range(gate.n_inputs + bias)]
    columns = ("y", "sign", *(f"s {name}" for name in (*input_titles(gate), *(("1",) if bias else ()))))
    rows = [(y, "+" if sign > 0 else "-", *row) for y, sign, row in kept]
    return Table(
        columns,
        (*rows, ("sum", "", *(number(total) for total in sums))),
        title="No line can do it: w . (signed row) > 0 for every row is impossible, for y times the rows sums to zero",
    )


def _exact(count: int, value: float) -> Fraction:
    """Return count * value with the decimal taken as written, so that the sum is exactly zero."""
    return count * Fraction(str(value))
