"""The frame every command stands on, tried with a command made up for it: options, formats, streams, statuses."""

import csv
import io
import json
import os
import runpy
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from dlmath.__main__ import run
from dlmath.errors import InvalidValueError, UnwritableError
from dlmath.frame.delivery import check_output, deliver, ending_of
from dlmath.frame.help import entry
from dlmath.frame.outcome import Outcome
from dlmath.frame.output import Output, OutputWords
from dlmath.frame.words import Word, Words, completer, option
from dlmath.report.blocks import Table
from dlmath.report.streams import detect

PROBE = """
import sys
import time

import typer

import dlmath.frame.app
from dlmath.frame.app import register
from dlmath.frame.command import Command
from dlmath.frame.words import Seeded, Words as Record, argument, option
from dlmath.errors import InvalidValueError
from dlmath.files.atomic import atomic
from dlmath.report.blocks import Facts, Lines, Table
from dlmath.frame.outcome import Outcome

app = typer.Typer(
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings=dlmath.frame.app.app.info.context_settings,
)


@app.callback()
def root(): pass


class Words(Seeded):
    word: str | None = argument("WORD", "A word.")
    rows: int = option("Rows.", default=3)
    no: bool = option("Answer no.")
    fail: str | None = option("How to fail.")
    save: str | None = option("A file.", writes=True)
    picture: bool = option("Have a picture.")


def run(words, output):
    if words.fail == "defect":
        raise KeyError("first line\\nsecond line")
    if words.fail == "user":
        raise InvalidValueError("gate 'x' is wrong", "give another")
    if words.fail == "memory":
        raise MemoryError
    if words.fail == "wait":
        with atomic(words.save) as file:
            file.write(b"half")
            print("ready", file=sys.stderr, flush=True)
            time.sleep(30)
    rows = tuple((f"row{i}", i / 7, 924844032 * i) for i in range(words.rows))
    table = Table(("name", "value", "macs"), rows, title="T")
    listed = [dict(zip(table.columns, row)) for row in table.rows]
    return Outcome(
        "probe",
        {**words.as_dict(), **output.settings()},
        {"rows": listed, "third": 1 / 3, "nothing": None, "bad": float("nan")},
        table,
        lambda: (table, Facts((("a fact", 1),))),
        explanation=(lambda: [Lines(("z = w x + b",))]) if output.explain else None,
        picture=(lambda ending: b"picture as " + ending.encode()) if words.picture else None,
        answer=not words.no,
        notes=("a note",),
    )


RESULTS = {"rows.*.name": "", "rows.*.value": "", "rows.*.macs": "", "third": "", "nothing": "", "bad": ""}
register(app, Command("probe", Words, "Probe the frame.", (), lambda *_: None, run, lambda _: RESULTS))


def show_nothing(words, output):
    return Outcome("pure", {}, {}, Table(("a",), ()), lambda: ())


register(app, Command("pure", Record, "Show nothing.", (), lambda *_: None, show_nothing, lambda _: {}, has_plot=False))


if __name__ == "__main__":
    from dlmath.__main__ import main

    dlmath.frame.app.app = app
    dlmath.frame.app.load = lambda words: None
    main()
"""


@pytest.fixture(scope="module")
def script(tmp_path_factory):
    path = tmp_path_factory.mktemp("probe") / "probe.py"
    path.write_text(PROBE, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def app(script):
    return runpy.run_path(str(script))["app"]


@pytest.fixture
def call(app, monkeypatch, capsys):
    """Run words in this process; return status, standard output, standard error."""
    import dlmath.frame.app

    monkeypatch.setattr(dlmath.frame.app, "app", app)
    monkeypatch.setattr(dlmath.frame.app, "load", lambda _words: None)  # no real command joins the made-up one
    for name in ("FORCE_COLOR", "NO_COLOR", "DLMATH_DEBUG", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    before = signal.getsignal(signal.SIGTERM)

    def call(*words):
        try:
            status = run(list(words))
        except SystemExit as end:
            status = end.code
        return (status, *capsys.readouterr())

    yield call
    signal.signal(signal.SIGTERM, before)


def is_error_line(text):
    return text.startswith("error: ") and "; " in text and text.count("\n") == 1 and text.endswith("\n")


def environment(**words):
    bare = {
        name: value for name, value in os.environ.items() if name not in {"FORCE_COLOR", "NO_COLOR", "DLMATH_DEBUG"}
    }
    return bare | words


# Formats


def test_a_piped_table_is_plain_and_whole(call, monkeypatch):
    monkeypatch.setenv("COLUMNS", "10")
    status, out, err = call("probe")
    assert (status, err) == (0, "note: a note\n")
    assert out.splitlines() == [
        "T",
        "name   value           macs",
        "----  ------  -------------",
        "row0  0.0000              0",
        "row1  0.1429    924,844,032",
        "row2  0.2857  1,849,688,064",
        "",
        "a fact  1",
    ]


def test_json_is_one_object_with_the_keys_scripts_read(call):
    status, out, _ = call("probe", "word", "--format", "json", "--seed", "7")
    assert status == 0
    assert out.count("\n") == 1
    document = json.loads(out, parse_constant=pytest.fail)
    assert list(document) == ["command", "version", "schema_version", "settings", "result"]
    assert document["command"] == "probe"
    assert document["settings"]["seed"] == 7
    assert document["settings"]["word"] == "word"
    assert document["result"]["third"] == 1 / 3
    assert document["result"]["bad"] == "nan"


def test_csv_reads_back_at_full_precision(call):
    _, out, _ = call("probe", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert [float(row["value"]) for row in rows] == [i / 7 for i in range(3)]


def test_format_words_may_be_capital(call):
    assert call("probe", "--format", "JSON")[:2] == call("probe", "--format", "json")[:2]


@pytest.mark.parametrize(
    ("path", "printed"),
    [("rows.-1.macs", "1849688064\n"), ("rows.0.name", "row0\n"), ("nothing", "null\n"), ("bad", "nan\n")],
)
def test_get_prints_one_value_bare(call, path, printed):
    assert call("probe", "--get", path, "--quiet") == (0, printed, "")


def test_get_keeps_the_answer_no(call):
    assert call("probe", "--get", "third", "--no", "-q") == (1, f"{1 / 3!r}\n", "")


def test_explanation_stands_before_the_table_and_in_json(call):
    _, out, _ = call("probe", "--explain")
    assert out.startswith("z = w x + b\n\nT\n")
    _, out, _ = call("probe", "--explain", "--format", "json")
    assert json.loads(out)["explanation"] == ["z = w x + b"]


def test_a_command_without_blocks_prints_nothing(call):
    assert call("pure") == (0, "", "")


def test_quiet_silences_notes(call):
    assert call("probe", "--quiet")[2] == ""


# Refusals: each one line, WHAT; HOW TO MEND IT, and nothing on standard output


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (("prob",), ["'prob'", "did you mean 'probe'?", "dlmath --help"]),
        (("zzz",), ["no such command 'zzz'", "dlmath --help"]),
        (("probe", "--formt", "json"), ["--formt", "did you mean --format?", "dlmath probe --help"]),
        (("probe", "--json"), ["no such option --json; write --format json"]),
        (("probe", "--dark"), ["--dark has no meaning without --plot"]),
        (("probe", "-z"), ["no such option -z", "dlmath probe --help"]),
        (("--bogus",), ["no such option --bogus", "dlmath --help"]),
        (("probe", "--seed", "a"), ["'--seed'", "'a'", "int", "dlmath probe --help"]),
        (("probe", "--seed", "1.5"), ["'1.5'"]),
        (("probe", "--seed"), ["'--seed' requires an argument", "--help"]),
        (("probe", "a", "b"), ["(b)", "dlmath probe --help"]),
        (("pure", "--plot", "a.png"), ["no such option --plot"]),
        (("probe", "--format", "jsn"), ["'jsn'", "did you mean 'json'?", "table, json, csv"]),
        (("probe", "--format", "xml"), ["'xml'", "table, json, csv"]),
        (("probe", "--format", ""), ["''", "table, json, csv"]),
        (("probe", "--get", "thrid", "-q"), ["'thrid'", "did you mean 'third'?"]),
        (("probe", "--get", "", "-q"), ["''", "there are: rows"]),
        (("probe", "--get", "third", "--format", "csv"), ["--get", "--format csv"]),
        (("probe", "--explain", "--format", "csv"), ["--explain", "--format csv"]),
        (("probe", "--explain", "--get", "third"), ["--get", "--explain"]),
        (("probe", "--plot", "figure.gif"), ["'gif'", "png, svg, pdf"]),
        (("probe", "--plot", "figure"), ["'figure'", "png, svg, pdf"]),
        (("probe", "--plot", "missing-folder/figure.png"), ["--plot", "there is no folder missing-folder", "mkdir"]),
        (("probe", "--plot", "figure.png"), ["nothing to draw"]),
        (("probe", "--fail", "user"), ["gate 'x' is wrong; give another"]),
        (("probe", "--fail", "memory"), ["not enough memory"]),
        (("probe", "--fail", "defect"), ["KeyError", "defect of dlmath", "DLMATH_DEBUG=1"]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_a_refusal_is_one_line_that_helps(call, words, parts, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    status, out, err = call(*words)
    assert (status, out) == (2, "")
    assert is_error_line(err)
    assert [part for part in parts if part not in err] == []
    assert list(tmp_path.iterdir()) == []


def test_debug_shows_where_and_keeps_the_status(call, monkeypatch):
    monkeypatch.setenv("DLMATH_DEBUG", "1")
    status, out, err = call("probe", "--fail", "defect")
    assert (status, out) == (2, "")
    assert err.startswith("Traceback (most recent call last):")
    assert is_error_line(err.splitlines(keepends=True)[-1])


def test_other_values_of_the_debug_variable_change_nothing(call, monkeypatch):
    monkeypatch.setenv("DLMATH_DEBUG", "0")
    assert is_error_line(call("probe", "--fail", "defect")[2])


def test_a_plot_that_cannot_be_written_is_found_before_the_work(call, tmp_path):
    folder = tmp_path / "folder.png"
    folder.mkdir()
    status, _, err = call("probe", "--plot", str(folder), "--fail", "defect")
    assert status == 2
    assert "is a folder" in err


def test_a_missing_matplotlib_is_told_before_the_work(call, tmp_path, monkeypatch):
    monkeypatch.setattr("dlmath.report.figures.find_spec", lambda _: None)
    _, _, err = call("probe", "--plot", str(tmp_path / "a.png"), "--fail", "defect")
    assert is_error_line(err)
    assert "pip install 'dlmath[plot]'" in err


@pytest.mark.parametrize("name", ["a.png", "b.SVG", "c.d.pdf"])
def test_a_plot_is_written_beside_the_printed_result(call, tmp_path, name):
    path = tmp_path / name
    status, out, _ = call("probe", "--picture", "--plot", str(path))
    assert status == 0
    assert out.startswith("T\n")
    assert path.read_bytes() == b"picture as " + name.rpartition(".")[2].lower().encode()


# Help and version


@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_help_lists_the_shared_options_of_every_command(call, flag):
    status, out, err = call("probe", flag)
    assert (status, err) == (0, "")
    for shared in ("--format", "--get", "--explain", "--plot", "--quiet", "--seed"):
        assert shared in out


def test_no_words_show_the_help(call):
    assert call()[1] == call("--help")[1] != ""


def test_version(call):
    from dlmath import __version__

    assert call("--version") == (0, f"dlmath {__version__}\n", "")


# Small parts


def test_completion_offers_what_begins_so():
    assert completer(Word(suggestions=("sigmoid", "softplus", "tanh")))("s") == ["sigmoid", "softplus"]
    assert completer(Word(suggestions=lambda: iter(["and", "or"])))("o") == ["or"]
    assert completer(Word(choices=("a",)))("z") == []
    assert completer(Word(reads=True))("example:sce") == ["example:scene.png"]


def test_a_choice_shows_its_words_and_completes_them():
    class Probe(Words):
        loss: str | None = option("Text.", choices=("mse", "half-sse"))

    assert completer(Probe.ALL["loss"])("h") == ["half-sse"]
    assert list(entry(Probe.ALL["loss"], 80)) == ["  --loss WORD             Text. One of mse, half-sse."]


@pytest.mark.parametrize(("name", "ending"), [("a.PNG", "png"), ("a.b.pdf", "pdf"), ("plain", "plain")])
def test_endings(name, ending):
    assert ending_of(name) == ending


def output_for(style, path, out):
    """Return the output options of a call that asks for a format and a path."""
    options = OutputWords(format=style, get=path, quiet=True)
    return Output(**options.as_dict(), streams=detect(out, io.StringIO(), {}))


def test_settings_hold_every_shared_option():
    output = output_for("json", "a.b", io.StringIO())
    assert output.settings() == OutputWords(format="json", get="a.b", quiet=True).as_dict()
    assert set(output.settings()) == set(OutputWords.ALL)
    check_output(output)


def test_deliver_names_a_full_standard_output():
    class Full(io.StringIO):
        def write(self, _text):
            raise OSError(28, "No space left on device")

    outcome = Outcome("probe", {}, {}, Table(("a",), ()), lambda: ())
    with pytest.raises(UnwritableError, match="standard output: No space left"):
        deliver(outcome, output_for("csv", None, Full()))


def test_emission_refuses_get_into_csv_before_any_work():
    with pytest.raises(InvalidValueError):
        check_output(output_for("csv", "a", io.StringIO()))


@pytest.mark.parametrize(
    ("shell", "sign"), [("zsh", "#compdef dlmath"), ("bash", "complete -o"), ("fish", "complete ")]
)
def test_the_completion_of_a_named_shell_is_printed(shell, sign, capsys):
    assert run(["--show-completion", shell]) == 0
    assert sign in capsys.readouterr().out


def test_a_shell_without_completion_is_told(capsys):
    assert run(["--show-completion", "zhs"]) == 2
    assert "did you mean 'zsh'" in capsys.readouterr().err


# Whole processes: pipes that close, signals, closed and full streams


@pytest.mark.posix
@pytest.mark.parametrize(
    ("words", "variables", "status"),
    [
        (("probe", "--rows", "20000"), {}, 0),
        (("probe", "--rows", "20000", "--no"), {}, 1),
        (("probe", "--rows", "3000", "--no"), {"FORCE_COLOR": "1"}, 1),  # Rich would leave with its own status
        (("--help",), {}, 0),
        (("--version",), {}, 0),
    ],
    ids=["done", "answer no", "with Rich", "help", "version"],
)
def test_a_reader_that_is_gone_is_no_error(script, words, variables, status):
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = subprocess.run(
            [sys.executable, script, *words],
            stdout=writer,
            stderr=subprocess.PIPE,
            env=environment(**variables),
            check=False,
        )
    finally:
        os.close(writer)
    assert done.returncode == status
    assert done.stderr in {b"", b"note: a note\n"}


@pytest.mark.posix
def test_head_takes_its_line_and_the_rest_ends_quietly(script, start):
    process = start(
        [sys.executable, script, "probe", "--rows", "20000", "--quiet"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
    )
    assert process.stdout.readline() == b"T\n"
    process.stdout.close()
    assert process.stderr.read() == b""
    assert process.wait(start.patience) == 0


@pytest.mark.posix
@pytest.mark.parametrize(("sent", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_run_leaves_the_old_file_and_no_draft(script, start, tmp_path, sent, status):
    kept = tmp_path / "weights.npz"
    kept.write_bytes(b"old")
    process = start(
        [sys.executable, script, "probe", "--fail", "wait", "--save", kept],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
    )
    assert process.stderr.readline() == b"ready\n"
    assert len(list(tmp_path.iterdir())) == 2
    process.send_signal(sent)
    assert process.communicate(timeout=start.patience) == (b"", b"")
    assert process.returncode == status
    assert list(tmp_path.iterdir()) == [kept]
    assert kept.read_bytes() == b"old"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a disk that is always full")
@pytest.mark.parametrize("words", [("probe", "-q"), ("--help",), ("--version",)], ids=" ".join)
def test_a_full_disk_is_one_line(script, words):
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, script, *words],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            env=environment(),
            check=False,
        )
    assert done.returncode == 2
    assert is_error_line(done.stderr)
    assert "No space left on device" in done.stderr


@pytest.mark.posix
@pytest.mark.parametrize(
    ("closed", "status", "told"),
    [(">&-", 2, "error: standard output is closed; "), ("2>&-", 0, ""), ("<&-", 0, "note: a note\n")],
)
def test_closed_streams(script, closed, status, told):
    done = subprocess.run(
        ["bash", "-c", f'"$0" "$1" probe {closed}', sys.executable, script],
        capture_output=True,
        text=True,
        env=environment(),
        check=False,
    )
    assert done.returncode == status
    assert done.stderr.startswith(told)
    assert done.stderr.count("\n") == bool(told)


@pytest.mark.posix
def test_letters_the_terminal_lacks_do_not_stop_the_output(script):
    done = subprocess.run(
        [sys.executable, script, "probe", "σ", "--get", "rows.0.name", "--format", "json", "-q"],
        capture_output=True,
        env=environment(PYTHONIOENCODING="ascii"),
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b'"row0"\n', b"")
