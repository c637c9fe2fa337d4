"""A network's programs on one back end: training steps, forward passes, and what they hand out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from gradcheck_cli.errors import UnsupportedError
from gradcheck_cli.late import late
from gradcheck_cli.train import metrics
from gradcheck_cli.train.backends.memory import aligned, padded
from gradcheck_cli.train.backends.numpy_backend import NumpyBackend
from gradcheck_cli.train.programs.compiling import LOGITS, compile_program
from gradcheck_cli.train.programs.trace import shape_of
from gradcheck_cli.train.programs.updates import UPDATES, Update, momentum, nesterov

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gradcheck_cli.train.backends import tape_backend
    from gradcheck_cli.train.network import Network
    from gradcheck_cli.train.programs.program import Program
    from gradcheck_cli.train.recipes import Recipe
else:
    tape_backend = late("gradcheck_cli.train.backends.tape_backend")

CHUNK = 4000  # rows prepared at a time
EVALUATED = 500  # rows of a forward pass


class Bound(Protocol):
    """A program that is ready to run."""

    def run(self, feeds: Mapping[str, Any], steps: int, scalars: Mapping[str, Any], records: Mapping[str, Any]) -> None:
        """Do steps; every mapping's arrays have a first axis of steps."""


class Backend(Protocol):
    """What runs programs: `bind(program, dtype, params, states)` where they are compiled, the tape where they are walked."""

    name: str


@dataclass(slots=True)
class Records:
    """What a run handed out, for each row: log probabilities, and its step's loss where that cannot be told from them.

    `finite` says whether what the graph gave are numbers; the logarithm of a probability of 0 is none.
    """

    log_p: Any
    finite: Any
    losses: Any = None


@dataclass(slots=True)
class Engine:
    """Parameters, the optimizer's states, and the programs that change them.

    `usual` is how many rows a step has; `programs` are known by their rows and whether they train, and may be shared with
    another engine of the same network and recipe.
    """

    network: Network
    recipe: Recipe
    backend: Backend
    params: dict[str, Any]
    states: dict[str, Any] = field(default_factory=dict)
    usual: int = 0
    programs: dict[tuple[int, bool], Program] = field(default_factory=dict)
    _bound: dict[tuple[int, bool], tuple[Program, Bound]] = field(default_factory=dict)
    _memory: dict[str, Any] = field(default_factory=dict)
    _widths: dict[str, int] = field(default_factory=dict)

    def optimizer(self) -> Update:
        """The recipe's."""
        moving = {"momentum": momentum, "nesterov": nesterov}.get(self.recipe.optimizer)
        return moving(self.recipe.momentum) if moving else UPDATES[self.recipe.optimizer]()

    def program(self, rows: int, *, train: bool) -> tuple[Program, Bound]:
        """The program for so many rows at once, compiled and bound at its first use."""
        key = (rows, train)
        if key not in self._bound:
            update = self.optimizer() if train else None
            walked = self.backend.name == "tape"
            made = self._walked(rows, update) if walked else (self._planned(rows, update), None)
            program = made[0]
            for name, shape in program.states.items():
                if name not in self.states:
                    self.states[name] = padded(shape, self.recipe.dtype)
            bound = made[1] or self._backend(rows).bind(program, self.recipe.dtype, self.params, self.states)
            self._bound[key] = (program, bound)
        return self._bound[key]

    def _walked(self, rows: int, update: Update | None) -> tuple[Program, Bound]:
        feeds = (self.network.data.name, self.network.target.name, *self.network.masks)
        return tape_backend.walk(self.network.at(rows), feeds, self._prediction(rows), update, self.params, self.states)

    def _planned(self, rows: int, update: Update | None) -> Program:
        key = (rows, update is not None)
        if key not in self.programs:
            self.programs[key] = self._compiled(rows, update)
        return self.programs[key]

    def _compiled(self, rows: int, update: Update | None) -> Program:
        graph = self.network.at(rows)
        decay = update is not None and self.recipe.weight_decay > 0
        program = compile_program(graph, update, {"logits": LOGITS}, decay=decay)
        if "logits" in program.records:
            return program
        outputs = {"loss": graph.output, "prediction": self._prediction(rows)}
        return compile_program(graph, update, outputs, decay=decay)

    def _backend(self, rows: int) -> Any:
        """The back end for so many rows: a compilation pays only for the usual ones."""
        return self.backend if rows in (self.usual, EVALUATED) else NumpyBackend()

    def warm(self, batch: int, tested: int) -> None:
        """Begin to compile what every epoch needs; a step of left-over rows is not worth it and runs with NumPy."""
        self.usual = batch
        self._bound.clear()
        self.program(batch, train=True)
        if self.network.batch and tested >= EVALUATED:
            self.program(EVALUATED, train=False)

    def _prediction(self, rows: int) -> str:
        """The last node with the shape of the labels that is not computed from them."""
        graph, target = self.network.at(rows), self.network.target.name
        wanted = shape_of(graph, target)
        for node in reversed(graph.nodes):
            if shape_of(graph, node.name) == wanted and target not in graph.ancestors[node.name]:
                return node.name
        message = f"no node has the shape of {self.network.target.name}, so nothing predicts a class"
        raise UnsupportedError(message, hint="give the probabilities a node of their own")

    def run(self, feeds: Mapping[str, Any], rows: int, scalars: Mapping[str, Any], *, train: bool) -> Records:
        """Steps of `rows` rows each over all rows of the feeds."""
        program, bound = self.program(rows, train=train)
        total = len(feeds[self.network.data.name])
        steps = total // rows
        shaped = {name: feeds[name].reshape(steps, *shape) for name, shape in program.feeds.items()}
        records = {name: self.memory(f"out {name}", steps, *shape) for name, shape in program.records.items()}
        bound.run(shaped, steps, scalars, records)
        if "logits" in records:
            log_p = metrics.log_softmax(records["logits"].reshape(total, -1))
            return Records(log_p, np.isfinite(log_p).all(axis=1))
        prediction = records["prediction"].reshape(total, -1).astype(float)
        losses = np.repeat(records["loss"].astype(float), rows)
        good = np.isfinite(prediction).all(axis=1) & np.isfinite(losses)
        return Records(metrics.log_parts(prediction), good, losses)

    def memory(self, name: str, *shape: int) -> Any:
        """An array in memory that is used again by the next call for this name: training and passes forward take turns."""
        count = int(np.prod(shape))
        if name not in self._memory or len(self._memory[name]) < count:
            self._memory[name] = aligned(max(count, 1), self.recipe.dtype)
        return self._memory[name][:count].reshape(shape)

    def forward(self, rows_of: Any, labels: Any, scale: float) -> Records:
        """A pass over rows of bytes, `EVALUATED` at a time; dropout is off."""
        found = []
        size = EVALUATED if self.network.batch else 1
        for start in range(0, len(rows_of), CHUNK):
            part, told = rows_of[start : start + CHUNK], labels[start : start + CHUNK]
            whole = len(part) // size * size
            for first, last, rows in ((0, whole, size), (whole, len(part), len(part) - whole)):
                if last > first:
                    feeds = self.feeds(last - first)
                    np.multiply(
                        part[first:last], np.asarray(scale, self.recipe.dtype), out=feeds[self.network.data.name]
                    )
                    fill_onehot(feeds[self.network.target.name], told[first:last], 0.0)
                    for name in self.network.masks:
                        feeds[name].fill(1)
                    found.append(self.run(feeds, rows, {}, train=False))
        losses = None if found[0].losses is None else np.concatenate([one.losses for one in found])
        log_p, finite = (
            np.concatenate(parts) for parts in zip(*((one.log_p, one.finite) for one in found), strict=True)
        )
        return Records(log_p, finite, losses)

    def feeds(self, rows: int) -> dict[str, Any]:
        """Memory for the data, labels and masks of so many rows."""
        names = (self.network.data.name, self.network.target.name, *self.network.masks)
        if not self._widths:
            graph = self.network.at(1)
            self._widths = {name: int(np.prod(shape_of(graph, name))) for name in names}
        return {name: self.memory(name, rows, self._widths[name]) for name in names}


def fill_onehot(out: Any, labels: Any, smoothing: float) -> None:
    """Rows of labels: 1 at the label, or a part of it spread over all classes."""
    out.fill(smoothing / out.shape[1])
    out[np.arange(len(labels)), labels] += 1 - smoothing
