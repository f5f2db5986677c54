"""No figure under another's name: labels after --set, outputs, results beside each other, reserved names, pages."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from dlmath.runs.files.experiment import read_experiments
from dlmath.runs.plan import make_plan
from dlmath.runs.vocabulary import vocabularies

ZIPPED = """\
command: train-gate
epochs: 5
sweep:
  zip:
    gate: [xor, 'parity:3']
    hidden: [2, 3]
  optimizer: [sgd, adam]
expect: [parameters > 0 where gate == 'xor']
measure: {it: "len[parameters where gate == 'xor']"}
"""
CASES = """\
command: vanishing
depth: 3
activation: tanh
sweep:
  phase:
    order: {weight-std: 1.2, bias-std: 0.2}
    chaos: {weight-std: 1.7, bias-std: 0.2}
    plain: {width: 4}
"""
OWN = "command: param-count\nlayers: conv:{size}x{size}x{out}\ninput: 9x9x2\nsweep: {size: [1, 3], out: [4, 8]}\n"
MIXED = "command: param-count\nlayers: conv:{size}x{size}x4\nsweep: {zip: {input: [5x5x1, 9x9x1], size: [1, 3]}}\n"


@pytest.fixture
def plan(write, tmp_path, monkeypatch):
    """Plan one experiment with overrides; give labels and words of each cell."""
    monkeypatch.chdir(tmp_path)

    def call(text, *overrides):
        (planned,) = make_plan(read_experiments([write(text)], vocabularies()), overrides)
        return [(cell.labels, cell.words) for cell in planned.cells]

    return call


@pytest.mark.parametrize(
    ("text", "override", "labels"),
    [
        (ZIPPED, "gate=and", [{"hidden": "2"}, {"hidden": "3"}]),
        (ZIPPED, "hidden=5", [{"gate": "xor"}, {"gate": "parity:3"}]),
        (ZIPPED, "gate=[and, or]", [{"hidden": h, "gate": g} for h in "23" for g in ("and", "or")]),
        (
            CASES,
            "bias-std=3",
            [{"phase": "order with bias_std=3"}, {"phase": "chaos with bias_std=3"}, {"phase": "plain"}],
        ),
        (CASES, "width=6", [{"phase": "order"}, {"phase": "chaos"}, {"phase": "plain with width=6"}]),
        (
            CASES,
            "bias-std=[1, 2]",
            [
                {"phase": name, "bias_std": value}
                for name in ("order with another bias_std", "chaos with another bias_std", "plain")
                for value in (1.0, 2.0)
            ],
        ),
        (OWN, "size=5", [{"out": 4, "size": 5}, {"out": 8, "size": 5}]),
        (OWN, "out=[1, 2]", [{"size": s, "out": o} for s in (1, 3) for o in (1, 2)]),
        (OWN, "layers=conv:3x3x{out}", [{"out": 4}, {"out": 8}]),
        (OWN, "layers=conv:3x3x1", [{}]),
        (MIXED, "size=1", [{"input": "5x5x1", "size": 1}, {"input": "9x9x1", "size": 1}]),
        (MIXED, "input=9x9x1", [{"size": 1}, {"size": 3}]),
        (CASES.replace("plain: {width: 4}", "wide: {width: 9}").replace("weight-std: 1.2, bias-std: 0.2", "width: 3")
         .replace("weight-std: 1.7, bias-std: 0.2", "width: 5"), "width=7", [{}]),
    ],
)  # fmt: skip
def test_what_is_set_is_what_the_labels_say(plan, text, override, labels):
    found = plan(text, override)
    told = [{name: shown for name, shown in label.items() if name != "optimizer"} for label, _ in found]
    assert [label for index, label in enumerate(told) if label not in told[:index]] == labels
    for label, words in found:  # every label that is called as an option is that option's value
        for name, shown in label.items():
            if name in words:
                assert str(words[name]) == str(shown)
    assert len({json.dumps([label, words]) for label, words in found}) == len(found)


def test_tables_measures_and_records_follow(dlmath, result, write):
    found = result(write(ZIPPED), "--set", "gate=and")["experiments"][0]
    assert [row["cell"] for row in found["summary"]] == [
        {"hidden": h, "optimizer": o} for h in ("2", "3") for o in ("sgd", "adam")
    ]
    assert (found["measured"], found["expectations"][0]["holds"]) == ({"it": None}, None)
    rows = list(csv.DictReader(Path("results/x.csv").read_text(encoding="utf-8").splitlines()))
    assert {row["result.gate"] for row in rows} == {"and"}
    assert "gate" not in rows[0]
    assert "xor" not in dlmath("x.yaml", "--set", "gate=and", "--format", "csv")[1]


@pytest.mark.parametrize(
    ("text", "override", "what"),
    [
        (OWN, "repeat=0", "no experiment here draws random numbers"),
        (OWN, "seed=1", "no experiment here draws random numbers"),
        (ZIPPED, "repeat=0", "a whole number of at least 1"),
        (ZIPPED, "sample=0", "a whole number of at least 1"),
        (ZIPPED, "time_limit=-1", "positive finite number"),
        (ZIPPED, "size=3", "unknown key for --set: 'size'"),
    ],
)
def test_what_cannot_be_set_is_refused(dlmath, write, text, override, what):
    status, _, err = dlmath(write(text), "--set", override)
    assert (status, what in err) == (2, True), err


# --- files ------------------------------------------------------------------------------------------------------------

PICTURES = """\
command: convolve
image: 1 2 3; 4 5 6; 7 8 9
sweep: {kernel: [sobel-x, sobel-y]}
output: '{kernel}.npy'
expect: [len(images) == 1]
"""


def test_a_cell_whose_output_is_gone_or_another_is_not_done(result, write):
    assert result(write(PICTURES))["experiments"][0]["cached"] == 0
    assert result("x.yaml")["experiments"][0]["cached"] == 2
    before = Path("sobel-x.npy").read_bytes()
    Path("sobel-x.npy").unlink()
    assert result("x.yaml")["experiments"][0]["cached"] == 1
    assert Path("sobel-x.npy").read_bytes() == before
    Path("sobel-y.npy").write_bytes(before)
    assert result("x.yaml")["experiments"][0]["cached"] == 1
    assert Path("sobel-y.npy").read_bytes() != before


@pytest.mark.parametrize("output", ["one.npy", "'{image}.npy'", "./"])
def test_two_cells_that_would_write_one_file_are_refused(dlmath, write, output):
    text = PICTURES.replace("'{kernel}.npy'", output).replace("sobel-y]}", "sobel-y], border: [wrap, reflect]}")
    status, _, err = dlmath(write(text if output != "./" else text.replace("1 2 3; 4 5 6; 7 8 9", "a.png")))
    assert status == 2
    if output != "./":
        assert err.startswith("error: x.yaml:4:9: ")
        assert "would be written by two cells, kernel=sobel-x border=wrap and kernel=sobel-x border=reflect" in err
        assert "put what varies into its name: {kernel}, {border}" in err
    assert [path.name for path in Path().iterdir()] == ["x.yaml"]


def test_two_experiments_that_would_write_one_file_are_refused(dlmath, write):
    write(PICTURES, "a.yaml")
    status, _, err = dlmath("a.yaml", write(PICTURES.replace("sobel-x, sobel-y", "sobel-x, prewitt-x")))
    assert (status, Path("results").exists()) == (0, False) or "kernel=sobel-x" not in err  # the same cell, twice
    status, _, err = dlmath("a.yaml", write(PICTURES.replace("border", "").replace("image: 1", "image: 0")))
    assert (status, "sobel-x.npy would be written by two cells" in err) == (2, True)


def lines_of(name):
    return [json.loads(line) for line in Path(name).read_text(encoding="utf-8").splitlines()]


def test_what_was_asked_before_is_kept_beside(dlmath, write):
    text = "command: param-count\nlayers: conv:3x3x{out}\ninput: 8x8x1\nsweep: {out: [1, 2]}\n"
    assert dlmath(write(text))[2] == ""
    first = {name: Path(f"results/x.{name}").read_bytes() for name in ("csv", "jsonl")}
    assert dlmath("x.yaml")[2] == ""
    assert sorted(path.name for path in Path("results").glob("x*")) == ["x.csv", "x.jsonl"]
    _, _, err = dlmath("x.yaml", "--set", "out=7")
    assert err.startswith("note: results/x.csv was written; what was asked before is kept in results/x@")
    assert [line["cell"]["out"] for line in lines_of("results/x.jsonl")] == [7]
    for name, content in first.items():
        (kept,) = Path("results").glob(f"x@*.{name}")
        assert kept.read_bytes() == content
    dlmath(write(text.replace("3x3", "5x5")))
    assert len(list(Path("results").glob("x*.jsonl"))) == 3
    dlmath(write(text))
    assert {path.read_bytes() for path in Path("results").glob("x*.csv")} >= {first["csv"]}
    assert Path("results/x.csv").read_bytes() == first["csv"]


def test_a_foreign_file_under_an_experiments_name_is_not_lost(dlmath, write):
    Path("results").mkdir()
    Path("results/x.jsonl").write_text("my notes\n", encoding="utf-8")
    dlmath(write("command: param-count\nlayers: relu\ninput: '3'\n"))
    (kept,) = Path("results").glob("x@*.jsonl")
    assert kept.read_text(encoding="utf-8") == "my notes\n"


@pytest.mark.parametrize(
    ("text", "name", "what"),
    [
        ("command: train-gate\ngate: and\nname: journal\n", "x.yaml", "3:1: name 'journal' is that of a file"),
        ("command: train-gate\ngate: and\n", "Journal.yaml", "1:1: name 'Journal' is that of a file"),
        ("command: train-gate\ngate: and\n", "my file.yaml", "1:1: name 'my file', taken from the file's, cannot"),
        ("command: train-gate\ngate: and\n", "a@b.yaml", "1:1: name 'a@b'"),
        *(
            (OWN.replace("size", name), "x.yaml", f"'{name}' cannot be a name of one's own")
            for name in ("id", "status", "error", "repeat", "seed", "name", "settings", "result", "where", "true")
        ),
        *(
            (f"command: train-gate\ngate: and\nsweep: {{{name}: {{a: {{epochs: 1}}}}}}\n", "x.yaml", f"'{name}' cannot")
            for name in ("id", "status", "error", "repeat", "name", "settings", "result", "in")
        ),
        (MIXED.replace("size", "id"), "x.yaml", "'id' cannot be a name of one's own"),
    ],
)
def test_reserved_names_are_refused_in_the_plan(dlmath, write, text, name, what):
    status, _, err = dlmath(write(text, name))
    assert (status, Path("results").exists()) == (2, False)
    assert what in err


def test_a_seed_that_is_an_option_can_be_swept(result, write):
    rows = result(write("command: train-gate\ngate: and\nepochs: 3\nsweep: {seed: [1, 2]}\nexpect: [seeds == 1]\n"))
    assert [row["cell"] for row in rows["experiments"][0]["summary"]] == [{"seed": 1}, {"seed": 2}]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_a_page_of_claims_keeps_its_ends_of_lines_and_its_mark(dlmath, write, end, mark, claims_of):
    Path("docs").mkdir()
    Path("the experiments").mkdir()
    write("claim: a | b\ncommand: param-count\nlayers: relu\ninput: '3'\nname: x\n", "the experiments/x.yaml")
    page = Path("docs/page.md")
    before, after = f"{mark}# Page{end}<!-- claims -->{end}", f"<!-- /claims -->{end}rest{end}"
    page.write_bytes((before + "old" + end + after).encode())
    assert dlmath("the experiments/x.yaml", "--claims", "docs/page.md")[0] == 0
    content = page.read_bytes().decode()
    assert content.startswith(before)
    assert content.endswith(after)
    assert content.count("\n") == content.count(end) == len(content.splitlines())
    ((link, claim, *_),) = claims_of(page)
    assert (link, claim) == ("[x](../the%20experiments/x.yaml)", "a | b")


def test_escape_sequences_and_formulas_are_harmless_wherever_they_go(dlmath, write):
    text = 'claim: "\\e[31mred\\e[0m"\ncommand: param-count\nlayers: conv:1x1x{n}\ninput: 2x2x1\n'
    text += (
        "sweep: {n: [1], net: {'=1+1': {padding: valid}, \"\\e]0;title\\a\": {padding: same}}}\nexpect: [params > 9]\n"
    )
    Path("page.md").write_text("<!-- claims -->\n<!-- /claims -->\n", encoding="utf-8")
    write(text)
    for words in ((), ("--format", "csv"), ("--format", "markdown"), ("--explain",), ("--claims", "page.md")):
        _, out, err = dlmath("x.yaml", *words)
        assert "\x1b" not in out + err
    assert "\x1b" not in Path("page.md").read_text(encoding="utf-8")
    table = Path("results/x.csv").read_text(encoding="utf-8")
    assert ",'=1+1," in table
    assert ",=1+1" not in table
