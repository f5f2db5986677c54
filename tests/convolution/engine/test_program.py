import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from dlmath.convolution.engine.program import Program, compile_kernels
from dlmath.convolution.engine.search import divide


def weights_of(program: Program, number: int = 0) -> dict[tuple[int, int], int]:
    """Run a program on the polynomial 1: the weights it applies to every tap."""
    registers = [{(0, 0): 1}]

    def shifted(ref):
        return {(y + ref.shift[0], x + ref.shift[1]): weight for (y, x), weight in registers[ref.register].items()}

    for op in program.ops:
        left, sign = shifted(op.left), -1 if op.kind == "subtract" else 1
        right = shifted(op.right) if op.right else {}
        if op.kind == "scale":
            left = {place: weight * op.factor for place, weight in left.items()}
        registers.append({place: left.get(place, 0) + sign * right.get(place, 0) for place in {*left, *right}})
    return {place: weight for place, weight in shifted(program.results[number]).items() if weight}


def of(kernel: np.ndarray) -> dict[tuple[int, int], int]:
    return {(int(y), int(x)): int(kernel[y, x]) for y, x in np.argwhere(kernel)}


small = hnp.arrays(np.int64, hnp.array_shapes(min_dims=2, max_dims=2, max_side=6), elements=st.integers(-4, 4))


@settings(max_examples=80, deadline=None)
@given(small)
def test_a_program_is_its_kernel(kernel):
    assert weights_of(compile_kernels(kernel)) == of(kernel)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(-3, 3), min_size=1, max_size=9), st.lists(st.integers(-3, 3), min_size=1, max_size=9))
def test_outer_products_are_their_kernels_and_no_dearer_than_both_lines(column, row):
    kernel = np.outer(column, row)
    program = compile_kernels(kernel)
    assert weights_of(program) == of(kernel)


@settings(max_examples=30, deadline=None)
@given(small, small)
def test_two_kernels_share_one_program(first, second):
    program = compile_kernels(first, second)
    assert (weights_of(program, 0), weights_of(program, 1)) == (of(first), of(second))


@settings(max_examples=100, deadline=None)
@given(small, st.tuples(st.integers(0, 2), st.integers(1, 3)), st.sampled_from([1, -1]))
def test_a_product_is_divided_exactly(kernel, shift, sign):
    polynomial = of(kernel)
    if polynomial:
        product = dict(polynomial)
        for (y, x), weight in polynomial.items():
            place = y + shift[0], x + shift[1]
            product[place] = product.get(place, 0) + sign * weight
        assert divide({place: weight for place, weight in product.items() if weight}, shift, sign) == polynomial


BINOMIAL = np.array([1, 4, 6, 4, 1])


@pytest.mark.parametrize(
    ("kernel", "steps"),
    [
        (np.outer([1, 2, 1], [-1, 0, 1]), 3),
        (np.outer([3, 10, 3], [-1, 0, 1]), 5),
        (np.array([[0, -1, 0], [-1, 5, -1], [0, -1, 0]]), 4),
        (np.array([[-1, -1, -1], [-1, 8, -1], [-1, -1, -1]]), 6),
        (np.ones((3, 3), int), 4),
        (np.ones((7, 7), int), 8),
        (np.ones((21, 21), int), 12),
        (np.outer(BINOMIAL, BINOMIAL), 8),
        (np.eye(9, dtype=int), 4),
    ],
)
def test_programs_are_short(kernel, steps):
    program = compile_kernels(kernel)
    assert weights_of(program) == of(kernel)
    assert len(program.ops) <= steps
