"""`dlmath convolve`: which of its three runs is wanted."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from dlmath.errors import InvalidValueError

if TYPE_CHECKING:
    from dlmath.frame.outcome import Outcome
    from dlmath.frame.output import Output

NAME = "convolve"


class Words(NamedTuple):
    """The options as the user gave them; None and False stand for "not given"."""

    images: list[str] | None = None
    kernel: list[str] | None = None
    target: str | None = None
    border: str | None = None
    stride: int = 1
    dilation: int = 1
    flip: bool = False
    channels: str = "keep"
    scale: str | None = None
    offset: float = 0.0
    dtype: str | None = None
    method: str = "auto"
    pool: str | None = None
    like: str | None = None
    at: str | None = None
    show: bool = False
    force: bool = False
    allow_large: bool = False
    compress_level: int | None = None
    threads: int | None = None
    list_kernels: bool = False


def run(words: Words, output: Output) -> Outcome:
    """List the kernels, analyse some, or convolve images with them."""
    if words.list_kernels:
        from dlmath.convolution.run_kernels import list_kernels

        return list_kernels(words, output)
    if not words.kernel and not words.pool:
        raise InvalidValueError("no --kernel is named", "name one, as in --kernel sobel (--list-kernels shows all)")
    if not words.images:
        from dlmath.convolution.run_kernels import analyse_kernels

        return analyse_kernels(words, output)
    from dlmath.files.pictures.images import start_decoding

    # The first image is decoded while NumPy and the engine are imported; its errors are raised when it is used
    first = start_decoding(words.images[0], allow_large=words.allow_large)
    from dlmath.convolution.run_images import convolve_images

    return convolve_images(words, output, first)


def kernel_names() -> list[str]:
    """Return the names of kernels, for completion."""
    from dlmath.convolution.engine import kernels

    return kernels.kernel_names()
