"""`dlmath convolve`: which of its three runs is wanted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlmath.convolution.words import Words, results
from dlmath.errors import InvalidValueError
from dlmath.frame.command import Command

if TYPE_CHECKING:
    from dlmath.frame.outcome import Outcome
    from dlmath.frame.output import Output


def check(words: Words, output: Output) -> None:
    """Refuse, before any work, what the wanted run would refuse."""
    if words.list_kernels:
        from dlmath.convolution.run_kernels import check_listing

        check_listing(words, output)
        return
    if not words.kernel and not words.pool:
        raise InvalidValueError("no --kernel is named", "name one, as in --kernel sobel (--list-kernels shows all)")
    if not words.images:
        from dlmath.convolution.run_kernels import check_analysis

        check_analysis(words, output)
        return
    from dlmath.convolution.run_images import check_images

    check_images(words, output)


def run(words: Words, output: Output) -> Outcome:
    """List the kernels, analyse some, or convolve images with them."""
    if words.list_kernels:
        from dlmath.convolution.run_kernels import list_kernels

        return list_kernels(words, output)
    if not words.images:
        from dlmath.convolution.run_kernels import analyse_kernels

        return analyse_kernels(words, output)
    from dlmath.convolution.run_images import convolve_images

    return convolve_images(words, output)


def begin(words: Words) -> None:
    """Let the first image be decoded while NumPy and the engine are imported; its errors are raised when it is used."""
    if words.images and not words.list_kernels and (words.kernel or words.pool):
        from dlmath.files.pictures.images import begin_decoding

        begin_decoding(words.images[0], allow_large=words.allow_large)


def own_output(words: Words) -> str | None:
    """Return the option that would name the pictures that a run writes under names of its own."""
    if words.target is not None or not words.images:
        return None
    from dlmath.convolution.run_images import is_matrix

    return None if any(is_matrix(image) for image in words.images) else "target"


COMMAND = Command(
    name="convolve",
    words=Words,
    about="""Convolve images with named or custom kernels, and show the arithmetic.

    Deep-learning libraries and OpenCV slide the kernel unflipped (cross-correlation), and so does this command;
    --flip turns it.""",
    examples=(
        ("convolve photo.png --kernel sobel", "writes photo-sobel.png"),
        ('convolve "1 2 3; 4 5 6; 7 8 9" --kernel sharpen --explain', "every number of it"),
        ("convolve --kernel gaussian:5", "what a kernel alone tells"),
    ),
    check=check,
    run=run,
    results=results,
    own_output=own_output,
    begin=begin,
)
