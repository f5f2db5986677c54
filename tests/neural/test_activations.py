"""Laws of the activations: published values, derivatives, extremes, and the machine form against the definition.

Tolerances: 20 eps are an exp or tanh of four units in the last place, which NumPy allows its vectors, and some ten
roundings; differences of fourth order with h = 1e-4 are off by eps / h, some 1e-12; published values by their last
digit.
"""

from __future__ import annotations

import numpy as np
import pytest

from dlmath.errors import InvalidValueError
from dlmath.neural.activations import ACTIVATIONS, get_activation

NAMES = list(ACTIVATIONS)
WORDS = [*NAMES, "silu", "leaky-relu:0.2", "leaky-relu:0", "leaky-relu:-1", "leaky-relu:3", "elu:2.5", "elu:0.1"]
"""Every entry, an alias, and parameters."""
DTYPES = [np.float32, np.float64]
EXTREMES = [-np.inf, -1e4, -800.0, -100.0, 100.0, 800.0, 1e4, np.inf]


def grid(activation, dtype=np.float64):
    z = np.linspace(-6, 6, 1201) + 1.234e-3
    return np.array([x for x in z if all(abs(x - kink) > 1e-3 for kink in activation.kinks)], dtype)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("sigmoid", [0.26894142, 0.5, 0.73105860]),
        ("tanh", [-0.76159418, 0, 0.76159418]),
        ("gelu", [-0.15865526, 0, 0.84134477]),
        ("softplus", [0.31326169, 0.69314718, 1.31326175]),
    ],
)
def test_published_values(name, values):
    """The ONNX node tests, at -1, 0 and 1."""
    np.testing.assert_allclose(ACTIVATIONS[name].value(np.array([-1.0, 0.0, 1.0])), values, rtol=2e-7)


@pytest.mark.parametrize("name", NAMES)
def test_slope_is_the_derivative(name):
    activation, h = ACTIVATIONS[name], 1e-4
    z = grid(activation)
    value = activation.value
    differences = (8 * (value(z + h) - value(z - h)) - (value(z + 2 * h) - value(z - 2 * h))) / (12 * h)
    np.testing.assert_allclose(activation.slope(z), differences, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", DTYPES)
def test_every_argument_has_a_value_without_a_warning(name, dtype):
    activation = ACTIVATIONS[name]
    z = np.array(EXTREMES, dtype)
    for result in (activation.value(z), activation.slope(z)):
        assert result.dtype == dtype
        assert not np.isnan(result).any()
    assert np.isfinite(activation.slope(z)).all()
    low, high = activation.range
    assert (activation.value(z) >= low - 1e-6).all()
    assert (activation.value(z) <= high + 1e-6).all()


@pytest.mark.parametrize("name", NAMES)
def test_nan_stays_nan(name):
    z = np.array([np.nan, 1.0])
    assert np.isnan(ACTIVATIONS[name].value(z)[0])
    assert np.isnan(ACTIVATIONS[name].slope(z)[0])


@pytest.mark.parametrize("name", NAMES)
def test_max_slope_and_range_are_tight(name):
    activation = ACTIVATIONS[name]
    z = np.concatenate([np.linspace(-50, 50, 200_001), [0.0, -1e-12, -1e12, 1e12]])
    assert np.abs(activation.slope(z)).max() == pytest.approx(activation.max_slope, rel=1e-8)
    low, high = activation.range
    if np.isfinite(low):
        assert activation.value(z).min() == pytest.approx(low, abs=1e-8)
    if np.isfinite(high):
        assert activation.value(z).max() == pytest.approx(high, abs=1e-8)


def by_machine(machine, z):
    u = z * z.dtype.type(machine.gamma)
    slope = np.empty_like(u)
    machine.activate(u, u if machine.slope_in_place else slope)
    value = machine.alpha * u + machine.beta
    target = u if machine.slope_in_place else slope
    machine.slope(u, target)
    return value, machine.slope_scale * target


MACHINES = [
    *((name, dtype, ACTIVATIONS[name].machine(np.dtype(dtype))) for name in NAMES for dtype in DTYPES),
]


@pytest.mark.parametrize(("name", "dtype", "machine"), MACHINES)
def test_the_machine_computes_the_same_function(name, dtype, machine):
    activation = ACTIVATIONS[name]
    z = np.concatenate([grid(activation, dtype), np.array([-700, -50, 50, 700], dtype)])
    with np.errstate(over="ignore"):
        value, slope = by_machine(machine, z)
    tolerance = 20 * np.finfo(dtype).eps
    np.testing.assert_allclose(value, activation.value(z), rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(slope, activation.slope(z), rtol=tolerance, atol=tolerance)
    assert machine.beta in {0, machine.alpha}


def test_unknown_names_get_the_nearest_and_step_its_own_answer():
    with pytest.raises(InvalidValueError, match="did you mean 'sigmoid'"):
        get_activation("sigmod")
    with pytest.raises(InvalidValueError, match="perceptron"):
        get_activation("step")


@pytest.mark.parametrize("activation", ACTIVATIONS.values(), ids=NAMES)
def test_every_entry_says_what_it_is(activation):
    assert activation.equation.startswith("a = ")
    assert activation.derivative.startswith("da/dz = ")
    assert activation.source


# ---------------------------------------------------------------- the facts that others ask for


@pytest.mark.parametrize("word", WORDS)
def test_homogeneous_odd_and_rising_are_what_they_say(word):
    phi = get_activation(word)
    z = np.concatenate([grid(phi), [1e-9, -1e-9]])
    value = phi.value(z)
    scales = all(np.allclose(phi.value(c * z), c * value, rtol=1e-12, atol=0) for c in (1e-3, 7.0))
    assert phi.homogeneous == scales
    assert phi.odd == np.allclose(phi.value(-z), -value, rtol=1e-12, atol=0)
    assert phi.rises == bool((phi.slope(z) >= 0).all())
    assert phi.passes_zero == (phi.value(np.zeros(1))[0] == 0)
    assert phi.bounded == bool(np.isfinite(phi.value(np.array([-np.inf, np.inf]))).all())


@pytest.mark.parametrize("word", WORDS)
def test_flat_is_a_slope_of_exactly_0_over_a_half_line(word):
    phi = get_activation(word)
    far = np.linspace(1.5, 10, 20)
    flat = any((phi.slope(sign * far) == 0).all() for sign in (-1, 1))
    assert phi.flat == flat


@pytest.mark.parametrize("word", WORDS)
def test_the_slope_at_logarithmic_scale_is_finite_where_the_slope_is_not_0_by_its_formula(word):
    phi = get_activation(word)
    z = np.array([-900.0, -300.0, -50.0, -1.0, 1.0, 50.0, 300.0, 900.0])
    slope = phi.slope(z)
    sign, log = phi.log_slope(z)
    seen = np.abs(slope) > 1e-290
    np.testing.assert_allclose(sign[seen] * np.exp(log[seen]), slope[seen], rtol=1e-9)
    if not phi.flat:
        assert np.isfinite(log).all()
    near, h = z[np.abs(z) > 2], 1e-3  # ln |phi'| is smooth out there: its differences meet
    left, right = (phi.log_slope(near + step)[1] for step in (-h, h))
    if not phi.flat:
        np.testing.assert_allclose((left + right) / 2, phi.log_slope(near)[1], atol=1e-5)


@pytest.mark.parametrize("word", ["leaky-relu:0.2", "leaky-relu:-1", "elu:2.5", "elu:0.1"])
def test_a_parameter_changes_value_slope_and_facts(word):
    phi = get_activation(word)
    parameter = float(word.partition(":")[2])
    assert phi.name == word
    below = phi.value(np.array([-20.0]))[0]
    assert below == pytest.approx(-20 * parameter if word.startswith("leaky") else -parameter, rel=1e-8)
    z = grid(phi)
    h = 1e-5
    np.testing.assert_allclose(phi.slope(z), (phi.value(z + h) - phi.value(z - h)) / (2 * h), rtol=1e-7, atol=1e-9)
    assert np.abs(phi.slope(z)).max() <= phi.max_slope * (1 + 1e-12)
    assert f"{parameter:g}" in phi.equation


def test_aliases_are_the_same_function():
    assert get_activation("silu") is get_activation("swish")


@pytest.mark.parametrize(
    ("word", "hint"),
    [("sillu", "did you mean 'silu'"), ("relu:1", "takes no number"), ("elu:", "is not a number"),
     ("leaky-relu:nan", "is not a number"), ("leaky-relu:1e9", "from -1000 to 1000"), ("elu:0", "A > 0")],
)  # fmt: skip
def test_words_that_are_no_activation(word, hint):
    with pytest.raises(InvalidValueError, match=r".") as caught:
        get_activation(word)
    assert hint in str(caught.value)


def test_a_new_entry_needs_no_machine():
    """What an entry leaves out is made of its two pure functions."""
    phi = get_activation("softsign")
    assert phi.machine_of is None
    z = np.linspace(-3, 3, 7, dtype=np.float32)
    value, slope = by_machine(phi.machine(z.dtype), z)
    assert np.array_equal(value, phi.value(z))
    assert np.array_equal(slope, phi.slope(z))
