"""Layers over sequences (steps, features): attention and recurrence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlmath.counting.engine.options import LayerKind, Option, at_least, flag, one_of
from dlmath.counting.engine.shapes import elements, shape_text
from dlmath.counting.engine.tally import TallyTerm, tally
from dlmath.errors import ShapeError

if TYPE_CHECKING:
    from collections.abc import Callable

    from dlmath.counting.engine.graph import Shape
    from dlmath.counting.engine.tally import Count, Options


def attention(options: Options, shapes: tuple[Shape, ...]) -> Count:
    """Count multi-head attention: four projections, the scores Q K^T and the weighted sums A V.

    Inputs are one sequence (self-attention), or query and value (and key, which has the value's steps).
    With q query steps, k key steps and h heads of `key` numbers each (values of `value`):
    macs = projections + q k h key + q k h value. Vaswani et al. 2017. `kv` heads make keys and values for all h, as
    grouped-query attention has it (Ainslie et al. 2023).
    """
    query, value = shapes[0], shapes[1] if len(shapes) > 1 else shapes[0]
    source = shapes[2] if len(shapes) > 2 else value
    _check_sequences(query, value, source)
    heads = options["heads"]
    grouped = options["kv"] or heads
    if heads % grouped:
        raise ShapeError(f"attention: {heads} heads cannot share {grouped} of keys", "let kv divide the heads")
    key, inner = _head_sizes(options, query[-1], heads)
    steps, seen, out = elements(query[:-1]), elements(value[:-1]), options["out"] or query[-1]
    terms = [
        *_projection("query", steps, query[-1], heads * key, bias=options["bias"]),
        *_projection("key", seen, source[-1], grouped * key, bias=options["bias"]),
        *_projection("value", seen, value[-1], grouped * inner, bias=options["bias"]),
        TallyTerm("macs", ("scores: heads", "queries", "keys", "head size"), (heads, steps, seen, key)),
        TallyTerm("macs", ("sums: heads", "queries", "keys", "head size"), (heads, steps, seen, inner)),
        *_projection("output", steps, heads * inner, out, bias=options["bias"]),
        TallyTerm("activation_ops", ("softmax: heads", "queries", "keys"), (heads, steps, seen)),
    ]
    return tally((*query[:-1], out), terms, None)


def _check_sequences(*shapes: Shape) -> None:
    for shape in shapes:
        if len(shape) < 2:
            raise ShapeError(f"attention cannot attend to {shape_text(shape)}", "give it a sequence STEPSxFEATURES")


def _head_sizes(options: Options, width: int, heads: int) -> tuple[int, int]:
    if options["key"] is None and width % heads:
        raise ShapeError(
            f"attention: {heads} heads do not divide {width} features", "choose heads that do, or give key="
        )
    key = options["key"] or width // heads
    return key, options["value"] or key


def _projection(name: str, steps: int, fan_in: int, out: int, *, bias: bool) -> tuple[TallyTerm, ...]:
    labels = f"{name}: in", "out"
    terms = (
        TallyTerm("weights", labels, (fan_in, out)),
        TallyTerm("macs", (f"{name}: steps", "in", "out"), (steps, fan_in, out)),
    )
    if not bias:
        return terms
    return (
        *terms,
        TallyTerm("biases", (f"{name}: out",), (out,)),
        TallyTerm("bias_adds", (f"{name}: steps", "out"), (steps, out)),
    )


def _recurrent(name: str, gates: int, activations: int) -> Callable[[Options, tuple[Shape, ...]], Count]:
    """Return the count of a recurrent layer of so many gates: gates x (in + units) x units weights a direction.

    `biases` says how many vectors each gate has: Keras' LSTM 1, PyTorch's 2 (one beside each product); GRU with
    the reset after the product (Keras' default, PyTorch) 2, as first published (Cho et al. 2014) 1.
    """

    def count(options: Options, shapes: tuple[Shape, ...]) -> Count:
        (shape,) = shapes
        if len(shape) != 2:
            raise ShapeError(f"{name} cannot step through {shape_text(shape)}", "give it a sequence STEPSxFEATURES")
        (steps, features), units = shape, options["units"]
        ways = 2 if options["bidirectional"] else 1
        vectors = options["biases"] if options["bias"] else 0
        output = (ways * units,) if not options["sequences"] else (steps, ways * units)
        held = ("directions", "gates")
        terms = (
            TallyTerm("weights", (*held, "in", "units"), (ways, gates, features, units)),
            TallyTerm("weights", (*held, "units", "units"), (ways, gates, units, units)),
            TallyTerm("biases", (*held, "vectors", "units"), (ways, gates, vectors, units)),
            TallyTerm("macs", ("steps", *held, "in", "units"), (steps, ways, gates, features, units)),
            TallyTerm("macs", ("steps", *held, "units", "units"), (steps, ways, gates, units, units)),
            TallyTerm("bias_adds", ("steps", *held, "vectors", "units"), (steps, ways, gates, vectors, units)),
            TallyTerm(
                "activation_ops", ("steps", "directions", "functions", "units"), (steps, ways, activations, units)
            ),
        )
        notes = (f"{vectors} bias vector{'s' * (vectors != 1)} a gate",)
        return tally(output, terms, None, notes=notes)

    return count


def _optional(value: object) -> object:
    return None if value is None else at_least(1)(value)


def _kind(name: str, gates: int, activations: int, biases: int) -> LayerKind:
    options = (
        Option("units", at_least(1)),
        Option("bias", flag, True),
        Option("biases", lambda value: int(one_of("1", "2")(value)), biases),
        Option("sequences", flag, False),
        Option("bidirectional", flag, False),
    )
    return LayerKind(_recurrent(name, gates, activations), options, ("units",), example=f"{name}:128")


KINDS = {
    "attention": LayerKind(
        attention,
        (
            Option("heads", at_least(1)),
            *(Option(name, _optional, None) for name in ("key", "value", "out", "kv")),
            Option("bias", flag, True),
        ),
        ("heads",),
        inputs=(1, 3),
        example="attention:12",
        equation="y = W_o softmax(Q K^T / sqrt(key)) V, Q = W_q x, K = W_k x, V = W_v x, head by head",
    ),
    "lstm": _kind("lstm", 4, 5, 1),
    "gru": _kind("gru", 3, 3, 2),
    "rnn": _kind("rnn", 1, 1, 1),
}
