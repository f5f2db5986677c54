"""Boxes beside the libraries people use: torchvision, pycocotools, and the NumPy loop of the tutorials.

    PEERS/bin/python experiments/benchmarks/boxes_engine.py [--rounds 5] [--only iou nms ...] [--json FILE]
    PEERS/bin/python experiments/benchmarks/boxes_engine.py --agree       differences from the libraries themselves
    PEERS/bin/python experiments/benchmarks/boxes_engine.py --memory      peak memory beyond the result

CPU time on one pinned core; ratios are medians of interleaved rounds. Before anything is timed, results are held to
each other: kept boxes and pooled values must be equal, COCO's twelve figures to the last bit. torchvision gets its
float64 tensors ready made.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import math
import sys
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import timing
from timing import Contender, Goal

timing.pin_to_core()

import numpy as np  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable

    from dlmath.neural.arrays import Array

SEED = 20
PICTURES, PER_PICTURE, CLASSES, TRUTHS = 5_000, 100, 80, 35_000
FLOAT32 = 1e-6
OURS = "dlmath"


# --- what is worked on ----------------------------------------------------------------------------------------------


def scattered(count: int) -> tuple[Array, Array]:
    """Return boxes of which few overlap much, and scores."""
    rng = np.random.default_rng(SEED)
    low = rng.uniform(0, 40 * math.sqrt(count), (count, 2))
    return np.concatenate([low, low + rng.uniform(2, 60, (count, 2))], axis=1).round(2), rng.random(count)


def clustered(count: int) -> tuple[Array, Array]:
    """Return boxes in crowds of about forty, as a detector gives them, and scores."""
    rng = np.random.default_rng(SEED)
    low = rng.uniform(0, 1000, (count // 40, 2))
    centres = np.concatenate([low, low + rng.uniform(40, 140, (count // 40, 2))], axis=1)
    moved = centres[rng.integers(0, len(centres), count)] + rng.normal(0, 4, (count, 4))
    low, high = np.minimum(moved[:, :2], moved[:, 2:]), np.maximum(moved[:, :2], moved[:, 2:])
    return np.concatenate([low, high], axis=1), rng.random(count)


def regions() -> tuple[Array, Array]:
    """Return a map of 50 x 50 x 256 and a thousand regions of an 800-pixel picture."""
    rng = np.random.default_rng(SEED)
    low = rng.uniform(0, 500, (1000, 2))
    return rng.normal(size=(50, 50, 256)), np.concatenate([low, low + rng.uniform(20, 300, (1000, 2))], axis=1)


@cache
def evaluation() -> dict[str, Array]:
    """Return truths (x y w h, 1 % crowds) and detections near some of them."""
    rng = np.random.default_rng(SEED)
    truth = np.concatenate([rng.random((TRUTHS, 2)) * 500, np.exp(rng.normal(3.8, 0.9, (TRUTHS, 2)))], axis=1).round(2)
    image, label = np.sort(rng.integers(0, PICTURES, TRUTHS)), rng.integers(0, CLASSES, TRUTHS)
    count = PICTURES * PER_PICTURE
    source, near = rng.integers(0, TRUTHS, count), rng.random(count) < 0.6
    found = truth[source] + rng.normal(0, 0.15, (count, 4)) * truth[source][:, [2, 3, 2, 3]]
    found[:, 2:] = np.abs(found[:, 2:]) + 1
    return {
        "truth": truth,
        "truth_image": image,
        "truth_label": label,
        "crowd": rng.random(TRUTHS) < 0.01,
        "found": found.round(2),
        "image": np.where(near, image[source], rng.integers(0, PICTURES, count)),
        "label": np.where(near, label[source], rng.integers(0, CLASSES, count)),
        "score": rng.random(count).round(3),
    }


# --- the peers ------------------------------------------------------------------------------------------------------


def torchvision() -> Any:
    """Return the library, on one thread; None where it is not there or does not import."""
    try:
        import torch
        import torchvision
    except (ImportError, RuntimeError):
        return None
    torch.set_num_threads(1)
    return torchvision


def tensor(values: Array) -> Any:
    """Return an array as a tensor."""
    import torch

    return torch.from_numpy(np.ascontiguousarray(values))


def tutorial_nms(boxes: Array, scores: Array, threshold: float) -> list[int]:
    """Return what the NumPy loop of most tutorials keeps (continuous coordinates)."""
    x1, y1, x2, y2 = boxes.T
    areas = (x2 - x1) * (y2 - y1)
    order = scores.argsort(kind="stable")[::-1]
    keep = []
    while order.size:
        i = order[0]
        keep.append(int(i))
        w = np.maximum(0.0, np.minimum(x2[i], x2[order[1:]]) - np.maximum(x1[i], x1[order[1:]]))
        h = np.maximum(0.0, np.minimum(y2[i], y2[order[1:]]) - np.maximum(y1[i], y1[order[1:]]))
        overlap = w * h / (areas[i] + areas[order[1:]] - w * h)
        order = order[1:][overlap <= threshold]
    return keep


def coco_tools() -> Callable[[], Any] | None:
    """Return a call that evaluates with pycocotools (loading apart), None where it is not there."""
    try:
        from pycocotools.coco import COCO
        from pycocotools.cocoeval import COCOeval
    except ImportError:
        return None
    data = evaluation()
    truth_columns = (data[name].tolist() for name in ("truth", "truth_image", "truth_label", "crowd"))
    annotations = [
        {
            "id": number,
            "image_id": image,
            "category_id": label,
            "bbox": box,
            "area": box[2] * box[3],
            "iscrowd": int(crowd),
        }
        for number, (box, image, label, crowd) in enumerate(zip(*truth_columns, strict=True), start=1)
    ]
    found_columns = (data[name].tolist() for name in ("found", "image", "label", "score"))
    results = [
        {"image_id": image, "category_id": label, "bbox": box, "score": score}
        for box, image, label, score in zip(*found_columns, strict=True)
    ]
    with contextlib.redirect_stdout(io.StringIO()):
        truths = COCO()
        truths.dataset = {
            "info": {},
            "images": [{"id": k} for k in range(PICTURES)],
            "categories": [{"id": k} for k in range(CLASSES)],
            "annotations": annotations,
        }
        truths.createIndex()
        detections = truths.loadRes(results)

    def evaluate() -> Any:
        with contextlib.redirect_stdout(io.StringIO()):
            judge = COCOeval(truths, detections, "bbox")
            judge.evaluate()
            judge.accumulate()
            judge.summarize()
        return judge.stats

    return evaluate


def our_figures() -> Callable[[], dict[str, float | None]]:
    """Return a call that evaluates with dlmath, arrays ready made."""
    from dlmath.detection.engine.average_precision import Detections, Truths
    from dlmath.detection.engine.evaluation import coco_figures
    from dlmath.detection.engine.geometry import from_xywh

    data = evaluation()
    truth, found = data["truth"], data["found"]
    truths = Truths(
        from_xywh(truth, 0.0), data["truth_label"], data["truth_image"], data["crowd"], data["crowd"],
        truth[:, 2] * truth[:, 3],
    )  # fmt: skip
    detections = Detections(
        from_xywh(found, 0.0), data["score"], data["label"], data["image"], found[:, 2] * found[:, 3]
    )
    return partial(coco_figures, detections, truths)


# --- groups: contenders, checks, goals ------------------------------------------------------------------------------


class Group:
    """Contenders of one task, and what must hold of their results."""

    def __init__(self, name: str, calls: dict[str, Callable[[], Any]], goals: dict[str, float], same: Any) -> None:
        self.name, self.calls, self.goals, self.same = name, calls, goals, same

    def check(self) -> None:
        """Raise when a peer finds something else."""
        ours = self.calls[OURS]()
        for name, call in self.calls.items():
            if name != OURS and not self.same(ours, call()):
                raise SystemExit(f"{self.name}: {name} finds something else than dlmath")

    def measure(self, rounds: int) -> tuple[timing.Measurement, list[Goal]]:
        """Let them take turns."""
        contenders = [Contender(name, partial(timing.timed, call)) for name, call in self.calls.items()]
        measured = timing.measure(contenders, rounds, warm_up=1)
        goals = [
            Goal(f"{self.name}: dlmath / {name}", measured.ratio(OURS, name), bound, "at most")
            for name, bound in self.goals.items()
        ]
        return measured, goals


def equal(a: Any, b: Any) -> bool:
    """Tell whether two results hold the same numbers."""
    return bool(np.array_equal(np.asarray(a), np.asarray(b)))


def iou_group() -> Group:
    """Return overlaps of 10,000 boxes with 10,000."""
    from dlmath.detection.engine.overlap import iou_matrix

    (a, _), (b, _) = scattered(10_000), clustered(10_000)
    calls: dict[str, Callable[[], Any]] = {OURS: partial(iou_matrix, a, b)}
    library = torchvision()
    if library is not None:
        calls["torchvision"] = partial(library.ops.box_iou, tensor(a), tensor(b))
    return Group("iou 10,000 x 10,000", calls, {"torchvision": 0.2}, equal)


def nms_group(name: str, count: int, make: Any, bounds: dict[str, float]) -> Group:
    """Return suppression of many boxes at 0.5."""
    from dlmath.detection.engine.suppression import nms

    boxes, scores = make(count)
    calls: dict[str, Callable[[], Any]] = {OURS: lambda: nms(boxes, scores, 0.5).keep}
    library = torchvision()
    if library is not None:
        calls["torchvision"] = partial(library.ops.nms, tensor(boxes), tensor(scores), 0.5)
    if "tutorial" in bounds:
        calls["tutorial"] = partial(tutorial_nms, boxes, scores, 0.5)
    return Group(f"nms {count:,} {name}", calls, bounds, equal)


def pool_group() -> Group:
    """Return RoIPool of a thousand regions."""
    from dlmath.detection.engine.roi_pooling import roi_pool

    feature_map, boxes = regions()
    calls: dict[str, Callable[[], Any]] = {OURS: lambda: roi_pool(feature_map, boxes, (7, 7), 1 / 16).values}
    library = torchvision()
    if library is not None:
        given = tensor(feature_map.transpose(2, 0, 1)[None]), [tensor(boxes)], (7, 7), 1 / 16
        calls["torchvision"] = lambda: library.ops.roi_pool(*given)
    return Group("roi-pool 1,000", calls, {"torchvision": 0.5}, channels_last_equal)


def align_group() -> Group:
    """Return RoIAlign of a thousand regions."""
    from dlmath.detection.engine.roi_align import Sampling, roi_align

    feature_map, boxes = regions()
    calls: dict[str, Callable[[], Any]] = {OURS: lambda: roi_align(feature_map, boxes, Sampling(scale=1 / 16))}
    library = torchvision()
    if library is not None:
        given = tensor(feature_map.transpose(2, 0, 1)[None]), [tensor(boxes)], (7, 7), 1 / 16, 2, True
        calls["torchvision"] = lambda: library.ops.roi_align(*given)
    return Group("roi-align 1,000", calls, {"torchvision": 1.3}, channels_last_equal)


def channels_last_equal(ours: Any, theirs: Any) -> bool:
    """Tell whether pooled values agree, to rounding."""
    return bool(np.abs(ours - np.asarray(theirs).transpose(0, 2, 3, 1)).max() < 1e-12)


def coco_group() -> Group:
    """Return COCO's twelve figures of 5,000 pictures with 100 detections each."""
    calls: dict[str, Callable[[], Any]] = {OURS: our_figures()}
    peer = coco_tools()
    if peer is not None:
        calls["pycocotools"] = peer
    return Group("COCO, 5,000 pictures", calls, {"pycocotools": 0.1}, twelve_equal)


ORDER = ("AP", "AP50", "AP75", "APsmall", "APmedium", "APlarge")
ORDER += ("AR1", "AR10", "AR100", "ARsmall", "ARmedium", "ARlarge")


def twelve_equal(ours: dict[str, float | None], theirs: Array) -> bool:
    """Tell whether all figures are equal to the last bit (pycocotools prints -1 for none)."""
    return [(-1.0 if ours[name] is None else ours[name]) for name in ORDER] == theirs.tolist()


GROUPS: dict[str, list[Callable[[], Group]]] = {
    "iou": [iou_group],
    "nms": [
        partial(nms_group, "scattered", 1_000, scattered, {}),
        partial(nms_group, "scattered", 10_000, scattered, {"torchvision": 0.3, "tutorial": 0.1}),
        partial(nms_group, "clustered", 10_000, clustered, {"torchvision": 1.5}),
    ],
    "nms-100k": [
        partial(nms_group, "scattered", 100_000, scattered, {"torchvision": 0.05}),
        partial(nms_group, "clustered", 100_000, clustered, {"torchvision": 0.7}),
    ],
    "pool": [pool_group],
    "align": [align_group],
    "coco": [coco_group],
}


# --- agreement and memory -------------------------------------------------------------------------------------------


def agreements() -> list[tuple[str, str, int, float, float]]:
    """Return (library, what, cases, largest difference, bound) of what `--like` promises."""
    library = torchvision()
    if library is None:
        return []
    return [*torchvision_agreements(library), *coco_agreements()]


def difference(ours: Any, theirs: Any) -> float:
    """Return the largest absolute difference."""
    return float(np.abs(np.asarray(ours, dtype=np.float64) - np.asarray(theirs, dtype=np.float64)).max(initial=0.0))


def torchvision_agreements(library: Any) -> list[tuple[str, str, int, float, float]]:
    """Hold every operation to torchvision's."""
    import torch
    from torchvision.models.detection import _utils as helpers

    from dlmath.detection.engine.anchors import RATIOS, STYLES, grid_anchors
    from dlmath.detection.engine.encoding import decode, encode
    from dlmath.detection.engine.matching import match
    from dlmath.detection.engine.overlap import iou_matrix
    from dlmath.detection.engine.roi_align import Sampling, roi_align
    from dlmath.detection.engine.roi_pooling import roi_pool
    from dlmath.detection.engine.suppression import nms

    (a, _), (b, _) = clustered(1200), clustered(800)
    b = b + 3.0
    made: list[tuple[str, str, int, float, float]] = []

    def row(what: str, cases: int, value: float, bound: float = 0.0) -> None:
        made.append(("torchvision", what, cases, value, bound))

    row(
        "iou, float64", a.shape[0] * b.shape[0], difference(iou_matrix(a, b), library.ops.box_iou(tensor(a), tensor(b)))
    )
    ops = library.ops
    peers = {"giou": ops.generalized_box_iou, "diou": ops.distance_box_iou, "ciou": ops.complete_box_iou}
    for kind, peer in peers.items():  # the peer adds an epsilon of 1e-7 to denominators
        row(
            f"{kind}, float64",
            a.shape[0] * b.shape[0],
            difference(iou_matrix(a, b, kind), peer(tensor(a), tensor(b))),
            FLOAT32,
        )
    for make in (scattered, clustered):
        boxes, values = make(3000)
        for threshold in (0.3, 0.5, 0.7):
            same = equal(nms(boxes, values, threshold).keep, library.ops.nms(tensor(boxes), tensor(values), threshold))
            row(f"nms {threshold}, {make.__name__}", 3000, 0.0 if same else math.inf)
    coder = helpers.BoxCoder((10.0, 10.0, 5.0, 5.0))
    pair = a[:800], b
    targets = encode(*pair, (10, 10, 5, 5))
    row("encode, float64", 800, difference(targets, coder.encode_single(tensor(pair[1]), tensor(pair[0]))), 1e-12)
    back = coder.decode_single(tensor(targets), tensor(pair[0]))
    row("decode, float64", 800, difference(decode(pair[0], targets, (10, 10, 5, 5)), back), 1e-9)
    for sizes in ((32.0,), (128.0, 256.0, 512.0)):
        generator = library.models.detection.anchor_utils.AnchorGenerator((sizes,), (RATIOS,))
        images = library.models.detection.image_list.ImageList(torch.zeros(1, 3, 608, 1008), [(608, 1008)])
        theirs = generator(images, [torch.zeros(1, 1, 38, 63)])[0]
        base = STYLES["torchvision"].base(sizes, RATIOS, (1.0,))
        row("anchors, float32", len(theirs), difference(grid_anchors(base, 38, 63, (16, 16)), theirs))
    matcher = helpers.Matcher(0.7, 0.3, allow_low_quality_matches=True)
    theirs = matcher(library.ops.box_iou(tensor(b), tensor(a)).clone()).numpy()
    ours = match(a, b)
    theirs_labels = np.where(theirs >= 0, 1, np.where(theirs == -1, 0, -1))
    row("match: labels", len(a), difference(ours.labels, theirs_labels))
    row("match: truths", len(a), difference(ours.match[theirs >= 0], theirs[theirs >= 0]))
    feature_map, boxes = regions()
    feature_map = feature_map[:, :, :8]
    for output in ((7, 7), (3, 5)):
        given = tensor(feature_map.transpose(2, 0, 1)[None]), [tensor(boxes * 1.3 - 60)], output, 1 / 16
        pooled = roi_pool(feature_map, boxes * 1.3 - 60, output, 1 / 16).values
        row(
            f"roi-pool {output}",
            1000,
            difference(pooled, np.asarray(library.ops.roi_pool(*given)).transpose(0, 2, 3, 1)),
        )
        for aligned in (True, False):
            for samples in (0, 2):
                theirs = library.ops.roi_align(*given, samples or -1, aligned)
                ours_aligned = roi_align(feature_map, boxes * 1.3 - 60, Sampling(output, samples, aligned, 1 / 16))
                what = f"roi-align {output}, {'aligned' if aligned else 'unaligned'}, {samples} samples"
                row(what, 1000, difference(ours_aligned, np.asarray(theirs).transpose(0, 2, 3, 1)), 1e-12)
    return made


def coco_agreements() -> list[tuple[str, str, int, float, float]]:
    """Hold overlaps with crowds, and the figures, to pycocotools'."""
    try:
        from pycocotools import mask
    except ImportError:
        return []
    from dlmath.detection.engine.geometry import from_xywh
    from dlmath.detection.engine.overlap import iou_matrix

    data = evaluation()
    found, truth = data["found"][:1500], data["truth"][:1000]
    made = []
    for crowd in (False, True):
        theirs = mask.iou(found, truth, [int(crowd)] * len(truth))
        ours = iou_matrix(from_xywh(found, 0.0), from_xywh(truth, 0.0), crowd=crowd)
        # both round x + w; pycocotools takes the area of w x h, dlmath that of the corners
        made.append(("pycocotools", f"iou{', crowds' if crowd else ''}", theirs.size, difference(ours, theirs), 1e-10))
    peer = coco_tools()
    if peer is not None:
        same = twelve_equal(our_figures()(), peer())
        made.append(("pycocotools", "twelve figures, equal bits", 12, 0.0 if same else math.inf, 0.0))
    return made


def memory() -> None:
    """Print the peak of a process that makes a matrix, less the matrix and the process without it."""
    import subprocess

    script = (
        "import resource, numpy as np\n"
        "from dlmath.detection.engine.overlap import iou_matrix\n"
        "a = np.random.default_rng(0).random((10_000, 4)).cumsum(axis=1)\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "m = iou_matrix(a, a)\n"
        "print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024 - m.nbytes)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    print(f"10,000 x 10,000: {int(done.stdout) / 2**20:.1f} MiB beyond the result (goal: at most 64 MiB)")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", nargs="+", choices=sorted(GROUPS), default=list(GROUPS))
    parser.add_argument("--agree", action="store_true")
    parser.add_argument("--memory", action="store_true")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    if options.memory:
        memory()
        return 0
    where = timing.machine(("numpy", "torch", "torchvision", "pycocotools"))
    print(json.dumps(where))
    if options.agree:
        rows = agreements()
        cells = [(*row[:3], f"{row[3]:.3g}", f"{row[4]:g}", "yes" if row[3] <= row[4] else "NO") for row in rows]
        print(timing.table(("library", "what", "cases", "largest difference", "bound", "agrees"), cells))
        return 0 if all(row[3] <= row[4] for row in rows) else 1
    goals: list[Goal] = []
    for name in options.only:
        for make in GROUPS[name]:
            group = make()
            group.check()
            measured, found = group.measure(min(options.rounds, 2) if name in {"nms-100k", "coco"} else options.rounds)
            seconds = [(contender, f"{1000 * measured.seconds(contender):.3g} ms") for contender in group.calls]
            print(f"\n{timing.table((group.name, 'CPU time'), seconds)}", flush=True)
            goals += found
            if options.json:
                timing.keep(options.json, f"boxes {group.name}", measured, found, where)
    print(f"\n{timing.goals_table(goals)}")
    return 0 if all(goal.verdict != "MISSED" for goal in goals) else 1


if __name__ == "__main__":
    sys.exit(main())
