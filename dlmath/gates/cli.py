"""`dlmath train-gate`: its words. What they do is in `dlmath.gates.command`."""

from typing import TYPE_CHECKING, Annotated

import typer

from dlmath.frame.app import app
from dlmath.frame.options import JOBS, SEED, choice, completer, subcommand

if TYPE_CHECKING:
    from dlmath.frame.outcome import Outcome
    from dlmath.frame.output import Output

ACTIVATIONS = ("sigmoid", "tanh", "relu", "leaky-relu", "elu", "selu", "gelu", "swish", "softplus", "linear", "step")
INITS = (
    *("glorot", "glorot-normal", "he", "lecun", "uniform:A", "uniform:A:B"),
    *("normal:SIGMA", "orthogonal", "zeros", "constant:C"),
)
GATES = ("and", "or", "nand", "nor", "xor", "xnor", "not", "identity", "implies", "parity:3", "majority:3", "0110")


@subcommand(app, "train-gate")
def train_gate(
    gate: Annotated[
        str | None,
        typer.Argument(
            metavar="GATE",
            help="and, or, nand, nor, xor, xnor (and:3 for more inputs), not, identity, implies, parity:N, majority:N; "
            "a truth table such as 0110; a file of rows (.csv, .yaml; - is standard input).",
            autocompletion=completer(GATES),
            show_default=False,
        ),
    ] = None,
    *,
    rule: Annotated[
        str, choice("--rule", ("backprop", "perceptron"), "How the weights learn.  [default: backprop]")
    ] = "backprop",
    hidden: Annotated[
        str | None,
        typer.Option("--hidden", metavar="WIDTHS", help="Hidden layers: 4, or 4,3, or none.  [default: 4]"),
    ] = None,
    activation: Annotated[
        str | None, choice("--activation", ACTIVATIONS, "Of the hidden units.  [default: sigmoid]")
    ] = None,
    output_activation: Annotated[
        str | None, choice("--output-activation", ACTIVATIONS, "Of the output units.  [default: sigmoid]")
    ] = None,
    loss: Annotated[
        str | None,
        choice(
            "--loss",
            ("mse", "half-sse", "cross-entropy"),
            "mse: mean over rows and outputs of the squared error; half-sse: half its sum; cross-entropy: mean, binary."
            "  [default: mse]",
        ),
    ] = None,
    optimizer: Annotated[
        str | None,
        choice("--optimizer", ("sgd", "momentum", "nesterov", "rmsprop", "adam"), "The step.  [default: sgd]"),
    ] = None,
    learning_rate: Annotated[
        float | None,
        typer.Option("--learning-rate", metavar="ETA", help="Step size.  [default: by optimizer; perceptron: 1]"),
    ] = None,
    momentum: Annotated[
        float | None, typer.Option("--momentum", metavar="MU", help="For momentum and nesterov.  [default: 0.9]")
    ] = None,
    epochs: Annotated[
        int | None, typer.Option("--epochs", metavar="N", help="Most passes over the table.  [default: 5000]")
    ] = None,
    tolerance: Annotated[
        float | None,
        typer.Option("--tolerance", metavar="T", help="Learned when every output is this near.  [default: 0.1]"),
    ] = None,
    bias: Annotated[
        str,
        choice("--bias", ("neuron", "layer", "none"), "One a unit, one a layer, none.  [default: neuron]"),
    ] = "neuron",
    init: Annotated[
        str | None,
        typer.Option(
            "--init",
            metavar="|".join(INITS),
            help="How weights start.  [default: glorot; perceptron: zeros]",
            autocompletion=completer(INITS),
        ),
    ] = None,
    bias_init: Annotated[
        str | None,
        typer.Option("--bias-init", metavar="INIT", help="How biases start: as --init.  [default: zeros]"),
    ] = None,
    dtype: Annotated[
        str | None, choice("--dtype", ("float64", "float32"), "Precision of the arithmetic.  [default: float64]")
    ] = None,
    batch: Annotated[
        str | None,
        choice(
            "--batch",
            ("full", "online"),
            "One update an epoch, or one a row.  [default: full; perceptron: online]",
        ),
    ] = None,
    inputs: Annotated[
        str, choice("--inputs", ("01", "pm1"), "Inputs coded 0 and 1, or -1 and 1.  [default: 01]")
    ] = "01",
    weights: Annotated[
        str | None,
        typer.Option("--weights", metavar="FILE", help="Start from these weights (.npz, .yaml, .json)."),
    ] = None,
    fixed_biases: Annotated[bool, typer.Option("--fixed-biases", help="Biases are not updated.")] = False,
    seed: SEED = 0,
    seeds: Annotated[
        int,
        typer.Option("--seeds", metavar="N", help="Train N networks, seeds SEED to SEED+N-1, at once.  [default: 1]"),
    ] = 1,
    jobs: JOBS = 1,
    check_gradients: Annotated[
        bool, typer.Option("--check-gradients", help="Compare every gradient with central differences.")
    ] = False,
    save: Annotated[
        str | None, typer.Option("--save", metavar="FILE", help="Write the trained weights (.npz).")
    ] = None,
    separable: Annotated[
        int | None,
        typer.Option(
            "--separable",
            metavar="N",
            help="Without GATE: count the functions of N inputs a perceptron learns.",
        ),
    ] = None,
    output: "Output",
) -> "Outcome":
    """Train a perceptron or a small network on a logic gate, and show every number on request.

    Exit status 0 when the gate was learned, 1 when it was not: dlmath train-gate xor && echo learned
    """
    options = dict(locals())
    del options["output"]
    from dlmath.gates.command import Words, run

    return run(Words(**options), output)
