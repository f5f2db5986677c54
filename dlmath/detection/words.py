"""`dlmath boxes`: its options, each once."""

from dlmath.detection.operations import LIKE, OPERATIONS
from dlmath.frame.words import AT_LEAST_0, AT_LEAST_1, FINITE, Seeded, Within, argument, option

FORMS = ("corners", "xywh", "cxcywh")
KINDS = ("iou", "giou", "diou", "ciou")
RULES = ("coco", "voc", "voc11")
SHARE = Within(0, 1)

READING, OVERLAP, REGRESSION = "how boxes are written", "iou, match", "encode, decode, regress"
SUPPRESSION, ANCHORS, REGIONS = "nms", "anchors", "roi-pool, roi-align"
PRECISION, COSTS, SHOWING = "average-precision", "cost", "what is shown"


class Words(Seeded):
    """The words of one call; None and False stand for "not given"."""

    operation: str | None = argument(
        "OPERATION", "; ".join(f"{o.name}: {o.about}" for o in OPERATIONS.values()) + ".", suggestions=tuple(OPERATIONS)
    )
    inputs: list[str] | None = argument(
        "BOXES",
        "Boxes: \"0 0 10 10; 2 2 12 14\", .csv, .json, .npy, COCO's JSON, YOLO's .txt or VOC's .xml (or a folder of "
        "them), - for standard input. A score, a class and a picture stand behind the four numbers, or in columns of "
        "these names. "
        + "; ".join(f"{o.name} {' '.join(o.arguments)}" for o in OPERATIONS.values() if o.arguments)
        + ".",
        reads=True,
        aliases=("input",),
    )
    boxes: str | None = option(
        "Of boxes whose file does not say it: x1 y1 x2 y2; left, top, width, height; centre, width, height.",
        choices=FORMS,
        metavar="HOW",
        usual="corners",
        panel=READING,
    )
    inclusive: bool = option(
        "Pixels, both ends included: width x2 - x1 + 1, everywhere. Otherwise coordinates are continuous.",
        panel=READING,
    )
    image: str | None = option(
        "Size of the picture: boxes are clipped to it, shares of it (0 to 1) become pixels.",
        metavar="WxH",
        panel=READING,
    )
    like: str | None = option("All conventions of that library.", choices=tuple(LIKE), metavar="TOOL", panel=READING)
    kind: str = option("Measure of overlap.", default="iou", choices=KINDS, metavar="KIND", panel=OVERLAP)
    crowd: bool = option("B are crowds: the intersection over A's own area.", panel=OVERLAP)
    low: float = option("match: background below it.", default=0.3, within=SHARE, panel=OVERLAP)
    high: float = option("match: an object from it on.", default=0.7, within=SHARE, panel=OVERLAP)
    keep_best: bool = option("match: each truth's best anchors are objects anyhow.", default=True, panel=OVERLAP)
    weights: str | None = option(
        "Factors of the four targets: 10,10,5,5.", metavar="X,X,X,X", usual="1,1,1,1", panel=REGRESSION
    )
    clamp: str | None = option(
        "decode: the largest dw, dh; none for no bound.", metavar="X", usual="4.135, ln(1000/16)", panel=REGRESSION
    )
    penalty: float = option(
        "regress: weight of |W|^2.", flag="--lambda", default=1000.0, within=AT_LEAST_0, panel=REGRESSION
    )
    rounds: int = option(
        "regress: times the boxes are moved, looking anew.", default=1, within=Within(1, 1000), panel=REGRESSION
    )
    pairs_above: float = option(
        "regress: only proposals with IoU above it learn.", default=0.6, within=Within(0, 1, open_high=True),
        panel=REGRESSION,
    )  # fmt: skip
    picture_demo: int | None = option(
        "regress: learn on N pictures drawn by the program, try on N others.", within=Within(2, 20_000),
        panel=REGRESSION,
    )  # fmt: skip
    scores: str | None = option(
        'Scores of B, where its rows have none: "0.9 0.8", or a file.', metavar="X...", reads=True, panel=SUPPRESSION
    )
    threshold: float = option(
        "A box is suppressed by IoU strictly above it.", default=0.5, within=SHARE, panel=SUPPRESSION
    )
    score_threshold: float | None = option("Only boxes with this score or more.", within=FINITE, panel=SUPPRESSION)
    per_class: bool = option("Only boxes of one class suppress each other.", panel=SUPPRESSION)
    soft: str | None = option(
        "Lower scores instead: linear, or gaussian:SIGMA.", metavar="linear|gaussian:SIGMA",
        suggestions=("linear", "gaussian:0.5"), panel=SUPPRESSION,
    )  # fmt: skip
    top: int | None = option("At most N boxes are kept.", within=AT_LEAST_1, panel=SUPPRESSION)
    size: str | None = option(
        "Sides of the square anchors: 128,256,512.", metavar="X,X,...", usual="128,256,512; with --scales 16",
        panel=ANCHORS,
    )  # fmt: skip
    ratios: str = option("Height over width.", default="0.5,1,2", metavar="X,X,...", panel=ANCHORS)
    scales: str | None = option("Factors of every size.", metavar="X,X,...", usual="1", panel=ANCHORS)
    stride: str = option(
        "Pixels between cells, down and across: 16, or 16x8.", default="16", metavar="N", panel=ANCHORS
    )
    map: str | None = option(
        "Cells of the feature map.", metavar="HxW", usual="--image over --stride, rounded down", panel=ANCHORS
    )
    offset: float = option(
        "Where a cell's point is, in strides: 0 its corner, 0.5 its centre.", default=0.0, within=SHARE, panel=ANCHORS
    )
    output: str = option("Bins down and across.", default="7x7", metavar="HxW", panel=REGIONS)
    scale: str = option("Cells of the map for a pixel of the picture: 1/16.", default="1", metavar="X", panel=REGIONS)
    sampling: int | None = option(
        "roi-align: samples of a bin along each axis; 0: one a cell.", within=Within(0, 64), usual="2", panel=REGIONS
    )
    unaligned: bool = option("roi-align: no half cell is taken off (the first way).", panel=REGIONS)
    iou: list[str] | None = option(
        "IoU from which a detection is right; several, or coco (.5, .55, ... .95).", metavar="X|coco", usual="0.5",
        panel=PRECISION,
    )  # fmt: skip
    rule: str | None = option(
        "How the area is read off: 101 levels, all points, 11 levels.", choices=RULES, metavar="RULE", usual="coco",
        panel=PRECISION,
    )  # fmt: skip
    max_detections: int | None = option(
        "Of an image and class, the best ones.", within=AT_LEAST_1, usual="100 with coco, else all", panel=PRECISION
    )
    regions: int = option("Regions of a picture from outside.", default=2000, within=AT_LEAST_1, panel=COSTS)
    proposals: int = option("Regions that the proposal network leaves.", default=300, within=AT_LEAST_1, panel=COSTS)
    classes: int = option("Kinds of objects, background apart.", default=20, within=AT_LEAST_1, panel=COSTS)
    at: str | None = option(
        "What --explain and --plot show: a pair I,J of iou, a box I, an anchor's cell ROW,COL, a bin BOX,ROW,COL.",
        metavar="I,J,...", panel=SHOWING,
    )  # fmt: skip
    picture: str | None = option("--plot draws the boxes over it.", metavar="FILE", reads=True, panel=SHOWING)


BOXES = {"boxes.*.*": "x1 y1 x2 y2 of each box"}
ALL_RESULTS = {
    "iou": {
        "kind": "the measure",
        "matrix.*.*": "overlap of each box of A (rows) with each of B",
        "best.*.index": "for each of A: the box of B it overlaps most, the first of equals",
        "best.*.value": "and how much",
        "mean": "mean of the matrix",
    },
    "encode": {"targets.*.*": "tx ty tw th of each pair"},
    "decode": {**BOXES, "clamped": "boxes whose size was cut"},
    "nms": {
        "keep.*": "rows kept, in order of score",
        "scores.*": "of the kept rows, lowered by --soft",
        "suppressed.*.box": "a row that was not kept",
        "suppressed.*.by": "the row that suppressed it: of the kept ones above the threshold that of highest score; "
        "null under --soft",
        "suppressed.*.iou": "with it",
        "dropped.*": "rows below --score-threshold, or beyond --top",
        "count": "boxes kept",
    },
    "anchors": {
        "base.*.*": "x1 y1 x2 y2 of one cell's anchors",
        "anchors.*.*": "of all cells, cell by cell; null without a map",
        "map.*": "rows and columns; null without a map",
        "count": "anchors in all",
        "inside": "of them, wholly within the picture; null where its size is unknown",
        "covered": "share of TRUTHS that some anchor overlaps by more than 0.5; null without truths",
        "covered_by_class.*": "the same, class by class",
        "best.*": "of each truth, the highest IoU any anchor has; null without truths",
    },
    "match": {
        "labels.*": "1 object, 0 background, -1 left out",
        "match.*": "the truth each anchor overlaps most; null where there is none",
        "iou.*": "with it",
        "rescued.*": "anchors that are objects only as the best of a truth",
        "best.*": "for each truth, the highest IoU any anchor has",
        "counts.*": "anchors by label",
        "covered": "share of the truths that some anchor overlaps by more than 0.5",
    },
    "roi-pool": {
        "values.**": "boxes, rows, columns (, channels)",
        "bins.*.*.*.*": "x1 y1 x2 y2 of each bin in cells, the ends not included",
    },
    "roi-align": {"values.**": "boxes, rows, columns (, channels)", "bins.**": "null: nothing is rounded"},
    "average-precision": {
        "ap": "mean over classes and thresholds; null where no class has truths",
        "ap_by_class.*": "mean over thresholds; null without truths",
        "ap_by_iou.*": "mean over classes, for each threshold",
        "reason": "why ap is null, else null",
        "classes.*": "their names",
        "truths": "to be found",
        "detections": "given",
        "counted": "detections that count: not left out, and of no ignored truth",
        "coco.*": "COCO's twelve figures (--iou coco --rule coco), else null",
        "curve.*.class": "of each class with truths, at the first threshold",
        "curve.*.recall.*": "after each detection",
        "curve.*.precision.*": "after each detection",
        "curve.*.envelope.*": "the best precision from there on",
        "decisions.*.image": "picture of a detection (null where none is told), in order of class and score",
        "decisions.*.class": "its class",
        "decisions.*.score": "its score",
        "decisions.*.detection": "its row",
        "decisions.*.truth": "row of the truth it took, or null",
        "decisions.*.iou": "with that truth, else the best with any of its picture and class",
        "decisions.*.correct": "whether it is right; null where it took an ignored truth",
    },
    "regress": {
        "pairs": "proposals that were used to learn",
        "iou_before": "mean IoU with the truths (of the pictures it was tried on)",
        "iou_after.*": "the same after each round",
        "train_before": "on the pairs that were learned from",
        "train_after.*": "after each round",
        "tried": "proposals it was tried on",
        "share_above.*": "of them with IoU above 0.8, before and after each round; null with files",
        "explained.*": "R^2 of tx ty tw th",
        "weights.*.*": "features by tx ty tw th",
        "bias.*": "of tx ty tw th",
    },
    "cost": {
        "designs.*.name": "the detector",
        "designs.*.passes": "what goes through the network how often",
        "designs.*.macs": "multiply-accumulates of a picture",
        "designs.*.ratio": "R-CNN's MACs over these",
        "designs.*.params": "parameters",
        "designs.*.published": "what its paper measured; null for other settings than the paper's",
        "designs.*.terms.*.name": "a part",
        "designs.*.terms.*.times": "how often it runs",
        "designs.*.terms.*.macs": "MACs of one run",
        "anchors.paper": "60 x 40 cells of 9 anchors, as the paper reckons",
        "anchors.map.*": "rows and columns of the picture's real map",
        "anchors.count": "anchors on it",
        "anchors.inside": "of them, wholly within the picture (py-faster-rcnn's)",
        "rpn.*.name": "layers of the proposal network",
        "rpn.*.macs": "their MACs",
        "rpn.*.params": "their parameters",
    },
}
"""What each operation's result holds."""


def results(words: Words) -> dict[str, str]:
    """Return what the result of such a call holds."""
    every = {path: text for paths in ALL_RESULTS.values() for path, text in paths.items()}
    return ALL_RESULTS.get((words.operation or "").lower().replace("_", "-"), every)
