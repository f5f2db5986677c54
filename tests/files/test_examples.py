"""Built-in files: every one has a name and a description, and its name stands wherever a file is read."""

import json
import re
from pathlib import Path

import pytest

from dlmath.errors import InvalidValueError
from dlmath.files import examples
from dlmath.files.examples import DATA, DESCRIPTIONS, described, folder, names, path_of

EXPERIMENTS = Path(__file__).parents[2] / "experiments"


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """Work in a folder of its own, where no relative path of a checkout leads anywhere."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def packed(tmp_path, monkeypatch):
    """Give an installed package's folder of examples; the caches forget it afterwards."""
    inside = tmp_path / "dlmath" / "examples"
    (inside / DATA).mkdir(parents=True)
    monkeypatch.setattr(examples, "PACKAGE", tmp_path / "dlmath")
    for cached in (examples.folder, examples._paths):
        cached.cache_clear()
    yield inside
    for cached in (examples.folder, examples._paths):
        cached.cache_clear()


def test_a_checkout_finds_its_experiments_and_their_data():
    files = {path.stem for path in EXPERIMENTS.glob("*.yaml")}
    data = {path.name for path in (EXPERIMENTS / DATA).iterdir()} - {DESCRIPTIONS}
    assert folder() == EXPERIMENTS
    assert set(names()) == files | data
    assert all(path_of(f"example:{name}").is_file() for name in names())


def test_the_package_that_was_installed_has_its_own(packed):
    (packed / "01-a.yaml").write_text("claim: >-\n  A holds\n  always.\ncommand: train-gate\n", encoding="utf-8")
    (packed / DATA / "k.csv").write_text("1,2", encoding="utf-8")
    (packed / DATA / DESCRIPTIONS).write_text("# Data\n\n- `k.csv`: two weights\n", encoding="utf-8")
    assert path_of("example:01-a") == packed / "01-a.yaml"
    assert dict(described()) == {"01-a": "A holds always.", "k.csv": "two weights"}


def test_every_example_is_described_in_one_line():
    told = dict(described())
    assert list(told) == names()
    assert all(re.fullmatch(r"\S.{19,}", line) for line in told.values())


def test_the_list_of_data_names_nothing_else():
    text = (EXPERIMENTS / DATA / DESCRIPTIONS).read_text(encoding="utf-8")
    listed = re.findall(r"^- `(.+?)`: ", text, re.MULTILINE)
    assert sorted(listed) == sorted(name for name in names() if "." in name)


@pytest.mark.parametrize("word", ["mazur", "mazur.yaml", "data/mazur.yaml"])
def test_data_may_be_named_with_and_without_ending(word):
    assert path_of(f"example:{word}") == EXPERIMENTS / "data" / "mazur.yaml"


@pytest.mark.parametrize("word", ["06-optimizers", "06-optimizers.yaml"])
def test_experiments_may_be_named_with_and_without_ending(word):
    assert path_of(f"example:{word}") == EXPERIMENTS / "06-optimizers.yaml"


@pytest.mark.parametrize(
    ("word", "told"),
    [
        ("06-optimisers", "unknown example '06-optimisers'; did you mean '06-optimizers'?"),
        ("scen.png", "did you mean 'scene.png'"),
        ("../pyproject.toml", "unknown example"),
        ("", "example: names no file here; write example:NAME"),
    ],
)
def test_a_wrong_name_gets_the_nearest(word, told):
    with pytest.raises(InvalidValueError, match=re.escape(told)):
        path_of(f"example:{word}")


@pytest.mark.usefixtures("elsewhere")
def test_a_picture(command, elsewhere):
    status, _, err = command("convolve")("example:scene.png", "--kernel", "sobel", "--quiet")
    assert (status, err) == (0, "")
    assert [path.name for path in elsewhere.iterdir()] == ["scene-sobel.png"]


@pytest.mark.usefixtures("elsewhere")
def test_rows_and_weights(command, result_of):
    words = ("--fixed-biases", "--loss", "half-sse", "--learning-rate", "0.5", "--epochs", "1")
    found = result_of(command("train-gate"), "example:mazur", "--weights", "example:mazur-weights", *words)
    beside = [str(EXPERIMENTS / "data" / name) for name in ("mazur.yaml", "mazur-weights.yaml")]
    wanted = result_of(command("train-gate"), beside[0], "--weights", beside[1], *words)
    assert found["outputs"] == wanted["outputs"]
    assert found["gate"] == wanted["gate"] == "mazur"


@pytest.mark.usefixtures("elsewhere")
def test_an_architecture_and_what_it_is_compared_with(command, result_of):
    param_count = command("param-count")
    found = result_of(param_count, "--model", "example:inception-naive", "--compare", "example:inception-reduced.yaml")
    assert found["params"] == 387296
    assert found["alternatives"][0]["params"] == 163696


@pytest.mark.parametrize("name", ["blur.csv", "blur"])
def test_a_kernel(packed, command, result_of, elsewhere, name):
    (packed / DATA / "blur.csv").write_text("1/4,1/2,1/4\n", encoding="utf-8")
    Path("a.csv").write_text("0,4,0,0\n", encoding="utf-8")
    words = ("a.csv", "--kernel", f"example:{name}", "--border", "valid", "-o", "./")
    (found,) = result_of(command("convolve"), *words)["images"]
    assert (found["kernel"], found["output"]) == ("blur", "a-blur.csv")
    assert (elsewhere / "a-blur.csv").read_text(encoding="utf-8").split() == ["2.0,1.0"]


@pytest.mark.usefixtures("elsewhere")
def test_experiments_with_the_files_beside_them(command):
    assert command("run")("example:15-inception", "--quiet")[0] == 0
    records = [json.loads(line) for line in Path("results/15-inception.jsonl").read_text("utf-8").splitlines()]
    assert [record["files"][0]["path"] for record in records] == [
        "example:data/inception-naive.yaml",
        "example:data/inception-reduced.yaml",
    ]
    assert command("run")("--replay", f"results/15-inception.jsonl:{records[1]['id']}")[0] == 0


@pytest.mark.usefixtures("elsewhere")
def test_an_experiment_may_name_examples_too(command):
    Path("x.yaml").write_text(
        "command: param-count\nmodel: example:inception-naive\nexpect: params == 387296\n", encoding="utf-8"
    )
    assert command("run")("x.yaml", "--quiet")[0] == 0
    Path("x.yaml").write_text("command: param-count\nmodel: example:inception-nave\n", encoding="utf-8")
    status, _, err = command("run")("x.yaml")
    assert (status, "did you mean 'inception-naive" in err) == (2, True)


@pytest.mark.usefixtures("elsewhere")
@pytest.mark.parametrize("model", ["example:blocks:depth=4", "example:blocks.yaml:depth=4,residual=1"])
def test_an_example_may_have_settings(command, result_of, model):
    words = ("--input", "16x16x1")
    assert result_of(command("param-count"), "--model", model, *words)["params"] > 0
    Path("x.yaml").write_text(f"command: param-count\nmodel: {model}\ninput: 16x16x1\nexpect: params > 0\n", "utf-8")
    assert command("run")("x.yaml", "--quiet")[0] == 0


@pytest.mark.usefixtures("elsewhere")
def test_cells_are_the_same_by_name_and_by_path(command):
    plans = [
        command("run")(word, "--dry-run", "--format", "json", "-q")[1]
        for word in ("example:12-kernels", EXPERIMENTS / "12-kernels.yaml")
    ]
    first, second = ([cell["id"] for cell in json.loads(plan)["result"]["plan"]] for plan in plans)
    assert first == second
    assert "convolve example:data/scene.png" in plans[0]


@pytest.mark.usefixtures("elsewhere")
def test_all_experiments_at_once(command):
    status, out, _ = command("run")("example:", "--dry-run", "--format", "json", "-q")
    planned = {cell["experiment"].partition("-")[0] for cell in json.loads(out)["result"]["plan"]}
    assert status == 0
    assert planned == {path.stem.partition("-")[0] for path in EXPERIMENTS.glob("*.yaml")}
