"""Networks drawn from their exact law: held to their own definition, to real matrices, and to closed forms.

Tolerances hold on any processor: 1e-7 and 1e-4 are the errors of box_muller's polynomials; products of float32 vectors
of 40 numbers are off by 40 eps, which over 25 layers add to 1.2e-4 in the logarithm at worst; the others are of
statistics over fixed draws.
"""

import math

import numpy as np
import pytest

from dlmath.depth.engine.explicit import ExplicitNetwork
from dlmath.depth.engine.law import ChainLaw
from dlmath.depth.engine.normals import LAYERS, box_muller, normals, random_errors, random_inputs, stream, words
from dlmath.depth.engine.residual_law import ResidualLaw
from dlmath.depth.engine.settings import DepthSettings

F32 = np.dtype(np.float32)


def draw(settings, first, count):
    return (ChainLaw if settings.residual == "none" else ResidualLaw)(settings, first, count).run()


# ---------------------------------------------------------------- random numbers


def test_normals_have_the_moments_of_normals():
    drawn = normals(stream(5, LAYERS), 400_001, np.dtype(np.float64))
    count = len(drawn)
    for power, moment, variance in ((1, 0, 1), (2, 1, 2), (3, 0, 15), (4, 3, 96), (6, 15, 10170)):
        assert abs(np.mean(drawn**power) - moment) < 4.5 * math.sqrt(variance / count)


def test_box_muller_is_the_textbook_formula():
    raw = words(stream(1, LAYERS), 500)
    radius = np.sqrt(-2 * np.log(((raw[:500] & 0x7FFFFFFF) + 0.5) / 2**31))
    angle = raw[500:] * (math.pi / 2**31)
    first, second = box_muller(raw[:500], raw[500:], np.dtype(np.float64))
    assert first == pytest.approx(radius * np.cos(angle), abs=1e-7)
    assert second == pytest.approx(radius * np.sin(angle), abs=1e-4)


def test_two_halves_of_a_pair_are_independent():
    raw = words(stream(2, LAYERS), 200_000)
    first, second = box_muller(raw[:200_000], raw[200_000:], F32)
    for power in (1, 2, 3):
        both = np.corrcoef(first.astype(float) ** power, second.astype(float) ** power)[0, 1]
        assert abs(both) < 4.5 / math.sqrt(200_000)


# ---------------------------------------------------------------- the recursion against its definition


def by_definition(settings, seed):
    """Return ln |dE/dx^l| of a plain network, with vectors, in float64, from the same random numbers."""
    width, depth, phi = settings.width, settings.depth, settings.phi
    source, sigma = stream(seed, LAYERS), settings.weights.sigma
    x, layers = random_inputs(seed, 1, width, F32)[0].astype(float), []
    for _ in range(depth):
        raw = words(source, width)
        n, w = (array.astype(float) for array in box_muller(raw[:width], raw[width:], F32))
        norm = np.linalg.norm(n) if settings.init == "orthogonal" else math.sqrt(width)
        z = sigma * np.linalg.norm(x) / norm * n
        layers.append((x, z, w))
        x = phi.value(z)
    g, total, found = random_errors(seed, 1, width, F32)[0].astype(float), 0.0, [0.0]
    for x, z, w in reversed(layers):
        e = g * phi.slope(z)
        if settings.init == "orthogonal":
            across = e - z * (z @ e) / (z @ z)
            free = w - x * (x @ w) / (x @ x)
            g = sigma**2 * x * (z @ e) / (z @ z) + sigma * np.linalg.norm(across) * free / np.linalg.norm(free)
        else:
            s = sigma * np.linalg.norm(e) / math.sqrt(width)
            g = s * w + x * (z @ e - s * (x @ w)) / (x @ x)
        total += math.log(np.linalg.norm(g))
        found.append(total)
        g /= np.linalg.norm(g)
    return found[::-1]


@pytest.mark.parametrize("activation", ["relu", "tanh", "sigmoid", "gelu", "linear"])
@pytest.mark.parametrize("init", ["he", "orthogonal"])
def test_scalar_products_give_what_vectors_give(activation, init):
    settings = DepthSettings(depth=25, width=40, activation=activation, init=init)
    found = draw(settings, 3, 2)
    for row, seed in enumerate((3, 4)):
        assert found.log_gradient[:, row] == pytest.approx(by_definition(settings, seed), abs=2e-4)


CASES = [
    {}, {"activation": "relu"}, {"activation": "gelu", "weight_std": 0.01}, {"activation": "relu", "bias_std": 0.3},
    {"normalize": "layer"}, {"init": "orthogonal"}, {"init": "lsuv"}, {"bias_std": 0.2, "normalize": "layer"},
    {"residual": "pre"}, {"residual": "post", "bias_std": 0.1}, {"residual": "pre", "normalize": "layer"},
    {"activation": "elu", "weight_std": 1e5}, {"weight_std": 300.0, "activation": "sigmoid"},
]  # fmt: skip


@pytest.mark.parametrize("changes", CASES, ids=str)
@pytest.mark.parametrize("width", [7, 64])
def test_a_seed_is_the_same_to_the_last_bit_alone_and_among_others(changes, width):
    settings = DepthSettings(depth=45, width=width, activation="tanh", init="he")._replace(**changes)
    together = draw(settings, 0, 13)
    for seed in (0, 5, 12):
        alone = draw(settings, seed, 1)
        for one, many in zip(alone, together, strict=True):
            assert np.array_equal(one[:, 0], many[:, seed])


# ---------------------------------------------------------------- against real matrices


def kolmogorov_smirnov(one, other):
    """Return the p-value of the two-sample test, by Kolmogorov's asymptotic series."""
    both = np.sort(np.concatenate([one, other]))
    gaps = np.searchsorted(np.sort(one), both, "right") / len(one) - np.searchsorted(
        np.sort(other), both, "right"
    ) / len(other)
    size = math.sqrt(len(one) * len(other) / (len(one) + len(other)))
    reach = (size + 0.12 + 0.11 / size) * np.abs(gaps).max()
    return min(1.0, 2 * sum((-1) ** (k - 1) * math.exp(-2 * (k * reach) ** 2) for k in range(1, 60)))


def test_the_test_itself_tells_distributions_apart():
    rng = np.random.default_rng(0)
    assert kolmogorov_smirnov(rng.normal(size=500), rng.normal(size=3000)) > 0.01
    assert kolmogorov_smirnov(rng.normal(size=500), 1.5 * rng.normal(size=3000)) < 1e-4


@pytest.mark.parametrize(
    "changes",
    [
        {"activation": "relu", "init": "he"},
        {"activation": "tanh", "weight_std": 1.5, "bias_std": 0.5},
        {"activation": "gelu", "init": "orthogonal"},
        {"activation": "sigmoid", "normalize": "layer"},
        {"activation": "tanh", "init": "lsuv"},
        {"activation": "tanh", "residual": "pre", "init": "he"},
        {"activation": "relu", "residual": "post", "init": "he"},
        {"activation": "gelu", "residual": "pre", "normalize": "layer", "init": "orthogonal"},
    ],
    ids=str,
)
def test_drawn_and_built_networks_have_one_distribution(changes):
    settings = DepthSettings(depth=3, width=16, init="lecun", dtype="float64")._replace(**changes)
    store = np.empty((3, 16, 16))
    built = [ExplicitNetwork(settings, 10_000 + seed, store).run() for seed in range(200)]
    drawn = draw(settings, 0, 4000)
    for place in (0, 2):
        real = np.array([figures.log_gradient[place, 0] for figures in built])
        law = drawn.log_gradient[place]
        assert kolmogorov_smirnov(real[np.isfinite(real)], law[np.isfinite(law)]) > 1e-4
    real = np.array([figures.log_weight_gradient[1, 0] for figures in built])
    assert kolmogorov_smirnov(real[np.isfinite(real)], drawn.log_weight_gradient[1]) > 1e-4
    real = np.array([figures.variance[-1, 0] for figures in built])
    assert kolmogorov_smirnov(real, drawn.variance[-1]) > 1e-4


# ---------------------------------------------------------------- closed forms


@pytest.mark.parametrize(("width", "mean", "variance"), [(16, -0.17639, 0.41959), (64, -0.040109, 0.082997)])
def test_relu_he_has_the_exact_law_at_finite_width(width, mean, variance):
    """The log of the squared norm is a sum of ln[(2/N) chi^2_k], k ~ Bin(N, 1/2) (after Hanin & Nica 2020)."""
    found = draw(DepthSettings(depth=30, width=width, activation="relu", init="he"), 0, 2000).log_gradient
    alive = found[0] > -np.inf
    steps = 2 * (found[0, alive] - found[-1, alive]) / 30
    error = math.sqrt(variance / 30 / alive.sum())
    assert steps.mean() == pytest.approx(mean, abs=4 * error + 0.002 * (width == 16))
    assert steps.var() * 30 == pytest.approx(variance, rel=0.15)


def test_linear_orthogonal_networks_keep_the_norm():
    found = draw(DepthSettings(depth=500, width=32, activation="linear", init="orthogonal"), 0, 4).log_gradient
    assert found == pytest.approx(0, abs=1e-5)


@pytest.mark.parametrize("activation", ["tanh", "elu", "gelu", "swish", "selu"])
def test_signals_that_fade_far_below_the_smallest_float_keep_their_factor(activation):
    settings = DepthSettings(depth=400, width=64, activation=activation, weight_std=0.01)
    found = draw(settings, 0, 3)
    slope = {"tanh": 1, "elu": 1, "gelu": 0.5, "swish": 0.5, "selu": 1.448}[activation]
    assert found.log_gradient[0] / 400 == pytest.approx(math.log(0.01 * slope), abs=0.05)
    assert found.variance[-1].max() == 0


def test_saturated_networks_use_the_logarithm_of_the_slope():
    """One unit a layer: everything is saturated, and E ln phi'(c n) is about -c E|n|."""
    found = draw(DepthSettings(depth=300, width=1, activation="tanh", weight_std=1000.0), 0, 50).log_gradient
    assert np.isfinite(found).all()
    assert found[0].mean() / 300 == pytest.approx(-2 * 1000 * math.sqrt(2 / math.pi), rel=0.05)


def test_a_million_decades_are_a_finite_number():
    found = draw(DepthSettings(depth=4000, width=2, activation="linear", weight_std=1e-300), 0, 1).log_gradient
    assert found[0, 0] < -1e6 * math.log(10)
    assert np.isfinite(found).all()


def test_dead_relu_networks_have_gradient_0():
    found = draw(DepthSettings(depth=60, width=4, activation="relu", init="he"), 0, 50)
    dead = found.log_gradient[0] == -np.inf
    assert 10 < dead.sum() < 50
    assert np.all(found.variance[-1, dead] == 0)
