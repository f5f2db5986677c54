"""`dlmath convolve`: which of its runs is wanted."""

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
    if words.list_kernels or words.list_borders:
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
    """List kernels or borders, analyse kernels, or convolve images with them."""
    if words.list_kernels or words.list_borders:
        from dlmath.convolution.run_kernels import list_borders, list_kernels

        return (list_kernels if words.list_kernels else list_borders)(words, output)
    if not words.images:
        from dlmath.convolution.run_kernels import analyse_kernels

        return analyse_kernels(words, output)
    from dlmath.convolution.run_images import convolve_images

    return convolve_images(words, output)


def begin(words: Words) -> None:
    """Let the first image be decoded while NumPy and the engine are imported; its errors are raised when it is used."""
    if words.images and not (words.list_kernels or words.list_borders) and (words.kernel or words.pool):
        from dlmath.files.pictures.images import begin_decoding

        begin_decoding(words.images[0], allow_large=words.allow_large)


def own_output(words: Words) -> str | None:
    """Return the option that would name the pictures that a run writes under names of its own."""
    if words.target is not None or not words.images:
        return None
    from dlmath.convolution.run_images import may_be_matrix

    return None if any(may_be_matrix(image) for image in words.images) else "target"


def written(words: Words) -> list[str]:
    """Return the pictures that a run writes."""
    if not words.images or words.list_kernels:
        return []
    from dlmath.convolution.run_images import targets

    return targets(words)


COMMAND = Command(
    name="convolve",
    words=Words,
    about="""Convolve images with named or custom kernels, and show the arithmetic.

    Deep-learning libraries and OpenCV slide the kernel unflipped (cross-correlation), and so does this command;
    --flip turns it.""",
    examples=(
        ("convolve photo.png --kernel sobel", "writes photo-sobel.png"),
        ('convolve "1 2 3; 4 5 6; 7 8 9" --kernel sharpen --explain', "every number of it"),
        ('convolve photo.png --kernel "0.299 | 0.587 | 0.114"', "a 1x1 convolution over the channels: gray"),
        ("convolve photo.png --kernel sobel-x --pad same-upper --stride 2 --activation relu --pool max:2", "a layer"),
        ("convolve --kernel gaussian:5", "what a kernel alone tells"),
        ("convolve --list-borders", "what every border means"),
    ),
    check=check,
    run=run,
    results=results,
    own_output=own_output,
    written=written,
    begin=begin,
)
