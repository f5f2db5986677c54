"""What expressions are worth: in one cell of a sweep, over all of them, and whether an expectation holds."""

from __future__ import annotations

import math
import operator
from itertools import groupby, pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

from dlmath.errors import nearest
from dlmath.language.expressions import Binary, Call, Compare, Items, Literal, Over, Path, Signed, walk
from dlmath.language.functions import FUNCTIONS, MONOTONE, ExpressionError, mean, natural, truth

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from dlmath.language.expressions import Expectation, Node

INFINITE = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}
"""How JSON-like results write the numbers that JSON lacks."""
LARGEST_POWER = 4096
"""Bits that a whole power may have."""


class NoCellError(ExpressionError):
    """A `where` that leaves no cell: anything would hold for them, so it is a mistake."""


class Cell(NamedTuple):
    """One cell of a sweep.

    Parameters
    ----------
    settings : mapping
        What the experiment set, fixed and swept, and the names of its cases.
    result : mapping or None
        What the command found out; None when it failed, and every value in it is then null.
    point : tuple of int
        The place along each axis; repeats share it.
    """

    settings: Mapping[str, Any]
    result: Mapping[str, Any] | None
    point: tuple[int, ...] = ()


class Sweep(NamedTuple):
    """All cells, in the order of the plan, and the names of each axis (several when they are zipped)."""

    cells: Sequence[Cell]
    axes: Sequence[Sequence[str]] = ()


class Scope(NamedTuple):
    """Where names are looked up: in one cell (None: over the sweep alone), its result or its settings first."""

    sweep: Sweep
    cell: Cell | None
    settings_first: bool = False


class Judgement(NamedTuple):
    """Whether an expectation holds, the value that says so, the cells it is about and which of them break it."""

    holds: bool
    value: Any
    chosen: Sequence[Cell]
    failing: tuple[int, ...]

    @property
    def cells(self) -> int:
        """How many cells it is about."""
        return len(self.chosen)


def arithmetic(symbol: str) -> Callable[[Any, Any], Any]:
    """Return the function of an arithmetic sign."""
    table: dict[str, Callable[[Any, Any], Any]] = {
        "+": operator.add,
        "-": operator.sub,
        "*": operator.mul,
        "/": operator.truediv,
        "//": operator.floordiv,
        "%": operator.mod,
        "^": power,
    }
    return table[symbol]


def power(base: Any, exponent: Any) -> Any:
    """Return a power; whole ones stay exact as long as they are of a size to look at."""
    if isinstance(base, int) and isinstance(exponent, int) and exponent >= 0:
        if base.bit_length() * exponent > LARGEST_POWER:
            raise OverflowError("the power is too large")
        return base**exponent
    return float(base) ** float(exponent)


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
    tests = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}
    return bool(tests[symbol](left, right))


def comparable(value: Any) -> Any:
    """Return a value whose lists are of one kind."""
    return [comparable(item) for item in value] if isinstance(value, list | tuple) else value


def evaluate(node: Node, scope: Scope) -> Any:
    """Return the value of a node.

    Raises
    ------
    ExpressionError
        When a path is not there (with the nearest that is), or values do not fit an operator.
    """
    match node:
        case Literal():
            return node.value
        case Items():
            return [evaluate(item, scope) for item in node.items]
        case Path():
            return look_up(node, scope)
        case Over():
            return guarded(node.position, lambda: over(node, scope))
        case Call():
            values = [evaluate(argument, scope) for argument in node.arguments]
            return guarded(node.position, lambda: FUNCTIONS[node.function].call(*values))
        case Compare():
            return compare(node, scope)
        case Signed():
            return signed(node, scope)
        case Binary():
            return binary(node, scope)


def guarded(position: int, compute: Callable[[], Any]) -> Any:
    """Return what is computed; what goes wrong is told with its position."""
    try:
        return compute()
    except ExpressionError as error:
        error.position = error.position or position
        raise
    except (TypeError, ValueError, ArithmeticError) as error:
        raise ExpressionError(f"it has no value: {error}", "mend the expression", position) from None


def compare(node: Compare, scope: Scope) -> bool:
    """Return whether every neighbouring pair compares as its sign says."""
    values = [evaluate(operand, scope) for operand in node.operands]
    pairs = list(zip(node.operators, pairwise(values), strict=True))
    return bool(guarded(node.position, lambda: all(holds_between(symbol, *pair) for symbol, pair in pairs)))


def signed(node: Signed, scope: Scope) -> Any:
    """Return `-x` or `not x`."""
    value = evaluate(node.operand, scope)
    if node.operator == "not":
        return not guarded(node.position, lambda: truth(value))
    return None if value is None else guarded(node.position, lambda: -value)


def binary(node: Binary, scope: Scope) -> Any:
    """Return `and`, `or` (the right side is looked at only when it matters) or an arithmetic value."""
    left = evaluate(node.left, scope)
    if node.operator in {"and", "or"}:
        if guarded(node.position, lambda: truth(left)) is (node.operator == "or"):
            return node.operator == "or"
        return guarded(node.position, lambda: truth(evaluate(node.right, scope)))
    right = evaluate(node.right, scope)
    if left is None or right is None:
        return None
    return guarded(node.position, lambda: arithmetic(node.operator)(natural(left), natural(right)))


# --- paths ------------------------------------------------------------------------------------------------------------


def look_up(node: Path, scope: Scope) -> Any:
    """Return the value at a path: in a test the result comes first, in `where` the settings do.

    `settings.epochs` and `result.epochs` say which is meant.
    """
    if scope.cell is None:
        what = f"{'.'.join(node.steps)} has a value in each cell, not over the sweep"
        raise ExpressionError(what, f"say which, as in max[{node.steps[0]}]", node.position)
    first, rest = node.steps[0], node.steps[1:]
    settings, result = scope.cell.settings, scope.cell.result
    if first in {"settings", "result"} and first not in (result or {}):
        return descend(settings if first == "settings" else result, rest, node)
    if scope.settings_first and first in settings:
        return descend(settings[first], rest, node)
    if result is None:
        return descend(settings[first], rest, node) if first in settings else None
    if first in result:
        return descend(result[first], rest, node)
    if first in settings:
        return descend(settings[first], rest, node)
    raise missing(first, node, [*result, *settings])


def descend(value: Any, steps: Sequence[str], node: Path) -> Any:
    """Follow the steps of a path; below null everything is null."""
    if not steps:
        return INFINITE.get(value, value) if isinstance(value, str) else value
    step, rest = steps[0], steps[1:]
    if value is None:
        return None
    if isinstance(value, list | tuple):
        return descend_list(value, step, rest, node)
    if not hasattr(value, "keys"):
        what = f"{'.'.join(node.steps)}: nothing lies below {value!r}, where {step!r} is looked for"
        raise ExpressionError(what, "shorten the path", node.position)
    if step == "*":
        return [descend(item, rest, node) for item in value.values()]
    if step not in value:
        raise missing(step, node, list(value))
    return descend(value[step], rest, node)


def descend_list(value: Sequence[Any], step: str, rest: Sequence[str], node: Path) -> Any:
    """Follow a path into a list: one item, or `*` for all."""
    if step == "*":
        return [descend(item, rest, node) for item in value]
    if not step.lstrip("-").isdigit() or not -len(value) <= int(step) < len(value):
        allowed = f"0 to {len(value) - 1}, or * for all" if value else "nothing: the list is empty"
        what = f"{'.'.join(node.steps)}: the list has no item {step!r}"
        raise ExpressionError(what, f"allowed: {allowed}", node.position)
    return descend(value[int(step)], rest, node)


def missing(step: str, node: Path, names: Sequence[str]) -> ExpressionError:
    """Return the error for a name that is not there."""
    close = nearest(step, names)
    there = "there are: " + ", ".join(dict.fromkeys(names))
    path = ".".join(node.steps)
    what = f"the result has no {step!r}" + (f" (of {path})" if path != step else "")
    return ExpressionError(what, f"did you mean {close!r}? ({there})" if close else there, node.position)


# --- over the sweep -----------------------------------------------------------------------------------------------


def over(node: Over, scope: Scope) -> Any:
    """Return a function of a value in every cell that is meant."""
    function = FUNCTIONS[node.function].call
    chosen = selected(scope.sweep, node.where, node.position)
    if node.function in MONOTONE:
        groups = along(node, chosen, scope.sweep)
        found = [function(values) for values in groups]
        return None if None in found else all(found)
    values = [evaluate(node.value, Scope(scope.sweep, cell)) for cell in chosen]
    return len(values) if node.function == "len" else function(values)


def selected(sweep: Sweep, where: Node | None, position: int) -> list[Cell]:
    """Return the cells for which a test holds; none at all is a mistake, since anything would hold for them."""
    if where is None:
        return list(sweep.cells)
    chosen = [cell for cell in sweep.cells if truth(evaluate(where, Scope(sweep, cell, settings_first=True)))]
    if not chosen:
        raise NoCellError("no cell is left by `where`", "compare with a value that the sweep has", position)
    return chosen


def along(node: Over, cells: Sequence[Cell], sweep: Sweep) -> list[list[Any]]:
    """Return a value along an axis, one list for each place on the other axes; repeats are averaged."""
    axis = axis_of(node, sweep)

    def others(cell: Cell) -> tuple[int, ...]:
        return cell.point[:axis] + cell.point[axis + 1 :]

    def place(cell: Cell) -> int:
        return cell.point[axis]

    lines = []
    for _, line in groupby(sorted(cells, key=lambda cell: (others(cell), place(cell))), key=others):
        repeats = [list(same) for _, same in groupby(line, key=place)]
        lines.append([averaged([evaluate(node.value, Scope(sweep, cell)) for cell in same]) for same in repeats])
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


# --- expectations -----------------------------------------------------------------------------------------------------


def judge(tree: Expectation, sweep: Sweep) -> Judgement:
    """Tell whether an expectation holds: in every cell that is meant, or over the sweep.

    The value is the side of the comparison that was measured; of many cells, the one nearest to breaking it or
    breaking it most.
    """
    sweep = sweep._replace(cells=selected(sweep, tree.where, 0))
    if is_over_sweep(tree.test):
        scope = Scope(sweep, None)
        holds = truth(evaluate(tree.test, scope))
        return Judgement(holds, measured(tree.test, scope), sweep.cells, ())
    verdicts = [truth(evaluate(tree.test, Scope(sweep, cell))) for cell in sweep.cells]
    values = [measured(tree.test, Scope(sweep, cell)) for cell in sweep.cells]
    failing = tuple(index for index, verdict in enumerate(verdicts) if not verdict)
    return Judgement(not failing, telling(tree.test, values, failing), sweep.cells, failing)


def values_of(tree: Expectation, sweep: Sweep) -> Any:
    """Return what an expression is worth: over the sweep one value, else a list with one value a cell."""
    sweep = sweep._replace(cells=selected(sweep, tree.where, 0))
    if is_over_sweep(tree.test):
        return evaluate(tree.test, Scope(sweep, None))
    return [evaluate(tree.test, Scope(sweep, cell)) for cell in sweep.cells]


def probe(tree: Expectation, cell: Cell, sweep: Sweep) -> None:
    """Look at every path of an expectation in one cell, so that one that is missing is told at the first result."""
    scope = Scope(sweep._replace(cells=[cell]), cell)
    if tree.where is not None and not truth(evaluate(tree.where, scope._replace(settings_first=True))):
        return
    overs = [node for node in walk(tree.test) if isinstance(node, Over)]
    for node in overs:
        chosen = node.where is None or truth(evaluate(node.where, scope._replace(settings_first=True)))
        if chosen:
            evaluate(node.value, scope)
    if not overs:
        evaluate(tree.test, scope)


def is_over_sweep(node: Node) -> bool:
    """Tell whether a test is about the sweep: it has f[...] and no path of a single cell."""
    found = list(walk(node))
    return any(isinstance(part, Over) for part in found) and not any(isinstance(part, Path) for part in found)


def measured(test: Node, scope: Scope) -> Any:
    """Return the side of a comparison that was measured: of three the middle one, of two the first that is no constant.

    Of near(a, b, tolerance) it is a, of a function over an axis the values along it; of anything else the test itself.
    """
    match test:
        case Compare():
            return evaluate(measured_operand(test), scope)
        case Call(function="near"):
            return evaluate(test.arguments[0], scope)
        case Over() if test.function in MONOTONE:
            lines = along(test, selected(scope.sweep, test.where, test.position), scope.sweep)
            return lines[0] if len(lines) == 1 else lines
        case _:
            return evaluate(test, scope)


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
