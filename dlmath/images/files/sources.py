"""What `--data` names: drawn marks, scikit-learn's digits, an archive, IDX files, a table, a folder of pictures."""

from __future__ import annotations

import gzip
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import numpy as np

from dlmath.errors import InvalidValueError, MissingExtraError, UnreadableError, unknown
from dlmath.files.examples import path_of
from dlmath.images.engine.data import Data
from dlmath.images.engine.marks import CLASSES, Marks, draw_marks
from dlmath.images.files.checking import Raw, Read, check_memory, prepared

TEST_SEED = 1000
"""Test marks are drawn with this seed more than training marks."""
SMALLEST, LARGEST = 8, 256
MARKS_MOST = 1_000_000
DIGITS_TEST = 450


class ImageSource(NamedTuple):
    """Where images come from.

    Attributes
    ----------
    name : str
    marks : Marks or None
        What is drawn anew for every seed,
    counts : (int, int)
        and how many of it for training and test;
    read : Read or None
        or what was read, the same for every seed.
    dtype : str
        Of the pixels.
    """

    name: str
    marks: Marks | None = None
    counts: tuple[int, int] = (2000, 1000)
    read: Read | None = None
    dtype: str = "float32"

    def data(self, seed: int) -> Data:
        """Return the images of a seed."""
        if self.marks is None:
            assert self.read is not None
            return self.read.data
        train, test = self.counts
        drawn = draw_marks(train, seed, self.marks), draw_marks(test, TEST_SEED + seed, self.marks)
        first, second = (part._replace(images=part.images.astype(self.dtype, copy=False)) for part in drawn)
        return Data(self.name, first, second, CLASSES)

    @property
    def notes(self) -> tuple[str, ...]:
        """What the reader should know."""
        return self.read.notes if self.read is not None else ()


def open_source(
    word: str, test: str | None = None, size: tuple[int, int] | None = None, dtype: str = "float32"
) -> ImageSource:
    """Return the source that --data, --test and --size name; files are read here, marks are drawn later.

    Raises
    ------
    DlmathError
        For what cannot be read, with the place.
    """
    kind, _, rest = word.partition(":")
    if kind == "marks" and not Path(word).exists():
        _refuse(test, size, "marks")
        return _marks(word, rest)._replace(dtype=dtype)
    if word == "digits" and not Path(word).exists():
        _refuse(test, size, "digits")
        return ImageSource("digits", read=read_digits(dtype))
    return ImageSource(Path(word).name, read=_read(word, test, size, dtype))


def _refuse(test: str | None, size: tuple[int, int] | None, name: str, *, but_test: bool = False) -> None:
    if size is not None:
        raise InvalidValueError(f"--size has no meaning with --data {name}", "leave it away")
    if test is not None and not but_test:
        raise InvalidValueError(f"--test has no meaning with --data {name}", "leave it away")


def _marks(word: str, rest: str) -> ImageSource:
    """Read `marks:size=16,train=2000,test=1000,wide=no`."""
    values = {"size": 16, "train": 2000, "test": 1000}
    wide = False
    for part in filter(None, rest.split(",")):
        key, _, value = (piece.strip() for piece in part.partition("="))
        if key == "wide" and value.lower() in {"yes", "no"}:
            wide = value.lower() == "yes"
        elif key in values:
            values[key] = _whole(word, key, value)
        elif key == "wide":
            raise InvalidValueError(f"--data {word}: wide={value} is not allowed", "write wide=yes or wide=no")
        else:
            raise unknown(f"setting of --data {word}:", key, (*values, "wide"))
    _check_marks(word, values)
    return ImageSource(word, Marks(values["size"], wide), (values["train"], values["test"]))


def _whole(word: str, key: str, value: str) -> int:
    if not (value.isascii() and value.isdigit() and len(value) < 8):
        raise InvalidValueError(f"--data {word}: {key}={value} is not allowed", "give a whole number")
    return int(value)


def _check_marks(word: str, values: dict[str, int]) -> None:
    if not SMALLEST <= values["size"] <= LARGEST:
        raise InvalidValueError(f"--data {word}: size={values['size']} is not allowed", f"give {SMALLEST} to {LARGEST}")
    for key in ("train", "test"):
        if not len(CLASSES) <= values[key] <= MARKS_MOST:
            raise InvalidValueError(
                f"--data {word}: {key}={values[key]} is not allowed",
                f"give {len(CLASSES)} (one of every class) to {MARKS_MOST:,}",
            )
        check_memory((4 * values[key], values["size"], values["size"]), f"--data {word}")


def read_digits(dtype: str = "float32") -> Read:
    """Read the 1797 digits of 8 x 8 pixels that scikit-learn ships, without importing it.

    Raises
    ------
    MissingExtraError
        When it is not installed.
    """
    package = find_spec("sklearn")
    if package is None or package.origin is None:
        raise MissingExtraError(
            "--data digits needs scikit-learn, which is not installed", "pip install 'dlmath[data]'"
        )
    path = Path(package.origin).parent / "datasets" / "data" / "digits.csv.gz"
    try:
        with gzip.open(path) as file:
            table = np.loadtxt(file, delimiter=",", dtype=np.int64)
    except (OSError, ValueError) as error:
        raise UnreadableError(f"{path}: {error}", "install scikit-learn anew") from error
    return prepared("digits", *_stratified(table), dtype, scale=16.0)


def _stratified(table: np.ndarray[tuple[int, ...], np.dtype[np.int64]]) -> tuple[Raw, Raw]:
    """Return 1347 and 450 digits, a quarter of every class (to the nearest whole) for the test."""
    generator = np.random.default_rng(0)
    labels = table[:, -1]
    orders = [generator.permutation(np.flatnonzero(labels == label)) for label in range(10)]
    shares = [len(order) * DIGITS_TEST / len(labels) for order in orders]
    counts = [int(share) for share in shares]
    for place in sorted(range(10), key=lambda i: counts[i] - shares[i])[: DIGITS_TEST - sum(counts)]:
        counts[place] += 1
    test = generator.permutation(np.concatenate([order[:k] for order, k in zip(orders, counts, strict=True)]))
    train = generator.permutation(np.concatenate([order[k:] for order, k in zip(orders, counts, strict=True)]))
    pixels = table[:, :-1].reshape(-1, 8, 8)
    return Raw(pixels[train], labels[train], "digits"), Raw(pixels[test], labels[test], "digits")


def _read(word: str, test: str | None, size: tuple[int, int] | None, dtype: str) -> Read:
    from dlmath.images.files.npz import read_npz
    from dlmath.images.files.table import read_table

    path = path_of(word)
    lower = path.name.lower()
    if lower.endswith((".csv", ".csv.gz", ".tsv")):
        return read_table(word, test, size, dtype)
    if path.is_dir():
        if test is not None:
            raise InvalidValueError("--test has no meaning beside a folder", "put train and test into it")
        try:
            return _read_folder(path, size, dtype)
        except OSError as error:
            raise UnreadableError(f"{word}: {error.strerror}", "check its permissions") from error
    if not path.exists():
        raise _nothing(word)
    if lower.endswith(".npz"):
        _refuse(test, size, word)
        return read_npz(path, dtype)
    if lower.endswith((".pkl", ".pickle")) or path.name.startswith("data_batch"):
        raise UnreadableError(f"{word}: Python pickles can run programs and are not read", "save arrays as .npz")
    raise UnreadableError(
        f"{word}: is no data set by its ending",
        "give an .npz, a .csv, or a folder (IDX or CIFAR files, or one folder a class)",
    )


def _read_folder(folder: Path, size: tuple[int, int] | None, dtype: str) -> Read:
    """Read a folder of IDX files, of CIFAR's, or of pictures."""
    from dlmath.images.files.cifar import is_cifar_folder, read_cifar_folder
    from dlmath.images.files.folder import read_folder
    from dlmath.images.files.idx import is_idx_folder, read_idx_folder

    for is_such, read in ((is_idx_folder, read_idx_folder), (is_cifar_folder, read_cifar_folder)):
        if is_such(folder):
            _refuse(None, size, str(folder))
            return read(folder, dtype)
    return read_folder(folder, size, dtype)


def _nothing(word: str) -> InvalidValueError | UnreadableError:
    """Return the error for a name that is neither a data set of the program nor a file."""
    if "/" in word or "." in word:
        return UnreadableError(f"{word}: No such file or directory", "check the name")
    return unknown("data set", word, ("marks", "digits", "FILE.npz", "FILE.csv", "FOLDER"))
