"""Random boxes of the kinds that break detectors' arithmetic: ties, touching, nested, empty, far away."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st


def scattered(rng, count, span=100.0, side=40.0, *, whole=False):
    low = rng.uniform(-span / 2, span, (count, 2))
    boxes = np.concatenate([low, low + rng.uniform(0, side, (count, 2))], axis=1)
    return np.round(boxes) if whole else boxes


@st.composite
def box_sets(draw, least=1, most=60):
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    count = draw(st.integers(least, most))
    span, side = draw(st.sampled_from([(20.0, 30.0), (100.0, 40.0), (1000.0, 60.0), (1e6, 50.0)]))
    return scattered(rng, count, span, side, whole=draw(st.booleans()))
