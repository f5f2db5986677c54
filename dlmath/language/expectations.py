"""What expressions are worth: in one cell of a sweep, over all of them, and whether an expectation holds."""

from __future__ import annotations

import operator
from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple

from dlmath.language.cells import Cell, Known, Paths
from dlmath.language.errors import ExpressionError, NoCellError
from dlmath.language.functions import FUNCTIONS, mean, natural, truth
from dlmath.language.meaning import Semantics, calculated, meaning, placed
from dlmath.language.tree import Call, Compare, Over, Path, walk

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from dlmath.language.cells import AnyCell
    from dlmath.language.meaning import Meaning
    from dlmath.language.tree import Expectation, Node

__all__ = ["Cell", "Known", "NoCellError", "Paths", "Scope", "Sweep", "evaluate", "judge", "values_of"]


class Sweep(NamedTuple):
    """All cells, in the order of the plan, and the names of each axis (several when they are zipped).

    `labels` are what places on an axis are called: labels[axis][index].
    """

    cells: Sequence[AnyCell]
    axes: Sequence[Sequence[str]] = ()
    labels: Sequence[Sequence[Any]] = ()


class Scope(NamedTuple):
    """Where names are looked up: in one cell (None: over the sweep alone), its result or its settings first."""

    sweep: Sweep
    cell: AnyCell | None
    settings_first: bool = False


class Judgement(NamedTuple):
    """Whether an expectation holds, the value that says so, the cells it is about and which of them break it.

    `errors` are of the cells in which it has no value, by their numbers among the chosen.
    """

    holds: bool
    value: Any
    chosen: Sequence[AnyCell]
    failing: tuple[int, ...]
    errors: Mapping[int, ExpressionError]

    @property
    def cells(self) -> int:
        """How many cells it is about."""
        return len(self.chosen)


# --- what the dialect takes values for --------------------------------------------------------------------------------


def arithmetic(symbol: str, left: Any, right: Any) -> Any:
    """Return the value of an operator; what has no value gives none, and words that are numbers are numbers."""
    if left is None or right is None:
        return None
    return calculated(symbol, natural(left), natural(right))


TESTS: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def holds_between(symbol: str, left: Any, right: Any) -> bool:
    """Compare two values; null is equal to null alone, and neither less nor greater than anything."""
    if symbol == "in":
        return any(holds_between("==", left, item) for item in right)
    if isinstance(left, str) is not isinstance(right, str):
        left, right = natural(left), natural(right)
    if symbol in {"==", "!="}:
        return (comparable(left) == comparable(right)) is (symbol == "==")
    if left is None or right is None:
        return False
    return bool(TESTS[symbol](left, right))


def comparable(value: Any) -> Any:
    """Return a value whose lists are of one kind."""
    return [comparable(item) for item in value] if isinstance(value, list | tuple) else value


def looked_at(node: Path) -> Meaning:
    """Return the meaning of a path: its value in the cell."""

    def value(scope: Scope) -> Any:
        if scope.cell is None:
            what = f"{node.text} has a value in each cell, not over the sweep"
            raise ExpressionError(what, f"say which, as in max[{node.steps[0]}]", node.position)
        return scope.cell.at(node, settings_first=scope.settings_first)

    return value


# --- over the sweep -----------------------------------------------------------------------------------------------


def over(node: Over) -> Meaning:
    """Return the meaning of f[...]: a function of a value in every cell that is meant."""
    memory: list[tuple[Sweep, Any]] = []  # the same for every cell of a sweep: worked out once, not once a cell

    def value(scope: Scope) -> Any:
        if not memory or memory[-1][0] is not scope.sweep:
            memory[:] = [(scope.sweep, over_cells(node, scope.sweep))]
        return memory[-1][1]

    return value


def over_cells(node: Over, sweep: Sweep) -> Any:
    """Return a function of a value in every cell that is meant."""
    function = FUNCTIONS[node.function]
    chosen = selected(sweep, node.where, node.position)
    try:
        if function.directed:
            return directed(node, chosen, sweep)
        values = in_cells(node.value, chosen, sweep)
        constants = [evaluate(part, Scope(sweep, None)) for part in node.rest]
        return len(values) if node.function == "len" else function.call(values, *constants)
    except (TypeError, ValueError, ArithmeticError, ExpressionError) as error:
        raise placed(error, node.position) from None


def in_cells(node: Node, cells: Sequence[AnyCell], sweep: Sweep) -> list[Any]:
    """Return a value in every cell; an error says in which there is none."""
    return [each(made, cell, sweep) for made in [meaning(node, SEMANTICS)] for cell in cells]


def each(made: Meaning, cell: AnyCell, sweep: Sweep) -> Any:
    """Return a value in one cell; an error knows the cell."""
    try:
        return made(Scope(sweep, cell))
    except ExpressionError as error:
        error.cell = error.cell or cell
        raise


def directed(node: Over, chosen: Sequence[AnyCell], sweep: Sweep) -> Any:
    """Return what a function gives along an axis, for every place on the others together."""
    function, axis = FUNCTIONS[node.function], axis_of(node, sweep)
    lines = along(node, chosen, sweep)
    found = [function.call(list(line.values())) for line in lines]
    if not function.places:
        return None if None in found else all(found)
    places = [
        None if at is None else label_of(sweep, axis, list(line)[at]) for line, at in zip(lines, found, strict=True)
    ]
    return places[0] if len(places) == 1 else places


def label_of(sweep: Sweep, axis: int, index: int) -> Any:
    """Return what a place on an axis is called; without a name, its number."""
    return natural(sweep.labels[axis][index]) if sweep.labels else index


def selected(sweep: Sweep, where: Node | None, position: int) -> list[AnyCell]:
    """Return the cells for which a test holds; none at all is a mistake, since anything would hold for them."""
    if where is None:
        return list(sweep.cells)
    made = meaning(where, SEMANTICS)
    chosen = [cell for cell in sweep.cells if is_meant(made, cell, sweep)]
    if not chosen:
        raise NoCellError("no cell is left by `where`", "compare with a value that the sweep has", position)
    return chosen


def is_meant(where: Meaning, cell: AnyCell, sweep: Sweep) -> bool:
    """Tell whether a `where` holds in a cell, its settings first."""
    try:
        return truth(where(Scope(sweep, cell, settings_first=True)))
    except ExpressionError as error:
        error.cell = error.cell or cell
        raise


def along(node: Over, cells: Sequence[AnyCell], sweep: Sweep) -> list[dict[int, Any]]:
    """Return a value along an axis, {place: value} for each place on the other axes; repeats are averaged."""
    axis = axis_of(node, sweep)
    made = meaning(node.value, SEMANTICS)

    def others(cell: AnyCell) -> tuple[int, ...]:
        return cell.point[:axis] + cell.point[axis + 1 :]

    def place(cell: AnyCell) -> int:
        return cell.point[axis]

    lines = []
    for _, line in groupby(sorted(cells, key=lambda cell: (others(cell), place(cell))), key=others):
        repeats = [(at, list(same)) for at, same in groupby(line, key=place)]
        lines.append({at: averaged([each(made, cell, sweep) for cell in same]) for at, same in repeats})
    return lines


def averaged(values: list[Any]) -> Any:
    """Return the mean over repeats; a single value stays as it is."""
    if len(values) == 1:
        return values[0]
    return None if None in values else mean(values)


def axis_of(node: Over, sweep: Sweep) -> int:
    """Return which axis is meant."""
    names = [name for axis in sweep.axes for name in axis]
    if node.along is None:
        if len(sweep.axes) == 1:
            return 0
        what = f"{node.function}[...] does not say along which axis"
        raise ExpressionError(what, f"add `along` one of: {', '.join(names) or 'none is swept'}", node.position)
    for index, axis in enumerate(sweep.axes):
        if node.along in axis:
            return index
    swept = ", ".join(names) or "none"
    raise ExpressionError(f"no axis is called {node.along!r}", f"swept are: {swept}", node.position)


SEMANTICS = Semantics(FUNCTIONS, looked_at, over, arithmetic, holds_between, truth)


def evaluate(node: Node, scope: Scope) -> Any:
    """Return the value of a node.

    Raises
    ------
    ExpressionError
        When a path is not there (with the nearest that is), or values do not fit an operator.
    """
    return meaning(node, SEMANTICS)(scope)


# --- expectations -----------------------------------------------------------------------------------------------------


def judge(tree: Expectation, sweep: Sweep) -> Judgement:
    """Tell whether an expectation holds: in every cell that is meant, or over the sweep.

    The value is the side of the comparison that was measured; of many cells, the one nearest to breaking it or
    breaking it most. A cell in which it has no value breaks it.
    """
    sweep = sweep._replace(cells=selected(sweep, tree.where, 0))
    if is_over_sweep(tree.test):
        scope = Scope(sweep, None)
        holds = truth(evaluate(tree.test, scope))
        return Judgement(holds, measured(tree.test)(scope), sweep.cells, (), {})
    test, side = meaning(tree.test, SEMANTICS), measured(tree.test)
    found = [in_cell(test, side, Scope(sweep, cell)) for cell in sweep.cells]
    failing = tuple(index for index, (verdict, _) in enumerate(found) if verdict is not True)
    errors = {index: verdict for index, (verdict, _) in enumerate(found) if isinstance(verdict, ExpressionError)}
    value = telling(tree.test, [value for _, value in found], failing)
    return Judgement(not failing, value, sweep.cells, failing, errors)


def in_cell(test: Meaning, side: Meaning, scope: Scope) -> tuple[bool | ExpressionError, Any]:
    """Return whether a test holds in a cell, or why that cannot be said, and the value that was measured."""
    try:
        return truth(test(scope)), side(scope)
    except ExpressionError as error:
        return error, None


def values_of(tree: Expectation, sweep: Sweep) -> Any:
    """Return what an expression is worth: over the sweep one value, else a list with one value a cell."""
    sweep = sweep._replace(cells=selected(sweep, tree.where, 0))
    if is_over_sweep(tree.test):
        return evaluate(tree.test, Scope(sweep, None))
    return in_cells(tree.test, sweep.cells, sweep)


def is_over_sweep(node: Node) -> bool:
    """Tell whether a test is about the sweep: it has f[...] and no path of a single cell."""
    found = list(walk(node))
    return any(isinstance(part, Over) for part in found) and not any(isinstance(part, Path) for part in found)


def measured(test: Node) -> Meaning:
    """Return the meaning of the side of a comparison that was measured: of three the middle, of two what varies.

    Of near(a, b, tolerance) it is a, of a function along an axis the values there; of anything else the test itself.
    """
    match test:
        case Compare():
            return meaning(measured_operand(test), SEMANTICS)
        case Call(function="near"):
            return meaning(test.arguments[0], SEMANTICS)
        case Over() if FUNCTIONS[test.function].directed and not FUNCTIONS[test.function].places:
            return lambda scope: values_along(test, scope.sweep)
        case _:
            return meaning(test, SEMANTICS)


def values_along(node: Over, sweep: Sweep) -> list[Any]:
    """Return the values along an axis, of each place on the others."""
    lines = [list(line.values()) for line in along(node, selected(sweep, node.where, node.position), sweep)]
    return lines[0] if len(lines) == 1 else lines


def measured_operand(test: Compare) -> Node:
    """Return the operand that was measured."""
    if len(test.operands) == 3:
        return test.operands[1]
    varying = (operand for operand in test.operands if any(isinstance(part, Path | Over) for part in walk(operand)))
    return next(varying, test.operands[0])


def telling(test: Node, values: list[Any], failing: tuple[int, ...]) -> Any:
    """Return the value that tells most: the least where more is expected, the greatest where less is, or the first."""
    plain = all(isinstance(value, int | float) for value in values)
    if isinstance(test, Compare) and plain and len(test.operators) == 1:
        first = measured_operand(test) is test.operands[0]
        if test.operators[0] in {"<", "<=", ">", ">="}:
            return max(values) if test.operators[0].startswith("<") is first else min(values)
    return values[failing[0]] if failing else values[0]
