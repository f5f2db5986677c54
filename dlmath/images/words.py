"""`dlmath train-image`: its options, each once."""

from dlmath.frame.words import AT_LEAST_0, AT_LEAST_1, POSITIVE, Seeded, Within, argument, option
from dlmath.neural.names import INITIALISERS, OPTIMIZERS

DEFAULT_NETWORK = "conv:3x3x8 relu maxpool:2 conv:3x3x16 relu maxpool:2 flatten dense:10"
SCHEDULES = ("constant", "cosine")

IMAGES, TRAINING, COMPARED, LOOKED, FILES = "images", "training", "compared with", "looked at", "files"


def networks() -> tuple[str, ...]:
    """Return networks that completion offers."""
    return ("mlp", "mlp:64", "resnet20", "lenet5_keras")


def data_sets() -> tuple[str, ...]:
    """Return the data sets that need no file."""
    return ("marks", "marks:size=16,train=2000,test=1000,wide=no", "digits")


def augmentations() -> tuple[str, ...]:
    """Return ways to move images that completion offers."""
    return ("shift:1", "shift:2", "flip", "shift:1,flip")


class Words(Seeded):
    """The words of one call; None and False stand for "not given"."""

    network: str | None = argument(
        "NETWORK",
        'Layers in one quoted text ("conv:3x3x8 relu maxpool:2 flatten dense:10"), a network of the zoo (resnet20), a '
        "YAML file of the architecture language, or mlp:64 (mlp:128,64). Default: the layers "
        f'"{DEFAULT_NETWORK}".',
        suggestions=networks,
        reads=True,
    )
    data: str = option(
        "marks (drawn by the program; marks:size=16,train=2000, also test=1000, wide=no), digits (of scikit-learn), "
        "an .npz (x_train, y_train, x_test, y_test), a folder of MNIST's IDX files or of class sub-folders of "
        "pictures, a .csv with the label first or last.",
        default="marks",
        metavar="DATA",
        suggestions=data_sets,
        reads=True,
        panel=IMAGES,
    )
    test: str | None = option(
        "Test images of a .csv file's kind; without it a fifth of every class is kept for testing.",
        metavar="FILE",
        reads=True,
        panel=IMAGES,
    )
    size: str | None = option(
        "Pictures of a folder are resized to it; the images of a .csv have it.", metavar="HxW", panel=IMAGES
    )
    train: int | None = option(
        "Train on the first N images.", metavar="N", within=AT_LEAST_1, usual="all", panel=IMAGES
    )
    permute: bool = option(
        "Put the pixels of all images, training and test alike, into one random order.", panel=IMAGES
    )
    augment: str | None = option(
        "Move training images at random, anew every time: shift:K (up to K pixels), flip (left and right), both with a "
        "comma.",
        metavar="HOW",
        suggestions=augmentations,
        panel=IMAGES,
    )
    against: list[str] | None = option(
        "Train this network on the same data beside it; mlp alone has one hidden layer and as many parameters.",
        metavar="NETWORK",
        suggestions=networks,
        reads=True,
        panel=COMPARED,
    )
    shift: int | None = option(
        "Test with images moved by 0 to N pixels: the mean of up, down, left and right, zeros coming in.",
        metavar="N",
        within=AT_LEAST_0,
        panel=COMPARED,
    )
    seeds: int = option(
        "Train with the seeds SEED to SEED+N-1: medians and ranges.", default=1, within=AT_LEAST_1, panel=COMPARED
    )
    jobs: int = option(
        "Processes to share the runs.", default=1, within=AT_LEAST_1, panel=COMPARED, variable="DLMATH_JOBS"
    )
    at_least: float | None = option(
        "Exit status 1 when NETWORK's test accuracy (0 to 1; the median of the seeds) stays below.",
        metavar="ACCURACY",
        within=Within(0, 1),
        panel=COMPARED,
    )
    epochs: int = option("Passes over the training images.", default=20, within=AT_LEAST_0, panel=TRAINING)
    batch: int = option("Images of one step.", default=64, within=AT_LEAST_1, panel=TRAINING)
    optimizer: str = option(
        "The step, with its constants: momentum:mu=0.8, adam:beta2=0.99.",
        default="adam",
        metavar="NAME[:KEY=V,...]",
        suggestions=tuple(OPTIMIZERS),
        panel=TRAINING,
    )
    learning_rate: float = option("Step size.", default=0.003, metavar="ETA", within=POSITIVE, panel=TRAINING)
    schedule: str = option("How the step size goes on.", default="constant", choices=SCHEDULES, panel=TRAINING)
    weight_decay: float = option(
        "lambda: dL/dW gets lambda W more, for kernels and matrices.",
        default=0.0,
        metavar="LAMBDA",
        within=AT_LEAST_0,
        panel=TRAINING,
    )
    init: str | None = option(
        "How weights start; biases start at 0.",
        metavar="INIT",
        suggestions=tuple(INITIALISERS),
        usual="he",
        panel=TRAINING,
    )
    dtype: str = option(
        "Precision of the arithmetic.",
        default="float32",
        choices=("float32", "float64"),
        metavar="TYPE",
        panel=TRAINING,
    )
    check_gradients: bool = option(
        "Compare every gradient with central differences, at the start and in float64.", panel=LOOKED
    )
    image: int | None = option(
        "The test image that --explain and --show follow through the network.",
        metavar="N",
        within=AT_LEAST_0,
        usual="0",
        panel=LOOKED,
    )
    show: bool = option(
        "Learned kernels, the feature maps of one image and the surest wrong answers, in the terminal.", panel=LOOKED
    )
    weights: str | None = option(
        "Start NETWORK from these weights (.npz, .safetensors); with --epochs 0 it is only tested.",
        metavar="FILE",
        reads=True,
        panel=FILES,
    )
    save: str | None = option(
        "Write NETWORK's trained weights (.npz, .safetensors).", metavar="FILE", writes=True, panel=FILES
    )


RESULTS = {
    "networks.*.name": "the network as it was named; mlp with its width",
    "networks.*.params": "parameters",
    "networks.*.macs": "multiply-accumulates for one image",
    "networks.*.train_accuracy": "share of training images that are right; the median of the seeds",
    "networks.*.test_accuracy": "the same of test images",
    "networks.*.test_range.*": "least and largest test accuracy over the seeds",
    "networks.*.loss.epoch.*": "epochs of the shown run (the first seed); 0 is the start",
    "networks.*.loss.train.*": "mean cross-entropy of the training images after each epoch, as at test",
    "networks.*.loss.test.*": "the same of the test images",
    "networks.*.accuracy.epoch.*": "the same epochs",
    "networks.*.accuracy.train.*": "training accuracy of the shown run after each epoch",
    "networks.*.accuracy.test.*": "its test accuracy",
    "networks.*.shifted.*": "test accuracy with images moved by 0, 1, ... pixels (--shift), medians",
    "networks.*.confusion.*.*": "the shown run's test answers: truths down, answers across",
    "networks.*.wrong.*.image": "a wrongly answered test image's place, from 0; the surest 100 of the shown run",
    "networks.*.wrong.*.truth": "its class, from 0",
    "networks.*.wrong.*.answer": "the answer",
    "networks.*.wrong.*.probability": "the probability the network gave it",
    "networks.*.gradient_error": "largest relative error of a gradient (--check-gradients)",
    "networks.*.stopped": "epochs, diverged or interrupted (the shown run)",
    "networks.*.stuck": "runs whose loss ended within 1 % of ln(classes): nothing learned",
    "networks.*.runs.*.seed": "a run's seed",
    "networks.*.runs.*.train_accuracy": "its training accuracy",
    "networks.*.runs.*.test_accuracy": "its test accuracy",
    "networks.*.runs.*.train_loss": "its training loss at the end",
    "networks.*.runs.*.test_loss": "its test loss at the end",
    "networks.*.runs.*.shifted.*": "its test accuracy with moved images",
    "networks.*.runs.*.stopped": "why it ended",
    "data.name": "the data set",
    "data.train": "training images that were used",
    "data.test": "test images",
    "data.classes": "classes",
    "data.names.*": "their names",
    "data.shape.*": "height, width and channels of an image",
}
"""What a result holds; what was not asked for is null."""


def results(_words: Words) -> dict[str, str]:
    """Return what the result of such a call holds."""
    return RESULTS
