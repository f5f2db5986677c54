"""Laws of the gate language."""

from __future__ import annotations

import subprocess
import sys
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlmath.errors import InvalidValueError
from dlmath.gates.engine.gates import (
    MAX_INPUTS,
    TWO_INPUT_NAMES,
    Gate,
    canonical_name,
    gate_names,
    parse_gate,
    truth_table_inputs,
)

laws = settings(derandomize=True, deadline=None, max_examples=60)
tables = st.integers(1, 5).flatmap(lambda n: st.text("01", min_size=2**n, max_size=2**n))

FORMULAS = {
    "false": "False",
    "and": "a and b",
    "nimplies": "a and not b",
    "first": "a",
    "nconverse": "b and not a",
    "second": "b",
    "xor": "a != b",
    "or": "a or b",
    "nor": "not (a or b)",
    "xnor": "a == b",
    "not-second": "not b",
    "converse": "a or not b",
    "not-first": "not a",
    "implies": "b or not a",
    "nand": "not (a and b)",
    "true": "True",
}


@pytest.mark.parametrize("name", FORMULAS)
def test_the_sixteen_names_are_their_formulas(name):
    expected = "".join(str(int(eval(FORMULAS[name], {"a": a, "b": b}))) for a, b in product((False, True), repeat=2))  # noqa: S307
    assert parse_gate(name).truth_table() == expected
    assert canonical_name(expected) == name


def test_every_two_input_table_has_its_own_name():
    assert set(TWO_INPUT_NAMES) == {"".join(bits) for bits in product("01", repeat=4)}
    assert set(TWO_INPUT_NAMES.values()) == set(FORMULAS)


@laws
@given(tables)
def test_a_truth_table_round_trips(bits):
    gate = parse_gate(bits)
    assert gate.truth_table() == bits
    assert gate.is_logic
    assert len(gate.inputs) == 2**gate.n_inputs == len(bits)


@laws
@given(tables)
def test_row_i_holds_the_binary_digits_of_i(bits):
    inputs = parse_gate(bits).inputs
    assert [int("".join(map(str, row)), 2) for row in inputs] == list(range(len(bits)))


@pytest.mark.parametrize("n", range(2, MAX_INPUTS + 1))
def test_de_morgan_and_complements(n):
    flipped = str.maketrans("01", "10")
    table = {name: parse_gate(f"{name}:{n}").truth_table() for name in ("and", "or", "nand", "nor", "xor", "xnor")}
    assert table["nand"] == table["and"].translate(flipped)
    assert table["nor"] == table["or"].translate(flipped)
    assert table["xnor"] == table["xor"].translate(flipped)
    assert table["nor"] == table["and"][::-1]  # not (a or b) = not a and not b: the rows in reverse
    assert table["xor"] == parse_gate(f"parity:{n}").truth_table()


@pytest.mark.parametrize("n", range(1, MAX_INPUTS + 1))
def test_majority_is_strictly_more_than_half(n):
    targets = parse_gate(f"majority:{n}").truth_table()
    assert targets == "".join(str(int(sum(row) > n / 2)) for row in truth_table_inputs(n))


@pytest.mark.parametrize(("one", "other"), [("XOR", "xor:2"), (" Nand ", "nand"), ("NOT", "not:1"), ("And:2", "and")])
def test_case_space_and_the_usual_size_do_not_matter(one, other):
    assert parse_gate(one) == parse_gate(other)


@pytest.mark.parametrize(
    ("text", "what", "mend"),
    [
        ("xro", "'xro'", "did you mean 'xor'?"),
        ("convrse", "'convrse'", "did you mean 'converse'?"),
        ("pairty:4", "'pairty:4'", "parity"),
        ("", "unknown gate ''", "xor"),
        ("and:0", "'0'", "from 2 to 10"),
        ("and:1", "'1'", "from 2 to 10"),
        ("and:11", "'11'", "from 2 to 10"),
        ("and:x", "'x'", "from 2 to 10"),
        ("and:", "''", "from 2 to 10"),
        ("and:\u0663", "'\u0663'", "from 2 to 10"),
        ("parity:0", "'0'", "from 1 to 10"),
        ("parity", "number of inputs", "'parity:3'"),
        ("not:3", "exactly 1 input", "write 'not'"),
        ("implies:3", "exactly 2 inputs", "write 'implies'"),
        ("0", "has 1 bit,", "2 bits"),
        ("011", "has 3 bits", "write 2 bits (1 input) or 4 (2 inputs)"),
        ("0120", "'2' (place 3)", "0 and 1 only"),
        ("01x0", "'x' (place 3)", "0 and 1 only"),
        ("01" * 1024, "has 2048 bits", "1024 bits (10 inputs)"),
    ],
)
def test_an_error_names_the_wrong_part_and_the_mend(text, what, mend):
    with pytest.raises(InvalidValueError) as caught:
        parse_gate(text)
    assert what in caught.value.what
    assert mend in caught.value.mend


@laws
@given(st.text(st.characters(max_codepoint=255), max_size=30) | st.text("andxor:0123456789-"))
def test_any_text_is_a_gate_or_one_short_line(text):
    try:
        gate = parse_gate(text)
    except InvalidValueError as error:
        assert len(str(error)) < 400  # noqa: PT017 - most texts are errors, and some are gates
    else:
        assert gate.is_logic


def test_every_listed_name_parses():
    for name in gate_names():
        assert parse_gate(f"{name}:3" if name in {"parity", "majority"} else name).is_logic


@laws
@given(tables)
def test_pm1_keeps_targets_order_and_table(bits):
    gate = parse_gate(bits)
    coded = gate.recode("pm1")
    assert coded.targets == gate.targets
    assert coded.inputs == tuple(tuple(2 * x - 1 for x in row) for row in gate.inputs)
    assert coded.truth_table() == bits
    assert gate.recode("01") == gate


def test_real_inputs_are_not_recoded_and_have_no_table():
    data = Gate("iris", ((5.1, 3.5), (4.9, 3.0)), ((0,), (1,)))
    assert not data.is_logic
    with pytest.raises(InvalidValueError, match=r"row 1 of iris holds 5\.1.*write 0 and 1"):
        data.recode("pm1")
    with pytest.raises(InvalidValueError, match="iris has no truth table"):
        data.truth_table()
    with pytest.raises(InvalidValueError, match="did you mean 'pm1'"):
        data.recode("pm")


def test_wide_data_is_no_logic_gate_and_costs_nothing_to_tell():
    assert not Gate("wide", ((0,) * 60,), ((1,),)).is_logic


def test_several_outputs_have_a_table_each():
    half_adder = Gate("half adder", truth_table_inputs(2), ((0, 0), (0, 1), (0, 1), (1, 0)))
    assert [canonical_name(half_adder.truth_table(k)) for k in range(half_adder.n_outputs)] == ["and", "xor"]


def test_gates_need_no_array_library():
    code = "import sys; from dlmath.gates.engine import gates, perceptron, separability; print('numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
