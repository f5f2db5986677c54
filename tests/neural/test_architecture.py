"""Laws of the flat parameter layout."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlmath.errors import InvalidValueError, ShapeError
from dlmath.neural.architecture import BIAS_KINDS, Architecture

architectures = st.builds(
    lambda sizes, bias: Architecture.uniform(tuple(sizes), "tanh", "sigmoid", bias),
    st.lists(st.integers(1, 6), min_size=2, max_size=5),
    st.sampled_from(sorted(BIAS_KINDS)),
)


@given(architectures)
@settings(max_examples=60, derandomize=True, deadline=None)
def test_flatten_inverts_the_views(architecture):
    flat = np.arange(architecture.parameter_count, dtype=float)
    weights, biases = architecture.weights(flat), architecture.biases(flat)
    np.testing.assert_array_equal(architecture.flatten(weights, biases), flat)
    assert len(set(architecture.parameter_names())) == architecture.parameter_count
    assert sum(w.size for w in weights) + sum(b.size for b in biases) == architecture.parameter_count


@pytest.mark.parametrize(("bias", "count"), [("neuron", 8 + 4 + 4 + 1), ("layer", 8 + 1 + 4 + 1), ("none", 12)])
def test_three_kinds_of_bias_have_their_own_parameters(bias, count):
    assert Architecture((2, 4, 1), ("tanh", "sigmoid"), bias).parameter_count == count


def test_impossible_networks_are_refused():
    with pytest.raises(ShapeError, match="at least one unit"):
        Architecture((2, 0, 1), ("tanh", "tanh"))
    with pytest.raises(ShapeError, match="layer sizes"):
        Architecture((2,), ())
    with pytest.raises(InvalidValueError, match="one activation a layer"):
        Architecture((2, 1), ("tanh", "tanh"))
    with pytest.raises(InvalidValueError, match="did you mean 'neuron'"):
        Architecture((2, 1), ("tanh",), "neurons")
    with pytest.raises(ShapeError, match="weights of layer 1"):
        Architecture((2, 1), ("tanh",)).flatten((np.zeros((1, 2)),), (np.zeros(1),))
