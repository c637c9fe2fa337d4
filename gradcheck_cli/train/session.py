"""A training from what a user asked for: data, network, back end, checks; and where its state is kept."""

from __future__ import annotations

import contextlib
import math
import os
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from gradcheck_cli.errors import GradcheckError, UnsupportedError
from gradcheck_cli.late import late
from gradcheck_cli.problem import load as load_problem
from gradcheck_cli.train.backends import blas
from gradcheck_cli.train.backends.numpy_backend import NumpyBackend
from gradcheck_cli.train.cache import cache_folder
from gradcheck_cli.train.data.datasets import CLASSES, Dataset, Reading, reading
from gradcheck_cli.train.engine import Backend, Engine
from gradcheck_cli.train.initial import initial
from gradcheck_cli.train.loop import Trainer
from gradcheck_cli.train.network import Network, mlp, read_network
from gradcheck_cli.train.recipes import Recipe, recipe

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from gradcheck_cli.train import check, checkpoint
    from gradcheck_cli.train.backends import c_backend, tape_backend
    from gradcheck_cli.train.checkpoint import Model
else:
    c_backend, checkpoint = late("gradcheck_cli.train.backends.c_backend"), late("gradcheck_cli.train.checkpoint")
    check, tape_backend = late("gradcheck_cli.train.check"), late("gradcheck_cli.train.backends.tape_backend")

_PAYS = 2.0  # seconds with NumPy from which on a compiled program is worth its compilation
_NUMPY_SPEED, _NUMPY_STEP = 5e10, 2e-5  # rough: operations a second, seconds a step
_TRIAL = 0.025  # seconds a number of threads is tried for
_WORTH_SAYING = 1.25  # so much slower than one thread
_STANDING = {name: np.zeros(1) for name in ("lr", "keep", "rate", "epsilon")}  # what a step brings that is for nothing


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a user asked for; `changes` are settings of the recipe, None for those not mentioned."""

    dataset: str
    recipe: str = "default"
    changes: dict[str, Any] = field(default_factory=dict)
    folder: Path | None = None
    network: str = ""
    backend: str = "auto"
    threads: int = 0
    resume: Path | None = None
    checked: bool = True


def begin(wishes: Wishes, say: Callable[[str], None], read: Callable[[], Reading] | None = None) -> Trainer:
    """A trainer that is ready to run; `say` gets a line for everything that was decided or checked.

    `read` gives the data, which may be being read already. A compiler begins before it is there.
    """
    if (library := blas.find()) is not None:
        # the checks too: beside a busy neighbour two threads wait for each other
        library.set_threads(min(wishes.threads or 1, _processors()))
    model = checkpoint.load(wishes.resume) if wishes.resume else None
    if model and model.dataset != wishes.dataset:
        message = f"{wishes.resume}: this model was trained on {model.dataset}"
        raise GradcheckError(message, hint=f"write gradcheck train {model.dataset} --resume {wishes.resume}")
    source = (read() if read else reading(wishes.dataset, wishes.folder)).begin()
    settings = model.recipe if model else recipe(wishes.recipe, wishes.dataset, wishes.changes)
    network = model.network if model else _network(wishes, settings, source.pixels)
    if not network.batch and settings.batch_size != 1:
        message = f"the network takes one example at a time, and --batch-size is {settings.batch_size}"
        raise GradcheckError(message, hint="write --batch-size 1, or give the data a batch: X: {shape: [m, dx]}")
    held = (model.params, dict(model.states)) if model else ({}, {})
    engine = Engine(network, settings, NumpyBackend(), *held)
    wanted = model.backend if model and wishes.backend == "auto" else wishes.backend
    backends = _candidates(wanted, engine, settings.used(source.rows), say)
    _head_start(engine, backends[0], settings.used(source.rows))
    if not model:
        engine.params.update(_first(network, settings))
    trainer = Trainer(engine, _fitting(source.dataset(), wishes, model))
    if model:
        trainer.position, trainer.history = model.position, list(model.history)
    _ready(trainer, backends, wishes, say)
    return trainer


def _first(network: Network, settings: Recipe) -> dict[str, Any]:
    """Parameters as they begin: drawn, or as the network's file says."""
    found = initial(network.parameters(), settings.initial, settings.seed, settings.dtype)
    for name, entries in network.given().items():
        found[name][...] = np.reshape(entries, found[name].shape)
    return found


def _fitting(dataset: Dataset, wishes: Wishes, model: Model | None) -> Dataset:
    """The data itself; GradcheckError where a model was trained on other data."""
    if model and (model.size != dataset.size or model.rows != model.recipe.used(len(dataset.images))):
        message = f"{wishes.resume}: this model was trained on {model.rows:,} images of {model.size[0]}x{model.size[1]}"
        raise GradcheckError(message, hint="go on with the same data")
    return dataset


def _network(wishes: Wishes, settings: Recipe, features: int) -> Network:
    as_taught = settings.activation == "sigmoid" and len(settings.hidden) == 1 and not settings.dropout
    if wishes.network or (settings.name == "homework" and as_taught):
        problem = load_problem(wishes.network or "mnist-mlp")
        found = read_network(problem.source.text, problem.name, features, CLASSES, settings.hidden)
        _heeded(wishes, found)
        return found
    text = mlp(settings.hidden, settings.activation, dropout=settings.dropout > 0)
    return read_network(text, "mlp", features, CLASSES, settings.hidden)


def _heeded(wishes: Wishes, network: Network) -> None:
    """Refuse settings that would do nothing to a network from a file."""
    given = {name for name, value in wishes.changes.items() if value is not None}
    if not wishes.network:
        return
    if "activation" in given or ("dropout" in given and not network.masks):
        name = "activation" if "activation" in given else "dropout"
        message = f"--{name} does nothing to the network of {wishes.network}"
        raise GradcheckError(message, hint="leave it out, or write it into the file")
    if "hidden" in given and len(wishes.changes["hidden"]) > len(network.hidden):
        count = len(network.hidden)
        message = f"the network of {wishes.network} leaves {count} size{'s' * (count != 1)} open"
        raise GradcheckError(message, hint=f"give as many with --hidden, not {len(wishes.changes['hidden'])}")


def _ready(trainer: Trainer, backends: list[Backend], wishes: Wishes, say: Callable[[str], None]) -> None:
    """Check the gradient, then choose a back end whose program agrees with the tape, and a number of threads."""
    engine, batch = trainer.engine, trainer.batch
    feeds, _ = trainer.prepared(slice(0, batch))
    if wishes.checked:
        found = check.gradient(engine, feeds, batch)
        probed = "" if found.probed is None else f", {max(found.probed, 1e-16):.0e} of 50-digit ones"
        say(f"gradient: within {found.error:.0e} of differences ({found.directions} directions){probed}")
    for backend in backends:
        wrong = check.program(engine, backend, feeds, batch)
        if not wrong:
            engine.backend = backend
            engine.warm(trainer.batch, len(trainer.dataset.test_images))
            break
        say(f"{backend.name}: {wrong}; it is not used")
    else:
        message = "no back end agrees with the reference"
        raise GradcheckError(message, hint="--backend tape trains with the reference itself")
    say(f"back end: {engine.backend.name}, {_threads(trainer, wishes, feeds)}")


def _head_start(engine: Engine, backend: Backend, rows: int) -> None:
    """Let a compiler begin, before there are parameters; what it cannot do is said when its program is compared.

    The program for test images, which nobody waits for yet, is left until then.
    """
    if backend.name != "c":
        return
    engine.backend = backend
    with contextlib.suppress(UnsupportedError):
        engine.warm(min(engine.recipe.batch_size, rows), tested=0)


def _candidates(wanted: str, engine: Engine, rows: int, say: Callable[[str], None]) -> list[Backend]:
    """Back ends in the order in which they are tried; the one that is asked for comes first."""
    names = ["numpy", "tape"] if wanted in ("auto", "c") else [wanted]
    pays = wanted == "auto" and seconds_with_numpy(engine, rows) > _PAYS
    if (pays or wanted == "c") and c_backend.compiler() is not None:
        names.insert(0, "c")
    elif wanted == "c":
        say("c: there is no C compiler; it is not used")
    return [_backend(name) for name in names]


def _backend(name: str) -> Backend:
    if name == "numpy":
        return NumpyBackend()
    return c_backend.CBackend() if name == "c" else tape_backend.TapeBackend()


def seconds_with_numpy(engine: Engine, rows: int) -> float:
    """About how long a run over so many rows takes with NumPy."""
    size = sum(map(math.prod, engine.network.parameters().values()))
    steps = -(-rows // min(engine.recipe.batch_size, rows))
    return float(engine.recipe.epochs * (rows * 6 * size / _NUMPY_SPEED + steps * _NUMPY_STEP))


def _threads(trainer: Trainer, wishes: Wishes, feeds: dict[str, Any]) -> str:
    library = blas.find()
    if trainer.engine.backend.name != "numpy":
        return "1 thread"
    if library is None:
        return "as many threads as NumPy's products take"
    count, remark = min(wishes.threads, _processors()), ""
    if not count:
        library.set_threads(1)
        count = 2 if _two_are_faster(trainer, library, feeds) else 1
        library.set_threads(count)
    elif count > 1:
        remark = _slower(_trial(trainer, library, feeds, count))
    return f"{count} thread{'s' if count > 1 else ''}, OpenBLAS for {library.core()}{remark}"


def _processors() -> int:
    """How many threads can run at once here; more would only wait for each other."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _slower(means: tuple[float, float]) -> str:
    """What is to be said of a number of threads that was asked for and is slower than one, as beside busy neighbours."""
    if means[1] < _WORTH_SAYING * means[0]:
        return ""
    return f"; one thread is {means[1] / means[0]:.1f} times as fast at the moment"


def _two_are_faster(trainer: Trainer, library: blas.Blas, feeds: dict[str, Any]) -> bool:
    """Whether a short trial says so by a fifth; small steps never gain."""
    if _processors() < 2 or trainer.batch < 64:
        return False
    one, two = _trial(trainer, library, feeds, 2)
    return two < 0.8 * one


def _trial(trainer: Trainer, library: blas.Blas, feeds: dict[str, Any], count: int) -> tuple[float, float]:
    """Seconds a step with one thread, and with so many; these are left set."""
    engine = trainer.engine
    params = {name: one.copy() for name, one in engine.params.items()}
    copy = Engine(engine.network, engine.recipe, engine.backend, params, programs=engine.programs)
    means = []
    for threads in (1, count):
        library.set_threads(threads)
        copy.run(feeds, trainer.batch, _STANDING, train=True)
        steps, began = 0, time.perf_counter()
        while time.perf_counter() - began < _TRIAL:
            copy.run(feeds, trainer.batch, _STANDING, train=True)
            steps += 1
        means.append((time.perf_counter() - began) / steps)
    return means[0], means[1]


def close() -> None:
    """End compilations that nobody waits for any more."""
    if "gradcheck_cli.train.backends.c_backend" in sys.modules:
        c_backend.stop_all()


def state_file(wishes: Wishes, save: Path | None) -> Path:
    """Where the state of a run is kept: the file asked for, the one it goes on from, or one of its own in the cache."""
    if save is not None and save.suffix != ".safetensors":
        return save
    if wishes.resume is not None:
        return wishes.resume
    return cache_folder("runs") / f"{wishes.dataset}-{os.getpid()}.model"
