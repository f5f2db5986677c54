"""The one registry of layers: what the command line, YAML, the zoo and the readers of model files can name.

A family's module is imported when one of its layers is counted, so that a single layer costs a single import.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from dlmath.counting.engine.open_sizes import OPEN, UNRANKED
from dlmath.errors import ShapeError, unknown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dlmath.counting.engine.graph import Shape
    from dlmath.counting.engine.options import LayerKind
    from dlmath.counting.engine.tally import Count

_FAMILIES = {
    "convolutions": "conv conv1d conv3d depthwise separable transposed transposed1d transposed3d local local1d partial",
    "dense": "dense rbf embedding positions classtoken parameter scale bias",
    "pooling": (
        "maxpool maxpool1d maxpool3d avgpool avgpool1d avgpool3d globalpool globalmaxpool adaptivepool "
        "adaptivemaxpool subsample roipool roialign"
    ),
    "normalisation": "batchnorm layernorm groupnorm instancenorm rmsnorm l2norm lrn",
    "sequences": "attention lstm gru rnn",
    "windows": "windowattention channelshuffle spacetodepth rotary",
    "convlstm": "convlstm1d convlstm2d convlstm3d",
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
    **dict.fromkeys(("linear", "fc", "fullyconnected"), "dense"),
    **dict.fromkeys(("deconv", "conv2dtranspose", "convtranspose2d", "convtranspose"), "transposed"),
    **dict.fromkeys(("conv1dtranspose", "convtranspose1d"), "transposed1d"),
    **dict.fromkeys(("conv3dtranspose", "convtranspose3d"), "transposed3d"),
    **dict.fromkeys(("bn", "batchnorm1d", "batchnorm2d", "batchnorm3d", "batchnormalization"), "batchnorm"),
    **dict.fromkeys(("mha", "multiheadattention"), "attention"),
    **dict.fromkeys(("layernormalization", "ln"), "layernorm"),
    "groupnormalization": "groupnorm",
    "rmsnormalization": "rmsnorm",
    "conv2d": "conv",
    "depthwiseconv2d": "depthwise",
    "separableconv2d": "separable",
    "localresponsenorm": "lrn",
    "simplernn": "rnn",
    **dict.fromkeys(("maxpool2d", "maxpooling2d", "maxpooling"), "maxpool"),
    **dict.fromkeys(("avgpool2d", "averagepooling2d", "averagepool", "averagepooling"), "avgpool"),
    **{f"maxpooling{rank}d": f"maxpool{rank}d" for rank in (1, 3)},
    **{f"averagepooling{rank}d": f"avgpool{rank}d" for rank in (1, 3)},
    **{f"globalaveragepooling{rank}d": "globalpool" for rank in (1, 2, 3)},
    **{f"globalmaxpooling{rank}d": "globalmaxpool" for rank in (1, 2, 3)},
    **dict.fromkeys(("globalavgpool", "globalaveragepool", "globalaveragepooling", "gap"), "globalpool"),
    **{f"adaptiveavgpool{rank}d": "adaptivepool" for rank in (1, 2, 3)},
    **{f"adaptivemaxpool{rank}d": "adaptivemaxpool" for rank in (1, 2, 3)},
    **{f"zeropadding{rank}d": "zeropad" for rank in (1, 2, 3)},
    **{f"cropping{rank}d": "crop" for rank in (1, 2, 3)},
    **{f"upsampling{rank}d": "upsample" for rank in (1, 2, 3)},
    **{f"dropout{rank}d": "dropout" for rank in (1, 2, 3)},
    **{f"convlstm{rank}": f"convlstm{rank}d" for rank in (1, 2, 3)},
    "convlstm": "convlstm2d",
    "unflatten": "reshape",
    "concatenate": "concat",
}
"""Other words for a kind: Keras' and PyTorch's names among them."""


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
    given = resolve(name, kind, options)
    fewest, most = kind.inputs
    if not fewest <= len(shapes) <= (most if most is not None else len(shapes)):
        wanted = str(fewest) if most == fewest else f"{fewest} or more" if most is None else f"{fewest} to {most}"
        raise ShapeError(f"{name} has {len(shapes)} inputs", f"give it {wanted}")
    if () in shapes:
        raise ShapeError(f"{name} cannot take one number", "leave an axis before it")
    if any(shape is UNRANKED for shape in shapes) and not bears_unknown(name):
        return _unknown(name)
    return kind.formula(given, shapes)


def holds(kind: str) -> bool:
    """Return whether a kind of layer can have parameters.

    >>> holds("conv"), holds("relu"), holds("prelu")
    (True, False, True)
    """
    if FAMILY[kind] in {"shaping", "pointwise", "pooling", "windows"}:
        return kind in {"prelu", "subsample", "opaque", "windowattention"}
    return True


def multiplies(kind: str) -> bool:
    """Return whether a kind of layer can have multiply-accumulates.

    >>> multiplies("conv"), multiplies("batchnorm"), multiplies("matmul")
    (True, False, True)
    """
    return kind in {"matmul", "opaque", "dense", "rbf", "windowattention"} or FAMILY[kind] in {
        "convolutions",
        "sequences",
        "convlstm",
    }


def bears_unknown(kind: str) -> bool:
    """Return whether a formula says what is right of a shape of which nothing is known."""
    family = FAMILY[kind]
    if kind in {"concat", "matmul"}:
        return False
    return family in {"pointwise", "normalisation"} or kind in {"flatten", "reshape", "opaque", "embedding", "scale"}


def _unknown(kind: str) -> Count:
    """Return the count of a layer on a shape of which nothing is known."""
    from dlmath.counting.engine.tally import TallyTerm, tally

    held = (TallyTerm("weights", ("unknown",), (OPEN,)),) if holds(kind) else ()
    work = (TallyTerm("macs", ("unknown",), (OPEN,)),) if multiplies(kind) else ()
    return tally(UNRANKED, (*held, *work), None)
