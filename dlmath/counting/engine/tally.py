"""The result of counting one layer: totals that are the products they are explained by."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dlmath.counting.engine.graph import Shape
    from dlmath.counting.engine.shapes import Window

    Options = Mapping[str, Any]

QUANTITIES = (
    *("weights", "biases", "buffers"),
    *("macs", "bias_adds", "norm_ops", "pool_ops", "activation_ops", "join_ops"),
)
"""What is counted; the first three are held, the others are done for every input."""


class TallyTerm(NamedTuple):
    """One product in the count of a quantity, with a word for each factor.

    Attributes
    ----------
    quantity : str
        One of `QUANTITIES`.
    labels : tuple of str
    factors : tuple of int

    Examples
    --------
    >>> term = TallyTerm("weights", ("kernel", "kernel", "in", "out"), (3, 3, 64, 128))
    >>> term.value, term.text()
    (73728, '3 x 3 x 64 x 128')
    """

    quantity: str
    labels: tuple[str, ...]
    factors: tuple[int, ...]

    @property
    def value(self) -> int:
        """The product of the factors."""
        product = 1
        for factor in self.factors:
            product *= factor
        return product

    def text(self) -> str:
        """Return the factors as they are multiplied."""
        return " x ".join(map(str, self.factors)) or "1"


AXES: dict[int, tuple[str, ...]] = {
    0: (),
    1: ("features",),
    2: ("steps", "features"),
    3: ("height", "width", "channels"),
    4: ("depth", "height", "width", "channels"),
}
"""What the axes of a tensor are usually called, by their number."""


def every(quantity: str, shape: Shape, **more: int) -> TallyTerm:
    """Return so much work for every element of a tensor: its sizes, then what each element takes.

    >>> every("norm_ops", (7, 7, 64), operations=2).text()
    '7 x 7 x 64 x 2'
    """
    labels = AXES.get(len(shape), ("size",) * len(shape))
    return TallyTerm(quantity, (*labels, *more), (*shape, *more.values()))


class Count(NamedTuple):
    """What one layer gives, holds and does for one input, once.

    Attributes
    ----------
    output : tuple of int
        Shape of the output.
    weights, biases : int
        Parameters.
    buffers : int
        Numbers kept with the layer that no gradient changes: running means and variances, frozen scales.
    macs : int
        Multiply-accumulates of convolutions, dense layers and attention; without biases.
    bias_adds, norm_ops, pool_ops, activation_ops, join_ops : int
        Additions of biases; operations of normalisation and of pooling (additions, multiplications, comparisons: one
        each); elements that pass an activation function; additions or multiplications where branches join.
    terms : tuple of TallyTerm
        The products whose sums the numbers above are.
    windows : tuple of Window, or None
        One an axis of space where outputs look at a window of the input; empty where each output sees its own
        position only; None where positions lose their meaning (a reshape, attention), so that everything is seen.
    view : bool
        Whether the output is the input's memory under another shape.
    extra_links : int
        Connections beyond macs + bias_adds, as LeCun counts them (the inputs that a trainable pooling adds up).
    missing : tuple of str
        Quantities that cannot be known; their numbers above are not to be trusted.
    notes : tuple of str
        What the reader of the counts should know.
    """

    output: Shape
    weights: int = 0
    biases: int = 0
    buffers: int = 0
    macs: int = 0
    bias_adds: int = 0
    norm_ops: int = 0
    pool_ops: int = 0
    activation_ops: int = 0
    join_ops: int = 0
    terms: tuple[TallyTerm, ...] = ()
    windows: tuple[Window, ...] | None = ()
    view: bool = False
    extra_links: int = 0
    missing: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def params(self) -> int:
        """Weights and biases."""
        return self.weights + self.biases

    @property
    def connections(self) -> int:
        """Links between units, biases among them: what LeCun's papers count."""
        return self.macs + self.bias_adds + self.extra_links


HELD = ("weights", "biases", "buffers")


def kept(counted: Count, held: tuple[int, int, int] | None) -> Count:
    """Return a count whose parameters are those a file has for the layer; the formula's own terms where they agree."""
    if held is None or held == (counted.weights, counted.biases, counted.buffers):
        return counted
    of_file = tuple(
        TallyTerm(name, ("the file's tensors",), (size,)) for name, size in zip(HELD, held, strict=True) if size
    )
    terms = (*of_file, *(term for term in counted.terms if term.quantity not in HELD))
    missing = tuple(name for name in counted.missing if name != "weights")
    return counted._replace(weights=held[0], biases=held[1], buffers=held[2], terms=terms, missing=missing)


def tally(
    output: Shape,
    terms: Sequence[TallyTerm] = (),
    windows: tuple[Window, ...] | None = (),
    *,
    view: bool = False,
    extra_links: int = 0,
    missing: tuple[str, ...] = (),
    notes: tuple[str, ...] = (),
) -> Count:
    """Return the count whose totals are the sums of its terms, term by term.

    >>> tally((4,), [TallyTerm("weights", ("in", "out"), (3, 4)), TallyTerm("biases", ("out",), (4,))]).params
    16
    """
    totals = dict.fromkeys(QUANTITIES, 0)
    for term in terms:
        totals[term.quantity] += term.value
    return Count(
        output,
        **totals,
        terms=tuple(terms),
        windows=windows,
        view=view,
        extra_links=extra_links,
        missing=missing,
        notes=notes,
    )
