"""Keras layers over sequences: recurrence in one or both directions, attention."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dlmath.counting.models.keras_plan import Plan, Step, one, opaque

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from dlmath.counting.models.keras_plan import Call

    Rule = Callable[[Call], Plan]

RECURRENT = {"LSTM": "lstm", "GRU": "gru", "SimpleRNN": "rnn"}


def _options(kind: str, config: Mapping[str, Any]) -> dict[str, Any]:
    options = {"units": config["units"], "bias": config["use_bias"]}
    if kind == "gru":
        options["biases"] = 2 if config.get("reset_after", True) else 1
    return options


def _recurrent(call: Call) -> Plan:
    """Return a recurrent layer, and its last states where they are asked for."""
    kind = RECURRENT[call.kind]
    return _run(kind, _options(kind, call.config), call.config)


def _run(kind: str, options: dict[str, Any], config: Mapping[str, Any]) -> Plan:
    sequences = config.get("return_sequences", False)
    layer = Step(kind, {**options, "sequences": sequences}, (-1,))
    if not config.get("return_state"):
        return Plan((layer,))
    states = 2 if kind == "lstm" else 1
    last = Step("take", {"place": -1}, (0,)) if sequences else Step("identity", {}, (0,))
    return Plan((layer, *(last,) * states), (0, *range(1, states + 1)))


def _cell(call: Call) -> Plan:
    """Return `RNN(cell)`, where the cell is one of Keras' own."""
    cell = call.config["cell"]
    word = cell["class_name"].removesuffix("Cell")
    if word not in RECURRENT:
        return opaque(call)
    return _run(RECURRENT[word], _options(RECURRENT[word], cell["config"]), call.config)


def _bidirectional(call: Call) -> Plan:
    """Return a layer run in both directions, its two outputs set side by side, or joined."""
    inner, merge = call.config["layer"], call.config.get("merge_mode", "concat")
    config = inner["config"]
    if inner["class_name"] not in RECURRENT or config.get("return_state"):
        return opaque(call)
    kind = RECURRENT[inner["class_name"]]
    options = {**_options(kind, config), "sequences": config.get("return_sequences", False)}
    if merge == "concat":
        return one(kind, (-1,), bidirectional=True, **options)
    ways = (Step(kind, options, (-1,)), Step(kind, options, (-1,)))
    if merge is None:
        return Plan(ways, (0, 1))
    return Plan((*ways, Step({"sum": "add", "mul": "multiply", "ave": "average"}[merge], {}, (0, 1))))


def _multi_head(call: Call) -> Plan:
    config = call.config
    attended = config.get("attention_axes")
    if len(call.shape) != 2 and attended not in (None, [1], (1,)):
        return opaque(call)
    options = {"heads": config["num_heads"], "key": config["key_dim"], "value": config.get("value_dim")}
    out = config.get("output_shape")
    out = out[-1] if isinstance(out, (list, tuple)) and len(out) == 1 else out
    sources = tuple(-1 - place for place in range(min(len(call.shapes), 3)))
    return one("attention", sources, **options, bias=config.get("use_bias", True), out=out)


def _attention(call: Call) -> Plan:
    """Return Luong's attention: softmax(Q K^T) V, without projections; a scale is one parameter."""
    if call.config.get("score_mode", "dot") != "dot":
        return opaque(call)
    query, value = -1, -2
    key = -3 if len(call.shapes) > 2 else value
    scores = [Step("matmul", {"transpose": "yes"}, (query, key))]
    if call.config.get("use_scale"):
        scores.append(Step("scale", {"per": "layer"}))
    scores.append(Step("softmax"))
    return Plan((*scores, Step("matmul", {}, (len(scores) - 1, value))))


RULES: dict[str, Rule] = {
    **dict.fromkeys(RECURRENT, _recurrent),
    "RNN": _cell,
    "Bidirectional": _bidirectional,
    "MultiHeadAttention": _multi_head,
    "Attention": _attention,
}
