"""Model files: a zip of NumPy arrays and one JSON text. Nothing in them is ever run.

A file is written beside its place and renamed, so there is always a whole one.
"""

from __future__ import annotations

import io
import json
import os
import zipfile
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from gradcheck_cli.errors import DataError, FileError, GradcheckError
from gradcheck_cli.train.arrays import padded
from gradcheck_cli.train.loop import Epoch, Position
from gradcheck_cli.train.network import Network, read_network
from gradcheck_cli.train.recipes import Recipe

if TYPE_CHECKING:
    from pathlib import Path

    from gradcheck_cli.train.loop import Trainer

FORMAT = "gradcheck model 1"
_MOST_META = 4_000_000


@dataclass(frozen=True, slots=True)
class Model:
    """What a model file has: the network, its parameters, and all that a training needs to go on."""

    network: Network
    recipe: Recipe
    params: dict[str, Any]
    states: dict[str, Any]
    position: Position
    history: tuple[Epoch, ...]
    dataset: str
    size: tuple[int, int]
    top: int
    backend: str
    rows: int


def save(path: Path, trainer: Trainer) -> None:
    """Write the state of a training; FileError where that cannot be done."""
    engine, dataset = trainer.engine, trainer.dataset
    meta = {
        "format": FORMAT,
        "network": engine.network.text,
        "recipe": asdict(engine.recipe),
        "position": asdict(trainer.position),
        "history": [asdict(one) for one in trainer.history],
        "dataset": dataset.name,
        "size": list(dataset.size),
        "top": dataset.top,
        "features": int(np.prod(dataset.size)),
        "classes": dataset.classes,
        "backend": engine.backend.name,
        "rows": trainer.rows,
        "states": sorted(engine.states),
    }
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        with zipfile.ZipFile(part, "w", zipfile.ZIP_STORED) as file:
            file.writestr("model.json", json.dumps(meta, indent=1))
            for kind, arrays in (("param", engine.params), ("state", engine.states)):
                for name, array in arrays.items():
                    file.writestr(f"{kind}/{name}.npy", _bytes(array))
        with part.open("rb+") as written:
            os.fsync(written.fileno())
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        message = f"{path}: cannot be written: {error.strerror or error}"
        raise FileError(message, hint="name another file") from error


def _bytes(array: Any) -> bytes:
    file = io.BytesIO()
    np.lib.format.write_array(file, np.ascontiguousarray(array), allow_pickle=False)
    return file.getvalue()


def load(path: Path) -> Model:
    """Read a model file; FileError where it is not there, DataError where it is none, cut off, or does not fit itself."""
    try:
        with zipfile.ZipFile(path) as file:
            return _model(file)
    except OSError as error:
        message = f"{path}: cannot be read: {error.strerror or error}"
        raise FileError(message, hint="a model file of gradcheck train was expected") from error
    except (
        zipfile.BadZipFile,
        LookupError,
        ValueError,
        TypeError,
        EOFError,
        NotImplementedError,
        RuntimeError,
    ) as error:
        raise _foreign(path) from error
    except GradcheckError as error:
        raise _foreign(path) from error


def _foreign(path: Path) -> DataError:
    message = f"{path}: this is no model of gradcheck, or a damaged one"
    return DataError(message, hint="a file that gradcheck train --save wrote was expected")


def _model(file: zipfile.ZipFile) -> Model:
    if file.getinfo("model.json").file_size > _MOST_META:
        raise ValueError
    meta = json.loads(file.read("model.json"))
    if meta["format"] != FORMAT:
        raise ValueError
    recipe = Recipe(**(meta["recipe"] | {"hidden": tuple(meta["recipe"]["hidden"])}))
    for one in fields(Recipe):
        if type(getattr(recipe, one.name)) is not type(one.default) and not isinstance(getattr(recipe, one.name), int):
            raise ValueError
    network = read_network(str(meta["network"]), "network", int(meta["features"]), int(meta["classes"]), recipe.hidden)
    shapes = network.parameters()
    params = {name: _array(file, f"param/{name}.npy", shape, recipe.dtype) for name, shape in shapes.items()}
    states = {}
    for name in meta["states"]:
        states[name] = _array(file, f"state/{name}.npy", shapes[name.split(":", 1)[1]], recipe.dtype)
    position = Position(**meta["position"])
    history = tuple(Epoch(**one) for one in meta["history"])
    rows, columns = map(int, meta["size"])
    parts = (str(meta["dataset"]), (rows, columns), int(meta["top"]), str(meta["backend"]), int(meta["rows"]))
    return Model(network, recipe, params, states, position, history, *parts)


def _array(file: zipfile.ZipFile, name: str, shape: tuple[int, ...], dtype: str) -> Any:
    """An array of a file: its size is checked before it is read, its header before its data."""
    if dtype not in ("float32", "float64"):
        raise ValueError
    wanted = int(np.prod(shape)) * np.dtype(dtype).itemsize
    if not wanted < file.getinfo(name).file_size <= wanted + 4096:
        raise ValueError
    found = np.lib.format.read_array(io.BytesIO(file.read(name)), allow_pickle=False, max_header_size=4000)
    if found.shape != shape or found.dtype != np.dtype(dtype):
        raise ValueError
    array = padded(shape, dtype)
    array[...] = found
    return array
