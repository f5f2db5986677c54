"""Keras model files: the `config.json` of a .keras zip, or a config saved by `model.to_json()`.

Only the description of the layers is read; the weights stay packed. Format: Keras 3, `saving_lib`; configs of Keras 2
are read too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dlmath.counting.models.archive import members, read_member
from dlmath.counting.models.inputs import GivenInputs
from dlmath.counting.models.opening import damaged, opened, stem
from dlmath.errors import InvalidValueError, UnreadableError
from dlmath.files.text import shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dlmath.counting.engine.graph import Network, Shape

MEMBER = "config.json"
LARGEST_CONFIG = 64 * 2**20
"""Bytes; the largest of keras.applications has 1 MB."""
ZIP_MAGIC = b"PK"


def read_keras(name: str, inputs: GivenInputs | Sequence[Shape] = ()) -> Network:
    """Return the network a .keras file (or the JSON of its config) describes.

    Parameters
    ----------
    name : str
        The file; `-` is standard input.
    inputs : GivenInputs, or sequence of shapes, optional
        Shapes to use in place of the file's. What stays open is open: parameters are counted all the same.

    Raises
    ------
    UnreadableError
        When the zip or config is damaged, describes no layers, or joins layers that do not fit.
    """
    return keras_network(_parsed(_config_text(name), name), name, inputs)


def keras_network(model: Any, name: str, inputs: GivenInputs | Sequence[Shape] = ()) -> Network:
    """Return the network of a parsed config: {"class_name": ..., "config": {"layers": [...]}}."""
    from dlmath.counting.models.keras_walk import KerasWalk

    _check_model(model, name)
    given = inputs if isinstance(inputs, GivenInputs) else GivenInputs({}, tuple(inputs))
    try:
        return KerasWalk(given).network(model, stem(name), name)
    except InvalidValueError as error:
        raise InvalidValueError(f"{shown(name)}: {error.what}", error.mend) from error
    except UnreadableError as error:
        raise UnreadableError(f"{shown(name)}: {error.what}", error.mend) from error
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, RecursionError) as error:
        fault = f"its config says no {error}" if isinstance(error, KeyError) else str(error)[:200]
        raise damaged(name, fault) from error


def _check_model(model: Any, name: str) -> None:
    config = model.get("config") if isinstance(model, dict) else None
    if isinstance(config, dict) and isinstance(config.get("layers"), list) and config["layers"]:
        return
    kind = str(model.get("class_name", "?"))[:60] if isinstance(model, dict) else "this"
    raise UnreadableError(
        f"{shown(name)}: the config lists no layers ({kind} is no Sequential or Functional model)",
        "a subclassed model keeps its layers in code: export it to ONNX and give that file",
    )


def _config_text(name: str) -> bytes:
    with opened(name) as (file, size):
        head = file.read(2)
        if head != ZIP_MAGIC:
            if not head.lstrip().startswith(b"{") or size > LARGEST_CONFIG:
                raise damaged(name, "is neither a .keras zip nor a JSON config")
            return head + file.read()
    with members(name) as archive:
        return read_member(archive, name, MEMBER, LARGEST_CONFIG)


def _parsed(text: bytes, name: str) -> Any:
    import json

    from dlmath.files.text import unique

    try:
        return json.loads(text.decode("utf-8-sig"), object_pairs_hook=unique)
    except (ValueError, RecursionError) as error:
        raise damaged(name, f"{MEMBER} is no JSON ({str(error)[:100]})") from error
