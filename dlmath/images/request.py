"""What the words of `dlmath train-image` ask for, resolved and checked."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from dlmath.errors import DlmathError, InvalidValueError, TooLargeError, unknown
from dlmath.files.atomic import check_writable
from dlmath.files.examples import path_of
from dlmath.files.tensors import ENDINGS, read_tensors
from dlmath.images.engine.data import Augmentation
from dlmath.images.engine.experiment import Plan, build_model
from dlmath.images.engine.model import Model, check_memory
from dlmath.images.engine.training import Recipe
from dlmath.images.files.checking import Read
from dlmath.images.files.sources import ImageSource, open_source
from dlmath.images.networks import answers_of, is_plain, load_network
from dlmath.images.words import DEFAULT_NETWORK
from dlmath.neural.initialisers import parse_initialiser
from dlmath.neural.optimizers import parse_optimizer

if TYPE_CHECKING:
    from dlmath.counting.engine.graph import Network
    from dlmath.frame.output import Output
    from dlmath.images.engine.data import Data
    from dlmath.images.words import Words

MOST_SIZE = 4096
MOST_RUNS = 100_000


class TrainingRequest(NamedTuple):
    """Everything that is to be done.

    Attributes
    ----------
    source : ImageSource
    data : Data
        Of the first seed.
    networks : tuple of Network
        NETWORK first, then those of --against.
    plan : Plan
        NETWORK's own; the others start from drawn weights.
    seeds : range
    image : int
        The test image that is followed.
    """

    source: ImageSource
    data: Data
    networks: tuple[Network, ...]
    plan: Plan
    seeds: range
    image: int

    def plan_of(self, network: int) -> Plan:
        """Return a network's plan."""
        return self.plan if network == 0 else self.plan._replace(start=None)


def resolve(words: Words, output: Output) -> TrainingRequest:
    """Return what is asked for; every fault of the words is found here, before any work.

    Raises
    ------
    DlmathError
    """
    check_options(words, output)
    source = open_source(words.data, words.test, parse_size(words.size), words.dtype)
    data = source.data(words.seed)
    check_counts(words, data)
    source, data = with_answers(words, source, data)
    networks = load_networks(words, data)
    plan = resolve_plan(words)
    for network in networks:
        model = Model(network, words.dtype)
        check_memory(model.lowered, min(words.batch, len(data.train.labels)), model.dtype.itemsize)
    check_start(words, networks[0], plan)
    return TrainingRequest(source, data, networks, plan, range(words.seed, words.seed + words.seeds), words.image or 0)


def with_answers(words: Words, source: ImageSource, data: Data) -> tuple[ImageSource, Data]:
    """Return the data with the classes that NETWORK has answers for, where it has more than occur in the images."""
    if words.network is None or source.read is None:
        return source, data
    answers = answers_of(words.network, data.shape, len(data.classes))
    wider = data.widened(answers) if answers > len(data.classes) else None
    if wider is None:
        return source, data
    note = f"the network has {answers} answers; {len(data.classes)} of these classes occur in the images"
    return source._replace(read=Read(wider, (*source.read.notes, note))), wider


def check_ending(name: str, option: str) -> None:
    """Refuse a name whose ending is no format of weights."""
    ending = path_of(name).suffix.lower()
    if ending not in ENDINGS:
        raise unknown(f"ending of {option}:", ending or name, ENDINGS)


def check_options(words: Words, output: Output) -> None:
    """Refuse options that contradict each other, or would have no effect."""
    if words.save is not None:
        check_ending(words.save, "--save")
        check_writable(words.save, "--save")
    if words.weights is not None:
        check_ending(words.weights, "--weights")
    if words.weights is not None and words.init is not None:
        raise InvalidValueError("--init has no meaning beside --weights, which says where to start", "leave it away")
    if words.weights is not None and words.seeds > 1:
        raise InvalidValueError(
            f"--weights {words.weights} holds one network, --seeds {words.seeds} asks for more", "use --seeds 1"
        )
    if words.image is not None and not (words.show or output.explain or output.plot):
        raise InvalidValueError("--image says what --explain, --show and --plot follow", "give one of them with it")
    if words.show and output.format not in {"table", "markdown"}:
        raise InvalidValueError(f"--show draws pictures, --format {output.format} prints none", "leave one away")
    if words.jobs > 1 and words.seeds * (1 + len(words.against or ())) == 1:
        raise InvalidValueError("--jobs shares runs, and there is one", "give --seeds N or --against, or leave it away")
    if words.seeds * (1 + len(words.against or ())) > MOST_RUNS:
        raise TooLargeError(f"--seeds {words.seeds} asks for too many runs", f"the limit is {MOST_RUNS:,}")
    parse_initialiser(words.init or "he")
    parse_optimizer(words.optimizer)


def parse_size(text: str | None) -> tuple[int, int] | None:
    """Return --size as rows and columns.

    >>> parse_size("28x32")
    (28, 32)
    """
    if text is None:
        return None
    parts = text.strip().lower().split("x")
    if len(parts) != 2 or not all(part.isascii() and part.isdigit() and 0 < int(part) <= MOST_SIZE for part in parts):
        raise InvalidValueError(f"--size {text} is not allowed", f"write HxW, such as 28x28, each up to {MOST_SIZE}")
    return int(parts[0]), int(parts[1])


def check_counts(words: Words, data: Data) -> None:
    """Refuse numbers that the data does not have."""
    if words.train is not None and words.train > len(data.train.labels):
        raise InvalidValueError(
            f"--train {words.train} asks for more images than there are", f"there are {len(data.train.labels):,}"
        )
    if words.image is not None and words.image >= len(data.test.labels):
        raise InvalidValueError(
            f"--image {words.image}: there is no such test image", f"they are 0 to {len(data.test.labels) - 1}"
        )
    height, width, _ = data.shape
    if words.shift is not None and words.shift >= min(height, width):
        raise InvalidValueError(
            f"--shift {words.shift} moves images of {height}x{width} out of sight",
            f"give up to {min(data.shape[:2]) - 1}",
        )
    augmentation = parse_augmentation(words.augment)
    if augmentation.shift >= min(height, width):
        raise InvalidValueError(
            f"--augment {words.augment} moves images of {height}x{width} out of sight", "give a smaller shift"
        )


def parse_augmentation(text: str | None) -> Augmentation:
    """Return what `shift:2,flip` means.

    >>> parse_augmentation("shift:2,flip")
    Augmentation(shift=2, flip=True)
    """
    settings: dict[str, int | bool] = {}
    for part in [] if text is None else text.split(","):
        name, colon, value = part.strip().lower().partition(":")
        if name in settings:
            raise InvalidValueError(f"--augment {text}: {name} stands twice", "say it once")
        if name == "flip" and not colon:
            settings["flip"] = True
        elif name == "shift" and value.isascii() and value.isdigit() and 0 < int(value) < 10**6:
            settings["shift"] = int(value)
        else:
            raise InvalidValueError(
                f"--augment {text}: {part.strip()!r} is not allowed", "write shift:K, flip, or both"
            )
    return Augmentation(int(settings.get("shift", 0)), bool(settings.get("flip", False)))


def load_networks(words: Words, data: Data) -> tuple[Network, ...]:
    """Return NETWORK and those of --against; errors name which."""
    classes = len(data.classes)
    text = default_network(classes) if words.network is None else words.network
    first = load_network(text, data.shape, classes)
    size = len(Model(first, words.dtype).parameters)
    others = []
    for other in words.against or ():
        try:
            others.append(load_network(other, data.shape, classes, size))
        except DlmathError as error:
            if is_plain(other):
                raise
            raise type(error)(f"--against: {error.what}", error.mend) from None
    return (first, *others)


def default_network(classes: int) -> str:
    """Return the layers that are trained when none are named."""
    return DEFAULT_NETWORK.rpartition(":")[0] + f":{classes}"


def resolve_plan(words: Words) -> Plan:
    """Return how networks are trained."""
    recipe = Recipe(
        epochs=words.epochs,
        batch=words.batch,
        optimizer=words.optimizer,
        learning_rate=words.learning_rate,
        weight_decay=words.weight_decay,
        schedule=words.schedule,
        augmentation=parse_augmentation(words.augment),
        init=(words.init or "he").lower(),
    )
    start = None if words.weights is None else read_tensors(words.weights).arrays
    return Plan(recipe, words.dtype, words.train, words.shift, words.permute, start)


def check_start(words: Words, network: Network, plan: Plan) -> None:
    """Refuse weights that are not the network's."""
    if words.weights is None:
        return
    try:
        build_model(network, plan, words.seed)
    except DlmathError as error:
        raise type(error)(f"--weights {words.weights}: {error.what}", error.mend) from None
