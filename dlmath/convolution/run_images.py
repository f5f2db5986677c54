"""`dlmath convolve IMAGE...`: every image with every kernel; an image is read once, a result written whole."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dlmath.convolution.choices import choices_of
from dlmath.convolution.engine.kernels import names_in
from dlmath.convolution.files.kernels import is_kernel_file, read_kernel
from dlmath.convolution.job import PLAIN_NUMBERS, planned
from dlmath.convolution.report import images as report
from dlmath.convolution.work import carried_out
from dlmath.errors import InvalidValueError, UnwritableError
from dlmath.files.atomic import STANDARD, check_writable, write_bytes
from dlmath.files.examples import path_of
from dlmath.files.pictures.encoding import check_held, lack_of, nearest_ending
from dlmath.files.pictures.images import (
    BEGUN,
    WRITABLE,
    check_image_name,
    check_not_input,
    is_inline,
    read_header,
    read_image,
    write_image,
)
from dlmath.files.pictures.matrices import TEXT_ENDINGS
from dlmath.frame.checks import refuse
from dlmath.frame.outcome import Outcome
from dlmath.report.progress import progress

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dlmath.convolution.choices import Choices
    from dlmath.convolution.engine.kernel import AnyKernel
    from dlmath.convolution.job import Job
    from dlmath.convolution.words import Words
    from dlmath.files.pictures.picture import Header, Picture
    from dlmath.frame.output import Output
    from dlmath.report.blocks import Block


class ImageTask(NamedTuple):
    """One image with one kernel, and where the result goes (None: it is printed)."""

    image: str
    job: Job
    target: str | None
    ending: str
    notes: tuple[str, ...] = ()


CHECKED: list[tuple[Words, Choices, list[ImageTask]]] = []
"""What was found out of the words that were checked last: the run that follows need not read it all again."""


def check_images(words: Words, output: Output) -> None:
    """Refuse, before any work and any file, whatever the run would refuse."""
    try:
        choices = choices_of(words, output)
        tasks = tasks_of(words, choices)
        CHECKED[:] = [(words, choices, tasks)]
        if words.animate is not None:
            check_animate(words.animate, tasks)
    except BaseException:
        BEGUN.clear()  # nobody will ask for what was begun
        CHECKED.clear()
        raise


def convolve_images(words: Words, output: Output) -> Outcome:
    """Convolve every image with every kernel, and write the results."""
    choices, tasks = checked(words, output)
    done = []
    notes = list(choices.notes)
    with progress(output.streams, "convolving", len(tasks)) as advance:
        for number, (task, picture) in enumerate(with_pictures(tasks, words), start=1):
            item = report.ConvolvedImage(task.image, task.target, task.job, picture, carried_out(task.job, picture))
            notes += [f"{task.image}: {note}" for note in (*picture.notes, *task.notes, *report.notes(item))]
            if task.target is not None:
                notes += [f"{task.target}: {note}" for note in written(task, item, words)]
            if words.animate is not None:
                from dlmath.convolution.report.animate import animation

                write_bytes(words.animate, animation(item))
            seen_again = words.show or output.explain or output.plot is not None or task.target is None
            done.append(item if seen_again else item.without_pixels())
            if advance is not None:
                advance(number)
    return outcome(done, words, choices, output, list(dict.fromkeys(notes)))


def checked(words: Words, output: Output) -> tuple[Choices, list[ImageTask]]:
    """Return the choices and tasks of words, as they were when they were checked."""
    if CHECKED and CHECKED[-1][0] is words:
        _, choices, tasks = CHECKED.pop()
        return choices, tasks
    choices = choices_of(words, output)
    return choices, tasks_of(words, choices)


def check_animate(name: str, tasks: list[ImageTask]) -> None:
    """Refuse an animation that cannot be made or written."""
    from dlmath.convolution.report.animate import check_animated
    from dlmath.report.animation import check_animation

    check_animation(name)
    if len(tasks) > 1:
        raise InvalidValueError(f"--animate {name} is one file for several results", "name one image and one kernel")
    if tasks[0].target == name:
        raise UnwritableError(f"{name} would be written twice", "name another file with --animate")
    check_animated(tasks[0].job)


def targets(words: Words) -> list[str]:
    """Return the files that a run would write."""
    from dlmath.frame.face import silent_output

    return [task.target for task in tasks_of(words, choices_of(words, silent_output())) if task.target is not None]


def tasks_of(words: Words, choices: Choices) -> list[ImageTask]:
    """Return what is to be done, every image's header read, the outputs named and found writable."""
    assert words.images
    kernels = kernels_of(words)
    many = len(words.images) * len(kernels) > 1
    if many and words.target is not None and not is_folder(words.target):
        raise InvalidValueError(f"-o {words.target} is one file for several results", "name a folder, or leave it away")
    tasks = []
    for image in words.images:
        header = read_header(image, allow_large=words.allow_large)
        tasks += [task_of(image, header, label, kernel, words, choices) for label, kernel in kernels]
    check_targets(tasks, words)
    return tasks


def kernels_of(words: Words) -> list[tuple[str, AnyKernel | None]]:
    """Return the kernels, each with its part of a file name; pooling alone has none."""
    names = [name for word in words.kernel or () for name in names_in(word)]
    if not names:
        return [("pool", None)]
    inline = [name for name in names if slug(name) == "kernel"]
    labels = {name: f"kernel-{k}" for k, name in enumerate(dict.fromkeys(inline), start=1)} if len(inline) > 1 else {}
    return [(labels.get(name, slug(name)), read_kernel(name)) for name in names]


def task_of(
    image: str, header: Header, label: str, kernel: AnyKernel | None, words: Words, choices: Choices
) -> ImageTask:
    """Return one task: what will come of it decides what its output can be called."""
    named = words.target is not None and not is_folder(words.target)
    if named:
        assert words.target is not None
        ending = ending_of(words.target, header)
        job = planned(kernel, choices, header)
        if is_picture_of_numbers(job, ending, choices):
            job = planned(kernel, choices, header, numbers=False)
        check_held(words.target, ending, sample_of(job), job.all_channels, alpha=job.alpha)
        return ImageTask(image, job, words.target, ending)
    job = planned(kernel, choices, header)
    if words.target is None and is_matrix(image, header):
        return ImageTask(image, job, None, "")
    stem, own = stem_and_ending(image, header)
    usual = own if own in WRITABLE else {"NPY": ".npy", "TEXT": ".txt"}.get(header.file_format, ".png")
    sample = sample_of(job), job.all_channels
    ending = nearest_ending(usual, *sample, alpha=job.alpha)
    lack = lack_of(usual, *sample, alpha=job.alpha) if own == usual else None
    why = f"{own} does not hold {lack}" if lack else f"{own} is not written"
    notes = (f"{why}, so the result is {ending}",) if own and own != ending else ()
    folder = Path(words.target) if words.target is not None else Path()
    return ImageTask(image, job, str(folder / f"{stem}-{label}{ending}"), ending, notes)


def is_picture_of_numbers(job: Job, ending: str, choices: Choices) -> bool:
    """Tell whether plain numbers are to be written as a picture, which does not hold them as they are."""
    if job.header.file_format not in PLAIN_NUMBERS or choices.scale is not None or choices.dtype is not None:
        return False
    return lack_of(ending, sample_of(job), job.all_channels, alpha=False) is not None and ending not in {
        ".txt",
        ".csv",
        ".tsv",
    }


def sample_of(job: Job) -> str:
    """Return the short code of the result's type."""
    return f"{job.dtype.kind}{job.dtype.itemsize}"


def is_folder(target: str) -> bool:
    """Tell whether -o names a folder: one that is there, or a name without an ending, which is made."""
    path = Path(target)
    return target != STANDARD and (target.endswith("/") or path.is_dir() or not (path.suffix or path.exists()))


def ending_of(target: str, header: Header) -> str:
    """Return the ending that says how an output is written; on standard output the input's own kind is kept."""
    if target == STANDARD and header.file_format in PLAIN_NUMBERS:
        return ".npy" if header.file_format == "NPY" else ".txt"
    return check_image_name(target)


def is_matrix(image: str, header: Header) -> bool:
    """Tell whether an image is a matrix of text, whose result is printed."""
    return header.file_format == "TEXT" or may_be_matrix(image)


def may_be_matrix(image: str) -> bool:
    """Tell, without opening it, whether an image is a matrix of text."""
    return is_inline(image) or path_of(image).suffix.lower() in TEXT_ENDINGS


def stem_and_ending(image: str, header: Header) -> tuple[str, str]:
    """Return an image's own name and ending, "" where it has none."""
    if is_inline(image):
        return "matrix", ".txt"
    if image == STANDARD:
        return "stdin", {"NPY": ".npy", "TEXT": ".txt"}.get(header.file_format, "")
    return path_of(image).stem, path_of(image).suffix.lower()


def slug(word: str) -> str:
    """Return a kernel's part of a file name.

    >>> slug("gaussian:9:1.5"), slug("0 -1 0; -1 5 -1; 0 -1 0"), slug("my/edge.txt")
    ('gaussian-9-1.5', 'kernel', 'edge')
    """
    if re.search(r"[;\s,|]", word):
        return "kernel"
    name = path_of(word).stem if is_kernel_file(word) else word
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name) or "kernel"


def check_targets(tasks: list[ImageTask], words: Words) -> None:
    """Find out before the work that every output can be written, and that no two are one."""
    seen: dict[str, ImageTask] = {}
    for task in tasks:
        if task.target is None:
            continue
        if task.target in seen:
            raise UnwritableError(
                f"{task.target} would be written twice (for {seen[task.target].image} and {task.image})",
                "name a folder for each with -o",
            )
        seen[task.target] = task
        check_writable(task.target, "--output", makes_folder=is_folder(words.target or ""))
        check_not_input(task.target, words.images or (), force=words.force)
    if words.compress_level is not None and not any(task.ending == ".png" for task in tasks):
        refuse({"--compress-level": str(words.compress_level)}, "where no .png is written")


def with_pictures(tasks: list[ImageTask], words: Words) -> Iterator[tuple[ImageTask, Picture]]:
    """Yield each task with its image, read once for all its kernels."""
    name, picture = tasks[0].image, read_image(tasks[0].image, allow_large=words.allow_large)
    for task in tasks:
        if task.image != name:
            name, picture = task.image, read_image(task.image, allow_large=words.allow_large)
        yield task, picture


def written(task: ImageTask, done: report.ConvolvedImage, words: Words) -> tuple[str, ...]:
    """Write one result; return what its format could not hold."""
    assert task.target is not None
    if words.target is not None and is_folder(words.target):
        Path(words.target).mkdir(parents=True, exist_ok=True)
    return write_image(
        task.target,
        np.asarray(done.convolved.pixels),
        file_format=task.ending,
        alpha=task.job.alpha,
        compress_level=words.compress_level if task.ending == ".png" else None,
        icc=done.picture.icc,
    )


def explanation_of(done: list[report.ConvolvedImage]) -> Iterator[Block]:
    """Yield the arithmetic behind every result."""
    from dlmath.convolution.report.explain import explained

    return explained(done)


def outcome(
    done: list[report.ConvolvedImage], words: Words, choices: Choices, output: Output, notes: list[str]
) -> Outcome:
    """Gather the results, the table, the explanation and the pictures."""
    return Outcome(
        command="convolve",
        settings={**words.as_dict(), **choices.settings(), **output.settings()},
        result={"images": [report.entry(item) for item in done]},
        table=report.main_table(done),
        blocks=partial(report.blocks, done, show=words.show, streams=output.streams),
        explanation=partial(explanation_of, done) if output.explain else None,
        picture=partial(report.picture, done),
        notes=notes,
        printed=words.target != STANDARD,
    )
