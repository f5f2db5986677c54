"""The Python face: the same words, the same outcome, nothing printed."""

import subprocess
import sys

import pytest

import dlmath
from dlmath.errors import DlmathError, InvalidValueError


def test_every_command_is_a_function():
    assert {"train_gate", "convolve", "param_count", "vanishing", "run"} <= set(dir(dlmath))
    with pytest.raises(AttributeError):
        dlmath.no_such_command  # noqa: B018


def test_words_are_those_of_the_command_line_and_nothing_is_printed(capsys):
    found = dlmath.train_gate("xor", seeds=3, hidden=[4], learning_rate=4)
    assert found["seeds"] == 3
    assert found["epochs.median"] == found.result["epochs"]["median"]
    assert found.settings["hidden"] == "4"
    assert found.answer is True
    assert capsys.readouterr() == ("", "")


def test_a_repeatable_word_takes_one_value_or_a_list():
    one = dlmath.param_count(conv="3x3x128", input="112x112x64")
    other = dlmath.param_count(conv=["3x3x128"], input="112x112x64")
    assert one["macs"] == other["macs"] == 924_844_032
    assert dlmath.param_count("conv:3x3x64", "relu", input="8x8x3")["params"] == 1792
    assert dlmath.param_count(["conv:3x3x64", "relu"], input="8x8x3")["params"] == 1792


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ({"seedz": 1}, "did you mean 'seed'"),
        ({"seeds": 1.5}, "whole number"),
        ({"seeds": True}, "whole number"),
        ({"learning_rate": "fast"}, "a number"),
        ({"fixed_biases": 1}, "True or False"),
        ({"rule": "backprob"}, "did you mean 'backprop'"),
        ({"seeds": 0}, "--seeds 0 is not allowed"),
        ({"seeds": 10**30}, "--seeds 1e+30 is not allowed"),
    ],
)
def test_wrong_words_are_the_errors_of_the_command_line(words, told):
    with pytest.raises(InvalidValueError, match=told.replace("+", r"\+")):
        dlmath.train_gate("xor", **words)


def test_too_many_arguments():
    with pytest.raises(DlmathError, match="no argument 'or'"):
        dlmath.train_gate("xor", "or")


def test_an_outcome_prints_and_shows_itself():
    found = dlmath.train_gate("and", rule="perceptron")
    assert "Truth table of and" in str(found)
    assert "<table>" in found._repr_html_()
    assert "| x1 | x2 |" in found._repr_markdown_()


def test_a_frame_has_the_main_table_with_its_types():
    pandas = pytest.importorskip("pandas")
    frame = dlmath.train_gate("and", rule="perceptron").to_frame()
    assert list(frame.columns) == ["x1", "x2", "target", "output", "right"]
    assert pandas.api.types.is_bool_dtype(frame["right"])


def test_importing_the_package_imports_nothing():
    script = "import sys; before = set(sys.modules); import dlmath; print(*sorted(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert not {name.split(".")[0] for name in done.stdout.split()} & {"numpy", "typer", "rich", "yaml", "PIL"}
