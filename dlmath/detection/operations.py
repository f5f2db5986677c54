"""The operations of `dlmath boxes`: what each takes, and where it is run. Names and words alone: no arrays."""

from __future__ import annotations

from typing import NamedTuple

READING = ("boxes", "inclusive", "image")
"""Options that say how boxes are written; every operation that reads boxes has them."""


class Operation(NamedTuple):
    """One operation.

    Attributes
    ----------
    name, about : str
    arguments : tuple of str
        What is read, in order.
    least : int
        How many of them must be there.
    fields : tuple of str
        Options that have a meaning here, besides those of every command.
    module : str
        Of this house: it has `check`, `run` and `RESULTS`.
    """

    name: str
    about: str
    arguments: tuple[str, ...]
    least: int
    fields: tuple[str, ...]
    module: str


OPERATIONS = {
    operation.name: operation
    for operation in (
        Operation(
            "iou",
            "how much boxes overlap",
            ("A", "[B]"),
            1,
            (*READING, "like", "kind", "crowd", "at", "picture"),
            "run_overlap",
        ),
        Operation(
            "encode",
            "regression targets of proposals and truths",
            ("P", "G"),
            2,
            (*READING, "like", "weights", "at", "picture"),
            "run_encoding",
        ),
        Operation(
            "decode",
            "boxes of proposals and regression targets",
            ("P", "T"),
            2,
            (*READING, "like", "weights", "clamp", "at", "picture"),
            "run_encoding",
        ),
        Operation(
            "nms",
            "of boxes that overlap, only the best stays",
            ("B",),
            1,
            (*READING, "like", "scores", "threshold", "score_threshold", "per_class", "soft", "top", "picture"),
            "run_suppression",
        ),
        Operation(
            "anchors",
            "boxes of a few sizes and shapes over every cell of a map",
            ("[TRUTHS]",),
            0,
            (*READING, "like", "size", "ratios", "scales", "stride", "map", "offset", "at", "picture"),
            "run_anchors",
        ),
        Operation(
            "match",
            "which anchors are taught as objects",
            ("ANCHORS", "TRUTHS"),
            2,
            (*READING, "like", "low", "high", "keep_best", "picture"),
            "run_matching",
        ),
        Operation(
            "roi-pool",
            "the maxima of a region's bins",
            ("MAP", "B"),
            2,
            ("boxes", "image", "like", "output", "scale", "at", "picture"),
            "run_regions",
        ),
        Operation(
            "roi-align",
            "the means of points sampled in a region's bins",
            ("MAP", "B"),
            2,
            ("boxes", "image", "like", "output", "scale", "sampling", "unaligned", "at", "picture"),
            "run_regions",
        ),
        Operation(
            "average-precision",
            "one number for a ranking of detections",
            ("DETECTIONS", "TRUTHS"),
            2,
            (*READING, "like", "iou", "rule", "max_detections"),
            "run_precision",
        ),
        Operation(
            "regress",
            "box regression learned",
            ("FEATURES", "P", "G"),
            0,
            (*READING, "penalty", "rounds", "pairs_above", "picture_demo", "seed"),
            "run_regression",
        ),
        Operation(
            "cost",
            "what R-CNN, Fast R-CNN and Faster R-CNN cost",
            (),
            0,
            ("image", "regions", "proposals", "classes"),
            "run_costs",
        ),
    )
}
"""Every operation, by name."""


class Conventions(NamedTuple):
    """What one library does in one operation; None leaves the option as it is.

    Attributes
    ----------
    inclusive : bool or None
    boxes : str or None
        How it writes boxes.
    clamp : str or None
    far_corner : float or None
        What decoding takes off the far corner where it is not `plus`.
    style : str or None
        How anchors are made.
    sampling : int or None
    unaligned : bool or None
    rule : str or None
    iou : tuple of str or None
    """

    inclusive: bool | None = None
    boxes: str | None = None
    clamp: str | None = None
    far_corner: float | None = None
    style: str | None = None
    sampling: int | None = None
    unaligned: bool | None = None
    rule: str | None = None
    iou: tuple[str, ...] | None = None


OURS = Conventions()
LIKE = {
    "torchvision": {
        **dict.fromkeys(("iou", "encode", "decode", "nms", "match", "roi-pool"), OURS),
        "anchors": Conventions(style="torchvision"),
        "roi-align": Conventions(sampling=0, unaligned=True),
    },
    "detectron2": {
        **dict.fromkeys(("iou", "encode", "decode", "nms", "match", "roi-pool"), OURS),
        "anchors": Conventions(style="detectron2"),
        "roi-align": Conventions(sampling=0, unaligned=False),
    },
    "py-faster-rcnn": {
        **dict.fromkeys(("iou", "encode", "nms", "match"), Conventions(inclusive=True)),
        # its decoder forgets the 1 that its encoder adds: far corners come out one pixel further
        "decode": Conventions(inclusive=True, clamp="none", far_corner=0.0),
        "anchors": Conventions(style="py-faster-rcnn", inclusive=True),
        "roi-pool": OURS,
    },
    "pycocotools": {
        "iou": Conventions(boxes="xywh"),
        "average-precision": Conventions(boxes="xywh", rule="coco", iou=("coco",)),
    },
}
"""Library to operation to its conventions; what is missing it does not have."""
