"""ONNX operators that multiply activations by one another: attention in its several spellings, and Einsum.

Queries (L, heads x size) meet S keys: L S heads size MACs for the scores, L S heads value for the sums.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlmath.counting.engine.open_sizes import OPEN
from dlmath.counting.engine.shapes import elements

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dlmath.counting.engine.graph import Shape
    from dlmath.counting.models.onnx_use import Computed, NodeUse

    Rule = Callable[[NodeUse], Sequence[Computed]]


def _steps(shape: Shape | None, heads: int) -> tuple[int, int]:
    """Return steps and features of a query, key or value: (B, L, F), or (B, heads, L, size)."""
    if shape is None or len(shape) < 3:
        return OPEN, OPEN
    if len(shape) == 4:
        return shape[2], (heads or shape[1]) * shape[3]
    return shape[1], shape[2]


def _outputs(use: NodeUse, macs: int) -> Sequence[Computed]:
    """Return the operator with its work reckoned; further outputs (past keys and values) cost nothing more."""
    fresh = use.claim(*(held for place in range(len(use.node.input)) if (held := use.held(place)) and held.floats))
    made = [use.by_hand(use.computed(), use.output(), macs, fresh)]
    return [*made, *(use.by_hand(made, use.output(place), 0) for place in range(1, len(use.node.output)))]


def _standard(use: NodeUse) -> Sequence[Computed]:
    """Return ONNX' Attention: query, key, value, and past keys that come before the key's."""
    heads = use.attributes.get("q_num_heads", 0)
    queries, width = _steps(use.whole(0), heads)
    keys, _ = _steps(use.whole(1), 0)
    size = _head_size(use.whole(1), use.attributes.get("kv_num_heads", 0))
    out = _head_size(use.whole(2), use.attributes.get("kv_num_heads", 0))
    past = use.whole(4)
    seen = keys + (past[2] if past is not None and len(past) == 4 else 0)
    lead = use.whole(0)
    count = heads or (lead[1] if lead is not None and len(lead) == 4 else OPEN)
    del width
    return _outputs(use, queries * seen * count * (size + out))


def _head_size(shape: Shape | None, heads: int) -> int:
    if shape is None or len(shape) < 3 or (len(shape) == 3 and not heads):
        return OPEN
    return shape[3] if len(shape) == 4 else shape[2] // heads


def _fused(use: NodeUse) -> Sequence[Computed]:
    """Return ONNX Runtime's Attention: one weight matrix makes query, key and value of the input."""
    if use.held(1) is None:  # ONNX' own Attention, under the same name
        return _standard(use)
    shape, weights = use.whole(0), use.held(1)
    if shape is None or weights is None or len(weights.shape) != 2:
        return _outputs(use, OPEN)
    steps, (fan_in, out) = elements(shape[:-1]), weights.shape
    sizes = use.attributes.get("qkv_hidden_sizes") or (out // 3,) * 3
    return _outputs(use, steps * fan_in * out + steps * steps * (sizes[1] + sizes[2]))


def _multi_head(use: NodeUse) -> Sequence[Computed]:
    """Return ONNX Runtime's MultiHeadAttention and GroupQueryAttention, projections done before."""
    query, key = use.whole(0), use.whole(1) if use.input_name(1) else None
    heads, grouped = use.attributes["num_heads"], use.attributes.get("kv_num_heads", 0)
    queries, width = _steps(query, heads)
    if key is None and grouped:
        width = width * heads // (heads + 2 * grouped)  # query, key and value stand side by side
    keys, _ = _steps(key, heads) if key is not None else (queries, 0)
    value = _steps(use.whole(2), heads)[1] if use.input_name(2) and not grouped else width
    return _outputs(use, queries * keys * (width + value))


def _einsum(use: NodeUse) -> Sequence[Computed]:
    """Return a sum of products: pairs from left to right, each as many MACs as its letters have values."""
    terms, arrow, output = use.attributes["equation"].replace(" ", "").partition("->")
    names = terms.split(",")
    shapes = [use.whole(place) for place in range(len(names))]
    if any(shape is None for shape in shapes):
        return _outputs(use, OPEN)
    sizes: dict[str, int] = {}
    spelled = [_letters(name, shape or (), sizes) for name, shape in zip(names, shapes, strict=True)]
    wanted = set(output) if arrow else {letter for name in spelled for letter in name if terms.count(letter) == 1}
    macs, current = 0, set(spelled[0])
    for place in range(1, len(spelled)):
        letters = current | set(spelled[place])
        macs += elements(tuple(sizes[letter] for letter in letters))
        later = {letter for name in spelled[place + 1 :] for letter in name}
        current = {letter for letter in letters if letter in wanted or letter in later or letter.isdigit()}
    return _outputs(use, macs)


def _letters(name: str, shape: Shape, sizes: dict[str, int]) -> str:
    """Return a term with its ellipsis written as digits from the right, and learn the sizes of its letters."""
    spare = len(shape) - len(name.replace("...", ""))
    spelled = name.replace("...", "9876543210"[-spare:] if spare else "")
    if len(spelled) != len(shape):
        raise ValueError(f"{name} does not fit {len(shape)} axes")
    for letter, size in zip(spelled, shape, strict=True):
        sizes[letter] = max(sizes.get(letter, 1), size)
    return spelled


RULES: dict[str, Rule] = {
    "Einsum": _einsum,
    "Attention": _fused,
    "MultiHeadAttention": _multi_head,
    "GroupQueryAttention": _multi_head,
}
