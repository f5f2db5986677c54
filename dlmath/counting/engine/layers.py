"""The one registry of layers: what the command line, YAML, the zoo and the readers of model files can name.

A family's module is imported when one of its layers is counted, so that a single layer costs a single import.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from dlmath.errors import ShapeError, unknown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dlmath.counting.engine.graph import Shape
    from dlmath.counting.engine.options import LayerKind
    from dlmath.counting.engine.tally import Count

_FAMILIES = {
    "convolutions": "conv conv1d conv3d depthwise separable transposed transposed1d transposed3d local local1d partial",
    "dense": "dense rbf embedding positions classtoken parameter scale",
    "pooling": (
        "maxpool maxpool1d maxpool3d avgpool avgpool1d avgpool3d globalpool globalmaxpool adaptivepool "
        "adaptivemaxpool subsample roipool roialign"
    ),
    "normalisation": "batchnorm layernorm groupnorm instancenorm rmsnorm l2norm lrn",
    "sequences": "attention lstm gru rnn",
    "pointwise": (
        "relu relu6 leakyrelu elu selu celu gelu silu swish mish sigmoid tanh hardsigmoid hardswish hardtanh softplus "
        "softsign softmax logsoftmax exponential step prelu dropout stochasticdepth identity add subtract multiply "
        "average maximum minimum concat matmul"
    ),
    "shaping": "input flatten reshape permute zeropad padchannels crop upsample resize take slice mean opaque",
}
FAMILY = {kind: family for family, kinds in _FAMILIES.items() for kind in kinds.split()}
"""The module that knows each kind of layer."""

ALIASES = {
    "pool": "maxpool",
    "conv2d": "conv",
    "linear": "dense",
    "fc": "dense",
    "globalavgpool": "globalpool",
    "deconv": "transposed",
    "bn": "batchnorm",
    "mha": "attention",
}
"""Other words for a kind."""


def canonical(word: str) -> str:
    """Return the name of a kind as the registry has it, in any case, with or without `-` and `_`.

    Raises
    ------
    InvalidValueError
        For an unknown kind, with the nearest.

    Examples
    --------
    >>> canonical("Pool"), canonical("batch_norm")
    ('maxpool', 'batchnorm')
    """
    plain = word.strip().lower().replace("-", "").replace("_", "")
    kind = ALIASES.get(plain, plain)
    if kind not in FAMILY:
        raise unknown("layer", word.strip()[:40], [*FAMILY, *ALIASES])
    return kind


def get_kind(name: str) -> LayerKind:
    """Return the kind of that name (as `canonical` gives it).

    >>> get_kind("dense").example
    'dense:4096'
    """
    found: LayerKind = import_module(f"dlmath.counting.engine.{FAMILY[name]}").KINDS[name]
    return found


def count_layer(name: str, options: Mapping[str, object], shapes: tuple[Shape, ...]) -> Count:
    """Return what one layer gives, holds and does.

    Parameters
    ----------
    name : str
        A key of `FAMILY`.
    options : mapping
        As text or as Python values; what is left out has its default.
    shapes : tuple of shapes
        One for each input.

    Raises
    ------
    InvalidValueError, ShapeError
        For options the layer does not take, and shapes it cannot have.

    Examples
    --------
    >>> count = count_layer("conv", {"kernel": 3, "out": 128}, ((112, 112, 64),))
    >>> count.output, count.params, count.macs
    ((112, 112, 128), 73856, 924844032)
    """
    from dlmath.counting.engine.options import resolve

    kind = get_kind(name)
    fewest, most = kind.inputs
    if not fewest <= len(shapes) <= (most if most is not None else len(shapes)):
        wanted = str(fewest) if most == fewest else f"{fewest} or more" if most is None else f"{fewest} to {most}"
        raise ShapeError(f"{name} has {len(shapes)} inputs", f"give it {wanted}")
    return kind.formula(resolve(name, kind, options), shapes)
