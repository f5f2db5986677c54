"""Whole processes of `dlmath convolve` and of what does the same, from start to exit, PNG in and PNG out.

A 12-megapixel RGB photograph-like picture (convolve_picture.py) under the Sobel magnitude; a small picture, where
starting up is all there is; and writing PNG alone, in one process.

    python experiments/benchmarks/convolve_process.py [--rounds 5] [--only photo small encode] [--json FILE]
"""

from __future__ import annotations

import argparse
import io
import shutil
import subprocess
import sys
import tempfile
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from statistics import median

import timing
from timing import Contender, Goal, Measurement

HERE = Path(__file__).parent
DLMATH, CV2, PILLOW, VIPS, MAGICK = "dlmath", "cv2 script", "cv2 script, Pillow's files", "vips sobel", "ImageMagick"
IMPORTS, BARE = "import typer, numpy, PIL.Image", "python -c pass"

CV2_SCRIPT = """
import sys, cv2
image = cv2.imread(sys.argv[1])
gx, gy = cv2.Sobel(image, cv2.CV_32F, 1, 0), cv2.Sobel(image, cv2.CV_32F, 0, 1)
cv2.imwrite(sys.argv[2], cv2.convertScaleAbs(cv2.magnitude(gx, gy)))
"""
PILLOW_SCRIPT = """
import sys, cv2, numpy
from PIL import Image
image = numpy.asarray(Image.open(sys.argv[1]))
gx, gy = cv2.Sobel(image, cv2.CV_32F, 1, 0), cv2.Sobel(image, cv2.CV_32F, 0, 1)
Image.fromarray(cv2.convertScaleAbs(cv2.magnitude(gx, gy))).save(sys.argv[2])
"""
COMPARE = """
import sys, numpy
from PIL import Image
first, second = (numpy.asarray(Image.open(name))[1:-1, 1:-1] for name in sys.argv[1:])
assert first.shape == second.shape and (first == second).all(), f"{(first != second).mean():.2%} of samples differ"
"""


def dlmath_command() -> str:
    """Return dlmath's command of this Python."""
    found = shutil.which("dlmath", path=str(Path(sys.executable).parent)) or shutil.which("dlmath")
    if found is None:
        raise SystemExit("dlmath is not installed in this Python: see README.md beside this script")
    return found


def commands(source: Path, folder: Path) -> dict[str, list[str]]:
    """Return everyone's command, each with an output of its own; ImageMagick's Sobel is one direction only."""
    targets = {name: str(folder / f"{number}.png") for number, name in enumerate((DLMATH, CV2, PILLOW, VIPS, MAGICK))}
    magick = next((name for name in ("magick", "convert-im6.q16", "convert") if shutil.which(name)), "magick")
    return {
        DLMATH: [dlmath_command(), "convolve", str(source), "--kernel", "sobel", "-o", targets[DLMATH]],
        CV2: [sys.executable, "-c", CV2_SCRIPT, str(source), targets[CV2]],
        PILLOW: [sys.executable, "-c", PILLOW_SCRIPT, str(source), targets[PILLOW]],
        VIPS: ["vips", "sobel", str(source), targets[VIPS]],
        MAGICK: [magick, str(source), "-morphology", "Convolve", "Sobel", targets[MAGICK]],
    }


def runs(name: str, command: list[str]) -> bool:
    """Try a command once, which also warms it up; a command that fails is reported and left out."""
    try:
        timing.timed_process(command)
    except (RuntimeError, FileNotFoundError) as reason:
        print(f"skipped: {name}: {reason}")
        return False
    return True


def draw(file: Path, size: str) -> None:
    """Write the picture, in a process of its own: what this one holds counts as memory of its children."""
    subprocess.run([sys.executable, str(HERE / "convolve_picture.py"), str(file), "--size", size], check=True)


def processes(folder: Path, size: str, rounds: int, *, pinned: bool) -> Measurement:
    """Let everyone's commands take turns, the starts of Python among them where the picture is small."""
    source = folder / "photo.png"
    draw(source, size)
    entrants = commands(source, folder)
    if pinned:
        entrants |= {
            IMPORTS: [sys.executable, "-c", "import typer, numpy, PIL.Image"],
            BARE: [sys.executable, "-c", "pass"],
        }
    with timing.one_core() if pinned else nullcontext():
        contenders = [
            Contender(name, partial(timing.timed_process, command))
            for name, command in entrants.items()
            if runs(name, command)
        ]
        measurement = timing.measure(contenders, rounds, clock="wall", warm_up=0)
    if CV2 in measurement.samples:
        subprocess.run([sys.executable, "-c", COMPARE, *(entrants[name][-1] for name in (DLMATH, CV2))], check=True)
        print(f"agrees: {DLMATH} and {CV2}, every sample (the edge apart, where their borders differ)")
    for name in measurement.samples:
        target = Path(entrants[name][-1])
        if target.exists():
            print(f"file of {name}: {target.stat().st_size / 1e6:.3f} MB")
    return measurement


def photo_goals(found: Measurement) -> list[Goal]:
    """State the bounds of the issue on the photograph."""
    return [
        Goal("photo: dlmath / cv2 script", found.ratio(DLMATH, CV2), 1, "at most"),
        Goal("photo: the same with Pillow's files / dlmath", found.ratio(PILLOW, DLMATH), 2.5, "at least"),
        Goal("photo: vips sobel / dlmath", found.ratio(VIPS, DLMATH), 2, "at least"),
        Goal("photo: ImageMagick / dlmath", found.ratio(MAGICK, DLMATH), 3, "at least"),
    ]


def small_goals(found: Measurement) -> list[Goal]:
    """State the bound of the issue on the small picture."""
    return [Goal(f"small: dlmath / {IMPORTS}", found.ratio(DLMATH, IMPORTS), 1.3, "at most")]


def encode(folder: Path, size: str, rounds: int) -> tuple[Measurement, list[Goal]]:
    """Measure PNG writers on the result of the Sobel magnitude; the bounds are those of our findings."""
    import numpy as np
    from PIL import Image

    from dlmath.files.pictures.png import write_png

    source = folder / "photo.png"
    draw(source, size)
    target = folder / "sobel.png"
    timing.timed_process([dlmath_command(), "convolve", str(source), "--kernel", "sobel", "-o", str(target)])
    pixels = np.array(Image.open(target))
    picture = Image.fromarray(pixels)

    def ours() -> bytes:
        file = io.BytesIO()
        write_png(file, pixels)
        return file.getvalue()

    def pillow() -> bytes:
        file = io.BytesIO()
        picture.save(file, "PNG")
        return file.getvalue()

    writers = {"write_png": ours, "Pillow's save": pillow}
    try:
        import cv2
    except ImportError as reason:
        print(f"skipped: cv2.imencode: {reason}")
    else:
        turned = np.ascontiguousarray(pixels[:, :, ::-1])  # it takes blue first; the turning is not timed

        def by_cv2() -> bytes:
            return cv2.imencode(".png", turned)[1].tobytes()

        writers["cv2.imencode"] = by_cv2
    sizes = {}
    for name, write in writers.items():
        data = write()
        back = np.asarray(Image.open(io.BytesIO(data)))
        if not (back == pixels).all():
            raise SystemExit(f"{name} does not give the pixels back")
        sizes[name] = len(data)
        print(f"file of {name}: {len(data) / 1e6:.2f} MB, {len(data) / pixels.nbytes:.3f} of the pixels")
    found = timing.measure(
        [Contender(name, partial(timing.timed, write)) for name, write in writers.items()], rounds, "wall", warm_up=0
    )
    larger = timing.Ratio.of([sizes["write_png"] / sizes["Pillow's save"]])
    return found, [
        Goal("encode: dlmath / cv2.imencode", found.ratio("write_png", "cv2.imencode"), 0.65, "at most"),
        Goal("encode: dlmath / Pillow's save", found.ratio("write_png", "Pillow's save"), 0.11, "at most"),
        Goal("encode: size of file, dlmath / Pillow", larger, 1.05, "at most"),
    ]


def report(measurement: Measurement) -> str:
    """Tabulate what each takes."""
    rows = [
        (
            name,
            f"{1000 * measurement.seconds(name):,.0f}",
            f"{median(sample.cpu for sample in measurement.samples[name]) * 1000:,.0f}",
            f"{median(measurement.peaks(name)):,.0f}" if max(measurement.peaks(name)) else "-",
            measurement.ratio(name, next(iter(measurement.samples))) or "-",
        )
        for name in measurement.samples
    ]
    return timing.table(("command", "wall ms", "CPU ms", "peak MiB", "x dlmath (min to max)"), rows)


GROUPS = ("photo", "small", "encode")


def main() -> None:
    """Measure the groups one after the other, report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="turns of each command (default: %(default)s)")
    parser.add_argument("--size", default="4000x3000", metavar="WIDTHxHEIGHT", help="of the photo")
    parser.add_argument("--only", nargs="+", choices=GROUPS, help="measure these groups")
    parser.add_argument("--json", type=Path, metavar="FILE", help="append the results to FILE as JSON lines")
    options = parser.parse_args()
    where = timing.machine(("dlmath", "numpy", "typer", "pillow", "opencv-python-headless"))
    print(f"{where['processor']}; Python {where['python']}; {where['packages']}")
    for group in GROUPS:
        if options.only and group not in options.only:
            continue
        print(f"\n{group}")
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            if group == "photo":
                measurement = processes(folder, options.size, options.rounds, pinned=False)
                found = photo_goals(measurement)
            elif group == "small":
                measurement = processes(folder, "64x64", 2 * options.rounds, pinned=True)
                found = small_goals(measurement)
            else:
                measurement, found = encode(folder, options.size, options.rounds)
        print(f"\n{report(measurement)}\n\n{timing.goals_table(found)}")
        if options.json:
            timing.keep(options.json, f"convolve-process-{group}", measurement, found, where)


if __name__ == "__main__":
    main()
