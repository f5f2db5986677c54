"""Text input: read whole from a file or standard input; faults are told with their place."""

import errno
import io
import json
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlmath.errors import UnreadableError
from dlmath.files.text import load_yaml, read_text, shown


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", ""),
        (b"a\nb", "a\nb"),
        (b"\xef\xbb\xbfx1,y1\r\n", "x1,y1\n"),
        (b"\xcf\x83\r", "σ\n"),
    ],
)
def test_a_file_is_read_whole(tmp_path, content, text):
    path = tmp_path / "a.csv"
    path.write_bytes(content)
    assert read_text(str(path)) == text


@pytest.mark.parametrize(("given_text", "text"), [("a\n", "a\n"), ("\ufeffx1", "x1"), ("", "")])
def test_a_minus_is_standard_input(monkeypatch, given_text, text):
    monkeypatch.setattr(sys, "stdin", io.StringIO(given_text))
    assert read_text("-") == text


def test_standard_input_may_be_closed(monkeypatch):
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(UnreadableError, match="standard input is closed; "):
        read_text("-")


def test_standard_input_that_is_no_text(monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"ab\xff"), encoding="utf-8"))
    with pytest.raises(UnreadableError, match="standard input: is not UTF-8 text"):
        read_text("-")


def test_a_file_that_is_missing(tmp_path):
    with pytest.raises(UnreadableError, match=r"nothing\.csv: No such file or directory; check the name"):
        read_text(str(tmp_path / "nothing.csv"))


@pytest.mark.posix
def test_a_folder(tmp_path):
    with pytest.raises(UnreadableError, match="Is a directory"):
        read_text(str(tmp_path))


def test_bytes_that_are_no_text(tmp_path):
    (tmp_path / "a.csv").write_bytes(b"x1,y1\n\xff\xfe")
    with pytest.raises(UnreadableError, match=r"a.csv: is not UTF-8 text \(byte 6\)"):
        read_text(str(tmp_path / "a.csv"))


def test_a_file_one_may_not_read(monkeypatch):
    def refuse(*_args, **_words):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "read_text", refuse)
    with pytest.raises(UnreadableError, match=r"a\.csv: Permission denied"):
        read_text("a.csv")


def test_names_in_messages():
    assert (shown("-"), shown("a-b")) == ("standard input", "a-b")


# YAML

DOCUMENTS = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**63), 2**63), st.floats(allow_nan=False, allow_infinity=False)),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text("abcxyz"), inner, max_size=4)),
    max_leaves=10,
)


@given(DOCUMENTS, st.sampled_from([None, 2, "\t"]))
def test_json_is_read_as_json(document, indent):
    assert load_yaml(json.dumps(document, indent=indent), "a.json") == document or not isinstance(document, dict | list)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: 1\nb: [1, 2]", {"a": 1, "b": [1, 2]}),
        ("{a: 1, b: 2}", {"a": 1, "b": 2}),  # YAML, though it begins like JSON
        ("[1, 2,]", [1, 2]),
        ("", None),
        ("# nothing\n", None),
        ("- 1\n- {x: 2, y: {x: 3}}\n- {x: 4}", [1, {"x": 2, "y": {"x": 3}}, {"x": 4}]),
        ("a: &a {x: 1}\nb: {<<: *a, x: 2}\nc: {<<: *a}", {"a": {"x": 1}, "b": {"x": 2}, "c": {"x": 1}}),
        ("? a\n: b\na2: a", {"a": "b", "a2": "a"}),
        ('{"emoji": "\\ud83d\\ude00"}', {"emoji": "\N{GRINNING FACE}"}),
    ],
)
def test_documents(text, value):
    assert load_yaml(text, "a.yaml") == value


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: [1, 2", r"a.yaml:\d+:\d+: "),
        ("a: 1\n  b: 2", r"a.yaml:2:4: "),
        ("a: 1\nb: 2\na: 3", r"a.yaml:3:1: 'a' stands twice"),
        ("- {x1: 0, x1: 1}", r"a.yaml:1:11: 'x1' stands twice"),
        ('{"a": 1, "a": 2}', r"a.yaml:1:10: 'a' stands twice"),
        ("a: {b: 1}\nc: {d: {e: 1, e: 2}}", r"a.yaml:2:15: 'e' stands twice"),
        ("[a]: 1\n", "a.yaml"),
        ("a: !!python/object:os.system x", "could not determine a constructor"),
        ("a: 2001-99-99", "month must be in 1..12"),
        ('a: "\x00"', "control characters are not allowed"),
        ("a: *b", "undefined alias"),
        ("a: 1\n---\nb: 2\n", "another document"),
        ("[" * 100_000, "a.yaml:1:101: is nested too deep"),
        ("[" * 101 + "]" * 101, "a.yaml:1:101: is nested too deep"),  # as JSON, within any parser's own limit
        ('{"a":' * 101 + "1" + "}" * 101, "a.yaml:1:501: is nested too deep"),
        ("- " * 100_000, "a.yaml:1:201: is nested too deep"),
        ("{a: " * 5000, "a.yaml:1:401: is nested too deep"),
        ("a: 1\nb:\n  - " + "[" * 3000, "a.yaml:3:103: is nested too deep"),
        ("[" + "9" * 5000 + "]", "a.yaml: "),
    ],
    ids=lambda text: text[:20],
)
def test_faults_are_told_with_their_place(text, told):
    with pytest.raises(UnreadableError, match=told) as caught:
        load_yaml(text, "a.yaml")
    assert str(caught.value).startswith("a.yaml")


@pytest.mark.parametrize("text", ["[" * 100 + "]" * 100, "- " * 100 + "1", '{"a":' * 100 + "1" + "}" * 100])
def test_what_is_nested_as_deep_as_allowed_is_read(text):
    assert load_yaml(text, "a.yaml")


def test_a_fault_beside_deep_nesting_is_told_as_itself():
    with pytest.raises(UnreadableError, match=r"a\.yaml:2:1: "):
        load_yaml("[" * 100 + "]" * 99 + "\n}", "a.yaml")


@given(st.text("[]{}:,-? \n'\"&*!|>%@ab1.#\t"))
def test_any_text_is_read_or_refused(text):
    told = "a.yaml"
    try:
        load_yaml(text, "a.yaml")
    except UnreadableError as error:
        told = error.what
    assert told.startswith("a.yaml")
