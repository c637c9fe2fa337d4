"""The training loop: chunks of rows, epochs, where it stands and how it is stopped.

Everything random is drawn from (seed, epoch, chunk), so a run that was stopped goes on bit for bit.
"""

from __future__ import annotations

import itertools
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from gradcheck_cli.errors import GradcheckError
from gradcheck_cli.train.data.augment import Bank, Warper, bank
from gradcheck_cli.train.engine import CHUNK, Engine, Records, fill_onehot
from gradcheck_cli.train.metrics import Score, mosaic, score
from gradcheck_cli.train.programs.updates import step_scalars

if TYPE_CHECKING:
    from collections.abc import Callable

    from gradcheck_cli.train.data.datasets import Dataset

_ORDER, _BANK, _ROWS, _MASKS = range(4)  # streams of random numbers
_SHIFTS = ((0, 0), (1, 0), (-1, 0), (0, 1), (0, -1))


@dataclass(slots=True)
class Position:
    """How far a run is: whole epochs, chunks of the next, and sums over those."""

    epoch: int = 0
    chunk: int = 0
    loss: float = 0.0
    right: int = 0
    rows: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Epoch:
    """The figures of a finished epoch, counted from 0; `seconds` are those of its training."""

    epoch: int
    train_loss: float
    train_accuracy: float
    test_loss: float
    test_accuracy: float
    seconds: float


@dataclass(slots=True)
class Trainer:
    """A run over a data set."""

    engine: Engine
    dataset: Dataset
    position: Position = field(default_factory=Position)
    history: list[Epoch] = field(default_factory=list)
    stop: Callable[[], bool] = lambda: False
    _warper: Warper | None = None
    _bank: tuple[int, Bank] | None = None
    _order: tuple[int, Any] | None = None

    @property
    def rows(self) -> int:
        """How many rows train."""
        return self.engine.recipe.used(len(self.dataset.images))

    @property
    def batch(self) -> int:
        """Rows of a step."""
        return min(self.engine.recipe.batch_size, self.rows)

    @property
    def scale(self) -> float:
        """What makes a pixel a number from 0 to 1."""
        return 1 / self.dataset.top

    def first_layer(self) -> Any:
        """A picture of the first matrix that multiplies pixels; None where there is none."""
        pixels = self.dataset.images.shape[1]
        for array in self.engine.params.values():
            if array.ndim == 2 and pixels in array.shape:
                return mosaic(array if len(array) == pixels else array.T, self.dataset.size)
        return None

    def run(self, chunk_done: Callable[[Position], None], epoch_done: Callable[[Epoch], None]) -> bool:
        """Train to the end, or until `stop` says so between two chunks; whether the end was reached."""
        while self.position.epoch < self.engine.recipe.epochs:
            for rows, first_step in self._chunks()[self.position.chunk :]:
                if self.stop():
                    return False
                began = time.perf_counter()
                self._chunk(rows, first_step)
                self.position.seconds += time.perf_counter() - began
                self.position.chunk += 1
                chunk_done(self.position)
            self._finish(epoch_done)
        return True

    def _finish(self, epoch_done: Callable[[Epoch], None]) -> None:
        at = self.position
        self._finite_parameters()
        train = (at.loss / max(at.rows, 1), at.right / max(at.rows, 1))
        if self.engine.recipe.name == "homework":  # the homework measures after the epoch
            found = self._score(self.dataset.images[: self.rows], self.dataset.labels[: self.rows])
            train = (found.loss, found.accuracy)
        test = self.evaluate()
        figures = Epoch(at.epoch, *train, test.loss, test.accuracy, at.seconds)
        self.history.append(figures)
        self.position = Position(at.epoch + 1)
        epoch_done(figures)

    def evaluate(self, views: int = 1) -> Score:
        """The score on the test rows, each read at so many places."""
        labels = self.dataset.test_labels
        if views == 1:
            return self._score(self.dataset.test_images, labels)
        total, losses = np.zeros((len(labels), self.dataset.classes)), []
        for start in range(0, len(labels), CHUNK):
            part = slice(start, start + CHUNK)
            for shift in _SHIFTS[:views]:
                found = self.engine.forward(self._shifted(part, *shift), labels[part], self.scale)
                total[part] += np.exp(found.log_p)
                losses.append(found.losses)
        own = None if losses[0] is None else np.concatenate(losses)
        return score(np.log(np.maximum(total / views, 1e-300)), labels, own)

    def _score(self, images: Any, labels: Any) -> Score:
        found = self.engine.forward(images, labels, self.scale)
        return score(found.log_p, labels, found.losses)

    def _shifted(self, part: slice, down: int, right: int) -> Any:
        rows, columns = self.dataset.size
        images = self.dataset.test_images[part].reshape(-1, rows, columns)
        moved = np.zeros_like(images)
        into = (slice(max(down, 0), rows + min(down, 0)), slice(max(right, 0), columns + min(right, 0)))
        out = (slice(max(-down, 0), rows + min(-down, 0)), slice(max(-right, 0), columns + min(-right, 0)))
        moved[:, into[0], into[1]] = images[:, out[0], out[1]]
        return moved.reshape(len(images), -1)

    def _chunks(self) -> list[tuple[slice, int]]:
        """The epoch's chunks: whole steps, and rows that are left over as a smaller last step."""
        batch = self.batch
        size = max(CHUNK // batch, 1) * batch
        whole = self.rows // batch * batch
        steps = -(-self.rows // batch)
        ends = [*range(0, whole, size), whole]
        pairs = [slice(a, b) for a, b in itertools.pairwise(ends)]
        if whole < self.rows:
            pairs.append(slice(whole, self.rows))
        return [(rows, self.position.epoch * steps + rows.start // batch) for rows in pairs]

    def steps(self) -> int:
        """How many steps the whole run has."""
        return -(-self.rows // self.batch) * self.engine.recipe.epochs

    def random(self, stream: int, chunk: int = 0) -> Any:
        """Random numbers for one purpose, the same whenever they are asked for."""
        return np.random.default_rng([self.engine.recipe.seed, self.position.epoch, stream, chunk])

    def _chunk(self, rows: slice, first_step: int) -> None:
        count = rows.stop - rows.start
        step = min(self.batch, count)
        feeds, labels = self.prepared(rows)
        scalars = self._scalars(first_step, count // step)
        records = self.engine.run(feeds, step, scalars, train=True)
        self._finite(records, first_step, step)
        found = score(records.log_p, labels, records.losses)
        self.position.loss += found.loss * count
        self.position.right += int((found.taken == labels).sum())
        self.position.rows += count

    def prepared(self, rows: slice) -> tuple[dict[str, Any], Any]:
        """The feeds of a chunk, and its labels."""
        recipe, network = self.engine.recipe, self.engine.network
        order = self._order_of_epoch()
        where = rows if order is None else order[rows]
        images, labels = self.dataset.images[: self.rows][where], self.dataset.labels[: self.rows][where]
        feeds = self.engine.feeds(len(images))
        if recipe.augment:
            self._warp(images, feeds[network.data.name])
        else:
            np.multiply(images, np.asarray(self.scale, recipe.dtype), out=feeds[network.data.name])
        fill_onehot(feeds[network.target.name], labels, recipe.smoothing)
        random = self.random(_MASKS, self.position.chunk)
        for name in network.masks:
            kept = random.random(feeds[name].shape, np.float32) >= recipe.dropout
            np.multiply(kept, np.asarray(1 / (1 - recipe.dropout), recipe.dtype), out=feeds[name])
        return feeds, labels

    def _order_of_epoch(self) -> Any:
        if not self.engine.recipe.shuffle:
            return None
        if self._order is None or self._order[0] != self.position.epoch:
            self._order = (self.position.epoch, self.random(_ORDER).permutation(self.rows))
        return self._order[1]

    def _warp(self, images: Any, out: Any) -> None:
        recipe = self.engine.recipe
        if self._warper is None:
            self._warper = Warper(self.dataset.size, recipe.dtype)
        if self._bank is None or self._bank[0] != self.position.epoch:
            drawn = bank(self.dataset.size, recipe.augment, self.random(_BANK), recipe.dtype)
            self._bank = (self.position.epoch, drawn)
        self._warper.warp(images, self._bank[1], self.random(_ROWS, self.position.chunk), self.scale, out)

    def _scalars(self, first: int, count: int) -> dict[str, Any]:
        recipe, total = self.engine.recipe, self.steps()
        steady = recipe.schedule == "constant" and not recipe.warmup
        steps = (first,) if steady else range(first, first + count)
        rates = np.resize([recipe.rate(step, total) for step in steps], count)
        return step_scalars(recipe.optimizer, rates, first, recipe.weight_decay)

    def _finite(self, records: Records, first_step: int, step: int) -> None:
        good = records.finite
        if good.all():
            return
        at = first_step + int((~good).argmax()) // step
        message = f"step {at + 1} of epoch {self.position.epoch}: the loss is not a finite number; {self._cause()}"
        raise GradcheckError(message, hint=f"a rate smaller than {self.engine.recipe.lr:g} may help: --lr")

    def _finite_parameters(self) -> None:
        if any(not np.isfinite(array).all() for array in self.engine.params.values()):
            message = f"epoch {self.position.epoch}: {self._cause()}"
            raise GradcheckError(message, hint=f"a rate smaller than {self.engine.recipe.lr:g} may help: --lr")

    def _cause(self) -> str:
        for name, array in self.engine.params.items():
            if not np.isfinite(array).all():
                return f"{name} has overflowed"
        largest = max(self.engine.params, key=lambda name: float(np.abs(self.engine.params[name]).max()))
        return f"parameters have grown to {float(np.abs(self.engine.params[largest]).max()):.2g} in {largest}"
