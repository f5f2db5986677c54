"""Rows of inputs and targets: CSV and every form of YAML say the same; what is wrong is named with its place."""

import io
import json
import sys

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from dlmath.errors import InvalidValueError, UnreadableError
from dlmath.gates.files.rows import is_data_file, read_rows

FINITE = st.floats(allow_nan=False, allow_infinity=False)


@st.composite
def examples(draw):
    n_inputs, n_targets, n_rows = (draw(st.integers(1, 4)) for _ in range(3))
    row = st.tuples(st.tuples(*[FINITE] * n_inputs), st.tuples(*[FINITE] * n_targets))
    rows = draw(st.lists(row, min_size=n_rows, max_size=n_rows))
    return tuple(x for x, _ in rows), tuple(y for _, y in rows)


def named_row(x, y):
    return {f"x{i + 1}": v for i, v in enumerate(x)} | {f"y{i + 1}": v for i, v in enumerate(y)}


def as_csv(inputs, targets):
    rows = [named_row(x, y) for x, y in zip(inputs, targets, strict=True)]
    return "\n".join([",".join(rows[0]), *(",".join(map(repr, row.values())) for row in rows)]) + "\n"


def as_columns(inputs, targets):
    return {"inputs": [list(x) for x in inputs], "targets": [list(y) for y in targets]}


def as_pairs(inputs, targets):
    return {"rows": [{"x": list(x), "y": list(y)} for x, y in zip(inputs, targets, strict=True)]}


def as_named(inputs, targets):
    return [named_row(x, y) for x, y in zip(inputs, targets, strict=True)]


FORMS = [as_columns, as_pairs, as_named]


@pytest.fixture
def read(tmp_path):
    def read(text, name="example.csv"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return read_rows(str(path))

    return read


@pytest.fixture
def pipe(monkeypatch):
    def pipe(text):
        monkeypatch.setattr(sys, "stdin", io.StringIO(text))
        return read_rows("-")

    return pipe


def refused(read, text, name="example.csv"):
    with pytest.raises(UnreadableError) as caught:
        read(text, name)
    message = str(caught.value)
    assert name in message
    assert "; " in message
    return message


@given(examples())
def test_every_form_gives_the_same_numbers(tmp_path_factory, example):
    folder = tmp_path_factory.mktemp("forms")
    texts = {"csv": as_csv(*example)}
    for form in FORMS:
        texts[f"{form.__name__}.yaml"] = yaml.safe_dump(form(*example))
        texts[f"{form.__name__}.json"] = json.dumps(form(*example))
    for ending, text in texts.items():
        path = folder / f"example.{ending}"
        path.write_text(text)
        gate = read_rows(str(path))
        assert (gate.inputs, gate.targets) == example, ending


def test_a_gate_is_named_after_its_file(read, pipe):
    assert read("x1,y1\n0,1\n", "mazur.csv").name == "mazur"
    assert pipe("x1,y1\n0,1\n").name == "stdin"


XOR = ((0.0, 0.0), (0.0, 1.0), (1.0, 0.0), (1.0, 1.0)), ((0.0,), (1.0,), (1.0,), (0.0,))


@pytest.mark.parametrize(
    "text",
    [
        "x1,x2,y1\n0,0,0\n0,1,1\n1,0,1\n1,1,0\n",
        "x1,x2,y1\n0,0,0\n0,1,1\n1,0,1\n1,1,0",
        "x1,x2,y1\r\n0,0,0\r\n0,1,1\r\n1,0,1\r\n1,1,0\r\n",
        "\ufeffx1,x2,y1\n0,0,0\n0,1,1\n1,0,1\n1,1,0\n",
        " x1 , x2 , y1 \n 0 , 0 , 0 \n0, 1, 1\n1.0,0e0,+1\n 1,1,-0\n",
        '"x1","x2","y1"\n"0","0","0"\n0,1,1\n1,0,1\n1,1,0\n',
        "# xor, as a table\n\nx1,x2,y1\n\n0,0,0\n# \"quoted, and 'half quoted\n0,1,1\n#1,2,3\n,,\n1,0,1\n  \n1,1,0\n\n",
        "y1,x2,x1\n0,0,0\n1,1,0\n1,0,1\n0,1,1\n",
    ],
    ids=["plain", "no last newline", "crlf", "bom", "blanks", "quoted", "comments", "other order"],
)
def test_ways_to_write_a_csv(read, pipe, text):
    for gate in (read(text), pipe(text)):
        assert (gate.inputs, gate.targets) == XOR


def test_columns_are_ordered_by_their_numbers(read):
    header = ",".join(f"x{i}" for i in range(11, 0, -1)) + ",y1"
    gate = read(f"{header}\n" + ",".join(map(str, range(11, 0, -1))) + ",0\n")
    assert gate.inputs == (tuple(map(float, range(1, 12))),)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("write", [yaml.safe_dump, json.dumps, lambda data: "# xor\n" + yaml.safe_dump(data)])
def test_yaml_from_standard_input_or_a_file_without_an_ending(read, pipe, form, write):
    text = write(form(*XOR))
    assert (pipe(text).inputs, pipe(text).targets) == XOR
    assert read(text, "rows").inputs == XOR[0]


def test_csv_in_a_file_without_an_ending(read):
    assert read("# comment\nx1,x2,y1\n0,0,0\n0,1,1\n1,0,1\n1,1,0\n", "rows").inputs == XOR[0]


@pytest.mark.parametrize("name", ["A.CSV", "b.Csv"])
def test_endings_may_be_capital(read, name):
    assert read("x1,y1\n0,1\n", name).targets == ((1.0,),)


@pytest.mark.parametrize(
    "text",
    [
        "inputs: [0, 1]\ntargets: [1, 0]",
        "x: [0, 1]\ny: [1, 0]",
        "rows: [{x: 0, y: 1}, {x: 1, y: 0}]",
        "- {inputs: [0], targets: [1]}\n- {inputs: [1], targets: [0]}",
        "rows:\n  inputs: [[0], [1]]\n  targets: [[1], [0]]",
        "rows:\n- {y1: 1, x1: 0}\n- {x1: 1, y1: 0}",
        "x: ['0', '1e0']\ny: [1.0, 0e-5]",
    ],
)
def test_ways_to_write_a_yaml(read, text):
    gate = read(text, "example.yaml")
    assert (gate.inputs, gate.targets) == (((0.0,), (1.0,)), ((1.0,), (0.0,)))


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", ["has no rows", "x1,x2,y1"]),
        ("\n\n# only a comment\n", ["has no rows"]),
        ("x1,y1\n", ["has no rows"]),
        ("x1,x2,y1\n0,0,0\n0,1\n", [":3: has 2 values", "3 columns: x1,x2,y1"]),
        ("x1,x2,y1\n# c\n\n0,0,0,0\n", [":4: has 4 values"]),
        ("x1,x2,y1\n0,,0\n", [":2: x2: '' is not a finite number"]),
        ("x1,x2,y1\n0,0,0\n0,nan,1\n", [":3: x2: 'nan' is not a finite number"]),
        ("x1,x2,y1\n0,0,inf\n", [":2: y1: 'inf' is not"]),
        ("x1,x2,y1\n0,0,1e999\n", [":2: y1: '1e999' is not"]),
        ("x1,x2,y1\n0,zero,0\n", [":2: x2: 'zero' is not"]),
        ("x1,x2,y1\n0,true,0\n", [":2: x2: 'true' is not"]),
        ("x1,,y1\n0,1,1\n", ["column 2 has no name"]),
        ("y1,y2\n0,1\n", ["every column is a target"]),
        ("a,b\n0,1\n1,setosa\n", [":3: b: 'setosa' is not"]),
        ("a;b\n0;1\n1,5,0;1\n", [":3: a: '1,5,0' is not"]),
        ("x1,x1,y1\n0,1,1\n", ["twice", "x1,x1,y1"]),
        ("x1,y1,y1\n0,1,1\n", ["twice"]),
        ('x1,y1\n0,"1\n1,1\n', [":3: ", "y1"]),
        ("x1,y1\n" + "1" * 200_000 + ",1\n", ["field larger than field limit"]),
    ],
    ids=lambda value: value[:25] if isinstance(value, str) else "",
)
def test_what_is_wrong_in_a_csv(read, text, parts):
    message = refused(read, text)
    assert [part for part in parts if part not in message] == []


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", ["holds no rows", "inputs: and targets:"]),
        ("# nothing", ["holds no rows"]),
        ("just words", ["holds no rows"]),
        ("3", ["holds no rows"]),
        ("[]", ["has no rows"]),
        ("rows: []", ["has no rows"]),
        ("inputs: []\ntargets: []", ["has no rows"]),
        ("rows: 3", ["holds no rows"]),
        ("inputs: [[0, 1]]", ["has no 'targets'", "there are: inputs"]),
        ("targets: [[0, 1]]", ["has no 'inputs'", "there are: targets"]),
        ("{}", ["has no 'inputs'", "no keys"]),
        ("inputs: [[0], [1]]\ntargets: [[0]]", ["not lists of equal length"]),
        ("inputs: 1\ntargets: 1", ["not lists of equal length"]),
        ("inputs: [[0, 0], [1]]\ntargets: [[0], [1]]", ["row 2 has 1 inputs", "row 1 has 2"]),
        ("inputs: [[0], [1]]\ntargets: [[0], [1, 2]]", ["row 2 has 2 targets", "row 1 has 1"]),
        ("inputs: [[]]\ntargets: [[1]]", ["row 1 has 0 inputs"]),
        ("inputs: [[a]]\ntargets: [[1]]", ["inputs row 1", "'a' is not a finite number"]),
        ("inputs: [[0], [.nan]]\ntargets: [[1], [1]]", ["inputs row 2", "nan is not"]),
        ("inputs: [[0]]\ntargets: [[.inf]]", ["targets row 1", "inf is not"]),
        ("inputs: [[0]]\ntargets: [[true]]", ["targets row 1", "True is not"]),
        ("inputs: [[0]]\ntargets: [[null]]", ["targets row 1", "None is not"]),
        ("inputs: [[[0]]]\ntargets: [[1]]", ["inputs row 1", "[0] is not"]),
        ("inputs: [[1" + "0" * 400 + "]]\ntargets: [[1]]", ["inputs row 1", "is not a finite number"]),
        ("- [0, 1]", ["row 1", "[0, 1] is not a row"]),
        ("- {x: [0]}", ["row 1", "has no 'y'"]),
        ("- {x1: 0}", ["every column is a target"]),
        ("- {x1: 0, y1: 1}\n- {x1: 0, y1: b}", ["row 2: y1", "'b' is not"]),
        ("- {x1: 0, x1: 2, y1: 1}", [":1:11", "'x1' stands twice"]),
        ("- {x1: 0, x2: 0, y1: 1}\n- {x1: 0, x3: 0, y1: 1}", ["row 2 has x1, x3, y1", "row 1 has x1, x2, y1"]),
        ("- {x1: 0, y1: 1}\n- {x: [0], y: [1]}", ["row 2 has x, y", "row 1 has x1, y1"]),
        ("- {x1: 0, y1: 1}\n- 5", ["row 2", "5 is not a row"]),
        ("inputs: [[0", ["example.yaml:"]),
    ],
    ids=lambda value: value[:25] if isinstance(value, str) else "",
)
def test_what_is_wrong_in_a_yaml(read, text, parts):
    message = refused(read, text, "example.yaml")
    assert [part for part in parts if part not in message] == []


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("a;b;c\n0,5;1;2\n-1,25;0;1e1\n", "example.csv"),
        ("a\tb\tc\n0.5\t1\t2\n-1.25\t0\t10\n", "example.tsv"),
        ("a,b,c\n0.5,1,2\n-1.25,0,10\n", "example"),
        ("0.5,1,2\n-1.25,0,10\n", "example.csv"),
        ("- {a: 0.5, b: 1, c: 2}\n- {a: -1.25, b: 0, c: 10}\n", "example.yaml"),
    ],
)
def test_any_names_and_separators_the_last_column_is_the_target(read, text, name):
    gate = read(text, name)
    assert gate.inputs == ((0.5, 1.0), (-1.25, 0.0))
    assert gate.targets == ((2.0,), (10.0,))


def test_columns_that_begin_with_y_are_targets_and_others_can_be_named(read, tmp_path):
    text = "height,yes,Y2,width\n1,0,5,3\n2,1,6,4\n"
    gate = read(text)
    assert (gate.input_names, gate.output_names) == (("height", "width"), ("yes", "Y2"))
    named = read_rows(str(tmp_path / "example.csv"), "width,height")
    assert (named.input_names, named.output_names) == (("yes", "Y2"), ("width", "height"))
    assert named.targets == ((3.0, 1.0), (4.0, 2.0))
    with pytest.raises(InvalidValueError, match="did you mean 'width'"):
        read_rows(str(tmp_path / "example.csv"), "widht")


def test_words_are_classes_one_output_each(read):
    gate = read("length,species\n5.1,setosa\n7.0,versicolor\n6.3,virginica\n5.0,setosa\n")
    assert gate.output_names == ("setosa", "versicolor", "virginica")
    assert gate.targets == ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0), (1.0, 0.0, 0.0))
    names = "\n".join(f"{i},{chr(97 + i % 26)}{i}" for i in range(101))
    assert "101 different words" in refused(read, f"a,b\n{names}\n")


def test_standard_input_is_named_in_errors(pipe):
    with pytest.raises(UnreadableError, match="standard input:2: x1: 'a' is not"):
        pipe("x1,y1\na,1\n")
    with pytest.raises(UnreadableError, match="standard input: "):
        pipe("")


def test_a_missing_file(tmp_path):
    with pytest.raises(UnreadableError, match=r"none\.csv: No such file"):
        read_rows(str(tmp_path / "none.csv"))


@given(st.text(alphabet="xy12,.\n\r #\"'-:{}[]e ", max_size=60), st.sampled_from(["csv", "yaml", "json", "txt"]))
def test_any_text_is_read_or_refused(tmp_path_factory, text, ending):
    path = tmp_path_factory.mktemp("any") / f"a.{ending}"
    path.write_text(text)
    try:
        gate = read_rows(str(path))
    except UnreadableError as error:
        told = error.what
    else:
        told = None
        assert len(gate.inputs) == len(gate.targets) > 0
    assert told is None or told.startswith(str(path))


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("-", True),
        ("a.csv", True),
        ("a.CSV", True),
        ("a.yml", True),
        ("a.json", True),
        ("./rows", True),
        ("xor", False),
        ("and:3", False),
        ("0110", False),
    ],
)
def test_which_words_are_files(word, expected):
    assert is_data_file(word) is expected
