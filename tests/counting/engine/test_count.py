from __future__ import annotations

import pytest

from dlmath.counting.engine.count import TOTALS, count
from dlmath.counting.engine.graph import Network, Node, chain
from dlmath.counting.engine.memory import memory, peak_elements
from dlmath.errors import InvalidValueError, ShapeError


def tiny():
    return count(chain("tiny", (8, 8, 3), [("conv", {"kernel": 3, "out": 4}), ("relu", {}), ("dense", {"out": 2})]))


def test_rows_add_up():
    counted = tiny()
    for quantity in TOTALS:
        assert counted.total(quantity) == sum(row.value(quantity) for row in counted.rows)
    assert counted.params == 3 * 3 * 3 * 4 + 4 + 256 * 2 + 2
    assert counted.total("flops") == 2 * counted.macs
    assert counted.total("connections") == counted.macs + counted.total("bias_adds")
    assert counted.total("activations") == 256 + 256 + 2


def test_running_many_times_multiplies_operations_and_not_parameters():
    once = Node("dense", "dense", {"out": 4}, (0,))
    one, many = (
        count(Network("n", (Node("input", "input", {"shape": (3,)}), once._replace(times=times)), (1,)))
        for times in (1, 300)
    )
    assert (many.params, many.macs) == (one.params, 300 * one.macs)
    assert many.total("activations") == 300 * one.total("activations")


def test_shared_weights_are_held_once_and_used_twice():
    nodes = (
        Node("input", "input", {"shape": (3,)}),
        Node("a", "dense", {"out": 3}, (0,)),
        Node("b", "dense", {"out": 3}, (1,), shares="a"),
    )
    counted = count(Network("n", nodes, (2,)))
    assert (counted.params, counted.macs) == (12, 18)


def test_frozen_parameters_do_not_train():
    nodes = (Node("input", "input", {"shape": (3,)}), Node("a", "dense", {"out": 3}, (0,), frozen=True))
    counted = count(Network("n", nodes, (1,)))
    assert (counted.params, counted.total("trainable_params")) == (12, 0)


def test_wrong_words_are_refused():
    with pytest.raises(InvalidValueError, match="did you mean 'with'"):
        count(chain("n", (3,), []), "wiht")
    with pytest.raises(InvalidValueError, match="did you mean 'macs'"):
        tiny().total("mac")


def test_an_error_names_its_layer():
    with pytest.raises(ShapeError, match=r"^conv1: conv: no output is left"):
        count(chain("n", (3, 3, 1), [("conv", {"kernel": 5, "out": 1, "pad": "valid"})]))


def test_memory_in_bytes():
    counted = tiny()
    needs = memory(counted, "float32", batch=2, optimizer="adam")
    assert needs.params_bytes == needs.gradients_bytes == 4 * counted.params
    assert needs.optimizer_bytes == 8 * counted.params
    assert needs.activations_bytes == 4 * 2 * (256 + 256)  # the convolution's output and the ReLU's
    assert needs.stored_bytes == 4 * 2 * (192 + 256 + 256 + 2)
    assert needs.training_bytes == 16 * counted.params + needs.stored_bytes
    assert memory(counted, "float16").params_bytes * 2 == needs.params_bytes


def test_a_branch_keeps_its_input_alive_and_a_view_costs_nothing():
    nodes = (
        Node("input", "input", {"shape": (10,)}),
        Node("a", "relu", {}, (0,)),
        Node("drop", "dropout", {}, (1,)),
        Node("b", "dense", {"out": 100}, (2,)),
        Node("c", "dense", {"out": 10}, (3,)),
        Node("join", "add", {}, (1, 4)),
    )
    assert peak_elements(count(Network("n", nodes, (5,)))) == 10 + 100 + 10  # a, b and c


@pytest.mark.parametrize(
    ("words", "said"),
    [({"dtype": "flaot32"}, "did you mean 'float32'"), ({"optimizer": "adm"}, "'adam'"), ({"batch": 0}, "batch is 0")],
)
def test_memory_of_what_there_is_not(words, said):
    with pytest.raises(InvalidValueError, match=said):
        memory(tiny(), **words)
