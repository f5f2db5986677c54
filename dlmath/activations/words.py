"""`dlmath activation`: its options, each once."""

from dlmath.frame.words import FINITE, argument, option
from dlmath.frame.words import Words as Record
from dlmath.neural.names import ACTIVATIONS

UNIT, VALUES = "a unit phi(W x + b)", "values"


class Words(Record):
    """The words of one call; None stands for "not given"."""

    names: list[str] | None = argument(
        "NAME", "Activation functions, as sigmoid tanh leaky-relu:0.2; without one, all are listed.",
        suggestions=tuple(ACTIVATIONS), aliases=("activation",),
    )  # fmt: skip
    at: str | None = option("Where to tell value and slope.", metavar="X,...", usual="-2,-1,0,1,2", panel=VALUES)
    range: str | None = option(
        "Of x, in drawings.", metavar="LOW:HIGH", usual="-5:5, wider where a bias shifts", panel=VALUES
    )
    weight: float | None = option("Stretches: phi(W x + b).", metavar="W", within=FINITE, usual="1", panel=UNIT)
    bias: str | None = option("Shift by -b / W: phi(W x + b), one curve each.", metavar="B,...", panel=UNIT)


RESULTS = {
    "activations.*.name": "its name",
    "activations.*.equation": "a = phi(z)",
    "activations.*.derivative": "da/dz",
    "activations.*.source": "who published it",
    "activations.*.range.*": "infimum and supremum of phi",
    "activations.*.max_slope": "the largest absolute slope",
    "activations.*.mean": "E phi(z), z ~ N(0, 1)",
    "activations.*.second_moment": "E phi(z)^2",
    "activations.*.slope_moment": "E phi'(z)^2",
    "activations.*.kinks.*": "where phi or a derivative of it jumps",
    "activations.*.aliases.*": "other names of it",
    "activations.*.at.*.x": "the place asked for",
    "activations.*.at.*.value": "phi(x)",
    "activations.*.at.*.slope": "phi'(x), at a kink the left one",
    "activations.*.units.*.weight": "--weight, --bias: W of phi(W x + b)",
    "activations.*.units.*.bias": "b",
    "activations.*.units.*.shift": "-b / W: where the curve has what phi has at 0; null for W = 0",
    "activations.*.units.*.at.*.x": "the place asked for",
    "activations.*.units.*.at.*.value": "phi(W x + b)",
    "activations.*.units.*.at.*.slope": "W phi'(W x + b)",
}


def results(_words: Words) -> dict[str, str]:
    """Return what the result holds."""
    return RESULTS
