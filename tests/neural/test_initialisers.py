"""Laws of the initial values: their law, their limits, and that a seed's draw is its own.

Tolerances are four to seven standard errors of fixed draws, which are the same numbers on every processor; the
orthogonality of matrices of five rows is off by some 50 eps, 1e-14.
"""

from __future__ import annotations

from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlmath.errors import InvalidValueError
from dlmath.neural.architecture import Architecture
from dlmath.neural.initialisers import INITIALISERS, draw_parameters, parse_initialiser

ARCHITECTURE = Architecture((3, 5, 2), ("tanh", "sigmoid"))
SPECS = ["glorot", "glorot-normal", "he", "lecun", "uniform:0.5", "uniform:0:1", "normal:0.3", "orthogonal",
         "zeros", "constant:-2"]  # fmt: skip


def draw(spec, bias_spec="zeros", first=0, count=1, architecture=ARCHITECTURE):
    return draw_parameters(architecture, parse_initialiser(spec), parse_initialiser(bias_spec), first, count)


@pytest.mark.parametrize("spec", SPECS)
def test_a_seed_is_the_same_in_any_block(spec):
    together = draw(spec, spec, 0, 40)
    for first, count in [(0, 1), (7, 1), (39, 1), (13, 20)]:
        np.testing.assert_array_equal(together[:, first : first + count], draw(spec, spec, first, count))


def test_seeds_differ_and_huge_ones_work():
    assert not np.array_equal(draw("glorot", first=0), draw("glorot", first=1))
    huge = draw("he", first=2**63 - 1, count=2)
    np.testing.assert_array_equal(huge[:, 1:], draw("he", first=2**63))
    assert np.isfinite(huge).all()


@pytest.mark.parametrize(
    ("spec", "deviation", "limit"),
    [
        ("glorot", (1 / 3) ** 0.5 * (6 / 8) ** 0.5, (6 / 8) ** 0.5),
        ("glorot-normal", (2 / 8) ** 0.5, np.inf),
        ("he", (2 / 3) ** 0.5, np.inf),
        ("lecun", (1 / 3) ** 0.5, np.inf),
        ("uniform:0.5", 0.5 / 3**0.5, 0.5),
        ("normal:0.3", 0.3, np.inf),
        ("he-uniform", (2 / 3) ** 0.5, 2**0.5),
        ("lecun-uniform", (1 / 3) ** 0.5, 1.0),
        ("torch", 1 / 3, 1 / 3**0.5),
    ],
)
def test_weights_and_biases_have_the_stated_law(spec, deviation, limit):
    """3 to 5 units; 60,000 draws know a standard deviation to 0.3 %."""
    parameters = draw(spec, spec, count=4000)
    layer = ARCHITECTURE.layers[0]
    for part, size in ((parameters[layer.weights], 60_000), (parameters[layer.biases], 20_000)):
        assert abs(part.mean()) < 4 * deviation / size**0.5
        assert part.std() == pytest.approx(deviation, rel=0.02)
        assert np.abs(part).max() <= limit


def test_uniform_between_two_bounds():
    parameters = draw("uniform:2:5", count=500)
    weights = np.concatenate([parameters[layer.weights].ravel() for layer in ARCHITECTURE.layers])
    assert weights.min() >= 2
    assert weights.max() < 5
    assert weights.mean() == pytest.approx(3.5, abs=0.05)


def test_orthogonal_rows_or_columns_and_unit_biases():
    parameters = draw("orthogonal", "orthogonal", count=200)
    for matrix, vector in zip(ARCHITECTURE.weights(parameters), ARCHITECTURE.biases(parameters), strict=True):
        for lane in range(200):
            m = matrix[:, :, lane]
            gram = m @ m.T if m.shape[0] < m.shape[1] else m.T @ m
            np.testing.assert_allclose(gram, np.eye(len(gram)), atol=1e-12)
            assert np.linalg.norm(vector[:, lane]) == pytest.approx(1)
    assert abs(ARCHITECTURE.weights(parameters)[0].mean()) < 0.05  # the sign fix: without it signs are one-sided


def test_constants_and_zeros():
    parameters = draw("constant:3", "constant:-1.5")
    assert set(np.concatenate([w.ravel() for w in ARCHITECTURE.weights(parameters)])) == {3.0}
    assert set(np.concatenate([b.ravel() for b in ARCHITECTURE.biases(parameters)])) == {-1.5}
    assert not draw("zeros").any()


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("glorrot", "did you mean 'glorot'"),
        ("uniform", "0 numbers"),
        ("uniform:1:2:3", "3 numbers"),
        ("he:2", "1 number "),
        ("uniform:x", "'x'"),
        ("uniform:0", "A > 0"),
        ("uniform:-1", "A > 0"),
        ("uniform:2:2", "A < B"),
        ("uniform:3:2", "A < B"),
        ("normal:-1", "negative"),
        ("normal:nan", "finite"),
        ("constant:inf", "finite"),
        ("constant:", "finite"),
        ("", "allowed"),
    ],
)
def test_bad_words_are_named(spec, message):
    with pytest.raises(InvalidValueError, match=message):
        parse_initialiser(spec)


@given(st.text(alphabet="uniformalzeskt:0123456789.-e ", max_size=14))
@settings(max_examples=200, derandomize=True, deadline=None)
def test_any_text_is_parsed_or_refused(text):
    with suppress(InvalidValueError):
        assert parse_initialiser(text).spec == text


@given(st.sampled_from(sorted(INITIALISERS)), st.integers(0, 2**63), st.integers(1, 4))
@settings(max_examples=40, derandomize=True, deadline=None)
def test_shapes_of_draws(name, first, count):
    spec = {"uniform": "uniform:1", "normal": "normal:1", "constant": "constant:1"}.get(name, name)
    for bias in ("neuron", "layer", "none"):
        architecture = Architecture((2, 3, 1), ("tanh", "sigmoid"), bias)
        found = draw(spec, spec, first, count, architecture)
        assert found.shape == (architecture.parameter_count, count)
        assert np.isfinite(found).all()


@pytest.mark.parametrize(
    ("alias", "name"),
    [("xavier-uniform", "glorot"), ("glorot-uniform", "glorot"), ("xavier-normal", "glorot-normal"),
     ("kaiming-uniform", "he-uniform"), ("kaiming-normal", "he"), ("lecun-normal", "lecun"), ("he-normal", "he")],
)  # fmt: skip
def test_other_libraries_names_are_the_same_draws(alias, name):
    np.testing.assert_array_equal(draw(alias, alias), draw(name, name))


def test_only_torch_draws_biases_by_itself():
    assert [name for name, kind in INITIALISERS.items() if kind.draws_biases] == ["torch"]
