"""`dlmath activation`: functions looked up, sampled and shown."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from dlmath.activations.engine.curves import at_places, means, unit
from dlmath.activations.report import tables as report
from dlmath.activations.report.result import Shown, as_json
from dlmath.errors import InvalidValueError
from dlmath.frame.outcome import Outcome
from dlmath.neural.activations import ACTIVATIONS, get_activation

if TYPE_CHECKING:
    from dlmath.activations.words import Words
    from dlmath.frame.output import Output
    from dlmath.neural.activations import Activation

PLACES = (-2.0, -1.0, 0.0, 1.0, 2.0)
SPAN = (-5.0, 5.0)
LARGEST = 1e6
"""Places, biases and ranges are at most this."""
MOST = 200
"""Places and biases of one call."""


class CurvesRequest(NamedTuple):
    """What is asked for, read and checked.

    Attributes
    ----------
    activations : list of Activation
    places, biases : tuple of float
    weight : float
    span : tuple of float
        Of x, in drawings.
    listed : bool
        No name was given: all are listed.
    """

    activations: list[Activation]
    places: tuple[float, ...]
    biases: tuple[float, ...]
    weight: float
    span: tuple[float, float]
    listed: bool


def read(words: Words) -> CurvesRequest:
    """Return what the words ask for.

    Raises
    ------
    InvalidValueError
    """
    names = list(dict.fromkeys(name.lower() for name in words.names or ACTIVATIONS))
    places = PLACES if words.at is None else numbers("--at", words.at)
    weight = 1.0 if words.weight is None else words.weight
    asked = words.bias is not None or words.weight is not None
    biases = (0.0,) if words.bias is None else numbers("--bias", words.bias)
    span = span_of(words.range, weight, biases if asked else ())
    return CurvesRequest(
        [get_activation(name) for name in names], places, biases if asked else (), weight, span, not words.names
    )


def numbers(option: str, word: str) -> tuple[float, ...]:
    """Return the numbers of a list.

    >>> numbers("--at", "-1, 0.5")
    (-1.0, 0.5)
    """
    numbers_ = []
    for part in word.split(","):
        try:
            number = float(part)
        except ValueError:
            number = math.nan
        if not abs(number) <= LARGEST:
            mend = f"give numbers from -{LARGEST:g} to {LARGEST:g}, as -1,0,0.5"
            raise InvalidValueError(f"{option} {word}: {part.strip()!r} is not allowed", mend)
        numbers_.append(number)
    if len(numbers_) > MOST:
        raise InvalidValueError(f"{option} lists {len(numbers_)} numbers", f"give at most {MOST}")
    return tuple(numbers_)


def span_of(word: str | None, weight: float, biases: tuple[float, ...]) -> tuple[float, float]:
    """Return the range of x that is drawn: as asked for, or wide enough to see where the biases shift.

    >>> span_of(None, 1.0, (-4.0, 0.0)), span_of("0:3", 1.0, ())
    ((-5.0, 9.0), (0.0, 3.0))
    """
    if word is None:
        shifts = [-bias / weight for bias in biases] if weight else []
        shifts = [shift for shift in shifts if abs(shift) <= LARGEST]
        return SPAN[0] + min([0.0, *shifts]), SPAN[1] + max([0.0, *shifts])
    try:
        low, high = map(float, word.split(":"))
    except ValueError:
        low, high = math.nan, math.nan
    if not -LARGEST <= low < high <= LARGEST:
        raise InvalidValueError(f"--range {word} is no range", f"write it LOW:HIGH within {LARGEST:g}, as -5:5")
    return low, high


def shown_of(request: CurvesRequest) -> list[Shown]:
    """Return the activations with their means, values and units."""
    return [
        Shown(
            phi, means(phi), at_places(phi, request.places),
            tuple(unit(phi, request.weight, bias, request.places) for bias in request.biases),
        )
        for phi in request.activations
    ]  # fmt: skip


def show(words: Words, output: Output) -> Outcome:
    """Return the activations asked for, or all."""
    request = read(words)
    shown = shown_of(request)
    resolved = {"names": [phi.name for phi in request.activations], "at": list(request.places), "range": request.span}
    return Outcome(
        command="activation",
        settings={**words.as_dict(), **resolved, "weight": request.weight, **output.settings()},
        result={"activations": [as_json(entry) for entry in shown]},
        table=report.main_table(shown),
        blocks=partial(report.blocks, shown, request.span, output.streams.columns, listed=request.listed),
        explanation=partial(report.explanation, shown) if output.explain else None,
        picture=partial(picture, shown, request.span),
    )


def picture(shown: list[Shown], span: tuple[float, float], ending: str) -> bytes:
    """Draw the figure of --plot."""
    from dlmath.activations.report.plots import figure
    from dlmath.report.figures import drawn

    return drawn(figure(shown, span), ending)
