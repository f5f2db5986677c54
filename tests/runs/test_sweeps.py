"""Which cells are run and which are shown: exclude, sample, drawn values, bounds, --paths, --where, --sort, --top."""

from __future__ import annotations

import math
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlmath.errors import DlmathError
from dlmath.runs.files.experiment import read_experiments
from dlmath.runs.plan import make_plan
from dlmath.runs.sampling import MOST_CELLS, shares, shuffled, unravelled
from dlmath.runs.vocabulary import vocabularies

GRID = "command: param-count\nlayers: conv:{a}x{b}x1\ninput: 9x9x1\nsweep: {a: [1, 2, 3, 4], b: [1, 2, 3]}\n"
GATE = "command: train-gate\ngate: xor\nepochs: 3\n"


@pytest.fixture
def planned(tmp_path):
    """Plan one experiment; give its cells."""

    def call(text, *overrides):
        path = tmp_path / "x.yaml"
        path.write_text(text, encoding="utf-8")
        return make_plan(read_experiments([str(path)], vocabularies()), overrides)[0]

    return call


def labels(found):
    return [tuple(cell.labels.values()) for cell in found.cells]


# --- exclude ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("exclude", "left"),
    [
        ("exclude: a > b\n", [(a, b) for a in range(1, 5) for b in range(1, 4) if a <= b]),
        ("exclude: [a > 1, b == 2]\n", [(1, 1), (1, 3)]),
        ("exclude: a + b == 5 or not a in [2, 3]\n", [(2, 1), (2, 2), (3, 1), (3, 3)]),
        ("exclude: padding == 'valid'\n", [(a, b) for a in range(1, 5) for b in range(1, 4)]),
    ],
)
def test_excluded_cells_are_not_in_the_plan(planned, exclude, left):
    assert labels(planned(GRID + exclude)) == left


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("exclude: a > 0\n", "exclude: leaves no cell"),
        ("exclude: c > 0\n", r"x\.yaml:5:10: no setting is called 'c'"),
        ("exclude: a\n", "neither true nor false"),
        ("exclude: params > 3\n", "no setting is called 'params'"),
        ("sample: 0\n", "sample: 0 is not allowed"),
        ("sample: 5\nexclude: a > 0\n", "leaves no cell"),
    ],
)
def test_what_excludes_too_much_or_nothing_known_is_refused(planned, text, what):
    with pytest.raises(DlmathError, match=what):
        planned(GRID + text)


# --- sample -----------------------------------------------------------------------------------------------------------


@given(st.integers(1, 14), st.integers(0, 3))
def test_a_sample_is_so_many_different_cells_of_the_grid_and_begins_with_the_smaller_one(count, seed):
    sizes = [4, 3]
    places = list(dict.fromkeys(place for place, _ in zip(shuffled(sizes, seed, 1000), range(count), strict=False)))
    assert len(places) == min(count, 12)
    assert set(places) <= {(a, b) for a in range(4) for b in range(3)}
    assert list(shuffled(sizes, seed, 1000))[: len(places)] == places


def test_every_cell_has_the_same_chance():
    # 4000 draws of 3 of 12: each cell 1000 times; standard deviation sqrt(4000 * 1/4 * 3/4) = 27.4, and 6 of them
    counts = dict.fromkeys(((a, b) for a in range(4) for b in range(3)), 0)
    for seed in range(4000):
        for place, _ in zip(shuffled([4, 3], seed, 100), range(3), strict=False):
            counts[place] += 1
    assert all(abs(count - 1000) < 6 * 27.4 for count in counts.values())


def test_a_sample_of_a_grid(planned):
    five, nine = (labels(planned(GRID + f"sample: {count}\n")) for count in (5, 9))
    assert (len(five), len(nine), len(set(nine))) == (5, 9, 9)
    assert set(five) < set(nine)
    assert labels(planned(GRID + "sample: 5\nseed: 1\n")) != five
    assert labels(planned(GRID + "sample: 500\n")) == labels(planned(GRID))
    kept = labels(planned(GRID + "sample: 5\nexclude: a == 1\n"))
    assert len(kept) == 5
    assert all(a > 1 for a, _ in kept)


def test_a_sample_of_a_grid_too_large_to_be_made(planned):
    text = GATE + "sweep: {epochs: {range: [1, 90000]}, hidden: {range: [1, 90000]}}\nsample: 20\n"
    found = planned(text.replace("epochs: 3\n", ""))
    assert len({cell.id for cell in found.cells}) == 20


DRAWN = GATE + "sweep:\n  learning-rate: {loguniform: [1e-3, 10]}\n  momentum: {uniform: [0, 0.9]}\n  hidden: [2, 3]\n"


def test_drawn_values_lie_between_their_ends_and_are_what_the_words_say(planned):
    found = planned(DRAWN + "sample: 200\n")
    rates = [cell.labels["learning_rate"] for cell in found.cells]
    assert len(found.cells) == 200
    assert all(1e-3 <= rate <= 10 for rate in rates)
    assert all(0 <= cell.labels["momentum"] <= 0.9 for cell in found.cells)
    assert all(cell.words["learning_rate"] == cell.labels["learning_rate"] for cell in found.cells)
    assert rates == sorted(rates)  # places on a drawn axis stand in order
    # the logarithm is even on (-3, 1): the mean of 200 has a standard deviation of 4 / sqrt(12 * 200), and 6 of them
    assert abs(sum(map(math.log10, rates)) / 200 + 1) < 6 * 4 / math.sqrt(12 * 200)
    assert {cell.labels["hidden"] for cell in found.cells} == {"2", "3"}


def test_a_smaller_sample_is_a_part_of_a_larger_one_and_an_axis_more_changes_no_other(planned):
    few, many = ({tuple(cell.labels.items()) for cell in planned(DRAWN + f"sample: {n}\n").cells} for n in (7, 40))
    assert few < many
    more = planned(DRAWN + "  tolerance: {uniform: [0.1, 0.3]}\nsample: 7\n")
    assert {tuple(list(cell.labels.items())[:3]) for cell in more.cells} == few


def test_whole_numbers_are_drawn_for_whole_options(planned):
    found = planned(GATE.replace("epochs: 3\n", "") + "sweep: {epochs: {uniform: [1, 3]}}\nsample: 3\n")
    assert labels(found) == [(1,), (2,), (3,)]
    found = planned(GATE + "sweep: {hidden: {loguniform: [1, 64]}}\nsample: 20\n")
    assert all(cell.labels["hidden"].isdigit() for cell in found.cells)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("sweep: {learning-rate: {uniform: [0, 1]}}\n", r"x\.yaml:4:25: learning_rate is drawn, and nothing says how"),
        ("sweep: {learning-rate: {loguniform: [0, 1]}}\nsample: 2\n", "logarithm of 0 is no number"),
        ("sweep: {learning-rate: {uniform: [2, 1]}}\nsample: 2\n", "the lower first"),
        ("sweep: {learning-rate: {uniform: [1]}}\nsample: 2\n", "takes two numbers"),
        ("sweep: {learning-rate: {uniform: [0, inf]}}\nsample: 2\n", "takes two numbers"),
        ("sweep: {seeds: {uniform: [1.5, 2]}}\nsample: 2\n", "takes whole numbers"),
        ("sweep: {zip: {learning-rate: {uniform: [0, 1]}, hidden: [1]}}\nsample: 2\n", "go together with none"),
        ("sweep: {hidden: {uniform: [1, 4]}}\nsample: 3\nexclude: hidden < 9\n", "leaves 0 of the 3 cells"),
    ],
)
def test_draws_that_make_no_sense_are_refused(planned, text, what):
    with pytest.raises(DlmathError, match=what):
        planned(GATE + text)


def test_shares_are_the_upper_bits_of_pcg64():
    from numpy.random import PCG64, Generator, SeedSequence

    stream = shares(7, 1)
    wanted = Generator(PCG64(SeedSequence([7, 1]))).random(300)
    assert [next(stream) for _ in range(300)] == wanted.tolist()


@given(st.lists(st.integers(1, 5), max_size=4))
def test_places_are_numbered_as_they_come(sizes):
    import itertools

    every = list(itertools.product(*map(range, sizes)))
    assert [unravelled(number, sizes) for number in range(len(every))] == every


# --- bounds -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("repeat: 1000000000\n", "1,000,000,000 cells are asked for, more than 1,000,000"),
        ("sweep: {seeds: {range: [1, 10001]}, hidden: {range: [1, 10001]}}\n", "100,000,000 cells"),
        ("sweep: {hidden: {range: [0, 1000000000000000000000000000000]}}\n", "values, more than 100,000"),
        ("sweep: {hidden: {range: [5, -1000000000000000000000000000000, -1]}}\n", "more than 100,000"),
        ("sweep: {learning-rate: {logspace: [0, 400, 3]}}\n", r"logspace of \[0, 400, 3\] is no list of values"),
        ("sweep: {learning-rate: {linspace: [0, inf, 3]}}\n", "is no list of values"),
        ("sweep: {learning-rate: {linspace: [0, 1, 1e12]}}\n", "1,000,000,000,000 values, more than"),
        ("sweep: {learning-rate: {linspace: [0, 1, nan]}}\n", "is no list of values"),
        ("seeds: " + "9" * 5000 + "\n", "is not a whole number"),
        ("sample: 1e9\n", "'1e9' is not a whole number"),
        ("sample: 1000000000\n", "1,000,000,000 cells"),
        ('weights: "a\\0b.npz"\n', "zero byte"),
        ("a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
            f"{c}: &{c} [{', '.join(['*' + chr(ord(c) - 1)] * 10)}]\n" for c in "bcdefghi"
        ), "stand for more than"),
    ],
    ids=lambda text: text[:24],
)  # fmt: skip
def test_what_would_grow_without_a_bound_is_refused_at_once(dlmath, write, text, what):
    begin = time.process_time()
    for words in ((), ("--dry-run",)):
        status, out, err = dlmath(write(GATE + text), *words)
        assert (status, out, err.count("\n")) == (2, "", 1)
        assert what.replace("\\", "") in err
    assert time.process_time() - begin < 10  # it would take minutes
    assert not Path("results").exists()


def test_the_bound_is_over_all_experiments(dlmath, write):
    half = MOST_CELLS // 2 + 1
    names = [write(GATE + f"repeat: {half}\n", name) for name in ("a.yaml", "b.yaml")]
    assert f"{2 * half:,} cells are asked for" in dlmath(*names)[2]


# --- empty values, doubled ones, names --------------------------------------------------------------------------------


def test_an_empty_value_means_the_default(planned):
    empty = "dtype: null\nrule: ~\nseeds:\nhidden: []\nrepeat:\nexpect:\nname: ~\nsweep:\nclaim:\n"
    assert planned(GATE + empty).cells[0].id == planned(GATE).cells[0].id
    swept = planned(GATE + "sweep: {bias: [null, none], hidden: [~, 2]}\n")
    assert labels(swept) == [("neuron", "default"), ("neuron", "2"), ("none", "default"), ("none", "2")]
    assert "bias" not in swept.cells[0].words


def test_a_doubled_value_is_one(planned):
    assert labels(planned(GATE + "sweep: {hidden: [2, 3, 2], zip: {bias: [none, none], seeds: [1, 1]}}\n")) == [
        ("2", "none", 1), ("3", "none", 1),
    ]  # fmt: skip


def test_a_file_named_twice_is_run_once_and_hidden_ones_never(result, write):
    write(GRID, "c.YAML")
    write("\0binary", "._a.yaml")
    write("\0binary", ".b.yaml")
    found = result(".", "c.YAML", "./c.YAML", "--dry-run")
    assert [one["name"] for one in found["experiments"]] == ["c"]


def test_an_empty_name_is_refused(dlmath):
    status, _, err = dlmath("")
    assert (status, "a file's name is empty" in err) == (2, True)


def test_an_expression_that_yaml_cannot_read_says_to_quote_it(dlmath, write):
    _, _, err = dlmath(write(GATE + "expect: [max[x] > 0]\n"))
    assert "x.yaml:4:17: found character that cannot start any token" in err
    assert "stands in quotation marks: 'max[x] > 0'" in err


def test_merges_are_understood(planned):
    text = "experiments:\n  - &one {command: train-gate, gate: xor, epochs: 3, name: one}\n"
    (found,) = make_plan(read_experiments([write_to(planned, text)], vocabularies())[1:], ())
    assert found.cells[0].words == {"gate": "xor", "epochs": 5, "seed": 0}


def write_to(planned, text):
    path = Path(planned.__closure__[0].cell_contents) / "m.yaml"
    path.write_text(text + "  - {<<: *one, name: two, epochs: 5}\n", encoding="utf-8")
    return str(path)


# --- the table of cells -----------------------------------------------------------------------------------------------


def shown(result, *words):
    return [row["cell"] for row in result("x.yaml", *words)["experiments"][0]["summary"]]


@pytest.mark.parametrize(
    ("words", "cells"),
    [
        (("--where", "a == 2"), [(2, 1), (2, 2), (2, 3)]),
        (("--where", "weights > 8"), [(3, 3), (4, 3)]),
        (("--sort", "params", "--top", "3"), [(1, 1), (1, 2), (2, 1)]),
        (("--sort", "-params", "--top", "2"), [(4, 3), (3, 3)]),
        (("--top", "2"), [(1, 1), (1, 2)]),
        (("--sort", "-b", "--where", "a < 3", "--top", "3"), [(1, 3), (2, 3), (1, 2)]),
        (("--where", "a == 9"), []),
        (("--sort", "-params / a", "--top", "1"), [(1, 3)]),
    ],
)
def test_rows_are_chosen_ordered_and_cut(result, write, words, cells):
    write(GRID + "expect: [params > 0, 'len[params] == 12']\n")
    assert [tuple(cell.values()) for cell in shown(result, *words)] == cells
    found = result("x.yaml", *words)["experiments"][0]
    assert found["holds"]  # expectations are about all cells, whatever is shown


def test_a_long_table_says_what_it_does_not_show(dlmath, write):
    write("command: param-count\nlayers: dense:{n}\ninput: '2'\nsweep: {n: {range: [1, 101]}}\nexpect: [params > 99]\n")
    _, out, _ = dlmath("x.yaml")
    assert "40 more rows are not shown: --top N shows N, --where and --sort choose" in out
    assert len(out.splitlines()) < 120
    assert "more rows" not in dlmath("x.yaml", "--top", "100")[1].partition("Expectations")[0]
    assert len(dlmath("x.yaml", "--format", "csv")[1].splitlines()) == 101


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (("--where", "parms > 1"), "--where parms > 1: the result has no 'parms'; did you mean 'params'?"),
        (("--sort", "parms"), "--sort parms: the result has no 'parms'"),
        (("--where", "params >"), "--where params >: something is missing at the end (character 9)"),
        (("--where", "params where a > 1"), "`where` has no place here"),
        (("--top", "0"), "--top 0 is not allowed"),
        (("--report", "a.pdf"), "a page is written as HTML"),
        (("--report", "none/a.html"), "there is no folder none"),
        (("--paths", "--dry-run"), "--dry-run has no meaning with --paths"),
        (("--dry-run", "--report", "a.html"), "--report has no meaning with --dry-run"),
        (("--results", ""), "--results names no folder"),
    ],
)
def test_what_cannot_be_shown_is_refused_before_any_work(dlmath, write, words, what):
    status, out, err = dlmath(write(GRID), *words)
    assert (status, out, Path("results").exists()) == (2, "", False)
    assert what in err


def test_paths_are_what_expectations_may_look_at(dlmath, result, write):
    rows = result(write(GRID), "--paths")["paths"]
    paths = {row["path"]: row["meaning"] for row in rows}
    assert {"params", "layers.*.macs", "a", "b"} <= paths.keys()
    assert all(paths.values())
    for path in ("params", "layers.0.macs"):
        write(GRID + f"expect: [{path} > 0]\n", "y.yaml")
        assert dlmath("y.yaml")[0] == 0
    assert not Path("results/x.csv").exists()
