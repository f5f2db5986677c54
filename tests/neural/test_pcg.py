"""The stream without numpy.random is NumPy's, bit for bit."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dlmath.neural import initialisers
from dlmath.neural.initialisers import MASTER_INCREMENT, MASTER_SEED, MASTER_STATE
from dlmath.neural.pcg import doubles


def test_the_master_state_is_that_of_the_master_seed():
    state = np.random.PCG64(MASTER_SEED).state["state"]
    assert (state["state"], state["inc"]) == (MASTER_STATE, MASTER_INCREMENT)


@given(st.integers(0, 2**64), st.integers(0, 2**80), st.integers(0, 40))
def test_doubles_are_numpys(seed, skip, count):
    generator = np.random.PCG64(seed)
    state = generator.state["state"]
    generator.advance(skip)
    expected = np.random.Generator(generator).random(count).tolist()
    assert doubles(state["state"], state["inc"], skip, count) == expected


def test_few_and_many_are_drawn_from_one_stream(monkeypatch):
    few = initialisers._uniforms(17, 5, 3)
    monkeypatch.setattr(initialisers, "FEW", 0)
    np.testing.assert_array_equal(initialisers._uniforms(17, 5, 3), few)
