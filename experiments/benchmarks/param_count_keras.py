"""Every model of keras.applications, and one model of every layer class: does `dlmath` count what Keras counts?

    KERAS_BACKEND=numpy PEERS/bin/python experiments/benchmarks/param_count_keras.py

Each is built with random weights, its config is written as a .keras file's would be, and parameters, trainable
parameters and the output's shape are compared with `model.count_params()` and `model.output_shape`.
"""

from __future__ import annotations

import argparse
import gc
import json
import math
import sys
import tempfile
import zipfile
from pathlib import Path

import keras
from keras import layers

from dlmath.counting.engine.count import count
from dlmath.counting.models.keras import read_keras

OPEN = (224, 224, 3)
IMAGE, SEQUENCE, VECTOR, VOLUME = (13, 11, 6), (7, 5), (9,), (7, 6, 5, 4)
SINGLE = {
    # what is given: layers that take it
    IMAGE: [
        layers.Conv2D(5, (3, 2), strides=2, padding="same", activation="relu"),
        layers.Conv2D(4, 3, dilation_rate=2, groups=2, use_bias=False),
        layers.Conv2DTranspose(5, 3, strides=2, padding="same"),
        layers.Conv2DTranspose(5, 3, strides=2, padding="same", output_padding=1),
        layers.Conv2DTranspose(5, 2, strides=3, padding="valid"),
        layers.DepthwiseConv2D(3, depth_multiplier=2, padding="same"),
        layers.SeparableConv2D(7, 3, depth_multiplier=2, activation="silu"),
        layers.MaxPooling2D(3, 2, padding="same"),
        layers.AveragePooling2D((2, 3)),
        layers.AdaptiveAveragePooling2D((3, 4)),
        layers.AdaptiveMaxPooling2D(2),
        layers.GlobalMaxPooling2D(keepdims=True),
        layers.GlobalAveragePooling2D(),
        layers.ZeroPadding2D(((1, 2), (3, 4))),
        layers.Cropping2D(((1, 2), (3, 4))),
        layers.UpSampling2D((2, 3), interpolation="bilinear"),
        layers.Resizing(5, 4),
        layers.CenterCrop(5, 4),
        layers.BatchNormalization(scale=False),
        layers.BatchNormalization(axis=3),
        layers.LayerNormalization(),
        layers.LayerNormalization(axis=[2, 3]),
        layers.GroupNormalization(groups=3),
        layers.GroupNormalization(groups=-1),
        layers.RMSNormalization(),
        layers.UnitNormalization(),
        layers.Normalization(),
        layers.Normalization(mean=[1.0] * 6, variance=[1.0] * 6),
        layers.Rescaling(1 / 255, offset=-1),
        layers.PReLU(),
        layers.PReLU(shared_axes=[1, 2]),
        layers.LeakyReLU(),
        layers.ReLU(max_value=6),
        layers.ELU(),
        layers.Softmax(),
        layers.Activation("hard_silu"),
        layers.SpatialDropout2D(0.1),
        layers.GaussianNoise(0.1),
        layers.RandomFlip(),
        layers.Flatten(),
        layers.Reshape((-1, 6)),
        layers.Permute((3, 1, 2)),
        layers.Dense(5),
        layers.TimeDistributed(layers.Conv1D(4, 3)),
    ],
    SEQUENCE: [
        layers.Conv1D(4, 3, padding="causal"),
        layers.Conv1DTranspose(4, 3, strides=2),
        layers.DepthwiseConv1D(3, depth_multiplier=2),
        layers.SeparableConv1D(4, 3, depth_multiplier=2),
        layers.MaxPooling1D(2),
        layers.AveragePooling1D(2),
        layers.GlobalAveragePooling1D(),
        layers.GlobalMaxPooling1D(),
        layers.ZeroPadding1D(2),
        layers.Cropping1D(1),
        layers.UpSampling1D(3),
        layers.LSTM(4),
        layers.LSTM(4, return_sequences=True, use_bias=False),
        layers.GRU(4),
        layers.GRU(4, reset_after=False),
        layers.SimpleRNN(4),
        layers.RNN(layers.LSTMCell(4)),
        layers.RNN(layers.GRUCell(4), return_sequences=True),
        layers.Bidirectional(layers.LSTM(4, return_sequences=True)),
        layers.Bidirectional(layers.GRU(4), merge_mode="sum"),
        layers.TimeDistributed(layers.Dense(3)),
        layers.EinsumDense("abc,cd->abd", output_shape=(7, 64), bias_axes="d"),
        layers.EinsumDense("abc,cde->abde", output_shape=(7, 4, 6), bias_axes="de"),
        layers.EinsumDense("abc,bcd->ad", output_shape=(6,)),
        layers.Masking(),
    ],
    VECTOR: [layers.Embedding(100, 6), layers.RepeatVector(4), layers.Dense(3, activation="softmax")],
    VOLUME: [
        layers.Conv3D(3, 2),
        layers.Conv3DTranspose(3, 2, strides=2),
        layers.MaxPooling3D(2),
        layers.AveragePooling3D(2),
        layers.GlobalAveragePooling3D(),
        layers.ZeroPadding3D(1),
        layers.Cropping3D(1),
        layers.UpSampling3D(2),
    ],
}


def single_models():
    """Yield one model for each layer of SINGLE."""
    for shape, several in SINGLE.items():
        for layer in several:
            given = keras.Input(shape)
            yield type(layer).__name__, keras.Model(given, layer(given))


def joined_models():
    """Yield models of several inputs, outputs, uses of a layer, models inside models."""
    query, memory = keras.Input((4, 6)), keras.Input((7, 8))
    attended = layers.MultiHeadAttention(3, key_dim=5, value_dim=2)(query, memory)
    yield "MultiHeadAttention", keras.Model([query, memory], attended)
    attended = layers.MultiHeadAttention(2, key_dim=5, output_shape=9)(query=query, value=memory, key=memory)
    yield "MultiHeadAttention by name", keras.Model([query, memory], attended)
    same = keras.Input((4, 8))
    yield "Attention", keras.Model([same, memory], layers.Attention(use_scale=True)([same, memory]))
    yield "Dot", keras.Model([same, memory], layers.Dot(axes=2)([same, memory]))

    words, steps = keras.Input((5,)), layers.Embedding(50, 8)
    _, hidden, cell = layers.LSTM(8, return_state=True)(steps(words))
    more = keras.Input((6,))
    said = layers.LSTM(8, return_sequences=True)(steps(more), initial_state=[hidden, cell])
    yield "sequence to sequence, shared embedding", keras.Model([words, more], layers.Dense(50)(said))

    image = keras.Input((12, 12, 3))
    block = keras.Sequential([layers.Conv2D(4, 3, padding="same"), layers.BatchNormalization()], name="block")
    left, right = layers.Conv2D(3, 1)(image), layers.DepthwiseConv2D(3, padding="same")(image)
    merged = layers.Concatenate()([block(left), block(right)])
    tail_in = keras.Input((12, 12, 8))
    tail = keras.Model(tail_in, [layers.Flatten()(tail_in), layers.GlobalMaxPooling2D()(tail_in)], name="tail")
    flat, pooled = tail(merged * 2.0 + 1.0)
    outputs = [layers.Dense(2)(flat), layers.Dense(3)(pooled)]
    frozen = keras.Model(image, outputs)
    block.trainable = False
    yield "nested, shared, frozen, two outputs", frozen

    scorer = keras.Sequential([keras.Input((12, 3)), layers.Conv1D(4, 3), layers.Flatten(), layers.Dense(2)])
    yield "a model at every step", keras.Model(image, layers.TimeDistributed(scorer)(image))
    sums = [getattr(layers, name)()([left, right]) for name in ("Add", "Subtract", "Average", "Maximum", "Minimum")]
    yield "joins", keras.Model(image, layers.Multiply()(sums))


def application_models():
    """Yield every model of keras.applications with random weights."""
    for name in sorted(dir(keras.applications)):
        build = getattr(keras.applications, name)
        if name[0].isupper() and callable(build):
            try:
                yield name, build(weights=None)
            except ValueError as error:
                print(f"{name}: skipped, {str(error)[:70]}", file=sys.stderr)


def held(weights):
    return sum(math.prod(weight.shape) for weight in weights)


def compare(name, model, folder, failures):
    """Print one row; a difference is added to `failures`."""
    path = Path(folder) / "model.keras"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", model.to_json())
    open_shape = any(None in tensor.shape[1:] for tensor in model.inputs)
    network = read_keras(str(path), [OPEN] if open_shape else [])
    counted = count(network)
    ours = counted.params + counted.total("buffers"), counted.total("trainable_params")
    theirs = model.count_params(), held(model.trainable_weights)
    first = model.outputs[0].shape[1:]
    same_shape = open_shape or counted.output_shape == tuple(first)
    agree = ours == theirs and same_shape and not counted.missing
    print(f"{name:42}{ours[0]:>14,}{theirs[0]:>14,}{counted.macs:>18,}  {'agree' if agree else 'DIFFER'}", flush=True)
    if not agree:
        failures.append((name, ours, theirs, counted.output_shape, first, counted.missing))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", choices=["layers", "applications"])
    parser.add_argument("--save", type=Path, help="folder for the configs of the applications, as JSON")
    arguments = parser.parse_args()
    failures = []
    print(f"{'model':42}{'dlmath':>14}{'keras':>14}{'macs':>18}")
    with tempfile.TemporaryDirectory() as folder:
        for source in (single_models, joined_models, application_models):
            if arguments.only and (source is application_models) != (arguments.only == "applications"):
                continue
            for name, model in source():
                compare(name, model, folder, failures)
                if arguments.save and source is application_models:
                    (arguments.save / f"{name}.json").write_text(json.dumps(json.loads(model.to_json())))
                keras.backend.clear_session()
                gc.collect()
    for failure in failures:
        print("DIFFERS", *failure, file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
