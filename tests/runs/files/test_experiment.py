"""Experiment files: what they mean, and errors that say file, line, column and the nearest word."""

from __future__ import annotations

from pathlib import Path

import pytest

from dlmath.errors import DlmathError
from dlmath.runs.files.claims import check_claims_file, write_claims
from dlmath.runs.files.experiment import OWN_KEYS, read_experiments
from dlmath.runs.files.results import Store
from dlmath.runs.files.rows import leaves, table_of
from dlmath.runs.files.sweep import filled
from dlmath.runs.vocabulary import vocabularies

BASE = "command: train-gate\ngate: xor\n"


@pytest.fixture
def read(tmp_path):
    """Read experiments from a text."""

    def call(text, name="some.yaml"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return read_experiments([str(path)], vocabularies())

    return call


def labels(experiment):
    return [[dict(point.labels) for point in axis.points] for axis in experiment.axes]


def test_words_keep_the_spelling_and_the_type_of_the_command_line(read):
    text = "command: train-gate\ngate: 0110\nhidden: 4,3\nlearning-rate: 1e-2\nepochs: 10\nfixed-biases: yes\n"
    (one,) = read(text)
    values = {field: setting.value for field, setting in one.settings.items()}
    assert values == {"gate": "0110", "hidden": "4,3", "learning_rate": 0.01, "epochs": 10, "fixed_biases": True}
    assert one.name == "some"


def test_words_that_the_command_line_calls_otherwise(read):
    (one,) = read("command: param-count\nlayers: [conv:3x3x8, relu]\ninput: 8x8x3\n")
    assert one.settings["layers"].value == ["conv:3x3x8", "relu"]
    assert one.settings["input_shape"].value == ["8x8x3"]


@pytest.mark.parametrize(
    ("sweep", "expected"),
    [
        ("  hidden: [1, 2]\n  bias: [none]\n", [[{"hidden": "1"}, {"hidden": "2"}], [{"bias": "none"}]]),
        ("  epochs: {range: [1, 6, 2]}\n", [[{"epochs": 1}, {"epochs": 3}, {"epochs": 5}]]),
        ("  tolerance: {linspace: [0.1, 0.3, 2]}\n", [[{"tolerance": 0.1}, {"tolerance": 0.3}]]),
        ("  learning-rate: {logspace: [-1, 1, 3]}\n", [[{"learning_rate": v} for v in (0.1, 1.0, 10.0)]]),
        ("  zip: {hidden: [1, 2], epochs: [5, 6]}\n", [[{"hidden": "1", "epochs": 5}, {"hidden": "2", "epochs": 6}]]),
        ("  net:\n    small: {hidden: 2}\n    none: {}\n", [[{"net": "small"}, {"net": "none"}]]),
    ],
)
def test_sweeps(read, sweep, expected):
    (one,) = read(BASE + "sweep:\n" + sweep)
    assert labels(one) == expected


def test_names_in_braces_are_swept(read):
    (one,) = read("command: param-count\nlayers: conv:{size}x{size}x8\ninput: 9x9x1\nsweep: {size: [3, 5]}\n")
    assert labels(one) == [[{"size": 3}, {"size": 5}]]
    assert filled("conv:{size}x{size}x{other}", {"size": 3}) == "conv:3x3x{other}"


def test_a_list_of_experiments_shares_what_stands_beside_it(read):
    text = BASE + "claim: shared\nexperiments:\n  - hidden: 1\n  - {hidden: 2, claim: own, name: second}\n"
    first, second = read(text)
    assert (first.name, first.claim, first.settings["hidden"].value) == ("some-1", "shared", "1")
    assert (second.name, second.claim) == ("second", "own")


def test_documents_are_experiments_too(read):
    assert [one.name for one in read(BASE + "---\n" + BASE)] == ["some-1", "some-2"]


@pytest.mark.parametrize(
    ("text", "place", "what"),
    [
        ("gate: xor\n", "1:1", "no command: is named"),
        ("command: train-gat\n", "1:10", "did you mean 'train-gate'?"),
        (BASE + "hiden: 2\n", "3:1", "did you mean 'hidden'?"),
        (BASE + "epochs: many\n", "3:9", "'many' is not a whole number"),
        (BASE + "epochs: 1.5\n", "3:9", "'1.5' is not a whole number"),
        (BASE + "tolerance: x\n", "3:12", "is not a number"),
        (BASE + "fixed-biases: 3\n", "3:15", "is not true or false"),
        (BASE + "hidden: [1, 2]\n", "3:9", "belong under sweep:"),
        (BASE + "hidden: {a: 1}\n", "3:9", "is a mapping"),
        (BASE + "repeat: 0\n", "3:9", "at least 1"),
        (BASE + "seed: -1\n", "3:7", "at least 0"),
        (BASE + "name: a/b\n", "3:1", "cannot name a file"),
        (BASE + "sweep: [1]\n", "3:8", "sweep is no mapping"),
        (BASE + "sweep: {hiden: [1]}\n", "3:9", "did you mean 'hidden'?"),
        (BASE + "sweep: {hidden: 1}\n", "3:17", "nothing to sweep over"),
        (BASE + "sweep: {hidden: []}\n", "3:17", "nothing to sweep over"),
        (BASE + "sweep: {epochs: {rnge: [1]}}\n", "3:17", "no list of values"),
        (BASE + "sweep: {epochs: {range: [5, 1]}}\n", "3:18", "no list of values"),
        (BASE + "sweep: {epochs: {range: [1, 5, 0]}}\n", "3:18", "no list of values"),
        (BASE + "sweep: {zip: {hidden: [1], epochs: [1, 2]}}\n", "3:28", "of one length"),
        (BASE + "sweep: {net: {a: {hiden: 2}}}\n", "3:19", "did you mean 'hidden'?"),
        (BASE + "hidden: 2\nsweep: {hidden: [1, 2]}\n", "4:18", "is fixed already"),
        (BASE + "expect:\n  - learned >\n", "4:14", "something is missing"),
        (BASE + "expect:\n  - 'max(learned'\n", "4:17", "')' is missing"),
        (BASE + "expect: [foo(1)]\n", "3:10", "unknown function"),
        (BASE + "measure: [1]\n", "3:10", "measure is no mapping"),
        (BASE + "gate: and\n", "3:1", "stands twice"),
        (BASE + "experiments: 3\n", "3:1", "is no list"),
        ("command: param-count\nlayers: relu\nrepeat: 3\n", "3:1", "draws no random numbers"),
        ("a: [1\n", "2:1", "expected"),
    ],
)
def test_errors_say_file_line_column_and_the_nearest_word(read, text, place, what):
    with pytest.raises(DlmathError) as caught:
        read(text)
    assert f"some.yaml:{place}:" in str(caught.value)
    assert what in str(caught.value)


def test_two_experiments_of_one_name_are_refused(tmp_path):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "x.yaml").write_text(BASE, encoding="utf-8")
    with pytest.raises(DlmathError, match="name 'x' is taken"):
        read_experiments([str(tmp_path / "a"), str(tmp_path / "b")], vocabularies())


def test_a_folder_without_experiments_is_an_error(tmp_path):
    with pytest.raises(DlmathError, match="no experiment files"):
        read_experiments([str(tmp_path)], vocabularies())


def test_no_command_has_an_option_that_experiments_use_as_a_key():
    for command, words in vocabularies().items():
        assert not (set(words) - {"seed"}) & {*OWN_KEYS, "experiments"}, command


# --- results and claims -----------------------------------------------------------------------------------------------


def test_a_torn_or_foreign_record_is_not_taken_for_a_finished_cell(tmp_path):
    store = Store(str(tmp_path / "results"))
    store.open()
    store.keep({"id": "aa", "result": 1})
    assert store.read("aa") == {"id": "aa", "result": 1}
    whole = store.path("aa").read_text(encoding="utf-8")
    broken = {
        "bb": '{"id": "bb", "res',
        "cc": whole,
        "dd": whole.replace("aa", "dd"),
        "ee": '{"id": "ee"}',
        "ff": "[" * 200_000,
        "a0": "null",
        "a1": "\0",
    }
    for name, text in broken.items():
        store.path(name).parent.mkdir(exist_ok=True)
        store.path(name).write_text(text, encoding="utf-8")
    assert [store.read(name) for name in (*broken, "none")] == [None] * 8
    store.path("aa").write_text(whole.replace("1", "2"), encoding="utf-8")
    assert store.read("aa") is None


def test_results_as_a_table():
    row = {"id": "a", "cell": {"hidden": 2}, "repeat": None, "seed": 0, "status": "done", "error": None}
    columns, rows = table_of([{**row, "result": {"rate": 0.5, "epochs": {"min": 3}, "loss": [1, 2]}}])
    assert columns[-2:] == ["result.rate", "result.epochs.min"]
    assert rows[0][:2] == ["a", 2]
    assert list(leaves(None)) == []


def test_claims_are_written_between_their_markers(tmp_path, claims_of):
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- claims -->\nold\n<!-- /claims -->\nafter\n", encoding="utf-8")
    check_claims_file(str(page))
    write_claims(str(page), "| a | b |\n|---|---|\n| 1 | x \\| y |\n")
    assert page.read_text(encoding="utf-8").startswith("before\n<!-- claims -->\n| a | b |")
    assert page.read_text(encoding="utf-8").endswith("<!-- /claims -->\nafter\n")
    assert claims_of(page) == [["1", "x | y"]]


def test_a_page_without_markers_is_refused_before_the_work(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("nothing here\n", encoding="utf-8")
    with pytest.raises(DlmathError, match="<!-- claims -->"):
        check_claims_file(str(page))


# --- the project's own ------------------------------------------------------------------------------------------------

ROOT = Path(__file__).parent.parent.parent.parent
OWN = read_experiments([str(ROOT / "experiments")], vocabularies())


@pytest.mark.parametrize("experiment", OWN, ids=[one.name for one in OWN])
def test_every_experiment_of_the_project_has_claim_source_and_expectation(experiment):
    assert experiment.claim.endswith(".")
    assert experiment.source
    assert experiment.expect
    assert experiment.measure


def test_the_experiments_cover_their_topics_without_a_gap():
    assert {int(one.name[:2]) for one in OWN} == set(range(1, 48))
