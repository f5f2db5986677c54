"""Laws of the activations: published values, derivatives, extremes, and the machine form against the definition."""

from __future__ import annotations

import numpy as np
import pytest

from dlmath.errors import InvalidValueError
from dlmath.neural.activations import (
    ACTIVATIONS,
    get_activation,
)

NAMES = list(ACTIVATIONS)
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
