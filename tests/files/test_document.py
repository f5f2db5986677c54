"""YAML whose values know their place: what is taken over, and what would grow without a bound."""

from __future__ import annotations

import time

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from dlmath.errors import DlmathError, UnreadableError
from dlmath.files.document import Entries, Listing, Scalar, compose, place_at
from dlmath.files.structure import MAX_DEPTH, MOST_REPEATED
from dlmath.files.text import load_yaml


def plain(value):
    match value:
        case Scalar():
            return value.text
        case Listing():
            return [plain(item) for item in value.items]
        case Entries():
            return {key: plain(item) for key, (_, item) in value.items.items()}


def bomb(levels, width):
    lines = ["a0: &a0 [x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * width)}]" for n in range(1, levels)]
    return "\n".join(lines)


READERS = [lambda text: compose(text, "a.yaml"), lambda text: load_yaml(text, "a.yaml")]


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize(
    ("text", "told"),
    [
        (bomb(9, 9), r"a\.yaml:6:\d+: \*a4 and the aliases before it stand for more than 100,000 values"),
        ("a: &a [*a]", r"a\.yaml:1:8: \*a stands within itself"),
        ("a: &a {b: {c: *a}}", "stands within itself"),
        ("a: *b", "undefined alias"),
        ("a: 1\na: 2", "'a' stands twice"),
        (
            "\n".join([f"a0: &a0 {'[' * 60}{']' * 60}", "a1: &a1 " + "[" * 41 + "*a0" + "]" * 41]),
            "a.yaml:2:50: is nested too deep",
        ),
    ],
    ids=["bomb", "itself", "deep itself", "unknown", "twice", "depth behind aliases"],
)
def test_what_a_document_must_not_have(read, text, told):
    with pytest.raises(UnreadableError, match=told):
        read(text)


@given(st.integers(1, 7), st.integers(1, 7))
def test_what_aliases_stand_for_is_counted_as_it_would_be_made(levels, width):
    # level n holds `width` copies of level n - 1 and itself; every alias stands for all of the level below
    sizes = [2]
    for _ in range(1, levels):
        sizes.append(1 + width * sizes[-1])
    repeated = sum(width * size for size in sizes[:-1])
    text = bomb(levels, width)
    if repeated > MOST_REPEATED:
        with pytest.raises(UnreadableError, match="stand for more"):
            compose(text, "a.yaml")
    else:
        assert plain(compose(text, "a.yaml")[0]) == yaml.safe_load(text)


def test_a_bomb_costs_no_more_than_reading_it():
    begin = time.process_time()
    for read in READERS:
        with pytest.raises(UnreadableError):
            read(bomb(60, 20))
    assert time.process_time() - begin < 20  # what it stands for would take years


def test_aliases_and_merges():
    text = """
    base: &base {epochs: '5', gate: xor}
    other: &other {gate: and, hidden: '3'}
    one: {<<: *base, epochs: '7'}
    two: {<<: [*base, *other], seed: '1'}
    three: *other
    """
    found = plain(compose(text, "a.yaml")[0])
    assert found["one"] == {"epochs": "7", "gate": "xor"}
    # yaml.org/type/merge: keys of earlier mappings in the list override those of later ones
    assert found["two"] == {"epochs": "5", "gate": "xor", "hidden": "3", "seed": "1"}
    assert found["three"] == found["other"]


def test_what_was_taken_over_knows_where_it_was_written():
    (document,) = compose("a: &a {epochs: x}\nb: {<<: *a, gate: y}\n", "a.yaml")
    place, value = document.items["b"][1].items["epochs"]
    assert (str(place), str(value.place)) == ("a.yaml:1:8", "a.yaml:1:16")


def test_a_merge_of_no_mapping_is_told():
    with pytest.raises(DlmathError, match=r"a\.yaml:1:9: what << takes over is no mapping"):
        compose("a: {<<: 3}", "a.yaml")


@pytest.mark.parametrize(
    ("path", "place"), [(("a", "b", 1), "3:5"), (("a", "b"), "2:3"), (("a", "x"), "1:1"), ((), "1:1"), (("c",), "4:1")]
)
def test_the_place_of_a_path(path, place):
    text = "a:\n  b: [5,\n    6]\nc: 1\n"
    assert str(place_at(text, "a.yaml", path)) == f"a.yaml:{place}"


@given(st.text("[]{}:,-? \n'\"&*!|>%@ab1.#<\t"))
def test_any_text_is_read_or_refused(text):
    try:
        compose(text, "a.yaml")
    except DlmathError as error:
        assert error.what.startswith("a.yaml")  # noqa: PT017


def test_the_deepest_document_is_read():
    for read in READERS:
        assert read("[" * MAX_DEPTH + "]" * MAX_DEPTH)
