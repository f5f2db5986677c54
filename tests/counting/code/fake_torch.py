"""A stand-in for PyTorch that knows one thing: how many parameters each layer has.

Programs of `--code torch` are built with it where PyTorch is not installed, and their parameters added up by formulas
that nothing else in the program shares.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from types import ModuleType, SimpleNamespace


def _size(value):
    if isinstance(value, int):
        return value
    product = 1
    for axis in value:
        product *= axis
    return product


def _kernel(size, rank):
    return size**rank if isinstance(size, int) else _size(size)


class Module:
    """Holds parameters of its own, and those of the modules it is given."""

    def __init__(self, *_args, **_options):
        self.own = 0

    def __call__(self, *_args, **_options):
        return SimpleNamespace(shape=())

    def requires_grad_(self, flag):
        self.frozen = not flag
        return self

    def register_buffer(self, name, value):
        del name, value

    def parts(self):
        for value in vars(self).values():
            for item in value if isinstance(value, (list, tuple)) else [value]:
                if isinstance(item, Module):
                    yield item

    def count(self, seen=None):
        seen = set() if seen is None else seen
        if id(self) in seen:
            return 0
        seen.add(id(self))
        return getattr(self, "own", 0) + sum(part.count(seen) for part in self.parts())


def _layer(own):
    class Layer(Module):
        def __init__(self, *args, **options):
            super().__init__()
            self.own = own(*args, **options)

    return Layer


def _conv(rank):
    def own(fan_in, out, kernel_size, *, groups=1, bias=True, **_):
        return _kernel(kernel_size, rank) * (fan_in // groups) * out + bias * out

    return own


def _norm(features, *, affine=True, elementwise_affine=True, **_):
    return 2 * _size(features) * (affine and elementwise_affine)


def _attention(width, heads, *, bias=True, kdim=None, vdim=None, **_):
    del heads
    return width * (2 * width + (kdim or width) + (vdim or width)) + bias * 4 * width


def _recurrent(gates):
    def own(fan_in, units, *, bias=True, bidirectional=False, **_):
        return (1 + bidirectional) * gates * units * (fan_in + units + 2 * bias)

    return own


class Parameter(Module):
    def __init__(self, tensor):
        super().__init__()
        self.own = _size(tensor.shape) if tensor.shape else 1


class Sequential(Module):
    def __init__(self, *layers):
        super().__init__()
        self.layers = list(layers)


def _tensor(*shape, **_):
    shape = shape[0] if len(shape) == 1 and isinstance(shape[0], tuple) else shape
    return SimpleNamespace(shape=shape)


def _modules():
    nothing = _layer(lambda *_, **__: 0)
    known = {
        **{f"Conv{rank}d": _layer(_conv(rank)) for rank in (1, 2, 3)},
        **{f"ConvTranspose{rank}d": _layer(_conv(rank)) for rank in (1, 2, 3)},
        **{f"BatchNorm{rank}d": _layer(_norm) for rank in (1, 2, 3)},
        "Linear": _layer(lambda fan_in, out, bias=True: fan_in * out + bias * out),
        "LayerNorm": _layer(
            lambda shape, *, elementwise_affine=True, bias=True: (1 + bias) * elementwise_affine * _size(shape)
        ),
        "RMSNorm": _layer(lambda shape, *, elementwise_affine=True: elementwise_affine * _size(shape)),
        "GroupNorm": _layer(lambda _, channels, *, affine=True: 2 * affine * channels),
        "Embedding": _layer(lambda words, out: words * out),
        "MultiheadAttention": _layer(_attention),
        "LSTM": _layer(_recurrent(4)),
        "GRU": _layer(_recurrent(3)),
        "RNN": _layer(_recurrent(1)),
        "PReLU": _layer(lambda slopes: slopes),
        "Module": Module,
        "Sequential": Sequential,
        "Parameter": Parameter,
        "ModuleList": lambda modules: Sequential(*modules),
    }
    nn = ModuleType("torch.nn")
    nn.__getattr__ = lambda name: known.get(name, nothing)
    functional = ModuleType("torch.nn.functional")
    functional.__getattr__ = lambda _: _tensor
    nn.functional = functional
    torch = ModuleType("torch")
    torch.nn = nn
    torch.zeros = torch.ones = torch.full = _tensor
    return {"torch": torch, "torch.nn": nn, "torch.nn.functional": functional}


@contextmanager
def installed():
    """Let programs import the stand-in within the block."""
    before = {name: sys.modules.get(name) for name in ("torch", "torch.nn", "torch.nn.functional")}
    sys.modules.update(_modules())
    try:
        yield
    finally:
        for name, module in before.items():
            if module is None:
                del sys.modules[name]
            else:
                sys.modules[name] = module


def built(text):
    """Return the model that a program builds, as the stand-in has it."""
    with installed():
        scope = {"__name__": "program"}
        exec(compile(text, "program", "exec"), scope)  # noqa: S102  a program of ours
        return scope["build"](), scope
