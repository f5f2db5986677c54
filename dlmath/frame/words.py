"""A command's words, each written down once.

A house declares its options as the annotated fields of a class:

    class Words(frame.words.Words):
        gate: str | None = argument("GATE", "and, or, xor, ...")
        rule: str = option("How the weights learn.", default="backprop", choices=("backprop", "perceptron"))
        epochs: int | None = option("Most passes over the table.", metavar="N", within=AT_LEAST_0, usual="5000")

From that one declaration come the command line (`frame.app`), `--help` (`frame.help`), completion, the words of
experiment files, the Python face, the check of every single value with one wording, and the settings that JSON prints.
Nothing heavy is imported here: every start of the program passes through.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import NoneType, UnionType
from typing import Any, ClassVar, NamedTuple, Self, TypeAlias, get_args, get_origin

from dlmath.errors import InvalidValueError, unknown

Suggestions: TypeAlias = Callable[[], Iterable[str]] | Sequence[str]

LARGEST_WHOLE = 2**63 - 1
"""Whole numbers end here, as those of NumPy do; beyond, nothing could be carried out."""


class Within(NamedTuple):
    """The range that a number must lie in; `open` ends are not allowed themselves."""

    low: float = -math.inf
    high: float = math.inf
    open_low: bool = False
    open_high: bool = False

    def holds(self, value: float) -> bool:
        """Tell whether a number lies in the range; NaN lies in none, infinities in none that is not theirs."""
        above = self.low < value if self.open_low else self.low <= value
        below = value < self.high if self.open_high else value <= self.high
        return above and below and math.isfinite(value)

    def mend(self, kind: type) -> str:
        """Return what to give instead.

        >>> POSITIVE.mend(float), Within(0, 1, True, True).mend(float), AT_LEAST_1.mend(int)
        ('give a positive finite number', 'give a number above 0 and below 1', 'give a whole number of at least 1')
        """
        if self == POSITIVE and kind is float:
            return "give a positive finite number"
        number = "a whole number" if kind is int else "a number"
        ends = []
        if self.low > -math.inf:
            ends.append(f"{'above' if self.open_low else 'of at least'} {self.low:g}")
        if self.high < LARGEST_WHOLE:
            ends.append(f"{'below' if self.open_high else 'of at most'} {self.high:g}")
        return f"give {number} " + (" and ".join(ends) if ends else "that is finite")


POSITIVE = Within(0, open_low=True)
AT_LEAST_0 = Within(0)
AT_LEAST_1 = Within(1)
BETWEEN_0_AND_1 = Within(0, 1, open_low=True, open_high=True)
FINITE = Within()


class Word(NamedTuple):
    """One option or argument of a command, as it was declared.

    Parameters
    ----------
    field : str
        Its name in the record of words and in the settings of JSON.
    flag : str
        As it is typed, "--learning-rate"; "" for an argument.
    kind : type
        str, int, float or bool.
    many : bool
        Whether it may be given several times.
    default : object
        Its value when it is not given.
    usual : str
        What help says of the default, where `default` itself does not tell ("" says nothing).
    metavar, help, panel : str
        What help shows, and under which heading.
    choices : tuple of str
        The allowed words; empty when it is free.
    suggestions : sequence of str, or callable
        What completion offers, where not every allowed word can be listed.
    within : Within or None
        The range of a number.
    short : str
        A one-letter flag, "-k".
    reads, writes : bool
        Whether it names a file that is read, or written.
    variable : str
        The environment variable that gives its default, or "".
    aliases : tuple of str
        Other names that experiment files and Python may use.
    """

    field: str = ""
    flag: str = ""
    kind: type = str
    many: bool = False
    default: Any = None
    usual: str = ""
    metavar: str = ""
    help: str = ""
    panel: str = ""
    choices: tuple[str, ...] = ()
    suggestions: Suggestions = ()
    within: Within | None = None
    short: str = ""
    reads: bool = False
    writes: bool = False
    variable: str = ""
    aliases: tuple[str, ...] = ()
    is_argument: bool = False

    @property
    def typed(self) -> str:
        """How errors call it: the flag, or the argument's name in capitals."""
        return self.flag or self.metavar

    @property
    def names(self) -> tuple[str, ...]:
        """The names in experiment files and in Python, `_` for `-`."""
        own = self.field if self.is_argument else self.flag.removeprefix("--").replace("-", "_")
        return (own, *self.aliases)

    def offered(self) -> list[str]:
        """Return what completion offers."""
        listed = self.suggestions() if callable(self.suggestions) else self.suggestions
        return list(listed) or list(self.choices)

    def completions(self, incomplete: str) -> list[str]:
        """Return what completes a word; where a file is read, the built-in ones too."""
        offered = self.offered()
        if self.reads and incomplete.startswith("e"):
            from dlmath.files.examples import PREFIX, names

            offered = [*offered, *(PREFIX + name for name in names())]
        return [word for word in offered if word.startswith(incomplete)]

    def checked(self, value: Any) -> Any:
        """Return a value as the command takes it, or raise the error that names it.

        Raises
        ------
        InvalidValueError
            When it is none of the choices, out of range, or a whole number beyond 2^63.
        """
        if value is None or self.kind is bool:
            return value
        if self.many:
            for item in value:
                self._refuse_commas(item)
            return [self._checked_item(item) for item in value]
        return self._checked_item(value)

    def _refuse_commas(self, item: Any) -> None:
        """Refuse a list written with commas where an option is repeated instead."""
        parts = str(item).split(",")
        offered = {word.partition(":")[0] for word in self.offered()} if len(parts) > 1 else set()
        if offered and self.flag and all(part.strip().lower().partition(":")[0] in offered for part in parts):
            each = " ".join(f"{self.flag} {part.strip()}" for part in parts)
            raise InvalidValueError(f"{self.flag} {item} is a list, and takes one word", f"repeat it: {each}")

    def _checked_item(self, value: Any) -> Any:
        if self.choices:
            return one_of(self.typed, value, self.choices)
        if self.kind in {int, float}:
            within = self.within or FINITE
            if not within.holds(value) or (self.kind is int and abs(value) > LARGEST_WHOLE):
                raise InvalidValueError(f"{self.typed} {short(value)} is not allowed", within.mend(self.kind))
        return value


def short(value: float) -> str:
    """Write a number for a message: no longer than it must be.

    >>> short(3), short(0.5), short(10**30)
    ('3', '0.5', '1e+30')
    """
    return str(value) if isinstance(value, int) and abs(value) <= LARGEST_WHOLE else f"{float(value):g}"


def one_of(option: str, word: str, words: Iterable[str]) -> str:
    """Return the allowed word that was meant, whatever its capitals; else raise the error with the nearest match.

    >>> one_of("--units", "m", ("K", "M")), one_of("--rule", "Backprop", ("backprop", "perceptron"))
    ('M', 'backprop')
    """
    spelled = {allowed.lower(): allowed for allowed in words}
    if word.lower() not in spelled:
        raise unknown(f"value for {option}:", word, spelled.values())
    return spelled[word.lower()]


def option(
    help: str,  # noqa: A002  it is what everybody calls it
    *,
    flag: str = "",
    default: Any = None,
    usual: str = "",
    metavar: str = "",
    panel: str = "",
    choices: Sequence[str] = (),
    suggestions: Suggestions = (),
    within: Within | None = None,
    short: str = "",
    reads: bool = False,
    writes: bool = False,
    variable: str = "",
    aliases: Sequence[str] = (),
) -> Any:
    """Declare an option; its name is the field's, its type the annotation's. The parameters are those of `Word`."""
    return Word(
        flag=flag, default=default, usual=usual, metavar=metavar, help=help, panel=panel, choices=tuple(choices),
        suggestions=suggestions, within=within, short=short, reads=reads, writes=writes, variable=variable,
        aliases=tuple(aliases),
    )  # fmt: skip


def argument(
    metavar: str,
    help: str,  # noqa: A002
    *,
    suggestions: Suggestions = (),
    reads: bool = False,
    aliases: Sequence[str] = (),
) -> Any:
    """Declare what stands without a flag."""
    return Word(
        metavar=metavar, help=help, panel="arguments", suggestions=suggestions, reads=reads, aliases=tuple(aliases),
        is_argument=True,
    )  # fmt: skip


def kind_of(annotation: Any) -> tuple[type, bool]:
    """Return the type of a field, and whether it takes several values.

    >>> kind_of(int | None), kind_of(list[str] | None), kind_of(str)
    ((<class 'int'>, False), (<class 'str'>, True), (<class 'str'>, False))
    """
    if isinstance(annotation, UnionType):
        annotation = next(part for part in get_args(annotation) if part is not NoneType)
    if get_origin(annotation) is list:
        return get_args(annotation)[0], True
    return annotation, False


class Words:
    """The words of one call: a frozen record whose fields are declared with `option` and `argument`.

    Subclasses do not postpone the evaluation of annotations: the types are read when the class is made.
    """

    ALL: ClassVar[Mapping[str, Word]] = {}
    """Field to its declaration, in order, inherited ones last."""

    def __init_subclass__(cls) -> None:
        """Complete what was declared by the fields' names and types."""
        declared: dict[str, Word] = {}
        for field, annotation in cls.__annotations__.items():
            word = cls.__dict__.get(field)
            if isinstance(word, Word):
                declared[field] = _completed(word, field, *kind_of(annotation))
        cls.ALL = {**declared, **cls.ALL}

    def __init__(self, **given: Any) -> None:
        strangers = given.keys() - self.ALL.keys()
        if strangers:
            raise TypeError(f"{type(self).__name__} has no field {min(strangers)!r}")
        values = {field: given.get(field, word.default) for field, word in self.ALL.items()}
        self.__dict__.update({f: self.ALL[f].default if v is None else v for f, v in values.items()})

    def __setattr__(self, name: str, value: object) -> None:
        """Refuse: a record of words does not change."""
        raise AttributeError(f"{type(self).__name__}.{name} is read only")

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and self.__dict__ == other.__dict__

    __hash__ = None  # type: ignore[assignment]  # lists may be among the values

    def __repr__(self) -> str:
        inner = ", ".join(f"{field}={value!r}" for field, value in self.as_dict().items())
        return f"{type(self).__name__}({inner})"

    def as_dict(self) -> dict[str, Any]:
        """Return field to value, as `settings` begins."""
        return dict(self.__dict__)

    def replace(self, **changed: Any) -> Self:
        """Return the record with some fields changed."""
        return type(self)(**{**self.as_dict(), **changed})

    def checked(self) -> Self:
        """Return the record with every single value checked, allowed words in their own spelling.

        Raises
        ------
        InvalidValueError
            With the option's name, the wrong value, and what is allowed.
        """
        return type(self)(**{field: self.ALL[field].checked(value) for field, value in self.as_dict().items()})

    def given(self, but: Iterable[str] = ()) -> dict[str, Any]:
        """Return what differs from its default, as it is typed, except the fields in `but`: for `checks.refuse`."""
        kept = set(but)
        return {
            word.typed: value
            for field, word in self.ALL.items()
            if field not in kept and (value := getattr(self, field)) != word.default and value != []
        }

    def typed(self, field: str) -> str:
        """Return a field as it is typed: --input for input_shape."""
        return self.ALL[field].typed

    @classmethod
    def by_name(cls) -> dict[str, Word]:
        """Return every name that experiment files and Python may use, to its declaration."""
        return {name: word for word in cls.ALL.values() for name in word.names}


def _completed(word: Word, field: str, kind: type, many: bool) -> Word:  # noqa: FBT001
    """Return a declaration with what the field's name and type say."""
    if word.is_argument:
        return word._replace(field=field, kind=kind, many=many)
    if many and word.choices and not word.metavar:
        metavar = "WORD"
    else:
        metavar = word.metavar or {int: "N", float: "X", bool: ""}.get(kind, "WORD")
    flag = word.flag or "--" + field.replace("_", "-")
    default = False if kind is bool and word.default is None else word.default
    return word._replace(field=field, flag=flag, kind=kind, many=many, metavar=metavar, default=default)


def from_python(words: type[Words], given: Mapping[str, Any]) -> Words:
    """Return the record that Python's keyword arguments mean: numbers for texts, one value for a list of one.

    >>> class Probe(Words):
    ...     hidden: str | None = option("Widths.")
    ...     kernel: list[str] | None = option("Kernels.")
    >>> from_python(Probe, {"hidden": (4, 3), "kernel": "sobel"})
    Probe(hidden='4,3', kernel=['sobel'])

    Raises
    ------
    InvalidValueError
        For a name the command does not have, or a value of another type.
    """
    known = words.by_name()
    taken: dict[str, Any] = {}
    for name, value in given.items():
        if name not in known:
            raise unknown("word", name, known)
        word = known[name]
        taken[word.field] = None if value is None else _converted(word, value)
    return words(**taken)


def _converted(word: Word, value: Any) -> Any:
    if word.many:
        items = value if isinstance(value, list | tuple) else [value]
        return [_converted_item(word, item) for item in items]
    return _converted_item(word, value)


def _converted_item(word: Word, value: Any) -> Any:
    """Return one value as the option's type; what would lose something is refused."""
    if word.kind is str:
        if getattr(value, "ndim", 0) == 2:  # an array: rows of numbers as they are typed
            return "; ".join(" ".join(map(repr, row)) for row in value.tolist())
        items = value if isinstance(value, list | tuple) else [value]
        return ",".join(str(item) for item in items)
    is_truth = isinstance(value, bool)
    if word.kind is bool and is_truth:
        return value
    if word.kind is float and not is_truth and hasattr(value, "__float__"):
        return float(value)
    if word.kind is int and not is_truth and hasattr(value, "__index__"):
        return value.__index__()
    wanted = {int: "a whole number", float: "a number", bool: "True or False"}[word.kind]
    raise InvalidValueError(f"{word.names[0]}={value!r} is not {wanted}", f"give {wanted}")


def completer(word: Word) -> Callable[[str], list[str]]:
    """Return a shell completion for one word; its list is asked for only when Tab is pressed."""

    def complete(incomplete: str) -> list[str]:
        return word.completions(incomplete)

    return complete


class Seeded(Words):
    """The word of commands that draw random numbers."""

    seed: int = option(
        "The same seed prints the same bytes.", default=0, within=AT_LEAST_0, panel="many seeds", variable="DLMATH_SEED"
    )
