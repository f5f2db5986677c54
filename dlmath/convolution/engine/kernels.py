"""The language of kernels: a name, NAME:PARAMETERS, or inline rows in; a kernel out (no array library).

sobel-x    gaussian:9:1.5    "0 -1 0; -1 5 -1; 0 -1 0"    "1/9 1/9 1/9; 1/9 1/9 1/9; 1/9 1/9 1/9"
"""

from __future__ import annotations

from functools import cache, lru_cache

from dlmath.convolution.engine.kernel import AnyKernel, Bank, Kernel, Magnitude, bank_of
from dlmath.convolution.engine.kernel_families import FAMILIES, RANGE, Family, KernelParameter, gaussian_reach, member
from dlmath.convolution.engine.kernel_tables import COMPASS, SIZED, sized_sobel, sobel_of, table
from dlmath.errors import InvalidValueError, nearest, unknown
from dlmath.language.number_text import fraction_of, is_rows, parse_rows, short

__all__ = [
    "GROUPS",
    "SEED_KERNELS",
    "Kernel",
    "Magnitude",
    "kernel_names",
    "listed_kernels",
    "names_in",
    "parse_kernel",
]

SEED_KERNELS = ("small-blur", "large-blur", "sharpen", "laplacian", "sobel-x", "sobel-y")
"""The six of the seed project's demonstration."""

GROUPS = {
    "seed": SEED_KERNELS,
    "setosa": (
        *("blur", "bottom-sobel", "emboss", "identity", "left-sobel"),
        *("outline", "right-sobel", "sharpen", "top-sobel"),
    ),
    "kirsch-compass": tuple(f"kirsch-{point}" for point in COMPASS),
    "frei-chen-basis": tuple(f"frei-chen-{k}" for k in range(1, 10)),
    "magnitudes": ("sobel", "scharr", "prewitt", "roberts", "frei-chen", "kirsch"),
}
"""Names that stand for several kernels."""

COMMON = (
    *("identity", "box:N", "gaussian:N[:SIGMA]", "sharpen", "unsharp", "laplacian", "log:N", "emboss", "outline"),
    *("sobel", "sobel-x", "sobel-y", "sobel-angle", "sobel:N", "scharr", "prewitt", "roberts", "kirsch", "seed"),
)
"""What an error lists; all names would fill a screen."""

MOST_SOBEL = 31
"""The largest N of sobel:N, as OpenCV has it: its weights grow as 4^N."""

_table = cache(table)


@lru_cache(maxsize=64)
def parse_kernel(text: str) -> AnyKernel:
    """Read a kernel from its name, its name with parameters, or its rows.

    Parameters
    ----------
    text : str
        A name (`sobel`), NAME:PARAMETERS (`gaussian:9:1.5`, `gaussian:sigma=2`) in any case, or rows
        (`"0 -1 0; -1 5 -1; 0 -1 0"`): one rectangle for every channel, or with `|` between them one for each input
        channel, and with `||` the rectangles of further outputs.

    Raises
    ------
    InvalidValueError
        With the part that is wrong and how to mend it.

    Examples
    --------
    >>> parse_kernel("Gaussian:3").exact()
    (((1, 2, 1), (2, 4, 2), (1, 2, 1)), 16)
    >>> parse_kernel("0 -1; 1 0").shape
    (2, 2)
    >>> parse_kernel("0.299 | 0.587 | 0.114").inputs
    3
    """
    if not text.strip():
        raise InvalidValueError("a kernel without a name or numbers", "name one, such as sobel or gaussian:5")
    if is_rows(text):
        return _inline(text)
    word = text.strip().lower().replace("_", "-")
    name, *values = word.split(":")
    if name in FAMILIES:
        return family_kernel(word)
    if name in SIZED and values:
        sized = Family(sobel_of, (KernelParameter("N", "odd", least=3, most=MOST_SOBEL),), f"{name}:5", "", "")
        return sized_sobel(name, int(_checked(word, sized, values)[0]))
    if name in _table():
        return _without_parameters(word, name, values)
    raise _unknown_kernel(name)


def family_kernel(word: str) -> Kernel:
    """Return the member of a family from NAME:PARAMETERS in small letters."""
    name, *values = word.split(":")
    return member(name, _checked(word, FAMILIES[name], values), word)


def _inline(text: str) -> Kernel | Bank:
    """Read rows: of one rectangle, or of several input channels and outputs."""
    name = " ".join(text.split())
    if "|" not in text:
        return Kernel(name, parse_rows(text, "kernel"), "given", "")
    outputs = [[parse_rows(rows, "kernel") for rows in output.split("|")] for output in text.split("||")]
    shapes = {(len(channels), len(rows), len(rows[0])) for channels in outputs for rows in channels}
    if len(shapes) > 1:
        some = ", ".join(f"{rows}x{columns} of {inputs} channels" for inputs, rows, columns in sorted(shapes))
        raise InvalidValueError(f"kernel {short(name)!r} has parts of several shapes ({some})", "give all of one shape")
    return bank_of(name, outputs, "given")


def names_in(text: str) -> tuple[str, ...]:
    """Return the kernels a word stands for: those of a group, or the word itself.

    >>> names_in("seed")[:2], names_in("sobel")
    (('small-blur', 'large-blur'), ('sobel',))
    """
    return GROUPS.get(text.strip().lower(), (text,))


def kernel_names() -> list[str]:
    """Return every word that begins a kernel, and the groups, for completion and suggestions."""
    return sorted({*_table(), *FAMILIES, *GROUPS})


def listed_kernels() -> tuple[tuple[str, Kernel | Magnitude], ...]:
    """Return (usage, kernel) for every name; a family is shown by one member."""
    members = ((family.usage(), family_kernel(family.example)) for family in FAMILIES.values())
    return (*_table().items(), *members)


def _without_parameters(word: str, name: str, values: list[str]) -> Kernel | Magnitude:
    if values:
        raise InvalidValueError(f"kernel {short(word)!r}: {name} takes no parameters", f"write '{name}'")
    return _table()[name]


def _unknown_kernel(name: str) -> InvalidValueError:
    """Suggest from every name there is, but list the common ones only."""
    close = nearest(name, kernel_names())
    usage = FAMILIES[close].usage() if close in FAMILIES else close
    listed = COMMON if usage is None or usage in COMMON else (usage, *COMMON)
    error = unknown("kernel", short(name), listed)
    listing = ", ".join(listed)
    suggestion = f"did you mean '{usage}'? " if usage else ""
    return InvalidValueError(error.what, f"{suggestion}(some of them: {listing}; --list-kernels shows all)")


def _checked(word: str, family: Family, values: list[str]) -> list[int | float]:
    """Return the values of a family's parameters in order, those that are given by name put at their places."""
    placed = _placed(word, family, values)
    required = sum(not parameter.optional for parameter in family.parameters)
    if not required <= len(placed) <= len(family.parameters):
        count = f"{len(values)} parameter{'s' if len(values) != 1 else ''}" if values else "no parameters"
        raise InvalidValueError(
            f"kernel {short(word)!r} has {count}", f"write {family.usage()}, such as {family.example}"
        )
    pairs = zip(family.parameters, placed, strict=False)  # those left out are optional
    checked = [_value(word, family, parameter, value) for parameter, value in pairs]
    if word.startswith("dog:") and checked[1] == checked[2]:
        raise InvalidValueError(f"kernel {short(word)!r}: S1 = S2 leaves only zeros", f"such as {family.example}")
    return checked


def _placed(word: str, family: Family, values: list[str]) -> list[str]:
    """Return the texts of the values in the order of the parameters."""
    plain = [value for value in values if "=" not in value]
    named = dict(value.split("=", 1) for value in values if "=" in value)
    if word.startswith("gaussian:") and not plain and set(named) == {"sigma"}:
        sigma = _value(word, family, family.parameters[1], named["sigma"])
        return [str(gaussian_reach(sigma)), named["sigma"]]
    names = [parameter.name.lower() for parameter in family.parameters]
    following = names[len(plain) : len(plain) + len(named)]
    if set(named) != set(following):
        allowed = ", ".join(f"{name}=V" for name in names[len(plain) :]) or "no more"
        mend = f"write {family.usage()}; by name and in order: {allowed}"
        raise InvalidValueError(f"kernel {short(word)!r}: {next(iter(named))!r} is not its next parameter", mend)
    return [*plain, *(named[name] for name in following)]


def _value(word: str, family: Family, parameter: KernelParameter, text: str) -> int | float:
    check = _size if parameter.kind in {"size", "odd"} else _real
    try:
        return check(parameter, text)
    except ValueError as error:
        what = f"kernel {short(word)!r}: {parameter.name} {error}"
        raise InvalidValueError(what, f"write {family.usage()}, such as {family.example}") from None


def _size(parameter: KernelParameter, text: str) -> int:
    odd = parameter.kind == "odd"
    wanted = f"{'an odd' if odd else 'a'} number from {parameter.least} to {parameter.most}"
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(parameter.most))):
        raise ValueError(f"is {short(text)!r}, not {wanted}")
    if not parameter.least <= int(text) <= parameter.most or (odd and int(text) % 2 == 0):
        raise ValueError(f"is {text}, not {wanted}")
    return int(text)


def _real(parameter: KernelParameter, text: str) -> float:
    value = float(fraction_of(text))
    least, most = RANGE if parameter.kind == "positive" else (-RANGE[1], RANGE[1])
    if parameter.kind == "positive" and value <= 0:
        raise ValueError(f"is {text}, not above 0")
    if not least <= value <= most:
        raise ValueError(f"is {text}, not from {least:g} to {most:g}")
    return value
