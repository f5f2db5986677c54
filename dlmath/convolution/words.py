"""`dlmath convolve`: its options, each once."""

from dlmath.frame.words import AT_LEAST_1, FINITE, Within, argument, option
from dlmath.frame.words import Words as Record

BORDERS = ("replicate", "reflect", "mirror", "wrap", "constant:V", "valid")
CHANNELS = ("keep", "gray")
SCALES = ("clip", "absolute", "minmax", "none")
METHODS = ("auto", "naive", "taps", "separable", "dense", "fft")
LIKE = ("opencv", "scipy", "pillow", "torch", "vips")
DTYPES = ("uint8", "uint16", "uint32", "int8", "int16", "int32", "int64", "float32", "float64")

CONVOLUTION, RESULT, FILES = "convolution", "result", "files"


def kernel_names() -> list[str]:
    """Return the names of kernels, for completion."""
    from dlmath.convolution.engine import kernels

    return kernels.kernel_names()


class Words(Record):
    """The words of one call; None and False stand for "not given"."""

    images: list[str] | None = argument(
        "IMAGE",
        'Pictures (.png .jpg .bmp .tif .webp .gif .pgm .ppm), arrays (.npy), matrices (.txt, or "1 2; 3 4"); '
        "- is standard input. Without one, the kernel itself is analysed.",
        reads=True,
        aliases=("image",),
    )
    kernel: list[str] | None = option(
        'A name (sobel, gaussian:9:1.5), a file (.npy, .yaml, .txt), or rows ("0 -1 0; -1 5 -1; 0 -1 0"). '
        "Several make several outputs; seed names the six of the demonstration.",
        metavar="KERNEL",
        short="-k",
        suggestions=kernel_names,
        reads=True,
        panel=CONVOLUTION,
    )
    target: str | None = option(
        "Where the result goes, or a folder for several; - is standard output.",
        flag="--output",
        short="-o",
        metavar="FILE",
        usual="image.png with sobel becomes image-sobel.png here",
        writes=True,
        panel=FILES,
    )
    border: str | None = option(
        "What lies beyond the edge; valid pads nothing.",
        metavar="BORDER",
        suggestions=BORDERS,
        usual="replicate",
        panel=CONVOLUTION,
    )
    stride: int = option("Keep every Nth row and column.", default=1, within=AT_LEAST_1, panel=CONVOLUTION)
    dilation: int = option("Spread the kernel's weights N apart.", default=1, within=AT_LEAST_1, panel=CONVOLUTION)
    flip: bool = option("True convolution: the kernel turned by 180 degrees.", panel=CONVOLUTION)
    channels: str = option(
        "Each channel on its own, or gray.", default="keep", choices=CHANNELS, metavar="HOW", panel=CONVOLUTION
    )
    scale: str | None = option(
        "How results become pixels.", choices=SCALES, metavar="HOW", usual="clip; none for .npy and matrices",
        panel=RESULT,
    )  # fmt: skip
    offset: float = option(
        "Added to every result before it becomes a pixel.", default=0.0, metavar="V", within=FINITE, panel=RESULT
    )
    dtype: str | None = option("Type of the result.", choices=DTYPES, metavar="TYPE", panel=RESULT)
    method: str = option(
        "The algorithm; auto goes by shapes, kernel and type.", default="auto", choices=METHODS, metavar="NAME",
        panel=CONVOLUTION,
    )  # fmt: skip
    pool: str | None = option("Then pool: max:2 or average:2.", metavar="KIND:N", panel=CONVOLUTION)
    like: str | None = option(
        "Border, flip, anchor, rounding and normalisation as that library has them.", choices=LIKE,
        metavar="LIBRARY", panel=CONVOLUTION,
    )  # fmt: skip
    at: str | None = option("The pixel that --explain shows.", metavar="ROW,COL", usual="the centre", panel="output")
    show: bool = option("Draw original and result in the terminal.", panel="output")
    force: bool = option("Allow an output to replace an input.", panel=FILES)
    allow_large: bool = option("Read images beyond the limit against decompression bombs.", panel=FILES)
    compress_level: int | None = option(
        "Of PNG output, 0 to 9.", within=Within(0, 9), usual="fast, by its content", panel=FILES
    )
    threads: int | None = option(
        "Threads.", within=AT_LEAST_1, usual="both cores when it pays", panel=CONVOLUTION, variable="DLMATH_THREADS"
    )
    list_kernels: bool = option("Name every kernel, with its weights, sum and rank.", panel="other questions")


OF_IMAGES = {
    "images.*.input": "the image as named",
    "images.*.output": "the file written, null where the result was printed",
    "images.*.kernel": "the kernel as named",
    "images.*.kernel_shape.*": "its rows and columns",
    "images.*.input_shape.*": "rows, columns, channels",
    "images.*.output_shape.*": "rows, columns, channels of the result",
    "images.*.dtype": "type of the result",
    "images.*.method": "the algorithm",
    "images.*.macs": "multiply-accumulates of the definition",
    "images.*.min": "smallest sum, before scaling",
    "images.*.max": "largest sum",
    "images.*.mean": "mean of the sums",
    "images.*.clipped": "samples that were cut to the type's range",
    "images.*.seconds": "time of the convolution alone",
    "images.*.values.**": "the result of a matrix",
}
OF_KERNELS = {"kernels.*.**": "names, weights, sums, ranks, analysis"}


def results(words: Words) -> dict[str, str]:
    """Return what the result of such a call holds."""
    return OF_IMAGES if words.images and not words.list_kernels else OF_KERNELS
