"""`dlmath convolve --list-kernels`, and `dlmath convolve --kernel K` without an image: what kernels are."""

from __future__ import annotations

from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING

from dlmath.convolution.command import NAME, Words
from dlmath.convolution.engine.kernel import Kernel
from dlmath.convolution.engine.kernel_analysis import analyse_kernel
from dlmath.convolution.engine.kernels import listed_kernels, names_in
from dlmath.convolution.files.kernels import read_kernel
from dlmath.convolution.report import kernels as report
from dlmath.frame.checks import refuse
from dlmath.frame.outcome import Outcome

if TYPE_CHECKING:
    from dlmath.convolution.engine.kernel import Magnitude
    from dlmath.frame.output import Output


def list_kernels(words: Words, output: Output) -> Outcome:
    """Name every kernel with its weights, sum and separable rank."""
    refuse_others(words, output, keep={"list_kernels"}, reason="with --list-kernels")
    listed = [(usage, report.described(kernel)) for usage, kernel in listed_kernels()]
    return Outcome(
        command=NAME,
        settings={"list_kernels": True, **output.settings()},
        result={"kernels": [{"usage": usage, **made} for usage, made in listed]},
        table=report.listing(listed),
        blocks=partial(report.listing_blocks, listed),
        explanation=report.list_explanation if output.explain else None,
    )


def analyse_kernels(words: Words, output: Output) -> Outcome:
    """Say what the weights of kernels alone tell."""
    refuse_others(words, output, keep={"kernel"}, reason="without an IMAGE")
    kernels = [read_kernel(name) for word in words.kernel or () for name in names_in(word)]
    parts = [part for kernel in kernels for part in parts_of(kernel)]
    analysed = [(part, analyse_kernel(part)) for part in parts]
    found = [{**report.described(part), "analysis": asdict(analysis)} for part, analysis in analysed]
    return Outcome(
        command=NAME,
        settings={"kernel": words.kernel, **output.settings()},
        result={"kernels": found},
        table=report.analysis_table(analysed),
        blocks=partial(report.analysis_blocks, analysed),
        explanation=partial(report.analysis_explanation, analysed) if output.explain else None,
    )


def parts_of(kernel: Kernel | Magnitude) -> tuple[Kernel, ...]:
    """Return the kernels that a word stands for: itself, or the parts of a magnitude."""
    return (kernel,) if isinstance(kernel, Kernel) else kernel.parts


def refuse_others(words: Words, output: Output, keep: set[str], reason: str) -> None:
    """Refuse options that only an image gives a meaning."""
    usual = Words()
    given = {
        option(name): value
        for name, value in words._asdict().items()
        if name not in keep and value != getattr(usual, name) and value != []
    }
    refuse({**given, "--plot": output.plot}, reason)


def option(name: str) -> str:
    """Return an option as it is typed."""
    return {"images": "IMAGE", "target": "--output"}.get(name, "--" + name.replace("_", "-"))
