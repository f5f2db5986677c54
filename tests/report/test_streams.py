"""What the streams can do, decided once: terminal, pipe, NO_COLOR, FORCE_COLOR, TERM=dumb."""

import io
import itertools
import os

import pytest

from dlmath.report.progress import progress
from dlmath.report.streams import Streams, detect, silence


class Terminal(io.StringIO):
    def isatty(self):
        return True


def seen(out, environ, err=None, **extra):
    return detect(out, err or io.StringIO(), environ, **extra)


@pytest.mark.parametrize(
    ("environ", "rich", "color"),
    [
        ({}, True, True),
        ({"TERM": "xterm-256color"}, True, True),
        ({"TERM": "dumb"}, False, False),
        ({"NO_COLOR": "1"}, True, False),
        ({"NO_COLOR": "yes please"}, True, False),
        ({"NO_COLOR": ""}, True, True),  # no-color.org: when present and not an empty string
        ({"FORCE_COLOR": "1"}, True, True),
        ({"FORCE_COLOR": "0"}, True, True),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, True, False),
        ({"FORCE_COLOR": "1", "TERM": "dumb"}, True, True),
        ({"NO_COLOR": "1", "TERM": "dumb"}, False, False),
    ],
)
def test_a_terminal(environ, rich, color):
    streams = seen(Terminal(), environ)
    assert (streams.rich, streams.color) == (rich, color)
    assert streams.width is not None
    assert streams.columns == streams.width


@pytest.mark.parametrize(
    ("environ", "rich"),
    [
        ({}, False),
        ({"TERM": "xterm-256color", "COLORTERM": "truecolor"}, False),
        ({"FORCE_COLOR": "1"}, True),
        ({"FORCE_COLOR": "3"}, True),
        ({"FORCE_COLOR": ""}, False),
        ({"FORCE_COLOR": "0"}, False),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
        ({"FORCE_COLOR": "1", "TERM": "dumb"}, True),
    ],
)
def test_a_pipe(environ, rich):
    streams = seen(io.StringIO(), environ)
    assert (streams.rich, streams.color) == (rich, rich)
    assert streams.width is None
    assert streams.columns == 80


VALUES = [None, "", "0", "1"]


@pytest.mark.parametrize(("no", "force", "term"), list(itertools.product(VALUES, VALUES, [None, "dumb", "xterm"])))
@pytest.mark.parametrize("stream", [io.StringIO, Terminal])
def test_laws_of_colour(no, force, term, stream):
    given = {"NO_COLOR": no, "FORCE_COLOR": force, "TERM": term}
    streams = seen(stream(), {name: value for name, value in given.items() if value is not None})
    assert not (streams.color and no)  # NO_COLOR always wins
    assert not (streams.color and not streams.rich)  # plain text has no codes
    if force == "1" and not no:
        assert streams.color


@pytest.mark.parametrize(
    ("environ", "true_color"),
    [({"COLORTERM": "truecolor"}, True), ({"COLORTERM": "24bit"}, True), ({"COLORTERM": "yes"}, False), ({}, False)],
)
def test_true_color_is_what_the_terminal_says(environ, true_color):
    assert seen(Terminal(), environ).true_color is true_color


def test_progress_needs_a_terminal_behind_standard_error():
    assert seen(io.StringIO(), {}, err=Terminal()).progress  # piped results still show their progress
    assert not seen(Terminal(), {}, err=io.StringIO()).progress
    assert not seen(Terminal(), {}, err=Terminal(), quiet=True).progress
    assert not seen(Terminal(), {"TERM": "dumb"}, err=Terminal()).progress


def test_notes_go_to_standard_error_unless_quiet():
    loud, quiet = io.StringIO(), io.StringIO()
    seen(io.StringIO(), {}, err=loud).note("one")
    seen(io.StringIO(), {}, err=quiet, quiet=True).note("one")
    assert (loud.getvalue(), quiet.getvalue()) == ("note: one\n", "")


def with_progress(err, *, shown):
    return Streams(
        io.StringIO(), err, rich=False, color=False, true_color=False, width=None, progress=shown, quiet=False
    )


def test_no_bar_in_a_pipe():
    err = io.StringIO()
    with progress(with_progress(err, shown=False), "training", 3) as tell:
        assert tell is None
    assert err.getvalue() == ""


def test_a_bar_on_a_terminal_counts_and_leaves_results_alone(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "80")
    err = Terminal()
    streams = with_progress(err, shown=True)
    with progress(streams, "training", 3) as tell:
        for done in (1, 2, 3):
            tell(done)
    assert "training" in err.getvalue()
    assert "3/3" in err.getvalue()
    assert streams.out.getvalue() == ""


def test_a_bar_is_taken_down_when_the_work_fails(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    err = Terminal()
    with pytest.raises(ZeroDivisionError), progress(with_progress(err, shown=True), "training", 3):
        raise ZeroDivisionError
    assert err.getvalue().rstrip().endswith("\x1b[?25h") or "\x1b[?25h" in err.getvalue()  # the cursor is shown again


@pytest.mark.posix
def test_silence_lets_a_broken_stream_be_flushed():
    reader, writer = os.pipe()
    os.close(reader)
    stream = os.fdopen(writer, "w")
    stream.write("lost")
    with pytest.raises(BrokenPipeError):
        stream.flush()
    silence(stream)
    stream.close()
