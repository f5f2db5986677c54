"""Order, chaos and the line between them: solved points, and the plane of sigma_w and sigma_b."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from dlmath.report.blocks import Lines, Table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dlmath.depth.engine.critical import CriticalPoint
    from dlmath.depth.engine.phase_diagram import PhaseDiagram
    from dlmath.report.blocks import Block, Cell, Line

    Pair = tuple[str, CriticalPoint, float]

CRITICAL = 0.03
"""chi_1 within this of 1 is drawn as the critical line."""


def point(activation: str, solved: CriticalPoint, measured: float) -> dict[str, Any]:
    """Return one object of the result's `critical`."""
    return {
        "activation": activation,
        "weight_std": solved.sigma_w,
        "bias_std": solved.sigma_b,
        "weight_variance": solved.sigma_w**2,
        "bias_variance": solved.sigma_b**2,
        "q_star": solved.q_star,
        "stable": solved.stable,
        "note": solved.note,
        "measured_ratio": measured,
    }


def critical_table(pairs: Sequence[Pair]) -> Table:
    """Return one line an activation."""
    columns = ("activation", "sigma_w", "sigma_b", "sigma_w^2", "sigma_b^2", "q*", "measured ratio", "note")
    rows: list[tuple[Cell, ...]] = [
        (name, *_figures(solved), measured, solved.note) for name, solved, measured in pairs
    ]
    return Table(columns, tuple(rows), title="chi_1 = 1: gradients neither vanish nor explode", digits=10)


def _figures(solved: CriticalPoint) -> tuple[float, ...]:
    return (
        solved.sigma_w,
        solved.sigma_b,
        solved.sigma_w * solved.sigma_w,
        solved.sigma_b * solved.sigma_b,
        solved.q_star,
    )


def critical_blocks(pairs: Sequence[Pair]) -> Iterator[Block]:
    """Yield the table."""
    yield critical_table(pairs)


def critical_explanation() -> Iterator[Block]:
    """Yield how the line is phases."""
    yield Lines(
        (
            "q* = sigma_w^2 E phi(sqrt(q*) z)^2 + sigma_b^2            the length of signals deep in the network",
            "chi_1 = sigma_w^2 E phi'(sqrt(q*) z)^2                    the gradient's mean square, per layer",
            "chi_1 = 1 gives sigma_w^2 = 1 / E phi'^2; the fixed point gives sigma_b^2 = q* - sigma_w^2 E phi^2",
            "chi_1 < 1: order, gradients vanish; > 1: chaos, they explode  (Poole et al. 2016; Schoenholz et al. 2017)",
        ),
        title="The critical line",
    )


def diagram(phases: PhaseDiagram) -> dict[str, Any]:
    """Return the result of a phase diagram."""
    return {
        "activation": phases.activation,
        "weight_std": phases.sigma_w,
        "bias_std": phases.sigma_b,
        "chi_1": phases.chi_1,
        "critical_line": [{"weight_std": p.sigma_w, "bias_std": p.sigma_b, "q_star": p.q_star} for p in phases.line],
        "runaway_line": [{"weight_std": gain, "bias_std": noise} for gain, noise in phases.runaway],
    }


def notes(phases: PhaseDiagram) -> list[str]:
    """Return what the plane does not show by itself."""
    if phases.runaway:
        gain = phases.runaway[0][0]
        what = f"from weight-std {gain:.6g} on signals grow for ever and chi_1 jumps past 1"
        return [f"{phases.activation}: no finite q* has chi_1 = 1; {what}"]
    if not phases.line:
        frame = f"{phases.sigma_w[0]:g}:{phases.sigma_w[-1]:g}"
        return [f"the critical line of {phases.activation} is not within --weight-range {frame}; give another"]
    return []


def diagram_table(phases: PhaseDiagram) -> Table:
    """Return one line a point of the plane."""
    rows = tuple(
        (gain, noise, chi, phase_of(chi))
        for noise, line in zip(phases.sigma_b, phases.chi_1, strict=True)
        for gain, chi in zip(phases.sigma_w, line, strict=True)
    )
    return Table(("sigma_w", "sigma_b", "chi_1", "phase"), rows)


def phase_of(chi: float) -> str:
    """Name the phase.

    >>> phase_of(0.5), phase_of(1.0), phase_of(2.0)
    ('order', 'critical', 'chaos')
    """
    if abs(chi - 1) <= CRITICAL:
        return "critical"
    return "order" if chi < 1 else "chaos"


def diagram_blocks(phases: PhaseDiagram, columns: int) -> Iterator[Block]:
    """Yield the plane drawn with letters and colours."""
    title = f"{phases.activation}: order (. gradients vanish), chaos (# they explode), + the line between (chi_1 = 1)"
    yield Lines(tuple(plane(phases, columns)), title=title)


def plane(phases: PhaseDiagram, columns: int) -> Iterator[Line]:
    """Yield the rows of the plane, sigma_b growing upward."""
    marks = {"order": (".", "blue"), "critical": ("+", "bold"), "chaos": ("#", "red")}
    step = max(1, math.ceil(len(phases.sigma_w) / max(columns - 10, 1)))
    for noise, line in reversed(list(zip(phases.sigma_b, phases.chi_1, strict=True))):
        yield ((f"{noise:6.2f} ", ""), *(marks[name] for name in crossings([*line][::step])))
    width = len(phases.sigma_w[::step])
    low, high = f"{phases.sigma_w[0]:g}", f"{phases.sigma_w[-1]:g}"
    yield " " * 7 + low + "sigma_w".center(max(width - len(low) - len(high), 7)) + high
    yield "sigma_b up"


def crossings(line: Sequence[float]) -> list[str]:
    """Return the phases along a row; where order turns to chaos between two places, the nearer one is the line.

    >>> crossings([0.5, 0.9, 1.2, 2.0])
    ['order', 'critical', 'chaos', 'chaos']
    """
    names = [phase_of(chi) for chi in line]
    for place in range(len(line) - 1):
        if (line[place] < 1) != (line[place + 1] < 1) and "critical" not in names[place : place + 2]:
            nearer = place if abs(line[place] - 1) <= abs(line[place + 1] - 1) else place + 1
            names[nearer] = "critical"
    return names


def critical_picture(pairs: Sequence[Pair], ending: str) -> bytes:
    """Draw the critical lines, and the points that were solved for."""
    from dlmath.depth.report.plots_phases import lines_figure
    from dlmath.report.figures import drawn

    return drawn(lines_figure([(name, solved) for name, solved, _ in pairs]), ending)


def picture(phases: PhaseDiagram, ending: str) -> bytes:
    """Draw the figure of --plot."""
    from dlmath.depth.report.plots_phases import figure
    from dlmath.report.figures import drawn

    return drawn(figure(phases), ending)
