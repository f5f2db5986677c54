"""`dlmath convolve --list-kernels`, and `dlmath convolve --kernel K` without an image: what kernels are."""

from __future__ import annotations

from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING

from dlmath.convolution.engine.kernel import Kernel
from dlmath.convolution.engine.kernel_analysis import analyse_kernel
from dlmath.convolution.engine.kernels import listed_kernels, names_in
from dlmath.convolution.files.kernels import read_kernel
from dlmath.convolution.report import kernels as report
from dlmath.frame.checks import refuse
from dlmath.frame.outcome import Outcome

if TYPE_CHECKING:
    from dlmath.convolution.engine.kernel import Magnitude
    from dlmath.convolution.words import Words
    from dlmath.frame.output import Output


def check_listing(words: Words, output: Output) -> None:
    """Refuse options that a list has no use for."""
    refuse({**words.given(but=("list_kernels",)), "--plot": output.plot}, "with --list-kernels")


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


def analyse_kernels(words: Words, output: Output) -> Outcome:
    """Say what the weights of kernels alone tell."""
    parts = [part for kernel in kernels_of(words) for part in parts_of(kernel)]
    analysed = [(part, analyse_kernel(part)) for part in parts]
    found = [{**report.described(part), "analysis": asdict(analysis)} for part, analysis in analysed]
    return Outcome(
        command="convolve",
        settings={"kernel": words.kernel, **output.settings()},
        result={"kernels": found},
        table=report.analysis_table(analysed),
        blocks=partial(report.analysis_blocks, analysed),
        explanation=partial(report.analysis_explanation, analysed) if output.explain else None,
    )


def kernels_of(words: Words) -> list[Kernel | Magnitude]:
    """Return the kernels that are named."""
    return [read_kernel(name) for word in words.kernel or () for name in names_in(word)]


def parts_of(kernel: Kernel | Magnitude) -> tuple[Kernel, ...]:
    """Return the kernels that a word stands for: itself, or the parts of a magnitude."""
    return (kernel,) if isinstance(kernel, Kernel) else kernel.parts
