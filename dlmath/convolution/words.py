"""`dlmath convolve`: its options, each once."""

from dlmath.frame.words import AT_LEAST_1, Within, argument, option
from dlmath.frame.words import Words as Record

BORDERS = ("replicate", "reflect", "mirror", "wrap", "constant:V", "valid")
CHANNELS = ("keep", "gray")
SCALES = ("clip", "absolute", "minmax", "none")
METHODS = ("auto", "naive", "taps", "separable", "dense", "fft")
LIKE = ("opencv", "scipy", "pillow", "torch", "keras", "onnx", "skimage", "vips")
PADS = ("same", "same-upper", "same-lower", "valid", "full", "1", "0:1:0:1")
POOLS = ("max:2", "average:2", "min:2", "max:3/2", "max:3/2,pad=1", "max:global", "average:global")
DTYPES = ("uint8", "uint16", "uint32", "int8", "int16", "int32", "int64", "float32", "float64")

CONVOLUTION, LAYER, RESULT, FILES, QUESTIONS = "convolution", "what follows", "result", "files", "other questions"
MOST_STEP = 65_535
STEP = Within(1, MOST_STEP)


def activation_names() -> list[str]:
    """Return the names of activation functions, for completion."""
    from dlmath.neural.names import ACTIVATIONS, completions

    return list(completions(ACTIVATIONS))


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
        'A name (sobel, gaussian:9:1.5), a file (.npy, .yaml, .txt), or rows ("0 -1 0; -1 5 -1; 0 -1 0"), with | '
        'between input channels ("0.299 | 0.587 | 0.114"). Several make several outputs; seed names six.',
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
        "What lies beyond the edge; valid pads nothing. Other libraries' names are understood (--list-borders).",
        metavar="BORDER",
        suggestions=BORDERS,
        usual="replicate",
        panel=CONVOLUTION,
    )
    pad: str | None = option(
        "How much of the border: same, same-upper and same-lower (as TensorFlow, Keras and ONNX pad a stride), valid, "
        "full, N pixels, or T:B:L:R.",
        metavar="PAD", suggestions=PADS, usual="same", panel=CONVOLUTION,
    )  # fmt: skip
    stride: int = option("Keep every Nth row and column.", default=1, within=STEP, panel=CONVOLUTION)
    dilation: int = option("Spread the kernel's weights N apart.", default=1, within=STEP, panel=CONVOLUTION)
    transposed: bool = option("The transposed convolution: a stride makes the result larger.", panel=CONVOLUTION)
    output_padding: int = option(
        "Rows and columns more of a transposed convolution.", default=0, within=Within(0, MOST_STEP), panel=CONVOLUTION
    )
    flip: bool = option("True convolution: the kernel turned by 180 degrees.", panel=CONVOLUTION)
    normalize: bool = option("Divide the weights by the sum of their absolute values.", panel=CONVOLUTION)
    channels: str = option(
        "Each channel on its own, or gray.", default="keep", choices=CHANNELS, metavar="HOW", panel=CONVOLUTION
    )
    scale: str | None = option(
        "How results become pixels.", choices=SCALES, metavar="HOW", usual="clip; none for .npy and matrices",
        panel=RESULT,
    )  # fmt: skip
    offset: float = option(
        "Added to every result before it becomes a pixel.",
        default=0.0,
        metavar="V",
        within=Within(-1e300, 1e300),
        panel=RESULT,
    )
    dtype: str | None = option("Type of the result.", choices=DTYPES, metavar="TYPE", panel=RESULT)
    method: str = option(
        "The algorithm; auto goes by shapes, kernel and type.", default="auto", choices=METHODS, metavar="NAME",
        panel=CONVOLUTION,
    )  # fmt: skip
    bias: str | None = option(
        "Added to the sums: one value, or one an output channel, V,V,...", metavar="V,...", panel=LAYER
    )
    activation: str | None = option(
        "Then an activation function.", metavar="NAME", suggestions=activation_names, panel=LAYER
    )
    pool: str | None = option(
        "Then pool: max, average or min of windows of N x N, N apart (max:2), or S apart and padded "
        "(max:3/2,pad=1), or of everything (max:global).",
        metavar="KIND:N", suggestions=POOLS, panel=LAYER,
    )  # fmt: skip
    like: str | None = option(
        "Border, flip, anchor, rounding and normalisation as that library has them.", choices=LIKE,
        metavar="LIBRARY", panel=CONVOLUTION,
    )  # fmt: skip
    at: str | None = option("The pixel that --explain shows.", metavar="ROW,COL", usual="the centre", panel="output")
    animate: str | None = option(
        "Also show the window sliding over a small image, its products and sum, pixel after pixel (.gif).",
        metavar="FILE",
        writes=True,
        panel="output",
    )
    show: bool = option("Draw original and result in the terminal.", panel="output")
    force: bool = option("Allow an output to replace an input.", panel=FILES)
    allow_large: bool = option("Read images beyond the limit against decompression bombs.", panel=FILES)
    compress_level: int | None = option(
        "Of PNG output, 0 to 9.", within=Within(0, 9), usual="fast, by its content", panel=FILES
    )
    threads: int | None = option(
        "Threads.", within=AT_LEAST_1, usual="both cores when it pays", panel=CONVOLUTION, variable="DLMATH_THREADS"
    )
    list_kernels: bool = option("Name every kernel, with its weights, sum and rank.", panel=QUESTIONS)
    list_borders: bool = option("Say what every border means, and what other libraries call it.", panel=QUESTIONS)


OF_IMAGES = {
    "images.*.input": "the image as named",
    "images.*.output": "the file written, null where the result was printed",
    "images.*.kernel": "the kernel as named",
    "images.*.kernel_shape.*": "its rows and columns; with channels outputs, inputs, rows, columns",
    "images.*.input_shape.*": "rows, columns, channels",
    "images.*.output_shape.*": "rows, columns, channels of the result",
    "images.*.padding.*": "rows and columns of padding: top, bottom, left, right",
    "images.*.size_formula.*": "how the rows, and the columns, of the result come about",
    "images.*.dtype": "type of the result",
    "images.*.method": "the algorithm",
    "images.*.macs": "multiply-accumulates of the definition",
    "images.*.min": "smallest result, before it became a pixel",
    "images.*.max": "largest result",
    "images.*.mean": "mean of the results",
    "images.*.clipped": "samples that were cut to the type's range",
    "images.*.clipped_below": "of them, those that were cut to its least",
    "images.*.clipped_above": "those that were cut to its greatest",
    "images.*.seconds": "time of the convolution alone",
    "images.*.values.**": "the result of a matrix",
}
OF_KERNELS = {"kernels.*.**": "names, weights, sums, ranks, analysis"}
OF_BORDERS = {f"borders.*.{key}": f"{key}'s name" for key in ("opencv", "scipy", "numpy", "torch")} | {
    "borders.*.name": "the border as --border takes it",
    "borders.*.row": "the pixels beyond a row a b c d",
    "borders.*.note": "what it is",
    "borders.*.synonyms.*": "other names that are understood",
}


def results(words: Words) -> dict[str, str]:
    """Return what the result of such a call holds."""
    if words.list_borders:
        return OF_BORDERS
    return OF_IMAGES if words.images and not words.list_kernels else OF_KERNELS
