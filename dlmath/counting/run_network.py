"""`dlmath param-count`: layers and networks counted, and what is set beside them; no array library, no framework."""

from __future__ import annotations

from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, NamedTuple

from dlmath.counting.engine.count import NetworkCount, count
from dlmath.counting.engine.open_sizes import OPEN
from dlmath.counting.engine.shapes import parse_shape
from dlmath.counting.engine.words import chain_rows, parse_chain, split_row
from dlmath.counting.report import results, tables
from dlmath.counting.traps import trap_notes
from dlmath.errors import InvalidValueError, nearest
from dlmath.frame.checks import refuse
from dlmath.frame.outcome import Lazy, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dlmath.counting.engine.checks import Verdict
    from dlmath.counting.engine.conventions import Reading
    from dlmath.counting.engine.graph import Network, Shape
    from dlmath.counting.engine.solve import Solution
    from dlmath.counting.words import Words
    from dlmath.frame.output import Output
    from dlmath.report.blocks import Block

ONE_PIXEL: Shape = (1, 1, 1)
"""What a convolution is counted on when no input is given: one position of one channel."""


class Counted(NamedTuple):
    """A network, its count, and how its memory is reckoned."""

    network: Network
    counts: NetworkCount
    one_channel: bool = False

    def called(self, name: str) -> Counted:
        """Return the same under another name, so that two settings of one model can be told apart."""
        network = self.network._replace(name=name)
        return self._replace(network=network, counts=self.counts._replace(network=network))


def check_network(words: Words, output: Output) -> None:
    """Refuse, before any file is opened, what does not go together."""
    if words.convention is not None and words.reconcile:
        raise InvalidValueError("--reconcile prints every convention, --convention one", "give one of them")
    chain = bool(words.layers or words.conv)
    if words.model is not None and chain:
        raise InvalidValueError("--model names a whole network, and layers are given too", "give one of them")
    if words.model is not None and not words.compare:
        refuse({"--padding": words.padding}, "with --model, whose layers say theirs")
    if words.code is not None:
        from dlmath.counting.run_code import check_code

        check_code(words, output)
    if words.model is None and not chain:
        raise InvalidValueError("nothing to count is named", "give layers (conv:3x3x64 relu), --conv or --model")
    if words.model is None:
        check_layers(words)
        refuse({"--auxiliary": words.auxiliary}, "without --model")
    if not names_files(words):
        prepared(words)  # models that are counted here are remembered; files are read when the work begins


def names_files(words: Words) -> bool:
    """Return whether a file is counted, or set beside what is counted."""
    named = [name for name in (words.model, *(words.compare or ())) if name]
    if not named:
        return False
    from dlmath.counting.models.choosing import is_file

    return any(map(is_file, named))


def check_layers(words: Words) -> None:
    """Refuse the name of a model where layers are named, and more inputs than a chain has."""
    rows = chain_rows(words.layers or ())
    if len(rows) == 1 and not words.conv and not is_kind(rows[0]) and is_model(rows[0]):
        raise InvalidValueError(f"{rows[0][:60]!r} is a model, and no layer", f"write --model {rows[0][:60]}")
    if words.input_shape is not None and (len(words.input_shape) > 1 or "=" in words.input_shape[0]):
        raise InvalidValueError("a chain of layers has one input", "give --input once, without a name")


def run_network(words: Words, output: Output) -> Outcome:
    """Count what is named, and what is set beside it."""
    ready = prepared(words)
    made = outcome(ready.main, ready.others, ready.words, output, ready.solution)
    if ready.text is None:
        return made
    if output.get is None and output.format != "json":
        output.streams.out.write(ready.text)
        return made._replace(printed=False)
    return made._replace(result={**made.result, "code": ready.text})


class PreparedCount(NamedTuple):
    """All that can be refused, done: networks counted, checks and limits read, the program written."""

    words: Words
    main: Counted
    others: list[Counted]
    solution: Solution | None
    text: str | None


def prepared(words: Words) -> PreparedCount:
    """Count what is named and what is set beside it, and write the program where one is wanted."""
    solution = None
    if words.solve is not None:
        words, solution = solved(words)
    main = counted(words, words.layers or (), words.conv or ())
    others = [alternative(spec, main, words) for spec in words.compare or ()]
    checked(main.counts, words.check or ())
    return PreparedCount(words, main, others, solution, written(main.counts, words))


def written(counts: NetworkCount, words: Words) -> str | None:
    """Return the program of --code, where it is wanted."""
    if words.code is None:
        return None
    from dlmath.counting.run_code import program

    return program(counts, words)


def solved(words: Words) -> tuple[Words, Solution]:
    """Return the words with the number that --solve finds in place of every ?, and what it found."""
    from dlmath.counting.engine.solve import filled, parse_limit, solve

    assert words.solve is not None
    limit = parse_limit(words.solve)
    if words.model is not None or not any("?" in word for word in (*(words.layers or ()), *(words.conv or ()))):
        raise InvalidValueError("--solve looks for a number, and no layer has a ?", "write conv:3x3x? for one")

    def value(number: int) -> int:
        made = counted(words, filled(words.layers or (), number), filled(words.conv or (), number)).counts
        return made.total(limit.quantity) if made.is_whole(limit.quantity) else OPEN

    solution = solve(limit, value)
    number = solution.number
    return words.replace(layers=filled(words.layers or (), number), conv=filled(words.conv or (), number)), solution


def counted(words: Words, layers: Sequence[str], convolutions: Sequence[str]) -> Counted:
    """Count the network or the chain that was named."""
    if words.model is not None:
        return counted_model(words.model, tuple(words.input_shape or ()), words.auxiliary)
    rows = [*(f"conv:{word}" for word in convolutions), *chain_rows(layers)]
    given = words.input_shape is not None
    shape = parse_shape(words.input_shape[0]) if words.input_shape else guessed_shape(rows)
    network = parse_chain(rows, shape, words.padding or "same", name=" ".join(rows))
    return Counted(network, count(network), one_channel=not given)


@lru_cache(maxsize=8)
def counted_model(model: str, inputs: tuple[str, ...], auxiliary: str | None) -> Counted:
    """Count a model; it is counted when the request is checked, and not again when it is carried out."""
    from dlmath.counting.models.choosing import load_model

    network = load_model(model, inputs)
    return Counted(network, count(network, auxiliary))


def guessed_shape(rows: Sequence[str]) -> Shape:
    """Return the input of layers that are counted without one: a single position of a single channel.

    Only a convolution is known by what it holds per input channel; every other first layer needs an input.
    """
    if not rows:
        raise InvalidValueError("nothing to count is named", "give layers (conv:3x3x64 relu), --conv or --model")
    if split_row(rows[0]).word.lower() not in {"conv", "conv2d"}:
        raise InvalidValueError(f"{rows[0][:60]}: the input is not known", "give --input, as 112x112x64 or 784")
    return ONE_PIXEL


def alternative(spec: str, main: Counted, words: Words) -> Counted:
    """Count a --compare: layers, a convolution's sizes, a model, or `dense` of the same output."""
    if not is_sizes(spec) and is_model(spec):
        return counted_model(spec, tuple(words.input_shape or ()), words.auxiliary).called(spec)
    shapes = main.network.input_shapes
    if not shapes:
        raise InvalidValueError(f"--compare {spec[:40]}: a file of tensors has no input", "compare it with a model")
    shape = shapes[0]
    rows = chain_rows([spec])
    if spec == "dense":
        size = 1
        for axis in main.counts.output_shape:
            size *= axis
        rows = [f"dense:{size}"]
    elif len(rows) == 1 and is_sizes(spec):
        rows = [f"conv:{spec}"]
    elif len(rows) == 1 and not is_layer(rows[0]):
        from dlmath.counting.zoo import unknown_model

        raise unknown_model(spec)
    network = parse_chain(rows, shape, words.padding or "same", name=spec)
    return Counted(network, count(network), one_channel=main.one_channel)


def is_sizes(spec: str) -> bool:
    """Tell whether a word is a convolution's sizes.

    >>> is_sizes("1x1x128"), is_sizes("resnet50")
    (True, False)
    """
    return spec[:1].isdigit() and "x" in spec


def is_kind(spec: str) -> bool:
    """Tell whether a row begins with the word of a layer.

    >>> is_kind("conv:3x3x8"), is_kind("relu as a"), is_kind("vgg16")
    (True, True, False)
    """
    from dlmath.counting.engine.layers import ALIASES, FAMILY

    word = spec.partition(":")[0].partition(" ")[0].lower().replace("-", "").replace("_", "")
    return word in FAMILY or word in ALIASES


def is_layer(spec: str) -> bool:
    """Tell whether a word is a layer, or is nearer to one than to a model."""
    if is_kind(spec):
        return True
    from dlmath.counting import zoo
    from dlmath.counting.engine.layers import ALIASES, FAMILY

    return nearest(spec.partition(":")[0], [*FAMILY, *ALIASES, *zoo.names()]) not in zoo.names()


def is_model(spec: str) -> bool:
    """Tell whether a word names a network of the zoo or a file."""
    from dlmath.counting.models.choosing import names_a_model

    return names_a_model(spec)


def outcome(
    main: Counted, others: Sequence[Counted], words: Words, output: Output, solution: Solution | None
) -> Outcome:
    """Gather the result, the tables, the explanation and the picture."""
    counts = [main.counts, *(other.counts for other in others)]
    reckoning = results.Reckoning(words.dtype, words.batch, words.optimizer)
    verdicts = checked(main.counts, words.check or ())
    readings = read(main.counts, words)
    units = words.units if output.format == "table" else "exact"
    by = words.by or ("layer" if output.format == "csv" else None)
    table = tables.main_table(main.counts, units, by)
    notes = [*trap_notes(main.network, main.counts, words), *main.counts.notes, *results.missing_notes(main.counts)]
    if output.quiet and output.get and main.counts.at_least:
        for text in results.missing_notes(main.counts):
            output.streams.err.write(f"warning: {text}\n")
    if solution is not None:
        notes.append(
            f"{words.solve}: ? = {solution.number:,} gives {solution.value:,}; "
            f"{solution.next_number:,} would give {solution.next_value:,}"
        )
    if main.one_channel:
        notes.append(results.one_channel_note(main.counts))
    return Outcome(
        command="param-count",
        settings={**words.as_dict(), "padding": words.padding or "same", **output.settings()},
        result=Lazy(partial(result, main, others, reckoning, words, readings, verdicts, solution)),
        table=table,
        blocks=partial(
            tables.blocks, main.counts, table, [o.counts for o in others], reckoning, units, readings, verdicts, by
        ),
        explanation=partial(explained, counts) if output.explain else None,
        picture=partial(drawn, counts),
        answer=all(verdict.holds for verdict in verdicts),
        notes=notes,
    )


def explained(counts: Sequence[NetworkCount]) -> Iterator[Block]:
    """Yield the formulas of --explain."""
    from dlmath.counting.report.explanation import explanation

    return explanation(counts)


def drawn(counts: Sequence[NetworkCount], ending: str) -> bytes:
    """Draw the figure of --plot."""
    from dlmath.counting.report.plots import picture

    return picture(counts, ending)


def result(
    main: Counted,
    others: Sequence[Counted],
    reckoning: results.Reckoning,
    words: Words,
    readings: Sequence[Reading],
    verdicts: Sequence[Verdict],
    solution: Solution | None,
) -> dict[str, Any]:
    """Return the result as INTERFACE.md names it; a convention that was asked for gives its own params and macs."""
    made = results.result(main.counts, reckoning)
    if words.compare:
        made["alternatives"] = [results.alternative(other.counts, main.counts, reckoning) for other in others]
    if solution is not None:
        made["solution"] = solution._asdict()
    if words.check:
        made["checks"] = [results.verdict(verdict) for verdict in verdicts]
    if readings:
        made["conventions"] = [results.reading(reading) for reading in readings]
    if words.convention:
        chosen = readings[0]
        made |= {"params": chosen.params, "macs": chosen.operations, "flops": 2 * chosen.operations}
    return made


def checked(count: NetworkCount, texts: Sequence[str]) -> list[Verdict]:
    """Return whether every --check holds."""
    if not texts:
        return []
    from dlmath.counting.engine.checks import check, parse_check

    return [check(count, expectation) for expectation in [parse_check(text) for text in texts]]


def read(count: NetworkCount, words: Words) -> tuple[Reading, ...]:
    """Return what the convention that was asked for reports, or all of them for --reconcile."""
    if words.reconcile:
        from dlmath.counting.engine.conventions import reconcile

        return reconcile(count)
    if words.convention is None:
        return ()
    from dlmath.counting.engine.conventions import read_as

    return (read_as(count, words.convention),)
