"""Seed-epochs per second of gate training, on one core, side by side with peers.

The job of everyone: 2-2-1 networks of sigmoid units, the XOR table as one batch, squared error averaged over
the rows, plain gradient descent. One seed-epoch is one forward pass, backward pass and update of one network.
The peers start from the same weights, and before anything is timed they are held to the tutorial loop: outputs
and losses after 300 epochs.

    python experiments/benchmarks/train_gate_engine.py [--rounds 9] [--seconds 0.5] [--json FILE]
"""

from __future__ import annotations

import argparse
import ctypes
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import timing
from timing import Contender, Goal, Measurement

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np

    Train = Callable[[int], "Trained"]  # takes the number of epochs, always begins at the same start

SEEDS = 8192
RATE = 4.0
INIT = "uniform:1"  # every weight and bias on -1 to 1
CHECK_EPOCHS, CHECK_SEEDS = 300, 32
C_SOURCE = Path(__file__).parent / "peers" / "xor.c"
C_FLAGS = ("-O3", "-march=native", "-ffast-math", "-fopenmp-simd", "-shared", "-fPIC")


class Missing(Exception):  # noqa: N818 - it is not an error, the row is skipped
    """A peer is not there: the package or compiler is not installed."""


@dataclass(frozen=True)
class Start:
    """The table and the weights everyone starts from, seeds first: (S, 2, 2), (S, 2), (S, 2, 1), (S, 1)."""

    inputs: np.ndarray
    targets: np.ndarray
    parameters: tuple[np.ndarray, ...]

    @classmethod
    def draw(cls, seeds: int) -> Start:
        """Take the weights dlmath draws, so that its ensemble starts where the peers do."""
        import numpy as np

        from dlmath.neural.initialisers import draw_parameters, parse_initialiser

        network, init = _architecture(), parse_initialiser(INIT)
        drawn = draw_parameters(network, init, init, 0, seeds)
        (W1, W2), (b1, b2) = network.weights(drawn), network.biases(drawn)
        return cls(
            np.array([[0, 0], [0, 1], [1, 0], [1, 1]], dtype=np.float64),
            np.array([[0], [1], [1], [0]], dtype=np.float64),
            tuple(np.ascontiguousarray(np.moveaxis(array, -1, 0)) for array in (W1, b1, W2, b2)),
        )

    def of_seed(self, seed: int) -> Start:
        """Take one network alone."""
        return Start(self.inputs, self.targets, tuple(array[seed : seed + 1] for array in self.parameters))


@dataclass(frozen=True)
class Trained:
    """What a training gives back: outputs (networks shown, 4) and the mean squared errors of all networks."""

    outputs: np.ndarray
    losses: np.ndarray

    @classmethod
    def of(cls, outputs: np.ndarray) -> Trained:
        """Take the outputs of every network."""
        return cls(outputs, ((outputs - [0, 1, 1, 0]) ** 2).mean(axis=1))

    def distance(self, other: Trained) -> float:
        """Largest difference in the outputs and losses that both have."""
        pairs = ((self.outputs, other.outputs), (self.losses, other.losses))
        return max(float(abs(a[: len(b)] - b[: len(a)]).max()) for a, b in pairs)


@dataclass(frozen=True)
class Peer:
    """One way to do the job; `prepare` imports, compiles and returns the training function."""

    name: str
    seeds: int
    prepare: Callable[[Start], Train]
    accuracy: float = 2e-5  # after 300 epochs, against the float64 loop; float32 unless told otherwise


def tutorial_loop(start: Start) -> Train:
    """One network, float64, as every introduction to backpropagation writes it."""
    import numpy as np

    def sigmoid(z: np.ndarray) -> np.ndarray:
        return 1 / (1 + np.exp(-z))

    X, y = start.inputs, start.targets

    def train(epochs: int) -> Trained:
        W1, b1, W2, b2 = (array[0].copy() for array in start.parameters)
        for _ in range(epochs):
            hidden = sigmoid(X @ W1 + b1)
            output = sigmoid(hidden @ W2 + b2)
            delta2 = 2 / len(X) * (output - y) * output * (1 - output)
            delta1 = delta2 @ W2.T * hidden * (1 - hidden)
            W2 -= RATE * hidden.T @ delta2
            b2 -= RATE * delta2.sum(axis=0)
            W1 -= RATE * X.T @ delta1
            b1 -= RATE * delta1.sum(axis=0)
        return Trained.of(sigmoid(sigmoid(X @ W1 + b1) @ W2 + b2).T)

    return train


def torch_vmap(start: Start) -> Train:
    """All networks at once by torch.func: vmap of grad of the loss of one network."""
    import torch

    torch.set_num_threads(1)
    X, y = (torch.tensor(array, dtype=torch.float32) for array in (start.inputs, start.targets))
    first = tuple(torch.tensor(array, dtype=torch.float32) for array in start.parameters)

    def forward(parameters: tuple[Any, ...]) -> Any:
        W1, b1, W2, b2 = parameters
        return torch.sigmoid(torch.sigmoid(X @ W1 + b1) @ W2 + b2)

    def loss(parameters: tuple[Any, ...]) -> Any:
        return torch.nn.functional.mse_loss(forward(parameters), y)

    gradients = torch.func.vmap(torch.func.grad(loss))

    def train(epochs: int) -> Trained:
        parameters = tuple(parameter.clone() for parameter in first)
        with torch.no_grad():
            for _ in range(epochs):
                for parameter, gradient in zip(parameters, gradients(parameters), strict=True):
                    parameter.sub_(gradient, alpha=RATE)
            return Trained.of(torch.func.vmap(forward)(parameters)[..., 0].numpy())

    return train


def jax_vmap(start: Start) -> Train:
    """All networks at once by JAX: vmap of grad of the loss of one network, the epochs inside one compiled loop."""
    import jax
    import numpy as np
    from jax import numpy as jnp

    X, y = (jnp.asarray(array, dtype=jnp.float32) for array in (start.inputs, start.targets))
    first = tuple(jnp.asarray(array, dtype=jnp.float32) for array in start.parameters)

    def forward(parameters: tuple[Any, ...]) -> Any:
        W1, b1, W2, b2 = parameters
        return jax.nn.sigmoid(jax.nn.sigmoid(X @ W1 + b1) @ W2 + b2)

    def loss(parameters: tuple[Any, ...]) -> Any:
        return jnp.mean((forward(parameters) - y) ** 2)

    gradients = jax.vmap(jax.grad(loss))

    def epoch(_: int, parameters: tuple[Any, ...]) -> Any:
        return jax.tree.map(lambda value, gradient: value - RATE * gradient, parameters, gradients(parameters))

    @jax.jit
    def run(parameters: tuple[Any, ...], epochs: int) -> Any:
        return jax.vmap(forward)(jax.lax.fori_loop(0, epochs, epoch, parameters))

    return lambda epochs: Trained.of(np.asarray(run(first, epochs))[..., 0])


def c_loop(start: Start, real: str = "float") -> Train:
    """All networks at once by the C of peers/xor.c, compiled for this machine."""
    import numpy as np

    dtype, c_real = (np.float32, ctypes.c_float) if real == "float" else (np.float64, ctypes.c_double)
    library = _compile(real)
    library.train.argtypes = [ctypes.c_void_p] * 3 + [c_real, ctypes.c_long, ctypes.c_long]
    library.train.restype = None
    X, y = start.inputs.astype(dtype), start.targets.astype(dtype)
    W1, b1, W2, b2 = start.parameters
    units = [(W1[:, 0, h], W1[:, 1, h], b1[:, h]) for h in (0, 1)]
    first = np.stack([*units[0], *units[1], *W2[:, :, 0].T, b2[:, 0]])
    if first.shape[1] % library.block_size():
        raise ValueError(f"the C loop wants a multiple of {library.block_size()} seeds")

    def train(epochs: int) -> Trained:
        parameters = first.astype(dtype)  # always a copy
        addresses = (parameters.ctypes.data, X.ctypes.data, y.ctypes.data)
        library.train(*addresses, RATE, parameters.shape[1], epochs)
        p = parameters[:, None]
        x1, x2 = X.T[:, :, None]
        hidden = [1 / (1 + np.exp(-(p[k] * x1 + p[k + 1] * x2 + p[k + 2]))) for k in (0, 3)]
        return Trained.of((1 / (1 + np.exp(-(p[6] * hidden[0] + p[7] * hidden[1] + p[8])))).T)

    return train


def _compile(real: str) -> ctypes.CDLL:
    compiler = shutil.which("gcc")
    if compiler is None:
        raise Missing("gcc")
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder) / f"xor_{real}.so"
        command = [compiler, *C_FLAGS, f"-DREAL={real}", str(C_SOURCE), "-o", str(library), "-lm"]
        subprocess.run(command, check=True)
        return ctypes.CDLL(str(library))  # stays loaded after its file is gone


def dlmath_train(start: Start, dtype: str) -> Train:
    """All networks at once by dlmath's public function, which also records when each reaches the tolerance.

    The tolerance is one that no network reaches, so every seed runs all its epochs.
    """
    from dlmath.gates.engine.training import TrainingSettings, train

    network, seeds = _architecture(), len(start.parameters[0])

    def run(epochs: int) -> Trained:
        settings = TrainingSettings(
            network,
            learning_rate=RATE,
            epochs=epochs,
            until="tolerance:1e-9",
            init=INIT,
            bias_init=INIT,
            dtype=dtype,
            seeds=seeds,
        )
        result = train(start.inputs, start.targets, settings)
        if (result.stopped_at != epochs).any():
            raise SystemExit("dlmath stopped a network before its last epoch: nothing can be counted")
        return Trained(result.shown.outputs.T, result.losses)

    return run


def _architecture() -> Any:
    from dlmath.neural.architecture import Architecture

    return Architecture((2, 2, 1), ("sigmoid", "sigmoid"))


TUTORIAL, TORCH, JAX = "tutorial loop, one network, f64", "torch.func.vmap(grad), f32", "JAX jit(vmap(grad)), f32"
C32, C64, DLMATH32, DLMATH64 = "C loop, f32", "C loop, f64", "dlmath, f32", "dlmath, f64"

PEERS = (
    Peer(TUTORIAL, 1, tutorial_loop, accuracy=1e-13),
    Peer(TORCH, SEEDS, torch_vmap),
    Peer(JAX, SEEDS, jax_vmap),
    Peer(C32, SEEDS, c_loop),
    Peer(C64, SEEDS, lambda start: c_loop(start, "double"), accuracy=1e-12),
    Peer(DLMATH32, SEEDS, lambda start: dlmath_train(start, "float32")),
    Peer(DLMATH64, SEEDS, lambda start: dlmath_train(start, "float64"), accuracy=1e-12),
)


def goals(measurement: Measurement) -> list[Goal]:
    """State the bounds of the issue: how many times the rate of each peer dlmath reaches."""
    bounds = ((TUTORIAL, DLMATH32, 900), (TORCH, DLMATH32, 10), (JAX, DLMATH32, 2.5), (C32, DLMATH32, 0.45))
    return [
        Goal(f"{ours} / {peer}", measurement.ratio(dear=peer, cheap=ours), bound, "at least")
        for peer, ours, bound in bounds
    ]


def ready(peers: tuple[Peer, ...], start: Start) -> dict[Peer, Train]:
    """Prepare the peers that are there and hold each to the tutorial loop; say which are skipped and why."""
    import numpy as np

    alone = [tutorial_loop(start.of_seed(seed))(CHECK_EPOCHS) for seed in range(CHECK_SEEDS)]
    oracle = Trained.of(np.concatenate([network.outputs for network in alone]))
    trains: dict[Peer, Train] = {}
    for peer in peers:
        try:
            train = peer.prepare(start)
        except (ImportError, Missing) as reason:
            print(f"skipped: {peer.name}: {reason}")
            continue
        error = train(CHECK_EPOCHS).distance(oracle)
        if not error <= peer.accuracy:
            raise SystemExit(
                f"{peer.name} computes something else: after {CHECK_EPOCHS} epochs it differs by {error:.1e}"
            )
        print(f"agrees:  {peer.name}: within {error:.1e} after {CHECK_EPOCHS} epochs")
        trains[peer] = train
    return trains


def contender(peer: Peer, train: Train, seconds: float) -> Contender:
    """Make turns of about `seconds` seconds of a peer's training."""
    # From 1000 epochs on, as in real runs: weights are drawn and failures diagnosed once a run
    epochs = timing.repeats_for(seconds, train, start=1000)
    return Contender(peer.name, lambda: timing.timed(lambda: train(epochs)), units=peer.seeds * epochs)


def report(measurement: Measurement) -> str:
    """Tabulate the rates, and the ratio to the tutorial loop."""
    names = [contender.name for contender in measurement.contenders]
    rows = [
        (
            name,
            timing.significant(1 / measurement.cost(name)),
            timing.significant(1e9 * measurement.cost(name)),
            measurement.ratio(dear=TUTORIAL, cheap=name) or "-",
        )
        for name in names
    ]
    return timing.table(("contender", "seed-epochs/s", "ns", "x tutorial loop"), rows)


def main() -> None:
    """Check, measure, report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9, help="turns of each contender (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=0.5, help="length of a turn (default: %(default)s)")
    parser.add_argument("--core", type=int, help="the core to run on (default: the last one)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="append the results to FILE as JSON lines")
    options = parser.parse_args()
    core = timing.pin_to_core(options.core)
    where = timing.machine(("dlmath", "numpy", "torch", "jax", "jaxlib"))
    print(f"{where['processor']}, core {core}; {where['packages']}")
    trains = ready(PEERS, Start.draw(SEEDS))
    contenders = [contender(peer, train, options.seconds) for peer, train in trains.items()]
    measurement = timing.measure(contenders, options.rounds)
    found = goals(measurement)
    print(f"\nCPU time on one core, {options.rounds} interleaved rounds, medians\n\n{report(measurement)}")
    print(f"\n{timing.goals_table(found)}")
    if options.json:
        timing.keep(options.json, "train-gate-engine", measurement, found, where)


if __name__ == "__main__":
    main()
