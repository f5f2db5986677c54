"""`dlmath param-count`: its words. What they do is in `dlmath.counting.command`."""

from typing import TYPE_CHECKING, Annotated

import typer

from dlmath.frame.app import app
from dlmath.frame.options import choice, completer, subcommand

if TYPE_CHECKING:
    from dlmath.frame.outcome import Outcome
    from dlmath.frame.output import Output

CONVENTIONS = ("torchvision", "torchinfo", "fvcore", "ptflops", "thop", "keras", "paper")
OPTIMIZERS = ("sgd", "momentum", "nesterov", "rmsprop", "adam")
DTYPES = ("float32", "float64", "float16", "bfloat16", "int8")
UNITS = ("exact", "auto", "K", "M", "G")
AUXILIARY = ("without", "parameters", "with")


def model_names() -> list[str]:
    """Return the names of the zoo, for completion."""
    from dlmath.counting.command import model_names

    return model_names()


@subcommand(app, "param-count")
def param_count(
    layers: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="LAYER",
            help="A chain in order: conv:3x3x64, conv:7x7x64/2,pad=3, dense:10, maxpool:3/2, relu.",
            show_default=False,
        ),
    ] = None,
    *,
    conv: Annotated[
        list[str] | None,
        typer.Option("--conv", metavar="KHxKWxOUT", help="A convolution: 3x3x128; several follow one another."),
    ] = None,
    input_shape: Annotated[
        str | None, typer.Option("--input", metavar="HxWxC", help="What goes in: 112x112x64, or a vector 784.")
    ] = None,
    padding: Annotated[
        str | None, typer.Option("--padding", metavar="same|valid", help="Of layers that do not say.  [default: same]")
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            metavar="NAME|FILE",
            help="A network of the zoo, or a file: .yaml, .keras, .onnx, .safetensors, .npz.",
            autocompletion=completer(model_names),
        ),
    ] = None,
    compare: Annotated[
        list[str] | None,
        typer.Option(
            "--compare",
            metavar="SPEC",
            help='An alternative beside it: "conv:1x1x128", 1x1x128, a model, or dense (of the same output).',
        ),
    ] = None,
    convention: Annotated[
        str | None, choice("--convention", CONVENTIONS, "Count as that tool does.  [default: torchvision]")
    ] = None,
    reconcile: Annotated[
        bool, typer.Option("--reconcile", help="Every convention's figures, and the items that make the difference.")
    ] = False,
    check: Annotated[
        list[str] | None,
        typer.Option(
            "--check", metavar="KEY=VALUE", help="Exit 1 unless params, macs, output_shape, ... is that; says why not."
        ),
    ] = None,
    solve: Annotated[
        str | None,
        typer.Option(
            "--solve",
            metavar="KEY=LIMIT",
            help="Put ? for a number: the largest with params=1M or less.",
        ),
    ] = None,
    auxiliary: Annotated[
        str | None, choice("--auxiliary", AUXILIARY, "What of auxiliary heads counts.  [default: as its source says]")
    ] = None,
    dtype: Annotated[str, choice("--dtype", DTYPES, "For the memory.  [default: float32]")] = "float32",
    batch: Annotated[int, typer.Option("--batch", metavar="N", help="For the memory.")] = 1,
    optimizer: Annotated[str, choice("--optimizer", OPTIMIZERS, "For the memory.  [default: sgd]")] = "sgd",
    units: Annotated[
        str, choice("--units", UNITS, "Of figures in tables: K, M, G are 10^3, 10^6, 10^9.  [default: exact]")
    ] = "exact",
    list_models: Annotated[bool, typer.Option("--list-models", help="Name the networks of the zoo.")] = False,
    output: "Output",
) -> "Outcome":
    """Count parameters, operations, shapes, receptive fields and memory of layers and whole networks.

    A multiply-accumulate (MAC) is one multiply and one add; flops are 2 x macs. Biases, normalisation, pooling and
    activations are counted apart, never silently.
    """
    options = dict(locals())
    del options["output"]
    from dlmath.counting.command import Words, run

    return run(Words(**options), output)
