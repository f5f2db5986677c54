"""One result, every way to print it: the formats are parsed back and hold what was put in."""

import csv
import io
import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlmath.errors import InvalidValueError
from dlmath.frame.outcome import Outcome, bare, emit, envelope, lookup, plain, scalar, to_csv, to_json
from dlmath.report.blocks import Facts, Lines, Table
from dlmath.report.streams import detect

VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text()),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(), inner, max_size=4)),
    max_leaves=20,
)
TABLE = Table(("name", "value"), (("a", 1 / 3), ("b", float("inf"))))


def outcome(**changes):
    words = {
        "command": "probe",
        "settings": {"seed": 0},
        "result": {"value": 1 / 3, "layers": [{"macs": 3}]},
        "table": TABLE,
        "blocks": lambda: [TABLE, Facts((("fact", 1),))],
    }
    return Outcome(**words | changes)


def emitted(result, *words, **variables):
    out, err = io.StringIO(), io.StringIO()
    emit(result, detect(out, err, variables), *words)
    return out.getvalue(), err.getvalue()


def with_names(value):
    """Return what JSON is to give back: NaN and infinities by their names."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, dict):
        return {key: with_names(item) for key, item in value.items()}
    return [with_names(item) for item in value] if isinstance(value, list) else value


# JSON


@given(VALUES)
def test_json_gives_back_what_went_in(value):
    assert json.loads(to_json(plain(value)), parse_constant=pytest.fail) == with_names(value)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_float_keeps_every_bit(value):
    back = json.loads(to_json(plain(value)))
    assert math.copysign(1, back) == math.copysign(1, value)
    assert back == value
    assert float(scalar(plain(value))) == value


def test_numpy_values_tuples_and_odd_keys_become_json():
    value = {
        "matrix": np.array([[1.5, np.nan], [np.inf, -np.inf]]),
        "scalar": np.float32(0.5),
        "whole": np.int64(7),
        "flag": np.bool_(True),
        "double": np.float64("nan"),
        "pair": (1, (2, None)),
        3: range(2),
    }
    assert json.loads(to_json(plain(value))) == {
        "matrix": [[1.5, "nan"], ["inf", "-inf"]],
        "scalar": 0.5,
        "whole": 7,
        "flag": True,
        "double": "nan",
        "pair": [1, [2, None]],
        "3": [0, 1],
    }


def test_the_envelope_has_its_keys_and_the_explanation_only_when_asked():
    assert list(envelope(outcome())) == ["command", "version", "schema_version", "settings", "result"]
    made = envelope(
        outcome(explanation=lambda: [Lines(("z = 1", (("a", "red"), (" = 2", ""))), title="Step 1"), TABLE])
    )
    assert made["explanation"][:3] == ["Step 1", "z = 1", "a = 2"]
    assert made["explanation"][3].split() == ["name", "value"]
    json.dumps(made, allow_nan=False)


def test_json_is_printed_on_one_line_even_when_color_is_forced():
    out, _ = emitted(outcome(), "json", FORCE_COLOR="1")
    assert json.loads(out)["result"]["value"] == 1 / 3
    assert out.count("\n") == 1


# CSV

CELLS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(st.characters(exclude_categories=["Cs"]))
)


@given(st.lists(st.tuples(CELLS, CELLS, CELLS), max_size=5))
def test_csv_reads_back_cell_by_cell(rows):
    text = to_csv(Table(("a", "b,c", 'd"e'), tuple(rows)))
    header, *back = csv.reader(io.StringIO(text, newline=""))
    assert header == ["a", "b,c", 'd"e']
    assert back == [["" if cell is None else scalar(plain(cell)) for cell in row] for row in rows]


@given(st.floats())
def test_csv_keeps_every_bit_of_a_float(value):
    _, (cell,) = csv.reader(io.StringIO(to_csv(Table(("x",), ((value,),)))))
    assert float(cell) == value or math.isnan(value)
    assert math.isnan(float(cell)) == math.isnan(value)


def test_csv_of_no_rows_is_the_header():
    assert to_csv(Table(("a", "b"), ())) == "a,b\n"


# --get

TREE = {
    "layers": [{"macs": 3, "name": "conv"}, {"macs": 4, "name": "dense"}],
    "parameters": 17,
    "learned": True,
    "epochs": None,
    "loss": {"value": [0.5, 0.25]},
    "empty": [],
    "matrix": [[1, 2], [3, 4]],
    "0": "zero",
}


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("parameters", "17\n"),
        ("layers.0.macs", "3\n"),
        ("layers.-1.name", "dense\n"),
        ("learned", "true\n"),
        ("epochs", "null\n"),
        ("loss.value", "0.5\n0.25\n"),
        ("loss", '{"value": [0.5, 0.25]}\n'),
        ("empty", ""),
        ("matrix", "[1, 2]\n[3, 4]\n"),
        ("matrix.1.0", "3\n"),
        ("layers", '{"macs": 3, "name": "conv"}\n{"macs": 4, "name": "dense"}\n'),
        ("0", "zero\n"),
    ],
)
def test_get(path, text):
    assert bare(lookup(TREE, path)) == text


@pytest.mark.parametrize(
    ("path", "parts"),
    [
        ("parametres", ["'parametres'", "did you mean 'parameters'?", "there are: layers"]),
        ("qqq", ["'qqq'", "there are: layers, parameters"]),
        ("", ["''", "there are"]),
        ("layers.0.mac", ["'mac'", "did you mean 'macs'?"]),
        ("layers.2", ["'2'", "from 0 to 1"]),
        ("layers.-3", ["'-3'", "from 0 to 1"]),
        ("layers.macs", ["'macs'", "a list"]),
        ("layers.", ["''", "a list"]),
        ("layers.--1", ["'--1'"]),
        ("layers.1.5.", ["'5'"]),
        ("layers.0x1", ["'0x1'"]),
        ("layers." + "9" * 5000, ["a list"]),
        ("layers.\N{SUPERSCRIPT TWO}", ["a list"]),
        ("layers.\N{ARABIC-INDIC DIGIT ONE}", ["a list"]),
        ("empty.0", ["'0'", "the list is empty"]),
        ("parameters.value", ["17", "'value'", "shorten the path"]),
        ("epochs.min", ["null", "'min'"]),
        ("layers.0.name.0", ["conv", "'0'"]),
    ],
    ids=lambda value: value[:20] if isinstance(value, str) else "",
)
def test_get_of_what_is_not_there(path, parts):
    with pytest.raises(InvalidValueError) as caught:
        lookup(TREE, path)
    assert [part for part in (f"--get {path}", *parts) if part not in str(caught.value)] == []


@given(VALUES, st.text())
def test_get_finds_or_refuses(value, path):
    told = f"--get {path}: "
    try:
        bare(lookup(plain(value), path))
    except InvalidValueError as error:
        told = error.what
    assert told.startswith(f"--get {path}: ")


@given(VALUES)
def test_get_as_json_is_json(value):
    made = plain(value)
    assert json.loads(bare(made, as_json=True)) == made


def test_get_goes_before_the_format():
    assert emitted(outcome(), "table", "layers.0.macs") == ("3\n", "")
    assert emitted(outcome(), "json", "layers") == ('[{"macs": 3}]\n', "")


# What is shown


def test_a_table_in_a_pipe_is_plain_and_forced_it_is_drawn():
    plain_text, _ = emitted(outcome())
    drawn_text, _ = emitted(outcome(), FORCE_COLOR="1")
    assert "\x1b" not in plain_text
    assert "\x1b[" in drawn_text
    assert "─" in drawn_text


def test_blocks_are_made_only_when_they_are_shown():
    def never():
        pytest.fail("made in vain")

    for style in ("json", "csv"):
        emitted(outcome(blocks=never), style)
    emitted(outcome(blocks=never), "table", "value")


def test_notes_go_to_standard_error():
    out, err = emitted(outcome(notes=("one", "two")), "json")
    assert err == "note: one\nnote: two\n"
    assert "note" not in json.loads(out)


def test_status():
    assert outcome().status == 0
    assert outcome(answer=False).status == 1
