"""`dlmath param-count`: its options, each once."""

from dlmath.frame.words import AT_LEAST_1, argument, option
from dlmath.frame.words import Words as Record

CONVENTIONS = ("torchvision", "torchinfo", "fvcore", "ptflops", "thop", "keras", "paper")
OPTIMIZERS = ("sgd", "momentum", "nesterov", "rmsprop", "adam")
DTYPES = ("float32", "float64", "float16", "bfloat16", "int8")
UNITS = ("exact", "auto", "K", "M", "G")
CODES = ("keras", "torch")
BY = ("layer", "stage")
AUXILIARY = ("without", "parameters", "with")

NETWORK, COUNTING, MEMORY, OTHER = "network", "counting", "memory", "other questions"


def model_names() -> list[str]:
    """Return the names of the zoo, for completion."""
    from dlmath.counting import zoo

    return list(zoo.names())


class Words(Record):
    """The words of one call; None and False stand for "not given"."""

    layers: list[str] | None = argument(
        "LAYER", "A chain in order: conv:3x3x64, conv:7x7x64/2,pad=3, dense:10, maxpool:3/2, relu.", aliases=("layer",)
    )
    conv: list[str] | None = option(
        "A convolution: 3x3x128; several follow one another.", metavar="KHxKWxOUT", panel=NETWORK
    )
    input_shape: list[str] | None = option(
        "What goes in: 112x112x64, or a vector 784, ? for a size that is not known; NAME=SHAPE for each of several.",
        flag="--input", metavar="HxWxC", panel=NETWORK,
    )  # fmt: skip
    padding: str | None = option(
        "Of layers that do not say.", choices=("same", "valid"), metavar="HOW", usual="same", panel=NETWORK
    )
    model: str | None = option(
        "A network of the zoo, or a file: .yaml, .keras, .onnx, .safetensors (shards, a folder), .npz.",
        metavar="NAME|FILE",
        suggestions=model_names,
        reads=True,
        panel=NETWORK,
    )
    compare: list[str] | None = option(
        'An alternative beside it: "conv:1x1x128", 1x1x128, a model or file (mobilenet:width=0.5), dense.',
        metavar="SPEC",
        suggestions=model_names,
        reads=True,
        panel=NETWORK,
    )
    convention: str | None = option(
        "Count as that tool does.", choices=CONVENTIONS, metavar="TOOL", usual="torchvision", panel=COUNTING
    )
    reconcile: bool = option("Every convention's figures, and the items that make the difference.", panel=COUNTING)
    check: list[str] | None = option(
        "Exit 1 unless params, macs, output_shape, ... is that; says why not.", metavar="KEY=VALUE", panel=COUNTING
    )
    solve: str | None = option(
        "Put ? for a number: the largest with params=1M or less.", metavar="KEY=LIMIT", panel=OTHER
    )
    auxiliary: str | None = option(
        "What of auxiliary heads counts.", choices=AUXILIARY, metavar="WHAT", usual="as its source says",
        panel=COUNTING,
    )  # fmt: skip
    dtype: str = option("Of the numbers.", default="float32", choices=DTYPES, metavar="TYPE", panel=MEMORY)
    batch: int = option("Inputs at once.", default=1, within=AT_LEAST_1, panel=MEMORY)
    optimizer: str = option("Whose state is kept.", default="sgd", choices=OPTIMIZERS, metavar="NAME", panel=MEMORY)
    units: str = option(
        "Of figures in tables: K, M, G are 10^3, 10^6, 10^9.", default="exact", choices=UNITS, metavar="UNIT",
        panel="output",
    )  # fmt: skip
    code: str | None = option(
        "Instead of a table: a program that builds the network and checks its count.", choices=CODES, metavar="LIBRARY",
        panel="output",
    )  # fmt: skip
    by: str | None = option(
        "Rows of the table: layers, or the blocks they stand in.", choices=BY, metavar="WHAT",
        usual="layer, up to 60 rows", panel="output",
    )  # fmt: skip
    list_models: bool = option("Name the networks of the zoo.", panel=OTHER)


OPERATIONS = {
    "params": "learned numbers",
    "trainable_params": "those that training changes",
    "weights": "of them, in kernels and matrices",
    "biases": "of them, added per channel",
    "buffers": "kept beside them (running means)",
    "macs": "multiply-accumulates of convolutions, dense layers and attention",
    "flops": "2 x macs",
    "bias_adds": "additions of biases",
    "norm_ops": "operations of normalisations",
    "pool_ops": "operations of pooling",
    "activation_ops": "operations of activation functions",
    "join_ops": "operations of sums and concatenations",
    "activations": "elements of all outputs",
    "receptive_field.**": "side of the input window that one output sees; null where it sees everything",
    "jump.**": "input pixels between neighbouring outputs",
    "effective_padding.**": "input pixels that the first window lies beyond the edge",
    "centre.**": "input pixel in the middle of the first window",
}
OF_LAYER = {
    "name": "the layer's name",
    "kind": "its kind",
    "input_shape.**": "rows, columns, channels",
    "output_shape.**": "rows, columns, channels",
    **OPERATIONS,
    "shares": "the layer whose weights it uses",
    "times": "how often it is run",
    "notes.*": "what is worth knowing",
    "missing.*": "what could not be counted",
}
OF_NETWORK = {
    "name": "the network's name",
    "source": "paper or code",
    "input_shape.**": "rows, columns, channels",
    "output_shape.**": "rows, columns, channels",
    **OPERATIONS,
    "connections": "connections as LeCun 1998 counts them",
    "macs_unknown": "why macs is null; null where it is not",
    "at_least": "whether a figure leaves something out",
    "uncounted.*.kind": "the kind of layer that is left out",
    "uncounted.*.times": "how often it stands in the network",
    "uncounted.*.why": "why it is left out",
    "memory.params_bytes": "bytes of the parameters",
    "memory.buffers_bytes": "bytes of the buffers",
    "memory.activations_bytes": "bytes of all outputs",
    "memory.stored_bytes": "bytes of the outputs that the backward pass needs",
    "memory.gradients_bytes": "bytes of the gradients",
    "memory.optimizer_bytes": "bytes of the optimizer's state",
    "memory.training_bytes": "bytes of a training step",
    "auxiliary": "what of auxiliary heads counts",
    **{f"layers.*.{key}": meaning for key, meaning in OF_LAYER.items()},
}
OF_STAGE = {
    "name": "the block's name",
    "layers": "how many layers stand in it",
    "input_shape.**": "rows, columns, channels",
    "output_shape.**": "rows, columns, channels",
    "params": "learned numbers",
    "weights": "of them, in kernels and matrices",
    "biases": "of them, added per channel",
    "macs": "multiply-accumulates",
    "receptive_field.**": "of its last layer",
}
OF_NETWORK |= {f"stages.*.{key}": meaning for key, meaning in OF_STAGE.items()}
OF_ALTERNATIVE = {
    **OF_NETWORK,
    "params_ratio": "its parameters over the main network's",
    "macs_ratio": "its MACs over the main network's",
    "params_difference": "its parameters less the main network's",
    "macs_difference": "its MACs less the main network's",
}
WHOLE = {
    **OF_NETWORK,
    **{f"alternatives.*.{key}": meaning for key, meaning in OF_ALTERNATIVE.items()},
    "checks.*.**": "every --check: text, check, expected, found, difference, holds, mistakes",
    "conventions.*.**": "every convention: name, source, says, params, operations, their lines, notes",
    "solution.**": "what --solve found: number, value, next_number, next_value",
    "code": "with --code: the program",
    "dtypes.*": "parameters of a file of tensors by their type",
    "layers.*.shape.*": "of a tensor",
    "layers.*.dtype": "of a tensor",
    "layers.*.bytes": "of a tensor",
}
OF_ZOO = {"models.*.**": "name, about, settings, source of every network of the zoo"}


def results(words: Words) -> dict[str, str]:
    """Return what the result of such a call holds."""
    return OF_ZOO if words.list_models else WHOLE
