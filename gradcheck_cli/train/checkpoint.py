"""Model files: a zip of NumPy arrays and one JSON text. Nothing in them is ever run.

A file is written beside its place and renamed, so there is always a whole one.
"""

from __future__ import annotations

import contextlib
import io
import json
import math
import os
import stat
import zipfile
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from gradcheck_cli.errors import DataError, FileError, GradcheckError
from gradcheck_cli.files import LIMIT
from gradcheck_cli.train.backends.memory import padded
from gradcheck_cli.train.cache import left_behind, part_of
from gradcheck_cli.train.data.datasets import CLASSES, DATASETS
from gradcheck_cli.train.loop import Epoch, Position
from gradcheck_cli.train.network import Network, read_network
from gradcheck_cli.train.programs.updates import UPDATES
from gradcheck_cli.train.recipes import Recipe, checked

if TYPE_CHECKING:
    from pathlib import Path

    from gradcheck_cli.train.loop import Trainer

FORMAT = "gradcheck model 1"
_MOST_META = 4_000_000
BACKENDS = ("numpy", "c", "tape")


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
    part = part_of(path)
    try:
        with zipfile.ZipFile(part, "w", zipfile.ZIP_STORED) as file:
            file.writestr("model.json", json.dumps(meta, indent=1))
            for kind, arrays in (("param", engine.params), ("state", engine.states)):
                for name, array in arrays.items():
                    file.writestr(f"{kind}/{name}.npy", _bytes(array))
        with part.open("rb+") as written:
            os.fsync(written.fileno())
        part.replace(path)
        _tidy(path)
    except BaseException as error:
        part.unlink(missing_ok=True)
        if not isinstance(error, OSError):
            raise
        message = f"{path}: cannot be written: {error.strerror or error}"
        raise FileError(message, hint="name another file") from error


def _tidy(path: Path) -> None:
    """Remove what a kill in the middle of writing left."""
    for left in left_behind(path):
        with contextlib.suppress(OSError):
            left.unlink()


def _bytes(array: Any) -> bytes:
    file = io.BytesIO()
    np.lib.format.write_array(file, np.ascontiguousarray(array), allow_pickle=False)
    return file.getvalue()


def load(path: Path) -> Model:
    """Read a model file; FileError where it is not there, DataError where it is none, cut off, or does not fit itself."""
    try:
        if not stat.S_ISREG(path.stat().st_mode) and not path.is_dir():
            raise _foreign(path)  # a device may have no end, a pipe no beginning
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
    meta = json.loads(_member(file, "model.json", _MOST_META))
    text, dataset, backend = (
        _required(type(meta[name]) is str, meta[name]) for name in ("network", "dataset", "backend")
    )
    rows, top, features, classes = (_whole(meta[name]) for name in ("rows", "top", "features", "classes"))
    size = tuple(map(_whole, meta["size"]))
    _required(meta["format"] == FORMAT and len(text) <= LIMIT and len(size) == 2)
    _required(dataset in DATASETS and backend in BACKENDS and math.prod(size) == features)
    _required(top <= 255 and classes == CLASSES)
    recipe = checked(_filled(Recipe, meta["recipe"] | {"hidden": tuple(meta["recipe"]["hidden"])}))
    network = read_network(text, "network", features, classes, recipe.hidden)
    shapes = network.parameters()
    params = {name: _array(file, f"param/{name}.npy", shape, recipe.dtype) for name, shape in shapes.items()}
    states = {}
    for name in meta["states"]:
        kind, param = name.split(":", 1)
        _required(kind in UPDATES[recipe.optimizer]().states)
        states[name] = _array(file, f"state/{name}.npy", shapes[param], recipe.dtype)
    _required(bool(states) == bool(UPDATES[recipe.optimizer]().states))
    position, history = _filled(Position, meta["position"]), tuple(_filled(Epoch, one) for one in meta["history"])
    _required(position.epoch == len(history) <= recipe.epochs)
    _required(all(one.epoch == at for at, one in enumerate(history)))
    _required(position.chunk >= 0 and 0 <= position.right <= position.rows and math.isfinite(position.loss))
    return Model(network, recipe, params, states, position, history, dataset, (size[0], size[1]), top, backend, rows)


_KINDS: dict[str, tuple[type, ...]] = {
    "int": (int,),
    "float": (int, float),
    "str": (str,),
    "bool": (bool,),
    "tuple[int, ...]": (tuple,),
}


def _filled(kind: type[Any], values: dict[str, Any]) -> Any:
    """A dataclass from what a file says; ValueError where a value is of another type."""
    made = kind(**values)
    for one in fields(made):
        _required(type(getattr(made, one.name)) in _KINDS[str(one.type)])
    if isinstance(made, Recipe):
        for size in made.hidden:
            _whole(size)
    return made


def _whole(value: Any) -> int:
    """A whole number from 1 on."""
    return int(_required(type(value) is int and value >= 1, value))


def _required(good: bool, value: Any = None) -> Any:  # noqa: FBT001
    """The value itself; ValueError where something that must hold does not."""
    if not good:
        raise ValueError
    return value


def _member(file: zipfile.ZipFile, name: str, most: int) -> bytes:
    """A member of at most so many bytes, stored as it is: nothing here was ever compressed."""
    info = file.getinfo(name)
    _required(info.compress_type == zipfile.ZIP_STORED and info.file_size <= most)
    return file.read(name)


def _array(file: zipfile.ZipFile, name: str, shape: tuple[int, ...], dtype: str) -> Any:
    """An array of a file: its size is checked before it is read, its header before its data."""
    wanted = math.prod(shape) * np.dtype(dtype).itemsize
    content = _member(file, name, wanted + 4096)
    found = np.lib.format.read_array(io.BytesIO(content), allow_pickle=False, max_header_size=4000)
    _required(found.shape == shape and found.dtype == np.dtype(dtype) and bool(np.isfinite(found).all()))
    array = padded(shape, dtype)
    array[...] = found
    return array
