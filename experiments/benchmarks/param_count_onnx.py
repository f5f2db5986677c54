"""The networks of param_count_conventions.py, exported to ONNX by PyTorch: does `dlmath` read the same counts back?

    PEERS/bin/python experiments/benchmarks/param_count_onnx.py

The exporter's constant folding puts batch norms into the convolutions before them, which then have biases: files are
written without it too. PyTorch drops initialisers that are equal, so that the weights are drawn at random first.
"""

from __future__ import annotations

import contextlib
import io
import sys
import tempfile
from pathlib import Path

import torch
from param_count_conventions import NETWORKS, modules, network

from dlmath.counting.engine.count import count
from dlmath.counting.models.onnx import read_onnx

NO_EXPORT = {"rmsnorm"}  # unknown to the opset
OTHER_SHAPES = {"vgg-like": (40, 40, 3)}  # the exporter wants pooling that divides the map


def randomised(model):
    with torch.no_grad():
        for tensor in (*model.parameters(), *model.buffers()):
            if tensor.is_floating_point():
                tensor.uniform_(0.1, 1)
    return model.eval()


def export(model, given, path, *, fold):
    mode = torch.onnx.TrainingMode.EVAL if fold else torch.onnx.TrainingMode.PRESERVE
    settings = {"dynamo": False, "opset_version": 17, "do_constant_folding": fold, "training": mode}
    with contextlib.redirect_stdout(io.StringIO()):
        torch.onnx.export(model, (given,), path, **settings)


def main():
    torch.manual_seed(0)
    differ = 0
    for name, (every, usual) in NETWORKS.items():
        layers = [layer for layer in every if layer[0] not in NO_EXPORT]
        shape = OTHER_SHAPES.get(name, usual)
        wanted = count(network(name, layers, shape))
        given = torch.zeros((1, *shape[-1:], *shape[:-1]) if len(shape) == 3 else (1, *shape))
        model = randomised(modules(layers, shape)[0])
        folds = any(row.node.kind == "batchnorm" and row.params for row in wanted.rows)
        for fold in (False, True):
            with tempfile.TemporaryDirectory() as folder:
                path = str(Path(folder) / "net.onnx")
                export(model, given.long() if len(shape) == 1 else given, path, fold=fold)
                found = count(read_onnx(path))
            same_params = found.params == wanted.params or (fold and folds)
            agree = same_params and (found.macs, found.output_shape) == (wanted.macs, wanted.output_shape)
            agree = agree and not found.missing
            differ += not agree
            print(
                f"{name:14}{found.params:>12,}{wanted.params:>12,}{found.macs:>16,}  {'agree' if agree else 'DIFFER'}"
            )
    return 1 if differ else 0


if __name__ == "__main__":
    sys.exit(main())
