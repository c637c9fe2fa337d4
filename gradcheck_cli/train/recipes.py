"""Recipes: everything that decides what a training does, and three sets of it that were measured."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

from gradcheck_cli.errors import GradcheckError
from gradcheck_cli.train.network import ACTIVATIONS
from gradcheck_cli.train.programs.updates import UPDATES

SCHEDULES = ("constant", "linear", "cosine")


@dataclass(frozen=True, slots=True)
class Recipe:
    """Settings of a training.

    `rows`       how many rows train, from the first on; 0 for all
    `shuffle`    whether each epoch has an order of its own; else the file's
    `augment`    strength of the random warps; 0 for none
    `warmup`     part of all steps in which the rate rises to its full size
    `weight_decay` decoupled: each step shrinks the parameters by rate times this
    `views`      at how many places a test image is read in the end (1 or 5); the probabilities are averaged
    `initial`    how parameters begin: `he` (normal, biases 0) or `homework` (Xavier uniform, biases uniform in [0, 1))
    `smoothing`  part of each label that is spread over all classes
    """

    name: str = "default"
    hidden: tuple[int, ...] = (256, 128)
    activation: str = "relu"
    epochs: int = 5
    batch_size: int = 128
    lr: float = 0.1
    optimizer: str = "nesterov"
    momentum: float = 0.9
    schedule: str = "cosine"
    warmup: float = 0.1
    dropout: float = 0.0
    weight_decay: float = 0.0
    augment: float = 0.5
    views: int = 1
    smoothing: float = 0.0
    initial: str = "he"
    shuffle: bool = True
    rows: int = 0
    dtype: str = "float32"
    seed: int = 1

    def used(self, available: int) -> int:
        """How many of the rows that there are train."""
        return min(self.rows or available, available)

    def rate(self, step: int, steps: int) -> float:
        """The rate of a step, counted from 0, of all steps."""
        warm = round(self.warmup * steps)
        if step < warm:
            return self.lr * (step + 1) / (warm + 1)
        done = (step - warm) / max(steps - warm, 1)
        if self.schedule == "cosine":
            return self.lr * (1 + math.cos(math.pi * done)) / 2
        return self.lr * (1 - done) if self.schedule == "linear" else self.lr


HOMEWORK = Recipe(
    name="homework",
    hidden=(128,),
    activation="sigmoid",
    epochs=10,
    batch_size=1,
    lr=0.01,
    optimizer="sgd",
    schedule="constant",
    warmup=0.0,
    augment=0.0,
    initial="homework",
    shuffle=False,
    rows=30_000,
)
BEST = Recipe(name="best", hidden=(768, 384), epochs=25, augment=1.0, weight_decay=0.0005, views=5)
DIGITS = Recipe(name="digits", hidden=(512, 256), epochs=80, batch_size=32, lr=0.05, augment=0.8)
RECIPES = {"default": Recipe(), "homework": HOMEWORK, "best": BEST}


def recipe(name: str, dataset: str, changes: dict[str, Any]) -> Recipe:
    """A recipe for a data set with settings changed; GradcheckError for a setting that makes no sense."""
    base = RECIPES[name]
    if dataset == "digits" and name == "default":
        base = DIGITS
    found = replace(base, **{key: value for key, value in changes.items() if value is not None})
    return checked(found)


def checked(found: Recipe) -> Recipe:
    """The recipe itself; GradcheckError for the first setting that makes no sense."""
    for setting, good, hint in _limits(found):
        if not good:
            value = getattr(found, setting)
            told = ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
            message = f"--{setting.replace('_', '-')} is {told[:50]}"
            raise GradcheckError(message, hint=hint)
    return found


def _limits(found: Recipe) -> tuple[tuple[str, bool, str], ...]:
    return (
        ("epochs", 1 <= found.epochs <= 1_000_000, "from 1 to 1000000 are trained"),
        ("batch_size", 1 <= found.batch_size <= 60_000, "from 1 to 60000 images make a step"),
        ("lr", 0 < found.lr < math.inf, "the rate is positive"),
        ("dropout", 0 <= found.dropout < 1, "a part from 0 to less than 1 is dropped"),
        ("weight_decay", 0 <= found.weight_decay * found.lr < 1, "lr times weight decay is from 0 to less than 1"),
        ("augment", 0 <= found.augment <= 3, "a strength from 0 to 3"),
        ("optimizer", found.optimizer in UPDATES, f"one of {', '.join(UPDATES)}"),
        ("schedule", found.schedule in SCHEDULES, f"one of {', '.join(SCHEDULES)}"),
        ("activation", found.activation in ACTIVATIONS, f"one of {', '.join(ACTIVATIONS)}"),
        ("dtype", found.dtype in ("float32", "float64"), "float32 or float64"),
        ("seed", 0 <= found.seed <= 2**31, f"from 0 to {2**31}"),
        ("momentum", 0 <= found.momentum < 1, "from 0 to less than 1"),
        ("warmup", 0 <= found.warmup <= 1, "a part from 0 to 1"),
        ("views", found.views in (1, 5), "1 or 5"),
        ("smoothing", 0 <= found.smoothing < 1, "a part from 0 to less than 1"),
        ("initial", found.initial in ("he", "homework"), "he or homework"),
        ("rows", found.rows >= 0, "0 for all, or how many"),
        ("hidden", all(1 <= size <= 16_384 for size in found.hidden), "sizes from 1 to 16384, as in 512,512"),
    )
