"""What is typed becomes texts, numbers and lists without Typer's own adapters, whose import takes long."""

import pytest

from dlmath.frame.parameters import processed
from dlmath.frame.words import Word


class Parameter:
    callback = None
    name = "n"


def typers(_context, value):
    return "Typer's", value


@pytest.mark.parametrize(
    ("word", "value", "made"),
    [
        (Word(kind=int), "12", 12),
        (Word(kind=int), 12, 12),
        (Word(kind=float), "1e3", 1000.0),
        (Word(kind=float), ".5", 0.5),
        (Word(kind=str), "12", "12"),
        (Word(kind=int), None, None),
        (Word(kind=str, many=True), ("a", "b"), ["a", "b"]),
        (Word(kind=int, many=True), ("1", "2"), [1, 2]),
        (Word(kind=str, many=True), None, None),
        (Word(kind=bool), True, True),
        (Word(kind=bool), "yes", ("Typer's", "yes")),  # of an environment variable: Typer knows the words
        (None, False, False),
        (None, "bash", ("Typer's", "bash")),
    ],
)
def test_values(word, value, made):
    assert processed(Parameter(), word, typers, None, value) == made


def test_a_callback_has_the_last_word():
    parameter = Parameter()
    parameter.callback = lambda _context, _parameter, value: value + 1
    assert processed(parameter, Word(kind=int), typers, None, "12") == 13


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (
            ("--batch", "x"),
            "error: invalid value for '--batch': 'x' is not a valid integer; see dlmath param-count --help",
        ),
        (("--batch", "1.5"), "'1.5' is not a valid integer"),
        (("--batch",), "requires an argument"),
        (("--batch", "0"), "--batch 0 is not allowed; give a whole number of at least 1"),
    ],
)
def test_a_wrong_number_is_one_line(command, words, told):
    status, out, err = command("param-count")("--model", "lenet", *words)
    assert (status, out) == (2, "")
    assert told in err
    assert err.count("\n") == 1
