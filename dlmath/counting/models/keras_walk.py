"""A Keras config walked through: models inside models, layers used several times, layers run at every time step."""

from __future__ import annotations

from collections import defaultdict
from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING, Any, NamedTuple

from dlmath.counting.engine.open_sizes import OPEN, UNRANKED
from dlmath.counting.models import keras_pointwise, keras_sequences, keras_windows
from dlmath.counting.models.builder import ModelBuilder
from dlmath.counting.models.keras_inbound import Inbound, keys, parse_inbound, shapes_said
from dlmath.counting.models.keras_plan import KerasCall, KerasPlan, KerasStep, opaque, turned
from dlmath.errors import UnreadableError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dlmath.counting.engine.graph import Network, Shape
    from dlmath.counting.models.inputs import GivenInputs
    from dlmath.counting.models.keras_inbound import Key

RULES: dict[str, Callable[[KerasCall], KerasPlan]] = {
    **keras_windows.RULES,
    **keras_pointwise.RULES,
    **keras_sequences.RULES,
}
"""One rule a layer class."""

DEEPEST = 30
"""Models within models."""

Use = tuple[str, int]


class KerasPlace(NamedTuple):
    """Where in the model a layer stands.

    Attributes
    ----------
    path : str
        Its name and those of the models around it, uses counted.
    owner : str
        The same without the counts of uses: what its parameters are known by.
    times : int
    frozen : bool
    depth : int
    """

    path: str = ""
    owner: str = ""
    times: int = 1
    frozen: bool = False
    depth: int = 0

    def inside(self, name: str, use: int = 0) -> KerasPlace:
        """Return the place of a layer within this one."""
        before, owned = (f"{self.path}/", f"{self.owner}/") if self.path else ("", "")
        path = f"{before}{name}@{use + 1}" if use else f"{before}{name}"
        return self._replace(path=path, owner=owned + name, depth=self.depth + 1)


class KerasWalk:
    """One reading of a config.

    Parameters
    ----------
    given : GivenInputs
        What the user gives instead of the file's input shapes; with them the file's other shapes say nothing.
    """

    def __init__(self, given: GivenInputs) -> None:
        self.given = given
        self.builder = ModelBuilder()
        self._shared_objects: dict[int, str] = {}

    def network(self, model: dict[str, Any], name: str, source: str) -> Network:
        """Return the network of a whole config."""
        config = model["config"]
        layers = _input_layers(config)
        given = self.given.shapes([(str(layer["name"]), _text(layer["shape"])) for layer in layers])
        feeds = [self._input(layer, shape) for layer, shape in zip(layers, given, strict=True)]
        outputs = self._model(config, feeds, KerasPlace())
        return self.builder.network(str(config.get("name", name))[:80] or name, tuple(outputs), source)

    def _input(self, layer: dict[str, Any], given: Shape | None) -> int:
        name, said = layer["name"], layer["shape"]
        shape = tuple(OPEN if size is None else size for size in said) if given is None else given
        if not shape or not all(isinstance(size, int) and not isinstance(size, bool) for size in shape):
            raise ValueError(f"input {name!r} has the shape {list(shape)}")
        return self.builder.add(str(name), "input", {"shape": shape}, ())

    def _model(self, config: dict[str, Any], feeds: Sequence[int], place: KerasPlace) -> list[int]:
        if place.depth > DEEPEST:
            raise ValueError(f"models are nested more than {DEEPEST} deep")
        if "input_layers" in config:
            return self._functional(config, feeds, place)
        return self._sequential(config, feeds, place)

    def _sequential(self, config: dict[str, Any], feeds: Sequence[int], place: KerasPlace) -> list[int]:
        current = list(feeds)
        for layer in config["layers"]:
            if layer["class_name"] != "InputLayer":
                current = self._layer(layer, current, place.inside(layer["config"]["name"]))
        return current

    def _functional(self, config: dict[str, Any], feeds: Sequence[int], place: KerasPlace) -> list[int]:
        made = _fed(config, feeds)
        layers = {layer["name"]: layer for layer in config["layers"]}
        said = dict(pair for layer in config["layers"] for pair in shapes_said(layer["inbound_nodes"]))
        for (name, use), inbound in _in_order(config, set(layers)):
            layer = layers[name]
            sources = [_found(made, key) for key in inbound.inputs(layer["class_name"])]
            shape = None if self.given else _said(said.get((name, use, 0)))
            outputs = self._layer(layer, sources, place.inside(name, use), shape, inbound.constants)
            made.update({(name, use, number): output for number, output in enumerate(outputs)})
        return [_found(made, key) for key in keys(config["output_layers"])]

    def _layer(
        self,
        layer: dict[str, Any],
        sources: list[int],
        place: KerasPlace,
        said: Shape | None = None,
        constants: tuple[Any, ...] = (),
    ) -> list[int]:
        """Add one use of a layer, whatever it is; whoever is at fault is named."""
        try:
            config, kind = layer["config"], layer["class_name"]
            place = place._replace(owner=self._owner(layer, place), frozen=place.frozen or not _trains(config))
            if isinstance(config.get("layers"), list):
                return self._model(config, sources, place)
            sources = self._believed(layer, sources, place)
            if kind == "TimeDistributed":
                return self._each_step(config["layer"], sources, place)
            if kind == "SpectralNormalization":
                return self._spectral(config["layer"], sources, place)
            call = KerasCall(kind, config, tuple(self.builder.shapes[source] for source in sources), said, constants)
            return self._planned(_plan(call, layer), sources, place)
        except UnreadableError as error:
            if error.what.startswith(("layer ", "input ")):
                raise
            raise UnreadableError(f"layer {place.path[:80]!r}: {error.what}", error.mend) from error
        except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
            fault = f"its config says no {error}" if isinstance(error, KeyError) else str(error)
            raise UnreadableError(f"layer {place.path[:80]!r}: {fault[:200]}", "is the file damaged?") from error

    def _believed(self, layer: dict[str, Any], sources: list[int], place: KerasPlace) -> list[int]:
        """Take the file's word for the shape a layer was built on, where what comes before is not understood."""
        built = (layer.get("build_config") or {}).get("input_shape")
        shape = None if self.given else _said(built)
        if shape is None or not any(self.builder.shapes[source] is UNRANKED for source in sources):
            return sources
        return [
            self._step(KerasStep("reshape", {"shape": shape}), (source,), place, 9)
            if self.builder.shapes[source] is UNRANKED
            else source
            for source in sources
        ]

    def _spectral(self, inner: dict[str, Any], sources: list[int], place: KerasPlace) -> list[int]:
        """Add a layer whose weights are divided by their largest singular value (Miyato et al. 2018).

        Its estimate keeps a vector of as many numbers as the layer has outputs, which no gradient trains.
        """
        within = place.inside(inner["config"]["name"])
        first = len(self.builder.nodes)
        outputs = self._layer(inner, sources, within)
        counted = next((node for node in self.builder.nodes[first:] if "out" in node.options), None)
        if counted is not None:
            vector = KerasStep("parameter", {"shape": (counted.options["out"],)}, ())
            self._step(vector, (), place._replace(frozen=True), 1)
        return outputs

    def _owner(self, layer: dict[str, Any], place: KerasPlace) -> str:
        """Return what the layer's parameters are known by: one object may stand in several models."""
        shared = layer.get("shared_object_id")
        return place.owner if shared is None else self._shared_objects.setdefault(int(shared), place.owner)

    def _planned(self, plan: KerasPlan, sources: list[int], place: KerasPlace) -> list[int]:
        made: list[int] = []
        for number, step in enumerate(plan.steps):
            wanted = step.sources
            if wanted is None:
                inputs = tuple(sources) if number == 0 else (made[-1],)
            else:
                inputs = tuple(made[one] if one >= 0 else sources[-1 - one] for one in wanted)
            made.append(self._step(step, inputs, place, number))
        self.builder.notes += [f"{place.path}: {note}" for note in plan.notes]
        return [made[output] for output in plan.outputs]

    def _step(self, step: KerasStep, inputs: tuple[int, ...], place: KerasPlace, number: int) -> int:
        tail = f":{step.kind}" if number else ""
        owner = f"{place.owner}:{number}"
        options = dict(step.options)
        if step.kind == "opaque" and options.get("shape") is None:
            options["shape"] = UNRANKED
        return self.builder.add(
            place.path + tail, step.kind, options, inputs, owner=owner, times=place.times, frozen=place.frozen
        )

    def _each_step(self, inner: dict[str, Any], sources: list[int], place: KerasPlace) -> list[int]:
        """Add a layer that runs at every step of a sequence: one step taken, the layer, its output repeated."""
        (source,) = sources[:1]
        steps = self.builder.shapes[source][0]
        within = place._replace(times=place.times * steps)
        taken = self._step(KerasStep("take"), (source,), place, 0)
        name = inner["config"]["name"]
        outputs = self._layer(inner, [taken], within.inside(name))
        return [self._stacked(output, steps, place) for output in outputs]

    def _stacked(self, output: int, steps: int, place: KerasPlace) -> int:
        shape = self.builder.shapes[output]
        lone = self._step(KerasStep("reshape", {"shape": (1, *shape)}), (output,), place, 1)
        factors = (steps, *(1,) * (len(shape) - 1))
        return self._step(KerasStep("upsample", {"factor": factors}), (lone,), place, 2)


def _plan(call: KerasCall, layer: dict[str, Any]) -> KerasPlan:
    """Return the steps of a layer; an unknown class has its parameters and operations missing, never zero."""
    if call.config.get("data_format") == "channels_first" and call.rank > 1 and call.kind != "Flatten":
        return turned(call, 0, lambda inner: _plan(inner, layer))
    if str(layer.get("module", "")).startswith(("keras.src.ops", "keras.ops")):
        return keras_pointwise.operation(call)
    rule = RULES.get(call.kind)
    plan = opaque(call) if rule is None else rule(call)
    if call.config.get("lora_rank"):
        return plan._replace(notes=("the parameters of its low-rank adapter (LoRA) are not counted",))
    return plan


def _trains(config: dict[str, Any]) -> bool:
    return bool(config.get("trainable", True))


def _text(shape: Any) -> str:
    return "x".join("?" if size is None else str(size) for size in shape)


def _said(shape: Any) -> Shape | None:
    """Return a shape the file gives without its batch; sizes it leaves open are."""
    if (
        not isinstance(shape, list)
        or len(shape) < 2
        or not all(size is None or type(size) is int for size in shape[1:])
    ):
        return None
    return tuple(OPEN if size is None else size for size in shape[1:])


def _input_layers(config: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the name and shape of each input of a whole model, without the batch."""
    layers = config["layers"]
    if "input_layers" in config:
        named = {layer["name"]: layer["config"] for layer in layers}
        found = [named[key[0]] for key in keys(config["input_layers"])]
    else:
        found = [layers[0]["config"]]
        if not _batch_shape(found[0]):
            built = config.get("build_input_shape") or layers[0].get("build_config", {}).get("input_shape")
            found = [{"name": "input", "batch_shape": built}]
    shapes = [_batch_shape(one) for one in found]
    if not all(isinstance(shape, list) for shape in shapes):
        raise ValueError("the file does not say its input's shape; build the model before it is saved")
    return [{"name": one["name"], "shape": shape[1:]} for one, shape in zip(found, shapes, strict=True)]


def _batch_shape(config: dict[str, Any]) -> Any:
    return config.get("batch_shape") or config.get("batch_input_shape")


def _fed(config: dict[str, Any], feeds: Sequence[int]) -> dict[Key, int]:
    """Return the tensors of a model's input layers."""
    wanted = list(keys(config["input_layers"]))
    if len(wanted) != len(feeds):
        raise ValueError(f"it has {len(wanted)} inputs and is given {len(feeds)}")
    return dict(zip(wanted, feeds, strict=True))


def _found(made: dict[Key, int], key: Key) -> int:
    if key not in made:
        raise ValueError(f"output {key[2]} of use {key[1]} of layer {key[0]!r} is wanted, and there is none")
    return made[key]


def _in_order(config: dict[str, Any], known: set[str]) -> list[tuple[Use, Inbound]]:
    """Return the uses of layers so that each comes after those it needs, otherwise in the file's order."""
    inputs = {key[0] for key in keys(config["input_layers"])}
    uses: dict[Use, Inbound] = {}
    for layer in config["layers"]:
        if layer["name"] not in inputs:
            uses |= {(layer["name"], number): parse_inbound(node) for number, node in enumerate(layer["inbound_nodes"])}
    return _sorted(uses, {(name, 0) for name in inputs & known})


def _sorted(uses: dict[Use, Inbound], done: set[Use]) -> list[tuple[Use, Inbound]]:
    ranks = {use: rank for rank, use in enumerate(uses)}
    waiting = {use: inbound.needs() - done for use, inbound in uses.items()}
    users: dict[Use, list[Use]] = defaultdict(list)
    for use, needs in waiting.items():
        for need in needs:
            users[need].append(use)
    ready = [(ranks[use], use) for use, needs in waiting.items() if not needs]
    heapify(ready)
    order = []
    while ready:
        _, use = heappop(ready)
        order.append((use, uses[use]))
        for user in users[use]:
            waiting[user].discard(use)
            if not waiting[user]:
                heappush(ready, (ranks[user], user))
    if len(order) < len(uses):
        stuck = next(use for use, needs in waiting.items() if needs)
        raise ValueError(f"layer {stuck[0]!r} needs what no layer gives: {min(waiting[stuck])[0]!r}")
    return order
