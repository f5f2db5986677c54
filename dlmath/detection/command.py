"""`dlmath boxes`: which of its operations is wanted."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from dlmath.detection.operations import LIKE, OPERATIONS, Operation
from dlmath.detection.words import Words, results
from dlmath.errors import InvalidValueError, unknown
from dlmath.frame.checks import refuse
from dlmath.frame.command import Command

if TYPE_CHECKING:
    from dlmath.frame.outcome import Outcome
    from dlmath.frame.output import Output

FREE = ("operation", "inputs")
"""Fields that every operation has."""


def operation_of(words: Words) -> Operation:
    """Return the operation that is named.

    Raises
    ------
    InvalidValueError
        With the nearest name.
    """
    if words.operation is None:
        raise InvalidValueError("no operation is named", f"name one of {', '.join(OPERATIONS)}")
    name = words.operation.lower().replace("_", "-")
    if name not in OPERATIONS:
        raise unknown("operation", words.operation, OPERATIONS)
    return OPERATIONS[name]


def check_together(words: Words, output: Output) -> Operation:
    """Refuse options without effect, too few or too many arguments, standard input twice."""
    operation = operation_of(words)
    strangers = words.given(but=(*FREE, *operation.fields))
    refuse({option: str(value) for option, value in strangers.items()}, f"with {operation.name}")
    inputs = words.inputs or []
    if words.like is not None and operation.name not in LIKE[words.like]:
        has = ", ".join(name for name, known in LIKE.items() if operation.name in known)
        raise InvalidValueError(f"--like {words.like}: {words.like} has no {operation.name}", f"there are: {has}")
    if not operation.least <= len(inputs) <= len(operation.arguments):
        wanted = f"dlmath boxes {operation.name} {' '.join(operation.arguments)}".rstrip()
        raise InvalidValueError(f"{operation.name} with {len(inputs)} inputs", f"the call is: {wanted}")
    if inputs.count("-") + (words.scores == "-") > 1:
        raise InvalidValueError("standard input is named twice", "give one of the inputs as a file")
    if words.at is not None and not (output.explain or output.plot):
        refuse({"--at": words.at}, "without --explain or --plot")
    if words.picture is not None and not output.plot:
        refuse({"--picture": words.picture}, "without --plot")
    return operation


def module_of(operation: Operation) -> Any:
    """Return the module that carries an operation out."""
    return import_module(f"dlmath.detection.{operation.module}")


def check(words: Words, output: Output) -> None:
    """Refuse, before any work, what the wanted operation would refuse."""
    operation = check_together(words, output)
    module_of(operation).check(spelled(words, operation), output)


def run(words: Words, output: Output) -> Outcome:
    """Carry the operation out."""
    operation = operation_of(words)
    outcome: Outcome = module_of(operation).run(spelled(words, operation), output)
    return outcome


def spelled(words: Words, operation: Operation) -> Words:
    """Return the words with the operation's name in its own spelling; the same record where it is."""
    return words if words.operation == operation.name else words.replace(operation=operation.name)


COMMAND = Command(
    name="boxes",
    words=Words,
    about="""The mathematics of R-CNN, Fast R-CNN and Faster R-CNN: boxes, number by number.

    Boxes are corners x1 y1 x2 y2 and continuous: a box from 2 to 5 is 3 wide. --inclusive counts pixels instead. What
    libraries do differently, --like does as they do.""",
    examples=(
        ('boxes iou "0 0 10 10" "2 2 12 14" --explain', "the overlap worked out"),
        ('boxes encode "0 0 10 10" "2 2 12 14"', "a truth in units of its proposal"),
        ('boxes decode "0 0 10 10" "0.2 0.3 0 0.18"', "and back"),
        ('boxes nms "0 0 10 10 .9; 1 1 11 11 .8; 30 30 40 40 .7"', "which boxes stay"),
        ("boxes anchors --image 1000x600 --like py-faster-rcnn", "Faster R-CNN's 20,646"),
        ('boxes match "0 0 10 10; 0 0 10 5" "0 0 10 10"', "what anchors are taught"),
        ('boxes roi-pool "0 1 2; 3 4 5; 6 7 8" "0 0 2 2" --output 2x2', "a region's bins"),
        ('boxes roi-align "0 1 2; 3 4 5; 6 7 8" "0 0 2 2" --output 2x2 --explain', "its sampled points"),
        (
            "boxes average-precision example:padilla-detections.csv example:padilla-truths.csv --iou coco",
            "COCO's figures of a worked case",
        ),
        ("boxes regress --picture-demo 200 --rounds 2", "box regression learned"),
        ("boxes cost", "three designs beside each other"),
    ),
    check=check,
    run=run,
    results=results,
)
