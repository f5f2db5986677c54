"""Whole networks for `dlmath param-count`: from the zoo, or from a model file by its ending."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dlmath.counting import zoo
from dlmath.counting.engine.language import parse_reference
from dlmath.counting.engine.shapes import parse_shape
from dlmath.files.examples import PREFIX, is_example, path_of
from dlmath.frame.checks import refuse
from dlmath.frame.outcome import Outcome
from dlmath.report.blocks import Table

if TYPE_CHECKING:
    from dlmath.counting.engine.graph import Network
    from dlmath.counting.engine.language import Reference
    from dlmath.counting.words import Words
    from dlmath.frame.output import Output

YAML = (".yaml", ".yml", ".json")


def reference_of(model: str) -> Reference:
    """Return a model's name taken apart; the colon of `example:NAME` does not begin a variant."""
    if not is_example(model):
        return parse_reference(model)
    reference = parse_reference(model.removeprefix(PREFIX))
    return reference._replace(name=PREFIX + reference.name)


def load_model(model: str, input_shape: str | None) -> Network:
    """Return the network that a name or a file means."""
    shape = None if input_shape is None else parse_shape(input_shape)
    reference = reference_of(model)
    ending = "." + str(path_of(reference.name)).rpartition(".")[2].lower()
    if ending == ".keras":
        from dlmath.counting.models.keras import read_keras

        return read_keras(model, () if shape is None else (shape,))
    if ending == ".onnx":
        from dlmath.counting.models.onnx import read_onnx

        return read_onnx(model, () if shape is None else (shape,))
    if ending in YAML or reference.name == "-" or (zoo.find(reference.name) is None and "/" in reference.name):
        from dlmath.counting.models.architecture import read_architecture

        return read_architecture(reference, shape)
    return zoo.load(reference, shape)


def check_listing(words: Words, output: Output) -> None:
    """Refuse options that a list has no use for."""
    given = {
        "LAYER": words.layers or None,
        "--conv": words.conv or None,
        "--model": words.model,
        "--compare": words.compare or None,
        "--input": words.input_shape,
        "--check": words.check or None,
        "--plot": output.plot,
        "--explain": output.explain,
        "--reconcile": words.reconcile,
        "--convention": words.convention,
    }
    refuse(given, "with --list-models")


def list_models(_words: Words, output: Output) -> Outcome:
    """Name every network of the zoo, with what it may be given and its source."""
    entries = zoo.entries()
    rows = tuple((e.name, e.about, " ".join(f"{k}={v}" for k, v in e.settings.items()), e.source) for e in entries)
    table = Table(("model", "about", "settings", "source"), rows, title="The zoo")
    return Outcome(
        command="param-count",
        settings={"list_models": True, **output.settings()},
        result={"models": [entry._asdict() for entry in entries]},
        table=table,
        blocks=lambda: (table,),
    )
