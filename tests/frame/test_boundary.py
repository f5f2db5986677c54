"""Every error becomes one line: WHAT; HOW TO MEND IT."""

import errno

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st

from dlmath.errors import (
    DlmathError,
    InvalidValueError,
    MissingExtraError,
    ShapeError,
    TooLargeError,
    UnreadableError,
    UnwritableError,
    nearest,
    unknown,
)
from dlmath.frame.boundary import describe, similar

KINDS = [InvalidValueError, ShapeError, UnreadableError, UnwritableError, TooLargeError, MissingExtraError]


@pytest.mark.parametrize("kind", KINDS)
def test_our_errors_say_what_and_how_to_mend_it(kind):
    error = kind("width 0 is not allowed", "give 1 or more")
    assert isinstance(error, DlmathError)
    assert (error.what, error.mend) == ("width 0 is not allowed", "give 1 or more")
    assert describe(error) == "width 0 is not allowed; give 1 or more"


def test_a_missing_file_is_named():
    error = FileNotFoundError(errno.ENOENT, "No such file or directory", "rows.csv")
    assert describe(error) == "rows.csv: No such file or directory; check the path and the space left"


def test_an_error_of_the_system_without_a_name():
    assert describe(OSError("odd")) == "odd; check the path and the space left"


@pytest.mark.parametrize("error", [MemoryError(), MemoryError("Unable to allocate 8 TiB")])
def test_memory(error):
    assert describe(error).startswith("not enough memory")
    assert str(error) in describe(error)


def test_a_defect_says_that_it_is_one():
    assert describe(ZeroDivisionError("division by zero")) == (
        "ZeroDivisionError: division by zero; this is a defect of dlmath: DLMATH_DEBUG=1 shows where"
    )


@given(st.text(), st.sampled_from([RuntimeError, ValueError, KeyError, OSError, MemoryError, typer.BadParameter]))
def test_whatever_was_raised_it_is_one_line_with_a_next_step(text, kind):
    line = describe(kind(text))
    assert len(line.splitlines()) == 1
    assert "; " in line


@given(st.text(), st.text(min_size=1))
def test_our_errors_are_one_line_whatever_the_user_typed(word, allowed):
    assert len(describe(unknown("gate", word, [allowed])).splitlines()) == 1


def test_unknown_names_the_value_the_nearest_and_all_that_is_allowed():
    assert str(unknown("kernel", "sobl", ["box", "sobel"])) == (
        "unknown kernel 'sobl'; did you mean 'sobel'? (allowed: box, sobel)"
    )
    assert str(unknown("kernel", "zzz", ["box", "sobel"])) == "unknown kernel 'zzz'; allowed: box, sobel"


def test_nearest_takes_no_notice_of_capitals_and_takes_generators():
    assert nearest("XRO", (word for word in ("and", "xor"))) == "xor"
    assert nearest("q", []) is None


@pytest.mark.parametrize(
    ("word", "possibilities", "text"),
    [("--formt", ["--format"], "did you mean --format? "), ("--zz", ["--format"], ""), (None, None, "")],
)
def test_similar_options(word, possibilities, text):
    assert similar(word, possibilities) == text
