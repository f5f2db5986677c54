"""Checks: what holds, what does not, and which usual mistake gives exactly the wrong number."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlmath.counting.engine.checks import QUANTITIES, check, parse_check, value_of
from dlmath.counting.engine.count import count
from dlmath.counting.engine.graph import AUXILIARY, Network, Node, chain
from dlmath.counting.engine.mistakes import REBUILDS, SUMS
from dlmath.errors import InvalidValueError

SEED = chain("seed", (112, 112, 64), [("conv", {"kernel": 3, "out": 128})])
POINTWISE = chain("seed", (112, 112, 64), [("conv", {"kernel": 1, "out": 128})])
SMALL = chain(
    "small",
    (28, 28, 1),
    [
        ("conv", {"kernel": 5, "out": 6, "pad": "valid"}),
        ("batchnorm", {}),
        ("maxpool", {"kernel": 2, "stride": 2}),
        ("conv", {"kernel": 3, "out": 8, "stride": 2, "groups": 2, "pad": "valid"}),
        ("flatten", {}),
        ("dense", {"out": 10}),
    ],
)


def verdict(network, text):
    return check(count(network), parse_check(text))


def mistakes(network, text):
    found = verdict(network, text)
    assert not found.holds
    return found.mistakes


def test_what_holds():
    for text in ("params=73856", "params=73,856", "params=73_856", "params=73.9k", "params=0.07386m", "macs=924844032"):
        assert verdict(SEED, text).holds, text
    for text in ("output_shape=112x112x128", "receptive_field=3", "receptive_field=3x3", "weights=73728", "biases=128"):
        assert verdict(SEED, text).holds, text
    assert verdict(SMALL, "conv2.output_shape=5x5x8").holds
    assert verdict(SMALL, "output_shape=10").holds


def test_digits_that_are_written_must_agree():
    assert verdict(SEED, "macs=925M").holds
    assert verdict(SEED, "macs=924.8M").holds
    assert not verdict(SEED, "macs=924.9M").holds
    assert not verdict(SEED, "macs=924844033").holds


def test_the_seeds_numbers():
    # its README: 3x3x128 has 1152 parameters, 1x1x128 has 128, on 112x112x64
    (why,) = mistakes(SEED, "params=1152")
    assert why == "the input channels are forgotten and the biases are left out"
    assert mistakes(POINTWISE, "params=128") == (why,)
    assert mistakes(SEED, "params=1280") == ("the input channels are forgotten",)
    assert mistakes(SEED, "weights=1152") == ("the input channels are forgotten",)
    assert mistakes(SEED, "macs=14450688") == ("the input channels are forgotten",)
    assert verdict(SEED, "macs=924844032").holds


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("params=73728", "the biases are left out"),
        ("params=73729", "one bias a layer is counted"),
        ("biases=1", "one bias a layer is counted"),
        ("weights=73856", "the biases are counted"),
        ("macs=1849688064", "a multiply-accumulate is counted as two operations (FLOPs)"),
        ("flops=924844032", "a multiply-accumulate is counted as one operation (MACs)"),
        ("macs=926449664", "additions of biases are counted too"),
        ("output_shape=128x112x112", "the channels are put first"),
        ("output_shape=110x110x128", "the padding is taken to be valid"),
        ("macs=892108800", "the padding is taken to be valid"),
        ("params=295424", "bytes of float32 are counted"),
    ],
)
def test_one_mistake(text, why):
    assert why in mistakes(SEED, text)


def test_mistakes_in_a_network():
    counted = count(SMALL)
    assert "moving means and variances are counted" in mistakes(SMALL, f"params={counted.params + 12}")
    assert "batch normalisation is left out" in mistakes(SMALL, f"params={counted.params - 12}")
    assert "the groups are left out of account" in mistakes(SMALL, f"params={counted.params + 216}")
    assert "the strides are taken to be 1" in mistakes(SMALL, "conv2.output_shape=22x22x8")
    assert "the padding is taken to be same" in mistakes(SMALL, "dense1.params=3930")


def test_other_tools():
    counted = count(SMALL)
    assert mistakes(SMALL, f"macs={counted.macs + 2 * 24 * 24 * 6}") == ("it is counted as fvcore counts",)


def test_two_mistakes_at_once():
    wrong = count(SMALL).params + 216 - 6 - 8 - 10
    assert "the groups are left out of account and the biases are left out" in mistakes(SMALL, f"params={wrong}")


def test_what_no_mistake_explains():
    found = verdict(SEED, "params=12345")
    assert (found.mistakes, found.difference) == ((), 73856 - 12345)
    assert found.text == "params is 73,856, not 12,345 (61,511 more)"
    assert verdict(SEED, "params=99999").text.endswith("(26,143 fewer)")


def test_auxiliary_heads_and_shared_weights():
    nodes = (
        Node("x", "input", {"shape": (6,)}),
        Node("a", "dense", {"out": 6}, (0,)),
        Node("b", "dense", {"out": 6}, (1,), shares="a"),
        Node("side", "dense", {"out": 3}, (1,), group=AUXILIARY),
    )
    network = Network("heads", nodes, (2,))
    assert mistakes(network, "params=63") == (
        "the parameters of auxiliary heads are counted",
        "auxiliary heads are counted as running",
    )
    assert mistakes(network, "params=84") == ("shared weights are counted every time",)
    assert mistakes(network._replace(auxiliary="with"), "params=42") == ("auxiliary heads are left out",)
    assert "auxiliary heads" in mistakes(network._replace(auxiliary="with"), "macs=72")[0]


def test_alexnet_without_its_groups():
    # 60,965,224 with two towers (Krizhevsky et al. 2012); 62,378,344 is the figure of tutorials
    def conv(kernel, out, **more):
        return "conv", {"kernel": kernel, "out": out, **more}

    pool = ("maxpool", {"kernel": 3, "stride": 2, "pad": 0})
    layers = [conv(11, 96, stride=4, pad=0), pool, conv(5, 256, groups=2), pool, conv(3, 384)]
    layers += [conv(3, 384, groups=2), conv(3, 256, groups=2), pool, ("flatten", {})]
    network = chain("alexnet", (227, 227, 3), [*layers, *[("dense", {"out": out}) for out in (4096, 4096, 1000)]])
    assert verdict(network, "params=60965224").holds
    assert mistakes(network, "params=62378344") == ("the groups are left out of account",)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("params", "has no value"),
        ("params=", "has no value"),
        ("parms=3", "did you mean 'params'"),
        ("params=x", "no whole number"),
        ("params=1.5", "is a fraction"),
        ("params=-3", "no whole number"),
        ("params=1e999", "no whole number"),
        ("params=" + "9" * 100, "no whole number"),
        ("params=1x2", "no whole number"),
        ("output_shape=1xx2", "no shape"),
        ("output_shape=axb", "no shape"),
    ],
)
def test_what_cannot_be_read(text, words):
    with pytest.raises(InvalidValueError) as caught:
        parse_check(text)
    assert words in str(caught.value)


def test_an_unknown_layer_names_the_nearest():
    with pytest.raises(InvalidValueError, match="did you mean 'conv2'"):
        verdict(SMALL, "conv9.params=1")


@given(st.text(max_size=30), st.sampled_from(QUANTITIES))
def test_any_text_is_a_check_or_one_error(text, quantity):
    for written in (text, f"{quantity}={text}"):
        try:
            check(count(SEED), parse_check(written))
        except InvalidValueError:
            continue


@pytest.mark.parametrize("quantity", QUANTITIES)
def test_every_quantity_holds_when_it_is_right(quantity):
    for layer in ("", "conv2"):
        found = value_of(count(SMALL), quantity, layer)
        text = "x".join(map(str, found)) if isinstance(found, tuple) else str(found)
        assert verdict(SMALL, f"{layer}.{quantity}={text}".lstrip(".")).holds


def test_every_sum_is_found_again():
    counted = count(SMALL)
    for one in SUMS:
        for quantity in one.quantities:
            if (wrong := one.value(counted)) != counted.total(quantity):
                assert one.text in mistakes(SMALL, f"{quantity}={wrong}")


def test_every_rebuild_is_found_again():
    for rebuild in REBUILDS:
        wrong = count(rebuild.build(SMALL))
        for quantity in ("params", "macs"):
            if wrong.total(quantity) != count(SMALL).total(quantity):
                assert rebuild.text in mistakes(SMALL, f"{quantity}={wrong.total(quantity)}")
