"""Keras layers over sequences: recurrence in one or both directions, attention."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dlmath.counting.engine.shapes import elements
from dlmath.counting.models.keras_plan import KerasPlan, KerasStep, one, opaque

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from dlmath.counting.models.keras_plan import KerasCall

    Rule = Callable[[KerasCall], KerasPlan]

RECURRENT = {"LSTM": "lstm", "GRU": "gru", "SimpleRNN": "rnn"}


def _options(kind: str, config: Mapping[str, Any]) -> dict[str, Any]:
    options = {"units": config["units"], "bias": config["use_bias"]}
    if kind == "gru":
        options["biases"] = 2 if config.get("reset_after", True) else 1
    return options


def _recurrent(call: KerasCall) -> KerasPlan:
    """Return a recurrent layer, and its last states where they are asked for."""
    kind = RECURRENT[call.kind]
    return _run(kind, _options(kind, call.config), call.config)


def _run(kind: str, options: dict[str, Any], config: Mapping[str, Any]) -> KerasPlan:
    sequences = config.get("return_sequences", False)
    layer = KerasStep(kind, {**options, "sequences": sequences}, (-1,))
    if not config.get("return_state"):
        return KerasPlan((layer,))
    states = 2 if kind == "lstm" else 1
    last = KerasStep("take", {"place": -1}, (0,)) if sequences else KerasStep("identity", {}, (0,))
    return KerasPlan((layer, *(last,) * states), (0, *range(1, states + 1)))


def _cell(call: KerasCall) -> KerasPlan:
    """Return `RNN(cell)`, or of several cells one upon the other, where each is one of Keras' own."""
    cells = call.config["cell"]
    cells = cells["config"]["cells"] if isinstance(cells, dict) and "cells" in cells["config"] else cells
    stack = cells if isinstance(cells, list) else [cells]
    words = [cell["class_name"].removesuffix("Cell") for cell in stack]
    if any(word not in RECURRENT for word in words) or (len(stack) > 1 and call.config.get("return_state")):
        return opaque(call)
    kinds = [
        (RECURRENT[word], _options(RECURRENT[word], cell["config"])) for word, cell in zip(words, stack, strict=True)
    ]
    below = tuple(
        KerasStep(kind, {**options, "sequences": True}, (-1,) if place == 0 else None)
        for place, (kind, options) in enumerate(kinds[:-1])
    )
    top = _run(*kinds[-1], call.config)
    if not below:
        return top
    last = top.steps[0]._replace(sources=None)
    return KerasPlan((*below, last))


def _bidirectional(call: KerasCall) -> KerasPlan:
    """Return a layer run in both directions, its two outputs set side by side, or joined."""
    inner, merge = call.config["layer"], call.config.get("merge_mode", "concat")
    config = inner["config"]
    if inner["class_name"] not in RULES or inner["class_name"] == "Bidirectional" or config.get("return_state"):
        return opaque(call)
    plan = RULES[inner["class_name"]](call._replace(kind=inner["class_name"], config=config))
    way = plan.steps[0]._replace(sources=(-1,))
    if len(plan.steps) > 1 or way.kind == "opaque":
        return opaque(call)
    if merge == "concat" and way.kind in RECURRENT.values():
        return one(way.kind, (-1,), **{**way.options, "bidirectional": True})
    if merge is None:
        return KerasPlan((way, way), (0, 1))
    join = {"sum": "add", "mul": "multiply", "ave": "average", "concat": "concat"}[merge]
    return KerasPlan((way, way, KerasStep(join, {}, (0, 1))))


def _multi_head(call: KerasCall) -> KerasPlan:
    config = call.config
    attended = config.get("attention_axes")
    if len(call.shape) != 2 and attended not in (None, [1], (1,)):
        return opaque(call)
    options = {"heads": config["num_heads"], "key": config["key_dim"], "value": config.get("value_dim")}
    out = config.get("output_shape")
    out = out[-1] if isinstance(out, (list, tuple)) and len(out) == 1 else out
    sources = tuple(-1 - place for place in range(min(len(call.shapes), 3)))
    return one("attention", sources, **options, bias=config.get("use_bias", True), out=out)


def _grouped_query(call: KerasCall) -> KerasPlan:
    """Return attention in which several heads of queries share one of keys and values (Ainslie et al. 2023)."""
    config = call.config
    options = {"heads": config["num_query_heads"], "kv": config["num_key_value_heads"], "key": config["head_dim"]}
    sources = tuple(-1 - place for place in range(min(len(call.shapes), 3)))
    return one("attention", sources, **options, bias=config.get("use_bias", True))


def _additive(call: KerasCall) -> KerasPlan:
    """Return Bahdanau's attention: scores sum(scale tanh(q + k)) over the features, then the weighted sums."""
    query, value = call.shapes[0], call.shapes[1]
    scale = query[-1] if call.config.get("use_scale", True) else 0
    pairs = elements(query[:-1]) * elements(value[:-1])
    output = (*query[:-1], value[-1])
    return one("opaque", label=call.kind, shape=output, params=scale, macs=pairs * (query[-1] + value[-1]))


def _conv_lstm(rank: int) -> Rule:
    """Return the rule of a convolutional LSTM; its last states are as its last output."""

    def rule(call: KerasCall) -> KerasPlan:
        config = call.config
        options = {
            "kernel": config["kernel_size"],
            "out": config["filters"],
            "stride": config["strides"],
            "pad": config["padding"],
            "dilation": config.get("dilation_rate", 1),
            "bias": "yes" if config["use_bias"] else "no",
            "sequences": config.get("return_sequences", False),
        }
        layer = KerasStep(f"convlstm{rank}d", options, (-1,))
        if not config.get("return_state"):
            return KerasPlan((layer,))
        last = KerasStep("take", {"place": -1}, (0,)) if options["sequences"] else KerasStep("identity", {}, (0,))
        return KerasPlan((layer, last, last), (0, 1, 2))

    return rule


def _attention(call: KerasCall) -> KerasPlan:
    """Return Luong's attention: softmax(Q K^T) V, without projections; a scale is one parameter."""
    if call.config.get("score_mode", "dot") != "dot":
        return opaque(call)
    query, value = -1, -2
    key = -3 if len(call.shapes) > 2 else value
    scores = [KerasStep("matmul", {"transpose": "yes"}, (query, key))]
    if call.config.get("use_scale"):
        scores.append(KerasStep("scale", {"per": "layer"}))
    scores.append(KerasStep("softmax"))
    return KerasPlan((*scores, KerasStep("matmul", {}, (len(scores) - 1, value))))


RULES: dict[str, Rule] = {
    **dict.fromkeys(RECURRENT, _recurrent),
    "RNN": _cell,
    "Bidirectional": _bidirectional,
    "MultiHeadAttention": _multi_head,
    **dict.fromkeys(("GroupQueryAttention", "GroupedQueryAttention"), _grouped_query),
    "Attention": _attention,
    "AdditiveAttention": _additive,
    **{f"ConvLSTM{rank}D": _conv_lstm(rank) for rank in (1, 2, 3)},
}
