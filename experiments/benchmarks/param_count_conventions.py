"""One network, five tools: does `dlmath` count as torchinfo, fvcore, ptflops, thop and PyTorch's own counter do?

    PEERS/bin/pip install torchinfo fvcore ptflops thop
    PEERS/bin/python experiments/benchmarks/param_count_conventions.py

Each network is written once, as a list of layers, and built twice: as torch modules, which the tools are let loose
on, and as dlmath's graph.
"""

from __future__ import annotations

import contextlib
import copy
import io
import logging
import sys
import warnings

import torch
from torch import nn

from dlmath.counting.engine.conventions import CONVENTIONS, read_as
from dlmath.counting.engine.count import count
from dlmath.counting.engine.graph import Network, Node

warnings.filterwarnings("ignore")
logging.disable(logging.CRITICAL)


def conv(out, kernel=3, stride=1, pad=None, **more):
    pad = kernel // 2 if pad is None else pad
    return "conv", {"kernel": kernel, "out": out, "stride": stride, "pad": pad, **more}


def normed(out, kernel=3, stride=1, **more):
    return [conv(out, kernel, stride, bias="no", **more), ("batchnorm", {}), ("relu", {})]


def bottleneck(width, stride, *, first):
    main = [*normed(width, 1), *normed(width, 3, stride), *normed(4 * width, 1)[:2]]
    shortcut = normed(4 * width, 1, stride)[:2] if first else []
    return [("residual", (main, shortcut)), ("relu", {})]


def resnet50():
    layers = [*normed(64, 7, 2), ("maxpool", {"kernel": 3, "stride": 2, "pad": 1})]
    for width, blocks, stride in ((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2)):
        for number in range(blocks):
            layers += bottleneck(width, stride if number == 0 else 1, first=number == 0)
    return [*layers, ("globalpool", {"keep": True}), ("flatten", {}), ("dense", {"out": 1000})]


def separable(out, stride):
    def layers(channels):
        return [*normed(channels, 3, stride, groups=channels), *normed(out, 1)]

    return layers


def mobile():
    layers, channels = normed(8, 3, 2), 8
    for out, stride in ((16, 1), (24, 2), (32, 2)):
        layers += separable(out, stride)(channels)
        channels = out
    return [*layers, ("globalpool", {"keep": True}), ("flatten", {}), ("dense", {"out": 7, "bias": False})]


def vgg():
    relu, pool = ("relu", {}), ("maxpool", {"kernel": 2, "stride": 2, "pad": 0})
    layers = [conv(8), relu, conv(8), relu, pool, conv(16), relu, pool, ("adaptivepool", {"size": 5})]
    return [*layers, ("flatten", {}), ("dense", {"out": 30}), relu, ("dropout", {}), ("dense", {"out": 9})]


def decoder():
    up = ("transposed", {"kernel": 2, "out": 6, "stride": 2, "pad": 0})
    wide = ("transposed", {"kernel": 4, "out": 6, "stride": 2, "pad": 1, "groups": 2, "bias": "no"})
    mixing = [("upsample", {"factor": 2}), ("upsample", {"factor": 2, "mode": "bilinear"})]
    norms = [
        ("groupnorm", {"groups": 2}),
        ("prelu", {}),
        ("instancenorm", {}),
        ("instancenorm", {"scale": True, "center": True}),
    ]
    means = [("batchnorm", {"scale": False, "center": False}), ("avgpool", {"kernel": 2, "stride": 2, "pad": 0})]
    return [conv(8), ("leakyrelu", {}), up, *norms, wide, *means, *mixing, ("softmax", {})]


def transformer():
    attention = [("layernorm", {}), ("attention", {"heads": 3})]
    mlp = [("layernorm", {}), ("dense", {"out": 48}), ("gelu", {}), ("dense", {"out": 12, "bias": False})]
    block = [("residual", (attention, [])), ("residual", (mlp, []))]
    return [("embedding", {"words": 50, "out": 12}), *block, *block, ("rmsnorm", {}), ("dense", {"out": 50})]


def recurrent(kind):
    vectors = {"biases": 2, "sequences": True}
    layers = [(kind, {"units": 6, **vectors}), (kind, {"units": 4, "bidirectional": True, **vectors})]
    return [*layers, ("dense", {"out": 3})]


NETWORKS = {
    "resnet50": (resnet50(), (224, 224, 3)),
    "vgg-like": (vgg(), (32, 28, 3)),
    "mobile-like": (mobile(), (33, 31, 3)),
    "decoder": (decoder(), (6, 5, 4)),
    "transformer": (transformer(), (7,)),
    "lstm": (recurrent("lstm"), (7, 5)),
    "gru": (recurrent("gru"), (7, 5)),
    "rnn": (recurrent("rnn"), (7, 5)),
}


def network(name, layers, shape):
    """Return the network in dlmath's words."""
    nodes = [Node("input", "input", {"shape": shape})]

    def add(kind, options, *sources):
        nodes.append(Node(f"{kind}{len(nodes)}", kind, options, sources))
        return len(nodes) - 1

    def chain(several, place):
        for kind, options in several:
            if kind == "residual":
                place = add("add", {}, chain(options[0], place), chain(options[1], place))
            else:
                place = add(kind, options, place)
        return place

    last = chain(layers, 0)
    return Network(name, tuple(nodes), (last,))


class Residual(nn.Module):
    def __init__(self, main, shortcut):
        super().__init__()
        self.main, self.shortcut = main, shortcut

    def forward(self, x):
        return self.main(x) + self.shortcut(x)


class First(nn.Module):
    """The first output of a recurrent layer, or of self-attention."""

    def __init__(self, layer, uses=1):
        super().__init__()
        self.layer, self.uses = layer, uses

    def forward(self, x):
        several = [x] * self.uses
        return self.layer(*several, need_weights=False)[0] if self.uses > 1 else self.layer(x)[0]


def module(kind, options, shape):
    """Return one torch module; `shape` is its input's, channels last."""
    channels, kept = shape[-1], dict(options)
    bias = kept.get("bias", "yes") not in ("no", False)
    window = {"kernel_size": kept.get("kernel"), "stride": kept.get("stride"), "padding": kept.get("pad")}
    match kind:
        case "conv":
            return nn.Conv2d(channels, kept["out"], **window, groups=kept.get("groups", 1), bias=bias)
        case "transposed":
            return nn.ConvTranspose2d(channels, kept["out"], **window, groups=kept.get("groups", 1), bias=bias)
        case "dense":
            return nn.Linear(channels, kept["out"], bias=bias)
        case "attention":
            return First(nn.MultiheadAttention(channels, kept["heads"], batch_first=True), 3)
        case "lstm" | "gru" | "rnn":
            made = {"lstm": nn.LSTM, "gru": nn.GRU, "rnn": nn.RNN}[kind]
            return First(
                made(channels, kept["units"], batch_first=True, bidirectional=kept.get("bidirectional", False))
            )
        case "residual":
            main, _ = modules(kept["main"], shape)
            shortcut, _ = modules(kept["shortcut"], shape)
            return Residual(main, shortcut if len(shortcut) else nn.Identity())
    simple = {
        "batchnorm": lambda: nn.BatchNorm2d(channels, affine=kept.get("scale", True)),
        "instancenorm": lambda: nn.InstanceNorm2d(channels, affine=kept.get("scale", False)),
        "groupnorm": lambda: nn.GroupNorm(kept["groups"], channels),
        "layernorm": lambda: nn.LayerNorm(channels),
        "rmsnorm": lambda: nn.RMSNorm(channels),
        "embedding": lambda: nn.Embedding(kept["words"], kept["out"]),
        "prelu": lambda: nn.PReLU(channels),
        "relu": nn.ReLU,
        "leakyrelu": nn.LeakyReLU,
        "gelu": nn.GELU,
        "dropout": nn.Dropout,
        "softmax": lambda: nn.Softmax(1),
        "flatten": nn.Flatten,
        "maxpool": lambda: nn.MaxPool2d(**window),
        "avgpool": lambda: nn.AvgPool2d(**window),
        "globalpool": lambda: nn.AdaptiveAvgPool2d(1),
        "adaptivepool": lambda: nn.AdaptiveAvgPool2d(kept["size"]),
        "upsample": lambda: nn.Upsample(scale_factor=kept["factor"], mode=kept.get("mode", "nearest")),
    }
    return simple[kind]()


def modules(layers, shape):
    made = []
    for kind, options in layers:
        named = {"main": options[0], "shortcut": options[1]} if kind == "residual" else options
        made.append(module(kind, named, shape))
        shape = count(network("one", [(kind, options)], shape)).output_shape
    return nn.Sequential(*made), shape


def by_torchinfo(model, given):
    import torchinfo

    summary = torchinfo.summary(model, input_data=given, verbose=0)
    return summary.total_params, summary.total_mult_adds


def by_fvcore(model, given):
    from fvcore.nn import FlopCountAnalysis, parameter_count

    return parameter_count(model)[""], FlopCountAnalysis(model, (given,)).total()


def by_ptflops(model, given):
    from ptflops import get_model_complexity_info

    settings = {"as_strings": False, "print_per_layer_stat": False, "backend": "aten"}
    with contextlib.redirect_stdout(io.StringIO()):
        done = get_model_complexity_info(model, tuple(given.shape[1:]), input_constructor=lambda _: given, **settings)
    return done[1], done[0]


def by_thop(model, given):
    from thop import profile

    operations, held = profile(model, inputs=(given,), verbose=False)
    return int(held), int(operations)


def by_torch(model, given):
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter:
        model(given)
    return sum(parameter.numel() for parameter in model.parameters()), counter.get_total_flops() // 2


TOOLS = {
    "torchinfo": by_torchinfo,
    "fvcore": by_fvcore,
    "ptflops": by_ptflops,
    "thop": by_thop,
    "torchvision": by_torch,
}
FUSED_HERE = {("torchvision", "transformer"), ("torchvision", "lstm")}
"""PyTorch's counter does not see these layers' fused kernels on a CPU; on a GPU it does see attention."""


def main():
    differ = 0
    print(f"{'network':14}{'tool':13}{'parameters':>12}{'operations':>16}")
    for name, (layers, shape) in NETWORKS.items():
        counted = count(network(name, layers, shape))
        torch.manual_seed(0)
        given = torch.zeros((1, *shape[-1:], *shape[:-1]) if len(shape) == 3 else (1, *shape))
        given = given.long() if len(shape) == 1 else given
        model = modules(layers, shape)[0].eval()
        for tool, run in TOOLS.items():
            theirs, reading = run(copy.deepcopy(model), given), read_as(counted, tool)
            agree = theirs == (reading.params, reading.operations)
            excused = (tool, name) in FUSED_HERE
            differ += not (agree or excused)
            word = "agree" if agree else f"{'fused' if excused else 'DIFFER'}: {theirs[0]:,} {theirs[1]:,}"
            print(f"{name:14}{tool:13}{reading.params:>12,}{reading.operations:>16,}  {word}", flush=True)
    assert set(TOOLS) <= set(CONVENTIONS)
    return 1 if differ else 0


if __name__ == "__main__":
    sys.exit(main())
