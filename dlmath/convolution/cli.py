"""`dlmath convolve`: its words. What they do is in `dlmath.convolution.command`."""

from typing import TYPE_CHECKING, Annotated

import typer

from dlmath.frame.app import app
from dlmath.frame.options import choice, completer, subcommand

if TYPE_CHECKING:
    from dlmath.frame.outcome import Outcome
    from dlmath.frame.output import Output

BORDERS = ("replicate", "reflect", "mirror", "wrap", "constant:V", "valid")
CHANNELS = ("keep", "gray")
SCALES = ("clip", "absolute", "minmax", "none")
METHODS = ("auto", "naive", "taps", "separable", "dense", "fft")
LIKE = ("opencv", "scipy", "pillow", "torch", "vips")


def kernel_words() -> list[str]:
    """Return the names of kernels for completion."""
    from dlmath.convolution.command import kernel_names

    return kernel_names()


@subcommand(app, "convolve")
def convolve(
    images: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="IMAGE",
            help='Pictures (.png .jpg .bmp .tif .webp .gif .pgm .ppm), arrays (.npy), matrices (.txt, or "1 2; 3 4"); '
            "- is standard input. Without one, the kernel itself is analysed.",
            show_default=False,
        ),
    ] = None,
    *,
    kernel: Annotated[
        list[str] | None,
        typer.Option(
            "--kernel",
            "-k",
            metavar="KERNEL",
            help='A name (sobel, gaussian:9:1.5), a file (.npy, .yaml, .txt), or rows ("0 -1 0; -1 5 -1; 0 -1 0"). '
            "Several make several outputs; seed names the six of the demonstration.",
            autocompletion=completer(kernel_words),
            show_default=False,
        ),
    ] = None,
    target: Annotated[
        str | None,
        typer.Option(
            "-o",
            "--output",
            metavar="FILE",
            help="Where the result goes, or a folder for several; - is standard output.  "
            "[default: image.png with sobel becomes image-sobel.png here]",
        ),
    ] = None,
    border: Annotated[
        str | None,
        choice("--border", BORDERS, "What lies beyond the edge; valid pads nothing.  [default: replicate]"),
    ] = None,
    stride: Annotated[int, typer.Option("--stride", metavar="N", help="Keep every Nth row and column.")] = 1,
    dilation: Annotated[int, typer.Option("--dilation", metavar="N", help="Spread the kernel's weights N apart.")] = 1,
    flip: Annotated[bool, typer.Option("--flip", help="True convolution: the kernel turned by 180 degrees.")] = False,
    channels: Annotated[
        str, choice("--channels", CHANNELS, "Each channel on its own, or gray.  [default: keep]")
    ] = "keep",
    scale: Annotated[
        str | None,
        choice("--scale", SCALES, "How results become pixels.  [default: clip; none for .npy and matrices]"),
    ] = None,
    offset: Annotated[
        float, typer.Option("--offset", metavar="V", help="Added to every result before it becomes a pixel.")
    ] = 0.0,
    dtype: Annotated[
        str | None,
        typer.Option("--dtype", metavar="TYPE", help="Type of the result: uint8, uint16, float32, float64, ..."),
    ] = None,
    method: Annotated[
        str, choice("--method", METHODS, "The algorithm.  [default: auto, by shapes, kernel and type]")
    ] = "auto",
    pool: Annotated[str | None, typer.Option("--pool", metavar="KIND:N", help="Then pool: max:2 or average:2.")] = None,
    like: Annotated[
        str | None,
        choice("--like", LIKE, "Border, flip, anchor, rounding and normalisation as that library has them."),
    ] = None,
    at: Annotated[
        str | None,
        typer.Option("--at", metavar="ROW,COL", help="The pixel that --explain shows.  [default: the centre]"),
    ] = None,
    show: Annotated[bool, typer.Option("--show", help="Draw original and result in the terminal.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Allow an output to replace an input.")] = False,
    allow_large: Annotated[
        bool, typer.Option("--allow-large", help="Read images beyond the limit against decompression bombs.")
    ] = False,
    compress_level: Annotated[
        int | None,
        typer.Option("--compress-level", metavar="0-9", help="Of PNG output.  [default: fast, by its content]"),
    ] = None,
    threads: Annotated[
        int | None, typer.Option("--threads", metavar="N", help="Threads.  [default: both cores when it pays]")
    ] = None,
    list_kernels: Annotated[
        bool, typer.Option("--list-kernels", help="Name every kernel, with its weights, sum and rank.")
    ] = False,
    output: "Output",
) -> "Outcome":
    """Convolve images with named or custom kernels, and show the arithmetic.

    Deep-learning libraries and OpenCV slide the kernel unflipped (cross-correlation), and so does this command;
    --flip turns it.
    """
    options = dict(locals())
    del options["output"]
    from dlmath.convolution.command import Words, run

    return run(Words(**options), output)
