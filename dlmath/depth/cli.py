"""`dlmath vanishing`: its words. What they do is in `dlmath.depth.command`."""

from typing import TYPE_CHECKING, Annotated

import typer

from dlmath.frame.app import app
from dlmath.frame.options import SEED, choice, completer, subcommand

if TYPE_CHECKING:
    from dlmath.frame.outcome import Outcome
    from dlmath.frame.output import Output

ACTIVATIONS = ("sigmoid", "tanh", "relu", "leaky-relu", "elu", "selu", "gelu", "swish", "softplus", "linear")
INITS = ("glorot", "glorot-normal", "he", "lecun", "uniform:A", "uniform:A:B", "normal:SIGMA", "orthogonal", "lsuv")
NORMALIZE = ("none", "layer", "batch")
METHODS = ("auto", "law", "explicit")
RESIDUALS = ("none", "pre", "post")


@subcommand(app, "vanishing")
def vanishing(
    *,
    depth: Annotated[int, typer.Option("--depth", metavar="L", help="Layers.")] = 30,
    width: Annotated[int, typer.Option("--width", metavar="N", help="Units a layer.")] = 256,
    batch: Annotated[int, typer.Option("--batch", metavar="B", help="Inputs at once (more than 1: explicit).")] = 1,
    seeds: Annotated[int, typer.Option("--seeds", metavar="S", help="Networks, seeds SEED to SEED+S-1.")] = 1,
    seed: SEED = 0,
    activation: Annotated[
        list[str] | None,
        typer.Option(
            "--activation",
            metavar="|".join(ACTIVATIONS),
            help="Repeatable: every combination is measured.  [default: sigmoid]",
            autocompletion=completer(ACTIVATIONS),
            show_default=False,
        ),
    ] = None,
    init: Annotated[
        list[str] | None,
        typer.Option(
            "--init",
            metavar="|".join(INITS),
            help="Repeatable; uniform:0:1 is the seed's own.  [default: glorot]",
            autocompletion=completer(INITS),
            show_default=False,
        ),
    ] = None,
    weight_std: Annotated[
        float | None,
        typer.Option("--weight-std", metavar="SIGMA_W", help="Variance SIGMA_W^2 / fan_in; overrides --init."),
    ] = None,
    bias_std: Annotated[
        float | None, typer.Option("--bias-std", metavar="SIGMA_B", help="Of the biases.  [default: 0]")
    ] = None,
    residual: Annotated[
        bool, typer.Option("--residual", help="Residual connections, pre-activation: x + W phi(x) + b.")
    ] = False,
    residual_kind: Annotated[
        str | None, choice("--residual-kind", RESIDUALS, "pre: x + W phi(x) + b; post: x + phi(W x + b).")
    ] = None,
    normalize: Annotated[str, choice("--normalize", NORMALIZE, "Before each activation.  [default: none]")] = "none",
    clip: Annotated[
        float | None, typer.Option("--clip", metavar="NORM", help="Clip the gradient's norm at every layer.")
    ] = None,
    method: Annotated[
        str, choice("--method", METHODS, "Exact law without matrices, or explicit matrices.  [default: auto]")
    ] = "auto",
    dtype: Annotated[
        str, choice("--dtype", ("float32", "float64"), "Of explicit matrices.  [default: float32]")
    ] = "float32",
    critical: Annotated[
        bool, typer.Option("--critical", help="Solve for SIGMA_W (or SIGMA_B) so that chi_1 = 1.")
    ] = False,
    phase_diagram: Annotated[
        bool, typer.Option("--phase-diagram", help="Order and chaos over SIGMA_W and SIGMA_B.")
    ] = False,
    train: Annotated[
        int | None, typer.Option("--train", metavar="N", help="Also train N steps of parity, and say what moved.")
    ] = None,
    output: "Output",
) -> "Outcome":
    """Measure how activations and gradients travel through depth, beside the theory that predicts it.

    The factor of the gradient's norm per layer going backward: below 1 it vanishes, above 1 it explodes.
    """
    options = dict(locals())
    del options["output"]
    from dlmath.depth.command import Words, run

    return run(Words(**options), output)
