"""How each kind of layer is written in Keras 3: one function a family, from a counted row to steps of a program."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dlmath.counting.code.pieces import Arg, Make, Plain, Step, alike, options_of, place, refuse
from dlmath.counting.engine.options import pads_per_axis, per_axis
from dlmath.counting.engine.shapes import slide

if TYPE_CHECKING:
    from collections.abc import Callable

    from dlmath.counting.engine.count import Row

    Rule = Callable[[Row], tuple[Step, ...]]

TARGET = "Keras"
CALL = "{m}({0})"
ACTIVATIONS = {
    **{word: word for word in ("relu", "relu6", "elu", "selu", "celu", "gelu", "mish", "sigmoid", "tanh", "softmax")},
    **{word: word for word in ("softplus", "softsign", "exponential", "silu")},
    "swish": "silu",
    "leakyrelu": "leaky_relu",
    "hardswish": "hard_silu",
    "hardsigmoid": "hard_sigmoid",
    "hardtanh": "hard_tanh",
    "logsoftmax": "log_softmax",
}
FUSED = ("conv", "conv1d", "conv3d", "dense", "depthwise", "separable", "transposed")
"""Layers that take `activation=`."""


def layer(name: str, *args: Arg, template: str = CALL, helper: str = "") -> Step:
    """Return the step of one Keras layer."""
    return Step(template, Make(name if helper else f"layers.{name}", args), helper)


def _padded(row: Row, rank: int, kernel: tuple[int, ...]) -> tuple[str, tuple[Step, ...]]:
    """Return Keras' word for a padding, and the step of an explicit one before the layer."""
    options = options_of(row)
    pad = options["pad"]
    if pad in {"same", "valid"} and not options.get("ceil"):
        return pad, ()
    if pad == "causal":
        return ("causal", ()) if rank == 1 else ("valid", (_zeros(rank, _before_after(row)),))
    if not any(map(any, _before_after(row))) and not _extra(row):
        return "valid", ()
    if _is_same(row, kernel):
        return "same", ()
    return "valid", (_zeros(rank, _grown(row)),)


def _before_after(row: Row) -> tuple[tuple[int, int], ...]:
    return tuple((window.before, window.after) for window in row.counted.windows or ())


def _extra(row: Row) -> bool:
    """Return whether the last window reaches beyond the padded input (ceil mode)."""
    return any((w.out - 1) * w.stride + w.extent > w.size + w.before + w.after for w in row.counted.windows or ())


def _grown(row: Row) -> tuple[tuple[int, int], ...]:
    """Return what is added before and after each axis, so that every window lies within."""
    pads = []
    for w in row.counted.windows or ():
        beyond = (w.out - 1) * w.stride + w.extent - w.size - w.before - w.after
        pads.append((w.before, w.after + max(beyond, 0)))
    return tuple(pads)


def _is_same(row: Row, kernel: tuple[int, ...]) -> bool:
    """Return whether Keras' `same` pads as this layer is padded."""
    windows = row.counted.windows or ()
    own = [(w.before, w.out) for w in windows]
    theirs = [slide(w.size, w.kernel, w.stride, w.dilation, "same") for w in windows]
    return len(windows) == len(kernel) and own == [(w.before, w.out) for w in theirs]


def _zeros(rank: int, pads: tuple[tuple[int, int], ...]) -> Step:
    ends = {end for pair in pads for end in pair}
    value: Any = ends.pop() if len(ends) == 1 else pads[0] if rank == 1 else pads
    return layer(f"ZeroPadding{rank}D", place("padding", value))


def _sliding(row: Row, rank: int) -> tuple[tuple[Arg, ...], tuple[Step, ...]]:
    """Return the arguments of a convolution after filters and kernel, and the steps before it."""
    options = options_of(row)
    kernel = per_axis("kernel", options["kernel"], rank)
    stride, dilation = (per_axis(name, options[name], rank) for name in ("stride", "dilation"))
    if max(stride) > 1 and max(dilation) > 1:
        raise refuse(row, "it has strides and dilations both", TARGET)
    word, before = _padded(row, rank, kernel)
    args = (
        Arg("strides", alike(stride), 1),
        Arg("padding", word, "valid", either=max(kernel) == max(stride) == 1 and not before),
        Arg("dilation_rate", alike(dilation), 1),
    )
    return args, before


def _bias(row: Row) -> tuple[Arg, tuple[Step, ...]]:
    """Return whether a layer has biases, and the step of those that differ from place to place."""
    bias = options_of(row)["bias"]
    after = (layer("PositionBias", helper="PositionBias"),) if bias == "position" else ()
    return Arg("use_bias", bias in {"yes", True}, True), after


def _conv(rank: int) -> Rule:
    def rule(row: Row) -> tuple[Step, ...]:
        options = options_of(row)
        kernel = alike(per_axis("kernel", options["kernel"], rank))
        args, before = _sliding(row, rank)
        bias, after = _bias(row)
        more = (Arg("groups", options["groups"], 1), bias)
        made = layer(f"Conv{rank}D", place("filters", options["out"]), place("kernel_size", kernel), *args, *more)
        return (*before, made, *after)

    return rule


def _depthwise(row: Row) -> tuple[Step, ...]:
    options = options_of(row)
    kernel = per_axis("kernel", options["kernel"], 2)
    args, before = _sliding(row, 2)
    bias, after = _bias(row)
    if len(set(per_axis("stride", options["stride"], 2))) > 1:
        channels = row.input_shapes[0][-1]
        groups = Arg("groups", channels, 1)
        filters = place("filters", channels * options["multiplier"])
        return (*before, layer("Conv2D", filters, place("kernel_size", alike(kernel)), *args, groups, bias), *after)
    multiplier = Arg("depth_multiplier", options["multiplier"], 1)
    return (*before, layer("DepthwiseConv2D", place("kernel_size", alike(kernel)), *args, multiplier, bias), *after)


def _separable(row: Row) -> tuple[Step, ...]:
    options = options_of(row)
    kernel = alike(per_axis("kernel", options["kernel"], 2))
    args, before = _sliding(row, 2)
    multiplier = Arg("depth_multiplier", options["multiplier"], 1)
    bias, after = _bias(row)
    head = place("filters", options["out"]), place("kernel_size", kernel)
    return (*before, layer("SeparableConv2D", *head, *args, multiplier, bias), *after)


def _transposed(rank: int) -> Rule:
    """Return the rule of a transposed convolution: what Keras gives too much is cropped."""

    def rule(row: Row) -> tuple[Step, ...]:
        options = options_of(row)
        if options["groups"] > 1:
            raise refuse(row, "it has groups", TARGET)
        kernel, stride = (per_axis(name, options[name], rank) for name in ("kernel", "stride"))
        bias, after = _bias(row)
        word = "same" if options["pad"] == "same" and not any(options["extra"]) else "valid"
        args = Arg("strides", alike(stride), 1), Arg("padding", word, "valid"), bias
        head = place("filters", options["out"]), place("kernel_size", alike(kernel))
        made = layer(f"Conv{rank}DTranspose", *head, *args)
        return (made, *(_cropped(row, rank) if word == "valid" else ()), *after)

    return rule


def _cropped(row: Row, rank: int) -> tuple[Step, ...]:
    pairs = []
    for w in row.counted.windows or ():
        full = (w.size - 1) * w.up + max(w.extent, w.up)
        pairs.append((w.before, full - w.before - w.out))
    if any(after < 0 for _, after in pairs):
        grow = tuple((0, max(-after, 0)) for _, after in pairs)
        cut = tuple((before, max(after, 0)) for before, after in pairs)
        steps = (_zeros(rank, grow),)
        return (*steps, *(_crop(rank, cut) if any(map(any, cut)) else ()))
    return _crop(rank, tuple(pairs)) if any(map(any, pairs)) else ()


def _crop(rank: int, pairs: tuple[tuple[int, int], ...]) -> tuple[Step, ...]:
    ends = {end for pair in pairs for end in pair}
    value: Any = ends.pop() if len(ends) == 1 else pairs[0] if rank == 1 else pairs
    return (layer(f"Cropping{rank}D", place("cropping", value)),)


def _partial(row: Row) -> tuple[Step, ...]:
    """Return LeCun's convolution of some maps each: the table is written out."""
    options = options_of(row)
    channels = row.input_shapes[0][-1]
    sees = options["sees"] or tuple(
        tuple(sorted((first + step) % channels for step in range(options["maps"]))) for first in range(options["out"])
    )
    args, before = _sliding(row, 2)
    bias, after = _bias(row)
    kernel = alike(per_axis("kernel", options["kernel"], 2))
    table = place("sees", [list(maps) for maps in sees])
    made = Step(
        "partial_conv({0}, {m})",
        Make("dict", (table._replace(by_place=False), Arg("kernel_size", kernel), *args, bias)),
        "partial_conv",
    )
    return (*before, made, *after)


def _local(rank: int) -> Rule:
    def rule(row: Row) -> tuple[Step, ...]:
        raise refuse(row, "Keras 3 has no locally connected layers", TARGET)

    del rank
    return rule


def _dense(row: Row) -> tuple[Step, ...]:
    options = options_of(row)
    shape = row.input_shapes[0]
    flattens = len(shape) > 1 and len(row.output) == 1 and options["over"] != "last"
    before = (layer("Flatten"),) if flattens else ()
    return (*before, layer("Dense", place("units", options["out"]), Arg("use_bias", options["bias"], True)))


def _windowed(kind: str, rank: int) -> Rule:
    def rule(row: Row) -> tuple[Step, ...]:
        options = options_of(row)
        kernel = per_axis("kernel", options["kernel"], rank)
        stride = per_axis("stride", options["stride"] or kernel, rank)
        if max(options.get("dilation", (1,))) > 1:
            raise refuse(row, "its windows are dilated", TARGET)
        word, before = _padded(row, rank, kernel)
        size = place("pool_size", alike(kernel))
        return (
            *before,
            layer(f"{kind}{rank}D", size, Arg("strides", alike(stride), alike(kernel)), Arg("padding", word, "valid")),
        )

    return rule


def _global(word: str) -> Rule:
    def rule(row: Row) -> tuple[Step, ...]:
        rank = len(row.input_shapes[0]) - 1
        return (layer(f"Global{word}Pooling{rank}D", Arg("keepdims", options_of(row)["keep"], False)),)

    return rule


def _adaptive(word: str) -> Rule:
    """Return the rule of a pooling to a given size: nothing where the map has it, else the windows of an even one."""

    def rule(row: Row) -> tuple[Step, ...]:
        sizes, wanted = row.input_shapes[0][:-1], row.output[:-1]
        rank = len(sizes)
        if sizes == wanted:
            return ()
        if all(size % out == 0 for size, out in zip(sizes, wanted, strict=True)):
            window = alike(tuple(size // out for size, out in zip(sizes, wanted, strict=True)))
            return (layer(f"{word}Pooling{rank}D", place("pool_size", window)),)
        return (layer(f"Adaptive{word}Pooling{rank}D", place("output_size", alike(wanted))),)

    return rule


def _batch_norm(row: Row) -> tuple[Step, ...]:
    options = options_of(row)
    if not options["statistics"]:
        raise refuse(row, "it keeps no statistics", TARGET)
    flags = Arg("center", options["center"], True), Arg("scale", options["scale"], True)
    return (layer("BatchNormalization", *flags, Arg("trainable", not options["frozen"], True)),)


def _layer_norm(row: Row) -> tuple[Step, ...]:
    options = options_of(row)
    axes = -1 if options["axes"] == 1 else list(range(-options["axes"], 0))
    flags = Arg("center", options["center"], True), Arg("scale", options["scale"], True)
    return (layer("LayerNormalization", Arg("axis", axes, -1), *flags),)


def _group_norm(row: Row) -> tuple[Step, ...]:
    options = options_of(row)
    groups = options["groups"] if row.node.kind == "groupnorm" else -1
    flags = Arg("center", options["center"], True), Arg("scale", options["scale"], True)
    return (layer("GroupNormalization", Arg("groups", groups, 32), *flags),)


def _rms_norm(row: Row) -> tuple[Step, ...]:
    if not options_of(row)["scale"]:
        raise refuse(row, "it has no scale", TARGET)
    return (layer("RMSNormalization"),)


def _l2_norm(row: Row) -> tuple[Step, ...]:
    if not options_of(row)["scale"]:
        return (layer("UnitNormalization"),)
    return (layer("L2Norm", helper="L2Norm"),)


def _activation(row: Row) -> tuple[Step, ...]:
    word = ACTIVATIONS.get(row.node.kind)
    if word is None:
        raise refuse(row, "there is no such activation", TARGET)
    return (layer("Activation", place("activation", word)),)


def _prelu(row: Row) -> tuple[Step, ...]:
    rank = len(row.input_shapes[0])
    shared = {"channel": list(range(1, rank)), "layer": list(range(1, rank + 1)), "element": None}
    return (layer("PReLU", Arg("shared_axes", shared[options_of(row)["per"]] or None, None)),)


def _dropout(row: Row) -> tuple[Step, ...]:
    return (layer("Dropout", place("rate", _rate(row))),)


def _rate(row: Row) -> float:
    try:
        return float(options_of(row)["rate"])
    except (TypeError, ValueError):
        return 0.5


def _depth_drop(row: Row) -> tuple[Step, ...]:
    """Return stochastic depth: dropout of whole examples."""
    shape = (None, *(1,) * len(row.output))
    return (layer("Dropout", place("rate", _rate(row)), Arg("noise_shape", shape)),)


def _join(word: str) -> Rule:
    return lambda _: (layer(word, template="{m}([{all}])"),)


def _concat(row: Row) -> tuple[Step, ...]:
    axis, rank = options_of(row)["axis"], len(row.output)
    axis = -1 if axis in {-1, rank - 1} else axis % rank + 1
    return (layer("Concatenate", Arg("axis", axis, -1), template="{m}([{all}])"),)


def _matmul(row: Row) -> tuple[Step, ...]:
    turned = options_of(row)["transpose"] == "yes"
    return (Step("ops.matmul({0}, ops.swapaxes({1}, -1, -2))" if turned else "ops.matmul({0}, {1})"),)


def _flatten(row: Row) -> tuple[Step, ...]:
    if len(row.input_shapes[0]) == 1:
        return ()
    if options_of(row)["start"]:
        return (layer("Reshape", place("target_shape", row.output)),)
    return (layer("Flatten"),)


def _reshape(row: Row) -> tuple[Step, ...]:
    return (layer("Reshape", place("target_shape", row.output)),)


def _permute(row: Row) -> tuple[Step, ...]:
    return (layer("Permute", place("dims", tuple(options_of(row)["order"]))),)


def _pad(row: Row) -> tuple[Step, ...]:
    rank = len(row.output) - 1
    return (_zeros(rank, pads_per_axis(options_of(row)["pad"], rank)),)


def _cut(row: Row) -> tuple[Step, ...]:
    rank = len(row.output) - 1
    return _crop(rank, pads_per_axis(options_of(row)["pad"], rank))


def _pad_channels(row: Row) -> tuple[Step, ...]:
    more = row.output[-1] - row.input_shapes[0][-1]
    pads = [[0, 0]] * len(row.output) + [[0, more]]
    return (Step("ops.pad({0}, {m})", Make("list", (place("pads", pads),))),)


def _upsample(row: Row) -> tuple[Step, ...]:
    options, rank = options_of(row), len(row.output) - 1
    factor = alike(per_axis("factor", options["factor"], rank))
    mode = () if rank != 2 else (Arg("interpolation", options["mode"], "nearest"),)
    return (layer(f"UpSampling{rank}D", place("size", factor), *mode),)


def _resize(row: Row) -> tuple[Step, ...]:
    if len(row.output) != 3:
        raise refuse(row, "only pictures are resized", TARGET)
    height, width = row.output[:2]
    mode = Arg("interpolation", options_of(row)["mode"], "bilinear")
    return (layer("Resizing", place("height", height), place("width", width), mode),)


def _take(row: Row) -> tuple[Step, ...]:
    options = options_of(row)
    return (Step(f"{{0}}[{', '.join([':'] * (options['axis'] + 1))}, {options['place']}]"),)


def _slice(row: Row) -> tuple[Step, ...]:
    options, rank = options_of(row), len(row.output)
    axis = options["axis"] % rank
    return (Step(f"{{0}}[{', '.join([':'] * (axis + 1))}, {options['start']}:{options['start'] + row.output[axis]}]"),)


def _mean(row: Row) -> tuple[Step, ...]:
    options, rank = options_of(row), len(row.input_shapes[0])
    axes = tuple(sorted(axis % rank + 1 for axis in options["axes"]))
    keep = ", keepdims=True" if options["keep"] == "yes" else ""
    return (Step(f"ops.mean({{0}}, axis={alike(axes) if len(axes) == 1 else axes}{keep})"),)


def _own(name: str, *words: str) -> Rule:
    """Return the rule of a layer that the program defines itself, its arguments the options of those names."""

    def rule(row: Row) -> tuple[Step, ...]:
        options = options_of(row)
        values = ((word, options[word]) for word in words)
        args = (place(word, alike(value) if isinstance(value, tuple) else value) for word, value in values)
        return (layer(name, *args, helper=name),)

    return rule


def _embedding(row: Row) -> tuple[Step, ...]:
    options = options_of(row)
    return (layer("Embedding", place("input_dim", options["words"]), place("output_dim", options["out"])),)


def _parameter(row: Row) -> tuple[Step, ...]:
    raise refuse(row, "a tensor by itself is no layer", TARGET)


def _attention(row: Row) -> tuple[Step, ...]:
    options = options_of(row)
    width = row.input_shapes[0][-1]
    key = options["key"] or width // options["heads"]
    template = "{m}({0}, {0})" if len(row.input_shapes) == 1 else "{m}({all})"
    bias = Arg("use_bias", options["bias"], True)
    if options["kv"] not in {None, options["heads"]}:
        heads = place("head_dim", key), place("num_query_heads", options["heads"]), place("num_kv_heads", options["kv"])
        if options["out"] not in {None, width} or options["value"] not in {None, key}:
            raise refuse(row, "grouped queries have one size", TARGET)
        return (layer("GroupQueryAttention", *heads, bias, template=template),)
    more = Arg("value_dim", options["value"], None), Arg("output_shape", options["out"], None)
    return (
        layer(
            "MultiHeadAttention",
            place("num_heads", options["heads"]),
            place("key_dim", key),
            bias,
            *more,
            template=template,
        ),
    )


def _recurrent(name: str, vectors: int) -> Rule:
    def rule(row: Row) -> tuple[Step, ...]:
        options = options_of(row)
        args = [place("units", options["units"]), Arg("use_bias", options["bias"], True)]
        args.append(Arg("return_sequences", options["sequences"], False))
        if name == "GRU" and options["bias"]:
            args.append(Arg("reset_after", options["biases"] == 2, True))
        elif options["bias"] and options["biases"] != vectors:
            raise refuse(row, f"Keras has {vectors} bias vector a gate (write biases={vectors})", TARGET)
        made = Make(f"layers.{name}", tuple(args))
        if options["bidirectional"]:
            return (layer("Bidirectional", place("layer", Plain(made.text()))),)
        return (Step(CALL, made),)

    return rule


def _conv_lstm(rank: int) -> Rule:
    def rule(row: Row) -> tuple[Step, ...]:
        options = options_of(row)
        kernel, stride, dilation = (per_axis(name, options[name], rank) for name in ("kernel", "stride", "dilation"))
        if options["pad"] not in {"same", "valid"}:
            raise refuse(row, "its padding is neither same nor valid", TARGET)
        head = place("filters", options["out"]), place("kernel_size", alike(kernel))
        args = (
            Arg("strides", alike(stride), 1),
            Arg("padding", options["pad"], "valid"),
            Arg("dilation_rate", alike(dilation), 1),
            Arg("use_bias", options["bias"] == "yes", True),
            Arg("return_sequences", options["sequences"], False),
        )
        return (layer(f"ConvLSTM{rank}D", *head, *args),)

    return rule


def _nothing(_: Row) -> tuple[Step, ...]:
    return ()


def _impossible(why: str) -> Rule:
    def rule(row: Row) -> tuple[Step, ...]:
        raise refuse(row, why, TARGET)

    return rule


RULES: dict[str, Rule] = {
    "conv1d": _conv(1),
    "conv": _conv(2),
    "conv3d": _conv(3),
    "depthwise": _depthwise,
    "separable": _separable,
    "transposed1d": _transposed(1),
    "transposed": _transposed(2),
    "transposed3d": _transposed(3),
    "partial": _partial,
    "local1d": _local(1),
    "local": _local(2),
    "dense": _dense,
    "rbf": _own("RadialBasis", "out"),
    "embedding": _embedding,
    "positions": _own("Positions"),
    "classtoken": _own("ClassToken", "tokens"),
    "parameter": _parameter,
    "scale": _own("Scale", "per"),
    **{f"maxpool{word}": _windowed("MaxPooling", rank) for rank, word in ((1, "1d"), (2, ""), (3, "3d"))},
    **{f"avgpool{word}": _windowed("AveragePooling", rank) for rank, word in ((1, "1d"), (2, ""), (3, "3d"))},
    "globalpool": _global("Average"),
    "globalmaxpool": _global("Max"),
    "adaptivepool": _adaptive("Average"),
    "adaptivemaxpool": _adaptive("Max"),
    "subsample": _own("Subsample", "kernel"),
    "roipool": _impossible("the regions it pools would have to be given"),
    "roialign": _impossible("the regions it pools would have to be given"),
    "batchnorm": _batch_norm,
    "layernorm": _layer_norm,
    "groupnorm": _group_norm,
    "instancenorm": _group_norm,
    "rmsnorm": _rms_norm,
    "l2norm": _l2_norm,
    "lrn": _own("LocalResponseNorm", "size"),
    "attention": _attention,
    "lstm": _recurrent("LSTM", 1),
    "gru": _recurrent("GRU", 2),
    "rnn": _recurrent("SimpleRNN", 1),
    **{f"convlstm{rank}d": _conv_lstm(rank) for rank in (1, 2, 3)},
    **dict.fromkeys(ACTIVATIONS, _activation),
    "step": _impossible("a step has no slope"),
    "prelu": _prelu,
    "dropout": _dropout,
    "stochasticdepth": _depth_drop,
    "identity": _nothing,
    **{word.lower(): _join(word) for word in ("Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum")},
    "concat": _concat,
    "matmul": _matmul,
    "flatten": _flatten,
    "reshape": _reshape,
    "permute": _permute,
    "zeropad": _pad,
    "crop": _cut,
    "padchannels": _pad_channels,
    "upsample": _upsample,
    "resize": _resize,
    "take": _take,
    "slice": _slice,
    "mean": _mean,
    "opaque": _impossible("it is not understood"),
}
"""One rule a kind of layer."""


def steps(row: Row) -> tuple[Step, ...]:
    """Return a row as Keras writes it.

    Raises
    ------
    InvalidValueError
        With the layer that Keras cannot express.
    """
    rule = RULES.get(row.node.kind)
    if rule is None:
        raise refuse(row, "there is no rule for it", TARGET)
    return rule(row)


HELPERS = {
    "PositionBias": '''
class PositionBias(layers.Layer):
    """A bias of its own for every place of the map."""

    def build(self, shape):
        self.bias = self.add_weight(shape=shape[1:], initializer="zeros", name="bias")

    def call(self, x):
        return x + self.bias
''',
    "partial_conv": '''
def partial_conv(x, options):
    """A convolution each map of which sees some maps of x only (LeCun et al. 1998, Table I)."""
    sees = options.pop("sees")
    return layers.Concatenate()(
        [layers.Conv2D(1, **options)(ops.take(x, maps, axis=-1)) for maps in sees]
    )
''',
    "Subsample": '''
class Subsample(layers.Layer):
    """The sum of each window, times a coefficient of the map, plus a bias (LeCun et al. 1998)."""

    def __init__(self, size):
        super().__init__()
        self.size = size

    def build(self, shape):
        self.coefficient = self.add_weight(shape=shape[-1:], initializer="ones", name="coefficient")
        self.bias = self.add_weight(shape=shape[-1:], initializer="zeros", name="bias")

    def call(self, x):
        return ops.average_pool(x, self.size) * self.coefficient + self.bias
''',
    "RadialBasis": '''
class RadialBasis(layers.Layer):
    """Squared distances to centres that are set by hand and do not train."""

    def __init__(self, out):
        super().__init__()
        self.out = out

    def build(self, shape):
        size = 1
        for axis in shape[1:]:
            size *= axis
        self.centres = self.add_weight(shape=(size, self.out), trainable=False, name="centres")

    def call(self, x):
        x = ops.reshape(x, (-1, self.centres.shape[0], 1))
        return ops.sum(ops.square(x - self.centres), axis=1)
''',
    "Positions": '''
class Positions(layers.Layer):
    """A learned vector added at every position."""

    def build(self, shape):
        self.vectors = self.add_weight(shape=shape[1:], name="vectors")

    def call(self, x):
        return x + self.vectors
''',
    "ClassToken": '''
class ClassToken(layers.Layer):
    """Learned vectors set before a sequence."""

    def __init__(self, tokens=1):
        super().__init__()
        self.tokens = tokens

    def build(self, shape):
        self.token = self.add_weight(shape=(1, self.tokens, shape[-1]), initializer="zeros", name="token")

    def call(self, x):
        return ops.concatenate([ops.repeat(self.token, ops.shape(x)[0], axis=0), x], axis=1)

    def compute_output_shape(self, shape):
        return (shape[0], shape[1] + self.tokens, shape[2])
''',
    "Scale": '''
class Scale(layers.Layer):
    """A learned factor: one a channel, one in all, or one an element."""

    def __init__(self, per="channel"):
        super().__init__()
        self.per = per

    def build(self, shape):
        sizes = {"channel": shape[-1:], "layer": (), "element": shape[1:]}[self.per]
        self.factor = self.add_weight(shape=sizes, initializer="ones", name="factor")

    def call(self, x):
        return x * self.factor
''',
    "L2Norm": '''
class L2Norm(layers.Layer):
    """Vectors over the channels brought to length 1, times a learned factor a channel (Liu et al. 2015)."""

    def build(self, shape):
        self.factor = self.add_weight(shape=shape[-1:], initializer="ones", name="factor")

    def call(self, x):
        return ops.normalize(x, axis=-1) * self.factor
''',
    "LocalResponseNorm": '''
class LocalResponseNorm(layers.Layer):
    """x / (k + alpha * the squares of neighbouring channels)^beta (Krizhevsky et al. 2012)."""

    def __init__(self, size=5, k=2.0, alpha=1e-4, beta=0.75):
        super().__init__()
        self.size, self.k, self.alpha, self.beta = size, k, alpha, beta

    def call(self, x):
        half = self.size // 2
        padded = ops.pad(ops.square(x), [[0, 0]] * (x.ndim - 1) + [[half, self.size - 1 - half]])
        total = sum(padded[..., start : start + x.shape[-1]] for start in range(self.size))
        return x / (self.k + self.alpha * total) ** self.beta
''',
}
"""What a program defines where Keras has no such layer."""
