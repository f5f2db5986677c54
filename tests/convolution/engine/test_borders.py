import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlmath.convolution.engine.borders import Border, indices, parse_border, stretches
from dlmath.errors import InvalidValueError

PADDING = {"replicate": "edge", "reflect": "symmetric", "mirror": "reflect", "wrap": "wrap"}


@pytest.mark.parametrize(
    ("kind", "row"),
    [
        ("replicate", "1111234444"),
        ("reflect", "3211234432"),
        ("mirror", "4321234321"),
        ("wrap", "2341234123"),
    ],
)
def test_the_published_rows(kind, row):
    assert "".join(str(place + 1) for place in indices(-3, 7, 4, Border(kind))) == row


@settings(deadline=None)
@given(st.sampled_from(sorted(PADDING)), st.integers(1, 7), st.integers(0, 30), st.integers(0, 30))
def test_every_halo_is_what_numpy_pads(kind, size, before, after):
    found = indices(-before, size + after, size, Border(kind))
    assert found.tolist() == np.pad(np.arange(size), (before, after), mode=PADDING[kind]).tolist()


@given(st.sampled_from([*PADDING, "constant"]), st.integers(1, 7), st.integers(-40, 40), st.integers(1, 30))
def test_runs_follow_one_another_without_gaps(kind, size, start, length):
    found = stretches(start, start + length, size, Border(kind))
    assert [run.target for run in found] == np.cumsum([0, *(run.length for run in found[:-1])]).tolist()
    assert sum(run.length for run in found) == length


def test_constant_border_comes_from_nowhere():
    assert indices(-2, 3, 2, Border("constant", 7)).tolist() == [-1, -1, 0, 1, -1]


@pytest.mark.parametrize("text", ["replicate", "wrap", "valid", "constant:3", "constant:-0.5"])
def test_parsed_borders_print_as_they_were_written(text):
    assert str(parse_border(text)) == text


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("mirrored", "did you mean 'mirror'"),
        ("constant", "lacks its value"),
        ("constant:abc", "'abc' is not a finite number"),
        ("constant:nan", "not a finite number"),
        ("wrap:3", "only constant:V"),
    ],
)
def test_mistaken_borders_are_told(text, part):
    with pytest.raises(InvalidValueError, match=part):
        parse_border(text)
