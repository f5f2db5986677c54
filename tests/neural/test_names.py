"""The words of the registries can be read without NumPy, and are all that the registries take."""

from __future__ import annotations

import subprocess
import sys

import pytest

from dlmath.neural.activations import get_activation
from dlmath.neural.initialisers import parse_initialiser
from dlmath.neural.later import Later
from dlmath.neural.names import ACTIVATIONS, INITIALISERS, LOSSES, OPTIMIZERS


def test_reading_them_imports_no_arrays():
    script = "import sys, dlmath.neural.names; sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


@pytest.mark.parametrize("word", ACTIVATIONS)
def test_every_activation_is_taken(word):
    assert get_activation(word.replace(":A", ":0.5")).equation[:5] == ACTIVATIONS[word][:5]


@pytest.mark.parametrize("word", INITIALISERS)
def test_every_initialiser_is_taken(word):
    given = word.replace(":A:B", ":0:1").replace(":A", ":1").replace(":SIGMA", ":1").replace(":C", ":1")
    assert parse_initialiser(given).spec == given
    assert INITIALISERS[word].startswith(parse_initialiser(given).kind.equation)


def test_every_word_has_a_fact():
    for words in (ACTIVATIONS, INITIALISERS, OPTIMIZERS, LOSSES):
        assert all(words.values())


def test_a_module_is_imported_when_something_of_it_is_asked_for():
    later = Later("statistics")
    assert "mean" not in vars(later)
    assert later.mean([1, 3]) == 2
    assert "mean" in vars(later)
    with pytest.raises(AttributeError):
        _ = later.no_such_name
