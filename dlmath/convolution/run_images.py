"""`dlmath convolve IMAGE...`: every image with every kernel; an image is read once, a result written whole."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from dlmath.convolution.engine.kernels import names_in
from dlmath.convolution.files.kernels import read_kernel
from dlmath.convolution.report import images as report
from dlmath.convolution.request import Request, arithmetic_at, convolved, resolve
from dlmath.errors import InvalidValueError, UnwritableError
from dlmath.files.atomic import STANDARD, check_writable
from dlmath.files.examples import is_example, path_of
from dlmath.files.pictures.images import (
    BEGUN,
    WRITABLE,
    check_image_name,
    check_not_input,
    is_inline,
    read_image,
    write_image,
)
from dlmath.files.pictures.matrices import TEXT_ENDINGS
from dlmath.files.sources import open_source
from dlmath.frame.outcome import Outcome
from dlmath.report.progress import progress

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dlmath.convolution.engine.kernel import Kernel, Magnitude
    from dlmath.convolution.report.images import Convolved
    from dlmath.convolution.words import Words
    from dlmath.files.pictures.picture import Picture
    from dlmath.frame.output import Output
    from dlmath.report.blocks import Block

FLOAT_ENDINGS = (".npy", ".tif", ".txt", ".csv", ".tsv")


class Task(NamedTuple):
    """One image with one kernel (None: pooling alone), and where the result goes (None: it is printed)."""

    image: str
    kernel: Kernel | Magnitude | None
    target: str | None


class Done(NamedTuple):
    """A task with what came of it."""

    task: Task
    picture: Picture
    convolved: Convolved


def check_images(words: Words, output: Output) -> None:
    """Refuse, before any work, what the words alone tell is wrong: options, kernels, targets, missing images."""
    assert words.images
    planned(words, resolve(words, output))
    for image in words.images:
        if image not in BEGUN and image != STANDARD and not is_inline(image):
            open_source(image).file.close()


def convolve_images(words: Words, output: Output) -> Outcome:
    """Convolve every image with every kernel, and write the results."""
    assert words.images
    request = resolve(words, output)
    tasks = planned(words, request)
    done = []
    notes: list[str] = []
    with progress(output.streams, "convolving", len(tasks)) as advance:
        for number, (task, picture) in enumerate(with_pictures(tasks, words), start=1):
            result = convolved(picture, task.kernel, request)
            done.append(Done(task, picture, result))
            notes += [f"{task.image}: {note}" for note in (*picture.notes, *result.notes)]
            if task.target is not None:
                notes += [f"{task.target}: {note}" for note in written(task.target, done[-1], words)]
            if advance is not None:
                advance(number)
    return outcome(done, words, request, output, notes)


def planned(words: Words, request: Request) -> list[Task]:
    """Return what is to be done, its outputs named and found writable."""
    assert words.images
    names: list[str | None] = [name for word in words.kernel or () for name in names_in(word)]
    kernels = [(name, read_kernel(name) if name else None) for name in names or [None]]
    many = len(words.images) * len(kernels) > 1
    tasks = [
        Task(image, kernel, target_name(image, name, words, request, many=many))
        for image in words.images
        for name, kernel in kernels
    ]
    check_targets(tasks, words)
    return tasks


def target_name(image: str, word: str | None, words: Words, request: Request, *, many: bool) -> str | None:
    """Return the name of an output: as -o says, or image.png with sobel becomes image-sobel.png here."""
    if words.target is None:
        return None if is_matrix(image) else default_name(image, word, request)
    if Path(words.target).is_dir() or words.target.endswith("/"):
        return str(Path(words.target) / default_name(image, word, request))
    if many:
        raise InvalidValueError(f"-o {words.target} is one file for several results", "name a folder, or leave it away")
    return words.target


def is_matrix(image: str) -> bool:
    """Tell whether an image is a matrix of text, whose result is printed."""
    return is_inline(image) or path_of(image).suffix.lower() in TEXT_ENDINGS


def default_name(image: str, word: str | None, request: Request) -> str:
    """Return the image's own name with the kernel's in it, in a format that holds the result."""
    stem, ending = ("stdin", ".png") if image == STANDARD else (path_of(image).stem, path_of(image).suffix.lower())
    if is_inline(image):
        stem, ending = "matrix", ".txt"
    if ending not in WRITABLE:
        ending = ".png"
    if request.is_float and ending not in FLOAT_ENDINGS:
        ending = ".npy"
    return f"{stem}-{slug(word) if word else 'pool'}{ending}"


def slug(word: str) -> str:
    """Return a kernel's part of a file name.

    >>> slug("gaussian:9:1.5"), slug("0 -1 0; -1 5 -1; 0 -1 0"), slug("my/edge.txt")
    ('gaussian-9-1.5', 'kernel', 'edge')
    """
    if re.search(r"[;\s,]", word):
        return "kernel"
    name = (
        path_of(word).stem
        if is_example(word) or "/" in word or Path(word).suffix in {".npy", ".txt", ".yaml", ".csv"}
        else word
    )
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name)


def check_targets(tasks: list[Task], words: Words) -> None:
    """Find out before the work that every output can be written, and that no two are one."""
    seen: dict[str, Task] = {}
    for task in tasks:
        if task.target is None:
            continue
        if task.target in seen:
            raise UnwritableError(
                f"{task.target} would be written twice (for {seen[task.target].image} and {task.image})",
                "name a folder for each with -o",
            )
        seen[task.target] = task
        check_image_name(task.target)
        check_writable(task.target, "--output")
        check_not_input(task.target, words.images or (), force=words.force)


def with_pictures(tasks: list[Task], words: Words) -> Iterator[tuple[Task, Picture]]:
    """Yield each task with its image, read once for all its kernels; the first one may be on its way already."""
    name, picture = tasks[0].image, read_image(tasks[0].image, allow_large=words.allow_large)
    for task in tasks:
        if task.image != name:
            name, picture = task.image, read_image(task.image, allow_large=words.allow_large)
        yield task, picture


def written(target: str, done: Done, words: Words) -> tuple[str, ...]:
    """Write one result; return what its format could not hold."""
    return write_image(
        target,
        done.convolved.pixels,
        alpha=done.picture.has_alpha and done.convolved.pixels.ndim == 3 and not done.convolved.gray,
        compress_level=words.compress_level,
        icc=done.picture.icc,
    )


def outcome(done: list[Done], words: Words, request: Request, output: Output, notes: list[str]) -> Outcome:
    """Gather the results, the table, the explanation and the pictures."""
    shown = [report.Shown(d.task.image, d.task.target, d.task.kernel, d.picture.pixels, d.convolved) for d in done]
    return Outcome(
        command="convolve",
        settings={**words.as_dict(), **request.settings(), **output.settings()},
        result={"images": [report.entry(item) for item in shown]},
        table=report.main_table(shown),
        blocks=partial(report.blocks, shown, show=words.show, streams=output.streams),
        explanation=partial(explained, shown, request) if output.explain else None,
        picture=partial(report.picture, shown),
        notes=notes,
        printed=words.target != STANDARD,
    )


def explained(shown: Sequence[report.Shown], request: Request) -> Iterator[Block]:
    """Yield the arithmetic at one pixel of every result; of a small matrix, at every pixel."""
    yield report.definition(request.settings(), request.stride, request.dilation)
    for item in shown:
        if item.kernel is None:
            continue
        image = item.convolved.image
        look = partial(arithmetic_at, image, item.kernel, request)
        rows, columns = item.convolved.summed_shape
        place = request.at or (rows // 2, columns // 2)
        if not (place[0] < rows and place[1] < columns):
            what = f"--at {place[0]},{place[1]} lies outside the result of {item.image}"
            raise InvalidValueError(what, f"rows are 0 to {rows - 1}, columns 0 to {columns - 1}")
        yield from report.pixel(item, look, place, request.offset)
        if item.target is None and rows * columns <= report.WHOLE_TABLE:
            yield report.whole_table(item, look)
