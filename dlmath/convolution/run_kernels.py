"""`dlmath convolve --list-kernels`, `--list-borders`, and `--kernel K` without an image: what they are."""

from __future__ import annotations

from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from dlmath.convolution.engine.kernel import Bank, Kernel
from dlmath.convolution.engine.kernel_analysis import analyse_kernel
from dlmath.convolution.engine.kernels import listed_kernels, names_in
from dlmath.convolution.files.kernels import read_kernel
from dlmath.convolution.report import kernels as report
from dlmath.frame.checks import refuse
from dlmath.frame.outcome import Outcome

if TYPE_CHECKING:
    from dlmath.convolution.engine.kernel import AnyKernel
    from dlmath.convolution.words import Words
    from dlmath.frame.output import Output


def check_listing(words: Words, output: Output) -> None:
    """Refuse options that a list has no use for."""
    listed = "list_kernels" if words.list_kernels else "list_borders"
    refuse({**words.given(but=(listed,)), "--plot": output.plot}, f"with {words.typed(listed)}")


def check_analysis(words: Words, output: Output) -> None:
    """Refuse options that only an image gives a meaning, and kernels that are none."""
    refuse({**words.given(but=("kernel",)), "--plot": output.plot}, "without an IMAGE")
    kernels_of(words)


def list_kernels(_words: Words, output: Output) -> Outcome:
    """Name every kernel with its weights, sum and separable rank."""
    listed = [(usage, report.described(kernel)) for usage, kernel in listed_kernels()]
    return Outcome(
        command="convolve",
        settings={"list_kernels": True, **output.settings()},
        result={"kernels": [{"usage": usage, **made} for usage, made in listed]},
        table=report.listing(listed),
        blocks=partial(report.listing_blocks, listed),
        explanation=report.list_explanation if output.explain else None,
    )


def list_borders(_words: Words, output: Output) -> Outcome:
    """Say what every border means, and what other libraries call it."""
    listed = report.described_borders()
    return Outcome(
        command="convolve",
        settings={"list_borders": True, **output.settings()},
        result={"borders": listed},
        table=report.border_table(listed),
        blocks=partial(report.border_blocks, listed),
        explanation=report.border_explanation if output.explain else None,
    )


def analyse_kernels(words: Words, output: Output) -> Outcome:
    """Say what the weights of kernels alone tell."""
    parts = [part for kernel in kernels_of(words) for part in rectangles_of(kernel)]
    analysed = [(part, analyse_kernel(part)) for part in parts]
    described = [{**report.described(part), "analysis": asdict(analysis)} for part, analysis in analysed]
    return Outcome(
        command="convolve",
        settings={"kernel": words.kernel, **output.settings()},
        result={"kernels": described},
        table=report.analysis_table(analysed),
        blocks=partial(report.analysis_blocks, analysed),
        explanation=partial(report.analysis_explanation, analysed) if output.explain else None,
    )


def kernels_of(words: Words) -> list[AnyKernel]:
    """Return the kernels that are named."""
    return [read_kernel(name) for word in words.kernel or () for name in names_in(word)]


def rectangles_of(kernel: AnyKernel) -> tuple[Kernel, ...]:
    """Return the rectangles that a word stands for: itself, the parts of a magnitude, the channels of a layer."""
    if isinstance(kernel, Bank):
        return tuple(kernel.part(output, channel) for output, channel in np.ndindex(kernel.outputs, kernel.inputs))
    return (kernel,) if isinstance(kernel, Kernel) else kernel.parts
