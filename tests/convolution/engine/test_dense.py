"""The dense algorithm against the definition, over random shapes, kernels, channels and dtypes."""

from __future__ import annotations

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import numpy as np
from hypothesis import settings

from dlmath.convolution.engine.algorithm import TileShape
from dlmath.convolution.engine.dense import DENSE, shifts

specification = spec_from_file_location("laws", Path(__file__).with_name("laws.py"))
laws = module_from_spec(specification)
specification.loader.exec_module(laws)

SETTINGS = settings(max_examples=60, deadline=None, derandomize=True)


def test_integers_in_float32_are_exact():
    shape = TileShape(23, 31, 1, 5, 5)
    source = np.random.default_rng(0).integers(0, 256, size=shape.source_shape)
    kernel = np.random.default_rng(1).integers(-9, 10, size=(5, 5))
    np.testing.assert_array_equal(
        laws.run(DENSE, kernel, "uint8", shape, source), laws.definition(source, kernel, shape)
    )


def test_shifts_are_views():
    source = np.arange(12).reshape(2, 6)
    assert np.shares_memory(shifts(source, 2, 3), source)


def test_cost_grows_with_the_kernel():
    costs = [DENSE.cost(np.ones((size, size)), np.dtype("uint8"), 1) for size in (3, 5, 9, 15)]
    assert costs == sorted(costs)
